# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options for the credential with which Immuta signs in to a platform."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as C(community.immuta.credential)."""

    DOCUMENTATION = r"""
options:
  snowflake:
    description:
      - A credential for Snowflake, in exactly one of the suboptions. The user, service account, or client has to exist on Snowflake.
    type: dict
    suboptions:
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
            required: true
  databricks:
    description:
      - A credential for Databricks, in exactly one of the suboptions.
    type: dict
    suboptions:
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
        type: str
"""
