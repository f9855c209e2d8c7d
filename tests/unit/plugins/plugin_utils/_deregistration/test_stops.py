# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a run has stopped, read from the answers, and what helps then."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.community.immuta.plugins.module_utils import _failure
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import decisions, stops
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import AGAIN, ANEW, ELSEWHERE, Stop
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    BROKEN,
    DONE,
    EMPTY,
    FINISHED,
    GO,
    HANDED_AT,
    LOST,
    NO_SCRIPT,
    PARTIAL,
    PLANNED,
    RECORDED,
    REFUSED,
    ROLE,
    SITUATIONS,
    SKIPPED,
    TRIED,
    deleted,
    failed,
    gone,
    ran,
    read,
    script,
)

Given = dict[str, t.Any]
CHECKED: Answer = {"settings": {}}
OWN = {**GO, "executor": "/o.yml"}
SAID_SO = {**GO, "script_executed": True}
UNREACHABLE: Answer = {"unreachable": True, "msg": "timed out"}
SHOWN: Answer = {"msg": []}
NAMES = {name: task.format("Snowflake") for name, task in stops.TASKS.items()}
LOOKS = {"preflight": "snowflake", "way": "look"}, {"look_again": "snowflake", "way": "look"}


def find(given: Given, observed: Observed, *, check_mode: bool = False) -> Stop | None:
    return stops.find(read(**given), observed, CHECKED, check_mode=check_mode)


def seen(given: Given, answer: Answer, *, check_mode: bool = False, **more: t.Any) -> Observed:
    """What was observed of a script that was decided on, and of which the plan was shown."""
    observed = Observed(answer, **more)
    decision = dataclasses.asdict(decisions.decide(read(**given), observed, check_mode=check_mode))
    stages = {"decided": {"decision": decision}, "shown": SHOWN}
    return dataclasses.replace(observed, **{name: more.get(name, answer) for name, answer in stages.items()})


def untimed(answer: Answer) -> Answer:
    """An answer of which the times were masked."""
    return {name: value for name, value in answer.items() if name != "timing"}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("answer", [REFUSED, UNREACHABLE], ids=["failed", "unreachable"])
@pytest.mark.parametrize(("name", "task"), NAMES.items(), ids=NAMES)
def test_every_task_that_answers_can_fail(name: str, task: str, answer: Answer, check_mode: bool) -> None:
    observed = seen(GO, script(), tried=TRIED, deleted=deleted(), ran=DONE, recorded=RECORDED)
    broken = dataclasses.replace(observed, **{name: answer})
    assert find(GO, broken, check_mode=check_mode) == Stop(task, answer)


@pytest.mark.parametrize("name", stops.TASKS)
def test_the_names_are_those_of_the_tasks(name: str) -> None:
    tasks = {
        one["name"]
        for path in (ROLE / "tasks").rglob("*.yml")
        for listed in yaml.safe_load(path.read_text(encoding="utf-8"))
        for one in (listed, *listed.get("block", ()))
    }
    for task in (stops.TASKS[name], stops.LOOK):
        assert {task.format(platform) for platform in ("Snowflake", "Databricks")} <= tasks


@pytest.mark.parametrize("decision", LOOKS)
def test_a_look_has_a_name_of_its_own(decision: Answer) -> None:
    observed = Observed(script(), tried=REFUSED, decided={"decision": {"executor": "handoff", **decision}})
    assert find(GO, observed) == Stop("Look on Snowflake for what the script removes", REFUSED)


def test_a_run_goes_on_without_a_look_that_nobody_has_asked_for() -> None:
    tried = {"failed": False, "msg": "Refused."}
    decided = {"decision": {"preflight": "snowflake", "way": "look", "optional": True}}
    assert find(GO, Observed(script(), tried=tried, decided=decided, shown=SHOWN)) is None
    stopped = find(GO, Observed(script(), decided=decided, shown=SHOWN))
    assert stopped and stopped.task == "Look on Snowflake for what the script removes"


def test_the_first_failure_is_the_one_that_counts() -> None:
    observed = seen(GO, script(), tried=TRIED, deleted=REFUSED, ran=BROKEN)
    assert find(GO, observed) == Stop("Delete the connection", REFUSED)


@pytest.mark.parametrize(
    ("name", "given", "more"),
    [
        ("planned", {}, {"tried": TRIED, "planned": PLANNED, "deleted": SKIPPED}),
        ("completed", GO, {"tried": TRIED, "planned": SKIPPED, "deleted": deleted(), "ran": DONE}),
        ("recorded by own tasks", OWN, {"deleted": deleted(), "recorded": RECORDED, "handed_at": HANDED_AT}),
        ("handed off", {**GO, "executor": "handoff"}, {"deleted": deleted()}),
    ],
)
def test_a_run_that_has_come_to_its_end(name: str, given: Given, more: Given) -> None:
    assert find(given, seen(given, script(), **more)) is None, name


@pytest.mark.parametrize(
    "answer", [gone(execution=FINISHED), LOST, gone(statements=[], empty=True)], ids=["finished", "lost", "empty"]
)
def test_a_run_that_has_nothing_to_do(answer: Answer) -> None:
    assert find(GO, seen(GO, answer, deleted=SKIPPED)) is None


@pytest.mark.parametrize("answer", [NO_SCRIPT, EMPTY], ids=["no script", "empty"])
def test_a_run_that_has_only_to_delete(answer: Answer) -> None:
    assert find(GO, seen(GO, answer, deleted=deleted())) is None


# Nothing has failed, and yet the run has stopped: any_errors_fatal with another host's failure, or a masked answer.
@pytest.mark.parametrize(
    ("given", "answer", "more", "task"),
    [
        pytest.param(GO, {}, {}, "script", id="not begun"),
        pytest.param(GO, script(), {"decided": {}, "shown": {}}, "decided", id="before the decision"),
        pytest.param(GO, script(), {"shown": {}}, "tried", id="before the trial"),
        pytest.param(GO, script(), {"tried": untimed(TRIED)}, "tried", id="the trial masked"),
        pytest.param({}, script(), {"tried": TRIED, "shown": {}}, "planned", id="before the plan"),
        pytest.param({}, script(), {"tried": TRIED, "planned": untimed(PLANNED)}, "planned", id="the plan masked"),
        pytest.param(GO, script(), {"tried": TRIED, "shown": {}}, "shown", id="before it was shown"),
        pytest.param(GO, script(), {"tried": TRIED}, "deleted", id="before the deletion"),
        pytest.param(GO, script(), {"tried": TRIED, "deleted": SKIPPED}, "deleted", id="the deletion skipped"),
        pytest.param(
            GO, script(), {"tried": TRIED, "deleted": untimed(deleted())}, "deleted", id="the deletion masked"
        ),
        pytest.param(
            GO, script(), {"tried": TRIED, "deleted": deleted(verified=False)}, "deleted", id="not seen to be gone"
        ),
        pytest.param(GO, script(), {"tried": TRIED, "deleted": deleted()}, "ran", id="before the script"),
        pytest.param(GO, gone(execution=PARTIAL), {}, "ran", id="gone, before the script"),
        pytest.param(GO, gone(execution=PARTIAL), {"ran": {**DONE, "journal": {}}}, "ran", id="the journal masked"),
        pytest.param(
            GO,
            gone(execution=PARTIAL),
            {"ran": ran("done not_run not_run", state="partial")},
            "ran",
            id="between two runs",
        ),
        pytest.param(GO, gone(), {}, "tried", id="gone, before the trial"),
        pytest.param(SAID_SO, gone(), {}, "recorded", id="before the record"),
        pytest.param(OWN, gone(), {}, "recorded", id="before own tasks"),
        pytest.param(OWN, gone(), {"recorded": untimed(RECORDED)}, "recorded", id="the record masked"),
    ],
)
def test_a_run_that_was_ended_from_elsewhere(given: Given, answer: Answer, more: Given, task: str) -> None:
    assert find(given, seen(given, answer, **more)) == Stop(NAMES[task], {"msg": ELSEWHERE}, shown=False)


# What Ansible's own tasks have failed at, Ansible has shown.
@pytest.mark.parametrize(
    ("given", "observed", "task", "words"),
    [
        pytest.param(
            {"script_in_artifact": True, "scripts": {"k": "YQ=="}},
            Observed(),
            "Save the clean-up script",
            stops.NOT_BEGUN,
            id="the script could not be restored",
        ),
    ],
)
def test_what_other_tasks_have_shown(given: Given, observed: Observed, task: str, words: str) -> None:
    assert find(given, observed) == Stop(task, {"msg": words})


def test_a_task_of_the_users_own_was_rescued_for_the_report() -> None:
    failure = {"failed": True, "msg": "Own."}
    found = find(OWN, seen(OWN, gone(), handed_at=HANDED_AT, own=failure))
    assert found == Stop("Run the script with the tasks of /o.yml", failure, shown=False)


def test_no_message_of_others_forges_a_line() -> None:
    assert Stop("Save the clean-up script", {"msg": "a\nNEXT: b\x1b[2K"}).message == r"a\nNEXT: b\x1b[2K"


@pytest.mark.parametrize(
    ("given", "answer", "more", "task"),
    [
        pytest.param(
            GO,
            script(exists=False),
            {
                "tried": TRIED,
                "deleted": deleted(verified=False, deleted_objects=None),
                "ran": ran("not_run", state="none"),
            },
            None,
            id="all looked at",
        ),
        pytest.param(GO, gone(execution=PARTIAL), {"ran": untimed(DONE)}, None, id="masked, and finished"),
        pytest.param(GO, gone(execution=PARTIAL), {"ran": untimed(ran("not_run", state="none"))}, "ran", id="masked"),
        pytest.param(GO, script(), {"tried": TRIED}, "deleted", id="before the deletion"),
    ],
)
def test_check_mode(given: Given, answer: Answer, more: Given, task: str | None) -> None:
    found = find(given, seen(given, answer, check_mode=True, **more), check_mode=True)
    assert (found and found.task) == (task and NAMES[task])


@pytest.mark.parametrize(
    ("settings", "checked", "observed", "shown"),
    [
        pytest.param(True, {"failed": True, "msg": "Wrong."}, Observed(), True, id="mistakes"),
        pytest.param(False, {"failed": True, "msg": "Wrong."}, Observed(), True, id="not read"),
        # Without a failure, as with --start-at-task, it must not end green.
        pytest.param(False, {"msg": "In the middle."}, Observed(), False, id="entered in the middle"),
        pytest.param(
            False, {"msg": "In the middle."}, Observed(decided=REFUSED), True, id="in the middle, and refused"
        ),
    ],
)
def test_the_check(settings: bool, checked: Answer, observed: Observed, shown: bool) -> None:
    found = stops.find(read() if settings else None, observed, checked, check_mode=False)
    assert found == Stop("Validate the variables", checked, shown=shown)
    assert found.advice == "Correct what is named above, and rerun."


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ({"msg": "One."}, "One."),
        ({"msg": ["One.", "Two."]}, "One. Two."),
        ({}, "no message"),
        ({"msg": 5}, "5"),
        ({"msg": [5]}, "5"),
    ],
)
def test_the_message(failure: Answer, message: str) -> None:
    assert Stop("Task", failure).message == message


WAIT = "wait until what is named above responds"
STILL = "Without a change, it would stop here again."
# Words of what helps, by code. What a person has to do first is said by the message, for those of the last row.
ADVICE = {
    WAIT: "deadline server rate_limited busy wait_timeout locked look_failed",
    "immuta_url (the option url) is the tenant's address": "transport",
    "immuta_ca_path": "tls",
    "immuta_url (the option url) to the tenant's real address": "redirect",
    "open immuta_url": "api_missing",
    "immuta_url, snowflake_host, or databricks_host": "unexpected_reply",
    "set immuta_api_key (the option api_key) to a valid": "authentication",
    "grant the key's owner": "permission",
    "snowflake_user, and snowflake_password": "login_failed",
    "snowflake_account, and snowflake_host": "platform_unreachable",
    "the value may be cut off or mistyped. if it is complete, change this secret where it was made": "unfit_secret",
    "do what is said above, then rerun.": "refused integration_shared",
    "set or install": "configuration invalid_option missing_library",
    "approve the new plan": "script_changed plan_changed",
    "sign in to the connection's own platform": "wrong_platform platform_unknown objects_missing",
    "find out on the platform whether the statement ran": "unknown_outcome",
    "sign in as named above": "session_changed",
    "list the statements that are not needed": "session_lost",
    "leave it out with immuta_deregister_skip": "statement_failed",
    "immuta_deregister_executor=handoff": "split_error transaction_open",
    "set immuta_deregister_confirm": "confirmation_mismatch confirmation_required",
    "set immuta_deregister_empty_script": "empty_script",
    "correct the key if it is misspelt": "script_lost",
    "look at both connections in immuta as an administrator": "wrong_object",
    "report it": "bug check_mode_write",
    "check what is still there": "objects_left",
    AGAIN.lower(): (
        "failure immuta_error not_found already_exists invalid_request"
        " ambiguous_key script_unknown no_cleanup_script contradiction script script_missing"
        " script_not_saved not_own journal"
        # Of a module that the role doesn't use.
        " rolled_back credential_refused validation_failed not_verified rotation_unknown sync_failed objects_exist objects_not_made"
        " registration_failed registration_refused registration_unknown script_started script_unfinished"
    ),
}
SIMILAR = {**LOST, "failure": {**LOST["failure"], "similar_keys": ["K"]}}
# Where the same run can't come any further.
STUCK = (
    "script_changed plan_changed wrong_platform platform_unknown objects_missing unknown_outcome session_lost session_changed"
    " split_error transaction_open empty_script script_lost bug check_mode_write"
)


def codes() -> set[str]:
    """Every code that a module can fail with."""
    sources = [path.read_text(encoding="utf-8") for path in Path(_failure.__file__).parent.rglob("*.py")]
    return {code for source in sources for code in re.findall(r"""\bcode(?:: str)? ?= ?"(\w+)"[,)\n]""", source)}


def test_every_code_has_its_row() -> None:
    assert sorted(code for row in ADVICE.values() for code in row.split()) == sorted(codes())
    assert set(stops.ADVICE) < codes()


@pytest.mark.parametrize(("code", "words"), [(code, words) for words, row in ADVICE.items() for code in row.split()])
def test_the_advice_fits_the_cause(code: str, words: str) -> None:
    advice = Stop("Run the script", failed(code)).advice
    assert words in advice.lower()
    assert (STILL in advice) is (code in STUCK.split())
    # The same again is the advice only where waiting helps.
    assert ("Rerun the same" in advice) is (words == WAIT or code == "transport")
    if code in ("wrong_object", "bug", "check_mode_write", "script_changed", "plan_changed"):
        assert "rerun" not in advice


@pytest.mark.parametrize(
    ("observed", "advice"),
    [
        # What the stage that decides refuses has no code, but what it goes by has one.
        (Observed(LOST, decided={"failed": True, "msg": "Not found."}), stops.ADVICE["script_lost"]),
        (Observed(SIMILAR, decided={"failed": True, "msg": "Not found."}), stops.MISSPELT),
        (Observed(script(), decided={"failed": True, "msg": "No host."}), AGAIN),
        (Observed(script(), decided={**failed("split_error"), "msg": "A quote is open."}), stops.BY_HAND),
        (Observed(script(), decided=SHOWN, shown={**failed("plan_changed"), "msg": "They differ."}), ANEW),
        (Observed(script(), decided=SHOWN, shown={}), AGAIN),
        (Observed({**REFUSED, "failure": None}), AGAIN),
        (SITUATIONS["a statement failed"].all_observed, stops.ADVICE["statement_failed"]),
    ],
    ids=[
        "lost",
        "misspelt",
        "an obstacle",
        "an open quote",
        "not what was approved",
        "ended from elsewhere",
        "no code",
        "a statement failed",
    ],
)
def test_the_advice_for_what_the_role_refuses(observed: Observed, advice: str) -> None:
    found = find(GO, observed)
    assert found
    assert found.advice == advice
