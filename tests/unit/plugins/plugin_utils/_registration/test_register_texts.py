# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role prints."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._registration import decisions, outcome, stops, texts
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._registration.situations import (
    DIFFERS,
    FINISHED,
    FOUND,
    NONE,
    OBJECT,
    RAN,
    REGISTERED,
    SAME,
    SHA,
    TIMING,
    TRIED,
    decided,
    done,
    read,
    script,
    there,
)

SAVED = f"1. Save the set-up script: done (/s/k.setup.sql, sha256 of the script {SHA})"
TITLE = 'Plan for registering the Immuta connection "k"'
WHAT = "Description: Snowflake, host acme.snowflakecomputing.com, warehouse WH, role R, database IMMUTA, user U"
TOP = [TITLE, WHAT]
CHECKS = (
    "Check mode: nothing is saved, run, registered, or edited. Looked up: the connection in Immuta, the sign-in to Snowflake. Immuta gets"
    " the credential to render the script, and to test the registration if it can."
)
UNKNOWN = "Can't be compared, because Immuta does not tell it: privateKey"
LAST = "3. Register the connection in Immuta, and wait until its integration works"
END = [LAST, texts.STAYS_OFF]
STATEMENTS = [
    "2. Run the script's 2 statements (0 have run), executor snowflake",
    "     1. line 3: CREATE DATABASE IMMUTA",
    "     2. line 4: CALL F   <- review: unusual",
]
WHERE = "Platform: acme.snowflakecomputing.com"


@pytest.mark.parametrize(
    ("given", "observed", "check_mode", "expected"),
    [
        (
            {},
            Observed(NONE, script(), tried=TRIED),
            False,
            [*TOP, SAVED, *STATEMENTS, WHERE, "Signed in: user ADMIN", "Not there, or not visible: DATABASE IMMUTA", *END],
        ),
        (
            {},
            Observed(NONE, script(exists=False), tried={"session": {"user": "ADMIN"}, "objects": None}),
            True,
            [
                *TOP,
                CHECKS,
                f"1. Save the set-up script: would be done (/s/k.setup.sql, {texts.ON_SAVING})",
                *STATEMENTS,
                WHERE,
                "Signed in: user ADMIN",
                "The platform was not checked for what the script creates: the script is not on the disk yet.",
                *END,
            ],
        ),
        ({}, Observed(NONE, script(execution=FINISHED)), False, [*TOP, SAVED, "2. Run the script: already done", *END]),
        (
            {"script_executed": True},
            Observed(NONE, script()),
            False,
            [*TOP, SAVED, "2. Record that the script was run by other means", *END],
        ),
        ({"executor": "handoff"}, Observed(NONE, script()), False, [*TOP, SAVED, STATEMENTS[0].replace("snowflake", "handoff"), *STATEMENTS[1:], *END]),
        (
            {"executor": "none"},
            Observed(NONE),
            False,
            [*TOP, "1. No set-up script: the platform has to be prepared already", "2. Nothing to run", *END],
        ),
        (
            {"executor": "none", "settings": {"is_active": True}},
            Observed(NONE),
            False,
            [
                *TOP,
                "1. No set-up script: the platform has to be prepared already",
                "2. Nothing to run",
                f'{LAST}. Not confirmed, so the run ends here: set immuta_register_confirm to "k"',
                texts.ENABLES,
            ],
        ),
        (
            {"reason": "CHG1"},
            there(SAME, found={**FOUND, "tenant": "https://t.example"}),
            True,
            [
                TITLE,
                "Tenant: https://t.example",
                "Reason: CHG1",
                WHAT,
                "Check mode: nothing is saved, run, registered, or edited. Looked up: the connection in Immuta.",
                "The connection exists, and is as described. Nothing to do.",
                UNKNOWN,
            ],
        ),
        (
            {},
            there(DIFFERS),
            False,
            [
                *TOP,
                "The connection exists. Edit it in Immuta, with the credential of its description:",
                "   warehouse: OLD_WH -> WH",
                f"   Digest of this plan: {SHA}",
                UNKNOWN,
                'Not confirmed, so nothing is edited: set immuta_register_confirm to "k"',
            ],
        ),
        (
            {"confirm": "k", "update_secrets": "always", "settings": {"is_active": True}},
            there({**DIFFERS, "differences": []}),
            False,
            [
                *TOP,
                "The connection exists. Edit it in Immuta, with the credential of its description:",
                "   Only the credential is sent (immuta_register_update_secrets=always)",
                f"   Digest of this plan: {SHA}",
                UNKNOWN,
                "Its settings are not compared: use the module immuta_connection_settings.",
            ],
        ),
    ],
)  # fmt: skip
def test_plan(given: dict[str, t.Any], observed: Observed, check_mode: bool, expected: list[str]) -> None:
    assert texts.plan(read(**given), observed, check_mode=check_mode) == expected


def lines(observed: Observed, **given: t.Any) -> list[str]:
    """What is printed in the end."""
    return texts.report(outcome.result(read(**given), observed, check_mode=False))


def test_report_of_a_registration() -> None:
    assert lines(done()) == [
        'Registration of "k": REGISTERED',
        "Immuta: the connection exists, its integration 7 is enabled, and it works",
        f"Script: /s/k.setup.sql (sha256 {SHA}), 2 of 2 statements have run",
        f"WARNING: {texts.REMOVE_IT}",
        "Platform: 1 of 1 objects there",
        "    1. done         CREATE DATABASE IMMUTA, query id q",
        "    2. done         CALL F, query id q",
    ]


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        (there(DIFFERS, registered={**DIFFERS, "changed": True}), "Changed: warehouse: OLD_WH -> WH"),
        (there(SAME), 'Registration of "k": ALREADY REGISTERED, nothing was changed'),
        (
            Observed(NONE, script(exists=False), decided()),
            "Script: /s/k.setup.sql, 0 of 2 statements have run",
        ),
        (there(SAME), "its integration 7 is enabled, and it works"),
        (done(removed={"changed": True}), "2 of 2 statements have run, and the script is removed"),
        (done(registered={**REGISTERED, "verified": False}), "its integration 7 is enabled, NOT VERIFIED"),
        (
            done(ran={**RAN, "objects": [{**OBJECT, "present": None, "how": "No."}]}),
            "0 of 1 objects there, 1 not visible",
        ),
        (done(ran={}, recorded={"execution": {"state": "finished"}}), "the script has run, but this is only stated"),
        (
            done(ran={}, registered={}, decided=decided(run="handoff", register=False)),
            "HANDED OFF, the set-up script is still to be run",
        ),
        (done(ran={}, registered={}, decided=decided(run="", register=False)), "Immuta: the connection does not exist"),
    ],
)
def test_report(observed: Observed, words: str) -> None:
    assert any(words in line for line in lines(observed)), lines(observed)


@pytest.mark.parametrize(
    ("state", "removed", "kept", "warning", "headline"),
    [
        (
            "finished",
            {},
            True,
            "The set-up script /s/k.setup.sql on h is removed by a run that has seen the connection work.",
            "ALREADY REGISTERED, nothing was changed",
        ),
        (
            # It was saved while another run registered the connection.
            "none",
            {},
            True,
            "A set-up script that has not run to its end is kept at /s/k.setup.sql on ",
            "ALREADY REGISTERED, nothing was changed",
        ),
        (
            "finished",
            {"changed": True, **TIMING},
            False,
            "",
            "ALREADY REGISTERED; the set-up script is removed, and nothing else",
        ),
    ],
)
def test_the_script_of_a_connection_that_is_there(
    state: str, removed: dict[str, t.Any], kept: bool, warning: str, headline: str
) -> None:
    saved = {"setup_scripts": [{"path": "/x/k.setup.sql", "state": state}], **TIMING}
    observed, known = there(SAME, former=saved, removed=removed), read(remove_script=True)
    assert decisions.removes_script(known, observed) is (state == "finished")
    assert stops.find(known, observed, {"settings": {}}, check_mode=False) is None
    result, said = texts.ended(known, observed, None, check_mode=False)
    assert headline in said[0]
    assert result["script"]["kept"] is kept
    assert [line.startswith(f"WARNING: {warning}") for line in said if "WARNING" in line] == ([True] if kept else [])
    assert bool(texts.left_over(known, observed)) is kept


def test_a_script_that_a_person_runs() -> None:
    found = texts.handoff(read(), Observed(NONE, script()))
    assert found[0] == "The set-up script of k is for you to run. It has NOT been run."
    assert "on acme.snowflakecomputing.com." in found[2]
    assert found[-1].startswith("Then rerun with immuta_register_script_executed=true")
