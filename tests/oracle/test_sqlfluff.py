# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The splitter before an oracle: sqlfluff's grammars, which know nothing of it, have to take each piece for a statement.

What its grammars lack is listed here by name. A gap that is closed fails its test, so that the lists stay true.
"""

from __future__ import annotations

import functools
import itertools
import json
import pathlib
import typing as t

import pytest
from sqlfluff.core import FluffConfig, Linter

from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

TESTS = pathlib.Path(__file__).parents[1]
DIALECTS = ("snowflake", "databricks")
SCRIPTS: dict[str, dict[str, t.Any]] = {
    case["id"]: case
    for case in json.loads((TESTS / "unit/plugins/module_utils/_sql/sql_cases.json").read_text("utf-8"))
    if "expect" in case
}
for dialect, purpose in itertools.product(DIALECTS, ("setup", "cleanup")):
    text = (TESTS / f"doubles/{dialect}_{purpose}.sql").read_text("utf-8")
    pieces = [statement.text for statement in split(text, dialect)]
    SCRIPTS[f"{dialect}_{purpose}"] = {"dialect": dialect, "script": text, "expect": pieces}

# Statements, by script and number, that are right and that sqlfluff refuses, or takes for two.
GAPS = {
    "s034.1": "Snowflake: a CASE statement whose condition is a CASE expression",
    "s038.1": "Snowflake: a procedure without RETURNS",
    "s039.1": "Snowflake: a procedure without RETURNS",
    "s043.1": "Snowflake: an empty block",
    "s086.1": "Snowflake: a backslash at the end of a quoted name",
    "s089.1": "Snowflake: DECLARE and its block are two statements to it",
    "s090.1": "Snowflake: a procedure among the declarations",
    "s092.1": "Snowflake: FOR over a query",
    "s095.1": "Snowflake: DECLARE within a block",
    "s097.1": "Snowflake: a procedure whose body begins with DECLARE",
    "s105.1": "Snowflake: WITH ... AS PROCEDURE",
    "s109.1": "Snowflake: a dollar within a name",
    "s111.1": "Snowflake: CALL of an object's method",
    "s116.2": "Snowflake: the pipe operator ->>",
    "s142.1": "Snowflake: FOR over a query",
    "d010.1": "Databricks: COMMIT",
    "d020.1": "Databricks: a string between dollars that is no function's body",
    "d039.1": "Databricks: CREATE PROCEDURE",
    "d044.1": "Databricks: BEGIN TRANSACTION",
    "d044.3": "Databricks: COMMIT",
    "d045.1": "Databricks: BEGIN TRANSACTION",
    "d046.1": "Databricks: a dollar within a name",
    "d088.1": "Databricks: a backslash at the end of a raw string",
    "d092.2": "Databricks: LIST",
    "d093.1": "Databricks: two strings in a row that are one",
    "d099.2": "Databricks: BEGIN NOT ATOMIC",
    "d105.1": "Databricks: LIST",
    "d132.2": "Databricks: LIST",
    "d137.1": "Databricks: two strings in a row that are one",
    "b23.1": "Snowflake: a procedure whose body begins with DECLARE",
    "b26.1": "Snowflake: DECLARE and its block are two statements to it",
    "b29.1": "Snowflake: DECLARE and its block are two statements to it",
    "b31.1": "Snowflake: DECLARE and its block are two statements to it",
    "b35.1": "Snowflake: a CASE statement in parentheses, and one that ends without CASE",
    "b44.1": "Snowflake: the pipe operator ->>",
    "b46.1": "Snowflake: a task with a statement that it doesn't know",
    "b50.3": "Snowflake: a password in double quotes",
    "b76.1": "Databricks: CREATE PROCEDURE",
    "databricks_cleanup.7": "Databricks: REVOKE ... ON METASTORE",
    "databricks_setup.5": "Databricks: GRANT ON METASTORE without a name",
}
# Scripts that it can't read as a whole although it takes each of their statements.
SCRIPT_GAPS = {
    "s003": "Snowflake: a semicolon at the beginning",
    "s016": "Snowflake: a byte order mark",
    "d003": "Databricks: a semicolon at the beginning",
    "d016": "Databricks: a byte order mark",
    "d090": "Databricks: a comment in a comment",
    "d131": "Databricks: a comment in a comment",
    "b80": "Databricks: a comment in a comment",
}
WHOLE = [name for name, one in SCRIPTS.items() if not any(f"{name}.{n + 1}" in GAPS for n in range(len(one["expect"])))]


@functools.cache
def statements(dialect: str, text: str) -> int | None:
    """How many statements the oracle sees; None when it can't read the text."""
    parsed = linter(dialect).parse_string(text)
    if parsed.violations or parsed.tree is None:
        return None
    return sum(1 for _statement in parsed.tree.recursive_crawl("statement", recurse_into=False))


@functools.cache
def linter(dialect: str) -> Linter:
    """The oracle. Its templates stay off: braces in a script mean nothing."""
    return Linter(config=FluffConfig(overrides={"dialect": dialect, "templater": "raw"}))


def middle(dialect: str, text: str) -> int | None:
    """Where the token in the middle begins; None when there is but one token."""
    tree = linter(dialect).parse_string(text).tree
    assert tree is not None
    begins = [token.pos_marker.source_slice.start for token in tree.raw_segments if token.is_code and token.pos_marker]
    return begins[len(begins) // 2] if len(begins) > 1 else None


PIECES = [
    pytest.param(script["dialect"], text, f"{name}.{number}" in GAPS, id=f"{name}.{number}")
    for name, script in SCRIPTS.items()
    for number, text in enumerate(script["expect"], 1)
]


@pytest.mark.parametrize(("dialect", "text", "gap"), PIECES)
def test_each_piece_is_one_statement(dialect: str, text: str, gap: bool) -> None:
    if gap:
        assert statements(dialect, text) != 1, "sqlfluff takes this now: take it out of GAPS"
    else:
        assert statements(dialect, text) == 1


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_script_has_as_many_statements(name: str) -> None:
    script = SCRIPTS[name]
    counted = statements(script["dialect"], script["script"])
    if name in SCRIPT_GAPS:
        assert counted != len(script["expect"]), "sqlfluff takes this now: take it out of SCRIPT_GAPS"
    else:
        assert counted == len(script["expect"])


def test_the_gaps_are_those_of_scripts_that_are_there() -> None:
    assert set(GAPS) <= {str(piece.id) for piece in PIECES}
    assert set(SCRIPT_GAPS) <= set(WHOLE)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_oracle_can_say_no(dialect: str) -> None:
    """A statement that is cut in two leaves at least one part that is none."""
    whole = sorted({text for of, text, gap in (piece.values for piece in PIECES) if of == dialect and not gap})
    cuts = [(text, cut) for text in whole if (cut := middle(dialect, text)) is not None]
    missed = [
        (text[:cut], text[cut:])
        for text, cut in cuts
        if all(statements(dialect, part) for part in (text[:cut], text[cut:]))
    ]
    assert len(cuts) > 60
    assert len(missed) <= len(cuts) // 50, missed
