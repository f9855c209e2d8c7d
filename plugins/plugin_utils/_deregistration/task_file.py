# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user's own task file that runs the script: what an approval covers of it, and whether anybody may change it.

Files that it includes by a fixed name belong to it. Names that are templates, roles, templates, and programs do not.
"""

from __future__ import annotations

import hashlib
import os
import stat
import typing as t

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

_INCLUDES = frozenset(
    f"{prefix}{action}_tasks"
    for prefix in ("", "ansible.builtin.", "ansible.legacy.")
    for action in ("import", "include")
)


def describe(path: str) -> dict[str, str] | None:
    """Return path and digest of a task file; None if it can't be read.

    The digest is that of the file, or, if it includes others, that of a list of all as C(sha256sum) prints it.
    """
    try:
        digests = {file: hashlib.sha256(content).hexdigest() for file, content in _files(path).items()}
    except OSError:
        return None
    if len(digests) == 1:
        return {"path": path, "sha256": digests[path]}
    listed = "".join(f"{digest}  {os.path.relpath(file, os.path.dirname(path))}\n" for file, digest in digests.items())
    return {"path": path, "sha256": hashlib.sha256(listed.encode()).hexdigest()}


def changeable(path: str) -> str:
    """Return which of the files of a task file, or of the folders above them, anybody may write to, or "".

    :raises OSError: the task file can't be read
    """
    for file in _files(path):
        here = os.path.realpath(file)
        while True:
            mode = os.stat(here).st_mode
            if mode & stat.S_IWOTH and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
                return here
            if here == "/":
                break
            here = os.path.dirname(here)
    return ""


def _files(path: str) -> dict[str, bytes]:
    """Return a task file and those that it includes, in the order in which they are named."""
    found: dict[str, bytes] = {}
    wanted = [path]
    while wanted:
        file = wanted.pop(0)
        if file in found:
            continue
        try:
            with open(file, "rb") as opened:
                found[file] = opened.read()
        except OSError:
            if not found:
                raise
            continue
        folder = os.path.dirname(file)
        wanted += [os.path.normpath(os.path.join(folder, name)) for name in _included(found[file])]
    return found


def _included(content: bytes) -> list[str]:
    """Return the fixed names of the task files that tasks include."""
    try:
        tasks = DataLoader().load(content.decode("utf-8", "replace"))
    except AnsibleError:
        return []
    return [name for name in _names(tasks) if "{{" not in name]


def _names(tasks: t.Any) -> t.Iterator[str]:
    for task in tasks if isinstance(tasks, list) else ():
        if not isinstance(task, dict):
            continue
        for word, value in task.items():
            if word in ("block", "rescue", "always"):
                yield from _names(value)
            elif word in _INCLUDES:
                name = value.get("file") if isinstance(value, dict) else value
                if isinstance(name, str):
                    yield str(name)
