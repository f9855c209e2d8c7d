# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for AWX: as much of its API as the modules of the collection awx.awx need to define what jobs are made of.

It runs no jobs, but says whether it would, and with which variables. It keeps what it is given, refuses what AWX would
refuse (`controller_rules`), and never shows a secret again.

    with ControllerDouble(token="example-token", project=Path("a-project")) as double:
        requests.get(double.url + "/api/v2/job_templates/", headers={"Authorization": "Bearer example-token"})
"""

from __future__ import annotations

import base64
import copy
import json
import re
import threading
import typing as t
import urllib.parse
from pathlib import Path

from . import controller_rules
from .controller_kinds import KINDS, ROLES, TEMPLATES
from .controller_rules import Json
from .plumbing import Double, Handler

API = "/api/v2/"
VERSION = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}
ENCRYPTED = "$encrypted$"


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
            with double.lock:
                place = double.admitted(place, self.headers.get("Authorization", ""))
                status, body = double.do(self.command, urllib.parse.unquote(place), asked, self.json())
        except Refused as error:
            double.refusals.append(f"{self.command} {place}: {error}")
            status, body = error.status, {"detail": str(error), "error": str(error)}
        # The modules want a text in every answer but that to an association.
        self.reply(status, b"" if body is None else json.dumps(body).encode(), headers=VERSION)


def _role(of: int, place: int) -> int:
    """The id of a role: the place of its name among those of the object."""
    return of * 10 + place


class ControllerDouble(Double):
    """One controller, with an organization and nothing else.

    :ivar writes: the requests that may change something
    :ivar refusals: what was refused, and why
    :ivar ignored: fields that were sent and are not known here
    :ivar launched: what was launched: the template's name, its limit, and the variables that the launch adds
    :ivar prefix: what stands before C(v2/) in addresses, as at the gateway of AAP
    :ivar updates: whether updates of projects succeed
    :param token: what a client has to show
    :param project: the folder that every project is a checkout of
    :param login: user and password, which may be shown instead
    """

    handler = _Handler

    def __init__(self, token: str, project: Path, login: tuple[str, str] = ("admin", "example-password")) -> None:
        super().__init__()
        self.token = token
        self.login = login
        self.prefix = "/api/"
        self.updates = True
        self.launched: list[Json] = []
        self.tokens: set[int] = set()
        self.updating: set[int] = set()
        self.teams: dict[int, list[int]] = {}
        self.lock = threading.Lock()
        self.playbooks = controller_rules.playbooks(project)
        self.objects: dict[str, dict[int, Json]] = {name: {} for name in KINDS}
        self.linked: dict[tuple[int, str], list[int]] = {}
        self.surveys: dict[int, Json] = {}
        self.writes: list[str] = []
        self.refusals: list[str] = []
        self.ignored: set[str] = set()
        self._last = 0
        self.create("organizations", {"name": "Default"})

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

    def may(self, team: str) -> set[tuple[str, str]]:
        """What a team was given: names of roles and of what they are for."""
        number = self.named("teams", team)["id"]
        return {
            (role, self.objects[kind][one]["name"])
            for kind, roles in ROLES.items()
            for one in self.objects[kind]
            for place, role in enumerate(roles)
            if number in self.teams.get(_role(one, place), [])
        }

    # What a client asks

    def admitted(self, place: str, shown: str) -> str:
        """Where a request leads, without the controller's own prefix.

        :raises Refused: the client is not known, or the address is another one's
        """
        if not place.startswith(f"{self.prefix}v2/"):
            raise Refused(404, "Not found.")
        basic = base64.b64encode(":".join(self.login).encode()).decode()
        by_login = shown == f"Basic {basic}" and place.startswith(f"{self.prefix}v2/tokens/")
        if not (by_login or shown == f"Bearer {self.token}"):
            raise Refused(401, "Authentication credentials were not provided.")
        return API + place.removeprefix(f"{self.prefix}v2/")

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
            return 200, self._updated(number)
        if kind == "tokens":
            return self._token(method, number)
        if kind == "roles" and part == "teams":
            return self._link(method, "teams", self.teams.setdefault(number, []), body)
        if not number and method == "GET":
            return 200, self._list(kind, asked)
        if kind not in KINDS:
            raise Refused(404, "Not found.")
        if not number and method == "POST":
            return 201, self._shown(kind, self.create(kind, body))
        if number not in self.objects[kind]:
            raise Refused(404, "Not found.")
        return self._about_one(method, kind, number, part, body)

    def _token(self, method: str, number: int) -> tuple[int, t.Any]:
        """Make a token for one who signs in by password, or forget it."""
        if method == "DELETE":
            self.tokens.remove(number)
            return 204, None
        self._last += 1
        self.tokens.add(self._last)
        return 201, {"id": self._last, "token": self.token}

    def _updated(self, number: int) -> Json:
        """The update of a project at its end."""
        project = self.objects["projects"][number]
        self.updating.discard(number)
        if self.updates:
            project["scm_revision"] = "0" * 40
        status = "successful" if self.updates else "failed"
        return {
            "id": number,
            "status": status,
            "failed": not self.updates,
            "finished": "2026-01-01T00:00:00Z",
            "scm_revision": project["scm_revision"],
        }

    def _about_one(self, method: str, kind: str, number: int, part: str | None, body: t.Any) -> tuple[int, t.Any]:
        one = self.objects[kind][number]
        if part is None and method in ("GET", "PATCH"):
            if method == "PATCH":
                self._update(kind, one, body)
            return 200, self._shown(kind, one)
        if part is None and method == "DELETE":
            return self._delete(kind, number), None
        if part == "update" and kind == "projects":
            return 202, {"url": f"{self.prefix}v2/project_updates/{number}/"}
        if part == "launch" and "survey_enabled" in KINDS[kind].defaults:
            return 201, {"id": len(self.launched), **self._launch(kind, one, body or {})}
        if part == "survey_spec" and method in ("GET", "POST") and "survey_enabled" in KINDS[kind].defaults:
            if method == "POST":
                self._refuse(controller_rules.survey_mistakes(body))
                self.surveys[number] = body
            return 200, self.surveys.get(number, {}) if method == "GET" else {}
        if part == "create_approval_template" and method == "POST" and kind == "workflow_job_template_nodes":
            approval = self.create("workflow_approval_templates", body)
            one["unified_job_template"] = approval["id"]
            return 201, self._shown("workflow_approval_templates", approval)
        if part in KINDS[kind].links:
            return self._link(method, KINDS[kind].links[part], self.linked.setdefault((number, part), []), body)
        raise Refused(404, "Not found.")

    def _launch(self, kind: str, one: Json, given: Json) -> Json:
        survey = self.surveys.get(one["id"], {"spec": []})["spec"] if one["survey_enabled"] else []
        variables = given.get("extra_vars", {})
        self._refuse(controller_rules.launch_mistakes(one, survey, variables))
        if kind == "job_templates" and not self.objects["projects"][one["project"]]["scm_revision"]:
            raise Refused(400, "Missing a revision to run due to failed project update.")
        limit = given.get("limit", "") if one["ask_limit_on_launch"] else ""
        filled = controller_rules.job_variables({}, {"spec": survey}, {}, variables)
        self.launched.append({"name": one["name"], "limit": limit, "extra_vars": filled})
        return self.launched[-1]

    def _delete(self, kind: str, number: int) -> int:
        """Delete an object, and what is part of it; the status of the answer.

        :raises Refused: others need it
        """
        if kind == "credential_types" and self._of_type(number):
            raise Refused(403, "Credential types that are in use cannot be deleted.")
        gone = self.objects[kind].pop(number)
        # An approval belongs to its node.
        self.objects["workflow_approval_templates"].pop(gone.get("unified_job_template") or 0, None)
        parts = {
            "inventories": (("hosts", "inventory"), ("inventory_sources", "inventory")),
            "workflow_job_templates": (("workflow_job_template_nodes", "workflow_job_template"),),
        }
        for part, field in parts.get(kind, ()):
            for one in [one["id"] for one in self.objects[part].values() if one[field] == number]:
                self._delete(part, one)
        for linked in self.linked.values():
            if number in linked:
                linked.remove(number)
        # An inventory is deleted later.
        return 202 if kind == "inventories" else 204

    def _of_type(self, number: int) -> list[Json]:
        return [one for one in self.objects["credentials"].values() if one["credential_type"] == number]

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

    def create(self, kind: str, given: Json) -> Json:
        """Make an object, with defaults for what is not given.

        :raises Refused: it can't be made
        """
        self._last += 1
        one: Json = {"id": self._last, **copy.deepcopy(KINDS[kind].defaults), **dict.fromkeys(KINDS[kind].references)}
        self._update(kind, one, given)
        self.objects[kind][one["id"]] = one
        if kind == "projects":
            self.updating.add(one["id"])
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
        frozen = kind == "credential_types" and self._of_type(one["id"])
        if frozen and fields.get("inputs", one["inputs"]) != one["inputs"]:
            raise Refused(403, "Modifications to inputs are not allowed for credential types that are in use")
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
        if "" in (one.get("name"), one.get("identifier")):
            yield "it has no name"
        if kind == "credential_types":
            if one["kind"] not in ("cloud", "net"):
                yield "Must be 'cloud' or 'net'"
            yield from controller_rules.credential_type_mistakes(one["inputs"], one["injectors"])
        if kind == "credentials":
            fields = self.objects["credential_types"][one["credential_type"]]["inputs"]
            yield from controller_rules.credential_mistakes(fields, one["inputs"])
        if kind == "job_templates" and not (
            self.objects["projects"][one["project"]]["scm_revision"] and one["playbook"] in self.playbooks
        ):
            yield f"Playbook not found for project: {one['playbook']}"
        if kind == "schedules":
            template = self.template(one["unified_job_template"])
            yield from controller_rules.launch_mistakes(
                template, self.surveys.get(template["id"], {"spec": []})["spec"], one["extra_data"]
            )

    @staticmethod
    def _refuse(mistakes: list[str]) -> None:
        if mistakes:
            raise Refused(400, "; ".join(mistakes))

    def _shown(self, kind: str, one: Json) -> Json:
        """An object as the API shows it."""
        url = f"{self.prefix}v2/{kind}/{one['id']}/"
        shown = {**copy.deepcopy(one), "type": KINDS[kind].type, "url": url, "related": {}, "summary_fields": {}}
        if "survey_enabled" in one:
            shown["related"]["survey_spec"] = f"{url}survey_spec/"
        if kind == "workflow_job_template_nodes" and one["unified_job_template"]:
            template = self.template(one["unified_job_template"])
            listed = next(name for name in TEMPLATES if one["unified_job_template"] in self.objects[name])
            shown["related"]["unified_job_template"] = f"{self.prefix}v2/{listed}/{template['id']}/"
        if kind == "projects":
            shown["related"]["update"] = f"{url}update/"
            if one["id"] in self.updating:
                shown["summary_fields"]["current_update"] = {"id": one["id"]}
        if kind in ROLES:
            shown["summary_fields"]["object_roles"] = {
                f"{name}_role": {"id": _role(one["id"], place)} for place, name in enumerate(ROLES[kind])
            }
        if kind == "credentials":
            fields = self.objects["credential_types"][one["credential_type"]]["inputs"]["fields"]
            secret = {field["id"] for field in fields if field.get("secret")}
            shown["inputs"] = {
                name: ENCRYPTED if name in secret and value else value for name, value in one["inputs"].items()
            }
        return shown
