# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which objects a script drops, by the description of its statements: what can be looked for before the script is saved."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import names, reads
from ansible_collections.community.immuta.plugins.module_utils._sql.head import Head

# Any other verb may run statements that are not described here, which leave the session anywhere.
_PLAIN = frozenset(
    """
    ALTER COMMENT COMMIT CREATE DELETE DESC DESCRIBE DROP GRANT INSERT MERGE REVOKE ROLLBACK SELECT SET SHOW TRUNCATE UNDROP
    UNSET UPDATE USE
    """.split()
)


def objects(rows: t.Iterable[t.Mapping[str, t.Any]], dialect: str) -> list[dict[str, str]]:
    """Return what to look for, as the option C(objects) of the platform's modules has it; only what is told exactly.

    :param rows: C(statements) of C(immuta_cleanup_script)
    """
    found: dict[tuple[str, names.Current], dict[str, str]] = {}
    current = names.UNKNOWN
    # The role that the script has taken: empty for that of the sign-in, None where it can't be told.
    role: str | None = ""
    for row in rows:
        verb, kind, name = (row.get(part) or "" for part in ("verb", "object", "name"))
        own = Head(
            verb, kind, name, session=bool(row.get("session")), hides=verb not in _PLAIN and kind != "TRANSACTION"
        )
        # What can't be printed is written with backslashes there.
        parts = () if "\\" in name else names.parts(name)
        whole = names.full(parts, reads.length(dialect, kind), current)
        # What the script creates before may have been there: whether IF NOT EXISTS is said, no row tells.
        if verb == "DROP" and whole and role is not None:
            taken = {"role": role} if role else {}
            found.setdefault((kind, whole), {"kind": kind, "name": names.quoted(whole, dialect), **taken})
        current = names.after(own, dialect, current)
        if own.hides:
            role = None
        elif verb == "USE" and kind == "ROLE":
            role = parts[0] if len(parts) == 1 else None
    return list(found.values())
