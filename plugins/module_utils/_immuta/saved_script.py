# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that keeps a clean-up script: recognised, durable, read back.

The first line is an SQL comment that names the owner of the script and holds the digest of everything below it, and the
harmless part of the integration's configuration. So a file of another owner is never overwritten, a damaged or edited one is
noticed, and one rename makes everything durable at once. A script that was regenerated says so there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
import stat
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import Refused

MARK = "-- community.immuta clean-up script, do not edit: "
MODE = 0o600
# In bytes, with the first line. What Immuta renders and what is read back have this one bound.
LARGEST = 64 * 1024 * 1024
# How many scripts that were replaced are kept.
KEPT = 3
# Seconds to wait for another run that saves a script at the same path.
PATIENCE = 10.0
CHOOSE_ANOTHER = "Name another path, or move away what is there."


class NotOurs(Refused):
    """There is something else than a clean-up script that this collection saved."""


class NotSaved(Failure):
    """The script could not be made durable; the old file, if any, is untouched."""

    code = "script_not_saved"


@dataclasses.dataclass(frozen=True)
class Owner:
    """The tenant, connection, and integration to which a script belongs.

    :ivar url: the tenant
    :ivar connection_key: None when the script was asked for by integration id
    :ivar dialect: C(snowflake), C(databricks), or None for a technology whose SQL this collection does not know
    :ivar integration_id: None for a regenerated script, if it is not known
    :ivar hosts: of the platform, as connection and integration name them; files of older versions have none
    :ivar config: the harmless part of the integration's configuration; files of older versions have none
    :ivar regenerated: whether Immuta has rendered the script from a configuration, not for the integration itself
    """

    url: str
    connection_key: str | None
    integration_id: int | None
    technology: str
    dialect: str | None
    hosts: tuple[str, ...] = ()
    config: Configuration | None = None
    regenerated: bool = False

    @property
    def older(self) -> tuple[Owner, ...]:
        """Return it as older versions have saved it: without the configuration, and before that without the hosts."""
        if self.regenerated:
            return ()
        return dataclasses.replace(self, config=None), dataclasses.replace(self, config=None, hosts=())

    def is_same(self, other: Owner) -> bool:
        """Return whether both own the same script. One that was asked for by its integration names no connection."""
        keys = {self.connection_key, other.connection_key} - {None}
        return (self.url, self.integration_id) == (other.url, other.integration_id) and len(keys) < 2


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
    about["config"] = owner.config.as_dict() if owner.config else None
    for name in ("hosts", "config", "regenerated"):
        if not about[name]:
            del about[name]
    # ASCII only, so that no character of a key can end the comment's line.
    return f"{MARK}{json.dumps(about, sort_keys=True)}\n{body}".encode()


def read(path: str) -> Saved | None:
    """Return the script at C(path), or None when there is no file.

    :raises Refused: something else is there
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
        raise Refused(f"The file {path} is larger than any clean-up script.", hint=CHOOSE_ANOTHER) from None
    except OSError as error:
        if stat.S_ISLNK(entry.st_mode) and not os.path.exists(path):
            raise Refused(f"The option path ({path}) is a broken symbolic link.", hint=CHOOSE_ANOTHER) from None
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
        config = about.pop("config", None)
        owner = Owner(**about, hosts=tuple(hosts), config=None if config is None else _configuration(config))
        if not isinstance(owner.regenerated, bool):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise NotOurs(
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


def _configuration(config: t.Any) -> Configuration:
    """Return the configuration that a first line holds.

    :raises ValueError: it is something else
    """
    if not isinstance(config, dict):
        raise ValueError
    try:
        # What is written holds no secret, and what others have put there is not asked for.
        return configuration.read(config, secret=lambda _text: False)
    except InvalidOption:
        raise ValueError from None


def require_intact(saved: Saved) -> None:
    """Refuse a script that was edited or damaged.

    :raises Refused: it was
    """
    if not saved.intact:
        raise Refused(
            f"The script at {saved.path} was changed after it was saved.",
            hint="Move it away so that it is fetched again (while the connection still exists), or restore it"
            " from a copy. To run the changed one, pass the file itself to the platform's script module.",
        )


def kept_path(path: str, number: int = 1) -> str:
    """Return where a script that was replaced is kept: beside the file, also when C(path) is a link to it.

    :param number: 1 for the last one that was replaced, up to C(KEPT)
    """
    return f"{os.path.realpath(path)}.{number}"


def kept(path: str, owner: Owner) -> list[str]:
    """Return the paths of the owner's scripts that were replaced, the last one first.

    :raises Refused: one can't be read
    """
    return [place for place in _places(path) if _is_kept(place, owner)]


def _places(path: str) -> list[str]:
    return [kept_path(path, number) for number in range(1, KEPT + 1)]


def _is_kept(place: str, owner: Owner) -> bool:
    try:
        found = read(place)
    except NotOurs:
        return False
    return found is not None and found.owner.is_same(owner)


def keep(path: str) -> None:
    """Keep the script at C(path) beside it before it is replaced; of those kept before, the oldest may go.

    :raises NotSaved: it can't be kept
    :raises Refused: something else is there
    """
    old, places = read(path), _places(path)
    if old is None:
        return
    for place in places:
        if os.path.lexists(place) and not _is_kept(place, old.owner):
            raise Refused(
                f"The script at {path} would be replaced and kept at {place}, but something else is there.",
                hint=CHOOSE_ANOTHER,
            )
    last = read(places[0])
    if last is not None and last.sha256 == old.sha256:
        # A run that was killed has kept it.
        return
    free = next((number for number, place in enumerate(places) if not os.path.lexists(place)), KEPT - 1)
    try:
        for number in range(free, 0, -1):
            os.replace(places[number - 1], places[number])
        _files.replace(places[0], _files.read_regular(path, limit=LARGEST), MODE)
    except OSError as error:
        raise _not_saved(places[0], error) from None


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
        raise _not_saved(path, error) from None
    if back != raw:
        raise NotSaved(f"The script read back from {path} is not what was written.", hint="Check the file system.")


def _not_saved(path: str, error: OSError) -> NotSaved:
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
