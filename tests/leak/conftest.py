# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-ins with canaries for secrets, and what runs modules against them."""

from __future__ import annotations

import os
import tempfile
import typing as t
from email.message import Message
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles import immuta_tenant
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import Fault, ImmutaDouble, State
from ansible_collections.community.immuta.tests.doubles.immuta_tenant import Reply
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness import forkserver
from ansible_collections.community.immuta.tests.harness.forkserver import Answer
from ansible_collections.community.immuta.tests.harness.servers import FOREIGN, KEY
from ansible_collections.community.immuta.tests.leak.canaries import (
    API_KEY,
    CLIENT_SECRET,
    DATABRICKS,
    EXCHANGED,
    PASSWORD,
)


class EchoingImmuta(ImmutaDouble):
    """A tenant that answers what it is told to.

    :ivar echo: the body of the answer, its status and headers; None for the tenant's own answer
    :ivar method: only requests with this method are answered so
    :ivar said: as C(echo), in answer to registrations only
    """

    echo: Reply | None = None
    method: str | None = None
    said: Reply | None = None

    def handle(
        self, method: str, target: str, headers: Message, body: bytes, connection: int
    ) -> tuple[Reply, Fault | None]:
        reply, fault = super().handle(method, target, headers, body, connection)
        if self.echo is not None and self.method in (None, method):
            return self.echo, fault
        if self.said is not None and method == "POST" and target.startswith("/data/connection"):
            return self.said, fault
        return reply, fault


class Modules:
    """Runs modules.

    :ivar folder: holds whatever they leave behind: HOME, TMPDIR, and the working folder
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("home", "tmp"):
            (folder / name).mkdir()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)},
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "NO_PROXY": "127.0.0.1",
        }

    def __call__(
        self,
        name: str,
        *,
        check: bool = False,
        env: dict[str, str] | None = None,
        bug: tuple[str, str, str] | None = None,
        **options: t.Any,
    ) -> Answer:
        """Run one; a bug as in `forkserver.run`."""
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_verbosity": 4}
        # Since ansible-core 2.19 a traceback is left out unless it is asked for.
        arguments["_ansible_tracebacks_for"] = ["error"]
        return forkserver.run(name, arguments, self.folder, {**self._environment, **(env or {})}, bug)


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Modules:
    """Runs modules."""
    return Modules(tmp_path_factory.mktemp("modules"))


@pytest.fixture
def tmp_path() -> t.Iterator[Path]:
    """A folder with a short name: Ansible makes a socket in the temporary folder, whose name may not be long."""
    with tempfile.TemporaryDirectory(prefix="leak-") as folder:
        yield Path(folder)


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
