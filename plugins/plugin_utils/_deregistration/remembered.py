# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What earlier runs have left: the integration's known configuration, for when its script is lost, and what was still there."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta import configuration
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration
from ansible_collections.community.immuta.plugins.module_utils._sql import forms
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval, chapters, looks
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import Settings
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused

VARIABLE = "immuta_deregister_integration_config"
Record = t.Mapping[str, t.Any]


def completed(settings: Settings, plan: t.Any) -> tuple[Settings, list[str]]:
    """The settings, with what earlier runs have left; and warnings of what plan or report hold and is left out.

    :param plan: the variable C(immuta_deregister_plan), whether it was approved or not
    :raises Refused: what is known may hold a secret, or is of different integrations
    """
    entry = approval.find(plan, settings.connection_key) if isinstance(plan, dict) else None
    try:
        written = settings.report.read()
        config, warnings = known(settings.integration_config, entry, written)
        left = was_left(chapters.current((written or {}).get("runs") or ()))
        return dataclasses.replace(settings, integration_config=config, was_left=left), warnings
    except InvalidOption as error:
        raise Refused(str(error)) from None


def was_left(runs: t.Sequence[Record]) -> bool:
    """Whether the last run that has signed in after the script ran has found something of it.

    :param runs: of this removal
    """
    looked = [_after(run) for run in runs if run.get("session") and _after(run)]
    return bool(looked) and True in looked[-1]


def _after(run: Record) -> list[bool]:
    """What a run has found afterwards, of each object: whether it was there."""
    found = run.get("objects")
    rows = found if isinstance(found, list) else []
    return [row["after"] for row in rows if isinstance(row, dict) and isinstance(row.get("after"), bool)]


def known(given: Record | None, plan: Record | None, report: Record | None) -> tuple[dict[str, t.Any], list[str]]:
    """What is known: what a person gives, or else what the plan holds, or else the last that the report does; and warnings.

    :param plan: the connection's entry in the plan
    :raises InvalidOption: it may hold a secret, or a person gives another integration than the plan or the report
    """
    # A former connection of that key had another integration.
    runs = chapters.current((report or {}).get("runs") or ())
    last = next(filter(None, map(_of, reversed(runs))), None)
    told: list[tuple[str, Configuration]] = []
    warnings: list[str] = []
    for where, found in (("plan", _of(plan or {})), ("report", last)):
        harmless, left = configuration.harmless(found or {}, secret=forms.holds)
        if left:
            warnings.append(
                f"What integration_config in the {where} has in {' and '.join(left)} is not used, since it looks like a credential"
                f" or is not what is needed there. Look into that {where}, and whether it is kept where others can read it."
            )
        if harmless:
            told.append((where, configuration.read(harmless, f"integration_config in the {where}", secret=forms.holds)))
    if not given:
        return (told[0][1].as_dict() if told else {}), warnings
    own = configuration.read(given, VARIABLE, secret=forms.holds)
    # A removal that has ended says nothing of a connection that has the key since.
    ended = bool(runs) and runs[-1].get("status") in looks.ENDED
    for where, one in told:
        if where == "report" and ended:
            continue
        if differing := own.differs(one):
            raise InvalidOption(
                f"{VARIABLE} describes another integration than the {where} ({', '.join(differing)} differ). Correct"
                f" or remove it, or don't use that {where}."
            )
    return own.as_dict(), warnings


def _of(record: Record) -> dict[str, t.Any] | None:
    """The configuration in a record; one of an older version has none."""
    found = record.get("integration_config")
    return found if isinstance(found, dict) and found else None
