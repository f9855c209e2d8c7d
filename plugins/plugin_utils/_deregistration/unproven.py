# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person has to look at on the platform, because no look has proved that it is gone."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import looks

MOST_NAMES = 20
# A role of Snowflake's sees all; on Databricks, no sign-in is known to.
RERUN = " Or rerun with immuta_deregister_verify=always, signed in as a role that sees everything, for example ACCOUNTADMIN."
AS_ADMIN = " Look as a user who may see everything, for example a metastore admin."


def listed(rows: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """Kind and name of the first objects, and how many there are more."""
    more = f", and {len(rows) - MOST_NAMES} more" if len(rows) > MOST_NAMES else ""
    return ", ".join(f"{row['kind']} {row['name']}" for row in rows[:MOST_NAMES]) + more


def to_look_at(objects: t.Iterable[t.Mapping[str, t.Any]] | None) -> list[str]:
    """What to do about objects that may still be there, as sentences; none if every one is certainly gone."""
    rows = looks.uncertain(objects)
    if not rows:
        return []
    known = [by for row in rows for by in (row.get("after_by"), row.get("by")) if by]
    how = AS_ADMIN if known and not any(by.get("account") for by in known) else RERUN
    return [f"Look on the platform whether this is gone, which the session could not see: {listed(rows)}.{how}"]
