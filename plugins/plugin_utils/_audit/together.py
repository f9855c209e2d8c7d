# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts of a run tell about each other's objects: several tenants may have integrations on the same account."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._audit import kin

Row = t.Mapping[str, t.Any]


def pooled(hosts: t.Sequence[Row]) -> list[dict[str, t.Any]]:
    """The hosts, each with what the others know about the same account, workspace, or metastore.

    :param hosts: of each C(host) and C(audits)
    """
    return [{**host, "audits": [_pooled(host, audit, hosts) for audit in host["audits"]]} for host in hosts]


def _pooled(host: Row, audit: Row, hosts: t.Sequence[Row]) -> dict[str, t.Any]:
    known: dict[tuple[str, ...], tuple[str, str]] = {}
    for other in hosts:
        for theirs in other["audits"] if other is not host else ():
            where = _relation(audit, theirs)
            for one in theirs["objects"] if where != "different" else ():
                state = "not_certain" if where == "unknown" and one["state"] == "in_use" else one["state"]
                told = state, f"{other['host']} ({other['tenant'] or 'another tenant'}): {one['reason']}"
                key = one["kind"], *one["path"]
                if key not in known or kin.ORDER.index(state) > kin.ORDER.index(known[key][0]):
                    known[key] = told
    objects = []
    for one in audit["objects"]:
        state, reason = known.get((one["kind"], *one["path"]), (one["state"], ""))
        stronger = kin.ORDER.index(state) > kin.rank(one)
        objects.append({**one, "state": state, "reason": reason} if stronger else one)
    return {**audit, "objects": kin.settled(audit["platform"], objects)}


def _relation(one: Row, two: Row) -> str:
    """Whether two audits looked at the same objects: C(same), C(different), or C(unknown)."""
    if one["platform"] != two["platform"]:
        return "different"
    # What did not tell where it is has the name of the platform.
    places, nowhere = {one["place"], two["place"]}, one["platform"]
    if len(places) == 1 and nowhere not in places:
        return "same"
    if nowhere in places:
        return "unknown"
    # Workspaces share catalogs if they share the metastore.
    stores = {each["session"].get("metastore") for each in (one, two)}
    return "unknown" if nowhere == "databricks" and (len(stores) == 1 or None in stores) else "different"
