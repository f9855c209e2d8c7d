# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials in scripts are found and masked, whatever surrounds them."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._redact import MASK, Redactor
from ansible_collections.community.immuta.plugins.module_utils._sql import credentials
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
