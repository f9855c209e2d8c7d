# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault of every server at every request of the real roles: they end right, or say truly where they stopped.

One removes a connection, the other registers one, or takes that back.

The requests are those of an undisturbed run, so a new one is covered without a change here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles import immuta_server
from ansible_collections.community.immuta.tests.faults.claims import check_converges, check_stopped, disturbed
from ansible_collections.community.immuta.tests.faults.undisturbed import PATIENCE, STARTS, Undisturbed, undisturbed
from ansible_collections.community.immuta.tests.harness.arriving import SITES
from ansible_collections.community.immuta.tests.harness.beginnings import begin
from ansible_collections.community.immuta.tests.harness.points import Wrong, batches, of_each
from ansible_collections.community.immuta.tests.harness.site import Platform, Site

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
# What a request that only reads meets: one of each of these, another at each request. The modules' own suite has them all.
ALIKE = (
    ("lost_answer", "reset_before", "slow", "drip"),
    ("status429", "status500", "status502", "status503", "status504"),
    ("status401", "status403"),
    ("status404",),
    ("status409",),
    ("html", "truncated", "redirect"),
)
READS = ("getConnection", "getIntegration", "getObject", "listIntegrations", "listJobs", "searchObjects")
# What a statement that changes something meets each time.
LOSSES = ("error", "lost")
# How often a fault comes.
SPANS = {1: "once", EVER: "for-good"}
# So many requests to Immuta come before the removal that takes a whole registration back.
BEFORE_REMOVAL = 2
LOGIN = {"snowflake": "login", "databricks": "session"}


@dataclasses.dataclass(frozen=True)
class Play:
    """A play that something disturbs.

    :ivar way: `out`, `in`, or `back`
    """

    way: str
    platform: Platform

    @property
    def start(self) -> str:
        """Where it begins."""
        return STARTS[self.way, self.platform]

    @property
    def recorded(self) -> Undisturbed:
        """Such a play that nothing has disturbed."""
        return undisturbed(self.way, self.platform)


@dataclasses.dataclass(frozen=True)
class Point(Play):
    """A fault at one request of a run.

    :ivar place: `immuta`, `login`, `look`, `statement`, or `poll`
    :ivar number: which of the requests at this place, from 1
    :ivar operation: of Immuta's API
    """

    place: str
    number: int
    operation: str
    fault: str
    times: int

    def __str__(self) -> str:
        at = f"{self.place}{self.number}{'.' if self.operation else ''}{self.operation}"
        return f"{self.way}-{self.platform}-{self.start}-{at}-{self.fault}-{SPANS[self.times]}"

    def plan(self, one: Site) -> None:
        """Plan the fault; the run comes next."""
        if self.place == "immuta":
            # For good it is this operation alone that fails, so that the others tell of what it has done.
            only = self.operation if self.times > 1 else None
            nth = self.recorded.operations[: self.number].count(self.operation) if only else self.number
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
            text = self.recorded.sent[self.number - 1].text
            one.fail("poll", self.fault, times=self.times, match=text, **SQL[self.fault])
            return
        at = LOGIN[self.platform] if self.place == "login" else self.place
        one.fail(at, self.fault, nth=nth, times=self.times, **SQL[self.fault])


def in_turn(number: int, *alike: t.Sequence[str]) -> list[str]:
    """One of each of what is alike, another for each number."""
    return [some[number % len(some)] for some in alike]


def points() -> list[Point]:
    """All of them. A statement that fails for good is one that fails once, for the role: it is not sent again.

    What takes a registration back is the removal, once it has begun: of that, only other requests to Immuta are tried again.
    """
    others = [fault for fault in SQL if fault not in LOSSES]
    found: list[Point] = []
    for way, platform in STARTS:
        recorded = Play(way, platform).recorded
        found += [
            Point(way, platform, "immuta", number, name, fault, times)
            for number, name in enumerate(recorded.operations, 1)
            if Play(way, platform).start != "whole" or number <= BEFORE_REMOVAL
            for fault in (in_turn(number, *ALIKE) if name in READS else IMMUTA)
            for times in (1, EVER)
        ]
        if way == "back":
            continue
        statements = range(1, len(recorded.sent) + 1)
        at = [
            ("login", number, fault, times)
            for number in range(1, recorded.logins + 1)
            for fault in SQL
            for times in (1, EVER)
        ]
        at += [("look", number, *in_turn(number, [*SQL]), 1) for number in range(1, recorded.looks + 1)]
        at += [
            ("statement", number, fault, 1) for number in statements for fault in (*LOSSES, *in_turn(number, others))
        ]
        if platform == "databricks":
            at += [("poll", number, *in_turn(number, [*SQL]), 1) for number in statements]
        found += [Point(way, platform, place, number, "", fault, times) for place, number, fault, times in at]
    return found


def once(recorded: Undisturbed) -> list[str]:
    """The statements of a run that are not repeatable."""
    return [sent.text for sent in recorded.sent if not sent.repeatable]


@dataclasses.dataclass(frozen=True)
class Doubt(Play):
    """A fault of the query history, after the answer of a statement that is not repeatable was lost.

    :ivar number: which of these statements, from 0
    """

    place: t.ClassVar = "history"
    fault: str
    times: int
    number: int

    def __str__(self) -> str:
        return f"{self.way}-{self.platform}-history-of-{self.number}-{self.fault}-{SPANS[self.times]}"

    @property
    def text(self) -> str:
        """The statement."""
        return once(self.recorded)[self.number]

    def plan(self, one: Site) -> None:
        """Plan the fault; the run that asks the history comes next."""
        asked = {"at": "statement", "match": "QUERY_HISTORY"} if self.platform == "snowflake" else {"at": "history"}
        one.fail(**asked, kind=self.fault, times=self.times, **SQL[self.fault])


def doubts() -> list[Doubt]:
    """All of them."""
    return [
        Doubt(way, platform, fault, times, number)
        for way, platform in STARTS
        if way != "back"
        for number in range(len(once(Play(way, platform).recorded)))
        for fault in (in_turn(number, [*SQL]) if number else SQL)
        for times in (1, EVER)
    ]


# One of each place of each role, with ever another fault.
TRIED = of_each([*points(), *doubts()], lambda one: (SITES[one.way].role, one.place), turn=101)
BATCH = 16


def in_batches() -> list[list[Point | Doubt]]:
    """As many as are tried in one playbook: those of one role."""
    roles = dict.fromkeys(SITES[one.way].role for one in TRIED)
    return [some for role in roles for some in batches([one for one in TRIED if SITES[one.way].role == role], BATCH)]


@pytest.mark.parametrize("some", in_batches(), ids=lambda some: f"{some[0]} and following")
def test_ends_right_or_says_where_it_stopped(some: list[Point | Doubt], tmp_path: Path) -> None:
    wrong = Wrong()
    with contextlib.ExitStack() as stack:
        here = {
            str(one): stack.enter_context(SITES[one.way](one.platform, tmp_path / str(number)))
            for number, one in enumerate(some)
        }
        begin([(here[str(one)], one.start) for one in some])
        if lost := {str(one): here[str(one)] for one in some if isinstance(one, Doubt)}:
            for one in some:
                if isinstance(one, Doubt):
                    here[str(one)].fail("statement", "lost", match=one.text, times=EVER)
            for (name, site), played in zip(lost.items(), disturbed([*lost.values()]), strict=True):
                with wrong.of(name):
                    check_stopped(site, played)
                site.clear_faults()
        for one in some:
            one.plan(here[str(one)])
        check_converges(wrong.without(here), wrong)
    wrong.require_nothing()
