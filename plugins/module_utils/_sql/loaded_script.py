# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loading a script to run it: read whole, compared with the approved digest, and split before anything is sent."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, require_digest
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

LARGEST = 256 * 1024 * 1024


class ScriptError(Failure):
    """The script can't be run; no statement was sent."""

    code = "script"


@dataclasses.dataclass(frozen=True)
class LoadedScript:
    """A script and its statements.

    :ivar path: the file, or None for a script that was passed as text
    :ivar sha256: of the bytes, in hexadecimal
    :ivar dialect: C(snowflake) or C(databricks)
    """

    path: str | None
    text: str = dataclasses.field(repr=False)
    sha256: str
    dialect: str
    statements: list[Statement] = dataclasses.field(repr=False)


def load(path: str, dialect: str, expected_sha256: str | None = None) -> LoadedScript:
    """Return the script in a file.

    :param dialect: C(snowflake) or C(databricks)
    :param expected_sha256: the approved digest, if one was pinned
    :raises ScriptError: the file can't be read, or is not the approved one
    :raises SplitError: the script can't be split with certainty
    """
    try:
        raw, _mode = _files.read_own(path, limit=LARGEST)
    except _files.NotOwn as error:
        raise ScriptError(
            f"The script {path} of the option path can't be trusted: {error.strerror}.",
            hint=_files.MAKE_OWN,
            code="not_own",
        ) from None
    except _files.NotRegular:
        raise ScriptError(
            f"The script {path} of the option path is not a file.", hint="Check the option path."
        ) from None
    except OSError as error:
        raise ScriptError(
            f"The script {path} of the option path can't be read: {error.strerror}.", hint="Check the option path."
        ) from None
    return _script(path, raw, dialect, expected_sha256)


def is_current(script: LoadedScript) -> bool:
    """Return whether the file of a script still holds what was read; a script without a file is always current."""
    if script.path is None:
        return True
    with contextlib.suppress(OSError):
        raw, _mode = _files.read_own(script.path, limit=LARGEST)
        return hashlib.sha256(raw).hexdigest() == script.sha256
    return False


def from_text(text: str, dialect: str, expected_sha256: str | None = None) -> LoadedScript:
    """Return a script that was passed as text. Errors are those of C(load)."""
    return _script(None, text.encode("utf-8", "surrogatepass"), dialect, expected_sha256)


def _script(path: str | None, raw: bytes, dialect: str, expected_sha256: str | None) -> LoadedScript:
    what = f"The script {path}" if path else "The script of the option script"
    sha256 = hashlib.sha256(raw).hexdigest()
    require_digest(f"{what} has the sha256", sha256, expected_sha256, error=ScriptError)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ScriptError(f"{what} is not UTF-8 (byte {error.start}).", hint="Convert it to UTF-8.") from None
    statements = split(text, dialect)
    if not statements:
        raise ScriptError(f"{what} contains no statement.", hint="Check that it is the right one.")
    return LoadedScript(path, text, sha256, dialect, statements)
