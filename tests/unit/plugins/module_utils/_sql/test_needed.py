# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others on the platform need, and a script takes away."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import made_by, needed
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

SNOWFLAKE = {"database": "IMMUTA"}
PRINCIPAL = "5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77"
OTHER = "00000000-3f0a-4a53-9a6e-2f4b8f3d1c77"
SHARED = {"role": "IMMUTA_SYSTEM", "user": "immuta_system_account"}


@pytest.mark.parametrize(
    ("statement", "other", "expected"),
    [
        ("DROP ROLE IMMUTA_SYSTEM", SHARED, True),
        ('DROP ROLE IF EXISTS "IMMUTA_SYSTEM"', {"role": "immuta_system"}, True),
        ("DROP ROLE IMMUTA_SYSTEM", {"role": "B_SYSTEM", "database": "B"}, False),
        # The names that follow from its database are its own, and those of no database that is not told.
        ("DROP ROLE B_SYSTEM", {"database": "B"}, True),
        ("DROP ROLE IMMUTA_SYSTEM", {"user": "U"}, False),
        ("DROP USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT", SHARED, True),
        ("DROP USER IMMUTA_SYSTEM_ACCOUNT", {"role": "IMMUTA_SYSTEM"}, False),
        ("ALTER USER IMMUTA_SYSTEM_ACCOUNT SET DISABLED = TRUE", SHARED, True),
        ("ALTER USER immuta_system_account UNSET DEFAULT_ROLE", SHARED, True),
        ("DROP ROLE people", {"impersonation_role": "PEOPLE"}, True),
        ("DROP DATABASE b", {"database": "B"}, True),
        ("DROP SCHEMA b.s", {"database": "B"}, True),
        ("DROP DATABASE immuta", SHARED, False),
        ("REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE immuta_system", SHARED, True),
        ("REVOKE USAGE ON WAREHOUSE w FROM ROLE immuta_system", SHARED, True),
        ("REVOKE USAGE ON DATABASE sales FROM ROLE immuta_system", SHARED, True),
        # In the database that goes, nobody else has anything.
        ("REVOKE USAGE ON DATABASE immuta FROM ROLE immuta_system", SHARED, False),
        ("REVOKE ROLE immuta_system FROM USER immuta_system_account", SHARED, True),
        ("REVOKE ROLE immuta_system FROM USER immuta_system_account", {"user": "IMMUTA_SYSTEM_ACCOUNT"}, False),
        ("REVOKE ROLE immuta_system FROM USER somebody", SHARED, False),
        ("REVOKE USAGE ON DATABASE sales FROM ROLE analyst", SHARED, False),
        ("USE ROLE IMMUTA_SYSTEM", SHARED, False),
        ("GRANT ROLE immuta_system TO USER somebody", SHARED, False),
        ("COMMENT ON ROLE immuta_system IS 'x'", SHARED, False),
        # Names that the platform has itself, or that Databricks has, are names, too.
        ("DROP ROLE MAIN", {"role": "main"}, True),
        # Immuta may tell a name as it is written, and a script may name it in many forms.
        ("DROP ROLE IMMUTA_SYSTEM", {"role": '"IMMUTA_SYSTEM"'}, True),
        ('DROP USER "svc.immuta@example.com"', {"user": "SVC.immuta@example.com"}, True),
        ('DROP ROLE "immuta_system"', SHARED, True),
        ("DROP ROLE IF EXISTS IDENTIFIER('IMMUTA_SYSTEM')", SHARED, True),
        ("DROP ROLE IF EXISTS IDENTIFIER('IMMUTA_SYSTEM_2')", SHARED, False),
        ("REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE IDENTIFIER('immuta_system')", SHARED, True),
        ("DROP ROLE a, immuta_system", SHARED, True),
        ("DROP PROCEDURE immuta.s.p(INT, INT)", SHARED, False),
        ("CREATE OR REPLACE ROLE immuta_system", SHARED, True),
        ("CREATE ROLE IF NOT EXISTS immuta_system", SHARED, False),
        ("GRANT OWNERSHIP ON ROLE immuta_system TO ROLE x REVOKE CURRENT GRANTS", SHARED, True),
        ("SELECT 1 ->> DROP ROLE immuta_system", SHARED, True),
        ("EXECUTE IMMEDIATE 'DROP ROLE immuta_system'", SHARED, True),
        ("BEGIN DROP ROLE immuta_system; END", SHARED, True),
        ("BEGIN DROP ROLE immuta_other; END", SHARED, False),
        (
            "CREATE OR REPLACE PROCEDURE immuta.s.p() RETURNS INT LANGUAGE SQL AS $$ DROP ROLE immuta_system $$",
            SHARED,
            True,
        ),
        ("CALL immuta.s.p('IMMUTA_SYSTEM')", SHARED, True),
        # Names that follow from that of a database may follow from a longer one's.
        ("DROP ROLE IMMUTA_DEV_IMPERSONATION", {"database": "IMMUTA_DEV"}, True),
        ("DROP ROLE IMMUTA_IMPERSONATION", {"database": "IMM"}, False),
        # The other one has the role; which user it has, Immuta does not tell.
        ("DROP ROLE immuta_system", {"role": "IMMUTA_SYSTEM"}, True),
    ],
)
def test_who_else_needs_it_on_snowflake(statement: str, other: dict[str, str], expected: bool) -> None:
    found = needed.by(split(statement, "snowflake"), SNOWFLAKE, [("the integration 7", other), ("no", {})])
    assert found == [["the integration 7"] if expected else []]


@pytest.mark.parametrize(
    ("statement", "other", "expected"),
    [
        (f"REVOKE CREATE CATALOG ON METASTORE FROM `{PRINCIPAL}`", {"principal": PRINCIPAL}, True),
        (f"REVOKE ALL PRIVILEGES ON CATALOG sales FROM `{PRINCIPAL}`", {"principal": PRINCIPAL.upper()}, True),
        (f"REVOKE ALL PRIVILEGES ON CATALOG immuta FROM `{PRINCIPAL}`", {"principal": PRINCIPAL}, False),
        (f"REVOKE ALL PRIVILEGES ON CATALOG sales FROM `{PRINCIPAL}`", {"principal": OTHER}, False),
        (f"REVOKE SELECT ON SCHEMA sales.to FROM `{PRINCIPAL}`", {"principal": PRINCIPAL}, True),
        (f"DENY SELECT ON SCHEMA sales.x TO `{PRINCIPAL}`", {"principal": PRINCIPAL}, True),
        (f"ALTER GROUP g DROP USER `{PRINCIPAL}`", {"principal": PRINCIPAL}, True),
        (f"GRANT SELECT ON CATALOG sales TO `{PRINCIPAL}`", {"principal": PRINCIPAL}, False),
        # The only one in the script is not taken for that of another integration.
        (f"REVOKE ALL PRIVILEGES ON CATALOG sales FROM `{PRINCIPAL}`", {"catalog": "b"}, False),
        ("DROP CATALOG b CASCADE", {"catalog": "B"}, True),
        ("ALTER CATALOG b SET OWNER TO `x`", {"catalog": "b"}, True),
        ("DROP CATALOG immuta CASCADE", {"principal": PRINCIPAL}, False),
    ],
)
def test_who_else_needs_it_on_databricks(statement: str, other: dict[str, str], expected: bool) -> None:
    found = needed.by(split(statement, "databricks"), {"catalog": "immuta"}, [("the connection 'b'", other)])
    assert found == [["the connection 'b'"] if expected else []]


def test_what_others_need_is_marked_by_the_name_of_each() -> None:
    statements = split("USE ROLE A; DROP ROLE immuta_system; DROP USER immuta_system_account", "snowflake")
    others = [("the integration 7", SHARED), ("the connection 'b\n'", {"role": "IMMUTA_SYSTEM", "user": "B"})]
    rows = made_by.describe(
        [{"n": 1}, {"n": 2}, {"n": 3}], statements, SNOWFLAKE, needed.by(statements, SNOWFLAKE, others)
    )
    assert [row["needed_by"] for row in rows] == [
        [],
        ["the integration 7", "the connection 'b\\n'"],
        ["the integration 7"],
    ]
    assert rows[1]["marks"] == ["the integration 7 needs it, too", "the connection 'b\\n' needs it, too"]
    assert [row["unusual"] for row in rows] == [False, True, True]
    assert needed.by(statements, SNOWFLAKE, []) == [[], [], []]


@pytest.mark.parametrize(
    ("other", "both"), [({"role": "IMMUTA_SYSTEM"}, True), ({"role": "X"}, False), ({**SHARED, "user": "U"}, False)]
)
def test_who_has_the_role_and_tells_no_user_may_have_the_user(other: dict[str, str], both: bool) -> None:
    statements = split("DROP USER immuta_system_account; DROP ROLE immuta_system", "snowflake")
    found = needed.by(statements, SNOWFLAKE, [("it", other)])
    assert found[0] == (["it"] if both else [])
    assert found[1] == (["it"] if other["role"] == "IMMUTA_SYSTEM" else [])


def test_a_name_of_its_own_is_not_taken_for_one_of_a_shorter_database() -> None:
    mine = {"database": "IMMUTA_103", "impersonation_role": "IMMUTA_X_IMPERSONATION"}
    statements = split("DROP ROLE IMMUTA_103_IMPERSONATION; DROP ROLE IMMUTA_X_IMPERSONATION", "snowflake")
    assert needed.by(statements, mine, [("it", {"database": "IMMUTA"})]) == [[], []]
    assert needed.by(statements, mine, [("it", {"impersonation_role": "immuta_x_impersonation"})]) == [[], ["it"]]
