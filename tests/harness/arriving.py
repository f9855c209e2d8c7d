# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site whose connection is to be registered, and one whose registration is taken back."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script, setup_file
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement
from ansible_collections.community.immuta.tests.doubles import immuta_editing, immuta_tenant, snowflake_server
from ansible_collections.community.immuta.tests.doubles.immuta_server import Variant
from ansible_collections.community.immuta.tests.harness.play import Played
from ansible_collections.community.immuta.tests.harness.servers import SECRETS
from ansible_collections.community.immuta.tests.harness.site import HOSTS, Platform, Site, bare

SECRET = "canary-of-a-new-connection-51d7"
# What Immuta made, which is in the set-up script; each script has another one.
MADE = immuta_editing.MADE_PASSWORD
NUMBERED = re.compile(rf"{re.escape(MADE)}-\d*")
DESCRIPTIONS: dict[Platform, dict[str, t.Any]] = {
    "snowflake": {
        "host": HOSTS["snowflake"],
        "warehouse": "COMPUTE_WH",
        "role": "IMMUTA_SYSTEM",
        "database": "IMMUTA",
        "password": {"username": "IMMUTA_SYSTEM_ACCOUNT", "password": SECRET},
    },
    "databricks": {
        "host": HOSTS["databricks"],
        "http_path": "/sql/1.0/warehouses/0123456789abcdef",
        "catalog": "immuta",
        "oauth_m2m": {
            "client_id": "5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77",
            "client_secret": SECRET,
            "authority_url": "https://adb-1234567890123456.7.azuredatabricks.net/oidc/v1/token",
        },
    },
}


class Registering(Site):
    """One connection that is to be registered, on a platform that has nothing of Immuta.

    :ivar path: where the role keeps the set-up script
    :ivar undo_path: where it keeps the script that takes the registration back
    :ivar overtaken: whether another play may have registered the connection while one went on
    :cvar removes: whether the role removes the set-up script in the end; None for on Databricks only
    """

    role = "community.immuta.register_connection"
    prefix = "immuta_register_"
    # The last one, where the answer to the registration was lost.
    ends: tuple[str, ...] = ("registered", "already_registered", "found_registered")
    empty = True
    removes: bool | None = None
    overtaken = False

    def __init__(self, platform: Platform, folder: Path, variant: Variant | None = None) -> None:
        super().__init__(platform, folder, variant)
        del self.immuta.state.connections[self.key], self.immuta.state.integrations[self.number]
        self.undo_path = self.path.with_name(f"{self.path.stem}.undo.sql")
        self.path = self.path.with_name(f"{self.path.stem}.setup.sql")
        self.nothing = self.snapshot
        if self.removes is None:
            self.removes = platform == "databricks"

    @property
    def settings(self) -> dict[str, t.Any]:
        """The role's variables without their prefix, but the confirmation."""
        return {
            **super().settings,
            self.platform: DESCRIPTIONS[self.platform],
            "remove_script": self.removes,
            "wait_timeout": 60,
        }

    def play(self, *arguments: str, **options: t.Any) -> Played:
        """Play the role."""
        played = super().play(*arguments, **options)
        self.require_secrets_kept(played)
        return played

    @staticmethod
    def require_secrets_kept(played: Played) -> None:
        """Fail if a play has printed a secret."""
        for secret in (*SECRETS, SECRET, MADE):
            assert secret not in played.output

    # What is so

    @property
    def held(self) -> setup_file.Saved | None:
        """The set-up script that is kept."""
        return setup_file.read(str(self.path))

    @property
    def statements(self) -> list[Statement]:
        """Those of the script, in order, without what makes its password another one each time."""
        return split(immuta_tenant.script_for(self.platform.capitalize(), "setup", {}), self.platform)

    @property
    def sent(self) -> list[str]:
        """Every statement that has come to the platform, as C(statements) has it."""
        return [NUMBERED.sub(MADE, one) for one in super().sent]

    @property
    def executed(self) -> list[str]:
        """What the platform has run of the script, in order, as C(statements) has it."""
        return [NUMBERED.sub(MADE, one) for one in super().executed]

    @property
    def saved(self) -> bool:
        """Whether the script is on the disk, whole."""
        return self.held is not None and self.held.intact

    @property
    def registrations(self) -> int:
        """How often Immuta has accepted the registration, whatever it has answered."""
        return sum(one.operation_id == "registerConnection" and one.done for one in self.immuta.requests)

    @property
    def integrations(self) -> list[str]:
        """The statuses of the integrations on the platform's host."""
        hosts = [
            (one.config.get("host") or one.config.get("workspaceUrl"), one)
            for one in self.immuta.state.integrations.values()
        ]
        return [one.status for host, one in hosts if host == HOSTS[self.platform]]

    def exists(self, kind: str, name: str) -> bool:
        """Whether the platform has an object, as the set-up script names it."""
        known = (
            self.server.account.entities
            if isinstance(self.server, snowflake_server.SnowflakeDouble)
            else self.server.metastore.securables
        )
        # A procedure has its types behind its name, and a name may lack its catalog.
        full = [".".join(parts).partition("(")[0] for found, parts in known if found == kind]
        return any(f".{one}".endswith(f".{name}") for one in full)

    def require_nothing_lost(self) -> None:
        """Fail if the registration was sent twice, or the script that has started is not the one that is kept."""
        assert self.registrations <= 1, "registered twice"
        if held := self.held:
            assert held.intact
            known = {bare(one.text) for one in split(held.body, self.platform)}
            assert {*super().executed} <= known, "the script that has started was replaced"
        else:
            assert not self.executed or (self.removes and self.connected), "the script that has started is gone"

    def require_done_once(self) -> None:
        """Fail unless the connection was registered, and once."""
        assert self.registrations == 1

    def require_end(self, played: Played, *statuses: str) -> None:
        """Fail unless everything is done and the role's outcome says so."""
        assert played.code == 0, played.output
        result = played.result
        assert result["status"] in statuses, played.output
        assert (result["connection_exists"], result["verified"]) == (True, True)
        if result["status"] != "already_registered":
            assert result["script_executed"] is True
            assert result["script"]["done"] == result["script"]["total"] == len(self.statements)
        self.require_secrets_kept(played)
        self.require_finished()

    def require_finished(self) -> None:
        """Fail unless everything is as an undisturbed run leaves it."""
        assert self.connected and not self.cleaned_up
        assert self.integrations == ["enabled"]
        self.require_executed()
        self.require_nothing_lost()
        if self.removes:
            # What one play has saved while another one registered the connection is not removed unread.
            left = self.overtaken and self.held and self.progress.state == "none"
            self.require_kept(*([self.path.name] if left else []))
        else:
            assert self.saved
            assert self.progress.state == "finished"
            self.require_kept(self.path.name, f"{self.path.name}.journal")


class TakingBack(Registering):
    """A registration that is taken back, finished or not."""

    ends = ("completed", "already_done")

    @property
    def settings(self) -> dict[str, t.Any]:
        """The role's variables without their prefix, but the confirmation."""
        return {**super().settings, "state": "undone"}

    @property
    def statements(self) -> list[Statement]:
        """Those of the script that takes it back, in order."""
        held = saved_script.read(str(self.undo_path))
        return split(held.body, self.platform) if held else []

    def require_nothing_lost(self) -> None:
        """Fail if something is left on the platform, and no script to remove it with can be had."""
        if self.snapshot != self.nothing:
            assert self.connected or self.undo_path.exists() or self.saved, "nothing can take it back"

    def require_done_once(self) -> None:
        """Fail if Immuta was asked twice to delete."""
        assert self.deletions <= 1

    def require_end(self, played: Played, *statuses: str) -> None:
        """Fail unless nothing is left, and the role's outcome says so."""
        assert played.code == 0, played.output
        assert played.result["status"] in statuses, played.output
        self.require_secrets_kept(played)
        self.require_finished()

    def require_finished(self) -> None:
        """Fail unless nothing is left."""
        assert not self.connected
        assert self.integrations == []
        assert self.snapshot == self.nothing
        self.require_kept(self.undo_path.name, f"{self.undo_path.name}.journal")


SITES: dict[str, type[Site]] = {"out": Site, "in": Registering, "back": TakingBack}
