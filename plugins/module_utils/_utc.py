# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time of day, as journals and results hold it."""

from __future__ import annotations

import datetime


def now() -> str:
    """Return the time in ISO 8601 with milliseconds, in UTC and with its offset."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def now_zulu() -> str:
    """Return the same with C(Z) for the offset, as in C(timing) and in the report."""
    return zulu(now())


def zulu(time: str) -> str:
    """Return a time in ISO 8601 and UTC with C(Z) for the offset."""
    return time.replace("+00:00", "Z")
