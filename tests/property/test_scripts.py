# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any script, on a platform with any faults, run again until it ends: each statement has its effect, and only one."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import typing as t
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.immuta.plugins.module_utils._sql import journal, loaded_script
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Doubt, Found, Problem, Record
from ansible_collections.community.immuta.plugins.module_utils._work import script
from ansible_collections.community.immuta.tests.harness.inprocess import Done, do

# None of the statements stands in a script twice, so that an effect can be told from another's.
STATEMENTS = [
    "USE ROLE a",
    "SET x = 1",
    "ALTER SESSION SET QUERY_TAG = 'x'",
    "DROP DATABASE IF EXISTS a",
    "DROP DATABASE b",
    "REVOKE ROLE c FROM USER d",
    "CALL clean_up('secret;word')",
    'DROP USER IF EXISTS "é;"',
    "BEGIN DROP TABLE a; DROP TABLE b; END",
]
SCRIPTS = st.lists(st.sampled_from(STATEMENTS), unique=True, min_size=1, max_size=7).flatmap(
    lambda chosen: st.lists(
        st.sampled_from([";\n", ";", " ;\r\n", "; -- a;b\n", ";;\n/* c; */ "]),
        min_size=len(chosen),
        max_size=len(chosen),
    ).map(lambda ends: "".join(text + end for text, end in zip(chosen, ends)))
)
Kind = t.Literal["fine", "refused", "lost before", "lost after", "killed before", "killed after"]
FAULTS = st.lists(
    st.sampled_from(["fine", "fine", "fine", "refused", "lost before", "lost after", "killed before", "killed after"]),
    max_size=8,
)


class Killed(BaseException):
    """The end of the process."""


class Trouble(Exception):
    """A fault that the client tells."""


@dataclasses.dataclass
class Platform:
    """A platform in memory, that knows what has run on it.

    :ivar faults: what happens to the statements to come, in order; afterwards all is well
    :ivar effects: the texts that had an effect
    :ivar history: query id, text, and whether it ran
    :ivar named: whether a client learns the query id of a statement whose answer is lost
    """

    faults: list[str]
    named: bool = False
    effects: list[str] = dataclasses.field(default_factory=list)
    history: list[Record] = dataclasses.field(default_factory=list)
    connections: int = 0

    def target(self) -> type[script.Target]:
        """The platform as a module takes it."""
        outer = self

        class Target:
            name, dialect, present, obstacle = "Memory", "snowflake", (), ""

            def __init__(self, params: dict[str, t.Any], tag: str) -> None:
                self.tag, self.session = tag, {"user": "somebody"}

            def connect(self) -> t.Any:
                outer.connections += 1
                return Connection(outer)

            def query_id(self, cursor: t.Any) -> str | None:
                return f"q{len(outer.history)}"

            def reader(self, cursor: t.Any) -> t.Any:
                return cursor

            def answer(self, cursor: t.Any) -> str | None:
                return None

            def problem(self, error: Exception, cursor: t.Any) -> Problem | None:
                if not isinstance(error, Trouble):
                    return None
                lost = "lost" in str(error)
                query_id = f"q{len(outer.history)}" if outer.named or not lost else None
                return Problem("no", errno=1, query_id=query_id, lost=lost)

            def find(self, cursor: t.Any, doubt: Doubt) -> Found | None:
                fitting = [one for one in outer.history if one.text == doubt.text]
                return Found(fitting[-1].state, fitting[-1].query_id) if fitting else None

        return Target


class Connection:
    """A session, and its cursor. Whoever looks finds nothing."""

    rowcount = 1
    description = (("name",),)

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def cursor(self) -> Connection:
        return self

    def close(self) -> None:
        """Nothing to do."""

    def fetchall(self) -> list[tuple[str, ...]]:
        return []

    def execute(self, text: str) -> None:
        platform = self.platform
        fault = platform.faults.pop(0) if platform.faults else "fine"
        ran = fault in ("fine", "lost after", "killed after")
        platform.history.append(Record(f"q{len(platform.history) + 1}", text, "done" if ran else "failed", "run"))
        if ran:
            platform.effects.append(text)
        if fault.startswith("killed"):
            raise Killed
        if fault != "fine":
            raise Trouble(fault)


PARAMS = {
    "path": None,
    "script": None,
    "expected_sha256": None,
    "journal": None,
    "preflight": False,
    "objects": None,
    "expected_hosts": None,
    "missing_objects": "accept",
    "existing_objects": "fail",
    "look_for": "removed",
    "verify": False,
    "on_unknown": "fail",
    "other_session": "fail",
    "expected_session": None,
    "never_created": None,
    "found_before": None,
    "pause_after": None,
    "skip": None,
}


class Bench:
    """A script in a folder, and a platform."""

    def __init__(self, folder: str, text: str, platform: Platform) -> None:
        self.path = os.path.join(folder, "script.sql")
        Path(self.path).write_bytes(text.encode())
        self.folder = folder
        self.platform = platform
        self.script = loaded_script.load(self.path, "snowflake")

    def run(self, *, check: bool = False, **own: t.Any) -> Done | None:
        """One run; None when it was killed."""
        try:
            return do(
                lambda context: script.ensure_executed(context, self.platform.target()),
                {**PARAMS, "path": self.path, **own},
                check=check,
            )
        except Killed:
            return None

    def look(self) -> t.Any:
        """All that a run might change."""
        files = {
            path: (path.read_bytes(), path.lstat().st_mode, path.lstat().st_mtime_ns)
            for path in Path(self.folder).iterdir()
        }
        return files, list(self.platform.history), self.platform.connections

    def lines(self, of: t.Callable[[int], bool]) -> str:
        """Statements, as the diff shows them."""
        return "".join(
            f"{one.index}. {' '.join(filter(None, (one.verb, one.kind, one.name)))}\n"
            for one in self.script.statements
            if of(one.index)
        )

    @property
    def recorded(self) -> str:
        """The statements that have run, as the journal says."""
        progress = journal.read(journal.journal_path(self.path))
        return self.lines(lambda index: progress.state == "finished" or index in progress.done)


@given(SCRIPTS, FAULTS, st.booleans())
@settings(max_examples=150)
def test_a_script_is_run_to_its_end_once(text: str, faults: list[str], named: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder, text, Platform(list(faults), named))
        done = None
        for _attempt in range(len(faults) + 1):
            before, recorded = bench.look(), bench.recorded
            told = bench.run(check=True)
            assert told is not None
            assert bench.look() == before
            assert told.good.diff is not None
            assert told.good.diff["before"] == recorded
            done = bench.run()
            if done is not None and done.failure is None:
                break
            assert done is None or done.code == "statement_failed"
        assert done is not None
        assert (done.good.changed, done.good.diff) == (told.good.changed, told.good.diff)
        for name in ("path", "sha256", "dialect", "total", "resumed"):
            assert done.good.result[name] == told.good.result[name]
        assert done.good.diff is not None
        assert done.good.diff["after"] == bench.recorded == bench.lines(lambda index: True)

        effects = bench.platform.effects
        for one in bench.script.statements:
            count = effects.count(one.text)
            assert count == 1 or (count > 1 and (one.is_session or one.is_repeatable)), (one.text, effects)
        firsts = [effects.index(one.text) for one in bench.script.statements]
        assert firsts == sorted(firsts)

        for check in (True, False):
            after = bench.look()
            again = bench.run(check=check)
            assert again is not None
            assert again.good.changed is False
            assert again.good.diff is not None
            assert again.good.diff["before"] == again.good.diff["after"] == done.good.diff["after"]
            assert bench.look() == after


@given(SCRIPTS)
def test_pauses_change_nothing_but_the_session(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder, text, Platform([]))
        done = bench.run(pause_after=1e-9)
        while done is not None and done.good.result["paused"]:
            assert done.good.diff is not None
            assert done.good.diff["after"] == bench.recorded
            done = bench.run(pause_after=1e-9)
        assert done is not None
        statements = bench.script.statements
        lasting = [one.text for one in statements if not one.is_session]
        session = {one.text for one in statements if one.is_session}
        assert [one for one in bench.platform.effects if one not in session] == lasting
        assert bench.recorded == bench.lines(lambda index: True)
        # There is a pause behind each statement, up to the first on whose session others may depend.
        free = next((one.index for one in statements if one.is_bound), len(statements))
        assert bench.platform.connections == free


@given(SCRIPTS, FAULTS)
def test_a_run_that_ends_badly_tells_what_has_run(text: str, faults: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder, text, Platform([one for one in faults if not one.startswith("killed")]))
        done = bench.run()
        assert done is not None
        if done.failure is None:
            return
        rows = done.failure.result["statements"]
        assert bench.recorded == bench.lines(lambda index: rows[index - 1]["status"] == "done")
        certain = [one.text for one, row in zip(bench.script.statements, rows) if row["status"] == "done"]
        assert [one for one in bench.platform.effects if one in certain] == certain
        assert all(row["status"] == "not_run" for row in rows[len(certain) + 1 :])
        assert rows[len(certain)]["status"] in ("failed", "unknown")


@given(SCRIPTS, st.sampled_from(["fail", "rerun"]))
def test_without_knowledge_nothing_in_doubt_is_sent_again(text: str, on_unknown: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        platform = Platform(["killed after"])
        bench = Bench(folder, text, platform)
        assert bench.run() is None
        platform.history.clear()
        doubtful = bench.script.statements[0]
        done = bench.run(on_unknown=on_unknown)
        assert done is not None
        if on_unknown == "rerun" or doubtful.is_repeatable:
            assert done.good.changed
            assert platform.effects.count(doubtful.text) == 2
        else:
            assert done.code == "unknown_outcome"
            assert platform.effects == [doubtful.text]


@given(SCRIPTS, st.booleans())
def test_check_mode_before_the_script_is_there(text: str, preflight: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder, text, Platform([]))
        os.unlink(bench.path)
        told = bench.run(check=True, preflight=preflight)
        Path(bench.path).write_bytes(text.encode())
        done = bench.run(preflight=preflight)
        assert told is not None and done is not None
        assert told.good.changed is done.good.changed is not preflight
        assert told.warnings
        assert {name: done.good.result[name] for name in ("path",) if name in told.good.result} == {
            name: told.good.result[name] for name in ("path",) if name in told.good.result
        }
