# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credentials in a script: found, and masked."""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._redact import MASK
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    COMMENT,
    MARK,
    STRING,
    Dialect,
    Token,
    Unreadable,
    dialect_named,
)


def secrets(text: str, dialect: str) -> list[str]:
    """Return the string literals that hold a credential, as written and as the platform reads them.

    :param text: any text, also one that can't be split
    :param dialect: C(snowflake) or C(databricks)
    """
    found: dict[str, None] = {}
    for _start, _end, values in _credentials(text, dialect_named(dialect)):
        found.update(dict.fromkeys(value for value in values if value))
    return list(found)


def mask(text: str, dialect: str) -> str:
    """Return the text with every string literal that holds a credential replaced by asterisks.

    :param dialect: C(snowflake) or C(databricks)
    """
    parts = []
    copied = 0
    for start, end, _values in sorted(_credentials(text, dialect_named(dialect))):
        if start >= copied:
            parts += [text[copied:start], f"'{MASK}'"]
        copied = max(copied, end)
    return "".join([*parts, text[copied:]])


# Start and end of a literal, and the secrets in it.
_Credential = tuple[int, int, tuple[str, ...]]


def _credentials(text: str, rules: Dialect) -> list[_Credential]:
    """Return the literals that hold a credential, also those inside strings and comments."""
    found: list[_Credential] = []
    awaited = False
    # Depth of the parentheses after CREDENTIALS, in which every literal counts.
    group: int | None = None
    try:
        for token in rules.read(text):
            here = text[token.start : token.end]
            if token.kind == COMMENT:
                stop = token.end - 2 if here.endswith("*/") else token.end
                found += _loose_credentials(text, token.start, stop, rules)
            elif token.kind == STRING:
                value = rules.value(text, token)
                if awaited or group:
                    found.append((token.start, token.end, (here[1:-1], value)))
                elif _KEY.fullmatch(value):
                    awaited = True
                elif _HOLDS_KEY.search(value):
                    if _ENDS_IN_KEY.search(value):
                        # For example after an apostrophe in prose: what follows is not code, but the credential.
                        line = _LINE_END.search(text, token.end)
                        found += _loose_credentials(text, token.start, line.start() if line else len(text), rules)
                    found += _inner_credentials(token, here, _credentials(value, rules))
            elif token.kind == MARK:
                awaited = awaited and here in "=:>(|"
                if group is not None:
                    group += (here == "(") - (here == ")")
                    group = group if group or here == "=" else None
            else:
                word = rules.value(text, token).upper()
                awaited = _KEY.fullmatch(word) is not None or (awaited and word in _BEFORE_VALUE)
                if word in ("CREDENTIAL", "CREDENTIALS"):
                    group = 0
                elif group == 0:
                    group = None
    except Unreadable:
        # Strings and code may have swapped: everything that looks like a credential is one.
        found += _loose_credentials(text, 0, len(text), rules)
    return found


def _inner_credentials(token: Token, literal: str, inner: list[_Credential]) -> list[_Credential]:
    """Return the credentials inside a literal by their offsets in the script; a literal with escapes is masked as a whole."""
    if literal.startswith("$$"):
        shift = token.start + 2
        return [(start + shift, end + shift, values) for start, end, values in inner]
    return [(token.start, token.end, values) for _start, _end, values in inner]


def _loose_credentials(text: str, start: int, end: int, rules: Dialect) -> t.Iterator[_Credential]:
    """Yield everything that looks like a credential, up to the end of its line."""
    for match in _LOOSE.finditer(text, start, end):
        value = match["value"]
        bare = value.strip(_AROUND)
        # The end of the literal is uncertain: the end of the line, the next quote, or its own end.
        values = {bare, *_NO_QUOTE.findall(value)[:1]}
        with contextlib.suppress(Unreadable, StopIteration):
            token = next(rules.read(value))
            if token.kind == STRING:
                values |= {value[token.start + 1 : token.end - 1], rules.value(value, token)}
        yield match.start("value"), match.end("value"), tuple(sorted(values))


_KEY_WORDS = (
    r"(?:PASSWORD|PASSWD|PWD|PASSPHRASE|SECRET|SECRET_STRING|TOKEN|CREDENTIALS?"
    r"|(?:SECRET|PRIVATE|MASTER|ACCESS|ACCOUNT|API|SAS|ENCRYPTION)[_.]?KEY)"
)
# Only an anchored expression may allow letters before a key word: a search would read them again from each letter.
_KEY = re.compile(r"\w*" + _KEY_WORDS, re.IGNORECASE)
_HOLDS_KEY = re.compile(_KEY_WORDS, re.IGNORECASE)
_LOOSE = re.compile(_KEY_WORDS + r"\b['\"`]*[\s=:>(]*(?P<value>['\"$][^\r\n]*)", re.IGNORECASE)
_NO_QUOTE = re.compile(r"[^'\"$]+")
_ENDS_IN_KEY = re.compile(_KEY_WORDS + r"\b['\"`]*\s*[=:>]+[\s(]*\Z", re.IGNORECASE)
_LINE_END = re.compile(r"[\r\n]")
_AROUND = "'\"$;, \t"
# Words that may come between the key word and its value; R starts a raw string.
_BEFORE_VALUE = frozenset("DEFAULT R STRING TEXT VARCHAR".split())
