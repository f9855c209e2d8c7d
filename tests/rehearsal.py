# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs every playbook of a suite with `--check --diff` before it is run for real, and holds the one against the other.

With REHEARSE=1 each play of a `Player` is rehearsed: copies of the stand-in servers, with their state and their planned
faults at that moment, answer at the addresses of the real ones (a saved script is bound to the address of its tenant).
The copies may see nothing but reads and renderings, and no statement; the folder has to stay as it is, byte for byte.
Then the play is run for real, and its tasks have to end, change, and show as the rehearsal said.

What a rehearsal can't know stands in `EXCEPTIONS`.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import os
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import OPERATIONS
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


def wanted() -> bool:
    """Whether plays are to be rehearsed."""
    return bool(os.environ.get(REHEARSE))


# Nothing is touched


@contextlib.contextmanager
def understudies() -> t.Iterator[None]:
    """Have copies answer meanwhile in the place of all doubles that serve in this process."""
    with contextlib.ExitStack() as stack:
        for double in Double.running:
            # The class may have been made for one test.
            kind = next(one for one in KEPT if isinstance(double, one))
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
    for place in (folder / "ansible", folder / "home" / ".ansible"):
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
    return [one.text for one in double.statements]


def _look(folder: Path) -> dict[str, t.Any]:
    """All that is in a folder, without what Ansible keeps there for itself."""
    aside = (folder / "ansible", folder / "home" / ".ansible")
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
    :ivar before: those of the rehearsal up to there
    """

    dry: list[Line]
    real: list[Line]
    before: list[Line]


@dataclasses.dataclass
class Exception_:
    """Something that a rehearsal can't know.

    :ivar fits: how many lines of the rehearsal and of the run it excuses; None when it doesn't fit, and ALL for what
        is left
    :ivar used: how often it was needed
    """

    reason: str
    fits: t.Callable[[Point], tuple[int, int] | None]
    used: int = 0


ALL = (10**6, 10**6)
FORETELL = "Foretell what becomes of a script that is not saved yet"
RUN = "Run the script with the executor "


def _until(lines: list[Line], task: str) -> int | None:
    return next((number for number, one in enumerate(lines, 1) if one["task"] == task), None)


def _from_cold(point: Point) -> tuple[int, int] | None:
    told, come = _until(point.dry, FORETELL), _until(point.real, FORETELL)
    if told is None or not point.dry[0]["task"].startswith(RUN) or point.dry[0]["outcome"] != "skipped":
        return None
    did = any(one["changed"] for one in point.real[:come])
    return (told, come) if come and point.dry[told - 1]["changed"] == did else None


EXCEPTIONS: list[Exception_] = [
    Exception_("from cold the script is not on the disk, so its executor has nothing to look at", _from_cold),
]


def require_same(dry: Played, played: Played, *, killed: bool) -> None:
    """Fail unless a run has done what its rehearsal said.

    :param killed: whether the run was ended on the way
    """
    lines, real = list(dry.tasks), list(played.tasks)
    before: list[Line] = []
    while lines and real:
        if shown(lines[0]) == shown(real[0]):
            before.append(lines.pop(0))
            del real[0]
            continue
        point = Point(lines, real, before)
        for one in EXCEPTIONS:
            excused = one.fits(point)
            if excused is not None:
                one.used += 1
                before.extend(lines[: excused[0]])
                del lines[: excused[0]]
                del real[: excused[1]]
                break
        else:
            raise AssertionError(
                f"the rehearsal said {shown(lines[0])}\nand it was {shown(real[0])}\n{json.dumps(lines[0])}\n{json.dumps(real[0])}"
            )
    assert not real, f"the rehearsal has not foreseen {[one['task'] for one in real]}"
    assert killed or not lines, f"only the rehearsal had {[one['task'] for one in lines]}"
