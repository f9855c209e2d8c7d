# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The top of the report's page: what was removed, where, who asked, approved, and ran it, when, and what changed.

Reports of earlier versions lack some fields; what they don't say is shown as not recorded.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import chapters, looks, unreported
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.summary import (
    NO_LOOK,
    Change,
    Fact,
    Summary,
    change,
    counts,
    deeds,
    login,
    newest,
    people,
    places,
)

Seen = t.Mapping[str, t.Any]
NOT_KNOWN = "How the deletion was confirmed is not recorded."
GONE = ("gone", "deleted", "not listed", "not there")


def summary(evidence: Seen) -> Summary:
    """Summarize the removal that the last run is about."""
    runs = chapters.current(evidence["runs"])
    acted = [run for run in runs if _has_acted(run)]
    shown = acted or runs[-1:]
    earlier: Seen = next((run["unreported"] for run in runs if run.get("unreported")), {})
    facts = [
        *places(runs, earlier.get("session")),
        *people(shown, "" if acted else "deleted and ran nothing", earlier.get("started")),
        *(
            dataclasses.replace(one, note=f"{one.note} {NOT_KNOWN}", unproven=True)
            if one.name == "Approved by" and earlier.get("deletion")
            else one
            for one in _approved(next((run for run in reversed(runs) if _confirmed(run)), shown[-1]))
        ),
    ]
    return Summary(
        facts,
        _changes(runs),
        runs,
        counts(runs),
        unreported.sentences(runs),
        deeds(runs, {"completed": "completed the removal"}),
    )


def approver(run: Seen) -> str:
    """How it is known who has approved the plan of a run, or where to find out."""
    job = run["by"].get("automation")
    where = f"See {job['system']} job {job['job']}." if job else f"The login {login(run)} gave the digest."
    return f"Stated with immuta_deregister_approver. {where}" if run.get("approver") else where


def _has_acted(run: Seen) -> bool:
    """Whether a run has deleted or run something, or may have."""
    return run["status"] not in ("planned", "already_done", "unknown") and (
        bool(run.get("changed")) or (run["status"] == "failed" and _confirmed(run))
    )


def _confirmed(run: Seen) -> bool:
    return bool(run.get("confirmed_by") or run.get("confirmed"))


def _approved(run: Seen) -> t.Iterator[Fact]:
    digests = run.get("approved") or {}
    kinds = {"plan": "Approved plan", "plan_digest": "Approved deletion", "script_sha256": "Approved script"}
    found = next(((word, digests[name]) for name, word in kinds.items() if digests.get(name)), None)
    if found and _confirmed(run):
        yield Fact("Approved by", run.get("approver"), approver(run), unproven=True)
        yield Fact(f"{found[0]} (digest)", found[1], code=True)
    elif not _confirmed(run):
        yield Fact("Approved by", None, "The removal was not confirmed.")
    else:
        how = "No plan was approved. The connection key was repeated to confirm." if run.get("confirmed_by") else ""
        stated = "Stated with immuta_deregister_approver. " if run.get("approver") else ""
        yield Fact("Approved by", run.get("approver"), stated + how, unproven=bool(stated))


def _changes(runs: t.Sequence[Seen]) -> list[Change]:
    planned = runs[-1]["status"] == "planned"
    rows = unreported.with_deletion(looks.merged(runs), runs)
    found = [change(row, GONE, planned=planned) for row in rows]
    if any(run.get("script") for run in runs):
        found.append(on_platform(newest(runs, "objects"), planned=planned))
    return found


def on_platform(objects: t.Sequence[Seen] | None, *, planned: bool) -> Change:
    """What the clean-up script drops, before and after."""
    what, rows = "Objects on the platform", looks.to_prove(objects)
    if not rows:
        return Change(what, "", NO_LOOK, NO_LOOK, "calm" if planned else "care")
    total, there = len(rows), sum(row["present"] is True for row in rows)
    before = f"{there} of {total} there" if looks.looked_before(rows) else NO_LOOK
    if not looks.looked_after(rows):
        return Change(what, "", before, NO_LOOK, "calm" if planned else "care")
    certain, still = sum(map(looks.is_certain, rows)), sum(row.get("after") is True for row in rows)
    unsure = total - certain - still
    words = [
        f"{certain} gone",
        *([f"{still} still there"] if still else []),
        *([f"{unsure} not certain"] if unsure else []),
    ]
    return Change(what, "", before, ", ".join(words), "good" if certain == total else "care")
