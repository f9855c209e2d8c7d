# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The memory of this process, as Linux counts it."""

from __future__ import annotations

import pathlib
import resource


def resident() -> int:
    """Bytes now. The peak is set back, so that what was before does not count."""
    pathlib.Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    pages = pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def peak() -> int:
    """Bytes at most since C(resident) was called."""
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
