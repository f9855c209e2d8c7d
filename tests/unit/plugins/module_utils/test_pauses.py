# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pauses grow, up to the longest."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _pauses


@pytest.mark.parametrize(
    ("arguments", "pauses"),
    [
        ((1.0, 10.0), [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]),
        ((0.5, 20.0), [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]),
        ((1.0, 10.0, 1.5), [1.0, 1.5, 2.25, 3.375, 5.0625, 7.59375, 10.0, 10.0]),
    ],
)
def test_pauses_grow_up_to_the_longest(arguments: tuple[float, ...], pauses: list[float]) -> None:
    assert list(itertools.islice(_pauses.growing(*arguments), len(pauses))) == pauses
