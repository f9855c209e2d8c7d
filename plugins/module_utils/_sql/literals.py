# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Literals in what a platform says: left out as a whole, whether they look like a credential or not. Names stay.

A platform quotes the statement that it refuses, or one inside a procedure that nobody here has seen.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._redact import MASK, PART, Forms, cut, forms_of
from ansible_collections.community.immuta.plugins.module_utils._sql import forms
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    NAME,
    STRING,
    WORD,
    Dialect,
    Unreadable,
    dialect_named,
)


def withhold(message: str, text: str, dialect: str) -> str:
    """Return a platform's message without literals.

    :param text: the statement or the script that it is about
    :param dialect: C(snowflake) or C(databricks)
    """
    known = _Known(dialect_named(dialect))
    known.read(text)
    message = known.withhold(message)
    return _by_form(_Quoted(known.names).withhold(message), known.names)


class _Known:
    """The literals of a script, and its names.

    :ivar names: in upper case
    """

    def __init__(self, rules: Dialect) -> None:
        self._rules = rules
        self._literals: dict[str, None] = {}
        self.names: set[str] = set()

    def read(self, text: str) -> None:
        """Add those of a text; what can't be read for certain is left to the quotes in the message."""
        last: list[str] = ["", ""]
        try:
            for token in self._rules.read(text):
                here = text[token.start : token.end]
                value = self._rules.value(text, token) if token.kind in (STRING, NAME, WORD) else here
                if token.kind in (NAME, WORD) or (token.kind == STRING and last == ["IDENTIFIER", "("]):
                    self.names |= {value.upper(), *value.upper().split(".")}
                elif token.kind == STRING and here.startswith("$$"):
                    # The code of a procedure has names and literals of its own.
                    self.read(value)
                elif token.kind == STRING:
                    self._literals.update(dict.fromkeys((value, here[1:-1])))
                last = [last[1], here.upper()]
        except Unreadable:
            pass

    def withhold(self, message: str) -> str:
        """Return the message without these literals, however they are written, and without long parts of them."""
        literals = [one for one in self._literals if one.strip() and one.upper() not in self.names]
        words = {one.lower() for one in literals if _WORD.fullmatch(one)}
        # A word is a literal only as a whole.
        message = _WORD.sub(lambda found: MASK if found.group().lower() in words else found.group(), message)
        others = Forms(form for one in literals if not _WORD.fullmatch(one) for form in forms_of(one, folded=True))
        named = [found.span() for found in _WORD.finditer(message) if found.group().upper() in self.names]
        parts = [
            (start, end)
            for start, end in others.parts(message)
            if not _PROSE.fullmatch(message, start, end) and not any(a <= start and end <= b for a, b in named)
        ]
        return cut(message, [*others.whole(message), *parts])


class _Quoted:
    """Masks what a message has in quotes, unless it is a name.

    :param names: in upper case
    """

    def __init__(self, names: t.Collection[str]) -> None:
        self._names = names
        self._kept = True

    def withhold(self, message: str) -> str:
        """Return the message with the names in quotes only."""
        return _QUOTED.sub(self._replace, message)

    def _replace(self, found: re.Match[str]) -> str:
        kind = found.lastgroup or ""
        inside = found[kind]
        before = found.string[: found.start()].rstrip()
        # Of several in a row, all are what the first one is.
        self._kept = self._is_name(inside, before) and (self._kept or not before.endswith(","))
        quotes = {"single": "'", "double": '"'}.get(kind, "''")
        return found.group() if self._kept or not inside else f"{quotes}{MASK}{quotes}"

    def _is_name(self, inside: str, before: str) -> bool:
        if inside.upper() in self._names:
            return True
        return bool(_NAME_LIKE.fullmatch(inside)) and (not _OPERATOR.search(before) or bool(_HOST.search(before)))


def _by_form(message: str, names: t.Collection[str]) -> str:
    def is_told(start: int, end: int) -> bool:
        # "Invalid token: expired"
        return message[start:end].rstrip(".!?").isalpha() and bool(_TOLD.search(message, 0, start))

    spans = [span for span in forms.spans(message) if message[slice(*span)].upper() not in names and not is_told(*span)]
    return cut(message, spans)


_WORD = re.compile(r"[^\W_](?:\w*[^\W_])?|\w+")
_PROSE = re.compile(f"[A-Za-z ]{{{PART}}}")
# An apostrophe within a word opens nothing; the quotes of a literal that is quoted again are doubled.
_QUOTED = re.compile(
    r"(?<![\w'])(?:(?P<twice>'{2,3})(?!['\s,;.)]|\Z)(?P<again>(?:(?!(?P=twice)).)*)(?:(?P=twice)|\Z)"
    r"|'(?P<single>(?:\\.|''|[^'\\])*)(?:'|\Z))"
    r"|(?<![\w\"])\"(?P<double>(?:\\.|\"\"|[^\"\\])*)(?:\"|\Z)",
    re.DOTALL,
)
_PART = r"(?:[\w$@+/-]+|\"[^\"]+\"|`[^`]+`)"
_NAME_LIKE = re.compile(rf"{_PART}(?:\.{_PART})*|<EOF>|\*{{8}}|[^\w\s]{{1,2}}")
# After these comes a literal: an operator, or the name of a member in JSON, or a word for a credential.
_OPERATOR = re.compile(rf"(?:[=(|>+]|['\"]\s*:|{forms.KEY_WORDS}['\"]?:?|\bBY)\Z", re.IGNORECASE)
_TOLD = re.compile(r"(?::|\bIS:?)\s*\Z", re.IGNORECASE)
# The clients name the host that can't be reached.
_HOST = re.compile(r"\bhost=\Z")
