# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the playbook C(community.immuta.audit)."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils import _variables
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import environment
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

PREFIX = "immuta_audit_"
# What its tasks register, which must not be set from outside.
OWN = "immuta_audited_"
FAIL_ON = ("leftovers", "uncertain", "never")
OPTIONS: dict[str, dict[str, t.Any]] = {
    f"{PREFIX}platforms": {"type": "list", "elements": "str", "choices": list(PLATFORMS)},
    f"{PREFIX}output": {"type": "str"},
    f"{PREFIX}draft": {"type": "str"},
    f"{PREFIX}fail_on": {"type": "str", "choices": list(FAIL_ON), "default": "never"},
    f"{PREFIX}idle_days": {"type": "float", "default": 14.0},
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """The variables as they take effect. JSON types only: they travel between tasks.

    :ivar platforms: where to look
    :ivar output: the file for the result in JSON, or ""
    :ivar draft: the file for the draft of a script, or ""
    :ivar fail_on: what makes the playbook fail
    :ivar idle_days: for how many days nobody must have made, or signed in with, what is left over
    """

    platforms: list[str]
    output: str
    draft: str
    fail_on: str
    idle_days: float


def read(variables: t.Mapping[str, t.Any], ready: t.Sequence[str], *, hosts: int) -> Settings:
    """Read the variables; an empty string counts as not set.

    :param ready: the platforms for which there is all that a sign-in takes
    :param hosts: how many hosts the play has
    :raises Refused: one has the wrong type or value, or they contradict each other
    """
    value = _variables.validated(variables, OPTIONS, PREFIX)
    if value["idle_days"] < 0:
        raise Refused(f"{PREFIX}idle_days is {value['idle_days']:g}. Set it to a number of days, 0 for none.")
    platforms = [one for one in PLATFORMS if one in (value["platforms"] or ready)]
    if not platforms:
        raise Refused(
            f"There is no platform to look at: {'; '.join(_lacking())}. Set these in the environment of"
            " ansible-playbook, or as options of the modules."
        )
    draft = value["draft"] or ""
    if draft and (hosts > 1 or len(platforms) > 1):
        raise Refused(
            f"{PREFIX}draft is one script for one account or metastore, and this run is for"
            f" {hosts * len(platforms)}. Set {PREFIX}platforms to one of {', '.join(PLATFORMS)}, and"
            " immuta_deregister_hosts to one host."
        )
    known = Settings(platforms, _path(value["output"]), _path(draft), value["fail_on"], value["idle_days"])
    if draft and known.output == known.draft:
        raise Refused(f"{PREFIX}output and {PREFIX}draft are the same file, {known.draft}. Name another one.")
    return known


def _path(given: str | None) -> str:
    return os.path.abspath(os.path.expanduser(given)) if given else ""


def _lacking() -> t.Iterator[str]:
    for platform in PLATFORMS:
        lacks = environment.lacking(platform, ())
        yield f"{platform.capitalize()} takes {', '.join(lacks)}"


def draft_mistake(path: str) -> str:
    """An error if the draft can't be written to the file, or ""."""
    if not path:
        return ""
    if os.path.lexists(path):
        return f"The file {path} of {PREFIX}draft already exists, and a draft never replaces a file. Name another one."
    if not os.path.isdir(folder := os.path.dirname(path)):
        return f"The file {path} of {PREFIX}draft can't be written: {folder} is not a folder. Name another one."
    return ""
