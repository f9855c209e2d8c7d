# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of the code in plugins/ is kept: who may import whom, and how long files and functions may be."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[3] / "plugins"
PREFIX = "ansible_collections.community.immuta.plugins."
FILES = {path.relative_to(PLUGINS).with_suffix("").as_posix(): path for path in sorted(PLUGINS.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}
LONGEST_FILE, LONGEST_FUNCTION = 450, 50
WORK, IMMUTA, SQL, ACTION = "module_utils/_work", "module_utils/_immuta", "module_utils/_sql", "action"
CONTEXT, MODULE = "module_utils/_context", "module_utils/_module"
# Files, and what they must not import.
FORBIDDEN = {
    IMMUTA: [SQL, WORK, CONTEXT, MODULE],
    SQL: [IMMUTA, WORK, CONTEXT, MODULE],
    WORK: [MODULE, "modules"],
    "module_utils/_": ["modules", "plugin_utils", ACTION, "inventory"],
    "plugin_utils/_deregistration": [
        WORK,
        MODULE,
        *(f"{IMMUTA}/{name}" for name in ("client", "transport", "sockets")),
    ],
    "plugin_utils/_evidence": ["plugin_utils/_deregistration", "plugin_utils/_registration"],
    "plugin_utils": [WORK, ACTION, "inventory"],
}
# Files below module_utils that know nothing of the libraries above them.
SHARED = [name for name in FILES if name.startswith("module_utils/_") and name.count("/") == 1 and name != MODULE]


def imports_of(name: str) -> set[str]:
    """The files of this collection that a file imports."""
    found: set[str] = set()
    for node in ast.walk(TREES[name]):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{name} has a relative import"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        paths = {one.removeprefix(PREFIX).replace(".", "/") for one in names if one.startswith(PREFIX)}
        found |= paths & FILES.keys()
    return found


IMPORTS = {name: imports_of(name) for name in FILES}


def test_there_are_imports_to_look_at() -> None:
    assert f"{IMMUTA}/client" in IMPORTS[f"{IMMUTA}/removal"]
    assert len(FILES) > 50


@pytest.mark.parametrize("where", FORBIDDEN)
def test_arrows_go_one_way(where: str) -> None:
    wrong = {
        f"{name} -> {other}"
        for name in FILES
        if name.startswith(where)
        for other in IMPORTS[name]
        if any(other == target or other.startswith(f"{target}/") for target in FORBIDDEN[where])
    }
    assert wrong == set()


def test_shared_files_know_no_library() -> None:
    wrong = {f"{name} -> {other}" for name in SHARED for other in IMPORTS[name] if other not in SHARED}
    assert wrong == set()


def test_only_one_file_knows_ansible_module() -> None:
    knowing = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "AnsibleModule" for alias in node.names)
    }
    assert knowing == {MODULE}


def test_there_is_no_circle() -> None:
    graphlib.TopologicalSorter(IMPORTS).prepare()


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_too_long(name: str) -> None:
    assert len(FILES[name].read_text("utf-8").splitlines()) <= LONGEST_FILE
    functions = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.FunctionDef)]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {function: length for function, length in lengths.items() if length > LONGEST_FUNCTION} == {}
