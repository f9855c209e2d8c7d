# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A finished clean-up script beside a set-up script that has run since."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import script_file, setup_file
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.saved_script import Owner
from ansible_collections.community.immuta.plugins.module_utils._immuta.setup_file import Request
from ansible_collections.community.immuta.plugins.module_utils._sql import journal
from ansible_collections.community.immuta.plugins.module_utils._work import since

URL, HOST = "https://tenant.example", "example.snowflakecomputing.com"
BEFORE, ENDED, AFTER = ("2026-01-01T10:00:00+00:00", "2026-01-01T11:00:00+00:00", "2026-01-01T12:00:00+00:00")
OWNER = Owner(URL, "prod", 5, "Snowflake", "snowflake", (HOST,), Configuration("Snowflake", 5, HOST, database="IMMUTA"))
REQUEST = Request(URL, "Snowflake", None, {"host": HOST, "database": "IMMUTA"})


def set_up(folder: Path, request: Request, *, at: str | None) -> Path:
    """A set-up script of which a statement has run at some time."""
    path = folder / "prod.setup.sql"
    raw = setup_file.contents(request, "SELECT 1;")
    path.write_bytes(raw)
    path.chmod(0o600)
    if at:
        with journal.Journal(journal.journal_path(str(path)), script_file.digest(raw), 2, now=lambda: at) as book:
            book.started(1, "tag")
            book.done(1)
    return path


@pytest.mark.parametrize(
    ("change", "at", "state", "found"),
    [
        ({}, AFTER, "finished", True),
        ({}, BEFORE, "finished", False),
        ({}, None, "finished", False),
        ({}, AFTER, "partial", False),
        ({"url": "https://other.example"}, AFTER, "finished", False),
        ({"technology": "Databricks"}, AFTER, "finished", False),
        ({"config": {"host": "other.snowflakecomputing.com", "database": "IMMUTA"}}, AFTER, "finished", False),
        ({"config": {"host": HOST, "database": "OTHER"}}, AFTER, "finished", False),
        ({"config": {"host": HOST.upper(), "database": "immuta"}}, AFTER, "finished", True),
    ],
)
def test_what_has_run_since(
    tmp_path: Path, change: dict[str, t.Any], at: str | None, state: t.Any, found: bool
) -> None:
    path = set_up(tmp_path, dataclasses.replace(REQUEST, **change), at=at)
    (tmp_path / "notes.sql").write_text("SELECT 1;")
    told = since.set_up_since(str(tmp_path / "prod.sql"), OWNER, journal.Progress(state, last=ENDED))
    assert told == ({"path": str(path), "state": "partial", "done": 1, "total": 2} if found else None)
