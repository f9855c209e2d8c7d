# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of the role C(register_connection), one per call. The rules are in C(_registration)."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import names
from ansible_collections.community.immuta.plugins.plugin_utils._one_of_many import OneOfMany
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused
from ansible_collections.community.immuta.plugins.plugin_utils._registration import (
    decisions,
    outcome,
    settings,
    stops,
    texts,
)
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import Settings
from ansible_collections.community.immuta.plugins.plugin_utils._stages import (
    IN_THE_MIDDLE,
    Result,
    Variables,
    printable,
    shown,
)

RESULT = f"{settings.PREFIX}result"
# Of a registration, or of the removal that takes one back.
RESULTS = (RESULT, f"{names.PREFIX}result")
NOTHING_DONE = "Nothing was checked, planned, or registered: --tags or --start-at-task skipped the role. Run the playbook without them."


class ActionModule(OneOfMany):
    """Dispatches to the stage. Nothing here talks to Immuta or to a platform."""

    STAGES = ("check", "undo", "decide", "plan", "handoff", "conclude", "finished")
    OPTIONS: t.ClassVar = {"checked": {"type": "dict", "default": {}}, "observed": {"type": "dict", "default": {}}}

    @property
    def observed(self) -> Observed:
        """The modules' results so far."""
        return Observed(**self.arguments["observed"])

    @property
    def settings(self) -> Settings:
        """The settings that the first stage read.

        :raises Refused: it has not run, or has refused what it read
        """
        checked = self.arguments["checked"]
        if "settings" not in checked:
            raise Refused(checked.get("msg", IN_THE_MIDDLE))
        return Settings(**checked["settings"])

    def _check(self, variables: Variables) -> Result:
        options = settings.options()
        if strange := [
            *names.unknown(variables, {*options, RESULT}, settings.PREFIX),
            *names.lost_words(variables.get(names.LOST_WORDS), settings.PREFIX),
        ]:
            raise Refused(*strange)
        read = self._read(variables, options)
        if found := self.clashes(variables, options, settings.PREFIX, ".setup.sql"):
            raise Refused(*found)
        return {"settings": vars(read)}

    def _read(self, variables: Variables, options: t.Mapping[str, t.Any]) -> Settings:
        return settings.read(self.rendered(variables, options), options, host=variables["inventory_hostname"])

    def _decide(self, variables: Variables) -> Result:
        if found := decisions.obstacles(self.settings, self.observed):
            raise Refused(*found)
        return {"decision": vars(decisions.decide(self.settings, self.observed, check_mode=self._task.check_mode))}

    def _undo(self, variables: Variables) -> Result:
        found = self.arguments["observed"]
        if wrong := decisions.others(self.settings, found["connections"], found["integrations"]):
            raise Refused(*wrong)
        return {}

    def _plan(self, variables: Variables) -> Result:
        if wrong := decisions.undone(self.settings, self.observed):
            raise Refused(*wrong)
        return shown(texts.plan(self.settings, self.observed, check_mode=self._task.check_mode))

    def _handoff(self, variables: Variables) -> Result:
        return shown(texts.handoff(self.settings, self.observed))

    def _conclude(self, variables: Variables) -> Result:
        checked, observed, check_mode = (
            self.arguments["checked"] or {"msg": IN_THE_MIDDLE},
            self.observed,
            self._task.check_mode,
        )
        known = Settings(**checked["settings"]) if "settings" in checked else None
        stop = stops.find(known, observed, checked, check_mode=check_mode)
        result = outcome.result(known, observed, check_mode=check_mode) if known else {}
        if stop is None:
            return {"lines": printable(texts.report(result)), "result": result, "fatal": ""}
        lines = printable(texts.stopped(known, observed, stop))
        if known:
            result.update(status="failed", failed_task=stop.task, error="\n".join(lines))
        return {"lines": lines, "result": result, "fatal": "" if stop.shown else stop.message}

    def _finished(self, variables: Variables) -> Result:
        failed = set(variables["ansible_play_hosts_all"]) - set(variables.get("ansible_play_hosts", ()))
        hosts = [variables["hostvars"][host] for host in variables["ansible_play_hosts_all"]]
        if not failed and not any(host.get(name) for host in hosts for name in RESULTS):
            raise Refused(NOTHING_DONE)
        return {}
