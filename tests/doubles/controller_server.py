# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for AWX: as much of its API as the modules of the collection awx.awx need to define what jobs are made of.

It runs no jobs. It keeps what it is given, refuses what AWX would refuse (`controller_rules`), and never shows a secret again.

    with ControllerDouble(token="example-token", project=Path("a-project")) as double:
        requests.get(double.url + "/api/v2/job_templates/", headers={"Authorization": "Bearer example-token"})
"""

from __future__ import annotations

import copy
import dataclasses
import json
import re
import threading
import typing as t
import urllib.parse
from pathlib import Path

from . import controller_rules
from .controller_rules import Json
from .plumbing import Double, Handler

API = "/api/v2/"
VERSION = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}
ENCRYPTED = "$encrypted$"


@dataclasses.dataclass(frozen=True)
class Kind:
    """What there is of one kind of object.

    :ivar defaults: its fields, and what they are when they are not given
    :ivar references: fields that hold the id of another object, and where that is listed
    :ivar links: lists of other objects, and where those are listed
    """

    type: str
    defaults: Json
    references: dict[str, str] = dataclasses.field(default_factory=dict)
    links: dict[str, str] = dataclasses.field(default_factory=dict)


PLACE = {"organization": "organizations"}
TEMPLATES = ("job_templates", "projects", "inventory_sources", "workflow_job_templates", "workflow_approval_templates")
KINDS: dict[str, Kind] = {
    "organizations": Kind("organization", {"name": ""}),
    "instance_groups": Kind("instance_group", {"name": ""}),
    "credential_types": Kind(
        "credential_type", {"name": "", "description": "", "kind": "", "inputs": {}, "injectors": {}, "managed": False}
    ),
    "credentials": Kind(
        "credential", {"name": "", "description": "", "inputs": {}}, {**PLACE, "credential_type": "credential_types"}
    ),
    "execution_environments": Kind(
        "execution_environment",
        {"name": "", "description": "", "image": "", "pull": ""},
        {**PLACE, "credential": "credentials"},
    ),
    "projects": Kind(
        "project",
        {"name": "", "description": "", "scm_type": "", "scm_url": "", "scm_branch": "", "scm_revision": ""},
        {**PLACE, "credential": "credentials", "default_environment": "execution_environments"},
    ),
    "inventories": Kind(
        "inventory", {"name": "", "description": "", "kind": "", "host_filter": None, "variables": ""}, PLACE
    ),
    "hosts": Kind(
        "host", {"name": "", "description": "", "variables": "", "enabled": True}, {"inventory": "inventories"}
    ),
    "inventory_sources": Kind(
        "inventory_source",
        {
            "name": "",
            "description": "",
            "source": "",
            "source_path": "",
            "overwrite": False,
            "overwrite_vars": False,
            "update_on_launch": False,
        },
        {
            "inventory": "inventories",
            "source_project": "projects",
            "credential": "credentials",
            "execution_environment": "execution_environments",
        },
    ),
    "job_templates": Kind(
        "job_template",
        {
            "name": "",
            "description": "",
            "job_type": "run",
            "playbook": "",
            "forks": 0,
            "job_slice_count": 1,
            "allow_simultaneous": False,
            "ask_limit_on_launch": False,
            "ask_variables_on_launch": False,
            "extra_vars": "",
            "survey_enabled": False,
        },
        {
            **PLACE,
            "inventory": "inventories",
            "project": "projects",
            "execution_environment": "execution_environments",
        },
        {"credentials": "credentials", "instance_groups": "instance_groups"},
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        {
            "name": "",
            "description": "",
            "allow_simultaneous": False,
            "ask_limit_on_launch": False,
            "ask_variables_on_launch": False,
            "extra_vars": "",
            "survey_enabled": False,
        },
        PLACE,
    ),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        {"identifier": ""},
        {"workflow_job_template": "workflow_job_templates", "unified_job_template": "unified_job_templates"},
        dict.fromkeys(("success_nodes", "failure_nodes", "always_nodes"), "workflow_job_template_nodes"),
    ),
    "workflow_approval_templates": Kind("workflow_approval_template", {"name": "", "description": "", "timeout": 0}),
}


class Refused(Exception):
    """A request that AWX does not do.

    :ivar status: of the answer
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Handler(Handler):
    def answer(self) -> None:
        double = t.cast(ControllerDouble, self.server.double)
        place, _mark, query = self.path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        try:
            if self.headers.get("Authorization") != f"Bearer {double.token}":
                raise Refused(401, "Authentication credentials were not provided.")
            with double.lock:
                status, body = double.do(self.command, urllib.parse.unquote(place), asked, self.json())
        except Refused as error:
            double.refusals.append(f"{self.command} {place}: {error}")
            status, body = error.status, {"detail": str(error), "error": str(error)}
        # The modules want a text in every answer but that to an association.
        self.reply(status, b"" if body is None else json.dumps(body).encode(), headers=VERSION)


class ControllerDouble(Double):
    """One controller, with an organization and nothing else.

    :ivar writes: the requests that may change something
    :ivar refusals: what was refused, and why
    :ivar ignored: fields that were sent and are not known here
    :param token: what a client has to show
    :param project: the folder that every project is a checkout of
    """

    handler = _Handler

    def __init__(self, token: str, project: Path) -> None:
        super().__init__()
        self.token = token
        self.lock = threading.Lock()
        self.playbooks = controller_rules.playbooks(project)
        self.objects: dict[str, dict[int, Json]] = {name: {} for name in KINDS}
        self.linked: dict[tuple[int, str], list[int]] = {}
        self.surveys: dict[int, Json] = {}
        self.writes: list[str] = []
        self.refusals: list[str] = []
        self.ignored: set[str] = set()
        self._last = 0
        self._create("organizations", {"name": "Default"})

    # What a test asks

    def named(self, kind: str, name: str) -> Json:
        """An object as it is kept, with its secrets."""
        return next(one for one in self.objects[kind].values() if one["name"] == name)

    def names(self, kind: str, of: Json, link: str) -> list[str]:
        """The names of the objects that one is linked with."""
        listed = KINDS[kind].links[link]
        key = "identifier" if listed == "workflow_job_template_nodes" else "name"
        return [self.objects[listed][number][key] for number in self.linked.get((of["id"], link), [])]

    def nodes(self, workflow: str) -> dict[str, Json]:
        """The nodes of a workflow, by identifier."""
        number = self.named("workflow_job_templates", workflow)["id"]
        found = self.objects["workflow_job_template_nodes"].values()
        return {one["identifier"]: one for one in found if one["workflow_job_template"] == number}

    def template(self, number: int) -> Json:
        """What a node of a workflow runs."""
        return next(self.objects[kind][number] for kind in TEMPLATES if number in self.objects[kind])

    # What a client asks

    def do(self, method: str, place: str, asked: dict[str, str], body: t.Any) -> tuple[int, t.Any]:
        """Do one request.

        :raises Refused: it is not done
        """
        if method != "GET":
            self.writes.append(f"{method} {place}")
        match = re.fullmatch(rf"{API}(\w+)/(?:(\d+)/(?:(\w+)/)?)?", place)
        if not match:
            raise Refused(404, "Not found.")
        kind, number, part = match[1], int(match[2] or 0), match[3]
        if kind == "project_updates" and number:
            return 200, {"id": number, "status": "successful"}
        if not number and method == "GET":
            return 200, self._list(kind, asked)
        if kind not in KINDS:
            raise Refused(404, "Not found.")
        if not number and method == "POST":
            return 201, self._shown(kind, self._create(kind, body))
        if number not in self.objects[kind]:
            raise Refused(404, "Not found.")
        return self._about_one(method, kind, number, part, body)

    def _about_one(self, method: str, kind: str, number: int, part: str | None, body: t.Any) -> tuple[int, t.Any]:
        one = self.objects[kind][number]
        if part is None and method in ("GET", "PATCH"):
            if method == "PATCH":
                self._update(kind, one, body)
            return 200, self._shown(kind, one)
        if part == "survey_spec" and method in ("GET", "POST") and "survey_enabled" in KINDS[kind].defaults:
            if method == "POST":
                self._refuse(controller_rules.survey_mistakes(body))
                self.surveys[number] = body
            return 200, self.surveys.get(number, {}) if method == "GET" else {}
        if part == "create_approval_template" and method == "POST" and kind == "workflow_job_template_nodes":
            approval = self._create("workflow_approval_templates", body)
            one["unified_job_template"] = approval["id"]
            return 201, self._shown("workflow_approval_templates", approval)
        if part in KINDS[kind].links:
            return self._link(method, KINDS[kind].links[part], self.linked.setdefault((number, part), []), body)
        raise Refused(404, "Not found.")

    def _link(self, method: str, listed: str, linked: list[int], body: t.Any) -> tuple[int, t.Any]:
        if method == "GET":
            found = [self._shown(listed, self.objects[listed][one]) for one in linked]
            return 200, {"count": len(found), "next": None, "results": found}
        if body["id"] not in self.objects[listed]:
            raise Refused(400, f"There is no {listed} {body['id']}.")
        if body.get("disassociate"):
            linked.remove(body["id"])
        else:
            linked.append(body["id"])
        return 204, None

    def _list(self, kind: str, asked: dict[str, str]) -> Json:
        if kind == "unified_job_templates":
            every = [(one, thing) for one in TEMPLATES for thing in self.objects[one].values()]
        elif kind in KINDS:
            every = [(kind, thing) for thing in self.objects[kind].values()]
        else:
            raise Refused(404, "Not found.")
        shown = [self._shown(one, thing) for one, thing in every]
        found = [one for one in shown if all(str(self._filtered(one, name)) == value for name, value in asked.items())]
        return {"count": len(found), "next": None, "results": found}

    def _filtered(self, one: Json, name: str) -> t.Any:
        if name == "organization" and one["type"] == "inventory_source":
            return self.objects["inventories"][one["inventory"]]["organization"]
        return one.get(name)

    def _create(self, kind: str, given: Json) -> Json:
        self._last += 1
        one: Json = {"id": self._last, **copy.deepcopy(KINDS[kind].defaults), **dict.fromkeys(KINDS[kind].references)}
        self._update(kind, one, given)
        self.objects[kind][one["id"]] = one
        return one

    def _update(self, kind: str, one: Json, given: Json) -> None:
        about = KINDS[kind]
        fields = {name: value for name, value in given.items() if name in about.defaults or name in about.references}
        self.ignored |= {f"{about.type}.{name}" for name in given if name not in fields}
        for name, value in fields.items():
            if value is None and isinstance(about.defaults.get(name), str):
                fields[name] = ""
            if name in about.references and value is not None:
                self._refuse([] if self._exists(about.references[name], value) else [f"{name} {value} does not exist"])
        if kind == "credentials" and "inputs" in fields:
            kept = one["inputs"].items()
            fields["inputs"] = {
                name: dict(kept)[name] if value == ENCRYPTED else value for name, value in fields["inputs"].items()
            }
        self._refuse(list(self._mistakes(kind, {**one, **fields})))
        one.update(fields)

    def _exists(self, listed: str, number: int) -> bool:
        kinds = TEMPLATES if listed == "unified_job_templates" else (listed,)
        return any(number in self.objects[kind] for kind in kinds)

    def _mistakes(self, kind: str, one: Json) -> t.Iterator[str]:
        """Why an object would be refused."""
        if not one.get("name", one.get("identifier")):
            yield "it has no name"
        if kind == "credential_types":
            if one["kind"] not in ("cloud", "net"):
                yield "Must be 'cloud' or 'net'"
            yield from controller_rules.credential_type_mistakes(one["inputs"], one["injectors"])
        if kind == "credentials":
            fields = self.objects["credential_types"][one["credential_type"]]["inputs"]
            yield from controller_rules.credential_mistakes(fields, one["inputs"])
        if kind == "job_templates" and one["playbook"] not in self.playbooks:
            yield f"Playbook not found for project: {one['playbook']}"

    @staticmethod
    def _refuse(mistakes: list[str]) -> None:
        if mistakes:
            raise Refused(400, "; ".join(mistakes))

    def _shown(self, kind: str, one: Json) -> Json:
        """An object as the API shows it."""
        url = f"{API}{kind}/{one['id']}/"
        shown = {**copy.deepcopy(one), "type": KINDS[kind].type, "url": url, "related": {}, "summary_fields": {}}
        if "survey_enabled" in one:
            shown["related"]["survey_spec"] = f"{url}survey_spec/"
        if kind == "workflow_job_template_nodes" and one["unified_job_template"]:
            template = self.template(one["unified_job_template"])
            listed = next(name for name in TEMPLATES if one["unified_job_template"] in self.objects[name])
            shown["related"]["unified_job_template"] = f"{API}{listed}/{template['id']}/"
        if kind == "projects":
            shown["summary_fields"]["current_update"] = {"id": one["id"]}
        if kind == "credentials":
            fields = self.objects["credential_types"][one["credential_type"]]["inputs"]["fields"]
            secret = {field["id"] for field in fields if field.get("secret")}
            shown["inputs"] = {
                name: ENCRYPTED if name in secret and value else value for name, value in one["inputs"].items()
            }
        return shown
