# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What follows for an object from those that belong to it: by its owner, and by its name.

Verdicts only get weaker here: what is left over becomes not certain, and the owner of what is in use is in use. On Databricks
names and owners say less: there a verdict is an object's own.
"""

from __future__ import annotations

import typing as t

Row = dict[str, t.Any]

# A later one counts more.
ORDER = ("left_over", "not_certain", "in_use")
WORDS = {"not_certain": "not certain to be left over", "in_use": "in use"}


def settled(platform: str, found: t.Iterable[Row]) -> list[Row]:
    """The objects with what follows from each other: what is left over first, then what is not certain.

    :param found: the objects with their own C(state) and C(reason)
    """
    rows = [dict(one) for one in found]
    if platform == "snowflake":
        # A role that an integration has or names. One that only owns such a role may be an administrator's.
        direct = {one["path"][0] for one in rows if one["kind"] == "ROLE" and one["state"] == "in_use"}
        while _pass(rows, direct):
            pass
    return sorted(rows, key=rank)


def rank(one: t.Mapping[str, t.Any]) -> int:
    """How much speaks against that an object is left over."""
    return ORDER.index(one["state"])


def _pass(rows: t.Sequence[Row], direct: t.Container[str]) -> bool:
    """Settle the objects one step further; return whether that has changed anything."""
    owned = _strongest(rows, lambda one: one["owner"])
    alike = _strongest(rows, lambda one: one["home"])
    changed = False
    for one in rows:
        below = owned.get(one["path"][0]) if one["kind"] == "ROLE" else None
        beside = alike.get(one["home"])
        if below and rank(one) < rank(below):
            state, reason = below["state"], f"It owns {_named(below)}, which is {WORDS[below['state']]}."
        elif one["state"] != "left_over":
            continue
        elif beside and rank(beside):
            state, reason = "not_certain", f"{_named(beside)}, which has the same name, is {WORDS[beside['state']]}."
        elif one["owner"] in direct:
            state, reason = "not_certain", f"Its owner, ROLE {one['owner']}, is in use."
        else:
            continue
        one.update(state=state, reason=reason)
        changed = True
    return changed


def _strongest(rows: t.Iterable[Row], key: t.Callable[[Row], str | None]) -> dict[str, Row]:
    """Of the objects with the same key, the one against which most speaks."""
    found: dict[str, Row] = {}
    for one in rows:
        name = key(one)
        if name and (name not in found or rank(one) > rank(found[name])):
            found[name] = dict(one)
    return found


def _named(one: Row) -> str:
    return f"{one['kind']} {'.'.join(one['path'])}"
