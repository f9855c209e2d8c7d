# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a page: the role's template, rendered by plain Jinja2, which escapes every value."""

from __future__ import annotations

import contextlib
import functools
import typing as t

import jinja2

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import evidence as reports
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import summary

TEMPLATE = "report.html.j2"


def render(templates: str, evidence: t.Mapping[str, t.Any]) -> str:
    """Render the page.

    :param templates: folder of the templates
    :param evidence: the report, as written to the JSON file
    """
    return (
        _environment(templates)
        .get_template(TEMPLATE)
        .render(
            evidence=evidence,
            verdict=verdict(evidence),
            summary=summary.summary(evidence),
            login=summary.login,
            approver=summary.approver,
        )
    )


def verdict(evidence: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The verdict at the top of the page.

    C(status) is completed also if a later run found nothing to do. C(on_word) tells whether a part is only stated.
    C(tone) is C(good) only if every claim was verified.
    """
    # What is missing is the template's to refuse.
    last = evidence["runs"][-1]
    status = "completed" if last.get("status") == "already_done" else last.get("status")
    states = {claim["state"] for claim in last.get("verified", ())} if status == "completed" else set()
    tone = {"completed": "good", "failed": "bad", "planned": "note"}.get(status, "care")
    return {
        "status": status,
        "on_word": "stated" in states,
        "tone": "care" if states & {"stated", "not_verified"} else tone,
    }


def damaged(templates: str, file: str) -> str:
    """Return what is wrong with a report that can be read and not be shown, or "".

    :param templates: folder of the templates
    :param file: the report in JSON, which need not be there
    """
    with contextlib.suppress(reports.NotAReport, OSError):
        report = reports.read(file)
        if report and report["runs"]:
            try:
                render(templates, report)
            except Exception:
                return f"The report {file} is damaged. Move it away, or set immuta_deregister_report_dir to another folder."
    return ""


@functools.cache
def _environment(templates: str) -> jinja2.Environment:
    return jinja2.Environment(
        autoescape=True,
        loader=jinja2.FileSystemLoader(templates),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
