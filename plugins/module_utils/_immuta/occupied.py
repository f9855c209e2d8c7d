# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether another integration is in use in the place of a script: the script would remove what that one needs.

So it is when a connection was registered again, or when two are in one database. What two configurations can't tell for certain
counts as the same place. Others on the platform may sign in with what a script takes away: these are found here, too.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    configuration,
    errors,
    fields,
    technologies,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import Connection
from ansible_collections.community.immuta.plugins.module_utils._immuta.integration import ENDING_STATUSES, Integration

BY_HAND = "run immuta_cleanup_script with state=executed."
Relation = t.Literal["same", "apart", "unknown"]
# What two integrations with databases of their own may have in common.
SHARED = ("role", "user", "principal")


def _other_text(_dialect: str | None, one: str, other: str) -> bool:
    return one.casefold() != other.casefold()


def _one_text(dialect: str | None, one: str, other: str) -> bool:
    return not _other_text(dialect, one, other)


@dataclasses.dataclass(frozen=True)
class Rules:
    """What is known of platforms and of credentials elsewhere.

    :ivar secret: tells whether a text has the form of a credential
    :ivar apart: tells of a dialect and two hosts whether what is on one is certainly not on the other
    :ivar same: tells of them whether both lead to one platform for certain
    :ivar accepted: whether a place that may be the same, but not for certain, counts as another one
    """

    secret: t.Callable[[str], bool] = lambda _text: False
    apart: t.Callable[[str | None, str, str], bool] = _other_text
    same: t.Callable[[str | None, str, str], bool] = _one_text
    accepted: bool = False


NO_RULES = Rules()


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a script would be run, and how far it has come.

    :ivar hosts: all names that are known of the platform
    :ivar exists: whether the connection does; None if it was not asked for
    :ivar started: whether a part of the script has run
    :ivar regenerated: whether the script was rendered from a configuration, so that what it names may be another one's, too
    """

    known: Configuration
    hosts: tuple[str | None, ...]
    exists: bool | None
    started: bool
    regenerated: bool = False

    def shared(self, other: Configuration) -> dict[str, str]:
        """Return the accounts and roles of a regenerated script that another integration uses, too."""
        mine, theirs = self.known.made, other.made
        both = {name: mine[name] for name in SHARED if self.regenerated and name in mine and name in theirs}
        return {name: value for name, value in both.items() if fields.folded(value) == fields.folded(theirs[name])}

    def relation(self, other: Configuration, rules: Rules) -> Relation:
        """Return whether another integration is in this place."""
        mine, dialect = self.known, technologies.of(self.known.type or other.type or "").dialect
        homes = {fields.folded(home) for home in (mine.home, other.home) if home}
        if (len(homes) > 1 and not self.shared(other)) or not (homes or dialect):
            return "apart"
        platform = self.platform(other.type, other.host, rules)
        # In another case, a name in quotes is another one, unless Immuta has left the quotes out.
        one = bool(mine.home and other.home and fields.same_name(mine.home, other.home))
        return "unknown" if platform == "same" and not (one and mine.type and other.type) else platform

    def platform(self, technology: str | None, host: str | None, rules: Rules) -> Relation:
        """Return whether a host of a technology is on this platform."""
        mine = self.known.type
        if mine and technology and not _same_technology(mine, technology):
            return "apart"
        dialect = technologies.of(mine or technology or "").dialect
        theirs, hosts = (host or "").casefold(), {own.casefold() for own in self.hosts if own}
        if theirs and any(rules.same(dialect, own, theirs) for own in hosts):
            return "same"
        return "apart" if theirs and any(rules.apart(dialect, own, theirs) for own in hosts) else "unknown"


def _same_technology(one: str, other: str) -> bool:
    dialect = technologies.of(one).dialect
    return one.casefold() == other.casefold() or (dialect is not None and dialect == technologies.of(other).dialect)


def beside(
    mine: Configuration, integrations: t.Iterable[Integration], rules: Rules
) -> t.Iterator[tuple[Integration, Relation]]:
    """Yield each integration in use, and whether it is in the place of a new one."""
    place = Place(mine, (mine.host,), exists=False, started=False)
    for one in integrations:
        if one.in_use:
            yield one, place.relation(configuration.of(one), rules)


class Other(t.NamedTuple):
    """An integration or a connection that signs in on the platform of a script, or may.

    :ivar name: for a sentence
    :ivar made: with what it signs in, and what it has there, in the words of C(made_by)
    """

    name: str
    made: dict[str, str]


def others(
    place: Place, integrations: t.Iterable[Integration], connections: t.Iterable[Connection], rules: Rules
) -> list[Other]:
    """Return what is in use on the platform of a script besides its own integration.

    :param connections: without the script's own
    """
    known = list(connections)
    names = {one.integration_id: f"the connection {one.key!r}" for one in known}
    told = [
        *(
            (names.get(one.id, f"the integration {one.id}"), one.type, one.host, one.made)
            for one in integrations
            if one.in_use and one.id != place.known.id and one.status not in ENDING_STATUSES
        ),
        *((f"the connection {one.key!r}", one.technology, one.hostname, one.signs_in) for one in known),
    ]
    near = {"same", *(() if rules.accepted else ("unknown",))}
    return [Other(name, made) for name, kind, host, made in told if made and place.platform(kind, host, rules) in near]


def on_host(one: Integration) -> str:
    """Return the start of a sentence about an integration that may be in the way of a new one."""
    return f"The integration {one.id} ({one.status!r}) is on {one.host}"


def in_place(one: Integration, mine: Configuration) -> str:
    """Return the start of a sentence about one that is."""
    return f"{on_host(one)}, in the same {'catalog' if mine.catalog else 'database'} {mine.home!r}"


def require_free(place: Place, integrations: t.Iterable[Integration], rules: Rules) -> None:
    """Refuse a script that would remove what another integration in use has on the platform.

    :raises Refused: one in use is in the same place, or may be
    """
    for one in integrations:
        if one.id == place.known.id or not one.in_use or one.status in ENDING_STATUSES:
            continue
        about = configuration.of(one, secret=rules.secret)
        relation = place.relation(about, rules)
        if relation == "same" or (relation == "unknown" and not rules.accepted):
            raise _occupied(place, one, about, certain=relation == "same")


def _occupied(place: Place, one: Integration, about: Configuration, *, certain: bool) -> errors.Refused:
    where = f"the same place, {_where(about)}"
    if shared := place.shared(about):
        named = " and ".join(f"the {name} {value!r}" for name, value in shared.items())
        where = f"{_where(about)}, and uses {named}, as this regenerated script does"
    elif not certain:
        where = f"{_where(about)}, which may be the same place as {_where(place.known)}"
    done = "A part of the script has run already; the rest was not run." if place.started else "Nothing was changed."
    hint = _remedy(place, one.id)
    if not certain:
        hint += (
            " If they are certainly not in one account or metastore, set same_place=accept (in the role,"
            " immuta_deregister_same_place)."
        )
    return errors.Refused(
        f"The integration {one.id} is {one.status!r}, and is in {where}: the script would remove what that one needs. {done}",
        hint=hint,
        code="integration_shared",
    )


def _where(known: Configuration) -> str:
    kind = "catalog" if technologies.of(known.type or "").dialect == "databricks" else "database"
    home = f"the {kind} {known.home!r}" if known.home else f"a {kind} that is not known"
    return f"{home} on {known.host}" if known.host else f"{home} on a host that is not known"


def _remedy(place: Place, number: int) -> str:
    if place.started:
        return (
            f"Decide whether the integration {number} is needed. If it isn't, deregister its connection, and rerun this. If it"
            f" is, have a person remove what is left of the old one, and record that: {BY_HAND}"
        )
    if place.exists:
        return (
            f"Decide which of the two is needed. If the integration {number} is, don't run this script: delete this connection"
            f" in Immuta, and leave the platform as it is. If both are to go, disable the integration {number} in Immuta, and"
            " rerun this."
        )
    return (
        f"Deregister the connection of the integration {number}, whose script Immuta renders: it removes what is there. If the"
        f" script of this one was run by other means, record that: {BY_HAND}"
    )
