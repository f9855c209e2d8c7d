# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many connections through Ansible's own inventory and forks, beside playbooks that are written by hand.

All take the same connections out of service, on stand-ins of their own, taking turns in one run: the collection's playbook; one by hand
that does what the role does, as far as ansible-core can (by_hand/site.yml); and a short one that checks nothing (by_hand/unchecked.yml).
For each number of connections: seconds, CPU seconds, and requests to Immuta for each connection, the memory of the largest process, and
what part of the seconds and CPU seconds by hand the collection takes. The target is for CPU seconds, since the others depend on what else
the machine does. Leaves with 1 when a target is missed, or when time or requests
grow faster than the number.

Usage: scale.py [NUMBER ...], by default 1 10 100. The playbooks by hand are left out above 100.
"""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.tests.bench import plays

BY_HAND = Path(__file__).parent / "by_hand"
NUMBERS = (1, 10, 100)
FORKS = 10
LARGEST_BY_HAND = 100
OURS = "collection"
# The most that the collection may take, in parts of what a playbook by hand takes.
TARGETS = {("by hand", 1): 0.60, ("by hand", 10): 0.50, ("by hand", 100): 0.50, ("unchecked", 1): 0.78}
PLAYBOOKS = {"by hand": "site.yml", "unchecked": "unchecked.yml"}
# How much longer a connection may take among many than among a few.
GROWTH = 1.15
# So often each is measured; the median counts.
ROUNDS = {1: 5, 10: 3}


class Row(t.NamedTuple):
    """What a run took for each connection; memory in bytes, of the largest process."""

    seconds: float
    computed: float
    requests: float
    memory: float


def measure(number: int, by: str) -> Row:
    """Take so many connections out of service."""
    with tempfile.TemporaryDirectory() as folder, plays.tenant(number) as immuta, plays.account(number) as platform:
        prefix = "immuta_deregister_" if by == OURS else ""
        keys = {f"host{one}": f"connection {one}" for one in range(1, number + 1)}
        hosts = {name: {f"{prefix}connection_key": key, f"{prefix}confirm": key} for name, key in keys.items()}
        if by == OURS:
            command = ["community.immuta.deregister_connection", "-e", "immuta_deregister_hosts=all:!localhost"]
            command += ["-e", f"immuta_deregister_script_dir={folder}/scripts"]
            hosts["localhost"] = {}
        else:
            command = [str(BY_HAND / PLAYBOOKS[by]), "-e", f"scripts={folder}/scripts"]
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = Path(folder) / "hosts.yml"
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": local}}))
        command += ["-i", str(inventory)]
        measured = plays.play(Path(folder), immuta, platform, command, ANSIBLE_FORKS=str(FORKS))
        assert not immuta.state.connections
        assert len(platform.statements) == 3 * number, len(platform.statements)
        return Row(
            measured.seconds / number, measured.computed / number, len(immuta.requests) / number, measured.memory
        )


def main() -> None:
    """Measure, print, and judge."""
    if importlib.util.find_spec("pandas"):
        print("pandas is installed here, and Snowflake's client loads it: that makes the playbooks by hand slower")
    numbers = [int(word) for word in sys.argv[1:]] or NUMBERS
    failures = []
    ours: dict[int, Row] = {}
    head = f"{'connections':>11} {'by':<11} {'s each':>7} {'CPU s each':>11} {'requests each':>14} {'memory':>8}"
    print(f"{head} {'ratio':>7} {'of CPU':>7} {'target':>7}", flush=True)
    for number in numbers:
        ways = [OURS, *(by for by in PLAYBOOKS if number <= LARGEST_BY_HAND and (by == "by hand" or number == 1))]
        rounds: dict[str, list[Row]] = {by: [] for by in ways}
        for _round in range(ROUNDS.get(number, 1)):
            for by in ways:
                rounds[by].append(measure(number, by))
        rows = {by: Row(*map(statistics.median, zip(*found, strict=True))) for by, found in rounds.items()}
        ours[number] = rows[OURS]
        for by, row in rows.items():
            ratios = [ours[number].seconds / row.seconds, ours[number].computed / row.computed]
            target = TARGETS.get((by, number))
            if target and ratios[1] > target:
                failures.append(f"{number}: more than {target} of the CPU seconds of the playbook {by}")
            line = f"{number:>11} {by:<11} {row.seconds:>7.2f} {row.computed:>11.2f} {row.requests:>14.1f}"
            compared = "" if by == OURS else f" {ratios[0]:>7.2f} {ratios[1]:>7.2f} {target or '':>7}"
            print(f"{line} {row.memory / 2**20:>5.0f} MB{compared}", flush=True)
    many = [number for number in numbers if number >= 10]
    if len(many) > 1:
        few, most = ours[many[0]], ours[many[-1]]
        if most.computed > GROWTH * few.computed or most.requests > few.requests:
            failures.append(f"a connection takes more among {many[-1]} than among {many[0]}")
    if failures:
        sys.exit("missed: " + "; ".join(failures))


if __name__ == "__main__":
    main()
