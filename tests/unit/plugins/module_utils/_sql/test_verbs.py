# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reads as SQL, on any platform, and what is prose."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import verbs
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

DOUBLES = Path(__file__).parents[4] / "doubles"
CASES = json.loads(Path(__file__).with_name("sql_cases.json").read_text("utf-8"))


@pytest.mark.parametrize("dialect", ["snowflake", "databricks"])
@pytest.mark.parametrize("purpose", ["setup", "cleanup"])
def test_a_script_of_immuta_is_sql(dialect: str, purpose: str) -> None:
    text = (DOUBLES / f"{dialect}_{purpose}.sql").read_text("utf-8")
    assert verbs.prose(text, dialect, split(text, dialect)) is None
    assert verbs.prose(text, dialect, []) is None


def test_what_the_splitter_splits_is_sql() -> None:
    strange = set()
    for case in CASES:
        if case.get("expect"):
            statements = split(case["script"], case["dialect"])
            strange |= {one.verb for one in statements if verbs.prose(one.text, case["dialect"], []) is not None}
    assert strange == set()


@pytest.mark.parametrize(
    ("text", "dialect", "line"),
    [
        ("\n\nSORRY", "snowflake", 3),
        ("DROP ROLE a;\nNot found", "snowflake", 2),
        ("DROP ROLE a;\nUse the other endpoint.", "snowflake", 2),
        ("Call support!", "snowflake", 1),
        ("SELECT 1.; SELECT 'Good.'; SELECT \"a.\"", "snowflake", None),
        ("((SELECT 1));\n(WITH a AS (SELECT 1) SELECT 2)", "databricks", None),
        ("a: BEGIN SELECT 1; END a;\n`b`: BEGIN SELECT 1; END", "databricks", None),
        ("drop role a", "snowflake", None),
    ],
)
def test_every_statement_has_to_read_as_sql(text: str, dialect: str, line: int | None) -> None:
    assert verbs.prose(text, dialect, split(text, dialect)) == line


PROSE = """
Call to backend timed out|Security exception|Update in progress|Lock timeout|Refresh token expired
Use of this feature is disabled (contact support)|Execute permission denied on object|Load balancer error 12
Delete request accepted|Do not retry|Alter failed: 'x'|Drop failed|Create failed|Grant expired|Revoke in progress
Start failed|Get request failed|If the problem persists, then contact support|List of errors|Set up failed
With errors|Comment missing|Insert failed|Merge conflict|Copy failed|Restore in progress|Release notes missing
Sync failed|Abort requested|Commit failed|Rollback complete|Reset connection by peer|Truncate request denied
Kill signal received|Enable cookies|Disable the proxy|Purge in progress|Prepare failed|Export failed|Unload failed
Values missing|Cache control: drop|Execute immediate action is required|Call p|Use a b|DROP DATABASE|DROP TABLE IF EXI
DROP DATABASE IF EXISTS|Drop database "x" failed|ALTER USER|REVOKE USAGE ON DATABASE x|Undrop failed|Replace the token
""".replace("\n", "|").strip("|")


@pytest.mark.parametrize("text", PROSE.split("|"))
@pytest.mark.parametrize("dialect", ["snowflake", "databricks", None])
def test_a_verb_needs_what_follows_it_in_sql(text: str, dialect: str | None) -> None:
    for written in (text, text.upper(), f"/* a */ {text}"):
        assert verbs.prose(written, dialect, []) == 1
        # The splitter refuses these itself.
        if dialect and not text.startswith(("Get ", "If ")):
            assert verbs.prose(f"SHOW ROLES;\n{written}", dialect, split(f"SHOW ROLES;\n{written}", dialect)) == 2


SQL = """
USE a|USE "a b".c|USE ROLE IDENTIFIER($r)|USE SECONDARY ROLES NONE|USE ROLE role|CALL a.b.c(1)|CALL "a" /* x */ . b()
CALL IDENTIFIER('p')()|DROP TABLE a . b CASCADE|DROP ROLE role|DROP ROW ACCESS POLICY IF EXISTS d.s.p|DROP TABLE a, b
DROP -- a
 DATABASE "a;b"|DROP FUNCTION d..f(INT)|DROP INDEX a ON b|DROP TRIGGER a ON b|DROP USER 'a'@'b'|DROP OWNED BY a
ALTER ACCOUNT UNSET NETWORK_POLICY|ALTER SESSION SET a = 1|ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM a
CREATE TEMP VIEW a AS SELECT 1|CREATE OR REPLACE SECURE VIEW a AS SELECT 1|GRANT a TO b|DENY a TO b
REVOKE GRANT OPTION FOR SELECT (a, b) ON t FROM ROLE r|UPDATE a.b c SET d = 1|DELETE FROM a|DELETE a WHERE b
REFRESH a.b|REFRESH FOREIGN CATALOG c|LOCK TABLE a|EXECUTE TASK a|EXECUTE IMMEDIATE $$BEGIN$$|EXECUTE IMMEDIATE q
EXECUTE IMMEDIATE ('a')|EXEC sp_droprole 'a'|EXECUTE IMMEDIATE a USING b|COMMIT|COMMIT WORK|ROLLBACK
ROLLBACK TO SAVEPOINT a|START TRANSACTION|INSERT a VALUES (1)|SET a = 1|SET TIME ZONE LOCAL|SET NOCOUNT ON|SET a|UNSET a
COMMENT IF EXISTS ON TABLE a IS 'b'|COPY INTO @a FROM b|TRUNCATE a|TRUNCATE TABLE IF EXISTS a.b|RESET a.b
RESTORE TABLE a TO VERSION AS OF 1|GET @a/b file:///c|PUT file://a @b|REMOVE @a|IF OBJECT_ID('a') IS NOT NULL DROP TABLE a
IF EXISTS (SELECT 1) DROP TABLE a|WITH a AS (SELECT 1) SELECT 2|DO $$BEGIN END$$|UNDROP SCHEMA a|DROP ROLE :r
"""


@pytest.mark.parametrize("text", [one.strip() for one in re.split(r"\||\n(?! )", SQL) if one.strip()])
def test_what_follows_a_verb_in_sql(text: str) -> None:
    for written in (text, text.lower()):
        assert verbs.prose(written, None, []) is None


def test_a_long_list_is_no_sentence() -> None:
    assert verbs.prose(f"REVOKE SELECT ({'a, ' * 1000}b) ON t FROM c", None, []) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("-- a\n# b\n// c\n/* d\n */ ;;\n drop user u -- The end.", None),
        ("-- a\nInternal Server Error", 2),
        ("Error: call support", 1),
        ("DROPPED", 1),
        ("<html>", 1),
        ("5", 1),
        ("", 1),
    ],
)
def test_of_what_is_not_split_the_start_has_to_read_as_sql(text: str, line: int | None) -> None:
    assert verbs.prose(text, None, []) == line


@pytest.mark.parametrize(
    ("text", "empty"),
    [("", True), (" ;\n-- a\n/* b */;", True), ("/* open", True), ("--", True), ("-- a\nb", False), ("- a", False)],
)
def test_what_is_empty(text: str, empty: bool) -> None:
    assert verbs.is_empty(text, None) is empty


def test_comments_are_those_of_the_dialect() -> None:
    assert verbs.is_empty("/* a /* b */ c */", "databricks")
    assert not verbs.is_empty("# a", "snowflake")
    assert verbs.prose("/* a /* b */ c */ 'open", "databricks", []) == 1
    assert verbs.prose("/* a /* b */ c */ SHOW 'open", "databricks", []) is None
