# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection as it is to be: from options to the body of its registration, and how it differs from one that is there.

The credential is given once, and is filled in twice. The host has one name in the connection, and another in the integration.
Source: U(https://documentation.immuta.com/saas/developer-guides/api-intro/connections-api), payloads of the registration.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address, _text
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    configuration,
    credential,
    errors,
    fields,
    payload,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.credential import Credential, Json
from ansible_collections.community.immuta.plugins.module_utils._immuta.neighbours import STRUCTURE
from ansible_collections.community.immuta.plugins.module_utils._immuta.validation import Health

# Immuta's own words in paths.
RESERVED = frozenset("bulk connection crawl data metadata object permission search settings sync upgrade".split())
OPTIONS = ("snowflake", "databricks", "connection", "native_integration", "settings", "options")
SETTINGS = {
    "activate_new_children": "activateNewChildren",
    "data_owners": "dataOwners",
    "infrastructure_admins": "infrastructureAdmins",
}
# What a set-up script can't be without.
SETUP_NEEDS = {"snowflake": ("warehouse", "role", "database"), "databricks": ("http_path", "catalog")}
# Of an integration, what another connection would be needed for; the rest can be edited in Immuta.
PLACE = ("host", "database", "catalog")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A connection as it is to be. Only C(shown) is free of secrets.

    :ivar credential: all fields of the C(connection) object, and the option that gives the credential
    :ivar native: the C(nativeIntegration) object
    """

    key: str
    credential: Credential
    native: Json
    settings: Json
    options: Json

    @property
    def connection(self) -> Json:
        """The C(connection) object."""
        return self.credential.fields

    @property
    def technology(self) -> str:
        """Of the connection, as Immuta calls it."""
        return str(self.connection["technology"])

    @property
    def enables(self) -> bool:
        """Return whether objects are enabled, so that people may get or lose access."""
        return bool(self.settings["isActive"] or self.settings.get("activateNewChildren"))

    @property
    def place(self) -> configuration.Configuration:
        """Where the integration is."""
        config: Json = self.native.get("config") or {}
        texts = {name: value for name, value in config.items() if isinstance(value, str)}
        host = texts.get("host") or self.connection.get("hostname")
        return configuration.Configuration(
            type=str(self.native.get("type") or self.technology),
            host=fields.host(host) if isinstance(host, str) else None,
            database=texts.get("database"),
            catalog=texts.get("catalog"),
        )

    @property
    def body(self) -> Json:
        """The body of the registration."""
        return {
            "connectionKey": self.key,
            "connection": self.connection,
            "settings": self.settings,
            "options": self.options,
            "nativeIntegration": self.native,
        }

    @property
    def shown(self) -> Json:
        """The body without secrets, and without what nobody can tell from one."""
        return t.cast(Json, _shown({name: value for name, value in self.body.items() if name != "connectionKey"}))

    @property
    def approved(self) -> Json:
        """The body for the digest of a plan: without secrets, and with a fingerprint of what nobody can tell from one."""
        return t.cast(Json, _approved(self.body))

    def not_compared(self, health: Health | None) -> list[str]:
        """Return the fields of the integration, besides those to sign in, that Immuta does not tell.

        :param health: the integration of the connection; None when it can't be read
        """
        config: Json = self.native.get("config") or {}
        told: Json = {**health.config, "host": health.integration.host} if health else {}
        about = {name: value for name, value in config.items() if name not in payload.signing(config)}
        return payload.not_compared(told, about, payload.CONFIG)


def _shown(value: t.Any, name: str = "") -> t.Any:
    if isinstance(value, dict):
        kept = {field: _shown(one, field) for field, one in value.items() if not credential.is_secret(field)}
        return {field: one for field, one in kept.items() if one not in (None, {}, [])}
    if isinstance(value, list):
        return [one for one in (_shown(item, name) for item in value) if one is not None]
    return value if credential.shown(name, value) else None


def _approved(value: t.Any, name: str = "") -> t.Any:
    if isinstance(value, dict):
        return {field: _approved(one, field) for field, one in value.items() if not credential.is_secret(field)}
    if isinstance(value, list):
        return [_approved(item, name) for item in value]
    return value if credential.shown(name, value) else payload.fingerprint(value)


def argument_spec() -> dict[str, t.Any]:
    """Return the argument spec of C(OPTIONS). The doc fragments C(credential) and C(registration) document them."""
    people = {"type": "list", "elements": "raw"}
    settings = {
        "is_active": {"type": "bool", "default": False},
        "activate_new_children": {"type": "bool"},
        "data_owners": people,
        "infrastructure_admins": people,
    }
    return {
        **credential.argument_spec(place=True),
        "connection": {"type": "dict", "no_log": True},
        "native_integration": {"type": "dict", "no_log": True},
        "settings": {"type": "dict", "options": settings},
        "options": {"type": "dict", "options": {"force_recursive_crawl": {"type": "bool"}}},
    }


def require_key(key: str | None) -> list[str]:
    """Refuse a key that can't be used, and return what speaks against one that can.

    :raises InvalidOption: it means something in a path
    """
    if not key or not key.strip():
        raise errors.ConfigurationError("The option connection_key is empty.")
    if found := STRUCTURE.search(key):
        raise InvalidOption(
            f"The option connection_key is {key!r}, and {found[0]!r} means something in a path: Immuta could take the key for"
            " that of another object.",
            hint="Choose a key without / \\ % ; ? #.",
        )
    if key.strip().lower() in RESERVED:
        raise InvalidOption(
            f"The option connection_key is {key!r}, which Immuta reserves.",
            hint=f"Choose another one. Reserved are: {', '.join(sorted(RESERVED))}.",
        )
    if "." in key:
        return [
            f"The key {key!r} has a period. Immuta advises against periods in keys, and newer versions may refuse them."
        ]
    return []


def require_new_key(key: str, others: t.Iterable[str]) -> None:
    """Refuse a key for a new connection that people can't tell from another one, or type.

    :param others: the keys of the connections that are there
    :raises InvalidOption: it has something that can't be seen
    :raises Refused: it looks like another one
    """
    if not _text.typable(key):
        raise InvalidOption(
            f"The option connection_key is {key!a}, which has white space at an end, or a character that can't be seen.",
            hint="Choose a key that people can tell from others, and type.",
        )
    if same := next((one for one in others if _text.alike(one, key)), None):
        raise errors.Refused(
            f"There is no connection {key!a}, but there is {same!a}, and people can't tell the two. Nothing was sent.",
            hint="If that one is meant, give its key exactly. Else choose another key.",
            code="ambiguous_key",
        )


def read(params: Json) -> Wanted:
    """Return the connection that the options describe.

    :raises InvalidOption: they don't describe one
    """
    if params["snowflake"] is not None and params["databricks"] is not None:
        raise InvalidOption("The options snowflake and databricks exclude each other.")
    given = credential.read(params)
    raw: Json = params["native_integration"] or {}
    credential.require_fit(raw, "native_integration")
    option = next((name for name in _PLACES if params[name] is not None), None)
    where, config = _PLACES[option](params[option]) if option else ({}, {})
    if twice := next((name for name in where if name in given.fields), None):
        raise InvalidOption(
            f"The field {twice} is given in connection, and {option} makes it, too.", hint="Leave it out of connection."
        )
    whole = payload.complete({**where, **given.fields}, given)
    given = dataclasses.replace(given, fields=whole)
    _require_whole(given)
    native: Json = {}
    if option:
        native = {"type": whole["technology"], "autoBootstrap": False, "config": {**config, **payload.signing(whole)}}
        native.update({"unityCatalog": True} if option == "databricks" else {})
    if not (native or raw):
        raise InvalidOption(
            "The option native_integration is missing.",
            hint="Immuta needs it to register a connection. Only for snowflake and databricks it is made from the other options.",
        )
    settings = _settings(params["settings"] or {})
    recursive = (params["options"] or {}).get("force_recursive_crawl")
    # Below objects that are not enabled, nothing would be found otherwise.
    options = {"forceRecursiveCrawl": not settings["isActive"] if recursive is None else recursive}
    return Wanted(params["connection_key"], given, payload.merged(native, raw), settings, options)


def _settings(given: Json) -> Json:
    named = {api: given[name] for name, api in SETTINGS.items() if given.get(name) is not None}
    return {"isActive": bool(given.get("is_active")), **named}


def _require_whole(given: Credential) -> None:
    whole = given.fields
    if not isinstance(whole.get("technology"), str) or not whole["technology"]:
        raise InvalidOption(
            "The technology of the connection is missing.",
            hint="Set snowflake or databricks, or the field technology in connection.",
        )
    for field, option in (given.method.needed if given.method else {}).items():
        value: t.Any = whole
        for name in field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value in (None, ""):
            raise InvalidOption(
                f"The option {given.option}.{option} is missing. Immuta needs it to register a connection."
            )


_PORT = re.compile(r":\d*$")


def _host(given: Json, option: str) -> str:
    _address.require_no_user_info(given["host"], f"{option}.host", "Give only the host.")
    host = (fields.host(given["host"].strip()) or "").rstrip(".")
    if found := _PORT.search(host):
        raise InvalidOption(
            f"The option {option}.host is {host!r}, which has a port.",
            hint=f"Give only the host there, and the port in {option}.port"
            + (", which is 443 by default." if found[0] == ":443" else "."),
        )
    return host


def _require_told(given: Json, option: str, *names: str) -> None:
    for name in names:
        if not given[name].strip():
            raise InvalidOption(f"The option {option}.{name} is empty.")


def _snowflake(given: Json) -> tuple[Json, Json]:
    """Return what is not a credential of the C(connection) object, and of the C(config) of its integration."""
    _require_told(given, "snowflake", "host", "warehouse", "role", "database")
    host = _host(given, "snowflake")
    shared = {"port": given["port"], "warehouse": given["warehouse"], "role": given["role"]}
    config: Json = {"host": host, **shared, "database": given["database"], **_audit(given)}
    if given["impersonation_role"]:
        config["impersonation"] = {"enabled": True, "role": given["impersonation_role"]}
    return {"technology": "Snowflake", "hostname": host, **shared}, config


def _databricks(given: Json) -> tuple[Json, Json]:
    _require_told(given, "databricks", "host", "http_path", "catalog")
    host, port = _host(given, "databricks"), given["port"]
    config: Json = {"host": host, "port": port, "catalog": given["catalog"], **_audit(given)}
    if given["workspace_ids"]:
        config["workspaceIds"] = given["workspace_ids"]
    if given["excluded_group"]:
        config["groupPattern"] = {"deny": given["excluded_group"]}
    return {"technology": "Databricks", "hostname": host, "port": port, "httpPath": given["http_path"]}, config


def setup_config(params: Json) -> tuple[str, Json]:
    """Return the technology, and what is not a credential of the C(config) with which a set-up script is asked for.

    :returns: nothing where no option says where the integration is to be
    :raises InvalidOption: an option is empty
    """
    option = next((name for name in _PLACES if (params[name] or {}).get("host")), None)
    if option is None:
        return "", {}
    absent = next((name for name in SETUP_NEEDS[option] if not params[option][name]), None)
    if absent:
        raise InvalidOption(f"The option {option}.{absent} is missing. The set-up script needs it.")
    where, config = _PLACES[option](params[option])
    if option == "databricks":
        shared: Json = {name: config[name] for name in ("catalog", "audit", "groupPattern") if name in config}
        config = {"workspaceUrl": f"https://{config['host']}", "httpPath": where["httpPath"], **shared}
    return str(where["technology"]), config


def _audit(given: Json) -> Json:
    return {} if given["audit"] is None else {"audit": {"enabled": given["audit"]}}


_PLACES: dict[str, t.Callable[[Json], tuple[Json, Json]]] = {"snowflake": _snowflake, "databricks": _databricks}


def require_same_integration(wanted: Wanted, health: Health) -> None:
    """Refuse an integration that differs from the wanted one: with the connection, only what both have can be edited.

    :param health: the integration of the connection
    :raises Refused: it differs
    """
    found = health.integration
    told: Json = {**health.config, "host": found.host, "type": found.type}
    config: Json = wanted.native.get("config") or {}
    given = {**payload.signing(config), **dict.fromkeys(payload.SHARED)}
    about = {name: value for name, value in config.items() if name not in given}
    for name, value in _leaves({"type": wanted.native.get("type"), **about}):
        now: t.Any = told
        for part in name.split("."):
            now = now.get(part) if isinstance(now, dict) else None
        leaf = name.rpartition(".")[2]
        if credential.is_secret(name) or None in (value, now) or credential.masked(leaf, now) or _same(value, now):
            continue
        place = name in (*PLACE, "type")
        visible = credential.shown(leaf, value) and credential.shown(leaf, now)
        which = f"the {name} {now!r}, not {value!r}" if visible else f"another {name} than the one given"
        raise errors.Refused(
            f"The integration {found.id} of the connection {wanted.key!r} has {which}. It can't be edited here. Nothing was sent.",
            hint="A connection to another place has to be deregistered and registered."
            if place
            else f"Edit it in the Immuta UI, or correct or leave out the option that gives {name}.",
        )


def _leaves(value: Json, before: str = "") -> t.Iterator[tuple[str, t.Any]]:
    for name, field in value.items():
        if isinstance(field, dict):
            yield from _leaves(field, f"{before}{name}.")
        else:
            yield f"{before}{name}", field


def _same(value: t.Any, now: t.Any) -> bool:
    if isinstance(value, list) and isinstance(now, list):
        return sorted(map(str, value)) == sorted(map(str, now))
    # A number may come as text.
    return fields.same_name(*(one if isinstance(one, (str, bool, list)) else str(one) for one in (value, now)))
