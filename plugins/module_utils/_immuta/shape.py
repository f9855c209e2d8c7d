# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shape of JSON: a schema that tells types and names of fields, and nothing of the values.

A JSON object may be a record, with fields that the API names, or a map, with names that are a tenant's own data. So a name
is let out only if Immuta documents it, or if it can hardly be anything but a field's. The words of a schema, names that were
let out, and documented values of enumerations are all that a schema holds; not one number.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta.vocabulary import FIELD_NAMES, LITERALS

# In the terms of JSON Schema.
Schema = dict[str, t.Any]
# For any value of an enumeration that is not documented.
ANOTHER = "another"
# No answer of the API is as deep. What is below stays untold.
DEEPEST = 30
# As the API writes its names: letters of ASCII, the words run together.
IDENTIFIER = re.compile("[a-z]{2,20}(?:[A-Z][a-z]{1,20}){0,5}")
WORD = re.compile(r"[^\W\d_]+")
PART = re.compile("[A-Z]?[a-z]+")
# The words that documented names are made of.
PARTS = frozenset(part.lower() for name in FIELD_NAMES for part in PART.findall(name))


@dataclasses.dataclass(frozen=True)
class Place:
    """The names of fields that may be shown at one place of some documents.

    :ivar fields: the names that may be told, and what may be told below each
    :ivar others: what may be told below all the other names
    :ivar items: what may be told of the elements of lists
    """

    fields: dict[str, Place] = dataclasses.field(default_factory=dict)
    others: Place | None = None
    items: Place | None = None


def learn(documents: t.Sequence[t.Any], words: t.Container[str]) -> Place:
    """Return which names may be told.

    A name that Immuta does not document is let out if it looks like a field's, is in each of at least two objects at
    its place that also have a documented field, and if neither it nor a word in it occurs in a value.

    :param documents: answers to one operation, each about something else
    :param words: as of C(words_of), of all answers
    """
    return _learn(documents, words, DEEPEST)


def _learn(values: t.Sequence[t.Any], words: t.Container[str], depth: int) -> Place:
    if not depth:
        return Place()
    objects = [one for one in values if isinstance(one, dict)]
    elements = [item for one in values if isinstance(one, list) for item in one]
    names = _tellable(objects, words)
    others = [value for one in objects for name, value in one.items() if name not in names]
    return Place(
        {name: _learn([one[name] for one in objects if name in one], words, depth - 1) for name in names},
        _learn(others, words, depth - 1) if others else None,
        _learn(elements, words, depth - 1) if elements else None,
    )


def _tellable(objects: list[dict[str, t.Any]], words: t.Container[str]) -> set[str]:
    names = {name for one in objects for name in one if name in FIELD_NAMES}
    if len(objects) > 1 and all(one.keys() & FIELD_NAMES for one in objects):
        shared = set.intersection(*(set(one) for one in objects))
        names |= {name for name in shared if IDENTIFIER.fullmatch(name) and not _tells(name, words)}
    return names


def _tells(name: str, words: t.Container[str]) -> bool:
    """Return whether a name, or a word in it that is in no documented name, is a word of a value."""
    return name.lower() in words or any(
        part.lower() in words for part in PART.findall(name) if part.lower() not in PARTS
    )


def words_of(value: t.Any) -> set[str]:
    """Return all texts in a document, and the words in them, in lower case."""
    found: set[str] = set()
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            found |= {one.lower(), *(word.lower() for word in WORD.findall(one))}
        elif isinstance(one, list):
            todo += one
        elif isinstance(one, dict):
            todo += one.values()
    return found


def describe(values: t.Sequence[t.Any], place: Place, field: str = "") -> Schema:
    """Return the schema that fits all values at one place, and tells what C(place) lets out.

    :param field: the name of the field that holds them, for the values of its enumeration
    """
    schema: Schema = {"type": sorted({type_of(one) for one in values})}
    texts = [one for one in values if isinstance(one, str)]
    if texts and field in LITERALS:
        schema["examples"] = sorted({one if one in LITERALS[field] else ANOTHER for one in texts})
    elements = [item for one in values if isinstance(one, list) for item in one]
    if elements and place.items:
        schema["items"] = describe(elements, place.items)
    objects = [one for one in values if isinstance(one, dict)]
    if objects:
        schema.update(_fields(objects, place))
    return schema


def _fields(objects: list[dict[str, t.Any]], place: Place) -> Schema:
    names = sorted({name for one in objects for name in one if name in place.fields})
    schema: Schema = {
        "properties": {
            name: describe([one[name] for one in objects if name in one], place.fields[name], name) for name in names
        },
        "required": [name for name in names if all(name in one for one in objects)],
    }
    others = [value for one in objects for name, value in one.items() if name not in place.fields]
    if others and place.others:
        schema["additionalProperties"] = describe(others, place.others)
    return schema


def type_of(value: t.Any) -> str:
    """Return the name that JSON Schema has for the type of a value."""
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]
