# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What options take from the environment of the process when they are not set."""

from __future__ import annotations

import os

from ansible.module_utils.basic import AnsibleFallbackNotFound


def first_of(*names: str) -> str:
    """The first of these variables that holds something.

    A credential type of AWX sets all of its variables, and those to nothing whose field was left empty. Ansible's own
    C(env_fallback) takes nothing for a value, which is no number and none of the choices.

    :raises AnsibleFallbackNotFound: none does
    """
    for name in names:
        if value := os.environ.get(name):
            return value
    raise AnsibleFallbackNotFound
