# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever interrupts a play, and wherever: the same again finishes it, and a third time changes nothing.

What can be interrupted is what an undisturbed play was recorded to do, with EVERY_POINT=1. Else it is one point or more of each
stage, named by what is done there: a point that a play does not pass any more fails the test.
"""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.crash.checkpoints import Checkpoints, Point
from ansible_collections.community.immuta.tests.crash.recording import BEGINNINGS, assert_finished, recorded, watched
from ansible_collections.community.immuta.tests.harness.play import Played, Player
from ansible_collections.community.immuta.tests.harness.points import Wrong, batches, every
from ansible_collections.community.immuta.tests.harness.site import PLATFORMS, Platform, Site, together


@dataclasses.dataclass(frozen=True)
class Case:
    """A point in a play on a platform, which begins at nothing or where a statement has failed before."""

    platform: Platform
    beginning: str
    point: Point

    def __str__(self) -> str:
        return f"{self.platform}, {self.beginning}, {self.point}"


FIXED = [
    # Check, save, preflight, plan.
    Case("snowflake", "cold", Point("killed", "before task immuta_cleanup_script", 1)),
    Case("databricks", "cold", Point("killed", "file replace .new", 1)),
    # The place is tried, then that of the journal, then the script is written.
    Case("snowflake", "cold", Point("killed", "file fsync .new", 1)),
    Case("snowflake", "cold", Point("disk full", "file fsync .new", 3)),
    Case("databricks", "cold", Point("killed", "request thrift OpenSession answered", 1)),
    Case("snowflake", "cold", Point("killed", "before task immuta_connection", 1)),
    # Delete.
    Case("snowflake", "cold", Point("killed", "request DELETE /data/object/prod%20snowflake answered", 1)),
    Case("snowflake", "cold", Point("overtaken", "request DELETE /data/object/prod%20snowflake received", 1)),
    # Run, and what comes after it.
    Case("databricks", "cold", Point("killed", "request thrift ExecuteStatement answered", 5)),
    Case("snowflake", "cold", Point("killed", "after task snowflake_script", 2)),
]
# As many as finish in one playbook.
BATCH = 12
# Seconds.
LONGEST_PLAY = 300


def cases() -> list[Case]:
    """Those to try."""
    if not every():
        return FIXED
    return [
        Case(platform, beginning, point)
        for platform in PLATFORMS
        for beginning in BEGINNINGS
        for point in recorded(platform, beginning)
    ]


def interrupt(case: Case, site: Site, checkpoints: Checkpoints) -> None:
    """Play, and hold what comes of it against what may be."""
    other = Player(site.folder / "other", site.immuta, site.sign_in)
    others: list[Played] = []
    checkpoints.plan(case.point, lambda: others.append(site.play(player=other)))
    first = site.play()
    # On a slow machine the play that is overtaken may give up and end before the other one.
    assert checkpoints.happened.wait(LONGEST_PLAY), checkpoints.passed
    killed = case.point.event == "killed"
    assert not killed or first.code == -9
    for played in [*others, *([] if killed else [first])]:
        if played.code == 0:
            assert played.result["status"] in ("completed", "already_done"), played.output
        else:
            for word in ("Stopped at ", "DONE: ", "NOT DONE: ", "NEXT: "):
                assert word in played.error
            assert played.result["status"] == "failed"
    if not killed and first.code == 0:
        assert_finished(site, first, "completed", "already_done")
    # The one thing that must never be.
    assert site.connected or site.saved, "the connection is gone, and so is the script"
    checkpoints.plan(None)


@pytest.mark.parametrize("some", batches(cases(), BATCH), ids=lambda some: f"{some[0]} and following")
def test_the_next_run_finishes_what_was_interrupted(some: list[Case], tmp_path: Path) -> None:
    wrong = Wrong()
    with contextlib.ExitStack() as stack:
        sites: dict[str, Site] = {}
        for number, case in enumerate(some):
            opened = watched(case.platform, case.beginning, tmp_path / str(number))
            sites[str(case)], checkpoints = stack.enter_context(opened)
            with wrong.of(str(case)):
                interrupt(case, sites[str(case)], checkpoints)
        sites = wrong.without(sites)
        for (name, site), second in zip(sites.items(), together([*sites.values()]), strict=True):
            with wrong.of(name):
                assert_finished(site, second, "completed", "already_done")
                assert site.deletions == 1
        sites = wrong.without(sites)
        seen = {name: (len(site.immuta.requests), len(site.sent)) for name, site in sites.items()}
        for (name, site), third in zip(sites.items(), together([*sites.values()]), strict=True):
            with wrong.of(name):
                assert_finished(site, third, "already_done")
                assert third.changed == []
                asked, sent = seen[name]
                assert {one.method for one in site.immuta.requests[asked:]} <= {"GET", "POST"}
                assert len(site.sent) == sent
    wrong.require_nothing()
