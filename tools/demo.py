# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows the main job on stand-in servers: plan, refused mistakes, run, a killed run and the one that finishes it, and a registration.

Run by `make demo`. The role, its modules and the platforms' clients are the real ones; only the servers are stand-ins.
The argument names the folder that keeps playbook, scripts, journals, reports, and the whole output of every run.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
import typing as t
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "doubles"))
from process_tree import kill_tree  # type: ignore[import-not-found]  # noqa: E402

KEY = "prod snowflake"
OTHER_KEY = "prod databricks"
SECRETS = {
    "IMMUTA_API_KEY": "demo-api-key-7d1f",
    "SNOWFLAKE_PASSWORD": "demo-password-93ab",
    "DATABRICKS_TOKEN": "demo-token-c20e",
    "DEMO_NEW_PASSWORD": "demo-new-password-4be8",
}
PLAYBOOK = f"""\
- name: Take an Immuta connection out of service
  hosts: localhost
  gather_facts: false
  roles:
    - role: community.immuta.deregister_connection
      vars:
        immuta_deregister_connection_key: {KEY}
        immuta_deregister_script_dir: "{{{{ playbook_dir }}}}/scripts"
        immuta_deregister_report_dir: "{{{{ playbook_dir }}}}/reports"
"""
CONFIRMED = f"-e '{json.dumps({'immuta_deregister_confirm': KEY})}'"
OTHER_CONFIRMED = (
    f"""-e '{json.dumps({"immuta_deregister_connection_key": OTHER_KEY, "immuta_deregister_confirm": OTHER_KEY})}'"""
)
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
WIDTH = 120
# The connection, as it is brought in again.
DESCRIPTION = {
    "immuta_register_connection_key": KEY,
    "immuta_register_snowflake": {
        **{
            "host": "example.snowflakecomputing.com",
            "warehouse": "COMPUTE_WH",
            "role": "IMMUTA_SYSTEM",
            "database": "IMMUTA",
        },
        "password": {
            "username": "IMMUTA_SYSTEM_ACCOUNT",
            "password": "{{ lookup('ansible.builtin.env', 'DEMO_NEW_PASSWORD') }}",
        },
    },
}
# Of the statements that a run lists, those that drop something are worth a line, and what else is not.
STATEMENT, DROP = re.compile(r" +\d+\. "), re.compile(r"line \d+: DROP ")
LEFT_OUT = re.compile(
    r"Report: |DONE: |NOT DONE: | *WARNING: |Don't run it|(There|Not there, or not visible): (GRANT|PROCEDURE) "
)
Rows = list[tuple[str, bool]]


class Server:
    """A stand-in server in a process of its own."""

    def __init__(self, script: str, folder: Path, *arguments: str) -> None:
        ready = Path(tempfile.mkdtemp(dir=folder)) / "ready"
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "tests/doubles" / script, "--port=0", f"--ready-file={ready}", *arguments],
            env={**os.environ, **SECRETS},
            stdin=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                sys.exit(f"{script} did not start")
            time.sleep(0.05)
        self.about: dict[str, t.Any] = json.loads(ready.read_text())
        self.url: str = self.about.get("url") or f"http://{self.about['host']}:{self.about['port']}"

    def ask(self, what: str) -> t.Any:
        """What the server knows of itself."""
        with urllib.request.urlopen(f"{self.url}/_double/{what}", timeout=10) as reply:
            return json.load(reply)

    def reset(self) -> None:
        """Put the server back to where it was at the start."""
        request = urllib.request.Request(f"{self.url}/_double/reset", data=b"{}", method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)


class Servers:
    """The stand-ins: a tenant, the account and the workspace of its connections, and an account of somebody else."""

    def __init__(self, folder: Path) -> None:
        self._all: list[Server] = []
        password = "--password-env=SNOWFLAKE_PASSWORD"
        try:
            self.immuta = self._start(
                "immuta_server.py", folder, f"--connection-key={KEY}", "--api-key-env=IMMUTA_API_KEY"
            )
            self.snowflake = self._start("snowflake_server.py", folder, password)
            self.wrong_snowflake = self._start("snowflake_server.py", folder, password, "--account=OTHER")
            self.databricks = self._start("databricks_server.py", folder, "--token-env=DATABRICKS_TOKEN")
        except BaseException:
            self.stop()
            raise

    def _start(self, script: str, folder: Path, *arguments: str) -> Server:
        self._all.append(Server(script, folder, *arguments))
        return self._all[-1]

    def stop(self) -> None:
        """End them all."""
        for server in self._all:
            server.stop()

    def environment(self) -> dict[str, str]:
        """The environment variables with which a play finds them."""
        return {
            **SECRETS,
            "IMMUTA_URL": self.immuta.url,
            **self.of_account(self.snowflake),
            "SNOWFLAKE_USER": "DEPLOYER",
            "SNOWFLAKE_PROTOCOL": "http",
            "DATABRICKS_HOST": self.databricks.url,
            "DATABRICKS_WAREHOUSE_ID": "abc",
        }

    def of_account(self, snowflake: Server) -> dict[str, str]:
        """Those that lead to one of the accounts."""
        return {
            "SNOWFLAKE_ACCOUNT": "example" if snowflake is self.snowflake else "other",
            "SNOWFLAKE_HOST": str(snowflake.about["host"]),
            "SNOWFLAKE_PORT": str(snowflake.about["port"]),
        }

    def deletions(self) -> int:
        """How many deletions Immuta was asked for."""
        return sum(request["method"] == "DELETE" for request in self.immuta.ask("requests"))

    def statements(self) -> list[str]:
        """What was run on the right account."""
        return [one["text"] for one in self.snowflake.ask("statements")]

    def on_snowflake(self) -> Rows:
        """What is there of the connection to Snowflake, by the servers' own word."""
        tenant, account = self.immuta.ask("state"), self.snowflake.ask("state")
        return [
            ("Immuta      connection " + KEY, KEY in [one["key"] for one in tenant["connections"]]),
            ("Immuta      integration 5", "5" in [str(one["id"]) for one in tenant["integrations"]]),
            ("Snowflake   database IMMUTA", "IMMUTA" in account["databases"]),
            ("Snowflake   role IMMUTA_SYSTEM", "IMMUTA_SYSTEM" in account["roles"]),
            ("Snowflake   user IMMUTA_SYSTEM_ACCOUNT", "IMMUTA_SYSTEM_ACCOUNT" in account["users"]),
        ]

    def on_databricks(self) -> Rows:
        """The same for the connection to Databricks."""
        tenant, metastore = self.immuta.ask("state"), self.databricks.ask("state")
        return [
            ("Immuta      connection " + OTHER_KEY, OTHER_KEY in [one["key"] for one in tenant["connections"]]),
            ("Databricks  catalog immuta", "immuta" in metastore["securables"]["catalog"]),
            ("Databricks  column masks and row filters", bool(metastore["masks"] or metastore["row_filters"])),
        ]


class Play:
    """Runs the playbook as a user would, keeps its output, and shows what matters of it."""

    def __init__(self, folder: Path, scratch: Path, servers: Servers) -> None:
        self._folder, self._servers = folder, servers
        (folder / "output").mkdir()
        (folder / "site.yml").write_text(PLAYBOOK)
        description = {**DESCRIPTION, "immuta_register_script_dir": str(folder / "scripts")}
        (folder / "connection.yml").write_text(yaml.safe_dump(description, sort_keys=False))
        others = ("ANSIBLE_", "IMMUTA_", "SNOWFLAKE_", "DATABRICKS_")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(others)},
            **servers.environment(),
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_HOME": str(scratch / "ansible"),
            "ANSIBLE_REMOTE_TEMP": str(scratch / "ansible" / "tmp"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "NO_PROXY": "127.0.0.1",
            # What a killed process leaves behind goes with this folder.
            "TMPDIR": str(scratch),
        }

    def forget(self) -> None:
        """Remove scripts, journals, and reports of the runs so far."""
        for name in ("scripts", "reports"):
            shutil.rmtree(self._folder / name)

    def run(
        self,
        name: str,
        arguments: str = "",
        *,
        playbook: str = "site.yml",
        show: str = "",
        kill: bool = False,
        code: int = 0,
        environment: dict[str, str] | None = None,
    ) -> None:
        """Run it, and show what a task of it says.

        :param name: of the file that keeps the whole output
        :param arguments: as a shell would be given them
        :param show: name of the task to show
        :param kill: whether to kill it as soon as the connection is deleted
        :param code: the exit status that it should have
        """
        environment = environment or {}
        account = environment.get("SNOWFLAKE_ACCOUNT")
        say(
            f"  $ {f'SNOWFLAKE_ACCOUNT={account} ' if account else ''}ansible-playbook {playbook} {arguments}".rstrip(),
            "1",
        )
        log = self._folder / "output" / f"{name}.txt"
        with log.open("w") as output:
            process = subprocess.Popen(
                [str(Path(sys.executable).parent / "ansible-playbook"), playbook, *shlex.split(arguments)],
                env={**self._environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
            )
            if kill:
                while process.poll() is None and not self._servers.deletions():
                    time.sleep(0.005)
                kill_tree(process.pid)
            ended = process.wait()
        if ended != (-signal.SIGKILL if kill else code):
            sys.exit(f"{log.read_text()}\nThe play ended with exit status {ended}.")
        if not kill:
            self._show(log.read_text(), show, failed=code != 0)

    def _show(self, output: str, task: str, *, failed: bool) -> None:
        lines = shortened(message(output, task))
        if not failed:
            lines += re.findall(r"^localhost +: ok=\d+ +changed=\d+", output, re.MULTILINE)
        for line in lines:
            text = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1...", line.replace(f"{self._folder}/", ""))
            # What went wrong is told to its end.
            broken = textwrap.wrap(
                text, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 8, break_on_hyphens=False
            )
            for one in broken if failed or len(broken) == 1 else [f"{broken[0][: WIDTH - 4]} ..."]:
                say(one, "31" if failed else "")


def message(output: str, task: str) -> list[str]:
    """What the last task of this name says in a play's output, line by line."""
    found = re.findall(rf"^TASK \[.* : {task}\] \*+\n.*? => \n(.*?)\n\n", output, re.MULTILINE | re.DOTALL)
    if not found:
        sys.exit(f'{output}\nThe task "{task}" did not say anything.')
    return [str(line) for line in yaml.safe_load(found[-1])["msg"]]


def shortened(lines: list[str]) -> list[str]:
    """The lines that are worth one here; of the script's statements those that drop something."""
    listed = [line for line in lines if STATEMENT.match(line)]
    left_out = [line for line in listed if not DROP.search(line)]
    kept = [line for line in lines if line not in left_out and not LEFT_OUT.match(line)]
    if dropped := [line for line in kept if line in listed]:
        kept.insert(kept.index(dropped[-1]) + 1, f"        ... and {len(left_out)} others")
    return kept


def say(text: str, style: str = "") -> None:
    """Print a line, in a style when this is a terminal."""
    print(f"\033[{style}m{text}\033[0m" if COLOUR and style else text, flush=True)


def act(title: str, sentence: str) -> None:
    """Print the title of an act, and what it shows."""
    say(f"\n━━ {title} {'━' * max(4, WIDTH - 4 - len(title))}", "36;1")
    say(sentence)


def compare(**moments: Rows) -> None:
    """Print what the servers have, at several moments."""
    say(" " * 48 + "".join(f"{name:<10}" for name in moments).rstrip())
    for rows in zip(*moments.values(), strict=True):
        cells = "".join(f"{'there' if there else 'gone':<10}" for _name, there in rows).rstrip()
        say(f"    {rows[0][0]:<44}{cells}", "33" if rows[-1][1] else "32")


def show(play: Play, servers: Servers) -> None:
    """Run all acts."""
    untouched = servers.on_snowflake()

    act("The playbook", "This is all that you write. Addresses and credentials come from the environment.")
    say(textwrap.indent(PLAYBOOK, "    ").rstrip())

    act("The plan", "Not confirmed, the role signs in everywhere, looks, and shows what it would do.")
    play.run("plan", show="Show the plan")

    act("Two mistakes", "The shell has taken the quotes away, so the key ends at its space. Nothing was asked.")
    play.run("lost-word", '-e immuta_deregister_confirm="prod snowflake"', show="Report", code=2)
    say("The environment leads to another Snowflake account than the connection. Nothing was deleted.")
    play.run("wrong-account", CONFIRMED, show="Report", code=2, environment=servers.of_account(servers.wrong_snowflake))
    after_mistakes = servers.on_snowflake()

    act("The run", "Confirmed, the role deletes the connection, runs the script, and looks for what is left.")
    play.run("run", CONFIRMED, show="Report")
    undisturbed, after_run = servers.statements(), servers.on_snowflake()

    act("Killed, and run again", "Everything is put back, and the run is killed when the connection is deleted.")
    servers.immuta.reset()
    servers.snowflake.reset()
    play.forget()
    play.run("killed", CONFIRMED, kill=True)
    killed = servers.on_snowflake()
    say("The same command finishes it with the saved script, which Immuta can't render any more.")
    play.run("resumed", CONFIRMED, show="Report")
    resumed, same = servers.on_snowflake(), servers.statements() == undisturbed
    compare(before=untouched, killed=killed, after=resumed)

    act("Databricks Unity Catalog", "The same playbook with another key.")
    before = servers.on_databricks()
    play.run("databricks", OTHER_CONFIRMED, show="Report")
    after = servers.on_databricks()
    compare(before=before, after=after)

    act(
        "And in again",
        "The description says where the connection is. Immuta's set-up script runs, and the connection is registered.",
    )
    registered = "community.immuta.register_connection"
    play.run("registered", "-e @connection.yml", playbook=registered, show="Report")
    # The integration is a new one.
    back = [row for row in servers.on_snowflake() if "integration" not in row[0]]

    left = [name for name, there in back if not there]
    left += [name for name, there in [*after_run, *resumed, *after] if there]
    # One deletion of each connection since the servers were reset.
    if left or after_mistakes != untouched or servers.deletions() != 2 or not same:
        sys.exit(f"\nThe demo did not end as it should have. Left: {left}")
    say("\nBy the servers' count, each connection was deleted once, and no statement was run twice.", "32")


def main() -> None:
    """Run the demo in the folder that is named; in a new one, where others may write to the folders above that one."""
    folder = Path(sys.argv[1]).resolve()
    if any(one.stat().st_mode & 0o022 and not one.stat().st_mode & stat.S_ISVTX for one in folder.parents):
        folder = Path(tempfile.mkdtemp(prefix="immuta-demo-"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    scratch = Path(tempfile.mkdtemp(prefix="immuta-demo-"))
    say("The demo takes a minute or two. Stand-in servers on this machine play Immuta, Snowflake, and Databricks;")
    say("the role, its modules, and the vendors' clients are the real ones.")
    try:
        servers = Servers(scratch)
        try:
            show(Play(folder, scratch, servers), servers)
        finally:
            servers.stop()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    page = folder / "reports" / f"{urllib.parse.quote(KEY)}.html"
    if not page.exists():
        sys.exit(f"There is no report at {page}.")
    say(
        f"\nKept in {folder}: site.yml, connection.yml, scripts/, reports/, and output/ (all that the runs have printed)"
    )
    say(f"Open the report: {page}", "1")


if __name__ == "__main__":
    main()
