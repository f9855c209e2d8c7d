# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(snowflake_script) on fakesnow: a Snowflake that knows nothing of this collection, for what it can run.

It has no C(DROP DATABASE), users, roles, grants, or blocks, and its refusals carry no query id.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import typing as t
import uuid
from pathlib import Path

import pytest
import snowflake.connector

from ansible_collections.community.immuta.tests.harness.inprocess import Modules, Result

SIGN_IN = {"account": "fakesnow", "user": "DEPLOYER", "password": "none-is-checked"}
TIMEOUTS = {"login_timeout": 10, "network_timeout": 10}
# Seconds that fakesnow may take to come up.
PATIENCE = 60
SCRIPT = """\
-- one schema goes; the other one gets less
USE DATABASE {database};
USE SCHEMA KEPT;
CREATE TABLE LOG (ID INT, WHAT VARCHAR);
INSERT INTO LOG VALUES (1, 'a; b'), (2, 'it''s -- kept'), (3, '/* gone */');
DELETE FROM LOG WHERE ID = 3; /* counted; not shown */
CREATE VIEW SHORT AS SELECT WHAT FROM LOG;
SHOW TABLES;
DROP VIEW GONE.SEEN;
DROP TABLE "GONE"."T;1";
DROP SCHEMA IF EXISTS GONE
"""
VERBS = ["USE", "USE", "CREATE", "INSERT", "DELETE", "CREATE", "SHOW", "DROP", "DROP", "DROP"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[dict[str, t.Any]]:
    """Where a fakesnow listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = tmp_path_factory.mktemp("fakesnow") / "output"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("fakesnow"), "-s", "-p", str(port)], stdout=output, stderr=output
        )
    try:
        until = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None, said.read_text()
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < until, said.read_text()
                time.sleep(0.05)
        yield {"host": "127.0.0.1", "port": port, "protocol": "http"}
    finally:
        process.terminate()
        process.wait(10)


class Tenant:
    """A database of its own on fakesnow: one schema that is to stay, one with a table and a view that are to go."""

    def __init__(self, server: dict[str, t.Any], module: Modules, folder: Path) -> None:
        self._server = server
        self._module = module
        self.database = f"D{uuid.uuid4().hex[:8]}".upper()
        self.path = folder / "cleanup.sql"
        self._connection = snowflake.connector.connect(**server, **SIGN_IN, **TIMEOUTS)
        for text in (
            f"CREATE DATABASE {self.database}",
            f"USE DATABASE {self.database}",
            *("CREATE SCHEMA KEPT", "CREATE SCHEMA GONE"),
            *('CREATE TABLE GONE."T;1" (A INT)', 'CREATE VIEW GONE.SEEN AS SELECT A FROM GONE."T;1"'),
        ):
            self.ask(text)

    def ask(self, text: str) -> list[tuple[t.Any, ...]]:
        """Rows, by the plain connector."""
        cursor = self._connection.cursor()
        cursor.execute(text)
        return t.cast("list[tuple[t.Any, ...]]", cursor.fetchall())

    def schemas(self) -> set[str]:
        """The schemas that are there."""
        found = {row[1] for row in self.ask(f"SHOW SCHEMAS IN DATABASE {self.database}")}
        return found - {"information_schema"}

    def tables(self) -> set[str]:
        """The tables that are there, with their schemas."""
        return {f"{row[4]}.{row[1]}" for row in self.ask(f"SHOW TABLES IN DATABASE {self.database}")}

    def run(self, sql: str, **options: t.Any) -> Result:
        """Run the module on a script."""
        self.path.write_text(sql.format(database=self.database))
        return self._module(
            "snowflake_script",
            path=str(self.path),
            **self._server,
            **SIGN_IN,
            **TIMEOUTS,
            statement_timeout=10,
            **options,
        )

    def events(self) -> list[tuple[str, int | None]]:
        """What the journal says: events and the statements that they are about."""
        lines = Path(f"{self.path}.journal").read_text().splitlines()
        return [(event["event"], event.get("index")) for event in map(json.loads, lines)]

    def close(self) -> None:
        """End the plain connector's session."""
        self._connection.close()


@pytest.fixture
def tenant(server: dict[str, t.Any], module: Modules, tmp_path: Path) -> t.Iterator[Tenant]:
    """A database of this test's own."""
    one = Tenant(server, module, tmp_path)
    yield one
    one.close()


def test_a_script_does_what_it_says_once(tenant: Tenant) -> None:
    before = tenant.schemas(), tenant.tables()
    assert before == ({"KEPT", "GONE"}, {"GONE.T;1"})
    planned = tenant.run(SCRIPT, check=True)
    assert planned["changed"] and [row["verb"] for row in planned["statements"]] == VERBS
    assert (tenant.schemas(), tenant.tables()) == before

    ran = tenant.run(SCRIPT)
    assert not ran.failed and ran["changed"] and ran["executed"] == len(VERBS)
    assert all(row["status"] == "done" and row["query_id"] for row in ran["statements"])
    assert [row["rowcount"] for row in ran["statements"] if row["verb"] in ("INSERT", "DELETE")] == [3, 1]
    assert (tenant.schemas(), tenant.tables()) == ({"KEPT"}, {"KEPT.LOG"})
    assert tenant.ask("SELECT WHAT FROM KEPT.SHORT ORDER BY 1") == [("a; b",), ("it's -- kept",)]

    again = tenant.run(SCRIPT)
    assert not again["changed"] and again["executed"] == 0
    assert tenant.ask("SELECT COUNT(*) FROM KEPT.LOG") == [(2,)]


def test_a_script_stops_at_what_is_refused_and_goes_on_when_that_is_mended(tenant: Tenant) -> None:
    sql = "USE SCHEMA {database}.KEPT;\nCREATE TABLE A (N INT);\nDROP TABLE MISSING;\nINSERT INTO A VALUES (1);"
    failed = tenant.run(sql)
    assert failed.code == "statement_failed"
    assert [row["status"] for row in failed["statements"]] == ["done", "done", "failed", "not_run"]
    assert (failed["failure"]["index"], failed["failure"]["line"], failed["failure"]["errno"]) == (3, 3, 2003)
    assert "MISSING does not exist" in failed["msg"]
    assert tenant.events()[-2:] == [("started", 3), ("failed", 3)]
    assert tenant.ask("SELECT COUNT(*) FROM KEPT.A") == [(0,)]

    tenant.ask("CREATE TABLE KEPT.MISSING (N INT)")
    mended = tenant.run(sql)
    assert not mended.failed and mended["resumed"]
    assert [row["status"] for row in mended["statements"]] == ["replayed", "skipped", "done", "done"]
    assert tenant.events()[-1] == ("finished", None)
    assert tenant.ask("SELECT N FROM KEPT.A") == [(1,)]
    assert tenant.tables() == {"GONE.T;1", "KEPT.A"}


def test_a_refused_block_changes_nothing(tenant: Tenant) -> None:
    """A split at the semicolons in it would have run its first part."""
    failed = tenant.run(
        "USE SCHEMA {database}.KEPT;\nBEGIN\n CREATE TABLE A (N INT);\n INSERT INTO A VALUES (1);\nEND;"
    )
    assert [row["status"] for row in failed["statements"]] == ["done", "failed"]
    assert tenant.tables() == {"GONE.T;1"}


def test_what_goes_is_there_before_and_gone_afterwards(tenant: Tenant) -> None:
    before = tenant.run(SCRIPT, preflight=True).good["objects"]
    assert {row["name"]: row["present"] for row in before} == {"GONE.SEEN": True, "GONE.T;1": True, "GONE": True}
    after = tenant.run(SCRIPT, verify=True).good["objects"]
    assert [row["present"] for row in after] == [False] * 3


def test_grants_that_can_not_be_looked_for_are_not_taken_for_gone(tenant: Tenant) -> None:
    sql = "USE DATABASE {database};\nDROP SCHEMA GONE;\nREVOKE USAGE ON FUTURE SCHEMAS IN DATABASE {database} FROM ROLE R;\n"
    found = tenant.run(sql, preflight=True).good["objects"]
    assert [row["present"] for row in found] == [True, None]
    assert found[1]["how"].startswith("It could not be looked for: ")
