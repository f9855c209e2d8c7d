# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address of a Databricks warehouse and the way to sign in, from options, before any client is imported."""

from __future__ import annotations

import contextlib
import re
import typing as t
import urllib.parse

from ansible_collections.community.immuta.plugins.module_utils import _address
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._sql import options

# Names that the vendor's tools know, in the order in which they are tried.
VARIABLES: options.Variables = {
    "host": ("DATABRICKS_HOST", "DATABRICKS_SERVER_HOSTNAME"),
    "http_path": ("DATABRICKS_HTTP_PATH",),
    "warehouse_id": ("DATABRICKS_WAREHOUSE_ID",),
    "auth_type": ("DATABRICKS_AUTH_TYPE",),
    "token": ("DATABRICKS_TOKEN", "DATABRICKS_ACCESS_TOKEN"),
    "client_id": ("DATABRICKS_CLIENT_ID",),
    "client_secret": ("DATABRICKS_CLIENT_SECRET",),
    "catalog": ("DATABRICKS_CATALOG",),
    "schema": ("DATABRICKS_SCHEMA",),
}
WAREHOUSE = re.compile(r"/?sql/1\.0/(?:warehouses|endpoints)/([\w-]+)/?(?:\?.*)?")


class Endpoint(t.NamedTuple):
    """The address of a warehouse.

    :ivar base: scheme, host and port
    :ivar host: host and port
    :ivar warehouse: its id, if known
    """

    base: str
    host: str
    path: str
    warehouse: str | None


def _workspace_url(given: str) -> urllib.parse.SplitResult:
    """Return the URL of a workspace whose host may come without a scheme.

    :raises InvalidOption: it is none
    """
    _address.require_no_user_info(
        given, "host", "Write only the host, and pass a token or a client secret as an option."
    )
    with contextlib.suppress(ValueError):
        url = _address.split(given if "://" in given else f"https://{given}")
        whole = url.scheme in ("http", "https") and url.hostname and not url.path and not url.query and not url.fragment
        if whole and given.isprintable() and " " not in given:
            return url
    raise InvalidOption(
        f"The option host is {given!r:.200}, which is not a valid host name of a workspace.",
        hint="Write it like dbc-a1b2345c-d6e7.cloud.databricks.com; an IPv6 address in brackets.",
    )


def endpoint(params: dict[str, t.Any]) -> Endpoint:
    if not (params["host"] or "").strip():
        raise options.missing("host", VARIABLES)
    url = _workspace_url(params["host"].strip().rstrip("/"))
    if url.scheme == "http" and not params["allow_http"] and not _address.is_loopback(url.hostname or ""):
        raise InvalidOption(
            "The option host starts with http://, so the credentials would be sent unencrypted.",
            hint="Use https://. For a gateway without TLS, set allow_http to true.",
        )
    path, warehouse = ((params[name] or "").strip() or None for name in ("http_path", "warehouse_id"))
    found = WAREHOUSE.fullmatch(path) if path else None
    if path and warehouse and (found is None or found[1] != warehouse):
        raise InvalidOption(
            f"The option http_path is {path}, and warehouse_id is {warehouse}: they are not the same.",
            hint="Set one of them; each may also come from the environment.",
        )
    if not path and not warehouse:
        raise options.missing("warehouse_id", VARIABLES)
    return Endpoint(
        base=f"{url.scheme}://{url.netloc}",
        host=url.netloc,
        path=path or f"/sql/1.0/warehouses/{warehouse}",
        warehouse=found[1] if found else warehouse,
    )


def auth_type(params: dict[str, t.Any]) -> str:
    by_client = bool(params["client_id"] or params["client_secret"])
    if params["auth_type"] is None and params["token"] and by_client:
        raise InvalidOption(
            "Both a token and an OAuth client are set.",
            hint="Unset one, or say which it is with auth_type; each may also come from the environment.",
        )
    chosen = params["auth_type"] or ("oauth-m2m" if by_client else "pat")
    for name in ("client_id", "client_secret") if chosen == "oauth-m2m" else ("token",):
        if not params[name]:
            raise options.missing(name, VARIABLES)
    return str(chosen)
