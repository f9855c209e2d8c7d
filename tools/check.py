# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs all sessions of the noxfile, some at a time, prints each one's output whole, and a summary at the end."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The long ones first, so that the workers end together.
SESSIONS = (
    "units_oldest",
    "sanity_oldest",
    "units_newest",
    "proofs",
    "integration_oldest",
    "sanity_newest",
    "integration_newest",
    "odbc",
    "awx",
    "browser",
    "galaxy",
    "molecule",
    "runner",
    "docs",
    "lint",
    "types",
    "demo",
    "fakesnow",
    "oracle",
    "changelog",
    "ee",
)


@dataclasses.dataclass
class Row:
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
        [sys.executable, "-m", "nox", "--noxfile", ROOT / "noxfile.py", "--reuse-venv=yes", "-s", session],
        cwd=ROOT,
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
    """Run the sessions that were named, or all."""
    wanted = sys.argv[1:] or SESSIONS
    began = time.monotonic()
    rows = []
    # One more than there are cores, since now and then each waits for something.
    with concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, session) for session in wanted]):
            row = future.result()
            print(f"\n===== {row.session} =====\n{row.output}", flush=True)
            rows.append(row)
    print("\n===== summary =====")
    for row in sorted(rows, key=lambda row: row.session):
        print(f"{row.session:<22}{'ok' if row.good else 'FAILED':<8}{row.elapsed:6.0f} s{row.cpu:6.0f} s of CPU")
    bad = [row.session for row in rows if not row.good]
    print(f"all in {time.monotonic() - began:.0f} s, {sum(row.cpu for row in rows):.0f} s of CPU")
    print(f"sessions: {len(rows) - len(bad)} passed, {len(bad)} failed")
    if bad:
        sys.exit("FAILED: " + ", ".join(sorted(bad)))


if __name__ == "__main__":
    main()
