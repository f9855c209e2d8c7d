# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role, when the script can't simply go on: what the plan marks, and what a person decides."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Fault, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.play import Player
from ansible_collections.community.immuta.tests.harness.servers import KEY

GUIDE = Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_lost_script.rst"
CONFIRMED = {"confirm": KEY}
START = "USE ROLE ACCOUNTADMIN;\n"


def test_what_can_not_succeed_any_more_is_left_out(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    immuta.state.integrations[5].script = f"{START}DROP ROLE GONE;\nDROP USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT;\n"
    reports = str(player.scripts / "reports")
    broken = player.role(**CONFIRMED, report_dir=reports)
    assert broken.code != 0
    assert "immuta_deregister_skip" in broken.output
    skip = [{"statement": 2, "sha256": broken.result["script"]["sha256"], "reason": "dropped by hand"}]
    assert "left out: dropped by hand" in player.role(skip=skip).output
    played = player.role(**CONFIRMED, skip=skip, report_dir=reports)
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert "left out     DROP ROLE GONE: dropped by hand" in played.output
    again = player.role(**CONFIRMED, report_dir=reports)
    assert (again.code, again.result["status"]) == (0, "already_done")
    (report,) = (player.scripts / "reports").glob("*.json")
    for run in json.loads(report.read_text())["runs"][1:]:
        (claim,) = [one for one in run["verified"] if "has run to its end" in one["claim"]]
        assert claim["state"] == "stated"
        assert "statement 2: dropped by hand" in claim["how"]
    assert "dropped by hand" in report.with_suffix(".html").read_text()


def test_a_lost_script_is_regenerated_and_run_once_that_is_confirmed(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    kept = {"report_dir": str(player.folder / "reports")}
    planned = player.role(**kept)
    assert planned.result["integration_config"]["database"] == "IMMUTA"
    # Deleted by hand, with everything that would lead to the script, but for the report.
    del immuta.state.connections[KEY], immuta.state.integrations[5]
    (player.scripts / "prod%20snowflake.sql").unlink()
    refused = player.role(**CONFIRMED, **kept)
    assert (refused.code != 0, refused.result["status"]) == (True, "failed")
    assert "immuta_deregister_accept_regenerated" in refused.error
    assert snowflake.statements == []
    # As the guide shows it.
    block = GUIDE.read_text().partition(".. code-block:: yaml\n\n")[2].partition("\n\n")[0]
    given = yaml.safe_load(block.replace("myorg-myaccount", "example"))
    shown = {name.removeprefix("immuta_deregister_"): value for name, value in given.items()}
    played = player.role(**shown, **kept)
    assert (played.code, played.result["status"]) == (0, "completed"), played.output
    assert played.result["script"]["source"] == "regenerated"
    assert "REGENERATED" in played.output
    assert len(snowflake.statements) == played.result["script"]["total"] > 10
    report = json.loads((player.folder / "reports" / "prod%20snowflake.json").read_text())
    states = {claim["claim"]: claim["state"] for claim in report["runs"][-1]["verified"]}
    assert states["The clean-up script is that of the integration"] == "not_verified"
    assert states["The clean-up script has run to its end"] == "verified"


def test_what_is_in_doubt_is_sent_again_on_request(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    immuta.state.integrations[
        5
    ].script = f"{START}CREATE OR REPLACE ROLE NEW;\nDROP USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT;\n"
    snowflake.faults.append(Fault("statement", "reset", match="ROLE NEW", times=99))
    short = {"community.immuta.snowflake_script": {"statement_timeout": 1, "network_timeout": 1}}
    planned = player.role()
    assert "SNOWFLAKE_WAREHOUSE" in planned.output
    assert player.role(**CONFIRMED, module_defaults=short).code != 0
    snowflake.faults.clear()
    stopped = player.role(**CONFIRMED, module_defaults=short)
    assert "immuta_deregister_on_unknown" in stopped.output
    played = player.role(**CONFIRMED, on_unknown="rerun")
    assert (played.code, played.result["status"]) == (0, "completed"), played.output


def test_the_plan_marks_what_can_not_be_resumed_and_nothing_is_deleted_for_a_script_that_ends_open(
    player: Player, immuta: ImmutaDouble
) -> None:
    integration = immuta.state.integrations[5]
    integration.script = f"{START}BEGIN;\nDELETE FROM SALES.CRM.LEADS;\nCALL P();\nCOMMIT;\n"
    output = player.role().output
    assert "the rerun starts at statement 2" in output
    assert "a person has to decide" in output
    integration.script = f"{START}BEGIN;\nDELETE FROM SALES.CRM.LEADS;\n"
    refused = player.role(**CONFIRMED)
    assert refused.code != 0
    assert "opens a transaction" in refused.output
    assert KEY in immuta.state.connections
