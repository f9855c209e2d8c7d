# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the definitions for AWX say fits the modules, the role, and AWX."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from conftest import API_KEY, AWX, NAME, PASSPHRASE, ROOT, TOKEN, Loader

from ansible_collections.community.immuta.plugins.module_utils._immuta import credential, options
from ansible_collections.community.immuta.plugins.module_utils._sql import databricks, snowflake
from ansible_collections.community.immuta.plugins.plugin_utils._audit import settings
from ansible_collections.community.immuta.tests.doubles import controller_rules
from ansible_collections.community.immuta.tests.doubles.controller_server import ControllerDouble, Refused

TYPES = {
    "Immuta API key": options.argument_spec(),
    "Immuta clean-up: Snowflake": snowflake.argument_spec(),
    "Immuta clean-up: Databricks": databricks.argument_spec(),
}
# The options of a new connection, by the type of its credential.
NEW = {
    f"Immuta connection: {name.capitalize()}": about["options"]
    for name, about in credential.argument_spec(place=True).items()
}
PLAN, DEREGISTER = f"{NAME}: plan", f"{NAME}: deregister one connection"
REGISTER = f"{NAME}: register one Snowflake connection"
APPLY, AUDIT = f"{NAME}: apply the approved plan", f"{NAME}: audit"
PLAN_ALL, APPLY_ALL = f"{NAME}: plan the inventory", f"{NAME}: apply the approved plan in slices"
WORKFLOW, WORKFLOW_ALL = f"{NAME}: deregister with approval", f"{NAME}: deregister the inventory with approval"
# The first digits of the SHA-256 of each type's inputs, as they were released. AWX refuses another form of them once there is a credential.
INPUTS = {
    "Immuta API key": "fbebf3afca6814e8",
    "Immuta clean-up: Snowflake": "ca2099562eebda10",
    "Immuta clean-up: Databricks": "b7fb1549327a357d",
    "Immuta connection: Snowflake": "4349a14d4a32e38d",
    "Immuta connection: Databricks": "13a3cfa57fb3f22e",
}
# Secrets, although their options are paths.
FILES = {"private_key_file", "client_cert"}
# What the table of the playbooks' guide says.
OF_PLAYBOOKS: dict[str, dict[str, t.Any]] = {
    "immuta_deregister_connection_keys": {"type": "list"},
    "immuta_deregister_no_limit": {"type": "str", "choices": ["accept", "fail"], "default": "fail"},
}
VARIABLE = re.compile(r"(?<!\w)immuta_(?:deregister|register|audit)_\w+")


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


def ways(controller: ControllerDouble, workflow: str) -> dict[str, dict[str, list[str]]]:
    """Where each node of a workflow leads."""
    kind = "workflow_job_template_nodes"
    return {
        name: {link: controller.names(kind, one, link) for link in ("success_nodes", "failure_nodes", "always_nodes")}
        for name, one in controller.nodes(workflow).items()
    }


def test_the_controller_refused_nothing(controller: ControllerDouble) -> None:
    assert controller.refusals == []
    # The module sends them along with an approval.
    assert controller.ignored == {
        f"workflow_approval_template.{name}" for name in ("identifier", "workflow_job_template")
    }
    assert names(controller.objects["job_templates"]) == {PLAN, DEREGISTER, REGISTER, APPLY, PLAN_ALL, APPLY_ALL, AUDIT}
    assert names(controller.objects["workflow_job_templates"]) == {WORKFLOW, WORKFLOW_ALL}
    for one in controller.objects["job_templates"].values():
        # The environment has no workspace of Databricks.
        assert controller.names("job_templates", one, "credentials") == [NAME, f"{NAME} clean-up: Snowflake"]
        assert one["execution_environment"] == controller.named("execution_environments", NAME)["id"]
        assert controller.names("job_templates", one, "instance_groups") == ["with the folder"]
        assert one["prevent_instance_group_fallback"] is True
        assert controller.names("job_templates", one, "labels") == ["immuta"]
    for one in controller.objects["workflow_job_templates"].values():
        for event in ("approvals", "success", "error"):
            assert controller.names("workflow_job_templates", one, f"notification_templates_{event}") == [event]
        assert controller.names("workflow_job_templates", one, "labels") == ["immuta"]
    image, project = controller.named("execution_environments", NAME), controller.named("projects", NAME)
    assert image["credential"] == controller.named("credentials", "registry")["id"]
    assert image["organization"] == controller.named("organizations", "Default")["id"]
    assert project["signature_validation_credential"] == controller.named("credentials", "signature")["id"]
    (source,) = controller.objects["credential_input_sources"].values()
    assert source["target_credential"] == controller.named("credentials", f"{NAME} clean-up: Snowflake")["id"]
    assert (source["input_field_name"], source["metadata"]) == ("password", {"secret_path": "/immuta"})


def test_one_controller_serves_several_tenants(controller: ControllerDouble) -> None:
    """A first tenant is there, in another organization; what is looked up by name alone is found once."""
    (default,) = (number for number, one in controller.objects["organizations"].items() if one["name"] == "Default")
    of_ours = [
        one["name"]
        for kind in ("credentials", "projects", "inventories", "job_templates", "workflow_job_templates", "schedules")
        for one in controller.objects[kind].values()
        if one.get("organization", default) == default and one["name"] not in ("registry", "signature", "vault")
    ]
    assert [name for name in of_ours if not name.startswith(NAME)] == []
    assert {"Immuta: localhost", "Immuta: connections"} <= names(controller.objects["inventories"])


def test_teams_can_do_and_see_what_they_need(controller: ControllerDouble) -> None:
    assert controller.may("data platform") == {
        *(("execute", one) for one in (WORKFLOW, WORKFLOW_ALL)),
        *(
            ("read", one)
            for one in (PLAN, PLAN_ALL, DEREGISTER, REGISTER, APPLY, APPLY_ALL, AUDIT, f"{NAME}: connections")
        ),
    }
    assert controller.may("security") == {
        *(("approval", one) for one in (WORKFLOW, WORKFLOW_ALL)),
        *(("read", one) for one in (PLAN, PLAN_ALL)),
    }


def test_the_credentials_have_what_the_environment_had(controller: ControllerDouble, loader: Loader) -> None:
    assert controller.named("credentials", NAME)["inputs"] == {
        "url": loader.player.environment["IMMUTA_URL"],
        "api_key": API_KEY,
    }
    assert controller.named("credentials", f"{NAME} clean-up: Snowflake")["inputs"] == {
        "account": "example",
        "user": "DEPLOYER",
        "private_key": loader.key,
        "private_key_passphrase": PASSPHRASE,
    }
    # A job with an empty credential would not start.
    assert f"{NAME} clean-up: Databricks" not in names(controller.objects["credentials"])


def kept(controller: ControllerDouble) -> str:
    """What the controller has, but for the ids of nodes and approvals, which are made again."""
    objects = {kind: of for kind, of in controller.objects.items() if not re.search("nodes|approval", kind)}
    links = {name: linked for name, linked in controller.linked.items() if not name[1].endswith("_nodes")}
    return json.dumps([objects, controller.surveys, controller.teams, sorted(map(str, links.items()))], sort_keys=True)


def test_loading_again_changes_nothing_and_takes_away_what_leads_around_the_approval(loader: Loader) -> None:
    controller = loader.controller
    before, graph = kept(controller), ways(controller, WORKFLOW)
    number = controller.named("workflow_job_templates", WORKFLOW)["id"]
    apply = controller.nodes(WORKFLOW)["apply"]
    around = {"identifier": "around", "workflow_job_template": number}
    stray = controller.create(
        "workflow_job_template_nodes", {**around, "unified_job_template": apply["unified_job_template"]}
    )
    controller.linked[(controller.nodes(WORKFLOW)["plan"]["id"], "success_nodes")] = [apply["id"], stray["id"]]
    assert ways(controller, WORKFLOW) != graph
    again = loader("--start-at-task", "Projects")
    assert again.code == 0, again.output
    assert kept(controller) == before
    assert ways(controller, WORKFLOW) == graph
    # The nodes are made again, and the module calls that a change.
    assert set(again.changed) <= {"Workflows"}
    assert TOKEN not in again.output
    # New playbooks are fetched, and templates see them.
    assert f"POST /api/v2/projects/{controller.named('projects', NAME)['id']}/update/" in controller.writes


def test_what_was_loaded_can_be_removed_again_at_a_gateway_and_by_password(loader: Loader) -> None:
    controller = loader.controller
    before = copy.deepcopy([controller.objects, controller.linked, controller.surveys, controller.teams])
    controller.prefix = "/api/controller/"
    user, password = controller.login
    env = {"CONTROLLER_OAUTH_TOKEN": None, "CONTROLLER_USERNAME": user, "CONTROLLER_PASSWORD": password}
    try:
        done = loader.playbook("remove", env={**env, "CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX": controller.prefix})
        assert done.code == 0, done.output
        left = {
            kind: names(of)
            for kind, of in controller.objects.items()
            if of and kind not in ("credential_input_sources",)
        }
        assert left == {
            "organizations": {"Default", "Elsewhere"},
            "instance_groups": {"with the folder"},
            "teams": {"data platform", "security"},
            "notification_templates": {"approvals", "success", "error"},
            "labels": {"immuta"},
            "credential_types": {*INPUTS, "something else"},
            "credentials": {"registry", "signature", "vault"},
            "inventories": {"Immuta: localhost", "Immuta: connections"},
        }
        assert controller.tokens == set()
    finally:
        controller.prefix = "/api/"
        controller.objects, controller.linked, controller.surveys, controller.teams = before


@pytest.mark.parametrize("name", INPUTS)
def test_the_inputs_of_a_credential_type_are_frozen(controller: ControllerDouble, name: str) -> None:
    """Whoever changes one word of them has to give the type a new name, or every load after the first fails with 403."""
    inputs = controller.named("credential_types", name)["inputs"]
    assert hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16] == INPUTS[name]


@pytest.mark.parametrize("name", TYPES)
def test_credentials_reach_the_modules(controller: ControllerDouble, name: str) -> None:
    taken = {
        variable: (option, spec)
        for option, spec in TYPES[name].items()
        for variable in spec.get("fallback", (None, []))[1]
    }
    if name.endswith("Snowflake"):
        # The name of a connection counts only without an account.
        taken[snowflake.DEFAULT_CONNECTION] = ("connection_name", TYPES[name]["connection_name"])
    kept = controller.named("credential_types", name)
    fields = {one["id"]: one for one in kept["inputs"]["fields"]}
    injected = set()
    for variable, template in kept["injectors"]["env"].items():
        assert variable in taken, f"no module takes {variable}"
        option, spec = taken[variable]
        # The name of a file stands for what is in it.
        text = template
        for file, content in kept["injectors"].get("file", {}).items():
            text = text.replace(file.replace("template", "tower.filename"), content)
        used = {one for one in re.findall(r"[a-z_]+", re.sub("'[a-z_]*'", "", text)) if one in fields}
        injected |= used
        secret = any(fields[one].get("secret") for one in used)
        assert secret is bool(spec.get("no_log") or option in FILES), variable
        if spec.get("choices"):
            assert all(set(fields[one].get("choices", ["?"])) <= set(spec["choices"]) for one in used), variable
    assert injected == set(fields)
    # AWX gives them to nobody.
    assert not any("default" in one for one in fields.values())


@pytest.mark.parametrize("name", NEW)
def test_the_credential_of_a_new_connection_reaches_its_description(controller: ControllerDouble, name: str) -> None:
    """Each field is in the environment, the playbook puts it into the description, and what hides there is a secret here."""
    platform = name.rpartition(" ")[2].lower()
    (play,) = yaml.safe_load((AWX / f"project/register_{platform}.yml").read_text("utf-8"))
    text = json.dumps(play["vars"])
    kept = controller.named("credential_types", name)
    fields = {one["id"]: one for one in kept["inputs"]["fields"]}
    assert {one.upper() for one in fields} == {
        one.removeprefix("IMMUTA_CONNECTION_").removesuffix("_FILE") for one in kept["injectors"]["env"]
    }
    assert set(re.findall(r"IMMUTA_CONNECTION_\w+", text)) == set(kept["injectors"]["env"])
    options = NEW[name]
    of_ways = {way: about.get("options", {way: about}) for way, about in options.items() if f"'{way}': immuta" in text}
    assert {"key_pair", "oauth_client_credentials", "password", "oauth_m2m", "token"} & set(options) <= set(of_ways)
    inside = {option: about for way in of_ways.values() for option, about in way.items()}
    for field, about in fields.items():
        option = {"user": "username"}.get(field, field)
        assert bool(inside[option].get("no_log")) is bool(about.get("secret")), field
    asked = set(re.findall(r"immuta_connection_\w+", text)) - set(play["vars"])
    questions = surveys(controller)[REGISTER] if platform == "snowflake" else []
    assert not questions or {one["variable"] for one in questions if "_connection_" in one["variable"]} - asked == {
        "immuta_register_connection_key"
    }
    # Without a secret in it, and nothing happens at a launch that does not say so.
    assert {one["type"] for one in questions} <= {"text", "multiplechoice"}


def test_a_registration_is_planned_unless_the_launch_says_run(controller: ControllerDouble) -> None:
    asked = ("ask_job_type_on_launch", "ask_credential_on_launch")
    for one in controller.objects["job_templates"].values():
        registers = one["name"] == REGISTER
        assert one["job_type"] == ("check" if registers else "run")
        assert [one[name] for name in asked] == [registers] * 2


def test_every_variable_is_one_of_the_role_or_the_playbooks(controller: ControllerDouble) -> None:
    specs = yaml.safe_load((ROOT / "roles/deregister_connection/meta/argument_specs.yml").read_text("utf-8"))
    # When a schedule is to fail is the schedule's own.
    audit = {name: {**about, "default": "leftovers"} for name, about in settings.OPTIONS.items()}
    other = yaml.safe_load((ROOT / "roles/register_connection/meta/argument_specs.yml").read_text("utf-8"))
    role = {**specs["argument_specs"]["main"]["options"], **other["argument_specs"]["main"]["options"], **audit}
    table = (ROOT / "docs/docsite/rst/guide_playbooks.rst").read_text("utf-8").partition("Give them")[0]
    known = {*role, *VARIABLE.findall(table)}
    for one in controller.objects["job_templates"].values():
        assert set(VARIABLE.findall(one["extra_vars"])) <= known, one["name"]
    questions = [one for asked in surveys(controller).values() for one in asked]
    # The others are the description of a new connection.
    questions = [one for one in questions if not one["variable"].startswith("immuta_connection_")]
    assert {one["variable"] for one in questions} <= known
    for one in questions:
        about = role.get(one["variable"]) or OF_PLAYBOOKS[one["variable"]]
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
    leads = ways(controller, workflow)
    assert [*runs] == [*before, "plan", "approve", "apply"]
    assert (runs["plan"]["name"], runs["apply"]["name"]) == (plan, apply)
    assert runs["approve"] in controller.objects["workflow_approval_templates"].values()
    assert runs["approve"]["timeout"] > 0
    # A notification says nothing but this name.
    assert runs["approve"]["name"] == f"{NAME}: approve the removal {'from the inventory' if before else 'by key'}"
    # The one way to the removal is that somebody has approved.
    assert leads["approve"] == {"success_nodes": ["apply"], "failure_nodes": [], "always_nodes": []}
    assert [one for one, links in leads.items() if "apply" in str(links)] == ["approve"]
    assert leads["plan"]["always_nodes"] == ["approve"]
    assert leads["apply"] == {"success_nodes": [], "failure_nodes": [], "always_nodes": []}
    if before:
        assert runs["list"] in controller.objects["inventory_sources"].values()
        assert leads["list"]["success_nodes"] == ["plan"]


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
    assert source["credential"] == controller.named("credentials", NAME)["id"]
    # AWX would install the collection at every update, and before that of the image.
    project = AWX / "project"
    assert controller_rules.requirements(project) == []
    example = yaml.safe_load((project / "collections/requirements.yml.example").read_text("utf-8"))
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))["version"]
    assert example == {"collections": [{"name": "community.immuta", "version": version}]}
    # And the image has the same.
    image = ROOT / "extensions/execution-environment/execution-environment.yml"
    assert yaml.safe_load(image.read_text("utf-8"))["dependencies"]["galaxy"] == example


def test_what_the_guide_sets_are_settings() -> None:
    guide = (ROOT / "docs/docsite/rst/guide_awx.rst").read_text("utf-8")
    known = yaml.safe_load((AWX / "definitions/settings.yml").read_text("utf-8"))
    blocks = re.findall(r"code-block:: yaml\n\n((?: {4}.*\n|\n)+)", guide)
    given: dict[str, t.Any] = {}
    for one in map(yaml.safe_load, blocks):
        # One is a pod of Kubernetes.
        given.update({} if "apiVersion" in one else one)
    assert len(given) > 10 and set(given) <= set(known)
    for name, value in given.items():
        # Those with a rule are lists.
        assert isinstance(value, list if isinstance(known[name], str) and "{{" in known[name] else type(known[name])), (
            name
        )
    named = set(re.findall(r"``(immuta_awx_\w+)``", guide))
    assert named <= set(known)
    assert set(given["immuta_awx_scripts"]) == set(known["immuta_awx_scripts"])


def launch(controller: ControllerDouble, name: str, limit: str = "", **answers: t.Any) -> tuple[str, dict[str, t.Any]]:
    """Why AWX would refuse to launch a template, or else the variables that the launch adds."""
    kind = "workflow_job_templates" if name in (WORKFLOW, WORKFLOW_ALL) else "job_templates"
    place = f"/api/v2/{kind}/{controller.named(kind, name)['id']}/launch/"
    given = {f"immuta_deregister_{word}": value for word, value in answers.items()}
    try:
        controller.do("POST", place, {}, {"extra_vars": given, "limit": limit})
    except Refused as error:
        return str(error), {}
    return "", {word[18:]: value for word, value in controller.launched[-1]["extra_vars"].items()}


def test_a_launch_from_outside_needs_no_default(controller: ControllerDouble) -> None:
    defaults = {"executor": "auto", "missing_script": "fail", "wait_timeout": 300}
    assert launch(controller, WORKFLOW, connection_keys="a") == ("", {"connection_keys": "a", **defaults})
    assert launch(controller, WORKFLOW_ALL, limit="one") == ("", {"no_limit": "fail", **defaults})
    assert controller.launched[-1]["limit"] == "one"
    assert launch(controller, WORKFLOW)[0] == "immuta_deregister_connection_keys is missing"
    assert "none of the choices" in launch(controller, WORKFLOW_ALL, executor="other")[0]
    assert "not allowed on launch" in launch(controller, WORKFLOW, connection_keys="a", approved="x", plan={})[0]
    assert "not allowed on launch" in launch(controller, APPLY, plan={})[0]
    for questions in surveys(controller).values():
        assert not [one["variable"] for one in questions if one["required"] and "default" in one]


def test_the_inventory_is_never_planned_whole_by_a_limit_that_was_forgotten(controller: ControllerDouble) -> None:
    assert json.loads(controller.named("job_templates", PLAN_ALL)["extra_vars"])["immuta_deregister_no_limit"] == "fail"
    (schedule,) = controller.objects["schedules"].values()
    assert controller.template(schedule["unified_job_template"])["name"] == PLAN_ALL
    assert schedule["extra_data"] == {"immuta_deregister_no_limit": "accept"}


def test_the_stand_in_refuses_what_awx_has_refused(tmp_path: Path) -> None:
    with ControllerDouble(TOKEN, ROOT) as double:
        field = {"id": "x", "label": "X", "type": "string"}
        made = {"name": "T", "kind": "cloud", "inputs": {"fields": [field]}, "injectors": {}}
        kind = double.create("credential_types", made)["id"]
        place = f"/api/v2/credential_types/{kind}/"
        change = {"inputs": {"fields": [{**field, "help_text": "?"}]}}
        double.do("PATCH", place, {}, change)
        double.create("credentials", {"name": "C", "credential_type": kind, "inputs": {}})
        for method, body in (("PATCH", made), ("DELETE", None)):
            with pytest.raises(Refused, match="in use") as refused:
                double.do(method, place, {}, body)
            assert refused.value.status == 403
        double.do("PATCH", place, {}, {"injectors": {"env": {"X": "{{ x }}"}}, **change})
        assert double.do("GET", "/api/v2/credentials/", {"name": "C"}, None)[1]["count"] == 1
        # The modules look up by the name alone.
        double.create("credentials", {"name": "C", "credential_type": kind, "inputs": {}})
        assert double.do("GET", "/api/v2/credentials/", {"name": "C"}, None)[1]["count"] == 2

        double.updates = False
        project = double.create("projects", {"name": "P"})["id"]
        assert double.do("GET", f"/api/v2/project_updates/{project}/", {}, None)[1]["status"] == "failed"
        template = {"name": "J", "project": project, "playbook": "extensions/awx/project/plan.yml"}
        with pytest.raises(Refused, match="Playbook not found for project"):
            double.create("job_templates", template)
        double.objects["job_templates"][99] = {
            "id": 99,
            "survey_enabled": False,
            "ask_variables_on_launch": False,
            **template,
        }
        with pytest.raises(Refused, match="Missing a revision to run due to failed project update") as refused:
            double.do("POST", "/api/v2/job_templates/99/launch/", {}, {})
        assert refused.value.status == 400

    assert "does not provide y" in controller_rules.start_mistake({"required": ["x", "y"]}, {"x": "1", "y": ""})
    assert controller_rules.start_mistake({"required": ["x"]}, {"x": "1"}) == ""
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections/requirements.yml").touch()
    assert controller_rules.requirements(tmp_path) == ["collections/requirements.yml"]
