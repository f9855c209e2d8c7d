# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose the objects are that a set-up script creates."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._registration import whose
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._registration.situations import read

OBJECT = {"kind": "DATABASE", "name": "IMMUTA"}
NAME = "DATABASE IMMUTA"
UNSEEN = "its CREATE has not run; whether it is there now is not known"
# Each row: whether its CREATE has run, whether it was there before, whether it is there now; whether to look, to refuse; and words.
ROWS: list[tuple[bool | None, bool | None, bool | None, bool, bool, str]] = [
    (True, False, None, False, False, ": created by this registration"),
    (True, False, True, False, False, ": created by this registration"),
    (True, None, None, True, False, "which has run; whether it was there before is not known"),
    (True, True, None, True, True, "there before its CREATE ran"),
    (True, True, True, True, True, "there before its CREATE ran"),
    # An earlier run has dropped it.
    (True, True, False, True, False, "there before its CREATE ran"),
    (False, False, True, True, True, "not created by this registration: its CREATE has not run"),
    (False, None, True, True, True, "not created by this registration: its CREATE has not run"),
    (False, True, True, True, True, "there before this registration, and its CREATE has not run"),
    (False, True, None, True, True, "there before this registration, and its CREATE has not run"),
    (False, False, False, True, False, "not created by this registration, and not there"),
    (False, True, False, True, False, "not created by this registration, and not there"),
    (False, False, None, True, False, UNSEEN),
    (None, False, True, True, False, "whether this registration created it is not known"),
    (None, None, True, True, False, "created it is not known, nor whether it was there before"),
    (None, True, True, True, True, "there before its CREATE ran"),
]


@pytest.mark.parametrize(("made", "before", "now", "looks", "refuses", "words"), ROWS)
def test_what_this_registration_has_not_created_is_refused_by_name(
    made: bool | None, before: bool | None, now: bool | None, looks: bool, refuses: bool, words: str
) -> None:
    setup = {"creates": [{**OBJECT, "created": made, "before": before}]}
    tried = {} if now is None else {"objects": [{**OBJECT, "present": now}]}
    assert whose.look(read(), setup) == ("snowflake" if looks else "")
    assert whose.look(read(executor="handoff"), setup) == ""
    found = whose.refused(read(), setup, tried)
    assert bool(found) is refuses
    assert not found or (f"{words})." in found[0] and f'["{NAME}"]' in found[0])
    # It has to be named itself.
    assert whose.refused(read(drop_existing=["ROLE IMMUTA"], existing_objects="accept"), setup, tried) == found
    assert whose.refused(read(drop_existing=[NAME]), setup, tried) == []
    (_title, line, *more) = whose.plan(read(drop_existing=[NAME]), setup, {}, tried)
    assert words in line
    missing = made is now is False
    assert more == ([whose.NEEDLESS] if missing else [])
    assert whose.created(read(), setup, tried, registered=False)["never"] == ([OBJECT] if missing else [])
    assert ("may be dropped" in line) is refuses


def test_the_removal_is_told_what_it_may_drop() -> None:
    setup = {"creates": [{**OBJECT, "created": True, "before": False}]}
    setup["grants"] = [{"name": f"ROLE R{number}", "granted": ran} for number, ran in enumerate((True, None, False))]
    assert whose.created(read(), setup, {}, registered=False)["grants"] == ["ROLE R0", "ROLE R1"]
    for state, registered in (("partial", False), ("finished", None)):
        own = whose.created(read(), {**setup, "state": state}, {}, registered=False)
        assert own["never_registered"] is (registered is False)
    named = {
        "never": [],
        "made": [OBJECT],
        "grants": None,
        "never_registered": False,
        "accepted": ["ROLE R"],
        "option": "immuta_register_drop_existing",
    }
    assert whose.created(read(drop_existing=["ROLE R"]), setup, {}, registered=True) == {"objects": [OBJECT], **named}
    assert whose.created(read(drop_existing=["ROLE R"]), {"creates": []}, {}, registered=True) == {
        **named,
        "objects": [],
        "made": [],
    }
    # Nobody knows.
    assert (
        whose.created(read(), {}, {}, registered=True)
        == whose.created(read(), {"creates": None}, {}, registered=False)
        == {}
    )


@pytest.mark.parametrize(
    ("existed", "undo", "registered"),
    [
        (True, {}, True),
        (False, {}, False),
        (None, {}, False),
        # An earlier run has saved its script, and has deleted it.
        (False, {"integration_id": 7, "state": "none"}, True),
        # Or was refused: it had to be rendered from the description.
        (False, {"integration_id": None, "state": "none"}, False),
        (False, {"integration_id": None, "state": "partial"}, True),
        (False, {"integration_id": None, "state": "finished"}, True),
    ],
)
def test_a_rerun_knows_that_the_connection_was_there(existed: bool | None, undo: t.Any, registered: bool) -> None:
    assert whose.registered(existed, undo) is registered


@pytest.mark.parametrize(("state", "told"), [(None, True), ("none", True), ("partial", False), ("finished", False)])
def test_without_a_journal_nobody_knows(state: str | None, told: bool) -> None:
    setup: dict[str, t.Any] = {"creates": None}
    for one in ({}, setup):
        said = whose.plan(read(), one, {"state": state}, {})
        assert bool(said) is told
        assert not said or "it is not known whether what the clean-up script drops was there before" in said[0]
        assert (whose.look(read(), one), whose.refused(read(), one, {})) == ("", [])


@pytest.mark.parametrize(
    ("home", "schema", "foreign"),
    [
        # A run was stopped in its CREATE, and the next one has found it there.
        ((True, False), (True, True), []),
        ((True, False), (None, True), []),
        ((True, False), (False, None), []),
        # What is in another team's database is not of this registration.
        ((True, True), (True, True), ["DATABASE D", 'SCHEMA D."s"']),
        ((None, False), (True, True), ['SCHEMA D."s"']),
    ],
)
def test_what_is_in_its_own_database_goes_with_it(
    home: tuple[bool | None, bool | None], schema: tuple[bool | None, bool | None], foreign: list[str]
) -> None:
    creates = [
        {"kind": kind, "name": name, "created": made, "before": before}
        for (kind, name), (made, before) in zip((("DATABASE", "D"), ("SCHEMA", 'D."s"')), (home, schema), strict=True)
    ]
    tried = {"objects": [{"kind": one["kind"], "name": one["name"], "present": True} for one in creates]}
    setup = {"technology": "Snowflake", "creates": creates}
    assert [row.name for row in whose.rows(setup, tried) if row.foreign] == foreign
    assert ("in what this registration has created" in whose.plan(read(), setup, {}, tried)[2]) is not bool(foreign)
