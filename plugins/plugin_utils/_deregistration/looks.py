# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state before and after, on the platform and in Immuta: rows, and what they prove."""

from __future__ import annotations

import typing as t

Row = dict[str, t.Any]
Seen = t.Mapping[str, t.Any]
# Runs after which a removal has ended; what comes later is another one if the connection is there again.
ENDED = ("completed", "already_done")


def rows(before: t.Sequence[Seen] | None, after: t.Sequence[Seen] | None) -> list[Row] | None:
    """What a script removes, as two checks found it; None if nobody checked.

    C(present), C(how), C(query_id) are of the first check; C(after), C(after_how), C(after_query_id) of the second.
    """
    if before is None and after is None:
        return None
    later = {_name(row): row for row in after or ()}
    found = [{**row, **_after(later.pop(_name(row), None))} for row in before or ()]
    return [*found, *({**row, "present": None, "how": None, "query_id": None, **_after(row)} for row in later.values())]


def _name(row: Seen) -> tuple[str, str]:
    return row["kind"], row["name"]


def _after(row: Seen | None) -> Row:
    seen = row or {}
    return {"after": seen.get("present"), "after_how": seen.get("how"), "after_query_id": seen.get("query_id")}


def remembered(
    objects: t.Sequence[Seen] | None, history: t.Iterable[t.Mapping[str, t.Any]], *, exists: bool
) -> list[Row] | None:
    """The objects, with what an earlier run of this removal has seen.

    :param history: the runs of the report, the oldest first
    :param exists: whether the connection was there when this run started
    """
    if objects is None:
        return None
    known: dict[tuple[str, str], Seen] = {}
    for run in of_this_removal(history, exists=exists):
        known.update((_name(row), row) for row in run.get("objects") or () if row.get("present") or row.get("after"))
    return [_with(row, known.get(_name(row))) for row in objects]


def of_this_removal(history: t.Iterable[Seen], *, exists: bool) -> list[Seen]:
    """The newest runs, back to where an earlier removal of the connection has ended.

    :param exists: whether the connection was there again after the last of them
    """
    runs: list[Seen] = []
    other = exists
    for run in reversed(list(history)):
        ended = run.get("status") in ENDED
        if ended and other:
            break
        other = other or not ended
        runs.insert(0, run)
    return runs


def _with(row: Seen, seen: Seen | None) -> Row:
    if seen is None or row["present"] is True:
        return dict(row)
    first = "" if seen.get("present") else "after_"
    return {
        **row,
        "present": True,
        **{name: seen.get(f"{first}{name}") for name in ("how", "query_id")},
        **{name: row.get(name) or seen.get(name) for name in ("owner", "created_on")},
    }


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


def proved(objects: t.Iterable[Seen] | None) -> bool:
    """Whether everything that a script drops is certainly gone, and it drops something."""
    dropped = [row for row in objects or () if row["dropped"]]
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
    found = [
        {
            "kind": "connection",
            "name": key,
            "before": "there" if existed else "not there" if exists is False else None,
            "after": {True: "there", False: "gone" if existed else "not there", None: None}[exists],
            "how": "Checked again after the deletion"
            if verified
            else "Read, and checked in the list of all connections",
        }
    ]
    if number is not None:
        left = deleted.get("integration") or {}
        known = left.get("status") or ("not listed" if deleted.get("integration_known") else None)
        found.append(
            {
                "kind": "integration",
                "name": str(number),
                "before": script.get("integration_status"),
                "after": known,
                "how": "Read before; checked in the list after the deletion" if known else "Read before",
            }
        )
    if count is not None:
        found.append(
            {"kind": "objects below it", "name": "", "before": str(count), "after": "deleted", "how": "Immuta's answer"}
        )
    return found
