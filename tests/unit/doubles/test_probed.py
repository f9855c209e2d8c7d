# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A probe of a tenant makes a stand-in that answers the same; and the modules work with it."""

from __future__ import annotations

import copy
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State, Variant
from ansible_collections.community.immuta.tests.doubles.probed import Probe, ProbedImmuta, mould
from ansible_collections.community.immuta.tests.harness import inprocess
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Modules, Result, Tenant

Json = dict[str, t.Any]
VARIANTS: dict[str, Json] = {
    "documented": {},
    "strings": {"id_type": "string", "object_path": "string", "error_body": "error"},
    "texts": {"error_body": "text", "described_status": 400, "search_request": "empty"},
    "lists": {"search_envelope": "list", "native_integration_id": "absent", "missing_permission": 404},
    "nested": {"object_path": "nested", "search_envelope": "data", "native_integration_id": "null"},
    "keys": {"object_path": "key", "search_envelope": "results", "search_count": "nothing"},
    "cursors": {"search_request": "cursor", "search_page_cap": 2},
    "limits": {"search_request": "limit", "unauthenticated": 500},
    "switched off": {"connections_enabled": False},
}


def state() -> State:
    """A tenant of which only the known things may be told."""
    found = State.example(KEY, api_key=API_KEY)
    found.integrations[5].status = "recurringValidationError"
    found.connections["prod databricks"].state = "INACTIVE"
    return found


def tenant_of(module: Modules, double: ImmutaDouble) -> Tenant:
    return inprocess.Tenant(module, double, API_KEY)


def probed(module: Modules, double: ImmutaDouble, folder: Path) -> Json:
    """What the module records of a stand-in."""
    path = folder / "probe.json"
    path.unlink(missing_ok=True)
    tenant_of(module, double)("probe", path=str(path)).good  # noqa: B018
    return t.cast(Json, json.loads(path.read_text()))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_stand_in_made_from_a_probe_is_probed_alike(module: Modules, tmp_path: Path, name: str) -> None:
    with ImmutaDouble(state(), Variant(**VARIANTS[name])) as double:
        first = probed(module, double, tmp_path)
        assert double.violations == []
    with ProbedImmuta(first, State.example(KEY, api_key=API_KEY)) as double:
        assert probed(module, double, tmp_path) == first


def answer(probe: Json, operation: str, about: str) -> Json:
    """An answer in a probe, to be changed."""
    return t.cast(Json, Probe(probe).answer(operation, about))


@pytest.fixture
def real(module: Modules, tmp_path: Path) -> Json:
    """What a tenant might have answered that no variant of the stand-in knows."""
    with ImmutaDouble(state()) as double:
        probe = probed(module, double, tmp_path)
    text = {"type": ["string"]}
    for about in ("Snowflake", "Databricks", "Glue"):
        shape = answer(probe, "getConnection", about)["shape"]
        # Two fields that the documentation doesn't know, an object of names that are data, and one that may be null.
        shape["properties"]["displayName"] = text
        shape["properties"]["creator"] = {
            "type": ["object"],
            "properties": {"id": {"type": ["integer"]}},
            "required": ["id"],
        }
        shape["properties"]["overrides"] = {
            "type": ["object"],
            "properties": {},
            "required": [],
            "additionalProperties": {"type": ["boolean", "string"]},
        }
        shape["properties"]["settings"] = {"type": ["null"]}
        shape["required"] = sorted(shape["properties"])
    shape = answer(probe, "listIntegrations", "all")["shape"]["items"]
    shape["properties"]["id"] = text
    shape["properties"]["warnings"] = {"type": ["array", "null"], "items": text}
    shape["properties"]["config"]["properties"]["port"] = {"type": ["integer", "string"]}
    shape["properties"]["type"]["examples"] = ["Databricks", "Glue", "Snowflake", "another"]
    shape["required"] = [name for name in shape["required"] if name != "autoBootstrap"]
    for about in ("Snowflake", "absent"):
        answer(probe, "getIntegrationStatus", about).update(
            status=200,
            shape={
                "type": ["object"],
                "properties": {"status": {"type": ["string"], "examples": ["enabled"]}},
                "required": ["status"],
            },
        )
    answer(probe, "searchJobs", "all").update(status=403)
    answer(probe, "summarizeJobs", "all").update(status=200, content_type="text/html", body="html", shape=None)
    new = {"operation": "getIntegration", "about": "another"}
    probe["answers"] = [
        *probe["answers"],
        *(
            {**copy.deepcopy(answer(probe, name, "Glue")), **new, "operation": name}
            for name in ("getIntegration", "getIntegrationStatus")
        ),
    ]
    return probe


def by_subject(probe: Json) -> Json:
    return {f"{one['operation']} {one['about']}": one for one in probe["answers"]}


def test_what_no_variant_knows_is_probed_alike(module: Modules, tmp_path: Path, real: Json) -> None:
    answer(real, "getIntegration", "another")["shape"]["properties"]["type"]["examples"] = ["another"]
    with ProbedImmuta(real, State.example(KEY, api_key=API_KEY)) as double:
        assert by_subject(probed(module, double, tmp_path)) == by_subject(real)


def test_the_modules_work_with_a_stand_in_made_from_a_probe(module: Modules, tmp_path: Path, real: Json) -> None:
    script = str(tmp_path / "script.sql")
    with ProbedImmuta(real, State.example(KEY, api_key=API_KEY)) as double:
        tenant = tenant_of(module, double)

        def good(name: str, **options: t.Any) -> Result:
            return tenant(name, **options).good

        # All that there is, and one of each.
        assert {one["key"] for one in good("connection_info")["connections"]} == set(double.state.connections)
        assert {one["id"] for one in good("integration_info")["integrations"]} == set(double.state.integrations)
        assert good("connection_info", connection_key=KEY)["connections"][0]["integration_id"] == 5
        # The script, the deletion, and the look afterwards.
        good("cleanup_script", connection_key=KEY, path=script)
        assert good("connection", connection_key=KEY, confirm=KEY, script_path=script)["verified"]
        assert good("connection_info", connection_key=KEY)["connections"] == []
    assert KEY not in double.state.connections
    assert [one for one in double.violations if one.side == "request"] == []


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="no probe"):
        ProbedImmuta({"file": "probe of community.immuta", "format": 2, "answers": []})


@pytest.mark.parametrize(
    ("values", "shape", "expected"),
    [
        ([1], {"type": ["string"]}, ["1"]),
        (["7"], {"type": ["integer"]}, [7]),
        ([1, 2], {"type": ["null", "string"]}, ["1", None]),
        ([True], {"type": ["number"]}, [1.5]),
        ([[]], {"type": ["array"], "items": {"type": ["integer"]}}, [[1, 1]]),
        (
            [{"a": 1, "b": 2}],
            {"type": ["object"], "properties": {"a": {"type": ["string"]}}, "required": ["a"]},
            [{"a": "1"}],
        ),
        (
            [{"a": 1}, {"a": 1}],
            {"type": ["object"], "properties": {"a": {"type": ["integer"]}}, "required": []},
            [{"a": 1}, {}],
        ),
        ([{}, {}], {"type": ["object"], "properties": {"a": {"type": ["integer"]}}, "required": []}, [{"a": 1}, {}]),
    ],
)
def test_values_are_made_to_fit(values: list[t.Any], shape: Json, expected: list[t.Any]) -> None:
    assert mould(values, shape) == expected
