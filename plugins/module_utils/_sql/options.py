# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Common to the options of all platforms."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _options, _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption

# Environment variables by option, in the order in which they are tried.
Variables = t.Mapping[str, tuple[str, ...]]


def fallbacks(variables: Variables, secrets: t.Collection[str]) -> dict[str, dict[str, t.Any]]:
    """Return the spec of string options that are taken from the environment when they are not set.

    :param secrets: the names of the options that get C(no_log)
    """
    return {
        name: {"type": "str", "fallback": (_options.first_of_environment, list(names)), "no_log": name in secrets}
        for name, names in variables.items()
    }


def missing(name: str, variables: Variables) -> InvalidOption:
    """Return the error for an option that is needed and not set."""
    return InvalidOption(
        f"The option {name} is missing.",
        hint=f"Set it in the task, in module_defaults, or in {variables[name][0]}.",
    )


def one_line(message: str) -> str:
    """Return a client's message redacted, on one line, and of bounded length."""
    return _redact.redact_and_cut(" ".join(message[: _redact.LONGEST_SEARCHED].split()), 1000)
