# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Immuta modules against the stand-in tenant."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import Fault, ImmutaDouble, State, Variant

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.unit.conftest import Result, Runner

KEY = "prod snowflake"
API_KEY = "canary-api-key-of-the-module-tests"


class Immuta:
    """A tenant, and the modules that talk to it. Every request and reply has to keep the contract."""

    def __init__(self, module: Runner, double: ImmutaDouble) -> None:
        self.module = module
        self.double = double
        self.url = double.url

    def __call__(self, name: str, **options: t.Any) -> Result:
        return self.module(f"immuta_{name}", **{"url": self.url, "api_key": API_KEY, "retries": 2, **options})

    def vary(self, **fields: t.Any) -> None:
        """Let the tenant behave otherwise."""
        for name, value in fields.items():
            setattr(self.double.variant, name, value)

    def fault(self, kind: t.Any, **fields: t.Any) -> None:
        """Plan a fault."""
        self.double.faults.add(Fault(kind, **fields))

    def permit(self, *permissions: t.Any, owns: t.Iterable[str] = ()) -> None:
        """Let the API key have these permissions and no others."""
        key = self.double.state.api_keys[API_KEY]
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


@pytest.fixture
def immuta(module: Runner) -> t.Iterator[Immuta]:
    """A tenant with connections on Snowflake, Databricks and AWS Lake Formation."""
    with ImmutaDouble(State.example(KEY, api_key=API_KEY), Variant()) as double:
        tenant = Immuta(module, double)
        yield tenant
        assert not double.violations, double.violations
        assert API_KEY not in module.output
