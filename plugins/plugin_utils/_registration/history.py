# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runs of a report that are about one registration: a connection may be removed and registered again."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import marked

Seen = t.Mapping[str, t.Any]


def of_this_registration(history: t.Sequence[Seen], before: str | None = None) -> list[Seen]:
    """The newest runs, back to where the connection was there and then was not.

    :param before: whether it was there after them: C(there) or C(not there); None if that is not known
    """
    runs: list[Seen] = []
    for run in reversed(history):
        row: Seen = next((row for row in run.get("immuta") or () if row["kind"] == "connection"), {})
        if before == "not there" and row.get("after") == "there":
            break
        before = row.get("before") or before
        runs.insert(0, run)
    return runs


def remembered(objects: t.Sequence[Seen] | None, history: t.Sequence[Seen], *, started: bool) -> list[Seen] | None:
    """The objects, as they were before the first statement, if an earlier run has sent that.

    :param history: the runs of this registration
    :param started: whether the script had begun before this run
    """
    if objects is None or not started:
        return None if objects is None else list(objects)
    first: Seen = next((run for run in history if _has_run(run)), {})
    known = {(row["kind"], row["name"]): row for row in first.get("objects") or ()}
    return [
        {**row, **{name: one.get(name) for name in ("present", "how", "query_id")}}
        if (one := known.get((row["kind"], row["name"])))
        else row
        for row in objects
    ]


def _has_run(run: Seen) -> bool:
    return any(row["status"] in marked.RUN for row in run.get("statements") or ())
