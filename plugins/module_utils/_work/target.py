# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The platform of the modules that run a script or look at one: what both take, and the session that only looks."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _address
from ansible_collections.community.immuta.plugins.module_utils._context import Context
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql import names, reads, verify
from ansible_collections.community.immuta.plugins.module_utils._sql.platform import LOOKING, Platform
from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement

OPTIONS: dict[str, t.Any] = {
    "path": {"type": "path"},
    "expected_sha256": {"type": "str"},
    "expected_hosts": {"type": "list", "elements": "str"},
    "look_for": {"type": "str", "choices": ["created", "removed"], "default": "removed"},
    "objects": {
        "type": "list",
        "elements": "dict",
        "options": {
            "kind": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "role": {"type": "str"},
        },
    },
}
# What is before the name of an object, outermost first.
OUTER = {"snowflake": ("DATABASE", "SCHEMA"), "databricks": ("CATALOG", "SCHEMA")}


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
    _address.require_no_user_info(params["expected_hosts"], "expected_hosts", "Name only hosts.")
    _address.require_plain_proxies(error=InvalidOption)


def look(
    params: dict[str, t.Any],
    target: type[Target],
    statements: t.Sequence[Statement] | None,
    answers: t.Sequence[verify.Answered] = (),
    look_for: str = "removed",
    skipped: t.Container[int] = (),
) -> tuple[dict[str, t.Any], list[dict[str, t.Any]] | None]:
    """Sign in, look for what statements remove or create, and sign out; return the session and a row for each object.

    :param answers: C(index) and C(answer) of those statements that have run
    :param look_for: C(removed) or C(created)
    :param skipped: the statements that are left out
    :param statements: None to sign in and look for nothing; then there are no rows either
    :raises LoginFailed: the sign-in was refused
    :raises LookFailed: the platform did not answer
    """
    platform = target(params, LOOKING)
    connection = platform.connect()
    try:
        rows = None
        if statements is not None:
            rows = verify.look(connection.cursor(), platform, statements, answers, look_for, skipped)
    finally:
        connection.close()
    return platform.session, rows


def dropping(context: Context, dialect: str) -> list[Statement]:
    """Return statements that would drop the objects that the options name: what a script drops can be looked for.

    None of them is ever sent.

    :raises InvalidOption: an object can't be looked for
    """
    # A role is taken for all that come after it.
    wanted = sorted(context.params["objects"] or (), key=lambda one: bool(one["role"]))
    return [statement for one in wanted for statement in _dropping(context, dialect, **one)]


def _dropping(context: Context, dialect: str, kind: str, name: str, role: str | None) -> list[Statement]:
    kind = " ".join(kind.upper().split())
    what = f"The option objects names {kind} {name}"
    if not (length := reads.length(dialect, kind)):
        known = reads.SNOWFLAKE if dialect == "snowflake" else reads.DATABRICKS
        raise InvalidOption(f"{what}, but no read finds a {kind}.", hint=f"Kinds: {', '.join(sorted(known))}.")
    parts = names.parts(name)
    if len(parts) != length:
        whole = ".".join((*OUTER[dialect][: length - 1], "NAME"))
        raise InvalidOption(
            f"{what}, which is not a full name.", hint=f"Write it like {whole}. Quote a part that holds a dot."
        )
    if "(" in name and '"' not in name:
        raise InvalidOption(f"{what}, with arguments.", hint="Leave them out: every object of that name is looked for.")
    if dialect == "snowflake" and '"' not in name and name != name.upper():
        context.warn(
            f"{what}, but names are compared exactly: without quotes, SQL reads {name} as {name.upper()}."
            " Write it in upper case, or in double quotes if its name is in lower case."
        )
    if role and dialect != "snowflake":
        raise InvalidOption(f"{what}, and a role.", hint="Leave the role out: Databricks has none.")
    use = f"USE ROLE {names.quoted((role,), dialect)}; " if role else ""
    return list(split(f"{use}DROP {kind} {names.quoted(parts, dialect)};", dialect))
