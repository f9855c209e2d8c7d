# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays of several hosts, as ansible.cfg, the command line and inventories make them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible.release import __version__

from ansible_collections.community.immuta.plugins.plugin_utils._host_names import host_name
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness import servers
from ansible_collections.community.immuta.tests.harness.play import DEREGISTER, Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY, LAKE, PASSWORD

ABSENT = "no such connection"


@pytest.mark.oldest
@pytest.mark.parametrize(
    "settings",
    [{"ANSIBLE_ANY_ERRORS_FATAL": "true"}, {"ANSIBLE_STRATEGY": "free"}],
    ids=["any_errors_fatal", "strategy free"],
)
def test_each_host_has_its_own_end(player: Player, immuta: ImmutaDouble, settings: dict[str, str | None]) -> None:
    output, reports = player.folder / "out.json", player.folder / "reports"
    given = {
        "connection_keys": [KEY, LAKE, ABSENT],
        "confirm": "",
        "script_dir": str(player.scripts),
        "output": str(output),
        "report_dir": str(reports),
        "missing_script": "fail",
    }
    extra = {f"immuta_deregister_{name}": value for name, value in given.items()}
    played = player.command(DEREGISTER, "-e", json.dumps(extra), env=settings)
    assert played.code == 2
    found = json.loads(output.read_text())["immuta_deregister"]
    assert {key: one["status"] for key, one in found.items()} == {KEY: "planned", LAKE: "planned", ABSENT: "failed"}
    assert len(list(reports.glob("*.json"))) == 3
    assert "rescued=0" in played.output and "rescued=1" not in played.output
    assert played.output.count("fatal: ") == 1


@pytest.mark.oldest
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["-e", '{"immuta_deregister_hosts": "typo"}'],
            '"typo" of immuta_deregister_hosts matches no host',
        ),
        (
            ["--limit", "web1", "-e", '{"immuta_deregister_connection_keys": ["x"]}'],
            '--limit "web1" excludes every host',
        ),
    ],
    ids=["pattern", "limit"],
)
def test_a_play_for_no_host_is_no_success(player: Player, arguments: list[str], words: str) -> None:
    (player.folder / "hosts").write_text("web1 ansible_connection=local\n")
    played = player.command(DEREGISTER, "-i", str(player.folder / "hosts"), *arguments)
    assert played.code not in (0, 2)
    assert words in played.output


@pytest.mark.oldest
def test_no_credential_is_an_option_where_the_environment_is_seen(
    player: Player, snowflake: SnowflakeDouble, tmp_path: Path
) -> None:
    # The payloads are looked at.
    player.interpreter = None
    remote, hosts = tmp_path / "remote", tmp_path / "hosts.yml"
    # A host of the inventory has the name of the connection's, and keeps its variables.
    about = {"ansible_connection": "local", "immuta_deregister_snowflake_options": {"role": "SYSADMIN"}}
    hosts.write_text(json.dumps({"all": {"hosts": {"web1": {}, "prod-snowflake-c676119c0f": about}}}))
    given = {"immuta_deregister_connection_keys": [KEY], "immuta_deregister_script_dir": str(player.scripts)}
    env: dict[str, str | None] = {
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_REMOTE_TMP": str(remote),
    }
    if not __version__.startswith("2.16."):
        # There, Ansible itself breaks on add_host with it.
        env["ANSIBLE_DEBUG"] = "1"
    played = player.command("community.immuta.plan", "-vvvv", "-i", str(hosts), "-e", json.dumps(given), env=env)
    assert played.code == 0, played.output
    session = played.stats["immuta_deregister_plan"]["connections"][0]["session"]
    assert (session["user"], session["role"]) == ("DEPLOYER", "SYSADMIN")
    kept = [one for one in remote.rglob("AnsiballZ_*") if one.is_file()]
    assert {one.name for one in kept} >= {"AnsiballZ_immuta_cleanup_script.py", "AnsiballZ_snowflake_script.py"}
    for secret in (API_KEY, PASSWORD):
        assert secret not in played.output
        assert [one for one in kept if secret in one.read_text()] == []


def test_two_accounts_in_one_run(player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    """As in the guide to the playbooks: each connection's host has its own sign-in, and everything else is the environment's."""
    other = servers.another(immuta, KEY, immuta.state.integrations[5].script)
    number = immuta.state.connections[other].native_integration_id
    assert number is not None
    host = "other.snowflakecomputing.com"
    immuta.state.connections[other].hostname = host
    immuta.state.integrations[number].config |= {"host": host, "database": "IMMUTA"}
    account = Account.example(password="canary-of-the-other")
    account.name, account.account_name = "OTHER", "OTHER"
    output = player.folder / "out.json"
    given = {
        "immuta_deregister_connection_keys": [KEY, other],
        "immuta_deregister_script_dir": str(player.scripts),
        "immuta_deregister_output": str(output),
    }
    with SnowflakeDouble(account) as second:
        signs_in = {"account": "other", "port": second.port, "password": "canary-of-the-other"}
        hosts = {host_name(other): {"immuta_deregister_snowflake_options": signs_in}}
        inventory = player.folder / "hosts.yml"
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        planned = player.command("community.immuta.plan", "-i", str(inventory), "-e", json.dumps(given))
        assert planned.code == 0, planned.output
        plan = planned.stats["immuta_deregister_plan"]
        approved = {"immuta_deregister_plan": plan, "immuta_deregister_approved": plan["digest"]}

        # Without its own sign-in, the other connection would be removed on the first one's account.
        misled = player.command(DEREGISTER, "-e", json.dumps({**given, **approved}))
        assert misled.code == 2
        found = json.loads(output.read_text())["immuta_deregister"]
        assert {key: one["status"] for key, one in found.items()} == {KEY: "completed", other: "failed"}
        assert host in found[other]["error"]
        assert other in immuta.state.connections

        free: dict[str, str | None] = {"ANSIBLE_STRATEGY": "free", "ANSIBLE_ANY_ERRORS_FATAL": "true"}
        everything = json.dumps({**given, **approved})
        done = player.command(DEREGISTER, "-i", str(inventory), "-vvv", "-e", everything, env=free)
        assert done.code == 0, done.output
        found = json.loads(output.read_text())["immuta_deregister"]
        assert {key: one["status"] for key, one in found.items()} == {KEY: "already_done", other: "completed"}
        assert found[other]["session"]["account"].upper() == "OTHER"
        assert "canary-of-the-other" not in planned.output + misled.output + done.output
        assert not second.account.exists("DATABASE", "IMMUTA")
