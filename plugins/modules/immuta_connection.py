#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: immuta_connection
version_added: 0.1.0
short_description: Register or remove an Immuta connection
description:
  - With O(state=present), registers a connection to a data platform, waits until it and its integration agree, and proves that the
    integration works. A connection that exists is compared and edited.
  - With O(state=absent), the default, deletes a connection in Immuta, waits until it is gone, and reads what became of its integration.
  - Deleting a connection can't be undone. It removes every data source below the connection and the access controls on them, and
    Immuta can't render the connection's clean-up script any more. Save the script first with M(community.immuta.immuta_cleanup_script),
    or use the role P(community.immuta.deregister_connection#role), which does all of it in the right order.
  - Refuses to delete an integration that another connection names as well, or by a key with a slash or another character that has a
    meaning in a path, unless the whole connection answers at that path.
  - Where Immuta has no clean-up script for the technology, a warning names what may be left on the platform.
  - Before a connection to Snowflake or Databricks is registered, Immuta's set-up script has to have run there.
  - A task sends a registration once. If its answer is lost, reads decide whether it has arrived. If they don't tell, the task fails
    (V(registration_unknown)). A rerun reads first, and registers only if nothing is there. A redirect, a 401, a 403, and a 429 count as
    lost answers, because a gateway may send them after it has passed the request on.
  - Refuses to register where another integration is in use in the same database or catalog, and names it.
  - Of a connection that exists, what is not a secret is compared with what Immuta tells. What differs is edited, by the same steps as with
    M(community.immuta.immuta_connection_credentials), once O(confirm) allows it. Another host, technology, database, or catalog is refused,
    because Immuta can't edit it.
  - Names of databases, catalogs, and hosts are compared in any case. A name in double quotes is compared exactly, as platforms do.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.immuta
  - community.immuta.credential.place
  - community.immuta.registration
  - community.immuta.attributes
  - community.immuta.attributes.actiongroup_immuta
attributes:
  check_mode:
    support: full
    details:
      - Returns the plan and its digest. Nothing is changed.
      - To register, it has Immuta test the registration, where the tenant can (RV(tested)). For that the credential is sent to Immuta.
        Otherwise, only reads are sent.
  diff_mode:
    support: full
    details:
      - Shows the fields that are documented and no secrets, and of others that they are there.
  idempotent:
    support: partial
    details:
      - Immuta never tells a credential, so nobody can see whether the connection has the one in the options. O(update_secrets) says
        when it is sent again. With O(update_secrets=always), the task changes something each time.
options:
  connection_key:
    description:
      - Key of the connection. It is the connection's display name in the Immuta UI, and may contain spaces; its case matters.
      - A new connection can't have a key with one of C(/\\%;?#), nor one that Immuta reserves, such as V(data) or V(connection). For
        a period, there is a warning.
      - Nor can it have a key that differs from another one only in case, in blanks, in characters that can't be seen, or in Unicode form.
    type: str
    required: true
  state:
    description:
      - V(absent) means that the connection does not exist.
      - V(present) means that it exists, and is as the options describe it.
      - V(absent) is the default. With it, the options that describe a connection are refused, so that a forgotten O(state) deletes nothing.
    type: str
    choices:
      - absent
      - present
    default: absent
  update_secrets:
    description:
      - When the credential is sent to a connection that exists. Nobody can compare it with the one that Immuta has.
      - V(on_create) does not send it, unless something else has to be edited. An edit needs it.
      - V(if_failing) also sends it if Immuta says that the connection's integration fails.
      - V(always) sends it each time.
      - RV(reason) tells which rule it was.
    type: str
    choices:
      - always
      - on_create
      - if_failing
    default: on_create
    version_added: 0.2.0
  if_exists:
    description:
      - What to do with O(state=present) if the connection exists.
      - V(edit) compares it, and edits what differs.
      - V(fail) changes nothing and fails (V(plan_changed)). It is for a task that follows a plan to register a new connection, because
        another run may have registered the key since.
    type: str
    choices:
      - edit
      - fail
    default: edit
    version_added: 0.2.0
  confirm:
    description:
      - The connection key, repeated. It must equal O(connection_key); otherwise nothing is changed.
      - Needed to delete, to register a connection whose objects are enabled (O(settings.is_active), O(settings.activate_new_children)), and to
        change fields of a connection that exists (RV(differences)), also those that Immuta does not tell, such as a user name, and those that
        an edit would lose because Immuta masks them. To send only secrets, because O(update_secrets) says so, it is not needed.
      - Not needed in check mode, or when there is nothing to do.
    type: str
  expected_plan_digest:
    description:
      - RV(plan.digest) of the plan that was approved, from a run in check mode.
      - If the plan has changed since, the task fails and nothing is changed.
      - The digest covers all that is sent but secrets, also values that are not shown.
    type: str
  expected_tenant:
    description:
      - The address of the tenant that earlier tasks have read, as their results have it. If O(url) leads to another one, for example by
        C(module_defaults) of one module only, nothing is sent.
    type: str
    version_added: 0.2.0
  script_path:
    description:
      - The file in which M(community.immuta.immuta_cleanup_script) saved the clean-up script, on the host that runs the task.
      - The file is read right before the deletion. Unless it exists, is unchanged, and belongs to this connection, nothing is deleted.
      - In check mode, a missing file is taken for one that an earlier task would save, with a warning.
      - Only for O(state=absent).
    type: path
    version_added: 0.2.0
  expected_script_sha256:
    description:
      - C(sha256) of the file at O(script_path), as M(community.immuta.immuta_cleanup_script) returned it. If it differs, nothing is
        deleted.
      - Only for O(state=absent).
    type: str
    version_added: 0.2.0
  wait:
    description:
      - Whether to wait until the connection is gone, or is there and its integration works, and to verify it.
      - With O(state=present), the task fails (V(not_verified)) if nothing shows that the integration works. A rerun that has nothing to send
        only warns of that.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait, to delete until a busy connection can be deleted and the deletion is finished, to register until the connection and
        its integration are there and the first object sync has ended.
      - Reading the catalog of a large platform takes longer. That is no failure; a warning tells it.
    type: float
    default: 300.0
seealso:
  - module: community.immuta.immuta_cleanup_script
  - module: community.immuta.immuta_connection_credentials
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

- name: Register a connection to Snowflake with a key pair, after the set-up script has run
  community.immuta.immuta_connection:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: sales snowflake
    state: present
    snowflake:
      host: sales.snowflakecomputing.com
      warehouse: COMPUTE_WH
      role: IMMUTA_SYSTEM
      database: IMMUTA
      key_pair:
        username: IMMUTA_SYSTEM_ACCOUNT
        private_key_file: /run/secrets/immuta.p8

- name: Register a connection to Databricks, and enable what Immuta finds, which changes who can read it
  community.immuta.immuta_connection:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: sales databricks
    state: present
    databricks:
      host: dbc-f9e8d7c6-b5a4.cloud.databricks.com
      http_path: /sql/1.0/warehouses/1234567890abcdef
      catalog: immuta
      oauth_m2m:
        client_id: 5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77
        client_secret: "{{ vault_databricks_client_secret }}"
        authority_url: https://dbc-a1b2345c-d6e7.cloud.databricks.com/oidc/v1/token
    settings:
      is_active: true
    confirm: sales databricks
"""

RETURN = r"""
connection:
  description:
    - With O(state=absent), the connection as it was before; V(none) if it did not exist.
    - With O(state=present), the connection as it was read last. V(none) if it is not there, as in check mode before it is registered.
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
    - With O(state=absent), the integration as it is still listed after the deletion, with the fields of
      M(community.immuta.immuta_integration_info). V(none) if it is gone, if there was none, or if nothing was deleted.
    - With O(state=present), the integration of the connection as it was read last; V(none) if it was not read.
  returned: success
  type: dict
  sample:
    id: 5
    type: Snowflake
    status: deleted
    in_use: false
integration_known:
  description: Whether RV(integration) was read after the deletion. If not, V(none) says nothing about the integration.
  returned: success with O(state=absent)
  type: bool
  version_added: 0.2.0
  sample: true
deleted_objects:
  description: How many objects below the connection Immuta reports as deleted; V(none) if it does not tell.
  returned: success with O(state=absent)
  type: int
  sample: 5
verified:
  description:
    - With O(state=absent), whether a read has shown that the connection does not exist.
    - With O(state=present), whether reads have shown that it exists and that its integration works. That is that the integration is
      C(enabled) and the tests that Immuta shows of it have passed; or, after a registration, that the first object sync is completed, unless
      a test was run and has not passed.
  returned: success
  type: bool
  sample: true
registered:
  description:
    - Whether this task has registered the connection. Always V(false) in check mode.
    - V(none) if that is not known, as with O(wait=false), or if the answer was lost and the connection is there, which another run may have
      registered by the same description.
  returned: with O(state=present), success, and failure once something was sent
  type: bool
  version_added: 0.2.0
  sample: true
tested:
  description: Whether Immuta has tested the registration, in check mode, and it has passed. If not, a warning tells why.
  returned: with O(state=present), success, and failure once something was sent
  type: bool
  version_added: 0.2.0
  sample: false
reason:
  description:
    - Why the credential is sent to a connection that exists. V(differing) is because something else has to be edited. V(failing) and
      V(always) are the rules of O(update_secrets).
    - V(none) if it is not sent, or the connection did not exist.
  returned: with O(state=present), success, and failure once something was sent
  type: str
  version_added: 0.2.0
  sample: differing
differing:
  description:
    - The fields of the connection that Immuta tells otherwise than they are to be; of secrets, only those that would be lost.
  returned: with O(state=present), success, and failure once something was sent
  type: list
  elements: str
  version_added: 0.2.0
  sample: [warehouse]
differences:
  description:
    - The same fields with their values, C(before) and C(after). A value that could be a secret, which is every text and number of a field
      that is not documented, is V((not shown\)).
    - If something is sent, C(after) is V((not sent\)) for a field that Immuta tells, but masks, so that it can't be sent back.
    - If something is sent (RV(reason)), also the fields that are no secrets and that Immuta does not tell, because they are overwritten
      whatever they are, and those of the integration (C(nativeIntegration)) that differ from the connection's, which an edit may
      overwrite.
  returned: with O(state=present), success, and failure once something was sent
  type: list
  elements: dict
  version_added: 0.2.0
  sample:
    - field: warehouse
      before: COMPUTE_WH
      after: OTHER_WH
not_compared:
  description:
    - The fields of a connection that exists, and of its integration (C(nativeIntegration)), that can't be compared, because Immuta does
      not tell them. Secrets are among them, and none of them is a reason to edit.
    - If something is sent (RV(reason)), what Immuta does not tell of the integration is set to what the connection has.
  returned: with O(state=present), success, and failure once something was sent
  type: list
  elements: str
  version_added: 0.2.0
  sample: [privateKey]
rotated:
  description: As in M(community.immuta.immuta_connection_credentials), whether a connection that existed has the credential now.
  returned: with O(state=present), success, and failure once something was sent
  type: bool
  version_added: 0.2.0
  sample: false
rolled_back:
  description: Whether Immuta has tried an edit and has put back what was there before.
  returned: with O(state=present), success, and failure once something was sent
  type: bool
  version_added: 0.2.0
  sample: false
validation:
  description:
    - What Immuta tells of the integration, with the fields that M(community.immuta.immuta_connection_credentials) returns.
    - V(none) if it was not read.
  returned: with O(state=present), success, and failure once something was sent
  type: dict
  version_added: 0.2.0
  sample:
    integration_id: 5
    integration_status: enabled
    status: passed
    tests:
      - name: Validate the connection
        status: passed
        message: ""
object_sync:
  description:
    - What came of the first object sync, with C(state) and C(jobs). C(state) is V(completed), or V(started) if it has not ended or Immuta
      does not tell.
    - V(none) if nothing was registered or waited for.
  returned: with O(state=present), success, and failure once something was sent
  type: dict
  version_added: 0.2.0
  sample:
    state: completed
    jobs: 2
plan:
  description: What has to be done, in order.
  returned: success
  type: dict
  contains:
    steps:
      description:
        - The steps; empty if there is nothing to do. The actions are V(delete_connection), V(remove_integration), V(register_connection),
          V(enable_objects), and V(edit_connection), which has RV(differences) and RV(not_compared).
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

from ansible_collections.community.immuta.plugins.module_utils._immuta import credential, options, wanted
from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import connection


def main() -> None:
    """Run the module."""
    run(
        connection.ensure,
        options.argument_spec(
            connection_key={"type": "str", "required": True, "no_log": False},
            state={"type": "str", "choices": ["absent", "present"], "default": "absent"},
            if_exists={"type": "str", "choices": ["edit", "fail"], "default": "edit"},
            confirm={"type": "str"},
            expected_plan_digest={"type": "str"},
            expected_tenant={"type": "str"},
            script_path={"type": "path"},
            expected_script_sha256={"type": "str"},
            wait={"type": "bool", "default": True},
            wait_timeout={"type": "float", "default": 300.0},
            update_secrets={
                "type": "str",
                "choices": ["always", "on_create", "if_failing"],
                "default": "on_create",
                "no_log": False,
            },
            **wanted.argument_spec(),
        ),
        required_by={"expected_script_sha256": "script_path"},
        shown={"connection": credential.shown, "native_integration": credential.shown},
    )


if __name__ == "__main__":
    main()
