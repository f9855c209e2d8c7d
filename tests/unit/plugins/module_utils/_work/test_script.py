# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that run a script, in this process, on a platform of this file."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Doubt, Found, Problem
from ansible_collections.community.immuta.plugins.module_utils._work import script

TEXT = "USE ROLE a;\nALTER USER u SET PASSWORD = 'secret-of-a-script';\nDROP ROLE b;\n"


class Fake:
    """A platform that runs everything but what is in C(refused)."""

    name = "Fake"
    dialect = "snowflake"
    present = ()
    sent: t.ClassVar[list[str]] = []
    refused: t.ClassVar[set[str]] = set()
    tags: t.ClassVar[list[str]] = []

    def __init__(self, params: dict[str, t.Any], run: str) -> None:
        self.tag = run
        self.tags.append(run)
        self.session: dict[str, t.Any] = {}
        self.rowcount = 1
        self.description = [("name",), ("owner",)]

    def connect(self) -> Fake:
        self.session = {"role": "r"}
        return self

    def cursor(self) -> Fake:
        return self

    def close(self) -> None:
        pass

    def execute(self, text: str) -> None:
        if text in self.refused:
            raise ValueError(text)
        self.sent.append(text)

    def fetchall(self) -> list[t.Any]:
        return [("B", "o")]

    def query_id(self, cursor: t.Any) -> str | None:
        return "q"

    def reader(self, cursor: t.Any) -> t.Any:
        return cursor

    def answer(self, cursor: t.Any) -> str | None:
        return None

    def problem(self, error: Exception, cursor: t.Any) -> Problem | None:
        return Problem("no")

    def find(self, cursor: t.Any, doubt: Doubt) -> Found | None:
        return None


@pytest.fixture
def redacted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(_redact, "add", found.extend)
    for values in (Fake.sent, Fake.refused, Fake.tags):
        values.clear()
    return found


@pytest.fixture
def path(tmp_path: Path, redacted: list[str]) -> str:
    (tmp_path / "x.sql").write_text(TEXT)
    return str(tmp_path / "x.sql")


def ensure(warnings: list[str] | None = None, *, check_mode: bool = False, **params: t.Any) -> Outcome:
    unset = {name: about.get("default") for name, about in script.OPTIONS.items()}
    warn = (warnings if warnings is not None else []).append
    return script.ensure_executed(Context({**unset, **params}, check_mode, warn), Fake)


def test_runs_to_the_end_and_not_again(path: str, redacted: list[str]) -> None:
    planned = ensure(path=path, check_mode=True)
    assert planned.changed
    assert (Fake.sent, Fake.tags, planned.result["session"]) == ([], [], {})
    assert [row["status"] for row in planned.result["statements"]] == ["not_run"] * 3
    outcome = ensure(path=path)
    assert outcome.changed
    assert (
        outcome.diff
        == planned.diff
        == {
            "before": "",
            "after": "1. USE ROLE A\n2. ALTER USER U\n3. DROP ROLE B\n",
            "before_header": "statements that have run",
            "after_header": "statements that have run",
        }
    )
    assert len(Fake.sent) == outcome.result["executed"] == outcome.result["total"] == 3
    assert outcome.result["session"] == {"role": "r"}
    assert outcome.result["journal"] == {"path": f"{path}.journal", "state": "finished"}
    assert Fake.tags[0].startswith(f"community.immuta/{outcome.result['sha256'][:12]}/")
    assert "secret-of-a-script" in redacted
    assert "secret-of-a-script" not in str(outcome)
    again = ensure(path=path)
    assert (again.changed, len(Fake.sent), again.result["executed"]) == (False, 3, 0)


def test_a_failure_tells_what_has_run(path: str) -> None:
    Fake.refused.add("DROP ROLE b")
    with pytest.raises(Failure) as caught:
        ensure(path=path)
    assert [row["status"] for row in caught.value.result["statements"]] == ["done", "done", "failed"]
    Fake.refused.clear()
    outcome = ensure(path=path)
    assert (outcome.result["resumed"], outcome.result["executed"]) == (True, 1)
    assert outcome.diff is not None
    assert outcome.diff["before"] == "1. USE ROLE A\n2. ALTER USER U\n"


def test_a_script_in_an_option_has_no_journal(redacted: list[str]) -> None:
    for _time in range(2):
        outcome = ensure(script=TEXT)
        assert outcome.changed
        assert outcome.result["journal"] == {"path": None, "state": "finished"}
    assert ensure(script=TEXT, check_mode=True).result["journal"]["state"] == "none"


def test_pauses(path: str) -> None:
    outcome = ensure(path=path, pause_after=1e-9)
    assert (outcome.result["paused"], outcome.result["executed"], outcome.result["journal"]["state"]) == (
        *(True, 1),
        "partial",
    )
    assert outcome.diff is not None
    assert outcome.diff["after"] == "1. USE ROLE A\n"


@pytest.mark.parametrize("given", [True, False])
def test_preflight_signs_in_and_looks(path: str, given: bool) -> None:
    outcome = ensure(preflight=True, **({"path": path} if given else {}))
    assert (outcome.changed, outcome.result["session"]) == (False, {"role": "r"})
    assert Fake.sent == (['USE ROLE "A"', "SHOW ROLES LIKE 'B'"] if given else [])
    assert [one["present"] for one in outcome.result["objects"] or []] == ([True] if given else [])
    assert ("statements" in outcome.result) is given
    assert Fake.tags == ["community.immuta/preflight"]


def test_preflight_refuses_a_platform_without_anything_of_it(path: str) -> None:
    Path(path).write_text("DROP ROLE c;\n")
    assert ensure(preflight=True, path=path).result["objects"][0]["present"] is False
    with pytest.raises(Failure, match="right account") as caught:
        ensure(preflight=True, path=path, missing_objects="fail")
    assert caught.value.result["objects"][0]["name"] == "C"
    with journal.Journal(journal.journal_path(path), caught.value.result["sha256"], 1) as book:
        book.started(1, "community.immuta/x/y")
    assert ensure(preflight=True, path=path, missing_objects="fail").result["objects"][0]["present"] is False


@pytest.mark.parametrize("preflight", [True, False])
def test_check_mode_takes_a_missing_script_for_one_to_come(tmp_path: Path, preflight: bool) -> None:
    warnings: list[str] = []
    path = str(tmp_path / "none.sql")
    outcome = ensure(warnings, check_mode=True, path=path, expected_sha256="a", preflight=preflight)
    assert outcome.changed is not preflight
    assert (outcome.result["path"], outcome.result["sha256"], outcome.result["statements"]) == (path, "a", [])
    assert warnings == [f"The script {path} is not there. {journal.UNLESS_SAVED}"]
    with pytest.raises(Failure, match="can't be read"):
        ensure(path=path)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Neither path nor script is set."),
        ({"script": TEXT, "pause_after": 1.0}, "needs a journal"),
        ({"path": "/x", "pause_after": 0.0}, "pause_after must be more than 0 seconds"),
    ],
)
def test_refuses(params: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        ensure(**params)


def test_a_journal_of_another_script_is_refused(path: str, tmp_path: Path) -> None:
    with journal.Journal(str(tmp_path / "other"), "f" * 64, 3):
        pass
    for check_mode in (True, False):
        with pytest.raises(journal.JournalError, match="belongs to another script"):
            ensure(path=path, journal=str(tmp_path / "other"), check_mode=check_mode)
    assert Fake.sent == []
