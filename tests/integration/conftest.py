# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the real `ansible-playbook` against the stand-in servers."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests import rehearsal, sampling
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble
from ansible_collections.community.immuta.tests.playing import API_KEY, KEY, Player

# Strings that occur nowhere else, so that in any output they are a leak.
PASSWORD = "canary-password-77ae20"
TOKEN = "canary-token-10be93"
SECRET = "canary-client-secret-c4d2"
# How many tests have their plays rehearsed, when REHEARSE is set and not all points are tried.
REHEARSED = 1
# The main job on each platform, no secret anywhere, and what each ansible-core takes for a template in its own way.
ALWAYS = (
    *("test_takes_the_connection_out_of_service_whole", "test_no_secret_in_any_output", "test_shows_no_secret"),
    "test_any_key_on_any_page_is_a_host_and_no_template",
    "test_a_report_says_what_happened",
)
unneeded: list[str] = []


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the tests that are run, and those whose plays are rehearsed, of those that were asked for."""
    sampling.keep_some_tests(config, items, "integration", ALWAYS)
    playing = [item.nodeid for item in items if "player" in getattr(item, "fixturenames", ())]
    rehearsal.choose("integration", playing, REHEARSED)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail when all plays were rehearsed, and something was excused that never came up."""
    options = session.config.option
    whole = (
        os.environ.get(sampling.EVERY_POINT) and not options.keyword and session.config.args == ["tests/integration"]
    )
    if os.environ.get(rehearsal.REHEARSE):
        unneeded.extend(one.reason for one in rehearsal.EXCEPTIONS if not one.used)
        if whole and unneeded and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was excused and never came up."""
    for reason in unneeded:
        terminalreporter.write_line(f"not needed by what was rehearsed: {reason}")


@pytest.fixture
def immuta() -> t.Iterator[ImmutaDouble]:
    """A tenant with one Snowflake connection, among others."""
    with ImmutaDouble(State.example(KEY, api_key=API_KEY)) as double:
        yield double
        assert not double.violations, double.violations


@pytest.fixture
def snowflake() -> t.Iterator[SnowflakeDouble]:
    """The Snowflake account on which Immuta was set up."""
    with SnowflakeDouble(Account.example(password=PASSWORD)) as double:
        yield double


@pytest.fixture
def databricks() -> t.Iterator[DatabricksDouble]:
    """The Databricks workspace on which Immuta was set up."""
    with DatabricksDouble(Metastore.example(token=TOKEN, secret=SECRET)) as double:
        yield double


@pytest.fixture
def player(tmp_path: Path, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> Player:
    """Runs playbooks against both."""
    return Player(tmp_path, immuta, snowflake.environment(PASSWORD))
