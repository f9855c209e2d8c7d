# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the unit tests of module_utils."""

from __future__ import annotations

from ansible_collections.community.immuta.tests.unit.plugins.module_utils.tenant import world

__all__ = ["world"]
