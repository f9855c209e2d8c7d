# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that stops leaves its session: what the next run does without it, with the real client and the stand-in account."""

from __future__ import annotations

import datetime
import json
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, Fault, SnowflakeDouble

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Modules, Result

PASSWORD = "canary-deployer-password"
TABLE = ("SALES", "CRM", "CUSTOMERS")


class Script:
    """A script of one account, and the runs of it."""

    def __init__(self, module: Modules, double: SnowflakeDouble, folder: Path) -> None:
        self.module = module
        self.double = double
        self.path = folder / "script.sql"

    def run(self, text: str = "", **options: t.Any) -> Result:
        if text:
            self.path.write_text(text)
        address = {"host": self.double.host, "port": self.double.port, "protocol": "http", "account": "example"}
        signed_in = {"user": "DEPLOYER", "password": PASSWORD, "role": "ACCOUNTADMIN", "network_timeout": 1}
        return self.module(
            "snowflake_script", **{**address, **signed_in, "statement_timeout": 1, "path": str(self.path), **options}
        )

    def fail(self, match: str, text: str, *, nth: int = 1, **options: t.Any) -> Result:
        """Run the script, and have the platform refuse a statement."""
        self.double.faults.append(Fault("statement", "error", match=match, nth=nth))
        result = self.run(text, **options)
        assert result.code == "statement_failed", result
        return result

    def sent(self, since: int = 0) -> list[str]:
        return [one.text for one in self.double.statements[since:]]

    @property
    def rows(self) -> list[str | None]:
        return [row["NAME"] for row in self.double.account.rows[TABLE]]

    @property
    def sha256(self) -> str:
        return str(self.run(check=True)["sha256"])

    def age(self) -> None:
        """Make the journal an hour older."""
        place = Path(journal.journal_path(str(self.path)))
        hour = datetime.timedelta(hours=1)
        place.write_text(
            re.sub(
                r'(?<="time": ")[^"]*',
                lambda found: (datetime.datetime.fromisoformat(found[0]) - hour).isoformat(),
                place.read_text(),
            )
        )


@pytest.fixture
def script(module: Modules, tmp_path: Path) -> t.Iterator[Script]:
    account = Account.example(password=PASSWORD)
    account.entities["TABLE", TABLE].properties["COLUMNS"] = "NAME"
    account.rows[TABLE] = [{"NAME": "a"}, {"NAME": "b"}, {"NAME": "c"}]
    for role in ("R1", "R2"):
        account.add("ROLE", role, owner="USERADMIN")
    with SnowflakeDouble(account) as double:
        yield Script(module, double, tmp_path)


def statuses(result: Result) -> str:
    return " ".join(row["status"] for row in result["statements"])


# What the rest still needs


def test_does_not_switch_to_what_it_has_dropped(script: Script) -> None:
    text = "USE DATABASE SALES;\nDROP TABLE CRM.LEADS;\nDROP DATABASE SALES;\nDROP ROLE R1;\n"
    script.fail("DROP ROLE", text)
    count = len(script.sent())
    resumed = script.run()
    assert statuses(resumed) == "skipped skipped skipped done", resumed
    assert script.sent(count) == ["DROP ROLE R1"]


def test_pauses_do_not_lead_to_a_switch_to_what_it_has_dropped(script: Script) -> None:
    text = "USE DATABASE SALES;\nDROP DATABASE SALES;\nDROP ROLE R1;\nDROP ROLE R2;\n"
    calls = [script.run(text, pause_after=0.001)]
    while calls[-1]["paused"]:
        calls.append(script.run(pause_after=0.001))
    assert calls[-1]["journal"]["state"] == "finished", calls[-1]
    # Not behind the one that drops what was switched to.
    assert [call["executed"] for call in calls] == [1, 3]


def test_a_block_that_drops_what_was_switched_to_makes_the_refusal_harmless(script: Script) -> None:
    text = "USE DATABASE SALES;\nBEGIN\n  DROP DATABASE SALES;\nEND;\nBEGIN\n  DROP ROLE R1;\nEND;\n"
    script.fail("DROP ROLE R1", text)
    resumed = script.run()
    assert statuses(resumed) == "skipped skipped done", resumed


def test_a_refused_switch_stops_it_when_nothing_has_dropped_the_object(script: Script) -> None:
    script.fail("DROP TABLE", "USE DATABASE SALES;\nDROP TABLE CRM.LEADS;\n")
    script.double.account.drop(script.double.account.entities["DATABASE", ("SALES",)], "ACCOUNTADMIN")
    assert "sent again to set up the session" in script.run()["msg"]


def test_a_later_switch_overrides_an_earlier_one(script: Script) -> None:
    text = "USE ROLE SYSADMIN;\nUSE ROLE SECURITYADMIN;\nUSE ROLE USERADMIN;\nDROP ROLE R1;\nDROP ROLE R2;\n"
    script.fail("DROP ROLE R2", text)
    assert statuses(script.run()) == "skipped skipped replayed skipped done"


def test_a_session_that_starts_in_a_database_is_not_taken_for_one_without(script: Script) -> None:
    script.double.account.add("DATABASE", "OTHER", owner="SYSADMIN")
    text = "USE DATABASE SALES;\nDROP DATABASE SALES;\nDROP TABLE CUSTOMERS;\n"
    script.fail("DROP TABLE", text, database="OTHER")
    assert script.run(database="OTHER").code == "session_lost"


# Transactions

MOVE = (
    "BEGIN;\nDELETE FROM SALES.CRM.CUSTOMERS WHERE NAME = 'a';\nDELETE FROM SALES.CRM.CUSTOMERS WHERE NAME = 'b';\n"
    "COMMIT;\nDROP ROLE R1;\n"
)
OFF = MOVE.replace("BEGIN;", "ALTER SESSION SET AUTOCOMMIT = FALSE;")


@pytest.mark.parametrize(("text", "first"), [(MOVE, "rolled_back rolled_back"), (OFF, "done rolled_back")])
@pytest.mark.parametrize("match", ["'b'", "COMMIT"])
def test_goes_back_to_the_start_of_a_transaction(script: Script, text: str, first: str, match: str) -> None:
    broken = script.fail(match, text, nth=text[: text.index("DROP")].count(match))
    between = "" if match == "'b'" else " rolled_back"
    assert statuses(broken).startswith(f"{first}{between} failed"), broken
    assert script.rows == ["a", "b", "c"]
    resumed = script.run()
    assert resumed["journal"]["state"] == "finished", resumed
    assert script.rows == ["c"]


def test_goes_back_after_a_kill_too(script: Script) -> None:
    script.path.write_text(MOVE)
    with journal.Journal(journal.journal_path(str(script.path)), script.sha256, 5) as book:
        for index in (1, 2):
            book.started(index, "tag")
            book.done(index)
        book.started(3, "tag")
    assert not script.run().failed
    assert script.rows == ["c"]


def test_a_commit_that_came_is_not_followed_by_a_second_run_of_its_statements(script: Script) -> None:
    insert = "INSERT INTO SALES.CRM.CUSTOMERS VALUES ('d')"
    text = f"USE WAREHOUSE COMPUTE_WH;\nBEGIN;\n{insert};\nCOMMIT;\nDROP ROLE R1;\n"
    script.double.faults.append(Fault("statement", "lost", match="COMMIT", times=99))
    assert statuses(script.run(text)) == "done done done unknown not_run"
    script.double.faults.clear()
    assert not script.run().failed
    assert script.rows == ["a", "b", "c", "d"]


def test_a_definition_ends_the_transaction(script: Script) -> None:
    text = MOVE.replace("COMMIT;\n", "CREATE ROLE R3;\n").replace("DROP ROLE R1", "DROP ROLE R3")
    script.fail("DROP ROLE", text)
    assert not script.run().failed
    assert script.sent().count("BEGIN") == 1
    assert script.rows == ["c"]


def test_a_definition_that_failed_in_a_transaction_may_have_committed_it(script: Script) -> None:
    script.fail("CREATE ROLE", MOVE.replace("COMMIT;\n", "CREATE ROLE R3;\n"))
    stopped = script.run()
    assert stopped.code == "session_lost"
    assert "Statement 4 (CREATE ROLE R3, line 4) may need the transaction of statement 1" in stopped["msg"]


@pytest.mark.parametrize("end", ["", "CALL SALES.CRM.P();\n"])
@pytest.mark.parametrize("options", [{}, {"preflight": True}, {"check": True}])
def test_refuses_a_script_that_would_be_rolled_back_at_its_end(
    script: Script, end: str, options: dict[str, t.Any]
) -> None:
    result = script.run("BEGIN;\nDELETE FROM SALES.CRM.CUSTOMERS;\n" + end, **options)
    assert result.code == "transaction_open"
    assert script.double.logins == []


# What can't be had again

TEMPORARY = "USE SCHEMA SALES.CRM;\nCREATE TEMPORARY TABLE CUSTOMERS (NAME STRING);\n"
LOST = {
    # The statements, the one that fails, and the one that made what is missing.
    "a temporary table": (f"{TEMPORARY}DROP TABLE IF EXISTS CUSTOMERS;\n", 3, 2),
    "a temporary table, used": (f"{TEMPORARY}INSERT INTO CUSTOMERS VALUES ('x');\nDROP ROLE R1;\n", 3, 2),
    "what a function has answered": ("SET X = (SELECT SYSTEM$WAIT(0));\nDROP ROLE IDENTIFIER($X);\n", 2, 1),
    "a value from a result": (
        "SHOW ROLES LIKE 'R1';\nSET X = (SELECT \"name\" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())));\n"
        "DROP ROLE IDENTIFIER($X);\n",
        3,
        2,
    ),
    "the result of what can't be sent again": (
        "DELETE FROM SALES.CRM.CUSTOMERS;\nSELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));\n",
        2,
        1,
    ),
    "an older result": ("SHOW ROLES;\nSHOW USERS;\nSELECT LAST_QUERY_ID(-2);\n", 3, 2),
    "a schema that may be the current one": ("CREATE SCHEMA IF NOT EXISTS SALES.NEW;\nDROP TABLE T;\n", 2, 1),
    "a role that a text has switched to": ("EXECUTE IMMEDIATE 'USE ROLE USERADMIN';\nDROP ROLE R1;\n", 2, 1),
}


@pytest.mark.parametrize("what", LOST)
def test_stops_with_what_to_decide(script: Script, what: str) -> None:
    text, failing, source = LOST[what]
    nth = text.split(";\n")[failing - 1]
    script.double.faults.append(Fault("statement", "error", match=nth))
    planned = script.run(text, check=True)
    assert planned["statements"][failing - 1]["resumes_at"] is None
    assert script.run(text).code == "statement_failed"
    script.double.faults.clear()
    count = len(script.sent())
    stopped = script.run()
    assert stopped.code == "session_lost", stopped
    assert (stopped["failure"]["index"], stopped["failure"]["source"]) == (failing, source)
    assert "immuta_deregister_skip" in stopped["failure"]["hint"]
    assert script.sent(count) == []
    assert script.rows == ([] if text.startswith("DELETE") else ["a", "b", "c"])


@pytest.mark.parametrize("what", LOST)
def test_runs_them_in_one_go(script: Script, what: str) -> None:
    text, failing, _source = LOST[what]
    result = script.run(text, pause_after=0.001)
    # It may pause before the statement that makes it.
    while result["paused"]:
        ran = sum(row["status"] != "not_run" for row in result["statements"])
        assert result["statements"][ran]["resumes_at"] == ran + 1 != failing
        result = script.run(pause_after=0.001)


def test_does_not_drop_the_permanent_table(script: Script) -> None:
    script.double.faults.append(Fault("statement", "lost", match="DROP TABLE", times=99))
    assert statuses(script.run(f"{TEMPORARY}DROP TABLE IF EXISTS CUSTOMERS;\nDROP ROLE R1;\n")).split()[2] == "unknown"
    script.double.faults.clear()
    assert script.run().code == "session_lost"
    left_out = {"statement": 3, "sha256": script.sha256, "reason": "the temporary table is gone"}
    assert not script.run(skip=[left_out]).failed
    assert script.rows == ["a", "b", "c"]


def test_a_function_is_not_called_again(script: Script) -> None:
    text = "SET X = (SELECT SYSTEM$WAIT(0));\nDROP ROLE R1;\n"
    script.fail("DROP ROLE", text)
    assert not script.run().failed
    assert script.sent().count("SET X = (SELECT SYSTEM$WAIT(0))") == 1


def test_a_person_may_say_that_the_rest_does_not_need_it(script: Script) -> None:
    text = f"{TEMPORARY}DROP TABLE SALES.CRM.CUSTOMERS;\nDROP ROLE R1;\n"
    script.fail("DROP TABLE", text)
    said = {"statement": 2, "sha256": script.sha256, "reason": "the permanent one is meant"}
    resumed = script.run(skip=[said])
    assert statuses(resumed) == "skipped skipped done done", resumed
    assert not script.double.account.exists("TABLE", *TABLE)


# Results, and the current database


def test_sends_a_question_again_for_its_result(script: Script) -> None:
    text = "SHOW ROLES LIKE 'R1';\nSELECT \"name\" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));\nDROP ROLE R1;\n"
    script.fail("SELECT", text, pause_after=0.001)
    count = len(script.sent())
    resumed = script.run()
    assert statuses(resumed) == "replayed done done", resumed
    assert [" ".join(one.split()[:2]) for one in script.sent(count)] == ["SHOW ROLES", 'SELECT "name"', "DROP ROLE"]


@pytest.mark.parametrize("create", ["CREATE DATABASE NEW", 'CREATE OR REPLACE SCHEMA SALES."a ""b"'])
def test_a_new_database_is_the_current_one_in_the_next_session_too(script: Script, create: str) -> None:
    script.double.account.grants |= {
        type(one)("CREATE SCHEMA", "DATABASE", ("SALES",), "ACCOUNTADMIN") for one in list(script.double.account.grants)
    }
    script.fail("CREATE TABLE", f"{create};\nCREATE TABLE T (A INT);\n")
    assert statuses(script.run()) == "skipped done"
    (table,) = (name for kind, name in script.double.account.entities if kind == "TABLE" and name[-1] == "T")
    assert table in (("NEW", "PUBLIC", "T"), ("SALES", 'a "b', "T"))


# Statements in doubt

TAGS = {
    "set": "ALTER SESSION SET QUERY_TAG = 'ours';\n",
    "unset": "ALTER SESSION UNSET QUERY_TAG;\n",
    "set in a text": "EXECUTE IMMEDIATE 'ALTER SESSION SET QUERY_TAG = ''ours''';\n",
}


@pytest.mark.parametrize("how", TAGS)
@pytest.mark.parametrize("kind", ["lost", "reset"])
def test_the_tag_of_the_script_proves_nothing(script: Script, how: str, kind: t.Any) -> None:
    text = f"USE WAREHOUSE COMPUTE_WH;\n{TAGS[how]}CREATE DATABASE D1;\nDROP ROLE R1;\n"
    script.double.faults.append(Fault("statement", kind, match="DATABASE D1", times=99))
    assert statuses(script.run(text)) == "done done unknown not_run"
    script.double.faults.clear()
    script.age()
    stopped = script.run()
    assert stopped.code == "unknown_outcome", stopped
    assert "by its text" in stopped["failure"]["hint"]
    ran = [one for one in script.double.statements if "D1" in one.text and one.outcome == "ok"]
    assert len(ran) == (kind == "lost")


# What a person leaves out


def test_leaves_out_a_statement_that_can_not_succeed_any_more(script: Script) -> None:
    text = "DROP ROLE R1;\nDROP ROLE GONE;\nDROP ROLE R2;\n"
    broken = script.run(text)
    assert "immuta_deregister_skip" in broken["failure"]["hint"]
    said = {"statement": 2, "sha256": script.sha256, "reason": "a colleague has dropped it"}
    done = script.run(skip=[said])
    assert statuses(done) == "skipped skipped_by_operator done", done
    assert done["statements"][1]["reason"] == "a colleague has dropped it"
    assert (done["executed"], done["journal"]["state"]) == (1, "finished")
    assert "GONE" not in done["diff"]["after"]
    # What is left out stays, as far as the script goes.
    before = script.run(skip=[said], preflight=True)["objects"]
    assert [(row["name"], row["dropped"]) for row in before] == [("R1", True), ("GONE", False), ("R2", True)]
    events = [json.loads(line) for line in Path(journal.journal_path(str(script.path))).read_text().splitlines()]
    assert [(one["index"], one["reason"]) for one in events if one["event"] == "skipped"] == [
        (2, "a colleague has dropped it")
    ]
    assert statuses(script.run()) == "skipped skipped_by_operator skipped"


def test_what_needs_what_was_never_created_is_not_needed(script: Script) -> None:
    text = "DROP ROLE R1;\nDROP ROLE NEVER;\nDROP ROLE GONE;\nDROP ROLE R2;\n"
    never = [{"kind": "ROLE", "name": "NEVER"}]
    broken = script.run(text, never_created=never)
    assert (broken.code, broken["failure"]["index"], statuses(broken)) == (
        *("statement_failed", 3),
        "done not_needed failed not_run",
    )
    answer = "Refused, and not needed: ROLE NEVER was never created."
    assert (broken["statements"][1]["answer"], broken["executed"]) == (answer, 1)
    done = script.run(never_created=[*never, {"kind": "ROLE", "name": "GONE"}])
    assert (statuses(done), done["journal"]["state"]) == ("skipped not_needed not_needed done", "finished")
    assert [row["answer"] for row in script.run()["statements"]][1] == answer
    # It is not taken for one that has dropped something.
    looked = script.run(text, never_created=[*never, {"kind": "ROLE", "name": "GONE"}], verify=True, preflight=True)
    assert [row["confirmed"] for row in looked["objects"]] == [True, False, False, True]


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"statement": 4}, "the script has 3 statements"),
        ({"statement": 0}, "3 statements"),
        ({"reason": " "}, "reason"),
    ],
)
def test_refuses_what_can_not_be_left_out(script: Script, said: dict[str, t.Any], named: str) -> None:
    script.path.write_text("DROP ROLE R1;\nDROP ROLE GONE;\nDROP ROLE R2;\n")
    entry = {"statement": 2, "sha256": script.sha256, "reason": "gone", **said}
    for options in ({}, {"preflight": True}, {"check": True}):
        assert named in script.run(skip=[entry], **options)["msg"]
    assert script.double.logins == []


def test_leaves_nothing_out_of_another_script(script: Script) -> None:
    said = {"statement": 1, "sha256": "0" * 64, "reason": "meant for another one"}
    assert statuses(script.run("DROP ROLE R1;\n", skip=[said])) == "done"


@pytest.mark.parametrize(
    ("text", "options", "warned"),
    [
        ("DROP ROLE R1;\n", {}, True),
        ("DROP ROLE R1;\n", {"warehouse": "COMPUTE_WH"}, False),
        ("DROP ROLE R1;\n", {"on_unknown": "rerun"}, False),
        ("DROP ROLE R1;\nUSE WAREHOUSE COMPUTE_WH;\n", {}, False),
        ("DROP ROLE IF EXISTS R1;\nUSE ROLE R2;\n", {}, False),
    ],
)
def test_asks_for_a_warehouse_before_it_is_needed(
    script: Script, text: str, options: dict[str, t.Any], warned: bool
) -> None:
    result = script.run(text, preflight=True, **options)
    assert not result.failed
    assert any("SNOWFLAKE_WAREHOUSE" in str(one) for one in result.get("warnings", [])) is warned


HALF = "USE ROLE SYSADMIN;\nDROP DATABASE IF EXISTS A;\nDROP DATABASE IF EXISTS B;\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"role": "SYSADMIN"}, "This session has the role SYSADMIN, but the first part", id="another role"),
        pytest.param({"role": "SYSADMIN", "other_session": "accept"}, "", id="accepted"),
        pytest.param({}, "", id="the same"),
        pytest.param({"role": "accountadmin"}, "", id="the same, in lower case"),
        pytest.param(
            {"expected_session": {"account": "other", "user": "DEPLOYER", "role": "R"}},
            "the account EXAMPLE, the role ACCOUNTADMIN, but the approved plan was made with the account other, the role R.",
            id="another one than was approved",
        ),
        pytest.param({"expected_session": {"user": "deployer", "warehouse": "W"}}, "", id="as was approved"),
    ],
)
def test_the_rest_runs_in_the_session_of_the_first_part(script: Script, options: dict[str, t.Any], words: str) -> None:
    script.fail("DATABASE IF EXISTS B", HALF)
    before = len(script.double.statements)
    result = script.run(**options)
    if not words:
        assert result.good["journal"]["state"] == "finished"
        return
    assert (result.code, words.lower() in str(result["msg"]).lower()) == ("session_changed", True), result
    assert "immuta_deregister_other_session=accept" in str(result)
    assert len(script.double.statements) == before


def test_nothing_is_compared_when_only_a_look_is_left(script: Script) -> None:
    script.double.account.add("DATABASE", "A", owner="SYSADMIN")
    left = "USE ROLE SYSADMIN;\nDROP DATABASE A;\nEXECUTE IMMEDIATE 'CREATE DATABASE A';\n"
    assert script.run(left, verify=True).code == "objects_left"
    assert script.run(role="SYSADMIN", verify=True).code == "objects_left"


def test_the_journal_has_what_was_seen_and_the_times(script: Script) -> None:
    script.double.account.add("DATABASE", "A", owner="SYSADMIN")
    found = script.run(HALF, preflight=True).good
    result = script.run(verify=True, found_before={**found}).good
    told = journal.read(f"{script.path}.journal")
    assert [row["name"] for row in (told.before or {})["objects"]] == ["A", "B"]
    assert (told.before or {})["session"] == found["session"]
    assert (told.after or {})["objects"] == result["objects"]
    assert [one["session"]["user"] for one in told.runs] == ["DEPLOYER"]
    assert all(row["started"] <= row["ended"] for row in result["statements"])
    again = script.run().good["statements"]
    assert [row["started"][:19] for row in again] == [row["started"][:19] for row in result["statements"]]
