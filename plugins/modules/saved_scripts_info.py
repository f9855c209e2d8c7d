#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: saved_scripts_info
version_added: 0.2.0
short_description: List saved clean-up scripts, and how far each has run
description:
  - Lists the clean-up scripts that M(community.immuta.immuta_cleanup_script) and the role
    P(community.immuta.deregister_connection#role) have saved in a folder, and what their journals say.
  - A file that other users may have written, that was changed, or that is not a saved script is listed with a RV(scripts[].problem), and
    nothing in it is trusted. Its text is never returned.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.attributes
  - community.immuta.attributes.info_module
options:
  path:
    description:
      - The folder, for example that of the variable C(immuta_deregister_script_dir). A missing folder counts as empty; see RV(exists).
    type: path
    required: true
seealso:
  - module: community.immuta.immuta_cleanup_script
"""

EXAMPLES = r"""
- name: List the scripts of a folder
  community.immuta.saved_scripts_info:
    path: /srv/immuta
  register: saved

- name: List the scripts of another folder
  community.immuta.saved_scripts_info:
    path: /srv/immuta/others

- name: Show which removals are unfinished
  ansible.builtin.debug:
    msg: "{{ saved.scripts | rejectattr('state', '==', 'finished') | map(attribute='connection_key') }}"
"""

RETURN = r"""
path:
  description: The folder.
  returned: success
  type: str
  sample: /srv/immuta
exists:
  description: Whether the folder exists.
  returned: success
  type: bool
  sample: true
scripts:
  description: The files with the suffix C(.sql), ordered by name.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
      sample: /srv/immuta/prod%20snowflake.sql
    connection_key:
      description: Key of the connection; V(none) if the script was asked for by its integration, or is not trusted.
      type: str
      sample: prod snowflake
    integration_id:
      description: Id of the integration.
      type: int
      sample: 5
    technology:
      description: The data platform, as Immuta calls it.
      type: str
      sample: Snowflake
    tenant:
      description: Address of the tenant.
      type: str
      sample: https://example.hosted.immutacloud.com
    state:
      description: What the journal says, V(none) if nothing has run, V(partial), or V(finished); none if it is not trusted.
      type: str
      sample: partial
    done:
      description: How many statements have run.
      type: int
      sample: 3
    total:
      description: How many statements the script has; none as long as nothing has run.
      type: int
      sample: 14
    problem:
      description: Why the script or its journal is not trusted; none if it is.
      type: str
      sample: null
journals:
  description: The journals in the folder whose script is not there.
  returned: success
  type: list
  version_added: 0.2.0
  elements: str
  sample: [/srv/immuta/prod%20databricks.setup.sql.journal]
setup_scripts:
  description: The set-up scripts among these files, which are not in RV(scripts), ordered by name.
  returned: success
  type: list
  elements: dict
  version_added: 0.2.0
  contains:
    path:
      description: The file.
      type: str
      sample: /srv/immuta/prod%20snowflake.setup.sql
    tenant:
      description: Address of the tenant.
      type: str
      sample: https://example.hosted.immutacloud.com
    technology:
      description: The data platform, as Immuta calls it.
      type: str
      sample: Snowflake
    integration_config:
      description:
        - The harmless part of what the script was asked for with, with the fields that
          RV(community.immuta.immuta_integration_info#module:integrations[].integration_config) has; none if it is not trusted.
          C(id) is there only if the script changes an integration.
      type: dict
      sample: {type: Snowflake, host: example.snowflakecomputing.com, database: IMMUTA, role: IMMUTA_SYSTEM}
    sha256:
      description: Digest of the file; none if it is not trusted.
      type: str
      sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    state:
      description: What the journal says, V(none) if nothing has run, V(partial), or V(finished); none if it is not trusted.
      type: str
      sample: partial
    done:
      description: How many statements have run.
      type: int
      sample: 3
    total:
      description: How many statements the script has; none as long as nothing has run.
      type: int
      sample: 14
    problem:
      description: Why the script or its journal is not trusted; none if it is.
      type: str
      sample: null
    acted:
      description:
        - Whether a statement has run, or may have, that does more than change the session; none if that is not known.
      type: bool
      sample: true
    creates:
      description:
        - What the script creates and does not drop later, with what its journal tells; none if the script can't be split, or is not trusted.
      type: list
      elements: dict
      contains:
        kind:
          description: Kind of the object.
          type: str
          sample: DATABASE
        name:
          description: Name of the object.
          type: str
          sample: IMMUTA
        created:
          description: Whether a statement that creates it has run; none if that is not known, or only a person says so.
          type: bool
          sample: true
        before:
          description: Whether it was there before the script's first statement; none if that is not known.
          type: bool
          sample: false
    grants:
      description: What the script grants, with what its journal tells; none where RV(setup_scripts[].creates) is none.
      type: list
      elements: dict
      contains:
        name:
          description: The privilege, the object, and the grantee.
          type: str
          sample: USAGE ON DATABASE SALES TO ROLE IMMUTA_SYSTEM
        granted:
          description: Whether the C(GRANT) has run; none if that is not known, or only a person says so.
          type: bool
          sample: true
    execution:
      description:
        - What its journal says of its runs, as RV(community.immuta.immuta_setup_script#module:execution) has it; none if it is not trusted.
      type: dict
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
    code: invalid_option
    message: "The folder /srv/immuta of the option path can't be read: Permission denied."
    hint: ""
"""

from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import saved_scripts


def main() -> None:
    """Run the module."""
    run(saved_scripts.info, saved_scripts.OPTIONS)


if __name__ == "__main__":
    main()
