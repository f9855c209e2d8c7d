# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the plays of the ways begin: with nothing done, with the script saved or half run, or with what is to be taken back."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.tests.harness.arriving import TakingBack
from ansible_collections.community.immuta.tests.harness.site import Site, together

# The statement that has failed where half is done: whether a connection is registered, the platform, and its number.
HALF_WAY = {(False, "snowflake"): 12, (False, "databricks"): 4, (True, "snowflake"): 18, (True, "databricks"): 7}


def begin(beginnings: t.Sequence[tuple[Site, str]]) -> None:
    """Bring sites of one role to where their plays begin, in one playbook.

    :param beginnings: `cold`; `saved`; where a statement in the middle of the script has failed: `resumed`, or `half` of a
        registration that is to be taken back; or a `whole` one
    """
    some = [(one, beginning) for one, beginning in beginnings if beginning != "cold"]
    if not some:
        return
    variables: list[dict[str, t.Any]] = []
    for one, beginning in some:
        if beginning in ("resumed", "half"):
            one.fail("statement", "error", nth=HALF_WAY[one.empty, one.platform])
        confirmed = {} if beginning == "saved" else {"confirm": one.key}
        variables.append({**confirmed, **({"state": "present"} if isinstance(one, TakingBack) else {})})
    played = together([one for one, _beginning in some], confirmed=False, variables=variables)
    for (one, beginning), each in zip(some, played, strict=True):
        assert (each.code == 0) is (beginning in ("saved", "whole")), each.output
        one.clear_faults()
        if isinstance(one, TakingBack):
            # What the set-up script has sent is none of the plays that follow.
            one.server.statements.clear()
        one.server.logins.clear()
