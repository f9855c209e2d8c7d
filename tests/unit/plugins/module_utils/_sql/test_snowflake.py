# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options become arguments of Snowflake's client, in every way to sign in, or are refused."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql import snowflake

NOTHING: dict[str, t.Any] = {name: about.get("default") for name, about in snowflake.argument_spec().items()}
USER = {**NOTHING, "account": "a", "user": "u"}
TIMES = {"login_timeout": 60, "network_timeout": 1200, "application": "community_immuta", "autocommit": True}
PASSWORD, TOKEN = "a-password-of-the-tests", "a-token-of-the-tests"


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is to be redacted, and an environment without Snowflake."""
    monkeypatch.delenv(snowflake.DEFAULT_CONNECTION, raising=False)
    found: list[str] = []
    monkeypatch.setattr(_redact, "add", found.extend)
    return found


def arguments(**params: t.Any) -> dict[str, t.Any]:
    """What depends on the options; the rest is the same for all."""
    found = snowflake.connect_arguments({**USER, **params}, "tag")
    assert found.pop("session_parameters")["QUERY_TAG"] == "tag"
    assert {name: found.pop(name) for name in TIMES} == TIMES
    return found


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"password": PASSWORD}, {"password": PASSWORD}),
        ({"password": PASSWORD, "authenticator": "snowflake"}, {"password": PASSWORD}),
        ({"token": TOKEN}, {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": TOKEN}),
        (
            {"token": f" {TOKEN}\n"},
            {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": TOKEN},
        ),
        ({"token": TOKEN, "authenticator": "oauth"}, {"authenticator": "OAUTH", "token": TOKEN}),
        ({"authenticator": "workload_identity"}, {"authenticator": "workload_identity"}),
        ({"password": PASSWORD, "role": "r", "port": 1}, {"password": PASSWORD, "role": "r", "port": 1}),
    ],
)
def test_ways_to_sign_in(params: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    assert arguments(**params) == {"account": "a", "user": "u", **expected}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"account": " org-a\n"}, {"account": "org-a"}),
        ({"account": "org-a.snowflakecomputing.com"}, {"account": "org-a"}),
        ({"account": "https://Org-A.SnowflakeComputing.com/"}, {"account": "Org-A"}),
        ({"account": "https://x.us-east-1.snowflakecomputing.com:443/"}, {"account": "x.us-east-1"}),
        ({"account": "org-a.privatelink.snowflakecomputing.com"}, {"account": "org-a.privatelink"}),
        ({"account": "x.us-east-1.privatelink"}, {"account": "x.us-east-1.privatelink"}),
        (
            {"account": "org-a.snowflakecomputing.cn"},
            {"account": "org-a", "host": "org-a.snowflakecomputing.cn"},
        ),
        ({"host": " https://h.example/\n"}, {"account": "a", "host": "h.example"}),
        ({"host": "127.0.0.1"}, {"account": "a", "host": "127.0.0.1"}),
        ({"host": " "}, {"account": "a"}),
    ],
)
def test_accounts_and_hosts(params: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    assert arguments(**params, password=PASSWORD) == {"user": "u", "password": PASSWORD, **expected}


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("account", "https://app.snowflake.com/org/a", "which is not a valid account identifier"),
        ("account", "https://[::1", "which is not a valid account identifier"),
        ("account", "org a", "which is not a valid account identifier"),
        ("account", "\n", "The option account is missing."),
        ("account", "u:canary@org-a", "The option account contains a user name or a password"),
        ("host", "[::1", "which is not a valid host name"),
        ("host", "[:::::]", "which is not a valid host name"),
        ("host", "h.example/x", "which is not a valid host name"),
        ("host", "u:p@canary@h.example", "The option host contains a user name or a password"),
    ],
)
def test_refuses_accounts_and_hosts(option: str, value: str, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        arguments(**{option: value}, password=PASSWORD)
    assert message in caught.value.message
    assert "canary" not in str(caught.value)


def test_a_token_in_a_file_is_redacted(tmp_path: Path, secrets: list[str]) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert arguments(token_file_path=str(tmp_path / "token"))["token"] == TOKEN
    assert secrets == [TOKEN]


def test_oauth_needs_no_user() -> None:
    assert arguments(token=TOKEN, authenticator="OAUTH", user=None)["authenticator"] == "OAUTH"


def test_named_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    assert arguments(account=None, user=None, connection_name="n") == {"connection_name": "n"}
    assert arguments(connection_name="n", password=PASSWORD, user=None) == {
        **{"account": "a", "connection_name": "n", "password": PASSWORD}
    }
    monkeypatch.setenv(snowflake.DEFAULT_CONNECTION, "d")
    assert arguments(account=None, user=None) == {"connection_name": "d"}
    assert "connection_name" not in arguments(password=PASSWORD)
    assert arguments(account=None, user=None, connections_file_path="/c")["connections_file_path"] == Path("/c")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"account": None}, "The option account is missing."),
        ({"user": None, "password": PASSWORD}, "The option user is missing."),
        ({}, "No credentials for Snowflake"),
        ({"authenticator": "externalbrowser"}, "authenticator is EXTERNALBROWSER, which needs a person"),
        ({"authenticator": "snowflake_jwt"}, "The option private_key_file is missing."),
        ({"authenticator": "oauth"}, "The option token is missing."),
        ({"private_key": "k", "private_key_file": "f"}, "Both private_key and private_key_file are set."),
        ({"private_key": "no key"}, "The key of the option private_key can't be read."),
        ({"private_key_file": "/none"}, "The file /none of the option private_key_file can't be read"),
        ({"password": PASSWORD, "statement_timeout": 0}, "The option statement_timeout must be more than 0 seconds."),
    ],
)
def test_refuses(params: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        arguments(**params)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("status", "state"),
    [("SUCCESS", "done"), ("FAILED_WITH_ERROR", "failed"), ("RUNNING", "running"), ("X", "running")],
)
def test_states_of_the_history(status: str, state: str) -> None:
    assert snowflake._state_of(status) == state


@pytest.mark.parametrize(
    ("message", "attached"),
    [
        ("Policy 'P' used by schema 'S' in another database", True),
        ("policy  'P.Q'\n used by  schema \"S\"\nin another database", True),
        ("Policy P used by schema S", False),
    ],
)
def test_knows_policies_that_are_still_attached(message: str, attached: bool) -> None:
    assert bool(snowflake.STILL_ATTACHED.search(message)) is attached
