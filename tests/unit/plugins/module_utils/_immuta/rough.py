# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers and proxies that speak HTTP as badly as a test tells them to, and certificates for them."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import struct
import threading
import time
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

# Seconds after which what goes on forever gives up, so that a test that waits for it fails.
GUARD = 60.0


class Peer:
    """One connection of a client, as a script sees it."""

    def __init__(self, server: Rough, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.file = sock.makefile("rb")

    def request(self) -> bytes:
        """The next request, head and body; empty at the end of the connection."""
        head = b""
        while line := self.file.readline():
            head += line
            if line == b"\r\n":
                break
        lengths = [one.partition(b":")[2] for one in head.lower().split(b"\r\n") if one.startswith(b"content-length:")]
        whole = head + self.file.read(int(lengths[0]) if lengths else 0)
        if whole:
            self.server.requests.append(whole)
        return whole

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def reply(self, status: int = 200, body: bytes = b"{}", **headers: str) -> None:
        """Send a whole answer; underscores in names of headers become hyphens."""
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        self.send(f"HTTP/1.1 {status} Because\r\n{head}\r\n".encode("latin-1") + body)

    def drip(self, *pieces: bytes) -> None:
        """Send the first pieces once and the last one again and again, until the client goes or the guard ends it."""
        *first, last = pieces
        for piece in first:
            self.send(piece)
        end = time.monotonic() + GUARD
        while time.monotonic() < end and not self.server.stopping.wait(0.005):
            self.send(last)

    def silence(self) -> None:
        """Say nothing until the client goes or the guard ends it."""
        self.sock.settimeout(GUARD)
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass

    def reset(self) -> None:
        """End the connection as a reset, not as an orderly close."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Script = t.Callable[[Peer], None]


class Rough:
    """A TCP server. Its script is played once for each connection, in a thread of its own; then the connection is closed.

    :ivar script: may be changed at any time
    :ivar requests: all that C(Peer.request) has read
    :ivar connections: how many connections there were
    """

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._last: t.Any = None
        self._open: list[socket.socket] = []
        self._players: list[threading.Thread] = []
        self._failures: list[Exception] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Rough:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def finish(self) -> None:
        """Wait until the scripts of all connections so far have come to their end."""
        for one in list(self._players):
            one.join(GUARD)
            assert not one.is_alive(), "a connection does not come to its end"
        assert not self._failures, self._failures

    def stop(self) -> None:
        """Take the connections that clients have made, no more, and let what was begun come to its end."""
        if not self.stopping.is_set():
            self.stopping.set()
            with socket.socket() as last:
                last.bind(("127.0.0.1", 0))
                self._last = last.getsockname()
                last.connect(("127.0.0.1", self.port))
                self._thread.join()
            self._listener.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RD)
        self.finish()

    @contextlib.contextmanager
    def _watched(self) -> t.Iterator[None]:
        """A client that goes is no failure; anything else in a script is."""
        try:
            yield
        except OSError:
            pass
        except Exception as error:
            self._failures.append(error)

    def _accept(self) -> None:
        while True:
            # In the order in which they were made, so that none is lost.
            sock, address = self._listener.accept()
            if address == self._last:
                sock.close()
                return
            self.connections += 1
            # A second handle: a TLS handshake that fails closes the first.
            bare = socket.socket(fileno=socket.dup(sock.fileno()))
            self._open.append(bare)
            player = threading.Thread(target=self._play, args=(sock, bare, self.script), daemon=True)
            self._players.append(player)
            player.start()

    def _play(self, sock: socket.socket, bare: socket.socket, script: Script) -> None:
        with bare, sock, self._watched():
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                self._perform(script, sock)
                return
            try:
                secure = self._context.wrap_socket(sock, server_side=True)
            except OSError:
                # Unread bytes would turn the close into a reset, which could overtake the alert.
                bare.shutdown(socket.SHUT_WR)
                while bare.recv(65536):
                    pass
                return
            with secure:
                self._perform(script, secure)

    def _perform(self, script: Script, sock: socket.socket) -> None:
        peer = Peer(self, sock)
        # A file that is open keeps its socket open.
        with peer.file:
            script(peer)


def always(*replies: Script) -> Script:
    """Read requests, and do to each what the next of C(replies) says; the last one over and over."""
    rest = list(replies)

    def play(peer: Peer) -> None:
        while peer.request():
            (rest.pop(0) if len(rest) > 1 else rest[0])(peer)

    return play


def good(peer: Peer) -> None:
    """Answer with an empty JSON object."""
    peer.reply()


def proxy(peer: Peer) -> None:
    """Be a proxy, both for CONNECT and for requests with a whole URL."""
    request = peer.request()
    if not request:
        return
    method, target, rest = request.split(b" ", 2)
    if method == b"CONNECT":
        host, _colon, port = target.decode().rpartition(":")
    else:
        parts = urlsplit(target.decode())
        host, port = parts.hostname or "", str(parts.port)
    with socket.create_connection((host, int(port)), GUARD) as upstream:
        if method == b"CONNECT":
            peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            path = target.split(b"/", 3)[3]
            upstream.sendall(b" ".join([method, b"/" + path, rest]))
        wire(peer.sock, upstream)


def wire(one: socket.socket, other: socket.socket) -> None:
    """Pass on everything between two connections, until both have ended."""
    back = threading.Thread(target=_pump, args=(other, one), daemon=True)
    back.start()
    _pump(one, other)
    back.join(GUARD)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Authority:
    """A certificate authority in a folder.

    :ivar bundle: its certificate
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority of the tests")
        self.bundle = folder / "authority.pem"
        self.bundle.write_bytes(_pem(self._sign(self._name, self._key, x509.BasicConstraints(True, None))))

    def issue(
        self, name: str, *, ends: datetime.timedelta = datetime.timedelta(days=1), passphrase: bytes = b""
    ) -> Path:
        """A certificate for a host name, an address, or a client, with its private key in the same file.

        :param ends: how long it is valid from now on
        """
        try:
            subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            subject = x509.DNSName(name)
        key = ec.generate_private_key(ec.SECP256R1())
        file = self._folder / f"{name} {ends.days} {len(passphrase)}.pem"
        if file.exists():
            return file
        lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        file.write_bytes(
            _pem(self._sign(_name(name), key, x509.SubjectAlternativeName([subject]), ends))
            + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
        )
        return file

    def _sign(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
        ends: datetime.timedelta = datetime.timedelta(days=1),
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.timezone.utc)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        usage = x509.KeyUsage(
            True, False, False, False, False, isinstance(extension, x509.BasicConstraints), False, False, False
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=9))
            .not_valid_after(now + ends)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .add_extension(identifier, critical=False)
            .add_extension(issuer, critical=False)
            .add_extension(usage, critical=True)
        )
        return builder.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def tls(certificate: Path, *, clients_of: Path | None = None, newest: bool = True) -> ssl.SSLContext:
    """What a server needs to speak TLS.

    :param clients_of: the authority that has to have signed the client's certificate; None to ask for none
    :param newest: TLS 1.3, else 1.2
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    version = ssl.TLSVersion.TLSv1_3 if newest else ssl.TLSVersion.TLSv1_2
    context.minimum_version = context.maximum_version = version
    if clients_of:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients_of)
    return context
