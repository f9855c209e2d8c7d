# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the definitions for AWX say fits the modules, the role, and AWX."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
import yaml
from conftest import API_KEY, PASSPHRASE, ROOT, TOKEN, Loader

from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._sql import databricks, snowflake
from ansible_collections.community.immuta.plugins.plugin_utils._audit import settings
from ansible_collections.community.immuta.tests.doubles import controller_rules
from ansible_collections.community.immuta.tests.doubles.controller_server import ControllerDouble

TYPES = {
    "Immuta API key": options.argument_spec(),
    "Immuta clean-up: Snowflake": snowflake.argument_spec(),
    "Immuta clean-up: Databricks": databricks.argument_spec(),
}
PLAN, DEREGISTER = "Immuta: plan", "Immuta: deregister one connection"
APPLY, AUDIT = "Immuta: apply the approved plan", "Immuta: audit"
PLAN_ALL, APPLY_ALL = "Immuta: plan the inventory", "Immuta: apply the approved plan in slices"
WORKFLOW, WORKFLOW_ALL = "Immuta: deregister with approval", "Immuta: deregister the inventory with approval"
# Secrets, although their options are paths.
FILES = {"private_key_file"}
VARIABLE = re.compile(r"(?<!\w)immuta_(?:deregister|audit)_\w+")


def names(of: dict[int, dict[str, t.Any]]) -> set[str]:
    return {one["name"] for one in of.values()}


def surveys(controller: ControllerDouble) -> dict[str, list[dict[str, t.Any]]]:
    """The questions of every survey, by the name of its template."""
    return {
        one["name"]: controller.surveys[one["id"]]["spec"]
        for kind in ("job_templates", "workflow_job_templates")
        for one in controller.objects[kind].values()
        if one["survey_enabled"]
    }


def test_the_controller_refused_nothing(controller: ControllerDouble) -> None:
    assert controller.refusals == []
    # The module sends them along with an approval.
    assert controller.ignored == {
        f"workflow_approval_template.{name}" for name in ("identifier", "workflow_job_template")
    }
    assert names(controller.objects["job_templates"]) == {PLAN, DEREGISTER, APPLY, PLAN_ALL, APPLY_ALL, AUDIT}
    assert names(controller.objects["workflow_job_templates"]) == {WORKFLOW, WORKFLOW_ALL}
    for one in controller.objects["job_templates"].values():
        assert controller.names("job_templates", one, "credentials") == ["Immuta", "Immuta clean-up: Snowflake"]
        assert one["execution_environment"] == controller.named("execution_environments", "Immuta")["id"]


def test_the_credentials_have_what_the_environment_had(controller: ControllerDouble, loader: Loader) -> None:
    assert controller.named("credentials", "Immuta")["inputs"] == {
        "url": loader.player.environment["IMMUTA_URL"],
        "api_key": API_KEY,
    }
    assert controller.named("credentials", "Immuta clean-up: Snowflake")["inputs"] == {
        "account": "example",
        "authenticator": "SNOWFLAKE_JWT",
        "user": "DEPLOYER",
        "private_key": loader.key,
        "private_key_passphrase": PASSPHRASE,
    }
    assert controller.named("credentials", "Immuta clean-up: Databricks")["inputs"] == {}


def test_loading_again_changes_nothing(loader: Loader) -> None:
    before = json.dumps([loader.controller.objects, loader.controller.surveys], sort_keys=True)
    written = len(loader.controller.writes)
    again = loader("--start-at-task", "Job templates")
    assert again.code == 0, again.output
    assert json.dumps([loader.controller.objects, loader.controller.surveys], sort_keys=True) == before
    # The module sends approvals again and again, and calls that a change.
    assert all("/workflow_approval_templates/" in one for one in loader.controller.writes[written:])
    assert set(again.changed) <= {"Workflows"}
    assert TOKEN not in again.output


@pytest.mark.parametrize("name", TYPES)
def test_credentials_reach_the_modules(controller: ControllerDouble, name: str) -> None:
    taken = {
        variable: (option, spec)
        for option, spec in TYPES[name].items()
        for variable in spec.get("fallback", (None, []))[1]
    }
    kept = controller.named("credential_types", name)
    fields = {one["id"]: one for one in kept["inputs"]["fields"]}
    injected = set()
    for variable, template in kept["injectors"]["env"].items():
        assert variable in taken, f"no module takes {variable}"
        option, spec = taken[variable]
        # The name of a file stands for what is in it.
        text = template.replace("tower.filename", kept["injectors"].get("file", {}).get("template", ""))
        used = {one for one in re.findall(r"[a-z_]+", text) if one in fields}
        injected |= used
        secret = any(fields[one].get("secret") for one in used)
        assert secret is bool(spec.get("no_log") or option in FILES), variable
        if spec.get("choices"):
            assert all(set(fields[one].get("choices", ["?"])) <= set(spec["choices"]) for one in used), variable
    assert injected == set(fields)
    # AWX gives them to nobody.
    assert not any("default" in one for one in fields.values())


def test_every_variable_is_one_of_the_role_or_the_playbooks(controller: ControllerDouble) -> None:
    specs = yaml.safe_load((ROOT / "roles/deregister_connection/meta/argument_specs.yml").read_text("utf-8"))
    # When a schedule is to fail is the schedule's own.
    audit = {name: {**about, "default": "leftovers"} for name, about in settings.OPTIONS.items()}
    role = {**specs["argument_specs"]["main"]["options"], **audit}
    table = (ROOT / "docs/docsite/rst/guide_playbooks.rst").read_text("utf-8").partition("Give them")[0]
    known = {*role, *VARIABLE.findall(table)}
    for one in controller.objects["job_templates"].values():
        assert set(VARIABLE.findall(one["extra_vars"])) <= known, one["name"]
    questions = [one for asked in surveys(controller).values() for one in asked]
    assert {one["variable"] for one in questions} <= known
    for one in questions:
        about = role.get(one["variable"], {"type": "list"})
        kind = {"bool": "multiplechoice", "float": "integer", "list": "textarea"}.get(about["type"])
        assert one["type"] in (kind, *(("text", "multiplechoice") if about["type"] == "str" else ())), one["variable"]
        if "default" in about:
            # A survey has text for true and false, and no word for what is not given.
            assert one["default"] in (about["default"], str(about["default"]).lower())
        for choice in one.get("choices", []):
            known = choice in about.get("choices", ()) or f"V({choice})" in " ".join(about["description"])
            assert known or about["type"] == "bool", choice


def test_rules_of_surveys_are_kept() -> None:
    """The stand-in refuses what AWX refuses; that it accepted the definitions says something."""
    good = {"question_name": "?", "variable": "x", "type": "text", "required": True}
    for change, word in (
        ({"type": "boolean"}, "not known"),
        ({"variable": "my-variable"}, "no name"),
        ({"required": "true"}, "another type"),
        ({"min": "1"}, "no integer"),
        ({"type": "integer", "default": "300"}, "another type"),
        ({"type": "multiplechoice", "choices": ["a"], "default": "b"}, "none of the choices"),
        ({"type": "multiplechoice"}, "no choices"),
        ({"default": "abc", "max": 2}, "no answer"),
    ):
        mistakes = controller_rules.survey_mistakes({"name": "", "description": "", "spec": [{**good, **change}]})
        assert len(mistakes) >= 1 and word in mistakes[0], mistakes
    assert controller_rules.survey_mistakes({"name": "", "description": "", "spec": [good]}) == []
    field = {"id": "x", "label": "X", "type": "string"}
    for inputs, injectors, word in (
        ({"fields": [{**field, "format": "pem"}]}, {}, "format"),
        ({"fields": [field], "required": ["y"]}, {}, "no field y"),
        ({"fields": [field]}, {"env": {"ANSIBLE_HOME": "{{ x }}"}}, "not allowed"),
        ({"fields": [field]}, {"env": {"X": "{{ y }}"}}, "'y' is undefined"),
        ({"fields": [field]}, {"env": {"X": "{{ tower.filename }}"}}, "filename"),
    ):
        (mistake,) = controller_rules.credential_type_mistakes(inputs, injectors)
        assert word in mistake


@pytest.mark.parametrize(
    ("workflow", "plan", "apply", "before"),
    [(WORKFLOW, PLAN, APPLY, []), (WORKFLOW_ALL, PLAN_ALL, APPLY_ALL, ["list"])],
)
def test_what_is_not_approved_is_not_applied(
    controller: ControllerDouble, workflow: str, plan: str, apply: str, before: list[str]
) -> None:
    nodes = controller.nodes(workflow)
    runs = {name: controller.template(one["unified_job_template"]) for name, one in nodes.items()}
    kind = "workflow_job_template_nodes"
    ways = {
        name: {link: controller.names(kind, one, link) for link in ("success_nodes", "failure_nodes", "always_nodes")}
        for name, one in nodes.items()
    }
    assert [*runs] == [*before, "plan", "approve", "apply"]
    assert (runs["plan"]["name"], runs["apply"]["name"]) == (plan, apply)
    assert runs["approve"] in controller.objects["workflow_approval_templates"].values()
    assert runs["approve"]["timeout"] > 0
    # The one way to the removal is that somebody has approved.
    assert ways["approve"] == {"success_nodes": ["apply"], "failure_nodes": [], "always_nodes": []}
    assert [one for one, links in ways.items() if "apply" in str(links)] == ["approve"]
    assert ways["plan"]["always_nodes"] == ["approve"]
    assert ways["apply"] == {"success_nodes": [], "failure_nodes": [], "always_nodes": []}
    if before:
        assert runs["list"] in controller.objects["inventory_sources"].values()
        assert ways["list"]["success_nodes"] == ["plan"]


def test_nobody_who_launches_can_say_what_is_approved(controller: ControllerDouble) -> None:
    for kind in ("job_templates", "workflow_job_templates"):
        for one in controller.objects[kind].values():
            assert one["ask_variables_on_launch"] is False, one["name"]
    asked = {one["variable"] for questions in surveys(controller).values() for one in questions}
    assert not asked & {"immuta_deregister_plan", "immuta_deregister_approved", "immuta_deregister_scripts"}
    assert controller.named("job_templates", APPLY)["survey_enabled"] is False
    # A plan of several slices would be that of the last one.
    assert controller.named("job_templates", PLAN_ALL)["job_slice_count"] == 1
    assert controller.named("job_templates", APPLY_ALL)["job_slice_count"] == 4
    assert controller.named("job_templates", APPLY_ALL)["ask_limit_on_launch"] is False


def test_the_project_has_what_is_asked_of_it(controller: ControllerDouble) -> None:
    (source,) = controller.objects["inventory_sources"].values()
    assert yaml.safe_load((ROOT / source["source_path"]).read_text("utf-8")) == {
        "plugin": "community.immuta.immuta_connections"
    }
    assert source["source_path"].endswith("immuta_connections.yml")
    assert (source["source"], source["update_on_launch"]) == ("scm", False)
    assert source["credential"] == controller.named("credentials", "Immuta")["id"]
