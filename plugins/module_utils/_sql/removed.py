# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The things that a script removes: objects that it drops or unsets, grants, and policies that are attached."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import grant_reads, grants, names, policies, reads
from ansible_collections.community.immuta.plugins.module_utils._sql.head import Head
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement
from ansible_collections.community.immuta.plugins.module_utils._sql.thing import (
    GRANT,
    NO_WAY,
    NOT_PLAIN,
    OBJECT,
    POLICY,
    Place,
    Thing,
    is_or_holds,
)


def things(statements: t.Iterable[Statement], dialect: str) -> list[Thing]:
    """Return what a script takes away and has not certainly made itself, in order, each once."""
    finder = _Finder(dialect)
    for statement in statements:
        finder.read(statement)
    return [dataclasses.replace(one, drops=finder.drops(one)) for one in finder.found.values()]


class _Finder:
    """Reads one statement after the other."""

    def __init__(self, dialect: str) -> None:
        self.found: dict[tuple[str, t.Any], Thing] = {}
        self._dialect = dialect
        self._made: set[tuple[str, t.Any]] = set()
        self._created: set[tuple[str, t.Any]] = set()
        self._drops: list[tuple[str, t.Any, int]] = []
        self._place = Place(dialect)
        # What is taken away, by what gives it back.
        self._granted: dict[tuple[str, ...], list[tuple[str, t.Any]]] = {}
        self._attached: dict[t.Any, list[tuple[str, t.Any]]] = {}

    def read(self, statement: Statement) -> None:
        own = statement.head
        if own.verb in ("GRANT", "REVOKE"):
            self._grants(statement, own)
        else:
            self._object(statement, own)
        if own.verb == "ALTER":
            self._policies(statement, own)
        self._place.move(own)

    def drops(self, thing: Thing) -> tuple[int, ...]:
        """Return the indexes of the statements that drop a thing, or what it is in."""
        if thing.type != OBJECT:
            return ()
        own = thing.kind, thing.name or thing.shown
        return tuple(index for kind, name, index in self._drops if is_or_holds((kind, name), own))

    def _object(self, statement: Statement, own: Head) -> None:
        length = reads.length(self._dialect, own.kind)
        name = names.full(names.parts(own.name), length, self._place.current)
        key = own.kind, name or own.name
        if own.verb == "CREATE":
            # What CREATE IF NOT EXISTS or OR REPLACE names may have been there.
            (self._made if own.existing == "refused" else self._created).add(key)
        elif own.removes and own.kind and own.name and not own.session and key not in self._made:
            ways = (reads.read(self._dialect, own.kind, name),) if name else ()
            cause = NOT_PLAIN if length else NO_WAY
            made = key in self._created
            thing = Thing(own.kind, own.name, name, self._place.role, statement, False, ways, cause=cause, made=made)
            self.found.setdefault(key, thing)
        if own.verb == "DROP":
            self._drops.append((*key, statement.index))
        if own.verb in ("DROP", "CREATE", "UNDROP"):
            self._note(key, statement, own.verb == "DROP")

    def _grants(self, statement: Statement, own: Head) -> None:
        found = grants.of(statement, own, self._place.current)
        for grant in found:
            key = GRANT, grant
            same = self._granted.setdefault((grant.grantee_kind, *grant.grantee), [])
            if own.verb == "GRANT":
                if key not in self.found:
                    self._made.add(key)
                for other in same:
                    if grant.touches(other[1]):
                        self._note(other, statement, taken=False)
            elif key not in self._made:
                if key not in self.found:
                    same.append(key)
                ways, subjects = grant_reads.ways(self._dialect, grant), grant_reads.subjects(self._dialect, grant)
                self._add(key, statement, grant.shown(self._dialect), ways, subjects)
        if not found and own.verb == "REVOKE":
            self._unknown(GRANT, statement, own)

    def _policies(self, statement: Statement, own: Head) -> None:
        for one in policies.of(statement, own, self._place.current):
            if one is None:
                self._unknown(POLICY, statement, own)
                continue
            key = one.kind, one
            if key not in self.found:
                self._attached.setdefault(one.on, []).append(key)
            ways, subjects = policies.ways(self._dialect, one), policies.subjects(self._dialect, one)
            self._add(key, statement, one.shown(self._dialect), ways, subjects)
        if self._attached and policies.attaches(statement, own):
            for key in self._attached.get(policies.place(statement, own, self._place.current), ()):
                self._note(key, statement, taken=False)

    def _add(
        self,
        key: tuple[str, t.Any],
        statement: Statement,
        shown: str,
        ways: tuple[reads.Read, ...],
        subjects: tuple[reads.Read, ...],
    ) -> None:
        self.found.setdefault(
            key, Thing(key[0], shown, key[1], self._place.role, statement, True, ways, subjects, NO_WAY)
        )
        self._note(key, statement, taken=True)

    def _unknown(self, kind: str, statement: Statement, own: Head) -> None:
        """Note that a statement takes away what it does not name in a way that can be read."""
        what = f"{own.kind} {own.name}".strip() + (
            f" FROM {' '.join(filter(None, own.grantee))}" if own.grantee[1] else ""
        )
        shown = f"{what} (statement {statement.index})"
        self.found[kind, shown] = Thing(kind, shown, None, self._place.role, statement, True, cause=NOT_PLAIN)

    def _note(self, key: tuple[str, t.Any], statement: Statement, taken: bool) -> None:
        if key in self.found:
            self.found[key] = dataclasses.replace(self.found[key], last=statement, taken=taken)
