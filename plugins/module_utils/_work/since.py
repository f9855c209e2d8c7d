# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set-up script that has run after a clean-up script was finished: what the one removed, the other has created again."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta import setup_file
from ansible_collections.community.immuta.plugins.module_utils._immuta.saved_script import Owner
from ansible_collections.community.immuta.plugins.module_utils._immuta.setup_file import Saved
from ansible_collections.community.immuta.plugins.module_utils._sql import journal


def set_up_since(path: str, owner: Owner, progress: journal.Progress) -> dict[str, t.Any] | None:
    """Return path and progress of a set-up script in the same folder that has run since; None if there is none.

    :param path: of the clean-up script
    :param progress: of the clean-up script
    """
    if progress.state != "finished":
        return None
    folder = os.path.dirname(os.path.realpath(path))
    for name in sorted(os.listdir(folder) if os.path.isdir(folder) else ()):
        other = os.path.join(folder, name)
        setup = setup_file.find(other) if name.endswith(".sql") else None
        if setup is None or not _is_for(setup, owner):
            continue
        with contextlib.suppress(Failure):
            told = journal.read(journal.journal_path(other))
            if told.state != "none" and (told.last or "") > (progress.last or ""):
                return {"path": other, "state": told.state, "done": len(told.done), "total": told.total}
    return None


def _is_for(setup: Saved, owner: Owner) -> bool:
    """Return whether a set-up script creates what the clean-up script of this owner has removed."""
    if setup.request.url != owner.url or setup.request.technology.casefold() != owner.technology.casefold():
        return False
    hosts = {host.casefold() for host in (*owner.hosts, owner.config.host if owner.config else None) if host}
    home = owner.config.home if owner.config else None
    theirs = [setup.request.config.get(name) for name in ("database", "catalog")]
    here = not hosts or setup.request.host.casefold() in hosts
    return here and (home is None or home.casefold() in {str(one).casefold() for one in theirs if one})
