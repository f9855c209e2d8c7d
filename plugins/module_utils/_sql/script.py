# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A script as it is run: read whole, pinned by its digest, and split before anything is sent."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement


class ScriptError(Failure):
    """The script can't be run as it is; nothing was sent."""

    code = "script"


@dataclasses.dataclass(frozen=True)
class Script:
    """A script and its statements.

    :ivar path: the file, or None for a script that was given as text
    :ivar sha256: of the bytes, in hexadecimal
    """

    path: str | None
    text: str = dataclasses.field(repr=False)
    sha256: str
    dialect: str
    statements: list[Statement] = dataclasses.field(repr=False)


def load(path: str, dialect: str, expected_sha256: str | None = None) -> Script:
    """The script in a file.

    :raises ScriptError: the file can't be read, or is not the one that was approved
    :raises SplitError: the statements can't be told apart for certain
    """
    try:
        # Opening a pipe would wait for somebody to write into it.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ScriptError(f"The script {path} of the option path is not a file.", hint="Check the option path.")
            raw = file.read()
    except OSError as error:
        raise ScriptError(
            f"The script {path} of the option path can't be read: {error.strerror}.", hint="Check the option path."
        ) from None
    return _script(path, raw, dialect, expected_sha256)


def from_text(text: str, dialect: str, expected_sha256: str | None = None) -> Script:
    """A script that was given as text. Errors are those of C(load)."""
    return _script(None, text.encode("utf-8", "surrogatepass"), dialect, expected_sha256)


def _script(path: str | None, raw: bytes, dialect: str, expected_sha256: str | None) -> Script:
    what = f"The script {path}" if path else "The script of the option script"
    sha256 = hashlib.sha256(raw).hexdigest()
    if expected_sha256 and expected_sha256.lower() != sha256:
        raise ScriptError(
            f"{what} has the sha256 {sha256}, but expected_sha256 is {expected_sha256}.",
            hint="It is not the one that was approved: look at it, and approve it anew if it is right.",
            code="script_changed",
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ScriptError(f"{what} is not UTF-8 (byte {error.start}).", hint="Convert it to UTF-8.") from None
    statements = split(text, dialect)
    if not statements:
        raise ScriptError(f"{what} holds no statement.", hint="Check that it is the right one.")
    return Script(path, text, sha256, dialect, statements)
