# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a removal takes is decided by a pure function; its plan has a digest that means something."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import (
    Connection,
    similar_keys,
    technology_has_script,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.removal import decide_absent

TENANT = "https://tenant.example"
SNOWFLAKE = Connection("prod", "Snowflake", "host.example", 443, "ACTIVE", 5)


def test_nothing_to_do_for_a_connection_that_does_not_exist() -> None:
    plan = decide_absent(TENANT, None)
    assert not plan.changed
    assert plan.as_dict()["steps"] == []
    assert plan.as_dict()["irreversible"] is False


def test_deletes_the_connection_and_names_what_goes_with_it() -> None:
    plan = decide_absent(TENANT, SNOWFLAKE)
    assert plan.changed
    assert [(step["action"], step["target"]) for step in plan.steps] == [
        ("delete_connection", "prod"),
        ("remove_integration", 5),
    ]
    assert plan.as_dict()["irreversible"] is True


def test_names_no_integration_where_none_is_known() -> None:
    plan = decide_absent(TENANT, dataclasses.replace(SNOWFLAKE, integration_id=None))
    assert [step["action"] for step in plan.steps] == ["delete_connection"]


@pytest.mark.parametrize(
    "change",
    [
        {"key": "prod2"},
        {"technology": "Databricks"},
        {"hostname": "other.example"},
        {"port": 444},
        {"integration_id": 6},
        {"integration_id": None},
    ],
)
def test_digest_changes_with_everything_that_matters(change: dict[str, object]) -> None:
    other = dataclasses.replace(SNOWFLAKE, **change)  # type: ignore[arg-type]
    assert decide_absent(TENANT, other).digest != decide_absent(TENANT, SNOWFLAKE).digest


def test_digest_changes_with_the_tenant() -> None:
    assert decide_absent("https://other.example", SNOWFLAKE).digest != decide_absent(TENANT, SNOWFLAKE).digest


def test_digest_ignores_what_does_not_matter() -> None:
    crawled = dataclasses.replace(SNOWFLAKE, state="INACTIVE", listed_only=True)
    assert decide_absent(TENANT, crawled).digest == decide_absent(TENANT, SNOWFLAKE).digest


@pytest.mark.parametrize(("technology", "expected"), [("Snowflake", True), ("Glue", False), ("glue", False)])
def test_lake_formation_has_no_script(technology: str, expected: bool) -> None:
    assert technology_has_script(technology) is expected


def test_suggests_keys_that_may_be_meant() -> None:
    known = [Connection(key, "Snowflake") for key in ("prod snowflake", "PROD SNOWFLAKE", "finance", "dev snowflake")]
    assert "prod snowflake" in similar_keys("prod snowflke", known)
    assert "PROD SNOWFLAKE" in similar_keys("prod snowflake ", known)
    assert "finance" not in similar_keys("prod snowflke", known)
