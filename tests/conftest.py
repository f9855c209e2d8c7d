# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads the fixtures that suites share."""

from __future__ import annotations

pytest_plugins = ["ansible_collections.community.immuta.tests.harness.fixtures"]
