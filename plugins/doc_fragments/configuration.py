# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of what is known of an integration whose script is lost."""

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
      - None of them is a secret. Other fields, and values that look like a credential, are refused and not shown. A configuration is also
        refused if another integration is in use in the same place.
    type: dict
    version_added: 0.2.0
"""
