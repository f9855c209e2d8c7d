# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that look which objects are on a platform, for every platform."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql import (
    credentials,
    loaded_script,
    names,
    reads,
    verify,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement
from ansible_collections.community.immuta.plugins.module_utils._work import target
from ansible_collections.community.immuta.plugins.module_utils._work.target import Target

# The doc fragment C(objects) documents them.
OPTIONS: dict[str, t.Any] = {
    **target.OPTIONS,
    "objects": {
        "type": "list",
        "elements": "dict",
        "options": {"kind": {"type": "str", "required": True}, "name": {"type": "str", "required": True}},
    },
}
EITHER = [("path", "objects")]
# What is before the name of an object, outermost first.
OUTER = {"snowflake": ("DATABASE", "SCHEMA"), "databricks": ("CATALOG", "SCHEMA")}


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
    else:
        statements = [_dropping(context, kind.dialect, **one) for one in params["objects"] or ()]
        if not statements:
            raise InvalidOption("The option objects is empty.", hint="Name the objects, or a script with path.")
    try:
        session, rows = target.look(params, kind, statements)
    except verify.LookFailed as error:
        error.hint = "Nothing was changed. Run it again."
        raise
    return Outcome(False, {**result, "session": session, "objects": rows})


def _dropping(context: Context, dialect: str, kind: str, name: str) -> Statement:
    """Return a statement that would drop an object: what a script drops can be looked for. It is never sent."""
    kind = " ".join(kind.upper().split())
    what = f"The option objects names {kind} {name}"
    if not (length := reads.length(dialect, kind)):
        known = reads.SNOWFLAKE if dialect == "snowflake" else reads.DATABRICKS
        raise InvalidOption(
            f"{what}, and there is no read that finds a {kind}.", hint=f"Kinds: {', '.join(sorted(known))}."
        )
    parts = names.parts(name)
    if len(parts) != length:
        whole = ".".join((*OUTER[dialect][: length - 1], "NAME"))
        raise InvalidOption(
            f"{what}, which is no full name.", hint=f"Write it like {whole}. Quote a part that holds a dot."
        )
    if "(" in name and '"' not in name:
        raise InvalidOption(f"{what}, with arguments.", hint="Leave them out: all of that name are looked for.")
    if dialect == "snowflake" and '"' not in name and name != name.upper():
        context.warn(
            f"{what}, and names are compared exactly: what SQL without quotes calls {name} is {name.upper()}. Write it in"
            " upper case, or in double quotes if it is the one in lower case."
        )
    (statement,) = split(f"DROP {kind} {names.quoted(parts, dialect)};", dialect)
    return statement
