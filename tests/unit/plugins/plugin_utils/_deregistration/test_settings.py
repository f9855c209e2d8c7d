# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's variables as they take effect, and each mistake in them."""

from __future__ import annotations

import hashlib
import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import mistakes as wrong
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import settings as reading
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.mistakes import Site
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import REPORT, Settings
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import report
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    DIGEST,
    HOST,
    SHA,
    options,
    read,
)

HERE = Site({HOST, "keeper", "localhost"})
DEFAULTS: dict[str, t.Any] = {
    "confirm": "",
    "approved": "",
    "plan_mistake": "",
    "plan_entry": None,
    "expected_sha256": "",
    "expected_plan_digest": "",
    "executor": "auto",
    "platform_host": "",
    "missing_objects": "fail",
    "other_session": "fail",
    "script_path": "~/.local/state/community.immuta/k.sql",
    "script_host": "",
    "keeper": HOST,
    "script_durable": False,
    "script_in_artifact": False,
    "script_executed": False,
    "restore": False,
    "report_dir": "",
    "missing_script": "fail",
    "empty_script": "fail",
    "without_script": False,
    "needed_by_others": "fail",
    "same_place": "fail",
    "was_left": False,
    "progress_interval": 60.0,
    "pause_after": 60.0,
    "wait_timeout": 300.0,
    "on_unknown": "fail",
    "skip": [],
    "reason": "",
    "approver": "",
    "integration_config": {},
    "accept_regenerated": "",
    "verify": "once",
    "task_file": None,
    "plan_only": False,
}
OPTIONAL = sorted(name.removeprefix(reading.PREFIX) for name in options() if not name.endswith("connection_key"))


def test_the_defaults() -> None:
    found = read().as_dict()
    assert found == {"connection_key": "k", **DEFAULTS}
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("value", ["", None], ids=["empty", "null"])
@pytest.mark.parametrize("name", OPTIONAL)
def test_an_empty_variable_is_not_set(name: str, value: str | None) -> None:
    given: dict[str, t.Any] = {name: value}
    assert read(**given).as_dict() == {"connection_key": "k", **DEFAULTS}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"confirm": "k"}, {"confirm": "k"}, id="confirm"),
        pytest.param({"confirm": "K"}, {"confirm": "K"}, id="confirm, another key"),
        pytest.param({"executor": "handoff"}, {"executor": "handoff"}, id="executor"),
        pytest.param({"platform_host": " a.b "}, {"platform_host": "a.b"}, id="platform_host"),
        pytest.param({"missing_objects": "accept"}, {"missing_objects": "accept"}, id="missing_objects"),
        pytest.param({"other_session": "accept"}, {"other_session": "accept"}, id="other_session"),
        pytest.param({"script_dir": "/d"}, {"script_path": "/d/k.sql"}, id="script_dir"),
        pytest.param({"script_path": "/p.sql"}, {"script_path": "/p.sql"}, id="script_path"),
        pytest.param({"script_path": "/p.sql", "script_dir": "/d"}, {"script_path": "/p.sql"}, id="path before dir"),
        pytest.param({"script_host": "o"}, {"script_host": "o", "keeper": "o"}, id="script_host"),
        pytest.param({"script_durable": "yes"}, {"script_durable": True}, id="script_durable"),
        pytest.param({"script_in_artifact": True}, {"script_in_artifact": True}, id="script_in_artifact"),
        pytest.param({"script_executed": "true"}, {"script_executed": True}, id="script_executed"),
        pytest.param({"script_executed": "false"}, {}, id="script_executed, false"),
        pytest.param({"expected_sha256": SHA}, {"expected_sha256": SHA}, id="expected_sha256"),
        pytest.param({"expected_plan_digest": DIGEST}, {"expected_plan_digest": DIGEST}, id="expected_plan_digest"),
        pytest.param({"report_dir": "/r"}, {"report_dir": "/r"}, id="report_dir"),
        pytest.param({"report_dir": "~"}, {"report_dir": os.path.expanduser("~")}, id="report_dir, home"),
        pytest.param({"without_script": "yes"}, {"without_script": True}, id="without_script"),
        pytest.param({"integration_config": {"id": 5}}, {"integration_config": {"id": 5}}, id="integration_config"),
        pytest.param({"accept_regenerated": "k"}, {"accept_regenerated": "k"}, id="accept_regenerated"),
        pytest.param({"missing_script": "warn"}, {"missing_script": "warn"}, id="missing_script"),
        pytest.param({"verify": "always"}, {"verify": "always"}, id="verify"),
        pytest.param({"reason": " CHG 1\n of May "}, {"reason": "CHG 1 of May"}, id="reason, on one line"),
        pytest.param({"empty_script": "accept"}, {"empty_script": "accept"}, id="empty_script"),
        pytest.param({"same_place": "accept"}, {"same_place": "accept"}, id="same_place"),
        pytest.param({"wait_timeout": "5"}, {"wait_timeout": 5.0}, id="wait_timeout"),
        pytest.param(
            {"progress_interval": "1.5"}, {"progress_interval": 1.5, "pause_after": 1.5}, id="progress_interval"
        ),
        pytest.param({"progress_interval": 0}, {"progress_interval": 0.0, "pause_after": None}, id="no pauses"),
        pytest.param({"progress_interval": -1}, {"progress_interval": -1.0, "pause_after": None}, id="negative pauses"),
        pytest.param({"plan": {"connections": []}}, {}, id="plan without approval"),
        pytest.param({"scripts": {"k": "YQ=="}}, {}, id="scripts, not in the artifact"),
        pytest.param(
            {"scripts": {"k": "YQ=="}, "script_in_artifact": True},
            {"script_in_artifact": True, "restore": True},
            id="scripts",
        ),
        pytest.param(
            {"scripts": {"other": "YQ=="}, "script_in_artifact": True}, {"script_in_artifact": True}, id="other scripts"
        ),
    ],
)
def test_a_variable_takes_effect(given: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    assert read(**given).as_dict() == {"connection_key": "k", **DEFAULTS, **expected}


WRONG: dict[str, t.Any] = {
    "integration_config": 5,
    "plan": 5,
    "progress_interval": "60s",
    "script_durable": "maybe",
    "script_executed": "maybe",
    "without_script": "maybe",
    "script_in_artifact": "maybe",
    "scripts": "x",
    "skip": [{"statement": "x", "sha256": SHA, "reason": "gone"}],
    "wait_timeout": [],
}


def test_every_variable_that_does_not_take_any_string_is_below() -> None:
    assert sorted(WRONG) == [
        name for name in OPTIONAL if options()[f"{reading.PREFIX}{name}"]["type"] not in ("str", "path")
    ]


@pytest.mark.parametrize(("name", "value"), WRONG.items(), ids=WRONG)
def test_a_wrong_type_is_refused_by_name(name: str, value: t.Any) -> None:
    with pytest.raises(Refused, match=rf"immuta_deregister_{name}.*[^.][.]$"):
        read(**{name: value})


NO_KEY = r"immuta_deregister_connection_key is missing\. Set it to the key of the connection\."


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({}, f"^{NO_KEY}$", id="no key"),
        pytest.param({"connection_key": ""}, f"^{NO_KEY}$", id="empty key"),
        pytest.param({"approved": "x"}, f"^{NO_KEY}$", id="no key, approved"),
        pytest.param(
            {"plan": {"format": 2, "connections": []}},
            r"^immuta_deregister_plan is set but not approved\. Review it, then set"
            " immuta_deregister_approved to its"
            r" digest\.$",
            id="a plan without its digest",
        ),
        pytest.param(
            {"wait_timeout": "x", "progress_interval": "y"},
            "immuta_deregister_progress_interval.*immuta_deregister_wait_timeout",
            id="several",
        ),
    ],
)
def test_what_cannot_be_read(variables: dict[str, t.Any], expected: str) -> None:
    given = {f"{reading.PREFIX}{name}": value for name, value in variables.items()}
    with pytest.raises(Refused, match=expected):
        reading.read(given, options(), host=HOST)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("prod", "prod"),
        ("prod snowflake", "prod%20snowflake"),
        ("eu/prod", "eu%2Fprod"),
        ("../up", "..%2Fup"),
        ("ö", "%C3%B6"),
        ("100%", "100%25"),
        ("{{ x }}", "%7B%7B%20x%20%7D%7D"),
    ],
)
def test_file_names(key: str, name: str) -> None:
    found = read(connection_key=key, script_dir="/d")
    assert (found.file_name, found.script_path) == (name, f"/d/{name}.sql")


# Approval


def plan(**entry: t.Any) -> dict[str, t.Any]:
    connection = {
        "connection_key": "k",
        "status": "planned",
        "plan_digest": DIGEST,
        "script_sha256": SHA,
        "error": None,
    }
    return {"format": 2, "connections": [{"connection_key": "a", "status": "planned"}, {**connection, **entry}]}


def approved(given: dict[str, t.Any]) -> dict[str, t.Any]:
    """A plan, approved by its digest."""
    return {"plan": given, "approved": approval.digest(given["connections"])}


PLAN = plan()
OTHER = plan(connection_key="other")
BARE = plan(plan_digest=None, script_sha256=None)


@pytest.mark.parametrize(
    ("given", "plan_only", "confirmed", "sha256", "digest"),
    [
        pytest.param({}, False, False, "", "", id="nothing"),
        pytest.param({"confirm": "k"}, False, True, "", "", id="by name"),
        pytest.param({"confirm": "K"}, False, False, "", "", id="by another name"),
        pytest.param({"confirm": "k"}, True, False, "", "", id="by name, plan only"),
        pytest.param(approved(PLAN), False, True, SHA, DIGEST, id="by plan"),
        pytest.param(approved(PLAN), True, False, SHA, DIGEST, id="by plan, plan only"),
        pytest.param({**approved(PLAN), "confirm": "K"}, False, True, SHA, DIGEST, id="the plan before the name"),
        pytest.param(
            {**approved(PLAN), "expected_sha256": "x", "expected_plan_digest": "x"},
            False,
            True,
            SHA,
            DIGEST,
            id="the plan before pins",
        ),
        pytest.param(
            approved(BARE), False, True, "no script was approved", "no deletion was approved", id="nothing planned"
        ),
        pytest.param(
            approved({"format": 2, "connections": [{"connection_key": "k"}]}),
            False,
            True,
            "no script was approved",
            "no deletion was approved",
            id="fields missing",
        ),
        pytest.param(approved(OTHER), False, False, "", "", id="another connection's plan"),
        pytest.param({**approved(OTHER), "confirm": "k"}, False, True, "", "", id="another's plan, and by name"),
        pytest.param({"approved": "x"}, False, False, "", "", id="approval without a plan"),
        pytest.param({"plan": PLAN}, False, False, "", "", id="plan without approval"),
        pytest.param({**approved(PLAN), "plan": BARE}, False, False, "", "", id="approval of another plan"),
        pytest.param({**approved(PLAN), "plan": {**PLAN, "format": 1}}, False, False, "", "", id="an old plan"),
    ],
)
def test_what_confirms_and_pins(
    given: dict[str, t.Any], plan_only: bool, confirmed: bool, sha256: str, digest: str
) -> None:
    found = read(plan_only=plan_only, **given)
    assert (found.confirmed, found.expected_sha256, found.expected_plan_digest) == (confirmed, sha256, digest)


# Mistakes


def mistakes(site: Site = HERE, **given: t.Any) -> list[str]:
    return wrong.mistakes(read(**given), site)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"confirm": "k"}, id="confirmed"),
        pytest.param(approved(PLAN), id="approved"),
        pytest.param({"executor": "snowflake"}, id="snowflake"),
        pytest.param({"executor": "databricks"}, id="databricks"),
        pytest.param({"executor": "handoff"}, id="handoff"),
        pytest.param({"executor": __file__}, id="task file"),
        pytest.param({"script_host": "keeper"}, id="script host"),
        pytest.param({"progress_interval": 0}, id="no pauses"),
        pytest.param({"script_path": "~/k.sql"}, id="home"),
        pytest.param({"script_dir": "/d"}, id="absolute"),
    ],
)
def test_no_mistake(given: dict[str, t.Any]) -> None:
    assert mistakes(**given) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            {"approved": "x"},
            "immuta_deregister_approved is set, but there is no immuta_deregister_plan. Give the plan that was"
            " approved, for example with -e @plan.json. In a workflow, the first job left no plan: launch the"
            " workflow again.",
            id="approved without a plan",
        ),
        pytest.param(
            {**approved(PLAN), "plan": BARE},
            f'immuta_deregister_approved is "{approved(PLAN)["approved"]}", but the digest of immuta_deregister_plan is'
            f' "{approved(BARE)["approved"]}". Review that plan, and approve it if it is right.',
            id="approved another plan",
        ),
        pytest.param(
            approved(OTHER),
            'The approved plan (immuta_deregister_plan) does not contain the connection "k". Plan it, and approve'
            " the new plan.",
            id="not in the plan",
        ),
        pytest.param(
            approved(plan(error="It broke.\nDONE: nothing.")),
            'The connection "k" could not be planned: It broke. DONE: nothing. Plan it again, and approve the new plan.',
            id="failed in the plan",
        ),
        pytest.param(
            {"confirm": "K"},
            'immuta_deregister_confirm is "K", but the connection is "k". It must match the key of the'
            " connection you are removing exactly.",
            id="confirmed another",
        ),
        pytest.param(
            {"accept_regenerated": "K"},
            'immuta_deregister_accept_regenerated is "K", but the connection is "k". Set it to the key of the connection'
            " whose regenerated script you have read.",
            id="accepted another's script",
        ),
        pytest.param(
            {"executor": "/nowhere/o.yml"},
            "The task file /nowhere/o.yml of immuta_deregister_executor does not exist on the controller.",
            id="no task file",
        ),
        pytest.param(
            {"executor": "/"},
            "The task file / of immuta_deregister_executor does not exist on the controller.",
            id="a folder for a task file",
        ),
        pytest.param(
            {"executor": "odbc"},
            "immuta_deregister_executor is odbc, which is no longer part of the role: it could not run scripts with"
            " USE, SET, or CALL. Use the task file docs/examples/executors/odbc.yml of this collection, by its path.",
            id="odbc",
        ),
        pytest.param(
            {"executor": "Snowflake"},
            'immuta_deregister_executor is "Snowflake". Set it to auto, handoff, databricks, snowflake, or the absolute'
            " path of a task file.",
            id="no executor",
        ),
        pytest.param(
            {"script_host": "elsewhere"},
            'immuta_deregister_script_host is "elsewhere", which is not in the inventory. Set it to a host of the'
            " inventory, or leave it out.",
            id="no host",
        ),
        pytest.param(
            {"progress_interval": -0.5},
            'immuta_deregister_progress_interval is "-0.5". Set it to seconds, or to 0 to run scripts in one go.',
            id="negative interval",
        ),
        pytest.param(
            {"script_path": "k.sql"},
            "The script's path k.sql is relative. Set immuta_deregister_script_path or immuta_deregister_script_dir"
            " to an absolute one.",
            id="relative path",
        ),
        pytest.param(
            {"script_dir": "d"},
            "The script's path d/k.sql is relative. Set immuta_deregister_script_path or"
            " immuta_deregister_script_dir to an absolute one.",
            id="relative folder",
        ),
        pytest.param(
            {"report_dir": "r"},
            'immuta_deregister_report_dir is "r". Set it to an absolute path on the controller.',
            id="relative report",
        ),
        pytest.param(
            {"report_dir": __file__},
            f"The report {__file__}/k.json can't be written on the controller: Not a directory. Set"
            " immuta_deregister_report_dir to another folder.",
            id="a file for the report's folder",
        ),
    ],
)
def test_a_mistake(given: dict[str, t.Any], expected: str) -> None:
    assert mistakes(**given) == [expected]


def test_a_file_that_is_no_report_is_a_mistake_and_a_report_is_none(tmp_path: Path) -> None:
    assert mistakes(report_dir=str(tmp_path / "new")) == []
    file = tmp_path / "k.json"
    file.write_text(json.dumps({"report": REPORT.role, "format": report.FORMAT, "runs": []}), encoding="utf-8")
    assert mistakes(report_dir=str(tmp_path)) == []
    file.write_text("{}", encoding="utf-8")
    assert mistakes(report_dir=str(tmp_path)) == [
        f"The file {file} is not a report of this role. Move it away, or set immuta_deregister_report_dir to another"
        " folder."
    ]
    for place, mode in ((file, 0o666), (tmp_path, 0o777)):
        before = place.stat().st_mode
        place.chmod(mode)
        (found,) = mistakes(report_dir=str(tmp_path))
        assert f"The report {file} can't be trusted: other users may write to {place} (mode {mode:04o})." in found
        place.chmod(before)
    content = {"report": REPORT.role, "format": report.FORMAT, "runs": [], "connection_key": "other"}
    file.write_text(json.dumps(content), encoding="utf-8")
    assert mistakes(report_dir=str(tmp_path)) == [
        f'The file {file} is the report of the connection "other". Move it away, or set immuta_deregister_report_dir to'
        " another folder."
    ]


def test_several_mistakes_come_in_the_order_of_the_decisions() -> None:
    found = mistakes(
        approved="x",
        confirm="K",
        executor="x",
        script_host="x",
        progress_interval=-1,
        script_path="x",
        report_dir="x",
    )
    order = ["approved", "confirm", "executor", "script_host", "progress_interval", "script_path", "report_dir"]
    assert [f"immuta_deregister_{name}" in sentence for name, sentence in zip(order, found, strict=True)] == [True] * 7


@pytest.mark.parametrize(
    ("executor", "own"), [("auto", False), ("snowflake", False), ("o.yml", False), ("~/o.yml", False), ("/o.yml", True)]
)
def test_own_tasks(executor: str, own: bool) -> None:
    assert read(executor=executor).own_tasks is own


def test_settings_travel_between_tasks() -> None:
    found = read(**approved(PLAN), executor="handoff")
    assert Settings(**json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize(
    ("given", "by", "script", "without"),
    [
        ({}, None, "", False),
        ({"confirm": "k"}, "name", "", False),
        ({"confirm": "K"}, None, "", False),
        (approved(PLAN), "plan", SHA, False),
        ({**approved(PLAN), "confirm": "k"}, "plan", SHA, False),
        ({**approved(OTHER), "confirm": "k"}, "name", "", False),
        ({**approved(PLAN), "plan": BARE, "confirm": "k"}, "name", "", False),
        (approved(plan(script_sha256=None)), "plan", "", True),
        (approved(BARE), "plan", "", False),
    ],
    ids=[
        *("nothing", "name", "another name", "plan", "plan and name", "another's plan, and name"),
        *("another digest, and name", "a plan without a script", "a plan of nothing"),
    ],
)
def test_what_confirms_a_removal_and_what_was_approved(
    given: dict[str, t.Any], by: str | None, script: str, without: bool
) -> None:
    found = read(**given)
    assert (found.confirmed_by, found.approved_script, found.approved_without_script) == (by, script, without)
    assert read(plan_only=True, **given).confirmed_by is None


@pytest.mark.parametrize(("given", "reason"), [({}, "CHG1"), ({"reason": "CHG2"}, "CHG2")])
def test_the_reason_of_the_approved_plan_holds_unless_there_is_another_one(
    given: dict[str, t.Any], reason: str
) -> None:
    assert read(**approved(plan(reason="CHG1")), **given).reason == reason


def test_a_digest_that_is_not_whole() -> None:
    (said,) = mistakes(skip=[{"statement": 1, "sha256": "2c26", "reason": "x"}])
    assert "Write all 64 characters" in said


def test_the_task_file_is_told_by_its_digest(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text("[]")
    digest = hashlib.sha256(b"[]").hexdigest()
    assert read(executor=str(tmp_path / "own.yml")).task_file == {"path": str(tmp_path / "own.yml"), "sha256": digest}
    assert read(executor=str(tmp_path / "none.yml")).task_file is None
