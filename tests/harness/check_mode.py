# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode writes nothing: what a user relies on who looks before the deed."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import OPERATIONS
from ansible_collections.community.immuta.tests.doubles.plumbing import Double

READING = {one.name for one in OPERATIONS if one.effect.harmless}
# What a session that only looks may send; the first comment is the run's name.
READ = re.compile(r"(?:/\*.*?\*/ )?(?:SHOW|SELECT|USE ROLE)\b", re.IGNORECASE)
# Below the folder of a play: what Ansible keeps for itself, and what a play may write in check mode, too.
ASIDE = ("ansible", "home/.ansible", "remote", "output")


@contextlib.contextmanager
def harmless(folder: Path) -> t.Iterator[None]:
    """Fail if meanwhile a stand-in sees a write, or the folder changes."""
    for name in ASIDE:
        (folder / name).mkdir(parents=True, exist_ok=True)
    doubles = list(Double.running)
    before, seen = _look(folder), [len(writes(one)) for one in doubles]
    yield
    written = [one for double, already in zip(doubles, seen) for one in writes(double)[already:]]
    assert not written, f"check mode has sent {written}"
    after = _look(folder)
    touched = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    assert not touched, f"check mode has touched {touched}"


def writes(double: t.Any) -> list[str]:
    """What a stand-in was asked to change, and what it does not know."""
    if hasattr(double, "statements"):
        looks = [one.text for one in double.looks if not READ.search(one.text)]
        return [*(one.text for one in double.statements), *looks]
    if hasattr(double, "writes"):
        return list(double.writes)
    reads = ("GET", "POST")
    return [
        f"{one.method} {one.path}"
        for one in double.requests
        if one.operation_id not in READING and (one.operation_id or one.method not in reads)
    ]


def _look(folder: Path) -> dict[str, t.Any]:
    """All that is in a folder, but what is aside."""
    aside = [folder / name for name in ASIDE]
    found: dict[str, t.Any] = {}
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = [name for name in folders if here / name not in aside]
        for path in (here, *(here / name for name in files)):
            about = path.lstat()
            content = path.read_bytes() if path.is_file() else os.readlink(path) if path.is_symlink() else None
            found[str(path.relative_to(folder))] = (about.st_mode, about.st_mtime_ns, content)
    return found
