# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reasons for a person to look at a statement before a clean-up script is approved.

Whose objects a statement is about is not known here: see C(made_by). No literal is part of a mark.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import head
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    COMMENT,
    MARK,
    WORD,
    Dialect,
    Unreadable,
    dialect_named,
)

# Of a statement about an object of unknown kind, so many words are shown after its verb.
MOST_WORDS = 5


class Marks(t.NamedTuple):
    """The marks of a statement.

    :ivar always: regardless of who created its object
    :ivar on_others: what it does to an object, which is ordinary if the object is one of Immuta's own; may be empty
    :ivar detached: the policies and tags that it takes off an object, as far as they are named
    :ivar detaches: whether all that it does is to take policies or masks off an object
    """

    always: tuple[str, ...] = ()
    on_others: str = ""
    detached: tuple[str, ...] = ()
    detaches: bool = False

    @property
    def all(self) -> list[str]:
        """Return them all, for a reader who does not know whose the object is."""
        return [*self.always, *filter(None, [self.on_others])]


def of(own: head.Head, script: str, dialect: str, start: int, end: int) -> Marks:
    """Return the marks of the statement between two offsets of a script.

    :param own: its head
    """
    rules = dialect_named(dialect)
    words = head.Words(script, rules, start, end)
    found = _LOOKS.get(own.verb, _other)(words, own)
    more = list(found.always)
    if own.verb == "BEGIN" and own.kind != "TRANSACTION":
        more = [f"runs a block{_holding(held(script, rules, start, end))}"]
    elif own.verb == "EXECUTE" and not own.kind:
        more = [_executed(words, rules)]
    # Most statements have neither, and are not read to their end for it.
    flows = rules.name == "snowflake" and script.find(head.FLOW, start, end) >= 0
    if flows and (arrow := _arrow(words, script)) is not None:
        more.append(f"continues with another statement{_holding(held(script, rules, arrow, end))}: {head.FLOW}")
    if _IDENTIFIER.search(script, start, end) and _computes_name(words):
        more.append("the name is computed: IDENTIFIER(...)")
    return found._replace(always=tuple(more))


def _arrow(words: head.Words, script: str) -> int | None:
    """Return the position of the sign with which another statement continues; one in a literal does not count."""
    at = 0
    while (token := words.token(at)) is not None:
        if token.kind == MARK and script.startswith(head.FLOW, token.start):
            return token.start
        at += 1
    return None


def held(text: str, rules: Dialect, start: int, end: int) -> list[str]:
    """Return verb, kind, and name of each statement in a part of a text that changes something, each once."""
    tokens = [token for token in rules.read(text, start, end) if token.kind != COMMENT]
    found: dict[str, None] = {}
    # The words of a statement that is named are no statements of their own, except where one can begin.
    skipping, before, stop = False, ";", start
    for at, token in enumerate(tokens):
        word = text[token.start : token.end].upper()
        after = text[tokens[at + 1].start] if at + 1 < len(tokens) else ""
        begins = before in _BEFORE_STATEMENTS
        skipping = skipping and word != ";"
        # Before an operator, it is the name of a variable.
        if token.kind == WORD and word in _CHANGES and (begins or not skipping) and not (after and after in _OPERATORS):
            if stop <= token.start:
                stop = next((one.start for one in itertools.islice(tokens, at, None) if text[one.start] == ";"), end)
            own = head.read(text, rules.name, token.start, stop)
            again = " IMMEDIATE" if own.verb == "EXECUTE" and not own.kind else ""
            found[" ".join(filter(None, (own.verb + again, own.kind, own.name)))] = None
            skipping = begins
        before = word
    return list(found)


def _holding(found: list[str]) -> str:
    return f" that contains {', '.join(found)}" if found else ""


def _executed(words: head.Words, rules: Dialect) -> str:
    if (text := words.literal(2)) is not None:
        with contextlib.suppress(Unreadable):
            if found := held(text, rules, 0, len(text)):
                return f"runs text{_holding(found)}: EXECUTE IMMEDIATE"
    return "runs text that can't be seen here: EXECUTE IMMEDIATE"


def _computes_name(words: head.Words) -> bool:
    at = 0
    while words.token(at) is not None:
        if words.word(at) == "IDENTIFIER" and words.word(at + 1) == "(":
            return True
        at += 1
    return False


def _unknown(words: head.Words) -> str:
    """Return what a statement is about whose kind of object is not known, with its words up to its action."""
    at = words.skip_any(1, head.MODIFIERS)
    shown = [words.word(0), *itertools.islice(itertools.takewhile(str.isidentifier, words.words(at)), MOST_WORDS)]
    first = next((i + 1 for i, word in enumerate(shown) if i and word in head.ACTIONS), len(shown))
    return f"something of an unknown kind: {' '.join(shown[:first])}"


def _about(own: head.Head) -> str:
    return " ".join(filter(None, (own.kind, own.name))) or "something"


def _other(words: head.Words, own: head.Head) -> Marks:
    at = words.find(0, "FROM", "INTO") if own.verb in ("DELETE", "INSERT", "MERGE") else 0
    name = words.name(at + 1) if own.verb in _WRITES else ""
    return Marks((f"is unusual in a clean-up script: {own.verb} {name}".rstrip(": "),))


def _none(words: head.Words, own: head.Head) -> Marks:
    return Marks()


def _says(text: str) -> t.Callable[[head.Words, head.Head], Marks]:
    """Look at a statement that is always worth a look; the text may name its verb and its object."""
    return lambda words, own: Marks((text.format(verb=own.verb, about=_about(own)),))


def _create(words: head.Words, own: head.Head) -> Marks:
    runs = own.kind.split(" ")[-1] in ("PROCEDURE", "FUNCTION", "TASK", "ALERT")
    return Marks((f"creates {_about(own)}" + (", which contains statements of its own" if runs else ""),))


def _drop(words: head.Words, own: head.Head) -> Marks:
    found = []
    if not own.kind:
        found.append(f"drops {_unknown(words)}")
    # A script that is cut off ends like this.
    elif not own.name or own.name.upper() == "IF":
        found.append(f"drops a {own.kind} whose name can't be read")
    if "," in words.words(0):
        found.append("drops more than one object")
    return Marks(tuple(found))


def _alter(words: head.Words, own: head.Head) -> Marks:
    if own.kind == "SESSION":
        return _alter_session(words)
    if own.kind in ("ACCOUNT", "METASTORE"):
        return Marks((f"changes the {own.kind.lower()}",))
    if not own.kind:
        return Marks((f"changes {_unknown(words)}",))
    actions = head.actions(words)
    removals = [(word, _removed(words, own, word, at + 1)) for word, at in actions if word in head.REMOVING]
    others = sorted({word for word, _place in actions} - head.REMOVING)
    change = f"changes {_about(own)}" + (f": {', '.join(filter(None, others))}" if any(others) else "")
    always = [
        f"removes every policy from {_about(own)}, not only Immuta's"
        if what == "ALL"
        else f"drops {_PARTS.get(what, 'a part')} of {_about(own)}"
        for word, (what, _after) in removals
        if word == "DROP" and what not in _DETACHED
    ]
    if not actions or not _HARMLESS_ACTIONS.issuperset(others):
        always.append(change)
    return Marks(
        tuple(always),
        on_others=change if others and change not in always else "",
        detached=tuple(name for _word, (what, after) in removals if what in _DETACHED for name in _names(words, after)),
        detaches=bool(actions)
        and not always
        and not others
        and all(what in _DETACHED for _word, (what, _after) in removals),
    )


def _names(words: head.Words, at: int) -> t.Iterator[str]:
    """Yield the names at C(at), which commas part."""
    if name := words.name(at):
        yield name
        at = words.find(at, ",") + 1
        while words.is_name(at):
            yield words.name(at)
            at = words.find(at, ",") + 1


def _removed(words: head.Words, own: head.Head, action: str, at: int) -> tuple[str, int]:
    """Return what an action drops or unsets, and the position after it."""
    for length in (3, 2, 1):
        what = " ".join(words.word(at + i) for i in range(length))
        if what in _PARTS or (what in _DETACHED and (action == "UNSET" or what in _DROPPED[words.snowflake])):
            return what, at + length
    # The word COLUMN may be left out.
    return "COLUMN" if own.kind.endswith(("TABLE", "VIEW")) else "", at


def _alter_session(words: head.Words) -> Marks:
    top = list(words.words(0))
    if "UNSET" in top:
        return Marks()
    names = [name for name, sign in itertools.pairwise(top) if sign == "="]
    # What Immuta's own scripts need to hold: quoted names are meant as they are written.
    if names == ["QUOTED_IDENTIFIERS_IGNORE_CASE"] and top[-1] == "FALSE":
        return Marks()
    return Marks((f"changes the session: {', '.join(names) or 'unknown'}",))


def _revoke(words: head.Words, own: head.Head) -> Marks:
    if "FROM" not in words.words(0):
        return Marks(("revokes rights without naming from whom: REVOKE",))
    return Marks()


def _grant(words: head.Words, own: head.Head) -> Marks:
    return Marks((f"grants rights to {' '.join(filter(None, own.grantee)) or 'somebody'}: GRANT",))


def _set(words: head.Words, own: head.Head) -> Marks:
    if own.verb == "UNSET":
        return Marks()
    if words.word(1) == "TAG" and words.word(2) == "ON":
        return Marks(on_others=f"sets a tag on {_about(own)}")
    at = words.find(1, "=", "DEFAULT")
    if _holds_query(words, at):
        return Marks((f"assigns the result of a query: {own.verb} {own.name}".rstrip(),))
    if not head.is_harmless(words, at, _IDS):
        return Marks((f"assigns the result of a function: {own.verb} {own.name}".rstrip(),))
    return Marks()


def _holds_query(words: head.Words, at: int) -> bool:
    at = words.find(at, "SELECT", "WITH", "TABLE", "SHOW", "CALL")
    return words.token(at) is not None


def _declare(words: head.Words, own: head.Head) -> Marks:
    return Marks(_set(words, own).always or (f"declares a variable: {own.name}".rstrip(": "),))


def _call(words: head.Words, own: head.Head) -> Marks:
    return Marks((f"calls a procedure: {own.name}".rstrip(": "),))


def _comment(words: head.Words, own: head.Head) -> Marks:
    return Marks(on_others=f"comments on {_about(own)}")


def _empty(words: head.Words, own: head.Head) -> Marks:
    return Marks(on_others=f"empties {_about(own)}")


def _select(words: head.Words, own: head.Head) -> Marks:
    return Marks(("only reads: SELECT" if own.repeatable else "calls a function, or writes: SELECT",))


_LOOKS: dict[str, t.Callable[[head.Words, head.Head], Marks]] = {
    "ALTER": _alter,
    "BEGIN": _says("opens a transaction: BEGIN"),
    "CALL": _call,
    "COMMENT": _comment,
    "COMMIT": _says("ends a transaction: COMMIT"),
    "CREATE": _create,
    "DECLARE": _declare,
    "DESC": _says("only reads: {verb}"),
    "DESCRIBE": _says("only reads: {verb}"),
    "DROP": _drop,
    "EXECUTE": _says("runs {about}: EXECUTE"),
    "GRANT": _grant,
    "RESET": _says("changes the session: RESET"),
    "REVOKE": _revoke,
    "ROLLBACK": _says("ends a transaction: ROLLBACK"),
    "SELECT": _select,
    "SET": _set,
    "SHOW": _none,
    "START": _says("opens a transaction: START"),
    "TRUNCATE": _empty,
    "UNDROP": _says("brings back {about}: UNDROP"),
    "UNSET": _set,
    "USE": _none,
}
_WRITES = frozenset("DELETE INSERT MERGE UPDATE".split())
_IDENTIFIER = re.compile(r"\bIDENTIFIER\b", re.IGNORECASE)
_HARMLESS_ACTIONS = frozenset("SET ADD AS REFRESH SUSPEND RECOVER CLUSTER".split())
_PARTS = {
    "ALL": "all",
    "COLUMN": "a column",
    "COLUMNS": "columns",
    "CONSTRAINT": "a constraint",
    "CLUSTERING KEY": "the clustering key",
    "DATA METRIC FUNCTION": "a data metric function",
    "DEFAULT": "a default",
    "FOREIGN KEY": "a foreign key",
    "NOT NULL": "the constraint NOT NULL",
    "PARTITION": "a partition",
    "POLICY": "a policy",
    "PRIMARY KEY": "the primary key",
    "SEARCH OPTIMIZATION": "the search optimization",
    "STORAGE LIFECYCLE POLICY": "a storage policy",
    "UNIQUE": "a unique key",
}
# Of a query of the same session.
_IDS = frozenset(["LAST_QUERY_ID"])
_CHANGES = frozenset(
    """
    ALTER CALL COPY CREATE DELETE DROP EXECUTE GRANT INSERT MERGE REVOKE TRUNCATE UNDROP UPDATE USE
    """.split()
)
_BEFORE_STATEMENTS = frozenset("; ( > THEN ELSE DO BEGIN LOOP REPEAT".split())
_OPERATORS = "=),.;:+-*/<>!|%"
# What Immuta puts on tables of others, and its clean-up scripts take off again.
_POLICIES = frozenset(f"{kind} POLICY" for kind in ("AGGREGATION", "JOIN", "PROJECTION", "ROW ACCESS"))
_MASKS = frozenset(["MASK", "ROW FILTER"])
_DETACHED = _POLICIES | _MASKS | {"MASKING POLICY", "TAG"}
# Of these, what DROP takes off, by whether it is Snowflake: anything else after DROP is a column of that name.
_DROPPED = {True: _POLICIES, False: _MASKS}
