# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings, and what the modules answer, for the tables of this folder."""

from __future__ import annotations

import dataclasses
import functools
import typing as t
from pathlib import Path

import yaml

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import decisions, outcome
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import settings as reading
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.ended import Ended
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import Settings
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import Stop
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.origin import Origin

ROLE = Path(reading.__file__).parents[3] / "roles" / "deregister_connection"
SHA, DIGEST = "a" * 64, "d" * 64
HOST = "h"
HOSTS = ["a.snowflakecomputing.com"]


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
        "platform_hosts": HOSTS,
        "dialect": "snowflake",
        "statements": ROWS,
        "split_error": None,
        "empty": False,
        "execution": NONE,
        "timing": timing(1),
    }
    return {**answer, **changes}


def failed(code: str, **failure: t.Any) -> Answer:
    """Of any module."""
    return {"failed": True, "msg": f"{code} happened.", "failure": {"code": code, **failure}, "timing": timing(1)}


gone = functools.partial(script, connection_exists=False, source="saved", changed=False)
# The role doesn't take these for failures.
NO_SCRIPT = {**failed("no_cleanup_script", technology="Redshift", tenant="https://t"), "failed": False}
LEFT = "grants, and a role"
NO_SCRIPT_BUT_LEFT = {**NO_SCRIPT, "failure": {**NO_SCRIPT["failure"], "left_on_platform": LEFT}}
LOST = {**failed("script_lost", connection_exists=False), "failed": False}
LOST_BUT_THERE = {**failed("script_lost", connection_exists=True), "failed": False}
CONFIG = {"type": "Snowflake", "id": 5, "host": HOSTS[0], "database": "IMMUTA"}
UNSPLITTABLE = script(statements=[], split_error={"message": "Odd quote."})

EMPTY = script(statements=[], empty=True)

SKIPPED: Answer = {"skipped": True, "changed": False}
PLAN = {
    "steps": [{"action": "delete_connection", "target": "k", "effect": "all is removed"}],
    "irreversible": True,
    "digest": DIGEST,
}
PLANNED: Answer = {"changed": False, "plan": PLAN, "timing": timing(2)}
OBJECTS: list[Answer] = [
    {
        "kind": "DATABASE",
        "name": "IMMUTA",
        "dropped": True,
        "present": True,
        "owner": "O",
        "created_on": "2026-01-01",
        "how": "SHOW",
    },
    {"kind": "ROLE", "name": "R", "dropped": True, "present": False, "owner": None, "created_on": None, "how": "SHOW"},
    {
        "kind": "SCHEMA",
        "name": "S",
        "dropped": True,
        "present": None,
        "owner": None,
        "created_on": None,
        "how": "No full name.",
    },
]
TRIED: Answer = {"changed": False, "session": {"user": "U"}, "objects": OBJECTS, "timing": timing(3)}


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


@dataclasses.dataclass(frozen=True)
class Situation:
    """What is given, what the modules have answered, and the result of the task that failed."""

    given: dict[str, t.Any]
    observed: Observed
    failure: Answer | None = None

    @property
    def settings(self) -> Settings:
        """What is given, read."""
        return read(**self.given)

    @property
    def result(self) -> Answer:
        """What the role makes of it."""
        found = outcome.result(self.settings, self.observed, check_mode=False)
        return {**found, "status": "failed", "failed_task": "Task"} if self.failure else found

    @property
    def stop(self) -> Stop | None:
        """Where it has stopped."""
        return Stop("Task", self.failure) if self.failure else None

    @property
    def all_observed(self) -> Observed:
        """What was observed, with the answers of the stages."""
        decision = dataclasses.asdict(decisions.decide(self.settings, self.observed))
        stages = {} if self.observed.script.get("failed") else {"decided": {"decision": decision}, "shown": {"msg": []}}
        return dataclasses.replace(self.observed, **stages)

    @property
    def ended(self) -> Ended:
        """The run, after a minute."""
        times = "2026-01-01T00:00:00.000Z", "2026-01-01T00:01:00.000Z"
        return Ended(self.settings, self.observed, self.result, *times, self.stop)


GO: dict[str, t.Any] = {"confirm": "k"}
PINNED = {"expected_sha256": SHA, "expected_plan_digest": DIGEST}
DONE = ran("done done done")
REFUSED = failed("permission")
SAVED_THEN_REFUSED = failed("permission", saved={"sha256": SHA, "execution": PARTIAL})
# The ends that a run can come to.
SITUATIONS = {
    "planned, nothing saved": Situation({}, Observed(script(exists=False), planned=PLANNED, deleted=SKIPPED)),
    "planned, pinned": Situation(PINNED, Observed(script(), planned=PLANNED, deleted=SKIPPED)),
    "completed": Situation(GO, Observed(script(), TRIED, SKIPPED, deleted(), ran=DONE)),
    "completed, pinned": Situation({**GO, **PINNED}, Observed(script(), TRIED, SKIPPED, deleted(), ran=DONE)),
    "resumed": Situation(
        {**GO, "expected_plan_digest": DIGEST},
        Observed(gone(execution=PARTIAL), {}, SKIPPED, SKIPPED, ran=ran("replayed done done", executed=2)),
    ),
    "paused": Situation(
        GO,
        Observed(
            script(),
            TRIED,
            planned=SKIPPED,
            deleted=deleted(deleted_objects=None),
            paused=[ran("done not_run not_run", executed=1, state="partial")],
            ran=ran("skipped done done", executed=2),
        ),
    ),
    "a statement failed": Situation(GO, Observed(script(), TRIED, SKIPPED, deleted(), ran=BROKEN), BROKEN),
    "not signed in": Situation(GO, Observed(script(changed=False), REFUSED), REFUSED),
    "nothing known": Situation(GO, Observed(REFUSED), REFUSED),
    "saved, then refused": Situation(GO, Observed(SAVED_THEN_REFUSED), SAVED_THEN_REFUSED),
    "handed off": Situation(
        {**GO, "executor": "handoff"}, Observed(script(), planned=SKIPPED, deleted=left(in_use=False))
    ),
    "stated": Situation(
        {**GO, "executor": "handoff", "script_executed": True},
        Observed(gone(), planned=SKIPPED, deleted=SKIPPED, recorded=RECORDED),
    ),
    "own tasks": Situation(
        {**GO, "executor": "/o.yml"},
        Observed(script(), planned=SKIPPED, deleted=deleted(), recorded=RECORDED, handed_at=HANDED_AT),
    ),
    "own tasks failed": Situation(
        {**GO, "executor": "/o.yml"},
        Observed(script(), planned=SKIPPED, deleted=deleted(), handed_at=HANDED_AT),
        {"failed": True, "msg": "Own."},
    ),
    "already done": Situation(GO, Observed(gone(execution=FINISHED), {}, SKIPPED, SKIPPED)),
    "already done, stated": Situation(GO, Observed(gone(execution=SAID), {}, SKIPPED, SKIPPED)),
    "no script": Situation(GO, Observed(NO_SCRIPT, {}, SKIPPED, left(in_use=True))),
    "empty": Situation({**GO, "empty_script": "accept"}, Observed(EMPTY, {}, SKIPPED, deleted())),
    "lost": Situation(GO, Observed(LOST, {}, SKIPPED, SKIPPED)),
    "regenerated": Situation(
        {**GO, "accept_regenerated": "k"},
        Observed(gone(source="regenerated", integration_config=CONFIG), TRIED, SKIPPED, SKIPPED, ran=DONE),
    ),
}

BY = {"user": "u", "sudo_user": None, "controller": "c", "automation": None}
HERE = Origin(BY, HOST, {"community.immuta": "1", "ansible-core": "2"})
