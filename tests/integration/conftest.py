# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has the modules of most plays forked where FORKED_MODULES=1 asks for it, which takes half of the time."""

from __future__ import annotations

import os

import pytest

from ansible_collections.community.immuta.tests.harness.forkserver import interpreter
from ansible_collections.community.immuta.tests.harness.play import Player

# Its modules run as Ansible's payload in processes of their own, as do those of killed plays, and all on other ansible-cores.
WHOLE = "test_pipelines"


@pytest.fixture
def player(player: Player, request: pytest.FixtureRequest) -> Player:
    """Runs playbooks against the tenant and Snowflake."""
    if os.environ.get("FORKED_MODULES") and request.path.stem != WHOLE:
        player.interpreter = interpreter()
    return player
