# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An object sync: Immuta reads the platform's catalog again, with the connection's credential, in jobs."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _pauses
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, pages
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json, sleep_or
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    GET_JOBS,
    LIST_JOBS,
    SYNC_OBJECTS,
    SYNC_OBJECTS_BY_PUT,
)

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1.0, 15.0, 1.5
# A job whose state is not told may still be running.
UNKNOWN = "unknown"
# There are more jobs than Immuta shows, and no known way to read on.
NOT_SHOWN = "not shown"
UNDER_WAY = frozenset({"active", "created", "retry", UNKNOWN, NOT_SHOWN})
COMPLETED = "completed"
# Whether a sync takes a body, and in which form the option of a registration, is not documented.
BODIES: list[t.Any] = [None, {}]
FORCED: list[t.Any] = [{"options": {"forceRecursiveCrawl": True}}, {"forceRecursiveCrawl": True}]


class SyncFailed(errors.ImmutaError):
    """An object sync has not come to a good end."""

    code = "sync_failed"


@dataclasses.dataclass(frozen=True)
class Sync:
    """An object sync.

    :ivar state: C(completed), or C(started) when Immuta does not tell what becomes of it
    :ivar jobs: the number of its jobs, if Immuta tells
    """

    state: t.Literal["completed", "started"]
    jobs: int | None


@dataclasses.dataclass(frozen=True)
class Handle:
    """How to ask for the jobs: all of a bulk, or one by one.

    :ivar more: whether there are jobs beside those that were named
    """

    bulk: str | None = None
    jobs: tuple[str, ...] = ()
    more: bool = False


def run(client: Client, key: str, *, wait_timeout: float, wait: bool = True, force: bool = False) -> Sync:
    """Start an object sync of a connection, once, and wait until its jobs have ended.

    :param wait_timeout: seconds to wait
    :param wait: whether to wait for the jobs
    :param force: whether to ask for C(forceRecursiveCrawl)
    :raises SyncFailed: a job has failed, or whether the sync has started is not known
    :raises TimedOut: the jobs have not ended
    :raises ImmutaError: if the sync has certainly started, C(changed) in its C(result) is true
    """
    end = client.clock() + wait_timeout
    handle = _start(client, key, end, force)
    if not wait:
        return Sync("started", len(handle.jobs) or None if handle else None)
    try:
        return follow(client, key, handle, end=end, wait_timeout=wait_timeout)
    except errors.ImmutaError as error:
        error.result = {"changed": True}
        error.explain_first("The object sync has started.")
        raise


def follow(client: Client, key: str, handle: Handle | None, *, end: float, wait_timeout: float) -> Sync:
    """Wait until the jobs of an object sync have ended.

    :param handle: None when Immuta has told of none
    :param end: when the time is up, by the client's clock
    :param wait_timeout: how long that is in all, for the message
    :raises SyncFailed: a job has failed
    :raises TimedOut: the jobs have not ended
    """
    if handle is None:
        return Sync("started", None)
    pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE, GROWTH)
    while True:
        try:
            states = _states(client, handle)
        except (errors.NotFound, errors.InvalidRequest):
            # This version shows no jobs.
            return Sync("started", None)
        bad = next((state for state in states if state not in {*UNDER_WAY, COMPLETED}), None)
        if bad is not None:
            raise SyncFailed(
                f"A job of the object sync of {key!r} has ended as {bad!r}.",
                hint="Look at the connection in Immuta: it shows what could not be read.",
            )
        if states and all(state == COMPLETED for state in states):
            return Sync(COMPLETED, len(states))  # type: ignore[arg-type]
        if states and {*states} <= {COMPLETED, NOT_SHOWN}:
            return Sync("started", None)
        sleep_or(
            client,
            end,
            pauses,
            errors.TimedOut(
                f"The object sync of {key!r} has not ended after {wait_timeout:g} s.",
                hint="It goes on in Immuta. Look at it there, or raise wait_timeout.",
            ),
        )


def _start(client: Client, key: str, end: float, force: bool) -> Handle | None:
    pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE, GROWTH)
    bodies = list(FORCED if force else BODIES)
    operation = SYNC_OBJECTS
    while True:
        try:
            return handle_of(parse_json(client.call(operation, connection_key=key, body=bodies[0]), operation))
        except errors.Busy as busy:
            busy.explain_first("Another object sync may be running.")
            sleep_or(client, end, pauses, busy)
        except errors.InvalidRequest as refused:
            if refused.status == 405 and operation is SYNC_OBJECTS:
                # One page of the documentation has another method than the others.
                operation = SYNC_OBJECTS_BY_PUT
            elif len(bodies) > 1 and refused.status == 400:
                del bodies[0]
            else:
                if force:
                    refused.explain_first(
                        "No object sync was started. This version may not take force_recursive_crawl."
                    )
                raise
        except (errors.NotFound, errors.ServerError, errors.UnexpectedReply, errors.TransportError) as lost:
            raise SyncFailed(
                f"Whether the object sync of {key!r} has started is not known: {lost.message}",
                hint="Look at the connection in Immuta.",
                **{name: lost.details.get(name) for name in ("method", "path", "status")},
            ) from None


def handle_of(body: t.Any) -> Handle | None:
    """Return how to ask for the jobs that an answer tells of; None when it tells of none."""
    if isinstance(body, dict):
        bulk = body.get("bulkId")
        if isinstance(bulk, str) and bulk:
            return Handle(bulk=bulk)
    named = (body.get("jobs") or body.get("jobIds")) if isinstance(body, dict) else body
    if not isinstance(named, list):
        return None
    ids = [one.get("id") if isinstance(one, dict) else one for one in named]
    known = tuple(str(one) for one in ids if isinstance(one, (str, int)) and not isinstance(one, bool))
    return Handle(jobs=known, more=pages.is_cut(body, len(named))) if known else None


def _states(client: Client, handle: Handle) -> list[str]:
    """Return the states of the jobs, in lower case; empty when Immuta shows none.

    A job that was named and is not shown, or whose state is not told, is unknown. One more is added for all those that were
    never named, if Immuta says that there are any.
    """
    if handle.bulk is not None:
        body = client.call_json(LIST_JOBS, bulk_id=handle.bulk)
    else:
        body = client.call_json(GET_JOBS, body={"jobIds": list(handle.jobs), "wait": 0, "pollInterval": 1})
    rows = _rows(body.get("jobs", body) if isinstance(body, dict) else body)
    states = [str(row.get("state") or UNKNOWN).lower() for row in rows]
    ids = [str(row["id"]) for row in rows if row.get("id") is not None]
    cut = pages.is_cut(body, len(rows))
    if handle.jobs and rows and (ids or cut or len(rows) != len(handle.jobs)):
        shown = dict(zip(ids, states, strict=True)) if len(ids) == len(rows) else {}
        states, cut = [shown.get(number, UNKNOWN) for number in handle.jobs], False
    return [*states, NOT_SHOWN] if rows and (cut or handle.more) else states


def _rows(jobs: t.Any) -> list[dict[str, t.Any]]:
    """Return the jobs of an answer: a list, or a dictionary by their ids."""
    if isinstance(jobs, dict):
        return [{"id": number, **one} for number, one in jobs.items() if isinstance(one, dict)]
    return [one for one in jobs if isinstance(one, dict)] if isinstance(jobs, list) else []
