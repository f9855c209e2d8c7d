# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(immuta_integration_info)."""

from __future__ import annotations

from ansible_collections.community.immuta.plugins.module_utils import _address
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._immuta import configuration, integration, options


def info(context: Context) -> Outcome:
    """Implement the module C(immuta_integration_info)."""
    params = context.params
    _address.require_no_user_info(params["host"], "host", "Write only the host.")
    with options.client(params, check_mode=context.check_mode) as client:
        if params["integration_id"] is not None:
            found = integration.get(client, params["integration_id"])
            integrations = [] if found is None else [found]
        else:
            integrations = integration.list_all(client)
    chosen = integration.select(integrations, kind=params["type"], host=params["host"], statuses=params["status"] or ())
    told = [{**found.as_dict(), "integration_config": configuration.of(found).as_dict()} for found in chosen]
    return Outcome(False, {"integrations": told})
