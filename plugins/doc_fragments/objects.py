# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options of the modules that look which objects are on a platform."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as C(community.immuta.objects)."""

    LIST = r"""
options:
  objects:
    description:
      - Objects to look for where there is no script to tell them.
    type: list
    version_added: 0.2.0
    elements: dict
    suboptions:
      kind:
        description: Kind of the object, as in C(DROP), for example V(DATABASE) or V(ROLE). The case does not matter.
        type: str
        required: true
      name:
        description:
          - Its full name, exactly as the platform has it, for example V(IMMUTA) or V(SALES.CRM.CUSTOMERS), and without arguments.
          - A part that holds a dot is quoted as in SQL.
        type: str
        required: true
      role:
        description: On Snowflake, the role to take before, as the script does. If not set, that of the sign-in.
        type: str
"""

    DOCUMENTATION = r"""
options:
  path:
    description:
      - Path to a script, in UTF-8. What it drops, unsets, revokes, or takes off, and has not made itself, is looked for, with the roles that
        it takes, since an object that a role may not see is not found. No statement of it is sent.
      - It, and every folder above it, must belong to the user of the task or to root, and nobody else may write to them, unless a folder
        has the sticky bit.
      - Exactly one of O(path) and O(objects) is needed.
    type: path
  expected_sha256:
    description:
      - Digest of the script, as C(sha256sum) prints it. If it is another one, nothing is asked.
    type: str
  expected_hosts:
    description:
      - Hosts of the platform on which the objects would be, for example V(myorg-myaccount.snowflakecomputing.com). All forms of the vendors
        are known. After the sign-in, and before anything is looked for, the session is asked where it is.
      - If one of the hosts leads elsewhere, the module fails with the code C(wrong_platform). If none of them is known to lead there, as
        with a host of your own, it fails with C(platform_unknown).
      - If not set, whatever platform the other options name is looked at.
    type: list
    elements: str
notes:
  - V(false) in RV(objects[].present) is what this session sees. An object that its role may not see is not there for it, so compare with a
    look that has found it.
  - String options take text only. Without quotes YAML takes V(1.10), V(0123), and V(yes) for the numbers 1.1 and 83, and for true, which
    are other names. So numbers, booleans, and lists are refused.
  - Secrets of fewer than 8 characters are refused, and those that are a word of the results (such as V(finished) or V(snowflake)) or a part
    of another option, since Ansible puts asterisks in the place of a secret wherever it occurs in a result.
"""
