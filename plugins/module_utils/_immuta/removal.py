# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removing a connection: decide what it takes, apply it, and see that it is gone."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _pauses
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    connection,
    errors,
    fields,
    integration,
    objects,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json, sleep_or
from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import Connection
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import DELETE_OBJECT, GET_CONNECTION
from ansible_collections.community.immuta.plugins.module_utils._immuta.plan import DELETE, REMOVE, Plan
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply

# How often a DELETE is sent again after its answer was lost and a read has shown that nothing happened.
RESENDS = 2
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1.0, 10.0, 1.5
READS_FIRST = "it first reads what is there, and continues from that."


class WrongObject(errors.ImmutaError):
    """Immuta says that it has deleted something else than the connection."""

    code = "wrong_object"


@dataclasses.dataclass(frozen=True)
class Removal:
    """The result of a removal.

    :ivar deleted_objects: the number of objects that Immuta deleted under the connection; None when it does not say
    :ivar verified: whether a read has shown that the connection is gone
    :ivar integration: the integration as listed afterwards; None when it is gone, when none was linked, and when
        C(integration_known) is false
    :ivar integration_known: false when the integrations can't be read or nothing was waited for
    :ivar problem: why they can't be read
    """

    deleted_objects: int | None
    verified: bool
    integration: integration.Integration | None = None
    integration_known: bool = False
    problem: str = ""


def decide_absent(tenant: str, observed: Connection | None) -> Plan:
    """Return the plan for the absence of a connection. Pure.

    :param tenant: the tenant's URL
    :param observed: the connection, or None when it does not exist
    """
    if observed is None:
        return Plan(tenant, None)
    steps: list[dict[str, t.Any]] = [
        {
            "action": DELETE,
            "target": observed.key,
            "effect": "the connection, every data source below it and the access controls on them are removed",
        }
    ]
    if observed.integration_id is not None:
        steps.append(
            {
                "action": REMOVE,
                "target": observed.integration_id,
                "effect": "Immuta stops governing through it; its clean-up script can't be rendered any more",
            }
        )
    return Plan(tenant, observed, tuple(steps))


class Remover:
    """Carries out the plan to remove a connection.

    :param wait: whether to wait until the connection is gone
    :param wait_timeout: seconds to wait in all, both for a busy connection and for a slow deletion
    :param before: called right before each deletion that is sent; what it raises stops that
    """

    def __init__(
        self,
        client: Client,
        found: Connection,
        *,
        wait: bool,
        wait_timeout: float,
        before: t.Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._before = before
        self._connection = found
        self._wait = wait
        self._end = client.clock() + wait_timeout
        self._wait_timeout = wait_timeout
        self._pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE, GROWTH)
        # Immuta's answer to the deletion: accepted, no such connection, or unknown.
        self._answer: t.Literal["taken", "absent", "lost"] = "lost"

    def remove(self) -> Removal:
        """Delete the connection, wait until it is gone, and look at what became of its integration.

        A connection counts as gone when it answers 404 and either its integration is out of use or the list omits it.

        :raises Busy: Immuta refused the deletion during the whole of C(wait_timeout)
        :raises WrongObject: Immuta deleted something else
        :raises TimedOut: Immuta took the deletion but the connection is still there
        """
        deleted_objects = self._delete()
        if not self._wait:
            return Removal(deleted_objects, verified=False)
        while True:
            if not self._look(self._still_there):
                left, problem = self._integration_afterwards()
                if self._look(self._is_gone, left, problem):
                    return Removal(deleted_objects, True, left, problem is None, str(problem or ""))
            self._sleep_or(
                errors.TimedOut(
                    f"{self._so_far()} but after {self._wait_timeout:g} s the connection"
                    f" {self._connection.key!r} is still there.",
                    hint="Run it again to continue waiting. Raise wait_timeout for large connections.",
                )
            )

    def _so_far(self) -> str:
        return "Immuta accepted the deletion," if self._answer == "taken" else "The connection was not found any more,"

    def _look(self, question: t.Callable[..., bool], *about: t.Any) -> bool:
        try:
            return question(*about)
        except errors.ImmutaError as error:
            error.explain_first(
                f"{self._so_far()} but it could not be checked whether it is gone. Nothing is lost."
                f" Run it again: {READS_FIRST}"
            )
            raise

    def _delete(self) -> int | None:
        """Send the deletion until it is certain that Immuta has it, and return the number of deleted objects."""
        resends = 0
        while True:
            try:
                count = self._count(parse_json(self._call_delete(), DELETE_OBJECT))
            except errors.Busy as busy:
                done = "Nothing was deleted" if not resends else "It is not known whether anything was deleted"
                busy.explain_first(
                    f"{done}. It stayed busy for {self._wait_timeout:g} s; run it again later or raise wait_timeout."
                )
                self._sleep_or(busy)
            except (errors.TransportError, errors.ServerError, errors.NotFound, errors.UnexpectedReply) as lost:
                # Such an answer says nothing about the deletion: only a read can tell.
                self._answer = "absent" if isinstance(lost, errors.NotFound) else "lost"
                if not self._still_there_after(lost):
                    return None
                lost.explain_first(self._not_deleted())
                if resends == RESENDS:
                    raise
                resends += 1
                self._sleep_or(lost)
            else:
                self._answer = "taken"
                return count

    def _not_deleted(self) -> str:
        lacking = f" The owner of the key may lack {DELETE_OBJECT.permission}." if self._answer == "absent" else ""
        return f"The connection is still there.{lacking} Run it again: {READS_FIRST}"

    def _call_delete(self) -> Reply:
        self._before()
        return self._client.call(DELETE_OBJECT, connection_key=self._connection.key)

    def _count(self, body: t.Any) -> int | None:
        if body is None:
            return None
        if not isinstance(body, dict):
            raise errors.UnexpectedReply(
                "Immuta's answer to the deletion is not a JSON object.",
                method=DELETE_OBJECT.method,
                path=DELETE_OBJECT.path,
            )
        key = self._connection.key
        deleted = objects.names(body.get("objectPath", body.get("connectionKey", key)))
        if not all(isinstance(name, str) for name in deleted):
            raise errors.UnexpectedReply(
                "In Immuta's answer to the deletion the field objectPath is not a path.",
                method=DELETE_OBJECT.method,
                path=DELETE_OBJECT.path,
            )
        if deleted != [key]:
            raise WrongObject(
                f"Immuta says that it deleted {fields.shown(deleted)}, but it was asked to delete the"
                f" connection {key!r}.",
                hint="Don't rerun it. Check both in Immuta as an administrator.",
                method=DELETE_OBJECT.method,
                path=DELETE_OBJECT.path,
            )
        return fields.to_number(body.get("childCount"))

    def _still_there(self) -> bool:
        if self._connection.listed_only:
            return self._is_listed()
        reply = self._client.find(GET_CONNECTION, connection_key=self._connection.key)
        if reply is None:
            return False
        connection.from_description(parse_json(reply, GET_CONNECTION), self._connection.key)
        return True

    def _is_listed(self) -> bool:
        return connection.find_in_list(self._client, self._connection.key) is not None

    def _still_there_after(self, lost: errors.ImmutaError) -> bool:
        try:
            return self._still_there()
        except errors.ImmutaError as error:
            lost.hint = (
                f"Nor could it be checked whether the connection was deleted: {error.message.rstrip('.')}."
                f" Nothing is lost. Run it again: {READS_FIRST}"
            )
            raise lost from None

    def _is_gone(self, left: integration.Integration | None, problem: errors.ImmutaError | None) -> bool:
        """Return whether a second witness says that the connection is gone.

        :param left: its integration as listed now, or None
        :param problem: why the integrations can't be read, or None
        """
        if self._connection.integration_id is not None and problem is None and (left is None or not left.in_use):
            return True
        if self._answer == "absent" and isinstance(problem, errors.PermissionDenied):
            # It was there, and nobody says that it was deleted: the key may have lost its permission.
            connection.require_sight(self._client, f"the connection {self._connection.key!r}")
        try:
            return not self._is_listed()
        except errors.PermissionDenied:
            # A data owner may lose the right to list with the last connection.
            if self._answer != "taken":
                raise
            return True

    def _integration_afterwards(self) -> tuple[integration.Integration | None, errors.ImmutaError | None]:
        """Return the integration as listed, once it is settled; or why it can't be read."""
        number = self._connection.integration_id
        if number is None and self._answer == "taken":
            return None, None
        while True:
            try:
                left = next((found for found in integration.list_all(self._client) if found.id == number), None)
            except errors.ImmutaError as problem:
                return None, problem
            if left is None or left.status not in integration.MOVING_STATUSES:
                return left, None
            late = errors.TimedOut(
                f"The connection is not found any more, but after {self._wait_timeout:g} s its integration {number} is"
                f" still {left.status!r}.",
                hint="Run it again later to see what became of it.",
            )
            try:
                self._sleep_or(late)
            except errors.TimedOut:
                with contextlib.suppress(errors.ImmutaError):
                    late.result = {"verified": not self._is_listed()}
                raise

    def _sleep_or(self, late: errors.ImmutaError) -> None:
        sleep_or(self._client, self._end, self._pauses, late)
