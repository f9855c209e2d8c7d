# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Splitting a script into its statements, or refusing it.

A script that is cut in the wrong place runs half a procedure. So everything that is ambiguous or left open is refused,
with its line and column, before any statement runs.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql import other_scripts
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    COMMENT_SIGN,
    Dialect,
    Unreadable,
    dialect_named,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.splitter import Splitter
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement


class SplitError(Failure):
    """The script can't be split for certain, or needs more than is in it; no part of it should run."""

    code = "split_error"


def split(text: str, dialect: str) -> list[Statement]:
    """Return the statements of a script. Only white space, comments and semicolons are between them.

    :param dialect: C(snowflake) or C(databricks)
    :raises SplitError: C(line) and C(column), from 1, are in its details; it never quotes the script
    """
    rules = dialect_named(dialect)
    try:
        statements = Splitter(text, rules).run()
        _require_one_reading(text, rules, statements)
        other_scripts.refuse(text, rules, statements)
    except Unreadable as error:
        line = text.count("\n", 0, error.at) + 1
        column = error.at - text.rfind("\n", 0, error.at)
        raise SplitError(
            f"{error.what} at line {line}, column {column}.", hint=error.hint, line=line, column=column
        ) from None
    return statements


def _require_one_reading(text: str, rules: Dialect, statements: list[Statement]) -> None:
    """Refuse a script that has other statements for a reader whose comments nest, where those of its platform don't.

    A path such as C(@stage/*.csv) in a comment opens another one for such a reader, who then finds no end.

    :raises Unreadable: at the inner comment
    """
    if rules.nested_comments:
        return
    before = ""
    for sign in COMMENT_SIGN.finditer(text):
        if before == sign.group() == "/*":
            break
        before = sign.group()
    else:
        return
    try:
        others = Splitter(text, dataclasses.replace(rules, nested_comments=True)).run()
    except Unreadable:
        return
    if others != statements:
        raise Unreadable("A comment is opened inside a comment", sign.start(), "Remove the inner sign.")
