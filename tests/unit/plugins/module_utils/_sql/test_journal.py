# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: what is in it is true, whatever happened to the run that wrote it."""

from __future__ import annotations

import datetime
import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import journal

SHA = "a" * 64


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "x.sql.journal")


def remove(path: str) -> None:
    with journal.removing(path):
        pass


def test_nothing_recorded(path: str) -> None:
    progress = journal.read(path)
    assert progress.state == "none"
    assert progress.sha256 is None
    assert progress.total is None
    assert progress.done == {}
    assert progress.query_ids == set()
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


def test_says_which_run_ran_what_and_what_was_seen(path: str) -> None:
    clock = iter(f"2026-01-01T00:00:{second:02d}.000+00:00" for second in range(60))

    def book() -> journal.Journal:
        return journal.Journal(path, SHA, 2, before={"objects": [1]}, now=lambda: next(clock))

    with book() as one:
        one.started(1, "a", {"user": "U"})
        one.done(1)
    with book() as one:
        one.started(2, "b", {"user": "V"})
        one.failed(2)
        one.started(2, "b", {"user": "V"})
        one.done(2)
        one.finished("Snowflake", {"objects": [2]})
    progress = journal.read(path)
    assert (progress.before, progress.after) == ({"objects": [1]}, {"objects": [2]})
    assert [
        (run["tag"], run["session"]["user"], run["started"][17:19], run["ended"][17:19]) for run in progress.runs
    ] == [
        ("a", "U", "01", "02"),
        ("b", "V", "03", "06"),
    ]
    assert [(one["started"][17:19], one["time"][17:19]) for one in progress.done.values()] == [
        ("01", "02"),
        ("05", "06"),
    ]
    # Older versions write, and read, none of it.
    assert sum("session" in json.loads(line) for line in Path(path).read_text().splitlines()) == 2


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
        b'{"event": "done", "index": 0, "time": ""}\n',
        b'{"event": "done", "index": 3, "time": ""}\n',
        b'{"event": "done", "index": "1", "time": ""}\n',
        b'{"event": "done", "index": 1, "time": 5}\n',
        b'{"event": "begun", "sha256": "a", "total": "2"}\n',
        b'{"event": "begun", "sha256": "a", "total": true}\n',
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


def test_does_not_remove_a_journal_that_another_run_has_begun_meanwhile(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.Journal(path, SHA, 2).close()
    flock = fcntl.flock

    def slow(handle: int, how: int) -> None:
        os.unlink(path)
        Path(path).write_text("of another run")
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    with pytest.raises(journal.Locked):
        remove(path)
    assert Path(path).read_text() == "of another run"


def test_a_file_system_without_locks_is_no_other_run(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*args: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(journal.JournalError, match="can't be locked") as caught:
        journal.Journal(path, SHA, 2)
    assert caught.value.code == "journal"
    # Nobody knows whether a run is at work.
    assert fails(lambda: remove(path)).message == f"The journal {path} can't be removed: No locks available."
    assert os.path.exists(path)


def test_a_second_run_is_refused_while_the_first_is_at_work(path: str) -> None:
    with journal.Journal(path, SHA, 2):
        with pytest.raises(journal.Locked):
            journal.Journal(path, SHA, 2)
        with pytest.raises(journal.Locked):
            remove(path)
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
    end = time.monotonic() + 60
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
    remove(path)
    journal.Journal(path, SHA, 1).close()
    remove(path)
    assert not os.path.exists(path)


def test_is_held_while_something_else_is_removed(path: str) -> None:
    journal.Journal(path, SHA, 1).close()
    with journal.removing(path):
        fails(lambda: journal.Journal(path, SHA, 1))
    assert not os.path.exists(path)


def test_stays_when_something_else_can_not_be_removed(path: str) -> None:
    journal.Journal(path, SHA, 1).close()
    with pytest.raises(KeyError, match="a reason"), journal.removing(path):
        raise KeyError("a reason")
    journal.Journal(path, SHA, 1).close()


def fails(call: t.Callable[[], object]) -> journal.JournalError:
    with pytest.raises(journal.JournalError) as caught:
        call()
    return caught.value


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


def test_the_lines_of_a_run(path: str) -> None:
    times = iter(f"2026-01-02T03:04:0{second}Z" for second in range(9))
    with journal.Journal(path, SHA, 2, now=lambda: next(times)) as book:
        book.started(1, "tag")
        book.failed(1, errno=7, query_id="q1")
        book.started(1, "again")
        book.lost(1, "q2")
        book.done(1, query_id="q2", rowcount=3)
        book.finished("Snowflake")
    assert [json.loads(line) for line in Path(path).read_text().splitlines()] == [
        {"event": "begun", "sha256": SHA, "total": 2, "time": "2026-01-02T03:04:00Z"},
        {"event": "started", "index": 1, "tag": "tag", "time": "2026-01-02T03:04:01Z"},
        {"event": "failed", "index": 1, "errno": 7, "query_id": "q1", "time": "2026-01-02T03:04:02Z"},
        {"event": "started", "index": 1, "tag": "again", "time": "2026-01-02T03:04:03Z"},
        {"event": "lost", "index": 1, "query_id": "q2", "time": "2026-01-02T03:04:04Z"},
        {"event": "done", "index": 1, "query_id": "q2", "rowcount": 3, "time": "2026-01-02T03:04:05Z"},
        {"event": "finished", "by": "Snowflake", "time": "2026-01-02T03:04:06Z"},
    ]


def test_times_are_of_utc_and_name_it(path: str) -> None:
    before = datetime.datetime.now(datetime.timezone.utc)
    journal.Journal(path, SHA, 1).close()
    after = datetime.datetime.now(datetime.timezone.utc)
    recorded = json.loads(Path(path).read_text())["time"]
    moment = datetime.datetime.fromisoformat(recorded)
    assert moment.utcoffset() == datetime.timedelta(0)
    assert before - datetime.timedelta(milliseconds=1) <= moment <= after
    assert len(recorded) == len("2026-01-02T03:04:05.678+00:00")


def test_what_is_written_is_known_at_once(path: str) -> None:
    with journal.Journal(path, SHA, 2) as book:
        assert (book.progress.state, book.progress.sha256, book.progress.total) == ("partial", SHA, 2)
        book.started(1, "tag")
        assert book.progress.unknown is not None
        book.lost(1, "q1")
        assert (book.progress.unknown["query_id"], book.progress.unknown["tag"]) == ("q1", "tag")
        book.done(1, query_id="q1")
        assert book.progress.unknown is None
        assert book.progress.query_ids == {"q1"}
        book.started(2, "tag")
        book.finished("operator")
        assert (book.progress.state, book.progress.unknown) == ("finished", None)


def test_a_lost_answer_leaves_the_statement_in_doubt_under_its_id(path: str) -> None:
    with journal.Journal(path, SHA, 2) as book:
        book.started(2, "tag")
        book.lost(2, "q2")
    unknown = journal.read(path).unknown
    assert unknown is not None
    assert (unknown["index"], unknown["tag"], unknown["query_id"]) == (2, "tag", "q2")


@pytest.mark.parametrize(
    ("events", "damaged"),
    [
        ([("started", 1)], 1),
        ([("begun", 0), ("started", 2)], None),
        ([("begun", 0), ("started", 3)], 2),
        ([("begun", 0), ("lost", 1)], 2),
        ([("begun", 0), ("started", 1), ("lost", 2)], 3),
        ([("begun", 0), ("started", 1), ("done", 1), ("lost", 1)], 4),
        ([("begun", 0), ("started", 1), ("lost", 1), ("lost", 1)], None),
    ],
)
def test_events_in_an_impossible_order_are_damage(
    path: str, events: list[tuple[str, int]], damaged: int | None
) -> None:
    lines = [
        json.dumps({"event": event, "index": index, "sha256": SHA, "total": 2, "query_id": "q", "time": "now"})
        for event, index in events
    ]
    Path(path).write_text("".join(f"{line}\n" for line in lines))
    if damaged is None:
        assert journal.read(path).unknown is not None
        return
    for call in (lambda: journal.read(path), lambda: journal.Journal(path, SHA, 2)):
        error = fails(call)
        assert error.message == f"Line {damaged} of the journal {path} is damaged."
        assert error.hint == (
            "Find out from the platform which statements ran, and repair the journal or move it away."
        )
        assert error.code == "journal"


def test_says_whose_lock_it_is_and_what_to_do(path: str) -> None:
    with journal.Journal(path, SHA, 2):
        refused = fails(lambda: journal.Journal(path, SHA, 2))
        kept = fails(lambda: remove(path))
    assert refused.code == kept.code == "locked"
    assert refused.message == f"Another run is using this script: it has locked {path}."
    assert refused.hint == "Wait until it has ended, then run this again."
    assert kept.message == f"A run is using this script: it has locked {path}."
    assert kept.hint == "Wait until it has ended."


def test_says_which_script_a_journal_is_of(path: str) -> None:
    journal.Journal(path, SHA, 2).close()
    other = fails(lambda: journal.Journal(path, "b" * 64, 2))
    assert other.message == f"The journal {path} belongs to another script (sha256 {SHA})."
    assert other.hint == (
        "The script was changed after it had started to run. Restore it, or move the journal away to run it from the"
        " start."
    )
    longer = fails(lambda: journal.Journal(path, SHA, 3))
    assert longer.message == f"The journal {path} counts 2 statements in this script, and this run counts 3."
    assert longer.hint == (
        "Another version of this collection started to run it and split it differently. Finish it with that version."
    )
    assert longer.code == "journal"


def test_a_finished_script_may_be_counted_otherwise(path: str) -> None:
    journal.mark_finished(path, sha256=SHA, total=5, by="operator")
    with journal.Journal(path, SHA, 6) as book:
        assert (book.progress.state, book.progress.total) == ("finished", 5)
    assert fails(lambda: journal.Journal(path, "b" * 64, 5)).code == "script_changed"


def test_what_can_not_be_read_written_or_removed(tmp_path: Path) -> None:
    folder = str(tmp_path / "folder")
    os.mkdir(folder)
    assert fails(lambda: journal.read(folder)).message == f"The journal {folder} can't be read: Is a directory."
    error = fails(lambda: journal.Journal(folder, SHA, 1))
    assert error.message == f"The journal {folder} can't be written: Is a directory."
    assert error.hint == "Nothing was sent. Name another journal."
    # Here the first attempt to open it fails, in the other case only the removal.
    Path(tmp_path / "file").touch()
    below = str(tmp_path / "file" / "x")
    assert fails(lambda: remove(below)).message == f"The journal {below} can't be removed: Not a directory."
    assert fails(lambda: remove(folder)).message == f"The journal {folder} can't be removed: Is a directory."
    assert os.path.isdir(folder)


def test_a_full_disk_says_where_and_what_to_do(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, line: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with journal.Journal(path, SHA, 2) as book:
        monkeypatch.setattr(os, "write", full)
        error = fails(lambda: book.started(1, "tag"))
        assert error.message == f"The journal {path} can't be written: No space left on device."
        assert error.hint == "Free some space and run this again; the journal says where to continue."
        assert book.progress.unknown is None


def test_a_disk_that_does_not_sync_is_an_error(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with journal.Journal(path, SHA, 2) as book:
        monkeypatch.setattr(os, "fsync", broken)
        assert "Input/output error" in fails(lambda: book.started(1, "tag")).message
        assert book.progress.unknown is None


def test_a_journal_of_another_user_is_refused_and_not_kept_locked(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fchmod", refuse)
        error = fails(lambda: journal.Journal(path, SHA, 2))
    assert error.message == f"The journal {path} can't be written: Operation not permitted."
    assert error.hint == "Nothing was sent. Name another journal."
    journal.Journal(path, SHA, 2).close()


def test_a_lock_that_fails_leaves_nothing_that_others_can_read(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*args: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    before = os.umask(0)
    try:
        error = fails(lambda: journal.Journal(path, SHA, 2))
    finally:
        os.umask(before)
    assert error.message == f"The journal {path} can't be locked: No locks available."
    assert error.hint == "Nothing was sent. Name a journal on a file system that supports locks."
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_every_way_out_gives_the_file_free(path: str, tmp_path: Path) -> None:
    before = open_files()
    journal.Journal(path, SHA, 2).close()
    fails(lambda: journal.Journal(path, "b" * 64, 2))
    journal.read(path)
    with journal.Journal(path, SHA, 2):
        fails(lambda: journal.Journal(path, SHA, 2))
        fails(lambda: remove(path))
    fails(lambda: remove(str(tmp_path)))
    remove(path)
    journal.mark_finished(path, sha256=SHA, total=2, by="operator")
    assert open_files() == before


def test_its_name_is_on_the_disk_too(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, int]] = []
    fsync = os.fsync

    def spy(handle: int) -> None:
        about = os.fstat(handle)
        synced.append(("folder" if stat.S_ISDIR(about.st_mode) else "file", about.st_ino))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", spy)
    folder = ("folder", os.stat(os.path.dirname(path)).st_ino)
    journal.Journal(path, SHA, 2).close()
    assert synced == [("file", os.stat(path).st_ino), folder]
    synced.clear()
    journal.Journal(path, SHA, 2).close()
    # Nothing new was written, nothing has to be synced.
    assert synced == []
    remove(path)
    assert synced == [folder]


def test_a_path_without_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    journal.mark_finished("j", sha256=SHA, total=1, by="operator")
    assert journal.read("j").state == "finished"
    remove("j")
    assert os.listdir(tmp_path) == []


def test_records_who_has_run_it(path: str) -> None:
    journal.mark_finished(path, sha256=SHA, total=5, by="operator")
    assert json.loads(Path(path).read_text().splitlines()[-1])["by"] == "operator"
    assert journal.read(path).sha256 == SHA


def test_is_beside_the_script() -> None:
    assert journal.journal_path("/a/x.sql") == "/a/x.sql.journal"


def test_a_torn_end_is_cut_off_before_anything_is_appended(path: str) -> None:
    with journal.Journal(path, SHA, 2) as book:
        book.started(1, "tag")
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole + b'{"event": "done", "index": 1')
    journal.Journal(path, SHA, 2).close()
    assert Path(path).read_bytes() == whole


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one line without an end", "The file {path} is not a journal of this collection."),
        (b"host=db\nport=5432\n", "The file {path} is not a journal of this collection."),
        (b"{}\n", "The file {path} is not a journal of this collection."),
        (b"5", "The file {path} is not a journal of this collection."),
        (b'{"event": "begun", "sha": "', "The file {path} is not a journal of this collection."),
        (b'{"event": "finished", "by": "x"}\n', "Line 1 of the journal {path} is damaged."),
    ],
)
@pytest.mark.parametrize("link", [False, True], ids=["file", "link"])
def test_a_file_of_something_else_is_left_alone(path: str, content: bytes, message: str, link: bool) -> None:
    file = Path(f"{path}.real" if link else path)
    file.write_bytes(content)
    if link:
        Path(path).symlink_to(file)
        message = "The journal {path} can't be"
    for call in (lambda: journal.read(path), lambda: journal.Journal(path, SHA, 1)):
        assert fails(call).message.startswith(message.format(path=path))
    assert file.read_bytes() == content


@pytest.mark.parametrize("length", range(0, 32, 5))
def test_a_journal_that_was_interrupted_at_once_is_started_again(path: str, length: int) -> None:
    with journal.Journal(path, SHA, 1):
        raw = Path(path).read_bytes()
    Path(path).write_bytes(raw[:length])
    assert journal.read(path).state == "none"
    with journal.Journal(path, SHA, 1) as book:
        assert book.progress.state == "partial"


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "open"])
def test_is_a_file_of_its_own_and_nothing_else_is_waited_for(path: str, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    elif kind == "link":
        Path(path).symlink_to(f"{path}.real")
        journal.Journal(f"{path}.real", SHA, 1).close()
    else:
        journal.Journal(path, SHA, 1).close()
        os.chmod(path, 0o666)
    expected = ("journal", "not_own" if kind == "open" else "journal")
    for call in (
        lambda: journal.read(path),
        lambda: journal.Journal(path, SHA, 1),
        lambda: journal.mark_finished(path, sha256=SHA, total=1, by="x"),
        *([lambda: journal.require_usable(path, check_mode=True)] if kind != "open" else []),
    ):
        error = fails(call)
        assert error.code in expected
        assert path in error.message
    if kind != "open":
        assert "can't be removed" in fails(lambda: remove(path)).message


def test_is_tried_before_it_is_needed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.require_usable(path, check_mode=True)
    assert not os.path.exists(path)
    with journal.Journal(path, SHA, 1):
        raw = Path(path).read_bytes()
        journal.require_usable(path, check_mode=False)
    assert Path(path).read_bytes() == raw

    def no_locks(*_arguments: t.Any) -> t.NoReturn:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    error = fails(lambda: journal.require_usable(path, check_mode=True))
    assert error.message == f"The journal {path} can't be used: No locks available."
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]


def test_knows_what_was_left_out_and_what_was_rolled_back(path: str) -> None:
    with journal.Journal(path, SHA, 4) as book:
        for index in (1, 2):
            book.started(index, "tag")
            book.done(index)
        book.started(3, "tag")
        book.rolled_back(2)
        book.skipped(4, "gone")
    progress = journal.read(path)
    assert (list(progress.done), progress.unknown, progress.skipped) == ([1], None, {4: "gone"})
    assert progress.state == "partial"
