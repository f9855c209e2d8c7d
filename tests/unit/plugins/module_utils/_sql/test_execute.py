# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The executor over a real PEP 249 connection (sqlite3) and a clock that the test turns."""

from __future__ import annotations

import datetime
import sqlite3
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import execute, journal, loaded_script
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Doubt, Found, Problem

SETUP = "CREATE TABLE log (line TEXT)"


class Sqlite:
    """SQLite as a platform. C(troubles) maps a part of a statement to what is said instead of an answer, call by call."""

    name = "SQLite"
    dialect = "snowflake"
    present = ()
    obstacle = ""

    def __init__(self, path: str) -> None:
        self.path = path
        self.connections = 0
        self.session: dict[str, t.Any] = {}
        self.troubles: dict[str, list[Problem]] = {}
        self.record: Found | None = None
        self.awakes = True
        self.asked: list[tuple[str, str, set[str]]] = []

    def connect(self) -> t.Any:
        self.connections += 1
        return _Connection(self)

    def query_id(self, cursor: t.Any) -> str | None:
        return f"q{cursor.count}"

    def reader(self, cursor: t.Any) -> t.Any:
        return cursor

    def answer(self, cursor: t.Any) -> str | None:
        return f"said at {cursor.count}\n"

    def problem(self, error: Exception, cursor: t.Any) -> Problem | None:
        if isinstance(error, Trouble):
            return error.problem
        if isinstance(error, sqlite3.Error):
            return Problem(str(error), errno=1, sqlstate="42000", query_id="q-bad")
        return None

    def awaken(self, cursor: t.Any) -> bool:
        return self.awakes

    def find(self, cursor: t.Any, doubt: Doubt) -> Found | None:
        self.asked.append((doubt.text, doubt.tag, set(doubt.others)))
        return self.record


class Trouble(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Connection:
    def __init__(self, platform: Sqlite) -> None:
        self._platform = platform
        self._sqlite = sqlite3.connect(platform.path, isolation_level=None)

    def cursor(self) -> t.Any:
        return _Cursor(self._platform, self._sqlite.cursor())

    def close(self) -> None:
        self._sqlite.close()


class _Cursor:
    def __init__(self, platform: Sqlite, cursor: sqlite3.Cursor) -> None:
        self._platform = platform
        self._cursor = cursor
        self.count = 0

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def execute(self, text: str) -> None:
        self.count += 1
        for part, problems in self._platform.troubles.items():
            if part in text and problems:
                problem = problems.pop(0)
                if problem.lost:
                    self._cursor.execute(text)
                raise Trouble(problem)
        if text.startswith(("USE", "SET")):
            text = f"INSERT INTO log VALUES ('{text}')"
        self._cursor.execute(text)


class Bench:
    """A script, a database and a journal in one folder."""

    def __init__(self, folder: Path) -> None:
        self.platform = Sqlite(str(folder / "db"))
        self.journal = str(folder / "journal")
        self.slept: list[float] = []
        connection = sqlite3.connect(self.platform.path)
        connection.execute(SETUP)
        connection.close()

    def run(self, text: str, **rules: t.Any) -> execute.Report:
        chosen = loaded_script.from_text(text, "snowflake")
        with journal.Journal(self.journal, chosen.sha256, len(chosen.statements)) as book:
            return execute.Execution(
                chosen, self.platform, book, execute.Rules(**rules), tag="tag", sleep=self.slept.append
            ).run()

    @property
    def log(self) -> list[str]:
        connection = sqlite3.connect(self.platform.path)
        rows = [row[0] for row in connection.execute("SELECT line FROM log ORDER BY rowid")]
        connection.close()
        return rows


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def insert(*lines: str) -> str:
    return "".join(f"INSERT INTO log VALUES ('{line}');\n" for line in lines)


def statuses(report: execute.Report | dict[str, t.Any]) -> list[str]:
    rows = report.rows if isinstance(report, execute.Report) else report["statements"]
    return [row["status"] for row in rows]


def test_runs_every_statement_once_in_order(bench: Bench) -> None:
    report = bench.run(insert("a", "b", "c"))
    assert bench.log == ["a", "b", "c"]
    assert statuses(report) == ["done"] * 3
    assert [row["query_id"] for row in report.rows] == ["q1", "q2", "q3"]
    assert [row["rowcount"] for row in report.rows] == [1, 1, 1]
    assert (report.executed, report.resumed) == (3, False)


def test_keeps_what_the_platform_says_of_each_drop(bench: Bench) -> None:
    text = insert("a") + "DROP TABLE IF EXISTS x;\n"
    assert [row["answer"] for row in bench.run(text).rows] == [None, r"said at 2\n"]
    # The journal has it.
    assert [row["answer"] for row in bench.run(text).rows] == [None, r"said at 2\n"]


def test_a_finished_script_opens_no_connection(bench: Bench) -> None:
    bench.run(insert("a"))
    report = bench.run(insert("a"))
    assert bench.platform.connections == 1
    assert bench.log == ["a"]
    assert statuses(report) == ["skipped"]
    assert report.executed == 0


def test_stops_at_the_first_failure_and_says_what_ran(bench: Bench) -> None:
    text = insert("a") + "DROP TABLE nowhere;\n" + insert("c")
    with pytest.raises(execute.StatementFailed) as caught:
        bench.run(text)
    assert bench.log == ["a"]
    assert statuses(caught.value.result) == ["done", "failed", "not_run"]
    about = caught.value.as_dict()
    assert (about["index"], about["line"], about["errno"], about["sqlstate"], about["query_id"]) == (
        2,
        2,
        1,
        "42000",
        "q-bad",
    )
    assert "Statement 2 (DROP TABLE NOWHERE, line 2)" in about["message"]


def test_the_next_run_goes_on_with_what_failed(bench: Bench) -> None:
    text = insert("a") + "DROP TABLE nowhere;\n" + insert("c")
    with pytest.raises(execute.StatementFailed):
        bench.run(text)
    connection = sqlite3.connect(bench.platform.path)
    connection.execute("CREATE TABLE nowhere (x)")
    connection.close()
    report = bench.run(text)
    assert bench.log == ["a", "c"]
    assert statuses(report) == ["skipped", "done", "done"]
    assert (report.executed, report.resumed) == (2, True)


def test_sets_the_session_up_again_when_it_resumes(bench: Bench) -> None:
    text = "USE ROLE R1;\nSET x = 1;\n" + insert("a") + "USE ROLE R2;\nDROP TABLE IDENTIFIER($x);\n"
    for _attempt in range(2):
        with pytest.raises(execute.StatementFailed) as caught:
            bench.run(text)
    assert bench.log == ["USE ROLE R1", "SET x = 1", "a", "USE ROLE R2", "SET x = 1", "USE ROLE R2"]
    assert statuses(caught.value.result) == ["skipped", "replayed", "skipped", "replayed", "failed"]


def test_a_lost_answer_stops_it_and_the_next_run_asks(bench: Bench) -> None:
    bench.platform.troubles["'b'"] = [Problem("gone", lost=True)]
    with pytest.raises(execute.StatementFailed, match="not known") as lost:
        bench.run(insert("a", "b", "c"))
    assert statuses(lost.value.result) == ["done", "unknown", "not_run"]
    with pytest.raises(execute.UnknownOutcome, match="on_unknown=rerun") as caught:
        bench.run(insert("a", "b", "c"))
    assert bench.platform.asked == [("INSERT INTO log VALUES ('b')", "tag", {"q1"})]
    assert "query tag tag" in caught.value.hint
    assert bench.log == ["a", "b"]
    assert statuses(caught.value.result) == ["skipped", "unknown", "not_run"]
    bench.run(insert("a", "b", "c"), on_unknown="rerun")
    assert bench.log == ["a", "b", "b", "c"]


def in_doubt(bench: Bench, outcome: t.Literal["done", "failed", "running"]) -> str:
    text = insert("a", "b", "c")
    bench.platform.troubles["'b'"] = [Problem("gone", lost=True)]
    with pytest.raises(execute.StatementFailed):
        bench.run(text)
    bench.platform.record = Found(outcome, "q-of-b")
    return text


def test_goes_on_after_a_statement_that_the_platform_has_run(bench: Bench) -> None:
    report = bench.run(in_doubt(bench, "done"))
    assert bench.log == ["a", "b", "c"]
    assert statuses(report) == ["skipped", "skipped", "done"]
    assert report.rows[1]["query_id"] == "q-of-b"
    assert journal.read(bench.journal).done[2]["query_id"] == "q-of-b"


def test_sends_again_what_the_platform_has_refused(bench: Bench) -> None:
    text = in_doubt(bench, "failed")
    assert statuses(bench.run(text)) == ["skipped", "done", "done"]
    assert bench.log == ["a", "b", "b", "c"]


def test_does_not_overtake_a_statement_that_still_runs(bench: Bench) -> None:
    text = in_doubt(bench, "running")
    with pytest.raises(execute.UnknownOutcome, match="still running") as caught:
        bench.run(text)
    assert caught.value.as_dict()["query_id"] == "q-of-b"
    assert bench.log == ["a", "b"]
    bench.platform.record = Found("done", "q-of-b")
    bench.run(text)
    assert bench.log == ["a", "b", "c"]


def test_says_what_ran_when_the_journal_can_not_be_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    done = journal.Journal.done

    def full(book: journal.Journal, index: int, **about: t.Any) -> None:
        if index == 2:
            raise journal.JournalError("no space")
        done(book, index, **about)

    monkeypatch.setattr(journal.Journal, "done", full)
    with pytest.raises(journal.JournalError) as caught:
        bench.run(insert("a", "b", "c"))
    assert statuses(caught.value.result) == ["done", "done", "not_run"]


def test_what_may_be_sent_twice_is_sent_twice(bench: Bench) -> None:
    bench.platform.troubles["DROP"] = [Problem("gone", lost=True)]
    text = insert("a") + "DROP TABLE IF EXISTS x;\n" + insert("c")
    with pytest.raises(execute.StatementFailed):
        bench.run(text)
    assert statuses(bench.run(text)) == ["skipped", "done", "done"]
    assert bench.log == ["a", "c"]


def test_waits_for_what_passes(bench: Bench) -> None:
    bench.platform.troubles["'b'"] = [Problem("still attached", wait=True)] * 3
    report = bench.run(insert("a", "b"), wait_timeout=60.0)
    assert statuses(report) == ["done", "done"]
    assert bench.slept == [2.0, 4.0, 8.0]
    assert bench.log == ["a", "b"]


def test_does_not_wait_for_ever(bench: Bench) -> None:
    bench.platform.troubles["'b'"] = [Problem("still attached", wait=True)] * 50
    with pytest.raises(execute.StatementFailed, match="tried for 10 s"):
        bench.run(insert("a", "b"), wait_timeout=10.0)
    assert sum(bench.slept) == 10.0


STARTING = Problem("starting", starting=True)
MAYBE_RUN = Problem("starting", starting=True, lost=True)


@pytest.mark.parametrize(
    ("problem", "record", "log"),
    [
        # Refused for certain, or looked up and not there.
        (STARTING, None, ["b", "c"]),
        (MAYBE_RUN, Found("never"), ["b", "b", "c"]),
        (MAYBE_RUN, Found("failed", "q"), ["b", "b", "c"]),
        # The double has run it in spite of its answer; where the history says so, it is not sent again.
        (MAYBE_RUN, Found("done", "q-of-b"), ["b", "c"]),
        (MAYBE_RUN, Found("running", "q"), ["b"]),
        (MAYBE_RUN, None, ["b"]),
    ],
)
def test_waits_for_a_warehouse_that_starts_at_the_first_statement(
    bench: Bench, problem: Problem, record: Found | None, log: list[str]
) -> None:
    bench.platform.troubles["'b'"] = [problem]
    bench.platform.record = record
    if len(log) > 1:
        report = bench.run(insert("b", "c"))
        assert (statuses(report), report.executed) == (["done", "done"], 2)
        assert report.rows[0]["query_id"] == (
            "q-of-b" if record and record.state == "done" else report.rows[0]["query_id"]
        )
        assert bench.run(insert("b", "c")).executed == 0
    else:
        with pytest.raises(execute.StatementFailed, match="It is not known whether it ran") as caught:
            bench.run(insert("b", "c"))
        assert statuses(caught.value.result) == ["unknown", "not_run"]
    assert bench.log == log


def test_waits_for_a_warehouse_at_what_sets_up_the_session(bench: Bench) -> None:
    bench.platform.troubles["'b'"] = [Problem("no")]
    with pytest.raises(execute.StatementFailed):
        bench.run("USE ROLE a;\n" + insert("b"))
    bench.platform.troubles["USE"] = [STARTING]
    assert statuses(bench.run("USE ROLE a;\n" + insert("b"))) == ["replayed", "done"]


@pytest.mark.parametrize("awakes", [True, False])
def test_does_not_wait_for_a_warehouse_that_has_answered_or_never_starts(bench: Bench, awakes: bool) -> None:
    bench.platform.awakes = awakes
    bench.platform.troubles["'b'" if awakes else "'a'"] = [MAYBE_RUN]
    with pytest.raises(execute.StatementFailed) as caught:
        bench.run(insert("a", "b"))
    assert statuses(caught.value.result) == (["done", "unknown"] if awakes else ["unknown", "not_run"])
    assert bench.platform.asked == []


def test_says_what_stands_in_the_way_of_a_look_up(bench: Bench) -> None:
    text = in_doubt(bench, "done")
    bench.platform.record = None
    bench.platform.obstacle = "There is no warehouse."
    with pytest.raises(execute.UnknownOutcome) as caught:
        bench.run(text)
    assert caught.value.hint.startswith("There is no warehouse. Look for it in SQLite's query history")


def test_hides_credentials_in_what_the_platform_says(bench: Bench) -> None:
    bench.platform.troubles["'b'"] = [Problem("near SET PASSWORD = 'hunter2'")]
    with pytest.raises(execute.StatementFailed) as caught:
        bench.run(insert("b"))
    assert "hunter2" not in str(caught.value.as_dict())


def test_what_is_no_error_of_the_client_is_a_bug(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(_Cursor, "execute", broken)
    with pytest.raises(ZeroDivisionError):
        bench.run(insert("a"))


def test_runs_without_a_journal_too(bench: Bench) -> None:
    chosen = loaded_script.from_text(insert("a"), "snowflake")
    report = execute.Execution(chosen, bench.platform, None, execute.Rules(), tag="tag").run()
    assert statuses(report) == ["done"]


# Statements in doubt

OLD, NEW = "community.immuta/0123456789ab/00000001", "community.immuta/0123456789ab/00000002"


@pytest.mark.parametrize(
    ("now", "slept"),
    [
        ("2026-01-01T00:00:00+00:00", [execute.ON_ITS_WAY]),
        ("2026-01-01T00:00:10+00:00", [execute.ON_ITS_WAY - 10]),
        ("2026-01-01T00:00:30+00:00", []),
        # Clocks that were set forward and back.
        ("2027-01-01T00:00:00+00:00", []),
        ("2025-01-01T00:00:00+00:00", [execute.ON_ITS_WAY]),
    ],
)
def test_waits_for_what_may_be_on_its_way(bench: Bench, now: str, slept: list[float]) -> None:
    chosen = loaded_script.from_text("INSERT INTO log VALUES ('once');", "snowflake")
    with journal.Journal(bench.journal, chosen.sha256, 1, now=lambda: "2026-01-01T00:00:00+00:00") as book:
        book.started(1, OLD)
    bench.platform.record = Found("never")
    with journal.Journal(bench.journal, chosen.sha256, 1) as book:
        execute.Execution(
            chosen,
            bench.platform,
            book,
            execute.Rules(),
            tag=NEW,
            sleep=bench.slept.append,
            now=lambda: datetime.datetime.fromisoformat(now),
        ).run()
    assert bench.slept == slept
    assert len(bench.platform.asked) == 1 + len(slept)
    assert journal.read(bench.journal).state == "finished"
