# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Typing errors: misspelt variables, words that the shell split off, and values that YAML read as something else."""

from __future__ import annotations

import contextlib
import difflib
import json
import re
import typing as t

from ansible.errors import AnsibleError
from ansible.parsing.splitter import split_args

from ansible_collections.community.immuta.plugins.module_utils import _options

PREFIX = "immuta_deregister_"
# Variables of the playbooks, besides those of the role, and what the role itself sets.
OF_PLAYBOOKS = frozenset(f"{PREFIX}{name}" for name in ("connection_keys", "hosts", "serial", "max_fail_percentage"))
OF_PLAYBOOKS |= {f"{PREFIX}{name}" for name in ("output", "no_hosts", "no_limit")}
OF_PLAYBOOKS |= {f"{PREFIX}{name}_options" for name in ("immuta", "snowflake", "databricks")}
SET_BY_ROLE = frozenset({f"{PREFIX}result", f"{PREFIX}script"})
# What the role registers, and what its own tasks hand on.
OWN = "__deregister_connection_"
WORDS = f"{OWN}words"
CREATED = f"{OWN}created"
GIVEN = frozenset({f"{OWN}plan_only", f"{OWN}observed", WORDS, CREATED})
# Where Ansible leaves what is no assignment of C(-e NAME=VALUE).
LOST_WORDS = "_raw_params"


def misspelt(names: t.Iterable[str], options: t.Collection[str]) -> list[str]:
    """Name the variables that have the role's prefix and mean nothing, a sentence each.

    :param names: all variables of the host
    :param options: those of the role
    """
    return unknown(names, {*options, *OF_PLAYBOOKS, *SET_BY_ROLE}, PREFIX)


def unknown(names: t.Iterable[str], known: t.Collection[str], prefix: str) -> list[str]:
    """Name the variables that have a prefix and are not known, a sentence each."""
    return [_unknown(name, known, prefix) for name in sorted(names) if name.startswith(prefix) and name not in known]


def _unknown(name: str, known: t.Collection[str], prefix: str) -> str:
    # Without the prefix, which would make all of them similar.
    own = name.removeprefix(prefix).lower()
    similar = difflib.get_close_matches(own, [one.removeprefix(prefix) for one in known], n=1)
    meant = f" Did you mean {prefix}{similar[0]}?" if similar else " Remove it."
    return f"There is no variable {name}.{meant}"


def forged(variables: t.Mapping[str, t.Any]) -> list[str]:
    """Name the variables that only the role sets, and that are set otherwise, a sentence each.

    :param variables: of the host, when the role has emptied its own; or the extra variables
    """
    own = {f"{PREFIX}result"} | {name for name in variables if name.startswith(OWN) and name not in GIVEN}
    return [
        f"Only the role may set the variable {name}. Remove it. A plan file contains immuta_deregister_plan and"
        " nothing else."
        for name in sorted(own)
        if variables.get(name)
    ]


def lost_words(words: t.Any, given: t.Iterable[t.Any]) -> list[str]:
    """Say that a value has ended at its first space. What is left over may be part of a secret, and is not shown.

    :param words: what Ansible has left over, or nothing
    :param given: the arguments of C(-e)
    """
    if not words:
        return []
    count = len(str(words).split())
    left = "1 word is" if count == 1 else f"{count} words are"
    # Of several, Ansible keeps what is left over from the last.
    found = [names for one in given if (names := _before_lost_words(one))]
    names = list(dict.fromkeys(filter(None, found[-1]))) if found else []
    after = f", after the variable{'s' if len(names) > 1 else ''} {' and '.join(names)}" if names else ""
    example = json.dumps(dict.fromkeys(names or ["NAME"], "the whole value"))
    return [
        f"{left} left over from -e NAME=VALUE{after}, and not shown: a value in this form ends at the first space outside of"
        f" quotes. Write -e '{example}'."
    ]


def _before_lost_words(given: t.Any) -> list[str]:
    """The variables after which words are left over in an argument of C(-e); "" for one that is not known."""
    last, found = "", []
    with contextlib.suppress(AnsibleError):
        for word in split_args(str(given)) if str(given).lstrip()[:1] not in ("@", "{", "[", "/", ".") else ():
            name, equals, _value = word.partition("=")
            if not equals:
                found.append(last)
            else:
                # Any other name may be part of a value.
                last = name if re.fullmatch(r"immuta_[a-z_]+", name) else ""
    return found


def reworded(value: t.Any, words: t.Mapping[str, str]) -> t.Any:
    """Return a result with other words in its texts, for a role that calls this one and has variables of its own.

    :param words: what to say for what
    """
    if isinstance(value, str):
        for said, meant in words.items():
            value = re.sub(rf"(?<!\w){re.escape(said)}(?!\w)", meant, value)
        return value
    if isinstance(value, dict):
        return {name: reworded(one, words) for name, one in value.items()}
    return [reworded(one, words) for one in value] if isinstance(value, list) else value


def listed(name: str, value: t.Any) -> tuple[list[str], list[str]]:
    """Return the keys that a variable lists, and what is wrong with it, a sentence each.

    :param value: a list, text with a line for each key, as a survey has it, or nothing; each may be vaulted in line
    """
    if value is None:
        return [], []
    if not isinstance(value, list):
        if found := _options.not_text(value):
            return [], [f"{name} is {found}, not a list of connection keys."]
        value = [line.strip() for line in str(value).splitlines()]
    wrong = [found for found in map(_options.not_text, value) if found]
    return [str(key) for key in value if key], [
        f'{name} contains {found}, which is not text. Put each key in quotes: {name}: ["..."].' for found in wrong
    ]
