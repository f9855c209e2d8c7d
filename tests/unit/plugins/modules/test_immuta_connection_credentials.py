# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_connection_credentials: sent whole and once, proved, and never claimed to be what it is not."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.module_utils._immuta import validation
from ansible_collections.community.immuta.tests.doubles import immuta_tenant
from ansible_collections.community.immuta.tests.doubles.immuta_editing import EDITED_AT
from ansible_collections.community.immuta.tests.harness.servers import KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Result, Tenant

DATABRICKS = "prod databricks"
GLUE = "prod lake formation"
USER = "IMMUTA_SYSTEM_ACCOUNT"
PEM = "-----BEGIN PRIVATE KEY-----\nTHISISNOKEYBUTLOOKSLIKEONE0123\nCANARYCANARYCANARYCANARY567890\n-----END PRIVATE KEY-----\n"
ENCRYPTED = PEM.replace("PRIVATE", "ENCRYPTED PRIVATE")
PASSPHRASE = "canary-passphrase-11d2"
PASSWORD = "canary-password-83fe"
SECRET = "canary-client-secret-0c2d"
TOKEN = "canary-token-55aa01"
CLIENT = "5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77"
AUTHORITY = "https://login.example/oidc/v1/token"
OAUTH = {"client_id": CLIENT, "client_secret": SECRET, "authority_url": AUTHORITY}
KEY_PAIR: dict[str, t.Any] = {"key_pair": {"username": USER, "private_key": PEM}}
BASE = {
    "technology": "Snowflake",
    "hostname": "example.snowflakecomputing.com",
    "port": 443,
    "warehouse": "COMPUTE_WH",
    "role": "IMMUTA_SYSTEM",
}
WORKSPACE = {
    "technology": "Databricks",
    "hostname": "adb-1234567890123456.7.azuredatabricks.net",
    "port": 443,
    "httpPath": "/sql/1.0/warehouses/0123456789abcdef",
}
BY_KEY = {
    **BASE,
    "authenticationType": "keyPair",
    "username": USER,
    "privateKey": {"keyName": "PRIV_KEY_FILE", "userFilename": "private_key.p8", "content": PEM},
}
CONFIG = {"useCertificate": False, "clientId": CLIENT, "clientSecret": SECRET, "authorityUrl": AUTHORITY}


class Rotate:
    """Calls the module on the Snowflake connection, with a key pair, and confirmed, unless told otherwise."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def __call__(self, connection_key: str = KEY, **options: t.Any) -> Result:
        given = {"snowflake": KEY_PAIR} if not {"snowflake", "databricks", "connection"} & set(options) else {}
        usual = {"connection_key": connection_key, "confirm": connection_key, "wait_timeout": 60}
        result = self.tenant("connection_credentials", **{**usual, **given, **options})
        for secret in (PEM.splitlines()[1], PASSPHRASE, PASSWORD, SECRET, TOKEN):
            assert secret not in self.tenant.modules.output
        assert [one for one in self.tenant.double.violations if one.side == "reply"] == []
        return result

    @property
    def puts(self) -> list[t.Any]:
        """The bodies that were sent, in order."""
        return [one.body for one in self.tenant.double.requests if one.operation_id == "updateConnection"]

    @property
    def credential(self) -> t.Any:
        """What the connection signs in with since it was edited; None before."""
        return self.tenant.double.state.credentials.get(KEY)


@pytest.fixture
def rotate(tenant: Tenant) -> Rotate:
    return Rotate(tenant)


# What is sent


@pytest.mark.parametrize(
    ("key", "options", "sent"),
    [
        (KEY, {"snowflake": KEY_PAIR}, BY_KEY),
        (
            KEY,
            {"snowflake": {"key_pair": {**KEY_PAIR["key_pair"], "private_key": PEM.replace("\n", "\\n")}}},
            BY_KEY,
        ),
        (
            KEY,
            {
                "snowflake": {
                    "key_pair": {"username": USER, "private_key": ENCRYPTED, "private_key_passphrase": PASSPHRASE}
                }
            },
            {
                **BY_KEY,
                "privateKey": {**t.cast("dict[str, str]", BY_KEY["privateKey"]), "content": ENCRYPTED},
                "privateKeyPassword": PASSPHRASE,
            },
        ),
        (
            KEY,
            {"snowflake": {"oauth_client_credentials": {**OAUTH, "scope": "session:role:IMMUTA"}}},
            {
                **BASE,
                "authenticationType": "oAuthClientCredentials",
                "oAuthClientConfig": {**CONFIG, "scope": "session:role:IMMUTA"},
            },
        ),
        (
            KEY,
            {"snowflake": {"password": {"username": USER, "password": PASSWORD}}},
            {**BASE, "authenticationType": "userPassword", "username": USER, "password": PASSWORD},
        ),
        (
            DATABRICKS,
            {"databricks": {"oauth_m2m": OAUTH}},
            {**WORKSPACE, "authenticationType": "oAuthM2M", "oAuthClientConfig": {**CONFIG, "scope": "all-apis"}},
        ),
        (
            DATABRICKS,
            {"databricks": {"token": TOKEN}},
            {**WORKSPACE, "authenticationType": "token", "token": TOKEN},
        ),
        (
            KEY,
            {"connection": {"authenticationType": "userPassword", "username": USER, "password": PASSWORD}},
            {**BASE, "authenticationType": "userPassword", "username": USER, "password": PASSWORD},
        ),
        (
            GLUE,
            {"connection": {"authenticationType": "accessKey", "secretAccessKey": SECRET}},
            {"technology": "Glue", "authenticationType": "accessKey", "secretAccessKey": SECRET},
        ),
    ],
    ids=["key", "escaped key", "encrypted key", "oauth", "password", "m2m", "token", "raw", "raw glue"],
)
def test_sends_the_whole_connection(
    rotate: Rotate, key: str, options: dict[str, t.Any], sent: dict[str, t.Any]
) -> None:
    result = rotate(key, **options).good
    assert rotate.puts == [{"connection": sent}]
    assert (result["changed"], result["rotated"], result["verified"]) == (True, True, True)
    assert (result["rolled_back"], result["reason"]) == (False, "always")
    assert ("password alone" in result.warned) is (sent["authenticationType"] == "userPassword")
    assert result["connection"]["key"] == key


def test_a_key_from_a_file(rotate: Rotate, tmp_path: Path) -> None:
    file = tmp_path / "immuta.p8"
    file.write_text(PEM)
    given = {"username": USER, "private_key_file": str(file)}
    assert rotate(snowflake={"key_pair": given})["verified"] is True
    assert rotate.credential["privateKey"] == {"keyName": "PRIV_KEY_FILE", "userFilename": "immuta.p8", "content": PEM}


@pytest.mark.parametrize("effect", ["replaced", "merged"])
def test_nothing_of_the_connection_is_lost(rotate: Rotate, effect: str) -> None:
    rotate.tenant.vary(update_effect=effect)
    one = rotate.tenant.double.state.connections[KEY]
    # Blanked secrets are not sent back, and what is not documented is.
    one.extra |= {"username": USER, "later": {"deep": [1]}, "password": "********", "privateKey": {"content": None}}
    before = {**one.extra, "port": one.port}
    assert rotate(snowflake={"key_pair": {"private_key": PEM}})["verified"] is True
    kept = {name: value for name, value in before.items() if name not in ("password", "privateKey")}
    assert rotate.puts == [{"connection": {**BY_KEY, "later": {"deep": [1]}}}]
    assert {**one.extra, "port": one.port}.items() >= kept.items()


# What is refused before anything is sent


@pytest.mark.parametrize(
    ("key", "options", "told"),
    [
        ("", {}, "The option connection_key is empty."),
        (KEY, {"snowflake": {}}, "No credential is given."),
        (KEY, {"connection": {"warehouse": "OTHER_WH"}}, "No credential is given."),
        (
            KEY,
            {"snowflake": KEY_PAIR, "databricks": {"token": TOKEN}},
            "More than one credential is given: snowflake.key",
        ),
        (KEY, {"snowflake": {"key_pair": {"username": USER}}}, "Set either private_key or private_key_file in"),
        (
            KEY,
            {"snowflake": {"key_pair": {"private_key": PEM.replace("PRIVATE", "PUBLIC")}}},
            "The option snowflake.key_pair.private_key holds no private key in PEM format.",
        ),
        (
            KEY,
            {"snowflake": {"key_pair": {"private_key": PEM[:-30]}}},
            "The option snowflake.key_pair.private_key holds no",
        ),
        (
            KEY,
            {"snowflake": {"key_pair": {"private_key": ENCRYPTED}}},
            "The key in snowflake.key_pair.private_key is enc",
        ),
        (
            KEY,
            {"snowflake": {"key_pair": {"private_key": PEM, "private_key_passphrase": PASSPHRASE}}},
            "The key in snowflake.key_pair.private_key is not encrypted, but",
        ),
        (
            KEY,
            {"snowflake": {"key_pair": {"private_key_file": "/nowhere/x.p8"}}},
            "The file /nowhere/x.p8 of snowflake.key",
        ),
        (
            KEY,
            {"snowflake": {"key_pair": {"private_key": PEM}}},
            "Immuta does not tell the username of the connection, and",
        ),
        (
            DATABRICKS,
            {},
            "The credential snowflake.key_pair is for Snowflake, but the connection is of the technology 'Data",
        ),
        (KEY, {"databricks": {"token": TOKEN}}, "The credential databricks.token is for Databricks, but"),
        (
            DATABRICKS,
            {"databricks": {"oauth_m2m": {"client_id": CLIENT, "client_secret": SECRET}}},
            "Immuta does not tell the oAuthClientConfig.authorityUrl of the connection, and databricks.oauth_m2m.authority_url",
        ),
        (
            KEY,
            {"snowflake": KEY_PAIR, "connection": {"hostname": "other.example"}},
            "The field hostname of the connection is",
        ),
        (
            KEY,
            {"snowflake": KEY_PAIR, "connection": {"username": "X"}},
            "The field username is given in connection, and",
        ),
        (
            KEY,
            {"connection": {"password": 12345678}},
            "The field password in connection is not text. Put it in quotes.",
        ),
        (KEY, {"connection": {"password": "short"}}, "The field password in connection has fewer than 8 characters or"),
        (
            KEY,
            {"snowflake": {"password": {"username": USER, "password": "snowflake"}}},
            "The option snowflake.password.password is a word that occurs in results",
        ),
        (
            KEY,
            {"snowflake": {"password": {"username": 5, "password": PASSWORD}}},
            "The option username in password in snowflake is a number (5), not text.",
        ),
        (
            "prod snowflak",
            {},
            "There is no connection 'prod snowflak' in Immuta. Nothing was sent. Is it 'prod snowflake'?",
        ),
        (KEY, {"object_sync": True, "verify": False}, "The option object_sync needs verify"),
        (KEY, {"wait_timeout": 0}, "The option wait_timeout must be more than 0"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_refuses_what_could_do_harm(
    rotate: Rotate, key: str, options: dict[str, t.Any], told: str, check: bool
) -> None:
    result = rotate(key, **options, check=check)
    assert result["msg"].startswith(told), result["msg"]
    assert result.failed
    assert rotate.puts == []
    for secret in ("short", "12345678"):
        assert secret not in json.dumps(result)


def test_what_immuta_does_not_tell_can_be_given(rotate: Rotate) -> None:
    del rotate.tenant.double.state.connections[KEY].extra["warehouse"]
    result = rotate()
    assert "tell the warehouse of the connection, and connection.warehouse is not given" in result["msg"]
    assert rotate(connection={"warehouse": "OTHER_WH"}, snowflake=KEY_PAIR)["verified"] is True
    assert rotate.puts == [{"connection": {**BY_KEY, "warehouse": "OTHER_WH"}}]


def test_a_technology_that_immuta_does_not_describe(rotate: Rotate) -> None:
    one = rotate.tenant.double.state.connections[KEY]
    one.technology = "Trino"
    for status in (400, 404):
        rotate.tenant.vary(described_status=status)
        assert "Immuta does not describe the connection 'prod snowflake' (Trino)" in rotate()["msg"]
    assert rotate.puts == []


@pytest.mark.parametrize(
    ("slash", "code"), [("kept", None), ("decoded", "ambiguous_key"), ("refused", "ambiguous_key")]
)
def test_a_key_with_a_slash_has_to_be_the_whole_connection(rotate: Rotate, slash: str, code: str | None) -> None:
    state = rotate.tenant.double.state
    state.connections["team/prod"] = _renamed(state.connections.pop(KEY), "team/prod")
    rotate.tenant.vary(slash=slash)
    result = rotate("team/prod")
    assert result.code == code
    assert len(rotate.puts) == (code is None)
    if code:
        assert "Edit this connection in the Immuta UI" in result["msg"]


def _renamed(one: t.Any, key: str) -> t.Any:
    one.key = key
    return one


def test_raw_fields_hide_what_is_secret_and_nothing_else(rotate: Rotate) -> None:
    raw = {
        "authenticationType": "userPassword",
        "username": USER,
        "password": PASSWORD,
        "odd": "canary-odd-77",
        "port": 443,
    }
    result = rotate(connection=raw)
    if "invocation" in result:
        # Newer versions of ansible-core tell the options only when asked for more words.
        told = {"password": _redact.MASK, "odd": _redact.MASK}
        assert result["invocation"]["module_args"]["connection"] == {**raw, **told}
    assert "canary-odd-77" not in rotate.tenant.modules.output
    assert result["connection"]["technology"] == "Snowflake"
    assert result["connection"]["port"] == 443


# What else it overwrites

OTHER_CLIENT = {**CONFIG, "clientId": "another-client", "scope": "all-apis"}
UNTOLD = "which Immuta does not tell"


@pytest.mark.parametrize(
    ("key", "told", "config", "options", "changes"),
    [
        (KEY, {"username": USER}, {}, {}, []),
        (KEY, {"username": USER}, {"username": USER, "port": "443"}, {}, []),
        (KEY, {"username": USER}, {}, {"snowflake": {"key_pair": {"private_key": PEM}}}, []),
        (DATABRICKS, {"authenticationType": "token"}, {}, {"databricks": {"token": TOKEN}}, []),
        (DATABRICKS, {"authenticationType": "token"}, {"port": 443}, {"databricks": {"token": TOKEN}}, []),
        (GLUE, {"authenticationType": "accessKey"}, {}, {"connection": {"secretAccessKey": SECRET}}, []),
        (KEY, {}, {}, {}, [f"username, {UNTOLD}, to '{USER}'"]),
        (KEY, {"username": "X"}, {}, {}, [f"username from 'X' to '{USER}'"]),
        (
            KEY,
            {"username": USER},
            {"role": "HARDENED", "username": "X"},
            {},
            [
                "nativeIntegration.config.role from 'HARDENED' to 'IMMUTA_SYSTEM'",
                f"nativeIntegration.config.username from 'X' to '{USER}'",
            ],
        ),
        (
            DATABRICKS,
            {"authenticationType": "token"},
            {"port": 8443, "authenticationType": "token"},
            {"databricks": {"token": TOKEN}},
            ["nativeIntegration.config.port from 8443 to 443"],
        ),
        (
            DATABRICKS,
            {"oAuthClientConfig": OTHER_CLIENT},
            {},
            {"databricks": {"oauth_m2m": OAUTH}},
            [f"oAuthClientConfig.clientId from 'another-client' to '{CLIENT}'"],
        ),
        (
            KEY,
            {"username": USER},
            {},
            {"snowflake": KEY_PAIR, "connection": {"warehouse": "B"}},
            ["warehouse from 'COMPUTE_WH' to 'B'", "nativeIntegration.config.warehouse from 'COMPUTE_WH' to 'B'"],
        ),
    ],
)
def test_more_than_secrets_is_overwritten_only_if_confirmed(
    rotate: Rotate,
    key: str,
    told: dict[str, t.Any],
    config: dict[str, t.Any],
    options: dict[str, t.Any],
    changes: list[str],
) -> None:
    state = rotate.tenant.double.state
    state.connections[key].extra |= told
    state.integrations[state.connections[key].native_integration_id or 0].config |= config
    planned = rotate(key, **options, confirm=None, check=True).good
    assert [one["field"] for one in planned["differences"]] == [one.replace(",", "").split()[0] for one in changes]
    # A user that Immuta does not tell is a part of the credential.
    changes = [one for one in changes if UNTOLD not in one]
    if changes:
        result = rotate(key, **options, confirm=None)
        assert result.code == "confirmation_required"
        assert (
            f"the connection {key!r} exists, and the edit changes {', '.join(changes)}. Nothing was s" in result["msg"]
        )
        assert f"If that is meant, set confirm to {key!r}." in result["msg"]
        assert rotate.puts == []
    result = rotate(key, **options, **({} if changes else {"confirm": None})).good
    assert (result["verified"], result["differences"], len(rotate.puts)) == (True, planned["differences"], 1)


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("confirm", ["prod snowflak", "Prod snowflake", "true"])
def test_another_confirmation_sends_nothing(rotate: Rotate, confirm: str, check: bool) -> None:
    result = rotate(confirm=confirm, check=check)
    assert result.code == "confirmation_mismatch"
    assert (
        f"The option confirm is {confirm!r}, but the connection is 'prod snowflake'. Nothing was sent." in result["msg"]
    )
    assert rotate.tenant.asked == []


# When it is sent


@pytest.mark.parametrize(
    ("status", "passing", "reason"),
    [
        ("enabled", True, None),
        ("enabled", False, "failing"),
        ("recurringValidationError", True, "failing"),
        ("editError", True, "failing"),
    ],
)
def test_if_failing(rotate: Rotate, status: str, passing: bool, reason: str | None) -> None:
    behind = rotate.tenant.double.state.integrations[5]
    behind.status, behind.tests["Connection"] = status, passing
    planned = rotate(update_secrets="if_failing", check=True).good
    done = rotate(update_secrets="if_failing").good
    assert planned["reason"] == done["reason"] == reason
    assert planned["changed"] is done["changed"] is (reason is not None)
    assert len(rotate.puts) == (reason is not None)
    assert rotate(update_secrets="if_failing").good["changed"] is False


def test_if_failing_sends_another_user(rotate: Rotate) -> None:
    extra = rotate.tenant.double.state.connections[KEY].extra
    extra["username"] = "SOMEBODY"
    result = rotate(update_secrets="if_failing")
    assert (result["reason"], result["differing"]) == ("differing", ["username"])
    assert rotate(update_secrets="if_failing")["changed"] is False
    assert rotate(connection={"role": "OTHER"}, snowflake=KEY_PAIR, update_secrets="if_failing")["differing"] == [
        "role"
    ]


@pytest.mark.parametrize(
    ("arrange", "told"),
    [
        (lambda tenant: tenant.vary(native_integration_id="absent"), "Immuta names no integration of the connection"),
        (lambda tenant: tenant.permit("INFRASTRUCTURE_ADMIN"), "Immuta refuses GET /integrations/5 (403)"),
        (lambda tenant: tenant.double.state.integrations.pop(5), "the integration 5 is not there"),
        (
            lambda tenant: setattr(tenant.double.state.integrations[5], "status", "editing"),
            "its integration is 'editing'",
        ),
    ],
)
def test_if_failing_does_not_guess(rotate: Rotate, arrange: t.Callable[[Tenant], t.Any], told: str) -> None:
    arrange(rotate.tenant)
    assert told in rotate(update_secrets="if_failing")["msg"]
    assert rotate.puts == []


def test_check_mode_says_what_would_be_sent(rotate: Rotate) -> None:
    planned = rotate(check=True)
    assert rotate.tenant.writes == []
    assert (planned["changed"], planned["rotated"], planned["verified"]) == (True, False, False)
    real = rotate()
    assert (planned["changed"], planned["diff"], planned["reason"]) == (real["changed"], real["diff"], real["reason"])
    assert planned["diff"]["after"]["credential"] == "(the one in the options)"
    assert rotate()["changed"] is True


# What comes of it


@pytest.mark.parametrize("reply", ["object", "job", "empty_200", "empty_202", "empty_204"])
@pytest.mark.parametrize(("delay", "reads"), [(0, 0), (0, 4), (2, 2)])
def test_whatever_the_answer_looks_like(rotate: Rotate, reply: str, delay: int, reads: int) -> None:
    rotate.tenant.vary(update_reply=reply, update_delay=delay, update_reads=reads)
    result = rotate().good
    assert (result["rotated"], result["verified"]) == (True, True)
    assert result["validation"]["integration_status"] == "enabled"
    assert rotate.credential["privateKey"]["content"] == PEM
    assert len(rotate.puts) == 1


@pytest.mark.parametrize(("delay", "reads"), [(0, 0), (2, 0), (0, 4), (2, 2)])
def test_what_immuta_puts_back_is_not_changed(rotate: Rotate, delay: int, reads: int) -> None:
    rotate.tenant.vary(update_outcome="rolled_back", update_delay=delay, update_reads=reads)
    result = rotate()
    assert result.code == "rolled_back"
    assert result["msg"].count("Nothing was changed") == 1
    assert (result["changed"], result["rotated"], result["rolled_back"], result["verified"]) == (
        False,
        False,
        True,
        False,
    )
    assert rotate.credential is None
    rotate.tenant.vary(update_outcome="works")
    assert rotate(update_secrets="if_failing")["verified"] is True


def test_what_immuta_does_not_take(rotate: Rotate) -> None:
    rotate.tenant.vary(update_outcome="refused")
    result = rotate()
    assert result.code == "credential_refused"
    assert "IMMUTA_SYSTEM_ACCOUNT can't sign in. Nothing was changed." in result["msg"]
    assert (result["changed"], result["rotated"], len(rotate.puts)) == (False, False, 1)


def test_a_connection_that_goes_on_failing_is_no_success(rotate: Rotate) -> None:
    rotate.tenant.vary(update_outcome="recurring")
    result = rotate()
    assert result.code == "validation_failed"
    assert "5 is 'recurringValidationError' (Connection: It can't sign in.)" in result["msg"]
    assert "Keep the former credential" in result["msg"]
    assert (result["changed"], result["rotated"], result["verified"]) == (True, True, False)
    assert result["validation"]["tests"][0]["status"] == "failed"


def test_nothing_that_shows_it_is_no_success(rotate: Rotate, monkeypatch: pytest.MonkeyPatch) -> None:
    rotate.tenant.vary(validation="absent")
    result = rotate()
    assert result.code == "not_verified"
    assert "the tests of its integration 5 are not shown. Keep the former" in result["msg"]
    assert (result["changed"], result["rotated"], result["verified"]) == (True, True, False)
    assert rotate(object_sync=True).good["verified"] is True
    with monkeypatch.context() as patched:
        patched.setattr(immuta_tenant.Tenant, "_validation", lambda _self, _one: {"status": "timeout"})
        late = rotate(object_sync=True)
    assert (late.code, late["verified"]) == ("not_verified", False)
    assert "the tests of its integration 5 have not passed (timeout)" in late["msg"]
    unseen = rotate(verify=False).good
    assert (unseen["rotated"], unseen["verified"], unseen["changed"]) == (None, False, True)
    rotate.tenant.vary(validation="status")
    assert rotate()["verified"] is True


def test_an_integration_that_is_not_shown_after_the_edit(rotate: Rotate, monkeypatch: pytest.MonkeyPatch) -> None:
    look, seen = validation.look, []

    def once(client: t.Any, number: int) -> t.Any:
        seen.append(number)
        return look(client, number) if len(seen) == 1 else None

    monkeypatch.setattr(validation, "look", once)
    result = rotate()
    assert result.code == "not_verified"
    assert (
        "nothing shows that it works: Immuta does not show its integration 5 any more. Keep the former" in result["msg"]
    )


@pytest.mark.parametrize(
    ("arrange", "rotated"),
    [
        (lambda tenant: tenant.vary(native_integration_id="null"), True),
        (lambda tenant: tenant.permit("INFRASTRUCTURE_ADMIN"), None),
    ],
)
def test_an_integration_that_is_not_seen(
    rotate: Rotate, arrange: t.Callable[[Tenant], t.Any], rotated: bool | None
) -> None:
    arrange(rotate.tenant)
    result = rotate()
    assert (result.code, result["rotated"], result["changed"]) == ("not_verified", rotated, True)
    synced = rotate(object_sync=True).good
    assert (synced["rotated"], synced["verified"], synced["validation"]) == (True, True, None)


def test_an_edit_that_does_not_end(rotate: Rotate) -> None:
    rotate.tenant.vary(update_reads=10**6)
    result = rotate()
    assert result.code == "wait_timeout"
    assert "after 60 s the integration 5 is still 'editing'" in result["msg"]
    assert (result["rotated"], result["changed"], len(rotate.puts)) == (None, True, 1)
    # And another one has to wait.
    result = rotate(snowflake=KEY_PAIR, wait_timeout=5)
    assert result.code == "busy"
    assert "Nothing was changed: Immuta still has the former credential. It stayed busy for 5 s" in result["msg"]
    assert (result["rotated"], result["changed"]) == (False, False)


def test_waits_while_the_connection_is_busy(rotate: Rotate) -> None:
    rotate.tenant.fault("status", status=409, operation_id="updateConnection", times=3)
    assert rotate()["verified"] is True
    assert len(rotate.puts) == 4


# In which form Immuta wants it


def test_the_integration_goes_along_where_immuta_wants_it(rotate: Rotate) -> None:
    rotate.tenant.vary(update_request="with_integration")
    assert rotate()["verified"] is True
    config = {"host": BASE["hostname"], "port": 443, "warehouse": "COMPUTE_WH", "database": "IMMUTA"}
    signing = {name: BY_KEY[name] for name in ("authenticationType", "username", "privateKey")}
    assert rotate.puts[1:] == [
        {
            "connection": BY_KEY,
            "nativeIntegration": {"type": "Snowflake", "autoBootstrap": False, "config": {**config, **signing}},
        }
    ]


def test_the_integration_of_databricks(rotate: Rotate) -> None:
    rotate.tenant.vary(update_request="with_integration")
    assert rotate(DATABRICKS, databricks={"token": TOKEN})["verified"] is True
    assert rotate.puts[-1]["nativeIntegration"] == {
        "type": "Databricks",
        "autoBootstrap": False,
        "unityCatalog": True,
        "config": {
            "host": WORKSPACE["hostname"],
            "port": 443,
            "httpPath": WORKSPACE["httpPath"],
            "catalog": "immuta",
            "authenticationType": "token",
            "token": TOKEN,
        },
    }


@pytest.mark.parametrize("linked", ["present", "absent"])
def test_the_bare_object_where_immuta_wants_it(rotate: Rotate, linked: str) -> None:
    rotate.tenant.vary(update_request="bare", native_integration_id=linked)
    result = rotate(verify=False).good
    assert result["changed"] is True
    assert rotate.puts[-1] == BY_KEY
    assert len(rotate.puts) == (3 if linked == "present" else 2)


@pytest.mark.parametrize(
    "message",
    ["A planned fault", "Invalid request payload input: the private key is not valid", "The password is required"],
)
def test_another_form_is_not_tried_after_another_refusal(
    rotate: Rotate, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    double = rotate.tenant.double
    planned = double._planned
    monkeypatch.setattr(
        double,
        "_planned",
        lambda tenant, fault: tenant.error(400, message) if fault.status == 400 else planned(tenant, fault),
    )
    rotate.tenant.fault("status", status=400, operation_id="updateConnection")
    result = rotate()
    assert result.code in ("invalid_request", "credential_refused")
    assert (result["rotated"], result["changed"], len(rotate.puts)) == (False, False, 1)


# Answers that are lost

LOST: dict[str, dict[str, t.Any]] = {
    "lost": {"kind": "lost_answer"},
    "truncated": {"kind": "truncated"},
    "504": {"kind": "status", "status": 504, "done": True},
    "500": {"kind": "status", "status": 500, "done": True},
    "404": {"kind": "status", "status": 404, "done": True},
    "page": {"kind": "html", "done": True},
    # A 4xx that a gateway may send when it has passed the request on.
    **{f"{status}": {"kind": "status", "status": status, "done": True} for status in (408, 425, 460)},
}


@pytest.mark.parametrize("lost", LOST)
def test_a_lost_answer_is_no_success_until_the_credential_was_accepted(rotate: Rotate, lost: str) -> None:
    rotate.tenant.double.state.connections[KEY].extra["username"] = USER
    rotate.tenant.fault(operation_id="updateConnection", **LOST[lost])
    result = rotate().good
    # No read shows a secret, and the same one does no harm.
    assert len(rotate.puts) == 2
    assert rotate.puts[0] == rotate.puts[1]
    assert (result["rotated"], result["verified"]) == (True, True)
    assert "was lost (" in result.warned
    assert "but it has accepted the same credential again" in result.warned


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 504}, {"kind": "status", "status": 408}, {"kind": "html"}]
)
@pytest.mark.parametrize("meanwhile", ["nothing", "edited by others", "validated again"])
def test_what_has_not_arrived_is_not_claimed(rotate: Rotate, fault: dict[str, t.Any], meanwhile: str) -> None:
    state = rotate.tenant.double.state
    state.connections[KEY].extra["username"] = USER
    rotate.tenant.fault(operation_id="updateConnection", times=2, **fault)

    def other(_label: str, _when: str) -> bool:
        # What anybody else may do at any time proves nothing.
        if meanwhile == "edited by others" and rotate.puts:
            state.connections[KEY].extra["updatedAt"] = EDITED_AT
        if meanwhile == "validated again" and rotate.puts:
            state.integrations[5].status = "editing" if state.integrations[5].status == "enabled" else "enabled"
        return True

    rotate.tenant.double.gate = other
    result = rotate()
    rotate.tenant.double.gate = None
    state.integrations[5].status = "enabled"
    assert result.code == "rotation_unknown"
    assert "it was not accepted when it was sent again" in result["msg"]
    assert "Keep both credentials, and rerun." in result["msg"]
    assert (result["rotated"], result["changed"], len(rotate.puts)) == (None, True, 2)
    assert rotate.credential is None
    assert rotate()["verified"] is True


def test_what_shows_that_it_has_arrived(rotate: Rotate) -> None:
    rotate.tenant.vary(updated_at="absent")
    rotate.tenant.double.state.connections[KEY].extra.update(username="SOMEBODY")
    rotate.tenant.fault("lost_answer", operation_id="updateConnection")
    result = rotate().good
    assert "Immuta shows the new fields of the connection" in result.warned
    assert (result["verified"], len(rotate.puts)) == (True, 1)


def test_a_rollback_after_a_lost_answer(rotate: Rotate) -> None:
    rotate.tenant.vary(update_outcome="rolled_back")
    rotate.tenant.fault("lost_answer", operation_id="updateConnection")
    result = rotate()
    assert (result.code, result["rotated"]) == ("rolled_back", False)


def test_a_request_that_did_not_leave_is_sent_again(rotate: Rotate) -> None:
    rotate.tenant.fault("status", status=429, operation_id="updateConnection")
    assert rotate()["verified"] is True
    rotate.tenant.fault("status", status=429, operation_id="updateConnection", times=9)
    result = rotate()
    # What is asked to wait may have been passed on, by a gateway.
    assert (result.code, result["rotated"], result["changed"]) == ("rotation_unknown", None, True)
    assert "Nothing was changed" not in result["msg"]


@pytest.mark.parametrize("status", [302, 401, 403, 429])
@pytest.mark.parametrize("done", [True, False])
def test_an_answer_that_a_gateway_may_give(rotate: Rotate, status: int, done: bool) -> None:
    fault = {"kind": "redirect", "location": "https://proxy.example/"} if status == 302 else {"status": status}
    fault = {"kind": "status", **fault, "operation_id": "updateConnection", "done": done}
    rotate.tenant.fault(**fault, times=99)
    result = rotate()
    assert (rotate.credential is not None) is done
    # A secret shows nowhere, so nobody can tell.
    assert (result.code, result["rotated"], result["changed"]) == ("rotation_unknown", None, True)
    needs = "lacks a permission. The key's owner needs APPLICATION_ADMIN or INFRASTRUCTURE_ADMIN. Grant it. Keep both"
    assert (needs in result["msg"]) is (status == 403)
    assert ("Immuta, or a gateway before it, " in result["msg"]) is (status in (401, 403))
    rotate.tenant.double.faults.clear()
    rotate.tenant.fault(**fault)
    assert rotate()["verified"] is True


def test_a_lost_answer_and_then_nothing(rotate: Rotate) -> None:
    rotate.tenant.fault("lost_answer", operation_id="updateConnection")
    rotate.tenant.fault("status", status=500, operation_id="getConnection", nth=2, times=10**6)
    result = rotate()
    assert result.code == "rotation_unknown"
    assert "what Immuta has now could not be read: Immuta failed on GET" in result["msg"]


OPERATIONS = ["getConnection", "getIntegration", "updateConnection", "syncObjects", "listJobs"]
FAULTS: dict[str, dict[str, t.Any]] = {
    **{kind: {"kind": kind} for kind in ("lost_answer", "reset_before", "html", "truncated")},
    **{f"{status}": {"kind": "status", "status": status} for status in (403, 404, 409, 429, 500, 503)},
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_each_request(rotate: Rotate, operation: str, fault: str) -> None:
    for nth, times in [(1, 1), (1, 10**6), (2, 10**6)] if operation == "getIntegration" else [(1, 1), (1, 10**6)]:
        rotate.tenant.double.state.credentials.clear()
        rotate.tenant.double.faults.clear()
        rotate.tenant.double.requests.clear()
        rotate.tenant.fault(operation_id=operation, nth=nth, times=times, **FAULTS[fault])
        result = rotate(object_sync=True)
        case = (operation, fault, nth, times, result)
        if result.failed:
            assert result["failure"]["hint"] or result["failure"]["status"] or result.code == "transport", case
            assert result.get("verified", False) is False, case
            if result.get("rotated") is False:
                assert rotate.credential is None, case
            if "Nothing was" in result["msg"]:
                assert rotate.credential is None, case
            if rotate.puts and not result["changed"]:
                assert rotate.credential is None, case
        else:
            assert result["verified"] is True, case
            assert rotate.credential is not None, case
        if fault != "409":
            assert len(rotate.puts) <= {"429": 6, "reset_before": 3}.get(fault, 2), case


# The object sync


@pytest.mark.parametrize(
    ("request_body", "reply", "container"),
    [
        ("none", "bulk", "list"),
        ("empty", "bulk", "jobs"),
        ("none", "bulk", "keyed"),
        ("empty", "jobs", "absent"),
        ("none", "list", "absent"),
        ("none", "ids", "absent"),
    ],
)
def test_an_object_sync_in_every_form(rotate: Rotate, request_body: str, reply: str, container: str) -> None:
    rotate.tenant.vary(sync_request=request_body, sync_reply=reply, jobs_container=container, sync_reads=2)
    result = rotate(object_sync=True).good
    assert result["object_sync"] == {"state": "completed", "jobs": 2}
    assert rotate.tenant.double.violations == []


@pytest.mark.parametrize("variant", [{"sync_reply": "empty"}, {"jobs_container": "absent"}])
def test_an_object_sync_that_nobody_can_follow(rotate: Rotate, variant: dict[str, t.Any]) -> None:
    rotate.tenant.vary(**variant)
    result = rotate(object_sync=True).good
    assert result["object_sync"] == {"state": "started", "jobs": None}
    assert "has started, but Immuta does not tell what becomes of it" in result.warned
    rotate.tenant.vary(validation="absent")
    assert rotate(object_sync=True).code == "not_verified"


@pytest.mark.parametrize("outcome", ["failed", "expired", "cancelled"])
def test_an_object_sync_that_fails(rotate: Rotate, outcome: str) -> None:
    rotate.tenant.vary(sync_outcome=outcome)
    result = rotate(object_sync=True)
    assert result.code == "sync_failed"
    assert f"has ended as '{outcome}'" in result["msg"]
    assert (result["rotated"], result["verified"], result["changed"]) == (True, False, True)


def test_an_object_sync_waits_for_another_one_and_not_for_ever(rotate: Rotate) -> None:
    rotate.tenant.double.state.jobs["other-1"] = 2
    assert rotate(object_sync=True).good["verified"] is True
    rotate.tenant.vary(sync_reads=10**6)
    result = rotate(object_sync=True)
    assert (result.code, result["rotated"]) == ("wait_timeout", True)
    assert "The object sync of 'prod snowflake' has not ended after 60 s" in result["msg"]


def test_an_unchanged_connection_is_not_synced(rotate: Rotate) -> None:
    assert rotate(update_secrets="if_failing", object_sync=True)["changed"] is False
    assert rotate.tenant.double.state.jobs == {}
