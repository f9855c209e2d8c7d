# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each run that wrote no report is told apart, with what it ran and who ran it; nobody is named for another one's run."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._evidence import unreported

ACT = "deletion"
Row = dict[str, t.Any]


def answer(index: int, day: int, **more: t.Any) -> Row:
    second = f"2026-01-{day:02d}T10:00:{index:02d}"
    return {"index": index, "query_id": f"q{index}", "started": f"{second}.000Z", "ended": f"{second}.500Z", **more}


def sent(user: str | None, day: int, first: int, last: int) -> Row:
    """A run, as the journal has it. A statement's start is noted before it is sent."""
    session = user and {"user": user}
    ends = {"started": f"2026-01-{day:02d}T10:00:{first:02d}.001+00:00"}
    return {**ends, "ended": f"2026-01-{day:02d}T10:00:{last:02d}.500+00:00", "session": session}


def told(*rows: Row) -> list[Row]:
    return [{"number": 1, "statements": [{**row, "status": "done"} for row in rows]}]


ALICES = [answer(index, 1) for index in range(1, 6)]
BOBS = [answer(index, 5) for index in range(6, 9)]
ALICE, BOB = sent("ALICE", 1, 1, 5), sent("BOB", 5, 6, 8)
BY_ALICE = "it ran 5 of 27 statements (2026-01-01 10:00:01 to 10:00:05 UTC). Its session: ALICE."
BY_BOB = "it ran 3 of 27 statements (2026-01-05 10:00:06 to 10:00:08 UTC). Its session: BOB."
NOBODY = "it ran {} of 27 statements ({} UTC)."


@pytest.mark.parametrize(
    ("answers", "journal", "reported", "expected"),
    [
        pytest.param([*ALICES, *BOBS], [ALICE, BOB], [], [BY_ALICE, BY_BOB], id="two runs"),
        pytest.param([*ALICES, *BOBS], [ALICE, BOB], told(*BOBS), [BY_ALICE], id="the second has told"),
        pytest.param([*ALICES, *BOBS], [ALICE, BOB], told(*ALICES), [BY_BOB], id="the first has told"),
        pytest.param([*ALICES, *BOBS], [ALICE, BOB], told(*ALICES, *BOBS), [], id="both have told"),
        pytest.param(ALICES, [ALICE], [], [BY_ALICE], id="one run"),
        pytest.param(ALICES, [ALICE, BOB], [], [BY_ALICE], id="another one has run nothing that counts"),
        pytest.param(
            [*ALICES, *BOBS],
            [sent(None, 1, 1, 5), BOB],
            [],
            [NOBODY.format(5, "2026-01-01 10:00:01 to 10:00:05"), BY_BOB],
            id="a session that is not known",
        ),
        pytest.param(
            [*ALICES, *BOBS],
            [BOB],
            [],
            [BY_BOB, NOBODY.format(5, "2026-01-01 10:00:01 to 10:00:05")],
            id="a run that is not known",
        ),
        pytest.param(
            [answer(1, 1, started=None, ended=None)],
            [ALICE],
            [],
            ["it ran 1 of 27 statements."],
            id="without times",
        ),
        pytest.param(
            BOBS,
            [BOB, sent("EVE", 5, 1, 9)],
            [],
            [NOBODY.format(3, "2026-01-05 10:00:06 to 10:00:08")],
            id="two that may have run it",
        ),
    ],
)
def test_each_run_without_a_report_has_its_own_sentence(
    answers: list[Row], journal: list[Row], reported: list[Row], expected: list[str]
) -> None:
    found = unreported.earlier({"total": 27, "answers": answers, "runs": journal}, reported, ACT, acted=False)
    said = unreported.sentences([{"number": 2, "unreported": found}], lambda session: session["user"], ACT, by_run)
    start = "An earlier run ended without a report. By the journal beside the script, "
    assert said == [f"{start}{one}" for one in expected]
    if found is not None:
        assert found["session"] is None or [found["session"]["user"]] == [
            name for name in ("ALICE", "BOB") if any(name in one for one in expected)
        ]
        assert sorted(found["statements"]) == sorted(index for one in found["runs"] for index in one["statements"])


def by_run(run: Row) -> str:
    return f"by run {run['number']}"


def test_a_report_that_does_not_tell_them_apart_is_told_as_it_is() -> None:
    times = {"started": ALICES[0]["started"], "ended": ALICES[-1]["ended"], "session": {"user": "ALICE"}}
    old = {"statements": [1, 2, 3, 4, 5], "total": 27, **times, ACT: True}
    said = unreported.sentences([{"number": 3, "unreported": old}], lambda one: one["user"], ACT, by_run)
    assert [one.rpartition("script, ")[2] for one in said] == [BY_ALICE, "by run 3"]
    nothing = {**old, "statements": [], "session": None, "started": None, "ended": None}
    assert unreported.sentences([{"number": 3, "unreported": nothing}], str, ACT, by_run) == ["by run 3"]
