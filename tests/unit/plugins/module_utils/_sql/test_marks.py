# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a statement is worth a look, in words."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

# Dialect (Snowflake, Databricks, or both), statement, and its marks; names as Snowflake keeps them.
MARKS: list[tuple[str, str, list[str]]] = [
    *(
        ("sd", ordinary, [])
        for ordinary in (
            "DROP TABLE a",
            "DROP TABLE IF EXISTS a.b",
            "ALTER TABLE IF EXISTS a UNSET TAG b",
            "REVOKE SELECT ON TABLE a FROM ROLE b",
            "USE SCHEMA a",
            "SHOW TABLES",
        )
    ),
    *(
        ("s", ordinary, [])
        for ordinary in (
            "USE SECONDARY ROLES NONE",
            "ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE",
            "ALTER SESSION UNSET AUTOCOMMIT",
            "ALTER TABLE a DROP ROW ACCESS POLICY b",
            "ALTER TABLE a MODIFY COLUMN b UNSET MASKING POLICY",
            "ALTER TABLE a MODIFY COLUMN b UNSET MASKING POLICY, COLUMN c UNSET MASKING POLICY",
            "ALTER TABLE a MODIFY b UNSET MASKING POLICY, c UNSET TAG d, e, column f unset tag g",
            "ALTER TABLE a UNSET TAG b, c.d",
            "ALTER TABLE a UNSET AGGREGATION POLICY",
            "ALTER PROCEDURE a(INT) UNSET COMMENT",
            "SET x = 1",
            "SET x = CURRENT_ROLE()",
            "SET x = LAST_QUERY_ID()",
            "UNSET x",
        )
    ),
    ("d", "ALTER TABLE a ALTER COLUMN b DROP MASK", []),
    ("d", "ALTER TABLE a DROP ROW FILTER", []),
    ("d", "SET VAR x = 1", []),
    # What can't be seen
    ("s", "EXECUTE IMMEDIATE $x", ["runs text that can't be seen here: EXECUTE IMMEDIATE"]),
    ("s", "EXECUTE IMMEDIATE 'DROP TABLE ' || 'a'", ["runs text that can't be seen here: EXECUTE IMMEDIATE"]),
    ("s", "EXECUTE IMMEDIATE 'DROP TABLE a' 'b'", ["runs text that can't be seen here: EXECUTE IMMEDIATE"]),
    ("d", "EXECUTE IMMEDIATE 'DROP TABLE a' r'b'", ["runs text that can't be seen here: EXECUTE IMMEDIATE"]),
    ("d", "EXECUTE IMMEDIATE 'DROP TABLE a' || 'b'", ["runs text that can't be seen here: EXECUTE IMMEDIATE"]),
    (
        "d",
        "EXECUTE IMMEDIATE 'DROP CATALOG immuta' /* x */ \"_prod CASCADE\"",
        ["runs text that contains DROP CATALOG immuta_prod: EXECUTE IMMEDIATE"],
    ),
    ("d", "EXECUTE IMMEDIATE 'DR' 'OP TABLE a' USING 1", ["runs text that contains DROP TABLE a: EXECUTE IMMEDIATE"]),
    ("s", "EXECUTE IMMEDIATE 'DROP TABLE a'", ["runs text that contains DROP TABLE A: EXECUTE IMMEDIATE"]),
    (
        "s",
        "EXECUTE IMMEDIATE $$ BEGIN CALL p(); END $$",
        ["runs text that contains CALL PROCEDURE P: EXECUTE IMMEDIATE"],
    ),
    ("sd", "EXECUTE IMMEDIATE 'SELECT 1'", ["runs text that can't be seen here: EXECUTE IMMEDIATE"]),
    (
        "s",
        "BEGIN IF (x) THEN DROP DATABASE sales; END IF; EXECUTE IMMEDIATE 'x'; END",
        ["runs a block that contains DROP DATABASE SALES, EXECUTE IMMEDIATE"],
    ),
    (
        "s",
        "BEGIN DROP ROLE a; DROP ROLE b; DROP ROLE c; DROP ROLE d; DROP ROLE e; DROP ROLE f; DROP ROLE f; END",
        ["runs a block that contains DROP ROLE A, DROP ROLE B, DROP ROLE C, DROP ROLE D, DROP ROLE E, DROP ROLE F"],
    ),
    # A variable may have the name of a verb.
    *(
        ("s", block, [f"runs a block that contains {held}"])
        for block, held in (
            (
                "DECLARE USE INT DEFAULT 1; BEGIN IF (USE = 1) THEN DROP DATABASE PROD; END IF; END",
                "USE INT, DROP DATABASE PROD",
            ),
            ("BEGIN LET COPY := 1; COPY := COPY + 1; IF (:COPY = 2) THEN DROP ROLE a; END IF; END", "DROP ROLE A"),
            (
                "DECLARE COPY RESULTSET DEFAULT (EXECUTE IMMEDIATE 'x'); BEGIN DROP ROLE a; END",
                "COPY, EXECUTE IMMEDIATE, DROP ROLE A",
            ),
            ("BEGIN FOR USE IN c DO DROP ROLE a; END FOR; END", "USE IN, DROP ROLE A"),
            ("BEGIN CASE (USE) WHEN 1 THEN DROP ROLE a; ELSE DROP ROLE b; END; END", "DROP ROLE A, DROP ROLE B"),
            (
                "BEGIN LOOP DROP ROLE a; END LOOP; REPEAT DROP ROLE b; UNTIL (USE) END REPEAT; END",
                "DROP ROLE A, DROP ROLE B",
            ),
            (
                "BEGIN GRANT INSERT, UPDATE ON TABLE a TO ROLE b; REVOKE CREATE ROLE ON ACCOUNT FROM ROLE b; END",
                "GRANT TABLE A, REVOKE ACCOUNT",
            ),
        )
    ),
    ("s", "DECLARE a INT; BEGIN RETURN 1; END", ["runs a block"]),
    ("s", "CALL a.b(1)", ["calls a procedure: A.B"]),
    ("s", "CALL IDENTIFIER('a')()", ["calls a procedure", "the name is computed: IDENTIFIER(...)"]),
    (
        "s",
        "DROP DATABASE IDENTIFIER($x)",
        ["drops a DATABASE whose name can't be read", "the name is computed: IDENTIFIER(...)"],
    ),
    (
        "d",
        "GRANT SELECT ON TABLE IDENTIFIER(:x) TO b",
        ["grants rights to b: GRANT", "the name is computed: IDENTIFIER(...)"],
    ),
    ("s", "USE ROLE IDENTIFIER($x)", ["the name is computed: IDENTIFIER(...)"]),
    ("s", "SHOW TABLES ->> DROP TABLE a", ["continues with another statement that contains DROP TABLE A: ->>"]),
    ("s", "COMMENT ON TABLE a IS 'b ->> c'", ["comments on TABLE A"]),
    ("s", "SET x = '->> '", []),
    ("s", "SET x = (SELECT f())", ["assigns the result of a query: SET X"]),
    ("s", "SET (x, y) = (SELECT 1, 2)", ["assigns the result of a query: SET"]),
    ("s", "SET x = own_function()", ["assigns the result of a function: SET X"]),
    ("d", "SET VAR x = (SELECT max(a) FROM b)", ["assigns the result of a query: SET x"]),
    ("d", "DECLARE x INT DEFAULT a.own_function()", ["assigns the result of a function: DECLARE x"]),
    ("d", "DECLARE x INT DEFAULT 1", ["declares a variable: x"]),
    ("sd", "SELECT a.own_function()", ["calls a function, or writes: SELECT"]),
    ("s", "SET x = evil.s.NUMBER(1)", ["assigns the result of a function: SET X"]),
    ("s", "SET x = evil.LAST_QUERY_ID()", ["assigns the result of a function: SET X"]),
    ("d", "DECLARE x INT DEFAULT evil.s.varchar(1)", ["assigns the result of a function: DECLARE x"]),
    *(
        ("sd", f"SELECT {function}", ["calls a function, or writes: SELECT"])
        for function in ("evil.s.COUNT(1)", "s . COUNT (1)", "1 IN (s.MAX(1))")
    ),
    ("sd", "SELECT COUNT(1), MAX(a.b) FROM a", ["only reads: SELECT"]),
    ("sd", "SELECT CURRENT_USER()", ["only reads: SELECT"]),
    ("sd", "DESCRIBE TABLE a", ["only reads: DESCRIBE"]),
    # What is dropped or changed besides whole objects
    ("s", "ALTER TABLE a DROP COLUMN b", ["drops a column of TABLE A"]),
    *(
        ("s", f"ALTER {what} a DROP {columns}", [f"drops a column of {what} A"])
        for what in ("TABLE", "ICEBERG TABLE", "VIEW")
        for columns in (
            *("b", "MASK, b, c", "TAG", "ROW, FILTER", "ROW FILTER", "MASKING POLICY", "VIEW", '"ROW ACCESS POLICY"'),
            *("IF EXISTS MASK", "COLUMN MASK, TAG", "ROW", "TABLE"),
        )
    ),
    ("d", "ALTER TABLE a DROP TAG", ["drops a column of TABLE a"]),
    ("d", "ALTER TABLE a ALTER COLUMN b DROP DEFAULT", ["drops a default of TABLE a"]),
    ("s", "ALTER TABLE a ALTER b DROP NOT NULL", ["drops the constraint NOT NULL of TABLE A"]),
    ("s", "ALTER TABLE a DROP CONSTRAINT b", ["drops a constraint of TABLE A"]),
    ("s", "ALTER TABLE a DROP POLICY b", ["drops a policy of TABLE A"]),
    ("s", "ALTER SHARE a DROP b", ["drops a part of SHARE A"]),
    # Every action of a list counts, whatever its columns are named.
    *(
        ("s", f"ALTER TABLE a {actions}", [f"changes TABLE A: {word}"])
        for word, actions in (
            ("COLUMN", "MODIFY COLUMN b UNSET MASKING POLICY, COLUMN c VARCHAR(1)"),
            ("C", "MODIFY b UNSET MASKING POLICY, c VARCHAR(1)"),
            ("C", "MODIFY b UNSET MASKING POLICY, c COMMENT 'x', d UNSET MASKING POLICY"),
            ("MODIFY", "MODIFY COLUMN b VARCHAR(1), COLUMN c UNSET MASKING POLICY"),
            ("MODIFY", "MODIFY COLUMN unset VARCHAR(1)"),
            ("COLUMN", "MODIFY COLUMN unset UNSET MASKING POLICY, COLUMN unset VARCHAR(1)"),
            ("MODIFY", "UNSET TAG b, MODIFY (c VARCHAR(1))"),
            ("MODIFY", "MODIFY (b UNSET MASKING POLICY, c VARCHAR(1))"),
            ("OWNER", "OWNER TO b"),
        )
    ),
    ("s", "ALTER TABLE a.unset MODIFY COLUMN b INT", ["changes TABLE A.UNSET: MODIFY"]),
    ("s", "ALTER TABLE a..unset MODIFY COLUMN b INT", ["changes TABLE A..UNSET: MODIFY"]),
    ("s", "ALTER TABLE a.add UNSET TAG b.set", []),
    ("s", "ALTER TABLE a DROP PRIMARY KEY", ["drops the primary key of TABLE A"]),
    ("d", "ALTER TABLE a DROP COLUMNS (b, c)", ["drops columns of TABLE a"]),
    ("s", "ALTER TABLE a DROP ALL ROW ACCESS POLICIES", ["removes every policy from TABLE A, not only Immuta's"]),
    ("s", "ALTER ACCOUNT UNSET NETWORK_POLICY", ["changes the account"]),
    ("s", "ALTER ACCOUNT SET PERIODIC_DATA_REKEYING = TRUE", ["changes the account"]),
    ("d", "ALTER METASTORE SET OWNER TO a", ["changes the metastore"]),
    ("s", "ALTER SESSION SET TIMEZONE = 'UTC' AUTOCOMMIT = FALSE", ["changes the session: TIMEZONE, AUTOCOMMIT"]),
    (
        "s",
        "ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE",
        ["changes the session: QUOTED_IDENTIFIERS_IGNORE_CASE"],
    ),
    ("s", "ALTER USER a SET PASSWORD = 'b'", ["changes USER A: SET"]),
    ("s", "ALTER TABLE a ADD COLUMN b INT", ["changes TABLE A: ADD"]),
    ("s", "ALTER DATABASE a SWAP WITH b", ["changes DATABASE A: SWAP"]),
    ("s", "ALTER TABLE a RENAME TO b", ["changes TABLE A: RENAME"]),
    *(
        ("s", statement, [f"{change} something of an unknown kind: {words}"])
        for change, statement, words in (
            ("changes", "ALTER GIZMO a", "ALTER GIZMO A"),
            ("changes", "ALTER STREAMLIT a UNSET COMMENT", "ALTER STREAMLIT A UNSET"),
            ("changes", "ALTER GIZMO a SET b = 'c'", "ALTER GIZMO A SET"),
            ("changes", "ALTER GIZMO 'a' b", "ALTER GIZMO"),
            ("changes", "ALTER ORGANIZATION ACCOUNT UNSET PASSWORD POLICY", "ALTER ORGANIZATION ACCOUNT UNSET"),
            ("drops", "DROP GIZMO IF EXISTS p", "DROP GIZMO IF EXISTS P"),
        )
    ),
    ("s", "DROP SCHEMA IF EXISTS", ["drops a SCHEMA whose name can't be read"]),
    ("s", "DROP SCHEMA IF EXI", ["drops a SCHEMA whose name can't be read"]),
    ("s", "DROP TABLE a, b", ["drops more than one object"]),
    ("s", "GRANT SELECT ON TABLE a TO ROLE b", ["grants rights to ROLE B: GRANT"]),
    ("s", "REVOKE SELECT ON TABLE a", ["revokes rights without naming from whom: REVOKE"]),
    ("s", "CREATE TABLE a (b INT)", ["creates TABLE A"]),
    ("s", "CREATE PROCEDURE a() AS $$ x $$", ["creates PROCEDURE A, which contains statements of its own"]),
    ("s", "BEGIN;", ["opens a transaction: BEGIN"]),
    ("s", "COMMIT", ["ends a transaction: COMMIT"]),
    ("s", "EXECUTE TASK a", ["runs TASK A: EXECUTE"]),
    ("s", "COMMENT IF EXISTS ON TABLE a IS 'b'", ["comments on TABLE A"]),
    ("d", "SET TAG ON CATALOG a b = c", ["sets a tag on CATALOG a"]),
    ("s", "TRUNCATE TABLE IF EXISTS a", ["empties TABLE A"]),
    ("s", "UNDROP TABLE a", ["brings back TABLE A: UNDROP"]),
    ("d", "RESET x", ["changes the session: RESET"]),
    ("s", "DELETE FROM a.b WHERE c", ["is unusual in a clean-up script: DELETE A.B"]),
    ("s", "UPDATE a SET b = 1", ["is unusual in a clean-up script: UPDATE A"]),
    ("s", "GET_IT", ["is unusual in a clean-up script: GET_IT"]),
]


@pytest.mark.parametrize(
    ("dialect", "text", "marks"),
    [(dialect, text, marks) for dialects, text, marks in MARKS for dialect in dialects],
)
def test_marks(dialect: str, text: str, marks: list[str]) -> None:
    (found,) = split(text, {"s": "snowflake", "d": "databricks"}[dialect])
    described = found.describe()
    assert described["marks"] == marks
    assert described["unusual"] == bool(marks)


def test_no_literal_is_part_of_a_mark() -> None:
    text = "EXECUTE IMMEDIATE 'CREATE USER u PASSWORD = ''canary'''; ALTER USER u SET PASSWORD = 'canary'; CALL p('canary');"
    shown = [one.describe() for one in split(text, "snowflake")]
    assert all(row["marks"] for row in shown)
    assert "canary" not in str(shown)


# What is displayed must not be able to forge a line, or reach the terminal.
@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b", "\u202e", "\u2028", "\u200b", "\u3164"])
def test_names_are_printable(sign: str) -> None:
    text = (
        f'DROP ROLE "a{sign}b"; CALL "a{sign}b"(); REVOKE ROLE x FROM USER "a{sign}b"; BEGIN DROP ROLE "a{sign}b"; END;'
    )
    shown = [one.describe() for one in split(text, "snowflake")]
    assert sign not in str([list(map(str, row.values())) for row in shown]).replace("\\\\", "\\")
    escaped = sign.encode("unicode_escape").decode()
    assert shown[0]["name"] == f"a{escaped}b"
    assert shown[2]["grantee"] == f"USER a{escaped}b"
    assert shown[1]["marks"] == [f"calls a procedure: a{escaped}b"]
    assert shown[3]["marks"] == [f"runs a block that contains DROP ROLE a{escaped}b"]
