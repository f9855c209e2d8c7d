# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection is read, planned, deleted and waited for against the stand-in, by a clock that only waiting moves."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._immuta import connection, errors, options, removal
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import DELETE_OBJECT
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Settings
from ansible_collections.community.immuta.plugins.module_utils._work import connection as work
from ansible_collections.community.immuta.tests.doubles import immuta_server as doubles

KEY = "prod snowflake"
HOST = "example.snowflakecomputing.com"
API_KEY = "api-key-of-the-removal-tests"
PROD = connection.Connection(KEY, "Snowflake", HOST, 443, "ACTIVE", 5)
MANY = 60
INTEGRATIONS_REFUSED = (
    "Immuta refuses GET /integrations (403): A planned fault. The key's owner needs APPLICATION_ADMIN."
)


class World:
    """A tenant, a client of it, and the time."""

    def __init__(self, double: doubles.ImmutaDouble) -> None:
        self.double = double
        self.now = 1000.0
        self.waits: list[float] = []
        self.warnings: list[str] = []
        self.client = self.connect(check_mode=False)

    def connect(self, check_mode: bool) -> Client:
        return Client(
            Settings(self.double.url, API_KEY, timeout=60, retries=0),
            check_mode=check_mode,
            clock=lambda: self.now,
            sleep=self.sleep,
            jitter=lambda: 0.0,
        )

    def of_task(self, params: dict[str, t.Any], *, check_mode: bool) -> Client:
        return self.connect(check_mode)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def remove(self, one: connection.Connection = PROD, *, wait: bool = True, seconds: float = 30) -> t.Any:
        return removal.Remover(self.client, one, wait=wait, wait_timeout=seconds).remove()

    def ensure_absent(self, check_mode: bool = False, **params: t.Any) -> Outcome:
        known = {"connection_key": KEY, "confirm": KEY, "expected_plan_digest": None, "wait": True, "wait_timeout": 30}
        assert set(params) <= set(known)
        return work.ensure_absent(self.context({**known, **params}, check_mode))

    def info(self, key: str | None = None) -> list[dict[str, t.Any]]:
        outcome = work.info(self.context({"connection_key": key}, True))
        assert (outcome.changed, outcome.diff, set(outcome.result)) == (False, None, {"connections"})
        return outcome.result["connections"]  # type: ignore[no-any-return]

    def context(self, params: dict[str, t.Any], check_mode: bool) -> Context:
        return Context(params, check_mode, self.warnings.append)

    def vary(self, **fields: t.Any) -> None:
        for name, value in fields.items():
            setattr(self.double.variant, name, value)

    def fault(self, operation: str, status: int = 503, times: int = 1, **fields: t.Any) -> None:
        self.double.faults.add(
            doubles.Fault(**{"kind": "status", "operation_id": operation, "status": status, "times": times, **fields})
        )

    def add(self, count: int) -> None:
        for number in range(count):
            key = f"c{number:03}"
            self.double.state.connections[key] = doubles.Connection(key, "Trino")

    @property
    def asked(self) -> list[str | None]:
        return [one.operation_id for one in self.double.requests]

    @property
    def state(self) -> doubles.State:
        return self.double.state


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[World]:
    with doubles.ImmutaDouble(doubles.State.example(KEY, api_key=API_KEY), doubles.Variant()) as double:
        one = World(double)
        monkeypatch.setattr(options, "client", one.of_task)
        with one.client:
            yield one
        assert not double.violations


def fails(kind: type[errors.ImmutaError], call: t.Callable[[], object]) -> errors.ImmutaError:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.__class__ == kind
    return caught.value


# Reading


def test_gets_what_immuta_describes(world: World) -> None:
    assert connection.get(world.client, KEY) == PROD
    assert connection.look_up(world.client, KEY) == (PROD, [])
    assert world.asked == ["getConnection", "getConnection"]
    assert connection.look_up(world.client, KEY, listed_first=True) == (PROD, [])
    assert world.asked[2:] == ["searchObjects", "getConnection"]


def test_finds_in_the_list_what_immuta_does_not_describe(world: World) -> None:
    world.state.connections["trino"] = doubles.Connection("trino", "Trino", state="DISABLED")
    trino = connection.Connection("trino", "Trino", state="DISABLED", listed_only=True)
    assert connection.get(world.client, "trino") == trino
    assert world.asked[:2] == ["getConnection", "searchObjects"]
    assert "listIntegrations" not in world.asked
    world.double.requests.clear()
    assert connection.look_up(world.client, "trino", listed_first=True) == (trino, [])
    assert world.asked[0] == "searchObjects"
    assert "listIntegrations" not in world.asked


@pytest.mark.parametrize("listed_first", [False, True])
def test_absent_is_what_a_whole_list_lacks_for_a_key_that_may_see_everything(world: World, listed_first: bool) -> None:
    # Keys differ by case, too.
    absent, known = connection.look_up(world.client, KEY.upper(), listed_first=listed_first)
    assert absent is None
    assert [one.id for one in known] == [5, 7, 9]
    assert ("getConnection" in world.asked) is not listed_first
    assert "searchObjects" in world.asked
    assert world.asked[-1] == "listIntegrations"
    assert connection.get(world.client, KEY.upper()) is None
    world.fault("listIntegrations", 403)
    error = fails(
        errors.PermissionDenied,
        lambda: connection.look_up(world.client, KEY.upper(), listed_first=listed_first),
    )
    assert error.message == (
        "Immuta does not show the connection 'PROD SNOWFLAKE' to this API key, which may not see everything: nothing"
        " can be said about what exists."
    )
    assert error.hint == "Use a key whose owner has APPLICATION_ADMIN."
    assert (error.details["method"], error.details["path"]) == ("GET", "/integrations")
    assert error.__cause__ is None


@pytest.mark.parametrize("get", ["get", "look_up"])
def test_a_login_page_describes_nothing(world: World, get: str) -> None:
    world.vary(login_page=True)
    error = fails(errors.UnexpectedReply, lambda: getattr(connection, get)(world.client, KEY))
    assert error.message.startswith("GET /data/connection/{connection_key} was answered with a web page")


def test_a_dict_of_a_connection() -> None:
    assert PROD.as_dict() == {
        **{"key": KEY, "technology": "Snowflake", "hostname": HOST, "port": 443, "state": "ACTIVE"},
        "integration_id": 5,
    }


def test_reads_a_description() -> None:
    full = {
        "connectionKey": "k",
        "connection": {"technology": "Databricks", "hostname": "h", "port": "44"},
        "state": "ACTIVE",
        "nativeIntegrationId": "7",
    }
    assert connection.from_description(full, "k") == connection.Connection("k", "Databricks", "h", 44, "ACTIVE", 7)
    for about in ({}, {"connection": None}, {"connection": "x"}):
        assert connection.from_description({"connectionKey": "k", **about}, "k") == connection.Connection("k", "")


@pytest.mark.parametrize("body", [None, [], "connectionKey", {}, {"key": "k"}, ["connectionKey"]])
def test_what_describes_no_connection(body: t.Any) -> None:
    error = fails(errors.UnexpectedReply, lambda: connection.from_description(body, "k"))
    assert error.message == "Immuta's answer does not describe a connection."
    assert error.details["method"] == "GET"
    assert error.details["path"] == "/data/connection/{connection_key}"


def test_another_connection_than_the_one_asked_for() -> None:
    error = fails(errors.UnexpectedReply, lambda: connection.from_description({"connectionKey": "K"}, "k"))
    assert error.message == "Immuta answers with the connection 'K' when asked for 'k'."
    assert error.hint == "Use the key as Immuta spells it; its case matters."
    assert (error.details["method"], error.details["path"]) == ("GET", "/data/connection/{connection_key}")


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (6, 1), (7, 2), (197, 2), (206, 2), (207, 3), (MANY, 2)])
def test_lists_to_the_end(world: World, count: int, requests: int) -> None:
    # Three connections are there already. A page of ten may have been cut by the server, one of nine is the last.
    world.add(count)
    keys = [one.key for one in connection.list_all(world.client)]
    assert keys == sorted(world.state.connections)
    assert len(world.asked) == requests
    assert [one.body["size"] for one in world.double.requests] == [200] * requests


@pytest.mark.parametrize(("cap", "requests"), [(10, 4), (33, 2), (11, 4), (12, 3)])
def test_lists_from_a_server_that_caps_its_pages(world: World, cap: int, requests: int) -> None:
    world.vary(search_page_cap=cap)
    world.add(30)
    assert len(connection.list_all(world.client)) == 33
    offsets = [one.body["offset"] for one in world.double.requests]
    assert offsets == [min(number * cap, 33) for number in range(requests)]


def test_lists_from_a_server_that_ignores_paging(world: World) -> None:
    world.vary(search_paging="ignored")
    world.add(MANY)
    assert len(connection.list_all(world.client)) == MANY + 3
    assert [one.body["offset"] for one in world.double.requests] == [0, MANY + 3]


@pytest.mark.parametrize("envelope", ["hits", "results", "data", "objects", "items"])
def test_every_envelope(envelope: str) -> None:
    objects = [{"objectPath": ["a"], "technology": "Trino", "state": "ACTIVE"}]
    expected = [(("a",), connection.Connection("a", "Trino", state="ACTIVE", listed_only=True))]
    assert connection._page({"count": 1, envelope: objects}) == (expected, 1)
    assert connection._page({"hits": None, "count": [], envelope: objects}) == (expected, None)
    assert connection._page(objects) == (expected, None)
    assert connection._page({envelope: []}) == ([], None)


def test_a_page_is_all_of_its_lists_and_the_highest_of_its_numbers() -> None:
    page, total = connection._page(
        {"items": [{"objectPath": "b"}], "hits": [{"objectPath": "a"}], "count": 2, "total": 3, "data": "x"}
    )
    assert ([path for path, _one in page], total) == ([("a",), ("b",)], 3)
    assert connection._page({"count": True, "total": "3", "hits": []}) == ([], None)
    assert connection._page({"total": 0, "hits": []}) == ([], 0)


def test_a_list_that_ends_before_its_number_says_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def search(total: int) -> t.Callable[..., t.Any]:
        pages = iter([[{"objectPath": ["a"]}, {"objectPath": ["a", "database"]}], [{"objectPath": ["b"]}], []])
        return lambda operation, body: {"count": total, "hits": next(pages)}

    monkeypatch.setattr(world.client, "call_json", search(3))
    assert [one.key for one in connection.list_all(world.client)] == ["a", "b"]
    monkeypatch.setattr(world.client, "call_json", search(4))
    error = fails(errors.UnexpectedReply, lambda: connection.list_all(world.client))
    assert error.message == (
        "Immuta's answer to the object search ends after 3 of 4 objects, so nothing can be said about what exists."
    )


@pytest.mark.parametrize("body", [None, {}, "x", {"hits": "x"}, {"other": []}])
def test_what_holds_no_list(body: t.Any) -> None:
    error = fails(errors.UnexpectedReply, lambda: connection._page(body))
    assert error.message == (
        "Immuta's answer to the object search holds no list, so nothing can be said about what exists."
    )
    assert error.hint == "Run it again. If it stays so, this version of Immuta answers otherwise than documented."
    assert (error.details["method"], error.details["path"]) == ("POST", "/data/object/search")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("a", ("a",)), (["a"], ("a",)), (["a", "database"], ("a", "database"))],
)
def test_objects_are_known_by_their_paths(path: t.Any, expected: tuple[str, ...]) -> None:
    found = connection._from_object({"objectPath": path})
    assert found == (expected, connection.Connection("a", "", listed_only=True))


@pytest.mark.parametrize(
    "item",
    [
        {"objectPath": []},
        {"objectPath": [1]},
        {"objectPath": ["a", None]},
        {"objectPath": 1},
        {"objectPath": {"a": "b"}},
        {"objectPath": None},
        {},
        "objectPath",
        None,
    ],
)
def test_an_object_that_can_not_be_read_is_not_passed_over(item: t.Any) -> None:
    error = fails(errors.UnexpectedReply, lambda: connection._page([{"objectPath": ["a"]}, item]))
    assert error.message == (
        "Immuta's answer to the object search holds an object without a path, so nothing can be said about what exists."
    )


def test_keys_that_may_be_meant() -> None:
    known = [connection.Connection(key, "") for key in ("abcdef", "ABCDEF", "abcdeg", "abcdeh", "abcdei", " abcdef ")]
    # The three closest, then those that differ in case and blanks only, each once.
    assert connection.similar_keys("abcdef", known[:5]) == ["abcdef", "abcdei", "abcdeh", "ABCDEF"]
    assert connection.similar_keys(" AbCdEf", [known[1], known[5]]) == ["ABCDEF", " abcdef "]
    # 0.7 of the letters have to agree.
    tenths = [connection.Connection(key, "") for key in ("abcdefgxxx", "abcdefxxxx")]
    assert connection.similar_keys("abcdefghij", tenths) == ["abcdefgxxx"]


# The integration behind a connection

UNKNOWN = dataclasses.replace(PROD, integration_id=None)


def test_the_integration_that_immuta_names_needs_no_call(world: World) -> None:
    assert connection.resolve_integration(world.client, PROD) == 5
    assert connection.resolve_integration(world.client, dataclasses.replace(UNKNOWN, hostname=None)) is None
    assert world.asked == []


@pytest.mark.parametrize(
    ("technology", "kind", "found"),
    [
        ("Snowflake", "Snowflake", True),
        ("SNOWFLAKE", "snowflake", True),
        ("Databricks", "DatabricksUnityCatalog", True),
        ("Databricks Unity", "databricks", True),
        ("Snowflake", "Databricks", False),
    ],
)
def test_the_integration_on_the_host(world: World, technology: str, kind: str, found: bool) -> None:
    world.state.integrations = {5: doubles.Integration(5, kind, config={"host": HOST.upper()})}
    one = dataclasses.replace(UNKNOWN, technology=technology)
    assert connection.resolve_integration(world.client, one) == (5 if found else None)


def test_an_integration_out_of_use_or_on_another_host_is_not_meant(world: World) -> None:
    world.state.integrations[5].status = "deleted"
    assert connection.resolve_integration(world.client, UNKNOWN) is None
    world.state.integrations[5].status = "enabled"
    world.state.integrations[5].config["host"] = "other.example"
    assert connection.resolve_integration(world.client, UNKNOWN) is None


def test_two_integrations_on_the_host_are_refused(world: World) -> None:
    world.state.integrations[6] = dataclasses.replace(world.state.integrations[5], id=6)
    error = fails(errors.Refused, lambda: connection.resolve_integration(world.client, UNKNOWN))
    assert error.message == (
        "Immuta does not say which integration belongs to the connection 'prod snowflake', and 5, 6 are on its host."
    )
    assert error.hint == "Find the right one in Immuta and name it in integration_id."


# The plan


def test_the_whole_plan() -> None:
    plan = removal.decide_absent("https://tenant.example", PROD)
    steps = [
        {
            "action": "delete_connection",
            "target": KEY,
            "effect": "the connection, every data source below it and the access controls on them are removed",
        },
        {
            "action": "remove_integration",
            "target": 5,
            "effect": "Immuta stops governing through it; its clean-up script can't be rendered any more",
        },
    ]
    # An approval may be older than the version that carries it out: the digest must stay what it is.
    subject = {
        "connection": [KEY, "Snowflake", HOST, 443, 5],
        "steps": steps,
        "tenant": "https://tenant.example",
    }
    digest = hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()
    assert plan.as_dict() == {"steps": steps, "irreversible": True, "digest": digest}
    assert plan.connection == PROD
    nothing = removal.decide_absent("https://tenant.example", None)
    assert nothing.connection is None
    subject = {"connection": None, "steps": [], "tenant": "https://tenant.example"}
    digest = hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()
    assert nothing.as_dict() == {"steps": [], "irreversible": False, "digest": digest}


# Carrying it out


def test_removes_and_looks(world: World) -> None:
    assert world.remove() == removal.Removal(5, verified=True, integration=None, integration_known=True)
    assert world.asked == ["deleteObject", "getConnection", "listIntegrations"]
    assert world.waits == []


def test_does_not_look_when_told_so(world: World) -> None:
    world.vary(deletion_reads=100)
    assert world.remove(wait=False) == removal.Removal(5, verified=False, integration=None, integration_known=False)
    assert world.asked == ["deleteObject"]


def test_waits_longer_and_longer_but_not_too_long(world: World) -> None:
    world.vary(deletion_reads=9)
    assert world.remove(seconds=100).verified
    assert world.waits == [1.0, 1.5, 2.25, 3.375, 5.0625, 7.59375, 10.0, 10.0, 10.0]


def test_waits_to_the_end_of_its_time_and_not_longer(world: World) -> None:
    world.vary(deletion_reads=100)
    error = fails(errors.TimedOut, lambda: world.remove(seconds=4))
    assert world.waits == [1.0, 1.5, 1.5]
    # At the very end it has looked once more.
    assert world.asked == ["deleteObject", *["getConnection"] * 4]
    assert error.message == "Immuta took the deletion, but after 4 s the connection 'prod snowflake' is still there."
    assert error.hint == "Run it again: it goes on waiting. Raise wait_timeout for large connections."


def test_looks_in_the_list_for_what_is_only_listed(world: World) -> None:
    listed = connection.Connection("trino", "Trino", listed_only=True)
    world.state.connections["trino"] = doubles.Connection("trino", "Trino", child_count=2)
    world.vary(deletion_reads=2)
    assert world.remove(listed) == removal.Removal(2, verified=True, integration_known=True)
    # Not listed any more, twice: that it is not found is the list's word here, too.
    assert world.asked == ["deleteObject", *["searchObjects"] * 4]


def test_a_busy_connection_is_waited_for(world: World) -> None:
    world.fault("deleteObject", 409, times=2)
    assert world.remove().verified
    assert world.waits == [1.0, 1.5]
    assert world.asked.count("deleteObject") == 3


def test_a_connection_that_stays_busy(world: World) -> None:
    world.fault("deleteObject", 409, times=MANY)
    error = fails(errors.Busy, lambda: world.remove(seconds=2.5))
    assert error.hint == "Nothing was deleted. It stayed busy for 2.5 s; run it again later or raise wait_timeout."
    assert world.waits == [1.0, 1.5]
    assert KEY in world.state.connections


def test_a_connection_that_is_busy_after_a_lost_answer(world: World) -> None:
    world.fault("deleteObject", kind="reset_before")
    world.fault("deleteObject", 409, nth=2, times=MANY)
    error = fails(errors.Busy, lambda: world.remove(seconds=2))
    assert error.hint.startswith("Whether anything was deleted is not known. It stayed busy for 2 s;")


def test_a_connection_that_is_gone_already(world: World) -> None:
    del world.state.connections[KEY]
    assert world.remove(wait=False).deleted_objects is None


@pytest.mark.parametrize("fault", [{"kind": "lost_answer"}, {"kind": "status", "status": 500, "done": True}])
def test_a_deletion_whose_answer_is_lost_is_not_sent_again(world: World, fault: dict[str, t.Any]) -> None:
    world.fault("deleteObject", **fault)
    removed = world.remove()
    assert (removed.deleted_objects, removed.verified) == (None, True)
    assert world.asked.count("deleteObject") == 1
    assert world.waits == []


@pytest.mark.parametrize("fault", [{"kind": "reset_before"}, {"kind": "status", "status": 500}])
def test_a_deletion_that_did_not_happen_is_sent_twice_again(world: World, fault: dict[str, t.Any]) -> None:
    world.fault("deleteObject", times=2, **fault)
    assert world.remove().deleted_objects == 5
    assert world.asked[:5] == ["deleteObject", "getConnection", "deleteObject", "getConnection", "deleteObject"]
    assert world.waits == [1.0, 1.5]


def test_a_login_page_is_no_answer_to_a_deletion(world: World) -> None:
    world.fault("deleteObject", kind="html", times=2)
    assert world.remove().deleted_objects == 5
    assert world.asked.count("deleteObject") == 3
    assert world.waits == [1.0, 1.5]


@pytest.mark.parametrize(
    ("fault", "so_far"),
    [
        (None, "Immuta took the deletion,"),
        ("lost_answer", "The connection was not found any more,"),
    ],
)
def test_a_deletion_after_which_nothing_can_be_read(world: World, fault: t.Any, so_far: str) -> None:
    if fault:
        world.fault("deleteObject", kind=fault)
    world.fault("getConnection", 500, nth=2 if fault else 1)
    error = fails(errors.ServerError, world.remove)
    assert error.hint.startswith(
        f"{so_far} but whether it is gone could not be read. Nothing is lost: run it again, it reads first and goes on"
        " from there."
    )


def test_a_login_page_does_not_say_that_it_is_still_there(world: World) -> None:
    remover = removal.Remover(world.client, PROD, wait=True, wait_timeout=1)
    assert remover._still_there()
    world.vary(login_page=True)
    fails(errors.UnexpectedReply, remover._still_there)


@pytest.mark.parametrize("taken", [True, False])
def test_who_may_not_list_any_more_believes_only_a_deletion_that_was_taken(world: World, taken: bool) -> None:
    # As a data owner may, who has deleted the last connection.
    if not taken:
        world.fault("deleteObject", kind="lost_answer")
    world.fault("searchObjects", 403, nth=1 if taken else 2, times=MANY)
    if taken:
        assert world.remove(UNKNOWN) == removal.Removal(5, verified=True, integration_known=True)
    else:
        assert fails(errors.PermissionDenied, lambda: world.remove(UNKNOWN)).hint.startswith(
            "The connection was not found any more, but whether it is gone could not be read."
        )
    assert "searchObjects" in world.asked


@pytest.mark.parametrize("listed", [0, 2])
def test_what_is_still_listed_is_not_gone(world: World, listed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([True] * listed + [False])
    monkeypatch.setattr(removal.Remover, "_is_listed", lambda remover: next(answers))
    world.vary(integration_afterwards="kept")
    assert world.remove().verified
    assert world.waits == [1.0, 1.5][:listed]


def test_a_deletion_that_never_happens_is_given_up(world: World) -> None:
    world.fault("deleteObject", 500, times=MANY)
    fails(errors.ServerError, world.remove)
    assert world.asked == ["deleteObject", "getConnection"] * 3
    world.waits.clear()
    fails(errors.ServerError, lambda: world.remove(seconds=0.5))
    assert world.waits == [0.5]


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [
        (404, errors.NotFound, f" The owner of the key may lack {DELETE_OBJECT.permission}."),
        (503, errors.ServerError, ""),
    ],
)
def test_a_deletion_that_is_refused_though_the_connection_is_there(
    world: World, status: int, kind: type[errors.ImmutaError], hint: str
) -> None:
    world.fault("deleteObject", status, times=MANY)
    error = fails(kind, world.remove)
    assert world.asked.count("deleteObject") == 3
    assert error.hint.startswith(
        f"The connection is still there.{hint} Run it again: it reads first and goes on from there."
    )
    assert KEY in world.state.connections


@pytest.mark.parametrize("remembered", [5, None])
def test_what_somebody_else_deleted_is_gone_on_two_answers(world: World, remembered: int | None) -> None:
    world.state.integrations[5].status = "deleted"
    del world.state.connections[KEY]
    removed = world.remove(dataclasses.replace(PROD, integration_id=remembered))
    assert (removed.deleted_objects, removed.verified) == (None, True)
    assert world.asked[0] == "deleteObject"
    assert world.asked.count("deleteObject") == 1
    assert "listIntegrations" in world.asked
    assert world.asked[-1] == ("searchObjects" if remembered is None else "listIntegrations")


def test_what_a_key_may_not_see_any_more_is_not_gone(world: World) -> None:
    del world.state.connections[KEY]
    world.fault("listIntegrations", 403, times=MANY)
    error = fails(errors.PermissionDenied, world.remove)
    assert error.message.startswith("Immuta does not show the connection 'prod snowflake' to this API key")
    assert error.hint == (
        "The connection was not found any more, but whether it is gone could not be read. Nothing is lost: run it"
        " again, it reads first and goes on from there. Use a key whose owner has APPLICATION_ADMIN."
    )


def test_a_deletion_of_which_nothing_can_be_read(world: World) -> None:
    world.fault("deleteObject", 502)
    world.fault("getConnection", 403)
    error = fails(errors.ServerError, world.remove)
    assert error.hint == (
        "Whether the connection was deleted could not be read either: Immuta refuses GET"
        " /data/connection/prod%20snowflake (403): A planned fault. Nothing is lost: run it again, it reads first and"
        " goes on from there."
    )
    assert error.__cause__ is None


def test_a_description_that_is_a_page(world: World) -> None:
    world.fault("getConnection", kind="html", times=MANY)
    error = fails(errors.UnexpectedReply, world.info)
    assert (error.details["method"], error.details["path"]) == ("GET", "/data/connection/{connection_key}")


def test_what_a_description_leaves_out_the_list_tells(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "parse_json", lambda reply, operation: {"connectionKey": KEY})
    listed = connection.Connection(KEY, "Snowflake", state="ACTIVE", listed_only=True)
    assert connection.describe(world.client, listed) == connection.Connection(KEY, "Snowflake", state="ACTIVE")


def test_what_says_not_what_to_do_adds_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_arguments: object) -> t.NoReturn:
        raise errors.UnexpectedReply("It is odd.")

    remover = removal.Remover(world.client, PROD, wait=True, wait_timeout=9)
    assert fails(errors.UnexpectedReply, lambda: remover._look(odd)).hint == (
        "The connection was not found any more, but whether it is gone could not be read. Nothing is lost: run it"
        " again, it reads first and goes on from there."
    )
    monkeypatch.setattr(removal.Remover, "_call_delete", odd)
    monkeypatch.setattr(removal.Remover, "_still_there", lambda remover: True)
    assert fails(errors.UnexpectedReply, world.remove).hint == (
        "The connection is still there. Run it again: it reads first and goes on from there."
    )
    monkeypatch.setattr(removal.Remover, "_still_there", odd)
    assert fails(errors.UnexpectedReply, world.remove).hint == (
        "Whether the connection was deleted could not be read either: It is odd. Nothing is lost: run it again, it"
        " reads first and goes on from there."
    )


def test_who_may_not_read_integrations_any_more_believes_a_deletion_that_was_taken(world: World) -> None:
    world.fault("listIntegrations", 403, times=MANY)
    removed = world.remove()
    assert (removed.verified, removed.integration, removed.integration_known) == (True, None, False)
    assert removed.problem.startswith(INTEGRATIONS_REFUSED)


@pytest.mark.parametrize("body", [[], "deleted", 5])
def test_an_answer_to_the_deletion_that_is_none(world: World, body: t.Any) -> None:
    remover = removal.Remover(world.client, PROD, wait=True, wait_timeout=1)
    error = fails(errors.UnexpectedReply, lambda: remover._count(body))
    assert error.message == "Immuta's answer to the deletion is not a JSON object."
    assert (error.details["method"], error.details["path"]) == ("DELETE", "/data/object/{connection_key}")
    assert remover._count({"childCount": "4"}) == 4
    assert remover._count({}) is None
    assert remover._count(None) is None


# What becomes of the integration


@pytest.mark.parametrize("status", ["deleted", "disabled", "enabled", "deleteError"])
def test_an_integration_that_stays(world: World, status: str) -> None:
    world.vary(integration_afterwards="kept")
    other = world.state.integrations[7]
    world.state.connections[KEY].native_integration_id = None
    world.state.integrations[5].status = status
    removed = world.remove()
    assert (removed.integration.id, removed.integration.status) == (5, status)
    assert removed.integration_known
    assert world.waits == []
    assert other.status == "enabled"


def test_an_integration_on_its_way_is_waited_for_but_not_for_ever(world: World) -> None:
    world.state.connections[KEY].native_integration_id = None
    world.state.integrations[5].status = "deleting"
    error = fails(errors.TimedOut, lambda: world.remove(seconds=2.5))
    assert world.waits == [1.0, 1.5]
    assert error.message == (
        "The connection is not found any more, but after 2.5 s its integration 5 is still 'deleting'."
    )
    assert error.hint == "Run it again later to see what became of it."
    assert error.result == {"verified": True}
    assert world.asked.count("listIntegrations") == 3


def test_what_is_not_read_of_a_slow_integration_is_not_claimed(world: World) -> None:
    world.state.connections[KEY].native_integration_id = None
    world.state.integrations[5].status = "deleting"
    world.fault("searchObjects", 500, times=MANY)
    assert fails(errors.TimedOut, lambda: world.remove(seconds=1)).result == {}


def test_an_integration_that_may_not_be_read(world: World) -> None:
    world.fault("listIntegrations", 403)
    removed = world.remove()
    assert removed == removal.Removal(
        5, verified=True, integration=None, integration_known=False, problem=INTEGRATIONS_REFUSED
    )
    # The list, in its stead, says that the connection is gone.
    assert world.asked[-1] == "searchObjects"


def test_a_connection_without_integration_asks_for_none(world: World) -> None:
    removed = world.remove(UNKNOWN)
    assert removed == removal.Removal(5, verified=True, integration=None, integration_known=True)
    assert "listIntegrations" not in world.asked


# The module's work


def test_the_outcome_of_a_removal(world: World) -> None:
    plan = removal.decide_absent(world.double.url, PROD).as_dict()
    planned = world.ensure_absent(check_mode=True)
    expected = {
        "connection": PROD.as_dict(),
        "integration": None,
        "deleted_objects": None,
        "verified": False,
        "plan": plan,
    }
    assert planned.changed
    assert planned.result == expected
    assert world.asked == ["getConnection"]
    outcome = world.ensure_absent(expected_plan_digest=plan["digest"].upper())
    assert outcome.changed
    assert outcome.result == {**expected, "deleted_objects": 5, "verified": True}
    before = {"connection_key": KEY, **PROD.as_dict(), "state": "present"}
    assert (
        outcome.diff
        == planned.diff
        == {
            "before": before,
            "after": {"connection_key": KEY, "state": "absent"},
        }
    )
    again = world.ensure_absent(expected_plan_digest=plan["digest"], confirm=None)
    assert not again.changed
    assert again.result == {
        **expected,
        "connection": None,
        "verified": True,
        "plan": removal.decide_absent(world.double.url, None).as_dict(),
    }
    absent = {"connection_key": KEY, "state": "absent"}
    assert again.diff == {"before": absent, "after": absent}
    assert world.warnings == []


def test_options_that_stop_it_before_anything_is_asked(world: World) -> None:
    assert fails(errors.ConfigurationError, lambda: world.ensure_absent(connection_key="")).message == (
        "The option connection_key is empty."
    )
    for check_mode in (True, False):
        error = fails(errors.Refused, lambda mode=check_mode: world.ensure_absent(mode, confirm="prod"))  # type: ignore[misc]
        assert error.code == "confirmation_mismatch"
        assert error.message == (
            "The option confirm is 'prod', but the connection is 'prod snowflake'. Nothing was deleted."
        )
        assert error.hint == "Set confirm to the very key of the connection that is to go."
    assert world.asked == []


def test_options_that_stop_it_after_it_was_read(world: World) -> None:
    digest = removal.decide_absent(world.double.url, PROD).digest
    error = fails(errors.Refused, lambda: world.ensure_absent(confirm=None))
    assert error.code == "confirmation_required"
    assert error.message == "The option confirm is missing. Nothing was deleted."
    assert error.hint == (
        "Deleting can't be undone. To go on, set confirm to 'prod snowflake'; to see the plan, use check mode."
    )
    for check_mode in (True, False):
        error = fails(errors.Refused, lambda mode=check_mode: world.ensure_absent(mode, expected_plan_digest="0"))  # type: ignore[misc]
        assert error.code == "plan_changed"
        assert error.message == (
            f"The plan has the digest {digest}, but expected_plan_digest is 0. Nothing was deleted."
        )
        assert error.hint == ("It is not the one that was approved: look at it, and approve it again if it is right.")
    assert set(world.asked) == {"getConnection"}
    assert KEY in world.state.connections


def test_waits_as_it_is_told(world: World) -> None:
    world.vary(deletion_reads=100)
    assert world.ensure_absent(wait=False).result["verified"] is False
    assert world.warnings == []
    world.double.reset()
    world.vary(deletion_reads=100)
    assert "after 3 s" in fails(errors.TimedOut, lambda: world.ensure_absent(wait_timeout=3)).message
    assert sum(world.waits) == 3


def test_finds_the_integration_that_the_description_leaves_out(world: World) -> None:
    world.vary(native_integration_id="absent")
    plan = world.ensure_absent(check_mode=True).result["plan"]
    assert [step["target"] for step in plan["steps"]] == [KEY, 5]
    assert world.asked == ["getConnection", "listIntegrations"]


def test_looks_for_no_integration_where_there_is_no_script(world: World) -> None:
    world.vary(native_integration_id="absent")
    world.state.connections["lake"] = doubles.Connection("lake", "Glue", HOST)
    assert world.ensure_absent(True, connection_key="lake", confirm=None).result["connection"]["integration_id"] is None
    assert world.asked == ["getConnection"]


@pytest.mark.parametrize("permitted", [True, False])
def test_an_integration_that_is_not_known_is_a_warning(world: World, permitted: bool) -> None:
    world.vary(native_integration_id="absent")
    if permitted:
        world.state.integrations[6] = dataclasses.replace(world.state.integrations[5], id=6)
    else:
        world.fault("listIntegrations", 403)
    outcome = world.ensure_absent(check_mode=True)
    assert outcome.result["connection"]["integration_id"] is None
    assert len(world.warnings) == 1
    assert world.warnings[0].startswith("The integration of the connection is not known: Immuta ")


@pytest.mark.parametrize(
    ("afterwards", "status", "warned"),
    [("gone", None, False), ("deleted", "deleted", False), ("disabled", "disabled", False), ("kept", "enabled", True)],
)
def test_an_integration_that_is_still_in_use_is_a_warning(
    world: World, afterwards: str, status: str | None, warned: bool
) -> None:
    world.vary(integration_afterwards=afterwards)
    left = world.ensure_absent().result["integration"]
    assert (left and left["status"]) == status
    assert (left is None) == (status is None)
    assert left is None or (left["id"], left["in_use"]) == (5, warned)
    assert world.warnings == (
        [
            "The connection is gone, but its integration 5 is still listed as 'enabled'. Look at it in Immuta before"
            " you run the clean-up script by hand."
        ]
        if warned
        else []
    )


def test_an_integration_that_may_not_be_read_afterwards_is_a_warning(world: World) -> None:
    world.fault("listIntegrations", 403)
    assert world.ensure_absent().result["verified"] is True
    assert world.warnings == [f"What became of the integration is not known: {INTEGRATIONS_REFUSED}"]


# The information module


def test_informs_about_one(world: World) -> None:
    assert world.info(KEY) == [{**PROD.as_dict(), "integration_type": "Snowflake", "integration_status": "enabled"}]
    assert world.asked == ["getConnection", "listIntegrations"]
    assert world.info("none") == []


def test_informs_about_all(world: World) -> None:
    world.state.connections["a trino"] = doubles.Connection("a trino", "Trino", state="X")
    found = world.info()
    about = [(one["key"], one["technology"], one["state"], one["integration_id"]) for one in found]
    assert about == [
        ("a trino", "Trino", "X", None),
        ("prod databricks", "Databricks", "ACTIVE", 7),
        ("prod lake formation", "Glue", "ACTIVE", 9),
        (KEY, "Snowflake", "ACTIVE", 5),
    ]
    assert [(one["integration_type"], one["integration_status"]) for one in found] == [
        *((None, None), ("Databricks", "enabled"), ("Glue", "enabled"), ("Snowflake", "enabled"))
    ]
    assert world.asked == ["searchObjects", *["getConnection"] * 4, "listIntegrations"]


def test_informs_about_connections_without_integrations(world: World) -> None:
    world.vary(native_integration_id="null")
    assert [one["integration_status"] for one in world.info()] == [None] * 3
    assert "listIntegrations" not in world.asked
    world.vary(native_integration_id="present")
    world.state.integrations.clear()
    assert [one["integration_type"] for one in world.info()] == [None] * 3


def test_informs_about_none_only_who_may_see_everything(world: World) -> None:
    world.state.connections.clear()
    assert world.info() == []
    assert world.asked == ["searchObjects", "listIntegrations"]
    world.fault("listIntegrations", 403)
    error = fails(errors.PermissionDenied, world.info)
    assert error.message.startswith("Immuta does not show any connection to this API key")


def test_informs_about_what_it_may_read(world: World) -> None:
    world.fault("listIntegrations", 403)
    assert [one["integration_type"] for one in world.info()] == [None] * 3
    assert world.warnings == [f"Types and statuses of integrations are left out: {INTEGRATIONS_REFUSED}"]


def test_informs_with_the_list_where_there_is_no_description(world: World) -> None:
    world.fault("getConnection", 400)
    world.fault("getConnection", 404, nth=2)
    found = world.info()
    assert [one["hostname"] is None for one in found] == [True, True, False]
    assert [one["integration_id"] for one in found] == [None, None, 5]


@pytest.mark.parametrize("key", ["..", "no text: \ud800"])
def test_informs_with_the_list_where_no_url_leads(world: World, key: str) -> None:
    world.state.connections[key] = doubles.Connection(key, "Snowflake", "host.example", 443, 5)
    found = {one["key"]: one for one in world.info()}
    assert (found[key]["technology"], found[key]["hostname"]) == ("Snowflake", None)
    assert len(found) == 4


def test_the_list_completes_a_description(world: World) -> None:
    listed = connection.Connection("prod lake formation", "Glue", state="OLD", listed_only=True)
    world.state.connections[listed.key].state = ""
    found = connection.describe(world.client, listed)
    assert found == connection.Connection(listed.key, "Glue", state="OLD", integration_id=9)
    world.state.connections[KEY].state = "NEW"
    described = connection.describe(world.client, connection.Connection(KEY, "Other", state="OLD"))
    assert (described.technology, described.state, described.listed_only) == ("Snowflake", "NEW", False)


# The inventory


def test_surveys_what_is_wanted(world: World) -> None:
    world.add(3)
    seen: list[connection.Connection] = []

    def wanted(one: connection.Connection) -> bool:
        seen.append(one)
        return one.key in (KEY, "c001")

    trino = {**connection.Connection("c001", "Trino", state="ACTIVE").as_dict()}
    assert connection.survey(world.client, wanted) == [
        {**trino, "integration_type": None, "integration_status": None},
        {**PROD.as_dict(), "integration_type": "Snowflake", "integration_status": "enabled"},
    ]
    assert [one.key for one in seen] == ["c000", "c001", "c002", "prod databricks", "prod lake formation", KEY]
    assert {one.technology for one in seen} == {"Trino", "Databricks", "Glue", "Snowflake"}
    assert world.asked == ["searchObjects", "listIntegrations", *["getConnection"] * 2]


def test_surveys_only_for_a_key_that_may_see_everything(world: World) -> None:
    world.state.api_keys[API_KEY].permissions = {"INFRASTRUCTURE_ADMIN"}
    error = fails(errors.PermissionDenied, lambda: connection.survey(world.client, lambda one: True))
    assert error.message.startswith("Immuta does not show every connection to this API key")
    assert "getConnection" not in world.asked
