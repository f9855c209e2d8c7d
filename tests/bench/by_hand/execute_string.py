# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a script on Snowflake with its client's own execute_string."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import snowflake.connector

ADDRESS = ("account", "user", "password", "host", "port", "protocol")
connection = snowflake.connector.connect(**{name: os.environ[f"SNOWFLAKE_{name.upper()}"] for name in ADDRESS})
connection.execute_string(Path(sys.argv[1]).read_text(encoding="utf-8"))
connection.close()
