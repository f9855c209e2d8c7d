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
DIALECTS = ("snowflake", "databricks")
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


CHECK_BLOCK = "Check the blocks of the script; put names that are keywords into quotes."
FILL_IN = ("Placeholder that was not filled in", "Write its value into the script.")
PLACEHOLDERS = (
    *("{{ a }}", "{{a}}", "x_{{ a }}", "{%- if a %}", "{# a #}", "<% a %>", "<%= a %>", "<%- a -%>", "${A}", "x${A}"),
    *("${{ a }}", "$(A)", "#{a}", "{a}", "{ a }"),
)
MOVE = "Remove it: a client runs it, not the platform."
OTHER = ("Another script is run (EXECUTE IMMEDIATE FROM)", "Put the statements of that script in its place.")
REFUSED = [
    *((f"USE ROLE {one};\nDROP ROLE r;", dialect, *FILL_IN) for dialect in DIALECTS for one in PLACEHOLDERS),
    ("USE ROLE <admin_role>;", "snowflake", *FILL_IN),
    ("BEGIN\n DROP ROLE {{ a }};\nEND;", "snowflake", *FILL_IN),
    ("USE ROLE &1;", "snowflake", "Client variable (&name)", "Write its value into the script."),
    ("USE ROLE &{a};", "snowflake", "Client variable (&name)", "Write its value into the script."),
    ("SELECT 1;\n put 'file:///a' @s;", "snowflake", "Client command (PUT)", MOVE),
    ("PUT file:///a @s;", "snowflake", "Client command (PUT)", MOVE),
    ("/* a */ Get/**/@s 'file:///a'", "snowflake", "Client command (GET)", MOVE),
    ("PUT '/a' INTO '/Volumes/a' OVERWRITE", "databricks", "Client command (PUT)", MOVE),
    ("GET '/Volumes/a' TO '/a'", "databricks", "Client command (GET)", MOVE),
    ("REMOVE '/Volumes/a'", "databricks", "Client command (REMOVE)", MOVE),
    ("SELECT 1; !source a.sql", "snowflake", "Expected a statement", "Check the text before it."),
    ("EXECUTE IMMEDIATE FROM @s/a.sql;", "snowflake", *OTHER),
    ("execute /* a */ immediate -- b\n from 'a.sql';", "snowflake", *OTHER),
    ("BEGIN\n IF (a) THEN EXECUTE IMMEDIATE FROM @s/a.sql; END IF;\nEND;", "snowflake", *OTHER),
    ("SHOW ROLES ->> EXECUTE IMMEDIATE FROM @s/a.sql;", "snowflake", *OTHER),
    ("EXECUTE IMMEDIATE 'EXECUTE IMMEDIATE FROM @s/a.sql';", "snowflake", *OTHER),
    ("EXECUTE IMMEDIATE $$BEGIN EXECUTE IMMEDIATE 'execute immediate from a'; END$$;", "snowflake", *OTHER),
    ("SELECT '\ud83d';", "snowflake", "Invalid character", "Save the script as UTF-8 text."),
    ("SELECT 1\n !source a.sql\n;", "snowflake", "Client command (!name)", "Remove it: it is not SQL."),
    ("!source a.sql\nSELECT 1;", "snowflake", "Client command (!name)", "Remove it: it is not SQL."),
    ("SELECT 1\n !SOURCE a.sql\n;", "snowflake", "Client command (!name)", "Remove it: it is not SQL."),
    ("DELIMITER //\nSELECT 1//", "snowflake", "Client command (DELIMITER)", MOVE),
    ("DELIMITER a\nSELECT 1;", "snowflake", "Client command (DELIMITER)", MOVE),
    (
        "-- a \\\nDROP TABLE a;",
        "databricks",
        "A comment ends in a backslash, which may continue it",
        "Remove the backslash.",
    ),
    ("-- a\rDROP TABLE a;", "snowflake", "A comment ends in a lone carriage return", "End lines with LF or CR LF."),
    (
        "DROP TABLE a; /* b */ */ DROP TABLE c;",
        "snowflake",
        "Unexpected end of a comment (*/)",
        "Remove the */, or open the comment.",
    ),
    ("DROP TABLE a;\n /* open", "snowflake", "A comment is not closed; it was opened", "Close it with */."),
    (
        "/* a /*+ b */ c */ DROP TABLE a;",
        "databricks",
        "A comment is opened inside a comment",
        "Remove the inner sign.",
    ),
    (
        "CREATE PROCEDURE p() LANGUAGE SQL AS",
        "snowflake",
        "Definition without a body",
        "Add what follows its AS.",
    ),
    ("SELECT /*+ a(';') */ 1;", "databricks", "A hint (/*+) contains quotes, ; or --", "Remove the hint."),
    ("BEGIN a: ; END;", "databricks", "Label without a statement", CHECK_BLOCK),
    ("BEGIN a: SELECT 1; END;", "databricks", "Label before a statement that can't have one", CHECK_BLOCK),
    ("DROP TABLE `a`;", "snowflake", "A name is quoted with backticks", "Snowflake quotes names with double quotes."),
    ("SELECT a$$;$$;", "snowflake", "A name runs into $$", "Put a space before the $$."),
    ("a$$;$$;", "snowflake", "A name runs into $$", "Put a space before the $$."),
    ("BEGIN SELECT 1); END;", "snowflake", "Unexpected closing parenthesis", "Remove it, or open it."),
    ("BEGIN SELECT (1; END;", "snowflake", "A parenthesis is not closed before the semicolon", "Close it."),
    ("LIST @s/Xa--b;", "snowflake", "A path without quotes contains a comment sign", "Put the path into quotes."),
    ('LIST @"s"/a--b;', "snowflake", "A path without quotes contains a comment sign", "Put the path into quotes."),
    ('DROP TABLE a;\nDROP TABLE "open', "snowflake", "A quoted name is not closed; it was opened", 'Close it with ".'),
    ("DROP TABLE `open``;", "databricks", "A quoted name is not closed; it was opened", "Close it with `."),
    ("SELECT r'a''b\\';'", "databricks", "A raw string touches another string", "Put a space between the two."),
    ("BEGIN IF (a) DROP TABLE a; END IF; END;", "snowflake", "Semicolon before the THEN of IF", CHECK_BLOCK),
    (
        "CREATE FUNCTION f() RETURNS INT AS $$ SELECT 1; ",
        "snowflake",
        "A string in $$ is not closed; it was opened",
        "Close it with $$.",
    ),
    ("SELECT 'open;", "databricks", "A string is not closed; it was opened", "Close it with '."),
    ('SELECT "open;', "databricks", "A string is not closed; it was opened", 'Close it with ".'),
    ("SELECT 'open\\", "snowflake", "A string is not closed; it was opened", "Close it with '."),
    ("SELECT $TAG$ a; $TAG$;", "snowflake", "A string is quoted with $tag$", "Quote it with $$."),
    ("SELECT $tag$ a; $tag$;", "snowflake", "A string is quoted with $tag$", "Quote it with $$."),
    ("USE ROLE &role;", "snowflake", "Client variable (&name)", "Write its value into the script."),
    (
        "BEGIN \u0131f (a) THEN SELECT 1; END IF; END;",
        "snowflake",
        "A word has a letter that some parsers read as an ASCII letter",
        "Use ASCII letters.",
    ),
    (
        "BEGIN; SELECT 1; COMMIT;",
        "databricks",
        "BEGIN can be read as a block or as a transaction",
        "Write BEGIN TRANSACTION.",
    ),
    ("SELECT 1; BEGIN", "snowflake", "BEGIN without END", "Add its END."),
    (
        "BEGIN SELECT CASE WHEN a THEN 1; END;",
        "snowflake",
        "CASE without END before the semicolon",
        "Add its END.",
    ),
    ("DECLARE a INT;\nSELECT 1;", "snowflake", "DECLARE without END", "Add its END."),
    ("DROP TABLE a;\nELSE SELECT 1;", "snowflake", "ELSE outside a block", CHECK_BLOCK),
    ("BEGIN SELECT 1; ELSE SELECT 2; END;", "snowflake", "Unexpected ELSE in BEGIN", CHECK_BLOCK),
    ("BEGIN SELECT 1; END IF; END;", "snowflake", "END IF closes BEGIN", CHECK_BLOCK),
    ("BEGIN LOOP SELECT 1; END WHILE; END;", "snowflake", "END WHILE closes LOOP", CHECK_BLOCK),
    ("BEGIN SELECT 1 END;", "snowflake", "END has no semicolon before it, or is a name without quotes", CHECK_BLOCK),
    (
        "BEGIN SELECT 1; END a;",
        "databricks",
        "END is followed by something other than its label",
        "Put ; after the END.",
    ),
    (
        "BEGIN SELECT 1; END\nDROP TABLE a;",
        "snowflake",
        "END without a semicolon after it",
        "Put ; after it.",
    ),
    ("DROP TABLE a;\nEND;", "snowflake", "END outside a block", CHECK_BLOCK),
    ("BEGIN CASE WHEN a THEN SELECT 1; END; END;", "databricks", "END without CASE closes CASE", CHECK_BLOCK),
    ("BEGIN\n IF (a) THEN DROP TABLE a;\nEND;\n", "snowflake", "END without IF closes IF", CHECK_BLOCK),
    (
        "BEGIN SELECT 1; EXCEPTION WHEN OTHER THEN SELECT 1; EXCEPTION WHEN OTHER THEN SELECT 1; END;",
        "snowflake",
        "Unexpected EXCEPTION in BEGIN",
        CHECK_BLOCK,
    ),
    ("FOR r IN c DO SELECT 1; END FOR;", "snowflake", "FOR outside a block", CHECK_BLOCK),
    ("IF (a) THEN DROP TABLE a; END IF;", "snowflake", "IF outside a block", CHECK_BLOCK),
    ("BEGIN\n LOOP\n DROP TABLE a;", "snowflake", "LOOP without END", "Add its END."),
    (
        "BEGIN REPEAT SELECT 1; END REPEAT; END;",
        "snowflake",
        "REPEAT without UNTIL before its END",
        CHECK_BLOCK,
    ),
    ("SELECT 1; RETURN 1;", "snowflake", "RETURN outside a block", CHECK_BLOCK),
    ("BEGIN SELECT 1 THEN SELECT 2; END;", "snowflake", "Unexpected THEN in a statement", CHECK_BLOCK),
    (
        "BEGIN SELECT 1; WHEN OTHER THEN SELECT 2; END;",
        "snowflake",
        "Unexpected WHEN in BEGIN",
        CHECK_BLOCK,
    ),
    ("SELECT 1;\n/\n", "snowflake", "Expected a statement", "Check the text before it."),
]


@pytest.mark.parametrize(("script", "dialect", "what", "hint"), REFUSED, ids=[f"{one[1]} {one[2]}" for one in REFUSED])
def test_a_refusal_says_what_is_wrong_and_what_to_do(script: str, dialect: str, what: str, hint: str) -> None:
    with pytest.raises(SplitError) as caught:
        split(script, dialect)
    at = caught.value.details
    assert caught.value.message == f"{what} at line {at['line']}, column {at['column']}."
    assert caught.value.hint == hint


# What is refused is at this line and column; without them it is one statement.
BLOCKS: list[tuple[str, str, tuple[int, int] | None]] = [
    ("BEGIN WHILE (a) SELECT 1; END WHILE; END;", "snowflake", (1, 25)),
    ("BEGIN a: REPEAT SELECT 1; UNTIL b END REPEAT a; END;", "databricks", None),
    ("BEGIN DO SELECT 1; END;", "snowflake", (1, 7)),
    ("BEGIN IF X THEN SELECT 1; END IF; END;", "snowflake", None),
    ("BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN TRANSACTION; END; END;", "databricks", (1, 45)),
    ("BEGIN THEN SELECT 1; END;", "snowflake", (1, 7)),
    ("BEGIN DECLARE a INT; SELECT 1; END;", "databricks", None),
    ("BEGIN NOT ATOMIC IF a THEN SELECT 1; END IF; END;", "databricks", None),
    ("BEGIN ATOMIC IF a THEN SELECT 1; END IF; END;", "databricks", None),
    ("BEGIN NOT ATOMIC\n SELECT 1;", "databricks", (1, 1)),
    ("BEGIN ATOMIC IF a THEN SELECT 1; END IF; END;", "snowflake", (1, 19)),
    ("SELECT 1;\n BEGIN\n REPEAT SELECT 1;\n UNTIL TRUE END; END;", "databricks", (4, 13)),
    ("SELECT 1;\n DECLARE\n a INT;\n BEGIN", "snowflake", (2, 2)),
    ("SELECT 1;\n DECLARE\n a INT;\n BEGIN\n SELECT 1;", "snowflake", (2, 2)),
    ("SELECT 1;\n BEGIN\n DECLARE a INT;\n SELECT 1;", "snowflake", (3, 2)),
    ("SELECT 1;\nCREATE PROCEDURE a() RETURNS INT AS\n DECLARE\n b INT;", "snowflake", (3, 2)),
    ("BEGIN\n DECLARE EXIT HANDLER FOR SQLEXCEPTION\n BEGIN\n SELECT 1;", "databricks", (3, 2)),
    ("BEGIN\n DECLARE EXIT HANDLER FOR SQLEXCEPTION\n BEGIN WORK; END; END;", "databricks", (3, 2)),
    (
        "BEGIN\n DECLARE EXIT HANDLER FOR SQLEXCEPTION\n BEGIN SELECT 1; END;\n SELECT BEGIN FROM a; END;",
        "databricks",
        None,
    ),
    ("DECLARE\n a INT;\n BEGIN TRANSACTION; END;", "snowflake", (1, 1)),
    ("BEGIN SELECT 1 ELSE SELECT 2; END;", "snowflake", (1, 16)),
    ("BEGIN SELECT 1 ELSEIF SELECT 2; END;", "snowflake", (1, 16)),
    ("BEGIN IF (a) THEN SELECT 1; UNTIL b END IF; END;", "snowflake", (1, 29)),
    ("BEGIN REPEAT SELECT 1; WHEN b; UNTIL (a) END REPEAT; END;", "snowflake", (1, 24)),
    ("BEGIN CASE a WHEN 1 THEN SELECT 1; WHEN 2 THEN SELECT 2; ELSE SELECT 3; END CASE; END;", "databricks", None),
    ("BEGIN LOOP WHEN a THEN SELECT 1; END LOOP; END;", "databricks", (1, 12)),
]


@pytest.mark.parametrize(("script", "dialect", "at"), BLOCKS)
def test_a_block_is_whole_or_refused_where_it_breaks(script: str, dialect: str, at: tuple[int, int] | None) -> None:
    if at is None:
        assert [f"{one.text};" for one in split(script, dialect)] == [script]
        return
    with pytest.raises(SplitError) as caught:
        split(script, dialect)
    assert (caught.value.details["line"], caught.value.details["column"]) == at


ONLY_IN_BLOCKS = "BREAK CASE CONTINUE ELSE ELSEIF EXCEPTION ITERATE LEAVE LET RAISE THEN UNTIL WHEN"


@pytest.mark.parametrize("word", ONLY_IN_BLOCKS.split())
def test_what_only_a_block_has_begins_no_script(word: str) -> None:
    with pytest.raises(SplitError, match=rf"^{word} outside a block at line 2, column 1"):
        split(f"SELECT 1;\n{word} a;", "snowflake")


ONE_WORD = "BEGIN BREAK COMMIT CONTINUE END EXIT NULL RAISE RETURN ROLLBACK"


@pytest.mark.parametrize("word", ONE_WORD.split())
def test_a_statement_of_one_word_is_no_label(word: str) -> None:
    with pytest.raises(SplitError, match=r"^END is followed by something other than its label at line 1, column 27"):
        split(f"BEGIN BEGIN SELECT 1; END {word}; END;", "snowflake")


WHOLE = [
    "DECLARE a PROCEDURE () RETURNS INT AS BEGIN SELECT 1; BEGIN SELECT 2; END; END; BEGIN CALL a(); END",
    "SELECT a,\nb!c FROM d",
    "SELECT 1@ b--c\n+ 1",
    "DECLARE a PROCEDURE () RETURNS INT AS BEGIN SELECT 1; SELECT 2; END; BEGIN CALL a(); END",
    "CREATE PROCEDURE a(b INT DEFAULT (SELECT 1 AS BEGIN)) RETURNS INT AS 'c'",
    "WITH a AS (SELECT 1) SELECT b AS PROCEDURE, c AS BEGIN FROM a",
    "BEGIN EXPLAIN MERGE INTO a USING b ON c WHEN MATCHED THEN DELETE; END",
    "BEGIN WITH x AS (SELECT 1) MERGE INTO a USING b ON c WHEN MATCHED THEN DELETE; END",
    "BEGIN CREATE ALERT a IF (EXISTS (SELECT 1)) THEN SELECT 1; END",
    "BEGIN ALTER ALERT a MODIFY CONDITION EXISTS (SELECT 1) THEN SELECT 1; END",
    *(
        f"CREATE {modifier} PROCEDURE a() RETURNS INT AS BEGIN SELECT 1; SELECT 2; END"
        for modifier in ("OR REPLACE", "OR ALTER", "TEMP", "TEMPORARY", "SECURE", "EXTERNAL", "AGGREGATE")
    ),
    "CREATE FUNCTION a() RETURNS INT AS BEGIN SELECT 1; SELECT 2; END",
    "ALTER ALERT a MODIFY ACTION BEGIN SELECT 1; SELECT 2; END",
    "CREATE ALERT a IF (EXISTS (SELECT 1)) THEN BEGIN SELECT 1; SELECT 2; END",
    "WITH a AS PROCEDURE () RETURNS INT AS BEGIN SELECT 1; END CALL a()",
    "WITH a AS PROCEDURE () RETURNS INT AS BEGIN SELECT 1; END, b AS (SELECT 1) CALL a()",
]


# Signs of placeholders and client commands that are none where they stand.
HARMLESS = [
    "SELECT '{{ a }} {% b %} <% c %> ${D} $(E) #{f} {g} &h'",
    "COMMENT ON ROLE r IS $$ {{ a }} <% b %> ${C} <d> $$",
    'DROP ROLE "{{ a }}${B}<% c %>&d"',
    "DROP ROLE /* {{ a }} <% b %> ${C} &d */ r",
    "SELECT {'a': {'b': 1}}, {}, {d '2026-01-01'}, {*}, a < b, c > d, a$(1), $1, $a, 5 % (b)",
    "SELECT a<b, c <d",
    "EXECUTE IMMEDIATE 'DROP ROLE r'",
    "EXECUTE IMMEDIATE $$ SELECT '{{ open $$",
    "EXECUTE IMMEDIATE a",
    "SELECT immediate FROM t",
    "EXECUTE TASK immediate.from",
    "INSERT INTO log VALUES ('EXECUTE IMMEDIATE FROM @s/a.sql')",
    "REMOVE @s/a",
    "LIST @s",
    "SELECT GET(a, 0), put FROM t",
    "puts",
]


@pytest.mark.parametrize("script", [*HARMLESS, *WHOLE])
def test_what_looks_like_an_end_inside_is_none(script: str) -> None:
    assert [one.text for one in split(f"{script};\nSELECT 3;", "snowflake")] == [script, "SELECT 3"]


@pytest.mark.parametrize(
    ("one", "dialect"),
    [
        ("CALL a($$;$$)", "snowflake"),
        ("SELECT r''", "databricks"),
        ("SELECT r';'", "databricks"),
        ("SELECT X'a\\';'", "databricks"),
        ("ar'b\\';'", "databricks"),
    ],
)
def test_a_string_ends_at_its_own_end(one: str, dialect: str) -> None:
    assert [found.text for found in split(f"{one};\n{one};", dialect)] == [one, one]


@pytest.mark.parametrize(("before", "line", "column"), [("", 1, 8), ("\n", 2, 8), ("\n\n ", 3, 9), ("\ufeff", 1, 9)])
def test_where_the_first_statement_is_refused(before: str, line: int, column: int) -> None:
    with pytest.raises(SplitError) as caught:
        split(f"{before}SELECT 'a", "snowflake")
    assert (caught.value.details["line"], caught.value.details["column"]) == (line, column)


@pytest.mark.parametrize(
    ("script", "column"),
    [("\0", 1), ("a\0\0", 2), ("\0\ud800", 1), ("\ud800", 1), ("é\ud800\ud800", 2), ("\ud800\0", 2)],
)
def test_the_first_character_that_is_no_text_is_named(script: str, column: int) -> None:
    with pytest.raises(SplitError, match="Invalid character at line 1") as caught:
        split(script, "snowflake")
    assert caught.value.details["column"] == column


def test_statements_know_their_line_and_dialect() -> None:
    for dialect in ("snowflake", "databricks"):
        found = split("\nSELECT 1;\n\nSELECT\n2;SELECT 3;\nSELECT 4", dialect)
        assert [one.line for one in found] == [2, 4, 5, 6]
        assert {one.dialect for one in found} == {dialect}


@pytest.mark.parametrize("head", ["CREATE", "CREATE OR REPLACE", "ALTER SECURE", "WITH a"])
@pytest.mark.parametrize("gap", ["", " ", "/* ; */", " -- ;\n"])
def test_a_definition_that_ends_before_it_says_of_what(head: str, gap: str) -> None:
    for dialect in ("snowflake", "databricks"):
        assert [one.text for one in split(f"{head}{gap};SELECT 1", dialect)] == [head, "SELECT 1"]


@pytest.mark.parametrize("name", ["case.a", "t.case", "t . case", "s:case", "@case", "s:a.case"])
def test_a_keyword_that_is_part_of_a_longer_name_is_none(name: str) -> None:
    script = f"BEGIN SELECT {name} FROM t; END"
    assert [one.text for one in split(f"{script};SELECT 1", "snowflake")] == [script, "SELECT 1"]


def test_a_keyword_with_a_dot_begins_no_statement() -> None:
    for script in ("begin.a;", "SELECT 1;end.b", "declare.c"):
        with pytest.raises(SplitError, match="Expected a statement"):
            split(script, "snowflake")


def test_begin_inside_a_statement_of_a_block_opens_none() -> None:
    for dialect in ("snowflake", "databricks"):
        assert len(split("BEGIN SELECT a begin FROM t; END; SELECT 1", dialect)) == 2


def test_only_the_whole_word_before_an_end_makes_it_a_name() -> None:
    assert len(split("BEGIN SELECT 1 AS END; END;", "snowflake")) == 1
    with pytest.raises(SplitError, match="END has no semicolon before it"):
        split("BEGIN SELECT 1 x_AS END; END;", "snowflake")


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
        ("/* @s/*.csv */" * 20_000 + "SELECT 1; SELECT 2", "snowflake"),
        ("SELECT 1 " + "/* @s/*.csv */" * 20_000 + "; SELECT 2", "snowflake"),
        ("SELECT 1 " + "+ {" + " " * 200_000 + ", <a" * 20_000 + "; SELECT 2", "snowflake"),
        ("SELECT 1 " + ", immediate" * 20_000 + "; SELECT 2", "snowflake"),
        ("BEGIN " + "DECLARE EXIT HANDLER FOR a, NOT FOUND SET x = 1; " * 5_000 + "END; SELECT 2", "databricks"),
        ("BEGIN DECLARE EXIT HANDLER FOR a" + ", a" * 50_000 + " l: BEGIN END l; END; SELECT 2", "databricks"),
    ],
    ids=["quotes", "backslashes", "blanks", "comments", "nested", "glued", "blocks", "cases", "arguments", "empty"]
    + ["nested gaps", "nested", "placeholders", "immediate", "handlers", "conditions"],
)
def test_monsters_take_linear_time(script: str, dialect: str) -> None:
    # Quadratic time would take minutes for each.
    assert len(split(script, dialect)) == 2
