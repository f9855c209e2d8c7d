# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(immuta_connection) with C(state=present)."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _options, _text
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    configuration,
    connection,
    credential,
    errors,
    fields,
    integration,
    object_sync,
    occupied,
    options,
    registration,
    rotation,
    technologies,
    validation,
    wanted,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.plan import EDIT, Plan
from ansible_collections.community.immuta.plugins.module_utils._sql import hosts
from ansible_collections.community.immuta.plugins.module_utils._work import consent, credentials

NOTHING = credentials.NOTHING
MAY_BE_ONE = "which may lead to the same account or metastore"
REMEDY = (
    "Look at it in Immuta, where its tests may run later. A rerun that has nothing to send only warns. With wait=false, the module"
    " requires no proof."
)
CHECK_THAT = "If it does, what the set-up script makes is in the way of what that one has."


def ensure_present(context: Context) -> Outcome:
    """Implement the module C(immuta_connection) with C(state=present).

    :raises Refused: not confirmed, or the plan is not the approved one, or what is there can't be edited; nothing was sent
    """
    params = context.params
    key = params["connection_key"]
    for warning in wanted.require_key(key):
        context.warn(warning)
    _options.require_positive(params, "wait_timeout", error=errors.ConfigurationError)
    consent.require_same_key(key, params["confirm"], NOTHING.strip())
    goal = wanted.read(params)
    if goal.technology == "Snowflake" and goal.connection.get("authenticationType") == "userPassword":
        context.warn(credentials.WARNING)
    with options.client(params, check_mode=context.check_mode) as client:
        consent.require_tenant(client.settings.url, params["expected_tenant"], NOTHING.strip())
        return _Presence(context, client, goal).ensure()


class _Presence:
    """One call: the result, as far as it is known, belongs to failures as well."""

    def __init__(self, context: Context, client: Client, goal: wanted.Wanted) -> None:
        self._context = context
        self._client = client
        self._goal = goal
        self._result: dict[str, t.Any] = {
            **dict.fromkeys(("connection", "integration", "validation", "reason", "object_sync")),
            **dict.fromkeys(("registered", "tested", "rotated", "rolled_back", "verified"), False),
            **{name: [] for name in ("differing", "differences", "not_compared")},
        }

    def ensure(self) -> Outcome:
        subject = rotation.describe(self._client, self._goal.key)
        if subject is not None:
            self._require_planned(subject)
            return self._edit(self._created(subject))
        found, integrations, listed = connection.look_up(self._client, self._goal.key, listed_first=True)
        if found is not None:
            raise errors.Refused(
                f"Immuta lists the connection {found.key!r} ({found.technology or 'no technology named'}), but does not describe"
                f" it, so it can't be compared.{NOTHING}",
                hint="Immuta documents this for Snowflake, Databricks, and AWS Lake Formation. Edit the connection in the Immuta UI.",
            )
        try:
            wanted.require_new_key(self._goal.key, [one.key for one in listed])
            if doubt := _text.mixed(self._goal.key):
                self._context.warn(doubt)
            self._require_free(integrations)
        except errors.ImmutaError as error:
            # It was not there, and nothing was sent.
            error.result = {"changed": False, **self._result}
            raise
        return self._register(integrations)

    # One that is not there

    def _register(self, integrations: list[integration.Integration]) -> Outcome:
        context, goal = self._context, self._goal
        plan = registration.decide(self._client.settings.url, goal)
        self._require_approved(plan)
        if context.check_mode:
            self._result["tested"], why = registration.test(self._client, goal)
            if why:
                context.warn(f"Immuta has not tested the registration: {why.rstrip('.')}.")
        else:
            if plan.irreversible and not context.params["confirm"]:
                raise errors.Refused(
                    f"The option confirm is missing: the plan enables objects, which changes who can read them.{NOTHING}",
                    hint=f"To continue, set confirm to {goal.key!r}. To register the connection without that, leave out"
                    " settings.is_active and settings.activate_new_children.",
                    code="confirmation_required",
                )
            self._send({one.id for one in integrations})
        absent = {"connection_key": goal.key, "state": "absent"}
        after = {"connection_key": goal.key, "state": "present", **goal.shown, "credential": credentials.NEW}
        return Outcome(True, self._result, {"before": absent, "after": after})

    def _require_free(self, integrations: list[integration.Integration]) -> None:
        """Refuse what Immuta would refuse, before it is asked: another integration in the same place.

        :raises AlreadyExists: there is one
        """
        mine = self._goal.place
        kind = "catalog" if mine.catalog else "database"
        dialect, rules = technologies.of(mine.type or "").dialect, occupied.Rules(apart=hosts.apart, same=hosts.same)
        for one, relation in occupied.beside(mine, integration.select(integrations, kind=mine.type), rules):
            if relation != "same":
                where = occupied.on_host(one)
                if not mine.host or hosts.same(dialect, mine.host, one.host or ""):
                    self._context.warn(f"{where}, too. Immuta may not take another one there.")
                elif relation == "unknown" and fields.folded(mine.home) == fields.folded(configuration.of(one).home):
                    self._context.warn(f"{where}, {MAY_BE_ONE}, and has the same {kind} {mine.home!r}. {CHECK_THAT}")
                continue
            users = registration.users_of(self._client, self._goal.technology, one.id)
            belongs = f", and belongs to the connection {users[0]!r}" if users else ""
            hint = registration.way_out(one.id, users)
            if not users:
                hint = f"If an earlier run of this task has made it, wait a minute and rerun. {hint}"
            raise errors.AlreadyExists(
                f"{occupied.in_place(one, mine)}{belongs}.{NOTHING}",
                hint=hint,
                integration_id=one.id,
                connections=users,
            )

    def _send(self, before: set[int]) -> None:
        registrar = self._registrar(before)
        wait = self._context.params["wait"]

        def work() -> None:
            registrar.send()
            if wait or registrar.lost:
                registrar.settle(wait=wait)
            if registrar.note:
                self._context.warn(registrar.note)
            self._take(registrar)
            if wait:
                self._require_proved(registrar, synced=self._sync(registrar))
                self._result["verified"] = True

        self._told_of(registrar, work)

    def _registrar(self, before: set[int]) -> registration.Registrar:
        timeout = self._context.params["wait_timeout"]
        return registration.Registrar(self._client, self._goal, before, wait_timeout=timeout)

    def _told_of(self, registrar: registration.Registrar, work: t.Callable[[], None]) -> None:
        try:
            work()
        except Failure as error:
            self._take(registrar)
            error.result = {"changed": registrar.sent, **self._result}
            raise

    def _take(self, registrar: registration.Registrar) -> None:
        """Put into the result what is known of a registration."""
        self._result["registered"] = registrar.registered if registrar.sent else False
        if registrar.subject is not None:
            self._result["connection"] = registrar.subject.found.as_dict()
        if registrar.health is not None:
            self._result["integration"] = registrar.health.integration.as_dict()
            self._result["validation"] = registrar.health.as_dict()

    def _require_proved(self, registrar: registration.Registrar, *, synced: bool) -> None:
        """Require that something shows that a new connection works.

        :raises NotVerified: nothing does
        """
        health = registrar.health
        if health is not None and not validation.proved(health, synced=synced):
            raise rotation.NotVerified(
                f"The connection {self._goal.key!r} is there, but nothing shows that it works: {health.doubt}.",
                hint=REMEDY,
            )

    def _sync(self, registrar: registration.Registrar) -> bool:
        """Wait for the jobs of the first object sync, where Immuta tells of them, and return whether they are completed."""
        timeout = self._context.params["wait_timeout"]
        try:
            sync = object_sync.follow(
                self._client, self._goal.key, registrar.handle, end=registrar.end, wait_timeout=timeout
            )
        except object_sync.SyncFailed:
            raise
        except errors.ImmutaError as error:
            self._context.warn(
                f"The connection is registered. What becomes of the first object sync is not known: {error.message}"
            )
            sync = object_sync.Sync("started", None)
        self._result["object_sync"] = dataclasses.asdict(sync)
        return sync.state == object_sync.COMPLETED

    # One that is there

    def _require_planned(self, subject: rotation.Subject) -> None:
        """Refuse a connection that exists, where the plan was to register a new one: it is somebody else's."""
        if self._context.params["if_exists"] == "edit":
            return
        refused = errors.Refused(
            f"The connection {self._goal.key!r} exists, but the plan was to register a new one (if_exists=fail).{NOTHING}",
            hint="Another run may have registered it. Look at it in Immuta, and rerun: it is compared then.",
            code="plan_changed",
        )
        refused.result = {"changed": False, **self._result, "connection": subject.found.as_dict()}
        raise refused

    def _created(self, subject: rotation.Subject) -> rotation.Subject:
        """Return a connection once Immuta has created it: an earlier run may not have waited for that."""
        context = self._context
        number = subject.found.integration_id
        if not context.params["wait"] or number is None:
            return subject
        try:
            found = integration.get(self._client, number)
        except errors.PermissionDenied:
            return subject
        if found is None or found.status != "creating":
            return subject
        registrar = self._registrar(set())
        self._told_of(registrar, registrar.settle)
        return registrar.subject or subject

    def _edit(self, subject: rotation.Subject) -> Outcome:
        context, goal, result = self._context, self._goal, self._result
        plan = credentials.plan_for(self._client, subject, goal.credential, context.params["update_secrets"], goal)
        if any((context.params["settings"] or {}).values()):
            context.warn(
                f"The connection {goal.key!r} exists, so the option settings was not compared. To change them, use the module"
                " immuta_connection_settings."
            )
        if plan.before is not None:
            wanted.require_same_integration(goal, plan.before)
            result["integration"] = plan.before.integration.as_dict()
            result["verified"] = validation.proved(plan.before, synced=False)
            if plan.reason is None and not result["verified"]:
                if plan.before.integration.status == registration.FAILED:
                    raise registration.failed(goal.key, plan.before, there=True)
                nothing = "" if plan.before.failing or plan.before.moving else "nothing shows that it works: "
                context.warn(f"The connection is as it is to be, but {nothing}{plan.before.doubt}.")
            if plan.reason is None and plan.beside:
                context.warn(
                    f"The connection is as it is to be, but an edit of its integration {plan.before.integration.id} would change"
                    f" {', '.join(map(str, plan.beside))}. Edit it in the Immuta UI, or set update_secrets to always."
                )
        elif goal.native.get("config"):
            context.warn(plan.unseen)
        result.update(connection=subject.found.as_dict(), **plan.result())
        whole = credential.without_secrets(plan.whole)
        hidden = [one.fingerprint for one in plan.differences]
        self._require_approved(self._edits(plan, {"connection": whole, "differences": hidden} if plan.reason else {}))
        credentials.require_confirmed(context, plan, plan.differences)
        if plan.reason is not None:
            result["verified"] = False
            if not context.check_mode:
                params = context.params
                proof = credentials.Proof(
                    verify=params["wait"], object_sync=False, wait_timeout=params["wait_timeout"], remedy=REMEDY
                )
                credentials.carry_out(context, self._client, plan, proof, result)
        return Outcome(plan.reason is not None, result, plan.diff())

    def _edits(self, plan: credentials.Plan, about: dict[str, t.Any]) -> Plan:
        what = f"changes {', '.join(map(str, plan.differences))}" if plan.differences else "stays as it is"
        step = {
            "action": EDIT,
            "target": self._goal.key,
            "reason": plan.reason,
            "effect": f"the connection {what}; Immuta gets the credential in the options",
            "differences": [one.as_dict() for one in plan.differences],
            "not_compared": plan.not_compared,
        }
        return Plan(self._client.settings.url, plan.subject.found, (step,) if plan.reason else (), about)

    def _require_approved(self, plan: Plan) -> None:
        self._result["plan"] = plan.as_dict()
        if plan.changed:
            consent.require_approved(plan.digest, self._context.params["expected_plan_digest"], NOTHING.strip())
