# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On any tenant: twice is once, check mode foretells what happens, and the diff shows what is read afterwards."""

from __future__ import annotations

import copy
import dataclasses
import os
import tempfile
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.immuta.plugins.module_utils._immuta import options, saved_script
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import OPERATIONS
from ansible_collections.community.immuta.plugins.module_utils._sql import credentials, journal
from ansible_collections.community.immuta.plugins.module_utils._work import cleanup_script, connection
from ansible_collections.community.immuta.tests.doubles.immuta_server import (
    ApiKey,
    Connection,
    ImmutaDouble,
    Integration,
    State,
    Variant,
)
from ansible_collections.community.immuta.tests.harness.inprocess import Done, do

API_KEY = "example-api-key"
# The one that is well linked in most states comes more often.
KEYS = st.just("prod") | st.sampled_from(["prod", "Prod", "a/b 50% #1", "naïve ☃", " ", "..x", "prod?x=1&y", "a\\b;--"])
HOSTS = st.sampled_from(["one.example", "two.example"])
TECHNOLOGIES = st.sampled_from(["Snowflake", "Databricks", "Glue", "Redshift"])
SCRIPTS = st.sampled_from(
    [
        "DROP DATABASE IMMUTA;\n",
        "-- é\r\nUSE ROLE A;\r\nALTER USER u SET PASSWORD = 'secret-word-1';\nDROP ROLE IF EXISTS b",
        "DROP TABLE 'open;\n",
        "\ufeffDROP SCHEMA a;;\n\n;",
        "{{ 1/0 }}",
        "-- nothing",
        '"DROP VIEW a"',
        "DROP VIEW a;\0\u2028",
    ]
)
HARMLESS = {one.name for one in OPERATIONS if one.effect.harmless}


def variants() -> st.SearchStrategy[Variant]:
    """How a tenant may behave that is an Immuta, and has connections."""
    return st.builds(
        Variant,
        id_type=st.sampled_from(["number", "string"]),
        script_form=st.sampled_from(["string", "script", "sql", "text"]),
        script_status=st.sampled_from([200, 201]),
        delete_reply=st.sampled_from(["object_path", "connection_key", "empty_200", "empty_202", "empty_204"]),
        integration_afterwards=st.sampled_from(["gone", "deleted", "disabled", "kept"]),
        deletion_reads=st.integers(0, 3),
        native_integration_id=st.sampled_from(["present", "null", "absent"]),
        search_envelope=st.sampled_from(["list", "hits", "results", "data"]),
        search_paging=st.sampled_from(["honoured", "ignored"]),
        search_page_cap=st.none() | st.integers(10, 12),
        permission_rules=st.sampled_from(["older", "newer"]),
        missing_permission=st.sampled_from([403, 404]),
        error_body=st.sampled_from(["message", "error", "text"]),
        not_found_case=st.sampled_from(["documented", "lower"]),
        # A list without a number that ignores paging may be cut, which tests/unit knows all about.
    ).filter(lambda one: one.search_paging == "honoured" or one.search_envelope != "list")


@st.composite
def states(draw: st.DrawFn) -> State:
    """What may be on a tenant. Connections may have no integration, or one that is not there."""
    integrations = {}
    for number in draw(st.lists(st.integers(1, 6), unique=True, max_size=5)):
        technology = draw(TECHNOLOGIES)
        place = "workspaceUrl" if technology == "Databricks" else "host"
        host = draw(HOSTS)
        config = {place: f"https://{host}" if place == "workspaceUrl" else host}
        status = draw(st.sampled_from(["enabled", "enabled", "enabled", "disabled", "deleted"]))
        script = None if technology == "Glue" else draw(SCRIPTS)
        integrations[number] = Integration(number, technology, status, config=config, script=script)
    connections = {}
    for key in draw(st.lists(KEYS, unique=True, max_size=5)):
        number = draw(st.none() | st.sampled_from([*integrations, 99]))
        technology = draw(TECHNOLOGIES)
        host = draw(st.none() | HOSTS)
        if number in integrations and draw(st.integers(0, 5)):
            technology = integrations[number].type
            host = next(iter(integrations[number].config.values())).rpartition("/")[2]
        connections[key] = Connection(key, technology, host, draw(st.none() | st.just(443)), number, child_count=3)
    if draw(st.integers(0, 3)):
        technology = draw(st.sampled_from(["Snowflake", "Databricks", "Redshift"]))
        place = "workspaceUrl" if technology == "Databricks" else "host"
        integrations[7] = Integration(7, technology, config={place: "prod.example"}, script=draw(SCRIPTS))
        connections["prod"] = Connection("prod", technology, "prod.example", 443, 7, child_count=3)
    for number in range(draw(st.sampled_from([0, 0, 0, 11, 25]))):
        connections[f"other {number}"] = Connection(f"other {number}", "Snowflake", "elsewhere.example", 443)
    allowed = st.sampled_from(
        [
            {"APPLICATION_ADMIN", "INFRASTRUCTURE_ADMIN", "GOVERNANCE"},
            {"APPLICATION_ADMIN", "INFRASTRUCTURE_ADMIN", "GOVERNANCE"},
            {"APPLICATION_ADMIN"},
        ]
    )
    return State(integrations, connections, {API_KEY: ApiKey("deployer", draw(allowed))})


class Tenant:
    """One stand-in for all examples, with a clock that nobody waits for."""

    def __init__(self, double: ImmutaDouble) -> None:
        self.double = double
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def set_up(self, state: State, variant: Variant) -> None:
        """Begin anew; the strategies' own objects stay as they are."""
        self.double.state, self.double.variant = copy.deepcopy(state), variant
        self.double.requests.clear()

    def params(self, **own: t.Any) -> dict[str, t.Any]:
        """The options, with their defaults."""
        spec = options.argument_spec()
        return {
            **{name: about.get("default") for name, about in spec.items()},
            "url": self.double.url,
            "api_key": API_KEY,
            **own,
        }

    def remove(self, key: str, *, check: bool = False, **own: t.Any) -> Done:
        known = {
            "confirm": key,
            "expected_plan_digest": None,
            "expected_tenant": None,
            "script_path": None,
            "expected_script_sha256": None,
            "wait": True,
            "wait_timeout": 300.0,
        }
        return do(connection.ensure_absent, self.params(connection_key=key, **{**known, **own}), check=check)

    def read(self, key: str) -> list[dict[str, t.Any]]:
        """The connection, as the info module tells it."""
        found: list[dict[str, t.Any]] = do(connection.info, self.params(connection_key=key)).good.result["connections"]
        return found

    def script(self, path: str, *, check: bool = False, **own: t.Any) -> Done:
        known = {
            "connection_key": None,
            "integration_id": None,
            "expected_sha256": None,
            "state": "present",
            "script_required": True,
            "without_script": False,
            "same_place": "fail",
            "integration_config": None,
            "empty_script": "fail",
        }
        return do(cleanup_script.ensure, self.params(path=path, **{**known, **own}), check=check)

    @property
    def everything(self) -> t.Any:
        """What is on the tenant; how often a deletion was asked for does not count."""
        return copy.deepcopy(self.double.state)

    @property
    def writes(self) -> list[str | None]:
        return [one.operation_id for one in self.double.requests if one.operation_id not in HARMLESS]


@pytest.fixture(scope="module")
def tenant() -> t.Iterator[Tenant]:
    with ImmutaDouble() as double, pytest.MonkeyPatch.context() as patch:
        one = Tenant(double)
        patch.setattr(
            options,
            "client",
            lambda params, check_mode: Client(
                options.settings(params),
                check_mode=check_mode,
                clock=lambda: one.now,
                sleep=one.sleep,
            ),
        )
        yield one
        assert not double.violations, double.violations


@given(states(), variants(), KEYS, st.booleans())
def test_removing_a_connection(tenant: Tenant, state: State, variant: Variant, key: str, pinned: bool) -> None:
    tenant.set_up(state, variant)
    before = tenant.everything
    told = tenant.remove(key, check=True, confirm=None)
    assert tenant.writes == []
    assert tenant.everything == before
    pin = told.outcome.result["plan"]["digest"] if pinned and told.outcome else None
    shown = tenant.read(key) if told.outcome else []

    done = tenant.remove(key, expected_plan_digest=pin)
    if told.failure:
        assert done.code == told.code
        assert tenant.everything == before
        return
    if done.failure:
        # What nobody but the deletion itself can find out.
        assert done.code == "permission"
        assert tenant.everything == before
        return
    assert (done.good.changed, done.good.diff) == (told.good.changed, told.good.diff)
    for name in ("connection", "plan"):
        assert done.good.result[name] == told.good.result[name]
    assert done.good.changed is (key in before.connections)
    diff = done.good.diff
    assert diff is not None
    assert [diff["before"]["state"], diff["after"]["state"]] == ["present" if shown else "absent", "absent"]
    for one in shown:
        assert {name: diff["before"][name] for name in ("technology", "hostname", "port")} == {
            name: one[name] for name in ("technology", "hostname", "port")
        }
    assert tenant.read(key) == []
    assert done.good.result["verified"] is True
    assert {**tenant.everything.connections, key: None} == {**before.connections, key: None}

    after, sent = tenant.everything, len(tenant.writes)
    for check in (True, False):
        again = tenant.remove(key, check=check, expected_plan_digest=pin).good
        assert again.changed is False
        assert again.diff == {"before": diff["after"], "after": diff["after"]}
        assert (tenant.everything, len(tenant.writes)) == (after, sent)


@given(states(), variants(), variants(), KEYS, st.randoms(use_true_random=False))
def test_a_digest_stays_while_nothing_changes_that_matters(
    tenant: Tenant, state: State, variant: Variant, other: Variant, key: str, dice: t.Any
) -> None:
    # What Immuta does not say can't be in the digest; and that there is no integration is said or not said.
    other = dataclasses.replace(other, native_integration_id=variant.native_integration_id)
    state.api_keys[API_KEY].permissions = {"APPLICATION_ADMIN", "INFRASTRUCTURE_ADMIN", "GOVERNANCE"}
    tenant.set_up(state, variant)
    told = tenant.remove(key, check=True, confirm=None)
    if told.failure:
        # Another connection has the integration.
        assert told.code == "integration_shared"
        return
    first = told.good.result["plan"]
    turned = copy.deepcopy(state)
    turned.connections.pop("other 0", None)
    turned.connections["one more"] = Connection("one more", "Snowflake", "elsewhere.example", 443)
    for one in turned.connections.values():
        one.state, one.created_at, one.child_count = "INACTIVE", "2020-01-01T00:00:00.000Z", 7
        one.extra = {"role": "other"}
    names = [*turned.connections]
    dice.shuffle(names)
    turned.connections = {name: turned.connections[name] for name in names}
    turned.integrations = dict(reversed(turned.integrations.items()))
    tenant.set_up(turned, other)
    assert tenant.remove(key, check=True, confirm=None).good.result["plan"] == first


def lasting(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """What check mode knows of the result: whether the file is there and what has run are told as they are."""
    return {name: value for name, value in result.items() if name not in ("exists", "execution")}


def look(folder: str) -> dict[str, t.Any]:
    """The files below a folder."""
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in sorted(Path(folder).rglob("*"))
    }


def timeless(looked: dict[str, t.Any]) -> dict[str, t.Any]:
    """The same without the times of folders: a run that is no check reserves its place in them."""
    return {path: (mode, time if raw is not None else None, raw) for path, (mode, time, raw) in looked.items()}


def progress(path: str, journaled: str) -> None:
    """Have a journal beside the script: of it, of another one, or none."""
    sha256 = saved_script.read(path)
    if journaled == "none" or sha256 is None:
        return
    total = cleanup_script.count_statements(sha256)
    with journal.Journal(
        journal.journal_path(path), "f" * 64 if journaled == "strange" else sha256.sha256, total
    ) as book:
        if journaled != "begun" and total:
            book.started(1, "tag")
            book.done(1)
        if journaled == "finished":
            book.finished("a test")


ASKED = st.sampled_from(["present", "present", "executed", "absent"])
HAPPENING = st.sampled_from(["gone", "loose", "edited", "begun", "partial", "finished", "strange"])
STEPS = st.lists(ASKED | HAPPENING, max_size=6).map(lambda steps: ["present", *steps]) | st.lists(ASKED, min_size=1)


@given(states(), variants(), STEPS, st.just(7) | st.just("prod") | st.integers(1, 6) | KEYS)
@settings(max_examples=80)
def test_a_saved_script(tenant: Tenant, state: State, variant: Variant, steps: list[str], whose: int | str) -> None:
    tenant.set_up(state, variant)
    subject = {"integration_id": whose} if isinstance(whose, int) else {"connection_key": whose}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "new", "script.sql")
        for step in steps:
            if step in ("present", "executed", "absent"):
                _ensure(tenant, folder, path, step, subject)
            elif step == "gone":
                tenant.double.state.connections.pop(whose, None)  # type: ignore[call-overload]
                tenant.double.state.integrations.clear()
            elif os.path.exists(path):
                if step == "loose":
                    os.chmod(path, 0o644)
                elif step == "edited":
                    Path(path).write_bytes(Path(path).read_bytes() + b" ")
                elif not os.path.exists(journal.journal_path(path)):
                    progress(path, step)


def _ensure(tenant: Tenant, folder: str, path: str, state: str, subject: dict[str, t.Any]) -> None:
    """Hold one state of the module to what is true of each."""
    before = look(folder)
    told = tenant.script(path, check=True, state=state, **subject)
    assert look(folder) == before
    done = tenant.script(path, state=state, **subject)
    assert tenant.writes == []
    if done.failure:
        # Check mode takes a script that is not there for one that another task would have saved.
        foreseen = state == "executed" and not os.path.exists(path) and journal.UNLESS_SAVED in "".join(told.warnings)
        assert foreseen or done.code == told.code
        assert timeless(look(folder)) == timeless(before)
        return
    assert (done.good.changed, done.good.diff) == (told.good.changed, told.good.diff)
    assert lasting(done.good.result) == lasting(told.good.result)
    assert done.warnings == told.warnings
    assert (timeless(look(folder)) != timeless(before)) is done.good.changed
    diff = done.good.diff
    assert diff is not None
    for check in (True, False):
        after = look(folder)
        again = tenant.script(path, state=state, check=check, **subject)
        if state == "executed" or not again.failure:
            assert again.good.changed is False
            assert again.good.diff is not None
            assert again.good.diff["before"] == again.good.diff["after"] == diff["after"]
            assert (
                again.good.result == {**done.good.result, **{"source": again.good.result.get("source")}}
                or "source" not in done.good.result
            )
        assert look(folder) == after if check else timeless(look(folder)) == timeless(after)
    saved = saved_script.read(path)
    progressed = journal.read(journal.journal_path(path))
    if state == "absent":
        assert (saved, os.path.exists(journal.journal_path(path)), diff["after"]) == (None, False, "")
        return
    assert saved is not None
    if state == "present":
        assert saved.sha256 == done.good.result["sha256"]
        assert saved.intact
        assert diff["after"] == cleanup_script.shown(saved.owner, saved.body, saved.mode)
        for secret in credentials.secrets(saved.body, saved.owner.dialect or "snowflake"):
            assert secret in done.hidden
            assert secret not in diff["after"]
    else:
        assert diff["after"] == f"{progressed.state}\n" == "finished\n"
    assert done.good.result["execution"]["state"] == progressed.state
