# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(immuta_setup_script): a script that is saved once, never shown, and never replaced after it has started."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _durability, _redact
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import require_digest
from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    errors,
    integration,
    no_script,
    occupied,
    options,
    script_file,
    script_text,
    setup_file,
    setup_request,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.setup_file import Request, Saved
from ansible_collections.community.immuta.plugins.module_utils._sql import credentials, hosts, journal, set_up, verbs
from ansible_collections.community.immuta.plugins.module_utils._sql.report import execution
from ansible_collections.community.immuta.plugins.module_utils._sql.session import Session
from ansible_collections.community.immuta.plugins.module_utils._sql.split import SplitError, split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement


@dataclasses.dataclass(frozen=True)
class _Script:
    """The script to have.

    :ivar fresh: whether Immuta has just rendered it
    """

    request: Request
    body: str = dataclasses.field(repr=False)
    raw: bytes = dataclasses.field(repr=False)
    fresh: bool

    @property
    def sha256(self) -> str:
        return script_file.digest(self.raw)


def ensure(context: Context) -> Outcome:
    """Implement the module C(immuta_setup_script).

    :raises Failure: the file is as it was before
    """
    states = {"present": _present, "executed": _executed, "absent": _absent}
    return states[context.params["state"]](context, context.params["path"])


def _present(context: Context, path: str) -> Outcome:
    with options.client(context.params, check_mode=context.check_mode) as client:
        request, body = setup_request.build(client.settings.url, context.params)
        with script_file.reserved(path, check_mode=context.check_mode):
            saved, progress = setup_file.read(path), journal.read(journal.journal_path(path))
            if request.integration_id is None and progress.state != "finished":
                _require_free(client, request)
            script = _script(client, request, body, saved, progress, path, force=context.params["force"])
            return _kept(context, path, saved, progress, script)


def _require_free(client: Client, request: Request) -> None:
    """Refuse a place that an integration has already: Immuta takes no other one there, and the script would change what that one has.

    :raises AlreadyExists: one in use is there for certain
    """
    rules = occupied.Rules(same=hosts.same)
    for one, relation in occupied.beside(request.known, integration.list_all(client), rules):
        if relation == "same":
            raise errors.AlreadyExists(
                f"{occupied.in_place(one, request.known)}. Nothing was saved.",
                hint="See in Immuta which connection it belongs to. Deregister that one first, or register this one in another database,"
                " catalog, or host.",
                integration_id=one.id,
            )


def _script(
    client: Client,
    request: Request,
    body: dict[str, t.Any],
    saved: Saved | None,
    progress: journal.Progress,
    path: str,
    *,
    force: bool,
) -> _Script:
    """Return the saved script if it is what is wanted, or else what Immuta renders now.

    :raises Refused: the saved one is not what is wanted, and can't be replaced
    """
    started = progress.state != "none"
    if saved is None:
        if started:
            raise errors.Refused(
                f"The script {path} is not there, but its journal says that it has started to run. Nothing was changed.",
                hint="Restore the script from a copy: another one may hold another password. If what it has made is gone,"
                " move the journal away.",
                code="script_started",
            )
    else:
        setup_file.require_own(saved, request)
        same = saved.request == request
        if started and (force or not same):
            raise errors.Refused(
                f"The script at {path} has started to run, so it is not replaced:"
                f" {'the option force is set' if same else 'the option config is another one now'}. Nothing was changed.",
                hint=f"{'Leave force out' if same else 'Restore config'}, and run the script to its end. Or undo what it has"
                " made, and move it and its journal away.",
                code="script_started",
            )
        if same and not force:
            return _Script(saved.request, saved.body, saved.raw, fresh=False)
    text = setup_request.ask(client, request, body)
    raw = setup_file.contents(request, text)
    if len(raw) > script_file.LARGEST:
        raise errors.Refused(
            f"The script makes a file of {len(raw)} bytes, more than can be kept. Nothing was changed."
        )
    return _Script(request, text, raw, fresh=True)


def _kept(context: Context, path: str, saved: Saved | None, progress: journal.Progress, script: _Script) -> Outcome:
    """Have the script in its file, whose place is reserved for this run."""
    dialect = script.request.dialect
    _redact.add(credentials.secrets(script.body, dialect))
    statements, split_error = _split(script)
    if script.fresh:
        _require_sql(script, statements)
    require_digest(
        "The set-up script has the sha256", script.sha256, context.params["expected_sha256"], error=errors.Refused
    )
    if progress.state != "none":
        journal.require_same(journal.journal_path(path), progress, script.sha256, len(statements))
    if progress.state != "finished":
        journal.require_usable(journal.journal_path(path), check_mode=context.check_mode)
    replaced = saved is None or saved.raw != script.raw
    loose = saved is not None and saved.mode != script_file.MODE
    if not context.check_mode:
        if replaced:
            # No run may begin between the look at the journal and the rename.
            with journal.idle(journal.journal_path(path)):
                _require_idle(path)
                script_file.save(path, script.raw)
        elif loose:
            script_file.restrict(path)
    request = script.request
    return Outcome(
        replaced or loose,
        {
            "path": path,
            "exists": saved is not None or not context.check_mode,
            "sha256": script.sha256,
            "size": len(script.raw),
            "source": "immuta" if script.fresh else "saved",
            "tenant": request.url,
            "technology": request.technology,
            "dialect": dialect,
            "integration_id": request.integration_id,
            "config": request.config,
            "platform_hosts": [request.host],
            "statements": set_up.describe(Session(statements).describe(), integration.made(request.config)),
            "split_error": split_error,
            "execution": execution(progress),
            "durability": dataclasses.asdict(_durability.look(path)),
        },
        _diff(path, saved, (script.raw, len(statements))),
    )


def _require_idle(path: str) -> None:
    """Refuse to replace a script that has started while Immuta was asked."""
    if journal.read(journal.journal_path(path)).state != "none":
        raise errors.Refused(
            f"The script at {path} has started to run meanwhile. Nothing was changed.",
            hint="Rerun this when it has ended.",
            code="script_started",
        )


def _require_sql(script: _Script, statements: list[Statement]) -> None:
    """Refuse an answer that is empty or prose, before it replaces anything."""
    text = script.raw.decode()
    if verbs.is_empty(text, script.request.dialect):
        raise no_script.EmptyScript(
            "The set-up script contains no statement. Nothing was changed.", hint="Ask Immuta's support."
        )
    line = verbs.prose(text, script.request.dialect, statements)
    if line is not None:
        # The first line of the file is ours.
        why = f"is not SQL: its line {line - 1} starts or ends like prose"
        raise script_text.no_script(why, operation=setup_request.RENDER_SETUP_SCRIPT)


def _split(script: _Script) -> tuple[list[Statement], dict[str, t.Any] | None]:
    try:
        return split(script.raw.decode(), script.request.dialect), None
    except SplitError as error:
        return [], error.as_dict()


def _executed(context: Context, path: str) -> Outcome:
    saved, journal_path = setup_file.read(path), journal.journal_path(path)
    before = progress = journal.read(journal_path)
    if saved is None:
        if not context.check_mode:
            raise errors.Refused(f"There is no saved script at {path}.", hint="Check the option path.")
        context.warn(f"The script {path} is not there. {journal.UNLESS_SAVED}")
    else:
        _redact.add(credentials.secrets(saved.body, saved.request.dialect))
        require_digest(
            "The set-up script has the sha256", saved.sha256, context.params["expected_sha256"], error=errors.Refused
        )
        total = len(_split(_Script(saved.request, saved.body, saved.raw, fresh=False))[0])
        journal.require_same(journal_path, progress, saved.sha256, total)
        if progress.state != "finished" and not context.check_mode:
            journal.mark_finished(journal_path, sha256=saved.sha256, total=total, by="operator")
            progress = journal.read(journal_path)
    return Outcome(
        before.state != "finished",
        {"path": path, "sha256": saved.sha256 if saved else None, "execution": execution(progress)},
        journal.diff_of_finishing(journal_path, before),
    )


def _absent(context: Context, path: str) -> Outcome:
    saved = setup_file.read(path)
    journal_path = journal.journal_path(path)
    progress = journal.read(journal_path)
    changed = saved is not None or os.path.lexists(journal_path)
    ran = progress.state == "finished" and (saved is None or progress.sha256 == saved.sha256)
    if saved is not None:
        _redact.add(credentials.secrets(saved.body, saved.request.dialect))
        require_digest(
            "The set-up script has the sha256", saved.sha256, context.params["expected_sha256"], error=errors.Refused
        )
    if changed and not ran and not context.params["force"]:
        raise errors.Refused(
            f"The script at {path} has not run to its end. Nothing was removed.",
            hint="It may be the only place of a password. Run it to its end. If what it made is gone, or it was never needed, set force"
            " to true.",
            code="script_unfinished",
        )
    if changed and not context.check_mode:
        # In this order: a script without its journal would seem never to have run.
        with journal.removing(journal_path):
            if saved is not None:
                script_file.remove(path)
    return Outcome(changed, {"path": path}, _diff(path, saved, None))


def _diff(path: str, before: Saved | None, after: tuple[bytes, int] | None) -> dict[str, t.Any]:
    """Return digests and counts only: the script may hold a password that nobody knows yet."""
    old = ""
    if before is not None:
        statements, _error = _split(_Script(before.request, before.body, before.raw, fresh=False))
        old = _shown(before.raw, before.mode, len(statements))
    new = _shown(after[0], script_file.MODE, after[1]) if after else ""
    return {"before": old, "after": new, "before_header": path, "after_header": path}


def _shown(raw: bytes, mode: int, statements: int) -> str:
    return f"mode: {mode:04o}\nsha256: {script_file.digest(raw)}\nsize: {len(raw)} bytes\nstatements: {statements}\n"
