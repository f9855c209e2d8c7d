# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking which of what a script removes or creates is on the platform, before it runs and after it has.

Reads only, all of them written here: nothing of the script's own text is sent. Knows no vendor.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql import created, names, reads, removed
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Platform, Problem
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement
from ansible_collections.community.immuta.plugins.module_utils._sql.thing import NO_ROLE, OBJECT, SOME_ROLE, Thing

# Reads that look for grants and policies; each may answer for many of them.
MOST_READS = 200
NOT_LOOKED = f"It was not looked for: that would take more than {MOST_READS} reads for grants and policies."
# Snowflake's answer to DROP IF EXISTS, of what is not there and of what the role does not see.
IN_VAIN = ("already dropped", "successfully (")
NOT_DROPPED = (
    "It is not visible, and no DROP of it, or of what contains it, found it ({answer}): it may be there, hidden from the role"
    " {role}."
)
CUT_OFF = f"It is not among the first {reads.MOST_ROWS} that the platform lists"
MOVED = "It is not visible, but the script gives it to another owner, or renames it, so it may be hidden from the role {role}."
NOT_SENT = "No statement of the script was sent. Run it again."
HAVE_RUN = "All statements of the script have run. Run it again, which only looks again."

# What to look for in a script.
THINGS: dict[str, t.Callable[[t.Iterable[Statement], str], list[Thing]]] = {
    "removed": removed.things,
    "created": created.things,
}

Answered = t.Mapping[str, t.Any]
# How many things a read in a role answers for.
Shared = t.Mapping["tuple[str | None, str]", int]


class LookFailed(Failure):
    """The platform did not answer while it was looked at."""

    code = "look_failed"


class Eyes(t.Protocol):
    """The interface of a vendor for looking at a platform.

    :ivar dialect: its SQL dialect
    :ivar session: what is known of the session: its C(user), on Snowflake its C(role)
    """

    dialect: str
    session: dict[str, t.Any]

    def query_id(self, cursor: t.Any) -> str | None:
        """Return the id of the cursor's last query."""

    def problem(self, error: Exception, cursor: t.Any) -> Problem | None:
        """Explain an exception of the cursor's C(execute); None when it is not the client's."""


def look(
    cursor: t.Any,
    eyes: Eyes,
    statements: t.Iterable[Statement],
    answers: t.Iterable[Answered] = (),
    look_for: str = "removed",
    skipped: t.Container[int] = (),
) -> list[dict[str, t.Any]]:
    """Look for everything that a script removes, or creates; return a row for each.

    The session switches to the roles that the script uses, since a role does not see what it may not see. What they don't
    see is looked for in the role of the sign-in, too: each row has the C(roles) that see it, or don't.

    :param cursor: of a PEP 249 connection that has just been opened
    :param answers: C(index) and C(answer) of the statements that have run
    :param look_for: C(removed) or C(created)
    :param skipped: the statements that are left out
    :raises LookFailed: the platform did not answer
    """
    return _Look(cursor, eyes, answers, skipped=skipped).rows(THINGS[look_for](statements, eyes.dialect))


def look_again(
    cursor: t.Any,
    eyes: Platform,
    statements: t.Iterable[Statement],
    skipped: t.Container[int],
    answers: t.Iterable[Answered] = (),
    look_for: str = "removed",
) -> list[dict[str, t.Any]]:
    """Look for everything that has to be gone, or there, when a script has run; return a row for each.

    :param cursor: of the session that has run it
    :param skipped: the statements that were left out
    :param answers: C(index) and C(answer) of the others
    :param look_for: C(removed) or C(created)
    :raises LookFailed: the platform did not answer
    """
    due = [thing for thing in THINGS[look_for](statements, eyes.dialect) if thing.is_due(skipped)]
    return _Look(eyes.reader(cursor), eyes, answers, again=True).rows(due) if due else []


class _Answer:
    """The answer to a read: rows, or why there are none."""

    def __init__(self, columns: list[str], rows: list[t.Any], query_id: str | None, problem: Problem | None) -> None:
        self.query_id = query_id
        self.problem = problem
        self._columns = columns
        self._rows = rows
        self._found: dict[t.Any, dict[t.Any, t.Any]] = {}

    def is_cut_off(self, read: reads.Read) -> bool:
        """Return whether there may be more than it holds."""
        return len(self._rows) >= reads.MOST_ROWS and read.sql.startswith("SHOW ")

    def find(self, read: reads.Read) -> t.Any:
        """Return the row of the very thing that is looked for, or None."""
        key = read.name, read.tell
        if key not in self._found:
            told: dict[t.Any, t.Any] = {}
            self._found[key] = told
            for row in self._rows:
                value = read.tell(tuple(self.value(row, *columns) for columns in read.name))
                if value is not None:
                    told.setdefault(value, row)
        return self._found[key].get(read.value)

    def value(self, row: t.Sequence[t.Any], *columns: str) -> t.Any:
        """Return the value of a row in the first of these columns that it has; None if it has none."""
        return next((row[self._columns.index(one)] for one in columns if one in self._columns), None)


class _Look:
    """One look at a platform; no read is sent twice in the same role.

    :param said: what the platform has answered to the script's statements
    :param skipped: the statements that are left out
    :param again: whether all of the script has run, in a role that is not known
    """

    def __init__(
        self,
        cursor: t.Any,
        eyes: Eyes,
        said: t.Iterable[Answered],
        *,
        skipped: t.Container[int] = (),
        again: bool = False,
    ) -> None:
        self._cursor = cursor
        self._eyes = eyes
        self._again = again
        self._skipped = skipped
        self._own = _bare(eyes.session.get("role"))
        self._role = None if again else self._own
        self._answers: dict[tuple[str | None, str], _Answer] = {}
        self._refused: dict[str, Problem] = {}
        self._asked = 0
        self._said = {row["index"]: row["answer"] for row in said if row.get("answer")}

    def rows(self, wanted: t.Sequence[Thing]) -> list[dict[str, t.Any]]:
        """Return a row for each."""
        self._tell_user(wanted)
        shared = collections.Counter((thing.role, read.sql) for thing in wanted for read in thing.ways)
        found = [(thing, self._row(thing, shared)) for thing in wanted]
        new_roles = {thing.name for thing in wanted if thing.creates and thing.kind == "ROLE"}
        for thing, row in found:
            if row["present"] is None and thing.role in self._refused and (thing.role,) in new_roles:
                # The script takes the role when it has created it.
                row.update(self._seen(thing, None, self._way(thing, shared)), roles=[self._own] if self._own else [])
            if row["present"] is False and reads.SEES_ALL not in row["roles"]:
                self._look_as_oneself(thing, row, shared)
                if reads.SEES_ALL not in row["roles"]:
                    self._doubt(thing, row)
        return [
            {name: _text.printable(value) if isinstance(value, str) else value for name, value in row.items()}
            for _thing, row in found
        ]

    def _tell_user(self, wanted: t.Sequence[Thing]) -> None:
        """Ask a session that does not tell it whose it is: two users don't see the same."""
        session = self._eyes.session
        if self._eyes.dialect != "databricks" or session.get("user") or not any(thing.ways for thing in wanted):
            return
        rows: list[t.Any] = []
        if self._send(reads.USER, rows) is None and rows:
            session["user"] = rows[0][0]

    def _look_as_oneself(self, thing: Thing, row: dict[str, t.Any], shared: Shared) -> None:
        """Look in the role of the sign-in for what the script's role does not see, or no longer."""
        if self._own is None or self._own in row["roles"]:
            return
        seen = self._seen(thing, None, self._way(thing, shared))
        if seen.get("present"):
            row.update(seen, roles=[self._own])
        elif seen.get("present") is False:
            row["roles"].append(self._own)

    def _doubt(self, thing: Thing, row: dict[str, t.Any]) -> None:
        """Take nothing for gone that may only be hidden: what was to be dropped, and not found, or is in other hands."""
        if row["present"] is not False:
            return
        said = self._told_of(thing)
        role = " and ".join(row["roles"]) or "of the session"
        if said and all(map(_in_vain, said)):
            row.update(present=None, how=NOT_DROPPED.format(answer=said[-1].rstrip("."), role=role))
        if self._again and thing.moved:
            row.update(present=None, how=MOVED.format(role=role))

    def _told_of(self, thing: Thing) -> list[str]:
        """Return what the platform has answered to the statements that drop a thing, or what it is in."""
        return [self._said[index] for index in thing.drops if index in self._said]

    def _way(self, thing: Thing, shared: Shared) -> reads.Read:
        """Return the read that answers for the most things."""
        return max(thing.ways, key=lambda read: shared[thing.role, read.sql])

    def _row(self, thing: Thing, shared: Shared) -> dict[str, t.Any]:
        role = thing.role if thing.role is not None else self._own
        row: dict[str, t.Any] = {
            "type": thing.type,
            "kind": thing.kind,
            "name": thing.shown,
            "dropped": thing.is_dropped(self._skipped),
            "present": None,
            "owner": None,
            "created_on": None,
            "how": thing.cause,
            "query_id": None,
            "roles": [role] if role else [],
            "made": thing.made,
            "confirmed": any(not _in_vain(one) for one in self._told_of(thing)),
            **({"existing": thing.existing} if thing.creates else {}),
        }
        if thing.ways and thing.role == SOME_ROLE:
            row["how"] = NO_ROLE
        elif thing.ways:
            row.update(self._seen(thing, thing.role, self._way(thing, shared)))
        return row

    def _seen(self, thing: Thing, role: str | None, read: reads.Read) -> dict[str, t.Any]:
        answer = self._answer(role, read.sql, bounded=thing.type != OBJECT)
        if answer is None:
            return {"how": NOT_LOOKED}
        if answer.problem is None:
            return self._told(answer, read)
        # What is refused may be refused because there is nothing that it could be on any more.
        for subject in thing.subjects:
            other = self._answer(role, subject.sql, bounded=True)
            if other and not other.problem and (told := self._told(other, subject))["present"] is False:
                return told
        return {"how": f"It could not be looked for: {answer.problem.message}", "query_id": answer.problem.query_id}

    def _told(self, answer: _Answer, read: reads.Read) -> dict[str, t.Any]:
        row = answer.find(read)
        if row is None:
            cut_off = answer.is_cut_off(read)
            how = f"{CUT_OFF}: {read.sql}" if cut_off else read.sql
            return {"present": None if cut_off else False, "how": how, "query_id": answer.query_id}
        created = answer.value(row, read.created)
        return {
            "present": True,
            "owner": answer.value(row, read.owner) or None,
            "created_on": created.isoformat() if hasattr(created, "isoformat") else created and str(created),
            "how": read.sql,
            "query_id": answer.query_id,
        }

    def _answer(self, role: str | None, sql: str, *, bounded: bool) -> _Answer | None:
        """Return what a read answers in a role; None if it is one too many."""
        if (role, sql) not in self._answers:
            if bounded and self._asked >= MOST_READS:
                return None
            self._asked += bounded
            self._answers[role, sql] = self._ask(role, sql)
        return self._answers[role, sql]

    def _ask(self, role: str | None, sql: str) -> _Answer:
        take = role if role is not None else self._own
        if take is not None and take != self._role:
            problem = self._refused.get(take) or self._send(f"USE ROLE {names.quoted((take,), self._eyes.dialect)}")
            if problem:
                self._refused[take] = problem
                return _Answer([], [], None, problem)
            self._role = take
        rows: list[t.Any] = []
        problem = self._send(sql, rows)
        if problem:
            return _Answer([], [], None, problem)
        return _Answer(columns(self._cursor), rows, self._eyes.query_id(self._cursor), None)

    def _send(self, text: str, rows: list[t.Any] | None = None) -> Problem | None:
        return send(self._cursor, self._eyes, text, HAVE_RUN if self._again else NOT_SENT, rows)


def send(cursor: t.Any, eyes: Eyes, text: str, hint: str, rows: list[t.Any] | None = None) -> Problem | None:
    """Send a statement that only looks, and add to C(rows) what it answers; return why it is refused, or None.

    :param hint: what to do when the platform does not answer
    :raises LookFailed: the platform did not answer
    """
    try:
        cursor.execute(text)
        if rows is not None:
            # It may come in several pieces.
            rows += cursor.fetchall()
    except Exception as error:
        problem = eyes.problem(error, cursor)
        if problem is None:
            raise
        if problem.lost:
            raise LookFailed(
                f"Looking at the platform failed: {problem.message}", hint=hint, query_id=problem.query_id
            ) from None
        return problem
    return None


def columns(cursor: t.Any) -> list[str]:
    """Return the names of the columns of what a read has answered, in lower case."""
    return [str(column[0]).lower() for column in cursor.description]


def _in_vain(answer: str) -> bool:
    """Return whether a DROP has found nothing, by its answer."""
    return any(words in answer for words in IN_VAIN)


def _bare(role: str | None) -> str | None:
    """Return the name of a role without the quotes in which a client may tell it."""
    return names.parts(role)[0] if role and role.startswith('"') else role or None
