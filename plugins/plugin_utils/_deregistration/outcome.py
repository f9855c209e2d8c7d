# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules' results, what follows from them, and the outcome of the run. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import dropped, looks, marked, statements
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS, Settings

Answer = dict[str, t.Any]


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
        """The failure that explains why there is no script."""
        return self.script.get("failure") or {}

    @property
    def has_script(self) -> bool:
        """Whether there is a script, saved or (in check mode) to be saved."""
        return "sha256" in self.script

    @property
    def regenerated(self) -> bool:
        """Whether Immuta has rendered the script from a configuration, now or when it was saved."""
        return self.script.get("source") == "regenerated"

    @property
    def no_script(self) -> bool:
        """Whether the technology has no clean-up script."""
        return self.failure.get("code") == "no_cleanup_script"

    @property
    def empty_script(self) -> bool:
        """Whether the script has no statements, which was accepted, so there is nothing to run."""
        return bool(self.script.get("empty")) and not self.finished

    @property
    def left_on_platform(self) -> str:
        """What is left on the platform because no script removes it, as part of a sentence; or ""."""
        return self.failure.get("left_on_platform") or ", ".join(self.not_dropped)

    @property
    def not_dropped(self) -> list[str]:
        """What was created by the role that takes it back, and the script does not drop."""
        rows = self.script.get("statements") or ()
        made = self.created.get("made") or ()
        out = {one["statement"] for one in self.decision.get("skip") or ()}
        out |= {one["index"] for one in self.progress.get("skipped") or ()}
        run = [row for row in rows if row["index"] not in out]
        return dropped.left(run, self.script.get("dialect") or "", made) if rows else []

    @property
    def lost_script(self) -> bool:
        """Whether the script is neither in Immuta nor in a file."""
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
        """The script that is on the disk although the task failed."""
        return self.failure.get("saved") or {}

    @property
    def kept(self) -> bool:
        """Whether the script is on the disk."""
        return bool(self.saved) or (self.has_script and bool(self.script.get("exists")))

    @property
    def set_aside(self) -> bool:
        """Whether the finished script of a former connection was set aside, or would be, for this one's."""
        return bool(self.script.get("kept_finished"))

    @property
    def progress(self) -> Answer:
        """The journal's content at the start of the run: C(state), C(done), C(total)."""
        return (self.script if self.has_script else self.saved).get("execution") or {}

    @property
    def finished(self) -> bool:
        """Whether the script had run to its end before this run."""
        return self.has_script and self.progress.get("state") == "finished"

    @property
    def is_back(self) -> bool:
        """Whether the connection exists although its script has run: what was seen then proves nothing any more."""
        return self.exists and self.finished

    @property
    def to_run(self) -> bool:
        """Whether statements remain to be run."""
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
        """The statements as this run saw them, with the plan's marks. Those that ran before a pause ran in this run, too."""
        return marked.statements(self.paused, self.ran, self.script.get("statements") or [])

    @property
    def counts(self) -> tuple[int, int]:
        """How many statements have run, and how many there are; zeros if neither platform nor journal says."""
        return marked.counts(self.statements, self.progress, self.script.get("statements") or [])

    @property
    def all_ran(self) -> bool:
        """Whether the platform has answered every statement in this run or before."""
        done, total = self.counts
        return "objects" in self.ran or (total > 0 and done == total)

    @property
    def answered(self) -> bool:
        """Whether the journal accounts for every statement. If not, its end was only stated."""
        return marked.answered(self.progress)

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
    def created(self) -> Answer:
        """What a role that takes back what it has created says of that; empty for any other."""
        return self.decided.get("created") or {}

    @property
    def saw_after(self) -> bool:
        """Whether this run has looked at the platform after the script ran."""
        looked = self.tried if self.looked_after else self.ran
        return looked.get("objects") is not None

    @property
    def looked(self) -> bool:
        """Whether this run has looked at the platform at all."""
        return any(one.get("objects") is not None for one in (self.tried, self.ran))

    @property
    def looked_after(self) -> bool:
        """Whether C(tried) is a check after the script ran or is stated to have run."""
        return self.finished or bool(self.decision.get("after"))

    @property
    def not_looked(self) -> str:
        """Why nobody checked the platform, if the run continues without that; or ""."""
        optional = bool(self.tried.get("msg")) and "session" not in self.tried and not self.tried.get("failed")
        return str(self.tried["msg"]) if optional else self.decision.get("unlooked") or ""

    def wait(self, stage: str) -> bool:
        """Whether a stage was skipped, as opposed to not reached."""
        return bool(getattr(self, stage).get("skipped"))


def executor(settings: Settings, observed: Observed) -> str:
    """The executor of the script."""
    if settings.own_tasks:
        return "own"
    if settings.executor != "auto":
        return settings.executor
    dialect = observed.script.get("dialect") or ""
    return dialect if dialect in PLATFORMS else "none"


def hosts(settings: Settings, observed: Observed) -> list[str]:
    """The hosts where the script has to run: those that Immuta names, and the user's where these can't be compared."""
    named = [*(observed.script.get("platform_hosts") or ()), settings.platform_host]
    return list(dict.fromkeys(host for host in named if host))


def objects(observed: Observed) -> list[Answer] | None:
    """What the script removes, as found before the deletion and after the script ran; None if nobody checked.

    The journal has what earlier runs have found, unless the connection is there again.
    """
    known = {} if observed.is_back else observed.progress
    nothing: Answer = {}
    now, ran = observed.tried, observed.ran
    before, after = (nothing, now) if observed.looked_after else (now, ran)
    after = after if after.get("objects") is not None else known.get("after") or nothing
    if after.get("objects") is not None and before.get("objects") is None:
        before = known.get("before") or nothing
    sessions = (before.get("session"), after.get("session"))
    found = looks.rows(before.get("objects"), after.get("objects"), sessions)
    never = {(one["kind"], one["name"]) for one in observed.created.get("never") or ()}
    return found and [row for row in found if row["present"] or row["after"] or (row["kind"], row["name"]) not in never]


def status(settings: Settings, observed: Observed) -> str:
    """The outcome of a run that has not failed. It is taken from results only, never from intentions."""
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
        "approver": settings.approver or None,
        "skip": statements.skip(settings, script),
        "executor": executor(settings, observed) if observed.to_run else None,
        "task_file": settings.task_file if observed.to_run else None,
        "technology": observed.technology,
        "integration_id": script.get("integration_id"),
        "platform_hosts": hosts(settings, observed),
        "integration_config": script.get("integration_config") or observed.failure.get("integration_config") or None,
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
            "statements": observed.statements or script.get("statements") or [],
        },
        "report": None if check_mode or not settings.report_dir else settings.report.paths(),
    }
