# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of an audit: in JSON, as lines for people, and whether the playbook fails."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import technologies
from ansible_collections.community.immuta.plugins.plugin_utils._audit import removals
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.texts import said

Row = t.Mapping[str, t.Any]

STATES = {"left_over": "left over", "not_certain": "not certain", "in_use": "in use"}
GLUE = technologies.of("Glue")
NOT_LOOKED = f"Not checked: {GLUE.title}. If a connection to it was removed, look for {GLUE.left}."


def document(hosts: t.Sequence[Row], time: str) -> dict[str, t.Any]:
    """The result of all hosts.

    :param hosts: of each C(host), and C(tenant), C(tenant_problem), C(audits), C(script_folder), and C(removals), or C(error)
    :param time: of its end
    """
    objects = [one for host in hosts for audit in host["audits"] for one in audit["objects"]]
    states = collections.Counter(one["state"] for one in objects)
    listed = [one for host in hosts for one in host["removals"]]
    return {
        "format": 1,
        "time": time,
        "summary": {
            **{state: states[state] for state in STATES},
            "unfinished": len(removals.pending(listed)),
            "not_believed": sum(bool(one["problem"]) for one in listed),
            "not_all_seen": [
                f"{host['host']}: {one['platform']}" for host in hosts for one in host["audits"] if not one["sees_all"]
            ],
            "folders_missing": [
                f"{folder['host']}: {folder['path']}"
                for host in hosts
                if (folder := host["script_folder"]) and not folder["exists"]
            ],
            "failed": [host["host"] for host in hosts if host["error"]],
        },
        "hosts": list(hosts),
        "not_looked_at": NOT_LOOKED,
    }


def failing(found: Row, fail_on: str) -> str:
    """The reason why the playbook fails, as a sentence, or "".

    :param found: the document
    :param fail_on: C(leftovers), C(uncertain), or C(never)
    """
    about = found["summary"]
    wrong = []
    if fail_on in ("leftovers", "uncertain"):
        wrong += [_count(about["left_over"], "object is left over", "objects are left over")]
        wrong += [_count(about["unfinished"], "removal is unfinished", "removals are unfinished")]
    if fail_on == "uncertain":
        wrong += [_count(about["not_certain"], "object is not certain", "objects are not certain")]
        wrong += [_count(about["not_believed"], "saved script is not trusted", "saved scripts are not trusted")]
        wrong += [f"not everything was visible ({', '.join(about['not_all_seen'])})" if about["not_all_seen"] else ""]
        missing = ", ".join(about["folders_missing"])
        wrong += [f"a folder of saved scripts does not exist ({missing})" if missing else ""]
    wrong = [one for one in wrong if one]
    return f"immuta_audit_fail_on is {fail_on}, and {', '.join(wrong)}. The report above says which." if wrong else ""


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}" if number else ""


def lines(found: Row, draft: str) -> list[str]:
    """The report for people.

    :param found: the document
    :param draft: what came of the draft, as a sentence, or ""
    """
    told: list[str] = []
    for host in found["hosts"]:
        if host["error"]:
            told.append(f"{host['host']}: nothing is known: {host['error']}")
        if host["tenant_problem"]:
            told.append(f"{host['host']}: the tenant does not show everything: {host['tenant_problem']}")
        for audit in host["audits"]:
            told.extend(_audit(host, audit))
        folder = host["script_folder"]
        if folder and not folder["exists"]:
            told.append(
                f"The folder {folder['path']} does not exist on {folder['host']}, so no saved script was checked. If scripts are saved"
                " elsewhere, set immuta_deregister_script_dir."
            )
        told.extend(_removals(host["removals"]))
    about = found["summary"]
    told.append(
        f"In all: {about['left_over']} left over, {about['not_certain']} not certain, {about['in_use']} in use,"
        f" {about['unfinished']} unfinished removals. Nothing was changed.{_unseen(about)}"
    )
    if about["left_over"] and about["unfinished"]:
        told.append("Finish the removals first: they may remove what is left over.")
    return [*told, NOT_LOOKED, *([draft] if draft else [])]


def _unseen(about: Row) -> str:
    """That there may be more, as a sentence with a space before it, or ""."""
    where = [*about["failed"], *about["not_all_seen"]]
    return f" THERE MAY BE MORE: not everything was seen ({', '.join(where)})." if where else ""


def _audit(host: Row, audit: Row) -> t.Iterator[str]:
    tenant = f"the tenant {host['tenant']}" if host["tenant"] else "its tenant"
    yield f"{host['host']}, on {audit['place']} ({said(audit['session'])}), compared with {tenant}:"
    if not audit["objects"]:
        yield "  nothing that looks like Immuta's"
    rows = [_columns(audit["platform"], one) for one in audit["objects"]]
    widths = [max(len(row[at]) for row in rows) for at in range(5)] if rows else []
    for row in rows:
        yield "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]])
    if not audit["sees_all"]:
        yield "  There may be more: the session may not see everything."
    for read in audit["reads"]:
        if read["refused"]:
            yield f"  Not shown: {read['read']}: {read['refused']}"


def _columns(platform: str, one: Row) -> list[str]:
    name = f"{one['kind']} {'.'.join(one['path'])}" + (f" ({one['display_name']})" if one["display_name"] else "")
    return [
        STATES[one["state"]],
        name,
        f"owner {one['owner'] or 'unknown'}",
        f"created {one['created_on'] or 'unknown'}",
        f"last used {_used(platform, one)}",
        one["reason"],
    ]


def _used(platform: str, one: Row) -> str:
    if one["last_used"]:
        return str(one["last_used"])
    return "never, or unknown" if one["kind"] == "USER" else f"not reported by {platform.capitalize()}"


def _removals(listed: t.Sequence[Row]) -> t.Iterator[str]:
    good = [one for one in listed if not one["problem"]]
    if good:
        yield "1 removal is unfinished:" if len(good) == 1 else f"{len(good)} removals are unfinished:"
        for one in good:
            yield (
                f"  {one['connection_key'] or 'integration ' + str(one['integration_id'])}: {one['path']}:"
                f" {one['advice']}"
            )
    if bad := [one for one in listed if one["problem"]]:
        yield "Saved scripts that are not trusted, so nothing is known about their removals:"
        for one in bad:
            yield f"  {one['path']}: {one['advice']}"
