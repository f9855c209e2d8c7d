# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that keeps a clean-up script: recognised, durable, read back.

The first line is an SQL comment that names the owner of the script and holds the digest of everything below it. So a
file of another owner is never overwritten, a damaged or edited one is noticed, and one rename makes everything durable
at once.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import stat

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import Refused

MARK = "-- community.immuta clean-up script, do not edit: "
MODE = 0o600
LARGEST = 64 * 1024 * 1024
LONGEST_NAME = 200
CHOOSE_ANOTHER = "Name another path, or move what is there away."


class NotSaved(Failure):
    """The script could not be made durable; the old file, if any, is untouched."""

    code = "script_not_saved"


@dataclasses.dataclass(frozen=True)
class Owner:
    """What a script belongs to.

    :ivar url: the tenant
    :ivar connection_key: None when the script was asked for by integration id
    :ivar dialect: C(snowflake), C(databricks), or None for a technology whose SQL this collection does not know
    :ivar hosts: of the platform, as connection and integration name them; files of older versions have none
    """

    url: str
    connection_key: str | None
    integration_id: int
    technology: str
    dialect: str | None
    hosts: tuple[str, ...] = ()

    @property
    def without_hosts(self) -> Owner:
        """Return it as older versions have saved it."""
        return dataclasses.replace(self, hosts=())


@dataclasses.dataclass(frozen=True)
class Saved:
    """A script file on the disk.

    :ivar body: the script as Immuta rendered it
    :ivar sha256: of the whole file, as C(sha256sum) prints it
    :ivar size: of the whole file, in bytes
    :ivar mode: the permissions of the file
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
    """Return the bytes of the file; they are the same for the same owner and script."""
    about = {"version": 1, **dataclasses.asdict(owner), "sha256": digest(body.encode())}
    if not owner.hosts:
        del about["hosts"]
    # ASCII only, so that no character of a key can end the comment's line.
    return f"{MARK}{json.dumps(about, sort_keys=True)}\n{body}".encode()


def read(path: str) -> Saved | None:
    """Return the script at C(path), or None when there is no file.

    :raises Refused: there is something else
    """
    try:
        entry = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"The option path ({path}) can't be looked at: {error.strerror}.") from None
    try:
        raw, mode = _files.read_with_mode(path, limit=LARGEST)
    except _files.NotRegular:
        raise Refused(f"The option path ({path}) is not a regular file.", hint=CHOOSE_ANOTHER) from None
    except _files.TooLarge:
        raise Refused(f"The file {path} is larger than any clean-up script.", hint=CHOOSE_ANOTHER) from None
    except OSError as error:
        if stat.S_ISLNK(entry.st_mode) and not os.path.exists(path):
            raise Refused(f"The option path ({path}) is a symbolic link into nowhere.", hint=CHOOSE_ANOTHER) from None
        raise Refused(f"The file {path} can't be read: {error.strerror}.", hint=CHOOSE_ANOTHER) from None
    return _parse(path, raw, mode)


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
        hosts = about.pop("hosts", [])
        if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
            raise ValueError
        owner = Owner(**about, hosts=tuple(hosts))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Refused(
            f"The file {path} is not a clean-up script that this collection saved.", hint=CHOOSE_ANOTHER
        ) from None
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
    """Refuse a path that can't be written, before Immuta is asked.

    :raises Refused: names the folder at fault
    """
    folder = os.path.dirname(os.path.realpath(path))
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        raise Refused(f"The option path ({path}) can't be used: {folder} is not a folder.", hint=CHOOSE_ANOTHER)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Refused(
            f"The option path ({path}) can't be written: no permission in {folder}.",
            hint="Name a folder that the user of this task can write to.",
        )
    if len(os.path.basename(path).encode()) > LONGEST_NAME:
        raise Refused(
            f"The option path ({path}) has a file name of more than {LONGEST_NAME} bytes.", hint="Name another path."
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
        remedy = "Free some space." if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Name another path."
        raise NotSaved(f"The script can't be saved at {path}: {error.strerror}.", hint=remedy) from None
    if back != raw:
        raise NotSaved(f"The script read back from {path} is not what was written.", hint="Check the file system.")


def restrict(path: str) -> None:
    """Make the file unreadable for other users.

    :raises Refused: it belongs to another user
    """
    try:
        os.chmod(path, MODE)
    except OSError as error:
        raise Refused(
            f"Other users may read the script at {path}, and that can't be changed: {error.strerror}.",
            hint="Run the task as the user whose file it is, or have that user set its mode to 0600.",
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
