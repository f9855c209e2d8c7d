# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules have answered, what follows from it, and what came of the run. Nothing here asks anyone."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import looks, marked
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS, Settings

Answer = dict[str, t.Any]
RUN = ("done", "skipped", "replayed")
HOW_TO_LOOK = (
    "it is not seen that the modules can sign in to the platform; immuta_deregister_verify=always has them try"
)
STILL_THERE = (
    "immuta_deregister_script_executed is set, but the connection still exists: a script that was run before the deletion may"
    " not be the one that it leaves. Remove the variable, and rerun; with immuta_deregister_executor=handoff a person runs the"
    " script after the deletion."
)


@dataclasses.dataclass(frozen=True)
class Observed:
    """The results of the role's module tasks, as registered; empty for a task that was not reached.

    :ivar script: of C(immuta_cleanup_script)
    :ivar decided: of the stage C(decide)
    :ivar tried: of the platform's module, with O(preflight=true), or of the one that only looks
    :ivar planned: of C(immuta_connection), in check mode
    :ivar shown: of the stage C(plan)
    :ivar deleted: of C(immuta_connection)
    :ivar paused: of the platform's module, each time that it has paused
    :ivar ran: of the platform's module, the last time
    :ivar recorded: of C(immuta_cleanup_script) with O(state=executed)
    :ivar left: of the stage C(left)
    :ivar own: of the task of the user's that has failed
    :ivar handed_at: when a task file of the user's was started, in UTC, or ""
    """

    script: Answer = dataclasses.field(default_factory=dict)
    tried: Answer = dataclasses.field(default_factory=dict)
    planned: Answer = dataclasses.field(default_factory=dict)
    deleted: Answer = dataclasses.field(default_factory=dict)
    paused: list[Answer] = dataclasses.field(default_factory=list)
    ran: Answer = dataclasses.field(default_factory=dict)
    recorded: Answer = dataclasses.field(default_factory=dict)
    handed_at: str = ""
    decided: Answer = dataclasses.field(default_factory=dict)
    shown: Answer = dataclasses.field(default_factory=dict)
    own: Answer = dataclasses.field(default_factory=dict)
    left: Answer = dataclasses.field(default_factory=dict)

    @property
    def failure(self) -> Answer:
        """Why the script could not be had, for programs."""
        return self.script.get("failure") or {}

    @property
    def has_script(self) -> bool:
        """Whether there is a script, saved or (in check mode) to be saved."""
        return "sha256" in self.script

    @property
    def no_script(self) -> bool:
        """Whether the technology has none."""
        return self.failure.get("code") == "no_cleanup_script"

    @property
    def empty_script(self) -> bool:
        """Whether it holds no statement, which was accepted, so that there is nothing to run."""
        return bool(self.script.get("empty")) and not self.finished

    @property
    def left_on_platform(self) -> str:
        """What may be left on the platform because there is no script, as part of a sentence; or ""."""
        return self.failure.get("left_on_platform") or ""

    @property
    def lost_script(self) -> bool:
        """Whether neither Immuta nor a file has it."""
        return self.failure.get("code") == "script_lost"

    @property
    def exists(self) -> bool:
        """Whether the connection was there at first."""
        asked = self.script.get("connection_exists", self.failure.get("connection_exists"))
        return self.no_script or bool(asked)

    @property
    def exists_now(self) -> bool | None:
        """Whether the connection is there; None if that was not asked, or the answer to the deletion is missing."""
        if self.gone:
            return False
        # In check mode a deletion is answered, and nothing is deleted.
        looked = (
            "timing" in self.deleted and not self.deleted.get("failed") and self.deleted.get("deleted_objects") is None
        )
        untouched = not self.deleted or self.wait("deleted") or looked
        return True if self.exists and untouched else None

    @property
    def saved(self) -> Answer:
        """What stands on the disk although the task has failed."""
        return self.failure.get("saved") or {}

    @property
    def kept(self) -> bool:
        """Whether the script is on the disk."""
        return bool(self.saved) or (self.has_script and bool(self.script.get("exists")))

    @property
    def progress(self) -> Answer:
        """What the journal said at first: C(state), C(done), C(total)."""
        return (self.script if self.has_script else self.saved).get("execution") or {}

    @property
    def finished(self) -> bool:
        """Whether the script had run to its end before this run."""
        return self.has_script and self.progress.get("state") == "finished"

    @property
    def to_run(self) -> bool:
        """Whether statements remain to be run, by whomever."""
        return self.has_script and not self.finished and not self.empty_script

    @property
    def to_do(self) -> bool:
        """Whether anything remains to be done."""
        return self.exists or self.to_run

    @property
    def gone(self) -> bool:
        """Whether it was seen that the connection does not exist."""
        return (
            bool(self.deleted.get("verified"))
            or self.script.get("connection_exists") is False
            or (self.lost_script and not self.exists)
        )

    @property
    def script_ran(self) -> bool:
        """Whether it was seen that the script has run to its end, or that there is nothing to run."""
        states = (
            self.progress.get("state"),
            (self.ran.get("journal") or {}).get("state"),
            (self.recorded.get("execution") or {}).get("state"),
        )
        return self.no_script or self.empty_script or "finished" in states

    @property
    def technology(self) -> str | None:
        """The connection's technology, in Immuta's words."""
        return self.script.get("technology", self.failure.get("technology"))

    @property
    def tenant(self) -> str | None:
        """The tenant's URL."""
        return self.script.get("tenant", self.failure.get("tenant"))

    @property
    def statements(self) -> list[Answer]:
        """What this run has seen of each statement. What ran before a pause was run by this run, too."""
        mine = {row["index"] for result in self.paused for row in _rows(result) if row["status"] == "done"}
        return [{**row, "status": "done"} if row["index"] in mine else row for row in _rows(self.ran)]

    @property
    def counts(self) -> tuple[int, int]:
        """How many statements have run, and how many there are; zeros if neither platform nor journal says."""
        if rows := [row for row in self.statements if "status" in row]:
            return sum(row["status"] in RUN for row in rows), len(rows)
        return self.progress.get("done") or 0, self.progress.get("total") or len(self.script.get("statements") or ())

    @property
    def answered(self) -> bool:
        """Whether the journal accounts for every statement. If not, it was finished on somebody's word."""
        progress = self.progress
        return (progress.get("done") or 0) + len(progress.get("skipped") or ()) == progress.get("total")

    @property
    def stated(self) -> bool:
        """Whether the script counts as run because a person, or a task file of the user's, says so."""
        said = (self.recorded.get("execution") or {}).get("state") == "finished"
        return said or (self.finished and not self.answered)

    @property
    def decision(self) -> Answer:
        """What the stage C(decide) has decided, or nothing."""
        return self.decided.get("decision") or {}

    @property
    def looked_after(self) -> bool:
        """Whether C(tried) is of a look after the script has run, or is said to have."""
        return self.finished or bool(self.decision.get("after"))

    @property
    def not_looked(self) -> str:
        """Why nobody looked on the platform, where the run goes on without that; or ""."""
        optional = bool(self.tried.get("msg")) and "session" not in self.tried and not self.tried.get("failed")
        return str(self.tried["msg"]) if optional else self.decision.get("unlooked") or ""

    def wait(self, stage: str) -> bool:
        """Whether a stage was skipped, as opposed to not reached."""
        return bool(getattr(self, stage).get("skipped"))


def _rows(result: Answer) -> list[Answer]:
    return result.get("statements") or []


@dataclasses.dataclass(frozen=True)
class Decision:
    """What is to be done, decided when the script is saved and before anything is deleted. JSON types only.

    :ivar executor: C(snowflake), C(databricks), C(handoff), C(own), or C(none)
    :ivar preflight: the platform to sign in to before the plan is shown, or ""
    :ivar way: the folder of the tasks that do so: C(preflight), with the module that runs the script, or C(look)
    :ivar look_again: the platform to look at when a task file of the user's has ended, or ""
    :ivar after: whether the look is one after the script has run, or is said to have
    :ivar unlooked: why nobody looks where somebody else runs the script, or has, or ""
    :ivar optional: whether the run goes on when nobody can look
    :ivar hosts: of the platform, where the script has to be run
    :ivar look: the script whose objects to look for on the platform before the deletion, or "" if it is not on the disk
    :ivar plan: whether to ask for the plan of the deletion without deleting
    :ivar delete: whether to delete the connection
    :ivar script_path: where the script has to be at the moment of the deletion, or "" when there is none
    :ivar script_sha256: its digest then, or ""
    :ivar run: the task file in C(executors) that deals with the script, or ""
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
    plan: bool
    delete: bool
    script_path: str
    script_sha256: str
    run: str
    leave_script: bool


def executor(settings: Settings, observed: Observed) -> str:
    """What runs the script."""
    if settings.own_tasks:
        return "own"
    if settings.executor != "auto":
        return settings.executor
    dialect = observed.script.get("dialect") or ""
    return dialect if dialect in PLATFORMS else "none"


def hosts(settings: Settings, observed: Observed) -> list[str]:
    """Where the script has to be run: what Immuta says, and what a person says where Immuta's word can't be compared."""
    named = [*(observed.script.get("platform_hosts") or ()), settings.platform_host]
    return list(dict.fromkeys(host for host in named if host))


def decide(settings: Settings, observed: Observed, signs_in: bool = False, *, check_mode: bool = False) -> Decision:
    """Decide what is to be done.

    :param signs_in: whether it is seen that the modules have what a sign-in to the script's platform takes
    """
    chosen = executor(settings, observed)
    go = observed.to_do and settings.confirmed
    stated = settings.script_executed
    exists = bool(observed.script.get("exists"))
    # In check mode nothing is on the disk that could be handed over.
    run = go and observed.to_run and (stated or exists or chosen != "handoff")
    # In check mode, a script that has changed was not written.
    path = settings.script_path if exists and not (check_mode and observed.script.get("changed")) else ""
    looked_at, unlooked = _looked_at(settings, observed, path, signs_in=signs_in)
    # One session is enough: where the user's own tasks run, what was there before is seen by the plan.
    again = looked_at if chosen == "own" and run and not stated and not check_mode else ""
    tries = observed.to_run and observed.exists and chosen in PLATFORMS and not stated
    return Decision(
        executor=chosen,
        preflight=chosen if tries else "" if again else looked_at,
        way="preflight" if tries else "look",
        look_again=again,
        after=bool(again) or observed.finished or stated,
        unlooked=unlooked,
        optional=not tries and settings.verify != "always",
        hosts=hosts(settings, observed),
        look=path,
        plan=observed.exists and not settings.confirmed,
        delete=go and observed.exists,
        script_path=settings.script_path if observed.has_script else "",
        script_sha256=observed.script.get("sha256", ""),
        run=("record" if stated or (chosen == "own" and not exists) else chosen) if run else "",
        leave_script=settings.script_in_artifact and observed.has_script and exists,
    )


def _looked_at(settings: Settings, observed: Observed, path: str, *, signs_in: bool) -> tuple[str, str]:
    """The platform where what others remove is looked for, before or after; or why not. Empty if there is nothing to."""
    script, always = observed.script, settings.verify == "always"
    # Of what was handed over nothing is news; what the user's own tasks have done is looked at.
    chosen = executor(settings, observed)
    others = chosen in ("handoff", "own") and (observed.exists or (chosen == "own" and settings.confirmed))
    if not ((observed.to_run and (settings.script_executed or others)) or (observed.finished and always)):
        return "", ""
    obstacles = {
        "immuta_deregister_verify is never": settings.verify == "never",
        "the platform is none that this collection looks at": script.get("dialect") not in PLATFORMS,
        "the script can't be split into statements": script.get("split_error"),
        "the script is not on the disk yet": not path,
        "its host is not known (immuta_deregister_platform_host)": not (always or hosts(settings, observed)),
        HOW_TO_LOOK: not (always or signs_in),
    }
    why = next((reason for reason, applies in obstacles.items() if applies), "")
    return ("", why) if why else (script["dialect"], "")


def objects(observed: Observed) -> list[Answer] | None:
    """What the script removes, as it was found before the deletion and when it had run; None if nobody has looked."""
    before: list[Answer] | None = observed.tried.get("objects")
    after: list[Answer] | None = observed.ran.get("objects")
    return looks.rows(None, before) if observed.looked_after else looks.rows(before, after)


def obstacles(settings: Settings, observed: Observed) -> list[str]:
    """Why the removal can't be finished, so that nothing is deleted; empty when all is well."""
    script = observed.script
    if observed.lost_script:
        return _lost(settings, observed)
    found = _short_lived(settings, observed)
    if not observed.to_run:
        return found
    if settings.script_executed:
        return [*found, STILL_THERE] if observed.exists else found
    chosen = executor(settings, observed)
    if chosen not in ("own", "handoff", script.get("dialect")):
        found.append(
            f'No executor "{settings.executor}" runs the scripts of the technology {script.get("technology")}. Set'
            " immuta_deregister_executor to handoff or to a task file of your own."
        )
    if chosen in PLATFORMS and not hosts(settings, observed):
        found.append(
            f'On which platform the clean-up script of "{settings.connection_key}" has to be run is not known: neither'
            " Immuta nor the saved script names a host. Set immuta_deregister_platform_host to the host of the platform."
        )
    if chosen in PLATFORMS and script.get("split_error"):
        found.append(
            f"The clean-up script at {settings.script_path} can't be split into statements that"
            f" {chosen} runs: {script['split_error']['message']} Set immuta_deregister_executor to handoff to have a person run it,"
            " and immuta_deregister_script_executed when it has been run."
        )
    return found


def _lost(settings: Settings, observed: Observed) -> list[str]:
    """Why a run ends that finds no script."""
    message = observed.script["msg"].replace(" is at path.", f" is at {settings.script_path}.")
    if settings.approved_script:
        return [
            f"The plan that was approved has a clean-up script (sha256 {settings.approved_script}), and it is not there"
            f" any more: {message}"
        ]
    if observed.exists:
        return [message]
    if settings.missing_script == "warn" or settings.approved_without_script:
        return []
    return [
        f"Not found: {message} If it was removed before, and its technology has no clean-up script, set"
        " immuta_deregister_missing_script to warn."
    ]


def _short_lived(settings: Settings, observed: Observed) -> list[str]:
    """Why the script would be lost with the container or the job; after the deletion it is better there than nowhere."""
    durability = observed.script.get("durability") or {}
    kept = settings.script_in_artifact and (settings.restore or not settings.confirmed)
    if not observed.exists or durability.get("lasting") != "dies" or kept or settings.script_durable:
        return []
    return [
        f"The script at {settings.script_path} on {settings.keeper} would not outlive this run: {durability['why']}."
        " After the deletion the script can't be had again. Set immuta_deregister_script_dir to a folder that lasts (in a"
        " container, a mounted one), or immuta_deregister_script_host to a host that keeps it. If the path is kept, say so"
        " with immuta_deregister_script_durable. If scripts hold no secrets, set immuta_deregister_script_in_artifact in"
        " the plan's job and in this one."
    ]


def status(settings: Settings, observed: Observed) -> str:
    """What came of the run, unless it has failed. Nothing is taken from what was merely intended."""
    if observed.lost_script and not settings.approved_without_script:
        return "unknown"
    if not observed.to_do:
        return "already_done"
    if observed.gone and observed.script_ran:
        return "completed"
    if observed.gone and settings.confirmed and executor(settings, observed) == "handoff":
        return "handed_off"
    return "planned"


def result(settings: Settings, observed: Observed, *, check_mode: bool) -> dict[str, t.Any]:
    """The variable C(immuta_deregister_result)."""
    script = observed.script
    return {
        "status": status(settings, observed),
        "connection_key": settings.connection_key,
        "connection_gone": observed.gone,
        "connection_exists": observed.exists_now,
        "script_executed": observed.script_ran or (observed.lost_script and settings.approved_without_script),
        "stated": observed.stated,
        "tenant": observed.tenant,
        "session": observed.ran.get("session") or observed.tried.get("session") or None,
        "reason": settings.reason or None,
        "skip": [one for one in settings.skip if one["sha256"].lower() == script.get("sha256")],
        "executor": executor(settings, observed) if observed.to_run else None,
        "task_file": settings.task_file if observed.to_run else None,
        "technology": observed.technology,
        "integration_id": script.get("integration_id"),
        "platform_hosts": hosts(settings, observed),
        "objects": objects(observed),
        "not_looked": observed.not_looked or None,
        "immuta": looks.in_immuta(
            script, observed.deleted, settings.connection_key, existed=observed.exists, exists=observed.exists_now
        ),
        "integration": observed.deleted.get("integration"),
        "left_on_platform": observed.left_on_platform,
        "deleted_objects": observed.deleted.get("deleted_objects"),
        "plan": observed.deleted.get("plan", observed.planned.get("plan")),
        "script": {
            "path": settings.script_path if observed.has_script else None,
            "sha256": script.get("sha256"),
            "source": script.get("source"),
            "empty": observed.empty_script,
            "done": observed.counts[0],
            "total": observed.counts[1],
            "statements": marked.marked(observed.statements, script.get("statements") or []),
        },
        "report": None
        if check_mode or not settings.report_dir
        else {kind: f"{settings.report_dir}/{settings.file_name}.{kind}" for kind in ("json", "html")},
    }
