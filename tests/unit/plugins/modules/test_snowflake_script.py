# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module snowflake_script with the real client, against the stand-in account."""

from __future__ import annotations

import datetime
import itertools
import json
import os
import re
import sys
import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._sql.snowflake import VARIABLES
from ansible_collections.community.immuta.tests.doubles.snowflake_account import Grant
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, Fault, SnowflakeDouble

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Modules, Result

PASSWORD = "canary-deployer-password"
TOKEN = "canary-programmatic-token"
OAUTH = "canary-oauth-token"
PASSPHRASE = "canary-passphrase"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CLEANUP = Path(__file__).parents[3] / "doubles" / "snowflake_cleanup.sql"


def pem(passphrase: str | None = None, key: t.Any = KEY) -> str:
    encryption: t.Any = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


@pytest.fixture
def double() -> t.Iterator[SnowflakeDouble]:
    account = Account.example(password=PASSWORD)
    account.entities.pop(("USER", ("DEPLOYER",)))
    account.add_user("DEPLOYER", password=PASSWORD, public_key=KEY.public_key(), access_token=TOKEN, oauth_token=OAUTH)
    with SnowflakeDouble(account) as running:
        yield running


class Snowflake:
    """Calls the module with the address of the double, and by password unless told otherwise."""

    def __init__(self, module: Modules, double: SnowflakeDouble, folder: Path) -> None:
        self.module = module
        self.double = double
        self.path = str(folder / "script.sql")

    def __call__(self, *, sql: str | None = None, **options: t.Any) -> Result:
        if sql is not None:
            Path(self.path).write_text(sql)
            options.setdefault("path", self.path)
        address = {"host": self.double.host, "port": self.double.port, "protocol": "http", "account": "example"}
        if not {"password", "token", "private_key", "private_key_file", "token_file_path"} & set(options):
            options["password"] = PASSWORD
        return self.module("snowflake_script", **{**address, "user": "DEPLOYER", "network_timeout": 10, **options})

    @property
    def sent(self) -> list[str]:
        return [one.text for one in self.double.statements]


@pytest.fixture
def snowflake(module: Modules, double: SnowflakeDouble, tmp_path: Path) -> Snowflake:
    return Snowflake(module, double, tmp_path)


# Running


def test_runs_immutas_script_to_its_end_and_not_again(snowflake: Snowflake) -> None:
    first = snowflake(sql=CLEANUP.read_text())
    assert first["changed"] is True, first
    assert first["executed"] == first["total"] == len(snowflake.sent)
    assert all(row["status"] == "done" and row["query_id"] for row in first["statements"])
    assert first["journal"]["state"] == "finished"
    assert first["session"]["user"] == "DEPLOYER"
    assert not snowflake.double.account.exists("DATABASE", "IMMUTA")
    assert not snowflake.double.account.exists("ROLE", "IMMUTA_SYSTEM")
    assert not snowflake.double.account.exists("USER", "IMMUTA_SYSTEM_ACCOUNT")
    logins, sent = len(snowflake.double.logins), len(snowflake.sent)
    second = snowflake(path=snowflake.path)
    assert second["changed"] is False
    assert second["executed"] == 0
    assert {row["status"] for row in second["statements"]} == {"skipped"}
    assert (len(snowflake.double.logins), len(snowflake.sent)) == (logins, sent)
    assert second["statements"][0]["query_id"] == first["statements"][0]["query_id"]


def test_check_mode_lists_and_sends_nothing(snowflake: Snowflake) -> None:
    result = snowflake(sql=CLEANUP.read_text(), check=True)
    assert result["changed"] is True
    assert {row["status"] for row in result["statements"]} == {"not_run"}
    assert result["journal"]["state"] == "none"
    assert snowflake.double.logins == []
    assert not os.path.exists(journal.journal_path(snowflake.path))
    real = snowflake(path=snowflake.path)
    assert (real["changed"], real["diff"]) == (result["changed"], result["diff"])


def test_check_mode_takes_a_missing_script_for_one_to_come(snowflake: Snowflake) -> None:
    planned = snowflake(path=snowflake.path, expected_sha256="0" * 64, check=True)
    assert (planned["changed"], planned["statements"], planned["sha256"]) == (True, [], "0" * 64), planned
    assert any("is not there" in str(warning) for warning in planned["warnings"])
    assert snowflake.double.logins == []
    assert snowflake(path=snowflake.path, preflight=True, check=True)["changed"] is False
    assert [one.outcome for one in snowflake.double.logins] == ["ok"]
    assert snowflake(path=snowflake.path).code == "script"


def test_tags_the_session(snowflake: Snowflake) -> None:
    snowflake(sql="SELECT 1;")
    (tag,) = {one.query_tag for one in snowflake.double.statements}
    assert tag.startswith("community.immuta/")
    snowflake(script="SELECT 2;", query_tag="change 4711")
    assert snowflake.double.statements[-1].query_tag == "change 4711"


def test_stops_at_a_failure_and_resumes_there(snowflake: Snowflake) -> None:
    text = "USE ROLE USERADMIN;\nDROP USER ANALYST;\nDROP ROLE LATER;\nDROP USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT;\n"
    broken = snowflake(sql=text)
    assert broken.failed
    assert broken.code == "statement_failed"
    assert [row["status"] for row in broken["statements"]] == ["done", "done", "failed", "not_run"]
    failure = broken["failure"]
    assert (failure["errno"], failure["sqlstate"], failure["line"]) == (2003, "02000", 3)
    assert failure["query_id"]
    snowflake.double.account.add("ROLE", "LATER", owner="USERADMIN")
    resumed = snowflake(path=snowflake.path)
    assert [row["status"] for row in resumed["statements"]] == ["replayed", "skipped", "done", "done"]
    assert resumed["resumed"] is True
    assert snowflake.sent.count("DROP USER ANALYST") == 1


def test_pauses_between_statements_and_goes_on(snowflake: Snowflake) -> None:
    text = "USE ROLE USERADMIN;\nDROP USER ANALYST;\nDROP USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT;\n"
    calls = [snowflake(sql=text, pause_after=0.001)]
    while calls[-1]["paused"]:
        assert calls[-1]["journal"]["state"] == "partial"
        calls.append(snowflake(path=snowflake.path, pause_after=0.001))
    assert [call["executed"] for call in calls] == [1, 1, 1]
    assert [row["status"] for row in calls[1]["statements"]] == ["replayed", "done", "not_run"]
    assert calls[1]["diff"]["after"].splitlines() == ["1. USE ROLE USERADMIN", "2. DROP USER ANALYST"]
    assert calls[-1]["journal"]["state"] == "finished"
    assert snowflake.sent.count("DROP USER ANALYST") == 1


def test_does_not_pause_where_a_session_may_matter(snowflake: Snowflake) -> None:
    text = "USE ROLE USERADMIN;\nSELECT SYSTEM$WAIT(0);\nSELECT 1;\nSELECT 2;\n"
    assert snowflake(sql=text, pause_after=0.001)["executed"] == 1
    result = snowflake(path=snowflake.path, pause_after=0.001)
    assert (result["paused"], result["executed"], result["journal"]["state"]) == (False, 3, "finished"), result


def test_a_pause_needs_a_journal_and_some_time(snowflake: Snowflake) -> None:
    assert "Set path or journal" in snowflake(script="SELECT 1;", pause_after=1)["msg"]
    assert "pause_after must be more than 0" in snowflake(sql="SELECT 1;", pause_after=0)["msg"]
    assert snowflake.double.logins == []


def test_waits_until_immuta_has_detached_its_policies(snowflake: Snowflake) -> None:
    snowflake.double.account.detach_after(attempts=1)
    result = snowflake(sql="USE ROLE ACCOUNTADMIN;\nDROP DATABASE IMMUTA;\n")
    assert not result.failed, result
    assert snowflake.sent.count("DROP DATABASE IMMUTA") == 2


def test_reports_policies_that_stay_attached(snowflake: Snowflake) -> None:
    result = snowflake(sql="USE ROLE ACCOUNTADMIN;\nDROP DATABASE IMMUTA;\n", policy_wait_timeout=0)
    assert result.failed
    assert "Immuta may still be detaching" in result["failure"]["hint"]


def test_an_answer_that_is_lost_does_not_run_a_statement_twice(snowflake: Snowflake) -> None:
    snowflake.double.faults.append(Fault("statement", "lost", match="DROP USER"))
    result = snowflake(sql="USE ROLE USERADMIN;\nDROP USER ANALYST;\n")
    assert not result.failed, result
    outcomes = [one.outcome for one in snowflake.double.statements if "DROP USER" in one.text]
    assert outcomes.count("ok") == 1
    assert set(outcomes) <= {"ok", "repeat"}


def test_waits_for_a_statement_longer_than_the_network_may_take(snowflake: Snowflake) -> None:
    snowflake.double.faults.append(Fault("statement", "slow", seconds=3))
    assert not snowflake(sql="SELECT 1;", network_timeout=1, statement_timeout=20).failed


def test_snowflake_itself_ends_a_statement_that_takes_too_long(snowflake: Snowflake) -> None:
    snowflake.double.faults.append(Fault("statement", "slow", seconds=20))
    result = snowflake(sql="SELECT 1;", statement_timeout=1)
    assert (result.code, result["failure"]["errno"]) == ("statement_failed", 630)
    assert [row["status"] for row in result["statements"]] == ["failed"]
    assert not snowflake(path=snowflake.path).failed


ADMIN: dict[str, t.Any] = {
    "role": "ACCOUNTADMIN",
    "warehouse": "COMPUTE_WH",
    "statement_timeout": 1,
    "network_timeout": 1,
}


@pytest.mark.parametrize(
    ("warehouse", "code", "statuses"),
    [("COMPUTE_WH", None, ["skipped", "done"]), (None, "unknown_outcome", ["unknown", "not_run"])],
)
def test_asks_the_query_history_what_became_of_a_statement(
    snowflake: Snowflake, warehouse: str | None, code: str | None, statuses: list[str]
) -> None:
    snowflake.double.faults.append(Fault("statement", "lost", match="DATABASE D1", times=99))
    lost = snowflake(sql="CREATE DATABASE D1;\nCREATE DATABASE D2;\n", **ADMIN)
    assert [row["status"] for row in lost["statements"]] == ["unknown", "not_run"]
    assert "finds that out" in lost["failure"]["hint"]
    snowflake.double.faults.clear()
    result = snowflake(path=snowflake.path, **{**ADMIN, "warehouse": warehouse})
    assert (result.code, [row["status"] for row in result["statements"]]) == (code, statuses)
    assert (warehouse is None) == (
        "can't be read without a warehouse. Set the option warehouse" in str(result.get("msg"))
    )
    assert [one.outcome for one in snowflake.double.statements if "D1" in one.text].count("ok") == 1


@pytest.mark.parametrize(
    ("errno", "remedy"),
    [
        (606, "Set the option warehouse"),
        (390195, "has expired or was revoked: sign in with a new one"),
        (
            3001,
            "signing in as another one changes nothing: give that role what is missing. For a DROP or an ALTER, it has to own the object",
        ),
    ],
)
def test_a_statement_that_lacks_something_says_what(snowflake: Snowflake, errno: int, remedy: str) -> None:
    snowflake.double.faults.append(Fault("statement", "error", code=errno, sqlstate="57P03", message="No."))
    result = snowflake(sql="DROP USER ANALYST;")
    assert (result.code, result["failure"]["errno"]) == ("statement_failed", errno)
    assert remedy in result["msg"]


def test_what_no_client_can_read_is_no_bug(snowflake: Snowflake, monkeypatch: pytest.MonkeyPatch) -> None:
    from snowflake.connector import cursor

    # As if it were the client's own code.
    broken = eval("lambda *given, **options: {}['data']", {"__name__": "snowflake.connector.cursor"})
    with monkeypatch.context() as patch:
        patch.setattr(cursor.SnowflakeCursor, "execute", broken)
        result = snowflake(sql="DROP USER ANALYST;")
        assert (result.code, result["statements"][0]["status"]) == ("statement_failed", "unknown")
        assert "Snowflake's client can't read the answer (KeyError)" in result["msg"]
    monkeypatch.setattr("snowflake.connector.connect", broken)
    result = snowflake(sql="DROP USER OTHER;", journal=f"{snowflake.path}.other")
    assert result.code == "unexpected_reply"
    assert "can't read the answer to the sign-in (KeyError)" in result["msg"]


@pytest.mark.parametrize("row", [None, ("A",), (["A"], "B", "C", "D")], ids=str)
def test_an_account_that_says_something_else(snowflake: Snowflake, row: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from snowflake.connector import cursor

    monkeypatch.setattr(cursor.SnowflakeCursor, "fetchone", lambda self: row)
    result = snowflake(sql="DROP USER ANALYST;", expected_hosts=["example.snowflakecomputing.com"])
    assert (result.code, snowflake.sent) == ("platform_unknown", [])
    assert "CURRENT_ACCOUNT_NAME" in result["msg"]


def test_takes_the_warehouse_of_the_script_to_ask_the_query_history(snowflake: Snowflake) -> None:
    snowflake.double.faults.append(Fault("statement", "lost", match="DATABASE D1", times=99))
    signed_in = {**ADMIN, "warehouse": None}
    snowflake(sql="CREATE DATABASE D1;\nUSE WAREHOUSE COMPUTE_WH;\n", **signed_in)
    snowflake.double.faults.clear()
    result = snowflake(path=snowflake.path, **signed_in)
    assert [row["status"] for row in result["statements"]] == ["skipped", "done"]
    assert [one.outcome for one in snowflake.double.statements if "D1" in one.text].count("ok") == 1
    assert snowflake.double.sessions == 0


def test_says_that_the_warehouse_of_the_script_can_not_be_used(snowflake: Snowflake) -> None:
    snowflake.double.faults.append(Fault("statement", "lost", match="DATABASE D1", times=99))
    signed_in = {**ADMIN, "warehouse": None}
    snowflake(sql="CREATE DATABASE D1;\nUSE WAREHOUSE ELSEWHERE;\n", **signed_in)
    snowflake.double.faults.clear()
    result = snowflake(path=snowflake.path, **signed_in)
    assert result.code == "unknown_outcome"
    assert "The query history can't be read without a warehouse. Set the option warehouse" in result["failure"]["hint"]
    assert snowflake.double.sessions == 0


PASSWORD_SET = "ALTER USER IMMUTA_SYSTEM_ACCOUNT SET PASSWORD = 'It''s new 4711'"


@pytest.mark.parametrize("kind", ["lost", "reset"])
@pytest.mark.parametrize("statement", ["CREATE DATABASE D1", PASSWORD_SET])
def test_the_query_history_tells_what_has_come_and_what_has_not(
    snowflake: Snowflake, kind: t.Any, statement: str
) -> None:
    snowflake.double.faults.append(Fault("statement", kind, match=statement[:10], times=99))
    lost = snowflake(sql=f"USE ROLE ACCOUNTADMIN;\n{statement};\nCREATE DATABASE D2;\n", **ADMIN)
    assert [row["status"] for row in lost["statements"]] == ["done", "unknown", "not_run"]
    snowflake.double.faults.clear()
    # What is not there after an hour is no more on its way.
    place = Path(journal.journal_path(snowflake.path))
    hour = datetime.timedelta(hours=1)
    place.write_text(
        re.sub(
            r'(?<="time": ")[^"]*',
            lambda found: (datetime.datetime.fromisoformat(found[0]) - hour).isoformat(),
            place.read_text(),
        )
    )
    result = snowflake(path=snowflake.path, **ADMIN)
    second = "skipped" if kind == "lost" else "done"
    assert [row["status"] for row in result["statements"]] == ["replayed", second, "done"], result
    assert [one.outcome for one in snowflake.double.statements if one.text.startswith(statement)].count("ok") == 1


def test_does_not_trust_a_tag_that_runs_may_share(snowflake: Snowflake) -> None:
    snowflake.double.faults.append(Fault("statement", "reset", match="DATABASE D1", times=99))
    tagged = {**ADMIN, "query_tag": "change 4711"}
    assert not snowflake(script="CREATE DATABASE D2", **tagged).failed
    assert snowflake(sql="CREATE DATABASE D1;\n", **tagged).failed
    snowflake.double.faults.clear()
    assert snowflake(path=snowflake.path, **tagged).code == "unknown_outcome"
    assert not [text for text in snowflake.sent if "QUERY_HISTORY" in text]


def test_a_second_run_at_the_same_time_is_refused(snowflake: Snowflake) -> None:
    Path(snowflake.path).write_text("SELECT 1;")
    digest = snowflake(path=snowflake.path, check=True)["sha256"]
    with journal.Journal(journal.journal_path(snowflake.path), digest, 1):
        assert snowflake(path=snowflake.path).code == "locked"
    assert snowflake.double.logins == []


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("became", ["removed", "another"])
def test_a_script_that_another_run_is_done_with_is_not_run(
    snowflake: Snowflake, monkeypatch: pytest.MonkeyPatch, became: str, begun: bool
) -> None:
    path, book = Path(snowflake.path), Path(journal.journal_path(snowflake.path))
    path.write_text("SELECT 1;")
    if begun:
        digest = snowflake(path=snowflake.path, check=True)["sha256"]
        journal.Journal(str(book), digest, 1).close()
    require_own = _files.require_own

    def meanwhile(name: str) -> None:
        """The other run ends after the script was read, before its journal is opened."""
        require_own(name)
        if name == str(book):
            path.unlink(missing_ok=True) if became == "removed" else path.write_text("SELECT 2;")

    monkeypatch.setattr(_files, "require_own", meanwhile)
    refused = snowflake(path=snowflake.path)
    assert (refused.code, "Nothing was sent" in refused["msg"]) == ("locked", True), refused
    assert snowflake.double.logins == []
    assert book.exists() is begun


# Refused before anything is sent


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT 'open;", "split_error"),
        ("SELECT 1;\nBEGIN\n SELECT 2;\n", "split_error"),
        ("-- nothing\n", "script"),
        ("USE ROLE A;\nPUT 'file:///a' @s;", "split_error"),
        ("USE ROLE {{ a }};", "split_error"),
        ("EXECUTE IMMEDIATE FROM @s/a;", "split_error"),
    ],
)
def test_refuses_the_whole_script_before_its_first_statement(snowflake: Snowflake, text: str, code: str) -> None:
    assert snowflake(sql=text).code == code
    assert snowflake.double.logins == []


def test_refuses_a_script_that_was_changed_on_the_way(snowflake: Snowflake) -> None:
    assert snowflake(sql="SELECT 1;\nDROP ROLE NOWHERE;\n").code == "statement_failed"
    logins = len(snowflake.double.logins)
    assert snowflake(sql="SELECT 1;\nSELECT 2;\n").code == "script_changed"
    assert len(snowflake.double.logins) == logins


def test_refuses_what_was_not_approved(snowflake: Snowflake) -> None:
    assert snowflake(sql="SELECT 1;", expected_sha256="0" * 64).code == "script_changed"
    assert snowflake.double.logins == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"account": ""}, "SNOWFLAKE_ACCOUNT"),
        ({"user": ""}, "SNOWFLAKE_USER"),
        ({"password": ""}, "SNOWFLAKE_PASSWORD"),
        ({"authenticator": "externalbrowser"}, "needs a person"),
        ({"authenticator": "SNOWFLAKE_JWT"}, "private_key_file"),
        ({"authenticator": "OAUTH"}, "token"),
        ({"private_key": "no key at all"}, "option private_key can't be read"),
        ({"private_key": pem(PASSPHRASE)}, "check private_key_passphrase"),
        (
            {"private_key": pem(PASSPHRASE), "private_key_passphrase": "wrong-passphrase"},
            "check private_key_passphrase",
        ),
        ({"private_key": pem(), "private_key_passphrase": PASSPHRASE}, "leave private_key_passphrase out"),
        ({"private_key": pem(key=ec.generate_private_key(ec.SECP256R1()))}, "not an RSA key"),
        ({"private_key": pem(), "private_key_file": "/x"}, "Both private_key"),
        ({"private_key_file": "/no/such/key.p8"}, "option private_key_file"),
        ({"token_file_path": "/no/such/token"}, "option token_file_path"),
        ({"password": "snowflake"}, "The option password is a word that occurs in results"),
        ({"password": "ROLE"}, "The option password has fewer than 8 characters"),
        ({"password": 12345678}, "The option password is a number, not text. Put it in quotes"),
        ({"private_key": pem("short"), "private_key_passphrase": "short"}, "Encrypt the key with a longer passphrase"),
        ({"role": True}, "The option role is true or false (True), not text"),
        ({"expected_hosts": [1.1]}, "The option expected_hosts holds a number (1.1)"),
        ({"login_timeout": 0}, "login_timeout"),
        ({"path": ""}, "path nor script"),
    ],
)
def test_names_the_option_and_the_remedy(snowflake: Snowflake, options: dict[str, t.Any], named: str) -> None:
    result = snowflake(**({"script": "SELECT 1"} if "path" not in options else {}), **options)
    assert result.failed
    assert named in result["msg"]
    assert snowflake.double.logins == []


def test_path_and_script_exclude_each_other(snowflake: Snowflake) -> None:
    assert snowflake(path=snowflake.path, script="SELECT 1").failed


# Signing in


@pytest.mark.parametrize(
    ("options", "authenticator"),
    [
        ({"password": PASSWORD}, "SNOWFLAKE"),
        ({"private_key": pem()}, "SNOWFLAKE_JWT"),
        ({"private_key": pem().replace("\n", "\\n")}, "SNOWFLAKE_JWT"),
        ({"private_key": pem(PASSPHRASE), "private_key_passphrase": PASSPHRASE}, "SNOWFLAKE_JWT"),
        ({"token": TOKEN}, "PROGRAMMATIC_ACCESS_TOKEN"),
        ({"token": f"{OAUTH}\n", "authenticator": "oauth"}, "OAUTH"),
    ],
)
def test_signs_in_without_a_person(snowflake: Snowflake, options: dict[str, t.Any], authenticator: str) -> None:
    result = snowflake(preflight=True, **options)
    assert not result.failed, result
    assert result["changed"] is False
    assert [(one.authenticator, one.outcome) for one in snowflake.double.logins] == [(authenticator, "ok")]
    assert snowflake.sent == []


def test_takes_secrets_from_files(snowflake: Snowflake, tmp_path: Path) -> None:
    (tmp_path / "key.p8").write_text(pem(PASSPHRASE))
    (tmp_path / "token").write_text(TOKEN + "\n")
    for options in (
        {"private_key_file": str(tmp_path / "key.p8"), "private_key_passphrase": PASSPHRASE},
        {"token_file_path": str(tmp_path / "token")},
    ):
        assert not snowflake(preflight=True, **options).failed
    assert TOKEN not in snowflake.module.output


def test_takes_everything_from_the_environment(module: Modules, double: SnowflakeDouble) -> None:
    result = module(
        "snowflake_script",
        script="SELECT 1",
        env={
            "SNOWFLAKE_ACCOUNT": "example",
            "SNOWFLAKE_USER": "DEPLOYER",
            "SNOWFLAKE_PRIVATE_KEY_RAW": pem(PASSPHRASE),
            "PRIVATE_KEY_PASSPHRASE": PASSPHRASE,
            "SNOWFLAKE_ROLE": "SYSADMIN",
            "SNOWFLAKE_WAREHOUSE": "COMPUTE_WH",
            "SNOWFLAKE_HOST": double.host,
            "SNOWFLAKE_PORT": str(double.port),
            "SNOWFLAKE_PROTOCOL": "http",
        },
    )
    assert not result.failed, result
    assert result["session"]["role"] == "SYSADMIN"


@pytest.fixture
def connections(double: SnowflakeDouble, tmp_path: Path) -> dict[str, t.Any]:
    about = {"account": "example", "user": "DEPLOYER", "password": PASSWORD, "host": double.host, "protocol": "http"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in about.items()]
    file = tmp_path / "connections.toml"
    file.write_text("\n".join(["[cleanup]", *lines, f"port = {double.port}", ""]))
    file.chmod(0o600)
    return {"connections_file_path": str(file), "preflight": True}


def test_takes_a_named_connection(
    module: Modules, double: SnowflakeDouble, connections: dict[str, t.Any], tmp_path: Path
) -> None:
    home = {"SNOWFLAKE_HOME": str(tmp_path)}
    for options, env in (
        ({"connection_name": "cleanup"}, home),
        ({}, {**home, "SNOWFLAKE_DEFAULT_CONNECTION_NAME": "cleanup"}),
    ):
        result = module("snowflake_script", **connections, **options, env=env)
        assert not result.failed, result
    assert [one.outcome for one in double.logins] == ["ok", "ok"]


def test_a_variable_that_holds_nothing_is_not_set(module: Modules, connections: dict[str, t.Any]) -> None:
    nothing = dict.fromkeys(itertools.chain(*VARIABLES.values()), "")
    result = module("snowflake_script", **connections, connection_name="cleanup", env=nothing)
    assert not result.failed, result


def test_credentials_of_the_task_go_before_those_of_a_named_connection(
    module: Modules, double: SnowflakeDouble, connections: dict[str, t.Any], tmp_path: Path
) -> None:
    env = {"SNOWFLAKE_HOME": str(tmp_path)}
    result = module("snowflake_script", **connections, connection_name="cleanup", private_key=pem(), env=env)
    assert not result.failed, result
    assert [one.authenticator for one in double.logins] == ["SNOWFLAKE_JWT"]


def test_a_default_connection_does_not_go_before_the_account_of_the_task(
    snowflake: Snowflake, connections: dict[str, t.Any], tmp_path: Path
) -> None:
    env = {"SNOWFLAKE_HOME": str(tmp_path), "SNOWFLAKE_DEFAULT_CONNECTION_NAME": "cleanup"}
    result = snowflake(**connections, private_key=pem(), env=env)
    assert not result.failed, result
    assert [one.authenticator for one in snowflake.double.logins] == ["SNOWFLAKE_JWT"]


def test_a_refused_sign_in_says_so(snowflake: Snowflake) -> None:
    result = snowflake(sql="SELECT 1;", password="wrong-password")
    assert result.code == "login_failed"
    assert result["failure"]["errno"] == 390100
    assert "Snowflake refuses the sign-in: " in result["msg"]
    assert "No statement was sent" in result["msg"]
    assert snowflake.sent == []


def test_nobody_there(snowflake: Snowflake) -> None:
    result = snowflake(preflight=True, port=9, login_timeout=3)
    assert result.code == "platform_unreachable"
    assert "can't be reached" in result["msg"]


def test_a_missing_client_is_named(module: Modules, tmp_path: Path) -> None:
    (tmp_path / "snowflake").mkdir()
    (tmp_path / "snowflake" / "__init__.py").write_text("")
    result = module(
        "snowflake_script",
        script="SELECT 1",
        account="example",
        user="u",
        password=PASSWORD,
        alone=True,
        env={"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])},
    )
    assert result.code == "missing_library"
    assert "snowflake-connector-python" in result["msg"]


def test_no_secret_in_any_answer(snowflake: Snowflake) -> None:
    literal = "canary-in-the-script"
    script = f"USE ROLE USERADMIN;\nALTER USER ANALYST SET PASSWORD = '{literal}' NONSENSE;\n"
    assert snowflake(sql=script, check=True)["changed"]
    assert snowflake(path=snowflake.path).failed
    snowflake(path=snowflake.path, private_key=pem(PASSPHRASE), private_key_passphrase=PASSPHRASE)
    snowflake(path=snowflake.path, token=TOKEN)
    snowflake(path=snowflake.path, password=PASSWORD + "-wrong")
    record = Path(journal.journal_path(snowflake.path)).read_text()
    for secret in (literal, PASSWORD, TOKEN, PASSPHRASE, pem().splitlines()[3]):
        assert secret not in snowflake.module.output
        assert secret not in record


# The right account


@pytest.mark.parametrize("preflight", [True, False])
@pytest.mark.parametrize(
    ("expected", "code"),
    [
        (["example.snowflakecomputing.com"], None),
        (["https://EXAMPLEORG-PROD.privatelink.snowflakecomputing.com:443/"], None),
        (["snowflake.corp.example", "exampleorg-prod"], None),
        (["exampleorg-dev.snowflakecomputing.com"], "wrong_platform"),
        (["example.snowflakecomputing.com", "otherorg-prod.snowflakecomputing.com"], "wrong_platform"),
        (["example.eu-west-1.snowflakecomputing.com"], "wrong_platform"),
        (["snowflake.corp.example"], "platform_unknown"),
        (["127.0.0.1"], "platform_unknown"),
    ],
    ids=str,
)
def test_runs_only_where_it_has_to_be(
    snowflake: Snowflake, expected: list[str], code: str | None, preflight: bool
) -> None:
    result = snowflake(sql="USE ROLE USERADMIN;\nDROP USER ANALYST;\n", expected_hosts=expected, preflight=preflight)
    assert result.code == code, result
    assert snowflake.double.account.exists("USER", "ANALYST") is (preflight or code is not None)
    assert snowflake.double.looks[0].text.startswith("SELECT CURRENT_ACCOUNT()")
    if code:
        assert snowflake.sent == []
        assert len(snowflake.double.looks) == 1
        assert "EXAMPLEORG-PROD (locator EXAMPLE, region AWS_US_WEST_2)" in result["msg"]
        assert result["failure"]["expected"] == expected
    else:
        assert result["session"]["organization"] == "EXAMPLEORG"


def test_an_account_that_does_not_say_which_it_is(snowflake: Snowflake) -> None:
    snowflake.double.faults.append(Fault("look", "error"))
    result = snowflake(sql="DROP USER ANALYST;", expected_hosts=["example.snowflakecomputing.com"])
    assert (result.code, snowflake.sent) == ("platform_unknown", [])
    assert "does not say which account" in result["msg"]


def test_each_session_of_a_run_is_asked_where_it_is(snowflake: Snowflake) -> None:
    text = "USE ROLE USERADMIN;\nDROP USER ANALYST;\nDROP USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT;\n"
    here = {"expected_hosts": ["example.snowflakecomputing.com"], "pause_after": 0.001}
    assert snowflake(sql=text, **here)["paused"]
    snowflake.double.account.region = "AWS_EU_WEST_1"
    assert snowflake(path=snowflake.path, **here).code == "wrong_platform"
    assert snowflake.sent == ["USE ROLE USERADMIN"]
    snowflake.double.account.region = "AWS_US_WEST_2"
    assert snowflake(path=snowflake.path, **here)["resumed"]


def test_a_lost_first_statement_is_found_behind_the_question_where_it_is(snowflake: Snowflake) -> None:
    here = {"expected_hosts": ["example.snowflakecomputing.com"], "role": "ACCOUNTADMIN", "warehouse": "COMPUTE_WH"}
    soon = {"network_timeout": 1, "statement_timeout": 1}
    snowflake.double.faults.append(Fault("statement", "http", times=99, status=400, match="DROP USER"))
    assert snowflake(sql="DROP USER ANALYST;", **here, **soon).failed
    snowflake.double.faults.clear()
    again = snowflake(path=snowflake.path, **here)
    assert not again.failed, again
    assert not snowflake.double.account.exists("USER", "ANALYST")


# Looking before


GRANTED = (
    "APPLY MASKING POLICY ON ACCOUNT",
    "APPLY ROW ACCESS POLICY ON ACCOUNT",
    "CREATE ROLE ON ACCOUNT",
    "MANAGE GRANTS ON ACCOUNT",
    "USAGE ON WAREHOUSE COMPUTE_WH",
    "USAGE ON DATABASE SALES",
)


def test_looks_for_what_the_script_removes(snowflake: Snowflake) -> None:
    found = snowflake(sql=CLEANUP.read_text(), preflight=True, missing_objects="fail")
    assert not found.failed, found
    rows = {f"{one['kind']} {one['name']}": one for one in found["objects"]}
    assert {name: (one["present"], one["owner"]) for name, one in rows.items()} == {
        "USER IMMUTA_SYSTEM_ACCOUNT": (True, "USERADMIN"),
        "DATABASE IMMUTA": (True, "IMMUTA_SYSTEM"),
        "ROLE IMMUTA_SYSTEM": (True, "USERADMIN"),
        **{f"GRANT {privilege} TO ROLE IMMUTA_SYSTEM": (True, None) for privilege in GRANTED},
        "GRANT ROLE IMMUTA_SYSTEM TO USER IMMUTA_SYSTEM_ACCOUNT": (True, None),
        # The script makes it, and would drop one that was there.
        "PROCEDURE IMMUTA.PUBLIC.IMMUTA_DETACH_POLICIES": (False, None),
    }
    assert all(one["query_id"] and one["how"].startswith("SHOW ") for one in rows.values())
    assert all(bool(one["created_on"]) is one["present"] for one in rows.values())
    assert (snowflake.sent, snowflake.double.account.exists("DATABASE", "IMMUTA")) == ([], True)
    sent = [one.text for one in snowflake.double.looks]
    assert {one.split()[0] for one in sent} == {"SHOW", "USE"}
    # One list answers for all grants of a role that are looked for in one role.
    assert sent.count('SHOW GRANTS TO ROLE "IMMUTA_SYSTEM"') == 2


@pytest.mark.parametrize("policy", ["fail", "accept"])
def test_an_account_with_nothing_of_it_is_refused(snowflake: Snowflake, policy: str) -> None:
    text = 'USE ROLE ACCOUNTADMIN;\nDROP DATABASE IF EXISTS "immuta";\nDROP ROLE IF EXISTS IMMUTAXSYSTEM;\n'
    result = snowflake(sql=text, preflight=True, missing_objects=policy)
    assert result.code == ("objects_missing" if policy == "fail" else None), result
    assert [one["present"] for one in result["objects"]] == [False, False]
    if policy == "fail":
        assert "DATABASE immuta, ROLE IMMUTAXSYSTEM. Is this the right account, and may" in result["msg"]


def test_what_has_run_may_be_missing(snowflake: Snowflake) -> None:
    text = "USE ROLE USERADMIN;\nDROP USER IF EXISTS ANALYST;\n"
    assert not snowflake(sql=text).failed
    again = snowflake(path=snowflake.path, preflight=True, missing_objects="fail")
    assert [one["present"] for one in again.good["objects"]] == [False]


def test_an_account_that_breaks_off_is_not_taken_for_empty(snowflake: Snowflake) -> None:
    snowflake.double.faults.append(Fault("look", "http", times=99, status=400, match="SHOW"))
    soon = {"network_timeout": 1, "statement_timeout": 1}
    result = snowflake(sql="USE ROLE USERADMIN;\nDROP USER ANALYST;\n", preflight=True, **soon)
    assert (result.code, snowflake.sent) == ("look_failed", [])


def test_says_whether_what_was_dropped_was_there(snowflake: Snowflake) -> None:
    answer = snowflake(sql="DROP DATABASE IF EXISTS NOWHERE;\nSELECT 1;")
    assert [row["answer"] for row in answer["statements"]] == [
        "Drop statement executed successfully (NOWHERE already dropped).",
        None,
    ]


def test_looks_again_whether_what_it_dropped_is_gone(snowflake: Snowflake) -> None:
    answer = snowflake(sql=CLEANUP.read_text(), verify=True)
    assert answer["changed"] is True, answer
    found = {f"{row['kind']} {row['name']}": row["present"] for row in answer["objects"]}
    assert set(found.values()) == {False}
    assert {"DATABASE IMMUTA", f"GRANT {GRANTED[0]} TO ROLE IMMUTA_SYSTEM"} < set(found)
    # One session for all, and the reads are no statements of the script.
    assert (len(snowflake.double.logins), len(snowflake.sent)) == (1, answer["total"])


BACK = "USE ROLE SYSADMIN;\nDROP DATABASE IMMUTA;\nEXECUTE IMMEDIATE 'CREATE DATABASE IMMUTA';"


def test_a_script_that_leaves_what_it_drops_has_not_ended(snowflake: Snowflake) -> None:
    snowflake.double.account.detach_after(attempts=1)
    failed = snowflake(sql=BACK, verify=True)
    assert (failed.failed, failed["failure"]["code"]) == (True, "objects_left")
    assert "DATABASE IMMUTA (owner SYSADMIN)" in failed["msg"]
    assert [row["status"] for row in failed["statements"]] == ["done"] * 3
    sent = len(snowflake.sent)
    # The next run sends no statement of the script, and looks again.
    assert snowflake(path=snowflake.path, verify=True)["failure"]["code"] == "objects_left"
    assert len(snowflake.sent) == sent
    assert not snowflake(script="USE ROLE SYSADMIN; DROP DATABASE IMMUTA").failed
    again = snowflake(path=snowflake.path, verify=True)
    assert (again.failed, again["journal"]["state"], again["executed"]) == (False, "finished", 0), again
    assert [row["present"] for row in again["objects"]] == [False]


ATTACHED = (
    "USE ROLE ACCOUNTADMIN;\n"
    "ALTER TABLE SALES.CRM.CUSTOMERS MODIFY COLUMN EMAIL UNSET MASKING POLICY;\n"
    "ALTER TABLE SALES.CRM.CUSTOMERS DROP ROW ACCESS POLICY IMMUTA.PUBLIC.ROWS_BY_REGION;\n"
    "ALTER ACCOUNT UNSET NETWORK_POLICY;\n"
    "REVOKE SELECT ON FUTURE TABLES IN SCHEMA SALES.CRM FROM ROLE SITE;\n"
    "REVOKE USAGE ON DATABASE SALES FROM ROLE SITE;\n"
    "REVOKE ROLE SITE FROM USER ANALYST;\n"
)
WITH_WAREHOUSE = {"warehouse": "COMPUTE_WH", "role": "ACCOUNTADMIN"}
NAMED = [
    "MASKING POLICY ON TABLE SALES.CRM.CUSTOMERS COLUMN EMAIL",
    "ROW ACCESS POLICY IMMUTA.PUBLIC.ROWS_BY_REGION ON TABLE SALES.CRM.CUSTOMERS",
    "PARAMETER NETWORK_POLICY ON ACCOUNT",
    "GRANT SELECT ON FUTURE TABLES IN SCHEMA SALES.CRM TO ROLE SITE",
    "GRANT USAGE ON DATABASE SALES TO ROLE SITE",
    "GRANT ROLE SITE TO USER ANALYST",
]


class Deaf(set[t.Any]):
    """A set that says yes and keeps what it has."""

    def discard(self, item: t.Any) -> None:
        pass

    def __isub__(self, other: t.Any) -> Deaf:  # type: ignore[override,misc]
        return self


def grant_and_attach(account: Account) -> None:
    """Put there what the script ATTACHED takes away."""
    account.add("ROLE", "SITE", owner="USERADMIN")
    account.grants |= {
        Grant("SELECT", "FUTURE TABLE", ("SALES", "CRM"), "SITE"),
        Grant("USAGE", "DATABASE", ("SALES",), "SITE"),
    }
    account.give_role("SITE", user="ANALYST")
    account.parameters["NETWORK_POLICY"] = "SITE_POLICY"


def presence(objects: list[dict[str, t.Any]]) -> dict[str, bool | None]:
    return {f"{row['kind']} {row['name']}": row["present"] for row in objects if row["dropped"]}


def test_grants_and_policies_are_there_before_and_gone_afterwards(snowflake: Snowflake) -> None:
    grant_and_attach(snowflake.double.account)
    before = snowflake(sql=ATTACHED, preflight=True, **WITH_WAREHOUSE).good
    assert presence(before["objects"]) == dict.fromkeys(NAMED, True)
    assert snowflake.sent == []
    after = snowflake(path=snowflake.path, verify=True, **WITH_WAREHOUSE).good
    assert presence(after["objects"]) == dict.fromkeys(NAMED, False)
    assert all(row["query_id"] for row in after["objects"])


def test_an_account_that_keeps_what_was_revoked_has_not_been_cleaned(snowflake: Snowflake) -> None:
    account = snowflake.double.account
    grant_and_attach(account)
    account.grants, account.memberships = Deaf(account.grants), Deaf(account.memberships)
    account.attachments = Deaf(account.attachments)
    failed = snowflake(sql=ATTACHED, verify=True, **WITH_WAREHOUSE)
    assert failed.code == "objects_left"
    assert [row["status"] for row in failed["statements"]] == ["done"] * 7
    left = dict.fromkeys(NAMED, True) | {NAMED[2]: False}
    assert presence(failed["objects"]) == left
    assert all(name in failed["msg"] for name, present in left.items() if present)
    # Once a person has helped, the next run only looks.
    account.grants, account.memberships, account.attachments = set(), set(account.memberships), set()
    account.memberships = {one for one in account.memberships if one.role != "SITE"}
    sent = len(snowflake.sent)
    again = snowflake(path=snowflake.path, verify=True, **WITH_WAREHOUSE).good
    assert (len(snowflake.sent), again["executed"], again["journal"]["state"]) == (sent, 0, "finished")


def test_without_a_warehouse_policies_can_not_be_seen(snowflake: Snowflake) -> None:
    found = snowflake(sql=ATTACHED, preflight=True).good["objects"]
    policies = [row for row in found if "POLICY" in row["kind"]]
    assert [row["present"] for row in policies] == [None, None]
    assert all("could not be looked for: No active warehouse selected" in row["how"] for row in policies)


def test_what_the_role_may_not_see_is_not_taken_for_there(snowflake: Snowflake) -> None:
    grant_and_attach(snowflake.double.account)
    text = "USE ROLE PUBLIC;\nREVOKE USAGE ON DATABASE SALES FROM ROLE SITE;\nUSE ROLE SECURITYADMIN;\nSELECT 1;\n"
    assert presence(snowflake(sql=text, preflight=True).good["objects"]) == {NAMED[4]: False}
    text = "USE ROLE SECURITYADMIN;\nREVOKE USAGE ON DATABASE SALES FROM ROLE SITE;\n"
    assert presence(snowflake(sql=text, preflight=True).good["objects"]) == {NAMED[4]: True}


def test_a_grant_goes_with_its_role_and_with_its_object(snowflake: Snowflake) -> None:
    grant_and_attach(snowflake.double.account)
    text = (
        "USE ROLE ACCOUNTADMIN;\nREVOKE USAGE ON DATABASE SALES FROM ROLE SITE;\n"
        "REVOKE USAGE ON WAREHOUSE COMPUTE_WH FROM ROLE NOBODY;\nDROP ROLE SITE;\n"
    )
    before = snowflake(sql=text, preflight=True).good["objects"]
    assert [row["present"] for row in before] == [True, False, True]
    assert before[1]["how"] == "SHOW ROLES LIKE 'NOBODY'"


BLINDING = """USE ROLE USERADMIN;
DROP USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT;
DROP ROLE IF EXISTS IMMUTA_SYSTEM;
USE ROLE SYSADMIN;
DROP DATABASE IF EXISTS IMMUTA;
"""


def test_what_the_run_itself_has_lost_sight_of_is_not_gone(snowflake: Snowflake) -> None:
    account = snowflake.double.account
    account.attachments = set()
    account.grants = {one for one in account.grants if (one.kind, one.name) != ("DATABASE", ("IMMUTA",))}
    before = presence(snowflake(sql=BLINDING, preflight=True).good["objects"])
    assert before["DATABASE IMMUTA"] is True
    ran = snowflake(path=snowflake.path, verify=True).good
    assert ran["statements"][4]["answer"].endswith("(IMMUTA already dropped).")
    assert account.exists("DATABASE", "IMMUTA")
    assert presence(ran["objects"]) == {**dict.fromkeys(before, False), "DATABASE IMMUTA": None}
    # Nor is it for a later look.
    later = snowflake(path=snowflake.path, preflight=True).good["objects"]
    assert presence(later)["DATABASE IMMUTA"] is None
    # The role of the sign-in is asked, too.
    sees = snowflake(path=snowflake.path, preflight=True, role="ACCOUNTADMIN").good["objects"]
    (left,) = [row for row in sees if row["present"]]
    assert (left["name"], left["roles"]) == ("IMMUTA", ["ACCOUNTADMIN"])
