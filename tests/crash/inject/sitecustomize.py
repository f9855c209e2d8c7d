# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loaded by every Python of a play: has what it does to the watched files pass checkpoints, and may set its clock wrong.

CHECKPOINTS is the port to ask, CHECKPOINT_FOLDER the folder that is watched. CLOCK_SHIFT is by how many seconds the
wall clock is wrong, CLOCK_SHIFT_AFTER how many readings are right before that. FILE_LIMIT is an ending of names and how
many bytes the kernel lets such a file have, once it is made private.
"""

from __future__ import annotations

import builtins
import contextlib
import datetime
import errno
import os
import resource
import socket
import types
import typing as t

FOLDER = os.path.realpath(os.environ["CHECKPOINT_FOLDER"]) if "CHECKPOINT_FOLDER" in os.environ else None
LIMITED, _blank, _bytes = os.environ.get("FILE_LIMIT", "").partition(" ")
LIMIT = int(_bytes or -1)


def ask(label: str) -> str:
    """Pass a checkpoint; what to do is C(go) or C(full). Who is to die here gets no answer."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", int(os.environ["CHECKPOINTS"])))) as line:
        line.sendall(label.encode() + b"\n")
        return line.makefile().readline().strip()


def watched(name: str, function: t.Callable[..., t.Any], path_of: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """A function of C(os) that passes a checkpoint first, when it changes something in the folder."""

    def call(*arguments: t.Any, **keywords: t.Any) -> t.Any:
        path = path_of(*arguments, **keywords)
        if isinstance(path, str) and (path + "/").startswith(str(FOLDER) + "/"):
            # The end of the name says which file it is; the rest of a temporary one is random.
            kind = next((one for one in (".journal", ".sql", ".new") if path.endswith(one)), "folder or other")
            if ask(f"file {name} {kind}") == "full":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if (kind, name) == (LIMITED, "fchmod"):
                resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))
        return function(*arguments, **keywords)

    return call


def of_path(path: t.Any, *_rest: t.Any, **_keywords: t.Any) -> t.Any:
    """The path of a function whose first argument is one, or a descriptor."""
    if isinstance(path, int):
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/self/fd/{path}")
        return None
    with contextlib.suppress(TypeError, ValueError, OSError):
        return os.path.join(os.path.realpath(os.path.dirname(os.path.abspath(path))), os.path.basename(path))
    return None


def of_opening(path: t.Any, flags: int, *rest: t.Any, **keywords: t.Any) -> t.Any:
    """The path, when opening makes the file."""
    return of_path(path) if flags & os.O_CREAT and not os.path.lexists(path) else None


def watch_files() -> None:
    """Put checkpoints before everything that changes a file."""
    for name in ("mkdir", "write", "fsync", "replace", "rename", "unlink", "ftruncate", "chmod", "fchmod", "link"):
        setattr(os, name, watched(name, getattr(os, name), of_path))
    os.open = watched("open", os.open, of_opening)


def set_clock_wrong(shift: float, after: int) -> None:
    """Let the time of day that this collection reads be wrong by C(shift) seconds, from the reading after C(after) on.

    The platforms' clients keep the right time: some are compiled, and don't bear another class of dates.
    """
    readings = 0

    class Wrong(datetime.datetime):
        @classmethod
        def now(cls, tz: t.Any = None) -> t.Any:
            nonlocal readings
            readings += 1
            return super().now(tz) + datetime.timedelta(seconds=shift if readings > after else 0)

    wrong = types.ModuleType("datetime")
    wrong.__dict__.update({**vars(datetime), "datetime": Wrong})
    really_import = builtins.__import__

    def imported(name: str, globals: t.Any = None, *rest: t.Any, **keywords: t.Any) -> t.Any:
        ours = str((globals or {}).get("__name__")).startswith("ansible_collections.community.immuta.")
        return wrong if name == "datetime" and ours else really_import(name, globals, *rest, **keywords)

    builtins.__import__ = imported


if FOLDER is not None:
    watch_files()
if "CLOCK_SHIFT" in os.environ:
    set_clock_wrong(float(os.environ["CLOCK_SHIFT"]), int(os.environ.get("CLOCK_SHIFT_AFTER", "0")))
