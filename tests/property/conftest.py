# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the properties share: the work of a module, done in this process."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from hypothesis import HealthCheck, Phase, settings

from ansible_collections.community.immuta.plugins.module_utils import _context, _redact
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure

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


@dataclasses.dataclass
class Done:
    """What came of a piece of work: an outcome or a failure."""

    outcome: _context.Outcome | None
    failure: Failure | None
    warnings: list[str]
    hidden: list[str]

    @property
    def good(self) -> _context.Outcome:
        assert self.failure is None, self.failure
        assert self.outcome is not None
        return self.outcome

    @property
    def code(self) -> str | None:
        return self.failure.code if self.failure else None


def do(
    work: t.Callable[[_context.Context], _context.Outcome], params: dict[str, t.Any], *, check: bool = False
) -> Done:
    """Do a module's work in this process."""
    warnings: list[str] = []
    hidden: list[str] = []
    context = _context.Context(dict(params), check, warnings.append)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_redact, "add", hidden.extend)
            outcome = work(context)
    except Failure as failure:
        return Done(None, failure, warnings, hidden)
    return Done(outcome, None, warnings, hidden)
