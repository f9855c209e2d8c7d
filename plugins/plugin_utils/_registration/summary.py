# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The top of the report's page: what was registered and enabled, how that was confirmed, and what changed."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import looks
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import summary as removals
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.summary import (
    NO_LOOK,
    Change,
    Fact,
    Summary,
    change,
    counts,
    deeds,
    people,
    places,
    span,
)
from ansible_collections.community.immuta.plugins.plugin_utils._registration import unreported
from ansible_collections.community.immuta.plugins.plugin_utils._registration.history import UNDONE, current

Seen = t.Mapping[str, t.Any]
# What of a connection that is registered Immuta has.
HERE = ("there", "enabled")
DEEDS = {
    "registered": "registered the connection",
    "found_registered": "found it registered, by that run or by another one",
    "updated": "edited it",
    "undone": "took it back",
}


def summary(evidence: Seen) -> Summary:
    """Summarize the registration that the last run is about."""
    runs = current(evidence["runs"])
    acted = [run for run in runs if run.get("changed") and run["status"] != "planned"]
    shown = acted or runs[-1:]
    earlier: Seen = next((run["unreported"] for run in runs if run.get("unreported")), {})
    facts = [
        *places(runs, earlier.get("session")),
        *people(shown, "" if acted else "changed nothing", earlier.get("started")),
        *_consent(shown),
    ]
    # What the statements have made is being taken back.
    statements = None if any(run.get("removal") for run in runs) else counts(runs)
    notes = [*unreported.sentences(runs), *_removals(runs)]
    return Summary(facts, _changes(runs), runs, statements, notes, deeds(runs, DEEDS))


def _removals(runs: t.Sequence[Seen]) -> list[str]:
    """When the registration was taken back, and by which run, as a sentence; none if nobody has started that."""
    known: list[Seen] = [run for run in runs if run.get("removal")]
    if not known:
        return []
    run = next((one for one in known if one["status"] in UNDONE), known[-1])
    what = {
        "undone": "took the registration back",
        "already_undone": "found that the registration was taken back",
        "handed_off": "left the rest to a person",
    }.get(run["status"], "started to take the registration back, and did not finish")
    where = f" The removal has a report of its own: {run['removal']['report']}." if run["removal"]["report"] else ""
    return [f"Run {run['number']} {what} ({span(run['started'], run['ended'])}).{where}"]


def _consent(shown: t.Sequence[Seen]) -> t.Iterator[Fact]:
    """What the last run was about to do, and how that was confirmed; all of one run, and which if there are more."""
    run = shown[-1]
    # An edit leaves the settings as they are.
    enables = any(one["enables"] for one in shown if one["status"] not in ("updated", "already_registered"))
    of = f"Run {run['number']}." if len(shown) > 1 else ""
    yield Fact("Objects to be enabled", "Yes" if enables else "No", unproven=enables)
    note = "" if enables else "Only enabling objects, and changing a connection that exists, has to be confirmed."
    note = f"{of} {note}".strip()
    yield Fact("Confirmed", "By the name of the connection" if run["confirmed_by"] else "No", note)
    if run.get("approver"):
        stated = f"{of} Stated with immuta_register_approver.".strip()
        yield Fact("Approved by", run["approver"], stated, unproven=True)
    yield Fact("Plan (digest)", (run["plan"] or {}).get("digest"), of, code=True)


def _changes(runs: t.Sequence[Seen]) -> list[Change]:
    planned = runs[-1]["status"] == "planned"
    last: Seen = next((run for run in reversed(runs) if run.get("removal") or run.get("objects")), {})
    removed = bool(last.get("removal"))
    found = [change(row, removals.GONE if removed else HERE, planned=planned) for row in looks.merged(runs)]
    found.extend(row for run in runs if run["status"] == "updated" for row in _edited(run))
    if removed:
        found.append(removals.on_platform(last["objects"], planned=False))
    elif any(run.get("script") for run in runs):
        found.append(_on_platform(last.get("objects"), planned=planned))
    return found


def _edited(run: Seen) -> t.Iterator[Change]:
    what = f"Edited by run {run['number']}"
    for one in run.get("edited") or ():
        yield Change(what, one["field"], str(one["before"]), str(one["after"]), "good")
    if not run.get("edited"):
        yield Change(what, "credential", "Not told by Immuta", "That of the description", "good")


def _on_platform(objects: t.Sequence[Seen] | None, *, planned: bool) -> Change:
    what, rows = "Objects on the platform", list(objects or ())
    tone = "calm" if planned else "care"
    if not rows:
        return Change(what, "", NO_LOOK, NO_LOOK, tone)
    before = f"{sum(row['present'] is True for row in rows)} of {len(rows)} there"
    if not any(row["after"] is not None or row["after_how"] for row in rows):
        return Change(what, "", before, NO_LOOK, tone)
    there = sum(row["after"] is True for row in rows)
    return Change(what, "", before, f"{there} of {len(rows)} there", "good" if there == len(rows) else "care")
