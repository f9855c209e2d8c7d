# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs `make test`: the sessions of the noxfile that are tagged test, or those named, some at a time.

Prints each one's output whole, then a summary with CPU seconds. Sessions whose Python this machine lacks are left out by
name. What `make -j` can't do: the CPU seconds and their sum, and the line with counts at the end, which CI reads.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import index
import pythons

ROOT = Path(__file__).resolve().parent.parent
NOX = (sys.executable, "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"))
# CPU seconds that all sessions may take together; no failure, since they depend on the machine.
BUDGET = 900


class Row(t.NamedTuple):
    """How a session has ended; times in seconds."""

    session: str
    good: bool
    elapsed: float
    cpu: float
    output: str


def run(session: str) -> Row:
    """Run one session in a process of its own."""
    began = time.monotonic()
    process = subprocess.Popen(
        [*NOX, "--reuse-venv=yes", "-s", session],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout
    with process.stdout:
        output = process.stdout.read()
    # Not process.wait(), which doesn't tell what the process and its children have used.
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Row(session, process.returncode == 0, time.monotonic() - began, used.ru_utime + used.ru_stime, output)


def main() -> None:
    """Run them, and leave with 1 if one has failed."""
    wanted = ["-s", *sys.argv[1:]] if sys.argv[1:] else ["-t", "test"]
    os.environ.update(index.of_pip(os.environ))
    asked = subprocess.run([*NOX, "--list", "--json", *wanted], stdout=subprocess.PIPE, text=True, check=False)
    if asked.returncode:
        sys.exit(asked.stdout)
    listed = json.loads(asked.stdout)
    missing = [one for one in listed if not pythons.here(one["python"])]
    sessions = [one["session"] for one in listed if one not in missing]
    began = time.monotonic()
    rows = []
    # The longest ones have two processes each, so that no core waits while another one installs.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, session) for session in sessions]):
            row = future.result()
            print(f"\n===== {row.session} =====\n{row.output}", flush=True)
            rows.append(row)
    print("\n===== summary =====")
    for row in sorted(rows):
        print(f"{row.session:<22}{'ok' if row.good else 'FAILED':<8}{row.elapsed:6.0f} s{row.cpu:6.0f} s of CPU")
    for one in missing:
        print(f"{one['session']:<22}LEFT OUT, since there is no Python {one['python']} here")
    cpu = sum(row.cpu for row in rows)
    print(f"all in {time.monotonic() - began:.0f} s, {cpu:.0f} s of CPU of {BUDGET}")
    bad = [row.session for row in rows if not row.good]
    if bad:
        print("FAILED: " + ", ".join(sorted(bad)))
    # A line of its own, and the last one.
    left_out = f", {len(missing)} left out" if missing else ""
    print(f"{len(rows) - len(bad)} passed, {len(bad)} failed{left_out}", flush=True)
    sys.exit(1 if bad or not rows else 0)


if __name__ == "__main__":
    main()
