# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections are read, whatever the server does to its pages and envelopes, or nothing is said about them."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import connection, errors
from ansible_collections.community.immuta.tests.doubles import immuta_server as doubles
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import (
    API_KEY,
    HOST,
    KEY,
    MANY,
    PROD,
    World,
    fails,
)

UNKNOWN = dataclasses.replace(PROD, integration_id=None)

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


def test_what_a_description_leaves_out_the_list_tells(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "parse_json", lambda reply, operation: {"connectionKey": KEY})
    listed = connection.Connection(KEY, "Snowflake", state="ACTIVE", listed_only=True)
    assert connection.describe(world.client, listed) == connection.Connection(KEY, "Snowflake", state="ACTIVE")


def test_the_list_completes_a_description(world: World) -> None:
    listed = connection.Connection("prod lake formation", "Glue", state="OLD", listed_only=True)
    world.state.connections[listed.key].state = ""
    found = connection.describe(world.client, listed)
    assert found == connection.Connection(listed.key, "Glue", state="OLD", integration_id=9)
    world.state.connections[KEY].state = "NEW"
    described = connection.describe(world.client, connection.Connection(KEY, "Other", state="OLD"))
    assert (described.technology, described.state, described.listed_only) == ("Snowflake", "NEW", False)


# The integration behind a connection


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


@pytest.mark.parametrize(("technology", "expected"), [("Snowflake", True), ("Glue", False), ("glue", False)])
def test_lake_formation_has_no_script(technology: str, expected: bool) -> None:
    assert connection.technology_has_script(technology) is expected


def test_suggests_keys_that_may_be_meant() -> None:
    known = [
        connection.Connection(key, "Snowflake")
        for key in ("prod snowflake", "PROD SNOWFLAKE", "finance", "dev snowflake")
    ]
    assert "prod snowflake" in connection.similar_keys("prod snowflke", known)
    assert "PROD SNOWFLAKE" in connection.similar_keys("prod snowflake ", known)
    assert "finance" not in connection.similar_keys("prod snowflke", known)
