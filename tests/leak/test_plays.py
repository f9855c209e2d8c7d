# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole plays of the role: whatever they print, log, cache, and leave in files, while processes are watched."""

from __future__ import annotations

import dataclasses
import itertools
import json
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.databricks_server import Fault as DatabricksFault
from ansible_collections.community.immuta.tests.doubles.immuta_tenant import Reply
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Fault, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.play import Player
from ansible_collections.community.immuta.tests.harness.points import spread
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
    literal,
    open_to_others,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.leak.conftest import EchoingImmuta

SECRETS = [API_KEY, PASSWORD, DATABRICKS, SCRIPT]
SAID = " ".join(forms(API_KEY)[form] for form in ("raw", "json", "quote_plus", "base64 +1"))
BIN = Path(sys.executable).parent


@dataclasses.dataclass(frozen=True)
class Point:
    """One play.

    :ivar platform: `snowflake` or `databricks`
    :ivar way: how the secrets are given: `options`, `environment`, or `vault`
    :ivar end: what happens to it
    :ivar runner: what runs it: `playbook`, `check`, or `ansible-runner`
    """

    platform: str
    way: str
    end: str
    runner: str

    def __str__(self) -> str:
        return f"{self.platform}-{self.way}-{self.end}-{self.runner}"


ENDS = ("success", "sign-in", "statement", "immuta 401", "immuta 500", "not split")
POINTS = [
    Point(platform, way, end, runner)
    for platform, way, end, runner in itertools.product(
        ("snowflake", "databricks"),
        ("options", "environment", "vault"),
        ENDS,
        ("playbook", "check", "ansible-runner"),
    )
    # What the way of giving them changes is the same at every end.
    if way == "environment" or end in ("success", "statement")
]


class Stage:
    """The stand-ins of one play, and its folder."""

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
        # What we put there; everything else was left by the play.
        self.given = folder / "given"
        self.given.mkdir()
        secret, self.address = {
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
        self.secrets = {"immuta": {"api_key": API_KEY}, point.platform: secret}
        self.key = KEY if point.platform == "snowflake" else "prod databricks"
        integration = immuta.state.integrations[5 if point.platform == "snowflake" else 7]
        before = "USE ROLE ACCOUNTADMIN;\n"
        statement = f"ALTER USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT SET PASSWORD = {literal(SCRIPT)};"
        if point.platform == "databricks":
            before = "DECLARE OR REPLACE VARIABLE password STRING;\n"
            statement = f"SET VAR password = {literal(SCRIPT, 'escaped')};"
        open_quote = "\nDROP DATABASE 'open;" if point.end == "not split" else ""
        integration.script = f"{before}{statement}\n{integration.script}{open_quote}"
        # A platform knows its own credentials and, once it has one, the statement, and can repeat no others.
        own = next(iter(secret.values()))
        of_script = [statement, forms(SCRIPT)["quote"]] if point.end == "statement" else []
        said = " ".join([forms(own)["json"], forms(own)["base64 +2"], *of_script])
        if point.end in ("sign-in", "statement"):
            at: t.Any = {"sign-in": {"snowflake": "login", "databricks": "session"}[point.platform]}.get(
                point.end, "statement"
            )
            snowflake.faults.append(Fault(at, "error", message=said, code=1003, sqlstate="42000", times=9))
            databricks.faults.append(DatabricksFault(at, "error", message=said, times=9))
        if point.end.startswith("immuta"):
            immuta.method = "GET" if point.end.endswith("401") else "DELETE"
            immuta.echo = Reply(int(point.end[-3:]), json.dumps({"message": f"{'.' * 120}{SAID}"}).encode())
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
            **{f"{point.platform}_{name}".upper(): str(value) for name, value in self.address.items()},
        }
        if point.way == "environment":
            named = {"IMMUTA_API_KEY": API_KEY, "SNOWFLAKE_PASSWORD": PASSWORD, "DATABRICKS_TOKEN": DATABRICKS}
            self.environment.update(named)
        self.play = self._play()

    def _made(self, name: str) -> Path:
        (self.folder / name).mkdir(mode=0o700)
        return self.folder / name

    def _play(self) -> Path:
        defaults: dict[str, t.Any] = {}
        play: dict[str, t.Any] = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": defaults,
            "roles": [{"role": "community.immuta.deregister_connection"}],
            "vars": {
                "immuta_deregister_connection_key": self.key,
                "immuta_deregister_confirm": self.key,
                "immuta_deregister_script_dir": str(self.folder / "kept" / "scripts"),
                "immuta_deregister_report_dir": str(self.folder / "kept" / "reports"),
                # To ansible-runner it is a folder that dies with the job.
                "immuta_deregister_script_durable": True,
            },
        }
        if self.point.way != "environment":
            for group, values in self.secrets.items():
                names = {name: f"{group}_{name}" for name in values}
                defaults[f"group/community.immuta.{group}"] = {name: f"{{{{ {key} }}}}" for name, key in names.items()}
            play["vars_files"] = [str(self.given / "secrets.yml")]
            self._secrets_file()
        site = self.given / "site.yml"
        site.write_text(json.dumps([play]))
        return site

    def _secrets_file(self) -> None:
        # Unsafe, since a secret is no template.
        lines = [
            f"{group}_{name}: !unsafe {json.dumps(value)}\n"
            for group, values in self.secrets.items()
            for name, value in values.items()
        ]
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
        played = self.player.command(
            str(self.play), "-vvvv", "--diff", *check, env=t.cast("dict[str, str | None]", self.environment)
        )
        return played.code, played.output

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


@pytest.fixture
def tmp_path() -> t.Iterator[Path]:
    """A folder with a short name: Ansible makes a socket in the temporary folder, whose name may not be long."""
    with tempfile.TemporaryDirectory(prefix="leak-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("point", spread(POINTS, 1), ids=str)
def test_nothing_gets_out_of_a_play(
    point: Point,
    tmp_path: Path,
    immuta: EchoingImmuta,
    snowflake: SnowflakeDouble,
    databricks: DatabricksDouble,
) -> None:
    stage = Stage(point, tmp_path, immuta, snowflake, databricks)
    withheld = () if point.way == "environment" else (API_KEY, PASSWORD, DATABRICKS)
    with Watch([*SECRETS], withheld) as watch:
        code, output = stage.run()
    assert watch.looks > 0
    assert watch.seen == []
    assert leaks(output, SECRETS) == []
    kept = tmp_path / "kept"
    scripts = set(kept.rglob("*.sql"))
    given = {*stage.given.iterdir(), *scripts}
    assert leaks_in_folder(tmp_path, SECRETS, given) == []
    assert "community.immuta" in (tmp_path / "output" / "ansible.log").read_text()
    assert open_to_others([*kept.rglob("*"), *([kept] if kept.exists() else [])]) == []
    # That the play came as far as it should, so that there was something to leak.
    refused_early = point.runner == "check" and point.end == "statement"
    # The deletion is done, and read to be done, whatever the answer to it says.
    assert (code == 0) == (point.end in ("success", "immuta 500") or refused_early), output
    if point.end not in ("success", "immuta 500", "not split") and not refused_early:
        assert "********" in output
    if not refused_early and point.end in ("success", "statement", "not split") and point.runner != "check":
        assert scripts, output
    assert len(list(kept.glob("reports/*"))) == (0 if point.runner == "check" else 2)
