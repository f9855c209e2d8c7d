# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error of everything that roles and playbooks refuse."""

from __future__ import annotations

import typing as t


class Refused(Exception):
    """What is asked for can't be done.

    :ivar lines: for the user; what is in a line can't make another one
    :ivar code: for programs, if there is one
    """

    def __init__(self, *lines: str, code: str | None = None) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.code = code


def require_clear(found: t.Sequence[str], foreign: str, code: str) -> None:
    """Refuse what something stands against, or a report that is of another tenant.

    :param found: what stands against it
    :param foreign: what is wrong with the report, or ""
    :param code: of what was found
    :raises Refused: there is any of both
    """
    if found or foreign:
        raise Refused(*found, *filter(None, [foreign]), code=code if found else "configuration")
