# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of operations and the API description of the stand-in say the same, both ways."""

from __future__ import annotations

import copy
import dataclasses
import re
import typing as t

import pytest
import yaml

from ansible_collections.community.immuta.plugins.module_utils._immuta import errors
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import failure_of
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    DELETE_OBJECT,
    GET_CONNECTION,
    OPERATIONS,
    WITNESS,
    Conflict,
    Effect,
    Operation,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply
from ansible_collections.community.immuta.tests.doubles.immuta_contract import DESCRIPTION

ABOUT = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
FAMILIES = {"/bim/": "auth", "/integrations": "integrations", "/data/": "connections", "/jobs": "connections"}


def described(about: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    """What the description says of each operation, in the words of the table."""
    found = {}
    for path, item in about["paths"].items():
        for method, one in item.items():
            parameters = [
                about["components"]["parameters"][ref["$ref"].rpartition("/")[2]] if "$ref" in ref else ref
                for ref in one.get("parameters", [])
            ]
            assert one["operationId"] not in found
            found[one["operationId"]] = {
                "method": method.upper(),
                "path": path,
                "parameters": sorted((where["in"], where["name"], where["required"]) for where in parameters),
                "effect": one["x-effect"],
                "conflict": one["x-conflict"],
                "good": {int(status) for status in one["responses"] if status.startswith("2")},
                "errors": {status for status in one["responses"] if not status.startswith("2")},
                "takes_body": "requestBody" in one,
                "authorized": one.get("security", about["security"]) != [],
            }
    return found


def expected(one: Operation) -> dict[str, t.Any]:
    """What the table says of an operation, in the same form."""
    path, _mark, query = one.path.partition("?")
    asked = [("query", name, True) for name in re.findall(r"(\w+)={", query)]
    asked += [("query", name, False) for name in one.optional]
    return {
        "method": one.method,
        "path": path,
        "parameters": sorted([*(("path", name, True) for name in re.findall(r"{(\w+)}", path)), *asked]),
        "effect": one.effect.value,
        "conflict": one.conflict,
        "good": set(one.good),
        "errors": {"4XX", "5XX"},
        "takes_body": one.takes_body,
        "authorized": one.family != "auth",
    }


def differences(operations: t.Iterable[Operation], about: dict[str, t.Any]) -> list[str]:
    """Where the table and the description do not say the same."""
    theirs = described(about)
    ours = {one.name: expected(one) for one in operations}
    found = [f"{name} is on one side only" for name in set(ours) ^ set(theirs)]
    for name in set(ours) & set(theirs):
        found += [
            f"{name}: {field} is {value!r} in the table, {theirs[name][field]!r} in the description"
            for field, value in ours[name].items()
            if value != theirs[name][field]
        ]
    found += [
        f"{one.name}: {one.path} is not of the family {one.family}"
        for one in operations
        if not any(one.path.startswith(begin) and one.family == family for begin, family in FAMILIES.items())
    ]
    return found


def test_they_say_the_same() -> None:
    assert differences(OPERATIONS, ABOUT) == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": "removeObject"},
        {"method": "POST"},
        {"path": "/data/objects/{connection_key}"},
        {"path": "/data/object/{key}"},
        {"path": "/data/object/{connection_key}/"},
        {"effect": Effect.READ},
        {"effect": Effect.CREATE, "conflict": "exists"},
        {"good": frozenset({200, 202})},
        {"good": frozenset({200, 202, 204, 205})},
        {"takes_body": True},
        {"family": "auth"},
        {"family": "integrations"},
        {"optional": ("size",)},
    ],
    ids=str,
)
def test_a_change_of_the_table_is_seen(change: dict[str, t.Any]) -> None:
    others = [one for one in OPERATIONS if one is not DELETE_OBJECT]
    assert differences(others, ABOUT)
    assert differences([*others, dataclasses.replace(DELETE_OBJECT, **change)], ABOUT)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("operationId",), "removeObject"),
        (("x-effect",), "read"),
        (("x-conflict",), "exists"),
        (("parameters",), []),
        (("responses", "205"), {"description": "Reset"}),
        (("responses", "404"), {"description": "Absent"}),
        (("requestBody",), {"required": True}),
        (("security",), []),
    ],
    ids=str,
)
def test_a_change_of_the_description_is_seen(place: tuple[str, ...], value: t.Any) -> None:
    about = copy.deepcopy(ABOUT)
    at = about["paths"][DELETE_OBJECT.path]["delete"]
    for name in place[:-1]:
        at = at[name]
    at[place[-1]] = value
    assert differences(OPERATIONS, about)


def test_another_operation_of_the_description_is_seen() -> None:
    about = copy.deepcopy(ABOUT)
    about["paths"]["/data/object/search"]["put"] = {**about["paths"]["/data/object/search"]["post"], "operationId": "x"}
    assert differences(OPERATIONS, about)


def test_every_operation_says_where_it_is_from_and_how_sure_that_is() -> None:
    for item in ABOUT["paths"].values():
        for one in item.values():
            assert str(one["x-provenance"]).startswith("https://documentation.immuta.com/"), one
            assert one["x-confidence"], one


def test_what_each_operation_needs() -> None:
    # In Immuta's words: this is what an administrator is told to grant.
    assert {one.name: one.permission for one in OPERATIONS} == {
        "exchangeApiKey": "a valid API key",
        "listIntegrations": "APPLICATION_ADMIN",
        "getIntegration": "APPLICATION_ADMIN",
        "renderCleanupScript": "APPLICATION_ADMIN",
        "regenerateCleanupScript": "APPLICATION_ADMIN",
        "renderSetupScript": "APPLICATION_ADMIN",
        "renderEditScript": "APPLICATION_ADMIN",
        "getConnection": "APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN",
        "searchObjects": "APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN",
        "getObject": "APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN",
        "deleteObject": "APPLICATION_ADMIN (newer Immuta), or INFRASTRUCTURE_ADMIN or DATA_OWNER on the connection"
        " (older Immuta)",
        "registerConnection": "APPLICATION_ADMIN (newer Immuta), or CREATE_DATA_SOURCE (older Immuta)",
        "testConnection": "APPLICATION_ADMIN (newer Immuta), or CREATE_DATA_SOURCE (older Immuta)",
        "updateConnection": "APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN",
        "updateSettings": "APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN",
        **dict.fromkeys(
            ("syncObjects", "syncObjectsByPut"),
            "APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN (newer Immuta), or CREATE_DATA_SOURCE (older Immuta)",
        ),
        "listJobs": "APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN",
        "getJobs": "APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN",
    }


def test_the_family_of_each_operation() -> None:
    assert {one.name: one.family for one in OPERATIONS} == {
        "exchangeApiKey": "auth",
        **dict.fromkeys(
            ("listIntegrations", "getIntegration", "renderCleanupScript", "regenerateCleanupScript"), "integrations"
        ),
        **dict.fromkeys(("renderSetupScript", "renderEditScript"), "integrations"),
        **dict.fromkeys(("getConnection", "searchObjects", "getObject", "deleteObject"), "connections"),
        **dict.fromkeys(("registerConnection", "testConnection"), "connections"),
        **dict.fromkeys(
            ("updateConnection", "updateSettings", "syncObjects", "syncObjectsByPut", "listJobs", "getJobs"),
            "connections",
        ),
    }


def test_which_effects_are_harmless() -> None:
    assert {effect.value: effect.harmless for effect in Effect} == {
        **dict.fromkeys(("read", "render"), True),
        **dict.fromkeys(("create", "update", "delete"), False),
    }


@pytest.mark.parametrize("effect", list(Effect))
@pytest.mark.parametrize("conflict", t.get_args(Conflict))
def test_what_a_conflict_means(effect: Effect, conflict: Conflict) -> None:
    def operation() -> Operation:
        return Operation("do", "POST", "/data/it", effect, "connections", "", conflict=conflict)

    if conflict != ("exists" if effect is Effect.CREATE else "busy"):
        with pytest.raises(ValueError, match="409 can't mean"):
            operation()
        return
    failure = failure_of(Reply(409, b'{"message": "in use"}'), operation(), "/data/it")
    kind = errors.AlreadyExists if effect is Effect.CREATE else errors.Busy
    assert (type(failure), failure.status, failure.details["path"]) == (kind, 409, "/data/it")
    assert "in use" in failure.message
    assert failure.hint or kind is errors.Busy


def test_each_family_has_a_harmless_witness() -> None:
    families = {operation.family for operation in OPERATIONS} - {"auth"}
    assert set(WITNESS) == families
    assert all(operation.effect is Effect.READ for operation in WITNESS.values())
    assert GET_CONNECTION.family == "connections"
