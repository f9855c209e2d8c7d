# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a text reads as SQL at all: by the verbs of its statements, on any platform.

Servers answer with prose where a script is expected, and most prose can be split into statements.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

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
    starts = [one.start for one in statements] or [_code(text, dialect)]
    ends = {one.start for one in statements if _SENTENCE_END.match(text, max(one.start, one.end - 2))}
    at = next((start for start in starts if start in ends or not _begins_with_verb(text, start)), None)
    return None if at is None else text.count("\n", 0, at) + 1


def _begins_with_verb(text: str, start: int) -> bool:
    opening = _OPENING.match(text, start)
    # Only a block has a label; "Error: call support" has none.
    return opening is not None and opening["verb"].upper() in (["BEGIN"] if opening["label"] else VERBS)


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
