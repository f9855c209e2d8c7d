# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What passes between a module and the work that it asks for."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass
class Outcome:
    """What a module has done, or in check mode would do.

    :ivar changed: whether the task changes anything
    :ivar result: the return values, JSON types only
    :ivar diff: C(before) and C(after) with their headers, or None when the module has no diff
    """

    changed: bool
    result: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    diff: dict[str, t.Any] | None = None


@dataclasses.dataclass
class Context:
    """What the work may know of the task that asked for it.

    :ivar params: the options, as AnsibleModule has validated them; an empty string counts as unset
    :ivar check_mode: when true nothing may change
    :ivar warn: reports something that the user should know and that is no failure
    :ivar hide: takes strings that must never be printed; they are cut out of every result
    """

    params: dict[str, t.Any]
    check_mode: bool
    warn: t.Callable[[str], None]
    hide: t.Callable[[t.Iterable[str]], None]
