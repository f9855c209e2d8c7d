# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be on a platform, and what must not, before a script runs and after it has."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql.thing import NO_ROLE, NO_WAY, NOT_PLAIN, OBJECT
from ansible_collections.community.immuta.plugins.module_utils._sql.verify import NOT_LOOKED

MOST_NAMES = 20
Rows = t.Sequence[t.Mapping[str, t.Any]]


class ObjectsMissing(Failure):
    """None of the script's objects is on the platform; no statement of the script was sent."""

    code = "objects_missing"


class ObjectsLeft(Failure):
    """The script has run, and what it drops is still on the platform."""

    code = "objects_left"


class ObjectsExist(Failure):
    """Objects that the script creates are on the platform already; no statement of the script was sent."""

    code = "objects_exist"


class ObjectsNotMade(Failure):
    """The script has run, and what it creates is not on the platform."""

    code = "objects_not_made"


def require_some(rows: Rows, session: t.Mapping[str, t.Any]) -> None:
    """Refuse a platform that has none of the objects that a script is there to remove.

    Grants and policies count where there are no objects: those of one metastore may name what others have, too. Things
    that no read finds don't count. Nothing is refused if nothing else is left.

    :param session: of the platform, for the message
    :raises ObjectsMissing: none of the others is there, or the platform refuses to look for any
    """
    rows = [row for row in rows if row["how"] not in (NOT_PLAIN, NO_WAY, NO_ROLE, NOT_LOOKED)]
    rows = [row for row in rows if row["type"] == OBJECT] or rows
    if not rows or any(row["present"] for row in rows):
        return
    refused = next((row["how"] for row in rows if row["present"] is None), "")
    raise ObjectsMissing(
        f"Nothing that the script removes exists on the platform ({_where(session)}), or this session can't see it:"
        f" {listed(rows)}. {refused}{' ' if refused else ''}Is this the right account, and may the user switch"
        " to the roles that the script uses?",
        hint="No statement of the script was sent. Sign in to the right one; if this is it, set missing_objects=accept,"
        " for the role immuta_deregister_missing_objects=accept.",
    )


def require_none(rows: Rows, session: t.Mapping[str, t.Any]) -> None:
    """Refuse a platform that has an object which a script is there to create.

    :param session: of the platform, for the message
    :raises ObjectsExist: one of them is there
    """
    there = [row for row in rows if row["present"]]
    if not there:
        return
    replaced = [row for row in there if row.get("existing") == "replaced"]
    danger = f" The script would destroy, and create again, {listed(replaced)}." if replaced else ""
    raise ObjectsExist(
        f"The script creates what exists already on the platform ({_where(session)}): {listed(there, created=True)}."
        f"{danger} It may belong to another connection.",
        hint="No statement of the script was sent. Find out whose it is; the playbook audit lists what every connection"
        " uses, and what is left over. Deregister the connection that it belongs to, or remove what is left over. If"
        " the script is to use it, set existing_objects=accept.",
    )


def require_gone(rows: Rows) -> None:
    """Refuse to call a script finished if something that it drops is left.

    :param rows: what was found after it ran
    :raises ObjectsLeft: something is still there
    """
    left = [row for row in rows if row["present"]]
    if left:
        raise ObjectsLeft(
            "All statements have run, but this is still on the platform, although the script drops it, revokes"
            f" it, or takes it off: {listed(left)}.",
            hint="Check who created it, and when. If it is Immuta's, remove it by hand, and run this again,"
            " which only looks again. With verify=false (in the role, immuta_deregister_verify=never) the"
            " platform's answers are taken as proof.",
        )


def require_made(rows: Rows) -> None:
    """Refuse to call a script finished if something that it creates is not there.

    :param rows: what was found after it ran
    :raises ObjectsNotMade: something is not there
    """
    missing = [row for row in rows if row["present"] is False]
    if missing:
        raise ObjectsNotMade(
            "All statements have run, but this is not on the platform, although the script creates it:"
            f" {listed(missing)}.",
            hint="Check in the platform's query history who has dropped or renamed it, and whether this session may see"
            " it. Create it by hand, as the script does, and run this again, which only looks again. With verify=false"
            " the platform's answers are taken as proof.",
        )


# What has to hold when a script has run, by what was looked for.
AFTER: dict[str, t.Callable[[Rows], None]] = {"removed": require_gone, "created": require_made}


def listed(rows: Rows, *, created: bool = False) -> str:
    """Return kind, name, and owner of the first rows, and how many there are more.

    :param created: whether to add the time of creation
    """
    said = []
    for row in rows[:MOST_NAMES]:
        owner = f"owner {row['owner']}" if row.get("owner") else ""
        since = f"created {row['created_on']}" if created and row.get("created_on") else ""
        about = ", ".join(filter(None, (owner, since)))
        said.append(f"{row['kind']} {row['name']}" + (f" ({about})" if about else ""))
    more = f", and {len(rows) - MOST_NAMES} more" if len(rows) > MOST_NAMES else ""
    return ", ".join(said) + more


def _where(session: t.Mapping[str, t.Any]) -> str:
    return " ".join(str(session[name]) for name in ("account", "host") if session.get(name))
