# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names that the vendor documents for what an integration makes on a platform.

On Snowflake they follow from the name of the database: the role C(<DATABASE>_SYSTEM), the user
C(<DATABASE>_SYSTEM_ACCOUNT), the roles of its users, and those for impersonation. On Databricks there is the catalog.
Source: U(https://documentation.immuta.com/saas/developer-guides/api-intro/integrations-api).
"""

from __future__ import annotations

import re
import typing as t

# The database, or catalog, of an integration that says no other.
HOME = "IMMUTA"
USER = "_SYSTEM_ACCOUNT"
# How the roles' names go on behind that of the database and an underscore.
ROLES: dict[str, str] = {
    "system_role": "SYSTEM",
    "user_role": "USER_.+",
    "impersonation_role": "(?:.+_)?IMPERSONATION(?:_ROLE)?",
}
_ROLES = [(part, re.compile(f"_{pattern}")) for part, pattern in ROLES.items()]


def roles(homes: t.Iterable[str]) -> re.Pattern[str]:
    """Return what matches the roles of these databases."""
    return re.compile(rf"(?:{'|'.join(map(re.escape, sorted(homes)))})_(?:{'|'.join(ROLES.values())})")


def user(home: str) -> str:
    """Return the user of a database's integration."""
    return f"{home}{USER}"


def part(kind: str, name: str, homes: t.Container[str]) -> tuple[str, str | None]:
    """Return what of an integration has a name on Snowflake, and the name of its database; C(alike) and None for none.

    :param kind: C(DATABASE), C(ROLE), or C(USER)
    :param homes: databases that are known; a role that may be of several is of the first of these, the longest first
    """
    if kind == "DATABASE":
        return "database", name
    if kind == "USER":
        home = name.removesuffix(USER)
        return ("system_user", home) if home not in (name, "") else ("alike", None)
    found = [
        (one, name[:end])
        for end in range(len(name) - 1, 0, -1)
        for one, pattern in _ROLES
        if name[end] == "_" and pattern.fullmatch(name, end)
    ]
    return next((one for one in found if one[1] in homes), found[-1] if found else ("alike", None))
