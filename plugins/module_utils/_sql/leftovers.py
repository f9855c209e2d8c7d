# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds objects that look like Immuta's, by documented names, by owner, and by word, regardless of who created them.

Reads only; knows no vendor. Reads that were refused are listed, so that nobody counts as gone what was not shown.

Sources: U(https://docs.snowflake.com/en/sql-reference/sql/show-users), which also says what a role sees,
U(https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-information-schema).
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.module_utils._sql import documented, hosts, reads, verify

Row = dict[str, t.Any]
# Asks Databricks for the service principals with a word in their names.
Ask = t.Callable[[str], t.Any]

WORD = documented.HOME
PRINCIPAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# The only role to which Snowflake shows all databases, roles, users, and policies.
SEES_ALL = "ACCOUNTADMIN"
POLICIES = {"MASKING POLICY": "MASKING POLICIES", "ROW ACCESS POLICY": "ROW ACCESS POLICIES"}
REFERENCES = (
    "SELECT policy_db, policy_schema, policy_name, policy_kind, ref_database_name, ref_schema_name, ref_entity_name,"
    " ref_column_name, ref_entity_domain FROM SNOWFLAKE.ACCOUNT_USAGE.POLICY_REFERENCES WHERE policy_db IN ({})"
)
# Where policies are attached is none of the question what there is.
ASIDE = "SNOWFLAKE.ACCOUNT_USAGE.POLICY_REFERENCES"
NO_WAREHOUSE = (
    "The session has no warehouse, which is needed to see where policies are attached. Snowflake gives a session none that its"
    " role may not use. Set the option warehouse, for example in SNOWFLAKE_WAREHOUSE, to one that it may."
)
CATALOGS = (
    "SELECT catalog_name, catalog_owner, created FROM system.information_schema.catalogs"
    " WHERE catalog_name LIKE '%immuta%'"
)
METASTORE = "SELECT metastore_name, metastore_owner FROM system.information_schema.metastores"
WHO = "SELECT current_user() AS who, is_account_group_member({}) AS member"
PRINCIPALS = "GET /api/2.0/preview/scim/v2/ServicePrincipals"
# Databricks' tables of what is attached, the start of their columns about the function, and what is attached.
ATTACHED = {"column_masks": ("mask", "MASK"), "row_filters": ("filter", "ROW FILTER")}


class Eyes(verify.Eyes, t.Protocol):
    """The interface of a vendor for finding what is left."""

    def place(self, connection: t.Any) -> hosts.Place:
        """Return where a session is."""


class _Reader:
    """Sends reads and keeps a record of them.

    :ivar record: of each its text, the query's id, how many rows it has shown, and why none if it was refused
    """

    def __init__(self, cursor: t.Any, eyes: Eyes) -> None:
        self._cursor = cursor
        self._eyes = eyes
        self.record: list[Row] = []

    def __call__(self, sql: str) -> list[Row]:
        """Return what a read shows, by column in lower case; nothing if it is refused.

        :raises LookFailed: the platform did not answer
        """
        told: list[t.Any] = []
        if problem := verify.send(self._cursor, self._eyes, sql, "Nothing was changed. Run it again.", told):
            self.note(sql, problem.query_id, refused=problem.message)
            return []
        columns = verify.columns(self._cursor)
        rows = [dict(zip(columns, row, strict=True)) for row in told]
        cut = (
            "Snowflake shows no more rows than these."
            if len(rows) >= reads.MOST_ROWS and sql.startswith("SHOW")
            else None
        )
        self.note(sql, self._eyes.query_id(self._cursor), len(rows), cut)
        return rows

    def note(self, sql: str, query_id: str | None = None, rows: int = 0, refused: str | None = None) -> None:
        """Add a read to the record."""
        self.record.append({"read": sql, "query_id": query_id, "rows": rows, "refused": refused})


def find(
    connection: t.Any,
    eyes: Eyes,
    names: t.Iterable[str],
    compare_hosts: t.Iterable[str],
    principals: Ask | None = None,
) -> Row:
    """Return what looks like Immuta's, where it is attached, and whether hosts lead to where the session is.

    :param names: more databases or catalogs to look for
    :param principals: None where there are none
    :raises LookFailed: the platform did not answer
    """
    read = _Reader(connection.cursor(), eyes)
    relations: dict[str, str] = dict.fromkeys(compare_hosts, "unknown")
    try:
        place = eyes.place(connection)
        relations = {host: place.relation(host) for host in relations}
        where = str(place)
    except hosts.PlatformUnknown as error:
        where = eyes.dialect
        read.note("Where the session is", refused=error.message)
    if eyes.dialect == "snowflake":
        found = _snowflake(read, list(names), bool(eyes.session.get("warehouse")))
        sees_all = eyes.session.get("role") == SEES_ALL
    else:
        found = _databricks(read, list(names), principals)
        sees_all = _is_admin(read, eyes.session)
    return {
        **found,
        "place": _text.printable(where),
        "sees_all": sees_all and not any(one["refused"] for one in read.record if ASIDE not in one["read"]),
        "hosts": [{"host": host, "relation": relation} for host, relation in relations.items()],
        "reads": [{name: _shown(value) for name, value in one.items()} for one in read.record],
    }


def _shown(value: t.Any) -> t.Any:
    return _text.printable(value) if isinstance(value, str) else value


def _object(kind: str, path: t.Sequence[str], row: Row, part: tuple[str, str | None], **more: t.Any) -> Row:
    created = row.get("created_on", row.get("created"))
    return {
        "kind": kind,
        "path": list(path),
        "owner": row.get("owner") or None,
        "created_on": _time(created),
        "last_used": None,
        "part": part[0],
        "home": part[1],
        "display_name": None,
        **more,
    }


def _time(value: t.Any) -> str | None:
    return value.isoformat() if hasattr(value, "isoformat") else str(value) if value else None


# Snowflake


def _like(text: str) -> str:
    """Return a pattern for SHOW. It may fit others, too: their names are compared."""
    return text.replace("\\", "_").replace("'", "''")


def _snowflake(read: _Reader, names: t.Sequence[str], warehouse: bool) -> Row:
    given = {kept for name in names for kept in (name, name.upper())}
    shown: dict[tuple[str, str], Row] = {}

    def show(kind: str, pattern: str) -> None:
        for row in read(f"SHOW {kind}S LIKE '{_like(pattern)}'"):
            shown.setdefault((kind, str(row["name"])), row)

    for kind in ("DATABASE", "ROLE", "USER"):
        show(kind, f"%{WORD}%")
    show("USER", f"%{documented.USER}")
    users = [name for kind, name in shown if kind == "USER" and name.endswith(documented.USER)]
    homes = given | {name.removesuffix(documented.USER) for name in users}
    homes = {home for home in homes if home and WORD not in home.upper()}
    for home in sorted({home.upper() for home in homes}):
        show("DATABASE", home)
        show("ROLE", f"{home}_%")
        if home in given:
            show("USER", documented.user(home))
    # What is somebody else's and only lies beside Immuta's is left out.
    homes |= given | {name for kind, name in shown if kind == "DATABASE" and WORD in name.upper()} | {WORD}
    found = []
    for (kind, name), row in shown.items():
        part = documented.part(kind, name, homes)
        if WORD in name.upper() or part[1] in homes:
            used = _time(row.get("last_success_login")) if kind == "USER" else None
            found.append(_object(kind, (name,), row, part, last_used=used))
    policies = list(_policies(read, found))
    return {"objects": [*found, *policies], "attached": _references(read, policies, warehouse)}


def _policies(read: _Reader, found: t.Sequence[Row]) -> t.Iterator[Row]:
    databases = {one["home"] for one in found if one["part"] == "database"}
    owners = {one["path"][0]: one["home"] for one in found if one["part"] == "system_role"}
    for kind, plural in POLICIES.items():
        for row in read(f"SHOW {plural} IN ACCOUNT"):
            database, owner = str(row["database_name"]), str(row.get("owner") or "")
            home = database if database in databases else owners.get(owner)
            if home is not None:
                yield _object(kind, (database, str(row["schema_name"]), str(row["name"])), row, ("policy", home))


def _references(read: _Reader, policies: t.Sequence[Row], warehouse: bool) -> list[Row] | None:
    """Return where policies are attached; None if that can't be asked."""
    if not policies:
        return []
    if not warehouse:
        read.note(ASIDE, refused=NO_WAREHOUSE)
        return None
    known = {tuple(one["path"]): one for one in policies}
    within = ", ".join(reads.literal(one) for one in sorted({one["path"][0] for one in policies}))
    rows = read(REFERENCES.format(within))
    if read.record[-1]["refused"]:
        return None
    return [
        {
            "kind": policy["kind"],
            "path": policy["path"],
            "home": policy["home"],
            "on": str(row["ref_entity_domain"]).replace("_", " "),
            "table": [str(row[f"ref_{part}_name"]) for part in ("database", "schema", "entity")],
            "column": row["ref_column_name"] or None,
        }
        for row in rows
        if (policy := known.get(tuple(str(row[f"policy_{part}"]) for part in ("db", "schema", "name"))))
    ]


# Databricks


def _databricks(read: _Reader, names: t.Sequence[str], principals: Ask | None) -> Row:
    rows = read(CATALOGS)
    for name in sorted({name.lower() for name in names if WORD not in name.upper()}):
        rows += read(reads.read("databricks", "CATALOG", (name,)).sql)
    catalogs = [
        _object("CATALOG", (name,), {**row, "owner": row["catalog_owner"]}, ("catalog", name))
        for row in rows
        for name in [str(row["catalog_name"])]
    ]
    attached = [one for catalog in catalogs for one in _functions(read, catalog["home"])]
    return {"objects": [*catalogs, *_principals(read, catalogs, principals)], "attached": attached}


def _functions(read: _Reader, catalog: str) -> t.Iterator[Row]:
    """Yield where functions of a catalog mask columns or filter rows."""
    for table, (start, kind) in ATTACHED.items():
        columns = ["catalog_name", "schema_name", "table_name", f"{start}_schema", f"{start}_name"]
        columns += ["column_name"] if kind == "MASK" else []
        for row in read(
            f"SELECT {', '.join(columns)} FROM system.information_schema.{table}"  # noqa: S608 - names of ours
            f" WHERE {start}_catalog = {reads.literal(catalog)}"
        ):
            yield {
                "kind": kind,
                "path": [catalog, row[f"{start}_schema"], row[f"{start}_name"]],
                "home": catalog,
                "on": "TABLE",
                "table": [row[name] for name in columns[:3]],
                "column": row.get("column_name"),
            }


def _principals(read: _Reader, catalogs: t.Sequence[Row], ask: Ask | None) -> t.Iterator[Row]:
    """Yield the service principals that own one of the catalogs, and those with Immuta's name."""
    owned: dict[str, str] = {}
    for one in catalogs:
        if PRINCIPAL.fullmatch(one["owner"] or ""):
            owned.setdefault(one["owner"].lower(), one["home"])
    names: dict[str, str] = {}
    refused = None
    try:
        answer = ask(WORD.lower()) if ask else {}
        for row in answer.get("Resources") or ():
            names[str(row["applicationId"]).lower()] = str(row.get("displayName") or "")
        if int(answer.get("totalResults") or 0) > len(names):
            refused = "There are more than these."
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        refused = f"The service principals can't be listed ({type(error).__name__})."
    read.note(PRINCIPALS, rows=len(names), refused=refused)
    for name in dict.fromkeys((*owned, *names)):
        yield _object(
            "SERVICE PRINCIPAL", (name,), {}, ("principal", owned.get(name)), display_name=names.get(name) or None
        )


def _is_admin(read: _Reader, session: Row) -> bool:
    """Return whether the session is a metastore admin's, to whom all catalogs are shown."""
    for row in read(METASTORE):
        owner = str(row["metastore_owner"])
        session["metastore"] = str(row["metastore_name"])
        for known in read(WHO.format(reads.literal(owner))):
            session["user"] = str(known["who"])
            return owner == known["who"] or known["member"] in (True, "true")
    return False
