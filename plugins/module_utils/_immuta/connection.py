# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections: read one, or all of them."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, integration
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    ADMIN,
    GET_CONNECTION,
    SEARCH_OBJECTS,
)

PAGE_SIZE = 200
# Stop at the server's total only if the last page is shorter than any plausible cap: some servers cap their pages and
# report the count of the page as the total.
SMALLEST_CAP = 10
ENVELOPES = ("hits", "results", "data", "objects", "items")
COUNTS = ("count", "total")
# Technologies that are not cleaned up by a script.
WITHOUT_SCRIPT = frozenset({"glue"})


@dataclasses.dataclass(frozen=True)
class Connection:
    """One connection.

    :ivar key: its name in the UI, never changed by this collection, not even its case
    :ivar integration_id: None when Immuta does not say
    :ivar listed_only: whether Immuta lists it but does not describe it by key
    """

    key: str
    technology: str
    hostname: str | None = None
    port: int | None = None
    state: str | None = None
    integration_id: int | None = None
    listed_only: bool = False

    def as_dict(self) -> dict[str, t.Any]:
        """Return the fields for a module's result."""
        fields = dataclasses.asdict(self)
        del fields["listed_only"]
        return fields


def technology_has_script(technology: str) -> bool:
    """Return whether Immuta can render a clean-up script for it. AWS Lake Formation (C(Glue)) has none."""
    return technology.lower() not in WITHOUT_SCRIPT


def get(client: Client, key: str) -> Connection | None:
    """Return a connection of any technology by its key, or None when it does not exist.

    :raises ImmutaError: as C(look_up)
    """
    return look_up(client, key)[0]


def look_up(
    client: Client, key: str, *, listed_first: bool = False
) -> tuple[Connection | None, list[integration.Integration]]:
    """Return a connection by its key; or None and the tenant's integrations, which help to prove its absence.

    Immuta describes only some technologies by key; its list has all of them. A list without the key is believed only
    if the API key may read everything.

    :param listed_first: search the list first, which takes fewer requests when no such connection is expected
    :raises ApiMissing: nothing can be said about any connection
    :raises PermissionDenied: the API key may not see it, so nothing can be said about this one
    """
    listed = find_in_list(client, key) if listed_first else None
    if listed or not listed_first:
        try:
            reply = client.call(GET_CONNECTION, connection_key=key)
            return from_description(parse_json(reply, GET_CONNECTION), key), []
        except errors.NotFound:
            listed = listed or find_in_list(client, key)
    if listed:
        return listed, []
    return None, require_sight(client, f"the connection {key!r}")


def find_in_list(client: Client, key: str) -> Connection | None:
    """Return a connection as the list of all connections shows it, or None."""
    return next((connection for connection in list_all(client) if connection.key == key), None)


def require_sight(client: Client, what: str) -> list[integration.Integration]:
    """Refuse to take something for absent when the API key may just not see it.

    Immuta leaves out of its answers what a key may not read. A key that may read integrations may read every
    connection.

    :param what: the subject of the error message
    :returns: the tenant's integrations
    :raises PermissionDenied: the key may not read them
    """
    try:
        return integration.list_all(client)
    except errors.PermissionDenied as denied:
        raise errors.PermissionDenied(
            f"Immuta does not show {what} to this API key, which may not see everything: nothing can be said about what"
            " exists.",
            hint=f"Use a key whose owner has {ADMIN}.",
            **denied.details,
        ) from None


def from_description(body: t.Any, key: str) -> Connection:
    """Return the connection in Immuta's answer to C(GET_CONNECTION).

    :raises UnexpectedReply: it describes something else than the connection C(key)
    """
    if not isinstance(body, dict) or "connectionKey" not in body:
        raise errors.UnexpectedReply(
            "Immuta's answer does not describe a connection.",
            method=GET_CONNECTION.method,
            path=GET_CONNECTION.path,
        )
    if body["connectionKey"] != key:
        raise errors.UnexpectedReply(
            f"Immuta answers with the connection {body['connectionKey']!r} when asked for {key!r}.",
            hint="Use the key as Immuta spells it; its case matters.",
            method=GET_CONNECTION.method,
            path=GET_CONNECTION.path,
        )
    about = body.get("connection")
    about = about if isinstance(about, dict) else {}
    return Connection(
        key=key,
        technology=str(about.get("technology") or ""),
        hostname=about.get("hostname"),
        port=integration.to_id(about.get("port")),
        state=body.get("state"),
        integration_id=integration.to_id(body.get("nativeIntegrationId")),
    )


def list_all(client: Client) -> list[Connection]:
    """Return all connections of the tenant, of every technology, ordered by key; without integration ids.

    Reads page by page, in any of the known envelopes, also from a server that ignores paging.

    :raises UnexpectedReply: an answer can't be understood, or there are fewer connections than Immuta counts
    """
    seen: dict[tuple[str, ...], Connection] = {}
    offset = 0
    while True:
        page, total = _page(client.call_json(SEARCH_OBJECTS, body={"size": PAGE_SIZE, "offset": offset}))
        fresh = {path: connection for path, connection in page if path not in seen}
        seen.update(fresh)
        offset += len(page)
        # A page without anything new is the end, or from a server that always sends everything. A page shorter than
        # PAGE_SIZE is neither: the server may cap its pages.
        complete = total is not None and len(seen) >= total
        if not fresh or (complete and len(page) < SMALLEST_CAP):
            break
    if total is not None and not complete:
        raise _unreadable(f"ends after {len(seen)} of {total} objects")
    return sorted(
        (connection for path, connection in seen.items() if len(path) == 1), key=lambda connection: connection.key
    )


def _page(body: t.Any) -> tuple[list[tuple[tuple[str, ...], Connection]], int | None]:
    """Return the objects of a page with their paths, and the server's total, if it sends one."""
    total = None
    if isinstance(body, dict):
        counts = [body.get(name) for name in COUNTS]
        numbers = [count for count in counts if isinstance(count, int) and not isinstance(count, bool)]
        lists = [body[name] for name in ENVELOPES if isinstance(body.get(name), list)]
        total = max(numbers, default=None)
        body = [item for part in lists for item in part] if lists else None
    if not isinstance(body, list):
        raise _unreadable("holds no list")
    return [_from_object(item) for item in body], total


def _unreadable(what: str) -> errors.UnexpectedReply:
    return errors.UnexpectedReply(
        f"Immuta's answer to the object search {what}, so nothing can be said about what exists.",
        hint="Run it again. If it stays so, this version of Immuta answers otherwise than documented.",
        method=SEARCH_OBJECTS.method,
        path=SEARCH_OBJECTS.path,
    )


def _from_object(item: t.Any) -> tuple[tuple[str, ...], Connection]:
    path = item.get("objectPath") if isinstance(item, dict) else None
    if isinstance(path, str):
        path = [path]
    if not isinstance(path, list) or not path or not all(isinstance(name, str) for name in path):
        # Skipping it could hide the very connection that is looked for.
        raise _unreadable("holds an object without a path")
    return tuple(path), Connection(
        key=path[0], technology=str(item.get("technology") or ""), state=item.get("state"), listed_only=True
    )


def similar_keys(key: str, connections: t.Iterable[Connection]) -> list[str]:
    """Return the keys that the user may have meant."""
    keys = [connection.key for connection in connections]
    close = difflib.get_close_matches(key, keys, n=3, cutoff=0.7)
    return close + [other for other in keys if other not in close and other.strip().lower() == key.strip().lower()]


def resolve_integration(client: Client, connection: Connection) -> int | None:
    """Return the id of the integration behind a connection, also when Immuta leaves it out of the description.

    :returns: None when there is none
    :raises Refused: there is more than one candidate
    """
    if connection.integration_id is not None:
        return connection.integration_id
    if not connection.hostname:
        return None
    technology = connection.technology.lower()
    candidates = [
        candidate
        for candidate in integration.select(integration.list_all(client), host=connection.hostname)
        if candidate.in_use
        and (candidate.type.lower().startswith(technology) or technology.startswith(candidate.type.lower()))
    ]
    if len(candidates) > 1:
        raise errors.Refused(
            f"Immuta does not say which integration belongs to the connection {connection.key!r}, and"
            f" {', '.join(str(candidate.id) for candidate in candidates)} are on its host.",
            hint="Find the right one in Immuta and name it in integration_id.",
        )
    return candidates[0].id if candidates else None


def survey(client: Client, wanted: t.Callable[[Connection], bool]) -> list[dict[str, t.Any]]:
    """Return all wanted connections of the tenant, ordered by key, as the module C(immuta_connection_info) does.

    :param wanted: decides by key and technology, before a connection is looked up
    :raises PermissionDenied: the API key may not see everything
    """
    listed = list_all(client)
    known = {found.id: found for found in require_sight(client, "every connection")}
    return [with_integration(describe(client, connection), known) for connection in listed if wanted(connection)]


def describe(client: Client, listed: Connection) -> Connection:
    """Return a listed connection with host and integration, which Immuta tells for some technologies only."""
    try:
        reply = client.call(GET_CONNECTION, connection_key=listed.key)
    except (errors.NotFound, errors.InvalidRequest, InvalidOption):
        # InvalidOption: no URL can hold a key such as "..".
        return listed
    described = from_description(parse_json(reply, GET_CONNECTION), listed.key)
    return dataclasses.replace(
        described, technology=described.technology or listed.technology, state=described.state or listed.state
    )


def with_integration(connection: Connection, known: t.Mapping[int, integration.Integration]) -> dict[str, t.Any]:
    """Return the fields of a connection and those of its integration.

    :param known: integrations by their ids
    """
    behind = known.get(connection.integration_id) if connection.integration_id is not None else None
    return {
        **connection.as_dict(),
        "integration_type": behind.type if behind else None,
        "integration_status": behind.status if behind else None,
    }
