# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module immuta_cleanup_script: the script is safe in its file, or nothing was touched."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import os
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script, script_file
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.tests.doubles.immuta_server import Connection, ImmutaDouble, State
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Result, Tenant


class Keeper:
    """Calls the module on one path."""

    def __init__(self, tenant: Tenant, folder: Path) -> None:
        self.tenant = tenant
        self.path = folder / "kept" / "x.sql"

    def __call__(self, **options: t.Any) -> Result:
        if not {"connection_key", "integration_id"} & set(options) and options.get("state", "present") == "present":
            options["connection_key"] = KEY
        return self.tenant("cleanup_script", **{"path": str(self.path), **options})

    def forget_connection(self) -> None:
        """Let the connection and its integration be gone from Immuta."""
        del self.tenant.double.state.connections[KEY]
        del self.tenant.double.state.integrations[5]


@pytest.fixture
def keep(tenant: Tenant, tmp_path: Path) -> Keeper:
    return Keeper(tenant, tmp_path)


# Saving


@pytest.mark.parametrize("form", ["string", "script", "sql", "text"])
@pytest.mark.parametrize("status", [200, 201])
def test_saves_the_script_in_whatever_form_it_comes(keep: Keeper, form: str, status: int) -> None:
    keep.tenant.vary(script_form=form, script_status=status)
    result = keep()
    assert result["changed"] is True, result
    raw = keep.path.read_bytes()
    assert raw.partition(b"\n")[2].decode() == keep.tenant.double.state.integrations[5].script
    assert result["sha256"] == hashlib.sha256(raw).hexdigest()
    assert result["size"] == len(raw)
    assert stat.S_IMODE(keep.path.stat().st_mode) == 0o600
    assert (result["source"], result["dialect"], result["technology"]) == ("immuta", "snowflake", "Snowflake")
    assert (result["integration_id"], result["connection_exists"]) == (5, True)
    assert {"verb": "DROP", "object": "DATABASE", "name": "IMMUTA"}.items() <= result["statements"][-3].items()
    assert result["execution"] == {"state": "none", "done": 0, "total": None, "answers": [], "skipped": []}
    # Nothing but the descriptions of the others tells whether one of them has the same integration.
    others = ["searchObjects", "getConnection", "getConnection"]
    # And nothing but the list of integrations, whether one of them is in its place.
    own = ["getIntegration", "renderCleanupScript", "listIntegrations"]
    assert keep.tenant.asked == ["getConnection", *others, *own]
    assert keep.tenant.double.connections == 1


def overtake(keep: Keeper, then: t.Callable[[], None]) -> None:
    """Let another run save the script while the first request of the next one waits for its answer."""
    keep()
    raw = keep.path.read_bytes()
    keep.path.unlink()

    def gate(label: str, when: str) -> bool:
        keep.tenant.double.gate = None
        script_file.save(str(keep.path), raw)
        then()
        return True

    keep.tenant.double.gate = gate


def test_another_run_saves_the_script_and_deletes_the_connection_meanwhile(keep: Keeper) -> None:
    overtake(keep, then=keep.forget_connection)
    result = keep()
    assert (result["source"], result["changed"]) == ("saved", False)
    assert result["connection_exists"] is False


def test_another_run_has_begun_to_run_another_script_meanwhile(keep: Keeper) -> None:
    kept = b""

    def begin() -> None:
        nonlocal kept
        kept = keep.path.read_bytes()
        sha256 = hashlib.sha256(kept).hexdigest()
        journal.Journal(journal.journal_path(str(keep.path)), sha256, 9).close()
        keep.tenant.double.state.integrations[5].script = "DROP DATABASE IF EXISTS OTHER;\n"

    overtake(keep, then=begin)
    assert keep().code == "script_changed"
    assert keep.path.read_bytes() == kept != b""


def test_a_second_time_nothing_changes(keep: Keeper) -> None:
    first = keep()
    before = keep.path.stat()
    second = keep()
    assert second["changed"] is False
    assert second["diff"]["before"] == second["diff"]["after"]
    assert second["sha256"] == first["sha256"]
    assert keep.path.stat().st_mtime_ns == before.st_mtime_ns


def test_check_mode_tells_the_same_and_saves_nothing(keep: Keeper) -> None:
    planned = keep(check=True)
    assert not keep.path.parent.exists()
    assert planned["exists"] is False
    real = keep()
    for field in ("changed", "diff", "sha256", "statements"):
        assert planned[field] == real[field]


def test_the_diff_masks_credentials(keep: Keeper) -> None:
    assert "PASSWORD" not in keep(check=True)["diff"]["after"]
    result = keep(diff_text=True)
    assert "SET PASSWORD = '********'" in result["diff"]["after"]
    assert "rotated-away-4b1d9e" not in keep.tenant.modules.output
    assert "rotated-away-4b1d9e" in keep.path.read_text()


def test_a_new_script_replaces_the_old_one(keep: Keeper) -> None:
    keep()
    keep.tenant.double.state.integrations[5].script = "DROP DATABASE IF EXISTS OTHER;\n"
    result = keep()
    assert result["changed"] is True
    assert "OTHER" in keep.path.read_text()
    assert "OTHER" not in Path(result["kept"]).read_text()
    assert "IMMUTA_SYSTEM_ACCOUNT" in result["diff"]["before"]


def test_takes_the_file_away_from_others(keep: Keeper) -> None:
    keep()
    keep.path.chmod(0o644)
    result = keep()
    assert result["changed"] is True
    assert "mode: 0644" in result["diff"]["before"]
    assert stat.S_IMODE(keep.path.stat().st_mode) == 0o600


def test_by_integration_id(keep: Keeper) -> None:
    result = keep(integration_id=7)
    assert (result["dialect"], result["connection_key"], result["connection_exists"]) == ("databricks", None, None)
    assert keep(integration_id=7)["changed"] is False


@pytest.mark.parametrize("form", ["null", "absent"])
def test_finds_the_integration_that_immuta_does_not_name(keep: Keeper, form: str) -> None:
    keep.tenant.vary(native_integration_id=form)
    assert keep()["integration_id"] == 5


def test_a_script_that_can_not_be_split_is_saved_all_the_same(keep: Keeper) -> None:
    keep.tenant.double.state.integrations[5].script = "DROP DATABASE 'IMMUTA;\n"
    result = keep()
    assert not result.failed
    assert result["statements"] == []
    assert result["split_error"]["code"] == "split_error"
    assert result["split_error"]["line"] == 2
    assert keep.path.exists()


def test_pins_what_was_approved(keep: Keeper) -> None:
    digest = keep(check=True)["sha256"]
    assert keep(expected_sha256="0" * 64).code == "script_changed"
    assert not keep.path.exists()
    assert keep(expected_sha256=digest.upper())["changed"] is True


def test_a_script_that_can_not_be_split_can_be_recorded_as_run(keep: Keeper) -> None:
    keep.tenant.double.state.integrations[5].script = "DROP DATABASE 'IMMUTA;\n"
    keep()
    assert keep(state="executed", check=True)["changed"] is True
    assert keep(state="executed")["execution"] == {
        "state": "finished",
        "done": 0,
        "total": 0,
        "answers": [],
        "skipped": [],
    }
    assert keep(state="executed")["changed"] is False


# When Immuta can't render it any more


def test_a_hidden_connection_is_not_a_deleted_one(keep: Keeper) -> None:
    keep()
    del keep.tenant.double.state.connections[KEY]
    result = keep()
    assert result.code == "contradiction"
    assert "integration 5" in result["msg"]
    assert result["failure"]["saved"]["execution"]["state"] == "none"


def test_a_key_that_may_not_see_everything_finds_nothing_lost(keep: Keeper) -> None:
    keep.tenant.permit("CREATE_DATA_SOURCE", owns=["prod databricks"])
    keep.tenant.vary(missing_permission=404)
    assert keep().code == "permission"


def test_a_script_that_is_hidden_is_not_replaced_by_the_saved_one(keep: Keeper) -> None:
    keep()
    keep.tenant.fault("status", operation_id="renderCleanupScript", status=404)
    assert keep().code == "contradiction"


def test_the_saved_one_counts_when_the_connection_is_gone(keep: Keeper) -> None:
    first = keep()
    keep.forget_connection()
    keep.tenant.double.requests.clear()
    result = keep()
    assert result["changed"] is False
    assert (result["source"], result["connection_exists"]) == ("saved", False)
    assert result["sha256"] == first["sha256"]
    assert result["statements"] == first["statements"]
    # The descriptions of the others tell who signs in with what the script takes away.
    others = ["getConnection", "getConnection"]
    assert keep.tenant.asked == ["getConnection", "getObject", "searchObjects", "listIntegrations", *others]


@pytest.mark.parametrize("afterwards", ["deleted", "disabled", "gone"])
def test_the_saved_one_counts_when_the_integration_is_gone(keep: Keeper, afterwards: str) -> None:
    keep(integration_id=5)
    if afterwards == "gone":
        keep.forget_connection()
    else:
        keep.tenant.double.state.integrations[5].status = afterwards
        keep.tenant.fault("status", operation_id="renderCleanupScript", status=400)
    result = keep(integration_id=5)
    assert not result.failed, result
    assert (result["changed"], result["source"]) == (False, "saved")


def test_without_a_saved_one_it_is_lost(keep: Keeper) -> None:
    keep.forget_connection()
    result = keep()
    assert result.code == "script_lost"
    assert "by hand" in result["msg"]
    assert "IMMUTA" in result["msg"]
    assert keep(integration_id=5).code == "script_lost"
    assert not keep.path.exists()


def test_a_mistyped_key_is_answered_with_similar_ones(keep: Keeper) -> None:
    result = keep(connection_key="prod snowflak")
    assert result.code == "script_lost"
    assert result["msg"].endswith(f"Did you mean {KEY!r}?")
    assert (result["failure"]["similar_keys"], "by_hand" in result["failure"]) == ([KEY], False)
    assert "clean up by hand" in keep(connection_key="finance")["msg"]


@pytest.mark.parametrize(
    "variant", [{"wrong_prefix": True}, {"login_page": True}, {"connections_enabled": False}], ids=str
)
def test_a_wrong_url_does_not_make_the_saved_one_count(keep: Keeper, variant: dict[str, t.Any]) -> None:
    keep()
    keep.tenant.vary(**variant)
    result = keep()
    assert result.code in ("api_missing", "unexpected_reply")


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ("empty", "empty_script", "contains no statement"),
        ("html", "unexpected_reply", "web page"),
        ("error", "unexpected_reply", "Internal Server Error"),
        ("prose", "unexpected_reply", "not SQL"),
    ],
)
def test_refuses_an_answer_that_is_no_script(keep: Keeper, content: str, code: str, words: str, saved: bool) -> None:
    if saved:
        keep()
    before = keep.path.read_bytes() if saved else None
    keep.tenant.vary(script_content=content)
    result = keep()
    assert result.code == code
    assert words in result["msg"]
    assert (keep.path.read_bytes() if keep.path.exists() else None) == before


def test_lake_formation_has_none(keep: Keeper) -> None:
    result = keep(connection_key="prod lake formation")
    assert result.code == "no_cleanup_script"
    assert "Lake Formation" in result["msg"]
    assert "LF-Tags" in result["failure"]["left_on_platform"]


@pytest.mark.parametrize("status", [400, 404])
def test_a_technology_of_which_nothing_is_known(keep: Keeper, status: int) -> None:
    keep.tenant.vary(described_status=status)
    keep.tenant.double.state.connections["warehouse"] = Connection("warehouse", "Redshift")
    refused = keep(connection_key="warehouse")
    assert refused.code == "script_unknown"
    assert "without_script" in refused["msg"]
    assert keep(connection_key="warehouse", without_script=True).code == "no_cleanup_script"
    assert not keep.path.exists()


def test_a_saved_script_has_to_run_although_there_is_none_any_more(keep: Keeper) -> None:
    keep()
    before = keep.path.read_bytes()
    keep.tenant.double.state.connections[KEY].technology = "Glue"
    result = keep()
    assert result.code == "contradiction"
    assert "is Glue now" in result["msg"]
    assert keep.path.read_bytes() == before
    keep(state="executed")
    assert keep().code == "no_cleanup_script"


def test_a_missing_permission_is_named(keep: Keeper) -> None:
    keep.tenant.permit("INFRASTRUCTURE_ADMIN")
    result = keep()
    assert result.code == "permission"
    assert "APPLICATION_ADMIN" in result["msg"]


@pytest.mark.parametrize("options", [{"connection_key": KEY, "integration_id": 5}, {"connection_key": ""}])
def test_wants_one_of_key_and_id(keep: Keeper, options: dict[str, t.Any]) -> None:
    result = keep(**options)
    assert result.failed
    assert "connection_key" in result["msg"]
    assert keep.tenant.asked == []


def test_wants_one_of_key_and_id_at_all(tenant: Tenant, tmp_path: Path) -> None:
    result = tenant("cleanup_script", path=str(tmp_path / "x.sql"))
    assert result.failed
    assert "integration_id" in result["msg"]


# What is there already


@pytest.mark.parametrize("what", ["foreign", "folder", "dangling", "below a file"])
def test_refuses_a_path_of_something_else_before_it_asks(keep: Keeper, what: str) -> None:
    keep.path.parent.mkdir()
    if what == "foreign":
        keep.path.write_text("SELECT 1;\n")
    elif what == "folder":
        keep.path.mkdir()
    elif what == "dangling":
        keep.path.symlink_to(keep.path.parent / "nowhere")
    else:
        keep.path.touch()
        keep.path = keep.path / "x.sql"
    result = keep()
    assert result.code == "refused"
    assert str(keep.path) in result["msg"]
    assert keep.tenant.asked == []


def test_refuses_the_script_of_another_connection(keep: Keeper) -> None:
    keep(connection_key="prod databricks")
    before, asked = keep.path.read_bytes(), len(keep.tenant.asked)
    result = keep()
    assert result.code == "refused"
    assert "prod databricks" in result["msg"]
    assert keep.path.read_bytes() == before
    assert len(keep.tenant.asked) == asked


def test_refuses_the_script_of_another_integration_of_the_same_key(keep: Keeper) -> None:
    keep()
    before = keep.path.read_bytes()
    state = keep.tenant.double.state
    state.connections[KEY].native_integration_id = 8
    assert keep().code == "refused"
    assert keep.path.read_bytes() == before


@pytest.mark.parametrize("number", [5, None])
def test_refuses_an_integration_that_another_connection_has(keep: Keeper, number: int | None) -> None:
    state = keep.tenant.double.state
    state.connections["other"] = dataclasses.replace(state.connections[KEY], key="other")
    state.connections[KEY].native_integration_id = number
    result = keep()
    assert result.code == "integration_shared"
    assert "'other'" in result["msg"]
    assert "renderCleanupScript" not in keep.tenant.asked
    assert not keep.path.exists()


def test_refuses_the_script_of_another_tenant(keep: Keeper) -> None:
    keep()
    with ImmutaDouble(State.example("another connection", api_key=API_KEY)) as other:
        result = keep(url=other.url)
        assert result.code == "refused"
        assert other.requests == []


def test_refuses_a_script_that_was_edited(keep: Keeper) -> None:
    keep()
    keep.path.write_text(keep.path.read_text() + "DROP DATABASE SALES;\n")
    result = keep()
    assert result.code == "refused"
    assert "changed after it was saved" in result["msg"]
    assert "SALES" in keep.path.read_text()


def test_refuses_to_replace_a_script_that_has_begun_to_run(keep: Keeper) -> None:
    first = keep()
    place = journal.journal_path(str(keep.path))
    with journal.Journal(place, first["sha256"], 3) as book:
        book.started(1, "tag")
        book.done(1)
    execution = keep()["execution"]
    assert (execution["state"], execution["done"], execution["total"]) == ("partial", 1, 3)
    keep.tenant.double.state.integrations[5].script = "DROP DATABASE OTHER;\n"
    assert keep().code == "script_changed"
    assert "OTHER" not in keep.path.read_text()


# The other states


def test_records_that_it_was_run_by_other_means(keep: Keeper) -> None:
    keep()
    asked = len(keep.tenant.asked)
    planned = keep(state="executed", check=True)
    assert (planned["changed"], planned["execution"]["state"]) == (True, "none")
    assert keep(state="executed")["execution"]["state"] == "finished"
    assert keep(state="executed")["changed"] is False
    assert len(keep.tenant.asked) == asked
    assert keep()["execution"]["state"] == "finished"


def test_records_also_a_script_that_only_a_person_can_split(keep: Keeper) -> None:
    keep.tenant.double.state.integrations[5].script = "DROP DATABASE 'IMMUTA;\n"
    keep()
    planned = keep(state="executed", check=True)
    real = keep(state="executed")
    assert real["execution"]["state"] == "finished", real
    assert (planned["changed"], planned["diff"]) == (real["changed"], real["diff"])
    assert keep()["execution"]["state"] == "finished"


def test_can_not_record_what_is_not_there(keep: Keeper) -> None:
    assert keep(state="executed").code == "refused"
    # A task before this one may be in check mode, too.
    foretold = keep(state="executed", check=True, expected_sha256="0" * 64)
    assert (foretold["changed"], foretold["sha256"]) == (True, "0" * 64)
    assert any("is not there" in str(warning) for warning in foretold["warnings"])


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("state", ["present", "executed"])
def test_does_not_believe_the_journal_of_another_script(keep: Keeper, state: str, check: bool) -> None:
    keep()
    journal.mark_finished(journal.journal_path(str(keep.path)), sha256="0" * 64, total=1, by="a test")
    assert keep(state=state, check=check).code == "script_changed"


def test_removes_the_script_and_its_journal(keep: Keeper) -> None:
    keep()
    planned = keep(state="absent", check=True)
    assert keep.path.exists()
    removed = keep(state="absent")
    assert removed["changed"] is True
    assert (planned["changed"], planned["diff"]) == (removed["changed"], removed["diff"])
    assert "rotated-away-4b1d9e" not in removed["diff"]["before"]
    assert any("has not run to its end" in str(warning) for warning in removed["warnings"])
    assert keep(state="absent")["changed"] is False
    keep()
    keep(state="executed")
    assert "warnings" not in keep(state="absent")
    assert os.listdir(keep.path.parent) == []


def test_removes_nothing_while_a_run_is_at_work(keep: Keeper) -> None:
    saved = keep()
    place = journal.journal_path(str(keep.path))
    with journal.Journal(place, saved["sha256"], len(saved["statements"])):
        assert keep(state="absent").code == "locked"
        assert keep.path.exists()
    assert keep(state="absent")["changed"] is True
    assert os.listdir(keep.path.parent) == []


def test_does_not_remove_what_is_not_its_own(keep: Keeper) -> None:
    keep.path.parent.mkdir()
    keep.path.write_text("SELECT 1;\n")
    assert keep(state="absent").code == "refused"
    assert keep.path.exists()


# Where the script has to be run


HERE = "example.snowflakecomputing.com"


@pytest.mark.parametrize(
    ("connection", "integration", "expected"),
    [
        (HERE, HERE, [HERE]),
        (HERE, "dev.snowflakecomputing.com", [HERE, "dev.snowflakecomputing.com"]),
        (None, HERE, [HERE]),
        (HERE, None, [HERE]),
        (None, None, []),
    ],
)
def test_names_the_hosts_of_connection_and_integration(
    keep: Keeper, connection: str | None, integration: str | None, expected: list[str]
) -> None:
    state = keep.tenant.double.state
    state.connections[KEY].hostname, state.integrations[5].config["host"] = connection, integration
    first = keep().good
    assert first["platform_hosts"] == expected
    assert (keep()["changed"], keep()["sha256"]) == (False, first["sha256"])
    keep.forget_connection()
    assert keep().good["platform_hosts"] == expected


def older(keep: Keeper, generation: int = 1) -> str:
    """Make the saved script one of an older version, whose first line keeps no configuration (0), and no host (1); return its digest."""
    saved = saved_script.read(str(keep.path))
    assert saved is not None
    raw = saved_script.contents(saved.owner.older[generation], saved.body)
    head = raw.partition(b"\n")[0]
    assert (b"config" in head, b"hosts" in head) == (False, generation == 0)
    script_file.save(str(keep.path), raw)
    return script_file.digest(raw)


def test_a_script_of_an_older_version_is_read_and_completed(keep: Keeper) -> None:
    sha256 = keep()["sha256"]
    approved = older(keep)
    again = keep(expected_sha256=approved).good
    assert (again["changed"], again["sha256"], again["platform_hosts"]) == (True, sha256, [HERE])
    older(keep)
    keep.forget_connection()
    alone = keep(expected_sha256=approved).good
    assert (alone["sha256"], alone["platform_hosts"]) == (approved, [])


def test_a_script_of_an_older_version_that_has_started_stays_as_it_is(keep: Keeper) -> None:
    keep()
    sha256 = older(keep)
    with journal.Journal(journal.journal_path(str(keep.path)), sha256, 30) as book:
        book.started(1, "community.immuta/x/y")
    again = keep().good
    assert (again["changed"], again["sha256"], again["platform_hosts"]) == (False, sha256, [HERE])


def test_another_host_is_another_script(keep: Keeper) -> None:
    approved = keep()["sha256"]
    keep.tenant.double.state.connections[KEY].hostname = "dev.snowflakecomputing.com"
    assert keep(expected_sha256=approved).code == "script_changed"


# The script that is lost

CONFIG = {"type": "Snowflake", "id": 5, "host": HERE, "database": "IMMUTA", "warehouse": "COMPUTE_WH", "port": 443}


def test_what_a_script_can_be_regenerated_from_is_kept(keep: Keeper) -> None:
    assert keep()["integration_config"] == CONFIG
    assert '"config": {' in keep.path.read_text().partition("\n")[0]
    keep.forget_connection()
    assert keep()["integration_config"] == CONFIG
    for generation in (0, 1):
        keep.tenant.double.state = State.example(KEY, api_key=API_KEY)
        keep()
        older(keep, generation)
        keep.forget_connection()
        assert (keep()["source"], keep()["integration_config"]) == ("saved", None)


@pytest.mark.parametrize("generation", [0, 1])
def test_what_was_approved_of_an_older_version_is_still_approved(keep: Keeper, generation: int) -> None:
    sha256 = keep()["sha256"]
    approved = older(keep, generation)
    again = keep(expected_sha256=approved).good
    assert (again["changed"], again["sha256"]) == (True, sha256)


def test_it_is_regenerated_from_the_configuration(keep: Keeper) -> None:
    keep.forget_connection()
    checked = keep(integration_config=CONFIG, check=True)
    assert (checked["source"], checked["exists"], keep.path.exists()) == ("regenerated", False, False)
    result = keep(integration_config=CONFIG).good
    assert (result["source"], result["changed"], result["connection_exists"]) == ("regenerated", True, False)
    assert (result["integration_id"], result["platform_hosts"]) == (5, [HERE])
    assert result["sha256"] == checked["sha256"]
    assert result["integration_config"] == CONFIG
    assert "regenerated it" in result.warned
    assert result["statements"][-1]["name"] == "IMMUTA_SYSTEM"
    assert '"regenerated": true' in keep.path.read_text().partition("\n")[0]
    # Later runs know from the file.
    keep.tenant.double.requests.clear()
    again = keep().good
    assert (again["source"], again["changed"], again["sha256"]) == ("regenerated", False, result["sha256"])
    assert "regenerated it" in again.warned
    assert "regenerateCleanupScript" not in keep.tenant.asked


LAKEHOUSE = "adb-1234567890123456.7.azuredatabricks.net"
ELSEWHERE = {"type": "Databricks", "id": 7, "host": LAKEHOUSE, "catalog": "immuta", "http_path": "/sql/1.0/w/1"}


@pytest.mark.parametrize(
    ("takes", "platform", "asked"),
    [
        ("create", "snowflake", 1),
        ("with_id", "snowflake", 2),
        ("registration", "snowflake", None),
        ("create", "databricks", 1),
        ("with_id", "databricks", 2),
        ("registration", "databricks", 3),
        ("refused", "databricks", None),
        ("absent", "snowflake", None),
    ],
)
def test_each_known_body_is_tried_in_turn(keep: Keeper, takes: str, platform: str, asked: int | None) -> None:
    key, number, config = (KEY, 5, CONFIG) if platform == "snowflake" else ("prod databricks", 7, ELSEWHERE)
    del keep.tenant.double.state.connections[key]
    del keep.tenant.double.state.integrations[number]
    keep.tenant.vary(cleanup_request=takes)
    result = keep(connection_key=key, integration_config=config)
    count = keep.tenant.asked.count("regenerateCleanupScript")
    if asked is not None:
        assert (result.good["source"], result["dialect"], count) == ("regenerated", platform, asked)
        return
    assert (result.code, count) == ("script_lost", 2 if platform == "snowflake" else 3)
    assert "It refused to regenerate one (as for POST /integrations/scripts/create: Immuta" in result["msg"]
    assert "the same with the id of the integration: " in result["msg"]
    assert ("404" if takes == "absent" else "(400)") in result["msg"]
    # What is left to people, with the names of this integration.
    assert result["failure"]["integration_config"] == config
    (first, *steps) = result["failure"]["by_hand"]
    assert (config["host"] in first, platform.capitalize() in first) == (True, True)
    assert any(("the database IMMUTA" if platform == "snowflake" else "the catalog immuta") in step for step in steps)
    assert not keep.path.exists()


def test_an_integration_that_is_still_listed_is_asked_first(keep: Keeper) -> None:
    del keep.tenant.double.state.connections[KEY]
    keep.tenant.double.state.integrations[5].status = "deleteError"
    for config in (CONFIG, {name: value for name, value in CONFIG.items() if name != "id"}, {"id": 5}):
        keep.path.unlink(missing_ok=True)
        result = keep(integration_config=config).good
        assert (result["source"], result["integration_id"], result["connection_exists"]) == ("immuta", 5, False)
    assert "regenerateCleanupScript" not in keep.tenant.asked


@pytest.mark.parametrize("status", ["deleted", "disabled"])
@pytest.mark.parametrize("asked", ["connection", "integration", "connection that is there"])
def test_what_is_listed_and_out_of_use_is_regenerated_from_what_is_listed(
    keep: Keeper, status: str, asked: str
) -> None:
    state = keep.tenant.double.state
    state.integrations[5].status = status
    if asked != "connection that is there":
        del state.connections[KEY]
    options: dict[str, t.Any] = {"integration_id": 5} if asked == "integration" else {}
    if asked == "connection":
        # Nobody knows which integration it had.
        assert keep().code == "script_lost"
        options = {"integration_config": {"id": 5}}
    keep.tenant.double.requests.clear()
    result = keep(**options).good
    assert (result["source"], result["integration_config"]) == ("regenerated", CONFIG)
    order = [one for one in keep.tenant.asked if one and one.endswith("CleanupScript")]
    assert order == ["renderCleanupScript", "regenerateCleanupScript"]


def test_one_in_use_has_a_script_that_is_lost_to_nobody(keep: Keeper) -> None:
    del keep.tenant.double.state.connections[KEY]
    found = keep(integration_config=CONFIG)
    assert found.code == "contradiction"
    # What is said to do leads to the script.
    assert "integration_id=5" in found["msg"]
    assert keep(integration_id=5).good["source"] == "immuta"
    keep.tenant.double.state.integrations[5].status = "disabled"
    assert keep().good["source"] == "saved"
    keep.path.unlink()
    keep.tenant.double.state.integrations[5].status = "enabled"
    # The place is taken: a connection that was registered again has another integration there.
    keep.tenant.double.state.integrations[6] = dataclasses.replace(keep.tenant.double.state.integrations.pop(5), id=6)
    taken = keep(integration_config=CONFIG)
    assert (taken.code, "integration 6 is 'enabled'" in taken["msg"]) == ("integration_shared", True)
    keep.tenant.double.state.integrations[6].config = {"host": HERE.upper()}
    assert keep(integration_config=CONFIG).code == "integration_shared"
    keep.tenant.double.state.integrations[6].config = {"host": HERE, "database": "OTHER"}
    assert keep(integration_config=CONFIG).good["source"] == "regenerated"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({**CONFIG, "host": "other.snowflakecomputing.com"}, "host 'other.snowflakecomputing.com' (not 'example.sn"),
        ({**CONFIG, "database": "OTHER"}, "database 'OTHER' (not 'IMMUTA')"),
        ({**CONFIG, "type": "Databricks"}, "type 'Databricks' (not 'Snowflake')"),
    ],
)
def test_a_configuration_of_another_integration_is_refused(keep: Keeper, config: dict[str, t.Any], told: str) -> None:
    del keep.tenant.double.state.connections[KEY]
    keep.tenant.double.state.integrations[5].status = "disabled"
    result = keep(integration_config=config)
    assert (result.code, told in result["msg"]) == ("refused", True), result["msg"]
    assert "regenerateCleanupScript" not in keep.tenant.asked


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"type": "Snowflake"}, "host and database of the integration must be known"),
        ({"type": "Databricks", "host": "h", "database": "d"}, "catalog of the integration must be known"),
        ({"host": "h"}, "type and database of the integration must be known"),
        ({"type": "Oracle", "host": "h", "database": "d"}, "the technology 'Oracle'"),
    ],
)
def test_what_is_not_enough_to_regenerate_a_script_is_not_asked_for(
    keep: Keeper, config: dict[str, t.Any], told: str
) -> None:
    keep.forget_connection()
    result = keep(integration_config=config)
    assert (result.code, told in result["msg"]) == ("script_lost", True), result["msg"]
    assert "regenerateCleanupScript" not in keep.tenant.asked


@pytest.mark.parametrize("status", [401, 403, 409, 500])
def test_what_is_no_refusal_is_no_loss(keep: Keeper, status: int) -> None:
    keep.forget_connection()
    keep.tenant.fault("status", operation_id="regenerateCleanupScript", status=status)
    codes = {401: "authentication", 403: "permission", 409: "busy", 500: "server"}
    assert keep(integration_config=CONFIG).code == codes[status]
    assert keep.tenant.asked.count("regenerateCleanupScript") == 1


@pytest.mark.parametrize("content", ["empty", "html", "error", "prose"])
def test_a_regenerated_answer_that_is_no_script_is_refused(keep: Keeper, content: str) -> None:
    keep.forget_connection()
    keep.tenant.vary(script_content=content)
    result = keep(integration_config=CONFIG)
    assert result.code == ("empty_script" if content == "empty" else "unexpected_reply")
    assert not keep.path.exists()


def test_the_real_script_replaces_a_regenerated_one(keep: Keeper) -> None:
    state = copy.deepcopy(keep.tenant.double.state)
    keep.forget_connection()
    config = {name: value for name, value in CONFIG.items() if name != "id"}
    result = keep(integration_config=config).good
    assert (result["integration_id"], result["integration_config"]) == (None, config)
    keep.tenant.double.state = state
    again = keep().good
    assert (again["source"], again["changed"], again["kept"]) == ("immuta", True, f"{keep.path}.1")


WRONG = {"type": "Snowflake", "host": HERE, "database": "SALES"}


@pytest.mark.parametrize(
    ("config", "again"),
    [
        ({**WRONG, "database": "IMMUTA"}, True),
        ({**WRONG, "host": "other.snowflakecomputing.com"}, True),
        # Not known when it was made, or known otherwise.
        ({**WRONG, "role": "OLD", "user": "OTHER"}, True),
        ({**WRONG, "role": "OLD", "impersonation_role": "IMP"}, True),
        ({**WRONG, "role": "old"}, False),
        ({"type": "Snowflake"}, False),
        ({}, False),
    ],
)
def test_a_regenerated_script_follows_a_corrected_configuration(
    keep: Keeper, config: dict[str, t.Any], again: bool
) -> None:
    keep.forget_connection()
    made = {**WRONG, "role": "OLD", "user": "ONE"}
    first = keep(integration_config=made).good
    before = keep.path.read_bytes()
    checked = keep(integration_config=config, check=True)
    assert (checked["changed"], keep.path.read_bytes()) == (again, before)
    result = keep(integration_config=config).good
    assert (result["changed"], result["source"], result["kept"]) == (
        again,
        "regenerated",
        f"{keep.path}.1" if again else None,
    )
    assert result["integration_config"] == (config if again else made)
    assert (result["sha256"] != first["sha256"]) is again
    assert not again or Path(f"{keep.path}.1").read_bytes() == before


def start(keep: Keeper, state: str) -> None:
    """Let a part of the saved script have run, or all of it."""
    sha256 = hashlib.sha256(keep.path.read_bytes()).hexdigest()
    place = journal.journal_path(str(keep.path))
    if state == "finished":
        journal.mark_finished(place, sha256=sha256, total=30, by="a test")
        return
    with journal.Journal(place, sha256, 30) as book:
        book.started(1, "tag")
        book.done(1)


@pytest.mark.parametrize("source", ["regenerated", "saved"])
@pytest.mark.parametrize("state", ["none", "partial", "finished"])
def test_a_saved_script_that_stays_refuses_another_configuration(keep: Keeper, source: str, state: str) -> None:
    if source == "saved":
        keep()
    keep.forget_connection()
    own = keep(integration_config=CONFIG).good
    if state != "none":
        start(keep, state)
    before = keep.path.read_bytes()
    result = keep(integration_config={**CONFIG, "database": "SALES"})
    if (source, state) == ("regenerated", "none"):
        assert result.good["source"] == "regenerated"
        return
    assert result.code == "refused"
    assert f"that of the script at {keep.path}" in result["msg"]
    assert "database 'SALES' (not 'IMMUTA')" in result["msg"]
    assert ("has started to run" in result["msg"]) == (state != "none")
    assert keep.path.read_bytes() == before
    # Another form of its own names is no other configuration.
    same = keep(integration_config={**CONFIG, "host": HERE.upper()}).good
    assert (same["source"], same["sha256"], same["changed"]) == (source, own["sha256"], False)


def register_again(keep: Keeper, **config: t.Any) -> None:
    """Let there be another integration in use, with the integration's configuration but for C(config)."""
    state = keep.tenant.double.state
    own = state.integrations[5]
    state.integrations[6] = dataclasses.replace(own, id=6, config={**own.config, **config})
    state.connections["new"] = dataclasses.replace(state.connections[KEY], key="new", native_integration_id=6)


@pytest.mark.parametrize("source", ["immuta", "saved", "regenerated"])
@pytest.mark.parametrize("state", ["none", "partial", "finished"])
def test_no_script_where_another_integration_is_in_use(keep: Keeper, source: str, state: str) -> None:
    copied = copy.deepcopy(keep.tenant.double.state)
    if source == "regenerated":
        keep.forget_connection()
    keep(integration_config=CONFIG)
    keep.tenant.double.state = copied
    register_again(keep)
    if source != "immuta":
        keep.forget_connection()
    if state != "none":
        start(keep, state)
    before = keep.path.read_bytes()
    for options in ({}, {"integration_config": CONFIG}, {"same_place": "accept"}, {"check": True}):
        result = keep(**options)
        assert keep.path.read_bytes() == before
        if state == "finished":
            assert not result.failed, result
            continue
        assert result.code == "integration_shared"
        assert (
            f"The integration 6 is 'enabled', and is in the same place, the database 'IMMUTA' on {HERE}"
            in result["msg"]
        )
        expected = "Decide which of the two is needed" if source == "immuta" else "Deregister the connection"
        assert ("Decide whether the integration 6 is needed" if state == "partial" else expected) in result["msg"]
        assert "same_place" not in result["msg"].partition("Nothing was changed")[2]
    keep.tenant.double.state.integrations[6].status = "deleteError"
    assert not keep().failed


@pytest.mark.parametrize(
    ("config", "free", "accepted"),
    [
        ({}, False, False),
        ({"database": "immuta"}, False, False),
        ({"host": HERE.upper()}, False, False),
        ({"database": "OTHER"}, True, True),
        ({"host": "elsewhere.snowflakecomputing.com"}, True, True),
        # An organization's account against a locator.
        ({"host": "exampleorg-prod.snowflakecomputing.com"}, False, True),
        ({"host": "snowflake.example.com"}, False, True),
        ({"database": None}, False, True),
        ({"host": None}, False, True),
    ],
)
def test_what_may_be_the_same_place_is_for_a_person_to_say(
    keep: Keeper, config: dict[str, t.Any], free: bool, accepted: bool
) -> None:
    register_again(keep, **config)
    result = keep()
    assert (result.failed, result.code) == ((False, None) if free else (True, "integration_shared")), result
    told = "set same_place=accept (in the role, immuta_deregister_same_place)"
    assert free or (told in result["msg"]) is accepted
    assert keep(same_place="accept").failed is not accepted


@pytest.mark.parametrize(
    ("theirs", "free"), [({"role": "IMMUTA_ROLE"}, False), ({"role": "immuta_role"}, False), ({"role": "OTHER"}, True)]
)
def test_a_regenerated_script_leaves_alone_what_another_integration_uses(
    keep: Keeper, theirs: dict[str, t.Any], free: bool
) -> None:
    # Its database is its own, its role is not.
    register_again(keep, database="OTHER", **theirs)
    keep.forget_connection()
    known = {**CONFIG, "role": "IMMUTA_ROLE"}
    result = keep(integration_config=known)
    assert (result.failed, result.code) == ((False, None) if free else (True, "integration_shared")), result
    assert free or "uses the role 'IMMUTA_ROLE', as this regenerated script does" in result["msg"]
    assert not keep(integration_config=known, same_place="accept").failed


@pytest.mark.parametrize(
    ("host", "catalog", "free", "accepted"),
    [
        ("adb-9999999999999999.9.azuredatabricks.net", "IMMUTA", False, True),
        ("adb-9999999999999999.9.azuredatabricks.net", "other", True, True),
        ("dbc-1.cloud.databricks.com", "immuta", True, True),
        (LAKEHOUSE, "immuta", False, False),
    ],
)
def test_workspaces_may_share_a_metastore(keep: Keeper, host: str, catalog: str, free: bool, accepted: bool) -> None:
    state = keep.tenant.double.state
    config = {"workspaceUrl": f"https://{host}", "catalog": catalog}
    state.integrations[8] = dataclasses.replace(state.integrations[7], id=8, config=config)
    result = keep(connection_key="prod databricks")
    assert (result.failed, result.code) == ((False, None) if free else (True, "integration_shared")), result
    assert keep(connection_key="prod databricks", same_place="accept").failed is not accepted


def test_what_looks_like_a_credential_is_not_kept(keep: Keeper) -> None:
    config = keep.tenant.double.state.integrations[5].config
    config |= {"username": "svc password=hunter2hunter2", "role": "https://u:hunter2hunter2@h", "warehouse": "WH"}
    for _time in range(2):
        result = keep().good
        assert result["integration_config"] == {**CONFIG, "warehouse": "WH"}
        assert "hunter2hunter2" not in keep.path.read_text() + json.dumps(result)
        keep.forget_connection() if _time == 0 else None
    assert keep(integration_config=result["integration_config"]).good["source"] == "saved"


SECRET = "hunter2-is-no-name"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"password": SECRET}, "has the field 'password'"),
        ({"oAuthClientConfig": {"clientSecret": SECRET}}, "has the field 'oAuthClientConfig'"),
        ({"audit": [SECRET]}, "has the field 'audit'"),
        ({"host": f"https://user:{SECRET}@example.com"}, "The field host of integration_config"),
        ({"host": f"user:{SECRET}@example.com"}, "Give only the name"),
        ({"user": f"Bearer {SECRET}{SECRET}"}, "The field user of integration_config has the wrong form"),
        ({"role": [SECRET]}, "The field role of integration_config"),
        ({"role": f"{SECRET}\nb"}, "The field role of integration_config"),
        ({"warehouse": SECRET * 20}, "The field warehouse of integration_config"),
        ({"id": SECRET}, "The field id of integration_config"),
        ({"port": 0}, "Give only the number"),
    ],
    ids=str,
)
def test_what_may_be_a_secret_is_refused_and_not_shown(keep: Keeper, config: dict[str, t.Any], told: str) -> None:
    result = keep(integration_config={**CONFIG, **config})
    assert (result.code, told in result["msg"]) == ("invalid_option", True), result["msg"]
    assert SECRET not in json.dumps(result)
    assert keep.tenant.asked == []


# What is worth a look


def test_what_the_integration_has_not_made_is_marked(keep: Keeper) -> None:
    integration = keep.tenant.double.state.integrations[5]
    integration.config["database"] = "GOV"
    integration.script = "DROP DATABASE GOV;\nDROP ROLE GOV_SYSTEM;\nDROP DATABASE IMMUTA;\nCALL GOV.A.P();\n"
    foreign = "drops DATABASE {}, which may not be the integration's own"
    expected = [[], [], [foreign.format("IMMUTA")], ["calls a procedure: GOV.A.P"]]
    assert [row["marks"] for row in keep().good["statements"]] == expected
    # Out of use, but listed: its configuration is still told.
    del keep.tenant.double.state.connections[KEY]
    integration.status = "disabled"
    assert [row["marks"] for row in keep().good["statements"]] == expected
    # The file keeps it, too; that of an older version does not.
    del keep.tenant.double.state.integrations[5]
    assert [row["marks"] for row in keep().good["statements"]] == expected
    older(keep)
    unsure = " (its configuration is not known)"
    rows = keep().good["statements"]
    assert [row["marks"] for row in rows][0::2] == [[foreign.format("GOV") + unsure], []]
    assert [row["unusual"] for row in rows] == [True, True, False, True]


def test_a_failure_is_one_printable_line(keep: Keeper) -> None:
    keep.tenant.double.state.connections[KEY].technology = "New\n2. DONE\x1b[2J\u202e"
    keep.tenant.double.state.integrations[5].script = None
    result = keep()
    assert result.code == "script_unknown"
    assert "New\\n2. DONE\\x1b[2J\\u202e" in result["msg"]
    assert result["msg"].isprintable(), result["msg"]


# What others need


def share(keep: Keeper, how: str, **more: t.Any) -> None:
    """Let another connection, or its integration, sign in on the same account with the role of this one."""
    register_again(keep, database="OTHER", **({"role": "IMMUTA_SYSTEM"} if how == "integration" else {}))
    extra = {"role": "IMMUTA_SYSTEM" if how == "connection" else "OTHER_SYSTEM"}
    connections = keep.tenant.double.state.connections
    connections["new"] = dataclasses.replace(connections["new"], extra=extra, **more)
    if how == "integration":
        del connections["new"]


def needed(result: Result) -> set[str]:
    """Those who need any statement of a script."""
    assert not result.failed, result
    return {one for row in result["statements"] for one in row["needed_by"]}


@pytest.mark.parametrize(
    ("how", "named"), [("connection", "the connection 'new'"), ("integration", "the integration 6")]
)
@pytest.mark.parametrize("state", ["none", "partial", "finished"])
def test_who_else_needs_what_a_script_takes_away(keep: Keeper, how: str, named: str, state: str) -> None:
    share(keep, how)
    first = keep()
    assert needed(first) == {named}
    assert {row["verb"] for row in first["statements"] if row["needed_by"]} == {"ALTER", "REVOKE", "DROP"}
    assert all((f"{named} needs it, too" in row["marks"]) is bool(row["needed_by"]) for row in first["statements"])
    # And so it is when only the file has the script.
    keep.forget_connection()
    if state != "none":
        start(keep, state)
    assert needed(keep()) == ({named} if state != "finished" else set())


@pytest.mark.parametrize(
    ("more", "same_place", "asked"),
    [
        ({}, "fail", True),
        ({"hostname": "exampleorg-prod.snowflakecomputing.com"}, "fail", True),
        ({"hostname": "exampleorg-prod.snowflakecomputing.com"}, "accept", False),
        ({}, "accept", True),
        ({"hostname": "elsewhere.snowflakecomputing.com"}, "fail", False),
        ({"technology": "Databricks"}, "fail", False),
    ],
)
def test_who_is_certainly_elsewhere_needs_nothing_here(
    keep: Keeper, more: dict[str, t.Any], same_place: str, asked: bool
) -> None:
    share(keep, "connection", **more)
    state = keep.tenant.double.state
    state.integrations[6] = dataclasses.replace(state.integrations[6], status="disabled")
    assert bool(needed(keep(same_place=same_place))) is asked


@pytest.mark.parametrize("key", ["new", ".."])
def test_a_connection_that_is_not_described_may_need_anything(keep: Keeper, key: str) -> None:
    keep()
    share(keep, "connection")
    keep.forget_connection()
    connections = keep.tenant.double.state.connections
    connections[key] = dataclasses.replace(connections.pop("new"), key=key)
    if key == "new":
        for operation in ("getConnection", "getObject"):
            keep.tenant.fault("status", status=404, operation_id=operation, path="/new", times=9)
    result = keep()
    assert (result.failed, result.code) == (True, "integration_shared"), result
    assert "or signs in with the same account" in result["msg"]


def test_who_needs_what_a_connection_without_an_integration_has(keep: Keeper) -> None:
    share(keep, "connection")
    state = keep.tenant.double.state
    for one in state.connections.values():
        one.native_integration_id = None
    state.integrations.clear()
    result = keep(integration_config=CONFIG)
    assert needed(result) == {"the connection 'new'"}


@pytest.mark.parametrize("host", [f"{HERE}.", HERE.replace(".", ".privatelink.", 1)])
def test_what_is_certainly_the_same_place_can_not_be_accepted(keep: Keeper, host: str) -> None:
    register_again(keep, host=host)
    assert keep(same_place="accept").code == "integration_shared"


def test_a_misspelt_key_is_compared_with_the_scripts_beside_it(keep: Keeper) -> None:
    keep.path = keep.path.with_name("prod%20snowflake.sql")
    keep()
    keep.forget_connection()
    # That of a registration that was taken back is of the same connection, and anything may be there.
    keep.path.with_name("prod%20snowflake.undo.sql").write_bytes(keep.path.read_bytes())
    keep.path.with_name("prod%20snowflake.setup.sql").write_text("CREATE ROLE R;\n")
    keep.path = keep.path.with_name("prod%20snowflak.sql")
    lost = keep(connection_key="prod snowflak")
    assert (lost.code, lost["failure"]["similar_keys"]) == ("script_lost", [KEY])
    assert f"Did you mean {KEY!r}, whose script is in {keep.path.parent}?" in lost["msg"]
    assert "by_hand" not in lost["failure"]
    assert "by_hand" in keep(connection_key="another one")["failure"]
