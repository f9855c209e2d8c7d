# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reads as SQL, on any platform, and what is prose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import verbs
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

DOUBLES = Path(__file__).parents[4] / "doubles"
CASES = json.loads(Path(__file__).with_name("sql_cases.json").read_text("utf-8"))


@pytest.mark.parametrize("dialect", ["snowflake", "databricks"])
def test_a_clean_up_script_is_sql(dialect: str) -> None:
    text = (DOUBLES / f"{dialect}_cleanup.sql").read_text("utf-8")
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
    assert verbs.prose("/* a /* b */ c */ DROP 'open", "databricks", []) is None
