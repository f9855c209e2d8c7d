# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of many connections, its digest, and what approving it by that digest confirms."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t
import urllib.parse

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Planned:
    """What was planned for one connection. JSON types only; the plan is stored and approved in this form.

    :ivar status: of the role's result, or C(failed)
    :ivar plan_digest: of the deletion; None when nothing would be deleted
    :ivar script_sha256: None when there is no script
    :ivar statements: how many statements the script has
    :ivar error: why the connection could not be planned
    """

    connection_key: str
    status: str
    technology: str | None = None
    integration_id: int | None = None
    executor: str | None = None
    plan_digest: str | None = None
    script_sha256: str | None = None
    statements: int = 0
    error: str | None = None


def planned(connection_key: str, result: t.Mapping[str, t.Any]) -> Planned:
    """Summarize the role's result for one connection; an empty one when the role never started."""
    script = result.get("script") or {}
    status = result.get("status", "failed")
    error = result.get("error") or "A variable is wrong, see above."
    return Planned(
        connection_key=connection_key,
        status=status,
        technology=result.get("technology"),
        integration_id=result.get("integration_id"),
        executor=result.get("executor"),
        plan_digest=(result.get("plan") or {}).get("digest"),
        script_sha256=script.get("sha256"),
        statements=len(script.get("statements") or ()),
        error=error if status == "failed" else None,
    )


def document(plans: t.Iterable[Planned]) -> dict[str, t.Any]:
    """The variable C(immuta_deregister_plan): the plans, ordered by key, with their digest."""
    connections = [dataclasses.asdict(plan) for plan in sorted(plans, key=lambda plan: plan.connection_key)]
    return {"format": FORMAT, "digest": digest(connections), "connections": connections}


def digest(connections: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    """sha256 of what matters of a plan: for each connection its key, status, plan digest and script digest.

    It stays as it is for ever: plans that were approved wait in workflows, and None is written as nothing.
    """
    ordered = sorted(connections, key=lambda connection: str(connection.get("connection_key", "")))
    parts = [
        f"{urllib.parse.quote(str(connection.get('connection_key', '')), safe='/')} {connection.get('status') or ''}"
        f" {connection.get('plan_digest') or ''} {connection.get('script_sha256') or ''};"
        for connection in ordered
    ]
    return hashlib.sha256(" ".join(" ".join(parts).split()).encode()).hexdigest()


def find(plan: t.Mapping[str, t.Any], connection_key: str) -> t.Mapping[str, t.Any] | None:
    """What C(plan) holds for one connection."""
    connections: t.Sequence[t.Mapping[str, t.Any]] = plan.get("connections") or ()
    return next((one for one in connections if one.get("connection_key") == connection_key), None)


def without_templates(value: t.Any) -> t.Any:
    """Mark every string with a brace as unsafe: extra variables are templates to Ansible, and keys are other people's."""
    if isinstance(value, str):
        return {"__ansible_unsafe": value} if "{" in value else value
    if isinstance(value, dict):
        return {name: without_templates(field) for name, field in value.items()}
    if isinstance(value, list):
        return [without_templates(item) for item in value]
    return value
