# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The draft of a script for what is left over on one account or metastore. A person has to read it before it runs.

Nothing in it is about an object that is in use, or that is not certain to be left over.
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.module_utils._sql import leftovers, names

Row = t.Mapping[str, t.Any]

MARK = "-- DRAFT, which nobody has read yet. Read every statement and check every object before you run it."
# A policy goes before its database, a database before the role that owns it.
SNOWFLAKE = ("system_user", "policy", "database", "impersonation_role", "user_role", "system_role")


def draft(platform: str, audit: Row) -> str:
    """The script, or "" if nothing is certain to be left over.

    :param audit: what was found on the platform, with C(objects) that have their verdicts
    """
    gone = [one for one in audit["objects"] if one["state"] == "left_over"]
    if not gone:
        return ""
    statements = (_snowflake if platform == "snowflake" else _databricks)(audit, gone)
    return "\n".join([*_head(platform, audit, gone), *(f"{one};" for one in statements), ""])


def _head(platform: str, audit: Row, gone: t.Sequence[Row]) -> t.Iterator[str]:
    yield MARK
    yield (
        "-- community.immuta.audit made it from objects that no integration of this tenant uses. Another tenant may"
        " use them."
    )
    yield f"-- It is for {_text.printable(audit['place'])}, as seen at {audit['time']}."
    yield f"-- Run it with community.immuta.{platform}_script, in one piece, from the start. It can't be undone."
    if audit["attached"] is None:
        yield (
            "-- Where its policies are attached was not seen. Snowflake refuses to drop them, and their database,"
            " until they are"
        )
        yield "-- detached. Audit again as ACCOUNTADMIN with a warehouse."
    yield "-- The objects, and why they are left over:"
    for one in gone:
        owner = f", owner {one['owner']}" if one["owner"] else ""
        yield _text.printable(f"-- {one['kind']} {'.'.join(one['path'])}{owner}: {one['reason']}")


def _snowflake(audit: Row, gone: t.Sequence[Row]) -> t.Iterator[str]:
    yield f"USE ROLE {leftovers.SEES_ALL}"
    paths = [one["path"] for one in gone if one["part"] == "policy"]
    attached = [one for one in audit["attached"] or () if one["path"] in paths]
    for one in attached:
        table, policy = (_quoted("snowflake", name) for name in (one["table"], one["path"]))
        what = "VIEW" if one["on"].endswith("VIEW") else "TABLE"
        if one["kind"] == "MASKING POLICY":
            column = _quoted("snowflake", [one["column"]])
            yield f"ALTER {what} {table} MODIFY COLUMN {column} UNSET MASKING POLICY"
        else:
            yield f"ALTER {what} {table} DROP ROW ACCESS POLICY {policy}"
    databases = [one["path"][0] for one in gone if one["part"] == "database"]
    for part in SNOWFLAKE:
        for one in gone:
            # What lies in a database goes with it.
            if one["part"] == part and not (part == "policy" and one["path"][0] in databases):
                yield f"DROP {one['kind']} IF EXISTS {_quoted('snowflake', one['path'])}"


def _databricks(audit: Row, gone: t.Sequence[Row]) -> t.Iterator[str]:
    catalogs = [one["path"] for one in gone if one["part"] == "catalog"]
    for one in audit["attached"]:
        # What lies in a catalog goes with it.
        if one["path"][:1] in catalogs and one["table"][:1] not in catalogs:
            table = _quoted("databricks", one["table"])
            if one["kind"] == "MASK":
                yield f"ALTER TABLE {table} ALTER COLUMN {_quoted('databricks', [one['column']])} DROP MASK"
            else:
                yield f"ALTER TABLE {table} DROP ROW FILTER"
    for path in catalogs:
        catalog = _quoted("databricks", path)
        if user := audit["session"].get("user"):
            # Only an owner may drop a catalog; a metastore admin may make oneself that.
            yield f"ALTER CATALOG {catalog} SET OWNER TO {_quoted('databricks', [user])}"
        yield f"DROP CATALOG IF EXISTS {catalog} CASCADE"


def _quoted(dialect: str, name: t.Iterable[str]) -> str:
    return names.quoted(tuple(name), dialect)
