#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: immuta_connection_settings
version_added: 0.2.0
short_description: Change the settings of an Immuta connection
description:
  - Sets whether the objects of a connection are enabled, whether new ones will be, and who owns them. Settings that are not given stay as
    they are.
  - What Immuta shows of the connection is read first, and only what differs is sent. Afterwards, the module waits until Immuta shows the
    change.
  - Enabling and disabling objects changes who can read data. On Databricks, an enabled object without a subscription policy can't be read by
    any Immuta user any more, even if access was granted directly. So there is a plan, and O(confirm) is needed.
  - A setting that Immuta does not show is sent each time, with a warning, and RV(verified) is V(false).
  - A key with a slash, or another character that means something in a path, is refused unless the whole connection answers at that path.
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
    details:
      - Except for settings that Immuta does not show.
options:
  connection_key:
    description:
      - Key of the connection. It is the connection's display name in the Immuta UI, and may contain spaces; its case matters.
    type: str
    required: true
  is_active:
    description:
      - Whether the objects below the connection are enabled, so that Immuta governs them.
      - To change it, O(confirm) is needed.
    type: bool
  activate_new_children:
    description:
      - Whether objects are enabled that Immuta finds later.
      - To turn it on, O(confirm) is needed.
    type: bool
  data_owners:
    description:
      - The users and groups that own every data source below the connection, all of them, in the form in which Immuta's API takes
        them. An empty list means nobody.
      - Immuta does not document the form. Compare with RV(settings) of a task that sets something else, in check mode.
    type: list
    elements: raw
  infrastructure_admins:
    description:
      - The users and groups that may sync and edit the connection and delete its objects, all of them, in the same form as
        O(data_owners).
      - Newer versions of Immuta don't document it any more. It is sent only if it is given.
    type: list
    elements: raw
  settings:
    description:
      - More settings by their names in Immuta's API, sent as they are. They have no secrets, and are shown.
      - No confirmation is needed for them, since their effect is not known.
    type: dict
  confirm:
    description:
      - The connection key, repeated. It must equal O(connection_key); otherwise nothing is changed.
      - Needed to change O(is_active), and to turn on O(activate_new_children). Not needed in check mode.
    type: str
  expected_plan_digest:
    description:
      - RV(plan.digest) of the plan that was approved, from a run in check mode.
      - If the plan has changed since, the task fails and nothing is changed. If there is nothing to change, it is not looked at.
    type: str
  wait_timeout:
    description:
      - Seconds to wait until a busy connection can be changed, and Immuta shows the change.
    type: float
    default: 300.0
seealso:
  - module: community.immuta.immuta_connection_info
  - module: community.immuta.immuta_object_sync
"""

EXAMPLES = r"""
- name: See what enabling the objects of a connection would do
  community.immuta.immuta_connection_settings:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod databricks
    is_active: true
  check_mode: true
  register: planned

- name: Enable them, but only as planned
  community.immuta.immuta_connection_settings:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod databricks
    is_active: true
    confirm: prod databricks
    expected_plan_digest: "{{ planned.plan.digest }}"

- name: Leave new objects disabled until somebody has looked at them
  community.immuta.immuta_connection_settings:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod databricks
    activate_new_children: false
"""

RETURN = r"""
connection_key:
  description: Key of the connection.
  returned: success
  type: str
  sample: prod databricks
technology:
  description: The data platform, as Immuta calls it; V(none) if it does not tell.
  returned: success
  type: str
  sample: Databricks
settings:
  description:
    - The settings that were asked for, by Immuta's names, as it shows them after the change; in check mode, as they would be. One that
      Immuta does not show is as it was sent.
  returned: success
  type: dict
  sample:
    isActive: true
verified:
  description: Whether a read has shown each of them as wanted; V(false) in check mode if something would change.
  returned: success
  type: bool
  sample: true
plan:
  description: What has to be changed.
  returned: success
  type: dict
  contains:
    steps:
      description: One step for each setting; empty if there is nothing to change.
      type: list
      elements: dict
      contains:
        action:
          description: V(set).
          type: str
          sample: set
        target:
          description: The setting, by Immuta's name.
          type: str
          sample: isActive
        before:
          description: Its value before; V(none) if it is not known.
          type: raw
          sample: false
        known:
          description: Whether Immuta shows its value.
          type: bool
          sample: true
        after:
          description: Its value afterwards.
          type: raw
          sample: true
        effect:
          description: What that does.
          type: str
          sample: Immuta enables the objects below the connection, and its policies decide who can read them.
    changes_access:
      description: Whether people may get or lose access to data, so that O(confirm) is needed.
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
    code: confirmation_required
    status: null
    method: null
    path: null
    message: "The option confirm is missing, and the change affects who can read data. Nothing was changed."
    hint: "To continue, set confirm to 'prod databricks'; to see the plan, use check mode."
"""

from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import settings


def main() -> None:
    """Run the module."""
    run(
        settings.ensure,
        options.argument_spec(
            connection_key={"type": "str", "required": True, "no_log": False},
            is_active={"type": "bool"},
            activate_new_children={"type": "bool"},
            data_owners={"type": "list", "elements": "raw"},
            infrastructure_admins={"type": "list", "elements": "raw"},
            settings={"type": "dict"},
            confirm={"type": "str"},
            expected_plan_digest={"type": "str"},
            wait_timeout={"type": "float", "default": 300.0},
        ),
    )


if __name__ == "__main__":
    main()
