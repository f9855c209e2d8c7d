# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements of a clean-up script that need what was never created, because the set-up script has not come so far.

A platform refuses such a statement, and it has nothing to do. That an object does not exist is not enough: Snowflake says the same of
one that the role may not see.
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import names, reads, thing
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Problem
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement
from ansible_collections.community.immuta.plugins.module_utils._sql.thing import OUTER, Key, is_or_holds

# Of Snowflake: an object, or what an operation needs, does not exist or is not authorized; a routine is unknown.
ERRNOS = frozenset({2003, 2043, 2140})
# Of Databricks: an object, a table, or a routine does not exist.
SQLSTATES = frozenset({"42704", "42P01", "42883"})
# What does one thing: a refusal has changed nothing. Without a C(USE), and what moves the session like one, later statements would
# mean something else.
VERBS = frozenset({"ALTER", "CALL", "COMMENT", "CREATE", "DROP", "GRANT", "REVOKE"})


def needed(statement: Statement, problem: Problem, objects: t.Iterable[t.Mapping[str, str]]) -> str:
    """Return what was never created and a refused statement is about, as kind and name; "" if the refusal has another cause.

    :param objects: what was never created, and is not there: C(kind), and C(name) as statements describe it
    """
    refused = problem.errno in ERRNOS if statement.dialect == "snowflake" else problem.sqlstate in SQLSTATES
    own = statement.head
    moves = own.session or (own.verb == "CREATE" and own.kind in OUTER)
    if problem.lost or not refused or own.verb not in VERBS or moves:
        return ""
    about = [_key(*pair, statement.dialect) for pair in ((own.kind, own.name), own.grantee)]
    for one in objects:
        never = _key(one["kind"], one["name"], statement.dialect)
        if never[1] and any(is_or_holds(never, key) for key in about):
            return f"{one['kind']} {one['name']}"
    return ""


def _key(kind: str, name: str, dialect: str) -> Key:
    # A name that leaves out where the object is may be of another one. Of a kind that is not known, three parts are all.
    parts = names.parts(name)
    whole = parts if len(parts) == (reads.length(dialect, kind) or 3) else ()
    return thing.key(kind, whole, dialect)
