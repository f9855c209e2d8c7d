#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: immuta_connection_credentials
version_added: 0.2.0
short_description: Rotate the credential of an Immuta connection
description:
  - Gives a connection another credential for its platform, waits until Immuta has taken it, and proves that it works.
  - What Immuta tells of the connection (host, warehouse, role, ...) is read first, and sent back unchanged. If something that the connection
    needs is neither told nor given, nothing is sent.
  - If a field that Immuta tells would get another value, or could not be sent back because Immuta masks its value, nothing is sent unless
    O(confirm) allows it.
  - Immuta tries the credential. If the platform does not accept it, Immuta puts back the former one, and the task fails
    (V(rolled_back)).
  - If the answer to the change is lost, and reads don't show it, the same change is sent once more. If that is lost, too, the task fails
    (V(rotation_unknown)).
  - Immuta never tells a credential, so nobody can see whether the connection has this one already. O(update_secrets) says when it is sent.
  - Keep the former credential on the platform until this task has succeeded. The guide to rotating credentials has playbooks that do.
  - A key with a slash, or another character that means something in a path, is refused unless the whole connection answers at that path.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.immuta
  - community.immuta.credential
  - community.immuta.attributes
  - community.immuta.attributes.actiongroup_immuta
attributes:
  check_mode:
    support: full
    details:
      - Says whether the credential would be sent, and why, and refuses what the task would refuse before it sends something. Nothing
        but reads is sent.
      - Whether the platform accepts the credential can't be told without sending it.
  diff_mode:
    support: full
    details:
      - Shows the fields that are documented and no secrets, and of others that they are there. Of the credential it shows only that it is
        sent.
  idempotent:
    support: partial
    details:
      - With O(update_secrets=always), the task changes something each time. With O(update_secrets=if_failing), it changes nothing while
        the connection works.
options:
  connection_key:
    description:
      - Key of the connection. It is the connection's display name in the Immuta UI, and may hold spaces; its case matters.
    type: str
    required: true
  connection:
    description:
      - More fields of the connection, by the names that they have in the C(connection) object of Immuta's API. They are sent as they are.
      - Needed for what Immuta does not tell of the connection, and for credentials that have no suboption, such as those of AWS Lake
        Formation. A field that a suboption makes can't be given here as well.
      - A field that is not documented counts as a secret, and is not shown.
      - Host, technology, database, and catalog can't be edited.
    type: dict
  update_secrets:
    description:
      - When the credential is sent. Nobody can compare it with the one that Immuta has.
      - V(always) sends it each time.
      - V(if_failing) sends it if Immuta says that the connection's integration fails, or tells another user, client, way to sign in, or
        other field than the one given. It fails where Immuta does not show the integration.
    type: str
    choices:
      - always
      - if_failing
    default: always
  confirm:
    description:
      - The connection key, repeated. It must equal O(connection_key); otherwise nothing is sent.
      - Needed if the change gives a field that Immuta tells another value (RV(differences)), such as another user name, role, or way to sign
        in, or loses one. Immuta may mask a secret that is not part of the credential, such as a proxy's password, so that it can't be sent
        back. To keep it, give it in O(connection).
      - To rotate only secrets, it is not needed. A user name or a client that Immuta does not tell is a part of the credential.
      - Not needed in check mode, or when there is nothing to do.
    type: str
  verify:
    description:
      - Whether to wait until Immuta is done, and to require a proof that the credential works. That is either that the integration is
        C(enabled) and the tests that Immuta shows of it have passed, or an object sync with O(object_sync=true). The latter does not count if
        a test was run and has not passed.
      - With V(false), the task ends when Immuta has answered. Immuta may still put back the former credential then.
    type: bool
    default: true
  object_sync:
    description:
      - Whether to run an object sync after the rotation, and to wait for its jobs, as part of the proof. It uses the credential.
      - It takes long where there are many objects. Not with O(verify=false).
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait until a busy connection can be edited and Immuta is done; and again for an object sync.
    type: float
    default: 300.0
seealso:
  - module: community.immuta.immuta_connection_info
  - module: community.immuta.snowflake_script
"""

EXAMPLES = r"""
- name: Give the connection another key (see the guide for the steps before and after)
  community.immuta.immuta_connection_credentials:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod snowflake
    snowflake:
      key_pair:
        username: IMMUTA_SYSTEM_ACCOUNT
        private_key_file: /run/secrets/immuta.p8

- name: Give the connection another OAuth secret, and have Immuta use it at once
  community.immuta.immuta_connection_credentials:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod databricks
    databricks:
      oauth_m2m:
        client_id: 5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77
        client_secret: "{{ vault_databricks_client_secret }}"
        authority_url: https://dbc-a1b2345c-d6e7.cloud.databricks.com/oidc/v1/token
    object_sync: true

- name: Have the connection sign in as another user, which is more than another secret
  community.immuta.immuta_connection_credentials:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod snowflake
    snowflake:
      key_pair:
        username: IMMUTA_SYSTEM_ACCOUNT_2
        private_key_file: /run/secrets/immuta.p8
    confirm: prod snowflake

- name: Repair a connection whose credential has expired, and leave one alone that works
  community.immuta.immuta_connection_credentials:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod databricks
    databricks:
      oauth_m2m:
        client_id: 5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77
        client_secret: "{{ vault_databricks_client_secret }}"
        authority_url: https://dbc-a1b2345c-d6e7.cloud.databricks.com/oidc/v1/token
    update_secrets: if_failing
"""

RETURN = r"""
connection:
  description: The connection as it was before.
  returned: success, and failure once the credential was to be sent
  type: dict
  sample:
    key: prod snowflake
    technology: Snowflake
    hostname: example.snowflakecomputing.com
    port: 443
    state: ACTIVE
    integration_id: 5
reason:
  description:
    - Why the credential is sent. V(always) is O(update_secrets=always). V(failing) and V(differing) are O(update_secrets=if_failing), where
      Immuta says that the integration fails, or tells another field than the one given.
    - V(none) if it is not sent.
  returned: success, and failure once the credential was to be sent
  type: str
  sample: always
differing:
  description:
    - The fields of the connection, and of its integration (C(nativeIntegration)), that Immuta tells otherwise than they are to be; of secrets,
      only those that would be lost.
  returned: success, and failure once the credential was to be sent
  type: list
  elements: str
  sample: [authenticationType]
differences:
  description:
    - The same fields with their values, C(before) and C(after). A value that could be a secret, which is every text and number of a field
      that is not documented, is V((not shown\)).
    - C(after) is V((not sent\)) for a field that Immuta tells, but masks, so that it can't be sent back.
    - If the credential is sent (RV(reason)), also the fields of the connection that are no secrets and that Immuta does not tell, because they
      are overwritten whatever they are. Fields of the integration, C(nativeIntegration), are those that an edit of the connection may
      overwrite.
  returned: success, and failure once the credential was to be sent
  type: list
  elements: dict
  sample:
    - field: warehouse
      before: COMPUTE_WH
      after: OTHER_WH
not_compared:
  description:
    - The fields to send that can't be compared, because Immuta does not tell them, or masks them. Secrets are among them.
    - What Immuta does not tell of the integration (C(nativeIntegration)) is set to what the connection has.
  returned: success, and failure once the credential was to be sent
  type: list
  elements: str
  sample: [privateKey]
rotated:
  description:
    - Whether Immuta has the credential now. Always V(false) in check mode.
    - V(none) if that is not known, as with O(verify=false), since Immuta may still put back the former one.
  returned: success, and failure once the credential was to be sent
  type: bool
  sample: true
verified:
  description: Whether it was seen that the credential works.
  returned: success, and failure once the credential was to be sent
  type: bool
  sample: true
rolled_back:
  description: Whether Immuta has tried the credential and has put back the former one.
  returned: success, and failure once the credential was to be sent
  type: bool
  sample: false
validation:
  description: What Immuta tells of the integration, as it was read last; V(none) if it was not read.
  returned: success, and failure once the credential was to be sent
  type: dict
  contains:
    integration_id:
      description: Id of the integration.
      type: int
      sample: 5
    integration_status:
      description: Its status.
      type: str
      sample: enabled
    status:
      description: What came of all tests; V(none) if Immuta does not tell.
      type: str
      sample: passed
    tests:
      description: The tests with which Immuta has tried the integration, each with C(name), C(status), and C(message).
      type: list
      elements: dict
      sample:
        - name: Validate the connection
          status: passed
          message: ""
object_sync:
  description: What came of the object sync; V(none) if there was none.
  returned: success, and failure once the credential was to be sent
  type: dict
  contains:
    state:
      description: V(completed), or V(started) if Immuta does not tell what becomes of it.
      type: str
      sample: completed
    jobs:
      description: How many jobs it took; V(none) if Immuta does not tell.
      type: int
      sample: 2
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
    code: rolled_back
    status: null
    method: null
    path: null
    message: "Immuta has tried the change and has put back what was there before: its integration 5 is 'editError'. Nothing was changed."
    hint: Check that the platform accepts the credential.
"""

from ansible_collections.community.immuta.plugins.module_utils._immuta import credential, options
from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import credentials


def main() -> None:
    """Run the module."""
    run(
        credentials.rotate,
        options.argument_spec(
            connection_key={"type": "str", "required": True, "no_log": False},
            **credential.argument_spec(),
            connection={"type": "dict", "no_log": True},
            update_secrets={
                "type": "str",
                "choices": ["always", "if_failing"],
                "default": "always",
                "no_log": False,
            },
            verify={"type": "bool", "default": True},
            object_sync={"type": "bool", "default": False},
            wait_timeout={"type": "float", "default": 300.0},
            confirm={"type": "str"},
        ),
        shown={"connection": credential.shown},
    )


if __name__ == "__main__":
    main()
