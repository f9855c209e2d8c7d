# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person still has to do when a run has ended."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import looks, statements, texts, unproven
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.ended import Ended
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.origin import Origin


def remaining(ended: Ended, origin: Origin, objects: t.Sequence[Answer] | None = None) -> list[str]:
    """What a person still has to do.

    :param objects: what the script removes, as the last look of this removal has found it
    """
    unsure = unproven.to_look_at(objects) if ended.status in looks.ENDED else []
    later = statements.for_later(ended.left_out, ended.observed.script.get("statements") or ())
    return [*_by_status(ended, origin), *unsure, *later, *_integration(ended.result["integration"])]


def _by_status(ended: Ended, origin: Origin) -> list[str]:
    settings, observed = ended.settings, ended.observed
    if ended.stop is not None:
        sentence = "; ".join(texts.open_ends(settings, observed))
        return [*([f"{sentence[0].upper()}{sentence[1:]}."] if sentence else []), ended.stop.advice]
    if ended.status == "handed_off":
        return [
            f"The clean-up script {settings.script_path} on {origin.host} is to be run by a person. Its sha256 must be"
            f" {observed.script['sha256']}. {statements.how_to_run(settings, observed.script)}",
            "Then run the role again with immuta_deregister_script_executed=true, to record it.",
        ]
    if ended.status == "unknown":
        return [
            f"Find out whether the platform was cleaned up. {observed.script.get('msg', '')}",
            *(observed.failure.get("by_hand") or ()),
        ]
    if observed.left_on_platform and (ended.status == "completed" or observed.not_dropped):
        return [f"{texts.LEFT} {observed.left_on_platform}."]
    if ended.status == "planned":
        return ["Review the plan, then run the role again with immuta_deregister_confirm set to the connection key."]
    return []


def _integration(left: Answer | None) -> list[str]:
    if not left:
        return []
    advice = (
        "It is in use: delete or disable it there."
        if left["in_use"]
        else "It is out of use. Delete it there if you no longer want it listed."
    )
    return [f"The integration {left['id']} is still listed in Immuta as {left['status']}. {advice}"]
