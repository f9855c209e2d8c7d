# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of JSON: types and names of fields, and nothing of a tenant."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import shape, vocabulary


def described(*documents: t.Any) -> shape.Schema:
    """The shape of the first document, beside others."""
    words = set().union(*map(shape.words_of, documents))
    return shape.describe(documents[:1], shape.learn(documents, words))


def record(required: t.Iterable[str] = (), **properties: t.Any) -> shape.Schema:
    return {"type": ["object"], "properties": properties, "required": sorted({*properties} & {*required})}


STRING, INTEGER, NULL = {"type": ["string"]}, {"type": ["integer"]}, {"type": ["null"]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, NULL),
        (True, {"type": ["boolean"]}),
        (7, INTEGER),
        (7.5, {"type": ["number"]}),
        (float("nan"), {"type": ["number"]}),
        ("secret", STRING),
        ("", STRING),
        ([], {"type": ["array"]}),
        ([1, "a", None], {"type": ["array"], "items": {"type": ["integer", "null", "string"]}}),
        ([[1], []], {"type": ["array"], "items": {"type": ["array"], "items": INTEGER}}),
        ({}, record()),
        ({"id": "5"}, record(["id"], id=STRING)),
        # Enumerations, by field and value
        ({"status": "enabled"}, record(["status"], status={**STRING, "examples": ["enabled"]})),
        ({"status": "Enabled"}, record(["status"], status={**STRING, "examples": ["another"]})),
        ({"status": 5}, record(["status"], status=INTEGER)),
        ({"message": "enabled"}, record(["message"], message=STRING)),
        ({"status": ["enabled"]}, record(["status"], status={"type": ["array"], "items": STRING})),
        ([{"id": 1}, {"port": 1}], {"type": ["array"], "items": record(id=INTEGER, port=INTEGER)}),
        # What is no field, or may be none
        ({"prod snowflake": 1}, {**record(), "additionalProperties": INTEGER}),
        ({"alice": 1, "id": 2}, {**record(["id"], id=INTEGER), "additionalProperties": INTEGER}),
        ({"alice": {"id": 1}, "bob": {}}, {**record(), "additionalProperties": record(id=INTEGER)}),
    ],
    ids=repr,
)
def test_shapes(value: t.Any, expected: shape.Schema) -> None:
    assert described(value) == expected


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        # A name that Immuta does not document needs a second witness.
        ([{"id": 1, "displayName": "x"}], []),
        ([{"id": 1, "displayName": "x"}, {"id": 2, "displayName": "y"}], ["displayName"]),
        ([{"id": 1, "displayName": "x"}, {"id": 2}], []),
        # A map has no field that is documented.
        ([{"alice": 1, "bob": 2}, {"alice": 3, "bob": 4}], []),
        ([{"alice": 1, "id": 2}, {"alice": 3}], []),
        # It occurs as a value, or in one.
        ([{"id": 1, "alice": 2, "createdBy": "Alice"}, {"id": 2, "alice": 3, "createdBy": "x"}], []),
        ([{"id": 1, "alice": 2, "createdBy": "alice@example.com"}, {"id": 2, "alice": 3, "createdBy": "x"}], []),
        # A word in it does; those of documented names don't count.
        ([{"id": 1, "prodRole": 2, "host": "prod.example.com"}, {"id": 2, "prodRole": 3}], []),
        ([{"id": 1, "clientRole": 2, "host": "client.example.com"}, {"id": 2, "clientRole": 3}], ["clientRole"]),
        # It does not look like a field.
        *(
            ([{"id": 1, name: 2}, {"id": 2, name: 3}], [])
            for name in (
                "prod snowflake",
                "PROD",
                "Alice",
                "a",
                "a_b",
                "a-b",
                "user1",
                "naïve",
                "x" * 40,
                "a.b",
                "",
                "aBC",
            )
        ),
    ],
    ids=repr,
)
def test_which_names_are_told(documents: list[t.Any], told: list[str]) -> None:
    assert [name for name in described(*documents)["properties"] if name not in vocabulary.FIELD_NAMES] == told
    # The elements of a list are as good as documents.
    listed = described(documents)["items"]["properties"]
    assert [name for name in listed if name not in vocabulary.FIELD_NAMES] == told


def test_what_is_very_deep_is_not_told() -> None:
    deep: t.Any = "secret"
    for _level in range(900):
        deep = {"child": deep}
    told = json.dumps(described(deep))
    assert told.count("child") == 2 * shape.DEEPEST
    assert "secret" not in told


def test_no_documented_word_is_a_tenants() -> None:
    for name in vocabulary.FIELD_NAMES:
        assert name.replace("_", "").isalpha() and name.isascii(), name
