# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the roles that nothing has disturbed, and how long those wait that are."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.tests.harness.arriving import SITES, Registering
from ansible_collections.community.immuta.tests.harness.beginnings import begin
from ansible_collections.community.immuta.tests.harness.play import Played
from ansible_collections.community.immuta.tests.harness.site import Platform, Site, bare, together

# How long whoever is not answered waits, in seconds. A run that is disturbed may fail for it; the next ones wait longer.
PATIENCE, WAIT = 3, 2
IMMUTA: dict[str, t.Any] = {"timeout": PATIENCE, "retries": 1}
IMPATIENT = {
    **dict.fromkeys(
        (
            "community.immuta.immuta_cleanup_script",
            "community.immuta.immuta_connection_info",
            "community.immuta.immuta_integration_info",
            "community.immuta.immuta_setup_script",
        ),
        IMMUTA,
    ),
    "community.immuta.immuta_connection": {**IMMUTA, "wait_timeout": WAIT},
    "community.immuta.snowflake_script": {
        "login_timeout": PATIENCE,
        "network_timeout": 1,
        "statement_timeout": PATIENCE,
    },
    "community.immuta.databricks_script": {"login_timeout": PATIENCE, "network_timeout": PATIENCE},
}


class Sent(t.NamedTuple):
    """A statement of a script.

    :ivar session: whether it sets up the session, and may come again, and earlier, where a history is asked
    """

    text: str
    repeatable: bool
    session: bool


class Undisturbed(t.NamedTuple):
    """A run that nothing has disturbed.

    :ivar operations: what Immuta was asked, in order
    :ivar logins: how often the platform was signed in to
    :ivar looks: how often it was asked for something that changes nothing
    :ivar script: all statements of the script, in order
    :ivar sent: those that this run has sent
    :ivar snapshot: what there is on the platform in the end
    :ivar last_id: of the integrations that Immuta has made
    """

    operations: list[str]
    logins: int
    looks: int
    script: list[Sent]
    sent: list[Sent]
    snapshot: t.Any
    last_id: int


# From where the plays begin that faults disturb, by way and platform: other requests, as far as there are any.
STARTS: dict[tuple[str, Platform], str] = {
    ("out", "snowflake"): "cold",
    ("out", "databricks"): "saved",
    ("in", "snowflake"): "cold",
    ("in", "databricks"): "resumed",
    ("back", "snowflake"): "whole",
    ("back", "databricks"): "half",
}


def undisturbed(way: str, platform: Platform) -> Undisturbed:
    """Such a run."""
    return _recorded(SITES[way].role)[way, platform]


def undisturbed_on(one: Site) -> Undisturbed:
    """Such a run on a site like this."""
    return undisturbed(next(way for way, kind in SITES.items() if type(one) is kind), one.platform)


@functools.cache
def _recorded(role: str) -> dict[tuple[str, Platform], Undisturbed]:
    """All of a role, from one playbook."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sites = {
            (way, platform): stack.enter_context(SITES[way](platform, folder / f"{way}-{platform}"))
            for way, platform in STARTS
            if SITES[way].role == role
        }
        begin([(one, STARTS[of]) for of, one in sites.items()])
        before = [(len(one.immuta.requests), len(one.server.looks), len(one.executed)) for one in sites.values()]
        played = together([*sites.values()])
        return {
            of: _record(one, each, *already)
            for (of, one), each, already in zip(sites.items(), played, before, strict=True)
        }


def _record(one: Site, played: Played, requests: int, looks: int, executed: int) -> Undisturbed:
    assert played.code == 0, played.output
    assert played.result["status"] == one.ends[0]
    rows = zip(played.result["script"]["statements"], one.statements, strict=True)
    script = [Sent(bare(statement.text), row["repeatable"], row["session"]) for row, statement in rows]
    known = {sent.text: sent for sent in script}
    return Undisturbed(
        [str(request.operation_id) for request in one.immuta.requests[requests:]],
        len(one.server.logins),
        len(one.server.looks) - looks,
        script,
        [known[text] for text in one.executed[executed:]],
        one.snapshot,
        one.immuta.state.last_id,
    )


def impatient(one: Site) -> dict[str, t.Any]:
    """The role's variables that have it wait no longer than C(IMPATIENT)."""
    return {"wait_timeout": WAIT} if isinstance(one, Registering) else {}
