# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections under requests that keep a deadline, and that know whether a request may have left.

The time-outs of requests and urllib3 are for one wait each: a server that sends a byte now and then outlives them, and so does
a name with many addresses. Here an alarm interrupts whatever the request waits for. It works in the main thread only, where
modules and inventory plugins run. In other threads, each wait gets what is left: reading still ends at the deadline, but every
address, TLS handshake, and upload may take that long again. In no thread is the C library interrupted while it looks up a name.
"""

from __future__ import annotations

import signal
import threading
import time
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta.framing import Response

if t.TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

T = t.TypeVar("T")
# Seconds; the longest that all systems take for a timer, and more than anybody waits.
LONGEST_ALARM = 1e8


class Late(BaseException):
    """The deadline has passed. It is not an Exception, so that no library in between handles it and continues."""


class Bounds(threading.local):
    """The limits of the calling thread's request, and its progress.

    :param clock: seconds that only go forward
    :ivar deadline: on the clock
    :ivar longest: seconds that one wait may take
    :ivar sent: whether a byte of the request may have left; what opens the connection (CONNECT, TLS) does not count
    """

    def __init__(self, clock: t.Callable[[], float]) -> None:
        self._clock = clock
        self.deadline = 0.0
        self.longest = 0.0
        self.sent = False

    def begin(self, deadline: float, longest: float) -> None:
        """Start another request."""
        self.deadline, self.longest, self.sent = deadline, longest, False

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self._clock() >= self.deadline

    def left(self) -> float:
        """Seconds for the next wait.

        :raises TimeoutError: the deadline has passed
        """
        seconds = self.deadline - self._clock()
        if seconds <= 0:
            raise TimeoutError("the time is up")
        return min(seconds, self.longest)

    def keep(self, work: t.Callable[[], T]) -> T:
        """Do C(work), and interrupt it at the deadline. A timer that the caller has set waits until then.

        :raises Late: it was interrupted
        """
        before = signal.getsignal(signal.SIGALRM)
        if threading.current_thread() is not threading.main_thread() or before is None:
            # Only the main thread can handle signals; and a handler that is not Python's could not be restored.
            return work()
        armed = True

        def ring(*_arguments: object) -> None:
            if armed:
                raise Late

        started = time.monotonic()
        due, interval = signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, ring)
        try:
            try:
                seconds = min(max(self.deadline - self._clock(), 0.001), LONGEST_ALARM)
                # It rings each second from then on: Python drops what is raised in the middle of a finalizer.
                signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
                return work()
            finally:
                armed = False
        finally:
            # Twice, since it may have rung just before the first.
            armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            if due:
                signal.setitimer(signal.ITIMER_REAL, max(due - (time.monotonic() - started), 0.001), interval)


class _Connection:
    """Goes before a connection class of urllib3, and overrides what it has from http.client."""

    bounds: Bounds
    sock: t.Any
    _opening = False

    def connect(self) -> None:
        self._opening = True
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._opening = False

    def send(self, data: t.Any) -> None:
        if self.sock is None:
            self.connect()
        self.sock.settimeout(self.bounds.left())
        self.bounds.sent = self.bounds.sent or not self._opening
        super().send(data)  # type: ignore[misc]


def adapter(requests: t.Any, bounds: Bounds) -> HTTPAdapter:
    """Return the adapter that makes the connections of a session of requests keep the bounds.

    :param requests: the module, which may be missing where this file is imported
    """
    response = type("Response", (Response,), {"left": staticmethod(bounds.left)})

    def bind(manager: t.Any) -> t.Any:
        manager.pool_classes_by_scheme = {
            scheme: type("Pool", (pool,), {"ConnectionCls": connection(pool.ConnectionCls)})
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }
        return manager

    def connection(base: type) -> type:
        return type("Connection", (_Connection, base), {"bounds": bounds, "response_class": response})

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *arguments: t.Any, **options: t.Any) -> None:
            super().init_poolmanager(*arguments, **options)
            bind(self.poolmanager)

        def proxy_manager_for(self, proxy: str, **options: t.Any) -> t.Any:
            known = proxy in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **options)
            return manager if known else bind(manager)

    return t.cast("HTTPAdapter", Adapter())
