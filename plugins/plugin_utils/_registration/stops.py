# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task at which a run stopped, and what to do then."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import (
    ADVICE,
    AGAIN,
    CHECK,
    ELSEWHERE,
    STILL,
    Stop,
    broken,
)
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Answer, Found, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import Settings

# The tasks that answer, in their order, by the names that they have in the role; {} is the platform.
TASKS = {
    "found": "Look for the connection",
    "script": "Save the set-up script",
    "former": "Look for a clean-up script of an earlier registration",
    "decided": "Decide what to do",
    "forgotten": "Remove the clean-up script of an earlier registration",
    "tried": "Sign in to {}, and look at what the script would create",
    "compared": "Compare the connection with its description",
    "shown": "Show the plan",
    "ran": "Run the script on {}",
    "recorded": "Record that the script has run",
    "registered": "Register the connection",
    "removed": "Remove the set-up script",
}
BY_PERSON = "have a person run the rest, then set immuta_register_script_executed"
CONFIRM = "Set immuta_register_confirm to the key of the connection"
# What helps with a removal, where it names no variable of that role.
SHARED = {code: said for code, said in ADVICE.items() if "immuta_deregister_" not in said}
# What helps, by the code of the failure, where it is not what helps with a removal.
OWN_ADVICE = {
    "unknown_outcome": (
        f"{STILL} Find out on the platform whether the statement ran. If it did not, rerun with immuta_register_on_unknown=rerun; if"
        f" it did, {BY_PERSON}."
    ),
    "session_lost": f"{STILL} {BY_PERSON.capitalize()}.",
    "statement_failed": (
        "Fix the cause on the platform and rerun: the script continues with the statement that failed. If it can no longer succeed,"
        f" {BY_PERSON}."
    ),
    **dict.fromkeys(
        ("split_error", "transaction_open"),
        f"{STILL} Hand the script to a person with immuta_register_executor=handoff. When it has run, set"
        " immuta_register_script_executed.",
    ),
    "empty_script": f"{STILL} If the platform is prepared already, set immuta_register_executor to none, and rerun.",
    "plan_changed": "The connection was changed, or registered by another run, after the plan was shown. Rerun, and review the new plan.",
    "ambiguous_key": f"{STILL} Correct immuta_register_connection_key, and rerun.",
    "objects_exist": (
        f"{STILL} Check who made what is there. If it is another connection's, register this one with another database or"
        " catalog. If it was left over, remove it first. To continue all the same, set immuta_register_existing_objects to accept."
    ),
    "objects_not_made": "Check the platform for what is missing. Correct it there, or do what is said above. Then rerun.",
    "already_exists": f"{STILL} Follow the way out that is named above, or register the connection in another place.",
    "registration_unknown": (
        "If a permission is named above, grant it. Wait a few minutes, until Immuta has certainly ended, and rerun the same command."
        " It reads first, and registers only if nothing is there."
    ),
    "confirmation_required": f"Review the plan. {CONFIRM}, and rerun.",
    "confirmation_mismatch": f"{CONFIRM}, and rerun.",
}
OUTDATED = (
    "If the connection was removed, remove the set-up script and its journal with the module immuta_setup_script and state=absent,"
    " and rerun. If it was not, find out who removed the objects first."
)
UNDO = (
    " To take back what is done, rerun with immuta_register_state=undone, and immuta_register_confirm set to the key."
)


def find(settings: Settings | None, observed: Observed, checked: Answer, *, check_mode: bool) -> Stop | None:
    """Find the task at which the run stopped; None if it came to its end.

    :param settings: None if they could not be read
    :param checked: what the stage of the checks has answered
    """
    if settings is None or checked.get("failed"):
        return Stop(CHECK, checked, shown=bool(checked.get("failed")))
    if found := first_broken(TASKS, settings, observed):
        return found
    missing = _unfinished(observed, check_mode=check_mode)
    return Stop(task(TASKS, missing, settings), {"msg": ELSEWHERE}, shown=False) if missing else None


def first_broken(tasks: t.Mapping[str, str], settings: Settings, observed: Found) -> Stop | None:
    """The first task that has failed; None if none has.

    :param tasks: the names that the tasks have in the role, by those of their results; {} is the platform
    """
    name = next((one for one in tasks if broken(getattr(observed, one))), None)
    return Stop(task(tasks, name, settings), getattr(observed, name)) if name else None


def task(tasks: t.Mapping[str, str], name: str, settings: Settings) -> str:
    """A task's name in the role."""
    return tasks[name].format(settings.executor.capitalize() if settings.executor in PLATFORMS else "the platform")


def advice(stop: Stop, observed: Observed) -> str:
    """What to do next."""
    if stop.task == TASKS["shown"] and observed.outdated:
        return OUTDATED
    # What another run has registered is not to be taken back.
    undo = observed.counts[0] and not observed.exists and stop.task != CHECK and _code(stop) != "plan_changed"
    return remedy(stop) + (UNDO if undo else "")


def remedy(stop: Stop) -> str:
    """What helps with a failure, wherever it is."""
    if stop.task == CHECK:
        return "Correct what is named above, and rerun."
    return {**SHARED, **OWN_ADVICE}.get(_code(stop), AGAIN)


def _code(stop: Stop) -> str:
    return str((stop.failure.get("failure") or {}).get("code", ""))


def _unfinished(observed: Observed, *, check_mode: bool) -> str | None:
    """The first task that was to run and has no result, although no task of the role has failed."""
    decision: dict[str, t.Any] = observed.decided.get("decision") or {}
    if "timing" not in observed.found:
        return "found"
    if not decision:
        return "decided"
    if decision["forget"] and "timing" not in observed.forgotten:
        return "forgotten"
    if decision["preflight"] and "timing" not in observed.tried:
        return "tried"
    if decision["compare"] and "timing" not in observed.compared:
        return "compared"
    if not observed.shown:
        return "shown"
    if decision["run"] in PLATFORMS and not ("timing" in observed.ran and (check_mode or observed.script_ran)):
        return "ran"
    if decision["run"] == "record" and "timing" not in observed.recorded:
        return "recorded"
    due = decision["register"] and (observed.edits or not decision["compare"])
    if due and "timing" not in observed.registered:
        return "registered"
    return None
