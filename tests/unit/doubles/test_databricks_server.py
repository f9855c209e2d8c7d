# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The Databricks stand-in, as the unmodified databricks-sql-connector sees it."""

from __future__ import annotations

import json
import re
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import requests

from ansible_collections.community.immuta.tests.doubles import databricks_server
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import DEPLOYER, IMMUTA, Grant
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble, Fault, Statement
from ansible_collections.community.immuta.tests.harness import servers

DOUBLES = Path(databricks_server.__file__).parent
USER = "deployer@example.com"
TOKEN = "dapi-deployer"
# The connector repeats what went wrong, after a minute; with these options, of which none alone is enough, never.
ONCE = {"_retry_stop_after_attempts_duration": 1, "_retry_delay_min": 60, "_socket_timeout": 10}
Connect = t.Callable[..., t.Any]
Rows = list[tuple[t.Any, ...]]
MASK, FILTER = (
    "ALTER TABLE sales.crm.customers ALTER COLUMN email DROP MASK",
    "ALTER TABLE sales.crm.customers DROP ROW FILTER",
)


def raises(match: str | None = None) -> t.Any:
    """Expects an error of the connector."""
    from databricks.sql.exc import Error

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
        return [tuple(row) for row in cursor.fetchall()]

    def refused(self, statement: str) -> tuple[str, str]:
        """Run a statement that must fail: its error condition and SQLSTATE."""
        with raises() as caught:
            self(statement)
        match = re.fullmatch(r"\[([\w.]+)\] .* SQLSTATE: (\w{5})", str(caught.value), re.DOTALL)
        assert match is not None, caught.value
        return match[1], match[2]


@pytest.fixture
def double() -> t.Iterator[DatabricksDouble]:
    with DatabricksDouble() as running:
        yield running


@pytest.fixture
def connect(double: DatabricksDouble) -> t.Iterator[Connect]:
    """Opens a session as the deployer by personal access token, but for what the options say."""
    from databricks import sql

    opened = []

    def start(**options: t.Any) -> Client:
        known: dict[str, t.Any] = {
            "server_hostname": double.host,
            "http_path": double.http_path,
            "_connection_uri": double.uri,
            "enable_telemetry": False,
            **ONCE,
        }
        if "credentials_provider" not in options:
            known["access_token"] = TOKEN
        opened.append(sql.connect(**{**known, **options}))
        return Client(opened[-1])

    yield start
    for connection in opened:
        connection.close()


@pytest.fixture
def client(connect: Connect) -> Client:
    return t.cast(Client, connect())


def cleanup() -> list[str]:
    """The statements of the clean-up script that the Immuta stand-in hands out; each ends a line."""
    return (DOUBLES / "databricks_cleanup.sql").read_text(encoding="utf-8").rstrip().rstrip(";").split(";\n")


def finished(statement: Statement) -> Statement:
    """A statement, once it is over."""
    deadline = time.monotonic() + 20
    while statement.outcome == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    return statement


class TestCleanup:
    """The script of an Immuta integration, and what its order is for."""

    def test_to_its_end(self, double: DatabricksDouble, client: Client) -> None:
        before = double.metastore.snapshot()
        for statement in cleanup():
            client(statement)
        after = double.metastore.snapshot()
        assert before["masks"] and before["row_filters"], "there was something to lift"
        assert after["securables"]["catalog"] == ["main", "sales", "system"]
        assert after["securables"]["function"] == []
        assert (after["masks"], after["row_filters"]) == ([], [])
        assert [grant for grant in after["grants"] if grant[2] == "immuta"] == []
        assert {grant.privilege for grant in double.metastore.grants if grant.principal == IMMUTA} == set()
        assert {statement.outcome for statement in double.statements} == {"ok"}

    @pytest.mark.parametrize("done", [[], [MASK], [FILTER]], ids=str)
    @pytest.mark.parametrize("drop", ["CATALOG immuta CASCADE", "SCHEMA immuta.policies CASCADE"])
    def test_masks_and_filters_go_first(
        self, double: DatabricksDouble, client: Client, done: list[str], drop: str
    ) -> None:
        client("ALTER CATALOG immuta SET OWNER TO `account users`", *done)
        assert client.refused(f"DROP {drop}") == ("DEPENDENT_OBJECTS_EXIST", "2BP01")
        assert double.metastore.exists("CATALOG", "immuta")
        client(MASK, FILTER, f"DROP {drop}")
        assert not double.metastore.exists("SCHEMA", "immuta", "policies")

    def test_a_function_in_use_stays(self, client: Client) -> None:
        client("ALTER CATALOG immuta SET OWNER TO `account users`")
        drop = "DROP FUNCTION immuta.policies.mask_email"
        assert client.refused(drop) == ("DEPENDENT_OBJECTS_EXIST", "2BP01")
        client(MASK, drop)
        assert client.refused(drop) == ("ROUTINE_NOT_FOUND", "42883")

    def test_what_is_not_empty_needs_cascade(self, double: DatabricksDouble, client: Client) -> None:
        client(MASK, FILTER, "ALTER CATALOG immuta OWNER TO `account users`")
        assert client.refused("DROP SCHEMA immuta.policies RESTRICT") == ("SCHEMA_NOT_EMPTY", "2BP01")
        assert client.refused("DROP CATALOG immuta") == ("CATALOG_NOT_EMPTY", "2BP01")
        client("DROP SCHEMA immuta.policies CASCADE", "DROP CATALOG immuta")
        assert double.metastore.names("SCHEMA", "immuta") == []

    def test_only_an_owner_may(self, double: DatabricksDouble, connect: Connect) -> None:
        analyst = connect(access_token="dapi-analyst")
        before = double.metastore.snapshot()
        for statement in (
            MASK,
            FILTER,
            "DROP CATALOG immuta CASCADE",
            "DROP TABLE sales.crm.leads",
            "ALTER CATALOG immuta SET OWNER TO `analyst@example.com`",
            "GRANT SELECT ON TABLE sales.crm.leads TO `analyst@example.com`",
            f"REVOKE ALL PRIVILEGES ON CATALOG sales FROM `{IMMUTA}`",
            "COMMENT ON CATALOG immuta IS 'mine'",
        ):
            assert analyst.refused(statement) == ("INSUFFICIENT_PERMISSIONS", "42501"), statement
        assert double.metastore.snapshot() == before

    def test_an_admin_takes_over_before_going_inside(self, client: Client) -> None:
        drop = "DROP TABLE immuta.policies.profile"
        assert client.refused(drop) == ("INSUFFICIENT_PERMISSIONS", "42501")
        client(f"ALTER SCHEMA immuta.policies OWNER TO `{USER}`", drop)

    def test_manage_is_enough(self, double: DatabricksDouble, connect: Connect) -> None:
        double.metastore.grants.add(Grant("MANAGE", "SCHEMA", ("sales", "crm"), "analyst@example.com"))
        analyst = connect(access_token="dapi-analyst", catalog="sales", schema="crm")
        analyst("DROP TABLE leads")
        assert analyst.refused("DROP SCHEMA sales.default") == ("INSUFFICIENT_PERMISSIONS", "42501")


class TestStatements:
    """What the statements do, and what is none."""

    @pytest.mark.parametrize(
        ("statement", "error"),
        [
            ("DROP CATALOG nope", ("NO_SUCH_CATALOG_EXCEPTION", "42704")),
            ("USE CATALOG nope", ("NO_SUCH_CATALOG_EXCEPTION", "42704")),
            ("DROP SCHEMA sales.nope", ("SCHEMA_NOT_FOUND", "42704")),
            ("DROP TABLE sales.crm.nope", ("TABLE_OR_VIEW_NOT_FOUND", "42P01")),
            ("DROP VIEW sales.crm.nope", ("TABLE_OR_VIEW_NOT_FOUND", "42P01")),
            ("DROP FUNCTION nope.x.y", ("NO_SUCH_CATALOG_EXCEPTION", "42704")),
            ("DROP VOLUME sales.crm.nope", ("VOLUME_DOES_NOT_EXIST", "42704")),
            ("GRANT SELECT ON CATALOG sales TO nobody", ("PRINCIPAL_DOES_NOT_EXIST", "42704")),
            ("DROP TABLE a.sales.crm.leads", ("REQUIRES_SINGLE_PART_NAMESPACE", "42K05")),
            ("SELECT nope", ("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703")),
            ("SELECT nope()", ("UNRESOLVED_ROUTINE", "42883")),
            ("SET VAR nope = 1", ("UNRESOLVED_VARIABLE", "42883")),
            ("SELECT /* 1", ("UNCLOSED_BRACKETED_COMMENT", "42601")),
        ],
    )
    def test_conditions(self, client: Client, statement: str, error: tuple[str, str]) -> None:
        assert client.refused(statement) == error

    @pytest.mark.parametrize(
        "statement",
        [
            "",
            "TRUNCATE TABLE sales.crm.leads",
            "SELECT 1; SELECT 2",
            "SELECT 1;;",
            "SELECT 'open",
            "DROP CATALOG",
            "DROP METASTORE",
            "DROP TABLE sales.crm.leads CASCADE",
            "GRANT FLYING ON CATALOG sales TO nobody",
            "BEGIN SELECT 1; SELECT 2 END",
            "ALTER CATALOG sales DROP ROW FILTER",
            "SELECT 1 # comment",
        ],
    )
    def test_no_statement(self, double: DatabricksDouble, client: Client, statement: str) -> None:
        before = double.metastore.snapshot()
        assert client.refused(statement) == ("PARSE_SYNTAX_ERROR", "42601")
        assert double.metastore.snapshot() == before

    def test_values(self, client: Client) -> None:
        assert client("SELECT 1, 2.5, TRUE, NULL, current_user(), 'x' AS y;") == [(1, 2.5, True, None, USER, "x")]

    @pytest.mark.parametrize(
        ("literal", "value"),
        [
            (r"'it\'s; \\'", "it's; \\"),
            ("'two''s'", "two's"),
            (r"'a\tb'", "a\tb"),
            (r"r'a\tb'", r"a\tb"),
            ('"text"', "text"),
            ("'-- no comment /*'", "-- no comment /*"),
            ("-- a; comment\n /* /* nested; */ */ 'x'", "x"),
        ],
    )
    def test_literals(self, client: Client, literal: str, value: str) -> None:
        assert client(f"SELECT {literal}") == [(value,)]

    def test_names_fold(self, double: DatabricksDouble, client: Client) -> None:
        client("drop Table `SALES`.Crm.`LEADS`")
        assert double.metastore.names("TABLE", "sales") == ["sales.crm.customers"]

    def test_if_exists(self, client: Client) -> None:
        client("DROP CATALOG IF EXISTS nope CASCADE", "DROP TABLE IF EXISTS nope.nope.nope")

    def test_grants(self, client: Client) -> None:
        show = "SHOW GRANTS `analyst@example.com` ON SCHEMA sales.crm"
        assert client(show) == []
        client("GRANT SELECT, USE SCHEMA ON SCHEMA sales.crm TO `analyst@example.com`")
        row = ("SCHEMA", "sales.crm")
        assert client(show) == [
            ("analyst@example.com", "SELECT", *row),
            ("analyst@example.com", "USE SCHEMA", *row),
        ]
        client("REVOKE SELECT ON SCHEMA sales.crm FROM `analyst@example.com`")

    def test_all_privileges(self, client: Client) -> None:
        where, who = "ON SCHEMA sales.crm", "`analyst@example.com`"
        client(f"GRANT ALL PRIVILEGES, SELECT, MANAGE, EXTERNAL USE SCHEMA {where} TO {who}")
        client(f"REVOKE ALL PRIVILEGES {where} FROM {who}")
        assert [row[1] for row in client(f"SHOW GRANTS {where}")] == ["EXTERNAL USE SCHEMA", "MANAGE"]

    def test_use_catalog_is_a_privilege(self, connect: Connect) -> None:
        analyst = connect(access_token="dapi-analyst")
        analyst("USE CATALOG sales")
        assert analyst.refused("USE CATALOG system") == ("INSUFFICIENT_PERMISSIONS", "42501")

    def test_a_view_is_no_table(self, double: DatabricksDouble, client: Client) -> None:
        double.metastore.add("VIEW", "sales", "crm", "recent", owner=USER)
        assert client.refused("DROP TABLE sales.crm.recent") == ("WRONG_COMMAND_FOR_OBJECT_TYPE", "42809")
        client("DROP VIEW sales.crm.recent")

    def test_comments_and_tags(self, double: DatabricksDouble, client: Client) -> None:
        client("COMMENT ON TABLE sales.crm.leads IS 'old'", "ALTER TABLE sales.crm.leads SET TAGS ('pii' = 'yes', 'x')")
        client("ALTER TABLE sales.crm.leads UNSET TAGS ('x')")
        told = double.metastore.snapshot()
        assert told["comments"] == {"sales.crm.leads": "old"}
        assert told["tags"] == {"sales.crm.leads": {"pii": "yes"}}
        client("COMMENT ON TABLE sales.crm.leads IS NULL")
        assert double.metastore.snapshot()["comments"] == {}

    def test_a_block_is_one_statement(self, double: DatabricksDouble, client: Client) -> None:
        block = "BEGIN DECLARE n INT DEFAULT 1; SET VAR n = 2; DROP TABLE sales.crm.leads; SELECT n; END"
        assert client(block) == [(2,)]
        assert [statement.text for statement in double.statements] == [block]
        assert not double.metastore.exists("TABLE", "sales", "crm", "leads")
        assert client.refused("SELECT n") == ("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703")

    def test_variables_last(self, client: Client) -> None:
        assert client("DECLARE VARIABLE n = 1", "SET VAR n = 3", "SELECT n") == [(3,)]
        assert client.refused("DECLARE n INT") == ("VARIABLE_ALREADY_EXISTS", "42723")
        assert client("DECLARE OR REPLACE n INT", "SELECT n") == [(None,)]

    def test_show(self, client: Client) -> None:
        assert client("SHOW CATALOGS") == [("immuta",), ("main",), ("sales",), ("system",)]
        assert client("SHOW CATALOGS LIKE 's*'") == [("sales",), ("system",)]
        assert client("SHOW SCHEMAS IN sales") == [("crm",), ("default",), ("information_schema",)]


class TestSessions:
    """What a session keeps, and how one is opened."""

    WHERE = "SELECT current_catalog(), current_schema()"

    def test_use_lasts(self, client: Client) -> None:
        assert client(self.WHERE) == [("main", "default")]
        client("USE CATALOG sales")
        assert client(self.WHERE) == [("sales", "default")]
        client("USE SCHEMA crm")
        assert client(self.WHERE) == [("sales", "crm")]
        client("DROP TABLE leads")
        assert client("USE main.default", self.WHERE) == [("main", "default")]

    def test_options(self, double: DatabricksDouble, connect: Connect) -> None:
        session = connect(catalog="Sales", schema="crm", session_configuration={"statement_timeout": 60})
        assert session(self.WHERE) == [("sales", "crm")]
        told = double.views()["sessions"]()
        assert [(one["user"], one["configuration"]["STATEMENT_TIMEOUT"], one["open"]) for one in told] == [
            (USER, "60", True)
        ]
        session.connection.close()
        assert [one["open"] for one in double.views()["sessions"]()] == [False]

    def test_no_such_catalog(self, double: DatabricksDouble, connect: Connect) -> None:
        with raises("NO_SUCH_CATALOG_EXCEPTION"):
            connect(catalog="nope")
        assert double.sessions == {}

    def test_set_and_reset(self, double: DatabricksDouble, client: Client) -> None:
        (session,) = double.sessions.values()
        client("SET STATEMENT_TIMEOUT = 10")
        assert session.configuration["STATEMENT_TIMEOUT"] == "10"
        client("RESET STATEMENT_TIMEOUT")
        assert "STATEMENT_TIMEOUT" not in session.configuration

    def test_a_closed_session_is_gone(self, double: DatabricksDouble, client: Client) -> None:
        double.close_session(*double.sessions.values())
        with raises("Invalid SessionHandle") as caught:
            client("SELECT 1")
        assert caught.value.context["http-code"] == 404

    def test_one_connection(self, double: DatabricksDouble, client: Client) -> None:
        for _attempt in range(5):
            client("SELECT 1")
        assert double.connections == 1


class TestSignIn:
    """Who gets in."""

    def test_token(self, double: DatabricksDouble, client: Client) -> None:
        assert client("SELECT current_user()") == [(USER,)]
        assert [(login.user, login.method, login.outcome) for login in double.logins] == [(USER, "token", "ok")]

    def test_wrong_token(self, double: DatabricksDouble, connect: Connect) -> None:
        with raises("Invalid access token") as caught:
            connect(access_token="nope")
        assert caught.value.context["http-code"] == 403
        assert [login.outcome for login in double.logins] == ["refused"]

    def test_no_token(self, double: DatabricksDouble) -> None:
        assert requests.post(double.uri, timeout=5).status_code == 401

    def test_service_principal(self, double: DatabricksDouble, connect: Connect) -> None:
        from databricks.sdk import core

        def provider() -> t.Any:
            return core.oauth_service_principal(
                core.Config(host=double.url, client_id=DEPLOYER, client_secret="deployer-secret", auth_type="oauth-m2m")
            )

        assert connect(credentials_provider=provider)("SELECT current_user()") == [(DEPLOYER,)]
        assert [login.method for login in double.logins] == ["client credentials", "token"]

    def test_service_principal_without_sdk(self, double: DatabricksDouble, connect: Connect) -> None:
        token = self.ask(double, "deployer-secret").json()["access_token"]
        assert connect(access_token=token)("SELECT current_user()") == [(DEPLOYER,)]

    def test_wrong_secret(self, double: DatabricksDouble) -> None:
        reply = self.ask(double, "nope")
        assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")
        assert [login.outcome for login in double.logins] == ["refused"]

    def test_another_grant_type(self, double: DatabricksDouble) -> None:
        reply = requests.post(f"{double.url}/oidc/v1/token", data={"grant_type": "password"}, timeout=5)
        assert (reply.status_code, reply.json()["error"]) == (400, "unsupported_grant_type")

    def test_a_token_expires(self, double: DatabricksDouble, connect: Connect) -> None:
        token = self.ask(double, "deployer-secret").json()["access_token"]
        session = connect(access_token=token)
        double.metastore.expire(token)
        with raises("has expired"):
            session("SELECT 1")
        assert double.statements == []

    @staticmethod
    def ask(double: DatabricksDouble, secret: str) -> requests.Response:
        form = {"grant_type": "client_credentials", "scope": "all-apis"}
        return requests.post(f"{double.url}/oidc/v1/token", auth=(DEPLOYER, secret), data=form, timeout=5)


class TestWarehouse:
    """The warehouse that isn't there, or not yet."""

    def test_unknown(self, double: DatabricksDouble, connect: Connect) -> None:
        reply = requests.post(
            f"{double.url}/sql/1.0/warehouses/xyz", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5
        )
        assert (reply.status_code, reply.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
        with raises():
            connect(_connection_uri=f"{double.url}/sql/1.0/warehouses/xyz")

    def test_stopped_for_ever(self, double: DatabricksDouble, connect: Connect) -> None:
        double.stop_warehouse()
        for _attempt in range(3):
            with raises():
                connect()
        assert double.sessions == {}

    def test_starting(self, double: DatabricksDouble, connect: Connect) -> None:
        double.stop_warehouse(requests=1)
        reply = requests.post(double.uri, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5)
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
        assert reply.headers["X-Thriftserver-Error-Message"].startswith("TEMPORARILY_UNAVAILABLE")
        assert connect()("SELECT 1") == [(1,)]

    def test_starting_takes_a_while(self, double: DatabricksDouble, connect: Connect) -> None:
        double.stop_warehouse(seconds=4)
        with raises():
            connect()
        time.sleep(4)
        assert connect()("SELECT 1") == [(1,)]


class TestRunning:
    """Statements that take their time."""

    def test_slow(self, double: DatabricksDouble, client: Client) -> None:
        double.faults.append(Fault("statement", "slow", seconds=0.8))
        assert client("SELECT 1") == [(1,)]
        assert (double.statements[0].outcome, double.statements[0].fault) == ("ok", "slow")

    def test_asynchronous(self, double: DatabricksDouble, client: Client) -> None:
        double.faults.append(Fault("statement", "slow", seconds=0.5))
        cursor = client.connection.cursor()
        cursor.execute_async("SELECT 1")
        assert cursor.is_query_pending()
        assert cursor.query_id == double.statements[0].query_id
        while cursor.is_query_pending():
            time.sleep(0.05)
        cursor.get_async_execution_result()
        assert [tuple(row) for row in cursor.fetchall()] == [(1,)]

    def test_time_out(self, double: DatabricksDouble, connect: Connect) -> None:
        session = connect(session_configuration={"STATEMENT_TIMEOUT": 1})
        double.faults.append(Fault("statement", "slow", seconds=60))
        assert session.refused("DROP TABLE sales.crm.leads")[1] == "57KD0"
        assert double.metastore.exists("TABLE", "sales", "crm", "leads")

    def test_silent_time_out(self, double: DatabricksDouble, connect: Connect) -> None:
        """The connector takes it for a success."""
        double.silent_timeouts = True
        session = connect(session_configuration={"STATEMENT_TIMEOUT": 1})
        double.faults.append(Fault("statement", "slow", seconds=60))
        assert session("DROP TABLE sales.crm.leads") == []
        assert double.statements[0].outcome == "timed out"
        assert double.metastore.exists("TABLE", "sales", "crm", "leads")

    def test_cancel(self, double: DatabricksDouble, client: Client) -> None:
        double.faults.append(Fault("statement", "slow", seconds=60))
        cursor = client.connection.cursor()
        cursor.execute_async("DROP TABLE sales.crm.leads")
        cursor.cancel()
        assert finished(double.statements[0]).outcome == "canceled"
        assert not cursor.is_query_pending()
        with raises("Operation status"):
            cursor.get_async_execution_result()
        assert double.metastore.exists("TABLE", "sales", "crm", "leads")

    def test_closing_the_session_cancels(self, double: DatabricksDouble, client: Client) -> None:
        double.faults.append(Fault("statement", "slow", seconds=60))
        client.connection.cursor().execute_async("SELECT 1")
        client.connection.close()
        assert finished(double.statements[0]).outcome == "canceled"


class TestFaults:
    """The planned mishaps."""

    DROP = "DROP TABLE sales.crm.leads"

    def test_error(self, double: DatabricksDouble, client: Client) -> None:
        double.faults.append(
            Fault("statement", "error", nth=2, match="drop", condition="DELTA_LOCKED", sqlstate="40000")
        )
        client("DROP TABLE IF EXISTS sales.crm.nope", "SELECT 1")
        assert client.refused(self.DROP) == ("DELTA_LOCKED", "40000")
        assert [statement.error for statement in double.statements] == [None, None, "DELTA_LOCKED"]
        client(self.DROP)

    @pytest.mark.parametrize(
        ("fault", "done"),
        [
            ({"kind": "http", "status": 500}, False),
            ({"kind": "http", "status": 503, "headers": {"Retry-After": "1"}}, False),
            ({"kind": "reset"}, False),
            ({"kind": "lost"}, True),
        ],
        ids=str,
    )
    def test_statement(self, double: DatabricksDouble, client: Client, fault: dict[str, t.Any], *, done: bool) -> None:
        double.faults.append(Fault("statement", **fault))
        with raises():
            client(self.DROP)
        assert [statement.outcome for statement in double.statements] == ["ok" if done else "not run"]
        assert double.statements[0].fault == fault["kind"]
        assert double.metastore.exists("TABLE", "sales", "crm", "leads") is not done

    def test_lost_while_it_runs(self, double: DatabricksDouble, client: Client) -> None:
        double.faults.append(Fault("statement", "lost", seconds=3))
        with raises():
            client(self.DROP)
        assert double.statements[0].outcome == "running"
        assert finished(double.statements[0]).outcome == "ok"

    def test_the_connector_repeats_what_was_lost(self, double: DatabricksDouble, connect: Connect) -> None:
        session = connect(_retry_stop_after_attempts_duration=900, _retry_delay_min=0.1)
        double.faults.append(Fault("statement", "lost"))
        assert session.refused(self.DROP) == ("TABLE_OR_VIEW_NOT_FOUND", "42P01")
        assert [statement.outcome for statement in double.statements] == ["ok", "error"]

    @pytest.mark.parametrize("kind", ["error", "http", "reset", "lost"])
    def test_poll(self, double: DatabricksDouble, client: Client, kind: t.Any) -> None:
        double.faults += [Fault("statement", "slow", seconds=0.6), Fault("poll", kind)]
        cursor = client.connection.cursor()
        with raises():
            cursor.execute("SELECT 1")
        assert cursor.query_id == double.statements[0].query_id
        assert finished(double.statements[0]).outcome == "ok"

    @pytest.mark.parametrize(
        ("fault", "opened"),
        [("error", 0), ("http", 0), ("reset", 0), ("lost", 1)],
    )
    def test_session(self, double: DatabricksDouble, connect: Connect, fault: t.Any, opened: int) -> None:
        double.faults.append(Fault("session", fault))
        with raises():
            connect()
        assert len(double.sessions) == opened
        assert double.logins[0].fault == fault
        assert connect()("SELECT 1") == [(1,)]

    def test_slow_session(self, double: DatabricksDouble, connect: Connect) -> None:
        double.faults.append(Fault("session", "slow", seconds=2))
        with raises():
            connect(_socket_timeout=0.5)


class TestHistory:
    """What becomes known of a statement whose answer was lost."""

    @staticmethod
    def ask(double: DatabricksDouble, token: str = TOKEN, **asked: t.Any) -> t.Any:
        reply = requests.get(
            f"{double.url}/api/2.0/sql/history/queries",
            params={key.replace("__", "."): value for key, value in asked.items()},
            headers={"Authorization": f"Bearer {token}"},
            timeout=5,
        )
        reply.raise_for_status()
        return reply.json()

    def test_of_a_lost_statement(self, double: DatabricksDouble, client: Client) -> None:
        started = int(time.time() * 1000)
        double.faults.append(Fault("statement", "lost", seconds=3))
        with raises():
            client("DROP TABLE sales.crm.leads")
        window = {"filter_by__query_start_time_range__start_time_ms": started}
        (running,) = self.ask(double, filter_by__warehouse_ids=double.warehouse, **window)["res"]
        assert (running["status"], running["is_final"]) == ("RUNNING", False)
        assert (running["query_text"], running["user_name"]) == ("DROP TABLE sales.crm.leads", USER)
        assert running["session_id"] == client.connection.get_session_id_hex()
        finished(double.statements[0])
        (over,) = self.ask(double, filter_by__statement_ids=[running["query_id"]])["res"]
        assert over["status"] == "FINISHED"
        assert over["query_end_time_ms"] >= over["query_start_time_ms"] >= started
        window["filter_by__query_start_time_range__start_time_ms"] = over["query_start_time_ms"] + 1
        assert self.ask(double, **window)["res"] == []

    def test_statuses(self, double: DatabricksDouble, client: Client) -> None:
        client("SELECT 1")
        client.refused("DROP CATALOG nope")
        assert [entry["status"] for entry in self.ask(double)["res"]] == ["FAILED", "FINISHED"]
        (failed,) = self.ask(double, filter_by__statuses="FAILED")["res"]
        assert failed["error_message"].startswith("[NO_SUCH_CATALOG_EXCEPTION]")

    def test_pages(self, double: DatabricksDouble, client: Client) -> None:
        client(*[f"SELECT {number}" for number in range(5)])
        page = self.ask(double, max_results=3)
        texts = [entry["query_text"] for entry in page["res"]]
        assert page["has_next_page"]
        page = self.ask(double, max_results=3, page_token=page["next_page_token"])
        texts += [entry["query_text"] for entry in page["res"]]
        assert texts == [f"SELECT {number}" for number in (4, 3, 2, 1, 0)]
        assert not page["has_next_page"] and "next_page_token" not in page

    def test_others_see_nothing(self, double: DatabricksDouble, client: Client) -> None:
        client("SELECT 1")
        assert self.ask(double, token="dapi-analyst")["res"] == []


class TestServer:
    """The stand-in as a process, told and asked from outside."""

    def test_by_path(self, tmp_path: Path, connect: Connect) -> None:
        with servers.process(
            "databricks", tmp_path, "--token-env=STAND_IN_TOKEN", STAND_IN_TOKEN="from-outside"
        ) as running:
            url, base = running.url, running.url.removesuffix("/_double/")
            post(url + "faults", [{"at": "statement", "kind": "error", "sqlstate": "42501"}])
            session = connect(_connection_uri=f"{base}/sql/1.0/warehouses/abc", access_token="from-outside")
            assert session.refused("SELECT 1")[1] == "42501"
            assert get(url + "statements")[0]["fault"] == "error"
            assert get(url + "sessions")[0]["user"] == USER
            assert get(url + "logins")[0]["outcome"] == "ok"
            session(*cleanup())
            assert get(url + "state")["securables"]["catalog"] == ["main", "sales", "system"]
            session.connection.close()
            post(url + "stop_warehouse", None)
            with raises():
                connect(_connection_uri=f"{base}/sql/1.0/warehouses/abc", access_token="from-outside")
            post(url + "reset", None)
            assert get(url + "statements") == []
            assert "immuta" in get(url + "state")["securables"]["catalog"]

    def test_another_call_is_told(self, client: Client) -> None:
        with raises("Unknown function GetCatalogs"):
            client.connection.cursor().catalogs()

    def test_another_address_is_told(self, double: DatabricksDouble) -> None:
        reply = requests.get(f"{double.url}/api/2.0/nope", timeout=5)
        assert (reply.status_code, reply.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def get(url: str) -> t.Any:
    with urllib.request.urlopen(url, timeout=5) as reply:
        return json.load(reply)


def post(url: str, body: t.Any) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=5) as reply:
        assert json.load(reply)["ok"]
