# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What Databricks' SQL means to a stand-in metastore: tokens, grammar, and what each statement does.

The text is compiled whole before anything runs, so a syntax error changes nothing. What is understood:

- `USE`, `SET`, `RESET`, `DECLARE` of session variables;
- `CREATE` of catalogs and schemas, `DROP`, ownership, tags, comments, `GRANT`, `REVOKE`, and the end of a table's masks and row filter;
- `SHOW` of catalogs, schemas and grants, and `SELECT` of literals, variables and a few functions, or of metadata;
- blocks, `BEGIN ... END`, of these: one statement each, without loops, conditions or handlers.

Everything else is a syntax error at the token where understanding ended: never a silent success.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .databricks_metastore import PARTS, Metastore, Name, Securable, SqlError, dotted

# Everything but comments in /* */, which nest.
TOKEN = re.compile(
    r"""
    (?P<space> \s+ | --[^\n]* )
  | (?P<raw> r(?: '[^']*' | "[^"]*" ) )
  | (?P<string> '(?: [^'\\] | \\. | '' )*' | "(?: [^"\\] | \\. | "" )*" )
  | (?P<quoted> `(?: [^`] | `` )+` )
  | (?P<number> \d+(?:\.\d+)? )
  | (?P<word> \w+ )
  | (?P<symbol> [(),;.=*:+-] )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
COMMENT = re.compile(r"/\*|\*/")
ESCAPES: t.Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a", "%": "\\%", "_": "\\_"}
KINDS: t.Final = {**{kind: kind for kind in PARTS}, "DATABASE": "SCHEMA"}
CONSTANTS: t.Final = {"TRUE": True, "FALSE": False, "NULL": None}
PRIVILEGES: t.Final = [
    f"{verb} {what}".strip()
    for verb, things in {
        "": ("ALL PRIVILEGES", "APPLY TAG", "BROWSE", "EXECUTE", "MANAGE", "MODIFY", "REFRESH", "SELECT"),
        "CREATE": (
            "CATALOG",
            "CONNECTION",
            "EXTERNAL LOCATION",
            "FUNCTION",
            "RECIPIENT",
            "SCHEMA",
            "SHARE",
            "TABLE",
            "VOLUME",
        ),
        "CREATE EXTERNAL": ("TABLE", "VOLUME"),
        "CREATE MATERIALIZED": ("VIEW",),
        "CREATE STORAGE": ("CREDENTIAL",),
        "EXTERNAL USE": ("LOCATION", "SCHEMA"),
        "READ": ("FILES", "VOLUME"),
        "USE": ("CATALOG", "CONNECTION", "SCHEMA"),
        "WRITE": ("FILES", "VOLUME"),
    }.items()
    for what in things
]

# The tables of system.information_schema: the kinds that they list, and the start of their columns' names.
METADATA: t.Final = {
    "catalogs": (("CATALOG",), "catalog"),
    "connections": (("CONNECTION",), "connection"),
    "external_locations": (("EXTERNAL LOCATION",), "external_location"),
    "recipients": (("RECIPIENT",), "recipient"),
    "routines": (("FUNCTION",), "routine"),
    "schemata": (("SCHEMA",), "schema"),
    "shares": (("SHARE",), "share"),
    "storage_credentials": (("STORAGE CREDENTIAL",), "storage_credential"),
    "tables": (("TABLE", "VIEW"), "table"),
    "volumes": (("VOLUME",), "volume"),
}

# What its tables of privileges call the parts of a name.
PRIVILEGE_COLUMNS: t.Final = {
    "CATALOG": ("catalog_name",),
    "SCHEMA": ("catalog_name", "schema_name"),
    "TABLE": ("table_catalog", "table_schema", "table_name"),
    "VOLUME": ("volume_catalog", "volume_schema", "volume_name"),
}

Value = t.Callable[["Session"], t.Any]
Step = t.Callable[["Session"], "Result"]


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
    """What a statement answers: column names and rows of texts, numbers, truth values and None."""

    columns: list[str] = field(default_factory=list)
    rows: list[list[t.Any]] = field(default_factory=list)


@dataclass
class Session:
    """A session: what its statements see and change.

    :ivar configuration: what it was opened with, and `SET` since; the names in upper case
    :ivar variables: by name in lower case
    """

    metastore: Metastore
    user: str
    session_id: str
    catalog: str = "main"
    schema: str = "default"
    configuration: dict[str, str] = field(default_factory=dict)
    variables: dict[str, t.Any] = field(default_factory=dict)

    def full(self, kind: str, name: Name) -> Name:
        """A name made full by the session's current catalog and schema."""
        lacking = PARTS[kind] - len(name)
        if lacking < 0:
            raise SqlError(
                "REQUIRES_SINGLE_PART_NAMESPACE", "42K05", f"requires a single-part namespace, but got {dotted(name)}."
            )
        return (self.catalog, self.schema)[: lacking if PARTS[kind] > 1 else 0] + name

    def use(self, catalog: str, schema: str = "default") -> None:
        """Make a catalog and a schema of it the current ones.

        :raises SqlError: one isn't there, or may not be used
        """
        self.metastore.use(self.user, "CATALOG", (catalog,))
        self.metastore.use(self.user, "SCHEMA", (catalog, schema))
        self.catalog, self.schema = catalog, schema

    def execute(self, text: str) -> Result:
        """Run one statement.

        :raises SqlError: it is wrong, or not allowed
        """
        return Parser(text).single()(self)


def _nothing(do: t.Callable[[Session], object]) -> Step:
    """A step that answers no rows."""

    def run(session: Session) -> Result:
        do(session)
        return Result()

    return run


class Parser:
    """Compiles a statement into a step: a function of the session."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens()
        self.at = 0

    # Tokens

    def _tokens(self) -> list[Token]:
        tokens, offset = [], 0
        while offset < len(self.text):
            if self.text.startswith("/*", offset):
                offset = self._after_comment(offset)
                continue
            match = TOKEN.match(self.text, offset)
            if match is None:
                raise self.unexpected(Token("symbol", self.text[offset], offset))
            if match.lastgroup != "space":
                tokens.append(Token(str(match.lastgroup), match.group(), offset))
            offset = match.end()
        return [*tokens, Token("end", "end of input", offset)]

    def _after_comment(self, start: int) -> int:
        depth = 0
        for mark in COMMENT.finditer(self.text, start):
            depth += 1 if mark.group() == "/*" else -1
            if depth == 0:
                return mark.end()
        raise SqlError("UNCLOSED_BRACKETED_COMMENT", "42601", "Found an unclosed bracketed comment.")

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def unexpected(self, token: Token | None = None) -> SqlError:
        """The syntax error at a token, by default the next one."""
        token = token or self.token
        before = self.text[: token.offset]
        line, position = before.count("\n") + 1, token.offset - (before.rfind("\n") + 1)
        shown = token.text if token.kind == "end" else f"'{token.text}'"
        return SqlError(
            "PARSE_SYNTAX_ERROR", "42601", f"Syntax error at or near {shown}. (line {line}, pos {position})"
        )

    def take(self, *words: str) -> bool:
        """Step over these words or symbols if they come next."""
        coming = self.tokens[self.at : self.at + len(words)]
        if [token.upper for token in coming if token.kind in ("word", "symbol")] != list(words):
            return False
        self.at += len(words)
        return True

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.take(word):
                raise self.unexpected()

    def one_of(self, choices: t.Iterable[str]) -> str:
        """The choice that comes next, the longest if several do; a choice may be of several words."""
        for choice in sorted(choices, key=len, reverse=True):
            if self.take(*choice.split()):
                return choice
        raise self.unexpected()

    def separated(self, item: t.Callable[[], t.Any]) -> list[t.Any]:
        """One or more items with commas between."""
        items = [item()]
        while self.take(","):
            items.append(item())
        return items

    # Names and values

    def written(self) -> str:
        """An identifier as it is written, as the names of principals are."""
        token = self.token
        if token.kind not in ("word", "quoted"):
            raise self.unexpected()
        self.at += 1
        return token.text if token.kind == "word" else token.text[1:-1].replace("``", "`")

    def identifier(self) -> str:
        return self.written().lower()

    def name(self) -> Name:
        parts = [self.identifier()]
        while self.take("."):
            parts.append(self.identifier())
        return tuple(parts)

    def securable(self) -> tuple[str, Name]:
        """A kind and a name; that of the metastore has no parts."""
        kind = KINDS[self.one_of(KINDS)]
        return kind, () if kind == "METASTORE" else self.name()

    def string(self) -> str:
        token = self.token
        if token.kind not in ("string", "raw"):
            raise self.unexpected()
        self.at += 1
        if token.kind == "raw":
            return token.text[2:-1]
        mark, inner = token.text[0], token.text[1:-1]

        def plain(match: re.Match[str]) -> str:
            return mark if match[0] == mark * 2 else ESCAPES.get(match[0][1], match[0][1])

        return re.sub(rf"\\.|{mark}{mark}", plain, inner, flags=re.DOTALL)

    def expression(self) -> tuple[str, Value]:
        """A literal, a variable or a function, with the name that it gives a column."""
        token = self.token
        if token.kind in ("string", "raw"):
            text = self.string()
            return text, lambda session: text
        self.at += 1
        if token.kind == "number":
            number = float(token.text) if "." in token.text else int(token.text)
            return token.text, lambda session: number
        if token.kind == "word" and token.upper in CONSTANTS:
            return token.upper, lambda session: CONSTANTS[token.upper]
        functions: dict[str, Value] = {
            "current_catalog": lambda session: session.catalog,
            "current_database": lambda session: session.schema,
            "current_schema": lambda session: session.schema,
            "current_user": lambda session: session.user,
            "session_user": lambda session: session.user,
        }
        if token.text.lower() == "is_account_group_member" and self.take("("):
            group = self.string()
            self.expect(")")
            return "is_account_group_member()", lambda session: group in session.metastore.identities(session.user)
        if self.take("(", ")"):
            if token.text.lower() not in functions:
                raise SqlError("UNRESOLVED_ROUTINE", "42883", f"Cannot resolve routine `{token.text}` on search path.")
            return f"{token.text.lower()}()", functions[token.text.lower()]
        if token.kind not in ("word", "quoted"):
            self.at -= 1
            raise self.unexpected()

        def variable(session: Session) -> t.Any:
            name = token.text.strip("`").lower()
            if name not in session.variables:
                raise SqlError(
                    "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
                    "42703",
                    f"A column, variable, or function parameter with name `{name}` cannot be resolved.",
                )
            return session.variables[name]

        return token.text.lower(), variable

    # Statements

    def single(self) -> Step:
        """The whole text as one statement; a semicolon may end it."""
        step = self.statement()
        self.take(";")
        if self.token.kind != "end":
            raise self.unexpected()
        return step

    def statement(self) -> Step:
        word = self.token.upper.lower()
        method = getattr(self, f"do_{word}", None) if self.token.kind == "word" else None
        if method is None:
            raise self.unexpected()
        self.at += 1
        return t.cast(Step, method())

    def do_begin(self) -> Step:
        steps = []
        while not self.take("END"):
            steps.append(self.statement())
            self.expect(";")

        def run(session: Session) -> Result:
            result = Result()
            # Variables that a block declares are gone after it.
            outside = dict(session.variables)
            try:
                for step in steps:
                    result = step(session)
            finally:
                session.variables = {name: session.variables[name] for name in outside}
            return result

        return run

    def do_declare(self) -> Step:
        replace = self.take("OR", "REPLACE")
        self.take("VARIABLE")
        name = self.identifier()
        if self.token.kind == "word" and self.token.upper != "DEFAULT":
            self.identifier()
        value: Value = self.expression()[1] if self.take("DEFAULT") or self.take("=") else (lambda session: None)

        def declare(session: Session) -> None:
            if name in session.variables and not replace:
                raise SqlError(
                    "VARIABLE_ALREADY_EXISTS",
                    "42723",
                    f"Cannot create the variable `{name}` because it already exists.",
                )
            session.variables[name] = value(session)

        return _nothing(declare)

    def do_use(self) -> Step:
        if self.take("CATALOG"):
            catalog = self.identifier()
            return _nothing(lambda session: session.use(catalog))
        for word in ("SCHEMA", "DATABASE"):
            if self.take(word):
                break
        name = self.name()
        return _nothing(lambda session: session.use(*session.full("SCHEMA", name)))

    def do_set(self) -> Step:
        if self.take("CATALOG"):
            catalog = self.identifier()
            return _nothing(lambda session: session.use(catalog))
        if self.take("VAR") or self.take("VARIABLE"):
            name = self.identifier()
            self.expect("=")
            value = self.expression()[1]

            def assign(session: Session) -> None:
                if name not in session.variables:
                    raise SqlError("UNRESOLVED_VARIABLE", "42883", f"Cannot resolve variable `{name}` on search path.")
                session.variables[name] = value(session)

            return _nothing(assign)
        parameter = ".".join(self.name()).upper()
        self.expect("=")
        setting = self.expression()[1]

        def run(session: Session) -> Result:
            session.configuration[parameter] = str(setting(session))
            return Result(["key", "value"], [[parameter, session.configuration[parameter]]])

        return run

    def do_reset(self) -> Step:
        parameter = ".".join(self.name()).upper() if self.token.kind == "word" else ""

        def reset(session: Session) -> None:
            for key in [parameter] if parameter else list(session.configuration):
                session.configuration.pop(key, None)

        return _nothing(reset)

    def do_create(self) -> Step:
        kind = KINDS[self.one_of(("CATALOG", "SCHEMA", "DATABASE"))]
        if_not_exists = self.take("IF", "NOT", "EXISTS")
        name = self.name()
        if self.take("MANAGED", "LOCATION"):
            self.string()
        comment = self.string() if self.take("COMMENT") else None
        return _nothing(
            lambda session: session.metastore.create(
                session.user, kind, session.full(kind, name), if_not_exists=if_not_exists, comment=comment
            )
        )

    def do_drop(self) -> Step:
        kind = KINDS[self.one_of(set(KINDS) - {"METASTORE"})]
        if_exists = self.take("IF", "EXISTS")
        name = self.name()
        cascade = PARTS[kind] < 3 and self.take("CASCADE")
        if PARTS[kind] < 3 and not cascade:
            self.take("RESTRICT")
        return _nothing(
            lambda session: session.metastore.drop(
                session.user, kind, session.full(kind, name), if_exists=if_exists, cascade=cascade
            )
        )

    def do_grant(self) -> Step:
        return self._privileges("TO", Metastore.grant)

    def do_revoke(self) -> Step:
        return self._privileges("FROM", Metastore.revoke)

    def _privileges(self, word: str, change: t.Callable[[Metastore, str, str, str, Name, str], None]) -> Step:
        privileges = self.separated(lambda: self.one_of(PRIVILEGES))
        self.expect("ON")
        kind, name = self.securable()
        self.expect(word)
        principal = self.written()

        def run(session: Session) -> None:
            for privilege in privileges:
                change(session.metastore, session.user, privilege, kind, session.full(kind, name), principal)

        return _nothing(run)

    def do_comment(self) -> Step:
        self.expect("ON")
        kind, name = self.securable()
        self.expect("IS")
        comment = None if self.take("NULL") else self.string()

        def run(session: Session) -> None:
            session.metastore.manage(session.user, kind, session.full(kind, name)).comment = comment

        return _nothing(run)

    def do_alter(self) -> Step:
        kind, name = self.securable()
        if self.take("SET", "OWNER", "TO") or self.take("OWNER", "TO"):
            owner = self.written()
            return _nothing(
                lambda session: session.metastore.set_owner(session.user, kind, session.full(kind, name), owner)
            )
        if kind == "TABLE" and (self.take("ALTER") or self.take("CHANGE")):
            self.take("COLUMN")
            column = self.identifier()
            self.expect("DROP", "MASK")
            return self._lift(name, lambda table: table.masks.pop(column, None))
        if kind == "TABLE" and self.take("DROP", "ROW", "FILTER"):
            return self._lift(name, lambda table: setattr(table, "row_filter", None))
        change = self._tags()

        def run(session: Session) -> None:
            change(session.metastore.manage(session.user, kind, session.full(kind, name)).tags)

        return _nothing(run)

    def _tags(self) -> t.Callable[[dict[str, str]], None]:
        if self.take("SET", "TAGS", "("):

            def pair() -> tuple[str, str]:
                key = self.string()
                return key, self.string() if self.take("=") else ""

            given = dict(self.separated(pair))
            self.expect(")")
            return lambda tags: tags.update(given)
        self.expect("UNSET", "TAGS", "(")
        keys = self.separated(self.string)
        self.expect(")")

        def unset(tags: dict[str, str]) -> None:
            for key in keys:
                tags.pop(key, None)

        return unset

    def _lift(self, name: Name, change: t.Callable[[Securable], object]) -> Step:
        return _nothing(
            lambda session: change(session.metastore.manage(session.user, "TABLE", session.full("TABLE", name)))
        )

    def do_show(self) -> Step:
        what = self.one_of(("CATALOGS", "SCHEMAS", "DATABASES", "GRANTS", "GRANT"))
        if what.startswith("GRANT"):
            return self._show_grants()
        inside = self.identifier() if what != "CATALOGS" and (self.take("IN") or self.take("FROM")) else None
        pattern = self.string() if self.take("LIKE") or self.token.kind in ("string", "raw") else "*"
        like = re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\|", "|"), re.IGNORECASE)

        def run(session: Session) -> Result:
            if what == "CATALOGS":
                names = session.metastore.names("CATALOG")
                return Result(["catalog"], [[name] for name in names if like.fullmatch(name)])
            catalog = inside or session.catalog
            session.metastore.see("CATALOG", (catalog,))
            names = [name.partition(".")[2] for name in session.metastore.names("SCHEMA", catalog)]
            return Result(["databaseName"], [[name] for name in names if like.fullmatch(name)])

        return run

    def _show_grants(self) -> Step:
        principal = None if self.token.upper == "ON" else self.written()
        self.expect("ON")
        kind, name = self.securable()

        def run(session: Session) -> Result:
            full = session.full(kind, name)
            seen = session.metastore.see(kind, full)
            return Result(
                ["Principal", "ActionType", "ObjectType", "ObjectKey"],
                [
                    [grant.principal, grant.privilege, seen.kind, ".".join(full)]
                    for grant in sorted(session.metastore.grants)
                    if (grant.kind, grant.name) == (seen.kind, full)
                    and principal in (None, grant.principal)
                    and session.metastore.knows(session.user, grant)
                ],
            )

        return run

    def do_select(self) -> Step:
        def item() -> tuple[str, Value]:
            name, value = self.expression()
            return (self.identifier() if self.take("AS") else name), value

        if self.take("*"):
            self.expect("FROM")
            return self._metadata(["*"])
        items = self.separated(item)
        if self.take("FROM"):
            return self._metadata([name for name, _value in items])
        return lambda session: Result([name for name, _value in items], [[value(session) for _name, value in items]])

    def _metadata(self, columns: list[str]) -> Step:
        name = self.name()
        rows = _rows_of(name[2]) if name[:2] == ("system", "information_schema") and len(name) == 3 else None
        if rows is None:
            raise self.unexpected()
        wanted: list[tuple[str, re.Pattern[str]]] = []
        while self.take("AND" if wanted else "WHERE"):
            wanted.append(self._condition())

        def run(session: Session) -> Result:
            fitting = [one for one in rows(session) if all(like.fullmatch(one[column]) for column, like in wanted)]
            asked = columns if columns != ["*"] else list(fitting[0] if fitting else ())
            return Result(asked, [[one[column] for column in asked] for one in fitting])

        return run

    def _condition(self) -> tuple[str, re.Pattern[str]]:
        """What a column has to be, or be like."""
        column = self.identifier()
        if self.take("LIKE"):
            like = re.escape(self.string()).replace("%", ".*").replace("_", ".")
        else:
            self.expect("=")
            like = re.escape(self.string())
        return column, re.compile(like, re.DOTALL)


Rows = t.Callable[[Session], list[dict[str, t.Any]]]


def _rows_of(table: str) -> Rows | None:
    """The rows of a table of system.information_schema, as a session may see them; None if there is no such table."""
    if table in METADATA:
        return lambda session: _objects(session, *METADATA[table])
    if table == "metastores":
        return lambda session: [{"metastore_name": "example", "metastore_owner": session.metastore.admins}]
    if table in ("row_filters", "column_masks"):
        return lambda session: _protected(session, table)
    kind = table.removesuffix("_privileges").upper()
    if table.endswith("_privileges") and kind in PRIVILEGE_COLUMNS:
        return lambda session: _privileges_on(session, kind)
    return None


def _objects(session: Session, kinds: tuple[str, ...], start: str) -> list[dict[str, t.Any]]:
    outer = ("catalog_name",) if start == "schema" else (f"{start}_catalog", f"{start}_schema")
    made = "2026-01-01T00:00:00.000+00:00"
    return [
        {
            **dict(zip(outer[: len(one.name) - 1], one.name)),
            f"{start}_name": one.name[-1],
            f"{start}_owner": one.owner,
            "created": made,
        }
        for (kind, _name), one in session.metastore.securables.items()
        if kind in kinds and session.metastore.interacts(session.user, one)
    ]


def _protected(session: Session, table: str) -> list[dict[str, t.Any]]:
    start = "filter" if table == "row_filters" else "mask"
    rows = []
    for one in session.metastore.securables.values():
        found = [("", one.row_filter)] if one.row_filter and start == "filter" else []
        for column, function in found if start == "filter" else sorted(one.masks.items()):
            if function and session.metastore.interacts(session.user, one):
                where = dict(zip(("catalog_name", "schema_name", "table_name"), one.name))
                using = dict(zip((f"{start}_catalog", f"{start}_schema", f"{start}_name"), function))
                rows.append({**where, **({"column_name": column} if start == "mask" else {}), **using})
    return rows


def _privileges_on(session: Session, kind: str) -> list[dict[str, t.Any]]:
    return [
        {
            "grantor": "metastore admins",
            "grantee": grant.principal,
            **dict(zip(PRIVILEGE_COLUMNS[kind], grant.name)),
            "privilege_type": grant.privilege.replace(" ", "_"),
            "inherited_from": "NONE",
        }
        for grant in sorted(session.metastore.grants)
        if grant.kind == kind and session.metastore.knows(session.user, grant)
    ]
