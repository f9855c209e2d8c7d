# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's variables: what they become, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import wanted
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused
from ansible_collections.community.immuta.plugins.plugin_utils._registration import decisions, settings
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._registration.situations import (
    DATABRICKS,
    FOUND,
    NONE,
    SNOWFLAKE,
    read,
    script,
)

LAKE = {"technology": "Glue"}
PLACE = {name: value for name, value in SNOWFLAKE.items() if name != "key_pair"}


def test_the_defaults_are_those_of_the_argument_spec() -> None:
    found = read(script_dir="")
    assert dataclasses.asdict(found) == {
        "connection_key": "k",
        "confirm": "",
        "state": "present",
        "executor": "snowflake",
        "hosts": ["acme.snowflakecomputing.com"],
        "enables": False,
        "script_path": "~/.local/state/community.immuta/k.setup.sql",
        "undo_path": "~/.local/state/community.immuta/k.undo.sql",
        "script_host": "",
        "keeper": "h",
        "script_durable": False,
        "script_executed": False,
        "remove_script": False,
        "existing_objects": "fail",
        "drop_existing": [],
        "update_secrets": "on_create",
        "on_unknown": "fail",
        "verify": True,
        "wait_timeout": 300.0,
        "progress_interval": 60.0,
        "pause_after": 60.0,
        "integration_config": {
            "type": "Snowflake",
            "host": "acme.snowflakecomputing.com",
            "warehouse": "WH",
            "role": "R",
            "database": "IMMUTA",
            "user": "U",
        },
        "report_dir": "",
        "reason": "",
        "approver": "",
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"connection_key": "a/b"}, {"script_path": "/s/a%2Fb.setup.sql"}),
        ({"script_path": "/p.sql", "script_host": "keeper"}, {"script_path": "/p.sql", "keeper": "keeper"}),
        ({"progress_interval": 0}, {"pause_after": None}),
        ({"reason": " CHG\n 7 ", "approver": "Kim  Lee"}, {"reason": "CHG 7", "approver": "Kim Lee"}),
        ({"executor": "handoff"}, {"executor": "handoff"}),
        ({"executor": "none"}, {"executor": "none"}),
        ({"executor": ""}, {"executor": "snowflake"}),
        ({"snowflake": None, "connection": LAKE}, {"executor": "none", "hosts": [], "integration_config": {}}),
        (
            {"snowflake": None, "databricks": DATABRICKS},
            {
                "executor": "databricks",
                "hosts": ["dbc-1.cloud.databricks.com"],
                "integration_config": {
                    "type": "Databricks",
                    "host": "dbc-1.cloud.databricks.com",
                    "http_path": "/sql/1.0/warehouses/1",
                    "catalog": "immuta",
                    "principal": "c",
                },
            },
        ),
        (
            {
                "snowflake": {
                    **PLACE,
                    "oauth_client_credentials": {"client_id": "c", "client_secret": "hunter2-hunter2"},
                }
            },
            {"integration_config": {"type": "Snowflake", **PLACE, "principal": "c"}},
        ),
        (
            {"snowflake": {**PLACE, "host": "acme.snowflakecomputing.com."}},
            {"integration_config": {"type": "Snowflake", **PLACE}},
        ),
        ({"settings": {"is_active": True}}, {"enables": True, "confirmed": False}),
        ({"settings": {"activate_new_children": True}, "confirm": "k"}, {"enables": True, "confirmed": True}),
        ({"settings": {"is_active": False}}, {"enables": False, "confirmed": True}),
    ],
)
def test_what_is_given_becomes(given: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    found = read(**given)
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"connection_key": ""}, "immuta_register_connection_key is missing. Set it to the key"),
        ({"connection_key": 10}, "immuta_register_connection_key is a number (10), not text. Put it in quotes"),
        ({"confirm": "x"}, 'immuta_register_confirm is "x", but the connection is "k".'),
        ({"confirm": "K"}, "immuta_register_confirm is 'K', but the connection is 'k'."),
        (
            {"connection_key": "caf\u00e9", "confirm": "cafe\u0301"},
            "immuta_register_confirm is 'cafe\\u0301', but the connection is 'caf\\xe9'.",
        ),
        ({"snowflake": None}, "There is no description of the connection. Set immuta_register_snowflake or"),
        ({"databricks": DATABRICKS}, "Both immuta_register_databricks and immuta_register_snowflake are set."),
        ({"executor": "databricks"}, 'immuta_register_executor is "databricks", but immuta_register_databricks is not'),
        ({"executor": "odbc"}, "value of immuta_register_executor must be one of"),
        ({"state": "undoen"}, "value of immuta_register_state must be one of"),
        ({"snowflake": ["x"]}, "immuta_register_snowflake"),
        ({"wait_timeout": "soon"}, "immuta_register_wait_timeout"),
    ],
)
def test_what_is_refused(given: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        read(**given)
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "given",
    [
        {"snowflake": SNOWFLAKE},
        {"snowflake": None, "databricks": DATABRICKS},
        {"connection": {"password": "hunter2-hunter2"}},
    ],
)
def test_no_secret_is_in_the_settings(given: dict[str, t.Any]) -> None:
    assert "hunter2" not in json.dumps(dataclasses.asdict(read(**given)))


def test_every_variable_is_read_or_goes_to_a_module() -> None:
    used = {field.name for field in dataclasses.fields(settings.Settings)}
    to_modules = {*settings.DESCRIPTIONS, "settings", "options", "script_dir", "platform_host"}
    assert {name.removeprefix(settings.PREFIX) for name in settings.options()} <= used | to_modules


@pytest.mark.parametrize("value", ["Sup3rSecretPw99", ["Sup3rSecretPw99"], 5])
@pytest.mark.parametrize("way", settings.SIGN_INS)
def test_a_way_to_sign_in_is_a_dictionary(way: str, value: t.Any) -> None:
    with pytest.raises(Refused) as caught:
        read(snowflake={"host": "h", way: value})
    assert str(caught.value).startswith(f"immuta_register_snowflake.{way} is not a dictionary. Write its suboptions")
    assert "Sup3r" not in str(caught.value)


@pytest.mark.parametrize("key", ["prod ", " prod", "prod\u00a0snowflake", "prod snowf\u200blake", "prod\tsnowflake"])
def test_a_new_key_that_nobody_can_tell_from_another(key: str) -> None:
    known = read(connection_key=key)
    (sentence,) = decisions.obstacles(known, Observed(NONE, script()))
    assert f"immuta_register_connection_key is {key!a}, which has white space at an end, or a character" in sentence
    assert decisions.obstacles(known, Observed(FOUND)) == []
    with pytest.raises(InvalidOption, match="a character that can't be seen"):
        wanted.require_new_key(key, ())
    assert read(connection_key=key, confirm=key, state="undone").connection_key == key


@pytest.mark.parametrize(
    ("stated", "more"),
    [(None, []), ("", []), (" acme-prod.snowflakecomputing.com ", ["acme-prod.snowflakecomputing.com"]), ("a b", None)],
)
def test_the_host_of_the_platform_may_be_stated(stated: str | None, more: list[str] | None) -> None:
    if more is None:
        with pytest.raises(Refused, match="which is not a host"):
            read(platform_host=stated)
        return
    assert read(platform_host=stated).hosts == [*read().hosts, *more]
