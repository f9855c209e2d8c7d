# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The head of a statement: its verb, the kind and the name of its object, and what follows from them.

The body of a statement and its literals are never part of it.
"""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import (
    COMMENT,
    NAME,
    STRING,
    WORD,
    Dialect,
    Token,
    dialect_named,
    keyword,
)


class Head(t.NamedTuple):
    """The head of a statement.

    :ivar verb: the first word in upper case; C(BEGIN) for every block
    :ivar kind: the kind of the object in upper case, or an empty string
    :ivar name: the name of the object, or an empty string
    :ivar session: whether it changes the session only
    :ivar repeatable: whether running it twice is certainly harmless, apart from C(session)
    :ivar removes: whether all that it does is to drop or unset
    :ivar bound: whether later statements may need the same session
    :ivar hides: whether it may run statements that can't be read here, which may leave the session anywhere
    :ivar on: what a policy of Databricks is dropped from: kind and name; either may be empty
    :ivar grantee: whom it gives rights to, or takes them from: kind and name; either may be empty
    :ivar existing: what a C(CREATE) does if there is one: it is C(refused), or the old one is C(kept), C(altered), or C(replaced)
    """

    verb: str
    kind: str = ""
    name: str = ""
    session: bool = False
    repeatable: bool = False
    removes: bool = False
    bound: bool = False
    hides: bool = False
    on: tuple[str, str] = ("", "")
    grantee: tuple[str, str] = ("", "")
    existing: str = ""


class Words:
    """The tokens of a statement without comments, read on demand. Positions count tokens, from 0."""

    def __init__(self, text: str, rules: Dialect, start: int, end: int) -> None:
        self.snowflake = rules.name == "snowflake"
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
        """Return a word in upper case, or a mark; an empty string at the end, for a literal, and for a quoted name."""
        token = self.token(at)
        if token is None or token.kind in (STRING, NAME):
            return ""
        return keyword(self._text[token.start : token.end])

    def words(self, at: int) -> t.Iterator[str]:
        """Yield the words from C(at) on that are not in parentheses."""
        return (word for _at, word in self.placed(at))

    def placed(self, at: int) -> t.Iterator[tuple[int, str]]:
        """Yield the words from C(at) on that are not in parentheses, with their positions."""
        depth = 0
        while self.token(at) is not None:
            word = self.word(at)
            depth += (word == "(") - (word == ")")
            if depth == 0:
                yield at, word
            at += 1

    def find(self, at: int, *words: str) -> int:
        """Return the position of the first of these words from C(at) on, or the end."""
        while self.token(at) is not None and self.word(at) not in words:
            at += 1
        return at

    def skip(self, at: int, *words: str) -> int:
        """Return the position after these words if they are at C(at), else C(at)."""
        return at + len(words) if all(self.word(at + i) == word for i, word in enumerate(words)) else at

    def skip_any(self, at: int, words: frozenset[str]) -> int:
        while self.word(at) in words:
            at += 1
        return at

    def kind(self, at: int) -> tuple[str, int]:
        """Return the kind of object at C(at), and the position after it."""
        for length in (3, 2, 1):
            kind = " ".join(self.word(at + i) for i in range(length))
            if kind in _KINDS:
                return kind, at + length
        return "", at

    def name(self, at: int) -> str:
        """Return the object's name at C(at), or an empty string if it is not a plain name."""
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

    def after_name(self, at: int) -> int:
        """Return the position after the name at C(at), and after the parentheses that follow it."""
        at += 1
        while self.word(at) == ".":
            at += 1 if self.word(at + 1) == "." else 2
        return next((place for place, word in self.placed(at) if word == ")"), at) + 1 if self.word(at) == "(" else at

    def is_name(self, at: int) -> bool:
        """Return whether there is a name at C(at), and nothing more before a comma or the end."""
        after = self.after_name(at)
        return bool(self.name(at)) and (self.token(after) is None or self.word(after) == ",")

    def written(self, at: int, after: int) -> str:
        """Return what is written between two positions, with quotes."""
        first, last = self.token(at), self.token(after - 1)
        return self._text[first.start : last.end] if first and last else ""

    def literal(self, at: int) -> str | None:
        """Return the string at C(at), with the next ones joined as on Databricks; None if the text has other parts."""
        found: list[str] = []
        while (token := self.token(at)) is not None and token.kind == STRING and not (self.snowflake and found):
            found.append(self._rules.value(self._text, token))
            at += 1
        return "".join(found) if found and (token is None or self.word(at) in ("USING", "INTO")) else None

    def _part(self, token: Token) -> str:
        value = self._rules.value(self._text, token)
        if token.kind == WORD:
            return value
        quoted = self._text[token.start : token.end]
        return quoted if not value or "." in value or quoted[0] in value else value


def read(script: str, dialect: str, start: int, end: int) -> Head:
    """Return the head of the statement between two offsets of a script.

    :param dialect: C(snowflake) or C(databricks)
    """
    rules = dialect_named(dialect)
    words = Words(script, rules, start, end)
    head = _head(words, snowflake=rules.name == "snowflake")
    if rules.name == "snowflake" and script.find(FLOW, start, end) >= 0:
        # Another statement follows after the arrow, and may do anything.
        return head._replace(session=False, repeatable=False, bound=True, hides=True)
    return head


def _head(words: Words, *, snowflake: bool) -> Head:
    at = words.skip_any(0, frozenset("("))
    if words.word(at + 1) == ":":
        at += 2
    verb = words.word(at)
    at += 1
    if verb == "BEGIN" and words.word(at) in _TRANSACTION:
        return Head(verb, "TRANSACTION", bound=True)
    if verb == "BEGIN" or (verb == "DECLARE" and snowflake):
        return Head("BEGIN", bound=True, hides=True)
    reader = _READERS.get(verb)
    return reader(words, verb, at, snowflake) if reader else Head(verb, bound=True, hides=verb not in _STAYING)


def _create(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    replaces, alters = words.skip(at, "OR", "REPLACE") > at, words.skip(at, "OR") > at
    after = words.skip_any(at, MODIFIERS)
    temporary = any(words.word(i) in _TEMPORARY for i in range(at, after))
    kind, at = words.kind(after)
    name_at = words.skip(at, "IF", "NOT", "EXISTS")
    keeps, name = name_at > at, words.name(name_at)
    replaceable = kind in ("VIEW", "FUNCTION", "PROCEDURE") or kind.endswith(" POLICY")
    existing = "kept" if keeps else "replaced" if replaces else "altered" if alters else "refused"
    return Head(verb, kind, name, repeatable=keeps or (replaces and replaceable), bound=temporary, existing=existing)


def _drop(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    after = words.skip_any(at, MODIFIERS)
    kind, at = words.kind(after)
    guarded = bool(kind) and words.skip(at, "IF", "EXISTS") > at
    at = words.skip(at, "IF", "EXISTS")
    name = words.name(at) if kind else ""
    on = ("", "")
    if kind == "POLICY" and not snowflake:
        on_kind, at = words.kind(words.find(at, "ON") + 1)
        on = on_kind, words.name(at) if on_kind else ""
    return Head(verb, kind, name, session=kind == "VARIABLE", repeatable=guarded, removes=True, on=on)


def _alter(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    kind, at = words.kind(words.skip_any(at, MODIFIERS))
    if kind == "SESSION":
        bound = "AUTOCOMMIT" in words.words(at)
        return Head(verb, kind, session=True, bound=bound)
    found = {word for word, _at in actions(words)}
    name = "" if kind in _NAMELESS else words.name(words.skip(at, "IF", "EXISTS"))
    return Head(verb, kind, name, repeatable=found == {"UNSET"}, removes=bool(found) and found <= REMOVING)


def actions(words: Words) -> list[tuple[str, int]]:
    """Return the actions of an C(ALTER), a word for each, and their positions; none for unknown kinds.

    An action without a word of its own is told by its first word, which may be empty.
    """
    kind, at = words.kind(words.skip_any(1, MODIFIERS))
    if not kind:
        return []
    at = words.skip(at, "IF", "EXISTS")
    at = at if kind in _NAMELESS else words.after_name(at)
    found: list[tuple[str, int]] = []
    part: list[tuple[int, str]] = []
    for place in itertools.chain(words.placed(at), [(-1, ",")]):
        if place[1] != ",":
            part.append(place)
        elif part:
            found += _actions_of(words, part, found)
            part = []
    return found


def _actions_of(words: Words, part: list[tuple[int, str]], before: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the actions in a part of a list.

    :param before: those in the parts before
    """
    start, first = part[0]
    column = words.skip_any(start, _OF_COLUMN)
    # A column may be named like an action.
    at = words.after_name(column) if column > start or (before and first not in ACTIONS) else start
    found = [(word, place) for place, word in part if place >= at and (place == at or word not in REMOVING)]
    found = [(word, place) for word, place in found if word in ACTIONS and words.word(place - 1) != "."]
    continues = column == start and before and (before[-1][0] not in REMOVING or words.is_name(start))
    return found if found or continues else [(first, start)]


def _grant(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    kind, name = _granted(words, at)
    return Head(verb, kind, name, repeatable=verb == "REVOKE", grantee=_grantee(words, at))


def _granted(words: Words, at: int) -> tuple[str, str]:
    """Return kind and name of the role that is granted, or of the object that the rights are on."""
    kind, after = words.kind(words.skip(at, "GRANT", "OPTION", "FOR"))
    if kind.endswith("ROLE") and words.name(after):
        return kind, words.name(after)
    at = words.find(at, "ON", "TO", "FROM")
    if words.word(at) != "ON":
        return "", ""
    if words.word(at + 1) in ("ALL", "FUTURE"):
        inside = words.find(at, "IN", "TO", "FROM")
        many = " ".join(words.word(i) for i in range(at + 1, inside))
        kind, at = words.kind(inside + 1)
        return f"{many} IN {kind}", words.name(at) if kind else ""
    kind, at = words.kind(at + 1)
    return kind, "" if kind in _NAMELESS else words.name(at)


def _grantee(words: Words, at: int) -> tuple[str, str]:
    at = words.find(at, "TO", "FROM") + 1
    kind, after = words.kind(at)
    # A lone word is a name, even when it is spelled like a kind.
    if words.token(after) is None:
        kind, after = "", at
    return kind, words.name(after)


def _use(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    if words.word(at) == "SECONDARY":
        return Head(verb, "SECONDARY ROLES", session=True)
    kind, after = words.kind(at)
    # A lone word is a name, even when it is spelled like a kind.
    if words.token(after) is None:
        kind, after = "", at
    return Head(verb, kind, words.name(after), session=True)


def _set(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    if not snowflake and words.skip(at, "TAG", "ON") > at:
        kind, at = words.kind(at + 2)
        return Head(verb, kind, words.name(at) if kind else "", removes=verb == "UNSET")
    kind = "VARIABLE"
    if not snowflake:
        kind = {"VAR": kind, "VARIABLE": kind, "CATALOG": "CATALOG", "SCHEMA": "SCHEMA"}.get(words.word(at), "")
        at += 1
    # A function of the site's own may do anything.
    pure = is_harmless(words, at, RESULTS)
    return Head(verb, kind, words.name(at) if kind else "", session=pure, bound=not pure, hides=not pure)


def _declare(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    at = words.skip(words.skip(at, "OR", "REPLACE"), "VARIABLE")
    pure = is_harmless(words, at, _SIZED)
    return Head(verb, "VARIABLE", words.name(at), session=pure, bound=not pure, hides=not pure)


def _call(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    return Head(verb, "PROCEDURE", words.name(at), bound=True, hides=True)


def _show(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    return Head(verb, repeatable=True)


def _describe(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    kind, at = words.kind(at)
    return Head(verb, kind, words.name(at) if kind else "", repeatable=True)


def _comment(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    kind, at = words.kind(words.skip(words.skip(at, "IF", "EXISTS"), "ON"))
    return Head(verb, kind, words.name(at) if kind else "")


def _execute(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    kind, after = words.kind(at)
    return Head(verb, kind, words.name(after) if kind else "", bound=True, hides=not kind)


def _other(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    kind, at = words.kind(at)
    name = words.name(words.skip(at, "IF", "EXISTS")) if kind else ""
    return Head(verb, kind, name)


def _select(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    harmless = is_harmless(words, at)
    return Head(verb, repeatable=harmless, bound=not harmless, hides=not harmless)


def is_harmless(words: Words, at: int, also: frozenset[str] = frozenset()) -> bool:
    """Return whether only functions that are known to change nothing are called from C(at) on.

    :param also: more words that may stand before a parenthesis
    """
    while (token := words.token(at)) is not None:
        word = words.word(at)
        calls = words.word(at + 1) == "(" and token.kind in (WORD, NAME)
        # What has a schema is a function of the site's own, whatever its name.
        own = words.word(at - 1) == "." if at else False
        if word in ("INTO", "NEXTVAL") or (calls and (own or word not in _HARMLESS | also)):
            return False
        at += 1
    return True


def _reset(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    return Head(verb, session=not snowflake)


def _start(words: Words, verb: str, at: int, snowflake: bool) -> Head:
    return Head(verb, "TRANSACTION" if words.word(at) == "TRANSACTION" else "", bound=True)


_READERS: dict[str, t.Callable[[Words, str, int, bool], Head]] = {
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
# Other verbs that leave the session in its database and schema.
_STAYING = frozenset("COMMIT COPY DELETE EXPLAIN GET INSERT LIST LS MERGE PUT REMOVE RM ROLLBACK UPDATE".split())
_TRANSACTION = frozenset(["", "TRANSACTION", "WORK", "NAME"])
MODIFIERS = frozenset(
    """
    OR REPLACE ALTER TEMP TEMPORARY GLOBAL LOCAL VOLATILE TRANSIENT SECURE RECURSIVE AGGREGATE
    """.split()
)
_TEMPORARY = frozenset("TEMP TEMPORARY VOLATILE".split())
FLOW = "->>"  # Another statement follows; Snowflake only.
REMOVING = frozenset(["UNSET", "DROP"])
ACTIONS = frozenset("UNSET DROP SET ADD RENAME SWAP AS REFRESH RESUME SUSPEND RECOVER EXECUTE CLUSTER".split())
_OF_COLUMN = frozenset("MODIFY ALTER COLUMN".split())
_NAMELESS = frozenset(["", "ACCOUNT", "METASTORE"])
_MAY_TOUCH_NAME = frozenset("(),=")
_KINDS = frozenset(
    kind.strip()
    for kind in """
    ACCOUNT, AGGREGATION POLICY, ALERT, API INTEGRATION, APPLICATION, APPLICATION PACKAGE, APPLICATION ROLE,
    AUTHENTICATION POLICY, CATALOG, CATALOG INTEGRATION, COMPUTE POOL, CONNECTION, CREDENTIAL, DATABASE,
    DATABASE ROLE, DYNAMIC TABLE, EVENT TABLE, EXTERNAL ACCESS INTEGRATION, EXTERNAL FUNCTION,
    EXTERNAL LOCATION, EXTERNAL TABLE, EXTERNAL VOLUME, FAILOVER GROUP, FILE FORMAT, FOREIGN CATALOG,
    FUNCTION, GIT REPOSITORY, GROUP, HYBRID TABLE, ICEBERG TABLE, IMAGE REPOSITORY, INTEGRATION, JOIN POLICY,
    LISTING, MASKING POLICY, MATERIALIZED VIEW, METASTORE, MODEL, NETWORK POLICY, NETWORK RULE,
    NOTIFICATION INTEGRATION, PACKAGES POLICY, PASSWORD POLICY, PIPE, POLICY, PRIVACY POLICY, PROCEDURE,
    PROJECTION POLICY, PROVIDER, RECIPIENT, REPLICATION GROUP, RESOURCE MONITOR, ROLE, ROW ACCESS POLICY,
    SCHEMA, SECRET, SECURITY INTEGRATION, SEMANTIC VIEW, SEQUENCE, SERVICE, SERVICE CREDENTIAL, SESSION,
    SESSION POLICY, SHARE, STAGE, STORAGE CREDENTIAL, STORAGE INTEGRATION, STREAM, STREAMING TABLE, TABLE,
    TAG, TASK, USER, VARIABLE, VIEW, VOLUME, WAREHOUSE
    """.split(",")
)
# Calls that read the result of an earlier statement of the session.
RESULTS = frozenset("LAST_QUERY_ID RESULT_SCAN TABLE".split())
_SIZED = frozenset("BINARY CHAR DEC DECIMAL NUMERIC VARCHAR".split())
_HARMLESS = frozenset(
    """
    ALL AND ANY AS AVG BY CASE CAST COALESCE CONCAT COUNT CURRENT_ACCOUNT CURRENT_CATALOG CURRENT_DATABASE
    CURRENT_DATE CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIMESTAMP CURRENT_USER CURRENT_VERSION CURRENT_WAREHOUSE
    DISTINCT ELSE EXCEPT EXISTS FROM HAVING IFNULL IN INTERSECT JOIN LENGTH LOWER MAX MIN NOT NUMBER NVL ON OR
    OVER SELECT SUBSTR SUBSTRING SUM THEN TRIM TRY_CAST UNION UPPER USING VALUES VARCHAR WHEN WHERE
    """.split()
)
