# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements that run another script, which nobody has seen."""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    COMMENT,
    STRING,
    Dialect,
    Unreadable,
    keyword,
)
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement


def refuse(text: str, rules: Dialect, statements: t.Sequence[Statement]) -> None:
    """Refuse a script that runs another one.

    :raises Unreadable: where it does
    """
    for one in statements if _IMMEDIATE.search(text) else ():
        if _IMMEDIATE.search(text, one.start, one.end):
            at = _other_script(text, rules, one.start, one.end)
            if at is not None:
                raise Unreadable("Another script is run (EXECUTE IMMEDIATE FROM)", at, _OTHER_SCRIPT)


def _other_script(text: str, rules: Dialect, start: int, end: int) -> int | None:
    """Return the offset of the FROM of EXECUTE IMMEDIATE FROM, or of the literal with it that is executed."""
    before = ("", "")
    for token in rules.read(text, start, end):
        if token.kind == COMMENT:
            continue
        word = keyword(text[token.start : token.end])
        if before == ("EXECUTE", "IMMEDIATE"):
            inner = rules.value(text, token) if token.kind == STRING else ""
            # A literal that can't be read is the platform's to refuse.
            with contextlib.suppress(Unreadable):
                if word == "FROM" or _other_script(inner, rules, 0, len(inner)) is not None:
                    return token.start
        before = before[1], word
    return None


_OTHER_SCRIPT = "Put the statements of that script in its place."
# Without the flag that ignores case, which would keep the search from skipping other letters.
_IMMEDIATE = re.compile(r"[Ii][Mm][Mm][Ee][Dd][Ii][Aa][Tt][Ee]")
