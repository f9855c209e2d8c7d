# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stages of a role whose host is one of many in its play."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import environment, neighbours
from ansible_collections.community.immuta.plugins.plugin_utils._stages import Stages, Variables


class OneOfMany(Stages):
    """Knows what the other hosts of the play are for."""

    def clashes(self, variables: Variables, options: t.Mapping[str, t.Any], prefix: str, suffix: str) -> list[str]:
        """Conflicts with the other hosts of the play.

        :param options: the role's variables, as its argument spec has them
        :param prefix: of these variables
        :param suffix: of the scripts
        """
        here, hosts = variables["inventory_hostname"], variables["hostvars"]
        elsewhere = [host for host in variables["ansible_play_hosts_all"] if host != here]
        if not elsewhere:
            return []
        folder = options[f"{prefix}script_dir"]["default"]
        site = neighbours.Site(hosts, self._task.connection, folder, prefix, suffix)
        own = self.rendered(variables, site.names)
        # What is not the host's is the play's or the role's, and stands for the others, too.
        known = hosts[here]
        shared = [name for name in own if name not in known or known[name] != own[name]]

        def of(host: str) -> neighbours.Neighbour | None:
            # Ansible puts a host's variables together again each time that they are asked for.
            theirs = hosts[host]
            given = {name: theirs[name] for name in site.names if name in theirs}
            given.update((name, self.as_host(variables, host, variables[name])) for name in shared)
            return neighbours.neighbour(host, given, site)

        def tenant(host: str) -> t.Any:
            own = self.as_host(variables, host, hosts[host].get(environment.OPTIONS["immuta"]) or {})
            return own.get("url") or self.defaults(variables, host, "immuta").get("url")

        mine = neighbours.neighbour(here, own, site)
        others = [other for host in elsewhere if (other := of(host))]
        return neighbours.mistakes(mine, others, lambda host: tenant(host) == tenant(here)) if mine else []

    def defaults(self, variables: Variables, host: str, group: str) -> t.Mapping[str, t.Any]:
        """The options that the play gives to the modules of a group."""
        here = variables["inventory_hostname"]
        own = environment.of_group(self._task.module_defaults, group)
        # Old versions of ansible-core have rendered the task's for its own host, and never the play's.
        play = environment.of_group(environment.of_play(self._task, "module_defaults"), group)
        same = bool(play) and self.as_host(variables, here, play) == self.as_host(variables, here, own)
        read = self.as_host(variables, host, play if same else own)
        return read if isinstance(read, dict) else {}

    def as_host(self, variables: Variables, host: str, value: t.Any) -> t.Any:
        """Render a value of the play as another host would."""
        hosts = variables["hostvars"]
        raw = hosts.raw_get(host) if hasattr(hosts, "raw_get") else hosts[host]
        return self._templar.copy_with_new_env(available_variables={**variables, **raw}).template(value)
