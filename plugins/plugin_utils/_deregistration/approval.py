# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of many connections: what an approver has to see, its digest, and what approving it by that digest pins."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address

FORMAT = 2
# What a plan says of a statement, of an object on the platform, and of a step of the deletion.
STATEMENT = ("index", "line", "verb", "object", "name", "grantee", "privileges", "action", "unusual", "marks")
OBJECT = ("kind", "name", "dropped", "present", "owner", "created_on")
STEP = ("action", "target", "effect")
# Of a session, what says where it is.
WHERE = ("account", "host", "user", "role")
Rows = list[dict[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Planned:
    """What was planned for one connection. JSON types only; the plan is stored and approved in this form.

    :ivar status: of the role's result, or C(failed)
    :ivar tenant: URL of the tenant
    :ivar platform_hosts: where the script would be run
    :ivar task_file: path and sha256 of the user's own task file that runs the script
    :ivar session: what the platform has answered to the sign-in, such as account, user, and role; None without a sign-in
    :ivar reason: why the connection is to be removed, in a person's words
    :ivar plan_digest: of the deletion; None when nothing would be deleted
    :ivar steps: of the deletion
    :ivar script_sha256: None when there is no script
    :ivar statements: of the script, without their text
    :ivar skip: the statements to leave out
    :ivar objects: what the script removes, as it was found on the platform; None if nobody looked
    :ivar error: why the connection could not be planned
    :ivar script_source: C(immuta), C(saved), or C(regenerated); so an approval covers a regenerated one
    :ivar integration_config: what a script that is lost can be regenerated from
    """

    connection_key: str
    status: str
    tenant: str | None = None
    technology: str | None = None
    integration_id: int | None = None
    executor: str | None = None
    task_file: dict[str, str] | None = None
    platform_hosts: list[str] = dataclasses.field(default_factory=list)
    session: dict[str, t.Any] | None = None
    reason: str | None = None
    plan_digest: str | None = None
    steps: Rows = dataclasses.field(default_factory=list)
    script_sha256: str | None = None
    statements: Rows = dataclasses.field(default_factory=list)
    skip: Rows = dataclasses.field(default_factory=list)
    objects: Rows | None = None
    error: str | None = None
    script_source: str | None = None
    integration_config: dict[str, t.Any] | None = None

    @property
    def where(self) -> dict[str, t.Any]:
        """Where the session is."""
        return {name: value for name, value in (self.session or {}).items() if name in WHERE and value}


def planned(connection_key: str, result: t.Mapping[str, t.Any]) -> Planned:
    """Summarize the role's result for one connection; an empty one when the role never started."""
    script = result.get("script") or {}
    plan = result.get("plan") or {}
    status = result.get("status", "failed")
    error = result.get("error") or "The role ended without a result. The error is above."
    objects = result.get("objects")
    return Planned(
        connection_key=connection_key,
        status=status,
        tenant=result.get("tenant"),
        technology=result.get("technology"),
        integration_id=result.get("integration_id"),
        executor=result.get("executor"),
        task_file=dict(result["task_file"]) if result.get("task_file") else None,
        platform_hosts=list(result.get("platform_hosts") or ()),
        session=dict(result["session"]) if result.get("session") else None,
        reason=result.get("reason"),
        plan_digest=plan.get("digest"),
        steps=_rows(plan.get("steps"), STEP),
        script_sha256=script.get("sha256"),
        script_source=script.get("source"),
        integration_config=dict(result["integration_config"]) if result.get("integration_config") else None,
        statements=_rows(script.get("statements"), STATEMENT),
        skip=[dict(one) for one in result.get("skip") or ()],
        objects=None if objects is None else [_timed(row) for row in _rows(objects, OBJECT)],
        error=error if status == "failed" else None,
    )


def _rows(rows: t.Iterable[t.Mapping[str, t.Any]] | None, names: t.Iterable[str]) -> Rows:
    return [{name: _nothing_for_empty(row[name]) for name in names if name in row} for row in rows or ()]


def _timed(row: dict[str, t.Any]) -> dict[str, t.Any]:
    """An object whose time of creation has the form that it also has when YAML has taken it for a time: the digest needs one form."""
    created = row.get("created_on")
    return {**row, "created_on": str(_moment(created))} if created else row


def document(plans: t.Iterable[Planned], time: str) -> dict[str, t.Any]:
    """The variable C(immuta_deregister_plan): the plans, ordered by key, with their digest.

    :param time: of the plan. The digest does not depend on it: a plan that finds the same has the same digest
    """
    connections = [dataclasses.asdict(plan) for plan in sorted(plans, key=lambda plan: plan.connection_key)]
    return {"format": FORMAT, "digest": digest(connections), "planned_at": time, "connections": connections}


def digest(connections: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    """sha256 of all that a plan says, as JSON without white space, with sorted names, and connections ordered by key.

    It stays as it is for ever: plans that were approved wait in workflows. AWX makes nothing of an empty text there.
    """
    ordered = sorted(
        map(_nothing_for_empty, connections), key=lambda connection: str(connection.get("connection_key", ""))
    )
    text = json.dumps([FORMAT, ordered], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _nothing_for_empty(value: t.Any) -> t.Any:
    if isinstance(value, t.Mapping):
        return {name: _nothing_for_empty(field) for name, field in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nothing_for_empty(item) for item in value]
    return None if value == "" else value


def find(plan: t.Mapping[str, t.Any], connection_key: str) -> t.Mapping[str, t.Any] | None:
    """One connection's entry in a plan."""
    return next((one for one in _connections(plan) or () if one.get("connection_key") == connection_key), None)


def _connections(plan: t.Mapping[str, t.Any]) -> list[t.Mapping[str, t.Any]] | None:
    """The connections of a plan; None if it is not a plan."""
    found = plan.get("connections")
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else None


def differences(approved: t.Mapping[str, t.Any], now: Planned, *, exists: bool) -> list[str]:
    """The differences from the approved plan, a sentence each. The modules compare the digests.

    :param approved: the connection's entry in the plan
    :param exists: whether the connection is there, so that nothing has been done
    """
    known: dict[str, tuple[t.Any, t.Any]] = {
        "the tenant": (approved.get("tenant"), now.tenant),
        "the platform's hosts": (approved.get("platform_hosts"), now.platform_hosts),
    }
    # A script that has run in part goes on as it was approved, too.
    if exists or now.executor:
        known["the executor"] = (approved.get("executor"), now.executor)
        known["the task file"] = (_file(approved.get("task_file")), _file(now.task_file))
        # An empty list was approved, too.
        known["the statements to leave out"] = (_skipped(approved.get("skip") or ()), _skipped(now.skip))
    session = approved.get("session") or {}
    known.update({f"the session's {name}": (session.get(name), value) for name, value in now.where.items()})
    found = [
        f"Since the plan was approved, {name} changed from {_said(was)} to {_said(is_now)}. Change it back, or plan"
        " again and approve the new plan."
        for name, (was, is_now) in known.items()
        if was and is_now and _plain(was) != _plain(is_now)
    ]
    return [*found, *(_others_objects(approved, now) if exists else [])]


def _others_objects(approved: t.Mapping[str, t.Any], now: Planned) -> list[str]:
    """What is on the platform in the place of an object that was approved, a sentence each.

    What is gone since is not there to be dropped, and what could not be seen then, or can't be now, says nothing.
    """
    then = {(row["kind"], row["name"]): row for row in approved.get("objects") or ()}
    found = []
    for row in now.objects or ():
        was = then.get((row["kind"], row["name"]))
        if was is None or not row.get("dropped") or not row.get("present"):
            continue
        if was.get("present") is False:
            found.append(f"the {row['kind']} {row['name']} was not there, and is now")
        found += [
            f"the {row['kind']} {row['name']} {then_words} {was[name]}, and {now_words} {row[name]} now"
            for name, then_words, now_words in (
                ("owner", "belonged to", "belongs to"),
                ("created_on", "had been created on", "has been created on"),
            )
            if was.get("present") and was.get(name) and row.get(name) and not _same(was[name], row[name])
        ]
    return [
        f"When the plan was approved, {one}: it may be somebody else's. Find out whose it is, and plan again."
        for one in found
    ]


def _same(one: t.Any, other: t.Any) -> bool:
    """Whether two texts, or two times in whatever zones, are the same."""
    return bool(_moment(one) == _moment(other))


def _moment(value: t.Any) -> t.Any:
    """The time that a text says, or the text. Variables of AWX may come as times: YAML takes an unquoted one for that."""
    text = str(value)
    with contextlib.suppress(ValueError):
        # A date alone is the same text in either form.
        return datetime.datetime.fromisoformat(text) if ":" in text else text
    return text


def _plain(value: t.Any) -> t.Any:
    """Hosts and accounts are written in any case."""
    return _address.normal(value) if isinstance(value, str) else [str(one).lower() for one in value]


def _file(about: t.Mapping[str, str] | None) -> str:
    return f"{about['path']} (sha256 {about['sha256']})" if about else "none"


def _skipped(rows: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    return ", ".join(map(str, sorted(row["statement"] for row in rows))) or "none"


def _said(value: t.Any) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def mistake(plan: t.Mapping[str, t.Any], approved: str) -> str:
    """An error in a plan that was approved by its digest, or ""."""
    if not plan:
        return (
            "immuta_deregister_approved is set, but there is no immuta_deregister_plan. Give the plan that was"
            " approved, for example with -e @plan.json. In a workflow, the first job left no plan: launch the"
            " workflow again."
        )
    connections = _connections(plan)
    if connections is None:
        return "immuta_deregister_plan is not a plan: it has no list of connections. Give the plan that was approved."
    if str(plan.get("format")) != str(FORMAT):
        return (
            f"immuta_deregister_plan has the format {plan.get('format')}, made by another version of this"
            f" collection; this version takes {FORMAT}. Plan again, and approve the new plan."
        )
    keys = [str(one.get("connection_key")) for one in connections]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        return (
            f'immuta_deregister_plan contains the connection "{twice}" more than once, so it is not clear which one is'
            " meant. Plan each tenant in its own run."
        )
    found, given = digest(connections), approved.lower()
    if given == found:
        return ""
    own = (name for name in ("plan_digest", "script_sha256") for one in connections if one.get(name) == given)
    kind = {"plan_digest": "one deletion (plan_digest)", "script_sha256": "one script (script_sha256)"}.get(
        next(own, "")
    )
    hint = f" The given digest is that of {kind}, not of the plan." if kind else ""
    return (
        f'immuta_deregister_approved is "{approved}", but the digest of immuta_deregister_plan is "{found}".{hint} Review'
        " that plan, and approve it if it is right."
    )


def without_templates(value: t.Any) -> t.Any:
    """Mark every string with a brace as unsafe: extra variables are templates to Ansible, and keys are other people's."""
    if isinstance(value, str):
        return {"__ansible_unsafe": value} if "{" in value else value
    if isinstance(value, dict):
        return {name: without_templates(field) for name, field in value.items()}
    if isinstance(value, list):
        return [without_templates(item) for item in value]
    return value
