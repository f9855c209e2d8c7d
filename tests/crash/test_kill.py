# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever interrupts a play, and wherever: the same again finishes it, and a third time changes nothing.

A play removes a connection, registers one, or takes a registration back.

What can be interrupted is what an undisturbed play was recorded to do, with EVERY_POINT=1. Else it is one point or more of each
stage, named by what is done there: a point that a play does not pass any more fails the test.
"""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.crash.checkpoints import Checkpoints, Point
from ansible_collections.community.immuta.tests.crash.recording import BEGINNINGS, recorded, watch
from ansible_collections.community.immuta.tests.harness.arriving import SITES, Registering
from ansible_collections.community.immuta.tests.harness.beginnings import begin
from ansible_collections.community.immuta.tests.harness.check_mode import writes
from ansible_collections.community.immuta.tests.harness.play import Played, Player
from ansible_collections.community.immuta.tests.harness.points import Wrong, batches, every, of_each
from ansible_collections.community.immuta.tests.harness.site import PLATFORMS, Platform, Site, together


@dataclasses.dataclass(frozen=True)
class Case:
    """A point in a play on a platform.

    :ivar way: `out`, `in`, or `back`
    :ivar beginning: what was done before
    """

    way: str
    platform: Platform
    beginning: str
    point: Point

    def __str__(self) -> str:
        return f"{self.way}, {self.platform}, {self.beginning}, {self.point}"


FIXED = [
    # Check, save, preflight, plan.
    Case("out", "snowflake", "cold", Point("killed", "before task immuta_cleanup_script", 1)),
    Case("out", "databricks", "cold", Point("killed", "file replace .new", 1)),
    # The place is tried, then that of the journal, then the script is written.
    Case("out", "snowflake", "cold", Point("disk full", "file fsync .new", 3)),
    Case("out", "databricks", "cold", Point("killed", "request thrift OpenSession answered", 1)),
    # Delete.
    Case("out", "snowflake", "cold", Point("killed", "request DELETE /data/object/prod%20snowflake answered", 1)),
    Case("out", "snowflake", "cold", Point("overtaken", "request DELETE /data/object/prod%20snowflake received", 1)),
    # Run, and what comes after it.
    Case("out", "databricks", "cold", Point("killed", "request thrift ExecuteStatement answered", 5)),
    Case("out", "snowflake", "cold", Point("killed", "after task snowflake_script", 2)),
    # The script that makes passwords is saved; a part of it has run; the registration is sent; the script is removed.
    Case("in", "snowflake", "cold", Point("killed", "file replace .new", 1)),
    Case("in", "snowflake", "cold", Point("answer lost", "request POST /data/connection answered", 1)),
    Case("in", "snowflake", "cold", Point("killed", "request POST /data/connection answered", 1)),
    Case("in", "databricks", "cold", Point("killed", "before task immuta_setup_script", 2)),
    # Another play has registered the connection, and removed the script that this one has just read, or is about to save. The
    # journal is locked while the script is saved, too.
    Case("in", "databricks", "cold", Point("overtaken", "file open .journal", 2)),
    Case("in", "databricks", "cold", Point("overtaken", "file open .new", 1)),
    # The platform is clean, and the set-up script is still there.
    Case("back", "snowflake", "half", Point("killed", "before task immuta_setup_script", 2)),
    # The connection is deleted, and nothing else tells that it was registered.
    Case("back", "databricks", "whole", Point("killed", "request DELETE /data/object/prod%20databricks answered", 1)),
    # The set-up script is removed, and its journal is left.
    Case("back", "databricks", "half", Point("disk full", "file unlink .journal", 1)),
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
        Case(way, platform, beginning, point)
        for way, beginnings in BEGINNINGS.items()
        for platform in PLATFORMS
        for beginning in beginnings
        for point in recorded(way, platform, beginning)
    ]


def in_batches() -> list[list[Case]]:
    """Those of one role at a time, since one playbook has one role."""
    tried = cases()
    roles = dict.fromkeys(SITES[way].role for way in BEGINNINGS)
    return [some for role in roles for some in batches([one for one in tried if SITES[one.way].role == role], BATCH)]


def interrupt(case: Case, site: Site, checkpoints: Checkpoints) -> None:
    """Play, and hold what comes of it against what may be."""
    other = Player(site.folder / "other", site.immuta, site.sign_in)
    other.interpreter = site.player.interpreter
    others: list[Played] = []
    checkpoints.plan(case.point, lambda: others.append(site.play(player=other)))
    first = site.play()
    # On a slow machine the play that is overtaken may give up and end before the other one.
    assert checkpoints.happened.wait(LONGEST_PLAY), checkpoints.passed
    if isinstance(site, Registering):
        site.overtaken = bool(others)
    killed = case.point.event == "killed"
    assert not killed or first.code == -9
    for played in [*others, *([] if killed else [first])]:
        require_told(site, played)
    # A file that can't be removed is left to the next run, or to a person if it is the empty mark of a writer.
    stays = case.point.event == "disk full" and case.point.label.startswith("file unlink")
    for mark in site.player.scripts.glob(".*.reserved.new") if stays else ():
        assert mark.read_bytes() in (b"", b"\n")
        mark.unlink()
    if not killed and first.code == 0 and not others and not stays:
        site.require_end(first, *site.ends)
    # The one thing that must never be.
    site.require_nothing_lost()
    checkpoints.plan(None)


def require_told(site: Site, played: Played) -> None:
    """Fail unless a play says that it has come to its end, or where it stopped and what is done."""
    if played.code == 0:
        assert played.result["status"] in site.ends, played.output
        return
    if played.result:
        assert played.result["status"] == "failed"
        for word in ("Stopped at ", "DONE: ", "NOT DONE: ", "NEXT: "):
            assert word in played.error


@pytest.mark.parametrize("some", in_batches(), ids=lambda some: f"{some[0]} and following")
def test_the_next_run_finishes_what_was_interrupted(some: list[Case], tmp_path: Path) -> None:
    wrong = Wrong()
    with contextlib.ExitStack() as stack:
        sites: dict[str, Site] = {
            str(case): stack.enter_context(SITES[case.way](case.platform, tmp_path / str(number)))
            for number, case in enumerate(some)
        }
        begin([(sites[str(case)], case.beginning) for case in some])
        for case in some:
            site = sites[str(case)]
            with wrong.of(str(case)):
                interrupt(case, site, stack.enter_context(watch(site)))
        sites = wrong.without(sites)
        for (name, site), second in zip(sites.items(), together([*sites.values()]), strict=True):
            with wrong.of(name):
                site.require_end(second, *site.ends)
                site.require_done_once()
        # One of each, since all of a kind are in the same state now.
        sites = dict(of_each(wrong.without(sites).items(), lambda named: (type(named[1]), named[1].platform)))
        seen = {name: (writes(site.immuta), site.sent) for name, site in sites.items()}
        for (name, site), third in zip(sites.items(), together([*sites.values()]), strict=True):
            with wrong.of(name):
                site.require_end(third, site.ends[1])
                assert third.changed == []
                assert seen[name] == (writes(site.immuta), site.sent)
    wrong.require_nothing()
