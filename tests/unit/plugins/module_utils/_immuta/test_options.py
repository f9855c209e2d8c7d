# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options describe a tenant, or are refused with their name."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import ConfigurationError
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Settings

PARAMS: dict[str, t.Any] = {
    **{name: about.get("default") for name, about in options.argument_spec().items()},
    "url": " https://tenant.example/\r\n",
    "api_key": " a key\n",
}


def test_makes_a_client() -> None:
    with options.client(PARAMS, check_mode=True) as client:
        assert client.settings == Settings("https://tenant.example", "a key")


@pytest.mark.parametrize(
    ("params", "message", "hint"),
    [
        ({"url": ""}, "The option url is missing.", "Set it in the task, in module_defaults, or in IMMUTA_URL."),
        (
            {"api_key": None},
            "The option api_key is missing.",
            "Set it in the task, in module_defaults, or in IMMUTA_API_KEY.",
        ),
        ({"timeout": 0}, "The option timeout must be more than 0 seconds.", ""),
        ({"total_timeout": -1}, "The option total_timeout must be more than 0 seconds.", ""),
        ({"retries": -1}, "The option retries must not be negative.", ""),
        ({"client_key": "key.pem"}, "The option client_key needs client_cert.", ""),
    ],
)
def test_refuses_options(params: dict[str, t.Any], message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        options.settings({**PARAMS, **params})
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_tells_where_options_are_set() -> None:
    with pytest.raises(ConfigurationError) as caught:
        options.settings({**PARAMS, "url": None}, where_set="the inventory source")
    assert caught.value.hint == "Set it in the inventory source or in IMMUTA_URL."


@pytest.mark.parametrize(
    "url",
    [
        "tenant.example",
        "ftp://tenant.example",
        "https://",
        "//tenant.example",
        "https://tenant.example?x=1",
        "https://tenant.example#x",
        "https://tenant.example:port",
        "https://tenant.example:99999",
        "https://[::1",
        "https://::1]",
        "https://[fe80::x]",
        "https://tenant\n.example",
        "https://tenant .example",
    ],
)
def test_refuses_urls_that_are_none(url: str) -> None:
    with pytest.raises(ConfigurationError, match="option url"):
        Settings(url, "key")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:canary@tenant.example",
        "https://user:pa@canary@tenant.example",
        "https://user:pa/canary@tenant.example",
        "https://user:pa#canary@tenant.example",
        "https://user:pa%40canary@tenant.example",
        "https://user%3Acanary%40tenant.example",
        "https://canary@tenant.example",
        "https://canary:@tenant.example",
        "https://@canary@tenant.example",
        "https:canary:x@tenant.example",
        "user:canary@tenant.example",
        "//user:canary@tenant.example",
        "http://user:canary@tenant.example",
        "https://user:canary@[::1",
    ],
)
def test_refuses_a_url_with_a_password_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="option url contains a user name or a password") as caught:
        Settings(url, "key")
    assert "IMMUTA_URL" in caught.value.hint
    assert "canary" not in str(caught.value.as_dict())


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:8080", True),
        ("a.localhost", True),
        ("127.0.0.1:1", True),
        ("127.9.9.9", True),
        ("[::1]:1", True),
        ("tenant.example", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("10.0.0.1", False),
        ("[2001:db8::1]", False),
        ("0.0.0.0", False),
    ],
)
def test_http_is_for_this_machine_or_on_request(host: str, loopback: bool) -> None:
    for url in (f"http://{host}", f"HTTP://{host}"):
        assert Settings(url, "key", allow_http=True).url == url
        if loopback:
            assert Settings(url, "key").url == url
            continue
        with pytest.raises(ConfigurationError, match="unencrypted") as caught:
            Settings(url, "key")
        assert "allow_http" in caught.value.hint


def test_settings_do_not_show_the_key() -> None:
    assert "very-secret" not in repr(Settings("https://tenant.example/", "very-secret"))


def test_takes_a_trailing_slash_off() -> None:
    assert Settings("https://tenant.example/", "key").url == "https://tenant.example"
