# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that are whole, or an error.

A clean-up script that lost its end is still SQL: nothing but the framing of the answer shows the loss. http.client and urllib3
1.26 accept a body that ends early; urllib3 2 counts C(Content-Length), and is as lenient as they are about chunk sizes. So the
framing is checked here, below them, and they see a body that ends where it should or fails.

An answer without length and chunks ends with its connection. That is legal, mostly from HTTP/1.0 proxies, and a lost end looks
the same. It is refused whatever it holds: JSON would show the loss, but a script may come as plain text, and one rule for all
answers is the one that can't be got wrong.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import itertools
import re
import typing as t

PIECE = 8192
# int() also accepts signs, blanks and underscores, which other programs on the way read differently.
LENGTH = re.compile(r"[0-9]{1,18}")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
LONGEST_LINE = 65536
END_OF_LINES = (b"\r\n", b"\n")


class NotWhole(http.client.HTTPException):
    """An answer that ended early, that is longer than announced, or whose end can't be told."""


class Response(http.client.HTTPResponse):
    """An answer whose body is whole; reading any other raises C(NotWhole).

    :ivar left: gives the seconds that one read may take; raises TimeoutError when there are none
    """

    left: t.Callable[[], float]

    def __init__(self, sock: t.Any, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        super().__init__(sock, debuglevel, method, url)
        self._bodiless = method == "HEAD"
        self._wire = _Wire(sock, self.fp.detach(), self.left)
        self.fp = self._lines = _Lines(self._wire)

    def begin(self) -> None:
        """Read the head. A body is checked when it is read: that of a redirect never is.

        :raises NotWhole: the head is not whole
        """
        super().begin()
        if self._lines.last not in END_OF_LINES:
            # http.client takes the end of the connection for the end of the headers.
            raise NotWhole("it ends in the middle of its headers")
        if self.headers.get_payload():
            raise NotWhole("it has a line among its headers that is not a header")
        if self.status < 200:
            # The real answer comes behind it, and would be taken for that to the next request.
            raise NotWhole(f"it is preliminary ({self.status})")
        lengths, codings = self._listed("Content-Length"), self._listed("Transfer-Encoding")
        # What urllib3 doesn't know of it can't judge in its own way.
        del self.headers["Content-Length"], self.headers["Transfer-Encoding"]
        self.length, self.chunked = None, False
        if self._bodiless or self.status in (204, 304):
            self.length = 0
            # If a body comes all the same, it must not be taken for the next answer.
            self.will_close = self.will_close or bool(codings) or lengths not in ([], ["0"])
            return
        self.fp = io.BufferedReader(_Body(self._pieces(lengths, codings), self._lines))

    def _listed(self, name: str) -> list[str]:
        """The values of a header, over all of its lines."""
        return [one.strip().lower() for line in self.headers.get_all(name, []) for one in line.split(",")]

    def _pieces(self, lengths: list[str], codings: list[str]) -> t.Iterator[bytes]:
        """Yield the body in pieces, then empty ones for ever, so that reading on after an error meets no end."""
        if codings:
            if lengths or codings != ["chunked"]:
                raise NotWhole(
                    "it contradicts itself about its length, or uses a transfer coding that was not requested"
                )
            yield from self._chunks()
        elif lengths:
            if len(set(lengths)) > 1 or not LENGTH.fullmatch(lengths[0]):
                raise NotWhole("it contradicts itself about its length, or names one that is not a number")
            yield from self._exactly(int(lengths[0]), "body")
        else:
            raise NotWhole("it gives no length, so nothing shows whether it is complete")
        if self._lines.buffered() or self._wire.arrived():
            raise NotWhole("it is longer than announced")
        yield from itertools.repeat(b"")

    def _exactly(self, size: int, what: str) -> t.Iterator[bytes]:
        rest = size
        while rest:
            piece = self._lines.read1(min(rest, PIECE))
            if not piece:
                raise NotWhole(f"only {size - rest} of {size} bytes of its {what} arrived")
            rest -= len(piece)
            yield piece

    def _chunks(self) -> t.Iterator[bytes]:
        while True:
            # The line has to end: 0 can be the beginning of 0A.
            found = CHUNK_SIZE.fullmatch(self._lines.readline(LONGEST_LINE))
            if not found:
                raise NotWhole("its last chunk is missing, or a chunk has no valid size")
            size = int(found[1], 16)
            if not size:
                break
            yield from self._exactly(size, "last chunk")
            if self._lines.readline(2) != b"\r\n":
                raise NotWhole("a chunk does not end where it should")
        while self._lines.readline(LONGEST_LINE) not in (*END_OF_LINES, b""):
            # Trailers. The body is whole already, so their end may be missing.
            pass


class _Wire(io.RawIOBase):
    """The bytes that the socket receives. Each read has its own time-out."""

    def __init__(self, sock: t.Any, raw: t.Any, left: t.Callable[[], float]) -> None:
        self._sock = sock
        self._raw = raw
        self._left = left
        self._seconds: float | None = None
        self.paused = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        if self.paused:
            return None
        self._seconds = self._left()
        self._sock.settimeout(self._seconds)
        return t.cast("int | None", self._raw.readinto(buffer))

    def arrived(self) -> bytes:
        """A byte that has arrived already, if there is one; does not wait."""
        self._sock.settimeout(0)
        try:
            with contextlib.suppress(OSError):
                return self._raw.read(1) or b""
            return b""
        finally:
            self._sock.settimeout(self._seconds)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Lines(io.BufferedReader):
    """A buffered wire that remembers its last line."""

    last = b""

    def __init__(self, wire: _Wire) -> None:
        super().__init__(wire, PIECE)
        self._wire = wire

    def readline(self, size: int | None = -1, /) -> bytes:
        self.last = super().readline(size)
        return self.last

    def buffered(self) -> bytes:
        """The bytes that were received and not read yet."""
        self._wire.paused = True
        try:
            return self.peek()
        finally:
            self._wire.paused = False


class _Body(io.RawIOBase):
    """Pieces as a file."""

    def __init__(self, pieces: t.Iterator[bytes], source: io.BufferedReader) -> None:
        self._pieces = pieces
        self._source = source
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        self._rest = self._rest or next(self._pieces)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        self._source.close()
        super().close()
