# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(immuta_probe): what a tenant answers, as a file that can be shown to others."""

from __future__ import annotations

import json
import os

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import options, probe
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import Refused

# What tells such a file from others.
MARK = {"file": "probe of community.immuta", "format": 1}
LARGEST = 16 * 1024 * 1024
CHOOSE_ANOTHER = "Name another path."


def ask(context: Context) -> Outcome:
    """Implement the module C(immuta_probe).

    :raises Refused: the file can't be written, or is not one of this module's; nothing was sent
    :raises InvalidOption: the version is none
    """
    params = context.params
    path, version = params["path"], params["immuta_version"]
    if version and not probe.VERSION.fullmatch(version):
        raise InvalidOption("The option immuta_version is not a version of Immuta. Write it as in 2025.1 or 2025.1.3.")
    before = _read(path)
    _try(path)
    # Whatever is asked, the client refuses all that would change the tenant.
    with options.client(params, check_mode=True) as client:
        answers, told = probe.ask(client, connection_key=params["connection_key"])
    found = {**MARK, "version": told or version, "answers": answers}
    after = f"{json.dumps(found, indent=1, sort_keys=True)}\n".encode()
    if before != after and not context.check_mode:
        # Another file may have come to be there meanwhile.
        _read(path)
        _write(path, after)
    return Outcome(before != after, {"path": path, "probe": found, "requests": len(answers)})


def _read(path: str) -> bytes | None:
    """Return the content of the file, or None if there is none.

    :raises Refused: it is not one of this module's, or can't be read
    """
    try:
        raw = _files.read_with_mode(path, limit=LARGEST, follow=False)[0]
    except FileNotFoundError:
        return None
    except (_files.NotRegular, _files.TooLarge):
        raise _other(path) from None
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("file") != MARK["file"]:
        raise _other(path)
    return raw


def _try(path: str) -> None:
    try:
        _files.try_to_write(path)
    except BlockingIOError:
        raise Refused(f"Another run is writing {path}. Wait until it has ended.", code="locked") from None
    except OSError as error:
        raise _unusable(path, error) from None


def _write(path: str, data: bytes) -> None:
    try:
        _files.make_folder(os.path.dirname(os.path.realpath(path)))
        _files.replace(path, data)
    except OSError as error:
        raise _unusable(path, error) from None


def _other(path: str) -> Refused:
    return Refused(
        f"The option path ({path}) names something other than a file of this module. It was not changed.",
        hint=CHOOSE_ANOTHER,
    )


def _unusable(path: str, error: OSError) -> Refused:
    return Refused(f"The option path ({path}) can't be used: {error.strerror}.", hint=CHOOSE_ANOTHER)
