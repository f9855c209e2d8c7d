# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects: the path of one, and the list of all that Immuta has at the top, which are its connections.

What C(POST /data/object/search) takes, and how it pages, is documented nowhere. So it is asked in one way after another,
by its body and by its query, until Immuta takes one and the list is whole; a list that may lack something is an error, since
absence is read from it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, fields, pages
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import SEARCH_OBJECTS, Operation

Path = tuple[str, ...]
Body = dict[str, t.Any]

PAGE_SIZE = 200
LIMIT = 100
# The page of a server that is not told how long it is to be may have no more than this.
SMALLEST_CAP = 10
ENVELOPES = ("hits", "results", "data", "objects", "items")
# Far above what any tenant has; a server that always sends something new has to end.
MOST_PAGES = 1000
MOST_OBJECTS = 100_000
MOST_BYTES = 64 * 1024 * 1024


def path_of(item: t.Any, operation: Operation) -> Path:
    """Return the path of an object: the connection's key first, then the names below it.

    It comes as a list, as one name, as nested objects, or not at all beside a C(connectionKey).

    :raises UnexpectedReply: it can't be read; to skip such an object could hide the very one that is looked for
    """
    given = item.get("objectPath") if isinstance(item, dict) else None
    key = item.get("connectionKey") if isinstance(item, dict) else None
    path = names(given) if given is not None else [key]
    if not path or not all(isinstance(name, str) for name in path) or key not in (None, path[0]):
        raise _unreadable("contains an object without a path", operation)
    return tuple(path)


def names(given: t.Any) -> list[t.Any]:
    """Return the names in the path of an object, in any of the forms; anything else gives what is not text, or nothing."""
    if isinstance(given, dict):
        found = []
        while isinstance(given, dict):
            found.append(given.get("name"))
            given = given.get("child")
        return found if given is None else []
    return given if isinstance(given, list) else [given]


def search(client: Client) -> dict[Path, Body]:
    """Return all objects at the top by their paths, as Immuta describes them.

    :raises UnexpectedReply: an answer can't be understood, there is more than any tenant has, or it can't be told
        whether the list is whole
    :raises InvalidRequest: Immuta takes the search in no known way
    """
    return _Search(client).run()


@dataclasses.dataclass
class _Way:
    """One way to ask.

    :ivar fields: of the first request's body; None for a request without a body
    :ivar pages: whether an offset asks for the next page
    :ivar query: whether the fields are parameters of the query instead
    """

    fields: Body | None
    pages: bool = False
    query: bool = False


WAYS = (
    _Way({"size": PAGE_SIZE, "offset": 0}, pages=True),
    _Way({}),
    _Way(None),
    _Way({"limit": LIMIT, "offset": 0}, pages=True),
    _Way({"limit": LIMIT}),
)
# Asked only where no body shows the whole list.
QUERIES = tuple(_Way(way.fields, way.pages, query=True) for way in WAYS if way.fields)


@dataclasses.dataclass
class _Page:
    """One answer.

    :ivar length: how many objects it has, the same one twice counted twice
    :ivar total: how many objects there are, or are on this page: servers differ
    :ivar cursor: what asks for the next page
    :ivar last: whether it says that there is none
    :ivar more: whether it says that there is one, without a cursor
    """

    objects: dict[Path, Body]
    length: int
    total: int | None
    cursor: str | None
    last: bool
    more: bool


class _Search:
    """One search. What any way has found counts; whether all is found, one way has to show on its own."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._found: dict[Path, Body] = {}
        self._pages = self._bytes = 0
        # What goes along with a query.
        self._plain: Body | None = {}
        # How many objects a way has found that has not shown that they are all, but speaks for it; 0 if none does.
        self._likely = self._perhaps = 0
        # Whether an offset has turned out to be something else: then nothing speaks for a list that is not shown to be whole.
        self._doubted = False
        self._ended: str | None = None

    def run(self) -> dict[Path, Body]:
        refused = self._try(WAYS)
        if refused is None or self._speaks_for_all(self._likely):
            return self._found
        if self._try(QUERIES) is None or self._speaks_for_all(max(self._likely, self._perhaps)):
            return self._found
        if not self._pages:
            refused.explain_first("Immuta rejects every known form of the object search.")
            raise refused
        raise _unreadable(self._ended or f"ends after {len(self._found)} objects, and may be incomplete")

    def _speaks_for_all(self, number: int) -> bool:
        return not self._doubted and 0 < number == len(self._found)

    def _try(self, ways: t.Iterable[_Way]) -> errors.ImmutaError | None:
        """Ask in one way after another; return None as soon as one has shown the whole list, else the first refusal."""
        refused: errors.ImmutaError | None = None
        pages_ignored = False
        for way in ways:
            if pages_ignored and not way.pages:
                # Such a server sends what it always sends.
                continue
            try:
                if self._whole(way):
                    return None
                pages_ignored = pages_ignored or way.pages
            except errors.InvalidRequest as error:
                refused = refused or error
                if way.fields == {}:
                    self._plain = None
        return refused or _unreadable("may be incomplete")

    def _whole(self, way: _Way) -> bool:
        """Ask in one way, and return whether that has shown the whole list.

        :raises InvalidRequest: Immuta does not take it
        """
        asked = way.fields
        seen: set[Path] = set()
        last: Path | None = None
        offset = most = 0
        while True:
            page = self._ask(asked, way.query)
            offset += page.length
            if page.cursor is not None:
                return self._follow(way, page, seen)
            new = page.objects.keys() - seen
            seen |= new
            last = next(reversed(page.objects), last)
            most = max(most, page.total or 0)
            ended = self._has_ended(page, len(seen), most)
            if way.pages and not page.objects and not page.last:
                # The number on an empty page is that of all, unless it is 0.
                shown = offset < SMALLEST_CAP or page.total or (ended and self._is_last(way, offset - 1, last))
                return bool(ended and shown) and len(seen) == len(self._found)
            few = page.length < SMALLEST_CAP
            if ended and (page.last or (few and (page.total is not None or not way.pages))):
                return len(seen) == len(self._found)
            if not way.pages or not new:
                # All at once, or the same first page over and over, which may be all, or one that was cut.
                self._likely = len(seen) if ended and not _may_be_cut(page.length) else 0
                self._perhaps = len(seen) if ended and page.total is not None else 0
                return False
            asked = {**(asked or {}), "offset": offset}

    def _has_ended(self, page: _Page, seen: int, most: int) -> bool:
        """Return whether nothing that the answers say speaks against the end of the list.

        :param most: the highest number of objects that any page has told
        """
        self._ended = f"ends after {seen} of {most} objects" if seen < most else None
        if page.more:
            self._ended = f"ends after {seen} objects, though Immuta has more"
        return self._ended is None

    def _is_last(self, way: _Way, offset: int, last: Path | None) -> bool:
        """Return whether an offset leads to the last object alone: it could be the number of a page, or end at a window."""
        doubted, self._doubted = self._doubted, True
        shown = list(self._ask({**(way.fields or {}), "offset": offset}, way.query).objects) == [last]
        self._doubted = doubted or not shown
        return shown

    def _follow(self, way: _Way, page: _Page, seen: set[Path]) -> bool:
        """Read on by a cursor, and return whether the list is whole."""
        own = {name: value for name, value in (way.fields or {}).items() if name != "offset"}
        others: list[tuple[Body, bool]] = [(rest, query) for query in (False, True) for rest in ({}, {"limit": LIMIT})]
        rests = [(own, way.query), *(one for one in others if one != (own, way.query))]
        cursors: set[str] = set()
        most = 0
        while True:
            seen |= page.objects.keys()
            most = max(most, page.total or 0)
            if page.cursor is None:
                return self._has_ended(page, len(seen), most)
            cursors.add(page.cursor)
            following = self._following(rests, page.cursor, cursors, seen)
            if following is None:
                self._ended = f"ends after {len(seen)} objects, though Immuta has more"
                return False
            page = following

    def _following(
        self, rests: list[tuple[Body, bool]], cursor: str, cursors: set[str], seen: set[Path]
    ) -> _Page | None:
        """Return the page that a cursor asks for; None if Immuta takes it in no way.

        :param rests: what may go along with it, and whether in the query; what Immuta does not take is removed
        :param cursors: those that were followed
        :raises UnexpectedReply: the answers go in circles
        """
        circles = False
        for rest, query in list(rests):
            try:
                page = self._ask({**rest, pages.CURSOR: cursor}, query)
            except errors.InvalidRequest:
                rests.remove((rest, query))
                continue
            if page.cursor not in cursors:
                return page
            # A server that does not know this way sends the same page again.
            circles = True
            if page.objects.keys() - seen:
                break
            rests.remove((rest, query))
        if circles:
            raise _unreadable(f"repeats itself after {len(seen)} objects")
        return None

    def _ask(self, asked: Body | None, query: bool) -> _Page:
        """Return the next page, as long as all pages together keep the bounds."""
        if self._pages >= MOST_PAGES:
            raise _unreadable(f"does not end after {self._pages} pages")
        if query:
            reply = self._client.query(SEARCH_OBJECTS, asked or {}, body=self._plain)
        else:
            reply = self._client.call(SEARCH_OBJECTS, body=asked)
        self._pages += 1
        self._bytes += len(reply.body)
        if self._bytes > MOST_BYTES:
            raise _unreadable(f"is longer than {MOST_BYTES} bytes")
        page = page_of(parse_json(reply, SEARCH_OBJECTS))
        self._found.update({path: one for path, one in page.objects.items() if path not in self._found})
        if len(self._found) > MOST_OBJECTS:
            raise _unreadable(f"has more than {MOST_OBJECTS} objects")
        return page


def _may_be_cut(length: int) -> bool:
    """Return whether a server could have chosen a length for its pages: 10, 12, 25, 64, 99, 100, and the like."""
    chosen = any(length % step == 0 for step in (5, 8, 12)) or (length + 1) % 10 == 0
    return length >= SMALLEST_CAP and chosen


def page_of(body: t.Any) -> _Page:
    """Return a page in any of the known envelopes.

    :raises UnexpectedReply: it is in none
    """
    total = cursor = None
    last = more = False
    if isinstance(body, dict):
        about = pages.about(body)
        total, more = pages.number(about), pages.has_more(about)
        cursor = fields.text(about.get(pages.CURSOR), pages.CURSOR, SEARCH_OBJECTS) or None
        last = pages.CURSOR in about and cursor is None and not more
        lists = [body[name] for name in ENVELOPES if isinstance(body.get(name), list)]
        body = [item for part in lists for item in part] if lists else None
    if not isinstance(body, list):
        raise _unreadable("contains no list")
    return _Page({path_of(item, SEARCH_OBJECTS): _kept(item) for item in body}, len(body), total, cursor, last, more)


def _kept(item: Body) -> Body:
    """Only what is needed: the settings of many objects take much memory."""
    return {name: item.get(name) for name in ("technology", "state")}


def _unreadable(what: str, operation: Operation = SEARCH_OBJECTS) -> errors.UnexpectedReply:
    return errors.UnexpectedReply(
        f"Immuta's answer to the object search {what}, so it is not known what exists."
        if operation is SEARCH_OBJECTS
        else f"Immuta's answer to {operation.method} {operation.path} {what}.",
        hint="Run it again. If it fails the same way, this version of Immuta does not answer as documented.",
        method=operation.method,
        path=operation.path,
    )
