# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script's file: recognised, durable, never mixed up."""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import json
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script, script_file
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import Refused

OWNER = saved_script.Owner("https://tenant.example", "prod /* ' \n -- ☃", 5, "Snowflake", "snowflake")
BODY = "DROP DATABASE IMMUTA;\r\n-- naïve {{ x }}\n"


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "folder" / "x.sql")
    raw = saved_script.contents(OWNER, BODY)
    script_file.save(path, raw)
    saved = saved_script.read(path)
    assert saved is not None
    assert (saved.owner, saved.body, saved.intact) == (OWNER, BODY, True)
    assert saved.sha256 == script_file.digest(raw)
    assert saved.size == len(raw)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o700
    assert stat.S_IMODE(os.stat(tmp_path / "new" / "folder").st_mode) == 0o700


def test_hosts_are_kept_and_files_of_older_versions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_bytes(
        b'-- community.immuta clean-up script, do not edit: {"connection_key": "k", "dialect": "snowflake",'
        b' "integration_id": 5, "sha256": "e004ebd5b5532a4b85984a62f8ad48a81aa3460c1ca07701f386135d72cdecf5", "technology":'
        b' "Snowflake", "url": "https://t", "version": 1}\nSELECT 1'
    )
    older = saved_script.read(str(path))
    assert older is not None
    assert (older.owner.hosts, older.intact) == ((), True)
    assert saved_script.contents(older.owner, older.body) == path.read_bytes()
    owner = dataclasses.replace(older.owner, hosts=("a.example", "b.example"))
    script_file.save(str(path), saved_script.contents(owner, older.body))
    newer = saved_script.read(str(path))
    assert newer is not None
    assert (newer.owner, newer.owner.config, newer.owner.older[1]) == (owner, None, older.owner)
    config = Configuration(type="Snowflake", id=5, host="a.example", database="IMMUTA", port=443)
    today = dataclasses.replace(owner, config=config)
    script_file.save(str(path), saved_script.contents(today, older.body))
    again = saved_script.read(str(path))
    assert again is not None
    assert (again.owner, again.owner.older) == (today, (owner, older.owner))


def test_a_regenerated_script_says_so_in_its_first_line(tmp_path: Path) -> None:
    owner = dataclasses.replace(
        OWNER, integration_id=None, regenerated=True, config=Configuration(type="Snowflake", host="h", database="D")
    )
    path = tmp_path / "x.sql"
    script_file.save(str(path), saved_script.contents(owner, BODY))
    saved = saved_script.read(str(path))
    assert saved is not None
    assert (saved.owner, saved.intact, owner.older) == (owner, True, ())
    assert '"regenerated": true' in path.read_text().partition("\n")[0]
    assert "regenerated" not in saved_script.contents(OWNER, BODY).decode()


@pytest.mark.parametrize(
    "about",
    [
        {"config": "Snowflake"},
        {"config": ["type"]},
        {"config": {"password": "x"}},
        {"config": {"host": 5}},
        {"config": {"id": True}},
        {"config": {"host": "user:secret@h"}},
        {"regenerated": "yes"},
        {"regenerated": None},
    ],
    ids=str,
)
def test_a_first_line_that_is_not_ours_makes_no_saved_script(tmp_path: Path, about: dict[str, t.Any]) -> None:
    head, _line, body = saved_script.contents(OWNER, BODY).decode().partition("\n")
    known = {**json.loads(head[len(saved_script.MARK) :]), **about}
    (tmp_path / "x.sql").write_text(f"{saved_script.MARK}{json.dumps(known)}\n{body}")
    with pytest.raises(Refused, match="not a clean-up script"):
        saved_script.read(str(tmp_path / "x.sql"))


@pytest.mark.parametrize("hosts", ["a.example", [5], {"a": 1}, None])
def test_hosts_that_are_none_make_no_saved_script(tmp_path: Path, hosts: t.Any) -> None:
    head, _line, body = saved_script.contents(OWNER, BODY).decode().partition("\n")
    about = {**json.loads(head[len(saved_script.MARK) :]), "hosts": hosts}
    (tmp_path / "x.sql").write_text(f"{saved_script.MARK}{json.dumps(about)}\n{body}")
    with pytest.raises(Refused, match="not a clean-up script"):
        saved_script.read(str(tmp_path / "x.sql"))


def test_the_mark_is_one_comment_line_whatever_the_key_holds() -> None:
    head, below = saved_script.contents(OWNER, BODY).split(b"\n", 1)
    assert head.startswith(b"-- ")
    assert head.isascii()
    assert below.decode() == BODY


def test_contents_are_the_same_each_time() -> None:
    assert saved_script.contents(OWNER, BODY) == saved_script.contents(OWNER, BODY)


def test_nothing_there(tmp_path: Path) -> None:
    assert saved_script.read(str(tmp_path / "x.sql")) is None


@pytest.mark.parametrize("cut", [1, 10, len(BODY) - 1])
def test_a_damaged_file_is_not_intact(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.sql"
    path.write_bytes(saved_script.contents(OWNER, BODY)[:-cut])
    saved = saved_script.read(str(path))
    assert saved is not None
    assert not saved.intact


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"DROP DATABASE IMMUTA;\n",
        b"-- community.immuta clean-up script, do not edit: \n",
        b"-- community.immuta clean-up script, do not edit: {}\n",
        b"-- community.immuta clean-up script, do not edit: []\n",
        b'-- community.immuta clean-up script, do not edit: {"version": 2, "sha256": "x"}\n',
        "-- community.immuta clean-up script, do not edit: ☃\n".encode(),
    ],
)
def test_refuses_a_file_of_someone_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.sql"
    path.write_bytes(content)
    with pytest.raises(Refused, match="not a clean-up script"):
        saved_script.read(str(path))
    assert path.read_bytes() == content


def test_refuses_a_folder(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not a regular file"):
        saved_script.read(str(tmp_path))


def test_refuses_a_link_into_nowhere(tmp_path: Path) -> None:
    (tmp_path / "x.sql").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Refused, match="broken symbolic link"):
        saved_script.read(str(tmp_path / "x.sql"))


def test_follows_a_link_to_a_script(tmp_path: Path) -> None:
    script_file.save(str(tmp_path / "real.sql"), saved_script.contents(OWNER, BODY))
    (tmp_path / "x.sql").symlink_to(tmp_path / "real.sql")
    script_file.save(str(tmp_path / "x.sql"), saved_script.contents(OWNER, "SELECT 1;"))
    assert (tmp_path / "x.sql").is_symlink()
    saved = saved_script.read(str(tmp_path / "real.sql"))
    assert saved is not None
    assert saved.body == "SELECT 1;"


def test_refuses_a_path_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused):
        saved_script.read(str(tmp_path / "file" / "x.sql"))


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("{folder}/" + "x" * 250, "File name too long"),
        ("/proc/not/there/x.sql", "No such file or directory"),
        ("{folder}/file/x.sql", "Not a directory"),
    ],
)
def test_tries_the_place_and_leaves_nothing(tmp_path: Path, path: str, reason: str, check_mode: bool) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(Refused, match=f"can't be used: {reason}") as caught,
        script_file.reserved(path.format(folder=tmp_path), check_mode=check_mode),
    ):
        pass
    assert caught.value.hint == "Name a path where the user of this task can write and lock files."
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_system_without_locks_is_found_out_while_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_arguments: t.Any) -> t.NoReturn:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(Refused, match="not supported"), script_file.reserved(str(tmp_path / "x"), check_mode=False):
        pass


def test_another_run_that_saves_there_is_waited_for_and_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "x.sql")
    monkeypatch.setattr(script_file, "PATIENCE", 0.0)
    with script_file.reserved(path, check_mode=False):
        with pytest.raises(Refused, match="Another run is saving") as caught:
            script_file.reserved(path, check_mode=True).__enter__()
        assert caught.value.code == "locked"


@pytest.mark.parametrize(("place", "mode"), [(".", 0o777), ("x.sql", 0o666), ("x.sql", 0o660)])
def test_refuses_what_others_may_write(tmp_path: Path, place: str, mode: int) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    script_file.save(str(folder / "x.sql"), saved_script.contents(OWNER, BODY))
    (folder / place).chmod(mode)
    for call in (saved_script.read, lambda path: script_file.reserved(path, check_mode=True).__enter__()):
        with pytest.raises(Refused, match="can't be trusted: other users may write") as caught:
            call(str(folder / "x.sql"))
        assert (caught.value.code, "chmod go-w" in caught.value.hint) == ("not_own", True)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "x.sql"
    script_file.save(str(path), saved_script.contents(OWNER, BODY))
    before = path.read_bytes()

    def full(*args: t.Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(script_file.NotSaved, match="No space left"):
        script_file.save(str(path), saved_script.contents(OWNER, "SELECT 1;"))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.sql"]


def test_reads_back_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def corrupt(source: str, target: str) -> None:
        replace(source, target)
        Path(target).write_bytes(b"something else")

    monkeypatch.setattr(os, "replace", corrupt)
    with pytest.raises(script_file.NotSaved, match="not what was written"):
        script_file.save(str(tmp_path / "x.sql"), saved_script.contents(OWNER, BODY))


def test_removes(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    script_file.save(str(path), saved_script.contents(OWNER, BODY))
    script_file.remove(str(path))
    assert os.listdir(tmp_path) == []


def test_removes_a_link_and_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real.sql", tmp_path / "x.sql"
    link.symlink_to(real)
    script_file.save(str(link), saved_script.contents(OWNER, BODY))
    (tmp_path / "elsewhere" / ".real.sql.abc.new").write_text("half of a script")
    script_file.remove(str(link))
    assert os.listdir(tmp_path) == ["elsewhere"]
    assert os.listdir(tmp_path / "elsewhere") == []


@pytest.mark.parametrize(
    ("call", "work", "message"),
    [
        ("unlink", script_file.remove, "can't be removed: Read-only"),
        ("chmod", script_file.restrict, "may read the script"),
    ],
)
def test_says_so_when_the_file_is_not_to_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, work: t.Callable[[str], None], message: str
) -> None:
    path = tmp_path / "x.sql"
    script_file.save(str(path), saved_script.contents(OWNER, BODY))

    def refuse(*args: t.Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(Refused, match=message) as caught:
        work(str(path))
    assert caught.value.hint


def test_removes_what_a_killed_run_has_left_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "script.sql"
    left, others = tmp_path / ".script.sql.abc.new", tmp_path / ".other.sql.abc.new"
    for one in (left, others):
        one.write_text("half of a script")
    script_file.save(str(path), b"whole")
    assert {one.name for one in tmp_path.iterdir()} == {path.name, others.name}
    left.write_text("half of a script")
    script_file.remove(str(path))
    assert [one.name for one in tmp_path.iterdir()] == [others.name]


def test_lets_alone_what_another_run_is_writing(tmp_path: Path) -> None:
    path, unfinished = tmp_path / "script.sql", tmp_path / ".script.sql.abc.new"
    with open(unfinished, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        script_file.save(str(path), b"whole")
        assert unfinished.exists()
    script_file.save(str(path), b"whole")
    assert not unfinished.exists()
