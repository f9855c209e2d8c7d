# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_cleanup_script, in this process: what it saves, refuses, records, and removes."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _durability, _redact
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, saved_script, script_file
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._work import cleanup_script
from ansible_collections.community.immuta.tests.doubles import immuta_tenant
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
        known = {
            "connection_key": KEY,
            "integration_id": None,
            "expected_sha256": None,
            "empty_script": "fail",
            "script_required": True,
            "without_script": False,
            "same_place": "fail",
            "diff_text": False,
            "url": self.world.double.url,
        }
        params = {**known, "path": str(self.path), "state": state, **params}
        return cleanup_script.ensure(Context(params, check_mode, self.world.warnings.append))

    def fails(self, *arguments: t.Any, **params: t.Any) -> Failure:
        with pytest.raises(Failure) as caught:
            self(*arguments, **params)
        return caught.value

    @property
    def sha256(self) -> str:
        return script_file.digest(self.path.read_bytes())

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
        "platform_hosts": ["example.snowflakecomputing.com"],
        "integration_status": "enabled",
        **{"kept": None, "kept_finished": False, "set_up_since": None, "empty": False},
        "integration_config": {
            "type": "Snowflake",
            "id": 5,
            "host": "example.snowflakecomputing.com",
            "port": 443,
            "database": "IMMUTA",
            "warehouse": "COMPUTE_WH",
        },
        "execution": {"state": "none", "done": 0, "total": None, "answers": [], "skipped": []},
        "durability": dataclasses.asdict(_durability.look(str(keep.path))),
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


def test_the_diff_shows_what_the_statements_are_about_and_no_text(keep: Keeper) -> None:
    # No word, and no form, says that these are secrets.
    text = SCRIPT + "CALL clean('first argument', 'Tr0ub4dor'); -- for ops\n"
    keep.world.state.integrations[5].script = text
    diff = keep().diff
    assert diff is not None
    assert diff["after"] == (
        f"mode: 0600\nsha256: {keep.sha256}\nsize: {keep.path.stat().st_size} bytes\nstatements: 4\n"
        "1. USE ROLE A (line 2)\n2. ALTER USER U (line 3)\n3. DROP ROLE B (line 4)\n4. CALL PROCEDURE CLEAN (line 5)\n"
    )
    # Another script with the same statements is another one.
    keep.world.state.integrations[5].script = text.replace("Tr0ub4dor", "other")
    other = keep().diff
    assert other is not None
    assert other["before"] == diff["after"]
    assert other["before"].splitlines()[3:] == other["after"].splitlines()[3:]
    assert other["before"] != other["after"]
    shown = keep(diff_text=True).diff
    assert shown is not None
    masked = text.replace("Tr0ub4dor", "other").replace("'secret-of-a-script'", "'********'")
    assert shown["after"].splitlines()[3:] == masked.splitlines()


@pytest.mark.parametrize(
    ("script", "technology", "line"),
    [
        ("DROP TABLE 'open", "Snowflake", "statements: can't be split (line 2)"),
        ("DROP TABLE hidden;", "Redshift", "statements: not known"),
    ],
)
def test_the_diff_of_a_script_that_can_not_be_split_has_no_text_either(
    keep: Keeper, script: str, technology: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(immuta_tenant, "DESCRIBED", {technology})
    state = keep.world.state
    state.integrations[5].type = state.connections[KEY].technology = technology
    # It names no catalog, so it might be that of the example's own.
    del state.integrations[7]
    state.integrations[5].script = script
    diff = keep(diff_text=False).diff
    assert diff is not None
    assert diff["after"].splitlines()[3:] == [line]


def test_text_in_a_diff_holds_no_escape_codes(keep: Keeper) -> None:
    keep.world.state.integrations[5].script = "DROP ROLE b; -- \x1b[2J\u202e\n"
    diff = keep(diff_text=True).diff
    assert diff is not None
    assert diff["after"].endswith("\nDROP ROLE b; -- \\x1b[2J\\u202e\n")


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


def test_what_is_replaced_is_kept_beside_it(keep: Keeper) -> None:
    contents = []
    for number in range(6):
        keep.world.state.integrations[5].script = f"DROP ROLE r{number};"
        planned = keep(check_mode=True)
        outcome = keep()
        assert outcome.result["kept"] == planned.result["kept"] == (f"{keep.path}.1" if number else None)
        contents.insert(0, keep.path.read_bytes())
    names = [keep.path.name, *(f"{keep.path.name}.{number}" for number in (1, 2, 3))]
    assert {one.name for one in keep.path.parent.iterdir()} == set(names)
    assert [(keep.path.parent / name).read_bytes() for name in names] == contents[:4]
    assert {one.stat().st_mode & 0o777 for one in keep.path.parent.iterdir()} == {0o600}
    assert keep().result["kept"] is None
    assert keep("absent").changed
    assert [*keep.path.parent.iterdir()] == []


@pytest.mark.parametrize("there", ["foreign", "of another connection"])
def test_what_is_kept_takes_no_place_of_others(keep: Keeper, there: str) -> None:
    keep()
    before = keep.path.read_bytes()
    place = Path(f"{keep.path}.2")
    owner = saved_script.Owner(keep.world.double.url, "other", 5, "Snowflake", "snowflake")
    place.write_bytes(b"mine" if there == "foreign" else saved_script.contents(owner, "SELECT 1"))
    others = place.read_bytes()
    keep.world.state.integrations[5].script = "DROP ROLE r;"
    assert f"kept at {place}, but something else is there" in keep.fails().message
    assert keep.path.read_bytes() == before
    keep("absent")
    assert place.read_bytes() == others
    assert [one.name for one in keep.path.parent.iterdir()] == [place.name]


PROSE = [
    "Internal Server Error",
    "SORRY",
    "Not found;",
    "Can't render the script",
    "Error: call support",
    "[object Object]",
    "{}",
    "DROP ROLE a;\nInternal Server Error",
    "DROP ROLE a;\nCall support.",
]


@pytest.mark.parametrize("technology", ["Snowflake", "Databricks", "Redshift"])
def test_prose_replaces_no_script(keep: Keeper, technology: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(immuta_tenant, "DESCRIBED", {technology})
    state = keep.world.state
    state.integrations[5].type = state.connections[KEY].technology = technology
    # It names no catalog, so it might be that of the example's own.
    del state.integrations[7]
    # Of what can't be split only the start is looked at.
    answers = [one for one in PROSE if technology != "Redshift" or not one.startswith("DROP")]
    for saved in (False, True):
        before = keep.path.read_bytes() if saved else None
        for answer in answers:
            state.integrations[5].script = answer
            failure = keep.fails()
            assert failure.code == "unexpected_reply"
            assert f"its line {answer.count(chr(10)) + 1} starts or ends like prose" in failure.message
            assert "Nothing was replaced" in failure.hint
        assert (keep.path.read_bytes() if keep.path.exists() else None) == before
        state.integrations[5].script = SCRIPT
        keep()
    assert [one.name for one in keep.path.parent.iterdir()] == [keep.path.name]


@pytest.mark.parametrize("technology", ["Snowflake", "Databricks", "Redshift"])
def test_a_script_without_a_statement_is_refused_unless_that_is_accepted(
    keep: Keeper, technology: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(immuta_tenant, "DESCRIBED", {technology})
    state = keep.world.state
    state.integrations[5].type = state.connections[KEY].technology = technology
    # It names no catalog, so it might be that of the example's own.
    del state.integrations[7]
    keep()
    before = keep.path.read_bytes()
    for empty in ("", " \n", ";;", "-- Nothing to do.", "/* a;\nb */ ;\n-- c", "/* open"):
        state.integrations[5].script = empty
        for check_mode in (True, False):
            failure = keep.fails(check_mode=check_mode)
            assert failure.code == "empty_script"
            assert "contains no statement" in failure.message
            assert "empty_script=accept" in failure.hint
        assert keep.path.read_bytes() == before
    for script in ("", "-- Nothing to do."):
        state.integrations[5].script = script
        result = keep(empty_script="accept").result
        assert (result["empty"], result["statements"]) == (True, [])
        assert keep.path.read_text("utf-8").partition("\n")[2] == script
    # Also when Immuta has it no more, until it is recorded as run.
    del state.connections[KEY]
    del state.integrations[5]
    assert keep.fails().code == "empty_script"
    assert keep(empty_script="accept").result["source"] == "saved"
    keep("executed")
    assert keep().result["execution"]["state"] == "finished"


def test_one_bound_holds_for_what_is_saved_and_what_is_read(keep: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    keep()
    before = keep.path.read_bytes()
    keep.world.state.integrations[5].script = f"{SCRIPT}DROP ROLE c;"
    longest = len(before) + len("DROP ROLE c;")
    monkeypatch.setattr(script_file, "LARGEST", longest - 1)
    for check_mode in (True, False):
        failure = keep.fails(check_mode=check_mode)
        assert f"makes a file of {longest} bytes, more than the {longest - 1} that can be kept" in failure.message
    assert keep.path.read_bytes() == before
    monkeypatch.setattr(script_file, "LARGEST", longest)
    assert keep().changed
    assert not keep().changed


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
    assert outcome.diff["before"].startswith(f"journal: {'finished' if finished else 'partial'}\nmode: 0600\nsha256: ")
    assert "secret-of-a-script" not in outcome.diff["before"]
    assert [*keep.path.parent.iterdir()] == []
    assert bool(keep.world.warnings) is not finished
    assert not keep("absent").changed
