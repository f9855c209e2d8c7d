# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of many connections, its digest, and its way to the run that is approved."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.approval import Planned
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    DIGEST,
    ROWS,
    SHA,
)


def row(
    key: str, status: str = "planned", plan: str | None = "a" * 64, script: str | None = "b" * 64
) -> dict[str, t.Any]:
    return {"connection_key": key, "status": status, "plan_digest": plan, "script_sha256": script}


# These stay for ever: approved plans wait in workflows.
@pytest.mark.parametrize(
    ("connections", "expected"),
    [
        pytest.param([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", id="none"),
        pytest.param([row("prod")], "852201c80b313025c55c8115058a5f0f14946a2ffa468e2d1c2443fe9f4d84ab", id="one"),
        pytest.param(
            [row("b"), row("a", "completed")],
            "7bd86ed711df40d4ada018733609dc0f0f39ce7087289f46ea6a5bea2ae4f529",
            id="out of order",
        ),
        pytest.param(
            [row("a"), row("B"), row("A")],
            "c8828b39b13fe7079f7fbf7d765e6bdab4cc0d82df14b9722ab2ec8e884a40ce",
            id="case",
        ),
        pytest.param(
            [row("prod", plan=None)],
            "605448dbb39f1c23f081f13bd8fae1a7170f5432a430201e1cad52bb6f05693a",
            id="no deletion",
        ),
        pytest.param(
            [row("prod", "already_done", None, None)],
            "2299cc76d3390c2463a25d3f209e8c56c946ee2fdcfa6aafba6f0edfe4c864dd",
            id="nothing to do",
        ),
        pytest.param(
            [row("prod", "failed", None, None)],
            "d2f68f09d00446b25631677ba2596357125ccdab940d4029f8b39ec7399a8d2e",
            id="failed",
        ),
        pytest.param(
            [row("prod snowflake")], "2d01483a06a7dd8cbed6e013b41bf7b61acdd8898b0aa5004a8f2ab6444d43de", id="space"
        ),
        pytest.param([row("eu/prod")], "2ff9a2558acbab285f7914654e5df7df042d35f116e8a160e2d3d360799eaa1a", id="slash"),
        pytest.param([row("pröd ☃")], "10ea527b1b648da0891961b10fc48bd5153a5d994a33b043a9db506d8f77a362", id="unicode"),
        pytest.param(
            [row("100%+{{ x }}&?#~'\"")],
            "1e4c7bbd54cc911436c33e948dbcaa55c207a0ba3ed03325ca0ff79ead0611fc",
            id="marks",
        ),
        pytest.param(
            [row("a\n b\t")], "ccac7ad46f9a35f157e4d28b79efee4ada64723d0fbe10a858ecc01a356f7595", id="line break"
        ),
        pytest.param(
            [{**row("prod"), "technology": "Snowflake", "statements": 3, "error": None}],
            "852201c80b313025c55c8115058a5f0f14946a2ffa468e2d1c2443fe9f4d84ab",
            id="other fields don't matter",
        ),
    ],
)
def test_digest(connections: list[dict[str, t.Any]], expected: str) -> None:
    assert approval.digest(connections) == expected


@pytest.mark.parametrize("field", ["connection_key", "status", "plan_digest", "script_sha256"])
def test_each_field_that_matters_changes_the_digest(field: str) -> None:
    assert approval.digest([{**row("prod"), field: "other"}]) != approval.digest([row("prod")])


RESULT = {
    "status": "planned",
    "technology": "Snowflake",
    "integration_id": 5,
    "executor": "snowflake",
    "plan": {"digest": DIGEST},
    "script": {"sha256": SHA, "statements": ROWS},
}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(
            RESULT, Planned("k", "planned", "Snowflake", 5, "snowflake", DIGEST, SHA, 3), id="to delete and to run"
        ),
        pytest.param(
            {"status": "already_done", "plan": None, "script": {"sha256": None, "statements": []}},
            Planned("k", "already_done"),
            id="nothing to do",
        ),
        pytest.param({"status": "planned", "error": "old"}, Planned("k", "planned"), id="an error of no failure"),
        pytest.param(
            {"status": "failed", "error": "It broke."}, Planned("k", "failed", error="It broke."), id="failed"
        ),
        pytest.param(
            {"status": "failed"}, Planned("k", "failed", error="A variable is wrong, see above."), id="without a reason"
        ),
        pytest.param({}, Planned("k", "failed", error="A variable is wrong, see above."), id="never started"),
    ],
)
def test_planned(result: dict[str, t.Any], expected: Planned) -> None:
    assert approval.planned("k", result) == expected


def test_the_document_is_ordered_by_key_and_has_the_digest_of_its_connections() -> None:
    document = approval.document([Planned("b", "planned"), Planned("a", "planned"), Planned("B", "failed")])
    assert document["format"] == 1
    assert [connection["connection_key"] for connection in document["connections"]] == ["B", "a", "b"]
    assert document["digest"] == approval.digest(document["connections"])


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
