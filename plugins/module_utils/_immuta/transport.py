# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All requests to Immuta go through here: one request out, one bounded answer back.

This file knows TLS, proxies, authentication and what went wrong, and nothing about the API. It never repeats a request and
never follows a redirect. Its connections and their deadline are in C(sockets); C(framing) decides whether an answer is whole.
"""

from __future__ import annotations

import dataclasses
import json
import ssl
import time
import traceback
import typing as t
import zlib
from urllib.parse import SplitResult, urlsplit

from ansible_collections.community.immuta.plugins.module_utils import _address, _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import MissingLibrary
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import (
    ConfigurationError,
    DeadlineExceeded,
    RedirectRefused,
    TransportError,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.framing import NotWhole
from ansible_collections.community.immuta.plugins.module_utils._immuta.sockets import Bounds, Late, adapter

if t.TYPE_CHECKING:
    import requests

# No answer of the API comes near this; a larger one would only fill the memory of the managed node.
LARGEST_BODY = 64 * 1024 * 1024
CHUNK = 64 * 1024
REACHABLE = (
    "Check url, the name's address, proxies (HTTPS_PROXY, NO_PROXY) and firewalls from the host that runs the module."
)
NOT_WHOLE = (
    "Run it again. If it fails the same way, check what is in between: a proxy or a load balancer may cut or"
    " alter answers."
)
# What to do about a certificate, by OpenSSL's number for what is wrong with it.
OTHER_NAME = "The certificate is for another name: set url to the name that the certificate has."
CERTIFICATE_REMEDIES = {
    9: "The certificate is not valid yet: check the clock of the host that runs the module.",
    10: "Have the server's certificate renewed, or check the clock of the host that runs the module.",
    62: OTHER_NAME,
    64: OTHER_NAME,
}
PRIVATE_AUTHORITY = "If the certificate is signed by a private authority, name its bundle in ca_path."


@dataclasses.dataclass(frozen=True)
class Settings:
    """The address of Immuta, and how to talk to it.

    :ivar url: scheme, host, optional port and optional prefix; no trailing slash
    :ivar auth_scheme: C(api_key) sends the key as it is, C(bearer) after the word C(Bearer)
    :ivar timeout: seconds to connect, and seconds between two pieces of an answer
    :ivar total_timeout: seconds for one call, with its retries
    :ivar retries: how often a call is repeated at the most
    :ivar allow_http: whether the URL may be one without TLS, though the tenant is on another machine
    """

    url: str
    api_key: str = dataclasses.field(repr=False)
    auth_scheme: str = "api_key"
    exchange_api_key: bool = False
    validate_certs: bool = True
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    timeout: float = 30.0
    total_timeout: float = 120.0
    retries: int = 4
    allow_http: bool = False

    def __post_init__(self) -> None:
        _address.require_no_user_info(
            self.url,
            "url",
            "Write scheme and host only (in url or IMMUTA_URL), and pass the API key in api_key.",
            error=ConfigurationError,
        )
        _address.require_plain_proxies(error=ConfigurationError)
        parts = self._parts()
        if parts.scheme == "http" and not self.allow_http and not _address.is_loopback(parts.hostname or ""):
            raise ConfigurationError(
                "The option url starts with http://, so the API key would be sent unencrypted.",
                hint="Use https://. For a tenant without TLS, set allow_http to true (or IMMUTA_ALLOW_HTTP).",
            )
        if parts.query or parts.fragment:
            raise ConfigurationError(
                "The option url contains a query or a fragment.",
                hint="Give scheme and host only, as in the browser's address bar.",
            )
        if not (self.api_key.isascii() and self.api_key.isprintable()):
            raise ConfigurationError(
                "The option api_key contains characters that no API key has.",
                hint="Check it for line breaks and stray spaces.",
            )
        object.__setattr__(self, "url", self.url.rstrip("/"))

    def _parts(self) -> SplitResult:
        """Return the parts of the URL.

        :raises ConfigurationError: it is none
        """
        try:
            parts = _address.split(self.url)
        except ValueError:
            raise ConfigurationError(
                "The option url has a port that is not a number from 0 to 65535, or an invalid IPv6 address.",
                hint="Write an IPv6 address in brackets, as in https://[2001:db8::1]:8443",
            ) from None
        if parts.scheme not in ("http", "https") or not parts.hostname or not self.url.isprintable() or " " in self.url:
            raise ConfigurationError(
                "The option url must start with https:// and name a host, without spaces.",
                hint="For example: https://example.hosted.immutacloud.com",
            )
        return parts


@dataclasses.dataclass(frozen=True)
class Reply:
    """One answer, whole. Headers are kept to the two that mean something to the client."""

    status: int
    body: bytes = dataclasses.field(repr=False)
    content_type: str = ""
    retry_after: str | None = None


def _import_requests() -> tuple[t.Any, t.Any]:
    try:
        import requests
        import urllib3
    except ImportError:
        raise MissingLibrary(
            "requests",
            reason="for talking to Immuta",
            url="https://pypi.org/project/requests/",
            trace=traceback.format_exc(),
        ) from None
    return requests, urllib3


class Transport:
    """One keep-alive connection to one tenant.

    :param settings: where and how
    :param clock: seconds that only go forward; replaced in tests
    """

    def __init__(self, settings: Settings, *, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._requests, self._urllib3 = _import_requests()
        self._settings = settings
        self._clock = clock
        self._authorization = self._scheme(settings.api_key, settings.auth_scheme)
        self._bounds = Bounds(clock)
        self._session: requests.Session = self._requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter(self._requests, self._bounds))
        # Else requests reads the target and the body of every redirect, although it is told not to follow it.
        self._session.get_redirect_target = lambda response: None
        # Auth set on the session wins over any .netrc; a callable keeps the key out of the session's headers.
        self._session.auth = self._authorize
        self._session.headers.update(
            {
                "Accept": "application/json, text/plain;q=0.9",
                "Accept-Encoding": "gzip",
                "User-Agent": "community.immuta",
            }
        )
        self._verify: bool | str = settings.validate_certs and (settings.ca_path or True)
        if settings.client_cert:
            # With the file of the key named, an encrypted one is refused; else OpenSSL would ask for its passphrase.
            self._session.cert = (settings.client_cert, settings.client_key or settings.client_cert)
        if not settings.validate_certs:
            # The user has said so in the task; one warning a request would bury the task's own output.
            self._urllib3.disable_warnings(self._urllib3.exceptions.InsecureRequestWarning)

    def use_token(self, token: str) -> None:
        """Send C(token) instead of the API key from now on."""
        self._authorization = self._scheme(token, "bearer")

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def send(self, method: str, path: str, *, body: t.Any = None, deadline: float, authorize: bool = True) -> Reply:
        """Send one request and read its answer.

        :param path: below the tenant's URL, percent-encoded
        :param body: sent as JSON unless it is None
        :param deadline: on the clock; after it, the request is neither started nor read
        :param authorize: whether the API key goes along
        :raises TransportError: no complete answer; C(sent) tells whether Immuta may have the request
        :raises DeadlineExceeded: the answer was not complete in time
        :raises RedirectRefused: the answer was a redirect
        """
        where: dict[str, t.Any] = {"method": method, "path": path}
        self._bounds.begin(deadline, self._settings.timeout)
        if self._bounds.over:
            raise self._late(where)
        exceptions = self._requests.exceptions
        try:
            return self._bounds.keep(lambda: self._exchange(where, body, authorize))
        except Late:
            raise self._late(where) from None
        except (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.InvalidHeader) as error:
            raise ConfigurationError(
                f"The request can't be made: {type(error).__name__}.",
                hint="Check url, the proxy variables of the environment, and api_key for stray line breaks.",
                **where,
            ) from None
        except (exceptions.RequestException, self._urllib3.exceptions.HTTPError) as error:
            raise self._broken(error, where) from None
        except OSError as error:
            if self._bounds.sent or self._bounds.over:
                raise self._broken(error, where) from None
            # requests raises it for a CA bundle or client certificate that can't be read.
            raise ConfigurationError(
                f"A TLS file can't be used: {error}.", hint="Check ca_path, client_cert and client_key.", **where
            ) from None

    def _exchange(self, where: dict[str, t.Any], body: t.Any, authorize: bool) -> Reply:
        with self._session.request(
            where["method"],
            self._settings.url + where["path"],
            data=None if body is None else json.dumps(body).encode(),
            headers={} if body is None else {"Content-Type": "application/json"},
            auth=None if authorize else self._anonymous,
            allow_redirects=False,
            stream=True,
            timeout=self._bounds.left(),
            verify=self._verify,
        ) as response:
            if 300 <= response.status_code < 400:
                raise self._redirect(response, where)
            return Reply(
                response.status_code,
                self._read(response, where),
                response.headers.get("Content-Type", ""),
                response.headers.get("Retry-After"),
            )

    def _read(self, response: requests.Response, where: dict[str, t.Any]) -> bytes:
        """The whole body, unpacked, within the size bound."""
        body = bytearray()
        for chunk in response.raw.stream(CHUNK, decode_content=False):
            body += chunk
            self._require_size(body, where)
        packing = response.headers.get("Content-Encoding", "identity").strip().lower()
        if not body or packing == "identity":
            return bytes(body)
        if packing not in ("gzip", "x-gzip"):
            raise TransportError(
                f"{self._host()} answered with a content encoding that was not requested.", sent=True, **where
            )
        # urllib3 does not notice when packed data lack their end, or have anything behind it.
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            unpacked = unpacker.decompress(body, LARGEST_BODY + 1)
        except zlib.error as error:
            raise self._not_whole(str(error), where) from None
        self._require_size(unpacked, where)
        if not unpacker.eof or unpacker.unused_data:
            raise self._not_whole("its compressed data do not end where they should", where)
        return unpacked

    def _require_size(self, body: bytes | bytearray, where: dict[str, t.Any]) -> None:
        if len(body) > LARGEST_BODY:
            raise TransportError(f"{self._host()} answered with more than {LARGEST_BODY} bytes.", sent=True, **where)

    def _not_whole(self, reason: str, where: dict[str, t.Any]) -> TransportError:
        return TransportError(
            f"The answer from {self._host()} can't be used: {reason}.", sent=True, hint=NOT_WHOLE, **where
        )

    def _redirect(self, response: requests.Response, where: dict[str, t.Any]) -> RedirectRefused:
        try:
            target = urlsplit(response.headers.get("Location", "")).hostname or "another path on the same host"
        except ValueError:
            target = "an invalid address"
        in_clear = urlsplit(self._settings.url).scheme == "http"
        gone = "The API key was sent unencrypted: rotate it. " if in_clear else ""
        return RedirectRefused(
            f"{self._host()} redirects to {_redact.redact_message(target)[:200]}; redirects are not followed,"
            " because they would take the API key along.",
            hint=f"{gone}Set url to the tenant's final address.",
            status=response.status_code,
            **where,
        )

    def _broken(self, error: Exception, where: dict[str, t.Any]) -> TransportError:
        """The error for a request that got no whole answer."""
        sent = self._bounds.sent
        if self._bounds.over:
            return self._late(where)
        for one in _causes(error):
            if isinstance(one, NotWhole):
                return self._not_whole(str(one), where)
        if self._is_tls(error):
            return TransportError(
                f"The TLS connection to {self._host()} failed: {_reason(error)}.{'' if sent else ' Nothing was sent.'}",
                sent=sent,
                hint=_tls_remedy(error),
                code="tls",
                **where,
            )
        return TransportError(
            f"The connection to {self._host()} {'broke' if sent else 'could not be made'}: {_reason(error)}.",
            sent=sent,
            hint="" if sent else REACHABLE,
            **where,
        )

    def _is_tls(self, error: BaseException) -> bool:
        """Return whether the two sides disagree on TLS; a connection that ends during the handshake just broke."""
        causes = list(_causes(error))
        kinds = (ssl.SSLError, self._requests.exceptions.SSLError, self._urllib3.exceptions.SSLError)
        ended = any(isinstance(one, ssl.SSLEOFError | ssl.SSLZeroReturnError) for one in causes)
        return any(isinstance(one, kinds) for one in causes) and not ended

    def _late(self, where: dict[str, t.Any]) -> DeadlineExceeded:
        return DeadlineExceeded(
            f"{self._host()} did not answer completely within total_timeout ({self._settings.total_timeout:g} s).",
            sent=self._bounds.sent,
            **where,
        )

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._authorization
        return request

    @staticmethod
    def _anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request

    @staticmethod
    def _scheme(secret: str, scheme: str) -> str:
        return f"Bearer {secret}" if scheme == "bearer" else secret

    def _host(self) -> str:
        return urlsplit(self._settings.url).netloc


def _causes(error: BaseException) -> t.Iterator[BaseException]:
    """The error and everything that it wraps; requests and urllib3 nest in arguments as well as in causes."""
    todo: list[t.Any] = [error]
    seen: set[int] = set()
    while todo:
        one = todo.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


def _tls_remedy(error: BaseException) -> str:
    """Return what to do about a TLS connection that failed."""
    for one in _causes(error):
        if number := getattr(one, "verify_code", 0):
            return CERTIFICATE_REMEDIES.get(number, PRIVATE_AUTHORITY)
        if type(one).__name__ == "CertificateError":
            # urllib3 1.26 compares the names itself.
            return OTHER_NAME
        if isinstance(one, ssl.SSLError) and "ALERT" in str(one.reason):
            return "If the server asks for a client certificate, name one that it trusts in client_cert."
    return (
        "Check that url starts with the right scheme and has the right port, and the files in ca_path and client_cert."
    )


def _reason(error: BaseException) -> str:
    """The innermost cause, in a few words. Addresses of objects and URLs are left out."""
    innermost = list(_causes(error))[-1]
    text = getattr(innermost, "verify_message", "") or getattr(innermost, "strerror", "") or str(innermost)
    return _redact.redact_and_cut(text.splitlines()[0], 200).rstrip(".") if text else type(innermost).__name__
