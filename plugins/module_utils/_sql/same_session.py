# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a session is the one that was approved, or that has run the first part of the script."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql import reads, verify
from ansible_collections.community.immuta.plugins.module_utils._sql.journal import Progress
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Platform
from ansible_collections.community.immuta.plugins.module_utils._sql.report import Rules

Session = t.Mapping[str, t.Any]
# What says whose a session is.
FIELDS = ("account", "host", "user", "role")


class SessionChanged(Failure):
    """The session is another one than before; no statement of the script was sent."""

    code = "session_changed"


def require(
    cursor: t.Any, platform: Platform, rules: Rules, progress: Progress, rows: t.Iterable[t.Mapping[str, t.Any]]
) -> None:
    """Refuse another session than the one that was approved, or that has run the first part.

    Nothing is refused where nothing is left to be run: who only looks may see more.

    :param rows: one for each statement, with its status
    :raises SessionChanged: it is another one
    """
    if rules.other_session == "accept" or not any(row["status"] == "not_run" for row in rows):
        return
    for whose, known in (
        ("the approved plan was made", rules.expected_session),
        ("the first part of the script was run", _of_first_part(progress)),
    ):
        if known:
            _tell_user(cursor, platform, known)
            if differ := _differences(known, platform.session):
                raise SessionChanged(
                    f"This session has {_said(platform.session, differ)}, but {whose} with {_said(known, differ)}.",
                    hint="No statement of the script was sent. Sign in as before. If the rest is to be run in this"
                    " session, set other_session=accept, for the role immuta_deregister_other_session=accept.",
                )


def _of_first_part(progress: Progress) -> Session | None:
    """Return the session of the last run that has sent a statement; None if that is not known."""
    session = progress.runs[-1]["session"] if progress.runs else None
    # What a session does not tell by itself was asked by the look before.
    return {**((progress.before or {}).get("session") or {}), **session} if session else None


def _tell_user(cursor: t.Any, platform: Platform, known: Session) -> None:
    """Ask a session that does not tell it whose it is."""
    session = platform.session
    if platform.dialect != "databricks" or session.get("user") or not known.get("user"):
        return
    rows: list[t.Any] = []
    if verify.send(platform.reader(cursor), platform, reads.USER, verify.NOT_SENT, rows) is None and rows:
        session["user"] = rows[0][0]


def _differences(known: Session, now: Session) -> list[str]:
    """Return the fields that both know and that differ."""
    # An account has several names, and one locator.
    located = all(one.get("locator") for one in (known, now))
    fields = ("locator", "region", *FIELDS[1:]) if located else FIELDS
    found = [name for name in fields if known.get(name) and now.get(name) and _plain(known[name]) != _plain(now[name])]
    return list(dict.fromkeys("account" if name in ("locator", "region") else name for name in found))


def _plain(value: t.Any) -> str:
    text = str(value)
    return text[1:-1] if text.startswith('"') else text.upper()


def _said(session: Session, fields: t.Iterable[str]) -> str:
    return ", ".join(f"the {name} {session.get(name)}" for name in fields)
