# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of all unit tests."""

from __future__ import annotations

import functools
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.community.immuta.tests.harness.forkserver import Answer, Launcher

PACKAGE = "ansible_collections.community.immuta.plugins.modules"
# What a developer's shell may hold must not decide what a test sees.
FOREIGN = ("IMMUTA_", "SNOWFLAKE_", "DATABRICKS_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


# What Ansible itself puts into results; the second line is what it adds wherever there is a path.
COMMON = {"changed", "failed", "msg", "exception", "diff", "warnings", "deprecations", "invocation"} | {
    *("uid", "gid", "owner", "group", "mode", "state", "size", "secontext")
}


@functools.cache
def documented(name: str) -> set[str]:
    """The return values that a module's documentation names."""
    return set(yaml.safe_load(importlib.import_module(f"{PACKAGE}.{name}").RETURN))


class Result(dict[str, t.Any]):
    """What a module answered."""

    @property
    def failed(self) -> bool:
        return bool(self.get("failed"))

    @property
    def code(self) -> str | None:
        failure = self.get("failure")
        return failure["code"] if failure else None


class Runner:
    """Runs a module as Ansible does: a process of its own, options as JSON on standard input, one JSON answer."""

    def __init__(self, launch: Launcher) -> None:
        self._launch = launch
        self.output = ""

    def __call__(
        self,
        name: str,
        *,
        check: bool = False,
        diff: bool = True,
        env: dict[str, str] | None = None,
        **options: t.Any,
    ) -> Result:
        """Run one. With a PYTHONPATH of its own it is a new process, that has imported nothing."""
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_no_log": False}
        environment = {"NO_PROXY": "*", **(env or {})}
        if "PYTHONPATH" in environment:
            answer = self._alone(name, arguments, environment)
        else:
            answer = self._launch(name, arguments, environment)
        self.output += answer.printed
        assert "ResourceWarning" not in answer.err, answer.err
        strange = set(answer.result) - documented(name) - COMMON
        assert not strange, f"{name} returns what its documentation does not know: {strange}"
        # What AnsibleModule itself refuses never comes to us.
        if not answer.result.get("failed") or "failure" in answer.result:
            began, ended = (answer.result["timing"][moment] for moment in ("started", "ended"))
            assert began <= ended, answer.result["timing"]
        return Result(answer.result)

    def _alone(self, name: str, arguments: dict[str, t.Any], environment: dict[str, str]) -> Answer:
        done = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", "-m", f"{PACKAGE}.{name}"],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
            env={**self._launch.environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.strip(), f"{name} died:\n{done.stderr}"
        return Answer(json.loads(done.stdout), done.stdout, done.stderr, done.returncode)


# ansible-test runs each test in a process that is forked from pytest's, so what is to serve all of them is started before the first.
LAUNCHER = pytest.StashKey[Launcher]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start what modules are run by, if a test wants it."""
    if any("module" in getattr(item, "fixturenames", ()) for item in session.items):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        session.config.stash[LAUNCHER] = Launcher(Path(tempfile.mkdtemp(prefix="modules-")), environment)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop it."""
    if launcher := config.stash.get(LAUNCHER, None):
        launcher.close()
        shutil.rmtree(launcher.folder)


@pytest.fixture
def module(pytestconfig: pytest.Config) -> Runner:
    """Runs modules; C(module.output) is all that they printed."""
    return Runner(pytestconfig.stash[LAUNCHER])
