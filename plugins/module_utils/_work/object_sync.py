# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(immuta_object_sync)."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _options
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, object_sync, options, settings
from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import Connection
from ansible_collections.community.immuta.plugins.module_utils._immuta.neighbours import Neighbours


def run(context: Context) -> Outcome:
    """Implement the module C(immuta_object_sync).

    :raises Refused: there is no such connection; nothing was started
    """
    params = context.params
    key, force = params["connection_key"], params["force_recursive_crawl"]
    if not key:
        raise errors.ConfigurationError("The option connection_key is empty.")
    _options.require_positive(params, "wait_timeout", error=errors.ConfigurationError)
    with options.client(params, check_mode=context.check_mode) as client:
        shown = settings.look(client, key)
        Neighbours(client, Connection(shown.key, shown.technology), "Sync the objects").require_whole()
        result: dict[str, t.Any] = {
            "connection_key": shown.key,
            "technology": shown.technology or None,
            "new_objects_enabled": shown.values.get(settings.ACTIVATE_NEW),
            "object_sync": None,
        }
        if context.check_mode:
            return Outcome(True, result)
        try:
            sync = object_sync.run(client, key, wait_timeout=params["wait_timeout"], wait=params["wait"], force=force)
        except errors.ImmutaError as error:
            if error.result:
                error.result = {**result, **error.result}
            raise
    if params["wait"] and sync.state != object_sync.COMPLETED:
        context.warn(
            "The object sync has started, but Immuta does not tell what becomes of it. Look at the connection in Immuta."
        )
    return Outcome(True, {**result, "object_sync": dataclasses.asdict(sync)})
