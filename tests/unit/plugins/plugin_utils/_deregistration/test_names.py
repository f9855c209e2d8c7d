# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils import _variables
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import names
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused
from ansible_collections.community.immuta.tests.harness.vaulted import vaulted
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    options,
    read,
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("exectuor", "executor"),
        ("expected_sha265", "expected_sha256"),
        ("scriptdir", "script_dir"),
        ("report_dri", "report_dir"),
        ("confirmed", "confirm"),
        ("conection_kyes", "connection_keys"),
        ("max_fail_percent", "max_fail_percentage"),
        ("Executor", "executor"),
        ("utterly_other", None),
        ("", None),
    ],
)
def test_misspelt(typed: str, meant: str | None) -> None:
    name = f"{names.PREFIX}{typed}"
    advice = f"Did you mean {names.PREFIX}{meant}?" if meant else "Remove it."
    assert names.misspelt([name, "other_variable", *options()], options()) == [f"There is no variable {name}. {advice}"]


def test_every_known_name_is_spelt_well() -> None:
    known = [
        *options(),
        *names.OF_PLAYBOOKS,
        *names.SET_BY_ROLE,
        "immuta_deregister",
    ]
    assert names.misspelt(known, options()) == []


KEY, CONFIRM = f"{names.PREFIX}connection_key", f"{names.PREFIX}confirm"
JSON_VALUE = 'immuta_register_snowflake={"host": "h", "password": "hunter2"}'
LOST: list[tuple[str | None, list[str], str]] = [
    (None, [], ""),
    ("", [], ""),
    ("hunter2", [], "1 word is left over from -e NAME=VALUE, and not shown:"),
    (
        "hunter2 it",
        [f"{KEY}=prod hunter2 it"],
        f"2 words are left over from -e NAME=VALUE, after the variable {KEY}, and",
    ),
    ("hunter2", ["a=b", f"{KEY}=prod a=b hunter2"], "1 word is left over from -e NAME=VALUE, and not shown:"),
    ("hunter2", ['{"a": "b c"}', "@f g", f"{KEY}='unclosed", f"{KEY}=prod hunter2"], f"after the variable {KEY}, and"),
    ('"h", "password": "hunter2"}', [JSON_VALUE], "after the variable immuta_register_snowflake, and"),
    # What is to be written names the variable that has lost its quotes, and no other one.
    ("hunter2", ["immuta_register_confirm=prod hunter2"], """-e '{"immuta_register_confirm": "the whole value"}'."""),
    ("hunter2", [f"{KEY}=prod", f"{CONFIRM}=prod hunter2"], f"""-e '{{"{CONFIRM}": "the whole value"}}'."""),
    ("hunter2", [f"{KEY}=a b", f"{CONFIRM}=prod hunter2"], f"""-e '{{"{CONFIRM}": "the whole value"}}'."""),
    ("b hunter2", [f"{KEY}=a b {CONFIRM}=a hunter2"], f"after the variables {KEY} and {CONFIRM}, and"),
    ("hunter2", ["other=prod hunter2"], """-e '{"NAME": "the whole value"}'."""),
]


@pytest.mark.parametrize(("words", "given", "expected"), LOST)
def test_lost_words(words: str | None, given: list[str], expected: str) -> None:
    found = names.lost_words(words, given)
    assert len(found) == bool(words)
    for sentence in found:
        assert expected in sentence
        assert "hunter2" not in sentence and "shell" not in sentence
        assert (KEY in sentence) is (KEY in expected)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (8, "a number (8)"),
        (1.1, "a number (1.1)"),
        (True, "true or false (True)"),
        (False, "true or false (False)"),
        (["a"], "a list (['a'])"),
        ({"a": 1}, "a dictionary ({'a': 1})"),
    ],
)
@pytest.mark.parametrize("name", ["connection_key", "confirm", "script_dir", "expected_sha256", "report_dir"])
def test_not_text(name: str, value: t.Any, kind: str) -> None:
    with pytest.raises(Refused) as caught:
        read(**{name: value})
    assert str(caught.value) == (
        f'immuta_deregister_{name} is {kind}, not text. Put it in quotes: immuta_deregister_{name}: "...".'
    )


def test_other_types_are_left_alone() -> None:
    assert _variables.not_text("x", "010") is None
    assert read(progress_interval=5, script_executed=False).progress_interval == 5


NOT_TEXT = [
    (1.1, "a number (1.1)"),
    (True, "true or false (True)"),
    (83, "a number (83)"),
    (None, "nothing"),
    (["a"], "a list (['a'])"),
]


@pytest.mark.parametrize(("value", "found"), NOT_TEXT)
def test_listed_keys_must_be_text(value: t.Any, found: str) -> None:
    sentence = f'keys contains {found}, which is not text. Put each key in quotes: keys: ["..."].'
    assert names.listed("keys", ["a", value])[1] == [sentence]


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        (None, []),
        ("", []),
        ("a b\n\n c \n", ["a b", "c"]),
        (["a b", "1.10", ""], ["a b", "1.10"]),
    ],
)
def test_listed_keys(value: t.Any, keys: list[str]) -> None:
    assert names.listed("keys", value) == (keys, [])


@pytest.mark.parametrize("value", [5, True, {"a": 1}])
def test_a_list_of_keys_must_be_one(value: t.Any) -> None:
    keys, (sentence,) = names.listed("keys", value)
    assert keys == []
    assert sentence.startswith("keys is ")
    assert sentence.endswith("not a list of connection keys.")


def test_a_key_that_is_vaulted_in_line_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    value = vaulted("prod snowflake", monkeypatch)
    assert not isinstance(value, str)
    assert _variables.not_text("x", value) is None
    assert names.listed("keys", [value, "a"]) == (["prod snowflake", "a"], [])
    assert names.listed("keys", value) == (["prod snowflake"], [])
    assert all(isinstance(key, str) for key in names.listed("keys", [value])[0])
    found = read(connection_key=value, confirm=vaulted("prod snowflake", monkeypatch))
    assert isinstance(found.connection_key, str)
    assert (found.connection_key, found.confirmed) == ("prod snowflake", True)


@pytest.mark.parametrize(
    "name", ["__deregister_connection_checked", "__deregister_connection_own", "immuta_deregister_result"]
)
def test_what_only_the_role_sets_is_refused_from_outside(name: str) -> None:
    (said,) = names.forged({name: {"settings": {}}, "__deregister_connection_observed": {"script": 1}, "other": 1})
    assert f"Only the role may set the variable {name}." in said
    # The role has emptied its own by then.
    assert names.forged({name: {}}) == []
