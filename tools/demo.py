# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows the main job on stand-in servers: the plan, the run, a second run, a killed run and the one that finishes it.

Run by `make demo`. The role, its modules and the platforms' clients are the real ones; only the servers are stand-ins.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "doubles"))
from process_tree import kill_tree  # type: ignore[import-not-found]  # noqa: E402

KEY = "prod snowflake"
OTHER_KEY = "prod databricks"
SECRETS = {
    "IMMUTA_API_KEY": "demo-api-key-7d1f",
    "SNOWFLAKE_PASSWORD": "demo-password-93ab",
    "DATABRICKS_TOKEN": "demo-token-c20e",
}
PLAYBOOK = f"""\
---
- name: Take an Immuta connection out of service
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Take it out of service
      ansible.builtin.include_role:
        name: community.immuta.deregister_connection
      vars:
        immuta_deregister_connection_key: "{{{{ key | default('{KEY}') }}}}"
        immuta_deregister_script_dir: "{{{{ playbook_dir }}}}/scripts"
        immuta_deregister_report_dir: "{{{{ playbook_dir }}}}/reports"
"""
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Server:
    """A stand-in server in a process of its own."""

    def __init__(self, script: str, folder: Path, *arguments: str) -> None:
        ready = folder / f"{script}.ready"
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "tests/doubles" / script, "--port=0", f"--ready-file={ready}", *arguments],
            env={**os.environ, **SECRETS},
            stdin=subprocess.DEVNULL,
        )
        end = time.monotonic() + 30
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
        """Set the server up anew, as it was at the start."""
        request = urllib.request.Request(f"{self.url}/_double/reset", data=b"{}", method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)


class Play:
    """Runs the playbook as a user would."""

    def __init__(self, folder: Path, immuta: Server, snowflake: Server, databricks: Server) -> None:
        self._immuta = immuta
        self._command = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            str(folder / "site.yml"),
        ]
        (folder / "site.yml").write_text(PLAYBOOK)
        self._environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("ANSIBLE_", "IMMUTA_", "SNOWFLAKE_", "DATABRICKS_"))
            },
            **SECRETS,
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_FORCE_COLOR": str(COLOUR),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "NO_PROXY": "127.0.0.1",
            "IMMUTA_URL": immuta.url,
            "SNOWFLAKE_ACCOUNT": "example",
            "SNOWFLAKE_USER": "DEPLOYER",
            "SNOWFLAKE_HOST": str(snowflake.about["host"]),
            "SNOWFLAKE_PORT": str(snowflake.about["port"]),
            "SNOWFLAKE_PROTOCOL": "http",
            "DATABRICKS_HOST": databricks.url,
            "DATABRICKS_WAREHOUSE_ID": "abc",
        }

    def run(self, *arguments: str, kill_after_delete: bool = False) -> float:
        """Run it, and return the seconds that it took."""
        say("  $ ansible-playbook site.yml " + " ".join(arguments), "2")
        began = time.monotonic()
        process = subprocess.Popen([*self._command, *arguments], env=self._environment, stdin=subprocess.DEVNULL)
        if kill_after_delete:
            while process.poll() is None and not self._deleted():
                time.sleep(0.005)
            kill_tree(process.pid)
        code = process.wait()
        if kill_after_delete:
            if code != -signal.SIGKILL:
                sys.exit("the demo could not kill the play in time")
            say(
                f"\n  *** killed, {time.monotonic() - began:.1f} s after its start: the connection is deleted, the script has not run ***",
                "31;1",
            )
        elif code != 0:
            sys.exit(f"the play failed with exit status {code}")
        return time.monotonic() - began

    def _deleted(self) -> bool:
        return any(request["method"] == "DELETE" for request in self._immuta.ask("requests"))


def say(text: str, style: str = "") -> None:
    """Print a line, in a style when this is a terminal."""
    print(f"\033[{style}m{text}\033[0m" if COLOUR and style else text, flush=True)


def act(number: int, title: str) -> None:
    """Print the title of an act."""
    line = f" {number}. {title} "
    say(f"\n{'━' * 4}{line}{'━' * max(4, 96 - len(line))}", "36;1")


def left_over(immuta: Server, snowflake: Server) -> list[tuple[str, bool]]:
    """What both servers still have of the connection, by their own word."""
    tenant, account = immuta.ask("state"), snowflake.ask("state")
    return [
        ("Immuta connection " + KEY, KEY in [one["key"] for one in tenant["connections"]]),
        ("Immuta integration 5", "5" in [str(one["id"]) for one in tenant["integrations"]]),
        ("Snowflake database IMMUTA", "IMMUTA" in account["databases"]),
        ("Snowflake role IMMUTA_SYSTEM", "IMMUTA_SYSTEM" in account["roles"]),
        ("Snowflake user IMMUTA_SYSTEM_ACCOUNT", "IMMUTA_SYSTEM_ACCOUNT" in account["users"]),
    ]


def left_over_on_databricks(immuta: Server, databricks: Server) -> list[tuple[str, bool]]:
    """The same for the connection to Databricks."""
    tenant, metastore = immuta.ask("state"), databricks.ask("state")
    return [
        ("Immuta connection " + OTHER_KEY, OTHER_KEY in [one["key"] for one in tenant["connections"]]),
        ("Databricks catalog immuta", "immuta" in metastore["securables"]["catalog"]),
        ("Databricks column masks and row filters", bool(metastore["masks"] or metastore["row_filters"])),
    ]


def show_left_over(rows: list[tuple[str, bool]]) -> bool:
    """Print a table of what is left, and return whether anything is."""
    for name, there in rows:
        say(f"    {name:<42}{'still there' if there else 'gone'}", "33" if there else "32")
    return any(there for _name, there in rows)


def show_before_and_after(folder: Path, key: str) -> bool:
    """Print what the report of a connection says was there before and is there after; return whether something is left."""
    report = json.loads((folder / "reports" / f"{urllib.parse.quote(key, safe='')}.json").read_text())
    run = report["runs"][-1]
    say("  What the report says, before and after:")
    for row in run["immuta"]:
        name = f"Immuta {row['kind']} {row['name']}"
        say(f"    {name:<42}{row['before']} -> {row['after']} ({row['how']})", "32")
    left = False
    for row in run["objects"]:
        gone = row["after"] is False or not row["dropped"]
        left = left or not (row["present"] and gone)
        name, before = f"{row['kind']} {row['name']}", "there" if row["present"] else "not seen"
        after = "not dropped" if not row["dropped"] else "gone" if gone else "not known to be gone"
        known = f"query id {row['after_query_id'] or row['query_id']}"
        say(f"    {name:<42}{before} -> {after} ({known})", "32" if gone else "31")
    return left


def main() -> None:
    """Run all acts."""
    folder = Path(tempfile.mkdtemp(prefix="immuta-demo-"))
    servers: list[Server] = []
    confirm = f"immuta_deregister_confirm='{KEY}'"
    try:
        immuta = Server("immuta_server.py", folder, f"--connection-key={KEY}", "--api-key-env=IMMUTA_API_KEY")
        servers.append(immuta)
        snowflake = Server("snowflake_server.py", folder, "--password-env=SNOWFLAKE_PASSWORD")
        servers.append(snowflake)
        databricks = Server("databricks_server.py", folder, "--token-env=DATABRICKS_TOKEN")
        servers.append(databricks)
        play = Play(folder, immuta, snowflake, databricks)

        act(1, "The plan: check mode asks, and changes nothing")
        play.run("--check", "--diff")
        planned = (len(immuta.ask("requests")), len(snowflake.ask("statements")))

        act(2, "The run: saved, deleted, executed, verified")
        seconds = play.run("-e", confirm)
        requests = len(immuta.ask("requests")) - planned[0]
        undisturbed = [one["text"] for one in snowflake.ask("statements")]
        statements = len(undisturbed)
        left = show_before_and_after(folder, KEY)

        act(3, "The same again: nothing to do")
        before = len(immuta.ask("requests"))
        again = play.run("-e", confirm)
        requests_again = len(immuta.ask("requests")) - before
        statements_again = len(snowflake.ask("statements")) - statements

        act(4, "A run that is killed between the deletion and the script")
        immuta.reset()
        snowflake.reset()
        shutil.rmtree(folder / "scripts")
        play.run("-e", confirm, kill_after_delete=True)
        say("  What both servers say now:")
        show_left_over(left_over(immuta, snowflake))

        act(5, "The same command once more: it goes on where the other one died")
        play.run("-e", confirm)

        deletes = sum(request["method"] == "DELETE" for request in immuta.ask("requests"))

        act(6, "A connection to Databricks Unity Catalog: the same role, the same plan and run")
        other = f"key='{OTHER_KEY}'"
        play.run("-e", other, "-e", f"immuta_deregister_confirm='{OTHER_KEY}'")
        on_databricks = len(databricks.ask("statements"))
        left = show_before_and_after(folder, OTHER_KEY) or left

        act(7, "In the end")
        say("  What the servers say:")
        failed = show_left_over([*left_over(immuta, snowflake), *left_over_on_databricks(immuta, databricks)])
        sent = [one["text"] for one in snowflake.ask("statements")]
        same = "the same as undisturbed" if sent == undisturbed else "NOT the same as undisturbed"
        say("")
        say(
            f"    plan             {planned[0]} requests to Immuta, {planned[1]} statements on Snowflake, nothing changed"
        )
        say(
            f"    run              {requests} requests to Immuta, {statements} statements on Snowflake, {seconds:.1f} s"
        )
        say(
            f"    second run       {requests_again} requests to Immuta, {statements_again} statements on Snowflake, {again:.1f} s"
        )
        say(f"    killed + rerun   {deletes} deletion, {len(sent)} statements, {same}")
        say(f"    Databricks       {on_databricks} statements in one session")
        if failed or left or planned[1] or statements_again or deletes != 1 or sent != undisturbed:
            sys.exit("\nThe demo did not end as it should have.")
        say("\n  Nothing is left behind, and nothing was done twice.", "32;1")
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
