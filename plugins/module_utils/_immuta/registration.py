# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registering a connection: sent once, then read until the connection and its integration agree.

What the answer looks like is documented nowhere, so nothing but reads counts.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _pauses
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    configuration,
    connection,
    errors,
    fields,
    integration,
    object_sync,
    payload,
    rotation,
    technologies,
    validation,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json, sleep_or
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    REGISTER_CONNECTION,
    TEST_CONNECTION,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.plan import ENABLE, REGISTER, Plan
from ansible_collections.community.immuta.plugins.module_utils._immuta.wanted import Wanted

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1.0, 10.0, 1.5
# A connection without an integration, seen this often, is not about to get one.
READS_TO_SETTLE = 4
FAILED = "createError"
# Seconds in which a registration whose answer was lost has to show.
LOST_FOR = 30.0
# How Immuta names the integration that is in the way, and the one of an earlier attempt.
EXISTING = re.compile(r"\(id ?= ?(\d{1,18})\)")
EARLIER = re.compile(r"PUT /integrations/(\d{1,18})")
REVOKES = " On Databricks, users lose their access to each table without a subscription policy, even a direct grant."
NOTHING = "Nothing was registered."
# An earlier request, whose answer was lost, may have.
THIS_ONE = "This request registered nothing."
RERUN = (
    "Rerun it in a few minutes, when Immuta has certainly ended: it reads first, and registers only if neither the connection nor"
    " its integration is there."
)


class RegistrationRefused(errors.ImmutaError):
    """Immuta has tried the registration, and did not accept it."""

    code = "registration_refused"


class RegistrationFailed(errors.ImmutaError):
    """Immuta has begun with the registration, and has failed."""

    code = "registration_failed"


class RegistrationUnknown(errors.ImmutaError):
    """The answer was lost, and reads don't tell whether Immuta has the registration."""

    code = "registration_unknown"


def decide(tenant: str, wanted: Wanted) -> Plan:
    """Return the plan for the registration of a connection that does not exist. Pure.

    :param tenant: the tenant's URL
    """
    steps = [
        {
            "action": REGISTER,
            "target": wanted.key,
            "effect": "Immuta reads the platform's catalog, and finds objects",
            "settings": wanted.shown.get("settings", {}),
        }
    ]
    if wanted.enables:
        revokes = REVOKES if technologies.of(wanted.technology).dialect in ("databricks", None) else ""
        effect = f"Immuta enables what it finds, and its policies decide who can read it.{revokes}"
        steps.append({"action": ENABLE, "target": wanted.key, "effect": effect})
    return Plan(tenant, None, tuple(steps), wanted.approved)


def way_out(number: int, users: t.Sequence[str] | None) -> str:
    """Return what to do about an integration that is in the way.

    :param users: keys of the connections that name it; None when that is not known
    """
    if users:
        return f"Deregister the connection {users[0]!r} first, or register another database, catalog, or host."
    seen = "No connection names it. " if users is not None else "Look in Immuta which connection has it. "
    return (
        f"{seen}If it is left over, save its clean-up script (immuta_cleanup_script with integration_id={number}), delete the"
        " integration in Immuta, run the script, run a new set-up script, and rerun."
    )


def users_of(client: Client, technology: str, number: int) -> list[str] | None:
    """Return the keys of the connections that name an integration; None when that can't be read."""
    try:
        known = connection.survey(client, lambda one: one.technology in ("", technology))
    except errors.ImmutaError:
        return None
    return [one["key"] for one in known if one["integration_id"] == number]


def test(client: Client, wanted: Wanted) -> tuple[bool, str]:
    """Have Immuta test a registration without registering, where it can.

    :returns: whether it has passed, and if nobody can tell, why
    :raises RegistrationRefused: it has failed
    :raises AlreadyExists: an integration is in the way
    """
    try:
        body = parse_json(client.call(TEST_CONNECTION, body=wanted.body), TEST_CONNECTION)
    except errors.Busy as busy:
        raise in_the_way(client, wanted, busy) from None
    except errors.InvalidRequest as refused:
        if EARLIER.search(refused.message):
            raise in_the_way(client, wanted, refused) from None
        if refused.status == 422:
            raise _refused(refused) from None
        return False, refused.message
    except (errors.NotFound, errors.ServerError, errors.UnexpectedReply) as error:
        return False, error.message
    status, tests = validation.results_of(body)
    failing = [one for one in tests if one.failed]
    if body is False or failing or status.startswith(("fail", "error")):
        told = "; ".join(f"{one.name or 'a test'}: {one.message or one.status}" for one in failing)
        raise RegistrationRefused(
            f"Immuta has tested the registration, and it fails{f' ({told})' if told else ''}. {NOTHING}",
            hint="Correct what the tests name, and rerun.",
        )
    passed = body is True or validation.all_passed(status, tests)
    return passed, "" if passed else "Immuta's answer does not tell that the test has passed"


def _refused(refused: errors.ImmutaError) -> RegistrationRefused:
    return RegistrationRefused(
        f"Immuta has not accepted the registration: {refused.message.rstrip('.')}. {NOTHING}",
        hint="Check that the set-up script has run, and that the platform accepts the credential: its user, role, warehouse, and"
        " network rules. Then rerun.",
        **{name: refused.details.get(name) for name in ("method", "path", "status")},
    )


def in_the_way(client: Client, wanted: Wanted, refused: errors.ImmutaError) -> errors.ImmutaError:
    """Return the error for a refusal because something is there already: with its id, who uses it, and the way out."""
    found = EXISTING.search(refused.message) or EARLIER.search(refused.message)
    where = {name: refused.details.get(name) for name in ("method", "path", "status")}
    said = refused.message.rstrip(".")
    if found is None:
        hint = f"If the connection {wanted.key!r} exists since, rerun: it is compared then. {refused.hint}"
        return errors.AlreadyExists(f"{said}. {THIS_ONE}", hint=hint, **where)
    number = int(found[1])
    users = users_of(client, wanted.technology, number)
    named = f" The integration {number} belongs to the connection {users[0]!r}." if users else ""
    return errors.AlreadyExists(
        f"{said}.{named} {THIS_ONE}", hint=way_out(number, users), integration_id=number, connections=users, **where
    )


def failed(key: str, health: validation.Health, *, there: bool) -> RegistrationFailed:
    """Return the error for an integration that Immuta could not create.

    :param there: whether its connection is
    """
    number = health.integration.id
    rest = way_out(number, [])
    if there:
        rest = f"Then rerun with update_secrets=if_failing, or delete the connection {key!r} and rerun."
    return RegistrationFailed(
        f"Immuta could not create the integration of the connection {key!r}: {health.complaint}.",
        hint=f"Correct the cause on the platform. {rest}",
        integration_id=number,
    )


class Registrar:
    """Sends a registration, and reads what comes of it.

    :param before: the ids of the integrations that were there before
    :param wait_timeout: seconds to wait in all
    :ivar sent: whether Immuta has, or may have, the registration from here
    :ivar registered: whether this run has registered the connection; None when that is not known
    :ivar note: what the user should know of how it went; empty when there is nothing
    :ivar subject: the connection as it was read last; None when it was not there
    :ivar health: its integration as it was read last; None when it was not
    :ivar handle: how to ask for the jobs of the first object sync
    """

    def __init__(self, client: Client, wanted: Wanted, before: t.Collection[int], *, wait_timeout: float) -> None:
        self._client = client
        self._wanted = wanted
        self._before = before
        self._wait_timeout = wait_timeout
        self.end = client.clock() + wait_timeout
        self._lost: errors.ImmutaError | None = None
        self.sent = False
        self.registered: bool | None = False
        self.note = ""
        self.subject: rotation.Subject | None = None
        self.health: validation.Health | None = None
        self.handle: object_sync.Handle | None = None

    @property
    def lost(self) -> bool:
        """Return whether the answer was lost, so that only reads tell."""
        return self._lost is not None

    def send(self) -> None:
        """Send the registration, once.

        :raises AlreadyExists: something is there already
        :raises RegistrationRefused: Immuta did not accept it
        """
        try:
            reply = self._client.call(REGISTER_CONNECTION, body=self._wanted.body)
            self.sent, self.registered = True, None
            self.handle = object_sync.handle_of(parse_json(reply, REGISTER_CONNECTION))
        except errors.AlreadyExists as refused:
            raise in_the_way(self._client, self._wanted, refused) from None
        except errors.InvalidRequest as refused:
            if EARLIER.search(refused.message):
                raise in_the_way(self._client, self._wanted, refused) from None
            if refused.status == 422:
                raise _refused(refused) from None
            refused.explain_first(NOTHING)
            raise
        except errors.ImmutaError as error:
            if errors.did_nothing(error):
                error.explain_first(NOTHING)
                raise
            self._lost, self.sent, self.registered = error, True, None

    def settle(self, *, wait: bool = True) -> None:
        """Read until the connection and its integration agree.

        :param wait: whether to wait for that; if not, only until it is known that Immuta has the registration
        :raises RegistrationFailed: Immuta could not create the integration, or what it shows is not what was sent
        :raises RegistrationUnknown: the answer was lost, and nothing shows the registration
        :raises NotVerified: the connection has no integration
        :raises TimedOut: Immuta is not done
        """
        pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE, GROWTH)
        lost_until = min(self.end, self._client.clock() + LOST_FOR)
        alone = 0
        while True:
            problem = self._read()
            shown = self.subject is not None or self.health is not None
            if shown and self.lost and not self.note:
                self.note = self._noted()
            if self.health is not None and self.health.integration.status == FAILED:
                there = self.subject is not None
                self.registered = self._certainly(there)
                raise failed(self._wanted.key, self.health, there=there)
            alone = alone + 1 if self.subject is not None and self.health is None else 0
            # An integration alone may be somebody else's.
            if (self.subject is not None and not wait) or self._agree() or alone >= READS_TO_SETTLE:
                break
            end = lost_until if self.lost and not shown else self.end
            sleep_or(self._client, end, pauses, self._late(problem, shown))
        self._require_own()
        if wait:
            self._require_works()

    def _read(self) -> errors.ImmutaError | None:
        """Read both; return why they can't be read, where a later read may tell."""
        try:
            self.subject = rotation.describe(self._client, self._wanted.key)
            number = self._number()
            self.health = None if number is None else validation.look(self._client, number)
        except errors.ImmutaError as error:
            if self.lost and self.subject is None:
                return error
            error.explain_first(f"What came of the registration could not be read. {RERUN}")
            raise
        return None

    def _number(self) -> int | None:
        """Return the id of the integration: as the connection names it, or the only one that was not there before."""
        if self.subject is not None and self.subject.found.integration_id is not None:
            return self.subject.found.integration_id
        place = self._wanted.place
        listed = integration.select(integration.list_all(self._client), kind=place.type, host=place.host)
        # Others may register on the same host meanwhile.
        mine = [one.id for one in listed if fields.same_name(configuration.of(one).home, place.home)]
        new = [number for number in mine if number not in self._before]
        return new[0] if len(new) == 1 and place.home else None

    def _agree(self) -> bool:
        return self.subject is not None and self.health is not None and not self.health.moving

    def _noted(self) -> str:
        lost = t.cast(errors.ImmutaError, self._lost).message.rstrip(".")
        what = "the connection" if self.subject is not None else "its integration"
        return (
            f"Immuta's answer to the registration was lost ({lost}), but Immuta shows {what}. Whether this run or another one"
            " registered it is not known."
        )

    def _certainly(self, there: bool) -> bool | None:
        """Return whether this run has registered a connection: without an answer, one that is there may be somebody else's."""
        return None if there and self.lost else there

    def _late(self, problem: errors.ImmutaError | None, shown: bool) -> errors.ImmutaError:
        if self._lost is not None and not shown:
            read = f"what Immuta has could not be read: {problem.message.rstrip('.')}" if problem else ""
            shown_for = f"for {min(LOST_FOR, self._wait_timeout):g} s Immuta has shown nothing of it"
            return RegistrationUnknown(
                f"Whether Immuta has the registration is not known: {errors.answer(self._lost)}, and {read or shown_for}.",
                hint=f"{errors.likely(self._lost)}{RERUN}",
                **{name: self._lost.details.get(name) for name in ("method", "path", "status")},
            )
        health = self.health
        so_far = (
            f"its integration {health.integration.id} is {health.integration.status!r}" if health else "nothing shows"
        )
        there = "is there" if self.subject is not None else "is not there yet"
        return errors.TimedOut(
            f"{'Immuta accepted the registration' if not self.lost else self.note.rstrip('.')}, but after {self._wait_timeout:g} s the"
            f" connection {self._wanted.key!r} {there}, and {so_far}.",
            hint=f"{RERUN} Raise wait_timeout for large platforms.",
        )

    def _require_own(self) -> None:
        """Refuse a connection that another run may have registered."""
        subject = t.cast(rotation.Subject, self.subject)
        self.registered = self._certainly(True)
        if other := payload.differing(subject.about, self._wanted.connection):
            raise RegistrationFailed(
                f"The connection {self._wanted.key!r} is there, but Immuta shows another {', '.join(other)} than the one sent.",
                hint="Another run may have registered it. Look at it in Immuta, and rerun.",
            )

    def _require_works(self) -> None:
        subject = t.cast(rotation.Subject, self.subject)
        if self.health is None:
            raise rotation.NotVerified(
                f"The connection {self._wanted.key!r} is there ({subject.found.state or 'no state told'}), but Immuta shows no"
                " integration of it, so nothing shows that it works.",
                hint="Look at it in Immuta. If it does not work, delete it, and rerun.",
            )
        if self.health.failing:
            raise rotation.ValidationFailed(
                f"The connection {self._wanted.key!r} is there, but {self.health.complaint}.",
                hint="Correct what the tests name on the platform, or rerun with update_secrets=if_failing and another credential.",
            )
