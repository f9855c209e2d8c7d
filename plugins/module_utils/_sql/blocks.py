# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blocks and control statements: their words, and what the splitter has to remember while it reads them."""

from __future__ import annotations

import dataclasses

SOME_NAME = "?"
NONE: frozenset[str] = frozenset()
KIND = frozenset(["KIND"])
BEFORE_NAME = frozenset(".:@$")
LABELLED = frozenset("BEGIN FOR LOOP REPEAT WHILE".split())
ONLY_IN_BLOCKS = frozenset(
    """
    BREAK CASE CONTINUE ELSE ELSEIF END EXCEPTION FOR IF ITERATE LEAVE LET LOOP RAISE REPEAT RETURN THEN UNTIL WHEN WHILE
    """.split()
)
CONTROL = frozenset(
    """
    BEGIN CASE DECLARE DO ELSE ELSEIF END EXCEPTION FOR IF LOOP REPEAT THEN UNTIL WHEN WHILE
    """.split()
)
HEADERS = {"IF": "THEN", "CASE": "THEN", "FOR": "DO", "WHILE": "DO"}
CLOSERS = {
    "BEGIN": frozenset([""]),
    "CASE": frozenset(["CASE"]),
    "FOR": frozenset(["FOR"]),
    "IF": frozenset(["IF"]),
    "LOOP": frozenset(["LOOP"]),
    "REPEAT": frozenset(["REPEAT"]),
    "WHILE": frozenset(["WHILE"]),
}
CLOSERS_SNOWFLAKE = {"CASE": frozenset([""]), "FOR": frozenset(["LOOP"]), "WHILE": frozenset(["LOOP"])}
NAMED_ENDS = frozenset("CASE FOR IF LOOP REPEAT WHILE".split())
ONE_WORD_STATEMENTS = frozenset("BEGIN BREAK COMMIT CONTINUE END EXIT NULL RAISE RETURN ROLLBACK".split())
HAVE_THEN = frozenset("ALTER CREATE EXPLAIN INSERT MERGE WITH".split())
DEFINING = frozenset(["ALTER", "CREATE"])
WITH_BODY = DEFINING | {"WITH"}
# What the platform is never sent. PUT and GET move files of the machine that the client runs on; Snowflake removes files itself.
CLIENT_COMMANDS = {
    "snowflake": frozenset("DELIMITER GET PUT".split()),
    "databricks": frozenset("DELIMITER GET PUT REMOVE".split()),
}
SPECIAL_OPENERS = ONLY_IN_BLOCKS | LABELLED | WITH_BODY | {"DECLARE", "DELIMITER", "GET", "PUT", "REMOVE"}
MODIFIERS = frozenset("OR REPLACE ALTER TEMP TEMPORARY SECURE EXTERNAL AGGREGATE".split())
# The kinds of objects whose definition can be a block without quotes, and the words directly before it.
BODIES = {
    "ALERT": frozenset(["ACTION", "THEN"]),
    "FUNCTION": frozenset(["AS"]),
    "PROCEDURE": frozenset(["AS"]),
    "TASK": frozenset(["AS"]),
}
SPECIAL_KINDS = MODIFIERS | BODIES.keys()


@dataclasses.dataclass(slots=True)
class Frame:
    """An open block or control statement.

    :ivar opener: the keyword that opened it; C(DECLARE) until the BEGIN of the same block
    :ivar at: the offset of that keyword
    :ivar verb: the first word of the statement that contains it
    :ivar label: the label before it, in lower case
    :ivar handles: whether its exception handlers have started
    """

    opener: str
    at: int
    verb: str
    label: str | None
    handles: bool = False


@dataclasses.dataclass(slots=True)
class State:
    """The state of the statement that is being read.

    :ivar fresh: whether it has not started yet
    :ivar verb: its first word
    :ivar label: the label before it, in lower case
    :ivar parentheses: how many are open
    :ivar cases: offsets of the CASE expressions that are open
    :ivar header: the word that ends the condition or query of a control statement: THEN, DO, or END for UNTIL
    :ivar body: the words directly before the body of a CREATE; C(KIND) while it is unknown whether there can be one
    :ivar body_follows: whether the next word may start that body
    :ivar handler: whether it is what a handler does
    """

    fresh: bool = True
    verb: str = ""
    label: str | None = None
    parentheses: int = 0
    cases: list[int] = dataclasses.field(default_factory=list)
    header: str = ""
    body: frozenset[str] = NONE
    body_follows: bool = False
    handler: bool = False
