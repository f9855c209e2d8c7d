# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""schemathesis, which nobody here wrote, holds the stand-in Immuta against its API description."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_contract import DESCRIPTION, contract
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State, Variant
from ansible_collections.community.immuta.tests.harness.points import spread

API_KEY = "example-api-key"
VARIANTS: dict[str, dict[str, t.Any]] = {
    "documented": {},
    "strings": {"id_type": "string", "script_form": "script", "delete_reply": "connection_key", "error_body": "error"},
    "texts": {"script_form": "text", "script_status": 201, "error_body": "text", "delete_reply": "empty_204"},
    "lists": {"search_envelope": "list", "delete_reply": "empty_204", "native_integration_id": "absent"},
    "capped": {"search_envelope": "data", "search_page_cap": 1, "deletion_reads": 2, "script_form": "sql"},
}
# A registration of what is there, a search, configuration, edit, change of settings, or object sync in another way than the variant's, and an
# integration without a script, get 400,
# whatever the description says of the request.
CONFIG = """
[warnings]
fail-on = []
[[operations]]
include-operation-id = "renderCleanupScript"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[[operations]]
include-operation-id = "regenerateCleanupScript"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[[operations]]
include-operation-id = "registerConnection"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[[operations]]
include-operation-id = "testConnection"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[[operations]]
include-operation-id = "renderSetupScript"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[[operations]]
include-operation-id = "renderEditScript"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[[operations]]
include-operation-id = "updateConnection"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[[operations]]
include-operation-id = "updateSettings"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[[operations]]
include-operation-id = "syncObjects"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[[operations]]
include-operation-id = "syncObjectsByPut"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
[[operations]]
include-operation-id = "searchObjects"
[operations.checks]
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
"""


@pytest.mark.parametrize("name", spread(list(VARIANTS), 1))
def test_schemathesis_finds_nothing(name: str, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    with ImmutaDouble(State.example(api_key=API_KEY), Variant(**VARIANTS[name])) as double:
        command = [sys.executable, "-m", "schemathesis.cli", f"--config-file={config}", "run", str(DESCRIPTION)]
        command += [f"--url={double.url}", "-H", f"Authorization: {API_KEY}", "--checks=all"]
        command += ["--seed=1", "--max-examples=8", "--no-color", "--generation-database=none"]
        # The machine may be slow.
        command += ["--request-timeout=600", "--suppress-health-check=all"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one for one in double.violations if one.side == "reply"] == []
    # What it has never seen done well, it has not looked at.
    done_well = {one.operation_id for one in double.requests if one.status and one.status < 300}
    assert done_well == {one.name for one in contract().operations}
    assert len(double.requests) > 100
