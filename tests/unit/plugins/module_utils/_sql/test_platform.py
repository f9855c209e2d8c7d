# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a platform's query history says about a statement in doubt."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Doubt, Found, Record

OLD, NEW = "community.immuta/0123456789ab/00000001", "community.immuta/0123456789ab/00000002"
DROPPED = "DROP DATABASE D"
SECRET = "ALTER USER U SET PASSWORD = 'new'"


def record(text: str, outcome: t.Any = "done", tag: str = OLD, query_id: str = "q1", own: bool = False) -> t.Any:
    return Record(query_id, text, outcome, tag, own)


BEFORE, PRESENT = record("USE ROLE R", query_id="q0"), record("SELECT 1", tag=NEW, query_id="q9", own=True)
NEVER = Found("never")


@pytest.mark.parametrize(
    ("about", "records", "found"),
    [
        ({}, [BEFORE, record(DROPPED), PRESENT], Found("done", "q1")),
        ({}, [record(DROPPED + " ;\n", "failed")], Found("failed", "q1")),
        ({}, [record(DROPPED, "running")], Found("running", "q1")),
        # Of another run, or another statement of the journal.
        ({}, [BEFORE, record(DROPPED, tag=NEW), PRESENT], NEVER),
        ({"others": {"q1"}}, [BEFORE, record(DROPPED), PRESENT], NEVER),
        ({}, [record(DROPPED), record(DROPPED, query_id="q2")], None),
        # What is missing is believed from a history only that reaches back, and that is as new as the present run.
        ({}, [BEFORE, PRESENT], NEVER),
        ({}, [record("SELECT 1", own=True), PRESENT], NEVER),
        ({}, [BEFORE], None),
        ({}, [PRESENT], None),
        ({}, [], None),
        # One that can't be told from it.
        ({}, [BEFORE, record("DROP DATABASE ****"), PRESENT], None),
        (
            {"text": SECRET},
            [BEFORE, record("ALTER USER U SET PASSWORD = '****'"), PRESENT],
            Found("done", "q1"),
        ),
        ({"text": SECRET}, [BEFORE, record("ALTER ****"), record("ALTER ****", query_id="q2"), PRESENT], None),
        # Known by its id.
        ({"query_id": "q7"}, [record("anything", "failed", query_id="q7")], Found("failed", "q7")),
        ({"query_id": "q7"}, [BEFORE, record(DROPPED), PRESENT], None),
    ],
    ids=str,
)
def test_what_a_history_tells_of_a_statement(
    about: dict[str, t.Any], records: list[t.Any], found: Found | None
) -> None:
    doubt = {
        "text": DROPPED,
        "tag": OLD,
        "time": "2026-01-01T00:00:00+00:00",
        "query_id": None,
        "others": (),
        "other_texts": ["USE ROLE R"],
        "dialect": "snowflake",
    }
    assert Doubt(**{**doubt, **about}).found(records, NEW) == found
