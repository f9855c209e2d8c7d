# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many connections through Ansible's own inventory and forks, beside a playbook that is written by hand.

Both take the same connections of the same stand-ins out of service, taking turns in one run. For each number of connections: seconds
and requests to Immuta for each connection, and the memory of the largest process. Leaves with 1 when a bound is missed: the ratio to the
playbook by hand, requests that grow with the number, or time that grows faster than it.

Usage: scale.py [NUMBER ...], by default 1 10 100. The playbook by hand is left out above 100.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.doubles.immuta_tenant import Connection, Integration
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.servers import FOREIGN

HERE = Path(__file__).parent
NUMBERS = (1, 10, 100)
FORKS = 10
LARGEST_BY_HAND = 100
# The most that a run may take, in parts of what the playbook by hand takes.
RATIOS = {1: 0.75, 100: 0.6}
# How much longer a connection may take among many than among a few.
GROWTH = 1.15
# A single connection is measured so often, and the median counts.
ROUNDS = 5
API_KEY, PASSWORD = "bench-api-key", "bench-password"
SCRIPT = "USE ROLE USERADMIN;\nDROP USER IF EXISTS IMMUTA_{0};\nDROP ROLE IF EXISTS IMMUTA_{0};\n"


def tenant(number: int) -> State:
    """So many Snowflake connections, each with a script of its own."""
    state = State.example(api_key=API_KEY)
    state.connections.clear()
    state.integrations.clear()
    for one in range(1, number + 1):
        host = f"account{one}.snowflakecomputing.com"
        config = {"host": host, "port": 443, "database": f"IMMUTA_{one}"}
        state.integrations[one] = Integration(one, "Snowflake", config=config, script=SCRIPT.format(one))
        key = f"connection {one}"
        state.connections[key] = Connection(key, "Snowflake", host, 443, one)
    return state


@dataclasses.dataclass
class Measured:
    """What a run took.

    :ivar computed: seconds of processor time, of the play and all that it started
    :ivar memory: bytes of the largest process
    """

    seconds: float
    computed: float
    requests: int
    memory: int


def measure(number: int, by_hand: bool) -> Measured:
    """Take so many connections out of service."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ImmutaDouble(tenant(number)) as immuta,
        SnowflakeDouble(Account.example(password=PASSWORD)) as platform,
    ):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)},
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_HOME": f"{folder}/ansible",
            "ANSIBLE_FORKS": str(FORKS),
            "HOME": folder,
            "IMMUTA_URL": immuta.url,
            "IMMUTA_API_KEY": API_KEY,
            "NO_PROXY": "127.0.0.1",
            **platform.environment(PASSWORD),
        }
        prefix = "" if by_hand else "immuta_deregister_"
        keys = {f"host{one}": f"connection {one}" for one in range(1, number + 1)}
        hosts = {name: {f"{prefix}connection_key": key, f"{prefix}confirm": key} for name, key in keys.items()}
        scripts = f"{folder}/scripts"
        if by_hand:
            command = [str(HERE / "by_hand" / "site.yml"), "-e", f"scripts={scripts}"]
        else:
            command = ["community.immuta.deregister_connection", "-e", "immuta_deregister_hosts=all:!localhost"]
            command += ["-e", f"immuta_deregister_script_dir={scripts}"]
        local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        inventory = Path(folder) / "hosts.yml"
        inventory.write_text(
            json.dumps({"all": {"hosts": {"localhost": {}, **hosts} if not by_hand else hosts, "vars": local}})
        )
        began = time.monotonic()
        process = subprocess.Popen(
            ["ansible-playbook", "-i", str(inventory), *command],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        output = process.stdout.read()
        _pid, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        assert os.waitstatus_to_exitcode(status) == 0, output[-5000:]
        assert not immuta.state.connections
        assert len(platform.statements) == 3 * number, len(platform.statements)
        return Measured(seconds, used.ru_utime + used.ru_stime, len(immuta.requests), used.ru_maxrss * 1024)


def main() -> None:
    """Measure, print, and judge."""
    numbers = [int(word) for word in sys.argv[1:]] or NUMBERS
    failures = []
    each: dict[int, float] = {}
    head = f"{'connections':>11} {'by':<11} {'s each':>7} {'CPU s each':>11} {'requests each':>14} {'memory':>8} {'ratio':>7}"
    print(head, flush=True)
    for number in numbers:
        rounds: dict[bool, list[Measured]] = {False: [], True: []}
        for _round in range(ROUNDS if number == 1 else 1):
            for by_hand in (False, True) if number <= LARGEST_BY_HAND else (False,):
                rounds[by_hand].append(measure(number, by_hand))
        seconds = {by: statistics.median(one.seconds for one in found) for by, found in rounds.items() if found}
        for by_hand, found in rounds.items():
            if not found:
                continue
            name = "by hand" if by_hand else "collection"
            ratio = f"{seconds[False] / seconds[True]:7.2f}" if True in seconds and not by_hand else ""
            computed = statistics.median(one.computed for one in found) / number
            asked, memory = found[0].requests / number, max(one.memory for one in found) / 2**20
            row = f"{number:>11} {name:<11} {seconds[by_hand] / number:>7.2f} {computed:>11.2f}"
            print(f"{row} {asked:>14.1f} {memory:>5.0f} MB {ratio}", flush=True)
        each[number] = seconds[False] / number
        if number in RATIOS and True in seconds and seconds[False] / seconds[True] > RATIOS[number]:
            failures.append(f"{number}: more than {RATIOS[number]} of the time by hand")
    many = [number for number in numbers if number >= 10]
    if len(many) > 1 and each[many[-1]] > GROWTH * each[many[0]]:
        failures.append(f"a connection takes longer among {many[-1]} than among {many[0]}")
    if failures:
        sys.exit("missed: " + "; ".join(failures))


if __name__ == "__main__":
    main()
