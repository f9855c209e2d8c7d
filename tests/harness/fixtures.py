# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixtures that suites share, as a plugin of pytest: `tests/conftest.py` loads it.

What they need is imported when a test asks for it, since some suites run without the stand-ins' libraries.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
    from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
    from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
    from ansible_collections.community.immuta.tests.harness.inprocess import Modules, Tenant
    from ansible_collections.community.immuta.tests.harness.play import Player


@pytest.fixture
def immuta() -> t.Iterator[ImmutaDouble]:
    """A tenant with one Snowflake connection, among others."""
    from ansible_collections.community.immuta.tests.harness import servers

    with servers.immuta() as double:
        yield double


@pytest.fixture
def snowflake() -> t.Iterator[SnowflakeDouble]:
    """The Snowflake account on which Immuta was set up."""
    from ansible_collections.community.immuta.tests.harness import servers

    with servers.snowflake() as double:
        yield double


@pytest.fixture
def databricks() -> t.Iterator[DatabricksDouble]:
    """The Databricks workspace on which Immuta was set up."""
    from ansible_collections.community.immuta.tests.harness import servers

    with servers.databricks() as double:
        yield double


@pytest.fixture
def player(tmp_path: Path, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> Player:
    """Runs playbooks against the tenant and Snowflake."""
    from ansible_collections.community.immuta.tests.harness import play, servers

    return play.Player(tmp_path, immuta, snowflake.environment(servers.PASSWORD))


@pytest.fixture
def module() -> t.Iterator[Modules]:
    """Runs modules in this process; C(module.output) is all that they printed."""
    from ansible_collections.community.immuta.tests.harness import inprocess

    with inprocess.modules() as running:
        yield running


@pytest.fixture
def tenant(module: Modules, immuta: ImmutaDouble) -> t.Iterator[Tenant]:
    """A tenant, and the modules that talk to it."""
    from ansible_collections.community.immuta.tests.harness import inprocess, servers

    yield inprocess.Tenant(module, immuta, servers.API_KEY)
    assert servers.API_KEY not in module.output
