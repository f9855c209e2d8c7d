# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent again, as a table: every operation, every fault, every attempt, on real servers and proxies.

The clock, the waiting, and its jitter are ours. What the table says to people stands in docs/architecture.md, and is compared.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import email.utils
import itertools
import socket
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import client as client_module
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import OPERATIONS, Effect, Operation
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Settings
from ansible_collections.community.immuta.tests.unit.plugins.module_utils._immuta.rough import (
    Authority,
    Peer,
    Rough,
    always,
    good,
    proxy,
    tls,
    wire,
)

DOCUMENT = Path(__file__).parents[5] / "docs" / "architecture.md"
RETRIES = 2
# Seconds before the first, second repetition, with the jitter 1.
PAUSES = [0.5, 1.0]
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
PARAMETERS: dict[str, dict[str, t.Any]] = {
    "exchangeApiKey": {"body": {"apikey": "key"}},
    "getIntegration": {"integration_id": 5},
    "renderCleanupScript": {"integration_id": 5},
    "regenerateCleanupScript": {"body": {"type": "Snowflake", "autoBootstrap": False, "config": {}}},
    "renderSetupScript": {"body": {"type": "Snowflake", "autoBootstrap": False, "config": {}}},
    "renderEditScript": {"integration_id": 5, "body": {"type": "Snowflake", "autoBootstrap": False, "config": {}}},
    "getConnection": {"connection_key": "a/b c"},
    "searchObjects": {"body": {"size": 10}},
    "getObject": {"connection_key": "a/b c"},
    "deleteObject": {"connection_key": "a/b c"},
    "registerConnection": {"body": {"connectionKey": "a", "connection": {}, "nativeIntegration": {}}},
    "testConnection": {"body": {"connectionKey": "a", "connection": {}, "nativeIntegration": {}}},
    "updateConnection": {"connection_key": "a/b c", "body": {"connection": {}}},
    "updateSettings": {"connection_key": "a/b c", "body": {"settings": {}}},
    "syncObjectsByPut": {"connection_key": "a/b c"},
    "syncObjects": {"connection_key": "a/b c"},
    "listJobs": {"bulk_id": "a/b"},
    "getJobs": {"body": {"jobIds": ["a"]}},
}
IDENTICAL = {"integration_id": "5", "connection_key": "a%2Fb%20c", "bulk_id": "a%2Fb"}

Who = t.Literal["all", "idempotent", "harmless", "nobody"]


# What a server or a proxy does with a request


def hang_up(peer: Peer) -> None:
    raise ConnectionAbortedError


def reset(peer: Peer) -> None:
    peer.reset()
    hang_up(peer)


def truncated(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
    hang_up(peer)


def chunk_lost(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
    hang_up(peer)


def headers_lost(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    hang_up(peer)


def no_length(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nDROP ROLE")
    hang_up(peer)


def no_http(peer: Peer) -> None:
    peer.send(b"SSH-2.0-OpenSSH_9.9\r\n")
    hang_up(peer)


def silent(peer: Peer) -> None:
    peer.silence()
    hang_up(peer)


def drip(peer: Peer) -> None:
    peer.drip(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x")
    hang_up(peer)


def html(peer: Peer) -> None:
    peer.reply(200, b"<!DOCTYPE html><title>Sign in</title>", Content_Type="text/html")


def redirect(peer: Peer) -> None:
    peer.reply(302, b"", Location="https://elsewhere.example/")


def status(number: int, **headers: str) -> t.Callable[[Peer], None]:
    return lambda peer: peer.reply(number, b'{"message": "because"}', **headers)


# Where it does so


class World:
    """A tenant, what is between, and what is wrong with it until it is mended.

    :ivar options: of C(Settings)
    """

    def __init__(
        self, stack: contextlib.ExitStack, monkeypatch: pytest.MonkeyPatch, authority: Authority, act: t.Any
    ) -> None:
        self.act = act
        self.monkeypatch = monkeypatch
        self.options: dict[str, t.Any] = {}
        self._stack = stack
        self._authority = authority

    def serve(self, script: t.Callable[[Peer], None] | None = None, *, secure: bool = False) -> Rough:
        """Start a server."""
        certificate = self._authority.issue("127.0.0.1") if secure else None
        return self._stack.enter_context(Rough(script or self.play, tls(certificate) if certificate else None))

    def trust(self) -> None:
        """Know the authority."""
        self.options["ca_path"] = str(self._authority.bundle)

    def play(self, peer: Peer) -> None:
        """A server whose every answer is the fault."""
        while peer.request():
            self.act(peer)

    def seen(self) -> int | None:
        """How many attempts have reached something of ours; None where nothing can count them."""
        return len(self.tenant.requests)

    def mend(self) -> None:
        """Let the next attempt go well."""
        self.act = good

    def set_up(self) -> str:
        """Build it, and return the tenant's URL."""
        self.tenant = self.serve()
        return self.tenant.url


class Refused(World):
    """Nobody listens at the address."""

    def set_up(self) -> str:
        self.socket = self._stack.enter_context(socket.socket())
        self.socket.bind(("127.0.0.1", 0))
        self.tenant = self.serve()
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def seen(self) -> int | None:
        return None

    def mend(self) -> None:
        self.act = good
        self.monkeypatch.setattr(socket, "getaddrinfo", self._elsewhere)

    def _elsewhere(self, host: str, port: int, *arguments: t.Any, **options: t.Any) -> t.Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", self.tenant.port))]


class Unknown(Refused):
    """The name service does not know the name. What it knows can't be real here."""

    def set_up(self) -> str:
        self.tenant = self.serve()
        self.asked = 0
        self.monkeypatch.setattr(socket, "getaddrinfo", self._nowhere)
        return "http://tenant.invalid"

    def seen(self) -> int | None:
        return self.asked

    def _nowhere(self, host: str, port: int, *arguments: t.Any, **options: t.Any) -> t.Any:
        self.asked += 1
        if self.act is good:
            return self._elsewhere(host, port)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def mend(self) -> None:
        self.act = good


class Unread(World):
    """The connection is reset before the request is read."""

    def play(self, peer: Peer) -> None:
        if self.act is good:
            super().play(peer)
        else:
            # Were the connection closed at once, it could break before the client has sent a byte.
            peer.sock.recv(1, socket.MSG_PEEK)
            self.act(peer)

    def seen(self) -> int | None:
        return self.tenant.connections


class Stranger(World):
    """The certificate's authority is not known."""

    def set_up(self) -> str:
        self.tenant = self.serve(always(good), secure=True)
        return self.tenant.url

    def seen(self) -> int | None:
        assert self.tenant.requests == []
        return self.tenant.connections


class BrokenHandshake(Unread):
    """The server closes in the middle of the TLS handshake."""

    def set_up(self) -> str:
        self.trust()
        tenant = self.serve(always(good), secure=True)

        def front(peer: Peer) -> None:
            if self.act is not good:
                peer.sock.recv(1)
                self.act(peer)
            with socket.create_connection(("127.0.0.1", tenant.port)) as upstream:
                wire(peer.sock, upstream)

        self.tenant = self.serve(front)
        return self.tenant.url.replace("http:", "https:")


class Tunnel(World):
    """A proxy in front of a tenant with TLS does it with CONNECT."""

    def set_up(self) -> str:
        self.trust()
        tenant = self.serve(always(good), secure=True)
        self.tenant = self.serve(self.play)
        self.monkeypatch.setenv("HTTPS_PROXY", self.tenant.url)
        return tenant.url

    def play(self, peer: Peer) -> None:
        if self.act is good:
            proxy(peer)
        else:
            peer.request()
            self.act(peer)


class Forward(World):
    """A proxy in front of a tenant without TLS does it with the request itself."""

    def set_up(self) -> str:
        self.tenant = self.serve()
        self.monkeypatch.setenv("HTTP_PROXY", self.tenant.url)
        return "http://tenant.example"


class NoProxy(Refused):
    """Nobody listens at the proxy's address."""

    def set_up(self) -> str:
        self.monkeypatch.setenv("HTTP_PROXY", super().set_up())
        return "http://tenant.example"


# The table


@dataclasses.dataclass(frozen=True)
class Fault:
    """One way for a request to fail, and what the client has to make of it.

    :ivar row: what the documentation says of it
    :ivar again: which operations are sent again
    :ivar error: what is raised in the end
    :ivar sent: whether the error says that Immuta may have it; None for an answer
    :ivar pauses: the waits before the repetitions
    :ivar options: of C(Settings)
    :ivar tick: seconds that pass with each look at the clock
    """

    name: str
    row: str
    act: t.Callable[[Peer], None]
    again: Who
    error: type[errors.ImmutaError]
    code: str
    sent: bool | None = None
    world: type[World] = World
    pauses: t.Sequence[float] = tuple(PAUSES)
    options: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    tick: float = 0.0

    def repeats(self, operation: Operation) -> bool:
        """Whether the operation is sent again."""
        repeated = {
            "all": True,
            "idempotent": operation.effect is not Effect.CREATE,
            "harmless": operation.effect.harmless,
            "nobody": False,
        }
        return repeated[self.again]


def broken(name: str, row: str, act: t.Any, *, sent: bool, world: type[World] = World, **more: t.Any) -> Fault:
    again: Who = "harmless" if sent else "all"
    return Fault(name, row, act, again, errors.TransportError, "transport", sent, world, **more)


def answered(number: int, row: str, again: Who, error: type[errors.ImmutaError], **more: t.Any) -> Fault:
    return Fault(str(number), row, status(number), again, error, error.code, **more)


UNREACHABLE = "No connection: refused, name unknown, TLS handshake broken off"
TUNNEL = "A proxy refuses or breaks off `CONNECT`"
LOST = "The answer is lost: reset, closed, truncated, perhaps truncated, silent for longer than `timeout`, no HTTP"
FORWARD = "A proxy takes a request without TLS, and closes without an answer"
DEADLINE = "Not complete within `total_timeout`"
AGREEMENT = "TLS: certificate not accepted, no common version"
LIMITED = "429; `Retry-After` is kept if `total_timeout` allows it"
GATEWAY = "502, 503, 504; `Retry-After` as above"
INTERNAL = "500 and other 5xx"
REFUSED = "400, 401, 403, 404, 409, and other 4xx"
ELSEWHERE = "A redirect"
PAGE = "A web page, or anything else that is no JSON"
LATER = email.utils.format_datetime(NOW + datetime.timedelta(seconds=7), usegmt=True)
PAST = email.utils.format_datetime(NOW - datetime.timedelta(days=7), usegmt=True)

FAULTS = [
    broken("refused", UNREACHABLE, None, sent=False, world=Refused),
    broken("name unknown", UNREACHABLE, None, sent=False, world=Unknown),
    broken("handshake closed", UNREACHABLE, hang_up, sent=False, world=BrokenHandshake),
    broken("handshake reset", UNREACHABLE, reset, sent=False, world=BrokenHandshake),
    broken("no proxy", UNREACHABLE, None, sent=False, world=NoProxy),
    *(broken(f"CONNECT {one}", TUNNEL, status(one), sent=False, world=Tunnel) for one in (403, 407, 502, 503)),
    broken("CONNECT closed", TUNNEL, hang_up, sent=False, world=Tunnel),
    broken("CONNECT reset", TUNNEL, reset, sent=False, world=Tunnel),
    broken("CONNECT no HTTP", TUNNEL, no_http, sent=False, world=Tunnel),
    broken("CONNECT silent", TUNNEL, silent, sent=False, world=Tunnel, options={"timeout": 0.05}),
    broken(
        "CONNECT then closed",
        TUNNEL,
        lambda peer: (peer.send(b"HTTP/1.1 200 Connected\r\n\r\n"), hang_up(peer)),
        sent=False,
        world=Tunnel,
    ),
    broken("reset before", LOST, reset, sent=True, world=Unread),
    broken("closed before", LOST, hang_up, sent=True, world=Unread),
    broken("reset after", LOST, reset, sent=True),
    broken("lost answer", LOST, hang_up, sent=True),
    broken("headers lost", LOST, headers_lost, sent=True),
    broken("truncated", LOST, truncated, sent=True),
    broken("no length", LOST, no_length, sent=True),
    broken("chunk lost", LOST, chunk_lost, sent=True),
    broken("no HTTP", LOST, no_http, sent=True),
    broken("silent", LOST, silent, sent=True, options={"timeout": 0.05}),
    broken("proxy closes", FORWARD, hang_up, sent=True, world=Forward),
    broken("proxy resets", FORWARD, reset, sent=True, world=Forward),
    answered(429, LIMITED, "idempotent", errors.RateLimited),
    Fault(
        "429 in 7 s",
        LIMITED,
        status(429, Retry_After="7"),
        "idempotent",
        errors.RateLimited,
        "rate_limited",
        pauses=(7, 7),
    ),
    Fault(
        "429 at a time",
        LIMITED,
        status(429, Retry_After=LATER),
        "idempotent",
        errors.RateLimited,
        "rate_limited",
        pauses=(7, 7),
    ),
    Fault("429 at once", LIMITED, status(429, Retry_After=PAST), "idempotent", errors.RateLimited, "rate_limited"),
    Fault("429 and noise", LIMITED, status(429, Retry_After="soon"), "idempotent", errors.RateLimited, "rate_limited"),
    *(answered(one, GATEWAY, "harmless", errors.ServerError) for one in (502, 503, 504)),
    Fault("503 in 7 s", GATEWAY, status(503, Retry_After="7"), "harmless", errors.ServerError, "server", pauses=(7, 7)),
    Fault(
        "503 at a time",
        GATEWAY,
        status(503, Retry_After=LATER),
        "harmless",
        errors.ServerError,
        "server",
        pauses=(7, 7),
    ),
    Fault("proxy 502", GATEWAY, status(502), "harmless", errors.ServerError, "server", world=Forward),
    *(answered(one, INTERNAL, "nobody", errors.ServerError) for one in (500, 501, 505)),
    *(answered(one, REFUSED, "nobody", errors.InvalidRequest) for one in (400, 405, 407, 418, 422)),
    answered(401, REFUSED, "nobody", errors.AuthenticationError),
    answered(403, REFUSED, "nobody", errors.PermissionDenied),
    answered(404, REFUSED, "nobody", errors.NotFound),
    answered(409, REFUSED, "nobody", errors.Busy),
    Fault("stranger", AGREEMENT, good, "nobody", errors.TransportError, "tls", False, Stranger),
    Fault("drip", DEADLINE, drip, "nobody", errors.DeadlineExceeded, "deadline", True, tick=5.0),
    Fault("redirect", ELSEWHERE, redirect, "nobody", errors.RedirectRefused, "redirect"),
    Fault("html", PAGE, html, "nobody", errors.UnexpectedReply, "unexpected_reply"),
]


class Clock:
    """Seconds that pass while the client waits, and C(tick) with each look."""

    def __init__(self, tick: float) -> None:
        self.now = 0.0
        self.tick = tick
        self.pauses: list[float] = []

    def __call__(self) -> float:
        self.now += self.tick
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture(autouse=True)
def _date(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the dates of C(Retry-After) be seen from NOW."""
    seconds_until = client_module.seconds_until
    monkeypatch.setattr(client_module, "seconds_until", lambda header: seconds_until(header, NOW))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_is_sent_again(fault: Fault, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    for operation, mended in itertools.product(OPERATIONS, (None, 1, 2)):
        if mended and not fault.repeats(operation):
            continue
        with contextlib.ExitStack() as stack, monkeypatch.context() as patch:
            _try(fault, operation, mended, fault.world(stack, patch, authority, fault.act))


def _try(fault: Fault, operation: Operation, mended: int | None, world: World) -> None:
    """One call; before its attempt number C(mended) (from 0) the fault is mended."""
    case = f"{fault.name}, {operation.name}, mended {mended}"
    clock = Clock(fault.tick)
    settings = Settings(
        **{"url": world.set_up(), "api_key": "key", "retries": RETRIES, **world.options, **fault.options},
        allow_http=True,
    )

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.pauses) == mended:
            # Attempts that are to go well must not depend on how fast this machine is.
            object.__setattr__(settings, "timeout", 60.0)
            world.mend()

    caught: errors.ImmutaError | None = None
    with Client(settings, clock=clock, sleep=sleep, jitter=lambda: 1.0) as client:
        try:
            answer = client.call_json(operation, **PARAMETERS.get(operation.name, {}))
        except errors.ImmutaError as error:
            caught = error
        else:
            assert answer == {}, case
    world.tenant.stop()
    repeated = fault.repeats(operation)
    attempts = 1 if not repeated else 1 + (RETRIES if mended is None else mended)
    mine = [one for one in world.tenant.requests if operation.path.format(**IDENTICAL).encode() in one]
    assert len(clock.pauses) + 1 == attempts, case
    assert clock.pauses == list(fault.pauses[: attempts - 1]), case
    if type(world) in (World, Forward):
        assert len(mine) == attempts, case
    elif world.seen() is not None:
        assert world.seen() == attempts, case
    if repeated and mended is not None:
        assert caught is None, case
        return
    assert caught is not None, case
    if fault.error is errors.NotFound and operation.name in ("listIntegrations", "searchObjects"):
        assert isinstance(caught, errors.ApiMissing), case
        return
    if fault.error is errors.Busy and operation.conflict == "exists":
        assert isinstance(caught, errors.AlreadyExists), case
        return
    assert (type(caught), caught.code) == (fault.error, fault.code), f"{case}: {caught}"
    assert getattr(caught, "sent", None) is fault.sent, f"{case}: {caught}"


def test_every_operation_and_effect_is_in_the_table() -> None:
    assert len(OPERATIONS) == 19
    assert {one.effect for one in OPERATIONS} == set(Effect)


def test_only_reads_and_renderings_are_harmless() -> None:
    assert {effect for effect in Effect if effect.harmless} == {Effect.READ, Effect.RENDER}


def table() -> list[str]:
    """The table, for people."""
    lines = [
        "| What happens | Reads, renderings | Deletions, updates | Registrations | Error |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row, group in itertools.groupby(FAULTS, key=lambda fault: fault.row):
        faults = list(group)
        (again,) = {one.again for one in faults}
        codes = " ".join(dict.fromkeys(f"`{one.code}`" for one in faults))
        times = {"all": 3, "idempotent": 2, "harmless": 1, "nobody": 0}[again]
        said = " | ".join("again" if column < times else "once" for column in range(3))
        lines.append(f"| {row} | {said} | {codes} |")
    return lines


def test_the_documentation_shows_this_table() -> None:
    written = DOCUMENT.read_text(encoding="utf-8")
    assert "\n".join(table()) in written, "docs/architecture.md should hold:\n" + "\n".join(table())
