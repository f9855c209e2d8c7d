# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options with which a connection is registered, besides its place and its credential."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as C(community.immuta.registration)."""

    DOCUMENTATION = r"""
options:
  connection:
    description:
      - More fields of the connection, by the names that they have in the C(connection) object of Immuta's API. They are sent as they are.
      - Needed for what has no suboption, such as a connection to AWS Lake Formation (C(technology) is V(Glue)). A field that a suboption
        makes can't be given here as well.
      - A field that is not documented counts as a secret, and is not shown.
    type: dict
    version_added: 0.2.0
  native_integration:
    description:
      - More fields of the integration, by the names that they have in the C(nativeIntegration) object of Immuta's API. They are sent as they
        are, and win over those that O(snowflake) and O(databricks) make.
      - Required without O(snowflake) and O(databricks).
      - A field that is not documented counts as a secret, and is not shown.
    type: dict
    version_added: 0.2.0
  settings:
    description:
      - Settings with which the connection is registered. Those of a connection that exists are neither compared nor changed.
    type: dict
    version_added: 0.2.0
    suboptions:
      is_active:
        description:
          - Whether the objects that Immuta finds are enabled.
          - This changes who can read them. On Databricks, users lose their access to each table without a subscription policy, even a direct
            grant. So it is a step of the plan, and needs O(confirm).
        type: bool
        default: false
      activate_new_children:
        description:
          - Whether the objects that Immuta finds later are enabled. If not set, Immuta decides.
          - V(true) needs O(confirm), like O(settings.is_active).
        type: bool
      data_owners:
        description: Owners of the data sources, each as Immuta's API has it.
        type: list
        elements: raw
      infrastructure_admins:
        description: Those who may edit the connection, each as Immuta's API has it. Only older versions of Immuta have this.
        type: list
        elements: raw
  options:
    description:
      - Options of the registration.
    type: dict
    version_added: 0.2.0
    suboptions:
      force_recursive_crawl:
        description:
          - Whether Immuta also looks below objects that are not enabled.
          - If not set, it does unless O(settings.is_active=true), because it would not find anything below the connection otherwise.
        type: bool
"""
