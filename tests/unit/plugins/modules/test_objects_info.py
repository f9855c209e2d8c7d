# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that look which objects are there, with the real clients, against the stand-ins."""

from __future__ import annotations

import contextlib
import hashlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import dropped, looks
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, Fault, SnowflakeDouble

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Modules, Result

SECRET = "canary-secret-of-a-platform"
DOUBLES = Path(__file__).parents[3] / "doubles"
PLATFORMS = ("snowflake", "databricks")
THERE = {
    "snowflake": {"USER IMMUTA_SYSTEM_ACCOUNT", "DATABASE IMMUTA", "ROLE IMMUTA_SYSTEM"},
    "databricks": {"TABLE sales.crm.customers", "CATALOG immuta"},
}


class Look:
    """Calls the module of a platform with the address of its stand-in."""

    def __init__(self, module: Modules, platform: str, folder: Path) -> None:
        self.module = module
        self.platform = platform
        self.script = folder / "script.sql"
        self.script.write_text((DOUBLES / f"{platform}_cleanup.sql").read_text())
        self.double: t.Any = (
            SnowflakeDouble(Account.example(password=SECRET))
            if platform == "snowflake"
            else DatabricksDouble(Metastore.example(token=SECRET, secret=f"{SECRET}-2"))
        )

    @property
    def state(self) -> t.Any:
        """What there is on the platform."""
        return (self.double.account if self.platform == "snowflake" else self.double.metastore).snapshot()

    def __call__(self, module: str = "objects_info", **options: t.Any) -> Result:
        double = self.double
        if self.platform == "snowflake":
            known = {"host": double.host, "port": double.port, "protocol": "http", "account": "example"}
            known |= {"user": "DEPLOYER", "password": SECRET}
        else:
            known = {"host": double.url, "token": SECRET, "warehouse_id": double.warehouse}
        return self.module(f"{self.platform}_{module}", **{**known, **options})


@pytest.fixture
def look(request: pytest.FixtureRequest, module: Modules, tmp_path: Path) -> t.Iterator[Look]:
    made = Look(module, request.param, tmp_path)
    with contextlib.ExitStack() as stack:
        stack.enter_context(made.double)
        yield made


both = pytest.mark.parametrize("look", PLATFORMS, indirect=True)
on_snowflake = pytest.mark.parametrize("look", ["snowflake"], indirect=True)


def seen(result: Result) -> dict[str, t.Any]:
    rows = [row for row in result.good["objects"] if row["type"] == "object"]
    return {f"{row['kind']} {row['name']}": row["present"] for row in rows}


@both
@pytest.mark.parametrize("check", [False, True])
def test_sees_what_a_script_removes_and_changes_nothing(look: Look, check: bool) -> None:
    before = look.state
    found = look(path=str(look.script), check=check)
    made = {"PROCEDURE IMMUTA.PUBLIC.IMMUTA_DETACH_POLICIES": False} if look.platform == "snowflake" else {}
    assert seen(found) == {**dict.fromkeys(THERE[look.platform], True), **made}
    assert found["changed"] is False
    assert found["sha256"] == hashlib.sha256(look.script.read_bytes()).hexdigest()
    assert all(
        row["how"].startswith(("SHOW ", "SELECT ")) and row["query_id"] for row in found["objects"] if row["present"]
    )
    assert found["session"]
    # Its session is one that only looks, and nothing stays beside the script.
    assert (look.double.statements, look.state) == ([], before)
    assert [one.name for one in look.script.parent.iterdir()] == [look.script.name]
    assert not look("script", path=str(look.script)).failed
    after = seen(look(path=str(look.script), check=check))
    assert {name for name, present in after.items() if present} == THERE[look.platform] & {"TABLE sales.crm.customers"}


LISTED = {
    "snowflake": [("Database", "IMMUTA"), ("DATABASE", "IMMUTA"), ("ROLE", '"a.b"')],
    "databricks": [("catalog", "IMMUTA"), ("CATALOG", "immuta"), ("SCHEMA", "sales.`no.such`")],
}


@both
def test_sees_the_objects_of_a_list(look: Look) -> None:
    found = look(objects=[{"kind": kind, "name": name} for kind, name in LISTED[look.platform]])
    # One that is named twice is looked for once, where its name has no case, by each of its names.
    assert list(seen(found).values()) == [True] * (1 if look.platform == "snowflake" else 2) + [False]
    assert (found["path"], found["sha256"]) == (None, None)
    assert look.double.statements == []


@both
def test_the_description_of_a_script_finds_what_the_script_does(look: Look) -> None:
    described = [one.describe() for one in split(look.script.read_text("utf-8"), look.platform)]
    listed = look(objects=dropped.objects(described, look.platform)).good["objects"]
    by_script = [row for row in look(path=str(look.script)).good["objects"] if row["type"] == "object"]
    told = ("kind", "name", "present", "owner", "created_on")
    found = {tuple(row[one] for one in told) for row in listed}
    assert found == {tuple(row[one] for one in told) for row in by_script if row["dropped"] and not row["made"]}
    # The module that runs the script looks in the same way before there is one.
    tried = look("script", preflight=True, objects=dropped.objects(described, look.platform))
    assert {tuple(row[one] for one in told) for row in tried.good["objects"]} == found
    assert (tried["executed"], look.double.statements) == (0, [])


@on_snowflake
def test_a_role_is_taken_for_an_object(look: Look) -> None:
    """A role that the user does not have makes it unknown, and holds for no other object."""
    wanted = [{"kind": "DATABASE", "name": "IMMUTA", "role": "NOBODYS"}, {"kind": "DATABASE", "name": "SNOWFLAKE_X"}]
    rows = look(objects=wanted).good["objects"]
    assert [(row["name"], row["present"]) for row in rows] == [("SNOWFLAKE_X", False), ("IMMUTA", None)]
    assert "could not be looked for" in rows[1]["how"]


@both
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"objects": [{"kind": "PROVIDER", "name": "X"}]}, "no read finds a PROVIDER. Kinds: "),
        ({"objects": [{"kind": "SCHEMA", "name": "S"}]}, "SCHEMA S, which is not a full name. Write it like "),
        ({"objects": [{"kind": "SCHEMA", "name": "A..S"}]}, "not a full name"),
        ({"objects": [{"kind": "FUNCTION", "name": "A.B.F(INT)"}]}, "with arguments. Leave them out"),
        ({"objects": []}, "objects is empty"),
        ({}, "one of the following is required: path, objects"),
        ({"path": "/no/such.sql"}, "option path can't be read"),
        ({"path": "SCRIPT", "expected_sha256": "0" * 64}, "expected_sha256 is 000"),
        ({"path": "SCRIPT", "expected_hosts": ["https://u:p@h"]}, "expected_hosts"),
        ({"path": "SCRIPT", "objects": [{"kind": "ROLE", "name": "R"}]}, "mutually exclusive"),
    ],
)
def test_what_can_not_be_looked_for_is_refused_before_anyone_is_asked(
    look: Look, options: dict[str, t.Any], words: str
) -> None:
    found = look(**{name: str(look.script) if one == "SCRIPT" else one for name, one in options.items()})
    assert found.failed
    assert words in found["msg"]
    assert look.double.looks == []


@pytest.mark.parametrize("look", ["databricks"], indirect=True)
def test_databricks_has_no_roles(look: Look) -> None:
    found = look(objects=[{"kind": "CATALOG", "name": "immuta", "role": "R"}])
    assert (found.failed, "Databricks has none" in found["msg"]) == (True, True)


@on_snowflake
def test_a_name_that_sql_would_take_for_another_one_is_a_warning(look: Look) -> None:
    found = look(objects=[{"kind": "DATABASE", "name": "immuta"}])
    assert seen(found) == {"DATABASE immuta": False}
    assert "without quotes, SQL reads immuta as IMMUTA" in found.warned
    assert look(objects=[{"kind": "DATABASE", "name": '"immuta"'}]).warned == ""


@both
def test_another_platform_is_refused(look: Look) -> None:
    other = {
        "snowflake": "devorg-dev.snowflakecomputing.com",
        "databricks": "adb-6543210987654321.7.azuredatabricks.net",
    }
    found = look(path=str(look.script), expected_hosts=[other[look.platform]])
    assert found.code == "wrong_platform"


@on_snowflake
def test_a_platform_that_does_not_answer_is_not_taken_for_empty(look: Look) -> None:
    look.double.faults.append(Fault("look", "http", times=99, status=400, match="SHOW"))
    soon = {"network_timeout": 1, "statement_timeout": 1}
    found = look(objects=[{"kind": "ROLE", "name": "R"}], **soon)
    assert (found.code, found["failure"]["hint"]) == ("look_failed", "Nothing was changed. Run it again.")
    refused = look(path=str(look.script), password=f"wrong-{SECRET}")
    assert refused.code == "login_failed"


@both
def test_another_user_or_role_may_see_nothing_of_it_and_is_told(look: Look) -> None:
    """Nobody has run the script: two looks differ by who looks alone."""
    if look.platform == "snowflake":
        account = look.double.account
        account.grants = {one for one in account.grants if (one.kind, one.name) != ("DATABASE", ("IMMUTA",))}
        wanted, first, second = {"kind": "DATABASE", "name": "IMMUTA"}, {"role": "ACCOUNTADMIN"}, {"role": "PUBLIC"}
    else:
        store = look.double.metastore
        store.grants = {one for one in store.grants if one.name[:1] != ("immuta",)}
        wanted, first, second = {"kind": "CATALOG", "name": "immuta"}, {}, {"token": "dapi-analyst"}
    before, after = (look(objects=[wanted], **who).good for who in (first, second))
    assert [found["objects"][0]["present"] for found in (before, after)] == [True, False]
    sessions = before["session"], after["session"]
    assert all(one["user"] for one in sessions)
    for rows, who, gone in ((after, sessions[1], None), (before, sessions[0], True)):
        (row,) = looks.rows(before["objects"], rows["objects"], (sessions[0], who)) or ()
        assert (row["present"], row["after"], looks.proved([row])) == (True, gone, False)
