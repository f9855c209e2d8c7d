# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to be true of a run of a role: of its end, and of every claim that it makes when it stops on the way."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import names, stops
from ansible_collections.community.immuta.plugins.plugin_utils._registration import stops as own_stops
from ansible_collections.community.immuta.plugins.plugin_utils._registration import words
from ansible_collections.community.immuta.tests.faults.undisturbed import IMPATIENT, impatient, undisturbed_on
from ansible_collections.community.immuta.tests.harness.arriving import Registering, TakingBack
from ansible_collections.community.immuta.tests.harness.check_mode import writes
from ansible_collections.community.immuta.tests.harness.play import Played
from ansible_collections.community.immuta.tests.harness.points import Wrong, of_each
from ansible_collections.community.immuta.tests.harness.servers import SECRETS
from ansible_collections.community.immuta.tests.harness.site import Site, together

STOPPED = re.compile(
    r'Stopped at "(?P<task>.+?)": (?P<message>.+)\nDONE: (?P<done>.+?)\.\nNOT DONE: (?P<open>.+?)\.\nNEXT: (?P<next>.+)\.',
    re.DOTALL,
)
RAN = re.compile(r"(\d+) of (\d+) statements have run")


def check_completed(one: Site, played: Played, *statuses: str) -> None:
    """Hold a run that says it has come to its end against the site.

    :param statuses: what it may say; none for any end
    :raises AssertionError: it has not
    """
    assert played.code == 0, played.error
    assert not statuses or played.result["status"] in statuses
    if isinstance(one, Registering):
        one.require_end(played, *one.ends)
        _check_registered_once(one)
    else:
        _check_removed(one, played)
    check_executed(one)
    if not isinstance(one, TakingBack):
        _check_seen(one, played)


def _check_removed(one: Site, played: Played) -> None:
    result = played.result
    assert result["status"] in one.ends
    assert (result["connection_gone"], result["script_executed"]) == (True, True)
    assert not one.connected
    left = one.immuta.state.integrations.get(one.number)
    afterwards = one.immuta.variant.integration_afterwards
    assert (left.status if left else "gone") == ("enabled" if afterwards == "kept" else afterwards)
    assert one.progress.state == "finished"
    held = saved_script.read(str(one.path))
    assert held is not None and held.intact


def _check_registered_once(one: Registering) -> None:
    """Immuta has made no other integration, and was not asked for what is there."""
    assert one.immuta.state.last_id <= undisturbed_on(one).last_id
    asked = [one for one in one.immuta.requests if one.operation_id == "registerConnection" and not one.fault]
    assert not [one for one in asked if one.status not in (200, 201, 202, 204)]


def check_executed(one: Site) -> None:
    """All statements have run, as undisturbed, and what is not repeatable only once."""
    wanted = undisturbed_on(one)
    assert one.snapshot == wanted.snapshot
    session = {sent.text for sent in wanted.script if sent.session}
    assert session <= set(one.executed)
    written = [sent.text for sent in wanted.script]
    first, all_of_them = (
        [text for text in dict.fromkeys(texts) if text not in session] for texts in (one.executed, written)
    )
    assert first == all_of_them
    for sent in wanted.script:
        assert sent.repeatable or one.executed.count(sent.text) == written.count(sent.text), sent.text


def _check_seen(one: Site, played: Played) -> None:
    """What a registration has seen on the platform is there. A look that failed has seen nothing, and says so."""
    if not isinstance(one, Registering):
        return
    for row in played.result["objects"] or ():
        there = one.exists(row["kind"], row["name"])
        assert row["after"] in (None, there), row
        assert row["how"] or row["after_how"], row


def check_stopped(one: Site, played: Played) -> None:
    """Hold every claim of a run that has failed against the site.

    :raises AssertionError: it claims what is not so, or hides what it has read
    """
    assert played.code == 2, played.output
    for secret in SECRETS:
        assert secret not in played.output
    if isinstance(one, TakingBack):
        one.require_secrets_kept(played)
        if "connection_gone" not in played.result:
            _check_not_taken_back(one, played)
            return
    found = STOPPED.fullmatch(played.error)
    assert found, played.error
    assert played.result["status"] == "failed"
    if isinstance(one, Registering) and not isinstance(one, TakingBack):
        one.require_secrets_kept(played)
        _check_not_registered(one, played, found)
    else:
        _check_not_removed(one, played, found)


def _check_not_removed(one: Site, played: Played, found: re.Match[str]) -> None:
    done, left = found["done"], found["open"]
    result = played.result
    # What a script that is lost would have done comes after the advice.
    advice = (stops.AGAIN, *stops.ADVICE.values())
    if isinstance(one, TakingBack):
        advice = tuple(names.reworded(said, words.OTHERS) for said in advice)
    assert f"{found['next']}.".startswith(advice)
    path = one.undo_path if isinstance(one, TakingBack) else one.path
    held = saved_script.read(str(path)) if path.exists() else None
    assert ("the script is saved" in done) is (held is not None)
    if held:
        assert held.intact and held.owner.connection_key == one.key
        assert str(path) in done
    if left == "the connection was not found, so it is not known whether there is anything to do":
        # Immuta has not rendered a script for what is not registered.
        assert not (one.connected or one.executed or held)
        assert one.saved
        return
    gone = "the connection does not exist in Immuta" in done
    assert gone is result["connection_gone"]
    assert not gone or not one.connected
    assert gone is not (
        "it is not known whether the connection was deleted" in left or "the connection has not been deleted" in left
    )
    assert "the connection has not been deleted" not in left or one.connected
    finished = "the clean-up script has run to its end" in done
    _check_progress(one, played, found, path, finished=finished)
    assert finished is not (
        "the clean-up script has not run to its end" in left or "not known whether the clean-up script was run" in left
    )
    if "not known whether the clean-up script was run" in left:
        assert held is None
    # Nothing of the script may run while the connection may still be there.
    assert not one.executed or not one.connected


def _check_progress(one: Site, played: Played, found: re.Match[str], path: Path, *, finished: bool) -> None:
    """As much of the script has run as is claimed."""
    progress = journal.read(journal.journal_path(str(path)))
    assert finished is played.result["script_executed"]
    assert finished is (progress.state == "finished")
    counted = RAN.search(found["done"])
    assert (int(counted[1]) if counted else 0) == (0 if finished else len(progress.done))
    if counted:
        texts = [sent.text for sent in undisturbed_on(one).script]
        assert int(counted[2]) == len(texts)
        assert all(text in one.executed for text in texts[: int(counted[1])])


def _check_not_registered(one: Registering, played: Played, found: re.Match[str]) -> None:
    done, left, result = found["done"], found["open"], played.result
    known = {stops.AGAIN, *own_stops.SHARED.values(), *own_stops.OWN_ADVICE.values()}
    assert f"{found['next']}.".partition(own_stops.UNDO)[0] in known
    held = one.held
    assert held is None or held.intact
    # A run that stops before it looks for the script says nothing of it.
    assert f"the set-up script is saved at {one.path}" not in done or held is not None
    assert result["script"]["kept"] is ("the set-up script is saved" in done)
    finished = "the set-up script has run to its end" in done
    if result["script"]["path"]:
        _check_progress(one, played, found, one.path, finished=finished)
    else:
        assert not finished and not RAN.search(done)
    assert finished is not ("the set-up script has not run to its end" in left) or result["connection_exists"]
    told = {
        True: "the connection exists in Immuta" in done,
        False: "the connection is not registered" in left,
        None: "it is not known whether the connection is registered" in left,
    }
    exists = result["connection_exists"]
    assert [value for value, is_told in told.items() if is_told] == [exists]
    assert exists is None or exists is one.connected
    # Nothing is registered before the script has run to its end.
    assert not one.connected or one.progress.state == "finished" or one.removes
    assert result["verified"] is ("nothing shows that the connection works" not in left)
    assert not result["verified"] or (one.connected and one.integrations == ["enabled"])
    assert exists is not False or one.key not in one.immuta.state.registrations
    _check_registered_once(one)
    _check_seen(one, played)
    one.require_nothing_lost()


def _check_not_taken_back(one: TakingBack, played: Played) -> None:
    """A run that stops before the removal has done nothing, and says why."""
    assert played.result["status"] == "failed"
    assert STOPPED.fullmatch(played.error), played.error
    assert not one.undo_path.exists() and one.executed == []
    assert one.deletions == 0
    one.require_nothing_lost()


def done_already(one: Site) -> bool:
    """Whether a run would find nothing to do, but for a file that it removes."""
    if isinstance(one, TakingBack):
        return not one.connected and journal.read(journal.journal_path(str(one.undo_path))).state == "finished"
    if isinstance(one, Registering):
        return one.connected
    return not one.connected and one.progress.state == "finished"


def check_converges(sites: dict[str, Site], wrong: Wrong) -> None:
    """Whatever comes of a run with the planned faults, the next ones without end well, and the last of them changes nothing."""
    left: dict[str, str] = {}
    for (name, one), played in zip(sites.items(), disturbed([*sites.values()]), strict=True):
        with wrong.of(name):
            if played.code == 0:
                check_completed(one, played, one.ends[0], *one.ends[2:])
            else:
                check_stopped(one, played)
                left[name] = one.ends[done_already(one)]
        one.clear_faults()
    if again := {name: sites[name] for name in left}:
        for (name, one), played in zip(again.items(), together([*again.values()]), strict=True):
            with wrong.of(name):
                check_completed(one, played, left[name])
    sites = wrong.without(sites)
    if not sites:
        return
    # One of each, since all of a kind are in the same state now.
    sites = dict(of_each(sites.items(), lambda named: (type(named[1]), named[1].platform)))
    before = [(one.snapshot, one.executed, writes(one.immuta), one.immuta.state.snapshot()) for one in sites.values()]
    for (name, one), was, played in zip(sites.items(), before, together([*sites.values()]), strict=True):
        with wrong.of(name):
            check_completed(one, played, one.ends[1])
            assert played.changed == []
            assert was == (one.snapshot, one.executed, writes(one.immuta), one.immuta.state.snapshot())


def disturbed(sites: t.Sequence[Site]) -> list[Played]:
    """Run the role with faults planned, and without patience; what it did on each site."""
    return together(sites, module_defaults=IMPATIENT, variables=[impatient(one) for one in sites])
