# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs `ansible-playbook` against stand-ins and measures it. The stand-ins are in this process, so they don't count."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import time
from pathlib import Path

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.doubles.immuta_tenant import Connection, Integration
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble

API_KEY, PASSWORD = "bench-api-key", "bench-password"
HOST = "example.snowflakecomputing.com"
SCRIPT = "USE ROLE USERADMIN;\nDROP USER IF EXISTS IMMUTA_{0};\nDROP ROLE IF EXISTS IMMUTA_{0};\n"
# All that a play inherits.
INHERITED = ("ANSIBLE_COLLECTIONS_PATH", "LANG", "LC_ALL", "PATH", "PYTHONPYCACHEPREFIX", "TMPDIR")


@dataclasses.dataclass
class Measured:
    """What a play took.

    :ivar computed: seconds of processor time, of the play and all that it started
    :ivar memory: bytes of the largest process
    """

    seconds: float
    computed: float
    memory: int


def tenant(number: int) -> ImmutaDouble:
    """A tenant with so many Snowflake connections, C(connection 1) and so on, each with a script of its own."""
    state = State.example(api_key=API_KEY)
    state.connections.clear()
    state.integrations.clear()
    for one in range(1, number + 1):
        config = {"host": HOST, "port": 443, "database": f"IMMUTA_{one}"}
        state.integrations[one] = Integration(one, "Snowflake", config=config, script=SCRIPT.format(one))
        key = f"connection {one}"
        state.connections[key] = Connection(key, "Snowflake", HOST, 443, one)
    return ImmutaDouble(state)


def account(number: int) -> SnowflakeDouble:
    """The Snowflake account of these connections, with what their scripts drop."""
    there = Account.example(password=PASSWORD)
    for one in range(1, number + 1):
        for kind in ("USER", "ROLE"):
            there.add(kind, f"IMMUTA_{one}", owner="USERADMIN")
    return SnowflakeDouble(there)


def play(
    folder: Path, immuta: ImmutaDouble, platform: SnowflakeDouble, arguments: list[str], **environment: str
) -> Measured:
    """Run a playbook in a folder."""
    began = time.monotonic()
    process = subprocess.Popen(
        ["ansible-playbook", *arguments],
        env={
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            **{"ANSIBLE_HOME": f"{folder}/ansible", "HOME": str(folder), "NO_PROXY": "127.0.0.1"},
            **{"IMMUTA_URL": immuta.url, "IMMUTA_API_KEY": API_KEY},
            **platform.environment(PASSWORD),
            **environment,
        },
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    # Not process.wait(), which doesn't tell what the process and its children have used.
    _pid, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    assert os.waitstatus_to_exitcode(status) == 0, output[-5000:]
    return Measured(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)
