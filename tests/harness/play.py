# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the real `ansible-playbook` and keeps what it did."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils import _durability
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.process_tree import kill_tree
from ansible_collections.community.immuta.tests.harness.check_mode import harmless
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, FOREIGN, KEY

# The playbooks, by name.
PLAN = "community.immuta.plan"
DEREGISTER = "community.immuta.deregister_connection"
AUDIT = "community.immuta.audit"
# Has the roles trust that the folder of a test lasts.
BELIEVED = ("immuta_deregister_script_durable", "immuta_register_script_durable")
# The action plugins, whose tasks run no module.
STAGES = ("community.immuta.deregistration", "community.immuta.registration", AUDIT)
# The facts that the roles set.
OUTCOMES = ("immuta_deregister_result", "immuta_register_result")


@dataclasses.dataclass
class Played:
    """What a play did and said.

    :ivar stats: what it has left with set_stats
    :ivar failed: the hosts that failed, when it came to its end
    """

    code: int
    output: str
    tasks: list[dict[str, t.Any]]
    stats: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    failed: list[str] = dataclasses.field(default_factory=list)

    def on(self, host: str) -> Played:
        """What it did on one of its hosts, as if there were no others; the output is that of all."""
        tasks = [one for one in self.tasks if one["host"] == host]
        return dataclasses.replace(self, code=2 if host in self.failed else 0, tasks=tasks)

    @property
    def modules(self) -> list[str]:
        """The modules of this collection that were run, in order."""
        return [
            one["action"].rpartition(".")[2]
            for one in self.tasks
            if one["outcome"] != "skipped"
            and one["action"].startswith("community.immuta.")
            and one["action"] not in STAGES
        ]

    @property
    def changed(self) -> list[str]:
        """The names of the tasks that changed something."""
        return [one["task"] for one in self.tasks if one["changed"] and one["outcome"] == "ok"]

    @property
    def result(self) -> dict[str, t.Any]:
        """The role's outcome; of a registration that was taken back, that of the removal, and why it stopped after that."""
        facts = [one["result"].get("ansible_facts", {}) for one in self.tasks]
        found = {name: one[name] for one in facts for name in OUTCOMES if one.get(name)}
        removal, own = (found.get(name, {}) for name in OUTCOMES)
        why = ("status", "failed_task", "error") if own.get("status") == "failed" else ()
        return {**own, **removal, **{name: own[name] for name in why}}

    @property
    def error(self) -> str:
        """What the role says of a run that has stopped, or the message of the last task that failed."""
        if told := self.result.get("error"):
            return str(told)
        return str(next(one["result"]["msg"] for one in reversed(self.tasks) if one["outcome"] == "failed"))

    def of(self, task: str) -> dict[str, t.Any]:
        """The result of one task."""
        return next(one["result"] for one in self.tasks if one["task"] == task and one["outcome"] != "skipped")


@functools.cache
def payloads() -> Path:
    """Where Ansible keeps the payloads of modules that it has built: they don't depend on arguments."""
    folder = Path(tempfile.mkdtemp(prefix="payloads-"))
    atexit.register(shutil.rmtree, folder)
    return folder


class Player:
    """Runs playbooks in a folder of its own, with an environment of its own.

    :ivar prefix: a command that runs `ansible-playbook` as its arguments
    :ivar started: told the process id of each play
    :ivar interpreter: runs the modules of localhost in place of Python, but not of plays that are killed
    """

    def __init__(self, folder: Path, immuta: ImmutaDouble, environment: dict[str, str]) -> None:
        """Prepare a folder.

        :param environment: of every run, besides that of this process and the address of the tenant
        """
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.prefix: list[str] = []
        self.started: t.Callable[[int], None] = lambda pid: None
        self.interpreter: Path | None = None
        self.immuta = immuta
        self.scripts = folder / "kept" / "scripts"
        # In a container, the folders of the tests do not last. A test that needs the role's own judgement says so.
        lasts = _durability.look(str(folder)).lasting != "dies"
        self.believed = [] if lasts else ["--extra-vars", json.dumps(dict.fromkeys(BELIEVED, True))]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)},
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "ansible" / "tmp"),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
            "NO_PROXY": "127.0.0.1",
            "HOME": str(folder / "home"),
            "IMMUTA_URL": immuta.url,
            "IMMUTA_API_KEY": API_KEY,
            **environment,
        }

    def tasks(self, tasks: list[dict[str, t.Any]], *arguments: str, **options: t.Any) -> Played:
        """Run a play of these tasks."""
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
        return self.run([play], *arguments, **options)

    def role(
        self,
        *arguments: str,
        env: dict[str, str | None] | None = None,
        kill_when: t.Callable[[], bool] | None = None,
        module_defaults: dict[str, dict[str, t.Any]] | None = None,
        **variables: t.Any,
    ) -> Played:
        """Run the role; variables without their prefix."""
        values = {"connection_key": KEY, "script_dir": str(self.scripts), **variables}
        given = {f"immuta_deregister_{name}": value for name, value in values.items()}
        play = self._play("localhost", module_defaults)
        return self.run([play], "--extra-vars", json.dumps(given), *arguments, env=env, kill_when=kill_when)

    def each(
        self,
        hosts: t.Sequence[dict[str, t.Any]],
        *arguments: str,
        module_defaults: dict[str, dict[str, t.Any]] | None = None,
    ) -> list[Played]:
        """Run the role, confirmed, on some hosts of one play; what it did on each.

        :param hosts: the variables of each, without their prefix
        """
        known = {}
        for number, variables in enumerate(hosts):
            values = {"script_dir": str(self.scripts), "confirm": variables["connection_key"], **variables}
            given = {f"immuta_deregister_{name}": value for name, value in values.items()}
            local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
            known[f"host{number}"] = {**local, **given}
        inventory = self.folder / "hosts.json"
        inventory.write_text(json.dumps({"all": {"hosts": known}}))
        played = self.run([self._play("all", module_defaults)], "-i", str(inventory), *arguments)
        return [played.on(host) for host in known]

    @staticmethod
    def _play(hosts: str, module_defaults: dict[str, dict[str, t.Any]] | None) -> dict[str, t.Any]:
        return {
            "hosts": hosts,
            "gather_facts": False,
            "module_defaults": module_defaults or {},
            "roles": [{"role": "community.immuta.deregister_connection"}],
        }

    def run(
        self,
        plays: list[dict[str, t.Any]],
        *arguments: str,
        env: dict[str, str | None] | None = None,
        kill_when: t.Callable[[], bool] | None = None,
    ) -> Played:
        """Run a playbook.

        :param env: changes of the environment; None takes a variable out
        :param kill_when: asked all the time; when it says yes, the whole play is killed at once
        """
        site = self.folder / "site.yml"
        site.write_text(json.dumps(plays))
        return self.command(str(site), *arguments, env=env, kill_when=kill_when)

    def command(
        self,
        *arguments: str,
        env: dict[str, str | None] | None = None,
        kill_when: t.Callable[[], bool] | None = None,
    ) -> Played:
        """Run `ansible-playbook` with these arguments; the rest as in `run`. In check mode nothing must be written."""
        with harmless(self.folder) if "--check" in arguments else contextlib.nullcontext():
            return self._command(*arguments, env=env, kill_when=kill_when)

    def _command(
        self, *arguments: str, env: dict[str, str | None] | None, kill_when: t.Callable[[], bool] | None
    ) -> Played:
        # Below Ansible's own folder, which nobody looks at.
        record = self.folder / "ansible" / "record.jsonl"
        record.parent.mkdir(exist_ok=True)
        record.write_text("")
        environment = {**self.environment, "RECORD_FILE": str(record), "PAYLOADS": str(payloads()), **(env or {})}
        given = [*self.believed, *arguments]
        if self.interpreter and kill_when is None:
            environment["ANSIBLE_PIPELINING"] = "true"
            given = ["--extra-vars", json.dumps({"ansible_python_interpreter": str(self.interpreter)}), *given]
        # A pipe that nobody reads would hold up the play while it is waited for.
        with tempfile.TemporaryFile("w+") as printed:
            process = subprocess.Popen(
                [*self.prefix, str(Path(sys.executable).parent / "ansible-playbook"), *given],
                cwd=self.folder,
                env={name: value for name, value in environment.items() if value is not None},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
            self.started(process.pid)
            if kill_when is not None:
                while process.poll() is None and not kill_when():
                    time.sleep(0.002)
                kill_tree(process.pid)
            process.wait(timeout=600)
            printed.seek(0)
            output = printed.read()
        lines = [json.loads(line) for line in record.read_text().splitlines()]
        ends = [lines.pop()] if lines and "stats" in lines[-1] else []
        return Played(process.returncode, output, lines, *(one[name] for one in ends for name in ("stats", "failed")))
