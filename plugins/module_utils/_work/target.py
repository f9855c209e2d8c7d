# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The platform of the modules that run a script or look at one: what both take, and the session that only looks."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql import verify
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import LOOKING, Platform
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

OPTIONS: dict[str, t.Any] = {
    "path": {"type": "path"},
    "expected_sha256": {"type": "str"},
    "expected_hosts": {"type": "list", "elements": "str"},
}


class Target(Platform, t.Protocol):
    """A platform that is made from the options of its module.

    :ivar dialect: its SQL dialect
    :ivar tag: the name of the run on the platform
    :ivar session: the fields of the session for the result; empty before there is one
    """

    dialect: str
    tag: str
    session: dict[str, t.Any]

    def __init__(self, params: dict[str, t.Any], run: str) -> None:
        """Check the options; nothing is sent.

        :param run: the name of the run
        :raises InvalidOption: options are missing or contradict each other
        :raises MissingLibrary: the client of the platform is not installed
        """


def require_plain(params: dict[str, t.Any]) -> None:
    """Refuse credentials in addresses.

    :raises InvalidOption: a host or a proxy has them
    """
    _address.require_no_user_info(params["expected_hosts"], "expected_hosts", "Name hosts alone.")
    _address.require_plain_proxies(error=InvalidOption)


def look(
    params: dict[str, t.Any], target: type[Target], statements: t.Sequence[Statement] | None
) -> tuple[dict[str, t.Any], list[dict[str, t.Any]] | None]:
    """Sign in, look for what statements drop or unset, and sign out; return the session and a row for each object.

    :param statements: None to sign in and look for nothing; then there are no rows either
    :raises LoginFailed: the sign-in was refused
    :raises LookFailed: the platform did not answer
    """
    platform = target(params, LOOKING)
    connection = platform.connect()
    try:
        rows = None if statements is None else verify.look(connection.cursor(), platform, statements)
    finally:
        connection.close()
    return platform.session, rows
