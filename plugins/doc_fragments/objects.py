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
      - Objects to look for if there is no script that names them.
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
          - A part that contains a dot is quoted as in SQL.
        type: str
        required: true
      role:
        description: On Snowflake, the role to switch to before looking, as the script does. If not set, the role of the sign-in.
        type: str
"""

    DOCUMENTATION = r"""
options:
  path:
    description:
      - Path to a script, in UTF-8. The module looks for what the script drops, unsets, revokes, or takes off and did not create itself, in
        the roles that the script uses, since a role does not find what it may not see. No statement of the script is sent.
      - It, and every folder above it, must belong to the user of the task or to root, and nobody else may write to them, unless a folder
        has the sticky bit.
      - Exactly one of O(path) and O(objects) is needed.
    type: path
  look_for:
    description:
      - What of the script at O(path) to look for.
      - V(created) looks for the objects that it creates (C(CREATE)) and does not drop later, instead of what it removes. Temporary
        objects, and grants, are not looked for.
    type: str
    choices:
      - created
      - removed
    default: removed
  expected_sha256:
    description:
      - Digest of the script, as C(sha256sum) prints it. If it differs, nothing is asked.
    type: str
  expected_hosts:
    description:
      - Hosts of the platform on which the objects would be, for example V(myorg-myaccount.snowflakecomputing.com). All forms of the
        vendors' host names are known. After the sign-in, and before anything is looked for, the session is asked where it is.
      - If one of the hosts leads elsewhere, the module fails with the code C(wrong_platform). If it is not known whether any of them leads
        there, as with your own host name, it fails with C(platform_unknown).
      - If not set, the module looks at whatever platform the other options name.
    type: list
    elements: str
notes:
  - V(false) in RV(objects[].present) means that this session does not see the object, perhaps because its role may not. Compare with an
    earlier look that found it.
  - String options accept text only. Without quotes, YAML reads V(1.10), V(0123), and V(yes) as 1.1, 83, and true, which are different
    names. So numbers, booleans, and lists are refused.
  - Secrets are refused if they have fewer than 8 characters, are a word of the results (such as V(finished) or V(snowflake)), or are part
    of another option, because Ansible replaces a secret with asterisks wherever it occurs in a result.
"""
