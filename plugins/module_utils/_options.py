# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What options have in common: values from the environment, and checks."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleFallbackNotFound

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, InvalidOption


def first_of_environment(*names: str) -> str:
    """Return the first of these environment variables that is set and not empty.

    A credential type of AWX sets all of its variables, to an empty string where a field was left empty. Ansible's
    C(env_fallback) accepts an empty variable, which then fails type and choices checks.

    :raises AnsibleFallbackNotFound: there is none
    """
    for name in names:
        if value := os.environ.get(name):
            return value
    raise AnsibleFallbackNotFound


def require_positive(params: dict[str, t.Any], *names: str, error: type[Failure] = InvalidOption) -> None:
    """Refuse times that are not longer than 0 seconds.

    :param error: the class of the error
    :raises Failure: of that class, naming the option
    """
    for name in names:
        if params[name] <= 0:
            raise error(f"The option {name} must be more than 0 seconds.")
