# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The effect of a statement on its session, and what it needs of the session. What isn't certain counts as needed.

A session is a set of keys: the role, the current database, each variable, each parameter, each temporary object, the
last result. The procedures of a site can't be read, so a C(CALL) needs everything, and is taken to set nothing.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import head
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import STRING, dialect_named
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

ROLE, SECONDARY, WAREHOUSE, DATABASE, SCHEMA = "ROLE", "SECONDARY ROLES", "WAREHOUSE", "DATABASE", "SCHEMA"
PARAMETER, TEMPORARY, VARIABLE = "PARAMETER ", "TEMPORARY ", "$"
# The result of the statement before, and those of all statements before.
RESULT, RESULTS = "RESULT", "RESULTS"
NAMESPACE = frozenset([DATABASE, SCHEMA])
# What a statement writes to a key: what sending it again writes again, what a new session has anyway, or nothing, since
# it has dropped the object. Anything else says what another session can't have.
AGAIN, FRESH, DROPPED = "again", "fresh", "dropped"
STATES = (AGAIN, FRESH, DROPPED)
ANY = "*"
# Kind and name of an object, the name in upper case; C(ANY) for what is not known.
Named = tuple[str, str]
Writes = dict[str, str]


@dataclasses.dataclass(slots=True)
class Effect:
    """The effect of one statement on its session, and what it needs of it.

    :ivar writes: what becomes of each key that it sets
    :ivar reads: the keys that it needs
    :ivar again: what to send to set up another session; empty for the statement itself
    :ivar uses: the objects that it switches to
    :ivar drops: the objects that it drops
    :ivar transaction: C(opens), C(closes), C(part): is rolled back with it, C(commits): before it runs, C(unclear) and
        C(perhaps): may end it, the first may also open one, C(leaves open); empty if it has nothing to do with one
    :ivar autocommit: what it sets, if anything
    :ivar retags: whether it may change the query tag
    """

    writes: Writes = dataclasses.field(default_factory=dict)
    reads: frozenset[str] = frozenset()
    again: str = ""
    uses: frozenset[Named] = frozenset()
    drops: frozenset[Named] = frozenset()
    transaction: str = ""
    autocommit: bool | None = None
    retags: bool = False

    def may_drop(self, uses: t.Collection[Named]) -> bool:
        """Return whether it may drop one of these objects."""
        return any(_may_be(drop, use) for drop in self.drops for use in uses)


def _may_be(one: Named, other: Named) -> bool:
    return all(ANY in pair or pair[0] == pair[1] for pair in zip(one, other, strict=True))


def _named(kind: str, parts: t.Iterable[str]) -> frozenset[Named]:
    """Return objects by what they may be confused with: a database and a schema share their names, a role has its own."""
    group = kind if kind in (ROLE, WAREHOUSE, ANY) else DATABASE
    return frozenset((group, part) for part in parts or [ANY])


def of(statements: t.Sequence[Statement]) -> list[Effect]:
    """Return the effect of each statement of a script."""
    readers = [_Reader(statement) for statement in statements]
    effects = [reader.effect() for reader in readers]
    _rename(readers, effects)
    keys = frozenset(key for effect in effects for key in effect.writes)
    current: dict[str, str] = {}
    scans = bool(statements) and "LAST_QUERY_ID" in statements[0].script.upper()
    for reader, effect in zip(readers, effects, strict=True):
        effect.reads = reader.reads(keys) - {key for key in effect.writes if key.startswith(PARAMETER)}
        if effect.drops:
            _drop(reader, effect, current)
        for key, name in reader.switches.items():
            current[key] = name
        if scans:
            effect.writes[RESULTS] = "the result, and those before it,"
            effect.writes[RESULT] = AGAIN if reader.only_reads else "the result"
    return effects


def _rename(readers: t.Sequence[_Reader], effects: t.Sequence[Effect]) -> None:
    """Count what a temporary object is renamed to, or swapped with, as temporary."""
    temporary: set[str] = set()
    for reader, effect in zip(readers, effects, strict=True):
        if temporary:
            for name in reader.renames(frozenset(temporary)):
                effect.writes.setdefault(TEMPORARY + name, f"the temporary object {name}")
        temporary.update(key for key, write in effect.writes.items() if key.startswith(TEMPORARY) and write != FRESH)


def _drop(reader: _Reader, effect: Effect, current: dict[str, str]) -> None:
    """Note what a C(DROP) takes from the session that uses the object."""
    kind, name = reader.kind, reader.parts[-1] if reader.parts else ""
    key = {"CATALOG": DATABASE, "DATABASE": DATABASE if reader.snowflake else SCHEMA}.get(kind, kind)
    if reader.verb != "DROP" or not name or current.get(key) != name:
        return
    for one in (DATABASE, SCHEMA) if key == DATABASE else (key,):
        effect.writes[one] = DROPPED
        current.pop(one, None)


class _Reader:
    """Reads one statement.

    :ivar parts: the parts of its object's name, in upper case; empty if it can't be read
    :ivar switches: the names of what it makes the current role, warehouse, database, schema
    :ivar only_reads: whether it changes nothing but the session, so that it can be sent again for its result
    """

    def __init__(self, statement: Statement) -> None:
        self.text = statement.text
        self.snowflake = statement.dialect == "snowflake"
        rules = dialect_named(statement.dialect)
        self.words = head.Words(statement.script, rules, statement.start, statement.end)
        own = head.read(statement.script, statement.dialect, statement.start, statement.end)
        self.verb, self.kind, self._head = own.verb, own.kind, own
        self.parts = [part.strip('"`').upper() for part in _PARTS.findall(own.name)]
        self.switches: dict[str, str] = {}
        executed = self.words.literal(2) if self._executes_text else None
        if executed and executed not in self.text:
            # Escapes, or strings that Databricks joins, may hide its words.
            self.text += f" '{executed}'"
        self.only_reads = own.session or (own.repeatable and self.verb in _QUERIES)
        if self.verb == "SELECT" and not self._flows:
            self.only_reads = head.is_harmless(self.words, 1, head.RESULTS)

    @property
    def _flows(self) -> bool:
        return self.snowflake and "->>" in self.text

    @property
    def _hides(self) -> bool:
        """Return whether it contains other statements, which its text shows."""
        return self._flows or (self.verb == "BEGIN" and self.kind != "TRANSACTION") or self._executes_text

    @property
    def _executes_text(self) -> bool:
        token = self.words.token(2)
        return self.verb == "EXECUTE" and not self.kind and token is not None and token.kind == STRING

    @property
    def _unseen(self) -> bool:
        """Return whether it runs statements that can't be read here."""
        return self.verb == "CALL" or (self.verb == "EXECUTE" and not self.kind and not self._executes_text)

    def effect(self) -> Effect:
        """Return all but what it needs, which depends on the other statements."""
        effect = Effect(transaction=self._transaction())
        if self._hides or self._unseen:
            effect.writes = self._hidden(effect)
            effect.retags = self.snowflake and (self._unseen or "QUERY_TAG" in self.text.upper())
            return effect
        write = _WRITERS.get(self.verb)
        if write is not None:
            effect.writes = write(self, effect)
        effect.retags = self.snowflake and f"{PARAMETER}QUERY_TAG" in effect.writes
        return effect

    def _hidden(self, effect: Effect) -> Writes:
        writes: Writes = {}
        for pattern, key, cause in _HIDDEN:
            for found in pattern.finditer(self.text):
                name = found[1].strip('"`').upper() if found.lastindex else ""
                writes[key.format(name)] = cause.format(name)
        words = self._mentioned()
        if "DROP" in words:
            effect.drops = _named(ANY, words)
        if "AUTOCOMMIT" in words:
            effect.autocommit = False
        if _USES.search(self.text):
            writes |= dict.fromkeys(_ALL, "the role, the warehouse, the database, or the schema")
        # A comment may part the words, or name what is not there; but what looks like one may be none.
        for text in (self.text, _COMMENT.sub(" ", self.text)):
            if len(_OPENS.findall(text)) > len(_CLOSES.findall(text)):
                effect.transaction = "leaves open"
        return writes

    def _mentioned(self) -> set[str]:
        return {word.upper() for word in _WORD.findall(self.text)}

    def _transaction(self) -> str:
        if self.kind == "TRANSACTION":
            return "opens"
        if self.verb in ("COMMIT", "ROLLBACK"):
            return "closes"
        if self.verb in _CHANGES:
            return "part"
        if self.verb == "ALTER" and self.kind == "SESSION":
            return "perhaps"
        if self.only_reads or (self.verb in _QUERIES and not self._head.bound):
            return ""
        defines = self.snowflake and self.verb in _DEFINITIONS
        return "commits" if defines and not self._flows else "unclear"

    # What each verb sets

    def use(self, effect: Effect) -> Writes:
        parts, kind = self.parts, self.kind
        if kind == "SECONDARY ROLES":
            return {SECONDARY: AGAIN}
        effect.uses = _named(kind, parts)
        if kind in (ROLE, WAREHOUSE):
            self.switches = {kind: parts[-1] if parts else ""}
            return {kind: AGAIN}
        return self._namespace(kind)

    def _namespace(self, kind: str) -> Writes:
        """Return what becomes of the current database and schema."""
        parts = self.parts
        outer = kind == "CATALOG" or (self.snowflake and kind != SCHEMA and len(parts) == 1)
        if outer:
            self.switches = {DATABASE: parts[-1] if parts else "", SCHEMA: "PUBLIC"}
        elif len(parts) == 1:
            self.switches = {SCHEMA: parts[0]}
            return {SCHEMA: AGAIN}
        else:
            self.switches = {DATABASE: parts[0] if parts else "", SCHEMA: parts[-1] if parts else ""}
        return {DATABASE: AGAIN, SCHEMA: AGAIN}

    def assign(self, effect: Effect) -> Writes:
        names, value = self._assigned()
        if not self.snowflake and self.verb == "SET" and self.kind in ("CATALOG", "SCHEMA"):
            effect.uses = _named(self.kind, self.parts)
            return self._namespace(self.kind)
        if not self.snowflake and not self.kind and self.words.word(1) != "TAG":
            if "AUTOCOMMIT" in names:
                effect.autocommit = self.words.word(value) in _ON
            return {PARAMETER + ".".join(names): AGAIN}
        if self.verb == "UNSET":
            return dict.fromkeys((VARIABLE + name for name in names), FRESH)
        steady = head.is_harmless(self.words, value) and not any(
            self.words.word(at) in _VARYING for at in range(value, self._length)
        )
        return {VARIABLE + name: AGAIN if steady else f"the value of the variable {name}" for name in names}

    @property
    def _length(self) -> int:
        at = 0
        while self.words.token(at) is not None:
            at += 1
        return at

    def _assigned(self) -> tuple[list[str], int]:
        """Return the names before the sign of assignment, and the position after it."""
        names: list[str] = []
        at = 1
        while self.words.token(at) is not None:
            word = self.words.word(at)
            if word in ("=", "DEFAULT"):
                return names, at + 1
            if word not in _NOT_NAMES:
                names.append(word or self.words.name(at).partition(".")[0].upper())
            at += 1
        return names, at

    def declare(self, effect: Effect) -> Writes:
        name = self.parts[-1] if self.parts else ANY
        steady = self._head.session and not _MENTIONS_DATA.search(self.text)
        return {VARIABLE + name: AGAIN if steady else f"the value of the variable {name}"}

    def reset(self, effect: Effect) -> Writes:
        return {} if self.snowflake else {PARAMETER + (self.words.word(1) or ANY): AGAIN}

    def alter(self, effect: Effect) -> Writes:
        if self.kind != "SESSION":
            return {}
        writes: Writes = {}
        unset = self.words.word(2) == "UNSET"
        for at in range(3, self._length):
            if unset or self.words.word(at + 1) == "=":
                name = self.words.word(at)
                if name == "AUTOCOMMIT":
                    effect.autocommit = unset or self.words.word(at + 2) in _ON
                if name != ",":
                    writes[PARAMETER + name] = AGAIN
        return writes

    def create(self, effect: Effect) -> Writes:
        before = {self.words.word(at) for at in range(1, 6)}
        if self._head.bound:
            name = self.parts[-1] if self.parts else ANY
            return {TEMPORARY + name: f"the temporary {self.kind.lower() or 'object'} {name}"}
        if not self.snowflake or self.kind not in (DATABASE, SCHEMA):
            return {}
        effect.uses = _named(self.kind, self.parts)
        writes = self._namespace(self.kind)
        if "IF" in before or not self.parts:
            return dict.fromkeys(writes, f"the current {self.kind.lower()}")
        at = self.words.skip_any(1, head.MODIFIERS)
        effect.again = f"USE {self.kind} {self.words.written(at + 1, self.words.after_name(at + 1))}"
        return writes

    def drop(self, effect: Effect) -> Writes:
        name = self.parts[-1] if self.parts else ANY
        if self.kind == "VARIABLE":
            return {VARIABLE + name: FRESH}
        if self.kind in _CURRENT or not self.kind:
            effect.drops = _named(self.kind or ANY, [name])
        return {TEMPORARY + name: FRESH} if self.kind not in _CURRENT and name != ANY else {}

    def renames(self, temporary: frozenset[str]) -> list[str]:
        """Return the names that temporary objects may have after it.

        :param temporary: their keys before it
        """
        if not (self.verb == "ALTER" or self._hides) or not self._named(temporary):
            return []
        found = [name.split(".")[-1].strip('"`').upper() for name in _RENAMES.findall(_COMMENT.sub(" ", self.text))]
        return [*found, *self.parts[-1:]] if found else []

    # What it needs

    def reads(self, keys: frozenset[str]) -> frozenset[str]:
        """Return what it needs.

        :param keys: all that the script sets
        """
        if self.verb in ("COMMIT", "ROLLBACK") or self.kind == "TRANSACTION":
            return frozenset()
        if self._unseen:
            return keys | _ALL
        found = {key for key in keys if key.startswith(PARAMETER)} | self._named(keys)
        if self.verb == "USE":
            if self.kind not in (ROLE, "SECONDARY ROLES"):
                found |= {ROLE, SECONDARY}
            if self.kind not in (ROLE, WAREHOUSE) and SCHEMA in self.switches and DATABASE not in self.switches:
                found.add(DATABASE)
            if not self.parts and self.kind not in (ROLE, WAREHOUSE, "SECONDARY ROLES"):
                found |= NAMESPACE
        elif not self._head.session:
            found |= {ROLE, SECONDARY}
            found |= NAMESPACE if self._is_relative else frozenset()
            if self.verb not in _WITHOUT_WAREHOUSE:
                found.add(WAREHOUSE)
        elif "(" in self.text or "CURRENT_" in self.text.upper():
            found |= _ALL
        return frozenset(found)

    def _named(self, keys: frozenset[str]) -> set[str]:
        """Return the variables, temporary objects, and results that its text names."""
        found: set[str] = set()
        upper = self.text.upper()
        if "LAST_QUERY_ID" in upper or "LAST_TRANSACTION" in upper:
            found.add(RESULTS if _OTHER_RESULT.search(self.text) else RESULT)
        named = [key for key in keys if key.startswith((VARIABLE, TEMPORARY))]
        if named:
            words = self._mentioned() | {ANY}
            for key in named:
                sign = VARIABLE if key.startswith(VARIABLE) else TEMPORARY
                name = key.removeprefix(sign)
                known = name in words if " " not in name else name in upper
                if known and (sign == TEMPORARY or not self.snowflake or f"${name}" in upper or "GETVARIABLE" in upper):
                    found.add(key)
        return found

    @property
    def _is_relative(self) -> bool:
        """Return whether it may name an object without its database or schema."""
        if self.verb not in ("CREATE", "DROP", "GRANT", "REVOKE", "ALTER") or _RELATIVE.search(self.text):
            return True
        if self.kind in _ACCOUNT_LEVEL or self.kind.endswith(" INTEGRATION"):
            return False
        wanted = 2 if self.kind in (SCHEMA, "DATABASE ROLE") or (not self.snowflake and self.kind == DATABASE) else 3
        return self.verb in ("ALTER", "CREATE") or len(self.parts) != wanted


_WRITERS: dict[str, t.Callable[[_Reader, Effect], Writes]] = {
    "ALTER": _Reader.alter,
    "CREATE": _Reader.create,
    "DECLARE": _Reader.declare,
    "DROP": _Reader.drop,
    "RESET": _Reader.reset,
    "SET": _Reader.assign,
    "UNSET": _Reader.assign,
    "USE": _Reader.use,
}
_ALL = frozenset([ROLE, SECONDARY, WAREHOUSE, DATABASE, SCHEMA])
_PARTS = re.compile(r'"(?:[^"]|"")*"|`(?:[^`]|``)*`|[^.]+')
_WORD = re.compile(r"[^\W\d][\w$]*")
_QUERIES = frozenset("SHOW DESC DESCRIBE EXPLAIN LIST LS SELECT".split())
_CHANGES = frozenset("INSERT UPDATE DELETE MERGE COPY".split())
_DEFINITIONS = frozenset("CREATE ALTER DROP GRANT REVOKE COMMENT UNDROP".split())
_WITHOUT_WAREHOUSE = frozenset("DROP GRANT REVOKE ALTER SHOW DESC DESCRIBE COMMENT UNDROP".split())
_ON = ("TRUE", "ON", "1")
_NOT_NAMES = frozenset("( ) , . VAR VARIABLE SESSION".split())
_VARYING = frozenset(
    """
    FROM NEXTVAL CURRENT_TIMESTAMP CURRENT_DATE CURRENT_TIME LOCALTIME LOCALTIMESTAMP SYSDATE GETDATE NOW
    """.split()
)
_MENTIONS_DATA = re.compile(r"\b(?:FROM|CURRENT_(?:TIMESTAMP|DATE)|NOW)\b", re.IGNORECASE)
_CURRENT = frozenset([ROLE, WAREHOUSE, DATABASE, SCHEMA, "CATALOG"])
_ACCOUNT_LEVEL = frozenset(
    """
    ACCOUNT,APPLICATION,APPLICATION PACKAGE,CATALOG,COMPUTE POOL,CONNECTION,CREDENTIAL,DATABASE,EXTERNAL LOCATION,
    EXTERNAL VOLUME,FAILOVER GROUP,GROUP,INTEGRATION,LISTING,METASTORE,NETWORK POLICY,PROVIDER,RECIPIENT,
    REPLICATION GROUP,RESOURCE MONITOR,ROLE,SERVICE CREDENTIAL,SHARE,STORAGE CREDENTIAL,USER,WAREHOUSE
    """.replace("\n", "")
    .replace("    ", "")
    .split(",")
)
# Names of further objects in such a statement.
_RELATIVE = re.compile(r"\bDATABASE\s+ROLE\b|\b(?:POLICY|TAG|SECRET)\s+(?!.*\bON\b)|\bIDENTIFIER\s*\(", re.IGNORECASE)
_OTHER_RESULT = re.compile(r"LAST_QUERY_ID\s*\((?!\s*(?:\)|-\s*1\s*\)))|LAST_TRANSACTION", re.IGNORECASE)
_OPENS = re.compile(
    r"\bBEGIN\s+(?:TRANSACTION|WORK|NAME\s+\w+)\b|\bSTART\s+TRANSACTION\b|(?:'|\$\$)\s*BEGIN\s*;?\s*(?:'|\$\$|\Z)",
    re.IGNORECASE,
)
_CLOSES = re.compile(r"\b(?:COMMIT|ROLLBACK)\b", re.IGNORECASE)
_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*\*/|(?:--|//)[^\n'$]*")
_USES = re.compile(r"\bUSE\b", re.IGNORECASE)
_RENAMES = re.compile(r"\b(?:RENAME\s+TO|SWAP\s+WITH)\s+((?:\"[^\"]+\"|`[^`]+`|[\w$.])+)", re.IGNORECASE)
# What a block or a text that is executed does to the session: pattern, key, and what another session can't have.
_HIDDEN: list[tuple[re.Pattern[str], str, str]] = [
    (re.compile(pattern, re.IGNORECASE), key, cause)
    for pattern, key, cause in (
        (r"\bALTER\s+SESSION\b", PARAMETER + ANY, "the session parameters"),
        (
            r"(?:^|[;'$]|\b(?:BEGIN|THEN|DO|ELSE))\s*SET\s+(?:VAR\s+|VARIABLE\s+)?(\w+)\s*=",
            VARIABLE + "{}",
            "the value of the variable {}",
        ),
        (
            r"\b(?:TEMP|TEMPORARY|VOLATILE)\s+(?:TABLE|VIEW|STAGE|FUNCTION|FILE\s+FORMAT)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
            r"(?:[\w\"`]+\.)*([\w\"`]+)",
            TEMPORARY + "{}",
            "the temporary object {}",
        ),
    )
]
