# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts the stand-in servers that most tests need, with what they know set to secrets that occur nowhere else."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.tests.doubles.databricks_metastore import Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State, Variant
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble

KEY = "prod snowflake"
# The connection of the example tenant that has no clean-up script.
LAKE = "prod lake formation"
# In any output, one of these is a leak.
API_KEY = "canary-api-key-5f0c1d"
PASSWORD = "canary-password-77ae20"
TOKEN = "canary-token-10be93"
CLIENT_SECRET = "canary-client-secret-c4d2"
SECRETS = (API_KEY, PASSWORD, TOKEN, CLIENT_SECRET)
# Variables that a developer's shell may hold, and that must not decide what a test sees.
FOREIGN = (
    *("IMMUTA_", "SNOWFLAKE_", "DATABRICKS_", "ANSIBLE_", "AWX_", "JOB_ID"),
    *("GITHUB_", "GITLAB_", "RUNNER_", "KUBERNETES_", "CI_", "container"),
)


@contextlib.contextmanager
def immuta(state: State | None = None, variant: Variant | None = None) -> t.Iterator[ImmutaDouble]:
    """A tenant with connections on Snowflake, Databricks, and AWS Lake Formation. It fails what breaks the contract."""
    with ImmutaDouble(state or State.example(KEY, api_key=API_KEY), variant) as double:
        try:
            yield double
        finally:
            assert not double.violations, double.violations


def another(double: ImmutaDouble, key: str, script: str | None = None) -> str:
    """Add a connection like the one with this key, with an integration and names of its own; the new one's key.

    :param script: of that integration, if it is another one
    """
    state = double.state
    like, number = state.connections[key], 100 + len(state.integrations)
    assert like.native_integration_id is not None
    same = state.integrations[like.native_integration_id]
    home = "catalog" if "catalog" in same.config else "database"

    def own(text: str) -> str:
        return re.sub("immuta", rf"\g<0>_{number}", text, flags=re.IGNORECASE)

    def named(about: dict[str, t.Any]) -> dict[str, t.Any]:
        return {name: own(value) if name in ("role", "username") else value for name, value in about.items()}

    config = {**named(same.config), home: f"immuta_{number}"}
    state.integrations[number] = dataclasses.replace(
        same, id=number, script=script or own(same.script or ""), config=config
    )
    new = f"{key} {number}"
    state.connections[new] = dataclasses.replace(like, key=new, native_integration_id=number, extra=named(like.extra))
    return new


def snowflake(*, empty: bool = False) -> SnowflakeDouble:
    """The Snowflake account on which Immuta was set up, or is to be."""
    return SnowflakeDouble((Account.before if empty else Account.example)(PASSWORD))


def databricks(*, empty: bool = False) -> DatabricksDouble:
    """The Databricks workspace on which Immuta was set up, or is to be."""
    return DatabricksDouble((Metastore.before if empty else Metastore.example)(TOKEN, CLIENT_SECRET))


class Process:
    """A stand-in as a process of its own.

    :ivar host: where it listens
    :ivar port: where it listens
    :ivar url: of its control plane
    """

    def __init__(self, popen: subprocess.Popen[bytes], ready: Path) -> None:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert popen.poll() is None and time.monotonic() < deadline, "it does not start"
            time.sleep(0.02)
        about = json.loads(ready.read_text())
        assert about["pid"] == popen.pid
        self.popen, self._ready = popen, ready
        self.host, self.port = about["host"], about["port"]
        self.url = f"http://{self.host}:{self.port}/_double/"

    def require_ended(self) -> None:
        """Fail unless it ends soon, and well."""
        assert self.popen.wait(timeout=30) == 0
        assert not self._ready.exists()


@contextlib.contextmanager
def process(name: str, folder: Path, *options: str, **secrets: str) -> t.Iterator[Process]:
    """Start C(NAME_server.py) by its path, as people do.

    :param secrets: more variables of its environment
    """
    ready = folder / "ready.json"
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    program = Path(__file__).parents[1] / "doubles" / f"{name}_server.py"
    popen = subprocess.Popen(
        [sys.executable, str(program), f"--ready-file={ready}", *options], env={**inherited, **secrets}, cwd=folder
    )
    try:
        yield Process(popen, ready)
    finally:
        popen.kill()
        popen.wait()
