# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signs in to Snowflake, and runs the script that is named, as its client splits it. The shortest that works."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import snowflake.connector

ADDRESS = ("account", "user", "password", "host", "port", "protocol")
connection = snowflake.connector.connect(**{name: os.environ[f"SNOWFLAKE_{name.upper()}"] for name in ADDRESS})
for name in sys.argv[1:]:
    with Path(name).open(encoding="utf-8") as script:
        for cursor in connection.execute_stream(script):
            print(cursor.sfqid)
    Path(f"{name}.done").touch(mode=0o600)
connection.close()
