# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registration that is taken back: where such a run stopped, its result, and what the report of the registration says of it."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import ADVICE, Stop
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import report as evidence
from ansible_collections.community.immuta.plugins.plugin_utils._registration import (
    claims,
    page,
    summary,
    taken_back,
    taking_back,
)
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import REPORT
from ansible_collections.community.immuta.plugins.plugin_utils._registration.taking_back import Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import HERE
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._registration.situations import (
    FOUND,
    NONE,
    TIMING,
    TRIED,
    read,
)
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._registration.test_register_report import (
    SITUATIONS,
)

GO = {"confirm": "k", "state": "undone", "report_dir": "/r"}
FAILED: dict[str, t.Any] = {"failed": True, "msg": "No."}
REFUSED = {**FAILED, "failure": {"code": "refused"}}
LISTED = {"integrations": [], **TIMING}
ALLOWED = {"confirm": "k", "look": ""}
WHOSE = {"msg": ["Its own."]}
OWN: dict[str, t.Any] = {
    "kind": "DATABASE",
    "name": "IMMUTA",
    "dropped": True,
    "how": "SHOW",
    "owner": None,
    "created_on": None,
}
THERE_AND_GONE = {**OWN, "present": True, "after": False, "after_how": "SHOW"}
GONE: dict[str, t.Any] = {
    "status": "completed",
    "connection_gone": True,
    "connection_exists": False,
    "script_executed": True,
    "stated": False,
    "objects": [THERE_AND_GONE],
    "immuta": [{"kind": "connection", "name": "k", "before": "there", "after": "gone", "how": "Checked again"}],
    "script": {"done": 3, "total": 3, "statements": []},
    "report": {"json": "/r/k.json"},
}
HALFWAY: dict[str, t.Any] = {
    **GONE,
    "status": "failed",
    "failed_task": "Run the script on Snowflake",
    "error": 'Stopped at "Run the script on Snowflake": A statement failed.\nDONE: x.\nNOT DONE: y.\nNEXT: Rerun.',
    "script_executed": False,
    "objects": None,
    "script": {"done": 1, "total": 3, "statements": [{"status": "done"}]},
}


def seen(**more: t.Any) -> Observed:
    """A run that has taken a registration back, and what is otherwise."""
    known: dict[str, t.Any] = {
        **{"found": FOUND, "integrations": LISTED, "former": TIMING, "allowed": ALLOWED, "whose": WHOSE},
        **{"removal": GONE, "removed": TIMING},
    }
    return Observed(**{**known, **more})


NOT_REACHED: dict[str, t.Any] = {"removal": {}, "removed": {}}
RUNS: dict[str, Observed] = {
    "undone": seen(),
    "undone again": seen(found=NONE, removal={**GONE, "status": "already_done", "immuta": []}),
    "stated back": seen(removal={**GONE, "stated": True, "objects": None}),
    "halfway": seen(removal=HALFWAY, removed={}),
    "handed over": seen(
        removal={**GONE, "status": "handed_off", "script_executed": False, "objects": None}, removed={}
    ),
    "foreign": seen(whose=REFUSED, **NOT_REACHED),
    "not there": seen(found=NONE, allowed=REFUSED, whose={}, **NOT_REACHED),
    "not found": seen(found=FAILED, integrations={}, former={}, allowed={}, whose={}, **NOT_REACHED),
    "set-up script left": seen(removed=FAILED),
}


def outcome(observed: Observed, **given: t.Any) -> tuple[dict[str, t.Any], list[str], Stop | None]:
    settings = read(**{**GO, **given})
    stop = taking_back.find(settings, observed, {"settings": {}}, check_mode=False)
    result, lines = taking_back.ended(settings, observed, stop, check_mode=False)
    return result, lines, stop


LOOK = "Look on Snowflake for what the set-up script creates"
NOTHING = "\nDONE: nothing in this run.\nNOT DONE: the registration is not taken back.\nNEXT: "


# Each row: what was observed, the status, whether the connection is there, the task, whether Ansible has shown a failure, and words.
@pytest.mark.parametrize(
    ("observed", "status", "exists", "task", "shown", "words"),
    [
        (RUNS["undone"], "undone", False, "", True, 'Registration of "k": TAKEN BACK'),
        (RUNS["undone again"], "already_undone", False, "", True, "ALREADY TAKEN BACK"),
        (seen(removal={**GONE, "status": "planned"}, removed={}), "planned", False, "", True, "nothing was taken back"),
        (RUNS["handed over"], "handed_off", False, "", True, "the clean-up script is still to be run"),
        (
            *(RUNS["not there"], "failed", False, taking_back.TASKS["allowed"], True),
            f'Stopped at "Require that the connection is the one that is described": No.{NOTHING}{ADVICE["refused"]}',
        ),
        (RUNS["foreign"], "failed", True, taking_back.TASKS["whose"], True, NOTHING + ADVICE["refused"]),
        (
            *(RUNS["not found"], "failed", None, "Look for the connection", True),
            f"{NOTHING}Fix the cause and rerun",
        ),
        (
            *(seen(tried=FAILED, whose={}, **NOT_REACHED), "failed", True),
            *(LOOK, True, NOTHING),
        ),
        (seen(refused=FAILED, **NOT_REACHED), "failed", True, "Validate the variables", True, "Correct what is named"),
        # All of it is in the words of the removal, which has printed them.
        (RUNS["halfway"], "failed", False, "Run the script on Snowflake", True, HALFWAY["error"]),
        (
            *(RUNS["set-up script left"], "failed", False, "Remove the set-up script", True),
            "DONE: the registration is taken back.\nNOT DONE: the set-up script /s/k.setup.sql is still to be removed.",
        ),
        # No task has failed, and one that was to run has not.
        (seen(integrations={}), "failed", False, "List the integrations", False, "another host failed"),
        (seen(**NOT_REACHED), "failed", True, taking_back.REMOVAL, False, "another host failed"),
        (seen(allowed={**ALLOWED, "look": "snowflake"}), "failed", False, LOOK, False, "another host"),
        (seen(removed={}), "failed", False, "Remove the set-up script", False, "another host failed"),
    ],
)
def test_the_result(observed: Observed, status: str, exists: bool | None, task: str, shown: bool, words: str) -> None:
    result, lines, stop = outcome(observed)
    assert (result["status"], result["connection_exists"], result["connection_key"]) == (status, exists, "k")
    assert words in result.get("error", "\n".join(lines))
    assert (result.get("failed_task", ""), stop is None or stop.shown) == (task, shown)
    assert lines == ([] if observed.error else result.get("error", lines[0]).split("\n"))


def test_a_run_that_only_plans_writes_no_report() -> None:
    assert outcome(RUNS["undone"])[0]["report"] == read(**GO).report.paths()
    assert outcome(RUNS["foreign"], confirm="")[0]["report"] is None
    assert outcome(RUNS["undone"], report_dir="")[0]["report"] is None


def report(*names: str) -> evidence.Report:
    """The report of runs that register, or take back."""
    found: evidence.Report | None = None
    for name in names:
        runs = found["runs"] if found else []
        if name in SITUATIONS:
            run = claims.run(SITUATIONS[name].ended(), HERE, runs)
        else:
            result, _lines, stop = outcome(RUNS[name])
            times = "2026-01-02T00:00:00.000Z", "2026-01-02T00:01:00.000Z"
            run = taken_back.run(taken_back.Ended(read(**GO), RUNS[name], result, *times, stop), HERE, runs)
        found = evidence.append(REPORT, found, "k", run)
    assert found
    return t.cast("evidence.Report", json.loads(json.dumps(found)))


V, S, N = "verified", "stated", "not_verified"
ABSENT, RAN = "The connection does not exist in Immuta", "The clean-up script has run to its end"
CLEAN, EXISTS = "What the clean-up script drops is gone from the platform", "The connection exists in Immuta"
SET_UP = "The set-up script has run to its end"
WHEN = "(2026-01-02 00:00:00 to 00:01:00 UTC)"


# Each row: the runs, the banner, what the page says, and some of what the last run claims.
@pytest.mark.parametrize(
    ("names", "banner", "words", "expected"),
    [
        (
            *("registered; undone", ("good", "Taken back")),
            f"Run 2 took the registration back {WHEN}. The removal has a report of its own: /r/k.json.",
            {ABSENT: V, RAN: V, CLEAN: V, EXISTS: None, SET_UP: None},
        ),
        ("a statement failed; undone", ("good", "Taken back"), "Run 2 took the registration back", {RAN: V}),
        ("undone", ("good", "Taken back"), "Run 1 took the registration back", {ABSENT: V}),
        (
            *("registered; undone; undone again", ("good", "Taken back")),
            f"Run 2 took the registration back {WHEN}.",
            {ABSENT: V, RAN: V},
        ),
        ("registered; stated back", ("care", "Taken back, in part only stated"), "At least a part of that", {RAN: S}),
        (
            *("registered; halfway", ("bad", "Failed")),
            f"Run 2 started to take the registration back, and did not finish {WHEN}.",
            {ABSENT: V, RAN: N, EXISTS: None, SET_UP: None},
        ),
        ("registered; halfway; undone", ("good", "Taken back"), "Run 3 took the registration back", {RAN: V}),
        ("registered; handed over", ("care", "Handed off"), "Run 2 left the rest to a person", {RAN: N}),
        (
            *("registered; foreign", ("bad", "Failed")),
            "The last run stopped, and changed nothing.",
            # Nothing was removed, so what was seen is still so.
            {EXISTS: V, SET_UP: V},
        ),
        ("registered; not found", ("bad", "Failed"), "Fix the cause and rerun", {EXISTS: V, SET_UP: V}),
        # The connection was removed otherwise.
        ("registered; not there", ("bad", "Failed"), "Do what is said above", {EXISTS: N, SET_UP: None}),
        ("registered; undone; registered", ("good", "Registered"), "of a former connection", {EXISTS: V, ABSENT: None}),
        ("undone; planned", ("note", "Planned"), "of a former connection", {EXISTS: N, ABSENT: None}),
        ("registered; halfway; not saved", ("bad", "Failed"), "Run 2 started to take", {EXISTS: N, SET_UP: N}),
    ],
)
def test_the_report_of_the_registration_says_that_it_was_taken_back(
    names: str, banner: tuple[str, str], words: str, expected: dict[str, str | None]
) -> None:
    content = report(*names.split("; "))
    text = page.render(content)
    assert re.findall(r'<section class="banner (\w+)".*?<h2 id="status">(.*?)</h2>', text, re.DOTALL) == [banner]
    assert words in re.sub(r"<[^>]*>", "", text)
    known = {row["claim"]: row["state"] for row in content["runs"][-1]["verified"]}
    assert {claim: known.get(claim) for claim in expected} == expected


@pytest.mark.parametrize(
    ("names", "statements", "platform"),
    [
        # What the set-up script has made is gone.
        ("registered; undone", [], ("1 of 1 there", "1 gone", "good")),
        ("registered; halfway", [], ("Nobody looked", "Nobody looked", "care")),
        ("registered; foreign", ["2 of 2"], ("0 of 1 there", "1 of 1 there", "good")),
        ("registered; undone; a statement failed", ["1 of 2"], ("0 of 1 there", "Nobody looked", "care")),
    ],
)
def test_the_numbers_are_those_of_the_last_state(
    names: str, statements: list[str], platform: tuple[str, str, str]
) -> None:
    content = report(*names.split("; "))
    assert re.findall(r"<dt>Statements run</dt><dd>(.*?)</dd>", page.render(content)) == statements
    (row,) = [one for one in summary.summary(content).changes if one.what == "Objects on the platform"]
    assert (row.before, row.after, row.tone) == platform


@pytest.mark.parametrize(
    ("removal", "state", "remains"),
    [
        ({}, "verified", []),
        (
            {"script": {"done": 2, "total": 3, "statements": [{"status": "skipped_by_operator"}]}},
            "stated",
            ["Not all of it is proved. Do what is said in /r/k.json."],
        ),
        (
            {"script": {"done": 3, "total": 3, "statements": [{"status": "done"}, {"status": "not_needed"}]}},
            "verified",
            [],
        ),
    ],
)
def test_what_a_person_has_left_out_is_only_stated(removal: dict[str, t.Any], state: str, remains: list[str]) -> None:
    observed = seen(removal={**GONE, **removal})
    run = taken_back.run(taken_back.Ended(read(**GO), observed, outcome(observed)[0], "s", "e", None), HERE, [])
    assert [row.state for row in run.verified if "clean-up script has run" in row.claim] == [state]
    assert run.remaining == remains


def test_the_run_says_what_it_did() -> None:
    run = dataclasses.asdict(
        taken_back.run(
            taken_back.Ended(read(**GO), seen(tried=TRIED), outcome(RUNS["undone"])[0], "s", "e", None), HERE, []
        )
    )
    assert run["changed"] and run["removal"] == {"status": "completed", "report": "/r/k.json"}
    assert [(step["name"], step["outcome"]) for step in run["steps"]] == [
        ("Look for the connection", "done"),
        ("Check the platform", "done"),
        ("Take the registration back", "done"),
        ("Remove the set-up script", "done"),
    ]
    assert "Its report is /r/k.json." in run["steps"][2]["detail"]
    assert run["remaining"] == []
    assert report("halfway")["runs"][0]["remaining"] == [
        "Do what is said in /r/k.json, then rerun with immuta_register_state=undone and immuta_register_confirm, which finishes it."
    ]
    assert not report("foreign")["runs"][0]["changed"]


@pytest.mark.parametrize(
    ("observed", "outcome_of_the_step"),
    [
        (RUNS["undone"], "done"),
        (RUNS["undone again"], "done"),
        (RUNS["halfway"], "failed"),
        (RUNS["handed over"], "not_reached"),
        (seen(removal={**GONE, "status": "unknown", "connection_exists": None}, removed={}), "not_reached"),
        (RUNS["foreign"], "not_reached"),
    ],
)
def test_only_a_removal_that_has_ended_is_done(observed: Observed, outcome_of_the_step: str) -> None:
    result, _lines, stop = outcome(observed)
    steps = taken_back.steps(taken_back.Ended(read(**GO), observed, result, "s", "e", stop))
    assert [step.outcome for step in steps if step.name == taking_back.REMOVAL] == [outcome_of_the_step]
