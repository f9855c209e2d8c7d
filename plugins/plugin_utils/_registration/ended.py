# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run at its end, as the report sees it."""

from __future__ import annotations

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import Stop
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import rows
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import Settings


class Ended(rows.Ended[Settings, Observed, Stop]):
    """A run at its end."""

    @property
    def recorded(self) -> bool:
        """Whether this run has recorded that a person has run the script."""
        return "timing" in self.observed.recorded and not self.observed.recorded.get("failed")
