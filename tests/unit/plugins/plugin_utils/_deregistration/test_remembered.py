# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of an integration comes from a person, the plan, or the report, holds no secret, and does not contradict itself."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import remembered
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import REPORT
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import report as evidence
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import CONFIG, read

OLDER, OTHER = {**CONFIG, "warehouse": "OLD"}, {**CONFIG, "host": "b.snowflakecomputing.com"}
BY_HAND = {"type": "Snowflake", "host": "A.SNOWFLAKECOMPUTING.COM", "database": "IMMUTA"}
SECRET = "hunter2-is-no-name"


def report(folder: Path, *configs: t.Any, key: str = "k") -> None:
    """Write a report of runs that knew these configurations."""
    runs = [{"integration_config": config} if config != "none" else {} for config in configs]
    content = {
        "report": REPORT.role,
        "format": evidence.FORMAT,
        "connection_key": key,
        "status": "failed",
        "runs": runs,
    }
    evidence.write(str(folder), "k", content, "")


def completed(folder: Path, given: t.Any = None, plan: t.Any = None) -> dict[str, t.Any]:
    entry = {"connections": [{"connection_key": "k", "integration_config": plan}]} if plan else None
    settings = read(report_dir=str(folder), integration_config=given)
    return remembered.completed(settings, entry)[0].integration_config


@pytest.mark.parametrize(
    ("given", "plan", "runs", "expected"),
    [
        (None, None, [], {}),
        (None, None, [CONFIG], CONFIG),
        # The last run that knows, which need not be the last.
        (None, None, [OLDER, CONFIG, None, "none", {}], CONFIG),
        (None, OLDER, [CONFIG], OLDER),
        (BY_HAND, OLDER, [CONFIG], BY_HAND),
        (BY_HAND, None, [], BY_HAND),
        (None, None, ["text"], {}),
    ],
)
def test_what_is_known(
    tmp_path: Path, given: t.Any, plan: t.Any, runs: list[t.Any], expected: dict[str, t.Any]
) -> None:
    if runs:
        report(tmp_path, *runs)
    assert completed(tmp_path, given, plan) == expected


@pytest.mark.parametrize(
    ("given", "plan", "runs", "told"),
    [
        (
            OTHER,
            CONFIG,
            [],
            "immuta_deregister_integration_config describes another integration than the plan (host differ)",
        ),
        (OTHER, None, [CONFIG], "than the report (host differ)"),
        ({"password": SECRET}, None, [], "immuta_deregister_integration_config has the field 'password'"),
        (
            {"host": f"u:{SECRET}@h"},
            None,
            [],
            "immuta_deregister_integration_config.host contains a user name or a password",
        ),
        (None, {"token": SECRET}, [], "integration_config in the plan has the field 'token'"),
    ],
)
def test_what_is_refused(tmp_path: Path, given: t.Any, plan: t.Any, runs: list[t.Any], told: str) -> None:
    if runs:
        report(tmp_path, *runs)
    with pytest.raises(Refused) as caught:
        completed(tmp_path, given, plan)
    assert told in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("where", ["plan", "report"])
@pytest.mark.parametrize("given", [None, BY_HAND])
def test_what_is_remembered_and_looks_like_a_credential_is_left_out(tmp_path: Path, where: str, given: t.Any) -> None:
    spoilt = {**CONFIG, "user": f"svc password={SECRET}", "host": f"u:{SECRET}@h"}
    report(tmp_path, spoilt if where == "report" else {})
    plan = {"connections": [{"connection_key": "k", "integration_config": spoilt}]} if where == "plan" else None
    settings, warnings = remembered.completed(read(report_dir=str(tmp_path), integration_config=given), plan)
    assert settings.integration_config == (
        given or {name: v for name, v in CONFIG.items() if name not in ("user", "host")}
    )
    (warning,) = warnings
    assert (
        f"What integration_config in the {where} has in host and user is not used" in warning
        or "user and host" in warning
    )
    assert SECRET not in warning


@pytest.mark.parametrize("broken", ["another key", "no report", "none"])
def test_what_is_no_report_of_the_connection_tells_nothing(tmp_path: Path, broken: str) -> None:
    if broken == "another key":
        report(tmp_path, CONFIG, key="other")
    elif broken == "no report":
        (tmp_path / "k.json").write_text("{}")
    assert completed(tmp_path) == {}
    assert remembered.completed(read(), {"connections": "none"})[0].integration_config == {}


def test_another_connections_plan_tells_nothing() -> None:
    plan = {"connections": [{"connection_key": "other", "integration_config": CONFIG}]}
    assert remembered.completed(read(), plan)[0].integration_config == {}


def test_the_integration_of_a_former_connection_is_not_that_of_this_one() -> None:
    former = {"status": "completed", "integration_id": 5, "integration_config": CONFIG}
    for later, known in (({"integration_id": 5}, CONFIG), ({"integration_id": 7}, {})):
        found, _warnings = remembered.known(None, None, {"runs": [former, {"status": "failed", "immuta": [], **later}]})
        assert bool(found) is bool(known)


def looked(after: bool | None, session: t.Any = "s", **more: t.Any) -> dict[str, t.Any]:
    """A run of the report, and what it has found of two objects."""
    rows = [
        {"kind": "ROLE", "name": "R", "after": False if after is not None else None},
        {"kind": "USER", "after": after},
    ]
    return {
        "status": "failed",
        "session": {"user": session} if session else None,
        "objects": rows,
        "chapter": 1,
        **more,
    }


@pytest.mark.parametrize(
    ("runs", "left"),
    [
        ([], False),
        ([looked(False)], False),
        ([looked(True)], True),
        # A run that has not looked repeats what an earlier one has found, and takes nothing back.
        ([looked(True), looked(False, session=None)], True),
        ([looked(False), looked(True, session=None)], False),
        ([looked(True), looked(None)], True),
        ([looked(True), looked(False)], False),
        ([looked(True), {"status": "failed", "session": {"user": "s"}, "objects": None, "chapter": 1}], True),
        # Of a former connection of that key.
        ([looked(True), looked(None, chapter=2)], False),
    ],
)
def test_what_was_left_is_looked_for_again(tmp_path: Path, runs: list[dict[str, t.Any]], left: bool) -> None:
    content = {
        "report": REPORT.role,
        "format": evidence.FORMAT,
        "connection_key": "k",
        "status": "failed",
        "runs": runs,
    }
    evidence.write(str(tmp_path), "k", content, "")
    for verify, again in (("once", left), ("never", False), ("always", True)):
        settings = remembered.completed(read(report_dir=str(tmp_path), verify=verify), None)[0]
        assert (settings.was_left, settings.looks_again) == (left, again)


@pytest.mark.parametrize(("status", "refused"), [("completed", False), ("already_done", False), ("failed", True)])
def test_a_removal_that_has_ended_says_nothing_of_the_next_connection(status: str, refused: bool) -> None:
    written = {"runs": [{"status": status, "immuta": [], "integration_config": CONFIG}]}
    if refused:
        with pytest.raises(InvalidOption):
            remembered.known(OTHER, None, written)
    else:
        assert remembered.known(OTHER, None, written)[0] == OTHER
