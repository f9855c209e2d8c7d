# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a statement does beyond verb, kind, and name."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql.details import LONGEST
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split

BOTH = ("snowflake", "databricks")


@pytest.mark.parametrize(
    ("dialects", "text", "privileges", "action"),
    [
        (BOTH, "DROP SCHEMA a.b", "", ""),
        (BOTH, "DROP SCHEMA IF EXISTS a.b CASCADE", "", "CASCADE"),
        (BOTH, "DROP SCHEMA a.b /* CASCADE */ RESTRICT", "", "RESTRICT"),
        (BOTH, "SELECT 1", "", ""),
        (BOTH, "GRANT SELECT ON TABLE a TO b", "SELECT", ""),
        (["snowflake"], "revoke select, insert on table a.b from role c cascade", "SELECT, INSERT", "CASCADE"),
        (["snowflake"], "REVOKE ALL PRIVILEGES ON ALL TABLES IN SCHEMA a.b FROM ROLE c", "ALL PRIVILEGES", ""),
        (["snowflake"], "REVOKE GRANT OPTION FOR SELECT ON TABLE a FROM ROLE b", "GRANT OPTION FOR SELECT", ""),
        (["snowflake"], "REVOKE SELECT (c1, c2), UPDATE ON TABLE a FROM ROLE b", "SELECT, UPDATE", ""),
        (["snowflake"], "REVOKE ROLE a FROM USER b", "", ""),
        (["snowflake"], "GRANT OWNERSHIP ON DATABASE a TO ROLE b REVOKE CURRENT GRANTS", "OWNERSHIP", ""),
        (["databricks"], "REVOKE USE CATALOG ON CATALOG a FROM `b c`", "USE CATALOG", ""),
        (["snowflake"], "ALTER TABLE a DROP ROW ACCESS POLICY b.c.d", "", "DROP ROW ACCESS POLICY"),
        (["snowflake"], "ALTER TABLE a MODIFY COLUMN b UNSET MASKING POLICY", "", "UNSET MASKING POLICY"),
        (["snowflake"], "ALTER USER a SET PASSWORD = 'x', COMMENT = 'y'", "", "SET PASSWORD"),
        (["snowflake"], 'ALTER TABLE a RENAME TO "Hidden"', "", "RENAME TO"),
        (["databricks"], "ALTER TABLE a DROP ROW FILTER", "", "DROP ROW FILTER"),
        (["databricks"], "ALTER TABLE a ALTER COLUMN b DROP MASK", "", "DROP MASK"),
    ],
    ids=str,
)
def test_details(dialects: tuple[str, ...], text: str, privileges: str, action: str) -> None:
    for dialect in dialects:
        shown = split(text, dialect)[0].describe()
        assert (shown["privileges"], shown["action"]) == (privileges, action)


def test_a_long_list_is_cut() -> None:
    shown = split(f"GRANT {', '.join(['SELECT'] * 1000)} ON TABLE a TO ROLE b", "snowflake")[0].describe()
    assert len(shown["privileges"]) == LONGEST
    assert shown["privileges"].endswith("...")
