# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables that hold an address with a password are refused when they are read, by every role and playbook."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils import _variables
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import settings as removal
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused
from ansible_collections.community.immuta.plugins.plugin_utils._registration import settings as registration

SECRET = "Sup3rSecretPw99"
BAD = f"joe:{SECRET}@h"
URL = f"https://joe:{SECRET}@h/"
SKIPPED = {"statement": 1, "sha256": "a", "reason": "b"}
REMOVAL: list[tuple[str, t.Any, str]] = [
    ("platform_host", BAD, "platform_host"),
    ("platform_host", URL, "platform_host"),
    ("platform_host", f"joe:{SECRET}%40h", "platform_host"),
    ("integration_config", {"host": BAD}, "integration_config.host"),
    ("integration_config", json.dumps({"workspaceUrl": URL}), "integration_config.workspaceUrl"),
]
REGISTRATION: list[tuple[str, t.Any, str]] = [
    ("snowflake", {"host": BAD}, "snowflake.host"),
    ("snowflake", json.dumps({"host": BAD}), "snowflake.host"),
    ("databricks", {"oauth_m2m": {"authority_url": URL}}, "databricks.oauth_m2m.authority_url"),
    ("connection", {"hostname": URL}, "connection.hostname"),
    ("native_integration", {"config": {"host": BAD}}, "native_integration.config.host"),
    ("native_integration", {"config": [{"proxyUrl": URL}]}, "native_integration.config.proxyUrl"),
]
ROWS = [(removal, *row) for row in REMOVAL] + [(registration, *row) for row in REGISTRATION]


@pytest.mark.parametrize(("role", "variable", "value", "named"), ROWS)
def test_an_address_with_a_password_goes_no_further(role: t.Any, variable: str, value: t.Any, named: str) -> None:
    given = {f"{role.PREFIX}connection_key": "k", f"{role.PREFIX}{variable}": value}
    with pytest.raises(Refused) as caught:
        role.read(given, role.options(), host="h")
    assert str(caught.value).startswith(f"{role.PREFIX}{named} contains a user name or a password (it has an @)")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "value", [SECRET, [SECRET], {"statement": 1}, [{"statement": 1, "reason": SECRET}], [{"statment": 1, **SKIPPED}]]
)
def test_a_list_of_dictionaries_is_one(value: t.Any) -> None:
    with pytest.raises(Refused) as caught:
        removal.read(
            {"immuta_deregister_connection_key": "k", "immuta_deregister_skip": value}, removal.options(), host="h"
        )
    assert str(caught.value) == (
        "immuta_deregister_skip must be a list of dictionaries, each with reason, sha256, statement and nothing else."
    )


FINE: list[tuple[str, t.Any]] = [
    ("script_host", "ansible@10.0.0.1"),
    ("reason", "asked by joe@example.com"),
    ("integration_config", {"host": "h", "user": "joe@example.com"}),
]


@pytest.mark.parametrize(("variable", "value"), FINE)
def test_an_at_sign_elsewhere_is_fine(variable: str, value: t.Any) -> None:
    _variables.require_no_user_info({f"{removal.PREFIX}{variable}": value}, removal.PREFIX)
