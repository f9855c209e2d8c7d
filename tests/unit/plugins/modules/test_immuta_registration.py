# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_connection with state=present: planned, registered once, seen to be there, and never claimed otherwise."""

from __future__ import annotations

import copy
import dataclasses
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import validation
from ansible_collections.community.immuta.tests.doubles import immuta_tenant
from ansible_collections.community.immuta.tests.harness.servers import KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Result, Tenant

NEW = "sales snowflake"
BRICKS = "sales databricks"
HOST = "sales.snowflakecomputing.com"
WORKSPACE = "dbc-f9e8d7c6-b5a4.cloud.databricks.com"
USER = "IMMUTA_SYSTEM_ACCOUNT"
PEM = "-----BEGIN PRIVATE KEY-----\nTHISISNOKEYBUTLOOKSLIKEONE0123\nCANARYCANARYCANARYCANARY567890\n-----END PRIVATE KEY-----\n"
PASSWORD = "canary-password-83fe"
SECRET = "canary-client-secret-0c2d"
TOKEN = "canary-token-55aa01"
ODD = "canary-odd-field-77"
CLIENT = "5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77"
AUTHORITY = "https://login.example/oidc/v1/token"
OAUTH = {"client_id": CLIENT, "client_secret": SECRET, "authority_url": AUTHORITY}
CONFIG = {"useCertificate": False, "clientId": CLIENT, "clientSecret": SECRET, "authorityUrl": AUTHORITY}
PLACE = {"host": HOST, "warehouse": "COMPUTE_WH", "role": "IMMUTA_SYSTEM", "database": "IMMUTA"}
BY_KEY = {"key_pair": {"username": USER, "private_key": PEM}}
SNOWFLAKE: dict[str, t.Any] = {**PLACE, **BY_KEY}
LAKE: dict[str, t.Any] = {"host": WORKSPACE, "http_path": "/sql/1.0/warehouses/0123456789abcdef", "catalog": "immuta"}
SHARED = {"port": 443, "warehouse": "COMPUTE_WH", "role": "IMMUTA_SYSTEM"}
SIGNING = {
    "authenticationType": "keyPair",
    "username": USER,
    "privateKey": {"keyName": "PRIV_KEY_FILE", "userFilename": "private_key.p8", "content": PEM},
}
BODY = {
    "connectionKey": NEW,
    "connection": {"technology": "Snowflake", "hostname": HOST, **SHARED, **SIGNING},
    "settings": {"isActive": False},
    "options": {"forceRecursiveCrawl": True},
    "nativeIntegration": {
        "type": "Snowflake",
        "autoBootstrap": False,
        "config": {"host": HOST, **SHARED, "database": "IMMUTA", **SIGNING},
    },
}
BRICKS_PLACE = {"port": 443, "httpPath": LAKE["http_path"]}


class Present:
    """Calls the module for a new connection to Snowflake unless told otherwise."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def __call__(self, connection_key: str = NEW, **options: t.Any) -> Result:
        given = {} if {"snowflake", "databricks", "connection"} & set(options) else {"snowflake": SNOWFLAKE}
        usual = {"connection_key": connection_key, "state": "present", "wait_timeout": 60}
        result = self.tenant("connection", **{**usual, **given, **options})
        for secret in (PEM.splitlines()[1], PASSWORD, SECRET, TOKEN, ODD):
            assert secret not in self.tenant.modules.output
        assert [one for one in self.tenant.double.violations if one.side == "reply"] == []
        return result

    def bodies(self, operation: str = "registerConnection") -> list[t.Any]:
        """The bodies that were sent, in order."""
        return [one.body for one in self.tenant.double.requests if one.operation_id == operation]

    def there(self, key: str = NEW) -> bool:
        return key in self.tenant.double.state.connections


@pytest.fixture
def present(tenant: Tenant) -> Present:
    return Present(tenant)


# What is sent


@pytest.mark.parametrize(
    ("options", "connection", "config"),
    [
        ({"snowflake": SNOWFLAKE}, BODY["connection"], t.cast("dict[str, t.Any]", BODY["nativeIntegration"])["config"]),
        (
            {
                "snowflake": {
                    **PLACE,
                    "host": f"https://{HOST}/",
                    "port": 8443,
                    "audit": True,
                    "impersonation_role": "IMMUTA_IMPERSONATION",
                    "oauth_client_credentials": {**OAUTH, "scope": "session:role:IMMUTA"},
                }
            },
            {
                "technology": "Snowflake",
                "hostname": HOST,
                **SHARED,
                "port": 8443,
                "authenticationType": "oAuthClientCredentials",
                "oAuthClientConfig": {**CONFIG, "scope": "session:role:IMMUTA"},
            },
            {
                "host": HOST,
                **SHARED,
                "port": 8443,
                "database": "IMMUTA",
                "audit": {"enabled": True},
                "impersonation": {"enabled": True, "role": "IMMUTA_IMPERSONATION"},
                "authenticationType": "oAuthClientCredentials",
                "oAuthClientConfig": {**CONFIG, "scope": "session:role:IMMUTA"},
            },
        ),
        (
            {"snowflake": {**PLACE, "password": {"username": USER, "password": PASSWORD}}},
            {
                "technology": "Snowflake",
                "hostname": HOST,
                **SHARED,
                "authenticationType": "userPassword",
                "username": USER,
                "password": PASSWORD,
            },
            {
                "host": HOST,
                **SHARED,
                "database": "IMMUTA",
                "authenticationType": "userPassword",
                "username": USER,
                "password": PASSWORD,
            },
        ),
        (
            {
                "databricks": {
                    **LAKE,
                    "oauth_m2m": OAUTH,
                    "workspace_ids": ["123"],
                    "excluded_group": "robots",
                    "audit": False,
                }
            },
            {
                "technology": "Databricks",
                "hostname": WORKSPACE,
                **BRICKS_PLACE,
                "authenticationType": "oAuthM2M",
                "oAuthClientConfig": {**CONFIG, "scope": "all-apis"},
            },
            {
                "host": WORKSPACE,
                "port": 443,
                "catalog": "immuta",
                "workspaceIds": ["123"],
                "groupPattern": {"deny": "robots"},
                "audit": {"enabled": False},
                "authenticationType": "oAuthM2M",
                "oAuthClientConfig": {**CONFIG, "scope": "all-apis"},
            },
        ),
        (
            {"databricks": {**LAKE, "token": TOKEN}, "native_integration": {"config": {"httpPath": LAKE["http_path"]}}},
            {
                "technology": "Databricks",
                "hostname": WORKSPACE,
                **BRICKS_PLACE,
                "authenticationType": "token",
                "token": TOKEN,
            },
            {
                "host": WORKSPACE,
                "port": 443,
                "catalog": "immuta",
                "httpPath": LAKE["http_path"],
                "authenticationType": "token",
                "token": TOKEN,
            },
        ),
        (
            {
                "snowflake": PLACE,
                "connection": {
                    "authenticationType": "oAuthClientCredentials",
                    "privateKey": {"content": SECRET},
                    "odd": ODD,
                },
            },
            {
                "technology": "Snowflake",
                "hostname": HOST,
                **SHARED,
                "authenticationType": "oAuthClientCredentials",
                "privateKey": {"content": SECRET},
                "odd": ODD,
            },
            {
                "host": HOST,
                **SHARED,
                "database": "IMMUTA",
                "authenticationType": "oAuthClientCredentials",
                "privateKey": {"content": SECRET},
            },
        ),
        (
            {
                "connection": {"technology": "Glue", "authenticationType": "accessKey", "secretAccessKey": SECRET},
                "native_integration": {"type": "Glue", "autoBootstrap": False, "config": {"secretAccessKey": SECRET}},
            },
            {"technology": "Glue", "authenticationType": "accessKey", "secretAccessKey": SECRET},
            {"secretAccessKey": SECRET},
        ),
    ],
    ids=["key", "oauth", "password", "m2m", "token", "raw credential", "glue"],
)
def test_one_credential_fills_all_places(
    present: Present, options: dict[str, t.Any], connection: dict[str, t.Any], config: dict[str, t.Any]
) -> None:
    if "privateKey" in connection and "keyName" not in connection["privateKey"]:
        # The description knows the whole of it only.
        connection = {**connection, "privateKey": {**SIGNING["privateKey"], "content": SECRET}}  # type: ignore[dict-item]
        config = {**config, "privateKey": connection["privateKey"]}
        options = {**options, "connection": {**options["connection"], "privateKey": connection["privateKey"]}}
    planned = present(check=True, **options).good
    result = present(**options).good
    (body,) = present.bodies()
    kind = connection["technology"]
    native = {"type": kind, "autoBootstrap": False, "config": config}
    assert body["connection"] == connection
    assert body["nativeIntegration"] == ({**native, "unityCatalog": True} if kind == "Databricks" else native)
    assert present.bodies("testConnection") == [body]
    assert (result["changed"], result["registered"], result["verified"]) == (True, True, True)
    assert result["connection"]["key"] == NEW
    assert result["integration"]["status"] == "enabled"
    assert result["integration"]["id"] == result["connection"]["integration_id"] == 10
    assert ("password alone" in result.warned) is (connection["authenticationType"] == "userPassword")
    assert (planned["diff"], planned["plan"]) == (result["diff"], result["plan"])
    again = present(**options).good
    assert (again["changed"], again["registered"], again["verified"], len(present.bodies())) == (False, False, True, 1)
    assert again["diff"]["before"] == again["diff"]["after"]
    assert ODD not in json.dumps(result)


def test_the_whole_body(present: Present, tmp_path: Path) -> None:
    assert present()["registered"] is True
    assert present.bodies() == [BODY]
    file = tmp_path / "immuta.p8"
    file.write_text(PEM)
    by_file = {"key_pair": {"username": USER, "private_key_file": str(file)}}
    assert present("other", snowflake={**PLACE, "host": "other.example", **by_file})["registered"] is True
    assert present.bodies()[1]["connection"]["privateKey"] == {**SIGNING["privateKey"], "userFilename": "immuta.p8"}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("options", "settings", "crawl"),
    [
        ({}, {"isActive": False}, True),
        ({"options": {"force_recursive_crawl": False}}, {"isActive": False}, False),
        ({"settings": {"is_active": True}, "confirm": NEW}, {"isActive": True}, False),
        (
            {
                "settings": {
                    "activate_new_children": False,
                    "data_owners": [{"type": "user", "id": 2}],
                    "infrastructure_admins": [3],
                },
            },
            {
                "isActive": False,
                "activateNewChildren": False,
                "dataOwners": [{"type": "user", "id": 2}],
                "infrastructureAdmins": [3],
            },
            True,
        ),
    ],
)
def test_settings_and_options(
    present: Present, options: dict[str, t.Any], settings: dict[str, t.Any], crawl: bool
) -> None:
    assert present(**options).good["verified"] is True
    assert present.bodies()[0]["settings"] == settings
    assert present.bodies()[0]["options"] == {"forceRecursiveCrawl": crawl}
    assert settings.items() <= present.tenant.double.state.connections[NEW].settings.items()


# Approval


@pytest.mark.parametrize("setting", ["is_active", "activate_new_children"])
@pytest.mark.parametrize(
    ("options", "revokes"),
    [({"databricks": {**LAKE, "token": TOKEN}}, True), ({"snowflake": SNOWFLAKE}, False)],
    ids=["databricks", "snowflake"],
)
def test_enabling_is_planned_and_confirmed(
    present: Present, options: dict[str, t.Any], revokes: bool, setting: str
) -> None:
    options = {**options, "settings": {setting: True}}
    planned = present(check=True, **options).good
    assert [one["action"] for one in planned["plan"]["steps"]] == ["register_connection", "enable_objects"]
    assert ("users lose their access" in planned["plan"]["steps"][1]["effect"]) is revokes
    assert planned["plan"]["irreversible"] is True
    result = present(**options)
    assert result.code == "confirmation_required"
    assert "settings.is_active" in result["msg"]
    assert present(**options, confirm="another").code == "confirmation_mismatch"
    assert not present.bodies()
    assert present(**options, confirm=NEW)["verified"] is True
    # It is there, and nobody is asked again.
    assert present(**options)["changed"] is False


def test_check_mode_plans_the_same_and_registers_nothing(present: Present) -> None:
    planned = present(check=True).good
    assert (planned["changed"], planned["registered"], planned["tested"], planned["verified"]) == (
        True,
        False,
        True,
        False,
    )
    assert (planned["connection"], planned["plan"]["irreversible"]) == (None, False)
    assert not present.bodies()
    assert planned["diff"]["after"]["connection"]["username"] == USER
    digest = planned["plan"]["digest"]
    other = present(snowflake={**SNOWFLAKE, "warehouse": "OTHER_WH"}, expected_plan_digest=digest)
    assert other.code == "plan_changed"
    assert not present.bodies()
    assert present(expected_plan_digest=digest)["plan"] == planned["plan"]
    assert present(expected_plan_digest=digest)["changed"] is False


@pytest.mark.parametrize("reply", ["results", "boolean", "list"])
def test_immuta_tests_a_registration_in_check_mode(present: Present, reply: str) -> None:
    present.tenant.vary(test_reply=reply)
    assert present(check=True).good["tested"] is True
    present.tenant.vary(register_outcome="refused")
    result = present(check=True)
    assert result.code == "registration_refused"
    assert ("It can't sign in" in result["msg"]) is (reply != "boolean")
    assert "Nothing was registered." in result["msg"]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("empty", "Immuta's answer does not tell"),
        ("absent", "Immuta answers 404"),
        ("not_allowed", "(405)"),
        ("key", "(400): The key test does not fit"),
    ],
)
def test_a_tenant_that_can_not_test(present: Present, reply: str, told: str) -> None:
    present.tenant.vary(test_reply=reply)
    result = present(check=True).good
    assert (result["changed"], result["tested"]) == (True, False)
    assert "Immuta has not tested the registration: " in result.warned and told in result.warned
    if reply == "empty":
        present.tenant.vary(register_outcome="refused")
        assert present(check=True).code == "registration_refused"


def test_a_test_that_leaves_its_integration_is_found_by_the_next_run(present: Present) -> None:
    present.tenant.vary(test_effect="integration")
    assert present(check=True).good["tested"] is True
    left = max(present.tenant.double.state.integrations)
    result = present()
    assert (result.code, result["failure"]["integration_id"]) == ("already_exists", left)
    assert not present.bodies()


def test_a_key_that_a_newer_version_refuses(present: Present) -> None:
    present.tenant.vary(register_keys="newer")
    result = present("sales.snowflake")
    assert result.code == "invalid_request"
    assert "sales.snowflake is no valid connectionKey" in result["msg"]
    assert "Nothing was registered." in result["msg"]
    assert not present.there("sales.snowflake")


def test_a_tenant_that_calls_the_host_as_an_integration_does(present: Present) -> None:
    present.tenant.vary(described_host="host")
    assert present().good["connection"]["hostname"] == SNOWFLAKE["host"]
    assert present().good["changed"] is False
    other = present(snowflake={**SNOWFLAKE, "host": "other.snowflakecomputing.com"})
    assert other.code == "refused"


# What is refused before anything is sent


@pytest.mark.parametrize(
    ("key", "options", "told"),
    [
        ("", {}, "The option connection_key is empty."),
        ("a/b", {}, "The option connection_key is 'a/b', and '/' means something in a path"),
        ("a%2Fb", {}, "The option connection_key is 'a%2Fb', and '%' means something"),
        (
            "data",
            {},
            "The option connection_key is 'data', which Immuta reserves. Choose another one. Reserved are: bulk, con",
        ),
        ("Settings", {}, "The option connection_key is 'Settings', which Immuta reserves."),
        (NEW, {"databricks": {**LAKE, "token": TOKEN}, "snowflake": SNOWFLAKE}, "The options snowflake and databricks"),
        (NEW, {"snowflake": PLACE}, "No credential is given."),
        (NEW, {"snowflake": {**PLACE, "role": " ", **BY_KEY}}, "The option snowflake.role is empty."),
        (
            NEW,
            {"snowflake": {**PLACE, "host": "u:p-a-s-s@h", **BY_KEY}},
            "The option snowflake.host contains a user name or",
        ),
        (
            NEW,
            {"snowflake": {**PLACE, "key_pair": {"private_key": PEM}}},
            "The option snowflake.key_pair.username is missing.",
        ),
        (
            NEW,
            {"snowflake": {**PLACE, "oauth_client_credentials": OAUTH}},
            "The option snowflake.oauth_client_credentials.scope is missing.",
        ),
        (
            NEW,
            {"snowflake": SNOWFLAKE, "connection": {"warehouse": "X"}},
            "The field warehouse is given in connection, and",
        ),
        (
            NEW,
            {"snowflake": SNOWFLAKE, "connection": {"username": "X"}},
            "The field username is given in connection, and",
        ),
        (NEW, {"connection": {"password": PASSWORD}}, "The technology of the connection is missing."),
        (
            NEW,
            {"connection": {"technology": "Glue", "password": PASSWORD}},
            "The option native_integration is missing. Immuta needs it",
        ),
        (
            NEW,
            {"snowflake": SNOWFLAKE, "native_integration": {"config": {"password": "short"}}},
            "The field password in native_integration has fewer than 8 characters",
        ),
        (NEW, {"wait_timeout": 0}, "The option wait_timeout must be more than 0"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_refuses_what_can_not_be_meant(
    present: Present, key: str, options: dict[str, t.Any], told: str, check: bool
) -> None:
    result = present(key, **options, check=check)
    assert result["msg"].startswith(told), result["msg"]
    assert present.tenant.asked == []


def test_a_period_is_warned_of(present: Present) -> None:
    assert "has a period" in present("a.b").good.warned
    assert present.there("a.b")


@pytest.mark.parametrize("option", ["snowflake", "settings", "connection", "native_integration", "options"])
def test_a_forgotten_state_deletes_nothing(present: Present, option: str) -> None:
    value = SNOWFLAKE if option == "snowflake" else {}
    result = present.tenant("connection", connection_key=KEY, confirm=KEY, **{option: value})
    assert result["msg"].startswith(
        f"The option {option} is for state=present, but state is absent. Nothing was deleted."
    )
    assert present.there(KEY)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    "key", ["Prod Snowflake", "prod  snowflake", "prod snow\ufb02ake", "prod\u00a0snowflake", "prod snowflake ", "pro\u200bd snowflake"]
)  # fmt: skip
def test_a_new_key_that_people_can_not_tell_from_another(present: Present, key: str, check: bool) -> None:
    result = present(key, check=check)
    assert result.code in ("ambiguous_key", "invalid_option")
    assert ascii(key) in result["msg"]
    assert "'prod snowflake'" in result["msg"] or "a character that can't be seen" in result["msg"]
    assert not present.bodies() and not present.bodies("testConnection")
    # It is told from others once it is there.
    state = present.tenant.double.state
    state.connections[key] = dataclasses.replace(state.connections[KEY], key=key)
    assert present(key, snowflake=of_example()).good["changed"] is False


@pytest.mark.parametrize("check", [False, True])
def test_a_new_key_with_letters_that_look_alike(present: Present, check: bool) -> None:
    result = present("pr\u043ed snowflake", check=check)
    assert "d snowflake' mixes letters of Cyrillic and Latin, which look alike" in result.warned


def test_a_confirmation_in_another_unicode_form(present: Present) -> None:
    key, other = "caf\u00e9", "cafe\u0301"
    result = present(key, confirm=other)
    assert result.code == "confirmation_mismatch"
    assert f"The option confirm is {other!a}, but the connection is {key!a}." in result["msg"]


# What is in the way

SAME_HOST = {**SNOWFLAKE, "host": "example.snowflakecomputing.com"}


@pytest.mark.parametrize("check", [False, True])
def test_another_integration_in_the_same_place(present: Present, check: bool) -> None:
    result = present(snowflake=SAME_HOST, check=check)
    assert result.code == "already_exists"
    assert (
        "The integration 5 ('enabled') is on example.snowflakecomputing.com, in the same database 'IMMUTA'"
        in result["msg"]
    )
    assert "Deregister the connection 'prod snowflake' first" in result["msg"]
    assert (result["failure"]["integration_id"], result["failure"]["connections"]) == (5, [KEY])
    assert not present.bodies()
    del present.tenant.double.state.connections[KEY]
    for status, told in (
        ("enabled", "No connection names it."),
        ("createError", "integration_id=5"),
        ("creating", "wait a minute and rerun"),
    ):
        present.tenant.double.state.integrations[5].status = status
        result = present(snowflake=SAME_HOST, check=check)
        assert result.code == "already_exists"
        assert told in result["msg"]
    present.tenant.double.state.integrations[5].status = "disabled"
    assert present(snowflake=SAME_HOST, check=check).good["changed"] is True


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("example.snowflakecomputing.com.", "already_exists"),
        ("EXAMPLE.privatelink.snowflakecomputing.com", "already_exists"),
        ("example.snowflakecomputing.com:443", "invalid_option"),
        ("example.snowflakecomputing.com.:8443", "invalid_option"),
    ],
)
def test_every_form_of_the_same_host(present: Present, host: str, code: str) -> None:
    result = present(snowflake={**SAME_HOST, "host": host}, check=True)
    assert result.code == code
    assert ("which has a port. Give only the host there, and the port in snowflake.port" in result["msg"]) is (
        code == "invalid_option"
    )
    assert not present.bodies() and not present.bodies("testConnection")


@pytest.mark.parametrize(("host", "warned"), [("acme-example", True), ("example.eu-west-1", True), ("other", False)])
def test_a_host_that_may_be_the_same_one(present: Present, host: str, warned: bool) -> None:
    given = {**SAME_HOST, "host": f"{host}.snowflakecomputing.com"}
    result = present(snowflake=given, check=True)
    assert ("may lead to the same account or metastore, and has the same database 'IMMUTA'" in result.warned) is warned
    assert "may lead to" not in present(snowflake={**given, "database": "OTHER"}, check=True).warned


@pytest.mark.parametrize("check", [False, True])
def test_another_database_on_the_same_host_is_for_immuta_to_judge(present: Present, check: bool) -> None:
    other = {**SAME_HOST, "database": "IMMUTA_TWO"}
    result = present(snowflake=other, check=check)
    assert "The integration 5 ('enabled') is on example.snowflakecomputing.com, too." in result.warned
    assert result.code == "already_exists"
    assert (
        "already exists on example.snowflakecomputing.com (id = 5). The integration 5 belongs to the connection"
        in result["msg"]
    )
    assert "Deregister the connection 'prod snowflake' first" in result["msg"]
    assert len(present.bodies()) == (not check), "it is never waited for"
    if not check:
        assert (result["changed"], result["registered"]) == (False, False)
    present.tenant.double.state.integrations[5].status = "createError"
    del present.tenant.double.state.connections[KEY]
    result = present(snowflake=other, check=check)
    assert result.code == "already_exists"
    assert "PUT /integrations/5" in result["msg"] and "save its clean-up script" in result["msg"]
    present.tenant.vary(register_host="place")
    assert present(snowflake=other, check=check).good["changed"] is True


# What comes of it


@pytest.mark.parametrize(
    "reply",
    ["object_path", "described", "jobs", "list", "integration", "empty_200", "empty_201", "empty_202", "empty_204"],
)
@pytest.mark.parametrize(("delay", "reads"), [(0, 0), (3, 0), (0, 3), (2, 5)])
def test_whatever_the_answer_looks_like(present: Present, reply: str, delay: int, reads: int) -> None:
    present.tenant.vary(register_reply=reply, register_delay=delay, register_reads=reads, sync_reads=2)
    result = present().good
    assert (result["registered"], result["verified"], len(present.bodies())) == (True, True, 1)
    assert result["validation"]["integration_status"] == "enabled"
    told = reply in ("object_path", "jobs", "list")
    assert result["object_sync"] == {"state": "completed" if told else "started", "jobs": 1 if told else None}


@pytest.mark.parametrize("linked", ["null", "absent"])
def test_an_integration_that_the_connection_does_not_name(present: Present, linked: str) -> None:
    present.tenant.vary(native_integration_id=linked, register_reads=2)
    result = present().good
    assert (result["registered"], result["verified"], result["integration"]["id"]) == (True, True, 10)


@pytest.mark.parametrize(
    ("outcome", "remedy"), [("create_error", "save its clean-up script"), ("broken", "delete the connection")]
)
def test_an_integration_that_can_not_be_created(present: Present, outcome: str, remedy: str) -> None:
    present.tenant.vary(register_outcome=outcome, register_reads=2)
    result = present()
    assert result.code == "registration_failed"
    assert "its integration 10 is 'createError' (Connection: It can't sign in.)" in result["msg"]
    assert remedy in result["msg"]
    assert result["failure"]["integration_id"] == 10
    assert (result["changed"], result["registered"], result["verified"]) == (True, outcome == "broken", False)
    # Nothing goes on by itself from here, and nothing is sent twice.
    again = present()
    assert again.code == ("registration_failed" if outcome == "broken" else "already_exists")
    assert remedy in again["msg"]
    assert again["failure"]["integration_id"] == 10
    assert len(present.bodies()) == 1


def test_a_connection_without_an_integration(present: Present) -> None:
    present.tenant.vary(register_outcome="alone")
    result = present()
    assert result.code == "not_verified"
    assert "is there (UNHEALTHY), but Immuta shows no integration of it" in result["msg"]
    assert (result["changed"], result["registered"], result["verified"]) == (True, True, False)
    assert "Only the connection was compared" in present().good.warned


def test_an_integration_that_fails(present: Present) -> None:
    present.tenant.vary(register_outcome="failing")
    result = present()
    assert result.code == "validation_failed"
    assert (result["changed"], result["registered"], result["verified"]) == (True, True, False)
    again = present().good
    assert (again["changed"], again["verified"]) == (False, False)
    assert "is 'recurringValidationError'" in again.warned


def let_tests_tell(monkeypatch: pytest.MonkeyPatch, told: t.Any) -> None:
    """Let the tenant tell this of the tests of each integration."""
    monkeypatch.setattr(immuta_tenant.Tenant, "_validation", lambda _self, _one: told)


NOT_RUN = {"status": "notRun", "validationTests": [{"name": "Privileges", "status": "timeout", "message": "Late."}]}


@pytest.mark.parametrize(
    ("told", "doubt"),
    [
        ({}, "the tests of its integration 10 are not shown"),
        ({"validationTests": []}, "the tests of its integration 10 are not shown"),
        ({"status": "notRun"}, "the tests of its integration 10 have not passed (notrun)"),
        (NOT_RUN, "the tests of its integration 10 have not passed (Privileges: timeout)"),
        ({**NOT_RUN, "status": "passed"}, "the tests of its integration 10 have not passed (Privileges: timeout)"),
    ],
)
def test_nothing_that_shows_that_it_works_is_no_success(
    present: Present, monkeypatch: pytest.MonkeyPatch, told: t.Any, doubt: str
) -> None:
    present.tenant.vary(register_reply="empty_200")
    let_tests_tell(monkeypatch, told)
    result = present()
    assert result.code == "not_verified"
    assert f"The connection 'sales snowflake' is there, but nothing shows that it works: {doubt}." in result["msg"]
    assert (result["changed"], result["registered"], result["verified"]) == (True, True, False)
    # A rerun comes to an end, which is no green that says more than was seen.
    again = present().good
    assert (again["changed"], again["verified"], len(present.bodies())) == (False, False, 1)
    assert f"The connection is as it is to be, but nothing shows that it works: {doubt}." in again.warned
    edited = present(update_secrets="always")
    assert (edited.code, edited["rotated"], edited["verified"]) == ("not_verified", True, False)
    assert doubt in edited["msg"] and "wait=false" in edited["msg"]
    unseen = present(update_secrets="always", wait=False).good
    assert (unseen["changed"], unseen["verified"]) == (True, False)


@pytest.mark.parametrize(
    ("told", "code"),
    [({}, None), ({"status": "notRun"}, None), (NOT_RUN, "not_verified"), ({"status": "pending"}, "not_verified")],
)
def test_a_first_object_sync_counts_where_no_test_says_otherwise(
    present: Present, monkeypatch: pytest.MonkeyPatch, told: t.Any, code: str | None
) -> None:
    let_tests_tell(monkeypatch, told)
    result = present()
    assert (result.code, result["registered"], result["verified"]) == (code, True, code is None)
    assert result["object_sync"]["state"] == "completed"


def test_a_test_of_a_registration_that_has_not_passed(present: Present, monkeypatch: pytest.MonkeyPatch) -> None:
    found = validation.results_of({"validationResults": NOT_RUN})
    monkeypatch.setattr(validation, "results_of", lambda _body: found)
    planned = present(check=True).good
    assert planned["tested"] is False
    assert "Immuta's answer does not tell that the test has passed" in planned.warned


def test_a_registration_that_immuta_refuses(present: Present) -> None:
    present.tenant.vary(register_outcome="refused")
    result = present()
    assert result.code == "registration_refused"
    assert "Validation failed: the account can't sign in. Nothing was registered." in result["msg"]
    assert (result["changed"], result["registered"], len(present.bodies())) == (False, False, 1)
    present.tenant.vary(register_outcome="works")
    assert present()["verified"] is True


@pytest.mark.parametrize("fields", [{"register_reads": 10**6}, {"register_delay": 10**6}])
def test_does_not_wait_for_ever_and_a_rerun_goes_on(present: Present, fields: dict[str, t.Any]) -> None:
    present.tenant.vary(**fields)
    result = present()
    assert result.code == "wait_timeout"
    assert "Immuta accepted the registration, but after 60 s the connection 'sales snowflake' is" in result["msg"]
    assert (result["changed"], result["registered"], len(present.bodies())) == (True, None, 1)
    if "register_delay" in fields:
        # Nobody can see whose integration it is, until its connection shows.
        again = present()
        assert again.code == "already_exists"
        assert "If an earlier run of this task has made it, wait a minute and rerun." in again["msg"]
    for one in present.tenant.double.state.registrations.values():
        one.delay = one.reads = 0
    again = present()
    assert (again.good["changed"], again["verified"], len(present.bodies())) == (False, True, 1)


def test_does_not_wait_if_told_so(present: Present) -> None:
    present.tenant.vary(register_reads=3)
    result = present(wait=False).good
    assert (result["changed"], result["registered"], result["verified"]) == (True, None, False)
    again = present().good
    assert (again["changed"], again["registered"], again["verified"], len(present.bodies())) == (False, False, True, 1)
    assert again["integration"]["status"] == "enabled"


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
def test_a_first_object_sync_that_fails(present: Present, outcome: str) -> None:
    present.tenant.vary(sync_outcome=outcome)
    result = present()
    assert (result.code, result["changed"], result["registered"]) == ("sync_failed", True, True)
    assert present.there()


def test_a_first_object_sync_that_takes_long_is_no_failure(present: Present) -> None:
    present.tenant.vary(sync_reads=10**6)
    result = present().good
    assert (result["verified"], result["object_sync"]) == (True, {"state": "started", "jobs": None})
    assert "What becomes of the first object sync is not known: The object sync of" in result.warned
    present.tenant.vary(sync_reads=0)
    present.tenant.fault("status", status=500, operation_id="listJobs")
    other = present("other", snowflake={**SNOWFLAKE, "host": "other.example"}).good
    assert "is not known: Immuta failed on GET /jobs" in other.warned


# Answers that are lost

LOST: dict[str, dict[str, t.Any]] = {
    "lost": {"kind": "lost_answer"},
    "truncated": {"kind": "truncated"},
    **{str(one): {"kind": "status", "status": one, "done": True} for one in (401, 403, 404, 408, 425, 429, 500, 504)},
    "page": {"kind": "html", "done": True},
    "redirect": {"kind": "redirect", "location": "https://proxy.example/", "done": True},
}


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("wait", [True, False])
def test_a_lost_answer_is_read_and_never_sent_again(present: Present, lost: str, wait: bool) -> None:
    present.tenant.vary(register_delay=2, register_reads=3)
    present.tenant.fault(operation_id="registerConnection", **LOST[lost])
    result = present(wait=wait).good
    assert len(present.bodies()) == 1
    # Another run may have registered it by the same description.
    assert (result["changed"], result["verified"], result["registered"]) == (True, wait, None)
    assert "Immuta's answer to the registration was lost (" in result.warned
    assert "Whether this run or another one registered it is not known." in result.warned
    assert present()["verified"] is True
    assert len(present.bodies()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        *({"kind": "status", "status": one} for one in (401, 403, 408, 425, 429, 500, 504)),
        {"kind": "html"},
        {"kind": "redirect", "location": "https://proxy.example/"},
    ],
    ids=lambda fault: str(fault.get("status", fault["kind"])),
)
def test_what_has_not_arrived_is_not_claimed(present: Present, fault: dict[str, t.Any]) -> None:
    present.tenant.fault(operation_id="registerConnection", **fault)
    result = present()
    assert result.code == "registration_unknown"
    assert ", and for 30 s Immuta has shown nothing of it. " in result["msg"]
    assert (
        "Rerun it in a few minutes, when Immuta has certainly ended: it reads first, and registers only"
        in result["msg"]
    )
    cause = "Most likely nothing was changed, because the API key"
    hints = {
        401: f"{cause} was not accepted for this. Check api_key",
        403: f"{cause} lacks a permission. The key's owner needs APPLICATION_ADMIN (newer Immuta), or CREATE_DATA_SOURCE"
        " (older Immuta). Grant it. Rerun it",
    }
    hint = hints.get(fault.get("status", 0), "")
    assert hint in result["msg"] and ("Most likely" in result["msg"]) is bool(hint)
    assert ("not known: Immuta, or a gateway before it, " in result["msg"]) is bool(hint)
    assert (result["changed"], result["registered"], len(present.bodies())) == (True, None, 1)
    assert present()["verified"] is True


def test_a_lost_answer_and_then_nothing(present: Present) -> None:
    present.tenant.fault("lost_answer", operation_id="registerConnection")
    present.tenant.fault("status", status=500, operation_id="getConnection", nth=2, times=10**6)
    result = present()
    assert result.code == "registration_unknown"
    assert "what Immuta has could not be read: Immuta failed on GET" in result["msg"]


def test_a_short_wait_is_told_as_long_as_it_was(present: Present) -> None:
    present.tenant.fault("status", status=403, operation_id="registerConnection")
    result = present(wait_timeout=5)
    assert (result.code, result["registered"]) == ("registration_unknown", None)
    assert "refuses POST /data/connection (403): A planned fault, and for 5 s Immuta has shown nothing" in result["msg"]


def test_another_run_has_registered_it_meanwhile(present: Present, monkeypatch: pytest.MonkeyPatch) -> None:
    assert present().good
    one = present.tenant.double.state.connections.pop(NEW)
    present.tenant.double.state.integrations.clear()
    handle = present.tenant.double.handle

    def racing(method: str, target: str, *rest: t.Any) -> t.Any:
        if method == "POST" and target == "/data/connection":
            present.tenant.double.state.connections[NEW] = one
        return handle(method, target, *rest)

    monkeypatch.setattr(present.tenant.double, "handle", racing)
    for status, code in ((409, "already_exists"), (422, "registration_refused"), (400, "invalid_request")):
        present.tenant.double.state.connections.pop(NEW, None)
        present.tenant.vary(register_existing=status)
        assert present().code == code
    assert present()["changed"] is False


def meanwhile(present: Present, monkeypatch: pytest.MonkeyPatch, happens: t.Callable[[], None]) -> None:
    """Let something happen just before Immuta gets the registration."""
    handle = present.tenant.double.handle

    def racing(method: str, target: str, *rest: t.Any) -> t.Any:
        if method == "POST" and target == "/data/connection":
            happens()
        return handle(method, target, *rest)

    monkeypatch.setattr(present.tenant.double, "handle", racing)


@pytest.mark.parametrize("wait", [True, False])
def test_what_another_run_has_registered_is_not_taken_for_this_one(
    present: Present, monkeypatch: pytest.MonkeyPatch, wait: bool
) -> None:
    assert present().good
    state = present.tenant.double.state
    theirs = state.connections.pop(NEW)
    theirs.extra["warehouse"] = "THEIR_WH"
    state.integrations.clear()
    meanwhile(present, monkeypatch, lambda: state.connections.update({NEW: theirs}))
    present.tenant.fault("status", status=429, done=True, operation_id="registerConnection")
    result = present(wait=wait)
    assert result.code == "registration_failed"
    assert "Immuta shows another warehouse than the one sent" in result["msg"]
    assert (result["verified"], result["registered"]) == (False, None)


def test_what_another_run_has_registered_by_the_same_description_is_not_claimed(
    present: Present, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert present().good
    state = present.tenant.double.state
    theirs, integrations = state.connections.pop(NEW), dict(state.integrations)
    del state.integrations[theirs.native_integration_id or 0]

    def register() -> None:
        state.connections[NEW] = theirs
        state.integrations.update(integrations)

    meanwhile(present, monkeypatch, register)
    present.tenant.fault("status", status=429, operation_id="registerConnection")
    result = present().good
    assert result["registered"] is None
    assert "Whether this run or another one registered it is not known." in result.warned


@pytest.mark.parametrize("options", [{}, {"snowflake": {**SNOWFLAKE, "warehouse": "OTHER_WH"}, "confirm": NEW}])
@pytest.mark.parametrize("check", [True, False])
def test_who_plans_a_new_connection_edits_none(present: Present, options: dict[str, t.Any], check: bool) -> None:
    assert present(if_exists="fail")["registered"] is True
    result = present(if_exists="fail", check=check, update_secrets="always", **options)
    assert result.code == "plan_changed"
    assert "The connection 'sales snowflake' exists, but the plan was to register a new one" in result["msg"]
    assert (result["changed"], result["registered"], result["connection"]["key"]) == (False, False, NEW)
    assert not present.bodies("updateConnection")


@pytest.mark.parametrize(
    ("mine", "theirs"), [("IMMUTA_TWO", "THIRD"), ('"immuta_two"', "IMMUTA_TWO"), ("immuta_two", '"immuta_two"')]
)
def test_an_integration_that_another_run_makes_meanwhile_is_not_taken_for_this_one(
    present: Present, monkeypatch: pytest.MonkeyPatch, mine: str, theirs: str
) -> None:
    present.tenant.vary(native_integration_id="null", register_host="place")
    state = present.tenant.double.state
    other = copy.deepcopy(state.integrations[5])
    other.id, other.config = 77, {**other.config, "database": theirs}
    meanwhile(present, monkeypatch, lambda: state.integrations.update({77: other}))
    result = present(snowflake={**SAME_HOST, "database": mine}).good
    assert (result["verified"], result["integration"]["id"]) == (True, 78)


# One that is there


def of_example(**changes: t.Any) -> dict[str, t.Any]:
    return {**SAME_HOST, **changes}


def test_settings_of_a_connection_that_exists_are_not_compared_and_that_is_said(present: Present) -> None:
    assert present().good["changed"] is True
    again = present(settings={"is_active": True}, confirm=NEW).good
    assert (again["changed"], len(present.bodies())) == (False, 1)
    assert "use the module immuta_connection_settings" in again.warned
    assert "immuta_connection_settings" not in present(settings={"is_active": False}).good.warned


def test_what_is_equal_is_not_touched(present: Present) -> None:
    result = present(KEY, snowflake=of_example(host="EXAMPLE.snowflakecomputing.com")).good
    assert (result["changed"], result["reason"], result["differing"], result["verified"]) == (False, None, [], True)
    assert present.tenant.asked == ["getConnection", "getIntegration", "getIntegration"]
    assert result["plan"]["steps"] == []


@pytest.mark.parametrize(
    ("policy", "status", "warehouse", "reason"),
    [
        ("on_create", "enabled", "COMPUTE_WH", None),
        ("on_create", "recurringValidationError", "COMPUTE_WH", None),
        ("on_create", "enabled", "OTHER_WH", "differing"),
        ("if_failing", "enabled", "COMPUTE_WH", None),
        ("if_failing", "recurringValidationError", "COMPUTE_WH", "failing"),
        ("always", "enabled", "COMPUTE_WH", "always"),
    ],
)
@pytest.mark.parametrize("form", ["connection", "with_integration"])
def test_when_the_credential_is_sent(
    present: Present, policy: str, status: str, warehouse: str, reason: str | None, form: str
) -> None:
    present.tenant.vary(update_request=form)
    present.tenant.double.state.integrations[5].status = status
    options = {"snowflake": of_example(warehouse=warehouse), "update_secrets": policy}
    planned = present(KEY, check=True, **options).good
    if reason == "differing":
        refused = present(KEY, **options)
        assert refused.code == "confirmation_required"
        assert "the edit changes warehouse from 'COMPUTE_WH' to 'OTHER_WH', nativeIntegration.config" in refused["msg"]
        assert f"set confirm to {KEY!r}" in refused["msg"]
    if reason is not None:
        # It has another user name, as far as anybody can tell.
        refused = present(KEY, **options)
        assert refused.code == "confirmation_required"
        assert f"username, which Immuta does not tell, to {USER!r}. Nothing was sent." in refused["msg"]
        options["confirm"] = KEY
    assert not present.bodies("updateConnection")
    result = present(KEY, **options).good
    assert (result["reason"], result["changed"], result["rotated"]) == (reason, reason is not None, reason is not None)
    assert (planned["plan"], planned["diff"], planned["changed"]) == (result["plan"], result["diff"], result["changed"])
    sent = present.bodies("updateConnection")
    if reason is None:
        assert sent == []
        return
    assert result["verified"] is True
    assert sent[-1]["connection"]["warehouse"] == warehouse
    assert sent[-1]["connection"]["privateKey"]["content"] == PEM
    if form == "with_integration":
        assert sent[-1]["nativeIntegration"]["config"]["warehouse"] == warehouse
    (step,) = result["plan"]["steps"]
    assert step["action"] == "edit_connection"
    assert step["differences"] == result["differences"]
    theirs = [f"nativeIntegration.config.{one}" for one in ("authenticationType", "privateKey", "role", "username")]
    unknown = [*theirs, "privateKey", "username"]
    assert step["not_compared"] == result["not_compared"] == unknown
    names = ("warehouse", "nativeIntegration.config.warehouse")
    changes = [{"field": name, "before": "COMPUTE_WH", "after": "OTHER_WH"} for name in names]
    untold = {"field": "username", "before": "(Immuta does not tell it)", "after": USER}
    assert result["differences"] == [*(changes if reason == "differing" else []), untold]
    assert result["differing"] == (list(names) if reason == "differing" else [])
    assert f"username, which Immuta does not tell, to {USER!r};" in step["effect"]
    assert present(KEY, snowflake=of_example(warehouse=warehouse))["changed"] is False


def test_an_edit_is_approved_by_its_digest(present: Present) -> None:
    options = {"snowflake": of_example(warehouse="OTHER_WH")}
    digest = present(KEY, check=True, **options)["plan"]["digest"]
    third = {"snowflake": of_example(warehouse="THIRD_WH")}
    assert present(KEY, **third, expected_plan_digest=digest).code == "plan_changed"
    # What is edited was seen as it was before.
    present.tenant.double.state.connections[KEY].extra["warehouse"] = "FOURTH_WH"
    assert present(KEY, **options, confirm=KEY, expected_plan_digest=digest).code == "plan_changed"
    present.tenant.double.state.connections[KEY].extra["warehouse"] = "COMPUTE_WH"
    assert not present.bodies("updateConnection")
    assert present(KEY, **options, expected_plan_digest=digest).code == "confirmation_required"
    assert present(KEY, **options, confirm=KEY, expected_plan_digest=digest)["changed"] is True


def test_a_difference_that_could_be_a_secret_is_not_shown(present: Present) -> None:
    present.tenant.double.state.connections[KEY].extra["odd"] = "former-odd-value-33"
    result = present(KEY, check=True, snowflake=of_example(), connection={"odd": ODD})
    assert result["differences"][0] == {"field": "odd", "before": "(not shown)", "after": "(not shown)"}
    assert "the connection changes odd (not shown), username" in result["plan"]["steps"][0]["effect"]
    # It counts all the same.
    digest = result["plan"]["digest"]
    present.tenant.double.state.connections[KEY].extra["odd"] = "second-odd-value-44"
    options = {"snowflake": of_example(), "confirm": KEY, "expected_plan_digest": digest}
    assert present(KEY, connection={"odd": ODD}, **options).code == "plan_changed"
    present.tenant.double.state.connections[KEY].extra["odd"] = "former-odd-value-33"
    assert present(KEY, connection={"odd": f"{ODD}-2"}, **options).code == "plan_changed"
    assert present(KEY, connection={"odd": ODD}, **options)["changed"] is True


@pytest.mark.parametrize(
    ("given", "other"),
    [
        *(
            (
                {"settings": {name: [{"type": "group", "name": "finance-admins"}]}},
                {"settings": {name: [{"type": "group", "name": "everybody-group"}]}},
            )
            for name in ("data_owners", "infrastructure_admins")
        ),
        ({"settings": {"data_owners": []}}, {}),
        *(
            ({option: {name: {"deep": "one-odd-value-1"}}}, {option: {name: {"deep": "one-odd-value-2"}}})
            for option, name in (("connection", "odd"), ("native_integration", "config"))
        ),
    ],
)
def test_the_digest_covers_what_is_not_shown(
    present: Present, given: dict[str, t.Any], other: dict[str, t.Any]
) -> None:
    planned = present(check=True, snowflake=SNOWFLAKE, **given).good
    assert ("finance-admins" in json.dumps(planned["plan"])) is ("finance-admins" in json.dumps(given))
    assert "one-odd-value" not in json.dumps(planned)
    digest = planned["plan"]["digest"]
    assert present(snowflake=SNOWFLAKE, **other, expected_plan_digest=digest).code == "plan_changed"
    assert not present.bodies()
    # A secret is none of its business.
    again = {**SNOWFLAKE, "key_pair": {"username": USER, "private_key": PEM.replace("CANARY567", "CANARY568")}}
    assert present(snowflake=again, **given, check=True)["plan"]["digest"] == digest


def test_another_tenant_than_that_of_the_earlier_tasks_is_refused(present: Present) -> None:
    refused = present(expected_tenant="https://other.example")
    assert (refused.code, present.bodies()) == ("configuration", [])
    assert "but the earlier tasks have read https://other.example. Nothing was sent." in refused["msg"]
    assert present(expected_tenant=f"{present.tenant.double.url.upper()}/").good["registered"] is True


@pytest.mark.parametrize("form", ["connection", "with_integration"])
def test_an_edit_shows_what_differs_in_the_integration(present: Present, form: str) -> None:
    assert present().good["verified"] is True
    present.tenant.vary(update_request=form)
    config = present.tenant.double.state.integrations[10].config
    before = present(check=True, update_secrets="always")["plan"]["digest"]
    config.update(role="HARDENED_ROLE", port="443")
    # Nothing else is to be edited, and nobody can tell whether an edit of the connection reaches the integration.
    kept = present().good
    assert (kept["changed"], kept["differences"]) == (False, [])
    assert "nativeIntegration.config.role from 'HARDENED_ROLE' to 'IMMUTA_SYSTEM'" in kept.warned
    options = {"update_secrets": "always"}
    assert present(**options, confirm=NEW, expected_plan_digest=before).code == "plan_changed"
    result = present(**options)
    assert result.code == "confirmation_required"
    assert "changes nativeIntegration.config.role from 'HARDENED_ROLE' to 'IMMUTA_SYSTEM'." in result["msg"]
    assert not present.bodies("updateConnection")
    result = present(**options, confirm=NEW).good
    change = {"field": "nativeIntegration.config.role", "before": "HARDENED_ROLE", "after": "IMMUTA_SYSTEM"}
    assert result["differences"] == result["plan"]["steps"][0]["differences"] == [change]
    assert result["diff"]["before"]["nativeIntegration.config.role"] == "HARDENED_ROLE"


@pytest.mark.parametrize(
    ("stays", "what"), [("integration", "nativeIntegration.config.warehouse"), ("both", "warehouse")]
)
def test_an_edit_that_is_taken_and_not_done_is_no_success(present: Present, stays: str, what: str) -> None:
    assert present().good["verified"] is True
    tenant = present.tenant
    tenant.vary(update_integration="stays")
    if stays == "both":
        tenant.vary(update_effect="ignored")
    edited = {"snowflake": {**SNOWFLAKE, "warehouse": "OTHER_WH"}, "confirm": NEW}
    result = present(**edited)
    assert result.code == "not_verified"
    assert f"Immuta has taken the edit, but it has not changed {what}" in result["msg"]
    assert (result["changed"], result["verified"]) == (True, False)
    if stays == "integration":
        again = present(**edited).good
        assert (again["changed"], "Edit it in the Immuta UI" in again.warned) == (False, True)


def test_an_integration_may_have_another_port_than_its_connection(present: Present) -> None:
    options = {"snowflake": SNOWFLAKE, "native_integration": {"config": {"port": 8443}}}
    assert present(**options).good["registered"] is True
    present.tenant.vary(update_request="with_integration")
    assert present(**options).good["changed"] is False
    result = present(**options, update_secrets="always").good
    assert (result["differences"], "would change" in present(**options).warned) == ([], False)
    assert present.bodies("updateConnection")[-1]["nativeIntegration"]["config"]["port"] == 8443


def test_what_immuta_does_not_tell_is_overwritten_only_if_confirmed(present: Present) -> None:
    assert present().good["verified"] is True
    extra = present.tenant.double.state.connections[NEW].extra
    del extra["warehouse"], extra["role"]
    extra["tokenEndpoint"] = "https://idp.example/a"
    del present.tenant.double.state.integrations[10].config["database"]
    wanted = {"snowflake": {**SNOWFLAKE, "role": "ACCOUNTADMIN"}}
    kept = present(**wanted).good
    unknown = ["nativeIntegration.config.database", "privateKey", "role", "warehouse"]
    assert (kept["changed"], kept["not_compared"]) == (False, unknown)
    result = present(**wanted, update_secrets="always")
    assert result.code == "confirmation_required"
    assert "role, which Immuta does not tell, to 'ACCOUNTADMIN', warehouse, which Immuta does not tell" in result["msg"]
    result = present(**wanted, connection={"tokenEndpoint": "https://idp.example/b"}, check=True).good
    assert [one["field"] for one in result["differences"]] == [
        "tokenEndpoint",
        "nativeIntegration.config.role",
        "role",
        "warehouse",
    ]
    assert result["differences"][0]["after"] == "https://idp.example/b"
    assert present(**wanted, update_secrets="always", confirm=NEW)["changed"] is True
    assert extra.items() < present.tenant.double.state.connections[NEW].extra.items()


def test_a_user_name_that_is_a_part_of_the_password_is_shown(present: Present) -> None:
    present.tenant.vary(update_outcome="refused")
    sign_in = {"password": {"username": USER, "password": f"{USER}-83fe-canary"}}
    result = present(KEY, snowflake={**of_example(), "key_pair": None, **sign_in}, confirm=KEY)
    assert result.code == "credential_refused"
    assert f"Validation failed: {USER} can't sign in" in result["msg"]
    assert "83fe" not in present.tenant.modules.output


def test_an_edit_that_immuta_puts_back(present: Present) -> None:
    present.tenant.vary(update_outcome="rolled_back")
    result = present(KEY, snowflake=of_example(), update_secrets="always", confirm=KEY)
    assert result.code == "rolled_back"
    assert (result["changed"], result["rotated"], result["rolled_back"], result["registered"]) == (
        False,
        False,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("options", "told", "remedy"),
    [
        (
            {"snowflake": of_example(host=HOST)},
            "The field hostname of the connection is 'example.snowflakecomputing.com' in Immuta, not 'sales.",
            "deregistered and registered",
        ),
        (
            {"snowflake": of_example(database="OTHER")},
            "has the database 'IMMUTA', not 'OTHER'",
            "deregistered and registered",
        ),
        (
            {"snowflake": of_example(database='"immuta"')},
            "has the database 'IMMUTA', not '\"immuta\"'",
            "deregistered and registered",
        ),
        (
            {"databricks": {**LAKE, "token": TOKEN}},
            "The credential databricks.token is for Databricks, but the connection is of",
            "Correct connection_key",
        ),
        (
            {"snowflake": of_example(audit=True)},
            "has the audit.enabled False, not True",
            "Edit it in the Immuta UI",
        ),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_what_can_not_be_edited(
    present: Present, options: dict[str, t.Any], told: str, remedy: str, check: bool
) -> None:
    present.tenant.double.state.integrations[5].config["audit"] = {"enabled": False}
    result = present(KEY, check=check, **options)
    assert result.code == "refused"
    assert told in result["msg"] and remedy in result["msg"]
    assert not present.bodies("updateConnection")


def test_another_catalog(present: Present) -> None:
    place = {"host": "adb-1234567890123456.7.azuredatabricks.net", "http_path": LAKE["http_path"], "token": TOKEN}
    key, same = "prod databricks", {**place, "catalog": "IMMUTA"}
    assert present(key, databricks=same, update_secrets="always", confirm=key)["verified"] is True
    result = present(key, databricks={**place, "catalog": "other"})
    assert "has the catalog 'immuta', not 'other'" in result["msg"]


def test_what_immuta_lists_but_does_not_describe(present: Present) -> None:
    present.tenant.double.state.connections[KEY].technology = "Trino"
    result = present(KEY, snowflake=of_example())
    assert result.code == "refused"
    assert "Immuta lists the connection 'prod snowflake' (Trino), but does not describe it" in result["msg"]
    assert not present.bodies()


# Nobody is taken for absent


@pytest.mark.parametrize(
    ("arrange", "code"),
    [
        (lambda tenant: tenant.vary(wrong_prefix=True), "api_missing"),
        (lambda tenant: tenant.vary(login_page=True), "unexpected_reply"),
        (lambda tenant: tenant.vary(connections_enabled=False), "api_missing"),
        (lambda tenant: tenant.permit("CREATE_DATA_SOURCE"), "permission"),
        (lambda tenant: tenant.permit("GOVERNANCE"), "permission"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_nothing_is_registered_blindly(
    present: Present, arrange: t.Callable[[Tenant], t.Any], code: str, check: bool
) -> None:
    arrange(present.tenant)
    assert present(check=check).code == code
    assert not present.bodies()


# There and back


@pytest.mark.parametrize(
    ("key", "options"),
    [(NEW, {"snowflake": SNOWFLAKE}), (BRICKS, {"databricks": {**LAKE, "oauth_m2m": OAUTH}})],
)
def test_there_and_back_twice(present: Present, tmp_path: Path, key: str, options: dict[str, t.Any]) -> None:
    for turn in ("first", "second"):
        assert present(key, **options).good["verified"] is True
        script = present.tenant("cleanup_script", connection_key=key, path=str(tmp_path / f"{turn}.sql")).good
        gone = present.tenant("connection", connection_key=key, confirm=key, script_path=script["path"]).good
        assert (gone["changed"], gone["verified"]) == (True, True)
        assert not present.there(key)
