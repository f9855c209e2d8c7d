# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a deregistration: the role's variables with defaults applied.

The defaults, types and choices are those of the role's argument spec.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t
import urllib.parse

from ansible_collections.community.immuta.plugins.plugin_utils import _variables
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval, names, task_file
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import origin
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.kept import Kept
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import Kind
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

PREFIX = names.PREFIX
ROLE = os.path.join(origin.COLLECTION, "roles", "deregister_connection")
REPORT = Kind("community.immuta.deregister_connection", f"{PREFIX}report_dir")
# The role's own executors; the name of a platform is also the dialect of the scripts that it runs.
PLATFORMS = ("databricks", "snowflake")

# What is taken as it is given.
AS_GIVEN = (
    "executor",
    "missing_objects",
    "other_session",
    "script_durable",
    "script_in_artifact",
    "script_executed",
    "missing_script",
    "empty_script",
    "without_script",
    "same_place",
    "needed_by_others",
    "progress_interval",
    "wait_timeout",
    "on_unknown",
    "verify",
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """The role's variables as they take effect. JSON types only: they travel between tasks.

    :ivar confirm: the key, if the removal is confirmed by name or by an approved plan; else what was given, or ""
    :ivar approved: digest by which O(plan) was approved, or ""
    :ivar plan_mistake: what is wrong with the plan that was approved, or ""
    :ivar plan_entry: this connection's entry in the approved plan; None without approval
    :ivar expected_sha256: digest that the script must have, or ""
    :ivar expected_plan_digest: digest that the deletion's plan must have, or ""
    :ivar executor: C(auto), C(snowflake), C(databricks), C(handoff), or the path of a task file
    :ivar platform_host: what a person says the platform's host is, or ""
    :ivar missing_objects: C(fail) or C(accept): what to do where none of the script's objects is
    :ivar other_session: C(fail) or C(accept): what to do where the session is not the one of the plan or of the first part
    :ivar script_path: on the host that keeps the script
    :ivar script_host: that host, or "" for the one that the role runs for
    :ivar keeper: that host in any case
    :ivar report_dir: on the controller, or ""
    :ivar pause_after: seconds until a running script pauses to report progress; None for never
    :ivar wait_timeout: seconds
    :ivar on_unknown: what to do with a statement whose outcome is unknown: C(fail) or C(rerun)
    :ivar skip: the statements to leave out, of whatever script: C(statement), C(sha256), C(reason)
    :ivar plan_only: whether nothing counts as confirmed
    :ivar task_file: path and sha256 of the task file that is the executor, or None
    :ivar needed_by_others: C(fail) or C(leave): what to do with the statements that take away what others on the platform need
    :ivar same_place: C(fail) or C(accept): what to do where another integration may be in the place of the script
    :ivar integration_config: what is known of the integration's configuration, for when the script is lost
    :ivar accept_regenerated: the key, if a regenerated script is accepted by name or by an approved plan; else what was given
    :ivar verify: when to look whether what the script drops is gone: C(once), when it has run, C(always), or C(never)
    :ivar reason: why the connection is removed, in a person's words, or ""
    :ivar approver: who approved the removal, in a person's words, or ""
    :ivar was_left: whether the last look of an earlier run has found something of what the script drops after it ran
    :ivar restore: whether an earlier node of the workflow has left the script for this run
    """

    connection_key: str
    confirm: str
    approved: str
    plan_mistake: str
    plan_entry: dict[str, t.Any] | None
    expected_sha256: str
    expected_plan_digest: str
    executor: str
    platform_host: str
    missing_objects: str
    other_session: str
    script_path: str
    script_host: str
    keeper: str
    script_durable: bool
    script_in_artifact: bool
    script_executed: bool
    restore: bool
    report_dir: str
    missing_script: str
    empty_script: str
    without_script: bool
    needed_by_others: str
    same_place: str
    progress_interval: float
    pause_after: float | None
    wait_timeout: float
    on_unknown: str
    skip: list[dict[str, t.Any]]
    reason: str = ""
    approver: str = ""
    integration_config: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    accept_regenerated: str = ""
    verify: str = "once"
    task_file: dict[str, str] | None = None
    plan_only: bool = False
    was_left: bool = False

    @property
    def looks_again(self) -> bool:
        """Whether a script that has run to its end is checked again on the platform."""
        return self.verify == "always" or (self.was_left and self.verify != "never")

    @property
    def confirmed_by(self) -> str | None:
        """How the removal is confirmed: by C(name), or by an approved C(plan)."""
        return None if not self.confirmed else "plan" if self.plan_entry else "name"

    @property
    def approved_digests(self) -> dict[str, str | None]:
        """The digests by which something was approved, for the report."""
        return {
            "plan": self.approved or None,
            "script_sha256": self.expected_sha256 or None,
            "plan_digest": self.expected_plan_digest or None,
        }

    @property
    def approved_script(self) -> str:
        """Digest of the script in the approved plan, or ""."""
        return (self.plan_entry or {}).get("script_sha256") or ""

    @property
    def approved_without_script(self) -> bool:
        """Whether the approved plan deletes the connection and has no script to run."""
        return bool((self.plan_entry or {}).get("plan_digest")) and not self.approved_script

    @property
    def confirmed(self) -> bool:
        """Whether deleting and running are confirmed."""
        return self.confirm == self.connection_key

    @property
    def own_tasks(self) -> bool:
        """Whether the executor is a task file of the user's."""
        return os.path.isabs(self.executor)

    @property
    def file_name(self) -> str:
        """The connection's files are named so, before their suffix."""
        return file_name(self.connection_key)

    @property
    def report(self) -> Kept:
        """The connection's report."""
        return Kept(REPORT, self.report_dir, self.file_name, self.connection_key)

    def as_dict(self) -> dict[str, t.Any]:
        """For the tasks."""
        return dataclasses.asdict(self)


def options() -> dict[str, t.Any]:
    """The role's variables, as its argument spec has them."""
    return _variables.options(ROLE)


def file_name(connection_key: str) -> str:
    """A key as a file name: percent-encoded."""
    return urllib.parse.quote(connection_key, safe="")


def read(
    variables: t.Mapping[str, t.Any], options: t.Mapping[str, t.Any], *, host: str, plan_only: bool = False
) -> Settings:
    """Read the settings.

    :param variables: the role's variables with their prefix; an empty string counts as not set
    :param options: their argument spec, with the defaults
    :param host: the host that the role runs for
    :param plan_only: whether to take nothing for confirmed
    :raises Refused: a variable is missing or has the wrong type
    """
    value = _variables.validated(variables, options, PREFIX)
    key, plan, approved = value["connection_key"] or "", value["plan"] or {}, (value["approved"] or "").strip()
    if not key:
        raise Refused(_no_key(plan, value["approved"]))
    mistake = approval.mistake(plan, approved) if approved else ""
    entry = approval.find(plan, key) if approved and not mistake else None
    return Settings(
        connection_key=key,
        confirm="" if plan_only else key if entry else value["confirm"] or "",
        approved=approved,
        plan_mistake=mistake,
        plan_entry=dict(entry) if entry else None,
        **_pinned(value, entry),
        **{name: value[name] for name in AS_GIVEN},
        platform_host=(value["platform_host"] or "").strip(),
        script_path=value["script_path"] or f"{value['script_dir']}/{file_name(key)}.sql",
        script_host=value["script_host"] or "",
        keeper=value["script_host"] or host,
        restore=value["script_in_artifact"] and bool((value["scripts"] or {}).get(key)),
        report_dir=value["report_dir"] or "",
        pause_after=value["progress_interval"] if value["progress_interval"] > 0 else None,
        skip=value["skip"] or [],
        integration_config=value["integration_config"] or {},
        task_file=task_file.describe(value["executor"]) if os.path.isabs(value["executor"]) else None,
        plan_only=plan_only,
        reason=" ".join(str(value["reason"] or (entry or {}).get("reason") or "").split()),
        approver=" ".join(str(value["approver"] or "").split()),
    )


def _no_key(plan: t.Mapping[str, t.Any], approved: str | None) -> str:
    if plan and not approved:
        return (
            "immuta_deregister_plan is set but not approved. Review it, then set immuta_deregister_approved to its"
            " digest."
        )
    return "immuta_deregister_connection_key is missing. Set it to the key of the connection."


def _pinned(value: t.Mapping[str, t.Any], entry: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """The digests that script and plan must have, and the key if a regenerated script is accepted."""
    accepted = value["accept_regenerated"] or ""
    if entry is None:
        return {
            "accept_regenerated": accepted,
            "expected_sha256": value["expected_sha256"] or "",
            "expected_plan_digest": value["expected_plan_digest"] or "",
        }
    # No digest equals these sentences, so what was not approved is refused.
    return {
        # Who has approved the plan has seen it there.
        "accept_regenerated": value["connection_key"] if entry.get("script_source") == "regenerated" else accepted,
        "expected_sha256": entry.get("script_sha256") or "no script was approved",
        "expected_plan_digest": entry.get("plan_digest") or "no deletion was approved",
    }
