# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Immuta stand-in, as an HTTP client sees it: every variant, every fault, and a contract check that bites."""

from __future__ import annotations

import email.utils
import json
import statistics
import threading
import time
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
import yaml

from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.tests.doubles import (
    databricks_sql,
    immuta_contract,
    immuta_tenant,
    snowflake_sql,
)
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import Metastore
from ansible_collections.community.immuta.tests.doubles.immuta_server import (
    ApiKey,
    Connection,
    Fault,
    ImmutaDouble,
    State,
    Variant,
)
from ansible_collections.community.immuta.tests.doubles.immuta_tenant import SNOWFLAKE_CLEANUP
from ansible_collections.community.immuta.tests.doubles.snowflake_account import Account
from ansible_collections.community.immuta.tests.harness import servers

KEY = "prod snowflake"
PATH = "prod%20snowflake"
API_KEY = "canary-api-key-of-the-double"
WRONG_KEY = "canary-wrong-key"
SCRIPT = SNOWFLAKE_CLEANUP.read_text("utf-8")


class Caller:
    """A keep-alive client of one double. Whether the double saw a violation is checked at the end of the test."""

    def __init__(self, double: ImmutaDouble) -> None:
        self.double = double
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(
        self, method: str, path: str, *, body: t.Any = None, authorization: str | None = API_KEY, **options: t.Any
    ) -> requests.Response:
        headers = {} if authorization is None else {"Authorization": authorization}
        if body is not None:
            options["json"] = body
        return self.session.request(
            method, self.double.url + path, headers=headers, timeout=10, allow_redirects=False, **options
        )

    def get(self, key: str = PATH) -> requests.Response:
        return self("GET", f"/data/connection/{key}")

    def delete(self, key: str = PATH) -> requests.Response:
        return self("DELETE", f"/data/object/{key}")

    def render(self, number: int = 5) -> requests.Response:
        return self("POST", f"/integrations/{number}/scripts/delete")

    def search(self, **body: int) -> requests.Response:
        return self("POST", "/data/object/search", body=body)


@pytest.fixture
def double() -> t.Iterator[ImmutaDouble]:
    with ImmutaDouble(State.example(KEY, API_KEY)) as one:
        yield one


@pytest.fixture
def loose(double: ImmutaDouble) -> t.Iterator[Caller]:
    """Calls the double in a test that provokes violations."""
    caller = Caller(double)
    yield caller
    caller.session.close()


@pytest.fixture
def call(loose: Caller) -> t.Iterator[Caller]:
    """Calls the double in a test where everything keeps the contract."""
    yield loose
    assert loose.double.violations == []


def keys(reply: requests.Response) -> list[str]:
    body = reply.json()
    objects = body if isinstance(body, list) else next(value for value in body.values() if isinstance(value, list))
    return [one["objectPath"][0] for one in objects]


# The main job


def test_the_main_job(call: Caller) -> None:
    assert [one["id"] for one in call("GET", "/integrations").json()] == [5, 7, 9]
    assert call("GET", "/integrations/5").json()["config"]["database"] == "IMMUTA"
    described = call.get().json()
    assert described["connectionKey"] == KEY
    assert described["nativeIntegrationId"] == 5
    assert call.render().json() == SCRIPT
    assert call.render().json() == SCRIPT
    assert call.delete().json() == {"objectPath": [KEY], "childCount": 5}
    assert call.get().status_code == 404
    assert call.delete().status_code == 404
    gone = call("GET", "/integrations/5")
    assert (gone.status_code, gone.json()) == (404, {"message": "No Integration found with ID 5."})
    assert call.render().status_code == 404
    assert keys(call.search()) == ["prod databricks", "prod lake formation"]
    assert call.double.state.connections.keys() == {"prod databricks", "prod lake formation"}


def test_lake_formation_has_no_script(call: Caller) -> None:
    assert call.get("prod%20lake%20formation").json()["connection"] == {"technology": "Glue"}
    assert call.render(9).status_code == 400
    assert call.delete("prod%20lake%20formation").json()["childCount"] == 3


def test_databricks_has_its_own_script(call: Caller) -> None:
    assert "DROP CATALOG" in call.render(7).json()


def test_other_technologies_are_only_listed(call: Caller) -> None:
    call.double.state.connections["lake"] = Connection("lake", "BigQuery")
    assert "lake" in keys(call.search())
    assert call.get("lake").status_code == 404


@pytest.mark.parametrize("key", ["a/b", "50%", "a#b?c", "naïve ☃", "search", "a%2Fb", "..%2f"])
def test_any_key_is_one_segment(call: Caller, key: str) -> None:
    call.double.state.connections[key] = Connection(key, "Snowflake")
    path = quote(key, safe="")
    assert call.get(path).json()["connectionKey"] == key
    assert call.double.requests[-1].path == f"/data/connection/{path}"
    assert call.delete(path).status_code == 200
    assert key not in call.double.state.connections


# Variants


def test_ids_as_strings(call: Caller) -> None:
    call.double.variant.id_type = "string"
    assert call("GET", "/integrations/5").json()["id"] == "5"
    assert [one["id"] for one in call("GET", "/integrations").json()] == ["5", "7", "9"]


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("string", lambda reply: reply.json()),
        ("script", lambda reply: reply.json()["script"]),
        ("sql", lambda reply: reply.json()["sql"]),
        ("text", lambda reply: reply.text),
    ],
)
def test_script_forms(call: Caller, form: t.Any, read: t.Callable[[requests.Response], str], status: t.Any) -> None:
    call.double.variant.script_form = form
    call.double.variant.script_status = status
    reply = call.render()
    assert reply.status_code == status
    assert read(reply) == SCRIPT
    assert reply.headers["Content-Type"].startswith("text/plain" if form == "text" else "application/json")


@pytest.mark.parametrize(("form", "body"), [("string", b'""'), ("sql", b'{"sql": ""}'), ("text", b"")])
def test_empty_script(call: Caller, form: t.Any, body: bytes) -> None:
    call.double.variant.script_form = form
    call.double.variant.script_content = "empty"
    assert call.render().content == body


def test_html_instead_of_a_script(call: Caller) -> None:
    call.double.variant.script_content = "html"
    reply = call.render()
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(("content", "starts"), [("error", b'{"statusCode": 500'), ("prose", b"Sorry")])
def test_an_error_with_a_good_status_instead_of_a_script(call: Caller, content: t.Any, starts: bytes) -> None:
    call.double.variant.script_content = content
    reply = call.render()
    assert reply.status_code == 200
    assert reply.content.startswith(starts)


@pytest.mark.parametrize(
    ("variant", "status", "body"),
    [
        ("object_path", 200, {"objectPath": [KEY], "childCount": 5}),
        ("connection_key", 200, {"connectionKey": KEY, "childCount": 5}),
        ("empty_200", 200, None),
        ("empty_202", 202, None),
        ("empty_204", 204, None),
    ],
)
def test_delete_replies(call: Caller, variant: t.Any, status: int, body: t.Any) -> None:
    call.double.variant.delete_reply = variant
    reply = call.delete()
    assert reply.status_code == status
    assert (json.loads(reply.content) if reply.content else None) == body
    assert call.get().status_code == 404


@pytest.mark.parametrize(
    ("afterwards", "status", "rendering"),
    [("gone", None, 404), ("deleted", "deleted", 400), ("disabled", "disabled", 400), ("kept", "enabled", 200)],
)
def test_integration_afterwards(call: Caller, afterwards: t.Any, status: str | None, rendering: int) -> None:
    call.double.variant.integration_afterwards = afterwards
    call.delete()
    left = {one["id"]: one["status"] for one in call("GET", "/integrations").json()}
    assert left.get(5) == status
    assert call.render().status_code == rendering


def test_deletion_that_takes_some_reads(call: Caller) -> None:
    call.double.variant.deletion_reads = 2
    assert call.delete().status_code == 200
    assert call("GET", "/integrations/5").json()["status"] == "deleting"
    assert call.render().status_code == 409
    assert call.delete().status_code == 409
    assert call.get().status_code == 200
    assert KEY in keys(call.search())
    assert call.get().status_code == 404
    assert call("GET", "/integrations/5").status_code == 404


def test_deletion_that_takes_some_time(call: Caller) -> None:
    call.double.variant.deletion_seconds = 3600.0
    call.delete()
    assert call.get().status_code == 200
    deletion = call.double.state.connections[KEY].deletion
    assert deletion is not None
    assert deletion.ends_at - time.monotonic() > 3000.0
    deletion.ends_at = time.monotonic()
    assert call.get().status_code == 404
    assert 5 not in call.double.state.integrations


def test_connections_switched_off(call: Caller) -> None:
    call.double.variant.connections_enabled = False
    assert {call.get().status_code, call.search().status_code, call.delete().status_code} == {404}
    assert call("GET", "/integrations").status_code == 200
    assert KEY in call.double.state.connections


def test_login_page(call: Caller) -> None:
    call.double.variant.login_page = True
    for reply in (call.get(), call.search(), call.delete(), call.render(), call("GET", "/integrations")):
        assert (reply.status_code, reply.text[:9]) == (200, "<!DOCTYPE")
    assert KEY in call.double.state.connections


def test_wrong_prefix(call: Caller) -> None:
    call.double.variant.wrong_prefix = True
    for reply in (call.get(), call.search(), call.delete(), call.render(), call("GET", "/integrations")):
        assert (reply.status_code, reply.json()) == (404, {"message": "Not Found"})


def test_native_integration_id(call: Caller) -> None:
    call.double.variant.native_integration_id = "null"
    assert call.get().json()["nativeIntegrationId"] is None
    call.double.variant.native_integration_id = "absent"
    assert "nativeIntegrationId" not in call.get().json()


@pytest.mark.parametrize("envelope", ["list", "hits", "results", "data"])
def test_search_envelopes(call: Caller, envelope: t.Any) -> None:
    call.double.variant.search_envelope = envelope
    body = call.search().json()
    assert isinstance(body, list) if envelope == "list" else envelope in body
    assert len(keys(call.search())) == 3


def test_search_paging(call: Caller) -> None:
    assert keys(call.search(size=2)) == ["prod databricks", "prod lake formation"]
    assert keys(call.search(size=2, offset=2)) == [KEY]
    assert keys(call.search(offset=3)) == []
    assert keys(call("POST", "/data/object/search", body={"size": 1.0, "offset": 2.0})) == [KEY]
    call.double.variant.search_page_cap = 1
    assert keys(call.search(size=200, offset=1)) == ["prod lake formation"]
    call.double.variant.search_paging = "ignored"
    assert len(keys(call.search(size=1, offset=2))) == 3


@pytest.mark.parametrize(
    ("rules", "caller", "allowed"),
    [
        ("newer", ApiKey("x", {"APPLICATION_ADMIN"}), True),
        ("newer", ApiKey("x", {"INFRASTRUCTURE_ADMIN"}, {KEY}), False),
        ("older", ApiKey("x", {"INFRASTRUCTURE_ADMIN"}), True),
        ("older", ApiKey("x", set(), {KEY}), True),
        ("older", ApiKey("x", {"APPLICATION_ADMIN"}, {"another"}), False),
    ],
)
def test_who_may_delete(call: Caller, rules: t.Any, caller: ApiKey, allowed: bool) -> None:
    call.double.variant.permission_rules = rules
    call.double.state.api_keys[API_KEY] = caller
    assert call.delete().status_code == (200 if allowed else 403)
    assert (KEY in call.double.state.connections) is not allowed


def test_who_may_use_integrations(call: Caller) -> None:
    call.double.state.api_keys[API_KEY] = ApiKey("x", {"INFRASTRUCTURE_ADMIN", "GOVERNANCE"})
    statuses = [call(*one).status_code for one in (("GET", "/integrations"), ("GET", "/integrations/5"))]
    assert [*statuses, call.render().status_code] == [403, 403, 403]
    assert call.get().status_code == 200


def test_who_may_read_connections(call: Caller) -> None:
    call.double.state.api_keys[API_KEY] = ApiKey("x", set(), {KEY})
    assert keys(call.search()) == [KEY]
    assert call.get().status_code == 200
    assert call.get("prod%20databricks").status_code == 403
    call.double.variant.missing_permission = 404
    assert call.get("prod%20databricks").status_code == 404
    assert call("GET", "/integrations/5").json() == {"message": "No Integration found with ID 5."}
    call.double.state.api_keys[API_KEY] = ApiKey("x")
    assert call.search().status_code == 403


@pytest.mark.parametrize("status", [401, 500])
@pytest.mark.parametrize("authorization", [None, WRONG_KEY, f"Bearer {WRONG_KEY}", f"Basic {API_KEY}", "Bearer "])
def test_unauthenticated(call: Caller, status: t.Any, authorization: str | None) -> None:
    call.double.variant.unauthenticated = status
    assert call("GET", "/integrations", authorization=authorization).status_code == status
    assert call("POST", "/bim/apikey/authenticate", body={"apikey": WRONG_KEY}).status_code == status


@pytest.mark.parametrize(
    ("form", "content", "body"),
    [
        ("message", "application/json", '{"message": "Not Found"}'),
        ("error", "application/json", '{"error": "Not Found"}'),
        ("text", "text/plain; charset=utf-8", "Not Found"),
    ],
)
def test_error_bodies(call: Caller, form: t.Any, content: str, body: str) -> None:
    call.double.variant.error_body = form
    call.double.variant.wrong_prefix = True
    reply = call.get()
    assert (reply.headers["Content-Type"], reply.text) == (content, body)


def test_case_of_not_found(call: Caller) -> None:
    call.double.variant.not_found_case = "lower"
    assert call("GET", "/integrations/6").json() == {"message": "no integration found with id 6."}


def test_variants_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValueError, match="delete_reply is 'nothing'"):
        Variant(delete_reply="nothing")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="login_page"):
        Variant(login_page="yes")  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="delete_repyl"):
        Variant().delete_repyl = "empty_204"  # type: ignore[attr-defined]


# Authorization


@pytest.mark.parametrize(("authorization", "scheme"), [(API_KEY, "bare"), (f"Bearer {API_KEY}", "bearer")])
def test_key_with_and_without_scheme(call: Caller, authorization: str, scheme: str) -> None:
    assert call("GET", "/integrations", authorization=authorization).status_code == 200
    assert call.double.requests[-1].authorization == scheme


def test_exchanged_token(call: Caller) -> None:
    token = call("POST", "/bim/apikey/authenticate", body={"apikey": API_KEY}, authorization=None).json()["token"]
    assert call("GET", "/integrations", authorization=f"Bearer {token}").status_code == 200
    assert call("GET", "/integrations", authorization=token).status_code == 401
    call.double.state.tokens[token].expires_at = time.monotonic()
    assert call("GET", "/integrations", authorization=f"Bearer {token}").status_code == 401


def test_no_secret_is_told(loose: Caller) -> None:
    token = loose("POST", "/bim/apikey/authenticate", body={"apikey": API_KEY}, authorization=None).json()["token"]
    loose("POST", "/bim/apikey/authenticate", body={"apikey": [API_KEY]})
    loose("POST", "/bim/apikey/authenticate", body={"apikey": WRONG_KEY})
    loose("POST", "/bim/apikey/authenticate", data=f"{{{API_KEY}")
    loose("GET", "/integrations", authorization=f"Bearer {token}")
    loose("GET", "/integrations", authorization=f"Basic {WRONG_KEY}")
    told = [loose("GET", f"/_double/{name}").text for name in ("requests", "state", "violations")]
    for secret in (API_KEY, WRONG_KEY, token):
        assert secret not in "".join(told)


# The contract


def test_every_operation_says_where_it_is_from_and_how_sure_that_is() -> None:
    described = yaml.safe_load(immuta_contract.DESCRIPTION.read_text("utf-8"))
    words = {"documented", "third_party", "inferred", "unknown"}
    for item in described["paths"].values():
        for operation in item.values():
            assert operation["x-provenance"].startswith("https://documentation.immuta.com/")
            assert set(operation["x-confidence"]) == {"request", "reply"}
            assert set(operation["x-confidence"].values()) <= words
            assert operation["x-effect"] in {"read", "render", "create", "update", "delete"}


@pytest.mark.parametrize(
    ("method", "path", "options", "complaint"),
    [
        ("POST", "/data/object/search", {"json": {"sise": 1}}, "'sise' was unexpected"),
        ("POST", "/data/object/search", {"json": {"size": 0}}, "0 is less than the minimum"),
        ("POST", "/data/object/search", {"json": {"size": "5"}}, "not of type 'integer'"),
        ("POST", "/data/object/search", {"json": []}, "not of type 'object'"),
        ("POST", "/data/object/search", {"json": {"limit": 101}}, "101 is greater than the maximum"),
        ("POST", "/data/object/search", {"data": b"{", "headers": "json"}, "deserialize"),
        ("POST", "/data/object/search", {"data": b"\xff", "headers": "json"}, "not UTF-8"),
        ("POST", "/bim/apikey/authenticate", {"json": {"apikey": "x", "user": "y"}}, "'user' was unexpected"),
        ("POST", "/bim/apikey/authenticate", {"json": {}}, "'apikey' is a required property"),
        ("POST", "/integrations/5/scripts/delete", {"json": {}}, "takes no body"),
        ("DELETE", f"/data/object/{PATH}", {"json": {"force": True}}, "takes no body"),
        ("GET", "/integrations/five", {}, "invalid literal for int"),
        ("GET", "/integrations/0", {}, "minimum"),
        ("GET", "/integrations?type=Snowflake", {}, "takes no query"),
    ],
)
def test_refuses_a_request_that_breaks_the_contract(
    loose: Caller, method: str, path: str, options: dict[str, t.Any], complaint: str
) -> None:
    if options.pop("headers", None):
        loose.session.headers["Content-Type"] = "application/json"
    assert loose(method, path, **options).status_code == 400
    (violation,) = loose.double.violations
    assert (violation.side, violation.request) == ("request", 1)
    assert complaint in violation.message
    assert KEY in loose.double.state.connections


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/integrations", 404),
        ("POST", "/integrations/5/scripts/remove", 404),
        ("DELETE", "/data/object/a/b", 404),
        ("GET", "/integrations/", 404),
        ("DELETE", "/integrations/5", 405),
        ("PATCH", f"/data/connection/{PATH}", 405),
        ("TRACE", "/integrations", 405),
        ("QUERY", "/integrations", 405),
    ],
)
def test_knows_no_other_operation(loose: Caller, method: str, path: str, status: int) -> None:
    reply = loose(method, path)
    assert reply.status_code == status
    assert ("Allow" in reply.headers) is (status == 405)
    assert [one.message for one in loose.double.violations] == ["no such operation"]


def test_catches_its_own_wrong_replies(loose: Caller) -> None:
    loose.double.state.connections[KEY].port = "443"  # type: ignore[assignment]
    assert loose.get().status_code == 500
    loose.double.state.integrations[5].status = "sleeping"
    assert loose("GET", "/integrations").status_code == 500
    assert [(one.side, one.operation_id) for one in loose.double.violations] == [
        ("reply", "getConnection"),
        ("reply", "listIntegrations"),
    ]
    assert [one.status for one in loose.double.requests] == [500, 500]


# Faults


def test_answer_lost_after_the_deletion(call: Caller) -> None:
    call.double.faults.add(Fault("lost_answer", "deleteObject"))
    with pytest.raises(requests.ConnectionError):
        call.delete()
    assert KEY not in call.double.state.connections
    assert [(one.status, one.fault) for one in call.double.requests] == [(None, "lost_answer")]
    assert call.get().status_code == 404


def test_reset_before_the_deletion(call: Caller) -> None:
    call.double.faults.add(Fault("reset_before", method="DELETE"))
    with pytest.raises(requests.ConnectionError):
        call.delete()
    assert KEY in call.double.state.connections
    assert call.double.requests[0].status is None
    assert call.delete().status_code == 200


@pytest.mark.parametrize("status", [401, 403, 409, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("done", [False, True])
def test_statuses(call: Caller, status: int, done: bool) -> None:
    call.double.faults.add(Fault("status", "deleteObject", status=status, done=done))
    reply = call.delete()
    assert (reply.status_code, reply.json()) == (status, {"message": "A planned fault"})
    assert (KEY not in call.double.state.connections) is done


@pytest.mark.parametrize("retry_after", [7, email.utils.formatdate(4e9, usegmt=True)])
def test_retry_after(call: Caller, retry_after: int | str) -> None:
    call.double.faults.add(Fault("status", status=429, retry_after=retry_after))
    assert call.get().headers["Retry-After"] == str(retry_after)
    assert "Retry-After" not in call.get().headers


def test_html(call: Caller) -> None:
    call.double.faults.add(Fault("html"))
    reply = call.delete()
    assert (reply.status_code, reply.headers["Content-Type"][:9]) == (200, "text/html")
    assert KEY in call.double.state.connections


def test_truncated(call: Caller) -> None:
    call.double.faults.add(Fault("truncated"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        call.render()
    assert call.render().json() == SCRIPT


def test_slow(call: Caller) -> None:
    call.double.faults.add(Fault("slow", seconds=0.3))
    began = time.monotonic()
    assert call.get().status_code == 200
    assert time.monotonic() - began >= 0.3


def test_drip(call: Caller) -> None:
    call.double.faults.add(Fault("drip", seconds=0.3))
    arrived = []
    with call("DELETE", f"/data/object/{PATH}", stream=True) as reply:
        began = time.monotonic()
        while reply.raw.read(1):
            arrived.append(time.monotonic() - began)
    assert len(arrived) == int(reply.headers["Content-Length"])
    assert arrived[-1] - arrived[0] >= 0.2


def test_redirect(call: Caller) -> None:
    call.double.faults.add(Fault("redirect", location="http://elsewhere.example/x"))
    reply = call.delete()
    assert (reply.status_code, reply.headers["Location"]) == (302, "http://elsewhere.example/x")
    assert KEY in call.double.state.connections


def test_faults_hit_what_they_name(call: Caller) -> None:
    call.double.faults.add(
        Fault("status", "getConnection", nth=2, times=2, status=502),
        Fault("status", path="formation", status=503),
    )
    assert [call.get().status_code for _one in range(4)] == [200, 502, 502, 200]
    assert call.search().status_code == 200
    assert len(call.double.faults.pending) == 1
    assert call.get("prod%20lake%20formation").status_code == 503
    assert call.double.faults.pending == []


def test_refuses_a_fault_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="explode"):
        Fault("explode")  # type: ignore[arg-type]


# Records, connections, threads


def test_records(call: Caller) -> None:
    call.search(size=5)
    call.delete()
    one, two = call.double.requests
    assert (one.index, one.operation_id, one.body, one.status) == (1, "searchObjects", {"size": 5}, 200)
    assert (two.index, two.method, two.path, two.body) == (2, "DELETE", f"/data/object/{PATH}", None)


def test_counts_connections(call: Caller) -> None:
    requests.get(f"{call.double.url}/_double/state", timeout=10)
    for _one in range(3):
        call.get()
    requests.get(f"{call.double.url}/integrations", headers={"Authorization": API_KEY}, timeout=10)
    assert [one.connection for one in call.double.requests] == [1, 1, 1, 2]


def test_many_at_once_delete_it_once(double: ImmutaDouble) -> None:
    statuses: list[int] = []

    def delete() -> None:
        caller = Caller(double)
        statuses.append(caller.delete().status_code)
        caller.session.close()

    threads = [threading.Thread(target=delete) for _one in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(statuses) == [200] + [404] * 15
    assert [one.index for one in double.requests] == list(range(1, 17))
    assert double.violations == []


def test_a_slow_answer_holds_up_nobody_else(call: Caller) -> None:
    call.double.faults.add(Fault("slow", "deleteObject", seconds=5.0))
    slow = threading.Thread(target=lambda: Caller(call.double).delete(), daemon=True)
    slow.start()
    while not call.double.requests:
        time.sleep(0.005)
    assert call.get().status_code == 404
    assert slow.is_alive()
    call.double.stop()
    slow.join(2)
    assert not slow.is_alive()


def test_answers_without_a_stall(call: Caller) -> None:
    call.get()
    seconds = []
    for _one in range(30):
        began = time.monotonic()
        call.get()
        seconds.append(time.monotonic() - began)
    # A delayed acknowledgement takes 40 ms.
    assert statistics.median(seconds) < 0.03


# The control plane


def test_control_plane(loose: Caller) -> None:
    control = f"{loose.double.url}/_double/"
    assert requests.post(f"{control}variant", json={"delete_reply": "empty_204"}, timeout=10).ok
    assert requests.post(f"{control}variant", json={"login_page": "yes"}, timeout=10).status_code == 400
    assert requests.post(f"{control}variant", json={"no_such": True}, timeout=10).status_code == 400
    fault = {"kind": "status", "status": 409, "operation_id": "deleteObject"}
    assert requests.post(f"{control}faults", json=[fault], timeout=10).ok
    assert requests.post(f"{control}faults", json=[{"kind": "explode"}], timeout=10).status_code == 400
    assert [loose.delete().status_code for _one in range(2)] == [409, 204]
    told = requests.get(f"{control}requests", timeout=10).json()
    assert [(one["method"], one["status"], one["fault"]) for one in told] == [
        ("DELETE", 409, "status"),
        ("DELETE", 204, ""),
    ]
    state = requests.get(f"{control}state", timeout=10).json()
    assert [one["key"] for one in state["connections"]] == ["prod databricks", "prod lake formation"]
    assert [one["id"] for one in state["integrations"]] == [7, 9]
    loose("GET", "/nowhere")
    assert [one["message"] for one in requests.get(f"{control}violations", timeout=10).json()] == ["no such operation"]
    assert requests.post(f"{control}reset", json={}, timeout=10).ok
    assert (loose.double.requests, loose.double.violations) == ([], [])
    assert loose.double.variant == Variant()
    assert loose.get().status_code == 200


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    options = ("--connection-key=a/b", "--api-key-env=THE_KEY")
    variant = '--variant={"delete_reply": "empty_204", "deletion_reads": 1}'
    with servers.process("immuta", tmp_path, *options, variant, THE_KEY=API_KEY) as running:
        url = running.url.removesuffix("/_double/")
        headers = {"Authorization": API_KEY}
        assert requests.delete(f"{url}/data/object/a%2Fb", headers=headers, timeout=10).status_code == 204
        statuses = [
            requests.get(f"{url}/data/connection/a%2Fb", headers=headers, timeout=10).status_code for _one in range(2)
        ]
        assert statuses == [200, 404]


@pytest.mark.parametrize("name", [None, "OTHER"])
@pytest.mark.parametrize("kind", ["Snowflake", "Databricks"])
def test_the_clean_up_script_takes_back_exactly_what_the_set_up_script_makes(kind: str, name: str | None) -> None:
    """Also where the database or the catalog has another name."""
    home, own = immuta_tenant.HOMES[kind]
    config = {home: name if own.isupper() else name.lower()} if name else {}
    session: snowflake_sql.Session | databricks_sql.Session
    if kind == "Snowflake":
        account = Account.before("no password")
        session, snapshot = snowflake_sql.Session(account, "DEPLOYER", 1, "ACCOUNTADMIN"), account.snapshot
    else:
        metastore = Metastore.before("no token", "no secret")
        session, snapshot = databricks_sql.Session(metastore, "deployer@example.com", "1"), metastore.snapshot
    before, seen = snapshot(), []
    for purpose in ("setup", "cleanup"):
        for one in split(immuta_tenant.script_for(kind, purpose, config), kind.lower()):
            session.execute(one.text)
        seen.append(snapshot() == before)
    assert seen == [False, True]
