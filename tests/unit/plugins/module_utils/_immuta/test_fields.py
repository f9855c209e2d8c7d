# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names as platforms compare them, and what two databases with such names are for each other."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import fields, occupied
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("IMMUTA_A", "immuta_a", True),
        ("IMMUTA_A", '"IMMUTA_A"', True),
        ("IMMUTA_A", '"immuta_a"', False),
        ('"immuta_a"', '"immuta_a"', True),
        ('"a""b"', '"a""B"', False),
        ("immuta", "`IMMUTA`", True),
        ("IMMUTA_A", "IMMUTA_B", False),
        (443, 443, True),
        (None, "IMMUTA", False),
    ],
)
def test_a_name_in_quotes_is_exact(one: t.Any, other: t.Any, same: bool) -> None:
    assert fields.same_name(one, other) is fields.same_name(other, one) is same


@pytest.mark.parametrize(
    ("mine", "theirs", "relation"),
    [
        ("IMMUTA_A", "immuta_a", "same"),
        # Immuta may have left the quotes out: nobody can tell.
        ('"immuta_a"', "IMMUTA_A", "unknown"),
        ("IMMUTA_A", "IMMUTA_B", "apart"),
    ],
)
def test_databases_on_one_host(mine: str, theirs: str, relation: str) -> None:
    one, other = (Configuration("Snowflake", host="h.example", database=name) for name in (mine, theirs))
    place = occupied.Place(one, ("h.example",), exists=False, started=False)
    assert place.relation(other, occupied.NO_RULES) == relation
