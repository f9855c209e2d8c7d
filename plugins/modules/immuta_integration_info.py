#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: immuta_integration_info
version_added: 0.1.0
short_description: Gather information on Immuta integrations
description:
  - Looks up one integration by its id, or lists the integrations of a tenant.
  - Credentials of an integration are never returned.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.immuta
  - community.immuta.attributes
  - community.immuta.attributes.info_module
  - community.immuta.attributes.actiongroup_immuta
options:
  integration_id:
    description:
      - Id of one integration.
      - If not set, all integrations are returned.
    type: int
  type:
    description:
      - Return only integrations of this type, for example V(Snowflake) or V(Databricks). The case does not matter.
    type: str
  host:
    description:
      - Return only integrations on this host of the data platform. The case does not matter.
    type: str
  status:
    description:
      - Return only integrations in one of these statuses, for example V(enabled).
    type: list
    elements: str
seealso:
  - module: community.immuta.immuta_connection_info
"""

EXAMPLES = r"""
- name: List the Snowflake integrations that are in use
  community.immuta.immuta_integration_info:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    type: Snowflake
    status:
      - enabled
  register: snowflake

- name: Look up one integration (url and api_key from the environment)
  community.immuta.immuta_integration_info:
    integration_id: 5
  register: five
"""

RETURN = r"""
integrations:
  description:
    - The integrations, ordered by id.
    - An unknown O(integration_id) gives an empty list. A wrong O(url) is an error.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The integration's id; a number, however the tenant writes it.
      type: int
      sample: 5
    type:
      description: Type of the integration.
      type: str
      sample: Snowflake
    status:
      description: Status of the integration.
      type: str
      sample: enabled
    in_use:
      description: Whether Immuta still governs through it; V(false) for the statuses V(deleted) and V(disabled).
      type: bool
      sample: true
    auto_bootstrap:
      description: Whether Immuta itself set up its objects on the platform.
      type: bool
      sample: false
    host:
      description: Host of the data platform.
      type: str
      sample: example.snowflakecomputing.com
    port:
      description: Port of the data platform.
      type: int
      sample: 443
    database:
      description: Name of Immuta's database on Snowflake.
      type: str
      sample: IMMUTA
    warehouse:
      description: Warehouse that Immuta uses on Snowflake.
      type: str
      sample: IMMUTA_WH
    catalog:
      description: Name of Immuta's catalog on Databricks.
      type: str
      sample: immuta
    http_path:
      description: HTTP path of the compute that Immuta uses on Databricks.
      type: str
      sample: /sql/1.0/warehouses/0123456789abcdef
    integration_config:
      description:
        - The harmless part of the configuration, as far as Immuta tells it, with the fields that the option C(integration_config) of
          M(community.immuta.immuta_cleanup_script) has. Among them are the names of what the integration has made or uses as its own,
          V(role), V(user), V(impersonation_role), and V(principal).
        - It never holds a credential.
      type: dict
      version_added: 0.2.0
      sample:
        type: Snowflake
        id: 5
        host: example.snowflakecomputing.com
        port: 443
        database: IMMUTA
        role: IMMUTA_SYSTEM
        user: IMMUTA_SYSTEM_ACCOUNT
timing:
  description: Start and end time of the module, in UTC.
  returned: always, unless an option is refused at once
  type: dict
  version_added: 0.2.0
  contains:
    started:
      description: Start time.
      type: str
      sample: "2026-01-31T12:00:00.000Z"
    ended:
      description: End time.
      type: str
      sample: "2026-01-31T12:00:00.250Z"
failure:
  description: What went wrong, for programs.
  returned: failure
  type: dict
  version_added: 0.2.0
  sample:
    code: authentication
    status: 401
    method: GET
    path: /integrations
    message: "Immuta does not accept the API key (401): Unauthorized"
    hint: "Check api_key (or IMMUTA_API_KEY): wrong, expired, or of another tenant."
"""

from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import integration


def main() -> None:
    """Run the module."""
    run(
        integration.info,
        options.argument_spec(
            integration_id={"type": "int"},
            type={"type": "str"},
            host={"type": "str"},
            status={"type": "list", "elements": "str"},
        ),
    )


if __name__ == "__main__":
    main()
