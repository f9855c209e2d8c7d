# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is unusual in a set-up script."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import set_up
from ansible_collections.community.immuta.plugins.module_utils._sql.session import Session
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

MADE = {"role": "R", "user": "U", "principal": "p"}


@pytest.mark.parametrize(
    ("dialect", "statement", "marks"),
    [
        ("snowflake", "USE ROLE ACCOUNTADMIN", []),
        ("snowflake", "CREATE DATABASE IF NOT EXISTS D", []),
        ("snowflake", "CREATE PROCEDURE P() RETURNS INT LANGUAGE SQL AS '1'", ["creates PROCEDURE P, which contains statements of its own"]),
        ("snowflake", "GRANT USAGE ON DATABASE D TO ROLE SYS", []),
        ("snowflake", "GRANT USAGE ON DATABASE D TO ROLE R", []),
        ("snowflake", "GRANT ROLE R TO USER U", []),
        ("snowflake", "GRANT USAGE ON DATABASE D TO ROLE PUBLIC", ["grants rights to ROLE PUBLIC: GRANT"]),
        ("snowflake", "ALTER ACCOUNT SET A = 1", ["changes the account"]),
        ("databricks", "GRANT USE CATALOG ON CATALOG c TO `p`", []),
        ("databricks", "GRANT USE CATALOG ON CATALOG c TO `account users`", ["grants rights to account users: GRANT"]),
    ],
)  # fmt: skip
def test_marks(dialect: str, statement: str, marks: list[str]) -> None:
    script = f"CREATE ROLE SYS;\n{statement};" if dialect == "snowflake" else statement
    found = set_up.describe(Session(split(script, dialect)).describe(), MADE)
    assert (found[-1]["marks"], found[-1]["unusual"]) == (marks, bool(marks))
