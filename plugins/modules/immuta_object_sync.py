#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: immuta_object_sync
version_added: 0.2.0
short_description: Have Immuta read the objects of a connection again
description:
  - Starts an object sync of a connection, in which Immuta reads the platform's catalog with the connection's credential, and waits until
    its jobs have ended. Immuta does the same every 24 hours.
  - This is an action. It does not compare anything, and reports a change each time.
  - Objects that Immuta finds for the first time are enabled if the connection's setting C(activateNewChildren) says so. On Databricks,
    users lose their access to an enabled table without a subscription policy. See RV(new_objects_enabled).
  - The sync is started once. If the answer is lost, the task fails with the code V(sync_failed), since it is not known whether it has
    started. Running it again does no harm.
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
      - Says whether there is such a connection, and whether new objects would be enabled. Nothing but reads is sent, and a change is
        reported.
  diff_mode:
    support: none
  idempotent:
    support: none
options:
  connection_key:
    description:
      - Key of the connection. It is the connection's display name in the Immuta UI, and may contain spaces; its case matters.
    type: str
    required: true
  force_recursive_crawl:
    description:
      - Whether to send C(forceRecursiveCrawl). Immuta documents the name, for registrations. It seems to be what the UI offers for a sync by hand,
        to look below objects that are not enabled, too.
      - If this version of Immuta does not take it, the task fails, and nothing is started.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the jobs have ended, and to fail if one of them fails.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait, both while another object sync is running and until the jobs have ended. The sync goes on after that.
    type: float
    default: 300.0
seealso:
  - module: community.immuta.immuta_connection_settings
"""

EXAMPLES = r"""
- name: Have Immuta find new tables
  community.immuta.immuta_object_sync:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod snowflake

- name: Start it, also below objects that are not enabled, and don't wait
  community.immuta.immuta_object_sync:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod databricks
    force_recursive_crawl: true
    wait: false
"""

RETURN = r"""
connection_key:
  description: Key of the connection.
  returned: success, and a failure after the start
  type: str
  sample: prod snowflake
technology:
  description: The data platform, as Immuta calls it; V(none) if it does not tell.
  returned: success, and a failure after the start
  type: str
  sample: Snowflake
new_objects_enabled:
  description: Whether objects that the sync finds for the first time are enabled; V(none) if Immuta does not tell.
  returned: success, and a failure after the start
  type: bool
  sample: false
object_sync:
  description: The object sync; V(none) in check mode, and if it did not end well.
  returned: success, and a failure after the start
  type: dict
  contains:
    state:
      description: V(completed); or V(started) with O(wait=false), and if Immuta does not tell what becomes of all its jobs, with a warning.
      type: str
      sample: completed
    jobs:
      description: The number of its jobs; V(none) if Immuta does not tell.
      type: int
      sample: 2
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
    code: sync_failed
    status: null
    method: null
    path: null
    message: "A job of the object sync of 'prod snowflake' has ended as 'failed'."
    hint: "Look at the connection in Immuta: it shows what could not be read."
"""

from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import object_sync


def main() -> None:
    """Run the module."""
    run(
        object_sync.run,
        options.argument_spec(
            connection_key={"type": "str", "required": True, "no_log": False},
            force_recursive_crawl={"type": "bool", "default": False},
            wait={"type": "bool", "default": True},
            wait_timeout={"type": "float", "default": 300.0},
        ),
    )


if __name__ == "__main__":
    main()
