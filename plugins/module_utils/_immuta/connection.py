# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections: read one, or all of them."""

from __future__ import annotations

import dataclasses
import difflib
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, fields, integration, objects
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    ADMIN,
    GET_CONNECTION,
    GET_OBJECT,
    SEARCH_OBJECTS,
    Operation,
)

# The field that names the integration; it may be missing or null.
LINK = "nativeIntegrationId"


@dataclasses.dataclass(frozen=True)
class Connection:
    """One connection.

    :ivar key: its name in the UI, never changed by this collection, not even its case
    :ivar integration_id: None when Immuta does not say
    :ivar listed_only: whether Immuta lists it but does not describe it by key
    :ivar signs_in: the role, the user, or the service principal with which Immuta signs in, in the words of C(made_by)
    """

    key: str
    technology: str
    hostname: str | None = None
    port: int | None = None
    state: str | None = None
    integration_id: int | None = None
    listed_only: bool = False
    signs_in: dict[str, str] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, t.Any]:
        """Return the fields for a module's result."""
        fields = dataclasses.asdict(self)
        del fields["listed_only"], fields["signs_in"]
        return fields


def get(client: Client, key: str) -> Connection | None:
    """Return a connection of any technology by its key, or None when it does not exist.

    :raises ImmutaError: as C(look_up)
    """
    return look_up(client, key)[0]


def look_up(
    client: Client, key: str, *, listed_first: bool = False
) -> tuple[Connection | None, list[integration.Integration], list[Connection]]:
    """Return a connection by its key; or None, the tenant's integrations, which help to prove its absence, and all connections.

    Not every technology is described, and of an absent connection Immuta says nothing but 404: its list tells. A list
    without the key is believed only if the API key may read everything.

    :param listed_first: search the list first, which takes fewer requests when no such connection is expected
    :raises ApiMissing: nothing can be said about any connection
    :raises PermissionDenied: the API key may not see it, so nothing can be said about this one
    """
    listed = list_all(client) if listed_first else []
    one = _named(key, listed)
    if one or not listed_first:
        found = by_key(client, key) or one
        if found is None:
            listed = list_all(client)
            found = _named(key, listed)
        if found:
            return found, [], listed
    return None, require_sight(client, f"the connection {key!r}"), listed


def by_key(client: Client, key: str) -> Connection | None:
    """Return a connection as its description has it, or else its object; None when there is neither.

    Immuta describes three technologies only, and shows the objects of all. What it says to a key of another technology
    is not documented, so neither 404 nor 400 says anything about the connection.
    """
    try:
        return from_description(parse_json(client.call(GET_CONNECTION, connection_key=key), GET_CONNECTION), key)
    except (errors.NotFound, errors.InvalidRequest):
        pass
    try:
        body = parse_json(client.call(GET_OBJECT, connection_key=key), GET_OBJECT)
    except (errors.NotFound, errors.InvalidRequest):
        return None
    path = objects.path_of(body, GET_OBJECT)
    return _from_object(path, body, GET_OBJECT) if path == (key,) else None


def find_in_list(client: Client, key: str) -> Connection | None:
    """Return a connection as the list of all connections shows it, or None."""
    return _named(key, list_all(client))


def _named(key: str, connections: t.Iterable[Connection]) -> Connection | None:
    return next((connection for connection in connections if connection.key == key), None)


def require_sight(client: Client, what: str) -> list[integration.Integration]:
    """Refuse to count something as absent if the API key may just not see it.

    Immuta's answers leave out what a key may not read. A key that may read integrations may read every
    connection.

    :param what: the subject of the error message
    :returns: the tenant's integrations
    :raises PermissionDenied: the key may not read them
    """
    try:
        return integration.list_all(client)
    except errors.PermissionDenied as denied:
        raise errors.PermissionDenied(
            f"Immuta does not show {what} to this API key, so the key may not see everything, and it is not"
            " known what exists.",
            hint=f"Use a key whose owner has {ADMIN}.",
            **denied.details,
        ) from None


def from_description(body: t.Any, key: str) -> Connection:
    """Return the connection in Immuta's answer to C(GET_CONNECTION).

    :raises UnexpectedReply: it describes something else than the connection C(key)
    """
    if not isinstance(body, dict) or "connectionKey" not in body:
        raise errors.UnexpectedReply(
            "Immuta answered with something other than a connection.",
            method=GET_CONNECTION.method,
            path=GET_CONNECTION.path,
        )
    if body["connectionKey"] != key:
        raise errors.UnexpectedReply(
            f"Immuta was asked for the connection {key!r}, but answered with {fields.shown(body['connectionKey'])}.",
            hint="Spell the key exactly as Immuta does; its case matters.",
            method=GET_CONNECTION.method,
            path=GET_CONNECTION.path,
        )
    about = body.get("connection")
    about = about if isinstance(about, dict) else {}
    return Connection(
        key=key,
        technology=fields.text(about.get("technology"), "connection.technology", GET_CONNECTION) or "",
        # Some versions may call it as an integration does.
        hostname=fields.text(about.get("hostname", about.get("host")), "connection.hostname", GET_CONNECTION),
        port=fields.to_number(about.get("port")),
        state=fields.text(body.get("state"), "state", GET_CONNECTION),
        integration_id=None if body.get(LINK) is None else integration.to_id(body[LINK], LINK, GET_CONNECTION),
        signs_in=integration.made(about),
    )


def list_all(client: Client) -> list[Connection]:
    """Return all connections of the tenant, of every technology, ordered by key; without integration ids.

    :raises ImmutaError: as C(objects.search)
    """
    return sorted(
        (_from_object(path, about) for path, about in objects.search(client).items() if len(path) == 1),
        key=lambda found: found.key,
    )


def _from_object(path: objects.Path, about: t.Mapping[str, t.Any], operation: Operation = SEARCH_OBJECTS) -> Connection:
    technology, state = (fields.text(about.get(name), name, operation) for name in ("technology", "state"))
    return Connection(key=path[0], technology=technology or "", state=state, listed_only=True)


def require(client: Client, key: str) -> Connection:
    """Return a connection that has to be there.

    :raises Refused: there is none with this key
    """
    found = get(client, key)
    if found is not None:
        return found
    similar = similar_keys(key, list_all(client))
    raise errors.Refused(
        f"There is no connection {key!r} in Immuta. Nothing was sent.",
        hint=f"Is it {' or '.join(map(repr, similar))}?" if similar else "Check connection_key; its case matters.",
        code="not_found",
    )


def similar_keys(key: str, connections: t.Iterable[Connection]) -> list[str]:
    """Return the keys that the user may have meant."""
    keys = [connection.key for connection in connections]
    close = difflib.get_close_matches(key, keys, n=3, cutoff=0.7)
    return close + [other for other in keys if other not in close and other.strip().lower() == key.strip().lower()]


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
