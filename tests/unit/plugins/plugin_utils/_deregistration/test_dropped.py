# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be looked for before the script is saved: only what the description of its statements tells exactly."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import dropped

S, D = "snowflake", "databricks"


@pytest.mark.parametrize(
    ("dialect", "script", "expected"),
    [
        (S, "SELECT 1", ["ROLE R", "DATABASE D", "SCHEMA D.S"]),
        (S, "DROP ROLE r; DROP DATABASE d", []),
        (S, "DROP DATABASE d", ["ROLE R"]),
        (S, "DROP ROLE d; DROP SCHEMA d.s", ["ROLE R", "DATABASE D"]),
        (S, "BEGIN TRANSACTION; DROP ROLE r; COMMIT", ["DATABASE D", "SCHEMA D.S"]),
        # What it drops can't be told.
        (S, "EXECUTE IMMEDIATE 'DROP ROLE r'", []),
        (S, "BEGIN DROP ROLE r; END", []),
        (D, "DROP CATALOG `D` CASCADE", ["ROLE R"]),
    ],
)
def test_what_is_created_and_not_dropped_is_left(dialect: str, script: str, expected: list[str]) -> None:
    kind = "DATABASE" if dialect == S else "CATALOG"
    made = [("ROLE", "R"), (kind, "D"), ("SCHEMA", "D.S"), ("SCHEMA", "SHORT")]
    rows = [statement.describe() for statement in split(script, dialect)]
    assert dropped.left(rows, dialect, [{"kind": one, "name": name} for one, name in made]) == expected


@pytest.mark.parametrize(
    ("dialect", "script", "expected"),
    [
        (S, "SELECT 1", []),
        (S, "DROP DATABASE IF EXISTS immuta", [("DATABASE", '"IMMUTA"', "")]),
        (S, "DROP DATABASE a; DROP DATABASE A; DROP ROLE a", [("DATABASE", '"A"', ""), ("ROLE", '"A"', "")]),
        (S, "USE ROLE r; DROP ROLE a", [("ROLE", '"A"', "R")]),
        (S, "USE ROLE IDENTIFIER('r'); DROP ROLE a", []),
        (S, "USE ROLE r; EXECUTE IMMEDIATE 'USE ROLE q'; DROP ROLE a", []),
        (S, "USE ROLE r; CALL p(); USE ROLE q; DROP ROLE a", [("ROLE", '"A"', "Q")]),
        (S, "DROP TABLE a.b.c", [("TABLE", '"A"."B"."C"', "")]),
        (S, "DROP TABLE c", []),
        (S, "USE DATABASE a; USE SCHEMA b; DROP TABLE c", [("TABLE", '"A"."B"."C"', "")]),
        (S, "USE DATABASE a; CALL p(); DROP SCHEMA c", []),
        (S, "USE DATABASE a; BEGIN TRANSACTION; DROP SCHEMA c", [("SCHEMA", '"A"."C"', "")]),
        # No row tells whether it may have been there.
        (S, "CREATE DATABASE a; DROP DATABASE a", [("DATABASE", '"A"', "")]),
        (S, "CREATE DATABASE IF NOT EXISTS a; DROP DATABASE a", [("DATABASE", '"A"', "")]),
        (S, 'DROP DATABASE "a.b"', [("DATABASE", '"a.b"', "")]),
        (S, 'DROP DATABASE "a\tb"', []),
        (S, "ALTER TABLE a.b.c UNSET TAG t; REVOKE ROLE a FROM USER b", []),
        (S, "DROP SOMETHING a", []),
        (D, "DROP CATALOG immuta CASCADE", [("CATALOG", "`immuta`", "")]),
        (D, "USE CATALOG a; DROP SCHEMA b", [("SCHEMA", "`a`.`b`", "")]),
        (D, "SET CATALOG a; DROP TABLE b.c", [("TABLE", "`a`.`b`.`c`", "")]),
        (D, "DROP TEMPORARY VARIABLE v", []),
    ],
    ids=str,
)
def test_objects(dialect: str, script: str, expected: list[tuple[str, str, str]]) -> None:
    rows = [statement.describe() for statement in split(script, dialect)]
    found = dropped.objects(rows, dialect)
    assert [(one["kind"], one["name"], one.get("role", "")) for one in found] == expected


@pytest.mark.parametrize(
    ("dialect", "script", "expected"),
    [
        (S, "USE ROLE r; DROP DATABASE a; DROP ROLE b; DROP USER c; CREATE ROLE d; ALTER USER e SET x = 1", ""),
        (S, "DROP DATABASE a; REVOKE ROLE b FROM USER c", "grants"),
        (S, "GRANT ROLE b TO USER c", ""),
        (S, "ALTER TABLE a.b.c MODIFY COLUMN d UNSET MASKING POLICY", "policies"),
        (S, "ALTER TABLE a.b.c DROP ALL ROW ACCESS POLICIES", "policies"),
        (S, "DROP PROCEDURE a.b.c(int)", ""),
        (S, "DROP TABLE c; DROP PROCEDURE d()", "some of what it drops (TABLE, PROCEDURE)"),
        (S, "CALL p(); USE ROLE IDENTIFIER('r'); DROP ROLE a", "some of what it drops (ROLE)"),
        (
            S,
            "REVOKE ROLE b FROM USER c; ALTER TABLE a.b.c DROP ROW ACCESS POLICY p; DROP PROCEDURE d()",
            "grants, policies, some of what it drops (PROCEDURE)",
        ),
        (D, "DROP CATALOG immuta CASCADE; SET CATALOG a; DROP TEMPORARY VARIABLE v", ""),
        (D, "ALTER TABLE a.b.c DROP ROW FILTER; REVOKE SELECT ON TABLE a.b.c FROM `x`", "grants, policies"),
        (D, "ALTER TABLE a.b.c ALTER COLUMN d DROP MASK", "policies"),
    ],
    ids=str,
)
def test_what_only_the_text_of_the_script_tells(dialect: str, script: str, expected: str) -> None:
    rows = [statement.describe() for statement in split(script, dialect)]
    assert dropped.unlooked(rows, dialect) == (
        [f"Not looked for, because the script is not on the disk yet: {expected}. {dropped.SAVE_IT}"]
        if expected
        else []
    )


OWN = [("DATABASE", "IMMUTA"), ("ROLE", "IMMUTA_SYSTEM"), ("SCHEMA", "S"), ("SCHEMA", "D.OWN")]
CATALOG = [("CATALOG", "Immuta"), ("SCHEMA", "policies")]


@pytest.mark.parametrize(
    ("dialect", "script", "expected"),
    [
        (S, 'DROP DATABASE IF EXISTS immuta; DROP ROLE "IMMUTA_SYSTEM"', []),
        (S, "DROP DATABASE finance; DROP ROLE immuta_system", ["DATABASE FINANCE"]),
        # In quotes, it is another one; so is one of another kind.
        (S, 'DROP DATABASE "immuta"; DROP USER immuta', ["DATABASE immuta", "USER IMMUTA"]),
        # What is in what was created goes with it.
        (S, "DROP PROCEDURE immuta.public.p(); DROP TABLE d.own.t; DROP SCHEMA immuta.s", []),
        (S, "DROP TABLE d.other.t; DROP SCHEMA d.other", ["TABLE D.OTHER.T", "SCHEMA D.OTHER"]),
        (S, "USE DATABASE immuta; DROP SCHEMA s; USE DATABASE d; DROP SCHEMA s", ["SCHEMA S"]),
        # A name that leaves out where it is tells nothing, on either side.
        (S, "DROP SCHEMA s; DROP TABLE immuta.t", ["SCHEMA S", "TABLE IMMUTA.T"]),
        (S, "USE DATABASE immuta; CALL p(); DROP SCHEMA x", ["SCHEMA X"]),
        (S, "DROP TABLE s.x.t", ["TABLE S.X.T"]),
        # Of a kind that is not known.
        (S, "DROP SERVICE immuta.a.b; DROP SERVICE immuta.a", ["SERVICE IMMUTA.A"]),
        (S, "SELECT 1; DROP ROLE IDENTIFIER($r); DROP SOMETHING a", ["ROLE (statement 2)", "OBJECT (statement 3)"]),
        (D, "DROP CATALOG IF EXISTS immuta CASCADE; DROP SCHEMA IMMUTA.x", []),
        (D, "DROP CATALOG sales; USE CATALOG sales; DROP SCHEMA policies", ["CATALOG sales", "SCHEMA policies"]),
        (D, "DROP FUNCTION policies.a.b", ["FUNCTION policies.a.b"]),
    ],
    ids=str,
)
def test_what_was_not_created_is_foreign(dialect: str, script: str, expected: list[str]) -> None:
    rows = [statement.describe() for statement in split(script, dialect)]
    created = [{"kind": kind, "name": name} for kind, name in (OWN if dialect == S else CATALOG)]
    assert dropped.foreign(rows, dialect, created) == expected
