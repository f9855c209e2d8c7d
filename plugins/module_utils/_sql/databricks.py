# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databricks: the only file that imports its clients. Options in, a PEP 249 connection out, errors explained.

Works with databricks-sql-connector 4.1 and newer. What it does when an answer is missing, found out by trying:

- It sends C(ExecuteStatement) again on 429 and 503, and urllib3 below it on every broken connection, with
  C(_retry_stop_after_attempts_count=1) too: a statement whose answer is lost runs twice, and nobody is told. With
  C(SENT_ONCE) it sends everything once. So opening a session, which does no harm, is tried again here.
- A statement that was cancelled, or that ran out of its time, ends without an error: its state has to be looked at.
- Once a statement has an id, the cursor has it, whatever is raised.

Sources: U(https://docs.databricks.com/aws/en/dev-tools/python-sql-connector),
U(https://docs.databricks.com/api/workspace/queryhistory/list).
"""

from __future__ import annotations

import datetime
import logging
import re
import time
import traceback
import typing as t
import urllib.parse

from ansible_collections.community.immuta.plugins.module_utils import _hidden
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption, MissingLibrary
from ansible_collections.community.immuta.plugins.module_utils._sql import execute, options

# Names that the vendor's tools know, in the order in which they are tried.
VARIABLES: options.Variables = {
    "host": ("DATABRICKS_HOST", "DATABRICKS_SERVER_HOSTNAME"),
    "http_path": ("DATABRICKS_HTTP_PATH",),
    "warehouse_id": ("DATABRICKS_WAREHOUSE_ID",),
    "auth_type": ("DATABRICKS_AUTH_TYPE",),
    "token": ("DATABRICKS_TOKEN", "DATABRICKS_ACCESS_TOKEN"),
    "client_id": ("DATABRICKS_CLIENT_ID",),
    "client_secret": ("DATABRICKS_CLIENT_SECRET",),
    "catalog": ("DATABRICKS_CATALOG",),
    "schema": ("DATABRICKS_SCHEMA",),
}
SECRETS = frozenset({"token", "client_secret"})
WAREHOUSE = re.compile(r"/?sql/1\.0/(?:warehouses|endpoints)/([\w-]+)/?(?:\?.*)?")
# A warehouse that starts, or has too much to do, answers one of these.
BUSY = (429, 503)
REFUSED = (400, 401, 403, 404, *BUSY)
SIGN_IN_REMEDIES = {
    401: "Check the credentials: a token may have expired.",
    403: "Check the credentials: a token may have expired, or may not use the warehouse.",
    404: "Check host, and warehouse_id or http_path: there is no such warehouse.",
}
# Each of the two ways is enough: without its retry policy, which its authors mean to make compulsory, and with pauses
# that are longer than the time to retry.
SENT_ONCE = {
    "_enable_v3_retries": False,
    "_retry_stop_after_attempts_count": 1,
    "_retry_stop_after_attempts_duration": 1,
    "_retry_delay_min": 60,
}
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
PROBE = "SELECT 1"
HISTORY = "/api/2.0/sql/history/queries"
# How far the clock of this machine and Databricks' may be apart.
CLOCKS_APART = datetime.timedelta(minutes=10)
OUTCOMES: dict[str, execute.Outcome] = {"FINISHED": "done", "FAILED": "failed", "CANCELED": "failed"}
# What stands before each statement. Databricks has no tag of a session that every warehouse records.
OWN_TAG = re.compile(r"/\* (community\.immuta/[0-9a-f]{12}/[0-9a-f]{8}) \*/ ")
SQLSTATE = re.compile(r"\bSQLSTATE:\s*([0-9A-Z]{5})\b")


def argument_spec() -> dict[str, t.Any]:
    """The options that say how to sign in, documented in the fragment C(databricks)."""
    connection = options.fallbacks(VARIABLES, SECRETS)
    connection["auth_type"]["choices"] = ["pat", "oauth-m2m"]
    return {
        **connection,
        "login_timeout": {"type": "int", "default": 600},
        "network_timeout": {"type": "int", "default": 300},
        "statement_timeout": {"type": "int", "default": 900},
    }


class _Place(t.NamedTuple):
    """Where the warehouse is.

    :ivar base: scheme, host and port
    """

    base: str
    host: str
    path: str
    warehouse: str | None


def _place(params: dict[str, t.Any]) -> _Place:
    if not params["host"]:
        raise options.missing("host", VARIABLES)
    given = params["host"].strip().rstrip("/")
    url = urllib.parse.urlsplit(given if "://" in given else f"https://{given}")
    if url.scheme not in ("http", "https") or not url.hostname or url.path or url.query or url.username:
        raise InvalidOption(
            f"The option host is {given}, which is not the host of a workspace.",
            hint="Write it like dbc-a1b2345c-d6e7.cloud.databricks.com.",
        )
    path, warehouse = params["http_path"], params["warehouse_id"]
    found = WAREHOUSE.fullmatch(path) if path else None
    if path and warehouse and (found is None or found[1] != warehouse):
        raise InvalidOption(
            f"The option http_path is {path}, and warehouse_id is {warehouse}: they are not the same.",
            hint="Set one of them; each may also come from the environment.",
        )
    if not path and not warehouse:
        raise options.missing("warehouse_id", VARIABLES)
    return _Place(
        base=f"{url.scheme}://{url.netloc}",
        host=url.netloc,
        path=path or f"/sql/1.0/warehouses/{warehouse}",
        warehouse=found[1] if found else warehouse,
    )


def _auth_type(params: dict[str, t.Any]) -> str:
    by_client = bool(params["client_id"] or params["client_secret"])
    if params["auth_type"] is None and params["token"] and by_client:
        raise InvalidOption(
            "Both a token and an OAuth client are set.",
            hint="Unset one, or say which it is with auth_type; each may also come from the environment.",
        )
    chosen = params["auth_type"] or ("oauth-m2m" if by_client else "pat")
    for name in ("client_id", "client_secret") if chosen == "oauth-m2m" else ("token",):
        if not params[name]:
            raise options.missing(name, VARIABLES)
    return str(chosen)


class NotFinished(Exception):
    """The server has ended a statement before it was done, which its client doesn't raise as an error.

    :ivar state: C(CANCELLED), or C(FAILED) when its time was up
    """

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class _Cursor:
    """The client's cursor, but for C(execute).

    It names the run before each statement, and raises when the statement has not run to its end.
    """

    def __init__(self, connection: t.Any, tag: str) -> None:
        self._connection = connection
        self._tag = tag
        self._cursor = connection.cursor()

    def execute(self, text: str) -> None:
        # A cursor keeps the id of its last statement, even when the next one never came to have one.
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
    """

    def __init__(self, connection: t.Any, tag: str) -> None:
        self._connection = connection
        self._tag = tag

    def cursor(self) -> _Cursor:
        return _Cursor(self._connection, self._tag)

    def close(self) -> None:
        self._connection.close()


class Databricks:
    """A Databricks SQL warehouse, as the executor sees it.

    :param params: the module's options
    :param run: names this run
    """

    name = "Databricks"
    dialect = "databricks"

    def __init__(self, params: dict[str, t.Any], run: str) -> None:
        self.tag = run
        self._params = params
        self._place = _place(params)
        self._auth = _auth_type(params)
        options.require_seconds(params, "login_timeout", "network_timeout", "statement_timeout")
        self._client = _import_client()
        self._credentials = self._provider()
        self.session: dict[str, t.Any] = {}

    @property
    def hidden(self) -> list[str]:
        """Secrets that are no options; there are none."""
        return []

    def _provider(self) -> t.Callable[[], t.Callable[[], dict[str, str]]]:
        """What gives the headers that authenticate a request, in the form that the client wants."""
        if self._auth == "pat":
            headers = {"Authorization": f"Bearer {self._params['token'].strip()}"}
            return lambda: lambda: headers
        sdk = _import_sdk()

        def oauth() -> t.Any:
            # Named, so that nothing else in the environment counts.
            config = sdk.Config(
                host=self._place.base,
                client_id=self._params["client_id"],
                client_secret=self._params["client_secret"],
                auth_type="oauth-m2m",
            )
            provider = sdk.oauth_service_principal(config)

            def headers() -> dict[str, str]:
                found: dict[str, str] = provider()
                # The token that the secret was exchanged for.
                _hidden.add([found["Authorization"].removeprefix("Bearer ")])
                return found

            return headers

        return oauth

    def _arguments(self) -> dict[str, t.Any]:
        return {
            "server_hostname": self._place.host,
            "http_path": self._place.path,
            "credentials_provider": self._credentials,
            "catalog": self._params["catalog"],
            "schema": self._params["schema"],
            "session_configuration": {"STATEMENT_TIMEOUT": self._params["statement_timeout"]},
            "user_agent_entry": "community.immuta",
            "enable_telemetry": False,
            "use_cloud_fetch": False,
            "_connection_uri": f"{self._place.base}/{self._place.path.lstrip('/')}",
            "_socket_timeout": self._params["network_timeout"],
            **SENT_ONCE,
        }

    def connect(self) -> t.Any:
        """A new session. A warehouse that is starting is waited for.

        :raises execute.LoginFailed: refused, or nobody there
        """
        end = time.monotonic() + self._params["login_timeout"]
        pause = FIRST_PAUSE
        while True:
            try:
                connection = self._client.connect(**self._arguments())
            except Exception as error:
                # Signing in with OAuth raises errors of other libraries, which tell it apart by name only.
                busy = _http_code(error) in BUSY
                if not busy or time.monotonic() + pause > end:
                    raise self._login_failed(error, busy) from None
            else:
                break
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
        self.session = {
            "host": self._place.host,
            "http_path": self._place.path,
            "catalog": self._params["catalog"],
            "schema": self._params["schema"],
        }
        return _Connection(connection, self.tag)

    def _login_failed(self, error: Exception, busy: bool) -> Failure:
        status = _http_code(error)
        remedy = SIGN_IN_REMEDIES.get(status or 0, "Check host, warehouse_id or http_path, and credentials.")
        if busy:
            remedy = "The warehouse did not start in login_timeout seconds: start it, or wait longer."
        shown = f" (HTTP {status})" if status and status >= 300 else ""
        return execute.LoginFailed(
            f"Databricks refuses the sign-in, or can't be reached: {_message(error)}{shown}",
            hint=f"No statement was sent. {remedy}",
            status=status,
        )

    def query_id(self, cursor: t.Any) -> str | None:
        """The id of the cursor's last statement."""
        return t.cast("str | None", cursor.query_id)

    def problem(self, error: Exception, cursor: t.Any) -> execute.Problem | None:
        """What an error of the client means."""
        import urllib3.exceptions

        query_id = cursor.query_id
        if isinstance(error, NotFinished):
            message = "It was cancelled." if error.state == "CANCELLED" else "Its time was up (statement_timeout)."
            return execute.Problem(message, query_id=query_id)
        if not isinstance(error, (self._client.Error, urllib3.exceptions.HTTPError, OSError)):
            return None
        message = _message(error)
        found = SQLSTATE.search(message)
        answered = isinstance(error, self._client.ServerOperationError) or (
            query_id is None and (_http_code(error) in REFUSED or not isinstance(error, self._not_answered))
        )
        hint = ""
        if (found and found[1] == "42501") or "PERMISSION_DENIED" in message:
            hint = "Whoever runs the script lacks a privilege: grant it, or sign in as a metastore admin."
        return execute.Problem(
            message=message,
            sqlstate=found[1] if found else None,
            query_id=query_id,
            lost=not answered,
            hint=hint,
        )

    @property
    def _not_answered(self) -> tuple[type[Exception], ...]:
        import urllib3.exceptions

        return (self._client.RequestError, urllib3.exceptions.HTTPError, OSError)

    def find(self, cursor: t.Any, doubt: execute.Doubt) -> execute.Found | None:
        """Look a statement up in the warehouse's query history."""
        if self._place.warehouse is None:
            return None
        then = datetime.datetime.fromisoformat(doubt.time)
        since = min(then, datetime.datetime.now(datetime.timezone.utc)) - CLOCKS_APART
        asked: dict[str, t.Any] = {
            "filter_by.warehouse_ids": self._place.warehouse,
            "filter_by.query_start_time_range.start_time_ms": int(since.timestamp() * 1000),
            "max_results": 1000,
        }
        try:
            # That it is in the history shows how new the history is.
            cursor.execute(PROBE)
            return doubt.found(self._history(asked), self.tag)
        except (self._client.Error, OSError, ValueError, LookupError, TypeError, AttributeError, NotFinished):
            # Who can't be asked, or answers something else than documented, tells nothing.
            return None

    def _history(self, asked: dict[str, t.Any]) -> list[execute.Record]:
        """What the query history has recorded, all pages of it."""
        import requests

        headers = self._credentials()

        def sign(request: t.Any) -> t.Any:
            request.headers.update(headers())
            return request

        records = []
        with requests.Session() as http:
            # Set so, a .netrc can't replace it.
            http.auth = sign
            while True:
                reply = http.get(
                    self._place.base + HISTORY,
                    params=asked,
                    timeout=self._params["network_timeout"],
                    allow_redirects=False,
                )
                reply.raise_for_status()
                page = reply.json()
                for one in page.get("res") or []:
                    outcome = OUTCOMES.get(one["status"], "running")
                    tag, text = _untagged(one.get("query_text") or "")
                    records.append(execute.Record(one["query_id"], text, outcome, tag, own=text == PROBE))
                if not page.get("has_next_page"):
                    return records
                asked = {**asked, "page_token": page["next_page_token"]}


def _tagged(tag: str, text: str) -> str:
    """A statement with the name of its run before it, by which the query history can tell runs apart."""
    return f"/* {tag} */ {text}"


def _untagged(text: str) -> tuple[str, str]:
    """The name of the run and the statement; the name is empty when none stands before it."""
    found = OWN_TAG.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def _http_code(error: Exception) -> int | None:
    context = getattr(error, "context", None)
    code = context.get("http-code") if isinstance(context, dict) else None
    return code if isinstance(code, int) else None


def _message(error: Exception) -> str:
    # urllib3 wraps what went wrong into the count of attempts.
    error = getattr(error, "reason", None) or error
    return options.one_line(str(error).rstrip(".: ") or type(error).__name__)


def _import_client() -> t.Any:
    # It reports what it raises a second time, to whoever listens, or else to standard error.
    logging.getLogger("databricks.sql").propagate = False
    logging.getLogger("databricks.sql").addHandler(logging.NullHandler())
    try:
        import databricks.sql
        import databricks.sql.exc
    except ImportError:
        raise MissingLibrary(
            "databricks-sql-connector",
            reason="for running scripts on Databricks",
            url="https://pypi.org/project/databricks-sql-connector/",
            trace=traceback.format_exc(),
        ) from None
    return databricks.sql


def _import_sdk() -> t.Any:
    try:
        import databricks.sdk.core
    except ImportError:
        raise MissingLibrary(
            "databricks-sdk",
            reason="for signing in with client_id and client_secret",
            url="https://pypi.org/project/databricks-sdk/",
            trace=traceback.format_exc(),
        ) from None
    return databricks.sdk.core
