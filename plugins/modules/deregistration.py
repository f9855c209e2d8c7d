#!/usr/bin/python
# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: deregistration
short_description: "[INTERNAL] Decide and report for the role community.immuta.deregister_connection"
version_added: 0.2.0
description:
  - B(This is internal.) It is part of the role P(community.immuta.deregister_connection#role) and of the playbooks of this collection.
    Its options can change at any time; use it nowhere else.
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
      - choose
      - check
      - decide
      - plan
      - handoff
      - left
      - conclude
      - planned
      - finished
  plan_only:
    description: Whether to treat everything as unconfirmed.
    type: bool
    default: false
  checked:
    description: Result of the stage V(check).
    type: dict
  observed:
    description: Results of the modules so far.
    type: dict
    default: {}
  output:
    description:
      - File to write on the controller, relative to the working folder; empty for none. V(check) only tries it.
      - In check mode, the outcome of a removal goes to a file beside it, V(NAME.check.json).
    type: str
"""

EXAMPLES = r"""
# From the role:
- name: Decide what to do
  community.immuta.deregistration:
    stage: decide
    checked: "{{ checked }}"
    observed:
      script: "{{ script }}"
"""

RETURN = r"""
settings:
  description: The role's variables as they take effect.
  returned: O(stage=check)
  type: dict
decision:
  description: What to do next.
  returned: O(stage=decide)
  type: dict
result:
  description: Outcome of the run, as in RV(ignore:immuta_deregister_result).
  returned: O(stage=conclude)
  type: dict
lines:
  description: Outcome of the run, or of all runs of the play, for people.
  returned: O(stage=conclude), O(stage=planned), and O(stage=finished)
  type: list
  elements: str
fatal:
  description: Why the run stopped, if no failed task says so; empty otherwise.
  returned: O(stage=conclude)
  type: str
hosts:
  description: Connections that are to become hosts, with C(name) and C(connection_key).
  returned: O(stage=choose)
  type: list
  elements: dict
"""
