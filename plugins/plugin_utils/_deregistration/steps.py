# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a run, put together from what the modules have answered."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import looks, marked
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.ended import Ended
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import rows
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import Step


def steps(ended: Ended, statements: t.Sequence[t.Mapping[str, t.Any]]) -> list[Step]:
    """The steps in order, each with the times from its module.

    :param statements: the statements, as the report has them
    """
    observed = ended.observed
    look = _step(ended, "Check the platform", _looked(observed), _tried(ended), _not_looked(observed))
    found = [
        _step(ended, "Save the clean-up script", observed.script, _saved(ended), ""),
        *([] if observed.decision.get("look_again") else [look]),
        _step(
            ended,
            "Plan the deletion",
            observed.planned,
            "Read only. Nothing was deleted.",
            "Part of the deletion." if "plan" in observed.deleted else "",
        ),
        _step(ended, "Delete the connection in Immuta", observed.deleted, _deleted(observed), _not_deleted(ended)),
        _step(ended, "Run the clean-up script", _execution(ended), _ran(ended, statements), _not_run(ended)),
    ]
    if observed.decision.get("look_again"):
        found.append(look)
    record = _step(
        ended,
        "Record that the script has run",
        observed.recorded,
        "Written to the journal beside the script.",
        "",
    )
    if record.outcome in ("done", "failed") or ended.executor == "own":
        found.append(record)
    return found


def _looked(observed: Observed) -> Answer:
    """The result of the check; one that the run can do without counts as none."""
    return {"skipped": True} if observed.not_looked and "session" not in observed.tried else observed.tried


def _not_looked(observed: Observed) -> str:
    return f"Nobody checked: {observed.not_looked.rstrip('.')}." if observed.not_looked else ""


def _tried(ended: Ended) -> str:
    objects = ended.observed.tried.get("objects")
    if objects is None:
        return "Signed in, and ran nothing."
    counted = {(row["kind"], row["name"]) for row in looks.to_prove(ended.result["objects"])}
    there = sum(row["present"] is True for row in objects if (row["kind"], row["name"]) in counted)
    return f"Signed in, and ran nothing. Found {there} of the {len(counted)} objects that the script removes."


def _step(ended: Ended, name: str, answer: Answer, detail: str, otherwise: str) -> Step:
    return rows.step(name, answer, detail, otherwise, stopped=ended.failure is not None)


def _saved(ended: Ended) -> str:
    observed = ended.observed
    script = observed.script
    if observed.no_script:
        return f"The technology {ended.result['technology']} has no clean-up script."
    if observed.lost_script:
        return "There is none, neither in Immuta nor in a saved file."
    if script.get("changed"):
        start = "Written to "
    elif script.get("source") == "immuta":
        start = "Already at "
    else:
        start = "Immuta can no longer provide it. The saved file is used:  "
    return f"{start}{script.get('path', '')}."


def _deleted(observed: Observed) -> str:
    count = observed.deleted.get("deleted_objects")
    objects = "" if count is None else f", with {count} objects below it"
    return f"Deleted{objects}.{' Checked again: it is gone.' if observed.deleted.get('verified') else ''}"


def _not_deleted(ended: Ended) -> str:
    if ended.observed.gone:
        return "It no longer exists."
    return "" if ended.settings.confirmed else "Not confirmed."


def _execution(ended: Ended) -> Answer:
    """The answer of the module that ran the script, or of a task file of the user's, which does not say its times."""
    observed = ended.observed
    if "timing" in observed.ran or not observed.handed_at:
        return observed.ran
    recorded = observed.recorded if "timing" in observed.recorded else {}
    return {
        "timing": {
            "started": observed.handed_at,
            "ended": recorded["timing"]["started"] if recorded else ended.ended,
        },
        "failed": ended.failure is not None and not recorded,
        "changed": True,
    }


def _ran(ended: Ended, statements: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    ran = ended.observed.ran
    if "timing" not in ran:
        return f"Run by the task file {ended.settings.executor}."
    count = sum(row["status"] in marked.RUN for row in statements)
    # Each pause ends a call of the module, not the run.
    executed = sum(call.get("executed") or 0 for call in (*ended.observed.paused, ran))
    mine = f", {executed} of them in this run" if "executed" in ran else ""
    return f"{count} of {len(statements)} statements have run{mine}."


def _not_run(ended: Ended) -> str:
    observed = ended.observed
    if observed.no_script:
        return "There is none."
    if observed.empty_script:
        return "It contains no statements."
    if observed.finished:
        return "It already ran to its end."
    if ended.settings.script_executed:
        return "Run by other means."
    if ended.status == "handed_off":
        return "Handed over to a person."
    return "" if ended.settings.confirmed else "Not confirmed."
