# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an answer with a part of a list says of the rest. None of it is documented, so all the usual names count."""

from __future__ import annotations

import typing as t

Body = t.Mapping[str, t.Any]

COUNTS = ("count", "total", "totalCount")
CURSOR = "nextToken"
MORE = ("hasMore", "has_more", "hasNext", "hasNextPage", "next", "nextPage")


def about(body: Body) -> dict[str, t.Any]:
    """Return the fields beside the list: those of C(meta), too."""
    return {**(body["meta"] if isinstance(body.get("meta"), dict) else {}), **body}


def number(told: Body) -> int | None:
    """Return how many there are in all, or on this page: servers differ. None if it is not told."""
    counts = [told.get(name) for name in COUNTS]
    return max((one for one in counts if isinstance(one, int) and not isinstance(one, bool)), default=None)


def has_more(told: Body) -> bool:
    """Return whether it says that there is more, other than by a cursor."""
    return any(told.get(name) for name in MORE)


def is_cut(body: t.Any, shown: int) -> bool:
    """Return whether an answer says that there is more than it shows.

    :param shown: how many it shows
    """
    told = about(body) if isinstance(body, dict) else {}
    return bool(told.get(CURSOR)) or has_more(told) or (number(told) or 0) > shown
