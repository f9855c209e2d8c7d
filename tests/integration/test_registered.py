# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role register_connection: there and back on both platforms, stopped in the middle, and taken back."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.harness import inprocess
from ansible_collections.community.immuta.tests.harness.arriving import DESCRIPTIONS, MADE, SECRET
from ansible_collections.community.immuta.tests.harness.play import Played
from ansible_collections.community.immuta.tests.harness.servers import PASSWORD, SECRETS, another
from ansible_collections.community.immuta.tests.harness.site import PLATFORMS, Platform, Site


class Way:
    """A site whose connection is registered and removed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.reports = site.path.parent.parent / "reports"
        self.script = site.player.scripts / f"{site.path.stem}.setup.sql"

    def register(self, *arguments: str, **variables: t.Any) -> Played:
        """Run the role; variables without their prefix."""
        values = {
            "connection_key": self.site.key,
            self.site.platform: DESCRIPTIONS[self.site.platform],
            "script_dir": str(self.site.player.scripts),
            "report_dir": str(self.reports),
            **variables,
        }
        given = {f"immuta_register_{name}": value for name, value in values.items()}
        given["immuta_register_script_durable"] = True
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "roles": [{"role": "community.immuta.register_connection"}],
        }
        played = self.site.player.run([play], "--extra-vars", json.dumps(given), *arguments)
        for secret in (*SECRETS, SECRET, MADE):
            assert secret not in played.output
        return played

    def edit(self, *, confirmed: bool) -> None:
        """Describe the registered connection with another port: it is edited only if that is confirmed."""
        about = {**DESCRIPTIONS[self.site.platform], "port": 8443}
        played = self.register(confirm=self.site.key if confirmed else "", **{self.site.platform: about})
        result = self.result(played)
        assert "   port: 443 -> 8443" in played.output
        names = ("port", "nativeIntegration.config.port")
        assert result["differences"] == [{"field": name, "before": 443, "after": 8443} for name in names]
        assert self.site.immuta.state.connections[self.site.key].port == (8443 if confirmed else 443)
        assert ("Not confirmed, so nothing is edited" in played.output) is not confirmed
        if confirmed:
            assert (played.code, result["status"], result["verified"]) == (0, "updated", True), played.output
        else:
            assert (played.code, result["status"]) == (2, "failed"), played.output
            assert "In this role, the option confirm is immuta_register_confirm" in result["error"]

    def report(self, suffix: str = ".registration") -> dict[str, t.Any]:
        """The report for programs; no report holds a secret."""
        for file in self.reports.iterdir():
            text = file.read_text("utf-8")
            assert not [one for one in (*SECRETS, SECRET, MADE) if one in text]
        return dict(json.loads((self.reports / f"{self.site.path.stem}{suffix}.json").read_text("utf-8")))

    @staticmethod
    def result(played: Played) -> dict[str, t.Any]:
        """The role's outcome."""
        facts = [one["result"].get("ansible_facts", {}) for one in played.tasks]
        found = [one["immuta_register_result"] for one in facts if one.get("immuta_register_result")]
        assert found, played.output
        return dict(found[-1])

    def remove(self) -> Played:
        """Take the connection out of service."""
        gone = self.site.play()
        assert (gone.code, gone.result["status"]) == (0, "completed"), gone.output
        return gone

    @property
    def registrations(self) -> int:
        """How often Immuta was asked to register."""
        return sum(one.operation_id == "registerConnection" for one in self.site.immuta.requests)


class Empty(Site):
    """A site that Immuta and its platform know nothing of."""

    empty = True

    def __init__(self, platform: Platform, folder: Path) -> None:
        super().__init__(platform, folder)
        del self.immuta.state.connections[self.key], self.immuta.state.integrations[self.number]


@pytest.fixture(params=PLATFORMS)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> t.Iterator[Way]:
    platform: Platform = request.param
    with Empty(platform, tmp_path) as site:
        yield Way(site)


only_snowflake = pytest.mark.parametrize("way", ["snowflake"], indirect=True)


def test_there_and_back(way: Way) -> None:
    site = way.site
    empty = site.snapshot
    # What a second time meets is the same on both platforms.
    for turn in (1, 2) if site.platform == "snowflake" else (1,):
        if turn == 1:
            planned = way.register("--check", "-vvv")
            assert (planned.code, way.result(planned)["status"]) == (0, "planned"), planned.output
            assert site.snapshot == empty
            assert way.registrations == 0
            assert not way.reports.exists()

        done = way.register("-vvv", "--diff", remove_script=True)
        assert done.code == 0, done.output
        result = way.result(done)
        assert (result["status"], result["verified"]) == ("registered", True), result
        assert result["script"]["done"] == result["script"]["total"]
        assert {(row["present"], row["after"]) for row in result["objects"]} == {(False, True)}
        assert site.connected and not site.cleaned_up and not way.script.exists()
        assert way.registrations == turn

        again = way.register()
        assert (again.code, again.changed, way.result(again)["status"]) == (0, [], "already_registered"), again.output
        runs = way.report()["runs"][-2:]
        assert [run["status"] for run in runs] == ["registered", "already_registered"]
        assert {row["state"] for run in runs for row in run["verified"]} == {"verified"}
        assert len(runs[1]["verified"]) == 4
        assert {(row["present"], row["after"]) for row in runs[0]["objects"]} == {(False, True)}
        assert {row["status"] for row in runs[0]["statements"]} == {"done"}
        # Each turn has three, and the third is still to come.
        assert len(way.report()["runs"]) == 3 * turn - 1
        way.edit(confirmed=turn == 2)
        rotate = {
            "community.immuta.immuta_connection_credentials": {
                "connection_key": site.key,
                site.platform: {
                    name: value
                    for name, value in DESCRIPTIONS[site.platform].items()
                    if name in ("password", "oauth_m2m")
                },
            }
        }
        look = {"community.immuta.immuta_connection_info": {"connection_key": site.key}}
        if turn == 1:
            rotated = site.player.tasks([look, rotate])
            assert rotated.code == 0, rotated.output

        if site.platform == "snowflake":
            way.remove()
        else:
            # The set-up script, which tells what was created, is removed.
            back = way.register(state="undone", confirm=site.key)
            assert (back.code, back.result["status"]) == (0, "completed"), back.output
            assert "tells what this registration has created" in back.output
        assert not site.connected
        assert site.snapshot == empty


def test_a_run_that_broke_is_finished_or_taken_back(way: Way) -> None:
    site = way.site
    empty = site.snapshot
    # The clean-up script needs the user and the database.
    site.fail("statement", "error", match="CREATE USER" if site.platform == "snowflake" else "GRANT")
    broken = way.register("-vvv")
    assert broken.code == 2
    result = way.result(broken)
    assert (result["status"], result["connection_exists"]) == ("failed", False)
    assert 0 < result["script"]["done"] < result["script"]["total"]
    assert "rerun with immuta_register_state=undone, and immuta_register_confirm set to the key." in result["error"]
    assert way.registrations == 0
    (first,) = way.report()["runs"]
    assert (first["status"], first["error"]["code"]) == ("failed", "statement_failed")

    site.clear_faults()
    if site.platform == "snowflake":
        # The script that is saved tells nothing of another team's database.
        other = {**DESCRIPTIONS[site.platform], "database": "FINANCE"}
        before = site.snapshot
        refused = way.register(state="undone", snowflake=other)
        assert (refused.code, way.result(refused)["status"], site.snapshot) == (2, "failed", before), refused.output
        assert "is for the database IMMUTA, not FINANCE." in way.result(refused)["error"]
        assert way.script.exists()
    planned = way.register("-v", state="undone")
    assert (planned.code, "template error" in planned.output) == (0, False), planned.output
    assert (planned.changed, planned.result["status"], "set immuta_register_confirm" in planned.output) == (
        [],
        "planned",
        True,
    )
    # Nobody is sent to variables of the other role, nor told of a connection that never was.
    assert "2. Delete the connection in Immuta: it does not exist" in planned.output
    assert ": created by this registration" in planned.output
    assert "set immuta_deregister_confirm" not in planned.output
    assert "Read it; running it takes immuta_register_confirm." in planned.output
    assert site.snapshot != empty
    assert [one.name for one in site.player.scripts.iterdir() if ".undo.sql" in one.name] == []
    back = way.register("-v", state="undone", confirm=site.key, reason="CHG1")
    assert (back.code, back.result["status"], "template error" in back.output) == (0, "completed", False), back.output
    assert "Immuta rendered it from the description. Read it." in back.output
    assert "takes immuta_" not in back.output
    assert site.snapshot == empty
    needless = [row["index"] for row in back.result["script"]["statements"] if row["status"] == "not_needed"]
    assert bool(needless) is (site.platform == "snowflake")
    assert back.output.count(" was never created.") >= len(needless)
    assert (way.result(planned)["status"], way.result(planned)["report"]) == ("planned", None)
    assert (way.result(back)["status"], way.result(back)["connection_exists"]) == ("undone", False)
    runs = way.report()["runs"]
    # The plan is no run of the report.
    assert [run["status"] for run in runs] == ["failed", "undone"]
    assert runs[1]["removal"] == {"status": "completed", "report": str(way.reports / f"{site.path.stem}.json")}
    # The report of the registration says no more than that of the removal.
    theirs = {row["claim"]: row["state"] for row in way.report("")["runs"][-1]["verified"]}
    mine = {
        row["claim"].replace("the clean-up script drops", "the script drops"): row["state"]
        for row in runs[1]["verified"]
    }
    assert mine == {claim: theirs[claim] for claim in mine}
    assert theirs["The clean-up script has run to its end"] == "verified"
    assert "Run 2 took the registration back" in (way.reports / f"{site.path.stem}.registration.html").read_text(
        "utf-8"
    )
    taken = way.report("")
    assert (taken["report"], taken["status"]) == ("community.immuta.deregister_connection", "completed")
    assert taken["runs"][-1]["reason"] == "CHG1"

    assert not way.script.exists()
    if site.platform == "databricks":
        return
    # What comes next is the same on both.
    finished = way.register()
    assert (finished.code, way.result(finished)["status"]) == (0, "registered"), finished.output
    way.remove()
    refused = way.register()
    assert refused.code == 2
    assert "does not have what it creates, or does not show it" in way.result(refused)["error"]
    assert "NOT DONE: the set-up script has not run for this connection;" in way.result(refused)["error"]
    assert (
        "remove the set-up script and its journal with the module immuta_setup_script" in way.result(refused)["error"]
    )
    assert way.registrations == 1


@only_snowflake
def test_what_another_has_created_is_not_taken_back(way: Way) -> None:
    site = way.site
    empty = site.snapshot
    site.fail("statement", "error", match="CREATE USER")
    assert way.register().code == 2
    site.clear_faults()
    # The role is of this registration; another team creates the rest.
    inprocess.run_by_hand(site.server.environment(PASSWORD), way.script.read_text("utf-8"))
    before = site.snapshot
    refused = way.register(state="undone", confirm=site.key)
    assert refused.code == 2
    assert "USER IMMUTA_SYSTEM_ACCOUNT (not created by this registration: its CREATE has not run)" in refused.output
    assert "ROLE IMMUTA_SYSTEM (" not in refused.output
    assert site.snapshot == before
    result = way.result(refused)
    assert (result["status"], result["connection_exists"]) == ("failed", False)
    assert result["failed_task"] == "Require that what is dropped was created by this registration"
    assert (
        "\nDONE: nothing in this run.\nNOT DONE: the registration is not taken back.\nNEXT: Do what is"
        in result["error"]
    )
    named = [
        *("USER IMMUTA_SYSTEM_ACCOUNT", "DATABASE IMMUTA", "SCHEMA IMMUTA.IMMUTA_SYSTEM"),
        "PROCEDURE IMMUTA.IMMUTA_SYSTEM.IMMUTA_CHECK",
    ]
    site.fail("statement", "error", match="DROP USER")
    halfway = way.register(state="undone", confirm=site.key, drop_existing=named)
    assert (halfway.code, way.result(halfway)["error"]) == (2, halfway.result["error"])
    runs = way.report()["runs"]
    assert [(run["status"], run["removal"] and run["removal"]["status"]) for run in runs] == [
        *(("failed", None), ("failed", None)),
        ("failed", "failed"),
    ]
    assert "Run 3 started to take the registration back, and did not finish" in (
        way.reports / f"{site.path.stem}.registration.html"
    ).read_text("utf-8")
    site.clear_faults()
    back = way.register(state="undone", confirm=site.key, drop_existing=named)
    assert (back.code, back.result["status"], site.snapshot) == (0, "completed", empty), back.output


@only_snowflake
def test_what_is_there_already_stops_it_before_the_first_statement(way: Way) -> None:
    site = way.site
    assert way.register().code == 0
    (other := site.immuta.state).connections.pop(site.key)
    other.integrations.clear()
    way.script.unlink()
    way.script.with_name(f"{way.script.name}.journal").unlink()
    before = site.snapshot
    refused = way.register()
    assert refused.code == 2
    assert "To continue all the same, set immuta_register_existing_objects to accept." in way.result(refused)["error"]
    assert site.snapshot == before
    assert way.registrations == 1


@only_snowflake
def test_what_others_sign_in_with_is_not_taken_back(way: Way) -> None:
    site = way.site
    assert way.register().code == 0
    connections = site.immuta.state.connections
    other = another(site.immuta, site.key)
    extra = {**connections[other].extra, "role": "IMMUTA_SYSTEM"}
    connections[other] = dataclasses.replace(connections[other], extra=extra)
    before = site.snapshot
    for confirm in ("", site.key):
        refused = way.register(state="undone", confirm=confirm)
        assert (refused.code, site.snapshot) == (2, before), refused.output
        assert "takes away what others on the platform need: 3. REVOKE" in refused.result["error"]
        assert f"DROP ROLE IMMUTA_SYSTEM (the connection '{other}')." in refused.result["error"]
    leave = {"immuta_deregister_needed_by_others": "leave"}
    back = way.register("--extra-vars", json.dumps(leave), state="undone", confirm=site.key)
    assert (back.code, back.result["status"]) == (0, "completed"), back.output
    assert site.server.account.exists("ROLE", "IMMUTA_SYSTEM")
    assert not site.server.account.exists("DATABASE", "IMMUTA")
    assert not site.connected
    # Which user there is with which password, only the set-up script knows.
    assert back.result["left_on_platform"] == "ROLE IMMUTA_SYSTEM"
    assert way.script.exists()
