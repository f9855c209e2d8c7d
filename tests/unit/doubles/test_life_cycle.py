# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How every stand-in starts, ends, and is told what to do."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import requests

from ansible_collections.community.immuta.tests.harness import servers

FAULTS: dict[str, dict[str, t.Any]] = {
    "immuta": {"kind": "status", "status": 409},
    "snowflake": {"at": "statement", "kind": "error"},
    "databricks": {"at": "statement", "kind": "error"},
}


@pytest.mark.parametrize("end", ["signal", "control plane"])
@pytest.mark.parametrize("name", FAULTS)
def test_starts_takes_orders_and_ends(name: str, end: str, tmp_path: Path) -> None:
    with servers.process(name, tmp_path) as running:
        fault = FAULTS[name]
        assert requests.post(f"{running.url}faults", json=[fault], timeout=10).json()["ok"]
        assert (
            requests.post(f"{running.url}faults", json=[{**fault, "no_such_field": 1}], timeout=10).status_code == 400
        )
        assert requests.post(f"{running.url}nothing", json={}, timeout=10).status_code == 404
        if end == "signal":
            running.popen.terminate()
        else:
            assert requests.post(f"{running.url}shutdown", timeout=10).ok
        running.require_ended()
