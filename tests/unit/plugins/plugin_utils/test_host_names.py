# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of a connection's host."""

from __future__ import annotations

import fnmatch
import re

import pytest
from ansible.inventory.manager import split_host_pattern
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.immuta.plugins.plugin_utils._host_names import host_name


# These stay for ever: playbooks, host_vars, and AWX know hosts by them.
@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("prod snowflake", "prod-snowflake-c676119c0f"),
        # The name of a server is no name of a connection's host.
        ("web1", "web1-659a7fb2af"),
        ("Zürich: Größe #1", "Zurich-Gro-e-1-a0c7d40852"),
        ("日本", "connection-cf2abf0c5b"),
        ("", "connection-e3b0c44298"),
        ("..", "connection-5ec1f7e700"),
        ("-x", "x-a420962426"),
        ("{{ 1/0 }}", "1-0-9ce2610d66"),
        ("a" * 100, "a" * 40 + "-2816597888"),
        ("all", "all-5ef5ef0364"),
        ("Ungrouped", "Ungrouped-674b38cae7"),
        ("localhost", "localhost-49960de588"),
        ("127.0.0.1", "127.0.0.1-12ca17b49a"),
        ("immuta_status_enabled", "immuta_status_enabled-a02ce64301"),
        ("prod-0123456789", "prod-0123456789-9b30801607"),
        ("half \ud800", "half-711a43f0c3"),
    ],
)
def test_a_host_is_named_after_the_key_and_its_digest(key: str, name: str) -> None:
    assert host_name(key) == name


KEYS = st.text(max_size=70) | st.text(st.sampled_from("ab-_.0Ä :\u0301\u0250"), max_size=70)


@settings(deadline=None, database=None, max_examples=300)
@given(KEYS, KEYS)
def test_a_name_is_one_host_and_nothing_else_to_ansible(one: str, other: str) -> None:
    name = host_name(one)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name)
    assert split_host_pattern(name) == [name]
    assert set(fnmatch.filter([name, "x", "all"], name)) == {name}
    assert name == host_name(one)
    assert name not in (one, other)
    assert (name == host_name(other)) == (one == other)
