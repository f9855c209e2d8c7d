# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databricks: from options to a PEP 249 connection, errors explained. No other file imports its clients.

Works with databricks-sql-connector 4.1 and newer. What it does when an answer is missing, as observed:

- It sends C(ExecuteStatement) again on 429 and 503, and urllib3 below it on every broken connection, with
  C(_retry_stop_after_attempts_count=1) too: a statement whose answer is lost runs twice, without an error. With
  C(SENT_ONCE) it sends everything once. So opening a session, which is harmless, is retried here.
- A statement that was cancelled, or that timed out, ends without an error: its state has to be checked.
- Once a statement has an id, the cursor has it, whatever exception follows.

Sources: U(https://docs.databricks.com/aws/en/dev-tools/python-sql-connector),
U(https://docs.databricks.com/api/workspace/queryhistory/list).
"""

from __future__ import annotations

import datetime
import logging
import re
import time
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _options, _pauses, _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, needing
from ansible_collections.community.immuta.plugins.module_utils._sql import hosts, options, platform, remedies, warehouse

VARIABLES = warehouse.VARIABLES
SECRETS = frozenset({"token", "client_secret"})
# A warehouse that is starting or overloaded answers one of these.
BUSY = (429, 503)
# Certainly not executed. 503 may come from a proxy in between, about a statement that it has passed on.
REFUSED = (400, 401, 403, 404, 429)
# Either of the two ways suffices: no retry policy, which may become compulsory, and pauses longer than the time for
# retries.
SENT_ONCE = {
    "_enable_v3_retries": False,
    "_retry_stop_after_attempts_count": 1,
    "_retry_stop_after_attempts_duration": 1,
    "_retry_delay_min": 60,
}
# What a reader of an answer raises that is not as documented.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
# More statements than any run has sent; a server that always sends another page has to end.
MOST_PAGES = 1000
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
PROBE = "SELECT 1"
HISTORY = "/api/2.0/sql/history/queries"
ME = "/api/2.0/preview/scim/v2/Me"
PRINCIPALS = "/api/2.0/preview/scim/v2/ServicePrincipals"
WORKSPACE_NUMBER = "X-Databricks-Org-Id"
# The largest difference between the clocks of this machine and Databricks.
CLOCKS_APART = datetime.timedelta(minutes=10)
STATES: dict[str, platform.QueryState] = {"FINISHED": "done", "FAILED": "failed", "CANCELED": "failed"}
# The comment before each statement. Databricks has no session tag that every warehouse records.
OWN_TAG = re.compile(r"/\* (community\.immuta/[0-9a-f]{12}/[0-9a-f]{8}) \*/ ")
SQLSTATE = re.compile(r"\bSQLSTATE:\s*([0-9A-Z]{5})\b")


def argument_spec() -> dict[str, t.Any]:
    """Return the options for signing in. The doc fragment C(databricks) documents them."""
    connection = options.fallbacks(VARIABLES, SECRETS)
    connection["auth_type"]["choices"] = ["pat", "oauth-m2m"]
    return {
        **connection,
        "allow_http": {"type": "bool", "default": False},
        "login_timeout": {"type": "int", "default": 600},
        "network_timeout": {"type": "int", "default": 300},
        "statement_timeout": {"type": "int", "default": 900},
    }


def _patiently(action: t.Callable[[], t.Any], patience: float) -> t.Any:
    """Return what an action that does no harm returns; repeat it while a warehouse is starting."""
    end = time.monotonic() + patience
    pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE)
    while True:
        try:
            return action()
        except Exception as error:
            pause = next(pauses)
            if _http_code(error) not in BUSY or time.monotonic() + pause > end:
                raise
        time.sleep(pause)


class NotFinished(Exception):
    """The server ended a statement early, for which the client raises no error.

    :ivar state: C(CANCELLED), or C(FAILED) when it timed out
    """

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class _Cursor:
    """The client's cursor with another C(execute).

    It puts the name of the run before each statement, and raises C(NotFinished) when the statement did not finish.
    """

    def __init__(self, connection: t.Any, tag: str, patience: float) -> None:
        self._connection = connection
        self._tag = tag
        self._patience = patience
        self._cursor = connection.cursor()

    def execute(self, text: str) -> None:
        if self._tag == platform.LOOKING:
            # Nothing but reads, which may be sent again.
            _patiently(lambda: self._execute(text), self._patience)
        else:
            self._execute(text)

    def reader(self) -> _Cursor:
        """Return a cursor of the same session that only reads."""
        return _Cursor(self._connection, platform.LOOKING, self._patience)

    def awaken(self) -> None:
        """Wait until the warehouse takes statements, or raise as C(execute)."""
        _patiently(lambda: self._execute(PROBE), self._patience)

    def _execute(self, text: str) -> None:
        # A cursor keeps the id of its last statement, even if the next one never gets one.
        self._cursor.close()
        self._cursor = self._connection.cursor()
        self._cursor.execute(_tagged(self._tag, text))
        state = self._cursor.active_result_set.status.value
        if state != "SUCCEEDED":
            raise NotFinished(state)

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._cursor, name)


class _Connection:
    """The client's connection, with our cursor.

    :param tag: the name of the run
    :param patience: seconds to wait for a warehouse that starts
    """

    def __init__(self, connection: t.Any, tag: str, patience: float) -> None:
        self._connection = connection
        self._tag = tag
        self._patience = patience

    def cursor(self) -> _Cursor:
        return _Cursor(self._connection, self._tag, self._patience)

    def close(self) -> None:
        self._connection.close()


class Databricks:
    """A Databricks SQL warehouse, for the executor.

    :param params: the module's options
    :param run: the name of this run
    """

    name = "Databricks"
    dialect = "databricks"
    present: t.Collection[str] = ("DATABASE", "SCHEMA")
    obstacle = ""

    def __init__(self, params: dict[str, t.Any], run: str) -> None:
        self.tag = run
        self._params = params
        self._endpoint = warehouse.endpoint(params)
        self._auth = warehouse.auth_type(params)
        _options.require_positive(params, "login_timeout", "network_timeout", "statement_timeout")
        self._client = _import_client()
        self._credentials = self._provider()
        self.session: dict[str, t.Any] = {}

    def _provider(self) -> t.Callable[[], t.Callable[[], dict[str, str]]]:
        """Return the credentials provider for the connector: a factory of header factories."""
        if self._auth == "pat":
            headers = {"Authorization": f"Bearer {self._params['token'].strip()}"}
            return lambda: lambda: headers
        sdk = _import_sdk()

        def oauth() -> t.Any:
            # Explicit, so that the environment has no effect.
            config = sdk.Config(
                host=self._endpoint.base,
                client_id=self._params["client_id"],
                client_secret=self._params["client_secret"],
                auth_type="oauth-m2m",
            )
            provider = sdk.oauth_service_principal(config)

            def headers() -> dict[str, str]:
                found: dict[str, str] = provider()
                # The token that the secret was exchanged for.
                _redact.add([found["Authorization"].removeprefix("Bearer ")])
                return found

            return headers

        return oauth

    def _arguments(self) -> dict[str, t.Any]:
        return {
            "server_hostname": self._endpoint.host,
            "http_path": self._endpoint.path,
            "credentials_provider": self._credentials,
            "catalog": self._params["catalog"],
            "schema": self._params["schema"],
            "session_configuration": {"STATEMENT_TIMEOUT": self._params["statement_timeout"]},
            "user_agent_entry": "community.immuta",
            "enable_telemetry": False,
            "use_cloud_fetch": False,
            "_connection_uri": f"{self._endpoint.base}/{self._endpoint.path.lstrip('/')}",
            "_socket_timeout": self._params["network_timeout"],
            **SENT_ONCE,
        }

    def connect(self) -> t.Any:
        """Return a connection with a new session; wait for a warehouse that is starting.

        :raises platform.LoginFailed: refused
        :raises platform.Unreachable: there is no answer, or no such warehouse
        :raises Failure: the session is not where it has to be
        """
        connection = self._connect()
        self.session = {
            "host": self._endpoint.host,
            "http_path": self._endpoint.path,
            "catalog": self._params["catalog"],
            "schema": self._params["schema"],
        }
        if self._params["expected_hosts"]:
            try:
                hosts.require(self._params["expected_hosts"], self.place(connection))
            except BaseException:
                connection.close()
                raise
        return _Connection(connection, self.tag, self._params["login_timeout"])

    def place(self, connection: t.Any) -> hosts.Place:
        """Return the workspace, which is asked for its number where that is needed."""
        return hosts.Workspace(self._endpoint.host, self._number)

    def principals(self, word: str) -> t.Any:
        """Return the workspace's answer to the question for service principals with a word in their names.

        :raises OSError: there is none, or it can't be used
        """
        return self._get(PRINCIPALS, {"filter": f'displayName co "{word}"'}).json()

    def _number(self) -> str | None:
        """Ask the workspace for its number, as Databricks' own SDK does."""
        try:
            return t.cast("str | None", self._get(ME).headers.get(WORKSPACE_NUMBER))
        except OSError:
            return None

    def _connect(self) -> t.Any:
        try:
            return _patiently(lambda: self._client.connect(**self._arguments()), self._params["login_timeout"])
        except Exception as error:
            # Signing in with OAuth raises errors of several libraries.
            raise self._login_failed(error, _http_code(error) in BUSY) from None

    def _login_failed(self, error: Exception, busy: bool) -> Failure:
        status = _http_code(error)
        suffix = f" (HTTP {status})" if status and status >= 300 else ""
        # The client wraps what has gone wrong on the way, among it refusals of OAuth, which its SDK raises.
        cause = (getattr(error, "context", None) or {}).get("original-exception") or error
        unheard = isinstance(cause, self._not_answered) and not type(cause).__module__.startswith("databricks.sdk")
        absent = busy or status == 404 or (status is None and unheard)
        return platform.sign_in_failed(
            self.name,
            _message(error) + suffix,
            remedies.of_databricks_sign_in(status, busy=busy),
            reached=not absent,
            status=status,
        )

    def query_id(self, cursor: t.Any) -> str | None:
        """Return the id of the cursor's last statement."""
        return t.cast("str | None", cursor.query_id)

    def reader(self, cursor: t.Any) -> t.Any:
        """Return a cursor with another name before its statements."""
        return cursor.reader()

    def answer(self, cursor: t.Any) -> str | None:
        """Return None: a C(DROP) has no answer."""

    def problem(self, error: Exception, cursor: t.Any) -> platform.Problem | None:
        """Explain an error of the client; None for any other exception."""
        import urllib3.exceptions

        query_id = cursor.query_id
        if isinstance(error, NotFinished):
            message = "It was cancelled." if error.state == "CANCELLED" else "It ran out of time (statement_timeout)."
            return platform.Problem(message, query_id=query_id)
        if not isinstance(error, (self._client.Error, urllib3.exceptions.HTTPError, OSError)):
            if not platform.is_clients_own(error):
                return None
            kind = type(error).__name__
            return platform.Problem(f"Databricks' client can't read the answer ({kind}).", query_id=query_id, lost=True)
        message = _message(error)
        found = SQLSTATE.search(message)
        answered = isinstance(error, self._client.ServerOperationError) or (
            query_id is None and (_http_code(error) in REFUSED or not isinstance(error, self._not_answered))
        )
        status = _http_code(error) if query_id is None else None
        hint = ""
        if status in BUSY:
            hint = "The warehouse is starting or overloaded: wait, and run this again."
        elif status in (401, 403):
            hint = (
                "The token has expired or was revoked. Sign in with a new one, and run this again: it"
                " continues with this statement."
            )
        elif (found and found[1] == "42501") or "PERMISSION_DENIED" in message:
            hint = "The user that runs the script lacks a privilege: grant it, or sign in as a metastore admin."
        return platform.Problem(
            message=message,
            sqlstate=found[1] if found else None,
            query_id=query_id,
            lost=not answered,
            starting=status in BUSY,
            hint=hint,
        )

    @property
    def _not_answered(self) -> tuple[type[Exception], ...]:
        import urllib3.exceptions

        return (self._client.RequestError, urllib3.exceptions.HTTPError, OSError)

    def awaken(self, cursor: t.Any) -> bool:
        """Wait for a warehouse that opens sessions while it starts, and refuses statements."""
        try:
            cursor.awaken()
        except (self._client.Error, NotFinished, OSError):
            return False
        return True

    def find(self, cursor: t.Any, doubt: platform.Doubt) -> platform.Found | None:
        """Look a statement up in the warehouse's query history."""
        if self._endpoint.warehouse is None:
            self.obstacle = "Clusters keep no query history. Name a SQL warehouse in warehouse_id."
            return None
        then = datetime.datetime.fromisoformat(doubt.time)
        since = min(then, datetime.datetime.now(datetime.timezone.utc)) - CLOCKS_APART
        query: dict[str, t.Any] = {
            "filter_by.warehouse_ids": self._endpoint.warehouse,
            "filter_by.query_start_time_range.start_time_ms": int(since.timestamp() * 1000),
            "max_results": 1000,
        }
        try:
            # The history is up to date when it has this statement.
            cursor.awaken()
            return doubt.found(self._history(query), self.tag)
        except (self._client.Error, NotFinished, *UNREADABLE):
            # A history that can't be read, or is not as documented, says nothing.
            return None

    def _history(self, query: dict[str, t.Any]) -> list[platform.Record]:
        """Return the records of the query history, of all its pages."""
        records: list[platform.Record] = []
        for _page in range(MOST_PAGES):
            page = self._get(HISTORY, query).json()
            records += [_record(entry) for entry in page.get("res") or []]
            if not page.get("has_next_page"):
                return records
            query = {**query, "page_token": page["next_page_token"]}
        raise LookupError("the history does not end")

    def _get(self, path: str, query: dict[str, t.Any] | None = None) -> t.Any:
        """Return the workspace's answer to a request of its REST API.

        :raises OSError: there is none, or it can't be used
        """
        import requests

        headers = self._credentials()

        def sign(request: t.Any) -> t.Any:
            request.headers.update(headers())
            return request

        with requests.Session() as http:
            # This way, a .netrc can't replace it.
            http.auth = sign
            reply = http.get(
                self._endpoint.base + path,
                params=query,
                timeout=self._params["network_timeout"],
                allow_redirects=False,
            )
        reply.raise_for_status()
        return reply


def _record(entry: dict[str, t.Any]) -> platform.Record:
    tag, text = _untagged(entry.get("query_text") or "")
    return platform.Record(entry["query_id"], text, STATES.get(entry["status"], "running"), tag, own=text == PROBE)


def _tagged(tag: str, text: str) -> str:
    """Return a statement with the name of its run in front, which identifies it in the query history."""
    return f"/* {tag} */ {text}"


def _untagged(text: str) -> tuple[str, str]:
    """Return the name of the run, which may be empty, and the statement without it."""
    found = OWN_TAG.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def _http_code(error: Exception) -> int | None:
    context = getattr(error, "context", None)
    code = context.get("http-code") if isinstance(context, dict) else None
    return code if isinstance(code, int) else None


def _message(error: Exception) -> str:
    # urllib3 wraps the cause into an error about the number of attempts.
    error = getattr(error, "reason", None) or error
    return options.one_line(str(error).rstrip(".: ") or type(error).__name__)


def _import_client() -> t.Any:
    # It logs every exception that it raises, without a handler to standard error.
    logging.getLogger("databricks.sql").propagate = False
    logging.getLogger("databricks.sql").addHandler(logging.NullHandler())
    with needing("databricks-sql-connector", "for running scripts on Databricks"):
        import databricks.sql
        import databricks.sql.exc
    return databricks.sql


def _import_sdk() -> t.Any:
    with needing("databricks-sdk", "for signing in with client_id and client_secret"):
        import databricks.sdk.core
    return databricks.sdk.core
