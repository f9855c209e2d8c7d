# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules print, on every path and in whatever form a server repeats a secret. Each is a process of its own."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.databricks_server import Fault as DatabricksFault
from ansible_collections.community.immuta.tests.doubles.immuta_server import Fault as ImmutaFault
from ansible_collections.community.immuta.tests.doubles.immuta_tenant import Reply
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Fault, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.forkserver import Answer
from ansible_collections.community.immuta.tests.harness.points import spread
from ansible_collections.community.immuta.tests.harness.servers import KEY
from ansible_collections.community.immuta.tests.leak.canaries import (
    API_KEY,
    CLIENT_SECRET,
    DATABRICKS,
    EXCHANGED,
    OAUTH,
    PASSPHRASE,
    PASSWORD,
    PAT,
    SCRIPT,
    SHORT,
    forms,
    leaks,
    leaks_in_folder,
    literal,
    open_to_others,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.leak.conftest import EchoingImmuta, Modules

SECRETS = [
    API_KEY,
    EXCHANGED,
    PASSWORD,
    PASSPHRASE,
    PAT,
    OAUTH,
    DATABRICKS,
    CLIENT_SECRET,
    SCRIPT,
]
STATEMENT = f"ALTER USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT SET PASSWORD = {literal(SCRIPT)} DISABLED = TRUE"
FORMS = list(forms(API_KEY))
# The platforms' clients take long to import.
SNOWFLAKE_FORMS = spread(FORMS, 2)
DATABRICKS_FORMS = spread(FORMS, 2)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(modules: Modules, tmp_path: Path) -> t.Iterator[None]:
    """Whatever a test does, no file that a module leaves holds a secret."""
    yield
    given = {path for path in tmp_path.rglob("*") if {".sql", ".p8", ".token"} & set(path.suffixes)}
    for folder in (modules.folder, tmp_path):
        assert leaks_in_folder(folder, SECRETS, given) == []


def clean(answer: Answer, *more: str) -> Answer:
    """The answer, once it is certain that it gives nothing away."""
    assert leaks(answer.printed, [*SECRETS, *more]) == []
    return answer


def failed(answer: Answer, code: str) -> Answer:
    """The answer, once it is certain that it is this failure and gives nothing away."""
    assert answer.result["failure"]["code"] == code, answer.result
    return clean(answer)


def page(text: str) -> bytes:
    return f"<html><body>{text}</body></html>".encode()


# Immuta


@pytest.mark.parametrize("exchange", [False, True], ids=["key", "exchanged"])
@pytest.mark.parametrize("form", FORMS)
def test_immuta_repeats_a_secret(modules: Modules, immuta: EchoingImmuta, form: str, exchange: bool) -> None:
    secret = forms(EXCHANGED if exchange else API_KEY)[form]
    immuta.method = "GET"
    # Of 300 characters that are shown, the secret begins at the first, or is halved by the last.
    for before in (0, 280):
        said = f"{'.' * before}Bearer {secret} is not allowed"
        immuta.echo = Reply(403, json.dumps({"message": said}).encode())
        answer = modules(
            "immuta_connection_info",
            url=immuta.url,
            api_key=API_KEY + "\n",
            exchange_api_key=exchange,
            connection_key=KEY,
        )
        failed(answer, "permission")
        assert ("is not allowed" in answer.result["msg"]) == (before == 0)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (401, "authentication"),
        (404, None),
        (409, "busy"),
        (429, "rate_limited"),
        (500, "server"),
        (503, "server"),
        (200, "unexpected_reply"),
    ],
)
@pytest.mark.parametrize("kind", ["message", "nested", "text", "page"])
def test_immuta_repeats_it_with_any_status(
    modules: Modules, immuta: EchoingImmuta, status: int, code: str | None, kind: str
) -> None:
    said = " ".join([API_KEY, *[forms(API_KEY)[form] for form in ("json", "quote", "base64 +0")]])
    body, content_type = {
        "message": (json.dumps({"message": said}).encode(), "application/json"),
        "nested": (
            json.dumps({"error": {"message": {"headers": {"authorization": said}}}}).encode(),
            "application/json",
        ),
        "text": (said.encode(), "text/plain"),
        "page": (page(said), "text/html"),
    }[kind]
    immuta.echo = Reply(status, body, content_type)
    answer = clean(
        modules(
            "immuta_connection_info", url=immuta.url, connection_key=KEY, retries=0, env={"IMMUTA_API_KEY": API_KEY}
        )
    )
    if code is not None and (status, kind) not in ((200, "message"), (200, "nested")):
        assert answer.result["failure"]["code"] == code


@pytest.mark.parametrize(
    "config",
    [
        {"password": PASSWORD},
        {"oAuthClientConfig": {"clientId": "x", "clientSecret": CLIENT_SECRET}},
        {"privateKey": [{"content": PASSPHRASE}]},
        {"token": 5, "host": f"https://u:{PASSWORD}@example.com"},
        {"user": f"u:{PASSWORD}", "host": "u:" + PAT + "@example.com"},
        {"http_path": f"Bearer {PAT}"},
        {"warehouse": [PAT]},
    ],
    ids=lambda config: next(iter(config)),
)
def test_a_configuration_that_holds_a_secret(
    modules: Modules, immuta: EchoingImmuta, config: dict[str, t.Any], tmp_path: Path
) -> None:
    given = {"type": "Snowflake", "id": 5, "host": "example.com", "database": "IMMUTA", **config}
    options = {"connection_key": KEY, "path": str(tmp_path / "x.sql"), "integration_config": given}
    failed(modules("immuta_cleanup_script", url=immuta.url, api_key=API_KEY, **options), "invalid_option")


@pytest.mark.parametrize("form", ["raw", "quote", "hex", "base64url +0"])
def test_immuta_redirects_to_an_address_with_the_key(modules: Modules, immuta: EchoingImmuta, form: str) -> None:
    secret = forms(EXCHANGED if form == "raw" else API_KEY)[form]
    immuta.method = "GET"
    for location in (
        f"https://{secret}.example/x",
        f"https://example.com/?key={secret}",
        f"https://u:{secret}@h.example",
    ):
        immuta.echo = Reply(302, headers={"Location": location})
        answer = modules(
            "immuta_connection_info", url=immuta.url, api_key=API_KEY, exchange_api_key=True, connection_key=KEY
        )
        failed(answer, "redirect")


@pytest.mark.parametrize("kind", ["reset_before", "lost_answer", "truncated", "html", "slow"])
def test_immuta_breaks_off(modules: Modules, immuta: EchoingImmuta, kind: t.Any) -> None:
    immuta.faults.add(ImmutaFault(kind, times=9, seconds=30))
    clean(
        modules("immuta_connection_info", url=immuta.url, api_key=API_KEY, connection_key=KEY, retries=0, timeout=1.0)
    )


def test_passwords_in_addresses(modules: Modules, immuta: EchoingImmuta) -> None:
    user = PAT.replace(".", "/")
    answer = modules("immuta_connection_info", url=f"http://u:{PAT}@127.0.0.1:1", api_key=API_KEY, connection_key=KEY)
    failed(answer, "configuration")
    answer = modules(
        "databricks_script", host=f"https://u:{PAT}@h.example/x", warehouse_id="1", token=DATABRICKS, script="SELECT 1"
    )
    failed(answer, "invalid_option")
    proxy = {"HTTPS_PROXY": f"http://u:{PAT}@127.0.0.1:1", "NO_PROXY": ""}
    answer = modules(
        "immuta_connection_info", url="https://h.example", api_key=API_KEY, connection_key=KEY, retries=0, env=proxy
    )
    failed(answer, "transport")
    assert leaks(answer.printed, [user]) == []


ADDRESSES = [
    "https://user:pa@{}@h.example",
    "https://user:pa%40{}@h.example",
    "https://user:pa/{}@h.example",
    "https://{}@h.example",
    "user:{}@h.example",
    " https://user:{}@h.example/\n",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    ("module", "option", "more"),
    [
        ("immuta_connection_info", "url", {"api_key": API_KEY}),
        ("immuta_cleanup_script", "url", {"api_key": API_KEY, "connection_key": KEY, "path": "/dev/null/x"}),
        ("immuta_integration_info", "host", {"api_key": API_KEY, "url": "https://h.example"}),
        ("databricks_script", "host", {"token": DATABRICKS, "warehouse_id": "1", "script": "SELECT 1"}),
        ("snowflake_script", "host", {"account": "a", "user": "u", "password": PASSWORD, "script": "SELECT 1"}),
        ("snowflake_script", "account", {"user": "u", "password": PASSWORD, "script": "SELECT 1"}),
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(
    modules: Modules, module: str, option: str, more: dict[str, t.Any], address: str
) -> None:
    for secret in (PAT, SHORT.replace("\\", "-")):
        given = address.format(secret)
        answer = modules(module, **{**more, option: given})
        assert f"The option {option} contains a user name or a password" in answer.result["msg"]
        assert "is not shown" in answer.result["msg"]
        assert given.strip() not in json.dumps(answer.result)
        assert secret not in answer.printed
        clean(answer, PAT)


def test_an_address_from_the_environment_is_not_shown_either(modules: Modules) -> None:
    env = {"IMMUTA_URL": f"https://user:pa@{PAT}@h.example"}
    failed(modules("immuta_connection_info", api_key=API_KEY, connection_key=KEY, env=env), "configuration")


# The script


def saving(modules: Modules, immuta: EchoingImmuta, tmp_path: Path, **options: t.Any) -> Answer:
    return modules(
        "immuta_cleanup_script",
        url=immuta.url,
        api_key=API_KEY,
        connection_key=KEY,
        path=str(tmp_path / "kept" / "here" / "x.sql"),
        **options,
    )


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize("style", ["doubled", "escaped", "dollars"])
@pytest.mark.parametrize("broken", ["", "\nDROP DATABASE 'open;"], ids=["whole", "can't be split"])
@pytest.mark.parametrize("text", [False, True], ids=["heads", "text"])
def test_the_script_is_saved_and_shown_without_its_passwords(
    modules: Modules, immuta: EchoingImmuta, tmp_path: Path, check: bool, style: str, broken: str, text: bool
) -> None:
    script = "".join(
        f"ALTER USER u SET PASSWORD = {literal(secret, style)};\nEXECUTE IMMEDIATE {literal(f'SET PASSWORD = {literal(secret)}')};\n"
        for secret in (SCRIPT, SHORT)
    )
    immuta.state.integrations[5].script = script + broken
    answer = clean(saving(modules, immuta, tmp_path, check=check, diff_text=text))
    assert (answer.result["split_error"] is not None) == bool(broken)
    assert ("ALTER USER u" in answer.result["diff"]["after"]) == text
    assert json.dumps(literal(SHORT, style).strip("'$"))[1:-1] not in json.dumps(answer.result["diff"])
    saved = tmp_path / "kept" / "here" / "x.sql"
    assert saved.exists() != check
    if not check:
        assert script in saved.read_text()
        assert open_to_others([saved, saved.parent, saved.parent.parent]) == []
        immuta.state.integrations[5].script = "SELECT 1;"
        replaced = clean(saving(modules, immuta, tmp_path))
        kept = Path(replaced.result["kept"])
        assert script in kept.read_text()
        assert open_to_others([saved, kept]) == []


def set_up_script(*secrets: str) -> str:
    return "CREATE ROLE r;\n" + "".join(
        f"CREATE USER u PASSWORD = {literal(one)} DISABLED = FALSE;\n" for one in secrets
    )


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (json.dumps(set_up_script(SCRIPT, PASSWORD)), None),
        (json.dumps({"script": set_up_script(SCRIPT) + "DROP DATABASE 'open;"}), None),
        (
            json.dumps({"initialScript": set_up_script(SCRIPT), "message": f"PASSWORD = {literal(SCRIPT)}"}),
            "unexpected_reply",
        ),
        (json.dumps({"error": set_up_script(SCRIPT), "statusCode": 500}), "unexpected_reply"),
        (f"Sorry, no script: {PASSWORD}.", "unexpected_reply"),
    ],
    ids=["whole", "can't be split", "pair", "error", "prose"],
)
def test_a_set_up_script_is_saved_and_never_shown(
    modules: Modules, immuta: EchoingImmuta, tmp_path: Path, answer: str, code: str | None, check: bool
) -> None:
    immuta.echo = Reply(200, answer.encode(), "application/json" if answer[0] in '"{' else "text/plain")
    immuta.method = "POST"
    path = tmp_path / "kept" / "x.sql"
    options: dict[str, t.Any] = {
        "path": str(path),
        "technology": "Snowflake",
        "config": {"host": "example.snowflakecomputing.com", "database": "IMMUTA_NEW", "another": CLIENT_SECRET},
        "snowflake": {"password": {"username": "IMMUTA_SYSTEM_ACCOUNT", "password": PASSWORD}},
    }
    done = clean(modules("immuta_setup_script", url=immuta.url, api_key=API_KEY, check=check, **options))
    assert done.result.get("failure", {}).get("code") == code, done.result
    assert path.exists() == (code is None and not check)
    if path.exists():
        assert leaks(path.read_text("utf-8").partition("\n")[0], SECRETS) == []
        assert open_to_others([path, path.parent]) == []
        for more in ({"force": True}, {}, {"state": "absent"}, {"state": "absent", "force": True}):
            clean(modules("immuta_setup_script", url=immuta.url, api_key=API_KEY, **{**options, **more}))
        assert not path.exists()


@pytest.mark.parametrize(
    ("secret", "given"),
    [
        (PASSWORD, {"config": {"host": "h.example", "database": "D", "password": PASSWORD}}),
        (PAT, {"config": {"host": "h.example", "database": "D", "more": [{"deep": PAT}]}}),
        (PAT, {"config": {"host": f"https://u:{PAT}@h.example", "database": "D"}}),
        (PASSPHRASE, {"config": {"database": "D"}, "snowflake": {"key_pair": {"private_key": PASSPHRASE}}}),
        (DATABRICKS, {"config": {"host": "h.example", "database": "D"}, "databricks": {"token": DATABRICKS}}),
    ],
    ids=["password", "deep", "address", "key", "another platform"],
)
def test_what_a_set_up_script_is_asked_with_is_not_shown(
    modules: Modules, immuta: EchoingImmuta, tmp_path: Path, secret: str, given: dict[str, t.Any]
) -> None:
    immuta.echo = Reply(400, json.dumps({"message": f"not with {secret}"}).encode())
    options = {"path": str(tmp_path / "x.sql"), "technology": "Snowflake", **given}
    done = clean(modules("immuta_setup_script", url=immuta.url, api_key=API_KEY, **options))
    assert done.result["failed"], done.result


# Snowflake


class Snowflake:
    """The account, and what signs in to it."""

    def __init__(self, modules: Modules, double: SnowflakeDouble, folder: Path) -> None:
        self.modules = modules
        self.double = double
        self.folder = folder
        self.address = {
            "account": "example",
            "host": double.host,
            "port": double.port,
            "protocol": "http",
            "login_timeout": 20,
        }

    def __call__(self, text: str = STATEMENT, **options: t.Any) -> Answer:
        path = self.folder / "x.sql"
        path.write_text(text)
        given = {"user": "DEPLOYER", "password": PASSWORD, "role": "ACCOUNTADMIN", **options}
        return self.modules("snowflake_script", path=str(path), **self.address, **given)


@pytest.fixture
def account(modules: Modules, snowflake: SnowflakeDouble, tmp_path: Path) -> Snowflake:
    """A Snowflake account."""
    return Snowflake(modules, snowflake, tmp_path)


def private_key(passphrase: str = PASSPHRASE) -> tuple[rsa.RSAPrivateKey, str]:
    key = rsa.generate_private_key(65537, 2048)
    encryption = serialization.BestAvailableEncryption(passphrase.encode())
    return key, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def body_of(pem: str) -> list[str]:
    return ["".join(pem.split("\n")[1:-2]), *pem.split("\n")[1:-3]]


def test_snowflake_runs_the_script(account: Snowflake) -> None:
    answer = clean(account())
    assert answer.result["executed"] == 1
    assert open_to_others([account.folder / "x.sql.journal"]) == []
    script = f"{STATEMENT};SELECT 1"
    clean(account.modules("snowflake_script", script=script, user="DEPLOYER", password=PASSWORD, **account.address))
    broken = account.modules(
        "snowflake_script", script=f"{STATEMENT};SELECT 'open", user="DEPLOYER", password=PASSWORD, **account.address
    )
    failed(broken, "split_error")


@pytest.mark.parametrize("form", SNOWFLAKE_FORMS)
def test_snowflake_quotes_the_statement(account: Snowflake, form: str) -> None:
    for before in (0, 970):
        said = f"{'.' * before} at {forms(SCRIPT)[form]} by {forms(PASSWORD)[form]}, in {STATEMENT}"
        account.double.faults[:] = [Fault("statement", "error", message=said, code=1003, sqlstate="42000")]
        failed(account(), "statement_failed")


@pytest.mark.parametrize("form", SNOWFLAKE_FORMS)
def test_snowflake_refuses_the_sign_in(account: Snowflake, form: str) -> None:
    said = f"Incorrect username or password: {forms(PASSWORD)[form]}"
    account.double.faults[:] = [Fault("login", "error", code=390100, message=said)]
    failed(account(), "login_failed")


@pytest.mark.parametrize(("authenticator", "secret"), [("PROGRAMMATIC_ACCESS_TOKEN", PAT), ("OAUTH", OAUTH)])
@pytest.mark.parametrize("way", ["option", "environment", "file"])
def test_snowflake_with_a_token(account: Snowflake, authenticator: str, secret: str, way: str) -> None:
    token = account.folder / "x.token"
    token.write_text(secret + "\n")
    token.chmod(0o600)
    given: dict[str, t.Any] = {
        "option": {"token": secret},
        "environment": {"env": {"SNOWFLAKE_TOKEN": secret}},
        "file": {"token_file_path": str(token)},
    }[way]
    account.double.account.add_user("ROBOT", access_token=PAT, oauth_token=OAUTH)
    about = {"user": "ROBOT", "password": None, "role": None, "authenticator": authenticator, **given}
    answer = clean(account("SELECT 1", **about))
    assert answer.result["executed"] == 1
    account.double.faults[:] = [
        Fault("login", "error", code=390303, message=f"Invalid token {secret[3:]} of {forms(secret)['quote']}")
    ]
    failed(account("SELECT 2", journal=str(account.folder / "second"), **about), "login_failed")


@pytest.mark.parametrize("way", ["option", "environment", "file"])
def test_snowflake_with_a_key(account: Snowflake, way: str) -> None:
    key, pem = private_key()
    file = account.folder / "x.p8"
    file.write_text(pem)
    file.chmod(0o600)
    account.double.account.add_user("ROBOT", public_key=key.public_key())
    given: dict[str, t.Any] = {
        "option": {"private_key": pem},
        "environment": {"env": {"SNOWFLAKE_PRIVATE_KEY_RAW": pem.replace("\n", "\\n")}},
        "file": {"private_key_file": str(file)},
    }[way]
    about = {"user": "ROBOT", "password": None, "role": None, **given}
    body = body_of(pem)
    answer = clean(account("SELECT 1", private_key_passphrase=PASSPHRASE, **about), *body)
    assert answer.result["executed"] == 1
    said = f"JWT {body[0]} or {body[1]} is invalid: {forms(PASSPHRASE)['json']}"
    account.double.faults[:] = [Fault("login", "error", code=390144, message=said)]
    about["journal"] = str(account.folder / "second")
    refused = account("SELECT 2", private_key_passphrase=PASSPHRASE, **about)
    clean(failed(refused, "login_failed"), *body)
    clean(failed(account("SELECT 2", private_key_passphrase="x" + PASSPHRASE, **about), "invalid_option"), *body)
    text = f"no {body[2]} {pem!r} {PASSPHRASE!r}"
    clean(
        failed(
            account(
                "SELECT 2",
                private_key_passphrase=PASSPHRASE,
                bug=("_sql.snowflake", "Snowflake.connect", text),
                **about,
            ),
            "bug",
        ),
        *body,
    )


def test_snowflake_with_a_key_that_can_not_be_read(account: Snowflake) -> None:
    about = {"password": None, "private_key_passphrase": PASSPHRASE}
    failed(account(private_key_file=str(account.folder), **about), "invalid_option")
    failed(account(private_key=PAT, **about), "invalid_option")


@pytest.mark.parametrize("option", ["private_key_file", "warehouse", "role", "expected_sha256"])
def test_a_key_in_the_place_of_something_else(account: Snowflake, option: str) -> None:
    _key, pem = private_key()
    clean(account(**{"private_key_passphrase": PASSPHRASE, option: pem}), *body_of(pem), *pem.split("\n")[1:-2])


# Databricks


class Databricks:
    """The workspace, and what signs in to it."""

    def __init__(self, modules: Modules, double: DatabricksDouble, folder: Path) -> None:
        self.modules = modules
        self.double = double
        self.folder = folder

    def __call__(self, text: str = "SELECT 1", **options: t.Any) -> Answer:
        path = self.folder / "x.sql"
        path.write_text(text)
        given = {"token": DATABRICKS, **options}
        return self.modules(
            "databricks_script",
            path=str(path),
            host=self.double.url,
            warehouse_id=self.double.warehouse,
            login_timeout=20,
            **given,
        )


@pytest.fixture
def workspace(modules: Modules, databricks: DatabricksDouble, tmp_path: Path) -> Databricks:
    """A Databricks workspace."""
    return Databricks(modules, databricks, tmp_path)


DEPLOYER = "DEPLOYER"


@pytest.mark.parametrize("form", DATABRICKS_FORMS)
def test_databricks_quotes_the_statement(workspace: Databricks, form: str) -> None:
    text = f"SELECT * FROM t OPTIONS (password {literal(SCRIPT, 'escaped')})"
    for before in (0, 970):
        said = f"{'.' * before} near {forms(SCRIPT)[form]} with {forms(DATABRICKS)[form]} in {text}"
        workspace.double.faults[:] = [DatabricksFault("statement", "error", message=said)]
        failed(workspace(text), "statement_failed")


@pytest.mark.parametrize("way", ["option", "environment"])
def test_databricks_with_a_client_secret(workspace: Databricks, way: str) -> None:
    from ansible_collections.community.immuta.tests.doubles.databricks_metastore import DEPLOYER as principal

    given: dict[str, t.Any] = {"token": None, "client_id": principal, "client_secret": CLIENT_SECRET}
    if way == "environment":
        given = {"token": None, "env": {"DATABRICKS_CLIENT_ID": principal, "DATABRICKS_CLIENT_SECRET": CLIENT_SECRET}}
    answer = clean(workspace(**given))
    assert answer.result["executed"] == 1
    said = f"{forms(CLIENT_SECRET)['quote_plus']} {forms(CLIENT_SECRET)['base64 +2']} is wrong"
    workspace.double.faults[:] = [DatabricksFault("statement", "error", message=said)]
    failed(workspace("SELECT 2", journal=str(workspace.folder / "second"), **given), "statement_failed")
    if way == "option":
        given["client_secret"] = "x" + CLIENT_SECRET
        failed(workspace("SELECT 2", journal=str(workspace.folder / "third"), **given), "login_failed")


# Bugs


@pytest.mark.parametrize("form", FORMS)
def test_a_bug_is_reported_without_secrets(modules: Modules, immuta: EchoingImmuta, form: str) -> None:
    text = (
        f"{'.' * 500} {forms(API_KEY)[form]} {forms(API_KEY)[form][:-7]} {{'Authorization': '{forms(API_KEY)[form]}'}}"
    )
    answer = modules(
        "immuta_connection_info",
        url=immuta.url,
        api_key=API_KEY,
        connection_key=KEY,
        bug=("_immuta.transport", "Transport._read", text),
    )
    failed(answer, "bug")
    assert "RuntimeError" in answer.result["msg"]
    assert "bug in community.immuta" in answer.result["msg"]
    assert "Traceback" in answer.result["exception"]
    assert "Authorization" in answer.result["exception"]


def test_a_bug_while_a_script_runs_is_reported_without_secrets(account: Snowflake) -> None:
    text = f"{PASSWORD} {STATEMENT} {SCRIPT!r}"
    failed(account(bug=("_sql.execute", "Execution._done", text)), "bug")


# The credential of a connection


def rotations() -> dict[str, tuple[dict[str, t.Any], list[str]]]:
    """Every credential that a connection can get: the option, and what of it is secret."""
    _key, encrypted = private_key()
    lines = body_of(encrypted)
    pair = {"username": "IMMUTA_SYSTEM_ACCOUNT", "private_key_passphrase": PASSPHRASE}
    raw = {"authenticationType": "userPassword", "username": "IMMUTA_SYSTEM_ACCOUNT"}
    client = {"client_id": "x", "client_secret": CLIENT_SECRET, "authority_url": "https://h.example", "scope": "y"}
    return {
        "passphrase": ({"snowflake": {"key_pair": {**pair, "private_key": encrypted}}}, [PASSPHRASE, *lines]),
        "key": (
            {"snowflake": {"key_pair": {**pair, "private_key": encrypted.replace("\n", "\\n")}}},
            [*lines, PASSPHRASE],
        ),
        "client": ({"snowflake": {"oauth_client_credentials": client}}, [CLIENT_SECRET]),
        "password": ({"snowflake": {"password": {"username": "u", "password": PASSWORD}}}, [PASSWORD]),
        "m2m": ({"databricks": {"oauth_m2m": client}}, [CLIENT_SECRET]),
        "token": ({"databricks": {"token": PAT}}, [PAT]),
        "raw": ({"connection": {**raw, "password": PASSWORD, "odd": {"deep": [OAUTH]}}}, [PASSWORD, OAUTH]),
    }


ROTATIONS = rotations()


def registered(kind: str) -> tuple[dict[str, t.Any], list[str]]:
    """The options of a new connection with one of these credentials, and what of it is secret."""
    given, secret = ROTATIONS[kind]
    snowflake = {"host": "new.example", "warehouse": "WH1", "role": "R1", "database": "D1"}
    databricks = {"host": "new.example", "http_path": "/sql/1", "catalog": "c1"}
    if "databricks" in given:
        given = {"databricks": {**databricks, **given["databricks"]}}
    else:
        given = {**given, "snowflake": {**snowflake, **given.get("snowflake", {})}}
    # A field that is not known may hold one as well.
    return {**given, "native_integration": {"config": {"odd": EXCHANGED}}}, [*secret, EXCHANGED]


@pytest.mark.parametrize("kind", ROTATIONS)
def test_immuta_repeats_the_credential_of_a_new_connection(modules: Modules, immuta: EchoingImmuta, kind: str) -> None:
    given, secret = registered(kind)
    options = {"url": immuta.url, "api_key": API_KEY, "connection_key": "new", "state": "present", **given}

    def called(code: str | None, **more: t.Any) -> None:
        answer = clean(modules("immuta_connection", **options, **more), *secret)
        assert (answer.result.get("failure") or {}).get("code") == code, answer.result

    for form in spread(FORMS, 1):
        said = f"{forms(secret[0])[form]} of Bearer {forms(API_KEY)[form]} can't sign in"
        immuta.said = Reply(422, json.dumps({"message": said}).encode())
        called("registration_refused", check=True)
        immuta.state.registrations.clear()
        called("registration_refused")
        immuta.state.connections.pop("new", None)
        immuta.state.integrations.pop(immuta.state.last_id, None)
    immuta.said = None
    if kind in ("key", "raw"):
        immuta.variant.register_outcome = "create_error"
        called("registration_failed")
        immuta.state.integrations.pop(immuta.state.last_id)
        immuta.variant.register_outcome = "works"
    called(None, check=True)
    called(None)
    options["native_integration"] = {"config": {"catalog" if "databricks" in given else "database": "other"}}
    called("refused")


@pytest.mark.parametrize("kind", ROTATIONS)
def test_immuta_repeats_the_credential_of_a_connection(modules: Modules, immuta: EchoingImmuta, kind: str) -> None:
    given, secret = ROTATIONS[kind]
    key = "prod databricks" if "databricks" in given else KEY
    options = {"url": immuta.url, "api_key": API_KEY, "connection_key": key, "confirm": key, **given}

    def rotated(code: str | None) -> None:
        answer = clean(modules("immuta_connection_credentials", **options), *secret)
        assert (answer.result.get("failure") or {}).get("code") == code, answer.result

    for form in spread(FORMS, 1):
        said = f"{forms(secret[0])[form]} of Bearer {forms(API_KEY)[form]} can't sign in"
        immuta.method, immuta.echo = "PUT", Reply(422, json.dumps({"message": said}).encode())
        rotated("credential_refused")
    immuta.echo = None
    if kind in ("key", "raw"):
        # The result shows the name of a test. It takes some seconds until an edit has settled.
        immuta.state.integrations[5].tests = {f"Sign in with {secret[0]}": False}
        immuta.variant.update_outcome = "recurring"
        rotated("validation_failed")
    immuta.faults.add(ImmutaFault("status", operation_id="getConnection", nth=1, status=403))
    rotated("permission")
    del options["confirm"]
    immuta.state.connections[key].extra["username"] = "SOMEBODY"
    rotated("confirmation_required")
    clean(modules("immuta_connection_credentials", check=True, **options), *secret)
