# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes one JSON line for each task's result, for the tests to read."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record
type: aggregate
short_description: Record the results of tasks
description:
  - Writes one JSON line for each result to the file named in E(RECORD_FILE), and one for what was left by set_stats, and
    which hosts have failed.
  - Has the payloads of modules kept in the folder named in E(PAYLOADS), so that each is built by the first play only.
"""


class CallbackModule(CallbackBase):
    """The callback plugin."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def _record(self, outcome: str, result: t.Any) -> None:
        task = result._task
        line = {
            "outcome": outcome,
            "host": result._host.get_name(),
            "task": task.get_name().split(" : ")[-1],
            "action": task.resolved_action or task.action,
            "changed": bool(result._result.get("changed")),
            "result": json.loads(self._dump_results(result._result)),
        }
        self._write(line)

    def _write(self, line: dict[str, t.Any]) -> None:
        with open(os.environ["RECORD_FILE"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        """Begin with the payloads that there are."""
        if folder := os.environ.get("PAYLOADS"):
            place = os.path.join(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache")  # type: ignore[attr-defined]
            with contextlib.suppress(FileExistsError):
                os.symlink(folder, place)

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """A task has ended well."""
        self._record("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        """A task has failed."""
        self._record("failed", result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        """A task was skipped."""
        self._record("skipped", result)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """The playbook has ended. What was left is what a workflow of AWX gives to its next node."""
        failed = [host for host in stats.processed if stats.summarize(host)["failures"]]
        self._write({"stats": json.loads(self._dump_results(stats.custom.get("_run", {}))), "failed": failed})
