# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What another connection has, or may have, is not taken for this one's."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import connection, errors, neighbours
from ansible_collections.community.immuta.plugins.module_utils._immuta.neighbours import Neighbours
from ansible_collections.community.immuta.tests.doubles import immuta_server as doubles
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import HOST, KEY, PROD, World, fails

UNKNOWN = dataclasses.replace(PROD, integration_id=None)
OTHER = "other: the same account"


def other(world: World, number: t.Any, technology: str = "Snowflake", host: str = HOST, key: str = OTHER) -> None:
    world.state.connections[key] = doubles.Connection(key, technology, host, 443, number)


def of(world: World, subject: connection.Connection = PROD) -> Neighbours:
    return Neighbours(world.client, subject)


def chosen(world: World, subject: connection.Connection = UNKNOWN) -> int | None:
    one = of(world, subject)
    return one.choose(one.candidates())


# The integration that Immuta names


def test_an_integration_of_its_own(world: World) -> None:
    assert of(world).require_unshared(5) == 5
    # The others are asked for theirs: the list does not tell.
    assert world.asked == ["searchObjects", "getConnection", "getConnection"]


@pytest.mark.parametrize("technology", ["Snowflake", "Databricks", "Glue"])
@pytest.mark.parametrize("host", [HOST, "elsewhere.example"])
def test_two_connections_with_one_integration_are_refused(world: World, technology: str, host: str) -> None:
    other(world, 5, technology, host)
    error = fails(neighbours.Shared, lambda: of(world).require_unshared(5))
    assert error.code == "integration_shared"
    assert error.message == (
        f"The integration 5 belongs to the connection {KEY!r} and to the connection {OTHER!r}: removing one would take"
        " away what the other needs. Nothing was changed."
    )
    assert error.hint
    other(world, 5, key="third")
    assert "the connections 'other: the same account', 'third'" in str(
        fails(neighbours.Shared, lambda: of(world).require_unshared(5))
    )


def test_what_is_named_is_not_what_another_one_lacks(world: World) -> None:
    other(world, None)
    assert of(world).require_unshared(5) == 5


def test_connections_that_name_no_integration_are_not_asked_for_one(world: World) -> None:
    world.add(30)
    assert of(world).require_unshared(5) == 5
    assert world.asked.count("getConnection") == 2


def test_an_integration_of_another_one_that_can_not_be_read_is_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(client: t.Any, key: str) -> connection.Connection | None:
        return connection.from_description({"connectionKey": key, "nativeIntegrationId": "\u0665"}, key)

    monkeypatch.setattr(connection, "by_key", odd)
    assert "nativeIntegrationId" in fails(errors.UnexpectedReply, lambda: of(world).require_unshared(5)).message


def test_one_that_is_deleted_meanwhile_has_nothing(world: World) -> None:
    one = of(world)
    assert one.listed
    del world.state.connections["prod databricks"]
    assert one.require_unshared(5) == 5


@pytest.mark.parametrize("technology", ["Snowflake", "SNOWFLAKE", "snowflake", "Databricks", ""])
@pytest.mark.parametrize("why", ["not described", "no object either", "no URL"])
def test_one_of_which_nothing_can_be_read_may_have_it(world: World, why: str, technology: str) -> None:
    key = ".." if why == "no URL" else OTHER
    other(world, 6, technology, key=key)
    path = key.replace(" ", "%20").replace(":", "%3A")
    world.fault("getConnection", 400, path=path)
    if why == "no object either":
        world.fault("getObject", 404, path=path)
    if technology == "Databricks":
        # Nothing of another platform is this one's.
        assert of(world).require_unshared(5) == 5
        return
    error = fails(neighbours.Shared, lambda: of(world).require_unshared(5))
    assert error.message.startswith(f"Immuta lists the connection {key!r}, but does not describe it")
    assert repr(KEY) in error.message
    assert error.hint.startswith("Run it again.")


def test_what_may_not_be_read_is_not_taken_for_none(world: World) -> None:
    world.fault("getConnection", 403)
    assert fails(errors.PermissionDenied, lambda: of(world).require_unshared(5)).hint


# The integration on the host


@pytest.mark.parametrize(
    ("technology", "kind", "found"),
    [
        ("Snowflake", "Snowflake", True),
        ("Databricks", "DatabricksUnityCatalog", False),
        ("DatabricksLakebase", "Databricks", False),
        ("Snowflake", "Databricks", False),
        ("", "Snowflake", False),
    ],
)
def test_the_integration_on_the_host(world: World, technology: str, kind: str, found: bool) -> None:
    world.state.integrations = {5: doubles.Integration(5, kind, config={"host": HOST.upper()})}
    assert chosen(world, dataclasses.replace(UNKNOWN, technology=technology)) == (5 if found else None)


def test_an_integration_out_of_use_or_on_another_host_is_not_meant(world: World) -> None:
    assert chosen(world, dataclasses.replace(UNKNOWN, hostname=None)) is None
    assert world.asked == []
    world.state.integrations[5].status = "deleted"
    assert chosen(world) is None
    world.state.integrations[5].status = "enabled"
    world.state.integrations[5].config["host"] = "other.example"
    assert chosen(world) is None


def test_two_integrations_on_the_host_are_refused(world: World) -> None:
    world.state.integrations[6] = dataclasses.replace(world.state.integrations[5], id=6)
    error = fails(neighbours.Ambiguous, lambda: chosen(world))
    assert error.message == (
        "Immuta does not say which integration belongs to the connection 'prod snowflake', and 5, 6 are on its host."
    )
    assert error.hint == "Find the right one in Immuta and name it in integration_id."
    # The other one has its own.
    other(world, 6)
    assert chosen(world) == 5


@pytest.mark.parametrize("number", ["named", "unnamed"])
@pytest.mark.parametrize("host", [HOST, HOST.upper()])
@pytest.mark.parametrize("technology", ["Snowflake", "SNOWFLAKE"])
def test_what_another_connection_has_is_not_found_by_the_host(
    world: World, number: str, host: str, technology: str
) -> None:
    other(world, 5 if number == "named" else None, host=host)
    subject = dataclasses.replace(UNKNOWN, technology=technology)
    error = fails(neighbours.Shared, lambda: chosen(world, subject))
    assert repr(KEY) in error.message
    assert repr(OTHER) in error.message
    assert "5 on its host" in error.message
    other(world, None, host="elsewhere.example")
    assert chosen(world, subject) == 5


# The key


@pytest.mark.parametrize("key", ["a/b", "a/b/c", "/", "100%", "a%2Fb", "a\\b", "a?b#c;d"])
def test_a_key_that_is_one_name_to_the_server(world: World, key: str) -> None:
    other(world, 6, key=key)
    of(world, connection.Connection(key, "Snowflake")).require_whole()
    assert world.asked == ["searchObjects", "getObject"]


def test_a_plain_key_needs_no_look(world: World) -> None:
    of(world, connection.Connection("naïve ☃ 'key' a.b:c", "Snowflake")).require_whole()
    assert world.asked == []


@pytest.mark.parametrize(
    ("key", "beside"),
    [("a/b", "a"), ("a/b/c", "a"), ("a/b/c", "a/b"), ("a%2Fb", "a"), ("a%252Fb", "a"), ("a\\b", "a"), ("a%20b", "a b")],
)
@pytest.mark.parametrize("slash", ["kept", "decoded"])
def test_a_key_that_may_mean_another_connection_is_refused(world: World, key: str, beside: str, slash: str) -> None:
    world.vary(slash=slash)
    other(world, 6, key=beside)
    other(world, 6, key=key)
    error = fails(errors.Refused, lambda: of(world, connection.Connection(key, "Snowflake")).require_whole())
    assert error.code == "ambiguous_key"
    assert f"Immuta may take it for the connection {beside!r} or an object below" in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        ({"slash": "decoded"}, "Immuta has no object at that path"),
        ({"slash": "refused"}, "Immuta has no object at that path"),
        ({"object_path": "string"}, "Immuta does not tell whether it is a connection"),
    ],
    ids=str,
)
def test_a_key_that_the_server_does_not_take_for_one_name_is_refused(
    world: World, variant: dict[str, t.Any], reason: str
) -> None:
    world.vary(**variant)
    other(world, 6, key="a/b")
    error = fails(errors.Refused, lambda: of(world, connection.Connection("a/b", "Snowflake")).require_whole())
    assert reason in error.message


def test_an_object_of_a_connection_that_is_not_listed_is_not_the_connection(world: World) -> None:
    world.vary(slash="decoded")
    other(world, 6, key="a/b")
    one = of(world, connection.Connection("a/b", "Snowflake"))
    assert one.listed
    # It has come since the others were listed.
    other(world, 7, key="a")
    world.state.connections["a"].children = ["b"]
    assert "takes it for the object 'a' / 'b'" in fails(errors.Refused, one.require_whole).message
