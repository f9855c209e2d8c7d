# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's variables as they take effect, with their defaults. None of them is a secret: those go from the variables to the modules."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.plugin_utils import _variables
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import mistakes
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS, file_name
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import origin
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.kept import Kept
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import Kind
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

# Of the scripts that are looked for in a folder.
SUFFIX = ".sql"
PREFIX = "immuta_register_"
ROLE = os.path.join(origin.COLLECTION, "roles", "register_connection")
REPORT = Kind("community.immuta.register_connection", f"{PREFIX}report_dir")
# What describes the connection, and may hold secrets.
# Ends the name of a script that takes a registration back.
UNDO = ".undo.sql"
DESCRIPTIONS = ("snowflake", "databricks", "connection", "native_integration")
# What of a description says where the integration is, and whom it signs in as; none of it is a secret.
CONFIGURED = ("host", "port", "warehouse", "role", "database", "impersonation_role", "http_path", "catalog")
SIGN_INS = ("key_pair", "oauth_client_credentials", "password", "oauth_m2m")
WHO = {"user": "username", "principal": "client_id"}
# What is taken as it is given.
AS_GIVEN = (
    "state",
    "script_durable",
    "script_executed",
    "remove_script",
    "existing_objects",
    "drop_existing",
    "update_secrets",
    "on_unknown",
    "verify",
    "wait_timeout",
    "progress_interval",
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """The variables. JSON types only: they travel between tasks.

    :ivar confirm: the connection key, repeated, or ""
    :ivar executor: C(snowflake), C(databricks), C(handoff), or C(none) where there is nothing to run
    :ivar hosts: of the platform, where the script has to be run
    :ivar enables: whether objects are enabled, which changes who can read them
    :ivar integration_config: the place of the integration, and what the script creates there, as far as that is described
    :ivar drop_existing: what may be dropped although this registration has not created it, each as kind and name
    :ivar undo_path: where the script is kept that takes the registration back
    :ivar keeper: the host that keeps the script
    :ivar report_dir: on the controller, or ""
    :ivar reason: why the connection is registered, in a person's words, or ""
    :ivar approver: who approved that, in a person's words, or ""
    :ivar pause_after: seconds after which the executor reports how far it is; None for never
    """

    connection_key: str
    confirm: str
    state: str
    executor: str
    hosts: list[str]
    enables: bool
    script_path: str
    undo_path: str
    script_host: str
    keeper: str
    script_durable: bool
    script_executed: bool
    remove_script: bool
    existing_objects: str
    drop_existing: list[str]
    update_secrets: str
    on_unknown: str
    verify: bool
    wait_timeout: float
    progress_interval: float
    pause_after: float | None
    integration_config: dict[str, t.Any]
    report_dir: str = ""
    reason: str = ""
    approver: str = ""

    @property
    def confirmed(self) -> bool:
        """Whether the connection may be registered."""
        return not self.enables or self.named

    @property
    def named(self) -> bool:
        """Whether the key was repeated."""
        return self.confirm == self.connection_key

    @property
    def report(self) -> Kept:
        """The connection's report; the one of its removal may be in the same folder."""
        return Kept(REPORT, self.report_dir, f"{file_name(self.connection_key)}.registration", self.connection_key)


def undo_path(script_path: str) -> str:
    """Where the script is kept that takes back what a set-up script made."""
    return f"{os.path.splitext(script_path)[0].removesuffix('.setup')}{UNDO}"


def options() -> dict[str, t.Any]:
    """The role's variables, as its argument spec has them."""
    return _variables.options(ROLE)


def read(variables: t.Mapping[str, t.Any], options: t.Mapping[str, t.Any], *, host: str) -> Settings:
    """Read the settings.

    :param variables: the role's variables with their prefix; an empty string counts as not set
    :param options: their argument spec, with the defaults
    :param host: the host that the role runs for
    :raises Refused: a variable is missing or has the wrong type, or variables contradict each other
    """
    value = _variables.validated(variables, options, PREFIX)
    key = value["connection_key"] or ""
    if not key:
        raise Refused(f"{PREFIX}connection_key is missing. Set it to the key that the connection is to have.")
    if (confirm := value["confirm"]) not in (None, "", key):
        # Two that look the same are shown so that people see how they differ.
        said, meant = (ascii(confirm), ascii(key)) if _text.alike(confirm, key) else (f'"{confirm}"', f'"{key}"')
        raise Refused(
            f"{PREFIX}confirm is {said}, but the connection is {meant}. It must match the key of the connection exactly."
        )
    _require_dictionaries(value)
    about = value["settings"] or {}
    path = value["script_path"] or os.path.join(value["script_dir"], f"{file_name(key)}.setup.sql")
    if not path.endswith(SUFFIX):
        raise Refused(
            f"{PREFIX}script_path is {path}. Its name has to end with {SUFFIX}, so that the script and its journal are found again."
        )
    return Settings(
        connection_key=key,
        confirm=value["confirm"] or "",
        **{name: value[name] for name in AS_GIVEN},
        executor=_executor(value),
        hosts=_hosts(value),
        enables=any(about.get(name) for name in ("is_active", "activate_new_children")),
        script_path=path,
        undo_path=undo_path(path),
        script_host=value["script_host"] or "",
        keeper=value["script_host"] or host,
        pause_after=value["progress_interval"] if value["progress_interval"] > 0 else None,
        integration_config=_integration_config(value),
        report_dir=value["report_dir"] or "",
        reason=" ".join(str(value["reason"] or "").split()),
        approver=" ".join(str(value["approver"] or "").split()),
    )


def _require_dictionaries(value: t.Mapping[str, t.Any]) -> None:
    """Refuse a way to sign in that is something else, which may be a secret.

    :raises Refused: naming the variable, without its value
    """
    for platform in PLATFORMS:
        for way in SIGN_INS:
            if not isinstance((value[platform] or {}).get(way) or {}, dict):
                raise Refused(
                    f"{PREFIX}{platform}.{way} is not a dictionary. Write its suboptions, as the module immuta_connection"
                    " documents them."
                )


def _executor(value: t.Mapping[str, t.Any]) -> str:
    """The executor of the set-up script.

    :raises Refused: what is described has none, or is not one connection
    """
    described = [name for name in DESCRIPTIONS if value[name]]
    platforms = [name for name in PLATFORMS if value[name]]
    if not described:
        raise Refused(
            "There is no description of the connection. Set immuta_register_snowflake or immuta_register_databricks."
        )
    if len(platforms) > 1:
        raise Refused("Both immuta_register_databricks and immuta_register_snowflake are set. Remove one of them.")
    chosen: str = value["executor"]
    if chosen == "auto":
        return platforms[0] if platforms else "none"
    if chosen in PLATFORMS and platforms != [chosen]:
        raise Refused(
            f'immuta_register_executor is "{chosen}", but immuta_register_{chosen} is not set. Remove the variable, or'
            " describe the connection there."
        )
    return chosen


def _integration_config(value: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    for platform in PLATFORMS:
        if about := value[platform]:
            ways = [about.get(way) or {} for way in SIGN_INS]
            made = {name: next(filter(None, (way.get(option) for way in ways)), None) for name, option in WHO.items()}
            known = {**{name: about.get(name) for name in CONFIGURED}, **made}
            # As the module sends it.
            known["host"] = str(known["host"] or "").strip().rstrip(".")
            return {"type": platform.capitalize(), **{name: one for name, one in known.items() if one}}
    return {}


def _hosts(value: t.Mapping[str, t.Any]) -> list[str]:
    described = [str(value[name]["host"]) for name in PLATFORMS if (value[name] or {}).get("host")]
    stated = (value["platform_host"] or "").strip()
    if wrong := mistakes.platform_host(f"{PREFIX}platform_host", stated):
        raise Refused(wrong)
    return [*described, *([stated] if stated else [])]
