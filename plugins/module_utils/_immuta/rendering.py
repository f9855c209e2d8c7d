# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clean-up scripts: ask Immuta to render one, or fall back to the saved one.

After its connection is deleted, Immuta can't be relied on to render a script again: the saved file is then the only copy. If
it is lost, too, what Immuta still lists of the integration, or what is known of its configuration, may lead to a script.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    configuration,
    connection,
    errors,
    integration,
    no_script,
    occupied,
    regeneration,
    saved_script,
    script_file,
    script_text,
    technologies,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.neighbours import Neighbours
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    REGENERATE_CLEANUP_SCRIPT,
    RENDER_CLEANUP_SCRIPT,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply


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


Source = t.Literal["immuta", "saved", "regenerated"]


@dataclasses.dataclass(frozen=True)
class Rendered:
    """The script to use, and its origin.

    :ivar body: as Immuta rendered it
    :ivar raw: the whole file, its first line included
    :ivar source: C(immuta) when Immuta has just rendered it for its integration, C(saved) when only the file has it,
        C(regenerated) when Immuta has rendered it from a configuration, now or when the file was saved
    :ivar connection_exists: None when only the integration was asked for
    :ivar made: what the integration created, as its configuration names it; None if Immuta no longer tells
    :ivar status: that of the integration, in Immuta's words; None when it was not described
    :ivar leaves: whether the saved script has finished, and is that of another integration, which the connection had before
    :ivar others: what else is in use on its platform; none for a script that has run to its end
    """

    owner: saved_script.Owner
    body: str
    raw: bytes
    source: Source
    connection_exists: bool | None
    made: dict[str, str] | None = None
    status: str | None = None
    leaves: bool = False
    others: tuple[occupied.Other, ...] = ()


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
            hint=script_file.CHOOSE_ANOTHER,
        )
    # Of a regenerated one the integration may not be known.
    if subject.integration_id is not None and owner.integration_id not in (None, subject.integration_id):
        raise errors.Refused(
            f"The script at {saved.path} belongs to the integration {owner.integration_id}, not to"
            f" {subject.integration_id}.",
            hint=script_file.CHOOSE_ANOTHER,
        )


def fetch(
    client: Client,
    subject: Subject,
    saved: saved_script.Saved | None,
    started: bool = False,
    finished: bool = False,
    *,
    without_script: bool = False,
    known: Configuration | None = None,
    rules: occupied.Rules = occupied.NO_RULES,
) -> Rendered:
    """Return the script from Immuta, or the saved one when Immuta can't render it any more, or else one regenerated.

    :param saved: the file as it is now; it must have passed C(require_own)
    :param started: whether a part of the saved script has run, which happens only after the deletion
    :param finished: whether it has run to its end
    :param without_script: whether to treat a technology as one without a script if that is not known
    :param known: what is known of the integration's configuration, for when neither Immuta nor the file has the script
    :param rules: what is known elsewhere of platforms and credentials
    :raises NoCleanupScript: the technology has none
    :raises ScriptUnknown: it may have one, but Immuta renders none
    :raises ScriptLost: neither Immuta nor the file has it, and none can be regenerated
    :raises Contradiction: Immuta hides the connection or the script, but still uses the integration; or it names
        another technology than that of a saved script that has not run
    :raises Refused: the saved script or C(known) is that of another integration, it is unknown which integration is meant,
        or another one in use is, or may be, in the place of a script that has not run to its end
    """
    return _Fetch(client, subject, saved, (started, finished), without_script, known, rules).run()


class _Fetch:
    """One search for a script; what is learned about its owner on the way is kept in the attributes."""

    def __init__(
        self,
        client: Client,
        subject: Subject,
        saved: saved_script.Saved | None,
        ran: tuple[bool, bool],
        without_script: bool,
        known: Configuration | None,
        rules: occupied.Rules,
    ) -> None:
        self._client = client
        self._without_script = without_script
        self._subject = subject
        self._saved = saved
        self._started, self._finished = ran
        self._to_run = None if self._finished else saved
        self._exists: bool | None = None
        self._technology = ""
        self._hosts: list[str | None] = []
        # What Immuta tells of the integration.
        self._described: integration.Integration | None = None
        self._integrations: list[integration.Integration] | None = None
        self._known = known
        self._rules = rules
        self._made: dict[str, str] | None = None
        self._status: str | None = None
        self._leaves = False
        # As Immuta describes them.
        self._connections: list[connection.Connection] = []

    def run(self) -> Rendered:
        number = self._subject.integration_id
        if self._subject.connection_key is not None:
            found = self._look_up(self._subject.connection_key)
            number = self._integration_of(found) if found else None
        if number is None or not self._describe(number):
            return self._without_immuta()
        self._leave_former(number)
        require_own(self._saved, dataclasses.replace(self._subject, integration_id=number))
        reply = self._render(number)
        return self._rendered(reply, self._configuration(number)) if reply else self._without_immuta()

    def _leave_former(self, number: int) -> None:
        """Take no notice of a finished script of a former integration: the connection has come back with another one."""
        if self._finished and self._saved and self._saved.owner.is_former(self._subject.connection_key, number):
            self._saved = self._to_run = None
            self._started = self._finished = False
            self._leaves = True

    def _configuration(self, number: int) -> Configuration:
        """Return the integration's configuration, as Immuta returned it."""
        host = next((host for host in self._hosts if host), None)
        found = self._described or integration.Integration(number, "", "")
        return configuration.of(found, self._technology, host, secret=self._rules.secret)

    def _listed(self) -> list[integration.Integration]:
        self._integrations = integration.list_all(self._client) if self._integrations is None else self._integrations
        return self._integrations

    def _require_free(
        self, known: Configuration, hosts: t.Iterable[str | None], *, regenerated: bool = False
    ) -> tuple[occupied.Other, ...]:
        """Refuse a script that may still be run where another integration is in use; return what else is on the platform."""
        if self._finished:
            return ()
        place = occupied.Place(known, (*hosts, known.host), self._exists, self._started, regenerated)
        occupied.require_free(place, self._listed(), self._rules)
        return tuple(occupied.others(place, self._listed(), self._connections, self._rules))

    def _rendered(self, reply: Reply, known: Configuration, *, regenerated: bool = False) -> Rendered:
        """Return the script in an answer of Immuta's."""
        operation = REGENERATE_CLEANUP_SCRIPT if regenerated else RENDER_CLEANUP_SCRIPT
        body = script_text.text_of(reply, operation)
        others = self._require_free(known, self._hosts, regenerated=regenerated)
        technology = known.type or self._technology
        hosts = (*self._hosts, known.host)
        owner = saved_script.Owner(
            url=self._client.settings.url,
            connection_key=self._subject.connection_key,
            integration_id=known.id,
            technology=technology,
            dialect=technologies.of(technology).dialect,
            hosts=tuple(dict.fromkeys(host for host in hosts if host and configuration.fits("host", host))),
            config=known,
            regenerated=regenerated,
        )
        raw = saved_script.contents(owner, body)
        if len(raw) > script_file.LARGEST:
            raise script_text.no_script(
                f"makes a file of {len(raw)} bytes, more than the {script_file.LARGEST} that can be kept",
                reply.status,
                operation,
            )
        made = known.made if regenerated else self._made
        source: Source = "regenerated" if regenerated else "immuta"
        return Rendered(owner, body, raw, source, self._exists, made, self._status, self._leaves, others)

    def _look_up(self, key: str) -> connection.Connection | None:
        found, integrations, listed = connection.look_up(self._client, key, listed_first=self._started)
        self._exists = found is not None
        self._integrations = None if found else integrations
        if found is None and (self._to_run or self._known):
            technology = self._saved.owner.technology if self._saved else (self._known.type if self._known else None)
            gone = connection.Connection(key, technology or "")
            self._connections = Neighbours(self._client, gone, known=listed).described
        if found is None and self._saved:
            number = self._saved.owner.integration_id
            self._made = next((listed.made for listed in integrations if listed.id == number), None)
            if not self._started:
                self._require_unused(integrations, number)
        return found

    def _integration_of(self, found: connection.Connection) -> int | None:
        self._know_technology(found.technology)
        self._hosts.append(found.hostname)
        if technologies.of(found.technology).script == "no":
            raise no_script.NoCleanupScript(found.technology)
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
                hint="Run it again. If it fails the same way, find the integration in Immuta, and name it in"
                " integration_id.",
            )
        if number is not None or self._to_run or self._known:
            self._connections = others.described
        return number

    def _require_known(self) -> None:
        """Refuse if Immuta renders no script and it is not known whether the technology has one."""
        if technologies.of(self._technology).script == "unknown":
            raise self._unknown(self._technology)

    def _unknown(self, technology: str) -> errors.ImmutaError:
        # A script that was saved is one that there is.
        if self._without_script and self._saved is None:
            return no_script.NoCleanupScript(technology)
        return no_script.ScriptUnknown(self._subject, technology)

    def _describe(self, number: int) -> bool:
        """Find out host and technology of an integration; return whether it may exist."""
        described = integration.get(self._client, number)
        self._described = described
        if described is not None:
            self._hosts.append(described.host)
            self._made = described.made
            self._status = described.status
        if self._technology:
            return True
        if described is None:
            return False
        self._know_technology(described.type)
        return True

    def _know_technology(self, technology: str) -> None:
        self._technology = technology
        saved = self._to_run
        if saved is None or not technology or not saved.owner.technology:
            return
        dialect = technologies.of(technology).dialect
        if technology.lower() != saved.owner.technology.lower() and (not dialect or dialect != saved.owner.dialect):
            raise no_script.Contradiction(
                f"Immuta's answers don't fit together: {self._subject} is {technology} now, but the script at"
                f" {saved.path} was saved when it was {saved.owner.technology}, and has not run to its end. Nothing was"
                " changed.",
                hint="Check it in Immuta as an administrator. If Immuta is right, run the saved script, or"
                " make sure that it isn't needed; then move it away, and run this again.",
            )

    def _render(self, number: int) -> Reply | None:
        try:
            reply = self._client.find(RENDER_CLEANUP_SCRIPT, integration_id=number)
        except (errors.InvalidRequest, errors.Busy) as refused:
            if self._exists and isinstance(refused, errors.InvalidRequest):
                self._require_known()
            # An integration that is listed but out of use may be refused instead of answered with 404.
            if self._described is None or not self._described.may_have_no_script:
                raise
            return None
        if reply is None and (self._described is None or self._described.in_use):
            self._require_unused(integration.list_all(self._client), number)
        return reply

    def _require_unused(self, integrations: t.Iterable[integration.Integration], number: int | None) -> None:
        """Refuse to continue with a saved script while Immuta still governs through its integration."""
        left = next((listed for listed in integrations if listed.id == number), None)
        if left is None or not left.in_use or left.status in integration.ENDING_STATUSES:
            return
        first = (
            "" if self._saved else f" Save its script first, with immuta_cleanup_script and integration_id={left.id}."
        )
        raise no_script.Contradiction(
            f"Immuta's answers don't fit together: it says that {self._subject} or its script does not exist,"
            f" but lists its integration {left.id} as {left.status!r}. Nothing was changed.",
            hint="The API key may not see everything, or Immuta has kept the integration. Check both in Immuta"
            f" as an administrator.{first} If another connection has the integration {left.id}, leave it alone. If none has it, and"
            " this connection is certainly gone, delete or disable the integration there, and run this again.",
        )

    def _without_immuta(self) -> Rendered:
        """Return the saved script, or one that is had in another way."""
        saved = self._saved
        if saved is None:
            return self._another_way()
        owner = saved.owner
        own = owner.config or Configuration(type=owner.technology or None, id=owner.integration_id)
        listed = self._described or next((one for one in self._integrations or () if one.id == own.id), None)
        if regeneration.is_outdated(saved, own, self._known, self._told(listed), started=self._started):
            return self._another_way()
        others = self._require_free(own, owner.hosts, regenerated=owner.regenerated)
        raw = saved_script.contents(owner, saved.body)
        made = self._made or (owner.config.made if owner.config else None)
        source: Source = "regenerated" if owner.regenerated else "saved"
        return Rendered(owner, saved.body, raw, source, self._exists, made, self._status, others=others)

    def _told(self, listed: integration.Integration | None) -> Configuration:
        return configuration.of(listed, self._technology, secret=self._rules.secret) if listed else Configuration()

    def _another_way(self) -> Rendered:
        """Ask for the script of the integration that is still listed, and then for that of its configuration."""
        asked = Configuration(type=self._technology or None, id=self._subject.integration_id)
        listed = self._described
        if listed is None:
            if self._known is None:
                raise self._lost(asked)
            listed = regeneration.find(self._known, self._listed())
        known = regeneration.agreed(self._known, self._told(listed), asked)
        if listed is not None and self._described is None:
            self._described = listed
            self._require_unused(self._listed(), listed.id)
            if reply := self._render(listed.id):
                self._made = listed.made
                return self._rendered(reply, known)
        if why := regeneration.obstacle(known):
            raise self._lost(known, why)
        self._require_free(known, [], regenerated=True)
        answer, refused = regeneration.ask(self._client, known)
        if answer is None:
            raise self._lost(known, f"It refused to regenerate one ({'; '.join(refused)}).")
        return self._rendered(answer, known, regenerated=True)

    def _lost(self, known: Configuration, why: str = "") -> no_script.ScriptLost:
        nowhere = "the saved one is of another configuration" if self._saved else "no saved clean-up script is at path"
        message = f"Immuta at {self._client.settings.url} does not know {self._subject}"
        if self._exists:
            message = f"Immuta has no integration for {self._subject}, so it can't render the clean-up script"
        similar = self._similar_keys()
        return no_script.ScriptLost(
            f"{message}, and {nowhere}. {why}".rstrip(),
            known=known,
            hint=f"Did you mean {' or '.join(map(repr, similar))}?" if similar else "",
            connection_exists=self._exists,
            similar_keys=similar,
        )

    def _similar_keys(self) -> list[str]:
        key = self._subject.connection_key
        if key is None or self._exists:
            return []
        return connection.similar_keys(key, connection.list_all(self._client))
