# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors in the settings of a deregistration, found before any request."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import hosts
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import page, task_file
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS, Settings


@dataclasses.dataclass(frozen=True)
class Site:
    """Facts besides the variables that the errors depend on.

    :ivar hosts: names in the inventory
    """

    hosts: t.Container[str]


def mistakes(settings: Settings, site: Site) -> list[str]:
    """The errors in the settings, a sentence or two each, before any request."""
    found = [
        *_approval(settings),
        _confirmation(settings),
        _regenerated(settings),
        _executor(settings),
        platform_host("immuta_deregister_platform_host", settings.platform_host),
        _script_host(settings, site),
        _interval(settings),
        _skip(settings),
        _script_path(settings),
        *settings.report.mistake(page.render),
    ]
    return [sentence for sentence in found if sentence]


def _approval(settings: Settings) -> t.Iterator[str]:
    if not settings.approved:
        return
    if settings.plan_mistake:
        yield settings.plan_mistake
    elif settings.plan_entry is None:
        yield (
            "The approved plan (immuta_deregister_plan) does not contain the connection"
            f' "{settings.connection_key}". Plan it, and approve the new plan.'
        )
    elif settings.plan_entry.get("error"):
        reason = " ".join(str(settings.plan_entry["error"]).split("\n"))
        yield (
            f'The connection "{settings.connection_key}" could not be planned: {reason} Plan it again, and approve the new plan.'
        )


def _confirmation(settings: Settings) -> str:
    if settings.confirm in ("", settings.connection_key):
        return ""
    return (
        f'immuta_deregister_confirm is "{settings.confirm}", but the connection is "{settings.connection_key}". It'
        " must match the key of the connection you are removing exactly."
    )


def _regenerated(settings: Settings) -> str:
    if settings.accept_regenerated in ("", settings.connection_key):
        return ""
    return (
        f'immuta_deregister_accept_regenerated is "{settings.accept_regenerated}", but the connection is'
        f' "{settings.connection_key}". Set it to the key of the connection whose regenerated script you have read.'
    )


def _executor(settings: Settings) -> str:
    executor = settings.executor
    if settings.own_tasks:
        if os.path.isfile(executor):
            return _changeable(executor)
        return f"The task file {executor} of immuta_deregister_executor does not exist on the controller."
    if executor in ("auto", "handoff", *PLATFORMS):
        return ""
    if executor == "odbc":
        return (
            "immuta_deregister_executor is odbc, which is no longer part of the role: it could not run scripts with"
            " USE, SET, or CALL. Use the task file docs/examples/executors/odbc.yml of this collection, by its path."
        )
    return (
        f'immuta_deregister_executor is "{executor}". Set it to auto, handoff, {", ".join(PLATFORMS)}, or the absolute'
        " path of a task file."
    )


def _changeable(executor: str) -> str:
    try:
        found = task_file.changeable(executor)
    except OSError as error:
        return f"The task file {executor} of immuta_deregister_executor can't be read: {error.strerror}."
    if not found:
        return ""
    return (
        f"The task file {executor} of immuta_deregister_executor can't be trusted: anybody may write to {found}. Take that"
        " permission away (chmod o-w)."
    )


def platform_host(variable: str, value: str) -> str:
    """An error if what a person says the platform's host is, is not one, or ""."""
    if not value or hosts.bare(value):
        return ""
    return (
        f'{variable} is "{value}", which is not a host. Write it like'
        " myorg-myaccount.snowflakecomputing.com or dbc-a1b2345c-d6e7.cloud.databricks.com."
    )


def _script_host(settings: Settings, site: Site) -> str:
    if settings.keeper in site.hosts:
        return ""
    return (
        f'immuta_deregister_script_host is "{settings.keeper}", which is not in the inventory. Set it to a host of the'
        " inventory, or leave it out."
    )


def _skip(settings: Settings) -> str:
    wrong = [one["sha256"] for one in settings.skip if not re.fullmatch(r"[0-9a-fA-F]{64}", one["sha256"])]
    if not wrong:
        return ""
    return (
        f'immuta_deregister_skip names the script "{wrong[0]}", which is not a digest. Write all 64 characters of the sha256 that the'
        " plan shows."
    )


def _interval(settings: Settings) -> str:
    if settings.progress_interval >= 0:
        return ""
    return (
        f'immuta_deregister_progress_interval is "{settings.progress_interval:g}". Set it to seconds, or to 0 to run'
        " scripts in one go."
    )


def _script_path(settings: Settings) -> str:
    if settings.script_path.startswith(("/", "~")):
        return ""
    return (
        f"The script's path {settings.script_path} is relative. Set immuta_deregister_script_path or"
        " immuta_deregister_script_dir to an absolute one."
    )
