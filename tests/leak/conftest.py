# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-ins with canaries for secrets, and what runs modules against them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import typing as t
from email.message import Message
from pathlib import Path

import pytest
from canaries import API_KEY, CLIENT_SECRET, DATABRICKS, EXCHANGED, PASSWORD

from ansible_collections.community.immuta.tests.doubles import immuta_tenant
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import Fault, ImmutaDouble, State
from ansible_collections.community.immuta.tests.doubles.immuta_tenant import Reply
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble
from ansible_collections.community.immuta.tests.playing import FOREIGN, KEY

ROOT = Path(__file__).parents[2]


class EchoingImmuta(ImmutaDouble):
    """A tenant that answers what it is told to.

    :ivar echo: the body of the answer, its status and headers; None for the tenant's own answer
    :ivar method: only requests with this method are answered so
    """

    echo: Reply | None = None
    method: str | None = None

    def handle(
        self, method: str, target: str, headers: Message, body: bytes, connection: int
    ) -> tuple[Reply, Fault | None]:
        reply, fault = super().handle(method, target, headers, body, connection)
        if self.echo is not None and self.method in (None, method):
            return self.echo, fault
        return reply, fault


@dataclasses.dataclass
class Answer:
    """What a module left: its result, and all that it printed."""

    result: dict[str, t.Any]
    printed: str
    code: int


class Modules:
    """Runs modules.

    :ivar folder: holds whatever they leave behind: HOME, TMPDIR, and the working folder
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exchange = folder / "exchange"
        for name in ("home", "tmp", "exchange"):
            (folder / name).mkdir()
        told, self._orders = os.pipe()
        self._answers, telling = os.pipe()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)},
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        # The file descriptors are known to the child by fixed numbers.
        start = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.executable, [sys.executable, *sys.argv[3:]])"
        start = start.replace("4);", "4);", 1)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                start,
                str(told),
                str(telling),
                str(Path(__file__).parent / "zygote.py"),
                str(ROOT / "plugins" / "modules"),
            ],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            pass_fds=[told, telling],
        )
        os.close(told)
        os.close(telling)
        self._answer_lines = os.fdopen(self._answers)

    def __call__(
        self,
        name: str,
        *,
        check: bool = False,
        env: dict[str, str] | None = None,
        bug: tuple[str, str, str] | None = None,
        **options: t.Any,
    ) -> Answer:
        """Run one.

        :param bug: a file of module_utils, a name in it, and the text of the error that it raises from now on
        """
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_verbosity": 4}
        # Since ansible-core 2.19 a traceback is left out unless it is asked for.
        arguments["_ansible_tracebacks_for"] = ["error"]
        given = self.exchange / "in"
        given.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        order = {
            "module": name,
            "folder": str(self.exchange),
            "environment": {**self.environment, **(env or {})},
            "bug": bug,
        }
        os.write(self._orders, json.dumps(order).encode() + b"\n")
        code = int(self._answer_lines.readline())
        given.unlink()
        out, err = ((self.exchange / stream).read_text() for stream in ("out", "err"))
        assert out.lstrip().startswith("{"), out + err
        return Answer(json.loads(out), out + err, code)

    def close(self) -> None:
        """End the process that runs them."""
        os.close(self._orders)
        self._process.wait(60)
        self._answer_lines.close()


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Modules]:
    """Runs modules."""
    running = Modules(tmp_path_factory.mktemp("modules"))
    yield running
    running.close()


@pytest.fixture
def immuta(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[EchoingImmuta]:
    """A tenant."""
    monkeypatch.setattr(immuta_tenant.secrets, "token_urlsafe", lambda *_size: EXCHANGED)
    with EchoingImmuta(State.example(KEY, api_key=API_KEY)) as double:
        yield double


@pytest.fixture
def snowflake() -> t.Iterator[SnowflakeDouble]:
    """A Snowflake account."""
    with SnowflakeDouble(Account.example(password=PASSWORD)) as double:
        yield double


@pytest.fixture
def databricks() -> t.Iterator[DatabricksDouble]:
    """A Databricks workspace."""
    with DatabricksDouble(Metastore.example(token=DATABRICKS, secret=CLIENT_SECRET)) as double:
        yield double
