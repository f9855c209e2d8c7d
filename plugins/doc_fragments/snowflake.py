# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options that say how to sign in to Snowflake."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as C(community.immuta.snowflake)."""

    DOCUMENTATION = r"""
options:
  account:
    description:
      - Account identifier, for example V(myorg-myaccount). Needed unless O(connection_name) is set.
      - If not set, the environment variable E(SNOWFLAKE_ACCOUNT) is used.
    type: str
  user:
    description:
      - Name of the user. Needed unless O(connection_name) is set or O(authenticator=OAUTH).
      - If not set, the environment variable E(SNOWFLAKE_USER) is used.
    type: str
  password:
    description:
      - Password of the user. Snowflake is ending the sign-in of services by password; prefer a key pair or a token.
      - If not set, the environment variable E(SNOWFLAKE_PASSWORD) is used.
    type: str
  authenticator:
    description:
      - How to sign in, as the Snowflake client calls it, for example V(SNOWFLAKE_JWT), V(PROGRAMMATIC_ACCESS_TOKEN), V(OAUTH), or
        V(SNOWFLAKE). Ways that need a person are refused, and ways that need more than the options here, for example V(WORKLOAD_IDENTITY),
        work through O(connection_name).
      - If not set, it follows from the credentials. A private key means V(SNOWFLAKE_JWT), a token V(PROGRAMMATIC_ACCESS_TOKEN).
      - If not set, the environment variable E(SNOWFLAKE_AUTHENTICATOR) is used.
    type: str
  private_key_file:
    description:
      - Path to the user's private key in PEM format.
      - If not set, the environment variables E(SNOWFLAKE_PRIVATE_KEY_FILE) and E(SNOWFLAKE_PRIVATE_KEY_PATH) are used, in this order.
    type: path
  private_key:
    description:
      - The user's private key in PEM format. Line breaks may be written as C(\\n).
      - If not set, the environment variable E(SNOWFLAKE_PRIVATE_KEY_RAW) is used.
    type: str
  private_key_passphrase:
    description:
      - Passphrase of the private key, if it is encrypted.
      - If not set, the environment variables E(PRIVATE_KEY_PASSPHRASE) and E(SNOWFLAKE_PRIVATE_KEY_FILE_PWD) are used, in this order.
    type: str
  token:
    description:
      - A programmatic access token, or with O(authenticator=OAUTH) an OAuth access token.
      - If not set, the environment variable E(SNOWFLAKE_TOKEN) is used.
    type: str
  token_file_path:
    description:
      - Path to a file with the token.
      - If not set, the environment variable E(SNOWFLAKE_TOKEN_FILE_PATH) is used.
    type: path
  host:
    description:
      - Host of the account, if it does not follow from O(account).
      - If not set, the environment variable E(SNOWFLAKE_HOST) is used.
    type: str
  port:
    description:
      - Port of the account.
      - If not set, the environment variable E(SNOWFLAKE_PORT) is used.
    type: int
  protocol:
    description:
      - Protocol; V(http) is for tests only.
      - If not set, the environment variable E(SNOWFLAKE_PROTOCOL) is used.
    type: str
    choices:
      - http
      - https
  role:
    description:
      - Initial role. A script may switch to others.
      - If not set, the environment variable E(SNOWFLAKE_ROLE) is used.
    type: str
  warehouse:
    description:
      - Initial warehouse.
      - If not set, the environment variable E(SNOWFLAKE_WAREHOUSE) is used.
    type: str
  database:
    description:
      - Initial database.
      - If not set, the environment variable E(SNOWFLAKE_DATABASE) is used.
    type: str
  schema:
    description:
      - Initial schema.
      - If not set, the environment variable E(SNOWFLAKE_SCHEMA) is used.
    type: str
  connection_name:
    description:
      - Name of a connection in the Snowflake client's C(connections.toml), which supplies everything that is not set otherwise.
      - If neither this nor O(account) is set, the environment variable E(SNOWFLAKE_DEFAULT_CONNECTION_NAME) is used.
    type: str
  connections_file_path:
    description:
      - Path to C(connections.toml), if it is not where the Snowflake client looks for it.
    type: path
  login_timeout:
    description:
      - Seconds that signing in may take.
    type: int
    default: 60
  network_timeout:
    description:
      - Seconds that the client waits for an answer, repeating the request if the connection breaks, beyond O(statement_timeout).
    type: int
    default: 300
  statement_timeout:
    description:
      - Seconds after which Snowflake itself cancels a statement.
    type: int
    default: 900
  query_tag:
    description:
      - Query tag of the session, by which its statements are found in Snowflake's query history.
      - If not set, one that names the script's digest and the run.
    type: str
requirements:
  - snowflake-connector-python >= 4.5
"""
