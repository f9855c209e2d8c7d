# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role and the playbooks print, as lists of lines. Each line says one thing."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import (
    dropped,
    looks,
    outcome,
    statements,
    unproven,
)
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.approval import Planned
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS, Settings
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import LOOK, REPORT, Stop

Row = t.Mapping[str, t.Any]

HEADLINES = {
    "completed": "COMPLETED",
    "stated": "COMPLETED, but it is only stated that the script has run",
    "unsure": "COMPLETED, but it could not be verified that everything is gone",
    "already_done": "ALREADY DONE, nothing was changed",
    "planned": "PLANNED, nothing was deleted or run",
    "handed_off": "HANDED OFF, the script is still to be run",
    "unknown": (
        "UNKNOWN, the connection was not found and no script was saved: it is not known whether the platform was"
        " cleaned up"
    ),
}
# What came of a statement, where its status is no word for people.
STATUSES = {
    "skipped": "done earlier",
    "replayed": "done again",
    "skipped_by_operator": "left out",
    "not_needed": "not needed",
    "rolled_back": "rolled back",
    "not_run": "not run",
}
# The roles of Snowflake that each of its own ones inherits.
INHERITED = {"ACCOUNTADMIN": ("SYSADMIN", "SECURITYADMIN", "USERADMIN"), "SECURITYADMIN": ("USERADMIN",)}
# The script of another run, which a message may name, is not this run's.
NOTHING = "nothing in this run"
EMPTY = "the clean-up script contains no statements, which immuta_deregister_empty_script accepts"
REGENERATED = "Immuta REGENERATED it from the integration's known configuration."
BY_HAND = "If the connection existed, and nobody has a copy of its script, clean up by hand:"
LEFT = "Check the platform for what may be left there:"


def plan(settings: Settings, observed: Observed) -> list[str]:
    """The plan: what would be done, or is about to be done."""
    script = observed.script
    lines = [f'Plan for the Immuta connection "{settings.connection_key}"']
    if observed.tenant:
        lines.append(f"Tenant: {observed.tenant}")
    if settings.reason:
        lines.append(f"Reason: {settings.reason}")
    if observed.lost_script and not settings.approved_without_script:
        return [*lines, "Not found, so there is nothing to plan.", f"WARNING: {script.get('msg', '')}"]
    if not observed.to_do:
        script_end = (
            "the approved plan has no clean-up script" if observed.lost_script else "its clean-up script has run"
        )
        word = " (stated, not verified)" if observed.stated else ""
        return [*lines, f"Nothing to do: the connection is gone and {script_end}{word}."]
    if observed.has_script:
        state = "done" if script.get("exists") else "would be done"
        if script.get("kept_finished"):
            state += "; the finished script of the former integration is set aside"
        lines.append(f"1. Save the clean-up script: {state} ({settings.script_path}, sha256 {script['sha256']})")
        if observed.regenerated:
            accepted = settings.accept_regenerated == settings.connection_key
            takes = "" if accepted else "; running it takes immuta_deregister_accept_regenerated"
            lines.append(f"   WARNING: {REGENERATED} Read it{takes}.")
        durability = script.get("durability") or {}
        if durability.get("lasting", "lasting") != "lasting" and not settings.script_in_artifact:
            lines.append(f"   WARNING: make sure that it outlives this run: {durability['why']}.")
    lines.append(_deletion(observed))
    lines.extend(_run(settings, observed))
    if not settings.confirmed and not settings.plan_only:
        lines.append(
            "Not confirmed, so the run ends here. To continue, set immuta_deregister_confirm to the connection key."
        )
    return lines


def _deletion(observed: Observed) -> str:
    if not observed.exists:
        return "2. Delete the connection in Immuta: already gone"
    digest = (observed.planned.get("plan") or {}).get("digest")
    pinned = f" Plan digest {digest}" if digest else ""
    return f"2. Delete the connection and all data sources below it in Immuta. THIS CAN'T BE UNDONE.{pinned}"


def _run(settings: Settings, observed: Observed) -> t.Iterator[str]:
    script = observed.script
    if observed.to_run and settings.script_executed:
        yield "3. Record that the script was run by other means"
        yield from _found_afterwards(observed)
    elif observed.to_run:
        rows = script["statements"]
        yield (
            f"3. Run the script's {len(rows)} statements ({script['execution']['done']} have run), executor"
            f" {outcome.executor(settings, observed)}"
        )
        left = statements.skip(settings, script)
        for row in rows:
            yield f"{row['index']:6d}. line {row['line']}: {statements.label(row)}{''.join(statements.marks(row, left))}"
        if statements.needed(settings, script):
            yield f"   WARNING: what others need is not taken away. To leave these statements out, {statements.LEAVE}."
        yield from _platform(settings, observed)
        if observed.not_dropped:
            yield f"   <- review: the script does not drop what the registration has created: {observed.left_on_platform}"
    elif observed.empty_script:
        yield f"3. Nothing to run: {EMPTY}"
    elif observed.has_script:
        yield "3. Run the script: already done"
    else:
        yield f"3. Nothing to run: {observed.technology or 'this technology'} has no clean-up script"
        if observed.left_on_platform:
            yield f"   {LEFT} {observed.left_on_platform}"


def _platform(settings: Settings, observed: Observed) -> t.Iterator[str]:
    """The platform that the script runs on, and what was found there."""
    if outcome.executor(settings, observed) in PLATFORMS:
        yield (
            "Don't run it on another host at the same time: only runs that share the journal beside the script lock"
            " each other out."
        )
    if hosts := outcome.hosts(settings, observed):
        compared = ", compared with the sign-in" if "session" in observed.tried else ""
        yield f"Platform: {' and '.join(hosts)}{compared}"
    if session := observed.tried.get("session"):
        yield f"Signed in: {said(session)}"
    if observed.not_looked:
        way = f" {dropped.SAVE_IT}" if observed.not_looked == dropped.UNSAVED else ""
        yield f"The platform was not checked for what the script removes: {observed.not_looked.rstrip('.')}.{way}"
    if "objects" not in observed.tried:
        return
    if observed.tried["objects"] is None:
        yield f"The platform was not checked for what the script removes: {dropped.UNSAVED}. {dropped.SAVE_IT}"
        return
    for row in observed.tried["objects"]:
        yield f"{_found(row)}: {row['kind']} {row['name']}{_since(row)}{_others(row)}"
    if observed.decision.get("objects") and not observed.decision.get("look"):
        yield from dropped.unlooked(observed.script["statements"], observed.script["dialect"])


def _found_afterwards(observed: Observed) -> t.Iterator[str]:
    """The result of the check after a script that is stated to have run."""
    if observed.not_looked:
        yield f"   This was not checked on the platform: {observed.not_looked.rstrip('.')}."
    elif (rows := observed.tried.get("objects")) is not None:
        there = sum(row["present"] is False for row in rows)
        yield f"   Checked on the platform: {there} of the script's {len(rows)} objects are not there, or not visible."


def said(session: Row) -> str:
    """Account, user, and role of a session, in a few words."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in session.items() if value)


def _found(row: Row) -> str:
    if row["present"] is None:
        return f"Could not be checked ({row['how']})"
    return "There" if row["present"] else "Not there, or not visible"


def _since(row: Row) -> str:
    owner = f", owner {row['owner']}" if row["owner"] else ""
    return owner + (f", created {row['created_on']}" if row["created_on"] else "")


def _others(row: Row) -> str:
    """A mark on an object that the script drops in a role which may not own it."""
    owner, role = row.get("owner"), next(iter(row.get("roles") or ()), "")
    may = not role or owner in (role, *INHERITED.get(role, ()))
    if may or not (owner and row["present"] and row["dropped"] and row.get("type", "object") == "object"):
        return ""
    return f"   <- review: the script drops it in the role {role}, which fails unless {role} inherits {owner}"


def report(result: Row) -> list[str]:
    """The outcome of a run that succeeded."""
    count = result["deleted_objects"]
    lines = [
        f'Deregistration of "{result["connection_key"]}": {HEADLINES[_headline(result)]}',
        f"Immuta: {connection(result)}"
        + ("" if count is None else f", {count} object{'' if count == 1 else 's'} below it deleted"),
    ]
    if integration := result["integration"]:
        lines.append(f"Immuta: the integration {integration['id']} is still listed as {integration['status']}")
    if result["left_on_platform"]:
        lines.append(f"{LEFT} {result['left_on_platform']}")
    script = result["script"]
    if script["path"]:
        lines.append(f"Script: {script['path']} (sha256 {script['sha256']}), {ran(result)}")
    if script["source"] == "regenerated":
        lines.append(f"WARNING: {REGENERATED} Check the platform for what it may have left.")
    if script.get("empty"):
        lines.append(f"Nothing to run: {EMPTY}")
    if seen := gone(result["objects"]) or unseen(result):
        earlier = result["status"] == "already_done" and not result["session"]
        lines.append(f"Platform: {seen}{', as an earlier run has seen it' if earlier else ''}")
    left = {
        row["index"]: row.get("reason") or ""
        for row in script["statements"]
        if row.get("status") == "skipped_by_operator"
    }
    to_do = [*unproven.to_look_at(result["objects"]), *statements.for_later(left, script["statements"])]
    lines.extend(f"TO DO: {sentence}" for sentence in to_do)
    lines.extend(
        f"{row['index']:5d}. {STATUSES.get(row['status'], row['status']):<12} {statements.label(row)}"
        + (f", query id {row['query_id']}" if row.get("query_id") else "")
        + "".join(f": {row[name]}" for name in ("reason", "answer") if row.get(name))
        for row in script["statements"]
        if "status" in row
    )
    return lines


def gone(objects: t.Iterable[Row] | None) -> str:
    """How many of the dropped objects are gone, as a clause; "" if nobody checked afterwards."""
    rows = looks.to_prove(objects)
    if not looks.looked_after(rows):
        return ""
    total, certain = len(rows), sum(map(looks.is_certain, rows))
    rest = total - certain
    return f"{certain} of {total} objects gone" + (f", {rest} not seen before, or not visible" if rest else "")


def unseen(result: Row) -> str:
    """Why nobody checked a script that is only stated to have run, as a clause; else ""."""
    said = result["status"] == "completed" and result["stated"] and result["not_looked"]
    return f"not checked: {result['not_looked'].rstrip('.')}" if said else ""


def _headline(result: Row) -> str:
    on_word = result["status"] == "completed" and result["stated"] and not looks.proved(result["objects"])
    left = result["left_on_platform"] and result["script"]["statements"]
    unsure = result["status"] == "completed" and (left or looks.uncertain(result["objects"]))
    return "stated" if on_word else "unsure" if unsure else str(result["status"])


def connection(result: Row) -> str:
    """The state of the connection, as a clause: gone, there, or not known."""
    if result["status"] == "unknown" or (
        result["status"] == "failed" and not (result["script"]["path"] or result["plan"]) and result["connection_gone"]
    ):
        return "the connection was not found"
    if result["connection_gone"]:
        return "the connection is gone"
    if result["connection_exists"]:
        return "the connection exists"
    # Nobody was asked, or the answer to the deletion is missing.
    known = result["technology"] or result["plan"]
    return "it is not known whether the connection is gone" if known else "the connection was not checked"


def ran(result: Row) -> str:
    """How much of the script has run, as a clause."""
    script = result["script"]
    if script.get("empty"):
        return "the script has nothing to run"
    if not (script["sha256"] or script["done"]):
        return "it has no script" if result["script_executed"] else "the script was not requested"
    count = f"{script['done']} of {script['total']} statements have run"
    if not result["script_executed"]:
        return count if script["done"] else "the script has not run"
    if result["stated"]:
        mixed = 0 < script["done"] < script["total"]
        return f"{count}, the others are only stated" if mixed else "the script has run, but this is only stated"
    return f"{count}, the others were left out" if script["done"] < script["total"] else "the script has run"


def left_behind(settings: Settings, observed: Observed) -> str:
    """The objects that are still on the platform after the script ran or is stated to have run, as a sentence, or ""."""
    left = still_there(settings, observed)
    if observed.ran.get("objects") is not None or not left:
        return ""
    if observed.is_back:
        return (
            f"According to the journal {settings.script_path}.journal the clean-up script has run, but the connection exists,"
            f" and the platform has what the script removes: {', '.join(left)}. Nothing was deleted. If the connection was"
            " restored, move the journal away and rerun: the script is run again."
        )
    return (
        "The script ran to its end, or was stated to have run, but the platform still has what it removes:"
        f" {', '.join(left)}. Check who made it and when. If it is Immuta's, drop it by hand and rerun."
    )


def handoff(settings: Settings, observed: Observed) -> list[str]:
    """Instructions for the person who runs the script."""
    where = " and ".join(outcome.hosts(settings, observed))
    return [
        f"The clean-up script of {settings.connection_key} is for you to run. It has NOT been run.",
        f"Script: {settings.script_path} on {settings.keeper} (sha256 {observed.script['sha256']}).",
        *([f"WARNING: {REGENERATED} Read it before you run it."] if observed.regenerated else []),
        statements.how_to_run(settings, observed.script, f" on {where}" if where else ""),
        "Then rerun with immuta_deregister_script_executed=true.",
    ]


def stopped(settings: Settings | None, observed: Observed, stop: Stop) -> list[str]:
    """Where a run has stopped, what is done, what is not, and what to do."""
    first = f'Stopped at "{stop.task}": {stop.message}'.split("\n")
    if not observed.script:
        return [*first, "DONE: nothing; no request was sent.", f"NEXT: {stop.advice}"]
    return [
        *first,
        f"DONE: {'; '.join(done(settings, observed)) or NOTHING}.",
        f"NOT DONE: {'; '.join(open_ends(settings, observed)) or _only(stop)}.",
        f"NEXT: {stop.advice}",
        *by_hand(observed),
    ]


def _only(stop: Stop) -> str:
    """What a run that stopped has not done where all else is done."""
    if stop.task == REPORT:
        return "the report was not written"
    return "the platform was not checked" if stop.task.startswith(LOOK.partition("{}")[0]) else "nothing"


def by_hand(observed: Observed) -> list[str]:
    """What to do by hand on the platform when there is no script any more."""
    steps = observed.failure.get("by_hand") or ()
    return [BY_HAND, *(f"   {step}" for step in steps)] if steps else []


def done(settings: Settings | None, observed: Observed) -> list[str]:
    """The finished parts of a run that stopped."""
    finished, total = observed.counts
    lines = []
    if observed.kept and settings:
        lines.append(f"the script is saved at {settings.script_path}")
    if observed.gone and not observed.lost_script:
        lines.append("the connection does not exist in Immuta")
    if observed.empty_script:
        lines.append("the clean-up script has nothing to run")
    elif observed.script_ran and not observed.no_script:
        lines.append("the clean-up script has run to its end")
    elif finished:
        lines.append(f"{finished} of {total} statements have run")
    return lines


def still_there(settings: Settings, observed: Observed) -> list[str]:
    """What the script drops, and a look has found after it ran or was stated to have run."""
    if observed.ran.get("objects") is not None:
        return [f"{row['kind']} {row['name']}" for row in observed.ran["objects"] if row["dropped"] and row["present"]]
    if not (observed.looked_after or settings.script_executed):
        return []
    out = {row["index"] for row in observed.progress.get("skipped") or ()}
    out |= {row["index"] for row in statements.left_out(settings, observed.script)}
    described = observed.script.get("statements") or ()
    left_out = {(row["object"], row["name"]) for row in described if row["index"] in out}
    rows = [row for row in observed.tried.get("objects") or () if row["dropped"] and row["present"]]
    # Which grants and policies were left out, the names of statements don't tell.
    rows = [row for row in rows if not out or row.get("type", "object") == "object"]
    return [f"{row['kind']} {row['name']}" for row in rows if (row["kind"], row["name"]) not in left_out]


def open_ends(settings: Settings | None, observed: Observed) -> list[str]:
    """The unfinished parts of a run that stopped."""
    if observed.lost_script and not observed.exists:
        return ["the connection was not found, so it is not known whether there is anything to do"]
    lines = []
    if not observed.gone:
        lines.append(
            "the connection has not been deleted"
            if observed.exists_now
            else "it is not known whether the connection was deleted"
        )
    there = still_there(settings, observed) if settings else []
    if there:
        lines.append(f"still on the platform, although the script removes it: {', '.join(there)}")
    elif observed.all_ran and not observed.script_ran:
        lines.append("it was not verified that what the script removes is gone")
    elif not observed.script_ran:
        lines.append(
            "the clean-up script has not run to its end"
            if observed.progress
            else "it is not known whether the clean-up script was run"
        )
    return lines


def planned(plans: t.Iterable[Planned], digest: str) -> list[str]:
    """The plan of many connections, a line each."""
    known = list(plans)
    lines = [_planned(plan) for plan in known]
    if all(plan.error for plan in known):
        return [*lines, "Nothing could be planned, so there is nothing to approve."]
    return [
        *lines,
        "To approve this plan, set immuta_deregister_approved to its digest.",
        f"Digest of this plan: {digest}",
    ]


def _planned(plan: Planned) -> str:
    technology = f" ({plan.technology})" if plan.technology else ""
    tenant = f" of {plan.tenant}" if plan.tenant else ""
    start = f"{plan.status:<12} {plan.connection_key}{technology}{tenant}: "
    if plan.error:
        return start + " ".join(plan.error.split("\n"))
    if plan.status == "unknown":
        return f"{start}not found"
    deletion = "the connection would be deleted" if plan.plan_digest else "the connection is gone"
    if not plan.script_sha256:
        return f"{start}{deletion}, no script"
    where = f" on {' and '.join(plan.platform_hosts)}" if plan.platform_hosts else ""
    kind = "REGENERATED script" if plan.script_source == "regenerated" else "script"
    return f"{start}{deletion}, {len(plan.statements)} statements{where}, {kind} {plan.script_sha256}"


def finished(results: t.Iterable[tuple[str, Row]]) -> list[str]:
    """The outcome of many connections, a line each.

    :param results: the key of each connection, and its result; an empty one when it was not started"""
    return [_finished(key, result) for key, result in results]


def _finished(key: str, result: Row) -> str:
    if not result:
        return f"{'not started':<12} {key}"
    stop = f', stopped at "{result["failed_task"]}"' if "failed_task" in result else ""
    clauses = [connection(result)]
    if clauses != ["the connection was not found"]:
        clauses.append(ran(result))
    if _headline(result) == "unsure":
        clauses.append("it could not be verified that everything is gone")
    return f"{result['status']:<12} {result['connection_key']}: {', '.join(clauses)}{stop}"
