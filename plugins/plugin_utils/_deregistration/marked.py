# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The statements of a run, with the marks of the plan."""

from __future__ import annotations

import typing as t

Answer = dict[str, t.Any]


def marked(ran: list[Answer], planned: list[Answer]) -> list[Answer]:
    """The statements, with the marks of the plan: only the module that asks Immuta knows what the integration has made."""
    known: dict[int, Answer] = {
        row["index"]: {name: row[name] for name in ("marks", "unusual") if name in row} for row in planned
    }
    return [{**row, **known.get(row["index"], {})} for row in ran]
