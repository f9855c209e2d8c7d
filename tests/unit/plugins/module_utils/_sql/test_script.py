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
from ansible_collections.community.immuta.plugins.module_utils._sql import script


def test_digest_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_bytes("SELECT 'ü';\r\n".encode())
    loaded = script.load(str(path), "snowflake")
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(loaded.statements) == 1
    assert "ü" not in repr(loaded)
    assert script.load(str(path), "snowflake", loaded.sha256.upper()).sha256 == loaded.sha256


@pytest.mark.parametrize(
    ("raw", "code", "words"),
    [
        (b"", "script", "no statement"),
        (b"-- nothing\n;;", "script", "no statement"),
        (b"SELECT '\xff';", "script", "not UTF-8"),
        (b"SELECT 'open;", "split_error", "line"),
    ],
)
def test_refuses_what_can_not_be_run(tmp_path: Path, raw: bytes, code: str, words: str) -> None:
    path = tmp_path / "x.sql"
    path.write_bytes(raw)
    with pytest.raises(Failure) as caught:
        script.load(str(path), "snowflake")
    assert caught.value.code == code
    assert words in str(caught.value.as_dict())


def test_refuses_another_script_than_the_approved_one(tmp_path: Path) -> None:
    path = tmp_path / "x.sql"
    path.write_text("SELECT 1;")
    with pytest.raises(script.ScriptError, match="expected_sha256") as caught:
        script.load(str(path), "snowflake", "0" * 64)
    assert caught.value.code == "script_changed"


@pytest.mark.parametrize("name", ["missing.sql", "."])
def test_names_the_option_of_a_file_that_can_not_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(script.ScriptError, match="option path"):
        script.load(str(tmp_path / name), "snowflake")


def test_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(script.ScriptError, match="not a file"):
        script.load(str(tmp_path / "pipe"), "snowflake")
