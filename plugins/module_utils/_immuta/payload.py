# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole C(connection) object with another credential in it, and the bodies in which Immuta may want it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _options
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, fields, technologies
from ansible_collections.community.immuta.plugins.module_utils._immuta.credential import (
    NOT_SHOWN,
    OF_METHODS,
    PLACE,
    Credential,
    Json,
    Method,
    is_secret,
    masked,
    shown,
    to_send_back,
    without_secrets,
)

# What can't be edited: another one is another connection.
FINAL = ("technology", "hostname", "host", "database", "catalog")
SHARED = ("port", "warehouse", "role", "httpPath")
NOT_TOLD = "(Immuta does not tell it)"
NOT_SENT = "(not sent)"
# Before the fields of an integration, and of its configuration, among those of its connection.
NATIVE = "nativeIntegration."
CONFIG = f"{NATIVE}config."
DEFAULT_SCOPE = {"Databricks": "all-apis"}
# What a registration of Databricks has in the integration, too, and a set-up script does not.
DATABRICKS_PLACE = {"host": "hostname", "port": "port"}


def build(told: Json, credential: Credential) -> Json:
    """Return the object to send: all that Immuta tells of the connection and does not mask, unchanged, and the credential.

    :param told: the C(connection) object as Immuta describes it
    :raises Refused: the credential is of another technology, something can't be edited, or something is missing
    """
    existing = to_send_back(told)
    _require_same_technology(existing, credential)
    _require_editable(existing, credential)
    given = credential.fields
    method = credential.method
    kept = {name: value for name, value in existing.items() if name not in OF_METHODS or _is_kept(name, value, method)}
    # Where they are equal in another case, Immuta's own is sent back.
    whole = {**merged(kept, given), **{name: existing[name] for name in FINAL if name in existing}}
    _require_whole(complete(whole, credential), credential)
    return whole


def _is_kept(name: str, value: t.Any, method: Method | None) -> bool:
    if method is None:
        # A key without its content.
        return not (is_secret(name) and isinstance(value, dict))
    # What belongs to another way to sign in would be sent for nothing, and the former secret is to be replaced.
    return name in method.fields and not is_secret(name)


def complete(whole: Json, credential: Credential) -> Json:
    """Return the object, after what goes without saying of its credential was filled in."""
    client, method = whole.get("oAuthClientConfig"), credential.method
    if method is not None and isinstance(client, dict) and method.technology in DEFAULT_SCOPE:
        client.setdefault("scope", DEFAULT_SCOPE[method.technology])
    return whole


def signing(whole: Json, given: Json | None = None) -> Json:
    """Return the fields of a C(connection) object with which Immuta signs in; an integration has them as well.

    :param given: those that the options give, where there are others, whose names alone don't make them a credential
    """
    own = whole if given is None else given
    return {
        name: value
        for name, value in whole.items()
        if name in OF_METHODS or name == "authenticationType" or (is_secret(name) and name in own)
    }


@dataclasses.dataclass(frozen=True)
class Difference:
    """A field that Immuta tells otherwise than it is to be, or does not tell.

    :ivar field: dotted
    :ivar before: C(NOT_TOLD) if Immuta does not tell it
    :ivar after: C(NOT_SENT) if Immuta masks it, so that an edit would lose it
    """

    field: str
    before: t.Any
    after: t.Any

    def as_dict(self) -> Json:
        """Return it for a result, without a value that could be a secret."""
        name = self.field.rpartition(".")[2]
        values = {"before": self.before, "after": self.after}
        return {
            "field": self.field,
            **{word: one if self._is_visible(name, one) else NOT_SHOWN for word, one in values.items()},
        }

    def _is_visible(self, name: str, value: t.Any) -> bool:
        return value in (NOT_TOLD, NOT_SENT) or (not (self.lost and value == self.before) and shown(name, value))

    @property
    def lost(self) -> bool:
        """Return whether it is a field that can't be sent back."""
        return bool(self.after == NOT_SENT)

    @property
    def told(self) -> bool:
        """Return whether Immuta tells what it has."""
        return bool(self.before != NOT_TOLD)

    @property
    def fingerprint(self) -> list[str]:
        """Return what stands for both values in a digest, although they may be hidden."""
        return [self.field, fingerprint(self.before), fingerprint(self.after)]

    def __str__(self) -> str:
        about = self.as_dict()
        if not self.told:
            after = about["after"]
            return f"{self.field}, which Immuta does not tell, to {after if after == NOT_SHOWN else repr(after)}"
        if self.lost:
            return f"{self.field} from {NOT_SHOWN} to {NOT_SENT}"
        if NOT_SHOWN in about.values():
            return f"{self.field} {NOT_SHOWN}"
        return f"{self.field} from {about['before']!r} to {about['after']!r}"


def differing(told: Json, whole: Json) -> list[str]:
    """Return the fields, dotted, that Immuta tells otherwise than they are to be; what it does not tell is no difference."""
    return [one.field for one in differences(told, whole)]


def differences(told: Json, whole: Json, before: str = "") -> list[Difference]:
    """Return what C(differing) names, with both values.

    :param before: what comes before the name of each field
    """
    found = _differing(without_secrets(told), without_secrets(whole), before)
    return sorted(found, key=lambda one: one.field)


def _differing(one: Json, other: Json, before: str) -> t.Iterator[Difference]:
    for name, value in one.items():
        wanted = other.get("hostname" if name == "host" and "host" not in other else name)
        if isinstance(value, dict) and isinstance(wanted, dict):
            yield from _differing(value, wanted, f"{before}{name}.")
        elif not _same(name, value, wanted):
            yield Difference(f"{before}{name}", value, wanted)


def _same(name: str, value: t.Any, wanted: t.Any) -> bool:
    if name in FINAL:
        return fields.same_name(value, wanted)
    number = fields.to_number(value)
    # A number may come as text.
    return bool(value == wanted) or (number is not None and number == fields.to_number(wanted))


def not_compared(told: Json, whole: Json, before: str = "") -> list[str]:
    """Return the fields, dotted, that are to be and that Immuta does not tell, as it does with secrets.

    :param before: what comes before the name of each field
    """
    return sorted(name for name, _value in _not_compared(to_send_back(told), whole, before))


def untold(told: Json, whole: Json) -> list[Difference]:
    """Return what C(not_compared) names and is no secret: an edit overwrites it, whatever it is."""
    found = sorted(_not_compared(to_send_back(told), whole, ""), key=lambda one: one[0])
    return [Difference(name, NOT_TOLD, value) for name, value in found if not is_secret(name.rpartition(".")[2])]


def _not_compared(told: Json, whole: Json, before: str) -> t.Iterator[tuple[str, t.Any]]:
    for name, value in whole.items():
        now = told.get("host" if name == "hostname" and "hostname" not in told else name)
        if isinstance(value, dict) and value and not is_secret(name) and (now is None or isinstance(now, dict)):
            yield from _not_compared(now or {}, value, f"{before}{name}.")
        elif value is not None and (now is None or (is_secret(name) and now != value)):
            yield f"{before}{name}", value


def lost(told: Json, whole: Json, given: Credential, before: str = "") -> list[Difference]:
    """Return the fields that Immuta tells, and that an edit would lose: masked ones can't be sent back.

    What the credential replaces is none of them.

    :param before: what comes before the name of each field
    """
    own = given.method.fields if given.method else ()
    # Immuta may show the fields of all ways to sign in, and nothing in those that are not used.
    left = {name: one for name, one in told.items() if one is not None and not (name in own and is_secret(name))}
    left = {name: one for name, one in left.items() if one != "" or name not in OF_METHODS or given.method is None}
    return sorted(_lost(left, whole, before), key=lambda one: one.field)


def _lost(told: t.Any, whole: t.Any, before: str) -> t.Iterator[Difference]:
    sent = _parts(whole)
    for name, value in _parts(told).items():
        now = sent.get(name)
        if value is not None and (is_secret(name) or masked(name, value)) and now in (None, ""):
            yield Difference(f"{before}{name}", value, NOT_SENT)
        elif isinstance(value, (dict, list)):
            yield from _lost(value, now, f"{before}{name}.")


def _parts(value: t.Any) -> Json:
    if isinstance(value, list):
        return {str(at): one for at, one in enumerate(value)}
    return value if isinstance(value, dict) else {}


def fingerprint(value: t.Any) -> str:
    """Return what stands for a value in a digest where the value itself may be hidden: the sha256 of its JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def bodies(whole: Json, native: Json | None) -> list[Json]:
    """Return the bodies that Immuta may want, the likeliest first: which of them is not documented.

    :param native: the C(nativeIntegration) object; None when it can't be told
    """
    found = [{"connection": whole}]
    if native is not None:
        found.append({"connection": whole, "nativeIntegration": native})
    return [*found, whole]


def integration_told(about: Json, config: Json) -> Json:
    """Return what Immuta tells of an integration, as the C(nativeIntegration) object of a registration has it.

    :param about: what it tells besides the configuration
    """
    if not _on_databricks(about):
        return {**about, "config": config}
    # A registration calls it otherwise than a set-up script does.
    url = fields.host(config.get("workspaceUrl"))
    host = {"host": url} if url and not config.get("host") else {}
    return {**about, "config": {**{name: one for name, one in config.items() if name != "workspaceUrl"}, **host}}


def native_integration(told: Json, whole: Json, given: Json, sign_in: Credential) -> Json:
    """Return the C(nativeIntegration) object to send: all that Immuta tells of the integration, and what its connection has.

    :param told: from C(integration_told)
    :param whole: the C(connection) object, which holds the credential
    :param given: the configuration in the options
    :param sign_in: the credential that the options give
    """
    kept = {name: value for name, value in to_send_back(told["config"]).items() if name not in OF_METHODS}
    # These the two have in common, unless the options tell them apart.
    whole = {**whole, **{name: given[name] for name in SHARED if name in given}}
    kept.update({name: whole[name] for name in SHARED if name in kept and name in whole})
    about = {"autoBootstrap": False, **told}
    if _on_databricks(told):
        kept = {**{name: whole[field] for name, field in DATABRICKS_PLACE.items() if field in whole}, **kept}
        about = {"unityCatalog": True, **about}
    return {**about, "config": {**kept, **signing(whole, sign_in.fields)}}


def _on_databricks(about: Json) -> bool:
    return technologies.of(str(about.get("type"))).dialect == "databricks"


def merged(one: Json, other: Json) -> Json:
    """Return one object with the fields of another one, which win, at any depth."""
    both = dict(one)
    for name, value in other.items():
        before = both.get(name)
        deep = isinstance(before, dict) and isinstance(value, dict)
        both[name] = merged(t.cast(Json, before), value) if deep else value
    return both


def _require_same_technology(existing: Json, credential: Credential) -> None:
    method, technology = credential.method, existing.get("technology")
    if method is not None and technology != method.technology:
        raise errors.Refused(
            f"The credential {credential.option} is for {method.technology}, but the connection is of the technology"
            f" {technology!r}. Nothing was sent.",
            hint="Correct connection_key, or give the credential of that technology.",
        )


def _require_editable(existing: Json, credential: Credential) -> None:
    for name in FINAL:
        if name in credential.fields and not fields.same_name(
            credential.fields[name], existing.get(name, credential.fields[name])
        ):
            raise errors.Refused(
                f"The field {name} of the connection is {existing[name]!r} in Immuta, not {credential.fields[name]!r}. It can't be edited."
                " Nothing was sent.",
                hint="If it is mistyped, correct it, or leave it out. A connection to another place has to be deregistered and registered.",
            )


def _require_whole(whole: Json, credential: Credential) -> None:
    needed = {name: f"connection.{name}" for name in PLACE.get(str(whole.get("technology")), ())}
    if credential.method is not None:
        needed |= {field: f"{credential.option}.{option}" for field, option in credential.method.needed.items()}
    for field, option in needed.items():
        value: t.Any = whole
        for name in field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value in (None, ""):
            raise errors.Refused(
                f"Immuta does not tell the {field} of the connection, and {option} is not given. Without it the connection"
                " could lose it. Nothing was sent.",
                hint=f"Set {option}.",
            )
    if not any(is_secret(name) and value for name, value in _options.leaves(credential.fields)):
        raise errors.Refused("The credential holds no secret. Nothing was sent.")
