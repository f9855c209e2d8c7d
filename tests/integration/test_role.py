# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role, from end to end: the plan, the deed, every rerun, and everything that must stop it before the deletion."""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import Connection, ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, Fault, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.inprocess import run_by_hand
from ansible_collections.community.immuta.tests.harness.play import Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY, PASSWORD

SCRIPT = "prod%20snowflake.sql"
CONFIRMED = {"confirm": KEY}


def methods(immuta: ImmutaDouble) -> list[str]:
    return [one.method for one in immuta.requests]


def deletions(immuta: ImmutaDouble) -> int:
    return methods(immuta).count("DELETE")


def texts(snowflake: SnowflakeDouble) -> list[str]:
    return [one.text for one in snowflake.statements]


def still_connected(immuta: ImmutaDouble) -> bool:
    return KEY in immuta.state.connections


def nothing_left(immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> bool:
    account = snowflake.account
    return (
        not still_connected(immuta)
        and 5 not in immuta.state.integrations
        and not account.exists("DATABASE", "IMMUTA")
        and not account.exists("ROLE", "IMMUTA_SYSTEM")
        and not account.exists("USER", "IMMUTA_SYSTEM_ACCOUNT")
    )


# The plan


def test_check_mode_from_cold_plans_and_changes_nothing(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    played = player.role("--check", "--diff", **CONFIRMED)
    assert played.code == 0, played.output
    assert played.result["status"] == "planned"
    assert not player.scripts.exists()
    assert still_connected(immuta)
    assert snowflake.statements == []
    assert deletions(immuta) == 0
    assert played.changed == [
        "Save the clean-up script",
        "Delete the connection",
        "Run the script on Snowflake",
    ]
    assert "DROP DATABASE IMMUTA" in played.output
    assert "THIS CAN'T BE UNDONE" in played.output


def test_without_confirmation_it_ends_after_the_plan(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    played = player.role()
    assert played.code == 0, played.output
    assert played.result["status"] == "planned"
    assert len(played.result["plan"]["digest"]) == 64
    assert still_connected(immuta)
    assert snowflake.statements == []
    assert played.changed == ["Save the clean-up script"]
    # Empty answers of a survey count as not set.
    empty = ("confirm", "executor", "script_path", "expected_sha256", "expected_plan_digest", "missing_script")
    again = player.role(**dict.fromkeys(empty, ""))
    assert (again.code, again.result["status"], again.changed) == (0, "planned", []), again.output
    assert again.result["plan"] == played.result["plan"]
    # A confirmed check lists what would change.
    checked = player.role("--check", **CONFIRMED)
    assert (checked.code, checked.result["status"]) == (0, "planned"), checked.output
    assert checked.changed == ["Delete the connection", "Run the script on Snowflake"]
    assert still_connected(immuta)
    assert snowflake.statements == []


# The deed


@pytest.mark.oldest
def test_takes_the_connection_out_of_service_whole(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble, record_property: t.Callable[[str, object], None]
) -> None:
    played = player.role(**CONFIRMED)
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert nothing_left(immuta, snowflake)
    assert played.result["deleted_objects"] == 5
    statements = played.result["script"]["statements"]
    assert all(one["status"] == "done" and one["query_id"] for one in statements)
    assert len(statements) == len(snowflake.statements)
    script = player.scripts / SCRIPT
    assert stat.S_IMODE(os.stat(script).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(player.scripts).st_mode) == 0o700
    # The numbers that the collection promises.
    record_property("requests", len(immuta.requests))
    record_property("modules", len(played.modules))
    # Both for the script and for the deletion: the connection, the list, and the descriptions of the other two, which
    # alone tell whether one of them has the same integration. One asks for the integration's host.
    assert len(immuta.requests) <= 14
    assert len(played.modules) <= 4
    assert immuta.connections == len([one for one in played.modules if one.startswith("immuta_")])
    # It asks before it deletes, and deletes before it runs.
    assert played.modules == ["immuta_cleanup_script", "snowflake_script", "immuta_connection", "snowflake_script"]
    names = [one.operation_id for one in immuta.requests]
    assert names.index("renderCleanupScript") < names.index("deleteObject")

    seen, sent, sessions = len(immuta.requests), len(snowflake.statements), len(snowflake.logins)
    # One to look before, one to run and to look again.
    assert sessions == 2
    again = player.role(**CONFIRMED)
    assert again.code == 0, again.output
    assert again.result["status"] == "already_done"
    assert again.changed == []
    # The search without it, and the integrations, which only a key that may see everything is shown.
    assert len(immuta.requests) - seen <= 2
    assert len(again.modules) <= 1
    assert (len(snowflake.statements), len(snowflake.logins)) == (sent, sessions)
    print(
        f"\nrequests to Immuta: {seen} (run), {len(immuta.requests) - seen} (again);"
        f" module tasks: {len(played.modules)} (run), {len(again.modules)} (again)"
    )


def test_pinned_to_what_was_approved_for_a_key_with_unusual_characters(player: Player, immuta: ImmutaDouble) -> None:
    key = "a/b 50% #1 naïve"
    one = immuta.state.connections.pop(KEY)
    one.key = key
    immuta.state.connections[key] = one
    planned = player.role(connection_key=key).result
    played = player.role(
        connection_key=key,
        confirm=key,
        expected_sha256=planned["script"]["sha256"],
        expected_plan_digest=planned["plan"]["digest"],
    )
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert key not in immuta.state.connections


def test_lake_formation_needs_no_script(player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    key = next(one.key for one in immuta.state.connections.values() if one.technology == "Glue")
    played = player.role(connection_key=key, confirm=key)
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert key not in immuta.state.connections
    assert snowflake.logins == []
    assert played.modules == ["immuta_cleanup_script", "immuta_connection"]


def test_a_technology_without_a_script_is_deleted_and_what_may_be_left_is_named(
    player: Player, immuta: ImmutaDouble
) -> None:
    immuta.variant.described_status = 400
    immuta.state.connections["grants"] = Connection("grants", "PostgreSQL", child_count=2)
    played = player.role(connection_key="grants", confirm="grants")
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert "the grants that Immuta gave" in played.result["left_on_platform"]
    assert "Check the platform for what may be left there: the grants" in played.output
    assert "grants" not in immuta.state.connections


def test_a_technology_that_may_have_a_script_is_deleted_on_request_only(player: Player, immuta: ImmutaDouble) -> None:
    immuta.state.connections["warehouse"] = Connection("warehouse", "DatabricksLakebase")
    refused = player.role(connection_key="warehouse", confirm="warehouse")
    assert refused.code != 0
    assert "immuta_deregister_without_script" in refused.error
    assert "warehouse" in immuta.state.connections
    played = player.role(connection_key="warehouse", confirm="warehouse", without_script=True)
    assert played.code == 0, played.output
    assert "warehouse" not in immuta.state.connections


def test_two_connections_in_one_play_do_not_mix(player: Player, immuta: ImmutaDouble) -> None:
    glue = next(one.key for one in immuta.state.connections.values() if one.technology == "Glue")
    played = player.tasks(
        [
            {
                "ansible.builtin.include_role": {"name": "community.immuta.deregister_connection"},
                "vars": {
                    "immuta_deregister_connection_key": "{{ item }}",
                    "immuta_deregister_confirm": "{{ item }}",
                    "immuta_deregister_script_dir": str(player.scripts),
                },
                "loop": [KEY, glue],
            }
        ]
    )
    assert played.code == 0, played.output
    assert played.result["connection_key"] == glue
    assert played.result["script"]["path"] is None
    assert played.result["script"]["statements"] == []


# Reruns


def test_finishes_a_script_that_failed_in_the_middle(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    fail_statement(snowflake, 6)
    broken = player.role(**CONFIRMED)
    assert broken.code != 0
    assert "5 of" in broken.error
    assert "connection does not exist in Immuta" in broken.error
    assert broken.result["status"] == "failed"
    assert broken.result["failed_task"].endswith("Run the script on Snowflake")
    finished = player.role(**CONFIRMED)
    assert finished.code == 0, finished.output
    assert finished.result["status"] == "completed"
    assert nothing_left(immuta, snowflake)
    assert deletions(immuta) == 1


def test_finishes_a_run_that_was_killed_between_deletion_and_script(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    player.role(kill_when=lambda: "DELETE" in methods(immuta), **CONFIRMED)
    assert not still_connected(immuta)
    assert snowflake.statements == []
    # The script still needs the confirmation.
    planned = player.role()
    assert (planned.code, planned.result["status"]) == (0, "planned"), planned.output
    assert snowflake.statements == []
    finished = player.role(**CONFIRMED)
    assert finished.code == 0, finished.output
    assert finished.result["status"] == "completed"
    assert nothing_left(immuta, snowflake)
    assert deletions(immuta) == 1


def test_finishes_a_run_that_was_killed_within_the_script(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    snowflake.faults.append(Fault("statement", "slow", nth=5, seconds=1.0))
    kept = {**CONFIRMED, "report_dir": str(player.folder / "reports")}
    player.role(kill_when=lambda: len(snowflake.statements) >= 5, **kept)
    finished = player.role(**kept)
    assert finished.code == 0, finished.output
    assert (
        "it was not there when run 1 started. An earlier run deleted it and ended without a report" in finished.output
    )
    # Nothing of the killed run is missing in the report of the next one.
    (run,) = json.loads((player.folder / "reports" / "prod%20snowflake.json").read_text())["runs"]
    assert (run["unreported"]["statements"], run["unreported"]["session"]["user"]) == ([1, 2, 3, 4], "DEPLOYER")
    assert all(row["started"] and row["query_id"] for row in run["statements"])
    (claim,) = [one for one in run["verified"] if one["claim"].startswith("What the script drops")]
    assert (claim["state"], run["remaining"]) == ("verified", [])
    assert finished.result["status"] == "completed"
    repeated = [
        text
        for text in texts(snowflake)
        if texts(snowflake).count(text) > 1 and not text.upper().startswith(("USE", "ALTER SESSION"))
    ]
    assert repeated == [texts(snowflake)[4]] * 2
    assert nothing_left(immuta, snowflake)


def test_gone_and_never_saved_is_a_warning(player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    played = player.role(connection_key="prod snowflke", confirm="prod snowflke", missing_script="warn")
    assert played.code == 0, played.output
    assert played.result["status"] == "unknown"
    assert "Did you mean 'prod snowflake'?" in played.output.replace('\\"', '"')
    assert "clean up by hand" not in played.output
    assert played.changed == []
    assert snowflake.logins == []


def test_gone_and_never_saved_is_a_failure(player: Player) -> None:
    played = player.role(connection_key="no such", confirm="no such")
    assert played.code != 0
    assert "Not found: Immuta at" in played.error
    assert "no saved clean-up script" in played.error


# Executors


def test_hands_the_script_over(player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    handed = player.role(executor="handoff", **CONFIRMED)
    assert handed.code == 0, handed.output
    assert handed.result["status"] == "handed_off"
    assert not still_connected(immuta)
    assert (len(snowflake.logins), snowflake.statements) == (1, [])
    assert str(player.scripts / SCRIPT) in handed.output
    assert "There: DATABASE IMMUTA" in handed.output

    # A sign-in that is refused is no failure of a run that nobody has asked to look.
    waiting = player.role(executor="handoff", env={"SNOWFLAKE_PASSWORD": "wrong-" + PASSWORD}, **CONFIRMED)
    assert waiting.result["status"] == "handed_off"
    assert waiting.changed == []

    said = {"executor": "handoff", "script_executed": True, **CONFIRMED}
    refused = player.role("--check", env={"SNOWFLAKE_PASSWORD": "wrong-" + PASSWORD}, **said)
    assert (refused.code, refused.result["not_looked"][:30]) == (0, "Snowflake refuses the sign-in:"), refused.output
    run_by_hand(snowflake.environment(PASSWORD), player_script(player))
    recorded = player.role(**said)
    assert recorded.result["status"] == "completed"
    # What nobody has seen before is not certain; the report would have kept it.
    dropped = sum(row["dropped"] and not row["made"] for row in recorded.result["objects"])
    assert f"Platform: 0 of {dropped} objects gone, {dropped} not seen before, or not visible" in recorded.output
    sessions = len(snowflake.logins)
    assert player.role(executor="handoff", **CONFIRMED).result["status"] == "already_done"
    assert len(snowflake.logins) == sessions


def test_runs_the_users_own_tasks(player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    own = player.folder / "own.yml"
    own.write_text(
        json.dumps(
            [
                {
                    "name": "Look at what was given",
                    "ansible.builtin.copy": {
                        "content": "{{ immuta_deregister_script | to_json }}",
                        "dest": str(player.folder / "given.json"),
                        "mode": "0600",
                    },
                },
                {
                    "name": "Fail",
                    "ansible.builtin.fail": {"msg": "not yet"},
                    "when": "own_fails is defined",
                    "no_log": "{{ own_fails | default('') == 'hidden' }}",
                },
            ]
        )
    )
    asked = {"executor": str(own), "report_dir": str(player.folder / "reports"), **CONFIRMED}
    hidden, broken = (player.role("-e", f"own_fails={how}", **asked) for how in ("hidden", "shown"))
    assert (hidden.code, broken.code) == (2, 2)
    assert "not yet" in broken.error
    # Ansible may print it. The role does not keep it.
    assert 'The task "Fail" has failed. It has no_log' in hidden.error
    assert "not yet" not in hidden.error
    assert "not yet" not in json.dumps(hidden.result)
    run_by_hand(snowflake.environment(PASSWORD), player_script(player))
    played = player.role(**asked)
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    # What nobody here has seen is not told as if it had been.
    _hidden, *runs = json.loads((player.folder / "reports" / "prod%20snowflake.json").read_text())["runs"]
    assert [{row["status"] for row in one["statements"]} for one in runs] == [{"handed_over"}, {"stated"}]
    assert [one["verified"][-1]["state"] for one in runs] == ["not_verified", "stated"]
    steps = [{step["name"]: step["outcome"] for step in one["steps"]} for one in runs]
    assert [one["Run the clean-up script"] for one in steps] == ["failed", "done"]
    assert [one["Check the platform"] for one in steps] == ["not_reached", "done"]
    given = json.loads((player.folder / "given.json").read_text())
    assert given["path"] == str(player.scripts / SCRIPT)
    assert given["sha256"] == played.result["script"]["sha256"]
    assert given["dialect"] == "snowflake"
    assert given["technology"] == "Snowflake"
    assert given["connection_key"] == KEY
    assert {
        "index",
        "line",
        "start",
        "length",
        "verb",
        "object",
        "name",
        "grantee",
        "privileges",
        "action",
        "session",
        "repeatable",
        "unusual",
        "marks",
        "needed_by",
        "resumes_at",
    } == set(given["statements"][0])
    # That by hand, and the one look.
    assert len(snowflake.logins) == 2
    assert player.role(executor=str(own), **CONFIRMED).result["status"] == "already_done"
    assert len(snowflake.logins) == 2


# Bad input: whatever can be known before the deletion stops it before the deletion


def test_a_script_with_an_open_quote_stops_it_before_the_deletion(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    immuta.state.integrations[5].script = "USE ROLE ACCOUNTADMIN;\nDROP DATABASE 'IMMUTA;\n"
    played = player.role(**CONFIRMED)
    assert played.code != 0
    assert "can't be split" in played.error
    assert "NEXT: Without a change, it would stop here again. Hand the script to a person" in played.result["error"]
    assert still_connected(immuta)
    assert snowflake.logins == []
    handed = player.role(executor="handoff", **CONFIRMED)
    assert handed.result["status"] == "handed_off"
    recorded = player.role(script_executed=True, **CONFIRMED)
    assert recorded.result["status"] == "completed", recorded.output


def test_a_lost_script_is_no_connection_that_is_gone(player: Player, immuta: ImmutaDouble) -> None:
    del immuta.state.integrations[5]
    immuta.variant.native_integration_id = "absent"
    played = player.role(**CONFIRMED)
    assert played.code != 0
    assert "Immuta has no integration" in played.error
    assert "does not exist in Immuta" not in played.error
    assert played.result["connection_gone"] is False
    assert still_connected(immuta)


def test_it_refuses_a_script_that_would_not_outlive_the_run(player: Player, immuta: ImmutaDouble) -> None:
    job = {"AWX_PRIVATE_DATA_DIR": str(player.folder), "JOB_ID": "7"}
    lost = {**CONFIRMED, "script_durable": False}
    for given in (lost, {"script_durable": False}):
        refused = player.role(env=job, **given)
        assert refused.code != 0
        assert f"would not outlive this run: {player.folder} is removed with the job" in refused.error
    assert "would not outlive" in player.role(env={"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, **lost).error
    shm = player.role(script_dir="/dev/shm/immuta-test", **lost)
    shutil.rmtree("/dev/shm/immuta-test")
    assert "/dev/shm is kept in memory (tmpfs)" in shm.error
    assert deletions(immuta) == 0
    durable = player.role(env=job, script_durable=True)
    assert durable.code == 0, durable.output
    assert "WARNING: make sure that it outlives this run" in durable.output


@pytest.mark.oldest
def test_what_others_may_write_runs_nothing(player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    assert player.role().code == 0
    player.scripts.chmod(0o777)
    assert "can't be trusted: other users may write to" in player.role(**CONFIRMED).error
    player.scripts.chmod(0o700)
    (player.scripts / f"{SCRIPT}.journal").touch()
    (player.scripts / f"{SCRIPT}.journal").chmod(0o666)
    assert "can't be trusted: other users may write to" in player.role(**CONFIRMED).error
    assert (deletions(immuta), snowflake.statements) == (0, [])


@pytest.mark.oldest
def test_a_report_that_cannot_be_written_is_found_out_before_anything(player: Player, immuta: ImmutaDouble) -> None:
    (player.folder / "taken" / f"{SCRIPT.removesuffix('.sql')}.html").mkdir(parents=True)
    for folder, reason in (("/proc/reports", "No such file"), (str(player.folder / "taken"), "Is a directory")):
        refused = player.role(report_dir=folder, **CONFIRMED)
        assert f"The report {folder}/{SCRIPT.removesuffix('.sql')}.json can't be written" in refused.error
        assert reason in refused.error
    assert immuta.requests == []
    # Nothing stays behind in check mode.
    assert player.role("--check", report_dir=str(player.folder / "new"), **CONFIRMED).code == 0


def test_the_script_is_read_again_right_before_the_deletion(player: Player, immuta: ImmutaDouble) -> None:
    assert player.role().code == 0
    script = player.scripts / SCRIPT
    seen = len(immuta.requests)

    def take_away(label: str, when: str) -> bool:
        # When the deletion's own task reads the connection, the script was saved long ago.
        if len(immuta.requests) > seen + 2:
            script.unlink(missing_ok=True)
        return True

    immuta.gate = take_away
    played = player.role(**CONFIRMED)
    assert "There is no clean-up script at" in played.error
    assert "Nothing was deleted" in played.error
    assert still_connected(immuta)
    assert deletions(immuta) == 0


# Secrets


@pytest.mark.oldest
def test_no_secret_in_any_output(player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    outputs = [
        player.role("-vvvv", "--diff", "--check", **CONFIRMED).output,
        player.role("-vvvv", "--diff", env={"SNOWFLAKE_PASSWORD": "wrong-" + PASSWORD}, **CONFIRMED).output,
        player.role("-vvvv", "--diff", env={"IMMUTA_API_KEY": "wrong-" + API_KEY}, **CONFIRMED).output,
        player.role("-vvvv", "--diff", **CONFIRMED).output,
    ]
    password = next(line for line in player_script(player).splitlines() if "PASSWORD = '" in line)
    literal = password.partition("PASSWORD = '")[2].partition("'")[0]
    assert literal
    for secret in (API_KEY, PASSWORD, literal):
        forms = {secret, quote(secret), base64.b64encode(secret.encode()).decode().rstrip("=")}
        for form in forms:
            for output in outputs:
                assert form not in output
            for file in Path(player.folder).rglob("*.journal"):
                assert form not in file.read_text()


def player_script(player: Player) -> str:
    return (player.scripts / SCRIPT).read_text()


def fail_statement(snowflake: SnowflakeDouble, nth: int) -> None:
    snowflake.faults.append(Fault("statement", "error", nth=nth))


# The right platform


def test_a_rerun_from_another_environment_runs_nothing_elsewhere(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    snowflake.faults.append(Fault("statement", "error", match="DROP ROLE", times=9))
    broken = player.role(**CONFIRMED)
    assert (broken.code, still_connected(immuta)) == (2, False)
    assert {row["present"] for row in broken.result["objects"] if not row["made"]} == {True}
    snowflake.faults.clear()
    sent = len(snowflake.statements)
    with SnowflakeDouble(Account("DEV", "DEVORG-DEV")) as dev:
        dev.account.add_user("DEPLOYER", password=PASSWORD)
        elsewhere = {**dev.environment(PASSWORD), "SNOWFLAKE_ACCOUNT": "dev"}
        again = player.role(env=t.cast("dict[str, str | None]", elsewhere), **CONFIRMED)
        assert (again.code, dev.statements) == (2, [])
        assert "DEVORG-DEV" in again.error
        assert "it must be on example.snowflakecomputing.com" in again.error
    assert len(snowflake.statements) == sent
    assert player.role(**CONFIRMED).result["status"] == "completed"
    assert nothing_left(immuta, snowflake)
