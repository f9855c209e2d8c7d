# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The role on Databricks Unity Catalog, from end to end."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.databricks_metastore import IMMUTA
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble, Fault
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.harness.play import Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, TOKEN

KEY = "prod databricks"
CONFIRMED = {"connection_key": KEY, "confirm": KEY}


@pytest.fixture
def player(tmp_path: Path, immuta: ImmutaDouble, databricks: DatabricksDouble) -> Player:
    return Player(tmp_path, immuta, databricks.environment(TOKEN))


def texts(databricks: DatabricksDouble) -> list[str]:
    return [one.text for one in databricks.statements]


def nothing_left(immuta: ImmutaDouble, databricks: DatabricksDouble) -> bool:
    state = databricks.metastore.snapshot()
    return (
        KEY not in immuta.state.connections
        and not databricks.metastore.exists("CATALOG", "immuta")
        and (state["masks"], state["row_filters"]) == ([], [])
        and not any(grant.principal == IMMUTA for grant in databricks.metastore.grants)
    )


@pytest.mark.oldest
def test_takes_the_connection_out_of_service_whole(
    player: Player, immuta: ImmutaDouble, databricks: DatabricksDouble
) -> None:
    planned = player.role("--check", "--diff", **CONFIRMED)
    assert planned.code == 0, planned.output
    assert (planned.result["status"], planned.result["executor"]) == ("planned", "databricks")
    assert databricks.statements == []
    played = player.role("--diff", **CONFIRMED)
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert played.result["technology"] == "Databricks"
    statements = played.result["script"]["statements"]
    assert [one["query_id"] for one in statements] == [one.query_id for one in databricks.statements]
    assert nothing_left(immuta, databricks)
    assert databricks.open == {}
    asked, sent = len(immuta.requests), len(databricks.statements)
    again = player.role(**CONFIRMED)
    assert again.code == 0, again.output
    assert (again.result["status"], again.changed) == ("already_done", [])
    assert len(immuta.requests) - asked == 2
    assert len(databricks.statements) == sent


@pytest.mark.parametrize("when", ["deleted", "half of the script"])
def test_a_killed_run_is_finished_by_the_next_one(
    player: Player, immuta: ImmutaDouble, databricks: DatabricksDouble, when: str
) -> None:
    def reached() -> bool:
        if when == "deleted":
            return any(one.method == "DELETE" for one in immuta.requests)
        return len(databricks.statements) >= 5

    databricks.faults.append(Fault("statement", "slow", match="REVOKE", times=9, seconds=0.4))
    killed = player.role(kill_when=reached, **CONFIRMED)
    assert killed.code != 0
    assert databricks.metastore.exists("CATALOG", "immuta")
    played = player.role(**CONFIRMED)
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert nothing_left(immuta, databricks)
    assert [one.method for one in immuta.requests].count("DELETE") == 1


@pytest.mark.oldest
def test_shows_no_secret(player: Player) -> None:
    played = player.role("-vvvv", "--diff", **CONFIRMED)
    assert played.code == 0
    for secret in (TOKEN, API_KEY):
        assert secret not in played.output
