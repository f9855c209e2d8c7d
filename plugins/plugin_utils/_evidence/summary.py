# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The top of a report's page: what was done, where, who asked, approved, and ran it, when, and what changed.

Reports of earlier versions lack some fields; what they don't say is shown as not recorded.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import tenants
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.rows import BY_WORD, RUN

Seen = t.Mapping[str, t.Any]
NO_LOOK = "Nobody looked"
NOT_FOUND_THERE = "No run has found the connection there."


@dataclasses.dataclass(frozen=True)
class Fact:
    """One answer.

    :ivar value: None if it is not recorded
    :ivar note: how it is known, or what is missing
    :ivar code: whether it is a digest
    :ivar unproven: whether it is only stated, or missing although it matters
    """

    name: str
    value: str | None
    note: str = ""
    code: bool = False
    unproven: bool = False


@dataclasses.dataclass(frozen=True)
class Change:
    """What was there before, and what is there after.

    :ivar tone: C(good), C(care), or C(calm)
    """

    what: str
    name: str
    before: str
    after: str
    tone: str


@dataclasses.dataclass(frozen=True)
class Counts:
    """How many statements of the script there are, have run, and count only because somebody says so."""

    total: int
    run: int
    by_word: int


def counts(runs: t.Iterable[Seen]) -> Counts | None:
    """What has run in the end; None if no run tells.

    :param runs: those that the report is about, the oldest first
    """
    found: dict[int, str] = {}
    total = 0
    for run in runs:
        missing = run.get("unreported") or {}
        rows = run.get("statements") or ()
        # A run that did not see the script tells nothing of it; the journal may have.
        found = {row["index"]: row["status"] for row in rows} or found
        found.update(dict.fromkeys(missing.get("statements") or (), RUN[0]) if not rows else {})
        total = len(rows) or total or missing.get("total") or 0
    states = list(found.values())
    return Counts(total, sum(map(RUN.__contains__, states)), sum(map(BY_WORD.__contains__, states))) if total else None


@dataclasses.dataclass(frozen=True)
class Summary:
    """The top of the page.

    :ivar runs: those that the last one continues; the others are about a former connection of that key
    :ivar statements: None if nobody knows them, or they count no more
    :ivar notes: what was done and no run tells, as sentences
    :ivar deeds: which of these runs did the work, as sentences, or ""
    """

    facts: list[Fact]
    changes: list[Change]
    runs: t.Sequence[Seen]
    statements: Counts | None = None
    notes: t.Sequence[str] = ()
    deeds: str = ""


def deeds(runs: t.Iterable[Seen], words: t.Mapping[str, str]) -> str:
    """Which runs did the work, as sentences, or "".

    :param words: by status, what such a run did
    """
    numbers = {status: [str(run["number"]) for run in runs if run["status"] == status] for status in words}
    return " ".join(
        f"{'Runs' if len(found) > 1 else 'Run'} {' and '.join(filter(None, (', '.join(found[:-1]), found[-1])))} {words[status]}."
        for status, found in numbers.items()
        if found
    )


def change(row: Seen, good: t.Container[str | None], *, planned: bool) -> Change:
    """What Immuta had of a connection, and has.

    :param good: what is to be there after
    :param planned: whether nothing was done yet
    """
    before, after = (sentence(row.get(name) or "not known") for name in ("before", "after"))
    tone = "good" if row.get("after") in good else "calm" if planned else "care"
    return Change(f"Immuta {row['kind']}", row["name"], before, after, tone)


def sentence(words: t.Any) -> str:
    """Words with a capital at their start; Immuta's own, such as C(editError), as they are."""
    text = str(words)
    return text[:1].upper() + text[1:] if text == text.lower() else text


def login(run: Seen) -> str:
    """The login on the controller that has run the role, in words."""
    by = run["by"]
    return f"{by['sudo_user']} (with sudo as {by['user']})" if by.get("sudo_user") else str(by["user"])


def newest(runs: t.Sequence[Seen], name: str) -> t.Any:
    """A field of the newest run that has it; None if none does."""
    return next((run[name] for run in reversed(runs) if run.get(name)), None)


def places(runs: t.Sequence[Seen], earlier: Seen | None = None) -> list[Fact]:
    """Where it was done.

    :param earlier: the session of a run that is not in the report
    """
    session = newest(runs, "session") or earlier or {}
    found = tenants({"runs": list(runs)})
    asked = newest(runs, "tenant")
    return [
        Fact("Tenant", found[-1])
        if found
        else Fact("Tenant", asked, NOT_FOUND_THERE if asked else "", unproven=bool(asked)),
        Fact("Platform", ", ".join(newest(runs, "platform_hosts") or ()) or None),
        _account(runs, session),
    ]


def _account(runs: t.Sequence[Seen], session: Seen) -> Fact:
    """Where the sessions were, or else where the last run was refused."""
    if session:
        return Fact("Account", session.get("account") or session.get("host"))
    refused: Seen = next((run for run in reversed(runs) if (run.get("error") or {}).get("actual")), {})
    if not refused:
        return Fact("Account", None, "No run in this report has signed in to the platform.")
    error = refused["error"]
    which = "The wrong one" if error["code"] == "wrong_platform" else "Not known to be the right one"
    note = f"{which}: run {refused['number']} signed in there, and sent no statement of the script."
    return Fact("Account", error["actual"], note, unproven=True)


def people(runs: t.Sequence[Seen], idle: str, since: str | None = None) -> t.Iterator[Fact]:
    """Why it was done, who asked and ran it, and when.

    :param runs: those that have done something, or else the last one
    :param idle: what to say of that one if it has not
    :param since: when something was done that no run tells, if that is known
    """
    yield Fact("Reason or change number", newest(runs, "reason"))
    job = runs[-1]["by"].get("automation") or {}
    if job.get("user"):
        yield Fact("Asked by", str(job["user"]), f"Started {job['system']} job {job['job']}.")
    else:
        yield Fact("Asked by", None, "Only jobs of AWX, GitHub Actions, and GitLab CI name their user.")
    logins = list(dict.fromkeys(map(login, runs)))
    where = f"Login on the controller {', '.join(dict.fromkeys(str(run['by']['controller']) for run in runs))}"
    jobs = [run["by"]["automation"] for run in runs if run["by"].get("automation")]
    numbers = ", ".join(dict.fromkeys(f"{job['system']} job {job['job']}" for job in jobs))
    yield Fact("Run by", ", ".join(logins), f"{where}, in {numbers}." if numbers else f"{where}.")
    first, last = runs[0]["started"], runs[-1]["ended"]
    note = f"In {len(runs)} runs." if len(runs) > 1 else f"Run {runs[0]['number']}{idle and f', which {idle}'}."
    if since and since < first:
        first, note = since, f"{note} An earlier run ended without a report."
    yield Fact("When", span(first, last), note)


def span(first: str, last: str) -> str:
    """Two times in UTC."""
    return f"{_time(first)} to {_time(last, short=first[:10] == last[:10])} UTC"


def _time(when: str, *, short: bool = False) -> str:
    return when[11:19] if short else f"{when[:10]} {when[11:19]}"
