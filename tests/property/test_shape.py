# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of a tenant's answers holds nothing of the tenant, whatever the answers are."""

from __future__ import annotations

import collections
import json
import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.community.immuta.plugins.module_utils._immuta import shape, vocabulary

FIELDS = sorted(vocabulary.FIELD_NAMES)
LITERALS = frozenset().union(*vocabulary.LITERALS.values())
# What looks like a field, and what does not.
KEYS = st.sampled_from([*FIELDS, "alice", "bob", "prodSnowflake", "displayName"]) | st.text(max_size=8)
TEXTS = st.text(max_size=12) | st.sampled_from([*sorted(LITERALS), *FIELDS, "alice", "Bob <bob@example.com>"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=25
)
WORDS = {"type", "examples", "items", "properties", "required", "additionalProperties", shape.ANOTHER}
TYPES = {"null", "boolean", "integer", "number", "string", "array", "object"}


def texts(value: t.Any) -> t.Iterator[str]:
    """Every text in a document, names of fields included. Anything but a text would be a value."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield name
            yield from texts(below)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    else:
        assert isinstance(value, str), value
        yield value


def objects(value: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """All objects in a document."""
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(below)


def told(documents: list[t.Any]) -> list[shape.Schema]:
    words = set().union(*map(shape.words_of, documents))
    place = shape.learn(documents, words)
    return [shape.describe([one], place) for one in documents]


@given(st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_no_value_of_the_input_occurs_in_the_output(documents: list[t.Any]) -> None:
    values = set().union(*map(shape.words_of, documents))
    carriers = collections.Counter(name for one in documents for found in objects(one) for name in found)
    for text in {text for one in told(documents) for text in texts(one)}:
        if text in WORDS | TYPES | vocabulary.FIELD_NAMES | LITERALS:
            continue
        # A name that is not documented: in several objects, like a field, and no word of any value.
        assert carriers[text] > 1
        assert shape.IDENTIFIER.fullmatch(text)
        assert text.lower() not in values


@given(DOCUMENTS, st.lists(KEYS, min_size=1, max_size=4, unique=True))
def test_keys_that_only_one_object_has_are_not_told(below: t.Any, keys: list[str]) -> None:
    (one,) = told([{f"canary{key}": below for key in keys}])
    assert "canary" not in json.dumps(one)


@given(st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_other_values_have_the_same_shape(documents: list[t.Any]) -> None:
    """Nothing but types, names, and enumerations decides."""

    def others(value: t.Any, field: str = "") -> t.Any:
        if isinstance(value, dict):
            return {name: others(below, name) for name, below in value.items()}
        if isinstance(value, list):
            return [others(one) for one in value]
        if isinstance(value, str) and field not in vocabulary.LITERALS:
            # Which words there are decides, too: whether a name is one of them.
            return f"{value} 1"
        return value + 1 if type(value) in (int, float) else value

    assert told(documents) == told(others(documents))
