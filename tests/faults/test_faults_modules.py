# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault at every request of every Immuta module: a wrong success never, the right end or a failure that is true.

The requests are those of an undisturbed call, so a new one is covered without a change here.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
import tempfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script, script_file, setup_file
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.tests.doubles.immuta_server import Fault
from ansible_collections.community.immuta.tests.faults.asking import IMPATIENT, Ask, Tenant, tenant
from ansible_collections.community.immuta.tests.harness.inprocess import Result
from ansible_collections.community.immuta.tests.harness.points import of_each, spread
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY

EVER = 10**6
SCRIPT = Ask("cleanup_script", {"connection_key": KEY})
SCRIPT_OF_5 = Ask("cleanup_script", {"integration_id": 5})
PLACE = {"host": "sales.snowflakecomputing.com", "warehouse": "WH1", "role": "R1", "database": "D1"}
NEW = "sales snowflake"
PRESENT = Ask(
    "connection",
    {
        "connection_key": NEW,
        "state": "present",
        "snowflake": {**PLACE, "password": {"username": "U1", "password": "canary-5c0f-of-faults"}},
    },
)
CHANGE = Ask("connection", {**PRESENT.options, "update_secrets": "always"})
REMOVE = Ask("connection", {"connection_key": KEY, "confirm": KEY})
SETTINGS = Ask("connection_settings", {"connection_key": KEY, "activate_new_children": False})
SYNC = Ask("object_sync", {"connection_key": KEY})
SET_UP = Ask(
    "setup_script",
    {"technology": "Snowflake", "config": {"host": "example.snowflakecomputing.com", "database": "IMMUTA_NEW"}},
)


def nothing_yet(double: Tenant, folder: Path) -> None:
    """From cold."""


def saved(double: Tenant, folder: Path) -> None:
    """The script is saved."""
    assert SCRIPT(double, folder).good


def saved_by_id(double: Tenant, folder: Path) -> None:
    """The script is saved by the integration's id."""
    assert SCRIPT_OF_5(double, folder).good


def removed(double: Tenant, folder: Path) -> None:
    """The script is saved, the connection gone, and nothing has run."""
    saved(double, folder)
    assert REMOVE(double, folder)["verified"] is True


def half(double: Tenant, folder: Path) -> None:
    """A statement has run."""
    removed(double, folder)
    sha256 = script_file.digest((folder / "x.sql").read_bytes())
    with journal.Journal(journal.journal_path(str(folder / "x.sql")), sha256, 3) as book:
        book.started(1, "tag")
        book.done(1)


def registered(double: Tenant, folder: Path) -> None:
    """There is a new connection, with all that is in it."""
    assert PRESENT(double, folder)["verified"] is True
    double.state.credentials.clear()


def finished(double: Tenant, folder: Path) -> None:
    """All is done."""
    removed(double, folder)
    assert Ask("cleanup_script", {"state": "executed"})(double, folder).good


@dataclasses.dataclass(frozen=True)
class Case:
    """A module's call, and what was done before it."""

    name: str
    ask: Ask
    before: t.Callable[[Tenant, Path], None] = nothing_yet

    @property
    def key(self) -> str:
        """The key of the connection that it is about."""
        return str(self.ask.options.get("connection_key") or KEY)


CASES = [
    Case("save", SCRIPT),
    Case("save-again", SCRIPT, saved),
    Case("save-by-id", SCRIPT_OF_5),
    Case("save-by-id-again", SCRIPT_OF_5, saved_by_id),
    Case("resume", SCRIPT, removed),
    Case("resume-half", SCRIPT, half),
    Case("resume-finished", SCRIPT, finished),
    Case("remove", REMOVE),
    Case("remove-again", REMOVE, removed),
    Case("register", PRESENT),
    Case("register-again", PRESENT, registered),
    Case("edit", CHANGE, registered),
    Case("settings", SETTINGS),
    Case("sync", SYNC),
    Case("set-up", SET_UP),
    Case("connection", Ask("connection_info", {"connection_key": KEY})),
    Case("connection-gone", Ask("connection_info", {"connection_key": KEY}), removed),
    Case("connections", Ask("connection_info", {})),
    Case("integration", Ask("integration_info", {"integration_id": 5})),
    Case("integration-gone", Ask("integration_info", {"integration_id": 5}), removed),
    Case("integrations", Ask("integration_info", {})),
]
STATUSES = (401, 403, 404, 409, 429, 500, 502, 503, 504)
QUICK: dict[str, dict[str, t.Any]] = {
    **{kind: {"kind": kind} for kind in ("lost_answer", "reset_before", "html", "truncated", "redirect")},
    **{f"status{status}": {"kind": "status", "status": status} for status in STATUSES},
    "html-done": {"kind": "html", "done": True},
    "status500-done": {"kind": "status", "status": 500, "done": True},
    "status404-done": {"kind": "status", "status": 404, "done": True},
    "status504-done": {"kind": "status", "status": 504, "done": True},
}
# These take as long as the client waits.
TARDY: dict[str, dict[str, t.Any]] = {
    "slow": {"kind": "slow", "seconds": 4 * IMPATIENT},
    "drip": {"kind": "drip", "seconds": 4 * IMPATIENT},
}
SPANS = ("once", "this-one-for-good", "all-for-good")


@dataclasses.dataclass(frozen=True)
class Point:
    """A fault at one request of a call, the first of which has the number 1."""

    case: Case
    number: int
    operation: str
    fault: str
    span: str

    def __str__(self) -> str:
        return f"{self.case.name}-{self.number}.{self.operation}-{self.fault}-{self.span}"

    def plan(self, double: Tenant) -> None:
        """Plan the fault; the call comes next."""
        fields = {**QUICK, **TARDY}[self.fault]
        asked = [one.operation_id for one in undisturbed(self.case).asked]
        only = self.operation if self.span == "this-one-for-good" else None
        nth = asked[: self.number].count(only) if only else self.number
        times = 1 if self.span == "once" else EVER
        location = f"{double.url}/integrations"
        double.faults.add(Fault(operation_id=only, nth=nth, times=times, location=location, **fields))


@dataclasses.dataclass(frozen=True)
class Undisturbed:
    """A call that nothing has disturbed."""

    asked: list[t.Any]
    answer: Result


@functools.cache
def undisturbed(case: Case) -> Undisturbed:
    folder = Path(tempfile.mkdtemp())
    try:
        with tenant() as double:
            case.before(double, folder)
            seen = len(double.requests)
            answer = case.ask(double, folder)
            return Undisturbed(double.requests[seen:], answer.good)
    finally:
        shutil.rmtree(folder)


def points(faults: t.Iterable[str]) -> list[Point]:
    return [
        Point(case, number, str(one.operation_id), fault, span)
        for case in CASES
        for number, one in enumerate(undisturbed(case).asked, 1)
        for fault in faults
        for span in SPANS
    ]


@dataclasses.dataclass
class Judge:
    """Holds an answer against what is true."""

    double: Tenant
    folder: Path
    case: Case
    there_before: bool

    @property
    def there(self) -> bool:
        with self.double._lock:
            self.double.state.settle()
        return self.case.key in self.double.state.connections

    @property
    def active_later(self) -> bool:
        return bool(self.double.state.connections[KEY].settings["activateNewChildren"])

    def __call__(self, answer: Result) -> None:
        """An answer that a fault has disturbed.

        :raises AssertionError: it says what is not so
        """
        if answer.failed:
            self._failed(answer)
        elif self.case.ask in (PRESENT, CHANGE):
            assert self.there
            assert answer["verified"] is True
            assert answer["registered"] is not self.there_before
            assert answer["changed"] is (self.case.ask is CHANGE or not self.there_before)
            if self.case.ask is CHANGE:
                assert self.double.state.credentials
        elif self.case.ask.name == "connection":
            assert not self.there
            assert answer["changed"] is self.there_before
            assert answer["verified"] is True
        elif self.case.ask.name == "cleanup_script":
            assert saved_script.read(str(self.folder / "x.sql")) is not None
            known = (None,) if "integration_id" in self.case.ask.options else (self.there,)
            assert answer["connection_exists"] in known
            assert (answer["source"] == "immuta") is self.there
        elif self.case.ask is SETTINGS:
            assert (answer["changed"], answer["verified"], self.active_later) == (True, True, False)
        elif self.case.ask is SET_UP:
            held = setup_file.read(str(self.folder / "x.sql"))
            assert held is not None and held.intact and held.sha256 == answer["sha256"]
        elif self.case.ask is SYNC:
            # Once, and whether Immuta shows the jobs depends on the fault.
            assert len(self.double.state.syncs) == 1
            assert answer["object_sync"]["state"] == "completed" or "does not tell" in answer.warned
        elif self.case.ask.name == "connection_info":
            wanted = undisturbed(self.case).answer["connections"]
            assert [one["key"] for one in answer["connections"]] == [one["key"] for one in wanted]
        else:
            assert answer.returned == undisturbed(self.case).answer.returned

    def _failed(self, answer: Result) -> None:
        failure, said = answer["failure"], answer["msg"]
        if self.case.ask.name == "cleanup_script":
            held = saved_script.read(str(self.folder / "x.sql"))
            assert (failure["saved"] or {}).get("sha256") == (held.sha256 if held else None)
            # A script that is lost is one that nobody has, of a connection that is gone: that was not so here.
            assert answer.code not in ("script_lost", "no_cleanup_script")
        if self.case.ask in (PRESENT, CHANGE):
            self._not_present(answer)
        elif self.case.ask.name == "connection":
            assert not answer.get("verified") or not self.there
            assert "still there" not in said or "not known" in said or self.there
            assert "Nothing was deleted" not in said or self.there
            assert "is not found any more" not in said or not self.there
        if self.case.ask is SETTINGS:
            assert self.active_later or "Nothing was changed" not in said
            assert self.active_later or "does not show the change" not in said
        if self.case.ask is SET_UP:
            assert not (self.folder / "x.sql").exists()
        if self.case.ask is SYNC:
            assert len(self.double.state.syncs) <= 1
            assert not self.double.state.syncs or answer.get("changed") or answer.code == "sync_failed"
        assert failure["hint"] or failure["status"] in (400, 404, 409) or answer.code in ("transport", "deadline"), said
        assert API_KEY not in said

    def _not_present(self, answer: Result) -> None:
        """What a registration or an edit says that was not done, was not."""
        changed = self.there if not self.there_before else bool(self.double.state.credentials)
        assert not answer.get("verified")
        assert answer.get("registered") is not True or self.there
        assert not (answer.get("changed") is False and changed)
        assert not (answer.code != "already_exists" and "Nothing was" in answer["msg"] and changed)


def disturb(point: Point, folder: Path) -> None:
    """Call with the fault, and twice without."""
    with tenant() as double:
        point.case.before(double, folder)
        judge = Judge(double, folder, point.case, point.case.key in double.state.connections)
        point.plan(double)
        patience: dict[str, t.Any] = {"timeout": IMPATIENT, "total_timeout": 60.0} if point.fault in TARDY else {}
        if point.case.ask.name == "connection" or point.case.ask in (SETTINGS, SYNC):
            patience["wait_timeout"] = 3.0
        judge(point.case.ask(double, folder, retries=1, **patience))
        double.faults.clear()
        second = point.case.ask(double, folder)
        assert second.good
        assert point.case.ask(double, folder).good["changed"] is (point.case.ask in (CHANGE, SYNC))
        once = ("deleteObject", "registerConnection")
        taken = [one for one in double.requests if one.operation_id in once and one.status == 200 and not one.fault]
        assert len(taken) <= 1


# One fault at each request of each case.
TRIED = of_each(points(QUICK), lambda point: (point.case.name, point.number), turn=7)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_fault_at_every_request(case: Case, tmp_path: Path) -> None:
    wrong = []
    for point in TRIED:
        if point.case is case:
            folder = tmp_path / str(point)
            folder.mkdir()
            try:
                disturb(point, folder)
            except AssertionError as error:
                wrong.append(f"{point}: {error}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("point", spread(points(TARDY), 3), ids=str)
def test_answers_that_come_too_late(point: Point, tmp_path: Path) -> None:
    disturb(point, tmp_path)
