# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbooks decide: which connections become hosts, and what each host has come to."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t
import urllib.parse

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PREFIX

# A host, its connection key, or "", and its result, empty when the role has left none.
HostResult = tuple[str, str, dict[str, t.Any]]
# The variables that the choice depends on.
CHOICE = tuple(f"{PREFIX}{name}" for name in ("connection_keys", "connection_key", "hosts", "approved", "plan"))

# The variable in which a removal leaves what came of each connection, and the playbook in its file.
OUTCOME = "immuta_deregister"
PLAN = "immuta_deregister_plan"


def choose(variables: t.Mapping[str, t.Any]) -> list[dict[str, str]]:
    """The connections that are to become hosts: those that are listed, or else those of the approved plan.

    :param variables: those of C(CHOICE) that are set
    """
    given = {name.removeprefix(PREFIX): value for name, value in variables.items() if value}
    listed = given.get("connection_keys", [])
    # A survey's answer has a line for each.
    lines = [line.strip() for line in listed.splitlines()] if isinstance(listed, str) else listed
    keys = [key for key in lines if key]
    if not keys and "approved" in given and not ("hosts" in given or "connection_key" in given):
        keys = [connection["connection_key"] for connection in given.get("plan", {}).get("connections", [])]
    return [{"name": host_name(key), "connection_key": key} for key in dict.fromkeys(keys)]


def host_name(connection_key: str) -> str:
    """A host's name for a key: Ansible takes some characters for patterns and ranges."""
    return urllib.parse.quote(str(connection_key), safe="").replace("%", "=")


def results(variables: t.Mapping[str, t.Any], template: t.Callable[[t.Any], t.Any]) -> t.Iterator[HostResult]:
    """What each host of the play has come to.

    :param variables: of any host of the play
    """
    for host in variables["ansible_play_hosts_all"]:
        own = variables["hostvars"][host]
        key = own.get(f"{PREFIX}connection_key")
        yield host, str(template(key)) if key else "", own.get(f"{PREFIX}result") or {}


def output_path(given: str, *, check_mode: bool) -> str:
    """Where to write; a relative path is below the working folder.

    In check mode it is a file beside, since what came of a real run must not be replaced: C(NAME.check.json).
    """
    path = os.path.abspath(os.path.expanduser(given))
    start, suffix = os.path.splitext(path)
    return f"{start}.check{suffix}" if check_mode else path


def output_mistake(path: str, *, plan: bool) -> str:
    """What is wrong with the file that is to be written at the end, or "".

    :param plan: whether a plan is to be written, which may not replace what came of a removal
    """
    try:
        os.stat(os.path.dirname(path))
        _files.try_to_write(path)
        return must_stay(path, plan=plan)
    except OSError as error:
        return f"The file {path} of immuta_deregister_output can't be written: {error.strerror}. Name another one."


def must_stay(path: str, *, plan: bool) -> str:
    """Why a file must not be replaced, or "": it is neither a plan nor an outcome, such as a script or a report.

    :param plan: whether a plan is to be written, which may not replace what came of a removal
    :raises OSError: it can't be read
    """
    try:
        # An empty file may have been made to keep the name.
        if not (raw := _files.read_regular(path, limit=None)):
            return ""
        found = json.loads(raw)
    except FileNotFoundError:
        return ""
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not {OUTCOME, PLAN} & set(found):
        kind = "something other than a plan or an outcome, which must not be replaced"
    elif plan and OUTCOME in found:
        kind = "what came of a removal, and a plan must not replace that"
    else:
        return ""
    return f"The file {path} of immuta_deregister_output holds {kind}. Name another one."


def write(path: str, content: t.Mapping[str, t.Any]) -> bool:
    """Write a JSON file, whole or not at all.

    :returns: whether the file has changed
    :raises OSError: it can't be written
    """
    data = f"{json.dumps(content, indent=4, sort_keys=True, ensure_ascii=False)}\n".encode("utf-8", "backslashreplace")
    with contextlib.suppress(FileNotFoundError):
        if _files.read_regular(path, limit=None) == data:
            return False
    _files.replace(path, data)
    return True
