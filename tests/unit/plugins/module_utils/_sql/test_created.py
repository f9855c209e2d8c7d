# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a script creates, and what has to be there, and what must not."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import (
    created,
    effects,
    expected,
    journal,
    thing,
    verify,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.credentials import secrets
from ansible_collections.community.immuta.plugins.module_utils._sql.session import Session
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

DOUBLES = Path(__file__).parents[4] / "doubles"
DIALECTS = {"s": "snowflake", "d": "databricks"}
PASSWORD = "made-by-immuta;'4b1d9e"

ROLE = {"kind": "ROLE", "name": "R"}


@pytest.mark.parametrize(
    ("progress", "made", "before"),
    [
        ({}, False, None),
        ({"done": {1: {}}, "state": "partial"}, False, None),
        ({"done": {1: {}, 2: {}}, "state": "partial"}, True, None),
        ({"done": {2: {"answer": None}}, "before": {"objects": [{**ROLE, "present": False}]}}, True, False),
        ({"done": {2: {}}, "before": {"objects": [{**ROLE, "present": True}]}}, True, True),
        ({"done": {2: {}}, "before": {"objects": [{"kind": "USER", "name": "R", "present": True}]}}, True, None),
        # Somebody has created it since the look.
        (
            {
                "done": {2: {"answer": "R already exists, statement succeeded."}},
                "before": {"objects": [{**ROLE, "present": False}]},
            },
            True,
            True,
        ),
        ({"unknown": {"index": 2}, "state": "partial"}, None, None),
        ({"unknown": {"index": 3}, "state": "partial"}, False, None),
        # A person says that it has run, or has left it out.
        ({"state": "finished"}, None, None),
        ({"state": "finished", "skipped": {2: "x"}}, False, None),
    ],
)
def test_whether_a_script_has_created_it(progress: dict[str, t.Any], made: bool | None, before: bool | None) -> None:
    statements = split("USE ROLE A; CREATE ROLE IF NOT EXISTS R; CREATE ROLE S;", "snowflake")
    rows = created.told(statements, "snowflake", journal.Progress(**progress))
    assert rows[0] == {**ROLE, "created": made, "before": before}


@pytest.mark.parametrize(
    ("progress", "granted"),
    [
        ({}, [False, False, False, False]),
        ({"done": {2: {}}, "state": "partial"}, [True, True, False, False]),
        ({"done": {2: {}}, "unknown": {"index": 4}, "state": "partial"}, [True, True, False, None]),
        ({"state": "finished"}, [None, None, None, None]),
    ],
)
def test_whether_a_script_has_granted_it(progress: dict[str, t.Any], granted: list[bool | None]) -> None:
    text = "USE DATABASE D; GRANT USAGE, MODIFY ON SCHEMA S TO ROLE R; GRANT ROLE R TO USER U; GRANT USAGE ON DATABASE X TO R;"
    rows = created.granted(split(text, "snowflake"), "snowflake", journal.Progress(**progress))
    names = [
        *("USAGE ON SCHEMA D.S TO ROLE R", "MODIFY ON SCHEMA D.S TO ROLE R"),
        *("ROLE R TO USER U", "USAGE ON DATABASE X TO ROLE R"),
    ]
    assert rows == [{"name": name, "granted": one} for name, one in zip(names, granted, strict=True)]


def test_what_can_not_be_created_twice_was_not_there() -> None:
    progress = journal.Progress("partial", done={1: {}}, before={"objects": [{**ROLE, "present": None}]})
    assert created.told(split("CREATE ROLE R;", "snowflake"), "snowflake", progress)[0]["before"] is False


@pytest.mark.parametrize(
    ("dialect", "script", "made"),
    [
        ("s", 'CREATE DATABASE "I"; create role r; CREATE USER U;', ["DATABASE I", "ROLE R", "USER U"]),
        ("s", "CREATE ROLE R; CREATE ROLE IF NOT EXISTS R;", ["ROLE R"]),
        ("s", "USE DATABASE D; CREATE SCHEMA S; CREATE TRANSIENT TABLE T (X INT);", ["SCHEMA D.S", "TABLE T ?"]),
        ("s", "USE SCHEMA D.S; CREATE TABLE T (X INT); CREATE VIEW V AS SELECT 1;", ["TABLE D.S.T", "VIEW D.S.V"]),
        ("s", "CREATE PROCEDURE D.S.P() RETURNS INT AS $$ x $$;", ["PROCEDURE D.S.P"]),
        ("s", "CREATE SECURITY INTEGRATION I TYPE = OAUTH;", ["SECURITY INTEGRATION I"]),
        # Temporary ones end with the session.
        ("s", "CREATE TEMPORARY TABLE D.S.T (X INT); CREATE OR REPLACE TEMP STAGE D.S.G;", []),
        ("d", "CREATE TEMPORARY VIEW v AS SELECT 1;", []),
        # What it drops itself, with what it is in, by a name without case, or by a shorter word for its kind.
        ("s", "CREATE ROLE R; DROP ROLE IF EXISTS R;", []),
        ("s", "CREATE DATABASE D; CREATE SCHEMA D.S; DROP DATABASE D;", []),
        ("s", "CREATE DATABASE D; CREATE SCHEMA D.S; DROP SCHEMA D.S; CREATE ROLE S;", ["DATABASE D", "ROLE S"]),
        ("s", "CREATE SECURITY INTEGRATION I TYPE = OAUTH; DROP INTEGRATION I;", []),
        ("s", 'CREATE ROLE "r"; DROP ROLE R;', ["ROLE r"]),
        ("d", "CREATE CATALOG Immuta; CREATE SCHEMA immuta.s; DROP CATALOG IMMUTA CASCADE;", []),
        ("s", "CREATE ROLE R; DROP ROLE R; CREATE ROLE R;", ["ROLE R"]),
        ("s", "CREATE DATABASE D; DROP DATABASE D; UNDROP DATABASE D;", ["DATABASE D"]),
        ("s", "CREATE DATABASE D; CREATE SCHEMA D.S; CREATE OR REPLACE DATABASE D;", ["DATABASE D"]),
        ("s", "DROP ROLE R; GRANT ROLE A TO ROLE B; ALTER USER U SET COMMENT = 'x';", []),
        # It is not told by its name alone, or by any read.
        ("s", "CREATE SCHEMA S;", ["SCHEMA S ?"]),
        ("s", "CREATE DATABASE D; CREATE SCHEMA S;", ["DATABASE D", "SCHEMA S ?"]),
        ("s", "CREATE ROLE IDENTIFIER($R);", ["ROLE (statement 1) ?"]),
        ("s", "CREATE GIZMO G;", ["OBJECT (statement 1) ?"]),
        ("s", "CREATE DATABASE ROLE D.R;", ["DATABASE ROLE D.R ?"]),
        ("d", "CREATE CATALOG c; CREATE SCHEMA c.s; CREATE DATABASE c.t;", ["CATALOG c", "SCHEMA c.s", "DATABASE c.t"]),
        ("d", "USE CATALOG c; CREATE SCHEMA s; CREATE TABLE t (x INT);", ["SCHEMA c.s", "TABLE t ?"]),
        ("d", "CREATE FOREIGN CATALOG c USING CONNECTION x;", ["FOREIGN CATALOG c"]),
        ("d", "CREATE GROUP g;", ["GROUP g ?"]),
    ],
)
def test_what_a_script_creates(dialect: str, script: str, made: list[str]) -> None:
    found = created.things(split(script, DIALECTS[dialect]), DIALECTS[dialect])
    full = [".".join(one.name) if one.name and "." not in one.shown else one.shown for one in found]
    shown = [f"{one.kind} {name}" + ("" if one.ways else " ?") for one, name in zip(found, full, strict=True)]
    assert [one.casefold() for one in shown] == [one.casefold() for one in made]
    assert all(one.cause in (thing.NOT_PLAIN, thing.NO_WAY) and one.type == thing.OBJECT for one in found)


@pytest.mark.parametrize(
    ("script", "existing"),
    [
        ("CREATE ROLE R;", "refused"),
        ("CREATE ROLE IF NOT EXISTS R;", "kept"),
        ("CREATE OR REPLACE ROLE R;", "replaced"),
        ("CREATE OR ALTER SCHEMA D.R;", "altered"),
        ("CREATE ROLE IF NOT EXISTS R; CREATE OR REPLACE ROLE R;", "kept"),
        # What was there before is as much destroyed as by OR REPLACE.
        ("DROP ROLE IF EXISTS R; CREATE ROLE R;", "replaced"),
        ("DROP DATABASE D; CREATE SCHEMA IF NOT EXISTS D.R;", "replaced"),
        ("DROP ROLE X; CREATE ROLE R;", "refused"),
    ],
)
def test_what_becomes_of_one_that_exists(script: str, existing: str) -> None:
    (one,) = created.things(split(script, "snowflake"), "snowflake")
    assert (one.existing, one.made) == (existing, True)


@pytest.mark.parametrize(
    ("dialect", "script", "moved"),
    [
        ("s", "CREATE DATABASE D; GRANT OWNERSHIP ON DATABASE D TO ROLE R;", True),
        ("s", "CREATE DATABASE E; GRANT OWNERSHIP ON DATABASE D TO ROLE R;", False),
        ("s", "CREATE DATABASE D; GRANT USAGE ON DATABASE D TO ROLE R;", False),
        ("s", "CREATE SCHEMA D.S; GRANT OWNERSHIP ON ALL SCHEMAS IN DATABASE D TO ROLE R;", True),
        ("s", "CREATE SCHEMA D.S; GRANT OWNERSHIP ON DATABASE D TO ROLE R;", True),
        ("s", "CREATE WAREHOUSE W; ALTER WAREHOUSE W RENAME TO V;", True),
        ("s", "CREATE TABLE A.B.C (X INT); ALTER TABLE A.B.C RENAME COLUMN X TO Y;", False),
        ("s", "CREATE WAREHOUSE W; ALTER WAREHOUSE W SET COMMENT = 'RENAME TO';", False),
        ("d", "CREATE CATALOG C; ALTER CATALOG c SET OWNER TO p;", True),
        ("d", "CREATE SCHEMA c.s; ALTER SCHEMA c.s OWNER TO p;", True),
        ("d", "CREATE CATALOG c; ALTER CATALOG c SET TAGS ('a' = 'b');", False),
    ],
)
def test_what_is_given_away_may_be_hidden_afterwards(dialect: str, script: str, moved: bool) -> None:
    (one,) = created.things(split(script, DIALECTS[dialect]), DIALECTS[dialect])
    assert one.moved is moved


@pytest.mark.parametrize(("skipped", "due"), [((), True), ((1,), True), ((1, 2), False)])
def test_what_is_left_out_has_not_to_be_there(skipped: tuple[int, ...], due: bool) -> None:
    (one,) = created.things(split("CREATE ROLE IF NOT EXISTS R; CREATE OR REPLACE ROLE R;", "snowflake"), "snowflake")
    assert (one.creates, one.is_due(skipped), one.is_dropped(skipped)) == ((1, 2), due, False)


class Platform:
    """Answers a SHOW with what it has; a role that it does not have can't be taken, and sees only what is its own."""

    dialect = "snowflake"

    def __init__(self, own: str, **things: str) -> None:
        self.session: dict[str, t.Any] = {"role": own, "account": "a"}
        self.things = things
        self.role = own
        self.rows: list[t.Any] = []
        self.description = [("created_on", None), ("name", None), ("owner", None), ("catalog_name", None)]

    def execute(self, text: str) -> None:
        if text.startswith("USE ROLE "):
            role = text.split('"')[1]
            if role not in self.things and role not in ("ACCOUNTADMIN", "SYSADMIN"):
                raise LookupError
            self.role = role
            return
        found = re.fullmatch(r"SHOW (\w+)S LIKE '(\w+)'.*", text)
        assert found
        owner = self.things.get(found[2])
        seen = owner and (self.role in (owner, "ACCOUNTADMIN") or found[1] == "ROLE")
        self.rows = [("2026-01-02", found[2], owner, "D")] if seen else []

    def fetchall(self) -> list[t.Any]:
        return self.rows

    def reader(self, cursor: t.Any) -> t.Any:
        return cursor

    def query_id(self, cursor: t.Any) -> str | None:
        return "q"

    def problem(self, error: Exception, cursor: t.Any) -> t.Any:
        return verify.Problem("Role does not exist or not authorized.")


TAKES = "CREATE ROLE R; USE ROLE R; CREATE DATABASE D;"


@pytest.mark.parametrize(
    ("platform", "script", "again", "present"),
    [
        (Platform("SYSADMIN"), "CREATE DATABASE D;", False, [(False, ["SYSADMIN"])]),
        (Platform("SYSADMIN", D="SYSADMIN"), "CREATE DATABASE D;", False, [(True, ["SYSADMIN"])]),
        # The script can't take the role before it has created it; the one of the sign-in looks.
        (Platform("SYSADMIN"), TAKES, False, [(False, ["SYSADMIN"]), (False, ["SYSADMIN"])]),
        (Platform("ACCOUNTADMIN", D="X"), TAKES, False, [(False, ["ACCOUNTADMIN"]), (True, ["ACCOUNTADMIN"])]),
        (Platform("SYSADMIN", R="SYSADMIN", D="R"), TAKES, True, [(True, ["SYSADMIN"]), (True, ["R"])]),
        # Another role is a riddle.
        (Platform("SYSADMIN"), "USE ROLE X; CREATE DATABASE D;", False, [(None, ["X"])]),
        # In other hands, only a role that sees all of them knows.
        (
            Platform("SYSADMIN", D="X"),
            "CREATE DATABASE D; GRANT OWNERSHIP ON DATABASE D TO ROLE X;",
            True,
            [(None, ["SYSADMIN"])],
        ),
        (
            Platform("ACCOUNTADMIN"),
            "CREATE DATABASE D; GRANT OWNERSHIP ON DATABASE D TO ROLE X;",
            True,
            [(False, ["ACCOUNTADMIN"])],
        ),
        (
            Platform("SYSADMIN"),
            "CREATE DATABASE D; GRANT OWNERSHIP ON DATABASE D TO ROLE X;",
            False,
            [(False, ["SYSADMIN"])],
        ),
        (Platform("SYSADMIN"), "CREATE GIZMO G;", True, [(None, ["SYSADMIN"])]),
    ],
)
def test_who_sees_it(platform: t.Any, script: str, again: bool, present: list[tuple[bool | None, list[str]]]) -> None:
    statements = split(script, "snowflake")
    if again:
        rows = verify.look_again(platform, platform, statements, (), look_for="created")
    else:
        rows = verify.look(platform, platform, statements, look_for="created")
    assert [(row["present"], row["roles"]) for row in rows] == present
    assert {(row["dropped"], row["made"]) for row in rows} == {(False, True)}


def row(present: bool | None, **more: str) -> dict[str, t.Any]:
    return {"kind": "ROLE", "name": "R", "present": present, "owner": None, "created_on": None, **more}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row(True, owner="X", created_on="2025", existing="kept")], "(a): ROLE R (owner X, created 2025). It may"),
        ([row(True, existing="replaced"), row(None)], "destroy, and create again, ROLE R. It may belong to another"),
        ([row(False), row(None)], ""),
    ],
)
def test_what_exists_already_is_refused(rows: list[dict[str, t.Any]], words: str) -> None:
    if not words:
        expected.require_none(rows, {"account": "a"})
        return
    with pytest.raises(expected.ObjectsExist, match=re.escape(words)) as failed:
        expected.require_none(rows, {"account": "a"})
    assert "existing_objects=accept" in str(failed.value.hint)


@pytest.mark.parametrize(("present", "fails"), [(True, False), (None, False), (False, True)])
def test_what_is_not_made_is_a_failure(present: bool | None, fails: bool) -> None:
    """What can't be seen is neither there nor missing."""
    if not fails:
        expected.require_made([row(present)])
        return
    with pytest.raises(expected.ObjectsNotMade, match=r"ROLE R") as failed:
        expected.require_made([row(True), row(present)])
    assert "which only looks again" in str(failed.value.hint)


MADE = {
    "snowflake": {
        *("ROLE IMMUTA_SYSTEM", "USER IMMUTA_SYSTEM_ACCOUNT", "DATABASE IMMUTA", "SCHEMA IMMUTA.IMMUTA_SYSTEM"),
        "PROCEDURE IMMUTA.IMMUTA_SYSTEM.IMMUTA_CHECK",
    },
    "databricks": {"CATALOG immuta", "SCHEMA policies", "SCHEMA immuta.audit"},
}


@pytest.mark.parametrize("dialect", sorted(MADE))
def test_a_set_up_script_of_immuta_is_understood(dialect: str) -> None:
    text = (DOUBLES / f"{dialect}_setup.sql").read_text("utf-8")
    statements = split(text, dialect)
    assert {f"{one.kind} {one.shown}" for one in created.things(statements, dialect) if one.ways} == MADE[dialect]
    # It can be taken up after each of its statements.
    assert [one["index"] for one in Session(statements).describe() if one["resumes_at"] != one["index"]] == []
    assert len(effects.of(statements)) == len(statements)
    told = str([(one.label, one.describe()) for one in statements])
    assert not any(secret in told for secret in secrets(text, dialect))
    assert (PASSWORD in secrets(text, dialect)) is (dialect == "snowflake")
