# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in use, left over, or not certain, and what follows: the report, the draft, the exit status."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._sql import documented
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.plugin_utils._audit import draft, removals, report, together
from ansible_collections.community.immuta.plugins.plugin_utils._audit.verdicts import Judge, Tenant

Row = dict[str, t.Any]

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)
LATELY, JUST_NOW, LONG_AGO = "2026-05-31 10:00:00", "2026-06-01 00:00:00+00:00", "2026-01-02 03:04:05.678+00:00"
HERE, ELSEWHERE, NOWHERE = "here.snowflakecomputing.com", "elsewhere.snowflakecomputing.com", "gateway.example.com"
RELATIONS = [
    {"host": HERE, "relation": "same"},
    {"host": ELSEWHERE, "relation": "different"},
    {"host": NOWHERE, "relation": "unknown"},
]
PRINCIPAL = "5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77"


def integration(number: int = 5, **fields: t.Any) -> Row:
    kind = {"type": "Snowflake", "database": "IMMUTA", "catalog": None, "integration_config": {}}
    return {"id": number, "status": "enabled", "in_use": True, "host": HERE, **kind, **fields}


def on_databricks(**fields: t.Any) -> Row:
    return integration(7, type="Databricks", database=None, **{"catalog": "immuta", **fields})


def connection(**fields: t.Any) -> Row:
    return {"key": "prod", "technology": "Snowflake", "hostname": HERE, "integration_id": None, **fields}


def thing(kind: str, *path: str, homes: t.Container[str] = ("IMMUTA",), **fields: t.Any) -> Row:
    part, home = ("policy", path[0]) if len(path) > 1 else documented.part(kind, path[0], homes)
    about = {
        "owner": None,
        "created_on": "2026-01-01",
        "last_used": None,
        "display_name": None,
        "reason": "",
        "state": "",
    }
    return {"kind": kind, "path": list(path), "part": part, "home": home, **about, **fields}


def family(
    home: str, *, without: str = "", last_used: str | None = LONG_AGO, owner: str | None = None, **made: t.Any
) -> list[Row]:
    """What Immuta makes: C(without) is what of it is missing, by the first letters; C(owner) is that of the database."""
    found = {
        "d": thing("DATABASE", home, homes=(home,), owner=owner, **made),
        "r": thing("ROLE", f"{home}_SYSTEM", homes=(home,), **made),
        "u": thing("USER", f"{home}_SYSTEM_ACCOUNT", homes=(home,), last_used=last_used, **made),
    }
    return [one for letter, one in found.items() if letter not in without]


def catalog(name: str = "immuta", owner: str = PRINCIPAL, **fields: t.Any) -> Row:
    return thing("CATALOG", name, part="catalog", home=name, owner=owner, **fields)


def naming(number: int = 5, **fields: t.Any) -> Row:
    """An integration with another database, whose configuration names a role and a user with Immuta's usual names."""
    config = {"role": "immuta_system", "user": "IMMUTA_SYSTEM_ACCOUNT", "impersonation_role": "IMMUTA_IMPERSONATION"}
    return integration(number, **{"database": "GOV", "integration_config": config, **fields})


def principal(home: str | None) -> Row:
    return thing("SERVICE PRINCIPAL", PRINCIPAL, part="principal", home=home)


def judge(objects: list[Row], tenant: Tenant, platform: str = "snowflake", *, sees_all: bool = True) -> Judge:
    seen = {"objects": objects, "hosts": RELATIONS, "sees_all": sees_all}
    return Judge(platform, seen, tenant, datetime.timedelta(days=14), NOW)


NONE, ONE = Tenant(), Tenant([integration()])
DENIED = Tenant(problem="Immuta does not show every connection to this API key.")
FOREIGN = Tenant([integration(host=ELSEWHERE)])
# Everything that the tenant has, what is on the account (the first one is judged), the verdict, and words of its reason.
SNOWFLAKE: list[tuple[str, Tenant, list[Row], str, str]] = [
    ("an integration has it", ONE, family("IMMUTA"), "in_use", "Integration 5 uses it (enabled)"),
    ("its role", ONE, [thing("ROLE", "IMMUTA_SYSTEM")], "in_use", "Integration 5"),
    ("its user", ONE, [thing("USER", "IMMUTA_SYSTEM_ACCOUNT", last_used=LATELY)], "in_use", "Integration 5"),
    ("a role of its users", ONE, [thing("ROLE", "IMMUTA_USER_ANNA"), *family("IMMUTA")], "in_use", "Integration 5"),
    ("its impersonation", ONE, [thing("ROLE", "IMMUTA_IMPERSONATION"), *family("IMMUTA")], "in_use", "Integration 5"),
    ("its policy", ONE, [thing("MASKING POLICY", "IMMUTA", "PUBLIC", "M"), *family("IMMUTA")], "in_use", "uses it"),
    ("a connection is named", Tenant([integration()], [connection(integration_id=5)]), family("IMMUTA"), "in_use", "prod"),
    ("written small", Tenant([integration(database="immuta")]), family("IMMUTA"), "in_use", "Integration 5"),
    ("kept small", Tenant([integration(database="immuta")]), family("immuta"), "in_use", "Integration 5"),
    ("of no known type", Tenant([integration(type="")]), family("IMMUTA"), "in_use", "Integration 5"),
    ("of a kind of Snowflake", Tenant([integration(type="Snowflake Native")]), family("IMMUTA"), "in_use", "Integration 5"),
    ("creating", Tenant([integration(status="creating")]), family("IMMUTA"), "in_use", "(creating)"),
    ("its own name", Tenant([integration(database="GOV")]), family("GOV"), "in_use", "Integration 5"),
    ("in use, whatever is not shown", Tenant([integration()], problem="No."), family("IMMUTA"), "in_use", "uses it"),
    ("nobody has it", NONE, family("IMMUTA"), "left_over", "No integration of the tenant uses it."),
    ("an integration of another account", FOREIGN, family("IMMUTA"), "left_over", "No integration"),
    ("another database", Tenant([integration(database="OTHER")]), family("IMMUTA"), "left_over", "No integration"),
    ("deleted", Tenant([integration(status="deleted", in_use=False)]), family("IMMUTA"), "left_over", "Its integration 5"),
    ("deleted, by its own name", Tenant([integration(status="deleted", in_use=False, database="GOV")]),
     family("GOV", without="ru"), "left_over", "is deleted"),
    ("the role alone", NONE, family("IMMUTA", without="du"), "left_over", "No integration"),
    ("the user alone", NONE, family("IMMUTA", without="dr"), "left_over", "No integration"),
    ("database and role", NONE, family("IMMUTA", without="u"), "left_over", "No integration"),
    ("another name, whole", NONE, family("GOV", owner="GOV_SYSTEM"), "left_over", "No integration"),
    ("another name, owned by somebody else", NONE, family("GOV", owner="SYSADMIN"), "not_certain", "the owner of GOV is SYSADMIN, not GOV_SYSTEM"),
    ("another name, of an owner that is not told", NONE, family("GOV"), "not_certain", "is unknown, not GOV_SYSTEM"),
    ("another name with the user", NONE, family("GOV", without="d"), "not_certain", "Too few"),
    ("a customer's own", NONE, [*family("FINANCE", without="r", owner="SYSADMIN"), thing("ROLE", "FINANCE_USER_READERS", homes=("FINANCE",))],
     "not_certain", "Too few"),
    ("a role of a customer's own", NONE,
     [thing("ROLE", "FINANCE_USER_READERS", homes=("FINANCE",)), *family("FINANCE", without="r", owner="SYSADMIN")],
     "not_certain", "Too few"),
    ("a role that is configured", Tenant([naming()]), family("IMMUTA", without="du"), "in_use", "5 (enabled) names it as its role"),
    ("a user that is configured", Tenant([naming()]), family("IMMUTA", without="dr"), "in_use", "names it as its user"),
    ("an impersonation that is configured", Tenant([naming()]), [thing("ROLE", "IMMUTA_IMPERSONATION")], "in_use", "impersonation"),
    ("the database beside", Tenant([naming()]), family("IMMUTA"), "not_certain", "ROLE IMMUTA_SYSTEM, which has the same name, is in use"),
    ("configured by one that is disabled", Tenant([naming(status="disabled", in_use=False)]),
     family("IMMUTA", without="d"), "not_certain", "5 (disabled) names it"),
    ("configured by one that is disabled, and one that is not", Tenant([naming(6, status="disabled", in_use=False), naming()]),
     family("IMMUTA", without="d"), "in_use", "5 (enabled)"),
    ("configured by one that is deleted", Tenant([naming(status="deleted", in_use=False)]), family("IMMUTA"), "left_over", "No"),
    ("configured on another account", Tenant([naming(host=ELSEWHERE)]), family("IMMUTA"), "left_over", "No integration"),
    ("configured on a host that can't be compared", Tenant([naming(host=NOWHERE)]), family("IMMUTA", without="d"), "not_certain", "names it"),
    ("the owner of what is in use", Tenant([integration(database="GOV")]),
     [*family("IMMUTA", without="du"), thing("DATABASE", "GOV", owner="IMMUTA_SYSTEM")], "in_use", "It owns DATABASE GOV, which is in use."),
    ("a user beside that owner", Tenant([integration(database="GOV")]),
     [*family("IMMUTA", without="dr"), *family("IMMUTA", without="du"), thing("DATABASE", "GOV", owner="IMMUTA_SYSTEM")],
     "not_certain", "ROLE IMMUTA_SYSTEM"),
    ("the owner of what is not certain", Tenant([integration(database="GOV", status="disabled", in_use=False)]),
     [*family("IMMUTA", without="du"), thing("DATABASE", "GOV", owner="IMMUTA_SYSTEM")], "not_certain", "It owns DATABASE GOV"),
    ("what a role in use owns", Tenant([integration(database="GOV")]),
     [*family("PROD_IMMUTA", owner="GOV_SYSTEM"), *family("GOV")], "not_certain", "Its owner, ROLE GOV_SYSTEM, is in use."),
    ("of a role that owns one in use", Tenant([integration(database="GOV")]),
     [*family("IMMUTA", owner="IMMUTA_ADMIN"), thing("ROLE", "IMMUTA_ADMIN"), thing("ROLE", "GOV_SYSTEM", homes=("GOV",), owner="IMMUTA_ADMIN")],
     "left_over", "No integration"),
    ("made just now", NONE, family("IMMUTA", last_used=None, created_on=JUST_NOW), "not_certain", "not registered yet"),
    ("made lately", NONE, family("IMMUTA", created_on=LATELY), "not_certain", "was made at 2026-05-31"),
    ("made lately, one of it", NONE, [*family("IMMUTA"), thing("ROLE", "IMMUTA_USER_ANNA", created_on=LATELY)],
     "not_certain", "ROLE IMMUTA_USER_ANNA was made"),
    ("made lately, in the name of one deleted", Tenant([integration(status="deleted", in_use=False)]),
     family("IMMUTA", created_on=LATELY), "not_certain", "not registered yet"),
    ("made nobody tells when", NONE, family("IMMUTA", created_on=None), "not_certain", "is unknown, and"),
    ("made at a time that is none", NONE, family("IMMUTA", created_on="?"), "not_certain", "was made at ?"),
    ("disabled, no database", Tenant([integration(database=None, status="disabled", in_use=False)]), family("IMMUTA"),
     "not_certain", "does not say which database"),
    ("deleted, no database", Tenant([integration(database=None, status="deleted", in_use=False)]), family("IMMUTA"),
     "left_over", "No integration"),
    ("disabled, no database, elsewhere", Tenant([integration(database=None, status="disabled", in_use=False, host=ELSEWHERE)]),
     family("IMMUTA"), "left_over", "No integration"),
    ("a name with the word", NONE, family("PROD_IMMUTA", without="u"), "left_over", "No integration"),
    ("a role of users beside", NONE, [thing("ROLE", "IMMUTA_USER_ANNA"), *family("IMMUTA")], "left_over", "No"),
    ("never signed in", NONE, family("IMMUTA", last_used=None), "left_over", "No integration"),
    ("a lake's connection", Tenant([], [connection(technology="Glue")]), family("IMMUTA"), "left_over", "No"),
    ("a connection elsewhere", Tenant([], [connection(hostname=ELSEWHERE)]), family("IMMUTA"), "left_over", "No"),
    ("Databricks' integration", Tenant([on_databricks(host=NOWHERE)]), family("IMMUTA"), "left_over", "No integration"),
    ("not all is shown", DENIED, family("IMMUTA"), "not_certain", "does not show every connection"),
    ("a host that can't be compared", Tenant([integration(host=NOWHERE)]), family("IMMUTA"), "not_certain", NOWHERE),
    ("no host", Tenant([integration(host=None)]), family("IMMUTA"), "not_certain", "whether its host leads here"),
    ("disabled", Tenant([integration(status="disabled", in_use=False)]), family("IMMUTA"), "not_certain", "enable it"),
    ("deleting", Tenant([integration(status="deleting")]), family("IMMUTA"), "not_certain", "wait until that has"),
    ("deletion failed", Tenant([integration(status="deleteError")]), family("IMMUTA"), "not_certain", "deleteError"),
    ("no database", Tenant([integration(database=None)]), family("IMMUTA"), "not_certain", "does not say which"),
    ("no integration", Tenant([], [connection()]), family("IMMUTA"), "not_certain", "The connection prod does not say"),
    ("an unknown integration", Tenant([integration(database="OTHER")], [connection(integration_id=77)]),
     family("IMMUTA"), "not_certain", "The connection prod"),
    ("a connection without a host", Tenant([], [connection(hostname=None)]), family("IMMUTA"), "not_certain", "prod"),
    ("two spellings", Tenant([integration(database="immuta")]), [*family("IMMUTA"), *family("immuta")],
     "not_certain", "in lower case"),
    ("signed in lately", NONE, family("IMMUTA", last_used=LATELY), "not_certain", "another tenant may use it"),
    ("a time that is none", NONE, family("IMMUTA", last_used="?"), "not_certain", "another tenant may use it"),
    ("the database alone", NONE, family("IMMUTA", without="ru"), "not_certain", "Too few"),
    ("database and role of somebody else", NONE, family("PROD", without="u"), "not_certain", "Too few"),
    ("a role of users alone", NONE, [thing("ROLE", "IMMUTA_USER_ANNA")], "not_certain", "Too few"),
    ("kept small, of nobody", NONE, family("immuta", without="ru"), "not_certain", "Too few"),
    ("PROD_IMMUTA_SYSTEM", NONE, [thing("ROLE", "PROD_IMMUTA_SYSTEM")], "not_certain", "Too few"),
    ("IMMUTA_OLD_BACKUP", NONE, [thing("DATABASE", "IMMUTA_OLD_BACKUP"), *family("IMMUTA")], "not_certain", "Too few"),
    ("a backup, beside one in use", ONE, [thing("DATABASE", "IMMUTA_OLD_BACKUP")], "not_certain", "Too few"),
    ("IMMUTA_READERS", ONE, [thing("ROLE", "IMMUTA_READERS")], "not_certain", "resembles"),
    ("a person", ONE, [thing("USER", "IMMUTA_ADMIN")], "not_certain", "resembles"),
    ("Immuta_System", NONE, [thing("ROLE", "Immuta_System")], "not_certain", "resembles"),
]  # fmt: skip
DATABRICKS: list[tuple[str, Tenant, list[Row], str, str]] = [
    ("an integration has it", Tenant([on_databricks()]), [catalog()], "in_use", "Integration 7"),
    ("in another case", Tenant([on_databricks(catalog="Immuta")]), [catalog()], "in_use", "Integration 7"),
    ("its owner", Tenant([on_databricks()]), [principal("immuta"), catalog()], "in_use", "It owns the catalog immuta"),
    ("nobody has it", NONE, [catalog()], "left_over", "No integration of the tenant uses it."),
    ("deleted", Tenant([on_databricks(status="deleted", in_use=False, catalog="gov")]), [catalog("gov", "anna")],
     "left_over", "is deleted"),
    ("another catalog", Tenant([on_databricks(catalog="gov")]), [catalog()], "left_over", "No integration"),
    ("another workspace", Tenant([on_databricks(host=ELSEWHERE)]), [catalog()], "not_certain", "may share the"),
    ("deleted on another workspace", Tenant([on_databricks(host=ELSEWHERE, status="deleted", in_use=False)]), [catalog()],
     "left_over", "No integration"),
    ("not all is shown", DENIED, [catalog()], "not_certain", "does not show"),
    ("a host that can't be compared", Tenant([on_databricks(host=NOWHERE)]), [catalog()], "not_certain", NOWHERE),
    ("no catalog, elsewhere", Tenant([on_databricks(catalog=None, host=ELSEWHERE)]), [catalog()], "not_certain", "which catalog"),
    ("no integration", Tenant([], [connection(technology="Databricks")]), [catalog()], "not_certain", "prod"),
    ("a person's", NONE, [catalog(owner="anna@example.com")], "not_certain", "not a service principal"),
    ("a copy", NONE, [catalog("immuta_backup")], "not_certain", "resembles"),
    ("the owner of what is left over", NONE, [principal("immuta"), catalog()], "not_certain", "something else"),
    ("a principal by name", NONE, [principal(None)], "not_certain", "owns no catalog"),
    ("a principal that is configured", Tenant([on_databricks(integration_config={"principal": PRINCIPAL.upper()})]),
     [principal(None)], "in_use", "names it as its service principal"),
    ("a principal that is configured elsewhere", Tenant([on_databricks(integration_config={"principal": PRINCIPAL}, host=ELSEWHERE)]),
     [principal(None)], "not_certain", "names it as its service principal"),
    ("the owner of two catalogs", Tenant([on_databricks(catalog="gov")]), [principal("immuta"), catalog(), catalog("gov")],
     "in_use", "It owns the catalog gov"),
    ("made lately", NONE, [catalog(created_on=LATELY)], "not_certain", "CATALOG immuta was made at"),
    ("made nobody tells when", NONE, [catalog(created_on=None)], "not_certain", "is unknown, and"),
    ("disabled, no catalog", Tenant([on_databricks(catalog=None, status="disabled", in_use=False)]), [catalog()],
     "not_certain", "which catalog"),
]  # fmt: skip


def of(one: Row, found: t.Iterable[Row]) -> Row:
    return next(each for each in found if (each["kind"], each["path"]) == (one["kind"], one["path"]))


@pytest.mark.parametrize(("what", "tenant", "objects", "state", "reason"), SNOWFLAKE, ids=[one[0] for one in SNOWFLAKE])
def test_snowflake(what: str, tenant: Tenant, objects: list[Row], state: str, reason: str) -> None:
    found = of(objects[0], judge(objects, tenant).findings())
    assert (found["state"], reason in found["reason"]) == (state, True), found


@pytest.mark.parametrize(
    ("what", "tenant", "objects", "state", "reason"), DATABRICKS, ids=[one[0] for one in DATABRICKS]
)
def test_databricks(what: str, tenant: Tenant, objects: list[Row], state: str, reason: str) -> None:
    found = of(objects[0], judge(objects, tenant, "databricks").findings())
    assert (found["state"], reason in found["reason"]) == (state, True), found


@pytest.mark.parametrize("without", ["", "u"])
def test_what_is_not_shown_is_not_taken_for_never(without: str) -> None:
    objects = family("IMMUTA", without=without, last_used=None)
    found = of(objects[0], judge(objects, NONE, sees_all=False).findings())
    assert (found["state"], "Audit again as ACCOUNTADMIN" in found["reason"]) == ("not_certain", True)


def test_the_tenants_names_and_hosts() -> None:
    tenant = Tenant(
        [integration(), on_databricks(host=ELSEWHERE), integration(9, type="Glue")], [connection(hostname=NOWHERE)]
    )
    assert (tenant.names("snowflake"), tenant.hosts("snowflake")) == (["IMMUTA"], [NOWHERE, HERE])
    assert (tenant.names("databricks"), tenant.hosts("databricks")) == (["immuta"], [ELSEWHERE])


PARTS = [
    ("DATABASE", "IMMUTA_OLD_BACKUP", ("database", "IMMUTA_OLD_BACKUP")),
    ("ROLE", "IMMUTA_SYSTEM", ("system_role", "IMMUTA")),
    ("ROLE", "PROD_IMMUTA_SYSTEM", ("system_role", "PROD_IMMUTA")),
    ("ROLE", "IMMUTA_USER_A_USER_B", ("user_role", "IMMUTA")),
    ("ROLE", "GOV_USER_X_USER_B", ("user_role", "GOV")),
    ("ROLE", "IMMUTA_SALES_IMPERSONATION_ROLE", ("impersonation_role", "IMMUTA")),
    ("ROLE", "IMMUTA_IMPERSONATION", ("impersonation_role", "IMMUTA")),
    ("ROLE", "IMMUTA_USER_", ("alike", None)),
    ("ROLE", "IMMUTA_system", ("alike", None)),
    ("ROLE", "_SYSTEM", ("alike", None)),
    ("USER", "IMMUTA_SYSTEM_ACCOUNT", ("system_user", "IMMUTA")),
    ("USER", "_SYSTEM_ACCOUNT", ("alike", None)),
    ("USER", "IMMUTA_ADMIN", ("alike", None)),
]


@pytest.mark.parametrize(("kind", "name", "part"), PARTS)
def test_documented_names(kind: str, name: str, part: tuple[str, str | None]) -> None:
    assert documented.part(kind, name, ("IMMUTA", "GOV")) == part


# The draft


def audit(platform: str, objects: list[Row], tenant: Tenant, **fields: t.Any) -> Row:
    findings = judge(objects, tenant, platform).findings()
    known = {
        "place": "there\nDROP",
        "session": {"user": "ME"},
        "sees_all": True,
        "attached": [],
        "reads": [],
        "time": "now",
    }
    return {"platform": platform, "objects": findings, **known, **fields}


def test_the_draft_drops_what_is_left_over_in_order() -> None:
    policy = thing("ROW ACCESS POLICY", "SALES", "S", "R", home="IMMUTA")
    inside = thing("MASKING POLICY", "IMMUTA", "PUBLIC", 'M"1', home="IMMUTA")
    objects = [
        *family("IMMUTA"),
        *family("KEPT"),
        policy,
        inside,
        thing("ROLE", "IMMUTA_USER_A"),
        thing("ROLE", "IMMUTA_READERS"),
    ]
    table = ["SALES", "S", "T"]
    attached: list[Row] = [
        {"kind": one["kind"], "path": one["path"], "home": "IMMUTA", "on": "TABLE", "table": table, "column": column}
        for one, column in ((policy, None), (inside, "C"), (thing("MASKING POLICY", "KEPT", "S", "M"), "C"))
    ]
    found = audit("snowflake", objects, Tenant([integration(database="KEPT")]), attached=attached)
    text = draft.draft("snowflake", found)
    assert text.startswith(draft.MARK)
    assert [one.text for one in split(text, "snowflake")][1:] == [
        'ALTER TABLE "SALES"."S"."T" DROP ROW ACCESS POLICY "SALES"."S"."R"',
        'ALTER TABLE "SALES"."S"."T" MODIFY COLUMN "C" UNSET MASKING POLICY',
        'DROP USER IF EXISTS "IMMUTA_SYSTEM_ACCOUNT"',
        'DROP ROW ACCESS POLICY IF EXISTS "SALES"."S"."R"',
        'DROP DATABASE IF EXISTS "IMMUTA"',
        'DROP ROLE IF EXISTS "IMMUTA_USER_A"',
        'DROP ROLE IF EXISTS "IMMUTA_SYSTEM"',
    ]
    assert "KEPT" not in text and "READERS" not in text
    views = draft.draft("snowflake", {**found, "attached": [{**one, "on": "MATERIALIZED VIEW"} for one in attached]})
    assert views == text.replace("ALTER TABLE", "ALTER VIEW")
    unseen = draft.draft("snowflake", {**found, "attached": None})
    assert "Where its policies are attached was not seen" in unseen


def test_the_draft_for_databricks() -> None:
    attached: list[Row] = [
        {
            "kind": kind,
            "path": ["immuta", "p", "f"],
            "home": "immuta",
            "on": "TABLE",
            "table": [table, "c", "t"],
            "column": "e`",
        }
        for kind in ("MASK", "ROW FILTER")
        for table in ("sales", "immuta")
    ]
    found = audit("databricks", [catalog(), catalog("immuta_backup"), principal("immuta")], NONE, attached=attached)
    assert [one.text for one in split(draft.draft("databricks", found), "databricks")] == [
        "ALTER TABLE `sales`.`c`.`t` ALTER COLUMN `e``` DROP MASK",
        "ALTER TABLE `sales`.`c`.`t` DROP ROW FILTER",
        "ALTER CATALOG `immuta` SET OWNER TO `ME`",
        "DROP CATALOG IF EXISTS `immuta` CASCADE",
    ]


@pytest.mark.parametrize("tenant", [ONE, DENIED])
def test_there_is_no_draft_of_what_is_not_certain(tenant: Tenant) -> None:
    assert draft.draft("snowflake", audit("snowflake", family("IMMUTA"), tenant)) == ""


# Removals


def saved(**fields: t.Any) -> Row:
    about = {"path": "/s/prod.sql", "connection_key": "prod", "integration_id": 5, "tenant": "https://t.example"}
    return {**about, "state": "partial", "done": 3, "total": 8, "problem": None, **fields}


REMOVALS: list[tuple[Row, Tenant, str, str, bool]] = [
    (
        saved(),
        NONE,
        "gone",
        "3 of 8 statements have run, and the connection is no longer in Immuta. Run community",
        True,
    ),
    (
        saved(state="none", total=None),
        NONE,
        "gone",
        "None of its statements has run, and the connection is no longer",
        True,
    ),
    (saved(state="none"), Tenant([], [connection()]), "there", "There is nothing to do", False),
    (saved(), Tenant([], [connection()]), "there", "is still in Immuta. Run community", True),
    (saved(), DENIED, "unknown", "is not known", True),
    (
        saved(tenant="https://other.example"),
        NONE,
        "unknown",
        "it is not known whether the connection is still in Immuta (https://other.example)",
        True,
    ),
    (saved(connection_key=None), NONE, "unknown", "is not known", True),
    (saved(problem="others may write"), NONE, "unknown", "Not trusted: others may write", False),
]


@pytest.mark.parametrize(("script", "tenant", "where", "advice", "counts"), REMOVALS)
def test_unfinished_removals(script: Row, tenant: Tenant, where: str, advice: str, counts: bool) -> None:
    kept = {"scripts": [script, saved(state="finished")], "setup_scripts": []}
    (found,) = removals.unfinished(kept, tenant, "https://T.example/")
    assert (found["connection"], advice in found["advice"]) == (where, True), found
    assert bool(removals.pending([found])) is counts


@pytest.mark.parametrize(
    ("state", "set_up", "tenant", "listed"),
    [
        ("partial", None, NONE, True),
        ("partial", "partial", NONE, True),
        ("none", "partial", NONE, True),
        ("none", "finished", NONE, True),
        # There is nothing to take back.
        ("none", "none", NONE, False),
        ("none", None, NONE, False),
        ("none", "finished", Tenant([], [connection()]), False),
        ("finished", None, NONE, False),
    ],
)
def test_what_takes_a_registration_back(state: str, set_up: str | None, tenant: Tenant, listed: bool) -> None:
    setups = [{"path": "/s/prod.setup.sql", "state": set_up}] if set_up else []
    script = saved(path="/s/prod.undo.sql", state=state)
    found = removals.unfinished({"scripts": [script], "setup_scripts": setups}, tenant, "https://t.example")
    told = [
        "community.immuta.register_connection for it again with immuta_register_state=undone" in one["advice"]
        for one in found
    ]
    assert told == [True] * listed


# The report


def host(tenant: Tenant, objects: list[Row], *scripts: Row, **fields: t.Any) -> Row:
    listed = removals.unfinished({"scripts": scripts, "setup_scripts": []}, tenant, "https://t.example")
    folder = {"host": "h", "path": "/s", "exists": fields.pop("exists", True)}
    found = {
        "host": "h",
        "tenant": "https://t.example",
        "tenant_problem": tenant.problem,
        "removals": listed,
        "error": None,
    }
    return {**found, "script_folder": folder, "audits": [audit("snowflake", objects, tenant, **fields)]}


LEFT, DOUBTFUL, USED = host(NONE, family("IMMUTA")), host(DENIED, family("IMMUTA")), host(ONE, family("IMMUTA"))
EXIT: list[tuple[Row, str, str, str]] = [
    (USED, "", "", ""),
    (LEFT, "", "3 objects are left over", "3 objects are left over"),
    (DOUBTFUL, "", "", "3 objects are not certain"),
    (host(ONE, family("IMMUTA"), saved()), "", "1 removal is unfinished", "1 removal is unfinished"),
    (host(ONE, [], saved(problem="?")), "", "", "1 saved script is not trusted"),
    (host(ONE, [], sees_all=False), "", "", "not everything was visible (h: snowflake)"),
    (host(ONE, [], exists=False), "", "", "a folder of saved scripts does not exist (h: /s)"),
]


@pytest.mark.parametrize(("found", "never", "leftovers", "uncertain"), EXIT)
def test_what_fails(found: Row, never: str, leftovers: str, uncertain: str) -> None:
    document = report.document([found], "now")
    for fail_on, words in (("never", never), ("leftovers", leftovers), ("uncertain", uncertain)):
        failing = report.failing(document, fail_on)
        assert (words in failing) if words else failing == "", (fail_on, failing)


def test_the_lines_say_owner_creation_and_last_use() -> None:
    reads = [{"read": "SHOW ROLES", "query_id": "1", "rows": 0, "refused": "No."}]
    found = host(
        NONE, family("IMMUTA"), saved(), saved(), saved(problem="?"), sees_all=False, reads=reads, exists=False
    )
    failed = {
        "host": "g",
        "error": "No.",
        "tenant": "",
        "tenant_problem": "",
        "audits": [],
        "script_folder": None,
        "removals": [],
    }
    text = "\n".join(report.lines(report.document([found, failed], "now"), "A draft."))
    for words in (
        "left over  DATABASE IMMUTA             owner unknown  created 2026-01-01  last used not reported by Snowflake",
        f"last used {LONG_AGO}",
        "h, on there\nDROP (",
        "), compared with the tenant https://t.example:",
        "The folder /s does not exist on h, so no saved script was checked.",
        "There may be more: the session may not see everything.",
        "Not shown: SHOW ROLES: No.",
        "2 removals are unfinished:\n  prod: /s/prod.sql: 3 of 8",
        "Saved scripts that are not trusted",
        "In all: 3 left over, 0 not certain, 0 in use, 2 unfinished removals. Nothing was changed."
        " THERE MAY BE MORE: not everything was seen (g, h: snowflake).",
        "Finish the removals first",
        "Not checked: AWS Lake Formation. If a connection to it was removed, look for LF-Tags with the key"
        " Immuta_policy",
        "g: nothing is known: No.",
        "A draft.",
    ):
        assert words in text, text
    assert "h: the tenant does not show everything: Immuta" in "\n".join(
        report.lines(report.document([DOUBTFUL], "now"), "")
    )
    assert "nothing that looks like Immuta's" in "\n".join(report.lines(report.document([host(ONE, [])], "now"), ""))


# Several hosts


def beside(name: str, tenant: Tenant, objects: list[Row], platform: str = "snowflake", **fields: t.Any) -> Row:
    return {"host": name, "tenant": f"https://{name}.example", "audits": [audit(platform, objects, tenant, **fields)]}


DISABLED = Tenant([integration(status="disabled", in_use=False)])
STORE, OTHER_STORE = {"session": {"metastore": "m"}}, {"session": {"metastore": "n"}}
LAKE = Tenant([on_databricks()])
TOGETHER: list[tuple[str, Row, Row, str]] = [
    ("in use by the other tenant", beside("b", ONE, family("IMMUTA")), {}, "in_use"),
    ("disabled in the other tenant", beside("b", DISABLED, family("IMMUTA")), {}, "not_certain"),
    ("on another account", beside("b", ONE, family("IMMUTA"), place="elsewhere"), {}, "left_over"),
    ("on an account that does not say which", beside("b", ONE, family("IMMUTA"), place="snowflake"), {}, "not_certain"),
    ("its role is in use", beside("b", ONE, family("IMMUTA", without="du")), {}, "not_certain"),
    ("another name", beside("b", Tenant([integration(database="GOV")]), family("GOV")), {}, "left_over"),
    ("another platform", beside("b", LAKE, [catalog()], "databricks"), {}, "left_over"),
    ("the same workspace", beside("b", LAKE, [catalog()], "databricks", **STORE), STORE, "in_use"),
    ("the same metastore", beside("b", LAKE, [catalog()], "databricks", place="x", **STORE), STORE, "not_certain"),
    ("perhaps the same", beside("b", LAKE, [catalog()], "databricks", place="x"), STORE, "not_certain"),
    ("another metastore", beside("b", LAKE, [catalog()], "databricks", place="x", **STORE), OTHER_STORE, "left_over"),
]


@pytest.mark.parametrize(("what", "other", "store", "state"), TOGETHER, ids=[one[0] for one in TOGETHER])
def test_what_one_tenant_has_counts_for_all_hosts(what: str, other: Row, store: Row, state: str) -> None:
    own = beside("a", NONE, [catalog()], "databricks", **store) if store else beside("a", NONE, family("IMMUTA"))
    for hosts in ([own, other], [other, own]):
        (ours,) = (host for host in together.pooled(hosts) if host["host"] == "a")
        found = next(one for one in ours["audits"][0]["objects"] if one["kind"] in ("DATABASE", "CATALOG"))
        assert found["state"] == state, found
    if state == "in_use":
        assert found["reason"].startswith("b (https://b.example): Integration"), found
