# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs of the templates and workflows, with credentials and variables as AWX gives them."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

from conftest import (
    ACCESS_TOKEN,
    API_KEY,
    KEY,
    OAUTH_TOKEN,
    PASSPHRASE,
    PASSWORD,
    Awx,
    Loader,
    pem,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.community.immuta.tests.doubles.databricks_metastore import DEPLOYER, Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.inprocess import Modules

LAKE = "prod lake formation"
DATABRICKS_TOKEN = "canary-awx-databricks-token-70ab"
DATABRICKS_SECRET = "canary-awx-databricks-secret-18ee"
EMPTY = dict.fromkeys(("user", "private_key", "private_key_passphrase", "token", "password", "role", "warehouse"), "")


def certificates() -> str:
    """Those of two authorities, as somebody has them in a file."""
    found = b""
    for name in ("One", "Two"):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        begin = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begin)
        signed = builder.not_valid_after(begin + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
        found += signed.public_bytes(serialization.Encoding.PEM)
    return found.decode()


def of_snowflake(awx: Awx, double: SnowflakeDouble, **inputs: t.Any) -> dict[str, str]:
    """The environment of a Snowflake credential, in which the fields that are not given were left empty."""
    given = {**EMPTY, "account": "example", "host": double.host, **inputs}
    env = awx.injected("Immuta clean-up: Snowflake", given)
    return {**env, "SNOWFLAKE_PORT": str(double.port), "SNOWFLAKE_PROTOCOL": "http"}


def of_immuta(awx: Awx, double: ImmutaDouble, **inputs: t.Any) -> dict[str, str]:
    return awx.injected("Immuta API key", {"url": double.url, "api_key": API_KEY, "ca_certificates": "", **inputs})


def test_every_way_to_sign_in_reaches_the_modules(
    awx: Awx, module: Modules, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    user = {"user": "DEPLOYER"}
    # Pasted without the last line break, which AWX puts back.
    encrypted = {"private_key": pem(PASSPHRASE).rstrip("\n"), "private_key_passphrase": PASSPHRASE}
    by_key = {**user, "authenticator": "SNOWFLAKE_JWT"}
    on_snowflake = [
        {**by_key, "private_key": pem()},
        {**by_key, **encrypted},
        {**by_key, **encrypted, "private_key_as_text": True},
        {**user, "authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": ACCESS_TOKEN},
        {**user, "authenticator": "OAUTH", "token": OAUTH_TOKEN},
        {**user, "authenticator": "SNOWFLAKE", "password": PASSWORD},
        # What the chosen way has no use for is left alone.
        {**user, "authenticator": "SNOWFLAKE", "password": PASSWORD, "private_key": pem()},
    ]
    environments = [of_snowflake(awx, snowflake, **inputs) for inputs in on_snowflake]
    for env in environments:
        done = module("snowflake_script", preflight=True, env=env)
        assert not done.failed, done
    ways = ["SNOWFLAKE_JWT"] * 3 + ["PROGRAMMATIC_ACCESS_TOKEN", "OAUTH"] + ["SNOWFLAKE"] * 2
    assert [(one.authenticator, one.outcome) for one in snowflake.logins] == [(one, "ok") for one in ways]
    # The third one has it in a variable, and no file.
    assert [bool(env["SNOWFLAKE_PRIVATE_KEY_FILE"]) for env in environments[:4]] == [True, True, False, False]

    with DatabricksDouble(Metastore.example(token=DATABRICKS_TOKEN, secret=DATABRICKS_SECRET)) as databricks:
        nothing = dict.fromkeys(("http_path", "token", "client_id", "client_secret"), "")
        place = {"host": databricks.url, "warehouse_id": databricks.warehouse}
        for inputs in (
            {"token": DATABRICKS_TOKEN},
            {"client_id": DEPLOYER, "client_secret": DATABRICKS_SECRET},
            {"token": DATABRICKS_TOKEN, "warehouse_id": "", "http_path": databricks.http_path},
        ):
            env = awx.injected("Immuta clean-up: Databricks", {**nothing, **place, **inputs})
            done = module("databricks_script", preflight=True, env=env)
            assert not done.failed, done

    bundle = certificates()
    more = {"client_certificate": f"{bundle}{pem()}", "auth_scheme": "bearer"}
    for inputs in ({}, {"ca_certificates": bundle, **more}, {"exchange_api_key": True}):
        env = of_immuta(awx, immuta, **inputs)
        done = module("immuta_connection_info", connection_key=KEY, env=env)
        assert [one["key"] for one in done["connections"]] == [KEY]
        scheme = "bearer" if inputs else "bare"
        assert immuta.requests[-1].authorization == scheme
        if more.items() <= inputs.items():
            assert Path(env["IMMUTA_CA_PATH"]).read_text() == bundle
            assert Path(env["IMMUTA_CLIENT_CERT"]).read_text() == more["client_certificate"]


def test_the_workflow_removes_what_was_planned_and_approved(
    awx: Awx, loader: Loader, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    key = {"authenticator": "SNOWFLAKE_JWT", "private_key": loader.key, "private_key_passphrase": PASSPHRASE}
    env = {**of_immuta(awx, immuta), **of_snowflake(awx, snowflake, user="DEPLOYER", **key)}
    # Answers to the workflow's survey go to each of its jobs.
    answers = {
        "immuta_deregister_connection_keys": f"{KEY}\n{LAKE}\n",
        "immuta_deregister_executor": "auto",
        "immuta_deregister_missing_script": "warn",
        "immuta_deregister_wait_timeout": 300,
    }
    # Without a plan nothing counts as approved.
    without = awx.job("apply the approved plan", env, answers=answers)
    assert (without.code, without.failed) == (2, ["localhost"]), without.output
    assert "there is no immuta_deregister_plan" in without.output
    assert immuta.requests == []

    planned = awx.job("plan", env, answers=answers)
    assert planned.code == 0, planned.output
    # It comes to the removal as extra variables, so there is no more than has to be.
    assert set(planned.stats) == {"immuta_deregister_plan"}
    assert planned.changed == []
    plan = planned.stats["immuta_deregister_plan"]
    assert f"Digest of this plan: {plan['digest']}" in planned.output
    applied = awx.job("apply the approved plan", env, "-vvv", artifacts=planned.stats, answers=answers)
    assert applied.code == 0, applied.output
    outcome = applied.stats["immuta_deregister"]
    assert {name: one["status"] for name, one in outcome.items()} == {KEY: "completed", LAKE: "completed"}
    assert not set(immuta.state.connections) & {KEY, LAKE}
    kept = {"prod%20snowflake.sql", "prod%20snowflake.sql.journal", "reports"}
    assert {one.name for one in loader.kept.iterdir()} == kept
    assert f"Report: {loader.kept}/reports/prod%20snowflake.html (sha256 of " in applied.output
    for secret in (API_KEY, PASSPHRASE, *loader.key.split("\n")[1:-2]):
        assert secret not in planned.output + applied.output


def test_a_connection_is_planned_and_then_registered(
    awx: Awx, loader: Loader, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    key = {"authenticator": "SNOWFLAKE_JWT", "private_key": loader.key, "private_key_passphrase": PASSPHRASE}
    env = {**of_immuta(awx, immuta), **of_snowflake(awx, snowflake, user="DEPLOYER", role="ACCOUNTADMIN", **key)}
    signs_in = {**dict.fromkeys(("client_id", "client_secret", "authority_url", "scope", "password"), ""), **key}
    del signs_in["authenticator"]
    env.update(awx.injected("Immuta connection: Snowflake", {**signs_in, "user": "IMMUTA_SYSTEM_ACCOUNT"}))
    place = {"host": "example.snowflakecomputing.com", "warehouse": "W", "role": "R", "database": "IMMUTA_NEW"}
    answers = {
        "immuta_register_connection_key": "new one",
        **{f"immuta_connection_{name}": value for name, value in place.items()},
    }
    # Immuta takes one integration of a kind for each host.
    del immuta.state.connections[KEY], immuta.state.integrations[5]
    for job_type, there in (("", False), ("run", True)):
        done = awx.job("register one Snowflake connection", env, "-vvv", answers=answers, job_type=job_type)
        assert done.code == 0, done.output
        assert ("new one" in immuta.state.connections) is there
        assert snowflake.account.exists("DATABASE", "IMMUTA_NEW") is there
        for secret in (API_KEY, PASSPHRASE, *loader.key.split("\n")[1:-2]):
            assert secret not in done.output
    sent = immuta.state.credentials["new one"]
    assert (sent["privateKey"]["content"], sent["privateKeyPassword"]) == (loader.key, PASSPHRASE)
    # The script lies beside the clean-up scripts.
    assert {one.name for one in loader.kept.iterdir()} == {"new%20one.setup.sql", "new%20one.setup.sql.journal"}


def test_each_slice_applies_its_part_of_the_plan(awx: Awx, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    env = of_immuta(awx, immuta) | of_snowflake(
        awx, snowflake, user="DEPLOYER", authenticator="SNOWFLAKE", password=PASSWORD
    )
    hosts = awx.update(of_immuta(awx, immuta))
    # Ansible marks what is no template, and AWX keeps the marks.
    marked = {name: about["immuta_deregister_connection_key"] for name, about in hosts.items()}
    keys = {one["__ansible_unsafe"]: name for name, one in marked.items()}
    assert set(keys) == set(immuta.state.connections)
    # What the workflow's survey fills in goes to each of its jobs.
    answers = {"immuta_deregister_no_limit": "fail"}
    whole = awx.job("plan the inventory", env, hosts=hosts, answers=answers)
    assert whole.code != 0
    assert "Launch again with a limit that names hosts" in whole.output
    without = awx.job("apply the approved plan in slices", env, hosts=hosts, answers=answers)
    assert (without.code, without.failed) == (2, ["localhost"]), without.output
    assert "there is no immuta_deregister_plan" in without.output
    planned = awx.job("plan the inventory", env, "--limit", keys[KEY], hosts=hosts, answers=answers)
    assert planned.code == 0, planned.output
    assert [one["connection_key"] for one in planned.stats["immuta_deregister_plan"]["connections"]] == [KEY]

    found = []
    for number in range(2):
        # As AWX deals them out. One slice has hosts that were not planned, too, and the other one only such hosts.
        part = dict(sorted(hosts.items())[number::2])
        given = {"artifacts": planned.stats, "answers": answers}
        applied = awx.job("apply the approved plan in slices", env, hosts=part, **given)
        assert applied.code == 0, applied.output
        found.append({key: one["status"] for key, one in applied.stats.get("immuta_deregister", {}).items()})
    assert sorted(found, key=len) == [{}, {KEY: "completed"}]
    assert set(immuta.state.connections) == {*keys} - {KEY}


def test_a_schedule_fails_on_what_is_left_over(
    awx: Awx, loader: Loader, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    loader.kept.mkdir(mode=0o700)
    signed_in = {"user": "DEPLOYER", "authenticator": "SNOWFLAKE", "password": PASSWORD, "role": "ACCOUNTADMIN"}
    env = of_immuta(awx, immuta) | of_snowflake(awx, snowflake, **signed_in)
    del immuta.state.connections[KEY], immuta.state.integrations[5]
    # A schedule has the defaults of the survey.
    played = awx.job("audit", env, answers={"immuta_audit_fail_on": "leftovers"})
    assert played.code == 2, played.output
    assert "5 objects are left over" in played.error
    assert snowflake.account.exists("DATABASE", "IMMUTA")
