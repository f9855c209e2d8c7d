# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no run of a report tells, though the journal and Immuta show it: an earlier run was killed, or had no report to write."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import texts
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import of_connection
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.summary import span

Seen = t.Mapping[str, t.Any]
NOT_SENT = ("not_run", "handed_over")


def earlier(observed: Observed, runs: t.Sequence[Seen]) -> dict[str, t.Any] | None:
    """What was done before this run that no run of its report tells; None if there is nothing.

    :param runs: of this removal, before this one
    """
    progress = observed.progress
    told = {
        (row["index"], row.get("query_id"))
        for run in runs
        for row in run.get("statements") or ()
        if row["status"] not in NOT_SENT
    }
    missing = [row for row in progress.get("answers") or () if (row["index"], row.get("query_id")) not in told]
    deleted = observed.has_script and observed.gone and not observed.exists and not any(map(_tells_of_it, runs))
    if observed.exists or not (missing or deleted):
        return None
    times = sorted(row[name] for row in missing for name in ("started", "ended") if row.get(name))
    sessions = [one["session"] for one in progress.get("runs") or () if one.get("session")]
    return {
        "statements": [row["index"] for row in missing],
        "total": progress.get("total"),
        "started": times[0] if times else None,
        "ended": times[-1] if times else None,
        "session": sessions[-1] if missing and sessions else None,
        "deletion": deleted,
    }


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
    found = []
    for run in runs:
        about = run.get("unreported") or {}
        if about.get("statements"):
            when = f" ({span(about['started'], about['ended'])})" if about.get("started") else ""
            who = f" Its session: {texts.said(about['session'])}." if about.get("session") else ""
            found.append(
                f"An earlier run ended without a report. By the journal beside the script, it ran"
                f" {len(about['statements'])} of {about['total']} statements{when}.{who}"
            )
        if about.get("deletion"):
            found.append(
                f"No run in this report has deleted the connection: it was not there when run {run['number']} started. An"
                " earlier run deleted it and ended without a report, or it was deleted by other means."
            )
    return list(dict.fromkeys(found))


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
