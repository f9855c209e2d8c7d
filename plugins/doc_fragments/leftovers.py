# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options of the modules that look for what Immuta may have left on a platform."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as C(community.immuta.leftovers)."""

    DOCUMENTATION = r"""
options:
  names:
    description:
      - Names of databases (on Snowflake) or catalogs (on Databricks) that integrations of Immuta have, or had. They are looked for besides
        what looks like Immuta's.
    type: list
    elements: str
    default: []
  compare_hosts:
    description:
      - Hosts of the platform, for example those of the tenant's integrations. RV(hosts) tells whether each leads to where the session
        is. All forms of the vendors are known.
    type: list
    elements: str
    default: []
notes:
  - String options take text only. Without quotes YAML takes V(1.10), V(0123), and V(yes) for the numbers 1.1 and 83, and for true, which
    are other names. So numbers, booleans, and lists are refused.
  - Secrets of fewer than 8 characters are refused, and those that are a word of the results (such as V(finished) or V(snowflake)) or a part
    of another option, since Ansible puts asterisks in the place of a secret wherever it occurs in a result.
"""
