# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A script cut into its statements, or refused.

A script that is cut in the wrong place runs half a procedure. So whatever could be read in two ways, or is left open, is
refused with its line and column before anything runs.

The scanner walks through the script once. Outside blocks it looks for nothing but what can open a literal or a comment
and for semicolons. Inside blocks it reads every word: C(IF), C(CASE), C(END) and their like are keywords only where a
statement begins.
"""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    COMMENT,
    MARK,
    NAME,
    WORD,
    Dialect,
    Token,
    Unreadable,
    dialect_named,
    keyword,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement


class SplitError(Failure):
    """The script can't be cut into statements for certain; nothing of it should run."""

    code = "split_error"


def split(text: str, dialect: str) -> list[Statement]:
    """The statements of a script.

    Between them stand only white space, comments and semicolons.

    :param dialect: C(snowflake) or C(databricks)
    :raises SplitError: with C(line) and C(column), from 1, in its details; it never quotes the script
    """
    try:
        return _Splitter(text, dialect_named(dialect)).run()
    except Unreadable as error:
        line = text.count("\n", 0, error.at) + 1
        column = error.at - text.rfind("\n", 0, error.at)
        raise SplitError(
            f"{error.what} at line {line}, column {column}.", hint=error.hint, line=line, column=column
        ) from None


@dataclasses.dataclass(slots=True)
class _Frame:
    """A block or control statement that is open.

    :ivar opener: the keyword that opened it; C(DECLARE) until the BEGIN of the same block
    :ivar at: offset of that keyword
    :ivar verb: first word of the statement that it stands in
    :ivar label: the label before it, in lower case
    :ivar handles: whether the exception handlers of the block have begun
    """

    opener: str
    at: int
    verb: str
    label: str | None
    handles: bool = False


class _Splitter:
    def __init__(self, text: str, rules: Dialect) -> None:
        self._text = text
        self._rules = rules
        self._snowflake = rules.name == "snowflake"
        self._frames: list[_Frame] = []

    def run(self) -> list[Statement]:
        text = self._text
        self._check_characters()
        statements: list[Statement] = []
        line, counted = 1, 0
        position = 1 if text.startswith("\ufeff") else 0
        while (start := self._skip_gap(position)) < len(text):
            end, position = self._read_statement(start)
            line += text.count("\n", counted, start)
            counted = start
            statements.append(
                Statement(
                    script=text,
                    dialect=self._rules.name,
                    index=len(statements) + 1,
                    start=start,
                    length=end - start,
                    line=line,
                )
            )
        return statements

    def _check_characters(self) -> None:
        at = self._text.find("\0")
        if at < 0 and not self._text.isascii() and (surrogate := _SURROGATE.search(self._text)):
            at = surrogate.start()
        if at >= 0:
            raise Unreadable("A character that is no text stands", at, "Save the script as UTF-8 text.")

    def _skip_gap(self, position: int) -> int:
        while True:
            code = _NOT_BLANK.search(self._text, position)
            if code is None:
                return len(self._text)
            position = code.start()
            comment = _COMMENT_START.match(self._text, position) and self._rules.signs.match(self._text, position)
            if not comment:
                return position
            _kind, position = self._rules.skip(self._text, comment)

    def _read_statement(self, start: int) -> tuple[int, int]:
        """The end of the statement's last token, and the offset behind its semicolon."""
        self._uncommented = self._code_end = start
        opener = _OPENER.match(self._text, start)
        if opener:
            verb, kind = opener[1].upper(), opener[2].upper()
            if verb not in _SPECIAL_OPENERS or (verb in _DEFINING and kind and kind not in _SPECIAL_KINDS):
                return self._read_plain(opener.end())
        self._start_statement()
        return self._read_special(start)

    def _read_plain(self, position: int) -> tuple[int, int]:
        """Read on in a statement that can't hold a block."""
        text, rules = self._text, self._rules
        while match := rules.signs.search(text, position):
            at, position = match.span()
            if text[at] == ";":
                return self._end_of_code(at), position
            if position - at > 1 and text[at] in rules.whole:
                continue
            kind, position = rules.skip(text, match)
            if kind == COMMENT:
                self._pass_comment(at, position)
        return self._end_of_code(len(text)), len(text)

    def _read_special(self, position: int) -> tuple[int, int]:
        """Read a statement that may hold a block, word by word where that matters."""
        text, rules = self._text, self._rules
        self._watch = True
        while self._watch:
            # Between the keywords of a block most words decide nothing.
            every = self._fresh or self._body_follows or self._body is _KIND
            match = (rules.tokens if every else rules.keywords).search(text, position)
            if match and text[match.start()] != ";":
                at = match.start()
                kind, position = rules.skip(text, match)
                if kind == COMMENT:
                    self._pass_comment(at, position)
                else:
                    position = self._read_token(kind, at, position)
                continue
            at, position = match.span() if match else (len(text), len(text))
            if not self._frames:
                if self._body_follows:
                    raise Unreadable("A definition has no body before its end", at, "Add what follows its AS.")
                return self._end_of_code(at), position
            if not match:
                frame = self._frames[-1]
                raise Unreadable(f"{frame.opener} is not closed; it stands", frame.at, "Add its END.")
            self._end_inner_statement(at)
        return self._read_plain(position)

    def _pass_comment(self, start: int, end: int) -> None:
        self._code_end = self._end_of_code(start)
        self._uncommented = end

    def _end_of_code(self, position: int) -> int:
        """Where the last token before an offset ends that no comment begins before."""
        while position > self._uncommented and self._text[position - 1].isspace():
            position -= 1
        return position if position > self._uncommented else self._code_end

    # --- one statement, at any depth ---

    def _start_statement(self) -> None:
        self._fresh = True
        self._verb = ""
        self._label: str | None = None
        self._parentheses = 0
        # Offsets of the CASE expressions that are open.
        self._cases: list[int] = []
        # What ends the condition or query of a control statement: THEN, DO, or END for UNTIL.
        self._header = ""
        # Words that come right before the body of a CREATE; KIND while it is unknown whether there can be one.
        self._body: frozenset[str] = _NONE
        self._body_follows = False
        self._handler = False

    def _end_inner_statement(self, at: int) -> None:
        frame = self._frames[-1]
        if self._header:
            raise Unreadable(f"A semicolon stands before the {self._header} of {frame.opener}", at, _CHECK_BLOCK)
        if self._cases:
            raise Unreadable("CASE is not closed before the semicolon; it stands", self._cases[-1], "Add its END.")
        if self._parentheses:
            raise Unreadable("A parenthesis is not closed before the semicolon", at, "Close it.")
        if self._label is not None:
            raise Unreadable("A label has nothing to name", at, _CHECK_BLOCK)
        self._start_statement()

    def _read_token(self, kind: str, start: int, end: int) -> int:
        """Take a token into account; the offset to read on from."""
        word = self._text[start] if kind == MARK else ""
        if kind == WORD:
            word = keyword(self._text[start:end])
            if not word.isascii() and word.upper().isascii():
                raise Unreadable("A word holds a letter that some read as an ASCII one", start, "Use ASCII letters.")
            # Part of a longer name, a variable, a path into a document, a stage.
            if self._text.startswith(".", end) or (not self._fresh and self._before(start) in _BEFORE_NAME):
                word = _SOME_NAME
        follow = self._start_with if self._fresh else self._go_on_with
        self._fresh = False
        return follow(kind, word, start, end)

    def _before(self, position: int) -> str:
        """The word before an offset, or the character if it belongs to none."""
        text = self._text
        start = position = self._end_of_code(position)
        while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        return keyword(text[start:position]) if start < position else text[position - 1 : position]

    def _start_with(self, kind: str, word: str, start: int, end: int) -> int:
        if not self._snowflake and kind in (WORD, NAME) and (colon := _LABEL_COLON.match(self._text, end)):
            self._label = self._name(Token(kind, start, end))
            self._fresh = True
            return colon.end()
        self._verb = word
        self._parentheses = int(word == "(")
        if self._label is not None and word not in _LABELLED:
            raise Unreadable("A label stands before what can't have one", start, _CHECK_BLOCK)
        if not self._frames:
            return self._start_piece_with(kind, word, start, end)
        frame = self._frames[-1]
        if frame.opener == "DECLARE":
            if word == "BEGIN":
                self._verb = self._frames.pop().verb
                return self._open_block(frame.at, end, body=True)
            self._body = _KIND
        elif word in _CONTROL:
            return self._control(frame, word, start, end)
        elif word in _WITH_BODY:
            self._body = _KIND
        return end

    def _start_piece_with(self, kind: str, word: str, start: int, end: int) -> int:
        if (kind != WORD and word != "(") or word == _SOME_NAME:
            raise Unreadable("What is no statement begins", start, "Check what stands before it.")
        if word in _ONLY_IN_BLOCKS:
            raise Unreadable(f"{word} stands outside a block", start, _CHECK_BLOCK)
        if word == "DELIMITER":
            raise Unreadable("A command of a client (DELIMITER) stands", start, "Remove it: it is no SQL.")
        if word == "BEGIN":
            end = self._open_block(start, end, body=False)
        elif word == "DECLARE" and self._snowflake:
            self._open("DECLARE", start)
        elif word in _LABELLED:
            raise Unreadable(f"{word} stands outside a block", start, _CHECK_BLOCK)
        elif word in _WITH_BODY:
            self._body = _KIND
        self._watch = bool(self._frames) or bool(self._body)
        return end

    def _control(self, frame: _Frame, word: str, start: int, end: int) -> int:
        """A keyword where a statement of a block begins."""
        if word == "END":
            return self._close(start, end)
        if word == "BEGIN":
            return self._open_block(start, end, body=False)
        if word == "DECLARE":
            if self._snowflake:
                self._open(word, start)
        elif word in ("IF", "CASE", "FOR", "WHILE", "LOOP", "REPEAT"):
            self._open(word, start)
            self._await(_HEADERS.get(word, ""))
        elif (word == "ELSEIF" and frame.opener == "IF") or (
            word == "WHEN" and (frame.opener == "CASE" or frame.handles)
        ):
            self._await("THEN")
        elif word == "ELSE" and frame.opener in ("IF", "CASE"):
            self._start_statement()
        elif word == "UNTIL" and frame.opener == "REPEAT":
            self._await("END")
        elif word == "EXCEPTION" and frame.opener == "BEGIN" and not frame.handles and self._snowflake:
            frame.handles = True
            self._start_statement()
        else:
            raise Unreadable(f"{word} stands where {frame.opener} can't have it", start, _CHECK_BLOCK)
        return end

    def _await(self, header: str) -> None:
        """Read a condition or a query up to the word that ends it."""
        self._header = header
        self._fresh = not header

    def _go_on_with(self, kind: str, word: str, start: int, end: int) -> int:
        if word == "(":
            self._parentheses += 1
        elif word == ")":
            self._parentheses -= 1
            if self._parentheses < 0:
                raise Unreadable("A parenthesis is closed that was not opened", start, "Remove it, or open it.")
        if self._body_follows:
            self._body_follows = False
            if word == "BEGIN":
                return self._open_block(start, end, body=True)
            if word == "DECLARE" and self._snowflake:
                self._open("DECLARE", start)
                return end
        if self._body and self._parentheses == (word == "("):
            self._look_for_body(word, start)
        if self._frames:
            return self._go_on_in_block(word, start, end)
        self._watch = bool(self._body) or self._body_follows
        return end

    def _look_for_body(self, word: str, start: int) -> None:
        if self._body is _KIND:
            if self._verb == "WITH":
                # WITH name AS PROCEDURE: anything else behind the first AS is a query.
                if self._before(start) == "AS":
                    self._body = _BODIES.get(word, _NONE)
            elif word not in _MODIFIERS:
                self._body = _BODIES.get(word, _NONE)
        elif word in self._body and self._before(start) != "EXECUTE":
            self._body, self._body_follows = _NONE, True
        elif word == "RETURN":
            self._body = _NONE

    def _go_on_in_block(self, word: str, start: int, end: int) -> int:
        plain = not self._cases and not self._parentheses
        if word == "CASE":
            self._cases.append(start)
        elif word == "END":
            if self._cases:
                self._cases.pop()
            elif self._header == "END" and plain:
                return self._close(start, end)
            elif self._before(start) != "AS" and _SEEMS_CLOSING.match(self._text, end):
                raise Unreadable("END has no semicolon before it, or is a name without quotes", start, _CHECK_BLOCK)
        elif not plain:
            pass
        elif self._header and (word == self._header or (self._snowflake and self._header == "DO" and word == "LOOP")):
            self._start_statement()
        elif word in ("THEN", "ELSE", "ELSEIF") and (self._header or self._verb not in _HAVE_THEN):
            raise Unreadable(f"{word} stands inside a statement that has none", start, _CHECK_BLOCK)
        elif word == "HANDLER" and self._verb == "DECLARE":
            self._handler = True
        elif word == "BEGIN" and self._handler:
            return self._open_block(start, end, body=True)
        return end

    # --- blocks ---

    def _open(self, opener: str, at: int) -> None:
        self._frames.append(_Frame(opener, at, self._verb, self._label))
        self._start_statement()

    def _open_block(self, at: int, end: int, *, body: bool) -> int:
        """Take a BEGIN into account, which opens a block or is a statement that begins a transaction.

        :param body: it can only be a block
        """
        following = self._peek(end)
        word = self._word(following)
        if following is None:
            raise Unreadable("BEGIN is not closed; it stands", at, "Add its END.")
        if word in ("TRANSACTION", "WORK", "NAME", ";"):
            certain = word == "TRANSACTION" or (self._snowflake and (word != ";" or not self._frames))
            if body or not certain or self._word(self._peek(following.end)) == ":":
                raise Unreadable("BEGIN can be read as a block and as a transaction", at, "Write BEGIN TRANSACTION.")
            return end
        if not self._snowflake:
            for optional in ("NOT", "ATOMIC"):
                if word == optional and following is not None:
                    end = following.end
                    following = self._peek(end)
                    word = self._word(following)
        self._open("BEGIN", at)
        return end

    def _close(self, at: int, end: int) -> int:
        """Close the innermost frame with an END, which must name it and be the end of a statement."""
        frame = self._frames[-1]
        closers = _CLOSERS[frame.opener] | (_CLOSERS_SNOWFLAKE.get(frame.opener, _NONE) if self._snowflake else _NONE)
        following = self._peek(end)
        word = self._word(following)
        if frame.opener == "REPEAT" and self._header != "END":
            raise Unreadable("REPEAT has no UNTIL before its END; it stands", frame.at, _CHECK_BLOCK)
        if following is not None and word in _NAMED_ENDS:
            if word not in closers:
                raise Unreadable(f"END {word} closes {frame.opener}", at, _CHECK_BLOCK)
            end = following.end
            following = self._peek(end)
            word = self._word(following)
        elif "" not in closers:
            raise Unreadable(f"END without {frame.opener} closes {frame.opener}", at, _CHECK_BLOCK)
        self._frames.pop()
        resumes = not self._frames and frame.verb == "WITH" and word in ("CALL", ",")
        if following is not None and following.kind in (WORD, NAME) and not resumes:
            label = self._name(following)
            if word in _ONE_WORD_STATEMENTS if self._snowflake else label != frame.label:
                raise Unreadable("END is followed by what is not its label", following.start, "Put ; behind the END.")
            end = following.end
            following = self._peek(end)
            word = self._word(following)
        if word != ";" and not resumes and (self._frames or following is not None):
            raise Unreadable("END is not followed by a semicolon; it stands", at, "Put ; behind it.")
        self._start_statement()
        self._fresh = False
        self._watch = bool(self._frames)
        return end

    def _peek(self, position: int) -> Token | None:
        return next((token for token in self._rules.read(self._text, position) if token.kind != COMMENT), None)

    def _word(self, token: Token | None) -> str:
        if token is None or token.kind not in (WORD, MARK):
            return ""
        return keyword(self._text[token.start : token.end])

    def _name(self, token: Token) -> str:
        return self._rules.value(self._text, token).lower()


_CHECK_BLOCK = "Check the blocks of the script; put names that are keywords into quotes."
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_BLANK = re.compile(r"[^\s;]")
# The first two words, the second one perhaps empty. What a colon follows may be a label.
_OPENER = re.compile(r"([A-Za-z]+)\s+(?![\s:])([A-Za-z]*)\b")
_COMMENT_START = re.compile(r"--|/[/*]")
_LABEL_COLON = re.compile(r"\s*:(?![:=])")
# A semicolon, with or without a keyword or label before it, or the end of the script.
_SEEMS_CLOSING = re.compile(r"\s*(?:[\w\"`$]+\s*)?(?:;|--|/[/*]|\Z)")

_SOME_NAME = "?"
_NONE: frozenset[str] = frozenset()
_KIND = frozenset(["KIND"])
_BEFORE_NAME = frozenset(".:@$")
_LABELLED = frozenset("BEGIN FOR LOOP REPEAT WHILE".split())
_ONLY_IN_BLOCKS = frozenset(
    """
    BREAK CASE CONTINUE ELSE ELSEIF END EXCEPTION IF ITERATE LEAVE LET RAISE RETURN THEN UNTIL WHEN
    """.split()
)
_CONTROL = frozenset(
    """
    BEGIN CASE DECLARE DO ELSE ELSEIF END EXCEPTION FOR IF LOOP REPEAT THEN UNTIL WHEN WHILE
    """.split()
)
_HEADERS = {"IF": "THEN", "CASE": "THEN", "FOR": "DO", "WHILE": "DO"}
_CLOSERS = {
    "BEGIN": frozenset([""]),
    "CASE": frozenset(["CASE"]),
    "FOR": frozenset(["FOR"]),
    "IF": frozenset(["IF"]),
    "LOOP": frozenset(["LOOP"]),
    "REPEAT": frozenset(["REPEAT"]),
    "WHILE": frozenset(["WHILE"]),
}
_CLOSERS_SNOWFLAKE = {"CASE": frozenset([""]), "FOR": frozenset(["LOOP"]), "WHILE": frozenset(["LOOP"])}
_NAMED_ENDS = frozenset("CASE FOR IF LOOP REPEAT WHILE".split())
_ONE_WORD_STATEMENTS = frozenset("BEGIN BREAK COMMIT CONTINUE END EXIT NULL RAISE RETURN ROLLBACK".split())
_HAVE_THEN = frozenset("ALTER CREATE EXPLAIN INSERT MERGE WITH".split())
_DEFINING = frozenset(["ALTER", "CREATE"])
_WITH_BODY = _DEFINING | {"WITH"}
_SPECIAL_OPENERS = _ONLY_IN_BLOCKS | _LABELLED | _WITH_BODY | {"DECLARE", "DELIMITER"}
_MODIFIERS = frozenset("OR REPLACE ALTER TEMP TEMPORARY SECURE EXTERNAL AGGREGATE".split())
# The object kinds whose definition can be a block without quotes, and the words that come right before it.
_BODIES = {
    "ALERT": frozenset(["ACTION", "THEN"]),
    "FUNCTION": frozenset(["AS"]),
    "PROCEDURE": frozenset(["AS"]),
    "TASK": frozenset(["AS"]),
}
_SPECIAL_KINDS = _MODIFIERS | _BODIES.keys()
