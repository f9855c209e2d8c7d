# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run adds itself to a report, and takes no other run away, be it one that ends at the same time."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import kept
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import Kind

TENANT = "https://t"


@dataclasses.dataclass
class Run:
    number: int
    who: str
    status: str = "completed"
    tenant: str = TENANT


def report(folder: Path) -> kept.Kept:
    return kept.Kept(Kind("a_role", "a_variable"), str(folder), "k", "k")


def add(folder: Path, who: str, meanwhile: t.Callable[[], None] = lambda: None) -> tuple[str, str]:
    """Add a run; something happens after the report was read, and before it is written."""

    def run(before: list[dict[str, t.Any]]) -> t.Any:
        meanwhile()
        return Run(len(before) + 1, who)

    return report(folder).add(TENANT, run, lambda one: f"{len(one['runs'])} runs")


def test_two_runs_at_once_are_both_in_the_report(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    other = threading.Thread(target=add, args=(folder, "second"))

    def meanwhile() -> None:
        other.start()
        # Long enough for it to be written, if nothing kept it from that.
        other.join(0.3)

    digest, unwritten = add(folder, "first", meanwhile)
    other.join()
    assert digest and not unwritten
    runs = json.loads((folder / "k.json").read_text(encoding="utf-8"))["runs"]
    assert [(run["number"], run["who"]) for run in runs] == [(1, "first"), (2, "second")]
    assert (folder / "k.html").read_text(encoding="utf-8") == "2 runs"
    # What kept the place is gone.
    assert sorted(os.listdir(folder)) == ["k.html", "k.json"]


def test_a_run_that_another_one_keeps_waiting_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PATIENCE", 0.0)
    add(tmp_path, "first")
    before = (tmp_path / "k.json").read_bytes()
    with _files.reserved(str(tmp_path / "k.json")):
        digest, unwritten = add(tmp_path, "second")
    assert (digest, unwritten) == (
        "",
        f"The report could not be written: another run is writing it ({tmp_path}/k.json).",
    )
    assert (tmp_path / "k.json").read_bytes() == before
