# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Integrations are read as Immuta writes them, and chosen without regard to case."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, integration
from ansible_collections.community.immuta.plugins.module_utils._immuta.integration import Integration
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import LIST_INTEGRATIONS
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import Answers

ONE = {"id": "5", "type": "Snowflake", "status": "enabled", "config": {"host": "h", "port": "443", "secret": "x"}}


def test_reads_one() -> None:
    found = integration.from_api(ONE, LIST_INTEGRATIONS)
    assert found == Integration(5, "Snowflake", "enabled", host="h", port=443)
    assert found.as_dict()["in_use"] is True
    assert "secret" not in str(found)
    url = {"id": 7, "config": {"workspaceUrl": "https://w.example/path", "httpPath": "/p"}}
    assert integration.from_api(url, LIST_INTEGRATIONS) == Integration(7, "", "", host="w.example", http_path="/p")


@pytest.mark.parametrize(
    "item", [{}, *({"id": one} for one in (True, "five", None, "+5", " 5", "\u0663", 5.0, "5_0", -5))]
)
def test_an_integration_without_an_id_is_an_error(item: t.Any) -> None:
    with pytest.raises(errors.UnexpectedReply) as caught:
        integration.from_api(item, LIST_INTEGRATIONS)
    assert caught.value.message == (
        f"In Immuta's answer to GET /integrations the field id is {item.get('id')!r}, which is not the id of an integration."
    )


# As deep as any Python reads, and deeper than it can show.
DEEP: t.Any = json.loads("[" * 600 + "]" * 600)
TEXTS = ["type", "status", *(f"config.{name}" for name in ("host", "workspaceUrl", "database", "warehouse", "catalog"))]


@pytest.mark.parametrize("value", [["x"], {"x": 1}, 5, True, DEEP], ids=["list", "object", "number", "bool", "deep"])
@pytest.mark.parametrize("field", [*TEXTS, "config.httpPath", "autoBootstrap", "id"])
def test_a_field_of_another_type_is_named(field: str, value: t.Any) -> None:
    if (field, value) in (("autoBootstrap", True), ("id", 5)):
        return
    name = field.removeprefix("config.")
    item = {"id": 5, "config": {name: value}} if name != field else {"id": 5, name: value}
    with pytest.raises(errors.UnexpectedReply, match=f"the field {field} is ") as caught:
        integration.from_api(item, LIST_INTEGRATIONS)
    assert len(str(caught.value.as_dict())) < 500


@pytest.mark.parametrize("item", [None, "5", []])
def test_what_is_no_integration_is_an_error(item: t.Any) -> None:
    with pytest.raises(errors.UnexpectedReply, match="something other than an integration"):
        integration.from_api(item, LIST_INTEGRATIONS)


def test_lists_by_id() -> None:
    client: t.Any = Answers(listIntegrations=[{"id": 9}, {"id": "5"}])
    assert [found.id for found in integration.list_all(client)] == [5, 9]
    client.answers["listIntegrations"] = {"items": []}
    with pytest.raises(errors.UnexpectedReply) as caught:
        integration.list_all(client)
    assert caught.value.message == "Immuta answered GET /integrations with something other than a list."


def test_gets_one_by_its_id_or_from_the_list() -> None:
    client: t.Any = Answers(getIntegration=Reply(200, b'{"id": 5}'), listIntegrations=[{"id": 6}])
    assert integration.get(client, 5) == Integration(5, "", "")
    with pytest.raises(errors.UnexpectedReply, match="asked for the integration 6, but answered with 5"):
        integration.get(client, 6)
    client.answers["getIntegration"] = lambda: errors.NotFound("no")
    assert integration.get(client, 6) == Integration(6, "", "")
    assert integration.get(client, 5) is None


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, [1, 2, 3]),
        ({"kind": "snowflake"}, [1, 2]),
        ({"host": "H1"}, [1, 3]),
        ({"statuses": ["deleted"]}, [2]),
        ({"kind": "Snowflake", "host": "h1", "statuses": ["enabled"]}, [1]),
        ({"kind": "Glue"}, []),
    ],
)
def test_selects(filters: dict[str, t.Any], ids: list[int]) -> None:
    known = [
        Integration(1, "Snowflake", "enabled", host="h1"),
        Integration(2, "SNOWFLAKE", "deleted"),
        Integration(3, "Databricks", "enabled", host="h1"),
    ]
    assert [found.id for found in integration.select(known, **filters)] == ids


@pytest.mark.parametrize(
    ("status", "in_use"), [("enabled", True), ("deleteError", True), ("deleted", False), ("disabled", False)]
)
def test_which_are_in_use(status: str, in_use: bool) -> None:
    assert Integration(1, "x", status).in_use is in_use
