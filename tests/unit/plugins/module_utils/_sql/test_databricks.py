# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options become the address of a warehouse and one way to sign in, or are refused."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql import databricks, warehouse

NOTHING: dict[str, t.Any] = {name: about.get("default") for name, about in databricks.argument_spec().items()}
HOST = "dbc-1.cloud.databricks.com"
RUN = "community.immuta/0123456789ab/00000001"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"host": HOST, "warehouse_id": "w1"}, (f"https://{HOST}", HOST, "/sql/1.0/warehouses/w1", "w1")),
        (
            {"host": f" https://{HOST}/ ", "warehouse_id": "w1"},
            (f"https://{HOST}", HOST, "/sql/1.0/warehouses/w1", "w1"),
        ),
        (
            {"host": "http://127.0.0.1:1", "warehouse_id": " w\n"},
            ("http://127.0.0.1:1", "127.0.0.1:1", "/sql/1.0/warehouses/w", "w"),
        ),
        (
            {"host": "http://h:1", "warehouse_id": "w", "allow_http": True},
            ("http://h:1", "h:1", "/sql/1.0/warehouses/w", "w"),
        ),
        (
            {"host": "[2001:db8::1]:8443", "warehouse_id": "w"},
            ("https://[2001:db8::1]:8443", "[2001:db8::1]:8443", "/sql/1.0/warehouses/w", "w"),
        ),
        ({"host": "h", "http_path": "/sql/1.0/endpoints/w"}, ("https://h", "h", "/sql/1.0/endpoints/w", "w")),
        (
            {"host": "h", "http_path": "sql/1.0/warehouses/w?o=1", "warehouse_id": "w"},
            ("https://h", "h", "sql/1.0/warehouses/w?o=1", "w"),
        ),
        ({"host": "h", "http_path": "sql/protocolv1/o/1/2"}, ("https://h", "h", "sql/protocolv1/o/1/2", None)),
    ],
)
def test_addresses(params: dict[str, t.Any], expected: tuple[str | None, ...]) -> None:
    assert warehouse.endpoint({**NOTHING, **params}) == expected


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "The option host is missing."),
        ({"host": "h"}, "The option warehouse_id is missing."),
        ({"host": " \n", "warehouse_id": "w"}, "The option host is missing."),
        ({"host": "http://h:1", "warehouse_id": "w"}, "The option host starts with http://"),
        ({"host": "https://[::1", "warehouse_id": "w"}, "The option host is 'https://[::1', which is not"),
        ({"host": "h\nx", "warehouse_id": "w"}, "which is not a valid host name of a workspace."),
        ({"host": "h:99999", "warehouse_id": "w"}, "which is not a valid host name of a workspace."),
        (
            {"host": "h/path", "warehouse_id": "w"},
            "The option host is 'h/path', which is not a valid host name of a workspace.",
        ),
        ({"host": "ftp://h", "warehouse_id": "w"}, "which is not a valid host name of a workspace."),
        ({"host": "u@h", "warehouse_id": "w"}, "The option host contains a user name or a password"),
        (
            {"host": "h", "http_path": "/sql/1.0/warehouses/w", "warehouse_id": "v"},
            "The option http_path is /sql/1.0/warehouses/w, and warehouse_id is v: they are not the same.",
        ),
    ],
)
def test_refuses_addresses(params: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        warehouse.endpoint({**NOTHING, **params})
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"token": "t"}, "pat"),
        ({"client_id": "c", "client_secret": "s"}, "oauth-m2m"),
        ({"token": "t", "client_id": "c", "client_secret": "s", "auth_type": "pat"}, "pat"),
        ({"token": "t", "client_id": "c", "client_secret": "s", "auth_type": "oauth-m2m"}, "oauth-m2m"),
        ({}, "The option token is missing."),
        ({"client_id": "c"}, "The option client_secret is missing."),
        ({"client_secret": "s"}, "The option client_id is missing."),
        ({"token": "t", "client_id": "c"}, "Both a token and an OAuth client are set."),
    ],
)
def test_ways_to_sign_in(params: dict[str, t.Any], expected: str) -> None:
    try:
        assert warehouse.auth_type({**NOTHING, **params}) == expected
    except InvalidOption as error:
        assert error.message == expected


@pytest.mark.parametrize("text", ["DROP TABLE a", "/* a comment */ SELECT 1", "SELECT 1 -- x\n"])
def test_a_run_is_named_before_each_statement(text: str) -> None:
    assert databricks._untagged(databricks._tagged(RUN, text)) == (RUN, text)
    assert databricks._untagged(text) == ("", text)


def test_records_of_the_history() -> None:
    entry = {"query_id": "q", "status": "FINISHED", "query_text": f"/* {RUN} */ DROP TABLE a"}
    record = databricks._record(entry)
    assert (record.query_id, record.text, record.state, record.tag, record.own) == (
        "q",
        "DROP TABLE a",
        "done",
        RUN,
        False,
    )
    assert databricks._record({**entry, "status": "CANCELED"}).state == "failed"
    assert databricks._record({**entry, "status": "QUEUED", "query_text": None}).state == "running"
    assert databricks._record({**entry, "query_text": f"/* {RUN} */ SELECT 1"}).own
