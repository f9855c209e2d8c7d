# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SQL of the guide to least privilege is enough for the scripts of the stand-ins, and none of its grants is too much."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.tests.doubles import databricks_sql, snowflake_sql
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import DEPLOYER, Metastore
from ansible_collections.community.immuta.tests.doubles.snowflake_account import Account

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/docsite/rst/guide_privileges.rst").read_text("utf-8")
# In the order of the page.
NAMES = ("switches", "own role", "afterwards", "catalogs", "catalogs afterwards")
BLOCKS = dict(zip(NAMES, re.findall(r"code-block:: sql\n\n((?:    .*\n|\n)+)", GUIDE), strict=True))
DOUBLES = ROOT / "tests/doubles"
# What the script's procedure does, of which only an administrator may read the views.
DETACH = [
    'ALTER TABLE "SALES"."CRM"."CUSTOMERS" MODIFY COLUMN "EMAIL" UNSET MASKING POLICY',
    'ALTER TABLE "SALES"."CRM"."CUSTOMERS" DROP ROW ACCESS POLICY "IMMUTA"."PUBLIC"."ROWS_BY_REGION"',
]


def statements(text: str, dialect: str) -> list[str]:
    return [one.text for one in split(text, dialect)]


def script(platform: str) -> list[str]:
    return statements((DOUBLES / f"{platform}_cleanup.sql").read_text("utf-8"), platform)


def without_roles() -> list[str]:
    """Snowflake's script, if it switched no roles."""
    kept = [one for one in script("snowflake") if not re.match(r"(?i)use |create |drop procedure", one)]
    position = next(number for number, one in enumerate(kept) if one.upper().startswith("CALL"))
    return [*kept[:position], *DETACH, *kept[position + 1 :]]


def without_metastore() -> list[str]:
    """Databricks' script, if it were about catalogs only."""
    return [one for one in script("databricks") if not re.search(r"(?i)on (metastore|catalog system)", one)]


class Snowflake:
    error = snowflake_sql.SqlError

    def __init__(self) -> None:
        self.account = Account.example()

    def run(self, texts: t.Iterable[str], user: str = "DEPLOYER", role: str = "PUBLIC") -> None:
        session = snowflake_sql.Session(self.account, user, 1, role)
        for text in texts:
            session.execute(text)

    def left(self) -> list[str]:
        names = [".".join(name) for _kind, name in self.account.entities]
        return [one for one in names if one.startswith("IMMUTA")]


class Databricks:
    error = databricks_sql.SqlError

    def __init__(self) -> None:
        self.metastore = Metastore.example()
        # By the page, it is no administrator.
        self.metastore.members[self.metastore.admins].discard(DEPLOYER)

    def run(self, texts: t.Iterable[str], user: str = "deployer@example.com", role: str = "") -> None:
        session = databricks_sql.Session(self.metastore, user, "1")
        for text in texts:
            session.execute(text)

    def left(self) -> list[str]:
        return [name for name in self.metastore.names("CATALOG") if name.startswith("immuta")]


CASES: dict[str, tuple[type[Snowflake] | type[Databricks], str, str, t.Callable[[], list[str]]]] = {
    "switches": (Snowflake, "IMMUTA_CLEANUP", "PUBLIC", lambda: script("snowflake")),
    "own role": (Snowflake, "IMMUTA_CLEANUP", "IMMUTA_CLEANUP", without_roles),
    "catalogs": (Databricks, DEPLOYER, "", without_metastore),
}


def block(name: str) -> list[str]:
    return statements(BLOCKS[name], "databricks" if name.startswith("catalogs") else "snowflake")


@pytest.mark.parametrize("name", CASES)
def test_the_script_runs_with_what_the_page_grants(name: str) -> None:
    kind, user, role, texts = CASES[name]
    platform = kind()
    platform.run(block(name))
    platform.run(texts(), user, role)
    platform.run(block("catalogs afterwards" if kind is Databricks else "afterwards"))
    assert platform.left() == []


@pytest.mark.parametrize(
    ("name", "left_out"),
    [(name, number) for name in CASES for number, one in enumerate(block(name)) if one.startswith("GRANT")],
)
def test_no_grant_is_too_much(name: str, left_out: int) -> None:
    kind, user, role, texts = CASES[name]
    platform = kind()
    platform.run(one for number, one in enumerate(block(name)) if number != left_out)
    with pytest.raises(kind.error):
        platform.run(texts(), user, role if name != "own role" else snowflake_role(platform, user))


def snowflake_role(platform: t.Any, user: str) -> str:
    """The role that a sign-in gets: the user's own, unless it was not granted."""
    return "IMMUTA_CLEANUP" if "IMMUTA_CLEANUP" in platform.account.roles_of(user) else "PUBLIC"


def test_what_is_about_the_metastore_takes_an_administrator() -> None:
    platform = Databricks()
    platform.run(block("catalogs"))
    with pytest.raises(databricks_sql.SqlError, match="Insufficient privileges"):
        platform.run(script("databricks"), DEPLOYER)
