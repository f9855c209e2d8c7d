# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections as hosts of an inventory: names, groups, variables, filters, options, and what is kept."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption, MissingLibrary
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import ConfigurationError
from ansible_collections.community.immuta.plugins.plugin_utils import _inventory
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.harness.vaulted import vaulted

API_KEY = "canary-api-key-of-the-inventory-units"
ROW: dict[str, t.Any] = {
    "key": "prod snowflake",
    "technology": "Snowflake",
    "hostname": "example.snowflakecomputing.com",
    "port": 443,
    "state": "ACTIVE",
    "integration_id": 5,
    "integration_type": "Snowflake",
    "integration_status": "enabled",
}
KNOWN = {"plugin", "compose", "strict", *_inventory.argument_spec()}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMMUTA_URL", "IMMUTA_BASE_URL", "IMMUTA_HOST", "IMMUTA_API_KEY", "IMMUTA_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)


# Names


def test_two_connections_of_one_name_are_refused() -> None:
    assert _inventory.host_names([ROW]) == {"prod-snowflake-c676119c0f": ROW}
    with pytest.raises(Failure, match="same host name"):
        _inventory.host_names([ROW, dict(ROW)])


# Groups and variables


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ["technology_snowflake", "status_enabled", "state_active"]),
        (
            {"technology": "Azure Synapse", "state": "a-b.ü"},
            ["technology_azure_synapse", "status_enabled", "state_a_b__"],
        ),
        (
            {"technology": "", "integration_status": None, "state": None},
            ["technology_unknown", "status_unknown", "state_unknown"],
        ),
        ({"integration_status": "deleteError", "state": 5}, ["technology_snowflake", "status_deleteerror", "state_5"]),
    ],
)
def test_groups(change: dict[str, t.Any], expected: list[str]) -> None:
    assert _inventory.groups({**ROW, **change}) == ["immuta_connections", *(f"immuta_{name}" for name in expected)]


@pytest.mark.parametrize("key", ["prod snowflake", "{{ 1/0 }}", "{% raw %}", "{# x", "a {{ lookup('env', 'HOME') }}"])
def test_nothing_from_the_tenant_is_a_template(key: str) -> None:
    row = {**ROW, "key": key, "hostname": [key], "state": {"x": key}}
    found = _inventory.variables(row)
    found["ansible_python_interpreter"] = "/usr/bin/python3"
    assert Templar(loader=DataLoader()).template(found) == found
    assert (found["immuta_connection"], found["immuta_deregister_connection_key"]) == (row, key)
    assert found["ansible_connection"] == "local"


# Filters


def source(**filters: list[str]) -> _inventory.Source:
    return _inventory.Source(
        {"url": "https://x.example", "api_key": API_KEY, **{name: filters.get(name, []) for name in _inventory.FILTERS}}
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, True),
        ({"include_keys": ["prod *"]}, True),
        ({"include_keys": ["x", "prod snowflak?"]}, True),
        ({"include_keys": ["Prod *"]}, False),
        ({"include_keys": ["prod"]}, False),
        ({"exclude_keys": ["*flake"]}, False),
        ({"exclude_keys": ["PROD*"]}, True),
        ({"include_keys": ["*"], "exclude_keys": ["prod*"]}, False),
        ({"include_technologies": ["snowflake"]}, True),
        ({"include_technologies": ["Data*"]}, False),
        ({"exclude_technologies": ["SNOW*"]}, False),
        ({"include_statuses": ["ENABLED", "disabled"]}, True),
        ({"include_statuses": ["unknown"]}, False),
        ({"exclude_statuses": ["enabled"]}, False),
        ({"include_keys": ["prod*"], "include_technologies": ["Glue"]}, False),
    ],
)
def test_filters(filters: dict[str, list[str]], expected: bool) -> None:
    assert source(**filters).wants(ROW) is expected


@pytest.mark.parametrize("status", [None, "", "Unknown"])
def test_what_immuta_does_not_tell_is_unknown(status: str | None) -> None:
    row = {**ROW, "integration_status": status}
    assert source(include_statuses=["unknown"]).wants(row)
    assert not source(exclude_statuses=["unk*"]).wants(row)
    assert not source(include_statuses=["enabled"]).wants(row)


def test_asks_for_no_more_than_it_wants() -> None:
    with ImmutaDouble(State.example(api_key=API_KEY)) as immuta:
        one = source(include_technologies=["Snowflake", "Glue"], exclude_keys=["* lake *"])
        one.params.update(url=f"{immuta.url}/", auth_scheme="api_key", exchange_api_key=False, validate_certs=True)
        one.params.update(ca_path=None, client_cert=None, client_key=None, timeout=5.0, total_timeout=9.0, retries=0)
        assert one.ask() == [ROW]
        assert [request.operation_id for request in immuta.requests] == [
            *("searchObjects", "listIntegrations", "getConnection")
        ]
        # What it depends on holds no secret, and the same address twice is the same.
        assert one.question["url"] == immuta.url
        assert API_KEY not in repr(one.question)


def test_an_answer_is_kept_for_the_same_question() -> None:
    question = {"format": 1, "url": "https://x.example", "include_keys": []}
    answer = {"question": question, "connections": [ROW]}
    assert _inventory.kept(answer, dict(question)) == [ROW]
    for strange in (
        None,
        [],
        {},
        {**answer, "connections": None},
        {"question": {**question, "url": "https://y.example"}},
    ):
        assert _inventory.kept(strange, question) is None
    assert _inventory.kept(answer, {**question, "include_keys": ["a"]}) is None


# Options


def checked(template: t.Callable[[t.Any], t.Any] = lambda value: value, **options: t.Any) -> dict[str, t.Any]:
    return _inventory.checked({"plugin": "x", **options}, KNOWN, template)


def test_options_are_those_of_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMMUTA_HOST", "https://last.example")
    monkeypatch.setenv("IMMUTA_URL", "https://first.example")
    monkeypatch.setenv("IMMUTA_API_TOKEN", API_KEY)
    found = checked(api_key="", timeout="5", include_keys=["a, b", "7"], exclude_keys="", compose={"a": "b"})
    assert (found["url"], found["api_key"]) == ("https://first.example", API_KEY)
    assert (found["timeout"], found["retries"], found["ca_path"]) == (5.0, 4, None)
    assert (found["include_keys"], found["exclude_keys"], found["include_statuses"]) == (["a, b", "7"], [], [])
    assert found["compose"] == {"a": "b"}


def test_a_pattern_may_be_vaulted_in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = vaulted("prod *", monkeypatch)
    assert checked(exclude_keys=[pattern, "1.10"])["exclude_keys"] == ["prod *", "1.10"]


def test_options_are_templates_but_those_of_construction() -> None:
    values = {"{{ u }}": "https://x.example", "{{ t }}": 7}
    found = checked(values.__getitem__, url="{{ u }}", timeout="{{ t }}", compose="{{ u }}")
    assert (found["url"], found["timeout"], found["compose"]) == ("https://x.example", 7.0, "{{ u }}")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"include_key": []}, "Did you mean include_keys?"),
        ({"nothing_like_it": 1}, "no option nothing_like_it"),
        ({"validate_certs": "ture"}, "validate_certs"),
        ({"timeout": "soon"}, "timeout"),
        ({"auth_scheme": "basic"}, "auth_scheme"),
        ({"include_keys": {"a": 1}}, "include_keys must be a list"),
        ({"exclude_keys": "a, b"}, "exclude_keys must be a list"),
        ({"exclude_keys": [{"a": "b"}]}, "exclude_keys holds a dictionary ({'a': 'b'}), not text. Put it in quotes"),
        ({"exclude_keys": ["a", None]}, "exclude_keys holds nothing, not text"),
        ({"exclude_keys": [1.10, True]}, "exclude_keys holds a number (1.1), not text. Put it in quotes"),
        ({"exclude_keys": ["a", True]}, "exclude_keys holds true or false (True)"),
        ({"include_keys": [83]}, "include_keys holds a number (83)"),
        ({"include_keys": [datetime.date(2026, 1, 31)]}, "include_keys holds a date (2026-01-31)"),
        ({"include_technologies": [1]}, "include_technologies holds a number (1)"),
        ({"exclude_statuses": [False]}, "exclude_statuses holds true or false (False)"),
        ({"url": 5}, "url is a number (5), not text"),
        ({"api_key": 12345678}, "api_key is a number, not text"),
    ],
)
def test_names_the_option(options: dict[str, t.Any], named: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        checked(**options)
    assert named in str(caught.value)


def test_a_template_that_is_none_is_named_but_not_shown() -> None:
    def template(value: str) -> str:
        raise AnsibleError(f"template error, String: {value}")

    with pytest.raises(InvalidOption) as caught:
        checked(template, api_key=f"{API_KEY}{{{{")
    assert "api_key" in _inventory.explained(caught.value)
    assert API_KEY not in _inventory.explained(caught.value)


@pytest.mark.parametrize(("option", "variable"), [("url", "IMMUTA_URL"), ("api_key", "IMMUTA_API_KEY")])
def test_says_where_to_set_what_is_missing(option: str, variable: str) -> None:
    one = source()
    one.params[option] = None
    with pytest.raises(ConfigurationError) as caught:
        assert one.question
    assert str(caught.value) == f"The option {option} is missing. Set it in the inventory source or in {variable}."


# Errors


def test_explains_without_secrets() -> None:
    _redact.add([API_KEY])
    assert _inventory.explained(Failure(f"a {API_KEY} b", hint="c.")) == "a ******** b. c."
    assert _inventory.explained(AnsibleParserError(f"a {API_KEY}")) == "a ********"
    assert "requests" in _inventory.explained(MissingLibrary("requests", reason="for x"))
    with pytest.raises(KeyError) as caught:
        raise KeyError("what nobody expected")
    told = _inventory.explained(caught.value)
    assert "Unexpected KeyError (test_inventory.py, line " in told
    assert "nobody" not in told
