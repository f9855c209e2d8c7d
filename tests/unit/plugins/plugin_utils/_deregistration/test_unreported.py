# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that was killed wrote no report: the next one tells what the journal knows of it, and claims nothing else."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import claims, page
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    FINISHED,
    GO,
    HERE,
    OBJECTS,
    PARTIAL,
    SITUATIONS,
    SKIPPED,
    Situation,
    gone,
    ran,
    script,
)
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.test_page import Page

SESSION = {"account": "acme", "user": "KILLED", "role": "R"}


def answer(index: int) -> Answer:
    second = f"2025-12-31T23:00:{index:02d}"
    times = {"started": f"{second}.000Z", "ended": f"{second}.500Z"}
    return {"index": index, "query_id": f"q{index}", "rowcount": None, "seconds": 0.5, "answer": None, **times}


def journal(count: int, **more: t.Any) -> Answer:
    """Of a run that was killed behind so many of three statements."""
    answers = [answer(index) for index in range(1, count + 1)]
    runs = [{"started": answers[0]["started"], "ended": answers[-1]["ended"], "session": SESSION}] if answers else []
    state = FINISHED if count == 3 else PARTIAL
    return {**state, "done": count, "answers": answers, "runs": runs, **more}


def look(present: bool | None) -> Answer:
    rows = [{**OBJECTS[0], "present": present, "roles": ["R"], "query_id": "l"}]
    return {"objects": rows, "session": SESSION}


def report(*situations: Situation) -> Answer:
    runs: list[Answer] = []
    for one in situations:
        runs.append(dataclasses.asdict(claims.run(one.ended, HERE, runs)))
    return {"connection_key": "k", "runs": runs}


def rerun(count: int, **more: t.Any) -> Situation:
    observed = Observed(gone(execution=journal(count, **more)), {}, SKIPPED, SKIPPED)
    if count < 3:
        observed = dataclasses.replace(observed, ran=ran("skipped done done", executed=2))
    return Situation(GO, observed)


PLANNED = SITUATIONS["planned, pinned"]
IN_ALL = "An earlier run ended without a report. By the journal beside the script, it ran {} of 3 statements"
DELETED = (
    "No run in this report has deleted the connection: it was not there when run {} started. An earlier run deleted it and ended"
    " without a report, or it was deleted by other means."
)


NEVER = (
    "No run in this report has deleted the connection: it was not there when run {} started. An earlier run deleted it and ended"
    " without a report, it was deleted by other means, or it was never registered."
)


def rendered() -> Situation:
    """Immuta has rendered the script again, for an integration that it does not know."""
    about = gone(source="regenerated", execution={"state": "none", "done": 0, "total": 3, "answers": []})
    return Situation(GO, Observed(about, {}, SKIPPED, SKIPPED, ran=ran("done done done", executed=3)))


@pytest.mark.parametrize(
    ("situations", "words", "absent"),
    [
        pytest.param([rerun(3)], [IN_ALL.format(3), DELETED.format(1)], ["No run in this report did"], id="finished"),
        # The plan lists the statements, too, and none of them has run then.
        pytest.param([PLANNED, rerun(3)], [IN_ALL.format(3), DELETED.format(2)], [], id="planned, finished"),
        pytest.param([PLANNED, rerun(1)], [IN_ALL.format(1), DELETED.format(2)], [], id="planned, in part"),
        pytest.param([PLANNED, rerun(1), SITUATIONS["already done"]], [IN_ALL.format(1)], [], id="and looked again"),
        pytest.param([rendered()], [NEVER.format(1)], ["An earlier run ended", DELETED.format(1)], id="rendered"),
        pytest.param([SITUATIONS["completed"], rerun(3)], [], ["An earlier run", "No run in"], id="nothing unreported"),
        pytest.param([SITUATIONS["a statement failed"], rerun(1)], [], ["An earlier run", "No run in"], id="it failed"),
        pytest.param([PLANNED], [], ["An earlier run", "No run in this report has deleted"], id="planned"),
        pytest.param([SITUATIONS["lost"]], [], ["An earlier run", "No run in this report has deleted"], id="lost"),
    ],
)
def test_what_no_run_tells_is_told(situations: list[Situation], words: list[str], absent: list[str]) -> None:
    text = re.sub(r"<[^>]*>", "", page.render(report(*situations)))
    assert [word for word in words if text.count(word) != 1] == []
    assert [word for word in absent if word in text] == []


def test_statements_times_and_session_are_those_of_the_journal() -> None:
    text = page.render(report(PLANNED, rerun(3)))
    assert re.findall(r"<dt>Statements run</dt><dd>(.*?)</dd>", text) == ["3 of 3"]
    assert "(2025-12-31 23:00:01 to 23:00:03 UTC). Its session: account acme, user KILLED, role R." in text
    assert "<dt>Account</dt><dd><bdi>acme</bdi>" in text
    assert "<dt>When</dt><dd><bdi>2025-12-31 23:00:01 to 2026-01-01 00:01:00 UTC</bdi>" in text
    assert (
        len(re.findall(r'data-name="Started"><time datetime="2025-12-31T23:00:0\d\.000Z">2025-12-31 23:00:0', text))
        == 3
    )
    assert "q2" in text


@pytest.mark.parametrize(
    ("situation", "states", "run"),
    [
        pytest.param(rerun(3), None, None, id="nobody looked"),
        pytest.param(rerun(3, before=look(True)), None, None, id="nobody looked after"),
        pytest.param(rerun(3, before=look(True), after=look(False)), (True, False), "verified", id="before and after"),
        pytest.param(rerun(3, before=look(True), after=look(None)), (True, None), "not_verified", id="not visible"),
        pytest.param(rerun(3, after=look(False)), (None, False), "not_verified", id="after only"),
    ],
)
def test_before_and_after_survive_a_kill(situation: Situation, states: t.Any, run: str | None) -> None:
    found = claims.run(situation.ended, HERE, [])
    assert [(row["present"], row["after"]) for row in found.objects or ()] == ([states] if states else [])
    named = [one for one in found.verified if one.claim.startswith("What the script drops")]
    assert [one.state for one in named] == ([run] if run else [])
    assert all("written this to the journal" in one.how for one in named)
    # The journal does not tell whether that look was made before the deletion.
    assert all(("Checked before the script ran, and again" in one.how) is (states[0] is not None) for one in named)
    assert not any("before the deletion" in one.how for one in named)


def test_a_look_of_a_run_that_found_the_connection_was_made_before_the_deletion() -> None:
    plan = dataclasses.replace(PLANNED, observed=dataclasses.replace(PLANNED.observed, tried=look(True)))
    (claim,) = [
        one
        for one in report(plan, rerun(3, before=look(True), after=look(False)))["runs"][-1]["verified"]
        if one["claim"].startswith("What the script drops")
    ]
    assert claim["how"].startswith("Checked before the deletion, and again")


def test_the_summary_knows_that_a_connection_was_there_when_its_script_was_saved() -> None:
    text = "".join(line.strip("\n") for line in Page(page.render(report(rerun(3)))).text.split("\n"))
    assert "Immuta connection kThereGone" in text
    rows = claims.run(rerun(3).ended, HERE, []).immuta
    assert [(row["before"], row["how"]) for row in rows] == [
        ("not there", "Read, and checked in the list of all connections"),
        (None, "Not read; named in the saved script"),
    ]


def test_a_deletion_that_no_run_tells_is_told_once() -> None:
    text = page.render(report(rerun(3), SITUATIONS["already done"], SITUATIONS["already done"]))
    assert text.count("No run in this report has deleted") == 1


def test_what_the_killed_run_has_seen_before_counts_for_the_one_that_finishes() -> None:
    situation = rerun(1, before=look(True))
    observed = dataclasses.replace(situation.observed, ran={**situation.observed.ran, **look(False)})
    found = claims.run(dataclasses.replace(situation, observed=observed).ended, HERE, [])
    assert [(row["present"], row["after"]) for row in found.objects or ()] == [(True, False)]
    (claim,) = [one for one in found.verified if one.claim.startswith("What the script drops")]
    assert (claim.state, claim.how[:40]) == ("verified", "Checked before the script ran, and again")


def test_nothing_is_claimed_of_an_approval_that_the_killed_run_may_have_had() -> None:
    content = report(PLANNED, rerun(3))
    states = {one["claim"]: one["state"] for one in content["runs"][-1]["verified"]}
    assert states["What was approved is what was found"] == "not_verified"
    text = page.render(content)
    assert "to confirm. How the deletion was confirmed is not recorded." in text
    assert "Duration of the reported runs" in text
    # Nobody has approved anything.
    assert "What was approved" not in page.render(report(rerun(3)))


def test_a_journal_says_nothing_of_a_connection_that_is_there_again() -> None:
    execution = journal(3, before=look(True), after=look(False))
    found = claims.run(Situation({}, Observed(script(execution=execution))).ended, HERE, [])
    assert (found.objects, found.unreported) == (None, None)
