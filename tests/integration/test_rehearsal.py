# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rehearsal notices what check mode must not do, and what it has not foretold."""

from __future__ import annotations

import os
import typing as t
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest

from ansible_collections.community.immuta.tests import rehearsal
from ansible_collections.community.immuta.tests.doubles.immuta_server import Fault, ImmutaDouble
from ansible_collections.community.immuta.tests.playing import API_KEY, KEY, Played


def ask(immuta: ImmutaDouble, method: str, path: str) -> int:
    request = urllib.request.Request(immuta.url + path, method=method, headers={"Authorization": API_KEY})
    with urllib.request.urlopen(request, timeout=60) as reply:
        reply.read()
        return int(reply.status)


def test_notices_a_deletion(tmp_path: Path, immuta: ImmutaDouble) -> None:
    with pytest.raises(AssertionError, match="has sent"), rehearsal.understudies(), rehearsal.harmless(tmp_path):
        ask(immuta, "DELETE", f"/data/object/{quote(KEY)}")
    # It was the copy's.
    assert KEY in immuta.state.connections
    assert immuta.requests == []
    assert immuta.connections == 0


def test_lets_reads_pass_and_plays_their_faults_twice(tmp_path: Path, immuta: ImmutaDouble) -> None:
    immuta.faults.add(Fault("status", operation_id="listIntegrations", status=429))
    with rehearsal.understudies(), rehearsal.harmless(tmp_path):
        with pytest.raises(urllib.error.HTTPError):
            ask(immuta, "GET", "/integrations")
        assert ask(immuta, "GET", "/integrations") == 200
    assert len(immuta.faults.pending) == 1
    with pytest.raises(urllib.error.HTTPError):
        ask(immuta, "GET", "/integrations")


@pytest.mark.parametrize("what", ["content", "mode", "time", "new", "gone"])
def test_notices_a_change_of_the_folder(tmp_path: Path, what: str) -> None:
    file = tmp_path / "kept" / "file"
    file.parent.mkdir()
    file.write_text("a")
    changes: dict[str, t.Callable[[], object]] = {
        "content": lambda: file.write_text("b"),
        "mode": lambda: file.chmod(0o600),
        "time": lambda: os.utime(file, ns=(0, 0)),
        "new": lambda: (tmp_path / "new").write_text(""),
        "gone": file.unlink,
    }
    with pytest.raises(AssertionError, match="has touched"), rehearsal.harmless(tmp_path):
        changes[what]()


def test_takes_back_what_a_play_tells_in_check_mode(tmp_path: Path) -> None:
    place = rehearsal.told(tmp_path)
    place.mkdir()
    (place / "one").write_text("of an earlier run")
    with rehearsal.harmless(tmp_path), rehearsal.untold(tmp_path):
        (place / "one").write_text("planned")
        (place / "two").write_text("planned")
    assert {one.name: one.read_text() for one in place.iterdir()} == {"one": "of an earlier run"}


def line(**fields: t.Any) -> dict[str, t.Any]:
    one = {"task": "a task", "outcome": "ok", "host": "a", "action": "debug", "changed": False, "result": {}}
    return {**one, **fields}


@pytest.mark.parametrize(
    "other",
    [
        [line(changed=True)],
        [line(outcome="skipped")],
        [line(outcome="failed", result={"failure": {"code": "statement_failed"}})],
        [line(result={"diff": {"before": "a"}})],
        [line(result={"results": [{"diff": {"before": "a"}}]})],
        [line(task="another")],
        [line(host="b")],
        [line(), line()],
        [],
    ],
)
def test_notices_what_was_not_foretold(other: list[dict[str, t.Any]]) -> None:
    said, done = Played(0, "", [line()]), Played(0, "", other)
    rehearsal.require_same(said, said, killed=False)
    for one, two in ((said, done), (done, said)):
        with pytest.raises(AssertionError):
            rehearsal.require_same(one, two, killed=False)


def test_knows_an_order_only_on_one_host() -> None:
    first, second, other = line(task="first"), line(task="second"), line(host="b")
    said, done = Played(0, "", [first, other, second]), Played(0, "", [other, first, second])
    rehearsal.require_same(said, done, killed=False)
    with pytest.raises(AssertionError):
        rehearsal.require_same(said, Played(0, "", [second, first, other]), killed=False)


def test_ends_where_a_run_says_otherwise_of_the_task_it_goes_on_with() -> None:
    said, done = (Played(0, "", [line(task=rehearsal.RECORD, changed=changed)]) for changed in (True, False))
    with pytest.raises(AssertionError, match="the rehearsal said"):
        rehearsal.require_same(said, done, killed=False)
