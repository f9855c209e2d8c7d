# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says which hosts a play is for."""

from __future__ import annotations

DOCUMENTATION = r"""
name: play_hosts
short_description: "[INTERNAL] Hosts of the playbooks of this collection"
version_added: 0.2.0
description:
  - B(This is internal.) It is part of the playbooks of this collection, for C(hosts). It can change at any time; use it nowhere else.
  - Returns the hosts that were created from connections, or else the pattern C(immuta_deregister_hosts), or else C(localhost). It fails if
    no host matches, which Ansible itself counts as success.
author:
  - The community.immuta contributors (@ansible-collections)
options: {}
"""

EXAMPLES = r"""
# In the packaged playbooks:
- name: Take connections out of service
  hosts: "{{ lookup('community.immuta.play_hosts') }}"
"""

RETURN = r"""
_raw:
  description: A host pattern.
  type: list
  elements: str
"""

import typing as t  # noqa: E402

from ansible.errors import AnsibleLookupError  # noqa: E402
from ansible.inventory.manager import InventoryManager  # noqa: E402
from ansible.plugins.lookup import LookupBase  # noqa: E402

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import playbooks  # noqa: E402
from ansible_collections.community.immuta.plugins.plugin_utils._refused import Refused  # noqa: E402


class LookupModule(LookupBase):
    """Matches patterns against the inventory."""

    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[str]:
        """Return the pattern.

        :raises AnsibleLookupError: it matches no host
        """
        template = t.cast("t.Any", self._templar).template
        known = variables or {}
        given = {name: template(known[name]) for name in playbooks.CHOICE if name in known}
        inventory = InventoryManager(t.cast("t.Any", self._loader), parse=False)
        for group, hosts in known["groups"].items():
            inventory.add_group(group)
            for host in hosts:
                inventory.add_host(host, group=group)

        def matching(pattern: str, *, ignore: bool = True) -> set[str]:
            return {host.name for host in inventory.get_hosts(pattern=pattern, ignore_limits=ignore)}

        limit = known.get("ansible_limit") or ""
        # Ansible reads what is in a file of hosts.
        inventory.subset(limit or None)
        try:
            return [playbooks.hosts(given, known["groups"], limit, matching, lambda one: matching(one, ignore=False))]
        except Refused as error:
            raise AnsibleLookupError(str(error)) from None
