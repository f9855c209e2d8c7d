# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other connections of a tenant: whether one of them has this one's integration, or would be deleted in its place."""

from __future__ import annotations

import functools
import re
import typing as t
from urllib.parse import unquote

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    connection,
    errors,
    integration,
    objects,
    technologies,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json
from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import Connection
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import GET_OBJECT

# What a server or a proxy may take for the structure of a path, although it is encoded in a key.
STRUCTURE = re.compile(r"[/\\%;?#]")
LOOK = "Check these connections in Immuta as an administrator, and find out to which of them the integration belongs."


class Ambiguous(errors.Refused):
    """Several integrations may belong to the connection, and Immuta does not say which."""


class Shared(errors.Refused):
    """Another connection has the integration, or may have it: removing it would take both out of service."""

    code = "integration_shared"


class Neighbours:
    """All connections but one, read once and only when they matter.

    :param subject: the one, as Immuta describes it
    :param by_hand: what is to be done with it, as a person would in Immuta
    :param known: the list of all, if it was read
    """

    def __init__(
        self,
        client: Client,
        subject: Connection,
        by_hand: str = "Delete this connection",
        known: t.Sequence[Connection] | None = None,
    ) -> None:
        self._client = client
        self._known = known
        self._by_hand = by_hand
        self._subject = subject

    @functools.cached_property
    def listed(self) -> list[Connection]:
        """The other connections, as the list has them."""
        everything = connection.list_all(self._client) if self._known is None else self._known
        return [one for one in everything if one.key != self._subject.key]

    @functools.cached_property
    def described(self) -> list[Connection]:
        """Return the other connections whose integration Immuta can tell."""
        found = (self._describe(one) for one in self.listed if technologies.of(one.technology).described)
        return [one for one in found if one is not None]

    def _describe(self, listed: Connection) -> Connection | None:
        """Return a connection with its integration, or None for one that can't have this one's.

        That is one that has been deleted since it was listed, or that Immuta lists without describing it, on another
        platform.

        :raises Shared: Immuta does not describe it, and nobody can tell whether it has the integration
        """
        try:
            found = connection.by_key(self._client, listed.key)
            if found is None and connection.find_in_list(self._client, listed.key) is None:
                return None
        except InvalidOption:
            # No URL can hold a key such as "..".
            found = None
        if found is None or found.listed_only:
            if listed.technology.lower() not in ("", self._subject.technology.lower()):
                return None
            raise Shared(
                f"Immuta lists the connection {listed.key!r}, but does not describe it, so it is not known whether it"
                f" has the same integration as the connection {self._subject.key!r}, or signs in with the same account. Nothing was"
                " changed.",
                hint=f"Run it again. If it fails the same way: {LOOK}",
            )
        return found

    def require_whole(self) -> None:
        """Refuse a key that may address something else than the whole connection, as C(a/b) an object of C(a).

        The API's route takes a path, and whether an encoded slash in it is a part of a name is not documented. So the
        object that answers has to be the connection.

        :raises Refused: another connection, or an object of one, may be meant
        """
        key = self._subject.key
        if not STRUCTURE.search(key):
            return
        read = {text.replace("\\", "/") for text in (key, unquote(key), unquote(unquote(key)))}
        meant = [one.key for one in self.listed if any(f"{text}/".startswith(f"{one.key}/") for text in read)]
        if meant:
            raise self._not_whole(f"Immuta may take it for {_named(meant)} or an object below")
        try:
            body = parse_json(self._client.call(GET_OBJECT, connection_key=key), GET_OBJECT)
        except (errors.NotFound, errors.InvalidRequest) as error:
            raise self._not_whole(f"Immuta has no object at that path: {error.message}") from None
        path = objects.path_of(body, GET_OBJECT)
        if path != (key,):
            raise self._not_whole(f"Immuta takes it for the object {' / '.join(map(repr, path))}")
        if "/" in key and isinstance(body.get("objectPath"), str):
            raise self._not_whole("Immuta does not tell whether it is a connection or an object below one")

    def _not_whole(self, reason: str) -> errors.Refused:
        return errors.Refused(
            f"The key {self._subject.key!r} may not address the connection: {reason.rstrip('.')}. Nothing was changed.",
            hint=f"{self._by_hand} in the Immuta UI, or rename it there so that its key has none of / \\ % ; ? #.",
            code="ambiguous_key",
        )

    def require_unshared(self, number: int) -> int:
        """Return an integration's id, unless another connection names it, too.

        :raises Shared: one does
        """
        others = [one.key for one in self.described if one.integration_id == number]
        if others:
            raise Shared(
                f"The integration {number} belongs to the connection {self._subject.key!r} and to"
                f" {_named(others)}: removing one would take away what the other needs. Nothing was changed.",
                hint=f"{LOOK} Have Immuta's support correct the other one.",
            )
        return number

    def candidates(self) -> list[int]:
        """Return the ids of the integrations in use on the host of a connection for which Immuta names no integration.

        :raises PermissionDenied: the API key may not read integrations
        """
        subject = self._subject
        if not subject.hostname or not subject.technology:
            return []
        on_host = integration.select(integration.list_all(self._client), kind=subject.technology, host=subject.hostname)
        return [one.id for one in on_host if one.in_use]

    def choose(self, candidates: t.Sequence[int]) -> int | None:
        """Return the only integration that no other connection has or may have; None without candidates.

        :raises Shared: other connections have all of them, or one without an integration is on the same host
        :raises Ambiguous: there is more than one
        """
        if not candidates:
            return None
        subject = self._subject
        claimed = {one.integration_id: one.key for one in self.described}
        free = [number for number in candidates if number not in claimed]
        unsaid = f"Immuta does not say which integration belongs to the connection {subject.key!r}, and"
        if not free:
            raise Shared(
                f"{unsaid} {_listed(candidates)} on its host belongs to"
                f" {_named([claimed[number] for number in candidates])}. Nothing was changed.",
                hint=LOOK,
            )
        if len(free) > 1:
            raise Ambiguous(
                f"{unsaid} {_listed(free)} are on its host.",
                hint="Find the right one in Immuta and name it in integration_id.",
            )
        rivals = [one.key for one in self.described if one.integration_id is None and _same_place(one, subject)]
        if rivals:
            raise Shared(
                f"{unsaid} {free[0]} on its host may belong to {_named(rivals)} as well. Nothing was changed.",
                hint=LOOK,
            )
        return free[0]


def _same_place(one: Connection, other: Connection) -> bool:
    same_host = (one.hostname or "").lower() == (other.hostname or "").lower()
    return same_host and one.technology.lower() == other.technology.lower()


def _named(keys: t.Sequence[str]) -> str:
    return f"the connection{'s' if len(keys) > 1 else ''} {', '.join(map(repr, keys))}"


def _listed(numbers: t.Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
