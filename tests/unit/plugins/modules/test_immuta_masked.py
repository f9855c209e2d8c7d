# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An edit loses nothing that Immuta tells without a word, and shows nothing that could be a secret."""

from __future__ import annotations

import inspect
import json
import typing as t

import pytest
from ansible.module_utils import basic

from ansible_collections.community.immuta.plugins.module_utils._immuta import credential
from ansible_collections.community.immuta.tests.harness.servers import KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Tenant

USER = "IMMUTA_SYSTEM_ACCOUNT"
PEM = "-----BEGIN PRIVATE KEY-----\nTHISISNOKEYBUTLOOKSLIKEONE0123\nCANARYCANARYCANARYCANARY567890\n-----END PRIVATE KEY-----\n"
KEY_PAIR = {"key_pair": {"username": USER, "private_key": PEM}}
PLACE = {"warehouse": "COMPUTE_WH", "role": "IMMUTA_SYSTEM", "database": "IMMUTA"}
NEW: dict[str, t.Any] = {
    "connection_key": "sales snowflake",
    "state": "present",
    "snowflake": {**PLACE, "host": "sales.snowflakecomputing.com", **KEY_PAIR},
    "wait_timeout": 60,
}
ROTATION: dict[str, t.Any] = {"connection_key": KEY, "snowflake": KEY_PAIR, "wait_timeout": 60}
LOST = {"before": "(not shown)", "after": "(not sent)"}


def telling(tenant: Tenant, about: dict[str, t.Any], config: dict[str, t.Any] | None = None) -> None:
    """Let Immuta tell more of a connection, and of the configuration of its integration."""
    one = tenant.double.state.connections[KEY]
    one.extra = {**one.extra, "username": USER, **about}
    tenant.double.state.integrations[5].config.update(config or {})


def sent(tenant: Tenant) -> list[t.Any]:
    return [one.body for one in tenant.double.requests if one.operation_id == "updateConnection"]


def test_what_is_told_is_sent_back_and_a_mask_needs_a_confirmation(tenant: Tenant) -> None:
    known = {"tokenLifetimeSeconds": 3600, "passwordPolicy": "strict", "accessKeyId": "AKIA123", "useToken": False}
    telling(tenant, {**known, "proxyPassword": "********", "pwd": "••••••••"})
    refused = tenant("connection_credentials", **ROTATION)
    assert refused.code == "confirmation_required"
    assert "changes proxyPassword from (not shown) to (not sent), pwd from (not shown) to (not sent)." in refused["msg"]
    assert "in the option connection" in refused["msg"]
    assert sent(tenant) == []
    planned = tenant("connection_credentials", check=True, **ROTATION).good
    assert planned["differing"] == ["proxyPassword", "pwd"]
    assert planned["differences"] == [{"field": name, **LOST} for name in ("proxyPassword", "pwd")]
    assert (planned["diff"]["before"]["pwd"], planned["diff"]["after"]["pwd"]) == ("(not shown)", "(not sent)")
    result = tenant("connection_credentials", confirm=KEY, **ROTATION).good
    assert result["differences"] == planned["differences"]
    (body,) = sent(tenant)
    assert {name: body["connection"].get(name) for name in known} == known
    assert not {"proxyPassword", "pwd"} & set(body["connection"])


def test_what_is_sent_back_or_given_needs_no_confirmation(tenant: Tenant) -> None:
    tenant.vary(update_request="with_integration")
    telling(
        tenant,
        {"tokenLifetimeSeconds": 3600, "proxyPassword": "********", "privateKeyPassword": "***", "password": ""},
        {"tokenLifetimeSeconds": 60, "secretScope": "immuta"},
    )
    result = tenant("connection_credentials", connection={"proxyPassword": "canary-proxy-91b0"}, **ROTATION).good
    assert result["differences"] == []
    body = sent(tenant)[-1]
    assert body["connection"]["tokenLifetimeSeconds"] == 3600
    assert body["connection"]["proxyPassword"] == "canary-proxy-91b0"
    config = body["nativeIntegration"]["config"]
    # The connection's own is no credential, and leaves the integration's alone.
    assert (config["tokenLifetimeSeconds"], config["secretScope"]) == (60, "immuta")
    assert not {"privateKeyPassword", "password"} & {*body["connection"], *config}


def test_a_mask_of_the_integration_and_one_within_needs_a_confirmation(tenant: Tenant) -> None:
    telling(
        tenant, {"proxies": [{"host": "a", "password": "***"}]}, {"sas": {"sharedToken": "<redacted>", "region": "x"}}
    )
    refused = tenant("connection_credentials", **ROTATION)
    assert refused.code == "confirmation_required"
    planned = tenant("connection_credentials", check=True, **ROTATION).good
    assert planned["differences"] == [
        {"field": name, **LOST} for name in ("nativeIntegration.config.sas.sharedToken", "proxies.0.password")
    ]


def test_a_mask_alone_is_no_reason_to_edit(tenant: Tenant) -> None:
    assert tenant("connection", **NEW).good["changed"] is True
    one = tenant.double.state.connections["sales snowflake"]
    one.extra = {**one.extra, "proxyPassword": "********", "pwd": "********"}
    assert tenant("connection", **NEW).good["changed"] is False
    assert tenant("connection", update_secrets="always", **NEW).code == "confirmation_required"


def test_a_mask_is_no_other_integration(tenant: Tenant) -> None:
    given = {**NEW, "native_integration": {"config": {"pwd": "former-secret-1234"}}}
    assert tenant("connection", **given).good["changed"] is True
    behind = tenant.double.state.integrations[max(tenant.double.state.integrations)]
    behind.config["pwd"] = "********"
    again = tenant("connection", **given).good
    assert (again["changed"], again["not_compared"]) == (False, ["nativeIntegration.config.pwd", "privateKey"])
    behind.config["pwd"] = "another-secret-77"
    assert "has another pwd than the one given" in tenant("connection", **given)["msg"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        *(("proxyPassword", one, True) for one in ("", "***", "••••", "xxxx", "<hidden>", "[REDACTED]", "ab****yz")),
        *(("proxyPassword", one, False) for one in ("strict", "a*b", 0, 3600, False, True)),
        *(("pwd", one, True) for one in ("***", "ab****yz")),
        *(("scope", one, False) for one in ("", "*", "xxxx", "hidden", None)),
        *(("proxySecret", one, True) for one in ({}, [], {"value": "***"}, {"value": None}, ["***"])),
        *(("proxySecret", one, False) for one in ({"days": 3}, ["strict"])),
        *(("proxy", one, False) for one in ({}, {"password": "***"}, ["***"])),
    ],
)
def test_masks(name: str, value: t.Any, expected: bool) -> None:
    assert credential.masked(name, value) is expected


# What could be a secret is not shown

# From 2.20 on, a module prints its options only if it is told to.
PRINTS = {"_ansible_inject_invocation": True} if "_ansible_inject_invocation" in inspect.getsource(basic) else {}
CANARIES = ("former-secret-1234", "newer-secret-5678", "hunter2", "73519284", "hunter3", "hunter4")


def test_a_field_that_is_not_documented_is_shown_nowhere(tenant: Tenant) -> None:
    given = {"pwd": CANARIES[0], "pin": CANARIES[2], "pin2": int(CANARIES[3]), "deep": {"pin": [CANARIES[2]]}}
    first = tenant("connection", **NEW, **PRINTS, connection=given).good
    assert first["invocation"]["module_args"]["connection"]["pin"] == "********"
    one = tenant.double.state.connections["sales snowflake"]
    one.extra = {**one.extra, "jdbcUri": "x:user=a;pwd=hunter3"}
    behind = tenant.double.state.integrations[max(tenant.double.state.integrations)]
    behind.config["sas"] = CANARIES[5]
    behind.config["warehouse"] = "OTHER_WH"
    for check in (True, False):
        result = tenant(
            "connection",
            check=check,
            update_secrets="always",
            confirm="sales snowflake",
            connection={**given, "pwd": CANARIES[1], "pin": "hunter4"},
            **NEW,
        ).good
        assert {"pwd", "pin"} <= {one["field"] for one in result["differences"]}
        before = result["diff"]["before"]
        assert (before["connection"]["pwd"], before["connection"]["jdbcUri"]) == ("(not shown)",) * 2
        assert before["nativeIntegration.config.warehouse"] == "OTHER_WH"
        assert before["connection"]["warehouse"] == "COMPUTE_WH"
    # Also not where Ansible prints the options.
    printed = tenant.modules.output + json.dumps(result)
    assert [canary for canary in CANARIES if canary in printed] == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("warehouse", "WH", True),
        ("port", 443, True),
        ("autoBootstrap", True, True),
        ("odd", None, True),
        ("odd", "x", False),
        ("odd", 1, False),
        ("impersonation", {"enabled": True, "role": "R"}, True),
        ("impersonation", {"enabled": True, "odd": "R"}, False),
        ("odd", {"port": 1, "deep": {"odd": 1}}, False),
        ("dataOwners", [{"name": "a"}], True),
        ("dataOwners", [{"pin": "a"}], False),
        ("odd", ["a"], False),
    ],
)
def test_what_may_be_shown(name: str, value: t.Any, expected: bool) -> None:
    assert credential.shown(name, value) is expected
