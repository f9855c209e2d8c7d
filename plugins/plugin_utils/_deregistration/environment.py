# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that the playbooks pass to a host's modules: its own, and the controller's environment where needed.

A module on the controller reads the environment itself. Only what another host can't see is passed on, since a module's
options stay on the disk of its host when the run is killed.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.community.immuta.plugins.module_utils._immuta.options import (
    API_KEY_VARIABLES,
    MANNER_VARIABLES,
    URL_VARIABLES,
)
from ansible_collections.community.immuta.plugins.module_utils._sql import databricks, snowflake
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import neighbours
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.names import PREFIX

# By group of module_defaults: the options, and the variables that each is taken from, the first that is set.
GROUPS: dict[str, t.Mapping[str, t.Sequence[str]]] = {
    "immuta": {"url": URL_VARIABLES, "api_key": API_KEY_VARIABLES, **MANNER_VARIABLES},
    "snowflake": snowflake.VARIABLES,
    "databricks": databricks.VARIABLES,
}
# The variables of a host that go before the environment.
OPTIONS = {group: f"{PREFIX}{group}_options" for group in GROUPS}
# The variables that say where the modules of a host run.
DEPENDS_ON = (f"{PREFIX}script_host", "ansible_become")
# What a sign-in takes at least, each in one of several ways.
AT_LEAST: dict[str, tuple[tuple[str, ...], ...]] = {
    "immuta": (("url",), ("api_key",)),
    "snowflake": (("account",), ("user",), snowflake.CREDENTIALS),
    "databricks": (("host",), ("http_path", "warehouse_id"), ("token", "client_id")),
}
Variables = t.Mapping[str, t.Any]


def elsewhere(
    host: str, variables: Variables, hosts: t.Mapping[str, Variables], *, connection: str, become: bool
) -> bool:
    """Whether the modules of a host see another environment than the controller's.

    :param variables: of the host
    :param hosts: the variables of all hosts
    :param connection: of a host that names none
    :param become: whether every task becomes another user
    """
    keeper = str(variables.get(f"{PREFIX}script_host") or host)
    if become or any(_is_true(one.get("ansible_become")) for one in (neighbours.about(keeper, hosts), variables)):
        return True
    return not neighbours.is_local(keeper, hosts, connection)


def _is_true(value: t.Any) -> bool:
    """Read a boolean as Ansible does; what is none counts as true, so that the modules get what they may need."""
    return bool(boolean(value, strict=False)) if isinstance(value, (str, int, bool)) else bool(value)


def options(group: str, own: t.Any, environment: t.Mapping[str, str], *, elsewhere: bool) -> dict[str, t.Any]:
    """The options of a group for a host.

    :param own: the host's variable of C(OPTIONS), or None
    :param environment: of the controller
    :param elsewhere: whether the modules see another one
    :raises ValueError: the host's variable is not a dictionary, or names an option that the group does not have
    """
    if not isinstance(own or {}, dict):
        raise ValueError(f"{OPTIONS[group]} is not a dictionary. Write it as option: value.")
    found = _of_environment(group, environment) if elsewhere else {}
    return {**found, **(own or {})}


def _of_environment(group: str, environment: t.Mapping[str, str]) -> dict[str, str]:
    return {
        option: environment[name]
        for option, names in GROUPS[group].items()
        if (name := next(filter(environment.get, names), None))
    }


def missing(
    given: t.Mapping[str, t.Collection[str]], environment: t.Mapping[str, str], platforms: t.Sequence[str]
) -> str:
    """Say all at once what is not set, if Immuta can't be asked; else "".

    :param given: by group, the options that are set otherwise
    :param platforms: the groups of the platforms that the script may have to be run on
    """
    if environment.get(snowflake.DEFAULT_CONNECTION):
        given = {**given, "snowflake": ["connection_name"]}
    lacks = {
        group: lacking(group, {*given.get(group, ()), *_of_environment(group, environment)})
        for group in ("immuta", *platforms)
    }
    if not lacks["immuta"]:
        return ""
    # With several platforms, one that has all it takes is the one that is meant.
    if any(not lacks[platform] for platform in platforms):
        lacks = {"immuta": lacks["immuta"]}
    said = "; ".join(f"for {group.capitalize()} {', '.join(what)}" for group, what in lacks.items() if what)
    either = " (one of the platforms)" if len(lacks) > 2 else ""
    return f"Not set: {said}{either}. Set them in the environment of ansible-playbook, or as options of the modules."


def lacking(group: str, known: t.Collection[str]) -> list[str]:
    """The variables of the environment that a sign-in would take besides.

    :param known: the options that are set
    """
    if "connection_name" in known:
        return []
    missing = [ways for ways in AT_LEAST[group] if not any(option in known for option in ways)]
    return [" or ".join(GROUPS[group][option][0] for option in ways) for ways in missing]


def signs_in(platform: str, given: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> bool:
    """Whether the modules of a platform have what a sign-in takes, as far as that can be seen.

    :param given: the options that are set otherwise
    :param environment: of the modules; empty if it can't be seen
    """
    named = platform == "snowflake" and environment.get(snowflake.DEFAULT_CONNECTION)
    known = {option for option, value in given.items() if value not in ("", None)}
    return bool(named) or not lacking(platform, {*known, *_of_environment(platform, environment)})


def ready(given: t.Mapping[str, t.Mapping[str, t.Any]], environment: t.Mapping[str, str]) -> list[str]:
    """The platforms for which there is all that a sign-in takes.

    :param given: by group, the options that are set otherwise
    """
    return [group for group in GROUPS if group != "immuta" and signs_in(group, given.get(group, {}), environment)]


def of_group(defaults: t.Any, group: str) -> t.Any:
    """The options of an action group in C(module_defaults), the innermost ones."""
    name = f"group/community.immuta.{group}"
    found = [one[name] for one in defaults or () if isinstance(one, dict) and name in one]
    return found[-1] if found else {}


def of_play(task: t.Any, name: str) -> t.Any:
    """What the play of a task says, as it was written; None if it says nothing. Ansible has no other way to it."""
    return getattr(getattr(getattr(task, "_parent", None), "_play", None), name, None)
