# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that keeps a set-up script. It may be the only place of a password that Immuta has made.

The first line is an SQL comment that says what the script is for, without any secret, and holds the digest of what is below.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    configuration,
    fields,
    integration,
    script_file,
    technologies,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import Refused

MARK = "-- community.immuta set-up script, do not edit: "


# Without these nobody can tell what a script would be for: the host, and the database or catalog that it makes.
PLACE = {"Snowflake": ("host", "database"), "Databricks": ("workspaceUrl", "catalog")}


@dataclasses.dataclass(frozen=True)
class Request:
    """What a set-up script is for, without any secret.

    :ivar url: the tenant
    :ivar integration_id: of the integration that is edited; None for a new one
    :ivar config: the harmless part of the configuration, by Immuta's names
    """

    url: str
    technology: str
    integration_id: int | None
    config: dict[str, t.Any]

    @property
    def dialect(self) -> str:
        """The SQL dialect of the script."""
        return str(technologies.of(self.technology).dialect)

    @property
    def host(self) -> str:
        """The platform's host."""
        return fields.host(str(self.config.get(PLACE[self.technology][0]))) or ""

    @property
    def known(self) -> Configuration:
        """The place of the integration, and what it creates or uses there."""
        about: dict[str, t.Any] = {
            "type": self.technology,
            "id": self.integration_id,
            "host": self.host,
            "port": fields.to_number(self.config.get("port")),
            "warehouse": self.config.get("warehouse"),
            "http_path": self.config.get("httpPath"),
            **integration.made(self.config),
        }
        return Configuration(**{name: value for name, value in about.items() if configuration.fits(name, value)})

    @property
    def place(self) -> tuple[t.Any, ...]:
        """What two scripts for the same thing have in common."""
        home = str(self.config.get(PLACE[self.technology][1]))
        return (self.url, self.technology, self.integration_id, self.host.lower(), home)


@dataclasses.dataclass(frozen=True)
class Saved:
    """A set-up script on the disk.

    :ivar body: the script as Immuta rendered it
    :ivar raw: the whole file
    :ivar mode: the permissions of the file
    :ivar intact: whether the body is what was saved
    """

    path: str
    request: Request
    body: str = dataclasses.field(repr=False)
    raw: bytes = dataclasses.field(repr=False)
    mode: int
    intact: bool

    @property
    def sha256(self) -> str:
        """The digest of the whole file."""
        return script_file.digest(self.raw)


def contents(request: Request, body: str) -> bytes:
    """Return the bytes of the file; they are the same for the same request and script."""
    about = {"version": 1, **dataclasses.asdict(request), "sha256": script_file.digest(body.encode())}
    return f"{MARK}{json.dumps(about, sort_keys=True)}\n{body}".encode()


def is_one(raw: bytes) -> bool:
    """Return whether a file says that it is a set-up script."""
    return raw.startswith(MARK.encode())


def read(path: str) -> Saved | None:
    """Return the script at C(path), or None when there is no file.

    :raises Refused: something else is there
    """
    found = script_file.read(path)
    if found is None:
        return None
    raw, mode = found
    head, _newline, below = raw.partition(b"\n")
    try:
        if not is_one(head):
            raise ValueError
        about = json.loads(head[len(MARK) :])
        expected = about.pop("sha256")
        if about.pop("version") != 1:
            raise ValueError
        request = Request(**about)
        if request.technology not in PLACE or not isinstance(request.config, dict):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Refused(
            f"The file {path} is not a set-up script that this collection saved.", hint=script_file.CHOOSE_ANOTHER
        ) from None
    body = below.decode("utf-8", "replace")
    return Saved(path, request, body, raw, mode, script_file.digest(below) == expected)


def find(path: str) -> Saved | None:
    """Return the file if it is a set-up script; None for anything else."""
    with contextlib.suppress(Refused):
        return read(path)
    return None


def require_own(saved: Saved, request: Request) -> None:
    """Refuse a script that is for something else, or was edited.

    :raises Refused: says which
    """
    if saved.request.place != request.place:
        there = saved.request
        number = "" if there.integration_id is None else f" (integration {there.integration_id})"
        raise Refused(
            f"The script at {saved.path} is for {there.technology} on {there.host},"
            f" {there.config.get(PLACE[there.technology][1])!r}{number}, from {there.url}. Nothing was changed.",
            hint=script_file.CHOOSE_ANOTHER,
        )
    if not saved.intact:
        raise Refused(
            f"The script at {saved.path} was changed after it was saved. Nothing was changed.",
            hint="Restore it from a copy, or move it away so that another one is asked for.",
        )
