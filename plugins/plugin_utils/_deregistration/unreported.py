# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no run of a report tells, though the journal and Immuta show it: an earlier run was killed, or had no report to write."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import texts
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import unreported
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import of_connection

Seen = t.Mapping[str, t.Any]
ACT = "deletion"
NOT_THERE = "No run in this report has deleted the connection: it was not there when run {} started."
DELETED = "An earlier run deleted it and ended without a report, or it was deleted by other means."
# For an integration that Immuta does not know, a script is rendered also when nothing was registered.
PERHAPS_NEVER_THERE = (
    "An earlier run deleted it and ended without a report, it was deleted by other means, or it was never registered."
)


def earlier(observed: Observed, runs: t.Sequence[Seen], failure: Seen | None) -> dict[str, t.Any] | None:
    """What was done before this run that no run of its report tells; None if there is nothing.

    :param runs: of this removal, before this one
    :param failure: the result of the task that failed; None when all went well
    """
    deleted = observed.has_script and observed.gone and not observed.exists and not any(map(_tells_of_it, runs))
    deleted = deleted and not observed.created.get("never_registered")
    return None if observed.exists else unreported.earlier(observed.progress, runs, ACT, failure, acted=deleted)


def _tells_of_it(run: Seen) -> bool:
    """Whether a run has deleted the connection, or has told that none has."""
    # Reports of the first versions say nothing of Immuta.
    if (run.get("unreported") or {}).get("deletion") or run.get("immuta") is None:
        return True
    return any((row["before"], row["after"]) == ("there", "gone") for row in of_connection(run))


def sentences(runs: t.Sequence[Seen]) -> list[str]:
    """What the page says of it.

    :param runs: of one removal
    """
    return unreported.sentences(runs, texts.said, ACT, _deleted)


def _deleted(run: Seen) -> str:
    rendered = (run.get("script") or {}).get("source") == "regenerated"
    return f"{NOT_THERE.format(run['number'])} {PERHAPS_NEVER_THERE if rendered else DELETED}"


def with_deletion(rows: t.Iterable[Seen], runs: t.Iterable[Seen]) -> list[Seen]:
    """Immuta's state before and after, with a connection that was there when its script was saved, although no run tells.

    :param runs: of one removal
    """
    # Only of a connection that is there Immuta renders the script itself.
    saved = any(
        (run.get("unreported") or {}).get("deletion") and (run.get("script") or {}).get("source") != "regenerated"
        for run in runs
    )
    return [
        {**row, "before": "there", "after": "gone"}
        if saved and row["kind"] == "connection" and row["before"] == row["after"] == "not there"
        else row
        for row in rows
    ]
