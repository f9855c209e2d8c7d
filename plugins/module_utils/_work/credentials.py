# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(immuta_connection_credentials)."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _options
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    connection,
    credential,
    errors,
    object_sync,
    options,
    payload,
    rotation,
    validation,
    wanted,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.neighbours import Neighbours
from ansible_collections.community.immuta.plugins.module_utils._work import consent

Reason = t.Literal["always", "failing", "differing"]
WARNING = (
    "The connection signs in to Snowflake with a password. Snowflake ends sign-ins with a password alone for service accounts:"
    " use snowflake.key_pair."
)
NOTHING = " Nothing was sent."
NOT_SHOWN = "(Immuta never tells it)"
NEW = "(the one in the options)"
REMEDY = "Set object_sync to true, which counts unless a test says otherwise, or verify to false."


# What says already how far it has come.
TOLD = (
    rotation.NotEdited,
    rotation.RolledBack,
    rotation.StillEditing,
    rotation.ValidationFailed,
    object_sync.SyncFailed,
)


@dataclasses.dataclass(frozen=True)
class Proof:
    """What has to show that a credential works.

    :ivar verify: whether anything has to
    :ivar remedy: what to do where nothing does
    :ivar wait_timeout: seconds to wait
    """

    verify: bool
    object_sync: bool
    wait_timeout: float
    remedy: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be sent, and why.

    :ivar whole: the C(connection) object
    :ivar native: the C(nativeIntegration) object, where Immuta wants it; None when the integration can't be read
    :ivar before: the integration; None when there is none or it can't be read
    :ivar blind: why it can't be read
    :ivar differences: what else than the credential changes, or may change, if it is sent
    :ivar beside: those of the integration, which are no reason to send anything
    :ivar not_compared: the fields that Immuta does not tell, so that nobody knows whether they change
    :ivar reason: None when nothing is to be sent
    """

    subject: rotation.Subject
    whole: credential.Json
    native: credential.Json | None
    differences: list[payload.Difference]
    beside: list[payload.Difference]
    not_compared: list[str]
    before: validation.Health | None
    blind: str
    reason: Reason | None

    @property
    def unseen(self) -> str:
        """A sentence that says what was not compared at all, where the integration can't be read."""
        return f"Only the connection was compared, not its integration: {self.blind}."

    def result(self) -> dict[str, t.Any]:
        """Return the fields for a module's result, before anything is sent."""
        return {
            "reason": self.reason,
            "differing": [one.field for one in self.differences if one.told],
            "differences": [one.as_dict() for one in self.differences],
            "not_compared": self.not_compared,
            "rotated": False,
            "rolled_back": False,
            "validation": self.before.as_dict() if self.before else None,
            "object_sync": None,
        }

    def diff(self) -> dict[str, t.Any]:
        """Return what changes, without secrets."""
        before: dict[str, t.Any] = {
            "connection_key": self.subject.found.key,
            "connection": credential.visible(self.subject.about),
        }
        if self.reason is None:
            return {"before": before, "after": before}
        after = {**before, "connection": credential.visible(self.whole)}
        for one in self.differences:
            if one.lost or one.field.startswith(payload.NATIVE):
                about = one.as_dict()
                before[one.field], after[one.field] = about["before"], about["after"]
        return {"before": {**before, "credential": NOT_SHOWN}, "after": {**after, "credential": NEW}}


def rotate(context: Context) -> Outcome:
    """Implement the module C(immuta_connection_credentials).

    :raises Refused: the credential can't be that of the connection; nothing was sent
    """
    params = context.params
    if not params["connection_key"]:
        raise errors.ConfigurationError("The option connection_key is empty.")
    consent.require_same_key(params["connection_key"], params["confirm"], NOTHING.strip())
    _options.require_positive(params, "wait_timeout", error=errors.ConfigurationError)
    if params["object_sync"] and not params["verify"]:
        raise errors.ConfigurationError("The option object_sync needs verify: an object sync is a part of the proof.")
    given = credential.read(params)
    with options.client(params, check_mode=context.check_mode) as client:
        plan = plan_for(client, _observe(client, params["connection_key"]), given, params["update_secrets"])
        if plan.whole.get("authenticationType") == "userPassword" and plan.subject.found.technology == "Snowflake":
            context.warn(WARNING)
        if plan.reason is not None and plan.before is None and plan.subject.found.integration_id is not None:
            context.warn(plan.unseen)
        # A user or a client that Immuta does not tell is a part of the credential that is given.
        require_confirmed(context, plan, [one for one in plan.differences if one.told])
        result: dict[str, t.Any] = {
            "connection": plan.subject.found.as_dict(),
            **plan.result(),
            "verified": False,
        }
        if plan.reason is not None and not context.check_mode:
            proof = Proof(params["verify"], params["object_sync"], params["wait_timeout"], REMEDY)
            carry_out(context, client, plan, proof, result)
    return Outcome(plan.reason is not None, result, plan.diff())


def plan_for(
    client: Client,
    subject: rotation.Subject,
    given: credential.Credential,
    policy: str,
    goal: wanted.Wanted | None = None,
) -> Plan:
    """Return what is to be sent of a credential, and why.

    :param policy: the option C(update_secrets)
    :param goal: the whole connection, if more than a credential is given
    :raises Refused: it can't be that of the connection; nothing was sent
    """
    whole = payload.build(subject.about, given)
    differences = payload.differences(subject.about, whole)
    native: credential.Json | None = None
    beside: list[payload.Difference] = []
    before, blind = None, "Immuta names no integration of the connection"
    number = subject.found.integration_id
    if number is not None:
        try:
            before = validation.look(client, number)
            blind = "" if before else f"the integration {number} is not there"
        except errors.PermissionDenied as error:
            blind = error.message.rstrip(".")
    unknown = payload.not_compared(subject.about, whole)
    if goal is not None:
        unknown += goal.not_compared(before)
    reason = _reason(policy, before, blind, differs=bool(differences))
    if before is not None:
        told = payload.integration_told(before.about, before.config)
        native = payload.native_integration(told, whole, (goal.native.get("config") or {}) if goal else {}, given)
        beside = [
            *payload.differences(told, native, payload.NATIVE),
            *payload.lost(told["config"], native["config"], given, payload.CONFIG),
        ]
        # What Immuta does not tell of the integration gets what its connection has.
        unknown += payload.not_compared(told, native, payload.NATIVE) if reason is not None else []
    if reason is not None:
        # No reason to edit, but an edit overwrites them.
        differences += [*beside, *payload.lost(subject.about, whole, given), *payload.untold(subject.about, whole)]
    return Plan(subject, whole, native, differences, beside, sorted(set(unknown)), before, blind, reason)


def require_confirmed(context: Context, plan: Plan, changes: t.Sequence[payload.Difference]) -> None:
    """Refuse to change fields of a connection that somebody may have made that way for a reason.

    A credential that C(update_secrets) asks for is no such field.

    :raises Refused: the option C(confirm) is missing
    """
    if not changes or context.params["confirm"]:
        return
    key = plan.subject.found.key
    if context.check_mode:
        context.warn(
            f"Without check mode, this needs the option confirm: the edit changes {', '.join(map(str, changes))}."
        )
        return
    lost = any(one.lost and not one.field.startswith(payload.NATIVE) for one in changes)
    give = (
        " Give a field that is not sent, because Immuta does not show its value, in the option connection."
        if lost
        else ""
    )
    raise errors.Refused(
        f"The option confirm is missing: the connection {key!r} exists, and the edit changes {', '.join(map(str, changes))}.{NOTHING}",
        hint=f"If that is meant, set confirm to {key!r}. If not, correct the options that describe the connection.{give}",
        code="confirmation_required",
    )


def _observe(client: Client, key: str) -> rotation.Subject:
    """Return the connection, once it is certain that its key means the whole of it.

    :raises Refused: there is no such connection, or Immuta does not describe it
    """
    subject = rotation.describe(client, key)
    if subject is None:
        found = connection.require(client, key)
        raise errors.Refused(
            f"Immuta does not describe the connection {key!r} ({found.technology or 'no technology named'}), so what it has"
            " besides the credential can't be sent back. Nothing was sent.",
            hint="Immuta documents this for Snowflake, Databricks, and AWS Lake Formation. Edit the connection in the Immuta UI.",
        )
    Neighbours(client, subject.found, "Edit this connection").require_whole()
    return subject


def _reason(policy: str, before: validation.Health | None, blind: str, *, differs: bool) -> Reason | None:
    """Return the rule by which the credential is sent, or None."""
    if policy == "always":
        return "always"
    if differs:
        return "differing"
    if policy == "on_create":
        return None
    if before is None:
        raise errors.Refused(
            f"Whether the connection fails is not known: {blind}. Nothing was sent.",
            hint="Set update_secrets to always, or use an API key whose owner has APPLICATION_ADMIN.",
        )
    if before.moving:
        raise errors.Busy(
            f"Whether the connection fails is not known: its integration is {before.integration.status!r}. Nothing was sent.",
            hint="Rerun later.",
        )
    return "failing" if before.failing else None


def carry_out(context: Context, client: Client, plan: Plan, proof: Proof, result: dict[str, t.Any]) -> None:
    """Send the credential, and prove it. A failure has the result, too, as far as it is known."""
    rotator = rotation.Rotator(client, plan.subject, plan.whole, plan.native, wait_timeout=proof.wait_timeout)
    try:
        rotator.send()
        if rotator.note:
            context.warn(rotator.note)
        # Immuta may still go back to the former one.
        result["rotated"] = None
        if proof.verify:
            _prove(context, client, plan, rotator, proof, result)
    except Failure as error:
        if isinstance(error, rotation.RolledBack):
            result.update(rotated=False, rolled_back=True)
        elif isinstance(error, rotation.RotationUnknown):
            result["rotated"] = None
        if rotator.health is not None:
            result["validation"] = rotator.health.as_dict()
        error.result = {"changed": result["rotated"] is not False, **result}
        raise


def _prove(
    context: Context,
    client: Client,
    plan: Plan,
    rotator: rotation.Rotator,
    proof: Proof,
    result: dict[str, t.Any],
) -> None:
    """Wait until Immuta is done, and require that something shows that the credential works.

    :raises ImmutaError: it does not work, or nothing shows it
    """
    health, blind = None, plan.blind
    try:
        try:
            health = rotator.settle()
            result["rotated"] = True
        except errors.PermissionDenied as error:
            blind = error.message.rstrip(".")
        if health is not None:
            result["validation"] = health.as_dict()
            blind = health.doubt
            _require_health(health)
        elif not blind:
            blind = f"Immuta does not show its integration {plan.subject.found.integration_id} any more"
        _require_edited(client, plan, health)
        synced = proof.object_sync and _sync(context, client, plan.subject.found.key, proof.wait_timeout, result)
    except TOLD:
        raise
    except errors.ImmutaError as error:
        error.explain_first("Immuta has taken the credential, but whether it works could not be seen.")
        raise
    result["verified"] = validation.proved(health, synced=synced)
    if not result["verified"]:
        raise rotation.NotVerified(
            f"Immuta has taken the credential, but nothing shows that it works: {blind}.",
            hint=f"Keep the former credential until you have seen it work. {proof.remedy}",
        )
    result["rotated"] = True


def _require_health(health: validation.Health) -> None:
    if health.failing:
        raise rotation.ValidationFailed(
            f"Immuta has taken the credential, but {health.complaint}.",
            hint="Keep the former credential. If the platform accepts the new one, Immuta may not have renewed the copy that the"
            " integration has: edit the connection in the Immuta UI.",
        )


def _require_edited(client: Client, plan: Plan, health: validation.Health | None) -> None:
    """Read back the fields that were to change, as far as Immuta tells them.

    :raises NotEdited: one is as it was
    """
    planned = {one.field: one.before for one in plan.differences if one.told and not one.lost}
    if not planned:
        return
    now = rotation.describe(client, plan.subject.found.key)
    left = payload.differences(now.about, plan.whole) if now else []
    if health is not None and plan.native is not None:
        told = payload.integration_told(health.about, health.config)
        left += payload.differences(told, plan.native, payload.NATIVE)
    # What somebody else has changed since is another edit.
    left = [one for one in left if one.field in planned and one.before == planned[one.field]]
    if not left:
        return
    fields = ", ".join(one.field for one in left)
    own = " Edit the integration in the Immuta UI." if all(one.field.startswith(payload.NATIVE) for one in left) else ""
    raise rotation.NotEdited(
        f"Immuta has taken the edit, but it has not changed {fields}. What else was to change is changed.",
        hint=f"This tenant does not edit these fields so.{own} Or correct the options that describe them.",
    )


def _sync(context: Context, client: Client, key: str, wait_timeout: float, result: dict[str, t.Any]) -> bool:
    """Run an object sync, and return whether it has shown that the credential works."""
    sync = object_sync.run(client, key, wait_timeout=wait_timeout)
    result["object_sync"] = dataclasses.asdict(sync)
    if sync.state == object_sync.COMPLETED:
        return True
    context.warn("The object sync has started, but Immuta does not tell what becomes of it.")
    return False
