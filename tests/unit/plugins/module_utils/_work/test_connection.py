# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules immuta_connection and immuta_connection_info, in this process and without waiting."""

from __future__ import annotations

import dataclasses
import os
import typing as t
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    errors,
    neighbours,
    removal,
    saved_script,
    script_file,
)
from ansible_collections.community.immuta.tests.doubles import immuta_server as doubles
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import (
    HOST,
    INTEGRATIONS_REFUSED,
    KEY,
    MANY,
    PROD,
    World,
    fails,
)

# What is asked about the other two connections before the deletion.
OTHERS = ["searchObjects", "getConnection", "getConnection"]


def test_the_outcome_of_a_removal(world: World) -> None:
    plan = removal.decide_absent(world.double.url, PROD).as_dict()
    planned = world.ensure_absent(check_mode=True)
    expected = {
        "connection": PROD.as_dict(),
        "integration": None,
        "integration_known": False,
        "deleted_objects": None,
        "verified": False,
        "plan": plan,
    }
    assert planned.changed
    assert planned.result == expected
    assert world.asked == ["getConnection", *OTHERS]
    outcome = world.ensure_absent(expected_plan_digest=plan["digest"].upper())
    assert outcome.changed
    assert outcome.result == {**expected, "integration_known": True, "deleted_objects": 5, "verified": True}
    before = {"connection_key": KEY, **PROD.as_dict(), "state": "present"}
    assert (
        outcome.diff
        == planned.diff
        == {
            "before": before,
            "after": {"connection_key": KEY, "state": "absent"},
        }
    )
    again = world.ensure_absent(expected_plan_digest=plan["digest"], confirm=None)
    assert not again.changed
    assert again.result == {
        **expected,
        "connection": None,
        "verified": True,
        "plan": removal.decide_absent(world.double.url, None).as_dict(),
    }
    absent = {"connection_key": KEY, "state": "absent"}
    assert again.diff == {"before": absent, "after": absent}
    assert world.warnings == []


def test_options_that_stop_it_before_anything_is_asked(world: World) -> None:
    assert fails(errors.ConfigurationError, lambda: world.ensure_absent(connection_key="")).message == (
        "The option connection_key is empty."
    )
    for check_mode in (True, False):
        error = fails(errors.Refused, lambda mode=check_mode: world.ensure_absent(mode, confirm="prod"))  # type: ignore[misc]
        assert error.code == "confirmation_mismatch"
        assert error.message == (
            "The option confirm is 'prod', but the connection is 'prod snowflake'. Nothing was deleted."
        )
        assert error.hint == "confirm must be exactly the key of the connection that you are removing."
    assert world.asked == []


OWNER = saved_script.Owner("", KEY, 5, "Snowflake", "snowflake")
NOT_DELETED = "Nothing was deleted, because the script can't be fetched again after that."


class Kept:
    """A script on the disk, and the deletion that depends on it."""

    def __init__(self, world: World, path: Path) -> None:
        self.world = world
        self.path = path

    def save(self, **owner: t.Any) -> str:
        about = dataclasses.replace(OWNER, **{"url": self.world.double.url, **owner})
        script_file.save(str(self.path), saved_script.contents(about, "DROP ROLE A;\n"))
        return script_file.digest(self.path.read_bytes())

    def delete(self, sha256: str | None = None, *, check_mode: bool = False) -> t.Any:
        return self.world.ensure_absent(check_mode, script_path=str(self.path), expected_script_sha256=sha256)


@pytest.fixture
def kept(world: World, tmp_path: Path) -> Kept:
    return Kept(world, tmp_path / "x.sql")


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("owner", [{}, {"connection_key": None}], ids=["by key", "by integration"])
def test_deletes_while_the_script_is_there(kept: Kept, owner: dict[str, t.Any], check_mode: bool) -> None:
    assert kept.delete(kept.save(**owner).upper(), check_mode=check_mode).changed
    assert (KEY in kept.world.state.connections) is check_mode


def test_check_mode_takes_a_script_for_one_that_would_be_saved(kept: Kept) -> None:
    assert kept.delete("0" * 64, check_mode=True).changed
    assert kept.world.warnings == [
        f"The script {kept.path} is not there. Unless a task before this one saves it, nothing is deleted."
    ]


def edit(kept: Kept) -> None:
    kept.save()
    kept.path.write_bytes(kept.path.read_bytes() + b" ")


def open_up(kept: Kept) -> None:
    kept.save()
    kept.path.chmod(0o666)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda kept: None, "There is no clean-up script at {path} (option script_path)."),
        (lambda kept: kept.save(connection_key="other"), "The script at {path} belongs to the connection 'other'"),
        (lambda kept: kept.save(integration_id=9), "The script at {path} belongs to the integration 9, not to 5."),
        (lambda kept: kept.save(url="https://other.example"), "was saved from https://other.example"),
        (edit, "The script at {path} was changed after it was saved."),
        (lambda kept: kept.path.write_text("SELECT 1;"), "is not a clean-up script that this collection saved"),
        (open_up, "can't be trusted: other users may write to {path} (mode 0666)"),
        (lambda kept: os.mkfifo(kept.path), "is not a regular file"),
    ],
    ids=["missing", "another's", "other integration", "other tenant", "edited", "foreign", "open", "pipe"],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_without_the_script_nothing_is_deleted(
    kept: Kept, prepare: t.Callable[[Kept], object], message: str, check_mode: bool
) -> None:
    prepare(kept)
    if check_mode and not kept.path.exists():
        return
    with pytest.raises(errors.Refused) as caught:
        kept.delete(check_mode=check_mode)
    error = caught.value
    assert message.format(path=kept.path) in error.message
    assert error.hint.startswith(NOT_DELETED)
    assert "deleteObject" not in kept.world.asked


def test_another_script_than_the_one_that_was_saved(kept: Kept) -> None:
    sha256 = kept.save()
    error = fails(errors.Refused, lambda: kept.delete("0" * 64))
    assert (error.code, error.message) == (
        "script_changed",
        f"The script at {kept.path} has the sha256 {sha256}, but expected_script_sha256 is {'0' * 64}.",
    )


def test_looks_again_before_each_deletion_that_is_sent(kept: Kept) -> None:
    sha256 = kept.save()
    # The first look is the module's own; then comes one for each deletion, of which the first finds it busy.
    looks = iter([True, True])
    read = saved_script.read

    def vanishing(path: str) -> t.Any:
        return read(path) if next(looks, False) else None

    kept.world.fault("deleteObject", 409)
    with mock.patch.object(saved_script, "read", vanishing):
        error = fails(errors.Refused, lambda: kept.delete(sha256))
    assert error.code == "script_missing"
    assert KEY in kept.world.state.connections


def test_options_that_stop_it_after_it_was_read(world: World) -> None:
    digest = removal.decide_absent(world.double.url, PROD).digest
    error = fails(errors.Refused, lambda: world.ensure_absent(confirm=None))
    assert error.code == "confirmation_required"
    assert error.message == "The option confirm is missing. Nothing was deleted."
    assert error.hint == (
        "Deleting can't be undone. To continue, set confirm to 'prod snowflake'; to see the plan, use check mode."
    )
    for check_mode in (True, False):
        error = fails(errors.Refused, lambda mode=check_mode: world.ensure_absent(mode, expected_plan_digest="0"))  # type: ignore[misc]
        assert error.code == "plan_changed"
        assert error.message == (
            f"The plan has the digest {digest}, but expected_plan_digest is 0. Nothing was deleted."
        )
        assert error.hint == ("It is not the one that was approved. Review it, and approve it again if it is right.")
    assert set(world.asked) == {"getConnection", "searchObjects"}
    assert KEY in world.state.connections


def test_waits_as_it_is_told(world: World) -> None:
    world.vary(deletion_reads=100)
    assert world.ensure_absent(wait=False).result["verified"] is False
    assert world.warnings == []
    world.double.reset()
    world.vary(deletion_reads=100)
    assert "after 3 s" in fails(errors.TimedOut, lambda: world.ensure_absent(wait_timeout=3)).message
    assert sum(world.waits) == 3


def test_finds_the_integration_that_the_description_leaves_out(world: World) -> None:
    world.vary(native_integration_id="absent")
    plan = world.ensure_absent(check_mode=True).result["plan"]
    assert [step["target"] for step in plan["steps"]] == [KEY, 5]
    assert world.asked == ["getConnection", "listIntegrations", *OTHERS]


def test_looks_for_no_integration_where_there_is_no_script(world: World) -> None:
    world.vary(native_integration_id="absent")
    world.state.connections["lake"] = doubles.Connection("lake", "Glue", HOST)
    assert world.ensure_absent(True, connection_key="lake", confirm=None).result["connection"]["integration_id"] is None
    assert world.asked == ["getConnection"]


@pytest.mark.parametrize("permitted", [True, False])
def test_an_integration_that_is_not_known_is_a_warning(world: World, permitted: bool) -> None:
    world.vary(native_integration_id="absent")
    if permitted:
        world.state.integrations[6] = dataclasses.replace(world.state.integrations[5], id=6)
    else:
        world.fault("listIntegrations", 403)
    outcome = world.ensure_absent(check_mode=True)
    assert outcome.result["connection"]["integration_id"] is None
    assert len(world.warnings) == 1
    assert world.warnings[0].startswith("The integration of the connection is not known: Immuta ")


@pytest.mark.parametrize("number", [5, None])
def test_an_integration_of_another_connection_is_refused(world: World, number: int | None) -> None:
    world.state.connections["other"] = dataclasses.replace(world.state.connections[KEY], key="other")
    world.state.connections[KEY].native_integration_id = number
    for check_mode in (True, False):
        error = fails(neighbours.Shared, lambda mode=check_mode: world.ensure_absent(mode))  # type: ignore[misc]
        assert "'other'" in error.message
    assert "deleteObject" not in world.asked
    assert world.warnings == []


def test_what_may_not_be_read_of_others_is_no_mere_warning(world: World) -> None:
    world.vary(native_integration_id="absent")
    world.fault("getConnection", 403, nth=2)
    assert fails(errors.PermissionDenied, lambda: world.ensure_absent(True)).message
    assert world.warnings == []


@pytest.mark.parametrize("slash", ["kept", "decoded", "refused"])
@pytest.mark.parametrize("beside", [True, False])
def test_a_key_with_a_slash(world: World, slash: str, beside: bool) -> None:
    world.vary(slash=slash)
    key = "prod/sales"
    world.state.connections[key] = dataclasses.replace(
        world.state.connections[KEY], key=key, native_integration_id=None
    )
    if beside:
        world.state.connections["prod"] = doubles.Connection("prod", "Trino", children=["sales"])
    if slash == "kept" and not beside:
        world.state.integrations[5].config["host"] = "elsewhere.example"
        assert world.ensure_absent(connection_key=key, confirm=key).result["verified"] is True
        assert key not in world.state.connections
        return
    error = fails(errors.Refused, lambda: world.ensure_absent(connection_key=key, confirm=key))
    assert error.code == "ambiguous_key"
    assert "deleteObject" not in world.asked


@pytest.mark.parametrize(
    ("afterwards", "status", "warned"),
    [("gone", None, False), ("deleted", "deleted", False), ("disabled", "disabled", False), ("kept", "enabled", True)],
)
def test_an_integration_that_is_still_in_use_is_a_warning(
    world: World, afterwards: str, status: str | None, warned: bool
) -> None:
    world.vary(integration_afterwards=afterwards)
    left = world.ensure_absent().result["integration"]
    assert (left and left["status"]) == status
    assert (left is None) == (status is None)
    assert left is None or (left["id"], left["in_use"]) == (5, warned)
    assert world.warnings == (
        [
            "The connection is gone, but its integration 5 is still listed as 'enabled'. Check it in Immuta before"
            " you run the clean-up script by hand."
        ]
        if warned
        else []
    )


def test_an_integration_that_may_not_be_read_afterwards_is_a_warning(world: World) -> None:
    world.fault("listIntegrations", 403)
    assert world.ensure_absent().result["verified"] is True
    assert world.warnings == [f"It is not known what became of the integration: {INTEGRATIONS_REFUSED}"]


# The information module


def test_informs_about_one(world: World) -> None:
    assert world.info(KEY) == [{**PROD.as_dict(), "integration_type": "Snowflake", "integration_status": "enabled"}]
    assert world.asked == ["getConnection", "listIntegrations"]
    assert world.info("none") == []


def test_informs_about_all(world: World) -> None:
    world.state.connections["a trino"] = doubles.Connection("a trino", "Trino", state="X")
    found = world.info()
    about = [(one["key"], one["technology"], one["state"], one["integration_id"]) for one in found]
    assert about == [
        ("a trino", "Trino", "X", None),
        ("prod databricks", "Databricks", "ACTIVE", 7),
        ("prod lake formation", "Glue", "ACTIVE", 9),
        (KEY, "Snowflake", "ACTIVE", 5),
    ]
    assert [(one["integration_type"], one["integration_status"]) for one in found] == [
        *((None, None), ("Databricks", "enabled"), ("Glue", "enabled"), ("Snowflake", "enabled"))
    ]
    assert world.asked == ["searchObjects", *["getConnection"] * 4, "listIntegrations"]


def test_informs_about_connections_without_integrations(world: World) -> None:
    world.vary(native_integration_id="null")
    assert [one["integration_status"] for one in world.info()] == [None] * 3
    assert "listIntegrations" not in world.asked
    world.vary(native_integration_id="present")
    world.state.integrations.clear()
    assert [one["integration_type"] for one in world.info()] == [None] * 3


def test_informs_about_none_only_who_may_see_everything(world: World) -> None:
    world.state.connections.clear()
    assert world.info() == []
    assert world.asked == ["searchObjects", "listIntegrations"]
    world.fault("listIntegrations", 403)
    error = fails(errors.PermissionDenied, world.info)
    assert error.message.startswith("Immuta does not show any connection to this API key")


def test_informs_about_what_it_may_read(world: World) -> None:
    world.fault("listIntegrations", 403)
    assert [one["integration_type"] for one in world.info()] == [None] * 3
    assert world.warnings == [f"Types and statuses of integrations are left out: {INTEGRATIONS_REFUSED}"]


def test_informs_with_the_list_where_there_is_no_description(world: World) -> None:
    world.fault("getConnection", 400)
    world.fault("getConnection", 404, nth=2)
    found = world.info()
    assert [one["hostname"] is None for one in found] == [True, True, False]
    assert [one["integration_id"] for one in found] == [None, None, 5]


@pytest.mark.parametrize("key", ["..", "no text: \ud800"])
def test_informs_with_the_list_where_no_url_leads(world: World, key: str) -> None:
    world.state.connections[key] = doubles.Connection(key, "Snowflake", "host.example", 443, 5)
    found = {one["key"]: one for one in world.info()}
    assert (found[key]["technology"], found[key]["hostname"]) == ("Snowflake", None)
    assert len(found) == 4


def test_a_description_that_is_a_page(world: World) -> None:
    world.fault("getConnection", kind="html", times=MANY)
    error = fails(errors.UnexpectedReply, world.info)
    assert (error.details["method"], error.details["path"]) == ("GET", "/data/connection/{connection_key}")
