# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection that has come back: the finished script of its former integration makes room, and is never run again."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script, script_file
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._work import former
from ansible_collections.community.immuta.tests.harness.servers import KEY

if t.TYPE_CHECKING:
    from ansible_collections.community.immuta.tests.harness.inprocess import Result, Tenant

OLDER = "DROP DATABASE IF EXISTS OLDER;\n"


class Folder:
    """The folder of the script, before and after the connection has come back."""

    def __init__(self, tenant: Tenant, path: Path) -> None:
        self.tenant, self.path = tenant, path
        integrations = tenant.double.state.integrations
        text, integrations[5].script = integrations[5].script, OLDER
        self.keep()
        integrations[5].script = text
        self.first = self.keep()
        self.script, self.replaced = path.read_bytes(), Path(f"{path}.1").read_bytes()
        self.run_to(len(self.first["statements"]))
        self.told = self.journal.read_bytes()
        self.aside = Path(former.place(str(path), self.first["sha256"]))

    @property
    def journal(self) -> Path:
        """The journal of what is at the path."""
        return Path(journal.journal_path(str(self.path)))

    def keep(self, **options: t.Any) -> Result:
        """Call the module."""
        subject = {} if "integration_id" in options else {"connection_key": KEY}
        return self.tenant("cleanup_script", path=str(self.path), **{**subject, **options})

    def run_to(self, last: int) -> None:
        """Let the script have run, to its end or to one of its statements."""
        total = len(self.first["statements"])
        with journal.Journal(str(self.journal), self.first["sha256"], total) as book:
            for index in range(1, last + 1):
                book.started(index, "tag")
                book.done(index)
            if last == total:
                book.finished("a test")

    def come_back(self, number: int) -> None:
        """Let the connection have another integration, as one that was removed and registered again."""
        state = self.tenant.double.state
        former_one = state.integrations.pop(state.connections[KEY].native_integration_id)
        state.integrations[number] = dataclasses.replace(former_one, id=number)
        state.connections[KEY].native_integration_id = number

    @property
    def files(self) -> dict[str, bytes]:
        """All files, by name, but for the locks."""
        return {one.name: one.read_bytes() for one in self.path.parent.iterdir() if not one.name.startswith(".")}

    @property
    def kept(self) -> dict[str, bytes]:
        """The files that are set aside, as they have to be."""
        return {
            self.aside.name: self.script,
            f"{self.aside.name}.journal": self.told,
            f"{self.aside.name}.1": self.replaced,
        }


@pytest.fixture
def folder(tenant: Tenant, tmp_path: Path) -> Folder:
    return Folder(tenant, tmp_path / "kept" / "x.sql")


def test_makes_room(folder: Folder) -> None:
    folder.come_back(6)
    before = folder.files
    planned = folder.keep(check=True).good
    assert folder.files == before
    assert (planned["exists"], planned["kept_finished"]) == (False, True)
    # So does what comes next in the same run: it claims what it would change, as the run without check mode does.
    pinned = {"script_path": str(folder.path), "expected_script_sha256": planned["sha256"]}
    assert folder.tenant("connection", check=True, connection_key=KEY, **pinned).good["changed"]
    known = {"path": str(folder.path), "expected_sha256": planned["sha256"]}
    would_run = folder.tenant.modules("snowflake_script", check=True, **known).good
    assert (would_run["changed"], "is another one, which is finished" in would_run.warned) == (True, True)
    assert folder.tenant("connection", connection_key=KEY, confirm=KEY, **pinned).failed
    assert folder.tenant.modules("snowflake_script", **known).code == "script_changed"

    result = folder.keep().good
    assert (result["changed"], result["source"], result["integration_id"]) == (True, "immuta", 6)
    assert result["exists"]
    assert result["execution"]["state"] == "none"
    assert result["kept"] == str(folder.aside)
    for field in ("changed", "sha256", "kept", "kept_finished", "execution", "diff"):
        assert planned[field] == result[field]
    assert folder.files == {"x.sql": folder.path.read_bytes(), **folder.kept}
    assert folder.keep().good["changed"] is False

    # And once more, so that there are two of them.
    folder.first = {**folder.first, "sha256": result["sha256"]}  # type: ignore[assignment]
    folder.run_to(len(folder.first["statements"]))
    folder.come_back(90)
    assert folder.keep().good["kept"] != str(folder.aside)
    assert len(folder.files) == 6


@pytest.mark.parametrize(
    ("state", "options", "told"),
    [
        # Its end is not known, so it may be needed.
        ("partial", {}, "belongs to the integration 5, not to 6"),
        ("none", {}, "belongs to the integration 5, not to 6"),
        # A path that is given for an integration is that integration's.
        ("finished", {"integration_id": 6}, "belongs to the integration 5, not to 6"),
        ("finished", {"connection_key": "prod databricks"}, f"belongs to the connection {KEY!r}"),
    ],
)
def test_only_for_its_own_connection_and_only_when_it_has_finished(
    folder: Folder, state: str, options: dict[str, t.Any], told: str
) -> None:
    folder.come_back(6)
    if state != "finished":
        folder.journal.unlink()
    if state == "partial":
        folder.run_to(1)
    before = folder.files
    result = folder.keep(**options)
    assert result.failed
    assert told in result["msg"]
    assert folder.files == before


def test_what_was_restored_is_not_new(folder: Folder) -> None:
    before = folder.files
    result = folder.keep().good
    assert (result["changed"], result["execution"]["state"]) == (False, "finished")
    assert folder.files == before


def test_where_another_integration_is_in_use(folder: Folder) -> None:
    folder.come_back(6)
    state = folder.tenant.double.state
    state.integrations[8] = dataclasses.replace(state.integrations[6], id=8)
    state.connections["new"] = dataclasses.replace(state.connections[KEY], key="new", native_integration_id=8)
    before = folder.files
    assert folder.keep().code == "integration_shared"
    assert folder.files == before


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["script", "journal", "replaced", "save", "forget"])
def test_a_kill_at_any_step_is_made_good(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    folder.come_back(6)
    targets = {
        "script": (_files, "replace", str(folder.aside)),
        "journal": (_files, "replace", f"{folder.aside}.journal"),
        "replaced": (former.os, "replace", f"{folder.aside}.1"),
        "save": (script_file, "save", str(folder.path)),
        "forget": (former, "forget", str(folder.journal)),
    }
    module, name, place = targets[step]
    real = getattr(module, name)

    def once(*arguments: t.Any, **options: t.Any) -> None:
        if place not in arguments:
            real(*arguments, **options)
            return
        if after:
            real(*arguments, **options)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, name, once)
        with pytest.raises(Killed):
            folder.keep()
    # At every moment, what is at the path is not taken for one that has never run.
    saved, told = saved_script.read(str(folder.path)), journal.read(str(folder.journal))
    assert saved is not None
    assert saved.owner.integration_id == 6 or told.state == "finished"
    assert {folder.script, folder.told} <= set(folder.files.values())
    assert folder.keep().good["execution"]["state"] == "none"
    assert folder.files == {"x.sql": folder.path.read_bytes(), **folder.kept}
