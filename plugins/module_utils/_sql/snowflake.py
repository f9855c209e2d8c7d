# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snowflake: the only file that imports its client. Options in, a PEP 249 connection out, errors explained.

Works with snowflake-connector-python 4.5 and newer, 5 included. The two differ inside, so only connect(), cursor(),
execute(), fetchall(), sfqid, rowcount, errno and sqlstate are used.

What 4.8 and 5.2 do when a statement's answer is missing, found out by trying:

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
import traceback
import typing as t
import warnings

from ansible_collections.community.immuta.plugins.module_utils import _hidden
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption, MissingLibrary
from ansible_collections.community.immuta.plugins.module_utils._sql import execute, options

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
# Not a fallback of the option: it says what to do when nothing else does.
DEFAULT_CONNECTION = "SNOWFLAKE_DEFAULT_CONNECTION_NAME"
CREDENTIALS = ("password", "private_key", "private_key_file", "token", "token_file_path")
SECRETS = frozenset({"password", "private_key", "private_key_passphrase", "token"})
# Options that go to connect() under the same name.
PASSED_ON = (
    "account",
    "user",
    "host",
    "port",
    "protocol",
    "role",
    "warehouse",
    "database",
    "schema",
)
CANCELLED = 604
# Class of the SQL states "syntax error or access rule violation": only a server that has read a statement gives them.
REFUSED = "42"
# Tags that no two runs share; the query history can be searched for them.
OWN_TAG = re.compile(r"community\.immuta/[0-9a-f]{12}/[0-9a-f]{8}")
ASKING = "SELECT query_id, query_text, execution_status, query_tag"
HISTORY = (
    f"{ASKING}"
    " FROM TABLE(SNOWFLAKE.INFORMATION_SCHEMA.QUERY_HISTORY_BY_USER(RESULT_LIMIT => 10000))"
    " WHERE query_tag = {} OR query_tag = {}"
)
STILL_ATTACHED = re.compile(r"Policy\s+'.*'\s+used by\s+schema\s+.*\s+in another database", re.IGNORECASE | re.DOTALL)


def argument_spec() -> dict[str, t.Any]:
    """The options that say how to sign in, documented in the fragment C(snowflake)."""
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
    """What goes to C(snowflake.connector.connect).

    :raises InvalidOption: something is missing or does not fit together; nothing was sent
    """
    arguments = {name: params[name] for name in PASSED_ON if params[name] is not None}
    if params["connections_file_path"]:
        arguments["connections_file_path"] = pathlib.Path(params["connections_file_path"])
    name = params["connection_name"] or (None if params["account"] else os.environ.get(DEFAULT_CONNECTION))
    if name:
        arguments["connection_name"] = name
        # The rest stands in the named connection; a secret is often kept out of it.
        if any(params[option] for option in CREDENTIALS):
            arguments.update(_credentials(params, named=True))
    else:
        if not params["account"]:
            raise options.missing("account", VARIABLES)
        arguments.update(_credentials(params))
    options.require_seconds(params, "login_timeout", "network_timeout", "statement_timeout")
    return {
        **arguments,
        "login_timeout": params["login_timeout"],
        # Snowflake is the first to end a statement, since only its answer tells what became of it.
        "network_timeout": params["statement_timeout"] + params["network_timeout"],
        "application": "community_immuta",
        "autocommit": True,
        "session_parameters": {
            "QUERY_TAG": tag,
            "STATEMENT_TIMEOUT_IN_SECONDS": params["statement_timeout"],
            # Scripts of Immuta write some names in quotes and upper case, and others without.
            "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
            "CLIENT_TELEMETRY_ENABLED": False,
        },
    }


def _credentials(params: dict[str, t.Any], *, named: bool = False) -> dict[str, t.Any]:
    """Those of the one way to sign in that the options describe.

    :param named: a named connection says what the options do not
    """
    authenticator = (params["authenticator"] or "").upper()
    if authenticator in ("EXTERNALBROWSER", "USERNAME_PASSWORD_MFA"):
        raise InvalidOption(
            f"The option authenticator is {authenticator}, which asks a person.",
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
    """The private key in DER, which every version of the client takes."""
    if not params["private_key"] and not params["private_key_file"]:
        raise options.missing("private_key_file", VARIABLES)
    name = "private_key" if params["private_key"] else "private_key_file"
    # A PEM that went through a one-line field has its line breaks written out.
    pem = params[name].replace("\\n", "\n").encode() if name == "private_key" else _read(name, params[name])
    _hidden.add([pem.decode("utf-8", "replace")])
    # The client depends on it, so it is there whenever the client is.
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
        raise InvalidOption(f"The key of the option {name} is not an RSA key.", hint="Snowflake takes RSA keys only.")
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _token(params: dict[str, t.Any]) -> str:
    if params["token"]:
        return str(params["token"]).strip()
    if params["token_file_path"]:
        return _read("token_file_path", params["token_file_path"]).decode("utf-8", "replace").strip()
    raise options.missing("token", VARIABLES)


def _read(option: str, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InvalidOption(f"The file {path} of the option {option} can't be read: {error.strerror}.") from None


class Snowflake:
    """Snowflake, as the executor sees it.

    :param params: the module's options
    :param run: names this run; it is the query tag, unless the options set another
    """

    name = "Snowflake"
    dialect = "snowflake"

    def __init__(self, params: dict[str, t.Any], run: str) -> None:
        self.tag = params["query_tag"] or run
        self._client = _import_client()
        self._arguments = connect_arguments(params, self.tag)
        self.session: dict[str, t.Any] = {}

    @property
    def hidden(self) -> list[str]:
        """Secrets that were read from files, to be kept out of every output."""
        return [str(self._arguments["token"])] if "token" in self._arguments else []

    def connect(self) -> t.Any:
        """A new session.

        :raises execute.LoginFailed: refused, or nobody there
        """
        try:
            connection = self._connect()
        except self._client.errors.Error as error:
            raise execute.LoginFailed(
                f"Snowflake refuses the sign-in, or can't be reached: {_message(error)}",
                hint="No statement was sent. Check account, host, user, and credentials; run it again.",
                errno=error.errno,
                sqlstate=error.sqlstate,
            ) from None
        self.session = {name: getattr(connection, name, None) for name in ("account", "user", "role", "warehouse")}
        return connection

    def _connect(self) -> t.Any:
        with warnings.catch_warnings():
            # The two supported generations of the client warn of each other's argument names.
            warnings.simplefilter("ignore")
            return self._client.connect(**self._arguments)

    def query_id(self, cursor: t.Any) -> str | None:
        """The id of the cursor's last query."""
        return t.cast("str | None", cursor.sfqid)

    def problem(self, error: Exception, cursor: t.Any) -> execute.Problem | None:
        """What an error of the client means."""
        if not isinstance(error, self._client.errors.Error):
            return None
        message = _message(error)
        errno = error.errno if isinstance(error.errno, int) and error.errno >= 0 else None
        # A refusal has a query id, or an SQL state that no client makes up. Without both the client gave up, and the
        # statement may have run; with CANCELLED too, which it reports when its own time is up.
        refused = error.sfqid or (error.sqlstate or "").startswith(REFUSED)
        lost = not refused or errno == CANCELLED
        attached = bool(STILL_ATTACHED.search(message))
        hint = ""
        if attached:
            hint = "Immuta may still be detaching its policies: run this again later, it goes on with this statement."
        elif errno == 3001:
            hint = "The role that the script switches to lacks a privilege: grant it, or sign in as ACCOUNTADMIN."
        return execute.Problem(
            message=message,
            errno=errno,
            sqlstate=error.sqlstate,
            query_id=error.sfqid,
            lost=lost,
            wait=attached,
            hint=hint,
        )

    def find(self, cursor: t.Any, doubt: execute.Doubt) -> execute.Found | None:
        """Look a statement up in the query history."""
        if not OWN_TAG.fullmatch(doubt.tag):
            return None
        try:
            if self.session.get("warehouse"):
                return self._ask(cursor, doubt)
            # The history takes a warehouse. One that the script takes later on is taken in a session of its own.
            with contextlib.closing(self._connect()) as connection:
                cursor = connection.cursor()
                for statement in doubt.session:
                    cursor.execute(statement.text)
                    if statement.kind == "WAREHOUSE":
                        break
                return self._ask(cursor, doubt)
        except self._client.errors.Error:
            return None

    def _ask(self, cursor: t.Any, doubt: execute.Doubt) -> execute.Found | None:
        present = self.tag.replace("\\", "\\\\").replace("'", "''")
        # Asked twice: that the first question is in the history shows how new the history is.
        for _time in range(2):
            cursor.execute(HISTORY.format(f"'{doubt.tag}'", f"'{present}'"))
            rows = cursor.fetchall()
        records = [
            execute.Record(query_id, sent or "", _outcome(status), tag or "", own=str(sent).startswith(ASKING))
            for query_id, sent, status, tag in rows
        ]
        return doubt.found(records, self.tag)


def _outcome(status: str) -> execute.Outcome:
    if status == "SUCCESS":
        return "done"
    return "failed" if status.startswith("FAILED") else "running"


def _message(error: t.Any) -> str:
    """The client's message without the prefix that repeats errno, sqlstate and query id."""
    return options.one_line(str(getattr(error, "raw_msg", None) or error.msg or type(error).__name__))


@contextlib.contextmanager
def _absent(*names: str) -> t.Iterator[None]:
    """Have imports fail of what the client can do without: where they are installed, they take most of the time."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def _import_client() -> t.Any:
    # At sign-in the client would look for the metadata services of three clouds, and wait where there are none.
    os.environ.setdefault("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
    try:
        with _absent("pandas", "pyarrow", "numpy"):
            import snowflake.connector
            import snowflake.connector.errors
    except ImportError:
        raise MissingLibrary(
            "snowflake-connector-python",
            reason="for running scripts on Snowflake",
            url="https://pypi.org/project/snowflake-connector-python/",
            trace=traceback.format_exc(),
        ) from None
    return snowflake.connector
