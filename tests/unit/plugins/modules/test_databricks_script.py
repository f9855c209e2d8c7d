# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The module databricks_script with the real client, against the stand-in warehouse."""

from __future__ import annotations

import datetime
import itertools
import json
import os
import re
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._sql.databricks import VARIABLES
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import DEPLOYER, IMMUTA, Grant, Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble, Fault

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Modules, Result

TOKEN = "canary-dapi-token"
SECRET = "canary-client-secret"
CLEANUP = Path(__file__).parents[3] / "doubles" / "databricks_cleanup.sql"
# Not repeatable, so that what became of it has to be found out.
DROP = "DROP SCHEMA sales.crm CASCADE"


@pytest.fixture
def double() -> t.Iterator[DatabricksDouble]:
    with DatabricksDouble(Metastore.example(token=TOKEN, secret=SECRET)) as running:
        yield running


class Databricks:
    """Calls the module with the address of the double, and by token unless told otherwise."""

    def __init__(self, module: Modules, double: DatabricksDouble, folder: Path) -> None:
        self.module = module
        self.double = double
        self.path = str(folder / "script.sql")

    def __call__(self, *, sql: str | None = None, **options: t.Any) -> Result:
        if sql is not None:
            Path(self.path).write_text(sql)
            options.setdefault("path", self.path)
        known: dict[str, t.Any] = {"host": self.double.url, "network_timeout": 10}
        if not {"token", "client_id", "client_secret", "auth_type"} & set(options):
            known["token"] = TOKEN
        if not {"warehouse_id", "http_path"} & set(options):
            known["warehouse_id"] = self.double.warehouse
        return self.module("databricks_script", **{**known, **options})

    @property
    def sent(self) -> list[str]:
        return [bare(one.text) for one in self.double.statements]

    def fault(self, at: t.Any, kind: t.Any, **fields: t.Any) -> None:
        self.double.faults.append(Fault(at, kind, **fields))


@pytest.fixture
def databricks(module: Modules, double: DatabricksDouble, tmp_path: Path) -> Databricks:
    return Databricks(module, double, tmp_path)


# Running


def test_runs_immutas_script_to_its_end_and_not_again(databricks: Databricks) -> None:
    first = databricks(sql=CLEANUP.read_text())
    assert first["changed"] is True, first
    assert first["executed"] == first["total"] == len(databricks.sent)
    assert [row["query_id"] for row in first["statements"]] == [one.query_id for one in databricks.double.statements]
    assert first["journal"]["state"] == "finished"
    assert first["session"]["http_path"] == databricks.double.http_path
    assert not databricks.double.metastore.exists("CATALOG", "immuta")
    assert databricks.double.metastore.snapshot()["masks"] == []
    assert databricks.double.open == {}
    logins, sent = len(databricks.double.logins), len(databricks.sent)
    second = databricks(path=databricks.path)
    assert second["changed"] is False
    assert {row["status"] for row in second["statements"]} == {"skipped"}
    assert (len(databricks.double.logins), len(databricks.sent)) == (logins, sent)
    assert second["statements"][0]["query_id"] == first["statements"][0]["query_id"]


def test_check_mode_lists_and_sends_nothing(databricks: Databricks) -> None:
    result = databricks(sql=CLEANUP.read_text(), check=True)
    assert result["changed"] is True
    assert {row["status"] for row in result["statements"]} == {"not_run"}
    assert databricks.double.logins == []
    assert not os.path.exists(journal.journal_path(databricks.path))
    real = databricks(path=databricks.path)
    assert (real["changed"], real["diff"]) == (result["changed"], result["diff"])


def test_check_mode_takes_a_missing_script_for_one_to_come(databricks: Databricks) -> None:
    planned = databricks(path=databricks.path, expected_sha256="0" * 64, check=True)
    assert (planned["changed"], planned["statements"], planned["sha256"]) == (True, [], "0" * 64), planned
    assert any("is not there" in str(warning) for warning in planned["warnings"])
    assert databricks.double.logins == []
    assert databricks(path=databricks.path, preflight=True, check=True)["changed"] is False
    assert [one.outcome for one in databricks.double.logins] == ["ok"]
    assert databricks(path=databricks.path).code == "script"


def test_preflight_opens_a_session_and_sends_nothing(databricks: Databricks) -> None:
    result = databricks(preflight=True)
    assert (result["changed"], result["executed"]) == (False, 0)
    assert [one.outcome for one in databricks.double.logins] == ["ok"]
    assert databricks.sent == []


def test_one_session_keeps_its_catalog_and_a_resumed_one_gets_it_again(databricks: Databricks) -> None:
    script = "USE CATALOG sales;\nDROP TABLE crm.customers;\nDROP TABLE crm.none;\nDROP TABLE crm.leads;\n"
    broken = databricks(sql=script)
    assert broken.code == "statement_failed"
    assert [row["status"] for row in broken["statements"]] == ["done", "done", "failed", "not_run"]
    failure = broken["failure"]
    assert (failure["sqlstate"], failure["line"]) == ("42P01", 3)
    assert failure["query_id"] == databricks.double.statements[-1].query_id
    databricks.double.metastore.add("TABLE", "sales", "crm", "none", owner=databricks.double.metastore.admins)
    resumed = databricks(path=databricks.path)
    assert [row["status"] for row in resumed["statements"]] == ["replayed", "skipped", "done", "done"]
    assert databricks.sent.count("DROP TABLE crm.customers") == 1


def test_begins_in_the_catalog_and_schema_of_the_options(databricks: Databricks) -> None:
    result = databricks(sql="DROP TABLE customers;", catalog="sales", schema="crm")
    assert not result.failed, result
    assert not databricks.double.metastore.exists("TABLE", "sales", "crm", "customers")


def test_a_missing_privilege_names_the_remedy(databricks: Databricks) -> None:
    databricks.double.metastore.add_principal("guest@example.com", token="canary-guest-token")
    result = databricks(sql="DROP CATALOG sales CASCADE;", token="canary-guest-token")
    assert result.code == "statement_failed"
    assert result["failure"]["sqlstate"] == "42501"
    assert "metastore admin" in result["failure"]["hint"]


# Signing in


def test_by_client_id_and_secret(databricks: Databricks) -> None:
    result = databricks(sql="SELECT 1;", client_id=DEPLOYER, client_secret=SECRET)
    assert not result.failed, result
    assert {one.user for one in databricks.double.statements} == {DEPLOYER}


def test_all_from_the_environment(databricks: Databricks) -> None:
    environment = {
        "DATABRICKS_HOST": databricks.double.url + "/",
        "DATABRICKS_HTTP_PATH": databricks.double.http_path,
        "DATABRICKS_WAREHOUSE_ID": databricks.double.warehouse,
        "DATABRICKS_TOKEN": TOKEN,
    }
    nothing = dict.fromkeys(itertools.chain(*VARIABLES.values()), "")
    for others in ({}, nothing):
        result = databricks.module("databricks_script", script="SELECT 1;", env={**others, **environment})
        assert not result.failed, result
        assert result["executed"] == 1


@pytest.mark.parametrize(
    ("options", "code", "remedy"),
    [
        ({"token": "canary-expired"}, "login_failed", "token may have expired"),
        ({"client_id": DEPLOYER, "client_secret": "canary-wrong"}, "login_failed", "No statement was sent"),
        ({"warehouse_id": "nosuch"}, "platform_unreachable", "there is no such warehouse"),
        ({"catalog": "nosuch"}, "login_failed", "nosuch"),
        ({"host": "127.0.0.1:9"}, "platform_unreachable", "Check host"),
        ({"host": "nosuch.invalid"}, "platform_unreachable", "Check host"),
        ({"host": "https://example.com/sql"}, "invalid_option", "host"),
        ({"host": None}, "invalid_option", "DATABRICKS_HOST"),
        ({"warehouse_id": None}, "invalid_option", "DATABRICKS_WAREHOUSE_ID"),
        ({"http_path": "/sql/1.0/warehouses/other", "warehouse_id": "abc"}, "invalid_option", "not the same"),
        ({"token": None}, "invalid_option", "DATABRICKS_TOKEN"),
        ({"client_id": "x"}, "invalid_option", "DATABRICKS_CLIENT_SECRET"),
        ({"client_secret": "canary-wrong"}, "invalid_option", "DATABRICKS_CLIENT_ID"),
        ({"token": TOKEN, "client_id": "x"}, "invalid_option", "auth_type"),
        ({"statement_timeout": 0}, "invalid_option", "statement_timeout"),
    ],
    ids=str,
)
def test_refuses_to_sign_in(databricks: Databricks, options: dict[str, t.Any], code: str, remedy: str) -> None:
    result = databricks(sql="SELECT 1;", **options)
    assert result.code == code, result
    assert remedy in result["msg"]
    assert databricks.sent == []
    again = databricks(path=databricks.path)
    assert not again.failed, again


def test_both_ways_to_sign_in_are_told_apart_by_auth_type(databricks: Databricks) -> None:
    result = databricks(sql="SELECT 1;", token=TOKEN, client_id="x", client_secret="unused-secret", auth_type="pat")
    assert not result.failed, result


def test_waits_for_a_warehouse_that_starts(databricks: Databricks) -> None:
    databricks.double.stop_warehouse(requests=1)
    result = databricks(sql="SELECT 1;")
    assert not result.failed, result


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("first", [DROP, "USE CATALOG main"])
def test_waits_for_a_warehouse_that_opens_sessions_while_it_starts(
    databricks: Databricks, first: str, status: int
) -> None:
    databricks.fault("statement", "http", status=status, times=3)
    result = databricks(sql=f"{first};\nSELECT 2;\n")
    assert [row["status"] for row in result.good["statements"]] == ["done", "done"]
    assert [bare(one.text) for one in databricks.double.statements if one.outcome == "ok"].count(first) == 1
    databricks.fault("look", "http", status=status, times=2)
    assert not databricks(sql="DROP SCHEMA sales.other;", preflight=True).failed


def test_gives_up_on_a_warehouse_that_takes_no_statement(databricks: Databricks) -> None:
    databricks.fault("statement", "http", times=99)
    result = databricks(sql=f"{DROP};\n", login_timeout=2)
    assert (result.code, databricks.sent.count(DROP)) == ("statement_failed", 1)
    assert "is starting or overloaded: wait, and run this again. It is not known whether it ran" in result["msg"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_expires_on_the_way(databricks: Databricks, status: int) -> None:
    databricks.fault("statement", "http", match=DROP, status=status)
    result = databricks(sql=f"SELECT 1;\n{DROP};\n")
    assert [row["status"] for row in result["statements"]] == ["done", "failed"]
    assert "The token has expired or was revoked. Sign in with a new one" in result["msg"]
    assert not databricks(path=databricks.path).failed


def test_what_no_client_can_read_is_no_bug(databricks: Databricks, monkeypatch: pytest.MonkeyPatch) -> None:
    from databricks.sql import client

    # As if it were the client's own code.
    broken = eval("lambda *given, **options: {}['operationHandle']", {"__name__": "databricks.sql.client"})
    monkeypatch.setattr(client.Cursor, "execute", broken)
    result = databricks(sql=f"{DROP};\n")
    assert (result.code, result["statements"][0]["status"]) == ("statement_failed", "unknown")
    assert "Databricks' client can't read the answer (KeyError)" in result["msg"]


def test_gives_up_on_a_warehouse_that_does_not_start(databricks: Databricks) -> None:
    databricks.double.stop_warehouse()
    result = databricks(sql="SELECT 1;", login_timeout=2)
    assert result.code == "platform_unreachable"
    assert "did not start" in result["msg"]


# Statements without an answer


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset"},
        {"kind": "lost"},
        {"kind": "http", "status": 503},
        {"kind": "http", "status": 503, "headers": {"Retry-After": "1"}},
        {"kind": "http", "status": 429, "headers": {"Retry-After": "1"}},
        {"kind": "http", "status": 500},
        {"kind": "http", "status": 502},
    ],
    ids=str,
)
def test_sends_no_statement_twice(databricks: Databricks, fault: dict[str, t.Any]) -> None:
    databricks.fault("statement", match="DROP", **fault)
    result = databricks(sql=f"SELECT 1;\n{DROP};\n")
    assert result.code == "statement_failed"
    assert databricks.sent.count(DROP) == 1
    # 503 may be the word of a proxy that has passed the statement on.
    refused = fault.get("status") == 429
    assert [row["status"] for row in result["statements"]] == ["done", "failed" if refused else "unknown"]


def bare(text: str) -> str:
    """A statement without the name of its run."""
    return re.sub(r"^/\* community\.immuta/[0-9a-f]{12}/[0-9a-f]{8} \*/ ", "", text)


def lose(databricks: Databricks, **fault: t.Any) -> None:
    """Have the answer to the second of three statements lost."""
    databricks.fault("statement", "lost", match="DROP SCHEMA", **fault)
    lost = databricks(sql=f"USE CATALOG main;\n{DROP};\nSELECT 1;\n")
    assert lost.code == "statement_failed", lost
    assert "It is not known whether it ran" in lost["msg"]
    assert [row["status"] for row in lost["statements"]] == ["done", "unknown", "not_run"]


def test_finds_a_lost_statement_that_ran(databricks: Databricks) -> None:
    lose(databricks)
    result = databricks(path=databricks.path)
    assert [row["status"] for row in result["statements"]] == ["replayed", "skipped", "done"]
    assert databricks.sent.count(DROP) == 1
    (dropped,) = [one for one in databricks.double.statements if bare(one.text) == DROP]
    assert result["statements"][1]["query_id"] == dropped.query_id


def test_sends_a_lost_statement_again_that_failed(databricks: Databricks) -> None:
    databricks.fault("statement", "lost", match="nosuch")
    databricks(sql="DROP SCHEMA sales.nosuch;\n")
    result = databricks(path=databricks.path)
    assert result.code == "statement_failed"
    assert "SCHEMA_NOT_FOUND" in result["msg"]


def outlive_its_session(databricks: Databricks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let statements run on when the session is closed, as when the module is killed."""
    monkeypatch.setattr(databricks.double, "close_session", lambda session: None)


def test_a_lost_statement_ends_with_its_session_and_is_sent_again(databricks: Databricks) -> None:
    lose(databricks, seconds=8.0)
    result = databricks(path=databricks.path)
    assert [row["status"] for row in result["statements"]] == ["replayed", "done", "done"]
    assert [one.outcome for one in databricks.double.statements if bare(one.text) == DROP] == ["canceled", "ok"]


def test_leaves_a_lost_statement_alone_that_still_runs(databricks: Databricks, monkeypatch: pytest.MonkeyPatch) -> None:
    outlive_its_session(databricks, monkeypatch)
    lose(databricks, seconds=8.0)
    result = databricks(path=databricks.path)
    assert result.code == "unknown_outcome"
    assert "still running" in result["msg"]
    assert databricks.sent.count(DROP) == 1


def test_what_the_history_does_not_know_is_in_doubt(databricks: Databricks) -> None:
    lose(databricks)
    databricks.double.operations.clear()
    result = databricks(path=databricks.path)
    assert result.code == "unknown_outcome"
    assert "on_unknown=rerun" in result["msg"]
    again = databricks(path=databricks.path, on_unknown="rerun")
    assert "SCHEMA_NOT_FOUND" in again["msg"]


@pytest.mark.parametrize("answer", [[], {"res": [{}]}, {"res": None, "has_next_page": True}], ids=str)
def test_a_history_that_answers_something_else_tells_nothing(
    databricks: Databricks, monkeypatch: pytest.MonkeyPatch, answer: t.Any
) -> None:
    lose(databricks)
    monkeypatch.setattr(databricks.double, "history", lambda user, asked: answer)
    assert databricks(path=databricks.path).code == "unknown_outcome"
    assert databricks.sent.count(DROP) == 1


def age_journal(path: str) -> None:
    """Let what the journal says be an hour older: a statement that is not there then is no more on its way."""
    place = Path(journal.journal_path(path))
    events = [json.loads(line) for line in place.read_text().splitlines()]
    for event in events:
        event["time"] = (datetime.datetime.fromisoformat(event["time"]) - datetime.timedelta(hours=1)).isoformat()
    place.write_text("".join(json.dumps(event) + "\n" for event in events))


@pytest.mark.parametrize("by_another", [False, True])
def test_sends_a_statement_again_that_never_came(databricks: Databricks, by_another: bool) -> None:
    databricks.fault("statement", "reset", match="DROP SCHEMA")
    lost = databricks(sql=f"USE CATALOG main;\n{DROP};\nSELECT 1;\n")
    assert [row["status"] for row in lost["statements"]] == ["done", "unknown", "not_run"]
    if by_another:
        # The same statement, sent for something else, is not the one in doubt.
        assert not databricks(script=DROP).failed
    age_journal(databricks.path)
    result = databricks(path=databricks.path)
    if by_another:
        assert "SCHEMA_NOT_FOUND" in result["msg"]
        assert [row["status"] for row in result["statements"]] == ["replayed", "failed", "not_run"]
    else:
        assert [row["status"] for row in result["statements"]] == ["replayed", "done", "done"], result
    assert not databricks.double.metastore.exists("SCHEMA", "sales", "crm")


def test_a_history_that_does_not_reach_back_is_no_proof(databricks: Databricks) -> None:
    databricks.fault("statement", "reset", match="DROP SCHEMA")
    databricks(sql=f"{DROP};\n")
    age_journal(databricks.path)
    assert databricks(path=databricks.path).code == "unknown_outcome"
    assert "ok" not in [one.outcome for one in databricks.double.statements if bare(one.text) == DROP]


def test_a_lost_poll_is_looked_up_by_its_id(databricks: Databricks, monkeypatch: pytest.MonkeyPatch) -> None:
    outlive_its_session(databricks, monkeypatch)
    databricks.fault("statement", "slow", match="DROP SCHEMA", seconds=1.5)
    databricks.fault("poll", "reset")
    lost = databricks(sql=f"{DROP};\n")
    assert lost.code == "statement_failed"
    (sent,) = databricks.double.statements
    assert lost["failure"]["query_id"] == sent.query_id
    event = json.loads(Path(journal.journal_path(databricks.path)).read_text().splitlines()[-1])
    assert (event["event"], event["query_id"]) == ("lost", sent.query_id)
    while sent.outcome == "running":
        time.sleep(0.05)
    result = databricks(path=databricks.path)
    assert [row["status"] for row in result["statements"]] == ["skipped"]


@pytest.mark.parametrize("silent", [False, True])
def test_a_statement_that_takes_too_long(databricks: Databricks, silent: bool) -> None:
    databricks.double.silent_timeouts = silent
    databricks.fault("statement", "slow", match="DROP SCHEMA", seconds=30)
    result = databricks(sql=f"{DROP};\nSELECT 1;\n", statement_timeout=1)
    assert result.code == "statement_failed"
    assert [row["status"] for row in result["statements"]] == ["failed", "not_run"]
    assert "statement_timeout" in result["msg"] or "TIMEOUT" in result["msg"]
    assert databricks.double.metastore.exists("SCHEMA", "sales", "crm")


def test_a_statement_that_somebody_cancels(databricks: Databricks) -> None:
    databricks.fault("statement", "slow", match="DROP SCHEMA", seconds=30)

    def cancel() -> None:
        while not databricks.double.operations:
            time.sleep(0.02)
        for operation in databricks.double.operations.values():
            operation.cancelled.set()

    threading.Thread(target=cancel, daemon=True).start()
    result = databricks(sql=f"{DROP};\nSELECT 1;\n")
    assert result.code == "statement_failed"
    assert "cancelled" in result["msg"]
    assert [row["status"] for row in result["statements"]] == ["failed", "not_run"]


def test_a_session_that_is_gone(databricks: Databricks) -> None:
    databricks.fault("statement", "http", match=DROP, status=404)
    result = databricks(sql=f"SELECT 1;\n{DROP};\n")
    assert [row["status"] for row in result["statements"]] == ["done", "failed"]


# What goes wrong before anything is sent


@pytest.mark.parametrize("library", ["databricks.sql", "databricks.sdk"])
def test_a_missing_client_library(databricks: Databricks, tmp_path: Path, library: str) -> None:
    hide = f"import sys\nsys.modules[{library!r}] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hide)
    result = databricks(
        sql="SELECT 1;",
        client_id=DEPLOYER,
        client_secret=SECRET,
        alone=True,
        env={"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])},
    )
    assert result.code == "missing_library"
    assert (
        result["failure"]["library"]
        == {
            "databricks.sql": "databricks-sql-connector",
            "databricks.sdk": "databricks-sdk",
        }[library]
    )


@pytest.mark.parametrize("script", ["SELECT 'open", "SELECT `open", "/* open", "BEGIN SELECT 1;", "", "-- nothing\n"])
def test_refuses_a_script_that_can_not_be_run(databricks: Databricks, script: str) -> None:
    result = databricks(sql=script or "\n")
    assert result.failed
    assert databricks.double.logins == []


def test_no_secret_in_any_answer(databricks: Databricks) -> None:
    literal = "canary-in-the-script"
    script = f"SELECT 1;\nCREATE CONNECTION c TYPE mysql OPTIONS (password '{literal}');\n"
    assert databricks(sql=script, check=True)["changed"]
    assert databricks(path=databricks.path).failed
    databricks(path=databricks.path, client_id=DEPLOYER, client_secret=SECRET)
    databricks(path=databricks.path, token=TOKEN + "-wrong")
    databricks(path=databricks.path, client_id=DEPLOYER, client_secret=SECRET + "-wrong")
    record = Path(journal.journal_path(databricks.path)).read_text()
    for secret in (literal, TOKEN, SECRET):
        assert secret not in databricks.module.output
        assert secret not in record


# The right workspace


@pytest.mark.parametrize("preflight", [True, False])
@pytest.mark.parametrize(
    ("expected", "code"),
    [
        (["adb-1234567890123456.7.azuredatabricks.net"], None),
        (["https://1234567890123456.7.gcp.databricks.com/"], None),
        (["SELF"], None),
        (["databricks.corp.example", "SELF"], None),
        (["adb-6543210987654321.7.azuredatabricks.net"], "wrong_platform"),
        (["SELF", "adb-6543210987654321.7.azuredatabricks.net"], "wrong_platform"),
        (["dbc-a1b2345c-d6e7.cloud.databricks.com"], "platform_unknown"),
        (["127.0.0.1:9"], "platform_unknown"),
    ],
    ids=str,
)
def test_runs_only_where_it_has_to_be(
    databricks: Databricks, expected: list[str], code: str | None, preflight: bool
) -> None:
    hosts = [databricks.double.url if host == "SELF" else host for host in expected]
    result = databricks(sql=f"{DROP};\n", expected_hosts=hosts, preflight=preflight)
    assert result.code == code, result
    assert databricks.double.metastore.exists("SCHEMA", "sales", "crm") is (preflight or code is not None)
    if code:
        assert (databricks.sent, databricks.double.looks, databricks.double.open) == ([], [], {})
        assert f"the Databricks workspace {databricks.double.host}:{databricks.double.port}" in result["msg"]


def test_a_workspace_that_does_not_tell_its_number(databricks: Databricks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.community.immuta.plugins.module_utils._sql.databricks.ME", "/no/such")
    result = databricks(sql=f"{DROP};\n", expected_hosts=["adb-1234567890123456.7.azuredatabricks.net"])
    assert (result.code, databricks.sent) == ("platform_unknown", [])


TAKEN = (
    "COLUMN MASK ON TABLE sales.crm.customers COLUMN email",
    "ROW FILTER ON TABLE sales.crm.customers",
    f"GRANT ALL PRIVILEGES ON CATALOG sales TO {IMMUTA}",
    f"GRANT SELECT ON CATALOG system TO {IMMUTA}",
    f"GRANT CREATE CATALOG ON METASTORE TO {IMMUTA}",
)


def test_looks_for_what_the_script_removes(databricks: Databricks) -> None:
    found = databricks(sql=CLEANUP.read_text(), preflight=True, missing_objects="fail").good
    rows = {f"{one['kind']} {one['name']}": (one["present"], one["owner"]) for one in found["objects"]}
    assert rows == {
        "TABLE sales.crm.customers": (True, "metastore admins"),
        "CATALOG immuta": (True, IMMUTA),
        **dict.fromkeys(TAKEN, (True, None)),
    }
    assert all(one["query_id"] and one["how"].startswith(("SELECT ", "SHOW ")) for one in found["objects"])
    assert databricks.sent == []


@pytest.mark.parametrize("policy", ["fail", "accept"])
def test_a_workspace_with_nothing_of_it_is_refused(databricks: Databricks, policy: str) -> None:
    text = "DROP CATALOG IF EXISTS other CASCADE;\nDROP SCHEMA IF EXISTS sales.other;\n"
    result = databricks(sql=text, preflight=True, missing_objects=policy)
    assert result.code == ("objects_missing" if policy == "fail" else None), result
    assert [one["present"] for one in result["objects"]] == [False, False]


def test_looks_again_whether_what_it_dropped_is_gone(databricks: Databricks) -> None:
    answer = databricks(sql=CLEANUP.read_text(), verify=True)
    assert answer["changed"] is True, answer
    found = {f"{row['kind']} {row['name']}": row["present"] for row in answer["objects"]}
    assert found == dict.fromkeys(("CATALOG immuta", *TAKEN), False)
    # The reads are in the same session, under another name.
    assert len(databricks.sent) == answer["total"]
    assert databricks.double.looks


def test_a_metastore_that_keeps_what_was_revoked_has_not_been_cleaned(
    databricks: Databricks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as lying:
        lying.setattr(Metastore, "revoke", lambda *_: None)
        failed = databricks(sql=CLEANUP.read_text(), verify=True)
    assert failed.code == "objects_left"
    assert {row["status"] for row in failed["statements"]} == {"done"}
    left = [f"{row['kind']} {row['name']}" for row in failed["objects"] if row["present"]]
    assert left == list(TAKEN[2:])
    assert all(name in failed["msg"] for name in left)
    store = databricks.double.metastore
    store.grants = {grant for grant in store.grants if grant.principal != IMMUTA}
    again = databricks(path=databricks.path, verify=True).good
    assert (again["executed"], again["journal"]["state"]) == (0, "finished")


def test_what_one_may_not_see_is_not_taken_for_there(databricks: Databricks) -> None:
    databricks.double.metastore.add_principal("site@example.com", token="canary-site")
    found = databricks(sql=CLEANUP.read_text(), preflight=True, token="canary-site").good["objects"]
    seen = {f"{row['kind']} {row['name']}": row["present"] for row in found}
    assert {name: seen[name] for name in TAKEN} == {**dict.fromkeys(TAKEN, False), **dict.fromkeys(TAKEN[:2], True)}


def test_one_look_at_the_metadata_answers_for_many(databricks: Databricks) -> None:
    metastore = databricks.double.metastore
    metastore.grants |= {Grant("SELECT", "TABLE", ("sales", "crm", name), IMMUTA) for name in ("customers", "leads")}
    text = "".join(
        f"REVOKE SELECT ON TABLE sales.crm.{name} FROM `{IMMUTA}`;\n" for name in ("customers", "leads", "x")
    )
    found = databricks(sql=text, preflight=True).good["objects"]
    assert [row["present"] for row in found] == [True, True, False]
    assert len({row["query_id"] for row in found}) == 1


def test_a_session_is_asked_whose_it_is_where_a_user_was_approved(databricks: Databricks) -> None:
    refused = databricks(sql=CLEANUP.read_text(), expected_session={"user": "somebody@else"})
    assert refused.code == "session_changed", refused
    assert "but the approved plan was made with the user somebody@else." in refused["msg"]
    assert databricks.sent == []
    accepted = databricks(path=databricks.path, expected_session={"user": "somebody@else"}, other_session="accept")
    assert accepted.good["journal"]["state"] == "finished"
