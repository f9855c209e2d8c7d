# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a script statement by statement over one PEP 249 connection. Knows no vendor.

Source of the interface: U(https://peps.python.org/pep-0249/).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import time
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql.journal import Journal, Progress
from ansible_collections.community.immuta.plugins.module_utils._sql.script import Script
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement, mask

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
# A request of a process that has died may still be on its way for so many seconds.
ON_ITS_WAY = 30.0


class LoginFailed(Failure):
    """The platform refused the sign-in, or can't be reached; no statement was sent."""

    code = "login_failed"


class StatementFailed(Failure):
    """A statement failed; the ones before it have run, the ones after it have not."""

    code = "statement_failed"


class UnknownOutcome(Failure):
    """A statement was sent, and nobody can say whether it has run."""

    code = "unknown_outcome"


@dataclasses.dataclass(frozen=True)
class Problem:
    """What a platform says of a statement that failed.

    :ivar lost: the answer is missing; the statement may have run all the same
    :ivar wait: worth waiting for, and trying again
    """

    message: str
    errno: int | None = None
    sqlstate: str | None = None
    query_id: str | None = None
    lost: bool = False
    wait: bool = False
    hint: str = ""


Outcome = t.Literal["done", "failed", "running", "never"]


@dataclasses.dataclass(frozen=True)
class Record:
    """What a platform has recorded of a statement.

    :ivar text: as it was sent; some platforms leave secrets out of it
    :ivar tag: names the run that sent it
    :ivar own: whether it is not of the script, but was asked for the history's sake
    """

    query_id: str
    text: str
    outcome: Outcome
    tag: str
    own: bool = False


@dataclasses.dataclass(frozen=True)
class Found:
    """What a platform's own record says of a statement that was in doubt.

    :ivar outcome: C(failed) means what it means of an answer, and C(never) that the statement has not come to the
        platform: either way it has to be sent
    """

    outcome: Outcome
    query_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Doubt:
    """A statement that an earlier run has sent, and of which the journal has no end.

    :ivar tag: names the run
    :ivar time: when it was sent, as the journal has it
    :ivar query_id: its id, if it came to be known
    :ivar others: query ids that belong to other statements
    :ivar other_texts: the other statements of the script
    :ivar session: those statements of the script that set up the session
    :ivar dialect: the script's
    """

    text: str = dataclasses.field(repr=False)
    tag: str
    time: str
    query_id: str | None
    others: t.Collection[str]
    other_texts: t.Collection[str] = dataclasses.field(repr=False)
    dialect: str
    session: t.Sequence[Statement] = ()

    def found(self, records: t.Iterable[Record], run: str) -> Found | None:
        """What these tell of the statement; None when that can't be told for certain.

        That a statement is not among them is believed only when they show both that they reach back to the run that
        sent it, and that they are as new as C(run), the present one.
        """
        records = list(records)
        fitting = [one for one in records if self._fits(one)]
        if len(fitting) == 1:
            return Found(fitting[0].outcome, fitting[0].query_id)
        reaches_back = any(one.tag == self.tag for one in records)
        up_to_date = any(one.tag == run for one in records)
        if fitting or self.query_id or not reaches_back or not up_to_date:
            return None
        unknown = [one for one in records if one.tag == self.tag and not self._is_other(one)]
        if not unknown:
            return Found("never")
        # A platform may show a statement without its secrets; then it fits by being the only one left.
        if len(unknown) == 1 and mask(self.text, self.dialect) != self.text:
            return Found(unknown[0].outcome, unknown[0].query_id)
        return None

    def _fits(self, record: Record) -> bool:
        if self.query_id:
            return record.query_id == self.query_id
        return record.tag == self.tag and record.query_id not in self.others and _bare(record.text) == _bare(self.text)

    def _is_other(self, record: Record) -> bool:
        return record.own or record.query_id in self.others or _bare(record.text) in map(_bare, self.other_texts)


class Platform(t.Protocol):
    """What the executor has to know of a vendor."""

    name: str

    def connect(self) -> t.Any:
        """A new PEP 249 connection.

        :raises Failure: the sign-in was refused
        """

    def query_id(self, cursor: t.Any) -> str | None:
        """The id of the cursor's last query."""

    def problem(self, error: Exception, cursor: t.Any) -> Problem | None:
        """What an exception of the cursor's C(execute) means, or None when it is not the client's."""

    def find(self, cursor: t.Any, doubt: Doubt) -> Found | None:
        """What became of a statement, or None when that can't be told for certain."""


@dataclasses.dataclass(frozen=True)
class Rules:
    """How a run decides.

    :ivar on_unknown: what to do with a statement that was sent by an earlier run and whose outcome can't be found out
    :ivar wait_timeout: seconds to wait in all for statements that the platform refuses for a while
    :ivar pause_after: seconds after which a run stops before the next statement; None to run to the end
    """

    on_unknown: t.Literal["rerun", "fail"] = "fail"
    wait_timeout: float = 0.0
    pause_after: float | None = None


@dataclasses.dataclass
class Report:
    """What has come of a run.

    :ivar rows: one for each statement, in order
    :ivar executed: how many statements this run has sent, those that set the session up again left out
    :ivar resumed: whether an earlier run had begun
    :ivar paused: whether it has stopped before the end, with nothing wrong, for the next run to go on
    """

    rows: list[dict[str, t.Any]]
    executed: int = 0
    resumed: bool = False
    paused: bool = False

    def as_dict(self) -> dict[str, t.Any]:
        """For a module's result."""
        return {
            "statements": self.rows,
            "executed": self.executed,
            "total": len(self.rows),
            "resumed": self.resumed,
            "paused": self.paused,
        }


def plan(script: Script, progress: Progress) -> Report:
    """The rows of a script of which C(progress) has run. Nothing is sent."""
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

    :param journal: None for a script of which no record is kept
    :param tag: names this run on the platform
    :param clock: seconds that only go forward
    :param sleep: waits so many seconds
    :param now: the time of day, to compare with the journal's
    """

    def __init__(
        self,
        script: Script,
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
        self.report = plan(script, self._progress)

    def run(self) -> Report:
        """Run what has not run yet.

        A finished script opens no connection. After an earlier run the statements that set up the session are sent
        again first, since the session they were sent in is gone.

        :raises StatementFailed: a statement failed
        :raises UnknownOutcome: an earlier run has left a statement in doubt; no statement of the script was sent
        :raises Failure: the sign-in was refused, or the journal can't be written; all of them carry what ran and what
            did not in C(result)
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
        began = self._clock()
        connection = self._platform.connect()
        try:
            cursor = connection.cursor()
            self._settle(cursor)
            for statement in self._script.statements:
                if self._is_time_to_pause(began, statement):
                    self.report.paused = True
                    return
                self._step(cursor, statement)
        finally:
            _close_quietly(connection)
        if self._journal:
            self._journal.finished(self._platform.name)

    def _is_time_to_pause(self, began: float, following: Statement) -> bool:
        """Whether to leave the rest to the next run, which has a session of its own."""
        return (
            self._rules.pause_after is not None
            and self._clock() - began >= self._rules.pause_after
            and self.report.executed > 0
            and self.report.rows[following.index - 1]["status"] == "not_run"
            and following.index <= self._first_bound
        )

    @functools.cached_property
    def _first_bound(self) -> int:
        """The index of the first statement on whose session those behind it may depend; a large one if there is none."""
        bound = (one.index for one in self._script.statements if one.is_bound)
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
        """Decide on the statement that an earlier run has left in doubt."""
        doubt = self._progress.unknown
        if self._journal is None or doubt is None or self._rules.on_unknown == "rerun":
            return
        statement = self._script.statements[doubt["index"] - 1]
        if statement.is_repeatable:
            return
        row, tag = self.report.rows[statement.index - 1], str(doubt.get("tag"))
        found = self._find(cursor, statement, doubt)
        if found is None or found.outcome == "running":
            row["status"] = "unknown"
            raise self._in_doubt(statement, tag, found)
        if found.outcome == "done":
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
            other_texts=[one.text for one in self._script.statements if one is not statement],
            dialect=self._script.dialect,
            session=[one for one in self._script.statements if one.is_session],
        )
        found = self._platform.find(cursor, doubt)
        if found is None or found.outcome != "never":
            return found
        # What is not there may still come. A clock that was set back makes this longer, never shorter than it has to be.
        age = max(0.0, (self._now() - datetime.datetime.fromisoformat(doubt.time)).total_seconds())
        if age >= ON_ITS_WAY:
            return found
        self._sleep(ON_ITS_WAY - age)
        return self._platform.find(cursor, doubt)

    def _in_doubt(self, statement: Statement, tag: str, found: Found | None) -> UnknownOutcome:
        if found is not None:
            return UnknownOutcome(
                f"{_place(statement)} was sent by an earlier run, and is still running.",
                hint="Wait until it has ended, then run this again.",
                query_id=found.query_id,
                **statement.describe(),
            )
        return UnknownOutcome(
            f"{_place(statement)} was sent by an earlier run, and whether it has run is not known.",
            hint=f"Look for it in {self._platform.name}'s query history (query tag {tag})."
            " To send it again, set on_unknown=rerun.",
            **statement.describe(),
        )

    def _run(self, cursor: t.Any, statement: Statement, row: dict[str, t.Any]) -> None:
        pause = FIRST_PAUSE
        while True:
            if self._journal:
                self._journal.started(statement.index, self._tag)
            began = self._clock()
            problem = self._send(cursor, statement)
            if problem is None:
                self._done(cursor, statement, row, self._clock() - began)
                return
            self._record(statement, problem)
            if not problem.wait or self._waited >= self._rules.wait_timeout:
                raise self._failed(statement, row, problem, "run")
            pause = min(pause, self._rules.wait_timeout - self._waited)
            self._sleep(pause)
            self._waited += pause
            pause = min(LONGEST_PAUSE, pause * 2)

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
        # Asked once: some clients do more than look it up.
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
        hint = problem.hint or "Mend the cause and run this again: it goes on with this statement."
        if problem.lost:
            again = "finds that out, or says what to decide" if self._journal else "sends it again"
            hint = f"Whether it has run is not known. Running this again {again}."
        if problem.wait:
            hint = f"It was tried for {self._waited:g} s. {hint}"
        said = mask(problem.message, self._script.dialect)
        return StatementFailed(
            f"{_place(statement)} could not be {doing}: {said}",
            hint=hint,
            errno=problem.errno,
            sqlstate=problem.sqlstate,
            query_id=problem.query_id,
            **statement.describe(),
        )


def _place(statement: Statement) -> str:
    what = " ".join(filter(None, (statement.verb, statement.kind, statement.name)))
    return f"Statement {statement.index} ({what}, line {statement.line})"


def _bare(text: str) -> str:
    return text.strip().rstrip(";").rstrip()


def _close_quietly(connection: t.Any) -> None:
    """Closing ends the session; a platform that can't be told so ends it on its own."""
    with contextlib.suppress(Exception):
        connection.close()
