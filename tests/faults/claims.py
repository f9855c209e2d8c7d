# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be true of a run of the role: of its end, and of every claim that it makes when it stops on the way."""

from __future__ import annotations

import functools
import re
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import stops
from ansible_collections.community.immuta.tests.harness.play import Played
from ansible_collections.community.immuta.tests.harness.points import Wrong
from ansible_collections.community.immuta.tests.harness.servers import SECRETS
from ansible_collections.community.immuta.tests.harness.site import Platform, Site, bare, together

# How long whoever is not answered waits, in seconds. A run that is disturbed may fail for it; the next ones wait longer.
PATIENCE = 3
IMPATIENT = {
    "community.immuta.immuta_cleanup_script": {"timeout": PATIENCE, "retries": 1},
    "community.immuta.immuta_connection": {"timeout": PATIENCE, "retries": 1, "wait_timeout": 2},
    "community.immuta.snowflake_script": {
        "login_timeout": PATIENCE,
        "network_timeout": 1,
        "statement_timeout": PATIENCE,
    },
    "community.immuta.databricks_script": {"login_timeout": PATIENCE, "network_timeout": PATIENCE},
}
STOPPED = re.compile(
    r'Stopped at "(?P<task>.+?)": (?P<message>.+)\nDONE: (?P<done>.+?)\.\nNOT DONE: (?P<open>.+?)\.\nNEXT: (?P<next>.+)\.',
    re.DOTALL,
)
RAN = re.compile(r"(\d+) of (\d+) statements have run")


class Undisturbed(t.NamedTuple):
    """A run that nothing has disturbed.

    :ivar operations: what Immuta was asked, in order
    :ivar logins: how often the platform was signed in to
    :ivar statements: what it was sent, in order
    :ivar once: those that are not repeatable
    :ivar session: those that set up the session, and may come again, and earlier, where a history is asked
    :ivar snapshot: what there is on the platform in the end
    """

    operations: list[str]
    logins: int
    statements: list[str]
    once: list[str]
    session: list[str]
    snapshot: t.Any


@functools.cache
def undisturbed(platform: Platform, saved: bool) -> Undisturbed:
    """Record one, from cold or with the script saved before."""
    with tempfile.TemporaryDirectory() as folder, Site(platform, Path(folder)) as one:
        if saved:
            assert together([one], confirmed=False)[0].code == 0
        seen = len(one.immuta.requests)
        logins = len(one.server.logins)
        (played,) = together([one])
        assert played.code == 0, played.output
        assert played.result["status"] == "completed"
        rows = played.result["script"]["statements"]
        texts = [bare(statement.text) for statement in one.server.statements]
        assert len(rows) == len(texts)
        return Undisturbed(
            [str(request.operation_id) for request in one.immuta.requests[seen:]],
            len(one.server.logins) - logins,
            texts,
            [text for row, text in zip(rows, texts, strict=True) if not row["repeatable"]],
            [text for row, text in zip(rows, texts, strict=True) if row["session"]],
            one.snapshot,
        )


def check_completed(one: Site, played: Played, status: str = "completed") -> None:
    """Hold a run that says it has come to its end against the site.

    :raises AssertionError: it has not
    """
    assert played.code == 0, played.error
    result = played.result
    assert (result["status"], result["connection_gone"], result["script_executed"]) == (status, True, True)
    assert not one.connected
    check_executed(one)
    left = one.immuta.state.integrations.get(one.number)
    afterwards = one.immuta.variant.integration_afterwards
    assert (left.status if left else "gone") == ("enabled" if afterwards == "kept" else afterwards)
    assert one.progress.state == "finished"
    held = saved_script.read(str(one.path))
    assert held is not None and held.intact


def check_executed(one: Site) -> None:
    """All statements have run, as undisturbed, and what is not repeatable only once."""
    wanted = undisturbed(one.platform, False)
    assert one.snapshot == wanted.snapshot
    assert set(wanted.session) <= set(one.executed)
    first, all_of_them = (
        [text for text in dict.fromkeys(texts) if text not in wanted.session]
        for texts in (one.executed, wanted.statements)
    )
    assert first == all_of_them
    for text in wanted.once:
        assert one.executed.count(text) == wanted.statements.count(text), text


def check_stopped(one: Site, played: Played) -> None:
    """Hold every claim of a run that has failed against the site.

    :raises AssertionError: it claims what is not so, or hides what it has read
    """
    assert played.code == 2, played.output
    found = STOPPED.fullmatch(played.error)
    assert found, played.error
    done, left = found["done"], found["open"]
    result = played.result
    assert result["status"] == "failed"
    assert f"{found['next']}." in {stops.AGAIN, *stops.ADVICE.values()}
    held = saved_script.read(str(one.path)) if one.path.exists() else None
    assert ("the script is saved" in done) is (held is not None)
    if held:
        assert held.intact and held.owner.connection_key == one.key
        assert str(one.path) in done
    gone = "the connection does not exist in Immuta" in done
    assert gone is result["connection_gone"]
    assert not gone or not one.connected
    assert gone is not (
        "it is not known whether the connection was deleted" in left or "the connection has not been deleted" in left
    )
    assert "the connection has not been deleted" not in left or one.connected
    progress = one.progress
    finished = "the clean-up script has run to its end" in done
    assert finished is result["script_executed"]
    assert finished is (progress.state == "finished")
    assert finished is not (
        "the clean-up script has not run to its end" in left or "not known whether the clean-up script was run" in left
    )
    if "not known whether the clean-up script was run" in left:
        assert held is None
    counted = RAN.search(done)
    assert (int(counted[1]) if counted else 0) == (0 if finished else len(progress.done))
    if counted:
        assert int(counted[2]) == len(undisturbed(one.platform, False).statements)
        texts = undisturbed(one.platform, False).statements
        assert all(text in one.executed for text in texts[: int(counted[1])])
    # Nothing of the script may run while the connection may still be there.
    assert not one.executed or not one.connected
    for secret in SECRETS:
        assert secret not in played.output


def check_converges(sites: dict[str, Site], wrong: Wrong) -> None:
    """Whatever comes of a run with the planned faults, the next ones without end well, and the last of them changes nothing."""
    left: dict[str, str] = {}
    for (name, one), played in zip(sites.items(), together([*sites.values()], module_defaults=IMPATIENT), strict=True):
        with wrong.of(name):
            if played.code == 0:
                check_completed(one, played)
            else:
                check_stopped(one, played)
                left[name] = "already_done" if "script has run to its end" in played.error else "completed"
        one.clear_faults()
    if again := {name: sites[name] for name in left}:
        for (name, one), played in zip(again.items(), together([*again.values()]), strict=True):
            with wrong.of(name):
                check_completed(one, played, left[name])
    sites = wrong.without(sites)
    if not sites:
        return
    before = [
        (one.snapshot, one.executed, len(one.immuta.requests), one.immuta.state.snapshot()) for one in sites.values()
    ]
    for (name, one), was, played in zip(sites.items(), before, together([*sites.values()]), strict=True):
        with wrong.of(name):
            check_completed(one, played, "already_done")
            assert played.changed == []
            assert was == (one.snapshot, one.executed, was[2], one.immuta.state.snapshot())
            assert all(request.operation_id != "deleteObject" for request in one.immuta.requests[was[2] :])
