# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script in an answer of Immuta's: nothing else is taken for one, and no part of one."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import errors
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import (
    looks_like_html,
    message_of,
    not_immuta,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    RENDER_CLEANUP_SCRIPT,
    RENDER_EDIT_SCRIPT,
    RENDER_SETUP_SCRIPT,
    Operation,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply

OF_SETUP = frozenset({RENDER_SETUP_SCRIPT.name, RENDER_EDIT_SCRIPT.name})
TEXT_FIELDS = frozenset({"script", "sql", "content", "text"})


def text_of(reply: Reply, operation: Operation = RENDER_CLEANUP_SCRIPT) -> str:
    """Return the script in a reply: a JSON string, a JSON object with one documented field only, or plain text.

    :param operation: the call that was answered
    :raises UnexpectedReply: it is none of these, or an error that was sent as a success
    """
    if looks_like_html(reply):
        raise not_immuta(reply, operation, "a script")
    try:
        # A byte order mark is not part of a script.
        text = reply.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise not_immuta(reply, operation, "UTF-8 text") from None
    try:
        body = json.loads(text, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        # No statement begins with a brace or a bracket, but a JSON text that is cut off does.
        if "json" in reply.content_type.lower() or text.lstrip()[:1] in ("{", "["):
            raise not_immuta(reply, operation, "a script") from None
        body = text
    except _Twice:
        body = None
    if isinstance(body, dict):
        names = [name for name in body if name.lower() in TEXT_FIELDS]
        if not names:
            # It may quote a password that nobody knows yet.
            said = "" if operation.name in OF_SETUP else message_of(reply)
            raise no_script(f"is an error, or has an unknown form: {said}".rstrip(": "), reply.status, operation)
        if len(body) > 1:
            # A member beside the script may tell that it is not whole or belongs elsewhere. A message may quote the script.
            raise no_script(
                "has other fields beside the script, so it may be an error, or incomplete", reply.status, operation
            )
        body = body.get(names[0]) if names[0] in TEXT_FIELDS else None
    # JSON can hold half of a surrogate pair, which no file and no platform accepts.
    if not isinstance(body, str) or any("\ud800" <= character <= "\udfff" for character in body):
        raise not_immuta(reply, operation, "a script")
    return body


def no_script(
    why: str, status: int | None = None, operation: Operation = RENDER_CLEANUP_SCRIPT
) -> errors.UnexpectedReply:
    """Return the error for an answer of Immuta's that is not a script.

    :param why: the end of a sentence; never contains a part of a script
    """
    setup = operation.name in OF_SETUP
    return errors.UnexpectedReply(
        f"Immuta was asked for the {'set-up' if setup else 'clean-up'} script, and the answer {why.rstrip('.')}.",
        hint="Nothing was saved. Ask Immuta's support."
        if setup
        else "Nothing was replaced. Don't delete the connection before this is understood; ask Immuta's support.",
        method=operation.method,
        path=operation.path,
        status=status,
    )


class _Twice(Exception):
    """A JSON object has two members of one name: which of them counts differs between readers."""


def _members(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice
    return found
