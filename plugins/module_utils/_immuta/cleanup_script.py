# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clean-up scripts: have the script of an integration safe in a file, for as long as it can still be had.

After the connection is deleted Immuta can't render the script again: the file is then the only copy.
"""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    connection,
    errors,
    integration,
    options,
    script_file,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import (
    Client,
    looks_like_html,
    not_immuta,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import RENDER_CLEANUP_SCRIPT
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._sql.split import SplitError, split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import mask, secrets
from ansible_collections.community.immuta.plugins.module_utils._task import Context, Outcome

TEXT_FIELDS = ("script", "sql", "content", "text")
DIALECTS = {"snowflake": "snowflake", "databricks": "databricks"}

BY_HAND = (
    "Look for a copy of the script in backups. Without one, clean up by hand as an administrator of the platform: on"
    " Snowflake drop the Immuta database (often IMMUTA), the user <DATABASE>_SYSTEM_ACCOUNT and the role"
    " <DATABASE>_SYSTEM; on Databricks revoke the grants of Immuta's service principal and drop the Immuta catalog."
)


class NoCleanupScript(errors.ImmutaError):
    """This technology is cleaned up without a script."""

    code = "no_cleanup_script"


class Contradiction(errors.ImmutaError):
    """Immuta's answers don't fit together, so nothing is taken for true."""

    code = "contradiction"


class ScriptLost(errors.ImmutaError):
    """Immuta can't render the script any more, and no saved copy is there."""

    code = "script_lost"


@dataclasses.dataclass(frozen=True)
class Subject:
    """Whose script is wanted, as the task says it: by connection or by integration; unset means any."""

    url: str | None
    connection_key: str | None = None
    integration_id: int | None = None

    def __str__(self) -> str:
        if self.connection_key is not None:
            return f"the connection {self.connection_key!r}"
        return f"the integration {self.integration_id}"


@dataclasses.dataclass(frozen=True)
class Script:
    """The script that counts, and where it comes from.

    :ivar raw: the whole file
    :ivar source: C(immuta) when Immuta has just rendered it, C(saved) when only the file has it
    :ivar connection_exists: None when only the integration was asked for
    """

    owner: script_file.Owner
    body: str
    raw: bytes
    source: t.Literal["immuta", "saved"]
    connection_exists: bool | None


def dialect_of(technology: str) -> str | None:
    """The SQL dialect of a technology's script, or None for one that this collection can't split."""
    return next((dialect for prefix, dialect in DIALECTS.items() if technology.lower().startswith(prefix)), None)


def require_own(saved: script_file.Saved | None, subject: Subject) -> None:
    """Refuse a saved script of another tenant, connection or integration.

    :raises Refused: it is someone else's
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
            hint="Name another path, or move what is there away.",
        )
    if subject.integration_id is not None and owner.integration_id != subject.integration_id:
        raise errors.Refused(
            f"The script at {saved.path} belongs to the integration {owner.integration_id}, not to"
            f" {subject.integration_id}.",
            hint="Name another path, or move what is there away.",
        )


def fetch(client: Client, subject: Subject, saved: script_file.Saved | None, begun: bool = False) -> Script:
    """The script from Immuta, or the saved one when Immuta can't render it any more.

    :param saved: the file as it is now; C(require_own) has passed it
    :param begun: whether something of the saved one has run, which happens after the deletion only
    :raises NoCleanupScript: the technology has none
    :raises ScriptLost: neither Immuta nor the file has it
    :raises Contradiction: Immuta hides the connection or the script, but still uses the integration
    :raises Refused: the saved one is another integration's, or it is not known which integration is meant
    """
    exists = None
    in_use = None
    technology = ""
    number = subject.integration_id
    if subject.connection_key is not None:
        found, integrations = connection.look_up(client, subject.connection_key, listed_first=begun)
        exists = found is not None
        if found is None:
            if saved and not begun:
                _require_unused(
                    subject, next((one for one in integrations if one.id == saved.owner.integration_id), None)
                )
            return _only_saved(client, subject, saved, exists)
        technology = found.technology
        if not connection.technology_has_script(technology):
            raise NoCleanupScript(
                f"Connections of the technology {technology} (AWS Lake Formation) have no clean-up script.",
                hint="Delete the connection; there is nothing to run afterwards.",
                technology=technology,
            )
        number = number or connection.resolve_integration(client, found)
        if number is None and saved:
            # Immuta does not always say which integration it is; the saved script does.
            number = saved.owner.integration_id
        if number is None and found.listed_only:
            raise errors.Refused(
                f"Immuta lists {subject}, but does not describe it, so it is not known which integration is behind it.",
                hint="Run it again. If it stays so, find the integration in Immuta, and name it in integration_id.",
            )
    if number is None:
        return _only_saved(client, subject, saved, exists)
    if not technology:
        described = integration.get(client, number)
        if described is None:
            return _only_saved(client, subject, saved, exists)
        technology, in_use = described.type, described.in_use
    require_own(saved, dataclasses.replace(subject, integration_id=number))
    try:
        reply = client.find(RENDER_CLEANUP_SCRIPT, integration_id=number)
    except (errors.InvalidRequest, errors.Busy):
        # One that is listed but not in use any more may be refused instead of being unknown.
        if in_use is not False:
            raise
        reply = None
    if reply is None:
        if in_use is not False:
            _require_unused(subject, next((one for one in integration.list_all(client) if one.id == number), None))
        return _only_saved(client, subject, saved, exists)
    body = text_of(reply)
    owner = script_file.Owner(client.settings.url, subject.connection_key, number, technology, dialect_of(technology))
    return Script(owner, body, script_file.contents(owner, body), "immuta", exists)


def _require_unused(subject: Subject, left: integration.Integration | None) -> None:
    """Refuse to go on with a saved script while Immuta still governs through its integration.

    :param left: the integration, if it is listed
    """
    if left is None or not left.in_use or left.status in integration.ENDING_STATUSES:
        return
    raise Contradiction(
        f"Immuta's answers don't fit together: it says that {subject}, or the script of it, is not there, but its"
        f" integration {left.id} is listed as {left.status!r}. Nothing was changed.",
        hint="The API key may not see everything, or Immuta has kept the integration. Look at both in Immuta as an"
        f" administrator. If the connection is gone for certain, delete or disable the integration {left.id} there, and"
        " run this again.",
    )


def _only_saved(client: Client, subject: Subject, saved: script_file.Saved | None, exists: bool | None) -> Script:
    if saved is None:
        meant = []
        if subject.connection_key is not None and not exists:
            meant = connection.similar_keys(subject.connection_key, connection.list_all(client))
        raise ScriptLost(
            f"Immuta has no integration for {subject}, so it can't render the clean-up script, and no saved script is at"
            " path."
            if exists
            else f"Immuta at {client.settings.url} does not know {subject}, and no saved clean-up script is at path.",
            hint=f"Did you mean {' or '.join(map(repr, meant))}?" if meant else f"If it existed: {BY_HAND}",
            connection_exists=exists,
        )
    raw = script_file.contents(saved.owner, saved.body)
    return Script(saved.owner, saved.body, raw, "saved", exists)


def text_of(reply: Reply) -> str:
    """The script in the API's answer: a JSON string, a JSON object with one text field, or plain text.

    :raises UnexpectedReply: it is none of these, or empty
    """
    if looks_like_html(reply):
        raise not_immuta(reply, RENDER_CLEANUP_SCRIPT, "script")
    try:
        text = reply.body.decode("utf-8")
    except UnicodeDecodeError:
        raise not_immuta(reply, RENDER_CLEANUP_SCRIPT, "UTF-8 text") from None
    try:
        body = json.loads(text)
    except ValueError:
        if "json" in reply.content_type.lower():
            raise not_immuta(reply, RENDER_CLEANUP_SCRIPT, "script") from None
        body = text
    if isinstance(body, dict):
        texts = [body[name] for name in TEXT_FIELDS if isinstance(body.get(name), str)]
        texts = texts or [value for value in body.values() if isinstance(value, str)]
        body = texts[0] if len(texts) == 1 else None
    # JSON can write down half of a surrogate pair, which no file and no platform takes.
    if not isinstance(body, str) or any("\ud800" <= character <= "\udfff" for character in body):
        raise not_immuta(reply, RENDER_CLEANUP_SCRIPT, "script")
    if not body.strip():
        raise errors.UnexpectedReply(
            "Immuta answered with an empty clean-up script.",
            hint="Don't delete the connection before this is understood; ask Immuta's support.",
            method=RENDER_CLEANUP_SCRIPT.method,
            path=RENDER_CLEANUP_SCRIPT.path,
            status=reply.status,
        )
    return body


def ensure(context: Context) -> Outcome:
    """The work of the module C(immuta_cleanup_script).

    :raises Failure: with the file as it was before
    """
    work = {"present": _present, "executed": _executed, "absent": _absent}[context.params["state"]]
    path = context.params["path"]
    try:
        return work(context, path)
    except Failure as error:
        error.details.update(saved=_kept(context, path), tenant=_tenant(context))
        raise


def _tenant(context: Context) -> str | None:
    url = context.params["url"]
    return url.rstrip("/") if url else None


def _kept(context: Context, path: str) -> dict[str, t.Any] | None:
    """What is on the disk all the same when something has failed; None when that is nothing, or not to be used."""
    try:
        saved = _own_or_none(context, path)
        progress = journal.read(journal.journal_path(path))
    except Failure:
        return None
    if saved is None or not saved.intact:
        return None
    return {"path": path, "sha256": saved.sha256, "execution": _execution(progress)}


def _present(context: Context, path: str) -> Outcome:
    with options.client(context) as client:
        subject = Subject(client.settings.url, context.params["connection_key"], context.params["integration_id"])
        if subject.connection_key is None and subject.integration_id is None:
            raise errors.ConfigurationError("The option connection_key is empty.")
        script_file.require_writable(path)
        saved, progress, script = _settled(client, subject, path)
    context.hide(secrets(script.body, script.owner.dialect or "snowflake"))
    before = script_file.contents(saved.owner, saved.body) if saved else None
    sha256 = script_file.digest(script.raw)
    _require_expected(context.params["expected_sha256"], sha256)
    replaced = before != script.raw
    if progress.state != "none" and progress.sha256 != sha256:
        # One that was found beside a script of another digest says nothing of this one.
        if not replaced:
            journal.require_same(journal.journal_path(path), progress, sha256, progress.total or 0)
        raise errors.Refused(
            f"Immuta renders another script now than the one that is at {path}, and of that one statements have run.",
            hint="Look at the journal beside it to see what ran, move both files away, and run this again.",
            code="script_changed",
        )
    loose = saved is not None and saved.mode != script_file.MODE
    if not context.check_mode:
        if replaced:
            script_file.save(path, script.raw)
        elif loose:
            script_file.restrict(path)
    return Outcome(
        changed=replaced or loose,
        result={
            "path": path,
            "exists": saved is not None or not context.check_mode,
            "sha256": sha256,
            "size": len(script.raw),
            "source": script.source,
            "tenant": script.owner.url,
            "connection_key": script.owner.connection_key,
            "connection_exists": script.connection_exists,
            "integration_id": script.owner.integration_id,
            "technology": script.owner.technology,
            "dialect": script.owner.dialect,
            **_statements(script),
            "execution": _execution(progress),
        },
        diff={
            "before": _shown(saved.owner, saved.body, saved.mode) if saved else "",
            "after": _shown(script.owner, script.body, script_file.MODE),
            "before_header": path,
            "after_header": path,
        },
    )


def _settled(client: Client, subject: Subject, path: str) -> tuple[script_file.Saved | None, journal.Progress, Script]:
    """The saved script, what its journal says, and the script that counts, all of the same moment.

    Another run may save the script and delete the connection while Immuta is asked here. What Immuta said is of no use
    then, and is asked again.
    """
    while True:
        saved = script_file.read(path)
        require_own(saved, subject)
        _require_intact(saved)
        progress = journal.read(journal.journal_path(path))
        try:
            script = fetch(client, subject, saved, begun=saved is not None and progress.state != "none")
        except errors.ImmutaError:
            if script_file.read(path) == saved:
                raise
        else:
            if script_file.read(path) == saved:
                return saved, progress, script


def _executed(context: Context, path: str) -> Outcome:
    expected = context.params["expected_sha256"]
    saved = _own_or_none(context, path)
    place = journal.journal_path(path)
    before = progress = journal.read(place)
    changed = progress.state != "finished"
    if saved is not None:
        _require_expected(expected, saved.sha256)
        total = _total(saved)
        journal.require_same(place, progress, saved.sha256, total)
        if changed and not context.check_mode:
            journal.mark_finished(place, sha256=saved.sha256, total=total, by="operator")
            progress = journal.read(place)
    elif context.check_mode:
        context.warn(f"The script {path} is not there. {journal.UNLESS_SAVED}")
    else:
        raise errors.Refused(f"There is no saved script at {path}.", hint="Check the option path.")
    return Outcome(
        changed,
        {"path": path, "sha256": saved.sha256 if saved else expected, "execution": _execution(progress)},
        diff={
            "before": f"{before.state}\n",
            "after": "finished\n",
            "before_header": place,
            "after_header": place,
        },
    )


def _total(saved: script_file.Saved) -> int:
    """How many statements there are; 0 when that can't be told, as of a script that only people can run."""
    try:
        return len(split(saved.body, saved.owner.dialect)) if saved.owner.dialect else 0
    except SplitError:
        return 0


def _absent(context: Context, path: str) -> Outcome:
    saved = _own_or_none(context, path)
    place = journal.journal_path(path)
    progress = journal.read(place)
    if saved is not None and progress.state != "finished":
        context.warn(
            f"The script at {path} had not run to its end. Once its connection is deleted it can't be had again."
        )
    changed = saved is not None or os.path.lexists(place)
    shown = ""
    if saved is not None:
        context.hide(secrets(saved.body, saved.owner.dialect or "snowflake"))
        shown = _shown(saved.owner, saved.body, saved.mode)
    if changed and not context.check_mode:
        # In this order: a script without its journal would seem never to have run.
        with journal.removing(place):
            if saved is not None:
                script_file.remove(path)
    return Outcome(
        changed,
        {"path": path},
        diff={
            "before": f"journal: {progress.state}\n{shown}" if changed else "",
            "after": "",
            "before_header": path,
            "after_header": path,
        },
    )


def _own_or_none(context: Context, path: str) -> script_file.Saved | None:
    params = context.params
    saved = script_file.read(path)
    require_own(saved, Subject(_tenant(context), params["connection_key"], params["integration_id"]))
    return saved


def _require_intact(saved: script_file.Saved | None) -> None:
    if saved is not None and not saved.intact:
        raise errors.Refused(
            f"The script at {saved.path} was changed after it was saved.",
            hint="Move it away to have it fetched anew while the connection still exists, or restore it from a copy. To"
            " run the changed one, give the file itself to the platform's script module.",
        )


def _require_expected(expected: str | None, sha256: str) -> None:
    if expected and expected.lower() != sha256:
        raise errors.Refused(
            f"The clean-up script has the sha256 {sha256}, but expected_sha256 is {expected}.",
            hint="It is not the one that was approved: look at it, and approve it anew if it is right.",
            code="script_changed",
        )


def _statements(script: Script) -> dict[str, t.Any]:
    """The list of statements; a script that can't be split is still worth saving."""
    if script.owner.dialect is None:
        return {"statements": [], "split_error": None}
    try:
        statements = split(script.raw.decode(), script.owner.dialect)
    except SplitError as error:
        return {"statements": [], "split_error": error.as_dict()}
    return {"statements": [one.describe() for one in statements], "split_error": None}


def _execution(progress: journal.Progress) -> dict[str, t.Any]:
    return {"state": progress.state, "done": len(progress.done), "total": progress.total}


def _shown(owner: script_file.Owner, body: str, mode: int) -> str:
    """A file as a diff may show it."""
    return f"mode: {mode:04o}\n{mask(body, owner.dialect or 'snowflake')}"
