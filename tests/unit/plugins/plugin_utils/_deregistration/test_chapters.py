# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which runs of a report are about one removal."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import chapters, claims, page
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import summary as summaries
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    CONFIG,
    DONE,
    FINISHED,
    GO,
    HERE,
    REFUSED,
    SITUATIONS,
    SKIPPED,
    TRIED,
    Situation,
    deleted,
    gone,
    script,
)

OTHER = {"integration_id": 7}
AGAIN = Situation({**GO, "reason": "Later"}, Observed(script(**OTHER), TRIED, SKIPPED, deleted(), ran=DONE))
ASIDE = {"kept": "/s/k.sql.finished-abcabcabcabc", "kept_finished": True}
REGENERATED = gone(source="regenerated", integration_config=CONFIG)


def history(*situations: Situation) -> list[Answer]:
    runs: list[Answer] = []
    for one in situations:
        runs.append(dataclasses.asdict(claims.run(one.ended, HERE, runs)))
    return runs


COMPLETED, FAILED = SITUATIONS["completed"], SITUATIONS["a statement failed"]


@pytest.mark.parametrize(
    ("situations", "expected"),
    [
        pytest.param([COMPLETED, SITUATIONS["already done"]], [1, 1], id="looked again"),
        pytest.param([FAILED, SITUATIONS["resumed"]], [1, 1], id="resumed"),
        pytest.param([COMPLETED, SITUATIONS["nothing known"], SITUATIONS["already done"]], [1, 1, 1], id="not reached"),
        pytest.param([COMPLETED, AGAIN], [1, 2], id="another integration"),
        pytest.param([FAILED, AGAIN], [1, 2], id="another integration, the former one unfinished"),
        pytest.param([COMPLETED, AGAIN, COMPLETED], [1, 2, 3], id="and once more"),
        pytest.param([COMPLETED, COMPLETED], [1, 2], id="the connection is there again"),
        pytest.param(
            [COMPLETED, SITUATIONS["planned, pinned"], COMPLETED, SITUATIONS["already done"]],
            [1, 2, 2, 2],
            id="planned",
        ),
        pytest.param(
            [Situation(GO, Observed(REFUSED), REFUSED), Situation(GO, Observed(script(**ASIDE)))],
            [1, 2],
            id="set aside",
        ),
        pytest.param(
            [SITUATIONS["planned, pinned"], Situation(GO, Observed(script(**ASIDE)))], [1, 1], id="its own plan"
        ),
        pytest.param(
            [SITUATIONS["planned, pinned"], Situation(GO, Observed(script(kept="/s/k.sql.1")))], [1, 1], id="kept"
        ),
        pytest.param([COMPLETED, Situation({}, Observed(REGENERATED, {}, SKIPPED, SKIPPED))], [1, 2], id="regenerated"),
    ],
)
def test_each_removal_is_a_chapter(situations: list[Situation], expected: list[int]) -> None:
    runs = history(*situations)
    assert [run["chapter"] for run in runs] == expected
    assert [run["number"] for run in chapters.current(runs)] == [
        place for place, chapter in enumerate(expected, 1) if chapter == expected[-1]
    ]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([("completed", 5, None), ("already_done", 5, False)], [1, 1]),
        (
            [("completed", 5, True), ("already_done", 5, False), ("failed", None, False), ("completed", 5, True)],
            [1, 1, 1, 2],
        ),
        ([("completed", 5, True), ("completed", 7, True)], [1, 2]),
        ([("completed", 5, None), ("planned", 5, None), ("completed", 5, None)], [1, 2, 2]),
        ([("completed", 5, None), ("failed", None, None)], [1, 2]),
    ],
)
def test_chapters_of_reports_without_them(runs: list[tuple[str, int | None, bool | None]], expected: list[int]) -> None:
    found = [
        {
            "status": status,
            "integration_id": number,
            **({} if existed is None else {"immuta": [{"kind": "connection", "before": "there" if existed else None}]}),
        }
        for status, number, existed in runs
    ]
    current = [place for place, chapter in enumerate(expected) if chapter == expected[-1]]
    assert chapters.current(found) == [found[place] for place in current]
    assert chapters.number(found, Observed(gone(execution=FINISHED, integration_id=runs[-1][1]))) == expected[-1]


def test_the_summary_is_of_this_removal_and_the_former_one_is_marked() -> None:
    first = dataclasses.replace(FAILED, given={**GO, "reason": "Former"})
    runs = history(first, SITUATIONS["resumed"], AGAIN)
    report = {"connection_key": "k", "runs": runs}
    facts = {one.name: (one.value, one.note) for one in summaries.summary(report).facts}
    assert (facts["Reason or change number"][0], facts["When"][1]) == ("Later", "Run 3.")
    text = page.render(report)
    assert re.findall(r"<dt>Runs</dt><dd>(\d)", text) == ["1"]
    assert "Integration 7" in text
    # In the table of all runs, and at the runs themselves.
    assert text.count("of a former connection, integration 5") == 4
    assert "former connection" not in page.render(
        {"connection_key": "k", "runs": history(FAILED, SITUATIONS["resumed"])}
    )


def test_what_was_seen_of_a_former_connection_does_not_count_for_this_one() -> None:
    seen: t.Any = [{**TRIED["objects"][0], "present": True}]
    runs = history(Situation(GO, Observed(script(), {**TRIED, "objects": seen}, SKIPPED, deleted(), ran=DONE)))
    unseen = {**TRIED, "objects": [{**seen[0], "present": False}]}
    observed = Observed(script(**OTHER), unseen, SKIPPED, deleted(), ran=DONE)
    found = claims.run(Situation(GO, observed).ended, HERE, runs)
    assert [row["present"] for row in found.objects or ()] == [False]
