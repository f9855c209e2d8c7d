# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redaction: cuts secrets out of everything that this process prints, in whatever form they come back.

Ansible removes the value of a C(no_log) option from results where it occurs literally. A server may return it escaped,
encoded or cut; only this file finds it then. There is one list of secrets for the process: a module has a process of its
own, and Ansible itself holds the secrets of all inventory sources.

Two kinds of text are told apart. From texts of third parties (C(redact_message), C(redact_and_cut)) everything is cut out
that gives a secret away, parts of it included. From results (C(redact_result)), which programs read, only whole secrets
are: a digest or an object's name that shares some letters with a secret stays as it is.

The time is proportional to the size of the texts plus that of the secrets of up to C(LONGEST_INDEXED) characters. The few
longer ones are searched for one by one.
"""

from __future__ import annotations

import base64
import html
import json
import re
import typing as t
import urllib.parse

from ansible_collections.community.immuta.plugins.module_utils import _address, _words

MASK = "********"
# Shorter secrets are part of many words; they are masked in their own context instead.
SHORTEST = 4
SHORTEST_IN_RESULTS = 8
# From this many characters on, a part of a long secret gives something away.
PART = 8
LONG = 12
# The alphabets of base64 make a shorter piece look like any word.
SHORTEST_BASE64 = 6
# More of a third party's text is never printed, and so not searched.
LONGEST_SEARCHED = 64 * 1024
# Longer than any credential: only the ends of such a secret are encoded.
LONGEST_ENCODED = 8 * 1024
# Forms up to this length are found through an index; longer ones are few, and searched for one by one.
LONGEST_INDEXED = 256
# The frame of a PEM key is the same for all keys, and no secret.
FRAMES = [f"-----{end} {kind}PRIVATE KEY-----" for end in ("BEGIN", "END") for kind in ("", "ENCRYPTED ", "RSA ")]
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")
# A word that stands alone.
WORD = re.compile(r"(?<![^\s'\"(])\w{8,}(?![^\s'\"),.;:])")
# A password in a URL, for example in that of a proxy.
IN_URL = re.compile(r"://[^/?#@\s:]*:([^/?#@\s]+)@")


class Redactor:
    """A list of secrets, and the functions that cut them out of texts."""

    def __init__(self) -> None:
        self._secrets: dict[str, None] = {}
        self._plain: dict[str, None] = {}
        self._results: Forms | None = None
        self._everything: Forms | None = None

    def add(self, values: t.Iterable[str]) -> None:
        """Redact these from now on; those of fewer than C(SHORTEST) characters are ignored."""
        for value in values:
            for part in _parts(value):
                if len(part) >= SHORTEST and part not in self._secrets:
                    self._secrets[part] = None
                    self._results = self._everything = None

    def keep(self, values: t.Iterable[str]) -> None:
        """Show these even where they are a part of a secret, as a user name is a part of many passwords. They are no secrets."""
        self._plain.update(dict.fromkeys(value for value in values if len(value) >= PART))

    def redact_message(self, text: str) -> str:
        """Redact a text from a third party: whole secrets, encoded forms, and parts of 8 or more characters."""
        if self._everything is None:
            self._everything = Forms(form for secret in self._secrets for form in forms_of(secret, folded=True))
        text = text[:LONGEST_SEARCHED]
        # In another letter case only the whole secret counts: the names of users and roles are often a part of one.
        plain = [found.span() for value in self._plain for found in re.finditer(re.escape(value), text)]
        parts = self._result_forms().parts(text)
        # To hide a word that is in everybody's messages would tell that the secret has it.
        plain += [found.span() for found in WORD.finditer(text) if _words.is_common(found[0])]
        told = [part for part in parts if not any(start <= part[0] and part[1] <= end for start, end in plain)]
        return cut(text, [*self._everything.whole(text), *told])

    def redact_and_cut(self, text: str, longest: int) -> str:
        """Like C(redact_message), then cut to C(longest) characters: half of a secret would not be found."""
        return self.redact_message(text)[:longest]

    def redact_result(self, value: t.Any) -> t.Any:
        """Redact the whole secrets in a result; names of fields stay."""
        if isinstance(value, str):
            return cut(value, self._result_forms().whole(value))
        if isinstance(value, dict):
            return {name: self.redact_result(field) for name, field in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.redact_result(item) for item in value]
        return value

    def _result_forms(self) -> Forms:
        if self._results is None:
            # A literal of a script that is such a word would take the word from results that others read.
            long = (one for one in self._secrets if len(one) >= SHORTEST_IN_RESULTS and not _words.is_common(one))
            self._results = Forms(form for secret in long for form in forms_of(secret, folded=False))
        return self._results


# Start and end of what is cut out.
Span = tuple[int, int]


class Forms:
    """Strings that are searched for all at once."""

    def __init__(self, forms: t.Iterable[str]) -> None:
        self._all = list(dict.fromkeys(form for form in forms if len(form) >= SHORTEST))
        self._long = [form for form in self._all if len(form) > LONGEST_INDEXED]
        # By their first characters, and then by their length, the longest first.
        self._index: dict[str, dict[int, set[str]]] = {}
        for form in sorted(self._all, key=len, reverse=True):
            if len(form) <= LONGEST_INDEXED:
                self._index.setdefault(form[:SHORTEST], {}).setdefault(len(form), set()).add(form)

    def whole(self, text: str) -> list[Span]:
        """Return the spans of all forms in a text."""
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

    def parts(self, text: str) -> list[Span]:
        """Return the spans where C(PART) characters are part of a long form."""
        framed = {frame[at : at + PART] for frame in FRAMES for at in range(len(frame) - PART + 1)}
        pieces = {text[at : at + PART] for at in range(len(text) - PART + 1)} - framed
        common = {
            form[at : at + PART]
            for form in self._all
            if len(form) >= LONG
            for at in range(len(form) - PART + 1)
            if form[at : at + PART] in pieces
        }
        if not common:
            return []
        return [(at, at + PART) for at in range(len(text) - PART + 1) if text[at : at + PART] in common]


def cut(text: str, spans: list[Span]) -> str:
    """Replace each run of touching spans with asterisks."""
    kept: list[str] = []
    end = 0
    masked = False
    for start, stop in sorted(spans):
        if start > end or not masked:
            kept += [text[end:start], MASK]
            masked = True
        end = max(end, stop)
    return "".join([*kept, text[end:]])


def _parts(value: str) -> t.Iterator[str]:
    """Yield the secret, and those parts of it that occur alone: it without white space around it, the lines of a key."""
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


def forms_of(secret: str, *, folded: bool) -> t.Iterator[str]:
    """Yield the ways to write a secret.

    :param folded: also in lower and upper case, as host names are
    """
    yield secret
    if len(secret) > LONGEST_ENCODED:
        return
    # On one line, like messages.
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
    """Yield it as a string of JSON (also within another one), Python, SQL, and HTML."""
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield once.replace("/", "\\/")
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    # Some libraries do this so that the string is inert inside HTML.
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
    """Yield it as in paths, queries and forms, also encoded twice."""
    for safe in ("", "/", "!*'()~"):
        once = urllib.parse.quote(secret, safe=safe, errors="surrogatepass")
        for form in (once, once.replace("%20", "+"), urllib.parse.quote(once, safe="")):
            yield form
            yield re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), form)


def _base64(raw: bytes) -> t.Iterator[str]:
    """Yield its base64, wherever the secret starts in what was encoded."""
    for before, first in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        # The first and the last character may hold bits of its neighbours.
        core = encoded[first : (before + len(raw)) * 8 // 6]
        if len(core) >= SHORTEST_BASE64:
            yield core
            yield core.replace("+", "-").replace("/", "_")


_redactor = Redactor()
add = _redactor.add
keep = _redactor.keep
redact_message = _redactor.redact_message
redact_and_cut = _redactor.redact_and_cut
redact_result = _redactor.redact_result


def passwords_in_urls(text: str) -> list[str]:
    """Return the passwords in the URLs of a text, as written and decoded."""
    return [password for found in IN_URL.findall(text) for password in (found, urllib.parse.unquote(found))]


def add_options(params: t.Mapping[str, t.Any], secret: t.Collection[str]) -> list[str]:
    """Redact the secret options, and user names and passwords in addresses, which no option should contain.

    :param secret: the names of the options that are secret as a whole
    :returns: what Ansible has to hide in the options that it shows: addresses with a password as a whole, and passwords
        in URLs, including those of the proxies in the environment
    """
    add(value for name, value in params.items() if name in secret and isinstance(value, str))
    hidden: list[str] = []
    parts: list[str] = []
    for value in params.values():
        texts = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else [value]
        for text in texts:
            if isinstance(text, str) and len(text) <= LONGEST_SEARCHED:
                parts += passwords_in_urls(text)
    for _name, text in _address.of(dict(params)):
        if len(text) <= LONGEST_SEARCHED and _address.user_info(text):
            parts += _address.secrets(text)
            hidden += [text, text.strip(), text.strip().rstrip("/"), f"{_address.user_info(text)}@"]
    for proxy in _address.proxies().values():
        parts += [*passwords_in_urls(proxy), *_address.secrets(proxy)]
    add(parts)
    # Of a shorter one, Ansible would hide the same letters in all words.
    return hidden + [part for part in parts if len(part) >= SHORTEST]
