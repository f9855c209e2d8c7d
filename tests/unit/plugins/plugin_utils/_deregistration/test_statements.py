# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a statement; which ones others need is in C(test_outcome)."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import statements
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import SHA, read


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"verb": "DROP", "object": "DATABASE", "name": "IMMUTA"}, "DROP DATABASE IMMUTA"),
        ({"verb": "CALL", "object": None, "name": "P"}, "CALL P"),
        ({"verb": "BEGIN", "object": None, "name": None}, "BEGIN"),
        ({}, ""),
        (
            {
                **{"verb": "REVOKE", "privileges": "SELECT, INSERT", "object": "TABLE", "name": "A.B"},
                **{"grantee": "ROLE R", "action": "CASCADE"},
            },
            "REVOKE SELECT, INSERT ON TABLE A.B FROM ROLE R CASCADE",
        ),
        (
            {"verb": "ALTER", "object": "TABLE", "name": "A.B", "privileges": "", "action": "UNSET TAG T"},
            "ALTER TABLE A.B UNSET TAG T",
        ),
        ({"verb": "DROP", "object": "USER", "name": '"{{ x }}\n; %s\x1b[2J"'}, 'DROP USER "{{ x }}\n; %s\x1b[2J"'),
    ],
    ids=["full", "no object", "verb only", "nothing", "privileges", "action", "hostile"],
)
def test_label(row: dict[str, t.Any], expected: str) -> None:
    assert statements.label(row) == expected


ROWS = [
    {"index": 1, "line": 2, "verb": "USE", "object": "ROLE", "name": "R"},
    {"index": 2, "line": 4, "verb": "DROP", "object": "ROLE", "name": "X"},
    {"index": 3, "line": 5, "verb": "DROP", "object": "USER", "name": "Y"},
]
SCRIPT = {"sha256": SHA, "technology": "Snowflake", "statements": ROWS}


@pytest.mark.parametrize(
    ("skipped", "sha256", "expected"),
    [
        ([], "a", "Run the whole script, in order, in one session, as an administrator of Snowflake on h."),
        ([2], "b", "Run the whole script, in order, in one session, as an administrator of Snowflake on h."),
        (
            [2, 3],
            "A",
            "Run the script without these statements: 2. DROP ROLE X (line 4), 3. DROP USER Y (line 5). Run the others in order, in"
            " one session, as an administrator of Snowflake on h.",
        ),
    ],
)
def test_how_to_run(skipped: list[int], sha256: str, expected: str) -> None:
    skip = [{"statement": index, "sha256": sha256 * 64, "reason": "r"} for index in skipped]
    assert statements.how_to_run(read(skip=skip), SCRIPT, " on h") == expected


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ({}, []),
        ({2: "dropped by hand"}, []),
        (
            {1: "r", 2: "the integration 7 needs it", 3: "the integration 7 needs it"},
            [
                "Left to others, and not run: 2. DROP ROLE X, 3. DROP USER Y (the integration 7 needs it). When nobody needs it any"
                " more, have a person run them by hand."
            ],
        ),
    ],
)
def test_what_is_left_to_others_is_for_later(left: dict[int, str], expected: list[str]) -> None:
    assert statements.for_later(left, ROWS) == expected
