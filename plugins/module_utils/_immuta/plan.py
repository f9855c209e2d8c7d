# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan for a connection: its steps, and the digest with which a person approves it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import Connection

DELETE, REMOVE = "delete_connection", "remove_integration"
REGISTER, ENABLE, EDIT = "register_connection", "enable_objects", "edit_connection"
# What can't be undone: who has lost access, has lost it.
IRREVERSIBLE = frozenset({DELETE, REMOVE, ENABLE})


@dataclasses.dataclass(frozen=True)
class Plan:
    """The steps to take, in order. Nothing else is ever done; C(changed), the diff and the digest come from here.

    :ivar connection: the connection as it is, or None when it does not exist
    :ivar about: what else matters, such as the connection as it is to be; no secrets
    """

    tenant: str
    connection: Connection | None
    steps: tuple[dict[str, t.Any], ...] = ()
    about: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.steps)

    @property
    def irreversible(self) -> bool:
        """Return whether a step can't be undone, so that a person has to confirm the plan."""
        return any(step["action"] in IRREVERSIBLE for step in self.steps)

    @property
    def digest(self) -> str:
        """Return the sha256 of everything that matters, in a canonical form: equal for equal plans."""
        found = self.connection
        subject: dict[str, t.Any] = {
            "tenant": self.tenant,
            "connection": [found.key, found.technology, found.hostname, found.port, found.integration_id]
            if found
            else None,
            "steps": self.steps,
        }
        if self.about:
            subject["about"] = self.about
        return hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()

    def as_dict(self) -> dict[str, t.Any]:
        """Return the fields for a module's result."""
        return {"steps": list(self.steps), "irreversible": self.irreversible, "digest": self.digest}
