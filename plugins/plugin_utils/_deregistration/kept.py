# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report that earlier runs have left: whose it is, and what its runs tell."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import evidence
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import Settings


def _read(known: Settings) -> evidence.Report | None:
    """The report; None if there is none, or it can't be read."""
    if not os.path.isabs(known.report_dir):
        return None
    try:
        return evidence.read(evidence.path(known.report_dir, known.file_name))
    except (evidence.NotAReport, OSError):
        return None


def history(known: Settings) -> list[dict[str, t.Any]]:
    """The runs that the report has of this connection."""
    report = _read(known)
    mine = report and report.get("connection_key") == known.connection_key
    return report["runs"] if report and mine else []


def foreign(known: Settings, tenant: str | None) -> str:
    """An error if the report belongs to another tenant. The tenant is known only now, so the report is read again."""
    return evidence.foreign(known.report_dir, known.file_name, _read(known), tenant)
