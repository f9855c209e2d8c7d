# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that look which objects are on a platform, for every platform."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql import credentials, journal, loaded_script, verify
from ansible_collections.community.immuta.plugins.module_utils._work import target
from ansible_collections.community.immuta.plugins.module_utils._work.target import Target

OPTIONS = target.OPTIONS
EITHER = [("path", "objects")]


def info(context: Context, kind: type[Target]) -> Outcome:
    """Implement a module that looks which objects are on a platform. Nothing but reads is sent.

    :raises Failure: the options, the script, the sign-in, or the platform's silence
    """
    params = context.params
    target.require_plain(params)
    result: dict[str, t.Any] = {"path": params["path"], "sha256": None}
    if params["path"]:
        script = loaded_script.load(params["path"], kind.dialect, params["expected_sha256"])
        _redact.add(credentials.secrets(script.text, kind.dialect))
        result["sha256"] = script.sha256
        statements = script.statements
        answers = journal.answers(journal.journal_path(params["path"]), script.sha256)
        look_for = params["look_for"]
    else:
        statements, answers, look_for = target.dropping(context, kind.dialect), [], "removed"
        if not statements:
            raise InvalidOption("The option objects is empty.", hint="Name the objects, or a script with path.")
    try:
        session, rows = target.look(params, kind, statements, answers, look_for)
    except verify.LookFailed as error:
        error.hint = "Nothing was changed. Run it again."
        raise
    return Outcome(False, {**result, "session": session, "objects": rows})
