# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules without Ansible: options as JSON on standard input, one JSON answer on standard output."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

TESTS = Path(__file__).parent
# The zygote knows its pipes by fixed numbers.
START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.executable, [sys.executable, *sys.argv[3:]])
"""


@dataclasses.dataclass
class Answer:
    """What a module left: its result, and what it printed."""

    result: dict[str, t.Any]
    out: str
    err: str
    code: int

    @property
    def printed(self) -> str:
        """All that it printed."""
        return self.out + self.err


class Launcher:
    """Runs modules in processes that are forked from one, since importing what they need takes most of their time.

    :ivar folder: theirs to work in
    :ivar environment: of every run, besides its own
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        """Start the process that they are forked from.

        :param folder: theirs to work in; what they are told and print is kept below it
        """
        self.folder = folder
        self.environment = {**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._exchange = folder / "exchange"
        self._exchange.mkdir()
        told, self._orders = os.pipe()
        answers, telling = os.pipe()
        zygote = ["-W", "error::ResourceWarning", str(TESTS / "zygote.py"), str(TESTS.parent / "plugins" / "modules")]
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, str(told), str(telling), *zygote],
            cwd=folder,
            # A library that computes with threads is told not to: a fork does not survive them.
            env={**self.environment, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            pass_fds=[told, telling],
        )
        os.close(told)
        os.close(telling)
        self._answers = os.fdopen(answers)

    def __call__(
        self,
        name: str,
        arguments: dict[str, t.Any],
        environment: dict[str, str] | None = None,
        bug: tuple[str, str, str] | None = None,
    ) -> Answer:
        """Run one.

        :param arguments: its options, and Ansible's own ones
        :param bug: a file of module_utils, a name in it, and the text of the error that it raises from now on
        """
        given = self._exchange / "in"
        given.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        order = {
            "module": name,
            "folder": str(self._exchange),
            "environment": {**self.environment, **(environment or {})},
            "bug": bug,
        }
        os.write(self._orders, json.dumps(order).encode() + b"\n")
        code = int(self._answers.readline())
        given.unlink()
        out, err = ((self._exchange / stream).read_text() for stream in ("out", "err"))
        assert out.lstrip().startswith("{"), f"{name} died:\n{out}{err}"
        return Answer(json.loads(out), out, err, code)

    def close(self) -> None:
        """End the process that they are forked from."""
        os.close(self._orders)
        self._process.wait(60)
        self._answers.close()
