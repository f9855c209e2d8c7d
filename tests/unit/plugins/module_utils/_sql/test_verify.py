# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking for what a script removes, on a platform of this file."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import expected, reads, removed, thing, verify
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Problem
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split


def things(script: str, dialect: str = "snowflake") -> list[tuple[str, t.Any, str | None]]:
    found = removed.things(split(script, dialect), dialect)
    return [(one.kind, one.name, one.role) for one in found if one.type == thing.OBJECT]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('DROP DATABASE IF EXISTS "IMMUTA"; drop user u;', [("DATABASE", ("IMMUTA",)), ("USER", ("U",))]),
        ('DROP ROLE "a.b"; DROP ROLE "a""b"; DROP ROLE "a";', [("ROLE", (one,)) for one in ("a.b", 'a"b', "a")]),
        ("DROP DATABASE D; DROP DATABASE D;", [("DATABASE", ("D",))]),
        ("ALTER USER U UNSET DEFAULT_ROLE;", [("USER", ("U",))]),
        ("ALTER TABLE D.S.T DROP ROW ACCESS POLICY P;", [("TABLE", ("D", "S", "T"))]),
        ("ALTER USER U SET DISABLED = TRUE; ALTER SESSION UNSET QUERY_TAG;", []),
        ("CREATE PROCEDURE D.S.P() AS $$ x $$; DROP PROCEDURE D.S.P();", []),
        ("CREATE DATABASE D; DROP DATABASE IF EXISTS D;", []),
        ("CREATE TRANSIENT DATABASE D; DROP DATABASE IF EXISTS D;", []),
        # These may have been there.
        (
            "CREATE OR REPLACE PROCEDURE D.S.P() AS $$ x $$; DROP PROCEDURE D.S.P();",
            [("PROCEDURE", ("D", "S", "P"))],
        ),
        ("CREATE DATABASE IF NOT EXISTS D; DROP DATABASE IF EXISTS D;", [("DATABASE", ("D",))]),
        ("CREATE OR ALTER TABLE A.B.C (x INT); DROP TABLE A.B.C;", [("TABLE", ("A", "B", "C"))]),
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
    assert [one[2] for one in things(script)] == [None, "X", "Y"]


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


@pytest.mark.parametrize(
    ("role", "sent"),
    [
        ('USE ROLE "a ""b"', 'USE ROLE "a ""b"'),
        ("USE ROLE /* whatever */ x", 'USE ROLE "X"'),
        # What is not a plain name is not sent.
        ("USE ROLE IDENTIFIER('X')", None),
    ],
)
def test_roles_are_taken_in_words_of_our_own(role: str, sent: str | None) -> None:
    platform = Platform({})
    (row,) = verify.look(platform, platform, split(f"{role}; DROP ROLE R;", "snowflake"))
    assert platform.sent == ([sent, "SHOW ROLES LIKE 'R'"] if sent else [])
    assert (row["present"], row["how"]) == ((False, "SHOW ROLES LIKE 'R'") if sent else (None, thing.NO_ROLE))


@pytest.mark.parametrize(("role", "name"), [("ADMIN", "ADMIN"), ('"my ""role"', 'my ""role')])
def test_the_role_of_the_session_is_taken_again_for_what_was_seen_in_it(role: str, name: str) -> None:
    platform = Platform({})
    platform.session = {"role": role}
    statements = split("DROP ROLE A; USE ROLE X; DROP ROLE B;", "snowflake")
    rows = verify.look(platform, platform, statements)
    # What the script's role does not see is looked for in one's own, too.
    own = f'USE ROLE "{name}"'
    both = ["SHOW ROLES LIKE 'A'", 'USE ROLE "X"', "SHOW ROLES LIKE 'B'", own, "SHOW ROLES LIKE 'B'"]
    assert platform.sent == both
    plain = name.replace('""', '"')
    assert [row["roles"] for row in rows] == [[plain], ["X", plain]]
    platform.sent.clear()
    # The script has left the session in another one.
    verify.look_again(platform, platform, statements, ())
    assert platform.sent == [own, *both]


class Roles:
    """A platform that shows a database to some roles."""

    def __init__(self, own: str, see: t.Collection[str]) -> None:
        self.platform = Platform({})
        self.platform.session = {"role": own}
        self.now, self.see, execute = own, see, self.platform.execute

        def show(text: str) -> None:
            self.now = text.split('"')[1] if text.startswith("USE ROLE") else self.now
            self.platform.answers["SHOW DATABASES LIKE 'D'"] = [(None, "D", "O")] if self.now in self.see else []
            execute(text)

        self.platform.execute = show  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("role", "own", "see", "present", "roles"),
    [
        ("X", "OWN", ["X"], True, ["X"]),
        ("X", "OWN", ["OWN"], True, ["OWN"]),
        ("X", "OWN", [], False, ["X", "OWN"]),
        ("X", "X", [], False, ["X"]),
        # It sees all.
        ("ACCOUNTADMIN", "OWN", [], False, ["ACCOUNTADMIN"]),
        ("X", "ACCOUNTADMIN", [], False, ["X", "ACCOUNTADMIN"]),
    ],
)
def test_rows_tell_which_roles_have_looked(
    role: str, own: str, see: list[str], present: bool, roles: list[str]
) -> None:
    platform = Roles(own, see).platform
    (row,) = verify.look(platform, platform, split(f"USE ROLE {role}; DROP DATABASE IF EXISTS D;", "snowflake"))
    assert (row["present"], row["roles"]) == (present, roles)


VAIN, DONE = "Drop statement executed successfully (D already dropped).", "D successfully dropped."
DROPS = "USE ROLE {}; DROP DATABASE IF EXISTS D; DROP SCHEMA IF EXISTS D.S;"


@pytest.mark.parametrize(
    ("role", "own", "answers", "present"),
    [
        ("X", "OWN", [], [False, False]),
        ("X", "OWN", [DONE, DONE], [False, False]),
        ("X", "OWN", [VAIN, VAIN], [None, None]),
        ("X", "OWN", [VAIN], [None, None]),
        ("X", "OWN", [VAIN.partition("already")[0], DONE], [None, False]),
        # It was in what was dropped.
        ("X", "OWN", [DONE, VAIN], [False, False]),
        # It sees all, be it the role of the script, or that of the sign-in.
        ("ACCOUNTADMIN", "OWN", [VAIN, VAIN], [False, False]),
        ("X", "ACCOUNTADMIN", [VAIN, VAIN], [False, False]),
    ],
)
@pytest.mark.parametrize("again", [True, False])
def test_what_no_drop_has_found_may_be_hidden(
    role: str, own: str, answers: list[str], present: list[bool | None], again: bool
) -> None:
    platform = Platform({})
    platform.session = {"role": own}
    said = [{"index": index, "answer": answer} for index, answer in enumerate(answers, 2)]
    statements = split(DROPS.format(role), "snowflake")
    if again:
        rows = verify.look_again(platform, platform, statements, (), said)
    else:
        rows = verify.look(platform, platform, statements, said)
    assert [row["present"] for row in rows] == present
    for row in rows:
        assert ("hidden from the role X and OWN" in row["how"]) is (row["present"] is None)
    assert rows[0]["confirmed"] is (DONE in answers[:1])


@pytest.mark.parametrize(("answer", "user"), [([("someone",)], "someone"), ([], None), (Problem("No."), None)])
def test_a_session_that_does_not_tell_is_asked_whose_it_is(answer: t.Any, user: str | None) -> None:
    platform = Platform({reads.USER: answer})
    platform.dialect = "databricks"
    assert len(verify.look(platform, platform, split("DROP CATALOG c;", "databricks"))) == 1
    assert (platform.sent[0], platform.session.get("user")) == (reads.USER, user)


class Broken(Exception):
    """What the platform refuses."""


# Rows of objects, or columns and rows, or a refusal, by the text of a statement.
Answers = dict[str, "list[t.Any] | tuple[tuple[str, ...], list[t.Any]] | Problem"]


class Platform:
    """Answers by the text of a statement, and keeps what was sent."""

    dialect = "snowflake"

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.sent: list[str] = []
        self.rows: list[t.Any] = []
        self.session: dict[str, t.Any] = {}
        self.description: list[tuple[str, None]] = []

    def execute(self, text: str) -> None:
        self.sent.append(text)
        answer = self.answers.get(text, [])
        if isinstance(answer, Problem):
            raise Broken
        columns, self.rows = answer if isinstance(answer, tuple) else (("CREATED_ON", "NAME", "owner"), answer)
        self.description = [(name, None) for name in columns]

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
    assert platform.sent == ['USE ROLE "X"', "SHOW DATABASES LIKE 'D'", "SHOW ROLES LIKE 'R'"]
    about = {"dropped": True, "roles": ["X"], "made": False, "confirmed": False}
    nothing = {**about, "owner": None, "created_on": None, "query_id": None}
    there = {**about, "owner": "SYSADMIN", "created_on": "2026-01-02T00:00:00+00:00", "query_id": "q2"}
    assert rows == [
        {"type": "object", "kind": "DATABASE", "name": "D", "present": True, "how": "SHOW DATABASES LIKE 'D'", **there},
        {
            "type": "object",
            "kind": "ROLE",
            "name": "R",
            "present": False,
            "how": "SHOW ROLES LIKE 'R'",
            **nothing,
            "query_id": "q3",
        },
        {"type": "object", "kind": "PROVIDER", "name": "P", "present": None, "how": thing.NO_WAY, **nothing},
        {"type": "object", "kind": "SCHEMA", "name": "S", "present": None, "how": thing.NOT_PLAIN, **nothing},
    ]


def again(answers: Answers, script: str, skipped: t.Container[int] = ()) -> t.Any:
    """What is found when the script has run: the presence of each object that it drops, or what is left."""
    platform = Platform(answers)
    rows = verify.look_again(platform, platform, split(script, "snowflake"), skipped)
    try:
        expected.require_gone(rows)
    except expected.ObjectsLeft as error:
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
        ({'USE ROLE "X"': Problem("No such role.")}, "USE ROLE X; DROP ROLE R;", {"ROLE R": None}),
    ],
)
def test_what_is_dropped_is_looked_for_again(answers: t.Any, script: str, expected: dict[str, bool | None]) -> None:
    assert again(answers, script) == expected


def test_what_is_left_is_an_error_unless_it_was_left_out() -> None:
    answers: Answers = {"SHOW DATABASES LIKE 'D'": LEFT}
    said = again(answers, "DROP ROLE R; DROP DATABASE D;")
    assert (
        "still on the platform, although the script drops it, revokes it, or takes it off: DATABASE D (owner SOMEBODY)."
        in said
    )
    assert "ROLE R" not in said
    assert again(answers, "DROP ROLE R; DROP DATABASE D;", skipped=[2]) == {"ROLE R": False}


TO_ROLE = ("created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by")
OF_ROLE = ("created_on", "role", "granted_to", "grantee_name", "granted_by")
FUTURE = ("created_on", "privilege", "grant_on", "name", "grant_to", "grantee_name", "grant_option")
REFERENCES = (
    *("POLICY_KIND", "POLICY_DB", "POLICY_SCHEMA", "POLICY_NAME", "REF_DATABASE_NAME", "REF_SCHEMA_NAME"),
    *("REF_ENTITY_NAME", "REF_COLUMN_NAME", "TAG_NAME"),
)
SHOWN = ("Principal", "ActionType", "ObjectType", "ObjectKey")


def grant(privilege: str, kind: str, name: str, to: str = "ROLE", grantee: str = "R", option: str = "false") -> t.Any:
    return (MADE, privilege, kind, name, to, grantee, option, "X")


@pytest.mark.parametrize(
    ("statement", "columns", "row", "present"),
    [
        ("REVOKE SELECT ON TABLE A.B.C FROM ROLE R", TO_ROLE, grant("SELECT", "TABLE", "A.B.C"), True),
        # The kinds that share their names are not told apart by every list.
        ("REVOKE SELECT ON TABLE A.B.C FROM ROLE R", TO_ROLE, grant("SELECT", "VIEW", "A.B.C"), True),
        (
            "REVOKE SELECT ON EXTERNAL TABLE A.B.C FROM ROLE R",
            TO_ROLE,
            grant("SELECT", "EXTERNAL_TABLE", "A.B.C"),
            True,
        ),
        ('REVOKE SELECT ON TABLE A."b.c"."D""" FROM ROLE R', TO_ROLE, grant("SELECT", "TABLE", 'A."b.c"."D"""'), True),
        ("REVOKE SELECT ON TABLE A.B.C FROM ROLE R", TO_ROLE, grant("INSERT", "TABLE", "A.B.C"), False),
        ("REVOKE SELECT ON TABLE A.B.C FROM ROLE R", TO_ROLE, grant("SELECT", "TABLE", "A.B.CC"), False),
        ("REVOKE SELECT ON TABLE A.B.C FROM ROLE R", TO_ROLE, grant("SELECT", "TABLE", 'A.B."c"'), False),
        ("REVOKE SELECT ON TABLE A.B.C FROM ROLE R", TO_ROLE, grant("SELECT", "STREAM", "A.B.C"), False),
        ("REVOKE SELECT ON TABLE A.B.C FROM ROLE R", TO_ROLE, grant("SELECT", "TABLE", "A.B.C", grantee="Q"), False),
        ("REVOKE SELECT ON TABLE A.B.C FROM ROLE R", TO_ROLE, grant("SELECT", "TABLE", "A.B.C", to="USER"), False),
        ("REVOKE ALL ON TABLE A.B.C FROM ROLE R", TO_ROLE, grant("INSERT", "TABLE", "A.B.C"), True),
        ("REVOKE ALL ON TABLE A.B.C FROM ROLE R", TO_ROLE, grant("OWNERSHIP", "TABLE", "A.B.C"), False),
        ("REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE R", TO_ROLE, grant("MANAGE GRANTS", "ACCOUNT", "AB12345"), True),
        ("REVOKE APPLY ON MASKING POLICY A.B.P FROM ROLE R", TO_ROLE, grant("APPLY", "MASKING_POLICY", "A.B.P"), True),
        ("REVOKE IMPORTED PRIVILEGES ON DATABASE D FROM ROLE R", TO_ROLE, grant("USAGE", "DATABASE", "D"), True),
        ('REVOKE USAGE ON DATABASE "a.b" FROM ROLE R', TO_ROLE, grant("USAGE", "DATABASE", '"a.b"'), True),
        ("REVOKE GRANT OPTION FOR USAGE ON DATABASE D FROM ROLE R", TO_ROLE, grant("USAGE", "DATABASE", "D"), False),
        (
            *("REVOKE GRANT OPTION FOR USAGE ON DATABASE D FROM ROLE R", TO_ROLE),
            *(grant("USAGE", "DATABASE", "D", option="true"), True),
        ),
        ("REVOKE SELECT ON ALL TABLES IN SCHEMA A.B FROM ROLE R", TO_ROLE, grant("SELECT", "TABLE", "A.B.C"), True),
        ("REVOKE SELECT ON ALL TABLES IN SCHEMA A.B FROM ROLE R", TO_ROLE, grant("SELECT", "TABLE", "A.BB.C"), False),
        (
            "REVOKE USAGE ON ALL FUNCTIONS IN DATABASE A FROM ROLE R",
            TO_ROLE,
            grant("USAGE", "FUNCTION", 'A.B."F(X T):T"'),
            True,
        ),
        (
            "REVOKE SELECT ON FUTURE TABLES IN SCHEMA A.B FROM ROLE R",
            FUTURE,
            grant("SELECT", "TABLE", "A.B.<TABLE>")[:-1],
            True,
        ),
        (
            "REVOKE SELECT ON FUTURE TABLES IN SCHEMA A.B FROM ROLE R",
            FUTURE,
            grant("SELECT", "VIEW", "A.C.<VIEW>")[:-1],
            False,
        ),
        (
            *("REVOKE SELECT ON VIEW A.B.C FROM DATABASE ROLE A.R", TO_ROLE),
            *(grant("SELECT", "VIEW", "A.B.C", to="DATABASE_ROLE", grantee="A.R"), True),
        ),
        (
            "REVOKE SELECT ON VIEW A.B.C FROM DATABASE ROLE A.R",
            TO_ROLE,
            grant("SELECT", "VIEW", "A.B.C", to="DATABASE_ROLE"),
            True,
        ),
        ("REVOKE ROLE A FROM ROLE R", TO_ROLE, grant("USAGE", "ROLE", "A"), True),
        ("REVOKE ROLE A FROM ROLE R", TO_ROLE, grant("OWNERSHIP", "ROLE", "A"), False),
        ("REVOKE ROLE A FROM USER U", OF_ROLE, (MADE, "A", "USER", "U", "X"), True),
        ("REVOKE ROLE A FROM USER U", OF_ROLE, (MADE, "AA", "USER", "U", "X"), False),
        # Where users may have privileges of their own, their list has other columns.
        ("REVOKE ROLE A FROM USER U", TO_ROLE, grant("USAGE", "ROLE", "A", to="USER", grantee="U"), True),
        ('REVOKE ROLE "a.b" FROM USER "u.v"', OF_ROLE, (MADE, "a.b", "USER", "u.v", "X"), True),
        (
            *("ALTER TABLE A.B.C ALTER X UNSET MASKING POLICY", REFERENCES),
            *(("MASKING_POLICY", "D", "E", "P", "A", "B", "C", "X", None), True),
        ),
        (
            *("ALTER TABLE A.B.C ALTER X UNSET MASKING POLICY", REFERENCES),
            *(("MASKING_POLICY", "D", "E", "P", "A", "B", "C", "Y", None), False),
        ),
        # A tag has put it there.
        (
            *("ALTER TABLE A.B.C ALTER X UNSET MASKING POLICY", REFERENCES),
            *(("MASKING_POLICY", "D", "E", "P", "A", "B", "C", "X", "G"), False),
        ),
        (
            *("ALTER TABLE A.B.C DROP ROW ACCESS POLICY D.E.P", REFERENCES),
            *(("ROW_ACCESS_POLICY", "D", "E", "P", "A", "B", "C", None, None), True),
        ),
        (
            *("ALTER TABLE A.B.C DROP ROW ACCESS POLICY D.E.P", REFERENCES),
            *(("ROW_ACCESS_POLICY", "D", "E", "Q", "A", "B", "C", None, None), False),
        ),
        ("ALTER ACCOUNT UNSET NETWORK_POLICY", ("key", "value", "level"), ("NETWORK_POLICY", "P", "ACCOUNT"), True),
        ("ALTER ACCOUNT UNSET NETWORK_POLICY", ("key", "value", "level"), ("NETWORK_POLICY", "", ""), False),
        ("ALTER ACCOUNT UNSET SESSION POLICY", ("name",), ("P",), True),
    ],
)
def test_what_is_still_there_on_snowflake(statement: str, columns: tuple[str, ...], row: t.Any, present: bool) -> None:
    assert there("snowflake", statement, columns, row) is present


@pytest.mark.parametrize(
    ("statement", "columns", "row", "present"),
    [
        ("REVOKE SELECT ON TABLE c.s.T FROM `P@x`", SHOWN, ("p@x", "SELECT", "TABLE", "c.s.t"), True),
        ("REVOKE SELECT ON TABLE c.s.t FROM p", SHOWN, ("p", "SELECT", "TABLE", "`c`.`s`.`t`"), True),
        # What is inherited is on something else.
        ("REVOKE SELECT ON TABLE c.s.t FROM p", SHOWN, ("p", "SELECT", "CATALOG", "c"), False),
        ("REVOKE SELECT ON TABLE c.s.t FROM p", SHOWN, ("q", "SELECT", "TABLE", "c.s.t"), False),
        ("REVOKE USE SCHEMA ON DATABASE c.s FROM p", SHOWN, ("p", "USE SCHEMA", "SCHEMA", "c.s"), True),
        ("REVOKE CREATE CATALOG ON METASTORE FROM p", SHOWN, ("p", "CREATE CATALOG", "METASTORE", "12ab"), True),
        ("REVOKE ALL PRIVILEGES ON CATALOG c FROM p", SHOWN, ("p", "USE CATALOG", "CATALOG", "c"), True),
        ("REVOKE ALL PRIVILEGES ON CATALOG c FROM p", SHOWN, ("p", "MANAGE", "CATALOG", "c"), False),
        ("ALTER TABLE c.s.t DROP ROW FILTER", ("catalog_name", "schema_name", "table_name"), ("c", "s", "t"), True),
        ("ALTER TABLE c.s.t DROP ROW FILTER", ("table_catalog", "table_schema", "table_name"), ("c", "s", "t"), True),
        ("ALTER TABLE c.s.t DROP ROW FILTER", ("catalog_name", "schema_name", "table_name"), ("d", "s", "t"), False),
        (
            *(
                "ALTER TABLE c.s.t ALTER COLUMN X DROP MASK",
                ("catalog_name", "schema_name", "table_name", "column_name"),
            ),
            *(("c", "s", "t", "x"), True),
        ),
    ],
)
def test_what_is_still_there_on_databricks(statement: str, columns: tuple[str, ...], row: t.Any, present: bool) -> None:
    assert there("databricks", statement, columns, row) is present


def there(dialect: str, statement: str, columns: tuple[str, ...], row: t.Any) -> bool | None:
    """Whether what a statement takes away is there, when its read answers with a row."""
    (one,) = [
        one for one in removed.things(split(f"{statement};", dialect), dialect) if one.ways and one.type != thing.OBJECT
    ]
    platform = Platform({one.ways[0].sql: (columns, [row])})
    platform.dialect = dialect
    rows = verify.look(platform, platform, split(f"{statement};", dialect))
    (found,) = [row for row in rows if (row["kind"], row["name"]) == (one.kind, one.shown)]
    assert (found["how"], found["query_id"] is not None) == (one.ways[0].sql, True)
    present: bool | None = found["present"]
    return present


METADATA = ("grantee", "table_catalog", "table_schema", "table_name", "privilege_type", "inherited_from")


@pytest.mark.parametrize(
    ("dialect", "statement", "read", "columns", "row"),
    [
        (
            *("snowflake", "REVOKE SELECT ON TABLE A.B.C{} FROM ROLE R;", 'SHOW GRANTS TO ROLE "R"'),
            *(TO_ROLE, grant("SELECT", "TABLE", "A.B.C7")),
        ),
        (
            *("snowflake", "REVOKE SELECT ON TABLE A.B.C7 FROM ROLE R{};", 'SHOW GRANTS ON TABLE "A"."B"."C7"'),
            *(TO_ROLE, grant("SELECT", "TABLE", "A.B.C7", grantee="R7")),
        ),
        (
            *(
                "databricks",
                "REVOKE SELECT ON TABLE a.b.c{} FROM p;",
            ),
            "SELECT * FROM system.information_schema.table_privileges WHERE grantee = 'p'",
            *(METADATA, ("p", "a", "b", "c7", "SELECT", "NONE")),
        ),
        (
            *(
                "databricks",
                "ALTER TABLE a.b.c{} DROP ROW FILTER;",
                "SELECT * FROM system.information_schema.row_filters",
            ),
            *(("catalog_name", "schema_name", "table_name"), ("a", "b", "c7")),
        ),
    ],
)
def test_one_read_answers_for_many(
    dialect: str, statement: str, read: str, columns: tuple[str, ...], row: t.Any
) -> None:
    platform = Platform({read: (columns, [row])})
    platform.dialect = dialect
    platform.session = {"user": "u"}
    script = "".join(f"{statement.format(number)}\n" for number in range(300))
    rows = verify.look_again(platform, platform, split(script, dialect), ())
    assert (platform.sent, len(rows)) == ([read], 300)
    (left,) = [row["name"] for row in rows if row["present"]]
    assert "7 " in f"{left} "


def test_an_inherited_privilege_is_not_the_one_that_was_taken() -> None:
    read = "SELECT * FROM system.information_schema.table_privileges WHERE grantee = 'p'"
    platform = Platform({read: (METADATA, [("p", "a", "b", "c", "SELECT", "CATALOG")])})
    platform.dialect = "databricks"
    platform.session = {"user": "u"}
    script = "REVOKE SELECT ON TABLE a.b.c FROM p; REVOKE SELECT ON TABLE a.b.d FROM p;"
    rows = verify.look(platform, platform, split(script, "databricks"))
    assert (platform.sent, [row["present"] for row in rows]) == ([read], [False, False])


def test_reads_are_bounded() -> None:
    script = "".join(f"REVOKE ROLE A{n} FROM ROLE B{n};\n" for n in range(verify.MOST_READS + 2)) + "DROP ROLE R;"
    platform = Platform({})
    rows = verify.look(platform, platform, split(script, "snowflake"))
    assert len(platform.sent) == verify.MOST_READS + 1
    assert [row["how"] for row in rows[-3:]] == [verify.NOT_LOOKED] * 2 + ["SHOW ROLES LIKE 'R'"]
    assert [row["present"] for row in rows[-3:]] == [None, None, False]


def test_a_list_that_may_be_cut_off_does_not_tell_that_something_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "MOST_ROWS", 1)
    platform = Platform({'SHOW GRANTS TO ROLE "R"': (TO_ROLE, [grant("USAGE", "DATABASE", "D")])})
    script = "REVOKE USAGE ON DATABASE D FROM ROLE R; REVOKE USAGE ON DATABASE E FROM ROLE R;"
    rows = verify.look(platform, platform, split(script, "snowflake"))
    assert [row["present"] for row in rows] == [True, None]
    assert rows[1]["how"].startswith(verify.CUT_OFF)


NO_ONE = Problem("Role 'R' does not exist or not authorized.", errno=2003, query_id="q8")


@pytest.mark.parametrize(
    ("answers", "present", "how"),
    [
        # A grant is gone with its grantee, and with what it is on.
        ({}, False, "SHOW ROLES LIKE 'R'"),
        ({"SHOW ROLES LIKE 'R'": [(None, "R", "")]}, False, "SHOW TABLES LIKE 'C' IN ACCOUNT"),
        ({"SHOW ROLES LIKE 'R'": NO_ONE, "SHOW TABLES LIKE 'C' IN ACCOUNT": NO_ONE}, False, "SHOW DATABASES LIKE 'A'"),
        (
            {
                "SHOW ROLES LIKE 'R'": [(None, "R", "")],
                "SHOW TABLES LIKE 'C' IN ACCOUNT": NO_ONE,
                "SHOW DATABASES LIKE 'A'": [(None, "A", "")],
            },
            None,
            "It could not be looked for: Role 'R' does not exist or not authorized.",
        ),
    ],
)
def test_what_may_not_be_asked_for_may_have_gone_with_something_else(
    answers: Answers, present: bool | None, how: str
) -> None:
    platform = Platform({'SHOW GRANTS TO ROLE "R"': NO_ONE, **answers})
    (row,) = verify.look(platform, platform, split("REVOKE SELECT ON TABLE A.B.C FROM ROLE R;", "snowflake"))
    assert (row["present"], row["how"]) == (present, how)


def test_a_grant_that_is_left_is_an_error() -> None:
    answers: Answers = {'SHOW GRANTS TO ROLE "R"': (TO_ROLE, [grant("USAGE", "DATABASE", "D")])}
    said = again(answers, "REVOKE USAGE ON DATABASE D FROM ROLE R;")
    assert "this is still on the platform" in said
    assert "GRANT USAGE ON DATABASE D TO ROLE R." in said
    assert again(answers, "REVOKE USAGE ON DATABASE D FROM ROLE R; GRANT USAGE ON DATABASE D TO ROLE R;") == {}


def test_only_the_first_of_many_are_named() -> None:
    rows = [
        {"type": "object", "kind": "ROLE", "name": f"R{number}", "present": True, "owner": None} for number in range(25)
    ]
    with pytest.raises(expected.ObjectsLeft, match=r"ROLE R0, .*ROLE R19, and 5 more\."):
        expected.require_gone(rows)


def test_a_platform_that_does_not_answer_afterwards_is_asked_again() -> None:
    with pytest.raises(verify.LookFailed, match="All statements of the script have run"):
        again({"SHOW ROLES LIKE 'R'": Problem("Reset.", lost=True)}, "DROP ROLE R;")


def test_what_may_not_be_looked_at_is_not_taken_for_absent() -> None:
    platform = Platform({'USE ROLE "X"': Problem("No such role.", query_id="q9")})
    rows = verify.look(platform, platform, split(SCRIPT, "snowflake"))
    assert platform.sent == ['USE ROLE "X"']
    assert [row["present"] for row in rows] == [None] * 4
    assert (rows[0]["how"], rows[0]["query_id"]) == ("It could not be looked for: No such role.", "q9")


def test_a_platform_that_does_not_answer_is_not_taken_for_empty() -> None:
    platform = Platform({"SHOW ROLES LIKE 'R'": Problem("Reset.", lost=True)})
    with pytest.raises(verify.LookFailed, match=r"platform failed: Reset"):
        verify.look(platform, platform, split(SCRIPT, "snowflake"))


def test_an_answer_that_breaks_off_is_not_taken_for_the_whole() -> None:
    class Breaking(Platform):
        def fetchall(self) -> list[t.Any]:
            raise Broken

    platform = Breaking({})
    platform.problem = lambda error, cursor: Problem("Reset.", lost=True)  # type: ignore[method-assign]
    with pytest.raises(verify.LookFailed, match="Reset"):
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
            "type": "object",
            "kind": "ROLE",
            "name": f"R{number}",
            "present": None if one == "no way" else one,
            "how": thing.NO_WAY if one == "no way" else "SHOW" if one is not None else "It could not be looked for: x",
        }
        for number, one in enumerate(present)
    ]
    # With objects in the script, grants don't tell.
    rows += [{"type": "grant", "kind": "GRANT", "name": "G", "present": True, "owner": None, "how": "SHOW"}] * bool(
        rows
    )
    if not refused:
        expected.require_some(rows, {"account": "a"})
        return
    with pytest.raises(expected.ObjectsMissing, match=r"\(a\).*ROLE R0.*right account.*missing_objects=accept"):
        expected.require_some(rows, {"account": "a"})


@pytest.mark.parametrize("present", [True, False])
def test_without_objects_grants_tell_whether_it_is_the_right_platform(present: bool) -> None:
    row = {"type": "grant", "kind": "GRANT", "name": "G", "present": present, "owner": None, "how": "SHOW"}
    if present:
        expected.require_some([row], {})
        return
    with pytest.raises(expected.ObjectsMissing, match="GRANT G"):
        expected.require_some([row], {})
