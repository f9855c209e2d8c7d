# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's executor odbc, for real: community.general.odbc, pyodbc, unixODBC, and SQLite's ODBC driver."""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.harness.play import Played, Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY

DRIVER = os.environ.get("ODBC_DRIVER")
README = Path(__file__).parents[2] / "roles" / "deregister_connection" / "README.md"
# Strings that occur nowhere else, so that one of them in any output is a leak.
DSN_PASSWORD = "canary-dsn-password-3fd2"
SCRIPT_PASSWORD = "canary-script-password-b81c"
SAID = "naïve; {{ 1/0 }} {% raw %} {# € #}"
SCRIPT = f"""\
-- naïve: {{{{ 1/0 }}}} {{% raw %}}
DROP VIEW IF EXISTS shown; -- it's {{{{ 1/0 }}}}; {{% raw %}}
DROP TABLE /* {{{{ 1/0 }}}}; {{% raw %}} */ IF EXISTS kept;
CREATE TABLE IF NOT EXISTS witness AS SELECT '{SAID}' AS said;
CREATE TABLE IF NOT EXISTS hidden AS SELECT 1 FROM (SELECT 2 AS password) WHERE password = '{SCRIPT_PASSWORD}';
DROP TABLE IF EXISTS last
"""


class Database:
    """The database that the data source leads to."""

    def __init__(self, path: Path) -> None:
        if not DRIVER:
            pytest.fail("Set ODBC_DRIVER to the path of SQLite's ODBC driver, libsqlite3odbc.so.")
        self.path = path
        self.dsn = f"DRIVER={DRIVER};Database={path};PWD={DSN_PASSWORD}"
        self.run("CREATE TABLE kept (a)", "CREATE VIEW shown AS SELECT a FROM kept", "CREATE TABLE last (a)")

    def run(self, *statements: str) -> list[t.Any]:
        """Run statements past the role; the rows of the last one."""
        connection = sqlite3.connect(self.path)
        try:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()

    @property
    def names(self) -> set[str]:
        """What there is."""
        return {name for (name,) in self.run("SELECT name FROM sqlite_master")}


BEFORE = {"kept", "shown", "last"}
AFTERWARDS = {"witness", "hidden"}


@pytest.fixture
def immuta() -> t.Iterator[ImmutaDouble]:
    """A tenant whose clean-up script SQLite understands."""
    state = State.example(KEY, api_key=API_KEY)
    state.integrations[5].script = SCRIPT
    with ImmutaDouble(state) as double:
        yield double
        assert not double.violations, double.violations


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A database that Immuta has set up."""
    return Database(tmp_path / "platform.db")


class Site:
    """A play that takes the connection out of service over ODBC."""

    def __init__(self, player: Player, database: Database) -> None:
        self.player = player
        self.database = database

    def role(
        self, *arguments: str, dsn: str | None = None, env: dict[str, str | None] | None = None, **variables: t.Any
    ) -> Played:
        """Run the role, confirmed.

        :param dsn: another one; an empty string for none
        """
        dsn = self.database.dsn if dsn is None else dsn
        defaults = {"community.general.odbc": {"dsn": dsn}} if dsn else {}
        given = {"executor": "odbc", "confirm": KEY, **variables}
        return self.player.role(*arguments, env=env, module_defaults=defaults, **given)


@pytest.fixture
def site(tmp_path: Path, immuta: ImmutaDouble, database: Database) -> Site:
    """The play against both."""
    return Site(Player(tmp_path, immuta, {}), database)


def render(immuta: ImmutaDouble, script: str, integration_id: int = 5) -> None:
    """Have Immuta render another script."""
    immuta.state.integrations[integration_id].script = script


def sent(played: Played) -> int:
    """How many tasks have called the module of community.general."""
    return len([one for one in played.tasks if one["action"].endswith("odbc") and one["outcome"] != "skipped"])


def refused(played: Played, immuta: ImmutaDouble, database: Database) -> bool:
    """Whether it has failed with nothing deleted and nothing run."""
    return (
        played.code != 0
        and KEY in immuta.state.connections
        and "DELETE" not in [one.method for one in immuta.requests]
        and database.names == BEFORE
    )


@pytest.mark.oldest
def test_runs_the_script_as_it_is_written(site: Site, immuta: ImmutaDouble, database: Database) -> None:
    reports = {"report_dir": str(site.player.folder / "reports")}
    played = site.role(**reports)
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert played.result["executor"] == "odbc"
    evidence = (site.player.folder / "reports" / "prod%20snowflake.json").read_text()
    (run,) = json.loads(evidence)["runs"]
    assert [(one["status"], one["query_id"]) for one in run["statements"]] == [("done", None)] * 5
    assert [one["state"] for one in run["verified"]] == ["verified"] * 3
    assert [one["name"] for one in run["steps"] if one["started"]][-2:] == [
        "Run the clean-up script",
        "Record that the script has run",
    ]
    for secret in (DSN_PASSWORD, SCRIPT_PASSWORD, SAID):
        assert secret not in evidence
    assert KEY not in immuta.state.connections
    assert database.names == AFTERWARDS
    assert database.run("SELECT said FROM witness") == [(SAID,)]

    again = site.role()
    assert again.code == 0, again.output
    assert again.result["status"] == "already_done"
    assert again.changed == []
    assert sent(again) == 0


def test_runs_a_script_for_databricks(site: Site, immuta: ImmutaDouble, database: Database) -> None:
    render(immuta, 'DROP VIEW IF EXISTS `shown`;\nDROP TABLE IF EXISTS /* "{{ 1/0 }}" */ `last`;\n', 7)
    key = "prod databricks"
    played = site.role(connection_key=key, confirm=key)
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert database.names == {"kept"}


def test_the_play_of_the_documentation_runs(site: Site, database: Database, tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(- name: Take .*?)```", README.read_text(), re.DOTALL)
    (play,) = yaml.safe_load(block.replace("/srv/immuta", str(tmp_path / "srv")))
    (tmp_path / "odbc.ini").write_text(f"[immuta]\nDriver={DRIVER}\nDatabase={database.path}\n")
    play["vars"] = {"vault_odbc_password": DSN_PASSWORD}
    played = site.player.run([play], "-vvv", env={"ODBCINI": str(tmp_path / "odbc.ini")})
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert database.names == AFTERWARDS
    assert DSN_PASSWORD not in played.output


def test_check_mode_sends_nothing(site: Site, immuta: ImmutaDouble, database: Database) -> None:
    for _time in ("from cold", "with the script saved"):
        played = site.role("--check")
        assert played.code == 0, played.output
        assert played.result["status"] == "planned"
        assert KEY in immuta.state.connections
        assert database.names == BEFORE
        assert sent(played) == 0
        assert site.role(confirm="").code == 0


def test_stops_at_the_statement_that_fails_and_begins_anew(
    site: Site, immuta: ImmutaDouble, database: Database
) -> None:
    database.run("DROP VIEW shown", "CREATE TABLE shown (a)")
    played = site.role()
    assert played.code != 0
    assert "Statement 1 (line 3: DROP VIEW SHOWN)" in played.error
    assert "use DROP TABLE to delete table shown" in played.error
    assert "begins with the first statement again" in played.error
    assert "the connection does not exist in Immuta" in played.error
    assert database.names == BEFORE

    database.run("DROP TABLE shown")
    finished = site.role()
    assert finished.code == 0, finished.output
    assert finished.result["status"] == "completed"
    assert database.names == AFTERWARDS


def test_does_not_show_an_error_that_may_quote_a_string(site: Site, immuta: ImmutaDouble, database: Database) -> None:
    render(immuta, f"SELECT '{SCRIPT_PASSWORD}' FROM nowhere_to_be_found;\nDROP TABLE IF EXISTS last;\n")
    played = site.role("-vvv")
    assert played.code != 0
    assert "Statement 1" in played.error
    assert "not shown" in played.error
    assert "nowhere_to_be_found" not in played.output
    assert database.names == BEFORE


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("USE ROLE ACCOUNTADMIN", "line 3: USE ROLE ACCOUNTADMIN (session)"),
        ("SET x = 1", "line 3: SET VARIABLE X (session)"),
        ("DROP TABLE last", "line 3: DROP TABLE LAST (not repeatable)"),
        ("CALL clean_up()", "line 3: CALL PROCEDURE CLEAN_UP (not repeatable)"),
        ("BEGIN DROP TABLE IF EXISTS last; END", "line 3: BEGIN (not repeatable)"),
    ],
)
def test_refuses_a_script_that_needs_more_before_it_deletes(
    site: Site, immuta: ImmutaDouble, database: Database, statement: str, expected: str
) -> None:
    render(immuta, f"DROP VIEW IF EXISTS shown;\n{statement};\n")
    played = site.role()
    assert expected in played.error
    assert refused(played, immuta, database)


def test_refuses_a_script_that_can_not_be_split_before_it_deletes(
    site: Site, immuta: ImmutaDouble, database: Database
) -> None:
    render(immuta, "DROP VIEW IF EXISTS 'shown;\n")
    played = site.role()
    assert "can't be split" in played.error
    assert refused(played, immuta, database)


def test_refuses_a_data_source_that_does_not_answer_before_it_deletes(
    site: Site, immuta: ImmutaDouble, database: Database
) -> None:
    wrong = {
        "": "missing required arguments: dsn",
        f"DSN=absent;PWD={DSN_PASSWORD}": "Data source name not found",
        f"DRIVER=/no/such/driver.so;PWD={DSN_PASSWORD}": "Can't open lib '/no/such/driver.so'",
        database.dsn.replace("platform.db", "no/such/folder.db"): "connect failed",
    }
    for dsn, expected in wrong.items():
        played = site.role("-vvv", dsn=dsn)
        assert expected in played.error
        assert "module_defaults of community.general.odbc" in played.error
        assert DSN_PASSWORD not in played.output
        assert refused(played, immuta, database)


def test_refuses_to_go_without_community_general_before_it_deletes(
    site: Site, immuta: ImmutaDouble, database: Database
) -> None:
    played = site.role(dsn="", env={"ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"})
    assert "the collection community.general" in played.error
    assert refused(played, immuta, database)


def test_refuses_to_go_without_pyodbc_before_it_deletes(
    site: Site, immuta: ImmutaDouble, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "pyodbc.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path / "broken"), os.environ["PYTHONPATH"]])
    played = site.role(env={"PYTHONPATH": path})
    assert "(pyodbc)" in played.error
    assert refused(played, immuta, database)


def test_no_secret_in_any_output(site: Site, database: Database) -> None:
    arguments = ("-vvvv", "--diff")
    outputs = [
        site.role(*arguments, "--check").output,
        site.role(*arguments, dsn=f"DRIVER=absent;PWD={DSN_PASSWORD}").output,
        site.role(*arguments).output,
    ]
    assert database.names == AFTERWARDS
    for secret in (DSN_PASSWORD, SCRIPT_PASSWORD):
        for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")):
            for output in outputs:
                assert form not in output
