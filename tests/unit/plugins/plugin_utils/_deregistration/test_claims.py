# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one run can prove, for the ends that a run can come to."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval, claims, stops, texts
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.remaining import remaining
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import Run
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    BROKEN,
    CONFIG,
    DIGEST,
    DONE,
    FINISHED,
    GO,
    HERE,
    LOST_BUT_THERE,
    NO_SCRIPT_BUT_LEFT,
    PARTIAL,
    PINNED,
    PLANNED,
    RECORDED,
    REFUSED,
    ROWS,
    SAID,
    SHA,
    SITUATIONS,
    SKIPPED,
    TRIED,
    Situation,
    deleted,
    failed,
    gone,
    left,
    ran,
    script,
    timing,
)

CLAIMS = {
    "The clean-up script is kept": "kept",
    "The clean-up script is that of the integration": "its own",
    "There is nothing to clean up on the platform": "nothing",
    "There is nothing to run on the platform": "unneeded",
    "Nothing is left on the platform": "left",
    "What was approved is what was found": "approved",
    "The connection does not exist in Immuta": "gone",
    "The integration 5 is out of use": "unused",
    "The clean-up script has run to its end": "ran",
}


def run(situation: Situation, history: t.Sequence[dict[str, t.Any]] = ()) -> Run:
    return claims.run(situation.ended, HERE, history)


# Claims: verified, stated, and what is not verified.
V, S, N = "verified", "stated", "not_verified"


# The expected values were computed by another implementation of the same rules.
@pytest.mark.parametrize(
    ("name", "outcomes", "changed", "statements", "states"),
    [
        (
            "planned, nothing saved",
            "done skipped done skipped skipped",
            "1 0 0 0 0",
            "not_run not_run not_run",
            {"kept": N, "gone": N, "ran": N},
        ),
        (
            "planned, pinned",
            "done skipped done skipped skipped",
            "1 0 0 0 0",
            "not_run not_run not_run",
            {"kept": V, "approved": V, "gone": N, "ran": N},
        ),
        (
            "completed",
            "done done skipped done done",
            "1 0 0 1 1",
            "done done done",
            {"kept": V, "gone": V, "ran": V},
        ),
        (
            "completed, pinned",
            "done done skipped done done",
            "1 0 0 1 1",
            "done done done",
            {"kept": V, "approved": V, "gone": V, "ran": V},
        ),
        (
            "resumed",
            "done skipped skipped skipped done",
            "0 0 0 0 1",
            "replayed done done",
            {"kept": V, "approved": N, "gone": V, "ran": V},
        ),
        (
            "paused",
            "done done skipped done done",
            "1 0 0 1 1",
            "done done done",
            {"kept": V, "gone": V, "ran": V},
        ),
        (
            "a statement failed",
            "done done skipped done failed",
            "1 0 0 1 1",
            "done failed not_run",
            {"kept": V, "gone": V, "ran": N},
        ),
        (
            "not signed in",
            "done failed not_reached not_reached not_reached",
            "0 0 0 0 0",
            "not_run not_run not_run",
            {"kept": V, "gone": N, "ran": N},
        ),
        (
            "nothing known",
            "failed not_reached not_reached not_reached not_reached",
            "0 0 0 0 0",
            "",
            {"kept": N, "gone": N, "ran": N},
        ),
        (
            "saved, then refused",
            "failed not_reached not_reached not_reached not_reached",
            "0 0 0 0 0",
            "",
            {"kept": V, "gone": N, "ran": N},
        ),
        (
            "handed off",
            "done skipped skipped done skipped",
            "1 0 0 1 0",
            "handed_over handed_over handed_over",
            {"kept": V, "gone": V, "unused": V, "ran": N},
        ),
        (
            "stated",
            "done skipped skipped skipped skipped done",
            "0 0 0 0 0 1",
            "stated stated stated",
            {"kept": V, "gone": V, "ran": S},
        ),
        (
            "own tasks",
            "done skipped skipped done done done",
            "1 0 0 1 1 1",
            "stated stated stated",
            {"kept": V, "gone": V, "ran": S},
        ),
        (
            "own tasks failed",
            "done not_reached skipped done failed not_reached",
            "1 0 0 1 0 0",
            "handed_over handed_over handed_over",
            {"kept": V, "gone": V, "ran": N},
        ),
        (
            "already done",
            "done skipped skipped skipped skipped",
            "0 0 0 0 0",
            "skipped skipped skipped",
            {"kept": V, "gone": V, "ran": V},
        ),
        (
            "already done, stated",
            "done skipped skipped skipped skipped",
            "0 0 0 0 0",
            "stated stated stated",
            {"kept": V, "gone": V, "ran": S},
        ),
        (
            "no script",
            "done skipped skipped done skipped",
            "0 0 0 1 0",
            "",
            {"nothing": V, "gone": V, "unused": N},
        ),
        (
            "empty",
            "done skipped skipped done skipped",
            "1 0 0 1 0",
            "",
            {"kept": V, "gone": V, "unneeded": S},
        ),
        (
            "lost",
            "done skipped skipped skipped skipped",
            "0 0 0 0 0",
            "",
            {"kept": N, "gone": V, "ran": N},
        ),
        (
            "regenerated",
            "done done skipped skipped done",
            "0 0 0 0 1",
            "done done done",
            {"kept": V, "its own": N, "gone": V, "ran": V},
        ),
    ],
    ids=SITUATIONS.keys(),
)
def test_steps_statements_and_claims(
    name: str, outcomes: str, changed: str, statements: str, states: dict[str, str]
) -> None:
    found = run(SITUATIONS[name])
    assert [step.outcome for step in found.steps] == outcomes.split()
    assert [step.changed for step in found.steps] == [word == "1" for word in changed.split()]
    assert [row["status"] for row in found.statements] == statements.split()
    assert {CLAIMS[claim.claim]: claim.state for claim in found.verified} == states
    assert found.changed is ("1" in changed)
    assert (found.status == "failed") == (found.error is not None) == (SITUATIONS[name].failure is not None)


TRIED_IT = "Signed in, and ran nothing. Found 1 of the 3 objects that the script removes."
WRITTEN = "Written to /s/k.sql."
OLD = "Immuta can no longer provide it. The saved file is used:  /s/k.sql."
DELETED = "Deleted, with 4 objects below it. Checked again: it is gone."
PART = "Part of the deletion."
NO_MORE = "It no longer exists."


@pytest.mark.parametrize(
    ("name", "details"),
    [
        (
            "planned, nothing saved",
            [WRITTEN, "", "Read only. Nothing was deleted.", "Not confirmed.", "Not confirmed."],
        ),
        (
            "completed",
            [
                WRITTEN,
                TRIED_IT,
                PART,
                DELETED,
                "3 of 3 statements have run, 3 of them in this run.",
            ],
        ),
        ("resumed", [OLD, "", "", NO_MORE, "3 of 3 statements have run, 2 of them in this run."]),
        (
            "paused",
            [
                WRITTEN,
                TRIED_IT,
                PART,
                "Deleted. Checked again: it is gone.",
                "3 of 3 statements have run, 3 of them in this run.",
            ],
        ),
        ("a statement failed", [WRITTEN, TRIED_IT, PART, DELETED, ""]),
        ("not signed in", ["Already at /s/k.sql.", "", "", "", ""]),
        ("handed off", [WRITTEN, "", PART, DELETED, "Handed over to a person."]),
        ("stated", [OLD, "", "", NO_MORE, "Run by other means.", "Written to the journal beside the script."]),
        (
            "own tasks",
            [
                WRITTEN,
                "",
                PART,
                DELETED,
                "Run by the task file /o.yml.",
                "Written to the journal beside the script.",
            ],
        ),
        ("already done", [OLD, "", "", NO_MORE, "It already ran to its end."]),
        (
            "no script",
            ["The technology Redshift has no clean-up script.", "", PART, DELETED, "There is none."],
        ),
        ("empty", [WRITTEN, "", PART, DELETED, "It contains no statements."]),
        ("lost", ["There is none, neither in Immuta nor in a saved file.", "", "", NO_MORE, ""]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_details_of_the_steps(name: str, details: list[str]) -> None:
    assert [step.detail for step in run(SITUATIONS[name]).steps] == details


@pytest.mark.parametrize(
    ("observed", "detail"),
    [
        ({"deleted": deleted(verified=False)}, "Deleted, with 4 objects below it."),
        ({"deleted": deleted(verified=False, deleted_objects=0)}, "Deleted, with 0 objects below it."),
        ({"deleted": deleted(verified=False, deleted_objects=None)}, "Deleted."),
        ({"deleted": SKIPPED}, ""),
    ],
    ids=["not verified", "no objects", "no count", "confirmed, and skipped"],
)
def test_details_of_a_deletion(observed: dict[str, t.Any], detail: str) -> None:
    assert run(Situation(GO, Observed(script(), **observed))).steps[3].detail == detail


def test_a_module_that_does_not_count_is_not_quoted() -> None:
    answer = ran("done done done")
    del answer["executed"]
    found = run(Situation(GO, Observed(script(), deleted=deleted(), ran=answer)))
    assert found.steps[4].detail == "3 of 3 statements have run."


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("completed", [0.5, 0.5, None, 0.5, 0.5]),
        ("own tasks", [0.5, None, None, 0.5, 1.0, 0.5]),
        ("own tasks failed", [0.5, None, None, 0.5, 55.0, None]),
    ],
)
def test_times_of_the_steps(name: str, seconds: list[float | None]) -> None:
    found = run(SITUATIONS[name])
    assert [step.seconds for step in found.steps] == seconds
    assert [step.started is None for step in found.steps] == [one is None for one in seconds]
    assert found.seconds == 60.0


LISTED = {"statements": [{"index": 1, "status": "done"}]}
PLANNED_ONLY = {"statements": [{"index": 1, "status": "not_run"}]}


@pytest.mark.parametrize(
    ("name", "history", "count"),
    [
        pytest.param("already done", [], 3, id="no run before"),
        pytest.param("already done", [{}, {"statements": []}], 3, id="none before has listed them"),
        pytest.param("already done", [LISTED, {}], 0, id="one before has listed them"),
        pytest.param("already done", [PLANNED_ONLY, {}], 3, id="one before has planned them"),
        pytest.param("planned, pinned", [LISTED], 3, id="a plan lists them each time"),
        pytest.param("completed", [LISTED], 3, id="what ran is listed each time"),
    ],
)
def test_statements_are_listed_once_when_there_was_nothing_to_do(
    name: str, history: list[dict[str, t.Any]], count: int
) -> None:
    found = run(SITUATIONS[name], history)
    assert len(found.statements) == count
    assert found.number == len(history) + 1


ANSWER = {"index": 2, "query_id": "old", "rowcount": 7, "seconds": 1.5}


@pytest.mark.parametrize(
    ("situation", "status", "values"),
    [
        pytest.param(
            Situation(GO, Observed(gone(execution={**FINISHED, "answers": [ANSWER]}))),
            "skipped",
            ("old", 7, 1.5),
            id="from the journal",
        ),
        pytest.param(SITUATIONS["completed"], "done", ("q2", None, 0.2), id="from this run"),
        pytest.param(SITUATIONS["planned, pinned"], "not_run", (None, None, None), id="not run"),
        pytest.param(
            Situation({}, Observed(script(execution={**PARTIAL, "done": 2, "answers": [ANSWER]}))),
            "skipped",
            ("old", 7, 1.5),
            id="ran in part",
        ),
        pytest.param(
            Situation(
                {**GO, "script_executed": True},
                Observed(gone(), recorded=failed("disk_full")),
                failed("disk_full"),
            ),
            "not_run",
            (None, None, None),
            id="the record failed",
        ),
        pytest.param(
            Situation({**GO, "executor": "/o.yml"}, Observed(script())),
            "not_run",
            (None, None, None),
            id="own tasks that did not start",
        ),
    ],
)
def test_a_statement(situation: Situation, status: str, values: tuple[t.Any, ...]) -> None:
    row = run(situation).statements[1]
    assert row["status"] == status
    assert tuple(row[name] for name in ("query_id", "rowcount", "seconds")) == values
    assert {name: row[name] for name in ROWS[1]} == ROWS[1]


HOW = {
    "kept": "The file was read back. Its first line names the tenant, the connection, and the integration, and holds"
    " a digest of the rest.",
    "deleted": "Checked after the deletion: Immuta no longer finds the connection. Either its integration is out of"
    " use, or the list of all connections does not contain it.",
    "listed": "The list of all connections does not contain it. The API key can list integrations, so it can see all"
    " connections.",
    "answered": "The platform answered every statement. Each answer was written to the journal beside the script"
    " immediately.",
    "earlier": "The journal beside the script, written by earlier runs, has the platform's answer to every statement.",
    "word": "The journal beside the script records that it was run by other means. The platform was not checked.",
    "journal": "The journal beside the script does not record it.",
}


@pytest.mark.parametrize(
    ("situation", "claim", "state", "how"),
    [
        pytest.param(SITUATIONS["completed"], "kept", V, HOW["kept"], id="kept"),
        pytest.param(SITUATIONS["lost"], "kept", N, "This run did not see the file.", id="not kept"),
        pytest.param(
            SITUATIONS["no script"],
            "nothing",
            V,
            "The technology is Redshift, which has no clean-up script.",
            id="no script",
        ),
        pytest.param(
            SITUATIONS["empty"],
            "unneeded",
            S,
            "The clean-up script contains no statements, which immuta_deregister_empty_script accepts. The platform"
            " was not checked.",
            id="empty",
        ),
        pytest.param(
            Situation(GO, Observed(NO_SCRIPT_BUT_LEFT, deleted=deleted())),
            "left",
            N,
            "Immuta has no clean-up script for Redshift. Nobody has checked the platform for what may be left: grants,"
            " and a role.",
            id="no script, and something is left",
        ),
        pytest.param(
            SITUATIONS["completed, pinned"],
            "approved",
            V,
            "Compared before the deletion: the sha256 of the script and the digest of the plan.",
            id="both pinned",
        ),
        pytest.param(
            Situation({"expected_sha256": SHA}, Observed(script())),
            "approved",
            V,
            "Compared before the deletion: the sha256 of the script.",
            id="script pinned",
        ),
        pytest.param(
            Situation({"expected_plan_digest": DIGEST}, Observed(script(), deleted=deleted())),
            "approved",
            V,
            "Compared before the deletion: the digest of the plan.",
            id="plan pinned",
        ),
        pytest.param(SITUATIONS["resumed"], "approved", N, "No plan was made in this run.", id="pinned, no plan"),
        pytest.param(SITUATIONS["completed"], "gone", V, HOW["deleted"], id="deleted"),
        pytest.param(SITUATIONS["resumed"], "gone", V, HOW["listed"], id="was gone"),
        pytest.param(
            Situation(GO, Observed(script(), deleted={"verified": True})), "gone", V, HOW["listed"], id="no times"
        ),
        pytest.param(SITUATIONS["not signed in"], "gone", N, "It exists.", id="exists"),
        pytest.param(SITUATIONS["nothing known"], "gone", N, "This run did not find out.", id="unknown"),
        pytest.param(
            SITUATIONS["handed off"],
            "unused",
            V,
            "Checked after the deletion: it is listed as deleted.",
            id="out of use",
        ),
        pytest.param(
            SITUATIONS["no script"], "unused", N, "Checked after the deletion: it is listed as enabled.", id="in use"
        ),
        pytest.param(SITUATIONS["completed"], "ran", V, HOW["answered"], id="ran"),
        pytest.param(SITUATIONS["already done"], "ran", V, HOW["earlier"], id="had run"),
        pytest.param(SITUATIONS["already done, stated"], "ran", S, HOW["word"], id="had been stated"),
        pytest.param(
            SITUATIONS["stated"],
            "ran",
            S,
            "Stated by the person who ran the role, with immuta_deregister_script_executed. The platform was not"
            " checked.",
            id="stated",
        ),
        pytest.param(
            SITUATIONS["own tasks"],
            "ran",
            S,
            "The task file /o.yml succeeded. The platform was not checked.",
            id="own tasks",
        ),
        pytest.param(SITUATIONS["a statement failed"], "ran", N, HOW["journal"], id="not to its end"),
        pytest.param(SITUATIONS["lost"], "ran", N, "This run did not find out.", id="no journal"),
    ],
)
def test_how_a_claim_is_known(situation: Situation, claim: str, state: str, how: str) -> None:
    found = {CLAIMS[one.claim]: one for one in run(situation).verified}[claim]
    assert (found.state, found.how) == (state, how)


# Nothing is pinned where there is no script, and nothing is said of a script that doesn't exist.
@pytest.mark.parametrize(
    ("situation", "absent"),
    [
        (Situation({**GO, **PINNED}, SITUATIONS["no script"].observed), {"approved", "kept", "ran"}),
        (Situation({**GO, **PINNED}, SITUATIONS["nothing known"].observed, REFUSED), {"approved", "nothing"}),
        (SITUATIONS["completed"], {"approved", "unused", "nothing"}),
    ],
    ids=["no script", "nothing known", "completed"],
)
def test_no_claim_is_made_without_a_ground(situation: Situation, absent: set[str]) -> None:
    assert not absent & {CLAIMS[claim.claim] for claim in run(situation).verified}


LOOK = "Review the plan, then run the role again with immuta_deregister_confirm set to the connection key."
LISTED_STILL = "The integration 5 is still listed in Immuta as"


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        pytest.param(SITUATIONS["planned, pinned"], [LOOK], id="planned"),
        pytest.param(SITUATIONS["completed"], [], id="completed"),
        pytest.param(SITUATIONS["already done"], [], id="already done"),
        pytest.param(
            SITUATIONS["handed off"],
            [
                "The clean-up script ~/.local/state/community.immuta/k.sql on h is to be run by a person. Its sha256 must be"
                f" {SHA}. Run the whole script, in order, in one session, as an administrator of Snowflake.",
                "Then run the role again with immuta_deregister_script_executed=true, to record it.",
                f"{LISTED_STILL} deleted. It is out of use. Delete it there if you no longer want it listed.",
            ],
            id="handed off",
        ),
        pytest.param(
            SITUATIONS["lost"],
            ["Find out whether the platform was cleaned up. script_lost happened."],
            id="unknown",
        ),
        pytest.param(
            SITUATIONS["no script"],
            [f"{LISTED_STILL} enabled. It is in use: delete or disable it there."],
            id="integration in use",
        ),
        pytest.param(
            SITUATIONS["a statement failed"],
            ["The clean-up script has not run to its end.", stops.ADVICE["statement_failed"]],
            id="one end open",
        ),
        pytest.param(
            SITUATIONS["not signed in"],
            [
                "The connection has not been deleted; the clean-up script has not run to its end.",
                stops.ADVICE["permission"],
            ],
            id="two ends open",
        ),
        pytest.param(
            Situation(GO, SITUATIONS["completed"].observed, {"failed": True}),
            [stops.AGAIN],
            id="failed at the very end",
        ),
    ],
)
def test_what_remains(situation: Situation, expected: list[str]) -> None:
    assert remaining(situation.ended, HERE) == expected


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (
            BROKEN,
            {
                "task": "Task",
                "message": "statement_failed happened.",
                "code": "statement_failed",
                "sqlstate": "42501",
                "query_id": "q2",
            },
        ),
        (
            {"failed": True, "msg": "Own.", "failure": None},
            {"task": "Task", "message": "Own.", "code": None, "sqlstate": None, "query_id": None},
        ),
        (
            {"failed": True},
            {"task": "Task", "message": "no message", "code": None, "sqlstate": None, "query_id": None},
        ),
    ],
    ids=["statement", "other people's module", "no message"],
)
def test_the_error(failure: Answer, expected: dict[str, t.Any]) -> None:
    assert run(Situation(GO, Observed(script()), failure)).error == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("completed", {"user": "U", "role": "R"}),
        ("a statement failed", {"user": "U"}),
        ("handed off", None),
        ("nothing known", None),
    ],
)
def test_the_session_is_of_the_script_or_else_of_the_trial(name: str, expected: dict[str, str] | None) -> None:
    assert run(SITUATIONS[name]).session == expected


KEPT_AT = "~/.local/state/community.immuta/k.sql"


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        pytest.param(
            SITUATIONS["completed"], {"path": KEPT_AT, "sha256": SHA, "source": "immuta"}, id="rendered by Immuta"
        ),
        pytest.param(SITUATIONS["resumed"], {"path": KEPT_AT, "sha256": SHA, "source": "saved"}, id="saved"),
        pytest.param(
            SITUATIONS["saved, then refused"],
            {"path": KEPT_AT, "sha256": SHA, "source": None},
            id="saved before a failure",
        ),
        pytest.param(SITUATIONS["no script"], None, id="none"),
        pytest.param(Situation(GO, Observed(LOST_BUT_THERE)), None, id="lost"),
    ],
)
def test_the_script_of_a_run(situation: Situation, expected: dict[str, t.Any] | None) -> None:
    assert run(situation).script == expected


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_run_is_json_and_holds_what_is_given(name: str) -> None:
    situation = SITUATIONS[name]
    found = run(situation)
    assert json.loads(json.dumps(dataclasses.asdict(found))) == dataclasses.asdict(found)
    assert (found.by, found.versions, found.host) == (HERE.by, HERE.versions, HERE.host)
    assert found.confirmed_by == ("name" if "confirm" in situation.given else None)
    assert found.tenant == (None if found.technology is None else "https://t")
    assert found.approved == {
        "plan": None,
        "script_sha256": situation.given.get("expected_sha256"),
        "plan_digest": situation.given.get("expected_plan_digest"),
    }


ENTRY = {"connection_key": "k", "plan_digest": DIGEST, "script_sha256": SHA}
PLAN = "the tenant, and the platform. The approved plan has the digest {}."


def approved(**entry: t.Any) -> dict[str, t.Any]:
    """A plan of the connection, approved."""
    connections = [{**ENTRY, **entry}]
    return {"plan": {"format": 2, "connections": connections}, "approved": approval.digest(connections)}


@pytest.mark.parametrize(
    ("entry", "observed", "state", "how"),
    [
        pytest.param(
            {},
            Observed(script(), TRIED, SKIPPED, deleted(), ran=DONE),
            V,
            f"the sha256 of the script, the digest of the plan, {PLAN}",
            id="deleted and run",
        ),
        # The connection was gone when it was planned.
        pytest.param(
            {"plan_digest": None},
            Observed(gone(), ran=DONE),
            V,
            f"the sha256 of the script, {PLAN}",
            id="only run",
        ),
        pytest.param({}, Observed(gone(), ran=DONE), N, "No plan was made in this run.", id="deleted before"),
        pytest.param(
            {},
            Observed(script(), TRIED, PLANNED, shown=REFUSED),
            N,
            "They differ: see why the run stopped.",
            id="differs",
        ),
    ],
)
def test_approval_by_a_plan(entry: Answer, observed: Observed, state: str, how: str) -> None:
    given = approved(**entry)
    found = run(Situation({**given, "reason": "CHG1"}, observed))
    (claim,) = [one for one in found.verified if CLAIMS[one.claim] == "approved"]
    assert claim.state == state
    assert claim.how.removeprefix("Compared before the deletion: ") == how.format(given["approved"])
    assert (found.confirmed_by, found.approved["plan"], found.reason) == ("plan", given["approved"], "CHG1")


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({}, "This run stopped before"),
        ({"failed": True, "msg": "Too many have failed."}, "This run stopped before"),
        (failed("objects_left"), "This run stopped before"),
        (failed("plan_changed"), "They differ"),
    ],
)
def test_what_was_not_compared_is_not_said_to_be_the_same_or_to_differ(shown: Answer, words: str) -> None:
    situation = Situation(approved(), Observed(script(), REFUSED, PLANNED, shown=shown), shown or REFUSED)
    (claim,) = [one for one in run(situation).verified if CLAIMS[one.claim] == "approved"]
    assert (claim.state, claim.how[: len(words)]) == (N, words)


# What a report has after each run: which run knows each claim.
@pytest.mark.parametrize(
    ("situations", "expected"),
    [
        pytest.param(
            [SITUATIONS["completed, pinned"], SITUATIONS["already done"]],
            {"kept": (V, 2), "gone": (V, 1), "ran": (V, 1), "approved": (V, 1)},
            id="looked again",
        ),
        pytest.param(
            [SITUATIONS["completed, pinned"], SITUATIONS["nothing known"]],
            {"kept": (V, 1), "gone": (V, 1), "ran": (V, 1), "approved": (V, 1)},
            id="could not tell",
        ),
        pytest.param(
            [SITUATIONS["completed, pinned"], SITUATIONS["lost"]],
            {"kept": (V, 1), "gone": (V, 1), "ran": (V, 1), "approved": (V, 1)},
            id="the script was taken away",
        ),
        pytest.param(
            [
                Situation({**GO, **PINNED}, SITUATIONS["a statement failed"].observed, BROKEN),
                SITUATIONS["resumed"],
            ],
            {"kept": (V, 2), "approved": (V, 1), "gone": (V, 1), "ran": (V, 2)},
            id="finished by another run",
        ),
        pytest.param(
            [SITUATIONS["stated"], SITUATIONS["already done, stated"]],
            {"kept": (V, 2), "gone": (V, 1), "ran": (S, 1)},
            id="stated, and looked again",
        ),
        pytest.param(
            [SITUATIONS["completed, pinned"], SITUATIONS["planned, pinned"]],
            {"kept": (V, 2), "approved": (V, 2), "gone": (N, 2), "ran": (N, None)},
            id="there again",
        ),
        pytest.param(
            [
                SITUATIONS["completed, pinned"],
                SITUATIONS["planned, nothing saved"],
                SITUATIONS["completed"],
                SITUATIONS["already done"],
            ],
            {"kept": (V, 4), "gone": (V, 3), "ran": (V, 3)},
            id="removed once more, unapproved",
        ),
        # What was approved has no script: a rerun finds none, and knows that there is none.
        pytest.param(
            [SITUATIONS["no script"], Situation(approved(script_sha256=None), SITUATIONS["lost"].observed)],
            {"gone": (V, 1), "nothing": (V, 1), "unused": (N, 1)},
            id="no script, and looked again",
        ),
    ],
)
def test_a_rerun_does_not_take_evidence_away(situations: list[Situation], expected: dict[str, tuple[str, int]]) -> None:
    history: list[Answer] = []
    for situation in situations:
        history.append(dataclasses.asdict(run(situation, history)))
    assert {CLAIMS[one["claim"]]: (one["state"], one["run"]) for one in history[-1]["verified"]} == expected


def test_an_integration_that_is_left_is_in_the_run() -> None:
    assert run(Situation(GO, Observed(script(), deleted=left(in_use=True)))).integration == {
        "id": 5,
        "status": "enabled",
        "in_use": True,
    }


def test_what_has_run_is_told_from_what_was_stated() -> None:
    execution = {**SAID, "done": 1, "answers": [{**ANSWER, "index": 1}]}
    found = run(Situation(GO, Observed(gone(execution=execution), {}, SKIPPED, SKIPPED)))
    assert [row["status"] for row in found.statements] == ["skipped", "stated", "stated"]
    recorded = run(Situation(GO, Observed(gone(execution=PARTIAL), {}, SKIPPED, SKIPPED, recorded=RECORDED)))
    assert [row["status"] for row in recorded.statements] == ["skipped", "stated", "stated"]


REASON = {"index": 2, "reason": "gone"}
LEFT_OUT = ran("skipped skipped_by_operator done", executed=1)
LEFT_OUT["statements"][1]["reason"] = "gone"


@pytest.mark.parametrize(
    ("observed", "last"),
    [
        (Observed(gone(execution=PARTIAL), {}, SKIPPED, SKIPPED, ran=LEFT_OUT), "done"),
        (Observed(gone(execution={**FINISHED, "done": 2, "skipped": [REASON]}), {}, SKIPPED, SKIPPED), "skipped"),
    ],
)
def test_what_was_left_out_is_stated_and_never_counted_as_run(observed: Observed, last: str) -> None:
    ended = Situation(GO, observed).ended
    found = claims.statements(ended, [])
    assert [row["status"] for row in found] == ["skipped", "skipped_by_operator", last]
    assert [row.get("reason") for row in found] == [None, "gone", None]
    (claim,) = [one for one in claims.claims(ended) if one.claim == "The clean-up script has run to its end"]
    assert claim.state == "stated"
    assert "statement 2: gone" in claim.how


SEEN = {"kind": "DATABASE", "name": "IMMUTA", "dropped": True, "present": True, "after": False}
ROLE_SEEN = {**SEEN, "kind": "ROLE", "name": "R"}


@pytest.mark.parametrize(
    ("objects", "said", "state", "unseen"),
    [
        pytest.param(None, "", None, "", id="nobody looked"),
        pytest.param([{**SEEN, "after": None}], "", None, "", id="only before"),
        pytest.param([SEEN, ROLE_SEEN], "2 of 2 objects gone", "verified", "", id="gone"),
        pytest.param(
            [SEEN, {**ROLE_SEEN, "dropped": False}], "1 of 1 objects gone", "verified", "", id="one unset only"
        ),
        pytest.param(
            [SEEN, {**ROLE_SEEN, "after": None}],
            "1 of 2 objects gone, 1 not seen before, or not visible",
            "not_verified",
            "Not certain: ROLE R.",
            id="one not to be seen",
        ),
        pytest.param(
            [{**SEEN, "present": None}],
            "0 of 1 objects gone, 1 not seen before, or not visible",
            "not_verified",
            "Not certain: DATABASE IMMUTA.",
            id="not seen before",
        ),
    ],
)
def test_what_is_gone_from_the_platform(objects: t.Any, said: str, state: str | None, unseen: str) -> None:
    assert texts.gone(objects) == said
    named = [one for one in claims.claims(SITUATIONS["completed"].ended, objects) if one.claim.endswith("the platform")]
    assert [one.state for one in named] == ([state] if state else [])
    assert all(unseen in one.how for one in named)


@pytest.mark.parametrize(
    ("name", "objects", "state", "words"),
    [
        ("stated", [SEEN, ROLE_SEEN], "verified", "Checked on the platform before and after: 2 of 2 objects gone."),
        ("own tasks", [SEEN], "verified", "succeeded. Checked on the platform"),
        ("stated", [{**SEEN, "present": None}], "stated", "0 of 1 objects gone, 1 not seen before"),
        ("stated", None, "stated", "The platform was not checked."),
        ("already done, stated", [SEEN], "verified", "Checked on the platform"),
    ],
)
def test_what_somebody_says_is_verified_by_a_look(name: str, objects: t.Any, state: str, words: str) -> None:
    (claim,) = [one for one in claims.claims(SITUATIONS[name].ended, objects) if one.claim.endswith("to its end")]
    assert claim.state == state
    assert words in claim.how


def test_why_nobody_has_looked_is_told() -> None:
    situation = SITUATIONS["stated"]
    observed = dataclasses.replace(situation.observed, tried={"msg": "Refused.", "timing": timing(2)})
    run = claims.run(dataclasses.replace(situation, observed=observed).ended, HERE, [])
    (claim,) = [one for one in run.verified if one.claim.endswith("to its end")]
    assert (claim.state, "Nobody checked the platform: Refused." in claim.how) == ("stated", True)
    (step,) = [one for one in run.steps if one.name == "Check the platform"]
    assert (step.outcome, step.detail) == ("skipped", "Nobody checked: Refused.")


def test_a_look_at_what_the_users_own_tasks_have_done_is_a_step_behind_them() -> None:
    situation = SITUATIONS["own tasks"]
    tried = {"session": {"user": "U"}, "objects": [{**SEEN, "how": "SHOW", "query_id": "q"}], "timing": timing(5)}
    decided = {"decision": {"look_again": "snowflake", "after": True}}
    observed = dataclasses.replace(situation.observed, tried=tried, decided=decided)
    steps = claims.run(dataclasses.replace(situation, observed=observed).ended, HERE, []).steps
    names = ["Run the clean-up script", "Check the platform", "Record that the script has run"]
    assert [one.name for one in steps][-3:] == names


def test_what_was_seen_stays_seen_when_a_later_run_reads_what_was_said() -> None:
    said = SITUATIONS["already done, stated"].ended
    verified = {"claim": "The clean-up script has run to its end", "state": "verified", "how": "Seen.", "run": 1}
    run = claims.run(said, HERE, [{"number": 1, "status": "completed", "verified": [verified]}])
    (claim,) = [one for one in run.verified if one.claim.endswith("to its end")]
    assert (claim.state, claim.how, claim.run) == ("verified", "Seen.", 1)


def test_what_an_earlier_run_has_seen_counts_for_a_run_that_goes_on() -> None:
    session = {"account": "a", "user": "U"}
    look = {"objects": [{**SEEN, "present": False, "roles": ["R"]}], "session": session}
    observed = dataclasses.replace(SITUATIONS["resumed"].observed, ran={**SITUATIONS["resumed"].observed.ran, **look})
    ended = Situation(SITUATIONS["resumed"].given, observed).ended
    before = {**SEEN, "after": None, "roles": ["R"], "by": session}
    for seen, state in (
        ([], "not_verified"),
        ([before], "verified"),
        # Whether this session sees it is not known.
        ([{**before, "by": {**session, "user": "V"}}], "not_verified"),
        ([{**before, "roles": ["ACCOUNTADMIN"]}], "not_verified"),
    ):
        history = [{"number": 1, "objects": seen, "verified": []}]
        run = claims.run(ended, HERE, history)
        (claim,) = [one for one in run.verified if one.claim == "What the script drops is gone from the platform"]
        assert claim.state == state


def test_a_registration_that_broke_again_has_nothing_of_the_removal_before() -> None:
    first = SITUATIONS["completed"].ended
    history = [dataclasses.asdict(claims.run(first, HERE, []))]
    for source, state in (("regenerated", "not_verified"), ("saved", "verified")):
        planned = Situation({}, Observed(gone(source=source, integration_config=CONFIG), {}, SKIPPED, SKIPPED)).ended
        found = {one.claim: one.state for one in claims.run(planned, HERE, history).verified}
        assert found["The clean-up script has run to its end"] == state
