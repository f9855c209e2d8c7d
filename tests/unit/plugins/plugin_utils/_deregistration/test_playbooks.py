# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which connections become hosts, what each has come to, and the file of it."""

from __future__ import annotations

import json
import os
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval, playbooks
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.approval import Planned
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

PYTHON = "/usr/bin/python3"
PLAN = approval.document([Planned("p", "planned"), Planned("q", "planned")], "now")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"connection_keys": ["a", "b"]}, ["a", "b"], id="list"),
        pytest.param({"connection_keys": ["b", "a", "b", ""]}, ["b", "a"], id="list with one twice and one empty"),
        pytest.param({"connection_keys": "a\n  b b \r\n\n a\n"}, ["a", "b b"], id="survey's answer"),
        pytest.param({"connection_keys": "a"}, ["a"], id="survey's answer of one line"),
        pytest.param({"connection_keys": "", "connection_key": "a"}, [], id="one key runs as it is"),
        pytest.param({"connection_keys": None}, [], id="null"),
        pytest.param({"approved": PLAN["digest"], "plan": PLAN}, ["p", "q"], id="approved plan"),
        pytest.param(
            {"approved": PLAN["digest"], "plan": PLAN, "connection_keys": ["a"]}, ["a"], id="listed before the plan's"
        ),
        pytest.param({"approved": PLAN["digest"], "plan": PLAN, "connection_keys": []}, ["p", "q"], id="empty list"),
        pytest.param(
            {"approved": PLAN["digest"], "plan": PLAN, "connection_keys": " \n"}, ["p", "q"], id="empty answer"
        ),
        pytest.param(
            {"approved": PLAN["digest"], "plan": PLAN, "connection_key": "p"}, [], id="approved plan, one key"
        ),
        pytest.param({"approved": PLAN["digest"], "plan": PLAN, "hosts": "group"}, [], id="approved plan, hosts"),
        pytest.param(
            {"approved": PLAN["digest"], "plan": PLAN, "hosts": ""}, ["p", "q"], id="approved plan, empty hosts"
        ),
        pytest.param({"approved": "", "plan": PLAN}, [], id="plan without approval"),
    ],
)
def test_choose(given: dict[str, t.Any], expected: list[str]) -> None:
    variables = {f"immuta_deregister_{name}": value for name, value in given.items()}
    assert set(variables) <= set(playbooks.CHOICE)
    assert [host["connection_key"] for host in playbooks.choose(variables, {}, PYTHON)] == expected


def test_one_key_and_several_are_refused() -> None:
    both = {"immuta_deregister_connection_key": "a", "immuta_deregister_connection_keys": ["b"]}
    with pytest.raises(Refused, match=r"Both immuta_deregister_connection_key and .* Remove one of them"):
        playbooks.choose(both, {}, PYTHON)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"connection_keys": ["a", 1.1]}, "contains a number (1.1), which is not text. Put each key in quotes"),
        ({"connection_keys": {"a": 1}}, "is a dictionary"),
        (
            {"connection_keys": ["a"], "hosts": "prod"},
            "immuta_deregister_hosts are set, and the second one would be ignored",
        ),
        ({"connection_keys": ["a", "b"], "confirm": "a"}, "confirms one connection"),
        ({"approved": "x"}, "there is no immuta_deregister_plan"),
        ({"approved": "no plan", "connection_keys": ["a"]}, "In a workflow, the first job left no plan"),
        ({"approved": "no plan", "hosts": "group"}, "there is no immuta_deregister_plan"),
        ({"approved": "x", "plan": PLAN}, f'the digest of immuta_deregister_plan is "{PLAN["digest"]}"'),
        ({"approved": "x", "plan": {"format": 1, "connections": []}}, "has the format 1"),
    ],
)
def test_what_can_not_be_chosen_from(given: dict[str, t.Any], words: str) -> None:
    with pytest.raises(Refused) as caught:
        playbooks.choose({f"immuta_deregister_{name}": value for name, value in given.items()}, {}, PYTHON)
    assert words in str(caught.value)


NAME = "prod-snowflake-c676119c0f"


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ({}, {"connection": "local", "interpreter": PYTHON}),
        ({"prod snowflake": {}, "prod": {}}, {"connection": "local", "interpreter": PYTHON}),
        ({NAME: {"ansible_connection": "ssh"}}, {}),
        ({NAME: {"ansible_host": "10.0.0.1"}}, {}),
        ({NAME: {"ansible_connection": "local", "immuta_deregister_connection_key": "prod snowflake"}}, {}),
        ({NAME: {"immuta_deregister_snowflake_options": {}}}, {"connection": "local", "interpreter": PYTHON}),
        ({NAME: {"ansible_python_interpreter": "/opt/python"}}, {"connection": "local"}),
    ],
    ids=["new", "hosts of other names", "a way to it", "an address", "of the inventory plugin", "options", "Python"],
)
def test_a_host_of_the_inventory_keeps_its_variables(hosts: dict[str, t.Any], expected: dict[str, str]) -> None:
    chosen = playbooks.choose({"immuta_deregister_connection_keys": ["prod snowflake"]}, hosts, PYTHON)
    assert chosen == [{"name": NAME, "connection_key": "prod snowflake", "label": "prod snowflake", **expected}]


def test_a_host_for_something_else_is_refused() -> None:
    other = {NAME: {"immuta_deregister_connection_key": "other"}}
    with pytest.raises(Refused, match=f'The host "{NAME}" of the inventory is for "other"'):
        playbooks.choose({"immuta_deregister_connection_keys": ["prod snowflake"]}, other, PYTHON)


GROUPS = {"all": ["web1", "a"], "prod": ["a"]}


def matching(pattern: str) -> set[str]:
    """As Ansible does, for the patterns of these tests."""
    known = {**GROUPS, "immuta_chosen": ["c"], "web1": ["web1"], "a": ["a"], "c": ["c"], "localhost": ["localhost"]}
    return {host for word in re.split("[,:]", pattern) for host in known.get(word, [])}


@pytest.mark.parametrize(
    ("given", "groups", "limit", "expected"),
    [
        ({}, GROUPS, "", "localhost"),
        ({"hosts": ""}, GROUPS, "", "localhost"),
        ({}, GROUPS, "localhost", "localhost"),
        ({"hosts": "prod"}, GROUPS, "", "prod"),
        ({"hosts": "prod"}, GROUPS, "a,web1", "prod"),
        ({}, {**GROUPS, "immuta_chosen": ["c"]}, "", "immuta_chosen"),
        ({"hosts": "typo"}, GROUPS, "", '"typo" of immuta_deregister_hosts matches no host'),
        ({"hosts": "prod"}, GROUPS, "web1", '--limit "web1" excludes every host of "prod"'),
        ({}, GROUPS, "web1", '--limit "web1" excludes every host of "localhost"'),
        ({}, {**GROUPS, "immuta_chosen": ["c"]}, "localhost", 'excludes every host of "immuta_chosen"'),
        ({"hosts": "typo", "no_hosts": "accept"}, GROUPS, "", "typo"),
        (
            {"hosts": "prod", "no_limit": "fail"},
            GROUPS,
            "",
            'There is no limit, so every connection of "prod" would be',
        ),
        ({"hosts": "prod", "no_limit": "Accept"}, GROUPS, "", "set immuta_deregister_no_limit to accept"),
        ({"hosts": "prod", "no_limit": "accept"}, GROUPS, "", "prod"),
        ({"hosts": "prod", "no_limit": ""}, GROUPS, "", "prod"),
        ({"hosts": "prod", "no_limit": "fail"}, GROUPS, "a", "prod"),
        ({"hosts": "prod", "no_limit": "fail", "approved": "x"}, GROUPS, "", "prod"),
        ({"no_limit": "fail"}, {**GROUPS, "immuta_chosen": ["c"]}, "", "immuta_chosen"),
        ({"hosts": "prod,typo"}, GROUPS, "", '"typo" of immuta_deregister_hosts matches no host'),
        ({"hosts": "prod:!typo"}, GROUPS, "", "prod:!typo"),
        ({"hosts": "prod"}, GROUPS, "@web1", 'excludes every host of "prod"'),
    ],
)
def test_a_play_for_no_host_is_no_success(
    given: dict[str, t.Any], groups: dict[str, list[str]], limit: str, expected: str
) -> None:
    variables = {f"immuta_deregister_{name}": value for name, value in given.items()}
    try:
        left = matching(limit.lstrip("@")) if limit else None
        found = playbooks.hosts(
            variables, groups, limit, matching, lambda one: matching(one) if left is None else matching(one) & left
        )
    except Refused as error:
        assert expected in str(error)
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        pytest.param({}, ("h", "", {}), id="no key"),
        pytest.param({"connection_key": None}, ("h", "", {}), id="null"),
        pytest.param({"connection_key": "k"}, ("h", "<k>", {}), id="never started"),
        pytest.param({"connection_key": "k", "result": {}}, ("h", "<k>", {}), id="reset"),
        pytest.param({"connection_key": "k", "result": {"status": "s"}}, ("h", "<k>", {"status": "s"}), id="ended"),
    ],
)
def test_results(own: dict[str, t.Any], expected: tuple[str, str, dict[str, t.Any]]) -> None:
    host = {f"immuta_deregister_{name}": value for name, value in own.items()}
    variables = {"ansible_play_hosts_all": ["h"], "hostvars": {"h": host}}
    assert list(playbooks.results(variables, lambda value: f"<{value}>")) == [expected]


def test_results_come_in_the_order_of_the_play() -> None:
    variables = {"ansible_play_hosts_all": ["b", "a"], "hostvars": {"a": {}, "b": {}, "c": {}}}
    assert [host for host, _key, _result in playbooks.results(variables, str)] == ["b", "a"]


@pytest.mark.parametrize("content", [{"b": 1, "a": ["ö", None]}, {"k": "\udcff"}, {}], ids=["some", "torn", "none"])
def test_write_is_private(tmp_path: Path, content: dict[str, t.Any]) -> None:
    path = tmp_path / "out.json"
    playbooks.write(str(path), content)
    assert path.stat().st_mode & 0o777 == 0o600
    playbooks.write(str(path), {**content, "more": 1})
    assert list(json.loads(path.read_bytes()))[-1] == "more"


@pytest.mark.parametrize(
    ("given", "check_mode", "expected"),
    [
        ("out.json", False, "{here}/out.json"),
        ("sub/../out.json", False, "{here}/out.json"),
        ("/d/out.json", False, "/d/out.json"),
        ("~/out.json", False, os.path.expanduser("~/out.json")),
        ("out.json", True, "{here}/out.check.json"),
        ("/d.x/out", True, "/d.x/out.check"),
    ],
)
def test_where_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, check_mode: bool, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert playbooks.output_path(given, check_mode=check_mode) == expected.format(here=tmp_path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/out.json", "No such file or directory"),
        ("file/out.json", "Not a directory"),
        ("x" * 250, "File name too long"),
        ("folder", "Is a directory"),
        ("/proc/out.json", "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_found_out_before(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    path = os.path.join(tmp_path, name)
    assert playbooks.output_mistake(path, playbooks.OUTCOME) == (
        f"The file {path} of immuta_deregister_output can't be written: {reason}. Name another one."
    )
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    with pytest.raises(OSError, match=reason):
        playbooks.write(path, {})


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    assert "can't be written: Not a regular file" in playbooks.output_mistake(path, playbooks.OUTCOME)


@pytest.mark.parametrize(
    ("before", "plan", "fine"),
    [
        (None, False, True),
        (None, True, True),
        ("{}", True, False),
        ("", True, True),
        ("-- a script that is the only copy", False, False),
        ('{"report": "community.immuta.deregister_connection"}', False, False),
        ('{"immuta_deregister_plan": {}}', True, True),
        ('{"immuta_deregister_plan": {}}', False, True),
        ('{"immuta_deregister": {}}', False, True),
        ('{"immuta_deregister": {}}', True, False),
    ],
)
def test_nothing_but_a_plan_or_an_outcome_is_replaced(
    tmp_path: Path, before: str | None, plan: bool, fine: bool
) -> None:
    path = tmp_path / "out.json"
    if before is not None:
        path.write_text(before, encoding="utf-8")
    found = playbooks.output_mistake(str(path), playbooks.PLAN if plan else playbooks.OUTCOME)
    assert (found == "") is fine
    assert ("immuta_deregister_output contains" in found) is not fine
    assert (path.read_text(encoding="utf-8") if before is not None else None) == before
