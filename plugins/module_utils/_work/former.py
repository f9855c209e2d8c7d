# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The finished script of a former integration, set aside when a connection that has come back needs its path.

Script and journal are copied before anything is replaced, and the journal goes last: with the new script, the old journal is
refused, but the old script without its journal would seem never to have run.
"""

from __future__ import annotations

import os

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script, script_file
from ansible_collections.community.immuta.plugins.module_utils._immuta.saved_script import Saved
from ansible_collections.community.immuta.plugins.module_utils._sql import journal

# Hexadecimal digits of the script's sha256 in the name.
DIGITS = 12


def place(path: str, sha256: str) -> str:
    """Return where a finished script is set aside: beside the file, also when C(path) is a link to it."""
    return f"{os.path.realpath(path)}.finished-{sha256[:DIGITS]}"


def set_aside(path: str, saved: Saved, *, journal_path: str) -> None:
    """Keep a finished script, its journal, and what it had replaced beside the path; what is there stays until it is replaced.

    :raises NotSaved: it can't be kept
    """
    aside = place(path, saved.sha256)
    try:
        for source, target in ((path, aside), (journal_path, journal.journal_path(aside))):
            _files.replace(target, _files.read_regular(source, limit=None), script_file.MODE)
        for number in range(1, saved_script.KEPT + 1):
            old = saved_script.kept_path(path, number)
            if old in saved_script.kept(path, saved.owner):
                os.replace(old, saved_script.kept_path(aside, number))
    except OSError as error:
        raise script_file.not_saved(aside, error) from None


def is_left(path: str, saved: Saved | None, progress: journal.Progress) -> bool:
    """Return whether a journal is that of a script that was set aside, so that it says nothing about the one at C(path)."""
    if saved is None or progress.state != "finished" or progress.sha256 in (None, saved.sha256):
        return False
    aside = place(path, progress.sha256 or "")
    kept = saved_script.read(aside)
    told = journal.read(journal.journal_path(aside))
    return kept is not None and (kept.sha256, told.state, told.sha256) == (progress.sha256, "finished", progress.sha256)


def is_to_come(path: str, expected: str | None) -> bool:
    """Return whether a task may save the script at C(path) first: nothing is there, or a finished one, and another is expected."""
    if not os.path.lexists(path):
        return True
    if not expected:
        return False
    try:
        saved = saved_script.read(path)
        told = journal.read(journal.journal_path(path))
    except Failure:
        # It is not this collection's, or can't be read, which its reader tells.
        return False
    return saved is not None and (told.state, told.sha256) == ("finished", saved.sha256) != ("finished", expected)


def forget(journal_path: str) -> None:
    """Remove the journal of a script that was set aside.

    :raises Locked: a run is working on it
    :raises JournalError: it can't be removed
    """
    with journal.removing(journal_path):
        pass
