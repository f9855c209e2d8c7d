# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A stand-in Immuta that holds every request and every reply against `immuta.openapi.yaml`.

This file speaks HTTP, records what it was asked and plays the planned faults; `immuta_contract` knows the description and
`immuta_tenant` what there is and what each operation does. In a test:

    with ImmutaDouble(State.example(), Variant(delete_reply="empty_204")) as double:
        requests.get(double.url + "/integrations", headers={"Authorization": "example-api-key"})

From a shell: `python immuta_server.py --port 0 --ready-file FILE`. Over HTTP, besides what every stand-in has:
GET /_double/requests, state, violations; POST /_double/faults (a list of `Fault` fields), variant (fields of `Variant`),
reset, shutdown.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import sys
import threading
import typing as t
from dataclasses import asdict, dataclass, field
from email.message import Message
from pathlib import Path
from urllib.parse import parse_qsl

if __name__ == "__main__" and not __package__:
    # Run by path: the files beside this one are found under a package name of their own.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    __package__ = "doubles"

from . import immuta_contract
from .immuta_registering import RegisteringTenant
from .immuta_tenant import (
    LOGIN_PAGE,
    ApiKey,
    Call,
    Connection,
    Integration,
    Permission,
    Reply,
    State,
    Tenant,
    Token,
    Variant,
)
from .plumbing import Double, Handler, Order, View, command_line, serve

__all__ = [
    "ApiKey",
    "Connection",
    "Fault",
    "FaultPlan",
    "ImmutaDouble",
    "Integration",
    "Permission",
    "Request",
    "State",
    "Token",
    "Variant",
    "Violation",
]

Kind = t.Literal["lost_answer", "reset_before", "status", "html", "truncated", "slow", "drip", "redirect"]
Scheme = t.Literal["none", "bare", "bearer", "other"]
# So many bytes more than there are, says the length of a truncated answer.
MISSING_BYTES = 64


@dataclass
class Fault:
    """One planned mishap. A client's retry is a request of its own, so by default it goes well.

    :ivar kind: `lost_answer`: done, then the connection is closed without an answer; `reset_before`: the connection is
        reset and nothing done; `status`: answered with `status`; `html`: 200 with a login page; `redirect`: 302 to
        `location`; `truncated`: done, and half of the answer sent; `slow`: done, and answered after `seconds`; `drip`:
        done, and answered byte by byte over `seconds`
    :ivar operation_id: only requests of this operation count
    :ivar method: only requests with this method count
    :ivar path: only requests whose raw path holds this count
    :ivar nth: the first of the counted requests that is hit, from 1
    :ivar times: how many in a row are hit
    :ivar retry_after: the header `Retry-After` of a `status`: seconds or an HTTP date
    :ivar done: whether the operation is done before a `status`, `html`, or `redirect`, as behind a proxy that gave up
    :ivar seen: how many requests have been counted so far
    """

    kind: Kind
    operation_id: str | None = None
    method: str | None = None
    path: str | None = None
    nth: int = 1
    times: int = 1
    status: int = 503
    retry_after: int | str | None = None
    seconds: float = 0.0
    location: str = ""
    done: bool = False
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in t.get_args(Kind):
            raise ValueError(f"there is no fault {self.kind!r}")
        self.done = self.done or self.kind in ("lost_answer", "truncated", "slow", "drip")

    def hits(self, operation_id: str | None, method: str, path: str) -> bool:
        """Count one request, and say whether it is hit."""
        if self.operation_id not in (None, operation_id) or self.method not in (None, method):
            return False
        if self.path is not None and self.path not in path:
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    @property
    def spent(self) -> bool:
        """Whether it has hit all that it should."""
        return self.seen >= self.nth + self.times - 1


class FaultPlan:
    """The planned faults. Each counts every request; the first that hits one is played."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, *faults: Fault) -> None:
        """Plan more."""
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._faults.clear()

    @property
    def pending(self) -> list[Fault]:
        """Those that have not hit all that they should."""
        with self._lock:
            return [one for one in self._faults if not one.spent]

    def take(self, operation_id: str | None, method: str, path: str) -> Fault | None:
        """Count one request in all of them, and return the one to play."""
        with self._lock:
            hits = [one for one in self._faults if one.hits(operation_id, method, path)]
        return hits[0] if hits else None


@dataclass(frozen=True)
class Request:
    """One request, as the server saw it; recorded when all that it does is done, just before it is answered.

    :ivar index: from 1
    :ivar path: raw, with the query
    :ivar operation_id: None when the description has no such operation
    :ivar body: the JSON, without an API key; the text when it is none; None when there was no body
    :ivar status: None when there is no answer
    :ivar connection: the number of the TCP connection, from 1
    :ivar authorization: in which form the key or token came
    :ivar fault: the kind of the planned fault that hit it; empty when none did
    :ivar done: whether it was done, whatever was answered
    """

    index: int
    method: str
    path: str
    operation_id: str | None
    body: t.Any
    status: int | None
    connection: int
    authorization: Scheme
    fault: Kind | t.Literal[""]
    done: bool


@dataclass(frozen=True)
class Violation:
    """A request or reply that the description does not allow.

    :ivar request: its index
    """

    request: int
    operation_id: str | None
    side: t.Literal["request", "reply"]
    message: str


class _ImmutaHandler(Handler):
    """One client connection. What is done with a request is up to the double."""

    _number: int | None = None

    def __getattr__(self, name: str) -> t.Any:
        # http.server looks for do_METHOD; a method that no operation has is to be recorded as well.
        if name.startswith("do_"):
            return self.do_GET
        raise AttributeError(name)

    @property
    def double(self) -> ImmutaDouble:
        return t.cast(ImmutaDouble, self.server.double)

    def answer(self) -> None:
        self._number = self._number or self.double.next_connection()
        reply, fault = self.double.handle(self.command, self.path, self.headers, self.body(), self._number)
        try:
            self._send(reply, fault)
        except OSError:
            # The client has gone, as it may during a slow answer.
            self.close_connection = True

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        if kind == "reset_before":
            self.hang_up()
        elif kind == "lost_answer":
            self.close_connection = True
        elif kind == "truncated":
            self._head(reply, len(reply.body) + MISSING_BYTES)
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.close_connection = True
        elif fault and kind == "drip":
            self._head(reply, len(reply.body))
            for byte in reply.body:
                self.wfile.flush()
                self.double.pause(fault.seconds / len(reply.body))
                self.wfile.write(bytes([byte]))
        else:
            if fault and kind == "slow":
                self.double.pause(fault.seconds)
            self.reply(reply.status, reply.body, reply.content_type, reply.headers)

    def _head(self, reply: Reply, length: int) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(length))
        self.end_headers()


class ImmutaDouble(Double):
    """A stand-in Immuta tenant server.

    :param state: what there is; by default `State.example()`
    :param variant: how it behaves; by default as documented
    :ivar faults: the planned faults
    :ivar requests: every request so far, but those of the control plane
    :ivar violations: every request and reply so far that broke the contract
    """

    handler = _ImmutaHandler

    def __init__(
        self,
        state: State | None = None,
        variant: Variant | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host, port)
        self._contract = immuta_contract.contract()
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._beginning = (copy.deepcopy(state or State.example()), copy.deepcopy(variant or Variant()))
        self._begin(state or copy.deepcopy(self._beginning[0]), variant or copy.deepcopy(self._beginning[1]))

    def _begin(self, state: State, variant: Variant) -> None:
        with self._lock:
            self.state = state
            self.variant = variant
            self.faults = FaultPlan()
            self.requests: list[Request] = []
            self.violations: list[Violation] = []

    def reset(self) -> None:
        """Start over: the state and the variant of the start, no record, no planned fault."""
        self._begin(*copy.deepcopy(self._beginning))

    def views(self) -> dict[str, View]:
        return {
            "requests": lambda: [asdict(one) for one in self.requests],
            "state": self._snapshot,
            "violations": lambda: [asdict(one) for one in self.violations],
        }

    def orders(self) -> dict[str, Order]:
        return {
            "faults": lambda body: self.faults.add(*[Fault(**fields) for fields in body]),
            "variant": self._vary,
            "reset": lambda body: self.reset(),
        }

    def _snapshot(self) -> t.Any:
        with self._lock:
            self.state.settle()
            return self.state.snapshot()

    def _vary(self, fields: t.Any) -> None:
        with self._lock:
            self.variant = Variant(**{**asdict(self.variant), **fields})

    def next_connection(self) -> int:
        """The number of a new client connection."""
        return next(self._numbers)

    def pause(self, seconds: float) -> None:
        """Wait, but not past the end of the server."""
        self.stopping.wait(seconds)

    def handle(
        self, method: str, target: str, headers: Message, body: bytes, connection: int
    ) -> tuple[Reply, Fault | None]:
        """Do what a request asks, record it, and return the answer and the fault to play while it is sent.

        :param target: the raw path, with the query
        """
        path, _mark, query = target.partition("?")
        found = self._contract.find(method, path)
        operation = found[0] if found else None
        name = operation.name if operation else None
        authorization = headers.get("Authorization", "")
        asked = immuta_contract.Request(
            method.lower(), path, query, body or None, headers.get("Content-Type", "").lower(), authorization
        )
        with self._lock:
            index = len(self.requests) + 1
            fault = self.faults.take(name, method, target)
            tenant = RegisteringTenant(self.state, self.variant)
            wrong = self._contract.check_request(operation, asked) if operation else "no such operation"
            if wrong and not immuta_contract.PROBED.fullmatch(f"{method} {path}"):
                self._violate(index, name, "request", wrong)
            done = False
            if fault and not fault.done:
                reply = self._planned(tenant, fault)
            else:
                reply = tenant.misled(path) or self._answer(tenant, found, wrong, asked, authorization)
                done = reply.status < 300
                if fault and fault.kind in ("status", "html", "redirect"):
                    reply = self._planned(tenant, fault)
            if operation and not reply.outside:
                reply = self._checked(index, operation, asked, tenant, reply)
            answered = fault is None or fault.kind not in ("lost_answer", "reset_before")
            self.requests.append(
                Request(
                    index,
                    method,
                    target,
                    name,
                    _readable(self.state.redact(body.decode("utf-8", "replace"))),
                    reply.status if answered else None,
                    connection,
                    _scheme(authorization),
                    fault.kind if fault else "",
                    done,
                )
            )
        return reply, fault

    def _answer(
        self,
        tenant: Tenant,
        found: tuple[immuta_contract.Operation, dict[str, str]] | None,
        wrong: str,
        asked: immuta_contract.Request,
        authorization: str,
    ) -> Reply:
        if found is None:
            allowed = ", ".join(self._contract.methods(asked.path))
            return (
                tenant.error(405, "Method Not Allowed", {"Allow": allowed})
                if allowed
                else tenant.error(404, "Not Found")
            )
        if wrong:
            return tenant.error(400, tenant.state.redact(wrong))
        operation, parameters = found
        body = json.loads(asked.body) if asked.body else None
        parameter = next(iter(parameters.values()), asked.query.partition("=")[2])
        return tenant.answer(Call(operation.name, parameter, body, authorization, dict(parse_qsl(asked.query))))

    @staticmethod
    def _planned(tenant: Tenant, fault: Fault) -> Reply:
        """The answer of a fault that takes the place of Immuta's own."""
        if fault.kind == "html":
            return LOGIN_PAGE
        if fault.kind == "redirect":
            return Reply(302, headers={"Location": fault.location}, outside=True)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return tenant.error(fault.status, "A planned fault", headers)

    def _checked(
        self,
        index: int,
        operation: immuta_contract.Operation,
        asked: immuta_contract.Request,
        tenant: Tenant,
        reply: Reply,
    ) -> Reply:
        """The reply, or 500 when the description does not allow it."""
        answer = immuta_contract.Response(reply.status, reply.body or None, reply.content_type)
        wrong = self._contract.check_response(operation, asked, answer)
        if not wrong:
            return reply
        self._violate(index, operation.name, "reply", wrong)
        return tenant.error(500, "The stand-in was about to break the contract")

    def _violate(self, index: int, name: str | None, side: t.Literal["request", "reply"], message: str) -> None:
        self.violations.append(Violation(index, name, side, self.state.redact(message)))


def _readable(body: str) -> t.Any:
    """A request's body for the record."""
    if not body:
        return None
    try:
        value = json.loads(body)
    except ValueError:
        return body
    return {**value, "apikey": "***"} if isinstance(value, dict) and "apikey" in value else value


def _scheme(authorization: str) -> Scheme:
    if not authorization:
        return "none"
    scheme, _blank, _secret = authorization.rpartition(" ")
    return "bearer" if scheme == "Bearer" else "other" if scheme else "bare"


def main() -> None:
    """The command line."""
    parser = command_line("A stand-in Immuta tenant for tests.")
    parser.add_argument("--connection-key", default="prod snowflake", help="key of the Snowflake connection")
    parser.add_argument(
        "--api-key-env", metavar="NAME", help="environment variable that holds the administrator's API key"
    )
    parser.add_argument("--variant", metavar="JSON", default="{}", help="an object with fields of Variant")
    options = parser.parse_args()
    known = {"api_key": os.environ[options.api_key_env]} if options.api_key_env else {}
    variant = Variant(**json.loads(options.variant))
    double = ImmutaDouble(State.example(options.connection_key, **known), variant, options.host, options.port)
    serve(double, options.ready_file)


if __name__ == "__main__":
    main()
