# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of the action plugin audit: what it refuses, and what it writes."""

from __future__ import annotations

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

from ansible_collections.community.immuta.plugins.action import audit
from ansible_collections.community.immuta.plugins.plugin_utils._audit import draft

Answer = dict[str, t.Any]

SNOWFLAKE = {"SNOWFLAKE_ACCOUNT": "x", "SNOWFLAKE_USER": "x", "SNOWFLAKE_PASSWORD": "x"}
DATABRICKS = {"DATABRICKS_HOST": "x", "DATABRICKS_WAREHOUSE_ID": "x", "DATABRICKS_TOKEN": "x"}
DATABASE = {
    **{"kind": "DATABASE", "path": ["IMMUTA"], "part": "database", "home": "IMMUTA", "owner": "R"},
    **{"created_on": "2026-01-01", "last_used": None, "display_name": None},
}
ROLE = {**DATABASE, "kind": "ROLE", "path": ["IMMUTA_SYSTEM"], "part": "system_role"}
SEEN: Answer = {
    **{"objects": [DATABASE, ROLE], "attached": [], "hosts": [], "place": "there", "sees_all": True},
    **{"session": {}, "reads": []},
}
GOOD: Answer = {
    "integrations": {"integrations": [], "timing": {}},
    "connections": {"connections": [], "timing": {}},
    "snowflake": SEEN,
    "databricks": {"skipped": True},
    "scripts": {"path": "/s", "exists": True, "scripts": [], "setup_scripts": []},
}


@pytest.fixture(autouse=True)
def _signed_in_to_snowflake(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("IMMUTA_", "SNOWFLAKE_", "DATABRICKS_"))]:
        monkeypatch.delenv(name)
    for name, value in {**SNOWFLAKE, "IMMUTA_URL": "https://t.example"}.items():
        monkeypatch.setenv(name, value)


def run(
    stage: str, variables: Answer | None = None, *, hosts: int = 1, extra: Answer | None = None, **arguments: t.Any
) -> Answer:
    """Run a stage as the task of a play does."""
    names = [f"h{number}" for number in range(hosts)]
    known = {"inventory_hostname": "h0", "ansible_play_hosts_all": names, **(variables or {})}
    known.setdefault("hostvars", dict.fromkeys(names, known))
    task: t.Any = types.SimpleNamespace(
        **{"args": {"stage": stage, **arguments}, "action": "community.immuta.audit", "async_val": 0, "diff": False},
        **{"check_mode": True, "delegate_to": None, "delegate_facts": None, "environment": None, "run_once": False},
    )
    connection: t.Any = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=None), become=None)
    play: t.Any = types.SimpleNamespace(check_mode=True)
    templar = Templar(loader=DataLoader(), variables=known)
    plugin = audit.ActionModule(task, connection, play, DataLoader(), templar, mock.Mock())
    with mock.patch.object(audit, "load_extra_vars", return_value=extra or {}):
        return plugin.run(task_vars=known)


def checked(**variables: t.Any) -> Answer:
    found = run("check", {f"immuta_audit_{name}": value for name, value in variables.items()})
    assert not found.get("failed"), found
    return found


def concluded(known: Answer, **changes: t.Any) -> Answer:
    return run("conclude", checked=known, observed={**GOOD, **changes})


def reported(known: Answer, **changes: t.Any) -> Answer:
    return run("report", {"immuta_audited_checked": known, "immuta_audited_concluded": concluded(known, **changes)})


# What it refuses


def test_the_defaults() -> None:
    found = checked()
    assert found["settings"] == {
        "platforms": ["snowflake"],
        "output": "",
        "draft": "",
        "fail_on": "never",
        "idle_days": 14.0,
    }
    assert (found["keeper"], found["url"]) == ("h0", "https://t.example")
    assert found["folder"]


@pytest.mark.parametrize(
    ("platforms", "found"),
    [("", ["databricks", "snowflake"]), ("databricks", ["databricks"]), (["snowflake"], ["snowflake"])],
)
def test_platforms(monkeypatch: pytest.MonkeyPatch, platforms: t.Any, found: list[str]) -> None:
    for name, value in DATABRICKS.items():
        monkeypatch.setenv(name, value)
    assert checked(platforms=platforms)["settings"]["platforms"] == found


REFUSED: list[tuple[str, t.Any, str]] = [
    ("immuta_audit_faul_on", "never", "Did you mean immuta_audit_fail_on?"),
    ("immuta_deregister_script_dri", "/x", "Did you mean immuta_deregister_script_dir?"),
    ("immuta_audit_fail_on", "always", "value of immuta_audit_fail_on must be one of: leftovers, uncertain, never"),
    ("immuta_audit_idle_days", -1, "Set it to a number of days"),
    ("immuta_audit_platforms", ["bigquery"], "immuta_audit_platforms"),
    ("immuta_audit_output", "/absent/folder/x.json", "immuta_audit_output can't be written"),
    ("immuta_audit_draft", "/absent/folder/x.sql", "/absent/folder is not a folder"),
    ("immuta_audit_draft", "/etc/passwd", "already exists, and a draft never replaces a file"),
    ("immuta_deregister_snowflake_options", "account", "is not a dictionary"),
    ("_raw_params", "prod", "left over from -e"),
    (
        "immuta_deregister_immuta_options",
        {"url": "https://joe:hunter2@t"},
        "immuta_deregister_immuta_options.url contains a user name or a password",
    ),
]


@pytest.mark.parametrize(("name", "value", "words"), REFUSED)
def test_what_is_refused_before_anybody_is_asked(name: str, value: t.Any, words: str) -> None:
    found = run("check", {name: value})
    assert (found["failed"], words in found["msg"]) == (True, True), found
    assert "hunter2" not in str(found)


def test_no_platform_and_a_draft_for_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    many = run("check", {"immuta_audit_draft": str(tmp_path / "x.sql")}, hosts=2)
    assert "immuta_audit_draft is one script for one account or metastore, and this run is for 2" in many["msg"]
    same = {f"immuta_audit_{name}": str(tmp_path / "x") for name in ("draft", "output")}
    assert "immuta_audit_output and immuta_audit_draft are the same file" in run("check", same)["msg"]
    forged = run("check", extra={"immuta_audited_concluded": {}})
    assert "Only the playbook may set the variable immuta_audited_concluded. Remove it." in forged["msg"]
    monkeypatch.delenv("SNOWFLAKE_USER")
    nothing = run("check")
    assert "There is no platform to look at" in nothing["msg"] and "SNOWFLAKE_USER" in nothing["msg"]


def test_a_file_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('{"immuta_deregister": {}}')
    found = run("check", {"immuta_audit_output": str(file)})
    assert f"The file {file} of immuta_audit_output contains something other than an audit" in found["msg"]


@pytest.mark.parametrize("stage", ["wanted", "conclude", "report"])
def test_no_stage_without_those_before(stage: str) -> None:
    found = run(stage, observed=GOOD)
    assert (found["failed"], "--tags or --start-at-task" in found["msg"]) == (True, True)


# What the tenant says


def test_what_is_wanted_of_the_platforms() -> None:
    one = {"id": 5, "type": "Snowflake", "host": "a.example", "database": "GOV", "in_use": True, "status": "enabled"}
    observed = {**GOOD, "integrations": {"integrations": [one], "timing": {}}}
    assert run("wanted", checked=checked(), observed=observed)["snowflake"] == {
        "names": ["GOV"],
        "hosts": ["a.example"],
    }


DENIED = {"failure": {"code": "permission"}, "msg": "Not shown.", "timing": {}}


@pytest.mark.parametrize("denied", [{"integrations": DENIED}, {"connections": DENIED}])
def test_a_tenant_that_does_not_show_everything(denied: Answer) -> None:
    found = concluded(checked(), **denied)["audited"]
    assert found["tenant_problem"] == "Not shown."
    assert {(one["state"], one["reason"]) for one in found["audits"][0]["objects"]} == {("not_certain", "Not shown.")}


@pytest.mark.parametrize(
    "answer", [{"failure": {"code": "transport"}, "msg": "No answer.", "timing": {}}, {"msg": "No answer.", "rc": 1}]
)
def test_a_tenant_that_does_not_answer(answer: Answer) -> None:
    found = run("wanted", checked=checked(), observed={**GOOD, "integrations": answer})
    assert (found["failed"], found["msg"]) == (True, "No answer.")


# What it writes


def test_the_result_and_the_draft(tmp_path: Path) -> None:
    output, script = tmp_path / "audit.json", tmp_path / "draft.sql"
    found = reported(known := checked(output=str(output), draft=str(script), fail_on="leftovers"))
    # The files are the result. Nothing was changed.
    assert found["changed"] is False
    digest = hashlib.sha256(script.read_bytes()).hexdigest()
    assert any(f"{script} (sha256 {digest})" in line for line in found["lines"])
    assert found["failing"].startswith("immuta_audit_fail_on is leftovers, and 2 objects are left over.")
    assert any("IMMUTA_SYSTEM" in line for line in found["lines"])
    written = json.loads(output.read_text())["immuta_audit"]
    assert (written["format"], written["summary"]["left_over"], written["hosts"][0]["host"]) == (1, 2, "h0")
    assert script.read_text().startswith(draft.MARK)
    assert {one.stat().st_mode & 0o777 for one in (output, script)} == {0o600}
    # It came to be there since the check.
    again = reported(known)
    assert (again["failed"], "a draft never replaces a file" in again["msg"]) == (True, True)
    # A result replaces the one before.
    output.write_text(json.dumps({"immuta_audit": {}}))
    reported(checked(output=str(output)))
    assert json.loads(output.read_text())["immuta_audit"]["format"] == 1


def test_no_draft_of_nothing(tmp_path: Path) -> None:
    script = tmp_path / "draft.sql"
    found = reported(checked(draft=str(script)), snowflake={**SEEN, "objects": []})
    assert "No draft was written: nothing is certain to be left over." in found["lines"]
    assert not script.exists()


def test_a_host_that_has_failed_is_named() -> None:
    answer = {"failed": True, "msg": "No sign-in."}
    found = run("report", {"immuta_audited_checked": checked(), "immuta_audited_snowflake": answer})
    assert "h0: nothing is known: No sign-in." in found["lines"]
    mistaken = {"immuta_audited_checked": {"failed": True, "msg": "?"}}
    assert run("report", mistaken)["lines"] == ["Nothing was checked."]


def test_a_host_with_a_mistake_hides_no_other(tmp_path: Path) -> None:
    output = tmp_path / "audit.json"
    known = checked(output=str(output), fail_on="leftovers")
    looked = {"immuta_audited_checked": known, "immuta_audited_concluded": concluded(known)}
    mistaken = {"immuta_audited_checked": {"failed": True, "msg": "It is not a dictionary."}}
    found = run("report", {"hostvars": {"h0": mistaken, "h1": looked}}, hosts=2)
    assert "h0: nothing is known: It is not a dictionary." in found["lines"]
    assert any(line.startswith("h0, on there (") for line in found["lines"]), found
    assert "2 objects are left over" in found["failing"]
    written = json.loads(output.read_text())["immuta_audit"]
    assert (written["summary"]["failed"], written["summary"]["left_over"]) == (["h0"], 2)
    assert written["hosts"][0]["error"] == "It is not a dictionary."


def test_two_tenants_on_one_account() -> None:
    one = {"id": 5, "type": "Snowflake", "host": "a.example", "database": "IMMUTA", "in_use": True, "status": "enabled"}
    integrations = {"integrations": [{**one, "integration_config": {}}], "timing": {}}
    seen = {**SEEN, "hosts": [{"host": "a.example", "relation": "same"}]}
    known = checked(fail_on="leftovers")
    tenants: Answer = {
        "h0": concluded(known),
        "h1": concluded(known, integrations=integrations, snowflake=seen),
    }
    tenants["h1"]["audited"].update(host="h1", tenant="https://other.example")
    hosts = {
        name: {"immuta_audited_checked": known, "immuta_audited_concluded": answer} for name, answer in tenants.items()
    }
    found = run("report", {"hostvars": hosts}, hosts=2)
    assert found["failing"] == ""
    assert any("In all: 0 left over, 0 not certain, 4 in use" in line for line in found["lines"])
    headings = [line for line in found["lines"] if "compared with" in line]
    assert ["https://t.example" in headings[0], "https://other.example" in headings[1]] == [True, True]
    assert any("h1 (https://other.example): Integration 5 uses it (enabled)." in line for line in found["lines"])


# The folder of scripts


ABSENT = {"path": "/typo", "exists": False, "scripts": [], "setup_scripts": []}


def test_a_folder_that_is_not_there_is_said() -> None:
    given = run("check", {"immuta_deregister_script_dir": "/typo"})
    refused = run("wanted", checked=given, observed={**GOOD, "scripts": ABSENT})
    assert (
        refused["failed"] and "The folder /typo of immuta_deregister_script_dir does not exist on h0" in refused["msg"]
    )
    # The default one may not be there, and nothing be saved.
    assert not run("wanted", checked=checked(), observed={**GOOD, "scripts": ABSENT}).get("failed")
    found = reported(checked(fail_on="uncertain"), scripts=ABSENT, snowflake={**SEEN, "objects": []})
    assert any(line.startswith("The folder /typo does not exist on h0") for line in found["lines"])
    assert "a folder of saved scripts does not exist (h0: /typo)" in found["failing"]
