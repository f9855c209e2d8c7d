# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives the modules of a play their options."""

from __future__ import annotations

DOCUMENTATION = r"""
name: module_options
short_description: "[INTERNAL] Options of the modules for a host"
version_added: 0.2.0
description:
  - B(This is internal.) It is part of the playbooks of this collection, for C(module_defaults). It can change at any time; use it nowhere
    else.
  - Returns what the host's variables C(immuta_deregister_immuta_options), C(immuta_deregister_snowflake_options), and
    C(immuta_deregister_databricks_options) hold. Where the modules run on another host than the controller, or as another user, the
    environment of C(ansible-playbook) supplies what they don't set.
author:
  - The community.immuta contributors (@ansible-collections)
options:
  _terms:
    description: The group, V(immuta), V(snowflake), or V(databricks).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
# In the packaged playbooks:
- name: Take connections out of service
  hosts: immuta_connections
  module_defaults:
    group/community.immuta.snowflake: "{{ lookup('community.immuta.module_options', 'snowflake') }}"
"""

RETURN = r"""
_raw:
  description: A dictionary of options.
  type: list
  elements: dict
"""

import os  # noqa: E402
import typing as t  # noqa: E402

from ansible import context  # noqa: E402
from ansible.errors import AnsibleLookupError  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import environment  # noqa: E402


class LookupModule(LookupBase):
    """Reads the host's variables and the environment."""

    def run(
        self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, t.Any]]:
        """Return the options of each group.

        :raises AnsibleLookupError: a variable can't be used
        """
        template = t.cast("t.Any", self._templar).template
        known = variables or {}
        host = known.get("inventory_hostname", "localhost")
        elsewhere = environment.elsewhere(
            host,
            {name: template(known[name]) for name in environment.DEPENDS_ON if name in known},
            known.get("hostvars") or {},
            connection=context.CLIARGS.get("connection", "ssh"),
            become=bool(context.CLIARGS.get("become")),
        )
        found = []
        for group in terms:
            own = known.get(environment.OPTIONS[group])
            try:
                found.append(environment.options(group, template(own), os.environ, elsewhere=elsewhere))
            except ValueError as error:
                raise AnsibleLookupError(str(error)) from None
        return found
