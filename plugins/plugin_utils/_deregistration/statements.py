# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The statements of a clean-up script, for people: each in a few words, and those that are left out or that others need."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import Settings

Row = t.Mapping[str, t.Any]
# How the reason ends why a statement is left to others.
NEED = ("needs it", "need it")
LEAVE = "set immuta_deregister_needed_by_others to leave"


def label(row: Row) -> str:
    """A statement in a few words: verb, privileges, kind and name of its object, and what it does to it."""
    verb, grantee = row.get("verb"), row.get("grantee")
    privileges = f"{row['privileges']} ON" if row.get("privileges") else ""
    to = f"{'TO' if verb == 'GRANT' else 'FROM'} {grantee}" if grantee else ""
    words = (verb, privileges, row.get("object"), row.get("name"), to, row.get("action"))
    return " ".join(str(word) for word in words if word)


def skip(settings: Settings, script: Row) -> list[dict[str, t.Any]]:
    """Return the statements of a script to leave out, as the option C(skip) has them.

    They are those that the user names, and what others need if the user leaves that to them.

    :param script: the result of C(immuta_cleanup_script)
    """
    named = [one for one in settings.skip if one["sha256"].lower() == script.get("sha256")]
    if settings.needed_by_others != "leave":
        return named
    known = {one["statement"] for one in named}
    left = [row for row in script.get("statements") or () if row.get("needed_by") and row["index"] not in known]
    return [
        *named,
        *(
            {
                "statement": row["index"],
                "sha256": script["sha256"],
                "reason": f"{' and '.join(row['needed_by'])} {NEED[len(row['needed_by']) > 1]}",
            }
            for row in left
        ),
    ]


def left_out(settings: Settings, script: Row) -> list[Row]:
    """Return the statements of a script that are to be left out."""
    out = {one["statement"] for one in skip(settings, script)}
    return [row for row in script.get("statements") or () if row["index"] in out]


def to_run(settings: Settings, script: Row) -> list[Row]:
    """Return the statements of a script that are not to be left out."""
    out = {one["statement"] for one in skip(settings, script)}
    return [row for row in script.get("statements") or () if row["index"] not in out]


def marks(row: Row, left: t.Iterable[Row]) -> t.Iterator[str]:
    """The marks on a statement, to review before the script runs.

    :param left: the statements to leave out, as C(skip) returns them
    """
    for mark in row.get("marks") or (["unusual"] if row["unusual"] else []):
        yield f"   <- review: {mark}"
    start = row.get("resumes_at", row["index"])
    if start is None:
        yield "   <- if the run stops here, a person has to decide how to continue"
    elif start != row["index"]:
        yield f"   <- if the run stops here, the rerun starts at statement {start}"
    for one in left:
        if one["statement"] == row["index"]:
            yield f"   <- left out: {one['reason']}"


def needed(settings: Settings, script: Row) -> list[Row]:
    """Return the statements that are still to run, and take away what others on the platform need."""
    done = (script.get("execution") or {}).get("done") or 0
    return [row for row in to_run(settings, script) if row.get("needed_by") and row["index"] > done]


def listed(rows: t.Iterable[Row]) -> str:
    """Return statements in one line, with their numbers."""
    return ", ".join(f"{row['index']}. {label(row)}" for row in rows)


def by_need(rows: t.Iterable[Row]) -> str:
    """Return statements in one line, by those who need what they take away."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(" and ".join(row["needed_by"]), []).append(row)
    return "; ".join(f"{listed(these)} ({who})" for who, these in found.items())


def for_later(left: t.Mapping[int, str], rows: t.Iterable[Row]) -> list[str]:
    """Return what remains of the statements that were left to others, as a sentence; none if none were.

    :param left: the reasons why statements were left out, by their numbers
    :param rows: the statements of the script
    """
    these = [row for row in rows if left.get(row["index"], "").endswith(NEED)]
    if not these:
        return []
    who = "; ".join(dict.fromkeys(left[row["index"]] for row in these))
    return [
        f"Left to others, and not run: {listed(these)} ({who}). When nobody needs it any more, have a person run them by hand."
    ]


def how_to_run(settings: Settings, script: Row, where: str = "") -> str:
    """Return what a person does with a script that is handed over, as a sentence.

    :param where: more about the platform, as the end of the sentence
    """
    out = ", ".join(f"{row['index']}. {label(row)} (line {row['line']})" for row in left_out(settings, script))
    what = f"Run the script without these statements: {out}. Run the others" if out else "Run the whole script,"
    return (
        f"{what} in order, in one session, as an administrator of {script.get('technology') or 'the platform'}{where}."
    )
