# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Grants, as in C(GRANT) and C(REVOKE): one privilege on one object, or on all or future ones, of one grantee."""

from __future__ import annotations

import dataclasses

from ansible_collections.community.immuta.plugins.module_utils._sql import names, reads
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import dialect_named
from ansible_collections.community.immuta.plugins.module_utils._sql.head import Head, Words
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

Name = tuple[str, ...]

ALL = "ALL PRIVILEGES"
# How many parts the full names have that no C(SHOW) of objects finds, or that only grants know.
_MORE: dict[str, dict[str, int]] = {
    "snowflake": {
        "ACCOUNT": 0,
        "DATABASE ROLE": 2,
        **dict.fromkeys(("HYBRID TABLE", "ICEBERG TABLE", "MODEL", "SEMANTIC VIEW", "SERVICE"), 3),
    },
    "databricks": {"METASTORE": 0, "DATABASE": 2},
}
# Their names alone don't tell which one is meant.
_OVERLOADED = ("FUNCTION", "PROCEDURE", "EXTERNAL FUNCTION")
_GRANTEES = {"ROLE": 1, "USER": 1, "DATABASE ROLE": 2}


@dataclasses.dataclass(frozen=True)
class Grant:
    """A privilege of a grantee.

    :ivar privilege: in upper case; C(USAGE) for a role
    :ivar kind: the kind of the object, or of all those in C(inside)
    :ivar name: its full name, or that of what holds them
    :ivar grantee: a full name; its kind is empty on Databricks
    :ivar scope: C(ALL) or C(FUTURE) for all objects of a kind in C(inside)
    :ivar inside: the kind of what holds them
    :ivar option: whether it is only the right to pass the privilege on
    """

    privilege: str
    kind: str
    name: Name
    grantee_kind: str
    grantee: Name
    scope: str = ""
    inside: str = ""
    option: bool = False

    @property
    def is_role(self) -> bool:
        """Return whether it is a role that is given to somebody."""
        return self.privilege == "USAGE" and self.kind.endswith("ROLE") and not self.scope

    def shown(self, dialect: str) -> str:
        """Return it in the words of a statement."""
        name = names.shown(self.name, dialect)
        what = f"{self.kind} {name}".strip()
        if self.scope:
            what = f"{self.scope} {plural(self.kind)} IN {self.inside} {name}"
        if not self.is_role:
            what = f"{self.privilege} ON {what}"
        to = f"{self.grantee_kind} {names.shown(self.grantee, dialect)}".strip()
        return f"{'GRANT OPTION FOR ' if self.option else ''}{what} TO {to}"

    def touches(self, other: Grant) -> bool:
        """Return whether one of the two may give again what the other one is about."""
        if (self.grantee_kind, self.grantee) != (other.grantee_kind, other.grantee):
            return False
        if (self.scope == "FUTURE") != (other.scope == "FUTURE"):
            return False
        shorter = min(len(self.name), len(other.name))
        return self.name[:shorter] == other.name[:shorter] and (
            self.privilege == other.privilege or ALL in (self.privilege, other.privilege)
        )


def plural(kind: str) -> str:
    """Return the plural of a kind."""
    return f"{kind[:-1]}IES" if kind.endswith("Y") else f"{kind}S"


def _singular(kind: str) -> str:
    return f"{kind[:-3]}Y" if kind.endswith("IES") else kind.removesuffix("S")


def of(statement: Statement, own: Head, current: names.Current) -> list[Grant]:
    """Return what a C(GRANT) or C(REVOKE) is about, one for each privilege; none if it can't be told exactly.

    :param own: its head
    :param current: database and schema of the session
    """
    words = Words(statement.script, dialect_named(statement.dialect), statement.start, statement.end)
    at = words.skip(1, "GRANT", "OPTION", "FOR")
    option = at > 1
    kind, after = words.kind(at)
    if kind.endswith("ROLE") and words.word(words.after_name(after)) in ("TO", "FROM"):
        privileges, scope, inside = ["USAGE"], "", ""
        name = names.parts(words.name(after))
    else:
        on = words.find(at, "ON")
        privileges = _privileges(words, at, on)
        kind, scope, inside, name = _object(words, on + 1, words.snowflake)
    whole = names.full(name, _length(statement.dialect, inside or kind), current) if name else name
    grantee_kind, grantee = _grantee(own, current, words.snowflake)
    plain = inside or kind in ("ACCOUNT", "METASTORE") or (bool(name) and not (words.snowflake and kind in _OVERLOADED))
    if not (plain and grantee and whole is not None and kind):
        return []
    return [Grant(one, kind, whole, grantee_kind, grantee, scope, inside, option) for one in privileges]


def _privileges(words: Words, at: int, end: int) -> list[str]:
    """Return the privileges in a list; none if one of them is for columns only."""
    text = " ".join(words.word(i) for i in range(at, end))
    if "(" in text or words.token(end) is None:
        return []
    found = [one.strip() for one in text.split(",")]
    return [ALL if one == "ALL" else one for one in found]


def _object(words: Words, at: int, snowflake: bool) -> tuple[str, str, str, Name]:
    """Return kind, scope, the kind of what holds them, and name of what the privileges are on."""
    if words.word(at) in ("ALL", "FUTURE"):
        end = words.find(at, "IN", "TO", "FROM")
        kind = _singular(" ".join(words.word(i) for i in range(at + 1, end)))
        inside, after = words.kind(end + 1)
        name = names.parts(words.name(after)) if inside in ("DATABASE", "SCHEMA") else ()
        return kind if name else "", words.word(at), inside, name
    kind, after = words.kind(at)
    if kind in ("ACCOUNT", "METASTORE"):
        return kind, "", "", ()
    if not kind and not snowflake:
        # A lone name is a table's.
        kind = "TABLE"
    return kind, "", "", names.parts(words.name(after))


def _length(dialect: str, kind: str) -> int:
    return _MORE[dialect].get(kind) or reads.length(dialect, kind)


def _grantee(own: Head, current: names.Current, snowflake: bool) -> tuple[str, Name]:
    kind, name = own.grantee
    parts = names.parts(name)
    if not snowflake:
        return "", parts if len(parts) == 1 and not kind else ()
    kind = kind or "ROLE"
    return kind, (names.full(parts, _GRANTEES[kind], current) or ()) if kind in _GRANTEES else ()
