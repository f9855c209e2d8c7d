# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of what all modules of this collection can and can't do."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as C(community.immuta.attributes) and its parts."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that the system controlled/queried by the module has not changed in a relevant way.
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module does not modify anything.
  diff_mode:
    support: N/A
    details:
      - This module does not modify anything.
  idempotent:
    support: full
    details:
      - This module does not modify anything.
"""

    ACTIONGROUP_IMMUTA = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/community.immuta.immuta) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - community.immuta.immuta
"""

    ACTIONGROUP_SNOWFLAKE = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/community.immuta.snowflake) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - community.immuta.snowflake
"""

    ACTIONGROUP_DATABRICKS = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/community.immuta.databricks) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - community.immuta.databricks
"""
