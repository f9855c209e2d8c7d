# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks that are full or read-only, and clocks that are wrong: nothing is lost, and the next run finishes."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql.journal import journal_path
from ansible_collections.community.immuta.tests.crash.recording import watched
from ansible_collections.community.immuta.tests.harness.points import spread
from ansible_collections.community.immuta.tests.harness.site import PLATFORMS, Platform, Site

YEAR = 365 * 24 * 3600
# What the kernel lets a file have: the ending of its name, and bytes.
LIMITS = [".new 0", ".new 600", ".new 1", ".journal 0", ".journal 40", ".journal 700", ".journal 1500"]
# By how many seconds the clock is wrong, and after how many readings; in the first run, and in the next one.
CLOCKS = [(YEAR, 0, 0), (-YEAR, 0, 0), (0, 0, -YEAR), (YEAR, 6, 0), (-YEAR, 6, 0), (-YEAR, 6, YEAR)]


@pytest.mark.parametrize("limit", spread(LIMITS, 1))
def test_a_disk_that_is_full_in_the_middle_of_a_file(limit: str, tmp_path: Path) -> None:
    with watched("out", "snowflake", "cold", tmp_path) as (site, checkpoints):
        site.player.environment["FILE_LIMIT"] = limit
        broken = site.play()
        assert broken.code != 0
        assert "NEXT: " in broken.error
        if limit.startswith(".new"):
            assert site.connected
            assert not site.path.exists()
            assert not site.player.scripts.exists()
            assert site.sent == []
        else:
            assert site.saved
        del site.player.environment["FILE_LIMIT"]
        checkpoints.plan(None)
        site.require_end(site.play(), "completed")
        assert site.deletions == 1


def test_a_folder_that_can_not_be_written_to(tmp_path: Path) -> None:
    with Site("snowflake", tmp_path) as site:
        site.player.scripts.mkdir(parents=True)
        if os.geteuid() == 0:
            # Modes don't bind root; a read-only mount does, in a mount namespace of its own.
            mounted = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
            site.player.prefix = ["unshare", "--mount", "sh", "-c", mounted, str(site.player.scripts)]
        else:
            site.player.scripts.chmod(0o500)
        broken = site.play()
        assert broken.code != 0
        assert str(site.player.scripts) in broken.error
        assert "NOT DONE: it is not known whether the connection was deleted" in broken.error
        assert site.connected
        assert site.sent == []
        site.player.prefix = []
        site.player.scripts.chmod(0o700)
        site.require_end(site.play(), "completed")


@pytest.mark.parametrize(("shift", "after", "later"), spread(CLOCKS, 1))
@pytest.mark.parametrize("platform", spread(PLATFORMS, 1))
def test_a_clock_that_is_wrong(platform: Platform, shift: int, after: int, later: int, tmp_path: Path) -> None:
    with watched("out", platform, "cold", tmp_path) as (site, checkpoints):
        # The clock of what is imported already is right.
        site.player.interpreter = None
        environment = site.player.environment
        environment |= {"CLOCK_SHIFT": str(shift), "CLOCK_SHIFT_AFTER": str(after)}
        site.fail("statement", "error", nth=7)
        assert site.play().code != 0
        assert site.saved
        written = [json.loads(line)["time"] for line in Path(journal_path(str(site.path))).read_text().splitlines()]
        years = [round((datetime.fromisoformat(one) - datetime.now(timezone.utc)).days / 365) for one in written]
        assert years == sorted(years, key=abs)
        assert years[-1] * YEAR == shift
        checkpoints.plan(None)
        environment |= {"CLOCK_SHIFT": str(later), "CLOCK_SHIFT_AFTER": "0"}
        site.require_end(site.play(), "completed")
        assert site.deletions == 1
