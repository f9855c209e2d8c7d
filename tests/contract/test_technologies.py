# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide's table of technologies and the one that the code goes by say the same."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils._immuta.technologies import TECHNOLOGIES

GUIDE = Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_deregister.rst"


def documented() -> list[list[str]]:
    """The cells of the guide's table without its header, in plain text."""
    section = GUIDE.read_text("utf-8").partition("Which technologies\n----")[2].partition("\nWhat may be left is")[0]
    rows = section.split("\n   * - ")[2:]
    return [re.sub(r"\n {7,}", " ", row).replace("``", "").strip().split("\n     - ") for row in rows]


def test_the_guide_has_every_technology() -> None:
    assert [(name, title, script) for name, title, script, _does, _left in documented()] == [
        (one.name, one.title, one.script) for one in TECHNOLOGIES
    ]


def test_the_guide_names_what_may_be_left() -> None:
    assert [left.lower() for *_rest, left in documented()] == [
        f"{one.left}.".lower() if one.left else "nothing: the script removes it." for one in TECHNOLOGIES
    ]


def test_the_guide_says_what_the_role_does() -> None:
    words = {"yes": "the script run", "no": "there is no script", "unknown": "immuta_deregister_without_script"}
    assert all(words[script] in does for _name, _title, script, does, _left in documented())


def test_there_are_twelve() -> None:
    assert len({one.name for one in TECHNOLOGIES}) == 12
