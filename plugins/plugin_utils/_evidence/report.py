# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a connection: what each run can prove. Read, appended, and written atomically.

The JSON file has all runs in full; a run adds itself and takes none away.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address, _files

FORMAT = 1
Report = dict[str, t.Any]
# As the run of a claim: the one that is being described, be it that it has seen it for itself, or that it goes by what earlier
# ones have left; then the earlier run knows better.
THIS, AGAIN = 0, -1


@dataclasses.dataclass(frozen=True)
class Kind:
    """Whose report it is.

    :ivar role: the role that writes it, as the report names it
    :ivar variable: the role's variable for the folder
    """

    role: str
    variable: str


class NotAReport(Exception):
    """The file is not a report of this role; C(args[0]) is its path."""


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of a run.

    :ivar outcome: C(done), C(failed), C(skipped), or C(not_reached)
    :ivar started: in UTC, as the module says; None when it did not run. So is C(ended).
    """

    name: str
    outcome: t.Literal["done", "failed", "skipped", "not_reached"]
    changed: bool
    started: str | None
    ended: str | None
    seconds: float | None
    detail: str


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim, and how it is known.

    :ivar state: C(verified) when it was seen, C(stated) when somebody said so
    :ivar run: number of the run that knows; None if none does
    """

    claim: str
    state: t.Literal["verified", "stated", "not_verified"]
    how: str
    run: int | None


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of the role, as the report has it.

    :ivar platform_hosts: where the script had to be run
    :ivar reason: why it was run, in a person's words
    :ivar approver: who approved it, in a person's words
    :ivar integration_config: what a clean-up script that is lost can be regenerated from; no secrets
    :ivar confirmed_by: C(name), or C(plan) when a plan was approved; None when nothing was confirmed
    :ivar objects: what the script removes or creates, as it was found on the platform before and after; None if nobody looked
    :ivar deleted_objects: in Immuta; None if none were, or it does not tell
    :ivar immuta: what Immuta had of the connection before, and has after
    """

    number: int
    status: str
    started: str
    ended: str
    seconds: float
    changed: bool
    by: dict[str, t.Any]
    versions: dict[str, str]
    tenant: str | None
    host: str
    technology: str | None
    integration_id: int | None
    integration_config: dict[str, t.Any] | None
    executor: str | None
    platform_hosts: list[str]
    session: dict[str, t.Any] | None
    objects: list[dict[str, t.Any]] | None
    immuta: list[dict[str, t.Any]]
    reason: str | None
    approver: str | None
    confirmed_by: str | None
    approved: dict[str, str | None]
    plan: dict[str, t.Any] | None
    script: dict[str, t.Any] | None
    steps: list[Step]
    statements: list[dict[str, t.Any]]
    deleted_objects: int | None
    integration: dict[str, t.Any] | None
    verified: list[Claim]
    remaining: list[str]
    error: dict[str, t.Any] | None


def path(folder: str, name: str) -> str:
    """Path of a connection's report.

    :param name: the connection's file name, without its suffix
    """
    return f"{folder}/{name}.json"


def read(kind: Kind, file: str) -> Report | None:
    """Read a report; None when there is none.

    :raises NotAReport: the file is something else
    :raises _files.NotOwn: other users may write there: what a report says is believed
    :raises OSError: it can't be read
    """
    try:
        report = json.loads(_files.read_own(file, limit=None)[0])
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        raise NotAReport(file) from None
    if not (
        isinstance(report, dict)
        and (report.get("report"), report.get("format")) == (kind.role, FORMAT)
        and isinstance(report.get("runs"), list)
        and all(isinstance(run, dict) for run in report["runs"])
    ):
        raise NotAReport(file)
    return report


def carried(own: t.Sequence[Claim], number: int, before: t.Mapping[str, t.Any] | None) -> list[Claim]:
    """The claims of a run, and what it could not tell or had no reason to ask, as the last run has it that knows.

    :param before: the run before it, which has done so, too; None if it was about another one of that connection
    """
    known: dict[str, Claim] = {}
    for row in (before or {}).get("verified") or ():
        # Older reports don't say which run knows.
        if (run := row.get("run", (before or {}).get("number"))) is not None:
            known[row["claim"]] = Claim(row["claim"], row["state"], row["how"], run)
    found = [_best(one, known.get(one.claim), number) for one in own]
    named = {one.claim for one in found}
    return [*found, *(one for name, one in known.items() if name not in named)]


def _best(one: Claim, earlier: Claim | None, number: int) -> Claim:
    # What was seen stays seen when a later run only reads what was said.
    if earlier and (one.run is None or (one.run == AGAIN and earlier.state in (one.state, "verified"))):
        return earlier
    return one if one.run is None else dataclasses.replace(one, run=number)


def append(kind: Kind, report: Report | None, connection_key: str, run: Run) -> Report:
    """Add a run to a report, or start one."""
    runs = report["runs"] if report else []
    return {
        "report": kind.role,
        "format": FORMAT,
        "connection_key": connection_key,
        "status": run.status,
        "runs": [*runs, dataclasses.asdict(run)],
    }


def tenants(report: Report | None) -> list[str]:
    """The tenants whose connection a report is about: one, unless files were moved.

    A run that has not found the connection, since it had a wrong URL or got no answer, says nothing about whose it is.
    """
    runs = (run for run in (report or {"runs": []})["runs"] if run.get("tenant") and _has_found(run))
    return list(dict.fromkeys(run["tenant"] for run in runs))


def _has_found(run: t.Mapping[str, t.Any]) -> bool:
    """Whether a run has found the connection on its tenant, or a script that was saved for it."""
    rows = run.get("immuta")
    if rows is None:
        # Reports of the first versions.
        return bool(run.get("technology", True))
    there = any({"there", "gone"} & {row["before"], row["after"]} for row in of_connection(run))
    return there or bool((run.get("script") or {}).get("sha256"))


def of_connection(run: t.Mapping[str, t.Any]) -> list[t.Mapping[str, t.Any]]:
    """What a run tells of the connection itself in Immuta, before and after; nothing in reports of the first versions."""
    return [row for row in run.get("immuta") or () if row["kind"] == "connection"]


def foreign(kind: Kind, folder: str, name: str, report: Report | None, tenant: str | None) -> str:
    """An error if the report belongs to another tenant's connection, or ""."""
    others = [one for one in tenants(report) if tenant and _address.normal(one) != _address.normal(tenant)]
    if not others:
        return ""
    return (
        f"The report {path(folder, name)} belongs to a connection of {others[0]}, not of {tenant}. If"
        f" {others[0]} is the right one, correct the URL (url, or IMMUTA_URL). Otherwise, set {kind.variable} to another"
        " folder."
    )


def write(folder: str, name: str, report: Report, page: str) -> str:
    """Write both files, each of them whole or not at all.

    :returns: the sha256 of the JSON file
    :raises OSError: a file can't be written
    """
    _files.make_folder(os.path.realpath(folder))
    text = f"{json.dumps(report, indent=2, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace")
    _files.replace(path(folder, name), text)
    _files.replace(f"{folder}/{name}.html", page.encode("utf-8", "backslashreplace"))
    return hashlib.sha256(text).hexdigest()


def try_to_write(folder: str, name: str) -> None:
    """Try what C(write) will do, and leave nothing behind.

    :raises OSError: a file can't be written
    """
    for file in (path(folder, name), f"{folder}/{name}.html"):
        # Another process that tries the same is no obstacle.
        with contextlib.suppress(BlockingIOError):
            _files.try_to_write(file)


def seconds_between(started: str, ended: str) -> float:
    """Seconds from one time to another; 0 where Ansible has masked a part of one, since a secret was equal to it."""
    clock = "%Y-%m-%dT%H:%M:%S.%fZ"
    try:
        return (datetime.datetime.strptime(ended, clock) - datetime.datetime.strptime(started, clock)).total_seconds()
    except ValueError:
        return 0.0
