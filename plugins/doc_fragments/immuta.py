# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options that every Immuta module and plugin has."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as C(community.immuta.immuta)."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Address of the Immuta tenant, scheme and host, for example V(https://example.hosted.immutacloud.com).
      - If not set, the environment variables E(IMMUTA_URL), E(IMMUTA_BASE_URL), and E(IMMUTA_HOST) are used, in this order.
      - Redirects are never followed, so that the API key goes to this address only.
      - It must not contain a user name or a password, and must start with C(https) unless O(allow_http=true).
    type: str
  api_key:
    description:
      - API key of an Immuta user. The key can do what its owner can do.
      - If not set, the environment variables E(IMMUTA_API_KEY) and E(IMMUTA_API_TOKEN) are used, in this order.
    type: str
  auth_scheme:
    description:
      - How the API key is sent in the C(Authorization) header.
      - V(api_key) sends it as it is, which is the documented form. V(bearer) sends it after the word C(Bearer).
      - If not set, the environment variable E(IMMUTA_AUTH_SCHEME) is used.
    type: str
    choices:
      - api_key
      - bearer
    default: api_key
  exchange_api_key:
    description:
      - Whether the API key is first exchanged for a short-lived token, which is then used for all other requests.
      - This takes one more request.
      - If not set, the environment variable E(IMMUTA_EXCHANGE_API_KEY) is used.
    type: bool
    default: false
  validate_certs:
    description:
      - Whether the TLS certificate of the tenant is verified.
    type: bool
    default: true
  allow_http:
    description:
      - Whether O(url) may start with C(http), so that the API key, the script, and the passwords in it are sent unencrypted.
      - C(http) to the same machine (C(localhost), C(127.0.0.1)) is always allowed.
      - If not set, the environment variable E(IMMUTA_ALLOW_HTTP) is used.
    type: bool
    default: false
    version_added: 0.2.0
  ca_path:
    description:
      - Path to a bundle of CA certificates in PEM format, for tenants behind a private certificate authority.
      - If not set, the environment variable E(IMMUTA_CA_PATH) is used.
    type: path
  client_cert:
    description:
      - Path to a client certificate in PEM format, for tenants behind a proxy that asks for one. It may contain the private key as well.
      - If not set, the environment variable E(IMMUTA_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - Path to the private key of O(client_cert), if it is in a separate file.
    type: path
  timeout:
    description:
      - Seconds to wait for a connection, and between two pieces of an answer.
    type: float
    default: 30.0
  total_timeout:
    description:
      - Seconds that one API call may take in total, including its retries.
    type: float
    default: 120.0
  retries:
    description:
      - How often an API call is repeated at most after the connection broke, or Immuta answered 429, 502, 503, or 504.
      - A call that changes something is repeated only when it certainly did not reach Immuta, or on 429.
    type: int
    default: 4
requirements:
  - requests
notes:
  - Proxies are taken from the environment (E(HTTPS_PROXY), E(HTTP_PROXY), E(NO_PROXY)). A C(.netrc) file is not used.
  - In the user name and the password of a proxy, C(@), C(:), and C(/) must be encoded; other addresses must have neither.
  - For string options, an empty string means not set, so that answers of AWX and AAP surveys can be passed on. So does an empty environment
    variable.
  - String options accept text only. Without quotes, YAML reads V(1.10), V(0123), and V(yes) as 1.1, 83, and true, which are different
    names. So numbers, booleans, and lists are refused, also in lists of patterns.
  - Modules refuse secrets that have fewer than 8 characters, are a word of the results (such as V(finished) or V(snowflake)), or are part
    of another option, because Ansible replaces a secret with asterisks wherever it occurs in a result.
"""

    # For plugins that are no modules: what a module takes from the environment of its host, Ansible takes from its own.
    # Of several variables the last one in a list counts.
    PLUGIN = r"""
options:
  url:
    env:
      - name: IMMUTA_HOST
      - name: IMMUTA_BASE_URL
      - name: IMMUTA_URL
  api_key:
    env:
      - name: IMMUTA_API_TOKEN
      - name: IMMUTA_API_KEY
  auth_scheme:
    env:
      - name: IMMUTA_AUTH_SCHEME
  exchange_api_key:
    env:
      - name: IMMUTA_EXCHANGE_API_KEY
  client_cert:
    env:
      - name: IMMUTA_CLIENT_CERT
  allow_http:
    env:
      - name: IMMUTA_ALLOW_HTTP
  ca_path:
    env:
      - name: IMMUTA_CA_PATH
"""
