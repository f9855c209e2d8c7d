# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Marks the statements of a clean-up script whose objects may not be the integration's own.

The objects of an integration are those that its configuration names, and those with the names that the vendor
documents. Rights are its own if they are on one of its objects, or its role, its user, or its service principal had
them.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.module_utils._sql import documented, names, reads
from ansible_collections.community.immuta.plugins.module_utils._sql.head import Head
from ansible_collections.community.immuta.plugins.module_utils._sql.marks import Marks
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

# The fields of a configuration that tell what was made: database, catalog, role, user, impersonation_role, principal.
Made = t.Mapping[str, str]
NOT_KNOWN = "which may not be the integration's own"
ONLY_DOCUMENTED = f"{NOT_KNOWN} (its configuration is not known)"
# Of every account; none of them is anybody's own.
_SYSTEM = frozenset(
    """
    ACCOUNTADMIN GLOBALORGADMIN ORGADMIN PUBLIC SECURITYADMIN SYSADMIN USERADMIN SNOWFLAKE SNOWFLAKE_SAMPLE_DATA
    HIVE_METASTORE MAIN SAMPLES SYSTEM WORKSPACE __DATABRICKS_INTERNAL
    """.split()
)
# Kinds whose names start with a database, in addition to those that a read finds.
_IN_DATABASE = frozenset(
    kind.strip()
    for kind in """
    AGGREGATION POLICY, DATABASE ROLE, EXTERNAL FUNCTION, EXTERNAL TABLE, HYBRID TABLE, ICEBERG TABLE, JOIN POLICY,
    MASKING POLICY, MATERIALIZED VIEW, POLICY, PRIVACY POLICY, PROCEDURE, SEMANTIC VIEW, STREAMING TABLE, TAG
    """.split(",")
)
_PRINCIPAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def describe(
    rows: t.Sequence[dict[str, t.Any]],
    statements: t.Sequence[Statement],
    made: Made | None,
    needed_by: t.Sequence[t.Sequence[str]] = (),
) -> list[dict[str, t.Any]]:
    """Return the rows of a script's statements with C(marks) that take the integration's own objects into account.

    With C(needed_by), of each statement who else needs what it takes away, that is marked, too, and kept in the row.

    :param rows: what C(Statement.describe) returns of each, or more
    :param made: None if the configuration is not known: then only documented names are its own
    """
    found = marks(statements, made)
    if needed_by:
        found = [[*own, *(f"{one} needs it, too" for one in by)] for own, by in zip(found, needed_by, strict=True)]
        rows = [{**row, "needed_by": list(by)} for row, by in zip(rows, needed_by, strict=True)]
    return [{**row, "marks": own, "unusual": bool(own)} for row, own in zip(rows, found, strict=True)]


def marks(statements: t.Sequence[Statement], made: Made | None) -> list[list[str]]:
    """Return the marks of each statement of a script, printable, on one line each.

    :param made: as in C(describe)
    """
    own = Own(statements, made)
    return [[_text.printable(mark) for mark in own.marks(statement)] for statement in statements]


class Own:
    """The integration's own objects, in a script that is read from its start.

    :param guess: whether a database or catalog that C(made) does not tell is the documented one
    :ivar homes: the forms of the name of its database or catalog
    :ivar users: the forms of the names of its users
    """

    def __init__(self, statements: t.Sequence[Statement], made: Made | None, *, guess: bool = True) -> None:
        self._snowflake = bool(statements) and statements[0].dialect == "snowflake"
        self._foreign = ONLY_DOCUMENTED if made is None else NOT_KNOWN
        made = made or {}
        home = made.get("database" if self._snowflake else "catalog") or (documented.HOME if guess else "")
        self.homes = self._kept(home)
        self._roles = documented.roles(self.homes)
        self._named = self._kept(made.get("role", "")) | self._kept(made.get("impersonation_role", ""))
        self.users = set(map(documented.user, self.homes)) | self._kept(made.get("user", ""))
        self._principals = self._of_principals(statements, made.get("principal"))
        self._current = names.UNKNOWN

    def _kept(self, name: str) -> set[str]:
        """Return the forms in which the platform may keep a configured name: unchanged, upper case, or without case."""
        return {name, name.upper()} if self._snowflake else {name.lower()}

    def _of_principals(self, statements: t.Iterable[Statement], known: str | None) -> set[str]:
        """Return the service principals: that of the configuration, or else the only one that the script knows."""
        if known or self._snowflake:
            return {(known or "").lower()}
        grantees = (one.head.grantee[1].lower() for one in statements)
        found = {grantee for grantee in grantees if _PRINCIPAL.fullmatch(grantee)}
        return found if len(found) == 1 else set()

    def move(self, statement: Statement) -> None:
        """Go on to the next statement."""
        self._current = names.after(statement.head, statement.dialect, self._current)

    def marks(self, statement: Statement) -> list[str]:
        """Return the marks of the next statement."""
        self.move(statement)
        head = statement.head
        found = statement.marks(head)
        # A policy of Databricks belongs to what it is on.
        attached = head.kind == "POLICY" and not self._snowflake
        own = self.owns(*(head.on if attached else (head.kind, head.name)))
        marks = list(found.always)
        if found.on_others and not own:
            marks.append(found.on_others)
        marks.extend(
            f"removes {name} from its object, {self._foreign}" for name in found.detached if not self._has(name)
        )
        if not own and (taken := self._taken(head, found)):
            marks.append(f"{taken}, {self._foreign}")
        return marks

    def _taken(self, head: Head, found: Marks) -> str:
        """Return what a statement removes from others, unless another mark says so."""
        if head.verb == "REVOKE" and not self._is_grantee(head):
            return f"revokes rights from {' '.join(filter(None, head.grantee)) or 'somebody'}"
        if not head.removes or head.session or not head.kind or not head.name:
            return ""
        if head.verb == "DROP":
            return " ".join(filter(None, ("drops", head.kind, head.name, *(("on", *head.on) if any(head.on) else ()))))
        return "" if found.always or found.detaches else f"unsets properties of {head.kind} {head.name}"

    def _is_grantee(self, head: Head) -> bool:
        kind, name = head.grantee
        if self._snowflake:
            return self.owns(kind or "ROLE", name)
        return name.lower() in self._principals

    def owns(self, kind: str, name: str) -> bool:
        """Return whether an object is its own."""
        parts = names.parts(name)
        # ALL TABLES IN SCHEMA, and the like.
        kind = kind.rpartition(" IN ")[2]
        if not parts:
            return False
        if not self._snowflake:
            parts = tuple(part.lower() for part in parts)
        first = parts[0]
        if kind == "ROLE":
            return self._is_one(first) and (first in self._named or bool(self._roles.fullmatch(first)))
        if kind == "USER":
            return self._is_one(first) and first in self.users
        if kind == ("DATABASE" if self._snowflake else "CATALOG"):
            return self._is_home(first) and len(parts) == 1
        return self._has_inside(kind, parts)

    def _has_inside(self, kind: str, parts: tuple[str, ...]) -> bool:
        """Return whether an object of a database or catalog is in the one that was made."""
        dialect = "snowflake" if self._snowflake else "databricks"
        if not self._snowflake and kind == "DATABASE":
            kind = "SCHEMA"
        length = reads.length(dialect, kind)
        if length < 2 and kind not in _IN_DATABASE:
            return False
        whole = names.full(parts, length or (2 if kind == "DATABASE ROLE" else 3), self._current)
        return whole is not None and self._is_home(whole[0] if self._snowflake else whole[0].lower())

    def _has(self, name: str) -> bool:
        """Return whether a policy or a tag is in the database or catalog that was made."""
        return self._has_inside("MASKING POLICY", names.parts(name))

    def _is_home(self, name: str) -> bool:
        return name in self.homes and self._is_one(name)

    def _is_one(self, name: str) -> bool:
        return bool(name) and name.upper() not in _SYSTEM
