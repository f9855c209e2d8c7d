# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role and the playbooks decide, print and write, one stage a call. The rules are in C(_deregistration)."""

from __future__ import annotations

import os
import typing as t

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import (
    approval,
    claims,
    evidence,
    origin,
    outcome,
    page,
    playbooks,
    settings,
    texts,
)
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import Settings

Result = dict[str, t.Any]
Variables = dict[str, t.Any]


class ActionModule(ActionBase):
    """Dispatches to the stage. Nothing here talks to Immuta or to a platform."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Variables | None = None) -> Result:
        """Run the stage that the task names."""
        variables = task_vars or {}
        result: Result = super().run(tmp, variables)
        result["changed"] = False
        stages: dict[str, t.Callable[[Variables], Result]] = {
            "choose": self._choose,
            "check": self._check,
            "decide": self._decide,
            "plan": self._plan,
            "handoff": self._handoff,
            "conclude": self._conclude,
            "stopped": self._stopped,
            "planned": self._planned,
            "finished": self._finished,
        }
        _validated, self.arguments = self.validate_argument_spec(
            {
                "stage": {"type": "str", "required": True, "choices": list(stages)},
                "plan_only": {"type": "bool", "default": False},
                "checked": {"type": "dict"},
                "observed": {"type": "dict", "default": {}},
                "failed_task": {"type": "str"},
                "failure": {"type": "dict"},
                "output": {"type": "str"},
            }
        )
        return {**result, **stages[self.arguments["stage"]](variables)}

    @property
    def observed(self) -> Observed:
        """What the modules have answered so far."""
        return Observed(**self.arguments["observed"])

    @property
    def settings(self) -> Settings:
        """What the first stage has read."""
        return Settings(**self.arguments["checked"]["settings"])

    def _variables(self, variables: Variables, names: t.Iterable[str]) -> Variables:
        return {name: self._templar.template(variables[name]) for name in names if name in variables}

    def _choose(self, variables: Variables) -> Result:
        return {"hosts": playbooks.choose(self._variables(variables, playbooks.CHOICE))}

    def _check(self, variables: Variables) -> Result:
        started = evidence.now()
        options = _options(variables["role_path"])
        host = variables["inventory_hostname"]
        try:
            read = settings.read(
                self._variables(variables, options), options, host=host, plan_only=self.arguments["plan_only"]
            )
        except settings.Invalid as error:
            raise AnsibleActionFail(str(error)) from None
        hosts = variables["hostvars"]
        connection = hosts[read.keeper].get("ansible_connection") if read.keeper in hosts else None
        found = settings.mistakes(read, settings.Site(hosts, connection or "", os.environ))
        answer = {"settings": read.as_dict(), "started": started}
        return {**answer, "failed": True, "msg": " ".join(found)} if found else answer

    def _decide(self, variables: Variables) -> Result:
        if found := outcome.obstacles(self.settings, self.observed):
            raise AnsibleActionFail(" ".join(found))
        return {"decision": vars(outcome.decide(self.settings, self.observed, check_mode=self._task.check_mode))}

    def _plan(self, variables: Variables) -> Result:
        return _shown(texts.plan(self.settings, self.observed))

    def _handoff(self, variables: Variables) -> Result:
        return _shown(texts.handoff(self.settings, self.observed))

    def _conclude(self, variables: Variables) -> Result:
        concluded = outcome.result(self.settings, self.observed, check_mode=self._task.check_mode)
        try:
            self._report(variables, concluded, None)
        except OSError as error:
            raise AnsibleActionFail(_unwritten(error)) from None
        return {
            "result": concluded,
            "lines": texts.report(concluded),
            "ansible_stats": {
                "data": {"immuta_deregister": {self.settings.connection_key: concluded}},
                "per_host": False,
                "aggregate": True,
            },
        }

    def _stopped(self, variables: Variables) -> Result:
        task, failure = self.arguments["failed_task"], self.arguments["failure"]
        checked = self.arguments["checked"] or {}
        known = self.settings if "settings" in checked else None
        lines = texts.stopped(known, self.observed, task=task, failure=failure)
        if known is None:
            return {"lines": lines, "result": {}}
        concluded = {
            **outcome.result(known, self.observed, check_mode=self._task.check_mode),
            "status": "failed",
            "failed_task": task,
            "error": " ".join(lines),
        }
        answer: Result = {"lines": lines, "result": concluded}
        try:
            self._report(variables, concluded, failure)
        except OSError as error:
            # Another failure would take the place of the one that matters.
            answer["warnings"] = [_unwritten(error)]
        return answer

    def _report(self, variables: Variables, concluded: Result, failure: Result | None) -> None:
        """Add this run to the report, if one is asked for."""
        known = self.settings
        if not os.path.isabs(known.report_dir) or self._task.check_mode:
            return
        file = evidence.path(known.report_dir, known.file_name)
        try:
            before = evidence.read(file)
        except evidence.NotAReport:
            raise OSError(None, "it is no report of this role", file) from None
        ended = claims.Ended(
            known, self.observed, concluded, self.arguments["checked"]["started"], evidence.now(), failure
        )
        run = claims.run(ended, origin.origin(variables, os.environ), before["runs"] if before else [])
        report = evidence.append(before, known.connection_key, run)
        templates = os.path.join(variables["role_path"], "templates")
        evidence.write(known.report_dir, known.file_name, report, page.render(templates, report))

    def _planned(self, variables: Variables) -> Result:
        plans = [
            approval.planned(key, result) for _host, key, result in playbooks.results(variables, self._templar.template)
        ]
        document = approval.document(plans)
        ordered = [approval.Planned(**connection) for connection in document["connections"]]
        return {
            **_shown(texts.planned(ordered, document["digest"])),
            **self._write({"immuta_deregister_plan": approval.without_templates(document)}),
            "ansible_stats": {"data": {"immuta_deregister_plan": document}, "per_host": False, "aggregate": False},
        }

    def _finished(self, variables: Variables) -> Result:
        ended = list(playbooks.results(variables, self._templar.template))
        known = {result["connection_key"]: result for _host, _key, result in ended if result}
        return {
            **_shown(texts.finished((key or host, result) for host, key, result in ended)),
            **self._write({"immuta_deregister": known}),
        }

    def _write(self, content: t.Mapping[str, t.Any]) -> Result:
        """Write a JSON file on the controller, if one is asked for."""
        if not self.arguments["output"]:
            return {}
        try:
            return {"changed": playbooks.write(self.arguments["output"], content)}
        except OSError as error:
            raise AnsibleActionFail(
                f"The file {self.arguments['output']} of immuta_deregister_output can't be written: {error.strerror}."
            ) from None


def _options(role: str) -> dict[str, t.Any]:
    """The role's variables, as its argument spec has them."""
    with open(os.path.join(role, "meta", "argument_specs.yml"), encoding="utf-8") as file:
        # The loader of libyaml is faster, and not everywhere.
        specs = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    options: dict[str, t.Any] = specs["argument_specs"]["main"]["options"]
    return options


def _shown(lines: list[str]) -> Result:
    """A result that Ansible prints without C(-v)."""
    return {"msg": lines, "_ansible_verbose_always": True}


def _unwritten(error: OSError) -> str:
    return f"The report could not be written: {error.strerror} ({error.filename})."
