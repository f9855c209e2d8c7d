# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No answer that lost its end is taken for whole, wherever it was cut and whichever urllib3 there is."""

from __future__ import annotations

import contextlib
import gzip
import time
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import errors
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    GET_CONNECTION,
    RENDER_CLEANUP_SCRIPT,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.script_text import text_of
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply, Settings, Transport
from ansible_collections.community.immuta.tests.unit.plugins.module_utils._immuta.rough import (
    Authority,
    Peer,
    Rough,
    always,
    good,
    tls,
)

FAR = 1e9
# The first statement alone is a script, too: of the kind that nobody wants to run without the others.
SCRIPT = b"USE ROLE ACCOUNTADMIN;\nDROP SCHEMA IMMUTA.POLICIES;\n"
STATUS = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
PACKED = gzip.compress(SCRIPT, mtime=0)


def sized(body: bytes, *headers: bytes) -> bytes:
    """An answer with a length."""
    return STATUS + b"".join(one + b"\r\n" for one in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(*lines: bytes, headers: bytes = b"Transfer-Encoding: chunked\r\n") -> bytes:
    """An answer in chunks, of which everything is given."""
    return STATUS + headers + b"\r\n" + b"".join(lines)


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


GZIP = b"Content-Encoding: gzip"
ONE, TWO = SCRIPT[:23], SCRIPT[23:]
END = b"0\r\n\r\n"


def send(tenant: Rough, **options: t.Any) -> Reply:
    """Ask for something."""
    one = Transport(Settings(tenant.url, "key", **options))
    with contextlib.closing(one):
        return one.send("GET", "/integrations", deadline=time.monotonic() + FAR)


def last_words(answer: bytes) -> t.Callable[[Peer], None]:
    """Send this, then close."""
    return lambda peer: (peer.request(), peer.send(answer), None)[2]


def answered(answer: bytes) -> Reply:
    """What is made of an answer behind which the connection is closed."""
    with Rough(last_words(answer)) as tenant:
        return send(tenant)


def refused(answer: bytes) -> str:
    """The reason for which an answer is refused, behind which the connection is closed."""
    with pytest.raises(errors.TransportError) as caught:
        answered(answer)
    assert caught.value.sent
    assert caught.value.code == "transport"
    return caught.value.message


WHOLE = {
    "length": sized(SCRIPT),
    "length twice": sized(SCRIPT, b"Content-Length: %d" % len(SCRIPT)),
    "length listed": STATUS + b"Content-Length: %d , %d\r\n\r\n" % (len(SCRIPT), len(SCRIPT)) + SCRIPT,
    "lines without returns": sized(SCRIPT).replace(b"\r\n", b"\n"),
    "HTTP/1.0": sized(SCRIPT).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "one chunk": chunked(chunk(SCRIPT), END),
    "chunks": chunked(chunk(ONE), chunk(TWO), END),
    "chunk extensions": chunked(b"17;a=b;c\r\n" + ONE + b"\r\n", chunk(TWO), END),
    "padded sizes": chunked(b"0017  \r\n" + ONE + b"\r\n", chunk(TWO), END),
    "trailers": chunked(chunk(SCRIPT), b"0\r\nX: y\r\nZ: z\r\n\r\n"),
    "no line behind the last chunk": chunked(chunk(SCRIPT), b"0\r\n"),
    "large letters": chunked(chunk(ONE), chunk(TWO).upper().replace(TWO.upper(), TWO), END),
    "coding in large letters": chunked(chunk(SCRIPT), END, headers=b"Transfer-Encoding: Chunked\r\n"),
    "gzip": sized(PACKED, GZIP),
    "gzip by its old name": sized(PACKED, b"Content-Encoding: x-gzip"),
    "gzip in chunks": chunked(
        chunk(PACKED[:20]), chunk(PACKED[20:]), END, headers=b"Transfer-Encoding: chunked\r\n" + GZIP + b"\r\n"
    ),
    "identity": sized(SCRIPT, b"Content-Encoding: identity"),
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n" + sized(SCRIPT),
}


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE)
def test_whole_answers(answer: bytes) -> None:
    reply = answered(answer)
    assert (reply.status, reply.body, reply.content_type) == (200, SCRIPT, "text/plain")


@pytest.mark.parametrize("name", ["length", "chunks", "padded sizes", "gzip", "gzip in chunks"])
@pytest.mark.parametrize("secure", [False, True])
def test_an_answer_that_was_cut_anywhere(name: str, secure: bool, authority: Authority) -> None:
    """A cut TLS connection looks like a closed one to Python."""
    whole = WHOLE[name]
    # The line behind the last chunk is not part of the body.
    ends = range(len(whole) - 2 * whole.endswith(END))
    options = {"ca_path": str(authority.bundle)} if secure else {}
    with Rough(always(good), tls(authority.issue("127.0.0.1")) if secure else None) as tenant:
        for end in ends if not secure else list(ends)[::7]:
            tenant.script = last_words(whole[:end])
            with pytest.raises(errors.TransportError) as caught:
                send(tenant, **options)
            assert caught.value.sent, whole[:end]


@pytest.mark.parametrize("end", range(len(PACKED)))
def test_packed_data_that_were_cut_before_they_were_measured(end: int) -> None:
    if end:
        refused(sized(PACKED[:end], GZIP))
    else:
        assert answered(sized(b"", GZIP)).body == b""


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (STATUS + b"Content-Length: 99\r\n\r\n" + ONE, "only 23 of 99 bytes of its body arrived"),
        (STATUS + b"\r\n" + SCRIPT, "gives no length"),
        (STATUS.replace(b"1.1", b"1.0") + b"\r\n" + SCRIPT, "gives no length"),
        (STATUS.replace(b"text/plain", b"application/json") + b"Connection: close\r\n\r\n{}", "gives no length"),
        (STATUS + b"Content-Length: 23\r\n\r\n" + SCRIPT, "longer than announced"),
        (STATUS + b"Content-Length: 0\r\n\r\n" + SCRIPT, "longer than announced"),
        (chunked(chunk(SCRIPT), END, SCRIPT), "longer than announced"),
        (STATUS + b"Content-Length: 23\r\nContent-Length: 99\r\n\r\n" + ONE, "contradicts itself"),
        (STATUS + b"Content-Length: 0\r\nContent-Length: 99\r\n\r\n", "contradicts itself"),
        (STATUS + b"Content-Length: 23, 99\r\n\r\n" + ONE, "contradicts itself"),
        *(
            (STATUS + b"Content-Length: " + one + b"\r\n\r\n" + ONE, "not a number")
            for one in (b"2_3", b"+23", b"-23", b"0x17", b"23.0", b"many", b"", b"23;", b"9" * 5000, "２３".encode())
        ),
        (chunked(chunk(SCRIPT), END, headers=b"Transfer-Encoding: chunked\r\nContent-Length: 23\r\n"), "contradicts"),
        (chunked(chunk(SCRIPT), END, headers=b"Transfer-Encoding: gzip, chunked\r\n"), "not requested"),
        (chunked(chunk(SCRIPT), END, headers=b"Transfer-Encoding: chunked, chunked\r\n"), "not requested"),
        (sized(SCRIPT, b"Transfer-Encoding: identity"), "contradicts itself"),
        (chunked(chunk(ONE)), "its last chunk is missing"),
        (chunked(chunk(ONE), b"0"), "its last chunk is missing"),
        (chunked(chunk(ONE), b"\r\n"), "no valid size"),
        (chunked(b"17\r\n" + ONE[:9]), "only 9 of 23 bytes of its last chunk arrived"),
        (chunked(b"17\r\n" + ONE), "does not end where it should"),
        (chunked(b"10\r\n" + ONE + b"\r\n", END), "does not end where it should"),
        (chunked(b"14\r\n" + ONE[:20] + b"\n\n0\r\n", chunk(TWO), END), "does not end where it should"),
        *(
            (chunked(chunk(ONE), one + b"\r\n\r\n"), "no valid size")
            for one in (b"-0", b"+0", b"0x0", b"0_0", b" 0", b"", b"0" * 70_000, b"0,0")
        ),
        (STATUS + b"Content-Length: 0", "middle of its headers"),
        (STATUS + b"Content-Length: 0\r\n", "middle of its headers"),
        (b"HTTP/1.1 204 Gone", "middle of its headers"),
        (STATUS + b"Content-Length: 23\r\nnonsense\r\nContent-Length: 99\r\n\r\n" + ONE, "not a header"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + sized(SCRIPT), "preliminary (103)"),
        (sized(PACKED + b"more", GZIP), "compressed data"),
        (sized(PACKED + PACKED, GZIP), "compressed data"),
        (sized(PACKED[:-8] + bytes(8), GZIP), "incorrect data check"),
        (sized(SCRIPT, GZIP), "incorrect header check"),
        (sized(SCRIPT, b"Content-Encoding: br"), "not requested"),
        (sized(PACKED, b"Content-Encoding: deflate"), "not requested"),
    ],
)
@pytest.mark.parametrize("status", [b"200", b"404"])
def test_answers_that_are_not_whole(answer: bytes, reason: str, status: bytes) -> None:
    assert reason in refused(answer.replace(b" 200 ", b" " + status + b" ", 1))


@pytest.mark.parametrize("size", [1, 8192, 12_000, 100_000])
def test_what_comes_behind_is_seen_on_a_connection_that_stays_open(size: int, authority: Authority) -> None:
    """With TLS it can be in OpenSSL's buffer alone: it comes in records of up to 16 KiB."""
    answer = STATUS + b"Content-Length: 23\r\n\r\n" + ONE + b"x" * size
    with (
        Rough(always(lambda peer: peer.send(answer)), tls(authority.issue("127.0.0.1"))) as tenant,
        pytest.raises(errors.TransportError, match="longer than announced"),
    ):
        send(tenant, ca_path=str(authority.bundle))


@pytest.mark.parametrize(
    "name", [one for one in WHOLE if one not in ("length listed", "HTTP/1.0", "no line behind the last chunk")]
)
def test_the_connection_is_kept_behind_a_whole_answer(name: str) -> None:
    with Rough(always(lambda peer: peer.send(WHOLE[name]))) as tenant:
        one = Transport(Settings(tenant.url, "key"))
        with contextlib.closing(one):
            for _time in range(3):
                assert one.send("GET", "/integrations", deadline=time.monotonic() + FAR).body == SCRIPT
    assert tenant.connections == 1


@pytest.mark.parametrize("status", [b"204", b"304"])
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 2\r\n\r\n{}", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"]
)
def test_a_body_that_must_not_be_there_is_not_the_next_answer(status: bytes, framing: bytes) -> None:
    bad = b"HTTP/1.1 " + status + b" OK\r\n" + framing
    with Rough(always(lambda peer: peer.send(bad), good)) as tenant:
        one = Transport(Settings(tenant.url, "key"))
        with contextlib.closing(one):
            with contextlib.suppress(errors.RedirectRefused):
                assert one.send("DELETE", "/x", deadline=time.monotonic() + FAR).body == b""
            reply = one.send("GET", "/integrations", deadline=time.monotonic() + FAR)
    assert (reply.status, reply.body) == (200, b"{}")
    assert tenant.connections == 2


def test_no_content_keeps_the_connection() -> None:
    with Rough(always(lambda peer: peer.send(b"HTTP/1.1 204 No Content\r\n\r\n"), good)) as tenant:
        one = Transport(Settings(tenant.url, "key"))
        with contextlib.closing(one):
            assert one.send("DELETE", "/x", deadline=time.monotonic() + FAR).status == 204
            assert one.send("GET", "/integrations", deadline=time.monotonic() + FAR).body == b"{}"
    assert tenant.connections == 1


@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
def test_a_clean_up_script_that_lost_its_end(kind: str) -> None:
    """It is asked for again, and a part of it is never the script."""

    def cut(peer: Peer) -> None:
        peer.send(STATUS.replace(b"text/plain", kind.encode()) + b"Content-Length: 99\r\n\r\n" + ONE)
        raise ConnectionAbortedError

    whole = sized(SCRIPT)
    with (
        Rough(always(cut)) as tenant,
        Client(Settings(tenant.url, "key", retries=1), sleep=lambda _seconds: None) as client,
    ):
        with pytest.raises(errors.TransportError, match="only 23 of 99 bytes"):
            client.call(RENDER_CLEANUP_SCRIPT, integration_id=5)
        assert len(tenant.requests) == 2
        tenant.script = always(lambda peer: peer.send(whole))
        assert text_of(client.call(RENDER_CLEANUP_SCRIPT, integration_id=5)) == SCRIPT.decode()


def test_what_to_do_about_it_is_said() -> None:
    with (
        Rough(last_words(STATUS + b"\r\n{}")) as tenant,
        Client(Settings(tenant.url, "key", retries=0)) as client,
        pytest.raises(errors.TransportError) as caught,
    ):
        client.call(GET_CONNECTION, connection_key="x")
    assert caught.value.message == (
        f"The answer from 127.0.0.1:{tenant.port} can't be used: it gives no length, so nothing shows whether it is"
        " complete."
    )
    assert "proxy" in caught.value.hint
