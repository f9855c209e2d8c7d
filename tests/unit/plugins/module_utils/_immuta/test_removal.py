# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection is deleted and waited for against the stand-in, by a clock that only waiting moves."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import connection, errors, removal
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import DELETE_OBJECT
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply
from ansible_collections.community.immuta.tests.doubles import immuta_server as doubles
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import (
    HOST,
    KEY,
    MANY,
    PROD,
    Answers,
    World,
    fails,
)

TENANT = "https://tenant.example"
UNKNOWN = dataclasses.replace(PROD, integration_id=None)

# The plan


def test_the_whole_plan() -> None:
    plan = removal.decide_absent("https://tenant.example", PROD)
    steps = [
        {
            "action": "delete_connection",
            "target": KEY,
            "effect": "the connection, every data source below it and the access controls on them are removed",
        },
        {
            "action": "remove_integration",
            "target": 5,
            "effect": "Immuta stops governing through it; its clean-up script can't be rendered any more",
        },
    ]
    # An approval may be older than the version that carries it out: the digest must stay what it is.
    subject = {
        "connection": [KEY, "Snowflake", HOST, 443, 5],
        "steps": steps,
        "tenant": "https://tenant.example",
    }
    digest = hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()
    assert plan.as_dict() == {"steps": steps, "irreversible": True, "digest": digest}
    assert plan.connection == PROD
    nothing = removal.decide_absent("https://tenant.example", None)
    assert nothing.connection is None
    subject = {"connection": None, "steps": [], "tenant": "https://tenant.example"}
    digest = hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()
    assert nothing.as_dict() == {"steps": [], "irreversible": False, "digest": digest}


def test_nothing_to_do_for_a_connection_that_does_not_exist() -> None:
    plan = removal.decide_absent(TENANT, None)
    assert not plan.changed
    assert plan.as_dict()["steps"] == []
    assert plan.as_dict()["irreversible"] is False


def test_deletes_the_connection_and_names_what_goes_with_it() -> None:
    plan = removal.decide_absent(TENANT, PROD)
    assert plan.changed
    assert [(step["action"], step["target"]) for step in plan.steps] == [
        ("delete_connection", KEY),
        ("remove_integration", 5),
    ]
    assert plan.as_dict()["irreversible"] is True


def test_names_no_integration_where_none_is_known() -> None:
    plan = removal.decide_absent(TENANT, dataclasses.replace(PROD, integration_id=None))
    assert [step["action"] for step in plan.steps] == ["delete_connection"]


@pytest.mark.parametrize(
    "change",
    [
        {"key": "prod2"},
        {"technology": "Databricks"},
        {"hostname": "other.example"},
        {"port": 444},
        {"integration_id": 6},
        {"integration_id": None},
    ],
)
def test_digest_changes_with_everything_that_matters(change: dict[str, object]) -> None:
    other = dataclasses.replace(PROD, **change)  # type: ignore[arg-type]
    assert removal.decide_absent(TENANT, other).digest != removal.decide_absent(TENANT, PROD).digest


def test_digest_changes_with_the_tenant() -> None:
    assert removal.decide_absent("https://other.example", PROD).digest != removal.decide_absent(TENANT, PROD).digest


def test_digest_ignores_what_does_not_matter() -> None:
    crawled = dataclasses.replace(PROD, state="INACTIVE", listed_only=True)
    assert removal.decide_absent(TENANT, crawled).digest == removal.decide_absent(TENANT, PROD).digest


# What is believed

# What Immuta says to the deletion; whether the connection is found afterwards; what is listed of its integration; whether
# the connection is listed; and what follows from that. The first line that fits counts, and * fits everything.
BELIEVED = """
taken   gone    out     *       verified
taken   gone    *       no      verified
taken   gone    *       yes     wait
taken   gone    *       denied  verified
taken   gone    *       broken  ServerError
taken   there   *       *       wait
taken   broken  *       *       ServerError
lost    gone    out     *       verified
lost    gone    *       no      verified
lost    gone    *       yes     wait
lost    gone    *       denied  PermissionDenied
lost    gone    *       broken  ServerError
lost    *       *       *       TransportError
absent  gone    out     *       verified
absent  gone    denied  *       PermissionDenied
absent  gone    *       no      verified
absent  gone    *       yes     wait
absent  gone    *       denied  PermissionDenied
absent  gone    *       broken  ServerError
absent  *       *       *       NotFound
"""
RULES = [line.split() for line in BELIEVED.strip().splitlines()]
ALL = list(
    itertools.product(
        ["taken", "lost", "absent"],
        ["gone", "there", "broken"],
        ["none", "out", "used", "denied", "broken"],
        ["no", "yes", "denied", "broken"],
    )
)
FAILURES: dict[str, t.Callable[[], errors.ImmutaError]] = {
    "lost": lambda: errors.TransportError("lost", sent=True),
    "absent": lambda: errors.NotFound("absent"),
    "denied": lambda: errors.PermissionDenied("denied"),
    "broken": lambda: errors.ServerError("broken"),
}
DESCRIPTION = json.dumps({"connectionKey": KEY}).encode()


def answers(said: str, seen: str, linked: str, listed: str) -> Answers:
    integrations = [{"id": 5, "type": "Snowflake", "status": "enabled"}] if linked == "used" else []
    objects = [{"objectPath": [KEY]}] if listed == "yes" else []
    return Answers(
        deleteObject=FAILURES.get(said, Reply(200, b'{"childCount": 5}')),
        getConnection=FAILURES.get(seen, Reply(200, DESCRIPTION) if seen == "there" else None),
        listIntegrations=FAILURES.get(linked, integrations),
        searchObjects=FAILURES.get(listed, objects),
    )


@pytest.mark.parametrize(("said", "seen", "linked", "listed"), ALL)
def test_what_is_believed(said: str, seen: str, linked: str, listed: str) -> None:
    known = (said, seen, linked, listed)
    becomes = next(rule[4] for rule in RULES if all(want in ("*", have) for want, have in zip(rule, known)))
    client = answers(*known)
    found = UNKNOWN if linked == "none" else PROD
    remover = removal.Remover(client, found, wait=True, wait_timeout=3)  # type: ignore[arg-type]
    if becomes == "verified":
        removed = remover.remove()
        assert removed.verified
        assert removed.deleted_objects == (5 if said == "taken" else None)
        assert removed.integration_known is (linked not in ("denied", "broken"))
        assert (removed.integration is not None) is (linked == "used")
        # Whoever is asked about the integration has one, or has not heard that the deletion was taken.
        assert ("listIntegrations" in client.asked) is (linked != "none" or said != "taken")
    else:
        error = fails(errors.TimedOut if becomes == "wait" else getattr(errors, becomes), remover.remove)
        assert "run it again" in error.hint.lower()
    # A deletion is repeated only when a read has shown that it did not happen, and twice at most.
    again = seen == "there" and said != "taken"
    assert client.asked.count("deleteObject") == (1 + removal.RESENDS if again else 1)
    assert (client.now > 0) is (becomes == "wait" or again)


def test_every_rule_is_needed() -> None:
    used = {
        next(at for at, rule in enumerate(RULES) if all(want in ("*", have) for want, have in zip(rule, known)))
        for known in ALL
    }
    assert used == set(range(len(RULES)))


# Carrying it out


def test_removes_and_looks(world: World) -> None:
    assert world.remove() == removal.Removal(5, verified=True, integration=None, integration_known=True)
    assert world.asked == ["deleteObject", "getConnection", "listIntegrations"]
    assert world.waits == []


def test_does_not_look_when_told_so(world: World) -> None:
    world.vary(deletion_reads=100)
    assert world.remove(wait=False) == removal.Removal(5, verified=False, integration=None, integration_known=False)
    assert world.asked == ["deleteObject"]


def test_waits_longer_and_longer_but_not_too_long(world: World) -> None:
    world.vary(deletion_reads=9)
    assert world.remove(seconds=100).verified
    assert world.waits == [1.0, 1.5, 2.25, 3.375, 5.0625, 7.59375, 10.0, 10.0, 10.0]


def test_waits_to_the_end_of_its_time_and_not_longer(world: World) -> None:
    world.vary(deletion_reads=100)
    error = fails(errors.TimedOut, lambda: world.remove(seconds=4))
    assert world.waits == [1.0, 1.5, 1.5]
    # At the very end it has looked once more.
    assert world.asked == ["deleteObject", *["getConnection"] * 4]
    assert (
        error.message == "Immuta accepted the deletion, but after 4 s the connection 'prod snowflake' is still there."
    )
    assert error.hint == "Run it again to continue waiting. Raise wait_timeout for large connections."


def test_looks_in_the_list_for_what_is_only_listed(world: World) -> None:
    listed = connection.Connection("trino", "Trino", listed_only=True)
    world.state.connections["trino"] = doubles.Connection("trino", "Trino", child_count=2)
    world.vary(deletion_reads=2)
    assert world.remove(listed) == removal.Removal(2, verified=True, integration_known=True)
    # Not listed any more, twice: that it is not found is the list's word here, too.
    assert world.asked == ["deleteObject", *["searchObjects"] * 4]


def test_a_busy_connection_is_waited_for(world: World) -> None:
    world.fault("deleteObject", 409, times=2)
    assert world.remove().verified
    assert world.waits == [1.0, 1.5]
    assert world.asked.count("deleteObject") == 3


def test_a_connection_that_stays_busy(world: World) -> None:
    world.fault("deleteObject", 409, times=MANY)
    error = fails(errors.Busy, lambda: world.remove(seconds=2.5))
    assert error.hint == "Nothing was deleted. It stayed busy for 2.5 s; run it again later or raise wait_timeout."
    assert world.waits == [1.0, 1.5]
    assert KEY in world.state.connections


def test_a_connection_that_is_busy_after_a_lost_answer(world: World) -> None:
    world.fault("deleteObject", kind="reset_before")
    world.fault("deleteObject", 409, nth=2, times=MANY)
    error = fails(errors.Busy, lambda: world.remove(seconds=2))
    assert error.hint.startswith("It is not known whether anything was deleted. It stayed busy for 2 s;")


@pytest.mark.parametrize("fault", [{"kind": "lost_answer"}, {"kind": "status", "status": 500, "done": True}])
def test_a_deletion_whose_answer_is_lost_is_not_sent_again(world: World, fault: dict[str, t.Any]) -> None:
    world.fault("deleteObject", **fault)
    removed = world.remove()
    assert (removed.deleted_objects, removed.verified) == (None, True)
    assert world.asked.count("deleteObject") == 1
    assert world.waits == []


@pytest.mark.parametrize("fault", [{"kind": "reset_before"}, {"kind": "status", "status": 500}])
def test_a_deletion_that_did_not_happen_is_sent_twice_again(world: World, fault: dict[str, t.Any]) -> None:
    world.fault("deleteObject", times=2, **fault)
    assert world.remove().deleted_objects == 5
    assert world.asked[:5] == ["deleteObject", "getConnection", "deleteObject", "getConnection", "deleteObject"]
    assert world.waits == [1.0, 1.5]


def test_a_login_page_is_no_answer_to_a_deletion(world: World) -> None:
    world.fault("deleteObject", kind="html", times=2)
    assert world.remove().deleted_objects == 5
    assert world.asked.count("deleteObject") == 3
    assert world.waits == [1.0, 1.5]


@pytest.mark.parametrize(
    ("fault", "so_far"),
    [
        (None, "Immuta accepted the deletion,"),
        ("lost_answer", "The connection was not found any more,"),
    ],
)
def test_a_deletion_after_which_nothing_can_be_read(world: World, fault: t.Any, so_far: str) -> None:
    if fault:
        world.fault("deleteObject", kind=fault)
    world.fault("getConnection", 500, nth=2 if fault else 1)
    error = fails(errors.ServerError, world.remove)
    assert error.hint.startswith(
        f"{so_far} but it could not be checked whether it is gone. Nothing is lost. Run it again: it first reads what is"
        " there, and continues from that."
    )


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [
        (404, errors.NotFound, f" The owner of the key may lack {DELETE_OBJECT.permission}."),
        (503, errors.ServerError, ""),
    ],
)
def test_a_deletion_that_is_refused_though_the_connection_is_there(
    world: World, status: int, kind: type[errors.ImmutaError], hint: str
) -> None:
    world.fault("deleteObject", status, times=MANY)
    error = fails(kind, world.remove)
    assert world.asked.count("deleteObject") == 3
    assert error.hint.startswith(
        f"The connection is still there.{hint} Run it again: it first reads what is there, and continues from that."
    )
    assert KEY in world.state.connections


def test_what_a_key_may_not_see_any_more_is_not_gone(world: World) -> None:
    del world.state.connections[KEY]
    world.fault("listIntegrations", 403, times=MANY)
    error = fails(errors.PermissionDenied, world.remove)
    assert error.message.startswith("Immuta does not show the connection 'prod snowflake' to this API key")
    assert error.hint == (
        "The connection was not found any more, but it could not be checked whether it is gone. Nothing is lost. Run it"
        " again: it first reads what is there, and continues from that. Use a key whose owner has APPLICATION_ADMIN."
    )


def test_a_deletion_of_which_nothing_can_be_read(world: World) -> None:
    world.fault("deleteObject", 502)
    world.fault("getConnection", 403)
    error = fails(errors.ServerError, world.remove)
    assert error.hint == (
        "Nor could it be checked whether the connection was deleted: Immuta refuses GET"
        " /data/connection/prod%20snowflake (403): A planned fault. Nothing is lost. Run it again: it first reads"
        " what is there, and continues from that."
    )
    assert error.__cause__ is None


def test_what_says_not_what_to_do_adds_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_arguments: object) -> t.NoReturn:
        raise errors.UnexpectedReply("It is odd.")

    remover = removal.Remover(world.client, PROD, wait=True, wait_timeout=9)
    assert fails(errors.UnexpectedReply, lambda: remover._look(odd)).hint == (
        "The connection was not found any more, but it could not be checked whether it is gone. Nothing is lost. Run it"
        " again: it first reads what is there, and continues from that."
    )
    monkeypatch.setattr(removal.Remover, "_call_delete", odd)
    monkeypatch.setattr(removal.Remover, "_still_there", lambda remover: True)
    assert fails(errors.UnexpectedReply, world.remove).hint == (
        "The connection is still there. Run it again: it first reads what is there, and continues from that."
    )
    monkeypatch.setattr(removal.Remover, "_still_there", odd)
    assert fails(errors.UnexpectedReply, world.remove).hint == (
        "Nor could it be checked whether the connection was deleted: It is odd. Nothing is lost. Run it again: it"
        " first reads what is there, and continues from that."
    )


@pytest.mark.parametrize("body", [[], "deleted", 5])
def test_an_answer_to_the_deletion_that_is_none(world: World, body: t.Any) -> None:
    remover = removal.Remover(world.client, PROD, wait=True, wait_timeout=1)
    error = fails(errors.UnexpectedReply, lambda: remover._count(body))
    assert error.message == "Immuta's answer to the deletion is not a JSON object."
    assert (error.details["method"], error.details["path"]) == ("DELETE", "/data/object/{connection_key}")
    for path in ([["a"]], 5, {"name": ["a"]}, json.loads("[" * 600 + "]" * 600)):
        error = fails(errors.UnexpectedReply, lambda path=path: remover._count({"objectPath": path}))
        assert "the field objectPath is not a path" in error.message
    assert remover._count({"objectPath": {"name": KEY}}) is None
    assert remover._count({"childCount": "4"}) == 4
    assert remover._count({}) is None
    assert remover._count(None) is None


@pytest.mark.parametrize("deleted", [{"objectPath": ["a", "b"]}, {"connectionKey": "a"}, {"objectPath": []}], ids=str)
def test_an_answer_that_names_something_else_is_not_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch, deleted: dict[str, t.Any]
) -> None:
    reply = Reply(200, json.dumps({**deleted, "childCount": 0}).encode())
    monkeypatch.setattr(removal.Remover, "_call_delete", lambda remover: reply)
    error = fails(removal.WrongObject, world.remove)
    assert error.code == "wrong_object"
    assert repr(KEY) in error.message
    assert error.hint == "Don't rerun it. Check both in Immuta as an administrator."
    assert world.asked == []


# What becomes of the integration


@pytest.mark.parametrize("status", ["deleted", "disabled", "enabled", "deleteError"])
def test_an_integration_that_stays(world: World, status: str) -> None:
    world.vary(integration_afterwards="kept")
    other = world.state.integrations[7]
    world.state.connections[KEY].native_integration_id = None
    world.state.integrations[5].status = status
    removed = world.remove()
    assert (removed.integration.id, removed.integration.status) == (5, status)
    assert removed.integration_known
    assert world.waits == []
    assert other.status == "enabled"


def test_an_integration_on_its_way_is_waited_for_but_not_for_ever(world: World) -> None:
    world.state.connections[KEY].native_integration_id = None
    world.state.integrations[5].status = "deleting"
    error = fails(errors.TimedOut, lambda: world.remove(seconds=2.5))
    assert world.waits == [1.0, 1.5]
    assert error.message == (
        "The connection is not found any more, but after 2.5 s its integration 5 is still 'deleting'."
    )
    assert error.hint == "Run it again later to see what became of it."
    assert error.result == {"verified": True}
    assert world.asked.count("listIntegrations") == 3


def test_what_is_not_read_of_a_slow_integration_is_not_claimed(world: World) -> None:
    world.state.connections[KEY].native_integration_id = None
    world.state.integrations[5].status = "deleting"
    world.fault("searchObjects", 500, times=MANY)
    assert fails(errors.TimedOut, lambda: world.remove(seconds=1)).result == {}
