#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: immuta_connection
version_added: 0.1.0
short_description: Remove an Immuta connection
description:
  - Deletes a connection in Immuta, waits until it is gone, and reads what became of its integration.
  - Deleting a connection can't be undone. It removes every data source below the connection and the access controls on them, and
    Immuta can't render the connection's clean-up script any more. Save the script first with M(community.immuta.immuta_cleanup_script),
    or use the role P(community.immuta.deregister_connection#role), which does all of it in the right order.
  - Refuses an integration that another connection names as well, and a key with a slash or another character that has a meaning in a path,
    unless the whole connection answers at that path.
  - Where Immuta has no clean-up script for the technology, a warning names what may be left on the platform.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.immuta
  - community.immuta.attributes
  - community.immuta.attributes.actiongroup_immuta
attributes:
  check_mode:
    support: full
    details:
      - Returns the plan and its digest. Only reads are sent.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  connection_key:
    description:
      - Key of the connection. It is the connection's display name in the Immuta UI, and may contain spaces; its case matters.
    type: str
    required: true
  state:
    description:
      - V(absent) means that the connection does not exist.
    type: str
    choices:
      - absent
    default: absent
  confirm:
    description:
      - The connection key, repeated. It must equal O(connection_key); otherwise nothing is deleted.
      - Needed to delete; not needed in check mode, or when the connection does not exist.
    type: str
  expected_plan_digest:
    description:
      - RV(plan.digest) of the plan that was approved, from a run in check mode.
      - If the plan has changed since, the task fails and nothing is deleted.
    type: str
  script_path:
    description:
      - The file in which M(community.immuta.immuta_cleanup_script) saved the clean-up script, on the host that runs the task.
      - The file is read right before the deletion. Unless it exists, is unchanged, and belongs to this connection, nothing is deleted.
      - In check mode, a missing file is taken for one that an earlier task would save, with a warning.
    type: path
    version_added: 0.2.0
  expected_script_sha256:
    description:
      - C(sha256) of the file at O(script_path), as M(community.immuta.immuta_cleanup_script) returned it. If it differs, nothing is
        deleted.
    type: str
    version_added: 0.2.0
  wait:
    description:
      - Whether to wait until the connection is gone, and to verify it.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait until a busy connection can be deleted and a deletion is finished.
    type: float
    default: 300.0
seealso:
  - module: community.immuta.immuta_cleanup_script
  - module: community.immuta.immuta_connection_info
"""

EXAMPLES = r"""
- name: See what would be deleted
  community.immuta.immuta_connection:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod snowflake
  check_mode: true
  register: planned

- name: Save its clean-up script
  community.immuta.immuta_cleanup_script:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod snowflake
    path: /srv/immuta/prod-snowflake.sql
  register: script

- name: Delete it, but only what was planned, and only while the script is safe
  community.immuta.immuta_connection:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod snowflake
    confirm: prod snowflake
    expected_plan_digest: "{{ planned.plan.digest }}"
    script_path: "{{ script.path }}"
    expected_script_sha256: "{{ script.sha256 }}"
"""

RETURN = r"""
connection:
  description: The connection as it was before; V(none) if it did not exist.
  returned: success
  type: dict
  sample:
    key: prod snowflake
    technology: Snowflake
    hostname: example.snowflakecomputing.com
    port: 443
    state: ACTIVE
    integration_id: 5
integration:
  description:
    - The integration as it is still listed after the deletion, with the fields of M(community.immuta.immuta_integration_info).
    - V(none) if it is gone, if there was none, or if nothing was deleted.
  returned: success
  type: dict
  sample:
    id: 5
    type: Snowflake
    status: deleted
    in_use: false
integration_known:
  description: Whether RV(integration) was read after the deletion. If not, V(none) says nothing about the integration.
  returned: success
  type: bool
  version_added: 0.2.0
  sample: true
deleted_objects:
  description: How many objects below the connection Immuta reports as deleted; V(none) if it does not tell.
  returned: success
  type: int
  sample: 5
verified:
  description: Whether a read has shown that the connection does not exist.
  returned: success
  type: bool
  sample: true
plan:
  description: What has to be done, in order.
  returned: success
  type: dict
  contains:
    steps:
      description: The steps; empty if the connection does not exist.
      type: list
      elements: dict
      sample:
        - action: delete_connection
          target: prod snowflake
          effect: the connection, every data source below it and the access controls on them are removed
    irreversible:
      description: Whether the plan has a step that can't be undone.
      type: bool
      sample: true
    digest:
      description: sha256 of all that matters in the plan, for O(expected_plan_digest).
      type: str
      sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
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
  sample:
    code: permission
    status: 403
    method: DELETE
    path: /data/object/prod%20snowflake
    message: "Immuta refuses DELETE /data/object/prod%20snowflake (403)."
    hint: The key's owner needs APPLICATION_ADMIN.
"""

from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import connection


def main() -> None:
    """Run the module."""
    run(
        connection.ensure_absent,
        options.argument_spec(
            connection_key={"type": "str", "required": True, "no_log": False},
            state={"type": "str", "choices": ["absent"], "default": "absent"},
            confirm={"type": "str"},
            expected_plan_digest={"type": "str"},
            script_path={"type": "path"},
            expected_script_sha256={"type": "str"},
            wait={"type": "bool", "default": True},
            wait_timeout={"type": "float", "default": 300.0},
        ),
        required_by={"expected_script_sha256": "script_path"},
    )


if __name__ == "__main__":
    main()
