# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The read that finds an object on each platform, by its exact name. None changes anything; Snowflake's need no warehouse.

Sources: U(https://docs.snowflake.com/en/sql-reference/sql/show),
U(https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-information-schema).
"""

from __future__ import annotations

import dataclasses
import typing as t

Name = tuple[str, ...]
Tell = t.Callable[[tuple[t.Any, ...]], "tuple[t.Any, ...] | None"]

# How many parts the full names of Snowflake's objects have; SHOW knows them by the plural of their kind.
SNOWFLAKE: dict[str, int] = {
    **dict.fromkeys(
        (
            *("APPLICATION", "APPLICATION PACKAGE", "COMPUTE POOL", "CONNECTION", "DATABASE", "EXTERNAL VOLUME"),
            *("FAILOVER GROUP", "INTEGRATION", "NETWORK POLICY", "REPLICATION GROUP", "RESOURCE MONITOR", "ROLE"),
            *("SHARE", "USER", "WAREHOUSE", "API INTEGRATION", "CATALOG INTEGRATION", "EXTERNAL ACCESS INTEGRATION"),
            *("NOTIFICATION INTEGRATION", "SECURITY INTEGRATION", "STORAGE INTEGRATION"),
        ),
        1,
    ),
    "SCHEMA": 2,
    **dict.fromkeys(
        (
            *("AGGREGATION POLICY", "ALERT", "AUTHENTICATION POLICY", "DYNAMIC TABLE", "EVENT TABLE", "EXTERNAL TABLE"),
            *("FILE FORMAT", "FUNCTION", "MASKING POLICY", "MATERIALIZED VIEW", "NETWORK RULE", "PASSWORD POLICY"),
            *("PIPE", "PROCEDURE", "PROJECTION POLICY", "ROW ACCESS POLICY", "SECRET", "SEQUENCE", "SESSION POLICY"),
            *("STAGE", "STREAM", "TABLE", "TAG", "TASK", "VIEW"),
        ),
        3,
    ),
}
# Its SHOW takes no pattern.
WITHOUT_PATTERN = "NETWORK POLICY"
# Databricks' tables of metadata, and the start of their columns' names.
DATABRICKS: dict[str, tuple[str, str]] = {
    "CATALOG": ("catalogs", "catalog"),
    "CONNECTION": ("connections", "connection"),
    "EXTERNAL LOCATION": ("external_locations", "external_location"),
    "FUNCTION": ("routines", "routine"),
    "RECIPIENT": ("recipients", "recipient"),
    "SCHEMA": ("schemata", "schema"),
    "SHARE": ("shares", "share"),
    "STORAGE CREDENTIAL": ("storage_credentials", "storage_credential"),
    "TABLE": ("tables", "table"),
    "VIEW": ("tables", "table"),
    "VOLUME": ("volumes", "volume"),
}
IN_SCHEMA = ("FUNCTION", "TABLE", "VIEW", "VOLUME")
# The role of Snowflake to which SHOW hides nothing. To all others, and to users of Databricks, it does what they may not see.
SEES_ALL = "ACCOUNTADMIN"
# A session of Databricks does not tell whose it is.
USER = "SELECT current_user()"
# A SHOW of Snowflake answers no more rows than this.
MOST_ROWS = 10_000


@dataclasses.dataclass(frozen=True)
class Read:
    """A read that finds an object, and where its answer has what; each column goes by one of several names.

    :ivar name: the columns with the parts of the name, outermost first
    :ivar value: what they hold for the very object that is looked for
    :ivar tell: what makes a value of what they hold; None for what is not looked for. One function for reads with one C(name)
    """

    sql: str
    name: tuple[tuple[str, ...], ...]
    value: tuple[t.Any, ...]
    owner: str = "owner"
    created: str = "created_on"
    tell: Tell = tuple


def length(dialect: str, kind: str) -> int:
    """Return how many parts the full name of an object has; 0 for a kind that no read finds."""
    if dialect == "snowflake":
        return SNOWFLAKE.get(kind, 0)
    return 0 if kind not in DATABRICKS else 3 if kind in IN_SCHEMA else 2 if kind == "SCHEMA" else 1


def read(dialect: str, kind: str, name: Name) -> Read:
    """Return the read that finds an object of a kind with a C(length).

    :param name: as long as C(length) says
    """
    return (_snowflake if dialect == "snowflake" else _databricks)(kind, name)


def literal(value: str) -> str:
    """Return a string of Databricks, or of Snowflake."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _snowflake(kind: str, name: Name) -> Read:
    shown = "INTEGRATION" if kind.endswith("INTEGRATION") else kind
    shown = f"{shown[:-1]}IES" if shown.endswith("Y") else f"{shown}S"
    # The pattern may fit others, too: their names are not the same. So nothing depends on how it is escaped.
    pattern = name[-1].replace("\\", "_").replace("'", "''")
    like = "" if kind == WITHOUT_PATTERN else f" LIKE '{pattern}'"
    outer = (("database_name", "catalog_name"), ("schema_name",))[: len(name) - 1]
    return Read(f"SHOW {shown}{like}{' IN ACCOUNT' if outer else ''}", (*outer, ("name",)), name)


def _databricks(kind: str, name: Name) -> Read:
    table, start = DATABRICKS[kind]
    outer = ["catalog_name"] if kind == "SCHEMA" else [f"{start}_catalog", f"{start}_schema"][: len(name) - 1]
    columns = [*outer, f"{start}_name"]
    # Names have no case, and metadata has them in lower case.
    value = tuple(part.lower() for part in name)
    fits = " AND ".join(f"{column} = {literal(part)}" for column, part in zip(columns, value, strict=True))
    sql = f"SELECT {', '.join([*columns, f'{start}_owner', 'created'])} FROM system.information_schema.{table}"  # noqa: S608 - names of ours
    return Read(
        f"{sql} WHERE {fits}", tuple((column,) for column in columns), value, owner=f"{start}_owner", created="created"
    )
