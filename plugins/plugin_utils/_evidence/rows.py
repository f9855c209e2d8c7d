# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a run that all reports have: steps, statements without their text, and why it stopped."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql.report import ANSWER, TIMES
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.origin import Origin
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import Step, seconds_between

Answer = t.Mapping[str, t.Any]
# The statuses of statements that have run, or had nothing to do, and of those that count although the platform has not answered them.
RUN = ("done", "skipped", "replayed", "not_needed")
BY_WORD = ("stated", "skipped_by_operator")


class Stop(t.Protocol):
    """Where a run stopped."""

    @property
    def task(self) -> str:
        """The task."""

    @property
    def failure(self) -> Answer:
        """Its result."""

    @property
    def message(self) -> str:
        """Its message."""


def step(name: str, answer: Answer, detail: str, otherwise: str, *, stopped: bool) -> Step:
    """One step.

    :param answer: of the module; empty if it was not reached
    :param detail: what to say when it was done
    :param otherwise: what to say when it was not needed
    :param stopped: whether the run has failed
    """
    timing: dict[str, str] = answer.get("timing") or {}
    outcome: t.Literal["done", "failed", "skipped", "not_reached"]
    if answer.get("failed"):
        outcome = "failed"
    elif timing:
        outcome = "done"
    else:
        outcome = "not_reached" if stopped and not answer.get("skipped") else "skipped"
    return Step(
        name=name,
        outcome=outcome,
        changed=(outcome == "done" and bool(answer.get("changed"))) or (answer.get("executed") or 0) > 0,
        started=timing.get("started"),
        ended=timing.get("ended"),
        seconds=seconds_between(timing["started"], timing["ended"]) if timing else None,
        detail={"done": detail, "skipped": otherwise}.get(outcome, ""),
    )


def statement(row: Answer, answer: Answer, status: str, reason: str | None = None) -> dict[str, t.Any]:
    """A statement without its text, which may hold a password.

    :param row: as the modules return it
    :param answer: as the journal has it
    :param reason: why it was left out
    """
    return {
        **{name: row[name] for name in ("index", "line", "verb", "object", "name", "unusual")},
        **{name: row[name] for name in ("grantee", "privileges", "action") if row.get(name)},
        "status": status,
        **({} if reason is None else {"reason": reason}),
        **{name: row.get(name, answer.get(name)) for name in (*ANSWER, *TIMES)},
    }


def refused(statements: t.Iterable[Answer]) -> str:
    """How many statements were refused and had nothing to do, as the rest of a sentence, or ""."""
    count = sum(row.get("status") == "not_needed" for row in statements)
    return f"; it refused {count}, which {'are' if count > 1 else 'is'} about what was never created" if count else ""


Settings = t.TypeVar("Settings")
Observed = t.TypeVar("Observed")
Stopped = t.TypeVar("Stopped", bound=Stop)


@dataclasses.dataclass(frozen=True)
class Ended(t.Generic[Settings, Observed, Stopped]):
    """A run of a role at its end.

    :ivar result: the role's outcome
    :ivar started: in UTC. So is C(ended).
    :ivar stop: where it has stopped; None when it came to its end
    """

    settings: Settings
    observed: Observed
    result: dict[str, t.Any]
    started: str
    ended: str
    stop: Stopped | None = None

    @property
    def status(self) -> str:
        """The role's status."""
        return str(self.result["status"])


def frame(
    ended: Ended[t.Any, t.Any, t.Any], origin: Origin, steps: list[Step], history: t.Sequence[t.Any]
) -> dict[str, t.Any]:
    """The fields of C(report.Run) that every run has in the same way.

    :param history: the runs before it
    """
    return {
        "number": len(history) + 1,
        "status": ended.status,
        "started": ended.started,
        "ended": ended.ended,
        "seconds": seconds_between(ended.started, ended.ended),
        "changed": any(one.changed for one in steps),
        "by": origin.by,
        "versions": origin.versions,
        "host": origin.host,
        "steps": steps,
        "error": error(ended.stop),
    }


def error(stop: Stop | None) -> dict[str, t.Any] | None:
    """Why a run stopped; None if it did not."""
    if stop is None:
        return None
    failure = stop.failure.get("failure") or {}
    return {
        "task": stop.task,
        "message": stop.message,
        **{name: failure.get(name) for name in ("code", "sqlstate", "query_id")},
        # Where a session was that had to be elsewhere.
        **({"actual": failure["actual"]} if failure.get("actual") else {}),
    }
