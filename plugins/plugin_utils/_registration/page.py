# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the report of a registration."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._evidence import page
from ansible_collections.community.immuta.plugins.plugin_utils._registration import summary

WORDING = page.Wording(
    noun="registration",
    script="Set-up script",
    done=("registered", "found_registered", "updated", "undone"),
    again={"already_registered": "registered", "already_undone": "undone"},
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
# Of a run that was to take the registration back.
UNDOES = dataclasses.replace(
    WORDING,
    sentences={
        "undone": "The registration was taken back.",
        "stated": "The registration was taken back. At least a part of that is stated by a person, not verified.",
        "handed_off": "The registration is being taken back. A person has to run the clean-up script first.",
        "unknown": "It is not known whether anything is left of the registration.",
        "failed": "The run stopped before the registration was taken back.",
    },
)


def render(evidence: t.Mapping[str, t.Any]) -> str:
    """Render the page.

    :param evidence: the report, as written to the JSON file
    """
    wording = UNDOES if evidence["runs"][-1].get("undoes") else WORDING
    return page.render(wording, evidence, summary.summary(evidence))
