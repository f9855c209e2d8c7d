# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clean-up scripts: ask Immuta to render one, or fall back to the saved one.

After its connection is deleted, Immuta can't render a script again: the saved file is then the only copy.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    connection,
    errors,
    integration,
    saved_script,
    technologies,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import (
    Client,
    looks_like_html,
    message_of,
    not_immuta,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.neighbours import Neighbours
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import RENDER_CLEANUP_SCRIPT
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply

TEXT_FIELDS = frozenset({"script", "sql", "content", "text"})
BY_HAND = (
    "Look for a copy of the script in backups. Without one, clean up by hand as an administrator of the platform: on"
    " Snowflake drop the Immuta database (often IMMUTA), the user <DATABASE>_SYSTEM_ACCOUNT and the role"
    " <DATABASE>_SYSTEM; on Databricks revoke the grants of Immuta's service principal and drop the Immuta catalog."
)


class NoCleanupScript(errors.ImmutaError):
    """Immuta has no script for connections of this technology.

    :param technology: in Immuta's words
    """

    code = "no_cleanup_script"

    def __init__(self, technology: str) -> None:
        about = technologies.of(technology)
        super().__init__(
            f"Immuta has no clean-up script for connections of the technology {technology!r} ({about.title}).",
            hint=f"Delete the connection. Look on the platform for {about.left}, which may be left there.",
            technology=technology,
            left_on_platform=about.left,
        )


class ScriptUnknown(errors.Refused):
    """Nobody here knows whether Immuta has a script for connections of this technology.

    :param subject: whose script is wanted
    :param technology: in Immuta's words
    """

    code = "script_unknown"

    def __init__(self, subject: Subject, technology: str) -> None:
        about = technologies.of(technology)
        super().__init__(
            f"It is not known whether Immuta has a clean-up script for {subject}: its technology is {technology!r}"
            f" ({about.title}), and Immuta renders none for it. Nothing was changed.",
            hint="Look in Immuta for a script, and save what it has. To go on without one, set without_script (in the"
            f" role immuta_deregister_without_script) to true; on the platform may be left: {about.left}.",
            technology=technology,
        )


class EmptyScript(errors.ImmutaError):
    """The script holds no statement, which is more likely an error of Immuta's than the truth."""

    code = "empty_script"


class Contradiction(errors.ImmutaError):
    """Immuta's answers contradict each other, so none is believed."""

    code = "contradiction"


class ScriptLost(errors.ImmutaError):
    """Immuta can't render the script any more, and there is no saved copy."""

    code = "script_lost"


@dataclasses.dataclass(frozen=True)
class Subject:
    """Whose script is wanted: that of a connection or of an integration. None means any."""

    url: str | None
    connection_key: str | None = None
    integration_id: int | None = None

    def __str__(self) -> str:
        if self.connection_key is not None:
            return f"the connection {self.connection_key!r}"
        return f"the integration {self.integration_id}"


@dataclasses.dataclass(frozen=True)
class Rendered:
    """The script to use, and its origin.

    :ivar body: as Immuta rendered it
    :ivar raw: the whole file, its first line included
    :ivar source: C(immuta) when Immuta has just rendered it, C(saved) when only the file has it
    :ivar connection_exists: None when only the integration was asked for
    :ivar made: what the integration has made, as its configuration names it; None when Immuta does not tell any more
    :ivar status: that of the integration, in Immuta's words; None when it was not described
    """

    owner: saved_script.Owner
    body: str
    raw: bytes
    source: t.Literal["immuta", "saved"]
    connection_exists: bool | None
    made: dict[str, str] | None = None
    status: str | None = None


def require_own(saved: saved_script.Saved | None, subject: Subject) -> None:
    """Refuse a saved script of another tenant, connection or integration.

    :raises Refused: it belongs to another one
    """
    if saved is None:
        return
    owner = saved.owner
    if subject.url is not None and owner.url != subject.url:
        raise errors.Refused(
            f"The script at {saved.path} was saved from {owner.url}, but this task asks {subject.url}.",
            hint="Use the URL that it was saved from, or name another path.",
        )
    if subject.connection_key is not None and owner.connection_key not in (None, subject.connection_key):
        raise errors.Refused(
            f"The script at {saved.path} belongs to the connection {owner.connection_key!r}, not to {subject}.",
            hint=saved_script.CHOOSE_ANOTHER,
        )
    if subject.integration_id is not None and owner.integration_id != subject.integration_id:
        raise errors.Refused(
            f"The script at {saved.path} belongs to the integration {owner.integration_id}, not to"
            f" {subject.integration_id}.",
            hint=saved_script.CHOOSE_ANOTHER,
        )


def fetch(
    client: Client,
    subject: Subject,
    saved: saved_script.Saved | None,
    started: bool = False,
    finished: bool = False,
    *,
    without_script: bool = False,
) -> Rendered:
    """Return the script from Immuta, or the saved one when Immuta can't render it any more.

    :param saved: the file as it is now; it must have passed C(require_own)
    :param started: whether a part of the saved script has run, which happens only after the deletion
    :param finished: whether it has run to its end
    :param without_script: whether a technology of which that is not known counts as one without a script
    :raises NoCleanupScript: the technology has none
    :raises ScriptUnknown: it may have one, but Immuta renders none
    :raises ScriptLost: neither Immuta nor the file has it
    :raises Contradiction: Immuta hides the connection or the script, but still uses the integration; or it names
        another technology than that of a saved script that has not run
    :raises Refused: the saved script is that of another integration, or it is unknown which integration is meant
    """
    return _Fetch(client, subject, saved, finished, without_script).run(started)


class _Fetch:
    """One search for a script; what is learned about its owner on the way is kept in the attributes."""

    def __init__(
        self,
        client: Client,
        subject: Subject,
        saved: saved_script.Saved | None,
        finished: bool,
        without_script: bool,
    ) -> None:
        self._client = client
        self._without_script = without_script
        self._subject = subject
        self._saved = saved
        self._to_run = None if finished else saved
        self._exists: bool | None = None
        self._technology = ""
        self._hosts: list[str | None] = []
        # Whether Immuta still governs through the integration, if that is known.
        self._in_use: bool | None = None
        self._made: dict[str, str] | None = None
        self._status: str | None = None

    def run(self, started: bool) -> Rendered:
        number = self._subject.integration_id
        if self._subject.connection_key is not None:
            found = self._look_up(self._subject.connection_key, started)
            number = self._integration_of(found) if found else None
        if number is None or not self._describe(number):
            return self._only_saved()
        require_own(self._saved, dataclasses.replace(self._subject, integration_id=number))
        reply = self._render(number)
        if reply is None:
            return self._only_saved()
        body = text_of(reply)
        owner = saved_script.Owner(
            url=self._client.settings.url,
            connection_key=self._subject.connection_key,
            integration_id=number,
            technology=self._technology,
            dialect=technologies.of(self._technology).dialect,
            hosts=tuple(dict.fromkeys(host for host in self._hosts if host)),
        )
        raw = saved_script.contents(owner, body)
        if len(raw) > saved_script.LARGEST:
            raise no_script(
                f"makes a file of {len(raw)} bytes, more than the {saved_script.LARGEST} that can be kept", reply.status
            )
        return Rendered(owner, body, raw, "immuta", self._exists, self._made, self._status)

    def _look_up(self, key: str, started: bool) -> connection.Connection | None:
        found, integrations = connection.look_up(self._client, key, listed_first=started)
        self._exists = found is not None
        if found is None and self._saved:
            number = self._saved.owner.integration_id
            self._made = next((listed.made for listed in integrations if listed.id == number), None)
            if not started:
                self._require_unused(integrations, number)
        return found

    def _integration_of(self, found: connection.Connection) -> int | None:
        self._know_technology(found.technology)
        self._hosts.append(found.hostname)
        if technologies.of(found.technology).script == "no":
            raise NoCleanupScript(found.technology)
        others = Neighbours(self._client, found)
        number = found.integration_id
        if number is None:
            number = others.choose(others.candidates())
        if number is None and self._saved:
            # Immuta does not always name the integration; the saved script does.
            number = self._saved.owner.integration_id
        if number is not None:
            others.require_unshared(number)
        elif technologies.of(found.technology).script == "unknown":
            raise self._unknown(found.technology)
        if number is None and found.listed_only:
            raise errors.Refused(
                f"Immuta lists {self._subject}, but does not describe it, so it is not known which integration is"
                " behind it.",
                hint="Run it again. If it stays so, find the integration in Immuta, and name it in integration_id.",
            )
        return number

    def _require_known(self) -> None:
        """Refuse to take a script that Immuta does not render for a fault, where there may be none at all."""
        if technologies.of(self._technology).script == "unknown":
            raise self._unknown(self._technology)

    def _unknown(self, technology: str) -> errors.ImmutaError:
        # A script that was saved is one that there is.
        if self._without_script and self._saved is None:
            return NoCleanupScript(technology)
        return ScriptUnknown(self._subject, technology)

    def _describe(self, number: int) -> bool:
        """Find out host and technology of an integration; return whether it may exist."""
        described = integration.get(self._client, number)
        if described is not None:
            self._hosts.append(described.host)
            self._made = described.made
            self._status = described.status
        if self._technology:
            return True
        if described is None:
            return False
        self._in_use = described.in_use
        self._know_technology(described.type)
        return True

    def _know_technology(self, technology: str) -> None:
        self._technology = technology
        saved = self._to_run
        if saved is None or not technology or not saved.owner.technology:
            return
        dialect = technologies.of(technology).dialect
        if technology.lower() != saved.owner.technology.lower() and (not dialect or dialect != saved.owner.dialect):
            raise Contradiction(
                f"Immuta's answers don't fit together: {self._subject} is {technology} now, but the script at"
                f" {saved.path} was saved when it was {saved.owner.technology}, and has not run to its end. Nothing was"
                " changed.",
                hint="Look at it in Immuta as an administrator. If it is right, run the saved script, or find out that"
                " it isn't needed, move it away, and run this again.",
            )

    def _render(self, number: int) -> Reply | None:
        try:
            reply = self._client.find(RENDER_CLEANUP_SCRIPT, integration_id=number)
        except (errors.InvalidRequest, errors.Busy) as refused:
            if self._exists and isinstance(refused, errors.InvalidRequest):
                self._require_known()
            # An integration that is listed but out of use may be refused instead of answered with 404.
            if self._in_use is not False:
                raise
            return None
        if reply is None and self._in_use is not False:
            self._require_unused(integration.list_all(self._client), number)
        return reply

    def _require_unused(self, integrations: t.Iterable[integration.Integration], number: int) -> None:
        """Refuse to go on with a saved script while Immuta still governs through its integration."""
        left = next((listed for listed in integrations if listed.id == number), None)
        if left is None or not left.in_use or left.status in integration.ENDING_STATUSES:
            return
        raise Contradiction(
            f"Immuta's answers don't fit together: it says that {self._subject}, or the script of it, is not there, but"
            f" its integration {left.id} is listed as {left.status!r}. Nothing was changed.",
            hint="The API key may not see everything, or Immuta has kept the integration. Look at both in Immuta as an"
            f" administrator. If the connection is gone for certain, delete or disable the integration {left.id} there,"
            " and run this again.",
        )

    def _only_saved(self) -> Rendered:
        saved = self._saved
        if saved is not None:
            raw = saved_script.contents(saved.owner, saved.body)
            return Rendered(saved.owner, saved.body, raw, "saved", self._exists, self._made, self._status)
        if self._exists:
            message = (
                f"Immuta has no integration for {self._subject}, so it can't render the clean-up script, and no saved"
                " script is at path."
            )
        else:
            message = (
                f"Immuta at {self._client.settings.url} does not know {self._subject}, and no saved clean-up script is"
                " at path."
            )
        raise ScriptLost(message, hint=self._whose_script_is_meant(), connection_exists=self._exists)

    def _whose_script_is_meant(self) -> str:
        key = self._subject.connection_key
        if key is not None and not self._exists:
            similar = connection.similar_keys(key, connection.list_all(self._client))
            if similar:
                return f"Did you mean {' or '.join(map(repr, similar))}?"
        return f"If it existed: {BY_HAND}"


def text_of(reply: Reply) -> str:
    """Return the script in a reply: a JSON string, a JSON object with one documented field only, or plain text.

    :raises UnexpectedReply: it is none of these, or an error that was sent as a success
    """
    if looks_like_html(reply):
        raise not_immuta(reply, RENDER_CLEANUP_SCRIPT, "a script")
    try:
        # A byte order mark is no part of a script.
        text = reply.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise not_immuta(reply, RENDER_CLEANUP_SCRIPT, "UTF-8 text") from None
    try:
        body = json.loads(text, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        # No statement begins with a brace or a bracket, but a JSON text that is cut off does.
        if "json" in reply.content_type.lower() or text.lstrip()[:1] in ("{", "["):
            raise not_immuta(reply, RENDER_CLEANUP_SCRIPT, "a script") from None
        body = text
    except _Twice:
        body = None
    if isinstance(body, dict):
        names = [name for name in body if name.lower() in TEXT_FIELDS]
        if not names:
            raise no_script(f"is an error, or unknown: {message_of(reply)}".rstrip(": "), reply.status)
        if len(body) > 1:
            # A member beside the script may tell that it is not whole or belongs elsewhere. A message may quote the script.
            raise no_script("has more than a script, so that it may be an error or a part of one", reply.status)
        body = body.get(names[0]) if names[0] in TEXT_FIELDS else None
    # JSON can hold half of a surrogate pair, which no file and no platform accepts.
    if not isinstance(body, str) or any("\ud800" <= character <= "\udfff" for character in body):
        raise not_immuta(reply, RENDER_CLEANUP_SCRIPT, "a script")
    return body


def no_script(why: str, status: int | None = None) -> errors.UnexpectedReply:
    """Return the error for an answer of Immuta's that is no clean-up script.

    :param why: the end of a sentence; never holds a part of a script
    """
    return errors.UnexpectedReply(
        f"Immuta was asked for the clean-up script, and the answer {why.rstrip('.')}.",
        hint="Nothing was replaced. Don't delete the connection before this is understood; ask Immuta's support.",
        method=RENDER_CLEANUP_SCRIPT.method,
        path=RENDER_CLEANUP_SCRIPT.path,
        status=status,
    )


class _Twice(Exception):
    """A JSON object has two members of one name: which of them counts differs between readers."""


def _members(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice
    return found
