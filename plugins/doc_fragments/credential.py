# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options for the credential with which Immuta signs in to a platform."""

from __future__ import annotations

# The suboptions of snowflake and of databricks. Every module that takes a credential has them.
SNOWFLAKE = r"""
      key_pair:
        description: A user with a key pair.
        type: dict
        suboptions:
          username:
            description: Name of the user. Required if Immuta does not tell it.
            type: str
          private_key:
            description:
              - The private key in PEM format. Line breaks may also be written as C(\\n).
              - Either this or O(snowflake.key_pair.private_key_file) is required.
            type: str
          private_key_file:
            description: A file with the private key in PEM format, on the host that runs the task.
            type: path
          private_key_passphrase:
            description: Passphrase of the private key, if it is encrypted.
            type: str
      oauth_client_credentials:
        description: A client of an external OAuth server.
        type: dict
        suboptions:
          client_id:
            description: Id of the client. Required if Immuta does not tell it.
            type: str
          client_secret:
            description: Secret of the client.
            type: str
            required: true
          authority_url:
            description: Address of the server's tokens. Required if Immuta does not tell it.
            type: str
          scope:
            description: Scope of the tokens. Required if Immuta does not tell it.
            type: str
      password:
        description:
          - A user with a password. Snowflake ends sign-ins with a password alone for service accounts, so there is a warning.
        type: dict
        suboptions:
          username:
            description: Name of the user. Required if Immuta does not tell it.
            type: str
          password:
            description: Password of the user.
            type: str
            required: true"""
DATABRICKS = r"""
      oauth_m2m:
        description: A service principal with an OAuth secret.
        type: dict
        suboptions:
          client_id:
            description: Application id of the service principal. Required if Immuta does not tell it.
            type: str
          client_secret:
            description: OAuth secret of the service principal.
            type: str
            required: true
          authority_url:
            description:
              - Address of the tokens, for example V(https://dbc-a1b2345c-d6e7.cloud.databricks.com/oidc/v1/token). Required if Immuta does
                not tell it.
            type: str
          scope:
            description: Scope of the tokens. If neither this nor Immuta tells it, it is V(all-apis).
            type: str
      token:
        description: A personal access token.
        type: str"""


class ModuleDocFragment:
    """Used as C(community.immuta.credential), or with the place of a connection as C(community.immuta.credential.place)."""

    # With types, since ansible-test takes the value of a plain assignment for a constant.
    DOCUMENTATION: str = f"""
options:
  snowflake:
    description:
      - A credential for Snowflake, in exactly one of the suboptions. The user, service account, or client has to exist on Snowflake.
    type: dict
    suboptions:{SNOWFLAKE}
  databricks:
    description:
      - A credential for Databricks, in exactly one of the suboptions.
    type: dict
    suboptions:{DATABRICKS}
"""

    PLACE: str = f"""
options:
  snowflake:
    description:
      - A connection to Snowflake. Where it is, and its credential in exactly one of O(snowflake.key_pair),
        O(snowflake.oauth_client_credentials), and O(snowflake.password). The user, service account, or client has to exist on Snowflake.
      - The credential is filled in wherever Immuta wants it.
    type: dict
    version_added: 0.2.0
    suboptions:{SNOWFLAKE}
      host:
        description: Host of the account without a port, for example V(example.snowflakecomputing.com).
        type: str
        required: true
      port:
        description: Port of the account.
        type: int
        default: 443
      warehouse:
        description: Warehouse that Immuta uses.
        type: str
        required: true
      role:
        description: Role that Immuta uses. It must see the data that Immuta is to govern.
        type: str
        required: true
      database:
        description: Database of the integration. It is Immuta's own; the set-up script makes it.
        type: str
        required: true
      audit:
        description: Whether Immuta collects the queries of the account. If not set, Immuta decides.
        type: bool
      impersonation_role:
        description: Role for impersonating users, if the set-up script made one.
        type: str
  databricks:
    description:
      - A connection to Databricks Unity Catalog. Where it is, and its credential in O(databricks.oauth_m2m) or O(databricks.token).
      - The credential is filled in wherever Immuta wants it.
    type: dict
    version_added: 0.2.0
    suboptions:{DATABRICKS}
      host:
        description: Host of the workspace without a port, for example V(dbc-a1b2345c-d6e7.cloud.databricks.com).
        type: str
        required: true
      port:
        description: Port of the workspace.
        type: int
        default: 443
      http_path:
        description: HTTP path of the SQL warehouse or the cluster that Immuta uses.
        type: str
        required: true
      catalog:
        description: Catalog of the integration. It is Immuta's own; the set-up script makes it.
        type: str
        required: true
      workspace_ids:
        description: Ids of the workspaces to which the integration is limited. If not set, Immuta decides.
        type: list
        elements: str
      excluded_group:
        description: Name of an account-level group to which data policies don't apply.
        type: str
      audit:
        description: Whether Immuta collects the queries of the workspace. If not set, Immuta decides.
        type: bool
"""

    # The same, where Immuta's own names can be used instead.
    OPTIONAL_PLACE: str = PLACE.replace("\n        required: true", "")
