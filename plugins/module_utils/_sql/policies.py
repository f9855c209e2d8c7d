# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policies, masks, and filters that an C(ALTER) takes off, and the reads that find them where they are attached.

Sources: U(https://docs.snowflake.com/en/sql-reference/functions/policy_references),
U(https://docs.databricks.com/aws/en/sql/language-manual/information-schema/row_filters),
U(https://docs.databricks.com/aws/en/sql/language-manual/information-schema/column_masks).
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import head as heads
from ansible_collections.community.immuta.plugins.module_utils._sql import names, reads
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import dialect_named
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

Name = tuple[str, ...]

PARAMETER = "PARAMETER"
FILTER, MASK = "ROW FILTER", "COLUMN MASK"
UNKNOWN: Name = ("",)
_VIEWS = ("VIEW", "MATERIALIZED VIEW", "SEMANTIC VIEW")
_OF_COLUMN = frozenset("MODIFY ALTER CHANGE COLUMN".split())
_ON_DATABRICKS = frozenset(["TABLE", "VIEW", "MATERIALIZED VIEW", "STREAMING TABLE"])
_ON_SNOWFLAKE = frozenset(
    [
        *(
            "ACCOUNT",
            "DYNAMIC TABLE",
            "EVENT TABLE",
            "EXTERNAL TABLE",
            "HYBRID TABLE",
            "ICEBERG TABLE",
            "TABLE",
            "TAG",
            "USER",
        ),
        *_VIEWS,
    ]
)


@dataclasses.dataclass(frozen=True)
class Attached:
    """A policy on something, or a parameter of the account.

    :ivar kind: C(MASKING POLICY), for example
    :ivar policy: its full name, or that of the parameter; empty for any of this kind
    :ivar on_kind: the kind of what it is on
    :ivar on: the full name of that; empty for the account
    :ivar column: empty for all of it
    """

    kind: str
    policy: Name
    on_kind: str
    on: Name
    column: str = ""

    def shown(self, dialect: str) -> str:
        """Return it in a few words."""
        words = [names.shown(self.policy, dialect), "ON", self.on_kind, names.shown(self.on, dialect)]
        if self.column:
            words += ["COLUMN", names.shown((self.column,), dialect)]
        return " ".join(filter(None, words))


def of(statement: Statement, own: heads.Head, current: names.Current) -> list[Attached | None]:
    """Return the policies that an C(ALTER) takes off; None for each that can't be told exactly.

    :param own: its head
    :param current: database and schema of the session
    """
    words = _words(statement)
    on = _ON_SNOWFLAKE if words.snowflake else _ON_DATABRICKS
    at, whole = _place(words, statement, own, current)
    if own.kind not in on or (own.kind == "ACCOUNT" and (not own.removes or words.word(at + 1) == "TAG")):
        return []
    found: list[Attached | None] = []
    column = False
    for part in _parts(words, at):
        after = words.skip_any(part, _OF_COLUMN)
        column = after > part or (column and words.word(part) not in heads.ACTIONS)
        if column:
            taken = _taken_of_column(words, after, own.kind, whole or ())
        else:
            taken = _taken(words, part, own.kind, whole or (), current)
        if taken is not None:
            plain = whole is not None and taken.policy != UNKNOWN and (taken.column or not column)
            found.append(taken if plain else None)
    return found


def attaches(statement: Statement, own: heads.Head) -> bool:
    """Return whether a statement may put a policy on something, or set a parameter."""
    return own.verb == "ALTER" and any(word in ("SET", "ADD") for word, _at in heads.actions(_words(statement)))


def place(statement: Statement, own: heads.Head, current: names.Current) -> Name | None:
    """Return the full name of what an C(ALTER) is about; empty for the account, None if that is not known."""
    return _place(_words(statement), statement, own, current)[1]


def _words(statement: Statement) -> heads.Words:
    return heads.Words(statement.script, dialect_named(statement.dialect), statement.start, statement.end)


def _place(
    words: heads.Words, statement: Statement, own: heads.Head, current: names.Current
) -> tuple[int, Name | None]:
    """Return the position after the name of what is changed, and that name in full."""
    _kind, at = words.kind(words.skip_any(1, heads.MODIFIERS))
    if own.kind == "ACCOUNT":
        return at, ()
    at = words.skip(at, "IF", "EXISTS")
    length = 1 if own.kind == "USER" else 3
    return words.after_name(at), names.full(names.parts(own.name), length, current)


def _parts(words: heads.Words, at: int) -> t.Iterator[int]:
    """Yield the positions where the parts of a list start."""
    start = True
    for place, word in words.placed(at):
        if start:
            yield place
        start = word == ","


def _taken(words: heads.Words, at: int, kind: str, name: Name, current: names.Current) -> Attached | None:
    """Return the policies that a part without a column takes off; C(UNKNOWN) for one whose full name is unknown."""
    if words.word(at) in heads.REMOVING:
        at += 1
    elif kind != "ACCOUNT":
        return None
    if not words.snowflake:
        return Attached(FILTER, (), kind, name) if words.skip(at, "ROW", "FILTER") > at else None
    if words.skip(at, "ALL", "ROW", "ACCESS", "POLICIES") > at:
        return Attached("ROW ACCESS POLICY", (), kind, name)
    policy, end = words.kind(at)
    if not policy.endswith(" POLICY"):
        alone = words.token(at + 1) is None or words.word(at + 1) == ","
        return Attached(PARAMETER, (words.word(at),), kind, ()) if kind == "ACCOUNT" and alone else None
    if kind in ("ACCOUNT", "USER") or words.token(end) is None or words.word(end) == ",":
        return Attached(policy, (), kind, name)
    return Attached(policy, names.full(names.parts(words.name(end)), 3, current) or UNKNOWN, kind, name)


def _taken_of_column(words: heads.Words, at: int, kind: str, name: Name) -> Attached | None:
    """Return what a part takes off the column at C(at)."""
    end, column = words.after_name(at), words.name(at)
    (part,) = names.parts(column) if len(names.parts(column)) == 1 else ("",)
    if not words.snowflake:
        return Attached(MASK, (), kind, name, part) if words.skip(end, "DROP", "MASK") > end else None
    policy, _end = words.kind(end + 1)
    taken = words.word(end) == "UNSET" and policy.endswith(" POLICY")
    return Attached(policy, (), kind, name, part) if taken else None


_REFERENCES = (
    ("policy_kind",),
    ("policy_db",),
    ("policy_schema",),
    ("policy_name",),
    ("ref_database_name",),
    ("ref_schema_name",),
    ("ref_entity_name",),
    ("ref_column_name",),
    ("tag_name",),
)
# The documents name the columns of the table in one way, and those of other tables of metadata in the other.
_TABLE = (("table_catalog", "catalog_name"), ("table_schema", "schema_name"), ("table_name",))


def ways(dialect: str, one: Attached) -> tuple[reads.Read, ...]:
    """Return the reads that answer whether it is attached, each on its own."""
    if dialect == "databricks":
        return _on_databricks(one)
    if one.kind == PARAMETER:
        sql = f"SHOW PARAMETERS LIKE {reads.literal(one.policy[0])} IN ACCOUNT"
        return (reads.Read(sql, (("key",), ("level",)), (*one.policy, "ACCOUNT"), owner="", created=""),)
    if one.on_kind in ("ACCOUNT", "USER"):
        # It lists what is on this one only.
        on = f"{one.on_kind} {names.quoted(one.on, dialect)}".strip()
        return (reads.Read(f"SHOW {one.kind[:-1]}IES ON {on}", (), ()),)
    value = (one.kind, one.policy, one.on, one.column)
    tell = _teller(bool(one.policy), one.on_kind == "TAG")
    domain = "VIEW" if one.on_kind in _VIEWS else "TAG" if one.on_kind == "TAG" else "TABLE"
    asked = [(one.on, "REF_ENTITY_NAME", f", REF_ENTITY_DOMAIN => '{domain}'")]
    if one.policy:
        asked.append((one.policy, "POLICY_NAME", ""))
    return tuple(
        reads.Read(
            f"SELECT {', '.join(column for (column,) in _REFERENCES)} FROM"  # noqa: S608 - names in quotes
            f" TABLE({names.quoted(name[:1], dialect)}.INFORMATION_SCHEMA.POLICY_REFERENCES({argument} =>"
            f" {reads.literal(names.quoted(name, dialect))}{more}))",
            *(_REFERENCES, value),
            owner="",
            created="",
            tell=tell,
        )
        for name, argument, more in asked
    )


def _on_databricks(one: Attached) -> tuple[reads.Read, ...]:
    name: tuple[tuple[str, ...], ...] = _TABLE
    table = "row_filters"
    value = tuple(part.lower() for part in one.on)
    if one.kind == MASK:
        name, table = (*_TABLE, ("column_name",)), "column_masks"
        value = (*value, one.column.lower())
    every = f"SELECT * FROM system.information_schema.{table}"  # noqa: S608 - names of ours
    return tuple(
        reads.Read(sql, name, value, owner="", created="", tell=_lower)
        for sql in (f"{every} WHERE table_name = {reads.literal(value[2])}", every)
    )


def subjects(dialect: str, one: Attached) -> tuple[reads.Read, ...]:
    """Return the reads that find what it is on, and what that is in."""
    outer = ("DATABASE" if dialect == "snowflake" else "CATALOG", one.on[:1])
    places = [(one.on_kind, one.on), *([outer] if len(one.on) > 1 else [])]
    return tuple(
        reads.read(dialect, kind, name) for kind, name in places if name and reads.length(dialect, kind) == len(name)
    )


@functools.cache
def _teller(with_policy: bool, of_tag: bool) -> reads.Tell:
    """Return what makes a value of the columns; the same function for the same arguments."""

    def tell(row: tuple[t.Any, ...]) -> tuple[t.Any, ...] | None:
        kind, *names_, column, tag = (str(one or "") for one in row)
        if tag and not of_tag:
            # A tag has put it there, and takes it away.
            return None
        return kind.replace("_", " "), tuple(names_[:3]) if with_policy else (), tuple(names_[3:]), column

    return tell


def _lower(row: tuple[t.Any, ...]) -> tuple[t.Any, ...]:
    return tuple(str(one).lower() for one in row)
