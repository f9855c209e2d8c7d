# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that keeps a script of Immuta's: durable, private, reserved for one run, and not where others may write."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import Refused

MODE = 0o600
# In bytes, with the first line. What Immuta renders and what is read back have this one bound.
LARGEST = 64 * 1024 * 1024
# Seconds to wait for another run that saves a script at the same path.
PATIENCE = 10.0
CHOOSE_ANOTHER = "Name another path, or move away what is there."


class NotSaved(Failure):
    """The script could not be made durable; the old file, if any, is untouched."""

    code = "script_not_saved"


def read(path: str) -> tuple[bytes, int] | None:
    """Return the bytes and the permissions of the file at C(path), or None when there is no file.

    :raises Refused: it is no regular file, other users may change it, or it is larger than any script
    """
    try:
        entry = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"The option path ({path}) can't be checked: {error.strerror}.") from None
    try:
        raw, mode = _files.read_own(path, limit=LARGEST)
    except _files.NotOwn as error:
        raise _not_own(path, error) from None
    except _files.NotRegular:
        raise Refused(f"The option path ({path}) is not a regular file.", hint=CHOOSE_ANOTHER) from None
    except _files.TooLarge:
        raise Refused(f"The file {path} is larger than any script.", hint=CHOOSE_ANOTHER) from None
    except OSError as error:
        if stat.S_ISLNK(entry.st_mode) and not os.path.exists(path):
            raise Refused(f"The option path ({path}) is a broken symbolic link.", hint=CHOOSE_ANOTHER) from None
        raise Refused(f"The file {path} can't be read: {error.strerror}.", hint=CHOOSE_ANOTHER) from None
    return raw, mode


@contextlib.contextmanager
def reserved(path: str, *, check_mode: bool) -> t.Iterator[None]:
    """Keep the place of the script for this run, from the look at it to the rename, after trying to write there.

    In check mode the place is only tried.

    :raises Refused: nothing can be written or locked there, other users may write there, or another run keeps the place
    """
    with contextlib.ExitStack() as stack:
        try:
            _files.require_own(path)
            if check_mode:
                _files.try_to_write(path)
            else:
                stack.enter_context(_files.reserved(path, patience=PATIENCE))
        except _files.NotOwn as error:
            raise _not_own(path, error) from None
        except BlockingIOError:
            raise Refused(
                f"Another run is saving a script at {path}.",
                hint="Wait until it has ended. Each connection needs its own path.",
                code="locked",
            ) from None
        except OSError as error:
            raise Refused(
                f"The option path ({path}) can't be used: {error.strerror}.",
                hint="Name a path where the user of this task can write and lock files.",
            ) from None
        yield


def _not_own(path: str, error: OSError) -> Refused:
    return Refused(
        f"The option path ({path}) can't be trusted: {error.strerror}.", hint=_files.MAKE_OWN, code="not_own"
    )


def save(path: str, raw: bytes) -> None:
    """Write the file durably, and read it back.

    :raises NotSaved: the old file, if any, is untouched
    """
    try:
        _files.make_folder(os.path.dirname(os.path.realpath(path)))
        _files.replace(path, raw, MODE)
        back = _files.read_regular(path, limit=None)
    except OSError as error:
        raise not_saved(path, error) from None
    if back != raw:
        raise NotSaved(f"The script read back from {path} is not what was written.", hint="Check the file system.")


def not_saved(path: str, error: OSError) -> NotSaved:
    remedy = "Free some space." if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Name another path."
    return NotSaved(f"The script can't be saved at {path}: {error.strerror}.", hint=remedy)


def restrict(path: str) -> None:
    """Make the file unreadable for other users.

    :raises Refused: it belongs to another user
    """
    try:
        os.chmod(path, MODE)
    except OSError as error:
        raise Refused(
            f"Other users may read the script at {path}, and that can't be changed: {error.strerror}.",
            hint="Run the task as the file's owner, or have the owner set its mode to 0600.",
        ) from None


def remove(path: str) -> None:
    """Remove the file durably, and the unfinished files that killed runs left of writing it.

    Of a symbolic link, both the link and its target, which holds the script, are removed.

    :raises Refused: it can't be removed
    """
    target = os.path.realpath(path)
    try:
        os.unlink(target)
        _files.remove_unfinished(target)
        _files.sync_folder(os.path.dirname(target))
        if os.path.islink(path):
            _files.remove(path)
    except OSError as error:
        raise Refused(
            f"The script at {path} can't be removed: {error.strerror}.",
            hint="Run the task as a user who can write to its folder.",
        ) from None


def digest(raw: bytes) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()
