# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one run can prove: its steps, statements, and claims, derived from the modules' answers."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import marked
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.origin import Origin
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import (
    AGAIN,
    THIS,
    Claim,
    Run,
    carried,
)
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.rows import frame, statement
from ansible_collections.community.immuta.plugins.plugin_utils._registration import unreported
from ansible_collections.community.immuta.plugins.plugin_utils._registration.ended import Ended
from ansible_collections.community.immuta.plugins.plugin_utils._registration.history import (
    number,
    of_this_registration,
    remembered,
)
from ansible_collections.community.immuta.plugins.plugin_utils._registration.remaining import remaining
from ansible_collections.community.immuta.plugins.plugin_utils._registration.steps import steps

History = t.Sequence[t.Mapping[str, t.Any]]
Rows = t.Sequence[t.Mapping[str, t.Any]]
Known = t.Literal["verified", "stated", "not_verified"]
# The columns of an object in the report.
OBJECT = ("kind", "name", "owner", "created_on", "present", "how", "query_id", "existing")
AFTER = ("after", "after_how", "after_query_id")
EXISTS = "The connection exists in Immuta"
NOT_FOUND_OUT = "This run did not find out."


@dataclasses.dataclass(frozen=True)
class Registered(Run):
    """One run of the role, as the report has it.

    :ivar enables: whether objects were to be enabled, which changes who can read them
    :ivar validation: the tests of the integration, without Immuta's messages; None if they were not read
    :ivar edited: the fields of a connection that existed which this run has changed, before and after
    :ivar chapter: which registration under this key it is about, from 1
    :ivar unreported: what was done before that no run tells; None if there is nothing
    :ivar undoes: whether it was to take the registration back
    :ivar removal: C(status) of the removal that does that, and the file of its C(report); None if it was not reached
    """

    enables: bool = False
    validation: list[dict[str, str]] | None = None
    edited: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    chapter: int = 1
    unreported: dict[str, t.Any] | None = None
    undoes: bool = False
    removal: dict[str, str | None] | None = None


def run(ended: Ended, origin: Origin, history: History) -> Registered:
    """The run, as the report has it.

    :param history: the runs before it
    """
    observed, settings, result = ended.observed, ended.settings, ended.result
    known = _about(ended)
    own = of_this_registration(history, known, starts_over=observed.starts_over)
    started = bool(observed.progress.get("done")) and not observed.outdated
    objects = remembered(result["objects"], own, observed.progress, started=started)
    done = steps(ended)
    # Whether the set-up was taken back since, only a run that sees the script can tell.
    before = own[-1] if own and (observed.has_script or known["immuta"][0]["before"] != "not there") else None
    return Registered(
        **frame(ended, origin, done, history),
        **known,
        tenant=observed.tenant,
        executor=settings.executor,
        session=result["session"],
        objects=None if objects is None else [{name: row.get(name) for name in (*OBJECT, *AFTER)} for row in objects],
        reason=settings.reason or None,
        approver=settings.approver or None,
        confirmed_by="name" if settings.named else None,
        approved=dict.fromkeys(("plan", "script_sha256", "plan_digest")),
        plan=result["plan"],
        script=_script(ended),
        statements=statements(ended),
        deleted_objects=None,
        integration=result["integration"] or None,
        verified=carried(claims(ended, objects), len(history) + 1, before),
        remaining=remaining(ended),
        enables=settings.enables,
        validation=_validation(ended),
        edited=list(result["differences"]) if ended.status == "updated" else [],
        chapter=number(history, own),
        unreported=unreported.earlier(settings, observed, history, own, ended.stop.failure if ended.stop else None),
    )


def _about(ended: Ended) -> dict[str, t.Any]:
    """Which connection it is: its place, and what Immuta has of it."""
    settings, found = ended.settings, ended.observed.connection
    return {
        "technology": found.get("technology") or settings.integration_config.get("type"),
        "integration_id": (ended.result["integration"] or {}).get("id", found.get("integration_id")),
        "integration_config": settings.integration_config or None,
        "platform_hosts": settings.hosts,
        "immuta": in_immuta(ended),
    }


def _script(ended: Ended) -> dict[str, t.Any] | None:
    script = ended.observed.script
    if not ended.observed.has_script:
        return None
    return {"path": ended.settings.script_path, "sha256": script["sha256"], "source": script.get("source")}


def _validation(ended: Ended) -> list[dict[str, str]] | None:
    known = ended.result["validation"]
    return None if known is None else [{name: one[name] for name in ("name", "status")} for one in known["tests"]]


def in_immuta(ended: Ended) -> list[dict[str, t.Any]]:
    """Immuta's state of the connection before and after; the first row is the connection."""
    observed = ended.observed
    asked, exists = "connections" in observed.found, observed.exists_now
    words = {True: "there", False: "not there", None: None}
    before = words[observed.exists if asked else None]
    rows = [
        {
            "kind": "connection",
            "name": ended.settings.connection_key,
            "before": before,
            "after": words[exists],
            "how": "Read before, and read again until Immuta described it" if observed.read_again else "Read before",
        }
    ]
    found = observed.connection
    integration = ended.result["integration"] or {}
    number = integration.get("id", found.get("integration_id"))
    if number is not None:
        rows.append(
            {
                "kind": "integration",
                "name": str(number),
                "before": found.get("integration_status") if found else before,
                "after": integration.get("status"),
                "how": "Read, as its status and the results of its tests",
            }
        )
    return rows


def statements(ended: Ended) -> list[dict[str, t.Any]]:
    """The statements, without their text."""
    observed = ended.observed
    rows = observed.statements or observed.script.get("statements") or []
    progress = {} if observed.outdated else observed.progress
    answers = {answer["index"]: answer for answer in progress.get("answers") or ()}
    return [statement(row, answers.get(row["index"], {}), _status(ended, row)) for row in rows]


def _status(ended: Ended, row: t.Mapping[str, t.Any]) -> str:
    observed = ended.observed
    if "status" in row:
        return str(row["status"])
    if observed.stated:
        return "stated"
    if row["index"] <= (observed.progress.get("done") or 0) and not observed.outdated:
        return "skipped"
    return "handed_over" if ended.status == "handed_off" else "not_run"


def claims(ended: Ended, objects: Rows | None = None) -> list[Claim]:
    """What is true, and how that is known. What was only stated is marked.

    :param objects: what the script creates, with what earlier runs have seen
    """
    observed, settings = ended.observed, ended.settings
    found: list[Claim] = []
    # What a script has made of a connection that exists, only earlier runs know.
    if not observed.exists and settings.executor != "none":
        found = [_script_ran(ended)]
        if observed.script_ran:
            found.append(_platform_set_up(ended, objects))
    elif not observed.exists and settings.integration_config:
        how = "No script was run. Stated by the person who ran the role, with immuta_register_executor=none."
        found = [Claim("The platform was prepared", "stated", how, THIS)]
    found.append(_exists(ended))
    if observed.exists_now or observed.sent:
        found.append(_works(ended))
    return found


def _script_ran(ended: Ended) -> Claim:
    observed = ended.observed
    claim = "The set-up script has run to its end"
    if not observed.has_script:
        return Claim(claim, "not_verified", NOT_FOUND_OUT, None)
    if ended.recorded:
        how = "Stated by the person who ran the role, with immuta_register_script_executed."
        return Claim(claim, "stated", how, THIS)
    if observed.outdated:
        how = (
            "Nothing has run for this connection. The journal beside the script is of a former one: the platform does not have"
            " what it created, or does not show it."
        )
        return Claim(claim, "not_verified", how, THIS)
    if not observed.script_ran:
        count, total = observed.counts
        return Claim(claim, "not_verified", f"{count} of {total} statements have run.", THIS)
    if not observed.finished:
        how = "The platform answered every statement. Each answer was written to the journal beside the script immediately."
        return Claim(claim, "verified", how, THIS)
    if marked.answered(observed.progress):
        how = "The journal beside the script, written by earlier runs, has the platform's answer to every statement."
        return Claim(claim, "verified", how, AGAIN)
    return Claim(claim, "stated", "The journal beside the script records that a person has run it.", AGAIN)


def _platform_set_up(ended: Ended, objects: Rows | None) -> Claim:
    claim = "What the script creates is on the platform"
    looked = [row for row in objects or () if row["after"] is not None or row["after_how"]]
    # Before this run, if the script had run by then.
    rows = [{**row, "there": row["after"]} for row in looked]
    when = "Checked in the session that ran the script"
    if not looked and ended.observed.finished:
        rows = [{**row, "there": row["present"]} for row in ended.observed.tried.get("objects") or ()]
        when = "Checked before the registration"
    if not rows:
        return Claim(claim, "not_verified", "The platform was not checked.", None)
    missing = [f"{row['kind']} {row['name']}" for row in rows if row["there"] is not True]
    state: Known = "not_verified" if missing else "verified"
    left = f" Not visible: {', '.join(missing)}." if missing else ""
    return Claim(claim, state, f"{when}: {len(rows) - len(missing)} of {len(rows)} objects are there.{left}", THIS)


def _exists(ended: Ended) -> Claim:
    observed = ended.observed
    if observed.exists_now is None:
        return Claim(EXISTS, "not_verified", NOT_FOUND_OUT, None)
    if not observed.exists_now:
        return Claim(EXISTS, "not_verified", "It does not exist.", THIS)
    if observed.exists:
        return Claim(EXISTS, "verified", "Immuta describes it.", AGAIN)
    return Claim(EXISTS, "verified", "Read after the registration: Immuta describes it.", THIS)


def _works(ended: Ended) -> Claim:
    told, integration = ended.observed.told, ended.result["integration"] or {}
    claim = "Its integration works"
    if not ended.observed.sent:
        return Claim(claim, "not_verified", NOT_FOUND_OUT, None)
    about = f"Immuta lists the integration {integration['id']} as {integration['status']}" if integration else ""
    if told.get("rolled_back"):
        how = (
            f"{about or 'It is there'}, after an edit that Immuta has put back. What is there now was not tested since."
        )
        return Claim(claim, "not_verified", how, THIS)
    if not told.get("verified"):
        return Claim(claim, "not_verified", f"{about or 'Nothing shows it'}.", THIS)
    tests = ", ".join(f"{one['name']} ({one['status'] or 'not told'})" for one in _validation(ended) or ())
    how = f"{about}{f', with these tests: {tests}' if tests else ''}" if about else "Immuta's reads have shown it"
    if (told.get("object_sync") or {}).get("state") == "completed":
        how += ", and its first object sync is completed"
    return Claim(claim, "verified", f"{how}.", THIS)
