# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts that several runs share are all of the tests, and each test is in one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests import sampling

TESTS = 7


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    file = tmp_path / "test_some.py"
    file.write_text("\n".join(f"def test_{number}(): pass" for number in range(TESTS)))
    return file


def collect(suite: Path, part: str) -> subprocess.CompletedProcess[str]:
    plugins = ["-p", "no:cacheprovider", "-p", sampling.__name__]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "-q", "--collect-only", suite.name],
        cwd=suite.parent,
        env={**os.environ, sampling.PART: part},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_parts_are_disjoint_and_together_all(suite: Path, parts: int) -> None:
    found = []
    for number in range(1, parts + 1):
        lines = collect(suite, f"{number}/{parts}").stdout.splitlines()
        found += [line for line in lines if "::" in line]
    assert sorted(found) == [f"test_some.py::test_{number}" for number in range(TESTS)]


@pytest.mark.parametrize("part", ["0/2", "3/2", "1", "half", "1/"])
def test_what_is_no_part_is_refused(suite: Path, part: str) -> None:
    done = collect(suite, part)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"PART={part} is not a part" in done.stderr
