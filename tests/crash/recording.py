# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays a role with checkpoints, from a beginning that a scenario names."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.tests.crash.checkpoints import Checkpoints, Point, points
from ansible_collections.community.immuta.tests.harness import forkserver
from ansible_collections.community.immuta.tests.harness.arriving import SITES
from ansible_collections.community.immuta.tests.harness.beginnings import begin
from ansible_collections.community.immuta.tests.harness.site import Platform, Site

HERE = Path(__file__).parent
# Where a play begins, by its way: with nothing done, or where a statement in the middle of the script has failed before. What is
# taken back is half of a registration, or a whole one.
BEGINNINGS = {"out": ("cold", "resumed"), "in": ("cold", "resumed"), "back": ("half", "whole")}


@contextlib.contextmanager
def watched(way: str, platform: Platform, beginning: str, folder: Path) -> t.Iterator[tuple[Site, Checkpoints]]:
    """A site whose plays pass checkpoints."""
    with SITES[way](platform, folder) as site:
        begin([(site, beginning)])
        with watch(site) as checkpoints:
            yield site, checkpoints


@contextlib.contextmanager
def watch(site: Site) -> t.Iterator[Checkpoints]:
    """Have the plays of a site pass checkpoints."""
    with Checkpoints() as checkpoints:
        player = site.player
        player.started, player.interpreter = checkpoints.watch, forkserver.interpreter()
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
        yield checkpoints


@functools.cache
def recorded(way: str, platform: Platform, beginning: str) -> tuple[Point, ...]:
    """All that can happen in an undisturbed play."""
    with (
        tempfile.TemporaryDirectory() as folder,
        watched(way, platform, beginning, Path(folder)) as (site, checkpoints),
    ):
        played = site.play()
        assert played.code == 0, played.output
        site.require_end(played, site.ends[0])
        passed = checkpoints.passed
        if beginning != BEGINNINGS[way][0]:
            # Tasks are the same as from the first beginning, and so is the disk.
            passed = [label for label in passed if label.startswith("request")]
        return tuple(sorted(set(points(passed)), key=str))
