# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of the modules, and the outcome of the run."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import marked
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import Settings

Answer = dict[str, t.Any]
UNCONFIRMED = ("confirmation_required", "confirmation_mismatch")


@dataclasses.dataclass(frozen=True)
class Found:
    """What every run looks for first.

    :ivar found: the connection, before anything was done; empty if the task did not run
    """

    found: Answer = dataclasses.field(default_factory=dict)

    @property
    def tenant(self) -> str | None:
        """The tenant's URL."""
        found = self.found.get("tenant", (self.found.get("failure") or {}).get("tenant"))
        return str(found) if found else None


@dataclasses.dataclass(frozen=True)
class Observed(Found):
    """The modules' results so far; each is empty if its task did not run.

    :ivar script: the set-up script, as it was saved, or is to be saved
    :ivar compared: how a connection that exists differs from its description, and what an edit would change
    :ivar tried: the sign-in to the platform before the script runs
    :ivar paused: what the executor returned before each pause
    :ivar ran: what it returned last
    :ivar recorded: that a person has run the script
    :ivar registered: the registration
    :ivar removed: the script, once it is not needed any more
    :ivar former: what is saved: the set-up script's journal, and the clean-up script of a registration that was taken back
    :ivar forgotten: that one, once it is not needed any more
    """

    script: Answer = dataclasses.field(default_factory=dict)
    decided: Answer = dataclasses.field(default_factory=dict)
    tried: Answer = dataclasses.field(default_factory=dict)
    shown: Answer = dataclasses.field(default_factory=dict)
    paused: list[Answer] = dataclasses.field(default_factory=list)
    ran: Answer = dataclasses.field(default_factory=dict)
    recorded: Answer = dataclasses.field(default_factory=dict)
    registered: Answer = dataclasses.field(default_factory=dict)
    removed: Answer = dataclasses.field(default_factory=dict)
    former: Answer = dataclasses.field(default_factory=dict)
    forgotten: Answer = dataclasses.field(default_factory=dict)
    compared: Answer = dataclasses.field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether the connection was there before."""
        return bool(self.found.get("connections"))

    @property
    def connection(self) -> Answer:
        """The connection, as it was before; empty if it was not there."""
        return next(iter(self.found.get("connections") or ()), {})

    @property
    def edits(self) -> list[Answer]:
        """The steps that would edit a connection that exists; none if it is as described, or does not exist."""
        return list((self.compared.get("plan") or {}).get("steps") or ())

    @property
    def told(self) -> Answer:
        """What the module that registers has told last: what it refuses to edit is still as it was compared."""
        return {**self.compared, **(self.registered if "timing" in self.registered else {})}

    @property
    def unconfirmed(self) -> bool:
        """Whether the registration or the edit was refused, unsent, because nobody has confirmed it."""
        return (self.registered.get("failure") or {}).get("code") in UNCONFIRMED

    @property
    def read_again(self) -> bool:
        """Whether the connection was read again, until Immuta described it, after something was sent."""
        answer = self.registered
        return bool(answer.get("changed")) and (not answer.get("failed") or bool(answer.get("registered")))

    @property
    def sent(self) -> bool:
        """Whether the module that registers has answered."""
        return "timing" in self.told

    @property
    def has_script(self) -> bool:
        """Whether there is a set-up script, saved or (in check mode) to be saved."""
        return "sha256" in self.script

    @property
    def kept(self) -> bool:
        """Whether the script is on the disk."""
        return self.has_script and bool(self.script.get("exists"))

    def of_existing(self, path: str) -> Answer:
        """The set-up script of a connection that exists, as it was found on the disk; empty if there is none."""
        return saved_at(self.former.get("setup_scripts"), path) if self.exists else {}

    def unfinished(self, path: str) -> bool:
        """Whether such a script has not run to its end: another run may have registered the connection since it was saved."""
        return self.of_existing(path).get("state") in ("none", "partial")

    def still_kept(self, path: str) -> bool:
        """Whether such a script is still on the disk, where it is not needed any more."""
        return bool(self.of_existing(path)) and not self.removed.get("changed")

    @property
    def progress(self) -> Answer:
        """The journal's content at the start of the run: C(state), C(done), C(total)."""
        return self.script.get("execution") or {}

    @property
    def finished(self) -> bool:
        """Whether the script had run to its end before this run."""
        return self.progress.get("state") == "finished"

    @property
    def left(self) -> bool:
        """Whether the script of an earlier registration is there, and the connection is not."""
        return self.finished and not self.exists

    @property
    def missing(self) -> list[Answer]:
        """The objects that were not there, or not visible, before the script ran."""
        return [row for row in self.tried.get("objects") or () if row["present"] is False]

    @property
    def outdated(self) -> bool:
        """Whether the script has run for a former connection: what it created is not there any more, or not visible."""
        return self.left and bool(self.missing)

    @property
    def starts_over(self) -> bool:
        """Whether it was seen that nothing of the script has run for this connection before this run."""
        return self.has_script and not self.exists and (self.outdated or self.progress.get("state") == "none")

    @property
    def to_run(self) -> bool:
        """Whether statements remain to be run."""
        return self.has_script and not self.finished

    @property
    def script_ran(self) -> bool:
        """Whether the script has run to its end."""
        journal = (self.ran.get("journal") or {}).get("state")
        before = self.finished and not self.outdated
        return before or "finished" in (journal, (self.recorded.get("execution") or {}).get("state"))

    @property
    def stated(self) -> bool:
        """Whether the script counts as run because a person says so."""
        said = (self.recorded.get("execution") or {}).get("state") == "finished"
        return said or (self.finished and not self.outdated and not marked.answered(self.progress))

    @property
    def statements(self) -> list[Answer]:
        """The statements as this run saw them. Those that ran before a pause ran in this run, too."""
        return marked.statements(self.paused, self.ran, self.script.get("statements") or [])

    @property
    def counts(self) -> tuple[int, int]:
        """How many statements have run, and how many there are."""
        progress = {**self.progress, "done": 0} if self.outdated else self.progress
        return marked.counts(self.statements, progress, self.script.get("statements") or [])

    def clean_up(self, settings: Settings) -> Answer:
        """What is kept at the path with which a registration is taken back, with its C(state); empty if there is nothing.

        The script of another connection, or of another tenant, is none of this one's.
        """
        kept = {} if not self.has_script else saved_at(self.former.get("scripts"), settings.undo_path)
        key, tenant = kept.get("connection_key"), kept.get("tenant")
        elsewhere = bool(tenant and self.tenant) and _address.normal(tenant or "") != _address.normal(self.tenant or "")
        return {} if elsewhere or key not in (None, settings.connection_key) else kept

    @property
    def objects(self) -> list[Answer] | None:
        """What the script creates, as it was found before (C(present)) and after (C(after)); None if nobody checked."""
        before, after = self.tried.get("objects"), self.ran.get("objects")
        if before is None and after is None:
            return None
        seen = {(row["kind"], row["name"]): row for row in after or ()}
        rows = before if before is not None else [{**row, "present": None} for row in seen.values()]
        return [{**row, **_after(seen.get((row["kind"], row["name"])))} for row in rows]

    @property
    def exists_now(self) -> bool | None:
        """Whether the connection is there; None if that is not known."""
        if self.registered and not self.registered.get("skipped"):
            told = self.registered.get("registered")
            # One that another run has registered is there, too.
            there = self.exists or told or self.registered.get("connection")
            return True if there else None if told is None else False
        return self.exists if "connections" in self.found else None


def saved_at(scripts: t.Iterable[Answer] | None, path: str) -> Answer:
    """The script at a path, as the module C(saved_scripts_info) returns it; empty if there is none."""
    # The module has expanded the folder.
    name = os.path.basename(path)
    return next((one for one in scripts or () if os.path.basename(one["path"]) == name), {})


def _after(row: Answer | None) -> Answer:
    return {
        f"after{name}": (row or {}).get(of)
        for name, of in (("", "present"), ("_how", "how"), ("_query_id", "query_id"))
    }


def status(observed: Observed, *, check_mode: bool) -> str:
    """The outcome of a run that has not failed. It is taken from results only, never from intentions."""
    if check_mode or not observed.sent:
        decision = observed.decided.get("decision") or {}
        return "handed_off" if decision.get("run") == "handoff" and not check_mode else "planned"
    if observed.exists:
        return "updated" if observed.registered.get("changed") else "already_registered"
    # Only the module knows whether this run has registered it: its answer may have been lost, and another run may have been faster.
    told = observed.told.get("registered")
    return "found_registered" if told is None else "registered" if told else "already_registered"


def result(settings: Settings, observed: Observed, *, check_mode: bool) -> dict[str, t.Any]:
    """The variable C(immuta_register_result)."""
    done, total = observed.counts
    told = observed.told
    return {
        "status": status(observed, check_mode=check_mode),
        "connection_key": settings.connection_key,
        "connection_exists": observed.exists_now,
        "tenant": observed.tenant,
        "verified": bool(told.get("verified")),
        "script_executed": observed.script_ran,
        "stated": observed.stated,
        "executor": settings.executor,
        "platform_hosts": settings.hosts,
        "session": observed.ran.get("session") or observed.tried.get("session") or None,
        "objects": observed.objects,
        **{name: told.get(name) for name in ("plan", "integration", "validation", "reason")},
        **{name: told.get(name) or [] for name in ("differing", "differences", "not_compared")},
        "report": None if check_mode or not settings.report_dir else settings.report.paths(),
        "script": {
            "path": settings.script_path if observed.has_script else None,
            "sha256": observed.script.get("sha256"),
            "kept": observed.still_kept(settings.script_path)
            or (observed.kept and not observed.removed.get("changed")),
            "removed": bool(observed.removed.get("changed")),
            "done": done,
            "total": total,
            "statements": observed.statements or observed.script.get("statements") or [],
        },
    }
