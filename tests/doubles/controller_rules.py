# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX accepts, and what it makes of it for a job, as its source has it (see `docs/docsite/rst/guide_awx.rst`).

The controller's stand-in refuses with these rules, and tests build with them what a job of AWX is given.
"""

from __future__ import annotations

import itertools
import os
import re
import typing as t
from pathlib import Path

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

Json = dict[str, t.Any]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FIELD = {"id", "label", "help_text", "type", "format", "choices", "default", "multiline", "secret", "ask_at_runtime"}
FORMATS = {"ssh_private_key", "url"}
FILES = re.compile(r"template(?:\.([A-Za-z_][A-Za-z0-9_]*))?")
# AWX takes no such variable from a credential: they would change how Ansible itself runs, or AWX.
FORBIDDEN = re.compile(
    r"ANSIBLE_.*|VIRTUAL_ENV|PATH|PYTHONPATH|JOB_ID|INVENTORY_(?:ID|SOURCE_ID|UPDATE_ID|HOSTVARS)|AD_HOC_COMMAND_ID"
    r"|REST_API_(?:URL|TOKEN)|MAX_EVENT_RES|CALLBACK_(?:QUEUE|CONNECTION)|CACHE|JOB_CALLBACK_DEBUG|AWX_HOST"
    r"|PROJECT_REVISION|SUPERVISOR_CONFIG_PATH"
)
ANSWERS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": (float, int),
}
PLAYBOOK = re.compile(r"^\s*-?\s*(?:hosts|(?:ansible\.builtin\.)?(?:include|import_playbook)):")
NO_PLAYBOOKS = {"roles", "tasks", "group_vars", "host_vars"}


def credential_type_mistakes(inputs: Json, injectors: Json) -> list[str]:
    """Why AWX would refuse a credential type; nothing when it would not."""
    fields = inputs.get("fields", [])
    found = [f"inputs: {name} is not known" for name in set(inputs) - {"fields", "required"}]
    identifiers = [one.get("id") for one in fields]
    if len(identifiers) != len(set(identifiers)):
        found.append("inputs: a field is there twice")
    for one in fields:
        found += [f"{one.get('id')}: {mistake}" for mistake in _field_mistakes(one)]
    found += [f"required: there is no field {name}" for name in set(inputs.get("required", [])) - set(identifiers)]
    return found or _injector_mistakes(identifiers, injectors)


def _field_mistakes(field: Json) -> t.Iterator[str]:
    if not NAME.fullmatch(str(field.get("id"))) or field["id"] == "tower":
        yield "no name for a field"
    if not isinstance(field.get("label"), str):
        yield "a label is missing"
    if unknown := set(field) - FIELD:
        yield f"{unknown} is not known"
    kind = field.get("type", "string")
    if kind not in ("string", "boolean"):
        yield f"type {kind} is not known"
    if field.get("format", "url") not in FORMATS:
        yield f"format {field['format']} is not known"
    if kind == "boolean" and {"secret", "choices", "format", "multiline"} & set(field):
        yield "only a string has such properties"
    if "default" in field and not isinstance(field["default"], bool if kind == "boolean" else str):
        yield "the default is of another type"


def _injector_mistakes(fields: t.Iterable[str], injectors: Json) -> list[str]:
    found = [f"injectors: {name} is not known" for name in set(injectors) - {"file", "env", "extra_vars"}]
    files = injectors.get("file", {})
    found += [f"file: {name} is not known" for name in files if not FILES.fullmatch(name)]
    if "template" in files and len(files) > 1:
        found.append("file: one template, or several with names")
    names = [match[1] for match in map(FILES.fullmatch, files) if match and match[1]]
    filename: t.Any = "EXAMPLE" if "template" in files else dict.fromkeys(names, "EXAMPLE")
    known = {**dict.fromkeys(fields, "EXAMPLE"), "tower": {"filename": filename} if files else {}}
    for name in injectors.get("env", {}):
        if not NAME.fullmatch(name) or FORBIDDEN.fullmatch(name):
            found.append(f"env: {name} is not allowed")
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for name, template in (*files.items(), *injectors.get("env", {}).items()):
        try:
            environment.from_string(template).render(known)
        except TemplateError as error:
            found.append(f"{name}: {error}")
    return found


def credential_mistakes(inputs: Json, given: Json) -> list[str]:
    """Why AWX would refuse what a credential has for the fields of its type."""
    fields = {one["id"]: one for one in inputs.get("fields", [])}
    found = [f"{name} is no field of the credential type" for name in set(given) - set(fields)]
    for name in set(given) & set(fields):
        value, field = given[name], fields[name]
        if not isinstance(value, {"string": str, "boolean": bool}[field.get("type", "string")]):
            found.append(f"{name} is of another type")
        elif value and "choices" in field and value not in field["choices"]:
            found.append(f"{name} is none of the choices")
        elif value and field.get("format") == "url" and not re.match(r"\w+://[^/]", str(value)):
            found.append(f"{name} is no URL")
        elif (
            value
            and field.get("format") == "ssh_private_key"
            and not re.match(r"\s*-----BEGIN .*PRIVATE KEY", str(value))
        ):
            found.append(f"{name} is no private key")
    return found


def survey_mistakes(survey: Json) -> list[str]:
    """Why AWX would refuse a survey."""
    found = [
        f"{name} is missing or of another type"
        for name, kind in (("name", str), ("description", str), ("spec", list))
        if not isinstance(survey.get(name), kind)
    ]
    if found or not survey["spec"]:
        return found or ["there are no questions"]
    names = [one.get("variable") for one in survey["spec"]]
    if len(names) != len(set(names)):
        found.append("a variable is there twice")
    for one in survey["spec"]:
        found += [f"{one.get('variable')}: {mistake}" for mistake in _question_mistakes(one)]
    return found


def _question_mistakes(question: Json) -> t.Iterator[str]:
    for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if not isinstance(question.get(name), kind):
            yield f"{name} is missing or of another type"
            return
    if not NAME.fullmatch(question["variable"]):
        yield "no name for a variable"
    kind = question["type"]
    if kind not in ANSWERS:
        yield f"type {kind} is not known"
        return
    default = question.get("default", "")
    if default != "" and not isinstance(default, ANSWERS[kind]):
        yield "the default is of another type"
        return
    for name in ("min", "max"):
        if not isinstance(question.get(name), (int, type(None))):
            yield f"{name} is no integer"
    if kind in ("multiplechoice", "multiselect"):
        choices = listed(question.get("choices", []))
        if not choices:
            yield "there are no choices"
        defaults = listed(default)
        if set(defaults) - set(choices) or (kind == "multiplechoice" and len(defaults) > 1):
            yield "the default is none of the choices"
    # AWX keeps a default that it would refuse as an answer, and leaves it out without a word.
    if default != "" and (refused := answer_mistakes([question], {question["variable"]: default})):
        yield f"the default is no answer: {refused}"


def listed(text: str | list[str]) -> list[str]:
    """Choices, whether given as a list or as lines."""
    return list(filter(None, map(str.strip, text.splitlines()))) if isinstance(text, str) else text


def answer_mistakes(questions: list[Json], answers: Json) -> list[str]:
    """Why AWX would refuse to launch with these answers."""
    found = []
    for one in questions:
        name, kind = one["variable"], one["type"]
        if name not in answers:
            found += [f"{name} is missing"] if one["required"] else []
            continue
        value, least, most = answers[name], one.get("min"), one.get("max")
        size = len(value) if kind in ("text", "textarea", "password") else value
        if kind in ("multiplechoice", "multiselect"):
            chosen = value if isinstance(value, list) else [value]
            found += [f"{name}: {item} is none of the choices" for item in chosen if item not in listed(one["choices"])]
        elif not isinstance(value, ANSWERS[kind]):
            found.append(f"{name} is of another type")
        elif (least is not None and size < least) or (most is not None and size > most):
            found.append(f"{name} is too small or too large")
    return found


def launch_mistakes(template: Json, questions: list[Json], given: Json) -> list[str]:
    """Why AWX would refuse to launch a template with these variables.

    :param questions: of its survey, if that is enabled
    """
    # A default is no answer to a question that is required: only the web page fills it in.
    found = answer_mistakes(questions, given)
    strange = set(given) - {one["variable"] for one in questions}
    if strange and not template["ask_variables_on_launch"]:
        found.append(f"Variables {', '.join(sorted(strange))} are not allowed on launch.")
    return found


def requirements(project: Path) -> list[str]:
    """The files from which AWX installs collections and roles at every update of a project, before those of the image."""
    known = (f"{folder}/requirements.{end}" for folder in ("collections", "roles") for end in ("yml", "yaml"))
    return [name for name in known if (project / name).exists()]


def start_mistake(inputs: Json, given: Json) -> str:
    """Why AWX would not start a job that has this credential, or ""."""
    lacking = [name for name in inputs.get("required", []) if not given.get(name)]
    return f"Job cannot start because Credential does not provide {', '.join(lacking)}" if lacking else ""


def playbooks(root: Path) -> list[str]:
    """The files of a project that AWX offers as playbooks."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [one for one in folders if not one.startswith(".") and one not in NO_PLAYBOOKS]
        for file in (Path(folder) / name for name in files if name.endswith((".yml", ".yaml"))):
            if any(PLAYBOOK.match(line) for line in file.read_text("utf-8", "replace").splitlines()):
                found.append(str(file.relative_to(root)))
    return sorted(found)


def job_variables(template: Json, survey: Json | None, artifacts: Json, answers: Json) -> Json:
    """The extra variables of a job, each going before those to its left.

    :param template: the extra variables of its job template
    :param survey: the template's own, if it has one that is enabled
    :param artifacts: what earlier jobs of the workflow have left with C(set_stats)
    :param answers: those to the survey that was launched: the template's own, or the workflow's
    """
    defaults = {
        one["variable"]: one["default"]
        for one in (survey or {}).get("spec", [])
        if "default" in one and not answer_mistakes([one], {one["variable"]: one["default"]})
    }
    return {**template, **defaults, **artifacts, **answers}


class _Unsafe(yaml.SafeDumper):
    """Marks every string, so that Ansible takes it for text and never for a template."""

    def represent_data(self, data: t.Any) -> yaml.Node:
        if isinstance(data, str):
            return self.represent_scalar("!unsafe", data)
        return super().represent_data(data)


def extra_vars_file(variables: Json, template: Json) -> str:
    """The file in which a job gets its extra variables: those of the job template itself may be templates, others not."""
    trusted = {name: value for name, value in variables.items() if template.get(name, ...) == value}
    parts = itertools.chain(
        ((yaml.SafeDumper, {name: value}) for name, value in trusted.items()),
        ((_Unsafe, {name: value}) for name, value in variables.items() if name not in trusted),
    )
    return "".join(yaml.dump(part, Dumper=dumper, default_flow_style=False) for dumper, part in parts)
