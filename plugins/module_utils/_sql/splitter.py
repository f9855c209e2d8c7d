# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a script to find the ends of its statements.

The splitter reads the script once. Outside blocks it searches only for semicolons and for the start of literals and
comments. Inside blocks it reads every word: C(IF), C(CASE), C(END) and the like are keywords only at the start of a
statement.
"""

from __future__ import annotations

import re

from ansible_collections.community.immuta.plugins.module_utils._sql.blocks import (
    BEFORE_NAME,
    BODIES,
    CLIENT_COMMANDS,
    CLOSERS,
    CLOSERS_SNOWFLAKE,
    CONTROL,
    DEFINING,
    HAVE_THEN,
    HEADERS,
    KIND,
    LABELLED,
    MODIFIERS,
    NAMED_ENDS,
    NONE,
    ONE_WORD_STATEMENTS,
    ONLY_IN_BLOCKS,
    SOME_NAME,
    SPECIAL_KINDS,
    SPECIAL_OPENERS,
    WITH_BODY,
    Frame,
    State,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    COMMENT,
    MARK,
    NAME,
    WORD,
    Dialect,
    Token,
    Unreadable,
    keyword,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement


class Splitter:
    """One reading of a script.

    :param rules: how strings and comments are read
    """

    def __init__(self, text: str, rules: Dialect) -> None:
        self._text = text
        self._rules = rules
        self._snowflake = rules.name == "snowflake"
        self._frames: list[Frame] = []
        self._state = State()
        # Whether a block may still start or end in the statement that is read.
        self._watch = False
        # Offset after the last comment, and the end of the code before it.
        self._uncommented = self._code_end = 0

    def run(self) -> list[Statement]:
        """Return the statements.

        :raises Unreadable: the script can't be split with certainty
        """
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
            raise Unreadable("Invalid character", at, "Save the script as UTF-8 text.")

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
        """Return the end of the last token of the statement, and the offset after its semicolon."""
        self._uncommented = self._code_end = start
        opener = _OPENER.match(self._text, start)
        if opener:
            verb, kind = opener[1].upper(), opener[2].upper()
            if verb not in SPECIAL_OPENERS or (verb in DEFINING and kind and kind not in SPECIAL_KINDS):
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
            # Between the keywords of a block, most words are irrelevant.
            every = self._state.fresh or self._state.body_follows or self._state.body is KIND
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
                if self._state.body_follows:
                    raise Unreadable("Definition without a body", at, "Add what follows its AS.")
                return self._end_of_code(at), position
            if not match:
                frame = self._frames[-1]
                raise Unreadable(f"{frame.opener} without END", frame.at, "Add its END.")
            self._end_inner_statement(at)
        return self._read_plain(position)

    def _pass_comment(self, start: int, end: int) -> None:
        self._code_end = self._end_of_code(start)
        self._uncommented = end

    def _end_of_code(self, position: int) -> int:
        """Return the end of the last code token before C(position), skipping comments."""
        while position > self._uncommented and self._text[position - 1].isspace():
            position -= 1
        return position if position > self._uncommented else self._code_end

    # --- one statement, at any depth ---

    def _start_statement(self) -> None:
        self._state = State()

    def _end_inner_statement(self, at: int) -> None:
        frame = self._frames[-1]
        if self._state.header:
            raise Unreadable(f"Semicolon before the {self._state.header} of {frame.opener}", at, _CHECK_BLOCK)
        if self._state.cases:
            raise Unreadable("CASE without END before the semicolon", self._state.cases[-1], "Add its END.")
        if self._state.parentheses:
            raise Unreadable("A parenthesis is not closed before the semicolon", at, "Close it.")
        if self._state.label is not None:
            raise Unreadable("Label without a statement", at, _CHECK_BLOCK)
        self._start_statement()

    def _read_token(self, kind: str, start: int, end: int) -> int:
        """Process a token, and return the offset to read on from."""
        word = self._text[start] if kind == MARK else ""
        if kind == WORD:
            word = keyword(self._text[start:end])
            if not word.isascii() and word.upper().isascii():
                raise Unreadable(
                    "A word has a letter that some parsers read as an ASCII letter", start, "Use ASCII letters."
                )
            # Part of a longer name, a variable, a path into a document, a stage.
            if self._text.startswith(".", end) or (not self._state.fresh and self._before(start) in BEFORE_NAME):
                word = SOME_NAME
        follow = self._start_with if self._state.fresh else self._go_on_with
        self._state.fresh = False
        return follow(kind, word, start, end)

    def _before(self, position: int) -> str:
        """Return the word before an offset, or the character if it is not part of a word."""
        text = self._text
        start = position = self._end_of_code(position)
        while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        return keyword(text[start:position]) if start < position else text[position - 1 : position]

    def _start_with(self, kind: str, word: str, start: int, end: int) -> int:
        if not self._snowflake and kind in (WORD, NAME) and (colon := _LABEL_COLON.match(self._text, end)):
            self._state.label = self._name(Token(kind, start, end))
            self._state.fresh = True
            return colon.end()
        self._state.verb = word
        self._state.parentheses = int(word == "(")
        if self._state.label is not None and word not in LABELLED:
            raise Unreadable("Label before a statement that can't have one", start, _CHECK_BLOCK)
        if not self._frames:
            return self._start_piece_with(kind, word, start, end)
        frame = self._frames[-1]
        if frame.opener == "DECLARE":
            if word == "BEGIN":
                self._state.verb = self._frames.pop().verb
                return self._open_block(frame.at, end, body=True)
            self._state.body = KIND
        elif word in CONTROL:
            return self._control(frame, word, start, end)
        elif word in WITH_BODY:
            self._state.body = KIND
        return end

    def _start_piece_with(self, kind: str, word: str, start: int, end: int) -> int:
        if (kind != WORD and word != "(") or word == SOME_NAME:
            raise Unreadable("Expected a statement", start, "Check the text before it.")
        if word in ONLY_IN_BLOCKS:
            raise Unreadable(f"{word} outside a block", start, _CHECK_BLOCK)
        if word in CLIENT_COMMANDS[self._rules.name]:
            raise Unreadable(f"Client command ({word})", start, "Remove it: a client runs it, not the platform.")
        if word == "BEGIN":
            end = self._open_block(start, end, body=False)
        elif word == "DECLARE" and self._snowflake:
            self._open("DECLARE", start)
        elif word in WITH_BODY:
            self._state.body = KIND
        self._watch = bool(self._frames) or bool(self._state.body)
        return end

    def _control(self, frame: Frame, word: str, start: int, end: int) -> int:
        """Process a keyword at the start of a statement of a block."""
        if word == "BEGIN":
            return self._open_block(start, end, body=self._state.handler)
        if self._state.handler:
            raise Unreadable(f"Unexpected {word} in a handler", start, _CHECK_BLOCK)
        if word == "END":
            return self._close(start, end)
        if word == "DECLARE":
            if self._snowflake:
                self._open(word, start)
        elif word in ("IF", "CASE", "FOR", "WHILE", "LOOP", "REPEAT"):
            self._open(word, start)
            self._await(HEADERS.get(word, ""))
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
            raise Unreadable(f"Unexpected {word} in {frame.opener}", start, _CHECK_BLOCK)
        return end

    def _await(self, header: str) -> None:
        """Read a condition or a query up to the word that ends it."""
        self._state.header = header
        self._state.fresh = not header

    def _go_on_with(self, kind: str, word: str, start: int, end: int) -> int:
        if word == "(":
            self._state.parentheses += 1
        elif word == ")":
            self._state.parentheses -= 1
            if self._state.parentheses < 0:
                raise Unreadable("Unexpected closing parenthesis", start, "Remove it, or open it.")
        if self._state.body_follows:
            self._state.body_follows = False
            if word == "BEGIN":
                return self._open_block(start, end, body=True)
            if word == "DECLARE" and self._snowflake:
                self._open("DECLARE", start)
                return end
        if self._state.body and self._state.parentheses == (word == "("):
            self._look_for_body(word, start)
        if self._frames:
            return self._go_on_in_block(word, start, end)
        self._watch = bool(self._state.body) or self._state.body_follows
        return end

    def _look_for_body(self, word: str, start: int) -> None:
        if self._state.body is KIND:
            if self._state.verb == "WITH":
                # WITH name AS PROCEDURE: anything else behind the first AS is a query.
                if self._before(start) == "AS":
                    self._state.body = BODIES.get(word, NONE)
            elif word not in MODIFIERS:
                self._state.body = BODIES.get(word, NONE)
        elif word in self._state.body and self._before(start) != "EXECUTE":
            self._state.body, self._state.body_follows = NONE, True
        elif word == "RETURN":
            self._state.body = NONE

    def _go_on_in_block(self, word: str, start: int, end: int) -> int:
        plain = not self._state.cases and not self._state.parentheses
        if word == "CASE":
            self._state.cases.append(start)
        elif word == "END":
            if self._state.cases:
                self._state.cases.pop()
            elif self._state.header == "END" and plain:
                return self._close(start, end)
            elif self._before(start) != "AS" and _SEEMS_CLOSING.match(self._text, end):
                raise Unreadable("END has no semicolon before it, or is a name without quotes", start, _CHECK_BLOCK)
        elif not plain:
            pass
        elif self._state.header and (
            word == self._state.header or (self._snowflake and self._state.header == "DO" and word == "LOOP")
        ):
            self._start_statement()
        elif word in ("THEN", "ELSE", "ELSEIF") and (self._state.header or self._state.verb not in HAVE_THEN):
            raise Unreadable(f"Unexpected {word} in a statement", start, _CHECK_BLOCK)
        elif word == "HANDLER" and self._state.verb == "DECLARE" and self._word(self._peek(end)) == "FOR":
            end = self._skip_conditions(end)
            self._state = State(handler=True)
        return end

    def _skip_conditions(self, position: int) -> int:
        """Return the offset after the conditions of a handler, which are names, NOT FOUND, and SQLSTATE with a literal."""
        awaited = True
        while following := self._peek(position):
            word = self._word(following)
            if word == ";" or not (awaited or word == ","):
                break
            awaited = word in ("FOR", ",", "NOT", "SQLSTATE", "VALUE")
            position = following.end
        return position

    # --- blocks ---

    def _open(self, opener: str, at: int) -> None:
        self._frames.append(Frame(opener, at, self._state.verb, self._state.label))
        self._start_statement()

    def _open_block(self, at: int, end: int, *, body: bool) -> int:
        """Process a BEGIN, which opens a block or starts a transaction.

        :param body: whether it can only be a block
        """
        following = self._peek(end)
        word = self._word(following)
        if following is None:
            raise Unreadable("BEGIN without END", at, "Add its END.")
        if word in ("TRANSACTION", "WORK", "NAME", ";"):
            certain = word == "TRANSACTION" or (self._snowflake and (word != ";" or not self._frames))
            if body or not certain or self._word(self._peek(following.end)) == ":":
                raise Unreadable("BEGIN can be read as a block or as a transaction", at, "Write BEGIN TRANSACTION.")
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
        """Close the innermost frame with an END, which must name it and end a statement."""
        frame = self._frames[-1]
        closers = CLOSERS[frame.opener] | (CLOSERS_SNOWFLAKE.get(frame.opener, NONE) if self._snowflake else NONE)
        following = self._peek(end)
        word = self._word(following)
        if frame.opener == "REPEAT" and self._state.header != "END":
            raise Unreadable("REPEAT without UNTIL before its END", frame.at, _CHECK_BLOCK)
        if following is not None and word in NAMED_ENDS:
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
            if word in ONE_WORD_STATEMENTS if self._snowflake else label != frame.label:
                raise Unreadable(
                    "END is followed by something other than its label", following.start, "Put ; after the END."
                )
            end = following.end
            following = self._peek(end)
            word = self._word(following)
        if word != ";" and not resumes and (self._frames or following is not None):
            raise Unreadable("END without a semicolon after it", at, "Put ; after it.")
        self._start_statement()
        self._state.fresh = False
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
