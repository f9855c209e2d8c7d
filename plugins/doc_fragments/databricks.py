# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options that say how to sign in to Databricks."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as C(community.immuta.databricks)."""

    DOCUMENTATION = r"""
options:
  host:
    description:
      - Host of the workspace, for example V(dbc-a1b2345c-d6e7.cloud.databricks.com), or its URL.
      - If not set, the environment variables E(DATABRICKS_HOST) and E(DATABRICKS_SERVER_HOSTNAME) are used, in this order.
    type: str
  allow_http:
    description:
      - Whether O(host) may start with C(http), so that the credentials and the script are sent unencrypted.
      - C(http) to the same machine (C(localhost), C(127.0.0.1)) is always allowed.
    type: bool
    default: false
  warehouse_id:
    description:
      - Id of the SQL warehouse. This or O(http_path) is needed.
      - If not set, the environment variable E(DATABRICKS_WAREHOUSE_ID) is used.
    type: str
  http_path:
    description:
      - HTTP path of the SQL warehouse, or of a cluster, as its connection details show it.
      - Clusters keep no query history, so a statement whose outcome is unknown can't be looked up there.
      - If not set, the environment variable E(DATABRICKS_HTTP_PATH) is used.
    type: str
  auth_type:
    description:
      - How to sign in. V(pat) uses O(token), V(oauth-m2m) uses O(client_id) and O(client_secret).
      - If not set, it follows from the credentials.
      - If not set, the environment variable E(DATABRICKS_AUTH_TYPE) is used.
    type: str
    choices:
      - pat
      - oauth-m2m
  token:
    description:
      - Personal access token, or an OAuth or Microsoft Entra ID access token.
      - If not set, the environment variables E(DATABRICKS_TOKEN) and E(DATABRICKS_ACCESS_TOKEN) are used, in this order.
    type: str
  client_id:
    description:
      - Client id (application id) of a service principal. Needs C(databricks-sdk).
      - If not set, the environment variable E(DATABRICKS_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - OAuth secret of the service principal.
      - If not set, the environment variable E(DATABRICKS_CLIENT_SECRET) is used.
    type: str
  catalog:
    description:
      - Initial catalog.
      - If not set, the environment variable E(DATABRICKS_CATALOG) is used.
    type: str
  schema:
    description:
      - Initial schema.
      - If not set, the environment variable E(DATABRICKS_SCHEMA) is used.
    type: str
  login_timeout:
    description:
      - Seconds that opening the session may take. This starts a stopped warehouse and waits for it. If the warehouse opens sessions while
        it starts, the first statement waits for it.
    type: int
    default: 600
  network_timeout:
    description:
      - Seconds without an answer from Databricks after which the client gives up. A statement may take longer, because the client keeps
        asking for its state.
    type: int
    default: 300
  statement_timeout:
    description:
      - Seconds after which the SQL warehouse itself cancels a statement.
    type: int
    default: 900
requirements:
  - databricks-sql-connector >= 4.1
  - databricks-sdk (for O(client_id) and O(client_secret))
"""
