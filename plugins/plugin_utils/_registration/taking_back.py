# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run that takes a registration back: what it has seen, where it stopped, its result, and what is printed."""

from __future__ import annotations

import dataclasses

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.looks import ENDED
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import CHECK, ELSEWHERE, Stop
from ansible_collections.community.immuta.plugins.plugin_utils._registration import outcome, stops, texts
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Answer
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import Settings

# The tasks that answer, in their order, by the names that they have in the role; {} is the platform.
TASKS = {
    "found": "Look for the connection",
    "integrations": "List the integrations",
    "former": "Look for what is saved",
    "allowed": "Require that the connection is the one that is described",
    "tried": "Look on {} for what the set-up script creates",
    "whose": "Require that what is dropped was created by this registration",
    "removed": "Remove the set-up script",
}
REMOVAL = "Take the registration back"
# The outcome, by that of the removal; the others have the same name.
STATUSES = {"completed": "undone", "already_done": "already_undone"}
HEADLINES = {
    "undone": "TAKEN BACK",
    "already_undone": "ALREADY TAKEN BACK",
    "planned": "PLANNED, nothing was taken back",
    "handed_off": "HANDED OFF, the clean-up script is still to be run",
    "unknown": "NOT KNOWN whether anything is left of it",
}
RERUN = "rerun with immuta_register_state=undone and immuta_register_confirm"


@dataclasses.dataclass(frozen=True)
class Observed(outcome.Found):
    """The results so far; each is empty if its task did not run.

    :ivar former: what is saved
    :ivar allowed: that the connection is the one that is described
    :ivar tried: the look on the platform for what the set-up script creates
    :ivar whose: that what is dropped was created by this registration
    :ivar refused: the check of the variables of the removal
    :ivar removal: the result of the role deregister_connection
    :ivar removed: the set-up script, once it is not needed any more
    """

    integrations: Answer = dataclasses.field(default_factory=dict)
    former: Answer = dataclasses.field(default_factory=dict)
    allowed: Answer = dataclasses.field(default_factory=dict)
    tried: Answer = dataclasses.field(default_factory=dict)
    whose: Answer = dataclasses.field(default_factory=dict)
    refused: Answer = dataclasses.field(default_factory=dict)
    removal: Answer = dataclasses.field(default_factory=dict)
    removed: Answer = dataclasses.field(default_factory=dict)

    @property
    def existed(self) -> bool | None:
        """Whether the connection was there before; None if that is not known."""
        return bool(self.found["connections"]) if "connections" in self.found else None

    @property
    def exists(self) -> bool | None:
        """Whether the connection is there; None if that is not known."""
        return self.removal["connection_exists"] if self.removal else self.existed

    @property
    def ended(self) -> bool:
        """Whether the removal has come to its end."""
        return self.removal.get("status") in ENDED

    @property
    def left(self) -> str:
        """What the clean-up script does not drop, as part of a sentence, or ""."""
        return str(self.removal.get("left_on_platform") or "") if self.ended else ""

    @property
    def error(self) -> str:
        """The whole message of a removal that has stopped, or ""."""
        return str(self.removal["error"]) if self.removal.get("status") == "failed" else ""


def find(settings: Settings | None, observed: Observed, checked: Answer, *, check_mode: bool) -> Stop | None:
    """Find the task at which the run stopped; None if it came to its end.

    :param settings: None if they could not be read
    :param checked: what the stage of the checks has answered
    """
    if settings is None or checked.get("failed"):
        return Stop(CHECK, checked, shown=bool(checked.get("failed")))
    if stop := stops.first_broken(TASKS, settings, observed):
        return stop
    if observed.error:
        task = observed.removal["failed_task"]
        cause = observed.error.partition("\nDONE: ")[0].removeprefix(f'Stopped at "{task}": ')
        return Stop(task, {"msg": cause})
    if observed.refused.get("failed"):
        return Stop(CHECK, observed.refused)
    missing = _unfinished(settings, observed)
    return Stop(missing, {"msg": ELSEWHERE}, shown=False) if missing else None


def _unfinished(settings: Settings, observed: Observed) -> str | None:
    """The first task that was to run and has no result, although none has failed."""
    due = {
        **dict.fromkeys(("found", "integrations", "former"), "timing"),
        "allowed": "confirm",
        **({"tried": "timing"} if observed.allowed.get("look") else {}),
        "whose": "msg",
    }
    for name, answered in due.items():
        if answered not in getattr(observed, name):
            return stops.task(TASKS, name, settings)
    if not observed.removal:
        return REMOVAL
    due_last = observed.ended and settings.confirm and not observed.left and "timing" not in observed.removed
    return TASKS["removed"] if due_last else None


def ended(
    settings: Settings | None, observed: Observed, stop: Stop | None, *, check_mode: bool
) -> tuple[Answer, list[str]]:
    """The variable C(immuta_register_result), and the lines that say what came of the run.

    :param settings: None if they could not be read
    """
    found = _result(settings, observed, check_mode=check_mode) if settings else {}
    if stop is None:
        left = f", but this is left, which the clean-up script does not drop: {observed.left}" if observed.left else ""
        gone = ["The set-up script and its journal are removed."] if observed.removed.get("changed") else []
        return found, [f'Registration of "{found["connection_key"]}": {HEADLINES[found["status"]]}{left}', *gone]
    said = observed.error.split("\n") if observed.error else stopped(settings, observed, stop)
    # The removal has printed its own.
    return texts.failed(found, stop, said), [] if observed.error else said


def _result(settings: Settings, observed: Observed, *, check_mode: bool) -> Answer:
    status = observed.removal.get("status", "planned")
    # Without consent the run only plans, and leaves nothing behind.
    written = settings.report_dir and settings.confirm and not check_mode
    return {
        "status": STATUSES.get(status, status),
        "connection_key": settings.connection_key,
        "connection_exists": observed.exists,
        "tenant": observed.tenant,
        "report": settings.report.paths() if written else None,
    }


def stopped(settings: Settings | None, observed: Observed, stop: Stop) -> list[str]:
    """Where a run has stopped, what is done, what is not, and what to do."""
    known = ends(settings, observed) if settings and observed.found else None
    return texts.halted(stop, stops.remedy(stop), known)


def ends(settings: Settings, observed: Observed) -> tuple[list[str], list[str]]:
    """What of a run that stopped is done, and what is not."""
    done, missing = [], []
    if observed.ended:
        done.append("the registration is taken back")
    else:
        missing.append("the registration is not taken back")
    if "timing" in observed.removed and not observed.removed.get("failed"):
        done.append("the set-up script is removed")
    elif observed.ended and not observed.left:
        missing.append(f"the set-up script {settings.script_path} is still to be removed")
    return done, missing
