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


def require_free(known: Configuration, integrations: t.Iterable[Integration]) -> None:
    """Refuse to have a script regenerated that would remove what an integration in use has on the platform.

    :raises Refused: one in use has the same database or catalog, or may have it
    """
    for one in integrations:
        if one.id != known.id and one.in_use and _same_place(configuration.of(one), known, unless_told=True):
            raise errors.Refused(
                f"The integration {one.id} is {one.status!r}, and is or may be on {known.host} with"
                f" {known.home!r}: a script regenerated for that place would remove what it needs. Nothing was"
                " changed.",
                hint="Deregister the connection of that integration, whose script Immuta renders. It removes what is there.",
                code="integration_shared",
            )


def _same_place(one: Configuration, other: Configuration, *, unless_told: bool = False) -> bool:
    """Return whether two are of one technology, on one host, and in one database or catalog.

    :param unless_told: whether an unknown place counts as the same
    """
    pairs = ((one.type, other.type), (one.host, other.host), (one.home, other.home))
    return all(
        unless_told if mine is None or theirs is None else mine.casefold() == theirs.casefold()
        for mine, theirs in pairs
    )


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
