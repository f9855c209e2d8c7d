# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that run a script, and look for its objects, with one that sets up: the real clients, against the stand-ins."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import created, credentials, journal
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import IMMUTA, Grant, Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.databricks_server import Fault as DatabricksFault
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, Fault, SnowflakeDouble

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Modules, Result

SECRET = "canary-secret-of-a-platform"
DOUBLES = Path(__file__).parents[3] / "doubles"
# By platform, what the script creates, and the kind of the first thing that a leftover would be.
MADE = {
    "snowflake": [
        *("ROLE IMMUTA_SYSTEM", "USER IMMUTA_SYSTEM_ACCOUNT", "DATABASE IMMUTA", "SCHEMA IMMUTA.IMMUTA_SYSTEM"),
        "PROCEDURE IMMUTA.IMMUTA_SYSTEM.IMMUTA_CHECK",
    ],
    "databricks": ["CATALOG immuta", "SCHEMA policies", "SCHEMA immuta.audit"],
}
PASSWORD = "made-by-immuta;''4b1d9e"


class SetUp:
    """Calls the modules of a platform on which Immuta was set up once."""

    def __init__(self, module: Modules, platform: str, folder: Path) -> None:
        self.module = module
        self.platform = platform
        self.double: t.Any = (
            SnowflakeDouble(Account.example(password=SECRET))
            if platform == "snowflake"
            else DatabricksDouble(Metastore.example(token=SECRET, secret=f"{SECRET}-2"))
        )
        self.folder = folder
        self.path = str(self.write("setup", (DOUBLES / f"{platform}_setup.sql").read_text("utf-8")))

    def write(self, name: str, text: str) -> Path:
        path = self.folder / f"{name}.sql"
        path.write_text(text, "utf-8")
        return path

    def clean_up(self, name: str) -> None:
        script = self.write(name, (DOUBLES / f"{self.platform}_cleanup.sql").read_text("utf-8"))
        assert self("script", path=str(script), verify=True).good["changed"]

    @property
    def place(self) -> t.Any:
        return self.double.account if self.platform == "snowflake" else self.double.metastore

    def add(self, shown: str, owner: str) -> None:
        """Put there what the script would create."""
        kind, _space, name = shown.partition(" ")
        self.place.add(kind, *name.split("."), owner=owner)

    def __call__(self, module: str = "script", **options: t.Any) -> Result:
        double = self.double
        if self.platform == "snowflake":
            known = {"host": double.host, "port": double.port, "protocol": "http", "account": "example"}
            known |= {"user": "DEPLOYER", "password": SECRET, "role": "ACCOUNTADMIN"}
        else:
            known = {"host": double.url, "token": SECRET, "warehouse_id": double.warehouse}
        if module == "script" and "path" not in options and "objects" not in options:
            options["path"] = self.path
        return self.module(f"{self.platform}_{module}", **{**known, **options})

    def preflight(self, **options: t.Any) -> Result:
        return self(preflight=True, look_for="created", **options)

    def empty(self) -> None:
        """Take away what Immuta has there."""
        if self.platform == "snowflake":
            self.place.attachments.clear()
            for kind, name in (("USER", "IMMUTA_SYSTEM_ACCOUNT"), ("DATABASE", "IMMUTA"), ("ROLE", "IMMUTA_SYSTEM")):
                self.place.drop(self.place.entities[kind, (name,)], "ACCOUNTADMIN")
        else:
            self.place.securables["TABLE", ("sales", "crm", "customers")].masks.clear()
            self.place.securables["TABLE", ("sales", "crm", "customers")].row_filter = None
            self.place.drop("deployer@example.com", "CATALOG", ("immuta",), if_exists=False, cascade=True)


@pytest.fixture
def was_set_up(request: pytest.FixtureRequest, module: Modules, tmp_path: Path) -> t.Iterator[SetUp]:
    made = SetUp(module, request.param, tmp_path)
    with contextlib.ExitStack() as stack:
        stack.enter_context(made.double)
        yield made


@pytest.fixture
def set_up(request: pytest.FixtureRequest, module: Modules, tmp_path: Path) -> t.Iterator[SetUp]:
    made = SetUp(module, request.param, tmp_path)
    made.empty()
    with contextlib.ExitStack() as stack:
        stack.enter_context(made.double)
        yield made


both = pytest.mark.parametrize("set_up", sorted(MADE), indirect=True)
on_snowflake = pytest.mark.parametrize("set_up", ["snowflake"], indirect=True)


def seen(result: Result) -> dict[str, t.Any]:
    return {f"{row['kind']} {row['name']}": row["present"] for row in result["objects"]}


@pytest.mark.parametrize("was_set_up", sorted(MADE), indirect=True)
def test_from_nothing_to_nothing(was_set_up: SetUp) -> None:
    """Set up, look, set up again, clean up: twice, and the place is as before."""
    set_up = was_set_up
    set_up.clean_up("first")
    empty = set_up.place.snapshot()
    for turn in range(2):
        before = set_up.preflight()
        assert seen(before.good) == dict.fromkeys(MADE[set_up.platform], False)
        assert seen(set_up("objects_info", path=set_up.path, look_for="created").good) == seen(before)
        assert (set_up.place.snapshot(), before.warned) == (empty, "")
        ran = set_up(verify=True, look_for="created").good
        assert (ran["changed"], ran["executed"], ran["journal"]["state"]) == (True, ran["total"], "finished")
        assert (seen(ran), ran.warned) == (dict.fromkeys(MADE[set_up.platform], True), "")
        assert all(row["owner"] and row["created_on"] and row["made"] and row["existing"] for row in ran["objects"])
        assert not any(row["dropped"] for row in ran["objects"])
        # After it, a look is none of what exists already, and a run is none.
        assert seen(set_up.preflight().good) == seen(ran)
        assert set_up(verify=True, look_for="created").good["changed"] is False
        set_up.clean_up(f"cleanup{turn}")
        assert set_up.place.snapshot() == empty
        Path(journal.journal_path(set_up.path)).unlink()


@both
@pytest.mark.parametrize("check", [False, True])
def test_a_leftover_is_never_taken_over(set_up: SetUp, check: bool) -> None:
    """Before a statement is sent, it is named with its owner, its age, and the way out."""
    first = MADE[set_up.platform][0]
    owner = "SYSADMIN" if set_up.platform == "snowflake" else IMMUTA
    set_up.add(first, owner)
    before = set_up.place.snapshot()
    refused = set_up.preflight(check=check)
    assert (refused.code, refused.get("changed", False), set_up.double.statements) == ("objects_exist", False, [])
    assert f"{first} (owner {owner}, created 20" in refused["msg"]
    assert all(word in refused["msg"] for word in ("may belong to another connection", "playbook audit", "accept"))
    assert seen(refused)[first] is True
    assert set_up.place.snapshot() == before
    # Of what it removes, nothing is asked.
    accepted = set_up.preflight(existing_objects="accept", missing_objects="fail").good
    assert seen(accepted) == seen(refused)
    assert {row["existing"] for row in accepted["objects"] if row["present"]} == {"kept"}
    # Listed objects are as good as a script.
    kind, _space, name = first.partition(" ")
    listed = set_up.preflight(objects=[{"kind": kind, "name": name}])
    assert (listed.code, seen(listed)) == ("objects_exist", {first: True})
    assert set_up.preflight(objects=[{"kind": kind, "name": f"{name}_2"}]).good["executed"] == 0


@both
def test_what_a_part_of_the_run_has_made_is_its_own(set_up: SetUp) -> None:
    text = Path(set_up.path).read_text("utf-8")
    first, last = "DATABASE IMMUTA", "CATALOG immuta"
    broken = set_up.write(
        "broken", f"{text}\nDROP ROLE NOBODY;" if first in MADE[set_up.platform] else f"{text}\nDROP CATALOG nothing;"
    )
    failed = set_up(path=str(broken), verify=True, look_for="created")
    assert failed.code == "statement_failed"
    again = set_up.preflight(path=str(broken))
    assert seen(again.good)[first if first in MADE[set_up.platform] else last] is True
    # Another script's journal does not say so, nor does one in which nothing has run.
    assert set_up.preflight(path=str(broken), journal=str(set_up.folder / "none.journal")).code == "objects_exist"
    assert set_up.preflight(journal=journal.journal_path(str(broken))).code == "objects_exist"


@on_snowflake
def test_what_others_make_after_a_part_has_run_is_not_taken_over(set_up: SetUp) -> None:
    set_up.double.faults.append(Fault("statement", "error", match="CREATE DATABASE"))
    assert set_up(look_for="created", found_before=set_up.preflight().good).code == "statement_failed"
    set_up.add("DATABASE IMMUTA", "SYSADMIN")
    refused = set_up.preflight()
    assert refused.code == "objects_exist"
    assert "exists already on the platform" in refused["msg"] and "DATABASE IMMUTA" in refused["msg"]
    assert "ROLE IMMUTA_SYSTEM" not in refused["msg"]
    # Somebody may have accepted the plan of another run.
    found = set_up.preflight(existing_objects="accept").good
    sent = len(set_up.double.statements)
    again = set_up(look_for="created", found_before=found)
    assert again.code == "objects_exist"
    assert not [one for one in set_up.double.statements[sent:] if one.text.startswith("CREATE")]
    assert set_up(look_for="created", found_before=found, existing_objects="accept").good["changed"]
    statements = split(Path(set_up.path).read_text("utf-8"), "snowflake")
    told = created.told(statements, "snowflake", journal.read(journal.journal_path(set_up.path)))
    assert [(row["kind"], row["before"]) for row in told[:3]] == [("ROLE", False), ("USER", False), ("DATABASE", True)]


@pytest.mark.parametrize("set_up", ["databricks"], indirect=True)
def test_a_lost_create_is_looked_up_where_something_is_there(set_up: SetUp) -> None:
    set_up.double.faults.append(DatabricksFault("statement", "reset", match="CREATE CATALOG"))
    lost = set_up(look_for="created", found_before=set_up.preflight().good)
    assert lost.code == "statement_failed"
    set_up.add("CATALOG immuta", "deployer@example.com")
    # It may be the script's own, until the history says that the statement has never arrived.
    again = set_up(look_for="created", found_before=set_up.preflight().good)
    assert again.code in ("objects_exist", "unknown_outcome")
    assert [one for one in set_up.double.statements if "CREATE CATALOG" in one.text and one.outcome == "ok"] == []


@both
def test_a_first_statement_that_fails_has_made_nothing(set_up: SetUp) -> None:
    wrong = "DROP DATABASE NOWHERE;" if set_up.platform == "snowflake" else "DROP CATALOG nowhere;"
    text = f"{wrong}\n{'CREATE ROLE ANALYST_2' if set_up.platform == 'snowflake' else 'CREATE CATALOG sales'};"
    script = str(set_up.write("wrong", text))
    assert set_up(path=script).code == "statement_failed"
    if set_up.platform == "snowflake":
        set_up.add("ROLE ANALYST_2", "USERADMIN")
    assert set_up.preflight(path=script).code == "objects_exist"


@both
def test_what_the_script_would_destroy_is_named(set_up: SetUp) -> None:
    text = (
        "CREATE OR REPLACE DATABASE SALES;"
        if set_up.platform == "snowflake"
        else "DROP CATALOG sales; CREATE CATALOG sales;"
    )
    refused = set_up.preflight(path=str(set_up.write("replace", text)))
    assert refused.code == "objects_exist"
    assert "would destroy, and create again, " in refused["msg"]
    assert [row["existing"] for row in refused["objects"]] == ["replaced"]


@both
def test_what_is_not_there_in_the_end_is_a_failure(set_up: SetUp) -> None:
    """The next run only looks again, and ends when it is there."""
    if set_up.platform == "snowflake":
        text = "USE ROLE SYSADMIN;\nCREATE DATABASE EXTRA;\nEXECUTE IMMEDIATE 'DROP DATABASE EXTRA';"
        name = "DATABASE EXTRA"
    else:
        text, name = "CREATE CATALOG extra;\nBEGIN DROP CATALOG extra CASCADE; END;", "CATALOG extra"
    script = str(set_up.write("vanishing", text))
    failed = set_up(path=script, verify=True, look_for="created")
    assert (failed.code, seen(failed)) == ("objects_not_made", {name: False})
    assert all(words in failed["msg"] for words in (name, "only looks again", "verify=false"))
    sent = len(set_up.double.statements)
    assert set_up(path=script, verify=True, look_for="created").code == "objects_not_made"
    set_up.add(name, "SYSADMIN" if set_up.platform == "snowflake" else "deployer@example.com")
    ended = set_up(path=script, verify=True, look_for="created").good
    assert (seen(ended), ended["journal"]["state"]) == ({name: True}, "finished")
    assert len(set_up.double.statements) == sent


@both
def test_what_is_hidden_in_the_end_is_not_there_and_not_missing(set_up: SetUp) -> None:
    """Who gives it away may not see it any more: the run ends, and says so."""
    if set_up.platform == "snowflake":
        set_up.place.add("ROLE", "OTHER", owner="USERADMIN")
        text = (
            "USE ROLE SYSADMIN;\nCREATE DATABASE EXTRA;\nUSE ROLE SECURITYADMIN;\n"
            "GRANT OWNERSHIP ON DATABASE EXTRA TO ROLE OTHER;\n"
        )
        name, who = "DATABASE EXTRA", {"role": "SYSADMIN"}
    else:
        set_up.place.add_principal("maker@example.com", token=f"{SECRET}-3")
        set_up.place.grants.add(Grant("CREATE CATALOG", "METASTORE", (), "maker@example.com"))
        text = f"CREATE CATALOG extra;\nALTER CATALOG extra SET OWNER TO `{IMMUTA}`;\n"
        name, who = "CATALOG extra", {"token": f"{SECRET}-3"}
    script = str(set_up.write("given", text))
    ended = set_up(path=script, verify=True, look_for="created", **who).good
    assert seen(ended) == {name: None}
    assert "may be hidden from the role " in ended["objects"][0]["how"]
    assert f"not known whether this exists, which the script creates: {name}" in ended.warned
    assert seen(set_up("objects_info", path=script, look_for="created").good) == {name: True}


@on_snowflake
def test_a_role_that_can_not_be_taken_is_a_warning(set_up: SetUp) -> None:
    script = str(set_up.write("riddle", "USE ROLE NOBODYS;\nCREATE DATABASE EXTRA;"))
    found = set_up.preflight(path=script).good
    assert seen(found) == {"DATABASE EXTRA": None}
    assert "DATABASE EXTRA. The result says why" in found.warned


@on_snowflake
def test_the_password_is_never_shown(set_up: SetUp) -> None:
    """Neither where the statement fails, nor where its answer is lost, nor in the journal; the user can sign in with it."""
    set_up.double.faults.append(Fault("statement", "error", match="CREATE USER"))
    failed = set_up(verify=True, look_for="created")
    soon = {"network_timeout": 1, "statement_timeout": 1}
    set_up.double.faults.append(Fault("statement", "http", times=99, status=400, match="CREATE USER"))
    lost = set_up(verify=True, look_for="created", **soon)
    set_up.double.faults.clear()
    ended = set_up(verify=True, look_for="created").good
    text = Path(set_up.path).read_text("utf-8")
    hidden = {*credentials.secrets(text, "snowflake"), PASSWORD}
    assert len(hidden) > 1
    told = (
        f"{failed} {lost} {ended} {set_up.module.output} {Path(journal.journal_path(set_up.path)).read_text('utf-8')}"
    )
    assert [one for one in hidden if one in told] == []
    assert (failed.failed, lost.failed) == (True, True)
    assert set_up.place.credentials["IMMUTA_SYSTEM_ACCOUNT"].password == PASSWORD.replace("''", "'")
    signed = set_up(
        "objects_info",
        user="IMMUTA_SYSTEM_ACCOUNT",
        password=PASSWORD.replace("''", "'"),
        role="IMMUTA_SYSTEM",
        objects=[{"kind": "DATABASE", "name": "IMMUTA"}],
    )
    assert seen(signed.good) == {"DATABASE IMMUTA": True}


@pytest.mark.parametrize(("lost", "number"), [("GRANT ROLE", 6), ("APPLY MASKING POLICY", 10)])
@on_snowflake
def test_looks_up_what_was_lost_before_the_role_may_use_the_warehouse(set_up: SetUp, lost: str, number: int) -> None:
    set_up.double.faults.append(Fault("statement", "lost", match=lost, times=99))
    # The oldest client sends it again all that time.
    assert set_up(network_timeout=1, statement_timeout=1).failed
    set_up.double.faults.clear()
    result = set_up().good
    assert result["statements"][number - 1]["status"] == "skipped"
    text = set_up.double.statements[number - 1].text
    assert [one.outcome for one in set_up.double.statements if one.text == text].count("ok") == 1
