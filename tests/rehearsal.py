# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs every playbook of a suite with `--check --diff` before it is run for real, and holds the one against the other.

With REHEARSE=1 each play of a `Player` is rehearsed: copies of the stand-in servers, with their state and their planned
faults at that moment, answer at the addresses of the real ones (a saved script is bound to the address of its tenant).
A controller answers itself.
The copies may see nothing but reads and renderings, and no statement; the folder has to stay as it is, byte for byte.
Then the play is run for real, and its tasks have to end, change, and show as the rehearsal said.

What a rehearsal can't know stands in `EXCEPTIONS`.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import os
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import OPERATIONS
from ansible_collections.community.immuta.tests import sampling
from ansible_collections.community.immuta.tests.doubles.controller_server import ControllerDouble
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.plumbing import Double
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.playing import Played

REHEARSE = "REHEARSE"
HARMLESS = {one.name for one in OPERATIONS if one.effect.harmless}
# What of a double is copied besides its faults.
KEPT = {
    ImmutaDouble: ("state", "variant"),
    SnowflakeDouble: ("account",),
    DatabricksDouble: (
        *("metastore", "warehouse", "silent_timeouts", "token_seconds"),
        *("_refusals", "_starts_at"),
    ),
}
Line = dict[str, t.Any]


# The tests whose plays are rehearsed; None for all.
_chosen: set[str] | None = None


def choose(suite: str, tests: t.Sequence[str], size: int) -> None:
    """Rehearse the plays of some of these tests only, unless all points are tried.

    :param tests: as pytest names them
    """
    global _chosen
    _chosen = set(sampling.chosen(f"{suite} rehearsed", tests, size))


def wanted() -> bool:
    """Whether the next play is to be rehearsed."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    return bool(os.environ.get(REHEARSE)) and (_chosen is None or test in _chosen)


# Nothing is touched


@contextlib.contextmanager
def understudies() -> t.Iterator[None]:
    """Have copies answer meanwhile in the place of all doubles that serve in this process."""
    with contextlib.ExitStack() as stack:
        for double in Double.running:
            # The class may have been made for one test.
            kind = next((one for one in KEPT if isinstance(double, one)), None)
            if kind is None:
                continue
            stack.enter_context(double.stood_in_for(lambda double=double, kind=kind: _understudy(double, kind)))
        yield


def _understudy(double: t.Any, kind: type[Double]) -> Double:
    one: t.Any = kind()
    for name in KEPT[kind]:
        setattr(one, name, copy.deepcopy(getattr(double, name)))
    if isinstance(double, ImmutaDouble):
        one.faults.add(*copy.deepcopy(double.faults.pending))
    else:
        one.faults = copy.deepcopy(double.faults)
    return t.cast(Double, one)


@contextlib.contextmanager
def harmless(folder: Path) -> t.Iterator[None]:
    """Fail unless what happens meanwhile leaves the servers and the folder alone."""
    for place in _aside(folder):
        place.mkdir(parents=True, exist_ok=True)
    answering = [double.answering for double in Double.running]
    before, seen = _look(folder), [_seen(one) for one in answering]
    yield
    writes = [one for double, already in zip(answering, seen) for one in _seen(double)[len(already) :] if one]
    assert not writes, f"check mode has sent {writes}"
    after = _look(folder)
    strange = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    assert not strange, f"check mode has touched {strange}"


def _seen(double: t.Any) -> list[str]:
    """For each request so far what it does, empty when it does nothing."""
    if isinstance(double, ImmutaDouble):
        return [
            ""
            if one.operation_id in HARMLESS or (one.operation_id is None and one.method in ("GET", "POST"))
            else one.path
            for one in double.requests
        ] + [one.message for one in double.violations]
    if isinstance(double, ControllerDouble):
        return double.writes
    return [one.text for one in double.statements]


def told(folder: Path) -> Path:
    """Where in a folder a play is to write what it has to tell; it does so in check mode, too."""
    return folder / "told"


@contextlib.contextmanager
def untold(folder: Path) -> t.Iterator[None]:
    """Take back what a play tells meanwhile, so that the next one finds what this one has found."""
    place = told(folder)
    place.mkdir(exist_ok=True)
    before = {path: path.read_bytes() for path in place.iterdir()}
    yield
    for path in place.iterdir():
        path.unlink()
    for path, content in before.items():
        path.write_bytes(content)


def _aside(folder: Path) -> tuple[Path, ...]:
    return (folder / "ansible", folder / "home" / ".ansible", folder / "remote", told(folder))


def _look(folder: Path) -> dict[str, t.Any]:
    """All that is in a folder, without what Ansible keeps there for itself, what it tells, and what tests look at modules in."""
    aside = _aside(folder)
    found: dict[str, t.Any] = {}
    for place, _folders, files in os.walk(folder):
        here = Path(place)
        if any(here == one or one in here.parents for one in aside):
            continue
        for path in (here, *(here / name for name in files)):
            about = path.lstat()
            content = path.read_bytes() if path.is_file() else os.readlink(path) if path.is_symlink() else None
            found[str(path.relative_to(folder))] = (about.st_mode, about.st_mtime_ns, content)
    return found


# It says what will happen


def shown(line: Line) -> t.Any:
    """What a rehearsal has to foresee of a task."""
    results = [line["result"], *(line["result"].get("results") or [])]
    return (
        line["task"],
        line["outcome"],
        line["changed"],
        [one.get("diff") for one in results],
        (line["result"].get("failure") or {}).get("code"),
    )


@dataclasses.dataclass
class Point:
    """Where the two differ.

    :ivar dry: the lines of the rehearsal from there on
    :ivar real: those of the run
    :ivar killed: whether the run was ended on the way
    :ivar passed: the lines of the run before them
    """

    dry: list[Line]
    real: list[Line]
    killed: bool
    passed: list[Line]


@dataclasses.dataclass
class Unknowable:
    """Something that a rehearsal can't know.

    :ivar fits: how many lines of the rehearsal and of the run it excuses; None when it doesn't fit, and ALL for what
        is left
    :ivar used: how often it was needed
    """

    reason: str
    fits: t.Callable[[Point], tuple[int, int] | None]
    used: int = 0


ALL = (10**6, 10**6)
RECORD = "Record that the script has run"
RESTORED = "Write the script"
# Tasks of which check mode from cold can't know that they include others.
INCLUDED = {
    "Go on with the script",
    "Leave the script to the workflow, too",
    "Run the script with the executor handoff",
}
# Codes of failures that only sending a statement or a deletion can bring to light.
BY_DOING = {"statement_failed", "unknown_outcome"}
# Modules that can't be asked what they would do.
WITHOUT_CHECK_MODE = {"ansible.builtin.command", "community.general.odbc"}
# The tasks that can't know more than that the script would be run.
EXECUTORS = {"community.immuta.snowflake_script", "community.immuta.databricks_script"}


def _unread(point: Point) -> tuple[int, int] | None:
    dry, real = point.dry[0], point.real[0]
    same = [(one["task"], one["outcome"], one["changed"]) for one in (dry, real)]
    unread = dry["action"] in EXECUTORS and dry["result"].get("statements") == []
    return (1, 1) if unread and same[0] == same[1] else None


def _nothing_listed(point: Point) -> tuple[int, int] | None:
    dry, real = point.dry[0], point.real[0]
    empty = dry["outcome"] == "skipped" and dry["result"].get("skipped_reason") == "No items in the list"
    return (1, 1) if empty and dry["task"] == real["task"] and real["outcome"] == "ok" and not real["changed"] else None


def _before(point: Point, skipped: int) -> tuple[int, int] | None:
    """So many lines of the rehearsal, and all of the run before the task with which the rehearsal goes on."""
    if not point.dry[skipped:]:
        return ALL
    for number, one in enumerate(point.real):
        if all(one[key] == point.dry[skipped][key] for key in ("task", "action")):
            return (skipped, number) if skipped + number else None
        if one["outcome"] == "failed":
            return ALL
    return ALL if point.killed else None


def _only_recorded(point: Point) -> tuple[int, int] | None:
    return _before(point, 0) if point.dry[0]["task"] == RECORD else None


def _not_included(point: Point) -> tuple[int, int] | None:
    dry, real = point.dry[0], point.real[0]
    included = dry["task"] == real["task"] and (dry["outcome"], real["outcome"]) == ("skipped", "ok")
    return _before(point, 1) if included and dry["task"] in INCLUDED else None


def _not_restored(point: Point) -> tuple[int, int] | None:
    return ALL if any(one["task"] == RESTORED and one["changed"] for one in point.passed) else None


def _only_by_doing(point: Point) -> tuple[int, int] | None:
    dry, real = point.dry[0], point.real[0]
    code = (real["result"].get("failure") or {}).get("code")
    foreseen = dry["task"] == real["task"] and dry["outcome"] == "ok" and dry["changed"]
    return ALL if foreseen and real["outcome"] == "failed" and code in BY_DOING else None


def _told(point: Point) -> tuple[int, int] | None:
    dry, real = point.dry[0], point.real[0]
    same = [(one["task"], one["outcome"], Path(one["result"].get("dest", "")).parent.name) for one in (dry, real)]
    return (1, 1) if same[0] == same[1] and same[0][1:] == ("ok", told(Path()).name) else None


def _without_check_mode(point: Point) -> tuple[int, int] | None:
    dry, real = point.dry[0], point.real[0]
    failed = real["outcome"] == "failed"
    if dry["task"] != real["task"]:
        return None
    if dry["outcome"] == "skipped" and real["action"] in WITHOUT_CHECK_MODE:
        return ALL if failed else (1, 1)
    # The task behind makes a failure of its answer.
    return ALL if failed and point.passed and point.passed[-1]["action"] in WITHOUT_CHECK_MODE else None


EXCEPTIONS: list[Unknowable] = [
    Unknowable("from cold the script is not on the disk, so that its statements can't be listed", _unread),
    Unknowable("what a playbook makes of statements that can't be listed from cold", _nothing_listed),
    Unknowable("from cold there is no script to give to odbc, or to the user's own tasks", _only_recorded),
    Unknowable("from cold there is no script to hand over or to leave, and none whose time is known", _not_included),
    Unknowable("a server's refusal of a statement is known when it was sent", _only_by_doing),
    Unknowable(
        "a script that the workflow keeps is not put on the disk, so that all behind is told as without it",
        _not_restored,
    ),
    Unknowable("what a play tells in check mode is of check mode", _told),
    Unknowable("a module without check mode is skipped in it", _without_check_mode),
]


def require_same(dry: Played, played: Played, *, killed: bool) -> None:
    """Fail unless a run has done what its rehearsal said.

    :param killed: whether the run was ended on the way
    """
    # Hosts are worked on side by side, so only what happens on one of them has an order.
    for host in dict.fromkeys(one.get("host") for one in (*dry.tasks, *played.tasks)):
        lines, real = ([one for one in tasks if one.get("host") == host] for tasks in (dry.tasks, played.tasks))
        _require_same(lines, real, killed)


def _require_same(lines: list[Line], real: list[Line], killed: bool) -> None:
    passed: list[Line] = []
    while lines and real:
        excused: tuple[int, int] | None = (1, 1)
        if shown(lines[0]) != shown(real[0]):
            point = Point(lines, real, killed, passed)
            found = ((one, one.fits(point)) for one in EXCEPTIONS)
            needed, excused = next(((one, lengths) for one, lengths in found if lengths), (None, None))
            if needed:
                needed.used += 1
        assert excused, f"the rehearsal said {shown(lines[0])}\nand it was {shown(real[0])}"
        passed += real[: excused[1]]
        del lines[: excused[0]]
        del real[: excused[1]]
    assert not real, f"the rehearsal has not foreseen {[one['task'] for one in real]}"
    assert killed or not lines, f"only the rehearsal had {[one['task'] for one in lines]}"
