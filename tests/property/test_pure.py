# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every script file, every journal, and every plan."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import tempfile
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    connection,
    errors,
    removal,
    saved_script,
    script_file,
    script_text,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply
from ansible_collections.community.immuta.plugins.module_utils._sql import journal

ANYTHING = st.text(alphabet=st.characters(codec=None) | st.sampled_from("\r\n\0\ufeff\x85\u2028-;'\ud800"))
LINES = st.sampled_from(
    ["", saved_script.MARK, f"{saved_script.MARK}{{}}", "-- a", "\ufeff", "\r", "DROP TABLE a;", "\0"]
)
TEXTS = ANYTHING | st.lists(LINES | ANYTHING).map("\n".join) | st.lists(LINES).map("\r\n".join)
NUMBERS = st.none() | st.integers()


# Script files


def utf8(text: str) -> bool:
    """Whether it can be written down: half a surrogate pair is no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@given(
    st.builds(
        saved_script.Owner,
        url=ANYTHING,
        connection_key=st.none() | ANYTHING,
        integration_id=st.integers(),
        technology=ANYTHING,
        dialect=st.none() | ANYTHING,
    ),
    TEXTS.filter(utf8),
)
def test_a_script_file_gives_back_what_was_saved(owner: saved_script.Owner, body: str) -> None:
    raw = saved_script.contents(owner, body)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "new", "script.sql")
        script_file.save(path, raw)
        saved = saved_script.read(path)
    assert saved is not None
    assert (saved.owner, saved.body, saved.intact) == (owner, body, True)
    assert (saved.sha256, saved.size, saved.mode) == (script_file.digest(raw), len(raw), script_file.MODE)
    assert saved_script.contents(saved.owner, saved.body) == raw


@given(TEXTS.filter(utf8), TEXTS.filter(utf8))
def test_an_edited_script_file_is_noticed(body: str, other: str) -> None:
    owner = saved_script.Owner("https://tenant.example", "a key", 5, "Snowflake", "snowflake")
    head = saved_script.contents(owner, body).partition(b"\n")[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.sql"
        path.write_bytes(head + b"\n" + other.encode())
        saved = saved_script.read(str(path))
    assert saved is not None
    assert saved.intact is (other == body)


FORMS = st.sampled_from(["string", "script", "sql", "plain"])


@given(TEXTS, FORMS)
def test_what_immuta_renders_can_be_kept_or_is_refused(text: str, form: str) -> None:
    body = json.dumps({form: text} if form in ("script", "sql") else text) if form != "plain" else text
    reply = Reply(200, body.encode("utf-8", "surrogatepass"), "application/json" if form != "plain" else "text/plain")
    try:
        found = script_text.text_of(reply)
    except errors.UnexpectedReply:
        assert form == "plain" or not text.strip() or not utf8(text)
        return
    owner = saved_script.Owner("https://tenant.example", "a key", 5, "Snowflake", "snowflake")
    assert saved_script.contents(owner, found)
    assert form == "plain" or found == text


# Journals


class Book(journal.Journal):
    """A journal, with a clock of its own."""

    def __init__(self, path: str, total: int) -> None:
        super().__init__(path, "digest", total, now=lambda: "2026-01-01T00:00:00.000+00:00")


@st.composite
def journals(draw: st.DrawFn) -> tuple[int, list[tuple[t.Any, ...]]]:
    """How many statements, and the events of some runs, each of which may end anywhere."""
    total = draw(st.integers(1, 5))
    events: list[tuple[t.Any, ...]] = []
    index = 1
    for _attempt in range(draw(st.integers(0, 9))):
        if index > total:
            break
        events.append(("started", index, draw(st.text(max_size=5))))
        end = draw(st.sampled_from(["done", "done", "done", "failed", "lost", "killed"]))
        if end == "lost":
            events.append(("lost", index, draw(st.text(max_size=5))))
        elif end != "killed":
            events.append((end, index))
        index += end == "done"
    if index > total and draw(st.booleans()):
        events.append(("finished", "a test"))
    return total, events


@given(journals())
@settings(max_examples=15)
def test_a_journal_torn_anywhere_loses_no_statement(planned: tuple[int, list[tuple[t.Any, ...]]]) -> None:
    total, events = planned
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        # By length: what is known for certain once so many bytes are on the disk.
        known = [(0, set[int](), "none")]
        with Book(str(path), total) as book:
            known.append((path.stat().st_size, set(), "partial"))
            for name, *arguments in events:
                getattr(book, name)(*arguments)
                done = known[-1][1] | ({arguments[0]} if name == "done" else set())
                known.append((path.stat().st_size, done, "finished" if name == "finished" else "partial"))
        raw = path.read_bytes()
        assert len(raw) == known[-1][0]
        for length in range(len(raw) + 1):
            progress = journal._replay("it", raw[:length])
            _size, done, state = next(one for one in reversed(known) if one[0] <= length)
            assert (set(progress.done), progress.state) == (done, state)
        torn = len(raw) - 1 if events else len(raw)
        path.write_bytes(raw[:torn])
        with Book(str(path), total) as book:
            assert set(book.progress.done) == set(journal._replay("it", raw[:torn]).done)
            book.started(1, "again")
            book.done(1)
        progress = journal.read(str(path))
        assert set(progress.done) == set(journal._replay("it", raw[:torn]).done) | {1}


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_a_strange_journal_is_read_or_refused(raw: bytes) -> None:
    try:
        journal._replay("it", raw)
    except journal.JournalError:
        # A crash may leave the start of a first line, and nothing else without an end.
        assert b"\n" in raw or not journal.HEAD.startswith(raw)


SCALARS = st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | ANYTHING
VALUES = SCALARS | st.lists(SCALARS, max_size=2)
FIELDS = {"index": 1, "sha256": "digest", "total": 3, "query_id": "q", "time": "2026-01-01T00:00:00+00:00", "tag": "t"}
EVENTS = st.fixed_dictionaries(
    {"event": st.sampled_from(["begun", "started", "done", "failed", "lost", "finished"])},
    optional={name: st.just(value) for name, value in FIELDS.items()},
)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@given(st.lists(EVENTS, max_size=3), st.sampled_from([*FIELDS]), VALUES, st.booleans())
@settings(max_examples=200)
def test_lines_that_are_no_events_are_read_or_refused(
    events: list[dict[str, t.Any]], name: str, value: t.Any, whole: bool
) -> None:
    lines: list[t.Any] = [{"event": "begun", "sha256": "digest", "total": 3}, *events]
    lines[-1] = {**(FIELDS if whole else {}), **lines[-1], name: value}
    raw = b"".join(json.dumps(one).encode() + b"\n" for one in lines)
    try:
        progress = journal._replay("it", raw)
    except journal.JournalError:
        return
    assert progress.total is None or _is_number(progress.total)
    assert all(map(_is_number, progress.done))
    if progress.unknown is not None:
        assert _is_number(progress.unknown["index"])
        assert isinstance(progress.unknown["time"], str)


@given(VALUES)
def test_a_line_that_is_no_event_is_refused(value: t.Any) -> None:
    with pytest.raises(journal.JournalError):
        journal._replay("it", json.dumps(value).encode() + b"\n")


# Plans

CONNECTIONS = st.builds(
    connection.Connection,
    key=ANYTHING,
    technology=ANYTHING,
    hostname=st.none() | ANYTHING,
    port=NUMBERS,
    state=st.none() | ANYTHING,
    integration_id=NUMBERS,
    listed_only=st.booleans(),
)
MATTERS = ("key", "technology", "hostname", "port", "integration_id")


@given(ANYTHING, st.none() | CONNECTIONS)
def test_what_is_decided_is_total_and_pure(tenant: str, observed: connection.Connection | None) -> None:
    before = copy.deepcopy(observed)
    plan = removal.decide_absent(tenant, observed)
    assert observed == before
    assert plan == removal.decide_absent(tenant, copy.deepcopy(observed))
    assert plan.digest == removal.decide_absent(tenant, copy.deepcopy(observed)).digest
    assert plan.changed is (observed is not None)
    assert plan.as_dict()["irreversible"] is plan.changed
    assert len(plan.digest) == 64


@given(ANYTHING, CONNECTIONS, st.none() | ANYTHING, st.booleans())
def test_a_digest_is_of_what_matters(tenant: str, one: connection.Connection, state: str | None, listed: bool) -> None:
    other = dataclasses.replace(one, state=state, listed_only=listed)
    assert removal.decide_absent(tenant, other).digest == removal.decide_absent(tenant, one).digest


@given(ANYTHING, CONNECTIONS, ANYTHING, CONNECTIONS)
def test_a_digest_tells_plans_apart(
    tenant: str, one: connection.Connection, other_tenant: str, other: connection.Connection
) -> None:
    subject = [tenant, *(getattr(one, name) for name in MATTERS)]
    plan = removal.decide_absent(tenant, one)
    assert (removal.decide_absent(other_tenant, other).digest == plan.digest) is (
        subject == [other_tenant, *(getattr(other, name) for name in MATTERS)]
    )
    for name in MATTERS:
        changed = dataclasses.replace(one, **{name: getattr(other, name)})
        same = getattr(one, name) == getattr(other, name)
        assert (removal.decide_absent(tenant, changed).digest == plan.digest) is same
    fewer = dataclasses.replace(plan, steps=plan.steps[1:])
    assert fewer.digest != plan.digest
    assert dataclasses.replace(plan, tenant=other_tenant).digest != plan.digest or tenant == other_tenant
    for number, step in enumerate(plan.steps):
        for name in step:
            steps = [*plan.steps[:number], {**step, name: "other"}, *plan.steps[number + 1 :]]
            assert dataclasses.replace(plan, steps=tuple(steps)).digest != plan.digest
    turned = tuple(dict(reversed(step.items())) for step in plan.steps)
    assert dataclasses.replace(plan, steps=turned).digest == plan.digest


@given(
    st.permutations(["connectionKey", "connection", "state", "createdAt", "nativeIntegrationId", "other"]),
    st.booleans(),
    ANYTHING,
)
def test_the_order_of_the_fields_does_not_matter(order: list[str], turned: bool, other: str) -> None:
    about = {"technology": "Snowflake", "hostname": "host.example", "port": 443, "role": other}
    body = {
        "connectionKey": "prod",
        "connection": dict(reversed(about.items())) if turned else about,
        "state": other,
        "createdAt": other,
        "nativeIntegrationId": "5" if turned else 5,
        "other": other,
    }
    found = connection.from_description({name: body[name] for name in order}, "prod")
    known = connection.Connection("prod", "Snowflake", "host.example", 443, None, 5)
    assert removal.decide_absent("t", found).digest == removal.decide_absent("t", known).digest
