# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which points of a long suite are tried: all with EVERY_POINT=1, else a fixed few, the same in every run of every commit."""

from __future__ import annotations

import contextlib
import os
import traceback
import typing as t

T = t.TypeVar("T")
EVERY_POINT = "EVERY_POINT"


def every() -> bool:
    """Whether all points are to be tried."""
    return bool(os.environ.get(EVERY_POINT))


def batches(points: t.Sequence[T], size: int) -> list[list[T]]:
    """The points, at most so many at a time."""
    return [list(points[start : start + size]) for start in range(0, len(points), size)]


def spread(points: t.Sequence[T], size: int) -> list[T]:
    """As many of the points as C(size), evenly from the first on."""
    if every() or len(points) <= size:
        return list(points)
    return [points[number * len(points) // size] for number in range(size)]


def of_each(points: t.Iterable[T], kind: t.Callable[[T], t.Hashable], turn: int = 1) -> list[T]:
    """One of the points of each kind.

    :param turn: how many further in its kind each next kind's point is, so that other things about them differ, too
    """
    if every():
        return list(points)
    kinds: dict[t.Hashable, list[T]] = {}
    for point in points:
        kinds.setdefault(kind(point), []).append(point)
    return [fitting[number * turn % len(fitting)] for number, fitting in enumerate(kinds.values())]


class Wrong:
    """What was found wrong with some of the points that one test tries, by their names; those are left out from then on."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    @contextlib.contextmanager
    def of(self, name: str) -> t.Iterator[None]:
        """Note what is found wrong meanwhile."""
        try:
            yield
        except AssertionError as error:
            frames = traceback.extract_tb(error.__traceback__)
            self.found[name] = f"{error} ({frames[-1].filename}:{frames[-1].lineno}: {frames[-1].line})"

    def without(self, points: t.Mapping[str, T]) -> dict[str, T]:
        """Those of which nothing is wrong."""
        return {name: one for name, one in points.items() if name not in self.found}

    def require_nothing(self) -> None:
        """Fail if there is any."""
        assert not self.found, "\n\n".join(f"{name}: {what}" for name, what in self.found.items())
