# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking for what a script removes, on a platform of this file."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import reads, verify
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Problem
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split


def things(script: str, dialect: str = "snowflake") -> list[tuple[str, t.Any, str | None]]:
    found = verify.things(split(script, dialect), dialect)
    return [(one.kind, one.name, one.role.text if one.role else None) for one in found]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('DROP DATABASE IF EXISTS "IMMUTA"; drop user u;', [("DATABASE", ("IMMUTA",)), ("USER", ("U",))]),
        ('DROP ROLE "a.b"; DROP ROLE "a""b"; DROP ROLE "a";', [("ROLE", (one,)) for one in ("a.b", 'a"b', "a")]),
        ("DROP DATABASE D; DROP DATABASE D;", [("DATABASE", ("D",))]),
        ("ALTER USER U UNSET DEFAULT_ROLE;", [("USER", ("U",))]),
        ("ALTER TABLE D.S.T DROP ROW ACCESS POLICY P;", [("TABLE", ("D", "S", "T"))]),
        ("ALTER USER U SET DISABLED = TRUE; ALTER SESSION UNSET QUERY_TAG;", []),
        ("CREATE OR REPLACE PROCEDURE D.S.P() AS $$ x $$; DROP PROCEDURE D.S.P();", []),
        ("DROP SCHEMA S;", [("SCHEMA", None)]),
        ("USE DATABASE D; DROP SCHEMA S; DROP TABLE T;", [("SCHEMA", ("D", "S")), ("TABLE", ("D", "PUBLIC", "T"))]),
        ("USE D; USE SCHEMA S; DROP TABLE T;", [("TABLE", ("D", "S", "T"))]),
        ("USE SCHEMA D.S; DROP TABLE T; DROP TABLE X.T;", [("TABLE", ("D", "S", "T")), ("TABLE", ("D", "X", "T"))]),
        ("USE DATABASE D; CREATE DATABASE E; DROP SCHEMA S;", [("SCHEMA", None)]),
        ("USE DATABASE D; CALL P(); DROP SCHEMA S; DROP TABLE X.Y.Z;", [("SCHEMA", None), ("TABLE", ("X", "Y", "Z"))]),
        ("USE DATABASE D; BEGIN USE E; END; DROP SCHEMA S;", [("SCHEMA", None)]),
        ("USE DATABASE D; EXECUTE IMMEDIATE $x; DROP SCHEMA S; DROP USER U;", [("SCHEMA", None), ("USER", ("U",))]),
        ("DROP TABLE D..T;", [("TABLE", None)]),
        ("DROP INTEGRATION I; DROP API INTEGRATION J;", [("INTEGRATION", ("I",)), ("API INTEGRATION", ("J",))]),
        ("DROP PROVIDER X; SELECT 1; UNSET V;", [("PROVIDER", None)]),
    ],
)
def test_what_a_script_removes_on_snowflake(script: str, expected: list[tuple[str, t.Any]]) -> None:
    assert [one[:2] for one in things(script)] == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("DROP CATALOG IF EXISTS `immuta` CASCADE;", [("CATALOG", ("immuta",))]),
        ("USE CATALOG c; DROP SCHEMA s; DROP TABLE t;", [("SCHEMA", ("c", "s")), ("TABLE", ("c", "default", "t"))]),
        ("USE CATALOG c; USE s; DROP VIEW v;", [("VIEW", ("c", "s", "v"))]),
        ("USE CATALOG c; USE DATABASE s; DROP VIEW v;", [("VIEW", ("c", "s", "v"))]),
        (
            "ALTER TABLE c.s.t ALTER COLUMN x DROP MASK; ALTER TABLE c.s.t DROP ROW FILTER;",
            [("TABLE", ("c", "s", "t"))],
        ),
        ("USE CATALOG c; SET CATALOG e; DROP SCHEMA s;", [("SCHEMA", ("e", "s"))]),
        ("USE CATALOG c; SET TAG ON CATALOG e a = b; DROP SCHEMA s;", [("SCHEMA", ("c", "s"))]),
        ("DROP VOLUME c.s.`a.b`;", [("VOLUME", ("c", "s", "a.b"))]),
    ],
)
def test_what_a_script_removes_on_databricks(script: str, expected: list[tuple[str, t.Any]]) -> None:
    assert [one[:2] for one in things(script, "databricks")] == expected


def test_each_is_looked_for_in_the_role_of_its_statement() -> None:
    script = "DROP ROLE A; USE ROLE X; DROP ROLE B; USE ROLE Y; DROP ROLE C;"
    assert [one[2] for one in things(script)] == [None, "USE ROLE X", "USE ROLE Y"]


@pytest.mark.parametrize(
    ("dialect", "kind", "name", "sql", "value"),
    [
        ("snowflake", "DATABASE", ("IMMUTA",), "SHOW DATABASES LIKE 'IMMUTA'", ("IMMUTA",)),
        ("snowflake", "ROLE", ("IT'S_%\\",), "SHOW ROLES LIKE 'IT''S_%_'", ("IT'S_%\\",)),
        ("snowflake", "NETWORK POLICY", ("P",), "SHOW NETWORK POLICIES", ("P",)),
        ("snowflake", "SECURITY INTEGRATION", ("I",), "SHOW INTEGRATIONS LIKE 'I'", ("I",)),
        ("snowflake", "SCHEMA", ("D", "S"), "SHOW SCHEMAS LIKE 'S' IN ACCOUNT", ("D", "S")),
        ("snowflake", "MASKING POLICY", ("D", "S", "M"), "SHOW MASKING POLICIES LIKE 'M' IN ACCOUNT", ("D", "S", "M")),
        (
            *("databricks", "CATALOG", ("Immuta",)),
            "SELECT catalog_name, catalog_owner, created FROM system.information_schema.catalogs WHERE catalog_name ="
            " 'immuta'",
            ("immuta",),
        ),
        (
            *("databricks", "SCHEMA", ("c", "it's\\")),
            "SELECT catalog_name, schema_name, schema_owner, created FROM system.information_schema.schemata WHERE"
            " catalog_name = 'c' AND schema_name = 'it\\'s\\\\'",
            ("c", "it's\\"),
        ),
        (
            *("databricks", "FUNCTION", ("c", "s", "f")),
            "SELECT routine_catalog, routine_schema, routine_name, routine_owner, created FROM"
            " system.information_schema.routines WHERE routine_catalog = 'c' AND routine_schema = 's' AND routine_name ="
            " 'f'",
            ("c", "s", "f"),
        ),
    ],
)
def test_reads(dialect: str, kind: str, name: reads.Name, sql: str, value: reads.Name) -> None:
    found = reads.read(dialect, kind, name)
    assert (found.sql, found.value, len(found.name)) == (sql, value, reads.length(dialect, kind))


class Broken(Exception):
    """What the platform refuses."""


class Platform:
    """Answers by the text of a statement, and keeps what was sent."""

    dialect = "snowflake"

    def __init__(self, answers: dict[str, list[t.Any] | Problem]) -> None:
        self.answers = answers
        self.sent: list[str] = []
        self.rows: list[t.Any] = []
        self.description = [(name, None) for name in ("CREATED_ON", "NAME", "owner")]

    def execute(self, text: str) -> None:
        self.sent.append(text)
        answer = self.answers.get(text, [])
        if isinstance(answer, Problem):
            raise Broken
        self.rows = answer

    def fetchall(self) -> list[t.Any]:
        return self.rows

    def reader(self, cursor: t.Any) -> t.Any:
        return cursor

    def query_id(self, cursor: t.Any) -> str | None:
        return f"q{len(self.sent)}"

    def problem(self, error: Exception, cursor: t.Any) -> Problem | None:
        answer = self.answers.get(self.sent[-1])
        return answer if isinstance(answer, Problem) else None


MADE = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
SCRIPT = "USE ROLE X; DROP DATABASE D; DROP ROLE R; DROP PROVIDER P; DROP SCHEMA S;"


def test_rows_tell_what_is_there_and_how_that_is_known() -> None:
    answers = {
        "SHOW DATABASES LIKE 'D'": [(None, "d", "NOBODY"), (MADE, "D", "SYSADMIN")],
        "SHOW ROLES LIKE 'R'": [("soon", "R2", "")],
    }
    platform = Platform(t.cast("dict[str, t.Any]", answers))
    rows = verify.look(platform, platform, split(SCRIPT, "snowflake"))
    assert platform.sent == ["USE ROLE X", "SHOW DATABASES LIKE 'D'", "SHOW ROLES LIKE 'R'"]
    nothing = {"dropped": True, "owner": None, "created_on": None, "query_id": None}
    there = {"dropped": True, "owner": "SYSADMIN", "created_on": "2026-01-02T00:00:00+00:00", "query_id": "q2"}
    assert rows == [
        {"kind": "DATABASE", "name": "D", "present": True, "how": "SHOW DATABASES LIKE 'D'", **there},
        {"kind": "ROLE", "name": "R", "present": False, "how": "SHOW ROLES LIKE 'R'", **nothing, "query_id": "q3"},
        {"kind": "PROVIDER", "name": "P", "present": None, "how": verify.NO_WAY, **nothing},
        {"kind": "SCHEMA", "name": "S", "present": None, "how": verify.NOT_PLAIN, **nothing},
    ]


def again(answers: dict[str, list[t.Any] | Problem], script: str, skipped: t.Container[int] = ()) -> t.Any:
    """What is found when the script has run: the presence of each object that it drops, or what is left."""
    platform = Platform(answers)
    rows = verify.look_again(platform, platform, split(script, "snowflake"), skipped)
    try:
        verify.require_gone(rows)
    except verify.ObjectsLeft as error:
        assert any(row["present"] for row in rows)
        return str(error)
    return {f"{row['kind']} {row['name']}": row["present"] for row in rows}


LEFT: list[t.Any] = [(MADE, "D", "SOMEBODY")]


@pytest.mark.parametrize(
    ("answers", "script", "expected"),
    [
        ({}, "DROP DATABASE D; DROP ROLE R;", {"DATABASE D": False, "ROLE R": False}),
        # Only what is dropped in the end has to be gone.
        ({}, "ALTER USER U UNSET EMAIL; DROP DATABASE D;", {"DATABASE D": False}),
        ({}, "ALTER USER U UNSET EMAIL; DROP USER U;", {"USER U": False}),
        ({"SHOW DATABASES LIKE 'D'": LEFT}, "DROP DATABASE D; CREATE DATABASE D;", {}),
        ({"SHOW DATABASES LIKE 'D'": LEFT}, "DROP DATABASE D; UNDROP DATABASE D;", {}),
        ({"SHOW ROLES LIKE 'R'": Problem("Not authorized.")}, "DROP ROLE R;", {"ROLE R": None}),
        ({"USE ROLE X": Problem("No such role.")}, "USE ROLE X; DROP ROLE R;", {"ROLE R": None}),
    ],
)
def test_what_is_dropped_is_looked_for_again(answers: t.Any, script: str, expected: dict[str, bool | None]) -> None:
    assert again(answers, script) == expected


def test_what_is_left_is_an_error_unless_it_was_left_out() -> None:
    answers: dict[str, list[t.Any] | Problem] = {"SHOW DATABASES LIKE 'D'": LEFT}
    said = again(answers, "DROP ROLE R; DROP DATABASE D;")
    assert "still on the platform, although the script drops it: DATABASE D (owner SOMEBODY)." in said
    assert "ROLE R" not in said
    assert again(answers, "DROP ROLE R; DROP DATABASE D;", skipped=[2]) == {"ROLE R": False}


def test_a_platform_that_does_not_answer_afterwards_is_asked_again() -> None:
    with pytest.raises(verify.LookFailed, match="All statements of the script have run"):
        again({"SHOW ROLES LIKE 'R'": Problem("Reset.", lost=True)}, "DROP ROLE R;")


def test_what_may_not_be_looked_at_is_not_taken_for_absent() -> None:
    platform = Platform({"USE ROLE X": Problem("No such role.", query_id="q9")})
    rows = verify.look(platform, platform, split(SCRIPT, "snowflake"))
    assert platform.sent == ["USE ROLE X"] * 2
    assert [row["present"] for row in rows] == [None] * 4
    assert (rows[0]["how"], rows[0]["query_id"]) == ("It could not be looked for: No such role.", "q9")


def test_a_platform_that_does_not_answer_is_not_taken_for_empty() -> None:
    platform = Platform({"SHOW ROLES LIKE 'R'": Problem("Reset.", lost=True)})
    with pytest.raises(verify.LookFailed, match=r"did not answer.*Reset"):
        verify.look(platform, platform, split(SCRIPT, "snowflake"))


def test_a_bug_stays_a_bug() -> None:
    platform = Platform({"SHOW ROLES LIKE 'R'": Problem("x")})
    platform.problem = lambda error, cursor: None  # type: ignore[method-assign]
    with pytest.raises(Broken):
        verify.look(platform, platform, split(SCRIPT, "snowflake"))


@pytest.mark.parametrize(
    ("present", "refused"),
    [
        ([], False),
        ([True], False),
        ([False, True], False),
        ([False, None], True),
        ([None], True),
        (["no way"], False),
        ([False, "no way"], True),
        ([False], True),
        ([False] * 2, True),
    ],
)
def test_a_platform_with_nothing_of_it_is_refused(present: list[t.Any], refused: bool) -> None:
    rows = [
        {
            "kind": "ROLE",
            "name": f"R{number}",
            "present": None if one == "no way" else one,
            "how": verify.NO_WAY if one == "no way" else "SHOW" if one is not None else "It could not be looked for: x",
        }
        for number, one in enumerate(present)
    ]
    if not refused:
        verify.require_some(rows, {"account": "a"})
        return
    with pytest.raises(verify.ObjectsMissing, match=r"\(a\).*ROLE R0.*right account.*missing_objects=accept"):
        verify.require_some(rows, {"account": "a"})
