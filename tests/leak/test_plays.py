# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole plays of the role that removes: whatever they print, log, cache, and leave in files, while processes are watched."""

from __future__ import annotations

import itertools
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.points import spread
from ansible_collections.community.immuta.tests.leak.canaries import SCRIPT, literal
from ansible_collections.community.immuta.tests.leak.stage import SAID, Point, Stage, repeated

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.leak.conftest import EchoingImmuta

PLATFORMS = ("snowflake", "databricks")
ENDS = ("success", "sign-in", "statement", "immuta 401", "immuta 500", "not split")
POINTS = [
    Point(platform, way, end, runner)
    for platform, way, end, runner in itertools.product(
        PLATFORMS,
        ("options", "environment", "vault"),
        ENDS,
        ("playbook", "check", "ansible-runner"),
    )
    # What the way of giving them changes is the same at every end.
    if way == "environment" or end in ("success", "statement")
]
KILLED = [
    Point(platform, way, f"killed {when}", "playbook")
    for platform, way, when in itertools.product(PLATFORMS, ("options", "environment"), ("saved", "sent", "running"))
]


class Removal(Stage):
    """A connection that is removed."""

    def prepare(self) -> str:
        """Put a secret into the clean-up script."""
        point, immuta = self.point, self.immuta
        integration = immuta.state.integrations[5 if point.platform == "snowflake" else 7]
        before = "USE ROLE ACCOUNTADMIN;\n"
        statement = f"ALTER USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT SET PASSWORD = {literal(SCRIPT)};"
        if point.platform == "databricks":
            before = "DECLARE OR REPLACE VARIABLE password STRING;\n"
            statement = f"SET VAR password = {literal(SCRIPT, 'escaped')};"
        open_quote = "\nDROP DATABASE 'open;" if point.end == "not split" else ""
        integration.script = f"{before}{statement}\n{integration.script}{open_quote}"
        if point.end.startswith("immuta"):
            immuta.method = "GET" if point.end.endswith("401") else "DELETE"
            immuta.echo = repeated(int(point.end[-3:]), SAID)
        return statement


@pytest.mark.parametrize("point", spread(POINTS, 1), ids=str)
def test_nothing_gets_out_of_a_play(
    point: Point,
    tmp_path: Path,
    immuta: EchoingImmuta,
    snowflake: SnowflakeDouble,
    databricks: DatabricksDouble,
) -> None:
    stage = Removal(point, tmp_path, immuta, snowflake, databricks)
    code, output = stage.run_unseen()
    # That the play came as far as it should, so that there was something to leak.
    refused_early = point.runner == "check" and point.end == "statement"
    # The deletion is done, and read to be done, whatever the answer to it says.
    assert (code == 0) == (point.end in ("success", "immuta 500") or refused_early), output
    if point.end not in ("success", "immuta 500", "not split") and not refused_early:
        assert "********" in output
    if not refused_early and point.end in ("success", "statement", "not split") and point.runner != "check":
        assert stage.scripts, output
    assert len(list(stage.kept.glob("reports/*"))) == (0 if point.runner == "check" else 2)


@pytest.mark.parametrize("point", spread(KILLED, 1), ids=str)
def test_nothing_gets_out_of_a_play_that_is_killed(
    point: Point,
    tmp_path: Path,
    immuta: EchoingImmuta,
    snowflake: SnowflakeDouble,
    databricks: DatabricksDouble,
) -> None:
    stage = Removal(point, tmp_path, immuta, snowflake, databricks)
    code, output = stage.run_unseen()
    assert code == -9, output
    assert stage.scripts
