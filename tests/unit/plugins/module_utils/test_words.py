# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of results are all known, so that no secret takes one away."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.community.immuta.plugins.module_utils import _redact, _words
from ansible_collections.community.immuta.plugins.module_utils._immuta import technologies
from ansible_collections.community.immuta.plugins.module_utils._sql import head, marks

PLUGINS = Path(__file__).parents[4] / "plugins"
WORD = re.compile(r"[A-Za-z_]{8,}")


def codes() -> t.Iterator[str]:
    """Yield the codes of failures."""
    for path in PLUGINS.glob("module_utils/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = isinstance(node, ast.Assign) and any(getattr(one, "id", "") == "code" for one in node.targets)
            if named or (isinstance(node, ast.keyword) and node.arg == "code"):
                yield getattr(node.value, "value", "")


def documented() -> t.Iterator[str]:
    """Yield the values that the documentation of return values names."""
    for path in PLUGINS.glob("modules/*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "RETURN":
                text = str(ast.literal_eval(node.value))
                assert yaml.safe_load(text)
                yield from re.findall(r"\bV\((\w+)\)", text)
                yield from re.findall(
                    r"^\s*(?:code|sample|status|verb|object|state|dialect|technology): (\w+)$", text, re.M
                )


FOUND = {word for word in (*codes(), *documented()) if isinstance(word, str) and WORD.fullmatch(word)}
SQL = {word for kind in (*head._KINDS, *marks._LOOKS, *head._READERS) for word in kind.split() if len(word) >= 8}
TECHNOLOGIES = {name for name in technologies._BY_NAME if len(name) >= 8}


@pytest.mark.parametrize("words", [FOUND, SQL, TECHNOLOGIES], ids=["results", "SQL", "technologies"])
def test_all_words_are_known(words: set[str]) -> None:
    assert len(words) > 4
    assert {word for word in words if not _words.is_common(word)} == set()


def test_words_are_in_lower_case_and_long_enough_to_matter() -> None:
    assert all(word == word.lower() for word in _words.RESULTS)
    assert not _words.is_common("canary-password-77ae20")


def test_a_literal_of_a_script_takes_no_word_from_results() -> None:
    redactor = _redact.Redactor()
    redactor.add(["finished", "not so common"])
    result = {"state": "finished", "text": "not so common, finished"}
    assert redactor.redact_result(result) == {"state": "finished", "text": "********, finished"}
    assert redactor.redact_message("it is finished") == "it is ********"
