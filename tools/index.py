# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where pip takes packages from, and whom it trusts: for uv, which reads no pip.conf, and for a pip with another home."""

from __future__ import annotations

import ast
import subprocess
import sys
import typing as t

# Settings of pip, and the environment variables of pip and uv.
VARIABLES = {
    "index-url": ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    "trusted-host": ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST"),
    # uv takes no file that would not also be Python's own, which the tests must not see.
    "cert": ("PIP_CERT",),
}
# From the one that counts least; the last is the environment.
LEVELS = ("global", "install", ":env:")


def environment(config: str, given: t.Mapping[str, str]) -> dict[str, str]:
    """The variables to set.

    :param config: what C(pip config list) prints
    :param given: the environment, of which nothing is changed
    """
    settings: dict[tuple[str, str], str] = {}
    for line in config.splitlines():
        name, _equals, value = line.partition("=")
        level, _dot, setting = name.partition(".")
        settings[level, setting] = str(ast.literal_eval(value))
    # As pip, uv trusts the authorities that the system trusts, also behind a proxy that inspects TLS.
    found = {"UV_SYSTEM_CERTS": "1"}
    for level in LEVELS:
        for setting, names in VARIABLES.items():
            if (level, setting) in settings:
                found |= dict.fromkeys(names, " ".join(settings[level, setting].split()))
    return {name: value for name, value in found.items() if name not in given}


def of_pip(given: t.Mapping[str, str]) -> dict[str, str]:
    """The same, of the pip of this Python; nothing but the authorities of the system if it has none."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(given))
    return environment(done.stdout if done.returncode == 0 else "", given)
