# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only room that opens sockets to Immuta: one request out, one bounded answer back.

It knows TLS, proxies, time-outs and authentication, and nothing about the API. It never repeats a request and never
follows a redirect.
"""

from __future__ import annotations

import dataclasses
import json
import time
import traceback
import typing as t
from urllib.parse import urlsplit

from ansible_collections.community.immuta.plugins.module_utils import _hidden
from ansible_collections.community.immuta.plugins.module_utils._failure import MissingLibrary
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import (
    ConfigurationError,
    DeadlineExceeded,
    RedirectRefused,
    TransportError,
)

if t.TYPE_CHECKING:
    import requests

# No answer of the API comes near this; a larger one would only fill the memory of the managed node.
LARGEST_BODY = 64 * 1024 * 1024
CHUNK = 64 * 1024
REACHABLE = (
    "Check url, the name's address, proxies (HTTPS_PROXY, NO_PROXY) and firewalls from the host that runs the module."
)
# What urllib3 raises before a byte of the request has left.
NEVER_SENT = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Where Immuta is and how to talk to it.

    :ivar url: scheme, host, optional port and optional prefix; no trailing slash
    :ivar auth_scheme: C(api_key) sends the key as it is, C(bearer) after the word C(Bearer)
    :ivar timeout: seconds to connect, and seconds between two pieces of an answer
    :ivar total_timeout: seconds for one call, with its retries
    :ivar retries: how often a call is repeated at the most
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

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigurationError(
                "The option url must begin with https:// (or http://) and name a host.",
                hint="For example: https://example.hosted.immutacloud.com",
            )
        try:
            parts.port  # noqa: B018  (reading it is what checks it)
        except ValueError:
            raise ConfigurationError("The option url has a port that is no number from 0 to 65535.") from None
        if parts.username is not None or parts.password is not None:
            raise ConfigurationError(
                "The option url holds a user name or a password.", hint="Pass the API key in the option api_key."
            )
        if parts.query or parts.fragment:
            raise ConfigurationError(
                "The option url holds a query or a fragment.",
                hint="Give scheme and host only, as in the browser's bar.",
            )
        if not (self.api_key.isascii() and self.api_key.isprintable()):
            raise ConfigurationError(
                "The option api_key holds characters that no API key has.",
                hint="Look for line breaks and stray blanks.",
            )
        object.__setattr__(self, "url", self.url.rstrip("/"))


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
        self._session: requests.Session = self._requests.Session()
        # Auth set on the session wins over any .netrc; a callable keeps the key out of the session's headers.
        self._session.auth = self._authorize
        self._session.headers.update({"Accept": "application/json, text/plain;q=0.9", "User-Agent": "community.immuta"})
        self._verify: bool | str = settings.validate_certs and (settings.ca_path or True)
        if settings.client_cert:
            self._session.cert = (
                (settings.client_cert, settings.client_key) if settings.client_key else settings.client_cert
            )
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
        :param deadline: on the clock; the request is not begun and not read past it
        :param authorize: whether the API key goes along
        :raises TransportError: no complete answer; C(sent) tells whether Immuta may have the request
        :raises DeadlineExceeded: the answer was not complete in time
        :raises RedirectRefused: the answer was a redirect
        """
        where: dict[str, t.Any] = {"method": method, "path": path}
        remaining = deadline - self._clock()
        if remaining <= 0:
            raise DeadlineExceeded(self._late(), sent=False, **where)
        timeout = min(self._settings.timeout, remaining)
        exceptions = self._requests.exceptions
        answered = False
        try:
            with self._session.request(
                method,
                self._settings.url + path,
                data=None if body is None else json.dumps(body).encode(),
                headers={} if body is None else {"Content-Type": "application/json"},
                auth=None if authorize else self._anonymous,
                allow_redirects=False,
                stream=True,
                timeout=(timeout, timeout),
                verify=self._verify,
            ) as response:
                answered = True
                if 300 <= response.status_code < 400:
                    raise self._redirect(response, where)
                return Reply(
                    response.status_code,
                    self._read(response, deadline, where),
                    response.headers.get("Content-Type", ""),
                    response.headers.get("Retry-After"),
                )
        except exceptions.SSLError as error:
            raise TransportError(
                f"The TLS connection to {self._host()} failed: {_reason(error)}.",
                sent=not _among_causes(error, "SSLCertVerificationError"),
                hint="If the certificate is signed by a private authority, name its bundle in ca_path.",
                code="tls",
                **where,
            ) from None
        except exceptions.ConnectTimeout:
            raise TransportError(
                f"No connection to {self._host()} within {timeout:g} s.", sent=False, hint=REACHABLE, **where
            ) from None
        except (exceptions.InvalidURL, exceptions.InvalidProxyURL, exceptions.InvalidHeader) as error:
            raise ConfigurationError(
                f"The request can't be made: {type(error).__name__}.",
                hint="Check url, the proxy variables of the environment, and api_key for stray line breaks.",
                **where,
            ) from None
        except (exceptions.RequestException, self._urllib3.exceptions.HTTPError) as error:
            if deadline - self._clock() <= 0:
                raise DeadlineExceeded(self._late(), sent=True, **where) from None
            sent = answered or not _among_causes(error, *NEVER_SENT)
            raise TransportError(
                f"The connection to {self._host()} {'broke' if sent else 'could not be made'}: {_reason(error)}.",
                sent=sent,
                hint="" if sent else REACHABLE,
                **where,
            ) from None
        except OSError as error:
            # requests raises it for a CA bundle or client certificate that can't be read.
            raise ConfigurationError(
                f"A TLS file can't be used: {error}.", hint="Check ca_path, client_cert and client_key.", **where
            ) from None

    def _read(self, response: requests.Response, deadline: float, where: dict[str, t.Any]) -> bytes:
        """The whole body, within the deadline and the size bound. A slow drip must not outlive the deadline."""
        body = bytearray()
        # read1 gives what has arrived; read(n) and iter_content(n) would sit through a drip until n bytes are there.
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if self._clock() > deadline:
                raise DeadlineExceeded(self._late(), sent=True, **where)
            if len(body) > LARGEST_BODY:
                raise TransportError(
                    f"{self._host()} answered with more than {LARGEST_BODY} bytes.", sent=True, **where
                )
        return bytes(body)

    def _redirect(self, response: requests.Response, where: dict[str, t.Any]) -> RedirectRefused:
        target = urlsplit(response.headers.get("Location", "")).hostname
        return RedirectRefused(
            f"{self._host()} redirects to {_hidden.said(target or 'another path of its own')}; redirects are not followed,"
            " since the API key would go with them.",
            hint="Set url to the tenant's final address.",
            status=response.status_code,
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

    def _late(self) -> str:
        return f"{self._host()} did not answer completely within total_timeout ({self._settings.total_timeout:g} s)."


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


def _among_causes(error: BaseException, *names: str) -> bool:
    """Whether one of the exception types C(names) is the error or below it."""
    return any(type(one).__name__ in names for one in _causes(error))


def _reason(error: BaseException) -> str:
    """The innermost cause, in a few words. Addresses of objects and URLs are left out."""
    innermost = list(_causes(error))[-1]
    text = getattr(innermost, "verify_message", "") or getattr(innermost, "strerror", "") or str(innermost)
    return _hidden.shorten(text.splitlines()[0], 200).rstrip(".") if text else type(innermost).__name__
