# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole plays of the role that registers, with every credential: what they print, log, cache, and leave in files."""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles import immuta_editing
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble, Metastore
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.arriving import DESCRIPTIONS
from ansible_collections.community.immuta.tests.harness.points import every
from ansible_collections.community.immuta.tests.leak.canaries import (
    CLIENT_SECRET,
    DATABRICKS,
    NEW,
    PASSPHRASE,
    PASSWORD,
    SCRIPT,
    forms,
    literal,
)
from ansible_collections.community.immuta.tests.leak.stage import SAID, Point, Stage, repeated
from ansible_collections.community.immuta.tests.leak.test_modules import body_of, private_key

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.leak.conftest import EchoingImmuta

# How Immuta signs in, by the platform that this is for.
CREDENTIALS = {
    "key_pair": "snowflake",
    "password": "snowflake",
    "oauth_client_credentials": "snowflake",
    "oauth_m2m": "databricks",
    "token": "databricks",
    "raw": "snowflake",
}
WAYS = ("options", "environment", "vault")
ENDS = ("sign-in", "statement", "immuta 422", "immuta 500", "not split", "undone")
KILLED = ("killed saved", "killed running", "killed sent")
POINTS = [
    *(Point(kind, way, "success", "playbook") for kind, way in itertools.product(CREDENTIALS, WAYS)),
    *(
        Point(kind, "environment", end, "playbook")
        for kind, end in itertools.product(CREDENTIALS, (*ENDS, *KILLED))
        # With raw dictionaries, there is no script.
        if kind != "raw" or end.startswith("immuta")
    ),
    *(
        Point(kind, way, end, runner)
        for kind, way, end, runner in itertools.product(
            ("key_pair", "oauth_m2m"), WAYS, ("success", "statement"), ("check", "ansible-runner")
        )
    ),
    *(Point(kind, "options", end, "playbook") for kind, end in itertools.product(("key_pair", "token"), KILLED)),
]


class Registration(Stage):
    """A connection that is registered, on a platform that has nothing of Immuta; C(point.platform) is that."""

    role = "community.immuta.register_connection"
    prefix = "immuta_register_"
    state = "present"

    def __init__(self, point: Point, kind: str, patch: pytest.MonkeyPatch, *rest: t.Any) -> None:
        self.kind = kind
        self.patch = patch
        self.credential = NEW
        if kind == "key_pair":
            _key, self.credential = private_key()
        super().__init__(point, *rest)
        of_key = [PASSPHRASE, *body_of(self.credential)] if kind == "key_pair" else [NEW]
        self.secrets += of_key

    def prepare(self) -> str:
        """Put a secret into the set-up script, and have Immuta repeat the new credential."""
        point, immuta = self.point, self.immuta
        del immuta.state.connections[self.key], immuta.state.integrations[5 if point.platform == "snowflake" else 7]
        render, whole = immuta_editing.script_for, point.end != "not split"
        if point.platform == "snowflake":
            statement = f'CREATE USER IF NOT EXISTS "IMMUTA_SYSTEM_ACCOUNT"\n  PASSWORD = {literal(SCRIPT)}'
            changes = (f"'{immuta_editing.MADE_PASSWORD}'", literal(SCRIPT))
        else:
            statement = f"SET VAR password = {literal(SCRIPT, 'escaped')};"
            changes = ("CREATE CATALOG", f"DECLARE OR REPLACE VARIABLE password STRING;\n{statement}\nCREATE CATALOG")

        def rendered(kind: str, purpose: t.Any, config: t.Any) -> str:
            text = render(kind, purpose, config)
            assert purpose != "setup" or changes[0] in text
            return text.replace(*changes, 1) + ("" if whole else "\nDROP DATABASE 'open;")

        self.patch.setattr(immuta_editing, "script_for", rendered)
        if point.end.startswith("immuta"):
            new = PASSPHRASE if self.kind == "key_pair" else NEW
            said = " ".join([SAID, *(forms(new)[form] for form in ("raw", "json", "quote_plus", "base64 +1", "repr"))])
            immuta.said = repeated(int(point.end[-3:]), said)
        return statement

    @property
    def more_secrets(self) -> dict[str, str]:
        """The credential of the new connection."""
        return {"new_credential": self.credential, "new_passphrase": PASSPHRASE}

    @property
    def variables(self) -> dict[str, t.Any]:
        """The role's variables without their prefix."""
        new = "{{ new_credential }}"
        client = {"client_id": "x", "client_secret": new, "authority_url": "https://h.example", "scope": "y"}
        user = {"username": "IMMUTA_SYSTEM_ACCOUNT"}
        ways: dict[str, t.Any] = {
            "key_pair": {**user, "private_key": new, "private_key_passphrase": "{{ new_passphrase }}"},
            "password": {**user, "password": new},
            "oauth_client_credentials": client,
            "oauth_m2m": {**client, "client_id": "5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77"},
            "token": new,
        }
        platform: t.Any = self.point.platform
        place = {name: value for name, value in DESCRIPTIONS[platform].items() if name not in ("password", "oauth_m2m")}
        described = {platform: {**place, self.kind: ways.get(self.kind)}}
        if self.kind == "raw":
            raw = {"authenticationType": "userPassword", **user, "password": new, "odd": {"deep": [new]}}
            native = {"config": {"password": new, "odd": new}}
            described = {platform: place, "connection": raw, "native_integration": native, "executor": "none"}
        return {**super().variables, **described, "state": self.state, "wait_timeout": 60}


@pytest.fixture
def stage(
    tmp_path: Path, immuta: EchoingImmuta, monkeypatch: pytest.MonkeyPatch
) -> t.Iterator[t.Callable[[Point], Registration]]:
    """Makes one for a point."""
    with (
        SnowflakeDouble(Account.before(PASSWORD)) as snowflake,
        DatabricksDouble(Metastore.before(DATABRICKS, CLIENT_SECRET)) as databricks,
    ):

        def make(point: Point) -> Registration:
            on = Point(CREDENTIALS[point.platform], point.way, point.end, point.runner)
            return Registration(on, point.platform, monkeypatch, tmp_path, immuta, snowflake, databricks)

        yield make


# One that fails with all secrets at hand, and one that is killed.
FIXED = [
    Point("key_pair", "environment", "statement", "playbook"),
    Point("token", "options", "killed sent", "playbook"),
]


@pytest.mark.parametrize("point", POINTS if every() else FIXED, ids=str)
def test_nothing_gets_out_of_a_registration(point: Point, stage: t.Callable[[Point], Registration]) -> None:
    here = stage(point)
    if point.end == "undone":
        code, output = here.run_unseen()
        assert code == 0, output
        here.state = "undone"
        here.write()
    code, output = here.run_unseen()
    if point.end.startswith("killed"):
        assert code == -9, output
        assert here.scripts
        return
    refused_early = point.runner == "check" and point.end == "statement"
    # A registration is read to be there, whatever the answer to it says.
    assert (code == 0) == (point.end in ("success", "immuta 500", "undone") or refused_early), output
    if point.end in ("sign-in", "statement", "immuta 422") and not refused_early:
        assert "********" in output
    if point.end in ("success", "statement", "not split") and point.runner != "check" and point.platform != "raw":
        assert here.scripts, output
    assert bool([*here.kept.glob("reports/*")]) is (point.runner != "check")
