# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interface between modules and their implementation: Context in, Outcome out."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass
class Outcome:
    """The outcome of a module: what it did, or in check mode would do.

    :ivar changed: whether the task changes anything
    :ivar result: the return values, JSON types only
    :ivar diff: C(before) and C(after) with their headers, or None when the module has no diff
    """

    changed: bool
    result: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    diff: dict[str, t.Any] | None = None


@dataclasses.dataclass
class Context:
    """The task that runs the module.

    :ivar params: the options, validated by AnsibleModule; an empty string counts as unset
    :ivar check_mode: when true, nothing may change
    :ivar warn: reports something that the user should know and that is not a failure
    """

    params: dict[str, t.Any]
    check_mode: bool
    warn: t.Callable[[str], None]
