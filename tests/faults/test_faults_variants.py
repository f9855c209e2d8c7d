# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every variant of the API, every tenant that misleads, every set of permissions: nothing is absent that is only hidden."""

from __future__ import annotations

import dataclasses
import itertools
import random
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.tests.doubles.immuta_server import Connection, Permission, Variant
from ansible_collections.community.immuta.tests.doubles.immuta_tenant import _fields_of_variant
from ansible_collections.community.immuta.tests.faults.asking import Ask, Tenant, tenant
from ansible_collections.community.immuta.tests.faults.test_faults_modules import (
    CASES,
    PRESENT,
    REMOVE,
    SCRIPT,
    SCRIPT_OF_5,
    SET_UP,
    Case,
    finished,
    half,
    nothing_yet,
    removed,
    saved,
)
from ansible_collections.community.immuta.tests.harness.points import spread
from ansible_collections.community.immuta.tests.harness.servers import KEY

# What has no list of values in the variants, because it is a number.
NUMBERS: dict[str, tuple[t.Any, ...]] = {
    "deletion_reads": (1, 3),
    "deletion_seconds": (0.2,),
    "search_page_cap": (1, 2, 10),
    "register_delay": (1, 3),
    "register_reads": (1, 3),
    "settings_reads": (1, 3),
    "sync_reads": (1, 3),
    "token_lifetime": (60.0,),
    "update_delay": (1, 3),
    "update_reads": (1, 3),
}
# With these nothing can be done.
HOPELESS: tuple[dict[str, t.Any], ...] = (
    {"login_page": True},
    {"wrong_prefix": True},
    {"connections_enabled": False},
    *({"script_content": wrong} for wrong in ("empty", "html", "error", "prose")),
)
STARTS = {"cold": nothing_yet, "saved": saved, "removed": removed, "half": half, "finished": finished}
ASKS = {
    "script": SCRIPT,
    "script of 5": SCRIPT_OF_5,
    "remove": REMOVE,
    "connection": Ask("connection_info", {"connection_key": KEY}),
    "connections": Ask("connection_info", {}),
    "integration": Ask("integration_info", {"integration_id": 5}),
    "integrations": Ask("integration_info", {}),
}
PERMISSIONS: tuple[Permission, ...] = t.get_args(Permission)


def variants() -> list[dict[str, t.Any]]:
    """One thing at a time, and some together."""
    values = {name: known or NUMBERS[name] for name, known in _fields_of_variant().items()}
    usual = dataclasses.asdict(Variant())
    single = [{name: value} for name, known in values.items() for value in known if value != usual[name]]
    some = random.Random(4)
    harmless = [one for one in single if one not in HOPELESS]
    together = [{k: v for one in some.sample(harmless, 5) for k, v in one.items()} for _number in range(6)]
    return single + together


def test_every_field_of_the_variants_is_tried() -> None:
    assert {name for one in variants() for name in one} == set(_fields_of_variant())


@pytest.mark.parametrize("fields", variants(), ids=str)
def test_every_variant(fields: dict[str, t.Any], tmp_path: Path) -> None:
    with tenant(Variant(**fields)) as double:
        # More than one page, and the one that is looked for not on the first.
        double.state.connections["a"] = Connection("a", "Redshift")
        if fields in HOPELESS:
            answer = SCRIPT(double, tmp_path)
            assert answer.code in ("api_missing", "unexpected_reply", "empty_script")
            assert KEY in double.state.connections
            return
        kept = "kept" in fields.values()
        exchange = {"exchange_api_key": "token_lifetime" in fields}
        if fields.get("permission_rules") == "older":
            assert "INFRASTRUCTURE_ADMIN" in double.state.api_keys[next(iter(double.state.api_keys))].permissions
        assert SCRIPT(double, tmp_path, **exchange).good["changed"] is True
        assert SCRIPT(double, tmp_path, **exchange).good["changed"] is False
        assert ASKS["connections"](double, tmp_path)["connections"][0]["key"] == "a"
        gone = REMOVE(double, tmp_path, **exchange)
        assert gone.good["changed"] is True and gone["verified"] is True
        assert KEY not in double.state.connections
        assert ("still listed" in gone.warned) is kept
        assert REMOVE(double, tmp_path, **exchange).good["changed"] is False
        assert ASKS["connection"](double, tmp_path)["connections"] == []
        again = SCRIPT(double, tmp_path, **exchange)
        if kept:
            # Nothing but the list of integrations tells it from a connection that the key may not see.
            assert again.code == "contradiction"
            double.state.integrations[5].status = "disabled"
            again = SCRIPT(double, tmp_path, **exchange)
        assert again.good["changed"] is False
        assert (again["source"], again["connection_exists"]) == ("saved", False)
        if "technology_case" in fields:
            # Another spelling is another technology, for which nothing is regenerated or edited.
            return
        # The file is lost, too. Whatever body the tenant takes: it is had again, or it is lost, and never anything else.
        config = again["integration_config"]
        (lost := tmp_path / "lost").mkdir()
        regenerated = SCRIPT(double, lost, integration_config=config, **exchange)
        if fields.get("cleanup_request") in ("registration", "refused", "absent"):
            assert (regenerated.code, len(regenerated["failure"]["by_hand"])) == ("script_lost", 6)
        else:
            assert (regenerated.good["source"], regenerated["changed"]) == ("regenerated", True)
        registers(double, tmp_path, fields)


def registers(double: Tenant, folder: Path, fields: dict[str, t.Any]) -> None:
    """However the tenant behaves, a new connection is there and works, or the module says what is not so."""
    answer = PRESENT(double, folder)
    outcome = fields.get("register_outcome", "works")
    codes = {
        "refused": "registration_refused",
        "alone": "not_verified",
        "inactive": "not_verified",
        "failing": "validation_failed",
    }
    told = fields.get("register_reply", "object_path") in ("object_path", "jobs", "list")
    told = told and (fields.get("jobs_container") != "absent" or fields.get("register_reply") in ("jobs", "list"))
    if outcome != "works":
        assert answer.code == codes.get(outcome, "registration_failed")
    elif told and fields.get("sync_outcome", "completed") != "completed":
        assert answer.code == "sync_failed"
    elif fields.get("validation") == "absent" and not told:
        assert answer.code == "not_verified"
        again = PRESENT(double, folder).good
        assert (again["changed"], again["verified"]) == (False, False)
    else:
        assert (answer.good["changed"], answer["verified"]) == (True, True)
        assert PRESENT(double, folder).good["changed"] is False
    assert len([one for one in double.requests if one.operation_id == "registerConnection"]) == 1


# Hidden, not absent


def hide(double: Tenant, how: str) -> dict[str, t.Any]:
    """Let the connection be hidden.

    :returns: options of the modules
    """
    if how == "wrong path":
        return {"url": f"{double.url}/immuta"}
    if how == "dead server":
        return {"url": "http://127.0.0.1:9", "retries": 0}
    name, _equals, value = how.partition("=")
    setattr(double.variant, name, value == "True")
    return {}


@pytest.mark.parametrize(
    "how", ["login_page=True", "wrong_prefix=True", "connections_enabled=False", "wrong path", "dead server"]
)
@pytest.mark.parametrize("start", STARTS)
def test_a_tenant_that_misleads_says_nothing_of_what_exists(how: str, start: str, tmp_path: Path) -> None:
    with tenant() as double:
        STARTS[start](double, tmp_path)
        options = hide(double, how)
        for name, ask in ASKS.items():
            if how.startswith("connections") and name in ("script of 5", "integration", "integrations"):
                continue
            folder = tmp_path if name == "script" else tmp_path / "other"
            folder.mkdir(exist_ok=True)
            for check in (False, True):
                answer = ask(double, folder, check=check, **options)
                assert answer.failed, (name, answer)
                assert answer.code not in ("script_lost", "no_cleanup_script"), name
        kept = SCRIPT(double, tmp_path, **options)
        if how == "wrong path":
            # The description has no such paths, which is what this is about.
            assert {one.message for one in double.violations} <= {"no such operation"}
            double.violations.clear()
        assert kept.failed
        if how not in ("wrong path", "dead server"):
            assert (kept["failure"]["saved"] is None) is (start == "cold")


@pytest.mark.parametrize("start", ["saved", "finished"])
def test_another_tenant_is_refused_when_there_is_a_script(start: str, tmp_path: Path) -> None:
    with tenant() as double, tenant() as other:
        STARTS[start](double, tmp_path)
        other.state.connections.pop(KEY)
        answer = SCRIPT(double, tmp_path, url=other.url)
        assert answer.code == "refused"
        assert answer["failure"]["saved"] is None
        assert other.requests == []


def lacking() -> list[tuple[tuple[Permission, ...], tuple[str, ...], int]]:
    """Sets of permissions without APPLICATION_ADMIN, of owners of nothing, of the connection, and of another."""
    kinds = [one for count in range(4) for one in itertools.combinations(PERMISSIONS[1:], count)]
    return [
        (kind, owns, status) for kind in kinds for owns in ((), (KEY,), ("prod databricks",)) for status in (403, 404)
    ]


@pytest.mark.parametrize(("permissions", "owns", "status"), spread(lacking(), 16), ids=str)
def test_a_key_that_may_not_see_everything_finds_nothing_absent(
    permissions: tuple[Permission, ...], owns: tuple[str, ...], status: t.Any, tmp_path: Path
) -> None:
    for start in ("cold", "saved", "finished"):
        folder = tmp_path / start
        folder.mkdir()
        with tenant(Variant(missing_permission=status)) as double:
            STARTS[start](double, folder)
            key = next(iter(double.state.api_keys.values()))
            key.permissions, key.owns = set(permissions), set(owns)
            sees = KEY in owns or bool({"INFRASTRUCTURE_ADMIN", "GOVERNANCE"} & set(permissions))
            script = SCRIPT(double, folder)
            assert script.code == "permission", (start, script)
            remove = REMOVE(double, folder, check=True)
            there = KEY in double.state.connections
            if sees and there:
                assert remove.good["changed"]
            else:
                assert remove.code == "permission", (start, remove)
            found = ASKS["connection"](double, folder)
            assert found.failed or found["connections"], start
            listed = ASKS["connections"](double, folder)
            assert listed.failed or listed["connections"], start
            assert ASKS["integration"](double, folder).failed
            assert ASKS["integrations"](double, folder).failed


@pytest.mark.parametrize("unauthenticated", [401, 500])
@pytest.mark.parametrize("start", STARTS)
def test_a_key_that_is_unknown_finds_nothing_absent(unauthenticated: t.Any, start: str, tmp_path: Path) -> None:
    with tenant(Variant(unauthenticated=unauthenticated)) as double:
        STARTS[start](double, tmp_path)
        for ask in ASKS.values():
            assert ask(double, tmp_path, api_key="another-api-key").failed
            assert ask(double, tmp_path, api_key="another-api-key", exchange_api_key=True).failed


def test_who_may_see_everything_is_believed_though_the_integration_is_kept(tmp_path: Path) -> None:
    with tenant(Variant(integration_afterwards="kept")) as double:
        half(double, tmp_path)
        assert SCRIPT(double, tmp_path).good["connection_exists"] is False


@pytest.mark.parametrize("case", spread(CASES, 3), ids=lambda case: case.name)
def test_every_call_in_every_variant(case: Case, tmp_path: Path) -> None:
    for number, fields in enumerate(one for one in variants() if one not in HOPELESS and "kept" not in one.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        with tenant(Variant(**fields)) as double:
            case.before(double, folder)
            # Two scripts could be run in halves.
            refused = case.ask is SET_UP and fields.get("setup_form") == "pair"
            assert case.ask(double, folder).failed is refused, fields
