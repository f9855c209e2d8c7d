# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is decided once the set-up script is saved."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused
from ansible_collections.community.immuta.plugins.plugin_utils._registration import decisions
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._registration.situations import (
    FINISHED,
    FOUND,
    NONE,
    OBJECT,
    SAVED,
    TENANT,
    read,
    script,
    set_up_script,
    undo,
)

STARTED = {"state": "partial", "done": 1, "total": 2, "skipped": []}
ENABLE = {"settings": {"is_active": True}}
DIES = {"durability": {"lasting": "dies", "why": "it is in memory"}}
# Each row: what is given, what was observed, check mode, and the decision: preflight, look, run, register.
ROWS: list[tuple[str, dict[str, t.Any], Observed, bool, tuple[str, str, str, bool]]] = [
    ("new", {}, Observed(NONE, script()), False, ("snowflake", "/s/k.setup.sql", "snowflake", True)),
    ("check mode", {}, Observed(NONE, script(exists=False)), True, ("snowflake", "", "snowflake", True)),
    ("check mode, saved before", {}, Observed(NONE, script(changed=False)), True, ("snowflake", "/s/k.setup.sql", "snowflake", True)),
    ("check mode, changed", {}, Observed(NONE, script()), True, ("snowflake", "", "", True)),
    ("it has run", {}, Observed(NONE, script(execution=FINISHED)), False, ("snowflake", "/s/k.setup.sql", "", True)),
    ("exists", {}, Observed(FOUND), False, ("", "", "", True)),
    ("exists, enables", ENABLE, Observed(FOUND), False, ("", "", "", True)),
    ("enables", ENABLE, Observed(NONE, script()), False, ("snowflake", "/s/k.setup.sql", "", False)),
    ("enables, confirmed", {**ENABLE, "confirm": "k"}, Observed(NONE, script()), False, ("snowflake", "/s/k.setup.sql", "snowflake", True)),
    ("hand over", {"executor": "handoff"}, Observed(NONE, script()), False, ("", "/s/k.setup.sql", "handoff", False)),
    ("hand over, check mode", {"executor": "handoff"}, Observed(NONE, script(changed=False)), True, ("", "/s/k.setup.sql", "", False)),
    ("it was run by a person", {"executor": "handoff", "script_executed": True}, Observed(NONE, script()), False, ("", "/s/k.setup.sql", "record", True)),
    ("no script", {"executor": "none"}, Observed(NONE), False, ("", "", "", True)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "observed", "check_mode", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_decide(
    given: dict[str, t.Any], observed: Observed, check_mode: bool, expected: tuple[str, str, str, bool]
) -> None:
    found = decisions.decide(read(**given), observed, check_mode=check_mode)
    assert (found.preflight, found.look, found.run, found.register) == expected
    assert found.compare is observed.exists


@pytest.mark.parametrize(
    ("given", "observed", "words"),
    [
        ({}, Observed(NONE, script()), []),
        (
            {"connection_key": "Prod"},
            Observed({**NONE, "lookalikes": ["prod"]}, script()),
            ["There is no connection 'Prod', but there is 'prod',"],
        ),
        ({"connection_key": "Prod"}, Observed({**FOUND, "lookalikes": []}), []),
        ({}, Observed(NONE, script(**DIES)), ["would not outlive this run: it is in memory."]),
        ({"script_durable": True}, Observed(NONE, script(**DIES)), []),
        ({}, Observed(NONE, script(execution=FINISHED, **DIES)), []),
        ({}, Observed(FOUND, script(**DIES)), []),
        ({}, Observed(NONE, script(split_error={"message": "A quote is open."})), ["runs: A quote is open. Set"]),
        ({"executor": "handoff"}, Observed(NONE, script(split_error={"message": "A quote is open."})), []),
        ({"script_executed": True}, Observed(NONE, script(split_error={"message": "A quote is open."})), []),
        ({}, Observed(NONE, script(execution=STARTED), former=undo("none")), []),
        ({}, Observed(NONE, script(), former=undo("finished")), []),
        ({}, Observed(NONE, script(), former=undo("partial")), ["is being taken back, by the script /s/k.undo.sql."]),
        ({}, Observed(NONE, script(execution=STARTED), former=undo("finished")), ["is being taken back"]),
        ({}, Observed(NONE, script(execution=FINISHED), former=undo("finished")), ["is being taken back"]),
        (
            {},
            Observed(NONE, script(), former=undo(None, "It was changed.")),
            ["was taken back is not known: It was changed."],
        ),
    ],
)
def test_obstacles(given: dict[str, t.Any], observed: Observed, words: list[str]) -> None:
    found = decisions.obstacles(read(**given), observed)
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))


@pytest.mark.parametrize(("state", "forgets"), [("none", False), ("finished", True)])
def test_a_script_that_has_taken_a_registration_back_makes_room(state: str, forgets: bool) -> None:
    observed = Observed(NONE, script(), former=undo(state))
    assert decisions.decide(read(), observed, check_mode=False).forget is forgets
    # What exists is not taken back, whatever is saved.
    there = Observed(FOUND, former=undo("finished"))
    assert not decisions.decide(read(), there, check_mode=False).forget
    assert decisions.obstacles(read(), Observed(FOUND, former=undo("partial"))) == []


GONE = {"objects": [OBJECT, {**OBJECT, "name": "OTHER", "present": True}]}


@pytest.mark.parametrize(
    ("observed", "refused"),
    [
        (Observed(NONE, script(execution=FINISHED), tried=GONE), True),
        (Observed(NONE, script(execution=FINISHED), tried={"objects": GONE["objects"][1:]}), False),
        (Observed(NONE, script(), tried=GONE), False),
        (Observed(FOUND, script(execution=FINISHED), tried=GONE), False),
        (Observed(NONE, script(execution=FINISHED)), False),
    ],
)
def test_a_script_that_has_run_proves_nothing_once_its_objects_are_gone(observed: Observed, refused: bool) -> None:
    found = decisions.undone(read(), observed)
    assert bool(found) is refused
    assert not found or "does not show it: DATABASE IMMUTA. If" in found[0]


ONE = {"key": "k", "technology": "Snowflake", "hostname": "ACME.snowflakecomputing.com", "integration_id": 7}
SEVEN = {"id": 7, "host": "acme.snowflakecomputing.com", "database": "IMMUTA", "catalog": None}


@pytest.mark.parametrize(
    ("connection", "integration", "words"),
    [
        ({}, {}, ""),
        ({"hostname": "other.snowflakecomputing.com"}, {}, "has the host other.snowflakecomputing.com, not acme."),
        ({"hostname": None}, {"host": "other.snowflakecomputing.com"}, "has the host other."),
        ({}, {"database": "OTHER"}, "has the database OTHER, not IMMUTA, so it is not the one"),
        ({"technology": "Databricks"}, {}, "has the technology Databricks, not Snowflake"),
        ({"integration_id": 8}, {"database": "OTHER"}, 'The database of the connection "k" can\'t be compared'),
        ({}, {"database": None}, 'The database of the connection "k" can\'t be compared'),
        ({"hostname": None}, {"host": None}, 'The host of the connection "k" can\'t be compared'),
        # Immuta does not always name the integration: then it is the only one there.
        ({"integration_id": None}, {}, ""),
        ({"integration_id": None}, {"database": "OTHER"}, "has the database OTHER, not IMMUTA"),
        ({"integration_id": None}, {"host": "other.snowflakecomputing.com"}, "The database of the connection"),
        ({}, {"integration_config": {"role": "OTHER"}}, "has the role OTHER, not"),
    ],
)
def test_what_is_taken_back_is_what_is_described(
    connection: dict[str, t.Any], integration: dict[str, t.Any], words: str
) -> None:
    found = decisions.allowed(read(), [{**ONE, **connection}], [{**SEVEN, **integration}], {}, TENANT)
    assert words in " ".join(found)
    assert bool(found) is bool(words)


def saved(name: str, state: str | None, problem: str | None = None, **more: t.Any) -> dict[str, t.Any]:
    """A file beside the set-up script."""
    return set_up_script(path=f"/home/x/scripts/{name}", state=state, problem=problem, **more)


@pytest.mark.parametrize(
    ("setup", "undo", "words"),
    [
        ([], [], 'There is nothing to take back: "k" is not registered'),
        ([saved("k.setup.sql", "none")], [], "no statement of the set-up script"),
        ([saved("other.setup.sql", "partial")], [], "There is nothing to take back"),
        ([saved("k.setup.sql", "none")], [saved("k.undo.sql", "none")], "There is nothing to take back"),
        # It was registered, and a run was stopped when it had deleted it.
        ([], [saved("k.undo.sql", "none", integration_id=7)], ""),
        ([saved("k.setup.sql", "partial")], [], ""),
        ([saved("k.setup.sql", "partial", acted=True)], [], ""),
        ([saved("k.setup.sql", "partial", acted=False)], [], "has created and changed nothing yet"),
        ([saved("k.setup.sql", "partial", acted=False)], [saved("k.undo.sql", "none")], "not of this registration"),
        # It is being taken back, as somebody has confirmed.
        ([saved("k.setup.sql", "partial", acted=False)], [saved("k.undo.sql", "partial")], ""),
        ([saved("k.setup.sql", "finished")], [saved("k.undo.sql", "partial")], ""),
        # It was taken back before.
        ([], [saved("k.undo.sql", "finished")], ""),
        ([saved("k.setup.sql", None, "It is damaged.")], [], "has come, is not known: It is damaged. Nothing"),
        # The removal says what is wrong with it.
        ([], [saved("k.undo.sql", None, "It is damaged.")], ""),
    ],
)
def test_what_never_started_is_not_taken_back(
    setup: list[dict[str, t.Any]], undo: list[dict[str, t.Any]], words: str
) -> None:
    found = decisions.allowed(read(), [], [], {"setup_scripts": setup, "scripts": undo}, TENANT)
    assert words in " ".join(found)
    assert bool(found) is bool(words)


NOT_ITS = "The set-up script /s/k.setup.sql on h is not for what is described: it is for the"
UNTOLD = "What the set-up script /s/k.setup.sql on h has created"


# Each row: what is otherwise with the set-up script that is saved, and words of the refusal, or "".
@pytest.mark.parametrize(
    ("saved_one", "words"),
    [
        ({}, ""),
        ({"tenant": f"{TENANT.upper()}/"}, ""),
        ({"tenant": "https://dev"}, f"{NOT_ITS} tenant https://dev, not {TENANT}. The clean-up script"),
        ({"technology": "Databricks"}, f"{NOT_ITS} technology Databricks, not Snowflake."),
        ({"integration_config": {**SAVED, "database": "FINANCE"}}, f"{NOT_ITS} database FINANCE, not IMMUTA."),
        # In quotes, it is another one.
        ({"integration_config": {**SAVED, "database": "immuta"}}, f"{NOT_ITS} database immuta, not IMMUTA."),
        ({"integration_config": {**SAVED, "host": "o.example"}}, f"{NOT_ITS} host o.example, not acme."),
        ({"integration_config": {**SAVED, "host": SAVED["host"].upper()}}, ""),
        ({"integration_config": {**SAVED, "role": "S"}}, f"{NOT_ITS} role S, not R."),
        ({"integration_config": {**SAVED, "impersonation_role": "I"}}, f"{NOT_ITS} impersonation role I, not (none)."),
        ({"integration_config": {**SAVED, "user": "V"}}, f"{NOT_ITS} user V, not U."),
        # Immuta may have made it.
        ({"integration_config": {name: one for name, one in SAVED.items() if name != "user"}}, ""),
        ({"integration_config": {**SAVED, "id": 5}}, f"{NOT_ITS} integration 5, not (none)."),
        ({"integration_config": None}, f"{NOT_ITS} host (none), not acme."),
        # What is run, and not what is created.
        ({"integration_config": {**SAVED, "warehouse": "OTHER", "port": 444}}, ""),
        ({"problem": "The journal is damaged."}, f"{UNTOLD}, and how far it has come, is not known: The journal is"),
        ({"creates": None}, f"{UNTOLD} is not known, because it can't be split into statements."),
    ],
)
def test_only_the_set_up_script_of_what_is_described_tells_whose_the_objects_are(
    saved_one: dict[str, t.Any], words: str
) -> None:
    for connections, state in (([], "partial"), ([ONE], "finished")):
        former = {"setup_scripts": [set_up_script(**{"state": state, **saved_one})], "scripts": []}
        found = decisions.allowed(read(), connections, [SEVEN], former, TENANT)
        assert words in " ".join(found)
        assert bool(found) is bool(words)


@pytest.mark.parametrize("state", ["none", "partial"])
def test_a_connection_that_others_have_registered_is_not_taken_back(state: str) -> None:
    former = {"setup_scripts": [set_up_script(state=state, done=1, total=27)], "scripts": []}
    (found,) = decisions.allowed(read(), [ONE], [SEVEN], former, TENANT)
    assert "has run 1 of 27 statements, so this registration has not registered it. Somebody else has." in found
    former["setup_scripts"][0]["state"] = "finished"
    assert decisions.allowed(read(), [ONE], [SEVEN], former, TENANT) == []


def test_a_journal_without_its_script_is_asked_about() -> None:
    former = {"setup_scripts": [], "scripts": [], "journals": ["/home/s/k.setup.sql.journal"]}
    for connections in ([], [ONE]):
        (found,) = decisions.allowed(read(), connections, [SEVEN], former, TENANT)
        assert "is not there, but its journal is, so what it has created is not known." in found
    # What it has created is gone already.
    ended = {**former, "scripts": [saved("k.undo.sql", "finished")]}
    assert decisions.allowed(read(), [], [], ended, TENANT) == []
    former["journals"] = ["/home/s/other.setup.sql.journal"]
    assert decisions.allowed(read(), [ONE], [SEVEN], former, TENANT) == []


@pytest.mark.parametrize(
    ("about", "forgets"),
    [
        ({}, True),
        ({"connection_key": "k.undo"}, False),
        ({"tenant": "https://another"}, False),
        ({"tenant": f"{TENANT.upper()}/"}, True),
        ({"state": "partial"}, False),
    ],
)
def test_only_its_own_clean_up_script_makes_room(about: dict[str, t.Any], forgets: bool) -> None:
    kept = {**saved("k.undo.sql", "finished"), "connection_key": "k", "tenant": TENANT, **about}
    observed = Observed({**NONE, "tenant": TENANT}, script(), former={"scripts": [kept]})
    assert decisions.decide(read(), observed, check_mode=False).forget is forgets


def test_the_script_has_a_name_by_which_it_is_found() -> None:
    with pytest.raises(Refused, match=r"Its name has to end with \.sql"):
        read(script_path="/s/new.setup")


def test_a_file_that_does_not_say_what_it_is_stands_for_no_set_up_script() -> None:
    for problem, words in (("It is damaged.", "It is damaged."), (None, "It is not a set-up script.")):
        former = {"setup_scripts": [], "scripts": [saved("k.setup.sql", None, problem)]}
        for connections in ([], [ONE]):
            (found,) = decisions.allowed(read(), connections, [SEVEN], former, TENANT)
            assert found.startswith(UNTOLD) and f"is not known: {words} Nothing was deleted" in found


def test_what_is_described_by_immutas_names_is_not_taken_back() -> None:
    raw = read(snowflake=None, connection={"technology": "Snowflake"})
    assert "can't be compared" in decisions.allowed(raw, [ONE], [SEVEN], {}, TENANT)[0]


@pytest.mark.parametrize(
    ("created", "found", "told"),
    [
        ([("ROLE", "R"), ("USER", "u")], NONE, []),
        # Where people prepare both, the script creates neither.
        ([], NONE, []),
        ([("ROLE", "IMMUTA_SYSTEM"), ("ROLE", '"r"')], NONE, []),
        ([("ROLE", "IMMUTA_SYSTEM"), ("USER", "IMMUTA_ACCOUNT")], NONE, ["role R", "user U"]),
        ([("ROLE", "IMMUTA_SYSTEM"), ("USER", "IMMUTA_ACCOUNT")], FOUND, []),
    ],
)
def test_who_signs_in_is_compared_with_what_is_created(
    created: list[tuple[str, str]], found: dict[str, t.Any], told: list[str]
) -> None:
    rows = [{"verb": "CREATE", "object": kind, "name": name} for kind, name in created]
    doubts = decisions.doubts(read(), Observed(found, script(statements=rows)))
    assert len(doubts) == len(told)
    assert all(f"signs in with the {one}, which it does not create" in doubt for one, doubt in zip(told, doubts))


ON_HOST = {"id": 5, "type": "Snowflake", "host": "ACME.snowflakecomputing.com", "status": "enabled", "in_use": True}


@pytest.mark.parametrize(
    ("given", "about", "run", "refused"),
    [
        ({}, {}, {}, True),
        ({"confirm": "k"}, {}, {}, False),
        ({}, {"host": "acme.snowflakecomputing.com."}, {}, True),
        ({}, {"host": "other.snowflakecomputing.com"}, {}, False),
        ({}, {"host": None}, {}, False),
        ({}, {"type": "Databricks"}, {}, False),
        ({}, {"in_use": False}, {}, False),
        # It is that of this registration, whose answer was lost.
        ({}, {}, {"execution": FINISHED}, False),
    ],
)
def test_a_host_that_is_taken_stops_it_before_the_script_runs(
    given: dict[str, t.Any], about: dict[str, t.Any], run: dict[str, t.Any], refused: bool
) -> None:
    observed = Observed({**NONE, "integrations": [{**ON_HOST, **about}]}, script(**run))
    settings = read(**given)
    found = decisions.obstacles(settings, observed)
    assert bool(found) is refused
    assert decisions.code(settings, observed) == ("already_exists" if refused else "refused")
    assert not refused or "already: 5 ('enabled')." in found[0]
