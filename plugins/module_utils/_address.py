# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses in options and in the variables for proxies: what must not be in them, and which stay on this machine."""

from __future__ import annotations

import ipaddress
import os
import re
import typing as t
import urllib.parse

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption

# The options that hold an address and nothing else.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
# The last one: a password may hold anything, another one included.
_AT = re.compile(r"@(?!.*@)|%40(?!.*(?:@|%40))", re.DOTALL)
# What the names of such fields end in, by any spelling: hostname, workspaceUrl, platform_host.
_MEANS_ADDRESS = re.compile(r"(?:host(?:name)?|url|uri|endpoint|server|authority|proxy)s?$|^account$")
_NO_PATH = re.compile(r"[/\\?#\s]")


def user_info(address: str) -> str:
    """Return the user name, with the password, that an address holds; empty if it holds none.

    No address of a tenant or a platform has an C(@) for anything else.
    """
    _scheme, _slashes, rest = address.rpartition("://") if address.count("://") == 1 else ("", "", address)
    found = _AT.search(rest)
    return rest[: found.start()].lstrip("/") if found else ""


def secrets(address: str) -> list[str]:
    """Return what must not be shown of an address with a user name or a password: longer parts first."""
    info = user_info(address)
    if not info:
        return []
    password = info.partition(":")[2] or info
    parts = [info, password, *re.split(r"@|%40", password)]
    return list(dict.fromkeys(text for part in parts for text in (part, urllib.parse.unquote(part)) if text))


def of(value: t.Any, name: str = "") -> t.Iterator[tuple[str, str]]:
    """Yield the addresses in a value, however deep, each with its dotted name.

    :param value: anything; a field holds an address if its name says so
    :param name: of the value
    """
    if isinstance(value, dict):
        for field, one in value.items():
            yield from of(one, f"{name}.{field}" if name else str(field))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from of(one, name)
    elif isinstance(value, str) and _MEANS_ADDRESS.search(re.sub(r"[_-]", "", name.rpartition(".")[2]).lower()):
        yield name, value


def require_no_user_info(value: t.Any, option: str, remedy: str, *, error: type[Failure] = InvalidOption) -> None:
    """Refuse an address, or a list of them, with a user name or a password.

    :param remedy: where these belong, for the hint
    :param error: the class of the error
    :raises Failure: of that class, which does not show the address
    """
    for address in value if isinstance(value, list) else [value]:
        if isinstance(address, str) and user_info(address):
            raise error(
                f"The option {option} contains a user name or a password (it has an @), so it is not shown.",
                hint=f"{remedy} It may have been logged: change the password.",
            )


def proxies() -> dict[str, str]:
    """Return the variables of the environment that name a proxy, with their values."""
    names = (spelled for name in PROXIES for spelled in (name, name.lower()))
    return {name: value for name in names if (value := os.environ.get(name))}


def require_plain_proxies(*, error: type[Failure]) -> None:
    """Refuse a proxy whose password is written so that it is not certain where it ends.

    :param error: the class of the error
    :raises Failure: of that class, which does not show the address
    """
    for name, value in proxies().items():
        info = user_info(value)
        if "@" in info or _NO_PATH.search(info):
            raise error(
                f"The environment variable {name} contains a password that is not encoded, so it is not shown.",
                hint="In the user name and the password of a proxy, write @ as %40, : as %3A, and / as %2F.",
            )


def normal(url: str) -> str:
    """Return a URL as it is compared: scheme and host in lower case, and no slash at the end."""
    scheme, slashes, rest = url.rstrip("/").partition("://")
    if not slashes:
        return url.lower()
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}"


def split(url: str) -> urllib.parse.SplitResult:
    """Return the parts of a URL.

    :raises ValueError: its brackets contain no IPv6 address (not every Python notices), or its port is invalid
    """
    parts = urllib.parse.urlsplit(url)
    if {"[", "]"} & set(parts.netloc):
        ipaddress.IPv6Address((parts.hostname or "").partition("%")[0])
    parts.port  # noqa: B018  (reading it is what checks it)
    return parts


def is_loopback(host: str) -> bool:
    """Return whether what is sent to a host stays on this machine."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
