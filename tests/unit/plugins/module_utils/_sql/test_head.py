# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The head of a statement: what it is about, and what follows from that."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import head

# Dialect (Snowflake, Databricks, or both), statement, verb, kind, name, and the letters of what is true of it:
# session, repeatable, bound.
HEADS = [
    ("sd", "DROP TABLE a", "DROP", "TABLE", "A", ""),
    ("sd", "drop table if exists a.b", "DROP", "TABLE", "A.B", "r"),
    ("s", 'DROP ROLE "My.Role"', "DROP", "ROLE", '"My.Role"', ""),
    ("s", 'DROP DATABASE "My Db"."x"', "DROP", "DATABASE", "My Db.x", ""),
    ("d", "DROP CATALOG IF EXISTS `a b` CASCADE", "DROP", "CATALOG", "a b", "r"),
    ("d", "DROP TEMPORARY VARIABLE IF EXISTS x", "DROP", "VARIABLE", "x", "sr"),
    ("s", "DROP MASKING POLICY IF EXISTS p", "DROP", "MASKING POLICY", "P", "r"),
    ("sd", "DROP SCHEMA", "DROP", "SCHEMA", "", ""),
    ("sd", "DROP SCHEMA IF EXISTS", "DROP", "SCHEMA", "", "r"),
    ("s", "DROP SCHEMA IF EXI", "DROP", "SCHEMA", "IF", ""),
    ("sd", "REVOKE SELECT ON TABLE a", "REVOKE", "TABLE", "A", "r"),
    ("s", "DROP GIZMO IF EXISTS p", "DROP", "", "", ""),
    ("sd", "CREATE TABLE a (b INT)", "CREATE", "TABLE", "A", ""),
    ("sd", "CREATE TABLE IF NOT EXISTS a (b INT)", "CREATE", "TABLE", "A", "r"),
    ("sd", "CREATE OR REPLACE VIEW a AS SELECT 1", "CREATE", "VIEW", "A", "r"),
    ("sd", "CREATE OR REPLACE TABLE a AS SELECT 1", "CREATE", "TABLE", "A", ""),
    ("sd", "CREATE TEMPORARY TABLE a (b INT)", "CREATE", "TABLE", "A", "b"),
    ("sd", "ALTER TABLE a DROP COLUMN b", "ALTER", "TABLE", "A", ""),
    ("sd", "ALTER TABLE IF EXISTS a UNSET TAG b", "ALTER", "TABLE", "A", "r"),
    ("s", "ALTER TABLE a UNSET TAG b, c", "ALTER", "TABLE", "A", "r"),
    ("s", "ALTER TABLE a ALTER b UNSET MASKING POLICY, c UNSET MASKING POLICY", "ALTER", "TABLE", "A", "r"),
    ("s", "ALTER TABLE a ALTER b UNSET MASKING POLICY, c VARCHAR(1)", "ALTER", "TABLE", "A", ""),
    ("s", "ALTER TABLE a MODIFY COLUMN unset VARCHAR(1)", "ALTER", "TABLE", "A", ""),
    ("s", "ALTER ORGANIZATION ACCOUNT UNSET PASSWORD POLICY", "ALTER", "", "", ""),
    ("s", "ALTER STREAMLIT a UNSET COMMENT", "ALTER", "", "", ""),
    ("sd", "ALTER TABLE a ADD COLUMN b INT", "ALTER", "TABLE", "A", ""),
    ("s", "ALTER ACCOUNT UNSET NETWORK_POLICY", "ALTER", "ACCOUNT", "", "r"),
    ("s", "ALTER SESSION SET TIMEZONE = 'UTC'", "ALTER", "SESSION", "", "s"),
    ("s", "ALTER SESSION UNSET AUTOCOMMIT", "ALTER", "SESSION", "", "sb"),
    ("sd", "GRANT SELECT ON TABLE a TO ROLE b", "GRANT", "TABLE", "A", ""),
    ("sd", "REVOKE SELECT ON TABLE a FROM ROLE b", "REVOKE", "TABLE", "A", "r"),
    ("s", "REVOKE ROLE a FROM USER b", "REVOKE", "ROLE", "A", "r"),
    ("s", "REVOKE GRANT OPTION FOR USAGE ON DATABASE a FROM ROLE b", "REVOKE", "DATABASE", "A", "r"),
    ("s", "USE ROLE a", "USE", "ROLE", "A", "s"),
    ("s", "USE SECONDARY ROLES NONE", "USE", "SECONDARY ROLES", "", "s"),
    ("s", "USE WAREHOUSE", "USE", "", "WAREHOUSE", "s"),
    ("s", "SET x = 1", "SET", "VARIABLE", "X", "s"),
    ("s", "SET x = (SELECT MAX(a) FROM b)", "SET", "VARIABLE", "X", "s"),
    ("s", "SET x = LAST_QUERY_ID()", "SET", "VARIABLE", "X", "s"),
    ("s", "SET x = (SELECT own_function())", "SET", "VARIABLE", "X", "b"),
    ("d", "DECLARE x DECIMAL(9, 2) DEFAULT 1", "DECLARE", "VARIABLE", "x", "s"),
    ("d", "DECLARE x INT DEFAULT a.own_function()", "DECLARE", "VARIABLE", "x", "b"),
    ("d", "SET VAR x = 1", "SET", "VARIABLE", "x", "s"),
    ("d", "DECLARE OR REPLACE VARIABLE x INT", "DECLARE", "VARIABLE", "x", "s"),
    ("d", "RESET x", "RESET", "", "", "s"),
    ("sd", "CALL a.b(1)", "CALL", "PROCEDURE", "A.B", "b"),
    ("s", "CALL IDENTIFIER('a')()", "CALL", "PROCEDURE", "", "b"),
    ("sd", "SELECT CURRENT_USER()", "SELECT", "", "", "r"),
    ("sd", "SELECT a.own_function()", "SELECT", "", "", "b"),
    ("sd", "SELECT evil.s.COUNT(1)", "SELECT", "", "", "b"),
    ("s", "SET x = evil.s.NUMBER(1)", "SET", "VARIABLE", "X", "b"),
    ("d", "SET VAR x = evil.s.varchar(1)", "SET", "VARIABLE", "x", "b"),
    ("s", "SHOW TABLES ->> DROP TABLE a", "SHOW", "", "", "b"),
    ("sd", "SHOW TABLES", "SHOW", "", "", "r"),
    ("sd", "DESCRIBE TABLE a", "DESCRIBE", "TABLE", "A", "r"),
    ("s", "BEGIN", "BEGIN", "TRANSACTION", "", "b"),
    ("s", "START TRANSACTION", "START", "TRANSACTION", "", "b"),
    ("sd", "BEGIN SELECT 1; END", "BEGIN", "", "", "b"),
    ("s", "DECLARE a INT; BEGIN RETURN 1; END", "BEGIN", "", "", "b"),
    ("s", "EXECUTE IMMEDIATE 'DROP TABLE a'", "EXECUTE", "", "", "b"),
    ("s", "EXECUTE TASK a", "EXECUTE", "TASK", "A", "b"),
    ("sd", "COMMENT IF EXISTS ON TABLE a IS 'b'", "COMMENT", "TABLE", "A", ""),
    ("sd", "TRUNCATE TABLE IF EXISTS a", "TRUNCATE", "TABLE", "A", ""),
    ("sd", "INSERT INTO a VALUES (1)", "INSERT", "", "", "b"),
    ("sd", "/* DROP */ -- DROP\n DROP /* x */ TABLE a", "DROP", "TABLE", "A", ""),
    ("sd", "(SELECT 1)", "SELECT", "", "", "r"),
]


@pytest.mark.parametrize(
    ("dialect", "text", "verb", "kind", "name", "flags"),
    [
        # Databricks keeps the case of a name, and Snowflake its upper case.
        (dialect, text, verb, kind, name.lower() if (dialects, dialect) == ("sd", "d") else name, flags)
        for dialects, text, verb, kind, name, flags in HEADS
        for dialect in dialects
    ],
)
def test_heads(dialect: str, text: str, verb: str, kind: str, name: str, flags: str) -> None:
    found = head.read(text, {"s": "snowflake", "d": "databricks"}[dialect], 0, len(text))
    assert (found.verb, found.kind, found.name) == (verb, kind, name)
    true = {"s": found.session, "r": found.session or found.repeatable, "b": found.bound}
    assert "".join(letter for letter in "srb" if true[letter]) == "".join(
        letter for letter in "srb" if letter in flags or (letter == "r" and "s" in flags)
    )


def test_reads_nothing_outside_its_part() -> None:
    text = "DROP TABLE a; DROP VIEW b; DROP ROLE c"
    assert head.read(text, "snowflake", 14, 25)[:3] == ("DROP", "VIEW", "B")
