# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the documentation is made from something else is up to date, and no error code lacks its entry."""

from __future__ import annotations

import ast
from xml.etree import ElementTree

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import stops
from ansible_collections.community.immuta.tools import pages

ENTRIES = {code: about for group in pages.groups() for code, about in group["codes"].items()}


def test_every_error_code_has_an_entry_and_every_entry_a_code() -> None:
    assert pages.codes() == set(ENTRIES)
    assert sum(len(group["codes"]) for group in pages.groups()) == len(ENTRIES), "a code is in two groups"


@pytest.mark.parametrize(
    "source",
    [
        "class A(B):\n    code = 'x'",
        "class A(B):\n    code: str = 'x'",
        "raise A('...', code='x')",
        "def f(*, code: str = 'x'): ...",
    ],
)
def test_a_code_is_found_in_every_way_to_write_one(source: str) -> None:
    found = [one.value for node in ast.walk(ast.parse(source)) for one in pages._values(node)]
    assert found == ["x"]


def test_every_entry_says_what_it_means_why_and_what_to_do() -> None:
    for code, about in ENTRIES.items():
        # What the role says is written in one place.
        wanted = {"meaning", "cause"} | (set() if code in stops.ADVICE else {"remedy"})
        assert set(about) == wanted, code
        assert all(text.endswith(".") for text in about.values()), code


def test_the_advice_of_the_role_is_for_codes_that_exist() -> None:
    assert set(stops.ADVICE) <= pages.codes()


@pytest.mark.parametrize("path", pages.made(), ids=lambda path: path.name)
def test_what_is_checked_in_is_what_the_tool_writes(path: pages.Path) -> None:
    assert path.read_text("utf-8") == pages.made()[path], "run: nox -s pages"


def test_there_is_no_picture_without_a_source() -> None:
    assert {path.stem for path in pages.IMAGES.glob("*.svg")} == {path.stem for path in pages.IMAGES.glob("*.txt")}


def test_a_picture_shows_every_event() -> None:
    picture = pages.Picture("title: T\nlanes: A | B\nA -> B: one & two\nB: three\n== four")
    texts = {one.text for one in ElementTree.fromstring(picture.svg()) if one.tag.endswith("text")}
    assert texts == {"A", "B", "one & two", "three", "four"}
