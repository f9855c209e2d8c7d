# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of the role C(register_connection), one per call. The rules are in C(_registration)."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _utc
from ansible_collections.community.immuta.plugins.plugin_utils import _variables
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import names
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import settings as removal_settings
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import REPORT, Stop
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import kept, origin
from ansible_collections.community.immuta.plugins.plugin_utils._one_of_many import OneOfMany
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused, require_clear
from ansible_collections.community.immuta.plugins.plugin_utils._registration import (
    claims,
    decisions,
    outcome,
    page,
    settings,
    stops,
    taken_back,
    taking_back,
    texts,
    whose,
    words,
)
from ansible_collections.community.immuta.plugins.plugin_utils._registration.ended import Ended
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
# What the report of a removal that takes a registration back has from this role, or else from the other one.
OF_REMOVALS = ("report_dir", "reason", "approver")
# What says how the clean-up script is run: its executor, and the platform's host, the first that is set.
EXECUTOR = f"{names.PREFIX}executor"
PLATFORM_HOSTS = (f"{settings.PREFIX}platform_host", f"{names.PREFIX}platform_host")
NOTHING_DONE = "Nothing was checked, planned, or registered: --tags or --start-at-task skipped the role. Run the playbook without them."


class Way(t.NamedTuple):
    """A run that registers, or that takes a registration back.

    :ivar observed: the results so far
    :ivar find: finds the task at which the run stopped
    :ivar ended: makes the result of the role, and the lines that are printed
    :ivar run: makes the run of the report
    """

    observed: t.Any
    find: t.Callable[..., Stop | None]
    ended: t.Callable[..., tuple[Result, list[str]]]
    run: t.Callable[..., claims.Registered]


class ActionModule(OneOfMany):
    """Dispatches to the stage. Nothing here talks to Immuta or to a platform."""

    STAGES = ("check", "undo", "whose", "undone", "decide", "plan", "handoff", "conclude", "finished")
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
        started = _utc.now_zulu()
        options = settings.options()
        if strange := [
            *names.unknown(variables, {*options, RESULT}, settings.PREFIX),
            *names.lost_words(variables.get(names.LOST_WORDS), self.extra_arguments),
        ]:
            raise Refused(*strange)
        known = self._read(variables, options)
        if found := self.clashes(variables, options, settings.PREFIX, ".setup.sql"):
            raise Refused(*found)
        if known.state == "undone":
            known = self._of_removal(variables, known)
        if wrong := list(known.report.mistake(page.render)):
            raise Refused(*wrong)
        return {"started": started, "settings": vars(known)}

    def _of_removal(self, variables: Variables, known: Settings) -> Settings:
        """The settings, with what is set for removals where nothing is set for registrations.

        :raises Refused: what is set for removals can't be used
        """
        options = removal_settings.options()
        theirs = self.own(variables, options)
        _variables.validated(theirs, options, names.PREFIX)
        given = {name: getattr(known, name) or theirs.get(f"{names.PREFIX}{name}") or "" for name in OF_REMOVALS}
        return Settings(**{**vars(known), **given})

    def _read(self, variables: Variables, options: t.Mapping[str, t.Any]) -> Settings:
        return settings.read(self.own(variables, options), options, host=variables["inventory_hostname"])

    def _decide(self, variables: Variables) -> Result:
        known, observed = self.settings, self.observed
        found = decisions.obstacles(known, observed)
        require_clear(found, known.report.foreign(observed.tenant), decisions.code(known, observed))
        doubts = decisions.doubts(known, observed)
        return {
            "decision": vars(decisions.decide(known, observed, check_mode=self._task.check_mode)),
            **({"warnings": doubts} if doubts else {}),
        }

    @property
    def _taking_back(self) -> taking_back.Observed:
        return taking_back.Observed(**self.arguments["observed"])

    def _undo(self, variables: Variables) -> Result:
        known, seen = self.settings, self._taking_back
        found = seen.found["connections"], seen.integrations["integrations"], seen.former, seen.tenant
        if wrong := decisions.allowed(known, *found) or list(filter(None, [known.report.foreign(seen.tenant)])):
            raise Refused(*wrong, code="refused")
        setup = outcome.saved_at(seen.former.get("setup_scripts"), known.script_path)
        given = self.rendered(variables, (EXECUTOR, *PLATFORM_HOSTS))
        # Without this answer nothing is confirmed.
        return {
            "confirm": known.confirm,
            "words": words.OTHERS,
            "look": whose.look(known, setup),
            # Where the role has not run the set-up script, it does not run the clean-up script.
            "executor": (given.get(EXECUTOR) or "") if known.executor in PLATFORMS else "handoff",
            "platform_host": next(filter(None, map(given.get, PLATFORM_HOSTS)), ""),
            # What was not there is not this registration's, whatever is there later.
            "set_up": setup.get("sha256") or "none",
        }

    def _whose(self, variables: Variables) -> Result:
        known, seen = self.settings, self._taking_back
        setup = outcome.saved_at(seen.former.get("setup_scripts"), known.script_path)
        undo = outcome.saved_at(seen.former.get("scripts"), known.undo_path)
        if wrong := whose.refused(known, setup, seen.tried):
            raise Refused(*wrong, code="refused")
        return {
            **shown(whose.plan(known, setup, undo, seen.tried)),
            "created": whose.created(known, setup, seen.tried, registered=whose.registered(seen.existed, undo)),
        }

    def _plan(self, variables: Variables) -> Result:
        if wrong := decisions.undone(self.settings, self.observed):
            raise Refused(*wrong, code="objects_not_made")
        observed = self.observed
        plan = texts.plan(self.settings, observed, check_mode=self._task.check_mode)
        decision = observed.decided.get("decision") or {}
        # Nothing but what was shown is edited.
        due = decision.get("register", False) and bool(observed.edits or not observed.exists)
        return {
            **shown(plan),
            "register": due,
            "digest": (observed.compared.get("plan") or {}).get("digest", ""),
            "remove_script": decisions.removes_script(self.settings, observed),
        }

    def _handoff(self, variables: Variables) -> Result:
        return shown(texts.handoff(self.settings, self.observed))

    def _conclude(self, variables: Variables) -> Result:
        return self._ended(variables, Way(self.observed, stops.find, texts.ended, claims.run))

    def _undone(self, variables: Variables) -> Result:
        return self._ended(variables, Way(self._taking_back, taking_back.find, taking_back.ended, taken_back.run))

    def _ended(self, variables: Variables, way: Way) -> Result:
        checked, check_mode = self.arguments["checked"] or {"msg": IN_THE_MIDDLE}, self._task.check_mode
        known = Settings(**checked["settings"]) if "settings" in checked else None
        stop = way.find(known, way.observed, checked, check_mode=check_mode)
        result, lines = way.ended(known, way.observed, stop, check_mode=check_mode)
        unwritten = ""
        if known and result["report"]:
            digest, unwritten = self._report(variables, known, way, result, stop)
            if unwritten and not stop:
                stop = Stop(REPORT, {"msg": unwritten}, shown=False)
                result, lines = way.ended(known, way.observed, stop, check_mode=check_mode)
            result["report"] = {**result["report"], "sha256": digest} if digest else None
        return {
            "lines": printable([*lines, *kept.said(result.get("report"), unwritten)]),
            "result": result,
            "fatal": _fatal(stop),
            **({"warnings": [unwritten]} if unwritten else {}),
        }

    def _report(
        self, variables: Variables, known: Settings, way: Way, result: Result, stop: Stop | None
    ) -> tuple[str, str]:
        """Add this run to the report; its digest, and what has prevented it."""
        started, here = self.arguments["checked"]["started"], origin.origin(variables, os.environ)
        end = Ended(known, way.observed, result, started, _utc.now_zulu(), stop)
        return known.report.add(way.observed.tenant, lambda history: way.run(end, here, history), page.render)

    def _finished(self, variables: Variables) -> Result:
        failed = set(variables["ansible_play_hosts_all"]) - set(variables.get("ansible_play_hosts", ()))
        hosts = [variables["hostvars"][host] for host in variables["ansible_play_hosts_all"]]
        if not failed and not any(host.get(name) for host in hosts for name in RESULTS):
            raise Refused(NOTHING_DONE)
        return {}


def _fatal(stop: Stop | None) -> str:
    """The message of a stop that no failed task shows, or ""."""
    return stop.message if stop and not stop.shown else ""
