# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of the role and the playbooks, one per call. The rules are in C(_deregistration)."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible.utils.vars import load_extra_vars

from ansible_collections.community.immuta.plugins.module_utils import _utc
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import (
    approval,
    chapters,
    claims,
    decisions,
    environment,
    looks,
    mistakes,
    names,
    neighbours,
    outcome,
    page,
    playbooks,
    remembered,
    settings,
    stops,
    texts,
    unreported,
)
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.ended import Ended
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import Settings
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import kept, origin
from ansible_collections.community.immuta.plugins.plugin_utils._one_of_many import OneOfMany
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused, require_clear
from ansible_collections.community.immuta.plugins.plugin_utils._stages import (
    IN_THE_MIDDLE,
    Result,
    Variables,
    printable,
    shown,
)

NOT_ANSWERED = (
    "It is not known whether the script is saved and the connection exists: the task that saves the script returned"
    " no result. Read its message, fix the cause, and rerun."
)
NO_KEY_NO_REPORT = "The variables could not be read, so it is not known which connection it would be about."
NOTHING_DONE = (
    "Nothing was checked, planned, or removed: --tags or --start-at-task skipped the role. Run the playbook without"
    " them."
)


class ActionModule(OneOfMany):
    """Dispatches to the stage. Nothing here talks to Immuta or to a platform."""

    STAGES = ("choose", "check", "decide", "plan", "handoff", "left", "conclude", "planned", "finished")
    OPTIONS: t.ClassVar = {
        "plan_only": {"type": "bool", "default": False},
        "checked": {"type": "dict"},
        "observed": {"type": "dict", "default": {}},
        "output": {"type": "str"},
    }

    def run(self, tmp: str | None = None, task_vars: Variables | None = None) -> Result:
        """Run the stage that the task names, and say it in the words of the role that calls this one."""
        result = super().run(tmp, task_vars)
        words = self.rendered(task_vars or {}, [names.WORDS]).get(names.WORDS) or {}
        told: Result = {
            name: names.reworded(result[name], words) for name in ("msg", "lines", "fatal") if name in result
        }
        if "error" in (concluded := result.get("result") or {}):
            told["result"] = {**concluded, "error": names.reworded(concluded["error"], words)}
        return {**result, **told}

    @property
    def observed(self) -> Observed:
        """The modules' results so far."""
        return Observed(**self.arguments["observed"])

    @property
    def settings(self) -> Settings:
        """The settings that the first stage read.

        :raises Refused: it has not run, or has refused what it read
        """
        checked = self.arguments["checked"] or {}
        if "started" not in checked:
            raise Refused(IN_THE_MIDDLE)
        if checked.get("failed"):
            raise Refused(checked["msg"])
        return Settings(**checked["settings"])

    def _strange(self, variables: Variables, options: t.Collection[str]) -> list[str]:
        return [
            *names.misspelt(variables, options),
            *names.lost_words(variables.get(names.LOST_WORDS), self.extra_arguments),
        ]

    def _choose(self, variables: Variables) -> Result:
        if strange := self._strange(variables, settings.options()):
            raise Refused(*strange)
        python = self.rendered(variables, ("ansible_python_interpreter", "ansible_playbook_python"))
        given = self.rendered(variables, playbooks.CHOICE)
        return {"hosts": playbooks.choose(given, variables["hostvars"], next(iter(python.values())))}

    def _check(self, variables: Variables) -> Result:
        started = _utc.now_zulu()
        options = settings.options()
        plan = self.rendered(variables, [playbooks.PLAN]).get(playbooks.PLAN)
        read, warnings = remembered.completed(self._read(variables, options), plan)
        found = [
            *names.forged(variables),
            *self._strange(variables, options),
            *self._passed_over(variables, read),
            *mistakes.mistakes(read, mistakes.Site(variables["hostvars"])),
            self._missing(variables, read),
            *self.clashes(variables, options, settings.PREFIX, ".sql"),
        ]
        if self._output:
            found.append(playbooks.output_mistake(self._output, self._kind))
        found = [sentence for sentence in found if sentence]
        if found:
            # Ansible prints all of a failure.
            return {"started": started, "failed": True, "msg": "\n".join(printable(found))}
        return {"started": started, "settings": read.as_dict(), **({"warnings": warnings} if warnings else {})}

    def _read(self, variables: Variables, options: t.Mapping[str, t.Any]) -> Settings:
        given = self.own(variables, options)
        host = variables["inventory_hostname"]
        return settings.read(given, options, host=host, plan_only=self.arguments["plan_only"])

    def _passed_over(self, variables: Variables, read: Settings) -> list[str]:
        """The connections of other hosts that run_once would pass over while they get this one's result."""
        if not self._task.run_once:
            return []
        ended = playbooks.results(variables, self._templar.template)
        others = [key for _host, key, _result in ended if key and key != read.connection_key]
        if not others:
            return []
        return [f'With run_once only "{read.connection_key}" would be removed, not "{others[0]}". Remove run_once.']

    def _elsewhere(self, variables: Variables, known: Settings) -> bool:
        """Whether the modules see another environment than this one."""
        here = variables["inventory_hostname"]
        where = {f"{settings.PREFIX}script_host": known.script_host, **self.rendered(variables, ["ansible_become"])}
        become = bool(getattr(self._play_context, "become", False))
        hosts, connection = variables["hostvars"], self._task.connection
        return environment.elsewhere(here, where, hosts, connection=connection, become=become)

    def _signs_in(self, variables: Variables, platform: str | None) -> bool:
        """Whether the controller can see that the modules have a sign-in to a platform."""
        if platform not in settings.PLATFORMS:
            return False
        given = self.defaults(variables, variables["inventory_hostname"], platform)
        seen = {} if self._elsewhere(variables, self.settings) else {**os.environ, **self._task_environment()}
        return environment.signs_in(platform, given, seen)

    def _missing(self, variables: Variables, known: Settings) -> str:
        """All options that the modules lack, as far as the controller can see."""
        here = variables["inventory_hostname"]
        if self._elsewhere(variables, known):
            return ""
        if any(name.startswith("community.immuta.") for one in self._task.module_defaults or () for name in one):
            return ""
        given = {group: self.defaults(variables, here, group) for group in environment.GROUPS}
        platforms = [one for one in settings.PLATFORMS if known.executor in ("auto", one)]
        return environment.missing(given, {**os.environ, **self._task_environment()}, platforms)

    def _task_environment(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for one in self._task.environment or ():
            read = self._templar.template(one)
            found.update(read if isinstance(read, dict) else {})
        return found

    def _decide(self, variables: Variables) -> Result:
        if "timing" not in self.observed.script:
            raise Refused(NOT_ANSWERED)
        created = self.rendered(variables, [names.CREATED]).get(names.CREATED) or {}
        found = [
            *decisions.obstacles(self.settings, self.observed),
            *decisions.not_created(self.settings, self.observed, created),
        ]
        foreign = self.settings.report.foreign(self.observed.tenant)
        require_clear(found, foreign, decisions.code(self.settings, self.observed))
        able = self._signs_in(variables, self.observed.script.get("dialect"))
        return {
            "decision": vars(decisions.decide(self.settings, self.observed, able, check_mode=self._task.check_mode)),
            "created": created,
        }

    def _plan(self, variables: Variables) -> Result:
        known, observed = self.settings, self.observed
        if stopping := self._others_failed(variables, known, observed):
            raise Refused(stopping)
        self._left(variables)
        if wrong := decisions.not_granted(known, observed):
            raise Refused(*wrong, code="refused")
        if known.plan_entry:
            now = outcome.result(known, observed, check_mode=self._task.check_mode)
            planned = approval.planned(known.connection_key, now)
            if found := approval.differences(known.plan_entry, planned, exists=observed.exists):
                raise Refused(*found, code="plan_changed")
        return shown(texts.plan(self.settings, self.observed))

    def _others_failed(self, variables: Variables, known: Settings, observed: Observed) -> str:
        """An error if the play's max_fail_percentage forbids more deletions, or ""."""
        if not (known.confirmed and observed.exists):
            return ""
        given = self._templar.template(environment.of_play(self._task, "max_fail_percentage"))
        batch = variables.get("ansible_play_batch") or []
        if given in (None, "") or len(variables["ansible_play_hosts_all"]) < 2:
            return ""
        hosts = variables["hostvars"]
        before = [host for host in variables["ansible_play_hosts_all"] if host not in batch]
        failed = {host for host in (*before, *batch) if stops.has_failed(hosts[host])}
        found = neighbours.too_many_failed(batch or [known.connection_key], before, failed, float(given))
        if not found:
            return ""
        return (
            f"Nothing more is deleted: max_fail_percentage is {float(given):g}, and these hosts have failed:"
            f" {', '.join(found)}. Fix the cause and rerun."
        )

    def _left(self, variables: Variables) -> Result:
        if left := texts.left_behind(self.settings, self.observed):
            raise Refused(left, code="objects_left")
        return {"msg": "Nothing visible is left."}

    def _handoff(self, variables: Variables) -> Result:
        return shown(texts.handoff(self.settings, self.observed))

    def _conclude(self, variables: Variables) -> Result:
        checked = self.arguments["checked"] or {"msg": IN_THE_MIDDLE}
        check_mode = self._task.check_mode
        known = self._known(variables, checked)
        stop = stops.find(known, self.observed, checked, check_mode=check_mode)
        if known is None:
            lines = printable(texts.stopped(None, self.observed, stop)) if stop else []
            asked = self.rendered(variables, [f"{settings.PREFIX}report_dir"]).values()
            lines += kept.said(None, NO_KEY_NO_REPORT if any(asked) and not check_mode else "")
            return {"lines": lines, "result": {}, "fatal": _fatal(stop)}
        concluded, lines = self._ended(known, stop)
        if (unwritten := self._report(variables, known, concluded, stop)) and not stop:
            stop = stops.Stop(stops.REPORT, {"msg": unwritten}, shown=False)
            concluded, lines = self._ended(known, stop)
        # A report that was not written is nobody's, or somebody else's.
        written = concluded["report"] = concluded["report"] if "sha256" in (concluded["report"] or {}) else None
        return {
            "lines": [*lines, *printable(kept.said(written, unwritten))],
            "result": concluded,
            "fatal": _fatal(stop),
            **({"warnings": [unwritten]} if unwritten else {}),
            **(
                {} if known.plan_only else _left({playbooks.OUTCOME: {known.connection_key: concluded}}, aggregate=True)
            ),
        }

    def _known(self, variables: Variables, checked: Result) -> Settings | None:
        """The settings that the first stage read, even if it refused them; None if they can't be read."""
        if "settings" in checked:
            return Settings(**checked["settings"])
        with contextlib.suppress(Refused):
            return self._read(variables, settings.options()) if "started" in checked else None
        return None

    def _ended(self, known: Settings, stop: stops.Stop | None) -> tuple[Result, list[str]]:
        """The result, and the lines that say what came of the run."""
        concluded = outcome.result(known, self.observed, check_mode=self._task.check_mode)
        history = known.report.history()
        earlier = chapters.of_this_removal(history, self.observed)
        last = None if self.observed.looked or self.observed.exists else looks.last_after(earlier)
        concluded["objects"] = last or looks.remembered(concluded["objects"], earlier)
        failure = stop.failure if stop else None
        missing = unreported.earlier(self.observed, earlier, failure) if known.report_dir else None
        run = {"number": len(history) + 1, "unreported": missing, "script": concluded["script"]}
        told = printable(unreported.sentences([run]))
        if stop is None:
            return concluded, [*printable(texts.report(concluded)), *told]
        lines = [*printable(texts.stopped(known, self.observed, stop)), *told]
        return {**concluded, "status": "failed", "failed_task": stop.task, "error": "\n".join(lines)}, lines

    def _report(self, variables: Variables, known: Settings, concluded: Result, stop: stops.Stop | None) -> str:
        """Add this run to the report, if one is asked for; what has prevented that, or ""."""
        if not os.path.isabs(known.report_dir) or self._task.check_mode:
            return ""
        ended = Ended(known, self.observed, concluded, self.arguments["checked"]["started"], _utc.now_zulu(), stop)
        here = origin.origin(variables, os.environ)
        digest, unwritten = known.report.add(
            self.observed.tenant, lambda history: claims.run(ended, here, history), page.render
        )
        if digest:
            concluded["report"]["sha256"] = digest
        return unwritten

    def _results(self, variables: Variables) -> list[playbooks.HostResult]:
        """The results of the hosts of the play.

        :raises Refused: no host has done anything, and none has failed
        """
        if forged := names.forged(load_extra_vars(self._loader)):
            raise Refused(*forged)
        found = list(playbooks.results(variables, self._templar.template))
        failed = set(variables["ansible_play_hosts_all"]) - set(variables.get("ansible_play_hosts", ()))
        if not failed and not any(result for _host, _key, result in found):
            raise Refused(NOTHING_DONE)
        return found

    def _planned(self, variables: Variables) -> Result:
        plans = [approval.planned(key, result) for _host, key, result in self._results(variables)]
        document = approval.document(plans, _utc.now_zulu())
        ordered = [approval.Planned(**connection) for connection in document["connections"]]
        self._write({playbooks.PLAN: approval.without_templates(document)})
        return {
            "lines": printable(texts.planned(ordered, document["digest"])),
            **_left({playbooks.PLAN: document}, aggregate=False),
        }

    def _finished(self, variables: Variables) -> Result:
        ended = self._results(variables)
        known = {result["connection_key"]: result for _host, _key, result in ended if result}
        self._write({playbooks.OUTCOME: known})
        return {"lines": printable(texts.finished((key or host, result) for host, key, result in ended))}

    @property
    def _output(self) -> str:
        """The file to write at the end, or ""."""
        given = self.arguments["output"]
        # The plan's own playbook is in check mode, and writes no outcome.
        check_mode = self._task.check_mode and self._kind != playbooks.PLAN
        return playbooks.output_path(given, check_mode=check_mode) if given else ""

    @property
    def _kind(self) -> str:
        """The kind of content of that file."""
        planned = self.arguments["stage"] == "planned" or self.arguments["plan_only"]
        return playbooks.PLAN if planned else playbooks.OUTCOME

    def _write(self, content: t.Mapping[str, t.Any]) -> None:
        """Write a JSON file on the controller, if one is asked for."""
        if not self._output:
            return
        try:
            if mistake := playbooks.must_stay(self._output, self._kind):
                raise Refused(mistake)
            playbooks.write(self._output, content)
        except OSError as error:
            raise Refused(
                f"The file {self._output} of immuta_deregister_output can't be written: {error.strerror}."
            ) from None


def _left(data: Result, *, aggregate: bool) -> Result:
    """Data for the next job of a workflow, as C(set_stats) passes it."""
    return {"ansible_stats": {"data": data, "per_host": False, "aggregate": aggregate}}


def _fatal(stop: stops.Stop | None) -> str:
    """The message of a stop that no failed task shows, or ""."""
    return stop.message if stop and not stop.shown else ""
