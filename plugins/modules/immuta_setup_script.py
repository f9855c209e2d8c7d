#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: immuta_setup_script
version_added: 0.2.0
short_description: Keep the set-up script of an Immuta integration in a file
description:
  - Asks Immuta for the script that sets up Snowflake or Databricks for a new integration, or for a changed one, and saves it durably in a
    file. The file is written atomically with mode V(0600), synced, and read back.
  - In some versions of Immuta the script holds a password that Immuta has made, and that can be read nowhere else. So once the script has
    started to run, it is never replaced, and its text is never shown.
  - A saved script is kept, and Immuta is not asked, as long as it is for the same O(config), apart from secrets. Each script that
    Immuta renders may hold another password. To replace one that has not started to run, set O(force=true).
  - A place (host, and database or catalog) where an integration is in use gets no script for a new one.
  - The first line of the file is an SQL comment that says what the script is for, without secrets, and has the digest of the rest. A file
    that does not start with such a line, is for something else, or was edited, is never overwritten.
  - Run the script with M(community.immuta.snowflake_script) or M(community.immuta.databricks_script), which keep a journal beside it.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.immuta
  - community.immuta.credential.optional_place
  - community.immuta.attributes
  - community.immuta.attributes.actiongroup_immuta
attributes:
  check_mode:
    support: full
    details:
      - The script is fetched, but not saved. The one that is saved later may have another digest.
  diff_mode:
    support: full
    details:
      - Shows digest, size, and mode of the file, and the number of its statements. Nothing shows its text.
  idempotent:
    support: full
    details:
      - Except with O(force=true) and O(state=present).
options:
  path:
    description:
      - The file. Missing folders are created with mode V(0700).
      - It must outlive the run of the playbook. In a container, name a mounted folder. RV(durability) says what is known about that.
      - The file, its journal, and every folder above them must belong to the user of the task or to root, and nobody else may write to them,
        unless a folder has the sticky bit. Anything else is refused, as ssh refuses a key.
      - The file system must support locks. Runs that save a script at the same path wait for each other.
    type: path
    required: true
  state:
    description:
      - V(present) means that the script is in the file.
      - V(executed) records in the journal beside the file that a person has run the script. Nothing is sent to Immuta.
      - V(absent) means that neither the file nor the journal beside it exists. Unless the journal says that this script has run to its end,
        O(force=true) is needed. Nothing is sent to Immuta.
    type: str
    choices:
      - present
      - executed
      - absent
    default: present
  technology:
    description:
      - The data platform. Required with O(state=present), unless O(snowflake.host) or O(databricks.host) is set.
    type: str
    choices:
      - Snowflake
      - Databricks
  integration_id:
    description:
      - Id of an integration that is to be changed. Immuta is then asked for the script that changes it.
      - If not set, the script is for a new integration.
    type: int
  config:
    description:
      - The configuration of the integration, by the names that its fields have in the C(config) object of Immuta's API. Required with
        O(state=present), unless O(snowflake.host) or O(databricks.host) is set. Then it adds fields that no suboption makes.
      - For Snowflake, C(host) and C(database) are needed, and Immuta documents C(port), C(warehouse), C(role), C(audit), and
        C(impersonation), too. For Databricks, C(workspaceUrl) and C(catalog) are needed, and Immuta documents C(httpPath),
        C(groupPattern), and C(audit), too.
      - C(database) and C(catalog) are what the script makes. They must not exist yet.
      - The credential with which Immuta is to sign in comes from O(snowflake) or O(databricks). Other credentials may be given here. A
        field that a suboption makes can't be given here as well. Where Immuta makes the account and its password itself, none is needed.
      - A field that is not documented counts as a secret, and is not shown. If only a secret has changed, a saved script counts as the same.
    type: dict
  expected_sha256:
    description:
      - RV(sha256) of the script that was approved. If it differs, the task fails and the file stays as it is.
    type: str
  force:
    description:
      - With O(state=present), whether to ask Immuta for the script again, and to replace a saved one for the same O(config). One that has
        started to run is not replaced; the task fails.
      - With O(state=absent), whether to remove a script that has not run to its end.
    type: bool
    default: false
seealso:
  - module: community.immuta.snowflake_script
  - module: community.immuta.databricks_script
  - module: community.immuta.immuta_cleanup_script
"""

EXAMPLES = r"""
- name: Save the script that sets up Snowflake
  community.immuta.immuta_setup_script:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    path: /srv/immuta/set-up-snowflake.sql
    snowflake:
      host: myorg-myaccount.snowflakecomputing.com
      warehouse: COMPUTE_WH
      role: IMMUTA_ROLE
      database: IMMUTA_NEW
      key_pair:
        username: IMMUTA_SYSTEM_ACCOUNT
        private_key_file: /run/secrets/immuta.p8
  register: script

- name: Show what it would make
  ansible.builtin.debug:
    msg: "{{ item.object }} {{ item.name }}"
  loop: "{{ script.statements | selectattr('verb', '==', 'CREATE') }}"

- name: Run it
  community.immuta.snowflake_script:
    path: "{{ script.path }}"
    expected_sha256: "{{ script.sha256 }}"
    expected_hosts: "{{ script.platform_hosts }}"

- name: Remove it, after it has run to its end
  community.immuta.immuta_setup_script:
    path: "{{ script.path }}"
    state: absent
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /srv/immuta/set-up-snowflake.sql
exists:
  description: Whether the file exists after the task; V(false) in check mode if it does not exist yet.
  returned: success and O(state=present)
  type: bool
  sample: true
sha256:
  description: Digest of the whole file, as C(sha256sum) prints it.
  returned: success and O(state=present)
  type: str
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
size:
  description: Size of the file in bytes.
  returned: success and O(state=present)
  type: int
  sample: 2048
source:
  description: V(immuta) if Immuta has rendered it in this task, V(saved) if it was saved before.
  returned: success and O(state=present)
  type: str
  sample: immuta
tenant:
  description: Address of the tenant that the script comes from.
  returned: success and O(state=present)
  type: str
  sample: https://example.hosted.immutacloud.com
technology:
  description: The data platform.
  returned: success and O(state=present)
  type: str
  sample: Snowflake
dialect:
  description: SQL dialect of the script, V(snowflake) or V(databricks).
  returned: success and O(state=present)
  type: str
  sample: snowflake
integration_id:
  description: Id of the integration that the script changes; V(none) for a new one.
  returned: success and O(state=present)
  type: int
  sample: 5
config:
  description: The part of the configuration that is certainly no secret. The file keeps it.
  returned: success and O(state=present)
  type: dict
  sample: {host: myorg-myaccount.snowflakecomputing.com, port: 443, database: IMMUTA_NEW, authenticationType: keyPair}
platform_hosts:
  description: Hosts of the data platform that the script is for.
  returned: success and O(state=present)
  type: list
  elements: str
  sample:
    - myorg-myaccount.snowflakecomputing.com
statements:
  description: The statements of the script, in order, without their text.
  returned: success and O(state=present)
  type: list
  elements: dict
  contains:
    index:
      description: Number of the statement, from 1.
      type: int
      sample: 12
    line:
      description: Line of the file on which it starts.
      type: int
      sample: 40
    start:
      description: Offset of its first character in the file, in characters of the decoded text, from 0.
      type: int
      sample: 1604
    length:
      description: Length of its text in characters, without the semicolon after it.
      type: int
      sample: 28
    verb:
      description: Its verb.
      type: str
      sample: DROP
    object:
      description: Kind of the object that it is about, if the statement shows it.
      type: str
      sample: DATABASE
    name:
      description: Name of that object, if the statement shows it.
      type: str
      sample: IMMUTA
    grantee:
      description: Kind and name of the grantee of a C(GRANT) or C(REVOKE), if the statement shows it; else empty.
      type: str
      sample: ""
    privileges:
      description: The privileges that it grants or revokes; empty for a role, and for a statement that does neither.
      type: str
      sample: ""
    action:
      description: What an C(ALTER) does, in its first words; V(CASCADE) or V(RESTRICT) of a C(DROP) or C(REVOKE); else empty.
      type: str
      sample: ""
    session:
      description: Whether it changes only the session that it runs in.
      type: bool
      sample: false
    repeatable:
      description: Whether it can certainly be sent a second time without harm.
      type: bool
      sample: true
    resumes_at:
      description:
        - The statement with which the next run continues if a run stops at this one. Usually, this is the statement itself. In a
          transaction, which ends with its session, it is the one that opens it.
        - V(none) if the rest needs something of the session that a new one can't have, so that a person has to decide.
      type: int
      sample: 12
    unusual:
      description: Whether it has RV(statements[].marks), so that it is worth a look.
      type: bool
      sample: false
    marks:
      description:
        - Why the statement is unusual, a short text for each reason. Empty if it is not unusual.
        - Statements are marked if this list can't show their effect (blocks, C(EXECUTE IMMEDIATE), C(CALL), computed names), if they change
          the account or drop a part of an object, or if a set-up script does not need them.
        - That the script creates objects is not unusual, and neither is that it gives rights to what it creates, or to the role, user, or
          service principal of O(config).
        - In these texts and in names, unprintable characters are written as escapes, such as C(\n).
      type: list
      elements: str
      sample: []
split_error:
  description:
    - Why the script can't be split into statements that the modules of this collection run, with C(line) and C(column); V(none) if it can.
    - The script is saved anyway.
  returned: success and O(state=present)
  type: dict
  sample:
execution:
  description: What the journal beside the file says about earlier runs of the script.
  returned: success and O(state=present)
  type: dict
  contains:
    state:
      description: V(none), V(partial), or V(finished).
      type: str
      sample: none
    done:
      description: How many statements have run.
      type: int
      sample: 0
    total:
      description: How many statements there are; V(none) if nothing has run.
      type: int
      sample: 6
    answers:
      description: What the platform answered to each statement that has run; V(none) for what it did not tell.
      type: list
      elements: dict
      contains:
        index: {description: "Number of the statement, from 1.", type: int, sample: 1}
        query_id: {description: "The platform's id of the query.", type: str, sample: 01b2c3d4-0001-a2b3-0000-000100020003}
        rowcount: {description: "Number of rows.", type: int, sample: 1}
        seconds: {description: "How long it took.", type: float, sample: 0.125}
        started: {description: "When it was sent, in UTC.", type: str, sample: "2026-01-01T00:00:00.000Z"}
        ended: {description: "When it was answered.", type: str, sample: "2026-01-01T00:00:00.125Z"}
        answer: {description: "The answer to a C(DROP), for example whether the object was there.", type: str, sample: IMMUTA dropped.}
    runs:
      description: The runs that have sent a statement, with C(started) and C(ended), in UTC, and the C(session), if that is known.
      type: list
      elements: dict
    before:
      description: What was found on the platform before the first statement, as C(objects) and C(session), if that is known.
      type: dict
    after:
      description: The same of the look after the last statement.
      type: dict
durability:
  description: Whether the file outlives the run, as far as the host that keeps it can tell.
  returned: success and O(state=present)
  type: dict
  contains:
    lasting:
      description:
        - V(lasting), V(dies), or V(unknown).
        - V(dies) in memory, in a container's own files, and where a job of AWX, GitHub Actions, or GitLab CI removes the file at its end.
      type: str
      sample: dies
    why:
      description: The reason.
      type: str
      sample: /dev/shm is kept in memory (tmpfs)
    mount:
      description: Where the file's file system is mounted; V(none) if the mount table can't be read.
      type: str
      sample: /dev/shm
    filesystem:
      description: Its type; V(none) if the mount table can't be read.
      type: str
      sample: tmpfs
timing:
  description: Start and end time of the module, in UTC.
  returned: always, unless an option is refused at once
  type: dict
  version_added: 0.2.0
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
    code: script_started
    status: null
    method: null
    path: null
    message: "The script at /srv/immuta/set-up-snowflake.sql has started to run, so it is not replaced."
    hint: Leave force out, and run the script to its end.
"""

from ansible_collections.community.immuta.plugins.module_utils._immuta import credential, options
from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import setup_script


def main() -> None:
    """Run the module."""
    run(
        setup_script.ensure,
        options.argument_spec(
            path={"type": "path", "required": True},
            state={"type": "str", "choices": ["present", "executed", "absent"], "default": "present"},
            technology={"type": "str", "choices": ["Snowflake", "Databricks"]},
            integration_id={"type": "int"},
            config={"type": "dict", "no_log": True},
            **credential.argument_spec(place=True, required=False),
            expected_sha256={"type": "str"},
            force={"type": "bool", "default": False},
        ),
        shown={"config": credential.shown},
    )


if __name__ == "__main__":
    main()
