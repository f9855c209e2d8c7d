# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example task file for ODBC, with community.general.odbc, pyodbc, unixODBC, and SQLite's driver."""

from __future__ import annotations

import base64
import os
import sqlite3
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.harness.play import Played, Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY, another

DRIVER = os.environ.get("ODBC_DRIVER")
EXECUTOR = Path(__file__).parents[2] / "docs" / "examples" / "executors" / "odbc.yml"
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
BEFORE = {"kept", "shown", "last"}
AFTERWARDS = {"witness", "hidden"}


class Database:
    """The SQLite database that the data source leads to."""

    def __init__(self, path: Path) -> None:
        if not DRIVER:
            pytest.fail("Set ODBC_DRIVER to the path of SQLite's ODBC driver, libsqlite3odbc.so.")
        self.path = path
        self.dsn = f"DRIVER={DRIVER};Database={path};PWD={DSN_PASSWORD}"
        self.run("CREATE TABLE kept (a)", "CREATE VIEW shown AS SELECT a FROM kept", "CREATE TABLE last (a)")

    def run(self, *statements: str) -> list[t.Any]:
        """Run statements without the role; the rows of the last one."""
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
        """Names of all tables and views."""
        return {name for (name,) in self.run("SELECT name FROM sqlite_master")}


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

    def role(self, *arguments: str, dsn: str | None = None, **variables: t.Any) -> Played:
        """Run the role, confirmed."""
        defaults = {"community.general.odbc": {"dsn": dsn or self.database.dsn}}
        given = {"executor": str(EXECUTOR), "confirm": KEY, **variables}
        return self.player.role(*arguments, module_defaults=defaults, **given)

    def each(self, *keys: str) -> list[Played]:
        """Run the role on some connections, confirmed."""
        defaults = {"community.general.odbc": {"dsn": self.database.dsn}}
        hosts = [{"connection_key": key, "executor": str(EXECUTOR)} for key in keys]
        return self.player.each(hosts, module_defaults=defaults)


@pytest.fixture
def site(tmp_path: Path, immuta: ImmutaDouble, database: Database) -> Site:
    """The play against both."""
    return Site(Player(tmp_path, immuta, {}), database)


def test_runs_the_script_as_it_is_written(site: Site, immuta: ImmutaDouble, database: Database) -> None:
    played = site.role()
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert KEY not in immuta.state.connections
    assert database.names == AFTERWARDS
    assert database.run("SELECT said FROM witness") == [(SAID,)]
    assert site.role().result["status"] == "already_done"


def test_refuses_what_needs_a_session_or_runs_only_once(site: Site, immuta: ImmutaDouble, database: Database) -> None:
    tried = ["USE ROLE ACCOUNTADMIN", "SET x = 1", "CALL clean_up()", "DROP TABLE last"]
    keys = [another(immuta, KEY, f"DROP VIEW IF EXISTS shown;\n{one};\n") for one in tried]
    for statement, played in zip(tried, site.each(*keys), strict=True):
        assert played.code != 0, statement
        assert "nothing was sent" in played.error
        assert "can not safely be repeated: 2" in played.error, statement
        assert played.result["script_executed"] is False
    assert database.names == BEFORE


def test_refuses_what_can_not_be_split(site: Site, immuta: ImmutaDouble, database: Database) -> None:
    immuta.state.integrations[5].script = "DROP VIEW IF EXISTS 'shown;\n"
    assert "could not be split" in site.role().error
    assert database.names == BEFORE


def test_stops_at_the_statement_that_fails_and_a_rerun_finishes(site: Site, database: Database) -> None:
    database.run("DROP VIEW shown", "CREATE TABLE shown (a)")
    played = site.role()
    assert played.code != 0
    assert "Statement 1 (line 3) failed with SQLSTATE HY000" in played.error
    assert database.names == BEFORE
    database.run("DROP TABLE shown")
    finished = site.role()
    assert finished.code == 0, finished.output
    assert finished.result["status"] == "completed"
    assert database.names == AFTERWARDS


def test_no_secret_in_any_output(site: Site, immuta: ImmutaDouble, database: Database) -> None:
    arguments = ("-vvvv", "--diff")
    outputs = [site.role(*arguments, confirm="").output, site.role(*arguments, "--check").output]
    assert database.names == BEFORE
    failed = site.role(*arguments, dsn=f"DRIVER=absent;PWD={DSN_PASSWORD}")
    assert "SQLSTATE 01000" in failed.error
    database.run("CREATE VIEW hidden AS SELECT 1 AS a, 2 AS b", "DROP TABLE last", "CREATE VIEW last AS SELECT 1")
    outputs += [failed.output, site.role(*arguments).output]
    assert database.names >= {"witness", "last"}
    database.run("DROP VIEW last")
    outputs.append(site.role(*arguments).output)
    assert database.names == AFTERWARDS
    for secret in (DSN_PASSWORD, SCRIPT_PASSWORD):
        for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")):
            assert [form in output for output in outputs] == [False] * len(outputs)
