# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Immuta is asked for a set-up script with: from options to the body, and the harmless part of it that may be kept.

Source: U(https://documentation.immuta.com/saas/developer-guides/api-intro/integrations-api), payloads of integrations.
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _options
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    credential,
    payload,
    script_text,
    wanted,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.credential import Json
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    RENDER_EDIT_SCRIPT,
    RENDER_SETUP_SCRIPT,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.setup_file import PLACE, Request


def build(url: str, params: Json) -> tuple[Request, Json]:
    """Return what is wanted, and the body to ask with.

    :param params: the options C(technology), C(integration_id), C(config), and those of the credential
    :raises InvalidOption: something is missing, or given twice, or of another technology
    """
    technology, raw = _described(params)
    config = _with_credential(technology, params, raw)
    missing = next(
        (name for name in PLACE[technology] if not isinstance(config.get(name), str) or not config[name]), None
    )
    if missing:
        raise InvalidOption(f"The option config lacks the field {missing}.", hint=f"Set {missing} in config.")
    request = Request(url, technology, params["integration_id"], _harmless(config))
    if any(request.config.get(name) != raw.get(name) for name in PLACE[technology]):
        raise InvalidOption("The host, database, or catalog in config looks like a credential.", hint="Correct it.")
    return request, {"type": technology, "autoBootstrap": False, "config": config}


def _described(params: Json) -> tuple[str, Json]:
    """Return the technology and the configuration, without the credential of C(snowflake) or C(databricks).

    :raises InvalidOption: nothing describes the integration, or something is given twice
    """
    made, config = wanted.setup_config(params)
    technology, raw = params["technology"] or made, params["config"] or {}
    credential.require_fit(raw, "config")
    if made and technology != made:
        raise InvalidOption(
            f"The option {made.lower()} describes the integration, but the option technology is {technology}.",
            hint="Leave technology out.",
        )
    if twice := next((name for name in raw if name in config), None):
        raise InvalidOption(
            f"The field {twice} is given in config, and {made.lower()} makes it, too.", hint="Leave it out of config."
        )
    if not technology:
        raise InvalidOption(
            "The options don't say which integration the script is for.",
            hint="Set snowflake or databricks with its host, or technology and config.",
        )
    return technology, {**config, **raw}


def _with_credential(technology: str, params: Json, raw: Json) -> Json:
    typed = [kind for option, kind in credential.METHODS if (params[option] or {}).get(kind)]
    if not typed and not any(credential.is_secret(name) for name, _value in _options.leaves(raw)):
        # Some versions of Immuta make the account and its password themselves.
        return raw
    given = credential.read({**params, "config": raw}, raw_option="config")
    method = given.method
    if method is None:
        return raw
    if method.technology != technology:
        raise InvalidOption(
            f"The credential {given.option} is for {method.technology}, but the option technology is {technology}.",
            hint="Correct one of them.",
        )
    config = {**raw, **given.fields}
    client = config.get("oAuthClientConfig")
    if isinstance(client, dict) and technology in payload.DEFAULT_SCOPE:
        config["oAuthClientConfig"] = {"scope": payload.DEFAULT_SCOPE[technology], **client}
    for field, option in method.needed.items():
        value: t.Any = config
        for name in field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value in (None, ""):
            raise InvalidOption(f"{given.option} lacks {option}.", hint=f"Set {given.option}.{option}.")
    return config


def _harmless(value: Json) -> Json:
    """Return a configuration without what is, or could be, a secret."""
    kept: Json = {}
    for name, field in value.items():
        if isinstance(field, dict):
            kept[name] = _harmless(field)
        elif isinstance(field, list):
            kept[name] = [one for one in field if not isinstance(one, (dict, list)) and credential.shown(name, one)]
        elif credential.shown(name, field):
            kept[name] = field
    return kept


def ask(client: Client, request: Request, body: Json) -> str:
    """Return the script that Immuta renders.

    :raises ImmutaError: it renders none; what it answered is not quoted if it could be a part of a script
    """
    number = request.integration_id
    if number is None:
        return script_text.text_of(client.call(RENDER_SETUP_SCRIPT, body=body), RENDER_SETUP_SCRIPT)
    return script_text.text_of(client.call(RENDER_EDIT_SCRIPT, body=body, integration_id=number), RENDER_EDIT_SCRIPT)
