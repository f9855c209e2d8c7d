# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays the role with checkpoints, from a beginning that a scenario names."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.tests.crash.checkpoints import Checkpoints, Point, points
from ansible_collections.community.immuta.tests.harness.play import Played
from ansible_collections.community.immuta.tests.harness.site import STAGES, Stage

HERE = Path(__file__).parent
# Where a play begins: with nothing done, or where a statement in the middle of the script has failed before.
BEGINNINGS = ("cold", "resumed")
HALF_WAY = {"snowflake": 12, "databricks": 4}


@contextlib.contextmanager
def staged(platform: str, beginning: str, folder: Path) -> t.Iterator[tuple[Stage, Checkpoints]]:
    """A stage whose plays pass checkpoints."""
    with STAGES[platform](folder) as stage, Checkpoints() as checkpoints:
        if beginning == "resumed":
            stage.refuse_statement(HALF_WAY[platform])
            assert stage.play().code != 0
        player = stage.player
        player.started = checkpoints.watch
        player.environment |= {
            "ANSIBLE_CALLBACK_PLUGINS": os.pathsep.join(
                [player.environment["ANSIBLE_CALLBACK_PLUGINS"], str(HERE / "callback")]
            ),
            "ANSIBLE_CALLBACKS_ENABLED": "record,checkpoint",
            "PYTHONPATH": os.pathsep.join([str(HERE / "inject"), os.environ.get("PYTHONPATH", "")]),
            "CHECKPOINTS": str(checkpoints.port),
            "CHECKPOINT_FOLDER": str(player.scripts.parent),
        }
        stage.immuta.gate = stage.server.gate = checkpoints.gate
        yield stage, checkpoints


@functools.cache
def recorded(platform: str, beginning: str) -> tuple[Point, ...]:
    """All that can happen in an undisturbed play."""
    with tempfile.TemporaryDirectory() as folder, staged(platform, beginning, Path(folder)) as (stage, checkpoints):
        played = stage.play()
        assert played.code == 0, played.output
        assert_finished(stage, played, "completed")
        passed = checkpoints.passed
        if beginning != "cold":
            # Tasks are the same as from cold, and so is the disk.
            passed = [label for label in passed if label.startswith("request")]
        return tuple(sorted(set(points(passed)), key=str))


def assert_finished(stage: Stage, played: Played, *statuses: str) -> None:
    """Fail unless everything is done and the report says so."""
    assert played.code == 0, played.output
    result = played.result
    assert result["status"] in statuses, played.output
    assert (result["connection_gone"], result["script_executed"]) == (True, True)
    assert result["script"]["path"] == str(stage.path)
    assert len(result["script"]["statements"]) == len(stage.statements)
    if result["status"] == "completed":
        assert {one["status"] for one in result["script"]["statements"]} <= {"done", "skipped", "replayed"} or (
            "status" not in result["script"]["statements"][0]
        )
    stage.require_finished()
