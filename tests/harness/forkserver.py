# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules without what takes most of their time: importing.

Without Ansible, too: options as JSON on standard input, one JSON answer on standard output. Or under Ansible, by an
interpreter of Python that has imported already.
"""

from __future__ import annotations

import atexit
import dataclasses
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

HERE = Path(__file__).parent
# The zygote knows its pipes by fixed numbers.
START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.executable, [sys.executable, *sys.argv[3:]])
"""
ZYGOTE = [str(HERE / "zygote.py"), str(HERE.parents[1] / "plugins" / "modules")]
# A library that computes with threads is told not to: a fork does not survive them.
WITHOUT_THREADS = {"OPENBLAS_NUM_THREADS": "1"}
INTERPRETER = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b" "], [0, 1, 2])
    about = dict(arguments=sys.argv, environment=dict(os.environ), folder=os.getcwd())
    server.sendall(json.dumps(about).encode() + b"\\n")
    sys.exit(int(server.makefile().readline()))
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
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, str(told), str(telling), "-W", "error::ResourceWarning", *ZYGOTE],
            cwd=folder,
            env={**self.environment, **WITHOUT_THREADS},
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


class Interpreter:
    """What Ansible takes for Python: programs on standard input begin with everything imported.

    Each is a fork of one process, so killing a play does not kill what runs for it, and what is imported does not come
    from Ansible's payload. For suites that are about neither.

    :ivar path: for C(ansible_python_interpreter)
    """

    def __init__(self) -> None:
        """Start the process that they are forked from."""
        self._folder = Path(tempfile.mkdtemp(prefix="python-"))
        self.path = self._folder / "python"
        address = str(self._folder / "socket")
        self.path.write_text(INTERPRETER.format(python=sys.executable, address=address))
        self.path.chmod(0o700)
        self._process = subprocess.Popen(
            [sys.executable, *ZYGOTE, address],
            env={**os.environ, **WITHOUT_THREADS, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        with self._process.stdout as told:
            assert told.readline() == "ready\n"

    def close(self) -> None:
        """End the process that they are forked from."""
        self._process.kill()
        self._process.wait(60)
        shutil.rmtree(self._folder)


@functools.cache
def interpreter() -> Interpreter:
    """The one of this process."""
    one = Interpreter()
    atexit.register(one.close)
    return one
