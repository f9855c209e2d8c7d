# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in variables that are no place for one."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils import _misplaced
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

SECRET = "canary-x7Qm2"
PEM = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIcanary\n-----END ENCRYPTED PRIVATE KEY-----"
ENVIRONMENT = {
    "SNOWFLAKE_PASSWORD": SECRET,
    "IMMUTA_API_KEY": "canary-api-key",
    "SNOWFLAKE_USER": "DEPLOYER",
    "DATABRICKS_TOKEN": "short",
    "SNOWFLAKE_TOKEN": "immuta_deregister_reason",
    "OTHER_PASSWORD": "canary-of-others",
}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"reason": f"with {SECRET}"}, "reason holds the value of SNOWFLAKE_PASSWORD"),
        ({"skip": [{"sha256": "canary-api-key"}]}, "skip.sha256 holds the value of IMMUTA_API_KEY"),
        (
            {"snowflake": {"key_pair": {"private_key_file": PEM}}},
            "snowflake.key_pair.private_key_file holds a private key",
        ),
        ({"confirm": PEM.replace("ENCRYPTED ", "")}, "confirm holds a private key"),
        ({"snowflake": {"key_pair": {"private_key": PEM}, "password": SECRET}}, ""),
        ({"connection": {"privateKey": {"content": PEM}}}, ""),
        ({"reason": "DEPLOYER, short, canary-of-others", "port": 443, "skip": None}, ""),
    ],
)
def test_a_secret_has_its_place(given: dict[str, t.Any], told: str) -> None:
    if not told:
        _misplaced.require_none(given, ENVIRONMENT)
        return
    with pytest.raises(Refused) as refused:
        _misplaced.require_none(given, ENVIRONMENT)
    assert told in str(refused.value)
    assert "canary" not in str(refused.value)
