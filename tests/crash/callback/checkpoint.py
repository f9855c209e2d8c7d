# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has every task of a play pass a checkpoint before and after it."""

from __future__ import annotations

import typing as t

from ansible.plugins.callback import CallbackBase
from sitecustomize import ask  # type: ignore[import-not-found]

DOCUMENTATION = r"""
name: checkpoint
type: aggregate
short_description: Have tasks pass checkpoints
description:
  - Asks at the port in E(CHECKPOINTS) before and after each task.
"""


class CallbackModule(CallbackBase):
    """The callback plugin."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "checkpoint"
    CALLBACK_NEEDS_ENABLED = True

    def _pass(self, when: str, task: t.Any) -> None:
        # What a task does; its name is for people, and may change.
        stage = task.args.get("stage", "") if task.action.endswith("registration") else ""
        ask(f"{when} task {task.action.rpartition('.')[2]} {stage}".rstrip())

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        """A task is about to begin."""
        self._pass("before", task)

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """A task has ended well."""
        self._pass("after", result._task)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """A task has failed."""
        self._pass("after", result._task)
