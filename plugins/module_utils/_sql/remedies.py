# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about an error of a platform, a sentence or two each."""

from __future__ import annotations

NO_PRIVILEGE, NO_WAREHOUSE = 3001, 606
# The sign-in, its token, or the session is no longer accepted.
EXPIRED = frozenset({390104, 390110, 390111, 390112, 390114, 390115, 390195, 390302, 390303, 390318})
SET_WAREHOUSE = "Set the option warehouse, for example in SNOWFLAKE_WAREHOUSE, to one that the role may use."
OF_SNOWFLAKE = {
    NO_PRIVILEGE: (
        "The role in use lacks a privilege. If the script takes that role itself (USE ROLE), signing in as another one changes"
        " nothing: give that role what is missing. For a DROP or an ALTER, it has to own the object (GRANT OWNERSHIP ON ... TO ROLE ..."
        " COPY CURRENT GRANTS), or to inherit the role that owns it (GRANT ROLE ... TO ROLE ...). For a CREATE, it needs a privilege on what"
        " holds the object (GRANT CREATE ... ON ... TO ROLE ...)."
    ),
    NO_WAREHOUSE: f"{SET_WAREHOUSE} Then run this again: it continues with this statement.",
    **dict.fromkeys(EXPIRED, "The token, or the session, has expired or was revoked: sign in with a new one."),
}
# By the status of the HTTP answer.
OF_SIGN_IN = {
    401: "Check the credentials: a token may have expired.",
    403: "Check the credentials: a token may have expired, or lack permission to use the warehouse.",
    404: "Check host, and warehouse_id or http_path: there is no such warehouse.",
}


def of_databricks_sign_in(status: int | None, *, busy: bool) -> str:
    """Return what to do when Databricks does not open a session."""
    if busy:
        return "The warehouse did not start in login_timeout seconds: start it, or wait longer."
    return OF_SIGN_IN.get(status or 0, "Check host, warehouse_id or http_path, and credentials.")
