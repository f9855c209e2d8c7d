# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts of a play get in each other's way."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import neighbours
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PREFIX

HOSTS: dict[str, dict[str, t.Any]] = {
    "a": {"ansible_connection": "local"},
    "b": {"ansible_connection": "local"},
    "far": {"ansible_host": "10.0.0.1"},
    "same": {"ansible_host": "10.0.0.1", "ansible_port": 22},
    "port": {"ansible_host": "10.0.0.1", "ansible_port": 2222},
    "bare": {},
}
SITE = neighbours.Site(HOSTS, "ssh", "~/d", PREFIX, ".sql")
PATH = {"script_path": "/s/x.sql"}


def of(host: str, key: str, site: neighbours.Site = SITE, **given: t.Any) -> neighbours.Neighbour:
    variables = {f"{PREFIX}{name}": value for name, value in {"connection_key": key, **given}.items()}
    found = neighbours.neighbour(host, variables, site)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("host", "given", "machine", "path"),
    [
        ("a", {}, "localhost", "~/d/k%20k.sql"),
        ("a", {"script_dir": "/s"}, "localhost", "/s/k%20k.sql"),
        ("a", {"script_dir": "/s", "script_path": ""}, "localhost", "/s/k%20k.sql"),
        ("a", {"script_path": "/s//t/../x.sql"}, "localhost", "/s/x.sql"),
        ("a", {**PATH, "script_host": "far"}, "10.0.0.1:22", "/s/x.sql"),
        ("a", {**PATH, "script_host": "127.0.0.1"}, "localhost", "/s/x.sql"),
        ("far", {**PATH, "script_host": None}, "10.0.0.1:22", "/s/x.sql"),
        ("port", PATH, "10.0.0.1:2222", "/s/x.sql"),
        ("bare", PATH, "bare:22", "/s/x.sql"),
        ("unknown", PATH, "unknown:22", "/s/x.sql"),
    ],
)
def test_where_a_host_keeps_its_script(host: str, given: dict[str, t.Any], machine: str, path: str) -> None:
    found = of(host, "k k", **given)
    assert (found.machine, found.path) == (machine, path)


def test_a_host_without_its_own_connection_has_that_of_the_play() -> None:
    assert of("bare", "k", neighbours.Site(HOSTS, "local", "~/d", PREFIX, ".sql")).machine == "localhost"


@pytest.mark.parametrize("key", ["", None])
def test_a_host_for_no_connection_is_no_neighbour(key: str | None) -> None:
    assert neighbours.neighbour("a", {f"{PREFIX}connection_key": key}, SITE) is None
    assert neighbours.neighbour("a", {}, SITE) is None


KEY = 'The host "b" of this play is for the same connection "k" (immuta_deregister_connection_key). Keep one of them.'


def file(host: str, machine: str) -> str:
    return (
        f'The host "{host}" of this play keeps its script in the same file, /s/x.sql on {machine}. Give each connection its own'
        " immuta_deregister_script_path, or set immuta_deregister_script_dir instead."
    )


@pytest.mark.parametrize(
    ("mine", "others", "same_tenant", "expected"),
    [
        pytest.param(of("a", "k"), [of("b", "l")], True, [], id="other keys, default folder"),
        pytest.param(of("a", "k"), [of("b", "k")], True, [KEY], id="same key"),
        pytest.param(of("a", "k", **PATH), [of("b", "k", script_dir="/e")], True, [KEY], id="same key, other files"),
        pytest.param(of("a", "k"), [of("port", "l"), of("b", "k"), of("far", "k")], True, [KEY], id="three of one key"),
        pytest.param(of("a", "k", **PATH), [of("b", "k", script_dir="/e")], False, [], id="same key of other tenants"),
        pytest.param(of("a", "k", **PATH), [of("b", "l", **PATH)], True, [file("b", "localhost")], id="same file"),
        pytest.param(
            of("a", "k", **PATH), [of("b", "k", **PATH)], False, [file("b", "localhost")], id="same file, other tenants"
        ),
        pytest.param(of("a", "k", **PATH), [of("far", "l", **PATH)], True, [], id="same path, other machines"),
        pytest.param(of("far", "k", **PATH), [of("port", "l", **PATH)], True, [], id="same address, other ports"),
        pytest.param(
            of("far", "k", **PATH), [of("same", "l", **PATH)], True, [file("same", "10.0.0.1:22")], id="alias"
        ),
        pytest.param(
            of("far", "k", **PATH, script_host="localhost"),
            [of("b", "l", **PATH)],
            True,
            [file("b", "localhost")],
            id="same keeper",
        ),
        pytest.param(
            of("a", "k", **PATH),
            [of("b", "k"), of("b", "l", **PATH), of("port", "k")],
            True,
            [KEY, file("b", "localhost")],
            id="one of each kind",
        ),
    ],
)
def test_mistakes(
    mine: neighbours.Neighbour, others: list[neighbours.Neighbour], same_tenant: bool, expected: list[str]
) -> None:
    assert neighbours.mistakes(mine, others, lambda _host: same_tenant) == expected


def test_the_role_that_registers_has_names_of_its_own() -> None:
    site = dataclasses.replace(SITE, prefix="immuta_register_", suffix=".setup.sql")
    given = {"immuta_register_connection_key": "k", "immuta_deregister_connection_key": "other"}
    first, second = (neighbours.neighbour(host, given, site) for host in ("a", "b"))
    assert first is not None
    assert second is not None
    assert first.path == "~/d/k.setup.sql"
    assert neighbours.mistakes(first, [second], lambda _host: True) == [KEY.replace("deregister", "register")]


@pytest.mark.parametrize(
    ("batch", "before", "failed", "limit", "expected"),
    [
        (["a", "b"], [], [], 0, []),
        (["a", "b"], [], ["b"], 0, ["b"]),
        (["a", "b"], [], ["b"], 50, []),
        (["a", "b"], [], ["b"], 49, ["b"]),
        (["a", "b"], ["c", "d"], ["d"], 0, ["d"]),
        (["a", "b"], ["c", "d"], ["d"], 100, []),
        (["a"], ["c"], ["a", "c"], 100, []),
    ],
)
def test_more_have_failed_than_the_play_allows(
    batch: list[str], before: list[str], failed: list[str], limit: float, expected: list[str]
) -> None:
    assert neighbours.too_many_failed(batch, before, failed, limit) == expected
