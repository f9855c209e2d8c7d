# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in Snowflake that the unmodified snowflake-connector-python signs in to and runs statements on.

This file speaks the wire protocol and plays the planned faults; `snowflake_account` is what there is, `snowflake_sql`
what statements do to it. In a test:

    with SnowflakeDouble(Account.example()) as double:
        snowflake.connector.connect(host=double.host, port=double.port, protocol="http", account="example", ...)

From a shell: `python snowflake_server.py --port 0 --ready-file FILE`. Over HTTP, besides what every stand-in has:
GET /_double/state, statements, logins; POST /_double/faults (a list of `Fault` fields), reset, detach (`attempts` or
`seconds`), shutdown.
"""

from __future__ import annotations

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

if __name__ == "__main__" and not __package__:
    # Run by path: the files beside this one are found under a package name of their own.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    __package__ = "doubles"

from .plumbing import Double, Handler, Order, View, command_line, serve
from .snowflake_account import Account, SignInError, SqlError
from .snowflake_sql import Query, Result, Session

Json = dict[str, t.Any]
Place = t.Literal["login", "statement", "look"]
Kind = t.Literal["error", "http", "reset", "lost", "slow"]


@dataclass
class Fault:
    """One planned mishap. A client's retry is a request of its own, so by default it goes well.

    :ivar at: `login`, `statement`, or `look`
    :ivar kind: `error`: refused with `code`, `sqlstate` and `message`; `http`: answered with `status` and nothing done;
        `reset`: the connection is reset and nothing done; `lost`: done, and the connection reset instead of an answer;
        `slow`: done after `seconds`
    :ivar nth: the first request that is hit, counting from 1 those at this place whose text holds `match`
    :ivar times: how many requests in a row are hit
    :ivar match: part of the statement's text, in any case; for a login of the user's name
    :ivar seen: how many requests have been counted so far
    """

    at: Place
    kind: Kind
    nth: int = 1
    times: int = 1
    match: str = ""
    code: int = 603
    sqlstate: str = "XX000"
    message: str = "SQL execution internal error:\nProcessing aborted by error 300002:0."
    status: int = 503
    seconds: float = 0.0
    seen: int = field(default=0, init=False)

    @classmethod
    def login_refused(cls, times: int = 1) -> Fault:
        """The next sign-in finds the password wrong."""
        return cls("login", "error", times=times, code=390100, message="Incorrect username or password was specified.")

    @classmethod
    def account_locked(cls, times: int = 1) -> Fault:
        """The next sign-in finds the user locked."""
        return cls("login", "error", times=times, code=390102, message="Your user account has been temporarily locked.")

    def hits(self, at: str, text: str) -> bool:
        """Count one request, and say whether it is hit."""
        if self.at != at or self.match.upper() not in text.upper():
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass
class Statement:
    """One statement request, as the server saw it.

    :ivar outcome: `ok`; `error`; `repeat`: same request id as before, answered with the first one's result; `not run`
    :ivar error: Snowflake's error number when the outcome is `error`
    :ivar fault: the kind of the planned fault that hit it; empty when none did
    """

    text: str
    user: str
    role: str
    session_id: int
    query_id: str
    query_tag: str
    request_id: str
    outcome: str = "running"
    error: int | None = None
    fault: str = ""


@dataclass
class Login:
    """One sign-in.

    :ivar outcome: `ok`; `refused`, with the number in `error`; `not tried`
    :ivar fault: the kind of the planned fault that hit it; empty when none did
    """

    user: str
    authenticator: str
    outcome: str = "not tried"
    error: int | None = None
    fault: str = ""


class _Slot:
    """The answer to one request id: made once, waited for by every retry."""

    def __init__(self, query_id: str) -> None:
        self.query_id = query_id
        self.ready = threading.Event()
        self.answer: Json = {}


class _SnowflakeHandler(Handler):
    """The wire protocol. What is done with a request is up to the double."""

    @property
    def double(self) -> SnowflakeDouble:
        return t.cast(SnowflakeDouble, self.server.double)

    def label(self) -> str:
        path = self.path.partition("?")[0]
        if path != "/queries/v1/query-request":
            return super().label()
        return "statement " + " ".join(str(self.json()["sqlText"]).split()[:3])

    def answer(self) -> None:
        path, _mark, query = self.path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        if path == "/session/v1/login-request":
            self._login(asked)
            return
        if path == "/telemetry/send":
            self._ok(None)
            return
        session = self.double.session_of(self.headers.get("Authorization", ""))
        if session is None:
            self._refuse(390111, "Session no longer exists.  New login required to access the service.")
        elif path == "/queries/v1/query-request":
            self._statement(session, asked)
        elif path == "/queries/v1/abort-request":
            session.cancelled.set()
            self._ok(None)
        elif path == "/session/heartbeat":
            self._ok(None)
        elif path == "/session" and asked.get("delete") == "true":
            self.double.close_session(session)
            self._ok(None)
        elif path == "/session/token-request":
            self._ok(self.double.tokens(session))
        elif match := re.fullmatch(r"/queries/([\w-]+)/result", path):
            self._result(match[1])
        elif match := re.fullmatch(r"/monitoring/queries/+([\w-]+)", path):
            self._ok({"queries": self.double.monitor(session, match[1])})
        else:
            self.reply(404)

    def _ok(self, data: t.Any) -> None:
        self.reply_json({"data": data, "code": None, "message": None, "success": True})

    def _refuse(self, code: int, message: str) -> None:
        self.reply_json({"data": None, "code": f"{code:06d}", "message": message, "success": False})

    def _login(self, asked: dict[str, str]) -> None:
        data = self.json()["data"]
        authenticator = str(data.get("AUTHENTICATOR") or "SNOWFLAKE").upper()
        login = Login(str(data.get("LOGIN_NAME", "")).upper(), authenticator)
        self.double.logins.append(login)
        fault = self.double.fault("login", login.user)
        if fault is not None:
            login.fault = fault.kind
            if fault.kind in ("http", "reset"):
                self._break_off(fault)
                return
            time.sleep(fault.seconds)
        try:
            if fault is not None and fault.kind == "error":
                raise SignInError(fault.code, fault.message)
            answer = self.double.sign_in(data, authenticator, asked)
        except SignInError as error:
            login.outcome, login.error = "refused", error.code
            self._refuse(error.code, error.message)
            return
        login.outcome = "ok"
        if fault is not None and fault.kind == "lost":
            self.hang_up()
            return
        self._ok(answer)

    def _statement(self, session: Session, asked: dict[str, str]) -> None:
        body = self.json()
        text, request_id = str(body["sqlText"]), asked.get("requestId", "")
        fault = self.double.fault("look" if self.double.is_look(session, text) else "statement", text)
        if fault is not None and fault.kind in ("http", "reset"):
            self.double.note(session, text, request_id, fault=fault.kind, outcome="not run")
            self._break_off(fault)
            return
        background = bool(body.get("asyncExec"))
        slot = self.double.submit(session, text, request_id, fault, background=background)
        if background:
            self._in_progress(slot.query_id)
            return
        slot.ready.wait()
        if fault is not None and fault.kind == "lost":
            self.hang_up()
            return
        self.reply_json(slot.answer)

    def _result(self, query_id: str) -> None:
        slot = self.double.slots.get(query_id)
        if slot is None:
            self._refuse(709, f"Statement {query_id} not found")
        elif slot.ready.wait(1.0):
            self.reply_json(slot.answer)
        else:
            self._in_progress(query_id)

    def _in_progress(self, query_id: str) -> None:
        data = {"queryId": query_id, "getResultUrl": f"/queries/{query_id}/result", "queryAbortsAfterSecs": 300}
        self.reply_json(
            {"data": {**data, "progressDesc": None}, "code": "333334", "message": "in progress", "success": True}
        )

    def _break_off(self, fault: Fault) -> None:
        if fault.kind == "reset":
            self.hang_up()
        else:
            self.reply(fault.status, b"<html>planned fault</html>", "text/html")


class SnowflakeDouble(Double):
    """A stand-in Snowflake account server.

    :param account: the account's state; by default `Account.example()`
    :ivar statements: every statement request so far, but those of `looks`
    :ivar looks: what asked where the session is, or came from a session that only looks
    :ivar logins: every sign-in so far
    :ivar faults: the planned mishaps; append to it
    """

    handler = _SnowflakeHandler

    def __init__(
        self,
        account: Account | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        renew: t.Callable[[], Account] = Account.example,
    ) -> None:
        super().__init__(host, port)
        self._renew = renew
        self._lock = threading.RLock()
        self._forget(account or renew())

    def _forget(self, account: Account) -> None:
        with self._lock:
            self.account = account
            self.statements: list[Statement] = []
            self.looks: list[Statement] = []
            self.logins: list[Login] = []
            self.faults: list[Fault] = []
            self.history: dict[str, Query] = {}
            self.slots: dict[str, _Slot] = {}
            self._by_request: dict[tuple[int, str], _Slot] = {}
            self._sessions: dict[str, Session] = {}
            self._running: dict[int, threading.Lock] = {}
            self._looking: set[int] = set()

    def environment(self, password: str) -> dict[str, str]:
        """The variables of the environment with which DEPLOYER signs in here."""
        return {
            "SNOWFLAKE_ACCOUNT": "example",
            "SNOWFLAKE_USER": "DEPLOYER",
            "SNOWFLAKE_PASSWORD": password,
            "SNOWFLAKE_HOST": self.host,
            "SNOWFLAKE_PORT": str(self.port),
            "SNOWFLAKE_PROTOCOL": "http",
        }

    def reset(self) -> None:
        """Start over with a fresh account: no session, no record, no planned fault."""
        self._forget(self._renew())

    def snapshot(self) -> t.Any:
        """What there is in the account now; after a reset in the new one."""
        return self.account.snapshot()

    def views(self) -> dict[str, View]:
        return {
            "state": self.snapshot,
            "statements": lambda: [asdict(statement) for statement in self.statements],
            "looks": lambda: [asdict(statement) for statement in self.looks],
            "logins": lambda: [asdict(login) for login in self.logins],
        }

    def orders(self) -> dict[str, Order]:
        return {
            "faults": lambda body: self.faults.extend([Fault(**fields) for fields in body]),
            "reset": lambda body: self.reset(),
            "detach": lambda body: self.account.detach_after(**body),
        }

    def fault(self, at: Place, text: str) -> Fault | None:
        """Count a request in every planned fault; the first that hits it is played."""
        with self._lock:
            hits = [fault for fault in self.faults if fault.hits(at, text)]
        return hits[0] if hits else None

    # Sessions

    @property
    def sessions(self) -> int:
        """How many sessions are open."""
        return len({session.session_id for session in self._sessions.values()})

    def sign_in(self, data: Json, authenticator: str, asked: dict[str, str]) -> Json:
        """Open a session for a login request.

        :raises SignInError: it is refused
        """
        with self._lock:
            if str(data.get("ACCOUNT_NAME", "")).upper() != self.account.name:
                raise SignInError(390100, "Incorrect username or password was specified.")
            secret = str(data.get("PASSWORD" if authenticator == "SNOWFLAKE" else "TOKEN") or "")
            user = self.account.sign_in(str(data["LOGIN_NAME"]), authenticator, secret)
            entity = self.account.entities["USER", (user,)]
            if entity.properties.get("DISABLED", "").upper() == "TRUE":
                raise SignInError(390101, "User access disabled. Contact your local system administrator.")
            role = asked.get("roleName", "").upper() or entity.properties.get("DEFAULT_ROLE", "PUBLIC")
            if role not in self.account.roles_of(user):
                raise SignInError(
                    390189,
                    f"Role '{role}' specified in the connect string is not granted to this user. Contact your local "
                    "system administrator, or attempt to login with another role, e.g. PUBLIC.",
                )
            session = Session(self.account, user, 1001 + len(self._running), role, self.history)
            # Snowflake lets a wrong warehouse or database pass at sign-in: the session has none then.
            for kind, key in (("WAREHOUSE", "warehouse"), ("DATABASE", "databaseName"), ("SCHEMA", "schemaName")):
                if name := asked.get(key, "").upper():
                    full = (str(session.database), name) if kind == "SCHEMA" else (name,)
                    if any(entity.name == full for entity in self.account.visible(session.roles, kind)):
                        setattr(session, kind.lower(), name)
            if session.database and not session.schema:
                session.schema = "PUBLIC"
            session.parameters.update({k.upper(): str(v) for k, v in (data.get("SESSION_PARAMETERS") or {}).items()})
            self._running[session.session_id] = threading.Lock()
            return {
                **self.tokens(session),
                "displayUserName": user,
                "serverVersion": "9.30.0",
                "firstLogin": False,
                "remMeToken": None,
                "remMeValidityInSeconds": 0,
                "healthCheckInterval": 45,
                "sessionId": session.session_id,
                "parameters": [
                    {"name": "AUTOCOMMIT", "value": True},
                    {"name": "CLIENT_TELEMETRY_ENABLED", "value": False},
                ],
                "sessionInfo": _context(session, "Name"),
                "idToken": None,
            }

    def tokens(self, session: Session) -> Json:
        """Fresh tokens of a session, at sign-in and when the client renews them."""
        token = uuid.uuid4().hex
        self._sessions[token] = session
        return {
            "token": token,
            "sessionToken": token,
            "masterToken": token,
            "validityInSeconds": 3600,
            "validityInSecondsST": 3600,
            "masterValidityInSeconds": 14400,
            "validityInSecondsMT": 14400,
            "sessionId": session.session_id,
        }

    def session_of(self, authorization: str) -> Session | None:
        """The session that a request's Authorization header means."""
        match = re.fullmatch(r'Snowflake Token="(\w+)"', authorization)
        return self._sessions.get(match[1]) if match else None

    def close_session(self, session: Session) -> None:
        """End a session; its tokens are worth nothing from now on."""
        with self._lock:
            session.roll_back()
            self._sessions = {token: other for token, other in self._sessions.items() if other is not session}

    # Statements

    def submit(self, session: Session, text: str, request_id: str, fault: Fault | None, *, background: bool) -> _Slot:
        """Run a statement; a request id that was seen in this session before is not run again."""
        with self._lock:
            slot = self._by_request.get((session.session_id, request_id)) if request_id else None
            if slot is not None:
                self.note(session, text, request_id, slot.query_id, fault=fault.kind if fault else "", outcome="repeat")
                return slot
            slot = _Slot(str(uuid.uuid4()))
            self.slots[slot.query_id] = slot
            self._by_request[session.session_id, request_id] = slot
            noted = self.note(session, text, request_id, slot.query_id, fault=fault.kind if fault else "")
            query = Query(slot.query_id, text, session.user, session.role, session.session_id, session.query_tag)
            self.history[slot.query_id] = query
        if background:
            threading.Thread(target=self._run, args=(session, query, noted, slot, fault), daemon=True).start()
        else:
            self._run(session, query, noted, slot, fault)
        return slot

    def note(
        self,
        session: Session,
        text: str,
        request_id: str,
        query_id: str = "",
        *,
        fault: str = "",
        outcome: str = "running",
    ) -> Statement:
        """Put a statement request into the record."""
        noted = Statement(
            text, session.user, session.role, session.session_id, query_id, session.query_tag, request_id, outcome
        )
        noted.fault = fault
        (self.looks if self.is_look(session, text) else self.statements).append(noted)
        return noted

    def is_look(self, session: Session, text: str) -> bool:
        """Whether a statement is none of a script: it asks where the session is, or comes from one that only looks.

        Such a session says so in its tag; that it can't set one changes nothing.
        """
        if text.startswith("ALTER SESSION SET QUERY_TAG = 'community.immuta/preflight'"):
            self._looking.add(session.session_id)
        tagged = session.session_id in self._looking or session.query_tag == "community.immuta/preflight"
        return tagged or text.startswith("SELECT CURRENT_ACCOUNT(), CURRENT_ACCOUNT_NAME()")

    def _run(self, session: Session, query: Query, noted: Statement, slot: _Slot, fault: Fault | None) -> None:
        with self._running[session.session_id]:
            session.cancelled.clear()
            try:
                if fault is not None and fault.kind == "slow":
                    session.wait(fault.seconds)
                if fault is not None and fault.kind == "error":
                    raise SqlError(fault.code, fault.sqlstate, fault.message)
                step = session.compiled(query.text)
                with self._lock:
                    query.result = step(session)
                query.status, noted.outcome = "SUCCESS", "ok"
                slot.answer = _good(session, query, query.result)
            except SqlError as error:
                query.status, query.error = "FAILED_WITH_ERROR", error
                noted.outcome, noted.error = "error", error.code
                slot.answer = _bad(query, error)
            finally:
                slot.ready.set()

    def monitor(self, session: Session, query_id: str) -> list[Json]:
        """What the monitoring API tells of a query: nothing about another user's."""
        query = self.history.get(query_id)
        if query is None or query.user != session.user:
            return []
        told: Json = {"id": query_id, "status": query.status, "state": query.status, "sqlText": query.text}
        if query.error is not None:
            told |= {"errorCode": f"{query.error.code:06d}", "errorMessage": query.error.message}
        return [told]


def _context(session: Session, suffix: str) -> Json:
    values = {"database": session.database, "schema": session.schema, "warehouse": session.warehouse}
    return {f"{key}{suffix}": value for key, value in {**values, "role": session.role}.items()}


def _good(session: Session, query: Query, result: Result) -> Json:
    text = {"type": "text", "length": 16777216, "byteLength": 16777216, "precision": None, "scale": None}
    where = {"database": "", "schema": "", "table": "", "nullable": True, "collation": None}
    final = {f"final{key[0].upper()}{key[1:]}": value for key, value in _context(session, "Name").items()}
    return {
        "data": {
            "parameters": [{"name": "TIMEZONE", "value": "Etc/UTC"}],
            "rowtype": [{"name": name, **text, **where} for name in result.columns],
            "rowset": result.rows,
            "total": len(result.rows),
            "returned": len(result.rows),
            "queryId": query.query_id,
            "databaseProvider": None,
            **final,
            "numberOfBinds": 0,
            "arrayBindSupported": False,
            "statementTypeId": result.type,
            "version": 1,
            "queryResultFormat": "json",
        },
        "message": None,
        "code": None,
        "success": True,
    }


def _bad(query: Query, error: SqlError) -> Json:
    return {
        "data": {
            "internalError": False,
            "errorCode": f"{error.code:06d}",
            "age": 0,
            "sqlState": error.state,
            "queryId": query.query_id,
            "line": -1,
            "pos": -1,
            "type": "COMPILATION",
        },
        "code": f"{error.code:06d}",
        "message": error.message,
        "success": False,
    }


def main() -> None:
    """The command line."""
    parser = command_line("A stand-in Snowflake account for tests.")
    parser.add_argument("--password-env", metavar="NAME", help="environment variable that holds DEPLOYER's password")
    parser.add_argument("--protecting", action="store_true", help="let a policy of Immuta still protect a table")
    parser.add_argument("--account", metavar="NAME", help="be another account than EXAMPLE, with this name and locator")
    options = parser.parse_args()
    known = {"password": os.environ[options.password_env]} if options.password_env else {}

    def renew() -> Account:
        account = Account.example(protecting=options.protecting, **known)
        if options.account:
            account.name = account.account_name = options.account.upper()
        return account

    serve(SnowflakeDouble(host=options.host, port=options.port, renew=renew), options.ready_file)


if __name__ == "__main__":
    main()
