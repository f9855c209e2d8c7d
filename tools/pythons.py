# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the Pythons of this machine. Run as a script it prints the one to make the environment of the checks with."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


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


def first(*wanted: str) -> str:
    """The first of these versions that the machine has; the last one when it has none."""
    return next((one for one in wanted if shutil.which(f"python{one}", path=path())), wanted[-1])


def main() -> None:
    """Print the best one; older ones than 3.12 can't run the newest ansible-core, and so leave out most of the checks."""
    version = first("3.13", "3.14", "3.12", "3.11", "3.10")
    found = shutil.which(f"python{version}", path=path())
    if found is None:
        sys.exit(
            "The checks and the demo need Python 3.10 or newer, best 3.12 or newer, with the module venv. Install it and try again."
        )
    print(found)


if __name__ == "__main__":
    main()
