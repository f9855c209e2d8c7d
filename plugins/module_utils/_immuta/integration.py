# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Integrations: Immuta's own resources on a data platform. They have numeric ids, and clean-up scripts come from them."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import fields
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import NotFound, UnexpectedReply
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    GET_INTEGRATION,
    LIST_INTEGRATIONS,
    Operation,
)

# Listed, but not in use: "force disabled, no cleanup was performed", or deleted.
GONE_STATUSES = frozenset({"deleted", "disabled"})
# About to change: worth waiting for.
MOVING_STATUSES = frozenset({"creating", "editing", "deleting", "migrating"})
# On its way out, for example after the deletion of its connection.
ENDING_STATUSES = frozenset({"deleting", "deleteError"})


@dataclasses.dataclass(frozen=True)
class Integration:
    """The fields of an integration that this collection needs. Credentials in the API's answer are dropped."""

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
    # What it created on the platform, as far as its configuration names it: see made_by.
    made: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def in_use(self) -> bool:
        """Return whether Immuta still governs something through it."""
        return self.status not in GONE_STATUSES

    @property
    def may_have_no_script(self) -> bool:
        """Return whether Immuta may refuse to render its script although all is well with the request."""
        return self.status in GONE_STATUSES | {"createError"}

    def as_dict(self) -> dict[str, t.Any]:
        """Return the fields for a module's result."""
        fields = {**dataclasses.asdict(self), "in_use": self.in_use}
        del fields["made"]
        return fields


def to_id(value: t.Any, field: str, operation: Operation) -> int:
    """Return the id of an integration.

    :param field: its name in the API
    :param operation: the call that was answered
    :raises UnexpectedReply: it is neither a JSON integer nor a string of ASCII digits
    """
    number = fields.to_number(value)
    if number is None:
        raise UnexpectedReply(
            f"In Immuta's answer to {operation.method} {operation.path} the field {field} is {fields.shown(value)}, which is not"
            " the id of an integration.",
            hint="It is not known which integration is meant. Check it in Immuta, or ask Immuta's support.",
            method=operation.method,
            path=operation.path,
        )
    return number


def from_api(item: t.Any, operation: Operation) -> Integration:
    """Return the integration in the API's JSON.

    :param operation: the call that was answered
    :raises UnexpectedReply: it is something else
    """
    if not isinstance(item, dict):
        raise UnexpectedReply(
            "Immuta answered with something other than an integration.", method=operation.method, path=operation.path
        )
    config = item.get("config")
    config = config if isinstance(config, dict) else {}

    def about(name: str) -> str | None:
        return fields.text(config.get(name), f"config.{name}", operation)

    return Integration(
        id=to_id(item.get("id"), "id", operation),
        type=fields.text(item.get("type"), "type", operation) or "",
        status=fields.text(item.get("status"), "status", operation) or "",
        auto_bootstrap=fields.flag(item.get("autoBootstrap"), "autoBootstrap", operation),
        host=fields.host(about("host") or about("workspaceUrl")),
        port=fields.to_number(config.get("port")),
        database=about("database"),
        warehouse=about("warehouse"),
        catalog=about("catalog"),
        http_path=about("httpPath"),
        made=made(config),
    )


def made(config: dict[str, t.Any]) -> dict[str, str]:
    """Return the names in a configuration of what the integration created, or uses as its own; no credential."""
    inner = {name: config.get(name) for name in ("impersonation", "oAuthClientConfig")}
    parts = {name: value if isinstance(value, dict) else {} for name, value in inner.items()}
    found = {
        "database": config.get("database"),
        "catalog": config.get("catalog"),
        "role": config.get("role"),
        "user": config.get("username"),
        "impersonation_role": parts["impersonation"].get("role"),
        "principal": parts["oAuthClientConfig"].get("clientId"),
    }
    return {name: value for name, value in found.items() if isinstance(value, str) and value}


def get(client: Client, integration_id: int) -> Integration | None:
    """Return an integration, or None when it is neither found nor listed.

    :raises ImmutaError: its existence is unknown
    """
    try:
        reply = client.call(GET_INTEGRATION, integration_id=integration_id)
    except NotFound:
        return next((listed for listed in list_all(client) if listed.id == integration_id), None)
    found = from_api(parse_json(reply, GET_INTEGRATION), GET_INTEGRATION)
    if found.id != integration_id:
        raise UnexpectedReply(
            f"Immuta was asked for the integration {integration_id}, but answered with {found.id}.",
            method=GET_INTEGRATION.method,
            path=GET_INTEGRATION.path,
        )
    return found


def list_all(client: Client) -> list[Integration]:
    """Return all integrations of the tenant, ordered by id.

    :raises UnexpectedReply: the answer is not a list
    """
    items = client.call_json(LIST_INTEGRATIONS)
    if not isinstance(items, list):
        raise UnexpectedReply(
            "Immuta answered GET /integrations with something other than a list.",
            method=LIST_INTEGRATIONS.method,
            path=LIST_INTEGRATIONS.path,
        )
    return sorted((from_api(item, LIST_INTEGRATIONS) for item in items), key=lambda found: found.id)


def select(
    integrations: t.Iterable[Integration],
    *,
    kind: str | None = None,
    host: str | None = None,
    statuses: t.Collection[str] = (),
) -> list[Integration]:
    """Filter by type and host, both without regard to case, and by statuses; an unset filter lets everything pass."""
    return [
        found
        for found in integrations
        if (not kind or found.type.lower() == kind.lower())
        and (not host or (found.host or "").lower() == host.lower())
        and (not statuses or found.status in statuses)
    ]
