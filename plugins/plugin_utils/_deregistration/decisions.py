# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision after the script is saved and before anything is deleted: what to do, or why nothing may be done."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import dropped, statements
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed, executor, hosts
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import (
    PLATFORMS,
    PREFIX,
    Settings,
)

HOW_TO_LOOK = "no sign-in to the platform was found; to try anyway, set immuta_deregister_verify to always"
STILL_THERE = (
    "immuta_deregister_script_executed is set, but the connection still exists: its script may still change until it"
    " is deleted. Remove the variable and rerun. To have a person run the script after the deletion, set"
    " immuta_deregister_executor=handoff."
)
BACK = (
    "According to the journal {settings.script_path}.journal the clean-up script has run, but the connection exists, and whether"
    " the platform has what the script removes can't be checked. Check it yourself. Then move the journal away, so that the"
    " script is run again, or delete the connection with the module immuta_connection."
)
NOT_ACCEPTED = (
    "The clean-up script at {settings.script_path} (sha256 {sha256}) was regenerated from the integration's known"
    " configuration: it may miss something, or remove what isn't Immuta's. Read it, and set"
    ' immuta_deregister_accept_regenerated to "{settings.connection_key}", or approve a plan that shows it.'
)


@dataclasses.dataclass(frozen=True)
class Decision:
    """What to do, decided after the script is saved and before anything is deleted. JSON types only.

    :ivar executor: C(snowflake), C(databricks), C(handoff), C(own), or C(none)
    :ivar preflight: the platform to sign in to before the plan is shown, or ""
    :ivar way: the folder of the tasks that do so: C(preflight), with the module that runs the script, or C(look)
    :ivar look_again: the platform to look at when a task file of the user's has ended, or ""
    :ivar after: whether the check comes after the script ran or is stated to have run
    :ivar unlooked: why the platform is not checked if somebody else runs the script or ran it, or ""
    :ivar optional: whether the run continues if the platform can't be checked
    :ivar hosts: of the platform, where the script has to be run
    :ivar look: the script whose objects to look for on the platform before the deletion, or "" if it is not on the disk
    :ivar objects: what to look for in its place then
    :ivar plan: whether to ask for the plan of the deletion without deleting
    :ivar delete: whether to delete the connection
    :ivar script_path: where the script has to be at the moment of the deletion, or "" when there is none
    :ivar script_sha256: its digest then, or ""
    :ivar run: the task file in C(executors) that deals with the script, or ""
    :ivar skip: the statements to leave out, as the modules have them
    :ivar leave_script: whether the workflow keeps the script
    """

    executor: str
    preflight: str
    way: str
    look_again: str
    after: bool
    unlooked: str
    optional: bool
    hosts: list[str]
    look: str
    objects: list[dict[str, str]]
    plan: bool
    delete: bool
    script_path: str
    script_sha256: str
    run: str
    skip: list[dict[str, t.Any]]
    leave_script: bool


def decide(settings: Settings, observed: Observed, signs_in: bool = False, *, check_mode: bool = False) -> Decision:
    """Decide what to do.

    :param signs_in: whether it is seen that the modules have what a sign-in to the script's platform takes
    """
    chosen = executor(settings, observed)
    go = observed.to_do and settings.confirmed
    stated = settings.script_executed
    exists = bool(observed.script.get("exists"))
    # In check mode nothing is on the disk that could be handed over.
    run = go and observed.to_run and (stated or exists or chosen != "handoff")
    path = settings.script_path if exists else ""
    described = [] if path else _objects(observed)
    looked_at, unlooked = _looked_at(settings, observed, told=bool(path or described), signs_in=signs_in)
    # One session is enough: where the user's own tasks run, what was there before is seen by the plan.
    again = looked_at if chosen == "own" and run and not stated and not check_mode else ""
    # What a run has seen that was killed behind the deletion is lost with it, until the journal has it.
    first = observed.exists or observed.progress.get("state") == "none"
    tries = observed.to_run and first and chosen in PLATFORMS and not stated
    return Decision(
        executor=chosen,
        preflight=chosen if tries else "" if again else looked_at,
        way="preflight" if tries else "look",
        look_again=again,
        after=bool(again) or observed.finished or stated,
        unlooked=unlooked,
        optional=not tries and not settings.looks_again and not observed.is_back,
        hosts=hosts(settings, observed),
        look=path,
        objects=described,
        plan=observed.exists and not settings.confirmed,
        delete=go and observed.exists,
        script_path=settings.script_path if observed.has_script else "",
        script_sha256=observed.script.get("sha256", ""),
        run=("record" if stated or (chosen == "own" and not exists) else chosen) if run else "",
        skip=statements.skip(settings, observed.script),
        leave_script=settings.script_in_artifact and observed.has_script and exists,
    )


def _looked_at(settings: Settings, observed: Observed, *, told: bool, signs_in: bool) -> tuple[str, str]:
    """The platform to check if somebody else runs the script, or why it is not checked. Empty if there is nothing to check."""
    script, chosen = observed.script, executor(settings, observed)
    # Nobody has to see beforehand that the sign-in works.
    asked = settings.looks_again or observed.is_back
    # Of what was handed over nothing is news; what the user's own tasks have done is looked at.
    others = chosen in ("handoff", "own") and (observed.exists or (chosen == "own" and settings.confirmed))
    if not ((observed.to_run and (settings.script_executed or others)) or (observed.finished and asked)):
        return "", ""
    obstacles = {
        "immuta_deregister_verify is never": settings.verify == "never" and not asked,
        "this collection can't check this platform": script.get("dialect") not in PLATFORMS,
        "the script can't be split into statements": script.get("split_error"),
        dropped.UNSAVED: not told,
        "its host is not known (set immuta_deregister_platform_host)": not (asked or hosts(settings, observed)),
        HOW_TO_LOOK: not (asked or signs_in),
    }
    why = next((reason for reason, applies in obstacles.items() if applies), "")
    return ("", why) if why else (script["dialect"], "")


def _back(settings: Settings, observed: Observed) -> list[str]:
    """Why a connection that is back can't be deleted: nobody can check what the platform has of it."""
    if not observed.is_back or (observed.script.get("dialect") in PLATFORMS and hosts(settings, observed)):
        return []
    return [BACK.format(settings=settings)]


def _objects(observed: Observed) -> list[dict[str, str]]:
    dialect = observed.script.get("dialect") or ""
    return dropped.objects(observed.script.get("statements") or (), dialect) if dialect in PLATFORMS else []


def obstacles(settings: Settings, observed: Observed) -> list[str]:
    """The reasons why the removal can't be finished and nothing may be deleted; empty if there are none."""
    script = observed.script
    if observed.lost_script:
        return _lost(settings, observed)
    found = _short_lived(settings, observed)
    if not observed.to_run:
        return [*found, *_set_up_since(settings, observed), *_back(settings, observed)]
    if settings.script_executed:
        return [*found, STILL_THERE] if observed.exists else found
    if observed.regenerated and settings.confirmed and settings.accept_regenerated != settings.connection_key:
        found.append(NOT_ACCEPTED.format(settings=settings, sha256=script["sha256"]))
    chosen = executor(settings, observed)
    found += [*_needed(settings, observed), *_whole(settings, observed)]
    if chosen not in ("own", "handoff", script.get("dialect")):
        found.append(
            f'The executor "{settings.executor}" does not run scripts of the technology {script.get("technology")}. Set'
            " immuta_deregister_executor to handoff or to a task file of your own."
        )
    if chosen in PLATFORMS and not hosts(settings, observed):
        found.append(
            f'It is not known where the clean-up script of "{settings.connection_key}" has to run: neither'
            " Immuta nor the saved script names a host. Set immuta_deregister_platform_host to the host of the"
            " platform."
        )
    return [*found, *_unsplit(settings, observed)]


def _needed(settings: Settings, observed: Observed) -> list[str]:
    """Why the script may not run as it is: others would lose what they need."""
    rows = statements.needed(settings, observed.script)
    # Whoever looks at the plan of one connection sees it there.
    if not rows or not (settings.confirmed or settings.plan_only):
        return []
    started = bool(observed.progress.get("done"))
    changed = (
        "A part of the script has run already; the rest was not run." if started else "Nothing was deleted or dropped."
    )
    return [
        f"The clean-up script {settings.script_path} takes away what others on the platform need: {statements.by_need(rows)}."
        f" {changed} To leave these statements out, {statements.LEAVE}, and rerun. If the others are not needed, take them out of"
        " service in Immuta first. If they are certainly on another account or metastore, set immuta_deregister_same_place to accept."
    ]


def _whole(settings: Settings, observed: Observed) -> list[str]:
    """Why a task file of the user's may not run the script: it runs all of it."""
    out = statements.left_out(settings, observed.script)
    if executor(settings, observed) != "own" or not out:
        return []
    return [
        f"The task file {settings.executor} runs the whole script {settings.script_path}, and these statements are to be left out:"
        f" {statements.listed(out)}. Set immuta_deregister_executor to the platform, whose executor leaves statements out, or to"
        " handoff, which tells a person to."
    ]


def not_created(settings: Settings, observed: Observed, by: t.Mapping[str, t.Any]) -> list[str]:
    """Why the script may not run for a role that takes back what it has created; empty if it may, or for any other.

    :param by: of that role: C(objects) that were created, what else is C(accepted), and the C(option) that accepts it; else empty
    """
    if not by or not observed.to_run:
        return []
    run = statements.to_run(settings, observed.script)
    found = dropped.foreign(run, observed.script.get("dialect") or "", by["objects"])
    if not (left := [name for name in found if name not in by["accepted"]]):
        return []
    return [
        f"The clean-up script {settings.script_path} drops objects by name, and these are not among what the set-up script of this"
        f" registration has created: {', '.join(left)}. They may belong to another team. Nothing was deleted or dropped. Find out"
        f' whose they are. If they may be dropped, name each in {by["option"]}, for example ["{left[0]}"], and rerun.'
    ]


def not_granted(settings: Settings, observed: Observed) -> list[str]:
    """Why the script may not run for a role that takes back what it has granted; empty if it may, or for any other.

    Only what the look at the platform has found is refused. Of policies, none is there before a connection is registered.
    """
    by = observed.created
    if by.get("grants") is None or not observed.to_run:
        return []
    granted = {_of_grant(name) for name in by["grants"]}
    # What is dropped loses its grants anyway.
    own = {*by["accepted"], *(f"{one['kind']} {one['name']}" for one in by["made"])}
    found = [
        f"{row['kind']} {row['name']}"
        for row in observed.tried.get("objects") or ()
        if row["dropped"] and row["present"] and row["type"] != "object"
        if row["type"] == "policy" or not (_of_grant(row["name"]) in granted or own & {*row["name"].split(" TO ")})
    ]
    if not (left := [name for name in found if name not in by["accepted"]]):
        return []
    return [
        f"The clean-up script {settings.script_path} takes away what is on the platform, and this registration has not made:"
        f" {', '.join(left)}. Another connection may need it. Nothing was deleted or dropped. Find out whose it is. To"
        f" leave it, leave out its statements with immuta_deregister_skip. If it may be taken away, name each in {by['option']}, for"
        f' example ["{left[0]}"]. Then rerun.'
    ]


def _of_grant(name: str) -> str:
    """What a grant is on, and whose it is; not the privilege, of which a script may take away all. Names may differ in case."""
    return (name.partition(" ON ")[2] or name).lower()


def code(settings: Settings, observed: Observed) -> str:
    """The error code of what C(obstacles) finds, from which follows what helps."""
    if observed.lost_script:
        return "script_lost"
    if not observed.to_run or settings.script_executed:
        return "refused"
    if _unsplit(settings, observed):
        return "split_error"
    return "integration_shared" if _needed(settings, observed) else "refused"


def _unsplit(settings: Settings, observed: Observed) -> list[str]:
    """Why the executor can't run the script statement by statement; empty if it can."""
    chosen, error = executor(settings, observed), observed.script.get("split_error")
    if chosen not in PLATFORMS or not error:
        return []
    return [unsplit("clean-up", settings.script_path, chosen, error, PREFIX)]


def unsplit(kind: str, path: str, platform: str, error: t.Mapping[str, t.Any], prefix: str) -> str:
    """Say that a platform's executor can't run a script, and what to do.

    :param prefix: of the role's variables
    """
    return (
        f"The {kind} script at {path} can't be split into statements that {platform} runs: {error['message']} Set {prefix}executor"
        f" to handoff to have a person run it, and {prefix}script_executed when it has been run."
    )


def _set_up_since(settings: Settings, observed: Observed) -> list[str]:
    """The reason why a script that was finished says nothing about the platform any more."""
    since = observed.script.get("set_up_since")
    if not since:
        return []
    return [
        f"The clean-up script at {settings.script_path} has run to its end, but the set-up script {since['path']} has run"
        f" since ({since['done']} of {since['total']} statements), so what was removed is there again. Rerun the registration,"
        " or take it back with the role register_connection and immuta_register_state=undone. If that stops here, too, remove"
        f" {settings.script_path} with the module immuta_cleanup_script and state=absent first."
    ]


def _lost(settings: Settings, observed: Observed) -> list[str]:
    """The reasons why a run without a script must end."""
    message = observed.script["msg"].replace(" is at path.", f" is at {settings.script_path}.")
    if settings.approved_script:
        return [
            f"The approved plan has a clean-up script (sha256 {settings.approved_script}), which is missing now:"
            f" {message}"
        ]
    if observed.exists:
        return [message]
    if settings.missing_script == "warn" or settings.approved_without_script:
        return []
    if observed.failure.get("similar_keys"):
        return [f"Not found: {message}"]
    return [
        f"Not found: {message} If it was removed before, and its technology has no clean-up script, set"
        " immuta_deregister_missing_script to warn."
    ]


def _short_lived(settings: Settings, observed: Observed) -> list[str]:
    """An error if the script would be lost with the container or the job, unless the connection is gone already."""
    durability = observed.script.get("durability") or {}
    kept = settings.script_in_artifact and (settings.restore or not settings.confirmed)
    if not observed.exists or durability.get("lasting") != "dies" or kept or settings.script_durable:
        return []
    return [
        f"The script at {settings.script_path} on {settings.keeper} would not outlive this run: {durability['why']}."
        " After the deletion, the script can't be requested again. Set immuta_deregister_script_dir to a folder"
        " that lasts (in a container, a mounted one), or immuta_deregister_script_host to a host that keeps it. If"
        " the path does last, set immuta_deregister_script_durable. If scripts hold no secrets, set"
        " immuta_deregister_script_in_artifact in the plan's job and in this one."
    ]
