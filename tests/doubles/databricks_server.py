# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in Databricks SQL warehouse that the unmodified databricks-sql-connector opens sessions on.

This file speaks the wire protocols and plays the planned faults; `databricks_metastore` is what there is,
`databricks_sql` what statements do to it. Beside the warehouse's Thrift there are the token endpoint for service
principals and the query history. In a test:

    with DatabricksDouble() as double:
        databricks.sql.connect(server_hostname=double.host, http_path=double.http_path, access_token="dapi-deployer",
                               _connection_uri=double.uri, enable_telemetry=False)

From a shell: `python databricks_server.py --port 0 --ready-file FILE`. Over HTTP, besides what every stand-in has:
GET /_double/state, statements, sessions, logins; POST /_double/faults (a list of `Fault` fields), reset,
stop_warehouse (`requests` or `seconds`, or neither), shutdown.
"""

from __future__ import annotations

import base64
import functools
import os
import re
import sys
import threading
import time
import typing as t
import urllib.parse
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path

from databricks.sql.thrift_api.TCLIService import TCLIService, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.Thrift import TApplicationException, TMessageType
from thrift.transport.TTransport import TMemoryBuffer

if __name__ == "__main__" and not __package__:
    # Run by path: the files beside this one are found under a package name of their own.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    __package__ = "doubles"

from .databricks_metastore import Metastore, SignInError, SqlError
from .databricks_sql import Result, Session
from .plumbing import Double, Handler, Order, View, command_line, serve

Json = dict[str, t.Any]
Place = t.Literal["look", "session", "statement", "poll", "history"]
Kind = t.Literal["error", "http", "reset", "lost", "slow"]

# How long a request waits for a statement before it answers that it still runs: for results at once, and for its state.
DIRECT: t.Final = 0.3
POLL: t.Final = 0.2
TOKEN_SECONDS: t.Final = 3600.0
# The warehouse's own limit, of two days.
STATEMENT_SECONDS: t.Final = 172800.0
OUTCOMES: t.Final = {
    "running": (ttypes.TOperationState.RUNNING_STATE, "RUNNING"),
    "ok": (ttypes.TOperationState.FINISHED_STATE, "FINISHED"),
    "error": (ttypes.TOperationState.ERROR_STATE, "FAILED"),
    "canceled": (ttypes.TOperationState.CANCELED_STATE, "CANCELED"),
    "timed out": (ttypes.TOperationState.TIMEDOUT_STATE, "CANCELED"),
}


# The workspace, as in its host on Azure.
NUMBER = "1234567890123456"


@dataclass
class Fault:
    """One planned mishap. A client's retry is a request of its own, so by default it goes well.

    :ivar at: `session` (opening one), `statement`, `look` (a statement of a session that only looks), `poll` (asking for a
        statement's state), or `history` (asking the query history)
    :ivar kind: `error`: refused with `condition`, `sqlstate` and `message`, or of the history an answer without its fields; `http`: answered with `status` and
        `headers` and nothing done; `reset`: the connection is reset and nothing done; `lost`: done, and the connection
        reset instead of an answer, with `seconds` at once while the statement takes so long; `slow`: done after
        `seconds`
    :ivar nth: the first request that is hit, counting from 1 those at this place whose text holds `match`
    :ivar times: how many requests in a row are hit
    :ivar match: part of the statement's text, in any case; for a session of the user's name
    :ivar seen: how many requests have been counted so far
    """

    at: Place
    kind: Kind
    nth: int = 1
    times: int = 1
    match: str = ""
    condition: str = "INTERNAL_ERROR"
    sqlstate: str = "XX000"
    message: str = "The statement failed for no fault of its own."
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    seen: int = field(default=0, init=False)

    def hits(self, at: str, text: str) -> bool:
        """Count one request, and say whether it is hit."""
        if self.at != at or self.match.upper() not in text.upper():
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass
class Statement:
    """One statement request, as the server saw it.

    :ivar outcome: a key of `OUTCOMES`, or `not run`
    :ivar error: the error condition when the outcome is `error`
    :ivar fault: the kind of the planned fault that hit it; empty when none did
    """

    text: str
    user: str
    session_id: str
    query_id: str = ""
    outcome: str = "running"
    error: str | None = None
    fault: str = ""


@dataclass
class Login:
    """One attempt to open a session (`token`) or to get a token as a service principal (`client credentials`).

    :ivar user: empty when the token is nobody's
    :ivar outcome: `ok`, `refused`, or `not tried`
    :ivar fault: the kind of the planned fault that hit it; empty when none did
    """

    user: str
    method: str
    outcome: str = "not tried"
    fault: str = ""


class Operation:
    """A statement that was taken on.

    :ivar silent: let a time-out be a state without an error
    """

    def __init__(self, session: Session, statement: Statement, *, silent: bool) -> None:
        self.session = session
        self.statement = statement
        self.silent = silent
        self.done = threading.Event()
        self.cancelled = threading.Event()
        self.result = Result()
        self.error: SqlError | None = None
        self.started = time.time()
        self.ended: float | None = None
        self.fetched = False

    def wait(self, seconds: float) -> None:
        """Wait as a long statement does: until it is over, cancelled, or the statement time-out is reached."""
        limit = float(self.session.configuration.get("STATEMENT_TIMEOUT", 0)) or STATEMENT_SECONDS
        if self.cancelled.wait(min(seconds, limit)):
            raise _EndedError("canceled")
        if seconds > limit:
            if self.silent:
                raise _EndedError("timed out")
            # The SQLSTATE is what drivers know a time-out by; condition and text are not published.
            raise SqlError(
                "QUERY_EXECUTION_TIMEOUT_EXCEEDED",
                "57KD0",
                f"Statement execution exceeded timeout of {limit:g} seconds.",
            )


class _EndedError(Exception):
    """A statement was ended from outside; the text is its outcome."""


class _HttpError(Exception):
    """An answer by HTTP alone."""

    def __init__(self, status: int, code: str, message: str, headers: t.Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


class _NoAnswer(Exception):
    """The connection is reset instead of an answer."""


class _DatabricksHandler(Handler):
    """The wire protocols. What is done with a request is up to the double."""

    @property
    def double(self) -> DatabricksDouble:
        return t.cast(DatabricksDouble, self.server.double)

    def label(self) -> str:
        if not self.path.startswith("/sql/"):
            return super().label()
        return f"thrift {TBinaryProtocol(TMemoryBuffer(self.body())).readMessageBegin()[0]}"

    def answer(self) -> None:
        path, _mark, query = self.path.partition("?")
        try:
            if path == "/.well-known/databricks-config":
                self.reply_json({"oidc_endpoint": f"{self.double.url}/oidc", "workspace_id": NUMBER})
            elif path == "/oidc/.well-known/oauth-authorization-server":
                self.reply_json(self._endpoints())
            elif path == "/oidc/v1/token" and self.command == "POST":
                self._token()
            elif path == "/api/2.0/preview/scim/v2/Me" and self.command == "GET":
                self.reply_json({"userName": self._user()}, 200, {"X-Databricks-Org-Id": NUMBER})
            elif path == "/api/2.0/preview/scim/v2/ServicePrincipals" and self.command == "GET":
                self._service_principals(query)
            elif path == "/api/2.0/sql/history/queries" and self.command == "GET":
                self._history(query)
            elif self.command == "POST" and (match := re.fullmatch(r"/sql/1\.0/(?:warehouses|endpoints)/(\w+)", path)):
                self._thrift(match[1])
            else:
                raise _HttpError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{self.command} {path}'")
        except _HttpError as error:
            # Thrift clients look for the text in a header.
            headers = {"X-Databricks-Reason-Phrase": error.message, **error.headers}
            self.reply_json({"error_code": error.code, "message": error.message}, error.status, headers)
        except _NoAnswer:
            self.hang_up()

    def _service_principals(self, query: str) -> None:
        """Those whose display name contains a word; the one filter that is understood."""
        store = self.double.metastore
        if not store.is_admin(self._user()):
            raise _HttpError(403, "PERMISSION_DENIED", "Only admins can list service principals.")
        asked = urllib.parse.parse_qs(query).get("filter", [""])[0]
        found = re.fullmatch(r'displayName co "(\w+)"', asked)
        if found is None:
            raise _HttpError(400, "INVALID_PARAMETER_VALUE", f"The filter is not understood: {asked}")
        fitting = [
            {"applicationId": name, "displayName": title, "active": True}
            for name, title in sorted(store.titles.items())
            if found[1].lower() in title.lower()
        ]
        self.reply_json({"totalResults": len(fitting), "Resources": fitting})

    def _user(self) -> str:
        kind, _space, token = self.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            raise _HttpError(
                401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type for this API."
            )
        try:
            return self.double.metastore.sign_in(token)
        except SignInError as error:
            self.double.logins.append(Login("", "token", "refused"))
            raise _HttpError(403, "PERMISSION_DENIED", str(error)) from None

    def _history(self, query: str) -> None:
        user = self._user()
        fault = self.double.fault("history", query)
        self._play(fault)
        told = self.double.history(user, urllib.parse.parse_qs(query))
        if fault is not None and fault.kind == "lost":
            raise _NoAnswer
        if fault is not None and fault.kind == "slow":
            self.double.stopping.wait(fault.seconds)
        self.reply_json({"res": [{}]} if fault is not None and fault.kind == "error" else told)

    # OAuth for service principals

    def _endpoints(self) -> Json:
        base = f"{self.double.url}/oidc"
        return {
            "issuer": base,
            "authorization_endpoint": f"{base}/v1/authorize",
            "token_endpoint": f"{base}/v1/token",
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": ["all-apis"],
        }

    def _token(self) -> None:
        form = {key: values[-1] for key, values in urllib.parse.parse_qs(self.body().decode()).items()}
        kind, _space, pair = self.headers.get("Authorization", "").partition(" ")
        decoded = base64.b64decode(pair).decode() if kind == "Basic" else ""
        client, _colon, secret = decoded.partition(":") if decoded else (form.get("client_id", ""), "", "")
        secret = urllib.parse.unquote(secret) or form.get("client_secret", "")
        login = Login(client, "client credentials", "refused")
        self.double.logins.append(login)
        if form.get("grant_type") != "client_credentials":
            self.reply_json({"error": "unsupported_grant_type"}, 400)
            return
        try:
            token = self.double.metastore.issue(client, secret, self.double.token_seconds)
        except SignInError as error:
            self.reply_json({"error": "invalid_client", "error_description": str(error)}, 401)
            return
        login.outcome = "ok"
        scope = form.get("scope", "all-apis")
        self.reply_json(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": int(self.double.token_seconds),
                "scope": scope,
            }
        )

    # Thrift

    def _thrift(self, warehouse: str) -> None:
        user = self._user()
        self.double.require_warehouse(warehouse)
        protocol = TBinaryProtocol(TMemoryBuffer(self.body()))
        name, _type, number = protocol.readMessageBegin()
        answered = TMemoryBuffer()
        out = TBinaryProtocol(answered)
        method = getattr(self, f"_thrift_{name}", None)
        if method is None:
            error = TApplicationException(TApplicationException.UNKNOWN_METHOD, f"Unknown function {name}")
            out.writeMessageBegin(name, TMessageType.EXCEPTION, number)
            error.write(out)
        else:
            arguments = getattr(TCLIService, f"{name}_args")()
            arguments.read(protocol)
            protocol.readMessageEnd()
            answer = method(user, arguments.req)
            out.writeMessageBegin(name, TMessageType.REPLY, number)
            getattr(TCLIService, f"{name}_result")(success=answer).write(out)
        out.writeMessageEnd()
        self.reply(200, answered.getvalue(), "application/x-thrift")

    def _play(self, fault: Fault | None) -> None:
        """Break off if the fault says so; else nothing."""
        if fault is None or fault.kind not in ("http", "reset"):
            return
        if fault.kind == "reset":
            raise _NoAnswer
        headers = {"X-Thriftserver-Error-Message": fault.message, **fault.headers}
        raise _HttpError(fault.status, "TEMPORARILY_UNAVAILABLE", fault.message, headers)

    def _thrift_OpenSession(self, user: str, request: t.Any) -> t.Any:
        login = Login(user, "token")
        self.double.logins.append(login)
        fault = self.double.fault("session", user)
        login.fault = fault.kind if fault else ""
        self._play(fault)
        version = ttypes.TProtocolVersion.SPARK_CLI_SERVICE_PROTOCOL_V7
        try:
            if fault is not None:
                time.sleep(fault.seconds)
                if fault.kind == "error":
                    raise SqlError(fault.condition, fault.sqlstate, fault.message)
            session = self.double.open_session(user, request.initialNamespace, request.configuration or {})
        except SqlError as error:
            login.outcome = "refused"
            return ttypes.TOpenSessionResp(status=_bad(error), serverProtocolVersion=version)
        login.outcome = "ok"
        if fault is not None and fault.kind == "lost":
            raise _NoAnswer
        handle = ttypes.TSessionHandle(sessionId=_identifier(session.session_id), serverProtocolVersion=version)
        return ttypes.TOpenSessionResp(
            status=_ok(),
            serverProtocolVersion=version,
            sessionHandle=handle,
            configuration={},
            initialNamespace=ttypes.TNamespace(catalogName=session.catalog, schemaName=session.schema),
            canUseMultipleCatalogs=True,
        )

    def _thrift_CloseSession(self, user: str, request: t.Any) -> t.Any:
        session = self._session(user, request.sessionHandle.sessionId)
        self.double.close_session(session)
        return ttypes.TCloseSessionResp(status=_ok())

    def _thrift_ExecuteStatement(self, user: str, request: t.Any) -> t.Any:
        session = self._session(user, request.sessionHandle.sessionId)
        text = request.statement
        look = text.startswith("/* community.immuta/preflight */")
        fault = self.double.fault("look" if look else "statement", text)
        statement = Statement(text, user, session.session_id)
        statement.fault = fault.kind if fault else ""
        (self.double.looks if look else self.double.statements).append(statement)
        if fault is not None and fault.kind in ("http", "reset"):
            statement.outcome = "not run"
        self._play(fault)
        operation = self.double.submit(session, statement, fault)
        if fault is not None and fault.kind == "lost":
            if not fault.seconds:
                operation.done.wait()
            raise _NoAnswer
        answer = ttypes.TExecuteStatementResp(
            status=_ok(),
            operationHandle=ttypes.TOperationHandle(
                operationId=_identifier(statement.query_id),
                operationType=ttypes.TOperationType.EXECUTE_STATEMENT,
                hasResultSet=True,
            ),
        )
        if request.getDirectResults is not None and operation.done.wait(DIRECT):
            answer.directResults = ttypes.TSparkDirectResults(operationStatus=_state(operation))
            if statement.outcome == "ok":
                answer.directResults.resultSetMetadata = _metadata(operation.result)
                answer.directResults.resultSet = _rows(operation)
                answer.directResults.closeOperation = ttypes.TCloseOperationResp(status=_ok())
        return answer

    def _thrift_GetOperationStatus(self, user: str, request: t.Any) -> t.Any:
        operation = self._operation(user, request.operationHandle)
        fault = self.double.fault("poll", operation.statement.text)
        self._play(fault)
        if fault is not None and fault.kind == "lost":
            raise _NoAnswer
        if fault is not None and fault.kind == "error":
            return ttypes.TGetOperationStatusResp(status=_bad(SqlError(fault.condition, fault.sqlstate, fault.message)))
        operation.done.wait(POLL if fault is None else fault.seconds)
        return _state(operation)

    def _thrift_GetResultSetMetadata(self, user: str, request: t.Any) -> t.Any:
        return _metadata(self._operation(user, request.operationHandle).result)

    def _thrift_FetchResults(self, user: str, request: t.Any) -> t.Any:
        return _rows(self._operation(user, request.operationHandle))

    def _thrift_CancelOperation(self, user: str, request: t.Any) -> t.Any:
        operation = self._operation(user, request.operationHandle)
        operation.cancelled.set()
        return ttypes.TCancelOperationResp(status=_ok())

    def _thrift_CloseOperation(self, user: str, request: t.Any) -> t.Any:
        self._operation(user, request.operationHandle).cancelled.set()
        return ttypes.TCloseOperationResp(status=_ok())

    def _session(self, user: str, identifier: t.Any) -> Session:
        session = self.double.open.get(str(uuid.UUID(bytes=identifier.guid)))
        if session is None or session.user != user:
            raise _gone("SessionHandle")
        return session

    def _operation(self, user: str, handle: t.Any) -> Operation:
        operation = self.double.operations.get(str(uuid.UUID(bytes=handle.operationId.guid)))
        if operation is None or operation.session.user != user:
            raise _gone("OperationHandle")
        return operation


def _gone(handle: str) -> _HttpError:
    message = f"Invalid {handle}"
    return _HttpError(404, "RESOURCE_DOES_NOT_EXIST", message, {"X-Thriftserver-Error-Message": message})


class DatabricksDouble(Double):
    """A stand-in Databricks workspace with one SQL warehouse.

    :param metastore: the metastore's state; by default `Metastore.example()`
    :param warehouse: the warehouse's id
    :ivar statements: every statement request so far, but those of `looks`
    :ivar looks: what came from a session that only looks
    :ivar sessions: every session so far, by its id; those in `open` can still be used
    :ivar logins: every sign-in so far
    :ivar faults: the planned mishaps; append to it
    :ivar silent_timeouts: end the statements that time out in a state of its own, without an error, as clusters do
    :ivar token_seconds: how long the tokens of service principals live that are given out from now on
    """

    handler = _DatabricksHandler

    def __init__(
        self,
        metastore: Metastore | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        warehouse: str = "abc",
        renew: t.Callable[[], Metastore] = Metastore.example,
    ) -> None:
        super().__init__(host, port)
        self.warehouse = warehouse
        self._renew = renew
        self._lock = threading.RLock()
        self._forget(metastore or renew())

    def _forget(self, metastore: Metastore) -> None:
        with self._lock:
            self.metastore = metastore
            self.statements: list[Statement] = []
            self.looks: list[Statement] = []
            self.logins: list[Login] = []
            self.faults: list[Fault] = []
            self.sessions: dict[str, Session] = {}
            self.open: dict[str, Session] = {}
            self.operations: dict[str, Operation] = {}
            self.silent_timeouts = False
            self.token_seconds = TOKEN_SECONDS
            self._refusals = 0.0
            self._starts_at = 0.0

    def environment(self, token: str) -> dict[str, str]:
        """The variables of the environment with which the owner of a token signs in here."""
        return {"DATABRICKS_HOST": self.url, "DATABRICKS_WAREHOUSE_ID": self.warehouse, "DATABRICKS_TOKEN": token}

    def reset(self) -> None:
        """Start over with a fresh metastore: no session, no record, no planned fault, the warehouse running."""
        self._forget(self._renew())

    @property
    def http_path(self) -> str:
        """What the connector takes as `http_path`."""
        return f"/sql/1.0/warehouses/{self.warehouse}"

    @property
    def uri(self) -> str:
        """What the connector takes as `_connection_uri`: it alone lets it go without TLS."""
        return self.url + self.http_path

    def views(self) -> dict[str, View]:
        return {
            "state": self.metastore.snapshot,
            "statements": lambda: [asdict(statement) for statement in self.statements],
            "looks": lambda: [asdict(statement) for statement in self.looks],
            "sessions": lambda: [
                {
                    "session_id": key,
                    "user": session.user,
                    "catalog": session.catalog,
                    "schema": session.schema,
                    "configuration": session.configuration,
                    "open": key in self.open,
                }
                for key, session in self.sessions.items()
            ],
            "logins": lambda: [asdict(login) for login in self.logins],
        }

    def orders(self) -> dict[str, Order]:
        return {
            "faults": lambda body: self.faults.extend([Fault(**fields) for fields in body]),
            "reset": lambda body: self.reset(),
            "stop_warehouse": lambda body: self.stop_warehouse(**(body or {})),
        }

    def fault(self, at: Place, text: str) -> Fault | None:
        """Count a request in every planned fault; the first that hits it is played."""
        with self._lock:
            hits = [fault for fault in self.faults if fault.hits(at, text)]
        return hits[0] if hits else None

    # The warehouse

    def stop_warehouse(self, *, requests: int | None = None, seconds: float | None = None) -> None:
        """Let the warehouse be stopped, and the next request start it; it may never come up.

        :param requests: this many requests are refused until it runs
        :param seconds: it runs so long from now
        """
        self._refusals = float("inf") if requests is None and seconds is None else float(requests or 0)
        self._starts_at = 0.0 if seconds is None else time.monotonic() + seconds

    def require_warehouse(self, warehouse: str) -> None:
        """Raise unless there is such a warehouse, and it runs."""
        if warehouse != self.warehouse:
            message = f"SQL warehouse {warehouse} does not exist."
            raise _HttpError(404, "RESOURCE_DOES_NOT_EXIST", message, {"X-Thriftserver-Error-Message": message})
        with self._lock:
            starting = self._refusals > 0 or time.monotonic() < self._starts_at
            self._refusals = max(0.0, self._refusals - 1)
        if starting:
            message = "TEMPORARILY_UNAVAILABLE: The warehouse is starting."
            raise _HttpError(
                503, "TEMPORARILY_UNAVAILABLE", message, {"X-Thriftserver-Error-Message": message, "Retry-After": "1"}
            )

    # Sessions

    def open_session(self, user: str, namespace: t.Any, configuration: t.Mapping[str, str]) -> Session:
        """Open a session.

        :param namespace: the initial catalog and schema, or None
        :raises SqlError: the catalog or schema isn't there, or may not be used
        """
        with self._lock:
            session = Session(self.metastore, user, str(uuid.uuid4()))
            session.configuration = {key.upper(): value for key, value in configuration.items()}
            if namespace is not None:
                session.use(
                    (namespace.catalogName or session.catalog).lower(), (namespace.schemaName or "default").lower()
                )
            self.sessions[session.session_id] = self.open[session.session_id] = session
            return session

    def close_session(self, session: Session) -> None:
        """End a session, and the statements that run in it."""
        with self._lock:
            self.open.pop(session.session_id, None)
            for operation in self.operations.values():
                if operation.session is session:
                    operation.cancelled.set()

    # Statements

    def submit(self, session: Session, statement: Statement, fault: Fault | None) -> Operation:
        """Take a statement on and run it in the background."""
        statement.query_id = str(uuid.uuid4())
        operation = Operation(session, statement, silent=self.silent_timeouts)
        with self._lock:
            self.operations[statement.query_id] = operation
        threading.Thread(target=self._run, args=(operation, fault), daemon=True).start()
        return operation

    def _run(self, operation: Operation, fault: Fault | None) -> None:
        statement = operation.statement
        try:
            if fault is not None:
                operation.wait(fault.seconds)
                if fault.kind == "error":
                    raise SqlError(fault.condition, fault.sqlstate, fault.message)
            with self._lock:
                operation.result = operation.session.execute(statement.text)
                statement.outcome = "ok"
        except SqlError as error:
            operation.error = error
            statement.outcome, statement.error = "error", error.condition
        except _EndedError as ended:
            statement.outcome = str(ended)
        finally:
            operation.ended = time.time()
            operation.done.set()

    def history(self, user: str, asked: t.Mapping[str, list[str]]) -> Json:
        """What the query history tells: the newest first, of other users' nothing but to admins."""

        def among(name: str, value: str) -> bool:
            return value in asked.get(f"filter_by.{name}", [value])

        def bound(name: str, default: float) -> float:
            return float(asked.get(f"filter_by.query_start_time_range.{name}", [str(default)])[0])

        with self._lock:
            told = [self._told(operation) for operation in reversed(self.operations.values())]
        admin = self.metastore.is_admin(user)
        found = [
            entry
            for entry in told
            if (admin or entry["user_name"] == user)
            and among("statement_ids", entry["query_id"])
            and among("warehouse_ids", entry["warehouse_id"])
            and among("statuses", entry["status"])
            and bound("start_time_ms", 0) <= entry["query_start_time_ms"] <= bound("end_time_ms", float("inf"))
        ]
        start = int(asked.get("page_token", ["0"])[0])
        size = int(asked.get("max_results", ["100"])[0])
        page: Json = {"res": found[start : start + size], "has_next_page": len(found) > start + size}
        if page["has_next_page"]:
            page["next_page_token"] = str(start + size)
        return page

    def _told(self, operation: Operation) -> Json:
        statement = operation.statement
        told: Json = {
            "query_id": statement.query_id,
            "status": OUTCOMES[statement.outcome][1],
            "query_text": statement.text,
            "query_start_time_ms": int(operation.started * 1000),
            "user_name": statement.user,
            "executed_as_user_name": statement.user,
            "warehouse_id": self.warehouse,
            "endpoint_id": self.warehouse,
            "session_id": statement.session_id,
            "is_final": operation.done.is_set(),
        }
        if operation.ended is not None:
            told |= {
                "query_end_time_ms": int(operation.ended * 1000),
                "execution_end_time_ms": int(operation.ended * 1000),
            }
        if operation.error is not None:
            told["error_message"] = operation.error.message
        return told


def _ok() -> t.Any:
    return ttypes.TStatus(statusCode=ttypes.TStatusCode.SUCCESS_STATUS)


def _bad(error: SqlError) -> t.Any:
    return ttypes.TStatus(
        statusCode=ttypes.TStatusCode.ERROR_STATUS,
        sqlState=error.state,
        errorMessage=error.message,
        displayMessage=error.message,
    )


def _identifier(key: str) -> t.Any:
    return ttypes.THandleIdentifier(guid=uuid.UUID(key).bytes, secret=b"0" * 16)


def _state(operation: Operation) -> t.Any:
    state = ttypes.TGetOperationStatusResp(status=_ok(), operationState=OUTCOMES[operation.statement.outcome][0])
    if operation.error is not None:
        state.sqlState = operation.error.state
        state.errorMessage = state.displayMessage = operation.error.message
        state.diagnosticInfo = f"org.apache.hive.service.cli.HiveSQLException: {operation.error.message}"
    return state


def _type(result: Result, index: int) -> t.Any:
    kinds = {type(row[index]) for row in result.rows} - {type(None)}
    known = {
        bool: ttypes.TTypeId.BOOLEAN_TYPE,
        int: ttypes.TTypeId.INT_TYPE,
        float: ttypes.TTypeId.DOUBLE_TYPE,
    }
    return known.get(kinds.pop(), ttypes.TTypeId.STRING_TYPE) if len(kinds) == 1 else ttypes.TTypeId.STRING_TYPE


def _metadata(result: Result) -> t.Any:
    # A statement without rows still describes one column.
    columns = result.columns or ["Result"]
    types = [
        ttypes.TTypeDesc([ttypes.TTypeEntry(primitiveEntry=ttypes.TPrimitiveTypeEntry(_type(result, index)))])
        for index in range(len(columns))
    ]
    return ttypes.TGetResultSetMetadataResp(
        status=_ok(),
        resultFormat=ttypes.TSparkRowSetType.COLUMN_BASED_SET,
        lz4Compressed=False,
        isStagingOperation=False,
        schema=ttypes.TTableSchema(
            [
                ttypes.TColumnDesc(name, kind, index + 1)
                for index, (name, kind) in enumerate(zip(columns, types, strict=True))
            ]
        ),
    )


def _rows(operation: Operation) -> t.Any:
    result = operation.result
    rows = [] if operation.fetched else result.rows
    operation.fetched = True
    return ttypes.TFetchResultsResp(
        status=_ok(),
        hasMoreRows=False,
        resultSetMetadata=_metadata(result),
        results=ttypes.TRowSet(
            startRowOffset=0,
            rows=[],
            columns=[
                _column(_type(result, index), [row[index] for row in rows]) for index in range(len(result.columns) or 1)
            ],
        ),
    )


def _column(kind: t.Any, values: list[t.Any]) -> t.Any:
    """A column of values; a bit of the mask, lowest first, says which are null."""
    mask = bytearray((len(values) + 7) // 8)
    for index, value in enumerate(values):
        if value is None:
            mask[index // 8] |= 1 << index % 8
    ids = ttypes.TTypeId
    if kind == ids.BOOLEAN_TYPE:
        return ttypes.TColumn(boolVal=ttypes.TBoolColumn([bool(value) for value in values], bytes(mask)))
    if kind == ids.INT_TYPE:
        return ttypes.TColumn(i32Val=ttypes.TI32Column([value or 0 for value in values], bytes(mask)))
    if kind == ids.DOUBLE_TYPE:
        return ttypes.TColumn(doubleVal=ttypes.TDoubleColumn([value or 0.0 for value in values], bytes(mask)))
    return ttypes.TColumn(stringVal=ttypes.TStringColumn([str(value or "") for value in values], bytes(mask)))


def main() -> None:
    """The command line."""
    parser = command_line("A stand-in Databricks SQL warehouse for tests.")
    parser.add_argument("--token-env", metavar="NAME", help="environment variable that holds the deployer's token")
    options = parser.parse_args()
    known = {"token": os.environ[options.token_env]} if options.token_env else {}
    serve(
        DatabricksDouble(host=options.host, port=options.port, renew=functools.partial(Metastore.example, **known)),
        options.ready_file,
    )


if __name__ == "__main__":
    main()
