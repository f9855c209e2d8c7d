# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of many connections, its digest, and its way to the run that is approved."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

import pytest
import yaml

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.approval import Planned
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    CONFIG,
    DIGEST,
    HOSTS,
    OBJECTS,
    PLAN,
    ROWS,
    SHA,
    SITUATIONS,
)


def row(key: str, **fields: t.Any) -> dict[str, t.Any]:
    return {"connection_key": key, "status": "planned", "plan_digest": "a" * 64, "script_sha256": "b" * 64, **fields}


FULL = row(
    "prod",
    tenant="https://t.immuta.example",
    technology="Snowflake",
    integration_id=5,
    executor="snowflake",
    platform_hosts=["a.snowflakecomputing.com"],
    session={"account": "A", "user": "U"},
    reason=None,
    steps=[{"action": "delete_connection", "target": "prod", "effect": "all is removed"}],
    statements=[
        {
            **{"index": 1, "line": 2, "verb": "DROP", "object": "DATABASE", "name": "ÖL", "grantee": None},
            **{"unusual": False, "marks": []},
        }
    ],
    skip=[],
    objects=None,
    error=None,
)


# These stay for ever: approved plans wait in workflows. They were computed by another implementation of the same rules.
@pytest.mark.parametrize(
    ("connections", "expected"),
    [
        pytest.param([], "effc2e59da94fea1a7582e16385b43566c21333e57705b32bd4b96ca32406226", id="none"),
        pytest.param([row("prod")], "6f31d482a900dc6aa29cac2465b759814cb890573fe6a6ad553d56146637261b", id="one"),
        pytest.param([FULL], "1f0b9f20deec4bc676ed80b435484c66b89ca5a719d76a2be3a3873642be6954", id="all fields"),
        pytest.param(
            [row("b"), row("a", status="completed")],
            "508126e43cc9fc7b590173cb0ce6e5cb6f74269cd5bbae002f5a4db07b02b526",
            id="out of order",
        ),
        pytest.param(
            [row("a"), row("B"), row("A")],
            "95e2a3bc65142c1402ff0585b0253f7253a70ce40ae59a4b221530c049769542",
            id="case",
        ),
        pytest.param(
            [row("prod", plan_digest=None)],
            "1ed20145f3f7e94d682bc9a2053f34fb7ac3db550c1030ef9467cc735ffa8085",
            id="no deletion",
        ),
        pytest.param(
            [row("pröd ☃ 𝄞")], "4323ec018182f73fab6fe912638896b47b7e40e8734a3e893847fe83c404ada7", id="unicode"
        ),
        pytest.param(
            [row("100%+{{ x }}&?#~'\"\\")],
            "64380e633c90dc102362f2ee9fc98683c27c8a5802d38deffd0cedb5e680ed14",
            id="marks",
        ),
        pytest.param(
            [row("a\n b\t\x1b")], "c7028b6b274a577e794c47a8f7edfe2ce764be75b131e45acf48f84af48a7788", id="line break"
        ),
    ],
)
def test_digest(connections: list[dict[str, t.Any]], expected: str) -> None:
    assert approval.digest(connections) == expected
    assert approval.digest(json.loads(json.dumps(connections[::-1]))) == expected


RESULT = {
    "status": "planned",
    "tenant": "https://t",
    "technology": "Snowflake",
    "integration_id": 5,
    "executor": "snowflake",
    "platform_hosts": HOSTS,
    "session": {"account": "A", "user": "U", "role": "R"},
    "reason": "CHG1",
    "plan": PLAN,
    "skip": [{"statement": 2, "sha256": SHA, "reason": "gone"}],
    "objects": OBJECTS,
    "script": {"sha256": SHA, "statements": [{**ROWS[0], "grantee": None, "marks": ["USE"], "text": "USE ROLE"}]},
}
PLANNED = Planned(
    "k",
    "planned",
    "https://t",
    "Snowflake",
    5,
    "snowflake",
    None,
    HOSTS,
    {"account": "A", "user": "U", "role": "R"},
    "CHG1",
    DIGEST,
    [{"action": "delete_connection", "target": "k", "effect": "all is removed"}],
    SHA,
    [{**ROWS[0], "grantee": None, "marks": ["USE"]}],
    [{"statement": 2, "sha256": SHA, "reason": "gone"}],
    [{name: value for name, value in one.items() if name != "how"} for one in OBJECTS],
)


def fields(value: t.Any, *path: t.Any) -> t.Iterator[tuple[t.Any, ...]]:
    """The way to each value of a plan."""
    if isinstance(value, (dict, list)) and value:
        for name, field in value.items() if isinstance(value, dict) else enumerate(value):
            yield from fields(field, *path, name)
    else:
        yield path


@pytest.mark.parametrize("path", list(fields(dataclasses.asdict(PLANNED))), ids=lambda path: ".".join(map(str, path)))
def test_each_field_changes_the_digest(path: tuple[t.Any, ...]) -> None:
    changed = dataclasses.asdict(PLANNED)
    holder = changed
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = "other"
    assert approval.digest([changed]) != approval.digest([dataclasses.asdict(PLANNED)])


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(RESULT, PLANNED, id="to delete and to run"),
        pytest.param(
            {"status": "already_done", "plan": None, "script": {"sha256": None, "statements": []}},
            Planned("k", "already_done"),
            id="nothing to do",
        ),
        pytest.param(
            {"status": "planned", "objects": []}, Planned("k", "planned", objects=[]), id="looked, no objects"
        ),
        pytest.param({"status": "planned", "error": "old"}, Planned("k", "planned"), id="an error of no failure"),
        pytest.param(
            {"status": "failed", "error": "It broke."}, Planned("k", "failed", error="It broke."), id="failed"
        ),
        pytest.param(
            {"status": "failed"},
            Planned("k", "failed", error="The role ended without a result. The error is above."),
            id="without a reason",
        ),
        pytest.param(
            {}, Planned("k", "failed", error="The role ended without a result. The error is above."), id="never started"
        ),
    ],
)
def test_planned(result: dict[str, t.Any], expected: Planned) -> None:
    assert approval.planned("k", result) == expected


def test_a_plan_shows_a_regenerated_script_and_its_digest_covers_that() -> None:
    found = approval.planned("k", SITUATIONS["regenerated"].result)
    assert (found.script_source, found.integration_config) == ("regenerated", CONFIG)
    other = dataclasses.replace(found, script_source="immuta")
    assert approval.document([found], "now")["digest"] != approval.document([other], "now")["digest"]
    # Plans of older versions, which have neither, keep their digest.
    older = {
        name: value
        for name, value in dataclasses.asdict(PLANNED).items()
        if name not in ("script_source", "integration_config")
    }
    plan = {"format": 2, "connections": [older]}
    assert approval.mistake(plan, approval.digest([older])) == ""


def test_the_document_is_ordered_by_key_and_has_the_digest_of_its_connections() -> None:
    document = approval.document([Planned("b", "planned"), PLANNED, Planned("B", "failed")], "now")
    assert document["format"] == 2
    assert [connection["connection_key"] for connection in document["connections"]] == ["B", "b", "k"]
    assert document["digest"] == approval.digest(document["connections"])
    assert Planned(**json.loads(json.dumps(document))["connections"][2]) == PLANNED


TO_SKIP = [{"statement": number, "sha256": SHA, "reason": "gone"} for number in (3, 1)]


# Each row: what is another thing now, whether the connection exists, and the words that tell.
@pytest.mark.parametrize(
    ("changes", "exists", "expected"),
    [
        pytest.param({}, True, None, id="nothing"),
        pytest.param({"tenant": "https://u"}, True, ("the tenant", "https://t", "https://u"), id="tenant"),
        pytest.param({"tenant": "https://u"}, False, ("the tenant", "https://t", "https://u"), id="tenant, gone"),
        pytest.param({"tenant": "https://T/"}, True, None, id="the same tenant"),
        pytest.param({"tenant": None}, True, None, id="no tenant known"),
        pytest.param(
            {"platform_hosts": ["b", "c"]},
            True,
            ("the platform's hosts", "a.snowflakecomputing.com", "b and c"),
            id="hosts",
        ),
        pytest.param({"platform_hosts": []}, True, None, id="no host known"),
        pytest.param(
            {"session": {"account": "B", "user": "U"}}, True, ("the session's account", "A", "B"), id="account"
        ),
        pytest.param({"session": {"account": "A", "user": "V"}}, True, ("the session's user", "U", "V"), id="user"),
        pytest.param({"session": None}, True, None, id="not signed in"),
        pytest.param({"executor": "own"}, True, ("the executor", "snowflake", "own"), id="executor"),
        # What has run in part goes on as it was approved.
        pytest.param({"executor": "own"}, False, ("the executor", "snowflake", "own"), id="executor, gone"),
        pytest.param({"executor": None, "skip": TO_SKIP}, False, None, id="nothing to run any more"),
        pytest.param(
            {"task_file": {"path": "/o.yml", "sha256": "x"}},
            True,
            ("the task file", "none", "/o.yml (sha256 x)"),
            id="task file",
        ),
        pytest.param({"tenant": "https://t/A"}, True, ("the tenant", "https://t", "https://t/A"), id="another path"),
        pytest.param(
            {"skip": TO_SKIP}, True, ("the statements to leave out", "2", "1, 3"), id="other statements to leave out"
        ),
        pytest.param({"skip": []}, True, ("the statements to leave out", "2", "none"), id="none to leave out"),
        pytest.param({"skip": TO_SKIP}, False, ("the statements to leave out", "2", "1, 3"), id="to leave out, gone"),
        # The modules compare these, and people may say why in other words.
        pytest.param(
            {"plan_digest": "x", "script_sha256": "x", "reason": "x", "objects": None, "status": "x"},
            True,
            None,
            id="what is compared elsewhere",
        ),
    ],
)
def test_differences(changes: dict[str, t.Any], exists: bool, expected: tuple[str, str, str] | None) -> None:
    found = approval.differences(dataclasses.asdict(PLANNED), dataclasses.replace(PLANNED, **changes), exists=exists)
    assert found == (
        [
            f"Since the plan was approved, {expected[0]} changed from {expected[1]} to {expected[2]}. Change it"
            " back, or plan again and approve the new plan."
        ]
        if expected
        else []
    )


DATABASE = {
    "kind": "DATABASE",
    "name": "IMMUTA",
    "dropped": True,
    "present": True,
    "owner": "IMMUTA_SYSTEM",
    "created_on": "2026-01-01T10:00:00+00:00",
}


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ({}, {}, ""),
        ({}, {"owner": "SYSADMIN"}, "belonged to IMMUTA_SYSTEM, and belongs to SYSADMIN now"),
        (
            {},
            {"created_on": "2026-02-01T10:00:00+00:00"},
            "created on 2026-01-01T10:00:00+00:00, and has been created on 2026-02",
        ),
        # The same moment elsewhere.
        ({}, {"created_on": "2026-01-01T02:00:00-08:00"}, ""),
        ({"created_on": datetime.datetime(2026, 1, 1, 10, tzinfo=datetime.timezone.utc)}, {}, ""),
        (
            {"created_on": datetime.datetime(2026, 1, 1, 11, tzinfo=datetime.timezone.utc)},
            {},
            "had been created on 2026-01-01 11",
        ),
        ({"created_on": "then"}, {"created_on": "then"}, ""),
        ({"created_on": "then"}, {"created_on": "later"}, "created on then"),
        ({"present": False, "owner": None, "created_on": None}, {}, "the DATABASE IMMUTA was not there, and is now"),
        ({}, {"present": False, "owner": None, "created_on": None}, ""),
        ({"present": None, "owner": None}, {}, ""),
        ({}, {"owner": None}, ""),
        ({"dropped": False}, {"dropped": False, "owner": "SYSADMIN"}, ""),
        ({"name": "OTHER"}, {}, ""),
    ],
)
def test_what_has_taken_the_place_of_what_was_approved(
    was: dict[str, t.Any], now: dict[str, t.Any], words: str
) -> None:
    then = dataclasses.asdict(dataclasses.replace(PLANNED, objects=[{**DATABASE, **was}]))
    there = dataclasses.replace(PLANNED, objects=[{**DATABASE, **now}])
    found = approval.differences(then, there, exists=True)
    assert words in " ".join(found)
    assert bool(found) is bool(words)
    assert approval.differences(then, there, exists=False) == []


@pytest.mark.parametrize(
    "created",
    [
        "2026-01-01T10:00:00+00:00",
        "2026-01-01 03:00:00.125000-07:00",
        "2026-01-01 10:00:00",
        "2026-01-01",
        "lately",
        None,
    ],
)
def test_a_plan_that_yaml_has_read_has_the_same_digest(created: str | None) -> None:
    planned = approval.planned("k", {"status": "planned", "objects": [{**DATABASE, "created_on": created}]})
    plan = approval.document([planned], "2026-01-01T00:00:00Z")
    # As AWX hands it over: no quotes, and a tag that lets Ansible see what a text looks like.
    assert planned.objects is not None
    text = str(planned.objects[0]["created_on"])
    read = {**planned.objects[0], "created_on": yaml.safe_load(text) if created else None}
    handed_over = [{**plan["connections"][0], "objects": [read]}]
    assert approval.digest(handed_over) == plan["digest"]


def test_every_field_of_a_plan_is_compared_or_need_not_be() -> None:
    compared = {"tenant", "platform_hosts", "executor", "task_file", "skip", "session", "objects"}
    # By the modules, which are given the digest; all statements and their order are those of the script.
    digests = {
        "plan_digest",
        "script_sha256",
        "steps",
        "statements",
        "technology",
        "integration_id",
        "integration_config",
    }
    # What a run has of its own, or was a failure.
    own = {"connection_key", "status", "reason", "error", "script_source"}
    assert {field.name for field in dataclasses.fields(approval.Planned)} == compared | digests | own


def test_all_differences_are_named_at_once_and_statements_in_another_order_are_the_same() -> None:
    other = dataclasses.replace(
        PLANNED, tenant="https://u", platform_hosts=["b"], session={"host": "h", "account": "B"}
    )
    assert len(approval.differences(dataclasses.asdict(PLANNED), other, exists=True)) == 3
    there = dataclasses.replace(PLANNED, skip=TO_SKIP)
    now = dataclasses.replace(PLANNED, skip=TO_SKIP[::-1])
    assert approval.differences(dataclasses.asdict(there), now, exists=True) == []


GOOD = {"format": 2, "connections": [row("k", plan_digest=DIGEST, script_sha256=SHA)]}
RIGHT = approval.digest(GOOD["connections"])  # type: ignore[arg-type]
OTHER = f'but the digest of immuta_deregister_plan is "{RIGHT}".'
LOOK = " Review that plan, and approve it if it is right."
NO_PLAN = "immuta_deregister_plan is not a plan: it has no list of connections."


@pytest.mark.parametrize(
    ("plan", "approved", "words"),
    [
        pytest.param(GOOD, RIGHT, "", id="right"),
        pytest.param(GOOD, RIGHT.upper(), "", id="in capitals"),
        pytest.param({**GOOD, "digest": "x"}, RIGHT, "", id="the digest in the plan says nothing"),
        pytest.param({}, RIGHT, "there is no immuta_deregister_plan. Give the plan that was approved", id="no plan"),
        pytest.param(
            {**GOOD, "format": 1},
            RIGHT,
            "immuta_deregister_plan has the format 1, made by another version of this collection; this version takes"
            " 2. Plan again, and approve the new plan.",
            id="format 1",
        ),
        pytest.param({"connections": []}, RIGHT, "has the format None", id="no format"),
        pytest.param({"immuta_deregister_plan": GOOD}, RIGHT, NO_PLAN, id="one too deep"),
        pytest.param({"format": 2}, "x", NO_PLAN, id="no connections"),
        pytest.param({"format": 2, "connections": ["k"]}, "x", NO_PLAN, id="keys for connections"),
        pytest.param(GOOD, "x", f'immuta_deregister_approved is "x", {OTHER}{LOOK}', id="another digest"),
        pytest.param(
            GOOD,
            DIGEST,
            f"{OTHER} The given digest is that of one deletion (plan_digest), not of the plan.{LOOK}",
            id="of a deletion",
        ),
        pytest.param(
            GOOD,
            SHA.upper(),
            f"{OTHER} The given digest is that of one script (script_sha256), not of the plan.{LOOK}",
            id="of a script",
        ),
    ],
)
def test_mistake(plan: dict[str, t.Any], approved: str, words: str) -> None:
    found = approval.mistake(plan, approved)
    assert words in found
    assert bool(found) is bool(words)


@pytest.mark.parametrize(
    ("plan", "key", "expected"),
    [
        pytest.param({"connections": [row("a"), row("k")]}, "k", row("k"), id="found"),
        pytest.param({"connections": [row("a")]}, "k", None, id="not there"),
        pytest.param({"connections": [row("K")]}, "k", None, id="another case"),
        pytest.param({"connections": []}, "k", None, id="empty"),
        pytest.param({"connections": None}, "k", None, id="no connections"),
        pytest.param({}, "k", None, id="no plan"),
        pytest.param({"connections": [{}]}, "k", None, id="no key"),
        pytest.param({"connections": ["k"]}, "k", None, id="keys for connections"),
    ],
)
def test_find(plan: dict[str, t.Any], key: str, expected: dict[str, t.Any] | None) -> None:
    assert approval.find(plan, key) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("{{ x }}", {"__ansible_unsafe": "{{ x }}"}, id="expression"),
        pytest.param("{% x %}", {"__ansible_unsafe": "{% x %}"}, id="statement"),
        pytest.param({"{{ k }}": ["{#", 5]}, {"{{ k }}": [{"__ansible_unsafe": "{#"}, 5]}, id="nested"),
        pytest.param([None, True, 1.5, "}"], [None, True, 1.5, "}"], id="not a template"),
    ],
)
def test_without_templates(value: t.Any, expected: t.Any) -> None:
    assert approval.without_templates(value) == expected


def test_a_plan_that_awx_has_handed_on_has_the_same_digest() -> None:
    # Its YAML has an empty text, which is read as nothing.
    row = {"index": 1, "name": "", "grantee": None, "marks": []}
    result = {"status": "planned", "script": {"sha256": SHA, "statements": [row]}}
    (connection,) = approval.document([approval.planned("k", result)], "now")["connections"]
    assert connection["statements"] == [{**row, "name": None}]
    given = {**connection, "statements": [row], "reason": ""}
    assert approval.digest([given]) == approval.digest([connection])


def test_a_plan_that_holds_a_connection_twice_is_refused() -> None:
    document = approval.document([Planned("k", "planned", "https://t"), Planned("k", "planned", "https://u")], "now")
    assert 'contains the connection "k" more than once' in approval.mistake(document, document["digest"])
