# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that run a script, for every platform."""

from __future__ import annotations

import os
import typing as t
import uuid

from ansible_collections.community.immuta.plugins.module_utils import _options, _redact
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql import (
    created,
    credentials,
    execute,
    expected,
    journal,
    loaded_script,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.loaded_script import LoadedScript
from ansible_collections.community.immuta.plugins.module_utils._sql.report import Report, Rules, initial_report
from ansible_collections.community.immuta.plugins.module_utils._sql.session import Session
from ansible_collections.community.immuta.plugins.module_utils._work import former, target
from ansible_collections.community.immuta.plugins.module_utils._work.target import Target

# The doc fragment C(script) documents them, each module its on_unknown.
OPTIONS: dict[str, t.Any] = {
    **target.OPTIONS,
    # It may hold credentials, and Ansible writes options without no_log to the system's log.
    "script": {"type": "str", "no_log": True},
    "journal": {"type": "path"},
    "preflight": {"type": "bool", "default": False},
    "verify": {"type": "bool", "default": False},
    "missing_objects": {"type": "str", "choices": ["accept", "fail"], "default": "accept"},
    "existing_objects": {"type": "str", "choices": ["accept", "fail"], "default": "fail"},
    "found_before": {"type": "dict"},
    "expected_session": {"type": "dict"},
    "other_session": {"type": "str", "choices": ["accept", "fail"], "default": "fail"},
    "on_unknown": {"type": "str", "choices": ["fail", "rerun"], "default": "fail"},
    "pause_after": {"type": "float"},
    "never_created": {
        "type": "list",
        "elements": "dict",
        "options": {"kind": {"type": "str", "required": True}, "name": {"type": "str", "required": True}},
    },
    "skip": {
        "type": "list",
        "elements": "dict",
        "options": {
            "statement": {"type": "int", "required": True},
            "sha256": {"type": "str", "required": True},
            "reason": {"type": "str", "required": True},
        },
    },
}
MUTUALLY_EXCLUSIVE = [("path", "script", "objects")]


def ensure_executed(context: Context, kind: type[Target]) -> Outcome:
    """Implement a module that runs a script on a platform.

    :raises Failure: if a statement was sent, C(result) tells what has run
    """
    params = context.params
    target.require_plain(params)
    if params["pause_after"] is not None:
        _options.require_positive(params, "pause_after")
        if not params["path"] and not params["journal"]:
            raise InvalidOption("The option pause_after needs a journal to continue from.", hint="Set path or journal.")
    path, expected = params["path"], params["expected_sha256"]
    if context.check_mode and path and former.is_to_come(path, expected):
        return _predict(context, kind)
    script = _load(context, kind.dialect)
    if params["preflight"]:
        return _preflight(context, kind, script)
    if script is None:
        raise InvalidOption("Neither path nor script is set.", hint="Set one of them, or preflight=true.")
    journal_path = _journal_path(context, script)
    before = journal.read(journal_path) if journal_path else journal.Progress()
    journal.require_same(journal_path or "", before, script.sha256, len(script.statements))
    report = initial_report(script, before)
    changed = before.state != "finished"
    if changed:
        _require_runnable(context, script)
    session: dict[str, t.Any] = {}
    if changed and not context.check_mode:
        report, session = _execute(context, kind, script, journal_path)
        _warn_of_unseen(context, report.objects or ())
    if journal_path:
        after = journal.read(journal_path)
    else:
        after = journal.Progress("none" if context.check_mode else "finished")
    return Outcome(
        changed=changed,
        result={
            "path": script.path,
            "sha256": script.sha256,
            "dialect": script.dialect,
            **report.as_dict(),
            "session": session,
            "journal": {"path": journal_path, "state": after.state},
        },
        diff=_diff(script, before, after if report.paused else None, after.skipped or _skips(context, script)),
    )


def _predict(context: Context, kind: type[Target]) -> Outcome:
    """Return the check-mode result when the script file does not exist yet."""
    params = context.params
    path = params["path"]
    state = "another one, which is finished" if os.path.lexists(path) else "not there"
    context.warn(f"The script {path} is {state}. {journal.UNLESS_SAVED}")
    result = {
        "path": path,
        "sha256": params["expected_sha256"],
        "dialect": kind.dialect,
        **Report([]).as_dict(),
    }
    if params["preflight"]:
        return Outcome(False, {**_preflight(context, kind, None).result, **result})
    journal_path = params["journal"] or journal.journal_path(path)
    return Outcome(True, {**result, "session": {}, "journal": {"path": journal_path, "state": "none"}})


def _load(context: Context, dialect: str) -> LoadedScript | None:
    params = context.params
    expected = params["expected_sha256"]
    if params["path"]:
        script = loaded_script.load(params["path"], dialect, expected)
    elif params["script"]:
        script = loaded_script.from_text(params["script"], dialect, expected)
    else:
        return None
    _redact.add(credentials.secrets(script.text, dialect))
    return script


def _require_runnable(context: Context, script: LoadedScript) -> None:
    Session(script.statements).require_committed()
    _skips(context, script)


def _preflight(context: Context, kind: type[Target], script: LoadedScript | None) -> Outcome:
    if script:
        _require_runnable(context, script)
    statements = script.statements if script else target.dropping(context, kind.dialect) or None
    answers = journal.answers(_journal_path(context, script), script.sha256) if script else ()
    # The statements about listed objects are ours.
    look_for = context.params["look_for"] if script else "removed"
    skipped = _skips(context, script) if script else ()
    session, objects = target.look(context.params, kind, statements, answers, look_for, skipped)
    result: dict[str, t.Any] = {"session": session, "executed": 0, "objects": objects}
    if script:
        # Snowflake's query history takes a warehouse; other sessions are of one.
        if context.params["on_unknown"] == "fail" and not session.get("warehouse", True):
            _warn_of_doubt(context, script)
        rows = initial_report(script, journal.Progress()).as_dict()
        result.update({"path": script.path, "sha256": script.sha256, "dialect": script.dialect, **rows})
    try:
        _require_as_before(context, script, objects or [], session)
    except Failure as error:
        error.result = result
        raise
    return Outcome(False, result)


def _require_as_before(
    context: Context, script: LoadedScript | None, objects: list[dict[str, t.Any]], session: dict[str, t.Any]
) -> None:
    """Refuse a platform where a script has nothing to remove, or where what it creates exists.

    :raises ObjectsMissing: none of what it removes is there
    :raises ObjectsExist: something that it creates is there
    """
    params = context.params
    if params["look_for"] == "created":
        _warn_of_unseen(context, objects)
        if params["existing_objects"] == "fail":
            expected.require_none(_of_others(context, script, objects), session)
    elif objects and params["missing_objects"] == "fail" and not _has_started(context, script):
        expected.require_some(objects, session)


def _has_started(context: Context, script: LoadedScript | None) -> bool:
    """Return whether a part of the script has run, so that its objects may be gone."""
    path = _journal_path(context, script)
    return path is not None and journal.read(path).state != "none"


def _of_others(
    context: Context, script: LoadedScript | None, objects: list[dict[str, t.Any]]
) -> list[t.Mapping[str, t.Any]]:
    """Return what is there and can't be the script's own, since no statement that creates it has run, or may have."""
    if script is None:
        return [*objects]
    path = _journal_path(context, script)
    progress = journal.read(path) if path else journal.Progress()
    if progress.sha256 != script.sha256:
        progress = journal.Progress()
    return created.not_own(created.things(script.statements, script.dialect), progress, objects)


def _warn_of_unseen(context: Context, objects: t.Iterable[dict[str, t.Any]]) -> None:
    """Name what may be there or not."""
    if context.params["look_for"] == "created" and (unseen := [row for row in objects if row["present"] is None]):
        context.warn(
            f"It is not known whether this exists, which the script creates: {expected.listed(unseen)}."
            " The result says why, in objects[].how."
        )


def _journal_path(context: Context, script: LoadedScript | None) -> str | None:
    given: str | None = context.params["journal"]
    return given or (journal.journal_path(script.path) if script and script.path else None)


def _warn_of_doubt(context: Context, script: LoadedScript) -> None:
    """Say that a lost answer will need a person, if one may."""
    doubtful = [statement.index for statement in script.statements if not statement.is_repeatable]
    if doubtful and not Session(script.statements).to_warehouse:
        context.warn(
            "Neither the session nor the script has a warehouse, so the query history can't be read. If the"
            f" answer to one of {len(doubtful)} statements is lost (the first is statement {doubtful[0]}), a"
            " person has to find out whether it ran. Set warehouse, for example in SNOWFLAKE_WAREHOUSE."
        )


def _execute(
    context: Context, kind: type[Target], script: LoadedScript, journal_path: str | None
) -> tuple[Report, dict[str, t.Any]]:
    params = context.params
    platform = kind(params, f"community.immuta/{script.sha256[:12]}/{uuid.uuid4().hex[:8]}")
    rules = Rules(
        params["on_unknown"],
        params.get("policy_wait_timeout", 0.0),
        params["pause_after"],
        _skips(context, script),
        params["verify"],
        params["look_for"],
        params["other_session"],
        params["expected_session"],
        params["never_created"] or (),
        [row for row in (params["found_before"] or {}).get("objects") or () if row.get("existing") and row["present"]],
        accept_existing=params["existing_objects"] == "accept",
    )
    if journal_path is None:
        return execute.Execution(script, platform, None, rules, tag=platform.tag).run(), platform.session
    before = _found_before(params["found_before"])
    total = len(script.statements)
    with journal.Journal(
        os.path.abspath(journal_path),
        script.sha256,
        total,
        before=before,
        is_current=lambda: loaded_script.is_current(script),
    ) as book:
        return execute.Execution(script, platform, book, rules, tag=platform.tag).run(), platform.session


def _found_before(preflight: dict[str, t.Any] | None) -> journal.Look | None:
    """Return what the journal keeps of the result of a preflight; None if it has looked for nothing."""
    if not preflight or preflight.get("objects") is None:
        return None
    return {name: preflight.get(name) for name in ("objects", "session")}


def _skips(context: Context, script: LoadedScript) -> dict[int, str]:
    """Return why each statement of this script is left out; entries for other scripts are ignored.

    :raises InvalidOption: there is no such statement, or no reason
    """
    total = len(script.statements)
    found = {}
    for entry in context.params["skip"] or ():
        if entry["sha256"].lower() != script.sha256:
            continue
        if not 1 <= entry["statement"] <= total:
            raise InvalidOption(
                f"The option skip names statement {entry['statement']}, but the script has {total} statements.",
                hint="Name one of them.",
            )
        if not entry["reason"].strip():
            raise InvalidOption(
                f"The option skip gives no reason for statement {entry['statement']}.", hint="Say why it is left out."
            )
        found[entry["statement"]] = entry["reason"].strip()
    return found


def _diff(
    script: LoadedScript, before: journal.Progress, paused: journal.Progress | None, skipped: t.Container[int]
) -> dict[str, t.Any]:
    """Return the statements that have run, before and after; no bodies.

    :param paused: the progress of a run that stopped before the end, else None
    :param skipped: the statements that are left out
    """

    def lines(done: t.Callable[[int], bool]) -> str:
        return "".join(
            f"{statement.index}. {statement.label}\n"
            for statement in script.statements
            if done(statement.index) and (statement.index in before.done or statement.index not in skipped)
        )

    finished = before.state == "finished"
    return {
        "before": lines(lambda index: finished or index in before.done),
        "after": lines(lambda index: paused is None or index in paused.done),
        "before_header": "statements that have run",
        "after_header": "statements that have run",
    }
