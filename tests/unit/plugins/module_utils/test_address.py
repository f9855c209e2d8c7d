# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses are found by what the names of their fields mean, and none of them may hold a password."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import credential

SECRET = "Zq7hiddenPw91x"
URL = f"https://joe:{SECRET}@h/"
NAMES = (
    "host",
    "hostname",
    "workspaceUrl",
    "url",
    "authorityUrl",
    "authority_url",
    "proxyUrl",
    "expected_hosts",
    "account",
)
FIELDS: list[dict[str, t.Any]] = [*({name: URL} for name in NAMES), {"config": {"host": [URL]}}, {"a": [{"url": URL}]}]


@pytest.mark.parametrize("raw", FIELDS, ids=str)
def test_no_field_with_an_address_may_hold_a_password(raw: dict[str, t.Any]) -> None:
    with pytest.raises(InvalidOption, match="contains a user name or a password") as caught:
        credential.require_fit(raw, "native_integration")
    assert SECRET not in f"{caught.value} {caught.value.hint}"
    assert SECRET in _redact.add_options({"native_integration": raw}, ())
    assert SECRET not in _redact.redact_message(f"cut out: {SECRET}")


@pytest.mark.parametrize("raw", [{"username": "joe@example.com"}, {"serviceAccount": "a@b"}, {"port": 1}], ids=str)
def test_other_fields_may_have_an_at_sign(raw: dict[str, t.Any]) -> None:
    credential.require_fit(raw, "connection")


@pytest.mark.parametrize("option", ["snowflake", "databricks"])
def test_the_address_of_a_credential(option: str) -> None:
    params = {"snowflake": None, "databricks": None, "connection": None, option: {"oauth_m2m": {"authority_url": URL}}}
    with pytest.raises(InvalidOption, match=f"option {option}.oauth_m2m.authority_url contains"):
        credential.read(params)
