# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The statements of a clean-up script, for people: each in a few words, and those that others on the platform need."""

from __future__ import annotations

import json
import typing as t

Row = t.Mapping[str, t.Any]
Rows = t.Iterable[Row]
NEEDED = (
    "   WARNING: others on the platform need what it takes away. To leave that to them, set immuta_deregister_skip to "
)


def label(row: Row) -> str:
    """A statement in a few words: verb, privileges, kind and name of its object, and what it does to it."""
    verb, grantee = row.get("verb"), row.get("grantee")
    privileges = f"{row['privileges']} ON" if row.get("privileges") else ""
    to = f"{'TO' if verb == 'GRANT' else 'FROM'} {grantee}" if grantee else ""
    words = (verb, privileges, row.get("object"), row.get("name"), to, row.get("action"))
    return " ".join(str(word) for word in words if word)


def left_out(script: Row, skip: Rows) -> list[Row]:
    """Return the statements that are to be left out.

    :param script: the result of C(immuta_cleanup_script)
    :param skip: the statements to leave out, of whatever script
    """
    out = {one["statement"] for one in skip if one["sha256"].lower() == script.get("sha256")}
    return [row for row in script.get("statements") or () if row["index"] in out]


def needed(script: Row, skip: Rows, done: int = 0) -> list[Row]:
    """Return the statements that are still to run, and take away what others on the platform need.

    :param script: the result of C(immuta_cleanup_script)
    :param skip: the statements to leave out, of whatever script
    :param done: how many statements have run, or were left out
    """
    out = [row["index"] for row in left_out(script, skip)]
    rows = script.get("statements") or ()
    return [row for row in rows if row.get("needed_by") and row["index"] > done and row["index"] not in out]


def how_to_run(script: Row, skip: Rows, where: str = "") -> str:
    """Return what a person does with a script that is handed over, as a sentence.

    :param where: more about the platform, as the end of the sentence
    """
    out = ", ".join(f"{row['index']}. {label(row)} (line {row['line']})" for row in left_out(script, skip))
    what = f"Run the script without these statements: {out}. Run the others" if out else "Run the whole script,"
    return (
        f"{what} in order, in one session, as an administrator of {script.get('technology') or 'the platform'}{where}."
    )


def left_to_others(script: Row, rows: Rows) -> str:
    """Return these statements as C(immuta_deregister_skip) has them, to be pasted, also in a shell."""
    return json.dumps(
        [{"statement": row["index"], "sha256": script["sha256"], "reason": "others need it"} for row in rows]
    )
