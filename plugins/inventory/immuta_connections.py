# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: immuta_connections
version_added: 0.2.0
short_description: The connections of an Immuta tenant as hosts
description:
  - Makes a host of every connection, so that one play can take many of them out of service, with Ansible's own tools for many hosts.
  - An inventory source is a file whose name ends in C(immuta_connections.yml) or C(immuta_connections.yaml).
  - Either every requested connection becomes a host, or the plugin fails. It also fails if the API key may not see everything, since Immuta
    leaves out what a key may not see.
  - It sends one request for each connection, in addition to those for the lists. Connections that O(include_keys), O(exclude_keys),
    O(include_technologies), and O(exclude_technologies) leave out are not looked up.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.immuta
  - community.immuta.immuta.plugin
  - constructed
  - inventory_cache
options:
  plugin:
    description: Says that the file is a source of this plugin.
    type: str
    required: true
    choices:
      - community.immuta.immuta_connections
  include_keys:
    description:
      - Shell patterns (V(*), V(?), V([seq]), V([!seq])) of connection keys. Only connections whose key matches one of them become hosts.
        Case matters.
      - If empty, keys don't matter.
    type: list
    elements: str
    default: []
  exclude_keys:
    description: Shell patterns of keys of connections that don't become hosts, even if another option includes them. Case matters.
    type: list
    elements: str
    default: []
  include_technologies:
    description:
      - Shell patterns of technologies, as Immuta calls them, such as V(Snowflake), V(Databricks), and V(Glue). Only connections of these
        become hosts. Case does not matter.
      - If empty, technologies don't matter.
    type: list
    elements: str
    default: []
  exclude_technologies:
    description: Shell patterns of technologies whose connections don't become hosts, even if another option includes them.
    type: list
    elements: str
    default: []
  include_statuses:
    description:
      - Shell patterns of statuses of integrations, such as V(enabled) and V(disabled). Only connections with such an integration become
        hosts. Case does not matter.
      - V(unknown) is the status of a connection for which Immuta names no integration.
      - If empty, statuses don't matter.
    type: list
    elements: str
    default: []
  exclude_statuses:
    description: Shell patterns of statuses of integrations whose connections don't become hosts, even if another option includes them.
    type: list
    elements: str
    default: []
notes:
  - Options that are not about construction or caching may be templates. Lookups and extra variables can be used in them. In a pattern,
    write a brace that does not start a template as V([{]).
  - Do not write the API key into the source. Where no plugin can read a source, Ansible's messages may show lines of it.
  - A connection's host is named after the harmless characters of its key and the first ten digits of the key's SHA-256, for example
    C(prod-snowflake-c676119c0f). So a host's name depends on nothing but the key, no two keys have the same one, and no server has it.
    The playbooks of this collection name the hosts that they make in the same way, so that variables of the inventory apply to both.
  - Each host has the variables C(immuta_deregister_connection_key), which is the key itself, and C(immuta_connection), a dictionary with
    what M(community.immuta.immuta_connection_info) returns of a connection. With C(ansible_connection=local) and
    C(ansible_python_interpreter) set to the controller's, its tasks run there. What comes from Immuta is never templated.
  - Each host is in the group C(immuta_connections), and in groups for its technology, status, and state, such as
    C(immuta_technology_snowflake), C(immuta_status_enabled), and C(immuta_state_active). Their names are in lower case, with V(_) for
    other characters than letters and digits, and with V(unknown) for what Immuta does not tell.
  - The cache contains no secrets. It is used for the same O(url) and the same filters only.
  - Unless C(any_unparsed_is_failed) is set in Ansible's configuration, Ansible only warns about a source that can't be read, and continues
    without its hosts.
seealso:
  - module: community.immuta.immuta_connection_info
"""

EXAMPLES = r"""
# test.immuta_connections.yml. With url and API key in the environment (IMMUTA_URL and IMMUTA_API_KEY), the first line alone is a source.
plugin: community.immuta.immuta_connections
url: https://example.hosted.immutacloud.com
api_key: "{{ lookup('ansible.builtin.env', 'IMMUTA_TEST_API_KEY') }}"

# The Snowflake and Databricks connections of the test environment that are in use.
include_keys:
  - test *
exclude_keys:
  - "* do not touch"
include_technologies:
  - Snowflake
  - Databricks
exclude_statuses:
  - disabled
  - deleted

# Your own groups and variables.
keyed_groups:
  - key: immuta_connection.hostname
    prefix: platform
groups:
  finance: "'finance' in immuta_connection.key"
compose:
  immuta_deregister_script_dir: "'/srv/immuta/' ~ immuta_connection.technology | lower"
strict: true

# The list is good for ten minutes, or until --flush-cache.
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/immuta_connections
cache_timeout: 600
"""

import traceback
import typing as t

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.community.immuta.plugins.module_utils import _redact
from ansible_collections.community.immuta.plugins.plugin_utils import _inventory


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Connections as hosts."""

    NAME = "community.immuta.immuta_connections"

    def verify_file(self, path: str) -> bool:
        """Return whether this may be a source of this plugin."""
        return bool(super().verify_file(path)) and path.endswith(_inventory.SUFFIXES)

    def set_options(self, task_keys: t.Any = None, var_options: t.Any = None, direct: t.Any = None) -> None:
        """Set the options, after a check of those of a source."""
        if direct:
            templar: t.Any = self.templar
            templar.available_variables = self._vars
            direct = _inventory.checked(direct, self.option_definitions, templar.template)
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Add the hosts of a source: all or none."""
        super().parse(inventory, loader, path, cache)
        try:
            self._read_config_data(path)
            self._add(inventory, _inventory.host_names(self._connections(path, cache)))
        except Exception as error:
            self.display.vvv(_redact.redact_message(traceback.format_exc()))
            raise AnsibleParserError(_inventory.explained(error)) from None

    def _connections(self, path: str, cache: bool) -> list[dict[str, t.Any]]:
        source = _inventory.Source({name: self.get_option(name) for name in _inventory.argument_spec()})
        question, cache_key = source.question, self.get_cache_key(path)
        if not self.get_option("cache"):
            return source.ask()
        found = _inventory.kept(self._cache.get(cache_key), question) if cache else None
        if found is None:
            found = source.ask()
            self._cache[cache_key] = {"question": question, "connections": found}
        return found

    def _add(self, inventory: t.Any, hosts: dict[str, dict[str, t.Any]]) -> None:
        before = set(inventory.hosts)
        try:
            for name, connection in hosts.items():
                self._add_host(inventory, name, connection)
        except Exception:
            # Ansible would continue with the hosts that were added.
            for name in set(inventory.hosts) - before:
                inventory.remove_host(inventory.get_host(name))
            raise

    def _add_host(self, inventory: t.Any, name: str, connection: dict[str, t.Any]) -> None:
        inventory.add_host(name)
        for group in _inventory.groups(connection):
            inventory.add_group(group)
            inventory.add_child(group, name)
        for variable, value in _inventory.variables(connection).items():
            inventory.set_variable(name, variable, value)
        known, strict = inventory.get_host(name).get_vars(), self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), known, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), known, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, name, strict=strict)
