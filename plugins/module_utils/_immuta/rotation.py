# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving a connection another credential: sent once, then read until Immuta has taken it or gone back to the former one."""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.community.immuta.plugins.module_utils import _pauses
from ansible_collections.community.immuta.plugins.module_utils._immuta import connection, errors, payload, validation
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json, sleep_or
from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import Connection
from ansible_collections.community.immuta.plugins.module_utils._immuta.credential import Json
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    GET_CONNECTION,
    UPDATE_CONNECTION,
)

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1.0, 10.0, 1.5
# An edit may begin a moment after its answer: where none has been seen, what looks the same this often, for some five
# seconds, has settled.
READS_TO_SETTLE = 4
# Seconds in which an edit whose answer was lost has to show.
LOST_FOR = 30.0
# What says that the body has another form than Immuta wants, and nothing of a credential.
SHAPE = re.compile(
    r'"?\b(connection|nativeIntegration|technology|hostname)\b"? (is required|is not allowed|must be)'
    r"|invalid request payload",
    re.I,
)
CREDENTIAL = re.compile(
    r"credential|password|private ?key|token|secret|authenticat|sign|log ?in|JWT|unauthori[sz]ed", re.I
)
UNCHANGED = "Nothing was changed: Immuta still has the former credential."
SAME = "Sending the same credential again does no harm."


class RolledBack(errors.ImmutaError):
    """Immuta has tried the change, and has gone back to what was there before."""

    code = "rolled_back"


class CredentialRefused(errors.ImmutaError):
    """422: Immuta has tried the credential, and did not take it."""

    code = "credential_refused"


class ValidationFailed(errors.ImmutaError):
    """Immuta has taken the credential, and its tests of the integration fail."""

    code = "validation_failed"


class NotVerified(errors.ImmutaError):
    """Immuta has taken the credential, and nothing shows that it works."""

    code = "not_verified"


class NotEdited(errors.ImmutaError):
    """Immuta has answered that it has taken an edit, and tells some of its fields as they were."""

    code = "not_verified"


class StillEditing(errors.TimedOut):
    """Immuta has answered, and is still busy with the integration."""


class RotationUnknown(errors.ImmutaError):
    """The answer was lost, and nothing that Immuta shows tells whether it has the credential."""

    code = "rotation_unknown"


@dataclasses.dataclass(frozen=True)
class Subject:
    """A connection as Immuta describes it.

    :ivar about: the C(connection) object of the description
    """

    found: Connection
    about: Json


def describe(client: Client, key: str) -> Subject | None:
    """Return a connection that Immuta describes; None when it describes none with this key."""
    try:
        body = parse_json(client.call(GET_CONNECTION, connection_key=key), GET_CONNECTION)
    except (errors.NotFound, errors.InvalidRequest):
        return None
    found = connection.from_description(body, key)
    about = body.get("connection")
    return Subject(found, about if isinstance(about, dict) else {})


class Rotator:
    """Sends another credential, and reads what comes of it.

    :param subject: the connection as it was before
    :param whole: the C(connection) object to send
    :param native: the C(nativeIntegration) object to send where Immuta wants it; None when it can't be told
    :param wait_timeout: seconds to wait in all
    :ivar note: what the user should know of how it went; empty when there is nothing
    :ivar health: the integration as it was read last; None when it was not
    """

    def __init__(
        self, client: Client, subject: Subject, whole: Json, native: Json | None, *, wait_timeout: float
    ) -> None:
        self._client = client
        self._subject = subject
        self._whole = whole
        self._native = native
        self._wait_timeout = wait_timeout
        self._end = client.clock() + wait_timeout
        self.note = ""
        self.health: validation.Health | None = None

    def send(self) -> None:
        """Send the credential, once in the form that Immuta wants.

        :raises Busy: the connection stayed busy for the whole of C(wait_timeout)
        :raises CredentialRefused: Immuta did not take it
        :raises RotationUnknown: the answer was lost, and reads don't tell
        """
        forms = payload.bodies(self._whole, self._native)
        pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE, GROWTH)
        while True:
            try:
                self._put(forms[0])
                return
            except errors.Busy as busy:
                busy.explain_first(
                    f"{UNCHANGED} It stayed busy for {self._wait_timeout:g} s; rerun later, or raise wait_timeout."
                )
                sleep_or(self._client, self._end, pauses, busy)
            except errors.InvalidRequest as refused:
                if len(forms) == 1 or not _is_of_shape(refused):
                    raise self._refused(refused) from None
                del forms[0]
            except errors.ImmutaError as error:
                if errors.did_nothing(error):
                    error.explain_first(UNCHANGED)
                    raise
                self._find_out(error, forms[0])
                return

    def _put(self, body: Json) -> None:
        parse_json(
            self._client.call(UPDATE_CONNECTION, connection_key=self._subject.found.key, body=body), UPDATE_CONNECTION
        )

    def _put_again(self, lost: errors.ImmutaError, body: Json) -> None:
        """Send the same credential once more, which does no harm, whatever became of the first time.

        :raises RotationUnknown: it was not accepted
        """
        pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE, GROWTH)
        try:
            while True:
                try:
                    self._put(body)
                    return
                except errors.Busy as busy:
                    sleep_or(self._client, self._end, pauses, busy)
        except errors.ImmutaError as error:
            raise self._unknown(
                lost, f"it was not accepted when it was sent again: {error.message.rstrip('.')}"
            ) from None

    def settle(self) -> validation.Health | None:
        """Return the integration once Immuta is done with it; None when it has none or it can't be told.

        :raises RolledBack: Immuta has gone back to the former credential
        :raises StillEditing: Immuta is still busy with it
        """
        number = self._subject.found.integration_id
        if number is None:
            return None
        pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE, GROWTH)
        last: Json | None = None
        same, seen = 0, False
        while True:
            self.health = health = validation.look(self._client, number)
            if health is None:
                return None
            same = same + 1 if health.as_dict() == last else 1
            last = health.as_dict()
            seen = seen or health.moving
            if not health.moving and (seen or same >= READS_TO_SETTLE):
                if health.integration.status == "editError":
                    raise self._rolled_back(health)
                return health
            sleep_or(
                self._client,
                self._end,
                pauses,
                StillEditing(
                    f"Immuta took the change, but after {self._wait_timeout:g} s the integration {number} is still"
                    f" {health.integration.status!r}.",
                    hint=f"Rerun later. {SAME}",
                ),
            )

    def _rolled_back(self, health: validation.Health) -> RolledBack:
        return RolledBack(
            f"Immuta has tried the change and has put back what was there before: {health.complaint}. Nothing was changed.",
            hint="Check that the platform accepts it: the credential, its user, role, warehouse, and network rules. Then rerun.",
        )

    def _refused(self, refused: errors.InvalidRequest) -> errors.ImmutaError:
        if refused.status == 422 or CREDENTIAL.search(refused.message):
            return CredentialRefused(
                f"Immuta has not taken the change: {refused.message.rstrip('.')}. Nothing was changed.",
                hint="Check that the platform accepts it: its user, role, warehouse, and network rules. Then rerun.",
                **{name: refused.details[name] for name in ("method", "path", "status")},
            )
        refused.explain_first(UNCHANGED)
        return refused

    def _find_out(self, lost: errors.ImmutaError, body: Json) -> None:
        """Find out by reads whether the credential has arrived, for some seconds: a request may still be on its way.

        If nothing shows it, which is usual for a secret, the same one is sent once more.

        :raises RotationUnknown: it is not known
        """
        pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE, GROWTH)
        end = min(self._end, self._client.clock() + LOST_FOR)
        problem = ""
        while True:
            try:
                told, problem = self._arrived(), ""
            except errors.ImmutaError as error:
                told, problem = "", error.message.rstrip(".")
            if told:
                break
            remaining = end - self._client.clock()
            if remaining <= 0:
                break
            self._client.sleep(min(next(pauses), remaining))
        if problem:
            raise self._unknown(lost, f"what Immuta has now could not be read: {problem}")
        if not told:
            self._put_again(lost, body)
            told = "it has accepted the same credential again"
        self.note = f"Immuta's answer to the change was lost ({lost.message.rstrip('.')}), but {told}."

    def _unknown(self, lost: errors.ImmutaError, shows: str) -> RotationUnknown:
        return RotationUnknown(
            f"Whether Immuta has the change is not known: {errors.answer(lost)}, and {shows}.",
            hint=f"{errors.likely(lost)}Keep both credentials, and rerun. {SAME}",
            **{name: lost.details.get(name) for name in ("method", "path", "status")},
        )

    def _arrived(self) -> str:
        """Return what shows that the credential has arrived, as part of a sentence; empty when nothing does.

        The time of the last change, and the status of the integration, may be somebody else's doing.
        """
        subject = self._subject
        now = describe(self._client, subject.found.key)
        if now is None:
            return ""
        if payload.differing(subject.about, self._whole) and not payload.differing(now.about, self._whole):
            return "Immuta shows the new fields of the connection"
        return ""


def _is_of_shape(refused: errors.InvalidRequest) -> bool:
    """Return whether a refusal is certainly about the form of the body, so that nothing was tried with the credential."""
    said = refused.message.partition(": ")[2]
    return refused.status == 400 and bool(SHAPE.search(said)) and not CREDENTIAL.search(said)
