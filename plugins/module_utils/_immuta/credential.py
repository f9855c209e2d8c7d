# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential of a connection: from options to the fields of Immuta's C(connection) object.

Source: U(https://documentation.immuta.com/saas/developer-guides/api-intro/connections-api), payloads of the registration.
"""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address, _files, _options, _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption

Json = dict[str, t.Any]

# A name of a field that is about a secret, and those that only look like it.
SECRET = re.compile(r"password|passphrase|secret|token|private_?key|access_?key|api_?key|content|credential|pem$", re.I)
# What Immuta documents of the connection object, and of the configuration of a set-up script, besides secrets.
HARMLESS = frozenset(
    {
        *("technology", "hostname", "host", "port", "warehouse", "role", "httpPath", "database"),
        *("authenticationType", "username", "useCertificate", "clientId", "scope", "authorityUrl", "resource"),
        *("keyName", "userFilename", "publicCertificateThumbprint"),
        *("type", "catalog", "workspaceUrl", "workspaceIds", "deny", "region", "enabled"),
        # Who is an owner or an administrator.
        *("name", "email", "dataOwners", "infrastructureAdmins"),
        # Addresses that have the word token in their names.
        *("tokenEndpoint", "tokenUrl", "tokenUri"),
    }
)
# What Immuta shows in the place of a field; and what else in the place of one that is about a secret, or nothing.
MASK = re.compile(r".*[*•●]{3}.*", re.S)
SECRET_MASK = re.compile(r"[\W_]*|x+|[<(\[{].*[>)\]}]|redacted|masked|hidden|encrypted", re.I | re.S)
NOT_SHOWN = "(not shown)"
KEY_NAME = "PRIV_KEY_FILE"
LARGEST_KEY = 64 * 1024
BEGIN = re.compile(r"-----BEGIN (?:(ENCRYPTED|RSA) )?PRIVATE KEY-----")
END = re.compile(r"-----END (?:(?:ENCRYPTED|RSA) )?PRIVATE KEY-----\s*\Z")


@dataclasses.dataclass(frozen=True)
class Method:
    """A way to sign in to a platform.

    :ivar technology: whose it is
    :ivar type: the C(authenticationType)
    :ivar fields: the fields of the C(connection) object that belong to it
    :ivar needed: those that must not be missing, dotted, with the suboption that gives each
    """

    technology: str
    type: str
    fields: tuple[str, ...]
    needed: t.Mapping[str, str]


CLIENT = {
    "oAuthClientConfig.clientId": "client_id",
    "oAuthClientConfig.clientSecret": "client_secret",
    "oAuthClientConfig.authorityUrl": "authority_url",
}
# By the option and its suboption.
METHODS: dict[tuple[str, str], Method] = {
    ("snowflake", "key_pair"): Method(
        "Snowflake",
        "keyPair",
        ("username", "privateKey", "privateKeyPassword"),
        {"username": "username", "privateKey.content": "private_key"},
    ),
    ("snowflake", "oauth_client_credentials"): Method(
        "Snowflake", "oAuthClientCredentials", ("oAuthClientConfig",), {**CLIENT, "oAuthClientConfig.scope": "scope"}
    ),
    ("snowflake", "password"): Method(
        "Snowflake",
        "userPassword",
        ("username", "password"),
        {"username": "username", "password": "password"},
    ),
    ("databricks", "oauth_m2m"): Method("Databricks", "oAuthM2M", ("oAuthClientConfig",), CLIENT),
    ("databricks", "token"): Method("Databricks", "token", ("token",), {"token": "token"}),
}
# What no other way to sign in has a use for.
OF_METHODS = frozenset(name for method in METHODS.values() for name in method.fields)
# What else has to be in the object, by technology.
PLACE = {
    "Snowflake": ("hostname", "port", "warehouse", "role", "authenticationType"),
    "Databricks": ("hostname", "port", "httpPath", "authenticationType"),
}


_NEEDED = {"type": "str", "required": True}
_PORT = {"type": "int", "default": 443}
SNOWFLAKE_PLACE: dict[str, t.Any] = {
    **dict.fromkeys(("host", "warehouse", "role", "database"), _NEEDED),
    "port": _PORT,
    "audit": {"type": "bool"},
    "impersonation_role": {"type": "str"},
}
DATABRICKS_PLACE: dict[str, t.Any] = {
    **dict.fromkeys(("host", "http_path", "catalog"), _NEEDED),
    "port": _PORT,
    "workspace_ids": {"type": "list", "elements": "str"},
    "excluded_group": {"type": "str"},
    "audit": {"type": "bool"},
}


@dataclasses.dataclass(frozen=True)
class Credential:
    """What is given to sign in with.

    :ivar fields: as Immuta wants them in the C(connection) object; never shown
    :ivar method: None when only fields by Immuta's names are given
    :ivar option: the option that gives it, for messages
    """

    fields: Json
    option: str
    method: Method | None = None


def argument_spec(*, place: bool = False, required: bool = True) -> dict[str, t.Any]:
    """Return the argument spec of the options C(snowflake) and C(databricks). The doc fragment C(credential) documents them.

    :param place: whether they also tell where a connection is, as the part C(place) of the fragment has it
    :param required: whether they have to; else it is the part C(optional_place)
    """
    snowflake, databricks = (
        _place(one, required=required) if place else {} for one in (SNOWFLAKE_PLACE, DATABRICKS_PLACE)
    )
    text = {"type": "str"}
    secret = {"type": "str", "no_log": True}
    needed = {**secret, "required": True}
    client = {"client_id": text, "client_secret": needed, "authority_url": text, "scope": text}
    key_pair = {
        "username": text,
        "private_key": secret,
        "private_key_file": {"type": "path", "no_log": False},
        "private_key_passphrase": secret,
    }
    return {
        "snowflake": _dict(
            key_pair=_dict(**key_pair),
            oauth_client_credentials=_dict(**client),
            password=_dict(username=text, password=needed),
            **snowflake,
        ),
        "databricks": _dict(oauth_m2m=_dict(**client), token=secret, **databricks),
    }


def _dict(**suboptions: t.Any) -> dict[str, t.Any]:
    return {"type": "dict", "no_log": False, "options": suboptions}


def _place(spec: dict[str, t.Any], *, required: bool) -> dict[str, t.Any]:
    return {name: one if required or one is not _NEEDED else {"type": "str"} for name, one in spec.items()}


def is_secret(name: str) -> bool:
    """Return whether a field of the API is about a secret, by its name."""
    return name not in HARMLESS and SECRET.search(name) is not None


def shown(name: str, value: t.Any) -> bool:
    """Return whether a field by Immuta's name may be shown, with all that is in it.

    Of a field that is not known, nobody can tell: every text and every number counts as a secret.
    """
    if isinstance(value, dict):
        return not is_secret(name) and all(shown(field, one) for field, one in value.items())
    if isinstance(value, list):
        return all(shown(name, one) for one in value)
    return name in HARMLESS or value is None or isinstance(value, bool)


def visible(value: t.Any, name: str = "") -> t.Any:
    """Return an object of Immuta's without the fields that are about secrets; C(NOT_SHOWN) is what could be one."""
    if isinstance(value, dict):
        return {field: visible(one, field) for field, one in value.items() if one is not None and not is_secret(field)}
    if isinstance(value, list):
        return [visible(one, name) for one in value]
    return value if shown(name, value) else NOT_SHOWN


def read(params: Json, raw_option: str = "connection") -> Credential:
    """Return the credential in the options C(snowflake), C(databricks), and C(connection).

    :param raw_option: the option with the fields by Immuta's names
    :raises InvalidOption: there is none, or not exactly one, or it can't be used
    """
    given = [
        (option, kind, value)
        for option in ("snowflake", "databricks")
        for kind, value in (params[option] or {}).items()
        if (option, kind) in METHODS and value not in (None, "")
    ]
    if len(given) > 1:
        raise InvalidOption(f"More than one credential is given: {', '.join(f'{one[0]}.{one[1]}' for one in given)}.")
    for option in ("snowflake", "databricks"):
        require_no_user_info(params[option] or {}, option)
    raw: Json = params[raw_option] or {}
    require_fit(raw, raw_option)
    if not given:
        if not any(is_secret(name) for name, _value in _options.leaves(raw)):
            raise InvalidOption(
                "No credential is given.",
                hint="Set one of snowflake.key_pair, snowflake.oauth_client_credentials, snowflake.password,"
                " databricks.oauth_m2m, and databricks.token, or give the fields of another one in"
                f" {raw_option}.",
            )
        return Credential(raw, raw_option)
    option, kind, value = given[0]
    method = METHODS[option, kind]
    named = f"{option}.{kind}"
    fields = {"token": value} if kind == "token" else _BUILDERS[kind](value, named)
    typed = {"authenticationType": method.type, **fields}
    twice = [name for name in raw if name in typed]
    if twice:
        raise InvalidOption(
            f"The field {twice[0]} is given in {raw_option}, and {named} makes it, too.",
            hint=f"Leave it out of {raw_option}.",
        )
    return Credential({**typed, **raw}, named, method)


def require_fit(raw: Json, option: str) -> None:
    """Refuse secrets, in fields by Immuta's names, that can't be hidden, and those in addresses.

    :raises InvalidOption: naming the field
    """
    require_no_user_info(raw, option)
    for name, value in _options.leaves(raw):
        if is_secret(name) and not (value is None or isinstance(value, (str, bool))):
            raise InvalidOption(f"The field {name} in {option} is not text.", hint="Put it in quotes.")
        if is_secret(name) and isinstance(value, str) and value and not _options.may_be_secret(value):
            raise _options.UnfitSecret(
                f"The field {name} in {option}",
                f"has fewer than {_options.SHORTEST_SECRET} characters or is a word that occurs in results",
                "Change it.",
                value,
                is_word=True,
            )


def require_no_user_info(given: Json, option: str) -> None:
    """Refuse an address with a user name or a password in any field, by the meaning of its name.

    :raises InvalidOption: naming the field
    """
    for name, address in _address.of(given, option):
        _address.require_no_user_info(address, name, "Write only the address.")


def without_secrets(value: t.Any) -> t.Any:
    """Return an object of Immuta's without the fields that are about secrets, and without masks, whatever their names."""
    if isinstance(value, dict):
        kept = {
            name: without_secrets(field)
            for name, field in value.items()
            if not (is_secret(name) or masked(name, field))
        }
        return {name: field for name, field in kept.items() if field is not None}
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return value


def masked(name: str, value: t.Any) -> bool:
    """Return whether Immuta shows something else in the place of a field, or a part of it, so that it can't be sent back.

    It may blank a secret, too. A structure counts as a whole if its name is about a secret.
    """
    if isinstance(value, str):
        return bool(MASK.fullmatch(value) or (is_secret(name) and SECRET_MASK.fullmatch(value)))
    if not isinstance(value, (dict, list)) or not is_secret(name):
        return False
    parts = value.items() if isinstance(value, dict) else ((name, one) for one in value)
    return not value or any(one is None or one == "" or masked(part, one) for part, one in parts)


def to_send_back(value: t.Any) -> t.Any:
    """Return an object of Immuta's with all that can be sent back as it is."""
    if isinstance(value, dict):
        return {
            name: to_send_back(field) for name, field in value.items() if field is not None and not masked(name, field)
        }
    if isinstance(value, list):
        return [to_send_back(item) for item in value]
    return value


def _told(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _key_pair(given: Json, named: str) -> Json:
    key, path, passphrase = given["private_key"], given["private_key_file"], given["private_key_passphrase"]
    if bool(key) is bool(path):
        raise InvalidOption(f"Set either private_key or private_key_file in {named}.")
    content = _read(path, named) if path else key
    option = f"{named}.{'private_key_file' if path else 'private_key'}"
    if "\\n" in content and "\n" not in content.strip():
        # In an environment variable or a survey, it is on one line.
        content = content.replace("\\r", "").replace("\\n", "\n")
    content = f"{content.strip()}\n".replace("\r\n", "\n")
    begin = BEGIN.match(content)
    if begin is None or END.search(content) is None:
        raise InvalidOption(
            f"The option {option} holds no private key in PEM format.",
            hint="It has to begin with -----BEGIN PRIVATE KEY----- (or ENCRYPTED, or RSA) and to end with the line that belongs to it.",
        )
    encrypted = begin[1] == "ENCRYPTED" or "Proc-Type: 4,ENCRYPTED" in content
    if encrypted and not passphrase:
        raise InvalidOption(f"The key in {option} is encrypted.", hint=f"Set {named}.private_key_passphrase.")
    if passphrase and not encrypted:
        raise InvalidOption(
            f"The key in {option} is not encrypted, but {named}.private_key_passphrase is set.",
            hint="Leave it out, or give the encrypted key.",
        )
    name = os.path.basename(path) if path else "private_key.p8"
    return _told(
        {
            "username": given["username"],
            "privateKey": {"keyName": KEY_NAME, "userFilename": name, "content": content},
            "privateKeyPassword": passphrase,
        }
    )


def _read(path: str, named: str) -> str:
    try:
        text = _files.read_regular(path, limit=LARGEST_KEY).decode("utf-8", "replace")
    except OSError as error:
        raise InvalidOption(
            f"The file {path} of {named}.private_key_file can't be read: {error.strerror or type(error).__name__}."
        ) from None
    _redact.add([text])
    return text


def _client(given: Json, _named: str) -> Json:
    return {
        "oAuthClientConfig": _told(
            {
                "useCertificate": False,
                "clientId": given["client_id"],
                "clientSecret": given["client_secret"],
                "scope": given["scope"],
                "authorityUrl": given["authority_url"],
            }
        )
    }


def _password(given: Json, _named: str) -> Json:
    return _told({"username": given["username"], "password": given["password"]})


_BUILDERS: dict[str, t.Callable[[Json, str], Json]] = {
    "key_pair": _key_pair,
    "oauth_client_credentials": _client,
    "oauth_m2m": _client,
    "password": _password,
}
