# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files are written durably or not at all, read within bounds, and locked without waiting."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
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
