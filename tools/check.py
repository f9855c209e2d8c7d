# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs all sessions of the noxfile, two at a time, prints each one's output whole, and a summary at the end."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The long ones first, so that the two workers end together.
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
    "referee",
    "changelog",
    "ee",
)


def run(session: str) -> tuple[str, bool, float, str]:
    """Run one session in a process of its own."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "nox", "--noxfile", ROOT / "noxfile.py", "--reuse-venv=yes", "-s", session],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return session, done.returncode == 0, time.monotonic() - began, done.stdout


def main() -> None:
    """Run the sessions that were named, or all."""
    wanted = sys.argv[1:] or SESSIONS
    began = time.monotonic()
    rows = []
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run, session) for session in wanted]):
            session, good, seconds, output = future.result()
            print(f"\n===== {session} =====\n{output}", flush=True)
            rows.append((session, good, seconds))
    print("\n===== summary =====")
    for session, good, seconds in sorted(rows):
        print(f"{session:<22}{'ok' if good else 'FAILED':<8}{seconds:6.0f} s")
    bad = [session for session, good, _seconds in rows if not good]
    print(f"all in {time.monotonic() - began:.0f} s")
    print(f"sessions: {len(rows) - len(bad)} passed, {len(bad)} failed")
    if bad:
        sys.exit("FAILED: " + ", ".join(sorted(bad)))


if __name__ == "__main__":
    main()
