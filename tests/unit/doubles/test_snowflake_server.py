# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Snowflake stand-in, as the unmodified snowflake-connector-python sees it.

The connector is imported inside functions: importing version 5 starts threads, and `ansible-test units` forks for every
test after the import of this file. In a process forked later than that, the connector waits for ever.
"""

from __future__ import annotations

import io
import json
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.community.immuta.tests.doubles import snowflake_server
from ansible_collections.community.immuta.tests.doubles.snowflake_account import Account, pem
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Fault, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness import servers

DOUBLES = Path(snowflake_server.__file__).parent
PASSWORD = "deployer-password"
Connect = t.Callable[..., t.Any]
Rows = list[tuple[t.Any, ...]]


def raises(match: str | None = None) -> t.Any:
    """Expects an error of the connector."""
    from snowflake.connector.errors import Error

    return pytest.raises(Error, match=match)


class Client:
    """A connection whose statements are one call each."""

    def __init__(self, connection: t.Any) -> None:
        self.connection = connection

    def __call__(self, *statements: str) -> Rows:
        """Run statements; the rows of the last one."""
        cursor = self.connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return t.cast(Rows, cursor.fetchall())

    def refused(self, statement: str) -> tuple[int, str | None, str]:
        """Run a statement that must fail: its error number, SQLSTATE and message."""
        with raises() as caught:
            self(statement)
        error = caught.value
        return int(error.errno or 0), error.sqlstate, str(error.msg)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connector asks the metadata services of three clouds at sign-in: seconds, where names don't resolve."""
    monkeypatch.setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")


@pytest.fixture
def double() -> t.Iterator[SnowflakeDouble]:
    with SnowflakeDouble() as running:
        yield running


@pytest.fixture
def connect(double: SnowflakeDouble) -> t.Iterator[Connect]:
    """Signs in as DEPLOYER by password, but for what the options say."""
    import snowflake.connector

    opened = []

    def start(**options: t.Any) -> Client:
        known: dict[str, t.Any] = {
            "host": double.host,
            "port": double.port,
            "protocol": "http",
            "account": "example",
            "user": "DEPLOYER",
            "login_timeout": 5,
            "network_timeout": 5,
        }
        if "authenticator" not in options:
            known["password"] = PASSWORD
        opened.append(snowflake.connector.connect(**{**known, **options}))
        return Client(opened[-1])

    yield start
    for connection in opened:
        connection.close()


@pytest.fixture
def admin(connect: Connect) -> Client:
    """DEPLOYER as ACCOUNTADMIN."""
    return t.cast(Client, connect(role="ACCOUNTADMIN", warehouse="COMPUTE_WH"))


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_file(path: Path, key: rsa.RSAPrivateKey, passphrase: str | None) -> str:
    lock = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock))
    return str(path)


def cleanup() -> list[str]:
    """The statements of the clean-up script that the Immuta stand-in hands out."""
    from snowflake.connector.util_text import split_statements

    script = (DOUBLES / "snowflake_cleanup.sql").read_text(encoding="utf-8")
    return [
        text for text, _has_more in split_statements(io.StringIO(script), remove_comments=True) if text.strip(" \n;")
    ]


class TestSignIn:
    """Who gets in, and what is remembered of it."""

    def test_password(self, double: SnowflakeDouble, connect: Connect) -> None:
        session = connect(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
        assert session("SELECT CURRENT_ROLE(), CURRENT_USER(), CURRENT_WAREHOUSE(), CURRENT_ACCOUNT()") == [
            ("ACCOUNTADMIN", "DEPLOYER", "COMPUTE_WH", "EXAMPLE")
        ]
        assert [(login.user, login.authenticator, login.outcome) for login in double.logins] == [
            ("DEPLOYER", "SNOWFLAKE", "ok")
        ]

    @pytest.mark.parametrize("passphrase", [None, "open sesame"])
    def test_key_pair(
        self,
        double: SnowflakeDouble,
        connect: Connect,
        key: rsa.RSAPrivateKey,
        tmp_path: Path,
        passphrase: str | None,
    ) -> None:
        double.account.credentials["DEPLOYER"].public_key = pem(key.public_key())
        options = {"private_key_file": key_file(tmp_path / "key.p8", key, passphrase)}
        if passphrase:
            options["private_key_file_pwd"] = passphrase
        assert connect(authenticator="SNOWFLAKE_JWT", **options)("SELECT CURRENT_USER()") == [("DEPLOYER",)]
        assert double.logins[-1].authenticator == "SNOWFLAKE_JWT"

    @pytest.mark.parametrize(
        ("authenticator", "credential"),
        [("PROGRAMMATIC_ACCESS_TOKEN", "access_token"), ("oauth", "oauth_token")],
    )
    def test_token(self, double: SnowflakeDouble, connect: Connect, authenticator: str, credential: str) -> None:
        setattr(double.account.credentials["DEPLOYER"], credential, "the-right-token")
        assert connect(authenticator=authenticator, token="the-right-token")("SELECT 1") == [("1",)]
        with raises() as caught:
            connect(authenticator=authenticator, token="another-token")
        assert caught.value.errno == {"access_token": 394400, "oauth_token": 390303}[credential]

    def test_another_key_is_refused(
        self, double: SnowflakeDouble, connect: Connect, key: rsa.RSAPrivateKey, tmp_path: Path
    ) -> None:
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        double.account.credentials["DEPLOYER"].public_key = pem(other.public_key())
        with raises() as caught:
            connect(authenticator="SNOWFLAKE_JWT", private_key_file=key_file(tmp_path / "key.p8", key, None))
        assert caught.value.errno == 390144

    @pytest.mark.parametrize(
        ("options", "errno"),
        [
            ({"password": "wrong"}, 390100),
            ({"user": "NOBODY"}, 390100),
            ({"account": "elsewhere"}, 390100),
            ({"role": "IMMUTA_SYSTEM"}, 390189),
        ],
    )
    def test_refusals(self, double: SnowflakeDouble, connect: Connect, options: dict[str, str], errno: int) -> None:
        double.account.memberships.clear()
        with raises() as caught:
            connect(**options)
        assert caught.value.errno == errno
        assert [(login.outcome, login.error) for login in double.logins] == [("refused", errno)]

    def test_disabled_and_locked_users(self, double: SnowflakeDouble, admin: Client, connect: Connect) -> None:
        admin("ALTER USER ANALYST SET DISABLED = TRUE")
        double.account.credentials["IMMUTA_SYSTEM_ACCOUNT"].locked = True
        with raises() as caught:
            connect(user="ANALYST", password="analyst-password")
        assert caught.value.errno == 390101
        with raises() as caught:
            connect(user="IMMUTA_SYSTEM_ACCOUNT", password="set-up-by-immuta")
        assert caught.value.errno == 390102

    def test_no_secret_is_kept(self, double: SnowflakeDouble, connect: Connect) -> None:
        connect()
        with raises():
            connect(password="a-wrong-secret")
        kept = json.dumps([view() for view in double.views().values()])
        assert "DEPLOYER" in kept
        assert PASSWORD not in kept and "a-wrong-secret" not in kept

    def test_a_closed_session_is_over(self, double: SnowflakeDouble, connect: Connect) -> None:
        session = connect()
        assert double.sessions == 1
        session.connection.close()
        assert double.sessions == 0


class TestCleanup:
    """The script that takes Immuta's objects away."""

    def test_it_leaves_nothing_of_immuta(self, double: SnowflakeDouble, connect: Connect) -> None:
        before = double.account.snapshot()
        assert before["databases"] == ["IMMUTA", "SALES"]
        assert "IMMUTA_SYSTEM" in before["roles"] and "IMMUTA_SYSTEM_ACCOUNT" in before["users"]
        assert len(before["attachments"]) == 2

        session, statements = connect(), cleanup()
        for statement in statements:
            session(statement)

        after = double.account.snapshot()
        assert len(statements) > 15
        assert [noted.outcome for noted in double.statements] == ["ok"] * len(statements)
        assert "IMMUTA" not in json.dumps(after)
        assert after["databases"] == ["SALES"]
        assert after["users"] == ["ANALYST", "DEPLOYER"]
        assert after["tables"] == ["SALES.CRM.CUSTOMERS", "SALES.CRM.LEADS"]

    def test_without_the_admin_roles_it_changes_nothing(self, double: SnowflakeDouble, connect: Connect) -> None:
        before = double.account.snapshot()
        analyst = connect(user="ANALYST", password="analyst-password")
        assert analyst.refused(cleanup()[0])[0] == 3013
        assert double.account.snapshot() == before

    def test_a_policy_too_recent_for_it_stops_it_at_the_database(self, connect: Connect) -> None:
        with SnowflakeDouble(Account.example(protecting=True)) as double:
            session = connect(port=double.port)
            with raises("Cannot drop database because") as caught:
                for statement in cleanup():
                    session(statement)
            session.connection.close()
        assert caught.value.sqlstate == "0A000"
        assert [noted.outcome for noted in double.statements].count("error") == 1
        assert double.account.exists("ROLE", "IMMUTA_SYSTEM")
        assert not double.account.exists("USER", "IMMUTA_SYSTEM_ACCOUNT")


class TestOrder:
    """What Snowflake refuses because of what is still there."""

    POLICY = "Cannot drop database because: Policy 'IMMUTA.PUBLIC.MASK_EMAIL' used by schema 'CRM' in another database"

    def test_a_database_whose_policies_protect_elsewhere_stays(self, double: SnowflakeDouble, admin: Client) -> None:
        for name in ("IMMUTA", '"IMMUTA"'):
            assert self.POLICY in admin.refused(f"DROP DATABASE {name}")[2]
        assert double.account.exists("DATABASE", "IMMUTA")
        admin(
            "ALTER TABLE SALES.CRM.CUSTOMERS DROP ROW ACCESS POLICY IMMUTA.PUBLIC.ROWS_BY_REGION",
            "ALTER TABLE SALES.CRM.CUSTOMERS MODIFY COLUMN EMAIL UNSET MASKING POLICY",
            "DROP DATABASE IMMUTA",
        )
        assert double.account.names("DATABASE") == ["SALES"]

    def test_a_policy_in_use_stays(self, admin: Client) -> None:
        assert "cannot be dropped/replaced" in admin.refused("DROP MASKING POLICY IMMUTA.PUBLIC.MASK_EMAIL")[2]

    def test_policies_let_go_after_some_attempts(self, double: SnowflakeDouble, admin: Client) -> None:
        double.account.detach_after(attempts=2)
        assert [admin.refused("DROP DATABASE IMMUTA")[1] for _attempt in range(2)] == ["0A000"] * 2
        assert admin("DROP DATABASE IMMUTA") == [("IMMUTA successfully dropped.",)]

    def test_policies_let_go_after_some_time(self, double: SnowflakeDouble, admin: Client) -> None:
        double.account.detach_after(seconds=0.3)
        admin.refused("DROP DATABASE IMMUTA")
        time.sleep(0.3)
        admin("DROP DATABASE IMMUTA")
        assert double.account.attachments == set()

    def test_the_role_that_goes_first_takes_the_right_to_its_database_along(
        self, double: SnowflakeDouble, admin: Client
    ) -> None:
        double.account.attachments.clear()
        admin("USE ROLE USERADMIN", "DROP ROLE IMMUTA_SYSTEM", "USE ROLE SYSADMIN")
        assert admin.refused("DROP DATABASE IMMUTA")[0] == 3001
        assert double.account.entities["DATABASE", ("IMMUTA",)].owner == "USERADMIN"

    def test_a_network_policy_in_force_stays(self, double: SnowflakeDouble, admin: Client) -> None:
        admin(
            "CREATE NETWORK POLICY IMMUTA_ONLY ALLOWED_IP_LIST = ('10.0.0.0/8')",
            "ALTER USER IMMUTA_SYSTEM_ACCOUNT SET NETWORK_POLICY = IMMUTA_ONLY",
        )
        assert admin.refused("DROP NETWORK POLICY IMMUTA_ONLY")[0] == 1492
        admin("ALTER USER IMMUTA_SYSTEM_ACCOUNT UNSET NETWORK_POLICY", "DROP NETWORK POLICY IF EXISTS IMMUTA_ONLY")
        assert double.account.names("NETWORK POLICY") == []


class TestPrivileges:
    """Who may do what."""

    @pytest.mark.parametrize(
        ("role", "statement", "errno"),
        [
            ("SYSADMIN", "DROP ROLE IMMUTA_SYSTEM", 3001),
            ("SYSADMIN", "DROP ROLE IF EXISTS IMMUTA_SYSTEM", 3001),
            ("SYSADMIN", "DROP USER IMMUTA_SYSTEM_ACCOUNT", 3001),
            ("USERADMIN", "REVOKE ROLE SYSADMIN FROM ROLE ACCOUNTADMIN", 3001),
            ("USERADMIN", "CREATE DATABASE X", 3001),
            ("SECURITYADMIN", "ALTER ACCOUNT UNSET NETWORK_POLICY", 3001),
            ("SECURITYADMIN", "DROP DATABASE SALES", 3001),
            ("USERADMIN", "DROP DATABASE SALES", 2003),
            ("USERADMIN", "USE DATABASE SALES", 2043),
            ("USERADMIN", "USE WAREHOUSE COMPUTE_WH", 2043),
            ("USERADMIN", "USE ROLE SITE_ROLE", 3013),
            ("USERADMIN", "USE ROLE NO_SUCH_ROLE", 2043),
            ("ACCOUNTADMIN", "DROP DATABASE NO_SUCH_DATABASE", 2003),
            ("ACCOUNTADMIN", "REVOKE ROLE NO_SUCH_ROLE FROM USER DEPLOYER", 2003),
        ],
    )
    def test_refused(self, double: SnowflakeDouble, connect: Connect, role: str, statement: str, errno: int) -> None:
        double.account.add("ROLE", "SITE_ROLE", owner="USERADMIN")
        before = double.account.snapshot()
        number, state, _query_id = connect(role=role).refused(statement)
        assert (number, state) == (errno, "42501" if errno in (3001, 3013) else "02000")
        assert double.account.snapshot() == before
        assert (double.statements[-1].role, double.statements[-1].error) == (role, errno)

    def test_an_object_that_is_gone_already(self, admin: Client) -> None:
        assert admin("DROP USER IF EXISTS NOBODY") == [
            ("Drop statement executed successfully (NOBODY already dropped).",)
        ]

    def test_secondary_roles_lend_their_privileges(self, double: SnowflakeDouble, connect: Connect) -> None:
        session = connect(role="SYSADMIN")
        session.refused("DROP ROLE IMMUTA_SYSTEM")
        session("USE SECONDARY ROLES ALL", "DROP ROLE IMMUTA_SYSTEM")
        assert not double.account.exists("ROLE", "IMMUTA_SYSTEM")

    def test_ownership_and_grants(self, double: SnowflakeDouble, admin: Client) -> None:
        admin(
            "CREATE ROLE SITE_ROLE",
            "GRANT ALL PRIVILEGES ON SCHEMA SALES.CRM TO ROLE SITE_ROLE",
            "GRANT SELECT, INSERT ON FUTURE TABLES IN SCHEMA SALES.CRM TO ROLE SITE_ROLE",
            "GRANT OWNERSHIP ON DATABASE IMMUTA TO ROLE SYSADMIN COPY CURRENT GRANTS",
        )
        granted = {(grant.privilege, grant.kind) for grant in double.account.grants if grant.role == "SITE_ROLE"}
        assert granted == {("ALL", "SCHEMA"), ("SELECT", "FUTURE TABLE"), ("INSERT", "FUTURE TABLE")}
        assert double.account.entities["DATABASE", ("IMMUTA",)].owner == "SYSADMIN"
        admin("REVOKE SELECT, INSERT ON FUTURE TABLES IN SCHEMA SALES.CRM FROM ROLE SITE_ROLE")
        assert [row[1:4] for row in admin("SHOW GRANTS TO ROLE SITE_ROLE")] == [("ALL", "SCHEMA", "SALES.CRM")]


class TestLanguage:
    """What is understood, and what is a syntax error."""

    @pytest.mark.parametrize(
        ("statement", "place"),
        [
            ("FROB DATABASE IMMUTA", "line 1 at position 0 unexpected 'FROB'"),
            ("DROP DATABASE\n  IMMUTA NOW", "line 2 at position 9 unexpected 'NOW'"),
            ("DROP DATABASE", "line 1 at position 13 unexpected '<EOF>'"),
            ("DROP DATABASE `IMMUTA`", "line 1 at position 14 unexpected '`'"),
            ("SELECT 'open", "line 1 at position 7 unexpected '''"),
            ("EXECUTE IMMEDIATE $$BEGIN DROP DATABASE SALES; FROB; END$$", "position 27 unexpected 'FROB'"),
        ],
    )
    def test_syntax_errors(self, double: SnowflakeDouble, admin: Client, statement: str, place: str) -> None:
        before = double.account.snapshot()
        number, state, message = admin.refused(statement)
        assert (number, state) == (1003, "42000")
        assert place in message
        assert double.account.snapshot() == before

    def test_one_statement_a_request(self, double: SnowflakeDouble, admin: Client) -> None:
        number, state, message = admin.refused("DROP DATABASE SALES; DROP USER ANALYST;; SELECT 1;")
        assert (number, state) == (8, "0A000")
        assert "Actual statement count 3 did not match the desired statement count 1." in message
        assert double.account.exists("DATABASE", "SALES")

    def test_nothing_to_run(self, admin: Client) -> None:
        assert admin.refused("-- nothing here")[0] == 900

    def test_names(self, double: SnowflakeDouble, admin: Client) -> None:
        admin('CREATE ROLE "my ""own"" role"', "CREATE ROLE plain", 'CREATE ROLE "plain"')
        assert {'my "own" role', "PLAIN", "plain"} <= set(double.account.names("ROLE"))
        admin('DROP ROLE "plain"')
        assert double.account.exists("ROLE", "PLAIN") and not double.account.exists("ROLE", "plain")
        admin("ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = TRUE", 'DROP ROLE "plain"')
        assert not double.account.exists("ROLE", "PLAIN")

    def test_session(self, double: SnowflakeDouble, admin: Client) -> None:
        assert admin("USE SALES", "SELECT CURRENT_DATABASE(), CURRENT_SCHEMA()") == [("SALES", "PUBLIC")]
        assert admin("USE SCHEMA CRM", "SELECT current_schema() AS S") == [("CRM",)]
        admin("ALTER SESSION SET QUERY_TAG = 'run 7'", "SET (a, b) = ('it''s', 2)")
        assert admin("SELECT $a || $b") == [("it's2",)]
        assert double.statements[-1].query_tag == "run 7"
        assert admin.refused("ALTER SESSION SET NO_SUCH_PARAMETER = 1")[0] == 1420
        admin("DROP DATABASE IDENTIFIER('SALES')")
        assert admin("SELECT CURRENT_DATABASE()") == [(None,)]
        assert admin.refused("DROP TABLE CUSTOMERS")[0] == 90105

    def test_show(self, admin: Client) -> None:
        def names(statement: str) -> list[str]:
            return [row[1] for row in admin(statement)]

        assert names("SHOW DATABASES") == ["IMMUTA", "SALES"]
        assert names("SHOW DATABASES LIKE 'imm%'") == ["IMMUTA"]
        assert names("SHOW TERSE USERS LIKE 'IMMUTA\\\\_SYSTEM%'") == ["IMMUTA_SYSTEM_ACCOUNT"]
        assert names("SHOW ROLES STARTS WITH 'S' LIMIT 1") == ["SECURITYADMIN"]
        assert names("SHOW TABLES IN DATABASE SALES") == ["CUSTOMERS", "LEADS"]
        assert names("SHOW WAREHOUSES IN ACCOUNT") == ["COMPUTE_WH"]

    def test_blocks(self, double: SnowflakeDouble, admin: Client) -> None:
        double.account.attachments.clear()
        block = """
            DECLARE
                gone VARCHAR DEFAULT '';
                found CURSOR FOR SELECT 1 + 1 AS NUMBER_FOUND;
            BEGIN
                FOR one IN (SHOW DATABASES LIKE 'IMM%') DO
                    LET name VARCHAR := one."name";
                    IF (name = 'IMMUTA' AND NOT FALSE) THEN
                        EXECUTE IMMEDIATE 'DROP DATABASE ' || name;
                        gone := gone || name;
                    ELSE
                        RETURN 'another';
                    END IF;
                END FOR;
                BEGIN
                    DROP ROLE NO_SUCH_ROLE;
                EXCEPTION WHEN OTHER THEN
                    gone := gone || ' ' || SQLSTATE;
                END;
                FOR two IN found DO
                    gone := gone || ' ' || two.number_found;
                END FOR;
                RETURN gone;
            END
        """
        assert admin(block) == [("IMMUTA 02000 2",)]
        assert not double.account.exists("DATABASE", "IMMUTA")

    def test_a_block_that_fails_keeps_what_ran(self, double: SnowflakeDouble, admin: Client) -> None:
        number, _state, _query_id = admin.refused(
            "EXECUTE IMMEDIATE $$BEGIN DROP USER ANALYST; DROP ROLE NO_ROLE; END$$"
        )
        assert number == 2003
        assert not double.account.exists("USER", "ANALYST")

    def test_begin_alone_opens_a_transaction(self, admin: Client) -> None:
        assert admin("BEGIN", "BEGIN TRANSACTION", "COMMIT") == [("Statement executed successfully.",)]

    def test_procedures_run_as_owner_or_caller(self, connect: Connect, admin: Client) -> None:
        for kind in ("OWNER", "CALLER"):
            admin(
                f"CREATE PROCEDURE SALES.PUBLIC.WHO_{kind}(suffix STRING) RETURNS STRING LANGUAGE SQL "
                f"EXECUTE AS {kind} AS 'BEGIN RETURN CURRENT_ROLE() || :suffix; END'",
                f"GRANT USAGE ON PROCEDURE SALES.PUBLIC.WHO_{kind}(STRING) TO ROLE SYSADMIN",
            )
        session = connect(role="SYSADMIN")
        assert session("CALL SALES.PUBLIC.WHO_OWNER('!')") == [("ACCOUNTADMIN!",)]
        assert session("CALL SALES.PUBLIC.WHO_CALLER('!')") == [("SYSADMIN!",)]

    def test_a_statement_that_takes_too_long(self, admin: Client) -> None:
        admin("ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 1")
        assert admin.refused("CALL SYSTEM$WAIT(3)")[0] == 630

    def test_a_warehouse_that_does_not_run(self, connect: Connect, admin: Client) -> None:
        references = "SELECT COUNT(*) FROM SNOWFLAKE.ACCOUNT_USAGE.POLICY_REFERENCES"
        assert connect(role="ACCOUNTADMIN").refused(references)[0] == 606
        assert admin(references) == [("2",)]
        admin("ALTER WAREHOUSE COMPUTE_WH SET AUTO_RESUME = FALSE", "ALTER WAREHOUSE COMPUTE_WH SUSPEND")
        assert admin.refused(references)[0] == 606
        assert admin("ALTER WAREHOUSE COMPUTE_WH RESUME IF SUSPENDED", references) == [("2",)]


class TestLookUp:
    """What became of a statement, asked afterwards."""

    def test_by_query_id(self, connect: Connect, admin: Client) -> None:
        cursor = admin.connection.cursor()
        cursor.execute("DROP USER ANALYST")
        done = cursor.sfqid
        with raises() as caught:
            cursor.execute("DROP USER ANALYST")
        failed = caught.value.sfqid
        other = connect(role="USERADMIN")
        assert other.connection.get_query_status(done).name == "SUCCESS"
        assert other.connection.get_query_status(failed).name == "FAILED_WITH_ERROR"
        assert other(f"SELECT * FROM TABLE(RESULT_SCAN('{done}'))") == [("ANALYST successfully dropped.",)]
        assert other.refused(f"SELECT * FROM TABLE(RESULT_SCAN('{failed}'))")[0] == 2003

    def test_by_query_tag(self, connect: Connect) -> None:
        first = connect(role="USERADMIN", session_parameters={"QUERY_TAG": "run 7: 0a1b"})
        first("DROP USER ANALYST")
        first.refused("DROP USER ANALYST")
        other = connect(role="ACCOUNTADMIN", warehouse="COMPUTE_WH")
        assert other(
            "SELECT QUERY_TEXT, EXECUTION_STATUS, ERROR_CODE FROM TABLE(SALES.INFORMATION_SCHEMA.QUERY_HISTORY("
            "RESULT_LIMIT => 10)) WHERE QUERY_TAG = 'run 7: 0a1b' ORDER BY EXECUTION_STATUS DESC LIMIT 5"
        ) == [("DROP USER ANALYST", "SUCCESS", None), ("DROP USER ANALYST", "FAILED_WITH_ERROR", "002003")]

    def test_in_the_background(self, admin: Client) -> None:
        cursor = admin.connection.cursor()
        cursor.execute_async("CALL SYSTEM$WAIT(0.2)")
        assert admin.connection.is_still_running(admin.connection.get_query_status(cursor.sfqid))
        cursor.get_results_from_sfqid(cursor.sfqid)
        assert cursor.fetchall()[0][0].startswith("waited 0.2")


class TestFaults:
    """Planned mishaps, and what the connector makes of them."""

    @pytest.mark.parametrize(
        ("fault", "outcomes"),
        [
            ({"kind": "reset"}, ["not run", "ok"]),
            ({"kind": "http", "status": 500}, ["not run", "ok"]),
            ({"kind": "http", "status": 503}, ["not run", "ok"]),
            ({"kind": "lost"}, ["ok", "repeat"]),
            ({"kind": "slow", "seconds": 0.3}, ["ok"]),
        ],
        ids=str,
    )
    def test_the_connector_gets_over_one(
        self, double: SnowflakeDouble, admin: Client, fault: dict[str, t.Any], outcomes: list[str]
    ) -> None:
        double.faults.append(Fault("statement", **fault))
        assert admin("DROP DATABASE SALES") == [("SALES successfully dropped.",)]
        assert [noted.outcome for noted in double.statements] == outcomes
        assert len({noted.request_id for noted in double.statements}) == 1

    def test_an_answer_lost_for_good_leaves_the_deed_done(self, double: SnowflakeDouble, connect: Connect) -> None:
        session = connect(role="ACCOUNTADMIN", network_timeout=2)
        double.faults.append(Fault("statement", "lost", times=100, match="drop database"))
        with raises() as caught:
            session("DROP DATABASE SALES")
        assert caught.value.sfqid is None
        assert not double.account.exists("DATABASE", "SALES")
        assert {noted.outcome for noted in double.statements} == {"ok", "repeat"}

    def test_a_statement_slower_than_the_timeout_is_cancelled(self, double: SnowflakeDouble, connect: Connect) -> None:
        session = connect(role="ACCOUNTADMIN", network_timeout=2)
        double.faults.append(Fault("statement", "slow", seconds=20))
        with raises():
            session("DROP DATABASE SALES")
        deadline = time.monotonic() + 2
        while double.statements[0].outcome == "running" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (double.statements[0].outcome, double.statements[0].error) == ("error", 604)
        assert double.account.exists("DATABASE", "SALES")

    def test_the_nth_statement_fails(self, double: SnowflakeDouble, admin: Client) -> None:
        double.faults.append(Fault("statement", "error", nth=2, code=604, sqlstate="57014", message="canceled"))
        admin("SELECT 1")
        assert admin.refused("DROP DATABASE SALES")[:2] == (604, "57014")
        assert double.account.exists("DATABASE", "SALES")
        assert admin("DROP DATABASE SALES")

    @pytest.mark.parametrize(("fault", "errno"), [("login_refused", 390100), ("account_locked", 390102)])
    def test_sign_in_refused(self, double: SnowflakeDouble, connect: Connect, fault: str, errno: int) -> None:
        double.faults.append(getattr(Fault, fault)())
        with raises() as caught:
            connect()
        assert caught.value.errno == errno
        assert connect()("SELECT 1") == [("1",)]

    @pytest.mark.parametrize(
        "fault",
        [{"kind": "http", "status": 503}, {"kind": "http", "status": 500}, {"kind": "reset"}, {"kind": "lost"}],
        ids=str,
    )
    def test_sign_in_gets_over_one(self, double: SnowflakeDouble, connect: Connect, fault: dict[str, t.Any]) -> None:
        double.faults.append(Fault("login", **fault))
        assert connect()("SELECT 1") == [("1",)]
        assert [login.fault for login in double.logins] == [fault["kind"], ""]


class TestServer:
    """The stand-in as a process, told and asked from outside."""

    def test_a_session_keeps_its_connection(self, double: SnowflakeDouble, admin: Client) -> None:
        for _attempt in range(5):
            admin("SELECT 1")
        assert double.connections <= 2, "one for statements, and one that version 5 may open for its telemetry"

    def test_by_path(self, tmp_path: Path, connect: Connect) -> None:
        with servers.process(
            "snowflake", tmp_path, "--password-env=STAND_IN_PASSWORD", "--protecting", STAND_IN_PASSWORD="from-outside"
        ) as running:
            url = running.url
            post(url + "faults", [{"at": "statement", "kind": "error", "code": 3001, "sqlstate": "42501"}])
            session = connect(host=running.host, port=running.port, password="from-outside", role="ACCOUNTADMIN")
            assert session.refused("SELECT 1")[0] == 3001
            assert get(url + "statements")[0]["fault"] == "error"
            assert get(url + "logins")[0]["outcome"] == "ok"
            assert len(get(url + "state")["attachments"]) == 3
            post(url + "detach", {"attempts": 0})
            session("DROP DATABASE IMMUTA")
            assert get(url + "state")["databases"] == ["SALES"]
            session.connection.close()
            post(url + "reset", None)
            assert get(url + "logins") == []
            assert get(url + "state")["databases"] == ["IMMUTA", "SALES"]


def get(url: str) -> t.Any:
    with urllib.request.urlopen(url, timeout=5) as reply:
        return json.load(reply)


def post(url: str, body: t.Any) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=5) as reply:
        assert json.load(reply)["ok"]
