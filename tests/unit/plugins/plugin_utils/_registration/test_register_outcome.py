# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outcome of a run, from what the modules have answered."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._registration import outcome
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._registration.situations import (
    FINISHED,
    FOUND,
    NONE,
    OBJECT,
    RAN,
    REGISTERED,
    ROWS,
    SHA,
    TIMING,
    decided,
    done,
    read,
    script,
)

EDITED = {**REGISTERED, "registered": False}
LOST = {"failed": True, "registered": None, **TIMING}


@pytest.mark.parametrize(
    ("observed", "check_mode", "status", "exists"),
    [
        (done(), False, "registered", True),
        (done(), True, "planned", True),
        (done(found=FOUND, script={}, ran={}, registered=EDITED), False, "updated", True),
        (
            done(found=FOUND, script={}, ran={}, registered={**EDITED, "changed": False}),
            False,
            "already_registered",
            True,
        ),
        (done(ran={}, registered={}, decided=decided(run="", register=False)), False, "planned", False),
        (done(ran={}, registered={}, decided=decided(run="handoff", register=False)), False, "handed_off", False),
        (done(ran={}, registered={}, decided=decided(run="handoff", register=False)), True, "planned", False),
        (done(ran={}, registered={"skipped": True}, decided=decided(run="", register=False)), False, "planned", False),
        # No more is said than the module says.
        (
            done(registered={**REGISTERED, "registered": None, "connection": {"key": "k"}}),
            False,
            "found_registered",
            True,
        ),
        (done(registered={**EDITED, "connection": {"key": "k"}}), False, "already_registered", True),
        (done(registered=LOST), False, "found_registered", None),
        (done(registered={**LOST, "registered": False}), False, "already_registered", False),
        # Another run has, or may have, registered it.
        (done(registered={**LOST, "registered": None, "connection": {"key": "k"}}), False, "found_registered", True),
        (Observed(), False, "planned", None),
    ],
)
def test_status(observed: Observed, check_mode: bool, status: str, exists: bool | None) -> None:
    assert (outcome.status(observed, check_mode=check_mode), observed.exists_now) == (status, exists)


@pytest.mark.parametrize(
    ("observed", "ran", "stated", "counts"),
    [
        (Observed(NONE, script()), False, False, (0, 2)),
        (done(), True, False, (2, 2)),
        (Observed(NONE, script(execution=FINISHED)), True, False, (2, 2)),
        (Observed(NONE, script(execution={**FINISHED, "done": 0})), True, True, (0, 2)),
        (Observed(NONE, script(), recorded={"execution": {"state": "finished"}}), True, True, (0, 2)),
        (
            done(ran={"statements": [{**ROWS[0], "status": "done"}, {**ROWS[1], "status": "failed"}]}),
            False,
            False,
            (1, 2),
        ),
        (
            done(
                paused=[{"statements": [{**ROWS[0], "status": "done"}]}],
                ran={**RAN, "statements": [{**ROWS[0], "status": "skipped"}, {**ROWS[1], "status": "done"}]},
            ),
            True,
            False,
            (2, 2),
        ),
    ],
)
def test_what_has_run(observed: Observed, ran: bool, stated: bool, counts: tuple[int, int]) -> None:
    assert (observed.script_ran, observed.stated, observed.counts) == (ran, stated, counts)


def test_the_result() -> None:
    found = outcome.result(read(), done(), check_mode=False)
    expected: dict[str, t.Any] = {
        "status": "registered",
        "verified": True,
        "script_executed": True,
        "executor": "snowflake",
    }
    assert {name: found[name] for name in expected} == expected
    script_ = found["script"]
    assert (script_["path"], script_["sha256"], script_["kept"], script_["done"]) == ("/s/k.setup.sql", SHA, True, 2)
    assert [row["status"] for row in script_["statements"]] == ["done", "done"]
    assert not outcome.result(read(), done(removed={"changed": True, **TIMING}), check_mode=False)["script"]["kept"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, None, None),
        ([OBJECT], None, [(False, None)]),
        ([OBJECT], [{**OBJECT, "present": True}], [(False, True)]),
        (None, [{**OBJECT, "present": True}], [(None, True)]),
        ([], [], []),
    ],
)
def test_objects_before_and_after(before: t.Any, after: t.Any, expected: t.Any) -> None:
    found = Observed(tried={"objects": before}, ran={"objects": after}).objects
    assert (found if found is None else [(row["present"], row["after"]) for row in found]) == expected
