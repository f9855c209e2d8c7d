# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stages of the playbook C(community.immuta.audit), one per call. The rules are in C(_audit)."""

from __future__ import annotations

import datetime
import hashlib
import os
import typing as t

from ansible.utils.vars import load_extra_vars

from ansible_collections.community.immuta.plugins.module_utils import _files, _utc
from ansible_collections.community.immuta.plugins.plugin_utils import _variables
from ansible_collections.community.immuta.plugins.plugin_utils._audit import draft, removals, report, settings, together
from ansible_collections.community.immuta.plugins.plugin_utils._audit.settings import Settings
from ansible_collections.community.immuta.plugins.plugin_utils._audit.verdicts import Judge, Tenant
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import (
    environment,
    names,
    playbooks,
)
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import settings as role
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused
from ansible_collections.community.immuta.plugins.plugin_utils._stages import Result, Stages, Variables, printable

IN_THE_MIDDLE = (
    "Nothing was checked: --tags or --start-at-task skipped the first tasks of this playbook. Run it without them."
)
FOLDER, KEEPER = f"{names.PREFIX}script_dir", f"{names.PREFIX}script_host"
# What the tasks of a host register, in their order; the last one holds what came of all.
REGISTERED = tuple(
    f"{settings.OWN}{name}"
    for name in ("checked", "scripts", "integrations", "connections", "wanted", "snowflake", "databricks", "concluded")
)


class ActionModule(Stages):
    """Dispatches to the stage. Nothing here talks to Immuta or to a platform."""

    STAGES = ("check", "wanted", "conclude", "report")
    OPTIONS: t.ClassVar = {"checked": {"type": "dict", "default": {}}, "observed": {"type": "dict", "default": {}}}

    @property
    def settings(self) -> Settings:
        """The settings that the first stage read.

        :raises Refused: it has not run
        """
        if "settings" not in self.arguments["checked"]:
            raise Refused(IN_THE_MIDDLE)
        return Settings(**self.arguments["checked"]["settings"])

    @property
    def tenant(self) -> Tenant:
        """The tenant's own lists.

        :raises Refused: it does not answer
        """
        observed = self.arguments["observed"]
        integrations, connections = observed["integrations"], observed["connections"]
        for answer in (integrations, connections):
            if "failure" not in answer and "timing" not in answer:
                raise Refused(str(answer.get("msg") or IN_THE_MIDDLE))
        failure = integrations.get("failure")
        if failure and failure["code"] != "permission":
            raise Refused(integrations["msg"])
        # Whoever may not see everything is told so by a failure; nothing else is believed to be all, either.
        problem = next((one["msg"] for one in (integrations, connections) if "failure" in one), "")
        return Tenant(integrations.get("integrations") or [], connections.get("connections") or [], str(problem))

    def _check(self, variables: Variables) -> Result:
        given = self.rendered(variables, [*settings.OPTIONS, FOLDER, KEEPER, *environment.OPTIONS.values()])
        extra = load_extra_vars(self._loader)
        options = role.options()
        found = [
            *(
                f"Only the playbook may set the variable {name}. Remove it."
                for name in sorted(extra)
                if name in REGISTERED
            ),
            *names.misspelt(variables, options),
            *names.unknown(variables, settings.OPTIONS, settings.PREFIX),
            *names.lost_words(variables.get(names.LOST_WORDS), self.extra_arguments),
        ]
        _variables.require_no_user_info(given, names.PREFIX)
        own = self._own(given)
        known = settings.read(given, environment.ready(own, os.environ), hosts=len(variables["ansible_play_hosts_all"]))
        if known.output:
            found.append(playbooks.output_mistake(known.output, playbooks.AUDIT))
        found.append(settings.draft_mistake(known.draft))
        if found := [sentence for sentence in found if sentence]:
            raise Refused(*found)
        known_url = environment.options("immuta", own["immuta"], os.environ, elsewhere=True).get("url")
        _variables.require_no_user_info({"IMMUTA_URL": known_url}, names.PREFIX)
        return {
            "settings": vars(known),
            "folder": given.get(FOLDER) or options[FOLDER]["default"],
            "folder_is_given": bool(given.get(FOLDER)),
            "keeper": given.get(KEEPER) or variables["inventory_hostname"],
            "url": known_url or "",
        }

    def _own(self, given: Variables) -> dict[str, dict[str, t.Any]]:
        """The options of the modules that the host's variables hold, by group."""
        try:
            return {
                group: environment.options(group, given.get(name), {}, elsewhere=False)
                for group, name in environment.OPTIONS.items()
            }
        except ValueError as error:
            raise Refused(str(error)) from None

    def _wanted(self, variables: Variables) -> Result:
        tenant, known = self.tenant, self.settings
        checked, scripts = self.arguments["checked"], self.arguments["observed"]["scripts"]
        if checked["folder_is_given"] and not scripts["exists"]:
            raise Refused(
                f"The folder {scripts['path']} of {FOLDER} does not exist on {checked['keeper']}, so unfinished removals would"
                " be missed. Correct it, or create the folder if no script was ever saved there."
            )
        return {
            platform: {"names": tenant.names(platform), "hosts": tenant.hosts(platform)} for platform in known.platforms
        }

    def _conclude(self, variables: Variables) -> Result:
        known, tenant, observed = self.settings, self.tenant, self.arguments["observed"]
        now = datetime.datetime.now(datetime.timezone.utc)
        audits = []
        for platform in known.platforms:
            seen = observed[platform]
            judge = Judge(platform, seen, tenant, datetime.timedelta(days=known.idle_days), now)
            kept = {name: seen[name] for name in ("place", "session", "sees_all", "attached", "reads")}
            audits.append({"platform": platform, **kept, "objects": judge.findings(), "time": _utc.now_zulu()})
        checked, saved = self.arguments["checked"], observed["scripts"]
        found = {
            "host": variables["inventory_hostname"],
            "tenant": checked["url"],
            "tenant_problem": tenant.problem,
            "audits": audits,
            "script_folder": {"host": checked["keeper"], "path": saved["path"], "exists": saved["exists"]},
            "removals": removals.unfinished(saved, tenant, checked["url"]),
            "error": None,
        }
        return {"audited": found}

    def _report(self, variables: Variables) -> Result:
        hosts = {host: variables["hostvars"][host] for host in variables["ansible_play_hosts_all"]}
        answers = [one[REGISTERED[0]] for one in hosts.values() if REGISTERED[0] in one]
        good = [one for one in answers if "settings" in one]
        if not good and any(one.get("failed") for one in answers):
            # Their messages have been shown.
            return {"lines": ["Nothing was checked."], "failing": ""}
        # The host that reports may be one whose variables are wrong.
        self.arguments["checked"] = good[0] if good else {}
        known = self.settings
        found = report.document(together.pooled([_of(name, one) for name, one in hosts.items()]), _utc.now_zulu())
        said = self._draft(known.draft, found)
        self._write(known.output, found)
        return {
            "lines": printable(report.lines(found, said)),
            "failing": report.failing(found, known.fail_on),
        }

    def _draft(self, path: str, found: Result) -> str:
        """Write the draft if one is asked for; say what came of it."""
        audits = [one for host in found["hosts"] for one in host["audits"]]
        if not path or not audits:
            return ""
        (audit,) = audits
        text = draft.draft(audit["platform"], audit)
        if not text:
            return "No draft was written: nothing is certain to be left over."
        try:
            _files.create(path, text.encode())
        except FileExistsError:
            raise Refused(settings.draft_mistake(path)) from None
        except OSError as error:
            raise Refused(f"The file {path} of immuta_audit_draft can't be written: {error.strerror}.") from None
        return (
            f"A draft of a script is in {path} (sha256 {hashlib.sha256(text.encode()).hexdigest()}). Read every statement"
            " of it, run it, and audit again."
        )

    def _write(self, path: str, found: Result) -> None:
        """Write the result if it is asked for."""
        if not path:
            return
        try:
            if mistake := playbooks.must_stay(path, playbooks.AUDIT):
                raise Refused(mistake)
            playbooks.write(path, {playbooks.AUDIT: found})
        except OSError as error:
            raise Refused(f"The file {path} of immuta_audit_output can't be written: {error.strerror}.") from None


def _of(host: str, variables: t.Mapping[str, t.Any]) -> Result:
    """The result of a host."""
    answers = [variables[name] for name in REGISTERED if name in variables]
    concluded: t.Any = answers[-1] if answers else {}
    if "audited" in concluded:
        return dict(concluded["audited"])
    failed = [str(one["msg"]) for one in answers if one.get("failed") and one.get("msg")]
    error = failed[-1] if failed else "It was not checked."
    nothing: Result = {"tenant": "", "tenant_problem": "", "audits": [], "script_folder": None, "removals": []}
    return {"host": host, **nothing, "error": error}
