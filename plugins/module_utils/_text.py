# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of others, made fit to be printed: it can't begin a line, hide, or reach the terminal as a command.

Names of connections and objects, technologies, and messages of servers come from outside. With a line break one could
forge a line of a plan, with an escape code repaint the screen, with a bidirectional override show another name.
"""

from __future__ import annotations

import re
import typing as t
import unicodedata

# Printable to Unicode, and still not to be seen: fillers, variation selectors, the blank of Braille, joiners.
_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
# Most text holds none of these, and is not looked at character by character.
_SUSPECT = re.compile(r"[^\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff]")
# Scripts with letters that look like those of another one.
_LOOK_ALIKE = frozenset("ARMENIAN CHEROKEE COPTIC CYRILLIC GREEK LATIN".split())
_HIDDEN = re.compile(f"[{_UNSEEN}]")


def printable(text: t.Any) -> str:
    r"""Return a text on one line, with escapes such as C(\n), C(\x1b), or C(\u202e) for invisible characters.

    :param text: anything; a value that is not a string is converted first
    """
    return _SUSPECT.sub(_escaped, str(text))


def alike(one: str, other: str) -> bool:
    """Return whether people can't tell two names: they differ at most in case, in blanks, in what can't be seen, or in Unicode form."""
    return _look(one) == _look(other)


def typable(name: str) -> bool:
    """Return whether people see all of a name, so that they can type it."""
    return name == name.strip() and name.isprintable()


def mixed(key: str) -> str:
    """Return a warning about a key whose letters are of scripts that look alike, or ""."""
    found = {unicodedata.name(one, "").partition(" ")[0] for one in key if one.isalpha()} & _LOOK_ALIKE
    if len(found) < 2:
        return ""
    scripts = " and ".join(name.capitalize() for name in sorted(found))
    return f"The key {key!a} mixes letters of {scripts}, which look alike: people may take it for another key."


def _look(name: str) -> str:
    same = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(one for one in same if unicodedata.category(one) != "Cf" and not _HIDDEN.match(one))
    return " ".join(seen.split())


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable() and not _HIDDEN.match(character):
        return character
    return character.encode("unicode_escape").decode("ascii")
