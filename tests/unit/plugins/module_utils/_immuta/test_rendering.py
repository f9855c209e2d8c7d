# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script comes from Immuta or from its file, and neither is believed where the answers contradict each other."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, rendering, saved_script
from ansible_collections.community.immuta.plugins.module_utils._immuta.rendering import Subject
from ansible_collections.community.immuta.plugins.module_utils._immuta.transport import Reply
from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import Answers

KEY, URL = "prod", "https://tenant.example"
OWNER = saved_script.Owner(URL, KEY, 5, "Snowflake", "snowflake")
SAVED = saved_script.Saved("/x.sql", OWNER, "SELECT 'saved'", "0", 1, 0o600, True)
DESCRIBED = {"connectionKey": KEY, "connection": {"technology": "Snowflake", "hostname": "h"}, "nativeIntegrationId": 5}

# How Immuta knows the connection, whether it renders the script, whether it lists the integration as in use, whether the
# script is saved, whether that has started to run; and what is used. The first line that fits counts, * fits everything.
USED = """
described  script  *     *   *   immuta
described  404     used  *   *   Contradiction
described  404     out   yes *   saved
described  404     out   no  *   ScriptLost
glue       *       *     *   *   NoCleanupScript
listed     *       *     no  *   Refused
listed     script  *     yes *   immuta
listed     404     used  yes *   Contradiction
listed     404     out   yes *   saved
absent     *       *     no  *   ScriptLost
absent     *       *     yes yes saved
absent     *       used  yes no  Contradiction
absent     *       out   yes no  saved
"""
RULES = [line.split() for line in USED.strip().splitlines()]
ALL = [
    (known, render, integration, saved, started)
    for known in ("described", "glue", "listed", "absent")
    for render in ("script", "404")
    for integration in ("used", "out")
    for saved in ("yes", "no")
    for started in ("yes", "no")
    if saved == "yes" or started == "no"
]


def answers(known: str, render: str, integration: str) -> Answers:
    described = {"described": DESCRIBED, "glue": {**DESCRIBED, "connection": {"technology": "Glue"}}}.get(known)
    return Answers(
        getConnection=Reply(200, json.dumps(described).encode()) if described else lambda: errors.NotFound("no"),
        searchObjects=[] if known == "absent" else [{"objectPath": [KEY], "technology": "Snowflake"}],
        listIntegrations=[{"id": 5, "type": "Snowflake", "status": "enabled" if integration == "used" else "deleted"}],
        getIntegration=Reply(200, b'{"id": 5, "type": "Snowflake", "status": "enabled", "config": {"host": "i"}}'),
        renderCleanupScript=Reply(200, b'"SELECT 1"') if render == "script" else None,
    )


@pytest.mark.parametrize(("known", "render", "integration", "saved", "started"), ALL)
def test_which_script_is_used(known: str, render: str, integration: str, saved: str, started: str) -> None:
    case = (known, render, integration, saved, started)
    used = next(rule[5] for rule in RULES if all(want in ("*", have) for want, have in zip(rule, case)))
    client: t.Any = answers(known, render, integration)

    def fetch() -> rendering.Rendered:
        return rendering.fetch(client, Subject(URL, KEY), SAVED if saved == "yes" else None, started == "yes")

    if used in ("immuta", "saved"):
        found = fetch()
        assert (found.source, found.connection_exists) == (used, known != "absent")
        assert found.body == ("SELECT 1" if used == "immuta" else SAVED.body)
        hosts = {"described": ("h", "i"), "listed": ("i",)}[known] if used == "immuta" else ()
        assert found.owner == dataclasses.replace(OWNER, hosts=hosts)
        assert found.raw == saved_script.contents(found.owner, found.body)
    else:
        with pytest.raises(getattr(rendering, used, None) or getattr(errors, used)) as caught:
            fetch()
        assert caught.value.hint
        assert "deleteObject" not in client.asked


def test_the_script_of_an_integration() -> None:
    client: t.Any = answers("absent", "script", "used")
    client.answers["getIntegration"] = Reply(200, b'{"id": 5, "type": "Databricks", "status": "enabled"}')
    found = rendering.fetch(client, Subject(URL, integration_id=5), None)
    assert (found.owner.technology, found.owner.dialect, found.connection_exists) == ("Databricks", "databricks", None)
    client.answers["renderCleanupScript"] = lambda: errors.Busy("busy")
    with pytest.raises(errors.Busy):
        rendering.fetch(client, Subject(URL, integration_id=5), None)
    # One out of use may be refused instead of not being found.
    client.answers["getIntegration"] = Reply(200, b'{"id": 5, "type": "Databricks", "status": "deleted"}')
    with pytest.raises(rendering.ScriptLost):
        rendering.fetch(client, Subject(URL, integration_id=5), None)


def test_suggests_the_key_that_may_be_meant() -> None:
    client: t.Any = answers("absent", "404", "out")
    client.answers["searchObjects"] = [{"objectPath": ["PROD"]}]
    with pytest.raises(rendering.ScriptLost) as caught:
        rendering.fetch(client, Subject(URL, KEY), None)
    assert caught.value.hint == "Did you mean 'PROD'?"


@pytest.mark.parametrize(
    ("subject", "refused"),
    [
        (Subject(None), None),
        (Subject(URL, KEY, 5), None),
        (Subject("https://other.example"), "was saved from https://tenant.example, but this task asks https://other"),
        (Subject(URL, "other"), "belongs to the connection 'prod', not to the connection 'other'"),
        (Subject(URL, KEY, 6), "belongs to the integration 5, not to 6"),
    ],
)
def test_whose_script_is_saved(subject: Subject, refused: str | None) -> None:
    rendering.require_own(None, subject)
    if refused is None:
        rendering.require_own(SAVED, subject)
        return
    with pytest.raises(errors.Refused) as caught:
        rendering.require_own(SAVED, subject)
    assert refused in caught.value.message


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b'"SELECT 1"', "application/json", "SELECT 1"),
        (b'{"script": "SELECT 1", "other": "x"}', "application/json", "SELECT 1"),
        (b'{"sql": "SELECT 1"}', "", "SELECT 1"),
        (b'{"unknown": "SELECT 1", "number": 1}', "", "SELECT 1"),
        (b"SELECT 1;\r\n-- x", "text/plain", "SELECT 1;\r\n-- x"),
        ("SELECT 'é'".encode(), "", "SELECT 'é'"),
        (b"SELECT 1", "application/json", None),
        (b'{"a": "SELECT 1", "b": "SELECT 2"}', "", None),
        (b'{"script": "SELECT 1", "sql": "SELECT 2"}', "", None),
        (b"[]", "", None),
        (b"null", "", None),
        (b"5", "", None),
        (b'" "', "", None),
        (b"", "", None),
        (b'"\\ud800"', "", None),
        (b"SELECT '\xff'", "", None),
        (b"<html>", "", None),
        (b"SELECT 1", "text/html", None),
    ],
)
def test_the_script_in_a_reply(body: bytes, content_type: str, text: str | None) -> None:
    reply = Reply(200, body, content_type)
    if text is not None:
        assert rendering.text_of(reply) == text
        return
    with pytest.raises(errors.UnexpectedReply) as caught:
        rendering.text_of(reply)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("technology", "dialect"),
    [("Snowflake", "snowflake"), ("DatabricksUnityCatalog", "databricks"), ("Redshift", None), ("", None)],
)
def test_dialects(technology: str, dialect: str | None) -> None:
    assert rendering.dialect_of(technology) == dialect
