# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a run stopped, and what to do then."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import names
from ansible_collections.community.immuta.plugins.plugin_utils._registration import settings, stops, texts, words
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._registration.situations import (
    DIFFERS,
    FINISHED,
    NONE,
    SHOWN,
    TIMING,
    TRIED,
    decided,
    done,
    read,
    script,
    there,
)


def failed(code: str = "", **more: t.Any) -> dict[str, t.Any]:
    """The result of a task that failed."""
    return {"failed": True, "msg": "No.", **({"failure": {"code": code}} if code else {}), **more}


PART = {"statements": [{"index": 1, "status": "done"}, {"index": 2, "status": "failed"}], **TIMING}
# Each row: what was observed, the task, whether Ansible has shown it, and words of what is printed.
ROWS = [
    (Observed(failed()), "Look for the connection", True, "NEXT: Fix the cause and rerun"),
    (Observed(NONE, failed("permission")), "Save the set-up script", True, "NEXT: Grant the key's owner"),
    (Observed(NONE, failed("authentication")), "Save the set-up script", True, "NEXT: Set IMMUTA_API_KEY"),
    (Observed(failed("transport")), "Look for the connection", True, "NEXT: Check that IMMUTA_URL"),
    (
        Observed(failed("unfit_secret")),
        "Look for the connection",
        True,
        "NEXT: Check the option or the environment variable",
    ),
    (
        Observed(NONE, script(), decided(), failed("login_failed")),
        "Sign in to Snowflake, and look at what the script would create",
        True,
        "SNOWFLAKE_USER, and SNOWFLAKE_PASSWORD",
    ),
    (
        Observed(NONE, script(), decided(), failed("platform_unreachable")),
        "Sign in to Snowflake, and look at what the script would create",
        True,
        "NEXT: Check the address. For Snowflake: SNOWFLAKE_ACCOUNT",
    ),
    (
        Observed(NONE, script(), failed()),
        "Decide what to do",
        True,
        "DONE: the set-up script is saved at /s/k.setup.sql.",
    ),
    (
        Observed(NONE, script(), failed("split_error")),
        "Decide what to do",
        True,
        "NEXT: Without a change, it would stop here again. Hand the script to a person with immuta_register_executor=handoff.",
    ),
    (
        Observed(NONE, failed("refused")),
        "Save the set-up script",
        True,
        "DONE: nothing in this run.\nNOT DONE: the set-up script has not run to its end; the connection is not registered; nothing shows"
        " that the connection works.\nNEXT: Do what is said above, then rerun.",
    ),
    (
        Observed(NONE, script(), decided(), failed("objects_exist")),
        "Sign in to Snowflake, and look at what the script would create",
        True,
        "To continue all the same, set immuta_register_existing_objects to accept.",
    ),
    (
        Observed(NONE, script(), decided(), TRIED, SHOWN, ran={**failed("statement_failed"), **PART}),
        "Run the script on Snowflake",
        True,
        "rerun with immuta_register_state=undone, and immuta_register_confirm set to the key.",
    ),
    (
        Observed(NONE, script(), decided(), TRIED, SHOWN, ran={**failed("unknown_outcome"), **PART}),
        "Run the script on Snowflake",
        True,
        "immuta_register_on_unknown=rerun",
    ),
    (
        done(registered=failed("registration_unknown", registered=None)),
        "Register the connection",
        True,
        "NOT DONE: it is not known whether the connection is registered; nothing shows that the connection works.",
    ),
    (
        done(registered=failed("already_exists", registered=False)),
        "Register the connection",
        True,
        "the way out that is named",
    ),
    (
        there(
            DIFFERS,
            registered=failed("confirmation_required", msg="The option confirm is missing. Set update_secrets."),
        ),
        "Register the connection",
        True,
        "In this role, the option confirm is immuta_register_confirm, update_secrets is immuta_register_update_secrets.",
    ),
    (
        there({**DIFFERS, "verified": False}, registered=failed("confirmation_required", verified=False, **TIMING)),
        "Register the connection",
        True,
        "DONE: the connection exists in Immuta.\nNOT DONE: the edit was not sent.\nNEXT: Review the plan.",
    ),
    (
        there(DIFFERS, registered=failed("rolled_back", rolled_back=True, verified=False, **TIMING)),
        "Register the connection",
        True,
        "NOT DONE: the connection is not edited, since Immuta has put back what was there before.",
    ),
    (
        done(script=script(execution=FINISHED), shown=failed(), ran={}, registered={}),
        "Show the plan",
        True,
        "NOT DONE: the set-up script has not run for this connection; the connection is not registered;",
    ),
    (
        done(script=script(execution=FINISHED), shown=failed(), ran={}, registered={}),
        "Show the plan",
        True,
        "NEXT: If the connection was removed, remove the set-up script and its journal with the module immuta_setup_script",
    ),
    (
        there(failed("refused")),
        "Compare the connection with its description",
        True,
        "DONE: the connection exists in Immuta.",
    ),
    (there({}), "Compare the connection with its description", False, "another host failed"),
    (there(DIFFERS), "Register the connection", False, "NOT DONE"),
    (done(removed=failed()), "Remove the set-up script", True, "DONE: the set-up script is saved"),
    (done(removed=failed()), "Remove the set-up script", True, "NOT DONE: the set-up script is not removed."),
    (Observed(), "Look for the connection", False, "another host failed"),
    (Observed(NONE, script()), "Decide what to do", False, "NOT DONE: the set-up script has not run to its end"),
    (Observed(NONE, script(), former=failed()), "Look for a clean-up script of an earlier registration", True, "NEXT"),
    (
        done(decided=decided(forget=True)),
        "Remove the clean-up script of an earlier registration",
        False,
        "another host failed",
    ),
    (done(tried={}), "Sign in to Snowflake, and look at what the script would create", False, "NEXT"),
    (done(shown={}), "Show the plan", False, "NEXT"),
    (done(ran={}), "Run the script on Snowflake", False, "NEXT"),
    (done(ran=TIMING), "Run the script on Snowflake", False, "NEXT"),
    (done(decided=decided(run="record"), ran={}), "Record that the script has run", False, "NEXT"),
    (done(registered={}), "Register the connection", False, "NOT DONE: the connection is not registered"),
]


@pytest.mark.parametrize(("observed", "task", "shown", "words"), ROWS)
def test_where_it_stopped(observed: Observed, task: str, shown: bool, words: str) -> None:
    stop = stops.find(read(), observed, {"settings": {}}, check_mode=False)
    assert stop is not None
    assert (stop.task, stop.shown) == (task, shown)
    assert words in "\n".join(texts.stopped(read(), observed, stop))


def test_variables_that_are_wrong() -> None:
    stop = stops.find(None, Observed(), {"failed": True, "msg": "A.\nB."}, check_mode=False)
    assert stop is not None
    assert texts.stopped(None, Observed(), stop) == [
        'Stopped at "Validate the variables": A.',
        "B.",
        "DONE: nothing; no request was sent.",
        "NEXT: Correct what is named above, and rerun.",
    ]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_run_that_came_to_its_end(check_mode: bool) -> None:
    assert stops.find(read(), done(), {"settings": {}}, check_mode=check_mode) is None
    assert stops.find(read(), done(ran=TIMING), {"settings": {}}, check_mode=True) is None


def test_what_another_run_has_registered_is_not_to_be_taken_back() -> None:
    said = {
        code: stops.advice(stops.Stop("x", failed(code)), done()) for code in ("plan_changed", "registration_failed")
    }
    assert "immuta_register_state=undone" in said["registration_failed"]
    assert said["plan_changed"].endswith("Rerun, and review the new plan.")


def test_advice_names_only_variables_of_the_role() -> None:
    for code in {*stops.ADVICE, *stops.OWN_ADVICE}:
        said = stops.advice(stops.Stop("x", failed(code)), Observed())
        assert set(re.findall(r"immuta_(?:de)?register_\w+", said)) <= set(settings.options()), code


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("The option confirm is missing.", "confirm is immuta_register_confirm"),
        ("Set snowflake.key_pair.username.", "snowflake is immuta_register_snowflake"),
        ("Raise wait_timeout for large platforms.", "wait_timeout is immuta_register_wait_timeout"),
        ("leave out settings.is_active", "settings is immuta_register_settings"),
        ("set existing_objects=accept", "existing_objects is immuta_register_existing_objects"),
        ("With verify=false it is taken", "verify is immuta_register_verify"),
        ("The option path is relative.", "path is immuta_register_script_path"),
        ("The connection 'prod snowflake' is on acme.snowflakecomputing.com.", ""),
        ("immuta_register_update_secrets", ""),
    ],
)
def test_the_variables_of_options_are_named(message: str, named: str) -> None:
    assert words.variables(message) == (f"In this role, the option {named}." if named else "")


def test_the_words_for_options_and_for_the_other_role_are_as_the_tasks_have_them() -> None:
    variables = set(settings.options())
    assert {f"immuta_register_{name}" for name in words.OPTIONS.values()} <= variables
    assert {one for said in words.OTHERS.values() for one in re.findall(r"immuta_\w+", said)} <= variables | {"immuta"}
    undone = (Path(settings.ROLE) / "tasks" / "undone.yml").read_text("utf-8")
    given = set(re.findall(r"^ +(immuta_deregister_\w+):", undone, re.M))
    # The path that is given has the folder in it.
    named = {name for name in words.OTHERS if name.startswith("immuta_")} - {"immuta_deregister_script_dir"}
    assert given - {"immuta_deregister_result"} == named


def test_where_a_registration_is_taken_back_nothing_of_the_other_role_is_named() -> None:
    for said, meant in words.OTHERS.items():
        assert names.reworded({"msg": [f"{said}."]}, words.OTHERS) == {"msg": [f"{meant}."]}
        # A part of another word is none.
        assert " " in said or names.reworded(f"x{said}", words.OTHERS) == f"x{said}"
    assert names.reworded({"n": 1, "on": True}, words.OTHERS) == {"n": 1, "on": True}
