# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The harmless part of an integration's configuration, from which Immuta may regenerate a clean-up script.

Only the fields of C(Configuration) are ever kept, sent, or shown. None of them is a secret. Other fields are dropped if
Immuta sent them, and refused if a person gave them.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address, _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import fields, technologies

if t.TYPE_CHECKING:
    # Not at run time: the role reads configurations without a client.
    from ansible_collections.community.immuta.plugins.module_utils._immuta import integration

LONGEST = 255


@dataclasses.dataclass(frozen=True)
class Configuration:
    """The configuration of an integration: its place, and the objects that it created or uses there.

    :ivar type: the technology, as Immuta calls it
    :ivar id: of the integration
    :ivar host: of the platform, without scheme and path
    :ivar user: name of the system account
    :ivar principal: client id of the service principal
    """

    type: str | None = None
    id: int | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    catalog: str | None = None
    warehouse: str | None = None
    http_path: str | None = None
    role: str | None = None
    user: str | None = None
    impersonation_role: str | None = None
    principal: str | None = None

    def as_dict(self) -> dict[str, t.Any]:
        """Return the fields that are known."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    @property
    def made(self) -> dict[str, str]:
        """The objects that the integration created, in the words of C(made_by)."""
        return {name: value for name, value in self.as_dict().items() if name in MADE}

    @property
    def home(self) -> str | None:
        """The database or catalog that the integration created."""
        return self.catalog if technologies.of(self.type or "").dialect == "databricks" else self.database

    @property
    def missing(self) -> list[str]:
        """The fields without which nobody can tell what a script would be for."""
        home = "catalog" if technologies.of(self.type or "").dialect == "databricks" else "database"
        return [name for name in ("type", "host", home) if not getattr(self, name)]

    def differs(self, other: Configuration) -> list[str]:
        """Return the fields in which two configurations differ; a value that one of them lacks is no difference."""
        names = ("type", "id", "host", "database", "catalog")
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in names)
        return [
            name for name, one, two in pairs if one is not None and two is not None and _folded(one) != _folded(two)
        ]


FIELDS: dict[str, type] = {
    field.name: int if field.name in ("id", "port") else str for field in dataclasses.fields(Configuration)
}
MADE = frozenset({"database", "catalog", "role", "user", "impersonation_role", "principal"})


def _folded(value: str | int) -> str:
    return str(value).casefold()


def of(
    found: integration.Integration,
    technology: str = "",
    host: str | None = None,
    *,
    secret: t.Callable[[str], bool] = lambda _text: False,
) -> Configuration:
    """Return the configuration of an integration that Immuta tells, without what looks like a credential.

    :param technology: of its connection, if that is known
    :param host: of the platform, as the connection names it, if the integration names none
    :param secret: tells whether a text has the form of a credential
    """
    about: dict[str, t.Any] = {
        "type": technology or found.type,
        "id": found.id,
        "host": fields.host(found.host or host),
        "port": found.port,
        "warehouse": found.warehouse,
        "http_path": found.http_path,
        **{name: value for name, value in found.made.items() if name in MADE},
    }
    # Nothing but what would be read back.
    return Configuration(**{name: value for name, value in about.items() if value and fits(name, value, secret=secret)})


def harmless(record: t.Mapping[str, t.Any], *, secret: t.Callable[[str], bool]) -> tuple[dict[str, t.Any], list[str]]:
    """Return a record without the values that may not be kept, and the names of their fields; unknown fields stay.

    :param secret: tells whether a text has the form of a credential
    """
    left = [name for name, value in record.items() if name in FIELDS and value not in (None, "")]
    left = [name for name in left if not fits(name, record[name], secret=secret)]
    return {name: value for name, value in record.items() if name not in left}, left


def read(
    given: t.Mapping[str, t.Any], option: str = "integration_config", *, secret: t.Callable[[str], bool]
) -> Configuration:
    """Return the configuration that a person or a record gives.

    :param option: what to call it in a message
    :param secret: tells whether a text has the form of a credential
    :raises InvalidOption: it holds a field that is not known, or a value that may be a secret, which is not shown
    """
    unknown = [name for name in given if name not in FIELDS]
    if unknown:
        raise InvalidOption(
            f"{option} has the field {str(unknown[0])[:LONGEST]!r}, which is not one of {', '.join(FIELDS)}. Its value is"
            " not shown. Leave it out: no credential is needed."
        )
    known = {name: value for name, value in given.items() if value not in (None, "")}
    if wrong := next((name for name, value in known.items() if not fits(name, value, secret=secret)), None):
        raise InvalidOption(
            f"The field {wrong} of {option} has the wrong form or looks like a credential, so it is not shown."
            f" Give only the {'number' if FIELDS[wrong] is int else 'name'}, as Immuta has it."
        )
    about: dict[str, t.Any] = {
        name: fields.to_number(value) if FIELDS[name] is int else value for name, value in known.items()
    }
    if "host" in about:
        about["host"] = fields.host(about["host"])
    return Configuration(**about)


def fits(name: str, value: t.Any, *, secret: t.Callable[[str], bool] = lambda _text: False) -> bool:
    """Return whether a value may be kept, sent, and shown as that of a field.

    :param secret: tells whether a text has the form of a credential
    """
    if name not in FIELDS:
        return False
    if FIELDS[name] is int:
        return bool(fields.to_number(value))
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable() or _redact.MASK in value:
        return False
    return not (secret(value) or (name == "host" and _address.user_info(value)))


# The body of POST /integrations/scripts/cleanup is documented nowhere: what is tried, in this order, and what it is like.
Payload = tuple[str, dict[str, t.Any]]


def payloads(known: Configuration) -> list[Payload]:
    """Return the bodies to ask for the script of a configuration with, each after its description, without any secret."""
    created: dict[str, t.Any] = {"type": known.type, "autoBootstrap": False, "config": _created(known)}
    found: list[Payload] = [("as for POST /integrations/scripts/create", created)]
    if known.id is not None:
        found.append(("the same with the id of the integration", {**created, "id": known.id}))
    if technologies.of(known.type or "").dialect == "databricks":
        registered = {"host": known.host, "port": known.port, "catalog": known.catalog}
        found.append(
            (
                "as for the registration of a connection",
                {"type": known.type, "autoBootstrap": False, "unityCatalog": True, "config": _told(registered)},
            )
        )
    return found


def _created(known: Configuration) -> dict[str, t.Any]:
    """Return the C(config) that a set-up script is asked for with."""
    if technologies.of(known.type or "").dialect == "databricks":
        return _told({"workspaceUrl": f"https://{known.host}", "httpPath": known.http_path, "catalog": known.catalog})
    impersonation = {"enabled": True, "role": known.impersonation_role} if known.impersonation_role else None
    return _told(
        {
            "host": known.host,
            "port": known.port,
            "warehouse": known.warehouse,
            "database": known.database,
            "role": known.role,
            "username": known.user,
            "impersonation": impersonation,
        }
    )


def _told(config: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: value for name, value in config.items() if value is not None}
