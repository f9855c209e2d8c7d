# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role prints, as lists of lines. Each line says one thing."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import statements
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import OF_STAGES, Stop
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.texts import (
    NOTHING,
    STATUSES,
    said,
)
from ansible_collections.community.immuta.plugins.plugin_utils._registration import outcome, stops, words
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import Settings

Row = t.Mapping[str, t.Any]

HEADLINES = {
    "registered": "REGISTERED",
    "updated": "UPDATED, the connection existed",
    "found_registered": "REGISTERED, by this run or by another one: Immuta's answer was lost",
    "already_registered": "ALREADY REGISTERED, nothing was changed",
    "script_removed": "ALREADY REGISTERED; the set-up script is removed, and nothing else was changed",
    "planned": "PLANNED, nothing was registered or run",
    "handed_off": "HANDED OFF, the set-up script is still to be run; the connection is not registered",
}
STAYS_OFF = (
    "   Its objects stay DISABLED, so nobody's access to data changes. To enable them later, use the module"
    " immuta_connection_settings."
)
ENABLES = (
    "   Its objects are ENABLED: Immuta then decides who can read them. On Databricks, an enabled object without a subscription"
    " policy loses the access of all Immuta users."
)
KEEP_IT = (
    "It may hold a password that Immuta made, and that exists nowhere else. Keep it until the connection is registered,"
    " then remove it."
)
REMOVE_IT = (
    "It may hold a password that Immuta made. Only taking the registration back (immuta_register_state=undone) still asks it, and its"
    " journal, what was created. Remove it if you don't need that: rerun with immuta_register_remove_script=true."
)
ON_SAVING = "its sha256 is known when it is saved, since Immuta may put another password into each"

# What becomes of an object that is there already.
THERE = {
    None: "THERE ALREADY",
    "kept": "THERE ALREADY, to be used",
    "altered": "THERE ALREADY, to be ALTERED",
    "replaced": "THERE ALREADY, to be REPLACED",
}


def plan(settings: Settings, observed: Observed, *, check_mode: bool) -> list[str]:
    """The plan: what would be done, or is about to be done."""
    lines = [f'Plan for registering the Immuta connection "{settings.connection_key}"']
    if observed.tenant:
        lines.append(f"Tenant: {observed.tenant}")
    if settings.reason:
        lines.append(f"Reason: {settings.reason}")
    if settings.integration_config:
        lines.append(f"Description: {_described(settings.integration_config)}")
    if check_mode:
        lines.append(_looked_up(settings, observed))
    if observed.exists:
        return [*lines, *_edit(settings, observed)]
    if observed.has_script:
        predicted = check_mode and observed.script.get("changed")
        state = "would be done" if predicted else "done"
        digest = ON_SAVING if predicted else f"sha256 of the script {observed.script['sha256']}"
        lines.append(f"1. Save the set-up script: {state} ({settings.script_path}, {digest})")
    else:
        lines.append("1. No set-up script: the platform has to be prepared already")
    lines.extend(_run(settings, observed))
    lines.append(f"3. Register the connection in Immuta, and wait until its integration works{_confirmed(settings)}")
    return [*lines, ENABLES if settings.enables else STAYS_OFF]


def _described(config: Row) -> str:
    """The place of the integration, and whom it signs in as; nothing of it is a secret."""
    return ", ".join(str(value) if name == "type" else f"{name} {value}" for name, value in config.items())


def _looked_up(settings: Settings, observed: Observed) -> str:
    """What check mode did, and did not do."""
    looked = ["the connection in Immuta"]
    if observed.tried.get("session"):
        looked.append(f"the sign-in to {settings.executor.capitalize()}")
    if observed.tried.get("objects"):
        looked.append("what the script creates there")
    sent = (
        ""
        if observed.exists
        else " Immuta gets the credential to render the script, and to test the registration if it can."
    )
    return f"Check mode: nothing is saved, run, registered, or edited. Looked up: {', '.join(looked)}.{sent}"


def _edit(settings: Settings, observed: Observed) -> t.Iterator[str]:
    """What becomes of a connection that exists."""
    compared = observed.compared
    differences = compared.get("differences") or ()
    if observed.edits:
        yield "The connection exists. Edit it in Immuta, with the credential of its description:"
        yield from (f"   {change(one)}" for one in differences)
        if not differences:
            yield f"   Only the credential is sent (immuta_register_update_secrets={settings.update_secrets})"
        yield f"   Digest of this plan: {compared['plan']['digest']}"
    else:
        yield "The connection exists, and is as described. Nothing to do."
    if unknown := compared.get("not_compared"):
        yield f"Can't be compared, because Immuta does not tell it: {', '.join(unknown)}"
    if settings.enables:
        yield "Its settings are not compared: use the module immuta_connection_settings."
    if differences and not settings.named:
        yield f'Not confirmed, so nothing is edited: set immuta_register_confirm to "{settings.connection_key}"'


def change(one: Row) -> str:
    """A field of a connection, before and after."""
    return f"{one['field']}: {one['before']} -> {one['after']}"


def _confirmed(settings: Settings) -> str:
    if settings.confirmed:
        return ""
    return f'. Not confirmed, so the run ends here: set immuta_register_confirm to "{settings.connection_key}"'


def _run(settings: Settings, observed: Observed) -> t.Iterator[str]:
    script = observed.script
    if not observed.to_run:
        yield f"2. {'Run the script: already done' if observed.has_script else 'Nothing to run'}"
        return
    if settings.script_executed:
        yield "2. Record that the script was run by other means"
        return
    rows = script.get("statements") or []
    yield f"2. Run the script's {len(rows)} statements ({observed.counts[0]} have run), executor {settings.executor}"
    for row in rows:
        marks = "".join(f"   <- review: {one}" for one in row.get("marks") or (["unusual"] if row["unusual"] else []))
        yield f"{row['index']:6d}. line {row['line']}: {statements.label(row)}{marks}"
    if settings.executor not in PLATFORMS:
        return
    if settings.hosts:
        yield f"Platform: {' and '.join(settings.hosts)}"
    if session := observed.tried.get("session"):
        yield f"Signed in: {said(session)}"
    if not (objects := observed.tried.get("objects")):
        yield "The platform was not checked for what the script creates: the script is not on the disk yet."
        return
    for row in objects:
        yield f"{_found(row)}: {row['kind']} {row['name']}" + (f", owner {row['owner']}" if row.get("owner") else "")


def _found(row: Row) -> str:
    if row["present"] is None:
        return "NOT SEEN"
    return THERE.get(row.get("existing"), THERE[None]) if row["present"] else "Not there, or not visible"


def handoff(settings: Settings, observed: Observed) -> list[str]:
    """Instructions for the person who runs the script."""
    where = f" on {' and '.join(settings.hosts)}" if settings.hosts else ""
    return [
        f"The set-up script of {settings.connection_key} is for you to run. It has NOT been run.",
        f"Script: {settings.script_path} on {settings.keeper} (sha256 {observed.script['sha256']}). {KEEP_IT}",
        f"Run the whole script, in order, in one session, as an administrator{where}.",
        "Then rerun with immuta_register_script_executed=true, which registers the connection.",
    ]


def report(result: Row) -> list[str]:
    """The outcome of a run that succeeded."""
    lines = [
        f'Registration of "{result["connection_key"]}": {HEADLINES[_headline(result)]}',
        f"Immuta: {_immuta(result)}",
    ]
    if result["status"] == "updated":
        lines.extend(f"Changed: {change(one)}" for one in result["differences"])
    script = result["script"]
    if script["path"]:
        kept = ", and the script is removed" if script["removed"] else ""
        # Another rendering, which a later run saves, may have another password.
        digest = f" (sha256 {script['sha256']})" if script["kept"] or result["status"] != "planned" else ""
        lines.append(f"Script: {script['path']}{digest}, {_ran(result)}{kept}")
        if script["kept"] and result["status"] in ("registered", "found_registered"):
            lines.append(f"WARNING: {REMOVE_IT}")
    if seen := there(result["objects"]):
        lines.append(f"Platform: {seen}")
    lines.extend(
        f"{row['index']:5d}. {STATUSES.get(row['status'], row['status']):<12} {statements.label(row)}"
        + (f", query id {row['query_id']}" if row.get("query_id") else "")
        for row in script["statements"]
        if "status" in row
    )
    return lines


def _headline(result: Row) -> str:
    only_removed = result["status"] == "already_registered" and result["script"]["removed"]
    return "script_removed" if only_removed else str(result["status"])


def there(objects: t.Iterable[Row] | None) -> str:
    """How many of the created objects are there, as a clause; "" if nobody checked afterwards."""
    rows = [row for row in objects or () if row.get("after") is not None or row.get("after_how")]
    if not rows:
        return ""
    seen = sum(row.get("after") is True for row in rows)
    return f"{seen} of {len(rows)} objects there" + (f", {len(rows) - seen} not visible" if seen < len(rows) else "")


def _immuta(result: Row) -> str:
    if not result["connection_exists"]:
        return (
            "the connection does not exist"
            if result["connection_exists"] is False
            else "it is not known whether the connection exists"
        )
    about = result["integration"] or {}
    integration = f", its integration {about['id']} is {about['status']}" if about else ""
    return f"the connection exists{integration}" + (", and it works" if result["verified"] else ", NOT VERIFIED")


def _ran(result: Row) -> str:
    script = result["script"]
    if result["stated"]:
        return "the script has run, but this is only stated"
    return f"{script['done']} of {script['total']} statements have run"


def ended(
    settings: Settings | None, observed: Observed, stop: Stop | None, *, check_mode: bool
) -> tuple[dict[str, t.Any], list[str]]:
    """The variable C(immuta_register_result), and the lines that say what came of the run.

    :param settings: None if they could not be read
    """
    result = outcome.result(settings, observed, check_mode=check_mode) if settings else {}
    lines = report(result) if stop is None else stopped(settings, observed, stop)
    if settings and (left := left_over(settings, observed)):
        lines.append(f"WARNING: {left}")
    return (failed(result, stop, lines) if stop else result), lines


def left_over(settings: Settings, observed: Observed) -> str:
    """What to do about the set-up script of a connection that exists; "" if it is not there."""
    if not observed.still_kept(settings.script_path):
        return ""
    if settings.remove_script and not observed.unfinished(settings.script_path):
        return f"The set-up script {settings.script_path} on {settings.keeper} is removed by a run that has seen the connection work."
    if not settings.remove_script:
        return f"The set-up script {settings.script_path} is still on {settings.keeper}. {REMOVE_IT}"
    return (
        f"A set-up script that has not run to its end is kept at {settings.script_path} on {settings.keeper}: it may be the only place of a"
        " password. If nothing needs it, remove it with the module immuta_setup_script, state=absent, and force=true."
    )


def failed(result: Row, stop: Stop, lines: t.Iterable[str]) -> dict[str, t.Any]:
    """The result of a run that has stopped, as far as it is known."""
    error = "\n".join(map(_text.printable, lines))
    return {**result, "status": "failed", "failed_task": stop.task, "error": error}


def stopped(settings: Settings | None, observed: Observed, stop: Stop) -> list[str]:
    """Where a run has stopped, what is done, what is not, and what to do."""
    known = ends(settings, observed) if settings and observed.found else None
    return halted(stop, stops.advice(stop, observed), known)


def halted(stop: Stop, advice: str, ends: tuple[list[str], list[str]] | None) -> list[str]:
    """The lines of any run that has stopped.

    :param ends: what is done, and what is not; None if no request was sent
    """
    lines = f'Stopped at "{stop.task}": {stop.message}'.split("\n")
    if named := words.variables(stop.message) if stop.task not in OF_STAGES else "":
        lines.append(named)
    if ends is None:
        lines.append("DONE: nothing; no request was sent.")
    else:
        done, missing = ends
        lines += [f"DONE: {'; '.join(done) or NOTHING}.", f"NOT DONE: {'; '.join(missing) or 'nothing'}."]
    return [*lines, f"NEXT: {advice}"]


def ends(settings: Settings, observed: Observed) -> tuple[list[str], list[str]]:
    """What of a run that stopped is done, and what is not."""
    done, missing = [], []
    finished, total = observed.counts
    if observed.kept:
        done.append(f"the set-up script is saved at {settings.script_path}")
    if observed.script_ran:
        done.append("the set-up script has run to its end")
    elif finished:
        done.append(f"{finished} of {total} statements have run")
    if not (observed.script_ran or observed.exists or settings.executor == "none"):
        missing.append(f"the set-up script has not run {'for this connection' if observed.outdated else 'to its end'}")
    if observed.exists_now:
        done.append("the connection exists in Immuta")
    elif observed.exists_now is False:
        missing.append("the connection is not registered")
    else:
        missing.append("it is not known whether the connection is registered")
    if observed.exists and observed.unconfirmed:
        missing.append("the edit was not sent")
    elif observed.told.get("rolled_back"):
        missing.append("the connection is not edited, since Immuta has put back what was there before")
    elif not observed.told.get("verified"):
        missing.append("nothing shows that the connection works")
    if observed.removed.get("failed"):
        missing.append("the set-up script is not removed")
    return done, missing
