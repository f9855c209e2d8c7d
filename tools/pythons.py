# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the Pythons of this machine. Run as a script it prints the one to make the environment of demo and checks with.

`make demo PYTHON3=/path/to/python` runs it with that Python and the argument `this`: then it is that one or none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Those that this collection supports, the best one for the checks first: 3.12 and newer run the newest ansible-core.
SUPPORTED = ("3.13", "3.14", "3.12", "3.11", "3.10")
OLDEST = (3, 10)


def path() -> str:
    """PATH with every real Python of pyenv in front and without pyenv's shims.

    A shim exists also for versions that are not selected, and fails; ansible-test takes it for the interpreter.
    """
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions = sorted(
        root.glob("versions/3.*/bin"), key=lambda one: [int(n) for n in one.parent.name.split(".") if n.isdigit()]
    )
    rest = [one for one in os.environ["PATH"].split(os.pathsep) if Path(one) != root / "shims"]
    found = [str(one) for one in reversed(versions)]
    return os.pathsep.join([*rest[: _own(rest)], *found, *rest[_own(rest) :]])


def _own(entries: list[str]) -> int:
    """How many entries at the front belong to the environment that is in use."""
    return sum(1 for one in entries[:1] if (Path(one).parent / "pyvenv.cfg").exists())


def here(version: str) -> str | None:
    """Path of this version, if the machine has it."""
    return shutil.which(f"python{version}", path=path())


def first(*wanted: str) -> str:
    """The first of these versions that the machine has; the last one when it has none."""
    return next((one for one in wanted if here(one)), wanted[-1])


def makes_environments(python: str) -> bool:
    """Whether this Python is one of those supported, and has what makes environments, which Debian has apart."""
    script = f"import sys, venv, ensurepip; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.run([python, "-c", script], capture_output=True, check=False).returncode == 0


def main() -> None:
    """Print the best one, or the one that runs this."""
    candidates = [sys.executable] if sys.argv[1:] == ["this"] else [here(version) for version in SUPPORTED]
    for python in candidates:
        if python and makes_environments(python):
            print(python)
            return
    sys.exit(
        "Demo and checks need Python 3.10 or newer with the module venv (on Debian and Ubuntu in the package python3-venv)."
        f" {f'{sys.executable} is not one' if sys.argv[1:] else 'There is none on PATH'}."
        " Install one, or name it: make demo PYTHON3=/path/to/python3"
    )


if __name__ == "__main__":
    main()
