# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a registration: what each run can prove, what later runs keep of it, and the page."""

from __future__ import annotations

import json
import re
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import Stop
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import page as pages
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import report as evidence
from ansible_collections.community.immuta.plugins.plugin_utils._registration import claims, outcome, page, summary
from ansible_collections.community.immuta.plugins.plugin_utils._registration.ended import Ended
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import REPORT
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import HERE
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.test_page import (
    HOSTILE,
    Page,
    hostile,
)
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._registration.situations import (
    DIFFERS,
    FINISHED,
    FOUND,
    NONE,
    OBJECT,
    RAN,
    REGISTERED,
    ROWS,
    SAME,
    SNOWFLAKE,
    TIMING,
    TRIED,
    decided,
    done,
    read,
    script,
    there,
)

V, S, N = "verified", "stated", "not_verified"
RAN_TO_ITS_END, SET_UP = "The set-up script has run to its end", "What the script creates is on the platform"
EXISTS, WORKS = "The connection exists in Immuta", "Its integration works"
PREPARED = "The platform was prepared"
SKIPPED: dict[str, t.Any] = {"skipped": True, "changed": False}
PLAN = {
    "steps": [{"action": "register_connection", "target": "k", "effect": "it is there"}],
    "irreversible": False,
    "digest": "d" * 64,
}
VALIDATION = {"status": "passed", "tests": [{"name": "Sign in", "status": "passed", "message": "as hunter2"}]}
WHOLE = {**REGISTERED, "plan": PLAN, "validation": VALIDATION}
THERE = {**TRIED, "objects": [{**OBJECT, "present": True, "how": "SHOW"}]}
EDITED = {**WHOLE, "registered": False}
NOTHING = {**EDITED, "changed": False}
BROKEN = {
    "failed": True,
    "msg": "A statement failed.",
    "failure": {"code": "statement_failed", "query_id": "q2"},
    "executed": 1,
    "statements": [{**ROWS[0], "status": "done", "query_id": "q1"}, {**ROWS[1], "status": "failed", "query_id": "q2"}],
    "changed": True,
    **TIMING,
}
RECORDED = {"changed": True, "execution": {"state": "finished", "done": 0, "total": 2}, **TIMING}
PARTIAL = {"state": "partial", "done": 1, "total": 2, "skipped": []}
HANDOFF = {"executor": "handoff"}
FOUND_IT = {**WHOLE, "registered": None, "connection": {"key": "k"}}
LOST = {"failed": True, "msg": "No answer.", "registered": None, "changed": True, **TIMING}
TENANT = {**NONE, "tenant": "https://t"}


ANSWERS: list[dict[str, t.Any]] = [
    {
        **{"index": row["index"], "query_id": f"q{row['index']}", "rowcount": None, "seconds": 0.5, "answer": None},
        **{name: f"2025-12-31T23:00:0{row['index']}.{part}Z" for name, part in (("started", "000"), ("ended", "500"))},
    }
    for row in ROWS
]
# Of a run that was killed.
JOURNAL = {
    **{**FINISHED, "answers": ANSWERS, "before": {"objects": [{**OBJECT, "how": "SHOW", "query_id": "l"}]}},
    "runs": [
        {
            "started": "2025-12-31T23:00:00.900+00:00",
            "ended": "2025-12-31T23:00:03.000+00:00",
            "session": {"account": "acme", "user": "KILLED", "role": "R"},
        }
    ],
}
KILLED = "An earlier run ended without a report. By the journal beside the script, it ran 2 of 2 statements"
WHO = "(2025-12-31 23:00:01 to 23:00:02 UTC). Its session: account acme, user KILLED, role R."
BY_OTHERS = "No run in this report has registered the connection: it was there when run {} started."


class Situation(t.NamedTuple):
    """What is given, what was observed, and the task that failed."""

    given: dict[str, t.Any]
    observed: Observed
    stop: str = ""

    def ended(self) -> Ended:
        """The run, after a minute."""
        settings = read(**self.given)
        stop = (
            Stop(self.stop, next(one for one in vars(self.observed).values() if one and "failed" in one))
            if self.stop
            else None
        )
        result = outcome.result(settings, self.observed, check_mode=False)
        times = "2026-01-01T00:00:00.000Z", "2026-01-01T00:01:00.000Z"
        return Ended(settings, self.observed, {**result, **({"status": "failed"} if stop else {})}, *times, stop)


REFUSED: dict[str, t.Any] = {"failed": True, "msg": "Refused.", "registered": False, "changed": False, **TIMING}
ELSEWHERE = "the Snowflake account O-OTHER (locator L, region R)"


def refused(code: str, **more: t.Any) -> dict[str, t.Any]:
    """The answer of a module that has changed nothing."""
    return {**REFUSED, "failure": {"code": code, **more}}


def described(**about: t.Any) -> dict[str, t.Any]:
    """A connection that is there."""
    return {"found": {"connections": [{"key": "k", "technology": "Snowflake", **about}], **TIMING}}


OTHER_PLACE = {"snowflake": {**SNOWFLAKE, "host": "other.snowflakecomputing.com"}}
CHANGED = {**DIFFERS, **TIMING, "changed": True, "plan": {**PLAN, "digest": "e" * 64}}
ENABLES = {"settings": {"is_active": True}}
INTEGRATION = {"id": 7, "status": "enabled"}
SITUATIONS: dict[str, Situation] = {
    "registered": Situation({"reason": "CHG1"}, done(found=TENANT, registered=WHOLE)),
    "perhaps another's": Situation({}, done(registered=FOUND_IT)),
    "confirmed": Situation({**ENABLES, "confirm": "k", "approver": "Kim"}, done(registered=WHOLE)),
    "planned": Situation(ENABLES, done(ran={}, registered=SKIPPED, decided=decided(run="", register=False))),
    "handed off": Situation(
        HANDOFF,
        done(tried={}, ran={}, registered=SKIPPED, decided=decided(preflight="", run="handoff", register=False)),
    ),
    "stated": Situation(
        {**HANDOFF, "script_executed": True}, done(tried={}, ran={}, recorded=RECORDED, registered=WHOLE)
    ),
    "prepared": Situation({"executor": "none"}, done(script=SKIPPED, tried={}, ran={}, registered=WHOLE)),
    "a statement failed": Situation({}, done(ran=BROKEN, registered={}), "Run the script on Snowflake"),
    "resumed": Situation(
        {},
        done(script=script(execution=PARTIAL), tried=THERE, registered=WHOLE, ran={**RAN, "objects": THERE["objects"]}),
    ),
    "lost answer": Situation({}, done(registered=LOST), "Register the connection"),
    "after a lost answer": Situation({}, done(found=FOUND, script=SKIPPED, tried={}, ran={}, registered=NOTHING)),
    "it had run": Situation({}, done(script=script(execution=FINISHED), tried=THERE, ran={}, registered=WHOLE)),
    "edited": Situation({}, done(found=FOUND, script=SKIPPED, tried={}, ran={}, registered=EDITED)),
    "already": Situation({}, done(found=FOUND, script=SKIPPED, tried={}, ran={}, registered=NOTHING)),
    "does not work": Situation(
        {}, done(found=FOUND, script=SKIPPED, tried={}, ran={}, registered={**NOTHING, "verified": False})
    ),
    "other integration": Situation({}, there({**SAME, "integration": {"id": 42, "status": "enabled"}})),
    "other host": Situation(OTHER_PLACE, there({**SAME, "integration": None})),
    "other technology": Situation({}, there({**SAME, "integration": None}, **described(technology="Databricks"))),
    "same place": Situation({}, there(SAME, **described(technology="snowflake"))),
    "refused": Situation({}, done(registered=REFUSED), "Register the connection"),
    "not saved": Situation({}, Observed(NONE, REFUSED), "Save the set-up script"),
    "outdated": Situation(
        {}, done(script=script(execution=FINISHED), shown=REFUSED, ran={}, registered={}), "Show the plan"
    ),
    "recording refused": Situation(
        {**HANDOFF, "script_executed": True},
        done(tried={}, ran={}, recorded=refused("script_changed"), registered={}),
        "Record that the script has run",
    ),
    "wrong account": Situation(
        {}, done(tried=refused("wrong_platform", actual=ELSEWHERE), shown={}, ran={}, registered={}), "Sign in"
    ),
    "edited fields": Situation({"confirm": "k"}, there(DIFFERS, registered=CHANGED)),
    "edited with settings": Situation({**ENABLES, "confirm": "k"}, there(DIFFERS, registered=CHANGED)),
    "unconfirmed": Situation(
        {},
        there(
            {**DIFFERS, "plan": PLAN, "verified": False},
            registered={**refused("confirmation_required"), "verified": False},
        ),
        "Register the connection",
    ),
    "put back": Situation(
        {"confirm": "k"},
        there(
            DIFFERS,
            registered={
                **refused("rolled_back"),
                "rolled_back": True,
                "verified": False,
                "plan": PLAN,
                "integration": INTEGRATION,
            },
        ),
        "Register the connection",
    ),
    "killed while it ran": Situation(
        {},
        done(
            **{"script": script(execution=JOURNAL), "tried": THERE, "ran": {**RAN, "statements": []}},
            registered=WHOLE,
        ),
    ),
    "killed at its end": Situation(
        {},
        there(SAME, former={"setup_scripts": [{"path": "/home/s/k.setup.sql", "execution": JOURNAL}], **TIMING}),
    ),
    "told": Situation(
        {},
        done(
            ran={**BROKEN, "statements": [{**row, "status": "failed", "query_id": f"q{row['index']}"} for row in ROWS]},
            registered={},
        ),
        "Run the script on Snowflake",
    ),
    "unverified": Situation({"verify": False}, done(ran={**RAN, "objects": None}, registered=WHOLE)),
}


def report(*names: str) -> evidence.Report:
    found: evidence.Report | None = None
    for name in names:
        run = claims.run(SITUATIONS[name].ended(), HERE, found["runs"] if found else [])
        found = evidence.append(REPORT, found, "k", run)
    assert found
    return t.cast("evidence.Report", json.loads(json.dumps(found)))


# Each row: the runs, and what the last one claims, with the state, and the number of the run that knows.
@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("registered", {RAN_TO_ITS_END: (V, 1), SET_UP: (V, 1), EXISTS: (V, 1), WORKS: (V, 1)}),
        ("planned", {RAN_TO_ITS_END: (N, 1), EXISTS: (N, 1)}),
        ("handed off", {RAN_TO_ITS_END: (N, 1), EXISTS: (N, 1)}),
        ("handed off, stated", {RAN_TO_ITS_END: (S, 2), SET_UP: (N, None), EXISTS: (V, 2), WORKS: (V, 2)}),
        ("stated, already", {RAN_TO_ITS_END: (S, 1), EXISTS: (V, 1), WORKS: (V, 2)}),
        ("prepared", {PREPARED: (S, 1), EXISTS: (V, 1), WORKS: (V, 1)}),
        ("a statement failed", {RAN_TO_ITS_END: (N, 1), EXISTS: (N, 1)}),
        ("a statement failed, resumed", {RAN_TO_ITS_END: (V, 2), SET_UP: (V, 2), EXISTS: (V, 2), WORKS: (V, 2)}),
        ("lost answer", {RAN_TO_ITS_END: (V, 1), SET_UP: (V, 1), EXISTS: (N, None), WORKS: (N, 1)}),
        ("lost answer, after a lost answer", {RAN_TO_ITS_END: (V, 1), SET_UP: (V, 1), EXISTS: (V, 2), WORKS: (V, 2)}),
        ("it had run", {RAN_TO_ITS_END: (V, 1), SET_UP: (V, 1), EXISTS: (V, 1), WORKS: (V, 1)}),
        ("already", {EXISTS: (V, 1), WORKS: (V, 1)}),
        ("registered, already", {RAN_TO_ITS_END: (V, 1), SET_UP: (V, 1), EXISTS: (V, 1), WORKS: (V, 2)}),
        ("registered, does not work", {RAN_TO_ITS_END: (V, 1), SET_UP: (V, 1), EXISTS: (V, 1), WORKS: (N, 2)}),
        # Removed in between: what the first run has seen proves nothing any more.
        ("registered, planned", {RAN_TO_ITS_END: (N, 2), EXISTS: (N, 2)}),
        # Another connection, and what others have made: what the first run has seen is of a former one.
        ("registered, other integration", {EXISTS: (V, 2), WORKS: (V, 2)}),
        ("registered, other host", {EXISTS: (V, 2), WORKS: (V, 2)}),
        ("registered, other technology", {EXISTS: (V, 2), WORKS: (V, 2)}),
        ("registered, same place", {RAN_TO_ITS_END: (V, 1), SET_UP: (V, 1), EXISTS: (V, 1), WORKS: (V, 2)}),
        # The set-up may have been taken back, or has been.
        ("refused, not saved", {RAN_TO_ITS_END: (N, None), EXISTS: (N, 2)}),
        ("refused, not saved, a statement failed", {RAN_TO_ITS_END: (N, 3), EXISTS: (N, 3)}),
        ("refused, a statement failed", {RAN_TO_ITS_END: (N, 2), EXISTS: (N, 2)}),
        ("refused, it had run", {RAN_TO_ITS_END: (V, 1), SET_UP: (V, 2), EXISTS: (V, 2), WORKS: (V, 2)}),
        ("outdated", {RAN_TO_ITS_END: (N, 1), EXISTS: (N, 1)}),
        ("registered, outdated", {RAN_TO_ITS_END: (N, 2), EXISTS: (N, 2)}),
        ("refused, outdated", {RAN_TO_ITS_END: (N, 2), EXISTS: (N, 2)}),
        ("recording refused", {RAN_TO_ITS_END: (N, 1), EXISTS: (N, 1)}),
        ("unconfirmed", {EXISTS: (V, 1), WORKS: (N, 1)}),
        ("unverified", {RAN_TO_ITS_END: (V, 1), SET_UP: (N, None), EXISTS: (V, 1), WORKS: (V, 1)}),
    ],
)
def test_what_is_claimed(names: str, expected: dict[str, tuple[str, int | None]]) -> None:
    last = report(*names.split(", "))["runs"][-1]
    assert {one["claim"]: (one["state"], one["run"]) for one in last["verified"]} == expected


@pytest.mark.parametrize(
    ("names", "tone", "title"),
    [
        ("registered", "good", "Registered"),
        ("registered, already", "good", "Registered"),
        ("it had run", "good", "Registered"),
        ("edited", "good", "Updated"),
        ("perhaps another's", "good", "Found registered"),
        ("planned", "note", "Planned"),
        ("handed off", "care", "Handed off"),
        ("stated", "care", "Registered, in part only stated"),
        ("stated, already", "care", "Registered, in part only stated"),
        ("prepared", "care", "Registered, in part only stated"),
        ("unverified", "care", "Registered"),
        ("registered, does not work", "care", "Registered"),
        ("a statement failed", "bad", "Failed"),
        ("registered, lost answer", "bad", "Failed"),
    ],
)
def test_the_banner_is_green_only_if_all_was_seen(names: str, tone: str, title: str) -> None:
    text = page.render(report(*names.split(", ")))
    assert re.findall(r'<section class="banner (\w+)".*?<h2 id="status">(.*?)</h2>', text, re.DOTALL) == [(tone, title)]
    assert "<title>" in text and "registration report</title>" in text


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_end_is_a_page_with_all_that_remains(name: str) -> None:
    content = report(name)
    text = Page(page.render(content)).text
    last = content["runs"][-1]
    told = [*last["remaining"], *(one["how"] for one in last["verified"]), *(one["detail"] for one in last["steps"])]
    assert [sentence for sentence in told if sentence not in text] == []
    # Neither Immuta's messages nor the description of the connection.
    assert "hunter2" not in json.dumps(content)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            "registered",
            [
                *("Tenanthttps://t", "Platformacme.snowflakecomputing.com", "Reason or change numberCHG1", "Run byu"),
                *("Objects to be enabledNo", "ConfirmedNoOnly enabling objects", f"Plan (digest){'d' * 64}"),
                *("Immuta connection kNot thereThere", "Immuta integration 7Not thereEnabled"),
                *("Objects on the platform 0 of 1 there1 of 1 there", "Sign in", "sha256 of the script"),
                "Set-up script/s/k.setup.sql",
            ],
        ),
        (
            "confirmed",
            ["Objects to be enabledYes", "ConfirmedBy the name of the connection", "Approved byKimStated with"],
        ),
        ("perhaps another's", ["Whether this run or another one registered it is not known."]),
        ("perhaps another's, already", ["Run 1 found it registered, by that run or by another one."]),
        ("planned", ["ConfirmedNo", "which changed nothing", "0 of 1 thereNobody looked", "Review the plan"]),
        ("handed off", ["Handed over", "Nobody lookedNobody looked", "Its sha256 must be"]),
        ("a statement failed, resumed", ["In 2 runs.", "0 of 1 there1 of 1 there"]),
        ("resumed", ["1 of 1 there1 of 1 there"]),
        ("registered, already", ["Run 1 registered the connection. Run 2 checked again", "0 of 1 there1 of 1 there"]),
        ("already", [BY_OTHERS.format(1)]),
        ("registered, other host", [BY_OTHERS.format(2), "of a former connection"]),
        # A run that was killed wrote no report; the next one tells, once.
        ("killed while it ran", [KILLED, WHO, "0 of 1 there1 of 1 there"]),
        ("planned, killed while it ran", [KILLED, WHO, "Statements run2 of 2", "2025-12-31 23:00:01 UTC"]),
        ("planned, killed at its end", [KILLED, WHO, BY_OTHERS.format(2), "Statements run2 of 2"]),
        ("planned, killed at its end, already", [KILLED, BY_OTHERS.format(2), "Statements run2 of 2"]),
        (
            "registered, edited fields, already",
            [
                "Run 1 registered the connection. Run 2 edited it. Run 3 checked again",
                *("Edited by run 2 warehouseOLD_WHWH", "ConfirmedBy the name of the connectionRun 2."),
                f"Plan (digest){'e' * 64}Run 2.",
            ],
        ),
        (
            "edited, edited fields, edited",
            ["Edited by run 1 credentialNot told by Immuta", "Edited by run 2 warehouse"],
        ),
        ("edited, edited fields, edited, already", ["Runs 1, 2 and 3 edited it. Run 4 checked again"]),
        ("unconfirmed", ["The edit was not sent.", "The run stopped before the registration was complete."]),
        (
            "registered, unconfirmed",
            ["FailedThe last run stopped, and changed nothing.It stopped at", "Run 1 registered the connection."],
        ),
        (
            "registered, put back",
            ["after an edit that Immuta has put back", "The last run stopped, and changed nothing."],
        ),
        ("a statement failed, lost answer", ["The run stopped before the registration was complete."]),
        ("wrong account", [f"Account{ELSEWHERE}The wrong one: run 1 signed in there, and sent no statement"]),
        ("outdated", ["Nothing has run for this connection.", "0 of 2", "remove the set-up script and its journal"]),
        (
            "registered, a statement failed",
            ["Registered of a former connection, integration 7", "Immuta connection kNot thereNot there"],
        ),
    ],
)
def test_the_page_says(names: str, words: list[str]) -> None:
    text = "".join(line.strip("\n") for line in Page(page.render(report(*names.split(", ")))).text.split("\n"))
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    "names",
    [
        *("registered", "registered, already", "lost answer, after a lost answer", "a statement failed, resumed"),
        *("planned, registered", "registered, edited fields"),
        # What the journal has is what the run before has told.
        "told, killed at its end",
    ],
)
def test_nothing_is_unreported_that_a_run_tells(names: str) -> None:
    content = report(*names.split(", "))
    told = content["runs"][-1]["unreported"]
    assert told is None or (names.startswith("told") and told["statements"] == [])


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_is_other_peoples_stays_text(name: str) -> None:
    found = Page(page.render(hostile(report("registered", name))))
    assert HOSTILE in found.text
    assert "49" not in found.text.replace(HOSTILE, "")
    assert not {"script", "img", "iframe", "object", "embed"} & {tag for tag, _attributes in found.tags}
    assert not [name for _tag, attributes in found.tags for name in attributes if name.startswith("on")]


def test_statements_are_named_without_their_text() -> None:
    text = {"sql": "CREATE USER U PASSWORD='hunter2'", "text": "hunter2", "status": "done"}
    ran = {**RAN, "statements": [{**row, **text} for row in ROWS]}
    found = claims.run(Situation({}, done(ran=ran)).ended(), HERE, [])
    assert [row["status"] for row in found.statements] == ["done", "done"]
    assert "hunter2" not in str(found)


def test_nothing_is_good_that_is_only_stated() -> None:
    runs = [{"status": "updated", "verified": [{"state": "verified"}, {"state": "stated"}]}]
    assert pages.verdict(page.WORDING, {"runs": runs}) == {
        "status": "updated",
        "on_word": True,
        "tone": "care",
        "idle": False,
    }


def test_only_what_was_sent_was_read_again() -> None:
    how = {
        name: claims.in_immuta(SITUATIONS[name].ended())[0]["how"] for name in ("registered", "already", "unconfirmed")
    }
    again = "Read before, and read again until Immuta described it"
    assert how == {"registered": again, "already": "Read before", "unconfirmed": "Read before"}


def test_an_edit_leaves_the_enabling_of_objects_as_it_is() -> None:
    known = {
        names: {one.name: one.value for one in summary.summary(report(*names.split(", "))).facts}
        for names in ("confirmed", "confirmed, edited fields", "edited with settings")
    }
    assert [facts["Objects to be enabled"] for facts in known.values()] == ["Yes", "Yes", "No"]
