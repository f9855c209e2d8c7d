# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every form and every long part of a secret is cut out of what others say; results keep what only looks alike."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._hidden import MASK, Hidden
from ansible_collections.community.immuta.plugins.module_utils._sql import statement
from ansible_collections.community.immuta.plugins.module_utils._sql.dialect import dialect_named
from ansible_collections.community.immuta.tests.leak.canaries import (
    API_KEY,
    EXCHANGED,
    PASSWORD,
    SCRIPT,
    SHORT,
    forms,
    leaks,
    literal,
    pieces,
)

# Reading this again from each of its characters would outlive any test.
LONG = 128 * 1024
SECRETS = [API_KEY, EXCHANGED, PASSWORD, SCRIPT]


def hiding(*secrets: str) -> Hidden:
    hidden = Hidden()
    hidden.add(secrets)
    return hidden


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", forms(API_KEY))
def test_a_form_is_hidden_wherever_it_is_cut(secret: str, form: str) -> None:
    hidden = hiding(*SECRETS)
    written = forms(secret)[form]
    assert hidden.said(f"Refused: {written}.") == f"Refused: {MASK}."
    for length in range(1, len(written), 3):
        for text in (f"Refused: {written[:length]}", f"{written[-length:]} was refused"):
            assert leaks(hidden.said(text), SECRETS) == []


@pytest.mark.parametrize("longest", [200, 300, 1000])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_text_is_searched_before_it_is_shortened(secret: str, longest: int) -> None:
    hidden = hiding(*SECRETS)
    for form in forms(secret).values():
        for before in range(longest - len(form) - 1, longest, 11):
            said = hidden.shorten("." * before + form + "." * 99, longest)
            assert len(said) <= longest
            assert set(said) <= {".", "*"}


@pytest.mark.parametrize("secret", SECRETS)
def test_whole_secrets_are_hidden_in_results_too(secret: str) -> None:
    hidden = hiding(*SECRETS)
    for form in forms(secret).values():
        shown = hidden.shown({"a": [f"<{form}>", 1, None, True], "b": {"c": (form,)}})
        assert shown == {"a": [f"<{MASK}>", 1, None, True], "b": {"c": [MASK]}}


def test_results_keep_what_only_looks_like_a_secret() -> None:
    hidden = hiding("admin", "IMMUTA_SYSTEM-2024", "abc", "beef", "deployer-password")
    kept = {
        "sha256": "0beef" * 12 + "0abc",
        "name": "IMMUTA_SYSTEM",
        "user": "admin",
        "session": ["deployer", "DEPLOYER"],
        "path": "/srv/administration/x.sql",
    }
    assert hidden.shown(kept) == kept
    assert hidden.said("The abc of DEPLOYER.") == "The abc of DEPLOYER."


def test_lines_of_a_key_are_hidden_one_by_one_and_its_frame_is_not() -> None:
    lines = [EXCHANGED[:32].replace(".", "A"), API_KEY[:7] + PASSWORD[:1] * 25]
    hidden = hiding("\\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""]))
    for line in lines:
        assert line not in hidden.said(f"bad line {line}")
    assert hidden.said("-----BEGIN PRIVATE KEY----- is missing") == "-----BEGIN PRIVATE KEY----- is missing"


def test_white_space_around_a_secret_is_no_part_of_it() -> None:
    hidden = hiding(f" {EXCHANGED}\n")
    assert hidden.shown(f"Bearer {EXCHANGED}") == f"Bearer {MASK}"


def test_neighbours_are_hidden_together() -> None:
    assert hiding("abcdefghijXY", "XYklmnopqrst").shown("-abcdefghijXYklmnopqrst-") == f"-{MASK}-"


@pytest.mark.parametrize("letter", ["a", "password", "PASSWORD="])
@pytest.mark.parametrize("dialect", ["snowflake", "databricks"])
def test_masking_a_very_long_word_ends(letter: str, dialect: str) -> None:
    word = letter * (LONG // len(letter))
    for text in (word, f"'{word}'", f"-- {word}", f"it's {word}", f"PASSWORD = '{word}'"):
        masked = statement.mask(text, dialect)
        assert len(masked) <= len(text) + len(MASK) + 2
        hidden = hiding(*statement.secrets(text, dialect))
        hidden.said(text)
        hidden.shown(text)


def test_a_line_with_many_exclamation_marks_is_read_once() -> None:
    text = "SELECT a" + "!b" * (LONG // 8)
    assert sum(1 for token in dialect_named("snowflake").read(text)) > LONG // 8


def test_hiding_takes_time_in_proportion_to_secrets_and_texts() -> None:
    # One by one, each of these secrets in each of these texts, would outlive any test.
    secrets = [f"{number:06d}/{EXCHANGED}" for number in range(1000)]
    hidden = hiding(*secrets)
    assert hidden.shown([f"{number}: nothing here" for number in range(50_000)])[-1] == "49999: nothing here"
    assert EXCHANGED not in hidden.said(" ".join(secrets))


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
    masked = statement.mask(text, "snowflake")
    inner = literal(secret, style).strip("'$")
    assert inner not in masked
    assert secret not in masked
    hidden = hiding(*statement.secrets(text, "snowflake"))
    assert leaks(hidden.said(f"refused: {inner}; {secret}"), [secret]) == []


def test_a_password_within_a_string_of_code_is_masked() -> None:
    inner = f"ALTER USER u SET PASSWORD = {literal(SCRIPT)}"
    for text in (f"EXECUTE IMMEDIATE {literal(inner)};", f"EXECUTE IMMEDIATE $${inner}$$;"):
        masked = statement.mask(text, "snowflake")
        assert not [piece for piece in pieces(SCRIPT) if piece in masked]
        assert SCRIPT in statement.secrets(text, "snowflake")
