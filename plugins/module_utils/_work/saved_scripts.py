# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(saved_scripts_info)."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script, setup_file
from ansible_collections.community.immuta.plugins.module_utils._sql import created, journal, split
from ansible_collections.community.immuta.plugins.module_utils._sql.report import execution

OPTIONS: dict[str, t.Any] = {"path": {"type": "path", "required": True}}
SUFFIX = ".sql"
CHANGED = "The script was changed after it was saved."
ANOTHER = "The journal belongs to another script."
UNTOLD: dict[str, t.Any] = dict.fromkeys(("acted", "creates", "grants", "execution"))
OWN: dict[str, t.Any] = dict.fromkeys(("integration_config", "sha256"))
NOTHING: dict[str, t.Any] = dict.fromkeys(("state", "done", "total", "problem"))


def info(context: Context) -> Outcome:
    """Implement the module C(saved_scripts_info).

    :raises InvalidOption: the folder can't be read
    """
    folder, exists = context.params["path"], True
    try:
        listed = sorted(os.listdir(folder))
    except FileNotFoundError:
        listed, exists = [], False
    except OSError as error:
        raise InvalidOption(f"The folder {folder} of the option path can't be read: {error.strerror}.") from None
    paths = [os.path.join(folder, name) for name in listed if name.endswith(SUFFIX)]
    journals = [os.path.join(folder, name) for name in listed if name.endswith(journal.journal_path(SUFFIX))]
    kept = {journal.journal_path(path) for path in paths}
    setups = {path: setup for path in paths if (setup := setup_file.find(path))}
    scripts = [_about(path) for path in paths if path not in setups]
    return Outcome(
        False,
        {
            "path": folder,
            "exists": exists,
            "scripts": scripts,
            "journals": [path for path in journals if path not in kept],
            "setup_scripts": [_setup(path, setup) for path, setup in setups.items()],
        },
    )


def _setup(path: str, saved: setup_file.Saved) -> dict[str, t.Any]:
    about = {"path": path, "tenant": saved.request.url, "technology": saved.request.technology, **OWN, **UNTOLD}
    try:
        progress = journal.read(journal.journal_path(path))
        told = _told(progress, saved.sha256, intact=saved.intact)
        return {**about, **told, **({} if told["problem"] else {**_own(saved), **_made(saved, progress)})}
    except Failure as error:
        return {**about, **NOTHING, "problem": _text.printable(error)}


def _own(saved: setup_file.Saved) -> dict[str, t.Any]:
    """Return what a set-up script is for, in the words of C(immuta_integration_info), and its digest."""
    return {"integration_config": saved.request.known.as_dict(), "sha256": saved.sha256}


def _made(saved: setup_file.Saved, progress: journal.Progress) -> dict[str, t.Any]:
    """Return whether a set-up script has changed the platform, and what it creates, as its journal tells; none if it can't be split."""
    ran = execution(progress)
    try:
        statements = split.split(saved.raw.decode("utf-8", "replace"), saved.request.dialect)
    except Failure:
        return {**UNTOLD, "execution": ran}
    sent = {*progress.done, *([progress.unknown["index"]] if progress.unknown else [])}
    acted = progress.state == "finished" or any(one.index in sent and not one.is_session for one in statements)
    dialect = saved.request.dialect
    return {
        "acted": acted,
        "creates": created.told(statements, dialect, progress),
        "grants": created.granted(statements, dialect, progress),
        "execution": ran,
    }


def _about(path: str) -> dict[str, t.Any]:
    """Return what a script and its journal say, or why they are not believed."""
    about: dict[str, t.Any] = {"path": path, **NOTHING}
    about.update(dict.fromkeys(("connection_key", "integration_id", "technology", "tenant")))
    try:
        saved = saved_script.read(path)
        if saved is None:
            return {**about, "problem": "It was removed while the folder was read."}
        owner = saved.owner
        about.update(connection_key=owner.connection_key, integration_id=owner.integration_id)
        about.update(technology=owner.technology, tenant=owner.url)
        progress = journal.read(journal.journal_path(path))
        return {**about, **_told(progress, saved.sha256, intact=saved.intact)}
    except Failure as error:
        # What is said of it is nobody's word whom to believe.
        return {**about, "problem": _text.printable(error)}


def _told(progress: journal.Progress, sha256: str, *, intact: bool) -> dict[str, t.Any]:
    """Return what the journal of a script says, or why it is not believed."""
    if progress.sha256 not in (None, sha256):
        return {**NOTHING, "problem": ANOTHER}
    told = {"state": progress.state, "done": len(progress.done), "total": progress.total}
    return {**told, "problem": None if intact else CHANGED}
