# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules C(snowflake_leftovers_info) and C(databricks_leftovers_info)."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._sql import leftovers
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import LOOKING
from ansible_collections.community.immuta.plugins.module_utils._work.target import Target

# The doc fragment C(leftovers) documents them.
OPTIONS: dict[str, t.Any] = {
    "names": {"type": "list", "elements": "str", "default": []},
    "compare_hosts": {"type": "list", "elements": "str", "default": []},
}


def find(context: Context, target: type[Target]) -> Outcome:
    """Implement a module that looks for what Immuta may have left on a platform."""
    params = context.params
    _address.require_no_user_info(params["compare_hosts"], "compare_hosts", "Name only hosts.")
    platform: t.Any = target({**params, "expected_hosts": None}, LOOKING)
    connection = platform.connect()
    try:
        found = leftovers.find(
            connection, platform, params["names"], params["compare_hosts"], getattr(platform, "principals", None)
        )
    finally:
        connection.close()
    return Outcome(False, {**found, "session": platform.session})
