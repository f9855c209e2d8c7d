# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make demo` and `make test` find on a machine: its Pythons, and where pip takes packages from."""

from __future__ import annotations

import json
import os
import runpy
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[3] / "tools"
pytestmark = pytest.mark.skipif(not TOOLS.is_dir(), reason="this is a copy without the tools")


def tool(name: str) -> dict[str, t.Any]:
    """The functions of a tool."""
    return runpy.run_path(str(TOOLS / f"{name}.py"))


@pytest.mark.parametrize(
    ("config", "given", "found"),
    [
        ("", {}, {}),
        (
            "global.index-url='https://a/simple'",
            {},
            {"PIP_INDEX_URL": "https://a/simple", "UV_DEFAULT_INDEX": "https://a/simple"},
        ),
        # The environment goes before a file, and install before global.
        (
            ":env:.index-url='https://c/'\nglobal.index-url='https://a/'\ninstall.index-url='https://b/'",
            {},
            {"PIP_INDEX_URL": "https://c/", "UV_DEFAULT_INDEX": "https://c/"},
        ),
        ("global.trusted-host='a\\nb'", {}, {"PIP_TRUSTED_HOST": "a b", "UV_INSECURE_HOST": "a b"}),
        ("global.cert='/etc/a.pem'\nglobal.timeout='60'", {}, {"PIP_CERT": "/etc/a.pem"}),
        ("global.index-url='https://a/'", {"UV_DEFAULT_INDEX": "https://mine/"}, {"PIP_INDEX_URL": "https://a/"}),
    ],
)
def test_the_index_of_pip_holds_for_uv(config: str, given: dict[str, str], found: dict[str, str]) -> None:
    assert tool("index")["environment"](config, given) == {"UV_SYSTEM_CERTS": "1", **found}


def make_python(folder: Path, name: str, version: str) -> Path:
    """A command that is a Python of this version as far as its own word goes."""
    script = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    script.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -c 'import sys; sys.version_info = ({version.replace('.', ', ')}); exec(sys.argv[1])' \"$2\"\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def found(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What tools/pythons.py says on a machine that has only the Pythons of a folder."""
    environment = {"PATH": str(folder), "HOME": str(folder), "PYENV_ROOT": str(folder / "none")}
    command = [sys.executable, str(TOOLS / "pythons.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (("3.10",), "3.10"),
        (("3.11",), "3.11"),
        (("3.10", "3.12"), "3.12"),
        (("3.9", "3.10", "3.14", "3.13"), "3.13"),
        (("3.14", "3.12"), "3.14"),
    ],
)
def test_any_python_that_is_supported_will_do(tmp_path: Path, there: tuple[str, ...], chosen: str) -> None:
    for version in there:
        make_python(tmp_path, f"python{version}", version)
    assert found(tmp_path).stdout.strip() == str(tmp_path / f"python{chosen}")


def test_an_older_python_is_refused(tmp_path: Path) -> None:
    make_python(tmp_path, "python3.9", "3.9")
    # It has the name, and is another one.
    make_python(tmp_path, "python3.13", "3.9")
    done = found(tmp_path)
    assert done.returncode == 1
    assert "Python 3.10 or newer" in done.stderr and "make demo PYTHON3=" in done.stderr


def test_the_python_that_is_named_is_taken(tmp_path: Path) -> None:
    make_python(tmp_path, "python3.13", "3.13")
    assert found(tmp_path, "this").stdout.strip() == sys.executable


def test_what_needs_another_python_is_left_out_by_name(tmp_path: Path) -> None:
    listed = [{"session": "lint", "python": "3.98"}, {"session": "types", "python": "3.99"}]
    place = tmp_path / "nox.py"
    # In place of nox: this machine would have the Pythons of the sessions.
    place.write_text(f"import json\nprint(json.dumps({json.dumps(listed)}))\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{TOOLS}"}
    done = subprocess.run(
        [sys.executable, str(TOOLS / "check.py")], env=environment, capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert "LEFT OUT, since there is no Python 3.98 here" in next(one for one in lines if one.startswith("lint "))
    assert "LEFT OUT, since there is no Python 3.99 here" in next(one for one in lines if one.startswith("types "))
    assert lines[-1] == "0 passed, 0 failed, 2 left out"
    # Nothing that was run is no success.
    assert done.returncode == 1
