# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client's rules that need no server: quoting, waiting, the meaning of statuses, the guard of check mode."""

from __future__ import annotations

import datetime
import json

import pytest

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import (
    LONGEST_MESSAGE,
    Client,
    _segment,
    failure_of,
    message_of,
    seconds_until,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import (
    DELETE_OBJECT,
    GET_CONNECTION,
    OPERATIONS,
    WITNESS,
    Effect,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply, Settings

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("prod snowflake", "prod%20snowflake"),
        ("a/b", "a%2Fb"),
        ("50%", "50%25"),
        ("a#b?c", "a%23b%3Fc"),
        ("naïve ☃", "na%C3%AFve%20%E2%98%83"),
        ("...", "..."),
        (" padded ", "%20padded%20"),
    ],
)
def test_quotes_a_whole_segment(key: str, expected: str) -> None:
    assert _segment("connection_key", key) == expected


@pytest.mark.parametrize("key", ["", ".", "..", "half a character: \ud800"])
def test_refuses_what_a_url_can_not_address(key: str) -> None:
    with pytest.raises(InvalidOption, match="connection_key"):
        _segment("connection_key", key)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("Fri, 02 Jan 2026 03:04:15 GMT", 10.0),
        ("Fri, 02 Jan 2026 03:04:00 GMT", 0.0),
        ("Fri, 02 Jan 2026 03:04:15", 10.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_reads_retry_after(header: str, expected: float) -> None:
    assert seconds_until(header, NOW) == expected


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, errors.InvalidRequest, "invalid_request"),
        (401, errors.AuthenticationError, "authentication"),
        (403, errors.PermissionDenied, "permission"),
        (404, errors.NotFound, "not_found"),
        (409, errors.Busy, "busy"),
        (418, errors.InvalidRequest, "invalid_request"),
        (422, errors.InvalidRequest, "invalid_request"),
        (429, errors.RateLimited, "rate_limited"),
        (500, errors.ServerError, "server"),
        (503, errors.ServerError, "server"),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[Failure], code: str) -> None:
    failure = failure_of(Reply(status, b'{"message": "because"}'), DELETE_OBJECT, "/data/object/x")
    assert isinstance(failure, kind)
    assert failure.as_dict()["code"] == code
    assert failure.as_dict()["status"] == status
    assert failure.as_dict()["method"] == "DELETE"
    assert failure.as_dict()["path"] == "/data/object/x"
    assert failure.message.endswith(": because")


def test_names_the_missing_permission() -> None:
    failure = failure_of(Reply(403, b""), DELETE_OBJECT, "/data/object/x")
    assert "APPLICATION_ADMIN" in failure.hint
    assert "DATA_OWNER" in failure.hint


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"message": "m", "error": "e"}', "m"),
        (b'{"error": "e"}', "e"),
        (b'{"error": {"message": "inner"}}', "inner"),
        (b"plain text", "plain text"),
        (b'"a JSON string"', "a JSON string"),
        (b"two\nlines\x1b[31m", "two lines [31m"),
        (b"<html>no</html>", "(a web page)"),
        (b"\xff\xfe", "��"),
        (b"{}", ""),
        (b"", ""),
    ],
)
def test_takes_the_message_and_nothing_more(body: bytes, expected: str) -> None:
    assert message_of(Reply(400, body)) == expected


def test_cuts_long_messages() -> None:
    assert len(message_of(Reply(400, json.dumps({"message": "x" * 5000}).encode()))) == LONGEST_MESSAGE


def test_check_mode_refuses_every_operation_that_changes_something() -> None:
    client = Client(Settings("https://tenant.example", "key"), check_mode=True)
    for operation in OPERATIONS:
        if not operation.effect.harmless:
            with pytest.raises(errors.WriteInCheckMode):
                client.call(operation, connection_key="x", integration_id=1)


def test_each_family_has_a_harmless_witness() -> None:
    families = {operation.family for operation in OPERATIONS} - {"auth"}
    assert set(WITNESS) == families
    assert all(operation.effect is Effect.READ for operation in WITNESS.values())
    assert GET_CONNECTION.family == "connections"


@pytest.mark.parametrize(
    "url",
    [
        "tenant.example",
        "ftp://tenant.example",
        "https://",
        "//tenant.example",
        "https://user:secret@tenant.example",
        "https://tenant.example?x=1",
        "https://tenant.example#x",
        "https://tenant.example:port",
        "https://tenant.example:99999",
    ],
)
def test_refuses_urls_that_are_none(url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="option url") as caught:
        Settings(url, "key")
    assert "secret" not in str(caught.value)


def test_settings_do_not_show_the_key() -> None:
    assert "very-secret" not in repr(Settings("https://tenant.example/", "very-secret"))


def test_takes_a_trailing_slash_off() -> None:
    assert Settings("https://tenant.example/", "key").url == "https://tenant.example"
