# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make live` does on the stand-ins what it says that it does on a real tenant and platform."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.doubles.probed import Probe, state_of
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY, LAKE, PASSWORD
from ansible_collections.community.immuta.tests.live import live, test_live

OWN = ("IMMUTA_", "SNOWFLAKE_", "DATABRICKS_")
COMPLETE = {
    "IMMUTA_URL": "https://example.hosted.immutacloud.com",
    "IMMUTA_API_KEY": "x",
    "SNOWFLAKE_ACCOUNT": "example",
    live.KEY: KEY,
    live.AGAIN: KEY,
}


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("IMMUTA_URL", "Set IMMUTA_URL "),
        ("IMMUTA_API_KEY", "Set IMMUTA_API_KEY "),
        ("SNOWFLAKE_ACCOUNT", "Set SNOWFLAKE_ACCOUNT or DATABRICKS_HOST"),
        (live.KEY, f"Set {live.KEY} "),
        (live.AGAIN, f"Set {live.AGAIN} "),
    ],
)
def test_what_is_missing_is_said(missing: str, sentence: str) -> None:
    assert live.complaints(COMPLETE) == []
    for value in ("", None):
        environ = {name: one for name, one in {**COMPLETE, missing: value}.items() if one is not None}
        (found,) = live.complaints(environ)
        assert found.startswith(sentence)
    assert len(live.complaints({})) == len(COMPLETE)


def test_two_names_for_the_connection_are_refused() -> None:
    (found,) = live.complaints({**COMPLETE, live.AGAIN: LAKE})
    assert "two different connections" in found


def test_nothing_is_done_when_something_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, value in {**COMPLETE, live.FOLDER: str(tmp_path), live.AGAIN: LAKE}.items():
        monkeypatch.setenv(name, value)
    # Neither by those who say first what they will do, nor by the suite itself.
    for end, go in ((SystemExit, live.main), (pytest.exit.Exception, test_live.Live)):
        with pytest.raises(end, match=r"Nothing was done.\n.*two different connections"):
            go()
    assert capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == []


def test_it_does_what_it_says(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    immuta: ImmutaDouble,
    snowflake: SnowflakeDouble,
    tmp_path: Path,
) -> None:
    for name in [one for one in os.environ if one.startswith((*OWN, "LIVE_"))]:
        monkeypatch.delenv(name)
    known = {
        **snowflake.environment(PASSWORD),
        "SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true",
        "IMMUTA_URL": immuta.url,
        "IMMUTA_API_KEY": API_KEY,
        "IMMUTA_ALLOW_HTTP": "true",
        "HOME": str(tmp_path),
        live.FOLDER: str(tmp_path / "live"),
        live.KEY: KEY,
        live.AGAIN: KEY,
    }
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    live.main()
    assert f"The connection '{KEY}' of the tenant {immuta.url} will be removed" in capsys.readouterr().out
    assert (immuta.requests, snowflake.statements) == ([], [])
    site = test_live.Live()
    assert {API_KEY, PASSWORD} <= {*site.secrets}
    # As pytest runs them: in the order of the file.
    steps = [one for name, one in vars(test_live).items() if name.startswith("test_")]
    assert len(steps) == 5
    for step in steps:
        assert KEY in immuta.state.connections or step in steps[-1:]
        step(site)
    assert KEY not in immuta.state.connections
    probe = tmp_path / "live" / "immuta-probe.json"
    assert probe.stat().st_mode & 0o777 == 0o600
    assert KEY not in probe.read_text()
    assert KEY in state_of(Probe(json.loads(probe.read_text())), State.example(KEY)).connections
    assert not snowflake.account.exists("DATABASE", "IMMUTA")
