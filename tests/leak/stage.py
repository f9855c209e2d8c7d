# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A play in a folder of its own, with canaries for secrets, and a look at all that it leaves."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.databricks_server import Fault as DatabricksFault
from ansible_collections.community.immuta.tests.doubles.immuta_tenant import Reply
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Fault, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.play import Player
from ansible_collections.community.immuta.tests.harness.servers import KEY
from ansible_collections.community.immuta.tests.leak.canaries import (
    API_KEY,
    DATABRICKS,
    PASSWORD,
    SCRIPT,
    Watch,
    forms,
    leaks,
    leaks_in_folder,
    open_to_others,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.leak.conftest import EchoingImmuta

# Those of whoever runs a play; the last is in the script.
SECRETS = [API_KEY, PASSWORD, DATABRICKS, SCRIPT]
SAID = " ".join(forms(API_KEY)[form] for form in ("raw", "json", "quote_plus", "base64 +1"))
BIN = Path(sys.executable).parent
# Below the folder of a play: where Ansible keeps a module with its options while it runs. It can't remove them when it is killed.
KEPT_BY_ANSIBLE = ("remote", "ansible/tmp")


@dataclasses.dataclass(frozen=True)
class Point:
    """One play.

    :ivar platform: `snowflake` or `databricks`
    :ivar way: how the secrets are given: `options`, `environment`, or `vault`
    :ivar end: what happens to it; `killed` and when
    :ivar runner: what runs it: `playbook`, `check`, or `ansible-runner`
    """

    platform: str
    way: str
    end: str
    runner: str

    def __str__(self) -> str:
        return f"{self.platform}-{self.way}-{self.end}-{self.runner}"


class Stage:
    """The stand-ins of one play, and its folder.

    :ivar secrets: what must be seen nowhere
    :ivar given: what was put there; everything else was left by the play
    :cvar role: the role that is played
    """

    role = "community.immuta.deregister_connection"
    prefix = "immuta_deregister_"

    def __init__(
        self,
        point: Point,
        folder: Path,
        immuta: EchoingImmuta,
        snowflake: SnowflakeDouble,
        databricks: DatabricksDouble,
    ) -> None:
        self.point = point
        self.folder = folder
        self.immuta = immuta
        self.secrets = [*SECRETS]
        self.given = folder / "given"
        self.given.mkdir()
        secret, address = {
            "snowflake": (
                {"password": PASSWORD},
                {
                    "account": "example",
                    "user": "DEPLOYER",
                    "host": snowflake.host,
                    "port": snowflake.port,
                    "protocol": "http",
                },
            ),
            "databricks": ({"token": DATABRICKS}, {"host": databricks.url, "warehouse_id": databricks.warehouse}),
        }[point.platform]
        self.options = {"immuta": {"api_key": API_KEY}, point.platform: secret}
        self.key = KEY if point.platform == "snowflake" else "prod databricks"
        statement = self.prepare()
        # A platform knows its own credentials and, once it has one, the statement, and can repeat no others.
        own = next(iter(secret.values()))
        of_script = [statement, forms(SCRIPT)["quote"]] if point.end == "statement" else []
        said = " ".join([forms(own)["json"], forms(own)["base64 +2"], *of_script])
        if point.end == "sign-in":
            snowflake.faults.append(Fault("login", "error", message=said, code=1003, sqlstate="42000", times=9))
            databricks.faults.append(DatabricksFault("session", "error", message=said, times=9))
        elif point.end == "statement":
            match = statement[: statement.index("=")]
            snowflake.faults.append(
                Fault("statement", "error", message=said, code=1003, sqlstate="42000", times=9, match=match)
            )
            databricks.faults.append(DatabricksFault("statement", "error", message=said, times=9, match=match))
        self.player = Player(folder, immuta, {})
        del self.player.environment["IMMUTA_API_KEY"]
        # What Ansible itself may write in check mode, too.
        aside = self._made("output")
        self.environment = {
            "ANSIBLE_LOG_PATH": str(aside / "ansible.log"),
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(aside / "facts"),
            "ANSIBLE_RETRY_FILES_ENABLED": "1",
            "ANSIBLE_RETRY_FILES_SAVE_PATH": str(aside),
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
            "ANSIBLE_REMOTE_TMP": str(folder / "remote"),
            "TMPDIR": str(self._made("output/tmp")),
            **{f"{point.platform}_{name}".upper(): str(value) for name, value in address.items()},
        }
        if point.way == "environment":
            named = {"IMMUTA_API_KEY": API_KEY, "SNOWFLAKE_PASSWORD": PASSWORD, "DATABRICKS_TOKEN": DATABRICKS}
            self.environment.update(named)
        self.write()

    def prepare(self) -> str:
        """Have Immuta render a script with a secret, and answer what the point says; the statement with the secret."""
        raise NotImplementedError

    @property
    def variables(self) -> dict[str, t.Any]:
        """The role's variables without their prefix."""
        return {
            "connection_key": self.key,
            "confirm": self.key,
            "script_dir": str(self.folder / "kept" / "scripts"),
            "report_dir": str(self.folder / "kept" / "reports"),
            # To ansible-runner it is a folder that dies with the job.
            "script_durable": True,
        }

    @property
    def more_secrets(self) -> dict[str, str]:
        """Variables that are secrets, besides the options, by their names."""
        return {}

    def _made(self, name: str) -> Path:
        (self.folder / name).mkdir(mode=0o700)
        return self.folder / name

    def write(self) -> None:
        """Write the playbook."""
        defaults: dict[str, t.Any] = {}
        play: dict[str, t.Any] = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": defaults,
            "roles": [{"role": self.role}],
            "vars": {f"{self.prefix}{name}": value for name, value in self.variables.items()},
        }
        if self.point.way == "environment":
            play["vars"] |= {name: f"{{{{ lookup('env', '{name}') }}}}" for name in self.more_secrets}
            self.environment |= self.more_secrets
        else:
            for group, values in self.options.items():
                names = {name: f"{group}_{name}" for name in values}
                defaults[f"group/community.immuta.{group}"] = {name: f"{{{{ {key} }}}}" for name, key in names.items()}
            play["vars_files"] = [str(self.given / "secrets.yml")]
            self._secrets_file()
        self.play = self.given / "site.yml"
        self.play.write_text(json.dumps([play]))

    def _secrets_file(self) -> None:
        named = {f"{group}_{name}": value for group, values in self.options.items() for name, value in values.items()}
        # Unsafe, since a secret is no template.
        lines = [f"{name}: !unsafe {json.dumps(value)}\n" for name, value in {**named, **self.more_secrets}.items()]
        file = self.given / "secrets.yml"
        file.write_text("".join(lines))
        if self.point.way == "vault":
            (self.given / "vault").write_text("the vault's own password")
            self.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(self.given / "vault")
            subprocess.run(
                [str(BIN / "ansible-vault"), "encrypt", str(file)],
                env={**self.player.environment, **self.environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
            )

    def run(self) -> tuple[int, str]:
        """The exit code and all that was printed."""
        if self.point.runner == "ansible-runner":
            return self._run_by_runner()
        check = ["--check"] if self.point.runner == "check" else []
        kill = self._reached if self.point.end.startswith("killed") else None
        played = self.player.command(
            *(str(self.play), "-vvvv", "--diff", *check),
            env=t.cast("dict[str, str | None]", self.environment),
            kill_when=kill,
        )
        return played.code, played.output

    def _reached(self) -> bool:
        """Whether the play is where it is to be killed."""
        when = self.point.end.partition(" ")[2]
        if when == "sent":
            asked = ("deleteObject", "registerConnection")
            return any(one.operation_id in asked for one in self.immuta.requests)
        kept = self.folder / "kept" / "scripts"
        if when == "saved":
            return any(kept.glob("*.sql"))
        # The module tries the place with an empty file first, and takes it away.
        with contextlib.suppress(FileNotFoundError):
            return any(one.read_text().count("\n") > 4 for one in kept.glob("*.journal"))
        return False

    def _run_by_runner(self) -> tuple[int, str]:
        data = self._made("runner")
        (data / "project").mkdir()
        (data / "project" / "site.yml").write_text(self.play.read_text())
        done = subprocess.run(
            [str(BIN / "ansible-runner"), "run", str(data), "-p", "site.yml", "--ident", "x", "--cmdline=-vvvv --diff"],
            env={**self.player.environment, **self.environment, "PATH": f"{BIN}:{self.player.environment['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        events = list((data / "artifacts" / "x" / "job_events").glob("*.json"))
        assert len(events) > 10, done.stdout + done.stderr
        # It records the environment that it was given.
        (data / "artifacts" / "x" / "command").unlink()
        return done.returncode, done.stdout + done.stderr

    @property
    def kept(self) -> Path:
        """What the role keeps."""
        return self.folder / "kept"

    @property
    def scripts(self) -> set[Path]:
        """The scripts that are kept, also those that were not finished."""
        return {one for one in (self.kept / "scripts").glob("*") if ".sql" in one.name and one.suffix != ".journal"}

    def run_unseen(self) -> tuple[int, str]:
        """Run while processes are watched, and fail if a secret is seen; the exit code, and all that was printed."""
        # Options are handed to modules in a file, or on standard input.
        withheld = (
            () if self.point.way == "environment" else (API_KEY, PASSWORD, DATABRICKS, *self.more_secrets.values())
        )
        with Watch([*self.secrets], withheld) as watch:
            code, output = self.run()
        assert watch.looks > 0
        assert watch.seen == []
        assert leaks(output, self.secrets) == []
        aside = {one for name in KEPT_BY_ANSIBLE for one in (self.folder / name).rglob("*")}
        if not self.point.end.startswith("killed"):
            assert leaks_in_folder(self.folder, self.secrets, {*self.given.iterdir(), *self.scripts}) == []
        else:
            assert leaks_in_folder(self.folder, self.secrets, {*self.given.iterdir(), *self.scripts, *aside}) == []
            # Nobody else can read them.
            assert {(self.folder / name).stat().st_mode & 0o077 for name in KEPT_BY_ANSIBLE} <= {0}
        for script in self.scripts:
            # It holds what Immuta has put into it, and nothing else.
            assert leaks(script.read_text("utf-8"), set(self.secrets) - {SCRIPT}) == []
        assert "community.immuta" in (self.folder / "output" / "ansible.log").read_text()
        assert open_to_others([*self.kept.rglob("*"), *([self.kept] if self.kept.exists() else [])]) == []
        return code, output


def repeated(status: int, said: str) -> Reply:
    """An answer of Immuta that repeats secrets."""
    return Reply(status, json.dumps({"message": f"{'.' * 120}{said}"}).encode())
