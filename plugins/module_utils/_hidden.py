# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this process must not print, in whatever form others may print it back.

Ansible cuts the value of an option with C(no_log) out of results, letter by letter. A server may echo it escaped,
encoded or shortened; then only this file finds it. There is one list for the process: that of a module is its own, and that
of Ansible itself has the secrets of all inventory sources.

Two kinds of text are told apart. In what others say (C(said), C(shorten)) everything is cut out that gives a secret away,
parts of it included. In results (C(shown)), which programs read, only whole secrets are: a digest or an object's name
that happens to have some letters in common with one stays as it is.

All of it takes time in proportion to the texts and the secrets, never to their product.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import typing as t
import urllib.parse

MASK = "********"
# Shorter secrets are part of many words; they are masked where they stand instead.
SHORTEST = 4
SHORTEST_IN_RESULTS = 8
# A part of so many characters gives away something of a secret that is long.
PART = 8
LONG = 12
# The alphabets of base64 make a shorter piece look like any word.
SHORTEST_BASE64 = 6
# Of what others say, more is never shown, and so not looked at.
LONGEST_SAID = 64 * 1024
# Of a secret that is longer than any credential, encoded forms are made of its ends only.
LONGEST_ENCODED = 8 * 1024
# A form up to this length is found through an index; longer ones are few, and searched for one by one.
LONGEST_INDEXED = 256
# What frames a key is the same for all keys.
FRAMES = [f"-----{end} {kind}PRIVATE KEY-----" for end in ("BEGIN", "END") for kind in ("", "ENCRYPTED ", "RSA ")]
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
# A password in a URL, as in that of a proxy.
IN_URL = re.compile(r"://[^/?#@\s:]*:([^/?#@\s]+)@")


class Hidden:
    """Secrets, and what cuts them out."""

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}
        self._results: _Forms | None = None
        self._everything: _Forms | None = None

    def add(self, values: t.Iterable[str]) -> None:
        """Hide these from now on; those of fewer than C(SHORTEST) characters are passed over."""
        for value in values:
            for part in _parts(value):
                if len(part) >= SHORTEST and part not in self._secrets:
                    self._secrets[part] = None
                    self._results = self._everything = None

    def clear(self) -> None:
        """Forget all; for tests, which have more than one module in a process."""
        self._secrets.clear()
        self._results = self._everything = None

    def said(self, text: str) -> str:
        """What somebody else says, without any secret, form of a secret, or long part of one."""
        if self._everything is None:
            self._everything = _Forms(form for secret in self._secrets for form in _forms(secret, folded=True))
        text = text[:LONGEST_SAID]
        # In another case only the whole secret counts: the names of users and roles are often a part of one.
        return _cut(text, [*self._everything.whole(text), *self._of_results().parts(text)])

    def shorten(self, text: str, longest: int) -> str:
        """Like C(said), and cut to so many characters afterwards: a secret must not be halved before it is found."""
        return self.said(text)[:longest]

    def shown(self, value: t.Any) -> t.Any:
        """A result, without any whole secret; names of fields stay."""
        if isinstance(value, str):
            return self._shown(value)
        if isinstance(value, dict):
            return {name: self.shown(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.shown(one) for one in value]
        return value

    def _shown(self, text: str) -> str:
        return _cut(text, self._of_results().whole(text))

    def _of_results(self) -> _Forms:
        if self._results is None:
            long = (secret for secret in self._secrets if len(secret) >= SHORTEST_IN_RESULTS)
            self._results = _Forms(form for secret in long for form in _forms(secret, folded=False))
        return self._results


# Start and end of what is cut out.
_Span = tuple[int, int]


class _Forms:
    """Strings to look for, all at once."""

    def __init__(self, forms: t.Iterable[str]) -> None:
        self._all = list(dict.fromkeys(form for form in forms if len(form) >= SHORTEST))
        self._long = [form for form in self._all if len(form) > LONGEST_INDEXED]
        # By their first characters, and then by their length, the longest first.
        self._index: dict[str, dict[int, set[str]]] = {}
        for form in sorted(self._all, key=len, reverse=True):
            if len(form) <= LONGEST_INDEXED:
                self._index.setdefault(form[:SHORTEST], {}).setdefault(len(form), set()).add(form)

    def whole(self, text: str) -> list[_Span]:
        """Where a form stands."""
        found = []
        for at in range(len(text) - SHORTEST + 1) if self._index else ():
            for length, forms in self._index.get(text[at : at + SHORTEST], {}).items():
                if text[at : at + length] in forms:
                    found.append((at, at + length))
                    break
        for form in self._long:
            at = text.find(form)
            while at >= 0:
                found.append((at, at + len(form)))
                at = text.find(form, at + len(form))
        return found

    def parts(self, text: str) -> list[_Span]:
        """Where C(PART) or more characters of a long form stand."""
        framed = {frame[at : at + PART] for frame in FRAMES for at in range(len(frame) - PART + 1)}
        places = {text[at : at + PART] for at in range(len(text) - PART + 1)} - framed
        common = {
            form[at : at + PART]
            for form in self._all
            if len(form) >= LONG
            for at in range(len(form) - PART + 1)
            if form[at : at + PART] in places
        }
        if not common:
            return []
        return [(at, at + PART) for at in range(len(text) - PART + 1) if text[at : at + PART] in common]


def _cut(text: str, spans: list[_Span]) -> str:
    """The text with each run of spans that touch replaced by asterisks."""
    shown: list[str] = []
    end = 0
    masked = False
    for start, stop in sorted(spans):
        if start > end or not masked:
            shown += [text[end:start], MASK]
            masked = True
        end = max(end, stop)
    return "".join([*shown, text[end:]])


def _parts(value: str) -> t.Iterator[str]:
    """The secret, and what of it may be met alone: without white space around it, and the lines of a key."""
    yield value
    yield value.strip()
    if len(value) > LONGEST_ENCODED:
        yield value[: LONGEST_ENCODED // 2]
        yield value[-LONGEST_ENCODED // 2 :]
        return
    lines = [line.strip() for line in value.replace("\\r", "\n").replace("\\n", "\n").splitlines()]
    lines = [line for line in lines if line and not line.startswith("-----")]
    if len(lines) > 1 or value.lstrip().startswith("-----"):
        yield from (line for line in lines if len(line) >= 2 * PART)
        yield "".join(lines)


def _forms(secret: str, *, folded: bool) -> t.Iterator[str]:
    """How a secret may be written.

    :param folded: in lower and upper case too, as hosts and names are
    """
    yield secret
    if len(secret) > LONGEST_ENCODED:
        return
    # On one line, as messages are.
    yield " ".join("".join(char if char.isprintable() else " " for char in secret).split())
    yield from _escaped(secret)
    yield from _percent_encoded(secret)
    raw = secret.encode("utf-8", "surrogatepass")
    yield raw.hex()
    yield raw.hex().upper()
    yield from _base64(raw)
    if folded and len(secret) >= PART:
        yield secret.lower()
        yield secret.upper()


def _escaped(secret: str) -> t.Iterator[str]:
    """As strings of JSON (once, and within another one), Python, SQL, and HTML."""
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield once.replace("/", "\\/")
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    # As some libraries do, lest the string means something within HTML.
    safe = json.dumps(secret)[1:-1]
    for character in "&<>'+":
        safe = safe.replace(character, f"\\u{ord(character):04x}")
    yield safe
    yield re.sub(r"\\u[0-9a-f]{4}", lambda match: "\\u" + match.group()[2:].upper(), safe)
    backslashes = secret.replace("\\", "\\\\")
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    yield repr(secret.encode("utf-8", "surrogatepass"))[2:-1]
    yield backslashes
    yield backslashes.replace("'", "\\'")
    yield secret.replace("'", "''")
    yield backslashes.replace("'", "''")
    yield secret.replace('"', '""')
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    yield html.escape(secret).replace("&#x27;", "&#39;")


def _percent_encoded(secret: str) -> t.Iterator[str]:
    """As in paths, queries and forms, also twice."""
    for safe in ("", "/", "!*'()~"):
        once = urllib.parse.quote(secret, safe=safe, errors="surrogatepass")
        for form in (once, once.replace("%20", "+"), urllib.parse.quote(once, safe="")):
            yield form
            yield re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), form)


def _base64(raw: bytes) -> t.Iterator[str]:
    """As base64, wherever the secret begins within what was encoded."""
    for before, first in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        # The first and the last character may hold bits of what stands around the secret.
        core = encoded[first : (before + len(raw)) * 8 // 6]
        if len(core) >= SHORTEST_BASE64:
            yield core
            yield core.replace("+", "-").replace("/", "_")


_hidden = Hidden()
add = _hidden.add
clear = _hidden.clear
said = _hidden.said
shorten = _hidden.shorten
shown = _hidden.shown


def in_url(text: str) -> list[str]:
    """The passwords in the URLs of a text."""
    return [password for found in IN_URL.findall(text) for password in (found, urllib.parse.unquote(found))]


def add_options(params: t.Mapping[str, t.Any], secret: t.Collection[str]) -> list[str]:
    """Hide the secret options, and passwords in URLs, which belong into no option.

    :param secret: the names of the options that are secret as a whole
    :returns: the passwords in URLs, those of the environment's proxies included
    """
    texts = {name: value for name, value in params.items() if isinstance(value, str)}
    add(value for name, value in texts.items() if name in secret)
    proxies = (os.environ.get(name) or os.environ.get(name.lower()) or "" for name in PROXIES)
    options = (value for value in texts.values() if len(value) <= LONGEST_SAID)
    passwords = [password for text in (*options, *proxies) for password in in_url(text)]
    add(passwords)
    return passwords
