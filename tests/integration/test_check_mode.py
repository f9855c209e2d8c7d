# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode, wherever a run begins: nothing is written, and it says of each task whether it changes something."""

from __future__ import annotations

import contextlib
import os
import typing as t
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.harness.arriving import SITES, Registering
from ansible_collections.community.immuta.tests.harness.check_mode import harmless
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY
from ansible_collections.community.immuta.tests.harness.site import PLATFORMS, Site, together


def kept(site: Site) -> dict[str, tuple[int, bytes]]:
    """The files that a site keeps, and when each was written."""
    return {str(one): (one.stat().st_mtime_ns, one.read_bytes()) for one in site.folder.rglob("kept/*/*")}


# Where a run begins, by its way. What is saved and not confirmed, or handed over, has not run.
BEGINNINGS = {"out": ("cold", "saved", "half", "finished"), "in": ("cold", "saved", "half", "finished")}
SAVED = {"out": {"confirm": ""}, "in": {"executor": "handoff"}}


@pytest.mark.parametrize("way", BEGINNINGS)
def test_check_mode_changes_nothing_and_says_what_a_run_changes(way: str, tmp_path: Path) -> None:
    begun = [(platform, beginning) for platform in PLATFORMS for beginning in BEGINNINGS[way]]
    with contextlib.ExitStack() as stack:
        sites = {one: stack.enter_context(SITES[way](one[0], tmp_path / "-".join(one))) for one in begun}
        before = {one: site for one, site in sites.items() if one[1] != "cold"}
        for site in sites.values():
            if isinstance(site, Registering):
                # Check mode can't remove what has not run.
                site.removes = False
        for (_platform, beginning), site in before.items():
            if beginning == "half":
                site.fail("statement", "error", nth=5)
        unconfirmed = [SAVED[way] if beginning == "saved" else {} for _platform, beginning in before]
        played = together([*before.values()], variables=unconfirmed)
        assert [one.code for one in played] == [2 if beginning == "half" else 0 for _platform, beginning in before]

        files = {one: kept(site) for one, site in sites.items()}
        dry = together([*sites.values()], "--check", "--diff")
        assert {one: kept(site) for one, site in sites.items()} == files
        real = together([*sites.values()], "--diff")
        for (one, site), planned, done in zip(sites.items(), dry, real, strict=True):
            assert (planned.code, done.code) == (0, 0), (one, planned.output, done.output)
            assert planned.changed == done.changed, one
            site.require_finished()


def test_notices_a_write(tmp_path: Path, immuta: ImmutaDouble) -> None:
    def ask(method: str, path: str) -> None:
        request = urllib.request.Request(immuta.url + path, method=method, headers={"Authorization": API_KEY})
        urllib.request.urlopen(request, timeout=60).close()

    with harmless(tmp_path):
        ask("GET", "/integrations")
    with pytest.raises(AssertionError, match="has sent"), harmless(tmp_path):
        ask("DELETE", f"/data/object/{quote(KEY)}")


@pytest.mark.parametrize("what", ["content", "mode", "time", "new", "gone"])
def test_notices_a_change_of_the_folder(tmp_path: Path, what: str) -> None:
    file = tmp_path / "kept" / "file"
    file.parent.mkdir()
    file.write_text("a")
    changes: dict[str, t.Callable[[], object]] = {
        "content": lambda: file.write_text("b"),
        "mode": lambda: file.chmod(0o600),
        "time": lambda: os.utime(file, ns=(0, 0)),
        "new": lambda: (tmp_path / "new").write_text(""),
        "gone": file.unlink,
    }
    with pytest.raises(AssertionError, match="has touched"), harmless(tmp_path):
        changes[what]()
