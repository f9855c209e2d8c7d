# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking which of the objects that a script drops or unsets are on the platform, before it runs and after it has.

Reads only; knows no vendor.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql import names, reads
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Platform, Problem
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

NOT_PLAIN = "Its full name is not in the script."
NOT_SENT = "No statement of the script was sent. Run it again."
HAVE_RUN = "All statements of the script have run. Run it again, which only looks again."
NO_WAY = "There is no read that finds objects of this kind."


class LookFailed(Failure):
    """The platform did not answer while it was looked at."""

    code = "look_failed"


class ObjectsMissing(Failure):
    """None of the script's objects is on the platform; no statement of the script was sent."""

    code = "objects_missing"


class ObjectsLeft(Failure):
    """The script has run, and what it drops is still on the platform."""

    code = "objects_left"


class Eyes(t.Protocol):
    """What looking needs from a vendor.

    :ivar dialect: its SQL dialect
    """

    dialect: str

    def query_id(self, cursor: t.Any) -> str | None:
        """Return the id of the cursor's last query."""

    def problem(self, error: Exception, cursor: t.Any) -> Problem | None:
        """Explain an exception of the cursor's C(execute); None when it is not the client's."""


@dataclasses.dataclass(frozen=True)
class Thing:
    """An object that a script drops or unsets.

    :ivar shown: its name, as statements describe it
    :ivar name: the parts of its full name, outermost first; None when they are not in the script
    :ivar role: the statement that has taken the role of the statement about it
    :ivar last: the last statement that drops it, makes it, or brings it back
    """

    kind: str
    shown: str
    name: tuple[str, ...] | None
    role: Statement | None
    last: Statement

    def is_dropped(self, skipped: t.Container[int]) -> bool:
        """Return whether it must be gone when the script has run.

        :param skipped: the statements that were left out
        """
        return self.last.verb == "DROP" and self.last.index not in skipped


def things(statements: t.Iterable[Statement], dialect: str) -> list[Thing]:
    """Return what a script drops or unsets and has not made itself, in order, each once."""
    found: dict[tuple[str, t.Any], Thing] = {}
    made: set[tuple[str, t.Any]] = set()
    current = names.UNKNOWN
    role = None
    for statement in statements:
        own = statement.head
        kind = own.kind
        name = names.full(names.parts(own.name), reads.length(dialect, kind), current)
        key = kind, name or own.name
        current = names.after(own, dialect, current)
        if own.verb == "USE":
            role = statement if kind == "ROLE" else role
        elif own.verb == "CREATE":
            made.add(key)
        elif own.removes and kind and own.name and not own.session and key not in made:
            found.setdefault(key, Thing(kind, own.name, name, role, statement))
        if key in found and own.verb in ("DROP", "CREATE", "UNDROP"):
            found[key] = dataclasses.replace(found[key], last=statement)
    return list(found.values())


def look(cursor: t.Any, eyes: Eyes, statements: t.Iterable[Statement]) -> list[dict[str, t.Any]]:
    """Look for everything that a script drops or unsets; return a row for each.

    The roles that the script takes are taken for it, since nobody sees what his role may not see.

    :param cursor: of a PEP 249 connection
    :raises LookFailed: the platform did not answer
    """
    return _look(cursor, eyes, things(statements, eyes.dialect), NOT_SENT)


def look_again(
    cursor: t.Any, eyes: Platform, statements: t.Iterable[Statement], skipped: t.Container[int]
) -> list[dict[str, t.Any]]:
    """Look for everything that a script drops, after it has run; return a row for each.

    :param skipped: the statements that were left out
    :raises LookFailed: the platform did not answer
    """
    dropped = [thing for thing in things(statements, eyes.dialect) if thing.is_dropped(skipped)]
    return _look(eyes.reader(cursor), eyes, dropped, HAVE_RUN) if dropped else []


def require_gone(rows: t.Iterable[t.Mapping[str, t.Any]]) -> None:
    """Refuse to take a script for ended that leaves what it drops.

    :param rows: what was found when it had run
    :raises ObjectsLeft: something is still there
    """
    names = ", ".join(
        f"{row['kind']} {row['name']}" + (f" (owner {row['owner']})" if row["owner"] else "")
        for row in rows
        if row["present"]
    )
    if names:
        raise ObjectsLeft(
            f"All statements have run, and this is still on the platform, although the script drops it: {names}.",
            hint="Look at who has made it, and when. Drop it by hand if it is Immuta's, and run this again, which only looks"
            " again; verify=false (in the role, immuta_deregister_verify=never) leaves it at what the platform has"
            " answered.",
        )


def _look(cursor: t.Any, eyes: Eyes, wanted: t.Iterable[Thing], hint: str) -> list[dict[str, t.Any]]:
    rows = []
    role: Statement | None = None
    for thing in wanted:
        row: dict[str, t.Any] = {
            "kind": thing.kind,
            "name": thing.shown,
            "dropped": thing.is_dropped(()),
            "present": None,
        }
        row.update(owner=None, created_on=None, how=NOT_PLAIN, query_id=None)
        rows.append(row)
        if thing.name is None:
            row["how"] = NOT_PLAIN if reads.length(eyes.dialect, thing.kind) else NO_WAY
            continue
        read = reads.read(eyes.dialect, thing.kind, thing.name)
        texts = [read.sql]
        if thing.role is not None and (role is None or thing.role.text != role.text):
            texts.insert(0, thing.role.text)
            role = thing.role
        problem = _send(cursor, eyes, texts, hint)
        if problem:
            role = None
            row["how"] = f"It could not be looked for: {problem.message}"
        else:
            row.update(_seen(cursor, read))
        row["query_id"] = problem.query_id if problem else eyes.query_id(cursor)
    return [
        {name: _text.printable(value) if isinstance(value, str) else value for name, value in row.items()}
        for row in rows
    ]


def _send(cursor: t.Any, eyes: Eyes, texts: t.Iterable[str], hint: str) -> Problem | None:
    for text in texts:
        try:
            cursor.execute(text)
        except Exception as error:
            problem = eyes.problem(error, cursor)
            if problem is None:
                raise
            if problem.lost:
                raise LookFailed(
                    f"The platform did not answer while it was looked at: {problem.message}",
                    hint=hint,
                    query_id=problem.query_id,
                ) from None
            return problem
    return None


def _seen(cursor: t.Any, read: reads.Read) -> dict[str, t.Any]:
    """Return what a read says of the object with exactly this name."""
    columns = [str(column[0]).lower() for column in cursor.description]

    def value(row: t.Sequence[t.Any], *names: str) -> t.Any:
        return next((row[columns.index(one)] for one in names if one in columns), None)

    for row in cursor.fetchall():
        if tuple(value(row, *names) for names in read.name) == read.value:
            created = value(row, read.created)
            return {
                "present": True,
                "owner": value(row, read.owner) or None,
                "created_on": created.isoformat() if hasattr(created, "isoformat") else created and str(created),
                "how": read.sql,
            }
    return {"present": False, "how": read.sql}


def require_some(rows: t.Sequence[t.Mapping[str, t.Any]], session: t.Mapping[str, t.Any]) -> None:
    """Refuse a platform that has none of the objects that a script is there to remove.

    What no read finds is left out of account. Nothing is refused if nothing else is left.

    :param session: of the platform, for the message
    :raises ObjectsMissing: none of the others is there, or the platform refuses to look for any
    """
    rows = [row for row in rows if row["how"] not in (NOT_PLAIN, NO_WAY)]
    if not rows or any(row["present"] for row in rows):
        return
    refused = next((row["how"] for row in rows if row["present"] is None), "")
    where = " ".join(str(session[name]) for name in ("account", "host") if session.get(name))
    names = ", ".join(f"{row['kind']} {row['name']}" for row in rows)
    raise ObjectsMissing(
        f"None of what the script removes is on the platform ({where}), or may be seen there: {names}. {refused}"
        f"{' ' if refused else ''}Is this the right account, and may the user take the roles that the script takes?",
        hint="No statement of the script was sent. Sign in to the right one; if this is it, set missing_objects=accept,"
        " for the role immuta_deregister_missing_objects=accept.",
    )
