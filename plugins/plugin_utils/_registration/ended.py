# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run at its end, as the report sees it."""

from __future__ import annotations

import dataclasses

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import Stop
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Answer, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import Settings


@dataclasses.dataclass(frozen=True)
class Ended:
    """A run at its end.

    :ivar result: C(immuta_register_result)
    :ivar started: in UTC. So is C(ended).
    :ivar stop: where it has stopped; None when it came to its end
    """

    settings: Settings
    observed: Observed
    result: Answer
    started: str
    ended: str
    stop: Stop | None = None

    @property
    def status(self) -> str:
        """The role's status."""
        return str(self.result["status"])

    @property
    def recorded(self) -> bool:
        """Whether this run has recorded that a person has run the script."""
        return "timing" in self.observed.recorded and not self.observed.recorded.get("failed")
