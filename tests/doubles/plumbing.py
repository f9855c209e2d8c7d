# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in servers share: HTTP, a life cycle, a control plane under /_double/, and a command line.

A stand-in subclasses `Double`, gives it a `Handler` that answers requests, and says in `views` and `orders` what can be
asked and told from outside. Its command line is `command_line` and `serve`.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import os
import signal
import socket
import socketserver
import struct
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONTROL = "/_double/"
Self = t.TypeVar("Self", bound="Double")
View = t.Callable[[], t.Any]
# Asked before a request is done ("received") and before its answer is sent ("answered"); says whether to go on.
Gate = t.Callable[[str, t.Literal["received", "answered"]], bool]
Order = t.Callable[[t.Any], t.Any]


class Handler(BaseHTTPRequestHandler):
    """One client connection. Requests under /_double/ never reach `answer`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One write per reply: head and body in two packets cost a delayed acknowledgement of 40 ms each.
    wbufsize = 65536
    server: _Server
    _body: bytes | None = None

    def answer(self) -> None:
        """Answer one request: `command`, `path`, `headers` and `body()` say which. A subclass must define it."""
        raise NotImplementedError

    def body(self) -> bytes:
        """The request's body, unpacked, whether sent with a length or in chunks."""
        if self._body is None:
            raw = self._chunks() if "chunked" in self.headers.get("Transfer-Encoding", "") else self._sized()
            self._body = gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw
        return self._body

    def json(self) -> t.Any:
        """The request's body as JSON; None when there is no body."""
        body = self.body()
        return json.loads(body) if body else None

    def reply(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = "application/json",
        headers: t.Mapping[str, str] | None = None,
    ) -> None:
        """Send a whole reply."""
        self.send_response(status)
        if body:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reply_json(self, value: t.Any, status: int = 200, headers: t.Mapping[str, str] | None = None) -> None:
        """Send `value` as JSON."""
        self.reply(status, json.dumps(value).encode(), headers=headers)

    def label(self) -> str:
        """The request in a few words, for a gate; holds no secret."""
        return f"{self.command} {self.path.partition('?')[0]}"

    def hang_up(self) -> None:
        """End the connection without an answer, as a reset and not as an orderly close."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, *args: t.Any) -> None:
        """Stay silent: what a test wants to know stands in the double's own record."""

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def _dispatch(self) -> None:
        self._body = None
        if self.path.startswith(CONTROL):
            self._control(self.path[len(CONTROL) :].partition("?")[0])
        elif self.server.double.gate is not None:
            self._pass(self.server.double.gate)
        else:
            self.answer()
        if not self.close_connection:
            # Bytes left unread would be taken for the next request.
            self.body()

    def _pass(self, gate: Gate) -> None:
        """Answer, if the gate lets the request and then its answer through."""
        label = self.label()
        if not gate(label, "received"):
            self.hang_up()
            return
        sent, kept = self.wfile, io.BytesIO()
        self.wfile = kept  # type: ignore[assignment]
        try:
            self.answer()
        finally:
            self.wfile = sent
        if gate(label, "answered"):
            sent.write(kept.getvalue())
        else:
            self.hang_up()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _dispatch

    def _control(self, name: str) -> None:
        double = self.server.double
        try:
            if self.command == "GET" and name in double.views():
                self.reply_json(double.views()[name]())
            elif self.command == "POST" and name == "shutdown":
                self.reply_json({"ok": True})
                # Stopping ends every connection, this one too.
                self.wfile.flush()
                self.close_connection = True
                threading.Thread(target=double.stop, daemon=True).start()
            elif self.command == "POST" and name in double.orders():
                self.reply_json({"ok": True, "result": double.orders()[name](self.json())})
            else:
                self.reply_json({"ok": False, "error": f"no {self.command} {name} here"}, status=404)
        except (ValueError, TypeError, LookupError) as error:
            self.reply_json({"ok": False, "error": f"{type(error).__name__}: {error}"}, status=400)

    def _sized(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that stopping also ends the idle ones that clients keep."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[Handler], double: Double) -> None:
        self.double = double
        self.connections: set[socket.socket] = set()
        self.accepted = 0
        super().__init__(address, handler)

    def process_request(self, request: t.Any, client_address: t.Any) -> None:
        self.accepted += 1
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: t.Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        if not self.double.stopping.is_set():
            super().handle_error(request, client_address)

    def server_bind(self) -> None:
        # HTTPServer's own asks the name service for the host's name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class Double:
    """A stand-in server. As a context manager it serves from a thread of its own.

    :ivar gate: when set, every request but those of the control plane has to pass it
    :param host: the address to listen on
    :param port: the port; 0 takes a free one
    """

    handler: t.ClassVar[type[Handler]]
    # Those that serve in this process.
    running: t.ClassVar[list[Double]] = []

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.gate: Gate | None = None
        self.stopped = threading.Event()
        self.stopping = threading.Event()
        self._server = _Server((host, port), self.handler, self)
        self._thread: threading.Thread | None = None
        self._once = threading.Lock()

    @property
    def host(self) -> str:
        return str(self._server.server_address[0])

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def connections(self) -> int:
        """How many TCP connections clients have opened so far."""
        return self._server.accepted

    def views(self) -> dict[str, View]:
        """What `GET /_double/NAME` answers, by name; the values go out as JSON."""
        return {}

    def orders(self) -> dict[str, Order]:
        """What `POST /_double/NAME` does with its JSON body; ValueError, TypeError and LookupError become 400."""
        return {}

    def start(self: Self) -> Self:
        """Serve from a thread until `stop`."""
        self._thread = threading.Thread(target=self._serve, name=type(self).__name__, daemon=True)
        self._thread.start()
        self.running.append(self)
        return self

    def stop(self) -> None:
        """End the server and every connection; may be called twice, from any thread but the one that serves."""
        with self._once:
            if self.stopping.is_set():
                return
            self.stopping.set()
        if self._thread is not None:
            self.running.remove(self)
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        for connection in list(self._server.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.stopped.set()

    def __enter__(self: Self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.02)


def command_line(description: str) -> argparse.ArgumentParser:
    """The options that every stand-in has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--ready-file", type=Path, help="file to write host, port and pid to, as JSON, once it listens")
    return parser


def serve(double: Double, ready_file: Path | None) -> None:
    """Serve until SIGTERM, SIGINT or `POST /_double/shutdown`. The ready file is there while the server is."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_arguments: threading.Thread(target=double.stop, daemon=True).start())
    ready = {"host": double.host, "port": double.port, "pid": os.getpid()}
    with double:
        if ready_file is None:
            print(json.dumps(ready), flush=True)
        else:
            scratch = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
            scratch.write_text(json.dumps(ready), encoding="utf-8")
            scratch.replace(ready_file)
        try:
            double.stopped.wait()
        finally:
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)
