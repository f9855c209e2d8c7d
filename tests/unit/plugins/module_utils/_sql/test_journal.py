# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: what is in it is true, whatever happened to the run that wrote it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import journal

SHA = "a" * 64


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "x.sql.journal")


def test_nothing_recorded(path: str) -> None:
    progress = journal.read(path)
    assert progress.state == "none"
    assert progress.total is None
    assert progress.done == {}
    assert progress.unknown is None


def test_says_what_ran(path: str) -> None:
    with journal.Journal(path, SHA, 3) as book:
        book.started(1, "tag")
        book.done(1, query_id="q1", rowcount=4, seconds=0.5)
        book.started(2, "tag")
        book.failed(2, errno=3001, query_id="q2")
    progress = journal.read(path)
    assert progress.state == "partial"
    assert (progress.sha256, progress.total) == (SHA, 3)
    assert list(progress.done) == [1]
    assert progress.done[1]["query_id"] == "q1"
    assert progress.unknown is None


def test_goes_on_where_it_was(path: str) -> None:
    with journal.Journal(path, SHA, 2) as book:
        book.started(1, "tag")
        book.done(1)
    with journal.Journal(path, SHA, 2) as book:
        assert list(book.progress.done) == [1]
        book.started(2, "tag")
        book.done(2)
        book.finished("Snowflake")
    progress = journal.read(path)
    assert progress.state == "finished"
    assert list(progress.done) == [1, 2]


def test_a_statement_without_an_end_is_in_doubt(path: str) -> None:
    with journal.Journal(path, SHA, 2) as book:
        book.started(2, "the run's tag")
    unknown = journal.read(path).unknown
    assert unknown is not None
    assert (unknown["index"], unknown["tag"]) == (2, "the run's tag")


def test_only_its_owner_can_read_it(path: str) -> None:
    Path(path).touch(mode=0o644)
    journal.Journal(path, SHA, 1).close()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_every_torn_end_reads_as_the_events_before_it(path: str) -> None:
    with journal.Journal(path, SHA, 2) as book:
        book.started(1, "tag")
        book.done(1, query_id="q1")
    raw = Path(path).read_bytes()
    whole = raw.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(whole, len(raw)):
        Path(path).write_bytes(raw[:cut])
        progress = journal.read(path)
        assert progress.done == {}
        assert progress.unknown is not None
        with journal.Journal(path, SHA, 2) as book:
            book.done(1, query_id="q1")
        assert list(journal.read(path).done) == [1]
        assert all(json.loads(line) for line in Path(path).read_text().splitlines())


@pytest.mark.parametrize(
    "damage",
    [
        b"rubbish\n",
        b"[]\n",
        b'{"event": "danced"}\n',
        b'{"event": "done"}\n',
        b"\xff\n",
        b'{"event": "started"}\n',
        b'{"event": "started", "index": 3}\n',
        b'{"event": "started", "index": 1}\n',
        b'{"event": "done", "index": true, "time": ""}\n',
        b'{"event": "done", "index": 0}\n',
    ],
)
def test_refuses_damage_elsewhere(path: str, damage: bytes) -> None:
    with journal.Journal(path, SHA, 2) as book:
        book.started(1, "tag")
    raw = Path(path).read_bytes()
    Path(path).write_bytes(raw + damage + raw)
    with pytest.raises(journal.JournalError, match="Line 3"):
        journal.read(path)
    with pytest.raises(journal.JournalError, match="Line 3"):
        journal.Journal(path, SHA, 2)


def test_refuses_the_journal_of_another_script(path: str) -> None:
    journal.Journal(path, SHA, 2).close()
    before = Path(path).read_bytes()
    with pytest.raises(journal.JournalError, match="another script") as caught:
        journal.Journal(path, "b" * 64, 2)
    assert caught.value.code == "script_changed"
    assert Path(path).read_bytes() == before


def test_refuses_a_journal_that_counts_other_statements(path: str) -> None:
    journal.Journal(path, SHA, 2).close()
    with pytest.raises(journal.JournalError, match=r"counts 2 statements.* counts 3"):
        journal.Journal(path, SHA, 3)


def test_knows_every_query_id(path: str) -> None:
    with journal.Journal(path, SHA, 2) as book:
        book.started(1, "tag")
        book.done(1, query_id="q1")
        book.started(2, "tag")
        book.failed(2, query_id="q2")
    assert journal.read(path).query_ids == {"q1", "q2"}


def test_a_line_that_the_disk_takes_only_in_part_is_an_error(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with journal.Journal(path, SHA, 2) as book, monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda handle, line: write(handle, line[:9]))
        with pytest.raises(journal.JournalError, match="No space left"):
            book.started(1, "tag")
    assert journal.read(path).unknown is None
    with journal.Journal(path, SHA, 2) as book:
        book.started(1, "tag")
    assert journal.read(path).unknown is not None


def test_does_not_write_a_journal_that_was_removed_meanwhile(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.Journal(path, SHA, 2).close()
    flock = fcntl.flock

    def slow(handle: int, how: int) -> None:
        os.unlink(path)
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    with pytest.raises(journal.Locked):
        journal.Journal(path, SHA, 2)
    assert not os.path.exists(path)


def test_a_file_system_without_locks_is_no_other_run(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*args: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(journal.JournalError, match="can't be locked") as caught:
        journal.Journal(path, SHA, 2)
    assert caught.value.code == "journal"


def test_a_second_run_is_refused_while_the_first_is_at_work(path: str) -> None:
    with journal.Journal(path, SHA, 2):
        with pytest.raises(journal.Locked):
            journal.Journal(path, SHA, 2)
        with pytest.raises(journal.Locked):
            journal.remove(path)
    journal.Journal(path, SHA, 2).close()


def test_a_killed_run_leaves_no_lock(path: str) -> None:
    program = (
        "import time\n"
        "from ansible_collections.community.immuta.plugins.module_utils._sql import journal\n"
        f"book = journal.Journal({path!r}, {SHA!r}, 2)\n"
        "book.started(1, 'tag')\n"
        "print('locked', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    with pytest.raises(journal.Locked):
        journal.Journal(path, SHA, 2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    end = time.monotonic() + 5
    while True:
        try:
            book = journal.Journal(path, SHA, 2)
            break
        except journal.Locked:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert book.progress.unknown is not None
    book.close()


def test_an_event_is_on_the_disk_before_the_call_returns(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order = []
    write, fsync = os.write, os.fsync
    monkeypatch.setattr(os, "write", lambda *args: order.append("write") or write(*args))
    monkeypatch.setattr(os, "fsync", lambda *args: order.append("sync") or fsync(*args))
    with journal.Journal(path, SHA, 1) as book:
        order.clear()
        book.started(1, "tag")
    assert order == ["write", "sync"]


def test_says_when_it_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(journal.JournalError, match="can't be written"):
        journal.Journal(str(tmp_path / "no" / "such"), SHA, 1)


def test_records_what_others_have_run(path: str) -> None:
    journal.mark_finished(path, sha256=SHA, total=5, by="operator")
    progress = journal.read(path)
    assert (progress.state, progress.total) == ("finished", 5)


def test_removes(path: str) -> None:
    journal.remove(path)
    journal.Journal(path, SHA, 1).close()
    journal.remove(path)
    assert not os.path.exists(path)
