# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person still has to do when a run has ended."""

from __future__ import annotations

from ansible_collections.community.immuta.plugins.plugin_utils._registration import stops, texts
from ansible_collections.community.immuta.plugins.plugin_utils._registration.ended import Ended


def remaining(ended: Ended) -> list[str]:
    """What a person still has to do."""
    settings, observed = ended.settings, ended.observed
    if ended.stop is not None:
        sentence = "; ".join(texts.ends(settings, observed)[1])
        missing = [f"{sentence[0].upper()}{sentence[1:]}."] if sentence else []
        return [*missing, stops.advice(ended.stop, observed)]
    if ended.status == "handed_off":
        return [
            f"Run the set-up script {settings.script_path} on {settings.keeper}: the whole script, in order, in one session, as an"
            f" administrator of {' and '.join(settings.hosts)}. Its sha256 must be {observed.script['sha256']}.",
            "Then run the role again with immuta_register_script_executed=true, which registers the connection.",
        ]
    if ended.status == "planned":
        return ["Review the plan, then run the role again with immuta_register_confirm set to the connection key."]
    if left := texts.left_over(settings, observed):
        return [left]
    if observed.kept and "timing" not in observed.removed:
        return [
            f"Remove the set-up script {settings.script_path} on {settings.keeper} if nothing needs it any more: it may hold a"
            " password that Immuta made."
        ]
    return []
