# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every form and every long part of a secret is cut out of third parties' texts; results keep what only looks alike."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._redact import MASK, Redactor
from ansible_collections.community.immuta.tests.leak.canaries import (
    API_KEY,
    EXCHANGED,
    PASSWORD,
    SCRIPT,
    forms,
    leaks,
)

SECRETS = [API_KEY, EXCHANGED, PASSWORD, SCRIPT]


def redacting(*secrets: str) -> Redactor:
    redactor = Redactor()
    redactor.add(secrets)
    return redactor


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", forms(API_KEY))
def test_a_form_is_redacted_wherever_it_is_cut(secret: str, form: str) -> None:
    redactor = redacting(*SECRETS)
    written = forms(secret)[form]
    assert redactor.redact_message(f"Refused: {written}.") == f"Refused: {MASK}."
    for length in range(1, len(written), 3):
        for text in (f"Refused: {written[:length]}", f"{written[-length:]} was refused"):
            assert leaks(redactor.redact_message(text), SECRETS) == []


@pytest.mark.parametrize("longest", [200, 300, 1000])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_text_is_searched_before_it_is_shortened(secret: str, longest: int) -> None:
    redactor = redacting(*SECRETS)
    for form in forms(secret).values():
        for before in range(longest - len(form) - 1, longest, 11):
            message = redactor.redact_and_cut("." * before + form + "." * 99, longest)
            assert len(message) <= longest
            assert set(message) <= {".", "*"}


@pytest.mark.parametrize("secret", SECRETS)
def test_whole_secrets_are_redacted_in_results_too(secret: str) -> None:
    redactor = redacting(*SECRETS)
    for form in forms(secret).values():
        result = redactor.redact_result({"a": [f"<{form}>", 1, None, True], "b": {"c": (form,)}})
        assert result == {"a": [f"<{MASK}>", 1, None, True], "b": {"c": [MASK]}}


def test_results_keep_what_only_looks_like_a_secret() -> None:
    redactor = redacting("admin", "IMMUTA_SYSTEM-2024", "abc", "beef", "deployer-password")
    kept = {
        "sha256": "0beef" * 12 + "0abc",
        "name": "IMMUTA_SYSTEM",
        "user": "admin",
        "session": ["deployer", "DEPLOYER"],
        "path": "/srv/administration/x.sql",
    }
    assert redactor.redact_result(kept) == kept
    assert redactor.redact_message("The abc of DEPLOYER.") == "The abc of DEPLOYER."


def test_lines_of_a_key_are_redacted_one_by_one_and_its_frame_is_not() -> None:
    lines = [EXCHANGED[:32].replace(".", "A"), API_KEY[:7] + PASSWORD[:1] * 25]
    redactor = redacting("\\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""]))
    for line in lines:
        assert line not in redactor.redact_message(f"bad line {line}")
    assert redactor.redact_message("-----BEGIN PRIVATE KEY----- is missing") == "-----BEGIN PRIVATE KEY----- is missing"


def test_white_space_around_a_secret_is_no_part_of_it() -> None:
    redactor = redacting(f" {EXCHANGED}\n")
    assert redactor.redact_result(f"Bearer {EXCHANGED}") == f"Bearer {MASK}"


def test_neighbours_are_redacted_together() -> None:
    assert redacting("abcdefghijXY", "XYklmnopqrst").redact_result("-abcdefghijXYklmnopqrst-") == f"-{MASK}-"


def test_the_time_is_in_proportion_to_secrets_and_texts() -> None:
    # One by one, each of these secrets in each of these texts, would outlive any test.
    secrets = [f"{number:06d}/{EXCHANGED}" for number in range(1000)]
    redactor = redacting(*secrets)
    assert redactor.redact_result([f"{number}: nothing here" for number in range(50_000)])[-1] == "49999: nothing here"
    assert EXCHANGED not in redactor.redact_message(" ".join(secrets))


def test_what_is_no_secret_is_shown_where_it_is_a_part_of_one() -> None:
    redactor = Redactor()
    redactor.add(["ACME_DEPLOYER-canary-1"])
    assert redactor.redact_message("ACME_DEPLOYER can't sign in") == "******** can't sign in"
    redactor.keep(["ACME_DEPLOYER"])
    assert redactor.redact_message("ACME_DEPLOYER can't sign in") == "ACME_DEPLOYER can't sign in"
    assert redactor.redact_message("ACME_DEPLOYER-canary-1") == "********"
    assert "canary" not in redactor.redact_message("ACME_DEPLOYER-canary")


def test_a_common_word_is_shown_although_a_secret_has_it() -> None:
    redactor = Redactor()
    redactor.add(["canary-password-77", "my-databases-canary"])
    message = "Incorrect username or password; no privileges on database 'IMMUTA'"
    assert redactor.redact_message(message) == message
    assert redactor.redact_message("canary-password-77") == "********"
    assert redactor.redact_message("not canary-password") == "not ********"
