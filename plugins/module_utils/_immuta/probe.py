# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records a tenant's answer to each read operation: status, content type, and shape; never a value.

Scripts are not fetched: rendering one more than once is likely harmless, but not documented.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    errors,
    fields,
    objects,
    shape,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import (
    Client,
    failure_of,
    looks_like_html,
    not_immuta,
    parse_json,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    ANY_ADMIN,
    EXCHANGE_API_KEY,
    GET_CONNECTION,
    GET_INTEGRATION,
    GET_OBJECT,
    LIST_INTEGRATIONS,
    SEARCH_OBJECTS,
    Effect,
    Operation,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply
from ansible_collections.community.immuta.plugins.module_utils._immuta.vocabulary import LITERALS

Answer = dict[str, t.Any]

# Documented, and of use to this collection once their answers are known.
INTEGRATION_STATUS = Operation(
    "getIntegrationStatus",
    "GET",
    "/integrations/{integration_id}/status",
    Effect.READ,
    "integrations",
    "APPLICATION_ADMIN",
)
SEARCH_CHILDREN = Operation(
    "searchChildren",
    "POST",
    "/data/object/search/{connection_key}",
    Effect.READ,
    "connections",
    ANY_ADMIN,
    takes_body=True,
)
SEARCH_JOBS = Operation("searchJobs", "GET", "/jobs/search", Effect.READ, "connections", ANY_ADMIN)
SUMMARIZE_JOBS = Operation("summarizeJobs", "GET", "/jobs/summary", Effect.READ, "connections", ANY_ADMIN)
DOCUMENTED = (INTEGRATION_STATUS, SEARCH_CHILDREN, SEARCH_JOBS, SUMMARIZE_JOBS)
# All that is asked.
ASKED = (
    EXCHANGE_API_KEY,
    LIST_INTEGRATIONS,
    GET_INTEGRATION,
    GET_CONNECTION,
    SEARCH_OBJECTS,
    GET_OBJECT,
    *DOCUMENTED,
)
# What there is not, to see how that is said.
ABSENT = "absent"
NO_KEY = "community-immuta-probe-no-such-connection"
NO_ID = 2**31 - 1
# Every other content type is none of the API.
MEDIA_TYPES = frozenset({"application/json", "application/problem+json", "text/plain", "text/html"})
VERSION_FIELDS = ("version", "immutaVersion")
VERSION = re.compile(r"20[0-9]{2}\.[0-9]{1,2}(?:\.[0-9]{1,3}){0,2}")


@dataclasses.dataclass
class _Asked:
    """One request, and its outcome.

    :ivar about: a technology, C(absent), or the way to ask; for a person
    :ivar subject: what tells it from the other requests of the operation: a key, an id; stays here
    :ivar reply: None when there was no answer that can be described
    :ivar document: the JSON of the reply
    """

    operation: Operation
    about: str
    subject: str
    reply: Reply | None = None
    failure: errors.ImmutaError | None = None
    document: t.Any = None
    body: str = "none"

    @property
    def good(self) -> bool:
        """Whether Immuta did what it was asked."""
        return self.reply is not None and self.reply.status in self.operation.good and self.body == "json"


def ask(client: Client, *, connection_key: str | None = None) -> tuple[list[Answer], str | None]:
    """Send all reads; return what may be shown of the answers, and Immuta's version if one of them has it.

    :param connection_key: of a connection to ask about, though the search does not show it
    :raises ImmutaError: nothing was answered as Immuta would
    """
    probe = _Probe(client)
    probe.run(connection_key)
    return probe.answers(), probe.version()


class _Probe:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked: list[_Asked] = []

    def run(self, connection_key: str | None) -> None:
        listed = self._ask(LIST_INTEGRATIONS, "all", "")
        found = [self._ask(SEARCH_OBJECTS, way, way, body=body) for way, body in ways().items()]
        if not any(one.good for one in (listed, *found)):
            raise _failure(listed, self._client.settings.url)
        self._ask(EXCHANGE_API_KEY, "key", "", body={"apikey": self._client.settings.api_key})
        for about, number in (*_numbers(listed.document).items(), (ABSENT, NO_ID)):
            for operation in (GET_INTEGRATION, INTEGRATION_STATUS):
                self._ask(operation, about, str(number), integration_id=number)
        for about, key in (*_keys(found, connection_key).items(), (ABSENT, NO_KEY)):
            for operation in (GET_CONNECTION, GET_OBJECT):
                self._ask(operation, about, key, connection_key=key)
            self._ask(SEARCH_CHILDREN, about, key, body={}, connection_key=key)
        for operation in (SEARCH_JOBS, SUMMARIZE_JOBS):
            self._ask(operation, "all", "")

    def _ask(
        self, operation: Operation, about: str, subject: str, *, body: t.Any = None, **parameters: str | int
    ) -> _Asked:
        if operation not in ASKED or operation.effect is not Effect.READ:
            raise errors.Refused(f"{operation.name} is not a read operation. Nothing was sent; please report this bug.")
        asked = _Asked(operation, about, subject)
        self._asked.append(asked)
        try:
            asked.reply = self._client.answer(operation, body=body, **parameters)
        except errors.ImmutaError as error:
            asked.failure = error
            return asked
        asked.body = "empty"
        if looks_like_html(asked.reply):
            asked.body = "html"
        elif asked.reply.body.strip():
            try:
                asked.document = parse_json(asked.reply, operation)
                asked.body = "json"
            except errors.UnexpectedReply:
                asked.body = "other"
        if operation is EXCHANGE_API_KEY:
            _redact.add(one for one in _values(asked.document) if isinstance(one, str))
        return asked

    def answers(self) -> list[Answer]:
        """Return what may be shown of each answer."""
        words = set().union(*(shape.words_of(one.document) | shape.words_of(one.subject) for one in self._asked))
        places: dict[str, shape.Place] = {}
        for operation in ASKED:
            # The same thing in two answers would be no second witness for the names of its fields.
            about = {
                "" if operation is SEARCH_OBJECTS else one.subject: one.document
                for one in reversed(self._asked)
                if one.operation is operation and one.good
            }
            places[operation.name] = shape.learn(list(about.values()), words)
        # Of what went wrong, only what is documented.
        return [
            _told(one, places[one.operation.name] if one.good else shape.learn([one.document], words))
            for one in self._asked
        ]

    def version(self) -> str | None:
        """Return Immuta's version, if an answer has it."""
        told = [
            one.document.get(name) for one in self._asked if isinstance(one.document, dict) for name in VERSION_FIELDS
        ]
        return next((one for one in told if isinstance(one, str) and VERSION.fullmatch(one)), None)


def _told(asked: _Asked, place: shape.Place) -> Answer:
    operation, reply, failure = asked.operation, asked.reply, asked.failure
    media_type = reply.content_type.partition(";")[0].strip().lower() if reply else ""
    return {
        "operation": operation.name,
        "method": operation.method,
        "path": operation.path,
        "about": asked.about,
        "status": reply.status if reply else failure.status if failure else None,
        "failure": failure.code if failure else None,
        "content_type": media_type if media_type in MEDIA_TYPES else shape.ANOTHER if media_type else None,
        "body": asked.body,
        "shape": shape.describe([asked.document], place) if asked.body == "json" else None,
    }


def _values(document: t.Any) -> list[t.Any]:
    return list(document.values()) if isinstance(document, dict) else [document]


def _failure(first: _Asked, url: str) -> errors.ImmutaError:
    """Return the error for a tenant that answers nothing as Immuta would, without a word of the answer."""
    status = first.reply.status if first.reply else first.failure.status if first.failure else None
    if first.failure and (status is None or 300 <= status < 400):
        return first.failure
    if first.reply and status in first.operation.good:
        return not_immuta(first.reply, first.operation)
    if status == 404:
        return errors.ApiMissing(
            f"No Immuta API answers at the url {url}.", hint="Check url (host only, no path).", status=404
        )
    return failure_of(Reply(status or 0, b""), first.operation, first.operation.path)


def ways() -> dict[str, t.Any]:
    """Return the ways to ask the search, by the names of their fields."""
    return {
        "nothing" if way.fields is None else ", ".join(sorted(way.fields)) or "an empty body": way.fields
        for way in objects.WAYS
    }


def _numbers(listed: t.Any) -> dict[str, int]:
    """Return for each type of integration the least id."""
    found: dict[str, int] = {}
    for one in listed if isinstance(listed, list) else []:
        number = fields.to_number(one.get("id")) if isinstance(one, dict) else None
        if number is not None:
            about = literal("type", one.get("type"))
            found[about] = min(number, found.get(about, number))
    return dict(sorted(found.items()))


def _keys(found: t.Iterable[_Asked], given: str | None) -> dict[str, str]:
    """Return for each technology the first key of a connection, and the one that was given."""
    keys: dict[str, str] = {}
    for one in found:
        try:
            page = objects.page_of(one.document)
        except errors.UnexpectedReply:
            continue
        for path, about in sorted(page.objects.items()):
            # Neither an object below a connection nor a key that no URL can hold.
            if len(path) == 1 and path[0] not in ("", ".", "..") and path[0].isprintable():
                technology = literal("technology", about["technology"])
                keys[technology] = min(path[0], keys.get(technology, path[0]))
    if given and given not in keys.values():
        keys["given"] = given
    return dict(sorted(keys.items()))


def literal(field: str, value: t.Any) -> str:
    """Return a value of an enumeration if it is documented."""
    return value if isinstance(value, str) and value in LITERALS[field] else shape.ANOTHER
