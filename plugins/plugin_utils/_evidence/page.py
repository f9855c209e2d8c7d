# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a page: one template for all roles, rendered by plain Jinja2, which escapes every value."""

from __future__ import annotations

import dataclasses
import functools
import os
import typing as t

import jinja2

from ansible_collections.community.immuta.plugins.plugin_utils._evidence import summary as summaries
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.origin import COLLECTION
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import of_connection

# The role that had the first report keeps the template.
TEMPLATES = os.path.join(COLLECTION, "roles", "deregister_connection", "templates")
TEMPLATE = "report.html.j2"
Seen = t.Mapping[str, t.Any]
# The statuses of statements that the run itself has sent.
SENT = ("done", "failed", "not_needed", "replayed", "rolled_back", "unknown")


@dataclasses.dataclass(frozen=True)
class Wording:
    """What the page says of a role.

    :ivar noun: what the role does
    :ivar script: what its script is called
    :ivar done: the statuses of a run that came to its end
    :ivar again: the statuses of a later run that found nothing to do, with that of the run before it
    :ivar sentences: by status; by C(stated) if a part is only stated
    """

    noun: str
    script: str
    done: tuple[str, ...]
    again: t.Mapping[str, str]
    sentences: dict[str, str]


def render(
    wording: Wording, evidence: Seen, summary: summaries.Summary, approver: t.Callable[[Seen], str] = summaries.login
) -> str:
    """Render the page.

    :param evidence: the report, as written to the JSON file
    :param approver: where to find out who has approved the plan of a run
    """
    return (
        _environment()
        .get_template(TEMPLATE)
        .render(
            evidence=evidence,
            wording=wording,
            verdict=verdict(wording, evidence),
            summary=summary,
            login=summaries.login,
            approver=approver,
        )
    )


def verdict(wording: Wording, evidence: Seen) -> dict[str, t.Any]:
    """The verdict at the top of the page.

    C(status) is that of the end also if a later run found nothing to do. C(on_word) tells whether a part is only stated.
    C(tone) is C(good) only if every claim was verified. C(idle) tells whether the last run has failed, and certainly changed nothing.
    """
    # What is missing is the template's to refuse.
    last = evidence["runs"][-1]
    status = wording.again.get(last.get("status"), last.get("status"))
    ended = status in wording.done
    states = {claim["state"] for claim in last.get("verified", ())} if ended else set()
    tone = "good" if ended else {"failed": "bad", "planned": "note"}.get(status, "care")
    return {
        "status": status,
        "on_word": "stated" in states,
        "tone": "care" if states & {"stated", "not_verified"} else tone,
        "idle": status == "failed" and _is_idle(last),
    }


def _is_idle(run: Seen) -> bool:
    """Whether a run has certainly changed nothing."""
    rows = of_connection(run)
    same = bool(rows) and all(row["before"] is not None and row["before"] == row["after"] for row in rows)
    sent = any(row["status"] in SENT for row in run.get("statements") or ())
    return same and not run.get("changed") and not run.get("removal") and not sent


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FileSystemLoader(TEMPLATES),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["sentence"] = summaries.sentence
    return environment
