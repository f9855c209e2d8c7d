# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the report of a registration."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._evidence import page
from ansible_collections.community.immuta.plugins.plugin_utils._registration import summary

WORDING = page.Wording(
    noun="registration",
    script="Set-up script",
    done=("registered", "found_registered", "updated"),
    again="already_registered",
    sentences={
        "registered": "The connection is registered in Immuta.",
        "found_registered": "The connection is registered in Immuta. Whether this run or another one registered it is not known.",
        "updated": "The connection was registered, and has been edited.",
        "stated": "The connection is registered in Immuta. At least a part of the set-up on the platform is stated by a person, not"
        " verified.",
        "planned": "Nothing was registered or run.",
        "handed_off": "The connection is not registered. A person has to run its set-up script first.",
        "failed": "The run stopped before the registration was complete.",
    },
)


def render(evidence: t.Mapping[str, t.Any]) -> str:
    """Render the page.

    :param evidence: the report, as written to the JSON file
    """
    return page.render(WORDING, evidence, summary.summary(evidence))
