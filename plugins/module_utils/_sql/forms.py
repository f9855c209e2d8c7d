# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms that credentials have in any text: by the word before them, or by what they look like."""

from __future__ import annotations

import functools
import re
import typing as t
import urllib.parse

KEY_WORDS = (
    r"(?:PASSWORD|PASSWD|PWD|PASSPHRASE|PASSCODE|SECRET|SECRET_STRING|SECRET_VALUE|TOKEN|CREDENTIALS?|AUTHORIZATION"
    r"|SIGNATURE|(?:SECRET|PRIVATE|MASTER|ACCESS|ACCOUNT|API|SAS|ENCRYPTION|SHARED|CLIENT|STORAGE)[_. -]?KEY)"
)
# Only an anchored expression may allow letters before a key word: a search would read them again from each letter.
KEY = re.compile(r"[\w.-]*" + KEY_WORDS + r"\d{0,9}(?:\.[\w.-]{1,200})?", re.IGNORECASE)
# secret('scope', 'key') names a secret.
LOOSE = re.compile(KEY_WORDS + r"\b(?!(?<=SECRET)[ \t]*\()['\"`]*[\s=:>(]*(?P<value>['\"$][^\r\n]*)", re.IGNORECASE)
ENDS_IN_KEY = re.compile(KEY_WORDS + r"\b['\"`]*\s*[=:>]+[\s(]*\Z", re.IGNORECASE)
# What any of these forms has, in lower case: to look for it first saves most of the time.
_SIGNS: tuple[str, ...] = (
    "pass",
    "pwd",
    "secret",
    "token",
    "credential",
    "author",
    "signature",
    "key",
    "sig=",
    "://",
    "bearer",
    "basic",
)
_SIGNS += ("-----begin", "eyj", "identified", "dapi", "dose", "ghp_", "gho_", "ghs_", "ghu_")
_VALUE = r"(?P<{}>[^\s'\"&;,<>(){{}}\[\]$][^\s'\"&;,<>()]*)"
_FORMS = (
    # password=x, also in the query of a URL and in the text of a driver; in prose, password: x, or password is x.
    rf"(?:{KEY_WORDS}|\bSIG)['\"]?(?:\s*=>?\s*|:\s*|\s+IS:?\s+)(?:(?:BEARER|BASIC)\s+)?{_VALUE.format('named')}",
    # JSON, in a string also with backslashes before its quotes.
    rf"{KEY_WORDS}\\*['\"]\s*:\s*\\*['\"](?P<json>[^'\"\\]+)",
    # https://user:x@host, with anything in x. A name alone is a secret where the web takes tokens so; abfss has containers.
    r"\bhttps?://(?=[^\s'\"<>/?#]{1,1000}@)(?P<web>[^\s'\"<>]{1,1000})@",
    r"://[^\s'\"<>/@:]{0,200}:(?P<user>[^\s'\"<>]{1,300})@",
    r"\b(?:BEARER|BASIC)\s+(?!(?:TOKENS?|AUTH\w*|SCHEME|KEYS?|IS)\b)(?P<scheme>[\w.~+/=-]{6,})",
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(?P<pem>.*?)(?:-----END|\Z)",
    rf"\bIDENTIFIED\s+BY\s+(?:(?:PASSWORD|VALUES)\s+)?{_VALUE.format('by')}",
    r"\b(?P<shape>EYJ[\w-]{8,500}\.[\w-]{8,2000}(?:\.[\w-]{0,700})?|DAPI[0-9A-F]{32}(?:-\d+)?|DOSE[0-9A-F]{32}|GH[POSU]_\w{30,})",
)
_FORM = re.compile("|".join(_FORMS), re.IGNORECASE | re.DOTALL)


@functools.lru_cache(maxsize=4096)
def is_key(name: str) -> bool:
    """Return whether a name is that of a credential."""
    return KEY.fullmatch(name) is not None


def possible(text: str) -> bool:
    """Return whether a text may hold a credential in any of these forms."""
    lower = text.lower()
    return any(sign in lower for sign in _SIGNS)


def spans(text: str) -> t.Iterator[tuple[int, int]]:
    """Yield start and end of everything in a text that has the form of a credential, quotes apart."""
    for found in _FORM.finditer(text):
        start, end = found.span(t.cast("str", found.lastgroup))
        whole = text[start:end]
        yield start + len(whole) - len(whole.lstrip()), start + len(whole.rstrip())


def holds(text: str) -> bool:
    """Return whether a text holds something that has the form of a credential."""
    return possible(text) and next(spans(text), None) is not None


def values(form: str) -> t.Iterator[str]:
    """Yield a credential as written, decoded, and, for a user name with a password, the password alone."""
    for text in dict.fromkeys((form, urllib.parse.unquote(form))):
        yield text
        name, colon, password = text.partition(":")
        if colon and name and password and not any(map(str.isspace, text)):
            yield password
