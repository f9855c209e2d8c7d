# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of the Immuta REST API that this collection uses, as data.

Source: U(https://documentation.immuta.com/saas/developer-guides/api-intro), connections API and integrations API.
The test suite compares this table with the API description of the stand-in server, both ways.
"""

from __future__ import annotations

import dataclasses
import enum
import typing as t


class Effect(enum.Enum):
    """The effect of a call on the tenant; it decides how to repeat the call and whether check mode allows it."""

    READ = "read"
    RENDER = "render"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"

    @property
    def harmless(self) -> bool:
        """Return whether the call may be repeated blindly, and sent in check mode."""
        return self in (Effect.READ, Effect.RENDER)


# What 409 means: the object is being changed, and it is worth waiting; or there is one already, which waiting won't change.
Conflict = t.Literal["busy", "exists"]
# The parts of the API that can be missing on their own.
Family = t.Literal["auth", "connections", "integrations"]


@dataclasses.dataclass(frozen=True)
class Operation:
    """One operation.

    :ivar name: the C(operationId) in the API description
    :ivar path: the path with its query, if any, and one C({placeholder}) for each parameter
    :ivar permission: what the owner of the key needs, in Immuta's words
    :ivar good: the statuses that mean success
    :ivar takes_body: whether a request has a body
    :ivar optional: the parameters that its query may have
    :ivar conflict: what 409 means for it; has to be given for a creation
    """

    name: str
    method: str
    path: str
    effect: Effect
    family: Family
    permission: str
    good: frozenset[int] = frozenset({200})
    takes_body: bool = False
    conflict: Conflict = "busy"
    optional: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.effect is Effect.CREATE) is not (self.conflict == "exists"):
            raise ValueError(f"{self.name}: 409 can't mean {self.conflict!r} for a {self.effect.value}")


ADMIN = "APPLICATION_ADMIN"
ANY_ADMIN = "APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN"

EXCHANGE_API_KEY = Operation(
    "exchangeApiKey", "POST", "/bim/apikey/authenticate", Effect.READ, "auth", "a valid API key", takes_body=True
)
LIST_INTEGRATIONS = Operation("listIntegrations", "GET", "/integrations", Effect.READ, "integrations", ADMIN)
GET_INTEGRATION = Operation(
    "getIntegration", "GET", "/integrations/{integration_id}", Effect.READ, "integrations", ADMIN
)
RENDER_CLEANUP_SCRIPT = Operation(
    "renderCleanupScript",
    "POST",
    "/integrations/{integration_id}/scripts/delete",
    Effect.RENDER,
    "integrations",
    ADMIN,
    frozenset({200, 201}),
)
REGENERATE_CLEANUP_SCRIPT = Operation(
    "regenerateCleanupScript",
    "POST",
    "/integrations/scripts/cleanup",
    Effect.RENDER,
    "integrations",
    ADMIN,
    frozenset({200, 201}),
    takes_body=True,
)
RENDER_SETUP_SCRIPT = Operation(
    "renderSetupScript",
    "POST",
    "/integrations/scripts/create",
    Effect.RENDER,
    "integrations",
    ADMIN,
    frozenset({200, 201}),
    takes_body=True,
)
RENDER_EDIT_SCRIPT = dataclasses.replace(
    RENDER_SETUP_SCRIPT, name="renderEditScript", path="/integrations/{integration_id}/scripts/edit"
)
GET_CONNECTION = Operation(
    "getConnection", "GET", "/data/connection/{connection_key}", Effect.READ, "connections", ANY_ADMIN
)
SEARCH_OBJECTS = Operation(
    "searchObjects",
    "POST",
    "/data/object/search",
    Effect.READ,
    "connections",
    ANY_ADMIN,
    takes_body=True,
    optional=("size", "offset", "limit", "nextToken"),
)
GET_OBJECT = Operation("getObject", "GET", "/data/object/{connection_key}", Effect.READ, "connections", ANY_ADMIN)
DELETE_OBJECT = Operation(
    "deleteObject",
    "DELETE",
    "/data/object/{connection_key}",
    Effect.DELETE,
    "connections",
    "APPLICATION_ADMIN (newer Immuta), or INFRASTRUCTURE_ADMIN or DATA_OWNER on the connection (older Immuta)",
    frozenset({200, 202, 204}),
)

REGISTER_CONNECTION = Operation(
    "registerConnection",
    "POST",
    "/data/connection",
    Effect.CREATE,
    "connections",
    f"{ADMIN} (newer Immuta), or CREATE_DATA_SOURCE (older Immuta)",
    frozenset({200, 201, 202, 204}),
    takes_body=True,
    conflict="exists",
)
# A dry run, of which only early pages tell.
TEST_CONNECTION = Operation(
    "testConnection",
    "POST",
    "/data/connection/test",
    Effect.READ,
    "connections",
    f"{ADMIN} (newer Immuta), or CREATE_DATA_SOURCE (older Immuta)",
    frozenset({200, 201, 202, 204}),
    takes_body=True,
)
UPDATE_CONNECTION = Operation(
    "updateConnection",
    "PUT",
    "/data/connection/{connection_key}",
    Effect.UPDATE,
    "connections",
    ANY_ADMIN,
    frozenset({200, 201, 202, 204}),
    takes_body=True,
)
UPDATE_SETTINGS = Operation(
    "updateSettings",
    "PUT",
    "/data/settings/{connection_key}",
    Effect.UPDATE,
    "connections",
    ANY_ADMIN,
    frozenset({200, 201, 202, 204}),
    takes_body=True,
)
SYNC_OBJECTS = Operation(
    "syncObjects",
    "POST",
    "/data/crawl/{connection_key}",
    Effect.UPDATE,
    "connections",
    f"{ANY_ADMIN} (newer Immuta), or CREATE_DATA_SOURCE (older Immuta)",
    frozenset({200, 201, 202, 204}),
    takes_body=True,
)
SYNC_OBJECTS_BY_PUT = dataclasses.replace(SYNC_OBJECTS, name="syncObjectsByPut", method="PUT")
LIST_JOBS = Operation("listJobs", "GET", "/jobs?bulkId={bulk_id}", Effect.READ, "connections", ANY_ADMIN)
GET_JOBS = Operation("getJobs", "POST", "/jobs/statuses", Effect.READ, "connections", ANY_ADMIN, takes_body=True)

OPERATIONS: tuple[Operation, ...] = (
    EXCHANGE_API_KEY,
    LIST_INTEGRATIONS,
    GET_INTEGRATION,
    RENDER_CLEANUP_SCRIPT,
    REGENERATE_CLEANUP_SCRIPT,
    RENDER_SETUP_SCRIPT,
    RENDER_EDIT_SCRIPT,
    GET_CONNECTION,
    SEARCH_OBJECTS,
    GET_OBJECT,
    DELETE_OBJECT,
    REGISTER_CONNECTION,
    TEST_CONNECTION,
    UPDATE_CONNECTION,
    UPDATE_SETTINGS,
    SYNC_OBJECTS,
    SYNC_OBJECTS_BY_PUT,
    LIST_JOBS,
    GET_JOBS,
)

# The call that shows whether a part of the API exists: a 404 means "absent" only after it has succeeded.
WITNESS: dict[Family, Operation] = {"connections": SEARCH_OBJECTS, "integrations": LIST_INTEGRATIONS}
