# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a statement; which ones others need is in C(test_outcome)."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import statements


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
