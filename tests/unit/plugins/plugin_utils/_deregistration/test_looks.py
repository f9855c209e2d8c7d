# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was there before and what is there after, and what these rows prove."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import looks, texts
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    FINISHED,
    GO,
    ROWS,
    SHA,
    deleted,
    gone,
    left,
    read,
    script,
)


def row(
    name: str = "D", present: bool | None = True, query: str = "q1", *, dropped: bool = True, **more: t.Any
) -> Answer:
    """What one look has found."""
    about = {"kind": "DATABASE", "name": name, "dropped": dropped, "present": present, "how": "SHOW"}
    return {**about, "query_id": query, "roles": ["R"], **more}


SESSION = {"account": "a-b", "user": "U", "role": "R", "warehouse": "W"}


def joined(before: t.Any, after: t.Any) -> list[Answer] | None:
    """What two looks of the same user have found."""
    return looks.rows(before, after, (SESSION, SESSION))


def told(found: list[Answer] | None) -> list[tuple[t.Any, ...]]:
    """Name, before and after, and the query ids of both."""
    return [(one["name"], one["present"], one["query_id"], one["after"], one["after_query_id"]) for one in found or ()]


def test_rows_have_what_both_looks_have_found() -> None:
    assert looks.rows(None, None) is None
    assert told(looks.rows([row()], None)) == [("D", True, "q1", None, None)]
    assert told(joined([row(), row("E")], [row(present=False, query="q2")])) == [
        ("D", True, "q1", False, "q2"),
        ("E", True, "q1", None, None),
    ]
    assert told(looks.rows(None, [row(present=False, query="q2")])) == [("D", None, None, False, "q2")]


BEFORE = {"status": "handed_off", "objects": joined([row()], None)}
COMPLETED = {"status": "completed", "objects": joined([row()], [row(present=False)])}
FAILED = {"status": "failed", "objects": joined(None, [row(query="q3")])}
NOTHING = {"status": "already_done", "objects": None}


@pytest.mark.parametrize(
    ("runs", "present", "query"),
    [
        ([], None, None),
        ([BEFORE], True, "q1"),
        # What a run has found to be left was there, too.
        ([FAILED], True, "q3"),
        ([BEFORE, FAILED], True, "q3"),
        ([BEFORE, COMPLETED, NOTHING], True, "q1"),
    ],
)
def test_what_an_earlier_run_of_the_same_removal_has_seen_counts(
    runs: list[Answer], present: bool | None, query: str | None
) -> None:
    found = looks.remembered(joined(None, [row(present=False, query="q9")]), runs)
    assert told(found) == [("D", present, query, False, "q9")]
    assert looks.proved(found) is bool(present)
    assert looks.remembered(None, runs) is None


@pytest.mark.parametrize(
    ("before", "after", "proved"),
    [
        ([row()], [row(present=False)], True),
        ([row()], [row(present=None)], False),
        ([row()], [row()], False),
        ([row(present=False)], [row(present=False)], False),
        ([row(), row("E")], [row(present=False)], False),
        ([row(dropped=False)], None, False),
    ],
)
def test_only_what_was_seen_and_is_not_seen_any_more_is_gone(before: t.Any, after: t.Any, proved: bool) -> None:
    assert looks.proved(joined(before, after)) is proved


SEES = {"account": "a-b", "user": "U"}
LOCATED = {"account": "a-b", "locator": "L", "region": "X", "user": "U"}
ON_DATABRICKS = {"host": "h", "user": "u", "http_path": "/sql/1"}


@pytest.mark.parametrize(
    ("then", "roles", "now", "later", "gone"),
    [
        (SEES, ["R"], SEES, ["R"], True),
        (SEES, ["R"], SEES, ["R", "PUBLIC"], True),
        (SEES, ["R"], {**SEES, "account": "A-B"}, ["R"], True),
        (LOCATED, ["R"], {**LOCATED, "account": "other-name"}, ["R"], True),
        (LOCATED, ["R"], SEES, ["R"], True),
        # The role that sees all.
        (SEES, ["R"], {**SEES, "user": "V"}, ["ACCOUNTADMIN"], True),
        (SEES, ["R"], {**SEES, "user": "V"}, ["R", "ACCOUNTADMIN"], True),
        (SEES, ["R"], {"account": "other", "user": "U"}, ["ACCOUNTADMIN"], False),
        (LOCATED, ["R"], {**LOCATED, "locator": "M"}, ["ACCOUNTADMIN"], False),
        (LOCATED, ["R"], {**LOCATED, "region": "Y"}, ["R"], False),
        # Others.
        (SEES, ["ACCOUNTADMIN"], SEES, ["PUBLIC"], False),
        (SEES, ["R"], {**SEES, "user": "V"}, ["R"], False),
        (SEES, [], SEES, ["R"], False),
        (SEES, ["R"], SEES, [], False),
        ({"account": "a-b"}, ["R"], {"account": "a-b"}, ["R"], False),
        (None, ["R"], SEES, ["R"], False),
        (SEES, ["R"], None, ["R"], False),
        (ON_DATABRICKS, [], {**ON_DATABRICKS, "http_path": "/sql/2"}, [], True),
        (ON_DATABRICKS, [], {**ON_DATABRICKS, "user": "analyst"}, [], False),
        (ON_DATABRICKS, [], {**ON_DATABRICKS, "host": "i"}, [], False),
        (ON_DATABRICKS, [], {"host": "h"}, [], False),
        ({"host": "h"}, [], {"host": "h"}, [], False),
        # No role of Databricks sees all, whatever its name is.
        (ON_DATABRICKS, [], {**ON_DATABRICKS, "user": "analyst"}, ["ACCOUNTADMIN"], False),
    ],
)
@pytest.mark.parametrize("earlier", [False, True])
def test_only_who_sees_as_much_can_tell_that_something_is_gone(
    then: t.Any, roles: list[str], now: t.Any, later: list[str], gone: bool, earlier: bool
) -> None:
    before, after = [row(roles=roles)], [row(present=False, roles=later)]
    if earlier:
        history = [{"status": "handed_off", "objects": looks.rows(before, None, (then, None))}]
        found = looks.remembered(looks.rows(None, after, (None, now)), history)
    else:
        found = looks.rows(before, after, (then, now))
    (one,) = found or ()
    assert (one["present"], one["after"], looks.proved(found)) == (True, False if gone else None, gone)
    assert ("as the same user in the same role" in one["after_how"]) is not gone
    # Concluding the same again changes nothing.
    assert looks.remembered(found, []) == found


def test_of_many_earlier_looks_that_counts_which_proves_the_most() -> None:
    def seen(user: str) -> Answer:
        return {"status": "handed_off", "objects": looks.rows([row(query=user)], None, ({**SEES, "user": user}, None))}

    for users, query in ((("U", "V"), "U"), (("V", "U"), "U"), (("V", "W"), "W")):
        after = looks.rows(None, [row(present=False)], (None, SEES))
        (one,) = looks.remembered(after, [seen(user) for user in users]) or ()
        assert (one["query_id"], looks.is_certain(one)) == (query, query == "U")


@pytest.mark.parametrize(
    ("about", "after", "proved", "said"),
    [
        ({"made": True, "confirmed": True}, False, True, "1 of 1 objects gone"),
        ({"made": True, "confirmed": False, "roles": ["ACCOUNTADMIN"]}, False, True, "1 of 1 objects gone"),
        ({"made": True, "confirmed": False}, False, False, "1 of 2 objects gone, 1 not seen before"),
        ({"made": True, "confirmed": True}, None, False, "1 of 2 objects gone, 1 not seen before"),
        ({"made": False, "confirmed": True}, False, False, "1 of 2 objects gone, 1 not seen before"),
    ],
)
def test_what_the_script_makes_and_drops_need_not_have_been_there(
    about: t.Any, after: bool | None, proved: bool, said: str
) -> None:
    found = joined([row(), row("E", False, **about)], [row(present=False), row("E", after, **about)])
    assert (looks.proved(found), texts.gone(found)[: len(said)]) == (proved, said)
    # Alone it proves nothing.
    assert not looks.proved(joined([row("E", False, **about)], [row("E", after, **about)]))


def test_what_the_script_makes_counts_neither_before_nor_after() -> None:
    made = {"made": True, "confirmed": True}
    before, after = [row(), row("E", False, **made)], [row(present=False), row("E", False, **made)]
    # The last one was not looked for before, by whoever has run the script.
    found = (joined(before, None), joined(before, after), joined(before[:1], after))
    assert [len(looks.to_prove(rows)) for rows in found] == [1, 1, 1]


def test_a_look_that_was_refused_is_no_look_that_was_not_made() -> None:
    refused = looks.rows(None, [row(present=None)])
    assert texts.gone(refused) == "0 of 1 objects gone, 1 not seen before, or not visible"
    assert texts.gone(looks.rows([row()], None)) == ""


OUT = {"index": 2, "reason": "r"}
SKIP = {"statement": 2, "sha256": SHA, "reason": "r"}


@pytest.mark.parametrize(
    ("given", "answer", "objects", "words"),
    [
        ({}, gone(), [row("IMMUTA")], ""),
        ({"script_executed": True}, gone(), [row("IMMUTA")], "removes: DATABASE IMMUTA. Check"),
        ({"script_executed": True}, gone(), [row("IMMUTA", None)], ""),
        ({"script_executed": True}, gone(), [row("IMMUTA", dropped=False)], ""),
        ({}, gone(execution=FINISHED), [row("IMMUTA")], "removes: DATABASE IMMUTA"),
        # What was left out is not there to be dropped.
        ({"skip": [SKIP], "script_executed": True}, gone(), [row("IMMUTA")], ""),
        ({}, gone(execution={**FINISHED, "skipped": [OUT]}), [row("IMMUTA")], ""),
        ({}, gone(execution={**FINISHED, "skipped": [OUT]}), [{**row("X TO ROLE Y"), "type": "grant"}], ""),
        ({}, gone(execution=FINISHED), [{**row("X TO ROLE Y"), "type": "grant"}], "removes: DATABASE X TO ROLE Y"),
    ],
)
def test_what_is_left(given: Answer, answer: Answer, objects: list[Answer], words: str) -> None:
    assert ROWS[1]["name"] == "IMMUTA"
    found = texts.left_behind(read(**GO, **given), Observed(answer, {"objects": objects}))
    assert (words in found, bool(found)) == (True, bool(words))


KNOWN = deleted(integration_known=True)


@pytest.mark.parametrize(
    ("answer", "deletion", "exists", "expected"),
    [
        (
            script(integration_status="enabled"),
            KNOWN,
            False,
            ["connection k: there -> gone", "integration 5: enabled -> not listed", "objects below it : 4 -> deleted"],
        ),
        (
            script(integration_status="enabled"),
            {**left(in_use=False), "integration_known": True},
            False,
            ["connection k: there -> gone", "integration 5: enabled -> deleted", "objects below it : 4 -> deleted"],
        ),
        (script(), {}, True, ["connection k: there -> there", "integration 5: None -> None"]),
        (script(integration_id=None), {}, None, ["connection k: there -> None"]),
        (gone(), {}, False, ["connection k: not there -> not there", "integration 5: None -> None"]),
    ],
)
def test_the_same_in_immuta(answer: Answer, deletion: Answer, exists: bool | None, expected: list[str]) -> None:
    found = looks.in_immuta(answer, deletion, "k", existed=answer["connection_exists"], exists=exists)
    assert [f"{one['kind']} {one['name']}: {one['before']} -> {one['after']}" for one in found] == expected
    assert all(one["how"] for one in found)
    # What nobody has asked again is not said to be in the list.
    assert ("list of all" in found[0]["how"]) is (exists is False and not deletion)
