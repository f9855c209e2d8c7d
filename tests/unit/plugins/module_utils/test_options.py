# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options come from the environment where they are not set, and times are longer than nothing."""

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.basic import AnsibleFallbackNotFound

from ansible_collections.community.immuta.plugins.module_utils import _options
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import ConfigurationError
from ansible_collections.community.immuta.tests.harness.vaulted import vaulted


def test_the_first_variable_that_is_set_and_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_OF_TEST", "")
    monkeypatch.setenv("SECOND_OF_TEST", "2")
    monkeypatch.setenv("THIRD_OF_TEST", "3")
    assert _options.first_of_environment("NONE_OF_TEST", "FIRST_OF_TEST", "SECOND_OF_TEST", "THIRD_OF_TEST") == "2"
    with pytest.raises(AnsibleFallbackNotFound):
        _options.first_of_environment("NONE_OF_TEST", "FIRST_OF_TEST")
    with pytest.raises(AnsibleFallbackNotFound):
        _options.first_of_environment()


@pytest.mark.parametrize("seconds", [0, 0.0, -1])
@pytest.mark.parametrize("error", [InvalidOption, ConfigurationError])
def test_times_are_longer_than_nothing(seconds: float, error: type[InvalidOption]) -> None:
    params = {"timeout": 0.1, "wait": seconds}
    _options.require_positive(params, "timeout")
    with pytest.raises(error) as caught:
        _options.require_positive(params, "timeout", "wait", error=error)
    assert caught.value.message == "The option wait must be more than 0 seconds."


SPEC: dict[str, dict[str, t.Any]] = {
    "connection_key": {"type": "str", "no_log": False},
    "path": {"type": "path"},
    "plain": {},
    "api_key": {"type": "str", "no_log": True},
    "number": {"type": "int"},
    "wanted": {"type": "bool"},
    "patterns": {"type": "list", "elements": "str"},
    "skip": {"type": "list", "elements": "dict", "options": {"reason": {"type": "str"}, "statement": {"type": "int"}}},
}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        # What YAML makes of 1.10, yes, 0123, 1:30, and 1_000.
        (
            {"connection_key": 1.1},
            'The option connection_key is a number (1.1), not text. Put it in quotes: connection_key: "...".',
        ),
        ({"connection_key": True}, "The option connection_key is true or false (True), not text."),
        ({"connection_key": 83}, "The option connection_key is a number (83), not text."),
        ({"connection_key": 0}, "The option connection_key is a number (0), not text."),
        ({"connection_key": ["a"]}, "The option connection_key is a list (['a']), not text."),
        ({"connection_key": {"a": 1}}, "The option connection_key is a dictionary ({'a': 1}), not text."),
        ({"path": 5}, "The option path is a number (5), not text."),
        ({"plain": False}, "The option plain is true or false (False), not text."),
        ({"api_key": 12345678}, "The option api_key is a number, not text."),
        ({"patterns": ["a", 1.1]}, 'The option patterns holds a number (1.1), not text. Put it in quotes: - "...".'),
        ({"patterns": ["a", None]}, "The option patterns holds nothing, not text."),
        ({"patterns": 90}, "The option patterns holds a number (90), not text."),
        ({"skip": [{"statement": 1, "reason": 2026}]}, "The option reason in skip is a number (2026), not text."),
    ],
)
def test_what_is_not_text_is_refused(given: dict[str, t.Any], named: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        _options.require_text(given, SPEC)
    assert str(caught.value).startswith(named)


def test_text_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    _options.require_text({}, SPEC)
    _options.require_text(
        {"connection_key": "1.10", "number": 5, "wanted": True, "patterns": "a,b", "api_key": None}, SPEC
    )
    _options.require_text({"patterns": ["yes"], "skip": [{"statement": 1, "reason": "2026"}], "unknown": 1}, SPEC)
    _options.require_text({"connection_key": vaulted("a", monkeypatch)}, SPEC)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"api_key": "1"}, "The option api_key has fewer than 8 characters"),
        ({"api_key": "  seven77 "}, "The option api_key has fewer than 8 characters"),
        ({"api_key": "finished"}, "The option api_key is a word that occurs in results"),
        ({"api_key": "SnowFlake"}, "The option api_key is a word that occurs in results"),
        ({"api_key": "statement_f"}, "The option api_key is a word that occurs in results"),
        (
            {"api_key": "prod snow", "connection_key": "prod snowflake"},
            "The option api_key is a part of the option connection_key",
        ),
        (
            {"api_key": "long enough", "patterns": ["a", "long enough *"]},
            "The option api_key is a part of the option patterns",
        ),
    ],
)
def test_a_secret_that_would_spoil_the_results_is_refused(params: dict[str, t.Any], told: str) -> None:
    with pytest.raises(_options.UnfitSecret) as caught:
        _options.require_fit_secrets(params, SPEC)
    assert str(caught.value).startswith(f"{told}, and Ansible would replace it with asterisks")
    assert str(caught.value).endswith("Change it. Use 8 or more characters that are not a common word.")


def test_secrets_that_do_no_harm() -> None:
    _options.require_fit_secrets({"api_key": "finished, or not"}, SPEC)
    _options.require_fit_secrets({"api_key": "", "connection_key": "a", "number": 5}, SPEC)
    _options.require_fit_secrets({"api_key": "1"}, SPEC, ["api_key"])


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "http_proxy"])
def test_the_password_of_a_proxy_counts(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "http://user:pw@proxy.example:3128")
    with pytest.raises(_options.UnfitSecret) as caught:
        _options.require_fit_secrets({}, SPEC)
    assert str(caught.value).startswith(f"The password of the proxy in {variable} has fewer than 8 characters")
