# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other hosts of the play: none of them may have the same connection, or keep its script in the same file."""

from __future__ import annotations

import dataclasses
import posixpath
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import file_name

LOCAL = ("localhost", "127.0.0.1", "::1")
# The variables that this depends on, without their prefix.
NAMES = ("connection_key", "script_path", "script_dir", "script_host")
Variables = t.Mapping[str, t.Any]


def about(host: str, hosts: t.Mapping[str, Variables]) -> Variables:
    """The variables of a host; none if it is not in the inventory."""
    # Ansible's own mapping has an answer for every name, so get() would not do.
    return hosts[host] if host in hosts else {}  # noqa: SIM401


def is_local(host: str, hosts: t.Mapping[str, Variables], connection: str) -> bool:
    """Whether a host is the controller.

    :param connection: of a host that names none
    """
    return host in LOCAL or (about(host, hosts).get("ansible_connection") or connection) == "local"


@dataclasses.dataclass(frozen=True)
class Site:
    """Facts that all hosts of the play share.

    :ivar hosts: the variables of each
    :ivar connection: of a host that names none
    :ivar folder: of the scripts of a host that names none
    :ivar prefix: of the role's variables
    :ivar suffix: of the scripts
    """

    hosts: t.Mapping[str, Variables]
    connection: str
    folder: str
    prefix: str
    suffix: str

    @property
    def names(self) -> list[str]:
        """The variables that this depends on."""
        return [f"{self.prefix}{name}" for name in NAMES]


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """A host of the play.

    :ivar keeper: the host that keeps its script
    :ivar path: there
    """

    host: str
    connection_key: str
    keeper: str
    path: str
    site: Site

    @property
    def machine(self) -> str:
        """Where the script is kept: C(localhost), or address and port."""
        hosts = self.site.hosts
        if is_local(self.keeper, hosts, self.site.connection):
            return LOCAL[0]
        own = about(self.keeper, hosts)
        return f"{own.get('ansible_host') or self.keeper}:{own.get('ansible_port') or 22}"


def neighbour(host: str, variables: Variables, site: Site) -> Neighbour | None:
    """Describe a host; None when it is for no connection.

    :param variables: those of C(site.names) that it has
    """
    given = {name.removeprefix(site.prefix): value for name, value in variables.items() if value not in ("", None)}
    if "connection_key" not in given:
        return None
    key = str(given["connection_key"])
    path = given.get("script_path") or f"{given.get('script_dir', site.folder)}/{file_name(key)}{site.suffix}"
    keeper = str(given.get("script_host", host))
    return Neighbour(host, key, keeper, posixpath.normpath(str(path)), site)


def mistakes(mine: Neighbour, others: t.Iterable[Neighbour], same_tenant: t.Callable[[str], bool]) -> list[str]:
    """Conflicts with the play's other hosts, a sentence or two for the first of each kind.

    :param same_tenant: whether a host, by its name, asks the tenant that this one asks
    """
    prefix = mine.site.prefix
    twins, guests = [], []
    for other in others:
        if other.connection_key == mine.connection_key and same_tenant(other.host):
            twins.append(other.host)
        elif other.path == mine.path and other.machine == mine.machine:
            guests.append(other.host)
    found = []
    if twins:
        found.append(
            f'The host "{twins[0]}" of this play is for the same connection "{mine.connection_key}"'
            f" ({prefix}connection_key). Keep one of them."
        )
    if guests:
        found.append(
            f'The host "{guests[0]}" of this play keeps its script in the same file, {mine.path} on {mine.machine}. Give'
            f" each connection its own {prefix}script_path, or set {prefix}script_dir instead."
        )
    return found


def too_many_failed(
    batch: t.Sequence[str], before: t.Iterable[str], failed: t.Container[str], limit: float
) -> list[str]:
    """The hosts that have failed, if they are more than a play allows; Ansible counts a host when its run has ended.

    :param batch: the hosts that are worked on side by side
    :param before: those of earlier batches
    :param limit: per cent of a batch that may fail
    """
    for hosts in (list(before), batch):
        found = [host for host in hosts if host in failed]
        if found and 100 * len(found) / len(batch) > limit:
            return found
    return []
