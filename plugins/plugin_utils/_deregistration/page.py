# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a page: the role's template, rendered by plain Jinja2, which escapes every value."""

from __future__ import annotations

import functools
import typing as t

import jinja2

TEMPLATE = "report.html.j2"


def render(templates: str, evidence: t.Mapping[str, t.Any]) -> str:
    """Render the page.

    :param templates: folder of the templates
    :param evidence: the report, as written to the JSON file
    """
    return _environment(templates).get_template(TEMPLATE).render(evidence=evidence)


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
