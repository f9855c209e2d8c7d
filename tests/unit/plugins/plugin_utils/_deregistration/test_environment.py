# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks give to the modules, and what they say is missing."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import environment

ENV = {
    "IMMUTA_URL": "https://t",
    "IMMUTA_API_TOKEN": "key",
    "SNOWFLAKE_ACCOUNT": "a",
    "SNOWFLAKE_USER": "",
    "SNOWFLAKE_PRIVATE_KEY_PATH": "/k",
    "HOME": "/",
}


@pytest.mark.parametrize(
    ("host", "variables", "expected"),
    [
        ("localhost", {}, False),
        ("127.0.0.1", {}, False),
        ("local", {}, False),
        ("far", {}, True),
        ("unknown", {}, True),
        ("far", {"immuta_deregister_script_host": "local"}, False),
        ("local", {"immuta_deregister_script_host": "far"}, True),
        ("local", {"immuta_deregister_script_host": ""}, False),
        ("local", {"ansible_become": True}, True),
        ("local", {"ansible_become": "yes"}, True),
        ("local", {"ansible_become": "false"}, False),
        ("other user", {}, True),
    ],
)
def test_elsewhere(host: str, variables: dict[str, t.Any], expected: bool) -> None:
    hosts = {
        "local": {"ansible_connection": "local"},
        "far": {"ansible_connection": "ssh"},
        "other user": {"ansible_connection": "local", "ansible_become": True},
    }
    assert environment.elsewhere(host, variables, hosts, connection="ssh", become=False) is expected
    assert environment.elsewhere(host, variables, hosts, connection="ssh", become=True)


def test_a_host_that_names_no_connection_has_that_of_the_command_line() -> None:
    assert not environment.elsewhere("unknown", {}, {}, connection="local", become=False)


@pytest.mark.parametrize(
    ("group", "own", "elsewhere", "expected"),
    [
        # A module on the controller reads the environment itself, so that nothing is left on the disk.
        ("immuta", None, False, {}),
        ("immuta", None, True, {"url": "https://t", "api_key": "key"}),
        ("snowflake", None, True, {"account": "a", "private_key_file": "/k"}),
        ("snowflake", {"account": "b"}, True, {"account": "b", "private_key_file": "/k"}),
        ("snowflake", {"account": "b"}, False, {"account": "b"}),
        ("databricks", {}, True, {}),
    ],
)
def test_options(group: str, own: t.Any, elsewhere: bool, expected: dict[str, str]) -> None:
    assert environment.options(group, own, ENV, elsewhere=elsewhere) == expected


@pytest.mark.parametrize("own", ["account: b", ["a"], 1])
def test_options_that_are_no_dictionary(own: t.Any) -> None:
    with pytest.raises(ValueError, match="immuta_deregister_snowflake_options is not a dictionary"):
        environment.options("snowflake", own, ENV, elsewhere=False)


@pytest.mark.parametrize(
    ("platform", "given", "variables", "expected"),
    [
        ("snowflake", {}, {}, False),
        ("snowflake", {}, {"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u", "SNOWFLAKE_TOKEN": "t"}, True),
        ("snowflake", {"account": "a", "user": "u"}, {}, False),
        ("snowflake", {"account": "a", "user": "u", "password": ""}, {}, False),
        ("snowflake", {"account": "a", "user": "u", "password": "p"}, {}, True),
        ("snowflake", {"account": "a", "user": "u"}, {"SNOWFLAKE_PASSWORD": "p"}, True),
        ("snowflake", {"connection_name": "c"}, {}, True),
        ("snowflake", {}, {"SNOWFLAKE_DEFAULT_CONNECTION_NAME": "c"}, True),
        ("databricks", {}, {"SNOWFLAKE_DEFAULT_CONNECTION_NAME": "c"}, False),
        ("databricks", {"host": "h"}, {"DATABRICKS_WAREHOUSE_ID": "w", "DATABRICKS_TOKEN": "t"}, True),
        ("databricks", {"host": "h"}, {"DATABRICKS_TOKEN": "t"}, False),
    ],
)
def test_a_sign_in_that_is_seen_to_be_there(
    platform: str, given: dict[str, str], variables: dict[str, str], expected: bool
) -> None:
    assert environment.signs_in(platform, given, variables) is expected


TENANT = {"IMMUTA_URL": "u", "IMMUTA_API_KEY": "k"}
SNOWFLAKE = {"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u", "SNOWFLAKE_PASSWORD": "p"}
WANTS_SNOWFLAKE = "for Snowflake SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER, SNOWFLAKE_PASSWORD or SNOWFLAKE_PRIVATE_KEY_RAW or"


@pytest.mark.parametrize(
    ("given", "variables", "platforms", "words", "not_said"),
    [
        # Whether a platform is needed is known when Immuta has been asked.
        ({}, TENANT, ["snowflake"], "", ""),
        ({"immuta": ["url", "api_key"]}, {}, ["snowflake"], "", ""),
        ({}, {}, ["snowflake"], f"Not set: for Immuta IMMUTA_URL, IMMUTA_API_KEY; {WANTS_SNOWFLAKE}", "Databricks"),
        ({}, {"IMMUTA_URL": "u"}, [], "Not set: for Immuta IMMUTA_API_KEY. Set", "IMMUTA_URL"),
        ({"immuta": ["url"]}, SNOWFLAKE, ["databricks", "snowflake"], "for Immuta IMMUTA_API_KEY. Set", "Databricks"),
        ({}, {}, ["databricks", "snowflake"], "DATABRICKS_HTTP_PATH or DATABRICKS_WAREHOUSE_ID", ""),
        ({}, {}, ["databricks", "snowflake"], "(one of the platforms)", ""),
        ({}, {"SNOWFLAKE_DEFAULT_CONNECTION_NAME": "x"}, ["snowflake"], "for Immuta", "Snowflake"),
        ({"snowflake": ["connection_name"]}, {}, ["snowflake"], "for Immuta", "Snowflake"),
        ({}, {"SNOWFLAKE_ACCOUNT": "a"}, ["snowflake"], "for Snowflake SNOWFLAKE_USER", "SNOWFLAKE_ACCOUNT"),
    ],
)
def test_missing(
    given: dict[str, t.Collection[str]], variables: dict[str, str], platforms: list[str], words: str, not_said: str
) -> None:
    found = environment.missing(given, variables, platforms)
    assert words in found
    assert bool(found) is bool(words)
    assert not not_said or not_said not in found


DATABRICKS = {"DATABRICKS_HOST": "h", "DATABRICKS_WAREHOUSE_ID": "w", "DATABRICKS_TOKEN": "t"}


@pytest.mark.parametrize(
    ("given", "variables", "platforms"),
    [
        ({}, {}, []),
        ({}, SNOWFLAKE, ["snowflake"]),
        ({}, {**SNOWFLAKE, **DATABRICKS}, ["snowflake", "databricks"]),
        ({"databricks": {"host": "h", "http_path": "p", "client_id": "c"}}, {}, ["databricks"]),
        ({"snowflake": {"password": "p"}}, {**SNOWFLAKE, "SNOWFLAKE_PASSWORD": ""}, ["snowflake"]),
        ({}, {"SNOWFLAKE_DEFAULT_CONNECTION_NAME": "x"}, ["snowflake"]),
        ({}, {"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u"}, []),
    ],
)
def test_platforms_that_are_ready(
    given: dict[str, dict[str, str]], variables: dict[str, str], platforms: list[str]
) -> None:
    assert environment.ready(given, variables) == platforms
