# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant, one platform, and who plays the role on them, for suites that don't care which platform it is."""

from __future__ import annotations

import abc
import collections
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils._immuta import script_file
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import IMMUTA, Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.databricks_server import Fault as DatabricksFault
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.doubles.plumbing import Double
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Fault as SnowflakeFault
from ansible_collections.community.immuta.tests.harness.play import API_KEY, Played, Player

# Strings that occur nowhere else, so that in any output they are a leak.
PASSWORD = "canary-stage-password-3e1b"
TOKEN = "canary-stage-token-9c04"


class Stage(abc.ABC):
    """One connection that is to go, and all that it takes.

    :ivar key: of the connection
    :ivar number: of its integration
    :ivar server: the platform's stand-in
    """

    key: t.ClassVar[str]
    number: t.ClassVar[int]
    dialect: t.ClassVar[str]
    server: Double

    def __init__(self, folder: Path) -> None:
        self.immuta = ImmutaDouble(State.example(api_key=API_KEY))
        self.server = self._server()
        self.player = Player(folder, self.immuta, {**self.sign_in(), "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true"})
        self.script = script_file.contents(
            script_file.Owner(self.immuta.url, self.key, self.number, self.dialect.capitalize(), self.dialect),
            t.cast(str, self.immuta.state.integrations[self.number].script),
        )
        self.path = self.player.scripts / f"{self.key.replace(' ', '%20')}.sql"

    def __enter__(self) -> Stage:
        self.immuta.start()
        self.server.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.stop()
        self.immuta.stop()
        if exc == (None, None, None):
            assert not self.immuta.violations, self.immuta.violations

    @abc.abstractmethod
    def _server(self) -> Double:
        """The platform."""

    @abc.abstractmethod
    def sign_in(self) -> dict[str, str]:
        """The environment that says how to sign in."""

    @abc.abstractmethod
    def sent(self) -> list[tuple[str, bool]]:
        """Every statement that has come to the platform, and whether it was executed."""

    @abc.abstractmethod
    def cleaned_up(self) -> bool:
        """Whether nothing of Immuta is left on the platform."""

    @abc.abstractmethod
    def refuse_statement(self, number: int) -> None:
        """Let the platform refuse the statement that comes as this number, once."""

    def play(self, *arguments: str, player: Player | None = None, **variables: t.Any) -> Played:
        """Play the role, confirmed.

        :param player: another one; it keeps the script at the same place
        """
        given = {"connection_key": self.key, "confirm": self.key, "script_dir": str(self.player.scripts), **variables}
        return (player or self.player).role(*arguments, **given)

    @property
    def statements(self) -> list[Statement]:
        """Those of the script, in order."""
        return split(self.script.decode(), self.dialect)

    @property
    def connected(self) -> bool:
        """Whether the connection is there, by Immuta's own word."""
        self.immuta.state.settle()
        return self.key in self.immuta.state.connections

    @property
    def deletions(self) -> int:
        """How often Immuta was asked to delete and had not done so before."""
        return sum(one.method == "DELETE" and one.status != 404 for one in self.immuta.requests)

    @property
    def saved(self) -> bool:
        """Whether the script is on the disk, whole."""
        return self.path.exists() and self.path.read_bytes() == self.script

    def executions(self) -> collections.Counter[int]:
        """How often each statement of the script was executed, by index."""
        executed = collections.Counter(text for text, good in self.sent() if good)
        return collections.Counter({one.index: executed[bare(one.text)] for one in self.statements})

    def require_finished(self) -> None:
        """Fail unless everything is as an undisturbed run leaves it."""
        assert not self.connected
        assert self.number not in self.immuta.state.integrations
        assert self.cleaned_up()
        assert self.saved
        texts = collections.Counter(bare(one.text) for one in self.statements)
        for one in self.statements:
            times, written = self.executions()[one.index], texts[bare(one.text)]
            assert times >= written, f"statement {one.index} was not executed"
            assert one.is_repeatable or times == written, f"statement {one.index} was executed {times} times"
        progress = journal.read(journal.journal_path(str(self.path)))
        assert progress.state == "finished"
        assert progress.total == len(self.statements)
        assert set(progress.done) == {one.index for one in self.statements}
        assert {one.name for one in self.player.scripts.iterdir()} == {self.path.name, f"{self.path.name}.journal"}
        for file in self.player.scripts.iterdir():
            assert file.stat().st_mode & 0o777 == 0o600, file
        assert self.player.scripts.stat().st_mode & 0o777 == 0o700


class OnSnowflake(Stage):
    """A connection to Snowflake."""

    key, number, dialect = "prod snowflake", 5, "snowflake"
    server: SnowflakeDouble

    def _server(self) -> SnowflakeDouble:
        return SnowflakeDouble(Account.example(password=PASSWORD))

    def sign_in(self) -> dict[str, str]:
        return self.server.environment(PASSWORD)

    def sent(self) -> list[tuple[str, bool]]:
        return [(bare(one.text), one.outcome == "ok") for one in self.server.statements if one.outcome != "repeat"]

    def cleaned_up(self) -> bool:
        gone = (("DATABASE", "IMMUTA"), ("ROLE", "IMMUTA_SYSTEM"), ("USER", "IMMUTA_SYSTEM_ACCOUNT"))
        return not any(self.server.account.exists(kind, name) for kind, name in gone)

    def refuse_statement(self, number: int) -> None:
        self.server.faults.append(SnowflakeFault("statement", "error", nth=number))


class OnDatabricks(Stage):
    """A connection to Databricks."""

    key, number, dialect = "prod databricks", 7, "databricks"
    server: DatabricksDouble

    def _server(self) -> DatabricksDouble:
        return DatabricksDouble(Metastore.example(token=TOKEN, secret="canary-stage-secret-51d7"))

    def sign_in(self) -> dict[str, str]:
        return self.server.environment(TOKEN)

    def sent(self) -> list[tuple[str, bool]]:
        return [(bare(one.text), one.outcome == "ok") for one in self.server.statements]

    def cleaned_up(self) -> bool:
        state = self.server.metastore.snapshot()
        return (
            not self.server.metastore.exists("CATALOG", "immuta")
            and (state["masks"], state["row_filters"]) == ([], [])
            and not any(grant.principal == IMMUTA for grant in self.server.metastore.grants)
        )

    def refuse_statement(self, number: int) -> None:
        self.server.faults.append(DatabricksFault("statement", "error", nth=number))


STAGES: dict[str, type[Stage]] = {"snowflake": OnSnowflake, "databricks": OnDatabricks}


def bare(text: str) -> str:
    """A statement's text without the name of the run before it and the semicolon after it."""
    if text.startswith("/* community.immuta/"):
        text = text.partition("*/")[2]
    return text.strip().rstrip(";").rstrip()
