# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The statements of a run of a script, with the marks of the plan, and how many of them have run."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._evidence import rows

Answer = dict[str, t.Any]
RUN = rows.RUN


def statements(paused: t.Iterable[Answer], ran: Answer, planned: list[Answer]) -> list[Answer]:
    """The statements, with the marks of the plan: only the module that asks Immuta knows what the integration has made.

    :param paused: what the executor returned before each pause: what ran then, ran in this run, too
    :param ran: what it returned last
    """
    mine = {row["index"] for result in paused for row in _rows(result) if row["status"] == "done"}
    known: dict[int, Answer] = {
        row["index"]: {name: row[name] for name in ("marks", "unusual") if name in row} for row in planned
    }
    return [
        {**row, **({"status": "done"} if row["index"] in mine else {}), **known.get(row["index"], {})}
        for row in _rows(ran)
    ]


def counts(rows: t.Iterable[Answer], progress: Answer, planned: list[Answer]) -> tuple[int, int]:
    """How many statements have run, and how many there are; zeros if neither platform nor journal says.

    :param rows: as C(statements) returns them
    :param progress: the journal's content at the start of the run
    """
    if told := [row for row in rows if "status" in row]:
        return sum(row["status"] in RUN for row in told), len(told)
    return progress.get("done") or 0, progress.get("total") or len(planned)


def answered(progress: Answer) -> bool:
    """Whether the journal accounts for every statement. If not, its end was only stated."""
    return (progress.get("done") or 0) + len(progress.get("skipped") or ()) == progress.get("total")


def _rows(result: Answer) -> list[Answer]:
    return result.get("statements") or []
