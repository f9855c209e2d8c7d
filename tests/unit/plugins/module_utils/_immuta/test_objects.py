# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list is whole, whatever body a server takes and however it pages, or nothing is said about what exists."""

from __future__ import annotations

import itertools
import json
import tracemalloc
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import connection, errors, objects
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import parse_json
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import GET_OBJECT, SEARCH_OBJECTS
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import MANY, World, fails

NOTHING_SAID = ", so it is not known what exists."


def keys(world: World) -> list[str]:
    return [one.key for one in connection.list_all(world.client)]


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (6, 1), (7, 2), (197, 2), (206, 2), (207, 3), (MANY, 2)])
def test_lists_to_the_end(world: World, count: int, requests: int) -> None:
    # Three connections are there already. A page of ten may have been cut by the server, one of nine is the last.
    world.add(count)
    assert keys(world) == sorted(world.state.connections)
    assert len(world.asked) == requests
    assert [one.body["size"] for one in world.double.requests] == [200] * requests


@pytest.mark.parametrize(("cap", "requests"), [(10, 4), (33, 2), (11, 4), (12, 3)])
def test_lists_from_a_server_that_caps_its_pages(world: World, cap: int, requests: int) -> None:
    world.vary(search_page_cap=cap)
    world.add(30)
    assert len(keys(world)) == 33
    offsets = [one.body["offset"] for one in world.double.requests]
    assert offsets == [min(number * cap, 33) for number in range(requests)]


@pytest.mark.parametrize("count", ["all", "page", "nothing"])
def test_lists_from_a_server_that_ignores_paging(world: World, count: str) -> None:
    world.vary(search_paging="ignored", search_count=count)
    world.add(MANY)
    assert len(keys(world)) == MANY + 3
    # It may also have ignored the size, and sent a first page; but what another body would get is refused.
    assert [one.body for one in world.double.requests[:2]] == [{"size": 200, "offset": 0}, {"size": 200, "offset": 63}]
    assert world.double.requests[2].body == {"limit": 100, "offset": 0}
    assert len(world.asked) == 3


# The only body or query that a server takes, whether it refuses another, the longest page that it sends, what it counts, and in
# what envelope.
SERVERS = [
    (body, unknown, cap, count, envelope)
    for body, unknown, cap, (count, envelope) in itertools.product(
        ["size", "empty", "limit", "cursor", "query_size", "query_limit", "query_cursor"],
        ["refused", "ignored"],
        [None, 10],
        [("all", "hits"), ("page", "hits"), ("nothing", "hits"), ("all", "list")],
    )
    if body != "empty" or (cap is None and unknown == "refused")
]


@pytest.mark.parametrize(("body", "unknown", "cap", "count", "envelope"), SERVERS)
@pytest.mark.parametrize("number", [3, 10, 13, 30])
def test_lists_from_a_server_that_takes_one_way_only(
    world: World, body: str, unknown: str, cap: int | None, count: str, envelope: str, number: int
) -> None:
    world.vary(search_request=body, search_unknown=unknown, search_page_cap=cap)
    world.vary(search_count=count, search_envelope=envelope)
    world.add(number - 3)
    counted = count != "nothing" and envelope != "list"
    if body == "empty" and number % 10 == 0 and not counted:
        # It may be the first of several pages, and nothing tells.
        error = fails(errors.UnexpectedReply, lambda: keys(world))
        assert error.message.endswith(f"ends after {number} objects, and may be incomplete{NOTHING_SAID}")
        return
    assert keys(world) == sorted(world.state.connections)


@pytest.mark.parametrize("length", [10, 15, 25, 50, 64, 100, 128, 200])
@pytest.mark.parametrize("total", [None, "count"])
def test_a_page_of_a_round_length_that_comes_again_may_be_cut(length: int, total: str | None) -> None:
    # It ignores all that it is asked, or knows other names for it.
    def answer(_body: t.Any, _query: t.Any) -> t.Any:
        return {"hits": some(0, length), **({total: length} if total else {})}

    server = Server(answer)
    if total:
        # Nothing shows more, in any way, and the number speaks for it.
        assert len(server.search()) == length
    else:
        assert "may be incomplete" in fails(errors.UnexpectedReply, server.search).message
    assert {"size": 200, "offset": length} in server.queries
    # No server chooses this for its pages.
    odd = Server(lambda _body, _query: some(0, 63))
    assert (len(odd.search()), odd.queries) == (63, [])


@pytest.mark.parametrize("total", ["count", None])
@pytest.mark.parametrize("plain", [{}, None])
@pytest.mark.parametrize("number", [25, 26, 60])
def test_a_page_that_only_the_query_makes_longer(total: str | None, plain: t.Any, number: int) -> None:
    # Its own page is of 25, and its number is that of the page.
    def answer(body: t.Any, query: t.Any) -> t.Any:
        if body != plain or (query and not query.keys() <= {"limit", "offset"}):
            return None
        first = (query or {}).get("offset", 0)
        page = some(first, min(number, first + min((query or {}).get("limit", 25), 25)))
        return {"hits": page, **({total: len(page)} if total else {})}

    assert len(Server(answer).search()) == number


def sent(body: t.Any, query: t.Any) -> dict[str, t.Any]:
    return {**(body or {}), **(query or {})}


def limited(total: int, cap: int, body: t.Any, query: t.Any) -> t.Any:
    """Takes a limit only, and cuts it."""
    asked = sent(body, query)
    return None if asked.keys() - {"limit"} else some(0, min(total, cap, asked.get("limit", 25)))


def numbered(total: int, length: int, body: t.Any, query: t.Any) -> t.Any:
    """An offset is the number of a page."""
    first = sent(body, query).get("offset", 0) * length
    return some(first, min(total, first + length)) if first < total else []


def windowed(total: int, body: t.Any, query: t.Any) -> t.Any:
    """Offsets end at 100."""
    first = sent(body, query).get("offset", 0)
    return some(first, min(total, first + 50)) if first < 100 else []


def in_envelope(answer: t.Any, **more: t.Any) -> t.Any:
    return answer if answer is None else {"hits": answer, **more}


CUT: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    "limit cut at 50": lambda body, query: limited(59, 50, body, query),
    "limit cut at 50, by query": lambda body, query: None if body else limited(59, 50, None, query),
    "limit cut at 24": lambda body, query: limited(59, 24, body, query),
    "page number": lambda body, query: numbered(40, 25, body, query),
    "page number, odd length": lambda body, query: numbered(40, 27, body, query),
    "page number, 100": lambda body, query: numbered(140, 100, body, query),
    "page number, number of the page": lambda body, query: (lambda page: in_envelope(page, count=len(page)))(
        numbered(40, 25, body, query)
    ),
    "window": lambda body, query: windowed(140, body, query),
    "more without a cursor": lambda _body, _query: {"hits": some(0, 50), "hasMore": True, "nextToken": None},
    "more, odd length": lambda _body, _query: {"hits": some(0, 27), "meta": {"has_more": True}},
    "more, few": lambda _body, _query: {"hits": some(0, 7), "next": "/data/object/search?page=2", "count": 7},
    "more after a cursor": lambda body, query: {
        "hits": some(0, 13),
        **({"hasMore": True} if "nextToken" in sent(body, query) else {"nextToken": "t"}),
    },
    "a number on the first page": lambda body, query: (
        {"hits": some(0, 10), "total": 30} if not sent(body, query).get("offset") else {"hits": [], "total": 10}
    ),
    **{
        f"cap of {length}": lambda _body, _query, length=length: some(0, length)
        for length in (12, 16, 19, 24, 36, 48, 49, 56, 99, 199)
    },
}


@pytest.mark.parametrize("name", CUT)
def test_a_list_that_may_be_cut_is_never_the_whole_one(name: str) -> None:
    message = fails(errors.UnexpectedReply, Server(CUT[name]).search).message
    assert "ends after" in message and message.endswith(NOTHING_SAID)


def test_a_list_that_says_that_it_has_more_is_told_so() -> None:
    message = fails(errors.UnexpectedReply, Server(CUT["more without a cursor"]).search).message
    assert "ends after 50 objects, though Immuta has more" in message


@pytest.mark.parametrize(
    ("number", "told", "offsets"),
    [
        # Few objects, or a number, need no look at the last one.
        (0, "nothing", [0]),
        (9, "nothing", [0, 9]),
        (10, "nothing", [0, 10, 9]),
        (13, "nothing", [0, 13, 12]),
        (250, "nothing", [0, 200, 250, 249]),
        (13, "all", [0, 13]),
        (250, "all", [0, 200, 250]),
        (13, "page", [0, 13, 12]),
    ],
)
def test_the_end_of_the_pages_is_looked_at_again_where_nothing_else_shows_it(
    number: int, told: str, offsets: list[int]
) -> None:
    def answer(body: t.Any, _query: t.Any) -> t.Any:
        page = some(body["offset"], max(body["offset"], min(number, body["offset"] + 200)))
        return {"hits": page, **({} if told == "nothing" else {"count": number if told == "all" else len(page)})}

    server = Server(answer)
    assert len(server.search()) == number
    assert [body["offset"] for body in server.asked] == offsets


def test_what_says_that_there_is_no_more_is_the_end() -> None:
    server = Server(lambda _body, _query: {"hits": some(0, 50), "hasMore": False, "nextToken": None})
    assert (len(server.search()), len(server.asked)) == (50, 1)


def test_a_way_that_shows_less_than_another_shows_nothing() -> None:
    def answer(body: t.Any, _query: t.Any) -> t.Any:
        return None if body is None or "limit" in body else some(0, 20 if body else 4)

    server = Server(answer)
    assert "may be incomplete" in fails(errors.UnexpectedReply, server.search).message


@pytest.mark.parametrize(("count", "words"), [("all", "ends after 10 of 13 objects"), ("nothing", "may be incomplete")])
def test_a_first_page_without_a_second_says_nothing(world: World, count: str, words: str) -> None:
    world.vary(search_request="empty", search_page_cap=10, search_count=count)
    world.add(10)
    assert words in fails(errors.UnexpectedReply, lambda: keys(world)).message


def test_the_ways_to_ask_come_in_order(world: World) -> None:
    world.vary(search_request="cursor", search_page_cap=2)
    assert len(keys(world)) == 3
    assert [one.body for one in world.double.requests] == [
        *({"size": 200, "offset": 0}, {}, None, {"limit": 100, "offset": 0}),
        *({"limit": 100}, {"limit": 100, "nextToken": "2"}),
    ]


def test_a_server_that_takes_none_of_them(world: World) -> None:
    world.fault("searchObjects", 400, times=99)
    error = fails(errors.InvalidRequest, lambda: keys(world))
    assert error.hint == "Immuta rejects every known form of the object search."
    assert len(world.asked) == len(objects.WAYS) + len(objects.QUERIES) == 8


# Servers that nobody has described


class Server:
    """A server that answers each body and each query of the search as a function says; None refuses it."""

    def __init__(self, answer: t.Callable[[t.Any, t.Any], t.Any]) -> None:
        self._answer = answer
        self.asked: list[t.Any] = []
        self.queries: list[t.Any] = []

    def query(self, operation: t.Any, optional: t.Any, body: t.Any) -> Reply:
        self.queries.append(optional)
        return self.call(operation, body, optional)

    def call(self, operation: t.Any, body: t.Any, query: t.Any = None) -> Reply:
        self.asked.append(body)
        answer = self._answer(body, query)
        if answer is None:
            raise errors.InvalidRequest("Refused")
        return Reply(200, json.dumps(answer).encode())

    def search(self) -> dict[objects.Path, t.Any]:
        return objects.search(self)  # type: ignore[arg-type]


def some(first: int, end: int) -> list[dict[str, str]]:
    return [{"objectPath": f"c{number:06}"} for number in range(first, end)]


def test_a_default_page_that_only_a_limit_makes_longer() -> None:
    def ignores_size(body: t.Any, _query: t.Any) -> t.Any:
        first = (body or {}).get("offset", 0) if "limit" in (body or {}) else 0
        return some(first, min(25, first + (body or {}).get("limit", 10)))

    assert len(Server(ignores_size).search()) == 25


@pytest.mark.parametrize("takes_limit", [True, False])
def test_a_cursor_after_any_body(takes_limit: bool) -> None:
    def answer(body: t.Any, _query: t.Any) -> t.Any:
        if body and "nextToken" in body:
            refused = body.keys() - {"nextToken"} if not takes_limit else "limit" not in body
            return None if refused else {"data": some(10, 14), "meta": {}}
        return {"data": some(0, 10), "meta": {"nextToken": "t"}}

    assert len(Server(answer).search()) == 14


def test_a_cursor_that_can_not_be_followed_says_nothing() -> None:
    def answer(body: t.Any, query: t.Any) -> t.Any:
        follows = "nextToken" in {**(body or {}), **(query or {})}
        return None if follows else {"data": some(0, 3), "nextToken": "t"}

    server = Server(answer)
    message = fails(errors.UnexpectedReply, server.search).message
    assert message.endswith(f"ends after 3 objects, though Immuta has more{NOTHING_SAID}")


def test_cursors_that_go_in_circles() -> None:
    server = Server(lambda _body, _query: {"data": some(0, 3), "nextToken": "t"})
    assert "repeats itself" in fails(errors.UnexpectedReply, server.search).message
    # The body may be ignored, and the query, too.
    assert (len(server.asked), len(server.queries)) == (6, 2)
    onward = Server(lambda body, _query: {"data": some(0, 3 + len(onward.asked)), "nextToken": "t"})
    assert "repeats itself" in fails(errors.UnexpectedReply, onward.search).message
    assert len(onward.asked) == 2


@pytest.mark.parametrize("total", [3, 4])
def test_a_list_that_ends_before_its_number_says_nothing(total: int) -> None:
    pages = [[["a"], ["a", "database"]], [["b"]]]

    def answer(body: t.Any, _query: t.Any) -> t.Any:
        page = {0: 0, 2: 1}.get((body or {}).get("offset", 0))
        paths = [] if page is None else pages[page]
        return {"count": total, "hits": [{"objectPath": path} for path in paths]}

    if total == 3:
        assert set(Server(answer).search()) == {("a",), ("a", "database"), ("b",)}
    else:
        assert "of 4 objects" in fails(errors.UnexpectedReply, Server(answer).search).message


# Bounds


@pytest.mark.parametrize(
    ("size", "words"), [(1, "does not end after 1000 pages"), (200, "has more than 100000 objects")]
)
def test_a_server_that_always_has_something_new_comes_to_an_end(size: int, words: str) -> None:
    server = Server(lambda body, _query: some(body["offset"], body["offset"] + size))
    assert words in fails(errors.UnexpectedReply, server.search).message
    endless = Server(lambda _body, _query: {"hits": [], "nextToken": str(len(endless.asked))})
    assert "does not end after 1000 pages" in fails(errors.UnexpectedReply, endless.search).message


def test_all_pages_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MOST_BYTES", 100_000)
    server = Server(lambda body, _query: some(body["offset"], body["offset"] + 200))
    assert "is longer than 100000 bytes" in fails(errors.UnexpectedReply, server.search).message


@pytest.mark.parametrize("piece", [b"{},", b"[],", b'{"a":1},', b"1.5,", b'"\xc3\xa9a",'])
def test_much_json_takes_little_memory(piece: bytes) -> None:
    size = 60 * 1024 * 1024
    reply = Reply(200, b"[" + piece * (size // len(piece)) + b"0]")
    tracemalloc.start()
    try:
        error = fails(errors.UnexpectedReply, lambda: parse_json(reply, SEARCH_OBJECTS))
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()
    assert "larger than any tenant's" in error.message
    assert error.hint


# Pages and paths


@pytest.mark.parametrize("envelope", ["hits", "results", "data", "objects", "items"])
def test_every_envelope(envelope: str) -> None:
    found = [{"objectPath": ["a"], "technology": "Trino", "state": "ACTIVE", "settings": {}}]
    expected = {("a",): {"technology": "Trino", "state": "ACTIVE"}}
    for body, total, cursor in (
        ({"count": 1, envelope: found}, 1, None),
        ({"hits": None, "count": [], envelope: found}, None, None),
        (found, None, None),
        ({envelope: found, "meta": {"totalCount": 7, "nextToken": "t"}}, 7, "t"),
        ({envelope: found, "nextToken": ""}, None, None),
    ):
        page = objects.page_of(body)
        assert (page.objects, page.length, page.total, page.cursor) == (expected, 1, total, cursor)
    assert objects.page_of({envelope: []}).objects == {}


def test_a_page_is_all_of_its_lists_and_the_highest_of_its_numbers() -> None:
    page = objects.page_of(
        {"items": [{"objectPath": "b"}], "hits": [{"objectPath": "a"}], "count": 2, "total": 3, "data": "x"}
    )
    assert (list(page.objects), page.total) == ([("a",), ("b",)], 3)
    assert objects.page_of({"count": True, "total": "3", "hits": []}).total is None
    assert objects.page_of({"total": 0, "hits": []}).total == 0


@pytest.mark.parametrize("cursor", [5, ["x"], {"x": 1}, True])
def test_a_cursor_of_another_type_is_named(cursor: t.Any) -> None:
    error = fails(errors.UnexpectedReply, lambda: objects.page_of({"hits": [], "nextToken": cursor}))
    assert "the field nextToken is " in error.message


@pytest.mark.parametrize("body", [None, {}, "x", {"hits": "x"}, {"other": []}])
def test_what_holds_no_list(body: t.Any) -> None:
    error = fails(errors.UnexpectedReply, lambda: objects.page_of(body))
    assert error.message == f"Immuta's answer to the object search contains no list{NOTHING_SAID}"
    assert error.hint == "Run it again. If it fails the same way, this version of Immuta does not answer as documented."
    assert (error.details["method"], error.details["path"]) == ("POST", "/data/object/search")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"objectPath": "a"}, ("a",)),
        ({"objectPath": ["a"]}, ("a",)),
        ({"objectPath": ["a", "database"]}, ("a", "database")),
        ({"objectPath": ["a"], "connectionKey": "a"}, ("a",)),
        ({"connectionKey": "a"}, ("a",)),
        ({"objectPath": {"name": "a", "type": "connection"}}, ("a",)),
        ({"objectPath": {"name": "a", "child": {"name": "b", "child": None}}}, ("a", "b")),
    ],
)
def test_objects_are_known_by_their_paths(item: t.Any, expected: objects.Path) -> None:
    assert objects.path_of(item, GET_OBJECT) == expected


@pytest.mark.parametrize(
    "item",
    [
        *(
            {"objectPath": path}
            for path in ([], [1], ["a", None], 1, {"a": "b"}, {}, {"name": "a", "child": "b"}, None)
        ),
        {"objectPath": ["a"], "connectionKey": "b"},
        {"connectionKey": 5},
        {},
        "objectPath",
        None,
    ],
)
def test_an_object_that_can_not_be_read_is_not_passed_over(item: t.Any) -> None:
    error = fails(errors.UnexpectedReply, lambda: objects.page_of([{"objectPath": ["a"]}, item]))
    assert error.message == f"Immuta's answer to the object search contains an object without a path{NOTHING_SAID}"
    error = fails(errors.UnexpectedReply, lambda: objects.path_of(item, GET_OBJECT))
    assert error.message == "Immuta's answer to GET /data/object/{connection_key} contains an object without a path."


@pytest.mark.parametrize("form", ["array", "string", "nested", "key"])
def test_every_form_of_a_path(world: World, form: str) -> None:
    world.vary(object_path=form)
    assert keys(world) == sorted(world.state.connections)
