# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clean-up script from the configuration of an integration that Immuta can't render one for any more.

Immuta documents the operation for integrations that were not successfully created, and its body nowhere. So this is the last
way to a script, each known body is tried, and what comes of it is marked: see C(saved_script.Owner.regenerated).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import configuration, errors, technologies
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.integration import Integration
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import REGENERATE_CLEANUP_SCRIPT
from ansible_collections.community.immuta.plugins.module_utils._immuta.saved_script import Saved
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply


def find(given: Configuration, integrations: t.Iterable[Integration]) -> Integration | None:
    """Return the listed integration that a configuration is of: that with its id, or else the only one in its place."""
    known = list(integrations)
    if given.id is not None:
        return next((one for one in known if one.id == given.id), None)
    if given.missing:
        return None
    same = [one for one in known if _same_place(configuration.of(one), given)]
    return same[0] if len(same) == 1 else None


def agreed(given: Configuration | None, listed: Configuration, asked: Configuration) -> Configuration:
    """Return what is known of an integration: what Immuta lists of it, and what the task gives in addition.

    :param listed: what Immuta tells of it; empty if it is not listed
    :param asked: what the task and the connection tell of it
    :raises Refused: they are of different integrations
    """
    given = given or Configuration()
    for one, where in ((asked, "what was asked for"), (listed, "the integration that Immuta lists")):
        if names := given.differs(one):
            told = " and ".join(f"{name} {getattr(given, name)!r} (not {getattr(one, name)!r})" for name in names)
            raise errors.Refused(
                f"The given configuration (integration_config) does not match {where}: it has {told}. Nothing"
                " was changed.",
                hint="Look up the configuration of the connection's integration in Immuta or in the report.",
            )
    return dataclasses.replace(given, **{**asked.as_dict(), **listed.as_dict()})


def is_outdated(
    saved: Saved, own: Configuration, given: Configuration | None, listed: Configuration, *, started: bool
) -> bool:
    """Return whether a saved script is to be regenerated, since what it was made from is known better now.

    :param own: what the saved script is of
    :param listed: what Immuta tells of its integration; empty if it is not listed
    :param started: whether a part of the script has run, or all of it
    :raises Refused: what is known now is not what the script is of, and the script can't be replaced
    """
    whole = saved.owner.regenerated
    now = agreed(given, listed, Configuration()) if whole else given or Configuration()
    names = _contradicted(own, now, whole=whole)
    hosts = {host.casefold() for host in saved.owner.hosts}
    if "host" in names and (now.host or "").casefold() in hosts:
        names.remove("host")
    if names and (started or not whole):
        raise _another(saved.path, own, now, names, started=started)
    # What was not known when it was made may lead to more of the script.
    return whole and not started and bool(names or now.as_dict().keys() - own.as_dict().keys())


def _contradicted(own: Configuration, now: Configuration, *, whole: bool) -> list[str]:
    """Return the fields in which two configurations are not the same.

    :param whole: whether every field counts, as for a script that was made from them, or only those that tell the place
    """
    if not whole:
        return own.differs(now)
    mine, theirs = own.as_dict(), now.as_dict()
    both = [name for name in mine if name in theirs]
    return [name for name in both if str(mine[name]).casefold() != str(theirs[name]).casefold()]


def _another(path: str, own: Configuration, now: Configuration, names: list[str], *, started: bool) -> errors.Refused:
    told = " and ".join(f"{name} {getattr(now, name)!r} (not {getattr(own, name)!r})" for name in names)
    has_run = ", which has started to run" if started else ""
    look = "look at what has run, move it and its journal away" if started else "move it away"
    return errors.Refused(
        f"The configuration that is known now (integration_config) is not that of the script at {path}{has_run}: it has"
        f" {told}. Nothing was changed.",
        hint="If the script is the right one, leave integration_config out or correct it, also in the plan or the report that it"
        f" is from. If the script is the wrong one, {look}, and rerun.",
    )


def _same_place(one: Configuration, other: Configuration) -> bool:
    """Return whether two are of one technology, on one host, and in one database or catalog, for certain."""
    pairs = ((one.type, other.type), (one.host, other.host), (one.home, other.home))
    return all(mine and theirs and mine.casefold() == theirs.casefold() for mine, theirs in pairs)


def obstacle(known: Configuration) -> str:
    """Return why it is useless to ask Immuta for a script, as a sentence, or ""."""
    if known.type and technologies.of(known.type).script != "yes":
        return f"It is not known whether Immuta has a clean-up script for the technology {known.type!r}."
    if known.missing:
        return f"To have one regenerated, {' and '.join(known.missing)} of the integration must be known."
    return ""


def ask(client: Client, known: Configuration) -> tuple[Reply | None, list[str]]:
    """Ask for a script with each known body, until one is answered.

    :returns: the answer, or None when all were refused; and what was refused, and how, a clause each
    :raises ImmutaError: it is not known whether Immuta would render one
    """
    refused: list[str] = []
    for about, body in configuration.payloads(known):
        try:
            return client.call(REGENERATE_CLEANUP_SCRIPT, body=body), refused
        except (errors.NotFound, errors.InvalidRequest) as error:
            refused.append(f"{about}: {error.message.rstrip('.')}")
    return None, refused
