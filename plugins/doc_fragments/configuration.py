# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of what is known of an integration and its place, besides what Immuta tells."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as C(community.immuta.configuration)."""

    DOCUMENTATION = r"""
options:
  integration_config:
    description:
      - What is known of the configuration of the integration, in case the script is lost, as an earlier run returned it in
        RV(integration_config). It is used only if neither Immuta nor O(path) has the script.
      - If Immuta still lists the integration, it is asked for the integration's script. If it renders none, it is asked to regenerate one
        from the configuration, in each of the ways that its documentation may mean.
      - The fields are V(type), V(id), V(host), V(port), V(database) or V(catalog), V(warehouse), V(http_path), V(role), V(user),
        V(impersonation_role), and V(principal). To regenerate a script, V(type), V(host), and V(database) or V(catalog) are needed.
      - If nothing of a saved, regenerated script has run, and its configuration is another one now, it is regenerated; the old one is kept
        beside it. Any other saved script is kept, and a configuration that does not match it is refused.
      - None of them is a secret. Other fields, and values that look like a credential, are refused and not shown. A configuration is also
        refused if another integration is in use in the same place.
    type: dict
    version_added: 0.2.0
  same_place:
    description:
      - What to do if another integration is in use with the same database or catalog, and it is not certain that it is on another account or
        metastore. Two forms of the name of a Snowflake account can't be compared, and Databricks workspaces of one cloud may share a
        metastore. Nothing is asked of the platform.
      - V(fail) refuses the script with the code V(integration_shared), since it may remove what that integration needs. V(accept) takes the
        place for another one.
      - An integration that is certainly in the same place is refused in any case. A script that has run to its end is not looked at.
    type: str
    choices:
      - fail
      - accept
    default: fail
    version_added: 0.2.0
"""
