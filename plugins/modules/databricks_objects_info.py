#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: databricks_objects_info
version_added: 0.2.0
short_description: Look up which objects are on Databricks
description:
  - Signs in and looks, by exact name, for everything that a script removes (objects, grants, and policies), or for the objects of a list.
    It sends nothing but reads, and changes nothing.
  - It reads C(system.information_schema), and waits for a warehouse that starts.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.databricks
  - community.immuta.objects
  - community.immuta.objects.list
  - community.immuta.attributes
  - community.immuta.attributes.info_module
  - community.immuta.attributes.actiongroup_databricks
seealso:
  - module: community.immuta.databricks_script
  - module: community.immuta.immuta_cleanup_script
"""

EXAMPLES = r"""
- name: See which of the script's objects exist
  community.immuta.databricks_objects_info:
    host: dbc-a1b2345c-d6e7.cloud.databricks.com
    warehouse_id: 1234567890abcdef
    client_id: 5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77
    client_secret: "{{ vault_databricks_client_secret }}"
    path: /srv/immuta/prod-databricks.sql
    expected_hosts: [dbc-a1b2345c-d6e7.cloud.databricks.com]
  register: before

- name: See which objects exist that a set-up script creates
  community.immuta.databricks_objects_info:
    path: /srv/immuta/prod-databricks-setup.sql
    look_for: created

- name: See whether two objects exist (credentials from the environment)
  community.immuta.databricks_objects_info:
    objects:
      - kind: CATALOG
        name: immuta
      - kind: SCHEMA
        name: main.default
  register: named

- name: Name what is there
  ansible.builtin.debug:
    msg: "{{ named.objects | selectattr('present', 'equalto', true) | map(attribute='name') | list }}"
"""

RETURN = r"""
path:
  description: The script's file; V(none) for O(objects).
  returned: success
  type: str
  sample: /srv/immuta/prod-databricks.sql
sha256:
  description: The script's digest; V(none) for O(objects).
  returned: success
  type: str
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
objects:
  description:
    - What the script removes and did not certainly create itself (the objects that it drops or unsets, the grants that it revokes, and
      the policies that it takes off), or the objects of the list. Each is listed once.
    - With O(look_for=created), the objects that the script creates and does not drop later.
  returned: success
  type: list
  elements: dict
  contains:
    type:
      description:
        - V(object), V(grant), or V(policy).
        - V(policy) for a row filter or a column mask on a table.
      type: str
      sample: object
    kind:
      description: Kind of the object or policy; V(GRANT) for a grant.
      type: str
      sample: CATALOG
    name:
      description:
        - Its name, as in RV(community.immuta.databricks_script#module:statements[].name).
        - For a grant, what is granted to whom, for example C(SELECT ON TABLE sales.crm.customers TO analysts).
        - For a policy, what it is on, for example C(ON TABLE sales.crm.customers COLUMN email).
      type: str
      sample: immuta
    dropped:
      description: Whether it must be gone in the end. Otherwise the script only unsets something of it, brings it back, or creates it.
      type: bool
      sample: true
    present:
      description:
        - Whether it exists and is visible; V(none) if that is not known. RV(objects[].how) gives the reason.
        - V(false) is what the user sees. Only what the same user has seen before is certainly gone.
      type: bool
      sample: true
    owner:
      description: Its owner, if Databricks tells.
      type: str
      sample: 5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77
    created_on:
      description: When it was created, if Databricks tells.
      type: str
      sample: "2025-11-03T08:15:00+00:00"
    how:
      description: The read that showed it, or why there is none.
      type: str
      sample: "SELECT catalog_name, catalog_owner, created FROM system.information_schema.catalogs WHERE catalog_name = 'immuta'"
    query_id:
      description: Databricks's id of that read.
      type: str
      sample: 01b2c3d4-0000-0000-0000-000000000002
    roles:
      description: Empty, since no statement of Databricks takes a role.
      type: list
      elements: str
      sample: []
    made:
      description: Whether the script creates it, unless it exists.
      type: bool
      sample: false
    confirmed:
      description: Whether Databricks has answered that it has dropped it, or what contains it.
      type: bool
      sample: false
    existing:
      description:
        - What the script does to one that exists. It is V(kept) (C(IF NOT EXISTS)); it is V(altered) (C(OR ALTER)); it is destroyed and
          V(replaced) (C(OR REPLACE), or the script drops it first); or the new one is V(refused), so that the statement fails.
      type: str
      returned: with O(look_for=created)
      sample: kept
session:
  description:
    - Host, HTTP path, catalog, and schema with which the session started, and its user if objects were looked for. Empty if none
      was opened.
  returned: success
  type: dict
  sample:
    host: dbc-a1b2345c-d6e7.cloud.databricks.com
    http_path: /sql/1.0/warehouses/1234567890abcdef
    catalog:
    schema:
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
    code: login_failed
    message: "Databricks refuses the sign-in: Incorrect username or password was specified."
    hint: No statement was sent. Check account, host, user, and credentials; run it again.
"""

from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._sql import databricks
from ansible_collections.community.immuta.plugins.module_utils._work import objects


def main() -> None:
    """Run the module."""
    run(
        lambda context: objects.info(context, databricks.Databricks),
        {**databricks.argument_spec(), **objects.OPTIONS},
        mutually_exclusive=objects.EITHER,
        required_one_of=objects.EITHER,
        required_by={"expected_sha256": "path"},
    )


if __name__ == "__main__":
    main()
