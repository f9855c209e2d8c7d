# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql.never_created import needed
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import Problem
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

NEVER = [
    {"kind": "ROLE", "name": "R"},
    {"kind": "USER", "name": "U"},
    {"kind": "DATABASE", "name": "D"},
    {"kind": "SCHEMA", "name": "OTHER.S"},
    {"kind": "SCHEMA", "name": "SHORT"},
    {"kind": "CATALOG", "name": "immuta"},
    {"kind": "PROCEDURE", "name": "(statement 3)"},
]
MISSING = Problem("does not exist or not authorized", errno=2003, sqlstate="02000", query_id="q")
UNDEFINED = Problem("cannot be found", sqlstate="42704", query_id="q")


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ('DROP ROLE "R"', "ROLE R"),
        ("alter user u set disabled = true", "USER U"),
        ("REVOKE APPLY MASKING POLICY ON ACCOUNT FROM ROLE R", "ROLE R"),
        ("REVOKE ROLE X FROM USER U", "USER U"),
        ("REVOKE ROLE R FROM ROLE SYSADMIN", "ROLE R"),
        ("REVOKE USAGE ON DATABASE D FROM ROLE X", "DATABASE D"),
        (
            "CREATE OR REPLACE PROCEDURE D.PUBLIC.P() RETURNS STRING LANGUAGE SQL AS $$BEGIN RETURN 1; END$$",
            "DATABASE D",
        ),
        ("CALL D.PUBLIC.P()", "DATABASE D"),
        ("DROP TABLE OTHER.S.T", "SCHEMA OTHER.S"),
        ("COMMENT ON DATABASE D IS 'x'", "DATABASE D"),
        # Of another kind, another name, or somewhere else.
        ("DROP DATABASE R", ""),
        ("DROP ROLE D", ""),
        ('DROP ROLE "r"', ""),
        ("DROP SCHEMA OTHER.D", ""),
        ("DROP SCHEMA ELSEWHERE.S", ""),
        # A schema of the database that the session is in.
        ("DROP TABLE S.T", ""),
        ("DROP TABLE D.T", ""),
        ("DROP VIEW SHORT.V", ""),
        ("REVOKE ROLE X FROM ROLE U", ""),
        ("ALTER TABLE SALES.CRM.T MODIFY COLUMN A UNSET MASKING POLICY", ""),
        ("CALL X.PUBLIC.P()", ""),
        # The rest of the script would mean something else.
        ("USE DATABASE D", ""),
        ("USE ROLE R", ""),
        ("CREATE SCHEMA D.S", ""),
        # What does more than one thing.
        ("EXECUTE IMMEDIATE 'DROP DATABASE D'", ""),
        ("BEGIN DROP DATABASE D; DROP ROLE X; END", ""),
        ("INSERT INTO D.PUBLIC.T SELECT 1", ""),
    ],
)
def test_a_statement_is_about_what_was_never_created(text: str, which: str) -> None:
    (statement,) = split(text, "snowflake")
    assert needed(statement, MISSING, NEVER) == which


@pytest.mark.parametrize(
    "problem",
    [
        dataclasses.replace(MISSING, errno=3001, sqlstate="42501"),
        dataclasses.replace(MISSING, lost=True),
        dataclasses.replace(MISSING, errno=None),
        UNDEFINED,
    ],
)
def test_another_refusal_is_one(problem: Problem) -> None:
    (statement,) = split("DROP ROLE R", "snowflake")
    assert needed(statement, problem, NEVER) == ""


@pytest.mark.parametrize(
    ("text", "which"),
    [
        ("ALTER CATALOG `Immuta` SET OWNER TO `a@b`", "CATALOG immuta"),
        ("DROP SCHEMA immuta.policies", "CATALOG immuta"),
        ("REVOKE SELECT ON CATALOG sales FROM `immuta`", ""),
        ("DROP TABLE immuta.t", ""),
        ("USE CATALOG immuta", ""),
    ],
)
def test_databricks(text: str, which: str) -> None:
    (statement,) = split(text, "databricks")
    assert needed(statement, UNDEFINED, NEVER) == which
    assert needed(statement, dataclasses.replace(UNDEFINED, sqlstate="42501"), NEVER) == ""


def test_without_a_list_every_refusal_is_one() -> None:
    (statement,) = split("DROP ROLE R", "snowflake")
    assert needed(statement, MISSING, []) == ""
