# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person gives to have a connection changed: its key once more, and the digest of the plan that was approved."""

from __future__ import annotations

from ansible_collections.community.immuta.plugins.module_utils import _address, _text
from ansible_collections.community.immuta.plugins.module_utils._failure import require_digest
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors


def require_same_key(key: str, confirm: str | None, consequence: str, doing: str = "") -> None:
    """Refuse a confirmation of another connection.

    :param confirm: the option; nothing, or "", confirms nothing
    :param consequence: what was not done, as a sentence
    :param doing: what is done to the connection, such as C(removing)
    :raises Refused: it is not the key
    """
    if confirm and confirm != key:
        whose = f" that you are {doing}" if doing else ""
        # Two that look the same are shown so that people see how they differ.
        show = ascii if _text.alike(confirm, key) else repr
        raise errors.Refused(
            f"The option confirm is {show(confirm)}, but the connection is {show(key)}. {consequence}",
            hint=f"confirm must be exactly the key of the connection{whose}.",
            code="confirmation_mismatch",
        )


def require_tenant(url: str, expected: str | None, consequence: str) -> None:
    """Refuse another tenant than that of the earlier tasks.

    :param expected: the option C(expected_tenant)
    :param consequence: what was not done, as a sentence
    :raises Refused: it is another one
    """
    if expected and _address.normal(url) != _address.normal(expected):
        raise errors.Refused(
            f"The tenant is {url}, but the earlier tasks have read {expected}. {consequence}",
            hint="Set url, or IMMUTA_URL, for all of them, for example in module_defaults for group/community.immuta.immuta.",
            code="configuration",
        )


def require_approved(digest: str, expected: str | None, consequence: str) -> None:
    """Refuse a plan that is not the approved one.

    :param expected: the option C(expected_plan_digest)
    :param consequence: what was not done, as a sentence
    :raises Refused: it has another digest
    """
    require_digest(
        "The plan has the digest",
        digest,
        expected,
        error=errors.Refused,
        option="expected_plan_digest",
        code="plan_changed",
        consequence=f" {consequence}",
    )
