# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The root of every error that this collection reports on purpose.

A room says what went wrong by raising a C(Failure); only C(_module) turns one
into C(fail_json), and only the inventory plugin into an error of Ansible's parser.
Anything else that is raised is a bug, which they report as one, with a traceback
that secrets are cut out of.
"""

from __future__ import annotations

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

    def as_dict(self) -> dict[str, t.Any]:
        """The C(failure) field of a module's result."""
        return {"code": self.code, "message": self.message, "hint": self.hint, **self.details}

    def __str__(self) -> str:
        sentence = self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."
        return f"{sentence} {self.hint}".rstrip()


class InvalidOption(Failure):
    """An option's value can't be used; the message names the option."""

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


def bug(error: Exception) -> Failure:
    """The failure for what nobody has expected. The error's own text, which may hold anything, is left out."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(frame.filename)}, line {frame.lineno}, in {frame.name}"
    return Failure(
        f"Unexpected {type(error).__name__} ({place}): this is a bug in community.immuta",
        hint="Please report it with the traceback; secrets are cut out of it.",
        code="bug",
    )
