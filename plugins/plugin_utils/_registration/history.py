# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runs of a report that are about one registration: a connection may be removed and registered again."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import marked
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import of_connection
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.summary import newest

Seen = t.Mapping[str, t.Any]
# The statuses of a run that has taken a registration back, or has found that another one has.
UNDONE = ("undone", "already_undone")


def current(runs: t.Sequence[Seen]) -> list[Seen]:
    """The runs of the registration that the last one is about."""
    return [run for run in runs if _chapter(run) == _chapter(runs[-1])] if runs else []


def of_this_registration(history: t.Sequence[Seen], run: Seen, *, starts_over: bool) -> list[Seen]:
    """The runs before this one that are about the same registration.

    :param history: all runs of the report
    :param run: what this one knows of the connection: C(immuta) and its place
    :param starts_over: whether nothing has run for it, by the journal of its script or by the platform
    """
    last = current(history)
    return [] if last and _is_another(last, run, starts_over=starts_over) else last


def of_this_undoing(history: t.Sequence[Seen], run: Seen) -> list[Seen]:
    """The runs before one that takes a registration back that are about the same registration.

    :param history: all runs of the report
    :param run: what this one knows of the connection: C(immuta) and its place
    """
    last = current(history)
    # What such a run finds is what one before it has left.
    started = any(one.get("removal") for one in last)
    return last if started else of_this_registration(history, run, starts_over=False)


def is_undone(runs: t.Iterable[Seen]) -> bool:
    """Whether a registration was taken back to the end.

    :param runs: of one registration
    """
    return any(run["status"] in UNDONE for run in runs)


def number(history: t.Sequence[Seen], mine: t.Sequence[Seen]) -> int:
    """The chapter of a run, from 1.

    :param mine: the runs before it that are about the same registration
    """
    return _chapter(history[-1]) + (not mine) if history else 1


def _chapter(run: Seen) -> int:
    return int(run.get("chapter", 1))


def _is_another(last: t.Sequence[Seen], run: Seen, *, starts_over: bool) -> bool:
    """Whether a connection was removed since, or is in another place, or its set-up was taken back."""
    if any(one.get("removal") for one in last):
        # One that is still being taken back goes on.
        return is_undone(last) or starts_over
    was_there = any("there" in (row.get("before"), row.get("after")) for one in last for row in of_connection(one))
    if was_there and any(row["before"] == "not there" for row in of_connection(run)):
        return True
    if starts_over and any(row["status"] in (*marked.RUN, "stated") for one in last for row in one["statements"]):
        return True
    known, number_ = newest(last, "integration_id"), run["integration_id"]
    if None not in (known, number_) and known != number_:
        return True
    technology = newest(last, "technology")
    if technology and run["technology"] and technology.lower() != run["technology"].lower():
        return True
    before, now = next(filter(None, map(_hosts, reversed(last))), set()), _hosts(run)
    return bool(before and now) and not before & now


def _hosts(run: Seen) -> set[str]:
    """Where the connection is, as it was described."""
    host = (run.get("integration_config") or {}).get("host")
    return {str(one).lower() for one in ([host] if host else run.get("platform_hosts") or ())}


def remembered(
    objects: t.Sequence[Seen] | None, history: t.Sequence[Seen], progress: Seen, *, started: bool
) -> list[Seen] | None:
    """The objects, as they were before the first statement, if an earlier run has sent that.

    :param history: the runs of this registration
    :param progress: the content of the journal, which has what a run has seen that wrote no report
    :param started: whether the script had begun before this run
    """
    if objects is None or not started:
        return None if objects is None else list(objects)
    first: Seen = next((run for run in history if _has_run(run)), progress.get("before") or {})
    known = {(row["kind"], row["name"]): row for row in first.get("objects") or ()}
    return [
        {**row, **{name: one.get(name) for name in ("present", "how", "query_id")}}
        if (one := known.get((row["kind"], row["name"])))
        else row
        for row in objects
    ]


def _has_run(run: Seen) -> bool:
    return any(row["status"] in marked.RUN for row in run.get("statements") or ())
