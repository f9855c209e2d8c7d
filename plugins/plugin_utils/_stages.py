# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What action plugins that consist of stages have in common."""

from __future__ import annotations

import os
import typing as t

from ansible import context
from ansible.plugins.action import ActionBase

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.plugin_utils import _misplaced
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

Result = dict[str, t.Any]
Variables = dict[str, t.Any]

IN_THE_MIDDLE = (
    "This role can't be entered in the middle: its first tasks have not run in this play. Run it from the start,"
    " without --start-at-task and without tags."
)


class Stages(ActionBase):
    """Dispatches to the stage that the task names: the method of that name, with an underscore.

    :cvar STAGES: their names
    :cvar OPTIONS: the specs of the task's other options
    """

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    STAGES: t.ClassVar[tuple[str, ...]]
    OPTIONS: t.ClassVar[dict[str, t.Any]]

    def run(self, tmp: str | None = None, task_vars: Variables | None = None) -> Result:
        """Run the stage that the task names."""
        variables = task_vars or {}
        result: Result = super().run(tmp, variables)
        result["changed"] = False
        spec = {"stage": {"type": "str", "required": True, "choices": list(self.STAGES)}, **self.OPTIONS}
        _validated, self.arguments = self.validate_argument_spec(spec)
        stage: t.Callable[[Variables], Result] = getattr(self, f"_{self.arguments['stage']}")
        try:
            return {**result, **stage(variables)}
        except Refused as error:
            # Not AnsibleActionFail, which older versions of ansible-core print with a traceback.
            code = {"failure": {"code": error.code}} if error.code else {}
            return {**result, "failed": True, "msg": "\n".join(printable(error.lines)), **code}

    @property
    def extra_arguments(self) -> tuple[t.Any, ...]:
        """The arguments of C(-e), as they were given."""
        return tuple(context.CLIARGS.get("extra_vars") or ())

    def own(self, variables: Variables, options: t.Iterable[str]) -> Variables:
        """The role's variables that are set.

        :raises Refused: one of them holds a secret that is none of its business
        """
        given = self.rendered(variables, options)
        _misplaced.require_none(given, os.environ)
        return given

    def rendered(self, variables: Variables, wanted: t.Iterable[str]) -> Variables:
        """The variables that are set, of those that are wanted."""
        return {name: self._templar.template(variables[name]) for name in wanted if name in variables}


def printable(lines: t.Iterable[str]) -> list[str]:
    """Lines without line breaks and escape codes: names in them come from other people."""
    return [_text.printable(line) for line in lines]


def shown(lines: t.Iterable[str]) -> Result:
    """A result that Ansible prints without C(-v)."""
    return {"msg": printable(lines), "_ansible_verbose_always": True}
