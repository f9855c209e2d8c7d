# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Execution of a script, statement by statement, over one PEP 249 connection. Knows no vendor.

Source of the interface: U(https://peps.python.org/pep-0249/).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import time
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _pauses
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql.credentials import mask
from ansible_collections.community.immuta.plugins.module_utils._sql.journal import Journal, Progress
from ansible_collections.community.immuta.plugins.module_utils._sql.loaded_script import LoadedScript
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Doubt, Found, Platform, Problem
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
# Seconds for which a request of a dead process may still be on its way.
ON_ITS_WAY = 30.0


class StatementFailed(Failure):
    """A statement failed; the ones before it have run, the ones after it have not."""

    code = "statement_failed"


class UnknownOutcome(Failure):
    """A statement was sent, and its outcome is unknown."""

    code = "unknown_outcome"


@dataclasses.dataclass(frozen=True)
class Rules:
    """The choices of the user.

    :ivar on_unknown: what to do with a statement of an earlier run whose outcome is unknown
    :ivar wait_timeout: seconds to wait in all for statements that the platform refuses for a while
    :ivar pause_after: seconds after which a run stops before the next statement; None to run to the end
    """

    on_unknown: t.Literal["rerun", "fail"] = "fail"
    wait_timeout: float = 0.0
    pause_after: float | None = None


@dataclasses.dataclass
class Report:
    """The result of a run.

    :ivar rows: one for each statement, in order
    :ivar executed: the number of statements that this run has executed, without those that only set up the session again
    :ivar resumed: whether an earlier run had executed some
    :ivar paused: whether the run stopped before the end, without an error, so that the next run continues
    """

    rows: list[dict[str, t.Any]]
    executed: int = 0
    resumed: bool = False
    paused: bool = False

    def as_dict(self) -> dict[str, t.Any]:
        """Return the fields for a module's result."""
        return {
            "statements": self.rows,
            "executed": self.executed,
            "total": len(self.rows),
            "resumed": self.resumed,
            "paused": self.paused,
        }


def initial_report(script: LoadedScript, progress: Progress) -> Report:
    """Return the report of a run before it sends anything.

    :param progress: what earlier runs have executed
    """
    finished = progress.state == "finished"
    rows = []
    for statement in script.statements:
        done = progress.done.get(statement.index)
        rows.append(
            {
                **statement.describe(),
                "status": "skipped" if done or finished else "not_run",
                "query_id": (done or {}).get("query_id"),
                "rowcount": (done or {}).get("rowcount"),
                "seconds": (done or {}).get("seconds"),
            }
        )
    return Report(rows, resumed=bool(progress.done))


class Execution:
    """One run of a script.

    :param journal: None for a script without a journal
    :param tag: the name of this run on the platform
    :param clock: returns seconds that only go forward
    :param sleep: waits for a number of seconds
    :param now: returns the time of day, for comparison with the journal's
    """

    def __init__(
        self,
        script: LoadedScript,
        platform: Platform,
        journal: Journal | None,
        rules: Rules,
        *,
        tag: str,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
        now: t.Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.timezone.utc),
    ) -> None:
        self._now = now
        self._script = script
        self._platform = platform
        self._journal = journal
        self._rules = rules
        self._tag = tag
        self._clock = clock
        self._sleep = sleep
        self._waited = 0.0
        self._progress = journal.progress if journal else Progress()
        self.report = initial_report(script, self._progress)

    def run(self) -> Report:
        """Run what has not run yet.

        A finished script opens no connection. After an earlier run, the statements that set up the session are sent
        again in their places, since their session is gone.

        :raises StatementFailed: a statement failed
        :raises UnknownOutcome: an earlier run left a statement in doubt; no statement of the script was sent
        :raises Failure: the sign-in was refused, or the journal can't be written. The C(result) of every error tells
            what has run.
        """
        if self._progress.state == "finished":
            return self.report
        try:
            self._run_all()
        except Failure as error:
            error.result = self.report.as_dict()
            raise
        return self.report

    def _run_all(self) -> None:
        started = self._clock()
        connection = self._platform.connect()
        try:
            cursor = connection.cursor()
            self._settle(cursor)
            for statement in self._script.statements:
                if self._is_time_to_pause(started, statement):
                    self.report.paused = True
                    return
                self._step(cursor, statement)
        finally:
            _close_quietly(connection)
        if self._journal:
            self._journal.finished(self._platform.name)

    def _is_time_to_pause(self, started: float, following: Statement) -> bool:
        """Return whether to leave the rest to the next run, which has a session of its own."""
        return (
            self._rules.pause_after is not None
            and self._clock() - started >= self._rules.pause_after
            and self.report.executed > 0
            and self.report.rows[following.index - 1]["status"] == "not_run"
            and following.index <= self._first_bound
        )

    @functools.cached_property
    def _first_bound(self) -> int:
        """The index of the first statement whose session later ones may need; beyond the last one if there is none."""
        bound = (statement.index for statement in self._script.statements if statement.is_bound)
        return next(bound, len(self._script.statements) + 1)

    def _step(self, cursor: t.Any, statement: Statement) -> None:
        row = self.report.rows[statement.index - 1]
        if row["status"] != "skipped":
            self._run(cursor, statement, row)
        elif statement.is_session:
            problem = self._send(cursor, statement)
            if problem is not None:
                raise self._failed(statement, row, problem, "sent again to set up the session")
            row["status"] = "replayed"

    def _settle(self, cursor: t.Any) -> None:
        """Decide about the statement that an earlier run left in doubt."""
        doubt = self._progress.unknown
        if self._journal is None or doubt is None or self._rules.on_unknown == "rerun":
            return
        statement = self._script.statements[doubt["index"] - 1]
        if statement.is_repeatable:
            return
        row, tag = self.report.rows[statement.index - 1], str(doubt.get("tag"))
        found = self._find(cursor, statement, doubt)
        if found is None or found.state == "running":
            row["status"] = "unknown"
            raise self._in_doubt(statement, tag, found)
        if found.state == "done":
            row.update(status="skipped", query_id=found.query_id)
            self._journal.done(statement.index, query_id=found.query_id)
        else:
            self._journal.failed(statement.index, query_id=found.query_id)

    def _find(self, cursor: t.Any, statement: Statement, event: dict[str, t.Any]) -> Found | None:
        doubt = Doubt(
            text=statement.text,
            tag=str(event.get("tag")),
            time=str(event["time"]),
            query_id=event.get("query_id"),
            others=self._progress.query_ids,
            other_texts=[other.text for other in self._script.statements if other is not statement],
            dialect=self._script.dialect,
            session=[other for other in self._script.statements if other.is_session],
        )
        found = self._platform.find(cursor, doubt)
        if found is None or found.state != "never":
            return found
        # It may still arrive. A clock that was set back makes this wait longer, never too short.
        age = max(0.0, (self._now() - datetime.datetime.fromisoformat(doubt.time)).total_seconds())
        if age >= ON_ITS_WAY:
            return found
        self._sleep(ON_ITS_WAY - age)
        return self._platform.find(cursor, doubt)

    def _in_doubt(self, statement: Statement, tag: str, found: Found | None) -> UnknownOutcome:
        if found is not None:
            return UnknownOutcome(
                f"{_label(statement)} was sent by an earlier run, and is still running.",
                hint="Wait until it has ended, then run this again.",
                query_id=found.query_id,
                **statement.describe(),
            )
        return UnknownOutcome(
            f"{_label(statement)} was sent by an earlier run, and whether it has run is not known.",
            hint=f"Look for it in {self._platform.name}'s query history (query tag {tag})."
            " To send it again, set on_unknown=rerun.",
            **statement.describe(),
        )

    def _run(self, cursor: t.Any, statement: Statement, row: dict[str, t.Any]) -> None:
        for pause in _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE):
            if self._journal:
                self._journal.started(statement.index, self._tag)
            started = self._clock()
            problem = self._send(cursor, statement)
            if problem is None:
                self._done(cursor, statement, row, self._clock() - started)
                return
            self._record(statement, problem)
            if not problem.wait or self._waited >= self._rules.wait_timeout:
                raise self._failed(statement, row, problem, "run")
            pause = min(pause, self._rules.wait_timeout - self._waited)
            self._sleep(pause)
            self._waited += pause

    def _record(self, statement: Statement, problem: Problem) -> None:
        if self._journal is None:
            return
        if not problem.lost:
            self._journal.failed(statement.index, errno=problem.errno, query_id=problem.query_id)
        elif problem.query_id:
            self._journal.lost(statement.index, problem.query_id)

    def _send(self, cursor: t.Any, statement: Statement) -> Problem | None:
        try:
            cursor.execute(statement.text)
        except Exception as error:
            problem = self._platform.problem(error, cursor)
            if problem is None:
                raise
            return problem
        return None

    def _done(self, cursor: t.Any, statement: Statement, row: dict[str, t.Any], seconds: float) -> None:
        row["status"] = "done"
        row["query_id"] = self._platform.query_id(cursor)
        # Read once: some clients do more than look it up.
        rowcount = cursor.rowcount
        row["rowcount"] = rowcount if isinstance(rowcount, int) and rowcount >= 0 else None
        row["seconds"] = round(seconds, 3)
        self.report.executed += 1
        if self._journal:
            self._journal.done(
                statement.index, query_id=row["query_id"], rowcount=row["rowcount"], seconds=row["seconds"]
            )

    def _failed(self, statement: Statement, row: dict[str, t.Any], problem: Problem, doing: str) -> StatementFailed:
        row["status"] = "unknown" if problem.lost else "failed"
        row["query_id"] = problem.query_id
        hint = problem.hint or "Fix the cause and run this again: it goes on with this statement."
        if problem.lost:
            again = "finds that out, or says what to decide" if self._journal else "sends it again"
            hint = f"Whether it has run is not known. Running this again {again}."
        if problem.wait:
            hint = f"It was tried for {self._waited:g} s. {hint}"
        message = mask(problem.message, self._script.dialect)
        return StatementFailed(
            f"{_label(statement)} could not be {doing}: {message}",
            hint=hint,
            errno=problem.errno,
            sqlstate=problem.sqlstate,
            query_id=problem.query_id,
            **statement.describe(),
        )


def _label(statement: Statement) -> str:
    what = " ".join(filter(None, (statement.verb, statement.kind, statement.name)))
    return f"Statement {statement.index} ({what}, line {statement.line})"


def _close_quietly(connection: t.Any) -> None:
    """Close the connection; a platform that can't be reached any more ends the session on its own."""
    with contextlib.suppress(Exception):
        connection.close()
