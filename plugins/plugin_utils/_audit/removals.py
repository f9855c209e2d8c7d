# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The removals that saved a script and have not finished it."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._audit.verdicts import Tenant
from ansible_collections.community.immuta.plugins.plugin_utils._registration import settings

Row = t.Mapping[str, t.Any]
RERUN = "Run community.immuta.deregister_connection for it again. It picks up where it left off."
UNDO = (
    "It takes a registration back: run community.immuta.register_connection for it again with immuta_register_state=undone. It"
    " picks up where it left off."
)


def unfinished(saved: Row, tenant: Tenant, url: str) -> list[dict[str, t.Any]]:
    """The scripts that have not run to their end, and those that can't be believed, each with what to do.

    C(connection) is C(gone), C(there), or C(unknown); C(problem) says why a script is not believed.

    :param saved: as the module C(saved_scripts_info) returns it
    :param url: of the tenant, or "" if that is not known
    """
    set_up = {settings.undo_path(one["path"]) for one in saved["setup_scripts"] if one["state"] != "none"}
    return [
        {**one, "connection": connection, "advice": _advice(one, connection)}
        for one in saved["scripts"]
        if one["problem"] or one["state"] != "finished"
        for connection in [_connection(one, tenant, url)]
        if not _is_idle(one, connection, set_up)
    ]


def _is_idle(one: Row, connection: str, set_up: t.Container[str]) -> bool:
    """Whether a script that takes a registration back has never run, and has nothing to take back."""
    fresh = one["path"].endswith(settings.UNDO) and not one["problem"] and one["state"] == "none"
    return fresh and (connection == "there" or one["path"] not in set_up)


def _connection(one: Row, tenant: Tenant, url: str) -> str:
    if one["problem"] or not url or not one["connection_key"] or _bare(one["tenant"]) != _bare(url):
        return "unknown"
    if any(each["key"] == one["connection_key"] for each in tenant.connections):
        return "there"
    return "unknown" if tenant.problem else "gone"


def _bare(url: str) -> str:
    return url.strip().rstrip("/").lower()


def _advice(one: Row, connection: str) -> str:
    if one["problem"]:
        return f"Not trusted: {one['problem']}"
    ran = (
        "none of its statements has run"
        if one["state"] == "none"
        else f"{one['done']} of {one['total']} statements have run"
    )
    where = {
        "gone": "the connection is no longer in Immuta",
        "there": "the connection is still in Immuta",
        "unknown": f"it is not known whether the connection is still in Immuta ({one['tenant']})",
    }[connection]
    # One that was never confirmed may have been given up.
    advice = (
        "There is nothing to do, unless you want to remove it."
        if connection == "there" and one["state"] == "none"
        else UNDO
        if one["path"].endswith(settings.UNDO)
        else RERUN
    )
    return f"{ran.capitalize()}, and {where}. {advice}"


def pending(removals: t.Iterable[Row]) -> list[Row]:
    """Those that have left something to be done: all but a connection that is there as before."""
    return [
        one for one in removals if not one["problem"] and not (one["connection"] == "there" and one["state"] == "none")
    ]
