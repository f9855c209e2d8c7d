# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors with which a run of a script stops."""

from __future__ import annotations

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure


class StatementFailed(Failure):
    """A statement failed; the ones before it have run, the ones after it have not."""

    code = "statement_failed"


class UnknownOutcome(Failure):
    """A statement was sent, and its outcome is unknown."""

    code = "unknown_outcome"


class SessionLost(Failure):
    """The rest of the script needs something of a session that has ended; no statement of the script was sent."""

    code = "session_lost"
