# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that a clean-up script is kept in: recognised, written so that no crash can lose it, read back.

The first line is an SQL comment that says whose script it is and holds the digest of everything below it. So a file of
someone else is never overwritten, a damaged or edited one is never taken for whole, and one rename makes all of it
durable at once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import hashlib
import json
import os
import stat
import tempfile

from ansible_collections.community.immuta.plugins.module_utils._durable import sync_folder
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import Refused

MARK = "-- community.immuta clean-up script, do not edit: "
MODE = 0o600
FOLDER_MODE = 0o700
LARGEST = 64 * 1024 * 1024


class NotSaved(Failure):
    """The script could not be made durable; what was there before is still there."""

    code = "script_not_saved"


@dataclasses.dataclass(frozen=True)
class Owner:
    """Whose script it is.

    :ivar url: the tenant
    :ivar connection_key: None when the script was asked for by integration id
    :ivar dialect: C(snowflake), C(databricks), or None for a technology whose SQL this collection does not know
    """

    url: str
    connection_key: str | None
    integration_id: int
    technology: str
    dialect: str | None


@dataclasses.dataclass(frozen=True)
class Saved:
    """A script file as it stands on the disk.

    :ivar body: the script as Immuta gave it
    :ivar sha256: of the whole file, as C(sha256sum) prints it
    :ivar intact: whether the body is what was saved
    """

    path: str
    owner: Owner
    body: str
    sha256: str
    size: int
    mode: int
    intact: bool


def contents(owner: Owner, body: str) -> bytes:
    """The bytes of the file; the same for the same owner and script."""
    about = {"version": 1, **dataclasses.asdict(owner), "sha256": digest(body.encode())}
    # ASCII only, so that no character of a key can end the comment's line.
    return f"{MARK}{json.dumps(about, sort_keys=True)}\n{body}".encode()


def read(path: str) -> Saved | None:
    """The script at C(path), or None when nothing is there.

    :raises Refused: something else is there
    """
    try:
        entry = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"The option path ({path}) can't be looked at: {error.strerror}.") from None
    if stat.S_ISLNK(entry.st_mode):
        try:
            entry = os.stat(path)
        except OSError:
            raise Refused(f"The option path ({path}) is a symbolic link into nowhere.", hint=_CHOOSE) from None
    if not stat.S_ISREG(entry.st_mode):
        raise Refused(f"The option path ({path}) is not a regular file.", hint=_CHOOSE)
    if entry.st_size > LARGEST:
        raise Refused(f"The file {path} is larger than any clean-up script.", hint=_CHOOSE)
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        raise Refused(f"The file {path} can't be read: {error.strerror}.", hint=_CHOOSE) from None
    return _parse(path, raw, stat.S_IMODE(entry.st_mode))


_CHOOSE = "Name another path, or move what is there away."


def _parse(path: str, raw: bytes, mode: int) -> Saved:
    head, _newline, below = raw.partition(b"\n")
    try:
        text = head.decode("ascii")
        if not text.startswith(MARK):
            raise ValueError
        about = json.loads(text[len(MARK) :])
        expected = about.pop("sha256")
        if about.pop("version") != 1:
            raise ValueError
        owner = Owner(**about)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Refused(f"The file {path} is not a clean-up script that this collection saved.", hint=_CHOOSE) from None
    return Saved(
        path=path,
        owner=owner,
        body=below.decode("utf-8", "replace"),
        sha256=digest(raw),
        size=len(raw),
        mode=mode,
        intact=digest(below) == expected,
    )


def require_writable(path: str) -> None:
    """Refuse a path that can't be written, before anything is asked of Immuta.

    :raises Refused: with the folder at fault
    """
    folder = os.path.dirname(os.path.realpath(path))
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        raise Refused(f"The option path ({path}) can't be used: {folder} is not a folder.", hint=_CHOOSE)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Refused(
            f"The option path ({path}) can't be written: no permission in {folder}.",
            hint="Name a folder that the user of this task can write to.",
        )
    if len(os.path.basename(path).encode()) > 200:
        raise Refused(f"The option path ({path}) has a file name of more than 200 bytes.", hint="Name another path.")


def save(path: str, raw: bytes) -> None:
    """Make C(raw) durable at C(path): written beside it, synced, renamed, the folder synced, read back.

    What a killed run has left of its own writing is removed first: it may hold the script's text.

    :raises NotSaved: the old file, if any, is untouched
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    try:
        _make_folder(folder)
        _remove_unfinished(target)
        temporary = ""
        try:
            # The lock says that it is being written; it ends with the process, however that ends.
            prefix, suffix = _beside(target)
            handle, temporary = tempfile.mkstemp(suffix, prefix, folder)
            with os.fdopen(handle, "wb") as file:
                _lock(file.fileno())
                os.fchmod(file.fileno(), MODE)
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
                os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        sync_folder(folder)
        with open(target, "rb") as file:
            back = file.read()
    except OSError as error:
        remedy = "Free some space." if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Name another path."
        raise NotSaved(f"The script can't be saved at {path}: {error.strerror}.", hint=remedy) from None
    if back != raw:
        raise NotSaved(f"The script read back from {path} is not what was written.", hint="Check the file system.")


def _beside(target: str) -> tuple[str, str]:
    """How the name of an unfinished file of C(target) begins and ends."""
    return f".{os.path.basename(target)}.", ".new"


def _lock(handle: int) -> bool:
    """Lock an open file; false when another process has it, or when the file system has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_unfinished(target: str) -> None:
    """Remove what killed runs have left of writing C(target); what a run is writing now is let alone."""
    folder = os.path.dirname(target)
    prefix, suffix = _beside(target)
    for name in os.listdir(folder):
        if not (name.startswith(prefix) and name.endswith(suffix)):
            continue
        # Another run may finish or remove it at any moment.
        with contextlib.suppress(OSError), open(os.path.join(folder, name), "rb") as file:
            if _lock(file.fileno()):
                os.unlink(file.name)


def restrict(path: str) -> None:
    """Take the file away from other users.

    :raises Refused: it is another user's
    """
    try:
        os.chmod(path, MODE)
    except OSError as error:
        raise Refused(
            f"Other users may read the script at {path}, and that can't be changed: {error.strerror}.",
            hint="Run the task as the user whose file it is, or have that user set its mode to 0600.",
        ) from None


def remove(path: str) -> None:
    """Remove the file, durably, and with it what killed runs have left of writing it.

    Of a link this is both what it leads to, which holds the script, and itself.

    :raises Refused: it may not be removed
    """
    target = os.path.realpath(path)
    try:
        os.unlink(target)
        _remove_unfinished(target)
        sync_folder(os.path.dirname(target))
        if os.path.islink(path):
            os.unlink(path)
            sync_folder(os.path.dirname(os.path.abspath(path)))
    except OSError as error:
        raise Refused(
            f"The script at {path} can't be removed: {error.strerror}.",
            hint="Run the task as a user who can write to its folder.",
        ) from None


def _make_folder(folder: str) -> None:
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    _make_folder(parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, FOLDER_MODE)
    sync_folder(parent)


def digest(raw: bytes) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()
