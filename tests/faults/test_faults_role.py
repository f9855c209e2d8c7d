# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault of every server at every request of the real role: it ends right, or says truly where it stopped.

The requests are those of an undisturbed run, so a new one is covered without a change here.
"""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles import immuta_server
from ansible_collections.community.immuta.tests.faults.world import (
    IMPATIENT,
    PATIENCE,
    PLATFORMS,
    Platform,
    World,
    check_converges,
    check_stopped,
    undisturbed,
    world,
)
from ansible_collections.community.immuta.tests.sampling import chosen

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
        span = "once" if self.times == 1 else "for-good"
        at = f"{self.place}{self.number}{'.' if self.operation else ''}{self.operation}"
        return f"{self.platform}-{self.start}-{at}-{self.fault}-{span}"

    def plan(self, one: World) -> None:
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
            one.plan("statement", "slow", nth=self.number, seconds=1.0)
            text = undisturbed(self.platform, False).statements[self.number - 1]
            one.plan("poll", self.fault, times=self.times, match=text, **SQL[self.fault])
            return
        at = LOGIN[self.platform] if self.place == "login" else self.place
        one.plan(at, self.fault, nth=nth, times=self.times, **SQL[self.fault])


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


@pytest.mark.parametrize("point", chosen("role", points(), 1), ids=str)
def test_ends_right_or_says_where_it_stopped(point: Point, tmp_path: Path) -> None:
    with world(point.platform, tmp_path) as one:
        if point.start == "saved":
            assert one.role(confirmed=False).code == 0
        one.sql.logins.clear()
        point.plan(one)
        check_converges(one, one.role(module_defaults=IMPATIENT))


def doubtful() -> list[tuple[Platform, str, int, int]]:
    """Faults of the query history, after the answer of each statement that is not repeatable was lost."""
    return [
        (platform, fault, times, number)
        for platform in PLATFORMS
        for number in range(len(undisturbed(platform, True).once))
        for fault in SQL
        for times in (1, EVER)
    ]


@pytest.mark.parametrize(
    ("platform", "fault", "times", "number"),
    chosen("history", doubtful(), 1),
    ids=lambda value: "for-good" if value == EVER else str(value),
)
def test_a_query_history_that_can_not_be_asked(
    platform: Platform, fault: str, times: int, number: int, tmp_path: Path
) -> None:
    with world(platform, tmp_path) as one:
        text = undisturbed(platform, True).once[number]
        one.plan("statement", "lost", match=text, times=EVER)
        lost = one.role(module_defaults=IMPATIENT)
        check_stopped(one, lost)
        one.mend()
        if platform == "snowflake":
            one.plan("statement", fault, match="QUERY_HISTORY", times=times, **SQL[fault])
        else:
            one.plan("history", fault, times=times, **SQL[fault])
        check_converges(one, one.role(module_defaults=IMPATIENT))
