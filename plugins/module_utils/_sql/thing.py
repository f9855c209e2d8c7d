# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Something on a platform that a script removes or creates, and the place in which each of its statements runs."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import names, policies, reads
from ansible_collections.community.immuta.plugins.module_utils._sql.head import Head
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

# Kind, and the parts of a full name, or what a statement has instead.
Key = tuple[str, t.Any]

NOT_PLAIN = "Its full name is not in the script."
NO_WAY = "No read finds objects of this kind."
NO_ROLE = "The script does not say which role it uses for it."
GRANT, POLICY = "GRANT", "POLICY"
OBJECT = "object"
# What other objects are in.
OUTER = ("CATALOG", "DATABASE", "SCHEMA")
# In the place of a role whose name is not in the script.
SOME_ROLE = ""


@dataclasses.dataclass(frozen=True)
class Thing:
    """Something that a script removes or creates.

    :ivar kind: of the object or policy, or C(GRANT)
    :ivar shown: its name, as statements describe it
    :ivar name: the parts of its full name, outermost first; None when they are not in the script
    :ivar role: the name of the role that has been taken for the statement about it; None for that of the session
    :ivar last: the last statement that takes it away, makes it, or brings it back
    :ivar taken: whether that one takes it away
    :ivar ways: reads that find it, each on its own
    :ivar subjects: reads that find what it can't be without; each of them has to find something
    :ivar cause: why there is no such read
    :ivar made: whether the script creates it before, unless it was there
    :ivar drops: the indexes of the statements that drop it, or what it is in
    :ivar creates: the indexes of the statements that create it; none for what the script removes
    :ivar existing: what the first of these does if there is one
    :ivar moved: whether the script gives it, or what it is in, to another owner or by another name afterwards
    """

    kind: str
    shown: str
    name: t.Any
    role: str | None
    last: Statement
    taken: bool
    ways: tuple[reads.Read, ...] = ()
    subjects: tuple[reads.Read, ...] = ()
    cause: str = ""
    made: bool = False
    drops: tuple[int, ...] = ()
    creates: tuple[int, ...] = ()
    existing: str = ""
    moved: bool = False

    def is_dropped(self, skipped: t.Container[int]) -> bool:
        """Return whether it must be gone when the script has run.

        :param skipped: the statements that were left out
        """
        return self.taken and self.last.index not in skipped

    def is_due(self, skipped: t.Container[int]) -> bool:
        """Return whether it must be there when the script has run, or gone if the script removes it.

        :param skipped: the statements that were left out
        """
        if not self.creates:
            return self.is_dropped(skipped)
        return not self.taken and any(index not in skipped for index in self.creates)

    @property
    def type(self) -> str:
        """Return C(object), C(grant), or C(policy) for what is attached to an object or the account."""
        if self.kind == GRANT:
            return "grant"
        return "policy" if self.kind == POLICY or isinstance(self.name, policies.Attached) else OBJECT


def key(kind: str, parts: tuple[str, ...], dialect: str) -> Key:
    """Return what identifies an object by its full name. Names of Databricks have no case."""
    return kind, tuple(part.lower() for part in parts) if dialect == "databricks" else parts


def is_or_holds(one: Key, other: Key) -> bool:
    """Return whether one is the other, or what the other is in."""
    if one == other:
        return True
    (kind, name), inner = one, other[1]
    return kind in OUTER and isinstance(inner, tuple) and inner[: len(name)] == name != inner


class Place:
    """The role, database, and schema in which a statement runs.

    :ivar role: the name of the role that has been taken; None for that of the session
    :ivar current: database or catalog, and schema
    """

    def __init__(self, dialect: str) -> None:
        self.role: str | None = None
        self.current = names.UNKNOWN
        self._dialect = dialect

    def move(self, own: Head) -> None:
        """Note what a statement does to the place of the next one.

        :param own: its head
        """
        self.current = names.after(own, self._dialect, self.current)
        if own.verb == "USE" and own.kind == "ROLE":
            parts = names.parts(own.name)
            self.role = parts[0] if len(parts) == 1 else SOME_ROLE
