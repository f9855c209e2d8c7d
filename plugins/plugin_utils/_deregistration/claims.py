# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one run can prove: its steps, statements, and claims, derived from the modules' answers."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import (
    chapters,
    looks,
    marked,
    texts,
    unproven,
    unreported,
)
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.ended import Ended
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.remaining import remaining
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.steps import steps
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.origin import Origin
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import (
    AGAIN,
    THIS,
    Claim,
    Run,
    carried,
    of_connection,
)
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.rows import frame, refused, statement

History = t.Sequence[t.Mapping[str, t.Any]]
# What the report has from the role's result.
OF_RESULT = (
    "technology",
    "integration_id",
    "integration_config",
    "executor",
    "platform_hosts",
    "immuta",
    "session",
    "reason",
    "approver",
    "plan",
    "deleted_objects",
)
APPROVED = "What was approved is what was found"
REGENERATED: tuple[str, t.Literal["not_verified"], str] = (
    "The clean-up script is that of the integration",
    "not_verified",
    "Immuta regenerated it from the integration's known configuration.",
)


@dataclasses.dataclass(frozen=True)
class Removed(Run):
    """One run of the role, as the report has it.

    :ivar chapter: which removal under this key it is about, from 1
    :ivar unreported: what was done before that no run tells; None if there is nothing
    """

    chapter: int = 1
    unreported: dict[str, t.Any] | None = None


def run(ended: Ended, origin: Origin, history: t.Sequence[t.Mapping[str, t.Any]]) -> Removed:
    """The run, as the report has it.

    :param history: the runs before it
    """
    observed, settings, result = ended.observed, ended.settings, ended.result
    mine = chapters.of_this_removal(history, observed)
    # A connection that is there is still to be removed.
    before = mine[-1] if mine and not observed.exists else None
    rows = statements(ended, mine)
    seen = looks.last_after(mine)
    # What the journal has of a look is old if a run of the report has looked since.
    objects = None if seen and not observed.looked else looks.remembered(result["objects"], mine)
    done = steps(ended, rows)
    missing = unreported.earlier(observed, mine, ended.failure)
    own = claims(ended, objects, mine)
    if missing and missing["deletion"]:
        own = _unless_killed(own, before)
    script = observed.script
    return Removed(
        **frame(ended, origin, done, history),
        tenant=observed.tenant,
        **{name: result[name] for name in OF_RESULT},
        objects=objects,
        confirmed_by=settings.confirmed_by,
        approved=settings.approved_digests,
        script={
            "path": settings.script_path,
            "sha256": script.get("sha256", observed.saved.get("sha256")),
            "source": script.get("source"),
        }
        if observed.has_script or observed.kept
        else None,
        statements=rows,
        integration=result["integration"] or None,
        verified=carried(own, len(history) + 1, before),
        chapter=chapters.number(history, observed),
        unreported=missing,
        remaining=remaining(ended, origin, objects if objects is not None else seen),
    )


def statements(ended: Ended, history: t.Sequence[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """The statements, without their text. A run that found nothing to do lists them if no earlier run did.

    :param history: the runs of this removal
    """
    observed = ended.observed
    rows = observed.statements
    if not rows and not (ended.status == "already_done" and any(map(_tells_all, history))):
        rows = observed.script.get("statements") or []
    answers = {answer["index"]: answer for answer in observed.progress.get("answers") or ()}
    return [
        statement(row, answers.get(row["index"], {}), _status(ended, row), ended.left_out.get(row["index"]))
        for row in rows
    ]


def _tells_all(run: t.Mapping[str, t.Any]) -> bool:
    """Whether a run has listed what came of every statement; a plan, or a run that stopped, has not."""
    ends = (*marked.RUN, "stated", "skipped_by_operator")
    rows = run.get("statements") or ()
    return bool(rows) and all(row["status"] in ends for row in rows)


def _status(ended: Ended, row: Answer) -> str:
    observed = ended.observed
    if observed.finished and not ended.observed.answered:
        answered = {answer["index"] for answer in observed.progress.get("answers") or ()}
        return "skipped" if row["index"] in answered else "stated"
    if "status" in row:
        return str(row["status"])
    if row["index"] in ended.left_out:
        return "skipped_by_operator"
    if row["index"] <= (observed.progress.get("done") or 0) + len(ended.left_out):
        return "skipped"
    if ended.recorded and not observed.recorded.get("failed"):
        return "stated"
    if ended.status == "handed_off" or (ended.executor == "own" and observed.handed_at):
        return "handed_over"
    return "not_run"


def claims(ended: Ended, objects: t.Sequence[Answer] | None = None, history: History = ()) -> list[Claim]:
    """What is true, and how that is known. What was only stated is marked.

    :param objects: what the script removes, with what earlier runs have seen
    :param history: the runs of this removal before this one
    """
    observed = ended.observed
    scriptless = observed.no_script or (observed.lost_script and ended.settings.approved_without_script)
    found = [] if scriptless else [_script_kept(observed)]
    if observed.regenerated:
        found.append(_seen(*REGENERATED))
    if observed.no_script:
        found.append(_nothing_to_clean_up(ended))
    if observed.has_script and (ended.settings.expected_sha256 or ended.settings.expected_plan_digest):
        found.append(_approved(ended))
    found.append(_connection_gone(observed))
    if observed.not_dropped:
        found.append(not_dropped(observed.left_on_platform))
    if (seen := _platform_clean(ended, objects, history)) is not None:
        found.append(seen)
    if left := ended.result["integration"]:
        found.append(
            _seen(
                f"The integration {left['id']} is out of use",
                "not_verified" if left["in_use"] else "verified",
                f"Checked after the deletion: it is listed as {left['status']}.",
            )
        )
    if not scriptless:
        found.append(_nothing_to_run() if observed.empty_script else _script_ran(ended, objects))
    return found


def not_dropped(left: str) -> Claim:
    """What is left although the registration is taken back.

    :param left: what the clean-up script does not drop, as part of a sentence
    """
    how = f"The clean-up script does not drop it: {left}."
    return _seen("What the registration has created is dropped", "not_verified", how)


def _seen(claim: str, state: t.Literal["verified", "stated", "not_verified"], how: str, run: int = THIS) -> Claim:
    """A claim that this run knows about."""
    return Claim(claim, state, how, run)


def _platform_clean(ended: Ended, objects: t.Sequence[Answer] | None, history: History) -> Claim | None:
    """Whether what the script drops is gone; None if nobody checked afterwards."""
    said = texts.gone(objects)
    if not said:
        return None
    unseen = [row for row in looks.to_prove(objects) if not looks.is_certain(row)]
    # A run that was killed, or had no report to write, may have deleted the connection before anybody looked.
    early = ended.observed.exists or any(map(_looked_while_there, history))
    when = "the deletion" if early else "the script ran"
    first = f"Checked before {when}, and again" if looks.looked_before(objects) else "Checked only"
    same = ended.observed.ran.get("objects") is not None or not ended.observed.saw_after
    again = "in the session that ran the script" if same else "after the script had run or was stated to have run"
    return _seen(
        "What the script drops is gone from the platform",
        "verified" if looks.proved(objects) else "not_verified",
        f"{first} {again}: {said}."
        + (f" Not certain: {unproven.listed(unseen)}." if unseen else "")
        + ("" if ended.observed.saw_after else " An earlier run has written this to the journal beside the script."),
        THIS if ended.observed.saw_after else AGAIN,
    )


def _looked_while_there(run: t.Mapping[str, t.Any]) -> bool:
    """Whether a run has looked at the platform before the connection was deleted."""
    there = any(row["before"] == "there" for row in of_connection(run))
    return there and looks.looked_before(run.get("objects"))


def _nothing_to_run() -> Claim:
    return _seen(
        "There is nothing to run on the platform",
        "stated",
        f"{texts.EMPTY[0].upper()}{texts.EMPTY[1:]}. The platform was not checked.",
    )


def _nothing_to_clean_up(ended: Ended) -> Claim:
    if left := ended.observed.left_on_platform:
        return _seen(
            "Nothing is left on the platform",
            "not_verified",
            f"Immuta has no clean-up script for {ended.result['technology']}. Nobody has checked the platform for"
            f" what may be left: {left}.",
        )
    return _seen(
        "There is nothing to clean up on the platform",
        "verified",
        f"The technology is {ended.result['technology']}, which has no clean-up script.",
    )


def _script_kept(observed: Observed) -> Claim:
    if not observed.kept:
        return Claim("The clean-up script is kept", "not_verified", "This run did not see the file.", None)
    return _seen(
        "The clean-up script is kept",
        "verified",
        "The file was read back. Its first line names the tenant, the connection, and the integration, and holds a"
        " digest of the rest.",
    )


def _approved(ended: Ended) -> Claim:
    settings = ended.settings
    claim = APPROVED
    shown = ended.observed.shown
    code = (shown.get("failure") or {}).get("code")
    if shown.get("failed") and code not in (None, "objects_left"):
        return _seen(claim, "not_verified", "They differ: see why the run stopped.")
    if settings.plan_entry and (shown.get("failed") or (ended.stop and not shown)):
        return Claim(claim, "not_verified", "This run stopped before it had compared them.", None)
    # A plan may have been approved when the connection was gone.
    deletion = settings.plan_entry.get("plan_digest") if settings.plan_entry else settings.expected_plan_digest
    if deletion and not ended.result["plan"]:
        return Claim(claim, "not_verified", "No plan was made in this run.", None)
    pinned = [
        *(["the sha256 of the script"] if settings.expected_sha256 else []),
        *(["the digest of the plan"] if deletion else []),
    ]
    if settings.plan_entry:
        pinned += ["the tenant", "the platform"]
    by = f" The approved plan has the digest {settings.approved}." if settings.plan_entry else ""
    compared = " and ".join(pinned) if len(pinned) < 3 else f"{', '.join(pinned[:-1])}, and {pinned[-1]}"
    return _seen(claim, "verified", f"Compared before the deletion: {compared}.{by}")


def _unless_killed(own: list[Claim], before: t.Mapping[str, t.Any] | None) -> list[Claim]:
    """The claims, if no run tells of the deletion: what an earlier run compared says nothing about the one that deleted."""
    mine = next((one for one in own if one.claim == APPROVED), None)
    known = {row["claim"] for row in (before or {}).get("verified") or ()}
    if APPROVED not in known or (mine and mine.run is not None):
        return own
    how = "No run in this report has deleted the connection, so what was compared before that is not known."
    return [*(one for one in own if one is not mine), _seen(APPROVED, "not_verified", how)]


def _connection_gone(observed: Observed) -> Claim:
    claim = "The connection does not exist in Immuta"
    if observed.deleted.get("verified") and "timing" in observed.deleted:
        return _seen(
            claim,
            "verified",
            "Checked after the deletion: Immuta no longer finds the connection. Either its integration is out of"
            " use, or the list of all connections does not contain it.",
        )
    if observed.gone:
        return _seen(
            claim,
            "verified",
            "The list of all connections does not contain it. The API key can list integrations, so it can see all"
            " connections.",
            AGAIN,
        )
    if observed.exists_now:
        return _seen(claim, "not_verified", "It exists.")
    return Claim(claim, "not_verified", "This run did not find out.", None)


def _script_ran(ended: Ended, objects: t.Sequence[Answer] | None) -> Claim:
    observed = ended.observed
    claim = "The clean-up script has run to its end"
    if not ended.result["script_executed"]:
        if observed.kept:
            # A journal that is not there any more takes nothing back of what an earlier run has seen.
            return Claim(claim, "not_verified", "The journal beside the script does not record it.", None)
        return Claim(claim, "not_verified", "This run did not find out.", None)
    if ended.left_out and not ended.recorded:
        reasons = "; ".join(f"statement {index}: {reason}" for index, reason in sorted(ended.left_out.items()))
        return _seen(
            claim,
            "stated",
            f"Left out by the person who ran the role: {reasons}. The platform answered every other statement.",
            AGAIN if observed.finished else THIS,
        )
    if (observed.ran.get("journal") or {}).get("state") == "finished":
        return _seen(
            claim,
            "verified",
            f"The platform answered every statement{refused(observed.statements)}. Each answer was written to the journal beside the script"
            " immediately.",
        )
    if ended.recorded:
        how = (
            "Stated by the person who ran the role, with immuta_deregister_script_executed."
            if ended.settings.script_executed
            else f"The task file {ended.settings.executor} succeeded."
        )
        return _seen(claim, "verified" if looks.proved(objects) else "stated", f"{how} {_looked(ended, objects)}")
    if ended.observed.answered:
        return _seen(
            claim,
            "verified",
            f"The journal beside the script, written by earlier runs, has the platform's answer to every statement{refused(observed.statements)}.",
            AGAIN,
        )
    return _seen(
        claim,
        "verified" if looks.proved(objects) else "stated",
        f"The journal beside the script records that it was run by other means. {_looked(ended, objects)}",
        THIS if looks.proved(objects) else AGAIN,
    )


def _looked(ended: Ended, objects: t.Sequence[Answer] | None) -> str:
    """What the platform shows about a run that was only stated."""
    if said := texts.gone(objects):
        return (
            f"Checked on the platform {'before and after' if looks.looked_before(objects) else 'afterwards'}: {said}."
        )
    if why := ended.observed.not_looked:
        return f"Nobody checked the platform: {why.rstrip('.')}."
    return "The platform was not checked."
