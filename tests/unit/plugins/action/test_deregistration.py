# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of the action plugin: each rule gets what the task and the host know, and its answer comes back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.community.immuta.plugins.action import deregistration
from ansible_collections.community.immuta.plugins.module_utils import _utc
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval, names, stops
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import report as evidence
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    DIGEST,
    GO,
    LOST,
    LOST_BUT_THERE,
    OBJECTS,
    PLANNED,
    ROLE,
    SHA,
    SITUATIONS,
    SKIPPED,
    TRIED,
    read,
    script,
)

Answer = dict[str, t.Any]
HOST: Answer = {
    "inventory_hostname": "h",
    "role_path": str(ROLE),
    "ansible_version": {"full": "2.99.0"},
    "ansible_playbook_python": "/usr/bin/python3",
    "hostvars": {"h": {"ansible_connection": "local"}},
    "ansible_play_hosts_all": ["h"],
    "ansible_play_hosts": ["h"],
}


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWX_PRIVATE_DATA_DIR", "AWX_ISOLATED_DATA_DIR", "GITHUB_RUN_ID", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    for name in ("IMMUTA_URL", "IMMUTA_API_KEY"):
        monkeypatch.setenv(name, "x")


def run(
    stage: str,
    variables: Answer | None = None,
    *,
    check: bool = False,
    once: bool = False,
    known: Answer = HOST,
    **arguments: t.Any,
) -> Answer:
    """Run a stage as the task of a play does, for the variables of a host."""
    known = {**known, **{f"immuta_deregister_{name}": value for name, value in (variables or {}).items()}}
    task: t.Any = types.SimpleNamespace(
        args={"stage": stage, **arguments},
        action="community.immuta.deregistration",
        async_val=0,
        check_mode=check,
        diff=False,
        delegate_to=None,
        delegate_facts=None,
        environment=None,
        run_once=once,
        connection="ssh",
        module_defaults=[],
    )
    connection: t.Any = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None), become=None)
    play: t.Any = types.SimpleNamespace(check_mode=check)
    templar = Templar(loader=DataLoader(), variables=known)
    plugin = deregistration.ActionModule(task, connection, play, DataLoader(), templar, mock.Mock())
    return plugin.run(task_vars=known)


def checked(**given: t.Any) -> Answer:
    """What the stage of the checks has answered."""
    return {"settings": read(**given).as_dict(), "started": "2026-01-01T00:00:00.000Z"}


def ended(name: str, folder: Path) -> Answer:
    """The arguments of a stage at the end of a run."""
    situation = SITUATIONS[name]
    return {
        "checked": checked(**situation.given, report_dir=str(folder)),
        "observed": dataclasses.asdict(situation.all_observed),
    }


def test_choose() -> None:
    answer = run("choose", {"connection_keys": "a b\nc"})
    local = {"connection": "local", "interpreter": "/usr/bin/python3"}
    assert answer["hosts"] == [
        {"name": "a-b-c8687a08aa", "connection_key": "a b", "label": "a b", **local},
        {"name": "c-2e7d2c03a9", "connection_key": "c", "label": "c", **local},
    ]
    assert answer["changed"] is False


@pytest.mark.parametrize(("plan_only", "confirm"), [(False, "k"), (True, "")])
def test_check_reads_the_variables(plan_only: bool, confirm: str) -> None:
    answer = run("check", {"connection_key": "k", "confirm": "k"}, plan_only=plan_only)
    assert answer["settings"] == read(**GO).as_dict() | {"confirm": confirm, "plan_only": plan_only}
    assert evidence.seconds_between(answer["started"], _utc.now_zulu()) >= 0
    assert not answer.get("failed")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"connection_key": "k", "confirm": "K"}, ["immuta_deregister_confirm is"]),
        ({"connection_key": "k", "script_host": "x"}, ['immuta_deregister_script_host is "x"']),
        ({"connection_key": "k", "confirm": "K", "executor": "x"}, ["deregister_confirm", "deregister_executor"]),
    ],
    ids=["one", "no host", "two"],
)
def test_check_fails_with_all_mistakes_and_nothing_else(variables: Answer, words: list[str]) -> None:
    answer = run("check", variables)
    assert [word for word in words if word not in answer["msg"]] == []
    # Ansible prints the whole of it.
    assert {*answer} == {"changed", "started", "failed", "msg"}
    concluded = run("conclude", variables, checked=answer)
    assert (concluded["result"]["status"], concluded["result"]["connection_key"]) == ("failed", "k")


def test_check_warns_of_a_credential_in_the_plan_and_leaves_it_out() -> None:
    config = {"type": "Snowflake", "host": "h", "user": "svc password=hunter2-is-no-name"}
    plan = {"connections": [{"connection_key": "k", "integration_config": config}]}
    answer = run("check", {"connection_key": "k", "plan": plan})
    assert answer["settings"]["integration_config"] == {"type": "Snowflake", "host": "h"}
    (warning,) = answer["warnings"]
    assert "integration_config in the plan has in user is not used" in warning
    assert "hunter2" not in warning


def test_check_fails_when_the_variables_cannot_be_read() -> None:
    answer = run("check")
    assert answer["failed"]
    assert "immuta_deregister_connection_key" in answer["msg"]


def test_decide() -> None:
    answer = run("decide", checked=checked(**GO), observed={"script": script()})
    assert answer["decision"] == {
        "executor": "snowflake",
        "preflight": "snowflake",
        "way": "preflight",
        "look_again": "",
        "after": False,
        "unlooked": "",
        "optional": False,
        "hosts": ["a.snowflakecomputing.com"],
        "look": "~/.local/state/community.immuta/k.sql",
        "objects": [],
        "plan": False,
        "delete": True,
        "script_path": read().script_path,
        "script_sha256": SHA,
        "run": "snowflake",
        "skip": [],
        "leave_script": False,
    }


@pytest.mark.parametrize(
    ("given", "created", "words"),
    [
        ({}, [("DATABASE", "IMMUTA")], ""),
        (
            {},
            [("DATABASE", "OTHER")],
            "has created: DATABASE IMMUTA. They may belong to another team. Nothing was deleted",
        ),
        ({"accepted": ["DATABASE IMMUTA"]}, [("DATABASE", "OTHER")], ""),
        (
            {"accepted": ["ROLE IMMUTA"]},
            [],
            'name each in immuta_register_drop_existing, for example ["DATABASE IMMUTA"]',
        ),
    ],
)
def test_what_takes_back_drops_only_what_was_created(given: Answer, created: list[tuple[str, str]], words: str) -> None:
    objects = [{"kind": kind, "name": name} for kind, name in created]
    by = {"objects": objects, "accepted": [], "option": "immuta_register_drop_existing", **given}
    drop = {"index": 1, "verb": "DROP", "object": "DATABASE", "name": "IMMUTA", "session": False}
    observed = {"script": script(statements=[drop])}
    known = {**HOST, names.CREATED: by}
    for settings in ({}, GO):
        answer = run("decide", known=known, checked=checked(**settings), observed=observed)
        assert words in answer.get("msg", "")
        assert (answer.get("failure"), "decision" in answer) == ({"code": "refused"} if words else None, not words)
    # A removal of its own may drop all, and what has run is not asked for again.
    assert "decision" in run("decide", checked=checked(**GO), observed=observed)
    ran = {"state": "finished", "done": 1, "total": 1}
    done = {"script": script(statements=[drop], execution=ran, connection_exists=False)}
    assert "decision" in run("decide", known=known, checked=checked(**GO), observed=done)


GRANT = {
    **OBJECTS[0],
    "type": "grant",
    "kind": "GRANT",
    "name": "ALL PRIVILEGES ON CATALOG sales TO p",
    "present": True,
    "dropped": True,
}
MASK = {**GRANT, "type": "policy", "kind": "COLUMN MASK", "name": "ON TABLE sales.t COLUMN c"}
TAKEN: Answer = {"objects": [], "accepted": [], "option": "immuta_register_drop_existing", "grants": [], "made": []}


@pytest.mark.parametrize(
    ("row", "given", "refused"),
    [
        (GRANT, {}, True),
        (MASK, {}, True),
        # The set-up script has granted a part of it.
        (GRANT, {"grants": ["USE CATALOG ON CATALOG `sales` TO p".replace("`", "")]}, False),
        (GRANT, {"grants": ["USE CATALOG ON CATALOG other TO p", "USE CATALOG ON CATALOG sales TO q"]}, True),
        # Its role or user goes anyway.
        ({**GRANT, "name": "USAGE ON WAREHOUSE W TO ROLE R"}, {}, True),
        ({**GRANT, "name": "USAGE ON WAREHOUSE W TO ROLE R"}, {"made": [{"kind": "ROLE", "name": "R"}]}, False),
        ({**GRANT, "name": "ROLE R TO USER U"}, {"made": [{"kind": "ROLE", "name": "R"}]}, False),
        ({**GRANT, "name": "ROLE S TO USER R"}, {"made": [{"kind": "ROLE", "name": "R"}]}, True),
        ({**GRANT, "name": "ROLE S TO USER U"}, {"accepted": ["USER U"]}, False),
        # Immuta has made it for the connection.
        (GRANT, {"grants": None}, False),
        (MASK, {"grants": None}, False),
        ({**GRANT, "present": False}, {}, False),
        ({**MASK, "present": None}, {}, False),
        ({**MASK, "dropped": False}, {}, False),
        # What is created has a check of its own.
        ({**MASK, "type": "object"}, {}, False),
        (GRANT, {"accepted": ["GRANT ALL PRIVILEGES ON CATALOG sales TO p"]}, False),
        (GRANT, {"accepted": ["GRANT SELECT ON CATALOG sales TO p"]}, True),
    ],
)
def test_what_takes_back_takes_away_only_what_was_granted(row: Answer, given: Answer, refused: bool) -> None:
    observed = {
        "script": script(),
        "tried": {"objects": [row], "timing": {}},
        "decided": {"created": {**TAKEN, **given}},
    }
    answer = run("plan", checked=checked(**GO), observed=observed)
    assert answer.get("failure") == ({"code": "refused"} if refused else None), answer
    if refused:
        assert (
            f"this registration has not made: {row['kind']} {row['name']}. Another connection may need it."
            in answer["msg"]
        )
    observed["decided"] = {"created": {}}
    assert "failure" not in run("plan", checked=checked(**GO), observed=observed)


def beside(other: Answer, **mine: t.Any) -> str:
    """What the check says when there is another host."""
    given = {"connection_key": "k", **mine}
    known = {f"immuta_deregister_{name}": value for name, value in given.items()}
    hosts = {"h": known, "i": {f"immuta_deregister_{name}": value for name, value in other.items()}}
    with mock.patch.dict(HOST, hostvars=hosts, ansible_play_hosts_all=["h", "i"]):
        return str(run("check", given).get("msg", ""))


def test_check_looks_at_the_other_hosts_of_the_play() -> None:
    assert beside({"connection_key": "l"}) == ""
    assert beside({"connection_key": "k"}).startswith('The host "i" of this play is for the same connection "k"')
    same = {"script_path": "/s/x.sql", "script_host": "i"}
    assert "the same file, /s/x.sql on i:22" in beside({"connection_key": "l", **same}, **same)


@pytest.mark.parametrize(("path", "clash"), [("/s/x.sql", True), ("/s/{{ inventory_hostname }}.sql", False)])
def test_variables_of_the_play_stand_for_all_hosts(path: str, clash: bool) -> None:
    hosts = {
        name: {"inventory_hostname": name, "immuta_deregister_connection_key": name, "ansible_connection": "local"}
        for name in ("h", "i")
    }
    with mock.patch.dict(HOST, hostvars=hosts, ansible_play_hosts_all=["h", "i"]):
        answer = run("check", {"connection_key": "h", "script_path": trust(path)})
    assert ("in the same file, /s/x.sql on localhost" in str(answer.get("msg"))) is clash


def trust(text: str) -> str:
    """A string that newer versions of Ansible take for a template."""
    try:
        from ansible.template import trust_as_template
    except ImportError:
        return text
    return trust_as_template(text)


def test_decide_fails_at_an_obstacle() -> None:
    answer = run("decide", checked=checked(), observed={"script": LOST_BUT_THERE})
    assert (answer["failed"], answer["msg"]) == (True, "script_lost happened.")


OPEN_QUOTE = {"message": "A quote is open."}


@pytest.mark.parametrize(
    ("given", "answer", "code"),
    [
        ({}, LOST_BUT_THERE, "script_lost"),
        ({}, LOST, "script_lost"),
        (GO, script(split_error=OPEN_QUOTE), "split_error"),
        ({**GO, "executor": "databricks"}, script(), "refused"),
    ],
)
def test_what_the_decision_refuses_has_a_code(given: Answer, answer: Answer, code: str) -> None:
    assert run("decide", checked=checked(**given), observed={"script": answer})["failure"] == {"code": code}


def approved(tenant: str) -> Answer:
    """A plan of the connection, approved."""
    entry = {
        "connection_key": "k",
        "tenant": tenant,
        "script_sha256": SHA,
        "plan_digest": DIGEST,
        "executor": "snowflake",
    }
    return {"plan": {"format": 2, "connections": [entry]}, "approved": approval.digest([entry])}


@pytest.mark.parametrize("tenant", ["https://t", "https://other"])
def test_what_is_not_what_was_approved_is_refused_before_anything_is_deleted(tmp_path: Path, tenant: str) -> None:
    given = {**approved(tenant), "report_dir": str(tmp_path)}
    observed = {"script": script(), "tried": TRIED, "planned": SKIPPED}
    known = {"checked": checked(**given), "observed": observed}
    answer = run("plan", **known)
    differ = tenant != "https://t"
    assert answer.get("failed", False) is differ
    assert ("the tenant changed from https://other to https://t." in str(answer["msg"])) is differ
    decision = run("decide", **known)
    ended = run("conclude", checked=known["checked"], observed={**observed, "decided": decision, "shown": answer})
    assert ended["result"]["failed_task"] == ("Show the plan" if differ else "Delete the connection")
    # That the deletion is missing is no failure of a task.
    assert bool(ended["fatal"]) is not differ
    claims = json.loads((tmp_path / "k.json").read_text(encoding="utf-8"))["runs"][0]["verified"]
    (claim,) = [one for one in claims if one["claim"] == "What was approved is what was found"]
    assert (claim["state"], claim["how"].startswith("They differ: ")) == ("not_verified", differ)


def test_another_tenants_report_is_left_alone(tmp_path: Path) -> None:
    run("conclude", **ended("completed", tmp_path))
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    known = {"checked": checked(**GO, report_dir=str(tmp_path)), "observed": {"script": script(tenant="https://u")}}
    refused = run("decide", **known)
    sentence = (
        f"The report {tmp_path}/k.json belongs to a connection of https://t, not of https://u. If https://t is the right"
        " one, correct the URL (url, or IMMUTA_URL). Otherwise, set immuta_deregister_report_dir to another folder."
    )
    assert (refused["failed"], refused["msg"]) == (True, sentence)
    known["observed"]["decided"] = refused
    answer = run("conclude", **known)
    assert answer["lines"][-1] == f"Report: NOT WRITTEN. {sentence}"
    assert f"NEXT: {stops.ADVICE['configuration']}" in answer["lines"]
    assert (answer["warnings"], answer["result"]["report"]) == ([sentence], None)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before


def test_a_deletion_that_no_run_of_the_report_tells_is_told_on_the_console_once(tmp_path: Path) -> None:
    told = [
        run("conclude", **ended(name, tmp_path))["lines"] for name in ("planned, pinned", "resumed", "already done")
    ]
    said = "No run in this report has deleted the connection: it was not there when run 2 started."
    assert [sum(line.startswith(said) for line in lines) for lines in told] == [0, 1, 0]
    # Without a report, no run is expected to tell.
    assert not any(
        "No run in" in line
        for line in run("conclude", **{**ended("resumed", tmp_path), "checked": checked(**GO)})["lines"]
    )


@pytest.mark.parametrize("name", ["nothing known", "lost"])
def test_a_run_with_a_wrong_url_claims_no_report(tmp_path: Path, name: str) -> None:
    wrong = ended(name, tmp_path)
    script_of = wrong["observed"]["script"]
    script_of["failure"] = {**script_of["failure"], "tenant": "https://wrong"}
    run("conclude", **wrong)
    answer = run("decide", checked=checked(**GO, report_dir=str(tmp_path)), observed={"script": script()})
    assert "failed" not in answer
    right = run("conclude", **ended("completed", tmp_path))
    assert right["result"]["report"]
    page = (tmp_path / "k.html").read_text(encoding="utf-8")
    assert "<dt>Tenant</dt><dd><bdi>https://t</bdi></dd>" in page


def test_a_wrong_url_is_not_taken_for_the_tenant_of_the_connection(tmp_path: Path) -> None:
    wrong = ended("nothing known", tmp_path)
    wrong["observed"]["script"]["failure"] = {"code": "transport", "tenant": "https://wrong"}
    lines = run("conclude", **wrong)["lines"]
    page = (tmp_path / "k.html").read_text(encoding="utf-8")
    assert '<bdi>https://wrong</bdi><p class="muted"><bdi>No run has found the connection there.</bdi>' in page
    assert any(line.startswith("NEXT: Check that IMMUTA_URL") for line in lines)


def test_another_connections_report_is_left_alone_by_a_run_that_the_check_has_refused(tmp_path: Path) -> None:
    run("conclude", **ended("completed", tmp_path))
    file = tmp_path / "k.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"connection_key": "k"', '"connection_key": "other"'))
    before = file.read_bytes()
    variables = {"connection_key": "k", "report_dir": str(tmp_path)}
    answer = run("check", variables)
    assert 'is the report of the connection "other"' in answer["msg"]
    concluded = run("conclude", variables, checked=answer)
    assert (concluded["result"]["status"], concluded["result"]["report"]) == ("failed", None)
    assert file.read_bytes() == before


def test_a_run_that_ends_without_a_failed_task_is_not_green(tmp_path: Path) -> None:
    given = ended("completed", tmp_path)
    given["observed"]["ran"] = {}
    answer = run("conclude", **given)
    assert (answer["result"]["status"], answer["fatal"]) == ("failed", stops.ELSEWHERE)
    middle = run("conclude")
    assert "can't be entered in the middle" in middle["fatal"]


@pytest.mark.parametrize("stage", ["decide", "plan", "handoff"])
def test_no_stage_runs_without_those_before_it(stage: str) -> None:
    for earlier in ({}, {"failed": True, "msg": "Undefined."}):
        answer = run(stage, checked=earlier, observed={"script": script()})
        assert answer["failed"]
        assert "can't be entered in the middle" in answer["msg"]
    refused = run(stage, checked={**checked(**GO), "failed": True, "msg": "Wrong key."}, observed={"script": script()})
    assert (refused["failed"], refused["msg"]) == (True, "Wrong key.")


@pytest.mark.parametrize("answer", [{}, {"unreachable": True, "msg": "timed out"}], ids=["none", "unreachable"])
def test_decide_takes_no_silence_for_an_answer(answer: Answer) -> None:
    refused = run("decide", checked=checked(**GO), observed={"script": answer})
    assert refused["failed"]
    assert "returned no result" in refused["msg"]


def test_check_refuses_run_once_where_it_would_pass_over_another_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"h": {"immuta_deregister_connection_key": "k"}, "i": {"immuta_deregister_connection_key": "other"}}
    monkeypatch.setitem(HOST, "hostvars", other)
    monkeypatch.setitem(HOST, "ansible_play_hosts_all", list(other))
    assert not run("check", {"connection_key": "k"}).get("failed")
    assert (
        'With run_once only "k" would be removed, not "other".'
        in run("check", {"connection_key": "k"}, once=True)["msg"]
    )


@pytest.mark.parametrize("stage", ["choose", "check"])
def test_refuses_what_was_mistyped(stage: str) -> None:
    answer = run(stage, {"connection_key": "k", "confrim": "k"})
    assert answer["failed"]
    assert answer["msg"] == "There is no variable immuta_deregister_confrim. Did you mean immuta_deregister_confirm?"


@pytest.mark.parametrize(
    ("stage", "first"),
    [
        ("plan", 'Plan for the Immuta connection "k"'),
        ("handoff", "The clean-up script of k is for you to run. It has NOT been run."),
    ],
)
def test_what_is_shown(stage: str, first: str) -> None:
    answer = run(stage, checked=checked(), observed={"script": script()})
    assert (answer["msg"][0], answer["_ansible_verbose_always"]) == (first, True)


@pytest.mark.parametrize("name", ["completed", "handed off", "lost"])
def test_conclude(tmp_path: Path, name: str) -> None:
    answer = run("conclude", **ended(name, tmp_path))
    expected = dataclasses.replace(SITUATIONS[name], observed=SITUATIONS[name].all_observed).result
    report = {kind: f"{tmp_path}/k.{kind}" for kind in ("json", "html")}
    digest = hashlib.sha256((tmp_path / "k.json").read_bytes()).hexdigest()
    assert answer["result"] == {**expected, "report": {**report, "sha256": digest}}
    assert answer["fatal"] == ""
    assert answer["ansible_stats"]["data"] == {"immuta_deregister": {"k": answer["result"]}}
    assert answer["ansible_stats"]["aggregate"] is True
    assert answer["lines"][0].startswith('Deregistration of "k": ')
    assert answer["lines"][-1] == f"Report: {report['html']} (sha256 of {report['json']}: {digest})"
    assert json.loads((tmp_path / "k.json").read_text(encoding="utf-8"))["status"] == expected["status"]
    assert (tmp_path / "k.html").exists()
    # A job of a workflow that plans leaves the plan, and nothing else.
    planning = ended(name, tmp_path)
    planning["checked"]["settings"]["plan_only"] = True
    assert "ansible_stats" not in run("conclude", **planning)


def test_runs_add_themselves_to_the_report(tmp_path: Path) -> None:
    run("conclude", **ended("a statement failed", tmp_path))
    run("conclude", **ended("resumed", tmp_path))
    runs = json.loads((tmp_path / "k.json").read_text(encoding="utf-8"))["runs"]
    assert [(one["number"], one["status"]) for one in runs] == [(1, "failed"), (2, "completed")]


def test_a_rerun_that_does_not_look_says_what_is_still_open(tmp_path: Path) -> None:
    first = ended("completed", tmp_path)
    hidden = [{**row, "present": None} for row in TRIED["objects"]]
    first["observed"]["ran"] = {**first["observed"]["ran"], "objects": hidden}
    lines = run("conclude", **first)["lines"]
    again = run("conclude", **ended("already done", tmp_path))["lines"]
    (todo,) = [line for line in lines if line.startswith("TO DO: ")]
    assert "DATABASE IMMUTA" in todo
    assert todo in again


def test_check_mode_leaves_no_report(tmp_path: Path) -> None:
    assert run("conclude", check=True, **ended("completed", tmp_path))["result"]["report"] is None
    assert not list(tmp_path.iterdir())


def test_no_report_is_written_unless_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("conclude", checked=checked(), observed={"script": script()})
    assert not list(tmp_path.iterdir())


def test_conclude_fails_when_the_report_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "k.json").write_text("{}", encoding="utf-8")
    answer = run("conclude", **ended("completed", tmp_path))
    reason = f"The report could not be written: it is not a report of this role ({tmp_path}/k.json)."
    assert (answer["result"]["status"], answer["result"]["report"], answer["fatal"]) == ("failed", None, reason)
    assert answer["lines"][0] == f'Stopped at "Write the report": {reason}'
    broken = run("conclude", **ended("a statement failed", tmp_path))
    # Ansible has shown a failure.
    assert (broken["warnings"], broken["fatal"]) == ([reason], "")


def test_stopped(tmp_path: Path) -> None:
    answer = run("conclude", **ended("a statement failed", tmp_path))
    assert answer["lines"][0] == 'Stopped at "Run the script on Snowflake": statement_failed happened.'
    assert "warnings" not in answer
    assert {name: answer["result"][name] for name in ("status", "failed_task", "error", "connection_gone")} == {
        "status": "failed",
        "failed_task": "Run the script on Snowflake",
        "error": "\n".join(answer["lines"][:-1]),
        "connection_gone": True,
    }


@pytest.mark.parametrize(
    ("earlier", "reason"),
    [({}, "This role can't be entered in the middle: "), ({"failed": True, "msg": "Wrong."}, "Wrong.")],
    ids=["entered in the middle", "mistakes"],
)
def test_stopped_before_the_settings_were_read(earlier: Answer, reason: str) -> None:
    answer = run("conclude", checked=earlier)
    assert answer["result"] == {}
    assert bool(answer["fatal"]) is not bool(earlier)
    assert answer["lines"][0].startswith(f'Stopped at "Validate the variables": {reason}')
    assert answer["lines"][1] == "DONE: nothing; no request was sent."
    assert not [line for line in answer["lines"] if line.startswith("Report")]
    asked = run("conclude", {"report_dir": "/r"}, checked=earlier)
    assert asked["lines"][-1] == f"Report: NOT WRITTEN. {deregistration.NO_KEY_NO_REPORT}"


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> None:
    """One host has ended, another one was not begun."""
    own = {"immuta_deregister_connection_key": "k", "immuta_deregister_result": SITUATIONS["planned, pinned"].result}
    hosts = {"h": own, "i": {"immuta_deregister_connection_key": "other"}}
    monkeypatch.setitem(HOST, "hostvars", hosts)
    monkeypatch.setitem(HOST, "ansible_play_hosts_all", list(hosts))


@pytest.mark.usefixtures("play")
def test_planned(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    answer = run("planned", output=str(file))
    document = answer["ansible_stats"]["data"]["immuta_deregister_plan"]
    assert [(one["connection_key"], one["status"]) for one in document["connections"]] == [
        ("k", "planned"),
        ("other", "failed"),
    ]
    assert (document["format"], document["digest"]) == (2, approval.digest(document["connections"]))
    assert document["connections"][0]["script_sha256"] == SHA
    assert answer["lines"][-1] == f"Digest of this plan: {document['digest']}"
    assert answer["ansible_stats"]["aggregate"] is False
    # The file is the result. Nothing was changed.
    assert answer["changed"] is False
    assert json.loads(file.read_text(encoding="utf-8")) == {"immuta_deregister_plan": document}


def test_tenant_session_and_reason_are_in_plan_report_and_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"reason": "CHG1", "report_dir": str(tmp_path)}
    known = checked(**given)
    observed = {"script": script(), "tried": TRIED, "planned": PLANNED}
    shown = run("plan", checked=known, observed=observed)
    assert {"Tenant: https://t", "Reason: CHG1", "Signed in: user U"} < set(shown["msg"])
    decided = run("decide", checked=known, observed=observed)
    result = run("conclude", checked=known, observed={**observed, "decided": decided, "shown": shown})["result"]
    monkeypatch.setitem(HOST, "hostvars", {"h": {"immuta_deregister_result": result}})
    (planned,) = run("planned", output="")["ansible_stats"]["data"]["immuta_deregister_plan"]["connections"]
    report = json.loads((tmp_path / "k.json").read_text(encoding="utf-8"))["runs"][0]
    for one in (result, planned, report):
        assert (one["tenant"], one["session"], one["reason"]) == ("https://t", {"user": "U"}, "CHG1")
    page = (tmp_path / "k.html").read_text(encoding="utf-8")
    assert [word for word in ("https://t", "CHG1", "a.snowflakecomputing.com") if word not in page] == []


@pytest.mark.usefixtures("play")
def test_finished(tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    answer = run("finished", output=str(file))
    assert answer["lines"] == [
        "planned      k: the connection exists, the script has not run",
        "not started  other",
    ]
    assert list(json.loads(file.read_text(encoding="utf-8"))["immuta_deregister"]) == ["k"]


@pytest.mark.usefixtures("play")
@pytest.mark.parametrize("stage", ["planned", "finished"])
def test_without_an_output_nothing_is_written(stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "failed" not in run(stage, output="")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("play")
@pytest.mark.parametrize("stage", ["planned", "finished"])
def test_an_output_that_cannot_be_written(tmp_path: Path, stage: str) -> None:
    file = tmp_path / "missing" / "out.json"
    answer = run(stage, output=str(file))
    assert answer["failed"]
    assert answer["msg"] == f"The file {file} of immuta_deregister_output can't be written: No such file or directory."


@pytest.mark.parametrize("stage", ["planned", "finished"])
def test_a_play_that_did_nothing_is_not_green(stage: str) -> None:
    answer = run(stage)
    assert answer["failed"]
    assert answer["msg"].startswith("Nothing was checked, planned, or removed")


@pytest.mark.usefixtures("play")
def test_check_mode_writes_beside_what_came_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("finished", output="out.json")
    before = (tmp_path / "out.json").read_bytes()
    run("finished", check=True, output="out.json")
    # The playbook that plans is always in check mode.
    run("planned", check=True, output="plan.json")
    assert {one.name for one in tmp_path.iterdir()} == {"out.json", "out.check.json", "plan.json"}
    assert "a plan must not replace it" in run("planned", check=True, output="out.json")["msg"]
    assert (tmp_path / "out.json").read_bytes() == before


@pytest.mark.parametrize(
    ("output", "plan_only", "words"),
    [
        ("missing/out.json", False, "immuta_deregister_output can't be written: No such file"),
        ("out.json", True, "contains the outcome of a removal"),
        ("out.json", False, ""),
        ("", False, ""),
    ],
)
def test_check_tries_the_output(tmp_path: Path, output: str, plan_only: bool, words: str) -> None:
    (tmp_path / "out.json").write_text('{"immuta_deregister": {}}', encoding="utf-8")
    path = str(tmp_path / output) if output else ""
    message = str(run("check", {"connection_key": "k"}, plan_only=plan_only, output=path).get("msg", ""))
    assert words in message
    assert bool(message) is bool(words)


def test_check_finds_a_report_that_cannot_be_shown(tmp_path: Path) -> None:
    run("conclude", **ended("a statement failed", tmp_path))
    given = {"connection_key": "k", "report_dir": str(tmp_path)}
    assert "msg" not in run("check", given)
    file = tmp_path / "k.json"
    report = json.loads(file.read_text(encoding="utf-8"))
    del report["runs"][0]["steps"]
    file.write_text(json.dumps(report), encoding="utf-8")
    assert run("check", given)["msg"] == (
        f"The report {file} is damaged. Move it away, or set immuta_deregister_report_dir to another folder."
    )


def test_a_stage_that_does_not_exist_is_refused() -> None:
    with pytest.raises(AnsibleError, match="stage"):
        run("guess")
