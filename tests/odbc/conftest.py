# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses the tests of the executor odbc that are run."""

from __future__ import annotations

import pytest

from ansible_collections.community.immuta.tests import sampling


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep all of them, or a sample."""
    sampling.keep_some_tests(config, items, "odbc", ("test_runs_the_script_as_it_is_written",))
