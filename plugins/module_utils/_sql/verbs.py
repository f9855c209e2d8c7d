# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells SQL from prose by the verbs of the statements, for any platform.

Servers answer with prose where a script is expected, and most prose can be split into statements.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import followers
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import COMMENT, Unreadable, dialect_named
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement


def is_empty(text: str, dialect: str | None) -> bool:
    """Return whether a script holds nothing but white space, semicolons, and comments.

    :param dialect: C(snowflake), C(databricks), or None for any other one
    """
    return _code(text, dialect) == len(text)


def prose(text: str, dialect: str | None, statements: t.Sequence[Statement]) -> int | None:
    """Return the line, from 1, of the first statement that no SQL dialect knows; None if they all read as SQL.

    :param dialect: C(snowflake), C(databricks), or None for any other one
    :param statements: those of the text; empty if it can't be split, so that only its start is looked at
    """
    start = _code(text, dialect)
    spans = [(one.start, one.end) for one in statements] or [(start, len(text))]
    ends = {one.start for one in statements if _SENTENCE_END.match(text, max(one.start, one.end - 2))}
    at = next((start for start, end in spans if start in ends or not _reads_as_sql(text, start, end)), None)
    return None if at is None else text.count("\n", 0, at) + 1


def _reads_as_sql(text: str, start: int, end: int) -> bool:
    opening = _OPENING.match(text, start, end)
    if opening is None:
        return False
    verb = opening["verb"].upper()
    # Only a block has a label; "Error: call support" has none.
    if verb not in (["BEGIN"] if opening["label"] else VERBS):
        return False
    known = followers.AFTER.get(verb)
    tokens = _outline(text, opening.end(), end)
    return (
        known is None
        or len(tokens) == _MOST_TOKENS
        or known.match(" ".join(tokens)) is not None
        # The splitter names it, and refuses the script.
        or _PLACEHOLDER.search(text, opening.end(), end) is not None
    )


def _outline(text: str, position: int, end: int) -> list[str]:
    """Return the next tokens of a statement in upper case; of a literal only its quote."""
    found: list[str] = []
    while position < end and len(found) < _MOST_TOKENS:
        token = _SPACE.match(text, position, end) or _TOKEN.match(text, position, end)
        if token is None or token[0] == ";":
            break
        if token.re is _TOKEN:
            found.append(token[0][0].replace("`", '"') if token.lastgroup else token[0].upper())
        position = token.end()
    return found


def _code(text: str, dialect: str | None) -> int:
    """Return the offset of the first character that is neither white space, nor a semicolon, nor in a comment."""
    if dialect:
        with contextlib.suppress(Unreadable):
            tokens = dialect_named(dialect).read(text)
            code = (one.start for one in tokens if one.kind != COMMENT and text[one.start] != ";")
            return next(code, len(text))
    position = 0
    while gap := _GAP.match(text, position):
        position = gap.end()
    return position


_GAP = re.compile(r"[\s;]+|(?:--|//|#)[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_OPENING = re.compile(r"[(\s]*(?P<label>(?:\w+|`[^`]*`)\s*:\s*)?(?P<verb>[A-Za-z]+)\b")
_SPACE = re.compile(r"\s+|(?:--|(?<!:)//)[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_TOKEN = re.compile(r"""(?P<literal>"(?:[^"]|"")*"|`(?:[^`]|``)*`|'(?:[^']|'')*')|[\w$!]+|.""", re.DOTALL)
# Of a template that was not filled in.
_PLACEHOLDER = re.compile(r"\{\{|\{%|<%|\$\{|&\w")
# No sentence is longer.
_MOST_TOKENS = 400
# The last two characters of a statement. No statement ends like a sentence.
_SENTENCE_END = re.compile(r"[^\W\d][.!?:]")
# Of Snowflake, Databricks, and what else Immuta connects. Words that also begin sentences are left out where they are rare.
VERBS = frozenset(
    """
    ABORT ALTER ANALYZE BEGIN CACHE CALL CLEAR COLLECT COMMENT COMMIT CONVERT COPY CREATE DEALLOCATE DECLARE DELETE DENY
    DESC DESCRIBE DISABLE DISCARD DO DROP ENABLE EXEC EXECUTE EXPLAIN EXPORT FLUSH FSCK GET GRANT IF INSERT KILL LIST LOAD
    LOCK LS MERGE MODIFY MSCK OPTIMIZE PREPARE PRINT PURGE PUT REASSIGN REFRESH REINDEX RELEASE REMOVE RENAME REORG REPAIR
    REPLACE RESET RESTORE REVERT REVOKE RM ROLLBACK SAVEPOINT SECURITY SELECT SET SHOW START SYNC TRUNCATE UNCACHE UNDROP
    UNLOAD UNLOCK UNSET UPDATE USE VACUUM VALUES WITH
    """.split()
)
