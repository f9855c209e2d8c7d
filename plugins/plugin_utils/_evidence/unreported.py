# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no run of a report tells, though the journal of the script shows it: an earlier run was killed, or had no report to write."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _utc
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.summary import span

Seen = t.Mapping[str, t.Any]
NOT_SENT = ("not_run", "handed_over")


def earlier(
    progress: Seen, runs: t.Iterable[Seen], act: str, failure: Seen | None = None, *, acted: bool
) -> dict[str, t.Any] | None:
    """What was done before this run that no run of its report tells; None if there is nothing.

    C(runs) has it by the runs that did it. C(session) is None if there are several of them.

    :param progress: the content of the journal
    :param runs: the runs before this one
    :param act: what is done with the connection
    :param failure: the result of the task at which this run has stopped; None when all went well
    :param acted: whether that was done, and no run tells
    """
    if ((failure or {}).get("failure") or {}).get("code") == "locked":
        # Another run is at work, and may still write its report.
        return None
    told = {
        (row["index"], row.get("query_id"))
        for run in runs
        for row in run.get("statements") or ()
        if row["status"] not in NOT_SENT
    }
    missing = [row for row in progress.get("answers") or () if (row["index"], row.get("query_id")) not in told]
    if not (missing or acted):
        return None
    apart = _by_run(missing, progress.get("runs") or ())
    return {
        **_about(missing, apart[0]["session"] if len(apart) == 1 else None),
        "total": progress.get("total"),
        "runs": apart,
        act: acted,
    }


def _by_run(missing: t.Iterable[Seen], runs: t.Iterable[Seen]) -> list[dict[str, t.Any]]:
    """Tell which run ran what, by the times in the journal, which one run at a time can write.

    What no run can be named for has no session.
    """
    known = [(_utc.zulu(one["started"]), _utc.zulu(one["ended"]), one.get("session")) for one in runs]
    found: dict[int, list[Seen]] = {}
    for row in missing:
        ended = row.get("ended")
        numbers = [number for number, (start, end, _who) in enumerate(known) if ended and start <= ended <= end]
        found.setdefault(numbers[0] if len(numbers) == 1 else len(known), []).append(row)
    sessions = [*(session for _start, _end, session in known), None]
    return [_about(rows, sessions[number]) for number, rows in sorted(found.items())]


def _about(rows: t.Sequence[Seen], session: Seen | None) -> dict[str, t.Any]:
    times = sorted(row[name] for row in rows for name in ("started", "ended") if row.get(name))
    return {
        "statements": [row["index"] for row in rows],
        "started": times[0] if times else None,
        "ended": times[-1] if times else None,
        "session": session or None,
    }


def sentences(
    runs: t.Iterable[Seen], said: t.Callable[[Seen], str], act: str, words: t.Callable[[Seen], str]
) -> list[str]:
    """What the page says of it.

    :param runs: those that the report is about
    :param said: a session, in words
    :param act: what is done with the connection
    :param words: the sentence for that, by the run that has found it done
    """
    found = []
    for run in runs:
        about = run.get("unreported") or {}
        # Reports of the first versions don't tell such runs apart.
        for one in about.get("runs", [about] if about.get("statements") else ()):
            when = f" ({span(one['started'], one['ended'])})" if one.get("started") else ""
            who = f" Its session: {said(one['session'])}." if one.get("session") else ""
            found.append(
                f"An earlier run ended without a report. By the journal beside the script, it ran"
                f" {len(one['statements'])} of {about['total']} statements{when}.{who}"
            )
        if about.get(act):
            found.append(words(run))
    return list(dict.fromkeys(found))
