# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects that the integration is not known to have made."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import made_by
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

DOUBLES = Path(__file__).parents[4] / "doubles"
SNOWFLAKE = {"database": "IMMUTA"}
PRINCIPAL = "5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77"
OTHER = "00000000-3f0a-4a53-9a6e-2f4b8f3d1c77"


def marks(script: str, made: dict[str, str] | None, dialect: str = "snowflake") -> list[list[str]]:
    return made_by.marks(split(script, dialect), made)


def foreign(what: str) -> list[str]:
    return [f"{what}, {made_by.NOT_KNOWN}"]


@pytest.mark.parametrize(
    "statement",
    [
        'DROP DATABASE IF EXISTS "IMMUTA"',
        "drop database immuta",
        "DROP ROLE IMMUTA_SYSTEM",
        "DROP ROLE IMMUTA_USER_17",
        "DROP ROLE IMMUTA_X_IMPERSONATION",
        "DROP USER IF EXISTS IMMUTA_SYSTEM_ACCOUNT",
        "DROP PROCEDURE IF EXISTS immuta.public.p(INT, INT)",
        "DROP SCHEMA immuta.s",
        "DROP DATABASE ROLE immuta.r",
        "DROP TAG immuta.s.t",
        "ALTER USER immuta_system_account UNSET DEFAULT_ROLE",
        "ALTER USER immuta_system_account SET DISABLED = TRUE",
        "ALTER TABLE sales.crm.t MODIFY COLUMN a UNSET MASKING POLICY",
        "ALTER TABLE sales.crm.t DROP ROW ACCESS POLICY immuta.public.p",
        "ALTER TABLE sales.crm.t UNSET TAG immuta.s.t, immuta.s.u",
        "REVOKE USAGE ON DATABASE sales FROM ROLE immuta_system",
        "REVOKE SELECT ON ALL TABLES IN SCHEMA sales.crm FROM ROLE immuta_system",
        "REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE immuta_system",
        "REVOKE SELECT ON ALL TABLES IN SCHEMA immuta.s FROM ROLE analyst",
        "REVOKE ROLE immuta_system FROM USER analyst",
        "REVOKE ROLE analyst FROM USER immuta_system_account",
        "COMMENT ON DATABASE immuta IS 'x'",
        "UNSET x",
    ],
)
def test_its_own_on_snowflake(statement: str) -> None:
    assert marks(statement, SNOWFLAKE) == [[]]
    # Without a configuration the documented names are the same.
    assert marks(statement, None) == [[]]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("DROP DATABASE SALES", "drops DATABASE SALES"),
        ('DROP DATABASE "immuta"', "drops DATABASE immuta"),
        ("DROP DATABASE IMMUTA_PROD", "drops DATABASE IMMUTA_PROD"),
        ("DROP ROLE IF EXISTS ANALYST", "drops ROLE ANALYST"),
        ("DROP ROLE IMMUTA_SYSTEM_2", "drops ROLE IMMUTA_SYSTEM_2"),
        ("DROP USER ANALYST", "drops USER ANALYST"),
        ("DROP WAREHOUSE COMPUTE_WH", "drops WAREHOUSE COMPUTE_WH"),
        ("DROP NETWORK POLICY IMMUTA", "drops NETWORK POLICY IMMUTA"),
        ("DROP TABLE sales.immuta.t", "drops TABLE SALES.IMMUTA.T"),
        ("DROP TABLE t", "drops TABLE T"),
        ("DROP DATABASE ROLE sales.immuta", "drops DATABASE ROLE SALES.IMMUTA"),
        ("ALTER USER analyst UNSET DEFAULT_ROLE", "unsets properties of USER ANALYST"),
        ("ALTER TABLE sales.crm.t DROP ROW ACCESS POLICY sales.crm.p", "removes SALES.CRM.P from its object"),
        ("ALTER TABLE t MODIFY a UNSET TAG immuta.s.t, b UNSET TAG sales.s.u", "removes SALES.S.U from its object"),
        ("ALTER TABLE sales.crm.t UNSET TAG immuta.s.t, sales.s.u", "removes SALES.S.U from its object"),
        ("REVOKE USAGE ON DATABASE sales FROM ROLE analyst", "revokes rights from ROLE ANALYST"),
        ("REVOKE SELECT ON FUTURE TABLES IN SCHEMA sales.crm FROM ROLE analyst", "revokes rights from ROLE ANALYST"),
        ("REVOKE ROLE accountadmin FROM USER admin", "revokes rights from USER ADMIN"),
        ("REVOKE ALL ON ACCOUNT FROM ROLE PUBLIC", "revokes rights from ROLE PUBLIC"),
        ("REVOKE USAGE ON DATABASE sales FROM SHARE s", "revokes rights from SHARE S"),
    ],
)
def test_that_of_others_on_snowflake(statement: str, what: str) -> None:
    assert marks(statement, SNOWFLAKE) == [foreign(what)]
    assert marks(statement, None) == [[f"{what}, {made_by.ONLY_DOCUMENTED}"]]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("ALTER USER analyst SET DISABLED = TRUE", ["changes USER ANALYST: SET"]),
        ("ALTER TABLE sales.crm.t DROP COLUMN a", ["drops a column of TABLE SALES.CRM.T"]),
        ("ALTER TABLE immuta.s.t DROP COLUMN a", ["drops a column of TABLE IMMUTA.S.T"]),
        ("ALTER DATABASE immuta SWAP WITH sales", ["changes DATABASE IMMUTA: SWAP"]),
        ("TRUNCATE TABLE sales.crm.t", ["empties TABLE SALES.CRM.T"]),
        ("TRUNCATE TABLE immuta.s.t", []),
    ],
)
def test_other_marks_know_whose_it_is(statement: str, expected: list[str]) -> None:
    assert marks(statement, SNOWFLAKE) == [expected]


def test_names_of_the_configuration() -> None:
    made = {"database": "gov", "role": "GOV_OWNER", "user": "SVC_GOV", "impersonation_role": "IMP"}
    own = "DROP DATABASE GOV; DROP ROLE GOV_SYSTEM; DROP ROLE GOV_OWNER; DROP USER svc_gov; DROP ROLE imp;"
    assert marks(own, made) == [[]] * 5
    assert marks('DROP DATABASE "gov"; DROP DATABASE IMMUTA;', made) == [[], foreign("drops DATABASE IMMUTA")]
    assert marks("DROP DATABASE GOV;", None) == [[f"drops DATABASE GOV, {made_by.ONLY_DOCUMENTED}"]]


def test_what_belongs_to_every_account_is_nobodys_own() -> None:
    made = {"database": "SNOWFLAKE", "role": "ACCOUNTADMIN"}
    script = "DROP DATABASE SNOWFLAKE; DROP ROLE ACCOUNTADMIN; REVOKE ROLE A FROM ROLE ACCOUNTADMIN;"
    assert all(marks(script, made))


def test_short_names_are_looked_for_where_the_session_is() -> None:
    script = "USE DATABASE IMMUTA; DROP SCHEMA S; USE SCHEMA SALES.CRM; DROP TABLE T; USE IMMUTA; DROP TABLE T;"
    assert marks(script, SNOWFLAKE) == [[], [], [], foreign("drops TABLE T"), [], []]


@pytest.mark.parametrize(
    "switch",
    [
        *("SET CATALOG prod", "SET CATALOG 'prod'", "USE CATALOG prod", "USE prod.s", "USE IDENTIFIER('prod.s')"),
        *("CALL p()", "EXECUTE IMMEDIATE 'USE CATALOG prod'", "BEGIN USE CATALOG prod; END", "SELECT evil.s.f()"),
    ],
)
def test_no_short_name_is_its_own_after_the_session_may_have_left_its_catalog(switch: str) -> None:
    script = f"USE CATALOG immuta; {switch}; DROP SCHEMA sales CASCADE; DROP TABLE a.b; TRUNCATE TABLE a.b;"
    script += "ALTER SCHEMA sales SET OWNER TO evil; DROP CATALOG immuta; DROP SCHEMA immuta.s"
    assert marks(script, {"catalog": "immuta"}, "databricks")[2:] == [
        foreign("drops SCHEMA sales"),
        foreign("drops TABLE a.b"),
        ["empties TABLE a.b"],
        ["changes SCHEMA sales: SET"],
        [],
        [],
    ]


@pytest.mark.parametrize(
    "switch",
    [
        *("CALL P()", "BEGIN USE DATABASE PROD; END", "EXECUTE IMMEDIATE $x", "EXECUTE IMMEDIATE 'USE PROD'"),
        *("SHOW TABLES ->> USE PROD", "CREATE DATABASE PROD", "UNDROP DATABASE PROD"),
    ],
)
def test_no_short_name_is_its_own_after_the_session_may_have_left_its_database(switch: str) -> None:
    script = f"USE DATABASE IMMUTA; {switch}; DROP SCHEMA SALES; TRUNCATE TABLE A.B; DROP DATABASE IMMUTA;"
    script += "DROP ROLE IMMUTA_SYSTEM; DROP USER IMMUTA_SYSTEM_ACCOUNT; USE IMMUTA; DROP SCHEMA S"
    assert marks(script, SNOWFLAKE)[2:] == [foreign("drops SCHEMA SALES"), ["empties TABLE A.B"], [], [], [], [], []]


@pytest.mark.parametrize(
    "stays", ["SET TAG ON CATALOG prod a = b", "SET VAR catalog = 1", "UPDATE immuta.a.b SET c = 1"]
)
def test_a_short_name_is_its_own_while_the_session_stays_in_its_catalog(stays: str) -> None:
    assert marks(f"SET CATALOG immuta; {stays}; DROP SCHEMA s", {"catalog": "immuta"}, "databricks")[2] == []


@pytest.mark.parametrize(
    ("script", "made", "expected"),
    [
        ("DROP CATALOG IF EXISTS `immuta` CASCADE", {"catalog": "Immuta"}, []),
        ("DROP CATALOG sales CASCADE", {"catalog": "immuta"}, foreign("drops CATALOG sales")),
        ("DROP SCHEMA immuta.x", {"catalog": "immuta"}, []),
        ("DROP FUNCTION sales.x.f", {"catalog": "immuta"}, foreign("drops FUNCTION sales.x.f")),
        ("DROP EXTERNAL LOCATION immuta", {"catalog": "immuta"}, foreign("drops EXTERNAL LOCATION immuta")),
        ("ALTER TABLE sales.c.t DROP ROW FILTER", {"catalog": "immuta"}, []),
        ("DROP POLICY p ON CATALOG immuta", {}, []),
        ("DROP POLICY IF EXISTS p ON TABLE immuta.a.b", {}, []),
        ("DROP POLICY p ON CATALOG prod", {}, foreign("drops POLICY p on CATALOG prod")),
        ("DROP POLICY immuta.a.p ON TABLE prod.a.b", {}, foreign("drops POLICY immuta.a.p on TABLE prod.a.b")),
        ("DROP POLICY immuta.a.p", {}, foreign("drops POLICY immuta.a.p")),
        ("ALTER TABLE sales.c.t UNSET TAGS ('a')", {}, foreign("unsets properties of TABLE sales.c.t")),
        (f"REVOKE SELECT ON CATALOG sales FROM `{PRINCIPAL}`", {}, []),
        (f"REVOKE SELECT ON CATALOG sales FROM `{PRINCIPAL}`", {"principal": PRINCIPAL.upper()}, []),
        (
            f"REVOKE SELECT ON CATALOG sales FROM `{PRINCIPAL}`",
            {"principal": OTHER},
            foreign(f"revokes rights from {PRINCIPAL}"),
        ),
        ("REVOKE SELECT ON CATALOG sales FROM `account users`", {}, foreign("revokes rights from account users")),
    ],
)
def test_databricks(script: str, made: dict[str, str], expected: list[str]) -> None:
    assert marks(script, made, "databricks") == [expected]


def test_a_policy_is_whose_its_object_is() -> None:
    script = (
        "USE CATALOG immuta; DROP POLICY p ON SCHEMA s; DROP POLICY p ON CATALOG prod; DROP POLICY p ON SCHEMA prod.s"
    )
    policies = [foreign(f"drops POLICY p on {what}") for what in ("CATALOG prod", "SCHEMA prod.s")]
    assert marks(script, {"catalog": "immuta"}, "databricks") == [[], [], *policies]


def test_two_principals_can_not_both_be_the_integrations() -> None:
    script = ";".join(f"REVOKE SELECT ON CATALOG sales FROM `{one}`" for one in (PRINCIPAL, OTHER))
    assert marks(script, {}, "databricks") == [foreign(f"revokes rights from {one}") for one in (PRINCIPAL, OTHER)]


@pytest.mark.parametrize("made", [{"database": "IMMUTA", "catalog": "immuta"}, {}, None])
@pytest.mark.parametrize(("dialect", "expected"), [("snowflake", ["CREATE", "CALL"]), ("databricks", [])])
def test_an_ordinary_script_gives_no_false_alarm(
    dialect: str, expected: list[str], made: dict[str, str] | None
) -> None:
    statements = split((DOUBLES / f"{dialect}_cleanup.sql").read_text("utf-8"), dialect)
    rows = made_by.describe([one.describe() for one in statements], statements, made)
    assert [row["verb"] for row in rows if row["unusual"]] == expected
    assert all(bool(row["marks"]) == row["unusual"] for row in rows)
