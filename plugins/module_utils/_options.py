# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Common to all options: values from the environment, and checks."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleFallbackNotFound

from ansible_collections.community.immuta.plugins.module_utils import _address, _redact, _text, _words
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption

Spec = t.Mapping[str, t.Mapping[str, t.Any]]
TEXT_TYPES = ("str", "path")
KINDS = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a dictionary"}
SHORTEST_SECRET = 8


def first_of_environment(*names: str) -> str:
    """Return the first of these environment variables that is set and not empty.

    A credential type of AWX sets all of its variables, to an empty string where a field was left empty. Ansible's
    C(env_fallback) accepts an empty variable, which then fails type and choices checks.

    :raises AnsibleFallbackNotFound: there is none
    """
    for name in names:
        if value := os.environ.get(name):
            return value
    raise AnsibleFallbackNotFound


def require_positive(params: dict[str, t.Any], *names: str, error: type[Failure] = InvalidOption) -> None:
    """Refuse times that are not longer than 0 seconds.

    :param error: the class of the error
    :raises Failure: of that class, naming the option
    """
    for name in names:
        if params[name] <= 0:
            raise error(f"The option {name} must be more than 0 seconds.")


def flat(params: t.Mapping[str, t.Any], spec: Spec, within: str = "") -> dict[str, tuple[t.Any, t.Mapping[str, t.Any]]]:
    """Return all options and those inside of dictionaries, by their dotted names, each with its value and its spec."""
    found: dict[str, tuple[t.Any, t.Mapping[str, t.Any]]] = {}
    for name, value in params.items():
        about = spec.get(name, {})
        if about.get("type") == "dict" and "options" in about:
            found |= flat(value, about["options"], f"{within}{name}.") if isinstance(value, dict) else {}
        else:
            found[f"{within}{name}"] = (value, about)
    return found


def leaves(value: dict[str, t.Any]) -> t.Iterator[tuple[str, t.Any]]:
    """Yield the innermost fields of an object with their names; what is in a list has the name of the list."""
    for name, field in value.items():
        for item in field if isinstance(field, list) else [field]:
            if isinstance(item, dict):
                yield from leaves(item)
            else:
                yield name, item


def may_be_secret(value: str) -> bool:
    """Return whether a text could be a secret that Ansible can hide: neither short nor a word of the results."""
    return len(value.strip()) >= SHORTEST_SECRET and not _words.is_common(value.strip())


def not_text(value: t.Any, *, secret: bool = False) -> str | None:
    """Return a description of a value that is not text; None for text, also if it is vaulted.

    YAML takes C(1.10) and C(0123) for the numbers 1.1 and 83, C(yes) for true, and C(2026-01-31) for a date. As text they
    are other keys.

    :param secret: whether to leave out the value itself
    """
    # A value that is vaulted in line is none of str, on any version of ansible-core.
    if isinstance(value, str) or hasattr(value, "_ciphertext"):
        return None
    kind = "nothing" if value is None else next((word for type_, word in KINDS.items() if isinstance(value, type_)), "")
    kind = kind or f"a {type(value).__name__}"
    return kind if secret or value is None else f"{kind} ({_text.printable(value):.60})"


def require_text(given: t.Mapping[str, t.Any], spec: Spec, within: str = "") -> None:
    """Refuse what is not text where text is wanted, which Ansible would convert without a word.

    :param given: the options as they came, before any conversion
    :param spec: their argument spec
    :param within: the option that holds them, if any
    :raises InvalidOption: naming the option
    """
    for name, about in spec.items():
        value, label = given.get(name), f"{name} in {within}" if within else name
        if value is None:
            continue
        kind = about.get("type", "str")
        if kind in TEXT_TYPES:
            _require_text(label, value, f'{name}: "..."', secret=bool(about.get("no_log")))
        elif kind == "dict" and isinstance(value, dict) and "options" in about:
            require_text(value, about["options"], label)
        elif kind == "list":
            elements = about.get("elements")
            for item in value if isinstance(value, list) else [value]:
                if elements in TEXT_TYPES:
                    _require_text(label, item, '- "..."', holds=True)
                elif isinstance(item, dict) and "options" in about:
                    require_text(item, about["options"], name)


def _require_text(label: str, value: t.Any, example: str, *, secret: bool = False, holds: bool = False) -> None:
    if found := not_text(value, secret=secret):
        verb = "holds" if holds else "is"
        raise InvalidOption(f"The option {label} {verb} {found}, not text.", hint=f"Put it in quotes: {example}.")


class UnfitSecret(InvalidOption):
    """A secret that Ansible would also mask where the same characters are no secret.

    :ivar value: the secret; it is in no message and no result
    :ivar is_word: whether it is short or a common word, so that it occurs in this message by chance
    """

    code = "unfit_secret"

    def __init__(self, label: str, why: str, remedy: str, value: str, *, is_word: bool) -> None:
        super().__init__(
            f"{label} {why}, and Ansible would replace it with asterisks wherever it occurs in a result.", hint=remedy
        )
        self.value = value
        self.is_word = is_word


def require_fit_secrets(params: t.Mapping[str, t.Any], spec: Spec, ignored: t.Container[str] = ()) -> None:
    """Refuse secrets that are short, or equal to other values, before they make the results unreadable.

    :param params: the options, with what the environment gives
    :param spec: their argument spec
    :param ignored: options with C(no_log) that are not secrets as a whole
    :raises UnfitSecret: naming the option or the variable of the environment
    """
    options = flat(params, spec)
    secrets = {name for name, (_value, about) in options.items() if about.get("no_log")}
    others = {
        name: text
        for name, (value, _about) in options.items()
        if name not in secrets
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str)
    }
    for name in sorted(secrets):
        value, about = options[name]
        if name not in ignored and isinstance(value, str) and value:
            variables = about.get("fallback", (None, []))[1]
            where = f" (in the environment: {variables[0]})" if variables else ""
            remedy = (
                f"Encrypt the key with a longer passphrase{where}." if "passphrase" in name else f"Change it{where}."
            )
            _require_fit(f"The option {name}", value, others, remedy)
    for variable, proxy in _address.proxies().items():
        for password in _redact.passwords_in_urls(proxy):
            _require_fit(f"The password of the proxy in {variable}", password, others, "Change it.")


def _require_fit(label: str, value: str, others: t.Mapping[str, str], remedy: str) -> None:
    is_word = True
    if len(value.strip()) < SHORTEST_SECRET:
        why = f"has fewer than {SHORTEST_SECRET} characters"
    elif _words.is_common(value.strip()):
        why = "is a word that occurs in results"
    elif within := next((name for name, text in others.items() if value.strip() in text), ""):
        why, is_word = f"is a part of the option {within}", False
    else:
        return
    hint = f"{remedy} Use {SHORTEST_SECRET} or more characters that are not a common word."
    raise UnfitSecret(label, why, hint, value, is_word=is_word)
