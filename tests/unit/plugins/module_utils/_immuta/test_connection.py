# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections are read, whatever the server does to its pages and envelopes, or nothing is said about them."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import connection, errors
from ansible_collections.community.immuta.tests.doubles import immuta_server as doubles
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import (
    API_KEY,
    HOST,
    KEY,
    PROD,
    Answers,
    World,
    fails,
)

# Reading


def test_gets_what_immuta_describes(world: World) -> None:
    assert connection.get(world.client, KEY) == PROD
    assert connection.look_up(world.client, KEY)[:2] == (PROD, [])
    assert world.asked == ["getConnection", "getConnection"]
    assert connection.look_up(world.client, KEY, listed_first=True)[:2] == (PROD, [])
    assert world.asked[2:] == ["searchObjects", "getConnection"]


@pytest.mark.parametrize("status", [400, 404])
def test_finds_by_its_object_what_immuta_does_not_describe(world: World, status: int) -> None:
    world.vary(described_status=status)
    world.state.connections["trino"] = doubles.Connection("trino", "Trino", state="DISABLED")
    trino = connection.Connection("trino", "Trino", state="DISABLED", listed_only=True)
    assert connection.get(world.client, "trino") == trino
    assert world.asked == ["getConnection", "getObject"]
    world.double.requests.clear()
    assert connection.look_up(world.client, "trino", listed_first=True)[:2] == (trino, [])
    assert world.asked == ["searchObjects", "getConnection", "getObject"]


@pytest.mark.parametrize("status", [400, 404, 405])
def test_finds_in_the_list_what_has_no_object(world: World, status: int) -> None:
    world.fault("getConnection", 400)
    world.fault("getObject", status)
    assert connection.get(world.client, KEY) == connection.Connection(
        KEY, "Snowflake", state="ACTIVE", listed_only=True
    )
    assert world.asked == ["getConnection", "getObject", "searchObjects"]


def test_the_object_of_another_path_is_not_the_connection(world: World) -> None:
    world.vary(slash="decoded")
    world.state.connections[KEY].children = ["sales"]
    assert connection.by_key(world.client, f"{KEY}/sales") is None
    assert world.asked == ["getConnection", "getObject"]


@pytest.mark.parametrize("listed_first", [False, True])
def test_absent_is_what_a_whole_list_lacks_for_a_key_that_may_see_everything(world: World, listed_first: bool) -> None:
    # Keys differ by case, too.
    absent, known, listed = connection.look_up(world.client, KEY.upper(), listed_first=listed_first)
    assert absent is None
    assert [one.id for one in known] == [5, 7, 9]
    assert KEY in [one.key for one in listed]
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
        "Immuta does not show the connection 'PROD SNOWFLAKE' to this API key, so the key may not see"
        " everything, and it is not known what exists."
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
    for linked in ({}, {"nativeIntegrationId": None}):
        assert connection.from_description({"connectionKey": "k", **linked}, "k").integration_id is None
    for about in ({}, {"connection": None}, {"connection": "x"}):
        assert connection.from_description({"connectionKey": "k", **about}, "k") == connection.Connection("k", "")


@pytest.mark.parametrize(
    "number", ["five", "", " 5", "+5", "5.0", "\u0663", 5.0, True, False, -5, [5], {"id": 5}, "9" * 19]
)
def test_an_integration_that_can_not_be_read_is_not_none(number: t.Any) -> None:
    error = fails(
        errors.UnexpectedReply,
        lambda: connection.from_description({"connectionKey": "k", "nativeIntegrationId": number}, "k"),
    )
    assert error.message == (
        "In Immuta's answer to GET /data/connection/{connection_key} the field nativeIntegrationId is"
        f" {number!r}, which is not the id of an integration."
    )
    assert error.hint


DEEP: t.Any = json.loads("[" * 600 + "]" * 600)


@pytest.mark.parametrize("value", [["x"], {"x": 1}, 5, True, DEEP], ids=["list", "object", "number", "bool", "deep"])
@pytest.mark.parametrize("field", ["state", "connection.technology", "connection.hostname", "connectionKey"])
def test_a_field_of_another_type_is_named(field: str, value: t.Any) -> None:
    name = field.removeprefix("connection.")
    body = {"connectionKey": "k", **({"connection": {name: value}} if name != field else {name: value})}
    error = fails(errors.UnexpectedReply, lambda: connection.from_description(body, "k"))
    assert f"the field {field} is " in error.message or field == "connectionKey"
    assert len(str(error.as_dict())) < 500
    if name in ("technology", "state"):
        listed = [{"objectPath": ["k"], name: value}]
        client: t.Any = Answers(searchObjects=listed)
        error = fails(errors.UnexpectedReply, lambda: connection.list_all(client))
        assert f"POST /data/object/search the field {name} is " in error.message


@pytest.mark.parametrize("body", [None, [], "connectionKey", {}, {"key": "k"}, ["connectionKey"]])
def test_what_describes_no_connection(body: t.Any) -> None:
    error = fails(errors.UnexpectedReply, lambda: connection.from_description(body, "k"))
    assert error.message == "Immuta answered with something other than a connection."
    assert error.details["method"] == "GET"
    assert error.details["path"] == "/data/connection/{connection_key}"


def test_another_connection_than_the_one_asked_for() -> None:
    error = fails(errors.UnexpectedReply, lambda: connection.from_description({"connectionKey": "K"}, "k"))
    assert error.message == "Immuta was asked for the connection 'k', but answered with 'K'."
    assert error.hint == "Spell the key exactly as Immuta does; its case matters."
    assert (error.details["method"], error.details["path"]) == ("GET", "/data/connection/{connection_key}")


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


def test_suggests_keys_that_may_be_meant() -> None:
    known = [
        connection.Connection(key, "Snowflake")
        for key in ("prod snowflake", "PROD SNOWFLAKE", "finance", "dev snowflake")
    ]
    assert "prod snowflake" in connection.similar_keys("prod snowflke", known)
    assert "PROD SNOWFLAKE" in connection.similar_keys("prod snowflake ", known)
    assert "finance" not in connection.similar_keys("prod snowflke", known)
