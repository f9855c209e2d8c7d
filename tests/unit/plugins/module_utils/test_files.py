# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files are written durably or not at all, read within bounds, and locked without waiting."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import multiprocessing
import os
import socket
import stat
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _files


def test_replaces_and_keeps_the_mode_private(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for data in (b"first", b""):
        _files.replace(str(path), data)
        assert path.read_bytes() == data
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    _files.replace(str(path), b"for all", 0o644)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("there", ["", "file", "folder", "link", "link into nowhere"])
def test_creates_where_there_is_nothing(tmp_path: Path, there: str) -> None:
    path, other = tmp_path / "x", tmp_path / "other"
    if there == "folder":
        path.mkdir()
    elif there == "file":
        path.write_text("mine")
    elif there:
        path.symlink_to(other)
        if there == "link":
            other.write_text("mine")
    before = sorted(os.listdir(tmp_path))
    if there:
        with pytest.raises(FileExistsError):
            _files.create(str(path), b"data")
        assert sorted(os.listdir(tmp_path)) == before
        assert there in ("folder", "link into nowhere") or path.read_text() == "mine"
    else:
        _files.create(str(path), b"data")
        assert path.read_bytes() == b"data"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.listdir(tmp_path) == ["x"]


def test_syncs_the_file_before_the_rename_and_the_folder_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, os.replace

    def noted_sync(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def noted_rename(source: str, target: str) -> None:
        order.append("rename")
        assert Path(source).read_bytes() == b"data"
        rename(source, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_rename)
    _files.replace(str(tmp_path / "x"), b"data")
    assert order == ["file", "rename", "folder"]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real", tmp_path / "x"
    link.symlink_to(real)
    _files.replace(str(link), b"data")
    assert link.is_symlink()
    assert real.read_bytes() == b"data"


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: BaseException
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail(*_arguments: t.Any) -> t.NoReturn:
        raise error

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(type(error)):
        _files.replace(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_removes_unfinished_files_of_the_dead_only(tmp_path: Path) -> None:
    dead, alive, other = tmp_path / ".x.1.new", tmp_path / ".x.2.new", tmp_path / ".y.1.new"
    for path in (dead, alive, other):
        path.touch()
    with alive.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _files.replace(str(tmp_path / "x"), b"data")
    assert sorted(os.listdir(tmp_path)) == [".x.2.new", ".y.1.new", "x"]
    _files.remove_unfinished(str(tmp_path / "x"))
    assert sorted(os.listdir(tmp_path)) == [".y.1.new", "x"]


def test_makes_folders_for_the_owner_only(tmp_path: Path) -> None:
    _files.make_folder(str(tmp_path / "a" / "b"))
    _files.make_folder(str(tmp_path / "a" / "b"))
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "a/b").stat().st_mode) == 0o700


def test_a_file_system_that_can_not_sync_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: int) -> t.NoReturn:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    _files.sync_folder(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        _files.sync_folder(str(tmp_path / "none"))


def test_reads_within_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    path.chmod(0o640)
    assert _files.read_regular(str(path), limit=None) == _files.read_regular(str(path), limit=5) == b"12345"
    assert _files.read_with_mode(str(path), limit=5) == (b"12345", 0o640)
    with pytest.raises(_files.TooLarge, match="Larger than 4 bytes"):
        _files.read_regular(str(path), limit=4)
    with pytest.raises(FileNotFoundError):
        _files.read_regular(str(tmp_path / "none"), limit=None)


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "device"])
def test_reads_regular_files_only_and_waits_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    # The name of a socket must be short.
    monkeypatch.chdir(tmp_path)
    path = "/dev/null" if kind == "device" else "x"
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            server.bind(path)
        elif kind == "folder":
            os.mkdir(path)
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(_files.NotRegular) as caught:
            _files.read_regular(path, limit=None)
    assert caught.value.strerror == ("Is a directory" if kind == "folder" else "Not a regular file")
    assert len(os.listdir("/proc/self/fd")) <= before


def test_appends_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "x").open("wb") as file:
        _files.append(file.fileno(), b"one\n")
        _files.append(file.fileno(), b"two\n")
        monkeypatch.setattr(os, "write", lambda handle, data: len(data) - 1)
        with pytest.raises(OSError, match="No space left"):
            _files.append(file.fileno(), b"three\n")
    assert (tmp_path / "x").read_bytes() == b"one\ntwo\n"


def test_locks_the_file_that_is_at_the_path(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    with path.open("rb") as mine, path.open("rb") as other:
        _files.lock_at(mine.fileno(), str(path))
        with pytest.raises(BlockingIOError):
            _files.lock(other.fileno())
    with path.open("rb") as mine:
        path.rename(tmp_path / "y")
        with pytest.raises(BlockingIOError):
            _files.lock_at(mine.fileno(), str(path))
        path.touch()
        with pytest.raises(BlockingIOError):
            _files.lock_at(mine.fileno(), str(path))


def test_removes_a_link_and_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "real").touch()
    (tmp_path / "x").symlink_to("real")
    _files.remove(str(tmp_path / "x"))
    assert os.listdir(tmp_path) == ["real"]


# Whose a file is


def expected_fault(tmp_path: Path, words: str) -> str:
    with pytest.raises(_files.NotOwn) as caught:
        _files.require_own(str(tmp_path / "a" / "b" / "x"))
    assert words in caught.value.strerror
    return str(caught.value.filename)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o770, 0o722, 0o702, 0o2775])
@pytest.mark.parametrize("place", ["a", "a/b", "a/b/x"])
def test_refuses_what_others_may_write(tmp_path: Path, place: str, mode: int) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").touch(0o600)
    (tmp_path / place).chmod(mode)
    words = f"other users may write to {tmp_path / place} (mode {mode:04o})"
    assert expected_fault(tmp_path, words) == str(tmp_path / place)
    with pytest.raises(_files.NotOwn):
        _files.read_own(str(tmp_path / "a" / "b" / "x"), limit=None)


@pytest.mark.parametrize("place", ["a", "a/b", "a/b/x", "a/l"])
def test_refuses_what_belongs_to_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").touch(0o600)
    (tmp_path / "a" / "l").symlink_to("b")
    if os.geteuid():
        monkeypatch.setattr(os, "geteuid", lambda: 4242)
    else:
        os.chown(tmp_path / place, 4242, -1, follow_symlinks=False)
    with pytest.raises(_files.NotOwn, match="belongs to another user"):
        _files.require_own(str(tmp_path / "a" / "l" / "x"))


@pytest.mark.parametrize(
    ("path", "modes"),
    [
        ("a/b/x", {"a": 0o755, "a/b": 0o700, "a/b/x": 0o644}),
        ("a/b/x", {"a": 0o1777, "a/b": 0o1770}),
        ("a/b/none", {"a/b": 0o500}),
        ("a/none/at/all", {}),
        ("a/b/../b/./x", {}),
        ("l/x", {}),
        ("a/up/b/x", {}),
    ],
)
def test_takes_what_only_this_user_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, modes: dict[str, int]
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").touch(0o600)
    (tmp_path / "l").symlink_to(tmp_path / "a" / "b")
    (tmp_path / "a" / "up").symlink_to("../a")
    for place, mode in modes.items():
        (tmp_path / place).chmod(mode)
    _files.require_own(str(tmp_path / path))
    monkeypatch.chdir(tmp_path)
    _files.require_own(path)


def test_a_link_is_followed_to_what_others_may_write(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "a" / "b" / "x").symlink_to("../../open/x")
    assert expected_fault(tmp_path, "other users may write") == str(tmp_path / "open")


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("y")
    (tmp_path / "y").symlink_to("x")
    with pytest.raises(OSError, match="Too many levels"):
        _files.require_own(str(tmp_path / "x"))


# Places


@pytest.mark.parametrize("held", [False, True], ids=["empty", "with a file"])
def test_a_failure_leaves_no_empty_folder(tmp_path: Path, held: bool) -> None:
    (tmp_path / "a").mkdir()

    def fail() -> None:
        with _files.reserved(str(tmp_path / "a" / "b" / "c" / "x")):
            if held:
                (tmp_path / "a" / "b" / "y").touch()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert [one.name for one in sorted(tmp_path.rglob("*"))] == (["a", "b", "y"] if held else ["a"])


def test_a_place_is_kept(tmp_path: Path) -> None:
    with _files.reserved(str(tmp_path / "a" / "b" / "x")):
        _files.replace(str(tmp_path / "a" / "b" / "x"), b"data")
        assert sorted(os.listdir(tmp_path / "a" / "b")) == [".x.reserved.new", "x"]
    assert os.listdir(tmp_path / "a" / "b") == ["x"]


@pytest.mark.parametrize("path", ["x", "a/x", "a/b/x"])
def test_a_place_is_tried_and_left_as_it_was(tmp_path: Path, path: str) -> None:
    tmp_path.chmod(0o755)
    os.utime(tmp_path, ns=(5, 7))
    _files.try_to_write(str(tmp_path / path))
    assert os.listdir(tmp_path) == []
    assert (tmp_path.stat().st_mtime_ns, stat.S_IMODE(tmp_path.stat().st_mode)) == (7, 0o755)


def _try_often(path: str) -> None:
    for _number in range(50):
        _files.try_to_write(path)


def test_places_in_one_new_folder_are_left_as_they_were(tmp_path: Path) -> None:
    os.utime(tmp_path, ns=(5, 7))
    context = multiprocessing.get_context("forkserver")
    paths = [str(tmp_path / path) for path in ("a/b/x", "a/b/y", "a/c/z", "x")]
    processes = [context.Process(target=_try_often, args=(path,)) for path in paths]
    for one in processes:
        one.start()
    for one in processes:
        one.join()
    assert [one.exitcode for one in processes] == [0] * len(paths)
    assert (os.listdir(tmp_path), tmp_path.stat().st_mtime_ns) == ([], 7)


def test_a_folder_that_another_process_keeps_to_itself_is_tried_nonetheless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    _files.try_to_write(str(tmp_path / "a" / "x"))
    os.close(handle)
    assert (os.listdir(tmp_path), 5 < sum(slept) < 10) == ([], True)


def test_a_place_that_another_has_is_not_free(tmp_path: Path) -> None:
    with _files.reserved(str(tmp_path / "a" / "x")):
        with pytest.raises(BlockingIOError):
            _files.try_to_write(str(tmp_path / "a" / "x"))
        _files.try_to_write(str(tmp_path / "a" / "y"))
        assert os.listdir(tmp_path / "a") == [".x.reserved.new"]


def test_a_place_that_another_has_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "a" / "x")
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    other = contextlib.ExitStack()
    other.enter_context(_files.reserved(path))

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if now[0] > 5:
            # It gives up, and takes the folder that it made along.
            other.close()

    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(BlockingIOError), _files.reserved(path, patience=3):
        pass
    with _files.reserved(path, patience=10):
        assert os.listdir(tmp_path / "a") == [".x.reserved.new"]
    assert os.listdir(tmp_path / "a") == []


def test_a_mark_that_a_killed_process_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".x.reserved.new").touch()
    with _files.reserved(str(tmp_path / "x")):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/proc/x", "No such file"),
        ("/proc/new/x", "No such file"),
        ("{folder}/" + "x" * 250, "File name too long"),
        ("{folder}", "Is a directory"),
        ("{folder}/file/x", "Not a directory"),
        ("{folder}/a/" + "x" * 250, "File name too long"),
    ],
)
def test_a_place_where_nothing_can_be_written(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "file").touch()
    for call in (_files.try_to_write, lambda place: _files.reserved(place, patience=5).__enter__()):
        with pytest.raises(OSError, match=reason):
            call(path.format(folder=tmp_path))
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["fsync", "write"])
def test_a_place_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def full(*_arguments: t.Any) -> t.NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space"), _files.reserved(str(tmp_path / "x")):
        pass
    assert os.listdir(tmp_path) == []


def test_a_file_system_without_locks_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_arguments: t.Any) -> t.NoReturn:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(OSError, match="No locks"), _files.reserved(str(tmp_path / "x"), patience=5):
        pass
    assert os.listdir(tmp_path) == []


def test_a_pipe_among_unfinished_files_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".x.1.new")
    _files.replace(str(tmp_path / "x"), b"data")
    assert sorted(os.listdir(tmp_path)) == [".x.1.new", "x"]
    os.rename(tmp_path / ".x.1.new", tmp_path / ".x.reserved.new")
    with pytest.raises(_files.NotRegular), _files.reserved(str(tmp_path / "x"), patience=5):
        pass
