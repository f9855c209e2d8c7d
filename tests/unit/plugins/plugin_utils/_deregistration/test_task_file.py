# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an approval covers of a task file, and who may change it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import task_file

PART = "- ansible.builtin.debug:\n    msg: {{ x }}\n".replace("{{ x }}", "part")
INCLUDES = [
    "- include_tasks: part.yml\n",
    "- ansible.builtin.import_tasks: part.yml\n",
    "- ansible.builtin.include_tasks:\n    file: part.yml\n  vars: {a: !unsafe '{{ b }}'}\n",
    "- block:\n    - rescue: []\n      block:\n        - ansible.legacy.include_tasks: ./part.yml\n",
    "- include_tasks: more.yml\n",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "part.yml").write_text(PART)
    (tmp_path / "more.yml").write_text("- include_tasks: part.yml\n- include_tasks: own.yml\n")
    return tmp_path


def digest(folder: Path, text: str) -> str:
    (folder / "own.yml").write_text(text)
    found = task_file.describe(str(folder / "own.yml"))
    assert found
    assert found["path"] == str(folder / "own.yml")
    return found["sha256"]


@pytest.mark.parametrize("text", INCLUDES)
def test_what_is_included_belongs_to_it(folder: Path, text: str) -> None:
    before = digest(folder, text)
    (folder / "part.yml").write_text(PART + "# Another one.\n")
    assert digest(folder, text) != before


@pytest.mark.parametrize(
    "text", [PART, "- include_tasks: '{{ name }}.yml'\n", "- include_tasks: not-there.yml\n", "- : [", "a: b\n", ""]
)
def test_a_file_alone_has_its_own_digest(folder: Path, text: str) -> None:
    assert digest(folder, text) == hashlib.sha256(text.encode()).hexdigest()


def test_one_that_is_not_there(tmp_path: Path) -> None:
    assert task_file.describe(str(tmp_path / "own.yml")) is None


@pytest.mark.parametrize(
    ("place", "mode", "trusted"),
    [
        ("own.yml", 0o664, True),
        ("own.yml", 0o666, False),
        ("part.yml", 0o646, False),
        (".", 0o777, False),
        (".", 0o1777, True),
        (".", 0o775, True),
    ],
)
def test_what_anybody_may_change(folder: Path, place: str, mode: int, trusted: bool) -> None:
    digest(folder, INCLUDES[0])
    (folder / place).chmod(mode)
    assert task_file.changeable(str(folder / "own.yml")) == ("" if trusted else str((folder / place).resolve()))
