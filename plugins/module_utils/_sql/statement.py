# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One statement of a script."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.module_utils._sql import details
from ansible_collections.community.immuta.plugins.module_utils._sql import head as heads
from ansible_collections.community.immuta.plugins.module_utils._sql import marks as looks


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script. It refers to its part of the script instead of copying it.

    :ivar script: the whole script
    :ivar dialect: C(snowflake) or C(databricks)
    :ivar index: 1 for the first statement
    :ivar start: offset of the first token
    :ivar length: number of characters up to the end of the last token, which is never the semicolon
    :ivar line: line of the first token; 1 for the first line
    """

    script: str
    dialect: str
    index: int
    start: int
    length: int
    line: int

    def __repr__(self) -> str:
        return f"Statement(index={self.index}, line={self.line}, start={self.start}, end={self.end})"

    @property
    def end(self) -> int:
        """Return the offset after the last token."""
        return self.start + self.length

    @property
    def text(self) -> str:
        """Return the text to send: with the comments inside it, without a semicolon at the end."""
        return self.script[self.start : self.end]

    @property
    def verb(self) -> str:
        """Return the first word in upper case; C(BEGIN) for every block."""
        return self.head.verb

    @property
    def kind(self) -> str:
        """Return the kind of the object in upper case, for example C(MASKING POLICY), or an empty string."""
        return self.head.kind

    @property
    def name(self) -> str:
        """Return the name of the object, or an empty string.

        Quotes are removed, and a name without quotes is in the case that the platform keeps. The parts of a qualified
        name are joined by dots; a part that contains a dot or a quote keeps its quotes.
        """
        return self.head.name

    @property
    def is_session(self) -> bool:
        """Return whether it changes the session only: a new session needs it again."""
        return self.head.session

    @property
    def is_repeatable(self) -> bool:
        """Return whether running it twice is certainly harmless."""
        return self.head.session or self.head.repeatable

    @property
    def is_bound(self) -> bool:
        """Return whether later statements may need the same session.

        It may start a transaction, create something temporary, or change the session in a way that can't be seen.
        """
        return self.head.bound

    @property
    def label(self) -> str:
        """Return verb, kind, and name of the object, printable, on one line."""
        own = self.head
        return _text.printable(" ".join(filter(None, (own.verb, own.kind, own.name))))

    @property
    def cited(self) -> str:
        """Return it as messages name it."""
        return f"Statement {self.index} ({self.label}, line {self.line})"

    def marks(self, own: heads.Head) -> looks.Marks:
        """Return why it is worth a look in a clean-up script.

        :param own: its head
        """
        return looks.of(own, self.script, self.dialect, self.start, self.end)

    def describe(self) -> dict[str, t.Any]:
        """Return the fields for results: never the body or a literal, and everything printable, on one line."""
        own = self.head
        found = [_text.printable(mark) for mark in self.marks(own).all]
        more = details.of(own, self.script, self.dialect, self.start, self.end)
        return {
            "index": self.index,
            "line": self.line,
            "start": self.start,
            "length": self.length,
            "verb": own.verb,
            "object": own.kind,
            "name": _text.printable(own.name),
            "grantee": _text.printable(" ".join(filter(None, own.grantee))),
            "privileges": _text.printable(more.privileges),
            "action": _text.printable(more.action),
            "session": own.session,
            "repeatable": own.session or own.repeatable,
            "unusual": bool(found),
            "marks": found,
        }

    @property
    def head(self) -> heads.Head:
        """Return its head, which is read each time."""
        return heads.read(self.script, self.dialect, self.start, self.end)
