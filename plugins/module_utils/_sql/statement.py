# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one statement of a script is about, and what in a script is secret.

A statement is known by its head: verb, kind of object, name. Its body and its literals are shown to nobody.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    COMMENT,
    MARK,
    NAME,
    STRING,
    WORD,
    Dialect,
    Token,
    Unreadable,
    dialect_named,
    keyword,
)

MASK = "********"


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script. It refers to the script instead of copying its part of it.

    :ivar script: the whole script
    :ivar dialect: C(snowflake) or C(databricks)
    :ivar index: 1 for the first statement
    :ivar start: offset of its first token
    :ivar length: up to the end of its last token, which is never the semicolon
    :ivar line: of its first token; 1 for the first line
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
        """Offset behind its last token."""
        return self.start + self.length

    @property
    def text(self) -> str:
        """What is sent to the platform: comments inside it kept, no semicolon at its end."""
        return self.script[self.start : self.end]

    @property
    def verb(self) -> str:
        """Its first word in upper case; C(BEGIN) for a block, whatever it begins with."""
        return self._head.verb

    @property
    def kind(self) -> str:
        """The kind of the object it is about in upper case (C(MASKING POLICY)), or an empty string."""
        return self._head.kind

    @property
    def name(self) -> str:
        """The name of the object it is about, or an empty string.

        Quotes are taken off, and a name without quotes is in the case that the platform keeps. The parts of a longer
        name are joined with dots; a part that holds a dot or a quote itself keeps its quotes.
        """
        return self._head.name

    @property
    def is_session(self) -> bool:
        """Whether all it changes is the session: it has to be run again in a new one."""
        return self._head.session

    @property
    def is_repeatable(self) -> bool:
        """Whether running it a second time certainly does no harm."""
        return self._head.session or self._head.repeatable

    @property
    def is_bound(self) -> bool:
        """Whether what follows may need its very session: it may have begun a transaction, made something temporary, or
        changed the session where that can't be seen."""
        return self._head.bound

    @property
    def is_unusual(self) -> bool:
        """Whether it is out of the ordinary in a clean-up script, so that people should look at it."""
        return self._head.unusual

    def describe(self) -> dict[str, t.Any]:
        """What results show of it: never its body or a literal."""
        head = self._head
        return {
            "index": self.index,
            "line": self.line,
            "start": self.start,
            "length": self.length,
            "verb": head.verb,
            "object": head.kind,
            "name": head.name,
            "session": self.is_session,
            "repeatable": self.is_repeatable,
            "unusual": head.unusual,
        }

    @property
    def _head(self) -> _Head:
        return _read_head(self)


def secrets(text: str, dialect: str) -> list[str]:
    """The string literals that stand as a credential, as they are written and as the platform reads them.

    :param text: any text; it need not be a script that can be split
    """
    found: dict[str, None] = {}
    for _start, _end, values in _credentials(text, dialect_named(dialect)):
        found.update(dict.fromkeys(value for value in values if value))
    return list(found)


def mask(text: str, dialect: str) -> str:
    """The text with every string literal that stands as a credential replaced by asterisks."""
    parts = []
    shown = 0
    for start, end, _values in sorted(_credentials(text, dialect_named(dialect))):
        if start >= shown:
            parts += [text[shown:start], f"'{MASK}'"]
        shown = max(shown, end)
    return "".join([*parts, text[shown:]])


# --- the head of a statement ---


class _Head(t.NamedTuple):
    verb: str
    kind: str = ""
    name: str = ""
    session: bool = False
    repeatable: bool = False
    unusual: bool = True
    bound: bool = False


class _Words:
    """The tokens of a statement without its comments, read as far as they are asked for."""

    def __init__(self, text: str, rules: Dialect, start: int, end: int) -> None:
        self._text = text
        self._rules = rules
        self._tokens = (token for token in rules.read(text, start, end) if token.kind != COMMENT)
        self._read: list[Token] = []

    def token(self, at: int) -> Token | None:
        missing = at + 1 - len(self._read)
        if missing > 0:
            self._read.extend(itertools.islice(self._tokens, missing))
        return self._read[at] if at < len(self._read) else None

    def word(self, at: int) -> str:
        """A word in upper case, a mark as it is; empty at the end, for a literal and for a quoted name."""
        token = self.token(at)
        if token is None or token.kind in (STRING, NAME):
            return ""
        return keyword(self._text[token.start : token.end])

    def words(self, at: int) -> t.Iterator[str]:
        """The words from there on that are not in parentheses."""
        depth = 0
        while self.token(at) is not None:
            word = self.word(at)
            depth += (word == "(") - (word == ")")
            if depth == 0:
                yield word
            at += 1

    def skip(self, at: int, *words: str) -> int:
        """The place behind these words if they stand there."""
        return at + len(words) if all(self.word(at + i) == word for i, word in enumerate(words)) else at

    def skip_any(self, at: int, words: frozenset[str]) -> int:
        while self.word(at) in words:
            at += 1
        return at

    def kind(self, at: int) -> tuple[str, int]:
        """The kind of object that is named there, and the place behind it."""
        for length in (3, 2, 1):
            kind = " ".join(self.word(at + i) for i in range(length))
            if kind in _KINDS:
                return kind, at + length
        return "", at

    def name(self, at: int) -> str:
        """The object's name that stands there, if it is plain."""
        parts = []
        while True:
            token = self.token(at)
            if token is not None and token.kind in (WORD, NAME):
                parts.append(self._part(token))
                at += 1
            elif parts and self.word(at) == ".":
                parts.append("")
            else:
                return ""
            if self.word(at) != ".":
                break
            at += 1
        after, last = self.token(at), self.token(at - 1)
        glued = after is not None and last is not None and after.start == last.end
        if (glued and self.word(at) not in _MAY_TOUCH_NAME) or (parts == ["IDENTIFIER"] and self.word(at) == "("):
            return ""
        return ".".join(parts)

    def _part(self, token: Token) -> str:
        value = self._rules.value(self._text, token)
        if token.kind == WORD:
            return value
        quoted = self._text[token.start : token.end]
        return quoted if not value or "." in value or quoted[0] in value else value


def _read_head(statement: Statement) -> _Head:
    rules = dialect_named(statement.dialect)
    words = _Words(statement.script, rules, statement.start, statement.end)
    head = _head(words, snowflake=rules.name == "snowflake")
    if rules.name == "snowflake" and statement.script.find("->>", statement.start, statement.end) >= 0:
        # Another statement follows behind the arrow, and may do anything.
        return head._replace(session=False, repeatable=False, unusual=True, bound=True)
    return head


def _head(words: _Words, *, snowflake: bool) -> _Head:
    at = words.skip_any(0, frozenset("("))
    if words.word(at + 1) == ":":
        at += 2
    verb = words.word(at)
    at += 1
    if verb == "BEGIN" and words.word(at) in _TRANSACTION:
        return _Head(verb, "TRANSACTION", bound=True)
    if verb == "BEGIN" or (verb == "DECLARE" and snowflake):
        return _Head("BEGIN", unusual=False, bound=True)
    reader = _HEADS.get(verb)
    return reader(words, verb, at, snowflake) if reader else _Head(verb, bound=True)


def _create(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    replaces = words.skip(at, "OR", "REPLACE") > at
    after = words.skip_any(at, _MODIFIERS)
    temporary = any(words.word(i) in _TEMPORARY for i in range(at, after))
    kind, at = words.kind(after)
    keeps = words.skip(at, "IF", "NOT", "EXISTS") > at
    name = words.name(words.skip(at, "IF", "NOT", "EXISTS"))
    replaceable = kind in ("VIEW", "FUNCTION", "PROCEDURE") or kind.endswith(" POLICY")
    return _Head(verb, kind, name, repeatable=keeps or (replaces and replaceable), bound=temporary)


def _drop(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    after = words.skip_any(at, _MODIFIERS)
    kind, at = words.kind(after)
    guarded = bool(kind) and words.skip(at, "IF", "EXISTS") > at
    name = words.name(words.skip(at, "IF", "EXISTS")) if kind else ""
    return _Head(verb, kind, name, session=kind == "VARIABLE", repeatable=guarded, unusual=False)


def _alter(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    kind, at = words.kind(words.skip_any(at, _MODIFIERS))
    if kind == "SESSION":
        bound = "AUTOCOMMIT" in words.words(at)
        return _Head(verb, kind, session=True, unusual=words.word(at) != "UNSET", bound=bound)
    actions = _ACTIONS.intersection(words.words(at))
    name = "" if kind in _NAMELESS else words.name(words.skip(at, "IF", "EXISTS"))
    return _Head(
        verb, kind, name, repeatable=actions == {"UNSET"}, unusual=not actions or not actions <= {"UNSET", "DROP"}
    )


def _grant(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    ordinary = {"repeatable": verb == "REVOKE", "unusual": verb != "REVOKE"}
    kind, after = words.kind(words.skip(at, "GRANT", "OPTION", "FOR"))
    if kind.endswith("ROLE") and words.name(after):
        return _Head(verb, kind, words.name(after), **ordinary)
    while words.word(at) not in ("ON", "TO", "FROM") and words.token(at) is not None:
        at += 1
    kind, at = words.kind(at + 1) if words.word(at) == "ON" else ("", at)
    return _Head(verb, kind, "" if kind in _NAMELESS else words.name(at), **ordinary)


def _use(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    if words.word(at) == "SECONDARY":
        return _Head(verb, "SECONDARY ROLES", session=True, unusual=False)
    kind, after = words.kind(at)
    # A lone word is a name, even when it is spelled like a kind.
    if words.token(after) is None:
        kind, after = "", at
    return _Head(verb, kind, words.name(after), session=True, unusual=False)


def _set(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    if not snowflake and words.skip(at, "TAG", "ON") > at:
        kind, at = words.kind(at + 2)
        return _Head(verb, kind, words.name(at) if kind else "", unusual=verb == "SET")
    kind = "VARIABLE"
    if not snowflake:
        kind = {"VAR": kind, "VARIABLE": kind, "CATALOG": "CATALOG", "SCHEMA": "SCHEMA"}.get(words.word(at), "")
        at += 1
    return _Head(verb, kind, words.name(at) if kind else "", session=True, unusual=False)


def _declare(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    at = words.skip(words.skip(at, "OR", "REPLACE"), "VARIABLE")
    return _Head(verb, "VARIABLE", words.name(at), session=True)


def _call(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    return _Head(verb, "PROCEDURE", words.name(at), unusual=False, bound=True)


def _show(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    return _Head(verb, repeatable=True, unusual=False)


def _describe(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    kind, at = words.kind(at)
    return _Head(verb, kind, words.name(at) if kind else "", repeatable=True)


def _comment(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    kind, at = words.kind(words.skip(words.skip(at, "IF", "EXISTS"), "ON"))
    return _Head(verb, kind, words.name(at) if kind else "")


def _execute(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    kind, after = words.kind(at)
    return _Head(verb, kind, words.name(after) if kind else "", unusual=words.word(at) != "IMMEDIATE", bound=True)


def _other(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    kind, at = words.kind(at)
    name = words.name(words.skip(at, "IF", "EXISTS")) if kind else ""
    return _Head(verb, kind, name)


def _select(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    """A query is repeatable when it calls nothing but what is known to change nothing."""
    harmless = True
    while harmless and (token := words.token(at)) is not None:
        word = words.word(at)
        calls = words.word(at + 1) == "(" and token.kind in (WORD, NAME)
        harmless = word not in ("INTO", "NEXTVAL") and (not calls or word in _HARMLESS)
        at += 1
    return _Head(verb, repeatable=harmless, bound=not harmless)


def _reset(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    return _Head(verb, session=not snowflake)


def _start(words: _Words, verb: str, at: int, snowflake: bool) -> _Head:
    return _Head(verb, "TRANSACTION" if words.word(at) == "TRANSACTION" else "", bound=True)


_HEADS: dict[str, t.Callable[[_Words, str, int, bool], _Head]] = {
    "ALTER": _alter,
    "CALL": _call,
    "COMMENT": _comment,
    "CREATE": _create,
    "DECLARE": _declare,
    "DESC": _describe,
    "DESCRIBE": _describe,
    "DROP": _drop,
    "EXECUTE": _execute,
    "GRANT": _grant,
    "RESET": _reset,
    "REVOKE": _grant,
    "SELECT": _select,
    "SET": _set,
    "SHOW": _show,
    "START": _start,
    "TRUNCATE": _other,
    "UNDROP": _other,
    "UNSET": _set,
    "USE": _use,
}
_TRANSACTION = frozenset(["", "TRANSACTION", "WORK", "NAME"])
_MODIFIERS = frozenset(
    [
        "OR",
        "REPLACE",
        "ALTER",
        "TEMP",
        "TEMPORARY",
        "GLOBAL",
        "LOCAL",
        "VOLATILE",
        "TRANSIENT",
        "SECURE",
        "RECURSIVE",
        "AGGREGATE",
    ]
)
_TEMPORARY = frozenset(["TEMP", "TEMPORARY", "VOLATILE"])
_ACTIONS = frozenset(
    [
        "UNSET",
        "DROP",
        "SET",
        "ADD",
        "RENAME",
        "SWAP",
        "AS",
        "REFRESH",
        "RESUME",
        "SUSPEND",
        "RECOVER",
        "EXECUTE",
        "CLUSTER",
    ]
)
_NAMELESS = frozenset(["", "ACCOUNT", "METASTORE"])
_MAY_TOUCH_NAME = frozenset("(),=")
_KINDS = frozenset(
    kind.strip()
    for kind in [
        "\n    ACCOUNT",
        " AGGREGATION POLICY",
        " ALERT",
        " API INTEGRATION",
        " APPLICATION",
        " APPLICATION PACKAGE",
        " APPLICATION ROLE",
        "\n    AUTHENTICATION POLICY",
        " CATALOG",
        " CATALOG INTEGRATION",
        " COMPUTE POOL",
        " CONNECTION",
        " CREDENTIAL",
        " DATABASE",
        " DATABASE ROLE",
        "\n    DYNAMIC TABLE",
        " EVENT TABLE",
        " EXTERNAL ACCESS INTEGRATION",
        " EXTERNAL FUNCTION",
        " EXTERNAL LOCATION",
        " EXTERNAL TABLE",
        "\n    EXTERNAL VOLUME",
        " FAILOVER GROUP",
        " FILE FORMAT",
        " FOREIGN CATALOG",
        " FUNCTION",
        " GIT REPOSITORY",
        " GROUP",
        " HYBRID TABLE",
        "\n    ICEBERG TABLE",
        " IMAGE REPOSITORY",
        " INTEGRATION",
        " JOIN POLICY",
        " LISTING",
        " MASKING POLICY",
        " MATERIALIZED VIEW",
        " METASTORE",
        "\n    MODEL",
        " NETWORK POLICY",
        " NETWORK RULE",
        " NOTIFICATION INTEGRATION",
        " PACKAGES POLICY",
        " PASSWORD POLICY",
        " PIPE",
        " POLICY",
        "\n    PRIVACY POLICY",
        " PROCEDURE",
        " PROJECTION POLICY",
        " PROVIDER",
        " RECIPIENT",
        " REPLICATION GROUP",
        " RESOURCE MONITOR",
        " ROLE",
        "\n    ROW ACCESS POLICY",
        " SCHEMA",
        " SECRET",
        " SECURITY INTEGRATION",
        " SEMANTIC VIEW",
        " SEQUENCE",
        " SERVICE",
        " SERVICE CREDENTIAL",
        "\n    SESSION",
        " SESSION POLICY",
        " SHARE",
        " STAGE",
        " STORAGE CREDENTIAL",
        " STORAGE INTEGRATION",
        " STREAM",
        " STREAMING TABLE",
        " TABLE",
        " TAG",
        "\n    TASK",
        " USER",
        " VARIABLE",
        " VIEW",
        " VOLUME",
        " WAREHOUSE\n    ",
    ]
)
_HARMLESS = frozenset(
    [
        "ALL",
        "AND",
        "ANY",
        "AS",
        "AVG",
        "BY",
        "CASE",
        "CAST",
        "COALESCE",
        "CONCAT",
        "COUNT",
        "CURRENT_ACCOUNT",
        "CURRENT_CATALOG",
        "CURRENT_DATABASE",
        "CURRENT_DATE",
        "CURRENT_ROLE",
        "CURRENT_SCHEMA",
        "CURRENT_TIMESTAMP",
        "CURRENT_USER",
        "CURRENT_VERSION",
        "CURRENT_WAREHOUSE",
        "DISTINCT",
        "ELSE",
        "EXCEPT",
        "EXISTS",
        "FROM",
        "HAVING",
        "IFNULL",
        "IN",
        "INTERSECT",
        "JOIN",
        "LENGTH",
        "LOWER",
        "MAX",
        "MIN",
        "NOT",
        "NUMBER",
        "NVL",
        "ON",
        "OR",
        "OVER",
        "SELECT",
        "SUBSTR",
        "SUBSTRING",
        "SUM",
        "THEN",
        "TRIM",
        "TRY_CAST",
        "UNION",
        "UPPER",
        "USING",
        "VALUES",
        "VARCHAR",
        "WHEN",
        "WHERE",
    ]
)

# --- credentials ---

# Start and end of a literal, and what is secret in it.
_Credential = tuple[int, int, tuple[str, ...]]


def _credentials(text: str, rules: Dialect) -> list[_Credential]:
    """The literals that stand as a credential, inside strings and comments too."""
    found: list[_Credential] = []
    awaited = False
    # Of the parentheses behind CREDENTIALS: all literals in them count.
    group: int | None = None
    try:
        for token in rules.read(text):
            here = text[token.start : token.end]
            if token.kind == COMMENT:
                stop = token.end - 2 if here.endswith("*/") else token.end
                found += _loose_credentials(text, token.start, stop, rules)
            elif token.kind == STRING:
                value = rules.value(text, token)
                if awaited or group:
                    found.append((token.start, token.end, (here[1:-1], value)))
                elif _KEY.fullmatch(value):
                    awaited = True
                elif _HOLDS_KEY.search(value):
                    if _ENDS_IN_KEY.search(value):
                        # As after an apostrophe in prose: what follows is no code, but the credential.
                        line = _LINE_END.search(text, token.end)
                        found += _loose_credentials(text, token.start, line.start() if line else len(text), rules)
                    found += _inner_credentials(token, here, _credentials(value, rules))
            elif token.kind == MARK:
                awaited = awaited and here in "=:>(|"
                if group is not None:
                    group += (here == "(") - (here == ")")
                    group = group if group or here == "=" else None
            else:
                word = rules.value(text, token).upper()
                awaited = _KEY.fullmatch(word) is not None or (awaited and word in _BEFORE_VALUE)
                if word in ("CREDENTIAL", "CREDENTIALS"):
                    group = 0
                elif group == 0:
                    group = None
    except Unreadable:
        # Strings and code may have changed places: whatever looks like a credential is one.
        found += _loose_credentials(text, 0, len(text), rules)
    return found


def _inner_credentials(token: Token, literal: str, inner: list[_Credential]) -> list[_Credential]:
    """The credentials inside a literal, seen from outside; one with escapes can only be hidden as a whole."""
    if literal.startswith("$$"):
        shift = token.start + 2
        return [(start + shift, end + shift, values) for start, end, values in inner]
    return [(token.start, token.end, values) for _start, _end, values in inner]


def _loose_credentials(text: str, start: int, end: int, rules: Dialect) -> t.Iterator[_Credential]:
    """Whatever looks like a credential, up to the end of its line."""
    for match in _LOOSE.finditer(text, start, end):
        value = match["value"]
        bare = value.strip(_AROUND)
        # Where the literal ends is not certain: it may be all of the line, go up to the next quote, or be whole.
        values = {bare, *_NO_QUOTE.findall(value)[:1]}
        with contextlib.suppress(Unreadable, StopIteration):
            token = next(rules.read(value))
            if token.kind == STRING:
                values |= {value[token.start + 1 : token.end - 1], rules.value(value, token)}
        yield match.start("value"), match.end("value"), tuple(sorted(values))


_KEY_WORDS = (
    r"(?:PASSWORD|PASSWD|PWD|PASSPHRASE|SECRET|SECRET_STRING|TOKEN|CREDENTIALS?"
    r"|(?:SECRET|PRIVATE|MASTER|ACCESS|ACCOUNT|API|SAS|ENCRYPTION)[_.]?KEY)"
)
# Only where it is anchored may any letters stand in front of a key word: a search would read them again from each letter.
_KEY = re.compile(r"\w*" + _KEY_WORDS, re.IGNORECASE)
_HOLDS_KEY = re.compile(_KEY_WORDS, re.IGNORECASE)
_LOOSE = re.compile(_KEY_WORDS + r"\b['\"`]*[\s=:>(]*(?P<value>['\"$][^\r\n]*)", re.IGNORECASE)
_NO_QUOTE = re.compile(r"[^'\"$]+")
_ENDS_IN_KEY = re.compile(_KEY_WORDS + r"\b['\"`]*\s*[=:>]+[\s(]*\Z", re.IGNORECASE)
_LINE_END = re.compile(r"[\r\n]")
_AROUND = "'\"$;, \t"
# What may stand between the word and its value; R begins a raw string.
_BEFORE_VALUE = frozenset(["DEFAULT", "R", "STRING", "TEXT", "VARCHAR"])
