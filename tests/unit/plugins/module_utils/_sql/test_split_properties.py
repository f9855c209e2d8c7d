# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every script: nothing is lost, added, or cut elsewhere because of what stands around it."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.community.immuta.plugins.module_utils._sql.credentials import mask, secrets
from ansible_collections.community.immuta.plugins.module_utils._sql.split import SplitError, split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

DIALECTS = ("snowflake", "databricks")
CASES: list[dict[str, t.Any]] = json.loads(pathlib.Path(__file__).with_name("sql_cases.json").read_text("utf-8"))
FEW = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)

# Pieces of any text that a scanner could stumble over.
SHREDS = st.sampled_from(
    [
        "'",
        "''",
        '"',
        '""',
        "`",
        "``",
        "\\",
        "$$",
        "$a$",
        "--",
        "//",
        "/*",
        "*/",
        "/*+",
        ";",
        ";",
        ":",
        ":=",
        ".",
        ",",
        "(",
        ")",
        "@",
        "&",
        "!",
        "{",
        "}",
        "<",
        "%",
        "IMMEDIATE",
        "=",
        "a",
        "b",
        "x.end",
        "r'",
        'R"',
        "BEGIN",
        "END",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "ELSEIF",
        "IF",
        "FOR",
        "DO",
        "WHILE",
        "LOOP",
        "REPEAT",
        "UNTIL",
        "DECLARE",
        "EXCEPTION",
        "AS",
        "CREATE",
        "PROCEDURE",
        "TASK",
        "TRANSACTION",
        "SELECT",
        "DROP",
        "1",
        "é",
    ]
    + [" ", " ", "\n", "\r\n", "\t"]
)
SHREDDED = st.lists(SHREDS, max_size=30).map("".join) | st.lists(SHREDS, max_size=30).map(" ".join)

WORDS = st.sampled_from(["a", "t.end", "x1", "IF", "name", "1", "(b)", "m.case", "= 2", ", c"])
INSIDE = st.text(alphabet="ab ;-/*'\"`\\$\nEND", max_size=8)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "''")


STRINGS = INSIDE.map(lambda text: f"'{escaped(text)}'")
DOLLARS = INSIDE.map(lambda text: f"$${text.replace('$', '')}$$")
NAMES = {
    "snowflake": INSIDE.map(lambda text: '"{}"'.format(text.replace('"', '""'))),
    "databricks": INSIDE.map(lambda text: "`{}`".format(text.replace("`", "``"))),
}
PLAIN_COMMENT = st.text(alphabet="ab ;'\"`$END", max_size=8)
COMMENTS = PLAIN_COMMENT.map(lambda text: f" /* {text} */ ") | PLAIN_COMMENT.map(lambda text: f" -- {text}\n")
GAPS = st.lists(COMMENTS | st.sampled_from([" ", "\n", "\r\n", ";", "\t"]), max_size=4).map("".join)


def plain_statements(dialect: str) -> st.SearchStrategy[list[str]]:
    """Tokens of a statement without control words."""
    tokens = st.lists(WORDS | STRINGS | DOLLARS | NAMES[dialect], max_size=5)
    verbs = st.sampled_from(["SELECT", "DROP TABLE", "DELETE FROM", "USE", "REVOKE"])
    return st.tuples(verbs, tokens).map(lambda parts: [parts[0], *parts[1]])


def blocks(dialect: str) -> st.SearchStrategy[list[str]]:
    """Tokens of a block, nested to a few levels."""
    close = st.just([";"])

    def join(lists: t.Iterable[list[str]]) -> list[str]:
        return [token for tokens in lists for token in tokens]

    def around(*parts: t.Any) -> st.SearchStrategy[list[str]]:
        return st.tuples(*(st.just([part]) if isinstance(part, str) else part for part in parts)).map(join)

    expression = st.just(["CASE", "WHEN", "a", "THEN", "1", "ELSE", "2", "END"]) | STRINGS.map(lambda text: [text])

    def deeper(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
        body = st.lists(st.tuples(inner, close).map(join), min_size=1, max_size=2).map(join)
        return st.one_of(
            around("BEGIN", body, "END"),
            around("IF", "(", expression, ")", "THEN", body, "ELSEIF", "(", "b", ")", "THEN", body, "END", "IF"),
            around("IF", "(", "a", ")", "THEN", body, "ELSE", body, "END", "IF"),
            around("CASE", expression, "WHEN", expression, "THEN", body, "ELSE", body, "END", "CASE"),
            around("WHILE", "(", expression, ")", "DO", body, "END", "WHILE"),
            around("LOOP", body, "END", "LOOP"),
            around("REPEAT", body, "UNTIL", "(", expression, ")", "END", "REPEAT"),
        )

    leaf = plain_statements(dialect) | around("SELECT", expression, ",", expression)
    inner = st.recursive(leaf, deeper, max_leaves=4)
    body = st.lists(st.tuples(inner, close).map(join), max_size=3).map(join)
    return around("BEGIN", body, "END") | around("CREATE", "PROCEDURE", "p", "(", ")", "AS", "BEGIN", body, "END")


@st.composite
def scripts(draw: st.DrawFn, dialect: str) -> tuple[str, list[str]]:
    """A script, and its statements, with comments wherever white space can stand."""
    texts = []
    script = draw(GAPS)
    for tokens in draw(st.lists(plain_statements(dialect) | blocks(dialect), max_size=4)):
        spaces = draw(st.lists(st.just(" ") | COMMENTS, min_size=len(tokens) - 1, max_size=len(tokens) - 1))
        text = tokens[0] + "".join(space + token for space, token in zip(spaces, tokens[1:]))
        texts.append(text)
        script += text + draw(GAPS) + ";" + draw(GAPS)
    return script, texts


def rebuilt(script: str, statements: list[Statement]) -> list[str]:
    """The gaps around and between the statements."""
    edges = [0, *(edge for statement in statements for edge in (statement.start, statement.end)), len(script)]
    assert edges == sorted(edges)
    return [script[start:end] for start, end in zip(edges[::2], edges[1::2])]


def split_or_none(script: str, dialect: str) -> list[Statement] | None:
    try:
        return split(script, dialect)
    except SplitError as error:
        lines = script.split("\n")
        assert 1 <= error.details["line"] <= len(lines)
        assert 1 <= error.details["column"] <= len(lines[error.details["line"] - 1]) + 1
        return None


@pytest.mark.parametrize("dialect", DIALECTS)
@FEW
@given(data=st.data())
def test_a_script_is_split_into_what_it_was_made_of(dialect: str, data: st.DataObject) -> None:
    script, texts = data.draw(scripts(dialect))
    assert [statement.text for statement in split(script, dialect)] == texts


@pytest.mark.parametrize("dialect", DIALECTS)
@FEW
@given(script=SHREDDED)
def test_gaps_hold_no_code(dialect: str, script: str) -> None:
    statements = split_or_none(script, dialect)
    for gap in rebuilt(script, statements) if statements is not None else []:
        assert split(gap, dialect) == []
        comment = (
            r"--[^\n]*|//[^\n]*|/\*[\s\S]*?\*/" if dialect == "snowflake" else r"--[^\n]*|/\*(?:(?!/\*)[\s\S])*?\*/"
        )
        without_nested = gap
        while (shorter := re.sub(comment, "", without_nested)) != without_nested:
            without_nested = shorter
        assert not without_nested.strip("; \t\r\n"), gap


@pytest.mark.parametrize("dialect", DIALECTS)
@FEW
@given(script=SHREDDED)
@example(script="BEGIN; DELETE FROM a; COMMIT")
def test_a_piece_alone_is_that_piece(dialect: str, script: str) -> None:
    for statement in split_or_none(script, dialect) or []:
        # BEGIN starts a transaction only with its semicolon; without, it could be a block that was cut off.
        alone = f"{statement.text};" if statement.text.upper() == "BEGIN" else statement.text
        if script.count("/*") > 1:
            # Whether a comment within a comment can be read in two ways depends on what follows.
            assert [piece.text for piece in split_or_none(alone, dialect) or [statement]] == [statement.text]
            continue
        assert [piece.text for piece in split(alone, dialect)] == [statement.text]
        assert [piece.text for piece in split(f"SELECT 0;{statement.text};SELECT 1", dialect)][1:-1] == [statement.text]


@pytest.mark.parametrize("dialect", DIALECTS)
@FEW
@given(data=st.data())
def test_what_is_put_between_the_statements_changes_no_other(dialect: str, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([one for one in CASES if one["dialect"] == dialect and one.get("expect")]))
    script, texts = str(case["script"]), list(case["expect"])
    whole = split(script, dialect)
    # From the end, so that the places of those before stay what they are.
    for number in sorted(data.draw(st.sets(st.sampled_from(range(len(texts))), min_size=1, max_size=3)), reverse=True):
        statement = whole[number]
        added = " ".join(data.draw(plain_statements(dialect) | blocks(dialect)))
        script = f"{script[: statement.end]}{data.draw(COMMENTS)};{data.draw(GAPS)}{added};{script[statement.end :]}"
        texts.insert(statement.index, added)
    assert [statement.text for statement in split(script, dialect)] == texts


@pytest.mark.parametrize("dialect", DIALECTS)
@FEW
@given(data=st.data())
def test_a_script_cut_off_is_refused_or_keeps_its_complete_statements(dialect: str, data: st.DataObject) -> None:
    script, _texts = data.draw(scripts(dialect))
    whole = split(script, dialect)
    cut = data.draw(st.integers(0, len(script)))
    found = split_or_none(script[:cut], dialect)
    if found is None:
        return
    complete = [statement.text for statement in whole if script.find(";", statement.end) < cut and statement.end < cut]
    assert [statement.text for statement in found][: len(complete)] == complete
    assert len(found) <= len(complete) + 1


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("opened", ["'", "/*", "$$", "BEGIN SELECT 1;", "BEGIN IF (a) THEN SELECT 1;", "BEGIN LOOP"])
@FEW
@given(data=st.data())
def test_what_is_left_open_is_refused_where_it_opens(dialect: str, opened: str, data: st.DataObject) -> None:
    script, _texts = data.draw(scripts(dialect))
    head = "" if opened.startswith("BEGIN") else "SELECT "
    with pytest.raises(SplitError) as caught:
        split(f"{script}\n{head}{opened}", dialect)
    error = caught.value
    last_line = script.count("\n") + 2
    assert error.details["line"] == last_line
    assert 1 <= error.details["column"] <= len(head + opened)


@pytest.mark.parametrize("dialect", DIALECTS)
@FEW
@given(text=SHREDDED)
def test_heads_and_masks_never_fail(dialect: str, text: str) -> None:
    for statement in split_or_none(text, dialect) or []:
        shown = statement.describe()
        assert text[shown["start"] : shown["start"] + shown["length"]] == statement.text
        assert set(shown) == {
            *("index", "line", "start", "length", "verb", "object", "name", "grantee"),
            *("privileges", "action", "session", "repeatable", "unusual", "marks"),
        }
    assert isinstance(mask(text, dialect), str)
    assert isinstance(secrets(text, dialect), list)


@pytest.mark.parametrize("dialect", DIALECTS)
@FEW
@given(
    text=SHREDDED, password=st.text(alphabet="xyz!;'\\", min_size=1).filter(lambda text: len(text.strip("'\\;!")) > 3)
)
def test_a_password_never_shows(dialect: str, text: str, password: str) -> None:
    literal = f"'{escaped(password)}'"
    script = f"CREATE USER u PASSWORD = {literal};\n{text}"
    core = max(re.split(r"['\\]", password), key=len)
    assert password in secrets(script, dialect) or core in "".join(secrets(script, dialect))
    shown = mask(script, dialect).partition("\n")[0]
    assert literal not in shown
