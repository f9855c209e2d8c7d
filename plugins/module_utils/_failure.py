# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root of every error that this collection reports on purpose.

Code reports what went wrong by raising a C(Failure). Only C(_module) turns one into C(fail_json), and only the
inventory plugin into an error of Ansible's parser. Any other exception is a bug and is reported as one, with a
traceback from which secrets are redacted.
"""

from __future__ import annotations

import contextlib
import os
import traceback
import typing as t


class Failure(Exception):
    """An expected failure, with what the user can do about it.

    :ivar code: a stable word for programs, for example C(not_found)
    :ivar message: one sentence for people; never holds a secret, a header or a whole body
    :ivar hint: what to do next; may be empty
    :ivar details: more fields of the C(failure) result, JSON types only
    :ivar result: return values that belong to a failed task too (what ran, what did not); JSON types only
    """

    code: str = "failure"

    def __init__(self, message: str, *, hint: str = "", code: str | None = None, **details: t.Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code
        self.details = details
        self.result: dict[str, t.Any] = {}

    def explain_first(self, text: str) -> None:
        """Put a sentence in front of the hint."""
        self.hint = f"{text} {self.hint}".rstrip()

    def as_dict(self) -> dict[str, t.Any]:
        """Return the C(failure) field of a module's result."""
        return {"code": self.code, "message": self.message, "hint": self.hint, **self.details}

    def __str__(self) -> str:
        sentence = self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."
        return f"{sentence} {self.hint}".rstrip()


class InvalidOption(Failure):
    """The value of an option can't be used; the message names the option."""

    code = "invalid_option"


class MissingLibrary(Failure):
    """A Python library that the module needs can't be imported.

    :param library: the name to install
    :param trace: the traceback of the failed import
    """

    code = "missing_library"

    def __init__(self, library: str, *, reason: str, url: str | None = None, trace: str | None = None) -> None:
        super().__init__(f"The Python library {library} is missing.", library=library)
        self.library = library
        self.reason = reason
        self.url = url
        self.trace = trace


@contextlib.contextmanager
def needing(library: str, reason: str) -> t.Iterator[None]:
    """Report an import that fails in this context as a missing library.

    :param library: its name on PyPI
    :param reason: what it is needed for, as in "for talking to Immuta"
    :raises MissingLibrary: an import failed
    """
    try:
        yield
    except ImportError:
        raise MissingLibrary(
            library, reason=reason, url=f"https://pypi.org/project/{library}/", trace=traceback.format_exc()
        ) from None


def require_digest(
    what: str,
    actual: str,
    expected: str | None,
    *,
    error: type[Failure],
    option: str = "expected_sha256",
    code: str = "script_changed",
    consequence: str = "",
) -> None:
    """Refuse what is not what was approved.

    :param what: the start of the message, as in "The plan has the digest"
    :param actual: the digest, in lower case
    :param expected: the digest that was approved, in any case; None or empty when nothing was pinned
    :param error: the class of the error
    :param option: the option that holds C(expected)
    :param consequence: the end of the message, as in " Nothing was deleted."
    :raises Failure: the digests differ
    """
    if expected and expected.lower() != actual:
        raise error(
            f"{what} {actual}, but {option} is {expected}.{consequence}",
            hint="It is not the one that was approved. Review it, and approve it again if it is right.",
            code=code,
        )


def bug(error: Exception) -> Failure:
    """Return the failure for an unexpected exception. The exception's text, which may hold anything, is left out."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(frame.filename)}, line {frame.lineno}, in {frame.name}"
    return Failure(
        f"Unexpected {type(error).__name__} ({where}): this is a bug in community.immuta",
        hint="Please report it with the traceback; secrets are cut out of it.",
        code="bug",
    )
