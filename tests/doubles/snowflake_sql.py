# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Snowflake's SQL means to a stand-in account: tokens, grammar, and what each statement does.

The text is compiled whole before the first statement runs, so a syntax error changes nothing. What is understood:

- `USE`, `SET`, `UNSET`, `ALTER SESSION`, transactions of `INSERT ... VALUES` and `DELETE`, which DDL commits, and which
  are rolled back when the session ends (not isolated: others see what is not committed);
- `CREATE` of databases, schemas, roles, users, warehouses, network policies, procedures, tables (temporary ones hide
  others of their name from their session); `DROP` of every kind in `PARTS`;
- `ALTER` of properties, names, warehouses' state and the policies on tables; `GRANT`, `REVOKE`, ownership;
- `SHOW`, also of grants, future grants and parameters of the account, and `SELECT` of expressions, of `RESULT_SCAN`,
  `INFORMATION_SCHEMA.QUERY_HISTORY`, and `POLICY_REFERENCES` of `INFORMATION_SCHEMA` and `ACCOUNT_USAGE`;
- `CALL` of SQL procedures, `EXECUTE IMMEDIATE`, and blocks with `DECLARE`, `LET`, assignment, `IF`, `FOR` over a query
  or cursor, `RETURN`, `EXCEPTION`. No loops by condition, no result sets, of arithmetic plus and minus alone, no
  rows of tables.

Everything else is a syntax error at the token where understanding ended: never a silent success.
"""

from __future__ import annotations

import re
import threading
import time
import typing as t
from dataclasses import dataclass, field

from .snowflake_account import (
    PARTS,
    Account,
    Attachment,
    Credentials,
    Entity,
    Grant,
    Membership,
    Name,
    SqlError,
    denied,
    dotted,
    in_pem,
    missing,
    plural,
    shown,
)

# The statement types of the wire protocol, by which the connector tells rows from a status.
SELECT, DML, SESSION, DDL = 0x1000, 0x3000, 0x4000, 0x6000

KINDS: t.Final = {
    **{kind: kind for kind in PARTS},
    **{f"{sort} INTEGRATION": "INTEGRATION" for sort in ("API", "NOTIFICATION", "SECURITY", "STORAGE")},
    "EXTERNAL TABLE": "TABLE",
    "MATERIALIZED VIEW": "VIEW",
}
SESSION_PARAMETERS: t.Final = [
    "ABORT_DETACHED_QUERY",
    "AUTOCOMMIT",
    "LOCK_TIMEOUT",
    "QUERY_TAG",
    "QUOTED_IDENTIFIERS_IGNORE_CASE",
    "STATEMENT_TIMEOUT_IN_SECONDS",
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS",
    "TIMESTAMP_OUTPUT_FORMAT",
    "TIMEZONE",
    "USE_CACHED_RESULT",
    "WEEK_START",
]
HISTORY_COLUMNS: t.Final = [
    "QUERY_ID",
    "QUERY_TEXT",
    "SESSION_ID",
    "USER_NAME",
    "ROLE_NAME",
    "QUERY_TAG",
    "EXECUTION_STATUS",
    "ERROR_CODE",
    "ERROR_MESSAGE",
]

GRANT_COLUMNS: t.Final = (
    "created_on",
    "privilege",
    "granted_on",
    "name",
    "granted_to",
    "grantee_name",
    "grant_option",
    "granted_by",
)
POLICY_COLUMNS: t.Final = [
    "POLICY_DB",
    "POLICY_SCHEMA",
    "POLICY_NAME",
    "POLICY_KIND",
    "REF_DATABASE_NAME",
    "REF_SCHEMA_NAME",
    "REF_ENTITY_NAME",
    "REF_COLUMN_NAME",
]

TOKEN = re.compile(
    r"""
    (?P<space> \s+ | --[^\n]* | //[^\n]* | /\*.*?\*/ )
  | (?P<dollars> \$\$.*?\$\$ )
  | (?P<string> '(?: [^'\\] | '' | \\. )*' )
  | (?P<quoted> "(?: [^"] | "" )+" )
  | (?P<variable> \$[A-Za-z_]\w* )
  | (?P<number> \d+(?:\.\d+)? )
  | (?P<word> [^\W\d][\w$]* )
  | (?P<symbol> :=|=>|<>|!=|<=|>=|\|\||::|[(),;.=<>*:+-] )
    """,
    re.VERBOSE | re.DOTALL,
)
CONSTANTS: t.Final = {"TRUE": True, "FALSE": False, "NULL": None}
ESCAPES: t.Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}

Value = t.Callable[["Session"], t.Any]
NameOf = t.Callable[["Session"], Name]
Step = t.Callable[["Session"], "Result"]
Row = dict[str, str | None]


@dataclass(frozen=True)
class Token:
    """One token; `kind` is a group of `TOKEN` or `end`."""

    kind: str
    text: str
    offset: int

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind == "word" else self.text


@dataclass
class Result:
    """What a statement answers: column names and rows of texts."""

    columns: list[str]
    rows: list[list[str | None]]
    type: int = SELECT


@dataclass
class Query:
    """A query as the account remembers it."""

    query_id: str
    text: str
    user: str
    role: str
    session_id: int
    query_tag: str
    status: str = "RUNNING"
    error: SqlError | None = None
    result: Result | None = None


@dataclass
class Session:
    """A signed-in session: what its statements see and change.

    :ivar history: all queries of the account, in order
    :ivar cancelled: set from outside to end the statement that waits
    """

    account: Account
    user: str
    session_id: int
    role: str
    history: dict[str, Query] = field(default_factory=dict)
    warehouse: str | None = None
    database: str | None = None
    schema: str | None = None
    secondary_roles: bool = False
    parameters: dict[str, str] = field(default_factory=dict)
    variables: dict[str, t.Any] = field(default_factory=dict)
    cancelled: threading.Event = field(default_factory=threading.Event)
    scopes: list[dict[str, t.Any]] = field(default_factory=list)
    temporary: dict[Name, tuple[list[str], list[Row]]] = field(default_factory=dict)
    before: dict[Name, list[Row]] | None = None

    def open_transaction(self) -> None:
        """Open a transaction unless one is open."""
        if self.before is None:
            self.before = {name: list(rows) for name, rows in self.account.rows.items()}

    def commit(self) -> None:
        """Keep what the transaction has done."""
        self.before = None

    def roll_back(self) -> None:
        """Undo what the transaction has done, as the end of the session does."""
        if self.before is not None:
            self.account.rows = self.before
        self.before = None

    def change_rows(self, name: Name, change: t.Callable[[list[str], list[Row]], list[Row]]) -> int:
        """Change the rows of a table: the session's own if it has a temporary one of that name.

        :param change: takes the columns and the rows, and returns the rows
        """
        if name in self.temporary:
            columns, rows = self.temporary[name]
            self.temporary[name] = columns, (new := change(columns, rows))
            return abs(len(new) - len(rows))
        entity = self.account.own(self.roles, "TABLE", name)
        if self.parameters.get("AUTOCOMMIT", "TRUE").upper() == "FALSE":
            self.open_transaction()
        rows = self.account.rows.get(name, [])
        self.account.rows[name] = new = change(entity.properties.get("COLUMNS", "").split(","), rows)
        return abs(len(new) - len(rows))

    @property
    def query_tag(self) -> str:
        return self.parameters.get("QUERY_TAG", "")

    @property
    def roles(self) -> set[str]:
        """The roles whose privileges count."""
        roles = self.account.inherited([self.role])
        return roles | self.account.roles_of(self.user) if self.secondary_roles else roles

    def full(self, kind: str, name: Name) -> Name:
        """A name made full by the session's current database and schema."""
        lacking = PARTS[kind] - len(name)
        if lacking < 0:
            raise SqlError(1003, "42000", f"SQL compilation error:\nsyntax error: '{dotted(name)}' has too many parts.")
        for position, current in ((0, self.database), (1, self.schema)):
            if position < lacking and current is None:
                what = ("database", "schema")[position]
                raise SqlError(
                    90105 + position,
                    "22000",
                    f"Cannot perform operation. This session does not have a current {what}. Call 'USE "
                    f"{what.upper()}', or use a qualified name.",
                )
        return tuple(t.cast(list[str], [self.database, self.schema][:lacking])) + name

    def execute(self, text: str) -> Result:
        """Run one statement.

        :raises SqlError: it is wrong, or not allowed
        """
        return self.compiled(text)(self)

    def compiled(self, text: str) -> Step:
        """Check one statement without running it."""
        return Parser(text, self.parameters.get("QUOTED_IDENTIFIERS_IGNORE_CASE", "").lower() == "true").single()

    def look_up(self, *path: str) -> t.Any:
        """A variable of the block, or a column of the row, that is meant by a name."""
        for scope in reversed(self.scopes):
            if path[0] in scope:
                value = scope[path[0]]
                if len(path) == 1:
                    return value
                if isinstance(value, dict) and path[1] in value:
                    return value[path[1]]
        raise SqlError(904, "42000", f"SQL compilation error:\ninvalid identifier '{dotted(path)}'")

    def wait(self, seconds: float) -> None:
        """Wait as a long statement does: until it is over, cancelled, or the statement time-out is reached."""
        limit = float(self.parameters.get("STATEMENT_TIMEOUT_IN_SECONDS", 0)) or 172800.0
        if self.cancelled.wait(min(seconds, limit)):
            raise SqlError(604, "57014", "SQL execution canceled")
        if seconds > limit:
            raise SqlError(
                630,
                "57014",
                f"Statement reached its statement or warehouse timeout of {limit:g} second(s) and was canceled.",
            )

    def need_warehouse(self) -> None:
        """Raise unless the session has a warehouse that runs or may be started."""
        warehouse = self.account.entities.get(("WAREHOUSE", (self.warehouse,))) if self.warehouse else None
        if warehouse is None:
            raise SqlError(
                606,
                "57P03",
                "No active warehouse selected in the current session.  Select an active warehouse with the 'use "
                "warehouse' command.",
            )
        state = warehouse.properties
        if state.get("STATE") == "SUSPENDED" and state.get("AUTO_RESUME", "TRUE").upper() == "FALSE":
            raise SqlError(606, "57P03", f"Warehouse '{self.warehouse}' is suspended.")
        state["STATE"] = "STARTED"


class _Return(Exception):
    """`RETURN` in a block."""

    def __init__(self, value: t.Any) -> None:
        super().__init__()
        self.value = value


def _done(text: str = "Statement executed successfully.", kind: int = DDL) -> Result:
    return Result(["status"], [[text]], kind)


def _nothing(session: Session) -> Result:
    """The statement that does nothing."""
    return _done()


def _always(value: t.Any) -> t.Callable[[Session], t.Any]:
    """What has the same value in every session."""

    def of(session: Session) -> t.Any:
        return value

    return of


def _opening(session: Session) -> Result:
    """The statement that opens a transaction."""
    session.open_transaction()
    return _done(kind=SESSION)


def _opened(cursor: str) -> Step:
    """The query behind a cursor."""

    def run(session: Session) -> Result:
        return t.cast(Result, session.look_up(cursor)(session))

    return run


def _show(value: t.Any) -> str | None:
    if value is None:
        return None
    return str(value).upper() if isinstance(value, bool) else str(value)


def _like(pattern: str, text: str | None, *, exact: bool) -> bool:
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return text is not None and bool(re.fullmatch(expression, text, re.DOTALL if exact else re.DOTALL | re.IGNORECASE))


def _names(query: Query) -> dict[str, t.Any]:
    error = query.error
    # The history shows no password.
    text = re.sub(r"(PASSWORD\s*=\s*)'(?:[^'\\]|''|\\.)*'", r"\1'****'", query.text, flags=re.IGNORECASE)
    values = (query.query_id, text, query.session_id, query.user, query.role, query.query_tag, query.status)
    return dict(zip(HISTORY_COLUMNS, (*values, error and f"{error.code:06d}", error and error.message), strict=True))


class Parser:
    """Compiles text into steps: functions of the session.

    :param ignore_case: the session's QUOTED_IDENTIFIERS_IGNORE_CASE
    """

    def __init__(self, text: str, ignore_case: bool = False) -> None:
        self.text = text
        self.ignore_case = ignore_case
        self.tokens = self._tokens()
        self.at = 0

    # Tokens

    def _tokens(self) -> list[Token]:
        tokens, offset = [], 0
        while offset < len(self.text):
            match = TOKEN.match(self.text, offset)
            if match is None:
                raise self.unexpected(Token("symbol", self.text[offset], offset))
            if match.lastgroup != "space":
                tokens.append(Token(str(match.lastgroup), match.group(), offset))
            offset = match.end()
        return [*tokens, Token("end", "<EOF>", offset)]

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def unexpected(self, token: Token | None = None) -> SqlError:
        """The syntax error at a token, by default the next one."""
        token = token or self.token
        before = self.text[: token.offset]
        line, position = before.count("\n") + 1, token.offset - (before.rfind("\n") + 1)
        return SqlError(
            1003,
            "42000",
            f"SQL compilation error:\nsyntax error line {line} at position {position} unexpected '{token.text}'.",
        )

    def peek(self, *words: str) -> bool:
        """Whether these words or symbols come next."""
        coming = self.tokens[self.at : self.at + len(words)]
        return [token.upper for token in coming if token.kind in ("word", "symbol")] == list(words)

    def take(self, *words: str) -> bool:
        """Step over these words or symbols if they come next."""
        if not self.peek(*words):
            return False
        self.at += len(words)
        return True

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.take(word):
                raise self.unexpected()

    def one_of(self, *choices: str) -> str:
        """The choice that comes next; a choice may be of several words."""
        for choice in sorted(choices, key=len, reverse=True):
            if self.take(*choice.split()):
                return choice
        raise self.unexpected()

    def word(self) -> str:
        token = self.token
        if token.kind != "word":
            raise self.unexpected()
        self.at += 1
        return token.upper

    # Names

    def identifier(self) -> str:
        token = self.token
        if token.kind == "quoted":
            self.at += 1
            exact = token.text[1:-1].replace('""', '"')
            return exact.upper() if self.ignore_case else exact
        return self.word()

    def name(self) -> NameOf:
        """A name of any number of parts, or IDENTIFIER(...) of a text that holds one."""
        if self.take("IDENTIFIER", "("):
            value = self.expression()
            self.expect(")")
            return lambda session: Parser(str(value(session)), self.ignore_case).whole_name()
        parts = [self.identifier()]
        while self.take("."):
            parts.append(self.identifier())
        return lambda session: tuple(parts)

    def whole_name(self) -> Name:
        name = self.name()
        if self.token.kind != "end":
            raise self.unexpected()
        return name(t.cast(Session, None))

    def object_name(self, kind: str) -> NameOf:
        """The full name of an object; a procedure's and a function's with the types of the arguments."""
        name = self.name()
        signature = ""
        if kind in ("PROCEDURE", "FUNCTION"):
            self.expect("(")
            types = []
            while not self.take(")"):
                types.append(self.type())
                if not self.peek(")"):
                    self.expect(",")
            signature = f"({', '.join(types)})"

        def full(session: Session) -> Name:
            *outer, last = name(session)
            return session.full(kind, (*outer, last + signature))

        return full

    def type(self) -> str:
        """A data type; what its size is does not matter."""
        name = self.word()
        if self.take("("):
            while not self.take(")"):
                self.at += 1
                if self.token.kind == "end":
                    raise self.unexpected()
        return {"STRING": "VARCHAR", "TEXT": "VARCHAR", "INT": "NUMBER", "INTEGER": "NUMBER"}.get(name, name)

    def kind(self) -> str:
        return KINDS[self.one_of(*KINDS)]

    def plural_kind(self) -> str:
        kinds = {plural(kind): kind for kind in PARTS}
        return kinds[self.one_of(*kinds)]

    # Expressions

    def expression(self) -> Value:
        left = self._conjunction()
        while self.take("OR"):
            left = self._either(left, self._conjunction())
        return left

    @staticmethod
    def _either(left: Value, right: Value) -> Value:
        return lambda session: bool(left(session)) or bool(right(session))

    def _conjunction(self) -> Value:
        left = self._negation()
        while self.take("AND"):
            left = self._both(left, self._negation())
        return left

    @staticmethod
    def _both(left: Value, right: Value) -> Value:
        return lambda session: bool(left(session)) and bool(right(session))

    def _negation(self) -> Value:
        if self.take("NOT"):
            value = self._negation()
            return lambda session: not value(session)
        return self._comparison()

    def _comparison(self) -> Value:
        left = self._concatenation()
        if self.take("IS"):
            wanted = not self.take("NOT")
            self.expect("NULL")
            return lambda session: (left(session) is None) == wanted
        if self.take("IN", "("):
            values = [self.expression()]
            while self.take(","):
                values.append(self.expression())
            self.expect(")")
            return lambda session: _show(left(session)) in [_show(value(session)) for value in values]
        if self.take("LIKE"):
            pattern = self._concatenation()
            return lambda session: _like(str(pattern(session)), _show(left(session)), exact=True)
        if self.take("ILIKE"):
            pattern = self._concatenation()
            return lambda session: _like(str(pattern(session)), _show(left(session)), exact=False)
        if self.one_of_coming("=", "<>", "!="):
            same = self.one_of("=", "<>", "!=") == "="
            right = self._concatenation()
            return lambda session: (_show(left(session)) == _show(right(session))) == same
        return left

    def _concatenation(self) -> Value:
        left = self._primary()
        while self.one_of_coming(*OPERATORS):
            left = self._operation(OPERATORS[self.one_of(*OPERATORS)], left, self._primary())
        return left

    @staticmethod
    def _operation(operator: t.Callable[[t.Any, t.Any], t.Any], left: Value, right: Value) -> Value:
        return lambda session: operator(left(session), right(session))

    def _primary(self) -> Value:
        token = self.token
        if token.kind in ("string", "dollars"):
            text = self.string()
            return lambda session: text
        if token.kind == "number" or self.peek("-"):
            number = ("-" if self.take("-") else "") + self.token.text
            if self.token.kind != "number":
                raise self.unexpected()
            self.at += 1
            return lambda session: number
        if token.kind == "variable":
            self.at += 1
            return lambda session: session.variables.get(token.text[1:].upper())
        if self.take("(", "SELECT"):
            query = self.select()
            self.expect(")")

            def first(session: Session) -> str | None:
                rows = query(session).rows
                return rows[0][0] if rows else None

            return first
        if self.take("("):
            value = self.expression()
            self.expect(")")
            return value
        if self.take(":"):
            bound = self.identifier()
            return lambda session: session.look_up(bound)
        if token.upper in CONSTANTS:
            self.at += 1
            return lambda session: CONSTANTS[token.upper]
        if token.kind == "word" and self.tokens[self.at + 1].text == "(":
            return self._function()
        name = self.identifier()
        if self.take("."):
            inner = self.identifier()
            return lambda session: session.look_up(name, inner)
        return lambda session: session.look_up(name)

    def _function(self) -> Value:
        token = self.token
        function = FUNCTIONS.get(self.word())
        self.expect("(")
        arguments: list[Value] = []
        while not self.take(")"):
            arguments.append(self.expression())
            if not self.peek(")"):
                self.expect(",")
        if function is None:
            raise SqlError(2140, "42601", f"SQL compilation error:\nUnknown function {token.text}")
        return lambda session: function(session, *[argument(session) for argument in arguments])

    def string(self) -> str:
        """The value of a string in quotes or double dollars."""
        token = self.token
        if token.kind == "dollars":
            self.at += 1
            return token.text[2:-2]
        if token.kind != "string":
            raise self.unexpected()
        self.at += 1
        body = token.text[1:-1].replace("''", "'")
        return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), body, flags=re.DOTALL)

    def properties(self) -> Value:
        """`KEY = value` as often as it comes."""
        found: dict[str, Value] = {}
        while self.token.kind == "word" and self.tokens[self.at + 1].text == "=":
            key = self.word()
            self.expect("=")
            found[key] = self._property()
            self.take(",")
        return lambda session: {key: _show(value(session)) for key, value in found.items()}

    def _property(self) -> Value:
        if self.take("("):
            values = []
            while not self.take(")"):
                values.append(self._property())
                if not self.peek(")"):
                    self.expect(",")
            return lambda session: ",".join(str(value(session)) for value in values)
        if self.token.kind in ("word", "quoted") and self.token.upper not in CONSTANTS:
            name = self.name()
            return lambda session: dotted(name(session))
        return self._primary()

    def identifiers(self) -> list[str]:
        found = [self.identifier()]
        while self.take(","):
            found.append(self.identifier())
        return found

    # Statements

    def single(self) -> Step:
        """The one statement of a request."""
        while self.take(";"):
            pass
        if self.token.kind == "end":
            raise SqlError(900, "42601", "SQL compilation error: Empty SQL statement.")
        step = self.statement()
        more = 0
        while self.token.kind != "end":
            if not self.take(";"):
                if not more:
                    raise self.unexpected()
                self.at += 1
            elif self.token.kind != "end" and not self.peek(";"):
                more += 1
        if more:
            raise SqlError(
                8, "0A000", f"Actual statement count {more + 1} did not match the desired statement count 1."
            )
        return step

    def statement(self) -> Step:
        if self.token.kind != "word":
            raise self.unexpected()
        parse = STATEMENTS.get(self.token.upper)
        if parse is None:
            raise self.unexpected()
        self.at += 1
        defines = self.tokens[self.at - 1].upper in DEFINITIONS and not self.peek("SESSION")
        step = parse(self)

        def committed(session: Session) -> Result:
            session.commit()
            return step(session)

        return committed if defines else step

    def use(self) -> Step:
        if self.take("SECONDARY", "ROLES"):
            every = self.one_of("ALL", "NONE") == "ALL"
            return lambda session: session_change(session, secondary_roles=every)
        kind = "DATABASE"
        for choice in ("ROLE", "WAREHOUSE", "DATABASE", "SCHEMA"):
            if self.take(choice):
                kind = choice
                break
        name = self.object_name(kind)

        def run(session: Session) -> Result:
            full = name(session)
            account = session.account
            if kind == "ROLE":
                if not account.exists("ROLE", *full):
                    raise not_usable()
                if full[0] not in account.roles_of(session.user):
                    raise SqlError(
                        3013,
                        "42501",
                        f"SQL access control error:\nRequested role '{full[0]}' is not assigned to the executing "
                        "user.  Specify another role to activate.",
                    )
                return session_change(session, role=full[0])
            try:
                account.see(session.roles, kind, full)
            except SqlError:
                raise not_usable() from None
            if kind == "WAREHOUSE":
                return session_change(session, warehouse=full[0])
            schema = full[1] if kind == "SCHEMA" else "PUBLIC"
            present = account.exists("SCHEMA", full[0], schema)
            return session_change(session, database=full[0], schema=schema if present else None)

        return run

    def set_variables(self) -> Step:
        if self.take("("):
            names = self.identifiers()
            self.expect(")", "=", "(")
            values = [self.expression()]
            while self.take(","):
                values.append(self.expression())
            self.expect(")")
            if len(names) != len(values):
                raise self.unexpected()
        else:
            names = [self.identifier()]
            self.expect("=")
            values = [self.expression()]

        def run(session: Session) -> Result:
            session.variables.update({name: value(session) for name, value in zip(names, values, strict=True)})
            return _done(kind=SESSION)

        return run

    def unset_variables(self) -> Step:
        bracketed = self.take("(")
        names = self.identifiers()
        if bracketed:
            self.expect(")")

        def run(session: Session) -> Result:
            for name in names:
                session.variables.pop(name, None)
            return _done(kind=SESSION)

        return run

    def begin(self) -> Step:
        if self.token.kind == "end" or self.peek(";") or self.one_of_coming("TRANSACTION", "WORK", "NAME"):
            if self.take("NAME") or ((self.take("TRANSACTION") or self.take("WORK")) and self.take("NAME")):
                self.identifier()
            return _opening
        self.at -= 1
        return self.top_block()

    def one_of_coming(self, *words: str) -> bool:
        return any(self.peek(word) for word in words)

    def end_transaction(self) -> Step:
        rolls_back = self.tokens[self.at - 1].upper == "ROLLBACK"
        self.take("WORK")

        def run(session: Session) -> Result:
            (session.roll_back if rolls_back else session.commit)()
            return _done(kind=SESSION)

        return run

    def start(self) -> Step:
        self.expect("TRANSACTION")
        return _opening

    def insert(self) -> Step:
        self.expect("INTO")
        name = self.object_name("TABLE")
        self.expect("VALUES", "(")
        values = [self.expression()]
        while self.take(","):
            values.append(self.expression())
        self.expect(")")

        def run(session: Session) -> Result:
            new = [_show(value(session)) for value in values]
            session.change_rows(name(session), lambda columns, rows: [*rows, dict(zip(columns, new, strict=True))])
            return Result(["number of rows inserted"], [["1"]], DML)

        return run

    def delete(self) -> Step:
        self.expect("FROM")
        name = self.object_name("TABLE")
        where = self.expression() if self.take("WHERE") else _always(True)

        def kept(session: Session, row: Row) -> bool:
            session.scopes.append(row)
            try:
                return not where(session)
            finally:
                session.scopes.pop()

        def run(session: Session) -> Result:
            count = session.change_rows(
                name(session), lambda columns, rows: [row for row in rows if kept(session, row)]
            )
            return Result(["number of rows deleted"], [[str(count)]], DML)

        return run

    def _table(self, temporary: bool, replace: bool) -> Step:
        keep = not replace and self.take("IF", "NOT", "EXISTS")
        name = self.object_name("TABLE")
        self.expect("(")
        columns = []
        while not self.take(")"):
            columns.append(self.identifier())
            self.type()
            if not self.peek(")"):
                self.expect(",")

        def run(session: Session) -> Result:
            full, account = name(session), session.account
            if temporary:
                session.temporary[full] = (columns, [])
                return _done(f"Table {full[-1]} successfully created.")
            account.own(session.roles, "SCHEMA", full[:2])
            if account.exists("TABLE", *full) and not replace:
                if keep:
                    return _done(f"{full[-1]} already exists, statement succeeded.")
                raise SqlError(2002, "42710", f"SQL compilation error:\nObject '{dotted(full)}' already exists.")
            account.rows.pop(full, None)
            account.add("TABLE", *full, owner=session.role, properties={"COLUMNS": ",".join(columns)})
            return _done(f"Table {full[-1]} successfully created.")

        return run

    def create(self) -> Step:
        replace = self.take("OR", "REPLACE")
        temporary = self.take("TEMPORARY") or self.take("TEMP")
        if self.take("TABLE"):
            return self._table(temporary, replace)
        if temporary:
            raise self.unexpected()
        kind = self.one_of("DATABASE", "SCHEMA", "ROLE", "USER", "WAREHOUSE", "NETWORK POLICY", "PROCEDURE")
        keep = not replace and self.take("IF", "NOT", "EXISTS")
        if kind == "PROCEDURE":
            name, properties = self._procedure()
        else:
            name, properties = self.object_name(kind), self.properties()

        def run(session: Session) -> Result:
            full, roles, account = name(session), session.roles, session.account
            if kind in ("SCHEMA", "PROCEDURE"):
                outer = ("DATABASE", full[:1]) if kind == "SCHEMA" else ("SCHEMA", full[:2])
                if not account.allowed(roles, f"CREATE {kind}", *outer):
                    account.own(roles, *outer)
            else:
                account.require(roles, f"CREATE {kind}")
            if account.exists(kind, *full):
                if keep:
                    return _done(f"{full[-1]} already exists, statement succeeded.")
                if not replace:
                    raise SqlError(2002, "42710", f"SQL compilation error:\nObject '{dotted(full)}' already exists.")
                account.drop(account.own(roles, kind, full), session.role)
            told = dict(properties(session))
            if kind == "USER":
                key = told.get("RSA_PUBLIC_KEY")
                password = told.pop("PASSWORD", None)
                account.credentials[full[0]] = Credentials(password=password, public_key=key and in_pem(key))
            account.add(kind, *full, owner=session.role, properties=told)
            if kind in ("DATABASE", "SCHEMA"):
                session.database, session.schema = full[0], full[1] if kind == "SCHEMA" else "PUBLIC"
            return _done(f"{kind.capitalize()} {full[-1]} successfully created.")

        return run

    def _procedure(self) -> tuple[NameOf, Value]:
        name = self.name()
        self.expect("(")
        arguments, types = [], []
        while not self.take(")"):
            arguments.append(self.identifier())
            types.append(self.type())
            if not self.peek(")"):
                self.expect(",")
        self.expect("RETURNS")
        self.type()
        told = {"LANGUAGE": "SQL", "EXECUTE AS": "OWNER", "ARGUMENTS": ",".join(arguments)}
        while not self.take("AS"):
            if self.take("LANGUAGE"):
                told["LANGUAGE"] = self.word()
            elif self.take("EXECUTE", "AS"):
                told["EXECUTE AS"] = self.one_of("OWNER", "CALLER")
            elif self.take("NOT", "NULL") or self.take("STRICT") or self.take("CALLED", "ON", "NULL", "INPUT"):
                pass
            else:
                self.expect("COMMENT", "=")
                told["COMMENT"] = self.string()
        if self.token.kind in ("string", "dollars"):
            told["BODY"] = self.string()
            if told["LANGUAGE"] == "SQL":
                Parser(told["BODY"], self.ignore_case).single()
        else:
            start = self.token.offset
            self.top_block()
            told["BODY"] = self.text[start : self.token.offset]

        def full(session: Session) -> Name:
            *outer, last = name(session)
            return session.full("PROCEDURE", (*outer, f"{last}({', '.join(types)})"))

        return full, lambda session: told

    def drop(self) -> Step:
        kind = self.kind()
        if_exists = self.take("IF", "EXISTS")
        name = self.object_name(kind)
        if kind in ("DATABASE", "SCHEMA", "TABLE") and not self.take("CASCADE"):
            self.take("RESTRICT")

        def run(session: Session) -> Result:
            account = session.account
            try:
                full = name(session)
                if kind == "TABLE" and full in session.temporary:
                    del session.temporary[full]
                    return _done(f"{full[-1]} successfully dropped.")
                entity = account.own(session.roles, kind, full)
            except SqlError as error:
                if if_exists and error.code == 2003:
                    return _done(f"Drop statement executed successfully ({full[-1]} already dropped).")
                raise
            account.drop(entity, session.role)
            if session.database is not None and not account.exists("DATABASE", session.database):
                session.database = session.schema = None
            elif session.schema is not None and not account.exists("SCHEMA", str(session.database), session.schema):
                session.schema = None
            if kind == "WAREHOUSE" and session.warehouse == full[0]:
                session.warehouse = None
            return _done(f"{full[-1]} successfully dropped.")

        return run

    def alter(self) -> Step:
        if self.take("SESSION"):
            return self._alter_session()
        if self.take("ACCOUNT"):
            return self._alter_account()
        kind = self.kind()
        if_exists = self.take("IF", "EXISTS")
        name = self.object_name(kind)
        change = self._policy_change(kind) if kind in ("TABLE", "VIEW") else self._change(kind)

        def run(session: Session) -> Result:
            full = name(session)
            if if_exists and not session.account.exists(kind, *full):
                return _done()
            change(session, full)
            return _done()

        return run

    def _alter_session(self) -> Step:
        if self.take("SET"):
            settings = self.properties()

            def run(session: Session) -> Result:
                told = settings(session)
                for key in told:
                    known_parameter(key)
                if "AUTOCOMMIT" in told:
                    session.commit()
                session.parameters.update(told)
                return _done(kind=SESSION)

            return run
        self.expect("UNSET")
        keys = self.identifiers()

        def unset(session: Session) -> Result:
            for key in keys:
                known_parameter(key)
                session.parameters.pop(key, None)
            return _done(kind=SESSION)

        return unset

    def _alter_account(self) -> Step:
        settings, keys = (self.properties(), []) if self.take("SET") else (None, self._unset())

        def run(session: Session) -> Result:
            if "ACCOUNTADMIN" not in session.roles:
                raise denied("ACCOUNT", ())
            if settings is not None:
                session.account.parameters.update(settings(session))
            for key in keys:
                session.account.parameters.pop(key, None)
            return _done()

        return run

    def _unset(self) -> list[str]:
        self.expect("UNSET")
        return self.identifiers()

    def _change(self, kind: str) -> t.Callable[[Session, Name], None]:
        """What follows `ALTER kind name`."""
        if self.take("RENAME", "TO"):
            new_name = self.object_name(kind)

            def rename(session: Session, name: Name) -> None:
                account, new = session.account, new_name(session)
                entity = account.own(session.roles, kind, name)
                if account.exists(kind, *new):
                    raise SqlError(2002, "42710", f"SQL compilation error:\nObject '{dotted(new)}' already exists.")
                if kind not in ("WAREHOUSE", "NETWORK POLICY"):
                    raise SqlError(2, "0A000", f"Unsupported feature 'RENAME {kind}' of the stand-in.")
                del account.entities[kind, name]
                entity.name = new
                account.entities[kind, new] = entity

            return rename
        if kind == "WAREHOUSE" and self.one_of_coming("RESUME", "SUSPEND"):
            state = {"RESUME": "STARTED", "SUSPEND": "SUSPENDED"}[self.word()]
            if state == "STARTED":
                self.take("IF", "SUSPENDED")
            told: Value = _always({"STATE": state})
            keys: list[str] = []
        elif kind == "USER" and self.take("ABORT", "ALL", "QUERIES"):
            told, keys = _always({}), []
        elif self.take("SET"):
            told, keys = self.properties(), []
        else:
            told, keys = _always({}), self._unset()

        def run(session: Session, name: Name) -> None:
            entity = session.account.own(session.roles, kind, name)
            settings = dict(told(session))
            if kind == "USER":
                credentials = session.account.credentials.setdefault(name[0], Credentials())
                if "PASSWORD" in settings:
                    credentials.password = settings.pop("PASSWORD")
                if "RSA_PUBLIC_KEY" in keys:
                    credentials.public_key = None
            entity.properties.update(settings)
            for key in keys:
                entity.properties.pop(key, None)

        return run

    def _policy_change(self, kind: str) -> t.Callable[[Session, Name], None]:
        """What follows `ALTER TABLE|VIEW name`: policies put on and taken off."""
        column = ""
        policy: NameOf | None = None
        if self.take("DROP", "ALL", "ROW", "ACCESS", "POLICIES"):
            policy_kind, on = "ROW ACCESS POLICY", False
        elif self.take("DROP", "ROW", "ACCESS", "POLICY"):
            policy_kind, on = "ROW ACCESS POLICY", False
            policy = self.object_name(policy_kind)
        elif self.take("ADD", "ROW", "ACCESS", "POLICY"):
            policy_kind, on = "ROW ACCESS POLICY", True
            policy = self.object_name(policy_kind)
            self.expect("ON", "(")
            self.identifiers()
            self.expect(")")
        else:
            self.one_of("MODIFY COLUMN", "MODIFY", "ALTER COLUMN", "ALTER")
            column, policy_kind = self.identifier(), "MASKING POLICY"
            on = self.one_of("SET", "UNSET") == "SET"
            self.expect("MASKING", "POLICY")
            if on:
                policy = self.object_name(policy_kind)

        def run(session: Session, table: Name) -> None:
            account, wanted = session.account, policy and policy(session)
            if not account.allowed(session.roles, f"APPLY {policy_kind}"):
                account.own(session.roles, kind, table)
            if (kind, table) not in account.entities:
                raise missing(kind, table)
            if on and wanted is not None:
                account.see(session.roles, policy_kind, wanted)
                account.attachments.add(Attachment(policy_kind, wanted, table, column))
                return
            account.attachments -= {
                a
                for a in account.attachments
                if (a.policy_kind, a.table, a.column) == (policy_kind, table, column) and wanted in (None, a.policy)
            }

        return run

    def grant(self) -> Step:
        return self._grant_or_revoke("TO")

    def revoke(self) -> Step:
        self.take("GRANT", "OPTION", "FOR")
        return self._grant_or_revoke("FROM")

    def _grant_or_revoke(self, preposition: str) -> Step:
        giving = preposition == "TO"
        if self.peek("ROLE"):
            return self._membership(preposition)
        privileges = [self._privilege()]
        while self.take(","):
            privileges.append(self._privilege())
        self.expect("ON")
        objects = self._objects()
        self.expect(preposition, "ROLE")
        grantee = self.object_name("ROLE")
        if giving and privileges == ["OWNERSHIP"]:
            if self.one_of_coming("COPY", "REVOKE"):
                self.one_of("COPY CURRENT GRANTS", "REVOKE CURRENT GRANTS")
        elif giving:
            self.take("WITH", "GRANT", "OPTION")
        elif not self.take("CASCADE"):
            self.take("RESTRICT")

        def run(session: Session) -> Result:
            account = session.account
            (role,) = grantee(session)
            account.see(session.roles, "ROLE", (role,))
            for kind, name in objects(session):
                for privilege in privileges:
                    if privilege == "OWNERSHIP" and giving:
                        account.own(session.roles, kind, name, or_manage_grants=True).owner = role
                    elif privilege.startswith("ALL"):
                        kept = {g for g in account.grants if (g.kind, g.name, g.role) != (kind, name, role)}
                        account.grants = kept | {Grant("ALL", kind, name, role)} if giving else kept
                    elif giving:
                        account.grants.add(Grant(privilege, kind, name, role))
                    else:
                        account.grants.discard(Grant(privilege, kind, name, role))
            return _done()

        return run

    def _privilege(self) -> str:
        words = [self.word()]
        while self.token.kind == "word" and not self.peek("ON"):
            words.append(self.word())
        return " ".join(words)

    def _objects(self) -> t.Callable[[Session], list[tuple[str, Name]]]:
        """What a grant is on: the account, one object, all or future objects in a database or schema."""
        if self.take("ACCOUNT"):

            def account(session: Session) -> list[tuple[str, Name]]:
                session.account.require(session.roles, "MANAGE GRANTS")
                return [("ACCOUNT", ())]

            return account
        if self.one_of_coming("ALL", "FUTURE"):
            future = self.word() == "FUTURE"
            kind = self.plural_kind()
            self.expect("IN")
            outer_kind = self.one_of("DATABASE", "SCHEMA")
            outer_name = self.object_name(outer_kind)

            def many(session: Session) -> list[tuple[str, Name]]:
                outer = outer_name(session)
                session.account.own(session.roles, outer_kind, outer, or_manage_grants=True)
                if future:
                    return [(f"FUTURE {kind}", outer)]
                return [key for key in session.account.entities if key[0] == kind and key[1][: len(outer)] == outer]

            return many
        kind = self.kind()
        name = self.object_name(kind)

        def one(session: Session) -> list[tuple[str, Name]]:
            full = name(session)
            session.account.own(session.roles, kind, full, or_manage_grants=True)
            return [(kind, full)]

        return one

    def _membership(self, preposition: str) -> Step:
        self.expect("ROLE")
        given = self.object_name("ROLE")
        self.expect(preposition)
        kind = self.one_of("ROLE", "USER")
        grantee = self.object_name(kind)

        def run(session: Session) -> Result:
            account, role, name = session.account, given(session), grantee(session)
            account.own(session.roles, "ROLE", role, or_manage_grants=True)
            account.see(session.roles, kind, name)
            change = Membership(role[0], kind, name[0])
            if preposition == "TO":
                account.memberships.add(change)
            else:
                account.memberships.discard(change)
            return _done()

        return run

    def show(self) -> Step:
        if self.take("GRANTS"):
            return self._show_grants()
        if self.take("FUTURE", "GRANTS"):
            return self._show_future_grants()
        if self.take("PARAMETERS"):
            return self._show_parameters()
        self.take("TERSE")
        kind = self.plural_kind()
        pattern = self.string() if self.take("LIKE") else "%"
        inside: NameOf | None = None
        if self.take("IN") and not self.take("ACCOUNT"):
            inside = self.object_name(self.one_of("DATABASE", "SCHEMA"))
        prefix = self.string() if self.take("STARTS", "WITH") else ""
        limit = self._limit()

        def run(session: Session) -> Result:
            outer = inside(session) if inside else ()
            rows: list[list[str | None]] = []
            for entity in session.account.visible(session.roles, kind):
                # The arguments have a column of their own.
                name = entity.name
                own = name[-1].partition("(")[0] if kind in ("FUNCTION", "PROCEDURE") else name[-1]
                if name[: len(outer)] == outer and own.startswith(prefix) and _like(pattern, own, exact=False):
                    path: list[str | None] = [*name[:-1], *[None] * (3 - len(name))]
                    last = [session.account.last_login(session.roles, entity)] if kind == "USER" else []
                    rows.append(["2026-01-01 00:00:00", own, *path, entity.owner, *last])
            more = ["last_success_login"] if kind == "USER" else []
            return Result(["created_on", "name", "database_name", "schema_name", "owner", *more], rows[:limit])

        return run

    def _limit(self) -> int | None:
        if not self.take("LIMIT"):
            return None
        number = self._primary()
        return int(number(t.cast(Session, None)))

    def _show_grants(self) -> Step:
        how = self.one_of("TO ROLE", "TO USER", "OF ROLE", "ON ACCOUNT", "ON")
        kind = "ACCOUNT"
        name: NameOf = _always(())
        if how != "ON ACCOUNT":
            kind = self.kind() if how == "ON" else how.split()[1]
            name = self.object_name(kind)
        made = "2026-01-01 00:00:00"

        def run(session: Session) -> Result:
            account, full = session.account, name(session)
            if full:
                account.see(session.roles, kind, full)
            if how in ("TO USER", "OF ROLE"):
                roles = [
                    [made, m.role, m.grantee_kind, m.grantee, "USERADMIN"]
                    for m in sorted(account.memberships)
                    if full[0] == (m.role if how == "OF ROLE" else m.grantee_kind == "USER" and m.grantee)
                ]
                return Result(
                    ["created_on", "role", "granted_to", "grantee_name", "granted_by"], t.cast("t.Any", roles)
                )
            rows = [
                (g.privilege, g.kind.replace(" ", "_"), account.name if g.kind == "ACCOUNT" else shown(g.name), g.role)
                for g in sorted(account.grants)
                if not g.kind.startswith("FUTURE ")
                and account.knows(session.roles, g)
                and (g.role == full[0] if how == "TO ROLE" else (g.kind, g.name) == (kind, full))
            ]
            rows += [
                ("USAGE", "ROLE", shown((m.role,)), m.grantee)
                for m in sorted(account.memberships)
                if how == "TO ROLE" and (m.grantee_kind, m.grantee) == ("ROLE", full[0])
            ]
            return Result(
                list(GRANT_COLUMNS), [[made, *row[:3], "ROLE", row[3], "false", "ACCOUNTADMIN"] for row in rows]
            )

        return run

    def _show_future_grants(self) -> Step:
        how = self.one_of("TO ROLE", "IN DATABASE", "IN SCHEMA")
        kind = how.split()[1]
        name = self.object_name(kind)

        def run(session: Session) -> Result:
            account, full = session.account, name(session)
            account.see(session.roles, kind, full)
            rows: list[list[str | None]] = []
            for g in sorted(account.grants):
                fits = g.role == full[0] if kind == "ROLE" else g.name == full
                if g.kind.startswith("FUTURE ") and fits and account.knows(session.roles, g):
                    of = g.kind.removeprefix("FUTURE ").replace(" ", "_")
                    place = f"{shown(g.name)}.<{of}>"
                    rows.append(["2026-01-01 00:00:00", g.privilege, of, place, "ROLE", g.role, "false"])
            return Result([one.replace("granted_", "grant_") for one in GRANT_COLUMNS[:-1]], rows)

        return run

    def _show_parameters(self) -> Step:
        pattern = self.string() if self.take("LIKE") else "%"
        self.expect("IN", "ACCOUNT")

        def run(session: Session) -> Result:
            known = {"NETWORK_POLICY": "", "TIMEZONE": "America/Los_Angeles", **session.account.parameters}
            rows: list[list[str | None]] = [
                [key, value, "", "ACCOUNT" if key in session.account.parameters else "", "", "STRING"]
                for key, value in sorted(known.items())
                if _like(pattern, key, exact=False)
            ]
            return Result(["key", "value", "default", "level", "description", "type"], rows)

        return run

    def select(self) -> Step:
        items: list[tuple[str, Value | None]] = [self._item()]
        while self.take(","):
            items.append(self._item())
        source = self._source() if self.take("FROM") else None
        where = self.expression() if source and self.take("WHERE") else None
        order: list[tuple[Value, bool]] = []
        if source and self.take("ORDER", "BY"):
            while not order or self.take(","):
                key = self.expression()
                order.append((key, descending := self.take("DESC")))
                if not descending:
                    self.take("ASC")
        limit = self._limit() if source else None

        def run(session: Session) -> Result:
            columns, rows = source(session) if source else ([], [{}])

            def within(row: dict[str, t.Any], value: Value) -> t.Any:
                session.scopes.append(row)
                try:
                    return value(session)
                finally:
                    session.scopes.pop()

            if where is not None:
                rows = [row for row in rows if within(row, where)]
            for key, descending in reversed(order):
                rows.sort(key=lambda row: _show(within(row, key)) or "", reverse=descending)
            if [name for name, _value in items] == ["COUNT(*)"]:
                return Result(["COUNT(*)"], [[str(len(rows))]])
            answer: list[list[str | None]] = []
            for row in rows[:limit]:
                cells = [list(row.values()) if value is None else [within(row, value)] for _name, value in items]
                answer.append([_show(cell) for group in cells for cell in group])
            heads = [columns if value is None else [name] for name, value in items]
            return Result([head for group in heads for head in group], answer)

        return run

    def _item(self) -> tuple[str, Value | None]:
        """A column of the answer: its name and value; None stands for all columns of the source."""
        start = self.token.offset
        if self.take("*"):
            return "*", None
        if self.take("COUNT", "(", "*", ")"):
            return "COUNT(*)", lambda session: None
        value = self.expression()
        name = self.text[start : self.tokens[self.at - 1].offset + len(self.tokens[self.at - 1].text)]
        if self.take("AS"):
            return self.identifier(), value
        return name.upper() if not name.startswith(("'", '"')) else name.strip('"'), value

    def _source(self) -> t.Callable[[Session], tuple[list[str], list[dict[str, t.Any]]]]:
        if not self.take("TABLE", "("):
            self.take("SNOWFLAKE", ".")
            self.expect("ACCOUNT_USAGE", ".", "POLICY_REFERENCES")
            return policy_references
        if self.take("RESULT_SCAN", "("):
            query_id = self.expression()
            self.expect(")", ")")

            def scan(session: Session) -> tuple[list[str], list[dict[str, t.Any]]]:
                query = session.history.get(str(query_id(session)))
                if query is None or query.user != session.user:
                    raise SqlError(709, "02000", f"Statement {query_id(session)} not found")
                if query.error is not None:
                    raise query.error
                result = query.result or Result([], [])
                return result.columns, [dict(zip(result.columns, row, strict=True)) for row in result.rows]

            return scan
        if not self.peek("INFORMATION_SCHEMA"):
            self.identifier()
            self.expect(".")
        self.expect("INFORMATION_SCHEMA", ".")
        if self.take("POLICY_REFERENCES", "("):
            return self._references()
        table = self.one_of("QUERY_HISTORY", "QUERY_HISTORY_BY_SESSION", "QUERY_HISTORY_BY_USER")
        self.expect("(")
        while not self.take(")"):
            self.word()
            self.expect("=>")
            self.expression()
            if not self.peek(")"):
                self.expect(",")
        self.expect(")")

        def history(session: Session) -> tuple[list[str], list[dict[str, t.Any]]]:
            session.need_warehouse()
            queries = [
                query
                for query in reversed(session.history.values())
                if query.user == session.user
                and (table != "QUERY_HISTORY_BY_SESSION" or query.session_id == session.session_id)
            ]
            return list(HISTORY_COLUMNS), [_names(query) for query in queries]

        return history

    def _references(self) -> t.Callable[[Session], tuple[list[str], list[dict[str, t.Any]]]]:
        """What follows `POLICY_REFERENCES(`: the policies on one object, or the objects with one policy."""
        argument = self.one_of("REF_ENTITY_NAME", "POLICY_NAME")
        self.expect("=>")
        name = Parser(self.string(), self.ignore_case).whole_name()
        if argument == "REF_ENTITY_NAME":
            self.expect(",", "REF_ENTITY_DOMAIN", "=>")
            kind = self.string()
        self.expect(")", ")")

        def references(session: Session) -> tuple[list[str], list[dict[str, t.Any]]]:
            session.need_warehouse()
            account = session.account
            if argument == "REF_ENTITY_NAME":
                account.see(session.roles, kind, name)
            rows = [
                (*a.policy, a.policy_kind.replace(" ", "_"), *a.table, a.column or None, None)
                for a in sorted(account.attachments)
                if name == (a.table if argument == "REF_ENTITY_NAME" else a.policy)
                and (
                    account.allowed(session.roles, f"APPLY {a.policy_kind}")
                    or account.entities["TABLE", a.table].owner in session.roles
                )
            ]
            columns = [*POLICY_COLUMNS, "TAG_NAME"]
            return columns, [dict(zip(columns, row, strict=True)) for row in rows]

        return references

    def call(self) -> Step:
        if self.token.upper.startswith("SYSTEM$"):
            value = self._function()
            return lambda session: Result(["CALL"], [[_show(value(session))]])
        name = self.name()
        self.expect("(")
        arguments: list[Value] = []
        while not self.take(")"):
            arguments.append(self.expression())
            if not self.peek(")"):
                self.expect(",")

        def run(session: Session) -> Result:
            *outer, last = session.full("PROCEDURE", name(session))
            account = session.account
            for entity in account.visible(session.roles, "PROCEDURE"):
                names = [part for part in entity.properties["ARGUMENTS"].split(",") if part]
                here = list(entity.name[:2]) == outer and entity.name[2].partition("(")[0] == last
                if here and len(names) == len(arguments):
                    return called(session, entity, dict(zip(names, (a(session) for a in arguments), strict=True)))
            raise SqlError(2140, "42601", f"SQL compilation error:\nUnknown user-defined function {last}")

        return run

    def execute_immediate(self) -> Step:
        self.expect("IMMEDIATE")
        text = self.expression()
        return lambda session: session.execute(str(text(session)))

    # Blocks

    def declare(self) -> Step:
        self.at -= 1
        return self.top_block()

    def top_block(self) -> Step:
        block = self.block()

        def run(session: Session) -> Result:
            try:
                block(session)
            except _Return as done:
                return Result(["anonymous block"], [[_show(done.value)]])
            return Result(["anonymous block"], [[None]])

        return run

    def block(self) -> Step:
        declared = []
        if self.take("DECLARE"):
            while not self.peek("BEGIN"):
                declared.append(self._declaration())
                self.expect(";")
        self.expect("BEGIN")
        body = self._body("END", "EXCEPTION")
        handlers: list[tuple[str, Step]] = []
        if self.take("EXCEPTION"):
            while self.take("WHEN"):
                which = self.one_of("OTHER", "STATEMENT_ERROR", "EXPRESSION_ERROR")
                self.expect("THEN")
                handlers.append((which, self._body("WHEN", "END")))
        self.expect("END")

        def run(session: Session) -> Result:
            session.scopes.append({})
            try:
                for declaration in declared:
                    declaration(session)
                try:
                    return body(session)
                except SqlError as error:
                    for which, handler in handlers:
                        if which != "EXPRESSION_ERROR":
                            told = {"SQLERRM": error.message, "SQLCODE": error.code, "SQLSTATE": error.state}
                            session.scopes[-1].update(told)
                            return handler(session)
                    raise
            finally:
                session.scopes.pop()

        return run

    def _body(self, *ends: str) -> Step:
        """Statements, each with its semicolon, up to one of the words."""
        steps = []
        while not self.one_of_coming(*ends):
            steps.append(self._inner())
            self.expect(";")

        def run(session: Session) -> Result:
            for step in steps:
                step(session)
            return _done()

        return run

    def _inner(self) -> Step:
        """A statement of a block."""
        if self.take("LET"):
            return self._declaration()
        if self.take("IF"):
            return self._if()
        if self.take("FOR"):
            return self._for()
        if self.take("NULL"):
            return lambda session: _done()
        if self.take("RETURN"):
            value = self.expression()

            def leave(session: Session) -> Result:
                raise _Return(value(session))

            return leave
        if self.peek("BEGIN") or self.peek("DECLARE"):
            return self.block()
        if self.token.kind == "word" and self.tokens[self.at + 1].text == ":=":
            name = self.identifier()
            self.expect(":=")
            new = self.expression()

            def assign(session: Session) -> Result:
                session.look_up(name)
                scope = next(scope for scope in reversed(session.scopes) if name in scope)
                scope[name] = new(session)
                return _done()

            return assign
        return self.statement()

    def _declaration(self) -> Step:
        name = self.identifier()
        if self.take("CURSOR", "FOR"):
            query = self.statement()

            def open_later(session: Session) -> Result:
                session.scopes[-1][name] = query
                return _done()

            return open_later
        if not self.one_of_coming(":=", "DEFAULT", ";"):
            self.type()
        value = self.expression() if self.take(":=") or self.take("DEFAULT") else lambda session: None

        def run(session: Session) -> Result:
            session.scopes[-1][name] = value(session)
            return _done()

        return run

    def _if(self) -> Step:
        branches = []
        otherwise: Step = _nothing
        while True:
            self.expect("(")
            condition = self.expression()
            self.expect(")", "THEN")
            branches.append((condition, self._body("ELSEIF", "ELSE", "END")))
            if not self.take("ELSEIF"):
                break
        if self.take("ELSE"):
            otherwise = self._body("END")
        self.expect("END", "IF")

        def run(session: Session) -> Result:
            for condition, body in branches:
                if condition(session):
                    return body(session)
            return otherwise(session)

        return run

    def _for(self) -> Step:
        name = self.identifier()
        self.expect("IN")
        if self.take("("):
            query = self.statement()
            self.expect(")")
        else:
            cursor = self.identifier()
            query = _opened(cursor)
        self.expect("DO")
        body = self._body("END")
        self.expect("END", "FOR")

        def run(session: Session) -> Result:
            result = query(session)
            for row in result.rows:
                session.scopes.append({name: dict(zip(result.columns, row, strict=True))})
                try:
                    body(session)
                finally:
                    session.scopes.pop()
            return _done()

        return run


def policy_references(session: Session) -> tuple[list[str], list[dict[str, t.Any]]]:
    """The rows of ACCOUNT_USAGE.POLICY_REFERENCES, which knows what is recent hours later."""
    session.need_warehouse()
    if "ACCOUNTADMIN" not in session.roles:
        raise missing("SCHEMA", ("SNOWFLAKE", "ACCOUNT_USAGE"))
    rows = [
        (
            *(*a.policy, a.policy_kind.replace(" ", "_"), *a.table, a.column or None),
            "VIEW" if session.account.exists("VIEW", *a.table) else "TABLE",
        )
        for a in sorted(session.account.attachments)
        if not a.recent
    ]
    columns = [*POLICY_COLUMNS, "REF_ENTITY_DOMAIN"]
    return columns, [dict(zip(columns, row, strict=True)) for row in rows]


def called(session: Session, procedure: Entity, arguments: dict[str, t.Any]) -> Result:
    """Run a procedure's body, under its owner's role unless it says otherwise."""
    properties = procedure.properties
    if properties["LANGUAGE"] != "SQL":
        raise SqlError(2, "0A000", f"Unsupported feature 'LANGUAGE {properties['LANGUAGE']}' of the stand-in.")
    role, scopes = session.role, session.scopes
    session.scopes = [arguments]
    if properties["EXECUTE AS"] == "OWNER":
        session.role = procedure.owner
    try:
        result = session.execute(properties["BODY"])
        return Result([procedure.name[2].partition("(")[0]], result.rows)
    finally:
        session.role, session.scopes = role, scopes


def session_change(session: Session, **changes: t.Any) -> Result:
    """Set fields of the session and say so."""
    for key, value in changes.items():
        setattr(session, key, value)
    return _done(kind=SESSION)


def known_parameter(key: str) -> None:
    """Raise unless there is such a session parameter."""
    if key not in SESSION_PARAMETERS:
        raise SqlError(1420, "42601", f"SQL compilation error:\ninvalid property '{key}' for 'SESSION'")


def not_usable() -> SqlError:
    """What `USE` says of an object that is absent or forbidden."""
    return SqlError(2043, "02000", "SQL compilation error:\nObject does not exist, or operation cannot be performed.")


def _wait(session: Session, amount: str, unit: str = "SECONDS") -> str:
    seconds = float(amount) * {"MILLISECONDS": 0.001, "SECONDS": 1.0, "MINUTES": 60.0}[unit.upper()]
    started = time.monotonic()
    session.wait(seconds)
    return f"waited {time.monotonic() - started:.3f} seconds"


def _last_query_id(session: Session, number: str = "-1") -> str | None:
    """The id of a query of the session: counted back from this one, or from the first one on."""
    own = [query.query_id for query in session.history.values() if query.session_id == session.session_id]
    at = int(number) - 1
    return own[at] if -len(own) <= at < len(own) else None


def _joined(left: t.Any, right: t.Any) -> str | None:
    return None if left is None or right is None else f"{_show(left)}{_show(right)}"


OPERATORS: t.Final[dict[str, t.Callable[[t.Any, t.Any], t.Any]]] = {
    "||": _joined,
    "+": lambda left, right: float(left) + float(right) if "." in f"{left}{right}" else int(left) + int(right),
    "-": lambda left, right: float(left) - float(right) if "." in f"{left}{right}" else int(left) - int(right),
}

FUNCTIONS: t.Final[dict[str, t.Callable[..., t.Any]]] = {
    "CURRENT_ACCOUNT": lambda session: session.account.name,
    "CURRENT_ACCOUNT_NAME": lambda session: session.account.account_name,
    "CURRENT_DATABASE": lambda session: session.database,
    "CURRENT_ORGANIZATION_NAME": lambda session: session.account.organization,
    "CURRENT_REGION": lambda session: session.account.region,
    "CURRENT_ROLE": lambda session: session.role,
    "CURRENT_SCHEMA": lambda session: session.schema,
    "CURRENT_SESSION": lambda session: session.session_id,
    "CURRENT_USER": lambda session: session.user,
    "CURRENT_VERSION": lambda session: "9.30.0",
    "CURRENT_WAREHOUSE": lambda session: session.warehouse,
    "LAST_QUERY_ID": _last_query_id,
    "LOWER": lambda session, text: text and str(text).lower(),
    "SYSTEM$WAIT": _wait,
    "UPPER": lambda session, text: text and str(text).upper(),
}

# Each commits the transaction that is open.
DEFINITIONS: t.Final = ("ALTER", "CREATE", "DROP", "GRANT", "REVOKE")

STATEMENTS: t.Final[dict[str, t.Callable[[Parser], Step]]] = {
    "ALTER": Parser.alter,
    "BEGIN": Parser.begin,
    "CALL": Parser.call,
    "COMMIT": Parser.end_transaction,
    "CREATE": Parser.create,
    "DECLARE": Parser.declare,
    "DELETE": Parser.delete,
    "DROP": Parser.drop,
    "EXECUTE": Parser.execute_immediate,
    "GRANT": Parser.grant,
    "INSERT": Parser.insert,
    "REVOKE": Parser.revoke,
    "ROLLBACK": Parser.end_transaction,
    "SELECT": Parser.select,
    "SET": Parser.set_variables,
    "SHOW": Parser.show,
    "START": Parser.start,
    "UNSET": Parser.unset_variables,
    "USE": Parser.use,
}
