# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chapters of a report: a connection may be registered again under its key, and each of its removals is a chapter."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.looks import ENDED
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import of_connection
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.summary import newest

Seen = t.Mapping[str, t.Any]


def of_this_removal(history: t.Sequence[Seen], observed: Observed) -> list[Seen]:
    """The runs before this one that are about the same removal.

    :param history: all runs of the report
    """
    last = current(history)
    return [] if last and _is_new(last, observed) else last


def number(history: t.Sequence[Seen], observed: Observed) -> int:
    """The chapter of this run, from 1."""
    last = current(history)
    return (_numbers(history) or [1])[-1] + bool(last and _is_new(last, observed))


def current(runs: t.Sequence[Seen]) -> list[Seen]:
    """The runs of the last chapter."""
    numbers = _numbers(runs)
    return [run for run, chapter in zip(runs, numbers, strict=True) if chapter == numbers[-1]]


def _numbers(runs: t.Iterable[Seen]) -> list[int]:
    found: list[int] = []
    chapter: list[Seen] = []
    for run in runs:
        told = run.get("chapter")
        # Reports of earlier versions have no chapters.
        new = told > found[-1] if told and found else _is_another(chapter, run.get("integration_id"), _existed(run))
        if chapter and new:
            chapter = []
        chapter.append(run)
        found.append(found[-1] + new if found else 1)
    return found


def _is_new(last: t.Sequence[Seen], observed: Observed) -> bool:
    script = observed.script
    number = script.get("integration_id")
    return (
        _is_another(last, number, observed.exists)
        or (observed.set_aside and newest(last, "integration_id") != number)
        or (_has_ended(last) and observed.regenerated and observed.to_run and not observed.progress.get("done"))
    )


def _is_another(last: t.Sequence[Seen], number: int | None, existed: bool) -> bool:
    """Whether a run is about another removal than those before: of another integration, or of a connection that is there again."""
    known = newest(last, "integration_id")
    return (None not in (known, number) and known != number) or (existed and _has_ended(last))


def _has_ended(runs: t.Iterable[Seen]) -> bool:
    return any(run.get("status") in ENDED for run in runs)


def _existed(run: Seen) -> bool:
    """Whether the connection was there when a run started."""
    if run.get("immuta") is None:
        # What reports of the first versions tell.
        return run.get("status") not in ENDED
    return any(row["before"] == "there" for row in of_connection(run))
