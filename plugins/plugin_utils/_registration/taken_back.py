# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run that takes a registration back can prove, for the report of the registration. The removal has a report of its own."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import looks
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.claims import not_dropped
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import Stop
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import rows
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.origin import Origin
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import (
    AGAIN,
    THIS,
    Claim,
    Step,
    carried,
    of_connection,
)
from ansible_collections.community.immuta.plugins.plugin_utils._registration import history as chapters
from ansible_collections.community.immuta.plugins.plugin_utils._registration import stops
from ansible_collections.community.immuta.plugins.plugin_utils._registration.claims import (
    EXISTS,
    NOT_FOUND_OUT,
    Known,
    Registered,
)
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Answer
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import Settings
from ansible_collections.community.immuta.plugins.plugin_utils._registration.taking_back import (
    REMOVAL,
    RERUN,
    Observed,
    ends,
)

Ended = rows.Ended[Settings, Observed, Stop]
History = t.Sequence[t.Mapping[str, t.Any]]


def run(ended: Ended, origin: Origin, history: History) -> Registered:
    """The run, as the report has it.

    :param history: the runs before it
    """
    observed, settings, removal = ended.observed, ended.settings, ended.observed.removal
    found: Answer = next(iter(observed.found.get("connections") or ()), {})
    known: dict[str, t.Any] = {
        "technology": removal.get("technology") or settings.integration_config.get("type"),
        "integration_id": removal.get("integration_id") or found.get("integration_id"),
        "integration_config": settings.integration_config or None,
        "platform_hosts": settings.hosts,
        "immuta": removal["immuta"] if removal else [_in_immuta(ended)],
    }
    own = chapters.of_this_undoing(history, known)
    return Registered(
        **rows.frame(ended, origin, steps(ended), history),
        **known,
        tenant=observed.tenant,
        executor=removal.get("executor"),
        session=removal.get("session") or observed.tried.get("session"),
        objects=removal.get("objects"),
        reason=settings.reason or None,
        approver=settings.approver or None,
        confirmed_by="name",
        approved=dict.fromkeys(("plan", "script_sha256", "plan_digest")),
        plan=removal.get("plan"),
        script=None,
        statements=[],
        deleted_objects=removal.get("deleted_objects"),
        integration=removal.get("integration"),
        verified=carried(claims(ended), len(history) + 1, _unchanged(ended, own)),
        remaining=remaining(ended),
        chapter=chapters.number(history, own),
        removal={"status": removal["status"], "report": _report(removal)} if removal else None,
        undoes=True,
    )


def _in_immuta(ended: Ended) -> dict[str, t.Any]:
    now = {True: "there", False: "not there", None: None}[ended.observed.existed]
    return {
        "kind": "connection",
        "name": ended.settings.connection_key,
        "before": now,
        "after": now,
        "how": "Read before",
    }


def _unchanged(ended: Ended, own: History) -> t.Mapping[str, t.Any] | None:
    """The run before, if what it knows is still so: nothing was removed, and the connection is as it was."""
    if ended.observed.removal or not own:
        return None
    exists = ended.observed.existed
    was = any(row["after"] == "there" for row in of_connection(own[-1]))
    return own[-1] if exists is None or exists is was else None


def _report(removal: Answer) -> str | None:
    """The file of the removal's report, if it has written one."""
    return (removal.get("report") or {}).get("json")


def steps(ended: Ended) -> list[Step]:
    """The steps in order, each with the times from its module; the removal has its own in its report."""
    observed, removal, stopped = ended.observed, ended.observed.removal, ended.stop is not None
    where = f" Its report is {_report(removal)}." if _report(removal) else ""
    objects = observed.tried.get("objects") or ()
    looked = f"Found {sum(row['present'] is True for row in objects)} of the {len(objects)} objects that the set-up script creates."
    return [
        rows.step(
            "Look for the connection",
            observed.found,
            f"It {'exists' if observed.existed else 'does not exist'}.",
            "",
            stopped=stopped,
        ),
        rows.step(
            "Check the platform", observed.tried, looked, "The journal of the set-up script tells.", stopped=stopped
        ),
        Step(
            REMOVAL,
            # What was handed off, or is not known, is not done.
            "done" if observed.ended else "failed" if observed.error else "not_reached",
            _changed(removal),
            *(None, None, None),
            f"By the role deregister_connection.{where}" if removal else "",
        ),
        rows.step(
            "Remove the set-up script",
            observed.removed,
            "Removed." if observed.removed.get("changed") else "It was not there any more.",
            "",
            stopped=stopped,
        ),
    ]


def _changed(removal: Answer) -> bool:
    gone = any((row["before"], row["after"]) == ("there", "gone") for row in of_connection(removal))
    ran = (removal.get("script") or {}).get("statements") or ()
    return gone or any(row.get("status") in ("done", "replayed") for row in ran)


def claims(ended: Ended) -> list[Claim]:
    """What is true, and how that is known. After a removal has started, nothing of the registration counts any more."""
    observed = ended.observed
    if observed.removal:
        return [_gone(observed), *_taken_back(observed.removal)]
    if observed.existed is None:
        return [Claim(EXISTS, "not_verified", NOT_FOUND_OUT, None)]
    if observed.existed:
        return [Claim(EXISTS, "verified", "Immuta describes it.", AGAIN)]
    return [Claim(EXISTS, "not_verified", "It does not exist.", THIS)]


def _gone(observed: Observed) -> Claim:
    claim = "The connection does not exist in Immuta"
    if observed.exists is None:
        return Claim(claim, "not_verified", NOT_FOUND_OUT, None)
    if observed.exists:
        return Claim(claim, "not_verified", "It exists.", THIS)
    return Claim(claim, "verified", "The removal has seen that.", THIS)


def _taken_back(removal: Answer) -> t.Iterator[Claim]:
    claim, script = "The clean-up script has run to its end", removal["script"]
    told = f"{script['done']} of {script['total']} statements have run."
    # A person may also have left out a statement, with a reason.
    by_word = removal["stated"] or any(row.get("status") in rows.BY_WORD for row in script["statements"])
    ran: Known = "not_verified" if not removal["script_executed"] else "stated" if by_word else "verified"
    how = {"stated": "Stated by a person, at least in part.", "not_verified": told}.get(
        ran, f"The platform has answered every statement{rows.refused(script['statements'])}."
    )
    yield Claim(claim, ran, how, THIS)
    if left := removal.get("left_on_platform"):
        yield not_dropped(left)
    objects = looks.to_prove(removal["objects"])
    if looks.looked_after(objects):
        certain = sum(map(looks.is_certain, objects))
        yield Claim(
            "What the clean-up script drops is gone from the platform",
            "verified" if looks.proved(objects) else "not_verified",
            f"{certain} of {len(objects)} objects were seen before, and not after.",
            THIS,
        )


def remaining(ended: Ended) -> list[str]:
    """What a person still has to do."""
    observed = ended.observed
    where = _report(observed.removal) or "what the role deregister_connection has printed"
    if ended.status in chapters.UNDONE:
        proved = all(claim.state == "verified" for claim in claims(ended))
        return [] if proved else [f"Not all of it is proved. Do what is said in {where}."]
    if observed.error:
        return [f"Do what is said in {where}, then {RERUN}, which finishes it."]
    if ended.stop is not None:
        sentence = "; ".join(ends(ended.settings, observed)[1])
        return [*([f"{sentence[0].upper()}{sentence[1:]}."] if sentence else []), stops.remedy(ended.stop)]
    return [f"Do what is said in {where}, then {RERUN}."]
