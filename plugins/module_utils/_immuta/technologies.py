# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The technologies of connections, as data: what Immuta tells of each, and what remains on the platform.

Source: U(https://documentation.immuta.com/saas/developer-guides/api-intro/connections-api). The names are those of
Immuta's own API description, and are matched exactly: a name that only resembles one of them is unknown.
"""

from __future__ import annotations

import dataclasses
import typing as t

# Whether Immuta can render a script that cleans up the platform.
Script = t.Literal["yes", "no", "unknown"]


@dataclasses.dataclass(frozen=True)
class Technology:
    """One technology.

    :ivar name: as the API has it; empty for one that is not known
    :ivar title: for people
    :ivar dialect: of its script, if this collection can split it
    :ivar described: whether C(GET /data/connection/{key}) may describe its connections
    :ivar left: what may remain on the platform after the deletion, as part of a sentence; empty when nothing does, or
        when the script removes it
    """

    name: str
    title: str
    script: Script
    left: str = ""
    dialect: str | None = None
    described: bool = False


# Policies on these are not enforced on the platform: Immuta only reads there.
ACCOUNT = "the account with which Immuta read the catalog"
UNKNOWN = Technology(
    "",
    "a technology that this collection does not know",
    "unknown",
    "whatever Immuta set up there, such as grants, roles, and views",
    described=True,
)

TECHNOLOGIES: tuple[Technology, ...] = (
    Technology("Snowflake", "Snowflake", "yes", dialect="snowflake", described=True),
    Technology("Databricks", "Databricks Unity Catalog", "yes", dialect="databricks", described=True),
    Technology(
        "Glue",
        "AWS Lake Formation",
        "no",
        "LF-Tags with the key Immuta_policy, and the grants that Immuta gave",
        described=True,
    ),
    Technology(
        "Trino", "Trino and Starburst", "no", "Immuta's plugin on the cluster, and the system API key that it uses"
    ),
    Technology("PostgreSQL", "PostgreSQL", "no", "the grants that Immuta gave, and the database made for Immuta"),
    Technology("Redshift", "Amazon Redshift", "unknown", "grants, roles, masking policies, and Immuta's database"),
    Technology("BigQuery", "Google BigQuery", "no", "the service account and the role made for Immuta"),
    Technology("Teradata", "Teradata", "unknown", "roles, views, and Immuta's database"),
    Technology("Oracle", "Oracle", "no", ACCOUNT),
    Technology("SQLServer", "Microsoft SQL Server", "no", ACCOUNT),
    Technology("MySQL", "MySQL", "no", ACCOUNT),
    Technology("MariaDB", "MariaDB", "no", ACCOUNT),
)
_BY_NAME = {one.name: one for one in TECHNOLOGIES}


def of(name: str) -> Technology:
    """Return what is known of a technology."""
    return _BY_NAME.get(name, UNKNOWN)
