# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls of Immuta's modules, and tenants that take no time."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from pathlib import Path

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State, Variant
from ansible_collections.community.immuta.tests.harness import inprocess
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY

SHORT = "USE ROLE ACCOUNTADMIN;\nDROP DATABASE IF EXISTS IMMUTA;\nDROP ROLE IF EXISTS IMMUTA_SYSTEM;\n"
# One wait of a client that nobody answers.
IMPATIENT = 0.3


class Tenant(ImmutaDouble):
    """A tenant that knows who may call it."""

    modules: inprocess.Modules


@dataclasses.dataclass(frozen=True, eq=False)
class Ask:
    """One call of a module.

    :ivar name: the module's, without its prefix
    """

    name: str
    options: dict[str, t.Any]

    def __call__(self, double: Tenant, folder: Path, *, check: bool = False, **more: t.Any) -> inprocess.Result:
        """Call it. The file of a script is in C(folder)."""
        path = {"path": str(folder / "x.sql")} if self.name in ("cleanup_script", "setup_script") else {}
        options = {"url": double.url, "api_key": API_KEY, **path, **self.options, **more}
        return double.modules(f"immuta_{self.name}", check=check, **options)


@contextlib.contextmanager
def tenant(variant: Variant | None = None) -> t.Iterator[Tenant]:
    """A tenant with connections on Snowflake, Databricks and AWS Lake Formation."""
    state = State.example(KEY, api_key=API_KEY)
    # Short, since it is split again and again.
    state.integrations[5].script = SHORT
    with inprocess.modules() as modules, Tenant(state, variant) as double:
        state.clock, double.modules = modules.clock, modules
        try:
            yield double
        finally:
            assert not double.violations, double.violations
