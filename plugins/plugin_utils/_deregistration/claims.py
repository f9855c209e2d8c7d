# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one run can prove: its steps, statements and claims, put together from what the modules have answered."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import looks, texts
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.ended import Ended
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.evidence import (
    AGAIN,
    THIS,
    Claim,
    Run,
    carried,
    seconds_between,
)
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.origin import Origin
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.remaining import remaining
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.steps import steps

REGENERATED: tuple[str, t.Literal["not_verified"], str] = (
    "The clean-up script is that of the integration",
    "not_verified",
    "Immuta has regenerated it from what is known of the integration's configuration.",
)


def run(ended: Ended, origin: Origin, history: t.Sequence[t.Mapping[str, t.Any]]) -> Run:
    """The run, as the report has it.

    :param history: the runs before it
    """
    observed, settings, result = ended.observed, ended.settings, ended.result
    # A connection that is there is still to be removed, or once more.
    before = history[-1] if history and not observed.exists else None
    rows = statements(ended, history)
    objects = looks.remembered(result["objects"], history, exists=observed.exists)
    done = steps(ended, rows)
    script = observed.script
    return Run(
        number=len(history) + 1,
        status=ended.status,
        started=ended.started,
        ended=ended.ended,
        seconds=seconds_between(ended.started, ended.ended),
        changed=any(step.changed for step in done),
        by=origin.by,
        versions=origin.versions,
        tenant=observed.tenant,
        host=origin.host,
        technology=result["technology"],
        integration_id=result["integration_id"],
        integration_config=result["integration_config"],
        executor=result["executor"],
        platform_hosts=result["platform_hosts"],
        objects=objects,
        immuta=result["immuta"],
        session=result["session"],
        reason=result["reason"],
        confirmed_by=settings.confirmed_by,
        approved=settings.approved_digests,
        plan=result["plan"],
        script={
            "path": settings.script_path,
            "sha256": script.get("sha256", observed.saved.get("sha256")),
            "source": script.get("source"),
        }
        if observed.has_script or observed.kept
        else None,
        steps=done,
        statements=rows,
        deleted_objects=result["deleted_objects"],
        integration=result["integration"] or None,
        verified=carried(claims(ended, objects), len(history) + 1, before),
        remaining=remaining(ended, origin),
        error=_error(ended),
    )


def _error(ended: Ended) -> dict[str, t.Any] | None:
    if ended.stop is None:
        return None
    failure = ended.stop.failure.get("failure") or {}
    return {
        "task": ended.stop.task,
        "message": ended.stop.message,
        **{name: failure.get(name) for name in ("code", "sqlstate", "query_id")},
    }


def statements(ended: Ended, history: t.Sequence[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """The statements, without their text. A run that found nothing to do lists them if no run before it has."""
    observed = ended.observed
    rows = observed.statements
    if not rows and not (ended.status == "already_done" and any(earlier.get("statements") for earlier in history)):
        rows = observed.script.get("statements") or []
    answers = {answer["index"]: answer for answer in observed.progress.get("answers") or ()}
    return [_statement(ended, row, answers.get(row["index"], {})) for row in rows]


def _statement(ended: Ended, row: Answer, answer: Answer) -> dict[str, t.Any]:
    return {
        **{name: row[name] for name in ("index", "line", "verb", "object", "name", "unusual")},
        **{name: row[name] for name in ("grantee", "privileges", "action") if row.get(name)},
        "status": _status(ended, row),
        **({"reason": ended.left_out[row["index"]]} if row["index"] in ended.left_out else {}),
        **{name: row.get(name, answer.get(name)) for name in ("query_id", "rowcount", "seconds", "answer")},
    }


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


def claims(ended: Ended, objects: t.Sequence[Answer] | None = None) -> list[Claim]:
    """What is so, and how that is known. What was only said is told apart.

    :param objects: what the script removes, with what earlier runs have seen
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
    if (seen := _platform_clean(ended, objects)) is not None:
        found.append(seen)
    if left := ended.result["integration"]:
        found.append(
            _seen(
                f"The integration {left['id']} is out of use",
                "not_verified" if left["in_use"] else "verified",
                f"Read after the deletion: it is listed as {left['status']}.",
            )
        )
    if not scriptless:
        found.append(_nothing_to_run() if observed.empty_script else _script_ran(ended, objects))
    return found


def _seen(claim: str, state: t.Literal["verified", "stated", "not_verified"], how: str, run: int = THIS) -> Claim:
    """What this run knows."""
    return Claim(claim, state, how, run)


def _platform_clean(ended: Ended, objects: t.Sequence[Answer] | None) -> Claim | None:
    """Whether what the script drops is gone; None if nobody has looked again."""
    said = texts.gone(objects)
    if not said:
        return None
    unseen = [f"{row['kind']} {row['name']}" for row in objects or () if row["dropped"] and not looks.is_certain(row)]
    same = ended.observed.ran.get("objects") is not None
    again = "in the session that ran the script" if same else "when it had run, or was said to have"
    return _seen(
        "What the script drops is gone from the platform",
        "verified" if looks.proved(objects) else "not_verified",
        f"Looked for before the deletion, and again {again}: {said}."
        + (f" Not certain: {', '.join(unseen)}." if unseen else ""),
    )


def _nothing_to_run() -> Claim:
    return _seen(
        "There is nothing to run on the platform",
        "stated",
        f"{texts.EMPTY[0].upper()}{texts.EMPTY[1:]}. The platform was not asked.",
    )


def _nothing_to_clean_up(ended: Ended) -> Claim:
    if left := ended.observed.left_on_platform:
        return _seen(
            "Nothing is left on the platform",
            "not_verified",
            f"Immuta has no clean-up script for the technology {ended.result['technology']}. Nobody has looked on the"
            f" platform for what may be left there: {left}.",
        )
    return _seen(
        "There is nothing to clean up on the platform",
        "verified",
        f"Immuta names the technology {ended.result['technology']}, which has no clean-up script.",
    )


def _script_kept(observed: Observed) -> Claim:
    if not observed.kept:
        return Claim("The clean-up script is kept", "not_verified", "This run has not seen it.", None)
    return _seen(
        "The clean-up script is kept",
        "verified",
        "The file was read back; its first line names the tenant, the connection, and the integration, and holds a"
        " digest of the rest.",
    )


def _approved(ended: Ended) -> Claim:
    settings = ended.settings
    claim = "What was approved is what was found"
    if ended.observed.shown.get("failed"):
        return _seen(claim, "not_verified", "It is not: see why the run has stopped.")
    # A plan may have been approved when the connection was gone.
    deletion = settings.plan_entry.get("plan_digest") if settings.plan_entry else settings.expected_plan_digest
    if deletion and not ended.result["plan"]:
        return Claim(claim, "not_verified", "No plan was made in this run.", None)
    pinned = [
        *(["the sha256 of the script"] if settings.expected_sha256 else []),
        *(["the digest of the plan"] if deletion else []),
    ]
    by = (
        f" By the plan with the digest {settings.approved}, with the tenant and the platform."
        if settings.plan_entry
        else ""
    )
    return _seen(claim, "verified", f"Compared before the deletion: {' and '.join(pinned)}.{by}")


def _connection_gone(observed: Observed) -> Claim:
    claim = "The connection does not exist in Immuta"
    if observed.deleted.get("verified") and "timing" in observed.deleted:
        return _seen(
            claim,
            "verified",
            "Read after the deletion: Immuta does not find it, and its integration is out of use, or the list of all"
            " connections lacks it.",
        )
    if observed.gone:
        return _seen(
            claim,
            "verified",
            "The list of all connections lacks it, and the API key was shown the integrations, which only one that may"
            " see everything is.",
            AGAIN,
        )
    if observed.exists_now:
        return _seen(claim, "not_verified", "It exists.")
    return Claim(claim, "not_verified", "This run could not tell.", None)


def _script_ran(ended: Ended, objects: t.Sequence[Answer] | None) -> Claim:
    observed = ended.observed
    claim = "The clean-up script has run to its end"
    if not ended.result["script_executed"]:
        if observed.kept:
            # A journal that is not there any more takes nothing back of what an earlier run has seen.
            return Claim(claim, "not_verified", "The journal beside the script does not say so.", None)
        return Claim(claim, "not_verified", "This run could not tell.", None)
    if ended.left_out and not ended.recorded:
        reasons = "; ".join(f"statement {index}: {reason}" for index, reason in sorted(ended.left_out.items()))
        return _seen(
            claim,
            "stated",
            f"Left out with immuta_deregister_skip, by who ran the role: {reasons}. The platform has answered every other"
            " statement.",
            AGAIN if observed.finished else THIS,
        )
    if (observed.ran.get("journal") or {}).get("state") == "finished":
        return _seen(
            claim,
            "verified",
            "The platform has answered every statement, and each answer was written to the journal beside the script at"
            " once.",
        )
    if ended.recorded:
        how = (
            "Said by who ran the role, with immuta_deregister_script_executed."
            if ended.settings.script_executed
            else f"The task file {ended.settings.executor} has ended well."
        )
        return _seen(claim, "verified" if looks.proved(objects) else "stated", f"{how} {_looked(ended, objects)}")
    if ended.observed.answered:
        return _seen(
            claim,
            "verified",
            "The platform has answered every statement: the journal beside the script, which earlier runs have written,"
            " says so.",
            AGAIN,
        )
    return _seen(
        claim,
        "verified" if looks.proved(objects) else "stated",
        f"It was recorded as run by other means, in the journal beside the script. {_looked(ended, objects)}",
        THIS if looks.proved(objects) else AGAIN,
    )


def _looked(ended: Ended, objects: t.Sequence[Answer] | None) -> str:
    """What the platform says of what somebody has said."""
    if said := texts.gone(objects):
        return f"Looked for on the platform, before and after: {said}."
    if why := ended.observed.not_looked:
        return f"Nobody has looked on the platform: {why.rstrip('.')}."
    return "The platform was not asked."
