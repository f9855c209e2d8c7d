# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A script is read whole, pinned and split before anything is sent."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql import loaded_script


def test_digest_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_bytes("SELECT 'ü';\r\n".encode())
    loaded = loaded_script.load(str(path), "snowflake")
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(loaded.statements) == 1
    assert "ü" not in repr(loaded)
    assert loaded_script.load(str(path), "snowflake", loaded.sha256.upper()).sha256 == loaded.sha256


def test_a_byte_order_mark_and_windows_line_ends_are_not_sent(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_bytes(b"\xef\xbb\xbfUSE ROLE a;\r\n-- it's\r\nDROP TABLE t;\r\n")
    loaded = loaded_script.load(str(path), "snowflake")
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [(one.text, one.line) for one in loaded.statements] == [("USE ROLE a", 1), ("DROP TABLE t", 3)]


def test_a_script_of_64_mib(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    filler = b"/* " + b"it's; " * 170_000 + b"*/\n"
    with path.open("wb") as file:
        for number in range(66):
            file.write(filler + b"DROP TABLE t%d;\n" % number)
    assert path.stat().st_size > 64 * 1024 * 1024
    loaded = loaded_script.load(str(path), "snowflake")
    assert [loaded.statements[0].text, loaded.statements[-1].text] == ["DROP TABLE t0", "DROP TABLE t65"]
    assert (len(loaded.statements), loaded.statements[-1].line) == (66, 132)


@pytest.mark.parametrize(
    ("raw", "code", "words"),
    [
        (b"", "script", "no statement"),
        (b"-- nothing\n;;", "script", "no statement"),
        (b"SELECT '\xff';", "script", "not UTF-8"),
        (b"\xef\xbb\xbf", "script", "no statement"),
        ("SELECT 1;".encode("utf-16"), "script", "not UTF-8"),
        (b"SELECT 'open;", "split_error", "line 1, column 8"),
        (b'SELECT 1;\nSELECT "open;', "split_error", "line 2, column 8"),
        (b"SELECT 1 /* open;", "split_error", "line 1, column 10"),
        (b"SELECT $$ open;", "split_error", "line 1, column 8"),
        (b"BEGIN\n SELECT 1;\n", "split_error", "line 1, column 1"),
        (b"USE CATALOG `a`;", "split_error", "line 1, column 13"),
    ],
)
def test_refuses_what_can_not_be_run(tmp_path: Path, raw: bytes, code: str, words: str) -> None:
    path = tmp_path / "x.sql"
    path.write_bytes(raw)
    with pytest.raises(Failure) as caught:
        loaded_script.load(str(path), "snowflake")
    assert caught.value.code == code
    assert words in str(caught.value.as_dict())


def test_refuses_another_script_than_the_approved_one(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_text("SELECT 1;")
    with pytest.raises(loaded_script.ScriptError, match="expected_sha256") as caught:
        loaded_script.load(str(path), "snowflake", "0" * 64)
    assert caught.value.code == "script_changed"


@pytest.mark.parametrize("name", ["missing.sql", "."])
def test_names_the_option_of_a_file_that_can_not_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(loaded_script.ScriptError, match="option path"):
        loaded_script.load(str(tmp_path / name), "snowflake")


def test_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(loaded_script.ScriptError, match="not a file"):
        loaded_script.load(str(tmp_path / "pipe"), "snowflake")


@pytest.mark.parametrize(("place", "mode"), [("d", 0o777), ("d/x.sql", 0o666)])
def test_refuses_a_script_that_others_may_write(tmp_path: Path, place: str, mode: int) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x.sql").write_text("SELECT 1;")
    (tmp_path / place).chmod(mode)
    with pytest.raises(loaded_script.ScriptError, match="can't be trusted: other users may write") as caught:
        loaded_script.load(str(tmp_path / "d" / "x.sql"), "snowflake")
    assert caught.value.code == "not_own"
