# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(immuta_cleanup_script): keep a clean-up script safe in a file for as long as Immuta can render it."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _durability, _redact
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, require_digest
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    configuration,
    errors,
    no_script,
    occupied,
    options,
    rendering,
    saved_script,
    script_file,
    script_text,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import Connection, similar_keys
from ansible_collections.community.immuta.plugins.module_utils._immuta.rendering import Rendered, Subject
from ansible_collections.community.immuta.plugins.module_utils._immuta.saved_script import Owner, Saved
from ansible_collections.community.immuta.plugins.module_utils._sql import (
    by_hand,
    credentials,
    forms,
    hosts,
    journal,
    made_by,
    needed,
    verbs,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.report import execution
from ansible_collections.community.immuta.plugins.module_utils._sql.session import Session
from ansible_collections.community.immuta.plugins.module_utils._sql.split import SplitError, split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement
from ansible_collections.community.immuta.plugins.module_utils._work import former, since

# The errors that mean that there is no script; the module did not fail.
WITHOUT = ("no_cleanup_script", "script_lost")
REGENERATED = (
    "Immuta did not render this script for the integration, but regenerated it from what is known of its"
    " configuration. It may miss something, or remove objects that are not Immuta's: read it before you run it."
)


def may_be_shown(field: str, value: t.Any) -> bool:
    """Return whether a field of the option C(integration_config) holds no secret, for all that is known."""
    return value == "" or configuration.fits(field, value, secret=forms.holds)


def ensure(context: Context) -> Outcome:
    """Implement the module C(immuta_cleanup_script).

    :raises Failure: the file is as it was before
    """
    state = {"present": _present, "executed": _executed, "absent": _absent}[context.params["state"]]
    path = context.params["path"]
    try:
        return state(context, path)
    except Failure as error:
        error.details.update(saved=_still_usable(context, path), tenant=options.tenant(context.params))
        if isinstance(error, no_script.ScriptLost):
            _explain_by_hand(error, context.params["connection_key"], path)
        if context.params["script_required"] or error.code not in WITHOUT:
            raise
        return Outcome(False, {"path": path, "exists": False, "msg": str(error), "failure": error.as_dict()})


def _explain_by_hand(error: no_script.ScriptLost, key: str | None, path: str) -> None:
    """Tell what is left to people, unless it is likelier that the key is misspelt."""
    error.details.update(integration_config=error.known.as_dict())
    if error.details.get("similar_keys"):
        return
    beside = [Connection(one, "") for one in saved_script.keys_beside(path) if one != key]
    if similar := similar_keys(key, beside) if key else []:
        error.details["similar_keys"] = similar
        error.hint = f"Did you mean {' or '.join(map(repr, similar))}, whose script is in {os.path.dirname(path)}?"
    else:
        error.details["by_hand"] = steps = by_hand.steps(error.known.type, error.known.made, error.known.host)
        error.hint = f"If it existed: {by_hand.FIRST} {' '.join(steps)}"


def _still_usable(context: Context, path: str) -> dict[str, t.Any] | None:
    """Return what a failed task reports of the script on the disk; None if there is no usable one."""
    try:
        saved = _own_or_none(context, path)
        progress = journal.read(journal.journal_path(path))
    except Failure:
        return None
    if saved is None or not saved.intact:
        return None
    return {"path": path, "sha256": saved.sha256, "execution": _execution(progress)}


def _present(context: Context, path: str) -> Outcome:
    with options.client(context.params, check_mode=context.check_mode) as client:
        subject = Subject(client.settings.url, context.params["connection_key"], context.params["integration_id"])
        if subject.connection_key is None and subject.integration_id is None:
            raise errors.ConfigurationError("The option connection_key is empty.")
        known = configuration.read(context.params.get("integration_config") or {}, secret=forms.holds)
        with script_file.reserved(path, check_mode=context.check_mode):
            return _keep(context, client, subject, path, known if known.as_dict() else None)


def _keep(context: Context, client: Client, subject: Subject, path: str, known: Configuration | None) -> Outcome:
    """Have the script in its file, whose place is reserved for this run."""
    accepted = context.params["same_place"] == "accept"
    rules = occupied.Rules(secret=forms.holds, apart=hosts.apart, same=hosts.same, accepted=accepted)
    saved, progress, script = _settled(client, subject, path, known, context.params["without_script"], rules)
    if script.source == "regenerated":
        context.warn(REGENERATED)
    try:
        return _kept(context, subject, path, saved, progress, script)
    except Failure as error:
        # What was read is told, too.
        error.details.setdefault("connection_exists", script.connection_exists)
        raise


def _kept(
    context: Context, subject: Subject, path: str, saved: Saved | None, progress: journal.Progress, script: Rendered
) -> Outcome:
    journal_path = journal.journal_path(path)
    old = saved if saved and script.leaves and progress.sha256 == saved.sha256 else None
    left = old is not None or former.is_left(path, saved, progress)
    progress = journal.Progress() if left else progress
    if progress.state != "finished":
        journal.require_usable(journal_path, check_mode=context.check_mode)
    platform_hosts = script.owner.hosts
    script = _as_started(script, saved, progress)
    _redact.add(credentials.secrets(script.body, script.owner.dialect or "snowflake"))
    statements, split_error = _split(script)
    empty = verbs.is_empty(script.raw.decode(), script.owner.dialect)
    replaced = saved is None or saved_script.contents(saved.owner, saved.body) != script.raw
    if not empty:
        # What was saved was looked at then.
        if replaced or script.source == "immuta":
            _require_sql(script, statements)
    elif context.params["empty_script"] == "fail" and progress.state != "finished":
        raise _empty(subject)
    _require_approved(script, context.params["expected_sha256"])
    _require_same_as_started(path, script, progress, replaced)
    text = context.params.get("diff_text", False)
    changed, kept = _place(context, path, saved, script, replaced=replaced, former_one=old, left=left)
    return Outcome(
        changed=changed,
        result={
            "path": path,
            "exists": not context.check_mode or (saved is not None and not replaced),
            **_about(script),
            "platform_hosts": list(platform_hosts),
            "statements": _rows(script, statements),
            "split_error": split_error,
            "empty": empty,
            "kept": kept,
            "kept_finished": old is not None,
            "set_up_since": since.set_up_since(path, script.owner, progress),
            "execution": _execution(progress),
            "durability": dataclasses.asdict(_durability.look(path)),
        },
        diff={
            "before": shown(saved.owner, saved.body, saved.mode, text=text) if saved else "",
            "after": shown(script.owner, script.body, script_file.MODE, text=text),
            "before_header": path,
            "after_header": path,
        },
    )


def _rows(script: Rendered, statements: list[Statement]) -> list[dict[str, t.Any]]:
    """Return what results say of each statement."""
    by = needed.by(statements, script.made, script.others)
    return made_by.describe(Session(statements).describe(), statements, script.made, by)


def _place(
    context: Context,
    path: str,
    saved: Saved | None,
    script: Rendered,
    *,
    replaced: bool,
    former_one: Saved | None,
    left: bool,
) -> tuple[bool, str | None]:
    """Have the script at the path, and keep what was there. Return whether that changes it, and where the other one is kept.

    :param replaced: whether the file has to be written
    :param former_one: the saved script, if it is that of a former integration
    :param left: whether the journal at the path is that of a former integration's script
    """
    loose = saved is not None and saved.mode != script_file.MODE
    journal_path = journal.journal_path(path)
    kept = saved_script.kept_path(path) if saved is not None and replaced else None
    if former_one is not None:
        kept = former.place(path, former_one.sha256)
    if not context.check_mode:
        if former_one is not None:
            former.set_aside(path, former_one, journal_path=journal_path)
        elif kept:
            saved_script.keep(path)
        if replaced:
            script_file.save(path, script.raw)
        elif loose:
            script_file.restrict(path)
        if left:
            former.forget(journal_path)
    return replaced or loose, kept


def _empty(subject: Subject) -> no_script.EmptyScript:
    return no_script.EmptyScript(
        f"The clean-up script of {subject} contains no statement. Nothing was changed.",
        hint="Don't delete the connection before this is understood; ask Immuta's support. If there is nothing to"
        " clean up, set empty_script=accept (in the role, immuta_deregister_empty_script).",
    )


def _settled(
    client: Client,
    subject: Subject,
    path: str,
    known: Configuration | None,
    without_script: bool,
    rules: occupied.Rules,
) -> tuple[Saved | None, journal.Progress, Rendered]:
    """Return the saved script, its progress, and the script to use, all of the same moment.

    Another run may save the script and delete the connection while this one asks Immuta. The answer is useless then,
    and Immuta is asked again.
    """
    while True:
        saved = saved_script.read(path)
        rendering.require_own(saved, subject)
        if saved is not None:
            saved_script.require_intact(saved)
        progress = journal.read(journal.journal_path(path))
        try:
            script = rendering.fetch(
                client,
                subject,
                saved,
                started=saved is not None and progress.state != "none",
                finished=progress.state == "finished",
                without_script=without_script,
                known=known,
                rules=rules,
            )
        except errors.ImmutaError:
            if saved_script.read(path) == saved:
                raise
        else:
            if saved_script.read(path) == saved:
                return saved, progress, script


def _as_started(script: Rendered, saved: Saved | None, progress: journal.Progress) -> Rendered:
    """Keep a script unchanged that an older version saved and that has started: the journal has its digest."""
    if saved is None or progress.state == "none" or saved.owner not in script.owner.older:
        return script
    return dataclasses.replace(script, owner=saved.owner, raw=saved_script.contents(saved.owner, script.body))


def _require_approved(script: Rendered, expected: str | None) -> None:
    # What an older version has shown to be approved has no configuration, or no hosts, either.
    older = (script_file.digest(saved_script.contents(owner, script.body)) for owner in script.owner.older)
    if (expected or "").lower() not in older:
        _require_digest(script_file.digest(script.raw), expected)


def _require_digest(sha256: str, expected: str | None) -> None:
    require_digest("The clean-up script has the sha256", sha256, expected, error=errors.Refused)


def _require_same_as_started(path: str, script: Rendered, progress: journal.Progress, replaced: bool) -> None:
    """Refuse to replace a script that has started to run."""
    sha256 = script_file.digest(script.raw)
    if progress.state == "none" or progress.sha256 == sha256:
        return
    if not replaced:
        # The journal belongs to a script with another digest, so it says nothing about this one.
        journal.require_same(journal.journal_path(path), progress, sha256, progress.total or 0)
    raise errors.Refused(
        f"Immuta now renders another script than the one at {path}, and statements of that one have already run.",
        hint="Look at the journal beside it to see what ran, move both files away, and run this again.",
        code="script_changed",
    )


def _about(script: Rendered) -> dict[str, t.Any]:
    owner = script.owner
    return {
        "sha256": script_file.digest(script.raw),
        "size": len(script.raw),
        "source": script.source,
        "integration_config": _shown_config(owner),
        "tenant": owner.url,
        "connection_key": owner.connection_key,
        "connection_exists": script.connection_exists,
        "integration_id": owner.integration_id,
        "integration_status": script.status,
        "technology": owner.technology,
        "dialect": owner.dialect,
    }


def _shown_config(owner: Owner) -> dict[str, t.Any] | None:
    """Return the configuration without what looks like a credential, which a file may hold that others have written."""
    return configuration.harmless(owner.config.as_dict(), secret=forms.holds)[0] if owner.config else None


def _executed(context: Context, path: str) -> Outcome:
    expected = context.params["expected_sha256"]
    saved = _own_or_none(context, path)
    journal_path = journal.journal_path(path)
    before = progress = journal.read(journal_path)
    changed = progress.state != "finished"
    if saved is not None:
        _require_digest(saved.sha256, expected)
        total = count_statements(saved)
        journal.require_same(journal_path, progress, saved.sha256, total)
        if changed and not context.check_mode:
            journal.mark_finished(journal_path, sha256=saved.sha256, total=total, by="operator")
            progress = journal.read(journal_path)
    elif context.check_mode:
        context.warn(f"The script {path} is not there. {journal.UNLESS_SAVED}")
    else:
        raise errors.Refused(f"There is no saved script at {path}.", hint="Check the option path.")
    return Outcome(
        changed,
        {"path": path, "sha256": saved.sha256 if saved else expected, "execution": _execution(progress)},
        journal.diff_of_finishing(journal_path, before),
    )


def count_statements(saved: Saved) -> int:
    """Return the number of statements; 0 for a script that can't be split, which only people can run."""
    try:
        return len(_statements(saved.owner, saved.body))
    except SplitError:
        return 0


def _absent(context: Context, path: str) -> Outcome:
    saved = _own_or_none(context, path)
    journal_path = journal.journal_path(path)
    progress = journal.read(journal_path)
    if saved is not None and progress.state != "finished":
        context.warn(
            f"The script at {path} has not run to its end. Once its connection is deleted, it can't be fetched again."
        )
    kept = saved_script.kept(path, saved.owner) if saved else []
    changed = saved is not None or os.path.lexists(journal_path)
    before = ""
    if saved is not None:
        _redact.add(credentials.secrets(saved.body, saved.owner.dialect or "snowflake"))
        before = shown(saved.owner, saved.body, saved.mode, text=context.params.get("diff_text", False))
    if changed and not context.check_mode:
        # In this order: a script without its journal would seem never to have run.
        with journal.removing(journal_path):
            # The file itself at last, which says whose the others are.
            for script in [*kept, *([path] if saved is not None else [])]:
                script_file.remove(script)
    return Outcome(
        changed,
        {"path": path},
        diff={
            "before": f"journal: {progress.state}\n{before}" if changed else "",
            "after": "",
            "before_header": path,
            "after_header": path,
        },
    )


def _own_or_none(context: Context, path: str) -> Saved | None:
    params = context.params
    saved = saved_script.read(path)
    rendering.require_own(
        saved, Subject(options.tenant(context.params), params["connection_key"], params["integration_id"])
    )
    return saved


def _split(script: Rendered) -> tuple[list[Statement], dict[str, t.Any] | None]:
    """Return the statements, or why the script can't be split; such a script is still worth saving."""
    try:
        return _statements(script.owner, script.raw.decode()), None
    except SplitError as error:
        return [], error.as_dict()


def _statements(owner: Owner, text: str) -> list[Statement]:
    """Return the statements of a script; none of one whose SQL is not known."""
    return split(text, owner.dialect) if owner.dialect else []


def _require_sql(script: Rendered, statements: list[Statement]) -> None:
    """Refuse an answer of Immuta's that is prose, before it replaces anything."""
    # A saved one replaces nothing.
    fresh = script.source != "saved"
    line = verbs.prose(script.raw.decode(), script.owner.dialect, statements) if fresh else None
    if line is not None:
        # The first line of the file is ours.
        raise script_text.no_script(f"is not SQL: its line {line - 1} starts or ends like prose")


def _execution(progress: journal.Progress) -> dict[str, t.Any]:
    skipped = [{"index": index, "reason": reason} for index, reason in sorted(progress.skipped.items())]
    return {**execution(progress), "skipped": skipped}


def shown(owner: Owner, body: str, mode: int, *, text: bool = False) -> str:
    """Return a script file for a diff: its permissions, its digest, and what its statements are about.

    :param text: whether to show the script itself, without its credentials, in place of its statements
    """
    raw = saved_script.contents(owner, body)
    lines = [f"mode: {mode:04o}", f"sha256: {script_file.digest(raw)}", f"size: {len(raw)} bytes"]
    if text:
        masked = credentials.mask(body, owner.dialect or "snowflake")
        # A terminal would act on other characters.
        kept = (one if one.isprintable() or one in "\n\t" else ascii(one)[1:-1] for one in masked)
        return "\n".join([*lines, "".join(kept)])
    try:
        # The first line of the file is ours.
        statements = _statements(owner, raw.decode())
        lines.append(f"statements: {len(statements) if owner.dialect else 'not known'}")
        lines += [f"{one.index}. {one.label} (line {one.line})" for one in statements]
    except SplitError as error:
        lines.append(f"statements: can't be split (line {error.details['line']})")
    return "\n".join([*lines, ""])
