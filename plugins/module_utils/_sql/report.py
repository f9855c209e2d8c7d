# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run of a script: what the user has chosen for it, and what it reports."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _utc
from ansible_collections.community.immuta.plugins.module_utils._sql.journal import Progress
from ansible_collections.community.immuta.plugins.module_utils._sql.loaded_script import LoadedScript
from ansible_collections.community.immuta.plugins.module_utils._sql.session import Session

# What a platform answers to a statement, as rows and journals have it.
ANSWER = ("query_id", "rowcount", "seconds", "answer")
# When a statement was sent, and answered, in UTC.
TIMES = ("started", "ended")


@dataclasses.dataclass(frozen=True)
class Rules:
    """The choices of the user.

    :ivar on_unknown: what to do with a statement of an earlier run whose outcome is unknown
    :ivar wait_timeout: seconds to wait in all for statements that the platform refuses for a while
    :ivar pause_after: seconds after which a run stops before the next statement; None to run to the end
    :ivar verify: whether to check in the end that what the script removes is gone, or what it creates is there
    :ivar look_for: C(removed) or C(created)
    :ivar skip: why, by index, for each statement that is not to be run, or whose effect on the session is not needed
    :ivar never_created: what was never created, and is not there: C(kind), and C(name) as statements describe it
    :ivar existing: what the script creates, and was there before this run
    :ivar accept_existing: whether the script may use it, although no statement of it has created it
    :ivar other_session: what to do if the session is not the one that was approved, or that has run the first part
    :ivar expected_session: the one that was approved; None if none was
    """

    on_unknown: t.Literal["rerun", "fail"] = "fail"
    wait_timeout: float = 0.0
    pause_after: float | None = None
    skip: t.Mapping[int, str] = dataclasses.field(default_factory=dict)
    verify: bool = False
    look_for: str = "removed"
    other_session: t.Literal["accept", "fail"] = "fail"
    expected_session: t.Mapping[str, t.Any] | None = None
    never_created: t.Sequence[t.Mapping[str, str]] = ()
    existing: t.Sequence[t.Mapping[str, t.Any]] = ()
    accept_existing: bool = True


@dataclasses.dataclass
class Report:
    """The result of a run.

    :ivar rows: one for each statement, in order
    :ivar executed: the number of statements that this run has executed, without those that only set up the session again
    :ivar resumed: whether an earlier run had executed some
    :ivar objects: what the script removes or creates, as it was found after all of it had run; None if nobody looked
    :ivar paused: whether the run stopped before the end, without an error, so that the next run continues
    """

    rows: list[dict[str, t.Any]]
    executed: int = 0
    resumed: bool = False
    paused: bool = False
    objects: list[dict[str, t.Any]] | None = None

    def as_dict(self) -> dict[str, t.Any]:
        """Return the fields for a module's result."""
        return {
            "statements": self.rows,
            "executed": self.executed,
            "total": len(self.rows),
            "resumed": self.resumed,
            "paused": self.paused,
            **({} if self.objects is None else {"objects": self.objects}),
        }


def answered(done: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what the journal has of a statement that has run: the platform's answer, and the times.

    :param done: its event; empty if it has not run
    """
    times = (done.get("started"), done.get("time"))
    return {
        **{name: done.get(name) for name in ANSWER},
        **{name: time and _utc.zulu(str(time)) for name, time in zip(TIMES, times, strict=True)},
    }


def execution(progress: Progress) -> dict[str, t.Any]:
    """Return what the journal of a script says of its runs, as results have it."""
    runs = [{name: run[name] for name in ("started", "ended", "session")} for run in progress.runs]
    known = {"runs": runs, "before": progress.before, "after": progress.after}
    return {
        "state": progress.state,
        "done": len(progress.done),
        "total": progress.total,
        "answers": [{"index": index, **answered(event)} for index, event in sorted(progress.done.items())],
        **{name: value for name, value in known.items() if value},
    }


def initial_report(script: LoadedScript, progress: Progress, session: Session | None = None) -> Report:
    """Return the report of a run before it sends anything.

    :param progress: what earlier runs have executed
    :param session: what the statements do to the session, if that is known already
    """
    finished = progress.state == "finished"
    rows = []
    for about in (session or Session(script.statements)).describe():
        done = progress.done.get(about["index"])
        reason = progress.skipped.get(about["index"])
        status = "not_needed" if done and done.get("not_needed") else "skipped" if done or finished else "not_run"
        rows.append(
            {
                **about,
                **({} if reason is None else {"reason": reason}),
                "status": status if reason is None else "skipped_by_operator",
                **answered(done or {}),
            }
        )
    return Report(rows, resumed=bool(progress.done))
