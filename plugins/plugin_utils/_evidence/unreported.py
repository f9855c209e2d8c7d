# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no run of a report tells, though the journal of the script shows it: an earlier run was killed, or had no report to write."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._evidence.summary import span

Seen = t.Mapping[str, t.Any]
NOT_SENT = ("not_run", "handed_over")


def earlier(progress: Seen, runs: t.Iterable[Seen], act: str, *, acted: bool) -> dict[str, t.Any] | None:
    """What was done before this run that no run of its report tells; None if there is nothing.

    :param progress: the content of the journal
    :param runs: the runs before this one
    :param act: what is done with the connection
    :param acted: whether that was done, and no run tells
    """
    told = {
        (row["index"], row.get("query_id"))
        for run in runs
        for row in run.get("statements") or ()
        if row["status"] not in NOT_SENT
    }
    missing = [row for row in progress.get("answers") or () if (row["index"], row.get("query_id")) not in told]
    if not (missing or acted):
        return None
    times = sorted(row[name] for row in missing for name in ("started", "ended") if row.get(name))
    sessions = [one["session"] for one in progress.get("runs") or () if one.get("session")]
    return {
        "statements": [row["index"] for row in missing],
        "total": progress.get("total"),
        "started": times[0] if times else None,
        "ended": times[-1] if times else None,
        "session": sessions[-1] if missing and sessions else None,
        act: acted,
    }


def sentences(
    runs: t.Iterable[Seen], said: t.Callable[[Seen], str], act: str, words: t.Callable[[int], str]
) -> list[str]:
    """What the page says of it.

    :param runs: those that the report is about
    :param said: a session, in words
    :param act: what is done with the connection
    :param words: the sentence for that, by the number of the run that has found it done
    """
    found = []
    for run in runs:
        about = run.get("unreported") or {}
        if about.get("statements"):
            when = f" ({span(about['started'], about['ended'])})" if about.get("started") else ""
            who = f" Its session: {said(about['session'])}." if about.get("session") else ""
            found.append(
                f"An earlier run ended without a report. By the journal beside the script, it ran"
                f" {len(about['statements'])} of {about['total']} statements{when}.{who}"
            )
        if about.get(act):
            found.append(words(run["number"]))
    return list(dict.fromkeys(found))
