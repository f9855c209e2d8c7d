# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of talking to Immuta, as one tree.

A message tells what Immuta answered, a hint what to do next. Neither contains a header, a token, or a whole body.
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure


class ImmutaError(Failure):
    """The root of the tree.

    :param method: the request's method, when there was a request
    :param path: the request's path, percent-encoded, without host and query
    :param status: the HTTP status, when there was an answer
    """

    code = "immuta_error"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str | None = None,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        **details: t.Any,
    ) -> None:
        super().__init__(message, hint=hint, code=code, status=status, method=method, path=path, **details)
        self.status = status


class ConfigurationError(ImmutaError):
    """An option or an environment variable is missing or can't be used; nothing was sent."""

    code = "configuration"


class AuthenticationError(ImmutaError):
    """401: Immuta does not know the API key or token."""

    code = "authentication"


class PermissionDenied(ImmutaError):
    """403: the key's owner may not do this."""

    code = "permission"


class NotFound(ImmutaError):
    """404: no such object, or no such API. Only C(Client.find) may decide which."""

    code = "not_found"


class ApiMissing(ImmutaError):
    """The URL answers, but not with the part of the API that is needed; this says nothing about any object."""

    code = "api_missing"


class Busy(ImmutaError):
    """409 to anything but a creation: the object is being changed by someone else; worth waiting for."""

    code = "busy"


class AlreadyExists(ImmutaError):
    """409 to a creation: there is such an object already; waiting does not help."""

    code = "already_exists"


class InvalidRequest(ImmutaError):
    """Any other 4xx that means that the request was not carried out: Immuta refuses it."""

    code = "invalid_request"


class RateLimited(ImmutaError):
    """429, still after every retry that the deadline allowed."""

    code = "rate_limited"


class ServerError(ImmutaError):
    """5xx, and a 4xx as 408 that does not say whether the request was carried out."""

    code = "server"


class RedirectRefused(ImmutaError):
    """3xx: following it would hand the API key to another address."""

    code = "redirect"


class UnexpectedReply(ImmutaError):
    """A 2xx whose body is not what the operation promises, for example a login page."""

    code = "unexpected_reply"


class TransportError(ImmutaError):
    """No complete answer arrived.

    :param sent: whether Immuta may have received the request; when it may, a write must not be sent again blindly
    """

    code = "transport"

    def __init__(self, message: str, *, sent: bool, **details: t.Any) -> None:
        super().__init__(message, **details)
        self.sent = sent


class DeadlineExceeded(TransportError):
    """The total time for one call, retries and waiting included, is used up."""

    code = "deadline"


class WriteInCheckMode(ImmutaError):
    """A bug in this collection: a write was about to be sent in check mode. It was not."""

    code = "check_mode_write"


class TimedOut(ImmutaError):
    """Immuta accepted the request but did not finish within C(wait_timeout)."""

    code = "wait_timeout"


class Refused(ImmutaError):
    """Stopped before anything was changed, because going on could do harm."""

    code = "refused"


def did_nothing(error: ImmutaError) -> bool:
    """Return whether a write that has failed came to an end before any work: it was not sent, or Immuta refused it.

    A redirect, a 401, a 403, and a 429 may come from a gateway that has passed the request on.
    """
    if isinstance(error, TransportError):
        return not error.sent
    return isinstance(error, (ConfigurationError, WriteInCheckMode, InvalidRequest, Busy, AlreadyExists))


def answer(lost: ImmutaError) -> str:
    """Return what answered a write, as part of a sentence, where the answer counts as lost since a gateway may have given it."""
    said = lost.message.rstrip(".")
    if not isinstance(lost, (AuthenticationError, PermissionDenied)):
        return said
    return f"Immuta, or a gateway before it, {said.removeprefix('Immuta ')}"


def likely(lost: ImmutaError) -> str:
    """Return what has most likely happened where nothing shows such a write, and what helps, with a blank after it; or ""."""
    if isinstance(lost, PermissionDenied):
        return f"Most likely nothing was changed, because the API key lacks a permission. {lost.hint} Grant it. "
    if isinstance(lost, AuthenticationError):
        return f"Most likely nothing was changed, because the API key was not accepted for this. {lost.hint} "
    return f"{lost.hint} " if isinstance(lost, RedirectRefused) and lost.hint else ""
