# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects that a script creates and keeps. What is temporary, or what the script itself drops later, is not one of them.

Neither are grants: a list shows whether one is there, but not whether the script has made it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import details, grants, journal, names, reads
from ansible_collections.community.immuta.plugins.module_utils._sql.head import Head
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement
from ansible_collections.community.immuta.plugins.module_utils._sql.thing import (
    NO_WAY,
    NOT_PLAIN,
    Key,
    Place,
    Thing,
    is_or_holds,
)

Row = t.Mapping[str, t.Any]
# In Snowflake's answer to CREATE IF NOT EXISTS, where it has found one.
EXISTED = "already exists"
# Kinds that share their names with others, which may be meant by the last word alone.
_SHARING = ("CATALOG", "INTEGRATION", "TABLE", "VIEW")
# The actions of an ALTER after which an object may be seen by others only, or has another name.
_MOVING = ("RENAME TO", "SWAP WITH", "SET OWNER", "OWNER TO")


def things(statements: t.Iterable[Statement], dialect: str) -> list[Thing]:
    """Return what a script creates and keeps, in order, each once."""
    finder = _Finder(dialect)
    for statement in statements:
        finder.read(statement)
    return [one for one in finder.found.values() if not one.taken]


def told(statements: t.Iterable[Statement], dialect: str, progress: journal.Progress) -> list[dict[str, t.Any]]:
    """Return what a script creates and keeps, each with what its journal tells: C(kind), C(name), C(created), C(before).

    C(created) is whether a statement that creates it has run, C(before) whether it was there before the first statement; each is
    None where that is not known.
    """
    looked = progress.before or {}
    found = {(row["kind"], row["name"]): row.get("present") for row in looked.get("objects") or ()}
    rows = []
    for one in things(statements, dialect):
        made = _has_run(one, progress)
        # Else it would have been refused.
        before = False if made and one.existing == "refused" else found.get((one.kind, one.shown))
        first = next((progress.done[index] for index in one.creates if index in progress.done), {})
        if EXISTED in (first.get("answer") or "") or first.get("existed"):
            before = True
        rows.append({"kind": one.kind, "name": one.shown, "created": made, "before": before})
    return rows


def of_others(wanted: t.Sequence[Thing], progress: journal.Progress, rows: t.Iterable[Row]) -> dict[int, list[Row]]:
    """Return what is there before its C(CREATE) has run, by the indexes of the statements that create it.

    What is in something that the script has created is not among it: a platform makes more by itself.

    :param wanted: what the script creates
    :param rows: what was found on the platform
    """
    own = [one for one in wanted if _has_run(one, progress) and one.name]
    there = {(row["kind"], row["name"]): row for row in rows if row["present"]}
    found: dict[int, list[Row]] = {}
    for one in wanted:
        row = there.get((one.kind, one.shown))
        inside = any(is_or_holds((each.kind, each.name), (one.kind, one.name)) for each in own)
        if row and not inside:
            for index in one.creates:
                found.setdefault(index, []).append(row)
    return found


def not_own(wanted: t.Sequence[Thing], progress: journal.Progress, rows: t.Iterable[Row]) -> list[Row]:
    """Return what is there and can't be the script's own: no statement that creates it has run, or may have."""
    if progress.state == "finished":
        return []
    doubtful = progress.unknown["index"] if progress.unknown else 0
    found = of_others(wanted, progress, rows)
    return [row for index, theirs in found.items() if index != doubtful for row in theirs]


def granted(statements: t.Iterable[Statement], dialect: str, progress: journal.Progress) -> list[dict[str, t.Any]]:
    """Return what a script grants, each with whether the C(GRANT) has run: C(name), C(granted); None where nobody knows."""
    place, rows = Place(dialect), []
    for statement in statements:
        own = statement.head
        if own.verb == "GRANT":
            made = _ran([statement.index], progress)
            given = grants.of(statement, own, place.current)
            rows += [{"name": one.shown(dialect), "granted": made} for one in given]
        place.move(own)
    return rows


def _has_run(one: Thing, progress: journal.Progress) -> bool | None:
    """Return whether a statement that creates it has run; None if nobody knows, or only a person says so."""
    return _ran(one.creates, progress)


def _ran(indexes: t.Sequence[int], progress: journal.Progress) -> bool | None:
    if any(index in progress.done for index in indexes):
        return True
    lost = progress.unknown is not None and progress.unknown["index"] in indexes
    stated = progress.state == "finished" and any(index not in progress.skipped for index in indexes)
    return None if lost or stated else False


class _Finder:
    """Reads one statement after the other."""

    def __init__(self, dialect: str) -> None:
        self.found: dict[Key, Thing] = {}
        self._dialect = dialect
        self._place = Place(dialect)
        # What the script has dropped or replaced.
        self._gone: list[Key] = []

    def read(self, statement: Statement) -> None:
        own = statement.head
        if own.verb == "CREATE":
            # A statement that flows on is not temporary; another one is bound to its session only then.
            if not own.bound or own.hides:
                self._create(statement, own)
        elif own.verb in ("DROP", "UNDROP"):
            self._take(statement, self._key(own), own.verb == "DROP")
        elif own.verb in ("ALTER", "GRANT"):
            self._move(statement, own)
        self._place.move(own)

    def _create(self, statement: Statement, own: Head) -> None:
        key = self._key(own)
        name = key[1] if isinstance(key[1], tuple) and key[1] else None
        plain = bool(own.kind and own.name)
        shown = own.name if plain else f"(statement {statement.index})"
        place = key if plain else (own.kind, shown)
        kind = self._read_as(own.kind)
        known = name if plain and name and len(name) == reads.length(self._dialect, kind) else None
        existing = own.existing
        if any(is_or_holds(gone, key) for gone in self._gone):
            existing = "replaced"
        if existing == "replaced":
            self._take(statement, key, dropped=True)
        before = self.found.get(place)
        self.found[place] = Thing(
            own.kind or "OBJECT",
            shown,
            known,
            self._place.role,
            statement,
            taken=False,
            ways=(reads.read(self._dialect, kind, known),) if known else (),
            cause=NOT_PLAIN if reads.length(self._dialect, kind) or not plain else NO_WAY,
            made=True,
            creates=(*(before.creates if before else ()), statement.index),
            existing=before.existing if before else existing,
        )

    def _take(self, statement: Statement, key: Key, dropped: bool) -> None:
        """Note that an object, and all that is in it, is dropped or brought back."""
        if dropped and key[1]:
            self._gone.append(key)
        for other, thing in self.found.items():
            if is_or_holds(key, other):
                self.found[other] = dataclasses.replace(thing, last=statement, taken=dropped)

    def _move(self, statement: Statement, own: Head) -> None:
        """Note what gets another owner or another name."""
        more = details.of(own, statement.script, statement.dialect, statement.start, statement.end)
        moves = any(one.startswith(_MOVING) for one in more.action.split(", "))
        if not (moves if own.verb == "ALTER" else more.privileges.startswith("OWNERSHIP")):
            return
        _many, inside, outer = own.kind.partition(" IN ")
        key = self._key(own._replace(kind=outer) if inside else own)
        for other, thing in self.found.items():
            if is_or_holds(key, other):
                self.found[other] = dataclasses.replace(thing, moved=True)

    def _key(self, own: Head) -> Key:
        """Return what identifies an object among those that share their names with it."""
        kind = self._read_as(own.kind)
        parts = names.parts(own.name)
        name = names.full(parts, reads.length(self._dialect, kind), self._place.current) or parts or own.name
        if self._dialect == "databricks":
            # Names have no case.
            name = tuple(part.lower() for part in name) if isinstance(name, tuple) else name.lower()
        return self._group(kind), name

    def _read_as(self, kind: str) -> str:
        """Return the kind as which Databricks lists objects of another one."""
        if self._dialect == "snowflake":
            return kind
        return "SCHEMA" if kind == "DATABASE" else self._group(kind)

    def _group(self, kind: str) -> str:
        last = kind.rpartition(" ")[2]
        return last if last in _SHARING else kind
