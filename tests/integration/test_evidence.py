# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's report says what the stand-ins have seen, of every run, and holds no secret. How it looks: tests/browser."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from ansible_collections.community.immuta.plugins.module_utils._sql.credentials import secrets
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Fault, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.play import Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY, PASSWORD

ROOT = Path(__file__).parents[2]
HOSTILE = "</title><script>alert('{{ 7 * 7 }}')</script>"
# What AWX gives to its jobs.
JOB = {"awx_job_id": 42, "awx_user_name": "alice", "awx_job_template_name": "Deregister", "awx_workflow_job_id": 41}


def report(player: Player, key: str = KEY) -> tuple[dict[str, t.Any], str]:
    """Both files, after a look at who may read them."""
    folder = player.folder / "kept" / "reports"
    found = [folder / f"{quote(key, safe='')}.{kind}" for kind in ("json", "html")]
    assert sorted(folder.iterdir()) == sorted(found)
    assert [stat.S_IMODE(one.stat().st_mode) for one in (folder, *found)] == [0o700, 0o600, 0o600]
    return json.loads(found[0].read_text()), found[1].read_text()


@pytest.mark.oldest
def test_a_report_says_what_happened(player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    kept = {"confirm": KEY, "report_dir": str(player.folder / "kept" / "reports")}
    played = player.role(**kept)
    assert played.code == 0, played.output
    evidence, page = report(player)
    (run,) = evidence["runs"]
    assert (evidence["connection_key"], evidence["status"], run["status"]) == (KEY, "completed", "completed")
    assert (run["tenant"], run["technology"], run["integration_id"]) == (immuta.url, "Snowflake", 5)
    assert (run["session"]["account"], run["session"]["user"]) == ("example", "DEPLOYER")
    assert run["by"]["automation"] is None
    assert run["versions"]["community.immuta"] == yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert run["versions"]["ansible-core"] in page
    assert run["deleted_objects"] == 5

    script = (player.scripts / "prod%20snowflake.sql").read_bytes()
    assert run["script"]["sha256"] == hashlib.sha256(script).hexdigest()
    assert run["plan"] == played.result["plan"]
    assert [one["query_id"] for one in run["statements"]] == [one.query_id for one in snowflake.statements]
    assert {one["status"] for one in run["statements"]} == {"done"}
    for one, seen in zip(run["statements"], snowflake.statements):
        assert seen.text.upper().startswith(one["verb"])
        assert one["seconds"] >= 0

    steps = {one["name"]: one for one in run["steps"]}
    did = [name for name, one in steps.items() if one["outcome"] == "done"]
    assert did == [
        "Save the clean-up script",
        "Check the platform",
        "Delete the connection in Immuta",
        "Run the clean-up script",
    ]
    times = [run["started"], *(steps[name][at] for name in did for at in ("started", "ended")), run["ended"]]
    assert times == sorted(times)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one) for one in times)
    assert [one["state"] for one in run["verified"]] == ["verified"] * 4
    assert run["remaining"] == []
    for text in (*(one["query_id"] for one in run["statements"]), run["plan"]["digest"], run["script"]["sha256"]):
        assert text in page

    again = player.role(**kept)
    assert (again.result["status"], again.changed) == ("already_done", [])
    later, page = report(player)
    assert later["runs"][0] == run
    assert (later["runs"][1]["status"], later["runs"][1]["changed"]) == ("already_done", False)
    assert run["statements"][-1]["query_id"] in page
    assert again.result["report"]["html"].endswith("/prod%20snowflake.html")
    for secret in (API_KEY, PASSWORD, *secrets(script.decode(), "snowflake")):
        assert secret not in json.dumps(later) + page


def test_a_run_that_failed_leaves_evidence_too(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    one = immuta.state.connections.pop(KEY)
    one.key = HOSTILE
    immuta.state.connections[HOSTILE] = one
    immuta.state.integrations[5].script = f'USE ROLE ACCOUNTADMIN;\nDROP DATABASE IF EXISTS "{HOSTILE}";\n'
    snowflake.account.add("DATABASE", HOSTILE, owner="SYSADMIN")
    snowflake.faults.append(Fault("statement", "error", nth=2))
    (player.folder / "key.yml").write_text(f"key: !unsafe {json.dumps(HOSTILE)}\n")
    given = {"connection_key": "{{ key }}", "confirm": "{{ key }}", "script_dir": str(player.scripts)}
    given["report_dir"] = str(player.folder / "kept" / "reports")
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(player.folder / "key.yml")],
        "vars": {f"immuta_deregister_{name}": value for name, value in given.items()},
        "roles": [{"role": "community.immuta.deregister_connection"}],
    }
    played = player.run([play], "--extra-vars", json.dumps(JOB))
    assert played.code != 0
    evidence, page = report(player, HOSTILE)
    (run,) = evidence["runs"]
    assert (evidence["connection_key"], run["status"], run["changed"]) == (HOSTILE, "failed", True)
    assert run["error"]["task"] == "Run the script on Snowflake"
    assert run["error"]["message"] in played.error
    assert run["error"]["query_id"] == snowflake.statements[1].query_id
    assert [one["status"] for one in run["statements"]] == ["done", "failed"]
    assert run["statements"][1]["name"] == HOSTILE
    assert [one["outcome"] for one in run["steps"]][-2:] == ["done", "failed"]
    assert {one["claim"]: one["state"] for one in run["verified"]} == {
        "The clean-up script is kept": "verified",
        "The connection does not exist in Immuta": "verified",
        "The clean-up script has run to its end": "not_verified",
    }
    assert run["remaining"][0] == "The clean-up script has not run to its end."
    job = run["by"]["automation"]
    assert (job["system"], job["job"], job["user"], job["workflow"]) == ("AWX", "42", "alice", 41)
    assert "alice" in page
    assert "<script" not in page
    assert "{{ 7 * 7 }}" in page


def test_refuses_a_report_that_could_not_be_left(player: Player, immuta: ImmutaDouble) -> None:
    kept = player.folder / "kept"
    foreign = kept / "foreign" / "prod%20snowflake.json"
    foreign.parent.mkdir(parents=True)
    foreign.write_text('{"report": "of someone else"}')
    tried = ["relative", str(foreign / "below"), str(foreign.parent)]
    tasks: list[dict[str, t.Any]] = [
        {
            "block": [
                {
                    "ansible.builtin.include_role": {"name": "community.immuta.deregister_connection"},
                    "vars": {
                        "immuta_deregister_connection_key": KEY,
                        "immuta_deregister_script_dir": str(player.scripts),
                        "immuta_deregister_report_dir": folder,
                    },
                }
            ],
            "rescue": [{"ansible.builtin.debug": {"msg": "as it should"}}],
        }
        for folder in tried
    ]
    played = player.tasks(tasks)
    said = [
        one["result"]["msg"]
        for one in played.tasks
        if one["task"].startswith("Validate the variables") and one["outcome"] == "failed"
    ]
    assert len(said) == 3
    assert all("immuta_deregister_report_dir" in one for one in said)
    for message, expected in zip(said, ("absolute path", "can't be", "not a report of this role")):
        assert expected in message
    assert immuta.requests == []
    assert not (player.folder / "relative").exists()
    assert sorted(one.name for one in kept.iterdir()) == ["foreign"]
    assert foreign.read_text() == '{"report": "of someone else"}'
    assert [one.name for one in foreign.parent.iterdir()] == [foreign.name]
