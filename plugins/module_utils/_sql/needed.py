# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells which statements of a clean-up script take away what another integration or connection on the platform needs.

That is the role, the user, or the service principal with which it signs in, and what it has made. Immuta does not always tell a
name as the platform keeps it, so names are compared in any case, and without quotes. A statement that can't be read exactly
counts if its text has such a name anywhere.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.module_utils._sql import names
from ansible_collections.community.immuta.plugins.module_utils._sql.head import FLOW
from ansible_collections.community.immuta.plugins.module_utils._sql.made_by import Made, Own
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

# What else is on the platform: what it is, and what it has made or signs in with.
Others = t.Sequence[tuple[str, Made]]
# Verbs that take nothing away, and hide nothing that does.
_HARMLESS = frozenset("COMMENT COMMIT DESC DESCRIBE ROLLBACK SET SHOW UNSET USE".split())
# Created, they hold statements that run later.
_HOLDING = ("ALERT", "FUNCTION", "PROCEDURE", "TASK")
_FIELDS = {"ROLE": ("role", "impersonation_role"), "USER": ("user",)}
_PARENTHESES = re.compile(r"\([^()]*\)")


def by(statements: t.Sequence[Statement], made: Made | None, others: Others) -> list[list[str]]:
    """Return for each statement of a script who else needs what it takes away, or changes.

    :param made: of the script's own integration; None if its configuration is not known
    """
    found: list[dict[str, None]] = [{} for _statement in statements]
    for name, about in others:
        for index in _Other(statements, made, about).needed():
            found[index][_text.printable(name)] = None
    return [list(one) for one in found]


class _Other:
    """Another one, in the script of the first."""

    def __init__(self, statements: t.Sequence[Statement], mine: Made | None, made: Made) -> None:
        self._statements = statements
        self._snowflake = bool(statements) and statements[0].dialect == "snowflake"
        self._mine, self._own = mine, {kind: _names(mine or {}, fields) for kind, fields in _FIELDS.items()}
        self._home = {name: made[name] for name in ("database", "catalog") if name in made}
        self._named = {kind: _names(made, fields) for kind, fields in _FIELDS.items()}
        self._principals = _names(made, ("principal",))

    def needed(self) -> list[int]:
        """Return the places of the statements that take something from it, from 0."""
        found, roles = self._read()
        if roles and not self._named["USER"]:
            # It has the role; that it has the user as well is as likely.
            self._named["USER"] = {_folded(one) for one in Own(self._statements, self._mine).users if one}
            found, _roles = self._read()
        return found

    def _read(self) -> tuple[list[int], bool]:
        """Return the places of the statements, and whether one of them takes its role."""
        mine, theirs = Own(self._statements, self._mine), Own(self._statements, self._home, guess=False)
        found, roles = [], False
        for at, statement in enumerate(self._statements):
            mine.move(statement)
            theirs.move(statement)
            if self._takes(statement, mine, theirs):
                found.append(at)
                roles = roles or "ROLE" in (statement.head.kind, statement.head.grantee[0])
        return found, roles

    def _takes(self, statement: Statement, mine: Own, theirs: Own) -> bool:
        head, text = statement.head, statement.text
        if self._is_harmless(statement):
            return False
        if head.verb == "REVOKE":
            kind, name = head.grantee
            # In what goes with the script, nobody else has anything.
            inside = mine.owns(head.kind, head.name) and not self._has(head.kind, head.name, mine, theirs)
            if not (name and self._is_read(text)) or not self._snowflake:
                return not inside and self._mentions(text)
            return not inside and self._has(kind or "ROLE", name, mine, theirs)
        exact = head.verb in ("ALTER", "CREATE", "DROP") and head.kind and head.name and self._is_read(text)
        several = head.verb == "DROP" and "," in _PARENTHESES.sub("", text)
        if exact and not several and head.kind not in (*_HOLDING, "GROUP"):
            return self._has(head.kind, head.name, mine, theirs)
        return self._mentions(text)

    @staticmethod
    def _is_harmless(statement: Statement) -> bool:
        head = statement.head
        if FLOW in statement.text:
            return False
        if head.verb == "GRANT":
            return not re.search(r"\bOWNERSHIP\b", statement.text, re.IGNORECASE)
        if head.verb == "CREATE":
            return head.existing != "replaced" and not head.kind.endswith(_HOLDING)
        return head.verb in _HARMLESS or head.session or (head.verb, head.kind) == ("BEGIN", "TRANSACTION")

    @staticmethod
    def _is_read(text: str) -> bool:
        """Return whether the names of a statement are in its text, and not computed."""
        return not re.search(r"\bIDENTIFIER\s*\(", text, re.IGNORECASE)

    def _has(self, kind: str, name: str, mine: Own, theirs: Own) -> bool:
        """Return whether an object is the other one's, also if it is the script's own as well."""
        parts = names.parts(name)
        if len(parts) == 1 and _folded(parts[0]) in self._named.get(kind, ()):
            return True
        # A name that follows from that of its database may follow from another one's, too.
        if not theirs.owns(kind, name) or (parts and _folded(parts[0]) in self._own.get(kind, ())):
            return False
        return not mine.owns(kind, name) or max(map(len, theirs.homes)) >= max(map(len, mine.homes))

    def _mentions(self, text: str) -> bool:
        given, folded = {*self._named["ROLE"], *self._named["USER"], *self._principals}, text.casefold()
        return any(re.search(rf"(?<![\w$]){re.escape(one)}(?![\w$])", folded) for one in given)


def _names(made: Made, fields: t.Iterable[str]) -> set[str]:
    return {_folded(made[name]) for name in fields if made.get(name)}


def _folded(name: str) -> str:
    return name.strip('"`').replace('""', '"').casefold()
