# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_probe: reads only, and a file without a value."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import probe
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import Effect
from ansible_collections.community.immuta.tests.doubles import immuta_contract, immuta_tenant
from ansible_collections.community.immuta.tests.doubles.immuta_server import Connection
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Result, Tenant

CANARY = "canary"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "probe.json"


def run(tenant: Tenant, path: Path, **options: t.Any) -> dict[str, dict[str, t.Any]]:
    """Run it; the answers in its file, by operation and what they are about."""
    result = tenant("probe", path=str(path), **options).good
    written = json.loads(path.read_text())
    assert written == result["probe"]
    return {f"{one['operation']} {one['about']}": one for one in written["answers"]}


def test_it_records_what_is_answered(tenant: Tenant, path: Path) -> None:
    first = tenant("probe", path=str(path))
    assert first["changed"]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not tenant("probe", path=str(path))["changed"]
    answers = run(tenant, path)
    assert {name: one["status"] for name, one in answers.items()} == {
        "listIntegrations all": 200,
        "searchObjects offset, size": 200,
        "searchObjects an empty body": 200,
        "searchObjects nothing": 200,
        "searchObjects limit, offset": 400,
        "searchObjects limit": 400,
        "exchangeApiKey key": 200,
        **{f"{name} {about}": 200 for name in ("getIntegration", "getConnection", "getObject") for about in TYPES},
        **{f"{name} absent": 404 for name in ("getIntegration", "getConnection", "getObject")},
        # What the stand-in doesn't know.
        **{
            f"{name} {about}": 404
            for name in ("getIntegrationStatus", "searchChildren")
            for about in (*TYPES, "absent")
        },
        "searchJobs all": 404,
        "summarizeJobs all": 404,
    }
    assert answers["getConnection Glue"]["shape"]["properties"]["nativeIntegrationId"] == {"type": ["integer"]}
    assert answers["getConnection absent"]["shape"]["properties"] == {"message": {"type": ["string"]}}
    assert (answers["getObject Glue"]["method"], answers["getObject Glue"]["path"]) == (
        "GET",
        "/data/object/{connection_key}",
    )


TYPES = ("Databricks", "Glue", "Snowflake")


def test_it_sends_nothing_but_reads(tenant: Tenant, path: Path) -> None:
    run(tenant, path)
    asked = {one.name for one in probe.ASKED if one not in probe.DOCUMENTED}
    others = [one for one in tenant.double.requests if one.operation_id not in asked]
    for one in others:
        assert immuta_contract.PROBED.fullmatch(f"{one.method} {one.path}"), one
    assert len(others) == 10
    assert {one.method for one in tenant.double.requests} == {"GET", "POST"}
    assert all(one.effect is Effect.READ for one in probe.ASKED)
    assert len(tenant.double.requests) == 29


def test_nothing_that_is_no_read_can_be_asked(monkeypatch: pytest.MonkeyPatch, tenant: Tenant, path: Path) -> None:
    render = probe.Operation(
        "renderCleanupScript", "POST", "/integrations/5/scripts/delete", Effect.RENDER, "integrations", ""
    )
    for asked in (probe.ASKED, (*probe.ASKED, render)):
        monkeypatch.setattr(probe, "ASKED", asked)
        monkeypatch.setattr(probe, "LIST_INTEGRATIONS", render)
        assert tenant("probe", path=str(path)).code == "refused"
    assert tenant.double.requests == []


def test_no_value_gets_out(tenant: Tenant, path: Path) -> None:
    state = tenant.double.state
    for number, one in enumerate(state.integrations.values()):
        one.config = {**one.config, **dict.fromkeys(("host", "password", "clientSecret"), f"{CANARY}{number}")}
        one.config["groupPattern"] = {f"{CANARY}Group": {"deny": CANARY}, "members": [f"{CANARY}@example.com"]}
        one.config["port"] = 31337
    for key, about in list(state.connections.items()):
        del state.connections[key]
        about.key = f"{CANARY} {key}"
        about.hostname = f"{CANARY}.example.com"
        about.extra = {f"{CANARY}Key": 1, "userName": CANARY, "sharedName": 2}
        state.connections[about.key] = about
    state.connections["x"] = Connection("x", f"{CANARY}Technology", state=CANARY)
    answers = run(tenant, path)
    text = path.read_text()
    assert CANARY not in text.lower()
    for secret in (API_KEY, "31337", tenant.url, "example.com", "adb-", "prod", "COMPUTE_WH", *state.tokens):
        assert secret not in text, secret
    assert re.findall(r"\d{2,}", re.sub(r'"status": \d{3}', "", text)) == []
    # What can hardly be a name of the tenant's is told.
    assert "userName" in text and "sharedName" in text
    assert answers["getConnection another"]["status"] == 404
    shape = answers["listIntegrations all"]["shape"]["items"]["properties"]["config"]["properties"]["groupPattern"]
    assert shape["additionalProperties"]["type"] == ["array", "object"]


def test_a_connection_that_is_not_listed(tenant: Tenant, path: Path) -> None:
    tenant.vary(search_request="cursor", search_envelope="results")
    del tenant.double.state.connections["prod databricks"]
    answers = run(tenant, path, connection_key="prod databricks")
    assert answers["getConnection given"]["status"] == 404
    assert run(tenant, path, connection_key=KEY).keys() == answers.keys() - {
        f"{name} given" for name in ("getConnection", "getObject", "searchChildren")
    }


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "status", "status": 500}, (500, None, "application/json", "json")),
        ({"kind": "status", "status": 503, "times": 9}, (503, "server", None, "none")),
        ({"kind": "html"}, (200, None, "text/html", "html")),
        ({"kind": "redirect", "location": "https://elsewhere.example/canary"}, (302, "redirect", None, "none")),
        ({"kind": "lost_answer", "times": 9}, (None, "transport", None, "none")),
    ],
    ids=lambda one: one.get("kind", "") if isinstance(one, dict) else "",
)
def test_what_goes_wrong_is_recorded(
    tenant: Tenant, path: Path, fault: dict[str, t.Any], told: tuple[t.Any, ...]
) -> None:
    tenant.fault(operation_id="getConnection", **fault)
    one = run(tenant, path)["getConnection Databricks"]
    assert (one["status"], one["failure"], one["content_type"], one["body"]) == told
    assert (one["shape"] is None) is (told[3] != "json")


@pytest.mark.parametrize(
    ("variant", "key", "code"),
    [
        ({}, "another-api-key-0c11", "authentication"),
        ({"login_page": True}, API_KEY, "unexpected_reply"),
        ({"wrong_prefix": True}, API_KEY, "api_missing"),
    ],
)
def test_a_tenant_that_answers_nothing_is_a_failure(
    tenant: Tenant, path: Path, variant: dict[str, t.Any], key: str, code: str
) -> None:
    tenant.vary(**variant)
    result = tenant("probe", path=str(path), api_key=key)
    assert result.code == code
    # Not a word of the answer.
    assert "Invalid" not in result["msg"]
    assert not path.parent.exists()


def test_a_part_of_the_api_that_is_missing_is_recorded(tenant: Tenant, path: Path) -> None:
    tenant.vary(connections_enabled=False)
    assert run(tenant, path)["searchObjects nothing"]["status"] == 404
    tenant.vary(connections_enabled=True)
    tenant.permit("GOVERNANCE")
    answers = run(tenant, path)
    assert (answers["listIntegrations all"]["status"], answers["searchObjects nothing"]["status"]) == (403, 200)


def refused(tenant: Tenant, path: Path) -> Result:
    result = tenant("probe", path=str(path))
    assert result.code == "refused", result
    assert tenant.double.requests == []
    return result


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"[" * 100_000, b'{"file": "another"}', b"\xff", b"script"])
def test_another_file_is_left_alone(tenant: Tenant, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert "something other" in refused(tenant, path)["msg"]
    assert path.read_bytes() == content


def test_places_that_cannot_be_used(tenant: Tenant, tmp_path: Path, path: Path) -> None:
    refused(tenant, tmp_path)
    run(tenant, path)
    tenant.double.requests.clear()
    link = tmp_path / "link"
    link.symlink_to(path)
    refused(tenant, link)
    (tmp_path / "file").touch()
    assert "can't be used" in refused(tenant, tmp_path / "file" / "probe.json")["msg"]


def test_a_file_that_came_to_be_there_meanwhile_is_left_alone(tenant: Tenant, path: Path) -> None:
    def appear(_label: str, _when: str) -> bool:
        path.parent.mkdir(exist_ok=True)
        path.write_text("another's")
        return True

    tenant.double.gate = appear
    assert tenant("probe", path=str(path)).code == "refused"
    assert path.read_text() == "another's"


def test_check_mode_writes_nothing(tenant: Tenant, path: Path) -> None:
    result = tenant("probe", path=str(path), check=True).good
    assert result["changed"] and result["probe"]["answers"]
    assert not path.parent.exists()


def test_the_version(monkeypatch: pytest.MonkeyPatch, tenant: Tenant, path: Path) -> None:
    def version(**options: t.Any) -> str | None:
        run(tenant, path, **options)
        return t.cast("str | None", json.loads(path.read_text())["version"])

    assert version() is None
    assert version(immuta_version="2025.1") == "2025.1"
    for wrong in ("canary", "2025.1-canary", "https://2025.1", "1"):
        assert tenant("probe", path=str(path), immuta_version=wrong).code == "invalid_option"
    for one in tenant.double.state.connections.values():
        one.extra = {"version": "2024.3.1"}
    # Only what stands at the top of an answer is Immuta's own version.
    assert version() is None
    for told, expected in (("2024.3.1", "2024.3.1"), ("2024.3 of canary", None)):
        about = {"technology": "Snowflake", "immutaVersion": told}
        monkeypatch.setattr(
            immuta_tenant.Tenant, "_object", lambda _self, path, _one, about=about: {"objectPath": path, **about}
        )
        assert version() == expected
    assert CANARY not in path.read_text()
