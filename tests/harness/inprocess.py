# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the modules of this collection in this process, by a clock whose pauses take no time."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import importlib
import inspect
import io
import json
import logging
import os
import subprocess
import sys
import time
import types
import typing as t
import warnings
from pathlib import Path
from unittest import mock

import yaml
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as ansible_warnings

with contextlib.suppress(ImportError):
    from ansible.module_utils import _internal as module_utils_internal

from ansible_collections.community.immuta.plugins.module_utils import _context, _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.tests.doubles.immuta_server import Fault, ImmutaDouble
from ansible_collections.community.immuta.tests.harness.servers import FOREIGN

PLUGINS = "ansible_collections.community.immuta.plugins"
# An action plugin's module is documentation only.
MODULES = sorted(
    one.stem
    for one in (Path(__file__).parents[2] / "plugins" / "modules").glob("*.py")
    if not (one.parents[1] / "action" / one.name).exists()
)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
# What Ansible itself puts into results; the second line is what it adds wherever there is a path.
COMMON = {"changed", "failed", "msg", "exception", "diff", "warnings", "deprecations", "invocation"} | {
    *("uid", "gid", "owner", "group", "mode", "state", "size", "secontext")
}


class Clock:
    """The time, and the pauses of those who sleep by it. A stand-in that has it agrees with them on the time."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.skipped

    def sleep(self, seconds: float) -> None:
        self.skipped += seconds

    @contextlib.contextmanager
    def everywhere(self) -> t.Iterator[None]:
        """Have all the code of this collection's modules go by this clock meanwhile."""
        for name in MODULES:
            importlib.import_module(f"{PLUGINS}.modules.{name}")
        shim = types.SimpleNamespace(**{**vars(time), "monotonic": self, "sleep": self.sleep})
        fake: dict[object, object] = {time.monotonic: self, time.sleep: self.sleep, time: shim}
        with contextlib.ExitStack() as stack:
            for name, room in list(sys.modules.items()):
                if name.startswith(f"{PLUGINS}.module_utils"):
                    for owner, attribute, value in _uses(room):
                        stack.enter_context(mock.patch.object(owner, attribute, _replaced(value, fake)))
            yield


def _uses(room: types.ModuleType) -> t.Iterator[tuple[t.Any, str, t.Any]]:
    """Where a room may hold on to the time: its names, and the defaults of its functions."""
    if getattr(room, "time", None) is time:
        yield room, "time", time
    for one in vars(room).values():
        functions = [one] if inspect.isfunction(one) else vars(one).values() if inspect.isclass(one) else []
        for function in functions:
            if inspect.isfunction(function) and function.__module__ == room.__name__:
                if function.__kwdefaults__:
                    yield function, "__kwdefaults__", function.__kwdefaults__
                if function.__defaults__:
                    yield function, "__defaults__", function.__defaults__


def _replaced(value: t.Any, fake: dict[object, object]) -> t.Any:
    def of(one: t.Any) -> t.Any:
        return next((new for old, new in fake.items() if one is old), one)

    if isinstance(value, dict):
        return {name: of(one) for name, one in value.items()}
    return tuple(map(of, value)) if isinstance(value, tuple) else of(value)


class Result(dict[str, t.Any]):
    """The return values of a module."""

    @property
    def failed(self) -> bool:
        """Whether the module has failed."""
        return bool(self.get("failed"))

    @property
    def code(self) -> str | None:
        """The word for its failure."""
        failure = self.get("failure")
        return failure["code"] if failure else None

    @property
    def good(self) -> Result:
        """This, unless it is a failure."""
        assert not self.failed, self
        return self

    @property
    def returned(self) -> dict[str, t.Any]:
        """What another call would return, too."""
        return {name: value for name, value in self.items() if name not in ("timing", "invocation", "warnings", "diff")}

    @property
    def warned(self) -> str:
        """All its warnings."""
        return "\n".join(str(one) for one in self.get("warnings", []))


class Modules:
    """Calls the C(main()) of modules as Ansible does: options as JSON, one JSON answer, and an exit.

    :ivar clock: that they go by
    :ivar output: all that they printed
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.output = ""

    def __call__(
        self,
        name: str,
        *,
        check: bool = False,
        diff: bool = True,
        env: dict[str, str] | None = None,
        alone: bool = False,
        **options: t.Any,
    ) -> Result:
        """Call one.

        :param env: changes of the environment
        :param alone: in a process of its own, for what libraries read when they are imported
        """
        own = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_no_log": False}
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **own}}).encode()
        inherited = {key: value for key, value in os.environ.items() if not key.startswith((*FOREIGN, *PROXIES))}
        environment = {**inherited, "NO_PROXY": "*", **(env or {})}
        printed = (_alone if alone else _here)(name, arguments, environment)
        self.output += printed
        result = Result(json.loads(printed))
        strange = set(result) - _documented(name) - COMMON
        assert not strange, f"{name} returns what its documentation does not know: {strange}"
        # What AnsibleModule itself refuses never comes to us.
        if not result.failed or "failure" in result:
            assert result["timing"]["started"] <= result["timing"]["ended"], result["timing"]
        return result


@contextlib.contextmanager
def modules() -> t.Iterator[Modules]:
    """Modules and their clock."""
    clock = Clock()
    with clock.everywhere():
        gc.freeze()
        try:
            yield Modules(clock)
        finally:
            with _nothing_left_open():
                gc.collect()
            gc.unfreeze()


def run_by_hand(environment: dict[str, str], script: str) -> None:
    """Run a script on a stand-in Snowflake, as a person would.

    :param environment: the variables with which to sign in there
    """
    options: dict[str, t.Any] = {name.removeprefix("SNOWFLAKE_").lower(): one for name, one in environment.items()}
    with modules() as module:
        assert not module("snowflake_script", script=script, **options).failed


@functools.cache
def _documented(name: str) -> set[str]:
    """The return values that a module's documentation names."""
    return set(yaml.safe_load(importlib.import_module(f"{PLUGINS}.modules.{name}").RETURN))


def _here(name: str, arguments: bytes, environment: dict[str, str]) -> str:
    handlers = logging.getLogger().handlers
    kept = list(handlers)
    vars(_redact._redactor).update(vars(_redact.Redactor()))
    ansible_warnings._global_warnings.clear()
    ansible_warnings._global_deprecations.clear()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(basic, "_ANSIBLE_ARGS", arguments))
        if hasattr(basic, "_ANSIBLE_PROFILE"):
            stack.enter_context(mock.patch.object(basic, "_ANSIBLE_PROFILE", "legacy"))
            # Another test may have imported the controller, which would show warnings itself.
            stack.enter_context(mock.patch.object(module_utils_internal, "is_controller", False))
        stack.enter_context(mock.patch.dict(os.environ, environment, clear=True))
        stack.enter_context(_nothing_left_open())
        printed = stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        with contextlib.suppress(SystemExit):
            importlib.import_module(f"{PLUGINS}.modules.{name}").main()
    handlers[:] = kept
    return printed.getvalue()


@contextlib.contextmanager
def _nothing_left_open() -> t.Iterator[None]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
    left = [str(one.message) for one in caught if issubclass(one.category, ResourceWarning)]
    assert not left, left


def _alone(name: str, arguments: bytes, environment: dict[str, str]) -> str:
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-m", f"{PLUGINS}.modules.{name}"],
        input=arguments,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip(), f"{name} died:\n{done.stderr.decode()}"
    assert b"ResourceWarning" not in done.stderr, done.stderr.decode()
    return done.stdout.decode()


class Tenant:
    """A stand-in tenant, and the modules that talk to it."""

    def __init__(self, modules: Modules, double: ImmutaDouble, api_key: str) -> None:
        self.modules = modules
        self.double = double
        self.url: str = double.url
        self.api_key = api_key
        double.state.clock = modules.clock

    def __call__(self, name: str, **options: t.Any) -> Result:
        """Call C(immuta_NAME)."""
        return self.modules(f"immuta_{name}", **{"url": self.url, "api_key": self.api_key, "retries": 2, **options})

    def vary(self, **fields: t.Any) -> None:
        """Let the tenant behave otherwise."""
        for name, value in fields.items():
            setattr(self.double.variant, name, value)

    def fault(self, kind: t.Any, **fields: t.Any) -> None:
        """Plan a fault."""
        self.double.faults.add(Fault(kind, **fields))

    def permit(self, *permissions: t.Any, owns: t.Iterable[str] = ()) -> None:
        """Let the API key have these permissions and no others."""
        key = self.double.state.api_keys[self.api_key]
        key.permissions = set(permissions)
        key.owns = set(owns)

    @property
    def asked(self) -> list[str]:
        """The operations that were asked for, in order."""
        return [one.operation_id or one.path for one in self.double.requests]

    @property
    def writes(self) -> list[str]:
        """The requests that change something, in order."""
        return [one.method for one in self.double.requests if one.method in ("DELETE", "PUT", "PATCH")]


@dataclasses.dataclass
class Done:
    """What came of a piece of work: an outcome or a failure."""

    outcome: _context.Outcome | None
    failure: Failure | None
    warnings: list[str]
    hidden: list[str]

    @property
    def good(self) -> _context.Outcome:
        """The outcome."""
        assert self.failure is None, self.failure
        assert self.outcome is not None
        return self.outcome

    @property
    def code(self) -> str | None:
        """The word for the failure."""
        return self.failure.code if self.failure else None


def do(
    work: t.Callable[[_context.Context], _context.Outcome], params: dict[str, t.Any], *, check: bool = False
) -> Done:
    """Do a module's work without AnsibleModule around it, for thousands of examples a minute."""
    warnings: list[str] = []
    hidden: list[str] = []
    context = _context.Context(dict(params), check, warnings.append)
    try:
        with mock.patch.object(_redact, "add", hidden.extend):
            outcome = work(context)
    except Failure as failure:
        return Done(None, failure, warnings, hidden)
    return Done(outcome, None, warnings, hidden)
