# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the work of the Immuta modules in this process, with a clock whose pauses take no time."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import time
import typing as t
from pathlib import Path
from unittest import mock

from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._immuta import client, options
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State, Variant

MODULES = "ansible_collections.community.immuta.plugins.modules"
KEY = "prod snowflake"
API_KEY = "canary-api-key-of-the-fault-tests"
SHORT = "USE ROLE ACCOUNTADMIN;\nDROP DATABASE IF EXISTS IMMUTA;\nDROP ROLE IF EXISTS IMMUTA_SYSTEM;\n"
# One wait of a client that nobody answers.
IMPATIENT = 0.3


class Clock:
    """The time, and the pauses of whoever sleeps by it. The tenant's time is the same: what it takes, they wait for."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.skipped

    def sleep(self, seconds: float) -> None:
        self.skipped += seconds


@functools.cache
def module(name: str) -> tuple[t.Callable[[Context], Outcome], dict[str, t.Any]]:
    """The work of a module, and its options with their defaults."""
    found = importlib.import_module(f"{MODULES}.immuta_{name}")
    with mock.patch.object(found, "run") as run:
        found.main()
    work, spec = run.call_args.args
    return work, {option: about.get("default") for option, about in spec.items()}


@dataclasses.dataclass(frozen=True, eq=False)
class Ask:
    """One call of a module.

    :ivar name: the module's, without its prefix
    """

    name: str
    options: dict[str, t.Any]

    def __call__(self, double: ImmutaDouble, folder: Path, *, check: bool = False, **more: t.Any) -> Answer:
        """Call it. The file of a script is in C(folder)."""
        work, defaults = module(self.name)
        path = {"path": str(folder / "x.sql")} if "path" in defaults else {}
        params = {**defaults, "url": double.url, "api_key": API_KEY, **path, **self.options, **more}
        warnings: list[str] = []
        clock = double.state.clock
        assert isinstance(clock, Clock)
        patient = functools.partial(client.Client, clock=clock, sleep=clock.sleep)
        answer = Answer(warnings=warnings)
        with mock.patch.object(options, "Client", patient):
            try:
                answer.outcome = work(Context(params, check, warnings.append))
            except Failure as error:
                answer.failure = error
        return answer


@dataclasses.dataclass
class Answer:
    """What came of it: one of C(outcome) and C(failure)."""

    warnings: list[str]
    outcome: Outcome | None = None
    failure: Failure | None = None

    @property
    def result(self) -> dict[str, t.Any]:
        """The return values; nothing after a failure."""
        return self.outcome.result if self.outcome else {}

    @property
    def plain(self) -> t.Any:
        """What can be compared with another run's answer."""
        assert self.outcome is not None, self.failure
        return self.outcome.changed, self.outcome.result


@contextlib.contextmanager
def tenant(variant: Variant | None = None, **permissions: t.Any) -> t.Iterator[ImmutaDouble]:
    """A tenant with connections on Snowflake, Databricks and AWS Lake Formation.

    :param permissions: C(permissions) and C(owns) of the API key
    """
    state = State.example(KEY, api_key=API_KEY)
    state.clock = Clock()
    # Short, since it is split again and again.
    state.integrations[5].script = SHORT
    for name, value in permissions.items():
        setattr(state.api_keys[API_KEY], name, set(value))
    with ImmutaDouble(state, variant) as double:
        yield double
        assert not double.violations, double.violations
