# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_integration_info, in this process."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._context import Context
from ansible_collections.community.immuta.plugins.module_utils._work import integration
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import World


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({}, [5, 7, 9]),
        ({"integration_id": 7}, [7]),
        ({"integration_id": 8}, []),
        ({"integration_id": 7, "type": "snowflake"}, []),
        ({"type": "SNOWFLAKE"}, [5]),
        ({"status": ["deleted"]}, []),
    ],
)
def test_informs(world: World, params: dict[str, t.Any], ids: list[int]) -> None:
    unset = dict.fromkeys(("integration_id", "type", "host", "status"))
    outcome = integration.info(Context({**unset, **params}, True, world.warnings.append))
    assert (outcome.changed, outcome.diff, world.warnings) == (False, None, [])
    assert [found["id"] for found in outcome.result["integrations"]] == ids
