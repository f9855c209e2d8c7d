# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that every Immuta module has, and the client that they describe.

The doc fragment C(immuta) documents them.
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address, _options
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import ConfigurationError
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Settings

URL_VARIABLES = ("IMMUTA_URL", "IMMUTA_BASE_URL", "IMMUTA_HOST")
API_KEY_VARIABLES = ("IMMUTA_API_KEY", "IMMUTA_API_TOKEN")
# How the tenant is reached, and how it is given the key; besides files, which are on one host only.
MANNER_VARIABLES = {
    "auth_scheme": ("IMMUTA_AUTH_SCHEME",),
    "exchange_api_key": ("IMMUTA_EXCHANGE_API_KEY",),
    "allow_http": ("IMMUTA_ALLOW_HTTP",),
}


def argument_spec(**own: t.Any) -> dict[str, t.Any]:
    """Return the argument spec of a module: the shared options and its C(own)."""
    return {
        "url": {"type": "str", "fallback": (_options.first_of_environment, list(URL_VARIABLES))},
        "api_key": {
            "type": "str",
            "no_log": True,
            "fallback": (_options.first_of_environment, list(API_KEY_VARIABLES)),
        },
        "auth_scheme": {"type": "str", "choices": ["api_key", "bearer"], "default": "api_key", **_from("auth_scheme")},
        "exchange_api_key": {"type": "bool", "default": False, "no_log": False, **_from("exchange_api_key")},
        "validate_certs": {"type": "bool", "default": True},
        "allow_http": {"type": "bool", "default": False, **_from("allow_http")},
        "ca_path": {"type": "path", "fallback": (_options.first_of_environment, ["IMMUTA_CA_PATH"])},
        "client_cert": {"type": "path", "fallback": (_options.first_of_environment, ["IMMUTA_CLIENT_CERT"])},
        "client_key": {"type": "path", "no_log": False},
        "timeout": {"type": "float", "default": 30.0},
        "total_timeout": {"type": "float", "default": 120.0},
        "retries": {"type": "int", "default": 4},
        **own,
    }


def _from(option: str) -> dict[str, t.Any]:
    return {"fallback": (_options.first_of_environment, list(MANNER_VARIABLES[option]))}


def tenant(params: dict[str, t.Any]) -> str | None:
    """Return the tenant's URL for a failure; None if it is missing, or holds a password."""
    url = (params["url"] or "").strip()
    return None if not url or _address.user_info(url) else url.rstrip("/")


def settings(params: dict[str, t.Any], *, where_set: str = "the task, in module_defaults,") -> Settings:
    """Return the settings that the options describe.

    :param where_set: the place of the options, for hints
    :raises ConfigurationError: an option is missing or can't be used
    """
    for name, variables in (("url", URL_VARIABLES), ("api_key", API_KEY_VARIABLES)):
        if not (params[name] or "").strip():
            raise ConfigurationError(
                f"The option {name} is missing.", hint=f"Set it in {where_set} or in {variables[0]}."
            )
    _options.require_positive(params, "timeout", "total_timeout", error=ConfigurationError)
    if params["retries"] < 0:
        raise ConfigurationError("The option retries must not be negative.")
    if params["client_key"] and not params["client_cert"]:
        raise ConfigurationError("The option client_key needs client_cert.")
    return Settings(
        url=params["url"].strip(),
        api_key=params["api_key"].strip(),
        auth_scheme=params["auth_scheme"],
        exchange_api_key=params["exchange_api_key"],
        validate_certs=params["validate_certs"],
        ca_path=params["ca_path"] or None,
        client_cert=params["client_cert"] or None,
        client_key=params["client_key"] or None,
        timeout=params["timeout"],
        total_timeout=params["total_timeout"],
        retries=params["retries"],
        allow_http=params.get("allow_http", False),
    )


def client(params: dict[str, t.Any], *, check_mode: bool) -> Client:
    """Return the client that the options describe; in check mode it refuses to write."""
    return Client(settings(params), check_mode=check_mode)
