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
      - Names of databases (on Snowflake) or catalogs (on Databricks) that integrations of Immuta have, or had. They are looked for in
        addition to what looks like Immuta's.
    type: list
    elements: str
    default: []
  compare_hosts:
    description:
      - Hosts of the platform, for example those of the tenant's integrations. RV(hosts) tells whether each leads to where the session is.
        All forms of the vendors' host names are known.
    type: list
    elements: str
    default: []
notes:
  - String options accept text only. Without quotes, YAML reads V(1.10), V(0123), and V(yes) as 1.1, 83, and true, which are different
    names. So numbers, booleans, and lists are refused.
  - Secrets are refused if they have fewer than 8 characters, are a word of the results (such as V(finished) or V(snowflake)), or are part
    of another option, because Ansible replaces a secret with asterisks wherever it occurs in a result.
"""
