# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of all platforms have in common: environment variables, secrets, checks."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _environment, _hidden
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption

# By option, in the order in which they are tried.
Variables = t.Mapping[str, tuple[str, ...]]


def fallbacks(variables: Variables, secrets: t.Collection[str]) -> dict[str, dict[str, t.Any]]:
    """The spec of options that are strings and are taken from the environment when they are not set."""
    return {
        name: {"type": "str", "fallback": (_environment.first_of, list(names)), "no_log": name in secrets}
        for name, names in variables.items()
    }


def missing(name: str, variables: Variables) -> InvalidOption:
    """An option is needed and not set."""
    return InvalidOption(
        f"The option {name} is missing.",
        hint=f"Set it in the task, in module_defaults, or in {variables[name][0]}.",
    )


def require_seconds(params: dict[str, t.Any], *names: str) -> None:
    """Refuse times that are not more than nothing.

    :raises InvalidOption: one is not
    """
    for name in names:
        if params[name] <= 0:
            raise InvalidOption(f"The option {name} must be more than 0 seconds.")


def one_line(message: str) -> str:
    """A client's message as it is shown: without secrets, on one line, and of bounded length."""
    return _hidden.shorten(" ".join(message[: _hidden.LONGEST_SAID].split()), 1000)
