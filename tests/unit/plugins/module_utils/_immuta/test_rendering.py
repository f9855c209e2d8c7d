# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The script comes from Immuta or from its file, and neither is believed where the answers contradict each other."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.module_utils._immuta import (
    errors,
    no_script,
    rendering,
    saved_script,
    script_text,
    technologies,
)
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
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
glue       *       *     no  *   NoCleanupScript
glue       *       *     yes *   Contradiction
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
        getObject=lambda: errors.NotFound("no"),
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
        config = None
        if used == "immuta":
            config = Configuration(type="Snowflake", id=5, host="i")
        assert found.owner == dataclasses.replace(OWNER, hosts=hosts, config=config)
        assert found.raw == saved_script.contents(found.owner, found.body)
    else:
        with pytest.raises(getattr(no_script, used, None) or getattr(errors, used)) as caught:
            fetch()
        # What is left to people then is told where the platforms are known.
        assert bool(caught.value.hint) is (used != "ScriptLost")
        assert "deleteObject" not in client.asked


@pytest.mark.parametrize(
    ("technology", "saved", "finished", "used"),
    [
        ("Glue", "Snowflake", False, "Contradiction"),
        ("Glue", "Snowflake", True, "NoCleanupScript"),
        ("Databricks", "Snowflake", False, "Contradiction"),
        ("Databricks", "Snowflake", True, "immuta"),
        ("Redshift", "Snowflake", False, "Contradiction"),
        ("Redshift", "Trino", False, "Contradiction"),
        ("Redshift", "REDSHIFT", False, "immuta"),
        ("SnowflakeX", "Snowflake", False, "Contradiction"),
        ("Databricks", "", False, "immuta"),
        ("", "Snowflake", False, "immuta"),
    ],
)
@pytest.mark.parametrize("asked", ["connection", "integration"])
def test_a_saved_script_that_is_to_run_keeps_its_technology(
    asked: str, technology: str, saved: str, finished: bool, used: str
) -> None:
    client: t.Any = answers("described", "script", "used")
    about = {**DESCRIBED, "connection": {"technology": technology}}
    client.answers["getConnection"] = Reply(200, json.dumps(about).encode())
    described = {"id": 5, "type": technology, "status": "enabled"}
    client.answers["getIntegration"] = Reply(200, json.dumps(described).encode())
    owner = saved_script.Owner(URL, KEY, 5, saved, technologies.of(saved).dialect)
    subject = Subject(URL, KEY) if asked == "connection" else Subject(URL, integration_id=5)
    kept = dataclasses.replace(SAVED, owner=owner)
    if used == "immuta" or (used == "NoCleanupScript" and asked == "integration"):
        assert rendering.fetch(client, subject, kept, finished=finished).source == "immuta"
        return
    with pytest.raises(getattr(no_script, used)) as caught:
        rendering.fetch(client, subject, kept, finished=finished)
    assert technology in caught.value.message
    if used == "Contradiction":
        assert f"saved when it was {saved}" in caught.value.message


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
    with pytest.raises(no_script.ScriptLost):
        rendering.fetch(client, Subject(URL, integration_id=5), None)


def test_suggests_the_key_that_may_be_meant() -> None:
    client: t.Any = answers("absent", "404", "out")
    client.answers["searchObjects"] = [{"objectPath": ["PROD"]}]
    with pytest.raises(no_script.ScriptLost) as caught:
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
        (b'{"script": "SELECT 1"}', "application/json", "SELECT 1"),
        (b' {"script": "SELECT 1"}', "text/plain", "SELECT 1"),
        (b'{"sql": "SELECT 1"}', "", "SELECT 1"),
        (b"\xef\xbb\xbfSELECT 1", "text/plain", "SELECT 1"),
        (b'\xef\xbb\xbf"SELECT 1"', "application/json", "SELECT 1"),
        # Only a documented field counts, and no other reading may be possible.
        (b'{"unknown": "SELECT 1", "number": 1}', "", None),
        (b'{"SCRIPT": "SELECT 1"}', "", None),
        (b'{"script": "SELECT 1", "Script": "SELECT 2"}', "", None),
        (b'{"script": "SELECT 1", "sql": null}', "", None),
        (b'{"script": "SELECT 1", "script": "SELECT 2"}', "", None),
        (b'{"script": "SELECT 1", "a": {"b": 1, "b": 2}}', "", None),
        (b'{"script": "SELECT 1", "script": "SELECT 2"}', "text/plain", None),
        (b'{"script": ["SELECT 1"]}', "", None),
        (b"[" * 100_000, "application/json", None),
        (b"SELECT 1;\r\n-- x", "text/plain", "SELECT 1;\r\n-- x"),
        ("SELECT 'é'".encode(), "", "SELECT 'é'"),
        (b"SELECT 1", "application/json", None),
        (b'{"a": "SELECT 1", "b": "SELECT 2"}', "", None),
        (b'{"script": "SELECT 1", "sql": "SELECT 2"}', "", None),
        (b"[]", "", None),
        (b"null", "", None),
        (b"5", "", None),
        # Whether an empty one counts is decided where comments are known.
        (b'" "', "", " "),
        (b"", "", ""),
        (b"", "application/json", None),
        # JSON that is cut off is no SQL.
        (b'{"script": "DROP ROLE x;', "text/plain", None),
        (b'\n ["DROP ROLE x;', "text/plain", None),
        (b'"\\ud800"', "", None),
        (b"SELECT '\xff'", "", None),
        (b"<html>", "", None),
        (b"SELECT 1", "text/html", None),
    ],
)
def test_the_script_in_a_reply(body: bytes, content_type: str, text: str | None) -> None:
    reply = Reply(200, body, content_type)
    if text is not None:
        assert script_text.text_of(reply) == text
        return
    with pytest.raises(errors.UnexpectedReply) as caught:
        script_text.text_of(reply)
    assert caught.value.hint


@pytest.mark.parametrize(
    "name",
    ["error", "Errors", "error_code", "message", "statusCode", "status-code", "status", "code", "exception", "detail"],
)
def test_an_error_is_no_script(name: str) -> None:
    body = f'{{"{name}": "Internal Server Error"}}'.encode()
    with pytest.raises(errors.UnexpectedReply, match="the answer is an error") as caught:
        script_text.text_of(Reply(200, body, "application/json"))
    assert ("Internal Server Error" in caught.value.message) == (name in ("error", "message", "detail"))


@pytest.mark.parametrize(
    "beside",
    [
        *('"error": "x"', '"message": "DROP ROLE x;"', '"status": "failed"', '"status": "ok"', '"other": null'),
        *('"success": false', '"success": true', '"ok": false', '"isError": true', '"result": "ERROR"'),
        *('"truncated": true', '"hasMore": true', '"page": 1, "pages": 3', '"length": 5', '"next": "x"'),
        *('"integrationId": 99', '"connectionKey": "other"', '"technology": "Databricks"', '"": 0'),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_a_script_with_anything_beside_it_is_not_believed(beside: str, content_type: str) -> None:
    for body in (f'{{"script": "DROP ROLE x;", {beside}}}', f'{{{beside}, "script": "DROP ROLE x;"}}'):
        with pytest.raises(errors.UnexpectedReply, match="has other fields beside the script") as caught:
            script_text.text_of(Reply(200, body.encode(), content_type))
        assert "DROP" not in caught.value.message


# The technologies


def of_technology(technology: str, *, linked: bool = False, renders: bool = False) -> t.Any:
    client = answers("listed", "script", "used")
    client.answers["getObject"] = {"objectPath": [KEY], "technology": technology}
    if technology in ("Snowflake", "Databricks", "Glue") or linked:
        about = {"technology": technology, "hostname": "h"}
        client.answers["getConnection"] = {
            "connectionKey": KEY,
            "connection": about,
            "nativeIntegrationId": 5 if linked else None,
        }
    client.answers["listIntegrations"] = [{"id": 5, "type": technology, "status": "enabled", "config": {"host": "h"}}]
    if not renders:
        client.answers["renderCleanupScript"] = lambda: errors.InvalidRequest("Scripts are not available.")
    return client


@pytest.mark.parametrize(
    ("technology", "script", "dialect"),
    [
        ("Snowflake", "yes", "snowflake"),
        ("Databricks", "yes", "databricks"),
        ("Glue", "no", None),
        ("Trino", "no", None),
        ("PostgreSQL", "no", None),
        ("Redshift", "unknown", None),
        ("BigQuery", "no", None),
        ("Teradata", "unknown", None),
        ("Oracle", "no", None),
        ("SQLServer", "no", None),
        ("MySQL", "no", None),
        ("MariaDB", "no", None),
        # The names are matched exactly.
        *(
            (name, "unknown", None)
            for name in ("DatabricksLakebase", "snowflake", "GLUE", "Snowflake ", "Trino2", "New")
        ),
    ],
)
def test_every_technology(technology: str, script: str, dialect: str | None) -> None:
    assert technologies.of(technology).script == script
    assert technologies.of(technology).dialect == dialect

    def fetch(client: t.Any, **options: bool) -> rendering.Rendered:
        return rendering.fetch(client, Subject(URL, KEY), None, **options)

    if script == "yes":
        found = fetch(of_technology(technology, linked=True, renders=True))
        assert (found.owner.technology, found.owner.dialect) == (technology, dialect)
        with pytest.raises(errors.InvalidRequest):
            fetch(of_technology(technology, linked=True), without_script=True)
        return
    assert technologies.of(technology).left
    client = of_technology(technology)
    with pytest.raises(no_script.NoCleanupScript) as none:
        fetch(client, without_script=script == "unknown")
    assert none.value.details == {
        **dict.fromkeys(("status", "method", "path")),
        "technology": technology,
        "left_on_platform": technologies.of(technology).left,
    }
    assert technologies.of(technology).left in none.value.hint
    assert "renderCleanupScript" not in client.asked
    if script == "unknown":
        with pytest.raises(no_script.ScriptUnknown) as unknown:
            fetch(of_technology(technology))
        assert repr(technology) in unknown.value.message
        assert "immuta_deregister_without_script" in unknown.value.hint


@pytest.mark.parametrize("option", [True, False])
def test_a_script_of_an_unknown_technology_is_used_where_immuta_renders_one(option: bool) -> None:
    found = rendering.fetch(
        of_technology("Redshift", linked=True, renders=True), Subject(URL, KEY), None, without_script=option
    )
    assert (found.body, found.owner.technology, found.owner.dialect) == ("SELECT 1", "Redshift", None)
    with pytest.raises(no_script.NoCleanupScript if option else no_script.ScriptUnknown):
        rendering.fetch(of_technology("Redshift", linked=True), Subject(URL, KEY), None, without_script=option)
    # A script that was saved is one that there is.
    kept = dataclasses.replace(SAVED, owner=dataclasses.replace(OWNER, technology="Redshift", dialect=None))
    with pytest.raises(no_script.ScriptUnknown):
        rendering.fetch(of_technology("Redshift"), Subject(URL, KEY), kept, without_script=option)


@pytest.mark.parametrize("status", [400, 404])
def test_no_description_is_no_fault_of_the_connection(status: int) -> None:
    client = of_technology("Oracle")
    client.answers["getConnection"] = lambda: (errors.InvalidRequest if status == 400 else errors.NotFound)("no")
    with pytest.raises(no_script.NoCleanupScript):
        rendering.fetch(client, Subject(URL, KEY), None)
    assert client.asked == ["getConnection", "getObject"]
