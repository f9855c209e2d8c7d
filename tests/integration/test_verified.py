# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A script that ran, or is said to have, and left what it drops: the role fails, whoever ran it, until that is gone."""

from __future__ import annotations

import contextlib
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness import inprocess
from ansible_collections.community.immuta.tests.harness.servers import PASSWORD
from ansible_collections.community.immuta.tests.harness.site import Site, together

# Who runs the script.
WAYS = ("snowflake", "databricks", "own", "handoff")
GONE = ("DATABASE", "IMMUTA"), ("ROLE", "IMMUTA_SYSTEM"), ("USER", "IMMUTA_SYSTEM_ACCOUNT")


def sessions(site: Site) -> int:
    return len(site.server.logins if isinstance(site.server, SnowflakeDouble) else site.server.sessions)


def lie(site: Site) -> None:
    """Have the platform answer a DROP well, and drop nothing but what the script has made itself."""
    if isinstance(site.server, SnowflakeDouble):
        drop = site.server.account.drop
        site.server.account.drop = lambda entity, role: (  # type: ignore[method-assign]
            drop(entity, role) if entity.kind == "PROCEDURE" else None
        )
    else:
        site.server.metastore.drop = lambda *about, **more: None  # type: ignore[method-assign]


def drop_by_hand(site: Site) -> None:
    """Drop what is left of a script of which all else has run."""
    if isinstance(site.server, SnowflakeDouble):
        for kind, name in GONE:
            del site.server.account.entities[kind, (name,)]
    else:
        del site.server.metastore.securables["CATALOG", ("immuta",)]


def run_by_hand(site: Site) -> None:
    """Run a script of which nothing has run."""
    assert isinstance(site.server, SnowflakeDouble)
    del site.server.account.drop
    inprocess.run_by_hand(site.server.environment(PASSWORD), site.script.decode())


@pytest.mark.oldest
def test_what_is_left_is_a_failure_whoever_has_run_the_script(tmp_path: Path) -> None:
    own = tmp_path / "own.yml"
    own.write_text(json.dumps([{"name": "Say that it has run", "ansible.builtin.debug": {"msg": "done"}}]))
    with contextlib.ExitStack() as stack:
        sites = [
            stack.enter_context(Site("databricks" if way == "databricks" else "snowflake", tmp_path / way))
            for way in WAYS
        ]
        for site in sites:
            lie(site)
        reports = [site.folder / "reports" for site in sites]
        given: list[dict[str, t.Any]] = [
            {"executor": str(own) if way == "own" else way, "report_dir": str(folder)}
            for way, folder in zip(WAYS, reports)
        ]
        first = together(sites, variables=given)
        assert [one.result["status"] for one in first] == ["failed", "failed", "failed", "handed_off"]
        # The one who runs it looks twice; of those that today's run had no session for, there is one.
        assert [sessions(site) for site in sites] == [2, 2, 1, 1]
        seen = [row for row in first[3].result["objects"] if row["type"] == "object"]
        assert {row["present"] for row in seen if not row["made"]} == {True}
        assert "There: DATABASE IMMUTA, owner IMMUTA_SYSTEM" in first[3].output

        given[3]["script_executed"] = True
        second = together(sites, variables=given)
        assert [sessions(site) for site in sites] == [3, 3, 2, 2]
        for one, site, folder in zip([*first[:3], *second], [*sites[:3], *sites], [*reports[:3], *reports]):
            what = "CATALOG immuta" if site.platform == "databricks" else "DATABASE IMMUTA"
            assert (one.code, one.result["status"]) == (2, "failed")
            assert "still" in one.error and what in one.error
            assert "Check what is still there. If it is Immuta's, drop it by hand" in one.error
            assert site.progress.state != "finished"
            (report,) = folder.glob("*.json")
            assert json.loads(report.read_text())["runs"][-1]["error"]["code"] == "objects_left"

        for site in sites[:2]:
            drop_by_hand(site)
        for site in sites[2:]:
            run_by_hand(site)
        before = [sessions(site) for site in sites]
        third = together(sites, variables=given)
        assert [sessions(site) - count for site, count in zip(sites, before)] == [1, 1, 1, 1]
        for one, way, site, folder in zip(third, WAYS, sites, reports):
            assert one.result["status"] == "completed", (way, one.error)
            count = sum(row["dropped"] and not row["made"] for row in one.result["objects"])
            assert count >= (1 if way == "databricks" else 3)
            assert f"Platform: {count} of {count} objects gone" in one.output
            assert "it is only stated that the script" not in one.output
            assert site.progress.state == "finished"
            (report,) = folder.glob("*.json")
            run = json.loads(report.read_text())["runs"][-1]
            assert {claim["state"] for claim in run["verified"]} == {"verified"}, way
            dropped = [row for row in run["objects"] if row["dropped"] and not row["made"]]
            assert all(row["query_id"] and row["after_query_id"] for row in dropped)
            assert "in part only stated" not in report.with_suffix(".html").read_text()

        # Something comes back, and a look finds it: the rerun that the message asks for looks again, until it is gone.
        assert isinstance(sites[0].server, SnowflakeDouble)
        sites[0].server.account.add("DATABASE", "IMMUTA", owner="SYSADMIN")
        for verify, code in (("", 0), ("always", 2), ("", 2)):
            again = sites[0].play(**{**given[0], "verify": verify})
            assert again.code == code, again.output
            assert ("still has what it removes: DATABASE IMMUTA" in again.output) is bool(code)
            assert code or "objects gone, as an earlier run has seen it" in again.output
        del sites[0].server.account.entities["DATABASE", ("IMMUTA",)]
        last = sites[0].play(**given[0])
        assert (last.code, last.result["status"]) == (0, "already_done"), last.output
        assert "as an earlier run has seen it" not in last.output
