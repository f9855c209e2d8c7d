# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which points of a long suite are tried in this run: all with EVERY_POINT=1, else some, others with each commit.

As a plugin of pytest it lets several runs share the tests: PART=2/4 is the second of four.
"""

from __future__ import annotations

import os
import random
import subprocess
import typing as t
from pathlib import Path

import pytest

T = t.TypeVar("T")
EVERY_POINT = "EVERY_POINT"
# A commit, or any other word: the same word, the same points.
SEED = "SAMPLE_SEED"
# How many points, when neither all nor the usual number will do.
SIZE = "SAMPLE_SIZE"
# How many tests of a suite that is run whole elsewhere.
TESTS = "SAMPLE_TESTS"
# Which of how many parts of the tests.
PART = "PART"


def seed() -> str:
    """What the choice depends on: E(SAMPLE_SEED), or the commit that is checked out."""
    if word := os.environ.get(SEED):
        return word
    asked = ["git", "rev-parse", "HEAD"]
    return subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout.strip()


def chosen(suite: str, points: t.Sequence[T], size: int) -> list[T]:
    """The points to try, in their order.

    :param suite: a word for the suite, so that two suites don't choose alike
    :param size: how many, when not all are tried and E(SAMPLE_SIZE) does not say otherwise
    """
    size = int(os.environ.get(SIZE, size))
    if os.environ.get(EVERY_POINT) or len(points) <= size:
        return list(points)
    picked = random.Random(f"{suite} {seed()}").sample(range(len(points)), size)
    return [points[index] for index in sorted(picked)]


def keep_some_tests(config: pytest.Config, items: list[pytest.Item], suite: str, always: t.Collection[str]) -> None:
    """Deselect tests, when E(SAMPLE_TESTS) says how many are to stay.

    :param always: names of tests that stay in any case
    """
    if not (size := os.environ.get(TESTS)):
        return
    fixed = {item.nodeid for item in items if item.originalname in always}  # type: ignore[attr-defined]
    rest = [item.nodeid for item in items if item.nodeid not in fixed]
    more = min(max(0, int(size) - len(fixed)), len(rest))
    kept = fixed | set(random.Random(f"{suite} {seed()}").sample(rest, more))
    _keep(config, items, kept)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect all tests but those of the part that E(PART) names."""
    if not (part := os.environ.get(PART)):
        return
    number, _slash, parts = part.partition("/")
    if not (number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise pytest.UsageError(f"PART={part} is not a part: write 2/4 for the second of four.")
    _keep(config, items, {item.nodeid for item in items[int(number) - 1 :: int(parts)]})


def _keep(config: pytest.Config, items: list[pytest.Item], kept: t.Container[str]) -> None:
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in kept])
    items[:] = [item for item in items if item.nodeid in kept]
