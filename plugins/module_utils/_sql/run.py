# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of the modules that run a script, the same for every platform."""

from __future__ import annotations

import os
import typing as t
import uuid

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql import execute, journal, options, script, statement
from ansible_collections.community.immuta.plugins.module_utils._task import Context, Outcome

# Documented in the fragment C(script), and on_unknown in each module.
OPTIONS: dict[str, t.Any] = {
    "path": {"type": "path"},
    # It may hold credentials, and Ansible writes the options that it knows nothing of to the system's log.
    "script": {"type": "str", "no_log": True},
    "expected_sha256": {"type": "str"},
    "journal": {"type": "path"},
    "preflight": {"type": "bool", "default": False},
    "on_unknown": {"type": "str", "choices": ["fail", "rerun"], "default": "fail"},
    "pause_after": {"type": "float"},
}
MUTUALLY_EXCLUSIVE = [("path", "script")]


class Target(execute.Platform, t.Protocol):
    """A platform, as its module makes it from the options and the name of the run.

    :ivar dialect: the SQL dialect that it takes
    :ivar tag: what names the run on the platform
    :ivar session: what is known of the session, once there was one
    """

    dialect: str
    tag: str
    session: dict[str, t.Any]

    def __init__(self, params: dict[str, t.Any], run: str) -> None:
        """Check the options; nothing is sent.

        :raises InvalidOption: something is missing or does not fit together
        :raises MissingLibrary: the platform's client is not there
        """

    @property
    def hidden(self) -> list[str]:
        """Secrets that were read from files, to be kept out of every output."""


def run(context: Context, target: type[Target]) -> Outcome:
    """Run the script that the options name on a platform.

    :raises Failure: with the rows of what ran and what did not, when a statement was sent
    """
    params = context.params
    if params["pause_after"] is not None:
        options.require_seconds(params, "pause_after")
        if not params["path"] and not params["journal"]:
            raise InvalidOption("The option pause_after needs a journal to go on from.", hint="Set path or journal.")
    if context.check_mode and params["path"] and not os.path.lexists(params["path"]):
        return _foretell(context, target)
    chosen = _script(context, target.dialect)
    if params["preflight"]:
        return _preflight(context, target, chosen)
    if chosen is None:
        raise InvalidOption("Neither path nor script is set.", hint="Set one of them, or preflight=true.")
    place = params["journal"] or (journal.journal_path(chosen.path) if chosen.path else None)
    before = journal.read(place) if place else journal.Progress()
    journal.require_same(place or "", before, chosen.sha256, len(chosen.statements))
    report = execute.plan(chosen, before)
    changed = before.state != "finished"
    session: dict[str, t.Any] = {}
    if changed and not context.check_mode:
        report, session = _execute(context, target, chosen, place)
    after = journal.read(place) if place else journal.Progress("none" if context.check_mode else "finished")
    return Outcome(
        changed=changed,
        result={
            "path": chosen.path,
            "sha256": chosen.sha256,
            "dialect": chosen.dialect,
            **report.as_dict(),
            "session": session,
            "journal": {"path": place, "state": after.state},
        },
        diff=_diff(chosen, before, after if report.paused else None),
    )


def _foretell(context: Context, target: type[Target]) -> Outcome:
    """What check mode can tell of a script that a task before this one has not saved, since that is in check mode too."""
    params = context.params
    path = params["path"]
    context.warn(f"The script {path} is not there. {journal.UNLESS_SAVED}")
    result = {
        "path": path,
        "sha256": params["expected_sha256"],
        "dialect": target.dialect,
        **execute.Report([]).as_dict(),
    }
    if params["preflight"]:
        return Outcome(False, {**_preflight(context, target, None).result, **result})
    place = params["journal"] or journal.journal_path(path)
    return Outcome(True, {**result, "session": {}, "journal": {"path": place, "state": "none"}})


def _script(context: Context, dialect: str) -> script.Script | None:
    params = context.params
    expected = params["expected_sha256"]
    if params["path"]:
        chosen = script.load(params["path"], dialect, expected)
    elif params["script"]:
        chosen = script.from_text(params["script"], dialect, expected)
    else:
        return None
    context.hide(statement.secrets(chosen.text, dialect))
    return chosen


def _preflight(context: Context, target: type[Target], chosen: script.Script | None) -> Outcome:
    platform = _platform(context, target, "preflight")
    platform.connect().close()
    result: dict[str, t.Any] = {"session": platform.session, "executed": 0}
    if chosen:
        rows = execute.plan(chosen, journal.Progress()).as_dict()
        result.update({"path": chosen.path, "sha256": chosen.sha256, "dialect": chosen.dialect, **rows})
    return Outcome(False, result)


def _platform(context: Context, target: type[Target], name: str) -> Target:
    platform = target(context.params, f"community.immuta/{name}")
    context.hide(platform.hidden)
    return platform


def _execute(
    context: Context, target: type[Target], chosen: script.Script, place: str | None
) -> tuple[execute.Report, dict[str, t.Any]]:
    platform = _platform(context, target, f"{chosen.sha256[:12]}/{uuid.uuid4().hex[:8]}")
    params = context.params
    rules = execute.Rules(params["on_unknown"], params.get("policy_wait_timeout", 0.0), params["pause_after"])
    if place is None:
        return execute.Execution(chosen, platform, None, rules, tag=platform.tag).run(), platform.session
    with journal.Journal(os.path.abspath(place), chosen.sha256, len(chosen.statements)) as book:
        return execute.Execution(chosen, platform, book, rules, tag=platform.tag).run(), platform.session


def _diff(chosen: script.Script, before: journal.Progress, paused: journal.Progress | None) -> dict[str, t.Any]:
    """The statements that have run, before and after; no bodies.

    :param paused: what has run, when the run has stopped before the end
    """

    def lines(done: t.Callable[[int], bool]) -> str:
        return "".join(
            f"{one.index}. {' '.join(filter(None, (one.verb, one.kind, one.name)))}\n"
            for one in chosen.statements
            if done(one.index)
        )

    finished = before.state == "finished"
    return {
        "before": lines(lambda index: finished or index in before.done),
        "after": lines(lambda index: paused is None or index in paused.done),
        "before_header": "statements that have run",
        "after_header": "statements that have run",
    }
