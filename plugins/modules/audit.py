#!/usr/bin/python
# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit
short_description: "[INTERNAL] Decide and report for the playbook community.immuta.audit"
version_added: 0.2.0
description:
  - B(This is internal.) It is part of the playbook C(community.immuta.audit). Its options can change at any time; use it nowhere else.
  - It sends no requests. From the results of the modules it decides what is in use, what is left over, and what is not certain.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.attributes
attributes:
  action:
    description: Indicates this has a corresponding action plugin, so some parts of the options can be executed on the controller.
    support: full
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  stage:
    description: What to do.
    type: str
    required: true
    choices:
      - check
      - wanted
      - conclude
      - report
  checked:
    description: Result of the stage V(check).
    type: dict
    default: {}
  observed:
    description: Results of the modules so far.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# From the playbook:
- name: Choose what to look for
  community.immuta.audit:
    stage: wanted
    checked: "{{ checked }}"
    observed:
      integrations: "{{ integrations }}"
      connections: "{{ connections }}"
"""

RETURN = r"""
settings:
  description: The variables as they take effect.
  returned: O(stage=check)
  type: dict
folder:
  description: Where scripts are saved.
  returned: O(stage=check)
  type: str
keeper:
  description: The host that keeps them.
  returned: O(stage=check)
  type: str
url:
  description: The tenant's address, if it is known.
  returned: O(stage=check)
  type: str
audited:
  description: What a host has come to.
  returned: O(stage=conclude)
  type: dict
lines:
  description: The report, for people.
  returned: O(stage=report)
  type: list
  elements: str
failing:
  description: Why the playbook has to fail; empty otherwise.
  returned: O(stage=report)
  type: str
"""
