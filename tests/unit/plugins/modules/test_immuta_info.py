# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules immuta_connection_info and immuta_integration_info, and what is true of every Immuta module."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import ssl
import sys
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils import basic
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.community.immuta.plugins.module_utils._immuta.options import URL_VARIABLES
from ansible_collections.community.immuta.tests.doubles.immuta_server import Connection, ImmutaDouble, State
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Modules, Tenant

SNOWFLAKE = {
    "key": KEY,
    "technology": "Snowflake",
    "hostname": "example.snowflakecomputing.com",
    "port": 443,
    "integration_id": 5,
    "integration_type": "Snowflake",
    "integration_status": "enabled",
}
ALL = ["prod databricks", "prod lake formation", KEY]


def keys(result: dict[str, t.Any]) -> list[str]:
    return [one["key"] for one in result["connections"]]


# Connections


@pytest.mark.parametrize("id_type", ["number", "string"])
def test_one_connection(tenant: Tenant, id_type: str) -> None:
    tenant.vary(id_type=id_type)
    result = tenant("connection_info", connection_key=KEY)
    assert result["changed"] is False
    (one,) = result["connections"]
    assert {name: one[name] for name in SNOWFLAKE} == SNOWFLAKE
    assert tenant.asked == ["getConnection", "listIntegrations"]
    assert tenant.double.connections == 1


@pytest.mark.parametrize("envelope", ["list", "hits", "results", "data"])
@pytest.mark.parametrize("paging", ["honoured", "ignored"])
def test_all_connections_in_every_envelope(tenant: Tenant, envelope: str, paging: str) -> None:
    tenant.vary(search_envelope=envelope, search_paging=paging)
    result = tenant("connection_info")
    assert keys(result) == ALL
    assert {one["key"]: one["integration_id"] for one in result["connections"]}[KEY] == 5


@pytest.mark.parametrize("cap", [None, 1, 9, 10, 25, 100])
def test_every_page_is_read(tenant: Tenant, cap: int | None) -> None:
    many = [f"connection {number:03}" for number in range(57)]
    tenant.double.state.connections.update({key: Connection(key, "Redshift") for key in many})
    tenant.vary(search_page_cap=cap)
    assert keys(tenant("connection_info")) == sorted([*many, *ALL])


@pytest.mark.parametrize("key", ["a b", "a/b", "50%", "a#b", "a?b=c", "naïve ☃", "..x", "+", "%2F"])
def test_keys_with_unusual_characters(tenant: Tenant, key: str) -> None:
    one = tenant.double.state.connections.pop(KEY)
    one.key = key
    tenant.double.state.connections[key] = one
    assert keys(tenant("connection_info", connection_key=key)) == [key]


def test_an_unknown_key_is_an_empty_list(tenant: Tenant) -> None:
    result = tenant("connection_info", connection_key="no such")
    assert not result.failed
    assert result["connections"] == []


def test_the_case_of_a_key_matters(tenant: Tenant) -> None:
    result = tenant("connection_info", connection_key=KEY.upper())
    assert (result["connections"], result["lookalikes"]) == ([], [KEY])
    assert tenant("connection_info", connection_key=KEY)["lookalikes"] == []
    assert tenant("connection_info", connection_key=KEY[:-1])["lookalikes"] == []


def test_finds_technologies_that_are_only_listed(tenant: Tenant) -> None:
    tenant.double.state.connections["warehouse"] = Connection("warehouse", "Redshift")
    (one,) = tenant("connection_info", connection_key="warehouse")["connections"]
    assert (one["technology"], one["integration_id"]) == ("Redshift", None)


@pytest.mark.parametrize("form", ["null", "absent"])
def test_a_connection_without_an_integration_id(tenant: Tenant, form: str) -> None:
    tenant.vary(native_integration_id=form)
    (one,) = tenant("connection_info", connection_key=KEY)["connections"]
    assert one["integration_id"] is None


def test_without_permission_for_integrations_the_rest_is_told(tenant: Tenant) -> None:
    tenant.permit("INFRASTRUCTURE_ADMIN")
    result = tenant("connection_info", connection_key=KEY)
    assert not result.failed
    assert result["connections"][0]["integration_status"] is None
    assert any("APPLICATION_ADMIN" in str(warning) for warning in result["warnings"])


# Integrations


@pytest.mark.parametrize("id_type", ["number", "string"])
def test_integrations(tenant: Tenant, id_type: str) -> None:
    tenant.vary(id_type=id_type)
    result = tenant("integration_info")
    assert [one["id"] for one in result["integrations"]] == [5, 7, 9]
    (five,) = tenant("integration_info", integration_id=5)["integrations"]
    assert (five["type"], five["status"], five["database"], five["in_use"]) == ("Snowflake", "enabled", "IMMUTA", True)
    (seven,) = tenant("integration_info", integration_id=7)["integrations"]
    assert seven["host"] == "adb-1234567890123456.7.azuredatabricks.net"


def test_the_configuration_of_an_integration_holds_names_and_no_credential(tenant: Tenant) -> None:
    secrets = {"password": "hunter2-of-five", "privateKey": "BEGIN-OF-A-KEY", "userPassphrase": "pass-of-five"}
    names = {"role": "IMMUTA_SYSTEM", "username": "IMMUTA_SYSTEM_ACCOUNT"}
    inner = {"enabled": True, "role": "IMMUTA_IMPERSONATION", "token": "hunter2-of-five"}
    state = tenant.double.state
    state.integrations[5].config |= {**names, **secrets, "impersonation": inner}
    state.integrations[7].config["oAuthClientConfig"] = {"clientId": "the-client", "clientSecret": "hunter2-of-seven"}
    five, seven, _glue = (one["integration_config"] for one in tenant("integration_info")["integrations"])
    assert five == {
        **{"type": "Snowflake", "id": 5, "host": "example.snowflakecomputing.com", "port": 443, "database": "IMMUTA"},
        **{"warehouse": "COMPUTE_WH", "role": "IMMUTA_SYSTEM", "user": "IMMUTA_SYSTEM_ACCOUNT"},
        "impersonation_role": "IMMUTA_IMPERSONATION",
    }
    assert (seven["principal"], seven["catalog"], set(seven) & {"clientSecret", "role"}) == (
        "the-client",
        "immuta",
        set(),
    )
    assert "hunter2" not in json.dumps([five, seven])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"type": "snowflake"}, [5]),
        ({"host": "EXAMPLE.snowflakecomputing.com"}, [5]),
        ({"status": ["enabled"]}, [5, 7, 9]),
        ({"status": ["deleted", "disabled"]}, []),
        ({"type": "Databricks", "status": ["enabled"]}, [7]),
        ({"type": ""}, [5, 7, 9]),
    ],
)
def test_filters_integrations(tenant: Tenant, options: dict[str, t.Any], expected: list[int]) -> None:
    assert [one["id"] for one in tenant("integration_info", **options)["integrations"]] == expected


def test_an_unknown_id_is_an_empty_list(tenant: Tenant) -> None:
    assert tenant("integration_info", integration_id=4711)["integrations"] == []


# Who is there at all


@pytest.mark.parametrize("name", ["connection_info", "integration_info"])
@pytest.mark.parametrize(
    ("variant", "code"),
    [({"wrong_prefix": True}, "api_missing"), ({"login_page": True}, "unexpected_reply")],
)
def test_a_wrong_url_is_never_an_empty_list(tenant: Tenant, name: str, variant: dict[str, t.Any], code: str) -> None:
    tenant.vary(**variant)
    for options in ({}, {"connection_key": KEY} if name == "connection_info" else {"integration_id": 4}):
        result = tenant(name, **options)
        assert result.failed
        assert result.code in (code, "not_found")
        assert "url" in result["msg"].lower()


@pytest.mark.parametrize("options", [{}, {"connection_key": KEY}])
def test_connections_that_are_switched_off_are_no_empty_list(tenant: Tenant, options: dict[str, str]) -> None:
    tenant.vary(connections_enabled=False)
    result = tenant("connection_info", **options)
    assert result.code == "api_missing"
    assert "switched off" in result["msg"]


@pytest.mark.parametrize(("status", "code"), [(401, "authentication"), (500, "server")])
def test_a_wrong_key(tenant: Tenant, status: int, code: str) -> None:
    tenant.vary(unauthenticated=status)
    result = tenant("connection_info", api_key="wrong-key")
    assert result.code == code
    assert "key" in result["msg"]
    assert "wrong-key" not in str(result)


@pytest.mark.parametrize("body", ["message", "error", "text"])
def test_a_missing_permission_is_named(tenant: Tenant, body: str) -> None:
    tenant.vary(error_body=body)
    tenant.permit()
    result = tenant("integration_info")
    assert result.code == "permission"
    assert "APPLICATION_ADMIN" in result["msg"]
    assert "Insufficient permissions" in result["msg"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"url": ""}, "IMMUTA_URL"),
        ({"api_key": ""}, "IMMUTA_API_KEY"),
        ({"url": "tenant.example"}, "https://"),
        ({"url": "https://user:password@tenant.example"}, "api_key"),
        ({"timeout": 0}, "timeout"),
        ({"total_timeout": -1}, "total_timeout"),
        ({"retries": -1}, "retries"),
        ({"client_key": "/x"}, "client_cert"),
        ({"env": {"IMMUTA_CLIENT_CERT": "/no/such/cert.pem"}, "url": "https://127.0.0.1:9"}, "client_cert"),
        ({"ca_path": "/no/such/bundle.pem", "url": "https://127.0.0.1:9"}, "ca_path"),
        ({"api_key": "two\nlines"}, "api_key"),
        ({"connection_key": ".."}, "connection_key"),
    ],
)
def test_names_the_option_and_the_remedy(tenant: Tenant, options: dict[str, t.Any], named: str) -> None:
    result = tenant("connection_info", **options)
    assert result.failed
    assert named in result["msg"]
    assert tenant.asked == []


@pytest.mark.parametrize("variable", ["IMMUTA_URL", "IMMUTA_BASE_URL", "IMMUTA_HOST"])
def test_takes_url_and_key_from_the_environment(module: Modules, tenant: Tenant, variable: str) -> None:
    for key in ("IMMUTA_API_KEY", "IMMUTA_API_TOKEN"):
        result = module("immuta_connection_info", url="", env={variable: tenant.url, key: API_KEY})
        assert keys(result) == ALL
    nothing = dict.fromkeys((*URL_VARIABLES, "IMMUTA_API_KEY", "IMMUTA_CA_PATH"), "")
    result = module("immuta_connection_info", env={**nothing, variable: tenant.url, "IMMUTA_API_TOKEN": API_KEY})
    assert keys(result) == ALL


def test_http_is_allowed_from_the_environment(module: Modules) -> None:
    given = {"url": "http://tenant.invalid", "api_key": API_KEY, "retries": 0}
    refused = module("immuta_connection_info", **given)
    assert refused.code == "configuration"
    assert "IMMUTA_ALLOW_HTTP" in refused["msg"]
    for options in ({"allow_http": True}, {"env": {"IMMUTA_ALLOW_HTTP": "true"}}):
        assert module("immuta_connection_info", **given, **options).code == "transport"
    assert module("immuta_connection_info", **given, env={"IMMUTA_ALLOW_HTTP": "no"}).code == "configuration"


def test_the_log_of_the_system_has_no_password(module: Modules, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda self, msg, log_args=None: logged.append(f"{msg} {log_args}"))
    result = module("immuta_connection_info", url="https://user:pa@canary/7@tenant.example", api_key=API_KEY)
    assert result.code == "configuration"
    assert "connection_key" in logged[0]
    assert not [line for line in logged if "canary" in line]
    assert "canary" not in json.dumps(result)


def test_nobody_there(tenant: Tenant) -> None:
    result = tenant("connection_info", url="http://127.0.0.1:9")
    assert result.code == "transport"
    assert "could not be made" in result["msg"]


def test_a_missing_library_is_named(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "requests.py").write_text("raise ImportError('not here')\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    result = tenant("connection_info", alone=True, env={"PYTHONPATH": path})
    assert result.code == "missing_library"
    assert "requests" in result["msg"]


# How requests are sent


@pytest.mark.parametrize(
    ("options", "scheme"),
    [
        ({}, "bare"),
        ({"auth_scheme": "bearer"}, "bearer"),
        ({"exchange_api_key": True}, "bearer"),
        ({"env": {"IMMUTA_AUTH_SCHEME": "bearer", "IMMUTA_EXCHANGE_API_KEY": ""}}, "bearer"),
        ({"env": {"IMMUTA_EXCHANGE_API_KEY": "true", "IMMUTA_AUTH_SCHEME": ""}}, "bearer"),
    ],
)
def test_authentication(tenant: Tenant, options: dict[str, t.Any], scheme: str) -> None:
    assert not tenant("connection_info", connection_key=KEY, **options).failed
    sent = [one.authorization for one in tenant.double.requests if one.operation_id != "exchangeApiKey"]
    assert set(sent) == {scheme}
    exchanged = "true" in str(options).lower()
    assert tenant.asked.count("exchangeApiKey") == int(exchanged)
    assert not [token for token in tenant.double.state.tokens if token in tenant.modules.output]


def test_the_key_is_not_sent_with_its_exchange(tenant: Tenant) -> None:
    tenant("connection_info", connection_key=KEY, exchange_api_key=True)
    assert tenant.double.requests[0].authorization == "none"


def test_a_redirect_is_refused_and_the_other_host_sees_nothing(tenant: Tenant) -> None:
    with ImmutaDouble(State.example(KEY, api_key=API_KEY)) as other:
        tenant.fault("redirect", location=f"{other.url}/integrations", times=9)
        result = tenant("connection_info")
        assert result.code == "redirect"
        assert "127.0.0.1" in result["msg"]
        assert other.requests == []
    assert len(tenant.asked) == 1


def test_netrc_is_not_used(module: Modules, tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    result = tenant(
        "connection_info", connection_key=KEY, env={"HOME": str(tmp_path), "NETRC": str(tmp_path / ".netrc")}
    )
    assert not result.failed
    assert {one.authorization for one in tenant.double.requests} == {"bare"}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_before"},
        {"kind": "lost_answer"},
        {"kind": "truncated"},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429, "retry_after": 1},
        {"kind": "status", "status": 503, "retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
)
def test_reads_are_repeated(tenant: Tenant, fault: dict[str, t.Any]) -> None:
    tenant.fault(fault.pop("kind"), **fault)
    assert keys(tenant("connection_info", connection_key=KEY)) == [KEY]
    assert tenant.asked[:2] == ["getConnection", "getConnection"]


@pytest.mark.parametrize(("status", "times"), [(500, 1), (400, 10), (503, 3)])
def test_repeating_has_an_end(tenant: Tenant, status: int, times: int) -> None:
    tenant.fault("status", status=status, times=99)
    assert tenant("connection_info", connection_key=KEY)["failure"]["status"] == status
    assert len(tenant.asked) == times


def test_a_wait_that_is_too_long_is_not_begun(tenant: Tenant) -> None:
    tenant.fault("status", status=429, retry_after=3600)
    result = tenant("connection_info", connection_key=KEY)
    assert result.code == "rate_limited"
    assert "total_timeout" in result["msg"]


@pytest.mark.parametrize("kind", ["slow", "drip"])
def test_one_call_has_a_deadline(tenant: Tenant, kind: str) -> None:
    tenant.fault(kind, seconds=20, times=9)
    result = tenant("connection_info", connection_key=KEY, total_timeout=1)
    assert result.code == "deadline"


def test_a_web_page_is_no_answer(tenant: Tenant) -> None:
    tenant.fault("html", times=9)
    result = tenant("connection_info", connection_key=KEY)
    assert result.code == "unexpected_reply"
    assert "login" in result["msg"]


# TLS


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that is its own authority, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "authority.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


@pytest.fixture
def secure(module: Modules, authority: Path) -> t.Iterator[ImmutaDouble]:
    """A tenant behind TLS."""
    double = ImmutaDouble(State.example(KEY, api_key=API_KEY))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    double._server.socket = context.wrap_socket(double._server.socket, server_side=True)
    with double:
        yield double


def test_a_certificate_of_a_stranger_is_refused(module: Modules, secure: ImmutaDouble, authority: Path) -> None:
    url = secure.url.replace("http:", "https:")
    environment = {name: "" for name in os.environ if name.endswith(("CA_BUNDLE", "CERT_FILE", "CERT_DIR"))}

    def ask(env: dict[str, str] = environment, **options: t.Any) -> t.Any:
        return module("immuta_connection_info", url=url, api_key=API_KEY, retries=0, env=env, **options)

    refused = ask()
    assert refused.code == "tls"
    assert "certificate" in refused["msg"]
    assert "ca_path" in refused["msg"]
    assert secure.requests == []
    assert keys(ask(ca_path=str(authority))) == ALL
    assert keys(ask(env={**environment, "IMMUTA_CA_PATH": str(authority)})) == ALL
    assert keys(ask(validate_certs=False)) == ALL
