# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a run, put together from what the modules have answered."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import Step
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.rows import step
from ansible_collections.community.immuta.plugins.plugin_utils._registration.ended import Ended


def steps(ended: Ended) -> list[Step]:
    """The steps in order, each with the times from its module."""
    observed, stopped = ended.observed, ended.stop is not None
    count, total = observed.counts
    path = ended.settings.script_path
    wrote = f"{'Written to' if observed.script.get('changed') else 'Already at'} {path}."
    there = "The connection exists." if observed.exists else ""
    rows: list[tuple[str, dict[str, t.Any], str, str]] = [
        ("Look for the connection", observed.found, f"It {'exists' if observed.exists else 'does not exist'}.", ""),
        ("Save the set-up script", observed.script, wrote, there or "There is none."),
        ("Check the platform", observed.tried, _tried(observed.tried.get("objects")), there),
        ("Run the set-up script", observed.ran, f"{count} of {total} statements have run.", there or _not_run(ended)),
        ("Register the connection in Immuta", observed.told, _registered(ended), ""),
    ]
    if ended.recorded or observed.recorded.get("failed"):
        rows.insert(
            4, ("Record that the script has run", observed.recorded, "Written to the journal beside the script.", "")
        )
    kept = ended.settings.remove_script and observed.unfinished(path)
    if kept or "timing" in observed.removed:
        why = f"Kept {path}: it has not run to its end."
        rows.append(("Remove the set-up script", observed.removed, f"Removed {path}.", why))
    return [step(*row, stopped=stopped) for row in rows]


def _tried(objects: t.Sequence[t.Mapping[str, t.Any]] | None) -> str:
    if objects is None:
        return "Signed in, and ran nothing."
    there = sum(row["present"] is True for row in objects)
    return f"Signed in, and ran nothing. Found {there} of the {len(objects)} objects that the script creates."


def _not_run(ended: Ended) -> str:
    observed = ended.observed
    if observed.finished:
        return "It already ran to its end."
    if ended.settings.script_executed:
        return "Run by other means."
    return "Handed over to a person." if ended.status == "handed_off" else ""


def _registered(ended: Ended) -> str:
    words = {
        "registered": "Registered.",
        "found_registered": "It is there. Whether this run or another one registered it is not known.",
        "updated": "It existed, and was edited.",
        "already_registered": "It is as described.",
    }
    return words.get(ended.status, "")
