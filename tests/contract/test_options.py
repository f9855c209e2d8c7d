# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation says of options and variables is what the code takes: modules, action groups, and the role."""

from __future__ import annotations

import functools
import importlib
import json
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.plugins.action import ActionBase

from ansible_collections.community.immuta.plugins.action import audit, deregistration, registration
from ansible_collections.community.immuta.plugins.module_utils import _module
from ansible_collections.community.immuta.plugins.plugin_utils import _inventory
from ansible_collections.community.immuta.plugins.plugin_utils._audit import settings as audit_settings
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import (
    environment,
    outcome,
    playbooks,
    settings,
)
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

ROOT = Path(__file__).parents[2]
NAME = "community.immuta"
# The module file of the action plugin is documentation only.
ACTIONS = sorted(one.stem for one in (ROOT / "plugins/action").glob("*.py"))
MODULES = sorted(one.stem for one in (ROOT / "plugins/modules").glob("*.py") if one.stem not in ("__init__", *ACTIONS))
ROLE = ROOT / "roles/deregister_connection"
VARIABLE = re.compile(r"(?<!\w)immuta_deregister_\w+")
AUDIT = re.compile(r"(?<!\w)immuta_audit_\w+")
# What the role sets for others.
GIVEN = {"immuta_deregister_result", "immuta_deregister_script"}
# What the playbooks have besides the role's.
PLAYBOOKS = ROOT / "docs/docsite/rst/guide_playbooks.rst"
# What the inventory plugin takes over from ansible-core.
OF_ANSIBLE = {
    *("compose", "groups", "keyed_groups", "leading_separator", "strict", "use_extra_vars"),
    *("cache", "cache_plugin", "cache_connection", "cache_prefix", "cache_timeout"),
}
# A word in an option's name that is about a secret, and the options of which the value is none.
SECRET = re.compile(r"key|token|password|passphrase|secret")
NO_SECRETS = {
    *("connection_key", "exchange_api_key", "client_key", "private_key_file", "token_file_path"),
    *("include_keys", "exclude_keys", "update_secrets"),
}


@functools.cache
def documented(kind: str = "module") -> dict[str, t.Any]:
    """The documentation of all modules or inventory plugins, with their fragments, as ansible-doc shows it."""
    names = [*MODULES, *ACTIONS] if kind == "module" else ["immuta_connections"]
    command = ["ansible-doc", "--json", "-t", kind, *(f"{NAME}.{one}" for one in names)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {name.rpartition(".")[2]: one["doc"] for name, one in json.loads(done.stdout).items()}


def returned(name: str) -> dict[str, t.Any]:
    """The return values of a module, as its documentation has them."""
    module = importlib.import_module(f"ansible_collections.{NAME}.plugins.modules.{name}")
    return dict(yaml.safe_load(module.RETURN))


class Seen(Exception):
    """Ends a module when it has said what it takes."""


@functools.cache
def taken(name: str) -> dict[str, t.Any]:
    """The arguments that a module gives to AnsibleModule."""
    seen: dict[str, t.Any] = {}

    def ansible_module(**arguments: t.Any) -> None:
        seen.update(arguments)
        raise Seen

    module = importlib.import_module(f"ansible_collections.{NAME}.plugins.modules.{name}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_module, "Module", ansible_module)
        with pytest.raises(Seen):
            module.main()
    return seen


def variables(option: dict[str, t.Any]) -> list[str]:
    """The environment variables that an option's text says are used when it is not set, in this order."""
    description = option["description"]
    lines = [description] if isinstance(description, str) else description
    return [
        name
        for line in lines
        if line.startswith("If not set, the environment")
        for name in re.findall(r"E\((\w+)\)", line)
    ]


def compare(doc: dict[str, t.Any], spec: dict[str, t.Any]) -> list[str]:
    """The differences between documented options and an argument spec, with those inside of dictionaries."""
    found = [f"{name} is on one side only" for name in set(doc) ^ set(spec)]
    for name in set(doc) & set(spec):
        one, other = doc[name], spec[name]
        for field, default in (
            ("type", "str"),
            ("elements", None),
            ("default", None),
            ("choices", None),
            ("required", False),
            ("aliases", []),
        ):
            if one.get(field, default) != other.get(field, default):
                found.append(
                    f"{name}: {field} is {one.get(field)!r} in the documentation, {other.get(field)!r} in the code"
                )
        fallback = other.get("fallback", (None, []))[1]
        if variables(one) != list(fallback):
            found.append(f"{name}: {variables(one)} in the documentation, {fallback} in the code")
        if "options" in other or "suboptions" in one:
            found += compare(one.get("suboptions", {}), other.get("options", {}))
        elif SECRET.search(name) and bool(other.get("no_log")) is (name in NO_SECRETS):
            found.append(f"{name}: no_log is {other.get('no_log')}")
    return found


@pytest.mark.parametrize("name", MODULES)
def test_options_are_as_documented(name: str) -> None:
    assert compare(documented()[name]["options"], taken(name)["argument_spec"]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"type": "path"},
        {"default": "x"},
        {"choices": ["a"]},
        {"required": True},
        {"aliases": ["x"]},
        {"no_log": False},
        {"fallback": (None, ["IMMUTA_API_KEY"])},
        {"fallback": (None, ["IMMUTA_API_TOKEN", "IMMUTA_API_KEY"])},
    ],
    ids=str,
)
def test_a_difference_is_seen(change: dict[str, t.Any]) -> None:
    doc, spec = documented()["immuta_connection"]["options"], taken("immuta_connection")["argument_spec"]
    assert compare(doc, {**spec, "api_key": {**spec["api_key"], **change}})
    assert compare(doc, {**spec, "another": {}})
    assert compare(doc, {name: one for name, one in spec.items() if name != "api_key"})


def test_a_difference_inside_of_a_dictionary_is_seen() -> None:
    name = "immuta_connection_credentials"
    doc, spec = documented()[name]["options"], taken(name)["argument_spec"]
    within = spec["databricks"]["options"]
    for change in ({"token": {"type": "str"}}, {"another": {}}):
        assert compare(doc, {**spec, "databricks": {**spec["databricks"], "options": {**within, **change}}}), change


def test_what_all_modules_return_is_documented_alike() -> None:
    # Fragments can't hold return values, so each module has its own copy.
    copies = [{**returned(name)["timing"], "version_added": None} for name in MODULES]
    assert len({json.dumps(one, sort_keys=True) for one in copies}) == 1


@pytest.mark.parametrize("name", MODULES)
def test_check_mode_is_as_documented(name: str) -> None:
    assert taken(name)["supports_check_mode"]
    assert documented()[name]["attributes"]["check_mode"]["support"] == "full"


def test_action_groups_are_as_documented() -> None:
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text("utf-8"))["action_groups"]
    # It signs in nowhere.
    assert sorted([*(one for members in groups.values() for one in members), "saved_scripts_info"]) == MODULES
    for group, members in groups.items():
        for name in members:
            # The group's options come from the fragment of the same name.
            source = (ROOT / f"plugins/modules/{name}.py").read_text("utf-8")
            assert f"- {NAME}.{group}\n" in source, name
            assert f"- {NAME}.attributes.actiongroup_{group}\n" in source, name
            assert documented()[name]["attributes"]["action_group"]["membership"] == [f"{NAME}.{group}"], name


def test_options_of_a_group_are_the_same_in_each_of_its_modules() -> None:
    spec = {name: taken(name)["argument_spec"] for name in MODULES if name.startswith("immuta_")}
    shared = functools.reduce(lambda one, other: one & other, (set(one) for one in spec.values()))
    assert {"url", "api_key", "ca_path", "total_timeout"} <= shared
    for name in shared:
        assert (
            len({repr({**one[name], "fallback": one[name].get("fallback", (0, 0))[1]}) for one in spec.values()}) == 1
        )


# The action plugin


@pytest.mark.parametrize("plugin", [audit, deregistration, registration], ids=ACTIONS)
def test_options_of_the_action_plugins_are_as_documented(monkeypatch: pytest.MonkeyPatch, plugin: t.Any) -> None:
    seen: dict[str, t.Any] = {}

    def validate(_self: t.Any, spec: dict[str, t.Any]) -> None:
        seen.update(spec)
        raise Seen

    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(plugin.ActionModule, "validate_argument_spec", validate)
    with pytest.raises(Seen):
        plugin.ActionModule.run(plugin.ActionModule.__new__(plugin.ActionModule))
    name = plugin.__name__.rpartition(".")[2]
    assert compare(documented()[name]["options"], seen) == []
    assert documented()[name]["short_description"].startswith("[INTERNAL]")


def test_the_action_plugins_are_in_no_action_group() -> None:
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text("utf-8"))["action_groups"]
    assert ACTIONS == ["audit", "deregistration", "registration"]
    assert not {*ACTIONS} & {one for members in groups.values() for one in members}
    assert not any("action_group" in documented()[name]["attributes"] for name in ACTIONS)


# The playbook that audits


def test_the_variables_of_the_audit_are_documented() -> None:
    guide = (ROOT / "docs/docsite/rst/guide_audit.rst").read_text("utf-8")
    table = guide.partition("list-table")[2].partition("Besides")[0]
    variables = audit_settings.OPTIONS
    assert set(AUDIT.findall(table)) == set(variables)
    files = [*(ROOT / "docs").rglob("*.rst"), ROOT / "README.md", *(ROOT / "playbooks").rglob("*.yml")]
    named = {name for file in files for name in AUDIT.findall(file.read_text("utf-8"))}
    assert named == set(variables)
    for about in variables.values():
        assert str(about.get("default", "")).removesuffix(".0") in table
        assert all(f"``{choice}``" in table for choice in about.get("choices", ()))


# The inventory plugin


def test_options_of_the_inventory_are_as_documented_and_as_those_of_the_modules() -> None:
    doc, spec = documented("inventory")["immuta_connections"]["options"], _inventory.argument_spec()
    own = {"plugin", *OF_ANSIBLE}
    assert own <= set(doc)
    assert compare({name: one for name, one in doc.items() if name not in own}, spec) == []
    for name, one in doc.items():
        # Ansible reads them, too, and of several the last one counts.
        read = [variable["name"] for variable in one.get("env", [])]
        assert name in own or read == variables(one)[::-1], name
    shared = set(taken("immuta_connection_info")["argument_spec"]) - {"connection_key"}
    assert set(spec) == {*shared, *_inventory.FILTERS}


# The role


def entry_point() -> dict[str, t.Any]:
    """The role's documentation."""
    specs = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text("utf-8"))
    return dict(specs["argument_specs"]["main"])


def specified() -> dict[str, t.Any]:
    """The role's variables, as its argument spec has them."""
    return dict(entry_point()["options"])


def used() -> set[str]:
    """The role's variables that its tasks and the rules behind them use."""
    rules = ROOT / "plugins/plugin_utils/_deregistration"
    files = [
        file for folder in (ROLE / "tasks", ROLE / "vars", rules) for file in folder.rglob("*.*") if file.is_file()
    ]
    named = {name for file in files if file.suffix != ".pyc" for name in VARIABLE.findall(file.read_text("utf-8"))}
    read = re.findall(r'value\["(\w+)"\]', (rules / "settings.py").read_text("utf-8"))
    assert named
    assert read
    return named | {f"{settings.PREFIX}{name}" for name in (*read, *settings.AS_GIVEN)}


def test_the_role_uses_the_variables_that_it_specifies() -> None:
    # The rest is the playbooks', which the same rules serve.
    assert used() - GIVEN - of_the_playbooks() == set(specified())


def test_both_entry_points_have_the_same_variables() -> None:
    specs = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text("utf-8"))["argument_specs"]
    assert specs["plan_only"]["options"] == specs["main"]["options"]


def test_the_executors_are_as_documented() -> None:
    description = " ".join(specified()["immuta_deregister_executor"]["description"])
    named = set(re.findall(r"V\((\w+)\)", description)) - {"auto"}
    files = {file.stem for file in (ROLE / "tasks/executors").glob("*.yml")}
    assert named == {*settings.PLATFORMS, "handoff"}
    assert named <= files


def of_the_playbooks() -> set[str]:
    """The variables that the playbooks have, besides the role's."""
    table = PLAYBOOKS.read_text("utf-8").partition("list-table")[2].partition("Give them")[0]
    return set(VARIABLE.findall(table)) - set(specified())


def test_the_playbooks_use_the_variables_that_are_documented() -> None:
    texts = [one.read_text("utf-8") for one in (ROOT / "playbooks").rglob("*.*") if one.is_file()]
    named = {name for text in texts for name in VARIABLE.findall(text)} | {
        *playbooks.CHOICE,
        *environment.OPTIONS.values(),
    }
    assert of_the_playbooks() == named - set(specified()) - GIVEN


def test_the_documentation_knows_no_other_variables() -> None:
    files = [
        ROLE / "README.md",
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.rst"),
        *(ROOT / "playbooks").rglob("*.yml"),
    ]
    for file in files:
        assert set(VARIABLE.findall(file.read_text("utf-8"))) <= {*specified(), *GIVEN, *of_the_playbooks()}, file


def read(**variables: t.Any) -> settings.Settings:
    """The role's settings; variables without their prefix."""
    given = {"connection_key": "prod snowflake", **variables}
    return settings.read(
        {settings.PREFIX + name: value for name, value in given.items()}, specified(), host="localhost"
    )


def test_an_empty_string_is_as_good_as_the_default() -> None:
    names = {name.removeprefix(settings.PREFIX) for name in specified()} - {"connection_key"}
    assert read(**dict.fromkeys(names, "")) == read()


def test_what_to_do_without_a_script_is_one_of_the_choices() -> None:
    about = specified()["immuta_deregister_missing_script"]
    assert about["choices"] == ["warn", "fail", ""] and about["default"] == "fail"
    assert read().missing_script == about["default"]
    with pytest.raises(Refused, match="missing_script"):
        read(missing_script="wran")


def test_the_outcome_has_the_documented_fields() -> None:
    table = (ROLE / "README.md").read_text("utf-8").partition("## The outcome")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    fields = set(outcome.result(read(), outcome.Observed(), check_mode=False))
    failed = {"failed_task", "error"}
    assert told == fields | failed
    description = " ".join(entry_point()["description"])
    assert fields | failed <= set(re.findall(r"C\((\w+)\)", description))


def test_the_role_has_an_example() -> None:
    for task in yaml.safe_load(entry_point()["examples"]):
        assert set(task.get("vars", {})) <= set(specified())


# Both roles


def options_of(role: str) -> set[str]:
    """The variables of a role, as its argument spec has them."""
    specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text("utf-8"))
    return set(specs["argument_specs"]["main"]["options"])


@pytest.mark.parametrize(
    ("prefix", "role", "more"),
    [
        ("immuta_register_", "register_connection", {"immuta_register_result"}),
        ("immuta_deregister_", "deregister_connection", GIVEN),
    ],
)
def test_every_variable_that_a_text_names_exists(prefix: str, role: str, more: set[str]) -> None:
    known = {*options_of(role), *more, *(of_the_playbooks() if more is GIVEN else ())}
    folders = ("plugins", "roles", "playbooks", "docs", "extensions")
    files = [ROOT / "README.md", *(one for folder in folders for one in (ROOT / folder).rglob("*.*") if one.is_file())]
    texts = {one: one.read_text("utf-8") for one in files if one.suffix in (".py", ".yml", ".md", ".rst", ".j2")}
    named = {(name, file) for file, text in texts.items() for name in re.findall(rf"(?<!\w){prefix}\w+", text)}
    assert len(named) > 50
    assert {(name, str(file)) for name, file in named if name not in known} == set()
