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
from ansible_collections.community.immuta.tests.harness.site import Platform, Site

HERE = Path(__file__).parent
# Where a play begins: with nothing done, or where a statement in the middle of the script has failed before.
BEGINNINGS = ("cold", "resumed")
HALF_WAY = {"snowflake": 12, "databricks": 4}


@contextlib.contextmanager
def watched(platform: Platform, beginning: str, folder: Path) -> t.Iterator[tuple[Site, Checkpoints]]:
    """A site whose plays pass checkpoints."""
    with Site(platform, folder) as site, Checkpoints() as checkpoints:
        if beginning == "resumed":
            site.fail("statement", "error", nth=HALF_WAY[platform])
            assert site.play().code != 0
        player = site.player
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
        site.immuta.gate = site.server.gate = checkpoints.gate
        yield site, checkpoints


@functools.cache
def recorded(platform: Platform, beginning: str) -> tuple[Point, ...]:
    """All that can happen in an undisturbed play."""
    with tempfile.TemporaryDirectory() as folder, watched(platform, beginning, Path(folder)) as (site, checkpoints):
        played = site.play()
        assert played.code == 0, played.output
        assert_finished(site, played, "completed")
        passed = checkpoints.passed
        if beginning != "cold":
            # Tasks are the same as from cold, and so is the disk.
            passed = [label for label in passed if label.startswith("request")]
        return tuple(sorted(set(points(passed)), key=str))


def assert_finished(site: Site, played: Played, *statuses: str) -> None:
    """Fail unless everything is done and the report says so."""
    assert played.code == 0, played.output
    result = played.result
    assert result["status"] in statuses, played.output
    assert (result["connection_gone"], result["script_executed"]) == (True, True)
    assert result["script"]["path"] == str(site.path)
    assert len(result["script"]["statements"]) == len(site.statements)
    if result["status"] == "completed":
        assert {one["status"] for one in result["script"]["statements"]} <= {"done", "skipped", "replayed"} or (
            "status" not in result["script"]["statements"][0]
        )
    site.require_finished()
