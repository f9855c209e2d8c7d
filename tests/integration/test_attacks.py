# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What strangers tried: words that the shell loses, misspelt brakes, and stages that are passed over. Nothing is deleted."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.play import DEREGISTER, PLAN, Player
from ansible_collections.community.immuta.tests.harness.servers import KEY

MIDDLE = "can't be entered in the middle"
ROLE = "community.immuta.deregister_connection"


@pytest.fixture(autouse=True)
def untouched(immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> t.Iterator[None]:
    """Nothing is deleted, and nothing is run."""
    yield
    assert KEY in immuta.state.connections
    assert "DELETE" not in [one.method for one in immuta.requests]
    assert snowflake.statements == []


def given(player: Player, **more: t.Any) -> dict[str, t.Any]:
    """What confirms the removal."""
    values = {"connection_key": KEY, "confirm": KEY, "script_dir": str(player.scripts), **more}
    return {f"immuta_deregister_{name}": value for name, value in values.items()}


@pytest.mark.oldest
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--start-at-task", "Delete the connection"], MIDDLE),
        (["--start-at-task", "Derive the outcome"], MIDDLE),
        (["--tags", "delete"], "Nothing was checked, planned, or removed"),
        (["-e", "immuta_deregister_exectuor=handoff"], "Did you mean immuta_deregister_executor?"),
        (
            ["-e", f"immuta_deregister_connection_key={KEY}"],
            "1 word is left over from -e NAME=VALUE, after the variable immuta_deregister_connection_key",
        ),
        (["-e", '{"immuta_deregister_connection_key": 10}'], "is a number (10), not text"),
        (["-e", '{"immuta_deregister_confirm": true}'], "is true or false (True), not text"),
        (["-e", "immuta_deregister_script_executed=true"], "but the connection still exists"),
    ],
    ids=["deletion", "end", "tags", "misspelt", "lost word", "number", "boolean", "stated"],
)
def test_the_playbook_refuses(player: Player, arguments: list[str], message: str) -> None:
    played = player.command(DEREGISTER, "-e", json.dumps(given(player)), *arguments)
    assert played.code == 2
    assert message in played.output.replace('\\"', '"')


def test_a_misspelt_variable_of_a_group_is_refused(player: Player) -> None:
    (player.folder / "group_vars").mkdir()
    (player.folder / "group_vars" / "all.yml").write_text("immuta_deregister_confrim: x\n")
    (player.folder / "hosts").write_text("web1\n")
    played = player.command(DEREGISTER, "-i", str(player.folder / "hosts"), "-e", json.dumps(given(player)))
    assert played.code == 2
    assert "Did you mean immuta_deregister_confirm?" in played.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--start-at-task", "Register the connection"], MIDDLE),
        (["--tags", "register"], "Nothing was checked, planned, or registered"),
    ],
    ids=["middle", "tags"],
)
def test_the_way_in_is_not_entered_in_the_middle(player: Player, arguments: list[str], message: str) -> None:
    played = player.command("community.immuta.register_connection", *arguments)
    assert played.code == 2
    assert message in played.output


@pytest.mark.parametrize(
    "arguments",
    [["--start-at-task", "Summarize what was planned"], ["--tags", "no_such_tag"]],
    ids=["start", "tags"],
)
def test_a_plan_of_nothing_is_not_green(player: Player, arguments: list[str]) -> None:
    played = player.command(PLAN, "-e", json.dumps(given(player)), *arguments)
    assert played.code == 2
    assert "Digest of this plan" not in played.output
    assert "Nothing was checked, planned, or removed" in played.output


def test_a_misspelt_brake_in_the_inventory_is_seen(player: Player) -> None:
    hosts = {
        "all": {"hosts": {"one": {"ansible_connection": "local"}}, "vars": {"immuta_deregister_exectuor": "handoff"}}
    }
    inventory = player.folder / "hosts.yml"
    inventory.write_text(json.dumps(hosts))
    extra = json.dumps({**given(player), "immuta_deregister_hosts": "one"})
    played = player.command(DEREGISTER, "-i", str(inventory), "-e", extra)
    assert played.code == 2
    assert "Did you mean immuta_deregister_executor?" in played.error


@pytest.mark.oldest
@pytest.mark.parametrize("where", ["play", "role"])
def test_an_ignored_failure_deletes_nothing(player: Player, where: str) -> None:
    """The plan is not the approved one."""
    role: dict[str, t.Any] = {"role": ROLE, **given(player, expected_plan_digest="0" * 64, confirm=KEY)}
    play: dict[str, t.Any] = {"hosts": "localhost", "gather_facts": False, "roles": [role]}
    (play if where == "play" else role)["ignore_errors"] = True
    wrong = player.run([play])
    role.update(given(player, approved="0" * 64))
    refused = player.run([play])
    assert (wrong.code, refused.code) == (2, 2)


def test_run_once_passes_over_no_connection(player: Player) -> None:
    keys = {
        name: given(player, connection_key=key, confirm=key) for name, key in (("one", KEY), ("two", "prod databricks"))
    }
    hosts = {"all": {"hosts": {name: {"ansible_connection": "local", **own} for name, own in keys.items()}}}
    inventory = player.folder / "hosts.yml"
    inventory.write_text(json.dumps(hosts))
    role = {"role": ROLE, "run_once": True}
    played = player.run([{"hosts": "all", "gather_facts": False, "roles": [role]}], "-i", str(inventory))
    assert played.code == 2
    assert "With run_once only" in played.output


def test_a_host_that_is_not_reached_has_not_answered(player: Player) -> None:
    hosts = {
        "localhost": {"ansible_connection": "local"},
        "keeper": {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1},
    }
    inventory = player.folder / "hosts.yml"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    role = {"role": ROLE, **given(player, script_host="keeper")}
    play = {"hosts": "localhost", "gather_facts": False, "ignore_unreachable": True, "roles": [role]}
    played = player.run([play], "-i", str(inventory))
    assert played.code != 0
    assert "ALREADY DONE" not in played.output
