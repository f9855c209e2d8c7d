# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How hypothesis looks for what breaks a property."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import HealthCheck, Phase, settings

# A loaded machine must not fail a property, and a failure has to come with what it takes to see it again.
settings.register_profile(
    "proofs",
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    max_examples=40,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
settings.load_profile("proofs")


@pytest.fixture(autouse=True, scope="module")
def no_sync() -> t.Iterator[None]:
    """Nothing here loses power, so nothing is waited for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: None)
        yield
