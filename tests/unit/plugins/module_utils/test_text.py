# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others have written can't begin a line, hide, or reach the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.community.immuta.plugins.module_utils._text import alike, mixed, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prod snowflake", "prod snowflake"),
        ("Zürich: Größe, 日本, Ελλάδα, 😀, a\\b", "Zürich: Größe, 日本, Ελλάδα, 😀, a\\b"),
        ("a\n2. Delete: done", "a\\n2. Delete: done"),
        ("a\r\n\tb\x0b\x0c\x85", "a\\r\\n\\tb\\x0b\\x0c\\x85"),
        ("\x1b[31mred\x1b[0m\x9b2J\x07\x7f\x00", "\\x1b[31mred\\x1b[0m\\x9b2J\\x07\\x7f\\x00"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("\u202eevil\u2066x\u061c\u200f", "\\u202eevil\\u2066x\\u061c\\u200f"),
        (
            "pr\u200bod\ufeff\u2060\xad\u034f\u3164\ufe0f\u2800",
            "pr\\u200bod\\ufeff\\u2060\\xad\\u034f\\u3164\\ufe0f\\u2800",
        ),
        ("a\xa0b\u2003c", "a\\xa0b\\u2003c"),
        ("\U000e0041\U000e0101\ue000\ud800", "\\U000e0041\\U000e0101\\ue000\\ud800"),
        (None, "None"),
        (5, "5"),
        (["a\nb"], "['a\\nb']"),
    ],
)
def test_printable(text: object, expected: str) -> None:
    assert printable(text) == expected


@given(st.text())
def test_it_is_one_line_that_can_be_seen(text: str) -> None:
    found = printable(text)
    assert len(f"x{found}x".splitlines()) == 1
    assert not {unicodedata.category(sign) for sign in found} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert printable(found) == found


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("caf\u00e9 prod", True),
        ("CAFE\u0301 prod", True),
        (" caf\u00e9\u00a0 prod", True),
        ("caf\u00e9\u200b pr\u3164od", True),
        ("cafe prod", False),
        ("caf\u00e9prod", False),
    ],
)
def test_names_that_people_can_not_tell(other: str, same: bool) -> None:
    assert alike("caf\u00e9 prod", other) is same


@pytest.mark.parametrize(
    ("key", "scripts"),
    [
        ("prod snowflake", ""),
        ("prod sn\u043ewflake", "Cyrillic and Latin"),
        ("\u0391pple", "Greek and Latin"),
        ("\u0441\u043a\u043b\u0430\u0434 1", ""),
        ("prod \u6771\u4eac", ""),
        ("Z\u00fcrich", ""),
    ],
)
def test_keys_with_letters_that_look_alike(key: str, scripts: str) -> None:
    found = mixed(key)
    assert bool(found) is bool(scripts)
    assert not scripts or (scripts in found and f"The key {key!a} mixes" in found)
