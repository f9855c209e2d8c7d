# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_cleanup_script, in this process: what it saves, refuses, records, and removes."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, saved_script
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._work import cleanup_script
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import KEY, World

SCRIPT = "USE ROLE A;\nALTER USER u SET PASSWORD = 'secret-of-a-script';\nDROP ROLE b;\n"


class Keeper:
    """The module with a tenant and a path."""

    def __init__(self, world: World, path: Path) -> None:
        self.world = world
        self.path = path
        self.journal = journal.journal_path(str(path))
        self.redacted: list[str] = []
        world.state.integrations[5].script = SCRIPT

    def __call__(self, state: str = "present", check_mode: bool = False, **params: t.Any) -> Outcome:
        known = {"connection_key": KEY, "integration_id": None, "expected_sha256": None, "url": self.world.double.url}
        params = {**known, "path": str(self.path), "state": state, **params}
        return cleanup_script.ensure(Context(params, check_mode, self.world.warnings.append))

    def fails(self, *arguments: t.Any, **params: t.Any) -> Failure:
        with pytest.raises(Failure) as caught:
            self(*arguments, **params)
        return caught.value

    @property
    def sha256(self) -> str:
        return saved_script.digest(self.path.read_bytes())

    def run(self, *events: str) -> None:
        with journal.Journal(self.journal, self.sha256, 3) as book:
            for event in events:
                getattr(book, event)(*((1, "tag") if event == "started" else (1,) if event == "done" else ("test",)))


@pytest.fixture
def keep(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    keeper = Keeper(world, tmp_path / "new" / "x.sql")
    monkeypatch.setattr(_redact, "add", keeper.redacted.extend)
    return keeper


def test_saves_once(keep: Keeper) -> None:
    planned = keep(check_mode=True)
    assert (planned.changed, planned.result["exists"], keep.path.exists()) == (True, False, False)
    outcome = keep()
    assert outcome.changed
    result = {name: value for name, value in outcome.result.items() if name != "statements"}
    assert result == {
        **{"path": str(keep.path), "exists": True, "sha256": keep.sha256, "size": keep.path.stat().st_size},
        **{"source": "immuta", "tenant": keep.world.double.url, "connection_key": KEY, "connection_exists": True},
        **{"integration_id": 5, "technology": "Snowflake", "dialect": "snowflake", "split_error": None},
        "execution": {"state": "none", "done": 0, "total": None, "answers": [], "skipped": []},
    }
    assert [statement["verb"] for statement in outcome.result["statements"]] == ["USE", "ALTER", "DROP"]
    assert outcome.diff == {**(planned.diff or {}), "before": ""}
    assert "secret-of-a-script" in keep.redacted
    assert "secret-of-a-script" not in str(outcome)
    again = keep()
    assert not again.changed
    assert again.diff is not None
    assert again.diff["before"] == again.diff["after"]
    keep.path.chmod(0o644)
    assert keep().changed
    assert keep.path.stat().st_mode & 0o777 == 0o600


def test_keeps_what_immuta_has_no_more(keep: Keeper) -> None:
    keep()
    del keep.world.state.connections[KEY]
    del keep.world.state.integrations[5]
    outcome = keep()
    assert (outcome.changed, outcome.result["source"], outcome.result["connection_exists"]) == (False, "saved", False)


def test_a_script_that_can_not_be_split_is_saved_all_the_same(keep: Keeper) -> None:
    keep.world.state.integrations[5].script = "DROP TABLE 'open"
    outcome = keep()
    assert outcome.result["statements"] == []
    assert outcome.result["split_error"]["code"] == "split_error"
    assert keep.path.exists()
    assert keep("executed").result["execution"] == {
        "state": "finished",
        "done": 0,
        "total": 0,
        "answers": [],
        "skipped": [],
    }


def test_refuses_to_replace_what_has_started(keep: Keeper) -> None:
    keep()
    keep.run("started", "done")
    keep.world.state.integrations[5].script = "SELECT 1;"
    failure = keep.fails()
    assert (type(failure), failure.code) == (errors.Refused, "script_changed")
    execution = failure.details["saved"]["execution"]
    assert (execution["state"], execution["done"], execution["total"]) == ("partial", 1, 3)
    assert failure.details["tenant"] == keep.world.double.url


@pytest.mark.parametrize(
    ("state", "params", "message"),
    [
        ("present", {"connection_key": None}, "The option connection_key is empty."),
        ("present", {"expected_sha256": "0" * 64}, "but expected_sha256 is 000"),
        ("executed", {"expected_sha256": "0" * 64}, "but expected_sha256 is 000"),
        ("executed", {"connection_key": "other"}, "belongs to the connection"),
        ("absent", {"url": "https://other.example"}, "was saved from"),
    ],
)
def test_refuses(keep: Keeper, state: str, params: dict[str, t.Any], message: str) -> None:
    keep()
    before = keep.path.read_bytes()
    for check_mode in (True, False):
        assert message in keep.fails(state, check_mode, **params).message
    assert keep.path.read_bytes() == before


def test_an_edited_script_is_not_used(keep: Keeper) -> None:
    keep()
    keep.path.write_bytes(keep.path.read_bytes() + b" ")
    failure = keep.fails()
    assert "was changed after it was saved" in failure.message
    assert failure.details["saved"] is None


def test_asks_again_when_another_run_was_quicker(keep: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    keep()
    read, looks = saved_script.read, iter([False])
    # At the first look it is not there yet.
    monkeypatch.setattr(saved_script, "read", lambda path: read(path) if next(looks, True) else None)
    keep.world.double.requests.clear()
    assert not keep().changed
    assert keep.world.asked.count("renderCleanupScript") == 2


def test_records_that_it_was_run_by_hand(keep: Keeper) -> None:
    assert keep("executed", check_mode=True, expected_sha256="a").result["sha256"] == "a"
    assert keep.world.warnings == [f"The script {keep.path} is not there. {journal.UNLESS_SAVED}"]
    assert "There is no saved script" in keep.fails("executed").message
    keep()
    assert keep("executed", check_mode=True).changed
    assert not Path(keep.journal).exists()
    outcome = keep("executed", expected_sha256=keep.sha256.upper())
    assert outcome.result["execution"] == {"state": "finished", "done": 0, "total": 3, "answers": [], "skipped": []}
    assert outcome.diff is not None
    assert (outcome.diff["before"], outcome.diff["after"]) == ("none\n", "finished\n")
    assert not keep("executed").changed


@pytest.mark.parametrize("finished", [True, False])
def test_removes_the_script_and_its_journal(keep: Keeper, finished: bool) -> None:
    keep()
    keep.run(*(("finished",) if finished else ()))
    assert keep("absent", check_mode=True).changed
    assert keep.path.exists()
    keep.world.warnings.clear()
    outcome = keep("absent")
    assert outcome.changed
    assert outcome.diff is not None
    assert outcome.diff["before"].startswith(f"journal: {'finished' if finished else 'partial'}\nmode: 0600\n")
    assert "secret-of-a-script" not in outcome.diff["before"]
    assert [*keep.path.parent.iterdir()] == []
    assert bool(keep.world.warnings) is not finished
    assert not keep("absent").changed
