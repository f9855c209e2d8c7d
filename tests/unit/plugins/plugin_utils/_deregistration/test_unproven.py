# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects that no look has proved to be gone."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import claims, page, texts, unproven
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    FINISHED,
    GO,
    HERE,
    OBJECTS,
    SITUATIONS,
    Situation,
    gone,
    timing,
)


def gone_row(name: str, **changes: t.Any) -> Answer:
    by = {"account": "a", "user": "U"}
    return {**OBJECTS[0], "name": name, "by": by, "after": False, "after_how": "SHOW", "after_by": by, **changes}


UNSEEN = gone_row("B", present=False, after_roles=["R"])
SEES_ALL = {"after_roles": ["ACCOUNTADMIN"]}


@pytest.mark.parametrize(
    ("objects", "named"),
    [
        pytest.param(None, "", id="nobody looked"),
        pytest.param([gone_row("A")], "", id="gone"),
        pytest.param([{**UNSEEN, "after": None, "after_how": None}], "", id="nobody looked after"),
        pytest.param([gone_row("A"), UNSEEN], "DATABASE B", id="never seen"),
        pytest.param([UNSEEN, gone_row("A", after=None)], "DATABASE B, DATABASE A", id="not visible any more"),
        pytest.param([{**UNSEEN, "dropped": False}], "", id="not dropped"),
        pytest.param([{**UNSEEN, **SEES_ALL}], "", id="seen by a role that sees all"),
        pytest.param([{**UNSEEN, "after_confirmed": True}], "", id="the DROP was answered"),
        pytest.param([gone_row("A", after=None, **SEES_ALL)], "DATABASE A", id="could not be looked for"),
    ],
)
def test_an_object_that_may_be_there_is_for_a_person_to_look_at(objects: t.Any, named: str) -> None:
    todo = unproven.to_look_at(objects)
    assert [named in one and "ACCOUNTADMIN" in one for one in todo] == [True] * bool(named)
    situation = SITUATIONS["completed"]
    lines = texts.report({**situation.result, "objects": objects})
    assert [line for line in lines if line.startswith("TO DO")] == [f"TO DO: {one}" for one in todo]
    (last,) = texts.finished([("k", {**situation.result, "objects": objects})])
    for line in (lines[0], last):
        assert ("could not be verified that everything is gone" in line) is bool(named)
    # Nor is it forgotten by a run that does not look.
    first = claims.run(dataclasses.replace(situation.ended, result={**situation.result, "objects": objects}), HERE, [])
    later = claims.run(SITUATIONS["already done"].ended, HERE, [dataclasses.asdict(first)])
    assert first.remaining == later.remaining == todo
    content = {"connection_key": "k", "runs": [dataclasses.asdict(first)]}
    assert ("Nothing remains to be done by hand." in page.render(content)) is not bool(named)


def test_what_a_later_look_has_proved_is_open_no_more() -> None:
    look = {"objects": [{**OBJECTS[0], "roles": ["R"]}], "session": {"account": "a", "user": "U"}}
    hidden = {**look, "objects": [{**look["objects"][0], "present": None}]}
    gone_now = {**look, "objects": [{**look["objects"][0], "present": False, "roles": ["ACCOUNTADMIN"]}]}
    execution = {**FINISHED, "before": look, "after": hidden}
    idle = Situation(GO, Observed(gone(execution=execution)))
    again = Situation(
        {**GO, "verify": "always"}, Observed(gone(execution=execution), {**gone_now, "timing": timing(3)})
    )
    history: list[Answer] = []
    for situation, left in ((idle, 1), (idle, 1), (again, 0), (idle, 0)):
        history.append(dataclasses.asdict(claims.run(situation.ended, HERE, history)))
        assert len(history[-1]["remaining"]) == left
    (claim,) = [one for one in history[-1]["verified"] if one["claim"].startswith("What the script drops")]
    assert (claim["state"], claim["run"]) == ("verified", 3)


def test_on_databricks_no_role_sees_everything() -> None:
    by = {"host": "d", "user": "U"}
    (sentence,) = unproven.to_look_at([{**UNSEEN, "by": by, "after_by": by}])
    assert "metastore admin" in sentence
    assert "always" not in sentence
