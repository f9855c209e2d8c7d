# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Integrations: Immuta's own resources on a data platform. They have a numeric id and are the source of scripts."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import NotFound, UnexpectedReply
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    GET_INTEGRATION,
    LIST_INTEGRATIONS,
    Operation,
)
from ansible_collections.community.immuta.plugins.module_utils._task import Context, Outcome

# Listed, but not in use: "force disabled, no cleanup was performed", or deleted.
GONE_STATUSES = frozenset({"deleted", "disabled"})
# On the way somewhere: worth waiting for.
MOVING_STATUSES = frozenset({"creating", "editing", "deleting", "migrating"})
# On its way out, as after the deletion of its connection.
ENDING_STATUSES = frozenset({"deleting", "deleteError"})


@dataclasses.dataclass(frozen=True)
class Integration:
    """One integration, as far as this collection needs it. Credentials in the API's answer are not kept."""

    id: int
    type: str
    status: str
    auto_bootstrap: bool | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    warehouse: str | None = None
    catalog: str | None = None
    http_path: str | None = None

    @property
    def in_use(self) -> bool:
        """Whether Immuta still governs something through it."""
        return self.status not in GONE_STATUSES

    def as_dict(self) -> dict[str, t.Any]:
        """For a module's result."""
        return {**dataclasses.asdict(self), "in_use": self.in_use}


def to_id(value: t.Any) -> int | None:
    """An integration id as the API writes it (number or string), or None."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def from_api(item: t.Any, operation: Operation) -> Integration:
    """An integration from the API's JSON.

    :raises UnexpectedReply: it is none
    """
    number = to_id(item.get("id")) if isinstance(item, dict) else None
    if number is None:
        raise UnexpectedReply(
            "Immuta's answer holds an integration without a numeric id.", method=operation.method, path=operation.path
        )
    config = item.get("config")
    config = config if isinstance(config, dict) else {}
    return Integration(
        id=number,
        type=str(item.get("type") or ""),
        status=str(item.get("status") or ""),
        auto_bootstrap=item.get("autoBootstrap"),
        host=_host(config.get("host") or config.get("workspaceUrl")),
        port=to_id(config.get("port")),
        database=config.get("database"),
        warehouse=config.get("warehouse"),
        catalog=config.get("catalog"),
        http_path=config.get("httpPath"),
    )


def _host(value: t.Any) -> str | None:
    """A host's name; Databricks configurations hold it as a URL."""
    return str(value).rpartition("://")[2].partition("/")[0] if value else None


def get(client: Client, integration_id: int) -> Integration | None:
    """One integration, or None when it does not exist: when it is neither found nor listed.

    :raises ImmutaError: nothing can be said about it
    """
    try:
        reply = client.call(GET_INTEGRATION, integration_id=integration_id)
    except NotFound:
        return next((one for one in list_all(client) if one.id == integration_id), None)
    found = from_api(parse_json(reply, GET_INTEGRATION), GET_INTEGRATION)
    if found.id != integration_id:
        raise UnexpectedReply(
            f"Immuta answers with the integration {found.id} when asked for {integration_id}.",
            method=GET_INTEGRATION.method,
            path=GET_INTEGRATION.path,
        )
    return found


def list_all(client: Client) -> list[Integration]:
    """All integrations of the tenant, by id.

    :raises UnexpectedReply: the answer is no list
    """
    items = client.call_json(LIST_INTEGRATIONS)
    if not isinstance(items, list):
        raise UnexpectedReply(
            "Immuta's list of integrations is no list.", method=LIST_INTEGRATIONS.method, path=LIST_INTEGRATIONS.path
        )
    return sorted((from_api(item, LIST_INTEGRATIONS) for item in items), key=lambda one: one.id)


def select(
    integrations: t.Iterable[Integration],
    *,
    kind: str | None = None,
    host: str | None = None,
    statuses: t.Collection[str] = (),
) -> list[Integration]:
    """Those of one type, on one host (both without regard to case) and in one of C(statuses); unset means any."""
    return [
        one
        for one in integrations
        if (not kind or one.type.lower() == kind.lower())
        and (not host or (one.host or "").lower() == host.lower())
        and (not statuses or one.status in statuses)
    ]


def info(context: Context) -> Outcome:
    """The work of the module C(immuta_integration_info)."""
    params = context.params
    with options.client(context) as client:
        if params["integration_id"] is not None:
            found = [one for one in [get(client, params["integration_id"])] if one is not None]
        else:
            found = list_all(client)
    chosen = select(found, kind=params["type"], host=params["host"], statuses=params["status"] or ())
    return Outcome(False, {"integrations": [one.as_dict() for one in chosen]})
