# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A stand-in Immuta tenant: what there is, who may do what, what each operation does. Knows nothing of sockets.

`State` is what a test sets up and looks at; `Variant` is how the tenant behaves where the documentation leaves it open.
"""

from __future__ import annotations

import functools
import json
import re
import secrets
import time
import typing as t
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import unquote

HERE = Path(__file__).parent
SNOWFLAKE_CLEANUP = HERE / "snowflake_cleanup.sql"
DATABRICKS_CLEANUP = HERE / "databricks_cleanup.sql"
# How a configuration calls the home of an integration, and how the scripts do; secrets keep theirs.
HOMES = {"Snowflake": ("database", "IMMUTA"), "Databricks": ("catalog", "immuta")}
HOME = re.compile(r"(?<!made-by-)(IMMUTA|immuta)")
# What GET /data/connection/{key} describes; connections of other technologies are only listed.
DESCRIBED = frozenset({"Snowflake", "Databricks", "Glue"})

Permission = t.Literal["APPLICATION_ADMIN", "INFRASTRUCTURE_ADMIN", "GOVERNANCE", "CREATE_DATA_SOURCE"]
Afterwards = t.Literal["gone", "deleted", "disabled", "kept"]
Json = dict[str, t.Any]


def script_for(kind: str, purpose: t.Literal["setup", "cleanup"], config: t.Mapping[str, t.Any]) -> str:
    """The script that sets an integration up, or the one that removes just that, with the names of its configuration."""
    home, own = HOMES[kind]
    name = str(config.get(home, own))
    text = (HERE / f"{kind.lower()}_{purpose}.sql").read_text("utf-8")
    return HOME.sub(lambda found: name if found[1] == own else name.lower(), text)


@dataclass
class Integration:
    """One integration.

    :ivar script: the clean-up script; None for a technology that has none
    :ivar tests: with which Immuta has tried it: whether each has passed
    :ivar edit: an edit under way
    """

    id: int
    type: str
    status: str = "enabled"
    auto_bootstrap: bool = False
    config: Json = field(default_factory=dict)
    script: str | None = None
    tests: dict[str, bool] = field(default_factory=lambda: {"Connection": True, "Privileges": True})
    edit: Edit | None = None


@dataclass
class Edit:
    """An edit under way: it shows after so many reads of the integration, and ends after so many more.

    :ivar former: the fields of the connection that it replaces
    :ivar credential: what the connection signs in with once it has ended well
    :ivar config: the fields of the configuration of its integration that are others then
    """

    delay: int
    reads: int
    connection_key: str
    former: Json
    credential: Json
    config: Json


@dataclass
class Registration:
    """A registration under way: the connection shows after so many reads, and the integration is created after so many.

    :ivar integration_id: None when there is to be no integration
    """

    connection: Connection
    delay: int
    reads: int
    integration_id: int | None


@dataclass
class Deletion:
    """A deletion under way: it ends after so many more reads of the connection, and not before `ends_at`.

    :ivar ends_at: on the tenant's clock
    :ivar afterwards: what becomes of the integration then
    """

    reads: int
    ends_at: float
    afterwards: Afterwards


@dataclass
class Connection:
    """One connection.

    :ivar extra: more fields of the `connection` object in its description
    :ivar child_count: how many objects are below it
    :ivar children: the names of some of them, which can be addressed
    :ivar settings: of the connection as an object, by Immuta's names
    :ivar setting: a change of them under way: how many more reads show the former ones, and the new ones
    """

    key: str
    technology: str
    hostname: str | None = None
    port: int | None = None
    native_integration_id: int | None = None
    child_count: int = 0
    children: list[str] = field(default_factory=list)
    state: str = "ACTIVE"
    created_at: str = "2026-01-15T09:30:00.000Z"
    updated_at: str = "2026-01-15T09:30:00.000Z"
    extra: Json = field(default_factory=dict)
    settings: Json = field(
        default_factory=lambda: {"isActive": True, "activateNewChildren": True, "dataOwners": [], "policySync": "auto"}
    )
    setting: tuple[int, Json] | None = None
    deletion: Deletion | None = None


@dataclass
class ApiKey:
    """Whose key it is and what that user may do.

    :ivar owns: keys of the connections on which the user is DATA_OWNER
    """

    name: str
    permissions: set[Permission] = field(default_factory=set)
    owns: set[str] = field(default_factory=set)


@dataclass
class Token:
    """A token that an API key was exchanged for; `expires_at` is on the tenant's clock."""

    api_key: str
    expires_at: float


@dataclass
class State:
    """Everything that there is on the tenant.

    :ivar integrations: by id
    :ivar connections: by key
    :ivar api_keys: by the key itself
    :ivar tokens: by the token itself
    :ivar credentials: what connections sign in with since they were edited, by key; not told to anybody
    :ivar registrations: under way, by the key of the connection
    :ivar jobs: of object syncs: how many more reads each takes, by id
    :ivar setups: the bodies that set-up scripts were asked for with
    :ivar syncs: the object syncs that were started: of which connection, and whether with the option of a registration
    :ivar clock: seconds, as of `time.monotonic`; deletions end and tokens expire by it
    :ivar last_id: of the integrations that were registered here
    """

    integrations: dict[int, Integration] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    credentials: dict[str, Json] = field(default_factory=dict)
    registrations: dict[str, Registration] = field(default_factory=dict)
    jobs: dict[str, int] = field(default_factory=dict)
    setups: list[Json] = field(default_factory=list)
    syncs: list[tuple[str, bool]] = field(default_factory=list)
    clock: t.Callable[[], float] = time.monotonic
    last_id: int = 0

    @classmethod
    def example(cls, connection_key: str = "prod snowflake", api_key: str = "example-api-key") -> State:
        """A tenant with one connection each on Snowflake, Databricks and AWS Lake Formation, and an administrator.

        :param connection_key: the key of the Snowflake connection, whose integration has the id 5
        :param api_key: the administrator's
        """
        account = "example.snowflakecomputing.com"
        workspace = "adb-1234567890123456.7.azuredatabricks.net"
        http_path = "/sql/1.0/warehouses/0123456789abcdef"
        integrations = [
            Integration(
                5,
                "Snowflake",
                config={"host": account, "port": 443, "warehouse": "COMPUTE_WH", "database": "IMMUTA"},
                script=SNOWFLAKE_CLEANUP.read_text("utf-8"),
            ),
            Integration(
                7,
                "Databricks",
                config={"workspaceUrl": f"https://{workspace}", "httpPath": http_path, "catalog": "immuta"},
                script=DATABRICKS_CLEANUP.read_text("utf-8"),
            ),
            Integration(9, "Glue", config={"region": "eu-central-1"}),
        ]
        connections = [
            Connection(
                connection_key,
                "Snowflake",
                account,
                443,
                5,
                child_count=5,
                extra={"warehouse": "COMPUTE_WH", "role": "IMMUTA_SYSTEM", "authenticationType": "keyPair"},
            ),
            Connection(
                "prod databricks",
                "Databricks",
                workspace,
                443,
                7,
                child_count=12,
                extra={"httpPath": http_path, "authenticationType": "oAuthM2M"},
            ),
            Connection("prod lake formation", "Glue", native_integration_id=9, child_count=3),
        ]
        administrator = ApiKey("deployer", {"APPLICATION_ADMIN", "INFRASTRUCTURE_ADMIN", "GOVERNANCE"})
        return cls(
            {one.id: one for one in integrations}, {one.key: one for one in connections}, {api_key: administrator}
        )

    def snapshot(self) -> Json:
        """Everything that can be told, as JSON types, without a credential and without the scripts."""
        return {
            "integrations": [
                {name: value for name, value in asdict(one).items() if name != "script"}
                for _id, one in sorted(self.integrations.items())
            ],
            "connections": [asdict(one) for _key, one in sorted(self.connections.items())],
            "api_keys": [
                {"name": one.name, "permissions": sorted(one.permissions), "owns": sorted(one.owns)}
                for one in self.api_keys.values()
            ],
            "tokens": len(self.tokens),
        }

    def redact(self, text: str) -> str:
        """The text without any API key or token."""
        for secret in (*self.api_keys, *self.tokens):
            text = text.replace(secret, "***")
        return text

    def settle(self) -> None:
        """End the deletions whose time has come."""
        for key, one in list(self.connections.items()):
            ending = one.deletion
            if ending and ending.reads <= 0 and self.clock() >= ending.ends_at:
                del self.connections[key]
                integration = self.integration_of(one)
                if integration is None:
                    continue
                if ending.afterwards == "gone":
                    del self.integrations[integration.id]
                else:
                    integration.status = "enabled" if ending.afterwards == "kept" else ending.afterwards

    def integration_of(self, connection: Connection) -> Integration | None:
        """The integration behind a connection."""
        number = connection.native_integration_id
        return None if number is None else self.integrations.get(number)


# How many objects a page of a search has that does not say how many.
DEFAULT_PAGE = 10


@dataclass
class Variant:
    """How the tenant behaves where the documentation is silent, contradicts itself, or differs between versions.

    The defaults are what is documented, or likeliest. A value that a field does not know is refused, and so is a field
    that is not here, also when it is set later.

    :ivar script_content: `empty`, `html`, `error`, and `prose` are not Immuta's answers but what goes wrong
    :ivar cleanup_request: the only body that a script is regenerated for: what a set-up script is asked for with, that with the id
        of the integration, or what a connection is registered with; none at all; or there is no such operation
    :ivar setup_secret: whether each set-up script has another password
    :ivar setup_form: `pair` is what could be run in halves
    :ivar deletion_reads: how many more reads find a connection that was deleted
    :ivar deletion_seconds: how long it is found at least
    :ivar connections_enabled: without it everything below /data/ is 404
    :ivar login_page: every path is answered with 200 and HTML
    :ivar wrong_prefix: every path is answered with 404
    :ivar search_request: the only body that the object search takes: `size` and `offset`, none or an empty one, `limit` and
        `offset`, or `limit` and a cursor; or the same in its query, with pages of ten where that does not say
    :ivar search_unknown: what becomes of a field of the search that this server does not know
    :ivar search_count: of what the search tells the number: of all objects, of those on the page, or of nothing
    :ivar object_path: how the path of an object is written; `key` is not documented, but would be enough for a connection
    :ivar slash: what an encoded slash in the path of an object is: a part of the name, or the end of it; or it is refused
    :ivar described_status: the status for a connection of a technology that is not described by key
    :ivar described_host: how the description of a connection calls its host
    :ivar technology_case: how technologies are written
    :ivar search_page_cap: the longest page of the object search, whatever was asked for; None for no bound
    :ivar update_request: the only body that an edit of a connection takes
    :ivar update_effect: whether the fields of an edit take the place of all, are added to them, or are ignored
    :ivar update_outcome: what comes of an edit: it is tried and works; it is tried and put back; it is refused with 422; it is
        taken, and the integration fails with the copy that it has
    :ivar update_integration: whether the integration of a connection that is edited gets the fields that it has in common with it
    :ivar update_delay: how many reads of the integration still find it as it was
    :ivar update_reads: how many more find it being edited
    :ivar register_reply: what the answer to a registration is
    :ivar register_outcome: what comes of one: it works; it is refused with 422; the integration can't be created, and there is no
        connection, or there is one; there is a connection without an integration, unhealthy or inactive; the integration fails
    :ivar register_delay: how many reads don't find the connection yet
    :ivar register_reads: how many reads find the integration being created
    :ivar register_existing: what comes of the registration of a key that is there: a status, or an update
    :ivar register_host: whether one integration is allowed on a host, or in a database or catalog
    :ivar register_keys: which keys a new connection may have: any, or none with a period or a slash, and none that is reserved
    :ivar test_effect: whether a test leaves the integration that it has made
    :ivar test_reply: what the test of a registration answers; `key`: the path is taken for that of a connection
    :ivar updated_at: whether a connection tells when it was changed
    :ivar validation: what an integration tells of its tests
    :ivar settings_request: the only body that a change of settings takes
    :ivar settings_effect: whether the others stay as they are, or are as if they had never been set
    :ivar settings_shown: how an object shows a setting: as an object with its value, bare, as nothing if it is inherited, or not at all
    :ivar settings_reads: how many reads still show the former settings
    :ivar people: how users and groups are shown, however they were given
    :ivar sync_request: the body that an object sync takes: none, an empty one, or either
    :ivar sync_force: in which form it takes the option of a registration
    :ivar sync_method: by which method
    :ivar sync_reply: in which form it tells of its jobs
    :ivar jobs_container: what jobs are told in; `absent`: this version has no list of jobs
    :ivar sync_outcome: the state in which its jobs end
    :ivar sync_reads: how many reads find a job active
    :ivar permission_rules: who may delete; `older`: INFRASTRUCTURE_ADMIN or DATA_OWNER, `newer`: APPLICATION_ADMIN
    :ivar unauthenticated: the status for a key or token that is missing, wrong or expired
    :ivar missing_permission: the status when one object may not be read
    :ivar token_lifetime: seconds that an exchanged token is good for
    """

    id_type: t.Literal["number", "string"] = "number"
    script_form: t.Literal["string", "script", "sql", "text"] = "string"
    script_status: t.Literal[200, 201] = 200
    script_content: t.Literal["rendered", "empty", "html", "error", "prose"] = "rendered"
    cleanup_request: t.Literal["create", "with_id", "registration", "refused", "absent"] = "create"
    setup_secret: t.Literal["same", "other"] = "other"
    setup_form: t.Literal["whole", "pair"] = "whole"
    delete_reply: t.Literal["object_path", "connection_key", "empty_200", "empty_202", "empty_204"] = "object_path"
    integration_afterwards: Afterwards = "gone"
    deletion_reads: int = 0
    deletion_seconds: float = 0.0
    connections_enabled: bool = True
    login_page: bool = False
    wrong_prefix: bool = False
    native_integration_id: t.Literal["present", "null", "absent"] = "present"
    search_envelope: t.Literal["list", "hits", "results", "data"] = "hits"
    search_paging: t.Literal["honoured", "ignored"] = "honoured"
    search_request: t.Literal["size", "empty", "limit", "cursor", "query_size", "query_limit", "query_cursor"] = "size"
    search_unknown: t.Literal["refused", "ignored"] = "refused"
    search_count: t.Literal["all", "page", "nothing"] = "all"
    object_path: t.Literal["array", "string", "nested", "key"] = "array"
    slash: t.Literal["kept", "decoded", "refused"] = "kept"
    described_status: t.Literal[400, 404] = 404
    described_host: t.Literal["hostname", "host"] = "hostname"
    technology_case: t.Literal["documented", "lower", "upper"] = "documented"
    search_page_cap: int | None = None
    update_request: t.Literal["connection", "with_integration", "bare"] = "connection"
    update_effect: t.Literal["replaced", "merged", "ignored"] = "replaced"
    update_reply: t.Literal["object", "job", "empty_200", "empty_202", "empty_204"] = "object"
    update_outcome: t.Literal["works", "rolled_back", "refused", "recurring"] = "works"
    update_integration: t.Literal["follows", "stays"] = "follows"
    update_delay: int = 0
    update_reads: int = 0
    register_reply: t.Literal[
        "object_path", "described", "jobs", "list", "integration", "empty_200", "empty_201", "empty_202", "empty_204"
    ] = "object_path"
    register_outcome: t.Literal["works", "refused", "create_error", "broken", "alone", "inactive", "failing"] = "works"
    register_delay: int = 0
    register_reads: int = 0
    register_existing: t.Literal[409, 400, 422, 200] = 409
    register_host: t.Literal["host", "place"] = "host"
    register_keys: t.Literal["any", "newer"] = "any"
    test_effect: t.Literal["nothing", "integration"] = "nothing"
    test_reply: t.Literal["results", "boolean", "list", "empty", "absent", "not_allowed", "key"] = "results"
    updated_at: t.Literal["present", "absent"] = "present"
    validation: t.Literal["tests", "status", "absent"] = "tests"
    settings_request: t.Literal["wrapped", "bare"] = "wrapped"
    settings_effect: t.Literal["merged", "replaced"] = "merged"
    settings_reply: t.Literal["object", "job", "empty_200", "empty_202", "empty_204"] = "object"
    settings_shown: t.Literal["value", "bare", "null", "absent"] = "value"
    settings_reads: int = 0
    people: t.Literal["as_given", "objects", "ids"] = "as_given"
    sync_request: t.Literal["any", "none", "empty"] = "any"
    sync_force: t.Literal["any", "options", "bare", "refused"] = "any"
    sync_method: t.Literal["any", "post", "put"] = "any"
    sync_reply: t.Literal["bulk", "jobs", "list", "ids", "empty"] = "bulk"
    jobs_container: t.Literal["list", "jobs", "keyed", "absent"] = "list"
    sync_outcome: t.Literal["completed", "failed", "expired", "cancelled"] = "completed"
    sync_reads: int = 0
    permission_rules: t.Literal["older", "newer"] = "newer"
    unauthenticated: t.Literal[401, 500] = 401
    missing_permission: t.Literal[403, 404] = 403
    error_body: t.Literal["message", "error", "text"] = "message"
    not_found_case: t.Literal["documented", "lower"] = "documented"
    token_lifetime: float = 3600.0

    def __setattr__(self, name: str, value: t.Any) -> None:
        known = _fields_of_variant()
        if name not in known:
            raise AttributeError(f"there is no variant {name!r}")
        if known[name] and value not in known[name]:
            raise ValueError(f"{name} is {value!r}, not one of {', '.join(map(repr, known[name]))}")
        super().__setattr__(name, value)


@functools.cache
def _fields_of_variant() -> dict[str, tuple[t.Any, ...]]:
    """The fields, and the values that each can have; empty for numbers."""
    return {
        name: (False, True) if hint is bool else t.get_args(hint) if t.get_origin(hint) is t.Literal else ()
        for name, hint in t.get_type_hints(Variant).items()
    }


@dataclass(frozen=True)
class Call:
    """A request that keeps the contract.

    :ivar parameter: the one path parameter, still percent-encoded; empty when the operation has none
    :ivar body: the JSON
    :ivar authorization: the header; empty when there was none
    :ivar query: its parameters
    """

    operation: str
    parameter: str
    body: t.Any
    authorization: str
    query: t.Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """An answer.

    :ivar outside: deliberately not what the description allows
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: t.Mapping[str, str] = field(default_factory=dict)
    outside: bool = False


LOGIN_PAGE = Reply(
    200,
    b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form>Sign in to continue</form></body></html>\n",
    "text/html; charset=utf-8",
    outside=True,
)


class Refusal(Exception):
    """An operation is not done; ends as a reply with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Tenant:
    """What Immuta does, on a state and in a variant. Not thread-safe."""

    state: State
    variant: Variant

    def misled(self, path: str) -> Reply | None:
        """The answer when this is no Immuta, or not one with this API; else None."""
        if self.variant.login_page:
            return LOGIN_PAGE
        if self.variant.wrong_prefix or (path.startswith("/data/") and not self.variant.connections_enabled):
            return self.error(404, "Not Found")
        return None

    def error(self, status: int, message: str, headers: t.Mapping[str, str] | None = None) -> Reply:
        """An error in the variant's form."""
        if self.variant.error_body == "text":
            return Reply(status, message.encode(), "text/plain; charset=utf-8", headers or {})
        return Reply(status, json.dumps({self.variant.error_body: message}).encode(), headers=headers or {})

    def answer(self, call: Call) -> Reply:
        """Do what is asked."""
        self.state.settle()
        try:
            caller = None if call.operation == "exchangeApiKey" else self._caller(call.authorization)
            return self.operations[call.operation](call, caller or ApiKey("nobody"))
        except Refusal as refusal:
            return self.error(refusal.status, refusal.message)

    @property
    def operations(self) -> dict[str, t.Callable[[Call, ApiKey], Reply]]:
        """What does each operation, by its name."""
        return {
            "exchangeApiKey": self._exchange_api_key,
            "listIntegrations": self._list_integrations,
            "getIntegration": self._get_integration,
            "renderCleanupScript": self._render_cleanup_script,
            "regenerateCleanupScript": self._regenerate_cleanup_script,
            "getConnection": self._get_connection,
            "searchObjects": self._search_objects,
            "getObject": self._get_object,
            "deleteObject": self._delete_object,
        }

    # Who asks

    def _caller(self, authorization: str) -> ApiKey:
        scheme, _blank, secret = authorization.rpartition(" ")
        now = self.state.clock()
        if scheme in ("", "Bearer") and secret in self.state.api_keys:
            return self.state.api_keys[secret]
        token = self.state.tokens.get(secret) if scheme == "Bearer" else None
        if token is None or now >= token.expires_at or token.api_key not in self.state.api_keys:
            raise self._unauthenticated()
        return self.state.api_keys[token.api_key]

    def _unauthenticated(self) -> Refusal:
        status = self.variant.unauthenticated
        return Refusal(status, "Invalid authentication" if status == 401 else "An internal server error occurred")

    def _exchange_api_key(self, call: Call, _caller: ApiKey) -> Reply:
        api_key = call.body["apikey"]
        if api_key not in self.state.api_keys:
            raise self._unauthenticated()
        token = secrets.token_urlsafe(32)
        self.state.tokens[token] = Token(api_key, self.state.clock() + self.variant.token_lifetime)
        return _json({"token": token})

    @staticmethod
    def _require(allowed: bool, status: int = 403, message: str = "Insufficient permissions") -> None:
        if not allowed:
            raise Refusal(status, message)

    # Integrations

    def _list_integrations(self, _call: Call, caller: ApiKey) -> Reply:
        self._require("APPLICATION_ADMIN" in caller.permissions)
        return _json([self._described_integration(one) for _id, one in sorted(self.state.integrations.items())])

    def _get_integration(self, call: Call, caller: ApiKey) -> Reply:
        self._require_readable("APPLICATION_ADMIN" in caller.permissions, self._no_integration(call))
        return _json(self._described_integration(self._integration(call)))

    def _render_cleanup_script(self, call: Call, caller: ApiKey) -> Reply:
        self._require("APPLICATION_ADMIN" in caller.permissions)
        one = self._integration(call)
        if one.script is None:
            raise Refusal(400, f"Scripts are not available for {one.type} integrations.")
        if one.status == "deleting":
            raise Refusal(409, f"Unable to render scripts for integration with ID {one.id} in current state deleting.")
        if one.status in ("deleted", "disabled"):
            raise Refusal(400, f"The integration with ID {one.id} is {one.status}.")
        return self._script(one.script)

    def _regenerate_cleanup_script(self, call: Call, caller: ApiKey) -> Reply:
        self._require("APPLICATION_ADMIN" in caller.permissions)
        self._require(self.variant.cleanup_request != "absent", 404, "Not Found")
        kind = "with_id" if "id" in call.body else "registration" if "unityCatalog" in call.body else "create"
        self._require(kind == self.variant.cleanup_request, 400, "Invalid request payload input")
        kind, config = call.body["type"], call.body["config"]
        home, _own = HOMES[kind]
        self._require(home in config, 400, f"{home} is required")
        return self._script(f"-- Regenerated from a configuration.\n{script_for(kind, 'cleanup', config)}")

    def _script(self, rendered: str) -> Reply:
        """A script in the variant's form, or what goes wrong instead."""
        if self.variant.script_content == "html":
            return LOGIN_PAGE
        if self.variant.script_content == "error":
            return _json({"statusCode": 500, "error": "Internal Server Error"}, outside=True)
        if self.variant.script_content == "prose":
            return Reply(200, b"Sorry, something went wrong.", "text/plain", outside=True)
        script = rendered if self.variant.script_content == "rendered" else ""
        status, outside = self.variant.script_status, not script
        if self.variant.script_form == "text":
            return Reply(status, script.encode(), "text/plain; charset=utf-8", outside=outside)
        body = script if self.variant.script_form == "string" else {self.variant.script_form: script}
        return _json(body, status, outside=outside)

    def _integration(self, call: Call) -> Integration:
        one = self.state.integrations.get(int(call.parameter))
        if one is None:
            raise Refusal(404, self._no_integration(call))
        return one

    def _no_integration(self, call: Call) -> str:
        return self._cased(f"No Integration found with ID {int(call.parameter)}.")

    def _described_integration(self, one: Integration) -> Json:
        return {
            "id": str(one.id) if self.variant.id_type == "string" else one.id,
            "type": one.type,
            "status": one.status,
            "autoBootstrap": one.auto_bootstrap,
            "config": one.config,
            "validationResults": self._validation(one),
        }

    def _validation(self, one: Integration) -> Json:
        if self.variant.validation == "absent":
            return {}
        told: Json = {"status": "passed" if all(one.tests.values()) else "failed"}
        if self.variant.validation == "tests":
            told["validationTests"] = [
                {
                    "name": name,
                    "status": "passed" if passed else "failed",
                    "message": "" if passed else "It can't sign in.",
                }
                for name, passed in one.tests.items()
            ]
        return told

    # Connections

    def _get_connection(self, call: Call, caller: ApiKey) -> Reply:
        key = unquote(call.parameter)
        one = self.state.connections.get(key)
        self._require_readable(self._may_read(caller, key), self._no_connection(key))
        if one is None:
            raise Refusal(404, self._no_connection(key))
        if one.technology not in DESCRIBED:
            raise Refusal(self.variant.described_status, self._no_connection(key))
        _count_read(one)
        about = {
            "technology": self._written(one.technology),
            self.variant.described_host: one.hostname,
            "port": one.port,
            **one.extra,
        }
        body: Json = {
            "connectionKey": one.key,
            "connection": {name: value for name, value in about.items() if value is not None},
            "state": one.state,
            "createdAt": one.created_at,
        }
        if self.variant.updated_at == "present":
            body["updatedAt"] = one.updated_at
        if self.variant.native_integration_id != "absent":
            linked = self.variant.native_integration_id == "present"
            body["nativeIntegrationId"] = one.native_integration_id if linked else None
        return _json(body)

    def _search_objects(self, call: Call, caller: ApiKey) -> Reply:
        body = self._searched(call)
        way = self.variant.search_request.rpartition("_")[2]
        found = [one for key, one in sorted(self.state.connections.items()) if self._may_read(caller, key)]
        self._require(bool(found) or self._may_read_all(caller))
        count = len(found)
        total: Json = {}
        cap = self.variant.search_page_cap
        if way != self.variant.search_request and not body.keys() & {"size", "limit"}:
            cap = min(cap or DEFAULT_PAGE, DEFAULT_PAGE)
        if way == "empty":
            found = found[:cap]
        elif self.variant.search_paging == "honoured":
            # 1.0 is an integer, too, by the rules of JSON Schema.
            offset = int(body.get("nextToken") or body.get("offset", 0))
            bounds = (body.get("size"), body.get("limit"), cap)
            size = int(min([count, *(bound for bound in bounds if bound is not None)]))
            found = found[offset : offset + size]
            if way == "cursor":
                ended = offset + len(found) >= count
                total = {"meta": {"nextToken": None if ended else str(offset + len(found))}}
        objects = []
        for one in found:
            _count_read(one)
            objects.append(self._object([one.key], one))
        if self.variant.search_count != "nothing":
            total["count"] = count if self.variant.search_count == "all" else len(objects)
        envelope = self.variant.search_envelope
        if envelope == "list" and way != "cursor":
            return _json(objects)
        return _json({"data" if envelope == "list" else envelope: objects, **total})

    def _searched(self, call: Call) -> Json:
        """The fields that the variant knows; any other is refused, or passed over."""
        by_query = self.variant.search_request.startswith("query_")
        way = self.variant.search_request.rpartition("_")[2]
        knows: dict[str, set[str]] = {
            "size": {"size", "offset"},
            "empty": set(),
            "limit": {"limit", "offset"},
            "cursor": {"limit", "nextToken"},
        }
        query: Json = {name: value if name == "nextToken" else int(value) for name, value in call.query.items()}
        body, other = (query, call.body or {}) if by_query else (call.body or {}, query)
        needed = not by_query and ((way == "cursor" and not body) or (way == "limit" and "limit" not in body))
        known = {name: value for name, value in body.items() if name in knows[way]}
        refused = self.variant.search_unknown == "refused" and (len(known) < len(body) or bool(other))
        token = known.get("nextToken", "0")
        if needed or refused or not (token.isascii() and token.isdigit()):
            raise Refusal(400, "Invalid request payload input")
        return known

    def _object(self, path: list[str], one: Connection) -> Json:
        about: Json = {"technology": self._written(one.technology), "state": one.state, **self._shown_settings(one)}
        form = self.variant.object_path
        if form == "key" and len(path) == 1:
            return {"connectionKey": path[0], **about}
        if form == "string":
            return {"objectPath": "/".join(path), **about}
        if form == "nested":
            nested: Json | None = None
            for name in reversed(path):
                nested = {"name": name, "child": nested}
            return {"objectPath": nested, **about}
        return {"objectPath": path, **about}

    def _written(self, technology: str) -> str:
        case = self.variant.technology_case
        return technology if case == "documented" else technology.lower() if case == "lower" else technology.upper()

    def _shown_settings(self, one: Connection) -> Json:
        if self.variant.settings_shown == "absent":
            return {}
        settings = dict(one.settings)
        if self.variant.people != "as_given":
            people = [who if isinstance(who, dict) else {"type": "user", "id": who} for who in settings["dataOwners"]]
            settings["dataOwners"] = people if self.variant.people == "objects" else [who["id"] for who in people]
        if self.variant.settings_shown == "null":
            settings = {name: value or None for name, value in settings.items()}
        if self.variant.settings_shown == "value":
            settings = {
                name: {"value": value, "hasDescendantsWithOverrides": False} for name, value in settings.items()
            }
        return {"settings": settings, "overrides": {}}

    def _addressed(self, call: Call) -> list[str]:
        """The path that an encoded path means to this server."""
        path = unquote(call.parameter)
        if self.variant.slash == "refused" and "/" in path:
            raise Refusal(404, "Not Found")
        return [part for part in path.split("/") if part] if self.variant.slash == "decoded" else [path]

    def _existing(self, path: list[str]) -> Connection:
        """The connection of an object that is there."""
        one = self.state.connections.get(path[0]) if path else None
        if one is None or path[1:] not in [[], *([child] for child in one.children)]:
            raise Refusal(404, self._no_connection("/".join(path)))
        return one

    def _get_object(self, call: Call, caller: ApiKey) -> Reply:
        path = self._addressed(call)
        self._require_readable(self._may_read(caller, path[0] if path else ""), self._no_connection("/".join(path)))
        one = self._existing(path)
        _count_read(one)
        return _json(self._object(path, one))

    def _delete_object(self, call: Call, caller: ApiKey) -> Reply:
        path = self._addressed(call)
        key = path[0] if path else ""
        owns = key in caller.owns
        if self.variant.permission_rules == "newer":
            self._require("APPLICATION_ADMIN" in caller.permissions)
        else:
            self._require(owns or "INFRASTRUCTURE_ADMIN" in caller.permissions)
        one = self._existing(path)
        if path[1:]:
            one.children.remove(path[1])
            return _json({"objectPath": path, "childCount": 0})
        if one.deletion is not None:
            raise Refusal(409, f"Unable to delete connection {key} in current state deleting.")
        ends_at = self.state.clock() + self.variant.deletion_seconds
        one.deletion = Deletion(self.variant.deletion_reads, ends_at, self.variant.integration_afterwards)
        integration = self.state.integration_of(one)
        if integration is not None:
            integration.status = "deleting"
        self.state.settle()
        if self.variant.delete_reply == "object_path":
            return _json({"objectPath": [key], "childCount": one.child_count})
        if self.variant.delete_reply == "connection_key":
            return _json({"connectionKey": key, "childCount": one.child_count})
        return Reply({"empty_200": 200, "empty_202": 202, "empty_204": 204}[self.variant.delete_reply])

    def _may_read(self, caller: ApiKey, key: str) -> bool:
        return key in caller.owns or self._may_read_all(caller)

    @staticmethod
    def _may_read_all(caller: ApiKey) -> bool:
        return bool(caller.permissions & {"APPLICATION_ADMIN", "INFRASTRUCTURE_ADMIN", "GOVERNANCE"})

    def _require_readable(self, allowed: bool, absent: str) -> None:
        if self.variant.missing_permission == 404:
            self._require(allowed, 404, absent)
        self._require(allowed)

    def _no_connection(self, key: str) -> str:
        return self._cased(f"No Connection found with key {key}.")

    def _cased(self, message: str) -> str:
        return message if self.variant.not_found_case == "documented" else message.lower()


def _json(body: t.Any, status: int = 200, *, outside: bool = False) -> Reply:
    return Reply(status, json.dumps(body).encode(), outside=outside)


def _count_read(one: Connection) -> None:
    if one.deletion is not None:
        one.deletion.reads -= 1
