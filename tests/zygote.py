# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs modules, each in a process of its own that begins with what is slow to import. See `launching`.

The client of Snowflake is not among it: it starts threads, which a fork does not survive. What it imports is.

Told on file descriptor 3, one JSON object a line, and answering on 4. A module is told nothing of it: it has its options
on standard input and its environment, and writes to standard output, as under Ansible.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import sys
import tempfile
import traceback
import typing as t
from pathlib import Path

PACKAGE = "ansible_collections.community.immuta.plugins"
SLOW = (
    "requests",
    "ansible.module_utils.basic",
    "pandas",
    "boto3",
    "OpenSSL.SSL",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "databricks.sql.client",
    "databricks.sdk.core",
)


def main() -> None:
    """Import, then fork for each order."""
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
    with os.fdopen(3) as orders, os.fdopen(4, "w") as answers:
        for line in orders:
            child = os.fork()
            if child == 0:
                _child(json.loads(line))
            _pid, status = os.waitpid(child, 0)
            answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
            answers.flush()


def _child(order: dict[str, t.Any]) -> t.NoReturn:
    for number, name, flags in (
        (0, "in", os.O_RDONLY),
        (1, "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, "err", os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        os.dup2(os.open(order["folder"] + "/" + name, flags, 0o600), number)
    sys.stdin = io.TextIOWrapper(io.FileIO(0), encoding="utf-8")
    # Ansible takes an argument for a file of options.
    sys.argv[1:] = []
    os.environ.clear()
    os.environ.update(order["environment"])
    tempfile.tempdir = None
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
