# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs what it is told to, each time in a process of its own that begins with what is slow to import. See `launching`.

The client of Snowflake is not among it: it starts threads, which a fork does not survive. What it imports is.

Without a second argument it runs modules, and is told on file descriptor 3, one JSON object a line, and answers on 4. A
module is told nothing of it: it has its options on standard input and its environment, and writes to standard output, as
under Ansible.

With the path of a socket it is a Python interpreter for programs on standard input, as Ansible has them with pipelining.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import signal
import socket
import sys
import tempfile
import traceback
import types
import typing as t
from pathlib import Path

PACKAGE = "ansible_collections.community.immuta.plugins"
SLOW = (
    "requests",
    "ansible.module_utils.basic",
    "ansible.module_utils._internal._ansiballz._loader",
    "pandas",
    "boto3",
    "OpenSSL.SSL",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "databricks.sql.client",
    "databricks.sdk.core",
)


def main() -> None:
    """Import, then fork for each order or program."""
    for name in SLOW:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for path in Path(sys.argv[1]).glob("*.py"):
        importlib.import_module(f"{PACKAGE}.modules.{path.stem}")
    threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
    if threads > 1:
        sys.exit(f"one of the imports has started {threads - 1} threads")
    # What has been imported is not looked through again by each child.
    gc.freeze()
    if len(sys.argv) > 2:
        _interpret(sys.argv[2])
    else:
        _run_modules()


def _run_modules() -> None:
    with os.fdopen(3) as orders, os.fdopen(4, "w") as answers:
        for line in orders:
            child = os.fork()
            if child == 0:
                _child(json.loads(line))
            _pid, status = os.waitpid(child, 0)
            answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
            answers.flush()


def _interpret(path: str) -> None:
    # Nobody waits for a program but who has sent it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(64)
        print("ready", flush=True)
        while True:
            client, _address = server.accept()
            if os.fork() == 0:
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _program(client)
            client.close()


def _program(client: socket.socket) -> t.NoReturn:
    _byte, streams, _flags, _address = socket.recv_fds(client, 1, 3)
    with client.makefile() as line:
        about = json.loads(line.readline())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.argv = about["arguments"]
    _begin(about["environment"])
    os.chdir(about["folder"])
    code = 1

    @atexit.register
    def _end() -> None:
        client.sendall(f"{code}\n".encode())

    main_module = types.ModuleType("__main__")
    sys.modules["__main__"] = main_module
    try:
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), main_module.__dict__)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.exit(code)


def _begin(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.stdin = io.TextIOWrapper(io.FileIO(0), encoding="utf-8")


def _child(order: dict[str, t.Any]) -> t.NoReturn:
    for number, name, flags in (
        (0, "in", os.O_RDONLY),
        (1, "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, "err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        os.dup2(os.open(order["folder"] + "/" + name, flags, 0o600), number)
    # Ansible takes an argument for a file of options.
    sys.argv[1:] = []
    _begin(order["environment"])
    code = 1
    try:
        if order["bug"]:
            place, name, text = order["bug"]
            _break(importlib.import_module(f"{PACKAGE}.module_utils.{place}"), name, text)
        importlib.import_module(f"{PACKAGE}.modules.{order['module']}").main()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    # What was not closed is said on standard error.
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _break(module: t.Any, name: str, text: str) -> None:
    def broken(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise RuntimeError(text)

    *owners, last = name.split(".")
    for owner in owners:
        module = getattr(module, owner)
    setattr(module, last, broken)


if __name__ == "__main__":
    main()
