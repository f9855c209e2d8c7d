# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The executor side by side with a bare loop over the same client, on the same stand-in.

The stand-in is a process of its own, and answers in less than a millisecond, where Snowflake takes tens of them. Asking
the client for query id and rows costs something too, so there is a loop that does that and nothing else. The journal is
written once in memory, which leaves what the executor itself costs, and once on the disk, which adds what making it
durable costs. Leaves with 1 when a bound is missed: 1.1 times the bare loop, with the journal on the disk, for
statements that take as long as on Snowflake, and memory flat but for the report.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import execute, journal, loaded_script, snowflake
from ansible_collections.community.immuta.tests.bench.memory import peak, resident

STATEMENTS = 10_000
# One round runs so many statements in each way; the ways take turns, so that all meet the same weather.
ROUND = 1_000
SIZES = (1_000, 10_000, 100_000)
RATIO = 1.1
# Seconds that a statement takes on Snowflake at the very least.
SNOWFLAKE = 0.02
# Bytes that a statement may leave behind: its row of the report and its event of the journal.
KEPT = 4096
IN_MEMORY = "/dev/shm"
PASSWORD = "bench-password"
STAND_IN = "ansible_collections.community.immuta.tests.doubles.snowflake_server"


@contextlib.contextmanager
def stand_in() -> t.Iterator[dict[str, t.Any]]:
    """Options of the module for a stand-in that is running."""
    process = subprocess.Popen(
        [sys.executable, "-m", STAND_IN, "--password-env", "BENCH_PASSWORD"],
        env={**os.environ, "BENCH_PASSWORD": PASSWORD},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        yield {
            **dict.fromkeys(snowflake.argument_spec()),
            **{"host": where["host"], "port": where["port"], "protocol": "http"},
            **{"account": "EXAMPLE", "user": "DEPLOYER", "password": PASSWORD},
            **{"login_timeout": 10, "network_timeout": 10, "statement_timeout": 60},
        }
    finally:
        process.terminate()
        process.wait(10)


def script_of(statements: int) -> loaded_script.LoadedScript:
    """A script of so many statements."""
    lines = (f'DROP TABLE IF EXISTS "SALES"."CRM"."ORDERS_{number}";\n' for number in range(statements))
    return loaded_script.from_text("".join(lines), snowflake.DIALECT)


class _Connected(snowflake.Snowflake):
    """Snowflake with a session that is open already, and stays so: signing in is not what is measured."""

    def __init__(self, params: dict[str, t.Any]) -> None:
        super().__init__(params, "bench")
        self.open = super().connect()

    def connect(self) -> t.Any:
        """A connection whose end ends nothing."""
        return self

    def cursor(self) -> t.Any:
        """A cursor of the session."""
        return self.open.cursor()

    def close(self) -> None:
        """Nothing."""


def bare(chosen: loaded_script.LoadedScript, platform: _Connected) -> float:
    """Seconds of a bare loop."""
    cursor = platform.cursor()
    began = time.perf_counter()
    for statement in chosen.statements:
        cursor.execute(statement.text)
    return time.perf_counter() - began


def asking(chosen: loaded_script.LoadedScript, platform: _Connected) -> float:
    """Seconds of a loop that keeps what the executor reports."""
    cursor = platform.cursor()
    kept = []
    began = time.perf_counter()
    for statement in chosen.statements:
        cursor.execute(statement.text)
        kept.append((cursor.sfqid, cursor.rowcount))
    return time.perf_counter() - began


def executed(chosen: loaded_script.LoadedScript, platform: _Connected, folder: str | None) -> float:
    """Seconds of the executor, with a journal in a folder."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = os.path.join(scratch, "journal")
        with journal.Journal(path, chosen.sha256, len(chosen.statements)) as book:
            run = execute.Execution(chosen, platform, book, execute.Rules(), tag="bench")
            began = time.perf_counter()
            report = run.run()
            seconds = time.perf_counter() - began
    assert report.executed == len(chosen.statements)
    return seconds


def sync_seconds() -> float:
    """What it takes to add a line to a file on the disk and make it durable."""
    with tempfile.TemporaryFile() as file:
        taken = []
        for _attempt in range(200):
            began = time.perf_counter()
            os.write(file.fileno(), b"x" * 120)
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def speed() -> list[str]:
    """Print the ratios; what of the bounds was missed."""
    ways: dict[str, t.Callable[[loaded_script.LoadedScript, _Connected], float]] = {
        "bare loop": bare,
        "loop that asks": asking,
        "journal in memory": lambda chosen, platform: executed(chosen, platform, IN_MEMORY),
        "journal on disk": lambda chosen, platform: executed(chosen, platform, None),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with stand_in() as params:
        platform = _Connected(params)
        chosen = script_of(ROUND)
        bare(chosen, platform)
        for _round in range(STATEMENTS // ROUND):
            for name, way in ways.items():
                taken[name].append(way(chosen, platform))
        platform.open.close()
    each = {name: statistics.median(seconds) / ROUND for name, seconds in taken.items()}
    least = each["bare loop"]
    print(f"{STATEMENTS} statements in each way")
    print(f"{'':<24} {'ms each':>8} {'ratio':>7} {f'at {SNOWFLAKE * 1000:g} ms':>9}")
    for name, seconds in each.items():
        there = 1 + (seconds - least) / SNOWFLAKE
        print(f"{name:<24} {seconds * 1000:>8.3f} {seconds / least:>6.2f}x {there:>8.3f}x")
    print(f"{'one fsync on this disk':<24} {sync_seconds() * 1000:>8.3f}")
    added = each["journal on disk"] - least
    kept_from = added / (RATIO - 1)
    print(f"{RATIO}x is kept by statements that take {kept_from * 1000:.1f} ms or more")
    if kept_from > SNOWFLAKE:
        return [f"{RATIO}x is kept from {kept_from * 1000:.1f} ms on only"]
    return []


def measure(statements: int) -> dict[str, float]:
    """Bytes of a script, split, and bytes at most that running it took besides."""
    with stand_in() as params:
        platform = _Connected(params)
        executed(script_of(1), platform, IN_MEMORY)
        before = resident()
        chosen = script_of(statements)
        loaded = resident()
        executed(chosen, platform, IN_MEMORY)
        platform.open.close()
        return {"script": loaded - before, "run": max(peak() - loaded, 0)}


def memory() -> list[str]:
    """Print what running takes besides the script; what of the bounds was missed."""
    print(f"\n{'statements':>10} {'script, MiB':>12} {'run, MiB':>9} {'bytes a statement':>18}")
    found = {}
    for statements in SIZES:
        done = subprocess.run(
            [sys.executable, __file__, "measure", str(statements)], capture_output=True, text=True, check=True
        )
        found[statements] = got = json.loads(done.stdout)
        print(
            f"{statements:>10} {got['script'] / 2**20:>12.1f} {got['run'] / 2**20:>9.1f} {got['run'] / statements:>18.0f}"
        )
    least, most = SIZES[0], SIZES[-1]
    kept = (found[most]["run"] - found[least]["run"]) / (most - least)
    print(f"left behind by each statement: {kept:.0f} bytes (its row of the report, and its event of the journal)")
    return [f"{kept:.0f} bytes are left behind by each statement"] if kept > KEPT else []


def main() -> int:
    """Print the tables; 1 when a bound is missed."""
    missed = speed() + memory()
    for line in missed:
        print(f"MISSED: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(measure(int(sys.argv[2]))))
    else:
        sys.exit(main())
