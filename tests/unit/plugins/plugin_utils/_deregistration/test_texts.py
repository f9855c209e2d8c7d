# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each line that is printed."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval, outcome, stops, texts
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.approval import Planned
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import Settings
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.stops import Stop
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    BROKEN,
    DIGEST,
    DONE,
    EMPTY,
    FINISHED,
    GO,
    LOST,
    LOST_BUT_THERE,
    NO_SCRIPT,
    NO_SCRIPT_BUT_LEFT,
    OBJECTS,
    PARTIAL,
    PLANNED,
    RECORDED,
    REFUSED,
    ROWS,
    SAVED_THEN_REFUSED,
    SHA,
    SITUATIONS,
    SKIPPED,
    TRIED,
    deleted,
    failed,
    gone,
    ran,
    read,
    rows,
    script,
)

PATH = "~/.local/state/community.immuta/k.sql"
TITLE = 'Plan for the Immuta connection "k"'
TENANT = "Tenant: https://t"
# An approved plan for a connection that has no script.
ENTRY = {"connection_key": "k", "plan_digest": DIGEST, "script_sha256": None}
GLUE = {"plan": {"format": 2, "connections": [ENTRY]}, "approved": approval.digest([ENTRY])}
SAVED = f"1. Save the clean-up script: done ({PATH}, sha256 {SHA})"
TO_SAVE = f"1. Save the clean-up script: would be done ({PATH}, sha256 {SHA})"
TO_SET_ASIDE = TO_SAVE.replace(" (", "; the finished script of the former integration is set aside (")
DELETE = "2. Delete the connection and all data sources below it in Immuta. THIS CAN'T BE UNDONE."
GONE = "2. Delete the connection in Immuta: already gone"
STATEMENTS = [
    "     1. line 2: USE ROLE ADMIN",
    "     2. line 4: DROP DATABASE IMMUTA",
    "     3. line 6: GRANT   <- review: unusual",
]
# What was found of it, and whether the script may not be able to drop it.
OWNED: list[tuple[Answer, bool]] = [
    ({"owner": "IMMUTA_SYSTEM", "roles": ["SYSADMIN"]}, True),
    ({"owner": "IMMUTA_SYSTEM", "roles": ["ACCOUNTADMIN"]}, True),
    ({"owner": "SYSADMIN", "roles": ["SYSADMIN"]}, False),
    ({"owner": "USERADMIN", "roles": ["ACCOUNTADMIN"]}, False),
    ({"owner": "SYSADMIN", "roles": ["SECURITYADMIN"]}, True),
    ({"owner": "O", "roles": []}, False),
    ({"owner": None, "roles": ["SYSADMIN"]}, False),
    ({"owner": "O", "roles": ["SYSADMIN"], "dropped": False}, False),
    ({"owner": "O", "roles": ["SYSADMIN"], "present": False}, False),
    ({"owner": "O", "roles": ["SYSADMIN"], "type": "grant"}, False),
]


@pytest.mark.parametrize(("seen", "marked"), OWNED)
def test_what_the_script_may_not_own_is_marked(seen: Answer, marked: bool) -> None:
    tried = {**TRIED, "objects": [{**TRIED["objects"][0], **seen}]}
    lines = texts.plan(read(), Observed(script(), tried, planned=PLANNED))
    found = next(line for line in lines if re.match(r"(T|Not t)here\b.*DATABASE IMMUTA", line))
    role = next(iter(seen["roles"]), "")
    expected = f"<- review: the script drops it in the role {role}, which fails unless {role} inherits {seen['owner']}"
    assert found.endswith(expected) is marked


UNNEEDED = "Nothing to run: the clean-up script contains no statements, which immuta_deregister_empty_script accepts"
ALONE = (
    "Don't run it on another host at the same time: only runs that share the journal beside the script lock each"
    " other out."
)
ON = "Platform: a.snowflakecomputing.com"
UNSAVED = "the script is not on the disk yet"
SAVE_IT = (
    "To have it looked for, run this outside of check mode without immuta_deregister_confirm: that saves the script, and"
    " deletes nothing."
)
REVOKES = {
    "index": 1,
    "line": 1,
    "verb": "REVOKE",
    "object": "ROLE",
    "name": "A",
    "grantee": "USER B",
    "unusual": False,
}
REVOKED = "     1. line 1: REVOKE ROLE A FROM USER B"
ONE_TO_RUN = "3. Run the script's 1 statements (0 have run), executor snowflake"
ENDS = "Not confirmed, so the run ends here. To continue, set immuta_deregister_confirm to the connection key."


def to_run(done: int, executor: str) -> str:
    return f"3. Run the script's 3 statements ({done} have run), executor {executor}"


@pytest.mark.parametrize(
    ("given", "observed", "expected"),
    [
        pytest.param(
            {},
            Observed(script(exists=False), planned=PLANNED),
            [
                TITLE,
                TENANT,
                TO_SAVE,
                f"{DELETE} Plan digest {DIGEST}",
                to_run(0, "snowflake"),
                *STATEMENTS,
                ALONE,
                ON,
                ENDS,
            ],
            id="nothing done",
        ),
        pytest.param(
            GO,
            Observed(script(exists=False, kept_finished=True), planned=SKIPPED),
            [TITLE, TENANT, TO_SET_ASIDE, DELETE, to_run(0, "snowflake"), *STATEMENTS, ALONE, ON],
            id="once more",
        ),
        pytest.param(
            GO,
            Observed(script(), planned=SKIPPED),
            [TITLE, TENANT, SAVED, DELETE, to_run(0, "snowflake"), *STATEMENTS, ALONE, ON],
            id="confirmed",
        ),
        pytest.param(
            {**GO, "platform_host": "p"},
            Observed(script(), TRIED, planned=SKIPPED),
            [
                *(TITLE, TENANT, SAVED, DELETE, to_run(0, "snowflake"), *STATEMENTS, ALONE),
                f"{ON} and p, compared with the sign-in",
                "Signed in: user U",
                "There: DATABASE IMMUTA, owner O, created 2026-01-01",
                "Not there, or not visible: ROLE R",
                "Could not be checked (No full name.): SCHEMA S",
            ],
            id="looked at",
        ),
        pytest.param(
            GO,
            Observed(script(), {**TRIED, "objects": None}, planned=SKIPPED),
            [
                *(TITLE, TENANT, SAVED, DELETE, to_run(0, "snowflake"), *STATEMENTS, ALONE),
                f"{ON}, compared with the sign-in",
                "Signed in: user U",
                f"The platform was not checked for what the script removes: {UNSAVED}. {SAVE_IT}",
            ],
            id="not looked at",
        ),
        pytest.param(
            {**GO, "executor": "handoff"},
            Observed(script(exists=False), decided={"decision": {"unlooked": UNSAVED}}, planned=SKIPPED),
            [
                *(TITLE, TENANT, TO_SAVE, DELETE, to_run(0, "handoff"), *STATEMENTS, ON),
                f"The platform was not checked for what the script removes: {UNSAVED}. {SAVE_IT}",
            ],
            id="not looked at by the description",
        ),
        *(
            pytest.param(
                GO,
                Observed(
                    script(exists=not unsaved, statements=[REVOKES]),
                    {**TRIED, "objects": TRIED["objects"][:1]},
                    decided={"decision": {"look": "" if unsaved else "/s/k.sql", "objects": described}},
                    planned=SKIPPED,
                ),
                [
                    *(TITLE, TENANT, TO_SAVE if unsaved else SAVED, DELETE, ONE_TO_RUN, REVOKED, ALONE),
                    f"{ON}, compared with the sign-in",
                    *("Signed in: user U", "There: DATABASE IMMUTA, owner O, created 2026-01-01"),
                    *([f"Not looked for, because {UNSAVED}: grants. {SAVE_IT}"] if described else []),
                ],
                id=f"looked at by the {'description' if unsaved else 'text'}",
            )
            for unsaved, described in ((True, [{"kind": "DATABASE", "name": '"IMMUTA"'}]), (False, []))
        ),
        pytest.param(
            {**GO, "executor": "handoff"},
            Observed(gone(execution=PARTIAL)),
            [TITLE, TENANT, SAVED, GONE, to_run(1, "handoff"), *STATEMENTS, ON],
            id="gone, run in part",
        ),
        pytest.param(
            {**GO, "executor": "/o.yml"},
            Observed(script()),
            [TITLE, TENANT, SAVED, DELETE, to_run(0, "own"), *STATEMENTS, ON],
            id="own tasks",
        ),
        pytest.param(
            {**GO, "script_executed": True},
            Observed(gone()),
            [TITLE, TENANT, SAVED, GONE, "3. Record that the script was run by other means"],
            id="stated",
        ),
        pytest.param(
            GO,
            Observed(script(execution=FINISHED)),
            [TITLE, TENANT, SAVED, DELETE, "3. Run the script: already done"],
            id="has run",
        ),
        pytest.param(
            GO,
            Observed(NO_SCRIPT),
            [TITLE, TENANT, DELETE, "3. Nothing to run: Redshift has no clean-up script"],
            id="no script",
        ),
        pytest.param(GO, Observed(EMPTY), [TITLE, TENANT, SAVED, DELETE, f"3. {UNNEEDED}"], id="empty"),
        pytest.param(
            GO,
            Observed(NO_SCRIPT_BUT_LEFT),
            [
                *(TITLE, TENANT, DELETE, "3. Nothing to run: Redshift has no clean-up script"),
                "   Check the platform for what may be left there: grants, and a role",
            ],
            id="no script, and something is left",
        ),
        pytest.param(
            {},
            Observed({"failure": {"code": "no_cleanup_script"}}),
            [TITLE, DELETE, "3. Nothing to run: this technology has no clean-up script", ENDS],
            id="no script, of an unknown technology",
        ),
        pytest.param(
            {},
            Observed(gone(execution=FINISHED)),
            [TITLE, TENANT, "Nothing to do: the connection is gone and its clean-up script has run."],
            id="nothing to do",
        ),
        pytest.param(
            {"plan_only": True},
            Observed(gone(source="regenerated", statements=[], plan_only=True)),
            [
                TITLE,
                TENANT,
                f"1. Save the clean-up script: done (~/.local/state/community.immuta/k.sql, sha256 {SHA})",
                "   WARNING: Immuta REGENERATED it from the integration's known configuration. Read it; running it"
                " takes immuta_deregister_accept_regenerated.",
                "2. Delete the connection in Immuta: already gone",
                "3. Run the script's 0 statements (0 have run), executor snowflake",
                "Don't run it on another host at the same time: only runs that share the journal beside the script"
                " lock each other out.",
                "Platform: a.snowflakecomputing.com",
            ],
            id="regenerated",
        ),
        pytest.param(
            {"plan_only": True},
            Observed(
                gone(statements=[{**ROWS[1], "needed_by": ["the integration 7"], "marks": ["M"]}], plan_only=True)
            ),
            [
                TITLE,
                TENANT,
                f"1. Save the clean-up script: done (~/.local/state/community.immuta/k.sql, sha256 {SHA})",
                "2. Delete the connection in Immuta: already gone",
                "3. Run the script's 1 statements (0 have run), executor snowflake",
                "     2. line 4: DROP DATABASE IMMUTA   <- review: M",
                "   WARNING: what others need is not taken away. To leave these statements out, set"
                " immuta_deregister_needed_by_others to leave.",
                "Don't run it on another host at the same time: only runs that share the journal beside the script"
                " lock each other out.",
                "Platform: a.snowflakecomputing.com",
            ],
            id="others need it",
        ),
        pytest.param(
            {"plan_only": True, "accept_regenerated": "k"},
            Observed(gone(source="regenerated", statements=[], plan_only=True)),
            [
                TITLE,
                TENANT,
                f"1. Save the clean-up script: done (~/.local/state/community.immuta/k.sql, sha256 {SHA})",
                "   WARNING: Immuta REGENERATED it from the integration's known configuration. Read it.",
                "2. Delete the connection in Immuta: already gone",
                "3. Run the script's 0 statements (0 have run), executor snowflake",
                "Don't run it on another host at the same time: only runs that share the journal beside the script"
                " lock each other out.",
                "Platform: a.snowflakecomputing.com",
            ],
            id="regenerated, accepted",
        ),
        pytest.param(
            {},
            Observed(LOST),
            [TITLE, "Not found, so there is nothing to plan.", "WARNING: script_lost happened."],
            id="lost",
        ),
        pytest.param(
            GLUE,
            Observed(LOST),
            [TITLE, "Nothing to do: the connection is gone and the approved plan has no clean-up script."],
            id="lost, and approved so",
        ),
        pytest.param(
            {"reason": "CHG1"},
            Observed(LOST_BUT_THERE),
            [TITLE, "Reason: CHG1", "Not found, so there is nothing to plan.", "WARNING: script_lost happened."],
            id="a reason",
        ),
    ],
)
def test_plan(given: dict[str, t.Any], observed: Observed, expected: list[str]) -> None:
    assert texts.plan(read(**given), observed) == expected


RAN = [
    "    1. done         USE ROLE ADMIN, query id q1",
    "    2. done         DROP DATABASE IMMUTA, query id q2",
    "    3. done         GRANT, query id q3",
]
AT = f"Script: {PATH} (sha256 {SHA})"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "planned, pinned",
            [
                'Deregistration of "k": PLANNED, nothing was deleted or run',
                "Immuta: the connection exists",
                f"{AT}, the script has not run",
            ],
        ),
        (
            "completed",
            [
                'Deregistration of "k": COMPLETED',
                "Immuta: the connection is gone, 4 objects below it deleted",
                f"{AT}, the script has run",
                *RAN,
            ],
        ),
        (
            "handed off",
            [
                'Deregistration of "k": HANDED OFF, the script is still to be run',
                "Immuta: the connection is gone, 4 objects below it deleted",
                "Immuta: the integration 5 is still listed as deleted",
                f"{AT}, the script has not run",
            ],
        ),
        (
            "already done",
            [
                'Deregistration of "k": ALREADY DONE, nothing was changed',
                "Immuta: the connection is gone",
                f"{AT}, the script has run",
            ],
        ),
        (
            "no script",
            [
                'Deregistration of "k": COMPLETED',
                "Immuta: the connection is gone, 4 objects below it deleted",
                "Immuta: the integration 5 is still listed as enabled",
            ],
        ),
        (
            "empty",
            [
                'Deregistration of "k": COMPLETED',
                "Immuta: the connection is gone, 4 objects below it deleted",
                f"{AT}, the script has nothing to run",
                UNNEEDED,
            ],
        ),
        (
            "lost",
            [
                'Deregistration of "k": UNKNOWN, the connection was not found and no script was saved: it is not known'
                " whether the platform was cleaned up",
                "Immuta: the connection was not found",
            ],
        ),
        (
            "regenerated",
            [
                'Deregistration of "k": COMPLETED',
                "Immuta: the connection is gone",
                f"{AT}, the script has run",
                "WARNING: Immuta REGENERATED it from the integration's known configuration. Check the platform for"
                " what it may have left.",
                *RAN,
            ],
        ),
        (
            "stated",
            [
                'Deregistration of "k": COMPLETED, but it is only stated that the script has run',
                "Immuta: the connection is gone",
                f"{AT}, the script has run, but this is only stated",
            ],
        ),
        (
            "resumed",
            [
                'Deregistration of "k": COMPLETED',
                "Immuta: the connection is gone",
                f"{AT}, the script has run",
                "    1. done again   USE ROLE ADMIN, query id q1",
                *RAN[1:],
            ],
        ),
    ],
)
def test_report(name: str, expected: list[str]) -> None:
    assert texts.report(SITUATIONS[name].result) == expected


def test_report_of_a_statement_without_a_query_id_and_a_deletion_of_nothing() -> None:
    answer = ran("not_run")
    answer["statements"][0]["query_id"] = None
    result = outcome.result(read(), Observed(script(), ran=answer, deleted=deleted(deleted_objects=0)), check_mode=True)
    lines = texts.report(result)
    assert (lines[1], lines[-1]) == (
        "Immuta: the connection is gone, 0 objects below it deleted",
        "    1. not run      USE ROLE ADMIN",
    )


@pytest.mark.parametrize(
    ("status", "word"),
    [
        *[("done", "done"), ("skipped", "done earlier"), ("replayed", "done again"), ("failed", "failed")],
        *[("skipped_by_operator", "left out"), ("rolled_back", "rolled back"), ("not_run", "not run")],
    ],
)
def test_what_came_of_a_statement(status: str, word: str) -> None:
    answer = ran(f"{status} done done")
    answer["statements"][0] |= {"query_id": None, "reason": "why"}
    result = outcome.result(read(), Observed(script(), deleted=deleted(), ran=answer), check_mode=False)
    assert texts.report(result)[3:] == [f"    1. {word:<12} USE ROLE ADMIN: why", *RAN[1:]]


@pytest.mark.parametrize(("given", "host"), [({}, "h"), ({"script_host": "keeper"}, "keeper")])
def test_handoff(given: dict[str, t.Any], host: str) -> None:
    assert texts.handoff(read(**given), Observed(script())) == [
        "The clean-up script of k is for you to run. It has NOT been run.",
        f"Script: {PATH} on {host} (sha256 {SHA}).",
        "Run the whole script, in order, in one session, as an administrator of Snowflake on a.snowflakecomputing.com.",
        "Then rerun with immuta_deregister_script_executed=true.",
    ]


def test_handing_over_a_regenerated_script() -> None:
    lines = texts.handoff(read(), Observed(gone(source="regenerated")))
    assert lines[2] == f"WARNING: {texts.REGENERATED} Read it before you run it."


KEPT = f"the script is saved at {PATH}"
NOT_THERE = "the connection does not exist in Immuta"
HAS_RUN = "the clean-up script has run to its end"
NOT_DELETED = "the connection has not been deleted"
MAYBE_DELETED = "it is not known whether the connection was deleted"
NOT_RUN = "the clean-up script has not run to its end"
MAYBE_RUN = "it is not known whether the clean-up script was run"
BUSY = {"failed": True, "msg": "Busy."}


@pytest.mark.parametrize(
    ("observed", "failure", "done", "open_ends"),
    [
        pytest.param(Observed(REFUSED), REFUSED, [], [MAYBE_DELETED, MAYBE_RUN], id="Immuta refuses"),
        pytest.param(
            Observed(SAVED_THEN_REFUSED),
            SAVED_THEN_REFUSED,
            [KEPT, "1 of 3 statements have run"],
            [MAYBE_DELETED, NOT_RUN],
            id="saved, then refused",
        ),
        pytest.param(Observed(script()), BUSY, [KEPT], [NOT_DELETED, NOT_RUN], id="saved"),
        pytest.param(Observed(script(exists=False)), BUSY, [], [NOT_DELETED, NOT_RUN], id="check mode"),
        pytest.param(
            Observed(script(connection_exists=None)), BUSY, [KEPT], [MAYBE_DELETED, NOT_RUN], id="saved, not looked"
        ),
        pytest.param(
            Observed(script(), deleted=SKIPPED), BUSY, [KEPT], [NOT_DELETED, NOT_RUN], id="the deletion was skipped"
        ),
        pytest.param(
            Observed(script(), deleted=BUSY), BUSY, [KEPT], [MAYBE_DELETED, NOT_RUN], id="the deletion has failed"
        ),
        pytest.param(
            Observed(script(), deleted=deleted()), BUSY, [KEPT, NOT_THERE], [NOT_RUN], id="deleted, nothing has run"
        ),
        pytest.param(
            Observed(script(), deleted=deleted(), ran=BROKEN),
            BROKEN,
            [KEPT, NOT_THERE, "1 of 3 statements have run"],
            [NOT_RUN],
            id="a statement has failed",
        ),
        pytest.param(
            Observed(gone(execution=PARTIAL)),
            BUSY,
            [KEPT, NOT_THERE, "1 of 3 statements have run"],
            [NOT_RUN],
            id="run in part before",
        ),
        pytest.param(
            Observed(script(), deleted=deleted(), ran=ran("done skipped replayed", state="partial")),
            BUSY,
            [KEPT, NOT_THERE, "3 of 3 statements have run"],
            ["it was not verified that what the script removes is gone"],
            id="stopped between runs",
        ),
        pytest.param(
            Observed(
                script(),
                deleted=deleted(),
                ran={**failed("objects_left"), "statements": rows("done done done"), "objects": OBJECTS},
            ),
            failed("objects_left"),
            [KEPT, NOT_THERE, "3 of 3 statements have run"],
            ["still on the platform, although the script removes it: DATABASE IMMUTA"],
            id="an object is left",
        ),
        pytest.param(
            Observed(gone(execution=FINISHED), {**TRIED, "objects": OBJECTS[:1]}),
            failed("objects_left"),
            [KEPT, NOT_THERE, HAS_RUN],
            ["still on the platform, although the script removes it: DATABASE IMMUTA"],
            id="an object is left of a finished script",
        ),
        pytest.param(
            Observed(script(), deleted=deleted(), ran=DONE), BUSY, [KEPT, NOT_THERE, HAS_RUN], [], id="all done"
        ),
        pytest.param(Observed(gone(), recorded=RECORDED), BUSY, [KEPT, NOT_THERE, HAS_RUN], [], id="all stated"),
        pytest.param(Observed(NO_SCRIPT), BUSY, [], [NOT_DELETED], id="no script"),
        pytest.param(
            Observed(EMPTY), BUSY, [KEPT, "the clean-up script has nothing to run"], [NOT_DELETED], id="empty"
        ),
        pytest.param(Observed(NO_SCRIPT, deleted=deleted()), BUSY, [NOT_THERE], [], id="no script, deleted"),
        pytest.param(
            Observed(LOST),
            BUSY,
            [],
            ["the connection was not found, so it is not known whether there is anything to do"],
            id="lost",
        ),
        pytest.param(
            Observed(script(), deleted=deleted(verified=False, deleted_objects=None), ran=BUSY),
            BUSY,
            [KEPT],
            [NOT_DELETED, NOT_RUN],
            id="check mode, up to the script",
        ),
    ],
)
def test_stopped(observed: Observed, failure: Answer, done: list[str], open_ends: list[str]) -> None:
    stop = Stop("Task", failure)
    assert texts.stopped(read(), observed, stop) == [
        f'Stopped at "Task": {failure["msg"]}',
        f"DONE: {'; '.join(done) or 'nothing in this run'}.",
        f"NOT DONE: {'; '.join(open_ends) or 'nothing'}.",
        f"NEXT: {stop.advice}",
    ]


@pytest.mark.parametrize("settings", [None, read()], ids=["settings not read", "settings read"])
def test_stopped_before_anyone_was_asked(settings: Settings | None) -> None:
    assert texts.stopped(settings, Observed(), Stop("Validate the variables", {"msg": "One.\nTwo."})) == [
        'Stopped at "Validate the variables": One.',
        "Two.",
        "DONE: nothing; no request was sent.",
        "NEXT: Correct what is named above, and rerun.",
    ]


def test_what_a_person_does_without_a_script_is_told_at_the_end() -> None:
    lost = {**LOST, "failure": {**LOST["failure"], "by_hand": ["On Snowflake.", "(1) Drop it."]}}
    lines = texts.stopped(read(), Observed(lost), Stop("Task", BUSY))
    assert lines[-4:-3] == [f"NEXT: {Stop('Task', BUSY).advice}"]
    assert lines[-3:] == [texts.BY_HAND, "   On Snowflake.", "   (1) Drop it."]


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (stops.REPORT, "the report was not written"),
        (stops.LOOK.format("Snowflake"), "the platform was not checked"),
        ("Task", "nothing"),
    ],
)
def test_what_is_not_done_where_all_else_is(task: str, words: str) -> None:
    observed = SITUATIONS["already done"].observed
    assert f"NOT DONE: {words}." in texts.stopped(read(**GO), observed, Stop(task, BUSY))


def plan_of(status: str = "planned", **changes: t.Any) -> Planned:
    return dataclasses.replace(Planned("k", status), **changes)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param(
            plan_of(
                **{"technology": "Snowflake", "tenant": "https://t", "platform_hosts": ["a", "b"], "statements": ROWS},
                **{"plan_digest": DIGEST, "script_sha256": SHA},
            ),
            "planned      k (Snowflake) of https://t: the connection would be deleted, 3 statements on a and b, script"
            f" {SHA}",
            id="to delete and to run",
        ),
        pytest.param(
            plan_of(script_sha256=SHA, script_source="regenerated"),
            f"planned      k: the connection is gone, 0 statements, REGENERATED script {SHA}",
            id="regenerated",
        ),
        pytest.param(
            plan_of(technology="Redshift", plan_digest=DIGEST),
            "planned      k (Redshift): the connection would be deleted, no script",
            id="to delete",
        ),
        pytest.param(
            plan_of(script_sha256=SHA),
            f"planned      k: the connection is gone, 0 statements, script {SHA}",
            id="to run",
        ),
        pytest.param(plan_of("already_done"), "already_done k: the connection is gone, no script", id="nothing to do"),
        pytest.param(
            plan_of("failed", error="It broke.\nDONE: nothing."),
            "failed       k: It broke. DONE: nothing.",
            id="failed",
        ),
        pytest.param(
            plan_of("unknown", connection_key="{{ k }}%s"), "unknown      {{ k }}%s: not found", id="hostile, unknown"
        ),
    ],
)
def test_planned(plan: Planned, expected: str) -> None:
    last = ["To approve this plan, set immuta_deregister_approved to its digest.", f"Digest of this plan: {DIGEST}"]
    none = ["Nothing could be planned, so there is nothing to approve."]
    assert texts.planned([plan], DIGEST) == [expected, *(none if plan.error else last)]


LEFT_OUT = ran("done skipped_by_operator done")
DELETED_NOTHING_RUN = Observed(script(), TRIED, deleted=deleted())


# The three values of the connection and of the script: gone, exists, not asked; has run, in part or not, not asked.
@pytest.mark.parametrize(
    ("observed", "stopped", "expected"),
    [
        pytest.param(
            Observed(script()), False, "planned      k: the connection exists, the script has not run", id="planned"
        ),
        pytest.param(
            Observed(script(), deleted=deleted(), ran=DONE),
            False,
            "completed    k: the connection is gone, the script has run",
            id="completed",
        ),
        pytest.param(
            Observed(EMPTY, deleted=deleted()),
            False,
            "completed    k: the connection is gone, the script has nothing to run",
            id="empty",
        ),
        pytest.param(
            Observed(NO_SCRIPT, deleted=deleted()),
            False,
            "completed    k: the connection is gone, it has no script",
            id="no script",
        ),
        pytest.param(
            Observed(script(), deleted=deleted(), ran=LEFT_OUT),
            False,
            "completed    k: the connection is gone, 2 of 3 statements have run, the others were left out",
            id="left out",
        ),
        pytest.param(
            Observed(gone(execution=PARTIAL), recorded=RECORDED),
            False,
            "completed    k: the connection is gone, 1 of 3 statements have run, the others are only stated",
            id="one run, two stated",
        ),
        pytest.param(
            Observed(gone(), recorded=RECORDED),
            False,
            "completed    k: the connection is gone, the script has run, but this is only stated",
            id="stated",
        ),
        pytest.param(
            Observed(gone(execution=FINISHED)),
            False,
            "already_done k: the connection is gone, the script has run",
            id="already done",
        ),
        pytest.param(Observed(LOST), False, "unknown      k: the connection was not found", id="unknown"),
        pytest.param(Observed(LOST), True, "failed       k: the connection was not found", id="not found"),
        pytest.param(
            Observed(),
            True,
            "failed       k: the connection was not checked, the script was not requested",
            id="not asked",
        ),
        pytest.param(
            Observed(REFUSED),
            True,
            "failed       k: the connection was not checked, the script was not requested",
            id="refused",
        ),
        pytest.param(
            Observed(SAVED_THEN_REFUSED),
            True,
            "failed       k: the connection was not checked, 1 of 3 statements have run",
            id="saved, then refused",
        ),
        pytest.param(
            Observed(script(), TRIED, deleted=REFUSED),
            True,
            "failed       k: it is not known whether the connection is gone, the script has not run",
            id="the deletion has failed",
        ),
        pytest.param(
            DELETED_NOTHING_RUN, True, "failed       k: the connection is gone, the script has not run", id="not run"
        ),
        pytest.param(
            Observed(script(), TRIED, deleted=deleted(), ran=BROKEN),
            True,
            "failed       k: the connection is gone, 1 of 3 statements have run",
            id="a statement has failed",
        ),
        pytest.param(
            Observed(NO_SCRIPT, deleted=deleted()),
            True,
            "failed       k: the connection is gone, it has no script",
            id="no script, and no report",
        ),
    ],
)
def test_finished(observed: Observed, stopped: bool, expected: str) -> None:
    result = outcome.result(read(**GO), observed, check_mode=False)
    if stopped:
        result, expected = {**result, "status": "failed", "failed_task": "Task"}, f'{expected}, stopped at "Task"'
    assert texts.finished([("k", result), ("other", {})]) == [expected, "not started  other"]


def test_what_was_approved_without_a_script_is_done() -> None:
    result = outcome.result(read(**GLUE), Observed(LOST), check_mode=False)
    assert texts.finished([("k", result)]) == ["already_done k: the connection is gone, it has no script"]
    assert texts.report(result) == [
        'Deregistration of "k": ALREADY DONE, nothing was changed',
        "Immuta: the connection is gone",
    ]


def test_planned_is_no_word_for_what_has_deleted() -> None:
    observed = SITUATIONS["completed"].all_observed
    for answers in ({"ran": {}}, {"deleted": deleted(verified=False)}):
        stopped = stops.find(read(**GO), dataclasses.replace(observed, **answers), {"settings": {}}, check_mode=False)
        assert stopped is not None


HOSTILE = "{{ 7 * 7 }} {% x %} %s \x1b[2J\u202e <b>"


def test_hostile_names_stay_what_they_are_and_on_their_line() -> None:
    settings = read(connection_key=HOSTILE)
    for lines in (
        texts.plan(settings, Observed(script())),
        texts.handoff(settings, Observed(script())),
        texts.report(outcome.result(settings, Observed(script()), check_mode=True)),
        texts.finished([(HOSTILE, {})]),
    ):
        assert HOSTILE in lines[0]


@pytest.mark.parametrize(
    ("resumes_at", "marked"),
    [(3, ""), (1, "the rerun starts at statement 1"), (None, "a person has to decide")],
)
def test_the_plan_marks_where_a_run_could_not_simply_go_on(resumes_at: int | None, marked: str) -> None:
    rows = [*ROWS[:2], {**ROWS[2], "unusual": False, "resumes_at": resumes_at}]
    skip = [{"statement": 2, "sha256": SHA, "reason": "gone"}, {"statement": 1, "sha256": "b" * 64, "reason": "other"}]
    lines = texts.plan(read(skip=skip), Observed(script(statements=rows)))
    first, second, third = (line for line in lines if re.match(r" +[123]\. line", line))
    assert "<-" not in first
    assert second.endswith("<- left out: gone")
    assert (marked in third) and ("<-" in third) is bool(marked)


@pytest.mark.parametrize(("count", "said"), [(0, "0 objects"), (1, "1 object"), (2, "2 objects")])
def test_how_many_objects_were_deleted(count: int, said: str) -> None:
    result = outcome.result(read(**GO), Observed(script(), deleted=deleted(deleted_objects=count)), check_mode=False)
    assert f"{said} below it deleted" in texts.report(result)[1]
