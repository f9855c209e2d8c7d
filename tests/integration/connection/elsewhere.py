# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection to another host, which is a folder of this one: its home is elsewhere, and so is its environment."""

from __future__ import annotations

import os
import shlex
import typing as t

from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: elsewhere
short_description: another host
description: Runs commands here, with E(ELSEWHERE) as their home and nothing of the environment.
author: the tests
options: {}
"""


class Connection(Local):
    """Runs commands with a home and an environment of their own."""

    transport = "elsewhere"

    def exec_command(self, cmd: str, in_data: t.Any = None, sudoable: bool = True) -> t.Any:
        own = {"HOME": os.environ["ELSEWHERE"], "PATH": os.environ["PATH"], "NO_PROXY": "*"}
        environment = " ".join(f"{name}={shlex.quote(value)}" for name, value in own.items())
        return super().exec_command(f"env -i {environment} {cmd}", in_data, sudoable)
