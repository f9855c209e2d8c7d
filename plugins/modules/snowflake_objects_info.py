#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: snowflake_objects_info
version_added: 0.2.0
short_description: Look up which objects are on Snowflake
description:
  - Signs in and looks, by exact name, for everything that a script removes (objects, grants, and policies), or for the objects of a list.
    It sends nothing but reads, and changes nothing.
  - It needs no warehouse, except to look for the policies on tables.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.snowflake
  - community.immuta.objects
  - community.immuta.objects.list
  - community.immuta.attributes
  - community.immuta.attributes.info_module
  - community.immuta.attributes.actiongroup_snowflake
seealso:
  - module: community.immuta.snowflake_script
  - module: community.immuta.immuta_cleanup_script
"""

EXAMPLES = r"""
- name: See which of the script's objects exist
  community.immuta.snowflake_objects_info:
    account: myorg-myaccount
    user: deployer
    private_key_file: /run/secrets/deployer.p8
    path: /srv/immuta/prod-snowflake.sql
    expected_hosts: [myorg-myaccount.snowflakecomputing.com]
  register: before

- name: See which objects exist that a set-up script creates
  community.immuta.snowflake_objects_info:
    path: /srv/immuta/prod-snowflake-setup.sql
    look_for: created

- name: See whether two objects exist (credentials from the environment)
  community.immuta.snowflake_objects_info:
    objects:
      - kind: DATABASE
        name: IMMUTA
      - kind: ROLE
        name: IMMUTA_SYSTEM
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
  sample: /srv/immuta/prod-snowflake.sql
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
        - V(policy) for a policy on a table, a view, a tag, a user, or the account, and for a parameter of the account.
      type: str
      sample: object
    kind:
      description: Kind of the object or policy; V(GRANT) for a grant.
      type: str
      sample: DATABASE
    name:
      description:
        - Its name, as in RV(community.immuta.snowflake_script#module:statements[].name).
        - For a grant, what is granted to whom, for example C(USAGE ON DATABASE SALES TO ROLE IMMUTA_SYSTEM).
        - For a policy, what it is on, for example C(ON TABLE SALES.CRM.CUSTOMERS COLUMN EMAIL).
      type: str
      sample: IMMUTA
    dropped:
      description: Whether it must be gone in the end. Otherwise the script only unsets something of it, brings it back, or creates it.
      type: bool
      sample: true
    present:
      description:
        - Whether it exists and is visible; V(none) if that is not known. RV(objects[].how) gives the reason.
        - V(false) is what the session sees in the role that the script uses, and in its own. An object is certainly gone only if the same user
          saw it before in the same role, or if C(ACCOUNTADMIN), which sees everything, does not see it.
        - V(none), too, if every C(DROP) of it was answered with C(already dropped). It may be hidden from these roles.
      type: bool
      sample: true
    owner:
      description: Its owner, if Snowflake tells.
      type: str
      sample: IMMUTA_SYSTEM
    created_on:
      description: When it was created, if Snowflake tells.
      type: str
      sample: "2025-11-03T08:15:00+00:00"
    how:
      description: The read that showed it, or why there is none.
      type: str
      sample: "SHOW DATABASES LIKE 'IMMUTA'"
    query_id:
      description: Snowflake's id of that read.
      type: str
      sample: 01b2c3d4-0000-0000-0000-000000000002
    roles:
      description: The roles in which it was seen, or in all of which it was not seen.
      type: list
      elements: str
      sample: [SYSADMIN]
    made:
      description: Whether the script creates it, unless it exists.
      type: bool
      sample: false
    confirmed:
      description: Whether Snowflake has answered that it has dropped it, or what contains it.
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
    - Account, user, role, and warehouse of the session. With O(expected_hosts) also what Snowflake returns about the account, C(locator),
      C(organization), C(name), and C(region).
  returned: success
  type: dict
  sample:
    account: myorg-myaccount
    user: DEPLOYER
    role: ACCOUNTADMIN
    warehouse: ADMIN_WH
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
    message: "Snowflake refuses the sign-in: Incorrect username or password was specified."
    hint: No statement was sent. Check account, host, user, and credentials; run it again.
"""

from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._sql import snowflake
from ansible_collections.community.immuta.plugins.module_utils._work import objects


def main() -> None:
    """Run the module."""
    run(
        lambda context: objects.info(context, snowflake.Snowflake),
        {**snowflake.argument_spec(), **objects.OPTIONS},
        mutually_exclusive=objects.EITHER,
        required_one_of=objects.EITHER,
        required_by={"expected_sha256": "path"},
    )


if __name__ == "__main__":
    main()
