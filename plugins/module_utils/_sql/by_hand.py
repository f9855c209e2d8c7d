# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps for cleaning up a platform by hand, without a script: what to drop, in which order, and as whom.

The objects are those that the integration's configuration names, and else those that the vendor documents: see C(documented).
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import documented, made_by

FIRST = "Look for a copy of the script in backups. Without one, clean up by hand."
# For each dialect: as whom, and what to do, in this order. The order is that of Immuta's own scripts: what is in use, or owns
# something, goes after what uses it, or is owned.
SNOWFLAKE = (
    (
        "On Snowflake{where}, as ACCOUNTADMIN, first check who created the objects named here, and when; leave"
        " what is not Immuta's."
    ),
    "(1) Unset the masking and row access policies of the database {home} where they protect tables of other databases:"
    " SNOWFLAKE.ACCOUNT_USAGE.POLICY_REFERENCES lists them by POLICY_DB. A database whose policies are in use can't be dropped.",
    "(2) Drop the user {user}, so that nobody can sign in with it.",
    "(3) Drop the database {home}.",
    "(4) Drop the roles {database}_USER_... of Immuta's users and {impersonation}, if they exist.",
    "(5) Drop the role {role} last: it owned the others.",
)
DATABRICKS = (
    "On Databricks{where}, as a metastore administrator, first check who created the objects named here, and"
    " when; leave what is not Immuta's.",
    "(1) Drop the row filters and column masks whose functions are in the catalog {home}: ROW_FILTERS and"
    " COLUMN_MASKS in SYSTEM.INFORMATION_SCHEMA list them. A table can no longer be read if only the function"
    " is dropped.",
    "(2) Revoke what is granted to {principal}: SHOW GRANTS lists it for each catalog, and for the metastore.",
    "(3) Take over the catalog {home} (ALTER CATALOG ... OWNER TO), and drop it with CASCADE.",
    "(4) Remove {principal} from the account if nothing else uses it.",
)
TABLES: dict[str, tuple[str, ...]] = {"snowflake": SNOWFLAKE, "databricks": DATABRICKS}


def steps(technology: str | None, made: made_by.Made, host: str | None) -> list[str]:
    """Return what to do, a sentence or two each.

    :param technology: as Immuta calls it; for one that is not known, what to do on each platform
    :param made: what is known of the integration's configuration
    :param host: of the platform, if it is known
    """
    known = TABLES.get((technology or "").lower())
    words = _words(made, host)
    return [
        line.format(**words[dialect]) for dialect, lines in TABLES.items() if known in (None, lines) for line in lines
    ]


def _words(made: made_by.Made, host: str | None) -> dict[str, dict[str, t.Any]]:
    """Return the names of the objects on each platform."""
    where = f" ({host})" if host else ""
    database = made.get("database") or documented.HOME
    named = f"the service principal {made['principal']}" if made.get("principal") else "Immuta's service principal"
    return {
        "snowflake": {
            "where": where,
            "home": database + ("" if made.get("database") else " (or the name it was given)"),
            "database": database,
            "user": made.get("user") or documented.user(database),
            "role": made.get("role") or f"{database}_{documented.ROLES['system_role']}",
            "impersonation": made.get("impersonation_role") or f"{database}_IMPERSONATION",
        },
        "databricks": {
            "where": where,
            "home": made.get("catalog") or f"{documented.HOME.lower()} (or the name it was given)",
            "principal": named,
        },
    }
