# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imported by the forkserver: what takes most of the time of a module's process.

The client of Snowflake is not among it: it starts threads, which a fork does not survive. What it imports is.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
from pathlib import Path

SLOW = (
    "pytest",
    "requests",
    "ansible.module_utils.basic",
    "ansible.module_utils._internal._ansiballz._loader",
    "pandas",
    "boto3",
    "OpenSSL.SSL",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "databricks.sql.client",
    "databricks.sdk.core",
)

for _name in SLOW:
    with contextlib.suppress(ImportError):
        importlib.import_module(_name)
for _path in (Path(__file__).parents[2] / "plugins" / "modules").glob("*.py"):
    importlib.import_module(f"ansible_collections.community.immuta.plugins.modules.{_path.stem}")
if os.path.isdir("/proc/self/task") and len(os.listdir("/proc/self/task")) > 1:
    raise SystemExit("one of these imports starts a thread")
# A child does not look through all of this again.
gc.freeze()
