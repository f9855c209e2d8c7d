# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example task files for the vendors' command lines.

snow is the real one, from PyPI, on the stand-in Snowflake. The Databricks CLI is not on PyPI: a stub takes its place, which holds
requests against what the API accepts and runs nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.play import Played, Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY, another

EXECUTORS = Path(__file__).parents[2] / "docs" / "examples" / "executors"
SNOW = shutil.which("snow", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
PASSWORD = "canary-password-77ae20"
SCRIPT_PASSWORD = "canary-script-password-b81c"
DATABRICKS_KEY = "prod databricks"
SNOWFLAKE_SCRIPT = f"""\
USE ROLE ACCOUNTADMIN;
ALTER SESSION SET QUERY_TAG = 'a && &word <% word %> {{{{ 1/0 }}}}; -- b';
ALTER SESSION SET QUERY_TAG = 'password {SCRIPT_PASSWORD}';
REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE "IMMUTA_SYSTEM";
"""
DATABRICKS_SCRIPT = f"""\
CREATE SCHEMA IF NOT EXISTS `immuta`.`a` COMMENT 'naïve; {{{{ 1/0 }}}} password {SCRIPT_PASSWORD}';
REVOKE ALL PRIVILEGES ON CATALOG `sales` FROM `nobody`;
DROP CATALOG IF EXISTS `immuta` CASCADE;
"""
STUB = """\
#!{python}
import json, os, sys
folder = os.path.dirname(os.path.abspath(__file__))
_program, api, method, path, *options = sys.argv
request = {{}}
if options:
    flag, source = options
    assert (flag, source[0]) == ("--json", "@")
    with open(source[1:], encoding="utf-8") as file:
        request = json.load(file)
with open(folder + "/called.jsonl", "a+", encoding="utf-8") as file:
    file.seek(0)
    before = [json.loads(line) for line in file]
    print(json.dumps({{"argv": sys.argv[1:], "request": request}}), file=file)
if method == "post":
    assert path == "/api/2.0/sql/statements" and request.keys() >= {{"statement", "warehouse_id"}}
    print(json.dumps({{"statement_id": "01ef", "status": {{"state": "PENDING"}}}}))
else:
    assert path == "/api/2.0/sql/statements/01ef"
    failed = "{failing}" and "{failing}" in before[-1]["request"]["statement"]
    print(json.dumps({{"statement_id": "01ef", "status": {{"state": "FAILED" if failed else "SUCCEEDED"}}}}))
"""


@pytest.fixture
def immuta() -> t.Iterator[ImmutaDouble]:
    """A tenant whose clean-up scripts these clients can run."""
    state = State.example(KEY, api_key=API_KEY)
    state.integrations[5].script = SNOWFLAKE_SCRIPT
    state.integrations[7].script = DATABRICKS_SCRIPT
    with ImmutaDouble(state) as double:
        yield double
        assert not double.violations, double.violations


@pytest.fixture
def snowflake() -> t.Iterator[SnowflakeDouble]:
    """The Snowflake account on which Immuta was set up."""
    with SnowflakeDouble(Account.example(password=PASSWORD)) as double:
        yield double


@pytest.fixture
def player(tmp_path: Path, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> Player:
    """Runs playbooks, with the command lines on PATH."""
    (tmp_path / "bin").mkdir()
    if SNOW:
        (tmp_path / "bin" / "snow").symlink_to(SNOW)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return Player(tmp_path, immuta, {**snowflake.environment(PASSWORD), "PATH": path})


def run(player: Player, name: str, *arguments: str, **variables: t.Any) -> Played:
    """Run the role with one of the examples, confirmed."""
    return player.role("-vvv", *arguments, executor=str(EXECUTORS / f"{name}.yml"), confirm=KEY, **variables)


def refused(player: Player, name: str, immuta: ImmutaDouble, key: str, scripts: list[str]) -> None:
    """Play scripts with one of the examples, each that of a connection of its own, and expect each to be refused."""
    executor = str(EXECUTORS / f"{name}.yml")
    hosts = [{"connection_key": another(immuta, key, script), "executor": executor} for script in scripts]
    # The scripts have its names, and would be refused for its sake.
    number = immuta.state.connections.pop(key).native_integration_id
    assert number is not None
    del immuta.state.integrations[number]
    variables = ("--extra-vars", json.dumps({"site_warehouse_id": "abc"}))
    for script, played in zip(scripts, player.each(hosts, "-vvv", *variables), strict=True):
        assert "nothing was sent" in played.error, script


def shown(played: Played, player: Player) -> bool:
    """Whether a credential is in the output, or in what a client has left."""
    left = [file.read_bytes() for file in (player.folder / "home").rglob("*") if file.is_file()]
    return any(word in played.output or word.encode() in b"".join(left) for word in (PASSWORD, SCRIPT_PASSWORD))


def test_snow_runs_the_script_as_it_is_written(player: Player, snowflake: SnowflakeDouble) -> None:
    played = run(player, "snow")
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    texts = [statement.text for statement in snowflake.statements if statement.outcome == "ok"]
    assert texts == [f"{text};" for text in SNOWFLAKE_SCRIPT.rstrip(";\n").split(";\n")]
    assert len({statement.session_id for statement in snowflake.statements}) == 1
    assert not shown(played, player)


def test_snow_stops_at_the_statement_that_fails(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    grant = f"REVOKE ROLE ABSENT FROM USER NOBODY /* PASSWORD = '{SCRIPT_PASSWORD}' */;\n"
    immuta.state.integrations[5].script = grant + SNOWFLAKE_SCRIPT
    played = run(player, "snow")
    assert played.code != 0
    assert "snow ended with exit code 1" in played.error
    assert [statement.outcome for statement in snowflake.statements] == ["error"]
    assert not shown(played, player)


def test_snow_refuses_what_it_can_not_run_or_repeat(
    player: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    tried = ["CALL clean_up()", "DROP ROLE IMMUTA", "CREATE OR REPLACE VIEW v AS SELECT 1"]
    refused(player, "snow", immuta, KEY, [f"{SNOWFLAKE_SCRIPT}{one};\n" for one in tried])
    assert snowflake.logins == []


class Stub:
    """The command `databricks`."""

    def __init__(self, player: Player, failing: str = "") -> None:
        self.file = player.folder / "bin" / "databricks"
        self.file.write_text(STUB.format(python=sys.executable, failing=failing))
        self.file.chmod(0o700)

    @property
    def calls(self) -> list[dict[str, t.Any]]:
        """What it was called with."""
        called = self.file.with_name("called.jsonl")
        return [json.loads(line) for line in called.read_text("utf-8").splitlines()] if called.exists() else []

    @property
    def sent(self) -> list[str]:
        """The statements."""
        return [call["request"]["statement"] for call in self.calls if call["request"]]


def databricks(player: Player, *arguments: str) -> Played:
    """Run the role for the Databricks connection."""
    variables = ["--extra-vars", json.dumps({"site_warehouse_id": "abc"}), *arguments]
    named = {"connection_key": DATABRICKS_KEY, "confirm": DATABRICKS_KEY}
    return player.role("-vvv", *variables, executor=str(EXECUTORS / "databricks.yml"), **named)


def test_databricks_gets_the_script_as_it_is_written(player: Player) -> None:
    stub = Stub(player)
    played = databricks(player)
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert stub.sent == DATABRICKS_SCRIPT.rstrip(";\n").split(";\n")
    assert SCRIPT_PASSWORD not in str([call["argv"] for call in stub.calls])
    assert not shown(played, player)


def test_databricks_stops_at_the_statement_that_fails_and_a_rerun_finishes(player: Player) -> None:
    stub = Stub(player, failing="REVOKE")
    played = databricks(player)
    assert played.code != 0
    assert "Statement 2 (line 3) ended as FAILED" in played.error
    assert len(stub.sent) == 2
    Stub(player)
    assert databricks(player).result["status"] == "completed"
    assert len(stub.sent) == 5


def test_databricks_refuses_what_needs_a_session_or_runs_only_once(player: Player, immuta: ImmutaDouble) -> None:
    stub = Stub(player)
    tried = ["USE CATALOG sales", "SET x = 1", "CALL clean_up()"]
    refused(player, "databricks", immuta, DATABRICKS_KEY, [f"{DATABRICKS_SCRIPT}{one};\n" for one in tried])
    assert stub.calls == []
