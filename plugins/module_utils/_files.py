# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files: durable writes, bounded reads, and locks.

Durable means that a crash of the machine leaves either the old file or the new one, whole. Every function raises
OSError as the system calls do, unless it says otherwise.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile

MODE = 0o600
FOLDER_MODE = 0o700


class NotRegular(OSError):
    """The path leads to something other than a regular file."""


class TooLarge(OSError):
    """The file is larger than the limit."""


def replace(path: str, data: bytes, mode: int = MODE) -> None:
    """Write a whole file durably: beside the old one, synced, then renamed over it.

    A symbolic link stays, and the file that it leads to is replaced. Unfinished files that killed processes left
    beside it are removed first. After an error the old file, if any, is untouched.

    :param mode: the permissions of the new file
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    remove_unfinished(target)
    prefix, suffix = _unfinished_name(target)
    handle, temporary = tempfile.mkstemp(suffix, prefix, folder)
    try:
        with os.fdopen(handle, "wb") as file:
            # The lock marks the file as being written. It ends with the process, however that ends.
            with contextlib.suppress(OSError):
                lock(file.fileno())
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def remove_unfinished(path: str) -> None:
    """Remove the unfinished files that killed processes left of replacing C(path), but none that is being written."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    prefix, suffix = _unfinished_name(target)
    for name in os.listdir(folder):
        if not (name.startswith(prefix) and name.endswith(suffix)):
            continue
        # Another process may finish or remove it at any moment.
        with contextlib.suppress(OSError), open(os.path.join(folder, name), "rb") as file:
            lock(file.fileno())
            os.unlink(file.name)


def _unfinished_name(target: str) -> tuple[str, str]:
    """Return prefix and suffix of the names of unfinished files."""
    return f".{os.path.basename(target)}.", ".new"


def make_folder(folder: str) -> None:
    """Make a folder and the missing ones above it, durably, for the owner only."""
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    make_folder(parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, FOLDER_MODE)
    sync_folder(parent)


def sync_folder(path: str) -> None:
    """Make a folder's entries durable. Some file systems can't do that; there the rename has to suffice."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: str) -> None:
    """Remove a file or a link, durably."""
    os.unlink(path)
    sync_folder(os.path.dirname(os.path.abspath(path)))


def read_regular(path: str, *, limit: int | None) -> bytes:
    """Return the content of a regular file.

    :param limit: the largest size, in bytes; None for no limit
    :raises NotRegular: it is a folder, a pipe, a device
    :raises TooLarge: it has more bytes than C(limit)
    """
    return read_with_mode(path, limit=limit)[0]


def read_with_mode(path: str, *, limit: int | None) -> tuple[bytes, int]:
    """Like C(read_regular), and return the file's permissions too."""
    try:
        # Without O_NONBLOCK, opening a pipe would wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise _not_regular(path) from None
        raise
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise _not_regular(path, folder=stat.S_ISDIR(status.st_mode))
    with os.fdopen(handle, "rb") as file:
        data = file.read() if limit is None else file.read(limit + 1)
        if limit is not None and len(data) > limit:
            raise TooLarge(errno.EFBIG, f"Larger than {limit} bytes", path)
        return data, stat.S_IMODE(status.st_mode)


def _not_regular(path: str, *, folder: bool = False) -> NotRegular:
    if folder:
        return NotRegular(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return NotRegular(errno.EINVAL, "Not a regular file", path)


def append(handle: int, line: bytes) -> None:
    """Append a line to an open file, durably. A crash leaves it whole, torn, or not there."""
    if os.write(handle, line) != len(line):
        # A full disk takes a part without an error.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(handle)


def lock(handle: int) -> None:
    """Lock an open file without waiting. The lock ends when the file is closed or the process ends.

    :raises BlockingIOError: another process holds it
    """
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock_at(handle: int, path: str) -> None:
    """Lock an open file that must still be the one at C(path).

    :raises BlockingIOError: another process holds it, or has removed or replaced it since it was opened
    """
    lock(handle)
    with contextlib.suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(handle), os.stat(path)):
            return
    raise BlockingIOError
