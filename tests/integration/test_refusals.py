# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input: whatever can be known before the deletion stops the role before the deletion. Each play tries many, as its hosts."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles import immuta_tenant
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.play import Played
from ansible_collections.community.immuta.tests.harness.servers import another
from ansible_collections.community.immuta.tests.harness.site import HOSTS, Site, together

Variant = tuple[Site, dict[str, t.Any], str]


@pytest.fixture
def snowflake_site(tmp_path: Path) -> t.Iterator[Site]:
    """A connection to Snowflake."""
    with Site("snowflake", tmp_path / "snowflake") as site:
        yield site


@pytest.fixture
def databricks_site(tmp_path: Path) -> t.Iterator[Site]:
    """A connection to Databricks."""
    with Site("databricks", tmp_path / "databricks") as site:
        yield site


def refused(variants: list[Variant], folder: Path) -> list[Played]:
    """Play variants of a site, each with a folder of its own for the script, and hold each against what it has to say."""
    used: set[Site] = set()
    own = []
    for number, (site, variables, _expected) in enumerate(variants):
        # No two hosts of a play may be for the same connection.
        key = (
            {"connection_key": another(site.immuta, site.key)}
            if site in used and "connection_key" not in variables
            else {}
        )
        used.add(site)
        own.append({"script_dir": str(folder / f"scripts{number}"), **key, **variables})
    played = together([site for site, *_rest in variants], variables=own)
    for one, (site, variables, expected) in zip(played, variants, strict=True):
        assert one.code == 2, variables
        assert expected in one.error, (variables, one.error)
        assert site.connected
        assert site.deletions == 0
        assert site.server.statements == []
    return played


def test_what_is_wrong_with_variables_stops_it_before_it_asks_anyone(snowflake_site: Site, tmp_path: Path) -> None:
    (tmp_path / "of another").mkdir()
    foreign = tmp_path / "of another" / "file.sql"
    foreign.write_text("SELECT 1;\n")
    refused(
        [
            *((snowflake_site, {"executor": one}, "executor") for one in ("databrick", "own.yml", "/no/such/file.yml")),
            (snowflake_site, {"confirm": "prod snowflak"}, "immuta_deregister_confirm"),
            (snowflake_site, {"script_path": str(foreign)}, "not a clean-up script"),
        ],
        tmp_path,
    )
    assert snowflake_site.immuta.requests == []
    assert foreign.read_text() == "SELECT 1;\n"


def test_wrong_credentials_stop_it_before_the_deletion(
    snowflake_site: Site, databricks_site: Site, tmp_path: Path
) -> None:
    tenant: list[tuple[dict[str, str], str]] = [
        ({"api_key": "wrong-api-key"}, "401"),
        ({"api_key": ""}, "api_key"),
        ({"url": ""}, "url"),
        ({"url": "tenant.example"}, "option url"),
        ({"url": "http://127.0.0.1:9"}, "could not be made"),
    ]
    snowflake = [
        ({"password": ""}, "password"),
        ({"password": "canary-wrong"}, "Incorrect username or password"),
        ({"user": ""}, "user"),
    ]
    databricks = [
        ({"token": "canary-expired"}, "a token may have expired"),
        ({"token": ""}, "DATABRICKS_TOKEN"),
        ({"warehouse_id": "nosuch"}, "there is no such warehouse"),
        ({"host": "127.0.0.1:9"}, "Check host"),
    ]
    variants: list[Variant] = [
        *((snowflake_site, {"tenant": one}, expected) for one, expected in tenant),
        *((snowflake_site, {"platform": one}, expected) for one, expected in snowflake),
        *((databricks_site, {"platform": one}, expected) for one, expected in databricks),
    ]
    for one, (_site, variables, _expected) in zip(refused(variants, tmp_path), variants, strict=True):
        known = "platform" in variables
        said = "the connection has not been deleted" if known else "it is not known whether the connection was deleted"
        assert said in one.error, (variables, one.error)


def test_what_was_not_approved_or_fits_no_platform_is_refused(
    snowflake_site: Site, databricks_site: Site, tmp_path: Path
) -> None:
    refused(
        [
            (snowflake_site, {"expected_sha256": "0" * 64}, "expected_sha256"),
            (databricks_site, {"executor": "snowflake"}, "handoff"),
        ],
        tmp_path / "script",
    )
    refused([(snowflake_site, {"expected_plan_digest": "0" * 64}, "expected_plan_digest")], tmp_path / "plan")


def test_refuses_a_technology_whose_scripts_it_can_not_split(
    snowflake_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(immuta_tenant, "DESCRIBED", {"Redshift"})
    state = snowflake_site.immuta.state
    state.integrations[5].type = state.connections[snowflake_site.key].technology = "Redshift"
    refused([(snowflake_site, {}, "handoff")], tmp_path)


NO_SCRIPTS = {
    "Sorry, something went wrong.": "not SQL",
    "DROP ROLE R;\nInternal Server Error": "not SQL",
    "": "immuta_deregister_empty_script",
    "-- Nothing to do;\n/* really */": "immuta_deregister_empty_script",
    "USE ROLE {{ admin_role }};\nDROP ROLE R;": "Placeholder that was not filled in at line 2, column 10",
    "DROP ROLE R;\nPUT 'file:///etc/hosts' @s;": "Client command (PUT) at line 3, column 1",
    "EXECUTE IMMEDIATE FROM @s/a.sql;": "Another script is run",
}


def test_what_is_no_script_or_can_not_be_run_stops_it_before_the_deletion(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        variants: list[Variant] = []
        for number, (text, expected) in enumerate(NO_SCRIPTS.items()):
            site = stack.enter_context(Site("snowflake", tmp_path / f"site{number}"))
            site.immuta.state.integrations[site.number].script = text
            variants.append((site, {}, expected))
        refused(variants, tmp_path)


def test_a_saved_script_that_is_to_run_contradicts_a_technology_without_one(
    snowflake_site: Site, tmp_path: Path
) -> None:
    scripts = {"script_dir": str(tmp_path / "scripts0")}
    assert together([snowflake_site], confirmed=False, variables=[scripts])[0].code == 0
    snowflake_site.immuta.state.connections[snowflake_site.key].technology = "Glue"
    refused([(snowflake_site, {}, "is Glue now")], tmp_path)


def test_an_empty_script_that_is_accepted_is_saved_and_not_run(snowflake_site: Site, tmp_path: Path) -> None:
    snowflake_site.immuta.state.integrations[5].script = "-- Nothing to do\n"
    report = tmp_path / "report"
    for status in ("completed", "already_done"):
        played = snowflake_site.play(empty_script="accept", report_dir=str(report))
        assert (played.result["status"], played.result["executor"]) == (status, None), played.output
        assert played.result["script"]["empty"] is True
        assert "Nothing to run: the clean-up script contains no statements" in played.output
    assert not snowflake_site.connected
    assert (snowflake_site.server.statements, snowflake_site.server.logins) == ([], [])
    assert "There is nothing to run on the platform" in (report / "prod%20snowflake.html").read_text()


def test_what_others_sign_in_with_stops_it_before_the_deletion_and_can_be_left_to_them(
    snowflake_site: Site, databricks_site: Site, tmp_path: Path
) -> None:
    sites = [snowflake_site, databricks_site]
    extra: list[dict[str, t.Any]] = [
        {"role": "IMMUTA_SYSTEM", "username": "IMMUTA_SYSTEM_ACCOUNT"},
        {"oAuthClientConfig": {"clientId": "5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77"}},
    ]
    for site, about in zip(sites, extra, strict=True):
        connections = site.immuta.state.connections
        other = another(site.immuta, site.key)
        connections[other] = dataclasses.replace(connections[other], extra={**connections[other].extra, **about})
    for one in refused([(site, {}, "takes away what others on the platform need") for site in sites], tmp_path):
        assert (
            "Nothing was deleted or dropped. To leave these statements out, set immuta_deregister_needed_by_others"
            in one.error
        )
    leave = [{"needed_by_others": "leave", "script_dir": str(tmp_path / f"scripts{number}")} for number in range(2)]
    for site, one in zip(sites, together(sites, variables=leave), strict=True):
        assert (one.code, one.result["status"]) == (0, "completed"), one.output
        assert "TO DO: Left to others, and not run: " in one.output
        assert not site.connected
    account, metastore = snowflake_site.server.account, databricks_site.server.metastore
    assert (account.exists("ROLE", "IMMUTA_SYSTEM"), account.exists("USER", "IMMUTA_SYSTEM_ACCOUNT")) == (True, True)
    assert not account.exists("DATABASE", "IMMUTA")
    assert metastore.snapshot()["grants"]


# The right platform


def test_another_platform_stops_it_before_the_deletion(
    snowflake_site: Site, databricks_site: Site, tmp_path: Path
) -> None:
    def named(site: Site, connection: str | None, integration: str | None, **more: str) -> dict[str, t.Any]:
        state = site.immuta.state
        own = state.connections[another(site.immuta, site.key)]
        own.hostname = connection
        assert own.native_integration_id is not None
        about = state.integrations[own.native_integration_id]
        about.config = {**about.config, "host": integration, "workspaceUrl": integration}
        return {"connection_key": own.key, **more}

    here, dev, own = HOSTS["snowflake"], "devorg-dev.snowflakecomputing.com", "snowflake.corp.example"
    workspace, other = HOSTS["databricks"], "adb-6543210987654321.7.azuredatabricks.net"
    variants: list[Variant] = [
        (snowflake_site, named(snowflake_site, dev, dev), f"it must be on {dev}"),
        (snowflake_site, named(snowflake_site, here, dev), f"it must be on {dev}"),
        (snowflake_site, named(snowflake_site, dev, here), f"it must be on {dev}"),
        (snowflake_site, named(snowflake_site, dev, None, platform_host=here), f"it must be on {dev}"),
        (snowflake_site, named(snowflake_site, own, None), "immuta_deregister_platform_host"),
        (snowflake_site, named(snowflake_site, None, own, platform_host=dev), f"it must be on {dev}"),
        (snowflake_site, named(snowflake_site, None, None), "Set immuta_deregister_platform_host"),
        (snowflake_site, {"platform_host": "no host"}, "which is not a host"),
        (databricks_site, named(databricks_site, other, other), f"it must be on {other}"),
        (databricks_site, named(databricks_site, workspace, f"https://{other}"), f"it must be on {other}"),
        (databricks_site, named(databricks_site, "dbx.corp.example", None), "immuta_deregister_platform_host"),
    ]
    given = [
        (site, {"confirm": variables.get("connection_key", site.key), **variables}, expected)
        for site, variables, expected in variants
    ]
    played = refused(given, tmp_path)
    assert "EXAMPLEORG-PROD (locator EXAMPLE, region AWS_US_WEST_2)" in played[0].error
    for site, variables, _expected in given:
        assert variables["confirm"] in site.immuta.state.connections


def test_an_account_with_nothing_of_it_stops_it_before_the_deletion(
    snowflake_site: Site, databricks_site: Site, tmp_path: Path
) -> None:
    assert isinstance(snowflake_site.server, SnowflakeDouble)
    assert isinstance(databricks_site.server, DatabricksDouble)
    account, metastore = snowflake_site.server.account, databricks_site.server.metastore
    for known in (("DATABASE", ("IMMUTA",)), ("ROLE", ("IMMUTA_SYSTEM",)), ("USER", ("IMMUTA_SYSTEM_ACCOUNT",))):
        del account.entities[known]
    for name in (("CATALOG", ("immuta",)), ("TABLE", ("sales", "crm", "customers"))):
        del metastore.securables[name]
    variants: list[Variant] = [
        (snowflake_site, {}, "DATABASE IMMUTA, ROLE IMMUTA_SYSTEM. Is this the right account, and may"),
        (databricks_site, {}, "CATALOG immuta. Is this the right account, and may"),
    ]
    played = refused(variants, tmp_path)
    assert {row["present"] for row in played[0].result["objects"]} == {False}
    assert "immuta_deregister_missing_objects=accept" in played[0].error
    (planned,) = together(
        [snowflake_site],
        confirmed=False,
        variables=[{"missing_objects": "accept", "script_dir": str(tmp_path / "accepted")}],
    )
    assert planned.result["status"] == "planned"
    assert "Not there, or not visible: DATABASE IMMUTA" in planned.output
