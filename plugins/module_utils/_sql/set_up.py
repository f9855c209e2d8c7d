# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The statements of a set-up script: that it creates objects, and gives rights to its own roles and users, is not unusual."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql.made_by import Made


def describe(rows: t.Sequence[dict[str, t.Any]], made: Made) -> list[dict[str, t.Any]]:
    """Return the statements with only the marks that say something about a set-up script.

    :param rows: as C(Session.describe) returns them
    :param made: what the configuration names
    """
    own = {f"{row['object']} {row['name']}" for row in rows if row["verb"] == "CREATE"}
    own |= {
        f"{kind} {made[name]}"
        for name, kind in (("role", "ROLE"), ("impersonation_role", "ROLE"), ("user", "USER"))
        if name in made
    }
    own |= {made["principal"]} if "principal" in made else set()
    return [{**row, "marks": left, "unusual": bool(left)} for row in rows for left in [_left(row, own)]]


def _left(row: dict[str, t.Any], own: t.Container[str]) -> list[str]:
    usual = {
        "CREATE": f"creates {row['object']} {row['name']}",
        "GRANT": f"grants rights to {row['grantee']}: GRANT" if row["grantee"] in own else "",
    }
    return [mark for mark in row["marks"] if mark != usual.get(row["verb"])]
