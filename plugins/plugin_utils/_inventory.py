# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections as hosts: their selection, names, variables and groups.

Knows the options of an inventory source, but not Ansible's inventory.
"""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
import json
import re
import typing as t

from ansible import template as ansible_template
from ansible.errors import AnsibleError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.community.immuta.plugins.module_utils import _options, _redact, _text
from ansible_collections.community.immuta.plugins.module_utils._failure import (
    Failure,
    InvalidOption,
    MissingLibrary,
    bug,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import Connection, survey
from ansible_collections.community.immuta.plugins.plugin_utils._host_names import host_name

SUFFIXES = ("immuta_connections.yml", "immuta_connections.yaml")
# The group of all hosts.
GROUP = "immuta_connections"
# In groups and patterns: what Immuta does not tell.
UNKNOWN = "unknown"
# Filters, and the fields of a connection that they compare.
CHOICES = {"keys": "key", "technologies": "technology", "statuses": "integration_status"}
FILTERS = [f"{way}_{what}" for way in ("include", "exclude") for what in CHOICES]
# Groups, and the fields of a connection that they come from.
GROUPED = {"technology": "technology", "status": "integration_status", "state": "state"}

_TEMPLATE_CHARACTERS = re.compile("[{}]")
# Before ansible-core 2.19 every string is a template.
_trusted = getattr(ansible_template, "trust_as_template", str)


def argument_spec() -> dict[str, t.Any]:
    """Return the options of an inventory source, without those that Ansible adds to every plugin."""
    return options.argument_spec(
        **{name: {"type": "list", "elements": "str", "default": [], "no_log": False} for name in FILTERS}
    )


def checked(
    given: t.Mapping[str, t.Any], known: t.Collection[str], template: t.Callable[[t.Any], t.Any]
) -> dict[str, t.Any]:
    """Return the options of a source, ours as a module gets them: templated, converted, with fallbacks and defaults.

    Ansible itself ignores unknown options of a source, and accepts any word as a boolean.

    :param given: the content of the source
    :param known: the names of all options that the plugin documents
    :param template: templates a value
    :raises InvalidOption: an option can't be used
    """
    for name in map(str, given):
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise InvalidOption(
                f"There is no option {name}.",
                hint=f"Did you mean {close[0]}?" if close else "See ansible-doc -t inventory.",
            )
    spec = argument_spec()
    secret = {name for name, about in spec.items() if about.get("no_log")}
    # Error messages about a template may quote it.
    _redact.add_options(given, secret)
    ours = {name: _templated(name, given[name], template) for name in spec if name in given}
    ours = {name: value for name, value in ours.items() if value not in ("", None)}
    for name in FILTERS:
        # Anything but a list would be split at commas, which a key may contain.
        if not isinstance(ours.get(name, []), list):
            raise InvalidOption(f"The option {name} must be a list of patterns.", hint="Put each of them in quotes.")
    _options.require_text(ours, spec)
    # Only JSON types, whatever types Ansible returns; vaulted strings become text.
    result = ArgumentSpecValidator(spec).validate(json.loads(json.dumps(ours, default=str)))
    params: dict[str, t.Any] = result.validated_parameters
    _redact.add_options(params, secret)
    if result.error_messages:
        raise InvalidOption(f"The options can't be used: {'; '.join(result.error_messages)}")
    return {**given, **params}


def _templated(name: str, value: t.Any, template: t.Callable[[t.Any], t.Any]) -> t.Any:
    try:
        return template(value)
    except AnsibleError as error:
        raise InvalidOption(f"The option {name} can't be templated: {error}") from None


@dataclasses.dataclass(frozen=True)
class Source:
    """The question of a source: the tenant, and which of its connections.

    :ivar params: the options in C(argument_spec), validated
    """

    params: dict[str, t.Any]

    @property
    def question(self) -> dict[str, t.Any]:
        """Return everything that the answer depends on, without secrets. A cached answer is valid for the same question only."""
        return {"format": 1, "url": self._settings().url, **{name: self.params[name] for name in FILTERS}}

    def _settings(self) -> options.Settings:
        return options.settings(self.params, where_set="the inventory source")

    def ask(self) -> list[dict[str, t.Any]]:
        """Return all wanted connections, or raise an error."""
        with Client(self._settings(), check_mode=True) as client:
            found = survey(client, self._may_want)
        return [described for described in found if self.wants(described)]

    def _may_want(self, listed: Connection) -> bool:
        """Return whether to look up a connection of which only key and technology are known."""
        return self._takes("keys", listed.key) and (
            not listed.technology or self._takes("technologies", listed.technology)
        )

    def wants(self, described: dict[str, t.Any]) -> bool:
        """Return whether a connection passes all filters. Pure."""
        return all(self._takes(what, described[field]) for what, field in CHOICES.items())

    def _takes(self, what: str, value: str | None) -> bool:
        include, exclude = self.params[f"include_{what}"], self.params[f"exclude_{what}"]

        def matches(patterns: list[str]) -> bool:
            if what == "keys":
                # The case of keys matters everywhere.
                return any(fnmatch.fnmatchcase(value or "", pattern) for pattern in patterns)
            return any(fnmatch.fnmatchcase((value or UNKNOWN).lower(), pattern.lower()) for pattern in patterns)

        return (not include or matches(include)) and not matches(exclude)


def kept(answer: t.Any, question: dict[str, t.Any]) -> list[dict[str, t.Any]] | None:
    """Return the connections of a cached answer, or None when it does not answer this question."""
    if not isinstance(answer, dict) or answer.get("question") != question:
        return None
    found = answer.get("connections")
    return found if isinstance(found, list) else None


def host_names(connections: t.Iterable[dict[str, t.Any]]) -> dict[str, dict[str, t.Any]]:
    """Return the connections by their host names.

    :raises Failure: two have the same name, which is practically impossible
    """
    found: dict[str, dict[str, t.Any]] = {}
    for connection in connections:
        other = found.setdefault(host_name(connection["key"]), connection)
        if other is not connection:
            raise Failure(
                f"The connections {other['key']!r} and {connection['key']!r} have the same host name.",
                hint="Rename one of them in Immuta, or leave it out with exclude_keys.",
            )
    return found


def groups(connection: dict[str, t.Any]) -> list[str]:
    """Return the groups of a connection. Pure."""
    return [GROUP, *(f"immuta_{name}_{_word(connection[field])}" for name, field in GROUPED.items())]


def _word(value: t.Any) -> str:
    return re.sub(r"[^a-z0-9_]", "_", str(value or UNKNOWN).lower())


def variables(connection: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the variables of a connection's host, all that the role needs. Values from the tenant are never templated."""
    return {
        "ansible_connection": "local",
        # The play's: AWX may run plays in another place than the inventory.
        "ansible_python_interpreter": _trusted("{{ ansible_playbook_python }}"),
        "immuta_connection": _untemplated(connection),
        "immuta_deregister_connection_key": _untemplated(connection["key"]),
    }


def _untemplated(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {name: _untemplated(field) for name, field in value.items()}
    # Before ansible-core 2.19 a string is a template unless it is marked. The mark disturbs readers of the inventory as
    # JSON, so only strings that could be templates get it.
    return value if isinstance(value, str) and not _TEMPLATE_CHARACTERS.search(value) else wrap_var(value)


def explained(error: Exception) -> str:
    """Return the message for an error, redacted."""
    if isinstance(error, MissingLibrary):
        return str(missing_required_lib(error.library, reason=error.reason, url=error.url))
    known = error if isinstance(error, (Failure, AnsibleError)) else bug(error)
    return str(_redact.redact_result(_text.printable(known) if isinstance(known, Failure) else str(known)))
