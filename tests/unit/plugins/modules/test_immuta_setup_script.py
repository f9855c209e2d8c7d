# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_setup_script: saved once, never shown, never replaced after it has started, and run by the executors."""

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import script_file
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.tests.doubles.immuta_editing import MADE_PASSWORD
from ansible_collections.community.immuta.tests.doubles.immuta_tenant import script_for
from ansible_collections.community.immuta.tests.harness.check_mode import harmless
from ansible_collections.community.immuta.tests.harness.inprocess import COMMON
from ansible_collections.community.immuta.tests.harness.servers import KEY, PASSWORD, TOKEN

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
    from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
    from ansible_collections.community.immuta.tests.harness.inprocess import Result, Tenant

USER = "IMMUTA_SYSTEM_ACCOUNT"
TOTAL = len(split(script_for("Snowflake", "setup", {}), "snowflake"))
PEM = "-----BEGIN PRIVATE KEY-----\nTHISISNOKEYBUTLOOKSLIKEONE0123\nCANARYCANARYCANARYCANARY567890\n-----END PRIVATE KEY-----\n"
GIVEN, SECRET, PAT = "canary-given-0b21", "canary-client-secret-0c2d", "canary-token-55aa01"
CONFIG: dict[str, t.Any] = {
    "host": "example.snowflakecomputing.com",
    "port": 443,
    "warehouse": "COMPUTE_WH",
    "database": "IMMUTA_NEW",
}
WORKSPACE: dict[str, t.Any] = {
    "workspaceUrl": "https://adb-1234567890123456.7.azuredatabricks.net",
    "httpPath": "/sql/1.0/warehouses/0123456789abcdef",
    "catalog": "immuta_new",
    "audit": {"enabled": True},
    "groupPattern": {"deny": "immuta_exempted"},
}
SNOWFLAKE = {"host": CONFIG["host"], "warehouse": "COMPUTE_WH", "role": "R1", "database": "IMMUTA_NEW"}
DATABRICKS = {
    "host": "adb-1234567890123456.7.azuredatabricks.net",
    "http_path": WORKSPACE["httpPath"],
    "catalog": "immuta_new",
    "audit": True,
    "excluded_group": "immuta_exempted",
}
CLIENT = {"client_id": "5b0c7f0e", "client_secret": SECRET, "authority_url": "https://login.example/oidc/v1/token"}
BY_PASSWORD = {"password": {"username": USER, "password": GIVEN}}


class SetUp:
    """Calls the module for Snowflake."""

    def __init__(self, tenant: Tenant, folder: Path) -> None:
        self.tenant = tenant
        self.path = folder / "set-up.sql"

    def __call__(self, **options: t.Any) -> Result:
        absent = options.get("state", "present") != "present"
        usual: dict[str, t.Any] = (
            {} if absent else {"technology": "Snowflake", "config": CONFIG, "snowflake": BY_PASSWORD}
        )
        given = {"path": str(self.path), **usual, **options}
        result = self.tenant("setup_script", **{name: value for name, value in given.items() if value is not None})
        for secret in (MADE_PASSWORD, GIVEN, SECRET, PAT, PEM.splitlines()[1], "MUST_CHANGE_PASSWORD"):
            assert secret not in self.tenant.modules.output
        return result

    def begin(self, *, finish: bool = False) -> None:
        """Let a part of the script have run, or all of it."""
        sha256 = self()["sha256"]
        with journal.Journal(journal.journal_path(str(self.path)), sha256, TOTAL) as book:
            book.started(1, "tag")
            book.done(1)
        if finish:
            journal.mark_finished(journal.journal_path(str(self.path)), sha256=sha256, total=TOTAL, by="operator")

    @property
    def asked(self) -> list[t.Any]:
        """The bodies that were sent, in order."""
        return self.tenant.double.state.setups


@pytest.fixture
def set_up(tenant: Tenant, tmp_path: Path) -> SetUp:
    return SetUp(tenant, tmp_path)


# What is sent


@pytest.mark.parametrize(
    ("technology", "options", "sent"),
    [
        (
            "Snowflake",
            {"config": CONFIG, "snowflake": {"key_pair": {"username": USER, "private_key": PEM}}},
            {
                **CONFIG,
                "authenticationType": "keyPair",
                "username": USER,
                "privateKey": {"keyName": "PRIV_KEY_FILE", "userFilename": "private_key.p8", "content": PEM},
            },
        ),
        (
            "Snowflake",
            {"config": CONFIG, "snowflake": BY_PASSWORD},
            {**CONFIG, "authenticationType": "userPassword", "username": USER, "password": GIVEN},
        ),
        ("Snowflake", {"config": CONFIG, "snowflake": None}, CONFIG),
        (
            "Snowflake",
            {"config": {**CONFIG, "authenticationType": "userPassword", "password": GIVEN}, "snowflake": None},
            {**CONFIG, "authenticationType": "userPassword", "password": GIVEN},
        ),
        (
            "Databricks",
            {"config": WORKSPACE, "snowflake": None, "databricks": {"oauth_m2m": CLIENT}},
            {
                **WORKSPACE,
                "authenticationType": "oAuthM2M",
                "oAuthClientConfig": {
                    "useCertificate": False,
                    "clientId": "5b0c7f0e",
                    "clientSecret": SECRET,
                    "scope": "all-apis",
                    "authorityUrl": CLIENT["authority_url"],
                },
            },
        ),
        (
            "Databricks",
            {"config": WORKSPACE, "snowflake": None, "databricks": {"token": PAT}},
            {**WORKSPACE, "authenticationType": "token", "token": PAT},
        ),
    ],
)
def test_what_immuta_is_asked_with(set_up: SetUp, technology: str, options: dict[str, t.Any], sent: t.Any) -> None:
    done = set_up(technology=technology, **options).good
    assert set_up.asked == [{"type": technology, "autoBootstrap": False, "config": sent}]
    assert {name: done["config"][name] for name in options["config"] if name != "password"} == {
        name: value for name, value in options["config"].items() if name != "password"
    }
    assert done["dialect"] == technology.lower()
    kept = set_up.path.read_text().partition("\n")[0]
    for secret in (GIVEN, SECRET, PAT, PEM.splitlines()[1]):
        assert secret not in kept
    assert "renderSetupScript" in set_up.tenant.asked


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (
            {"snowflake": {**SNOWFLAKE, **BY_PASSWORD}},
            {
                "type": "Snowflake",
                "config": {
                    **CONFIG,
                    "role": "R1",
                    "authenticationType": "userPassword",
                    "username": USER,
                    "password": GIVEN,
                },
            },
        ),
        ({"snowflake": SNOWFLAKE}, {"type": "Snowflake", "config": {**CONFIG, "role": "R1"}}),
        (
            {"snowflake": None, "databricks": {**DATABRICKS, "token": PAT}},
            {"type": "Databricks", "config": {**WORKSPACE, "authenticationType": "token", "token": PAT}},
        ),
        (
            {"snowflake": SNOWFLAKE, "config": {"impersonation": {"enabled": False}}},
            {"type": "Snowflake", "config": {**CONFIG, "role": "R1", "impersonation": {"enabled": False}}},
        ),
    ],
    ids=["snowflake", "no credential", "databricks", "more fields"],
)
def test_the_options_of_a_connection_describe_it_as_well(set_up: SetUp, options: t.Any, asked: t.Any) -> None:
    done = set_up(**{"technology": None, "config": None, **options}).good
    assert set_up.asked == [{"autoBootstrap": False, **asked}]
    assert done["technology"] == asked["type"]


def test_a_script_that_a_person_has_run(set_up: SetUp) -> None:
    assert "There is no saved script" in set_up(state="executed")["msg"]
    assert set_up(state="executed", check=True).good["changed"]
    sha256 = set_up()["sha256"]
    assert set_up(state="executed", expected_sha256="0" * 64).code == "script_changed"
    assert set_up(state="executed", check=True).good["changed"]
    done = set_up(state="executed", expected_sha256=sha256).good
    assert (done["changed"], done["execution"]) == (
        True,
        {"state": "finished", "done": 0, "total": TOTAL, "answers": []},
    )
    assert set_up(state="executed").good["changed"] is False
    assert set_up().good["execution"]["state"] == "finished"
    assert set_up(state="absent").good["changed"]


def test_a_place_that_an_integration_has_already_gets_no_script(set_up: SetUp) -> None:
    refused = set_up(config={**CONFIG, "database": "immuta"})
    assert refused.code == "already_exists"
    assert "The integration 5 ('enabled') is on example.snowflakecomputing.com, in the same database" in refused["msg"]
    assert not set_up.path.exists() and "renderSetupScript" not in set_up.tenant.asked
    set_up.tenant.double.state.integrations[5].status = "disabled"
    assert set_up(config={**CONFIG, "database": "immuta"}).good["changed"] is True


def test_an_integration_that_is_changed_has_a_script_of_its_own(set_up: SetUp) -> None:
    assert set_up(integration_id=5).good["integration_id"] == 5
    assert set_up.tenant.asked == ["renderEditScript"]
    assert "is for Snowflake" in set_up()["msg"]
    assert set_up(integration_id=99, path=str(set_up.path) + "2").code == "not_found"


# The file


def test_it_is_saved_once(set_up: SetUp) -> None:
    done = set_up().good
    text = set_up.path.read_text()
    assert (done["changed"], done["source"], done["exists"], len(done["statements"])) == (True, "immuta", True, TOTAL)
    assert stat.S_IMODE(set_up.path.stat().st_mode) == 0o600
    assert text.startswith("-- community.immuta set-up script, do not edit: {") and MADE_PASSWORD in text
    assert [(row["object"], row["name"]) for row in done["statements"] if row["verb"] == "CREATE"] == [
        ("ROLE", "IMMUTA_NEW_SYSTEM"),
        ("USER", "IMMUTA_NEW_SYSTEM_ACCOUNT"),
        ("DATABASE", "IMMUTA_NEW"),
        ("SCHEMA", "IMMUTA_NEW.IMMUTA_NEW_SYSTEM"),
        ("PROCEDURE", "IMMUTA_NEW.IMMUTA_NEW_SYSTEM.IMMUTA_NEW_CHECK"),
    ]
    assert done["platform_hosts"] == [CONFIG["host"]]
    assert done["diff"]["before"] == "" and f"statements: {TOTAL}" in done["diff"]["after"]
    assert done["diff"]["after"].splitlines()[1] == f"sha256: {done['sha256']}"
    again = set_up().good
    assert (again["changed"], again["source"], again["sha256"]) == (False, "saved", done["sha256"])
    assert len(set_up.asked) == 1 and set_up.path.read_text() == text
    set_up.path.chmod(0o644)
    assert set_up().good["changed"] is True
    assert stat.S_IMODE(set_up.path.stat().st_mode) == 0o600


def test_check_mode_saves_nothing(set_up: SetUp, tmp_path: Path) -> None:
    with harmless(tmp_path):
        planned = set_up(check=True).good
    assert (planned["changed"], planned["exists"], len(planned["statements"])) == (True, False, TOTAL)
    done = set_up()
    assert set(planned.returned) - COMMON == set(done.returned) - COMMON
    with harmless(tmp_path):
        assert set_up(check=True)["changed"] is False
        assert set_up(check=True, state="absent", force=True)["changed"] is True


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"force": True}, True),
        ({"config": {**CONFIG, "warehouse": "OTHER_WH"}}, True),
        ({"snowflake": {"password": {"username": "ANOTHER_USER", "password": GIVEN}}}, True),
        # A secret is no part of what is compared.
        ({"snowflake": {"password": {"username": USER, "password": f"{GIVEN}-2"}}}, False),
    ],
    ids=str,
)
def test_when_it_is_replaced(set_up: SetUp, options: dict[str, t.Any], changed: bool) -> None:
    first = set_up()["sha256"]
    done = set_up(**options).good
    assert (done["changed"], done["sha256"] != first) == (changed, changed)
    assert sorted(os.listdir(set_up.path.parent)) == ["set-up.sql"]


@pytest.mark.parametrize("finish", [False, True])
@pytest.mark.parametrize("options", [{"force": True}, {"config": {**CONFIG, "warehouse": "OTHER_WH"}}], ids=str)
def test_a_script_that_has_started_is_never_replaced(set_up: SetUp, finish: bool, options: dict[str, t.Any]) -> None:
    set_up.begin(finish=finish)
    before = set_up.path.read_bytes()
    assert set_up(**options).code == "script_started"
    kept = set_up().good
    assert (kept["changed"], kept["execution"]["state"]) == (False, "finished" if finish else "partial")
    assert set_up.path.read_bytes() == before and len(set_up.asked) == 1
    set_up.path.unlink()
    assert set_up().code == "script_started"
    assert not set_up.path.exists()


def test_a_script_that_starts_meanwhile_is_not_replaced(set_up: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = set_up()["sha256"]
    read, path = journal.read, journal.journal_path(str(set_up.path))

    def late(place: str) -> journal.Progress:
        found = read(place)
        if found.state == "none":
            with journal.Journal(path, sha256, TOTAL) as book:
                book.started(1, "tag")
        return found

    monkeypatch.setattr(journal, "read", late)
    assert set_up(force=True).code == "script_started"


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ({"config": {"host": "x.example"}}, "invalid_option", "lacks the field database"),
        (
            {"technology": "Databricks", "config": CONFIG, "snowflake": None},
            "invalid_option",
            "lacks the field workspaceUrl",
        ),
        ({"technology": "Databricks", "config": WORKSPACE}, "invalid_option", "is for Snowflake"),
        ({"config": {**CONFIG, "password": GIVEN}}, "invalid_option", "is given in config"),
        ({"databricks": {"token": PAT}}, "invalid_option", "More than one credential"),
        ({"snowflake": {"key_pair": {"private_key": PEM}}}, "invalid_option", "lacks username"),
        ({"expected_sha256": "0" * 64}, "script_changed", "expected_sha256"),
        ({"technology": None, "config": None}, "invalid_option", "Set snowflake or databricks with its host, or"),
        ({"snowflake": {**SNOWFLAKE, "database": None}}, "invalid_option", "snowflake.database is missing"),
        (
            {"snowflake": SNOWFLAKE, "technology": "Databricks", "config": None},
            "invalid_option",
            "Leave technology out.",
        ),
        ({"snowflake": SNOWFLAKE}, "invalid_option", "The field host is given in config, and snowflake makes it, too."),
    ],
    ids=str,
)
def test_what_is_refused(set_up: SetUp, options: dict[str, t.Any], code: str, text: str) -> None:
    refused = set_up(**options)
    assert refused.code == code and text in refused["msg"], refused
    assert not set_up.path.exists()


@pytest.mark.parametrize("there", ["another", "edited", "foreign", "clean-up", "link", "others may write"])
def test_what_is_in_the_place_stays(set_up: SetUp, there: str) -> None:
    if there == "foreign":
        set_up.path.write_text("SELECT 1;\n")
    elif there == "clean-up":
        assert set_up.tenant("cleanup_script", connection_key=KEY, path=str(set_up.path)).good
    elif there == "link":
        set_up.path.symlink_to(set_up.path.parent / "nowhere" / "x")
    else:
        assert set_up().good
    if there == "edited":
        set_up.path.write_text(set_up.path.read_text() + "SELECT 1;\n")
    elif there == "others may write":
        set_up.path.chmod(0o666)
    before = set_up.path.read_bytes() if set_up.path.exists() else None
    config = {**CONFIG, "database": "OTHER"} if there == "another" else CONFIG
    refused = set_up(config=config, force=True)
    assert refused.code in ("refused", "not_own"), refused
    assert (set_up.path.read_bytes() if set_up.path.exists() else None) == before


@pytest.mark.parametrize(
    ("variant", "code"),
    [
        *(({"script_content": wrong}, "unexpected_reply") for wrong in ("html", "error", "prose", "empty")),
        ({"setup_form": "pair"}, "unexpected_reply"),
    ],
    ids=str,
)
def test_what_is_no_script_is_not_saved(set_up: SetUp, variant: dict[str, t.Any], code: str) -> None:
    set_up.tenant.vary(**variant)
    refused = set_up()
    assert refused.code == ("empty_script" if variant.get("script_content") == "empty" else code), refused
    assert not set_up.path.exists()
    set_up.tenant.vary(script_content="rendered", setup_form="whole")
    before = set_up()["sha256"]
    set_up.tenant.vary(**variant)
    assert set_up(force=True).failed
    assert set_up()["sha256"] == before


@pytest.mark.parametrize("form", ["string", "script", "sql", "text"])
def test_every_form_of_the_answer(set_up: SetUp, form: str) -> None:
    set_up.tenant.vary(script_form=form, script_status=201)
    assert len(set_up().good["statements"]) == TOTAL


def test_a_full_disk_leaves_the_old_file(set_up: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up()
    before = set_up.path.read_bytes()

    def full(*_arguments: t.Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert set_up(force=True).code == "script_not_saved"
    assert set_up.path.read_bytes() == before


# Removing it


def test_it_is_removed_after_it_has_run(set_up: SetUp) -> None:
    assert set_up(state="absent").good["changed"] is False
    set_up()
    for _state in ("none", "partial"):
        refused = set_up(state="absent")
        assert refused.code == "script_unfinished" and "only place of a password" in refused["msg"]
        assert set_up.path.exists()
        set_up.begin()
    assert set_up(state="absent", expected_sha256="0" * 64, force=True).code == "script_changed"
    sha256 = set_up()["sha256"]
    journal.mark_finished(journal.journal_path(str(set_up.path)), sha256=sha256, total=TOTAL, by="operator")
    removed = set_up(state="absent").good
    assert removed["changed"] is True and removed["diff"]["after"] == ""
    assert os.listdir(set_up.path.parent) == []


@pytest.mark.parametrize(
    ("options", "step", "left"),
    [
        ({"config": {**CONFIG, "warehouse": "OTHER_WH"}}, "save", ["set-up.sql"]),
        ({"state": "absent", "force": True}, "remove", []),
    ],
)
def test_no_run_begins_while_it_is_replaced_or_removed(
    set_up: SetUp, monkeypatch: pytest.MonkeyPatch, options: dict[str, t.Any], step: str, left: list[str]
) -> None:
    sha256 = set_up()["sha256"]
    do, refused = getattr(script_file, step), []

    def meanwhile(*given: t.Any) -> None:
        with pytest.raises(journal.Locked):
            journal.Journal(journal.journal_path(str(set_up.path)), sha256, TOTAL)
        refused.append(step)
        do(*given)

    monkeypatch.setattr(script_file, step, meanwhile)
    assert set_up(**options).good["changed"] is True
    assert refused == [step]
    assert os.listdir(set_up.path.parent) == left


@pytest.mark.parametrize("journal_left", [False, True])
def test_it_is_removed_on_request(set_up: SetUp, journal_left: bool) -> None:
    if journal_left:
        set_up.begin()
        set_up.path.unlink()
    else:
        set_up()
    assert set_up(state="absent").code == "script_unfinished"
    assert set_up(state="absent", force=True).good["changed"] is True
    assert os.listdir(set_up.path.parent) == []


def test_a_finished_journal_of_another_script_counts_for_nothing(set_up: SetUp) -> None:
    set_up()
    journal.mark_finished(journal.journal_path(str(set_up.path)), sha256="0" * 64, total=TOTAL, by="operator")
    assert set_up(state="absent").code == "script_unfinished"


# The executors


def test_snowflake_script_runs_it(set_up: SetUp, snowflake: SnowflakeDouble) -> None:
    script = set_up().good
    executed = set_up.tenant.modules(
        "snowflake_script",
        env=snowflake.environment(PASSWORD),
        path=script["path"],
        expected_sha256=script["sha256"],
        expected_hosts=script["platform_hosts"],
    )
    assert executed.good["journal"]["state"] == "finished"
    assert ("USER", ("IMMUTA_NEW_SYSTEM_ACCOUNT",)) in snowflake.account.entities
    assert MADE_PASSWORD not in set_up.tenant.modules.output
    execution = set_up().good["execution"]
    assert (execution["state"], execution["done"], execution["total"]) == ("finished", TOTAL, TOTAL)
    # For the report, where the run that did it wrote none.
    assert [row["index"] for row in execution["answers"]] == [*range(1, TOTAL + 1)]
    assert all(row["query_id"] and row["started"] and row["ended"] for row in execution["answers"])
    assert execution["runs"][0]["session"]["user"]
    (saved,) = set_up.tenant.modules("saved_scripts_info", path=str(set_up.path.parent))["setup_scripts"]
    assert saved["execution"] == execution
    assert set_up(state="absent").good["changed"] is True


def test_databricks_script_runs_it(set_up: SetUp, databricks: DatabricksDouble) -> None:
    databricks_only: dict[str, t.Any] = {"snowflake": None, "databricks": {"token": PAT}}
    script = set_up(technology="Databricks", config=WORKSPACE, **databricks_only).good
    executed = set_up.tenant.modules("databricks_script", env=databricks.environment(TOKEN), path=script["path"])
    assert executed.good["journal"]["state"] == "finished"
    assert set_up(state="absent").good["changed"] is True


def test_it_is_no_script_of_a_removal(set_up: SetUp) -> None:
    assert set_up().good
    found = set_up.tenant.modules("saved_scripts_info", path=str(set_up.path.parent))
    assert found["scripts"] == []


def test_what_it_is_for_is_told_as_long_as_it_is_trusted(set_up: SetUp) -> None:
    def listed() -> t.Any:
        found = set_up.tenant.modules("saved_scripts_info", path=str(set_up.path.parent))
        return found["setup_scripts"], found["scripts"]

    sha256 = set_up(technology=None, config=None, snowflake={**SNOWFLAKE, **BY_PASSWORD})["sha256"]
    ((saved,), _others) = listed()
    config = {"type": "Snowflake", **SNOWFLAKE, "port": 443, "user": USER}
    assert (saved["integration_config"], saved["sha256"], saved["tenant"]) == (config, sha256, set_up.tenant.url)
    set_up.path.chmod(0o666)
    ((), (other,)) = listed()
    assert other["path"] == str(set_up.path) and "other users may write to" in other["problem"]
    set_up.path.chmod(0o600)
    set_up.path.write_text(set_up.path.read_text("utf-8") + "-- x\n", "utf-8")
    ((saved,), _others) = listed()
    assert (saved["integration_config"], saved["sha256"]) == (None, None) and saved["problem"]
    set_up.path.write_text("x" + set_up.path.read_text("utf-8"), "utf-8")
    ((), (other,)) = listed()
    assert other["problem"]


def test_only_the_one_that_was_looked_at_is_removed(set_up: SetUp) -> None:
    sha256 = set_up()["sha256"]
    for expected in ("none", "0" * 64):
        refused = set_up(state="absent", force=True, expected_sha256=expected)
        assert (refused.failed, refused["failure"]["code"], set_up.path.exists()) == (True, "script_changed", True)
    assert set_up(state="absent", force=True, expected_sha256=sha256).good["changed"]
    assert not set_up(state="absent", force=True, expected_sha256="none").good["changed"]


def test_what_it_has_created_is_told(set_up: SetUp) -> None:
    def told() -> t.Any:
        (found,) = set_up.tenant.modules("saved_scripts_info", path=str(set_up.path.parent))["setup_scripts"]
        return found["acted"], {one["name"]: one["created"] for one in found["creates"] or ()}

    assert set_up().good
    names = told()[1]
    assert "IMMUTA_NEW" in names or USER in names
    assert told() == (False, dict.fromkeys(names, False))
    # A change of the session is none of the platform.
    set_up.begin()
    assert told() == (False, dict.fromkeys(names, False))
    set_up.begin(finish=True)
    assert told() == (True, dict.fromkeys(names))
    set_up.path.write_text(set_up.path.read_text("utf-8") + "-- x\n", "utf-8")
    assert told() == (None, {})
