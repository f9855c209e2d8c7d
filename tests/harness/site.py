# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant, a platform, and a folder: all that it takes to take one connection out of service. C(arriving) has the way in."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    configuration,
    integration,
    operations,
    saved_script,
)
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement
from ansible_collections.community.immuta.tests.doubles import databricks_server, snowflake_server
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import IMMUTA
from ansible_collections.community.immuta.tests.doubles.immuta_server import Variant
from ansible_collections.community.immuta.tests.harness import servers
from ansible_collections.community.immuta.tests.harness.forkserver import interpreter
from ansible_collections.community.immuta.tests.harness.play import Played, Player

Platform = t.Literal["snowflake", "databricks"]
PLATFORMS: tuple[Platform, ...] = ("snowflake", "databricks")
KEYS = {"snowflake": "prod snowflake", "databricks": "prod databricks"}
HOSTS = {"snowflake": "example.snowflakecomputing.com", "databricks": "adb-1234567890123456.7.azuredatabricks.net"}
NUMBERS = {"snowflake": 5, "databricks": 7}
# What asks how a statement has ended.
HISTORY = ("QUERY_HISTORY", "SELECT 1")


class Site:
    """One connection that is to go, with its servers, and a player whose plays know where they are.

    :ivar key: of the connection
    :ivar number: of its integration
    :ivar server: the platform's stand-in
    :ivar path: where the role keeps the script
    :ivar script: what it has to hold there
    :cvar role: the role that it is for
    :cvar prefix: of the variables of that role
    :cvar ends: the status when a run has come to its end, and when there was nothing to do
    :cvar empty: whether the platform has nothing of Immuta
    """

    role = "community.immuta.deregister_connection"
    prefix = "immuta_deregister_"
    ends: tuple[str, ...] = ("completed", "already_done")
    empty = False

    def __init__(self, platform: Platform, folder: Path, variant: Variant | None = None) -> None:
        self.platform = platform
        self.key = KEYS[platform]
        self.number = NUMBERS[platform]
        self.folder = folder
        self._open = contextlib.ExitStack()
        self.immuta = self._open.enter_context(servers.immuta(variant=variant))
        double = servers.snowflake if platform == "snowflake" else servers.databricks
        self.server: snowflake_server.SnowflakeDouble | databricks_server.DatabricksDouble = double(empty=self.empty)
        self._open.enter_context(self.server)
        self.player = Player(folder, self.immuta, self.sign_in)
        self.path = self.player.scripts / f"{self.key.replace(' ', '%20')}.sql"
        about = dataclasses.asdict(self.immuta.state.integrations[self.number])
        self.script = saved_script.contents(
            saved_script.Owner(
                self.immuta.url,
                self.key,
                self.number,
                platform.capitalize(),
                platform,
                (HOSTS[platform],),
                configuration.of(integration.from_api(about, operations.GET_INTEGRATION)),
            ),
            t.cast(str, self.immuta.state.integrations[self.number].script),
        )

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *exc: t.Any) -> None:
        self._open.__exit__(*exc)

    @property
    def sign_in(self) -> dict[str, str]:
        """The environment that says how to sign in to the platform."""
        if isinstance(self.server, snowflake_server.SnowflakeDouble):
            known = self.server.environment(servers.PASSWORD)
            return {**known, "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true"}
        return self.server.environment(servers.TOKEN)

    @property
    def variables(self) -> dict[str, t.Any]:
        """Those of the host that stands for it in `together`."""
        named = {name: value for name, value in self.sign_in.items() if not name.startswith("SNOWFLAKE_DISABLE")}
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(interpreter()),
            **{f"{self.prefix}{name}": value for name, value in self.settings.items()},
            "tenant": {"url": self.immuta.url, "api_key": servers.API_KEY},
            "platform": {
                name.removeprefix(f"{self.platform}_".upper()).lower(): value for name, value in named.items()
            },
        }

    @property
    def settings(self) -> dict[str, t.Any]:
        """The role's variables without their prefix, but the confirmation."""
        return {"connection_key": self.key, "script_dir": str(self.path.parent)}

    # What happens to it

    def play(self, *arguments: str, player: Player | None = None, **variables: t.Any) -> Played:
        """Play the role, confirmed.

        :param player: another one; it keeps the script at the same place
        """
        values = {**self.settings, "confirm": self.key, **variables}
        given = {f"{self.prefix}{name}": value for name, value in values.items()}
        play = {"hosts": "localhost", "gather_facts": False, "roles": [{"role": self.role}]}
        return (player or self.player).run([play], "--extra-vars", json.dumps(given), *arguments)

    def fail(self, at: t.Any, kind: t.Any, **fields: t.Any) -> None:
        """Plan a fault of the platform."""
        if isinstance(self.server, snowflake_server.SnowflakeDouble):
            self.server.faults.append(snowflake_server.Fault(at, kind, **fields))
        else:
            self.server.faults.append(databricks_server.Fault(at, kind, **fields))

    def clear_faults(self) -> None:
        """Take all planned faults away."""
        self.immuta.faults.clear()
        self.server.faults.clear()

    # What is so

    @property
    def statements(self) -> list[Statement]:
        """Those of the script, in order."""
        return split(self.script.decode(), self.platform)

    @property
    def connected(self) -> bool:
        """Whether the connection is there, by Immuta's own word."""
        with self.immuta._lock:
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

    @property
    def sent(self) -> list[str]:
        """Every statement that has come to the platform."""
        return [bare(one.text) for one in self.server.statements if one.outcome != "repeat"]

    @property
    def executed(self) -> list[str]:
        """What the platform has run of the script, in order; a lost answer that is asked for again is no second time."""
        return [
            bare(one.text)
            for one in self.server.statements
            if one.outcome == "ok" and not any(word in one.text for word in HISTORY)
        ]

    @property
    def progress(self) -> journal.Progress:
        """What the journal says."""
        return journal.read(journal.journal_path(str(self.path)))

    @property
    def snapshot(self) -> t.Any:
        """All that there is on the platform."""
        if isinstance(self.server, snowflake_server.SnowflakeDouble):
            return self.server.account.snapshot()
        return self.server.metastore.snapshot()

    @property
    def cleaned_up(self) -> bool:
        """Whether nothing of Immuta is left on the platform."""
        if isinstance(self.server, snowflake_server.SnowflakeDouble):
            gone = (("DATABASE", "IMMUTA"), ("ROLE", "IMMUTA_SYSTEM"), ("USER", "IMMUTA_SYSTEM_ACCOUNT"))
            return not any(self.server.account.exists(kind, name) for kind, name in gone)
        metastore = self.server.metastore
        return (
            not metastore.exists("CATALOG", "immuta")
            and (self.snapshot["masks"], self.snapshot["row_filters"]) == ([], [])
            and not any(grant.principal == IMMUTA for grant in metastore.grants)
        )

    def require_nothing_lost(self) -> None:
        """Fail if what must never be is so, wherever a run was interrupted."""
        assert self.connected or self.saved, "the connection is gone, and so is the script"

    def require_done_once(self) -> None:
        """Fail if Immuta was asked twice for what can't be undone."""
        assert self.deletions == 1

    def require_end(self, played: Played, *statuses: str) -> None:
        """Fail unless everything is done and the role's outcome says so."""
        assert played.code == 0, played.output
        result = played.result
        assert result["status"] in statuses, played.output
        assert (result["connection_gone"], result["script_executed"]) == (True, True)
        assert result["script"]["path"] == str(self.path)
        assert len(result["script"]["statements"]) == len(self.statements)
        if result["status"] == "completed":
            assert {one["status"] for one in result["script"]["statements"]} <= {"done", "skipped", "replayed"} or (
                "status" not in result["script"]["statements"][0]
            )
        self.require_finished()

    def require_finished(self) -> None:
        """Fail unless everything is as an undisturbed run leaves it."""
        assert not self.connected
        assert self.number not in self.immuta.state.integrations
        assert self.cleaned_up
        assert self.saved
        self.require_executed()
        progress = self.progress
        assert (progress.state, progress.total) == ("finished", len(self.statements))
        assert set(progress.done) == {one.index for one in self.statements}
        self.require_kept(self.path.name, f"{self.path.name}.journal")

    def require_executed(self) -> None:
        """Fail unless every statement has run, and those that can't be repeated only once."""
        executed = collections.Counter(self.executed)
        texts = collections.Counter(bare(one.text) for one in self.statements)
        for one in self.statements:
            times, written = executed[bare(one.text)], texts[bare(one.text)]
            assert times >= written, f"statement {one.index} was not executed"
            assert one.is_repeatable or times == written, f"statement {one.index} was executed {times} times"

    def require_kept(self, *names: str) -> None:
        """Fail unless the folder of the scripts has these files and no others, which nobody else can read; without files it may be gone."""
        if not names and not self.player.scripts.exists():
            return
        assert {one.name for one in self.player.scripts.iterdir()} == {*names}
        for file in self.player.scripts.iterdir():
            assert file.stat().st_mode & 0o777 == 0o600, file
        assert self.player.scripts.stat().st_mode & 0o777 == 0o700


def together(
    sites: t.Sequence[Site],
    *arguments: str,
    confirmed: bool = True,
    module_defaults: dict[str, dict[str, t.Any]] | None = None,
    variables: t.Sequence[dict[str, t.Any]] | None = None,
) -> list[Played]:
    """Run the role of the first on all sites as hosts of one playbook, which takes a third of the time; what it did on each.

    :param module_defaults: besides those that say where everything is
    :param variables: for each site those of the role, without their prefix, and what differs in C(tenant) and C(platform)
    """
    hosts: dict[str, dict[str, t.Any]] = {}
    for number, (one, more) in enumerate(zip(sites, variables or [{} for _one in sites], strict=True)):
        hosts[f"site{number}"] = about = one.variables
        for name, value in more.items():
            if name in ("tenant", "platform"):
                about[name] = {**about[name], **value}
            else:
                about[f"{one.prefix}{name}"] = value
    groups = {"immuta": ("tenant", sites[0].variables["tenant"])}
    for one in sites:
        groups[one.platform] = ("platform", one.variables["platform"])
    play: dict[str, t.Any] = {
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {
            **{
                f"group/community.immuta.{group}": {
                    name: f"{{{{ {variable}.{name} | default('') }}}}" for name in options
                }
                for group, (variable, options) in groups.items()
            },
            **(module_defaults or {}),
        },
        "roles": [{"role": sites[0].role}],
    }
    if confirmed:
        for one, about in zip(sites, hosts.values(), strict=True):
            about.setdefault(f"{one.prefix}confirm", about[f"{one.prefix}connection_key"])
    folder = sites[0].folder / "play"
    player = Player(folder, sites[0].immuta, {"ANSIBLE_PIPELINING": "true", "ANSIBLE_FORKS": "8"})
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    # Each has its own.
    nowhere: dict[str, str | None] = {"IMMUTA_URL": None, "IMMUTA_API_KEY": None}
    played = player.run([play], "-i", str(inventory), *arguments, env=nowhere)
    assert played.code in (0, 2), played.output
    return [played.on(host) for host in hosts]


def bare(text: str) -> str:
    """A statement's text without the name of the run before it and the semicolon after it."""
    if text.startswith("/* community.immuta/"):
        text = text.partition("*/")[2]
    return text.strip().rstrip(";").rstrip()
