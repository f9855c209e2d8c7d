# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files: durable writes, bounded reads, locks, and whose they are.

Durable means that a crash of the machine leaves either the old file or the new one, whole. Every function raises
OSError as the system calls do, unless it says otherwise.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import shutil
import stat
import tempfile
import time
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _pauses

MODE = 0o600
FOLDER_MODE = 0o700
# As many links in a row as Linux follows.
MOST_LINKS = 40
# Seconds between two looks at a place that another process has.
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
# Looks at a folder that another process tries, too. None takes longer than to write a file.
TRIES = 10
MAKE_OWN = (
    "Keep it where only the user of this task can write: that user or root must own the file and each folder above it,"
    " without write permission for group and others (chmod go-w)."
)


class NotRegular(OSError):
    """The path leads to something other than a regular file."""


class TooLarge(OSError):
    """The file is larger than the limit."""


class NotOwn(OSError):
    """Other users may change or replace the file; C(strerror) says who or where."""


def replace(path: str, data: bytes, mode: int = MODE) -> None:
    """Write a whole file durably: beside the old one, synced, then renamed over it.

    A symbolic link stays, and the file that it leads to is replaced. Unfinished files that killed processes left
    beside it are removed first. After an error the old file, if any, is untouched.

    :param mode: the permissions of the new file
    """
    _write(os.path.realpath(path), data, mode, os.replace)


def create(path: str, data: bytes, mode: int = MODE) -> None:
    """Create a file durably, as C(replace) does, where none exists.

    :raises FileExistsError: there is something, which stays
    """

    def link(temporary: str, target: str) -> None:
        os.link(temporary, target)
        os.unlink(temporary)

    # Not where a link leads: the link is something.
    _write(os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)), data, mode, link)


def _write(target: str, data: bytes, mode: int, put: t.Callable[[str, str], None]) -> None:
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
            put(temporary, target)
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
        with contextlib.suppress(OSError):
            unfinished = os.path.join(folder, name)
            handle = open_regular(unfinished, os.O_RDWR | os.O_NOFOLLOW)
            try:
                lock(handle)
                os.unlink(unfinished)
            finally:
                os.close(handle)


def _unfinished_name(target: str) -> tuple[str, str]:
    """Return prefix and suffix of the names of unfinished files."""
    return f".{os.path.basename(target)}.", ".new"


def make_folder(folder: str, made: list[str] | None = None) -> None:
    """Make a folder and the missing ones above it, durably, for the owner only.

    :param made: is told each folder that was made, the outermost first
    """
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    make_folder(parent, made)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, FOLDER_MODE)
        if made is not None:
            made.append(folder)
    sync_folder(parent)


@contextlib.contextmanager
def reserved(path: str, *, patience: float = 0.0) -> t.Iterator[None]:
    """Keep the place of a file for this process, and try all that writing there takes.

    The folder is made, and a file beside C(path) is written, synced, and locked; its name is as long as the longest one
    that C(replace) uses. Afterwards the file is removed, and after a failure a new folder, too.

    :param patience: seconds to wait for another process
    :raises BlockingIOError: another process has the place
    """
    target = os.path.realpath(path)
    with contextlib.suppress(FileNotFoundError):
        _require_regular(os.stat(target), target)
    # What a killed process leaves of it is removed by the next one, as an unfinished file.
    mark = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.reserved.new")
    made: list[str] = []
    try:
        handle = _reserve(mark, made, patience)
        try:
            append(handle, b"\n")
            yield
        finally:
            with contextlib.suppress(OSError):
                os.unlink(mark)
            os.close(handle)
    except BaseException:
        _remove_folders(made)
        raise


def try_to_write(path: str) -> None:
    """Try all that keeping a place and C(replace) take at a path, and leave everything as it was, times included.

    Folders that are missing are tried under another name, where no other process makes any.

    :raises BlockingIOError: another process has the place
    """
    target = os.path.realpath(path)
    above = os.path.dirname(target)
    while not os.path.lexists(above):
        above = os.path.dirname(above)
    with _as_it_was(above), contextlib.ExitStack() as trial:
        below = os.path.relpath(target, above)
        if os.path.dirname(below):
            above = tempfile.mkdtemp(".new", ".", above)
            trial.callback(shutil.rmtree, above)
        with reserved(os.path.join(above, below)):
            pass


@contextlib.contextmanager
def _as_it_was(folder: str) -> t.Iterator[None]:
    """Give a folder back its times, after waiting for others that do the same; unless it can't be, or isn't ours."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, handle)
            for pause in itertools.islice(_pauses.growing(FIRST_PAUSE, LONGEST_PAUSE), TRIES):
                try:
                    lock(handle)
                    break
                except BlockingIOError:
                    time.sleep(pause)
        times = os.stat(folder)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.utime(folder, ns=(times.st_atime_ns, times.st_mtime_ns))


def _remove_folders(made: t.Sequence[str]) -> None:
    """Remove the folders that were made, unless they have come to hold something."""
    with contextlib.suppress(OSError):
        for one in reversed(made):
            os.rmdir(one)


def _reserve(mark: str, made: list[str], patience: float) -> int:
    """Return the handle of the locked file, whose folder another process may remove when it gives up."""
    pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE)
    end = time.monotonic() + patience
    while True:
        make_folder(os.path.dirname(mark), made)
        try:
            handle = open_regular(mark, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
            try:
                lock_at(handle, mark)
            except BaseException as error:
                os.close(handle)
                if not isinstance(error, BlockingIOError):
                    os.unlink(mark)
                raise
            return handle
        except FileNotFoundError:
            if os.path.isdir(os.path.dirname(mark)):
                raise
        except BlockingIOError:
            if time.monotonic() >= end:
                raise
        time.sleep(next(pauses))


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


def read_with_mode(path: str, *, limit: int | None, follow: bool = True) -> tuple[bytes, int]:
    """Like C(read_regular), and return the file's permissions too.

    :param follow: whether C(path) may be a symbolic link
    """
    handle = open_regular(path, os.O_RDONLY | (0 if follow else os.O_NOFOLLOW))
    with os.fdopen(handle, "rb") as file:
        data = file.read() if limit is None else file.read(limit + 1)
        if limit is not None and len(data) > limit:
            raise TooLarge(errno.EFBIG, f"Larger than {limit} bytes", path)
        return data, stat.S_IMODE(os.fstat(file.fileno()).st_mode)


def read_own(path: str, *, limit: int | None, follow: bool = True) -> tuple[bytes, int]:
    """Like C(read_with_mode), of a file that no other user may change.

    :raises NotOwn: another user may change it, or put another file in its place
    """
    require_own(path)
    return read_with_mode(path, limit=limit, follow=follow)


def open_regular(path: str, flags: int) -> int:
    """Open a regular file without blocking. With O_NOFOLLOW, a symbolic link is refused.

    :raises NotRegular: it is a folder, a pipe, a device, a link
    """
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its other end.
        handle = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, MODE)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ELOOP):
            raise _not_regular(path) from None
        raise
    try:
        _require_regular(os.fstat(handle), path)
    except NotRegular:
        os.close(handle)
        raise
    return handle


def _require_regular(status: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise NotRegular(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(status.st_mode):
        raise _not_regular(path)


def require_own(path: str) -> None:
    """Refuse a file that other users may change, replace, or have created, as ssh refuses a key. It need not exist.

    It, and every folder and link on the way to it, has to belong to this user or the super-user, and only they may write
    to it. A folder with the sticky bit may be writable for all: there, nobody can rename or remove files of others.

    :raises NotOwn: says which one is at fault
    """
    # In a user namespace the super-user has another number: that of whoever owns the root of all.
    trusted = (0, os.geteuid(), os.lstat("/").st_uid)
    for place, status in _way(path):
        if status.st_uid not in trusted:
            raise NotOwn(errno.EPERM, f"{place} belongs to another user (uid {status.st_uid})", place)
        mode = stat.S_IMODE(status.st_mode)
        shared = stat.S_ISDIR(status.st_mode) and mode & stat.S_ISVTX
        if mode & 0o022 and not shared and not stat.S_ISLNK(status.st_mode):
            raise NotOwn(errno.EPERM, f"other users may write to {place} (mode {mode:04o})", place)


def _way(path: str) -> t.Iterator[tuple[str, os.stat_result]]:
    """Yield all that a path is looked up in, links included, as far as it exists, and the file itself."""
    here, links = "/", 0
    rest = os.path.join(os.getcwd(), path).split("/")[::-1]
    yield here, os.lstat(here)
    while rest:
        name = rest.pop()
        if name in ("", "."):
            continue
        if name == "..":
            here = os.path.dirname(here)
            continue
        place = os.path.join(here, name)
        try:
            status = os.lstat(place)
        except FileNotFoundError:
            return
        yield place, status
        if not stat.S_ISLNK(status.st_mode):
            here = place
            continue
        links += 1
        if links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = os.readlink(place)
        rest += target.split("/")[::-1]
        here = "/" if os.path.isabs(target) else here


def _not_regular(path: str) -> NotRegular:
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
