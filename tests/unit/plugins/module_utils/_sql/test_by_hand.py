# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person does without a script: each platform's own objects, by the names that are known or documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import by_hand

GUIDE = Path(__file__).parents[5] / "docs" / "docsite" / "rst" / "guide_lost_script.rst"
HOST = "example.snowflakecomputing.com"


@pytest.mark.parametrize(
    ("technology", "made", "host", "names"),
    [
        (
            "Snowflake",
            {"database": "GOV"},
            HOST,
            [HOST, "GOV ", "GOV_SYSTEM_ACCOUNT,", "GOV.", "GOV_IMPERSONATION,", "GOV_SYSTEM last"],
        ),
        (
            "Snowflake",
            {},
            None,
            [
                "On Snowflake,",
                "IMMUTA (or the",
                "IMMUTA_SYSTEM_ACCOUNT,",
                "IMMUTA (or",
                "IMMUTA_USER_",
                "IMMUTA_SYSTEM last",
            ],
        ),
        (
            "Snowflake",
            {"database": "GOV", "role": "R", "user": "U", "impersonation_role": "I"},
            HOST,
            ["ACCOUNTADMIN", "GOV", "user U,", "GOV", "and I,", "role R last"],
        ),
        (
            "databricks",
            {"catalog": "gov"},
            "h",
            ["On Databricks (h)", "catalog gov:", "Immuta's service", "gov (ALTER", "Immuta's"],
        ),
        (
            "Databricks",
            {"principal": "p-1"},
            None,
            ["administrator", "immuta (or", "principal p-1:", "CASCADE", "principal p-1 "],
        ),
    ],
)
def test_the_steps_in_their_order(technology: str, made: dict[str, str], host: str | None, names: list[str]) -> None:
    steps = by_hand.steps(technology, made, host)
    assert [name for name, step in zip(names, steps, strict=True) if name not in step] == []
    assert [step[:3] for step in steps[1:]] == [f"({number})" for number in range(1, len(steps))]
    assert not any("{" in step or "}" in step for step in steps)


@pytest.mark.parametrize("technology", [None, "", "Oracle"])
def test_both_platforms_where_it_is_not_known(technology: str | None) -> None:
    steps = by_hand.steps(technology, {}, None)
    assert [step.partition(",")[0] for step in steps if step.startswith("On ")] == ["On Snowflake", "On Databricks"]


@pytest.mark.parametrize(
    ("technology", "made"), [("Snowflake", {"database": "IMMUTA"}), ("Databricks", {"catalog": "immuta"})]
)
def test_the_guide_has_the_same_steps(technology: str, made: dict[str, str]) -> None:
    guide = " ".join(GUIDE.read_text(encoding="utf-8").replace("``", "").split())
    assert [step for step in by_hand.steps(technology, made, None) if step not in guide] == []
