# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that look for leftovers, with the real clients, and the one that lists saved scripts."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script
from ansible_collections.community.immuta.tests.doubles import databricks_server, snowflake_server
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import DEPLOYER, IMMUTA
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness import servers
from ansible_collections.community.immuta.tests.harness.check_mode import harmless
from ansible_collections.community.immuta.tests.harness.inprocess import Modules, Result

ACCOUNT, WORKSPACE = "exampleorg-prod.snowflakecomputing.com", "adb-1234567890123456.7.azuredatabricks.net"
POLICIES = {("IMMUTA", "PUBLIC", "MASK_EMAIL"), ("IMMUTA", "PUBLIC", "ROWS_BY_REGION")}


def named(result: Result) -> dict[str, tuple[str, str | None]]:
    return {".".join(one["path"]): (one["part"], one["home"]) for one in result.good["objects"]}


def on_snowflake(module: Modules, double: SnowflakeDouble, **options: t.Any) -> Result:
    given = {"role": "ACCOUNTADMIN", "warehouse": "COMPUTE_WH", "network_timeout": 10, **options}
    return module("snowflake_leftovers_info", env=double.environment(servers.PASSWORD), **given)


def on_databricks(module: Modules, double: DatabricksDouble, **options: t.Any) -> Result:
    given = {"host": double.url, "warehouse_id": double.warehouse, "token": servers.TOKEN, **options}
    return module("databricks_leftovers_info", **given)


def test_what_looks_like_immutas_on_snowflake(module: Modules, snowflake: SnowflakeDouble, tmp_path: Path) -> None:
    account = snowflake.account
    for name in ("IMMUTA_OLD_BACKUP", "immuta", "GOV", "OTHER", "IT'S_MINE"):
        account.add("DATABASE", name, owner="SYSADMIN")
    for name in ("PROD_IMMUTA_SYSTEM", "GOV_SYSTEM", "GOV_USER_A", "GOV_READERS", "OTHER_SYSTEM", "IMMUTA_USER_A"):
        account.add("ROLE", name, owner="USERADMIN")
    account.add_user("GOV_SYSTEM_ACCOUNT")
    # A pattern of SHOW fits it, too.
    account.add_user("OTHER-SYSTEM-ACCOUNT")
    account.add("ROW ACCESS POLICY", "SALES", "CRM", "OWNED", owner="IMMUTA_SYSTEM")
    account.entities["USER", ("IMMUTA_SYSTEM_ACCOUNT",)].properties["LAST_SUCCESS_LOGIN"] = "2026-01-02 03:04:05"
    with harmless(tmp_path):
        result = on_snowflake(
            module, snowflake, names=["It's_Mine"], compare_hosts=[ACCOUNT, "other-one.snowflakecomputing.com"]
        )
    assert named(result) == {
        "IMMUTA": ("database", "IMMUTA"),
        "IMMUTA_OLD_BACKUP": ("database", "IMMUTA_OLD_BACKUP"),
        "immuta": ("database", "immuta"),
        "GOV": ("database", "GOV"),
        "IT'S_MINE": ("database", "IT'S_MINE"),
        "IMMUTA_SYSTEM": ("system_role", "IMMUTA"),
        "PROD_IMMUTA_SYSTEM": ("system_role", "PROD_IMMUTA"),
        "IMMUTA_USER_A": ("user_role", "IMMUTA"),
        "GOV_SYSTEM": ("system_role", "GOV"),
        "GOV_USER_A": ("user_role", "GOV"),
        "IMMUTA_SYSTEM_ACCOUNT": ("system_user", "IMMUTA"),
        "GOV_SYSTEM_ACCOUNT": ("system_user", "GOV"),
        "IMMUTA.PUBLIC.MASK_EMAIL": ("policy", "IMMUTA"),
        "IMMUTA.PUBLIC.ROWS_BY_REGION": ("policy", "IMMUTA"),
        "SALES.CRM.OWNED": ("policy", "IMMUTA"),
    }
    by_name = {one["path"][-1]: one for one in result["objects"]}
    assert by_name["IMMUTA"]["owner"] == "IMMUTA_SYSTEM"
    assert by_name["IMMUTA"]["created_on"].startswith("2026-01-01")
    assert by_name["IMMUTA_SYSTEM_ACCOUNT"]["last_used"].startswith("2026-01-02")
    assert {tuple(one["path"]) for one in result["attached"]} == POLICIES
    assert {(one["table"][-1], one["column"]) for one in result["attached"]} == {
        ("CUSTOMERS", "EMAIL"),
        ("CUSTOMERS", None),
    }
    assert {one["on"] for one in result["attached"]} == {"TABLE"}
    assert [one["relation"] for one in result["hosts"]] == ["same", "different"]
    assert (result["sees_all"], result["session"]["role"]) == (True, "ACCOUNTADMIN")
    assert "EXAMPLEORG-PROD" in result["place"]
    assert all(one["refused"] is None and one["query_id"] for one in result["reads"])
    assert len(snowflake.logins) == 1


def test_what_a_role_may_not_see_is_said(module: Modules, snowflake: SnowflakeDouble) -> None:
    result = on_snowflake(module, snowflake, role="PUBLIC", warehouse="")
    assert (result.good["sees_all"], result["attached"]) == (False, [])
    assert {one["last_used"] for one in result["objects"]} == {None}
    hidden = on_snowflake(module, snowflake, role="ACCOUNTADMIN", warehouse="")
    assert (hidden.good["sees_all"], hidden["attached"]) == (True, None)
    assert "no warehouse" in hidden["reads"][-1]["refused"]
    # Not for this, but for what is there.
    snowflake.faults.append(
        snowflake_server.Fault("look", "error", match="SHOW MASKING", message="No.", code=3001, sqlstate="42501")
    )
    refused = on_snowflake(module, snowflake)
    assert refused.good["sees_all"] is False
    assert [one["refused"] for one in refused["reads"] if one["refused"]] == ["No."]


def test_an_account_that_does_not_say_where_it_is(module: Modules, snowflake: SnowflakeDouble) -> None:
    snowflake.faults.append(
        snowflake_server.Fault("look", "error", match="CURRENT_ACCOUNT", message="No.", code=2, sqlstate="42000")
    )
    result = on_snowflake(module, snowflake, compare_hosts=[ACCOUNT])
    assert result.good["hosts"] == [{"host": ACCOUNT, "relation": "unknown"}]
    assert result["sees_all"] is False


def test_a_lost_answer_of_snowflake_is_a_failure(module: Modules, snowflake: SnowflakeDouble) -> None:
    snowflake.faults.append(
        snowflake_server.Fault("look", "error", match="SHOW ROLES", message="No.", code=604, sqlstate="57014")
    )
    assert on_snowflake(module, snowflake).code == "look_failed"


def test_what_looks_like_immutas_on_databricks(module: Modules, databricks: DatabricksDouble, tmp_path: Path) -> None:
    store = databricks.metastore
    for name in ("immuta_backup", "governance", "other"):
        store.add("CATALOG", name, owner="deployer@example.com")
    with harmless(tmp_path):
        result = on_databricks(module, databricks, names=["Governance", "absent"], compare_hosts=[WORKSPACE])
    assert named(result) == {
        "immuta": ("catalog", "immuta"),
        "immuta_backup": ("catalog", "immuta_backup"),
        "governance": ("catalog", "governance"),
        IMMUTA: ("principal", "immuta"),
    }
    by_name = {one["path"][0]: one for one in result["objects"]}
    assert (by_name["immuta"]["owner"], by_name[IMMUTA]["display_name"]) == (IMMUTA, "Immuta prod")
    assert [(one["kind"], one["path"], one["table"], one["column"]) for one in result["attached"]] == [
        ("MASK", ["immuta", "policies", "mask_email"], ["sales", "crm", "customers"], "email"),
        ("ROW FILTER", ["immuta", "policies", "rows_by_region"], ["sales", "crm", "customers"], None),
    ]
    assert result["hosts"] == [{"host": WORKSPACE, "relation": "same"}]
    assert result["sees_all"] is True
    assert result["session"]["user"] == "deployer@example.com"


def test_a_user_of_databricks_who_may_not_see_everything(module: Modules, databricks: DatabricksDouble) -> None:
    result = on_databricks(module, databricks, token="dapi-analyst")
    assert result.good["sees_all"] is False
    assert "can't be listed (HTTPError)" in "".join(one["refused"] or "" for one in result["reads"])
    robot = on_databricks(module, databricks, token=None, client_id=DEPLOYER, client_secret=servers.CLIENT_SECRET)
    assert robot.good["sees_all"] is True
    databricks.faults.append(databricks_server.Fault("look", "error", message="No."))
    refused = on_databricks(module, databricks)
    assert (refused.good["sees_all"], "No." in refused["reads"][0]["refused"]) == (False, True)


def test_hosts_with_credentials_are_refused(module: Modules, snowflake: SnowflakeDouble) -> None:
    refused = on_snowflake(module, snowflake, compare_hosts=["me:secret-of-mine@example.com"])
    assert (refused.code, snowflake.logins) == ("invalid_option", [])


# Saved scripts


def save(folder: Path, key: str, text: str = "DROP ROLE A;DROP ROLE B;") -> Path:
    owner = saved_script.Owner("https://t.example", key, 5, "Snowflake", "snowflake", ())
    path = folder / f"{key}.sql"
    path.write_bytes(saved_script.contents(owner, text))
    path.chmod(0o600)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "scripts"
    found.mkdir(mode=0o700)
    return found


def test_saved_scripts_and_how_far_they_are(module: Modules, folder: Path, snowflake: SnowflakeDouble) -> None:
    paths = [save(folder, key) for key in ("finished", "partial", "saved")]
    for path in paths[:2]:
        if path.stem == "partial":
            snowflake.faults.append(
                snowflake_server.Fault("statement", "error", match="ROLE B", message="No.", code=3001, sqlstate="42501")
            )
        options = {"path": str(path), "role": "USERADMIN", "env": snowflake.environment(servers.PASSWORD)}
        for role in ("A", "B"):
            snowflake.account.add("ROLE", role, owner="USERADMIN")
        module("snowflake_script", network_timeout=10, **options)
    (folder / "notes.txt").write_text("mine")
    result = module("saved_scripts_info", path=str(folder))
    assert [(one["connection_key"], one["state"], one["done"], one["total"]) for one in result.good["scripts"]] == [
        ("finished", "finished", 2, 2),
        ("partial", "partial", 1, 2),
        ("saved", "none", 0, None),
    ]
    assert {one["problem"] for one in result["scripts"]} == {None}
    assert (result["scripts"][0]["tenant"], result["scripts"][0]["integration_id"]) == ("https://t.example", 5)


def _journal(path: Path) -> None:
    Path(f"{path}.journal").write_text('{"event": "begun", "sha256": "0", "total": 1, "time": ""}\n')


DISTRUSTED: list[tuple[str, t.Callable[[Path], object], bool]] = [
    ("can't be trusted: other users may write", lambda path: path.chmod(0o622), False),
    ("is not a clean-up script that this collection saved", lambda path: path.write_text("DROP DATABASE SALES"), False),
    ("was changed after it was saved", lambda path: path.write_bytes(path.read_bytes() + b"SELECT 1"), True),
    ("the journal belongs to another script", _journal, True),
    ("is not a journal", lambda path: Path(f"{path}.journal").write_text("mine\n"), True),
]


@pytest.mark.parametrize(("problem", "change", "known"), DISTRUSTED, ids=[one[0] for one in DISTRUSTED])
def test_what_is_not_believed(
    module: Modules, folder: Path, problem: str, change: t.Callable[[Path], object], known: bool
) -> None:
    change(save(folder, "prod"))
    (one,) = module("saved_scripts_info", path=str(folder)).good["scripts"]
    assert problem in one["problem"].replace("The journal", "the journal")
    assert one["connection_key"] == ("prod" if known else None)


def test_folders_of_scripts(module: Modules, folder: Path) -> None:
    absent = module("saved_scripts_info", path=str(folder / "absent"))
    assert (absent.good["scripts"], absent["exists"]) == ([], False)
    assert module("saved_scripts_info", path=str(folder)).good["exists"] is True
    file = folder / "file"
    file.write_text("")
    refused = module("saved_scripts_info", path=str(file))
    assert (refused.code, f"The folder {file} of the option path" in refused["msg"]) == ("invalid_option", True)
    assert os.listdir(folder) == ["file"]
