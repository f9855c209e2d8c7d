# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant and its platform for one run of the real role, and what has to be true of the run.

Worlds are hosts of one playbook, as connections are for who removes many: that takes a third of the time.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils._immuta import script_file
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.tests.doubles import databricks_server, snowflake_server
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State, Variant
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.forkserver import interpreter
from ansible_collections.community.immuta.tests.harness.play import Played, Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY
from ansible_collections.community.immuta.tests.harness.site import bare

Platform = t.Literal["snowflake", "databricks"]
PLATFORMS: tuple[Platform, ...] = ("snowflake", "databricks")
KEYS = {"snowflake": "prod snowflake", "databricks": "prod databricks"}
NUMBERS = {"snowflake": 5, "databricks": 7}
PASSWORD = "canary-password-of-the-fault-tests"
TOKEN = "canary-token-of-the-fault-tests"
# How long whoever is not answered waits, in seconds. A run that is disturbed may fail for it; the next ones wait longer.
PATIENCE = 3
IMPATIENT = {
    "community.immuta.immuta_cleanup_script": {"timeout": PATIENCE, "retries": 1},
    "community.immuta.immuta_connection": {"timeout": PATIENCE, "retries": 1, "wait_timeout": 2},
    "community.immuta.snowflake_script": {
        "login_timeout": PATIENCE,
        "network_timeout": 1,
        "statement_timeout": PATIENCE,
    },
    "community.immuta.databricks_script": {"login_timeout": PATIENCE, "network_timeout": PATIENCE},
}
STOPPED = re.compile(
    r'Stopped at "(?P<task>.+?)": (?P<message>.+) DONE: (?P<done>.+?)\. NOT DONE: (?P<open>.+?)\. NEXT: (?P<next>.+)\.',
    re.DOTALL,
)
RAN = re.compile(r"(\d+) of (\d+) statements have run")


class World:
    """Immuta, a platform, and a folder."""

    def __init__(
        self, platform: Platform, folder: Path, immuta: ImmutaDouble, sql: SnowflakeDouble | DatabricksDouble
    ) -> None:
        self.platform = platform
        self.key = KEYS[platform]
        self.number = NUMBERS[platform]
        self.immuta = immuta
        self.sql = sql
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.path = folder / "kept" / "scripts" / f"{self.key.replace(' ', '%20')}.sql"

    @property
    def variables(self) -> dict[str, t.Any]:
        """Those of the host that stands for it."""
        secret = PASSWORD if isinstance(self.sql, SnowflakeDouble) else TOKEN
        named = self.sql.environment(secret).items()
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(interpreter()),
            "immuta_deregister_connection_key": self.key,
            "immuta_deregister_script_dir": str(self.path.parent),
            "tenant": {"url": self.immuta.url, "api_key": API_KEY},
            "platform": {name.removeprefix(f"{self.platform}_".upper()).lower(): value for name, value in named},
        }

    @property
    def there(self) -> bool:
        """Whether the connection exists."""
        with self.immuta._lock:
            self.immuta.state.settle()
        return self.key in self.immuta.state.connections

    @property
    def executed(self) -> list[str]:
        """What the platform has run of the script, in order; a lost answer that is asked for again is no second time."""
        asked = ("QUERY_HISTORY", "SELECT 1")
        return [
            bare(one.text)
            for one in self.sql.statements
            if one.outcome == "ok" and not any(word in one.text for word in asked)
        ]

    @property
    def progress(self) -> journal.Progress:
        """What the journal says."""
        return journal.read(journal.journal_path(str(self.path)))

    @property
    def snapshot(self) -> t.Any:
        """All that there is on the platform."""
        return self.sql.account.snapshot() if isinstance(self.sql, SnowflakeDouble) else self.sql.metastore.snapshot()

    def plan(self, at: t.Any, kind: t.Any, **fields: t.Any) -> None:
        """Plan a fault of the platform."""
        if isinstance(self.sql, SnowflakeDouble):
            self.sql.faults.append(snowflake_server.Fault(at, kind, **fields))
        else:
            self.sql.faults.append(databricks_server.Fault(at, kind, **fields))

    def mend(self) -> None:
        """Take all faults away."""
        self.immuta.faults.clear()
        self.sql.faults.clear()


def together(
    worlds: t.Sequence[World], confirmed: bool = True, module_defaults: dict[str, dict[str, t.Any]] | None = None
) -> list[Played]:
    """Run the role on all of them, side by side; what it did on each.

    :param module_defaults: besides those that say where everything is
    """
    hosts = {f"world{number}": one.variables for number, one in enumerate(worlds)}
    groups = {"immuta": ("tenant", worlds[0].variables["tenant"])}
    for one in worlds:
        groups[one.platform] = ("platform", one.variables["platform"])
    play = {
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {
            **{
                f"group/community.immuta.{group}": {name: f"{{{{ {variable}.{name} }}}}" for name in options}
                for group, (variable, options) in groups.items()
            },
            **(module_defaults or {}),
        },
        "roles": [{"role": "community.immuta.deregister_connection"}],
    }
    if confirmed:
        play["vars"] = {"immuta_deregister_confirm": "{{ immuta_deregister_connection_key }}"}
    folder = worlds[0].folder / "play"
    player = Player(folder, worlds[0].immuta, {"ANSIBLE_PIPELINING": "true", "ANSIBLE_FORKS": "8"})
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    # Each has its own.
    nowhere: dict[str, str | None] = {"IMMUTA_URL": None, "IMMUTA_API_KEY": None}
    played = player.run([play], "-i", str(inventory), env=nowhere)
    assert played.code in (0, 2), played.output
    return [played.on(host) for host in hosts]


@contextlib.contextmanager
def world(platform: Platform, folder: Path, variant: Variant | None = None) -> t.Iterator[World]:
    """A world as it was set up by Immuta."""
    sql: SnowflakeDouble | DatabricksDouble
    if platform == "snowflake":
        sql = SnowflakeDouble(Account.example(password=PASSWORD))
    else:
        sql = DatabricksDouble(Metastore.example(token=TOKEN))
    with sql, ImmutaDouble(State.example(api_key=API_KEY), variant) as immuta:
        yield World(platform, folder, immuta, sql)
        assert not immuta.violations, immuta.violations


class Undisturbed(t.NamedTuple):
    """A run that nothing has disturbed.

    :ivar operations: what Immuta was asked, in order
    :ivar logins: how often the platform was signed in to
    :ivar statements: what it was sent, in order
    :ivar once: those that are not repeatable
    :ivar session: those that set up the session, and may come again, and earlier, where a history is asked
    :ivar snapshot: what there is on the platform in the end
    """

    operations: list[str]
    logins: int
    statements: list[str]
    once: list[str]
    session: list[str]
    snapshot: t.Any


@functools.cache
def undisturbed(platform: Platform, saved: bool) -> Undisturbed:
    """Record one, from cold or with the script saved before."""
    with tempfile.TemporaryDirectory() as folder, world(platform, Path(folder)) as one:
        if saved:
            assert together([one], confirmed=False)[0].code == 0
        seen = len(one.immuta.requests)
        logins = len(one.sql.logins)
        (played,) = together([one])
        assert played.code == 0, played.output
        assert played.result["status"] == "completed"
        rows = played.result["script"]["statements"]
        texts = [bare(statement.text) for statement in one.sql.statements]
        assert len(rows) == len(texts)
        return Undisturbed(
            [str(request.operation_id) for request in one.immuta.requests[seen:]],
            len(one.sql.logins) - logins,
            texts,
            [text for row, text in zip(rows, texts, strict=True) if not row["repeatable"]],
            [text for row, text in zip(rows, texts, strict=True) if row["session"]],
            one.snapshot,
        )


def check_completed(one: World, played: Played, status: str = "completed") -> None:
    """Hold a run that says it has come to its end against the world.

    :raises AssertionError: it has not
    """
    assert played.code == 0, played.error
    result = played.result
    assert (result["status"], result["connection_gone"], result["script_executed"]) == (status, True, True)
    assert not one.there
    check_executed(one)
    left = one.immuta.state.integrations.get(one.number)
    afterwards = one.immuta.variant.integration_afterwards
    assert (left.status if left else "gone") == ("enabled" if afterwards == "kept" else afterwards)
    assert one.progress.state == "finished"
    held = script_file.read(str(one.path))
    assert held is not None and held.intact


def check_executed(one: World) -> None:
    """All statements have run, as undisturbed, and what is not repeatable only once."""
    wanted = undisturbed(one.platform, False)
    assert one.snapshot == wanted.snapshot
    assert set(wanted.session) <= set(one.executed)
    first, all_of_them = (
        [text for text in dict.fromkeys(texts) if text not in wanted.session]
        for texts in (one.executed, wanted.statements)
    )
    assert first == all_of_them
    for text in wanted.once:
        assert one.executed.count(text) == wanted.statements.count(text), text


def check_stopped(one: World, played: Played) -> None:
    """Hold every claim of a run that has failed against the world.

    :raises AssertionError: it claims what is not so, or hides what it has read
    """
    assert played.code == 2, played.output
    found = STOPPED.fullmatch(played.error)
    assert found, played.error
    done, left = found["done"], found["open"]
    result = played.result
    assert result["status"] == "failed"
    assert found["next"] == "mend the cause and run the same again: it reads what is there and goes on from it"
    held = script_file.read(str(one.path)) if one.path.exists() else None
    assert ("the script is saved" in done) is (held is not None)
    if held:
        assert held.intact and held.owner.connection_key == one.key
        assert str(one.path) in done
    gone = "the connection does not exist in Immuta" in done
    assert gone is result["connection_gone"]
    assert not gone or not one.there
    assert gone is not (
        "the connection is not known to be deleted" in left or "the connection has not been deleted" in left
    )
    assert "the connection has not been deleted" not in left or one.there
    progress = one.progress
    finished = "the clean-up script has run to its end" in done
    assert finished is result["script_executed"]
    assert finished is (progress.state == "finished")
    assert finished is not ("the clean-up script has not run to its end" in left or "is not known to have run" in left)
    if "is not known to have run" in left:
        assert held is None
    counted = RAN.search(done)
    assert (int(counted[1]) if counted else 0) == (0 if finished else len(progress.done))
    if counted:
        assert int(counted[2]) == len(undisturbed(one.platform, False).statements)
        texts = undisturbed(one.platform, False).statements
        assert all(text in one.executed for text in texts[: int(counted[1])])
    # Nothing of the script may run while the connection may still be there.
    assert not one.executed or not one.there
    for secret in (API_KEY, PASSWORD, TOKEN):
        assert secret not in played.output


class Wrong:
    """What was found wrong with worlds, by their names; those are left out from then on."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    @contextlib.contextmanager
    def of(self, name: str) -> t.Iterator[None]:
        """Note what is found wrong meanwhile."""
        try:
            yield
        except AssertionError as error:
            self.found[name] = str(error)

    def without(self, worlds: t.Mapping[str, World]) -> dict[str, World]:
        """Those of which nothing is wrong."""
        return {name: one for name, one in worlds.items() if name not in self.found}

    def require_nothing(self) -> None:
        """Fail if there is any."""
        assert not self.found, "\n\n".join(f"{name}: {what}" for name, what in self.found.items())


def check_converges(worlds: dict[str, World], wrong: Wrong) -> None:
    """Whatever comes of a run with the planned faults, the next ones without end well, and the last of them changes nothing."""
    left: dict[str, str] = {}
    for (name, one), played in zip(
        worlds.items(), together([*worlds.values()], module_defaults=IMPATIENT), strict=True
    ):
        with wrong.of(name):
            if played.code == 0:
                check_completed(one, played)
            else:
                check_stopped(one, played)
                left[name] = "already_done" if "script has run to its end" in played.error else "completed"
        one.mend()
    if again := {name: worlds[name] for name in left}:
        for (name, one), played in zip(again.items(), together([*again.values()]), strict=True):
            with wrong.of(name):
                check_completed(one, played, left[name])
    worlds = wrong.without(worlds)
    if not worlds:
        return
    before = [
        (one.snapshot, one.executed, len(one.immuta.requests), one.immuta.state.snapshot()) for one in worlds.values()
    ]
    for (name, one), was, played in zip(worlds.items(), before, together([*worlds.values()]), strict=True):
        with wrong.of(name):
            check_completed(one, played, "already_done")
            assert played.changed == []
            assert was == (one.snapshot, one.executed, was[2], one.immuta.state.snapshot())
            assert all(request.operation_id != "deleteObject" for request in one.immuta.requests[was[2] :])
