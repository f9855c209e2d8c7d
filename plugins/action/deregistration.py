# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role and the playbooks decide, print and write, one stage a call. The rules are in C(_deregistration)."""

from __future__ import annotations

import contextlib
import os
import typing as t

import yaml
from ansible.plugins.action import ActionBase

from ansible_collections.community.immuta.plugins.module_utils import _utc
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import (
    approval,
    claims,
    evidence,
    names,
    neighbours,
    origin,
    outcome,
    page,
    playbooks,
    settings,
    texts,
)
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.ended import Ended
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import Settings

Result = dict[str, t.Any]
Variables = dict[str, t.Any]

ROLE = os.path.join(origin.COLLECTION, "roles", "deregister_connection")
TEMPLATES = os.path.join(ROLE, "templates")
IN_THE_MIDDLE = (
    "This role can't be entered in the middle: its first tasks, which read the variables and look at what is there, have"
    " not run in this play. Run it from its beginning, without --start-at-task and without tags."
)

NOT_ANSWERED = (
    "Whether the script is saved and the connection exists is not known: the task that saves the script has not answered."
    " Look at what it says, fix the cause, and rerun."
)
NOTHING_DONE = (
    "Nothing was looked at, planned, or removed: --tags or --start-at-task has left the role out. Run the playbook without"
    " them."
)


class Refused(Exception):
    """The stage fails; the text is for the user."""


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
        try:
            return {**result, **stages[self.arguments["stage"]](variables)}
        except (Refused, settings.Invalid) as error:
            # Not AnsibleActionFail, which older versions of ansible-core print with a traceback.
            return {**result, "failed": True, "msg": str(error)}

    @property
    def observed(self) -> Observed:
        """What the modules have answered so far."""
        return Observed(**self.arguments["observed"])

    @property
    def settings(self) -> Settings:
        """What the first stage has read.

        :raises Refused: it has not run, or has refused what it read
        """
        checked = self.arguments["checked"] or {}
        if "settings" not in checked:
            raise Refused(IN_THE_MIDDLE)
        if checked.get("failed"):
            raise Refused(checked["msg"])
        return Settings(**checked["settings"])

    def _variables(self, variables: Variables, wanted: t.Iterable[str]) -> Variables:
        return {name: self._templar.template(variables[name]) for name in wanted if name in variables}

    def _strange(self, variables: Variables, options: t.Collection[str]) -> list[str]:
        return [*names.misspelt(variables, options), *names.lost_words(variables.get(names.LOST_WORDS))]

    def _choose(self, variables: Variables) -> Result:
        if strange := self._strange(variables, _options()):
            raise Refused(" ".join(strange))
        return {"hosts": playbooks.choose(self._variables(variables, playbooks.CHOICE))}

    def _check(self, variables: Variables) -> Result:
        started = _utc.now_zulu()
        options = _options()
        host = variables["inventory_hostname"]
        read = settings.read(
            self._variables(variables, options), options, host=host, plan_only=self.arguments["plan_only"]
        )
        found = [
            *self._strange(variables, options),
            *self._passed_over(variables, read),
            *settings.mistakes(read, settings.Site(variables["hostvars"])),
            *self._clashes(variables, options[f"{settings.PREFIX}script_dir"]["default"]),
        ]
        if self._output:
            found.append(playbooks.output_mistake(self._output, plan=self.arguments["plan_only"]))
        found = [sentence for sentence in (*found, _damaged(read)) if sentence]
        answer = {"settings": read.as_dict(), "started": started}
        return {**answer, "failed": True, "msg": " ".join(found)} if found else answer

    def _passed_over(self, variables: Variables, read: Settings) -> list[str]:
        """The connections of other hosts that run_once would pass over while they get this one's result."""
        if not self._task.run_once:
            return []
        ended = playbooks.results(variables, self._templar.template)
        others = [key for _host, key, _result in ended if key and key != read.connection_key]
        if not others:
            return []
        return [f'With run_once only "{read.connection_key}" would be removed, not "{others[0]}". Remove run_once.']

    def _clashes(self, variables: Variables, folder: str) -> list[str]:
        """What is wrong with the other hosts of the play."""
        here, hosts = variables["inventory_hostname"], variables["hostvars"]
        elsewhere = [host for host in variables["ansible_play_hosts_all"] if host != here]
        if not elsewhere:
            return []
        own = self._variables(variables, neighbours.NAMES)
        site = neighbours.Site(hosts, self._task.connection, folder)
        # What is not the host's is the play's or the role's, and stands for the others, too.
        known = hosts[here]
        shared = [name for name in own if name not in known or known[name] != own[name]]

        def of(host: str) -> neighbours.Neighbour | None:
            # Ansible puts a host's variables together again each time that they are asked for.
            theirs = hosts[host]
            given = {name: theirs[name] for name in neighbours.NAMES if name in theirs}
            given.update((name, self._as_host(variables, host, variables[name])) for name in shared)
            return neighbours.neighbour(host, given, site)

        def tenant(host: str) -> t.Any:
            group = "group/community.immuta.immuta"
            defaults = [one[group] for one in self._task.module_defaults or () if group in one]
            read = self._as_host(variables, host, defaults[-1]) if defaults else {}
            return read.get("url") if isinstance(read, dict) else None

        mine = neighbours.neighbour(here, own, site)
        others = [other for host in elsewhere if (other := of(host))]
        return neighbours.mistakes(mine, others, lambda host: tenant(host) == tenant(here)) if mine else []

    def _as_host(self, variables: Variables, host: str, value: t.Any) -> t.Any:
        """Render a value of the play as another host would."""
        hosts = variables["hostvars"]
        raw = hosts.raw_get(host) if hasattr(hosts, "raw_get") else hosts[host]
        return self._templar.copy_with_new_env(available_variables={**variables, **raw}).template(value)

    def _decide(self, variables: Variables) -> Result:
        if "timing" not in self.observed.script:
            raise Refused(NOT_ANSWERED)
        if found := outcome.obstacles(self.settings, self.observed):
            raise Refused(" ".join(found))
        return {"decision": vars(outcome.decide(self.settings, self.observed, check_mode=self._task.check_mode))}

    def _plan(self, variables: Variables) -> Result:
        return _shown(texts.plan(self.settings, self.observed))

    def _handoff(self, variables: Variables) -> Result:
        return _shown(texts.handoff(self.settings, self.observed))

    def _conclude(self, variables: Variables) -> Result:
        concluded = outcome.result(self.settings, self.observed, check_mode=self._task.check_mode)
        try:
            self._report(variables, self.settings, concluded, None)
        except OSError as error:
            raise Refused(_unwritten(error)) from None
        return {
            "result": concluded,
            "lines": texts.report(concluded),
            "ansible_stats": {
                "data": {playbooks.OUTCOME: {self.settings.connection_key: concluded}},
                "per_host": False,
                "aggregate": True,
            },
        }

    def _stopped(self, variables: Variables) -> Result:
        task, failure = self.arguments["failed_task"], self.arguments["failure"]
        checked = self.arguments["checked"] or {}
        known = Settings(**checked["settings"]) if "settings" in checked else None
        if not checked:
            failure = {"msg": IN_THE_MIDDLE}
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
            self._report(variables, known, concluded, failure)
        except OSError as error:
            # Another failure would take the place of the one that matters.
            answer["warnings"] = [_unwritten(error)]
        return answer

    def _report(self, variables: Variables, known: Settings, concluded: Result, failure: Result | None) -> None:
        """Add this run to the report, if one is asked for."""
        if not os.path.isabs(known.report_dir) or self._task.check_mode:
            return
        file = evidence.path(known.report_dir, known.file_name)
        try:
            before = evidence.read(file)
        except evidence.NotAReport:
            raise OSError(None, "it is no report of this role", file) from None
        ended = Ended(known, self.observed, concluded, self.arguments["checked"]["started"], _utc.now_zulu(), failure)
        run = claims.run(ended, origin.origin(variables, os.environ), before["runs"] if before else [])
        report = evidence.append(before, known.connection_key, run)
        evidence.write(known.report_dir, known.file_name, report, page.render(TEMPLATES, report))

    def _results(self, variables: Variables) -> list[playbooks.HostResult]:
        """What the hosts of the play have come to.

        :raises Refused: no host has done anything, and none has failed
        """
        found = list(playbooks.results(variables, self._templar.template))
        failed = set(variables["ansible_play_hosts_all"]) - set(variables.get("ansible_play_hosts", ()))
        if not failed and not any(result for _host, _key, result in found):
            raise Refused(NOTHING_DONE)
        return found

    def _planned(self, variables: Variables) -> Result:
        plans = [approval.planned(key, result) for _host, key, result in self._results(variables)]
        document = approval.document(plans)
        ordered = [approval.Planned(**connection) for connection in document["connections"]]
        return {
            **_shown(texts.planned(ordered, document["digest"])),
            **self._write({playbooks.PLAN: approval.without_templates(document)}),
            "ansible_stats": {"data": {playbooks.PLAN: document}, "per_host": False, "aggregate": False},
        }

    def _finished(self, variables: Variables) -> Result:
        ended = self._results(variables)
        known = {result["connection_key"]: result for _host, _key, result in ended if result}
        return {
            **_shown(texts.finished((key or host, result) for host, key, result in ended)),
            **self._write({playbooks.OUTCOME: known}),
        }

    @property
    def _output(self) -> str:
        """The file to write at the end, or ""."""
        given = self.arguments["output"]
        # The plan's own playbook is in check mode, and writes no outcome.
        check_mode = self._task.check_mode and self.arguments["stage"] != "planned" and not self.arguments["plan_only"]
        return playbooks.output_path(given, check_mode=check_mode) if given else ""

    def _write(self, content: t.Mapping[str, t.Any]) -> Result:
        """Write a JSON file on the controller, if one is asked for."""
        if not self._output:
            return {}
        try:
            if mistake := playbooks.must_stay(self._output, plan=self.arguments["stage"] == "planned"):
                raise Refused(mistake)
            return {"changed": playbooks.write(self._output, content)}
        except OSError as error:
            raise Refused(
                f"The file {self._output} of immuta_deregister_output can't be written: {error.strerror}."
            ) from None


def _damaged(known: Settings) -> str:
    """What is wrong with a report that can be read and not be shown; it is tried, like its file."""
    if not os.path.isabs(known.report_dir):
        return ""
    file = evidence.path(known.report_dir, known.file_name)
    with contextlib.suppress(evidence.NotAReport, OSError):
        report = evidence.read(file)
        if report and report["runs"]:
            try:
                page.render(TEMPLATES, report)
            except Exception:
                return f"The report {file} is damaged. Move it away, or set immuta_deregister_report_dir to another folder."
    return ""


def _options() -> dict[str, t.Any]:
    """The role's variables, as its argument spec has them."""
    with open(os.path.join(ROLE, "meta", "argument_specs.yml"), encoding="utf-8") as file:
        # The loader of libyaml is faster, and not everywhere.
        specs = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    options: dict[str, t.Any] = specs["argument_specs"]["main"]["options"]
    return options


def _shown(lines: list[str]) -> Result:
    """A result that Ansible prints without C(-v)."""
    return {"msg": lines, "_ansible_verbose_always": True}


def _unwritten(error: OSError) -> str:
    return f"The report could not be written: {error.strerror} ({error.filename})."
