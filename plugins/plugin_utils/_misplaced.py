# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in variables that are no place for one: Ansible shows these, and reports keep them."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _redact, _words
from ansible_collections.community.immuta.plugins.module_utils._sql import forms
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

OURS = ("IMMUTA_", "SNOWFLAKE_", "DATABRICKS_")
# Shorter ones are a part of many texts.
SHORTEST = 8


def require_none(given: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> None:
    """Refuse variables that hold a private key, or the value of a secret that the modules read from the environment.

    :param given: the variables; fields with the name of a credential are the place for one
    :raises Refused: one does; its value is not shown
    """
    secrets = {
        value: name
        for name, value in environment.items()
        if name.startswith(OURS) and forms.is_key(name) and len(value) >= SHORTEST and not _words.is_common(value)
    }
    if found := list(_found(given, "", secrets)):
        raise Refused(*found, code="configuration")


def _found(value: t.Any, path: str, secrets: t.Mapping[str, str]) -> t.Iterator[str]:
    if isinstance(value, t.Mapping):
        for name, field in value.items():
            if not forms.is_key(str(name)):
                yield from _found(field, f"{path}.{name}" if path else str(name), secrets)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _found(one, path, secrets)
    elif isinstance(value, str):
        held = "a private key" if _redact.PRIVATE_KEY.search(value) else ""
        held = held or next((f"the value of {name}" for secret, name in secrets.items() if secret in value), "")
        if held:
            yield (
                f"{path} holds {held}, and would be shown in logs and reports. Set it to what it is for. If it was in a log,"
                " change that secret."
            )
