# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever interrupts a play, and wherever: the same again finishes it, and a third time changes nothing.

What can be interrupted is not listed here: it is what an undisturbed play was recorded to do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.crash.checkpoints import Point
from ansible_collections.community.immuta.tests.crash.scenes import BEGINNINGS, assert_finished, recorded, staged
from ansible_collections.community.immuta.tests.harness.play import Played, Player
from ansible_collections.community.immuta.tests.harness.points import spread
from ansible_collections.community.immuta.tests.harness.site import STAGES

SAMPLE = 1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    scenes = [(platform, beginning) for platform in STAGES for beginning in BEGINNINGS]
    # Recording takes a play for each scene, too.
    found = [(*scene, point) for scene in spread(scenes, 1) for point in recorded(*scene)]
    some = spread(found, SAMPLE)
    ids = [f"{platform}, {beginning}, {point}" for platform, beginning, point in some]
    metafunc.parametrize(("platform", "beginning", "point"), some, ids=ids)


def test_the_next_run_finishes_what_was_interrupted(
    platform: str, beginning: str, point: Point, tmp_path: Path
) -> None:
    with staged(platform, beginning, tmp_path) as (stage, checkpoints):
        other = Player(tmp_path / "other", stage.immuta, stage.sign_in())
        others: list[Played] = []
        checkpoints.plan(point, lambda: others.append(stage.play(player=other)))
        first = stage.play()
        assert checkpoints.happened.is_set(), checkpoints.passed
        if point.event == "killed":
            assert first.code == -9
        for played in [*others, *([] if point.event == "killed" else [first])]:
            if played.code == 0:
                assert played.result["status"] in ("completed", "already_done"), played.output
            else:
                for word in ("Stopped at ", "DONE: ", "NOT DONE: ", "NEXT: "):
                    assert word in played.error
                assert played.result["status"] == "failed"
        if point.event != "killed" and first.code == 0:
            assert_finished(stage, first, "completed", "already_done")
        # The one thing that must never be.
        assert stage.connected or stage.saved, "the connection is gone, and so is the script"

        checkpoints.plan(None)
        second = stage.play()
        assert_finished(stage, second, "completed", "already_done")
        assert stage.deletions == 1

        asked, sent = len(stage.immuta.requests), len(stage.sent())
        third = stage.play()
        assert_finished(stage, third, "already_done")
        assert third.changed == []
        assert {one.method for one in stage.immuta.requests[asked:]} <= {"GET", "POST"}
        assert len(stage.sent()) == sent
