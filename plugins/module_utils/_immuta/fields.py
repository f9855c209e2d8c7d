# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of Immuta's answers: of the type that is needed, or an error with the name of the field."""

from __future__ import annotations

import re
import reprlib
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _options
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import UnexpectedReply
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import Operation

# int() also takes signs, blanks, underscores, and the digits of other scripts.
DIGITS = re.compile("[0-9]{1,18}")
LARGEST_NUMBER = 10**18
LONGEST_SHOWN = 60
KINDS = {**_options.KINDS, dict: "an object", str: "text"}


def to_number(value: t.Any) -> int | None:
    """Return a number that the API sends as a JSON integer or as a string of ASCII digits; None for anything else."""
    if isinstance(value, str) and DIGITS.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_NUMBER else None


def host(value: str | None) -> str | None:
    """Return the name of a host; Databricks configurations hold a URL."""
    return value.rpartition("://")[2].partition("/")[0] if value else None


def text(value: t.Any, field: str, operation: Operation) -> str | None:
    """Return a text; None for null and for a field that is not there.

    :param field: its name in the API
    :param operation: the call that was answered
    :raises UnexpectedReply: it is anything else
    """
    if value is None or isinstance(value, str):
        return value
    raise _other(value, field, "text", operation)


def flag(value: t.Any, field: str, operation: Operation) -> bool | None:
    """Like C(text), for true and false."""
    if value is None or isinstance(value, bool):
        return value
    raise _other(value, field, "true or false", operation)


def _other(value: t.Any, field: str, wanted: str, operation: Operation) -> UnexpectedReply:
    return UnexpectedReply(
        f"In Immuta's answer to {operation.method} {operation.path} the field {field} is"
        f" {KINDS.get(type(value), 'something else')}, but {wanted} was expected.",
        hint="Run it again. If it fails the same way, this version of Immuta does not answer as documented.",
        method=operation.method,
        path=operation.path,
    )


def shown(value: t.Any) -> str:
    """Return any value for a message: short, and of something deep only the top."""
    return reprlib.repr(value) if isinstance(value, (list, dict)) else repr(value)[:LONGEST_SHOWN]


def folded(value: t.Any) -> t.Any:
    """Return a name as it is compared where two that may be one have to count as one: in any case, and quoted or not."""
    return value.strip('"`').casefold() if isinstance(value, str) else value


def same_name(one: t.Any, other: t.Any) -> bool:
    """Return whether two names are one for a platform: it takes a name in any case, but one in double quotes as it is."""
    return bool(_meant(one) == _meant(other))


def _meant(value: t.Any) -> t.Any:
    if not isinstance(value, str):
        return value
    if len(value) > 2 and value[0] == value[-1] == '"':
        return value[1:-1].replace('""', '"')
    return value.strip("`").upper()
