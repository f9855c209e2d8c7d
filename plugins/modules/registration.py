#!/usr/bin/python
# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registration
short_description: "[INTERNAL] Decide and report for the role community.immuta.register_connection"
version_added: 0.2.0
description:
  - B(This is internal.) It is part of the role P(community.immuta.register_connection#role). Its options can change at any time; use it
    nowhere else.
  - It sends no requests. From the results of the modules it decides what to do next, what to print, and what to report.
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
      - undo
      - whose
      - undone
      - decide
      - plan
      - handoff
      - conclude
      - finished
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
# From the role:
- name: Decide what to do
  community.immuta.registration:
    stage: decide
    checked: "{{ checked }}"
    observed:
      script: "{{ script }}"
"""

RETURN = r"""
settings:
  description: The role's variables as they take effect, without those that may hold secrets.
  returned: O(stage=check)
  type: dict
untold:
  description: Whether the journal of the set-up script may know what the report does not.
  returned: O(stage=check)
  type: bool
decision:
  description: What to do next.
  returned: O(stage=decide)
  type: dict
result:
  description: Outcome of the run, as in RV(ignore:immuta_register_result).
  returned: O(stage=conclude) and O(stage=undone)
  type: dict
lines:
  description: Outcome of the run, for people.
  returned: O(stage=conclude) and O(stage=undone)
  type: list
  elements: str
fatal:
  description: Why the run stopped, if no failed task says so; empty otherwise.
  returned: O(stage=conclude) and O(stage=undone)
  type: str
"""
