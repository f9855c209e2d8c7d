# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""To whom the key goes, how TLS and proxies are used, and that the deadline holds whatever a server does."""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import datetime
import gzip
import math
import signal
import socket
import threading
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, transport
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, seconds_until
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    DELETE_OBJECT,
    GET_CONNECTION,
    LIST_INTEGRATIONS,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.sockets import Bounds, Late
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Settings, Transport
from ansible_collections.community.immuta.tests.unit.plugins.module_utils._immuta.rough import (
    GUARD,
    Authority,
    Peer,
    Rough,
    always,
    good,
    proxy,
    tls,
    wire,
)

KEY = "canary-api-key-of-the-transport"
FAR = 1e9
IN_CLEAR = "The API key was sent unencrypted: rotate it. "


def ask(url: str, *, method: str = "GET", body: t.Any = None, **options: t.Any) -> transport.Reply:
    """Send one request."""
    one = Transport(Settings(url, KEY, **options))
    try:
        return one.send(method, "/integrations", body=body, deadline=time.monotonic() + FAR)
    finally:
        one.close()


def fails(url: str, **options: t.Any) -> errors.ImmutaError:
    """Send one request, and return the error."""
    with pytest.raises(errors.ImmutaError) as caught:
        ask(url, **options)
    assert KEY not in str(caught.value.as_dict())
    return caught.value


# Redirects


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_no_redirect_is_followed(status: int, method: str) -> None:
    with (
        Rough(always(good)) as other,
        Rough(always(lambda peer: peer.reply(status, b"", Location=f"http://localhost:{other.port}/x"))) as tenant,
    ):
        error = fails(tenant.url, method=method)
    assert isinstance(error, errors.RedirectRefused)
    assert " localhost;" in error.message
    assert error.status == status
    assert (other.connections, len(tenant.requests)) == (0, 1)
    assert error.hint == f"{IN_CLEAR}Set url to the tenant's final address."


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("/elsewhere", "another path on the same host"),
        ("", "another path on the same host"),
        ("http://[broken", "an invalid address"),
        ("http://\xff\xfe/", "\xff\xfe"),
        (f"http://{'x' * 5000}.example/", "xxx"),
    ],
)
def test_redirects_to_its_own_and_to_nowhere(location: str, named: str) -> None:
    with Rough(always(lambda peer: peer.reply(302, b"", Location=location))) as tenant:
        error = fails(tenant.url)
    assert isinstance(error, errors.RedirectRefused)
    assert named in error.message
    assert len(error.message) < 500
    assert len(tenant.requests) == 1


def test_a_redirect_from_https_to_http_sends_nothing(authority: Authority) -> None:
    with (
        Rough(always(good)) as other,
        Rough(
            always(lambda peer: peer.reply(301, b"", Location=f"{other.url}/integrations")),
            tls(authority.issue("127.0.0.1")),
        ) as tenant,
    ):
        error = fails(tenant.url, ca_path=str(authority.bundle))
    assert isinstance(error, errors.RedirectRefused)
    assert IN_CLEAR not in error.hint
    assert other.connections == 0


def test_the_body_of_a_redirect_is_not_read() -> None:
    def endless(peer: Peer) -> None:
        peer.drip(b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\n\r\n", b"x" * 1000)

    with Rough(always(endless)) as tenant:
        assert "elsewhere.example" in fails(tenant.url).message


# Who gets the key


def test_netrc_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".netrc"
    file.write_text("machine 127.0.0.1 login someone password else\ndefault login someone password else\n")
    file.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Rough(always(good)) as tenant:
        ask(tenant.url)
        client = Client(Settings(tenant.url, KEY, exchange_api_key=True))
        with client, pytest.raises(errors.UnexpectedReply, match="has no token"):
            client.call(LIST_INTEGRATIONS)
    plain, exchange = tenant.requests
    assert f"Authorization: {KEY}\r\n".encode() in plain
    assert b"Authorization" not in exchange


def test_the_key_is_for_the_tenant_and_not_for_the_proxy(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    with Rough(always(good), tls(authority.issue("127.0.0.1"))) as tenant, Rough(proxy) as between:
        monkeypatch.setenv("HTTPS_PROXY", between.url.replace("//", "//someone:canary-of-the-proxy@"))
        ask(tenant.url, ca_path=str(authority.bundle))
    (connect,) = between.requests
    assert connect.startswith(f"CONNECT 127.0.0.1:{tenant.port} ".encode())
    assert base64.b64encode(b"someone:canary-of-the-proxy") in connect
    assert KEY.encode() not in connect
    (request,) = tenant.requests
    assert KEY.encode() in request
    assert b"Proxy-Authorization" not in request


def test_a_plain_proxy_passes_the_request_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with Rough(always(good)) as tenant, Rough(proxy) as between:
        monkeypatch.setenv("HTTP_PROXY", between.url)
        monkeypatch.setenv("http_proxy", between.url)
        ask(tenant.url)
    assert between.requests[0].startswith(f"GET {tenant.url}/integrations ".encode())
    assert len(tenant.requests) == 1


@pytest.mark.parametrize("value", ["127.0.0.1", "*", "example.com,127.0.0.1"])
def test_no_proxy_is_honoured(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Rough(always(good)) as tenant, Rough(proxy) as between:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, between.url)
        monkeypatch.setenv("NO_PROXY", value)
        monkeypatch.setenv("no_proxy", value)
        ask(tenant.url)
    assert (between.connections, len(tenant.requests)) == (0, 1)


def test_a_proxy_with_tls(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    def closing(peer: Peer) -> None:
        peer.reply(200, b'{"large": "%s"}' % (b"x" * 100_000), Connection="close")

    certificate = authority.issue("127.0.0.1")
    with Rough(always(closing), tls(certificate)) as tenant, Rough(proxy, tls(certificate)) as between:
        monkeypatch.setenv("HTTPS_PROXY", between.url)
        assert len(ask(tenant.url, ca_path=str(authority.bundle)).body) > 100_000
    assert (len(between.requests), len(tenant.requests)) == (1, 1)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Who are you\r\n\r\n", b"HTTP/1.1 502 No\r\n\r\n", b""])
def test_a_proxy_that_refuses_is_named_without_its_password(
    answer: bytes, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(peer: Peer) -> None:
        peer.request()
        peer.send(answer)

    with Rough(refuse) as between:
        monkeypatch.setenv("HTTPS_PROXY", between.url.replace("//", "//someone:canary-of-the-proxy@"))
        error = fails("https://tenant.example", retries=0)
    assert isinstance(error, errors.TransportError)
    assert not error.sent
    assert answer[9:12].decode() in error.message
    assert "HTTPS_PROXY" in error.hint
    assert "canary-of-the-proxy" not in str(error.as_dict())


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "all_proxy"])
@pytest.mark.parametrize("password", ["pa@canary", "pa/canary", "pa?canary", "pa#canary"])
def test_a_proxy_whose_password_ends_nobody_knows_where(
    password: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"http://someone:{password}@proxy.example:3128")
    error = fails("https://tenant.example")
    assert isinstance(error, errors.ConfigurationError)
    assert name in error.message
    assert "write @ as %40" in error.hint
    assert "canary" not in str(error.as_dict())


def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://")
    assert isinstance(fails("https://tenant.example"), errors.ConfigurationError)


# TLS


@pytest.mark.parametrize("variable", ["", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_private_authority(variable: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {} if variable else {"ca_path": str(authority.bundle)}
    if variable:
        monkeypatch.setenv(variable, str(authority.bundle))
    with Rough(always(good), tls(authority.issue("127.0.0.1"))) as tenant:
        assert ask(tenant.url, **options).status == 200


def test_ca_path_wins_over_the_environment(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(tmp_path / "other").bundle))
    with Rough(always(good), tls(authority.issue("127.0.0.1"))) as tenant:
        assert fails(tenant.url).code == "tls"
        assert ask(tenant.url, ca_path=str(authority.bundle)).status == 200
    assert len(tenant.requests) == 1


@pytest.mark.parametrize(
    ("name", "ends", "known", "said", "remedy"),
    [
        ("127.0.0.1", 1, False, "certificate", "ca_path"),
        ("other.example", 1, True, "127.0.0.1", "set url"),
        ("127.0.0.2", 1, True, "127.0.0.1", "set url"),
        ("127.0.0.1", -1, True, "expired", "renewed"),
    ],
)
def test_certificate_errors_are_clear(
    name: str, ends: int, known: bool, said: str, remedy: str, authority: Authority
) -> None:
    certificate = authority.issue(name, ends=datetime.timedelta(days=ends))
    with Rough(always(good), tls(certificate)) as tenant:
        error = fails(tenant.url, **({"ca_path": str(authority.bundle)} if known else {}))
    assert isinstance(error, errors.TransportError)
    assert (error.code, error.sent) == ("tls", False)
    assert said in error.message
    assert error.message.endswith("Nothing was sent.")
    assert remedy in error.hint
    assert tenant.requests == []


def test_a_port_without_tls_is_named() -> None:
    with Rough(lambda peer: (peer.sock.recv(1), peer.send(b"HTTP/1.1 400 No\r\n\r\n"), peer.silence())) as tenant:
        error = fails(tenant.url.replace("http:", "https:"))
    assert error.code == "tls"
    assert "url" in error.hint
    assert error.message.endswith("Nothing was sent.")


@pytest.mark.parametrize("newest", [True, False])
@pytest.mark.parametrize("apart", [True, False])
def test_a_client_certificate(newest: bool, apart: bool, authority: Authority, tmp_path: Path) -> None:
    certificate = authority.issue("client")
    options = {"client_cert": str(certificate)}
    if apart:
        text = certificate.read_text()
        begin = text.index("-----BEGIN PRIVATE KEY")
        (tmp_path / "cert.pem").write_text(text[:begin])
        (tmp_path / "key.pem").write_text(text[begin:])
        options = {"client_cert": str(tmp_path / "cert.pem"), "client_key": str(tmp_path / "key.pem")}
    context = tls(authority.issue("127.0.0.1"), clients_of=authority.bundle, newest=newest)
    with Rough(always(good), context) as tenant:
        ca = {"ca_path": str(authority.bundle)}
        assert ask(tenant.url, **ca, **options).status == 200
        error = fails(tenant.url, **ca)
    assert error.code == "tls"
    assert "client_cert" in error.hint
    assert len(tenant.requests) == 1


@pytest.mark.parametrize("what", ["no file", "no key", "passphrase", "bundle"])
def test_tls_files_that_can_not_be_used(what: str, authority: Authority, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish")
    options = {
        "no file": {"client_cert": str(tmp_path / "nothing.pem")},
        "no key": {"client_cert": str(authority.bundle)},
        "passphrase": {"client_cert": str(authority.issue("client", passphrase=b"secret"))},
        "bundle": {"ca_path": str(rubbish)},
    }[what]
    with Rough(always(good), tls(authority.issue("127.0.0.1"))) as tenant:
        error = fails(tenant.url, **{"ca_path": str(authority.bundle), **options})
    assert next(iter(options)) in error.hint
    assert not getattr(error, "sent", False)
    assert tenant.requests == []


# The deadline


class Clock:
    """Twenty seconds pass with each look at it: what goes on forever needs no patience."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 20.0
        return self.now


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
EMPTY_BLOCK = b"5\r\n\x00\x00\x00\xff\xff\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 ", b"O"],
        [HEAD + b"X-Drip: ", b"x"],
        [b"HTTP/1.1 100 Continue\r\n\r\n"],
        [HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"],
        [CHUNKED, b"0"],
        [CHUNKED + b"2;", b"x"],
        [CHUNKED, b"1\r\nx\r\n"],
        [CHUNKED + b"0\r\nX-Trailer: ", b"x"],
        [CHUNKED + b"0\r\n", b"X-Trailer: x\r\n"],
        [HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\na\r\n" + GZIP + b"\r\n", EMPTY_BLOCK],
    ],
    ids=["status", "header", "100", "body", "chunk size", "chunk extension", "chunks", "trailer", "trailers", "gzip"],
)
@pytest.mark.parametrize("secure", [False, True])
def test_no_drip_outlives_the_deadline(pieces: list[bytes], secure: bool, authority: Authority) -> None:
    context = tls(authority.issue("127.0.0.1")) if secure else None
    with Rough(always(lambda peer: peer.drip(*pieces)), context) as tenant:
        one = Transport(Settings(tenant.url, KEY, timeout=GUARD * 2, ca_path=str(authority.bundle)), clock=Clock())
        with pytest.raises(errors.DeadlineExceeded) as caught:
            one.send("DELETE", "/data/object/x", deadline=400.0)
        one.close()
    assert caught.value.sent


def test_a_proxy_that_drips_its_answer_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.drip(b"HTTP/1.1 200 ", b"O")

    with Rough(script) as between:
        monkeypatch.setenv("HTTPS_PROXY", between.url)
        one = Transport(Settings("https://tenant.example", KEY, timeout=GUARD * 2), clock=Clock())
        with pytest.raises(errors.DeadlineExceeded) as caught:
            one.send("DELETE", "/data/object/x", deadline=400.0)
        one.close()
    assert not caught.value.sent


@pytest.mark.parametrize("pieces", [[b""], [b"\x16\x03\x03\x40\x00\x02", b"\x00"]], ids=["silent", "drip"])
def test_a_handshake_that_does_not_end(pieces: list[bytes]) -> None:
    with Rough(lambda peer: (peer.sock.recv(1), peer.drip(*pieces))) as tenant:
        one = Transport(Settings(tenant.url.replace("http:", "https:"), KEY, timeout=GUARD * 2))
        with pytest.raises(errors.DeadlineExceeded) as caught:
            one.send("DELETE", "/data/object/x", deadline=time.monotonic() + 0.3)
        one.close()
    assert not caught.value.sent


def ring() -> None:
    """Let the deadline's alarm ring in the main thread, whatever the time is."""
    ident = threading.main_thread().ident
    assert ident is not None
    signal.pthread_kill(ident, signal.SIGALRM)


def test_an_upload_that_is_read_byte_by_byte() -> None:
    read = [0]

    def slow(peer: Peer) -> None:
        while data := peer.sock.recv(4096):
            if not read[0]:
                ring()
            read[0] += len(data)
            peer.server.stopping.wait(0.005)

    with Rough(slow) as tenant:
        one = Transport(Settings(tenant.url, KEY, timeout=GUARD * 2))
        with pytest.raises(errors.DeadlineExceeded) as caught:
            one.send("POST", "/data/object/search", body="x" * 50_000_000, deadline=time.monotonic() + FAR)
        one.close()
    assert caught.value.sent
    assert read[0] < 50_000_000


def recover(tenant: Rough, one: Transport) -> None:
    """After an alarm nothing is left of it, and the next request goes well."""
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    tenant.script = always(good)
    assert one.send("GET", "/integrations", deadline=time.monotonic() + FAR).status == 200
    one.close()


@pytest.mark.parametrize(
    ("pieces", "sent"),
    [
        ([], True),
        ([b"HTTP/1.1 200 "], True),
        ([HEAD + b"Content-Length: 9\r\n\r\n{"], True),
        ([CHUNKED + b"2"], True),
        ([CHUNKED + b"0\r\n"], True),
    ],
    ids=["silent", "status", "body", "chunk size", "trailers"],
)
def test_the_alarm_interrupts_any_wait_for_the_answer(pieces: list[bytes], sent: bool) -> None:
    def stop(peer: Peer) -> None:
        for piece in pieces:
            peer.send(piece)
        # The client may not wait yet; the alarm is the same for it.
        ring()
        peer.silence()

    with Rough(always(stop)) as tenant:
        one = Transport(Settings(tenant.url, KEY, timeout=GUARD * 2))
        with pytest.raises(errors.DeadlineExceeded) as caught:
            one.send("DELETE", "/data/object/x", deadline=time.monotonic() + FAR)
        assert caught.value.sent is sent
        recover(tenant, one)


def test_the_alarm_interrupts_a_handshake() -> None:
    with Rough(lambda peer: (peer.sock.recv(1), ring(), peer.silence())[2]) as tenant:
        one = Transport(Settings(tenant.url.replace("http:", "https:"), KEY, timeout=GUARD * 2))
        with pytest.raises(errors.DeadlineExceeded) as caught:
            one.send("DELETE", "/data/object/x", deadline=time.monotonic() + FAR)
        one.close()
    assert not caught.value.sent


def test_the_alarm_interrupts_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Rough(lambda peer: (peer.request(), ring(), peer.silence())[2]) as between:
        monkeypatch.setenv("HTTPS_PROXY", between.url)
        one = Transport(Settings("https://tenant.example", KEY, timeout=GUARD * 2))
        with pytest.raises(errors.DeadlineExceeded) as caught:
            one.send("DELETE", "/data/object/x", deadline=time.monotonic() + FAR)
        one.close()
    assert not caught.value.sent


@pytest.mark.parametrize("swallow", [False, True])
def test_the_alarm_during_a_look_up(swallow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the request when the name service has answered; whoever handles errors on the way does not get it."""

    def slow(*_arguments: t.Any, **_options: t.Any) -> t.Any:
        try:
            ring()
            time.sleep(GUARD)
        except Exception:
            if not swallow:
                raise
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with Rough(always(good)) as tenant:
        one = Transport(Settings("http://tenant.example", KEY, allow_http=True))
        with pytest.raises(errors.DeadlineExceeded) as caught:
            one.send("DELETE", "/data/object/x", deadline=time.monotonic() + FAR)
        addresses(monkeypatch, ("127.0.0.1", tenant.port))
        recover(tenant, one)
    assert not caught.value.sent


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_alarm_rings_again_when_it_was_lost() -> None:
    """Python prints and drops what is raised while an object is finalized."""
    lost = []

    class Deaf:
        def __del__(self) -> None:
            lost.append(True)
            time.sleep(GUARD)

    def work() -> None:
        Deaf()
        time.sleep(GUARD)

    bounds = Bounds(time.monotonic)
    bounds.begin(time.monotonic() + 0.01, 1.0)
    with pytest.raises(Late):
        bounds.keep(work)
    assert lost


def test_a_timer_of_the_caller_goes_on() -> None:
    rung: list[float] = []
    before = signal.signal(signal.SIGALRM, lambda *_arguments: rung.append(time.monotonic()))
    signal.setitimer(signal.ITIMER_REAL, 500.0, 7.0)
    try:
        with Rough(always(good)) as tenant:
            ask(tenant.url)
            seconds, interval = signal.getitimer(signal.ITIMER_REAL)
            assert 0 < seconds <= 500.0
            assert interval == 7.0
            assert rung == []
            # One that falls due meanwhile rings afterwards.
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            tenant.script = always(lambda peer: (peer.server.stopping.wait(0.05), good(peer))[1])
            assert ask(tenant.url).status == 200
            while not rung:
                time.sleep(0.001)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "pieces",
    [[b"HTTP/1.1 200 ", b"O"], [HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"], [CHUNKED, b"1\r\nx\r\n"]],
    ids=["status", "body", "chunks"],
)
def test_reading_ends_at_the_deadline_in_other_threads_too(pieces: list[bytes]) -> None:
    def send() -> None:
        one = Transport(Settings(tenant.url, KEY, timeout=GUARD * 2))
        try:
            one.send("DELETE", "/data/object/x", deadline=time.monotonic() + 0.2)
        finally:
            one.close()

    with Rough(always(lambda peer: peer.drip(*pieces))) as tenant, concurrent.futures.ThreadPoolExecutor(1) as pool:
        error = pool.submit(send).exception()
    assert isinstance(error, errors.DeadlineExceeded)
    assert error.sent


def addresses(monkeypatch: pytest.MonkeyPatch, *found: tuple[str, int]) -> None:
    """Let every name have these addresses."""
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", one) for one in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: answer)


def test_the_second_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with Rough(always(good)) as tenant, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        addresses(monkeypatch, nobody.getsockname(), ("127.0.0.1", tenant.port))
        assert ask("http://tenant.example", allow_http=True).status == 200


@contextlib.contextmanager
def full() -> t.Iterator[tuple[str, int]]:
    """An address that takes no more connections: each attempt waits."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _attempt in range(3):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()


def test_all_addresses_share_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = [0]

    class Counting(socket.socket):
        def connect(self, address: t.Any) -> None:
            tried[0] += 1
            super().connect(address)

    with full() as address:
        addresses(monkeypatch, *[address] * 9)
        monkeypatch.setattr(socket, "socket", Counting)
        one = Transport(Settings("http://tenant.example", KEY, allow_http=True, timeout=0.1))
        with pytest.raises(errors.DeadlineExceeded) as caught:
            one.send("DELETE", "/data/object/x", deadline=time.monotonic() + 0.35)
        monkeypatch.undo()
    assert 1 < tried[0] < 9
    assert not caught.value.sent


@pytest.mark.skipif(not socket.has_ipv6, reason="Python knows no IPv6")
def test_an_address_of_ipv6() -> None:
    with Rough(always(good)) as tenant, socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("the machine has no IPv6")
        listener.listen()
        port = listener.getsockname()[1]

        def front() -> None:
            sock, _address = listener.accept()
            with sock, socket.create_connection(("127.0.0.1", tenant.port)) as upstream:
                wire(sock, upstream)

        thread = threading.Thread(target=front, daemon=True)
        thread.start()
        assert ask(f"http://[::1]:{port}").status == 200
        thread.join(GUARD)
    assert f"Host: [::1]:{port}\r\n".encode() in tenant.requests[0]


def test_a_name_that_is_none() -> None:
    error = fails(f"http://{'x' * 64}.example", allow_http=True)
    assert isinstance(error, errors.TransportError | errors.ConfigurationError)
    assert not getattr(error, "sent", False)


def test_nothing_is_begun_after_the_deadline() -> None:
    with Rough(always(good)) as tenant:
        one = Transport(Settings(tenant.url, KEY), clock=lambda: 5.0)
        with pytest.raises(errors.DeadlineExceeded) as caught:
            one.send("DELETE", "/data/object/x", deadline=5.0)
    assert not caught.value.sent
    assert tenant.connections == 0


def test_waits_count_for_the_deadline() -> None:
    now = [0.0]
    with Rough(always(lambda peer: peer.reply(503, Retry_After="50"))) as tenant:
        client = Client(
            Settings(tenant.url, KEY, retries=99),
            clock=lambda: now[0],
            sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
            jitter=lambda: 1.0,
        )
        with client, pytest.raises(errors.ServerError, match="total_timeout"):
            client.call(LIST_INTEGRATIONS)
    assert now[0] == 100.0
    assert len(tenant.requests) == 3


def test_threads_do_not_share_a_deadline() -> None:
    """One is late while another has time; and no request leaves a thread behind."""
    before = threading.active_count()
    late: list[BaseException] = []
    with Rough(always(good)) as tenant:
        one = Transport(Settings(tenant.url, KEY))

        def hurry() -> None:
            try:
                one.send("GET", "/integrations", deadline=time.monotonic() - 1.0)
            except errors.DeadlineExceeded as error:
                late.append(error)

        one.send("GET", "/integrations", deadline=time.monotonic() + FAR)
        other = threading.Thread(target=hurry)
        other.start()
        other.join()
        assert one.send("GET", "/integrations", deadline=time.monotonic() + FAR).status == 200
        one.close()
    assert len(late) == 1
    assert threading.active_count() == before


# Connections that are kept


def test_a_kept_connection_that_was_closed_is_not_used() -> None:
    def once(peer: Peer) -> None:
        peer.request()
        peer.reply()

    with Rough(once) as tenant, Client(Settings(tenant.url, KEY)) as client:
        client.call(GET_CONNECTION, connection_key="x")
        tenant.finish()
        client.call(DELETE_OBJECT, connection_key="x")
    assert [one.split()[0] for one in tenant.requests] == [b"GET", b"DELETE"]
    assert tenant.connections == 2


def test_a_kept_connection_that_closes_on_the_request_has_sent_it() -> None:
    def twice(peer: Peer) -> None:
        peer.request()
        peer.reply()
        peer.request()

    with Rough(twice) as tenant, Client(Settings(tenant.url, KEY)) as client:
        client.call(GET_CONNECTION, connection_key="x")
        with pytest.raises(errors.TransportError) as caught:
            client.call(DELETE_OBJECT, connection_key="x")
    assert caught.value.sent
    assert [one.split()[0] for one in tenant.requests] == [b"GET", b"DELETE"]
    assert tenant.connections == 1


# Odd answers


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 OK 200\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"\xff" * 70_000,
    ],
    ids=["long header", "many headers", "status first", "status large", "noise"],
)
def test_heads_that_are_none(head: bytes) -> None:
    with Rough(lambda peer: (peer.request(), peer.send(head), None)[2]) as tenant:
        error = fails(tenant.url)
    assert isinstance(error, errors.TransportError)
    assert (error.code, error.sent) == ("transport", True)
    assert len(error.message) < 500


def test_a_body_that_unpacks_to_too_much_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST_BODY", 1_000_000)
    packed = gzip.compress(b" " * 1_000_001)
    assert len(packed) < 2_000
    with Rough(always(lambda peer: peer.reply(200, packed, Content_Encoding="gzip"))) as tenant:
        assert "more than 1000000 bytes" in fails(tenant.url).message
    fitting = gzip.compress(b" " * 1_000_000)
    with Rough(always(lambda peer: peer.reply(200, fitting, Content_Encoding="gzip"))) as tenant:
        assert len(ask(tenant.url).body) == 1_000_000


def test_a_body_that_is_packed_twice_is_not_unpacked() -> None:
    twice = gzip.compress(gzip.compress(b"{}"))
    with Rough(always(lambda peer: peer.reply(200, twice, Content_Encoding="gzip, gzip"))) as tenant:
        assert "not requested" in fails(tenant.url).message


def test_a_body_that_is_not_packed_as_it_says() -> None:
    with Rough(always(lambda peer: peer.reply(200, b"{}", Content_Encoding="gzip"))) as tenant:
        error = fails(tenant.url)
    assert isinstance(error, errors.TransportError)
    assert error.sent


@pytest.mark.parametrize("body", [b"\xff\xfe\xfd", b"[" * 100_000, b'{"message": "\\ud800"}', b"9" * 10_000])
@pytest.mark.parametrize("status", [200, 400])
def test_bodies_that_are_none(body: bytes, status: int) -> None:
    with (
        Rough(always(lambda peer: peer.reply(status, body))) as tenant,
        Client(Settings(tenant.url, KEY)) as client,
    ):
        try:
            client.call_json(LIST_INTEGRATIONS)
        except errors.ImmutaError as error:
            assert len(str(error).encode()) < 1000


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("9" * 400, math.inf),
        ("9" * 5000, 0.0),
        ("1e3", 0.0),
        ("inf", 0.0),
        ("nan", 0.0),
        ("Fri, 02 Jan 99999 03:04:05 GMT", 0.0),
        ("Fri, 99 Jan 2026 03:04:05 GMT", 0.0),
        ("Fri, 02 Jan 2026 03:04:05 +9999", 0.0),
        ("Fri", 0.0),
        (",", 0.0),
    ],
)
def test_retry_after_that_makes_no_sense(header: str, expected: float) -> None:
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    assert seconds_until(header, now) == expected


def test_a_huge_retry_after_is_not_waited_for() -> None:
    with (
        Rough(always(lambda peer: peer.reply(429, Retry_After="9" * 400))) as tenant,
        Client(Settings(tenant.url, KEY)) as client,
        pytest.raises(errors.RateLimited, match="total_timeout"),
    ):
        client.call(LIST_INTEGRATIONS)
    assert len(tenant.requests) == 1
