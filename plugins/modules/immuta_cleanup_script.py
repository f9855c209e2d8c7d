#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: immuta_cleanup_script
version_added: 0.1.0
short_description: Keep the clean-up script of an Immuta integration in a file
description:
  - Asks Immuta for the script that removes what Immuta set up on Snowflake or Databricks, and saves it durably in a file. The file is
    written atomically with mode V(0600), synced, and read back.
  - Immuta can render the script only as long as the connection exists. Afterwards the file is the only copy, so save it B(before)
    the connection is deleted.
  - The first line of the file is an SQL comment that names tenant, connection, and integration, and has the digest of the rest. A file that
    does not start with such a line, or that belongs to something else, is never overwritten.
  - A script that is replaced is kept beside the new one, with C(.1) to C(.3) appended to the path. An answer that is an error, a web page,
    or prose never replaces a script. A finished one, of a connection that was registered again, is set aside with its journal.
  - Immuta may regenerate a lost script from O(integration_config). Its first line, RV(source), and a warning say so. Read it first.
  - Fails with the code V(no_cleanup_script) for technologies that have no script, and names what may be left on the platform.
  - An integration that another connection names as well is refused. So is a place where another integration is in use; see O(same_place).
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.immuta
  - community.immuta.configuration
  - community.immuta.attributes
  - community.immuta.attributes.actiongroup_immuta
attributes:
  check_mode:
    support: full
    details:
      - The script is fetched, but not saved.
      - With O(state=executed), a missing file at O(path) is taken for one that an earlier task would save, with a warning.
  diff_mode:
    support: full
    details:
      - Shows digest, size, and mode of the file, and what each statement is about, without the text of the script. To see that, too, set
        O(diff_text=true).
  idempotent:
    support: full
options:
  connection_key:
    description:
      - Key of the connection whose script is wanted. The integration behind it is looked up.
      - With O(state=present), exactly one of O(connection_key) and O(integration_id) is needed.
    type: str
  integration_id:
    description:
      - Id of the integration whose script is wanted.
    type: int
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
      - V(present) means that the script is in the file. If Immuta can't render it any more, a file that was saved earlier counts.
      - V(executed) records that the saved script was run by other means, for example by hand. Nothing is sent to Immuta.
      - V(absent) means that neither the file nor the journal beside it exists, nor the scripts that it replaced. Nothing is sent to Immuta.
    type: str
    choices:
      - present
      - executed
      - absent
    default: present
  expected_sha256:
    description:
      - RV(sha256) of the script that was approved.
      - If it differs, the task fails and the file stays as it is.
    type: str
  empty_script:
    description:
      - What to do with a script that contains no statement, only comments or nothing at all.
      - V(fail) refuses it and leaves the file as it is, since an error in Immuta is likely.
      - V(accept) saves it. There is nothing to run then.
    type: str
    choices:
      - fail
      - accept
    default: fail
    version_added: 0.2.0
  script_required:
    description:
      - Whether the task fails if there is no script, because the technology has none (the code V(no_cleanup_script)), or because the
        connection is gone and no script was saved (V(script_lost)). If V(false), the task succeeds, and RV(failure) says why there is none.
    type: bool
    version_added: 0.2.0
    default: true
  without_script:
    description:
      - Whether to treat the technology as one without a clean-up script if that is not known, as with V(Redshift), V(Teradata), and names
        that this collection does not know, and Immuta renders no script. The task then fails with the code V(no_cleanup_script), as with a
        technology that has none, instead of V(script_unknown).
      - It changes nothing if Immuta renders a script.
    type: bool
    version_added: 0.2.0
    default: false
  diff_text:
    description:
      - Whether the diff shows the text of the script instead of the list of its statements.
      - Credentials are masked by the words before them and by their form. One that has neither, such as a password in the middle of a
        procedure's arguments, is shown. Don't set this where others read the output.
    type: bool
    default: false
    version_added: 0.2.0
seealso:
  - module: community.immuta.snowflake_script
  - module: community.immuta.immuta_connection
"""

EXAMPLES = r"""
- name: Save the script of a connection
  community.immuta.immuta_cleanup_script:
    url: "{{ immuta_url }}"
    api_key: "{{ immuta_api_key }}"
    connection_key: prod snowflake
    path: /srv/immuta/prod-snowflake.sql
  register: script

- name: Show what it would do
  ansible.builtin.debug:
    msg: "line {{ item.line }}: {{ item.verb }} {{ item.object }} {{ item.name }}"
  loop: "{{ script.statements }}"
  loop_control:
    label: "{{ item.index }}"

- name: Record that a colleague has run it
  community.immuta.immuta_cleanup_script:
    path: /srv/immuta/prod-snowflake.sql
    state: executed
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /srv/immuta/prod-snowflake.sql
exists:
  description: Whether the script is in its file after the task; V(false) in check mode if it is not there yet.
  returned: success and O(state=present)
  type: bool
  sample: true
sha256:
  description: Digest of the whole file, as C(sha256sum) prints it. In check mode, O(expected_sha256) if there is no file yet.
  returned: success and not O(state=absent)
  type: str
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
size:
  description: Size of the file in bytes.
  returned: success and O(state=present)
  type: int
  sample: 2048
source:
  description:
    - V(immuta) if Immuta rendered the script for the integration, V(saved) if it can't any more and the saved file counts.
    - V(regenerated) if Immuta rendered it from RV(integration_config) alone, now or when the file was saved.
  returned: success and O(state=present)
  type: str
  sample: immuta
tenant:
  description: Address of the tenant that the script comes from.
  returned: success and O(state=present)
  type: str
  version_added: 0.2.0
  sample: https://example.hosted.immutacloud.com
connection_key:
  description: Key of the connection that the script belongs to; V(none) if it was asked for by O(integration_id).
  returned: success and O(state=present)
  type: str
  sample: prod snowflake
connection_exists:
  description: Whether the connection exists in Immuta; V(none) if it was not asked for.
  returned: success and O(state=present)
  type: bool
  sample: true
integration_id:
  description: Id of the integration that the script belongs to; V(none) if it is not known for a regenerated one.
  returned: success and O(state=present)
  type: int
  sample: 5
integration_status:
  description: Status of the integration, in Immuta's words; V(none) if Immuta did not describe it.
  returned: success and O(state=present), if there is a script
  type: str
  version_added: 0.2.0
  sample: enabled
technology:
  description: The data platform, as Immuta calls it.
  returned: success and O(state=present)
  type: str
  sample: Snowflake
integration_config:
  description: The harmless part of the integration's configuration, which the file keeps; V(none) if an older version saved it.
  returned: success and O(state=present)
  type: dict
  version_added: 0.2.0
  sample: {type: Snowflake, id: 5, host: myorg-myaccount.snowflakecomputing.com, database: IMMUTA}
platform_hosts:
  description:
    - Hosts of the data platform that the script is for, as the connection and its integration name them; those in the file if Immuta
      can't render the script any more.
  returned: success and O(state=present)
  type: list
  version_added: 0.2.0
  elements: str
  sample: [myorg-myaccount.snowflakecomputing.com]
dialect:
  description: SQL dialect of the script, V(snowflake) or V(databricks); V(none) for other technologies, whose scripts are saved only.
  returned: success and O(state=present)
  type: str
  sample: snowflake
statements:
  description: The statements of the script, in order, without their text.
  returned: success and O(state=present)
  type: list
  elements: dict
  contains:
    index: {description: "Number of the statement, from 1.", type: int, sample: 12}
    line: {description: "Line of the file on which it starts.", type: int, sample: 40}
    start:
      description: Offset of its first character in the file, in characters of the decoded text, from 0.
      type: int
      sample: 1604
    length: {description: "Length of its text in characters, without the semicolon after it.", type: int, sample: 28}
    verb: {description: "Its verb.", type: str, sample: DROP}
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
          the account or drop a part of an object, or if a clean-up script does not need them.
        - So are statements that drop, unset, or revoke rights on an object that may not be the integration's own. Its own objects are those
          that its configuration names, if Immuta still returns it or the file keeps it, and those that Immuta documents.
        - And those with RV(statements[].needed_by).
        - In these texts and in names, unprintable characters are written as escapes, such as C(\n).
      type: list
      elements: str
      sample: []
    needed_by:
      description:
        - Which other integrations in use, and connections, on the platform sign in with, or need, what the statement takes away, as far as Immuta
          tells; none for a script that has run. The role P(community.immuta.deregister_connection#role) refuses such a script, the module does not.
      type: list
      elements: str
      version_added: 0.2.0
      sample: ["the integration 7"]
empty:
  description: Whether the script contains no statement, only comments or nothing at all.
  returned: success and O(state=present)
  type: bool
  version_added: 0.2.0
  sample: false
split_error:
  description:
    - Why the script can't be split into statements that the modules of this collection run, with C(line) and C(column); V(none) if it can.
    - The reason may also be a placeholder that was not filled in, a client command (V(PUT), V(GET), V(!name)), or the execution of another
      script (V(EXECUTE IMMEDIATE FROM)).
    - The script is saved anyway.
  returned: success and O(state=present)
  type: dict
  sample:
kept:
  description: Where the replaced or finished script is kept, or would be in check mode; V(none) if none is replaced.
  returned: success and O(state=present)
  type: str
  version_added: 0.2.0
  sample: /srv/immuta/prod-snowflake.sql.1
kept_finished:
  description: Whether RV(kept) is the finished script of the connection's former integration.
  returned: success and O(state=present)
  type: bool
  version_added: 0.2.0
  sample: false
set_up_since:
  description:
    - A set-up script in the same folder for the same place that has run since this one was finished, as C(path), C(state), C(done), and
      C(total); V(none) if there is none. What this one removed is there again.
  returned: success and O(state=present)
  type: dict
  version_added: 0.2.0
  sample:
execution:
  description: What the journal beside the file says about earlier runs of the script.
  returned: success and not O(state=absent)
  type: dict
  contains:
    state: {description: "V(none), V(partial), or V(finished).", type: str, sample: none}
    done: {description: "How many statements have run.", type: int, sample: 0}
    total: {description: "How many statements there are; V(none) if nothing has run.", type: int, sample: 14}
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
    skipped:
      description: The statements that a person left out, with the option O(community.immuta.snowflake_script#module:skip).
      type: list
      elements: dict
      contains:
        index: {description: "Number of the statement, from 1.", type: int, sample: 7}
        reason: {description: Why it was left out., type: str, sample: a colleague has dropped it}
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
  version_added: 0.2.0
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
  description:
    - What went wrong, for programs.
    - With V(script_lost), C(integration_config) is what is known of the configuration, and C(similar_keys) or C(by_hand) what to do.
  returned: failure, and without O(script_required) if there is no script
  type: dict
  sample:
    code: script_lost
    message: Immuta does not know the connection 'prod snowflake', and there is no saved clean-up script at path.
    hint: Did you mean 'Prod Snowflake'?
    tenant: https://example.hosted.immutacloud.com
"""

from ansible_collections.community.immuta.plugins.module_utils._immuta import options
from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._work import cleanup_script


def main() -> None:
    """Run the module."""
    run(
        cleanup_script.ensure,
        options.argument_spec(
            connection_key={"type": "str", "no_log": False},
            integration_id={"type": "int"},
            path={"type": "path", "required": True},
            state={"type": "str", "choices": ["present", "executed", "absent"], "default": "present"},
            expected_sha256={"type": "str"},
            empty_script={"type": "str", "choices": ["fail", "accept"], "default": "fail"},
            script_required={"type": "bool", "default": True},
            without_script={"type": "bool", "default": False},
            same_place={"type": "str", "choices": ["fail", "accept"], "default": "fail"},
            diff_text={"type": "bool", "default": False},
            integration_config={"type": "dict"},
        ),
        harmless={"integration_config": cleanup_script.may_be_shown},
        mutually_exclusive=[("connection_key", "integration_id")],
        required_if=[("state", "present", ("connection_key", "integration_id"), True)],
    )


if __name__ == "__main__":
    main()
