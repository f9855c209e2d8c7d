# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A call of the client: quoting, signing in, waiting, giving up, and its errors. Only waiting moves the clock."""

from __future__ import annotations

import datetime
import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, operations
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import (
    LONGEST_MESSAGE,
    Client,
    _segment,
    failure_of,
    looks_like_html,
    message_of,
    not_immuta,
    parse_json,
    seconds_until,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    DELETE_OBJECT,
    OPERATIONS,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply, Settings
from ansible_collections.community.immuta.tests.doubles import immuta_server as doubles

KEY = "prod snowflake"
API_KEY = "api-key-of-the-client-tests"
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)


class World:
    """A tenant, and clients of it whose waiting takes no time."""

    def __init__(self, double: doubles.ImmutaDouble) -> None:
        self.double = double
        self.now = 50.0
        self.waits: list[float] = []
        self.hidden: list[str] = []
        self.jitter = 1.0

    def client(self, *, check_mode: bool = False, **options: t.Any) -> Client:
        return Client(
            Settings(self.double.url, API_KEY, **{"timeout": 60.0, **options}),
            check_mode=check_mode,
            clock=lambda: self.now,
            sleep=self.sleep,
            jitter=lambda: self.jitter,
        )

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def fault(self, operation: str, status: int, times: int = 1, **fields: t.Any) -> None:
        self.double.faults.add(
            doubles.Fault(**{"kind": "status", "operation_id": operation, "status": status, "times": times, **fields})
        )

    @property
    def asked(self) -> list[str | None]:
        return [one.operation_id for one in self.double.requests]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[World]:
    with doubles.ImmutaDouble(doubles.State.example(KEY, api_key=API_KEY), doubles.Variant()) as double:
        one = World(double)
        monkeypatch.setattr(_redact, "add", one.hidden.extend)
        yield one
        assert not double.violations


def fails(kind: type[errors.ImmutaError], call: t.Callable[[], object]) -> errors.ImmutaError:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.__class__ == kind
    # What the cause was is in the message, without its secrets.
    assert caught.value.__cause__ is None
    return caught.value


def about(error: errors.ImmutaError) -> tuple[t.Any, ...]:
    return error.details.get("method"), error.details.get("path"), error.details.get("status")


# Calls


def test_puts_parameters_into_the_path(world: World) -> None:
    with world.client() as client:
        reply = client.call(operations.GET_CONNECTION, connection_key=KEY)
        assert reply.status == 200
        assert client.call_json(operations.GET_INTEGRATION, integration_id=5)["id"] == 5
    assert [one.path for one in world.double.requests] == ["/data/connection/prod%20snowflake", "/integrations/5"]
    assert world.double.connections == 1


def test_sends_a_body(world: World) -> None:
    with world.client() as client:
        answer = client.call_json(operations.SEARCH_OBJECTS, body={"size": 1, "offset": 0})
        assert len(answer["hits"]) == 1
        assert client.find(operations.SEARCH_OBJECTS, body={"size": 2, "offset": 0}) is not None
        assert client.call(operations.SEARCH_OBJECTS, body={"size": 3, "offset": 0}).status == 200
    assert [one.body["size"] for one in world.double.requests] == [1, 2, 3]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 501, 599])
def test_an_answer_is_wanted_whatever_its_status_is(world: World, status: int) -> None:
    world.fault("listIntegrations", status)
    with world.client(retries=2) as client:
        assert client.answer(operations.LIST_INTEGRATIONS).status == status
        reply = client.answer(operations.SEARCH_OBJECTS, body={"size": 1, "offset": 0})
        assert len(json.loads(reply.body)["hits"]) == 1
        assert client.answer(operations.GET_CONNECTION, connection_key=KEY).status == 200
        # It shows nothing about the part of the API.
        assert client.find(operations.GET_CONNECTION, connection_key="x") is None
    assert world.asked == ["listIntegrations", "searchObjects", "getConnection", "getConnection", "searchObjects"]


@pytest.mark.parametrize(
    ("status", "kind"), [(429, errors.RateLimited), (502, errors.ServerError), (504, errors.ServerError)]
)
def test_an_answer_that_asks_to_try_again_is_none(world: World, status: int, kind: type[errors.ImmutaError]) -> None:
    world.fault("listIntegrations", status, times=2)
    with world.client(retries=1) as client:
        fails(kind, lambda: client.answer(operations.LIST_INTEGRATIONS))
        assert client.answer(operations.LIST_INTEGRATIONS).status == 200


def test_check_mode_sends_no_write(world: World) -> None:
    with world.client(check_mode=True) as client:
        error = fails(errors.WriteInCheckMode, lambda: client.call(operations.DELETE_OBJECT, connection_key=KEY))
        assert error.message == (
            "deleteObject was about to be sent in check mode. Nothing was sent; please report this bug."
        )
        assert client.call(operations.GET_CONNECTION, connection_key=KEY).status == 200
        assert client.call(operations.RENDER_CLEANUP_SCRIPT, integration_id=5).status == 200
    assert world.asked == ["getConnection", "renderCleanupScript"]


def test_an_option_that_a_url_can_not_hold_is_named(world: World) -> None:
    with world.client() as client, pytest.raises(InvalidOption, match=r"The option connection_key is '\.\.'"):
        client.call(operations.GET_CONNECTION, connection_key="..")
    assert world.asked == []


def test_without_check_mode_it_sends_writes(world: World) -> None:
    with Client(Settings(world.double.url, API_KEY, timeout=60.0)) as client:
        assert client.call(operations.DELETE_OBJECT, connection_key=KEY).status == 200


def test_the_end_of_a_client_closes_its_connection(world: World) -> None:
    with world.client() as client:
        client.call(operations.LIST_INTEGRATIONS)
    client.call(operations.LIST_INTEGRATIONS)
    assert world.double.connections == 2
    client.__exit__()


# What a 404 means


def test_finds_what_is_there(world: World) -> None:
    with world.client() as client:
        found = client.find(operations.GET_CONNECTION, connection_key=KEY)
        assert found is not None
        assert found.status == 200


def test_believes_a_404_when_another_call_of_the_family_has_answered(world: World) -> None:
    with world.client() as client:
        assert client.find(operations.GET_CONNECTION, connection_key="none") is None
        assert world.asked == ["getConnection", "searchObjects"]
        assert world.double.requests[1].body == {}
        assert client.find(operations.GET_CONNECTION, connection_key="none") is None
        assert world.asked[2:] == ["getConnection"]
        # That the connections API answers says nothing of the integrations API.
        assert client.find(operations.GET_INTEGRATION, integration_id=99) is None
        assert world.asked[3:] == ["getIntegration", "listIntegrations"]
        assert world.double.requests[4].body is None


def test_connections_that_are_switched_off(world: World) -> None:
    world.double.variant.connections_enabled = False
    with world.client() as client:
        error = fails(errors.ApiMissing, lambda: client.find(operations.GET_CONNECTION, connection_key=KEY))
    assert error.message == (
        f"No Immuta connections API answers at the url {world.double.url}, though its integrations API does:"
        " connections are switched off on this tenant or not in this version, so it is not known what exists."
    )
    assert error.hint == "Have connections enabled on the tenant, or check url."
    assert about(error) == ("POST", "/data/object/search", 404)
    assert world.asked == ["getConnection", "searchObjects", "listIntegrations"]


def test_a_url_where_nothing_is(world: World) -> None:
    world.double.variant.wrong_prefix = True
    with world.client() as client:
        error = fails(errors.ApiMissing, lambda: client.call(operations.SEARCH_OBJECTS, body={}))
        assert error.message == (
            f"No Immuta connections API answers at the url {world.double.url}, so it is not known what exists."
        )
        assert error.hint == "Check url (host only, no path)."
        world.double.requests.clear()
        error = fails(errors.ApiMissing, lambda: client.call(operations.LIST_INTEGRATIONS))
        assert error.message == (
            f"No Immuta integrations API answers at the url {world.double.url}, so it is not known what exists."
        )
        assert about(error) == ("GET", "/integrations", 404)
        assert world.asked == ["listIntegrations"]
        error = fails(errors.NotFound, lambda: client.call(operations.GET_CONNECTION, connection_key=KEY))
        assert about(error) == ("GET", "/data/connection/prod%20snowflake", 404)


def test_a_login_page_is_no_answer(world: World) -> None:
    world.double.variant.login_page = True
    with world.client() as client:
        error = fails(errors.UnexpectedReply, lambda: client.call_json(operations.LIST_INTEGRATIONS))
    assert error.message == (
        "GET /integrations was answered with a web page (a login page?): this is not the Immuta API."
    )
    assert error.hint == "Check url: it must be the tenant itself, not a login host or a proxy's sign-in page."
    assert about(error) == ("GET", "/integrations", 200)


# Signing in


def test_exchanges_the_key_once(world: World) -> None:
    with world.client(exchange_api_key=True) as client:
        client.call(operations.LIST_INTEGRATIONS)
        client.call(operations.LIST_INTEGRATIONS)
    assert world.asked == ["exchangeApiKey", "listIntegrations", "listIntegrations"]
    assert [one.authorization for one in world.double.requests] == ["none", "bearer", "bearer"]
    assert world.hidden == list(world.double.state.tokens)
    assert world.double.requests[0].body == {"apikey": "***"}


def test_exchanges_nothing_when_not_told_so(world: World) -> None:
    with world.client() as client:
        client.call(operations.LIST_INTEGRATIONS)
    assert world.asked == ["listIntegrations"]
    assert world.hidden == []


def test_a_key_that_is_not_taken(world: World) -> None:
    world.double.state.api_keys.clear()
    with world.client(exchange_api_key=True) as client:
        error = fails(errors.AuthenticationError, lambda: client.call(operations.LIST_INTEGRATIONS))
    assert about(error) == ("POST", "/bim/apikey/authenticate", 401)
    assert world.asked == ["exchangeApiKey"]


class Tokenless(doubles.ImmutaDouble):
    """Answers an exchange with something else."""

    answer: bytes = b""

    def _answer(self, *args: t.Any) -> t.Any:
        return doubles.Reply(200, self.answer, outside=True)


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"token": ""}', b'{"token": 5}', b'{"TOKEN": "x"}'])
def test_an_exchange_without_a_token(answer: bytes) -> None:
    with Tokenless(doubles.State.example(KEY, api_key=API_KEY)) as double:
        double.answer = answer
        world = World(double)
        with world.client(exchange_api_key=True) as client:
            error = fails(errors.UnexpectedReply, lambda: client.call(operations.LIST_INTEGRATIONS))
    assert error.message == "Immuta accepted the API key, but its answer has no token."
    assert about(error) == ("POST", "/bim/apikey/authenticate", None)
    assert world.hidden == []


def test_an_exchange_that_answers_with_a_page() -> None:
    with Tokenless(doubles.State.example(KEY, api_key=API_KEY)) as double:
        double.answer = b"<p>Sign in</p>"
        with World(double).client(exchange_api_key=True) as client:
            error = fails(errors.UnexpectedReply, lambda: client.call(operations.LIST_INTEGRATIONS))
    assert about(error) == ("POST", "/bim/apikey/authenticate", 200)


# Again


def test_what_is_sent_again_and_how_often(world: World) -> None:
    world.fault("getConnection", 503, times=2)
    with world.client(retries=2) as client:
        assert client.call(operations.GET_CONNECTION, connection_key=KEY).status == 200
        assert world.waits == [0.5, 1.0]
        world.fault("getConnection", 502, times=9)
        fails(errors.ServerError, lambda: client.call(operations.GET_CONNECTION, connection_key=KEY))
    assert world.asked == ["getConnection"] * 6


@pytest.mark.parametrize(
    ("operation", "status", "again"),
    [
        ("getConnection", 429, True),
        ("getConnection", 502, True),
        ("getConnection", 503, True),
        ("getConnection", 504, True),
        ("getConnection", 500, False),
        ("getConnection", 501, False),
        ("getConnection", 409, False),
        ("deleteObject", 429, True),
        ("deleteObject", 503, False),
    ],
)
def test_which_answers_are_asked_for_again(world: World, operation: str, status: int, again: bool) -> None:
    world.fault(operation, status)
    which = {one.name: one for one in operations.OPERATIONS}[operation]
    with world.client() as client:
        if again:
            assert client.call(which, connection_key=KEY).status == 200
        else:
            with pytest.raises(errors.ImmutaError) as caught:
                client.call(which, connection_key=KEY)
            assert caught.value.status == status
    assert len(world.asked) == 1 + again
    assert world.waits == [0.5] * again


@pytest.mark.parametrize(("operation", "again"), [("getConnection", True), ("deleteObject", False)])
def test_a_lost_answer_is_asked_for_again_where_that_is_safe(world: World, operation: str, again: bool) -> None:
    world.double.faults.add(doubles.Fault("lost_answer", operation_id=operation))
    which = {one.name: one for one in operations.OPERATIONS}[operation]
    with world.client() as client:
        if again:
            assert client.call(which, connection_key=KEY).status == 200
        else:
            fails(errors.TransportError, lambda: client.call(which, connection_key=KEY))
    assert len(world.asked) == 1 + again


@pytest.mark.parametrize(("asked", "waited"), [(3, 3.0), (0, 0.5), ("soon", 0.5), ("x" * 9, 0.5)])
def test_waits_as_long_as_it_is_asked_to(world: World, asked: int | str, waited: float) -> None:
    world.fault("listIntegrations", 429, retry_after=asked)
    with world.client() as client:
        client.call(operations.LIST_INTEGRATIONS)
    assert world.waits == [waited]


def test_who_did_not_answer_has_not_asked_to_wait(world: World) -> None:
    world.fault("listIntegrations", 503, kind="reset_before", times=9)
    with world.client(total_timeout=0.4) as client:
        error = fails(errors.TransportError, lambda: client.call(operations.LIST_INTEGRATIONS))
    assert (error.code, world.waits) == ("transport", [])
    assert "asks to wait" not in error.hint


def test_does_not_wait_longer_than_it_may(world: World) -> None:
    world.fault("listIntegrations", 429, times=9, retry_after=100)
    with world.client(total_timeout=100.0) as client:
        error = fails(errors.RateLimited, lambda: client.call(operations.LIST_INTEGRATIONS))
        assert error.hint == ("Immuta asks to wait 100 s, which total_timeout does not allow. Run it again later.")
        assert world.waits == []
    with world.client(total_timeout=200.0) as client:
        fails(errors.RateLimited, lambda: client.call(operations.LIST_INTEGRATIONS))
        assert world.waits == [100.0]


def test_the_time_of_a_call_begins_with_the_call(world: World) -> None:
    with world.client(total_timeout=200.0, exchange_api_key=True) as client:
        world.fault("exchangeApiKey", 503, retry_after=120)
        world.fault("listIntegrations", 503, retry_after=120)
        fails(errors.ServerError, lambda: client.call(operations.LIST_INTEGRATIONS))
        assert world.waits == [120.0]
        world.fault("listIntegrations", 503, retry_after=120)
        client.call(operations.LIST_INTEGRATIONS)
        assert world.waits == [120.0, 120.0]


def test_the_jitter_spreads_the_waits(world: World) -> None:
    world.jitter = 0.5
    world.fault("listIntegrations", 503)
    with world.client() as client:
        client.call(operations.LIST_INTEGRATIONS)
    assert world.waits == [0.375]


# Words


def test_says_which_option_a_url_can_not_hold() -> None:
    with pytest.raises(InvalidOption) as caught:
        _segment("connection_key", "..")
    assert caught.value.message == "The option connection_key is '..', which can't be used in a URL."
    assert _segment("integration_id", 5) == "5"


def test_a_date_is_seen_from_now() -> None:
    ahead = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=5)
    header = ahead.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert 3600 * 4 < seconds_until(header) <= 3600 * 5
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    assert seconds_until("Fri, 02 Jan 2026 04:04:15 +0100", now) == 10.0
    assert seconds_until("0", now) == 0.0
    assert seconds_until("1", now) == 1.0


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/HTML; charset=utf-8", b"x", True),
        ("application/xhtml+xml", b"", True),
        ("application/json", b"\n <html>", True),
        ("application/json", b"{} <", False),
        ("", b"", False),
    ],
)
def test_knows_a_web_page(content_type: str, body: bytes, expected: bool) -> None:
    assert looks_like_html(Reply(200, body, content_type)) is expected


def test_parses_json() -> None:
    assert parse_json(Reply(200, b" \n"), operations.LIST_INTEGRATIONS) is None
    assert parse_json(Reply(200, b"[1]"), operations.LIST_INTEGRATIONS) == [1]
    error = fails(errors.UnexpectedReply, lambda: parse_json(Reply(201, b"x"), operations.LIST_INTEGRATIONS))
    assert error.message == (
        "GET /integrations was answered with something other than JSON: this is not the Immuta API."
    )
    assert about(error) == ("GET", "/integrations", 201)
    assert (
        "something other than a script"
        in not_immuta(Reply(200, b"x"), operations.LIST_INTEGRATIONS, "a script").message
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"message": "", "error": "e"}', "e"),
        (b'{"detail": "d"}', "d"),
        (b'{"error_description": "d"}', "d"),
        (b'{"detail": "d", "error_description": "e"}', "d"),
        (b'{"error": {"other": "x"}}', ""),
        (b'{"other": "x"}', ""),
        (b"[1, 2]", "[1, 2]"),
        (b'{"message": ["a", {"b": 1}, "c"]}', "a, c"),
        (b'{"message": {"a": "b"}}', ""),
        (b'{"error": {"message": {"a": "b"}}}', ""),
        (b'{"message": 5}', "5"),
        (b'{"message": ' + b"[" * 600 + b"]" * 600 + b"}", ""),
        (b"a\x00b  c\n", "a b c"),
    ],
)
def test_finds_the_words_of_the_server(body: bytes, expected: str) -> None:
    assert message_of(Reply(400, body)) == expected


def test_300_characters_are_enough() -> None:
    assert message_of(Reply(400, b"x" * 300 + b"y")) == "x" * 300


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (400, "Immuta refuses GET /p (400)", ""),
        (
            401,
            "Immuta does not accept the API key (401)",
            "Check api_key (or IMMUTA_API_KEY): wrong, expired, or of another tenant. Some tenants want"
            " auth_scheme=bearer.",
        ),
        (403, "Immuta refuses GET /p (403)", "The key's owner needs APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN."),
        (404, "Immuta answers 404 to GET /p", ""),
        (409, "Immuta is busy with it (409)", ""),
        (429, "Immuta asks for fewer requests (429)", "Run it again later."),
        (
            500,
            "Immuta failed on GET /p (500)",
            "Run it again later. Some versions answer 500 to an unknown API key.",
        ),
        (501, "Immuta failed on GET /p (501)", "Run it again later."),
        (599, "Immuta failed on GET /p (599)", "Run it again later."),
    ],
)
def test_what_each_status_says(status: int, message: str, hint: str) -> None:
    for body, tail in ((b"", "."), (b"because", ": because")):
        error = failure_of(Reply(status, body), operations.GET_CONNECTION, "/p")
        assert error.message == message + tail
        assert error.hint == hint
        assert about(error) == ("GET", "/p", status)
        assert error.details.get("permission") == (
            "APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN" if status == 403 else None
        )


def test_a_wait_of_its_own_that_is_too_long_blames_nobody(world: World) -> None:
    world.fault("listIntegrations", 503)
    world.jitter = 1000.0
    with world.client() as client:
        error = fails(errors.ServerError, lambda: client.call(operations.LIST_INTEGRATIONS))
    assert error.hint == "Run it again later."
    assert world.waits == []


def test_numbers_and_dates_out_of_all_bounds() -> None:
    assert seconds_until("9" * 400) == float("inf")
    assert seconds_until("9" * 5000) == 0.0
    assert seconds_until("Fri, 02 Jan 2026 99999999999999999999:04:05 GMT") == 0.0
    assert seconds_until(f"Fri, 02 Jan 2026 03:04:05 +{'9' * 30}") == 0.0


def test_json_that_is_nested_out_of_all_bounds() -> None:
    deep = b"[" * 200_000
    fails(errors.UnexpectedReply, lambda: parse_json(Reply(200, deep), operations.LIST_INTEGRATIONS))
    assert message_of(Reply(400, deep)) == "[" * 300


# Rules that need no server


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("prod snowflake", "prod%20snowflake"),
        ("a/b", "a%2Fb"),
        ("50%", "50%25"),
        ("a#b?c", "a%23b%3Fc"),
        ("naïve ☃", "na%C3%AFve%20%E2%98%83"),
        ("...", "..."),
        (" padded ", "%20padded%20"),
    ],
)
def test_quotes_a_whole_segment(key: str, expected: str) -> None:
    assert _segment("connection_key", key) == expected


@pytest.mark.parametrize("key", ["", ".", "..", "half a character: \ud800"])
def test_refuses_what_a_url_can_not_address(key: str) -> None:
    with pytest.raises(InvalidOption, match="connection_key"):
        _segment("connection_key", key)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("Fri, 02 Jan 2026 03:04:15 GMT", 10.0),
        ("Fri, 02 Jan 2026 03:04:00 GMT", 0.0),
        ("Fri, 02 Jan 2026 03:04:15", 10.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_reads_retry_after(header: str, expected: float) -> None:
    assert seconds_until(header, NOW) == expected


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, errors.InvalidRequest, "invalid_request"),
        (401, errors.AuthenticationError, "authentication"),
        (403, errors.PermissionDenied, "permission"),
        (404, errors.NotFound, "not_found"),
        (409, errors.Busy, "busy"),
        (418, errors.InvalidRequest, "invalid_request"),
        (422, errors.InvalidRequest, "invalid_request"),
        (429, errors.RateLimited, "rate_limited"),
        (500, errors.ServerError, "server"),
        (503, errors.ServerError, "server"),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[Failure], code: str) -> None:
    failure = failure_of(Reply(status, b'{"message": "because"}'), DELETE_OBJECT, "/data/object/x")
    assert isinstance(failure, kind)
    assert failure.as_dict()["code"] == code
    assert failure.as_dict()["status"] == status
    assert failure.as_dict()["method"] == "DELETE"
    assert failure.as_dict()["path"] == "/data/object/x"
    assert failure.message.endswith(": because")


def test_names_the_missing_permission() -> None:
    failure = failure_of(Reply(403, b""), DELETE_OBJECT, "/data/object/x")
    assert "APPLICATION_ADMIN" in failure.hint
    assert "DATA_OWNER" in failure.hint


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"message": "m", "error": "e"}', "m"),
        (b'{"error": "e"}', "e"),
        (b'{"error": {"message": "inner"}}', "inner"),
        (b"plain text", "plain text"),
        (b'"a JSON string"', "a JSON string"),
        (b"two\nlines\x1b[31m", "two lines [31m"),
        (b"<html>no</html>", "(a web page)"),
        (b"\xff\xfe", "��"),
        (b"{}", ""),
        (b"", ""),
    ],
)
def test_takes_the_message_and_nothing_more(body: bytes, expected: str) -> None:
    assert message_of(Reply(400, body)) == expected


def test_cuts_long_messages() -> None:
    assert len(message_of(Reply(400, json.dumps({"message": "x" * 5000}).encode()))) == LONGEST_MESSAGE


def test_check_mode_refuses_every_operation_that_changes_something() -> None:
    client = Client(Settings("https://tenant.example", "key"), check_mode=True)
    for operation in OPERATIONS:
        if not operation.effect.harmless:
            with pytest.raises(errors.WriteInCheckMode):
                client.call(operation, connection_key="x", integration_id=1)
