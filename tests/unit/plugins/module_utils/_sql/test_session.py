# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rest of a script needs of a session: where the next run goes on, and what it sends again."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql.session import Session, TransactionOpen
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

SCAN = "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))"
# Dialect, statements, the one that the last run has stopped at, and what the next session is sent first, or the
# statement to go back to, or None if a person has to decide.
CASES: list[tuple[str, str, int, list[int] | int | None]] = [
    # The current objects
    ("snowflake", "USE ROLE a; USE ROLE b; DROP TABLE x.y.z", 3, [2]),
    ("snowflake", "USE DATABASE d; USE SCHEMA s; DROP TABLE t", 3, [1, 2]),
    ("snowflake", "USE DATABASE d; USE SCHEMA e.s; DROP TABLE t", 3, [2]),
    ("snowflake", "USE SCHEMA e.s; USE DATABASE d; DROP TABLE t", 3, [2]),
    ("snowflake", "USE d; USE e.s; DROP TABLE t", 3, [2]),
    ("snowflake", "USE DATABASE d; DROP ROLE r", 2, []),
    ("snowflake", "USE DATABASE d; DROP TABLE x.y.t", 2, []),
    ("snowflake", "USE DATABASE d; DROP TABLE y.t", 2, [1]),
    ("snowflake", "USE DATABASE d; REVOKE SELECT ON TABLE x.y.t FROM DATABASE ROLE r", 2, [1]),
    ("snowflake", "USE DATABASE d; BEGIN DROP TABLE t; END", 2, [1]),
    ("snowflake", "USE ROLE a; USE DATABASE d; USE ROLE b; DROP TABLE t", 4, [1, 2, 3]),
    ("snowflake", "USE WAREHOUSE w; USE ROLE a; DELETE FROM t", 3, [1, 2]),
    ("snowflake", "USE SECONDARY ROLES NONE; DROP ROLE a", 2, [1]),
    ("snowflake", 'USE DATABASE "d"; DROP DATABASE IF EXISTS "d"; DROP TABLE t', 3, []),
    ("snowflake", "USE SCHEMA d.s; DROP SCHEMA d.s; DROP TABLE t", 3, [1]),
    ("snowflake", "USE DATABASE IDENTIFIER('d'); DROP TABLE t", 2, [1]),
    ("databricks", "USE CATALOG c; USE SCHEMA s; DROP TABLE t", 3, [1, 2]),
    ("databricks", "USE CATALOG c; DROP CATALOG d CASCADE", 2, []),
    ("databricks", "SET CATALOG c; USE s; DROP TABLE t", 3, [1, 2]),
    ("databricks", "USE c.s; DROP TABLE t", 2, [1]),
    ("databricks", "CREATE SCHEMA c.s; DROP TABLE t", 2, []),
    # What a text or a block switches to
    *(
        ("snowflake", f"{hidden}; DROP TABLE t", 2, None)
        for hidden in (
            "EXECUTE IMMEDIATE 'USE IMMUTA'",
            "EXECUTE IMMEDIATE $$use immuta.public$$",
            "EXECUTE IMMEDIATE 'USE /* x */ SCHEMA IMMUTA.PUBLIC'",
            "EXECUTE IMMEDIATE 'USE WAREHOUSE w'",
            "BEGIN USE IMMUTA; END",
            "BEGIN EXECUTE IMMEDIATE 'USE ROLE a'; END",
        )
    ),
    ("databricks", "BEGIN USE c.s; END; DROP TABLE t", 2, None),
    ("databricks", "EXECUTE IMMEDIATE 'US' 'E c.s'; DROP TABLE t", 2, None),
    ("snowflake", "EXECUTE IMMEDIATE 'DROP ROLE unused'; DROP TABLE t", 2, []),
    # Variables and parameters
    ("snowflake", "SET x = 1; SET y = $x; UNSET x; DROP ROLE IDENTIFIER($y)", 4, [1, 2]),
    ("snowflake", "SET (x, y) = (1, 'a'); DROP ROLE IDENTIFIER($y)", 2, [1]),
    ("snowflake", "SET x = 1; DROP ROLE r", 2, []),
    ("snowflake", "SET x = 1; CALL p()", 2, [1]),
    ("snowflake", "SET x = CURRENT_USER(); CALL p()", 2, [1]),
    ("snowflake", "SET x = CURRENT_TIMESTAMP(); CALL p()", 2, None),
    ("snowflake", "SET x = (SELECT f()); SET y = $x; DROP ROLE r; DROP ROLE IDENTIFIER($y)", 3, None),
    ("snowflake", "SET x = (SELECT f()); SET x = 2; DROP ROLE IDENTIFIER($x)", 3, [2]),
    ("snowflake", "SET x = (SELECT MAX(a) FROM t); DELETE FROM t WHERE a = $x", 2, None),
    ("snowflake", "SET x = (SELECT f()); BEGIN RETURN GETVARIABLE('X'); END", 2, None),
    (
        "snowflake",
        "ALTER SESSION SET timezone = 'x' week_start = 1; ALTER SESSION UNSET timezone; DROP ROLE r",
        3,
        [1, 2],
    ),
    ("databricks", "DECLARE VARIABLE x INT DEFAULT 1; SET VAR x = 2; SELECT x", 3, [1, 2]),
    ("databricks", "DECLARE VARIABLE x INT DEFAULT 1; SELECT x", 2, [1]),
    ("databricks", "DECLARE VARIABLE x INT; SET VAR x = (SELECT max(a) FROM t); SELECT x", 3, None),
    ("databricks", "SET spark.a = 1; SET spark.a = 2; SET b = 3; DROP TABLE t", 4, [2, 3]),
    # Temporary objects
    ("snowflake", "CREATE TEMPORARY TABLE t (a INT); DROP TABLE IF EXISTS t", 2, None),
    ("snowflake", 'CREATE OR REPLACE TEMP TABLE d.s."T" (a INT); SELECT 1; INSERT INTO t SELECT 1', 3, None),
    ("snowflake", "CREATE TEMPORARY TABLE t (a INT); DROP TABLE t; DROP TABLE t", 3, []),
    ("snowflake", "CREATE TEMPORARY TABLE t (a INT); DROP ROLE r", 2, []),
    ("snowflake", "CREATE TEMPORARY TABLE t (a INT); CALL p()", 2, None),
    ("snowflake", "BEGIN CREATE TEMPORARY TABLE t (a INT); END; DROP TABLE t", 2, None),
    *(
        ("snowflake", f"CREATE TEMP TABLE t (a INT); {rename}; DROP TABLE u", 3, None)
        for rename in (
            "ALTER TABLE t RENAME TO u",
            'ALTER TABLE t RENAME /* x */ TO d.s."U"',
            "ALTER TABLE IF EXISTS t SWAP WITH u",
            "ALTER TABLE u SWAP WITH t",
            "EXECUTE IMMEDIATE 'ALTER TABLE t RENAME TO u'",
            "ALTER TABLE t RENAME TO v; ALTER TABLE v RENAME TO u; SELECT 1",
        )
    ),
    ("snowflake", "CREATE TEMP TABLE t (a INT); ALTER TABLE v RENAME TO u; DROP TABLE u", 3, []),
    ("snowflake", "CREATE TEMP TABLE t (a INT); ALTER TABLE t RENAME TO u; DROP TABLE u; DROP ROLE r", 4, []),
    ("databricks", "CREATE TEMPORARY VIEW v AS SELECT 1; DELETE FROM t WHERE a IN (SELECT * FROM v)", 2, None),
    # Results
    ("snowflake", f"SHOW ROLES; {SCAN}", 2, [1]),
    ("snowflake", f"SHOW ROLES; {SCAN}; {SCAN}", 3, [1, 2]),
    ("snowflake", f"SHOW ROLES; SHOW USERS; {SCAN}", 3, [2]),
    ("snowflake", f"CALL p(); {SCAN}", 2, None),
    ("snowflake", "SHOW ROLES; SELECT LAST_QUERY_ID(1)", 2, None),
    ("snowflake", "SHOW ROLES; SHOW USERS; SELECT LAST_QUERY_ID(-2)", 2, None),
    ("snowflake", "SHOW ROLES; SELECT LAST_QUERY_ID( -1 )", 2, [1]),
    ("snowflake", f"SHOW ROLES; {SCAN}; DROP ROLE r", 3, []),
    # Transactions
    ("snowflake", "BEGIN; DELETE FROM a; DELETE FROM b; COMMIT", 3, 1),
    ("snowflake", "BEGIN WORK; DELETE FROM a; DELETE FROM b; COMMIT WORK", 4, 1),
    ("snowflake", "START TRANSACTION; DELETE FROM a; ROLLBACK; DELETE FROM b", 4, []),
    ("snowflake", "USE ROLE r; BEGIN; DELETE FROM a; COMMIT", 4, 2),
    ("snowflake", "BEGIN; DELETE FROM a; DROP TABLE b; DELETE FROM c; COMMIT", 3, None),
    ("snowflake", "BEGIN; DELETE FROM a; DROP TABLE x.y.b; DELETE FROM c; COMMIT", 4, []),
    ("snowflake", "BEGIN; DELETE FROM a; CALL p(); DELETE FROM b; COMMIT", 4, None),
    ("snowflake", "BEGIN; CALL p(); COMMIT; DROP ROLE r", 4, []),
    ("snowflake", "EXECUTE IMMEDIATE 'BEGIN TRANSACTION'; DELETE FROM a; COMMIT", 3, None),
    *(
        ("snowflake", f"EXECUTE IMMEDIATE {opening}; DELETE FROM a; COMMIT", 3, None)
        for opening in (
            "$$BEGIN$$",
            "$$ begin; $$",
            "'BEGIN NAME t1'",
            "'/* x */ BEGIN'",
            "'BEGIN /* COMMIT */'",
            "'BEGIN -- COMMIT'",
            "$$-- x\nSTART /* x */ TRANSACTION$$",
        )
    ),
    ("snowflake", "EXECUTE IMMEDIATE $$BEGIN DROP ROLE r; END$$; DELETE FROM a; COMMIT", 3, []),
    ("snowflake", "ALTER SESSION SET AUTOCOMMIT = FALSE; DELETE FROM a; DELETE FROM b; COMMIT", 3, 2),
    ("snowflake", "ALTER SESSION SET AUTOCOMMIT = FALSE; DELETE FROM a; COMMIT; DELETE FROM b; COMMIT", 4, [1]),
    ("snowflake", "ALTER SESSION SET AUTOCOMMIT = TRUE; DELETE FROM a; DELETE FROM b", 3, [1]),
    ("snowflake", "ALTER SESSION SET AUTOCOMMIT = FALSE; CALL p(); DELETE FROM b; COMMIT", 3, None),
    ("snowflake", "CREATE TEMP TABLE t (a INT); BEGIN; DELETE FROM t; DELETE FROM b; COMMIT", 4, None),
    ("databricks", "BEGIN TRANSACTION; DELETE FROM a; DELETE FROM b; COMMIT", 3, 1),
    ("databricks", "SET AUTOCOMMIT = FALSE; DELETE FROM a; DELETE FROM b; COMMIT", 3, 2),
    ("databricks", "BEGIN TRANSACTION; DELETE FROM a; DROP TABLE b; DELETE FROM c; COMMIT", 4, None),
]


@pytest.mark.parametrize(("dialect", "text", "at", "expected"), CASES)
def test_where_the_next_run_goes_on(dialect: str, text: str, at: int, expected: list[int] | int | None) -> None:
    session = Session(split(text, dialect))
    found = session.resume(at)
    if not isinstance(expected, list):
        assert found.index == expected
        assert not session.may_pause(at)
        return
    assert found.index == at, found
    assert [statement.index for statement, _text in session.replays(at)] == expected


@pytest.mark.parametrize(
    ("create", "sent"),
    [
        ("CREATE DATABASE d", "USE DATABASE d"),
        ('create or replace transient schema D."a b" DATA_RETENTION_TIME_IN_DAYS = 1', 'USE SCHEMA D."a b"'),
        ("CREATE /* x */ DATABASE d /* y */ CLONE e", "USE DATABASE d"),
    ],
)
def test_switches_to_what_was_created(create: str, sent: str) -> None:
    session = Session(split(f"{create}; DROP TABLE t", "snowflake"))
    assert [text for _statement, text in session.replays(2)] == [sent]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("USE DATABASE d; DROP DATABASE d; DROP ROLE r", 3),
        ("USE ROLE a; BEGIN DROP ROLE A; END; DROP ROLE r", 3),
        ("USE DATABASE d; DROP DATABASE IDENTIFIER('d'); DROP ROLE r", 3),
        (f"SHOW ROLES; {SCAN}; DROP ROLE r", 2),
    ],
)
def test_where_there_is_no_pause(text: str, at: int) -> None:
    session = Session(split(text, "snowflake"))
    assert [session.may_pause(index) for index in range(1, at + 1)] == [True] * (at - 1) + [False]


@pytest.mark.parametrize(
    ("text", "warehouse"),
    [
        ("USE ROLE a; USE DATABASE d; USE ROLE b; USE WAREHOUSE w; DROP ROLE c; USE WAREHOUSE x", [3, 4]),
        ("SET w = 'x'; USE WAREHOUSE IDENTIFIER($w)", [1, 2]),
        ("USE ROLE a; DROP ROLE b", []),
    ],
)
def test_how_the_script_gets_its_warehouse(text: str, warehouse: list[int]) -> None:
    assert [statement.index for statement in Session(split(text, "snowflake")).to_warehouse] == warehouse


def test_other_ways_to_the_warehouse_are_the_roles_that_the_script_has_had() -> None:
    text = "USE ROLE a; CREATE ROLE b; USE ROLE c; GRANT USAGE ON WAREHOUSE w TO ROLE b; USE ROLE b; USE WAREHOUSE w"
    session = Session(split(text, "snowflake"))
    ways = {index: [[one.index for one in way] for way in session.ways_to_warehouse(index)] for index in (1, 2, 4)}
    assert ways == {1: [[5, 6]], 2: [[5, 6], [1, 6]], 4: [[5, 6], [3, 6], [1, 6]]}
    assert Session(split("USE ROLE a; DROP ROLE b", "snowflake")).ways_to_warehouse(2) == []


@pytest.mark.parametrize(
    ("text", "retagged"),
    [
        ("ALTER SESSION SET QUERY_TAG = 'x'; DROP ROLE a", True),
        ("ALTER SESSION UNSET TIMEZONE, QUERY_TAG; DROP ROLE a", True),
        ("BEGIN ALTER SESSION SET query_tag = 'x'; END; DROP ROLE a", True),
        ("CALL p(); DROP ROLE a", True),
        ("BEGIN DROP ROLE b; END; DROP ROLE a", False),
        ("DROP ROLE b; ALTER SESSION SET QUERY_TAG = 'x'", False),
    ],
)
def test_who_may_have_changed_the_query_tag(text: str, retagged: bool) -> None:
    assert Session(split(text, "snowflake")).may_be_retagged(2) is retagged


def test_says_what_is_missing() -> None:
    session = Session(split("SET x = (SELECT f()); DROP ROLE a; DROP ROLE IDENTIFIER($x)", "snowflake"))
    found = session.resume(2)
    assert (found.index, found.cause, found.source) == (None, "the value of the variable X", 1)


def test_a_person_may_say_that_it_is_not_needed() -> None:
    statements = split("CREATE TEMPORARY TABLE t (a INT); DROP TABLE t", "snowflake")
    assert Session(statements, {1: "not needed"}).resume(2).index == 2


def test_thousands_of_statements_take_no_longer_each() -> None:
    text = "USE DATABASE d;" + "SET x = 1; DROP TABLE t; CALL p($x);" * 3000
    session = Session(split(text, "snowflake"))
    assert all(row["resumes_at"] == row["index"] for row in session.describe())


@pytest.mark.parametrize(
    ("text", "opener"),
    [
        ("BEGIN; DELETE FROM a", 1),
        ("EXECUTE IMMEDIATE $$BEGIN$$; DELETE FROM a", 1),
        ("SELECT 1; EXECUTE IMMEDIATE 'BEGIN NAME t1'; DELETE FROM a", 2),
        ("EXECUTE IMMEDIATE $$BEGIN$$; DELETE FROM a; COMMIT", 0),
        ("EXECUTE IMMEDIATE $$BEGIN DELETE FROM a; END$$", 0),
    ],
)
def test_a_transaction_that_nothing_ends(text: str, opener: int) -> None:
    session = Session(split(text, "snowflake"))
    if not opener:
        session.require_committed()
        return
    with pytest.raises(TransactionOpen, match=f"^Statement {opener} ") as caught:
        session.require_committed()
    assert caught.value.details["index"] == opener
