#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: immuta_connection_info
version_added: 0.1.0
short_description: Gather information on Immuta connections
description:
  - Looks up one connection by its key, or lists all connections of a tenant, with their integrations.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.immuta
  - community.immuta.attributes
  - community.immuta.attributes.info_module
  - community.immuta.attributes.actiongroup_immuta
options:
  connection_key:
    description:
      - Key of one connection. It is the connection's display name in the Immuta UI and may contain spaces.
      - If not set, all connections are returned.
    type: str
seealso:
  - module: community.immuta.immuta_integration_info
  - module: community.immuta.immuta_connection
"""

EXAMPLES = r"""
- name: Look up one connection
  community.immuta.immuta_connection_info:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod snowflake
  register: one

- name: List all connections (url and api_key from the environment)
  community.immuta.immuta_connection_info:
  register: all

- name: Show the keys of the Snowflake connections
  ansible.builtin.debug:
    msg: "{{ all.connections | selectattr('technology', '==', 'Snowflake') | map(attribute='key') }}"
"""

RETURN = r"""
tenant:
  description: Address of the tenant; also in RV(failure), unless it is not known.
  returned: success
  type: str
  version_added: 0.2.0
  sample: https://example.hosted.immutacloud.com
connections:
  description:
    - The connections, ordered by key.
    - An unknown O(connection_key) gives an empty list. A wrong O(url) or a tenant without connections is an error.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: The connection's key.
      type: str
      sample: prod snowflake
    technology:
      description: The data platform, as Immuta calls it; V(Glue) is AWS Lake Formation.
      type: str
      sample: Snowflake
    hostname:
      description: Host of the data platform; V(none) for technologies that Immuta does not describe by key.
      type: str
      sample: example.snowflakecomputing.com
    port:
      description: Port of the data platform.
      type: int
      sample: 443
    state:
      description: State of the connection, if Immuta tells it.
      type: str
      sample: ACTIVE
    integration_id:
      description: Id of the integration behind the connection; V(none) if there is none or Immuta does not tell it.
      type: int
      sample: 5
    integration_type:
      description: Type of that integration.
      type: str
      sample: Snowflake
    integration_status:
      description: Status of that integration.
      type: str
      sample: enabled
integrations:
  description: The integrations of the tenant, with O(connection_key) if it is the key of no connection; else empty.
  returned: success
  type: list
  elements: dict
  version_added: 0.2.0
  contains:
    id: {description: "Id of the integration.", type: int, sample: 5}
    type: {description: "Its technology, in Immuta's words.", type: str, sample: Snowflake}
    status: {description: "Its status, in Immuta's words.", type: str, sample: enabled}
    in_use: {description: "Whether Immuta governs anything through it.", type: bool, sample: true}
    host: {description: "Host of the platform.", type: str, sample: myorg-myaccount.snowflakecomputing.com}
    port: {description: "Port of the platform.", type: int, sample: 443}
    database: {description: "Database of an integration on Snowflake.", type: str, sample: IMMUTA}
    warehouse: {description: "Warehouse of an integration on Snowflake.", type: str, sample: COMPUTE_WH}
    catalog: {description: "Catalog of an integration on Databricks.", type: str, sample: immuta}
    http_path: {description: "HTTP path of an integration on Databricks.", type: str, sample: /sql/1.0/warehouses/0123456789abcdef}
    auto_bootstrap: {description: "Whether Immuta ran its scripts itself.", type: bool, sample: false}
lookalikes:
  description:
    - Keys that people can't tell from O(connection_key), if it is the key of no connection. They differ from it only in case, in blanks, in
      characters that can't be seen, or in Unicode form.
  returned: success
  type: list
  elements: str
  version_added: 0.2.0
  sample: []
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
    method: POST
    path: /data/object/search
    message: "Immuta does not accept the API key (401): Unauthorized"
    hint: "Check api_key (or IMMUTA_API_KEY): wrong, expired, or of another tenant."
"""

from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import connection


def main() -> None:
    """Run the module."""
    run(connection.info, options.argument_spec(connection_key={"type": "str", "no_log": False}))


if __name__ == "__main__":
    main()
