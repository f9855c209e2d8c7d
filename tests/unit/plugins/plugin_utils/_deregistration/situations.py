# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings, and what the modules answer, for the tables of this folder."""

from __future__ import annotations

import functools
import typing as t
from pathlib import Path

import yaml

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import settings as reading
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import Settings

ROLE = Path(reading.__file__).parents[3] / "roles" / "deregister_connection"
SHA, DIGEST = "a" * 64, "d" * 64
HOST = "h"


@functools.cache
def options() -> dict[str, t.Any]:
    """The argument spec of the role."""
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return t.cast("dict[str, t.Any]", specs["argument_specs"]["main"]["options"])


def read(*, plan_only: bool = False, **given: t.Any) -> Settings:
    """Settings of the connection C(k), from variables that are named without their prefix."""
    variables = {f"{reading.PREFIX}{name}": value for name, value in {"connection_key": "k", **given}.items()}
    return reading.read(variables, options(), host=HOST, plan_only=plan_only)


def timing(second: int) -> dict[str, str]:
    """Half a second of the run's minute."""
    return {"started": f"2026-01-01T00:00:{second:02d}.000Z", "ended": f"2026-01-01T00:00:{second:02d}.500Z"}


ROWS: list[Answer] = [
    {"index": 1, "line": 2, "verb": "USE", "object": "ROLE", "name": "ADMIN", "unusual": False},
    {"index": 2, "line": 4, "verb": "DROP", "object": "DATABASE", "name": "IMMUTA", "unusual": False},
    {"index": 3, "line": 6, "verb": "GRANT", "object": None, "name": None, "unusual": True},
]


def rows(states: str) -> list[Answer]:
    """The statements as a platform's module returns them."""
    return [
        {**row, "status": status, "query_id": f"q{row['index']}", "rowcount": None, "seconds": 0.2}
        for row, status in zip(ROWS, states.split())
    ]


def execution(state: str, done: int = 0, total: int | None = 3, **more: t.Any) -> Answer:
    """What the journal says."""
    return {"state": state, "done": done, "total": total, **more}


NONE = execution("none", 0, None)
PARTIAL = execution("partial", 1)
FINISHED = execution("finished", 3)
# Finished on somebody's word.
SAID = execution("finished", 0)


def script(**changes: t.Any) -> Answer:
    """Of C(immuta_cleanup_script): saved just now, nothing of it has run, and the connection exists."""
    answer = {
        "path": "/s/k.sql",
        "exists": True,
        "changed": True,
        "sha256": SHA,
        "source": "immuta",
        "tenant": "https://t",
        "connection_exists": True,
        "integration_id": 5,
        "technology": "Snowflake",
        "dialect": "snowflake",
        "statements": ROWS,
        "split_error": None,
        "execution": NONE,
        "timing": timing(1),
    }
    return {**answer, **changes}


def failed(code: str, **failure: t.Any) -> Answer:
    """Of any module."""
    return {"failed": True, "msg": f"{code} happened.", "failure": {"code": code, **failure}, "timing": timing(1)}


gone = functools.partial(script, connection_exists=False, source="saved", changed=False)
NO_SCRIPT = failed("no_cleanup_script", technology="Redshift", tenant="https://t")
LOST = failed("script_lost", connection_exists=False)
LOST_BUT_THERE = failed("script_lost", connection_exists=True)
UNSPLITTABLE = script(statements=[], split_error={"message": "Odd quote."})

SKIPPED: Answer = {"skipped": True, "changed": False}
PLAN = {
    "steps": [{"action": "delete_connection", "target": "k", "effect": "all is removed"}],
    "irreversible": True,
    "digest": DIGEST,
}
PLANNED: Answer = {"changed": False, "plan": PLAN, "timing": timing(2)}
TRIED: Answer = {"changed": False, "session": {"user": "U"}, "timing": timing(3)}


def deleted(**changes: t.Any) -> Answer:
    """Of C(immuta_connection)."""
    answer = {"changed": True, "plan": PLAN, "deleted_objects": 4, "integration": None, "verified": True}
    return {**answer, "timing": timing(4), **changes}


def left(*, in_use: bool) -> Answer:
    """A deletion that leaves the integration behind."""
    return deleted(integration={"id": 5, "status": "enabled" if in_use else "deleted", "in_use": in_use})


def ran(states: str, *, executed: int = 3, state: str = "finished", **changes: t.Any) -> Answer:
    """Of a platform's module."""
    answer = {"changed": True, "statements": rows(states), "executed": executed, "session": {"user": "U", "role": "R"}}
    return {**answer, "journal": {"path": "/s/k.sql.journal", "state": state}, "timing": timing(5), **changes}


BROKEN: Answer = {
    **failed("statement_failed", sqlstate="42501", query_id="q2"),
    "statements": rows("done failed not_run"),
    "executed": 1,
    "timing": timing(5),
}
RECORDED: Answer = {"changed": True, "execution": SAID, "timing": timing(6)}
HANDED_AT = "2026-01-01T00:00:05.000Z"
