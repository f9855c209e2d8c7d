# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real connection is removed: what the stand-ins play, against the tenant and the platform that the environment names.

Only `make live` runs it. In order, and not on after a failure: each of these needs the ones before.
"""

from __future__ import annotations

import json
import os
import re
import types
import typing as t
from urllib.parse import urlsplit

import pytest

from ansible_collections.community.immuta.plugins.module_utils._address import is_loopback
from ansible_collections.community.immuta.tests.harness.forkserver import interpreter
from ansible_collections.community.immuta.tests.harness.play import DEREGISTER, PLAN, Played, Player
from ansible_collections.community.immuta.tests.live import live

PROBE = "community.immuta.probe"
OWN = ("IMMUTA_", "SNOWFLAKE_", "DATABRICKS_")
# The variables that hold a secret, but for those that name a file of it.
SECRET = re.compile("KEY|TOKEN|PASSWORD|SECRET|PASSPHRASE|PWD")
FILE = re.compile("_(?:FILE|PATH|FILE_PATH)$")


class Live:
    """Plays on the connection."""

    def __init__(self) -> None:
        if wrong := live.complaints(os.environ):
            pytest.exit("\n".join(["Nothing was done.", *wrong]), returncode=1)
        self.key = os.environ[live.KEY]
        self.folder = live.folder(os.environ)
        self.folder.mkdir(parents=True, exist_ok=True)
        url = live.first(os.environ, live.URL)
        own = {name: value for name, value in os.environ.items() if name.startswith(OWN)}
        proxies = os.environ.get("NO_PROXY", os.environ.get("no_proxy", "127.0.0.1"))
        tenant = types.SimpleNamespace(url=url)
        # The clients find files of the user's below HOME.
        environment = {**own, "HOME": os.environ["HOME"], "NO_PROXY": proxies}
        self.player = Player(self.folder, t.cast(t.Any, tenant), environment)
        if is_loopback(urlsplit(url).hostname or ""):
            if os.environ.get("FORKED_MODULES"):
                self.player.interpreter = interpreter()
        else:
            # A real script has to outlive the run.
            self.player.believed = []
        self.secrets = [value for name, value in own.items() if value and SECRET.search(name) and not FILE.search(name)]

    def play(self, playbook: str, **variables: t.Any) -> Played:
        """Run one of the playbooks; no secret may come out."""
        given = {"connection_key": self.key, "script_dir": str(self.player.scripts), **variables}
        extra = {f"immuta_deregister_{name}": value for name, value in given.items()}
        return self.command(playbook, "--extra-vars", json.dumps(extra))

    def command(self, *arguments: str) -> Played:
        """Run `ansible-playbook`; no secret may come out."""
        played = self.player.command(*arguments)
        for secret in self.secrets:
            assert secret not in played.output
        return played


@pytest.fixture(scope="module")
def site() -> Live:
    """The connection, if the environment names it twice."""
    return Live()


def test_the_tenant_can_be_probed(site: Live) -> None:
    output = site.folder / "immuta-probe.json"
    played = site.command(PROBE)
    assert played.code == 0, played.output
    assert json.loads(output.read_text())["answers"]


def test_it_can_be_planned(site: Live) -> None:
    played = site.play(PLAN)
    assert played.code == 0, played.output


def test_without_a_confirmation_nothing_is_removed(site: Live) -> None:
    played = site.play(DEREGISTER)
    assert played.code == 0, played.output
    # Or a run that broke has come to the deletion, and this is the next one.
    assert played.result["status"] in ("planned", "already_done")
    assert played.result["deleted_objects"] is None


def test_it_is_removed(site: Live) -> None:
    played = site.play(DEREGISTER, confirm=site.key)
    assert played.code == 0, played.output
    assert played.result["status"] in ("completed", "already_done")


def test_a_rerun_changes_nothing(site: Live) -> None:
    played = site.play(DEREGISTER, confirm=site.key)
    assert played.code == 0, played.output
    assert (played.result["status"], played.changed) == ("already_done", [])
