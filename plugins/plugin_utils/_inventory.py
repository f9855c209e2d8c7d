# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections as hosts: which of them, under what names, with which variables, in what groups.

Knows the options of an inventory source, but nothing of Ansible's inventory.
"""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
import hashlib
import json
import re
import typing as t
import unicodedata

from ansible import template as ansible_template
from ansible.errors import AnsibleError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import (
    Failure,
    InvalidOption,
    MissingLibrary,
    bug,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta import connection, options
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client

SUFFIXES = ("immuta_connections.yml", "immuta_connections.yaml")
# In which every host is.
GROUP = "immuta_connections"
# Stands for what Immuta does not tell, in groups and in patterns.
UNKNOWN = "unknown"
# What a source chooses by, and the field of a connection that it is.
CHOICES = {"keys": "key", "technologies": "technology", "statuses": "integration_status"}
FILTERS = [f"{way}_{what}" for way in ("include", "exclude") for what in CHOICES]
# What a connection is grouped by.
GROUPED = {"technology": "technology", "status": "integration_status", "state": "state"}

# A key that is a good host name as it is: no pattern, option, file, or range to Ansible or a shell.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
# How all other host names end, so that none of those is also a key as it is.
_DIGEST = 10
_DIGESTED = re.compile(rf".*-[0-9a-f]{{{_DIGEST}}}")
# Names that mean something to Ansible, and those of our own groups.
_RESERVED = re.compile(r"all|ungrouped|localhost|127\.[0-9.]*|immuta_.*", re.IGNORECASE)
_LONGEST_SLUG = 40
# Letters from here on are not taken for others: Unicode still adds to them, and names have to stay.
_FIRST_STRANGE = "\u0250"
_TEMPLATE_CHARACTERS = re.compile("[{}]")
# Before ansible-core 2.19 every string is a template.
_trusted = getattr(ansible_template, "trust_as_template", str)


def argument_spec() -> dict[str, t.Any]:
    """The options of an inventory source, besides those of Ansible's own that all plugins have."""
    return options.argument_spec(
        **{name: {"type": "list", "elements": "str", "default": [], "no_log": False} for name in FILTERS}
    )


def checked(
    given: t.Mapping[str, t.Any], known: t.Collection[str], template: t.Callable[[t.Any], t.Any]
) -> dict[str, t.Any]:
    """The options of a source, ours as a module would get them: templated, converted, with fallbacks and defaults.

    Ansible itself does not look for unknown options of a source, and takes any word for a boolean.

    :param given: the source's content
    :param known: the names of all options that the plugin documents
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
    # Messages about a template may quote it.
    _redact.add_options(given, secret)
    ours = {name: _templated(name, given[name], template) for name in spec if name in given}
    ours = {name: value for name, value in ours.items() if value not in ("", None)}
    for name in FILTERS:
        # What is no list would be split at its commas, which a key may have; what is no text would match nothing.
        patterns = ours.get(name, [])
        if not isinstance(patterns, list) or not all(isinstance(one, (str, int, float)) for one in patterns):
            raise InvalidOption(f"The option {name} must be a list of patterns.", hint="Put each of them in quotes.")
    result = ArgumentSpecValidator(spec).validate(ours)
    params: dict[str, t.Any] = result.validated_parameters
    _redact.add_options(params, secret)
    if result.error_messages:
        raise InvalidOption(f"The options can't be used: {'; '.join(result.error_messages)}")
    return {**given, **params}


def _templated(name: str, value: t.Any, template: t.Callable[[t.Any], t.Any]) -> t.Any:
    try:
        # Only JSON types, whatever Ansible has made of them; vaulted strings become text.
        return json.loads(json.dumps(template(value), default=str))
    except AnsibleError as error:
        raise InvalidOption(f"The option {name} can't be templated: {error}") from None


@dataclasses.dataclass(frozen=True)
class Source:
    """What a source asks for: the tenant, and which of its connections.

    :ivar params: the options in C(argument_spec), validated
    """

    params: dict[str, t.Any]

    @property
    def question(self) -> dict[str, t.Any]:
        """What the answer depends on. An answer that is kept is good for the same question only; holds no secret."""
        return {"format": 1, "url": self._settings().url, **{name: self.params[name] for name in FILTERS}}

    def _settings(self) -> options.Settings:
        return options.settings(self.params, where_set="the inventory source")

    def ask(self) -> list[dict[str, t.Any]]:
        """The connections that are wanted. It is all of them or an error."""
        with Client(self._settings(), check_mode=True) as client:
            found = connection.survey(client, self._may_want)
        return [one for one in found if self.wants(one)]

    def _may_want(self, listed: connection.Connection) -> bool:
        """Whether it is worth to look a connection up, of which only key and technology are known."""
        return self._takes("keys", listed.key) and (
            not listed.technology or self._takes("technologies", listed.technology)
        )

    def wants(self, one: dict[str, t.Any]) -> bool:
        """Whether a connection is wanted. Pure."""
        return all(self._takes(what, one[field]) for what, field in CHOICES.items())

    def _takes(self, what: str, value: str | None) -> bool:
        include, exclude = self.params[f"include_{what}"], self.params[f"exclude_{what}"]

        def matches(patterns: list[str]) -> bool:
            if what == "keys":
                # Their case matters, as everywhere.
                return any(fnmatch.fnmatchcase(value or "", one) for one in patterns)
            return any(fnmatch.fnmatchcase((value or UNKNOWN).lower(), one.lower()) for one in patterns)

        return (not include or matches(include)) and not matches(exclude)


def kept(answer: t.Any, question: dict[str, t.Any]) -> list[dict[str, t.Any]] | None:
    """The connections of an answer that was kept, or None when it is none to this question."""
    if not isinstance(answer, dict) or answer.get("question") != question:
        return None
    found = answer.get("connections")
    return found if isinstance(found, list) else None


def host_name(key: str) -> str:
    """The host of a connection: always the same for the same key, and another one for another key. Pure.

    It is the key itself, or its harmless characters and a digest of it.
    """
    if _PLAIN.fullmatch(key) and not _DIGESTED.fullmatch(key) and not _RESERVED.fullmatch(key):
        return key
    letters = "".join(unicodedata.normalize("NFKD", one) if one < _FIRST_STRANGE else " " for one in key)
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", re.sub("[\u0300-\u036f]", "", letters)).strip("-._")
    slug = words[:_LONGEST_SLUG].rstrip("-._") or "connection"
    return f"{slug}-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGEST]}"


def host_names(connections: t.Iterable[dict[str, t.Any]]) -> dict[str, dict[str, t.Any]]:
    """The connections by the names of their hosts.

    :raises Failure: two have the same, which nobody will ever see
    """
    found: dict[str, dict[str, t.Any]] = {}
    for one in connections:
        other = found.setdefault(host_name(one["key"]), one)
        if other is not one:
            raise Failure(
                f"The connections {other['key']!r} and {one['key']!r} have the same host name.",
                hint="Rename one of them in Immuta, or leave it out with exclude_keys.",
            )
    return found


def groups(one: dict[str, t.Any]) -> list[str]:
    """The groups of a connection. Pure."""
    return [GROUP, *(f"immuta_{name}_{_word(one[field])}" for name, field in GROUPED.items())]


def _word(value: t.Any) -> str:
    return re.sub(r"[^a-z0-9_]", "_", str(value or UNKNOWN).lower())


def variables(one: dict[str, t.Any]) -> dict[str, t.Any]:
    """The variables of a connection's host, with which the role needs no others. What is the tenant's is never templated."""
    return {
        "ansible_connection": "local",
        # That of the play, which AWX may run in another place than the inventory.
        "ansible_python_interpreter": _trusted("{{ ansible_playbook_python }}"),
        "immuta_connection": _untemplated(one),
        "immuta_deregister_connection_key": _untemplated(one["key"]),
    }


def _untemplated(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {name: _untemplated(one) for name, one in value.items()}
    # Before ansible-core 2.19 a string is a template unless it is marked. Where it can't be one, the mark would only be in
    # the way of whoever reads the inventory as JSON.
    return value if isinstance(value, str) and not _TEMPLATE_CHARACTERS.search(value) else wrap_var(value)


def explained(error: Exception) -> str:
    """What to tell of an error, without secrets."""
    if isinstance(error, MissingLibrary):
        return str(missing_required_lib(error.library, reason=error.reason, url=error.url))
    return str(_redact.redact_result(str(error if isinstance(error, (Failure, AnsibleError)) else bug(error))))
