#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: snowflake_leftovers_info
version_added: 0.2.0
short_description: Look for what Immuta may have left on Snowflake
description:
  - Lists the objects of an account that look like Immuta's, by the names that Immuta documents. These are the database, the role
    C(<DATABASE>_SYSTEM), the user C(<DATABASE>_SYSTEM_ACCOUNT), the roles of users, those for impersonation, and the policies
    in the database or owned by the role. Every database, role, and user with C(IMMUTA) in its name is listed, too.
  - It only reads, and decides nothing. Only Immuta knows whether something is in use; the playbook C(community.immuta.audit) asks it.
  - Snowflake shows what the O(role) may see. Only C(ACCOUNTADMIN) sees everything.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.snowflake
  - community.immuta.leftovers
  - community.immuta.attributes
  - community.immuta.attributes.info_module
  - community.immuta.attributes.actiongroup_snowflake
options: {}
seealso:
  - module: community.immuta.immuta_integration_info
  - module: community.immuta.databricks_leftovers_info
"""

EXAMPLES = r"""
- name: Look for what Immuta may have left
  community.immuta.snowflake_leftovers_info:
    account: myorg-myaccount
    user: deployer
    private_key_file: /run/secrets/deployer.p8
    role: ACCOUNTADMIN
  register: seen

- name: Look for the database GOVERNANCE, too, and compare a host with the account (credentials from the environment)
  community.immuta.snowflake_leftovers_info:
    names: [GOVERNANCE]
    compare_hosts: [myorg-myaccount.snowflakecomputing.com]

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
      sample: DATABASE
    path:
      description: The parts of its full name, outermost first, exactly as Snowflake has them.
      type: list
      elements: str
      sample: [IMMUTA]
    part:
      description:
        - Which part of an integration has such a name, V(database), V(system_role), V(system_user), V(user_role), V(impersonation_role), or
          V(policy); V(alike) for an object that only has Immuta's name in its own.
      type: str
      sample: database
    home:
      description: The database of the integration that it would belong to; V(none) if its name does not tell.
      type: str
      sample: IMMUTA
    owner:
      description: Its owner, if Snowflake tells.
      type: str
      sample: IMMUTA_SYSTEM
    created_on:
      description: When it was created, if Snowflake tells.
      type: str
      sample: "2025-11-03T08:15:00+00:00"
    last_used:
      description: When a user last signed in, if Snowflake tells. It does not tell when other objects were last used.
      type: str
      sample: null
    display_name:
      description: V(none); Databricks has it for service principals.
      type: str
      sample: null
attached:
  description:
    - Tables that the policies of RV(objects) protect, as C(ACCOUNT_USAGE) lists them, which is up to two hours behind; V(none) if that
      can't be read, for example without a O(warehouse).
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of the policy.
      type: str
      sample: MASKING POLICY
    path:
      description: The parts of its name, or of its function's.
      type: list
      elements: str
      sample: [IMMUTA, PUBLIC, MASK_EMAIL]
    home:
      description: The database of the integration that it would belong to.
      type: str
      sample: IMMUTA
    'on':
      description: Kind of what it is attached to.
      type: str
      sample: TABLE
    table:
      description: The parts of that object's name.
      type: list
      elements: str
      sample: [SALES, CRM, CUSTOMERS]
    column:
      description: The column; V(none) for a policy on rows.
      type: str
      sample: EMAIL
hosts:
  description: For each of O(compare_hosts), whether it leads to where the session is.
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: The host.
      type: str
      sample: myorg-myaccount.snowflakecomputing.com
    relation:
      description: V(same), V(different), or V(unknown) if that can't be told.
      type: str
      sample: same
place:
  description: Where the session is, for people.
  returned: success
  type: str
  sample: the Snowflake account MYORG-MYACCOUNT (locator AB12345, region AWS_US_WEST_2)
sees_all:
  description: Whether nothing is hidden from the session; the role is C(ACCOUNTADMIN) then, and no read was refused or cut off.
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
      sample: "SHOW DATABASES LIKE '%IMMUTA%'"
    query_id:
      description: Snowflake's id of it.
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
  description: Account, user, role, and warehouse of the session, and what Snowflake returns about the account.
  returned: success
  type: dict
  sample:
    account: myorg-myaccount
    user: AUDITOR
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
    code: look_failed
    message: "Looking at the platform failed: Connection reset by peer."
    hint: "Nothing was changed. Run it again."
"""

from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._sql import snowflake
from ansible_collections.community.immuta.plugins.module_utils._work import leftovers


def main() -> None:
    """Run the module."""
    run(
        lambda context: leftovers.find(context, snowflake.Snowflake),
        {**snowflake.argument_spec(), **leftovers.OPTIONS},
    )


if __name__ == "__main__":
    main()
