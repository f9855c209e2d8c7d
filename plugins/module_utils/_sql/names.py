# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Full names of objects, from the names in statements and the database and schema that the session is in."""

from __future__ import annotations

import re

from ansible_collections.community.immuta.plugins.module_utils._sql.head import Head

# Database or catalog, and schema, of a session; None for what is not known.
Current = tuple["str | None", ...]
UNKNOWN: Current = (None, None)
# The schema that a session is in after it has changed to a database or catalog.
FIRST_SCHEMA = {"snowflake": "PUBLIC", "databricks": "default"}
QUOTES = {"snowflake": '"', "databricks": "`"}
# Parts of a name as statements describe it: what holds a dot or a quote keeps its quotes.
_PART = re.compile(r'"(?:[^"]|"")*"|`(?:[^`]|``)*`|[^.]+')


def after(own: Head, dialect: str, current: Current) -> Current:
    """Return database and schema of the session after the statement with a head."""
    if own.hides or (own.verb in ("CREATE", "UNDROP") and own.kind in ("", "DATABASE", "SCHEMA", "CATALOG")):
        # Where the session is after it has made or brought back one, depends on the platform.
        return UNKNOWN
    switches = own.verb == "USE" or (own.verb == "SET" and own.session and own.kind in ("CATALOG", "SCHEMA"))
    return _used(own, dialect, current) if switches else current


def _used(own: Head, dialect: str, current: Current) -> Current:
    name = parts(own.name)
    lone = "DATABASE" if dialect == "snowflake" else "SCHEMA"
    kind = own.kind or lone
    if dialect == "databricks" and kind == "DATABASE":
        kind = "SCHEMA"
    if kind not in ("DATABASE", "CATALOG", "SCHEMA"):
        return current
    if len(name) == 2:
        return name
    if len(name) != 1:
        return UNKNOWN
    return (current[0], name[0]) if kind == "SCHEMA" else (name[0], FIRST_SCHEMA[dialect])


def parts(shown: str) -> tuple[str, ...]:
    """Return the parts of a name; none when one of them is left out."""
    found = _PART.findall(shown)
    if ".".join(found) != shown:
        return ()
    return tuple(
        part[1:-1].replace(part[0] * 2, part[0]) if part[0] in '"`' and len(part) > 1 else part for part in found
    )


def full(name: tuple[str, ...], length: int, current: Current) -> tuple[str, ...] | None:
    """Return a name with what it leaves out; None when that is not known.

    :param length: how many parts it has to have
    """
    lacking = length - len(name)
    outer = tuple(part for part in current[:lacking] if part is not None) if lacking > 0 else ()
    whole = outer + name
    return whole if name and len(whole) == length else None


def shown(name: tuple[str, ...], dialect: str) -> str:
    """Return a full name as statements describe it: the other way round than C(parts)."""
    return ".".join(quoted((part,), dialect) if "." in part or QUOTES[dialect] in part else part for part in name)


def quoted(name: tuple[str, ...], dialect: str) -> str:
    """Return a full name as statements have it, each part in quotes."""
    quote = QUOTES[dialect]
    return ".".join(f"{quote}{part.replace(quote, quote * 2)}{quote}" for part in name)
