# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges whether objects that look like Immuta's are in use, left over, or not certain.

An object is left over only if nothing speaks against it: the tenant shows all that it has, and none of that may be on this
platform with this name; what is there is what the vendor documents, not just a similar name; and nobody has lately made it, as for
an integration that is not registered yet, or signed in with it, as another tenant would.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import documented, leftovers
from ansible_collections.community.immuta.plugins.plugin_utils._audit import kin

State = t.Literal["in_use", "left_over", "not_certain"]
Row = t.Mapping[str, t.Any]

DATABRICKS = "databricks"
PAIR = frozenset({"system_role", "system_user"})
# What the configuration of an integration names beside its database or catalog: the kind of object, and what to call it.
CONFIGURED = {
    "role": ("ROLE", "role"),
    "impersonation_role": ("ROLE", "role for impersonation"),
    "user": ("USER", "user"),
    "principal": ("SERVICE PRINCIPAL", "service principal"),
}


class Verdict(t.NamedTuple):
    """The state of an object, and the reason, in a sentence."""

    state: State
    reason: str


@dataclasses.dataclass(frozen=True)
class Tenant:
    """The tenant's own lists.

    :ivar integrations: as the module C(immuta_integration_info) returns them
    :ivar connections: as the module C(immuta_connection_info) returns them
    :ivar problem: why that may not be all, as a sentence, or ""
    """

    integrations: t.Sequence[Row] = ()
    connections: t.Sequence[Row] = ()
    problem: str = ""

    def of(self, platform: str) -> list[Row]:
        """The integrations that are, or may be, of a platform."""
        return [one for one in self.integrations if platform in (one["type"] or platform).lower()]

    def names(self, platform: str) -> list[str]:
        """The databases or catalogs of a platform's integrations."""
        return sorted({name for one in self.of(platform) if (name := one[_home(platform)])})

    def hosts(self, platform: str) -> list[str]:
        """The hosts of a platform's integrations and connections."""
        own = [one["hostname"] for one in self.connections if one["technology"].lower() == platform]
        return sorted({host for host in (*(one["host"] for one in self.of(platform)), *own) if host})


@dataclasses.dataclass(frozen=True)
class Judge:
    """Judges the objects of one account or metastore.

    :ivar platform: C(snowflake) or C(databricks)
    :ivar seen: what the platform's module has returned
    :ivar idle: for how long nobody must have made, or signed in with, what is left over
    :ivar now: the time
    """

    platform: str
    seen: Row
    tenant: Tenant
    idle: datetime.timedelta
    now: datetime.datetime
    _families: dict[str, Verdict] = dataclasses.field(default_factory=dict, init=False, repr=False)

    def findings(self) -> list[dict[str, t.Any]]:
        """The objects, each with C(state) and C(reason): what is left over first, then what is not certain."""
        found = [{**one, **self.judge(one)._asdict()} for one in self.seen["objects"]]
        return kin.settled(self.platform, found)

    def judge(self, one: Row) -> Verdict:
        """The verdict on an object by itself, without those that belong to it."""
        return max([*self._configured(one), self._found(one)], key=lambda verdict: kin.ORDER.index(verdict.state))

    def _configured(self, one: Row) -> t.Iterator[Verdict]:
        """The verdicts by the integrations that name an object in their configurations."""
        for each in self.tenant.of(self.platform):
            where = self._relation(each["host"])
            if _is_deleted(each) or (where == "different" and self.platform != DATABRICKS):
                continue
            for field, (kind, called) in CONFIGURED.items():
                name = each["integration_config"].get(field, "")
                if one["kind"] != kind or one["path"][0].casefold() != name.casefold():
                    continue
                reason = f"Integration {each['id']} ({each['status']}) names it as its {called}."
                certain = self._is_active(each) and where == "same"
                yield Verdict("in_use" if certain else "not_certain", reason)

    def _found(self, one: Row) -> Verdict:
        if one["part"] == "principal":
            return self._principal(one)
        if one["home"] is None:
            return Verdict("not_certain", "Only its name resembles Immuta's. It is not a documented name.")
        return self.family(one["home"])

    def _principal(self, one: Row) -> Verdict:
        if one["home"] is None:
            return Verdict("not_certain", "It has Immuta's name, but owns no catalog that is listed here.")
        owner = one["path"][0].casefold()
        for home in self._members("catalog"):
            if owner in {(each["owner"] or "").casefold() for each in self._of(home)}:
                owned = self.family(home)
                if owned.state == "in_use":
                    return Verdict("in_use", f"It owns the catalog {home}. {owned.reason}")
        return Verdict(
            "not_certain",
            f"It owns the catalog {one['home']}, and may be used for something else, which Databricks does not report.",
        )

    def family(self, home: str) -> Verdict:
        """The verdict on everything that belongs to a database or catalog."""
        if home not in self._families:
            self._families[home] = self._family(home)
        return self._families[home]

    def _family(self, home: str) -> Verdict:
        named = [one for one in self.tenant.of(self.platform) if self._is_named(one, home)]
        for rule in (self._in_use, self._perhaps_in_use):
            for one in named:
                if verdict := rule(one, home):
                    return verdict
        gone = [one for one in named if self._relation(one["host"]) == "same"]
        doubt = self.tenant.problem or self._nameless() or ("" if gone else self._unlike(home))
        if doubt := doubt or self._lately(home) or self._young(home):
            return Verdict("not_certain", doubt)
        if gone:
            return Verdict("left_over", f"Its integration {gone[0]['id']} is deleted.")
        return Verdict("left_over", "No integration of the tenant uses it.")

    def _in_use(self, one: Row, home: str) -> Verdict | None:
        if not self._is_active(one) or self._relation(one["host"]) != "same" or self._either(one, home):
            return None
        keys = [each["key"] for each in self.tenant.connections if each["integration_id"] == one["id"]]
        behind = f" of the connection {', '.join(keys)}" if keys else ""
        return Verdict("in_use", f"Integration {one['id']}{behind} uses it ({one['status']}).")

    def _perhaps_in_use(self, one: Row, home: str) -> Verdict | None:
        """The verdict if an integration with this name may use the object, or None."""
        who, where = f"Integration {one['id']}", self._relation(one["host"])
        if _is_deleted(one) or (where == "different" and self.platform != DATABRICKS):
            return None
        if where == "different":
            reason = f"{who} has a catalog of this name in {one['host']}, which may share the metastore."
        elif where == "unknown":
            reason = f"{who} has this name, and it is not known whether its host {one['host'] or ''} leads here."
        elif self._either(one, home):
            reason = (
                f"{who} has the name {one[_home(self.platform)]}, which may mean this one or the one in lower case."
            )
        elif one["in_use"]:
            reason = f"{who} uses it and is {one['status']}: wait until that has finished, then audit again."
        else:
            reason = f"{who} uses it and is {one['status']}: Immuta has not cleaned up and may enable it again."
        return Verdict("not_certain", reason.replace("  ", " "))

    def _is_active(self, one: Row) -> bool:
        return bool(one["in_use"]) and not one["status"].lower().startswith("delet")

    def _is_named(self, one: Row, home: str) -> bool:
        name = one[_home(self.platform)] or ""
        return home.lower() == name.lower() if self.platform == DATABRICKS else home in (name, name.upper())

    def _either(self, one: Row, home: str) -> bool:
        """Whether Snowflake has two databases that an integration may mean, and this is not the one that is spelt so."""
        name = one[_home(self.platform)]
        return self.platform != DATABRICKS and home != name and name in self._members("database")

    def _of(self, home: str) -> list[Row]:
        """What belongs to a database or catalog, and it."""
        return [one for one in self.seen["objects"] if one["home"] == home and one["part"] != "principal"]

    def _members(self, part: str) -> list[str]:
        return [one["home"] for one in self.seen["objects"] if one["part"] == part]

    def _relation(self, host: str | None) -> str:
        known = {one["host"]: one["relation"] for one in self.seen["hosts"]}
        return str(known.get(host, "unknown"))

    def _nameless(self) -> str:
        """The integration or connection of the tenant that may be here under any name, as a sentence, or ""."""
        here = ("same", "unknown") if self.platform != DATABRICKS else ("same", "unknown", "different")
        what = _home(self.platform)
        for one in self.tenant.of(self.platform):
            if not _is_deleted(one) and not one[what] and self._relation(one["host"]) in here:
                return f"Integration {one['id']} does not say which {what} it has."
        known = {one["id"] for one in self.tenant.integrations}
        for one in self.tenant.connections:
            if (one["technology"] or self.platform).lower() != self.platform or one["integration_id"] in known:
                continue
            if self._relation(one["hostname"]) in here:
                return f"The connection {one['key']} does not say which integration, and so which {what}, it has."
        return ""

    def _unlike(self, home: str) -> str:
        """The reason why a family does not look like Immuta's, or ""."""
        own = self._of(home)
        parts = {one["part"] for one in own}
        if self.platform == DATABRICKS:
            if home != documented.HOME.lower():
                return f"Only its name resembles that of Immuta's catalog, which is {documented.HOME.lower()}."
            owner = next((one["owner"] for one in own if one["part"] == "catalog"), None)
            certain = leftovers.PRINCIPAL.fullmatch(owner or "")
            return "" if certain else "Its owner is not a service principal, unlike that of Immuta's catalog."
        role = f"{home}_SYSTEM"
        if documented.HOME in home.split("_"):
            enough = len(parts & (PAIR | {"database"})) > 1 or (home == documented.HOME and parts & PAIR)
        else:
            enough = parts >= PAIR | {"database"}
            owner = next((one["owner"] for one in own if one["part"] == "database"), None)
            # Names without the vendor's may be anybody's, all three.
            if enough and owner != role:
                return f"Its names may be anybody's: the owner of {home} is {owner or 'unknown'}, not {role}."
        if enough:
            return ""
        return f"Too few of the documented names are there: Immuta makes {home}, {role}, and {documented.user(home)} together."

    def _lately(self, home: str) -> str:
        """The reason to think that somebody else uses a family that the tenant does not know, or ""."""
        if self.platform == DATABRICKS:
            return ""
        user = next((one for one in self.seen["objects"] if (one["part"], one["home"]) == ("system_user", home)), None)
        if user is None or not user["last_used"]:
            return (
                ""
                if self.seen["sees_all"]
                else (
                    f"This role can't see whether {documented.user(home)} signs in. Audit again as"
                    f" {leftovers.SEES_ALL}."
                )
            )
        used = _time(user["last_used"])
        if used is None or self.now - used < self.idle:
            return f"{user['path'][0]} signed in at {user['last_used']}: another tenant may use it."
        return ""

    def _young(self, home: str) -> str:
        """The reason to think that a family belongs to an integration that is not registered yet, or ""."""
        for one in self._of(home):
            what, made = f"{one['kind']} {'.'.join(one['path'])}", _time(one["created_on"] or "")
            if not one["created_on"]:
                return (
                    f"When {what} was made is unknown, and it may belong to an integration that is not registered yet."
                )
            if made is None or self.now - made < self.idle:
                return f"{what} was made at {one['created_on']}, maybe for an integration that is not registered yet."
        return ""


def _is_deleted(integration: Row) -> bool:
    return bool(integration["status"].lower() == "deleted")


def _home(platform: str) -> str:
    """What an integration of a platform is known by there."""
    return "catalog" if platform == DATABRICKS else "database"


def _time(text: str) -> datetime.datetime | None:
    """A time as platforms write it, in UTC unless it says otherwise; None for what is none."""
    try:
        found = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)
