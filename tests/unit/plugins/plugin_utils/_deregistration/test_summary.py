# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The top of the report: who, what, where, when, why, before, and after."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval, claims
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import summary as summaries
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import REPORT
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import report as evidence
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.origin import Origin
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    DIGEST,
    DONE,
    GO,
    HERE,
    OBJECTS,
    PINNED,
    SHA,
    SITUATIONS,
    SKIPPED,
    TRIED,
    Situation,
    deleted,
    script,
)

JOB = {"system": "AWX", "job": "7", "name": None, "workflow": None, "user": "alice", "revision": None}
ENTRY = {"connection_key": "k", "plan_digest": DIGEST, "script_sha256": SHA}
APPROVED = {"plan": {"format": 2, "connections": [ENTRY]}, "approved": approval.digest([ENTRY])}
BY_PLAN = Situation(APPROVED, SITUATIONS["completed"].observed)
LOGIN = "Login on the controller c."
NO_JOB = "Only jobs of AWX, GitHub Actions, and GitLab CI name their user."
REPEATED = "No plan was approved. The connection key was repeated to confirm."
SESSION = {"account": "XY1", "user": "U", "role": "R"}


def by(**changes: t.Any) -> Origin:
    return dataclasses.replace(HERE, by={**HERE.by, **changes})


def summary(*runs: tuple[Situation, Origin]) -> summaries.Summary:
    found: evidence.Report | None = None
    for situation, origin in runs:
        found = evidence.append(REPORT, found, "k", claims.run(situation.ended, origin, found["runs"] if found else []))
    assert found
    return summaries.summary(found)


def facts(*runs: tuple[Situation, Origin]) -> dict[str, tuple[str | None, str, bool]]:
    return {one.name: (one.value, one.note, one.unproven) for one in summary(*runs).facts}


def changes(*names: str) -> list[tuple[str, str, str, str]]:
    found = summary(*((SITUATIONS[name], HERE) for name in names))
    return [(f"{one.what} {one.name}".strip(), one.before, one.after, one.tone) for one in found.changes]


@pytest.mark.parametrize(
    ("situation", "origin", "expected"),
    [
        (
            SITUATIONS["completed"],
            HERE,
            {
                "Tenant": ("https://t", "", False),
                "Platform": ("a.snowflakecomputing.com", "", False),
                "Reason or change number": (None, "", False),
                "Asked by": (None, NO_JOB, False),
                "Run by": ("u", LOGIN, False),
                "When": ("2026-01-01 00:00:00 to 00:01:00 UTC", "Run 1.", False),
                "Approved by": (None, REPEATED, False),
            },
        ),
        (
            SITUATIONS["completed"],
            by(user="root", sudo_user="bob"),
            {"Run by": ("bob (with sudo as root)", LOGIN, False)},
        ),
        (
            BY_PLAN,
            by(automation=JOB),
            {
                "Asked by": ("alice", "Started AWX job 7.", False),
                "Run by": ("u", "Login on the controller c, in AWX job 7.", False),
                "Approved by": (None, "See AWX job 7.", True),
                "Approved plan (digest)": (APPROVED["approved"], "", False),
            },
        ),
        (BY_PLAN, HERE, {"Approved by": (None, "The login u gave the digest.", True)}),
        (
            Situation({**BY_PLAN.given, "approver": " Kim\nLee"}, BY_PLAN.observed),
            by(automation=JOB),
            {"Approved by": ("Kim Lee", "Stated with immuta_deregister_approver. See AWX job 7.", True)},
        ),
        (
            Situation({**GO, "approver": "Kim Lee"}, SITUATIONS["completed"].observed),
            HERE,
            {
                "Approved by": (
                    "Kim Lee",
                    "Stated with immuta_deregister_approver. No plan was approved. The connection key was repeated to confirm.",
                    True,
                )
            },
        ),
        (
            SITUATIONS["completed, pinned"],
            HERE,
            {
                "Approved by": (None, "The login u gave the digest.", True),
                "Approved deletion (digest)": (DIGEST, "", False),
            },
        ),
        (
            Situation({**GO, "expected_sha256": SHA, "reason": "CHG 1"}, SITUATIONS["completed"].observed),
            HERE,
            {"Approved script (digest)": (SHA, "", False), "Reason or change number": ("CHG 1", "", False)},
        ),
        (
            Situation(PINNED, SITUATIONS["planned, pinned"].observed),
            HERE,
            {
                "Account": (None, "No run in this report has signed in to the platform.", False),
                "Approved by": (None, "The removal was not confirmed.", False),
                "When": ("2026-01-01 00:00:00 to 00:01:00 UTC", "Run 1, which deleted and ran nothing.", False),
            },
        ),
        (
            Situation(GO, Observed(script(), {**TRIED, "session": SESSION}, SKIPPED, deleted(), ran=DONE)),
            HERE,
            {"Account": (None, "", False)},
        ),
        (
            Situation(
                GO, Observed(script(), TRIED, SKIPPED, deleted(), ran={**DONE, "session": {**SESSION, "host": "h"}})
            ),
            HERE,
            {"Account": ("XY1", "", False)},
        ),
        (
            Situation(GO, Observed(script(), TRIED, SKIPPED, deleted(), ran={**DONE, "session": {"host": "h"}})),
            HERE,
            {"Account": ("h", "", False)},
        ),
    ],
    ids=[
        *("by name", "sudo", "AWX", "plan", "plan, approver", "name, approver", "pinned", "script"),
        *("planned", "no account", "account", "host"),
    ],
)
def test_facts(situation: Situation, origin: Origin, expected: dict[str, tuple[str | None, str, bool]]) -> None:
    found = facts((situation, origin))
    assert {name: found.get(name) for name in expected} == expected


def test_all_who_ran_a_part_of_it_are_named_and_who_only_planned_or_looked_is_not() -> None:
    found = facts(
        (SITUATIONS["planned, pinned"], by(user="planner", controller="p")),
        (SITUATIONS["a statement failed"], by(user="first")),
        (SITUATIONS["resumed"], by(user="second", controller="d")),
        (SITUATIONS["already done"], by(user="visitor")),
    )
    assert found["Run by"][:2] == ("first, second", "Login on the controller c, d.")
    assert found["When"][1] == "In 2 runs."


def test_an_earlier_removal_of_the_same_key_is_left_out() -> None:
    old, new = by(user="old"), by(user="new")
    found = facts(
        (Situation({**GO, "reason": "Old"}, SITUATIONS["completed"].observed), old),
        (SITUATIONS["planned, pinned"], new),
        (SITUATIONS["completed"], new),
        (SITUATIONS["already done"], new),
    )
    assert (found["Run by"][0], found["Reason or change number"][0]) == ("new", None)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["completed"],
            [
                ("Immuta connection k", "There", "Gone", "good"),
                ("Immuta integration 5", "Not known", "Not known", "care"),
                ("Immuta objects below it", "4", "Deleted", "good"),
                ("Objects on the platform", "1 of 3 there", "Nobody looked", "care"),
            ],
        ),
        (
            ["a statement failed", "resumed", "already done"],
            [
                ("Immuta connection k", "There", "Gone", "good"),
                ("Immuta integration 5", "Not known", "Not known", "care"),
                ("Immuta objects below it", "4", "Deleted", "good"),
                ("Objects on the platform", "1 of 3 there", "Nobody looked", "care"),
            ],
        ),
        (
            ["planned, pinned"],
            [
                ("Immuta connection k", "There", "There", "calm"),
                ("Immuta integration 5", "Not known", "Not known", "calm"),
                ("Objects on the platform", "Nobody looked", "Nobody looked", "calm"),
            ],
        ),
        (["already done"], [("Immuta connection k", "There", "Gone", "good")]),
        (["lost"], [("Immuta connection k", "Not there", "Not there", "good")]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value[0], str) else "",
)
def test_before_and_after(names: list[str], expected: list[tuple[str, str, str, str]]) -> None:
    assert changes(*names)[: len(expected)] == expected


ONE = {**OBJECTS[0], "after": False}


@pytest.mark.parametrize(
    ("objects", "before", "after", "tone"),
    [
        ([ONE, {**ONE, "name": "S"}], "2 of 2 there", "2 gone", "good"),
        ([ONE, {**ONE, "after": True}], "2 of 2 there", "1 gone, 1 still there", "care"),
        ([ONE, {**ONE, "present": None}], "1 of 2 there", "1 gone, 1 not certain", "care"),
        ([ONE, {**ONE, "after": None, "after_how": "No."}], "2 of 2 there", "1 gone, 1 not certain", "care"),
        ([ONE, {**ONE, "dropped": False, "after": True}], "1 of 1 there", "1 gone", "good"),
        ([], "Nobody looked", "Nobody looked", "care"),
        (None, "Nobody looked", "Nobody looked", "care"),
    ],
)
def test_objects_on_the_platform(objects: t.Any, before: str, after: str, tone: str) -> None:
    run = dataclasses.asdict(claims.run(SITUATIONS["completed"].ended, HERE, []))
    found = summaries.summary({"runs": [{**run, "objects": objects}]}).changes[-1]
    assert (found.before, found.after, found.tone) == (before, after, tone)


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_report_of_an_older_version_is_summarized(name: str) -> None:
    run = dataclasses.asdict(claims.run(SITUATIONS[name].ended, HERE, []))
    for field in ("confirmed_by", "reason", "immuta", "objects", "platform_hosts", "session", "integration_config"):
        del run[field]
    del run["approved"]["plan"]
    found = {one.name: one.value for one in summaries.summary({"runs": [{**run, "confirmed": True}]}).facts}
    assert (found["Reason or change number"], found["Platform"], found["Account"]) == (None, None, None)
