# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Holds requests and replies of the stand-in Immuta against the API description beside this file."""

from __future__ import annotations

import functools
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import yaml
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.security.exceptions import SecurityNotFound
from werkzeug.datastructures import Headers, ImmutableMultiDict

DESCRIPTION = Path(__file__).with_name("immuta.openapi.yaml")
WHERE = "http://immuta"
# Immuta documents these, without their answers. Only the probe asks; a tenant that does not know them answers 404.
PROBED = re.compile(r"(?:GET (?:/integrations/[^/]+/status|/jobs/search|/jobs/summary)|POST /data/object/search/[^/]+)")


@dataclass(frozen=True)
class Operation:
    """One operation of the description.

    :ivar path: the path, with one `{placeholder}` for each parameter
    :ivar takes_body: whether a request may have a body
    :ivar query: the parameters that a query may have, and whether each is needed
    :ivar may_be_empty: the statuses that are good without a body although one is described
    :ivar has_body: the statuses, as the description spells them, that come with a body
    """

    name: str
    method: str
    path: str
    effect: str
    takes_body: bool
    query: t.Mapping[str, bool]
    may_be_empty: frozenset[str]
    has_body: frozenset[str]

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a raw path: a placeholder is one segment, as it was percent-encoded."""
        return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


@dataclass(frozen=True)
class Request:
    """A request in the form that openapi-core takes.

    :ivar method: in lower case
    :ivar path: raw, without the query
    :ivar authorization: the header, or an empty string; the description knows no other one
    """

    method: str
    path: str
    query: str
    body: bytes | None
    content_type: str
    authorization: str
    host_url: str = WHERE

    @functools.cached_property
    def parameters(self) -> RequestParameters:
        """Where openapi-core keeps what it finds in the path."""
        return RequestParameters(
            query=ImmutableMultiDict(parse_qsl(self.query, keep_blank_values=True)),
            header=Headers({"Authorization": self.authorization} if self.authorization else {}),
        )


@dataclass(frozen=True)
class Response:
    """A reply in the form that openapi-core takes."""

    status_code: int
    data: bytes | None
    content_type: str

    @property
    def headers(self) -> t.Mapping[str, t.Any]:
        return {}


class Contract:
    """The description, read once: building the validators takes longer than thousands of requests."""

    def __init__(self) -> None:
        described = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
        found = [
            _operation(method.upper(), path, one, described)
            for path, item in described["paths"].items()
            for method, one in item.items()
        ]
        # A path without placeholders wins over one with them.
        self.operations = tuple(sorted(found, key=lambda one: "{" in one.path))
        openapi = OpenAPI.from_dict(described)
        # The same few are sent again and again, and looking one through takes longer than answering it.
        remember = functools.lru_cache(maxsize=256)
        self._request_complaint = remember(functools.partial(_complaint, openapi.validate_request))
        self._response_complaint = remember(functools.partial(_complaint, openapi.validate_response))

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation that a request means, and its parameters, still percent-encoded."""
        for operation in self.operations:
            match = operation.pattern.fullmatch(path)
            if match and operation.method == method:
                return operation, match.groupdict()
        return None

    def methods(self, path: str) -> list[str]:
        """The methods that are described for a raw path. Where one path of the description fits and one with placeholders, too,
        those of the first, as OpenAPI has it."""
        found = [one for one in self.operations if one.pattern.fullmatch(path)]
        return [one.method for one in found if one.path == found[0].path]

    def check_request(self, operation: Operation, request: Request) -> str:
        """What is wrong with a request, or an empty string. Whether it is authorised is not the contract's business."""
        asked = parse_qsl(request.query, keep_blank_values=True)
        if request.query and not operation.query:
            return f"{operation.name} takes no query"
        names = [name for name, _value in asked]
        needed = {name for name, is_needed in operation.query.items() if is_needed}
        if len(set(names)) < len(names) or not needed <= set(names) <= set(operation.query):
            return f"{operation.name} takes the query {', '.join(sorted(operation.query))}"
        if request.body and not operation.takes_body:
            return f"{operation.name} takes no body"
        try:
            (request.body or b"").decode()
        except UnicodeDecodeError:
            return "the body is not UTF-8"
        return self._request_complaint(request)

    def check_response(self, operation: Operation, request: Request, response: Response) -> str:
        """What is wrong with a reply, or an empty string."""
        status = str(response.status_code)
        described = status if status in operation.has_body else f"{status[0]}XX"
        if not response.data and status in operation.may_be_empty:
            return ""
        if response.data and described not in operation.has_body:
            return f"{status} of {operation.name} has no body"
        return self._response_complaint(request, response)


def _operation(method: str, path: str, one: t.Mapping[str, t.Any], described: t.Mapping[str, t.Any]) -> Operation:
    shared = described["components"]["responses"]
    responses = {
        status: shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
        for status, answer in one["responses"].items()
    }
    return Operation(
        one["operationId"],
        method,
        path,
        one["x-effect"],
        takes_body="requestBody" in one,
        query={where["name"]: where["required"] for where in one.get("parameters", []) if where.get("in") == "query"},
        may_be_empty=frozenset(status for status, answer in responses.items() if answer.get("x-may-be-empty")),
        has_body=frozenset(status for status, answer in responses.items() if "content" in answer),
    )


def _complaint(validate: t.Callable[..., object], *what: object) -> str:
    """What openapi-core has against it, or an empty string; that credentials are missing doesn't count."""
    try:
        validate(*what)
    except OpenAPIError as error:
        return "" if isinstance(error.__cause__, SecurityNotFound) else _reason(error)
    return ""


def _reason(error: BaseException) -> str:
    """The innermost reason of openapi-core's error: the schema's own, where there is one."""
    while error.__cause__ is not None and not hasattr(error, "schema_errors"):
        error = error.__cause__
    return "; ".join(one.message for one in getattr(error, "schema_errors", ())) or str(error)


@functools.cache
def contract() -> Contract:
    """The one contract of this process."""
    return Contract()
