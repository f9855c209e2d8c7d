# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is supported is told in several places, and tried by the sessions of the noxfile: they agree."""

from __future__ import annotations

import ast
import re
import shlex
import types
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/docsite/rst/guide_install.rst").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
TREE = ast.parse((ROOT / "noxfile.py").read_text("utf-8"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="this is a copy without the hosted workflows")


def noxfile() -> dict[str, t.Any]:
    """The tables of the noxfile; of each Python, all those that it may be."""
    wanted = ("Target", "OLDEST", "NEWEST", "MATRIX", "OLDEST_HTTP", "OLDEST_WITH_CLIENTS")
    nodes = [
        one
        for one in TREE.body
        if (isinstance(one, ast.ClassDef) and one.name in wanted)
        or (isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) in wanted)
    ]
    names: dict[str, t.Any] = {"t": t, "pythons": types.SimpleNamespace(first=lambda *versions: set(versions))}
    exec(compile(ast.Module(nodes, []), "noxfile.py", "exec"), names)
    return {name: names[name] for name in wanted}


def sessions() -> set[str]:
    """The names of all sessions; one with parameters has several."""
    found: set[str] = set()
    for node in TREE.body:
        if isinstance(node, ast.FunctionDef) and any("nox.session" in ast.unparse(one) for one in node.decorator_list):
            found |= {f"matrix({core})" for core in noxfile()["MATRIX"]} if node.name == "matrix" else {node.name}
    return found


def table(label: str) -> list[list[str]]:
    """The rows of the guide's table below a label, without its header, in plain text."""
    section = GUIDE.partition(f".guide_install.{label}:\n")[2].partition(":header-rows: 1\n")[2]
    # The first one is the header.
    rows = section.lstrip("\n").partition("\n\n")[0].split("   * - ")[2:]
    assert rows
    return [[cell.replace("``", "").strip() for cell in row.split("\n     - ")] for row in rows]


def minimums(text: str) -> dict[str, str]:
    """The lower bounds in a list of requirements."""
    found = re.findall(r"^([a-z0-9-]+)(?:>=([\d.]+))?$", text, re.MULTILINE)
    return {name: bound or "any" for name, bound in found}


REQUIREMENTS = minimums((ROOT / "meta/ee-requirements.txt").read_text("utf-8"))


def test_the_guide_has_the_lower_bounds_of_the_requirements() -> None:
    assert {name: bound for name, bound, _why in table("packages")} == REQUIREMENTS
    assert len(REQUIREMENTS) == 5


def test_the_readme_has_them_too() -> None:
    text = re.sub(r"\s+", " ", README.partition("\n## Requirements\n")[2].partition("\n## ")[0])
    for name, bound in REQUIREMENTS.items():
        assert re.search(rf"`{name}`" + ("" if bound == "any" else rf" {re.escape(bound)} or newer"), text), name
    pinned = dict(re.findall(r"'([a-z-]+)>=([\d.]+)'", README))
    assert pinned == {name: REQUIREMENTS[name] for name in pinned}
    assert len(pinned) == 3


def test_the_unit_tests_of_ansible_test_have_the_same() -> None:
    theirs = minimums((ROOT / "tests/unit/requirements.txt").read_text("utf-8"))
    for name in set(theirs) & set(REQUIREMENTS) - {"requests"}:
        assert theirs[name] == REQUIREMENTS[name]


def test_the_lower_bounds_are_tried() -> None:
    tables = noxfile()
    http = dict(one.split("==") for one in tables["OLDEST_HTTP"])
    for name in ("requests", "urllib3"):
        assert http[name] == REQUIREMENTS[name]
    clients = tables["OLDEST"].clients
    for name in ("snowflake-connector-python", "databricks-sql-connector"):
        # Below the next version that could be meant, so that it is the old one that is installed.
        assert re.search(rf"^{name}>={re.escape(REQUIREMENTS[name])},<", "\n".join(clients), re.MULTILINE)
    body = next(one for one in TREE.body if isinstance(one, ast.FunctionDef) and one.name == "units_oldest")
    assert {"OLDEST_HTTP", "OLDEST_WITH_CLIENTS", "OLDEST"} <= {
        one.id for one in ast.walk(body) if isinstance(one, ast.Name)
    }


def test_the_guide_has_every_ansible_core_that_is_tested() -> None:
    tables = noxfile()
    assert {core: set(versions.split(", ")) for core, versions, *_clients in table("tested")} == tables["MATRIX"]
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text("utf-8"))
    oldest = min(tables["MATRIX"], key=lambda core: [int(one) for one in core.split(".")])
    assert runtime["requires_ansible"] == f">={oldest}.0"
    assert tables["OLDEST"].core == f"ansible-core~={oldest}.0"
    assert f"ansible-core {oldest} or newer" in README


def test_the_guide_has_the_clients_that_are_tested() -> None:
    words = {
        "snowflake-connector-python>=4.5,<5": "4.5 and newer, before 5",
        "snowflake-connector-python>=5": "5 and newer",
        "databricks-sql-connector>=4.1,<4.2": "4.1",
        "databricks-sql-connector>=4.2": "4.2 and newer",
    }
    tables = noxfile()
    for core, _versions, *told in table("tested"):
        clients = tables["NEWEST" if core == list(tables["MATRIX"])[-1] else "OLDEST"].clients
        assert told == [words[one] for one in clients[:2]], core


# The hosted workflows


def steps() -> list[tuple[dict[str, t.Any], str]]:
    """Each command of the workflows, with its job."""
    return [
        (job, step["run"])
        for file in WORKFLOWS
        for job in yaml.safe_load(file.read_text("utf-8"))["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]


def spelt_out(command: str, job: dict[str, t.Any]) -> list[str]:
    """A command with every value of the job's matrix in its place."""
    found = [command]
    for name, values in job.get("strategy", {}).get("matrix", {}).items():
        place = f"${{{{ matrix.{name} }}}}"
        found = [one.replace(place, value) for one in found for value in values]
    return found


def run_there() -> dict[str, set[str]]:
    """The sessions that are run, each with the parts that are asked for."""
    found: dict[str, set[str]] = {}
    for job, command in steps():
        for one in spelt_out(command, job):
            words = shlex.split(one)
            if words[0] == "nox":
                assert words[1] == "-s", one
                found.setdefault(words[2], set()).update(words[4:])
    return found


def test_the_commands_of_the_workflows_are_sessions() -> None:
    assert set(run_there()) <= sessions()
    for _job, command in steps():
        assert command.startswith("nox -s ") or command == "python -m pip install nox uv"


def test_the_workflows_check_every_ansible_core() -> None:
    for core in [*(f"matrix({core})" for core in noxfile()["MATRIX"]), "devel"]:
        assert run_there()[core] == {"sanity", "units", "integration"}, core


def test_the_workflows_run_what_plain_nox_runs() -> None:
    quick = next(
        one
        for one in TREE.body
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "nox.options.sessions"
    )
    # Sanity is among the checks of every ansible-core.
    assert set(ast.literal_eval(quick.value)) - {"sanity_newest"} <= set(run_there())


def test_the_workflows_have_every_python() -> None:
    wanted = set().union(*noxfile()["MATRIX"].values())
    for file in WORKFLOWS:
        assert set(yaml.safe_load(file.read_text("utf-8"))["env"]["PYTHONS"].split()) == wanted
