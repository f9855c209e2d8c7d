# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of Snowflake accounts and Databricks workspaces: whether a session is where a host leads.

Immuta names a connection's platform by its host, in any of the vendors' forms. A session can tell where it is. What two
names can't tell for certain is C(unknown), and never taken for the same.

Sources: U(https://docs.snowflake.com/en/user-guide/admin-account-identifier),
U(https://docs.databricks.com/aws/en/workspace/workspace-details).
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure

Relation = t.Literal["same", "different", "unknown"]
HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
SNOWFLAKE = re.compile(r"(?P<name>.+?)(?:\.privatelink)?\.snowflakecomputing\.(?P<top>com|cn)")
# The domain that an account does not have; privatelink is a part of the account for the client.
SNOWFLAKE_HOST = re.compile(r"(?P<account>.+)\.snowflakecomputing\.(?P<top>com|cn)", re.IGNORECASE)
WRITTEN = re.compile(r"(?:https?://)?(?P<host>[\w-]+(?:\.[\w-]+)*|\[[0-9a-f:.]+\])\.?(?::443)?/*", re.IGNORECASE)
CLOUDS = ("aws", "azure", "gcp")
# Where a locator without a region is.
FIRST_REGION = ("aws", "uswest2")
# Government regions that come first in a host, and last in CURRENT_REGION().
SPECIAL = ("fhplus", "dod")
# The cloud, and for Azure and Google Cloud the workspace's number.
WORKSPACES: dict[str, re.Pattern[str]] = {
    "aws": re.compile(r"[^.]+\.cloud\.databricks\.(?:com|us|mil)"),
    "azure": re.compile(r"(?:adb-(?P<number>\d+)\.\d+|[^.]+)\.(?:azuredatabricks\.net|databricks\.azure\.(?:us|cn))"),
    "gcp": re.compile(r"(?:(?P<number>\d+)\.\d+|[^.]+)\.gcp\.databricks\.com"),
}


class WrongPlatform(Failure):
    """The session is on another account or workspace than it must be; no statement of the script was sent."""

    code = "wrong_platform"


class PlatformUnknown(Failure):
    """It is not known whether the session is where it must be; no statement of the script was sent."""

    code = "platform_unknown"


class Place(t.Protocol):
    """The place of a session: an account or a workspace."""

    def relation(self, host: str) -> Relation:
        """Return whether a host leads there."""

    def __str__(self) -> str:
        """Return its name, for people."""


def bare(host: str) -> str:
    """Return a host in lower case without scheme, path, port, and trailing dot; "" for anything else."""
    name = host.strip().lower().rpartition("://")[2].partition("/")[0]
    name = re.sub(r":\d*$", "", name).rstrip(".")
    return name if HOST.fullmatch(name) else ""


def bare_host(written: str) -> str:
    """Return a host without scheme, slash, and trailing dot; "" for anything else, or if it has a path."""
    found = WRITTEN.fullmatch(written.strip())
    with contextlib.suppress(ValueError):
        return found["host"] if found and _address.split(f"//{found['host']}") else ""
    return ""


@dataclasses.dataclass(frozen=True)
class SnowflakeAccount:
    """The account of a session, in Snowflake's own words; None for what it does not tell.

    :ivar locator: C(CURRENT_ACCOUNT())
    :ivar name: C(CURRENT_ACCOUNT_NAME())
    :ivar organization: C(CURRENT_ORGANIZATION_NAME())
    :ivar region: C(CURRENT_REGION()), a region group and a dot before it in some organizations
    """

    locator: str | None
    name: str | None = None
    organization: str | None = None
    region: str | None = None

    def __str__(self) -> str:
        full = f"{self.organization}-{self.name}" if self.organization and self.name else "of an unknown name"
        return f"the Snowflake account {full} (locator {self.locator}, region {self.region})"

    def relation(self, host: str) -> Relation:
        """Return whether a host, or an account identifier, is that of the account."""
        given = bare(host)
        found = SNOWFLAKE.fullmatch(given)
        if found is None:
            # An identifier says as much as a host, and organization-account is one. Anything else is a name of the site's own.
            named = self._named(given.removesuffix(".privatelink")) if given else "unknown"
            return named if named == "same" or ("-" in given and "." not in given) else "unknown"
        region = self._region
        if region and (found["top"] == "cn") != region[1].startswith("cn"):
            return "different"
        return self._named(found["name"])

    def _named(self, identifier: str) -> Relation:
        first, *rest = identifier.replace("_", "-").split(".")
        own = _dashed(f"{self.organization}-{self.name}") if self.organization and self.name else None
        if not rest and first == own:
            return "same"
        if first == _dashed(self.locator or ""):
            return self._in_region(rest)
        # Without a region, a dash is between organization and account.
        known = own if not rest and "-" in first else self.locator
        return "different" if known else "unknown"

    def _in_region(self, labels: list[str]) -> Relation:
        """Return the relation to this locator in a region, since a locator is unique only there."""
        if self._region is None:
            return "unknown"
        if self._region == _region_of(labels):
            return "same"
        group = str(self.region).rpartition(".")[0]
        return "unknown" if group.upper() not in ("", "PUBLIC") else "different"

    @property
    def _region(self) -> tuple[str, str] | None:
        cloud, _line, region = (self.region or "").lower().rpartition(".")[2].partition("_")
        return (cloud, _packed(region)) if cloud in CLOUDS and region else None


def _dashed(name: str) -> str:
    """Return a name as hosts have it."""
    return name.lower().replace("_", "-")


def _packed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name)


def _region_of(labels: list[str]) -> tuple[str, str]:
    """Return the cloud and the region of the labels after a locator."""
    if not labels:
        return FIRST_REGION
    cloud, names = (labels[-1], labels[:-1]) if labels[-1] in CLOUDS else ("aws", labels)
    special = [name for name in names if name in SPECIAL]
    return cloud, _packed("".join([*(name for name in names if name not in SPECIAL), *special]))


# The URL of every workspace of a region, before each had one of its own.
REGIONAL = re.compile(r"[a-z0-9]+\.azuredatabricks\.net")


@dataclasses.dataclass(frozen=True)
class Workspace:
    """The workspace of a session.

    :ivar host: that was signed in to
    :ivar ask: asks the workspace for its number, None if it does not tell
    """

    host: str
    ask: t.Callable[[], str | None] = lambda: None

    def __str__(self) -> str:
        return f"the Databricks workspace {self.host}"

    def relation(self, host: str) -> Relation:
        """Return whether a host leads to the workspace."""
        theirs, ours = _workspace(host), _workspace(self.host)
        if theirs.name and theirs.name == ours.name and not REGIONAL.fullmatch(theirs.name):
            return "same"
        # A host of the site's own may lead to any workspace.
        if theirs.cloud and ours.cloud and theirs.cloud != ours.cloud:
            return "different"
        if theirs.number and (number := ours.number or self._number):
            return "same" if theirs.number == number else "different"
        return "different" if theirs.cloud == ours.cloud == "aws" else "unknown"

    @functools.cached_property
    def _number(self) -> str | None:
        return self.ask()


class _Named(t.NamedTuple):
    name: str
    cloud: str | None
    number: str | None


def _workspace(host: str) -> _Named:
    name = bare(host)
    if (
        name
        and re.search(r":\d+/?$|[^:/]/[^/?]", host)
        and not any(form.fullmatch(name) for form in WORKSPACES.values())
    ):
        # Behind a gateway of the site's own, each port and each path may be another workspace.
        name = host.strip().lower().rstrip("/").rpartition("://")[2]
    public = name.replace(".privatelink.", ".")
    for cloud, form in WORKSPACES.items():
        if found := form.fullmatch(public):
            return _Named(public, cloud, found.groupdict().get("number"))
    return _Named(name, None, None)


def apart(dialect: str | None, one: str, other: str) -> bool:
    """Return whether what is on one host is certainly not on the other.

    Two forms of a Snowflake account's name can't be compared. Databricks workspaces may share a metastore, within one cloud.
    """
    if dialect == "databricks":
        clouds = {_workspace(one).cloud, _workspace(other).cloud}
        return len(clouds) == 2 and None not in clouds
    mine, theirs = bare(one), bare(other)
    if dialect != "snowflake":
        return bool(mine and theirs) and mine != theirs
    found, against = SNOWFLAKE.fullmatch(mine), SNOWFLAKE.fullmatch(theirs)
    if not found or not against:
        return False
    return found["top"] != against["top"] or _other_account(found["name"], against["name"])


def same(dialect: str | None, one: str, other: str) -> bool:
    """Return whether two hosts certainly lead to one account or workspace: privatelink, case, and a trailing dot don't matter."""
    mine, theirs = bare(one), bare(other)
    if not mine or not theirs:
        return False
    if dialect == "snowflake" and (found := SNOWFLAKE.fullmatch(mine)) and (against := SNOWFLAKE.fullmatch(theirs)):
        return found["top"] == against["top"] and _one_account(found["name"], against["name"])
    if dialect == "databricks":
        return _workspace(one).name == _workspace(other).name
    return mine == theirs


def _one_account(one: str, other: str) -> bool:
    """Return whether two names of accounts are certainly of one."""
    (first, *rest), (second, *others) = (_dashed(name).split(".") for name in (one, other))
    organization = "-" in first and not rest
    return first == second and (
        rest == others if organization or "-" in second else _region_of(rest) == _region_of(others)
    )


def _other_account(one: str, other: str) -> bool:
    """Return whether two names of accounts, of one form, are of different accounts."""
    first, *rest = _dashed(one).split(".")
    second, *others = _dashed(other).split(".")
    if not rest and not others and "-" in first and "-" in second:
        return first != second
    if "-" in first or "-" in second:
        return False
    # A locator is unique only in its region, which not every host names.
    return first != second or (bool(rest and others) and _region_of(rest) != _region_of(others))


def require(expected: t.Iterable[str], place: Place) -> None:
    """Refuse a session that is elsewhere.

    :param expected: hosts; each of them must not lead elsewhere, and one at least must lead there for certain
    :raises WrongPlatform: a host leads elsewhere
    :raises PlatformUnknown: no host is known to lead there
    """
    relations = {host: place.relation(host) for host in expected}
    wrong = [host for host, relation in relations.items() if relation == "different"]
    if wrong:
        raise WrongPlatform(
            f"The session is on {place}, but it must be on {' and '.join(wrong)}. No statement of the script was sent.",
            hint="Sign in to the platform of that host. The options of this module, module_defaults, and the environment"
            " say where it signs in.",
            expected=list(relations),
            actual=str(place),
        )
    if "same" not in relations.values():
        raise PlatformUnknown(
            f"It is not known whether {' and '.join(relations)} leads to {place}, where the session is. No"
            " statement of the script was sent.",
            hint="If it does, name the platform's own host in expected_hosts, too; for the roles, in"
            " immuta_deregister_platform_host or immuta_register_platform_host.",
            expected=list(relations),
            actual=str(place),
        )
