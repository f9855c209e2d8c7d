# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks' decisions: which connections become hosts, and the result of each host."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible.inventory.manager import split_host_pattern

from ansible_collections.community.immuta.plugins.module_utils import _files, _text
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval, names, neighbours
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PREFIX
from ansible_collections.community.immuta.plugins.plugin_utils._host_names import host_name
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

# A host, its connection key, or "", and its result, empty when the role has left none.
HostResult = tuple[str, str, dict[str, t.Any]]
# The variables that the choice depends on.
CHOICE = tuple(
    f"{PREFIX}{name}"
    for name in ("connection_keys", "connection_key", "hosts", "approved", "plan", "confirm", "no_hosts", "no_limit")
)

# The group of the hosts that are made of connections.
CHOSEN = "immuta_chosen"
# The variable in which a removal leaves what came of each connection, and the playbook in its file.
OUTCOME = "immuta_deregister"
PLAN = "immuta_deregister_plan"
# What an audit leaves in its file.
AUDIT = "immuta_audit"


class Written(t.NamedTuple):
    """A file that a playbook writes.

    :ivar variable: that names it
    :ivar files: what it may replace
    :ivar named: the same for people
    """

    variable: str
    files: tuple[str, ...]
    named: str


WRITTEN = {
    **dict.fromkeys((PLAN, OUTCOME), Written(f"{PREFIX}output", (PLAN, OUTCOME), "a plan or an outcome")),
    AUDIT: Written("immuta_audit_output", (AUDIT,), "an audit"),
}


# The variables with which an inventory says how to reach a host.
REACHED = ("ansible_connection", "ansible_host")


def choose(
    variables: t.Mapping[str, t.Any], hosts: t.Mapping[str, t.Mapping[str, t.Any]], interpreter: str
) -> list[dict[str, str]]:
    """The connections that are to become hosts: those that are listed, or else those of the approved plan.

    A host of the inventory with the name of a connection's host keeps its variables.

    :param variables: those of C(CHOICE) that are set
    :param hosts: the variables of the inventory's hosts
    :param interpreter: the Python of localhost, for hosts that are there
    :raises Refused: the variables contradict each other, or a host is for something else
    """
    given = {name.removeprefix(PREFIX): value for name, value in variables.items() if value}
    keys, wrong = names.listed(f"{PREFIX}connection_keys", given.get("connection_keys"))
    if wrong:
        raise Refused(" ".join(wrong))
    if keys and "connection_key" in given:
        raise Refused(
            "Both immuta_deregister_connection_key and immuta_deregister_connection_keys are set, and the first one"
            " would be the connection of every host. Remove one of them."
        )
    if len(keys) > 1 and "confirm" in given:
        raise Refused(
            "immuta_deregister_confirm confirms one connection, and immuta_deregister_connection_keys lists several."
            " Plan them with community.immuta.plan, and approve the plan."
        )
    if keys and "hosts" in given:
        raise Refused(
            "Both immuta_deregister_connection_keys and immuta_deregister_hosts are set, and the second one would be"
            " ignored. Remove one of them."
        )
    if "approved" in given:
        plan = given.get("plan", {})
        if mistake := approval.mistake(plan, str(given["approved"]).strip()):
            raise Refused(mistake)
        if not (keys or "hosts" in given or "connection_key" in given):
            keys = [connection["connection_key"] for connection in plan["connections"]]
    return [_host(key, hosts, interpreter) for key in dict.fromkeys(keys)]


def _host(key: str, hosts: t.Mapping[str, t.Mapping[str, t.Any]], interpreter: str) -> dict[str, str]:
    name = host_name(key)
    chosen = {"name": name, "connection_key": key, "label": _text.printable(key)}
    own = neighbours.about(name, hosts)
    known = own.get(f"{PREFIX}connection_key", key)
    if known != key:
        raise Refused(
            f'The host "{name}" of the inventory is for "{known}" (immuta_deregister_connection_key), not for "{key}".'
            " Rename it."
        )
    # No server has such a name, unless the inventory says how to reach it.
    if not any(own.get(variable) for variable in REACHED):
        chosen["connection"] = "local"
        if not own.get("ansible_python_interpreter"):
            chosen["interpreter"] = interpreter
    return chosen


def hosts(
    variables: t.Mapping[str, t.Any],
    groups: t.Container[str],
    limit: str,
    matching: t.Callable[[str], t.AbstractSet[str]],
    limited: t.Callable[[str], t.AbstractSet[str]],
) -> str:
    """The pattern of the hosts that a play is for.

    :param variables: those of C(CHOICE) that are set
    :param groups: of the inventory
    :param limit: of the command line, or ""
    :param matching: the hosts that a pattern matches
    :param limited: those of them that the limit leaves
    :raises Refused: none matches, so that Ansible would do nothing and call it a success; or a limit is wanted, and there is none
    """
    pattern = CHOSEN if CHOSEN in groups else variables.get(f"{PREFIX}hosts") or "localhost"
    # What is approved is limited by its plan.
    chosen = CHOSEN in groups or variables.get(f"{PREFIX}approved")
    if not (limit or chosen) and variables.get(f"{PREFIX}no_limit") not in (None, "", "accept"):
        raise Refused(
            f'There is no limit, so every connection of "{pattern}" would be included. Launch again with a limit that names hosts'
            " or groups of the inventory, or set immuta_deregister_no_limit to accept."
        )
    if variables.get(f"{PREFIX}no_hosts") == "accept":
        return str(pattern)
    for part in split_host_pattern(pattern):
        # What is taken out may be gone already.
        if not part.startswith("!") and not matching(part.lstrip("&")):
            raise Refused(f'"{part}" of immuta_deregister_hosts matches no host of the inventory. Correct it.')
    if not limited(pattern):
        raise Refused(
            f'--limit "{limit}" excludes every host of "{pattern}", so nothing would be done. Correct it. Without'
            " immuta_deregister_hosts, remove it: connections are then chosen on localhost."
        )
    return pattern


def results(variables: t.Mapping[str, t.Any], template: t.Callable[[t.Any], t.Any]) -> t.Iterator[HostResult]:
    """The result of each host of the play.

    :param variables: of any host of the play
    """
    for host in variables["ansible_play_hosts_all"]:
        own = variables["hostvars"][host]
        key = own.get(f"{PREFIX}connection_key")
        yield host, str(template(key)) if key else "", own.get(f"{PREFIX}result") or {}


def output_path(given: str, *, check_mode: bool) -> str:
    """The path to write to; a relative path is below the working folder.

    In check mode it is C(NAME.check.json) beside it, so the outcome of a real run is never replaced.
    """
    path = os.path.abspath(os.path.expanduser(given))
    start, suffix = os.path.splitext(path)
    return f"{start}.check{suffix}" if check_mode else path


def output_mistake(path: str, kind: str) -> str:
    """An error if the file can't be written at the end, or "".

    :param kind: what is to be written: C(PLAN), C(OUTCOME), or C(AUDIT)
    """
    try:
        os.stat(os.path.dirname(path))
        with contextlib.suppress(BlockingIOError):
            _files.try_to_write(path)
        return must_stay(path, kind)
    except OSError as error:
        return f"The file {path} of {WRITTEN[kind].variable} can't be written: {error.strerror}. Name another one."


def must_stay(path: str, kind: str) -> str:
    """An error if the file must not be replaced, or "": it is a script, a report, or the outcome of a removal.

    :param kind: what is to be written: C(PLAN), C(OUTCOME), or C(AUDIT)
    :raises OSError: it can't be read
    """
    own = WRITTEN[kind]
    try:
        # An empty file may have been made to keep the name.
        if not (raw := _files.read_regular(path, limit=None)):
            return ""
        found = json.loads(raw)
    except FileNotFoundError:
        return ""
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not set(own.files) & set(found):
        what = f"something other than {own.named}, and it must not be replaced"
    elif kind == PLAN and OUTCOME in found:
        what = "the outcome of a removal, and a plan must not replace it"
    else:
        return ""
    return f"The file {path} of {own.variable} contains {what}. Name another one."


def write(path: str, content: t.Mapping[str, t.Any]) -> None:
    """Write a JSON file, whole or not at all. It is a run's result, so nobody counts it as a change.

    :raises OSError: it can't be written
    """
    data = f"{json.dumps(content, indent=4, sort_keys=True, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace")
    _files.replace(path, data)
