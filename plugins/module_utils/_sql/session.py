# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what the rest of a script needs of a session that has ended, and whether a new session can have it.

A run that stops leaves its session. The next one has another, without the role, the variables, the transaction, or the
temporary objects of the first. What each statement does to its session is in C(effects); here it is added up.

Sources: U(https://docs.snowflake.com/en/sql-reference/transactions),
U(https://docs.snowflake.com/en/sql-reference/sql/create-database).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql import effects
from ansible_collections.community.immuta.plugins.module_utils._sql.effects import Effect
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement


class TransactionOpen(Failure):
    """The script ends in a transaction, which would be rolled back; no statement was sent."""

    code = "transaction_open"


@dataclasses.dataclass(frozen=True, slots=True)
class Resume:
    """How a run continues with a statement if those before it ran in a session that has ended.

    :ivar index: the statement to continue with: an earlier one when the platform has rolled it back with the session;
        None when a person has to decide
    :ivar cause: what is missing, as the rest of a sentence; empty when nothing is
    :ivar source: the statement that made what is missing; 0 when nothing is
    """

    index: int | None
    cause: str = ""
    source: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class _Point:
    """The session before a statement.

    :ivar lost: what another session can't have: for each key the statement that made it, and what it is
    :ivar dropped: keys whose object is gone, with the statement that dropped it
    :ivar opener: the statement that opened the transaction that is open; 0 when none is
    :ivar unclear: whether the transaction may have been committed since
    """

    lost: dict[str, tuple[int, str]] = dataclasses.field(default_factory=dict)
    dropped: dict[str, int] = dataclasses.field(default_factory=dict)
    opener: int = 0
    unclear: bool = False


class Session:
    """The effects of each statement of a script on later ones, through the session.

    :param statements: all statements of the script
    :param ignored: indexes of statements whose effect on the session the rest does not need, as a person says
    """

    def __init__(self, statements: t.Sequence[Statement], ignored: t.Container[int] = ()) -> None:
        self._statements = statements
        self._effects = [
            Effect() if statement.index in ignored else effect
            for statement, effect in zip(statements, effects.of(statements), strict=True)
        ]
        self._points = self._forward()
        self._needs = self._backward()
        self._quiet = self._until_dropped()

    def _forward(self) -> list[_Point]:
        """Return the session before each statement, and the one at the end."""
        point, points = _Point(), []
        autocommit = True
        for index, effect in enumerate(self._effects, 1):
            points.append(point)
            lost, dropped = point.lost, point.dropped
            for key, write in effect.writes.items():
                # What is set from something that is lost is lost, too.
                cause = next((lost[read] for read in effect.reads if read in lost), None)
                entry = cause if write == effects.AGAIN else None if write in effects.STATES else (index, write)
                if entry is not None or key in lost:
                    lost = {name: one for name, one in lost.items() if name != key}
                    if entry is not None:
                        lost[key] = entry
                if write == effects.DROPPED or key in dropped:
                    dropped = {name: one for name, one in dropped.items() if name != key}
                    if write == effects.DROPPED:
                        dropped[key] = index
            autocommit = effect.autocommit if effect.autocommit is not None else autocommit
            opener, unclear = _transaction(point, effect, index, autocommit)
            point = _Point(lost, dropped, opener, unclear)
        return [*points, point]

    def _backward(self) -> list[frozenset[str]]:
        """Return what the rest of the script needs before each statement, and at the end."""
        need: frozenset[str] = frozenset()
        needs = [need]
        for effect in reversed(self._effects):
            # A later result takes no earlier one away.
            left = need - (effect.writes.keys() - {effects.RESULTS}) if effect.writes else need
            need = effect.reads if left <= effect.reads else left | effect.reads
            needs.append(need)
        needs.reverse()
        return needs

    def _until_dropped(self) -> int:
        """Return the first statement that drops, or may drop, what an earlier one has switched to; else the end."""
        used: set[effects.Named] = set()
        for index, effect in enumerate(self._effects, 1):
            if effect.may_drop(used):
                return index
            used |= effect.uses
        return len(self._effects) + 1

    def resume(self, index: int, present: t.Container[str] = ()) -> Resume:
        """Return how a run continues with statement C(index) in a new session.

        :param index: one more than the number of statements for the end of the script
        :param present: what a new session has by itself: C(effects.DATABASE), C(effects.SCHEMA)
        """
        point = self._points[index - 1]
        start = index
        if point.opener:
            closing = index <= len(self._effects) and self._effects[index - 1].transaction in ("commits", "unclear")
            if point.unclear or closing:
                return Resume(None, "the transaction", point.opener)
            start = point.opener
            point = self._points[start - 1]
        for key in self._needs[start - 1]:
            if key in point.lost:
                source, cause = point.lost[key]
                return Resume(None, cause, source)
            if key in point.dropped and key in present:
                return Resume(None, f"a session without a current {key.lower()}, as left", point.dropped[key])
        return Resume(start)

    def replays(self, index: int) -> list[tuple[Statement, str]]:
        """Return the statements to send before statement C(index) to set up a new session, in order, with their text."""
        need = self._needs[index - 1]
        found = []
        for at in range(index - 1, 0, -1):
            effect = self._effects[at - 1]
            mine = need & effect.writes.keys()
            if not mine:
                continue
            need -= mine
            if any(effect.writes[key] == effects.AGAIN for key in mine):
                found.append((self._statements[at - 1], effect.again or self._statements[at - 1].text))
                need |= effect.reads
        found.reverse()
        return found

    def may_be_dropped(self, statement: Statement, before: int) -> bool:
        """Return whether a statement that has run may have dropped what C(statement) switches to.

        :param before: the statement that the run continues with
        """
        uses = self._effects[statement.index - 1].uses
        return any(effect.may_drop(uses) for effect in self._effects[statement.index : before - 1])

    def may_pause(self, index: int) -> bool:
        """Return whether nothing is at stake when the session ends before statement C(index)."""
        need = self._needs[index - 1]
        return index <= self._quiet and effects.RESULT not in need and self.resume(index).index == index

    def may_be_retagged(self, index: int) -> bool:
        """Return whether a statement before C(index) may have changed the query tag of the session."""
        return any(effect.retags for effect in self._effects[: index - 1])

    def commits(self, index: int) -> bool:
        """Return whether statement C(index) ends a transaction."""
        return self._effects[index - 1].transaction == "closes"

    def require_committed(self) -> None:
        """Refuse a script that ends in a transaction.

        :raises TransactionOpen: its end would roll back what it has done
        """
        if opener := self._points[-1].opener:
            raise TransactionOpen(
                f"{self._statements[opener - 1].cited} opens a transaction, and no later statement is certain"
                " to commit it: the platform would roll it back at the end.",
                hint="No statement was sent. Add a COMMIT to the script, or have a person run it.",
                index=opener,
            )

    @property
    def to_warehouse(self) -> list[Statement]:
        """The statements by which the script gets its first warehouse, in order; empty if it names none."""
        for statement, effect in zip(self._statements, self._effects, strict=True):
            if statement.verb == "USE" and statement.kind == "WAREHOUSE":
                before, need = [statement], effect.reads
                for earlier in reversed(self._statements[: statement.index - 1]):
                    other = self._effects[earlier.index - 1]
                    if need & other.writes.keys() and earlier.is_session:
                        before.append(earlier)
                        need = need - other.writes.keys() | other.reads
                return before[::-1]
        return []

    def ways_to_warehouse(self, index: int) -> list[list[Statement]]:
        """Return the ways to the script's first warehouse that may be open at statement C(index), in order of preference.

        A script that sets up may grant the role with which it uses the warehouse what that needs later on. Then those come that
        it has used before, the last one first.
        """
        own = self.to_warehouse
        before = [one for one in self._statements[: index - 1] if one.verb == "USE" and one.kind == "ROLE"]
        roles = {one.name: one for one in reversed(before)}
        return [own, *([role, own[-1]] for role in roles.values())] if own else []

    def describe(self) -> list[dict[str, t.Any]]:
        """Return the fields of every statement for results."""
        return [
            {**statement.describe(), "resumes_at": self.resume(statement.index).index} for statement in self._statements
        ]


def _transaction(point: _Point, effect: Effect, index: int, autocommit: bool) -> tuple[int, bool]:
    """Return the statement that opened the transaction that is open after a statement, and whether that is unclear."""
    kind, opener = effect.transaction, point.opener
    if kind in ("closes", "commits"):
        return 0, False
    if kind == "opens":
        return opener or index, point.unclear
    if kind == "unclear" and (opener or not autocommit):
        return opener or index, True
    if kind == "part" and not autocommit:
        return opener or index, point.unclear
    if kind == "leaves open":
        return opener or index, True
    return opener, point.unclear
