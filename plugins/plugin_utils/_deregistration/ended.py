# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run at its end, as the report sees it."""

from __future__ import annotations

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import outcome
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import Settings
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import Stop
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import rows


class Ended(rows.Ended[Settings, Observed, Stop]):
    """A run at its end."""

    @property
    def failure(self) -> Answer | None:
        """The result of the task that failed; None when all went well."""
        return self.stop.failure if self.stop else None

    @property
    def executor(self) -> str:
        """The executor of the script."""
        return outcome.executor(self.settings, self.observed)

    @property
    def left_out(self) -> dict[int, str]:
        """The reason for each statement that the user left out, by its number."""
        rows = [*(self.observed.progress.get("skipped") or ()), *self.observed.statements]
        return {row["index"]: row["reason"] for row in rows if row.get("reason")}

    @property
    def recorded(self) -> bool:
        """Whether this run has recorded that the script was run by other means."""
        return "timing" in self.observed.recorded and not self.observed.recorded.get("failed")
