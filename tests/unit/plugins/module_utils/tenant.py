# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant, a client of it, and a clock that only waiting moves: what several rooms are tested with."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._immuta import connection, errors, options, removal
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import Operation
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply, Settings
from ansible_collections.community.immuta.plugins.module_utils._work import connection as work
from ansible_collections.community.immuta.tests.doubles import immuta_server as doubles

KEY = "prod snowflake"
HOST = "example.snowflakecomputing.com"
API_KEY = "api-key-of-the-tests-of-rooms"
PROD = connection.Connection(KEY, "Snowflake", HOST, 443, "ACTIVE", 5, signs_in={"role": "IMMUTA_SYSTEM"})
MANY = 60
INTEGRATIONS_REFUSED = (
    "Immuta refuses GET /integrations (403): A planned fault. The key's owner needs APPLICATION_ADMIN."
)


class World:
    """A tenant, a client of it, and the time."""

    def __init__(self, double: doubles.ImmutaDouble) -> None:
        self.double = double
        self.now = 1000.0
        self.waits: list[float] = []
        self.warnings: list[str] = []
        self.client = self.connect(check_mode=False)

    def connect(self, check_mode: bool) -> Client:
        return Client(
            Settings(self.double.url, API_KEY, timeout=60, retries=0),
            check_mode=check_mode,
            clock=lambda: self.now,
            sleep=self.sleep,
            jitter=lambda: 0.0,
        )

    def of_task(self, params: dict[str, t.Any], *, check_mode: bool) -> Client:
        return self.connect(check_mode)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def remove(self, one: connection.Connection = PROD, *, wait: bool = True, seconds: float = 30) -> t.Any:
        return removal.Remover(self.client, one, wait=wait, wait_timeout=seconds).remove()

    def ensure_absent(self, check_mode: bool = False, **params: t.Any) -> Outcome:
        known = {
            **{
                "connection_key": KEY,
                "confirm": KEY,
                "expected_plan_digest": None,
                "expected_tenant": None,
                "wait": True,
                "wait_timeout": 30,
            },
            **{"script_path": None, "expected_script_sha256": None},
        }
        assert set(params) <= set(known)
        return work.ensure_absent(self.context({**known, **params}, check_mode))

    def info(self, key: str | None = None) -> list[dict[str, t.Any]]:
        outcome = work.info(self.context({"connection_key": key, "url": self.double.url}, True))
        assert (outcome.changed, outcome.diff, set(outcome.result)) == (
            False,
            None,
            {"connections", "integrations", "lookalikes", "tenant"},
        )
        return outcome.result["connections"]  # type: ignore[no-any-return]

    def context(self, params: dict[str, t.Any], check_mode: bool) -> Context:
        return Context(params, check_mode, self.warnings.append)

    def vary(self, **fields: t.Any) -> None:
        for name, value in fields.items():
            setattr(self.double.variant, name, value)

    def fault(self, operation: str, status: int = 503, times: int = 1, **fields: t.Any) -> None:
        self.double.faults.add(
            doubles.Fault(**{"kind": "status", "operation_id": operation, "status": status, "times": times, **fields})
        )

    def add(self, count: int) -> None:
        for number in range(count):
            key = f"c{number:03}"
            self.double.state.connections[key] = doubles.Connection(key, "Trino")

    @property
    def asked(self) -> list[str | None]:
        return [one.operation_id for one in self.double.requests]

    @property
    def state(self) -> doubles.State:
        return self.double.state


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[World]:
    with doubles.ImmutaDouble(doubles.State.example(KEY, api_key=API_KEY), doubles.Variant()) as double:
        one = World(double)
        monkeypatch.setattr(options, "client", one.of_task)
        with one.client:
            yield one
        assert not double.violations


def fails(kind: type[errors.ImmutaError], call: t.Callable[[], object]) -> errors.ImmutaError:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.__class__ == kind
    return caught.value


class Answers:
    """A client whose answers are given, and whose clock only waiting moves.

    :param answers: by the names of operations; what can be called makes an error that is raised
    """

    def __init__(self, **answers: t.Any) -> None:
        self.settings = Settings("https://tenant.example", API_KEY)
        self.answers = answers
        self.asked: list[str] = []
        self.now = 0.0

    def find(self, operation: Operation, **_parameters: t.Any) -> Reply | None:
        self.asked.append(operation.name)
        answer = self.answers[operation.name]
        if callable(answer):
            raise answer()
        return answer if answer is None or isinstance(answer, Reply) else Reply(200, json.dumps(answer).encode())

    def call(self, operation: Operation, **parameters: t.Any) -> Reply:
        reply = self.find(operation, **parameters)
        assert reply is not None
        return reply

    def call_json(self, operation: Operation, **parameters: t.Any) -> t.Any:
        return parse_json(self.call(operation, **parameters), operation)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
