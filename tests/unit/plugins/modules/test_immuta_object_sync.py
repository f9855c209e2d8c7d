# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_object_sync: started once, waited for, and never called completed unless Immuta says so."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import object_sync
from ansible_collections.community.immuta.tests.harness.check_mode import harmless
from ansible_collections.community.immuta.tests.harness.servers import KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Result, Tenant

STARTS = ("syncObjects", "syncObjectsByPut")


def sync(tenant: Tenant, connection_key: str = KEY, **options: t.Any) -> Result:
    return tenant("object_sync", connection_key=connection_key, **{"wait_timeout": 60, **options})


def bodies(tenant: Tenant) -> list[t.Any]:
    return [one.body for one in tenant.double.requests if one.operation_id in STARTS]


def test_it_is_started_each_time_and_waited_for(tenant: Tenant, tmp_path: Path) -> None:
    tenant.vary(sync_reads=3)
    with harmless(tmp_path):
        planned = sync(tenant, check=True)
    for _time in range(2):
        done = sync(tenant)
        assert done.good["changed"] is planned.good["changed"] is True
        assert done["object_sync"] == {"state": "completed", "jobs": 2}
        assert not done.warned
    assert planned["object_sync"] is None and set(planned.returned) == set(done.returned)
    assert (planned["new_objects_enabled"], planned["technology"]) == (True, "Snowflake")
    assert tenant.double.state.syncs == [(KEY, False)] * 2
    assert bodies(tenant) == [None, None]


@pytest.mark.parametrize("variant", [{"sync_method": "post"}, {"sync_method": "put"}], ids=str)
@pytest.mark.parametrize(
    ("force", "more"),
    [
        (False, {"sync_request": "none"}),
        (False, {"sync_request": "empty"}),
        (True, {"sync_force": "options"}),
        (True, {"sync_force": "bare"}),
    ],
)
@pytest.mark.parametrize("reply", ["bulk", "jobs", "list", "ids"])
def test_every_way_to_start_it(
    tenant: Tenant, variant: dict[str, t.Any], force: bool, more: dict[str, t.Any], reply: str
) -> None:
    tenant.vary(**variant, **more, sync_reply=reply)
    assert sync(tenant, force_recursive_crawl=force).good["object_sync"] == {"state": "completed", "jobs": 2}
    assert tenant.double.state.syncs == [(KEY, force)]


def test_a_version_without_the_option_starts_nothing(tenant: Tenant) -> None:
    tenant.vary(sync_force="refused")
    refused = sync(tenant, force_recursive_crawl=True)
    assert refused.code == "invalid_request" and "may not take force_recursive_crawl" in refused["msg"]
    assert tenant.double.state.syncs == []


@pytest.mark.parametrize(("reply", "jobs"), [("bulk", None), ("jobs", 2), ("ids", 2), ("empty", None)])
def test_it_need_not_be_waited_for(tenant: Tenant, reply: str, jobs: int | None) -> None:
    tenant.vary(sync_reads=10**6, sync_reply=reply)
    started = sync(tenant, wait=False)
    assert started.good["object_sync"] == {"state": "started", "jobs": jobs}
    assert not started.warned and "listJobs" not in tenant.asked


@pytest.mark.parametrize("variant", [{"sync_reply": "empty"}, {"jobs_container": "absent"}], ids=str)
def test_what_becomes_of_it_may_not_be_told(tenant: Tenant, variant: dict[str, t.Any]) -> None:
    tenant.vary(**variant)
    started = sync(tenant)
    assert started.good["object_sync"]["state"] == "started" and "does not tell" in started.warned


@pytest.mark.parametrize("outcome", ["failed", "expired", "cancelled"])
def test_a_job_that_fails_is_a_failure_and_a_change(tenant: Tenant, outcome: str) -> None:
    tenant.vary(sync_outcome=outcome)
    failed = sync(tenant)
    assert (failed.code, failed["changed"], failed["object_sync"]) == ("sync_failed", True, None)
    assert repr(outcome) in failed["msg"]


def test_another_one_is_waited_for(tenant: Tenant) -> None:
    tenant.double.state.jobs["other-1"] = 3
    assert sync(tenant).good["object_sync"]["state"] == "completed"
    tenant.double.state.jobs["other-2"] = 10**6
    busy = sync(tenant)
    assert busy.code == "busy" and "Another object sync may be running" in busy["msg"]
    assert len(tenant.double.state.syncs) == 1


def test_jobs_without_an_end(tenant: Tenant) -> None:
    tenant.vary(sync_reads=10**6)
    late = sync(tenant)
    assert (late.code, late["changed"]) == ("wait_timeout", True)


@pytest.mark.parametrize("kind", ["lost_answer", "truncated", "html", "status"])
def test_it_is_started_once_and_an_answer_that_is_lost_is_told(tenant: Tenant, kind: str) -> None:
    tenant.fault(kind, operation_id="syncObjects", done=True, status=502)
    lost = sync(tenant)
    assert lost.code == "sync_failed" and "is not known" in lost["msg"]
    assert len(bodies(tenant)) == 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"connection_key": ""}, "configuration"),
        ({"connection_key": "prod"}, "not_found"),
        ({"connection_key": "Prod Snowflake"}, "not_found"),
        ({"wait_timeout": 0}, "configuration"),
    ],
    ids=str,
)
def test_what_is_refused(tenant: Tenant, options: dict[str, t.Any], code: str) -> None:
    assert sync(tenant, **{"connection_key": KEY, **options}).code == code
    assert bodies(tenant) == []


class Told:
    """A client whose every read has this answer."""

    def __init__(self, answer: t.Any) -> None:
        self.call_json = lambda *_operation, **_about: answer
        self.clock = lambda: 0.0


def job(state: str | None = "completed", **about: t.Any) -> dict[str, t.Any]:
    return {"state": state, **about}


@pytest.mark.parametrize(
    ("answer", "states"),
    [
        ([job(id="1"), job(id=2)], ["completed", "completed"]),
        ({"jobs": [job(id="1"), job("failed", id="2")]}, ["completed", "failed"]),
        ({"1": job(), "2": job("Active")}, ["completed", "active"]),
        # All that was named, and nothing else, has to be done.
        ([job(id="1")], ["completed", "unknown"]),
        ([job(id="8"), job(id="9")], ["unknown", "unknown"]),
        ([job(id="1"), job(None, id="2")], ["completed", "unknown"]),
        ([job(id="1"), job()], ["unknown", "unknown"]),
        # Without ids they are those that were asked for, if they are as many.
        ([job(), job()], ["completed", "completed"]),
        ([job()], ["unknown", "unknown"]),
        # More than were asked for, so these may be others.
        ({"jobs": [job(), job()], "total": 3}, ["unknown", "unknown"]),
        ({"jobs": [job(id="1"), job(id="2"), job(id="3")], "total": 9}, ["completed", "completed"]),
        ([], []),
        ("done", []),
    ],
)
def test_each_job_that_was_named_has_to_be_done(answer: t.Any, states: list[str]) -> None:
    client: t.Any = Told(answer)
    assert object_sync._states(client, object_sync.Handle(jobs=("1", "2"))) == states


ALL = [job(id=str(number)) for number in range(100)]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (ALL, ("completed", 100)),
        ({"jobs": ALL, "count": 100, "nextToken": None, "hasMore": False}, ("completed", 100)),
        ({"jobs": ALL, "count": 250, "nextToken": "abc"}, ("started", None)),
        ({"jobs": ALL, "nextToken": "abc"}, ("started", None)),
        ({"jobs": ALL, "meta": {"nextToken": "abc"}}, ("started", None)),
        ({"jobs": ALL, "hasMore": True}, ("started", None)),
        ({"jobs": ALL, "count": 250}, ("started", None)),
        ({"jobs": ALL, "total": 101}, ("started", None)),
        ({**{one["id"]: one for one in ALL}, "count": 101}, ("started", None)),
    ],
)
def test_jobs_that_are_not_shown_are_not_called_completed(answer: t.Any, state: tuple[str, int | None]) -> None:
    client: t.Any = Told(answer)
    sync = object_sync.follow(client, KEY, object_sync.Handle(bulk="b"), end=60, wait_timeout=60)
    assert (sync.state, sync.jobs) == state


@pytest.mark.parametrize("rest", [{"count": 3}, {"nextToken": "abc"}, {"hasMore": True}], ids=str)
def test_a_failed_job_is_told_although_others_are_not_shown(rest: dict[str, t.Any]) -> None:
    client: t.Any = Told({"jobs": [job(id="1"), job("failed", id="2")], **rest})
    with pytest.raises(object_sync.SyncFailed, match="failed"):
        object_sync.follow(client, KEY, object_sync.Handle(bulk="b"), end=60, wait_timeout=60)
    assert object_sync._states(client, object_sync.Handle(bulk="b")) == ["completed", "failed", "not shown"]


@pytest.mark.parametrize(
    ("more", "state"),
    [({}, "completed"), ({"count": 2}, "completed"), ({"count": 3}, "started"), ({"nextToken": "abc"}, "started")],
    ids=str,
)
@pytest.mark.parametrize("name", ["jobs", "jobIds"])
def test_a_start_that_names_some_of_its_jobs_only(name: str, more: dict[str, t.Any], state: str) -> None:
    handle = object_sync.handle_of({name: ["1", "2"], **more})
    client: t.Any = Told([job(id="1"), job(id="2")])
    assert object_sync.follow(client, KEY, handle, end=60, wait_timeout=60).state == state
