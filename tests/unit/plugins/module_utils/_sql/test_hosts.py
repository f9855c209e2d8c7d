# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of platforms: which of them lead to where a session is."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import hosts
from ansible_collections.community.immuta.plugins.module_utils._sql.hosts import Relation, SnowflakeAccount, Workspace

PROD = SnowflakeAccount("XY12345", "PROD_EU", "ACME", "AWS_EU_CENTRAL_1")
OLD = SnowflakeAccount("AB98765", "MAIN", "ACME", "AWS_US_WEST_2")
AZURE = SnowflakeAccount("ZZ11111", "AZ", "ACME", "PUBLIC.AZURE_EASTUS2")
GOV = SnowflakeAccount("GV00001", "GOV", "ACME", "AWS_US_GOV_WEST_1_FHPLUS")
CHINA = SnowflakeAccount("CN00001", "CHINA", "ACMECN", "AWS_CN_NORTHWEST_1")
OWN_GROUP = SnowflakeAccount("VP00001", "VPS", "ACME", "ACMEVPS.AWS_US_EAST_1")
NAMELESS = SnowflakeAccount("XY12345", None, None, "AWS_EU_CENTRAL_1")
PLACELESS = SnowflakeAccount("XY12345", "PROD_EU", "ACME", None)
DASHED = SnowflakeAccount("OLD_NAME", "MAIN", "ACME", "AWS_US_WEST_2")


@pytest.mark.parametrize(
    ("account", "host", "expected"),
    [
        # Organization and account.
        (PROD, "acme-prod-eu.snowflakecomputing.com", "same"),
        (PROD, "acme-prod_eu.snowflakecomputing.com", "same"),
        (PROD, "ACME-PROD_EU.SnowflakeComputing.com", "same"),
        (PROD, "acme-prod-eu.snowflakecomputing.com.", "same"),
        (PROD, "acme-prod-eu.snowflakecomputing.com:443", "same"),
        (PROD, "https://acme-prod-eu.snowflakecomputing.com/", "same"),
        (PROD, "https://acme-prod-eu.snowflakecomputing.com:443/console/login", "same"),
        (PROD, " acme-prod-eu.snowflakecomputing.com ", "same"),
        (PROD, "acme-prod-eu.privatelink.snowflakecomputing.com", "same"),
        (PROD, "acme-dev-eu.snowflakecomputing.com", "different"),
        (PROD, "acme-prod.snowflakecomputing.com", "different"),
        (PROD, "other-prod-eu.snowflakecomputing.com", "different"),
        (PROD, "acme-dev-eu.privatelink.snowflakecomputing.com", "different"),
        (PROD, "acme-prod-eu.snowflakecomputing.cn", "different"),
        # The locator and its region.
        (PROD, "xy12345.eu-central-1.snowflakecomputing.com", "same"),
        (PROD, "xy12345.eu-central-1.aws.snowflakecomputing.com", "same"),
        (PROD, "XY12345.EU-CENTRAL-1.privatelink.snowflakecomputing.com", "same"),
        (PROD, "xy12345.eu-central-1.azure.snowflakecomputing.com", "different"),
        (PROD, "xy12345.us-east-1.snowflakecomputing.com", "different"),
        (PROD, "xy12345.snowflakecomputing.com", "different"),
        (PROD, "xy12346.eu-central-1.snowflakecomputing.com", "different"),
        (OLD, "ab98765.snowflakecomputing.com", "same"),
        (OLD, "ab98765.us-west-2.privatelink.snowflakecomputing.com", "same"),
        (OLD, "xy12345.snowflakecomputing.com", "different"),
        (AZURE, "zz11111.east-us-2.azure.snowflakecomputing.com", "same"),
        (AZURE, "zz11111.east-us-2.azure.privatelink.snowflakecomputing.com", "same"),
        (AZURE, "zz11111.west-europe.azure.snowflakecomputing.com", "different"),
        (GOV, "gv00001.fhplus.us-gov-west-1.aws.snowflakecomputing.com", "same"),
        (GOV, "gv00001.us-gov-west-1.aws.snowflakecomputing.com", "different"),
        (CHINA, "acmecn-china.snowflakecomputing.cn", "same"),
        (CHINA, "cn00001.cn-northwest-1.aws.snowflakecomputing.cn", "same"),
        (CHINA, "acmecn-china.snowflakecomputing.com", "different"),
        (DASHED, "old-name.snowflakecomputing.com", "same"),
        (DASHED, "old_name.snowflakecomputing.com", "same"),
        (OWN_GROUP, "vp00001.acmevps.snowflakecomputing.com", "unknown"),
        # What the session does not tell.
        (NAMELESS, "xy12345.eu-central-1.snowflakecomputing.com", "same"),
        (NAMELESS, "acme-prod-eu.snowflakecomputing.com", "unknown"),
        (PLACELESS, "xy12345.eu-central-1.snowflakecomputing.com", "unknown"),
        (PLACELESS, "acme-prod-eu.snowflakecomputing.com", "same"),
        (SnowflakeAccount(None), "xy12345.snowflakecomputing.com", "unknown"),
        # An identifier will do for a person's word; no other name says anything.
        (PROD, "ACME-PROD_EU", "same"),
        (PROD, "acme-prod-eu.privatelink", "same"),
        (PROD, "xy12345.eu-central-1", "same"),
        (PROD, "acme-dev-eu", "different"),
        (PROD, "snowflake.acme.example", "unknown"),
        (PROD, "acme-prod-eu.snowflakecomputing.com.evil.example", "unknown"),
        (PROD, "notsnowflakecomputing.com", "unknown"),
        (PROD, "snowflakecomputing.com", "unknown"),
        (PROD, "10.0.0.7", "unknown"),
        (PROD, "localhost", "unknown"),
        (PROD, "ａcme-prod-eu.snowflakecomputing.com", "unknown"),
        (PROD, "acme-prod-eu.snowflakecomputing.com@evil.example", "unknown"),
        (PROD, "", "unknown"),
    ],
)
def test_an_account(account: SnowflakeAccount, host: str, expected: Relation) -> None:
    assert account.relation(host) == expected


AWS = "dbc-a1b2345c-d6e7.cloud.databricks.com"
AZ = "adb-1234567890123456.7.azuredatabricks.net"
GCP = "1234567890123456.7.gcp.databricks.com"


@pytest.mark.parametrize(
    ("signed_in_to", "number", "host", "expected"),
    [
        (AWS, None, AWS, "same"),
        (AWS, None, f"https://{AWS.upper()}/", "same"),
        (f"{AWS}:443", None, f"https://{AWS}.:443/?o=1", "same"),
        (AWS, None, "dbc-ffffffff-0000.cloud.databricks.com", "different"),
        (AWS, None, "dbc-a1b2345c-d6e7.cloud.databricks.us", "different"),
        (AWS, None, AZ, "different"),
        (AWS, None, GCP, "different"),
        (AWS, None, "databricks.acme.example", "unknown"),
        (AZ, None, AZ, "same"),
        (AZ, None, "adb-1234567890123456.7.privatelink.azuredatabricks.net", "same"),
        (AZ, None, "adb-1234567890123456.8.azuredatabricks.net", "same"),
        (AZ, None, "adb-6543210987654321.7.azuredatabricks.net", "different"),
        (AZ, None, "westeurope.azuredatabricks.net", "unknown"),
        ("adb-1.2.databricks.azure.us", None, "adb-1.2.databricks.azure.us", "same"),
        (GCP, None, GCP, "same"),
        (GCP, None, "6543210987654321.1.gcp.databricks.com", "different"),
        # A host of the site's own: the workspace tells its number.
        ("databricks.acme.example", "1234567890123456", AZ, "same"),
        ("databricks.acme.example", "1234567890123456", GCP, "same"),
        ("databricks.acme.example", "1", AZ, "different"),
        ("databricks.acme.example", None, AZ, "unknown"),
        ("databricks.acme.example", "1234567890123456", AWS, "unknown"),
        ("databricks.acme.example", None, "databricks.acme.example", "same"),
        ("gateway.example:8443", None, "gateway.example:8443", "same"),
        ("gateway.example:8443", None, "gateway.example:8444", "unknown"),
        ("10.0.0.7", None, "10.0.0.8", "unknown"),
        (AWS, None, "", "unknown"),
        # The old URL of a region leads to each of its workspaces, and a gateway's path to one of many.
        ("westeurope.azuredatabricks.net", "1", "https://westeurope.azuredatabricks.net/?o=222", "unknown"),
        ("gw.example.com/ws1", None, "gw.example.com/ws2", "unknown"),
    ],
)
def test_a_workspace(signed_in_to: str, number: str | None, host: str, expected: Relation) -> None:
    assert Workspace(signed_in_to, lambda: number).relation(host) == expected


SNOW = ".snowflakecomputing.com"


@pytest.mark.parametrize(
    ("dialect", "here", "there", "expected"),
    [
        ("snowflake", f"xy12345{SNOW}", f"XY12345{SNOW}.", False),
        ("snowflake", f"xy12345{SNOW}", f"zz9{SNOW}", True),
        ("snowflake", f"xy12345.eu-central-1{SNOW}", f"zz9.eu-central-1.privatelink{SNOW}", True),
        ("snowflake", f"xy12345.eu-central-1{SNOW}", f"xy12345.eu-central-1.aws{SNOW}", False),
        ("snowflake", f"xy12345.eu-central-1{SNOW}", f"xy12345.eu-west-1{SNOW}", True),
        ("snowflake", f"xy12345.eu-central-1{SNOW}", f"xy12345{SNOW}", False),
        ("snowflake", f"acme-prod_eu{SNOW}", f"https://ACME-prod-eu.privatelink{SNOW}:443/", False),
        ("snowflake", f"acme-prod{SNOW}", f"acme-dev{SNOW}", True),
        # Forms that can't be compared, and names of the site's own.
        ("snowflake", f"acme-prod{SNOW}", f"xy12345{SNOW}", False),
        ("snowflake", f"acme-prod{SNOW}", f"xy12345.eu-central-1.aws{SNOW}", False),
        ("snowflake", f"acme-prod{SNOW}", "snowflake.acme.example", False),
        ("snowflake", f"acme-prod{SNOW}", "", False),
        ("snowflake", f"acme-prod{SNOW}", "acme-prod.snowflakecomputing.cn", True),
        ("databricks", "adb-1.1.azuredatabricks.net", "adb-2.2.azuredatabricks.net", False),
        ("databricks", "dbc-1.cloud.databricks.com", "dbc-2.cloud.databricks.com", False),
        ("databricks", "dbc-1.cloud.databricks.com", "adb-2.2.azuredatabricks.net", True),
        ("databricks", "dbc-1.cloud.databricks.com", "gateway.example", False),
        (None, "a.example", "A.example:443", False),
        (None, "a.example", "b.example", True),
        (None, "a.example", "", False),
    ],
)
def test_what_is_certainly_apart(dialect: str | None, here: str, there: str, expected: bool) -> None:
    assert hosts.apart(dialect, here, there) is expected
    assert hosts.apart(dialect, there, here) is expected


@pytest.mark.parametrize(
    ("dialect", "here", "there", "expected"),
    [
        ("snowflake", "sales.snowflakecomputing.com", "SALES.snowflakecomputing.com.", True),
        ("snowflake", "sales.snowflakecomputing.com", "sales.privatelink.snowflakecomputing.com", True),
        ("snowflake", "acme-prod_eu.snowflakecomputing.com", "acme-prod-eu.privatelink.snowflakecomputing.com", True),
        ("snowflake", "sales.us-west-2.snowflakecomputing.com", "sales.us-west-2.aws.snowflakecomputing.com", True),
        ("snowflake", "sales.snowflakecomputing.com", "sales.eu-west-1.snowflakecomputing.com", False),
        ("snowflake", "sales.snowflakecomputing.com", "sales.snowflakecomputing.cn", False),
        ("snowflake", "sales.snowflakecomputing.com", "acme-sales.snowflakecomputing.com", False),
        ("snowflake", "snowflake.acme.example", "snowflake.acme.example.", True),
        ("databricks", "dbc-1.cloud.databricks.com", "dbc-1.cloud.databricks.com.", True),
        ("databricks", "dbc-1.cloud.databricks.com", "dbc-2.cloud.databricks.com", False),
        (None, "a.example", "a.example:443", True),
        (None, "a.example", "", False),
    ],
)
def test_what_is_certainly_the_same(dialect: str | None, here: str, there: str, expected: bool) -> None:
    assert hosts.same(dialect, here, there) is expected
    assert hosts.same(dialect, there, here) is expected


GOOD, BAD, OPEN = "acme-prod-eu.snowflakecomputing.com", "acme-dev.snowflakecomputing.com", "snowflake.acme.example"


@pytest.mark.parametrize(
    ("expected", "error"),
    [
        ([GOOD], None),
        ([GOOD, "xy12345.eu-central-1.aws.snowflakecomputing.com"], None),
        ([OPEN, GOOD], None),
        ([BAD], hosts.WrongPlatform),
        ([GOOD, BAD], hosts.WrongPlatform),
        ([OPEN, BAD], hosts.WrongPlatform),
        ([OPEN], hosts.PlatformUnknown),
        ([""], hosts.PlatformUnknown),
    ],
)
def test_each_host_must_not_lead_elsewhere_and_one_must_lead_there(
    expected: list[str], error: type[t.Any] | None
) -> None:
    if error is None:
        hosts.require(expected, PROD)
        return
    with pytest.raises(error) as caught:
        hosts.require(expected, PROD)
    assert "ACME-PROD_EU (locator XY12345, region AWS_EU_CENTRAL_1)" in str(caught.value)
    named = {host for host in expected if host and host in str(caught.value)}
    assert named == {BAD} & {*expected} or error is hosts.PlatformUnknown
    assert caught.value.details == {"expected": expected, "actual": str(PROD)}
