# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Back-off: pauses that grow."""

from __future__ import annotations

import typing as t


def growing(first: float, longest: float, factor: float = 2.0) -> t.Iterator[float]:
    """Yield pauses in seconds without end, each C(factor) times as long as the one before.

    :param first: the first pause
    :param longest: no pause is longer
    """
    pause = first
    while True:
        yield pause
        pause = min(longest, pause * factor)
