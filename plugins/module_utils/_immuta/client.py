# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls to the Immuta API: quoting, authentication, retries, the meaning of a 404, and the guard of check mode.

C(operations) holds what is true of one operation; everything here is true of all of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import email.utils
import json
import math
import random
import time
import typing as t
from urllib.parse import quote, urlencode

from ansible_collections.community.immuta.plugins.module_utils import _pauses, _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    EXCHANGE_API_KEY,
    LIST_INTEGRATIONS,
    WITNESS,
    Effect,
    Family,
    Operation,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply, Settings, Transport

# Longer texts of the server are cut: enough to recognise the error, too little to leak a document.
LONGEST_MESSAGE = 300
# A value of a few bytes takes a hundred when it is read.
LARGEST_JSON = 16 * 1024 * 1024
MOST_VALUES = 1_000_000
# No error of the API is longer.
LARGEST_ERROR = 64 * 1024
RETRIED_STATUSES = frozenset({502, 503, 504})
# 4xx that mean that a request was not carried out. 408 and 425, for example, may come from a gateway that gave up waiting.
NOT_DONE = frozenset({400, 402, 405, 406, 407, *range(410, 419), 421, 422, 423, 424, 426, 428, 431, 451})
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0


class Client:
    """The API of one tenant.

    :param settings: its address and how to talk to it
    :param check_mode: when true, everything but reads and renderings is refused
    :param clock: returns seconds that only go forward
    :param sleep: waits for a number of seconds
    :param jitter: returns a number from 0 to 1
    """

    def __init__(
        self,
        settings: Settings,
        *,
        check_mode: bool = False,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
        jitter: t.Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.sleep = sleep
        self._check_mode = check_mode
        self._jitter = jitter
        self._transport = Transport(settings, clock=clock)
        self._exchanged = not settings.exchange_api_key
        self._answered: set[Family] = set()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self._transport.close()

    def call(self, operation: Operation, *, body: t.Any = None, **parameters: str | int) -> Reply:
        """Send a request and return the reply; its status is one of C(operation.good).

        :param body: sent as JSON
        :param parameters: one for each placeholder of the path
        :raises ImmutaError: of the class that fits the reply
        :raises ApiMissing: the operation exists wherever its part of the API does, and answered 404
        """
        path = operation.path.format(**{name: _segment(name, value) for name, value in parameters.items()})
        return self._send(operation, path, body)

    def query(self, operation: Operation, optional: t.Mapping[str, str | int], *, body: t.Any = None) -> Reply:
        """Like C(call), with some of the parameters in its query that an operation does not need."""
        return self._send(operation, f"{operation.path}?{urlencode(optional)}" if optional else operation.path, body)

    def _send(self, operation: Operation, path: str, body: t.Any) -> Reply:
        if self._check_mode and not operation.effect.harmless:
            raise errors.WriteInCheckMode(
                f"{operation.name} was about to be sent in check mode. Nothing was sent; please report this bug."
            )
        deadline = self.clock() + self.settings.total_timeout
        self._authenticate(deadline)
        try:
            return self._persist(operation, path, body, deadline)
        except errors.NotFound as error:
            if operation is WITNESS.get(operation.family):
                raise self._api_missing(operation.family, error) from None
            raise

    def call_json(self, operation: Operation, *, body: t.Any = None, **parameters: str | int) -> t.Any:
        """Like C(call), and return the JSON of the reply; None for an empty one.

        :raises UnexpectedReply: the reply is something else, for example a login page
        """
        return parse_json(self.call(operation, body=body, **parameters), operation)

    def answer(self, operation: Operation, *, body: t.Any = None, **parameters: str | int) -> Reply:
        """Like C(call), for a read whose answer is wanted whatever its status is.

        :raises ImmutaError: no answer came, a redirect, or one that asks to try again, still after every retry
        """
        every = frozenset(range(200, 600)) - RETRIED_STATUSES - {429}
        answered = self._answered.copy()
        try:
            return self.call(dataclasses.replace(operation, good=every), body=body, **parameters)
        finally:
            # Not every answer shows that a part of the API is there.
            self._answered = answered

    def find(self, operation: Operation, *, body: t.Any = None, **parameters: str | int) -> Reply | None:
        """Like C(call), but None when the object does not exist.

        A wrong URL and a feature that is switched off answer 404 too. So a 404 is believed only after another call of
        the same family has succeeded.

        :raises ApiMissing: no other call succeeds
        """
        try:
            return self.call(operation, body=body, **parameters)
        except errors.NotFound:
            if operation.family not in self._answered:
                witness = WITNESS[operation.family]
                # An API that judges the body is there.
                with contextlib.suppress(errors.InvalidRequest):
                    self.call_json(witness, body={} if witness.takes_body else None)
            return None

    def _api_missing(self, family: Family, absent: errors.NotFound) -> errors.ApiMissing:
        """Return the error for a family whose witness answers 404."""
        others = "" if family == "integrations" else self._integrations_only()
        return errors.ApiMissing(
            f"No Immuta {family} API answers at the url {self.settings.url}{others}, so it is not known what exists.",
            hint="Have connections enabled on the tenant, or check url."
            if others
            else "Check url (host only, no path).",
            method=absent.details["method"],
            path=absent.details["path"],
            status=404,
        )

    def _integrations_only(self) -> str:
        try:
            self.call_json(LIST_INTEGRATIONS)
        except errors.ImmutaError:
            return ""
        return ", though its integrations API does: connections are switched off on this tenant or not in this version"

    def _authenticate(self, deadline: float) -> None:
        if self._exchanged:
            return
        reply = self._persist(
            EXCHANGE_API_KEY, EXCHANGE_API_KEY.path, {"apikey": self.settings.api_key}, deadline, authorize=False
        )
        answer = parse_json(reply, EXCHANGE_API_KEY)
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise errors.UnexpectedReply(
                "Immuta accepted the API key, but its answer has no token.", method="POST", path=EXCHANGE_API_KEY.path
            )
        _redact.add([token])
        self._transport.use_token(token)
        self._exchanged = True

    def _persist(self, operation: Operation, path: str, body: t.Any, deadline: float, authorize: bool = True) -> Reply:
        """Send, and send again while that is safe, useful, and in time."""
        pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE)
        retries = self.settings.retries
        while True:
            retry_after = None
            failure: errors.ImmutaError
            try:
                reply = self._transport.send(operation.method, path, body=body, deadline=deadline, authorize=authorize)
            except errors.TransportError as error:
                again = error.code == "transport" and (operation.effect.harmless or not error.sent)
                failure = error
            else:
                if reply.status in operation.good:
                    self._answered.add(operation.family)
                    return reply
                failure = failure_of(reply, operation, path)
                retry_after = reply.retry_after
                # What is created twice is there twice: whoever creates has to look first, also if it was only asked to wait.
                limited = reply.status == 429 and operation.effect is not Effect.CREATE
                again = limited or (operation.effect.harmless and reply.status in RETRIED_STATUSES)
            if not again or retries <= 0:
                raise failure
            retries -= 1
            # Spread over the upper half of the pause.
            pause = next(pauses) * (0.5 + 0.5 * self._jitter())
            if retry_after is not None:
                pause = max(pause, seconds_until(retry_after))
            if self.clock() + pause >= deadline:
                if retry_after is not None:
                    failure.explain_first(f"Immuta asks to wait {pause:.0f} s, which total_timeout does not allow.")
                raise failure
            self.sleep(pause)


def sleep_or(client: Client, end: float, pauses: t.Iterator[float], late: errors.ImmutaError) -> None:
    """Wait for the next pause, or raise C(late) when the time is up.

    :param end: when that is, by the client's clock
    """
    remaining = end - client.clock()
    if remaining <= 0:
        raise late
    client.sleep(min(next(pauses), remaining))


def _segment(name: str, value: str | int) -> str:
    """Return one path segment, percent-encoded without exceptions; keys may hold spaces, slashes and anything else."""
    text = str(value)
    if text in ("", ".", ".."):
        raise InvalidOption(f"The option {name} is {text!r}, which can't be used in a URL.")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise InvalidOption(f"The option {name} is {text!r}, which is not text and can't be used in a URL.") from None


def seconds_until(retry_after: str, now: datetime.datetime | None = None) -> float:
    """Return the seconds that a C(Retry-After) header asks for, as a number or a date (RFC 9110); 0 if it is neither."""
    try:
        return max(0.0, float(int(retry_after)))
    except OverflowError:
        return math.inf
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(retry_after)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return max(0.0, (moment - (now or datetime.datetime.now(datetime.timezone.utc))).total_seconds())


def looks_like_html(reply: Reply) -> bool:
    """Return whether a reply is a web page, whatever its content type."""
    return "html" in reply.content_type.lower() or reply.body.lstrip()[:1] == b"<"


def parse_json(reply: Reply, operation: Operation) -> t.Any:
    """Return the JSON of a successful reply; None for an empty one.

    :raises UnexpectedReply: it is not JSON, or so much that reading it could take all of the memory
    """
    if not reply.body.strip():
        return None
    if len(reply.body) > LARGEST_JSON or sum(map(reply.body.count, (b"{", b"[", b","))) > MOST_VALUES:
        raise errors.UnexpectedReply(
            f"The answer to {operation.method} {operation.path} is larger than any tenant's ({len(reply.body)}"
            " bytes). It was not read.",
            hint="Check url and any proxy in between: this does not look like the Immuta API.",
            method=operation.method,
            path=operation.path,
            status=reply.status,
        )
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        raise not_immuta(reply, operation) from None


def not_immuta(reply: Reply, operation: Operation, what: str = "JSON") -> errors.UnexpectedReply:
    """Return the error for a successful status with a body that Immuta's API would not send."""
    kind = "a web page (a login page?)" if looks_like_html(reply) else f"something other than {what}"
    return errors.UnexpectedReply(
        f"{operation.method} {operation.path} was answered with {kind}: this is not the Immuta API.",
        hint="Check url: it must be the tenant itself, not a login host or a proxy's sign-in page.",
        method=operation.method,
        path=operation.path,
        status=reply.status,
    )


def message_of(reply: Reply) -> str:
    """Return the server's error message, short and redacted; never a whole body."""
    if looks_like_html(reply):
        return "(a web page)"
    text = reply.body[:LARGEST_ERROR].decode("utf-8", "replace")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = text
    if isinstance(body, dict):
        body = next((body[name] for name in ("message", "error", "detail", "error_description") if body.get(name)), "")
        text = _words(body.get("message") if isinstance(body, dict) else body)
    elif isinstance(body, str):
        text = body
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: _redact.LONGEST_SEARCHED]).split())
    return _redact.redact_and_cut(line, LONGEST_MESSAGE)


def _words(value: t.Any) -> str:
    """Return the words in a part of an answer; of anything else, which says nothing to people and may be deep, nothing."""
    if isinstance(value, list):
        return ", ".join(one for one in value if isinstance(one, str))
    return str(value) if isinstance(value, (str, int, float)) else ""


def failure_of(reply: Reply, operation: Operation, path: str) -> errors.ImmutaError:
    """Return the error for an unsuccessful status."""
    status = reply.status
    message = message_of(reply)
    tail = f": {message}" if message else "."
    where: dict[str, t.Any] = {"method": operation.method, "path": path, "status": status}
    if status == 401:
        return errors.AuthenticationError(
            f"Immuta does not accept the API key (401){tail}",
            hint="Check api_key (or IMMUTA_API_KEY): wrong, expired, or of another tenant. Some tenants want auth_scheme=bearer.",
            **where,
        )
    if status == 403:
        return errors.PermissionDenied(
            f"Immuta refuses {operation.method} {path} (403){tail}",
            hint=f"The key's owner needs {operation.permission}.",
            permission=operation.permission,
            **where,
        )
    if status == 404:
        return errors.NotFound(f"Immuta answers 404 to {operation.method} {path}{tail}", **where)
    if status == 409 and operation.conflict == "exists":
        return errors.AlreadyExists(
            f"Immuta has one already (409){tail}",
            hint="Find out in Immuta what it belongs to. It may be left over from an earlier attempt.",
            **where,
        )
    if status == 409:
        return errors.Busy(f"Immuta is busy with it (409){tail}", **where)
    if status == 429:
        return errors.RateLimited(f"Immuta asks for fewer requests (429){tail}", hint="Run it again later.", **where)
    if status >= 500:
        return errors.ServerError(
            f"Immuta failed on {operation.method} {path} ({status}){tail}",
            hint="Run it again later. Some versions answer 500 to an unknown API key."
            if status == 500
            else "Run it again later.",
            **where,
        )
    if status not in NOT_DONE:
        return errors.ServerError(
            f"The answer to {operation.method} {path} ({status}) does not say whether it was done{tail}",
            hint="Run it again later.",
            **where,
        )
    return errors.InvalidRequest(f"Immuta refuses {operation.method} {path} ({status}){tail}", **where)
