# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_connection: planned, confirmed, deleted once, and seen to be gone."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Result, Tenant


class Remove:
    """Calls the module on the connection, confirmed unless told otherwise."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def __call__(self, **options: t.Any) -> Result:
        return self.tenant("connection", **{"connection_key": KEY, "confirm": KEY, "wait_timeout": 20, **options})

    @property
    def there(self) -> bool:
        return KEY in self.tenant.double.state.connections

    @property
    def deletions(self) -> int:
        return self.tenant.writes.count("DELETE")


@pytest.fixture
def remove(tenant: Tenant) -> Remove:
    return Remove(tenant)


# What is asked about the other two connections before the deletion.
OTHERS = ["searchObjects", "getConnection", "getConnection"]


@pytest.mark.parametrize("reply", ["object_path", "connection_key", "empty_200", "empty_202", "empty_204"])
def test_deletes_whatever_the_answer_looks_like(remove: Remove, reply: str) -> None:
    remove.tenant.vary(delete_reply=reply)
    result = remove()
    assert result["changed"] is True, result
    assert result["verified"] is True
    assert result["deleted_objects"] == (None if reply.startswith("empty") else 5)
    assert result["connection"]["key"] == KEY
    assert result["connection"]["integration_id"] == 5
    assert result["integration"] is None
    assert not remove.there
    assert remove.tenant.asked == ["getConnection", *OTHERS, "deleteObject", "getConnection", "listIntegrations"]
    assert remove.tenant.double.connections == 1


def test_another_tenant_than_that_of_the_earlier_tasks_is_refused(remove: Remove) -> None:
    refused = remove(expected_tenant="https://other.example")
    assert (refused.code, remove.there) == ("configuration", True)
    assert "Nothing was deleted." in refused["msg"]


def test_a_second_time_nothing_changes(remove: Remove) -> None:
    first = remove()
    second = remove()
    assert second["changed"] is False
    assert second["connection"] is None
    assert second["plan"]["steps"] == []
    assert second["diff"]["before"] == second["diff"]["after"] == first["diff"]["after"]
    assert remove.deletions == 1


def test_check_mode_plans_the_same(remove: Remove) -> None:
    planned = remove(check=True, confirm=None)
    assert remove.there
    assert remove.tenant.writes == []
    assert planned["plan"]["irreversible"] is True
    real = remove(expected_plan_digest=planned["plan"]["digest"])
    assert (planned["changed"], planned["diff"], planned["plan"]) == (real["changed"], real["diff"], real["plan"])
    assert remove(expected_plan_digest=planned["plan"]["digest"])["changed"] is False


@pytest.mark.parametrize("confirm", [None, ""])
def test_does_nothing_unconfirmed(remove: Remove, confirm: str | None) -> None:
    result = remove(confirm=confirm)
    assert result.code == "confirmation_required"
    assert "confirm" in result["msg"]
    assert remove.there
    assert remove.tenant.writes == []


def test_another_confirmation_stops_it_before_it_asks(remove: Remove) -> None:
    result = remove(confirm=KEY + " ")
    assert result.code == "confirmation_mismatch"
    assert remove.tenant.asked == []


def test_another_plan_than_the_approved_one_is_not_carried_out(remove: Remove) -> None:
    digest = remove(check=True)["plan"]["digest"]
    remove.tenant.double.state.connections[KEY].hostname = "other.snowflakecomputing.com"
    result = remove(expected_plan_digest=digest)
    assert result.code == "plan_changed"
    assert remove.there


# What Immuta may do afterwards


def test_does_not_wait_for_ever(remove: Remove) -> None:
    remove.tenant.vary(deletion_seconds=60)
    result = remove(wait_timeout=1)
    assert result.code == "wait_timeout"
    assert "Run it again" in result["msg"]
    assert remove.deletions == 1


def test_lake_formation(remove: Remove) -> None:
    key = "prod lake formation"
    result = remove(connection_key=key, confirm=key)
    assert result["verified"] is True
    assert key not in remove.tenant.double.state.connections


# Permissions


@pytest.mark.parametrize(
    ("rules", "permissions", "owns", "allowed"),
    [
        ("newer", ["APPLICATION_ADMIN"], [], True),
        ("newer", ["INFRASTRUCTURE_ADMIN"], [], False),
        ("older", ["INFRASTRUCTURE_ADMIN"], [], True),
        ("older", ["APPLICATION_ADMIN"], [], False),
        ("older", ["APPLICATION_ADMIN"], [KEY], True),
    ],
)
def test_permission_rules(remove: Remove, rules: str, permissions: list[str], owns: list[str], allowed: bool) -> None:
    remove.tenant.vary(permission_rules=rules)
    remove.tenant.permit(*permissions, owns=owns)
    result = remove()
    assert result.failed is not allowed
    assert remove.there is not allowed
    if not allowed:
        assert result.code == "permission"
        assert "INFRASTRUCTURE_ADMIN" in result["msg"]
        assert "DATA_OWNER" in result["msg"]


def test_a_key_that_may_not_see_it_finds_nothing_absent(remove: Remove) -> None:
    remove.tenant.vary(missing_permission=404)
    remove.tenant.permit("CREATE_DATA_SOURCE", owns=["prod databricks"])
    assert remove().code == "permission"


@pytest.mark.parametrize(
    ("variant", "code"),
    [
        ({"wrong_prefix": True}, "api_missing"),
        ({"login_page": True}, "unexpected_reply"),
        ({"connections_enabled": False}, "api_missing"),
    ],
)
def test_a_wrong_url_is_never_absent(remove: Remove, variant: dict[str, t.Any], code: str) -> None:
    remove.tenant.vary(**variant)
    for check in (True, False):
        result = remove(check=check)
        assert result.code == code


def test_a_redirect_gets_no_key(remove: Remove) -> None:
    with ImmutaDouble(State.example(KEY, api_key=API_KEY)) as other:
        remove.tenant.fault("redirect", operation_id="deleteObject", location=f"{other.url}/data/object/x")
        assert remove().code == "redirect"
        assert other.requests == []


# What is refused before anything is asked


@pytest.mark.parametrize(
    ("options", "told"),
    [
        # What YAML makes of 1.10, yes, and 0123 without quotes.
        (
            {"connection_key": 1.1, "confirm": 1.1},
            "The option connection_key is a number (1.1), not text. Put it in quotes",
        ),
        ({"connection_key": True, "confirm": True}, "The option connection_key is true or false (True), not text."),
        ({"connection_key": "83", "confirm": 83}, "The option confirm is a number (83), not text. Put it in quotes"),
        ({"api_key": 12345678}, "The option api_key is a number, not text."),
        ({"api_key": "1"}, "The option api_key has fewer than 8 characters, and"),
        ({"api_key": "api_key"}, "The option api_key has fewer than 8 characters, and"),
        ({"api_key": "connection"}, "The option api_key is a word that occurs in results, and"),
        ({"api_key": "finished"}, "The option api_key is a word that occurs in results, and"),
        ({"api_key": "prod snow"}, "The option api_key is a part of the option connection_key, and"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_refuses_what_would_mean_something_else(
    remove: Remove, options: dict[str, t.Any], told: str, check: bool
) -> None:
    remove.tenant.double.state.connections.update(
        dict.fromkeys(("1.1", "True", "83"), remove.tenant.double.state.connections[KEY])
    )
    result = remove(**options, check=check)
    assert result["msg"].startswith(told), result["msg"]
    assert result.code == ("unfit_secret" if "asterisks" in result["msg"] else "invalid_option")
    assert remove.tenant.asked == []
    if "api_key" in options:
        assert result.get("invocation", {}).get("module_args", {}).get("api_key") not in list(options.values())


def test_a_short_secret_of_the_environment_counts(tenant: Tenant) -> None:
    result = tenant("connection_info", connection_key=KEY, api_key="", env={"IMMUTA_API_TOKEN": "exists"})
    assert result["msg"].startswith("The option api_key has fewer than 8 characters")
    assert (result.code, "Change it (in the environment: IMMUTA_API_KEY)." in result["msg"]) == ("unfit_secret", True)
    assert "exists" not in str(result.get("invocation"))
    assert tenant.asked == []
