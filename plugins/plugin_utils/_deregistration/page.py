# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the report of a removal."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import summary
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import page

WORDING = page.Wording(
    noun="deregistration",
    script="Clean-up script",
    done=("completed",),
    again={"already_done": "completed"},
    sentences={
        "completed": "The connection is not in Immuta, and its clean-up on the platform is finished.",
        "stated": "The connection is not in Immuta. At least a part of the clean-up on the platform is stated by a person, not"
        " verified.",
        "unproven": "The connection is not in Immuta.",
        "planned": "Nothing was deleted or run.",
        "handed_off": "The connection is not in Immuta. A person still has to run its clean-up script.",
        "unknown": "It is not known whether the platform was cleaned up: the connection does not exist, and no script was saved.",
        "failed": "The run stopped before the removal was complete.",
    },
)


def render(evidence: t.Mapping[str, t.Any]) -> str:
    """Render the page.

    :param evidence: the report, as written to the JSON file
    """
    return page.render(WORDING, evidence, summary.summary(evidence), summary.approver)
