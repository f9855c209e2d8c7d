# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays of several hosts, as ansible.cfg, the command line and inventories make them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible.release import __version__

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
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
