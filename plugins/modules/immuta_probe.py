#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: immuta_probe
version_added: 0.2.0
short_description: Record the form of an Immuta tenant's answers, without values
description:
  - Sends the reads that this collection uses, and some other documented ones, and records the status, the content type, and the shape of
    each answer in a file that can be shown to others.
  - A shape is a schema with the types of fields. It contains no values, except those of enumerations that Immuta documents, for example
    V(Snowflake) and V(enabled).
  - The names of fields are recorded if Immuta documents them. Any other name is recorded only if it looks like the name of a field, is in
    each of several objects, and is not part of a value. All others, such as names of users or connections, are left out.
  - Only reads are sent. Scripts are not fetched.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.immuta
  - community.immuta.attributes
  - community.immuta.attributes.actiongroup_immuta
attributes:
  check_mode:
    support: full
    details:
      - Sends the reads, but writes no file.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  path:
    description:
      - The file that is written, with the mode V(0600). Its folder is created if it is missing.
      - Only a file that this module wrote is replaced. The module checks that it can write the file before it sends anything.
    type: path
    required: true
  connection_key:
    description:
      - Key of one more connection to ask about. It is not recorded.
      - By default, one connection of each technology is asked about, as far as Immuta's list of connections can be read.
    type: str
  immuta_version:
    description:
      - Version of Immuta, for example V(2025.1), if Immuta's answers don't tell it.
    type: str
seealso:
  - module: community.immuta.immuta_connection_info
  - module: community.immuta.immuta_integration_info
"""

EXAMPLES = r"""
- name: Record what the tenant answers
  community.immuta.immuta_probe:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    path: /srv/immuta/immuta-probe.json

- name: Record it with the version (url and api_key from the environment)
  community.immuta.immuta_probe:
    path: /srv/immuta/immuta-probe.json
    immuta_version: "2025.1"
  register: recorded
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /srv/immuta/immuta-probe.json
requests:
  description: How many requests are recorded.
  returned: success
  type: int
  sample: 25
probe:
  description: What is in the file.
  returned: success
  type: dict
  contains:
    file:
      description: What kind of a file it is.
      type: str
      sample: probe of community.immuta
    format:
      description: The version of the format.
      type: int
      sample: 1
    version:
      description: The version of Immuta, if it is known.
      type: str
      sample: "2025.1"
    answers:
      description: The answers, in the order in which they came.
      type: list
      elements: dict
      contains:
        operation:
          description: Name of the operation.
          type: str
          sample: getConnection
        method:
          description: Its method.
          type: str
          sample: GET
        path:
          description: Its path, with placeholders.
          type: str
          sample: /data/connection/{connection_key}
        about:
          description: A technology, V(absent) for what is not there, V(given) for O(connection_key), the way to ask, or V(all).
          type: str
          sample: Snowflake
        status:
          description: The HTTP status; V(none) if no answer came.
          type: int
          sample: 200
        failure:
          description: A word for what went wrong, if no answer came, or one that can't be described.
          type: str
          sample: transport
        content_type:
          description: The content type; V(another) if the API should not have it.
          type: str
          sample: application/json
        body:
          description: What the body is, V(json), V(html), V(empty), V(other), or V(none) if no answer came.
          type: str
          sample: json
        shape:
          description: The shape of the JSON, in the terms of JSON Schema; C(examples) are values of documented enumerations.
          type: dict
          sample: {"type": ["object"], "properties": {"technology": {"type": ["string"], "examples": ["Snowflake"]}}, "required": ["technology"]}
timing:
  description: Start and end time of the module, in UTC.
  returned: always, unless an option is refused at once
  type: dict
  contains:
    started:
      description: Start time.
      type: str
      sample: "2026-01-31T12:00:00.000Z"
    ended:
      description: End time.
      type: str
      sample: "2026-01-31T12:00:00.250Z"
failure:
  description: What went wrong, for programs.
  returned: failure
  type: dict
  sample:
    code: authentication
    status: 401
    method: GET
    path: /integrations
    message: "Immuta does not accept the API key (401)."
    hint: "Check api_key (or IMMUTA_API_KEY): wrong, expired, or of another tenant."
"""

from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import probe


def main() -> None:
    """Run the module."""
    run(
        probe.ask,
        options.argument_spec(
            path={"type": "path", "required": True},
            connection_key={"type": "str", "no_log": False},
            immuta_version={"type": "str"},
        ),
    )


if __name__ == "__main__":
    main()
