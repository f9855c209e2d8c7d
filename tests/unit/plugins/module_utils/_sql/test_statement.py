# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A statement refers to its part of the script, and shows neither its body nor its literals."""

from __future__ import annotations

from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

SCRIPT = "-- first\nUSE ROLE a;\nALTER USER IF EXISTS b SET PASSWORD = 'a secret';"
USE = Statement(SCRIPT, "snowflake", 1, 9, 10, 2)
ALTER = Statement(SCRIPT, "snowflake", 2, 21, 48, 3)


def test_a_part_of_a_script() -> None:
    assert (USE.text, USE.end, USE.verb, USE.kind, USE.name) == ("USE ROLE a", 19, "USE", "ROLE", "A")
    assert ALTER.text == SCRIPT[21:-1]
    assert (USE.is_session, USE.is_repeatable, USE.is_bound) == (True, True, False)
    assert (ALTER.is_session, ALTER.is_repeatable, ALTER.is_bound) == (False, False, False)


def test_what_results_hold() -> None:
    assert ALTER.describe() == {
        "index": 2,
        "line": 3,
        "start": 21,
        "length": 48,
        "verb": "ALTER",
        "object": "USER",
        "name": "B",
        "grantee": "",
        "privileges": "",
        "action": "SET PASSWORD",
        "session": False,
        "repeatable": False,
        "unusual": True,
        "marks": ["changes USER B: SET"],
    }
    assert "secret" not in repr(ALTER)
