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

from ansible_collections.community.immuta.plugins.module_utils import _pauses, _text, _utc
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql import (
    created,
    expected,
    never_created,
    same_session,
    verify,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.journal import Journal, Progress
from ansible_collections.community.immuta.plugins.module_utils._sql.literals import withhold
from ansible_collections.community.immuta.plugins.module_utils._sql.loaded_script import LoadedScript
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import (
    Doubt,
    Found,
    Platform,
    Problem,
    SessionLost,
    StatementFailed,
    UnknownOutcome,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.report import ANSWER, Report, Rules, initial_report
from ansible_collections.community.immuta.plugins.module_utils._sql.session import Session
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement
from ansible_collections.community.immuta.plugins.module_utils._sql.thing import Thing

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
# In characters.
LONGEST_ANSWER = 300
# By what the script is for: one that sets up has no such variable in its role.
SKIP = {"removed": "skip (immuta_deregister_skip in the role deregister_connection)", "created": "the option skip"}
# Seconds for which a request of a dead process may still be on its way.
ON_ITS_WAY = 30.0
# In characters: of a longer script, only the statement's own literals are searched for in what a platform says of it.
LONGEST_SEARCHED = 1024 * 1024


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
        # Whether the platform has answered a statement in this session, so that its warehouse runs.
        self._answered = False
        self._progress = journal.progress if journal else Progress()
        self._session = Session(script.statements, {**rules.skip, **self._progress.skipped})
        self._at = 1
        self.report = initial_report(script, self._progress, self._session)

    def run(self) -> Report:
        """Run the statements that have not run yet. A finished script opens no connection.

        After an earlier run, the statements that set up what the rest needs of the session are sent again first, since
        their session is gone.

        :raises StatementFailed: a statement failed
        :raises UnknownOutcome: an earlier run left a statement in doubt; no statement of the script was sent
        :raises SessionLost: a person has to decide how to continue
        :raises TransactionOpen: the script never commits
        :raises Failure: the sign-in was refused, or the journal can't be written. The C(result) of every error tells
            what has run.
        """
        if self._progress.state == "finished":
            return self.report
        self._session.require_committed()
        try:
            self._run_all()
        except Failure as error:
            self._note_rollback()
            error.result = self.report.as_dict()
            raise
        return self.report

    def _run_all(self) -> None:
        started = self._clock()
        connection = self._platform.connect()
        try:
            cursor = connection.cursor()
            same_session.require(cursor, self._platform, self._rules, self._progress, self.report.rows)
            self._settle(cursor)
            self._require_own()
            self._go_back()
            self._set_up(cursor)
            for statement in self._script.statements[self._at - 1 :]:
                if self._is_time_to_pause(started, statement):
                    self.report.paused = True
                    return
                self._at = statement.index
                self._step(cursor, statement)
            # Before the end is written down: what is left makes the next run look again.
            self._look_again(cursor)
        finally:
            _close_quietly(connection)
        if self._journal:
            objects = self.report.objects
            after = None if objects is None else {"objects": objects, "session": self._platform.session}
            self._journal.finished(self._platform.name, after)

    @functools.cached_property
    def _wanted(self) -> list[Thing]:
        """What the script creates."""
        return created.things(self._script.statements, self._script.dialect)

    def _finds(self, statement: Statement) -> bool:
        """Return whether a statement creates what was there before this run, and the script has not created."""
        found = self._rules.existing
        return bool(found) and statement.index in created.of_others(self._wanted, self._progress, found)

    def _require_own(self) -> None:
        """Refuse, with C(ObjectsExist), to use what somebody else has made since an earlier run stopped."""
        if self._rules.existing and not self._rules.accept_existing:
            theirs = created.not_own(self._wanted, self._progress, self._rules.existing)
            expected.require_none(theirs, self._platform.session)

    def _look_again(self, cursor: t.Any) -> None:
        """Look whether what the script removes is gone, or what it creates is there.

        :raises ObjectsLeft: something is still there
        :raises ObjectsNotMade: something is not there
        """
        if not self._rules.verify:
            return
        skipped = {row["index"] for row in self.report.rows if row["status"] == "skipped_by_operator"}
        # What was refused has dropped nothing.
        rows = [row for row in self.report.rows if row["status"] != "not_needed"]
        statements, look_for = self._script.statements, self._rules.look_for
        self.report.objects = verify.look_again(cursor, self._platform, statements, skipped, rows, look_for)
        expected.AFTER[look_for](self.report.objects)

    def _is_time_to_pause(self, started: float, following: Statement) -> bool:
        """Return whether to leave the rest to the next run, which has a session of its own."""
        return (
            self._rules.pause_after is not None
            and self._clock() - started >= self._rules.pause_after
            and self.report.executed > 0
            and following.index <= self._first_bound
            and self._session.may_pause(following.index)
        )

    @functools.cached_property
    def _first_bound(self) -> int:
        """Return the index of the first statement whose session later ones may need; one past the end if none."""
        bound = (statement.index for statement in self._script.statements if statement.is_bound)
        return next(bound, len(self._script.statements) + 1)

    def _go_back(self) -> None:
        """Find where to go on: the first statement that has not run, or the one that opened its transaction."""
        first = next(
            (row["index"] for row in self.report.rows if row["status"] == "not_run"), len(self.report.rows) + 1
        )
        self._at = first
        if first == 1:
            return
        found = self._session.resume(first, self._platform.present)
        if found.index is None:
            raise self._session_lost(first, found.cause, found.source)
        self._at = found.index
        if found.index < first and self._journal:
            self._journal.rolled_back(found.index)

    def _note_rollback(self) -> None:
        """Take back what the platform rolls back now that the session ends in a transaction."""
        row = self.report.rows[self._at - 1] if self._at <= len(self.report.rows) else None
        if row is None or (row["status"] == "unknown" and self._session.commits(self._at)):
            return
        opener = self._session.resume(self._at).index
        if opener is None or opener == self._at:
            return
        for undone in self.report.rows[opener - 1 : self._at - 1]:
            if undone["status"] == "done":
                undone["status"] = "rolled_back"
                self.report.executed -= 1
        if self._journal:
            # The next run does it if this one can't.
            with contextlib.suppress(Failure):
                self._journal.rolled_back(opener)

    def _session_lost(self, index: int, cause: str, source: int) -> SessionLost:
        statements = self._script.statements
        rest = statements[index - 1].cited if index <= len(statements) else "The end of the script"
        return SessionLost(
            f"{rest} may need {cause} of statement {source}, and the session that had it has ended.",
            hint=f"No statement was sent. If the rest does not need it, name statement {source} in {SKIP[self._rules.look_for]}; if statement"
            f" {index} must not run any more, name that one. If all statements may run again, move the journal away."
            " Or run the rest by hand, and record it with immuta_cleanup_script and state=executed.",
            index=index,
            source=source,
        )

    def _set_up(self, cursor: t.Any) -> None:
        """Give the session what the rest of the script needs of the one before."""
        for statement, text in self._session.replays(self._at):
            row = self.report.rows[statement.index - 1]
            problem = self._send(cursor, text, harmless=True)
            if problem is None:
                row["status"] = "replayed" if text == statement.text else row["status"]
            elif problem.lost or not self._session.may_be_dropped(statement, self._at):
                # Its row stays: it has run before.
                raise self._failed(statement, {**row}, problem, "sent again to set up the session")

    def _step(self, cursor: t.Any, statement: Statement) -> None:
        row = self.report.rows[statement.index - 1]
        reason = self._rules.skip.get(statement.index)
        if row["status"] == "skipped_by_operator":
            return
        if reason is None:
            self._run(cursor, statement, row)
            return
        row.update(status="skipped_by_operator", reason=reason)
        if self._journal:
            self._journal.skipped(statement.index, reason)

    def _settle(self, cursor: t.Any) -> None:
        """Decide about the statement that an earlier run left in doubt."""
        doubt = self._progress.unknown
        if self._journal is None or doubt is None or self._rules.on_unknown == "rerun":
            return
        statement = self._script.statements[doubt["index"] - 1]
        back = self._session.resume(statement.index).index
        undone = back is not None and back < statement.index and not self._session.commits(statement.index)
        # What was there may be what the statement has created, or somebody else's.
        claimed = not self._rules.accept_existing and self._finds(statement)
        if (statement.is_repeatable and not claimed) or undone or statement.index in self._rules.skip:
            return
        row, tag = self.report.rows[statement.index - 1], str(doubt.get("tag"))
        found = self._find(cursor, statement, doubt)
        if found is None or found.state == "running":
            row["status"] = "unknown"
            raise self._in_doubt(statement, tag, found)
        if found.state == "done":
            self._note_done(statement, row, found.query_id, "skipped")
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
            ways=self._session.ways_to_warehouse(statement.index),
            retagged=self._session.may_be_retagged(statement.index),
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
                f"{statement.cited} was sent by an earlier run, and is still running.",
                hint="Wait until it has ended, then run this again.",
                query_id=found.query_id,
                **statement.describe(),
            )
        obstacle = f"{why} " if (why := self._platform.obstacle) else ""
        sign = f"query tag {tag}"
        if self._session.may_be_retagged(statement.index):
            sign = "by its text, since the script may have changed the query tag"
        return UnknownOutcome(
            f"{statement.cited} was sent by an earlier run, and it is not known whether it ran.",
            hint=f"{obstacle}Look for it in {self._platform.name}'s query history ({sign})."
            " To send it again, set on_unknown=rerun (immuta_deregister_on_unknown or immuta_register_on_unknown in the roles). If it"
            f" has run, name it in {SKIP[self._rules.look_for]}.",
            **statement.describe(),
        )

    def _run(self, cursor: t.Any, statement: Statement, row: dict[str, t.Any]) -> None:
        for pause in _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE):
            if self._journal:
                self._journal.started(statement.index, self._tag, self._platform.session)
            started, sent = self._clock(), self._now()
            problem = self._send(cursor, statement.text, harmless=statement.is_repeatable)
            if problem is None:
                row["started"] = _zulu(sent)
                self._done(cursor, statement, row, self._clock() - started)
                return
            if never := never_created.needed(statement, problem, self._rules.never_created):
                self._not_needed(statement, row, problem, never)
                return
            self._record(statement, problem)
            if problem.starting and self._answered:
                # A proxy in between may have said so about a statement that it has passed on.
                found = self._find(cursor, statement, {"tag": self._tag, "time": sent.isoformat()})
                if found is not None and found.state == "done":
                    self._note_done(statement, row, found.query_id)
                    return
                if found is not None and found.state != "running":
                    if self._journal:
                        self._journal.failed(statement.index, query_id=found.query_id)
                    continue
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

    def _send(self, cursor: t.Any, text: str, *, harmless: bool) -> Problem | None:
        """Send a statement; wait for a warehouse that opens sessions while it starts.

        :param harmless: whether it may be sent twice
        :returns: None when it has run. A problem that is C(starting), of a platform that has answered since, is of a
            statement that must not be sent again before it is looked up
        """
        while True:
            problem = self._try(cursor, text)
            if problem is None or self._answered or not problem.starting:
                self._answered = self._answered or problem is None
                return (
                    problem if problem is None or not problem.starting else dataclasses.replace(problem, starting=False)
                )
            self._answered = self._platform.awaken(cursor)
            if not self._answered or (problem.lost and not harmless):
                return problem

    def _try(self, cursor: t.Any, text: str) -> Problem | None:
        try:
            cursor.execute(text)
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
        row["seconds"], row["ended"] = round(seconds, 3), _zulu(self._now())
        answer = self._platform.answer(cursor) if statement.verb in ("CREATE", "DROP") else None
        if answer and (statement.verb == "DROP" or created.EXISTED in answer):
            row["answer"] = _text.printable(answer)[:LONGEST_ANSWER]
        self.report.executed += 1
        if self._journal:
            existed = {"existed": True} if self._finds(statement) else {}
            self._journal.done(statement.index, **{name: row[name] for name in ANSWER}, **existed)

    def _not_needed(self, statement: Statement, row: dict[str, t.Any], problem: Problem, never: str) -> None:
        answer = f"Refused, and not needed: {_text.printable(never)} was never created."
        row.update(status="not_needed", query_id=problem.query_id, answer=answer)
        if self._journal:
            self._journal.done(statement.index, query_id=problem.query_id, answer=answer, not_needed=True)

    def _note_done(
        self, statement: Statement, row: dict[str, t.Any], query_id: str | None, status: str = "done"
    ) -> None:
        """Note that the query history shows a statement as done."""
        row.update(status=status, query_id=query_id)
        self.report.executed += status == "done"
        if self._journal:
            self._journal.done(statement.index, query_id=query_id)

    def _failed(self, statement: Statement, row: dict[str, t.Any], problem: Problem, doing: str) -> StatementFailed:
        row["status"] = "unknown" if problem.lost else "failed"
        row["query_id"] = problem.query_id
        hint = problem.hint or (
            "Fix the cause and run this again: it continues with this statement. If it can no longer succeed,"
            f" name it in {SKIP[self._rules.look_for]}."
        )
        if problem.lost:
            again = "finds that out, or says what to decide" if self._journal else "sends it again"
            hint = f"{problem.hint} It is not known whether it ran. Running this again {again}.".lstrip()
        if problem.wait:
            hint = f"It was tried for {self._waited:g} s. {hint}"
        text = self._script.text if len(self._script.text) <= LONGEST_SEARCHED else statement.text
        message = withhold(problem.message, text, self._script.dialect)
        return StatementFailed(
            f"{statement.cited} could not be {doing}: {message}",
            hint=hint,
            errno=problem.errno,
            sqlstate=problem.sqlstate,
            query_id=problem.query_id,
            **statement.describe(),
        )


def _zulu(moment: datetime.datetime) -> str:
    return _utc.zulu(moment.isoformat(timespec="milliseconds"))


def _close_quietly(connection: t.Any) -> None:
    """Close the connection; a platform that can't be reached any more ends the session on its own."""
    with contextlib.suppress(Exception):
        connection.close()
