# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tokens of each dialect: where they end, of what kind they are, and what they stand for."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    Unreadable,
    dialect_named,
    keyword,
)

SNOWFLAKE, DATABRICKS = "snowflake", "databricks"
BOTH = pytest.mark.parametrize("dialect", [SNOWFLAKE, DATABRICKS])


def tokens(dialect: str, text: str) -> list[tuple[str, str]]:
    return [(token.kind, text[token.start : token.end]) for token in dialect_named(dialect).read(text)]


def values(dialect: str, text: str) -> list[str]:
    rules = dialect_named(dialect)
    return [rules.value(text, token) for token in rules.read(text) if token.kind in ("string", "name", "word")]


@BOTH
def test_words_marks_and_literals(dialect: str) -> None:
    assert tokens(dialect, "a_1$b _c = 'x;''y' + 1.5e3 -- z\n<$d /* e */ $$f';$$, é") == [
        ("word", "a_1$b"),
        ("word", "_c"),
        ("mark", "="),
        ("string", "'x;''y'"),
        ("mark", "+"),
        ("mark", "1.5e3"),
        ("comment", "-- z"),
        ("mark", "<"),
        ("mark", "$d"),
        ("comment", "/* e */"),
        ("string", "$$f';$$"),
        ("mark", ","),
        ("word", "é"),
    ]


def test_what_double_quotes_and_backticks_hold() -> None:
    assert tokens(SNOWFLAKE, '"a""b"') == [("name", '"a""b"')]
    assert tokens(DATABRICKS, '"a""b" "c\\"d" `e``f`') == [
        ("string", '"a""b"'),
        ("string", '"c\\"d"'),
        ("name", "`e``f`"),
    ]


def test_only_snowflake_has_comments_with_two_slashes_and_commands_with_an_exclamation_mark() -> None:
    assert tokens(SNOWFLAKE, "a // b;\nc !d ! e") == [
        *(("word", "a"), ("comment", "// b;"), ("word", "c"), ("mark", "!d"), ("mark", "!"), ("word", "e"))
    ]
    assert tokens(DATABRICKS, "a // b") == [("word", "a"), ("mark", "/"), ("mark", "/"), ("word", "b")]
    assert tokens(DATABRICKS, "!a &b") == [("mark", "!"), ("word", "a"), ("mark", "&"), ("word", "b")]
    with pytest.raises(Unreadable, match="Client command"):
        tokens(SNOWFLAKE, "a\n !b")


@BOTH
def test_a_part_is_read_as_if_it_were_all(dialect: str) -> None:
    text = "ab 'cd' ef"
    rules = dialect_named(dialect)
    assert [(one.start, one.end) for one in rules.read(text, 1, 9)] == [(1, 2), (3, 7), (8, 9)]
    assert [(one.start, one.end) for one in rules.read(text, 7)] == [(8, 10)]
    assert list(rules.read(text, 10)) == []


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        (SNOWFLAKE, "Abc", ["ABC"]),
        (DATABRICKS, "Abc", ["Abc"]),
        (SNOWFLAKE, '"A""b\\n"', ['A"b\\n']),
        (DATABRICKS, "`A``b\\n`", ["A`b\\n"]),
        (SNOWFLAKE, "$$a''\\n$$", ["a''\\n"]),
        (SNOWFLAKE, "''", [""]),
        (SNOWFLAKE, "'it''s'", ["it's"]),
        (DATABRICKS, '"say ""x"""', ['say "x"']),
        (SNOWFLAKE, r"'a\'b\\c\"d'", ["a'b\\c\"d"]),
        (SNOWFLAKE, r"'\n\t\r\b\f\0\q'", ["\n\t\r\b\f\0q"]),
        (SNOWFLAKE, r"'\x41\u00e9\101\1017'", ["AéAA7"]),
        (SNOWFLAKE, r"'\x4 \u00e'", ["x4 u00e"]),
        (SNOWFLAKE, r"'100\% \_'", [r"100\% \_"]),
        (SNOWFLAKE, "'a\\\nb'", ["a\nb"]),
        # Only Databricks has raw strings.
        (DATABRICKS, r"r'a\nb' R'\'", ["r", r"a\nb", "R", "\\"]),
        (DATABRICKS, r'r"a\nb"', ["r", r"a\nb"]),
        (DATABRICKS, r"r '\n'", ["r", "\n"]),
        (SNOWFLAKE, r"r'a\nb'", ["R", "a\nb"]),
        (DATABRICKS, r"for'\n' _r'\n' $r'\n' 1r'\n'", ["for", "\n", "_r", "\n", "\n", "\n"]),
        (DATABRICKS, r"'\n'", ["\n"]),
        (DATABRICKS, "1 r'a'", ["r", "a"]),
    ],
)
def test_values(dialect: str, text: str, expected: list[str]) -> None:
    assert values(dialect, text) == expected


def test_a_raw_name_is_no_raw_string() -> None:
    assert tokens(DATABRICKS, "r`a\\`") == [("word", "r"), ("name", "`a\\`")]


def test_comments_nest_on_databricks() -> None:
    assert tokens(DATABRICKS, "/* a /* b */ c */ d") == [("comment", "/* a /* b */ c */"), ("word", "d")]
    assert tokens(DATABRICKS, "/*+ a(b) */ d") == [("comment", "/*+ a(b) */"), ("word", "d")]
    # The signs of a hint mean something in it only.
    assert tokens(DATABRICKS, "/* ';-- */ d /*+ a */ ;") == [
        *(("comment", "/* ';-- */"), ("word", "d"), ("comment", "/*+ a */"), ("mark", ";"))
    ]
    assert tokens(SNOWFLAKE, "/*+ a ; */ d") == [("comment", "/*+ a ; */"), ("word", "d")]
    assert tokens(SNOWFLAKE, "/* a /* b */ c") == [("comment", "/* a /* b */"), ("word", "c")]
    assert tokens(SNOWFLAKE, "/*/**/") == [("comment", "/*/**/")]
    assert tokens(SNOWFLAKE, "/*+ a /*+ b */ c") == [("comment", "/*+ a /*+ b */"), ("word", "c")]
    for text in ("/*/", "a /* b"):
        with pytest.raises(Unreadable, match="not closed"):
            tokens(SNOWFLAKE, text)


@pytest.mark.parametrize(
    ("path", "in_path"),
    [
        ("@a/*b", True),
        ("@a/b--c", True),
        ("s3://a", True),
        ("a@b--c", True),
        ('@"s"/a--b', True),
        ('"s"/a--b', True),
        ("x /a--b", False),
        ("@a --b", False),
        ("'@a'--b", False),
        ("@a;--b", False),
        ("(@a)--b", False),
        ("@a,--b", False),
        ("@a*--b", False),
        ("a--@", False),
        ("//@", False),
        ("--@b", False),
    ],
)
def test_a_comment_sign_in_a_path_is_refused(path: str, in_path: bool) -> None:
    if in_path:
        with pytest.raises(Unreadable, match="path without quotes") as caught:
            tokens(SNOWFLAKE, path)
        assert path[caught.value.at : caught.value.at + 2] in ("--", "/*", "//")
    else:
        assert "comment" in [kind for kind, _text in tokens(SNOWFLAKE, path)]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a 'b", 2),
        ("a $$b", 2),
        ("a$$", 1),
        ("1$$", 1),
        ("_$$", 1),
        ("a $b$", 2),
        ("a /*", 2),
        ("a */", 2),
        ("a &b", 2),
        ("a &{b", 2),
        ("a\n!b", 2),
        ("--a\rb", 3),
        ("a `b`", 2),
    ],
)
def test_what_is_refused_and_where(text: str, at: int) -> None:
    with pytest.raises(Unreadable) as caught:
        tokens(SNOWFLAKE, text)
    assert caught.value.at == at
    assert str(caught.value) == caught.value.what


def test_dollars_in_names() -> None:
    assert tokens(SNOWFLAKE, "a$b$c d") == [("word", "a$b$c"), ("word", "d")]
    assert tokens(SNOWFLAKE, "$a $1") == [("mark", "$a"), ("mark", "$1")]
    assert tokens(SNOWFLAKE, "($$a$$)") == [("mark", "("), ("string", "$$a$$"), ("mark", ")")]


def test_line_ends_of_comments() -> None:
    assert tokens(DATABRICKS, "--a\r\nb") == [("comment", "--a"), ("word", "b")]
    # At the very end there is nothing that it could continue with.
    assert tokens(DATABRICKS, "--a\\") == [("comment", "--a\\")]
    assert tokens(SNOWFLAKE, "--a\\\nb") == [("comment", "--a\\"), ("word", "b")]
    with pytest.raises(Unreadable, match="backslash") as caught:
        tokens(DATABRICKS, "--a\\\nb")
    assert caught.value.at == 3


def test_keywords_are_folded_for_ascii_only() -> None:
    assert keyword("Begin") == "BEGIN"
    assert keyword("ſelect") == "ſelect"


def test_names_of_dialects() -> None:
    assert (dialect_named(SNOWFLAKE).name, dialect_named(DATABRICKS).name) == ("snowflake", "databricks")
    with pytest.raises(InvalidOption) as caught:
        dialect_named("oracle")
    assert caught.value.message == "There is no SQL dialect oracle."
    assert caught.value.hint == "Use one of databricks, snowflake."


def test_escapes_in_upper_case() -> None:
    assert values("databricks", r"'\x4A' '\u004A' '\X4' '\112'") == ["J", "J", "X4", "J"]


# What is masked is not always a script: it may begin with anything, and nothing is before that, least of all its other end.
@pytest.mark.parametrize(
    ("dialect", "text", "pieces"),
    [
        ("databricks", r"'a\'b' r", [r"'a\'b'", "r"]),
        ("databricks", r"r'a\' b", ["r", r"'a\'", "b"]),
        ("snowflake", '/x--"', ["/", "x", '--"']),
    ],
)
def test_nothing_is_before_the_first_character(dialect: str, text: str, pieces: list[str]) -> None:
    assert [piece for _kind, piece in tokens(dialect, text)] == pieces


def test_a_line_with_many_exclamation_marks_is_read_once() -> None:
    # Reading this again from each of its characters would outlive any test.
    count = 16 * 1024
    text = "SELECT a" + "!b" * count
    assert sum(1 for token in dialect_named("snowflake").read(text)) > count
