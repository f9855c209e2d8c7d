# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grants and policies that a script takes away, and the reads that find them."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import removed, thing
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

DIALECTS = {"s": "snowflake", "d": "databricks"}
# What is not named in a way that can be read.
UNREAD = "not read"


def taken(script: str, dialect: str) -> list[tuple[str, str]]:
    """Kind and name of all but objects; and of what can't be read, the kind alone."""
    found = removed.things(split(script, dialect), dialect)
    return [(one.kind, UNREAD if one.name is None else one.shown) for one in found if one.type != thing.OBJECT]


@pytest.mark.parametrize(
    ("dialect", "script", "expected"),
    [
        ("s", "REVOKE SELECT ON TABLE A.B.C FROM ROLE R;", ["SELECT ON TABLE A.B.C TO ROLE R"]),
        (
            "s",
            "revoke select, insert on table a.b.c from r cascade;",
            ["SELECT ON TABLE A.B.C TO ROLE R", "INSERT ON TABLE A.B.C TO ROLE R"],
        ),
        ("s", 'REVOKE ALL ON SCHEMA "a.b".C FROM ROLE "r""s";', ['ALL PRIVILEGES ON SCHEMA "a.b".C TO ROLE "r""s"']),
        (
            "s",
            "REVOKE ALL PRIVILEGES ON VIEW A.B.C FROM DATABASE ROLE A.R;",
            ["ALL PRIVILEGES ON VIEW A.B.C TO DATABASE ROLE A.R"],
        ),
        (
            "s",
            "USE SCHEMA A.B; REVOKE SELECT ON TABLE C FROM DATABASE ROLE R;",
            ["SELECT ON TABLE A.B.C TO DATABASE ROLE A.R"],
        ),
        ("s", "REVOKE APPLY MASKING POLICY ON ACCOUNT FROM ROLE R;", ["APPLY MASKING POLICY ON ACCOUNT TO ROLE R"]),
        ("s", "REVOKE APPLY ON MASKING POLICY A.B.P FROM ROLE R;", ["APPLY ON MASKING POLICY A.B.P TO ROLE R"]),
        (
            "s",
            "REVOKE IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE FROM ROLE R;",
            ["IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE R"],
        ),
        (
            "s",
            "REVOKE GRANT OPTION FOR USAGE ON DATABASE A FROM ROLE R;",
            ["GRANT OPTION FOR USAGE ON DATABASE A TO ROLE R"],
        ),
        ("s", "REVOKE ROLE A FROM ROLE B; REVOKE ROLE A FROM USER U;", ["ROLE A TO ROLE B", "ROLE A TO USER U"]),
        ("s", "REVOKE DATABASE ROLE D.A FROM ROLE B;", ["DATABASE ROLE D.A TO ROLE B"]),
        (
            "s",
            "REVOKE SELECT ON ALL TABLES IN SCHEMA A.B FROM ROLE R;",
            ["SELECT ON ALL TABLES IN SCHEMA A.B TO ROLE R"],
        ),
        (
            "s",
            "REVOKE USAGE ON FUTURE SCHEMAS IN DATABASE A FROM ROLE R;",
            ["USAGE ON FUTURE SCHEMAS IN DATABASE A TO ROLE R"],
        ),
        (
            "s",
            "REVOKE APPLY ON ALL MASKING POLICIES IN DATABASE A FROM R;",
            ["APPLY ON ALL MASKING POLICIES IN DATABASE A TO ROLE R"],
        ),
        # Twice the same, and what the script itself has given before.
        ("s", "REVOKE ROLE A FROM ROLE B; REVOKE ROLE A FROM ROLE B;", ["ROLE A TO ROLE B"]),
        ("s", "GRANT ROLE A TO ROLE B; REVOKE ROLE A FROM ROLE B;", []),
        # Not told exactly by any list.
        ("s", "REVOKE SELECT ON TABLE C FROM ROLE R;", [UNREAD]),
        ("s", "REVOKE SELECT ON TABLE A..C FROM ROLE R;", [UNREAD]),
        ("s", "REVOKE USAGE ON FUNCTION A.B.F(NUMBER) FROM ROLE R;", [UNREAD]),
        ("s", "REVOKE USAGE ON DATABASE A FROM SHARE S;", [UNREAD]),
        ("s", "REVOKE SELECT ON TABLE IDENTIFIER('A.B.C') FROM ROLE R;", [UNREAD]),
        ("s", "REVOKE SELECT ON ALL TABLES IN SCHEMA IDENTIFIER($S) FROM ROLE R;", [UNREAD]),
        ("s", "REVOKE ROLE A FROM ROLE IDENTIFIER($R);", [UNREAD]),
        ("s", "REVOKE SELECT (X) ON TABLE A.B.C FROM ROLE R;", [UNREAD]),
        ("d", "REVOKE SELECT ON TABLE a.b.c FROM `a b`;", ["SELECT ON TABLE a.b.c TO a b"]),
        ("d", "REVOKE SELECT, MODIFY ON a.b.c FROM p;", ["SELECT ON TABLE a.b.c TO p", "MODIFY ON TABLE a.b.c TO p"]),
        ("d", "REVOKE ALL PRIVILEGES ON CATALOG c FROM `p@x.y`;", ["ALL PRIVILEGES ON CATALOG c TO `p@x.y`"]),
        ("d", "USE CATALOG c; REVOKE USE SCHEMA ON DATABASE s FROM p;", ["USE SCHEMA ON DATABASE c.s TO p"]),
        ("d", "REVOKE CREATE CATALOG ON METASTORE FROM p;", ["CREATE CATALOG ON METASTORE TO p"]),
        ("d", "REVOKE READ FILES ON EXTERNAL LOCATION l FROM p;", ["READ FILES ON EXTERNAL LOCATION l TO p"]),
        ("d", "REVOKE SELECT ON SHARE s FROM RECIPIENT r;", [UNREAD]),
    ],
)
def test_what_a_script_revokes(dialect: str, script: str, expected: list[str]) -> None:
    assert taken(script, DIALECTS[dialect]) == [("GRANT", one) for one in expected]


@pytest.mark.parametrize(
    ("dialect", "script", "expected"),
    [
        ("s", "ALTER TABLE A.B.C MODIFY COLUMN X UNSET MASKING POLICY;", ["MASKING POLICY: ON TABLE A.B.C COLUMN X"]),
        (
            "s",
            'ALTER VIEW IF EXISTS A.B.C ALTER x UNSET MASKING POLICY, COLUMN "y.z" UNSET PROJECTION POLICY, W UNSET MASKING POLICY;',
            [
                "MASKING POLICY: ON VIEW A.B.C COLUMN X",
                'PROJECTION POLICY: ON VIEW A.B.C COLUMN "y.z"',
                "MASKING POLICY: ON VIEW A.B.C COLUMN W",
            ],
        ),
        ("s", "ALTER TABLE A.B.C DROP ROW ACCESS POLICY D.E.P;", ["ROW ACCESS POLICY: D.E.P ON TABLE A.B.C"]),
        ("s", "ALTER TABLE A.B.C DROP ALL ROW ACCESS POLICIES;", ["ROW ACCESS POLICY: ON TABLE A.B.C"]),
        ("s", "USE SCHEMA A.B; ALTER TABLE C DROP ROW ACCESS POLICY P;", ["ROW ACCESS POLICY: A.B.P ON TABLE A.B.C"]),
        ("s", "ALTER TABLE A.B.C UNSET AGGREGATION POLICY;", ["AGGREGATION POLICY: ON TABLE A.B.C"]),
        ("s", "ALTER TAG A.B.G UNSET MASKING POLICY D.E.P;", ["MASKING POLICY: D.E.P ON TAG A.B.G"]),
        ("s", "ALTER USER U UNSET PASSWORD POLICY;", ["PASSWORD POLICY: ON USER U"]),
        ("s", "ALTER ACCOUNT UNSET SESSION POLICY;", ["SESSION POLICY: ON ACCOUNT"]),
        (
            "s",
            "ALTER ACCOUNT UNSET NETWORK_POLICY, TIMEZONE;",
            ["PARAMETER: NETWORK_POLICY ON ACCOUNT", "PARAMETER: TIMEZONE ON ACCOUNT"],
        ),
        # Nothing that is attached.
        ("s", "ALTER ACCOUNT SET TIMEZONE = 'UTC', WEEK_START = 1; ALTER ACCOUNT UNSET TAG A.B.C;", []),
        (
            "s",
            "ALTER USER U UNSET DEFAULT_ROLE; ALTER TABLE A.B.C DROP COLUMN POLICY; ALTER TABLE A.B.C UNSET COMMENT;",
            [],
        ),
        ("s", "ALTER TABLE A.B.C MODIFY COLUMN X SET MASKING POLICY A.B.P;", []),
        ("s", "ALTER TABLE C DROP ROW ACCESS POLICY A.B.P;", [f"POLICY: {UNREAD}"]),
        ("s", "ALTER TABLE A.B.C DROP ROW ACCESS POLICY P;", [f"POLICY: {UNREAD}"]),
        ("d", "ALTER TABLE c.s.t DROP ROW FILTER;", ["ROW FILTER: ON TABLE c.s.t"]),
        (
            "d",
            "USE CATALOG c; USE s; ALTER TABLE t ALTER COLUMN `x.y` DROP MASK;",
            ["COLUMN MASK: ON TABLE c.s.t COLUMN `x.y`"],
        ),
        ("d", "ALTER TABLE c.s.t DROP COLUMN x; ALTER TABLE c.s.t ALTER COLUMN x DROP NOT NULL;", []),
        ("d", "ALTER TABLE t DROP ROW FILTER;", [f"POLICY: {UNREAD}"]),
    ],
)
def test_what_a_script_takes_off(dialect: str, script: str, expected: list[str]) -> None:
    assert [f"{kind}: {name}" for kind, name in taken(script, DIALECTS[dialect])] == expected


@pytest.mark.parametrize(
    ("dialect", "script", "gone"),
    [
        ("s", "REVOKE ROLE A FROM ROLE B;", True),
        ("s", "REVOKE ROLE A FROM ROLE B; GRANT ROLE A TO ROLE B;", False),
        ("s", "REVOKE ROLE A FROM ROLE B; GRANT ROLE A TO ROLE C; GRANT ROLE X TO ROLE B;", True),
        ("s", "REVOKE ROLE A FROM ROLE B; GRANT ROLE A TO ROLE B; REVOKE ROLE A FROM ROLE B;", True),
        ("s", "REVOKE SELECT ON TABLE A.B.C FROM ROLE R; GRANT ALL ON TABLE A.B.C TO ROLE R;", False),
        ("s", "REVOKE ALL ON TABLE A.B.C FROM ROLE R; GRANT SELECT ON TABLE A.B.C TO ROLE R;", False),
        ("s", "REVOKE SELECT ON TABLE A.B.C FROM ROLE R; GRANT INSERT ON TABLE A.B.C TO ROLE R;", True),
        ("s", "REVOKE SELECT ON TABLE A.B.C FROM ROLE R; GRANT SELECT ON ALL TABLES IN SCHEMA A.B TO ROLE R;", False),
        ("s", "REVOKE SELECT ON TABLE A.B.C FROM ROLE R; GRANT SELECT ON FUTURE TABLES IN SCHEMA A.B TO ROLE R;", True),
        ("s", "ALTER TABLE A.B.C DROP ALL ROW ACCESS POLICIES;", True),
        (
            "s",
            "ALTER TABLE A.B.C DROP ALL ROW ACCESS POLICIES; ALTER TABLE A.B.C ADD ROW ACCESS POLICY A.B.P ON (X);",
            False,
        ),
        ("s", "ALTER TABLE A.B.C DROP ROW ACCESS POLICY A.B.P, ADD ROW ACCESS POLICY A.B.P ON (X);", False),
        ("s", "ALTER ACCOUNT UNSET NETWORK_POLICY; ALTER ACCOUNT SET NETWORK_POLICY = 'P';", False),
        ("d", "ALTER TABLE c.s.t DROP ROW FILTER; ALTER TABLE c.s.t SET ROW FILTER c.s.f ON (x);", False),
        ("d", "ALTER TABLE c.s.t DROP ROW FILTER; ALTER TABLE c.s.u SET ROW FILTER c.s.f ON (x);", True),
    ],
)
def test_what_the_script_gives_back_may_be_there(dialect: str, script: str, gone: bool) -> None:
    found = removed.things(split(script, DIALECTS[dialect]), DIALECTS[dialect])
    one = next(one for one in found if one.type != thing.OBJECT)
    assert one.is_dropped(()) is gone
    assert one.is_dropped([one.last.index]) is False


@pytest.mark.parametrize(
    ("dialect", "script", "ways"),
    [
        (
            "s",
            "REVOKE SELECT ON TABLE A.B.C FROM ROLE R;",
            ['SHOW GRANTS TO ROLE "R"', 'SHOW GRANTS ON TABLE "A"."B"."C"'],
        ),
        ("s", "REVOKE MANAGE GRANTS ON ACCOUNT FROM USER U;", ['SHOW GRANTS TO USER "U"', "SHOW GRANTS ON ACCOUNT"]),
        ("s", 'REVOKE ROLE "A"" B" FROM USER U;', ['SHOW GRANTS TO USER "U"', 'SHOW GRANTS OF ROLE "A"" B"']),
        ("s", "REVOKE DATABASE ROLE D.A FROM DATABASE ROLE D.B;", ['SHOW GRANTS TO DATABASE ROLE "D"."B"']),
        ("s", "REVOKE SELECT ON ALL TABLES IN DATABASE A FROM ROLE R;", ['SHOW GRANTS TO ROLE "R"']),
        (
            "s",
            "REVOKE SELECT ON FUTURE TABLES IN SCHEMA A.B FROM ROLE R;",
            ['SHOW FUTURE GRANTS TO ROLE "R"', 'SHOW FUTURE GRANTS IN SCHEMA "A"."B"'],
        ),
        (
            "d",
            "REVOKE SELECT ON TABLE c.s.t FROM `it's`;",
            [
                "SHOW GRANTS `it's` ON TABLE `c`.`s`.`t`",
                "SELECT * FROM system.information_schema.table_privileges WHERE grantee = 'it\\'s'",
            ],
        ),
        ("d", "REVOKE CREATE CATALOG ON METASTORE FROM p;", ["SHOW GRANTS `p` ON METASTORE"]),
        ("s", "ALTER ACCOUNT UNSET NETWORK_POLICY;", ["SHOW PARAMETERS LIKE 'NETWORK_POLICY' IN ACCOUNT"]),
        ("s", "ALTER ACCOUNT UNSET SESSION POLICY;", ["SHOW SESSION POLICIES ON ACCOUNT"]),
        ("s", "ALTER USER U UNSET PASSWORD POLICY;", ['SHOW PASSWORD POLICIES ON USER "U"']),
        (
            "d",
            "ALTER TABLE c.s.T DROP ROW FILTER;",
            [
                "SELECT * FROM system.information_schema.row_filters WHERE table_name = 't'",
                "SELECT * FROM system.information_schema.row_filters",
            ],
        ),
    ],
)
def test_the_reads_are_written_here(dialect: str, script: str, ways: list[str]) -> None:
    found = removed.things(split(script, DIALECTS[dialect]), DIALECTS[dialect])
    (one,) = [one for one in found if one.type != thing.OBJECT]
    assert [read.sql for read in one.ways] == ways


@pytest.mark.parametrize(
    ("script", "entity", "policy"),
    [
        ("ALTER TABLE A.B.C MODIFY COLUMN X UNSET MASKING POLICY;", ("A", '"A"."B"."C"', "TABLE"), None),
        ("ALTER MATERIALIZED VIEW A.B.C DROP ALL ROW ACCESS POLICIES;", ("A", '"A"."B"."C"', "VIEW"), None),
        ("ALTER TABLE A.B.C DROP ROW ACCESS POLICY D.E.P;", ("A", '"A"."B"."C"', "TABLE"), ("D", '"D"."E"."P"')),
        ("ALTER TAG A.B.G UNSET MASKING POLICY D.E.P;", ("A", '"A"."B"."G"', "TAG"), ("D", '"D"."E"."P"')),
    ],
)
def test_policies_are_asked_for_where_they_are_and_by_name(
    script: str, entity: tuple[str, str, str], policy: tuple[str, str] | None
) -> None:
    (one,) = [one for one in removed.things(split(script, "snowflake"), "snowflake") if one.type != thing.OBJECT]
    asked = [read.sql.partition(" FROM ")[2] for read in one.ways]
    expected = [
        f"TABLE(\"{entity[0]}\".INFORMATION_SCHEMA.POLICY_REFERENCES(REF_ENTITY_NAME => '{entity[1]}', REF_ENTITY_DOMAIN =>"
        f" '{entity[2]}'))"
    ]
    if policy:
        expected.append(f"TABLE(\"{policy[0]}\".INFORMATION_SCHEMA.POLICY_REFERENCES(POLICY_NAME => '{policy[1]}'))")
    assert asked == expected
