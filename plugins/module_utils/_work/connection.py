# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules C(immuta_connection) and C(immuta_connection_info)."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, require_digest
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    connection,
    errors,
    integration,
    options,
    removal,
    rendering,
    saved_script,
    technologies,
    wanted,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import Connection
from ansible_collections.community.immuta.plugins.module_utils._immuta.neighbours import Ambiguous, Neighbours
from ansible_collections.community.immuta.plugins.module_utils._work import consent, former, registration

NOT_KNOWN = "The integration of the connection is not known"


def ensure(context: Context) -> Outcome:
    """Implement the module C(immuta_connection)."""
    if context.params["state"] == "present":
        return registration.ensure_present(context)
    # A task that is to register, but does not say so, must not delete.
    if given := next((name for name in wanted.OPTIONS if context.params[name] is not None), None):
        raise errors.ConfigurationError(
            f"The option {given} is for state=present, but state is absent. Nothing was deleted.",
            hint=f"Set state to present to register the connection, or leave out {given} to delete it.",
        )
    return ensure_absent(context)


def ensure_absent(context: Context) -> Outcome:
    """Implement the module C(immuta_connection) with C(state=absent).

    :raises Refused: not confirmed, or the plan is not the approved one; nothing was deleted
    """
    params = context.params
    key = params["connection_key"]
    _check_options(key, params["confirm"])
    with options.client(params, check_mode=context.check_mode) as client:
        consent.require_tenant(client.settings.url, params["expected_tenant"], "Nothing was deleted.")
        plan = removal.decide_absent(client.settings.url, _observe(context, client, key))
        result: dict[str, t.Any] = {
            "connection": plan.connection.as_dict() if plan.connection else None,
            "integration": None,
            "integration_known": False,
            "deleted_objects": None,
            "verified": not plan.changed,
            "plan": plan.as_dict(),
        }
        if plan.connection:
            consent.require_approved(plan.digest, params["expected_plan_digest"], "Nothing was deleted.")
            _require_script(context, client, plan.connection)
        if plan.connection and not context.check_mode:
            _require_confirmed(plan.connection, params["confirm"])
            result.update(_remove(context, client, plan.connection))
    before = {"connection_key": key, **(result["connection"] or {}), "state": "present" if plan.changed else "absent"}
    return Outcome(
        changed=plan.changed,
        result=result,
        diff={"before": before, "after": {"connection_key": key, "state": "absent"}},
    )


def _check_options(key: str, confirm: str | None) -> None:
    if not key:
        raise errors.ConfigurationError("The option connection_key is empty.")
    consent.require_same_key(key, confirm, "Nothing was deleted.", "removing")


def _observe(context: Context, client: Client, key: str) -> Connection | None:
    """Return the connection with its integration.

    :raises Refused: the deletion could take something else with it
    """
    found = connection.get(client, key)
    if found is None:
        return None
    others = Neighbours(client, found)
    others.require_whole()
    number = found.integration_id
    if number is None and technologies.of(found.technology).script != "no":
        try:
            candidates = others.candidates()
        except errors.PermissionDenied as error:
            candidates = []
            context.warn(f"{NOT_KNOWN}: {error}")
        try:
            number = others.choose(candidates)
        except Ambiguous as error:
            context.warn(f"{NOT_KNOWN}: {error}")
    return found if number is None else dataclasses.replace(found, integration_id=others.require_unshared(number))


def _require_confirmed(found: Connection, confirm: str | None) -> None:
    if not confirm:
        raise errors.Refused(
            "The option confirm is missing. Nothing was deleted.",
            hint=f"Deleting can't be undone. To continue, set confirm to {found.key!r}; to see the plan, use check mode.",
            code="confirmation_required",
        )


def _require_script(context: Context, client: Client, found: Connection) -> None:
    """Refuse to delete a connection whose clean-up script is not where it has to be."""
    path, expected = context.params["script_path"], context.params["expected_script_sha256"]
    if path is None:
        return
    if context.check_mode and former.is_to_come(path, expected):
        context.warn(f"The script {path} is not there. Unless a task before this one saves it, nothing is deleted.")
        return
    try:
        saved = saved_script.read(path)
        if saved is None:
            raise errors.Refused(f"There is no clean-up script at {path} (option script_path).", code="script_missing")
        rendering.require_own(saved, rendering.Subject(client.settings.url, found.key, found.integration_id))
        if saved.owner.connection_key is None and found.integration_id is None:
            raise errors.Refused(
                f"It is not known whether the script at {path} belongs to the connection {found.key!r}."
            )
        saved_script.require_intact(saved)
        require_digest(
            f"The script at {path} has the sha256",
            saved.sha256,
            expected,
            error=errors.Refused,
            option="expected_script_sha256",
        )
    except errors.Refused as error:
        error.explain_first("Nothing was deleted, because the script can't be fetched again after that.")
        raise


def _remove(context: Context, client: Client, found: Connection) -> dict[str, t.Any]:
    """Remove a connection, and return the fields of the result that tell what came of it."""
    params = context.params
    removed = removal.Remover(
        client,
        found,
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        before=functools.partial(_require_script, context, client, found),
    ).remove()
    about = technologies.of(found.technology)
    if about.script != "yes":
        context.warn(f"This may be left on the platform ({about.title}): {about.left}. Check there.")
    left = removed.integration
    if left is not None and left.in_use:
        context.warn(
            f"The connection is gone, but its integration {left.id} is still listed as {left.status!r}. Check"
            " it in Immuta before you run the clean-up script by hand."
        )
    elif removed.verified and not removed.integration_known and found.integration_id:
        context.warn(f"It is not known what became of the integration: {removed.problem}")
    return {
        "integration": left.as_dict() if left else None,
        "integration_known": removed.integration_known and found.integration_id is not None,
        "deleted_objects": removed.deleted_objects,
        "verified": removed.verified,
    }


def info(context: Context) -> Outcome:
    """Implement the module C(immuta_connection_info)."""
    try:
        return _described(context)
    except Failure as error:
        error.details.update(tenant=options.tenant(context.params))
        raise


def _described(context: Context) -> Outcome:
    key = context.params["connection_key"]
    with options.client(context.params, check_mode=context.check_mode) as client:
        lookalikes: list[str] = []
        others: list[integration.Integration] = []
        if key:
            found, others, listed = connection.look_up(client, key)
            connections = [] if found is None else [found]
            lookalikes = [] if found else [one.key for one in listed if _text.alike(one.key, key)]
        else:
            connections = [connection.describe(client, listed) for listed in connection.list_all(client)]
            if not connections:
                connection.require_sight(client, "any connection")
        linked = any(found.integration_id is not None for found in connections)
        known = _integrations(context, client) if linked else {}
    described = [connection.with_integration(found, known) for found in connections]
    about = {"lookalikes": lookalikes, "integrations": [one.as_dict() for one in others]}
    return Outcome(False, {"tenant": client.settings.url, "connections": described, **about})


def _integrations(context: Context, client: Client) -> dict[int, integration.Integration]:
    try:
        return {found.id: found for found in integration.list_all(client)}
    except errors.PermissionDenied as error:
        context.warn(f"Types and statuses of integrations are left out: {error}")
        return {}
