# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets under requests that keep a deadline at every step, and that know whether a request has begun to leave.

The time-outs of requests and urllib3 are for one read each: a server that sends a byte now and then outlives them in its
headers, in its chunk sizes, and in a proxy's answer to CONNECT. Here every single operation gets what is left.
"""

from __future__ import annotations

import io
import socket
import threading
import typing as t

if t.TYPE_CHECKING:
    from requests.adapters import HTTPAdapter


class Bounds(threading.local):
    """What the calling thread's request has to keep, and how far it has come.

    :param clock: seconds that only go forward
    :ivar deadline: on the clock; no operation of a socket goes past it
    :ivar longest: seconds that one operation may take at the most
    :ivar sent: whether a byte of the request may have left; what opens the connection (CONNECT, TLS) does not count
    """

    def __init__(self, clock: t.Callable[[], float]) -> None:
        self._clock = clock
        self.deadline = 0.0
        self.longest = 0.0
        self.sent = False

    def begin(self, deadline: float, longest: float) -> None:
        """Begin another request."""
        self.deadline, self.longest, self.sent = deadline, longest, False

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self._clock() >= self.deadline

    def left(self) -> float:
        """Seconds for the next operation.

        :raises TimeoutError: the deadline has passed
        """
        seconds = self.deadline - self._clock()
        if seconds <= 0:
            raise TimeoutError("the time is up")
        return min(seconds, self.longest)


class _Socket:
    """A socket, plain or TLS, whose every operation keeps the bounds.

    :ivar carries: whether what is sent is the request, and not what opens the connection
    """

    def __init__(self, inner: t.Any, bounds: Bounds) -> None:
        self._inner = inner
        self._bounds = bounds
        self.carries = False

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._inner, name)

    @property
    def _io_refs(self) -> int:
        # urllib3's TLS within TLS counts its files here.
        return int(self._inner._io_refs)

    @_io_refs.setter
    def _io_refs(self, value: int) -> None:
        self._inner._io_refs = value

    def fileno(self) -> int:
        return int(self._inner.fileno())

    def gettimeout(self) -> float:
        # A TLS handshake takes over the time-out of the socket that it wraps, and keeps it as a whole.
        return self._bounds.left()

    def limit(self) -> None:
        """Give the next operation what is left."""
        self._inner.settimeout(self._bounds.left())

    def recv(self, *arguments: t.Any) -> bytes:
        self.limit()
        return bytes(self._inner.recv(*arguments))

    def sendall(self, data: t.Any) -> None:
        rest = memoryview(data).cast("B")
        while rest:
            self.limit()
            self._bounds.sent = self._bounds.sent or self.carries
            rest = rest[self._inner.send(rest) :]

    def makefile(self, *_arguments: t.Any, **_options: t.Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self, self._inner.makefile("rb", buffering=0)))


class _Reader(io.RawIOBase):
    """The receiving side of a socket, as the file that http.client reads answers from."""

    def __init__(self, bounded: _Socket, raw: t.Any) -> None:
        self._bounded = bounded
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        self._bounded.limit()
        return t.cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Connection:
    """Goes before a connection class of urllib3."""

    bounds: Bounds
    sock: t.Any
    timeout: t.Any

    def _new_conn(self) -> t.Any:
        self.timeout = self.bounds.left()
        return _Socket(super()._new_conn(), self.bounds)  # type: ignore[misc]

    def _connect_tls_proxy(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        return _Socket(super()._connect_tls_proxy(*arguments, **options), self.bounds)  # type: ignore[misc]

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        if not isinstance(self.sock, _Socket):
            self.sock = _Socket(self.sock, self.bounds)
        self.sock.carries = True


class _DirectConnection(_Connection):
    """The same to an address of its own, without SOCKS. All addresses of a name share the time; urllib3 gives it to each."""

    _dns_host: str
    port: int
    socket_options: t.Any

    def _new_conn(self) -> t.Any:
        from urllib3.exceptions import NewConnectionError

        try:
            return self._first_that_answers()
        except OSError as error:
            # urllib3 takes some bare OSErrors for those of a request that was cut off, and waits for its answer.
            raise NewConnectionError(self, f"Failed to establish a new connection: {error}") from error  # type: ignore[arg-type]

    def _first_that_answers(self) -> _Socket:
        failure: OSError = OSError("the name has no address")
        try:
            found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise OSError("this is no name of a host") from None
        for family, kind, protocol, _name, address in found:
            try:
                inner = socket.socket(family, kind, protocol)
            except OSError as error:
                failure = error
                continue
            try:
                for option in self.socket_options or ():
                    inner.setsockopt(*option)
                sock = _Socket(inner, self.bounds)
                sock.limit()
                inner.connect(address)
                return sock
            except OSError as error:
                inner.close()
                failure = error
        raise failure


def adapter(requests: t.Any, bounds: Bounds) -> HTTPAdapter:
    """What a session of requests is mounted on, so that its sockets keep the bounds.

    :param requests: the module, which may be missing where this file is imported
    """

    def bind(manager: t.Any, connection: type[_Connection]) -> t.Any:
        if "bounds" not in vars(manager):
            manager.bounds = bounds
            manager.pool_classes_by_scheme = {
                scheme: type("Pool", (pool,), {"ConnectionCls": _bound(connection, pool.ConnectionCls, bounds)})
                for scheme, pool in manager.pool_classes_by_scheme.items()
            }
        return manager

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *arguments: t.Any, **options: t.Any) -> None:
            super().init_poolmanager(*arguments, **options)
            bind(self.poolmanager, _DirectConnection)

        def proxy_manager_for(self, proxy: str, **options: t.Any) -> t.Any:
            socks = proxy.lower().startswith("socks")
            return bind(super().proxy_manager_for(proxy, **options), _Connection if socks else _DirectConnection)

    return t.cast("HTTPAdapter", Adapter())


def _bound(connection: type[_Connection], base: type, bounds: Bounds) -> type:
    return type("Connection", (connection, base), {"bounds": bounds})
