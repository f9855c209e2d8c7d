# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks: many connections, plans that are approved, and scripts that are kept elsewhere."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Fault, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.play import DEREGISTER, PLAN, Played, Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY, LAKE, PASSWORD

ABSENT = "no such connection"


class Site:
    """Runs the playbooks by name."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.output = player.folder / "output" / "output.json"
        self.output.parent.mkdir()

    def run(
        self, playbook: str, *arguments: str, env: dict[str, str | None] | None = None, **variables: t.Any
    ) -> tuple[Played, t.Any]:
        """Run one; what it did, and what it wrote."""
        given = {"script_dir": str(self.player.scripts), "output": str(self.output), **variables}
        extra = {f"immuta_deregister_{name}": value for name, value in given.items()}
        self.output.unlink(missing_ok=True)
        played = self.player.command(playbook, "--extra-vars", json.dumps(extra), *arguments, env=env)
        (written,) = json.loads(self.output.read_text()).values() if self.output.exists() else [None]
        return played, written


@pytest.fixture
def site(player: Player) -> Site:
    return Site(player)


def deletions(immuta: ImmutaDouble) -> int:
    return sum(one.method == "DELETE" for one in immuta.requests)


@pytest.mark.oldest
def test_what_was_planned_and_approved_is_done_and_nothing_else(
    site: Site, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    planned, plan = site.run(PLAN, "-vvvv", connection_keys=[KEY, LAKE])
    assert planned.code == 0, planned.output
    assert plan == planned.stats["immuta_deregister_plan"]
    assert [(one["connection_key"], one["status"]) for one in plan["connections"]] == [
        (LAKE, "planned"),
        (KEY, "planned"),
    ]
    assert f"Digest of this plan: {plan['digest']}" in planned.output
    assert deletions(immuta) == 0
    assert not site.player.scripts.exists()
    assert snowflake.statements == []
    # Nothing is on the disk, and who approves sees what is there, whose it is, and how old.
    (database,) = [one for one in plan["connections"][1]["objects"] if one["kind"] == "DATABASE"]
    assert (database["present"], bool(database["owner"] and database["created_on"])) == (True, True)

    lied = {**plan, "connections": [plan["connections"][0], {**plan["connections"][1], "script_sha256": "0" * 64}]}
    refused, outcome = site.run(DEREGISTER, plan=lied, approved=plan["digest"])
    assert (refused.code, outcome) == (2, None)
    assert (
        f'immuta_deregister_approved is "{plan["digest"]}", but the digest of immuta_deregister_plan is'
        in refused.error
    )
    strange, _outcome = site.run(DEREGISTER, plan=plan, approved=plan["digest"], connection_key="prod databricks")
    assert 'does not contain the connection "prod databricks"' in strange.error
    assert deletions(immuta) == 0

    done, outcome = site.run(DEREGISTER, "-vvvv", "--diff", plan=plan, approved=plan["digest"])
    assert done.code == 0, done.output
    for secret in (API_KEY, PASSWORD):
        assert secret not in planned.output + done.output
    assert {key: one["status"] for key, one in outcome.items()} == {KEY: "completed", LAKE: "completed"}
    assert outcome == done.stats["immuta_deregister"]
    assert set(immuta.state.connections) == {"prod databricks"}
    assert not snowflake.account.exists("DATABASE", "IMMUTA")
    again, outcome = site.run(DEREGISTER, plan=plan, approved=plan["digest"])
    assert (again.code, again.changed) == (0, []), again.output
    # The plan has no script for the second one, so that it is done when the connection is gone.
    assert {key: one["status"] for key, one in outcome.items()} == {KEY: "already_done", LAKE: "already_done"}


def test_a_plan_in_a_file_runs_no_templates(site: Site, immuta: ImmutaDouble) -> None:
    run = site.player.folder / "RUN"
    key = f"{{{{ lookup('ansible.builtin.pipe', 'touch {run}') }}}} {{# \""
    one = immuta.state.connections.pop(LAKE)
    one.key = key
    immuta.state.connections[key] = one
    inventory = {"all": {"hosts": {"one": {"ansible_connection": "local", "immuta_deregister_connection_key": key}}}}
    hosts = site.player.folder / "hosts.yml"
    hosts.write_text(
        yaml.dump(inventory).replace("immuta_deregister_connection_key:", "immuta_deregister_connection_key: !unsafe")
    )
    planned, plan = site.run(PLAN, "-i", str(hosts), hosts="one")
    assert planned.code == 0, planned.output
    assert plan["connections"][0]["connection_key"] == {"__ansible_unsafe": key}
    file = site.player.folder / "plan.json"
    file.write_text(json.dumps({"immuta_deregister_plan": plan}))
    done, outcome = site.run(DEREGISTER, "-e", f"@{file}", approved=plan["digest"])
    assert done.code == 0, done.output
    assert outcome[key]["status"] == "completed"
    assert key not in immuta.state.connections
    assert not run.exists()


@pytest.mark.oldest
def test_a_script_that_was_not_planned_is_not_run(site: Site, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    _planned, plan = site.run(PLAN, connection_keys=f"{KEY}\n\n{LAKE}\n")
    assert [one["connection_key"] for one in plan["connections"]] == [LAKE, KEY]
    integration = immuta.state.integrations[5]
    assert integration.script is not None
    integration.script += "DROP DATABASE IF EXISTS SALES;\n"
    approved = {"plan": plan, "approved": plan["digest"]}
    # In one batch, what must not be is seen before the other one is deleted.
    careful, outcome = site.run(DEREGISTER, **approved, max_fail_percentage=0)
    assert {key: one["status"] for key, one in outcome.items()} == {KEY: "failed", LAKE: "failed"}
    assert "max_fail_percentage is 0, and these hosts have failed: prod-snowflake-c676119c0f." in careful.output
    assert LAKE in immuta.state.connections
    played, outcome = site.run(DEREGISTER, **approved)
    assert played.code == 2
    assert {key: one["status"] for key, one in outcome.items()} == {KEY: "failed", LAKE: "completed"}
    assert KEY in immuta.state.connections
    assert snowflake.statements == []
    assert "It is not the one that was approved" in played.output


def test_one_that_fails_does_not_stop_the_others_unless_asked(site: Site, immuta: ImmutaDouble) -> None:
    keys = [ABSENT, LAKE]
    played, plan = site.run(PLAN, connection_keys=["prod databricks", *keys], missing_script="fail")
    assert played.code == 2
    errors = {one["connection_key"]: one["error"] for one in plan["connections"]}
    assert "does not know the connection" in errors[ABSENT]
    assert "The option host is missing" in errors["prod databricks"]
    assert errors[LAKE] is None

    approved = {"plan": plan, "approved": plan["digest"], "missing_script": "fail"}
    careful, outcome = site.run(DEREGISTER, **approved, connection_keys=keys, serial=1, max_fail_percentage="0")
    assert careful.code == 2
    assert "could not be planned" in careful.error
    assert f"not started  {LAKE}" in careful.output
    assert LAKE in immuta.state.connections
    # The failure of one is not the others', whatever ansible.cfg says.
    together: dict[str, str | None] = {"ANSIBLE_ANY_ERRORS_FATAL": "true"}
    played, outcome = site.run(DEREGISTER, **approved, connection_keys=keys, env=together)
    assert played.code == 2
    assert {key: one["status"] for key, one in outcome.items()} == {ABSENT: "failed", LAKE: "completed"}
    assert LAKE not in immuta.state.connections
    assert f"failed       {ABSENT}: " in played.output
    assert f"completed    {LAKE}: the connection is gone" in played.output


def test_a_host_that_keeps_the_scripts_runs_the_modules(
    site: Site, immuta: ImmutaDouble, snowflake: SnowflakeDouble, tmp_path: Path
) -> None:
    site.player.interpreter = None
    home = tmp_path / "elsewhere"
    home.mkdir()
    (tmp_path / "hosts").write_text("localhost ansible_connection=local\nkeeper ansible_connection=elsewhere\n")
    env: dict[str, str | None] = {
        "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connection"),
        "ELSEWHERE": str(home),
        # A job of AWX, whose own folders would die with it.
        "AWX_PRIVATE_DATA_DIR": str(tmp_path / "job"),
    }
    arguments = ("-i", str(tmp_path / "hosts"), "-vvvv")
    given = {"connection_key": KEY, "confirm": KEY, "script_dir": "~/kept"}
    home_of_job = {**env, "HOME": str(tmp_path / "job")}
    refused, _outcome = site.run(DEREGISTER, *arguments, env=home_of_job, **given, script_durable=False)
    assert "would not outlive this run" in refused.error
    wrong, _outcome = site.run(DEREGISTER, *arguments, env=env, **given, script_host="nowhere")
    assert 'immuta_deregister_script_host is "nowhere"' in wrong.error
    assert deletions(immuta) == 0
    played, outcome = site.run(DEREGISTER, *arguments, env=env, **given, script_host="keeper")
    assert played.code == 0, played.output
    assert outcome[KEY]["status"] == "completed"
    assert {one.name for one in (home / "kept").iterdir()} == {"prod%20snowflake.sql", "prod%20snowflake.sql.journal"}
    for secret in (API_KEY, PASSWORD):
        assert secret not in refused.output + played.output


def test_the_workflow_keeps_scripts_that_hold_no_secrets(
    site: Site, immuta: ImmutaDouble, snowflake: SnowflakeDouble, tmp_path: Path
) -> None:
    env: dict[str, str | None] = {"AWX_PRIVATE_DATA_DIR": str(tmp_path)}
    given = {"connection_keys": [KEY], "script_in_artifact": True}
    planned, plan = site.run(PLAN, env=env, **given, script_dir=str(tmp_path / "first"))
    assert planned.code == 0, planned.output
    scripts = planned.stats["immuta_deregister_scripts"]
    approved = {**given, "plan": plan, "approved": plan["digest"]}
    lost = {**approved, "script_dir": str(tmp_path / "second"), "script_durable": False}
    refused, _outcome = site.run(DEREGISTER, env=env, **lost)
    assert "would not outlive this run" in refused.error
    assert deletions(immuta) == 0

    snowflake.faults.append(Fault("statement", "error", nth=12))
    broken, outcome = site.run(DEREGISTER, env=env, **approved, scripts=scripts, script_dir=str(tmp_path / "third"))
    assert (broken.code, outcome[KEY]["status"]) == (2, "failed")
    assert KEY not in immuta.state.connections
    # Another container, and the script can't be asked for any more.
    played, outcome = site.run(DEREGISTER, env=env, **approved, scripts=scripts, script_dir=str(tmp_path / "fourth"))
    assert played.code == 0, played.output
    assert outcome[KEY]["status"] == "completed"
    assert not snowflake.account.exists("ROLE", "IMMUTA_SYSTEM")
    assert os.stat(tmp_path / "fourth" / "prod%20snowflake.sql").st_mode & 0o777 == 0o600


def two_hosts(site: Site) -> Path:
    """An inventory with two hosts for the same key."""
    keys = {name: {"ansible_connection": "local", "immuta_deregister_connection_key": KEY} for name in ("one", "two")}
    hosts = site.player.folder / "hosts.yml"
    hosts.write_text(json.dumps({"all": {"hosts": keys}}))
    return hosts


@pytest.mark.oldest
def test_hosts_in_each_others_way_are_refused_at_once(site: Site, immuta: ImmutaDouble) -> None:
    one_file = {"connection_keys": [KEY, "prod databricks"], "script_path": str(site.player.scripts / "x.sql")}
    planned, _plan = site.run(PLAN, **one_file)
    assert planned.code == 2
    hosts = two_hosts(site)
    twice, outcome = site.run(DEREGISTER, "-i", str(hosts), hosts="one:two", confirm=KEY)
    for played, words in ((planned, "keeps its script in the same file"), (twice, f'for the same connection "{KEY}"')):
        assert sum(words in str(one["result"].get("msg")) for one in played.tasks if one["outcome"] == "failed") >= 2
    assert {one["status"] for one in outcome.values()} == {"failed"}
    assert immuta.requests == []


def test_hosts_with_one_key_on_two_tenants_are_not_in_each_others_way(site: Site) -> None:
    """Older versions of ansible-core refuse them: there, a task sees its own tenant only."""
    hosts = two_hosts(site)
    tenant = {"url": "http://127.0.0.1:9/{{ inventory_hostname }}"}
    play = {
        "hosts": "one:two",
        "gather_facts": False,
        "module_defaults": {"group/community.immuta.immuta": tenant},
        "tasks": [
            {
                "ansible.builtin.import_role": {
                    "name": "community.immuta.deregister_connection",
                    "tasks_from": "check",
                },
                "vars": {"immuta_deregister_script_dir": str(site.player.scripts / "{{ inventory_hostname }}")},
            }
        ],
    }
    other_tenants = site.player.run([play], "-i", str(hosts))
    assert other_tenants.code == 0, other_tenants.output
    tenant["url"] = "http://127.0.0.1:9/"
    assert "for the same connection" in site.player.run([play], "-i", str(hosts)).error


@pytest.mark.oldest
def test_the_outcome_is_in_the_working_folder_and_no_dry_run_replaces_it(site: Site, immuta: ImmutaDouble) -> None:
    given = {"output": "output/out.json", "connection_key": LAKE, "confirm": LAKE, "missing_script": "warn"}
    site.run(DEREGISTER, **given)
    assert LAKE not in immuta.state.connections
    # Where ansible-playbook was started, and not where the collection is.
    before = site.output.with_name("out.json").read_bytes()
    assert json.loads(before)["immuta_deregister"][LAKE]["status"] == "completed"
    checked, _none = site.run(DEREGISTER, "--check", **given)
    assert checked.code == 0, checked.output
    planned, _none = site.run(PLAN, **given)
    assert "contains the outcome of a removal" in planned.error
    assert sorted(one.name for one in site.output.parent.iterdir()) == ["out.check.json", "out.json"]
    assert site.output.with_name("out.json").read_bytes() == before
    seen = len(immuta.requests)
    wrong, _none = site.run(DEREGISTER, **{**given, "output": "nowhere/out.json"})
    assert "immuta_deregister_output can't be written: No such file" in wrong.error
    assert len(immuta.requests) == seen


def test_check_mode_keeps_no_script_for_the_workflow(site: Site) -> None:
    checked, plan = site.run(PLAN, "--check", connection_keys=[KEY], script_in_artifact=True)
    assert checked.code == 0, checked.output
    assert [one["status"] for one in plan["connections"]] == ["planned"]
    assert not site.player.scripts.exists()


def test_says_how_far_it_is(site: Site, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    immuta.state.integrations[
        5
    ].script = "USE ROLE USERADMIN;\nDROP USER IF EXISTS A;\nDROP USER IF EXISTS B;\nDROP USER IF EXISTS C;\n"
    snowflake.account.add_user("B")
    played, outcome = site.run(DEREGISTER, connection_key=KEY, confirm=KEY, progress_interval=0.001)
    assert played.code == 0, played.output
    for number in (1, 2, 3):
        assert f"Statements run so far: {number} of 4]" in played.output
    assert {one["status"] for one in outcome[KEY]["script"]["statements"]} <= {"done", "replayed"}
    assert [one.text for one in snowflake.statements].count("DROP USER IF EXISTS B") == 1
    wrong, _outcome = site.run(DEREGISTER, connection_key=KEY, confirm=KEY, progress_interval=-1)
    assert "immuta_deregister_progress_interval" in wrong.output
