# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snowflake: from options to a PEP 249 connection, errors explained. No other file imports its client.

Works with snowflake-connector-python 4.5 and newer, 5 included. The two differ inside, so only connect(), cursor(),
execute(), fetchall(), sfqid, rowcount, errno and sqlstate are used.

What 4.8 and 5.2 do when the answer to a statement is missing, as observed:

- Connection reset, or 429, 500, 503: both send the request again under the same request id, and Snowflake answers a
  request id that it knows with the result that it has: so their own retries never run a statement twice. When they give
  up, the error has no query id.
- Their C(network_timeout) ends a statement that is still running, too. 4.8 then cancels it and reports error 604 with
  its query id; 5.2 reports no query id, and the statement may run on. 5.2 passes over C(timeout) of execute(). So
  C(network_timeout) has to be longer than what Snowflake itself grants a statement (error 630).
- 400 and 403: 5.2 gives up at once, 4.8 tries again.

Source: U(https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api).
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import sys
import typing as t
import warnings

from ansible_collections.community.immuta.plugins.module_utils import _address, _files, _options, _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption, needing
from ansible_collections.community.immuta.plugins.module_utils._sql import hosts, options, platform, remedies

# Names that the connector and the snow command line know, in the order in which they are tried.
VARIABLES: options.Variables = {
    "account": ("SNOWFLAKE_ACCOUNT",),
    "user": ("SNOWFLAKE_USER",),
    "password": ("SNOWFLAKE_PASSWORD",),
    "authenticator": ("SNOWFLAKE_AUTHENTICATOR",),
    "private_key_file": ("SNOWFLAKE_PRIVATE_KEY_FILE", "SNOWFLAKE_PRIVATE_KEY_PATH"),
    "private_key": ("SNOWFLAKE_PRIVATE_KEY_RAW",),
    "private_key_passphrase": ("PRIVATE_KEY_PASSPHRASE", "SNOWFLAKE_PRIVATE_KEY_FILE_PWD"),
    "token": ("SNOWFLAKE_TOKEN",),
    "token_file_path": ("SNOWFLAKE_TOKEN_FILE_PATH",),
    "host": ("SNOWFLAKE_HOST",),
    "port": ("SNOWFLAKE_PORT",),
    "protocol": ("SNOWFLAKE_PROTOCOL",),
    "role": ("SNOWFLAKE_ROLE",),
    "warehouse": ("SNOWFLAKE_WAREHOUSE",),
    "database": ("SNOWFLAKE_DATABASE",),
    "schema": ("SNOWFLAKE_SCHEMA",),
}
# Not a fallback of the option: it counts only when no other option names a connection.
DEFAULT_CONNECTION = "SNOWFLAKE_DEFAULT_CONNECTION_NAME"
CREDENTIALS = ("password", "private_key", "private_key_file", "token", "token_file_path")
SECRETS = frozenset({"password", "private_key", "private_key_passphrase", "token"})
# Options that connect() takes under the same name.
PASSED_ON = ("account", "user", "host", "port", "protocol", "role", "warehouse", "database", "schema")
CANCELLED = 604
# What refuses a sign-in.
REFUSALS = range(390000, 400000)
# The class of SQL states "syntax error or access rule violation", which only a server that has read a statement sends.
REFUSED = "42"
# Tags that are unique to a run; the query history can be searched for them.
OWN_TAG = re.compile(r"community\.immuta/[0-9a-f]{12}/[0-9a-f]{8}")
HISTORY_COLUMNS = "SELECT query_id, query_text, execution_status, query_tag"
HISTORY = (
    f"{HISTORY_COLUMNS}"
    " FROM TABLE(SNOWFLAKE.INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(RESULT_LIMIT => 10000))"
    " WHERE query_tag = {} OR query_tag = {}"
)
PLACE_FIELDS = ("CURRENT_ACCOUNT", "CURRENT_ACCOUNT_NAME", "CURRENT_ORGANIZATION_NAME", "CURRENT_REGION")
PLACE = f"SELECT {', '.join(f'{name}()' for name in PLACE_FIELDS)}"
UNREADABLE = "Snowflake's client can't read the answer"
CHECK_BETWEEN = "Check account and host, and what is in between: a proxy may have answered instead of Snowflake."
STILL_ATTACHED = re.compile(r"Policy\s+'.*'\s+used by\s+schema\s+.*\s+in another database", re.IGNORECASE | re.DOTALL)


def argument_spec() -> dict[str, t.Any]:
    """Return the options for signing in. The doc fragment C(snowflake) documents them."""
    connection = options.fallbacks(VARIABLES, SECRETS)
    connection["port"]["type"] = "int"
    connection["protocol"]["choices"] = ["http", "https"]
    for name in ("private_key_file", "token_file_path"):
        connection[name]["type"] = "path"
    return {
        **connection,
        "connection_name": {"type": "str"},
        "connections_file_path": {"type": "path"},
        "login_timeout": {"type": "int", "default": 60},
        "network_timeout": {"type": "int", "default": 300},
        "statement_timeout": {"type": "int", "default": 900},
        "query_tag": {"type": "str"},
    }


def connect_arguments(params: dict[str, t.Any], tag: str) -> dict[str, t.Any]:
    """Return the arguments for C(snowflake.connector.connect).

    :param tag: the query tag of the session
    :raises InvalidOption: options are missing or contradict each other
    """
    params = {**params, **_place_of(params)}
    arguments = {name: params[name] for name in PASSED_ON if params[name] is not None}
    if params["connections_file_path"]:
        arguments["connections_file_path"] = pathlib.Path(params["connections_file_path"])
    name = params["connection_name"] or (None if params["account"] else os.environ.get(DEFAULT_CONNECTION))
    if name:
        arguments["connection_name"] = name
        # The named connection has the rest; secrets are often kept out of it.
        if any(params[option] for option in CREDENTIALS):
            arguments.update(_credentials(params, named=True))
    else:
        if not params["account"]:
            raise options.missing("account", VARIABLES)
        arguments.update(_credentials(params))
    _options.require_positive(params, "login_timeout", "network_timeout", "statement_timeout")
    return {
        **arguments,
        "login_timeout": params["login_timeout"],
        # Snowflake has to end a statement first, since only its answer tells what became of it.
        "network_timeout": params["statement_timeout"] + params["network_timeout"],
        "application": "community_immuta",
        "autocommit": True,
        "session_parameters": {
            "QUERY_TAG": tag,
            "STATEMENT_TIMEOUT_IN_SECONDS": params["statement_timeout"],
            # Immuta's scripts quote some names, in upper case, and not others.
            "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
            "CLIENT_TELEMETRY_ENABLED": False,
        },
    }


def _place_of(params: dict[str, t.Any]) -> dict[str, str | None]:
    """Return account and host without what people copy along with them: blanks, scheme, path, the vendor's domain.

    :raises InvalidOption: something else is left
    """
    found: dict[str, str | None] = {}
    for name in ("account", "host"):
        value = (params[name] or "").strip()
        remedy = "Write only the account." if name == "account" else "Write only the host."
        _address.require_no_user_info(value, name, f"{remedy} User and credentials have their own options.")
        bare = hosts.bare_host(value)
        if value and not bare:
            raise InvalidOption(
                f"The option {name} is {value!r:.200}, which is not a valid"
                f" {'account identifier' if name == 'account' else 'host name'}.",
                hint="Write it like myorg-myaccount."
                if name == "account"
                else "Write it like a.snowflakecomputing.com.",
            )
        found[name] = bare or None
    if (account := found["account"]) and (host := hosts.SNOWFLAKE_HOST.fullmatch(account)):
        found["account"] = host["account"]
        if host["top"].lower() == "cn" and not found["host"]:
            # The client would look for it at .com.
            found["host"] = account
    return found


def _credentials(params: dict[str, t.Any], *, named: bool = False) -> dict[str, t.Any]:
    """Return the arguments of the one way to sign in that the options describe.

    :param named: whether a named connection supplies what the options don't
    """
    authenticator = (params["authenticator"] or "").upper()
    if authenticator in ("EXTERNALBROWSER", "USERNAME_PASSWORD_MFA"):
        raise InvalidOption(
            f"The option authenticator is {authenticator}, which needs a person to sign in.",
            hint="Use a key pair, a programmatic access token, or OAuth.",
        )
    if params["private_key"] and params["private_key_file"]:
        raise InvalidOption("Both private_key and private_key_file are set.", hint="Set one of them.")
    if not params["user"] and authenticator != "OAUTH" and not named:
        raise options.missing("user", VARIABLES)
    user = {"user": params["user"]} if params["user"] else {}
    if authenticator == "SNOWFLAKE_JWT" or (
        not authenticator and (params["private_key"] or params["private_key_file"])
    ):
        return {**user, "authenticator": "SNOWFLAKE_JWT", "private_key": _private_key(params)}
    if authenticator in ("OAUTH", "PROGRAMMATIC_ACCESS_TOKEN") or (
        not authenticator and (params["token"] or params["token_file_path"])
    ):
        return {**user, "authenticator": authenticator or "PROGRAMMATIC_ACCESS_TOKEN", "token": _token(params)}
    if authenticator not in ("", "SNOWFLAKE"):
        return {**user, "authenticator": params["authenticator"]}
    if not params["password"]:
        raise InvalidOption(
            "No credentials for Snowflake: password, private_key, private_key_file, token, and token_file_path are not set.",
            hint="Set one of them in the task, in module_defaults, or in the environment, for example"
            " SNOWFLAKE_PRIVATE_KEY_FILE or SNOWFLAKE_PASSWORD.",
        )
    return {**user, "password": params["password"]}


def _private_key(params: dict[str, t.Any]) -> bytes:
    """Return the private key in DER, which every version of the client accepts."""
    if not params["private_key"] and not params["private_key_file"]:
        raise options.missing("private_key_file", VARIABLES)
    name = "private_key" if params["private_key"] else "private_key_file"
    # A PEM from a one-line field has its line breaks written out.
    pem = params[name].replace("\\n", "\n").encode() if name == "private_key" else _read(name, params[name])
    _redact.add([pem.decode("utf-8", "replace")])
    # The client depends on it, so it is installed with the client.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    passphrase = params["private_key_passphrase"]
    try:
        key = serialization.load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        encrypted = b"ENCRYPTED" in pem
        remedy = "It is encrypted: check private_key_passphrase." if encrypted else "It must be a PEM file (PKCS #8)."
        if isinstance(error, TypeError) and passphrase:
            remedy = "It is not encrypted: leave private_key_passphrase out."
        raise InvalidOption(f"The key of the option {name} can't be read.", hint=remedy) from None
    if not isinstance(key, RSAPrivateKey):
        raise InvalidOption(f"The key of the option {name} is not an RSA key.", hint="Snowflake accepts RSA keys only.")
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _token(params: dict[str, t.Any]) -> str:
    if params["token"]:
        token = str(params["token"]).strip()
    elif params["token_file_path"]:
        token = _read("token_file_path", params["token_file_path"]).decode("utf-8", "replace").strip()
    else:
        raise options.missing("token", VARIABLES)
    _redact.add([token])
    return token


def _read(option: str, path: str) -> bytes:
    try:
        return _files.read_regular(path, limit=None)
    except OSError as error:
        raise InvalidOption(f"The file {path} of the option {option} can't be read: {error.strerror}.") from None


class Snowflake:
    """Snowflake, for the executor.

    :param params: the module's options
    :param run: the name of this run, and its query tag, unless the options set another
    """

    name = "Snowflake"
    dialect = "snowflake"
    obstacle = ""

    def __init__(self, params: dict[str, t.Any], run: str) -> None:
        self.tag = params["query_tag"] or run
        self._expected = params["expected_hosts"]
        self._client = _import_client()
        self._arguments = connect_arguments(params, self.tag)
        self.session: dict[str, t.Any] = {}
        self.present: t.Collection[str] = ()

    def connect(self) -> t.Any:
        """Return a connection with a new session.

        :raises platform.LoginFailed: refused
        :raises platform.Unreachable: there is no answer of Snowflake
        :raises Failure: the session is not where it has to be
        """
        try:
            connection = self._connect()
        except self._client.errors.Error as error:
            # Snowflake's own refusals have numbers of their own; the client's say that it did not come that far.
            reached = error.errno in REFUSALS
            raise platform.sign_in_failed(
                self.name,
                _message(error),
                f"Check {'user and credentials' if reached else 'account and host'}; run it again.",
                reached=reached,
                errno=error.errno,
                sqlstate=error.sqlstate,
            ) from None
        except Exception as error:
            if not platform.is_clients_own(error):
                raise
            raise platform.LoginFailed(
                f"{UNREADABLE} to the sign-in ({type(error).__name__}).",
                hint=f"No statement was sent. {CHECK_BETWEEN}",
                code="unexpected_reply",
            ) from None
        self.session = {name: getattr(connection, name, None) for name in ("account", "user", "role", "warehouse")}
        if self._expected:
            try:
                hosts.require(self._expected, self.place(connection))
            except BaseException:
                connection.close()
                raise
        self.present = [name for name in ("DATABASE", "SCHEMA") if getattr(connection, name.lower(), None)]
        return connection

    def place(self, connection: t.Any) -> hosts.Place:
        """Ask the session where it is; no warehouse is needed."""
        cursor = connection.cursor()
        try:
            cursor.execute(PLACE)
            row = list(cursor.fetchone() or ())
            if len(row) != len(PLACE_FIELDS) or not all(isinstance(one, (str, type(None))) for one in row):
                raise hosts.PlatformUnknown(
                    f"{UNREADABLE} to the question where the session is ({', '.join(PLACE_FIELDS)}).",
                    hint=f"No statement of the script was sent. {CHECK_BETWEEN}",
                )
            account = hosts.SnowflakeAccount(*row)
        except self._client.errors.Error as error:
            raise hosts.PlatformUnknown(
                f"Snowflake does not say which account the session is on: {_message(error)}",
                hint="No statement of the script was sent. Run it again.",
            ) from None
        self.session.update({name: getattr(account, name) for name in ("locator", "organization", "name", "region")})
        return account

    def _connect(self) -> t.Any:
        with warnings.catch_warnings():
            # The two generations of the client warn about each other's argument names.
            warnings.simplefilter("ignore")
            return self._client.connect(**self._arguments)

    def query_id(self, cursor: t.Any) -> str | None:
        """Return the id of the cursor's last query."""
        return t.cast("str | None", cursor.sfqid)

    def reader(self, cursor: t.Any) -> t.Any:
        """Return the cursor, its session tagged as one that reads, for who looks at the history."""
        with contextlib.suppress(self._client.errors.Error):
            cursor.execute(f"ALTER SESSION SET QUERY_TAG = '{platform.LOOKING}'")
        return cursor

    def answer(self, cursor: t.Any) -> str | None:
        """Return the one field of the answer, for example C(X already dropped); the statement has run in any case."""
        row = None
        with contextlib.suppress(self._client.errors.Error):
            row = cursor.fetchone()
        return str(row[0]) if row and len(row) == 1 else None

    def problem(self, error: Exception, cursor: t.Any) -> platform.Problem | None:
        """Explain an error of the client; None for any other exception."""
        if not isinstance(error, self._client.errors.Error):
            if not platform.is_clients_own(error):
                return None
            return platform.Problem(f"{UNREADABLE} ({type(error).__name__}).", lost=True)
        message = _message(error)
        errno = error.errno if isinstance(error.errno, int) and error.errno >= 0 else None
        # A refusal has a query id, or an SQL state that no client makes up. Without both, the client gave up, and the
        # statement may have run. So it may with CANCELLED, which the client reports when its own time is up.
        refused = error.sfqid or (error.sqlstate or "").startswith(REFUSED)
        lost = not refused or errno == CANCELLED
        attached = bool(STILL_ATTACHED.search(message))
        hint = remedies.OF_SNOWFLAKE.get(errno or 0, "")
        if attached:
            hint = "Immuta may still be detaching policies. Run this again later: it continues with this statement."
        return platform.Problem(
            message=message,
            errno=errno,
            sqlstate=error.sqlstate,
            query_id=error.sfqid,
            lost=lost,
            wait=attached,
            hint=hint,
        )

    def awaken(self, cursor: t.Any) -> bool:
        """Return whether statements are taken; Snowflake itself lets them wait for a warehouse."""
        return False

    def find(self, cursor: t.Any, doubt: platform.Doubt) -> platform.Found | None:
        """Look a statement up in the query history."""
        if not OWN_TAG.fullmatch(doubt.tag):
            return None
        errors = (self._client.errors.Error, LookupError, TypeError, AttributeError, ValueError, RecursionError)
        # A history that can't be read, or is not as documented, says nothing.
        with contextlib.suppress(*errors):
            if self.session.get("warehouse"):
                return self._search(cursor, doubt)
            # The history needs a warehouse. Use the one of the script, in another session.
            for way in doubt.ways:
                with contextlib.closing(self._connect()) as connection:
                    cursor = connection.cursor()
                    try:
                        for statement in way:
                            cursor.execute(statement.text)
                    except self._client.errors.ProgrammingError:
                        continue
                    return self._search(cursor, doubt)
            self.obstacle = (
                f"The query history can't be read without a warehouse. {remedies.SET_WAREHOUSE} Then run this again."
            )
        return None

    def _search(self, cursor: t.Any, doubt: platform.Doubt) -> platform.Found | None:
        present = self.tag.replace("\\", "\\\\").replace("'", "''")
        # Twice: the history is up to date when it has the first of the two queries.
        for _time in range(2):
            cursor.execute(HISTORY.format(f"'{doubt.tag}'", f"'{present}'"))
            rows = cursor.fetchall()
        records = [
            platform.Record(
                query_id, sent or "", _state_of(status), tag or "", own=str(sent).startswith((HISTORY_COLUMNS, PLACE))
            )
            for query_id, sent, status, tag in rows
        ]
        return doubt.found(records, self.tag)


def _state_of(status: str) -> platform.QueryState:
    if status == "SUCCESS":
        return "done"
    return "failed" if status.startswith("FAILED") else "running"


def _message(error: t.Any) -> str:
    """Return the client's message without the prefix that repeats errno, sqlstate and query id."""
    return options.one_line(str(getattr(error, "raw_msg", None) or error.msg or type(error).__name__))


@contextlib.contextmanager
def _absent(*names: str) -> t.Iterator[None]:
    """Let imports of these fail: the client works without them, and importing them takes most of the time."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            sys.modules.pop(name, None)


def _import_client() -> t.Any:
    # Otherwise the client looks for the metadata services of three clouds at sign-in, and waits where there are none.
    os.environ.setdefault("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    with (
        needing("snowflake-connector-python", "for running scripts on Snowflake"),
        _absent("pandas", "pyarrow", "numpy"),
    ):
        import snowflake.connector
        import snowflake.connector.errors
    return snowflake.connector
