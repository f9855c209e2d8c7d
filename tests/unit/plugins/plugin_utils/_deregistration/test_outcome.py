# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What follows from what the modules have answered, and what came of the run."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import (
    approval,
    decisions,
    outcome,
    texts,
)
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    BROKEN,
    CONFIG,
    DIGEST,
    DONE,
    EMPTY,
    FINISHED,
    GO,
    HOST,
    LOST,
    LOST_BUT_THERE,
    NO_SCRIPT,
    PARTIAL,
    PLAN,
    PLANNED,
    RECORDED,
    REFUSED,
    ROWS,
    SAID,
    SAVED_THEN_REFUSED,
    SHA,
    SITUATIONS,
    SKIPPED,
    UNSPLITTABLE,
    deleted,
    gone,
    left,
    ran,
    read,
    script,
)

# What there can be: a script and a connection, each in any state. Unknown means that Immuta was not asked.
SEEN = {
    "saved": script(),
    "not saved yet": script(exists=False),
    "partial": script(execution=PARTIAL),
    "finished": script(execution=FINISHED),
    "stated": script(execution=SAID),
    "unsplittable": UNSPLITTABLE,
    "databricks": script(dialect="databricks", technology="Databricks"),
    "empty": EMPTY,
    "gone, empty": gone(statements=[], empty=True),
    "other": script(dialect=None, technology="Trino"),
    "gone": gone(),
    "gone, partial": gone(execution=PARTIAL),
    "gone, finished": gone(execution=FINISHED),
    "regenerated": gone(source="regenerated"),
    "regenerated, partial": gone(source="regenerated", execution=PARTIAL),
    "regenerated, finished": gone(source="regenerated", execution=FINISHED),
    "unknown": script(connection_exists=None),
    "no script": NO_SCRIPT,
    "lost": LOST,
    "misspelt": {**LOST, "failure": {**LOST["failure"], "similar_keys": ["K"]}},
    "lost, exists": LOST_BUT_THERE,
    "nothing": {},
}
OWN, STATED = {"executor": "/o.yml"}, {"script_executed": True}
HANDOFF = {"executor": "handoff"}
PATH = "~/.local/state/community.immuta/k.sql"


# Each row: what is given, what was seen, then executor, preflight, plan, delete, run.
@pytest.mark.parametrize(
    ("given", "seen", "executor", "preflight", "plan", "delete", "run"),
    [
        # Not confirmed: the platform is tried, the deletion planned, and nothing done.
        ({}, "saved", "snowflake", "snowflake", True, False, ""),
        ({}, "not saved yet", "snowflake", "snowflake", True, False, ""),
        ({}, "partial", "snowflake", "snowflake", True, False, ""),
        ({}, "finished", "snowflake", "snowflake", True, False, ""),
        ({}, "databricks", "databricks", "databricks", True, False, ""),
        ({}, "other", "none", "", True, False, ""),
        ({}, "gone", "snowflake", "snowflake", False, False, ""),
        ({}, "gone, finished", "snowflake", "", False, False, ""),
        ({}, "unknown", "snowflake", "snowflake", False, False, ""),
        ({}, "no script", "none", "", True, False, ""),
        ({}, "lost", "none", "", False, False, ""),
        ({}, "lost, exists", "none", "", True, False, ""),
        (HANDOFF, "saved", "handoff", "", True, False, ""),
        (OWN, "saved", "own", "", True, False, ""),
        (STATED, "saved", "snowflake", "", True, False, ""),
        # Confirmed.
        (GO, "saved", "snowflake", "snowflake", False, True, "snowflake"),
        (GO, "not saved yet", "snowflake", "snowflake", False, True, "snowflake"),
        (GO, "partial", "snowflake", "snowflake", False, True, "snowflake"),
        (GO, "finished", "snowflake", "snowflake", False, True, ""),
        (GO, "stated", "snowflake", "snowflake", False, True, ""),
        (GO, "databricks", "databricks", "databricks", False, True, "databricks"),
        (GO, "other", "none", "", False, True, "none"),
        (GO, "gone", "snowflake", "snowflake", False, False, "snowflake"),
        (GO, "gone, partial", "snowflake", "", False, False, "snowflake"),
        (GO, "gone, finished", "snowflake", "", False, False, ""),
        # The platform is looked at before a script's first statement.
        ({}, "regenerated", "snowflake", "snowflake", False, False, ""),
        (GO, "regenerated", "snowflake", "snowflake", False, False, "snowflake"),
        (GO, "regenerated, partial", "snowflake", "", False, False, "snowflake"),
        (GO, "regenerated, finished", "snowflake", "", False, False, ""),
        (GO, "unknown", "snowflake", "snowflake", False, False, "snowflake"),
        (GO, "no script", "none", "", False, True, ""),
        (GO, "lost", "none", "", False, False, ""),
        (GO, "nothing", "none", "", False, False, ""),
        # Chosen by name.
        ({**GO, "executor": "snowflake"}, "saved", "snowflake", "snowflake", False, True, "snowflake"),
        ({**GO, "executor": "databricks"}, "databricks", "databricks", "databricks", False, True, "databricks"),
        ({**GO, "executor": "snowflake"}, "gone, finished", "snowflake", "", False, False, ""),
        # Nothing to run.
        ({}, "empty", "snowflake", "", True, False, ""),
        (GO, "empty", "snowflake", "", False, True, ""),
        ({**GO, **HANDOFF}, "empty", "handoff", "", False, True, ""),
        ({**GO, **OWN}, "empty", "own", "", False, True, ""),
        (GO, "gone, empty", "snowflake", "", False, False, ""),
        # Handed over. In check mode there is nothing to hand over yet.
        ({**GO, **HANDOFF}, "saved", "handoff", "", False, True, "handoff"),
        ({**GO, **HANDOFF}, "other", "handoff", "", False, True, "handoff"),
        ({**GO, **HANDOFF}, "unsplittable", "handoff", "", False, True, "handoff"),
        ({**GO, **HANDOFF}, "not saved yet", "handoff", "", False, True, ""),
        ({**GO, **HANDOFF}, "gone", "handoff", "", False, False, "handoff"),
        ({**GO, **HANDOFF}, "finished", "handoff", "snowflake", False, True, ""),
        ({**GO, **HANDOFF}, "no script", "handoff", "", False, True, ""),
        # Run by own tasks, which check mode can't run from cold.
        ({**GO, **OWN}, "saved", "own", "", False, True, "own"),
        ({**GO, **OWN}, "other", "own", "", False, True, "own"),
        ({**GO, **OWN}, "gone, partial", "own", "", False, False, "own"),
        ({**GO, **OWN}, "not saved yet", "own", "", False, True, "record"),
        ({**GO, **OWN}, "finished", "own", "snowflake", False, True, ""),
        # Said to have been run.
        ({**GO, **STATED}, "saved", "snowflake", "", False, True, "record"),
        ({**GO, **STATED}, "not saved yet", "snowflake", "", False, True, "record"),
        ({**GO, **STATED, **HANDOFF}, "gone", "handoff", "", False, False, "record"),
        ({**GO, **STATED, **HANDOFF}, "not saved yet", "handoff", "", False, True, "record"),
        ({**GO, **STATED, **OWN}, "gone, partial", "own", "", False, False, "record"),
        ({**GO, **STATED}, "gone, finished", "snowflake", "", False, False, ""),
        ({**GO, **STATED}, "no script", "none", "", False, True, ""),
    ],
)
def test_decide(
    given: dict[str, t.Any], seen: str, executor: str, preflight: str, plan: bool, delete: bool, run: str
) -> None:
    found = decisions.decide(read(**given), Observed(SEEN[seen]))
    # Nothing is deleted without the script that was seen.
    answer = SEEN[seen]
    there = (PATH, SHA) if "sha256" in answer else ("", "")
    assert (found.script_path, found.script_sha256) == there
    assert (found.hosts, found.look) == (
        answer.get("platform_hosts", []),
        PATH if answer.get("exists") else "",
    )
    assert (found.executor, found.preflight, found.plan, found.delete, found.run, found.leave_script) == (
        *(executor, preflight, plan, delete, run),
        False,
    )
    assert json.loads(json.dumps(vars(found))) == vars(found)


@pytest.mark.parametrize(
    ("named", "given", "expected"),
    [
        ([], "", []),
        ([], "p", ["p"]),
        (["a", "b"], "", ["a", "b"]),
        # A person's word is added to Immuta's, and does not replace it: neither may lead elsewhere.
        (["a"], "p", ["a", "p"]),
        (["a"], "a", ["a"]),
    ],
)
def test_the_hosts_are_those_of_immuta_and_that_of_a_person(named: list[str], given: str, expected: list[str]) -> None:
    observed = Observed(script(platform_hosts=named))
    assert decisions.decide(read(platform_host=given), observed).hosts == expected
    assert outcome.result(read(platform_host=given), observed, check_mode=False)["platform_hosts"] == expected
    refused = decisions.obstacles(read(platform_host=given), observed)
    assert [("immuta_deregister_platform_host" in one) for one in refused] == ([] if expected else [True])
    for other in (HANDOFF, OWN):
        assert decisions.obstacles(read(platform_host=given, **other), observed) == []


@pytest.mark.parametrize(
    ("changes", "check_mode", "look"),
    [
        ({"changed": False}, True, True),
        ({"changed": True}, False, True),
        # Only its permissions change.
        ({"changed": True}, True, True),
        # What check mode has not written is not what is on the disk.
        ({"exists": False}, True, False),
    ],
)
def test_what_is_on_the_disk_is_looked_for(changes: dict[str, t.Any], check_mode: bool, look: bool) -> None:
    found = decisions.decide(read(), Observed(script(**changes)), check_mode=check_mode)
    assert bool(found.look) is look


@pytest.mark.parametrize(
    ("seen", "leave"),
    [("saved", True), ("gone, finished", True), ("not saved yet", False), ("no script", False), ("lost", False)],
)
def test_a_saved_script_is_left_to_the_workflow_if_that_is_asked_for(seen: str, leave: bool) -> None:
    assert decisions.decide(read(script_in_artifact=True), Observed(SEEN[seen])).leave_script is leave
    assert decisions.decide(read(), Observed(SEEN[seen])).leave_script is False


def unsplit(executor: str) -> str:
    return (
        f"The clean-up script at {PATH} can't be split into statements that {executor} runs: Odd quote. Set"
        " immuta_deregister_executor to handoff to have a person run it, and immuta_deregister_script_executed when it"
        " has been run."
    )


def nobody(executor: str, technology: str) -> str:
    return (
        f'The executor "{executor}" does not run scripts of the technology {technology}. Set immuta_deregister_executor to'
        " handoff or to a task file of your own."
    )


NOT_FOUND = (
    "Not found: script_lost happened. If it was removed before, and its technology has no clean-up script, set"
    " immuta_deregister_missing_script to warn."
)
MISSING = f"The approved plan has a clean-up script (sha256 {SHA}), which is missing now: script_lost happened."
WARN = {"missing_script": "warn"}
NOT_ACCEPTED = decisions.NOT_ACCEPTED.format(settings=read(), sha256=SHA)


def approved(**entry: t.Any) -> dict[str, t.Any]:
    """A plan of the connection, approved."""
    connections = [{"connection_key": "k", "plan_digest": DIGEST, "script_sha256": SHA, **entry}]
    return {"plan": {"format": 2, "connections": connections}, "approved": approval.digest(connections)}


# Of a technology that has no script, such as Glue.
GLUE = approved(script_sha256=None)


@pytest.mark.parametrize(
    ("given", "seen", "expected"),
    [
        ({}, "saved", []),
        ({}, "databricks", []),
        ({}, "other", [nobody("auto", "Trino")]),
        ({"executor": "snowflake"}, "other", [nobody("snowflake", "Trino")]),
        ({"executor": "snowflake"}, "databricks", [nobody("snowflake", "Databricks")]),
        ({"executor": "databricks"}, "saved", [nobody("databricks", "Snowflake")]),
        ({"executor": "databricks"}, "unsplittable", [nobody("databricks", "Snowflake"), unsplit("databricks")]),
        (HANDOFF, "other", []),
        (OWN, "other", []),
        (STATED, "other", [decisions.STILL_THERE]),
        (STATED, "gone", []),
        ({"executor": "snowflake"}, "finished", []),
        ({"executor": "databricks"}, "gone, finished", []),
        ({}, "unsplittable", [unsplit("snowflake")]),
        (HANDOFF, "unsplittable", []),
        (OWN, "unsplittable", []),
        (STATED, "unsplittable", [decisions.STILL_THERE]),
        ({}, "no script", []),
        ({"executor": "databricks"}, "empty", []),
        # A regenerated script takes a confirmation of its own, or a plan that shows it.
        ({}, "regenerated", []),
        (GO, "regenerated", [NOT_ACCEPTED]),
        ({**GO, **HANDOFF}, "regenerated", [NOT_ACCEPTED]),
        ({**GO, "accept_regenerated": "K"}, "regenerated", [NOT_ACCEPTED]),
        ({**GO, "accept_regenerated": "k"}, "regenerated", []),
        (approved(), "regenerated", [NOT_ACCEPTED]),
        (approved(script_source="immuta"), "regenerated", [NOT_ACCEPTED]),
        (approved(script_source="regenerated"), "regenerated", []),
        ({**GO, **STATED}, "regenerated", []),
        (GO, "regenerated, finished", []),
        (GO, "regenerated, partial", [NOT_ACCEPTED]),
        # Whatever is said of scripts that are missing, one that was approved has to be there.
        ({}, "lost", [NOT_FOUND]),
        (WARN, "lost", []),
        ({}, "lost, exists", ["script_lost happened."]),
        # Similar keys are in its message, and nothing else is likelier.
        ({}, "misspelt", ["Not found: script_lost happened."]),
        ({**STATED, **GO, **WARN}, "lost, exists", ["script_lost happened."]),
        (approved(), "lost", [MISSING]),
        ({**approved(), **WARN}, "lost", [MISSING]),
        ({**approved(), **WARN}, "lost, exists", [MISSING]),
        (approved(plan_digest=None), "lost", [MISSING]),
        (GLUE, "lost", []),
        (GLUE, "lost, exists", ["script_lost happened."]),
        (approved(script_sha256=None, plan_digest=None), "lost", [NOT_FOUND]),
        (GLUE, "no script", []),
    ],
)
def test_obstacles(given: dict[str, t.Any], seen: str, expected: list[str]) -> None:
    assert decisions.obstacles(read(**given), Observed(SEEN[seen])) == expected


NEEDED = [
    ROWS[0],
    {**ROWS[1], "needed_by": ["the integration 7"]},
    {**ROWS[2], "needed_by": ["the connection 'b'", "the integration 7"]},
]
SKIP = {"skip": [{"statement": index, "sha256": SHA.upper(), "reason": "r"} for index in (2, 3)]}
LEAVE = {"needed_by_others": "leave"}


@pytest.mark.parametrize(
    ("given", "changes", "named"),
    [
        # The plan shows it, unless it is to be approved.
        ({}, {}, []),
        ({"plan_only": True}, {}, [2, 3]),
        (GO, {}, [2, 3]),
        ({**GO, **HANDOFF}, {}, [2, 3]),
        (approved(), {}, [2, 3]),
        ({**GO, **LEAVE}, {}, []),
        ({**GO, **SKIP}, {}, []),
        ({**GO, "skip": SKIP["skip"][:1]}, {}, [3]),
        ({**GO, "skip": [{**one, "sha256": "0" * 64} for one in SKIP["skip"]]}, {}, [2, 3]),
        # What has run has run.
        (GO, {"execution": {**PARTIAL, "done": 2}, "connection_exists": False}, [3]),
        (GO, {"execution": FINISHED, "connection_exists": False}, []),
        ({**GO, **STATED}, {"connection_exists": False}, []),
    ],
)
def test_what_others_need_is_left_out_before_anything_is_deleted(
    given: dict[str, t.Any], changes: dict[str, t.Any], named: list[int]
) -> None:
    settings, observed = read(**given), Observed(script(statements=NEEDED, **changes))
    found = decisions.obstacles(settings, observed)
    assert decisions.code(settings, observed) == ("integration_shared" if named else "refused")
    if not named:
        assert found == []
        return
    told = "3. GRANT (the connection 'b' and the integration 7)"
    assert ("2. DROP DATABASE IMMUTA (the integration 7)" in found[0], told in found[0]) == (2 in named, 3 in named)
    assert ("Nothing was deleted or dropped." in found[0]) is not ("A part of the script has run" in found[0])


def test_what_others_need_is_left_out_with_the_reason() -> None:
    answer = script(statements=NEEDED)
    assert decisions.decide(read(**GO, **LEAVE), Observed(answer)).skip == [
        {"statement": 2, "sha256": SHA, "reason": "the integration 7 needs it"},
        {"statement": 3, "sha256": SHA, "reason": "the connection 'b' and the integration 7 need it"},
    ]
    both = decisions.decide(read(**GO, **LEAVE, skip=SKIP["skip"][:1]), Observed(answer)).skip
    assert [(one["statement"], one["reason"]) for one in both] == [
        (2, "r"),
        (3, "the connection 'b' and the integration 7 need it"),
    ]
    assert decisions.decide(read(**GO), Observed(answer)).skip == []
    assert decisions.obstacles(read(**GO, **OWN, **LEAVE), Observed(answer))[0].startswith("The task file ")


def test_a_task_file_of_the_users_runs_all_of_a_script() -> None:
    skip = {"skip": SKIP["skip"][:1]}
    found = decisions.obstacles(read(**OWN, **skip), Observed(script()))
    assert len(found) == 1
    assert "these statements are to be left out: 2. DROP DATABASE IMMUTA." in found[0]
    assert decisions.obstacles(read(**HANDOFF, **skip), Observed(script())) == []
    assert decisions.obstacles(read(**OWN, **skip), Observed(script(execution=FINISHED))) == []


def durable(lasting: str, **changes: t.Any) -> Answer:
    """A saved script, and how long it stays."""
    return script(durability={"lasting": lasting, "why": "/d is kept in memory (tmpfs)"}, **changes)


LEFT: dict[str, t.Any] = {"script_in_artifact": True}
LEFT_HERE = {**LEFT, "scripts": {"k": "YQ=="}}


@pytest.mark.parametrize(
    ("given", "answer", "refused"),
    [
        pytest.param({}, durable("dies"), True, id="planned"),
        pytest.param(GO, durable("dies"), True, id="confirmed"),
        pytest.param(GO, durable("dies", execution=FINISHED), True, id="has run"),
        pytest.param({**GO, **HANDOFF}, durable("dies"), True, id="handed over"),
        pytest.param({**GO, **STATED}, durable("dies"), True, id="stated"),
        pytest.param(GO, durable("lasting"), False, id="lasting"),
        pytest.param(GO, durable("unknown"), False, id="unknown"),
        pytest.param(GO, script(), False, id="unknown"),
        pytest.param(GO, durable("dies", connection_exists=False), False, id="gone already"),
        pytest.param({**GO, "script_durable": True}, durable("dies"), False, id="said to last"),
        pytest.param(LEFT, durable("dies"), False, id="left by the plan's job"),
        pytest.param({**GO, **LEFT}, durable("dies"), True, id="confirmed, nothing was left"),
        pytest.param({**GO, **LEFT_HERE}, durable("dies"), False, id="confirmed, it was left"),
        pytest.param({**GO, **LEFT, "scripts": {"o": "YQ=="}}, durable("dies"), True, id="confirmed, another was left"),
        pytest.param({**GO, "scripts": {"k": "YQ=="}}, durable("dies"), True, id="left, and not to be taken"),
    ],
)
def test_a_script_that_does_not_last(given: dict[str, t.Any], answer: Answer, refused: bool) -> None:
    sentence = (
        f"The script at {PATH} on h would not outlive this run: /d is kept in memory (tmpfs). After the deletion,"
        " the script can't be requested again. Set immuta_deregister_script_dir to a folder that lasts (in a"
        " container, a mounted one), or immuta_deregister_script_host to a host that keeps it. If the path does"
        " last, set immuta_deregister_script_durable. If scripts hold no secrets, set"
        " immuta_deregister_script_in_artifact in the plan's job and in this one."
    )
    assert (sentence in decisions.obstacles(read(**given), Observed(answer))) == refused


DELETED = {"deleted": deleted()}
CHECKED = {"deleted": deleted(verified=False, deleted_objects=None)}


@pytest.mark.parametrize(
    ("given", "seen", "more", "expected"),
    [
        ({}, "saved", {}, "planned"),
        ({}, "gone", {}, "planned"),
        ({}, "finished", {}, "planned"),
        ({}, "no script", {}, "planned"),
        ({}, "gone, finished", {}, "already_done"),
        ({}, "nothing", {}, "already_done"),
        ({}, "lost", {}, "unknown"),
        (GO, "lost", {}, "unknown"),
        (GO, "lost, exists", DELETED, "unknown"),
        # It was removed, as was approved, and there is nothing to run.
        (GLUE, "lost", {}, "already_done"),
        (GLUE, "no script", DELETED, "completed"),
        (approved(), "lost", {}, "unknown"),
        (GO, "gone, finished", {}, "already_done"),
        (GO, "saved", {**DELETED, "ran": DONE}, "completed"),
        (GO, "saved", {**DELETED, "ran": ran("done", state="partial")}, "planned"),
        (GO, "saved", {"ran": DONE}, "planned"),
        (GO, "gone, partial", {"ran": DONE}, "completed"),
        (GO, "finished", DELETED, "completed"),
        (GO, "no script", DELETED, "completed"),
        ({}, "empty", {}, "planned"),
        (GO, "empty", DELETED, "completed"),
        (GO, "empty", CHECKED, "planned"),
        (GO, "gone, empty", {}, "already_done"),
        (GO, "saved", {**DELETED, "recorded": RECORDED}, "completed"),
        # In check mode nothing has been seen to be so.
        (GO, "saved", {**CHECKED, "ran": ran("not_run", state="none")}, "planned"),
        (GO, "no script", CHECKED, "planned"),
        ({**GO, **HANDOFF}, "saved", CHECKED, "planned"),
        ({**GO, **HANDOFF}, "saved", DELETED, "handed_off"),
        ({**GO, **HANDOFF}, "gone", {}, "handed_off"),
        ({**GO, **HANDOFF}, "finished", DELETED, "completed"),
        ({**GO, **HANDOFF, **STATED}, "gone", {"recorded": RECORDED}, "completed"),
        (HANDOFF, "gone", {}, "planned"),
        ({**GO, **OWN}, "saved", DELETED, "planned"),
    ],
)
def test_status(given: dict[str, t.Any], seen: str, more: dict[str, t.Any], expected: str) -> None:
    assert outcome.status(read(**given), Observed(SEEN[seen], **more)) == expected


# What is read off the answers: has_script, exists, kept, finished, to_run, to_do, gone, script_ran.
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (script(), "has_script exists kept to_run to_do"),
        (script(exists=False), "has_script exists to_run to_do"),
        (script(execution=FINISHED), "has_script exists kept finished to_do script_ran"),
        (gone(), "has_script kept to_run to_do gone"),
        (gone(execution=FINISHED), "has_script kept finished gone script_ran"),
        (script(connection_exists=None), "has_script kept to_run to_do"),
        (NO_SCRIPT, "exists to_do script_ran no_script"),
        (EMPTY, "has_script exists kept to_do script_ran empty_script"),
        (script(empty=True, execution=FINISHED), "has_script exists kept finished to_do script_ran"),
        (LOST, "gone lost_script"),
        (LOST_BUT_THERE, "exists to_do lost_script"),
        (REFUSED, ""),
        (SAVED_THEN_REFUSED, "kept"),
        ({}, ""),
        ({"failed": True, "failure": None}, ""),
    ],
    ids=[
        *("saved", "not saved", "finished", "gone", "gone, finished", "unknown", "no script"),
        *("empty", "empty, finished", "lost", "lost, exists"),
        *("refused", "saved, then refused", "nothing", "no failure"),
    ],
)
def test_observed(answer: Answer, expected: str) -> None:
    names = (
        *("has_script", "exists", "kept", "finished", "to_run", "to_do", "gone", "script_ran"),
        *("no_script", "lost_script", "empty_script"),
    )
    assert [name for name in names if getattr(Observed(answer), name) is True] == expected.split()
    assert {type(getattr(Observed(answer), name)) for name in names} == {bool}


@pytest.mark.parametrize(
    ("answer", "technology", "tenant", "progress"),
    [
        (script(execution=PARTIAL), "Snowflake", "https://t", PARTIAL),
        (NO_SCRIPT, "Redshift", "https://t", {}),
        (SAVED_THEN_REFUSED, None, None, PARTIAL),
        ({}, None, None, {}),
    ],
    ids=["script", "no script", "saved, then refused", "nothing"],
)
def test_what_a_failure_tells(answer: Answer, technology: str | None, tenant: str | None, progress: Answer) -> None:
    found = Observed(answer)
    assert (found.technology, found.tenant, found.progress) == (technology, tenant, progress)


@pytest.mark.parametrize(
    ("paused", "last", "expected"),
    [
        ([], {}, []),
        ([], SKIPPED, []),
        ([], ran("skipped done failed"), ["skipped", "done", "failed"]),
        ([ran("done not_run not_run")], ran("skipped done done"), ["done", "done", "done"]),
        ([ran("done"), ran("skipped done")], ran("skipped skipped done"), ["done", "done", "done"]),
        ([ran("skipped done")], ran("skipped replayed done"), ["skipped", "done", "done"]),
    ],
    ids=["not run", "skipped", "no pause", "one pause", "two pauses", "what ran before this run"],
)
def test_what_ran_before_a_pause_was_run_by_this_run(paused: list[Answer], last: Answer, expected: list[str]) -> None:
    assert [row["status"] for row in Observed(paused=paused, ran=last).statements] == expected


@pytest.mark.parametrize(("answer", "expected"), [({}, False), (SKIPPED, True), (PLANNED, False)])
def test_a_stage_that_was_skipped_is_told_from_one_not_reached(answer: Answer, expected: bool) -> None:
    assert Observed(planned=answer).wait("planned") is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "planned, pinned",
            {
                **{"status": "planned", "connection_gone": False, "connection_exists": True, "script_executed": False},
                **{"stated": False, "tenant": "https://t", "session": None, "reason": None, "skip": [], "plan": PLAN},
            },
        ),
        (
            "completed",
            {
                "status": "completed",
                "connection_gone": True,
                "script_executed": True,
                "deleted_objects": 4,
                "connection_exists": False,
                "session": {"user": "U", "role": "R"},
                "plan": PLAN,
                "script": {
                    **{"path": PATH, "sha256": SHA, "source": "immuta", "empty": False, "done": 3, "total": 3},
                    "statements": DONE["statements"],
                },
            },
        ),
        ("already done", {"status": "already_done", "executor": None, "plan": None, "deleted_objects": None}),
        (
            "no script",
            {
                "status": "completed",
                "executor": None,
                "technology": "Redshift",
                "integration_id": None,
                "integration": left(in_use=True)["integration"],
                "tenant": "https://t",
                "script": {
                    **{"path": None, "sha256": None, "source": None, "empty": False, "done": 0, "total": 0},
                    "statements": [],
                },
            },
        ),
        ("handed off", {"status": "handed_off", "executor": "handoff", "integration_id": 5}),
        ("own tasks", {"executor": "own"}),
        ("regenerated", {"status": "completed", "integration_config": CONFIG}),
        ("lost", {"integration_config": None}),
        (
            "planned, nothing saved",
            {
                "script": {
                    **{"path": PATH, "sha256": SHA, "source": "immuta", "empty": False, "done": 0, "total": 3},
                    "statements": ROWS,
                }
            },
        ),
        ("a statement failed", {"connection_exists": False, "session": {"user": "U"}}),
        ("not signed in", {"connection_exists": True, "session": None}),
        ("nothing known", {"connection_gone": False, "connection_exists": None}),
        ("stated", {"stated": True}),
        ("already done, stated", {"stated": True}),
    ],
)
def test_result(name: str, expected: dict[str, t.Any]) -> None:
    situation = SITUATIONS[name]
    found = outcome.result(situation.settings, situation.observed, check_mode=False)
    assert {field: found[field] for field in expected} == expected
    assert found["connection_key"] == "k"
    assert json.loads(json.dumps(found)) == found


# Whether the connection is there, whether a person has said that the script has run, and how much of it has run of how much.
@pytest.mark.parametrize(
    ("observed", "exists", "stated", "counts"),
    [
        pytest.param(Observed(), None, False, (0, 0), id="nothing"),
        pytest.param(Observed(REFUSED), None, False, (0, 0), id="refused"),
        pytest.param(Observed(SAVED_THEN_REFUSED), None, False, (1, 3), id="saved, then refused"),
        pytest.param(Observed(script()), True, False, (0, 3), id="saved"),
        pytest.param(Observed(script(connection_exists=None)), None, False, (0, 3), id="not asked"),
        pytest.param(Observed(script(execution=PARTIAL), deleted=SKIPPED), True, False, (1, 3), id="in part"),
        pytest.param(Observed(NO_SCRIPT), True, False, (0, 0), id="no script"),
        pytest.param(Observed(LOST), False, False, (0, 0), id="lost"),
        pytest.param(Observed(LOST_BUT_THERE), True, False, (0, 0), id="lost, exists"),
        pytest.param(Observed(script(), deleted=REFUSED), None, False, (0, 3), id="the deletion has failed"),
        pytest.param(
            Observed(script(), deleted=deleted(verified=False)), None, False, (0, 3), id="not seen to be gone"
        ),
        pytest.param(
            Observed(script(), deleted=deleted(verified=False, deleted_objects=None)),
            True,
            False,
            (0, 3),
            id="check mode",
        ),
        pytest.param(Observed(script(), deleted=deleted(), ran=BROKEN), False, False, (1, 3), id="a statement failed"),
        pytest.param(
            Observed(gone(execution=PARTIAL), recorded=RECORDED), False, True, (1, 3), id="one run, two stated"
        ),
        pytest.param(Observed(gone(execution=FINISHED)), False, False, (3, 3), id="had run"),
        pytest.param(
            Observed(gone(execution={**SAID, "done": 1})), False, True, (1, 3), id="had run in part, and stated"
        ),
        pytest.param(
            Observed(gone(execution={**FINISHED, "done": 2, "skipped": [{"index": 3, "reason": "r"}]})),
            *(False, False, (2, 3)),
            id="left out",
        ),
    ],
)
def test_where_a_run_has_come_to(
    observed: Observed, exists: bool | None, stated: bool, counts: tuple[int, int]
) -> None:
    assert (observed.exists_now, observed.stated, observed.counts) == (exists, stated, counts)


def test_the_result_has_what_people_have_said_and_the_statements_to_leave_out_of_this_script() -> None:
    skip = [
        {"statement": 2, "sha256": SHA.upper(), "reason": "gone"},
        {"statement": 1, "sha256": "b" * 64, "reason": "no"},
    ]
    found = outcome.result(read(reason="CHG1", skip=skip), Observed(script()), check_mode=False)
    assert (found["reason"], found["skip"]) == ("CHG1", skip[:1])
    # What was approved has no script, so nothing is left to run.
    assert outcome.result(read(**GLUE), Observed(LOST), check_mode=False)["script_executed"] is True


@pytest.mark.parametrize(
    ("given", "check_mode", "expected"),
    [
        ({}, False, None),
        ({"report_dir": "/r"}, True, None),
        ({"report_dir": "/r"}, False, {"json": "/r/a%2Fb.json", "html": "/r/a%2Fb.html"}),
    ],
    ids=["no report", "check mode", "report"],
)
def test_where_the_report_is(given: dict[str, t.Any], check_mode: bool, expected: dict[str, str] | None) -> None:
    settings = read(connection_key="a/b", **given)
    assert settings.keeper == HOST
    assert outcome.result(settings, Observed(script()), check_mode=check_mode)["report"] == expected


BEFORE: list[Answer] = [
    {"kind": "DATABASE", "name": "D", "dropped": True, "present": True},
    {"kind": "USER", "name": "U", "dropped": False, "present": True},
]
AFTER: list[Answer] = [{"kind": "DATABASE", "name": "D", "dropped": True, "present": False}]


@pytest.mark.parametrize(
    ("tried", "ran_", "finished", "expected"),
    [
        pytest.param(None, None, False, None, id="nobody looked"),
        pytest.param(BEFORE, None, False, [("D", True, None), ("U", True, None)], id="before"),
        pytest.param(BEFORE, AFTER, False, [("D", True, False), ("U", True, None)], id="before and after"),
        pytest.param(None, AFTER, False, [("D", None, False)], id="after, of a run that went on"),
        pytest.param(BEFORE, None, True, [("D", None, True), ("U", None, True)], id="only when it had run"),
    ],
)
def test_objects(tried: list[Answer] | None, ran_: list[Answer] | None, finished: bool, expected: t.Any) -> None:
    session = {"host": "h", "user": "u"}
    observed = Observed(
        gone(execution=FINISHED) if finished else script(),
        {"objects": tried, "session": session} if tried else {},
        ran={"objects": ran_, "session": session} if ran_ else {},
    )
    found = outcome.objects(observed)
    assert (found and [(row["name"], row["present"], row["after"]) for row in found]) == expected


# Who looks, where, and when: the platform before the plan, the platform afterwards, and why nobody does.
@pytest.mark.parametrize(
    ("answer", "looks"),
    [
        (script(execution=FINISHED), True),
        (script(execution=FINISHED, dialect="trino"), False),
        (script(execution=FINISHED, platform_hosts=[]), False),
    ],
    ids=["can be looked at", "no such platform", "no host"],
)
def test_a_connection_that_is_back_is_not_deleted_unseen(answer: Answer, looks: bool) -> None:
    found = decisions.obstacles(read(**GO), Observed(answer))
    assert found == ([] if looks else [decisions.BACK.format(settings=read(**GO))])
    decision = decisions.decide(read(**GO), Observed(answer))
    assert (bool(decision.preflight), decision.optional, decision.after) == (
        looks or not answer["platform_hosts"],
        False,
        True,
    )
    there = {"objects": [{"kind": "DATABASE", "name": "IMMUTA", "dropped": True, "present": True, "type": "object"}]}
    left = texts.left_behind(read(**GO), Observed(answer, there))
    assert "but the connection exists, and the platform has what the script removes: DATABASE IMMUTA" in left


def test_what_is_not_on_the_disk_is_looked_for_by_its_description() -> None:
    there, not_there = (decisions.decide(read(**GO), Observed(script(exists=exists))) for exists in (True, False))
    assert (bool(there.look), there.objects) == (True, [])
    assert (not_there.look, not_there.objects) == ("", [{"kind": "DATABASE", "name": '"IMMUTA"', "role": "ADMIN"}])


@pytest.mark.parametrize(
    ("given", "answer", "signs_in", "expected"),
    [
        # A finished one is looked at on request only.
        ({}, gone(execution=FINISHED), True, ("", "", "")),
        ({"verify": "always"}, gone(execution=FINISHED), False, ("snowflake", "", "")),
        (
            {"verify": "always"},
            gone(execution=FINISHED, dialect="trino"),
            True,
            ("", "", "this collection can't check"),
        ),
        # A connection that is back is looked at in any case.
        ({}, script(execution=FINISHED), False, ("snowflake", "", "")),
        ({**HANDOFF, "verify": "never"}, script(execution=FINISHED), False, ("snowflake", "", "")),
        # What somebody says is looked at where a sign-in is seen to be there.
        ({"verify": "always", **HANDOFF, **STATED}, gone(), False, ("snowflake", "", "")),
        ({**HANDOFF, **STATED}, gone(), True, ("snowflake", "", "")),
        ({**HANDOFF, **STATED}, gone(), False, ("", "", "set immuta_deregister_verify to always")),
        (STATED, gone(dialect="databricks"), True, ("databricks", "", "")),
        ({"verify": "never", **HANDOFF, **STATED}, gone(), True, ("", "", "verify is never")),
        ({**HANDOFF, **STATED}, gone(platform_hosts=[]), True, ("", "", "host is not known")),
        ({"verify": "always", **HANDOFF, **STATED}, gone(platform_hosts=[]), True, ("snowflake", "", "")),
        ({**HANDOFF, **STATED}, gone(dialect="redshift"), True, ("", "", "this collection can't check")),
        (STATED, gone(split_error={"message": "Odd."}), True, ("", "", "can't be split")),
        ({"verify": "always"}, EMPTY, True, ("", "", "")),
        # Before: of what is handed over, and by the plan of what the user's own tasks run, whose run looks afterwards.
        (HANDOFF, script(), True, ("snowflake", "", "")),
        (HANDOFF, script(), False, ("", "", "set immuta_deregister_verify to always")),
        (HANDOFF, script(exists=False), True, ("snowflake", "", "")),
        (HANDOFF, script(exists=False, statements=[]), True, ("", "", "not on the disk")),
        (HANDOFF, gone(), True, ("", "", "")),
        (OWN, script(), True, ("", "snowflake", "")),
        (OWN, gone(), True, ("", "snowflake", "")),
        ({**OWN, "verify": "always"}, script(), False, ("", "snowflake", "")),
        ({**OWN, "verify": "never"}, script(), True, ("", "", "verify is never")),
        # The platform's own executor looks itself.
        ({}, script(), True, ("snowflake", "", "")),
        ({"verify": "always"}, gone(), True, ("snowflake", "", "")),
    ],
)
def test_who_looks(given: dict[str, t.Any], answer: Answer, signs_in: bool, expected: tuple[str, str, str]) -> None:
    decision = decisions.decide(read(**{**GO, **given}), Observed(answer), signs_in)
    preflight, again, why = expected
    assert (decision.preflight, decision.look_again) == (preflight, again)
    assert (why in decision.unlooked, bool(decision.unlooked)) == (True, bool(why))
    back = answer["connection_exists"] and answer["execution"] == FINISHED
    runs_it = not set(given) - {"verify"} and answer["execution"]["state"] == "none" and not (why or answer["empty"])
    assert decision.way == ("preflight" if runs_it else "look")
    # Without being asked for, no look makes a run fail.
    assert decision.optional is (not runs_it and not back and given.get("verify") != "always")
    assert decision.after is bool(again or given.get("script_executed") or answer["execution"] == FINISHED)


def test_one_run_looks_once_where_the_users_own_tasks_run_the_script() -> None:
    def look(check_mode: bool = False, **given: t.Any) -> tuple[str, str]:
        decision = decisions.decide(read(**OWN, **given), Observed(script(changed=False)), True, check_mode=check_mode)
        return decision.preflight, decision.look_again

    assert look() == ("snowflake", "")
    assert look(**GO) == ("", "snowflake")
    # Nothing has run in check mode.
    assert look(check_mode=True, **GO) == ("snowflake", "")


def test_a_look_that_could_not_be_had() -> None:
    said = {"failed": False, "failed_when_result": False, "msg": "Refused.", "failure": {"code": "login_failed"}}
    decided = {"decision": {"unlooked": "no reason to"}}
    assert Observed(gone(), said).not_looked == "Refused."
    assert Observed(gone(), {**said, "failed": True}).not_looked == ""
    assert Observed(gone(), {"objects": BEFORE, "session": {}}).not_looked == ""
    assert Observed(gone(), decided=decided).not_looked == "no reason to"
    result = outcome.result(read(**GO), Observed(gone(), said), check_mode=False)
    assert (result["not_looked"], result["objects"]) == ("Refused.", None)
