# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which objects a script drops, by the description of its statements: what can be looked for before it is saved, and whose they are."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import names, reads
from ansible_collections.community.immuta.plugins.module_utils._sql.head import Head
from ansible_collections.community.immuta.plugins.module_utils._sql.thing import OUTER, is_or_holds, key

# Any other verb may run statements that are not described here, which leave the session anywhere.
_PLAIN = frozenset(
    """
    ALTER COMMENT COMMIT CREATE DELETE DESC DESCRIBE DROP GRANT INSERT MERGE REVOKE ROLLBACK SELECT SET SHOW TRUNCATE UNDROP
    UNSET UPDATE USE
    """.split()
)


# In check mode, which saves no script.
UNSAVED = "the script is not on the disk yet"
SAVE_IT = (
    "To have it looked for, run this outside of check mode without immuta_deregister_confirm: that saves the script, and deletes"
    " nothing."
)
# How an ALTER takes something away, such as a policy from a table.
_TAKES = re.compile(r"\b(?:DROP|UNSET)\b")
Rows = t.Iterable[t.Mapping[str, t.Any]]


def objects(rows: Rows, dialect: str) -> list[dict[str, str]]:
    """Return what to look for, as the option C(objects) of the platform's modules has it; only what is told exactly.

    :param rows: C(statements) of C(immuta_cleanup_script)
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    for _kind, one in _drops(rows, dialect):
        if one is not None:
            found.setdefault((one["kind"], one["name"]), one)
    return list(found.values())


def unlooked(rows: Rows, dialect: str) -> list[str]:
    """Return the line that says what else the script removes, and how to have it looked for; none if there is nothing else.

    :param rows: C(statements) of C(immuta_cleanup_script)
    """
    known = list(rows)
    verbs = [(row.get("verb"), row.get("action") or "") for row in known]
    kinds = dict.fromkeys(kind for kind, one in _drops(known, dialect) if one is None)
    told = {
        "grants": any(verb == "REVOKE" for verb, _action in verbs),
        "policies": any(verb == "ALTER" and _TAKES.search(action) for verb, action in verbs),
        f"some of what it drops ({', '.join(kinds)})": bool(kinds),
    }
    rest = ", ".join(what for what, applies in told.items() if applies)
    return [f"Not looked for, because {UNSAVED}: {rest}. {SAVE_IT}"] if rest else []


def foreign(rows: Rows, dialect: str, created: Rows) -> list[str]:
    """Return what a script drops and is neither among some objects nor in one of them, each as kind and name, as a statement has it.

    What is not told exactly is not taken for one of them.

    :param rows: C(statements) of C(immuta_cleanup_script)
    :param created: those objects, each with C(kind) and C(name)
    """
    known = {key(one["kind"], names.parts(one["name"]), dialect) for one in created}
    # A name that leaves out where it is may be of another one.
    holders = [name for kind, name in known if kind in OUTER and len(name) == reads.length(dialect, kind)]
    found: dict[str, None] = {}
    for drop in _read(rows, dialect):
        length = reads.length(dialect, drop.kind)
        kind, name = key(drop.kind, drop.whole or (() if length else drop.parts), dialect)
        # Of a kind that is not known, only a name with database and schema tells where it is.
        inside = (length or len(name) == 3) and any(name[: len(one)] == one != name for one in holders)
        if not (name and ((kind, name) in known or inside)):
            found[f"{drop.kind or 'OBJECT'} {drop.name or f'(statement {drop.number})'}"] = None
    return list(found)


def left(rows: Rows, dialect: str, created: Rows) -> list[str]:
    """Return what of some objects a script drops neither by name nor with what they are in, each as kind and name.

    A name that leaves out where the object is does not tell, and neither does a script with a block or a text that it executes.

    :param rows: C(statements) of C(immuta_cleanup_script)
    :param created: those objects, each with C(kind) and C(name)
    """
    if any(row.get("verb") in ("BEGIN", "EXECUTE") and row.get("object") != "TRANSACTION" for row in rows):
        return []
    gone = [key(drop.kind, drop.whole or drop.parts, dialect) for drop in _read(rows, dialect)]
    found = []
    for one in created:
        own = key(one["kind"], names.parts(one["name"]), dialect)
        whole = len(own[1]) == (reads.length(dialect, own[0]) or len(own[1]))
        if whole and not any(is_or_holds(drop, own) for drop in gone):
            found.append(f"{one['kind']} {one['name']}")
    return found


class _Drop(t.NamedTuple):
    """A C(DROP).

    :ivar number: of the statement
    :ivar name: as the statement has it
    :ivar whole: the full name; None where it is not told exactly
    :ivar role: the role that the script has taken: empty for that of the sign-in, None where it can't be told
    """

    number: int
    kind: str
    name: str
    parts: tuple[str, ...]
    whole: tuple[str, ...] | None
    role: str | None


def _drops(rows: Rows, dialect: str) -> t.Iterator[tuple[str, dict[str, str] | None]]:
    """Yield the kind of each object that is dropped, and the object; None where it is not told exactly."""
    for drop in _read(rows, dialect):
        taken = {"role": drop.role} if drop.role else {}
        exact = drop.whole and drop.role is not None
        yield (
            drop.kind,
            {"kind": drop.kind, "name": names.quoted(drop.whole or (), dialect), **taken} if exact else None,
        )


def _read(rows: Rows, dialect: str) -> t.Iterator[_Drop]:
    """Yield what is dropped."""
    current = names.UNKNOWN
    role: str | None = ""
    for row in rows:
        verb, kind, name = (row.get(part) or "" for part in ("verb", "object", "name"))
        own = Head(
            verb, kind, name, session=bool(row.get("session")), hides=verb not in _PLAIN and kind != "TRANSACTION"
        )
        # What can't be printed is written with backslashes there.
        parts = () if "\\" in name else names.parts(name)
        whole = names.full(parts, reads.length(dialect, kind), current)
        # What the script creates before may have been there: whether IF NOT EXISTS is said, no row tells.
        if verb == "DROP" and not own.session:
            yield _Drop(row.get("index") or 0, kind, name, parts, whole, role)
        current = names.after(own, dialect, current)
        if own.hides:
            role = None
        elif verb == "USE" and kind == "ROLE":
            role = parts[0] if len(parts) == 1 else None
