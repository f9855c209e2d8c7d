# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials in scripts are found and masked, whatever surrounds them."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._redact import MASK, Redactor
from ansible_collections.community.immuta.plugins.module_utils._sql import credentials, literals
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.tests.leak.canaries import SCRIPT, SHORT, leaks, literal, pieces

# Reading this again from each of its characters would outlive any test.
LONG = 128 * 1024


def redacting(*secrets: str) -> Redactor:
    redactor = Redactor()
    redactor.add(secrets)
    return redactor


@pytest.mark.parametrize("letter", ["a", "password", "PASSWORD="])
@pytest.mark.parametrize("dialect", ["snowflake", "databricks"])
def test_masking_a_very_long_word_ends(letter: str, dialect: str) -> None:
    word = letter * (LONG // len(letter))
    for text in (word, f"'{word}'", f"-- {word}", f"it's {word}", f"PASSWORD = '{word}'"):
        masked = credentials.mask(text, dialect)
        assert len(masked) <= len(text) + len(MASK) + 2
        redactor = redacting(*credentials.secrets(text, dialect))
        redactor.redact_message(text)
        redactor.redact_result(text)


@pytest.mark.parametrize("secret", [SCRIPT, SHORT])
@pytest.mark.parametrize("style", ["doubled", "escaped", "dollars"])
@pytest.mark.parametrize(
    "around",
    [
        "ALTER USER u SET PASSWORD = {};",
        "ALTER USER u SET PASSWORD\n=\n{} DISABLED = TRUE;",
        "BEGIN ALTER USER u SET password={}; END;",
        "-- ALTER USER u SET PASSWORD = {}\nSELECT 1;",
        "CREATE SECRET s TYPE = PASSWORD USERNAME = 'u' PASSWORD = {};",
        "it's cut off: ALTER USER u SET PASSWORD = {}",
    ],
)
def test_a_password_in_a_script_is_found_and_masked(around: str, style: str, secret: str) -> None:
    text = around.format(literal(secret, style))
    masked = credentials.mask(text, "snowflake")
    inner = literal(secret, style).strip("'$")
    assert inner not in masked
    assert secret not in masked
    redactor = redacting(*credentials.secrets(text, "snowflake"))
    assert leaks(redactor.redact_message(f"refused: {inner}; {secret}"), [secret]) == []


def test_a_password_within_a_string_of_code_is_masked() -> None:
    inner = f"ALTER USER u SET PASSWORD = {literal(SCRIPT)}"
    for text in (f"EXECUTE IMMEDIATE {literal(inner)};", f"EXECUTE IMMEDIATE $${inner}$$;"):
        masked = credentials.mask(text, "snowflake")
        assert not [piece for piece in pieces(SCRIPT) if piece in masked]
        assert SCRIPT in credentials.secrets(text, "snowflake")


X = "S3cr3t-5tr1ng"
PEM = f"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n{X}{X}\n-----END PRIVATE KEY-----"
QUOTE, QUOTES = "'", "''"
IN_ARGUMENTS = {
    "JDBC": f"jdbc:postgresql://h.example/db?user=u&password={X}&ssl=true",
    "JDBC with semicolons": f"jdbc:sqlserver://h.example;user=u;password={X};encrypt=true",
    "JSON": f'{{"user": "u", "password": "{X}", "port": 1}}',
    "JSON in JSON": f'{{"body": "{{\\"password\\": \\"{X}\\"}}"}}',
    "user info": f"https://u:{X}@h.example/x",
    "user info with @": f"https://u:a@{X}@h.example/x",
    "user info, a token only": f"https://{X}@h.example/x",
    "user info of another scheme": f"postgres://u:{X}@h.example/db",
    "signature": f"https://h.example/x?sv=2024&sig={X}&se=2027",
    "Bearer": f"Bearer {X}",
    "Basic": f"Authorization: Basic {X}",
    "PEM": PEM,
    "statement": f"ALTER USER u SET PASSWORD = ''{X}''",
    "JWT": f"eyJhbGciOiJI.eyJzdWIiOiIx.{X}",
}
FORMS: dict[str, tuple[str, str]] = {
    **{f"{name} as an argument": ("snowflake", f"CALL p('{text}');") for name, text in IN_ARGUMENTS.items()},
    **{
        f"{name} in dollars": ("snowflake", f"CALL p($${text.replace(QUOTES, QUOTE)}$$);")
        for name, text in IN_ARGUMENTS.items()
    },
    **{
        f"{name} in OPTIONS": ("databricks", f"CREATE TABLE t OPTIONS (url '{text}', dbtable 'd');")
        for name, text in IN_ARGUMENTS.items()
        if QUOTES not in text
    },
    "URL in double quotes": (
        "databricks",
        f'CREATE TABLE t USING jdbc OPTIONS (url "jdbc:postgresql://h.example/db?user=u&password={X}", dbtable "d");',
    ),
    "double quotes": ("snowflake", f'SET password="{X}";'),
    "double quotes of a user": ("snowflake", f'ALTER USER u SET PASSWORD = "{X}" DISABLED = TRUE;'),
    "double quotes on Databricks": ("databricks", f'CREATE CONNECTION c OPTIONS (host "h", password "{X}");'),
    "double quotes in a block": ("snowflake", f'EXECUTE IMMEDIATE $$BEGIN ALTER USER u SET PASSWORD = "{X}"; END$$;'),
    "IDENTIFIED BY": ("snowflake", f"CREATE USER u IDENTIFIED BY '{X}';"),
    "IDENTIFIED BY, double quotes": ("snowflake", f'CREATE USER u IDENTIFIED BY "{X}";'),
    "IDENTIFIED BY, no quotes": ("snowflake", f"CREATE USER u IDENTIFIED BY {X.replace('-', '_')};"),
    "CONCAT": ("snowflake", f"SET password = CONCAT('{X}', 'a1b2');"),
    "joined": ("snowflake", f"SET password = '{X}' || 'a1b2';"),
    "a key in quotes": ("snowflake", f"CREATE FUNCTION f() HEADERS = ('x-api-key'='{X}');"),
    "a key in a map": ("databricks", f"SELECT map('x-api-key', '{X}', 'accept', 'json');"),
    "a header": ("databricks", f"CREATE CONNECTION c OPTIONS ('Authorization' = '{X}');"),
    "a setting": ("databricks", f"SET fs.azure.account.key.a.dfs.core.windows.net={X};"),
    "a setting with dots": ("databricks", f"SET spark.hadoop.fs.s3a.secret.key = {X};"),
    "a comment": ("snowflake", f"-- password: {X}\nDROP ROLE r;"),
    "a comment in words": ("snowflake", f"/* The password is {X} */ DROP ROLE r;"),
    "a comment with a URL": ("snowflake", f"// see https://u:{X}@h.example\nDROP ROLE r;"),
}


@pytest.mark.parametrize(("dialect", "text"), FORMS.values(), ids=FORMS)
def test_every_form_of_a_credential_is_masked(dialect: str, text: str) -> None:
    core = X if X in text else X.replace("-", "_")
    assert core in text
    assert core not in credentials.mask(text, dialect)
    assert core not in " ".join(str(one.describe()) + one.label for one in split(text, dialect))
    assert core in "".join(credentials.secrets(text, dialect))
    # In what the platform says it is not shown either, whatever it quotes, where it stops, and how it writes quotes.
    for said in (text, f"near '{text}'", text.replace("'", "''"), text[: text.index(core) + len(core)], f"at {core}"):
        redactor = redacting(*credentials.secrets(text, dialect))
        assert core not in literals.withhold(redactor.redact_message(said), text, dialect)


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("databricks", "CREATE CONNECTION c OPTIONS (password secret('scope-name', 'password'), user 'first-user');"),
        (
            "databricks",
            'CREATE CONNECTION c OPTIONS (user \'first-user\', password = secret("scope-name", "key-name"));',
        ),
        ("databricks", "SELECT try_secret('scope-name', 'token'); -- password secret('scope-name', 'key-name')"),
        (
            "snowflake",
            'DROP SECRET "my secret"; GRANT READ ON SECRET "a"."b c" TO ROLE r; ALTER USER u UNSET PASSWORD;',
        ),
        (
            "snowflake",
            "ALTER USER u SET MUST_CHANGE_PASSWORD = TRUE DISPLAY_NAME = 'given name' COMMENT = 'a comment';",
        ),
        ("snowflake", "SELECT 'password', 'first' WHERE a IN ('x', 'y');"),
        ("snowflake", "-- token: IMMUTA_SYSTEM\nDROP ROLE IMMUTA_SYSTEM;"),
        ("databricks", "DROP EXTERNAL LOCATION l; -- abfss://container@account.dfs.core.windows.net/path"),
    ],
)
def test_names_are_no_secrets(dialect: str, text: str) -> None:
    assert (credentials.secrets(text, dialect), credentials.mask(text, dialect)) == ([], text)


SAID = "ALTER USER IMMUTA_SYSTEM SET COMMENT = 'for;user=IMMUTA_SYSTEM;in-0815'; CALL p('correcthorse', 'a b c');"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Object 'D.\"my schema\".T' does not exist or not authorized.", None),
        ("User 'IMMUTA_SYSTEM' does not exist.", None),
        ("Roles 'A', 'B' can't be dropped because they aren't owned", None),
        ("syntax error line 1 at position 3 unexpected '<EOF>'.", None),
        ("Policy 'MASK' used by schema 'X' in another database", None),
        ("The table `a`.`b c` cannot be found. SQLSTATE: 42501", None),
        ("HTTPSConnectionPool(host='h.example', port=443): Max retries exceeded", None),
        ("Invalid token: expired. The password is wrong.", None),
        ("unexpected ''for;user=IMMUTA_SYSTEM;in-0815''.", "unexpected ''********''."),
        ("near for;user=IMMUTA_SYSTEM;in-0815 at 3", "near ******** at 3"),
        ("near 'for;user=IMMUTA_SY", "near '********"),
        ("correcthorse is no number", "******** is no number"),
        ("in CALL q('Xy12', 'b'), x='Y1'", "in CALL q('********', '********'), x='********'"),
        ('{"password": "X1y2"}', '{"password": "********"}'),
        ("got 'one of a procedure''s'", "got '********'"),
    ],
)
def test_a_platform_may_name_names_and_no_literals(said: str, shown: str | None) -> None:
    assert literals.withhold(said, SAID, "snowflake") == (shown or said)
