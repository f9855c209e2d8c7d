# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a connection: what Immuta shows of them, what is to change, and the change itself, until reads show it.

Reading, each setting is an object with a C(value). Writing, it is the bare value, and all are wrapped in C(settings); that
last part is documented in prose only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _pauses
from ansible_collections.community.immuta.plugins.module_utils._immuta import connection, errors, objects, technologies
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json, sleep_or
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import GET_OBJECT, UPDATE_SETTINGS

Json = dict[str, t.Any]

ACTIVE, ACTIVATE_NEW, OWNERS, ADMINS = "isActive", "activateNewChildren", "dataOwners", "infrastructureAdmins"
PEOPLE = (OWNERS, ADMINS)
# The states of an object, in lower case, which differ between versions; others tell nothing of its settings.
STATES = {"active": True, "enabled": True, "inactive": False, "disabled": False}
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1.0, 10.0, 1.5
# How often a change is sent again after its answer was lost and a read has shown that nothing happened.
RESENDS = 2
# What says that the body has another form than Immuta wants.
SHAPE = re.compile(
    r'"?\b(settings|isActive|activateNewChildren|dataOwners|infrastructureAdmins)\b"? (is required|is not allowed)'
    r"|invalid request payload",
    re.I,
)
UNCHANGED = "Nothing was changed."
AGAIN = "Rerun it: it first reads what is set."
REVOKES = "On Databricks, users lose their access to each table without a subscription policy, even if it was granted to them directly."


@dataclasses.dataclass(frozen=True)
class Shown:
    """What Immuta shows of a connection as an object.

    :ivar values: of its settings, by Immuta's names; one that is not there is not known
    """

    key: str
    technology: str
    values: Json


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to change. C(changed), the diff, and the digest come from here.

    :ivar wanted: the settings that differ from what is wanted, or are not known
    """

    tenant: str
    shown: Shown
    wanted: Json

    @property
    def changed(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.wanted)

    @property
    def changes_access(self) -> bool:
        """Return whether people may get or lose access to data, so that a person has to confirm the plan."""
        return ACTIVE in self.wanted or bool(self.wanted.get(ACTIVATE_NEW))

    @property
    def steps(self) -> list[Json]:
        """Return the steps, in order."""
        return [
            {
                "action": "set",
                "target": name,
                "before": self.shown.values.get(name),
                "known": name in self.shown.values,
                "after": value,
                "effect": _effect(name, value, self.shown.technology),
            }
            for name, value in self.wanted.items()
        ]

    @property
    def digest(self) -> str:
        """Return the sha256 of everything that matters, in a canonical form: equal for equal plans."""
        subject = [self.tenant, self.shown.key, self.shown.technology, self.steps]
        return hashlib.sha256(json.dumps(subject, sort_keys=True).encode()).hexdigest()

    def as_dict(self) -> Json:
        """Return the fields for a module's result."""
        return {"steps": self.steps, "changes_access": self.changes_access, "digest": self.digest}


def _effect(name: str, value: t.Any, technology: str) -> str:
    revokes = f" {REVOKES}" if technologies.of(technology).name in ("Databricks", "") else ""
    if name == ACTIVE and value:
        return f"Immuta enables the objects below the connection, and its policies decide who can read them.{revokes}"
    if name == ACTIVE:
        return (
            "Immuta disables the objects below the connection: its policies don't hold any more, and access that they gave, or that"
            " the owners had, may end."
        )
    if name == ACTIVATE_NEW and value:
        return f"Immuta enables each object that it finds from now on.{revokes}"
    if name == ACTIVATE_NEW:
        return "Immuta does not enable the objects that it finds from now on."
    if name == OWNERS:
        return "These, and nobody else, own the data sources below the connection through it."
    if name == ADMINS:
        return "These, and nobody else, may sync and edit the connection and delete its objects."
    return "What this does is not known to this collection."


def look(client: Client, key: str) -> Shown:
    """Return what Immuta shows of the settings of a connection.

    :raises Refused: there is no such connection, or Immuta does not show it as an object
    """
    try:
        body = parse_json(client.call(GET_OBJECT, connection_key=key), GET_OBJECT)
    except (errors.NotFound, errors.InvalidRequest) as error:
        connection.require(client, key)
        raise errors.Refused(
            f"Immuta has the connection {key!r}, but does not show its settings: {error.message.rstrip('.')}. {UNCHANGED}",
            hint="Change them in the Immuta UI.",
        ) from None
    path = objects.path_of(body, GET_OBJECT)
    if path != (key,):
        raise errors.Refused(
            f"Immuta takes the key {key!r} for the object {' / '.join(map(repr, path))}. {UNCHANGED}",
            hint="Spell the key exactly as Immuta does; its case matters.",
        )
    told = body.get("settings")
    values = {name: _value(field) for name, field in told.items()} if isinstance(told, dict) else {}
    state = str(body.get("state")).lower()
    if ACTIVE not in values and state in STATES:
        values[ACTIVE] = STATES[state]
    return Shown(key, str(body.get("technology") or ""), values)


def _value(field: t.Any) -> t.Any:
    return field["value"] if isinstance(field, dict) and "value" in field else field


def decide(tenant: str, shown: Shown, wished: Json) -> Plan:
    """Return the plan for the wished settings. Pure.

    :param wished: by Immuta's names
    """
    return Plan(tenant, shown, {name: value for name, value in wished.items() if not is_set(shown.values, name, value)})


def is_set(values: Json, name: str, wished: t.Any) -> bool:
    """Return whether Immuta shows that a setting is as it is wished; one that it does not show is not."""
    if name not in values:
        return False
    if name in PEOPLE:
        return _same_people(values[name], wished)
    return bool(values[name] == wished)


def _same_people(shown: t.Any, wished: t.Any) -> bool:
    """Return whether two lists are of the same users and groups, in any order: ids, names, or objects that have them."""
    if not isinstance(shown, list) or not isinstance(wished, list) or len(shown) != len(wished):
        return False
    left = list(shown)
    for one in wished:
        same = next((person for person in left if _same_person(person, one)), None)
        if same is None:
            return False
        left.remove(same)
    return True


def _same_person(one: t.Any, other: t.Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return all(name in one and str(one[name]) == str(value) for name, value in other.items())
    for about, name in ((one, other), (other, one)):
        if isinstance(about, dict):
            return str(name) in {str(value) for value in about.values()}
    return str(one) == str(other)


class Setter:
    """Carries out a plan.

    :param wait_timeout: seconds to wait in all, both for a busy connection and until Immuta shows the change
    :ivar note: what the user should know of how it went; empty when there is nothing
    """

    def __init__(self, client: Client, plan: Plan, *, wait_timeout: float) -> None:
        self._client = client
        self._plan = plan
        self._wait_timeout = wait_timeout
        self._end = client.clock() + wait_timeout
        self._pauses = _pauses.growing(FIRST_PAUSE, LONGEST_PAUSE, GROWTH)
        self.note = ""

    def apply(self) -> Shown:
        """Send the change, and return the connection once Immuta shows it.

        :raises Busy: Immuta refused the change during the whole of C(wait_timeout)
        :raises TimedOut: Immuta took the change, but does not show it
        """
        shown = self._send()
        while shown is None or self._otherwise(shown):
            if shown is not None:
                missing = " and ".join(self._otherwise(shown))
                late = errors.TimedOut(
                    f"Immuta took the change, but after {self._wait_timeout:g} s it does not show {missing} as wanted.",
                    hint="Look at the connection in Immuta, and rerun later. A person or group may have to be given in another form.",
                )
                sleep_or(self._client, self._end, self._pauses, late)
            shown = self._look("Immuta took the change, but whether it has come into force could not be seen.")
        return shown

    def _send(self) -> Shown | None:
        """Send the change until it is certain that Immuta has it; return what a read has shown of it, if it took one."""
        wanted = self._plan.wanted
        forms: list[Json] = [{"settings": wanted}, wanted]
        resends = 0
        while True:
            try:
                call = self._client.call(UPDATE_SETTINGS, connection_key=self._plan.shown.key, body=forms[0])
                parse_json(call, UPDATE_SETTINGS)
                return None
            except errors.Busy as busy:
                busy.explain_first(
                    f"{UNCHANGED} It stayed busy for {self._wait_timeout:g} s; rerun later, or raise wait_timeout."
                )
                sleep_or(self._client, self._end, self._pauses, busy)
            except errors.InvalidRequest as refused:
                if len(forms) == 1 or refused.status != 400 or not SHAPE.search(refused.message):
                    refused.explain_first(UNCHANGED)
                    raise
                del forms[0]
            except (errors.TransportError, errors.ServerError, errors.NotFound, errors.UnexpectedReply) as lost:
                shown = self._arrived(lost)
                if shown is not None:
                    self.note = (
                        f"Immuta's answer to the change was lost ({lost.message.rstrip('.')}), but it shows the change."
                    )
                    return shown
                lost.explain_first(f"Immuta does not show the change. {AGAIN}")
                if resends == RESENDS:
                    raise
                # The same settings once more do no harm.
                resends += 1
                sleep_or(self._client, self._end, self._pauses, lost)
            except errors.ImmutaError as error:
                error.explain_first(UNCHANGED)
                raise

    def _arrived(self, lost: errors.ImmutaError) -> Shown | None:
        """Return what Immuta shows if that is what is wanted, after an answer that says nothing of it."""
        try:
            shown = look(self._client, self._plan.shown.key)
        except errors.ImmutaError as error:
            lost.hint = f"Nor could it be read what is set now: {error.message.rstrip('.')}. {AGAIN}"
            raise lost from None
        return shown if self.proved(shown) else None

    def _look(self, explanation: str) -> Shown:
        try:
            return look(self._client, self._plan.shown.key)
        except errors.ImmutaError as error:
            error.explain_first(f"{explanation} {AGAIN}")
            raise

    def _otherwise(self, shown: Shown) -> list[str]:
        """Return the settings that are shown, and not as they are wanted."""
        wanted = self._plan.wanted.items()
        return [name for name, value in wanted if name in shown.values and not is_set(shown.values, name, value)]

    def proved(self, shown: Shown) -> bool:
        """Return whether Immuta shows each of the settings as it is wanted; some versions may not show all."""
        return all(is_set(shown.values, name, value) for name, value in self._plan.wanted.items())
