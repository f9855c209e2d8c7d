# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in Immuta that answers as a real tenant did, by the file that the playbook `community.immuta.probe` has written.

What there is on it, and what becomes of it, is the stand-in's own; each answer is then given the status, the content type,
and the shape of the tenant's, with invented values where the stand-in has none. In a test:

    with ProbedImmuta(json.loads(Path("immuta-probe.json").read_text())) as double:
        ...
"""

from __future__ import annotations

import json
import typing as t
from urllib.parse import unquote

from . import immuta_contract
from .immuta_server import ImmutaDouble
from .immuta_tenant import LOGIN_PAGE, Call, Connection, Integration, Reply, State, Tenant, Variant

Json = dict[str, t.Any]
ANOTHER = "another"
ABSENT = "absent"
# Where a value is missing.
MISSING: t.Any = object()
# What the stand-in's own answer says of these is believed: they change while a test runs.
ALIVE = frozenset({"status", "state", "technology", "type"})
INVENTED: dict[str, t.Any] = {"null": None, "boolean": True, "integer": 1, "number": 1.5, "string": "invented"}
# No name of a field, so that it is not taken for one.
UNTOLD = "an untold name"
ENVELOPES: tuple[t.Literal["hits", "results", "data"], ...] = ("hits", "results", "data")


class Probe:
    """What a tenant has answered."""

    def __init__(self, probe: Json) -> None:
        if (probe.get("file"), probe.get("format")) != ("probe of community.immuta", 1):
            raise ValueError("this is no probe of community.immuta that can be read here")
        self._answers: list[Json] = probe["answers"]

    def answer(self, operation: str, about: str) -> Json | None:
        """The answer to an operation about something."""
        found = (one for one in self._answers if (one["operation"], one["about"]) == (operation, about))
        return next(found, None)

    def good(self, operation: str) -> list[Json]:
        """All good answers to an operation."""
        every = (one for one in self._answers if one["operation"] == operation and one["body"] == "json")
        return [one for one in every if one["status"] is not None and one["status"] < 300]

    def objects(self) -> tuple[str, Json]:
        """The name of the list in the search's good answer, and the shape of that answer; empty if there is none."""
        for one in self.good("searchObjects"):
            properties = one["shape"].get("properties", {})
            return next((name for name in ENVELOPES if name in properties), "list"), one["shape"]
        return "", {}

    def told(self, operation: str, about: str, field: str, otherwise: str) -> str:
        """The value of an enumeration in an answer."""
        shape = (self.answer(operation, about) or {}).get("shape") or {}
        values = shape.get("properties", {}).get(field, {}).get("examples") or [otherwise]
        return str(values[0])


def _examples(items: Json, field: str) -> list[str]:
    return list(items.get("properties", {}).get(field, {}).get("examples", []))


def state_of(probe: Probe, state: State) -> State:
    """Give a state what the tenant has: an integration of each type, a connection of each technology, in each of their states."""
    for one in probe.good("listIntegrations"):
        _have_integrations(probe, state, one["shape"].get("items", {}))
    envelope, shape = probe.objects()
    if envelope:
        objects = shape if envelope == "list" else shape["properties"][envelope]
        _have_connections(probe, state, objects.get("items", {}))
    for connection in state.connections.values():
        if connection.native_integration_id not in state.integrations:
            connection.native_integration_id = None
    return state


def _have_integrations(probe: Probe, state: State, items: Json) -> None:
    types = _examples(items, "type")
    state.integrations = {number: one for number, one in state.integrations.items() if one.type in types}
    there = {one.type for one in state.integrations.values()}
    for number, name in enumerate(sorted({*types} - there), 50):
        state.integrations[number] = Integration(number, name)
    for one in state.integrations.values():
        one.status = probe.told("getIntegration", one.type, "status", one.status)
    seen = {one.status for one in state.integrations.values()}
    for number, status in enumerate(sorted({*_examples(items, "status")} - seen), 90):
        # The probe asks about the first one of a type, and this is none.
        state.integrations[number] = Integration(number, types[0] if types else ANOTHER, status)


def _have_connections(probe: Probe, state: State, items: Json) -> None:
    technologies = _examples(items, "technology")
    state.connections = {key: one for key, one in state.connections.items() if one.technology in technologies}
    there = {one.technology for one in state.connections.values()}
    for name in sorted({*technologies} - there):
        state.connections[f"prod {name}"] = Connection(f"prod {name}", name)
    for one in state.connections.values():
        one.state = probe.told("getObject", one.technology, "state", one.state)
    seen = {one.state for one in state.connections.values()}
    for value in sorted({*_examples(items, "state")} - seen):
        # The probe asks about the first one of a technology, and this is none.
        key = f"zz {value}"
        state.connections[key] = Connection(key, technologies[0] if technologies else ANOTHER, state=value)


def variant_of(probe: Probe) -> Variant:
    """The variant that is the nearest to the tenant."""
    envelope, shape = probe.objects()
    variant = Variant()
    if not envelope:
        return variant
    variant.search_envelope = t.cast(t.Any, envelope)
    objects = shape if envelope == "list" else shape["properties"][envelope]
    properties = objects.get("items", {}).get("properties", {})
    types = properties.get("objectPath", {}).get("type", [])
    if "objectPath" not in properties and "connectionKey" in properties:
        variant.object_path = "key"
    elif "object" in types:
        variant.object_path = "nested"
    elif "string" in types:
        variant.object_path = "string"
    return variant


def mould(values: list[t.Any], shape: Json, field: str = "") -> list[t.Any]:
    """Values that stand at one place, made to fit a shape, and to show all of it as far as there are enough of them.

    :param values: C(MISSING) for one that is to be invented
    """
    types: list[str] = shape.get("type", [])
    if not types or not values:
        return [None for _one in values]
    fitting = [_fit(one, types) for one in values]
    kinds = _spread([_type(one) for one in fitting], types)
    fitting = [one if _type(one) == kind else _convert(one, kind) for one, kind in zip(fitting, kinds)]
    for kind, change in (("string", _texts), ("array", _lists), ("object", _records)):
        places = [number for number, one in enumerate(kinds) if one == kind]
        for number, one in zip(places, change([fitting[number] for number in places], shape, field)):
            fitting[number] = one
    return fitting


def _type(value: t.Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "")


def _fit(value: t.Any, types: list[str]) -> t.Any:
    return value if _type(value) in types else _convert(value, types[-1])


def _convert(value: t.Any, kind: str) -> t.Any:
    """The same in another type, if there is such a thing."""
    if kind == "string" and _type(value) == "integer":
        return str(value)
    if kind == "integer" and _type(value) == "string" and value.isdigit():
        return int(value)
    return {"array": [], "object": {}}.get(kind, INVENTED.get(kind))


def _spread(have: list[t.Any], wanted: list[t.Any]) -> list[t.Any]:
    """What each has, so that each is one that is wanted, and each wanted one is had, the last ones being changed first."""
    found = [one if one in wanted else wanted[0] for one in have]
    for one in wanted:
        if one not in found:
            many = [number for number, other in enumerate(found) if found.count(other) > 1]
            if many:
                found[many[-1]] = one
    return found


def _texts(values: list[str], shape: Json, field: str) -> list[str]:
    examples = shape.get("examples")
    if not examples or field in ALIVE:
        return [examples[0] if examples and one == INVENTED["string"] else one for one in values]
    return _spread(values, examples)


def _lists(values: list[list[t.Any]], shape: Json, _field: str) -> list[list[t.Any]]:
    items = shape.get("items")
    if items is None:
        return [[] for _one in values]
    full = [one or [MISSING, MISSING] for one in values]
    moulded = iter(mould([item for one in full for item in one], items))
    return [[next(moulded) for _item in one] for one in full]


def _records(values: list[Json], shape: Json, _field: str) -> list[Json]:
    found: list[Json] = [{} for _one in values]
    for name, below in shape.get("properties", {}).items():
        having = [number for number, one in enumerate(values) if name in one]
        if name in shape.get("required", []):
            having = list(range(len(values)))
        else:
            having = _some(having, len(values), max(len(below.get("type", [])), len(below.get("examples", []))))
        for number, one in zip(having, mould([values[number].get(name, MISSING) for number in having], below, name)):
            found[number][name] = one
    others = shape.get("additionalProperties")
    if others and found:
        enough = [MISSING] * max(2, len(others.get("type", [])))
        found[0].update({f"{UNTOLD} {number}": one for number, one in enumerate(mould(enough, others))})
    return found


def _some(having: list[int], of: int, enough: int) -> list[int]:
    """Those of several objects that get a field which not all have: as many as it takes to show all of its shape."""
    more = [number for number in range(of) if number not in having]
    return sorted([*having, *more[: max(0, enough - len(having))]][: max(1, of - 1)])


class ProbedImmuta(ImmutaDouble):
    """A stand-in that answers as a tenant did.

    :param probe: what the tenant has answered, as in the file
    :param state: what there may be; what the tenant doesn't have is taken out, and what it has besides is added
    """

    def __init__(self, probe: Json, state: State | None = None, **where: t.Any) -> None:
        self.probe = Probe(probe)
        super().__init__(state_of(self.probe, state or State.example()), variant_of(self.probe), **where)

    def _answer(
        self,
        tenant: Tenant,
        found: tuple[immuta_contract.Operation, dict[str, str]] | None,
        wrong: str,
        asked: immuta_contract.Request,
        authorization: str,
    ) -> Reply:
        body = json.loads(asked.body) if asked.body and not wrong else None
        if found and found[0].name == "searchObjects" and not wrong:
            own = tenant.answer(Call("searchObjects", "", _offset(body), authorization))
            name, about, subject = "searchObjects", self._way(body), ""
        else:
            own = super()._answer(tenant, found, wrong, asked, authorization)
            name, subject = _operation(found, asked)
            about = self._about(name, subject)
        answer = self.probe.answer(name, about)
        # A caller who may not, and a request that is none, are the stand-in's own affair.
        if answer is None or own.status == 401 or (wrong and found):
            return own
        return self._as(answer, own, tenant, name, subject, body)

    def _as(self, answer: Json, own: Reply, tenant: Tenant, name: str, subject: str, asked: t.Any) -> Reply:
        status = answer["status"]
        if answer["body"] == "none":
            return own if status is None else tenant.error(status, "As it was probed")
        content_type = answer["content_type"] or ""
        content_type = "application/octet-stream" if content_type == ANOTHER else content_type
        if answer["body"] != "json":
            body = {"html": LOGIN_PAGE.body, "other": b"invented", "empty": b""}[answer["body"]]
            return Reply(status, body, content_type, outside=True)
        value: t.Any = self._described(name, subject)
        if own.body and (own.status < 300) == (status < 300):
            value = json.loads(own.body) if "json" in own.content_type else own.body.decode()
        (value,) = mould([value], answer["shape"])
        if isinstance(value, dict) and name == "searchObjects" and status < 300:
            _end(value, asked)
        return Reply(status, json.dumps(value).encode(), content_type, outside=True)

    def _described(self, name: str, subject: str) -> Json:
        """What the stand-in knows of something that it doesn't describe."""
        one = self.state.connections.get(subject)
        if one is None or name not in ("getConnection", "getObject"):
            return {}
        return {"connectionKey": one.key, "connection": {"technology": one.technology}, "technology": one.technology}

    def _about(self, name: str, subject: str) -> str:
        """What the probe calls the subject of a request."""
        if name in ("getConnection", "getObject", "searchChildren"):
            one = self.state.connections.get(subject)
            return one.technology if one else ABSENT
        if name in ("getIntegration", "getIntegrationStatus"):
            numbered = self.state.integrations.get(int(subject)) if subject.isdigit() else None
            return numbered.type if numbered else ABSENT
        return "key" if name == "exchangeApiKey" else "all"

    def _way(self, body: t.Any) -> str:
        """What the probe calls a way to search; a next page is asked for in the way that the tenant takes."""
        way = "nothing" if body is None else ", ".join(sorted(body)) or "an empty body"
        if self.probe.answer("searchObjects", way) or not self.probe.good("searchObjects"):
            return way
        return str(self.probe.good("searchObjects")[0]["about"])


def _operation(
    found: tuple[immuta_contract.Operation, dict[str, str]] | None, asked: immuta_contract.Request
) -> tuple[str, str]:
    """The name of an operation, as the probe has it, and its parameter, decoded."""
    if found:
        return found[0].name, unquote(next(iter(found[1].values()), ""))
    parts = [unquote(one) for one in asked.path.strip("/").split("/")]
    if parts[0] == "integrations" and parts[-1] == "status":
        return "getIntegrationStatus", parts[1]
    if parts[:3] == ["data", "object", "search"]:
        return "searchChildren", parts[-1]
    return {"search": "searchJobs", "summary": "summarizeJobs"}.get(parts[-1], ""), ""


def _offset(body: t.Any) -> t.Any:
    """A search that the stand-in takes, for one that the tenant takes."""
    if not isinstance(body, dict):
        return body
    if "nextToken" in body:
        return {"offset": 10**6}
    return {name: value for name, value in body.items() if name in ("size", "offset")}


def _end(page: Json, asked: t.Any) -> None:
    """Have the pages end after the first: the stand-in has few objects."""
    if isinstance(asked, dict) and "nextToken" in asked:
        for one in (page, page.get("meta")):
            if isinstance(one, dict) and "nextToken" in one:
                one["nextToken"] = None
        for name in ENVELOPES:
            if name in page:
                page[name] = []
