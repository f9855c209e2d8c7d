# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of the modules, from which the tests put situations together."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._registration import settings
from ansible_collections.community.immuta.plugins.plugin_utils._registration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import Settings

SHA = "a" * 64
TIMING = {"timing": {"started": "s", "ended": "e"}}
SNOWFLAKE = {
    "host": "acme.snowflakecomputing.com",
    "warehouse": "WH",
    "role": "R",
    "database": "IMMUTA",
    "key_pair": {"username": "U", "private_key": "hunter2-hunter2"},
}
DATABRICKS = {
    "host": "dbc-1.cloud.databricks.com",
    "http_path": "/sql/1.0/warehouses/1",
    "catalog": "immuta",
    "oauth_m2m": {"client_id": "c", "client_secret": "hunter2-hunter2"},
}
TENANT = "https://t"
# What the set-up script of that was asked for with.
SAVED: dict[str, t.Any] = {
    "type": "Snowflake",
    "host": "acme.snowflakecomputing.com",
    "warehouse": "WH",
    "role": "R",
    "database": "IMMUTA",
    "user": "U",
}
ROW = {"index": 1, "line": 3, "verb": "CREATE", "object": "DATABASE", "name": "IMMUTA", "unusual": False}
MARKED = {**ROW, "index": 2, "line": 4, "verb": "CALL", "object": "", "name": "F", "unusual": True}
ROWS = [ROW, MARKED]
FOUND = {"connections": [{"key": "k"}], **TIMING}
NONE: dict[str, t.Any] = {"connections": [], **TIMING}
OBJECT = {"kind": "DATABASE", "name": "IMMUTA", "present": False, "owner": None}
TRIED = {"objects": [OBJECT], "session": {"user": "ADMIN"}, **TIMING}
FINISHED = {"state": "finished", "done": 2, "total": 2, "skipped": []}
RAN = {
    "statements": [{**row, "status": "done", "query_id": "q"} for row in ROWS],
    "journal": {"state": "finished"},
    "objects": [{**OBJECT, "present": True}],
    **TIMING,
}
REGISTERED = {
    "changed": True,
    "registered": True,
    "verified": True,
    "integration": {"id": 7, "status": "enabled"},
    **TIMING,
}
SHOWN = {"msg": ["Plan"]}
# A connection that exists: as described, and with another warehouse.
SAME: dict[str, t.Any] = {
    "plan": {"steps": [], "digest": SHA},
    "differences": [],
    "not_compared": ["privateKey"],
    "verified": True,
    "integration": {"id": 7, "status": "enabled"},
    **TIMING,
}
WAREHOUSE = {"field": "warehouse", "before": "OLD_WH", "after": "WH"}
DIFFERS: dict[str, t.Any] = {
    **SAME,
    "plan": {"steps": [{"action": "edit_connection"}], "digest": SHA},
    "differing": ["warehouse"],
    "differences": [WAREHOUSE],
}


def script(**more: t.Any) -> dict[str, t.Any]:
    """The set-up script, saved and not run."""
    state = {"state": "none", "done": 0, "total": 2, "skipped": []}
    return {"sha256": SHA, "exists": True, "changed": True, "execution": state, "statements": ROWS, **TIMING, **more}


def undo(state: str | None, problem: str | None = None) -> dict[str, t.Any]:
    """The clean-up scripts that are kept: that of another connection, and the one that takes this registration back."""
    other = {"path": "/home/s/other.undo.sql", "state": "partial", "problem": None}
    return {"scripts": [other, {"path": "/home/s/k.undo.sql", "state": state, "problem": problem}], **TIMING}


def set_up_script(**more: t.Any) -> dict[str, t.Any]:
    """The set-up script of what C(read) describes, as C(saved_scripts_info) lists it, and what is otherwise."""
    return {
        "path": "/home/s/k.setup.sql",
        "tenant": TENANT,
        "technology": "Snowflake",
        "integration_config": SAVED,
        "sha256": SHA,
        "state": "partial",
        "done": 1,
        "total": 2,
        "problem": None,
        "acted": True,
        "creates": [],
        **more,
    }


def read(**given: t.Any) -> Settings:
    """The settings of a connection to Snowflake, and what else is given."""
    variables = {"connection_key": "k", "snowflake": SNOWFLAKE, "script_dir": "/s", **given}
    named = {f"immuta_register_{name}": value for name, value in variables.items()}
    return settings.read(named, settings.options(), host="h")


def decided(**decision: t.Any) -> dict[str, t.Any]:
    """What was decided."""
    usual = {
        "preflight": "snowflake",
        "look": "",
        "run": "snowflake",
        "register": True,
        "forget": False,
        "compare": False,
    }
    return {"decision": {**usual, **decision}}


def there(compared: dict[str, t.Any], **more: t.Any) -> Observed:
    """A run for a connection that exists, and what is otherwise."""
    decision = decided(preflight="", run="", compare=True)
    return Observed(**{"found": FOUND, "decided": decision, "compared": compared, "shown": SHOWN, **more})


def done(**more: t.Any) -> Observed:
    """A run that came to its end, and what is otherwise."""
    known: dict[str, t.Any] = {
        "found": NONE,
        "script": script(),
        "decided": decided(),
        "tried": TRIED,
        "shown": SHOWN,
        "ran": RAN,
        "registered": REGISTERED,
    }
    return Observed(**{**known, **more})
