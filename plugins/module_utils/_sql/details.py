# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Details of a statement beyond its head, in its own words: privileges, action, and whether it cascades.

Literals and quoted names are never part of it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import dialect_named
from ansible_collections.community.immuta.plugins.module_utils._sql.head import Head, Words, actions

LONGEST = 200
# An action is told by its first words: UNSET MASKING POLICY, DROP ROW FILTER, RENAME COLUMN A TO.
_MOST_WORDS = 4
_ENDS = frozenset(("", ",", "=", "(", ")", ";"))
_ROLES = frozenset(("ROLE", "DATABASE ROLE", "APPLICATION ROLE"))


class Details(t.NamedTuple):
    """Details of a statement beyond its head.

    :ivar privileges: that it grants or revokes, for example C(SELECT, INSERT); empty for a role and any other statement
    :ivar action: of an C(ALTER), for example C(UNSET MASKING POLICY); C(CASCADE) or C(RESTRICT) of a C(DROP) or C(REVOKE)
    """

    privileges: str = ""
    action: str = ""


def of(own: Head, script: str, dialect: str, start: int, end: int) -> Details:
    """Return the details of the statement between two offsets of a script.

    :param own: its head
    """
    if own.verb not in ("ALTER", "DROP", "GRANT", "REVOKE"):
        return Details()
    words = Words(script, dialect_named(dialect), start, end)
    if own.verb == "ALTER":
        return Details(action=_cut(", ".join(_action(words, at) for _word, at in actions(words))))
    last = words.word(words.find(0, "CASCADE", "RESTRICT"))
    privileges = "" if own.verb == "DROP" or own.kind in _ROLES else _privileges(words)
    return Details(_cut(privileges), last)


def _action(words: Words, at: int) -> str:
    found: list[str] = []
    while len(found) < _MOST_WORDS and (word := words.word(at)) not in _ENDS:
        found.append(word)
        at += 1
    return " ".join(found)


def _privileges(words: Words) -> str:
    """Return the privileges in a list, without the columns that they are for."""
    end = words.find(1, "ON", "TO", "FROM")
    if words.word(end) != "ON":
        return ""
    listed = " ".join(word for place, word in words.placed(1) if place < end and word not in ("", ")"))
    return listed.replace(" ,", ",")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
