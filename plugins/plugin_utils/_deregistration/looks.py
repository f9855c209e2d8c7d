# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state before and after, on the platform and in Immuta: rows, and what they prove."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql.reads import SEES_ALL

Row = dict[str, t.Any]
Seen = t.Mapping[str, t.Any]
# Runs after which a removal has ended; what comes later is another one if the connection is there again.
ENDED = ("completed", "already_done")
# What a look tells of an object, and of itself.
LOOK = ("how", "query_id", "roles", "by", "confirmed")
# What of a session says who looks, and where.
WHO = ("account", "locator", "region", "host", "user")
OTHER_SIGHT = (
    "It is not visible to {now}, and {then} saw it, so whether it is gone is not known. Check again as the same user in the same"
    " role{or_all}."
)


def rows(
    before: t.Sequence[Seen] | None,
    after: t.Sequence[Seen] | None,
    sessions: tuple[Seen | None, Seen | None] = (None, None),
) -> list[Row] | None:
    """What a script removes, as two checks found it; None if nobody checked.

    C(present), C(how), C(query_id), C(roles), C(by), and C(confirmed) are of the first check; with C(after) before them, of the
    second.

    :param sessions: of both
    """
    if before is None and after is None:
        return None
    first, second = map(_who, sessions)
    later = {_name(row): row for row in after or ()}
    found = [{**row, "by": first, **_after(later.pop(_name(row), None), second)} for row in before or ()]
    nothing = {"present": None, **dict.fromkeys(LOOK)}
    return [*map(_judged, found), *({**row, **nothing, **_after(row, second)} for row in later.values())]


def _who(session: Seen | None) -> Row | None:
    return {name: session[name] for name in WHO if session.get(name)} if session else None


def _name(row: Seen) -> tuple[str, str]:
    return row["kind"], row["name"]


def _after(row: Seen | None, who: Row | None) -> Row:
    seen = {**row, "by": who} if row else {}
    return {"after": seen.get("present"), **{f"after_{name}": seen.get(name) for name in LOOK}}


def _judged(row: Row) -> Row:
    """The row; what this look may not see is not taken for gone."""
    if not is_certain(row) or _sees_as_much(row):
        return row
    then, now = _seen_by(row, ""), _seen_by(row, "after_")
    or_all = f", or in {SEES_ALL}" if (row["after_by"] or {}).get("account") else ""
    return {**row, "after": None, "after_how": OTHER_SIGHT.format(now=now, then=then, or_all=or_all)}


def _sees_as_much(row: Seen) -> bool:
    """Whether the second look sees what the first has seen: the same user in the same role, or one that sees all."""
    then, now = row.get("by") or {}, row.get("after_by") or {}
    roles, later = set(row.get("roles") or ()), set(row.get("after_roles") or ())
    if not _same_place(then, now):
        return False
    if now.get("account") and SEES_ALL in later:
        return True
    same_user = bool(then.get("user")) and then["user"] == now.get("user")
    return same_user and roles <= later and bool(roles) == bool(later)


def _same_place(then: Seen, now: Seen) -> bool:
    """Whether two sessions are on one account of Snowflake, or in one workspace of Databricks."""
    if then.get("locator") and now.get("locator"):
        return bool((then["locator"], then.get("region")) == (now["locator"], now.get("region")))
    name = "account" if now.get("account") else "host"
    return bool(then.get(name)) and str(then[name]).lower() == str(now.get(name)).lower()


def _seen_by(row: Seen, look: str) -> str:
    who, roles = row.get(f"{look}by") or {}, row.get(f"{look}roles") or ()
    place = next((f" on {who[name]}" for name in ("account", "host") if who.get(name)), "")
    return f"{who.get('user') or 'a user that is not known'}{place}" + (f" in {' and '.join(roles)}" if roles else "")


def remembered(objects: t.Sequence[Seen] | None, runs: t.Iterable[t.Mapping[str, t.Any]]) -> list[Row] | None:
    """The objects, with what an earlier run of this removal has seen.

    :param runs: of this removal, the oldest first
    """
    if objects is None:
        return None
    known: dict[tuple[str, str], list[Seen]] = {}
    for run in runs:
        for row in run.get("objects") or ():
            if row.get("present") or row.get("after"):
                known.setdefault(_name(row), []).insert(0, row)
    return [_with(row, known.get(_name(row), ())) for row in objects]


def _with(row: Seen, seen: t.Sequence[Seen]) -> Row:
    """The row, with the earlier look that proves the most, the last of these.

    :param seen: of earlier runs, the last first
    """
    if not seen or row["present"] is True:
        return dict(row)
    found = [_joined(row, one) for one in seen]
    return next((one for one in found if is_certain(one)), found[0])


def _joined(row: Seen, seen: Seen) -> Row:
    first = "" if seen.get("present") else "after_"
    return _judged(
        {
            **row,
            "present": True,
            **{name: seen.get(f"{first}{name}") for name in LOOK},
            **{name: row.get(name) or seen.get(name) for name in ("owner", "created_on")},
        }
    )


def is_certain(row: Seen) -> bool:
    """Whether an object was seen to be there, and seen not to be there later."""
    return row["present"] is True and row["after"] is False


def merged(runs: t.Iterable[Seen]) -> list[Row]:
    """Immuta's state before and after some runs, from the first and the last run that knows it."""
    found: dict[tuple[str, str], Row] = {}
    for run in runs:
        for row in run.get("immuta") or ():
            known = found.setdefault(_name(row), dict(row))
            known["before"] = known["before"] or row["before"]
            known["after"] = row["after"] or known["after"]
    for row in found.values():
        if (row["before"], row["after"]) == ("there", "not there"):
            row["after"] = "gone"
    return list(found.values())


def to_prove(objects: t.Iterable[Seen] | None) -> list[Seen]:
    """What a script drops, without what only the script itself makes, and drops again. All counts of a report are of these."""
    return [row for row in objects or () if row["dropped"] and not _was_made(row)]


def uncertain(objects: t.Iterable[Seen] | None) -> list[Seen]:
    """What a script drops, and may still be there: the look after it has not seen it, and may not see it."""
    return [
        row
        for row in to_prove(objects)
        if _was_looked_for(row) and not (row.get("after") or is_certain(row) or _is_absent(row))
    ]


def looked_before(objects: t.Iterable[Seen] | None) -> bool:
    """Whether anybody looked before the script ran."""
    return any(row.get("how") or row.get("present") is not None for row in objects or ())


def looked_after(objects: t.Iterable[Seen] | None) -> bool:
    """Whether anybody looked after the script ran."""
    return any(map(_was_looked_for, objects or ()))


def last_after(runs: t.Sequence[Seen]) -> list[Row] | None:
    """What the last run found that looked after the script ran; None if none did.

    :param runs: of one removal, the oldest first
    """
    return next((run["objects"] for run in reversed(runs) if looked_after(run.get("objects"))), None)


def _was_looked_for(row: Seen) -> bool:
    return row.get("after") is not None or bool(row.get("after_how"))


def _is_absent(row: Seen) -> bool:
    """Whether an object is certainly not there: by the platform's answer to its DROP, or by a role that sees all."""
    if row.get("after") is not False:
        return False
    in_all = SEES_ALL in (row.get("after_roles") or ()) and bool((row.get("after_by") or {}).get("account"))
    return bool(row.get("after_confirmed")) or in_all


def _was_made(row: Seen) -> bool:
    """Whether nobody has seen an object before that the script creates, and nothing speaks for its being there after."""
    if not row.get("made") or row["present"]:
        return False
    return _is_absent(row) or (row["present"] is False and not _was_looked_for(row))


def proved(objects: t.Iterable[Seen] | None) -> bool:
    """Whether everything that a script drops is certainly gone, and it drops something."""
    dropped = to_prove(objects)
    return bool(dropped) and all(map(is_certain, dropped))


def in_immuta(script: Seen, deleted: Seen, key: str, *, existed: bool, exists: bool | None) -> list[Row]:
    """Immuta's state of a connection before and after, and how it is known.

    :param script: of C(immuta_cleanup_script)
    :param deleted: of C(immuta_connection)
    :param existed: whether the connection was there at first
    :param exists: whether it is there now; None if that is not known
    """
    verified = bool(deleted.get("verified")) and "timing" in deleted
    number = script.get("integration_id")
    count = deleted.get("deleted_objects")
    status = script.get("integration_status")
    found = [
        {
            "kind": "connection",
            "name": key,
            "before": "there" if existed else "not there" if exists is False else None,
            "after": {True: "there", False: "gone" if existed else "not there", None: None}[exists],
            "how": _how_known(verified=verified, exists=exists),
        }
    ]
    if number is not None:
        left = deleted.get("integration") or {}
        known = left.get("status") or ("not listed" if deleted.get("integration_known") else None)
        found.append(
            {
                "kind": "integration",
                "name": str(number),
                "before": status,
                "after": known,
                "how": "; ".join(
                    [
                        *(["Read before"] if status else []),
                        *(["checked in the list after the deletion"] if known else []),
                    ]
                )
                or "Not read; named in the saved script",
            }
        )
    if count is not None:
        found.append(
            {"kind": "objects below it", "name": "", "before": str(count), "after": "deleted", "how": "Immuta's answer"}
        )
    return found


def _how_known(*, verified: bool, exists: bool | None) -> str:
    if verified:
        return "Checked again after the deletion"
    if exists is None:
        return "Not checked afterwards"
    return "Read" if exists else "Read, and checked in the list of all connections"
