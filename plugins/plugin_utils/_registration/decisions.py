# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision after the set-up script is saved and before anything is changed: what to do, or why nothing may be done."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address, _text
from ansible_collections.community.immuta.plugins.module_utils._immuta import fields
from ansible_collections.community.immuta.plugins.module_utils._sql import hosts
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.decisions import unsplit
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed, saved_at
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import PREFIX, Settings

Seen = t.Mapping[str, t.Any]
Rows = t.Sequence[Seen]


@dataclasses.dataclass(frozen=True)
class Decision:
    """What to do. JSON types only.

    :ivar preflight: the platform to sign in to before the plan is shown, or ""
    :ivar look: the script whose objects to look for there, or "" if it is not on the disk
    :ivar run: the task file in C(executors) that deals with the script, or ""
    :ivar compare: whether to compare a connection that exists with its description
    :ivar register: whether to register the connection, or to edit one that exists
    :ivar forget: whether the clean-up script of an earlier registration, which is done, makes room
    """

    preflight: str
    look: str
    run: str
    compare: bool
    register: bool
    forget: bool


def decide(settings: Settings, observed: Observed, *, check_mode: bool) -> Decision:
    """Decide what to do."""
    chosen = settings.executor
    to_run = observed.to_run and not observed.exists
    stated = settings.script_executed
    # In check mode, a script that has changed was not written.
    look = settings.script_path if observed.kept and not (check_mode and observed.script.get("changed")) else ""
    go = settings.confirmed or observed.exists
    run = (
        ("record" if stated else chosen) if to_run and go and (stated or not check_mode or chosen in PLATFORMS) else ""
    )
    return Decision(
        # What has run before is looked for, too: the connection may have been removed since.
        preflight=chosen if chosen in PLATFORMS and (to_run or observed.left) and not stated else "",
        look=look,
        # In check mode, a script that is not there is predicted to run, but another one than that on the disk can't be.
        run=run if look or not check_mode or not observed.kept else "",
        compare=observed.exists,
        register=go and not (to_run and not stated and chosen == "handoff"),
        forget=observed.clean_up(settings).get("state") == "finished",
    )


def removes_script(settings: Settings, observed: Observed) -> bool:
    """Whether to remove the set-up script once the connection works. One that may be the only place of a password is kept."""
    return settings.remove_script and not observed.unfinished(settings.script_path)


def undone(settings: Settings, observed: Observed) -> list[str]:
    """The reasons why what the script of an earlier run created can't be relied on; empty if there are none."""
    if not observed.outdated:
        return []
    gone = [f"{row['kind']} {row['name']}" for row in observed.missing]
    return [
        f"According to the journal {settings.script_path}.journal the set-up script has run, but the platform does not have what"
        f" it creates, or does not show it: {', '.join(gone)}. If the connection was removed since, remove the script and its"
        f" journal with the module immuta_setup_script, state=absent, and path={settings.script_path}, and rerun."
    ]


def allowed(
    settings: Settings,
    connections: Rows,
    integrations: Rows,
    former: t.Mapping[str, t.Any],
    tenant: str | None,
) -> list[str]:
    """The reasons why the registration may not be taken back; empty if there are none.

    :param connections: those with the key, as the module C(immuta_connection_info) returns them
    :param integrations: of the tenant, as the module C(immuta_integration_info) returns them
    :param former: what is saved beside the set-up script, as the module C(saved_scripts_info) returns it
    :param tenant: whose connections these are
    """
    if not settings.integration_config:
        return [
            "The connection is not described by immuta_register_snowflake or immuta_register_databricks, so it can't be compared"
            " with what is there. Describe it so, or remove it with the role deregister_connection."
        ]
    setup = saved_at(former.get("setup_scripts"), settings.script_path)
    if found := _untold(settings, setup, former) or _for_another(settings, setup, tenant):
        return found
    if connections and setup and setup.get("state") != "finished":
        return [_registered_by_others(settings, setup)]
    if connections:
        return [sentence for one in connections for sentence in _other(settings, one, integrations)]
    return _nothing_to_take_back(settings, setup, saved_at(former.get("scripts"), settings.undo_path))


def _registered_by_others(settings: Settings, setup: Seen) -> str:
    """Why a connection that is there was not registered by the role: that comes after the last statement of the set-up script."""
    return (
        f'The connection "{settings.connection_key}" exists, but the set-up script {settings.script_path} on {settings.keeper} has'
        f" run {setup.get('done') or 0} of {setup.get('total') or 'its'} statements, so this registration has not registered it. Somebody"
        " else has. Nothing was deleted or dropped. Find out who, and which of the two is to stay. What the script has created is in"
        f" its journal, {settings.script_path}.journal: if nothing of the connection needs it, have a person drop it. If the connection is"
        " yours, remove it with the role deregister_connection."
    )


def _untold(settings: Settings, setup: Seen, former: t.Mapping[str, t.Any]) -> list[str]:
    """Why it is not known what the set-up script has created; empty if it is known, or if there is no script."""
    path = settings.script_path
    lone = [os.path.basename(one) for one in former.get("journals") or ()]
    # A run that was killed at its end has removed the script, and not yet its journal.
    ended = saved_at(former.get("scripts"), settings.undo_path).get("state") == "finished"
    if f"{os.path.basename(path)}.journal" in lone and not ended:
        return [
            f"The set-up script {path} on {settings.keeper} is not there, but its journal is, so what it has created is not known. Nothing"
            " was deleted or dropped. Restore the script and rerun. If all that the clean-up script drops may go, move the journal away:"
            " then nothing is compared, and the plan says so."
        ]
    # A file that does not say that it is a set-up script is listed among the others.
    stranger = saved_at(former.get("scripts"), path)
    problem = setup.get("problem") or (stranger.get("problem") or "It is not a set-up script." if stranger else "")
    if problem:
        return [
            f"What the set-up script {path} on {settings.keeper} has created, and how far it has come, is not known: {problem}"
            " Nothing was deleted or dropped. Restore it and its journal, and rerun."
        ]
    if setup and setup.get("creates") is None:
        return [
            f"What the set-up script {path} on {settings.keeper} has created is not known, because it can't be split into"
            " statements. Nothing was deleted or dropped. Remove the connection with the role deregister_connection, which"
            " shows what its clean-up script drops; if the connection is not registered, with"
            " immuta_deregister_integration_config."
        ]
    return []


# What a set-up script and the clean-up script of the description have to have in common, and what can't always be compared.
IN_COMMON = ("database", "catalog", "role", "impersonation_role")
COMPARED_IF_KNOWN = ("user", "principal")


def _for_another(settings: Settings, setup: Seen, tenant: str | None) -> list[str]:
    """Why the set-up script that is saved is not the one of what is described; empty if it is, or if there is no script."""
    if not setup:
        return []
    own, saved = settings.integration_config, setup.get("integration_config") or {}
    pairs: dict[str, tuple[t.Any, t.Any]] = {
        "tenant": (_address.normal(tenant or ""), _address.normal(setup.get("tenant") or "")),
        "technology": (own["type"], setup.get("technology")),
        "integration": (None, saved.get("id")),
        "host": (own["host"].lower(), str(saved.get("host") or "").lower()),
        **{name: (own.get(name), saved.get(name)) for name in IN_COMMON},
        **{name: (own[name], saved[name]) for name in COMPARED_IF_KNOWN if name in own and name in saved},
    }
    differing = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if not differing:
        return []
    told = ", ".join(
        f"the {name.replace('_', ' ')} {theirs or '(none)'}, not {mine or '(none)'}"
        for name, (mine, theirs) in differing.items()
    )
    return [
        f"The set-up script {settings.script_path} on {settings.keeper} is not for what is described: it is for {told}. The"
        " clean-up script of the description would drop what that one has not created. Nothing was deleted or dropped. Correct"
        " the description or the tenant, or set immuta_register_script_dir to the folder of this registration's set-up script. If the"
        " connection was edited since, so that no description fits both, remove it with the role deregister_connection."
    ]


def _nothing_to_take_back(settings: Settings, setup: Seen, undo: Seen) -> list[str]:
    """Why there is nothing to do for a connection that is not registered; empty if there is something."""
    if undo.get("integration_id") is not None:
        # It was registered: an earlier run has saved this, and was stopped when it had deleted the connection.
        return []
    if {setup.get("state"), undo.get("state")} <= {None, "none"} and not undo.get("problem"):
        return [
            f'There is nothing to take back: "{settings.connection_key}" is not registered, and no statement of the set-up script'
            f" {settings.script_path} on {settings.keeper} has run. If it is kept elsewhere, set immuta_register_script_dir. If"
            " a person ran it, or it is lost, use the role deregister_connection with immuta_deregister_integration_config."
        ]
    if setup.get("acted") is False and undo.get("state") in (None, "none") and not undo.get("problem"):
        return [
            f'There is nothing to take back: "{settings.connection_key}" is not registered, and the set-up script'
            f" {settings.script_path} on {settings.keeper} has created and changed nothing yet: no statement has run but such as"
            " change the session. What is on the platform is not of this registration. To register the connection, rerun with"
            " immuta_register_state=present. To give it up, remove the script and its journal with the module immuta_setup_script,"
            " state=absent, and force=true."
        ]
    return []


# What has to be known of both to say that they are one.
HOMES = {"Snowflake": "database", "Databricks": "catalog"}


def _other(settings: Settings, one: t.Mapping[str, t.Any], integrations: Rows) -> list[str]:
    """The reasons why the connection with this key is not certainly the one that is described."""
    own = settings.integration_config
    home = HOMES[own["type"]]
    about = _behind(one, own, integrations)
    made = about.get("integration_config") or {}
    needed = {
        "technology": (own["type"], one["technology"]),
        "host": (own.get("host"), one["hostname"] or about.get("host")),
        home: (own.get(home), about.get(home)),
    }
    told = {name: (own.get(name), made.get(name)) for name in ("role", "user", "principal")}
    differing = {
        name: (mine, theirs)
        for name, (mine, theirs) in {**needed, **told}.items()
        if mine and theirs and _address.normal(str(mine)) != _address.normal(str(theirs))
    }
    found = [
        f'The connection "{one["key"]}" has the {name} {theirs}, not {mine}, so it is not the one that is described. Correct the'
        " description, or remove the connection with the role deregister_connection."
        for name, (mine, theirs) in differing.items()
    ]
    unknown = [name for name, (mine, theirs) in needed.items() if not (mine and theirs)]
    if unknown and not found:
        found.append(
            f'The {" and the ".join(unknown)} of the connection "{one["key"]}" can\'t be compared with its description, so it is'
            " not certain that it is the one that is described. Remove it with the role deregister_connection."
        )
    return found


def _behind(one: t.Mapping[str, t.Any], own: t.Mapping[str, t.Any], integrations: Rows) -> t.Mapping[str, t.Any]:
    """The integration of a connection: the one that it names, or the only one on the described host, which a removal takes."""
    if one["integration_id"] is not None:
        return next((each for each in integrations if each["id"] == one["integration_id"]), {})
    host = _address.normal(str(own.get("host") or ""))
    there = [each for each in integrations if each.get("host") and _address.normal(each["host"]) == host]
    return there[0] if len(there) == 1 else {}


def _taken_back(settings: Settings, observed: Observed) -> list[str]:
    """Why what the set-up script made may be gone, though its journal says that it has run; empty if it is there."""
    former = observed.clean_up(settings)
    if former.get("problem"):
        return [
            f"Whether this registration was taken back is not known: {former['problem']} The clean-up script is"
            f" {settings.undo_path}. Nothing was run or registered. Restore the script or, if the platform has nothing of it,"
            " remove it."
        ]
    started = observed.progress.get("state", "none") != "none"
    if former.get("state") == "partial" or (former.get("state") == "finished" and started):
        return [
            f"This registration is being taken back, by the script {settings.undo_path}. Nothing was run or registered. To"
            " finish that, rerun with immuta_register_state=undone and immuta_register_confirm. Then register the"
            " connection again."
        ]
    return []


def _mistakable(settings: Settings, observed: Observed) -> list[str]:
    """Why a new connection may not have its key; empty if it may."""
    key, same = settings.connection_key, observed.found.get("lookalikes")
    if observed.exists:
        return []
    if same:
        return [
            f"There is no connection {key!a}, but there is {same[0]!a}, and people can't tell the two. Nothing was run or"
            " registered. If that one is meant, set immuta_register_connection_key to its key exactly. Else choose another key."
        ]
    if not _text.typable(key):
        return [
            f"immuta_register_connection_key is {key!a}, which has white space at an end, or a character that can't be seen."
            " Nothing was run or registered. Choose a key that people can tell from others, and type."
        ]
    return []


def obstacles(settings: Settings, observed: Observed) -> list[str]:
    """The reasons why the registration can't be finished and nothing may be changed; empty if there are none."""
    script = observed.script
    if found := _mistakable(settings, observed) or _taken_back(settings, observed):
        return found
    if observed.exists or not observed.to_run:
        return []
    found = _beside(settings, observed)
    durability = script.get("durability") or {}
    if durability.get("lasting") == "dies" and not settings.script_durable:
        found.append(
            f"The script at {settings.script_path} on {settings.keeper} would not outlive this run: {durability['why']}. If"
            " the run stops in the middle, it is needed again. Set immuta_register_script_dir to a folder that lasts (in a"
            " container, a mounted one), or immuta_register_script_host to a host that keeps it. If the path does last, set"
            " immuta_register_script_durable."
        )
    return [*found, *_unsplit(settings, observed)]


def _beside(settings: Settings, observed: Observed) -> list[str]:
    """Why Immuta may refuse the registration when the script has run: another integration is in use on the host."""
    own = settings.integration_config
    technology, host = own.get("type") or "", own.get("host") or ""
    others = [
        one
        for one in observed.found.get("integrations") or ()
        if one["in_use"] and one["type"] == technology and hosts.same(technology.lower(), host, one["host"] or "")
    ]
    if not others or settings.named:
        return []
    named = ", ".join(f"{one['id']} ({one['status']!r})" for one in others)
    return [
        f"Immuta has an integration on {host} already: {named}. Immuta documents that it then refuses another connection there, after the"
        " set-up script has run. Nothing was run or registered. If it is left over, remove it first: deregister its connection with the"
        " role deregister_connection. If your tenant takes several on one host, set immuta_register_confirm to the key of the connection."
    ]


def _unsplit(settings: Settings, observed: Observed) -> list[str]:
    """Why the executor can't run the script statement by statement; empty if it can, or if a person has run the script."""
    error = observed.script.get("split_error")
    if settings.executor not in PLATFORMS or settings.script_executed or not error:
        return []
    return [unsplit("set-up", settings.script_path, settings.executor, error, PREFIX)]


def code(settings: Settings, observed: Observed) -> str:
    """The error code of what C(obstacles) finds, from which follows what helps."""
    if _mistakable(settings, observed):
        return "ambiguous_key"
    if observed.exists or not observed.to_run or _taken_back(settings, observed):
        return "refused"
    if _beside(settings, observed):
        return "already_exists"
    return "split_error" if _unsplit(settings, observed) else "refused"


def doubts(settings: Settings, observed: Observed) -> list[str]:
    """What speaks against the key of a new connection, or against who is to sign in."""
    found = "" if observed.exists else _text.mixed(settings.connection_key)
    return [*([found] if found else []), *_others_created(settings, observed)]


def _others_created(settings: Settings, observed: Observed) -> list[str]:
    """That the set-up script creates a role or a user, and the connection is to sign in with another one."""
    rows = observed.script.get("statements") or () if observed.to_run and not observed.exists else ()
    found = []
    for name in ("role", "user"):
        own = settings.integration_config.get(name)
        made = [row["name"] for row in rows if (row["verb"], row["object"]) == ("CREATE", name.upper())]
        if own and made and fields.folded(own) not in map(fields.folded, made):
            found.append(
                f"The set-up script creates the {name} {', '.join(made)}, and the connection signs in with the {name} {own}, which it"
                f" does not create. Make sure that {own} is there and has what it needs, or correct the description."
            )
    return found
