# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The splitter against a table of hard scripts, and what it tells of what it refuses."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql.split import SplitError, split

CASES: list[dict[str, t.Any]] = json.loads(pathlib.Path(__file__).with_name("sql_cases.json").read_text("utf-8"))
SPLITS = [pytest.param(case, id=f"{case['id']} {case['about']}") for case in CASES if "expect" in case]
REFUSALS = [pytest.param(case, id=f"{case['id']} {case['about']}") for case in CASES if "refuse" in case]


@pytest.mark.parametrize("case", SPLITS)
def test_split(case: dict[str, t.Any]) -> None:
    statements = split(case["script"], case["dialect"])
    assert [statement.text for statement in statements] == case["expect"]
    assert [statement.index for statement in statements] == list(range(1, len(statements) + 1))
    for statement in statements:
        assert case["script"][statement.start : statement.end] == statement.text
        assert statement.line == case["script"].count("\n", 0, statement.start) + 1


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal(case: dict[str, t.Any]) -> None:
    with pytest.raises(SplitError) as caught:
        split(case["script"], case["dialect"])
    error = caught.value
    line, column = case["refuse"]
    assert (error.details["line"], error.details["column"]) == (line, column)
    assert error.message.endswith(f" at line {line}, column {column}.")
    assert error.hint.endswith(".")
    assert error.as_dict()["code"] == "split_error"


def test_every_case_is_there_once() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES)
    assert len({(case["dialect"], case["script"]) for case in CASES}) == len(CASES)


def test_split_error_is_a_failure() -> None:
    assert issubclass(SplitError, Failure)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE USER u PASSWORD = 'hunter2",
        "BEGIN hunter2; ",
        "SELECT hunter2 /* hunter2",
        "SELECT $$ hunter2",
        "`hunter2`",
        "BEGIN SELECT hunter2 END;",
    ],
)
def test_a_refusal_quotes_nothing(script: str) -> None:
    with pytest.raises(SplitError) as caught:
        split(script, "snowflake")
    assert "hunter2" not in f"{caught.value} {caught.value.as_dict()} {caught.value.__cause__}"


def test_unknown_dialect() -> None:
    with pytest.raises(InvalidOption, match="databricks, snowflake"):
        split("SELECT 1", "oracle")


@pytest.mark.parametrize(
    ("script", "dialect"),
    [
        ("SELECT '" + "''" * 50_000 + "';" + "SELECT 2", "snowflake"),
        ("SELECT '" + "\\\\" * 50_000 + "';" + "SELECT 2", "databricks"),
        ("SELECT 1" + " " * 200_000 + ";" + "SELECT 2", "snowflake"),
        ("SELECT 1 " + "/**/" * 50_000 + ";" + "SELECT 2", "snowflake"),
        ("/*" * 50_000 + "*/" * 50_000 + "SELECT 1; SELECT 2", "databricks"),
        ("SELECT 1 " + "a/**/" * 50_000 + ";" + "SELECT 2", "snowflake"),
        ("BEGIN " * 20_000 + "END; " * 19_999 + "END; SELECT 2", "snowflake"),
        ("BEGIN SELECT " + "CASE WHEN a THEN " * 20_000 + "1 " + "END " * 20_000 + "; END; SELECT 2", "snowflake"),
        ("CREATE PROCEDURE p(" + "a INT, " * 20_000 + "b INT) AS $$ $$; SELECT 2", "snowflake"),
        (";" * 200_000 + "SELECT 1; SELECT 2", "databricks"),
    ],
    ids=["quotes", "backslashes", "blanks", "comments", "nested", "glued", "blocks", "cases", "arguments", "empty"],
)
def test_monsters_take_linear_time(script: str, dialect: str) -> None:
    # Quadratic time would take minutes for each.
    assert len(split(script, dialect)) == 2
