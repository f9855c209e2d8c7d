# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the variables of a role or a playbook by their argument spec."""

from __future__ import annotations

import os
import typing as t

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.community.immuta.plugins.module_utils import _address, _options
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

# What the validator knows of an argument spec.
KNOWN = ("type", "default", "choices", "required", "elements")
Options = t.Mapping[str, t.Any]
# A name in the inventory, and what earlier runs have written.
NO_ADDRESSES = ("script_host", "scripts", "plan")


def options(role: str) -> dict[str, t.Any]:
    """The variables of a role, as its argument spec has them.

    :param role: its folder
    """
    with open(os.path.join(role, "meta", "argument_specs.yml"), encoding="utf-8") as file:
        # The loader of libyaml is faster, and not everywhere.
        specs = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    found: dict[str, t.Any] = specs["argument_specs"]["main"]["options"]
    return found


def validated(variables: t.Mapping[str, t.Any], options: Options, prefix: str) -> dict[str, t.Any]:
    """The variables without their prefix, with their defaults.

    :param variables: an empty string counts as not set
    :raises Refused: a variable is missing or has the wrong type
    """
    given = {name: value for name, value in variables.items() if name in options and value not in ("", None)}
    if wrong := list(filter(None, (_not_text(name, given, options) for name in given))):
        raise Refused(" ".join(wrong))
    require_no_user_info(given, prefix)
    if wrong := list(filter(None, (_not_dictionaries(name, given[name], options[name]) for name in given))):
        raise Refused(" ".join(wrong))
    found = ArgumentSpecValidator(_spec(options)).validate(given)
    if found.error_messages:
        raise Refused(" ".join(f"{message.rstrip('.')}." for message in found.error_messages))
    # Text in JSON has become a dictionary.
    require_no_user_info(found.validated_parameters, prefix)
    return {name.removeprefix(prefix): value for name, value in found.validated_parameters.items()}


def require_no_user_info(variables: t.Mapping[str, t.Any], prefix: str) -> None:
    """Refuse addresses with a user name or a password, so that these get into no result, report, or log.

    :raises Refused: naming the variables, without their values
    """
    given = {name: one for name, one in variables.items() if name.removeprefix(prefix) not in NO_ADDRESSES}
    if wrong := dict.fromkeys(name for name, address in _address.of(given) if _address.user_info(address)):
        raise Refused(
            *(
                f"{name} contains a user name or a password (it has an @), so it is not shown. Write only the address."
                " It may have been logged: change the password."
                for name in wrong
            )
        )


def not_text(name: str, value: t.Any) -> str | None:
    """Say that a value is not text, since YAML takes C(010), C(1.10), and C(yes) for something else; None when it is.

    What is vaulted in line is text.
    """
    found = _options.not_text(value)
    return f'{name} is {found}, not text. Put it in quotes: {name}: "...".' if found else None


def _not_text(name: str, given: t.Mapping[str, t.Any], options: Options) -> str | None:
    return not_text(name, given[name]) if options[name].get("type") in ("str", "path") else None


def _not_dictionaries(name: str, value: t.Any, about: t.Mapping[str, t.Any]) -> str | None:
    """Say that a value is no list of dictionaries, or lacks something; None when it need not be one. The value is not shown."""
    if about.get("elements") != "dict" or "options" not in about:
        return None
    known, needed = set(about["options"]), {one for one, own in about["options"].items() if own.get("required")}
    if isinstance(value, list) and all(isinstance(one, dict) and needed <= one.keys() <= known for one in value):
        return None
    return f"{name} must be a list of dictionaries, each with {', '.join(sorted(known))} and nothing else."


def _spec(options: Options) -> dict[str, t.Any]:
    """The part of an argument spec that the validator knows."""
    return {
        name: {
            **{word: about[word] for word in KNOWN if word in about},
            **({"options": _spec(about["options"])} if "options" in about else {}),
        }
        for name, about in options.items()
    }
