# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections: observe one, decide what its removal takes, apply it, and see that it is gone."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import hashlib
import json
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, integration, options
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    ADMIN,
    DELETE_OBJECT,
    GET_CONNECTION,
    SEARCH_OBJECTS,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply
from ansible_collections.community.immuta.plugins.module_utils._task import Context, Outcome

PAGE_SIZE = 200
# A server that says how many objects there are is taken at its word on a page that is shorter than this; else the next
# page is asked for, since pages may be capped and the number may be that of one page.
SMALLEST_CAP = 10
ENVELOPES = ("hits", "results", "data", "objects", "items")
COUNTS = ("count", "total")
# Technologies whose clean-up is not done by a script.
WITHOUT_SCRIPT = frozenset({"glue"})
# How often a DELETE is sent again after its answer was lost and a read has shown that nothing happened.
RESENDS = 2
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0


@dataclasses.dataclass(frozen=True)
class Connection:
    """One connection. C(key) is its name in the UI and never changed by us, not even its case.

    :ivar integration_id: None when Immuta does not say
    """

    key: str
    technology: str
    hostname: str | None = None
    port: int | None = None
    state: str | None = None
    integration_id: int | None = None
    listed_only: bool = False

    def as_dict(self) -> dict[str, t.Any]:
        """For a module's result."""
        fields = dataclasses.asdict(self)
        del fields["listed_only"]
        return fields


@dataclasses.dataclass(frozen=True)
class Plan:
    """What has to be done, in order. Nothing else is ever done, and C(changed), diff and digest come from here.

    :ivar digest: the same for the same connection and the same steps; pin it to run just what was approved
    """

    tenant: str
    connection: Connection | None
    steps: tuple[dict[str, t.Any], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.steps)

    @property
    def digest(self) -> str:
        """sha256 over everything that matters, in a canonical form."""
        one = self.connection
        subject = {
            "tenant": self.tenant,
            "connection": [one.key, one.technology, one.hostname, one.port, one.integration_id] if one else None,
            "steps": self.steps,
        }
        return hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()

    def as_dict(self) -> dict[str, t.Any]:
        """For a module's result."""
        return {"steps": list(self.steps), "irreversible": self.changed, "digest": self.digest}


@dataclasses.dataclass(frozen=True)
class Removal:
    """What came of a removal.

    :ivar deleted_objects: how many objects Immuta says it has deleted under the connection; None when it does not say
    :ivar verified: whether a read has shown that the connection is gone
    :ivar integration: the integration as it is listed afterwards; None when it is gone, when none was linked, and
        when C(integration_known) is false
    :ivar integration_known: false when the integrations can't be read or nothing was waited for
    :ivar problem: why they can't be read
    """

    deleted_objects: int | None
    verified: bool
    integration: integration.Integration | None = None
    integration_known: bool = False
    problem: str = ""


def technology_has_script(technology: str) -> bool:
    """Whether Immuta can render a clean-up script for it. AWS Lake Formation (C(Glue)) has none."""
    return technology.lower() not in WITHOUT_SCRIPT


def get(client: Client, key: str) -> Connection | None:
    """A connection by its key, or None when it does not exist. Finds those of every technology.

    :raises ImmutaError: as C(look_up)
    """
    return look_up(client, key)[0]


def look_up(
    client: Client, key: str, *, listed_first: bool = False
) -> tuple[Connection | None, list[integration.Integration]]:
    """A connection by its key; or None and the tenant's integrations, which go to prove that it does not exist.

    Immuta describes only some technologies by key; its list has all of them. A list without the key is believed only
    from an API key that may read everything.

    :param listed_first: look into the list first, which is shorter where no such connection is expected
    :raises ApiMissing: nothing can be said about any connection
    :raises PermissionDenied: the API key may not see it, so nothing can be said about this one
    """
    listed = _listed(client, key) if listed_first else None
    if listed or not listed_first:
        try:
            return _from_description(
                parse_json(client.call(GET_CONNECTION, connection_key=key), GET_CONNECTION), key
            ), []
        except errors.NotFound:
            listed = listed or _listed(client, key)
    if listed:
        return listed, []
    return None, require_sight(client, f"the connection {key!r}")


def _listed(client: Client, key: str) -> Connection | None:
    return next((one for one in list_all(client) if one.key == key), None)


def require_sight(client: Client, what: str) -> list[integration.Integration]:
    """Refuse to take for absent what the API key may just not see.

    Immuta leaves out of its answers what a key may not read. Who may read integrations may read every connection.

    :param what: what Immuta does not show
    :returns: the tenant's integrations
    :raises PermissionDenied: the key may not read them
    """
    try:
        return integration.list_all(client)
    except errors.PermissionDenied as denied:
        raise errors.PermissionDenied(
            f"Immuta does not show {what} to this API key, which may not see everything: nothing can be said about what"
            " exists.",
            hint=f"Use a key whose owner has {ADMIN}.",
            **denied.details,
        ) from None


def _from_description(body: t.Any, key: str) -> Connection:
    if not isinstance(body, dict) or "connectionKey" not in body:
        raise errors.UnexpectedReply(
            "Immuta's answer describes no connection.",
            method=GET_CONNECTION.method,
            path=GET_CONNECTION.path,
        )
    if body["connectionKey"] != key:
        raise errors.UnexpectedReply(
            f"Immuta answers with the connection {body['connectionKey']!r} when asked for {key!r}.",
            hint="Use the key as Immuta spells it; its case matters.",
            method=GET_CONNECTION.method,
            path=GET_CONNECTION.path,
        )
    about = body.get("connection")
    about = about if isinstance(about, dict) else {}
    return Connection(
        key=key,
        technology=str(about.get("technology") or ""),
        hostname=about.get("hostname"),
        port=integration.to_id(about.get("port")),
        state=body.get("state"),
        integration_id=integration.to_id(body.get("nativeIntegrationId")),
    )


def list_all(client: Client) -> list[Connection]:
    """All connections of the tenant, of every technology, in the order of their keys; without integration ids.

    Page by page, in any of the envelopes that the API is known to use, and also from a server that ignores paging.

    :raises UnexpectedReply: an answer can't be understood, or there are fewer than Immuta says there are
    """
    seen: dict[tuple[str, ...], Connection] = {}
    offset = 0
    while True:
        page, total = _page(client.call_json(SEARCH_OBJECTS, body={"size": PAGE_SIZE, "offset": offset}))
        fresh = {path: one for path, one in page if path not in seen}
        seen.update(fresh)
        offset += len(page)
        # A page of nothing new is the end, or a server that always answers with everything. A page shorter than
        # PAGE_SIZE is not: the server may cap its pages.
        complete = total is not None and len(seen) >= total
        if not fresh or (complete and len(page) < SMALLEST_CAP):
            break
    if total is not None and not complete:
        raise _unreadable(f"ends after {len(seen)} of {total} objects")
    return sorted((one for path, one in seen.items() if len(path) == 1), key=lambda one: one.key)


def _page(body: t.Any) -> tuple[list[tuple[tuple[str, ...], Connection]], int | None]:
    """The objects of a page, by their paths, and how many there are in all, if the server says so."""
    total = None
    if isinstance(body, dict):
        counts = [body.get(name) for name in COUNTS]
        numbers = [one for one in counts if isinstance(one, int) and not isinstance(one, bool)]
        lists = [body[name] for name in ENVELOPES if isinstance(body.get(name), list)]
        total = max(numbers, default=None)
        body = [one for part in lists for one in part] if lists else None
    if not isinstance(body, list):
        raise _unreadable("holds no list")
    return [_from_object(one) for one in body], total


def _unreadable(what: str) -> errors.UnexpectedReply:
    return errors.UnexpectedReply(
        f"Immuta's answer to the object search {what}, so nothing can be said about what exists.",
        hint="Run it again. If it stays so, this version of Immuta answers otherwise than documented.",
        method=SEARCH_OBJECTS.method,
        path=SEARCH_OBJECTS.path,
    )


def _from_object(item: t.Any) -> tuple[tuple[str, ...], Connection]:
    path = item.get("objectPath") if isinstance(item, dict) else None
    if isinstance(path, str):
        path = [path]
    if not isinstance(path, list) or not path or not all(isinstance(one, str) for one in path):
        # To pass over it could hide the very connection that is looked for.
        raise _unreadable("holds an object without a path")
    return tuple(path), Connection(
        key=path[0], technology=str(item.get("technology") or ""), state=item.get("state"), listed_only=True
    )


def similar_keys(key: str, connections: t.Iterable[Connection]) -> list[str]:
    """Keys that the user may have meant."""
    keys = [one.key for one in connections]
    close = difflib.get_close_matches(key, keys, n=3, cutoff=0.7)
    return close + [one for one in keys if one not in close and one.strip().lower() == key.strip().lower()]


def resolve_integration(client: Client, connection: Connection) -> int | None:
    """The id of the integration behind a connection, also when Immuta leaves it out of the connection's description.

    :returns: None when there is none
    :raises Refused: more than one may be meant
    """
    if connection.integration_id is not None:
        return connection.integration_id
    if not connection.hostname:
        return None
    technology = connection.technology.lower()
    candidates = [
        one
        for one in integration.select(integration.list_all(client), host=connection.hostname)
        if one.in_use and (one.type.lower().startswith(technology) or technology.startswith(one.type.lower()))
    ]
    if len(candidates) > 1:
        raise errors.Refused(
            f"Immuta does not say which integration belongs to the connection {connection.key!r}, and"
            f" {', '.join(str(one.id) for one in candidates)} are on its host.",
            hint="Find the right one in Immuta and name it in integration_id.",
        )
    return candidates[0].id if candidates else None


def decide_absent(tenant: str, observed: Connection | None) -> Plan:
    """What it takes to have no such connection. Pure."""
    if observed is None:
        return Plan(tenant, None)
    steps: list[dict[str, t.Any]] = [
        {
            "action": "delete_connection",
            "target": observed.key,
            "effect": "the connection, every data source below it and the access controls on them are removed",
        }
    ]
    if observed.integration_id is not None:
        steps.append(
            {
                "action": "remove_integration",
                "target": observed.integration_id,
                "effect": "Immuta stops governing through it; its clean-up script can't be rendered any more",
            }
        )
    return Plan(tenant, observed, tuple(steps))


class Remover:
    """Carries out the plan to remove a connection.

    :param wait: whether to wait until the connection is gone
    :param wait_timeout: seconds for waiting, both for a busy connection and for a slow deletion
    """

    def __init__(self, client: Client, connection: Connection, *, wait: bool, wait_timeout: float) -> None:
        self._client = client
        self._connection = connection
        self._wait = wait
        self._end = client.clock() + wait_timeout
        self._wait_timeout = wait_timeout
        self._pause = FIRST_PAUSE
        # What Immuta said to the deletion: taken, no such connection, or nothing that is known.
        self._said: t.Literal["taken", "absent", "lost"] = "lost"

    def remove(self) -> Removal:
        """Delete the connection, wait until it is gone, and look at what became of its integration.

        Gone is a connection that is not found any more, when besides its integration is out of use, or it is not
        listed any more.

        :raises Busy: Immuta refused the deletion during the whole of C(wait_timeout)
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
                    hint="Run it again: it goes on waiting. Raise wait_timeout for large connections.",
                )
            )

    def _so_far(self) -> str:
        return "Immuta took the deletion," if self._said == "taken" else "The connection was not found any more,"

    def _look(self, question: t.Callable[..., bool], *about: t.Any) -> bool:
        try:
            return question(*about)
        except errors.ImmutaError as error:
            error.hint = (
                f"{self._so_far()} but whether it is gone could not be read. Nothing is lost: run it again, it reads"
                f" first and goes on from there. {error.hint}"
            ).rstrip()
            raise

    def _delete(self) -> int | None:
        resends = 0
        while True:
            try:
                count = self._count(parse_json(self._call_delete(), DELETE_OBJECT))
            except errors.Busy as busy:
                done = "Nothing was deleted" if not resends else "Whether anything was deleted is not known"
                busy.hint = (
                    f"{done}. It stayed busy for {self._wait_timeout:g} s; run it again later or raise wait_timeout."
                )
                self._sleep_or(busy)
            except (errors.TransportError, errors.ServerError, errors.NotFound, errors.UnexpectedReply) as lost:
                # The answer is lost or makes no sense, which says nothing of the deletion: only a read can tell.
                self._said = "absent" if isinstance(lost, errors.NotFound) else "lost"
                if not self._still_there_after(lost):
                    return None
                lost.hint = (
                    "The connection is still there."
                    f"{f' The owner of the key may lack {DELETE_OBJECT.permission}.' if self._said == 'absent' else ''}"
                    f" Run it again: it reads first and goes on from there. {lost.hint}"
                ).rstrip()
                if resends == RESENDS:
                    raise
                resends += 1
                self._sleep_or(lost)
            else:
                self._said = "taken"
                return count

    def _call_delete(self) -> Reply:
        return self._client.call(DELETE_OBJECT, connection_key=self._connection.key)

    def _count(self, body: t.Any) -> int | None:
        if body is None:
            return None
        if not isinstance(body, dict):
            raise errors.UnexpectedReply(
                "Immuta's answer to the deletion is no JSON object.",
                method=DELETE_OBJECT.method,
                path=DELETE_OBJECT.path,
            )
        return integration.to_id(body.get("childCount"))

    def _still_there(self) -> bool:
        if self._connection.listed_only:
            return self._is_listed()
        reply = self._client.find(GET_CONNECTION, connection_key=self._connection.key)
        if reply is None:
            return False
        _from_description(parse_json(reply, GET_CONNECTION), self._connection.key)
        return True

    def _is_listed(self) -> bool:
        return _listed(self._client, self._connection.key) is not None

    def _still_there_after(self, lost: errors.ImmutaError) -> bool:
        try:
            return self._still_there()
        except errors.ImmutaError as error:
            lost.hint = (
                f"Whether the connection was deleted could not be read either: {error.message.rstrip('.')}. Nothing is"
                " lost: run it again, it reads first and goes on from there."
            )
            raise lost from None

    def _is_gone(self, left: integration.Integration | None, problem: errors.ImmutaError | None) -> bool:
        """Whether something besides the connection itself says that it is gone."""
        if self._connection.integration_id is not None and problem is None and (left is None or not left.in_use):
            return True
        if self._said == "absent" and isinstance(problem, errors.PermissionDenied):
            # It was there, and nobody says that it was deleted: the key may have lost its permission.
            require_sight(self._client, f"the connection {self._connection.key!r}")
        try:
            return not self._is_listed()
        except errors.PermissionDenied:
            # A data owner may lose the right to list with the last connection.
            if self._said != "taken":
                raise
            return True

    def _integration_afterwards(self) -> tuple[integration.Integration | None, errors.ImmutaError | None]:
        """What is listed of the integration, or why that can't be read."""
        number = self._connection.integration_id
        if number is None and self._said == "taken":
            return None, None
        while True:
            try:
                left = next((one for one in integration.list_all(self._client) if one.id == number), None)
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
        """Wait a little longer than the last time, or raise C(late) when the time is up."""
        remaining = self._end - self._client.clock()
        if remaining <= 0:
            raise late
        self._client.sleep(min(self._pause, remaining))
        self._pause = min(LONGEST_PAUSE, self._pause * 1.5)


def ensure_absent(context: Context) -> Outcome:
    """The work of the module C(immuta_connection).

    :raises Refused: not confirmed, or the plan is not the approved one; nothing was deleted
    """
    params = context.params
    key, confirm = params["connection_key"], params["confirm"]
    if not key:
        raise errors.ConfigurationError("The option connection_key is empty.")
    if confirm and confirm != key:
        raise errors.Refused(
            f"The option confirm is {confirm!r}, but the connection is {key!r}. Nothing was deleted.",
            hint="Set confirm to the very key of the connection that is to go.",
            code="confirmation_mismatch",
        )
    with options.client(context) as client:
        plan = decide_absent(client.settings.url, _observe(context, client, key))
        result: dict[str, t.Any] = {
            "connection": plan.connection.as_dict() if plan.connection else None,
            "integration": None,
            "deleted_objects": None,
            "verified": not plan.changed,
            "plan": plan.as_dict(),
        }
        if plan.connection:
            _require_approved(plan, params["expected_plan_digest"])
        if plan.connection and not context.check_mode:
            _require_confirmed(plan.connection, confirm)
            removal = Remover(
                client, plan.connection, wait=params["wait"], wait_timeout=params["wait_timeout"]
            ).remove()
            _warn_of_left_over(context, plan.connection, removal)
            result["integration"] = removal.integration.as_dict() if removal.integration else None
            result["deleted_objects"] = removal.deleted_objects
            result["verified"] = removal.verified
    before = {"connection_key": key, **(result["connection"] or {}), "state": "present" if plan.changed else "absent"}
    return Outcome(
        changed=plan.changed,
        result=result,
        diff={"before": before, "after": {"connection_key": key, "state": "absent"}},
    )


def _observe(context: Context, client: Client, key: str) -> Connection | None:
    found = get(client, key)
    if found is None or found.integration_id is not None or not technology_has_script(found.technology):
        return found
    try:
        return dataclasses.replace(found, integration_id=resolve_integration(client, found))
    except (errors.Refused, errors.PermissionDenied) as error:
        context.warn(f"The integration of the connection is not known: {error}")
        return found


def _require_approved(plan: Plan, expected: str | None) -> None:
    if expected and expected.lower() != plan.digest:
        raise errors.Refused(
            f"The plan has the digest {plan.digest}, but expected_plan_digest is {expected}. Nothing was deleted.",
            hint="It is not the plan that was approved: look at it in check mode, and approve it anew if it is right.",
            code="plan_changed",
        )


def _require_confirmed(connection: Connection, confirm: str | None) -> None:
    if not confirm:
        raise errors.Refused(
            "The option confirm is missing. Nothing was deleted.",
            hint=f"Deleting can't be undone. To go on, set confirm to {connection.key!r}; to see the plan, use"
            " check mode.",
            code="confirmation_required",
        )


def _warn_of_left_over(context: Context, connection: Connection, removal: Removal) -> None:
    left = removal.integration
    if left is not None and left.in_use:
        context.warn(
            f"The connection is gone, but its integration {left.id} is still listed as {left.status!r}."
            " Look at it in Immuta before you run the clean-up script by hand."
        )
    elif removal.verified and not removal.integration_known and connection.integration_id:
        context.warn(f"What became of the integration is not known: {removal.problem}")


def info(context: Context) -> Outcome:
    """The work of the module C(immuta_connection_info)."""
    key = context.params["connection_key"]
    with options.client(context) as client:
        if key:
            listed = [one for one in [get(client, key)] if one is not None]
        else:
            listed = [_described(client, one) for one in list_all(client)]
            if not listed:
                require_sight(client, "any connection")
        known = _integrations(context, client) if any(one.integration_id is not None for one in listed) else {}
    return Outcome(False, {"connections": [_with_integration(one, known) for one in listed]})


def survey(client: Client, wanted: t.Callable[[Connection], bool]) -> list[dict[str, t.Any]]:
    """The tenant's connections, as C(info) returns them, ordered by key. It is all of them or an error.

    :param wanted: asked before a connection is looked up, with what the list tells of it
    :raises PermissionDenied: the API key may not see everything
    """
    listed = list_all(client)
    known = {one.id: one for one in require_sight(client, "every connection")}
    return [_with_integration(_described(client, one), known) for one in listed if wanted(one)]


def _with_integration(one: Connection, known: dict[int, integration.Integration]) -> dict[str, t.Any]:
    behind = known.get(one.integration_id) if one.integration_id is not None else None
    return {
        **one.as_dict(),
        "integration_type": behind.type if behind else None,
        "integration_status": behind.status if behind else None,
    }


def _described(client: Client, listed: Connection) -> Connection:
    """The list leaves out host and integration; the description has them, for some technologies only."""
    try:
        reply = client.call(GET_CONNECTION, connection_key=listed.key)
    except (errors.NotFound, errors.InvalidRequest, InvalidOption):
        # No URL leads to some keys, such as "..".
        return listed
    described = _from_description(parse_json(reply, GET_CONNECTION), listed.key)
    return dataclasses.replace(
        described, technology=described.technology or listed.technology, state=described.state or listed.state
    )


def _integrations(context: Context, client: Client) -> dict[int, integration.Integration]:
    try:
        return {one.id: one for one in integration.list_all(client)}
    except errors.PermissionDenied as error:
        context.warn(f"Types and statuses of integrations are left out: {error}")
        return {}
