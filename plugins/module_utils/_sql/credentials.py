# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credentials in a script: found, and masked.

A literal is a credential by what names it (C(PASSWORD = 'x'), C('x-api-key' = 'x')), or by its own form (a URL with a
password, a private key). What only runs through C(secret('scope', 'key')) is none: these are names.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._redact import MASK
from ansible_collections.community.immuta.plugins.module_utils._sql import forms
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    COMMENT,
    MARK,
    NAME,
    STRING,
    WORD,
    Dialect,
    Token,
    Unreadable,
    dialect_named,
)


def secrets(text: str, dialect: str) -> list[str]:
    """Return the secrets in a script, as written and as the platform reads them.

    :param text: any text, also one that can't be split
    :param dialect: C(snowflake) or C(databricks)
    """
    found: dict[str, None] = {}
    for credential in _credentials(text, dialect_named(dialect)):
        found.update(dict.fromkeys(value for value in credential.values if value))
    return list(found)


def mask(text: str, dialect: str) -> str:
    """Return the text with every literal that holds a credential, and every other credential, replaced by asterisks.

    :param dialect: C(snowflake) or C(databricks)
    """
    parts = []
    copied = 0
    for start, end, _values in sorted(_credentials(text, dialect_named(dialect))):
        if start >= copied:
            parts += [text[copied:start], f"'{MASK}'" if text[start] in "'\"$" else MASK]
        copied = max(copied, end)
    return "".join([*parts, text[copied:]])


class _Credential(t.NamedTuple):
    """A credential by its place in a text, and what is secret in it."""

    start: int
    end: int
    values: tuple[str, ...]

    def moved(self, by: int) -> _Credential:
        return self._replace(start=self.start + by, end=self.end + by)


def _credentials(text: str, rules: Dialect) -> list[_Credential]:
    """Return all credentials, also those inside strings and comments."""
    reader = _Reader(text, rules)
    try:
        for token in rules.read(text):
            reader.take(token)
    except Unreadable:
        # Strings and code may have swapped: everything that looks like a credential is one.
        reader.found += [*_loose(text, 0, len(text), rules), *_by_form(text)]
    found = [one for one in reader.found if not (set(one.values) <= reader.names and text[one.start] not in "'\"$")]
    return found + (_set_without_quotes(text) if rules.name == "databricks" else [])


class _Reader:
    """Reads a text token by token, and collects credentials.

    :ivar found: the credentials
    :ivar names: the words and names of the code, which are no secrets where a comment has them
    """

    def __init__(self, text: str, rules: Dialect) -> None:
        self._text = text
        self._rules = rules
        self.found: list[_Credential] = []
        self.names: set[str] = set()
        # Whether the value of a credential may come next, and whether a sign says so.
        self._awaited = self._assigned = False
        # Whether it follows IDENTIFIED BY, perhaps without quotes.
        self._identified = False
        # How deep in the parentheses of that value, in which all literals count, and in any.
        self._depth = self._open = 0
        # The same after CREDENTIALS, and in secret(...), where none counts.
        self._group: int | None = None
        self._scope = 0
        # The last word, and the last token.
        self._word_before = self._last = ""

    def take(self, token: Token) -> None:
        """Read the next token."""
        here = self._text[token.start : token.end]
        if token.kind == COMMENT:
            self._comment(token, here)
            return
        if token.kind == STRING:
            self._string(token, here)
            self._identified = False
        elif token.kind == MARK:
            self._mark(here)
        else:
            self._word(token, here)
        self._last = here if token.kind in (MARK, WORD) else token.kind

    def _comment(self, token: Token, here: str) -> None:
        if not forms.possible(here):
            return
        stop = token.end - 2 if here.endswith("*/") else token.end
        self.found += _loose(self._text, token.start, stop, self._rules)
        self.found += [one.moved(token.start) for one in _by_form(self._text[token.start : stop])]

    def _string(self, token: Token, here: str) -> None:
        value = self._rules.value(self._text, token)
        if self._scope:
            return
        if (self._awaited or self._group) and not self._is_next_key(value):
            self._keep(token, here, value)
            # After a comma comes another one.
            self._assigned = True
        elif forms.is_key(value):
            self._await()
        elif forms.possible(value):
            self._inside(token, here, value)

    def _is_next_key(self, value: str) -> bool:
        """Return whether a literal is the next of several keys and values, as in C(('password', 'token'))."""
        return self._last == "," and not self._depth and not self._group and forms.is_key(value)

    def _inside(self, token: Token, here: str, value: str) -> None:
        """Find what is secret inside a literal, which is masked as a whole unless it is quoted by dollars."""
        if forms.ENDS_IN_KEY.search(value):
            # For example after an apostrophe in prose: what follows is not code, but the credential.
            line = _LINE_END.search(self._text, token.end)
            self.found += _loose(self._text, token.start, line.start() if line else len(self._text), self._rules)
        inner = [*_credentials(value, self._rules), *_by_form(value)]
        if here.startswith("$$"):
            self.found += [one.moved(token.start + 2) for one in inner]
        else:
            self.found += [_Credential(token.start, token.end, one.values) for one in inner]

    def _mark(self, here: str) -> None:
        self._open += (here in "([{") - (here in ")]}")
        if here in "([{":
            if self._scope or (self._last.upper() in _SCOPES):
                self._scope += 1
                self._awaited = self._awaited and self._assigned
            else:
                self._depth += self._awaited
        elif here in ")]}":
            if self._scope:
                self._scope -= 1
            elif self._awaited:
                self._depth -= 1
                self._awaited = self._depth >= 0
        elif here in "=:>":
            self._assigned = self._assigned or self._awaited
        elif here == ",":
            # A function may take keys and values by turns.
            by_turns = self._open > 0 and self._last == STRING and not self._assigned
            self._awaited = self._awaited and (self._depth > 0 or by_turns)
        elif here not in "|+." and not self._depth:
            self._awaited = False
        if self._group is not None:
            self._group += (here in "([{") - (here in ")]}")
            self._group = self._group if self._group or here in "=:" else None

    def _word(self, token: Token, here: str) -> None:
        value = self._rules.value(self._text, token)
        self.names.update((value, here))
        word = value.upper()
        quoted = token.kind == NAME and here[0] == '"' and self._awaited and self._assigned and self._last != STRING
        if quoted or (self._identified and word not in _BEFORE_VALUE):
            self._keep(token, here, value)
            self._identified = False
            return
        self._follow(word)
        self._word_before = word

    def _follow(self, word: str) -> None:
        """Decide what a word means for the literals after it."""
        if word in ("CREDENTIAL", "CREDENTIALS"):
            self._group = 0
        elif self._group == 0:
            self._group = None
        if word == "BY" and self._last.upper() == "IDENTIFIED":
            self._await()
            self._assigned = self._identified = True
        elif forms.is_key(word) or (self._last == "." and forms.is_key(f"{self._word_before}.{word}")):
            if not self._depth:
                self._await()
        elif self._last == "." and not self._assigned:
            # The end of a name, as in fs.azure.account.key.my-account
            pass
        elif not (self._awaited and (self._depth or word in _BEFORE_VALUE | _JOINING)):
            self._awaited = False

    def _await(self) -> None:
        self._awaited, self._assigned, self._depth = True, False, 0

    def _keep(self, token: Token, here: str, value: str) -> None:
        inner = here[2:-2] if here.startswith("$$") else here[1:-1] if here[0] in "'\"" else here
        parts = [part for one in _by_form(value) for part in one.values]
        self.found.append(_Credential(token.start, token.end, (inner, value, *parts)))
        self.names -= {here, value}


def _by_form(text: str) -> list[_Credential]:
    return [_Credential(start, end, tuple(forms.values(text[start:end]))) for start, end in forms.spans(text)]


def _set_without_quotes(text: str) -> list[_Credential]:
    """Return the values in C(SET a.password = x), which Databricks takes as they are written."""
    return [
        _Credential(*found.span("value"), (found["value"].strip(),))
        for found in _SET.finditer(text)
        if forms.is_key(found["name"])
    ]


def _loose(text: str, start: int, end: int, rules: Dialect) -> t.Iterator[_Credential]:
    """Yield everything that looks like a credential in quotes, up to the end of its line."""
    for match in forms.LOOSE.finditer(text, start, end):
        value = match["value"]
        bare = value.strip(_AROUND)
        # The end of the literal is uncertain: the end of the line, the next quote, or its own end.
        values = {bare, *_NO_QUOTE.findall(value)[:1]}
        with contextlib.suppress(Unreadable, StopIteration):
            token = next(rules.read(value))
            if token.kind == STRING:
                values |= {value[token.start + 1 : token.end - 1], rules.value(value, token)}
        yield _Credential(*match.span("value"), tuple(sorted(values)))


_NO_QUOTE = re.compile(r"[^'\"$]+")
_LINE_END = re.compile(r"[\r\n]")
_AROUND = "'\"$;, \t"
_SET = re.compile(r"^[ \t]*SET[ \t]+(?P<name>[\w.-]+)[ \t]*=[ \t]*(?P<value>[^\s;'\"$(][^\r\n;]*)", re.I | re.M)
# Words that may come between the key word and its value; R starts a raw string.
_BEFORE_VALUE = frozenset("DEFAULT PASSWORD R STRING TEXT VALUES VARCHAR".split())
# Functions that put a value together, or change its form.
_JOINING = frozenset(
    "BASE64 BASE64_ENCODE CAST COALESCE CONCAT CONCAT_WS FORMAT_STRING LOWER NVL TO_CHAR TRIM UPPER".split()
)
# Functions that read a secret by its name.
_SCOPES = frozenset(["SECRET", "TRY_SECRET"])
