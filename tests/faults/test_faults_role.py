# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault of every server at every request of the real role: it ends right, or says truly where it stopped.

The requests are those of an undisturbed run, so a new one is covered without a change here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles import immuta_server
from ansible_collections.community.immuta.tests.faults.claims import (
    IMPATIENT,
    PATIENCE,
    check_converges,
    check_stopped,
    undisturbed,
)
from ansible_collections.community.immuta.tests.harness.points import Wrong, batches, of_each
from ansible_collections.community.immuta.tests.harness.site import PLATFORMS, Platform, Site, together

EVER = 10**6
STATUSES = (401, 403, 404, 409, 429, 500, 502, 503, 504)
LATE = PATIENCE + 2
IMMUTA: dict[str, dict[str, t.Any]] = {
    **{kind: {"kind": kind} for kind in ("lost_answer", "reset_before", "html", "truncated", "redirect")},
    **{f"status{status}": {"kind": "status", "status": status} for status in STATUSES},
    "status502-done": {"kind": "status", "status": 502, "done": True},
    "html-done": {"kind": "html", "done": True},
    "slow": {"kind": "slow", "seconds": LATE},
    "drip": {"kind": "drip", "seconds": LATE},
}
SQL: dict[str, dict[str, t.Any]] = {
    **{kind: {} for kind in ("error", "http", "reset", "lost")},
    "slow": {"seconds": LATE},
}
# How often a fault comes.
SPANS = {1: "once", EVER: "for-good"}
LOGIN = {"snowflake": "login", "databricks": "session"}


@dataclasses.dataclass(frozen=True)
class Point:
    """A fault at one request of a run.

    :ivar start: `cold`, or `saved` when the script was saved before
    :ivar place: `immuta`, `login`, `statement`, `poll`, or `history`
    :ivar number: which of the requests at this place, from 1
    :ivar operation: of Immuta's API
    """

    platform: Platform
    start: t.Literal["cold", "saved"]
    place: str
    number: int
    operation: str
    fault: str
    times: int

    def __str__(self) -> str:
        at = f"{self.place}{self.number}{'.' if self.operation else ''}{self.operation}"
        return f"{self.platform}-{self.start}-{at}-{self.fault}-{SPANS[self.times]}"

    def plan(self, one: Site) -> None:
        """Plan the fault; the run comes next."""
        if self.place == "immuta":
            asked = undisturbed(self.platform, self.start == "saved").operations
            # For good it is this operation alone that fails, so that the others tell of what it has done.
            only = self.operation if self.times > 1 else None
            nth = asked[: self.number].count(self.operation) if only else self.number
            elsewhere = f"{one.immuta.url}/integrations"
            fault = immuta_server.Fault(
                operation_id=only, nth=nth, times=self.times, location=elsewhere, **IMMUTA[self.fault]
            )
            one.immuta.faults.add(fault)
            return
        nth = self.number
        if self.place == "poll":
            # A statement is asked after only when it takes its time.
            one.fail("statement", "slow", nth=self.number, seconds=1.0)
            text = undisturbed(self.platform, False).statements[self.number - 1]
            one.fail("poll", self.fault, times=self.times, match=text, **SQL[self.fault])
            return
        at = LOGIN[self.platform] if self.place == "login" else self.place
        one.fail(at, self.fault, nth=nth, times=self.times, **SQL[self.fault])


# From where each platform's plays begin: the requests to Immuta are the same whatever the platform.
STARTS: dict[Platform, t.Literal["cold", "saved"]] = {"snowflake": "cold", "databricks": "saved"}


def points() -> list[Point]:
    """All of them. A statement that fails for good is one that fails once, for the role: it is not sent again."""
    found: list[Point] = []
    for platform in PLATFORMS:
        start = STARTS[platform]
        recorded = undisturbed(platform, start == "saved")
        found += [
            Point(platform, start, "immuta", number, name, fault, times)
            for number, name in enumerate(recorded.operations, 1)
            for fault in IMMUTA
            for times in (1, EVER)
        ]
        at = [("login", number, times) for number in range(1, recorded.logins + 1) for times in (1, EVER)]
        at += [("statement", number, 1) for number in range(1, len(recorded.statements) + 1)]
        if platform == "databricks":
            at += [("poll", number, 1) for number in range(1, len(recorded.statements) + 1)]
        found += [
            Point(platform, start, place, number, "", fault, times) for place, number, times in at for fault in SQL
        ]
    return found


BATCH = 16


def in_batches(tried: t.Sequence[Point | Doubt]) -> pytest.MarkDecorator:
    """A test of C(some) points, as many as are tried in one playbook."""
    return pytest.mark.parametrize("some", batches(tried, BATCH), ids=lambda some: f"{some[0]} and following")


@contextlib.contextmanager
def sites(some: t.Sequence[Point | Doubt], folder: Path) -> t.Iterator[dict[str, Site]]:
    """One for each point, by its name."""
    with contextlib.ExitStack() as stack:
        yield {
            str(one): stack.enter_context(Site(one.platform, folder / str(number))) for number, one in enumerate(some)
        }


# One of each place on each platform, with ever another fault.
TRIED = of_each(points(), lambda one: (one.platform, one.place), turn=7)


@in_batches(TRIED)
def test_ends_right_or_says_where_it_stopped(some: list[Point], tmp_path: Path) -> None:
    wrong = Wrong()
    with sites(some, tmp_path) as here:
        if saved := [here[str(point)] for point in some if point.start == "saved"]:
            assert {one.code for one in together(saved, confirmed=False)} == {0}
        for point in some:
            here[str(point)].server.logins.clear()
            point.plan(here[str(point)])
        check_converges(here, wrong)
    wrong.require_nothing()


@dataclasses.dataclass(frozen=True)
class Doubt:
    """A fault of the query history, after the answer of a statement that is not repeatable was lost.

    :ivar number: which of these statements, from 0
    """

    platform: Platform
    fault: str
    times: int
    number: int

    def __str__(self) -> str:
        return f"{self.platform}-history-of-{self.number}-{self.fault}-{SPANS[self.times]}"

    @property
    def text(self) -> str:
        """The statement."""
        return undisturbed(self.platform, True).once[self.number]

    def plan(self, one: Site) -> None:
        """Plan the fault; the run that asks the history comes next."""
        asked = {"at": "statement", "match": "QUERY_HISTORY"} if self.platform == "snowflake" else {"at": "history"}
        one.fail(**asked, kind=self.fault, times=self.times, **SQL[self.fault])


def doubts() -> list[Doubt]:
    """All of them."""
    return [
        Doubt(platform, fault, times, number)
        for platform in PLATFORMS
        for number in range(len(undisturbed(platform, True).once))
        for fault in SQL
        for times in (1, EVER)
    ]


@in_batches(of_each(doubts(), lambda one: one.platform, turn=3))
def test_a_query_history_that_can_not_be_asked(some: list[Doubt], tmp_path: Path) -> None:
    wrong = Wrong()
    with sites(some, tmp_path) as here:
        for doubt in some:
            here[str(doubt)].fail("statement", "lost", match=doubt.text, times=EVER)
        for doubt, lost in zip(some, together([*here.values()], module_defaults=IMPATIENT), strict=True):
            one = here[str(doubt)]
            with wrong.of(str(doubt)):
                check_stopped(one, lost)
            one.clear_faults()
            doubt.plan(one)
        check_converges(wrong.without(here), wrong)
    wrong.require_nothing()
