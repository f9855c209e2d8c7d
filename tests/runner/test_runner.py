# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A workflow as AWX runs it: jobs of ansible-runner in folders that die with them, under a user that nobody knows.

The layout is that of AWX's execution environments: the private data folder is the home, the project is read-only, what is
left with set_stats comes with the last event and goes to the next job as extra variables.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, FOREIGN, KEY, PASSWORD, TOKEN

BIN = Path(sys.executable).parent
HOSTS = {"one": KEY, "two": "prod databricks"}
# A user without a name, as OpenShift has them. Namespaces give one without another account on this machine.
NOBODY = 4711


def as_nobody() -> list[str]:
    """What runs a command without being root."""
    if os.getuid() != 0:
        return []
    if shutil.which("unshare") is None:
        pytest.fail(
            "These tests run jobs without being root: run them as another user, or install util-linux (unshare)."
        )
    return ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]


class Controller:
    """Starts jobs, and keeps of them what AWX keeps."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.kept = ""

    def job(self, name: str, playbook: str, *hosts: str, **variables: t.Any) -> tuple[int, dict[str, t.Any]]:
        """Run one, and forget its folder.

        :param hosts: the slice of the inventory
        :returns: its exit status, and what it has left to the next node
        """
        data = self.folder / name
        for part in ("env", "inventory", "project"):
            (data / part).mkdir(parents=True)
        (data / "inventory" / "hosts.yml").write_text(
            json.dumps({"all": {"hosts": {one: self._host(one) for one in ("localhost", *hosts)}}})
        )
        (data / "project" / "site.yml").write_text(json.dumps([{"import_playbook": f"community.immuta.{playbook}"}]))
        extra = {f"immuta_deregister_{key}": value for key, value in variables.items()}
        (data / "env" / "extravars").write_text(json.dumps(extra))
        (data / "env" / "envvars").write_text(
            json.dumps({**self.environment, "HOME": str(data), "AWX_PRIVATE_DATA_DIR": str(data), "JOB_ID": "17"})
        )
        (data / "env" / "cmdline").write_text("-vvvv --diff")
        (data / "project").chmod(0o555)
        arguments = [str(BIN / "ansible-runner"), "run", str(data), "-p", "site.yml", "--ident", "17"]
        outside = {one: value for one, value in os.environ.items() if not one.startswith(FOREIGN) and one != "HOME"}
        done = subprocess.run(
            [*as_nobody(), *arguments],
            env={**outside, "PATH": f"{BIN}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        artifacts = data / "artifacts" / "17"
        events = [json.loads(one.read_text()) for one in (artifacts / "job_events").glob("*.json")]
        assert events, done.stdout + done.stderr
        # AWX doesn't keep the environment that is noted there.
        (artifacts / "command").unlink()
        self.kept += done.stdout + done.stderr
        self.kept += "".join(one.read_text() for one in artifacts.rglob("*") if one.is_file())
        (end,) = (one["event_data"] for one in events if one["event"] == "playbook_on_stats")
        assert {one.name for one in (data / "project").iterdir()} == {"site.yml"}
        (data / "project").chmod(0o755)
        shutil.rmtree(data)
        return done.returncode, end["artifact_data"]

    def _host(self, name: str) -> dict[str, str]:
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        return {**variables, "immuta_deregister_connection_key": HOSTS[name]} if name in HOSTS else variables


@pytest.fixture
def controller(
    tmp_path: Path, immuta: ImmutaDouble, snowflake: SnowflakeDouble, databricks: DatabricksDouble
) -> Controller:
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
        "PYTHONPATH": os.environ["PYTHONPATH"],
        "NO_PROXY": "127.0.0.1",
        "IMMUTA_URL": immuta.url,
        "IMMUTA_API_KEY": API_KEY,
        **snowflake.environment(PASSWORD),
        **databricks.environment(TOKEN),
    }
    return Controller(tmp_path, environment)


def test_a_plan_an_approval_and_two_slices(
    controller: Controller, immuta: ImmutaDouble, snowflake: SnowflakeDouble, databricks: DatabricksDouble
) -> None:
    # Scripts that hold no secrets may be kept by the workflow: the folder of the plan's job is gone when the next begins.
    shared = {"hosts": "one:two", "script_in_artifact": True}
    code, planned = controller.job("plan", "plan", *HOSTS, **shared)
    assert code == 0, controller.kept
    assert set(planned) == {"immuta_deregister_plan", "immuta_deregister_scripts"}
    plan = planned["immuta_deregister_plan"]
    assert [one["status"] for one in plan["connections"]] == ["planned", "planned"]
    assert not any(one.method == "DELETE" for one in immuta.requests)

    given = {name.removeprefix("immuta_deregister_"): value for name, value in planned.items()}
    approved = {**shared, **given, "approved": plan["digest"]}
    approved["hosts"] = "all:!localhost"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        slices = [
            pool.submit(controller.job, f"slice-{host}", "deregister_connection", host, **approved) for host in HOSTS
        ]
        outcomes = [one.result() for one in slices]
    assert [code for code, _left in outcomes] == [0, 0], controller.kept
    results = {key: one for _code, left in outcomes for key, one in left["immuta_deregister"].items()}
    assert {key: one["status"] for key, one in results.items()} == dict.fromkeys(HOSTS.values(), "completed")
    assert set(immuta.state.connections) == {"prod lake formation"}
    assert not snowflake.account.exists("DATABASE", "IMMUTA")
    assert not databricks.metastore.exists("CATALOG", "immuta")
    for secret in (API_KEY, PASSWORD, TOKEN):
        assert secret not in controller.kept


def test_a_job_without_a_place_for_the_script_deletes_nothing(
    controller: Controller, immuta: ImmutaDouble, tmp_path: Path
) -> None:
    code, _left = controller.job("deregister", "deregister_connection", connection_key=KEY, confirm=KEY)
    assert code == 2
    assert "would not outlive this run" in controller.kept
    assert KEY in immuta.state.connections
    # This job runs in no container, and nothing is mounted.
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    given = {"connection_key": KEY, "confirm": KEY, "script_dir": str(mounted), "script_durable": True}
    code, left = controller.job("again", "deregister_connection", **given)
    assert code == 0, controller.kept
    assert left["immuta_deregister"][KEY]["status"] == "completed"
    assert (mounted / "prod%20snowflake.sql").is_file()
