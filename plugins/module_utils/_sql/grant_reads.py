# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reads that answer whether a grant is there, and where their answers say so. None changes anything.

Snowflake lists what somebody has, and who has something; one list answers for many grants.

Sources: U(https://docs.snowflake.com/en/sql-reference/sql/show-grants),
U(https://docs.databricks.com/aws/en/sql/language-manual/security-show-grant).
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import grants, names, reads

Name = tuple[str, ...]

# What of a row tells which grant it is.
_SNOWFLAKE = (
    ("privilege",),
    ("granted_on", "grant_on"),
    ("name",),
    ("role",),
    ("granted_to", "grant_to"),
    ("grantee_name",),
    ("grant_option",),
)
_DATABRICKS = (
    ("actiontype", "action_type", "privilege_type"),
    ("objecttype", "object_type"),
    ("objectkey", "object_key"),
    ("principal", "grantee"),
    ("inherited_from",),
)
# The tables of metadata with all privileges on a kind, and the columns with the names of the objects.
_METADATA: dict[str, tuple[str, tuple[str, ...]]] = {
    "CATALOG": ("catalog_privileges", ("catalog_name",)),
    "SCHEMA": ("schema_privileges", ("catalog_name", "schema_name")),
    "TABLE": ("table_privileges", ("table_catalog", "table_schema", "table_name")),
    "VOLUME": ("volume_privileges", ("volume_catalog", "volume_schema", "volume_name")),
}
_SAME = {"VIEW": "TABLE", "MATERIALIZED VIEW": "TABLE", "SEMANTIC VIEW": "TABLE"}
# They stay when all others are taken.
_APART = {"snowflake": ("OWNERSHIP",), "databricks": ("EXTERNAL USE LOCATION", "EXTERNAL USE SCHEMA", "MANAGE")}


def ways(dialect: str, grant: grants.Grant) -> tuple[reads.Read, ...]:
    """Return the reads that answer whether a grant is there, each on its own.

    What is granted to somebody comes first, since it answers also where the object is gone.
    """
    return _on_snowflake(grant) if dialect == "snowflake" else _on_databricks(grant)


def subjects(dialect: str, grant: grants.Grant) -> tuple[reads.Read, ...]:
    """Return the reads that find what a grant can't be without: the grantee, the object, and what the two are in."""
    found = []
    for kind, name in (
        (grant.grantee_kind, grant.grantee),
        (grant.inside or grant.kind, grant.name),
        *((outer, grant.name[:1]) for outer in ("DATABASE", "CATALOG") if len(grant.name) > 1),
        *[("DATABASE", grant.grantee[:1])] * (len(grant.grantee) > 1),
    ):
        if name and reads.length(dialect, kind) == len(name):
            found.append(reads.read(dialect, kind, name))
    return tuple(found)


def _on_snowflake(grant: grants.Grant) -> tuple[reads.Read, ...]:
    value = (
        "USAGE" if grant.privilege == "IMPORTED PRIVILEGES" else grant.privilege,
        _like(grant.kind),
        grant.name,
        grant.grantee_kind,
        grant.grantee[-1],
    )
    depth = len(grant.name) if grant.scope == "ALL" else None
    tell = _teller("snowflake", grant.privilege == grants.ALL, depth, grant.option)
    to = f"TO {grant.grantee_kind} {names.quoted(grant.grantee, 'snowflake')}"
    on = f"ON {grant.kind} {names.quoted(grant.name, 'snowflake')}".strip()
    show = "SHOW FUTURE GRANTS" if grant.scope == "FUTURE" else "SHOW GRANTS"
    second = {"ALL": "", "FUTURE": f"IN {grant.inside} {names.quoted(grant.name, 'snowflake')}"}.get(grant.scope, on)
    if grant.is_role:
        # Of a database role, no such list is documented.
        second = f"OF ROLE {names.quoted(grant.name, 'snowflake')}" if grant.kind == "ROLE" else ""
    both = [to, second] if second else [to]
    return tuple(reads.Read(f"{show} {one}", _SNOWFLAKE, value, owner="", tell=tell) for one in both)


def _on_databricks(grant: grants.Grant) -> tuple[reads.Read, ...]:
    kind = _like(grant.kind).replace("DATABASE", "SCHEMA")
    value = (grant.privilege, kind, tuple(part.lower() for part in grant.name), grant.grantee[0].lower())
    tell = _teller("databricks", grant.privilege == grants.ALL, None, False)
    principal = names.quoted(grant.grantee, "databricks")
    on = f"{grant.kind} {names.quoted(grant.name, 'databricks')}".strip()
    found = [reads.Read(f"SHOW GRANTS {principal} ON {on}", _DATABRICKS, value, owner="", created="", tell=tell)]
    if kind in _METADATA:
        table, path = _METADATA[kind]
        sql = f"SELECT * FROM system.information_schema.{table} WHERE grantee = {reads.literal(grant.grantee[0])}"  # noqa: S608 - names of ours
        columns = (_DATABRICKS[0], _DATABRICKS[3], _DATABRICKS[4], *((one,) for one in path))
        told = _metadata_teller(kind, grant.privilege == grants.ALL)
        found.append(reads.Read(sql, columns, value, owner="", created="", tell=told))
    return tuple(found)


@functools.cache
def _teller(dialect: str, any_privilege: bool, depth: int | None, option: bool) -> reads.Tell:
    """Return what makes a value of the columns; the same function for the same arguments.

    :param any_privilege: whether the privilege does not matter
    :param depth: how many parts of the name matter; None for all
    :param option: whether only what may be passed on counts
    """

    def snowflake(row: tuple[t.Any, ...]) -> tuple[t.Any, ...] | None:
        privilege, kind, name, role, to, grantee, may_pass_on = (str(one or "") for one in row)
        if role:
            privilege, kind, name = "USAGE", "ROLE", role
        if (any_privilege and privilege in _APART[dialect]) or (option and may_pass_on.lower() != "true"):
            return None
        path = _path(name)
        if kind == "ROLE" or len(path) == 1:
            path = (_bare(name),)
        if path[-1].startswith("<"):
            # Of what is to come, the name is that of the kind.
            path = path[:-1]
        to = to.replace("_", " ")
        grantee = _path(grantee)[-1] if to == "DATABASE ROLE" and _path(grantee) else _bare(grantee)
        kind = _like(kind)
        return grants.ALL if any_privilege else privilege, kind, () if kind == "ACCOUNT" else path[:depth], to, grantee

    def databricks(row: tuple[t.Any, ...]) -> tuple[t.Any, ...] | None:
        privilege, kind, name, principal, _inherited = (str(one or "") for one in row)
        kind = _like(kind).replace("DATABASE", "SCHEMA")
        return _metadata(privilege, kind, () if kind == "METASTORE" else _path(name), principal, any_privilege)

    return snowflake if dialect == "snowflake" else databricks


@functools.cache
def _metadata_teller(kind: str, any_privilege: bool) -> reads.Tell:
    def tell(row: tuple[t.Any, ...]) -> tuple[t.Any, ...] | None:
        privilege, principal, inherited, *path = (str(one or "") for one in row)
        if inherited not in ("", "NONE"):
            return None
        return _metadata(privilege, kind, path, principal, any_privilege)

    return tell


def _metadata(
    privilege: str, kind: str, path: t.Iterable[str], principal: str, any_privilege: bool
) -> tuple[t.Any, ...] | None:
    privilege = privilege.upper().replace("_", " ")
    if any_privilege:
        if privilege in _APART["databricks"]:
            return None
        privilege = grants.ALL
    return privilege, kind, tuple(part.lower() for part in path), principal.lower()


def _like(kind: str) -> str:
    """Return one kind for all that share their names, since the platform may name any of them."""
    kind = kind.upper().replace("_", " ")
    if kind == "DATABASE ROLE":
        return kind
    return next(
        (one for one in ("TABLE", "INTEGRATION", "FUNCTION") if kind.endswith(f" {one}")), _SAME.get(kind, kind)
    )


def _path(name: str) -> Name:
    return names.parts(name) or (name,)


def _bare(name: str) -> str:
    return _path(name)[0] if name.startswith(('"', "`")) else name
