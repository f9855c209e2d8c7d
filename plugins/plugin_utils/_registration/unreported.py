# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no run of a report tells, though the journal and Immuta show it: an earlier run was killed, or had no report to write."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.texts import said
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import unreported
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import of_connection
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import Settings

Seen = t.Mapping[str, t.Any]
ACT = "registration"
REGISTERED = (
    "No run in this report has registered the connection: it was there when run {} started. An earlier run registered it and ended"
    " without a report, or it was registered by other means."
)


def earlier(
    settings: Settings, observed: Observed, runs: t.Sequence[Seen], own: t.Iterable[Seen], failure: Seen | None
) -> dict[str, t.Any] | None:
    """What was done before this run that no run of its report tells; None if there is nothing.

    :param runs: all runs of the report
    :param own: those of them that are about this registration
    :param failure: the result of the task that failed; None when all went well
    """
    registered = observed.exists and not any(map(_tells_of_it, own))
    # Of a connection that is there no script is asked for. What a later run would see, this one has told.
    saved = observed.of_existing(settings.script_path) if registered else {}
    progress = saved.get("execution") or ({} if observed.outdated else observed.progress)
    return unreported.earlier(progress, runs, ACT, failure, acted=registered)


def _tells_of_it(run: Seen) -> bool:
    """Whether a run has seen the connection, or may have registered it."""
    rows = [(row["before"], row["after"]) for row in of_connection(run)]
    return any("there" in row or row == ("not there", None) for row in rows)


def sentences(runs: t.Iterable[Seen]) -> list[str]:
    """What the page says of it.

    :param runs: of one registration
    """
    return unreported.sentences(runs, said, ACT, lambda run: REGISTERED.format(run["number"]))
