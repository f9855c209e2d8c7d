# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's own words: for the options that messages of modules name, and for the variables of the role that takes a registration back."""

from __future__ import annotations

import re

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import dropped
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import PREFIX

# The options that the role's tasks give to modules, and the variable of each without its prefix.
OPTIONS = {
    **{
        name: name
        for name in (
            *("connection_key", "confirm", "snowflake", "databricks", "connection", "native_integration", "settings"),
            *("options", "update_secrets", "wait_timeout", "existing_objects", "on_unknown", "verify"),
        )
    },
    "path": "script_path",
    "expected_hosts": "platform_host",
    "pause_after": "progress_interval",
}
# Other words of a sentence may be spelt like the rest.
CLEAR = [name for name in OPTIONS if "_" in name]
ANY = "|".join(OPTIONS)
NAMED = re.compile(rf"\b({'|'.join(CLEAR)})\b|\b(?:[Oo]ptions?|[Ss]et) ({ANY})\b|(?<![\w.])({ANY})(?=[.=]\w)")
# What the role deregister_connection says, and what is right where it takes a registration back: the variables that are given to it, and
# what it says of a connection that may never have been there.
OTHERS = {
    # A plan leaves nothing on the disk. This comes first, since it names a variable.
    dropped.SAVE_IT: f"With {PREFIX}confirm, it is looked for before anything is deleted.",
    **{
        f"immuta_deregister_{name}": f"{PREFIX}{name}"
        for name in (
            *("connection_key", "confirm", "script_path", "script_dir", "script_host", "script_durable"),
            *("report_dir", "reason", "approver", "executor", "platform_host"),
        )
    },
    "immuta_deregister_accept_regenerated": f"{PREFIX}confirm",
    "immuta_deregister_integration_config": f"{PREFIX}snowflake or {PREFIX}databricks",
    "REGENERATED it from the integration's known configuration": "rendered it from the description",
    "the connection is gone": "the connection does not exist",
    "already gone": "it does not exist",
}


def variables(message: str) -> str:
    """The variables of the role for the options that a module's message names, as a sentence, or ""."""
    found = dict.fromkeys(next(filter(None, one.groups())) for one in NAMED.finditer(message))
    said = [f"{name} is {PREFIX}{OPTIONS[name]}" for name in found]
    return f"In this role, the option {', '.join(said)}." if said else ""
