# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures say what went wrong and what to do, in one form."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _failure
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption, MissingLibrary


@pytest.mark.parametrize(
    ("message", "hint", "text"),
    [
        ("It broke", "", "It broke."),
        ("It broke.", "Mend it.", "It broke. Mend it."),
        ("Did it break?", "See.", "Did it break? See."),
        ("Stop!", "", "Stop!"),
    ],
)
def test_a_failure_is_whole_sentences(message: str, hint: str, text: str) -> None:
    assert str(Failure(message, hint=hint)) == text


def test_the_fields_of_a_failure() -> None:
    failure = InvalidOption("It broke.", hint="Mend it.", option="url", code="own")
    assert failure.as_dict() == {"code": "own", "message": "It broke.", "hint": "Mend it.", "option": "url"}
    assert InvalidOption("It broke.").as_dict()["code"] == "invalid_option"


def test_explains_first() -> None:
    failure = Failure("It broke.")
    failure.explain_first("Nothing is lost.")
    assert failure.hint == "Nothing is lost."
    failure.explain_first("Again.")
    assert failure.hint == "Again. Nothing is lost."


def test_a_library_that_is_needed() -> None:
    with _failure.needing("none-such", "for this test"):
        pass
    with pytest.raises(MissingLibrary) as caught, _failure.needing("none-such", "for this test"):
        import no_such_module  # type: ignore[import-not-found]  # noqa: F401
    error = caught.value
    assert (error.library, error.reason, error.url) == (
        *("none-such", "for this test"),
        "https://pypi.org/project/none-such/",
    )
    assert "no_such_module" in (error.trace or "")
    assert error.as_dict()["code"] == "missing_library"
    with pytest.raises(ValueError, match="other"), _failure.needing("none-such", "for this test"):
        raise ValueError("other")


@pytest.mark.parametrize("expected", [None, "", "ab12", "AB12"])
def test_a_digest_that_was_approved_or_not_pinned(expected: str | None) -> None:
    _failure.require_digest("It has", "ab12", expected, error=InvalidOption)


def test_a_digest_that_was_not_approved() -> None:
    with pytest.raises(InvalidOption) as caught:
        _failure.require_digest("The script has the sha256", "ab12", "CD", error=InvalidOption)
    assert caught.value.as_dict() == {
        "code": "script_changed",
        "message": "The script has the sha256 ab12, but expected_sha256 is CD.",
        "hint": "It is not the one that was approved. Review it, and approve it again if it is right.",
    }
    with pytest.raises(Failure, match=r"but pin is x\. Stopped\.") as other:
        _failure.require_digest("It is", "y", "x", error=Failure, option="pin", code="own", consequence=" Stopped.")
    assert other.value.code == "own"


def test_a_bug_names_its_place_and_not_its_text() -> None:
    with pytest.raises(KeyError) as caught:
        raise KeyError("private words")
    failure = _failure.bug(caught.value)
    assert failure.code == "bug"
    assert failure.message.startswith("Unexpected KeyError (test_failure.py, line ")
    assert "private" not in str(failure)
