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
import json
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import configuration, script_file
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import Refused

MARK = "-- community.immuta clean-up script, do not edit: "
# How many scripts that were replaced are kept.
KEPT = 3


class NotOurs(Refused):
    """There is something else than a clean-up script that this collection saved."""


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

    def is_former(self, connection_key: str | None, integration_id: int | None) -> bool:
        """Return whether the script belongs to this connection, but to another integration, which it had before."""
        same = self.connection_key is not None and self.connection_key == connection_key
        return same and self.integration_id != integration_id


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
    about = {"version": 1, **dataclasses.asdict(owner), "sha256": script_file.digest(body.encode())}
    about["config"] = owner.config.as_dict() if owner.config else None
    for name in ("hosts", "config", "regenerated"):
        if not about[name]:
            del about[name]
    # ASCII only, so that no character of a key can end the comment's line.
    return f"{MARK}{json.dumps(about, sort_keys=True)}\n{body}".encode()


def keys_beside(path: str) -> list[str]:
    """Return the keys of the connections whose scripts are in the folder of a path, ordered."""
    folder = os.path.dirname(path) or "."
    keys: set[str | None] = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            # Anything else may be there.
            with contextlib.suppress(Refused):
                saved = read(os.path.join(folder, name)) if name.endswith(".sql") else None
                keys.add(saved.owner.connection_key if saved else None)
    return sorted(filter(None, keys))


def read(path: str) -> Saved | None:
    """Return the script at C(path), or None when there is no file.

    :raises Refused: something else is there
    """
    found = script_file.read(path)
    return None if found is None else _parse(path, *found)


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
            f"The file {path} is not a clean-up script that this collection saved.", hint=script_file.CHOOSE_ANOTHER
        ) from None
    return Saved(
        path=path,
        owner=owner,
        body=below.decode("utf-8", "replace"),
        sha256=script_file.digest(raw),
        size=len(raw),
        mode=mode,
        intact=script_file.digest(below) == expected,
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
                hint=script_file.CHOOSE_ANOTHER,
            )
    last = read(places[0])
    if last is not None and last.sha256 == old.sha256:
        # A run that was killed has kept it.
        return
    free = next((number for number, place in enumerate(places) if not os.path.lexists(place)), KEPT - 1)
    try:
        for number in range(free, 0, -1):
            os.replace(places[number - 1], places[number])
        _files.replace(places[0], _files.read_regular(path, limit=script_file.LARGEST), script_file.MODE)
    except OSError as error:
        raise script_file.not_saved(places[0], error) from None
