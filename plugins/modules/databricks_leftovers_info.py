#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: databricks_leftovers_info
version_added: 0.2.0
short_description: Look for what Immuta may have left in a Databricks metastore
description:
  - Lists the catalogs with C(immuta) in their names, the service principals that own them, and those with C(immuta) in their
    names.
  - It only reads, and decides nothing. Only Immuta knows whether something is in use; the playbook C(community.immuta.audit) asks it.
  - Databricks shows what the user may see. Only a metastore admin sees everything.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.databricks
  - community.immuta.leftovers
  - community.immuta.attributes
  - community.immuta.attributes.info_module
  - community.immuta.attributes.actiongroup_databricks
options: {}
seealso:
  - module: community.immuta.immuta_integration_info
  - module: community.immuta.snowflake_leftovers_info
"""

EXAMPLES = r"""
- name: Look for what Immuta may have left
  community.immuta.databricks_leftovers_info:
    host: dbc-a1b2345c-d6e7.cloud.databricks.com
    warehouse_id: 1234567890abcdef
    client_id: 5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77
    client_secret: "{{ vault_databricks_client_secret }}"
  register: seen

- name: Look for the catalog governance, too, and compare a host with the workspace (credentials from the environment)
  community.immuta.databricks_leftovers_info:
    names: [governance]
    compare_hosts: [dbc-a1b2345c-d6e7.cloud.databricks.com]

- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ item.kind }} {{ item.path | join('.') }}, owner {{ item.owner }}"
  loop: "{{ seen.objects }}"
  loop_control:
    label: "{{ item.path | join('.') }}"
"""

RETURN = r"""
objects:
  description:
    - What looks like Immuta's. Only Immuta knows whether it is in use; see the playbook C(community.immuta.audit).
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the object.
      type: str
      sample: CATALOG
    path:
      description: The parts of its full name, outermost first, exactly as Databricks has them.
      type: list
      elements: str
      sample: [immuta]
    part:
      description: Which part of an integration has such a name, V(catalog), or V(principal) for a service principal.
      type: str
      sample: catalog
    home:
      description: The catalog of the integration that it would belong to; V(none) if its name does not tell.
      type: str
      sample: immuta
    owner:
      description: Its owner, if Databricks tells.
      type: str
      sample: 5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77
    created_on:
      description: When it was created, if Databricks tells.
      type: str
      sample: "2025-11-03T08:15:00+00:00"
    last_used:
      description: V(none); Databricks does not tell when catalogs and service principals were last used.
      type: str
      sample: null
    display_name:
      description: The display name of a service principal, if it has Immuta's name in it.
      type: str
      sample: null
attached:
  description: Tables whose columns are masked, or whose rows are filtered, by functions of the catalogs in RV(objects).
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(MASK) or V(ROW FILTER).
      type: str
      sample: MASK
    path:
      description: The parts of its name, or of its function's.
      type: list
      elements: str
      sample: [immuta, policies, mask_email]
    home:
      description: The catalog of the integration that it would belong to.
      type: str
      sample: immuta
    'on':
      description: Kind of what it is attached to.
      type: str
      sample: TABLE
    table:
      description: The parts of that object's name.
      type: list
      elements: str
      sample: [sales, crm, customers]
    column:
      description: The column; V(none) for a policy on rows.
      type: str
      sample: email
hosts:
  description: For each of O(compare_hosts), whether it leads to where the session is.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: The host.
      type: str
      sample: dbc-a1b2345c-d6e7.cloud.databricks.com
    relation:
      description: V(same), V(different), or V(unknown) if that can't be told.
      type: str
      sample: same
place:
  description: Where the session is, for people.
  returned: success
  type: str
  sample: the Databricks workspace dbc-a1b2345c-d6e7.cloud.databricks.com
sees_all:
  description: Whether nothing is hidden from the session; the user is a metastore admin then, and no read was refused.
  returned: success
  type: bool
  sample: true
reads:
  description: The reads that were sent.
  returned: success
  type: list
  elements: dict
  contains:
    read:
      description: The statement, or the request.
      type: str
      sample: "SELECT metastore_name, metastore_owner FROM system.information_schema.metastores"
    query_id:
      description: Databricks's id of it.
      type: str
      sample: 01b2c3d4-0000-0000-0000-000000000001
    rows:
      description: How many rows it returned.
      type: int
      sample: 1
    refused:
      description: Why it was refused or is incomplete; V(none) otherwise.
      type: str
      sample: null
session:
  description: Host, path, catalog, and schema of the session, and C(metastore) and C(user) as far as Databricks tells.
  returned: success
  type: dict
  sample:
    host: dbc-a1b2345c-d6e7.cloud.databricks.com
    http_path: /sql/1.0/warehouses/1234567890abcdef
    metastore: emea
    user: auditor@example.com
timing:
  description: Start and end time of the module, in UTC.
  returned: always, unless an option is refused at once
  type: dict
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
  sample:
    code: look_failed
    message: "Looking at the platform failed: Connection reset by peer."
    hint: "Nothing was changed. Run it again."
"""

from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._sql import databricks
from ansible_collections.community.immuta.plugins.module_utils._work import leftovers


def main() -> None:
    """Run the module."""
    run(
        lambda context: leftovers.find(context, databricks.Databricks),
        {**databricks.argument_spec(), **leftovers.OPTIONS},
    )


if __name__ == "__main__":
    main()
