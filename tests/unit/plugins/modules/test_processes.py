# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module once as Ansible runs it: a process of its own. All the other tests call it in theirs."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.harness import inprocess
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY, PASSWORD, TOKEN

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
    from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
    from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble


ROTATED = "canary-rotated-4d1e"


@pytest.mark.parametrize("name", inprocess.MODULES)
def test_does_in_a_process_what_it_does_here(
    module: inprocess.Modules,
    immuta: ImmutaDouble,
    snowflake: SnowflakeDouble,
    databricks: DatabricksDouble,
    tmp_path: Path,
    name: str,
) -> None:
    options: dict[str, dict[str, t.Any]] = {
        "immuta_cleanup_script": {"connection_key": KEY, "path": str(tmp_path / "saved.sql")},
        "immuta_connection": {"connection_key": KEY, "confirm": KEY},
        "immuta_connection_credentials": {
            "connection_key": KEY,
            "confirm": KEY,
            "snowflake": {"password": {"username": "IMMUTA_SYSTEM_ACCOUNT", "password": ROTATED}},
        },
        "immuta_connection_info": {},
        "immuta_connection_settings": {"connection_key": KEY, "activate_new_children": False},
        "immuta_integration_info": {},
        "immuta_object_sync": {"connection_key": KEY},
        "immuta_probe": {"path": str(tmp_path / "probe.json")},
        "immuta_setup_script": {
            "path": str(tmp_path / "set-up.sql"),
            "technology": "Snowflake",
            "config": {"host": "example.snowflakecomputing.com", "database": "IMMUTA_NEW"},
            "snowflake": {"password": {"username": "IMMUTA_SYSTEM_ACCOUNT", "password": ROTATED}},
        },
        "snowflake_script": {"script": "SELECT 1"},
        "databricks_script": {"script": "SELECT 1"},
        "snowflake_leftovers_info": {},
        "databricks_leftovers_info": {},
        "snowflake_objects_info": {"objects": [{"kind": "DATABASE", "name": "IMMUTA"}]},
        "databricks_objects_info": {"objects": [{"kind": "CATALOG", "name": "immuta"}]},
        "saved_scripts_info": {"path": str(tmp_path)},
    }
    env = {**snowflake.environment(PASSWORD), **databricks.environment(TOKEN)}
    env |= {"IMMUTA_URL": immuta.url, "IMMUTA_API_KEY": API_KEY}
    planned = module(name, env=env, check=True, **options[name]).good
    done = module(name, env=env, alone=True, **options[name]).good
    assert done["changed"] is planned["changed"]
    assert {*done} - inprocess.COMMON == {*planned} - inprocess.COMMON
    for secret in (API_KEY, PASSWORD, TOKEN, ROTATED):
        assert secret not in module.output
