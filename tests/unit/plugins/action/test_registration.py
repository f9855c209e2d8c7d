# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of the action plugin of the role register_connection."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import types
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.community.immuta.plugins.action import registration
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._registration.situations import (
    FINISHED,
    NONE,
    SHA,
    SNOWFLAKE,
    TIMING,
    TRIED,
    decided,
    done,
    read,
    script,
    set_up_script,
    undo,
)

Answer = dict[str, t.Any]
HOST: Answer = {
    "ansible_version": {"full": "2.21.0"},
    "inventory_hostname": "h",
    "hostvars": {"h": {}},
    "ansible_play_hosts_all": ["h"],
    "ansible_play_hosts": ["h"],
    "immuta_register_connection_key": "k",
    "immuta_register_snowflake": SNOWFLAKE,
}


def run(stage: str, variables: Answer | None = None, *, check: bool = False, **arguments: t.Any) -> Answer:
    """Run a stage as the task of a play does, for the variables of a host."""
    known = {**HOST, **(variables or {})}
    task: t.Any = types.SimpleNamespace(
        args={"stage": stage, **arguments},
        action="community.immuta.registration",
        async_val=0,
        check_mode=check,
        diff=False,
        connection="local",
        module_defaults=[],
    )
    connection: t.Any = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None), become=None)
    play: t.Any = types.SimpleNamespace(check_mode=check)
    templar = Templar(loader=DataLoader(), variables=known)
    plugin = registration.ActionModule(task, connection, play, DataLoader(), templar, mock.Mock())
    return plugin.run(task_vars=known)


def stage(name: str, observed: Observed, *, check: bool = False, **given: t.Any) -> Answer:
    """Run a stage after the one that checks."""
    known = {"settings": vars(read(**given)), "started": "2026-01-01T00:00:00.000Z"}
    return run(name, check=check, checked=known, observed=dataclasses.asdict(observed))


def test_check() -> None:
    answer = run("check", {"immuta_register_wait_timeout": "2"})
    assert answer["settings"]["wait_timeout"] == 2
    assert "hunter2" not in json.dumps(answer)


def test_two_hosts_are_not_for_one_connection() -> None:
    own = {name: HOST[name] for name in HOST if name.startswith("immuta_register_")}
    hosts = {"ansible_play_hosts_all": ["h", "i"], "hostvars": {"h": own, "i": own}}
    refused = run("check", hosts)
    assert refused["failed"]
    assert (
        'The host "i" of this play is for the same connection "k" (immuta_register_connection_key).' in refused["msg"]
    )
    hosts["hostvars"]["i"] = {**own, "immuta_register_connection_key": "l"}
    assert "settings" in run("check", hosts)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"immuta_register_confrim": "k"},
            "There is no variable immuta_register_confrim. Did you mean immuta_register_confirm?",
        ),
        ({"_raw_params": "snowflake"}, 'Write -e \'{"NAME": "the whole value"}\'.'),
        ({"immuta_register_snowflake": ""}, "There is no description of the connection."),
        (
            {"immuta_register_state": "undone", "immuta_deregister_skip": "3"},
            "immuta_deregister_skip must be a list of dictionaries, each with reason, sha256, statement and nothing else.",
        ),
        ({"immuta_register_state": "undone", "immuta_deregister_verify": "maybe"}, "immuta_deregister_verify"),
    ],
)
def test_check_refuses(variables: Answer, sentence: str) -> None:
    answer = run("check", variables)
    assert answer["failed"]
    assert sentence in answer["msg"]
    assert "hunter2" not in json.dumps(answer)


@pytest.mark.parametrize("name", ["decide", "plan", "handoff"])
def test_the_role_can_not_be_entered_in_the_middle(name: str) -> None:
    assert run(name)["msg"].startswith("This role can't be entered in the middle")
    assert run(name, checked={"failed": True, "msg": "No."})["msg"] == "No."


def test_decide() -> None:
    assert stage("decide", Observed(NONE, script()))["decision"]["run"] == "snowflake"
    assert stage("decide", Observed(NONE, script()), check=True)["decision"]["run"] == ""
    dies = script(durability={"lasting": "dies", "why": "it is in memory"})
    assert "it is in memory" in stage("decide", Observed(NONE, dies))["msg"]
    assert (
        "mixes letters of Cyrillic"
        in stage("decide", Observed(NONE, script()), connection_key="\u0430b")["warnings"][0]
    )


@pytest.mark.parametrize(
    ("name", "observed", "code"),
    [
        ("decide", Observed(NONE, script(split_error={"message": "A quote is open."})), "split_error"),
        ("decide", Observed({**NONE, "lookalikes": ["K"]}, script()), "ambiguous_key"),
        ("decide", Observed(NONE, script(durability={"lasting": "dies", "why": "x"})), "refused"),
        ("decide", Observed(NONE, script(), former=undo("partial")), "refused"),
        ("plan", Observed(NONE, script(execution=FINISHED), tried=TRIED), "objects_not_made"),
    ],
)
def test_what_is_refused_has_a_code(name: str, observed: Observed, code: str) -> None:
    assert stage(name, observed)["failure"] == {"code": code}


def test_another_connection_is_not_taken_back() -> None:
    one = {"key": "k", "technology": "Snowflake", "hostname": "o.snowflakecomputing.com", "integration_id": None}
    observed: Answer = {"found": {"connections": [one]}, "integrations": {"integrations": []}}
    checked = {"settings": vars(read(confirm="k"))}
    refused = run("undo", checked=checked, observed=observed)
    assert "is not the one that is described" in refused["msg"]
    assert "confirm" not in refused
    observed = {**observed, "found": found(), "former": former()}
    answer = run("undo", checked=checked, observed=observed)
    assert (answer["confirm"], answer["look"], answer["set_up"]) == ("k", "", SHA)
    foreign = run("undo", checked=checked, observed={**observed, "found": found("https://dev")})
    assert "it is for the tenant https://t, not https://dev" in foreign["msg"]
    assert (foreign["failure"]["code"], "confirm" in foreign) == ("refused", False)


@pytest.mark.parametrize(
    ("given", "variables", "executor", "platform_host"),
    [
        ({}, {}, "", ""),
        ({}, {"immuta_deregister_executor": "/x/own.yml"}, "/x/own.yml", ""),
        # A person runs it.
        ({"executor": "handoff"}, {}, "handoff", ""),
        ({"executor": "handoff"}, {"immuta_deregister_executor": "snowflake"}, "handoff", ""),
        ({"executor": "none"}, {}, "handoff", ""),
        ({}, {"immuta_register_platform_host": "p.example"}, "", "p.example"),
        ({}, {"immuta_deregister_platform_host": "q.example", "immuta_register_platform_host": ""}, "", "q.example"),
    ],
)
def test_the_clean_up_script_is_run_where_and_as_the_set_up_script_is(
    given: Answer, variables: Answer, executor: str, platform_host: str
) -> None:
    observed: Answer = {"found": found(), "integrations": {"integrations": []}, "former": former()}
    answer = run("undo", variables, checked={"settings": vars(read(confirm="k", **given))}, observed=observed)
    assert (answer["executor"], answer["platform_host"]) == (executor, platform_host)


def test_what_another_has_created_is_not_dropped() -> None:
    role = {"kind": "ROLE", "name": "R", "created": False, "before": False}
    observed: Answer = {
        **{"found": found(), "integrations": {"integrations": []}, "tried": {"objects": []}},
        "former": {"setup_scripts": [set_up_script(creates=[role])]},
    }
    checked = {"settings": vars(read(confirm="k"))}
    assert run("undo", checked=checked, observed=observed)["look"] == "snowflake"
    assert "ROLE R: not created" in run("whose", checked=checked, observed=observed)["msg"][1]
    there = {**observed, "tried": {"objects": [{"kind": "ROLE", "name": "R", "present": True}]}}
    refused = run("whose", checked=checked, observed=there)
    assert refused["failed"] and "ROLE R (not created by this registration" in refused["msg"]


def test_plan_and_handoff_are_shown_without_v() -> None:
    for name in ("plan", "handoff"):
        answer = stage(name, Observed(NONE, script()))
        assert answer["_ansible_verbose_always"] and len(answer["msg"]) > 2


def test_conclude() -> None:
    answer = stage("conclude", done())
    assert (answer["result"]["status"], answer["fatal"]) == ("registered", "")
    assert answer["lines"][0] == 'Registration of "k": REGISTERED'
    stopped = stage("conclude", done(registered={"failed": True, "msg": "No.\x1b[2J", **TIMING}))
    assert stopped["fatal"] == ""
    assert stopped["result"]["status"] == "failed"
    assert stopped["result"]["failed_task"] == "Register the connection"
    assert stopped["result"]["error"].split("\n") == stopped["lines"]
    assert "\x1b" not in stopped["result"]["error"]
    # No task has failed, and one that was to run has not.
    assert "another host failed" in stage("conclude", Observed(NONE, script(), decided()))["fatal"]
    # No more is said than is known.
    refused = run("conclude", checked={"failed": True, "msg": "No."})
    error = 'Stopped at "Validate the variables": No.\nDONE: nothing; no request was sent.\nNEXT: Correct what is named above, and rerun.'
    assert refused["result"] == {"status": "failed", "failed_task": "Validate the variables", "error": error}
    assert "entered in the middle" in run("conclude")["fatal"]


def found(tenant: str = "https://t") -> Answer:
    """What Immuta has answered first."""
    return {**NONE, "tenant": tenant}


def test_a_run_adds_itself_to_the_report(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    checked = stage("conclude", done(found=found()), check=True, report_dir=str(folder))
    assert checked["result"]["report"] is None and not folder.exists()
    failed = {"failed": True, "msg": "No.", **TIMING}
    for observed in (done(found=found(), registered=failed), done(found=found())):
        answer = stage("conclude", observed, report_dir=str(folder))
        written = answer["result"]["report"]
        digest = hashlib.sha256((folder / "k.registration.json").read_bytes()).hexdigest()
        assert written == {
            "json": f"{folder}/k.registration.json",
            "html": f"{folder}/k.registration.html",
            "sha256": digest,
        }
        assert answer["lines"][-1] == f"Report: {written['html']} (sha256 of {written['json']}: {digest})"
    report = json.loads((folder / "k.registration.json").read_text("utf-8"))
    assert report["report"] == "community.immuta.register_connection"
    assert [one["status"] for one in report["runs"]] == ["failed", "registered"]
    assert [(folder / name).stat().st_mode & 0o777 for name in os.listdir(folder)] == [0o600, 0o600]
    assert "hunter2" not in json.dumps(report)


def test_two_tenants_never_share_a_report(tmp_path: Path) -> None:
    assert "sha256" in stage("conclude", done(found=found()), report_dir=str(tmp_path))["result"]["report"]
    before = (tmp_path / "k.registration.json").read_bytes()
    sentence = f"The report {tmp_path}/k.registration.json belongs to a connection of https://t, not of https://o."
    decided_ = stage("decide", Observed(found("https://o"), script()), report_dir=str(tmp_path))
    assert decided_["failed"] and sentence in decided_["msg"] and "immuta_register_report_dir" in decided_["msg"]
    # Whoever gets there all the same changes nothing, and fails: evidence was asked for.
    answer = stage("conclude", done(found=found("https://o")), report_dir=str(tmp_path))
    assert (answer["result"]["status"], answer["result"]["report"]) == ("failed", None)
    assert answer["fatal"].startswith(sentence) and answer["warnings"] == [answer["fatal"]]
    assert (tmp_path / "k.registration.json").read_bytes() == before


@pytest.mark.parametrize(("confirm", "check", "written"), [("k", False, True), ("", False, False), ("k", True, False)])
def test_a_registration_that_is_not_taken_back_has_a_result_and_a_report(
    tmp_path: Path, confirm: str, check: bool, written: bool
) -> None:
    assert "sha256" in stage("conclude", done(found=found()), report_dir=str(tmp_path))["result"]["report"]
    before = (tmp_path / "k.registration.json").read_bytes()
    known = read(state="undone", confirm=confirm, report_dir=str(tmp_path))
    checked = {"settings": vars(known), "started": "2026-01-01T00:00:00.000Z"}
    listed = {"integrations": {"integrations": [], **TIMING}, "former": TIMING}
    refused = {"failed": True, "msg": "It is another's.\x1b[2J", "failure": {"code": "refused"}}
    observed = {"found": found(), **listed, "allowed": refused}
    answer = run("undone", check=check, checked=checked, observed=observed)
    result = answer["result"]
    assert (result["status"], result["failed_task"]) == (
        "failed",
        "Require that the connection is the one that is described",
    )
    assert "\x1b" not in result["error"] and "DONE: nothing in this run." in result["error"]
    assert answer["lines"][: result["error"].count("\n") + 1] == result["error"].split("\n")
    assert (answer["fatal"], result["report"] is not None) == ("", written)
    if not written:
        assert (tmp_path / "k.registration.json").read_bytes() == before
        return
    report = json.loads((tmp_path / "k.registration.json").read_text("utf-8"))
    assert [(one["status"], one["undoes"], one["removal"]) for one in report["runs"]] == [
        ("registered", False, None),
        ("failed", True, None),
    ]
    # Nothing goes on for another tenant.
    theirs = {"setup_scripts": [set_up_script(tenant="https://o")], **TIMING}
    other = {**observed, "found": found("https://o"), "former": theirs}
    assert "belongs to a connection of https://t" in run("undo", checked=checked, observed=other)["msg"]


def former() -> Answer:
    """What is saved of a registration that was stopped."""
    return {"setup_scripts": [set_up_script()], **TIMING}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{}", "is not a report of this role. Move it away, or set immuta_register_report_dir to another folder."),
        ({"connection_key": "o"}, 'is the report of the connection "o". Move it away'),
        ({"runs": [{"number": 1}]}, "is damaged. Move it away, or set immuta_register_report_dir"),
        ({"report": "community.immuta.deregister_connection"}, "is not a report of this role."),
        (None, 'immuta_register_report_dir is "reports". Set it to an absolute path on the controller.'),
    ],
)
def test_a_report_that_can_not_be_continued_is_refused_first(tmp_path: Path, content: t.Any, sentence: str) -> None:
    good = {"report": "community.immuta.register_connection", "format": 1, "connection_key": "k", "runs": []}
    text = content if isinstance(content, str) else json.dumps({**good, **(content or {})})
    (tmp_path / "k.registration.json").write_text(text, "utf-8")
    folder = "reports" if content is None else str(tmp_path)
    answer = run("check", {"immuta_register_report_dir": folder})
    assert answer["failed"] and sentence in answer["msg"]


def test_what_is_set_for_removals_counts_where_a_registration_is_taken_back(tmp_path: Path) -> None:
    given = {
        "immuta_register_state": "undone",
        "immuta_register_reason": "CHG2",
        "immuta_deregister_report_dir": str(tmp_path),
        "immuta_deregister_reason": "CHG1",
    }
    known = run("check", given)["settings"]
    assert (known["report_dir"], known["reason"], known["approver"]) == (str(tmp_path), "CHG2", "")
    (tmp_path / "k.registration.json").write_text("{}", "utf-8")
    assert "is not a report of this role. Move it away" in run("check", given)["msg"]


@pytest.mark.parametrize(
    ("host", "play_hosts", "fails"),
    [
        ({}, ["h"], True),
        ({}, [], False),
        ({"immuta_register_result": {"status": "planned"}}, ["h"], False),
        ({"immuta_deregister_result": {"status": "completed"}}, ["h"], False),
    ],
)
def test_a_play_that_did_nothing_is_not_green(host: Answer, play_hosts: list[str], fails: bool) -> None:
    answer = run("finished", {"hostvars": {"h": host}, "ansible_play_hosts": play_hosts})
    assert answer.get("failed", False) is fails
