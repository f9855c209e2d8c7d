# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_connection_settings: only what differs, only what was confirmed, and only what Immuta then shows."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import Connection
from ansible_collections.community.immuta.tests.harness.check_mode import harmless
from ansible_collections.community.immuta.tests.harness.servers import KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Result, Tenant

DATABRICKS = "prod databricks"
ALICE, BOB = {"type": "user", "id": 7}, {"type": "group", "id": 9}


class Set:
    """Calls the module on the Snowflake connection."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def __call__(self, connection_key: str = KEY, **options: t.Any) -> Result:
        result = self.tenant("connection_settings", connection_key=connection_key, **{"wait_timeout": 60, **options})
        assert self.tenant.double.violations == []
        return result

    @property
    def puts(self) -> list[t.Any]:
        """The bodies that were sent, in order."""
        return [one.body for one in self.tenant.double.requests if one.operation_id == "updateSettings"]

    def of(self, key: str = KEY) -> dict[str, t.Any]:
        """The settings of a connection."""
        return self.tenant.double.state.connections[key].settings


@pytest.fixture
def set_(tenant: Tenant) -> Set:
    return Set(tenant)


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"activate_new_children": False}, {"activateNewChildren": False}),
        ({"is_active": False, "confirm": KEY}, {"isActive": False}),
        # Only what differs.
        ({"is_active": True, "activate_new_children": False}, {"activateNewChildren": False}),
        ({"data_owners": [ALICE, 8]}, {"dataOwners": [ALICE, 8]}),
        ({"infrastructure_admins": ["data platform"]}, {"infrastructureAdmins": ["data platform"]}),
        (
            {"settings": {"policySync": "manual", "tagInheritance": None}},
            {"policySync": "manual", "tagInheritance": None},
        ),
    ],
    ids=str,
)
def test_what_is_sent(set_: Set, options: dict[str, t.Any], sent: dict[str, t.Any]) -> None:
    planned = set_(check=True, **options)
    assert set_.puts == []
    done = set_(**options)
    assert (planned.good["changed"], done.good["changed"], done["verified"]) == (True, True, True)
    assert set_.puts == [{"settings": sent}]
    assert planned["plan"] == done["plan"] and planned["diff"] == done["diff"]
    assert planned["settings"] == done["settings"] == {**done["settings"], **sent}
    assert {one["target"]: one["after"] for one in done["plan"]["steps"]} == sent
    assert done["diff"]["after"]["settings"] == done["settings"]
    again = set_(**options)
    assert (again["changed"], again["verified"], again["plan"]["steps"]) == (False, True, [])
    assert len(set_.puts) == 1
    assert not done.warned


def test_check_mode_writes_nothing(set_: Set, tmp_path: Path) -> None:
    with harmless(tmp_path):
        assert set_(check=True, is_active=False)["changed"] is True


# What a person has to have seen


def test_enabling_on_databricks_says_what_it_revokes(set_: Set) -> None:
    set_.of(DATABRICKS)["isActive"] = False
    refused = set_(DATABRICKS, is_active=True)
    assert refused.code == "confirmation_required"
    for text in ("lose their access", "without a subscription policy", "Nothing was changed", repr(DATABRICKS)):
        assert text in refused["msg"]
    planned = set_(DATABRICKS, is_active=True, check=True)
    assert planned["plan"]["changes_access"] is True
    assert "lose their access" in planned["plan"]["steps"][0]["effect"]
    assert set_.puts == []
    digest = planned["plan"]["digest"]
    done = set_(DATABRICKS, is_active=True, confirm=DATABRICKS, expected_plan_digest=digest.upper())
    assert done.good["changed"] is True and set_.of(DATABRICKS)["isActive"] is True


@pytest.mark.parametrize(
    ("key", "options", "needed", "text"),
    [
        (KEY, {"is_active": False}, True, "may end"),
        (KEY, {"activate_new_children": False}, False, "does not enable"),
        (DATABRICKS, {"activate_new_children": True}, True, "lose their access"),
        (KEY, {"activate_new_children": True}, True, "that it finds from now on"),
        (KEY, {"data_owners": [7]}, False, "nobody else"),
        (KEY, {"infrastructure_admins": [7]}, False, "nobody else"),
        (KEY, {"settings": {"x": 1}}, False, "not known"),
        ("a", {"activate_new_children": True}, True, "lose their access"),
    ],
    ids=str,
)
def test_what_has_to_be_confirmed(set_: Set, key: str, options: dict[str, t.Any], needed: bool, text: str) -> None:
    set_.tenant.double.state.connections["a"] = Connection("a", "Something New")
    if options.get("activate_new_children"):
        set_.of(key)["activateNewChildren"] = False
    planned = set_(key, check=True, **options)
    assert planned["plan"]["changes_access"] is needed
    assert text in planned["plan"]["steps"][0]["effect"]
    assert ("lose their access" in text) == ("lose their access" in planned["plan"]["steps"][0]["effect"])
    assert (set_(key, **options).code == "confirmation_required") is needed
    assert len(set_.puts) == (not needed)


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ({"is_active": False, "confirm": "prod"}, "confirmation_mismatch", "The option confirm is 'prod'"),
        ({"is_active": False, "expected_plan_digest": "0" * 64}, "plan_changed", "expected_plan_digest"),
        ({}, "configuration", "No setting is given"),
        ({"settings": {"isActive": True}}, "configuration", "Use the option is_active"),
        ({"settings": {"dataOwners": []}}, "configuration", "Use the option data_owners"),
        ({"is_active": False, "wait_timeout": 0}, "configuration", "wait_timeout"),
        ({"connection_key": "", "is_active": False}, "configuration", "connection_key is empty"),
        ({"connection_key": "Prod Snowflake", "is_active": False}, "not_found", "Is it 'prod snowflake'?"),
        ({"connection_key": "zzz", "is_active": False}, "not_found", "its case matters"),
        ({"connection_key": f"{KEY}/a", "is_active": False}, "not_found", "no connection"),
    ],
    ids=str,
)
def test_what_is_refused(set_: Set, options: dict[str, t.Any], code: str, text: str) -> None:
    refused = set_(**{"connection_key": KEY, **options})
    assert refused.code == code, refused
    assert text in refused["msg"]
    assert set_.puts == []


def test_a_key_that_may_mean_an_object_below_another_connection_is_refused(set_: Set) -> None:
    state = set_.tenant.double.state
    state.connections[f"{KEY}/a"] = Connection(f"{KEY}/a", "Snowflake")
    assert set_(f"{KEY}/a", activate_new_children=False).code == "ambiguous_key"
    assert set_.puts == []


# What servers may do otherwise


@pytest.mark.parametrize(
    "variant",
    [
        {"settings_request": "bare"},
        *({"settings_reply": reply} for reply in ("job", "empty_200", "empty_202", "empty_204")),
        {"settings_shown": "bare"},
        {"settings_reads": 3},
        {"object_path": "string"},
        {"object_path": "nested"},
        {"object_path": "key"},
    ],
    ids=str,
)
def test_every_variant(set_: Set, variant: dict[str, t.Any]) -> None:
    set_.tenant.vary(**variant)
    assert set_(is_active=False, confirm=KEY).good["verified"] is True
    assert set_.of()["isActive"] is False
    assert set_(is_active=False)["changed"] is False


@pytest.mark.parametrize("shown", ["objects", "ids"])
def test_people_are_recognised_in_another_form(set_: Set, shown: str) -> None:
    set_.tenant.vary(people=shown)
    assert set_(data_owners=[ALICE, BOB]).good["changed"] is True
    assert set_(data_owners=[BOB, ALICE])["changed"] is False
    assert set_(data_owners=[9, "7"])["changed"] is False
    assert set_(data_owners=[ALICE])["changed"] is True
    assert set_(data_owners=[ALICE, ALICE], check=True)["changed"] is True


def test_settings_that_are_not_shown_are_sent_each_time_and_not_called_verified(set_: Set) -> None:
    set_.tenant.vary(settings_shown="absent")
    for _time in range(2):
        done = set_(activate_new_children=False)
        assert (done.good["changed"], done["verified"]) == (True, False)
        assert "does not show activateNewChildren" in done.warned
    # The state of the object tells this one.
    assert set_(is_active=True)["changed"] is False
    assert set_(is_active=False, confirm=KEY)["verified"] is True


def test_other_settings_that_change_are_told(set_: Set) -> None:
    set_.tenant.vary(settings_effect="replaced")
    assert "Other settings have changed meanwhile: activateNewChildren, isActive." in set_(data_owners=[7]).warned


# What goes wrong


def test_a_busy_connection_is_waited_for(set_: Set) -> None:
    set_.tenant.fault("status", operation_id="updateSettings", status=409, times=4)
    assert set_(activate_new_children=False).good["changed"] is True
    set_.tenant.fault("status", operation_id="updateSettings", status=409, times=10**6)
    busy = set_(activate_new_children=True, confirm=KEY)
    assert busy.code == "busy" and "stayed busy for 60 s" in busy["msg"] and "Nothing was changed" in busy["msg"]
    assert set_.of()["activateNewChildren"] is False


@pytest.mark.parametrize("kind", ["lost_answer", "html", "truncated", "status"])
@pytest.mark.parametrize("done", [False, True])
def test_a_lost_answer_is_read_back(set_: Set, kind: str, done: bool) -> None:
    set_.tenant.fault(kind, operation_id="updateSettings", done=done, status=500)
    result = set_(activate_new_children=False)
    assert (result.good["changed"], result["verified"]) == (True, True)
    arrived = done or kind in ("lost_answer", "truncated")
    assert len(set_.puts) == (1 if arrived else 2)
    assert ("answer to the change was lost" in result.warned) is arrived


def test_an_answer_that_is_lost_for_good(set_: Set) -> None:
    set_.tenant.fault("status", operation_id="updateSettings", status=500, times=10**6)
    lost = set_(activate_new_children=False)
    assert lost.code == "server" and "does not show the change" in lost["msg"]
    assert len(set_.puts) == 3
    set_.tenant.double.faults.clear()
    set_.tenant.fault("lost_answer", operation_id="updateSettings")
    set_.tenant.fault("status", operation_id="getObject", status=403, nth=2)
    assert "Nor could it be read what is set now" in set_(activate_new_children=False)["msg"]
    assert set_(activate_new_children=False)["changed"] is False


def test_a_change_that_does_not_show(set_: Set) -> None:
    set_.tenant.vary(settings_reads=10**6)
    late = set_(activate_new_children=False)
    assert late.code == "wait_timeout" and "does not show activateNewChildren as wanted" in late["msg"]


def test_what_comes_of_it_can_not_be_read(set_: Set) -> None:
    set_.tenant.fault("status", operation_id="getObject", status=403, nth=2)
    failed = set_(activate_new_children=False)
    assert failed.code == "permission" and "Immuta took the change, but" in failed["msg"]


@pytest.mark.parametrize("permissions", [[], ["GOVERNANCE"], ["INFRASTRUCTURE_ADMIN"]], ids=str)
def test_who_may(set_: Set, permissions: list[str]) -> None:
    set_.tenant.permit(*permissions)
    result = set_(activate_new_children=False)
    if permissions == ["INFRASTRUCTURE_ADMIN"]:
        assert result.good["changed"] is True
    else:
        assert result.code == "permission"
        assert set_.of()["activateNewChildren"] is True


def test_a_refusal_is_not_tried_in_another_form(set_: Set) -> None:
    set_.tenant.fault("status", operation_id="updateSettings", status=422)
    refused = set_(data_owners=[7])
    assert refused.code == "invalid_request" and "Nothing was changed" in refused["msg"]
    assert len(set_.puts) == 1


def test_an_object_that_is_not_shown(set_: Set) -> None:
    set_.tenant.fault("status", operation_id="getObject", status=404)
    refused = set_(is_active=False)
    assert refused.code == "refused" and "does not show its settings" in refused["msg"]
