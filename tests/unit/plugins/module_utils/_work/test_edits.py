# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that an edit of a connection sends is in its plan, or is what Immuta tells, whatever it tells."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import credential, payload, rotation, wanted
from ansible_collections.community.immuta.plugins.module_utils._work import credentials
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import KEY, Answers

Json = dict[str, t.Any]

USER = "IMMUTA_SYSTEM_ACCOUNT"
PEM = "-----BEGIN PRIVATE KEY-----\nTHISISNOKEYBUTLOOKSLIKEONE0123\n-----END PRIVATE KEY-----\n"
SECRET = "canary-secret-0c2d"
CLIENT = {"client_id": "5b0c7f0e", "client_secret": SECRET, "authority_url": "https://login.example", "scope": "all"}
# Each way to sign in, and the technology that has it.
WAYS: dict[str, tuple[str, Json]] = {
    "key": ("Snowflake", {"snowflake": {"key_pair": {"username": USER, "private_key": PEM}}}),
    "password": ("Snowflake", {"snowflake": {"password": {"username": USER, "password": SECRET}}}),
    "oauth": ("Snowflake", {"snowflake": {"oauth_client_credentials": CLIENT}}),
    "m2m": ("Databricks", {"databricks": {"oauth_m2m": CLIENT}}),
    "token": ("Databricks", {"databricks": {"token": SECRET}}),
    "raw": ("Snowflake", {"connection": {"authenticationType": "new", "odd": {"x": 1, "y": {}}, "newSecret": SECRET}}),
    "raw databricks": ("Databricks", {"connection": {"authenticationType": "token", "token": SECRET}}),
    "glue": ("Glue", {"connection": {"authenticationType": "accessKey", "secretAccessKey": SECRET}}),
}
SECRETS = tuple(
    f"connection.{name}"
    for name in ("privateKey", "password", "token", "newSecret", "secretAccessKey", "oAuthClientConfig.clientSecret")
)
# What a connection and its integration have in common, as the options give it and as Immuta may tell it.
SHARED: dict[str, Json] = {
    "Snowflake": {"port": 443, "warehouse": "WH", "role": "ROLE"},
    "Databricks": {"port": 443, "httpPath": "/sql/1"},
    "Glue": {"region": "eu-central-1"},
}
OTHER: Json = {
    **{"port": 8443, "warehouse": "FORMER", "role": "FORMER", "httpPath": "/former", "region": "former"},
    **{"authenticationType": "former", "username": "FORMER", "accountId": "1", "later": {"deep": 1}},
    "oAuthClientConfig": {"clientId": "former", "scope": "all", "resource": "former"},
}
HOST = {"Snowflake": "a.snowflakecomputing.com", "Databricks": "adb-1.2.azuredatabricks.net"}
PLACE = {
    "snowflake": {"host": HOST["Snowflake"], "database": "IMMUTA", "port": 443, "warehouse": "WH", "role": "ROLE"},
    "databricks": {"host": HOST["Databricks"], "catalog": "immuta", "port": 443, "http_path": "/sql/1"},
}
OWN: dict[str, Json] = {
    "Snowflake": {"host": HOST["Snowflake"], "database": "IMMUTA", "impersonation": {"enabled": True}},
    "Databricks": {"workspaceUrl": f"https://{HOST['Databricks']}/", "catalog": "immuta"},
    "Glue": {"account": "1"},
}
# What Immuta tells of an integration besides its configuration.
ABOUT: dict[str, Json] = {"nothing": {}, "usual": {"autoBootstrap": False}, "other": {"autoBootstrap": True}}


def filled(spec: Json, given: Json | None) -> Json:
    """Options with their defaults, as Ansible gives them to a module."""
    found = {name: one.get("default") for name, one in spec.items()} | (given or {})
    return {
        name: filled(spec[name]["options"], one) if isinstance(one, dict) and "options" in spec[name] else one
        for name, one in found.items()
    }


def told(technology: str, much: str) -> Json:
    """What Immuta tells besides the place, of a connection or of its integration."""
    return {"nothing": {}, "usual": SHARED[technology], "other": OTHER}[much]


def leaves(value: t.Any, name: str) -> Json:
    if not (isinstance(value, dict) and value):
        return {name: value}
    return {at: one for field, inner in value.items() for at, one in leaves(inner, f"{name}.{field}").items()}


def outside(fields: set[str], covering: set[str], *, down: bool = False) -> set[str]:
    """The fields that none of others is, or holds as a whole; with C(down), nor is held by."""
    return {
        one
        for one in fields
        if not any(f"{one}.".startswith(f"{name}.") or (down and f"{name}.".startswith(f"{one}.")) for name in covering)
    }


def read(module: str, technology: str, given: Json) -> tuple[credential.Credential, wanted.Wanted | None]:
    """The credential and the connection in the options of a module."""
    if module == "immuta_connection_credentials":
        raw = {**SHARED[technology], **given.get("connection", {})}
        params = filled({**credential.argument_spec(), "connection": {}}, {**given, "connection": raw})
        return credential.read(params), None
    option = technology.lower()
    place = {option: {**PLACE[option], **given.get(option, {})}} if option in PLACE else {}
    if not place:
        raw = {"technology": technology, **SHARED[technology], **given["connection"]}
        place = {"connection": raw, "native_integration": {"type": technology, "config": {"region": "eu-central-1"}}}
    goal = wanted.read(
        filled({"connection_key": {}, **wanted.argument_spec()}, {**given, **place, "connection_key": KEY})
    )
    return goal.credential, goal


@pytest.mark.parametrize("integration", ABOUT)
@pytest.mark.parametrize("connection", ABOUT)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("module", ["immuta_connection_credentials", "immuta_connection"])
def test_what_is_sent_is_told(module: str, way: str, connection: str, integration: str) -> None:
    technology, given = WAYS[way]
    host = {"hostname": HOST[technology]} if technology in HOST else {}
    about = {"technology": technology, **host, **told(technology, connection)}
    native = {"type": technology, **ABOUT[integration], "config": {**OWN[technology], **told(technology, integration)}}
    client: t.Any = Answers(
        getConnection={"connectionKey": KEY, "connection": about, "nativeIntegrationId": 5},
        getIntegration={"id": 5, "status": "enabled", **native},
    )
    subject = rotation.describe(client, KEY)
    assert subject is not None
    sign_in, goal = read(module, technology, given)
    plan = credentials.plan_for(client, subject, sign_in, "always", goal)
    assert plan.native is not None
    bodies = payload.bodies(plan.whole, plan.native)
    sent = bodies[1]
    assert sent["nativeIntegration"]["autoBootstrap"] is native.get("autoBootstrap", False)
    assert bodies == [{"connection": sent["connection"]}, sent, sent["connection"]]

    if native["config"].pop("workspaceUrl", None):
        native["config"]["host"] = HOST[technology]
    before = {**leaves(about, "connection"), **leaves(native, "nativeIntegration")}
    after = {at: one for part, value in sent.items() for at, one in leaves(value, part).items()}
    changed = {at for at in {*before, *after} if at not in before or before[at] != after.get(at)}
    result = plan.result()
    different = {one["field"] for one in result["differences"]}
    planned = {
        name if name.startswith("nativeIntegration.") else f"connection.{name}"
        for name in (*different, *result["not_compared"])
    }
    assert outside(changed, planned) == set()
    # The options of a registration give what is not sent, and can't be compared.
    vain = {name for name in planned if outside({name}, changed, down=True)}
    assert {name.removeprefix("nativeIntegration.config.") for name in vain} <= (
        {*SHARED[technology]} if goal else set()
    )
    # What becomes of the connection, and what Immuta tells of its integration, has to be confirmed unless it is a secret.
    differing = {name if name.startswith("nativeIntegration.") else f"connection.{name}" for name in different}
    ours = {at for at in changed if at.startswith("connection.") and not at.startswith(SECRETS)}
    theirs = {at for at in changed if at.startswith("nativeIntegration.") and at in before}
    assert outside(ours | theirs, differing) == set()
