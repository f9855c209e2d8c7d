# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules in processes of their own that have imported already: children of multiprocessing's forkserver.

For tests of what a process leaves behind, and as an interpreter of Python for plays with many modules.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import functools
import gc
import importlib
import io
import json
import multiprocessing
import multiprocessing.forkserver
import os
import shlex
import shutil
import socket
import struct
import sys
import tempfile
import threading
import traceback
import types
import typing as t
from pathlib import Path
from unittest import mock

PLUGINS = "ansible_collections.community.immuta.plugins"
# A library that computes with threads is told not to: a fork does not survive them.
WITHOUT_THREADS = {"OPENBLAS_NUM_THREADS": "1"}
# What Ansible starts: it hands its streams over and waits.
STUB = """\
#!/bin/sh
''''exec {python} -IS "$0" "$@" # '''
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b" "], [0, 1, 2])
    about = dict(arguments=sys.argv, environment=dict(os.environ), folder=os.getcwd())
    server.sendall(json.dumps(about).encode() + b"\\n")
    sys.exit(int(server.makefile().readline()))
"""


@functools.cache
def _children() -> multiprocessing.context.ForkServerContext:
    """What starts children; the first call starts the server."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{__package__}.preload"])
    with mock.patch.dict(os.environ, WITHOUT_THREADS):
        multiprocessing.forkserver.ensure_running()
    # Waited for, so that what it has used is counted as used by the tests.
    atexit.register(multiprocessing.forkserver._forkserver._stop)  # type: ignore[attr-defined]
    return context


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


def run(
    name: str,
    arguments: dict[str, t.Any],
    folder: Path,
    environment: dict[str, str],
    bug: tuple[str, str, str] | None = None,
) -> Answer:
    """Run a module: options as JSON on standard input, one JSON answer on standard output.

    :param arguments: its options, and Ansible's own ones
    :param folder: its working folder; what it reads and prints is kept below it
    :param bug: a file of module_utils, a name in it, and the text of the error that it raises from now on
    """
    streams = [folder / "exchange" / stream for stream in ("in", "out", "err")]
    streams[0].parent.mkdir(exist_ok=True)
    streams[0].write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    child = _children().Process(target=_module, args=(name, [str(one) for one in streams], folder, environment, bug))
    child.start()
    child.join()
    code = child.exitcode
    child.close()
    streams[0].unlink()
    out, err = (one.read_text() for one in streams[1:])
    assert code is not None and out.lstrip().startswith("{"), f"{name} died:\n{out}{err}"
    return Answer(json.loads(out), out, err, code)


def _module(
    name: str, streams: list[str], folder: Path, environment: dict[str, str], bug: tuple[str, str, str] | None
) -> None:
    for number, path in enumerate(streams):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY
        os.dup2(os.open(path, flags, 0o600), number)
    # Ansible takes an argument for a file of options.
    _become([name], environment, folder)
    if bug:
        _break(*bug)

    def main() -> None:
        importlib.import_module(f"{PLUGINS}.modules.{name}").main()

    code = _exit_status(main)
    # What was not closed is said on standard error.
    gc.collect()
    sys.exit(code)


def _become(arguments: list[str], environment: dict[str, str], folder: Path | str) -> None:
    sys.argv = arguments
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    tempfile.tempdir = None
    sys.stdin = io.TextIOWrapper(io.FileIO(0), encoding="utf-8")


def _customize() -> None:
    """Import the sitecustomize of PYTHONPATH, as a Python that starts does."""
    for folder in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        if Path(folder, "sitecustomize.py").exists():
            sys.modules.pop("sitecustomize", None)
            sys.path.insert(0, folder)
            importlib.import_module("sitecustomize")
            return


def _exit_status(main: t.Callable[[], object]) -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _break(room: str, name: str, text: str) -> None:
    def broken(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise RuntimeError(text)

    module: t.Any = importlib.import_module(f"{PLUGINS}.module_utils.{room}")
    *owners, last = name.split(".")
    for owner in owners:
        module = getattr(module, owner)
    setattr(module, last, broken)


@functools.cache
def interpreter() -> Path:
    """What Ansible can take for Python: programs on standard input begin with everything imported.

    What is imported does not come from Ansible's payload, so this is for suites that are not about that. Killing a play does
    not kill what runs for it: C(kill_for) does.
    """
    folder = Path(tempfile.mkdtemp(prefix="python-"))
    atexit.register(shutil.rmtree, folder)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "socket"))
    server.listen(64)
    stub = folder / "python"
    stub.write_text(STUB.format(python=shlex.quote(sys.executable), address=str(folder / "socket")))
    stub.chmod(0o700)
    _children()
    threading.Thread(target=_accept, args=(server,), daemon=True).start()
    return stub


# What runs, by the process that waits for it.
_running: dict[int, multiprocessing.process.BaseProcess] = {}


def kill_for(waiting: t.Iterable[int]) -> None:
    """Kill what runs for processes that were killed, by their ids."""
    for pid in waiting:
        if child := _running.pop(pid, None):
            child.kill()
            child.join()


def _accept(server: socket.socket) -> None:
    while True:
        client, _address = server.accept()
        with client:
            peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            child = _children().Process(target=_program, args=(client,), daemon=True)
            child.start()
            _running[struct.unpack("3i", peer)[0]] = child


def _program(client: socket.socket) -> None:
    """Be the interpreter for whoever has handed over its streams."""
    _byte, streams, _flags, _address = socket.recv_fds(client, 1, 3)
    with client.makefile() as line:
        about = json.loads(line.readline())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    _become(about["arguments"], about["environment"], about["folder"])
    _customize()
    module = sys.modules["__main__"] = types.ModuleType("__main__")

    def main() -> None:
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), module.__dict__)

    code = _exit_status(main)
    # multiprocessing's children don't do so.
    atexit._run_exitfuncs()
    for printed in (sys.stdout, sys.stderr):
        printed.flush()
    with contextlib.suppress(OSError):
        client.sendall(f"{code}\n".encode())
