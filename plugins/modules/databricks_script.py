#!/usr/bin/python

# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: databricks_script
version_added: 0.2.0
short_description: Run an SQL script on Databricks, statement by statement
description:
  - Splits a script into statements, checks all of it, and runs the statements one after the other in one session. It stops at the first
    one that fails.
  - A script that can't be split with certainty (an open quote, an open block, an unknown syntax) is refused before anything is sent.
  - So is one with a placeholder of a template that was not filled in, for example C(${ROLE}), and one with a command that a client would
    run, not the platform (C(PUT), C(GET), C(REMOVE)).
  - What ran is recorded in a journal beside the script. A second run continues after the last statement that ran; of the statements that
    set up the session (C(USE), C(USE CATALOG), C(SET)), those that the rest needs are sent again first. A script that ran to its end is not
    run again.
  - A transaction that is open when a run stops is rolled back by Databricks, and the second run continues with the statement that opened
    it. If the rest needs something that ended with the session, such as a temporary view, the second run stops and says what to decide.
    RV(statements[].resumes_at) shows this beforehand. What a procedure does to the session is not known.
  - Unity Catalog commits data definitions at once. Otherwise nothing is rolled back when a statement fails.
  - A script that ends in an open transaction is refused.
  - The client's own retries of statements are switched off.
author:
  - The community.immuta contributors (@ansible-collections)
extends_documentation_fragment:
  - community.immuta.databricks
  - community.immuta.script
  - community.immuta.objects.list
  - community.immuta.attributes
  - community.immuta.attributes.actiongroup_databricks
attributes:
  check_mode:
    support: full
    details:
      - Splits the script and lists its statements. No connection is made, except with O(preflight=true), which signs in
        and looks.
      - A missing file at O(path) is taken for one that an earlier task would save, with a warning. RV(statements) is empty then.
  diff_mode:
    support: full
    details:
      - Lists the statements that have run, before and after, without their text.
  idempotent:
    support: partial
    details:
      - A script that ran to its end is not run again, as long as there is a journal. With O(script) there is none, unless O(journal) is set.
options:
  on_unknown:
    description:
      - What to do with a statement that an earlier run sent and whose outcome is unknown.
      - A statement that can be sent twice without harm (for example C(DROP ... IF EXISTS)) is sent again in any case.
      - With V(fail), it is looked up in the query history of the SQL warehouse. If it ran, the run continues after it; if it failed, it is
        sent again; if the history does not show it, the run stops before a statement of the script is sent.
      - V(rerun) sends it again without looking.
    type: str
    choices:
      - fail
      - rerun
    default: fail
seealso:
  - module: community.immuta.immuta_cleanup_script
  - name: Databricks SQL language reference
    description: The statements that a script may contain.
    link: https://docs.databricks.com/aws/en/sql/language-manual/
"""

EXAMPLES = r"""
- name: Check that the sign-in leads to the right place, and which of the script's objects exist
  community.immuta.databricks_script:
    host: dbc-a1b2345c-d6e7.cloud.databricks.com
    warehouse_id: 1234567890abcdef
    client_id: 5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77
    client_secret: "{{ vault_databricks_client_secret }}"
    path: /srv/immuta/prod-databricks.sql
    preflight: true
    expected_hosts: [dbc-a1b2345c-d6e7.cloud.databricks.com]
    missing_objects: fail
  register: checked

- name: Run what was checked (credentials from the environment)
  community.immuta.databricks_script:
    path: /srv/immuta/prod-databricks.sql
    expected_sha256: "{{ checked.sha256 }}"
  register: ran

- name: Show the query ids
  ansible.builtin.debug:
    msg: "{{ item.verb }} {{ item.object }} {{ item.name }}: {{ item.status }} {{ item.query_id }}"
  loop: "{{ ran.statements }}"
  loop_control:
    label: "{{ item.index }}"

- name: Check that nothing exists that a set-up script creates, since it may belong to another connection
  community.immuta.databricks_script:
    path: /srv/immuta/prod-databricks-setup.sql
    preflight: true
    look_for: created
    expected_hosts: [dbc-a1b2345c-d6e7.cloud.databricks.com]
  register: free

- name: Set up, and check that everything is there
  community.immuta.databricks_script:
    path: /srv/immuta/prod-databricks-setup.sql
    expected_sha256: "{{ free.sha256 }}"
    look_for: created
    verify: true
"""

RETURN = r"""
path:
  description: The script's file; V(none) for O(script).
  returned: success, if there is a script
  type: str
  sample: /srv/immuta/prod-databricks.sql
sha256:
  description: The script's digest; in check mode O(expected_sha256) if its file is not there yet.
  returned: success, if there is a script
  type: str
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
dialect:
  description: The SQL dialect that the script was split in.
  returned: success, if there is a script
  type: str
  sample: databricks
statements:
  description: The statements of the script, in order, without their text.
  returned: if there is a script that could be split, also on failure
  type: list
  elements: dict
  contains:
    index:
      description: Number of the statement, from 1.
      type: int
      sample: 12
    line:
      description: Line of the script on which it starts.
      type: int
      sample: 40
    start:
      description: Offset of its first character in the script, in characters of the decoded text, from 0.
      type: int
      sample: 1604
    length:
      description: Length of its text in characters, without the semicolon after it.
      type: int
      sample: 19
    verb:
      description: Its verb.
      type: str
      sample: DROP
    object:
      description: Kind of the object that it is about, if the statement shows it.
      type: str
      sample: CATALOG
    name:
      description: Name of that object, if the statement shows it.
      type: str
      sample: immuta
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
      sample: false
    unusual:
      description: Whether it has RV(statements[].marks), so that it is worth a look.
      type: bool
      sample: false
    marks:
      description:
        - Why the statement is unusual, a short text for each reason. Empty if it is not unusual.
        - Statements are marked if this list can't show their effect (blocks, C(EXECUTE IMMEDIATE), C(CALL), computed names), if they change
          the account or drop a part of an object, or if a clean-up script does not need them.
        - In these texts and in names, unprintable characters are written as escapes, such as C(\n).
      type: list
      elements: str
      sample: []
    resumes_at:
      description:
        - The statement with which the next run continues if a run stops at this one. Usually, this is the statement itself. In a
          transaction, which ends with its session, it is the one that opens it.
        - V(none) if the rest needs something of the session that a new one can't have, so that a person has to decide.
      type: int
      sample: 12
    status:
      description:
        - V(done) if this run ran it, V(skipped) if an earlier run did, V(replayed) if an earlier run did and it was sent again to set up
          the session, V(failed), V(unknown) if it was sent and the answer is missing, V(rolled_back) if it ran in a transaction that ended
          with the session, V(skipped_by_operator) if O(skip) left it out, V(not_needed) if it was refused because of
          what O(never_created) names, or V(not_run).
      type: str
      sample: done
    reason:
      description: Why it was left out.
      returned: if O(skip) left it out
      type: str
      sample: a colleague has dropped it
    query_id:
      description: Databricks' id of the statement.
      type: str
      sample: 01ef2a3b-0000-1000-8000-000000000001
    rowcount:
      description: How many rows it affected, if Databricks tells.
      type: int
      sample: 1
    seconds:
      description: How long it took.
      type: float
      sample: 0.21
    started:
      description: When it was sent, in UTC; V(none) if that is not known. So is RV(statements[].ended).
      type: str
      version_added: 0.2.0
      sample: "2026-01-01T00:00:00.000Z"
    ended:
      description: When it was answered.
      type: str
      version_added: 0.2.0
      sample: "2026-01-01T00:00:00.210Z"
    answer:
      description: Always V(none), since Databricks does not answer a C(DROP).
      type: str
executed:
  description: How many statements this run ran.
  returned: if there is a script that could be split, also on failure
  type: int
  sample: 14
total:
  description: How many statements the script has.
  returned: if there is a script that could be split, also on failure
  type: int
  sample: 14
resumed:
  description: Whether an earlier run ran some of them.
  returned: if there is a script that could be split, also on failure
  type: bool
  sample: false
paused:
  description: Whether it stopped before the end because of O(pause_after), without an error.
  returned: if there is a script that could be split, also on failure
  type: bool
  sample: false
session:
  description:
    - Host, HTTP path, catalog, and schema with which the session started, and its user if objects were looked for. Empty if none
      was opened.
  returned: success
  type: dict
  sample:
    host: dbc-a1b2345c-d6e7.cloud.databricks.com
    http_path: /sql/1.0/warehouses/1234567890abcdef
    catalog:
    schema:
objects:
  description:
    - With O(preflight), what the script removes and did not certainly create itself, as found on the platform; V(none) if there was no
      script to look at. These are the objects that it drops or unsets, the grants that it revokes, and the policies that it takes off.
    - With O(verify), what must be gone, as found after all statements ran.
    - With O(look_for=created), the objects that the script creates and does not drop later, before it and after it.
  returned: success and O(preflight), if it fails because of what is there, and with O(verify) when all statements have run
  type: list
  elements: dict
  contains:
    type:
      description:
        - V(object), V(grant), or V(policy).
        - V(policy) for a row filter or a column mask on a table.
      type: str
      sample: object
    kind:
      description: Kind of the object or policy; V(GRANT) for a grant.
      type: str
      sample: CATALOG
    name:
      description:
        - Its name, as in RV(statements[].name).
        - For a grant, what is granted to whom, for example C(SELECT ON TABLE sales.crm.customers TO analysts).
        - For a policy, what it is on, for example C(ON TABLE sales.crm.customers COLUMN email).
      type: str
      sample: immuta
    dropped:
      description: Whether it must be gone in the end. Otherwise the script only unsets something of it, brings it back, or creates it.
      type: bool
      sample: true
    present:
      description:
        - Whether it exists and is visible; V(none) if that is not known. RV(objects[].how) gives the reason.
        - V(false) is what the user sees. Only what the same user has seen before is certainly gone.
      type: bool
      sample: true
    owner:
      description: Its owner, if Databricks tells.
      type: str
      sample: 5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77
    created_on:
      description: When it was created, if Databricks tells.
      type: str
      sample: "2025-11-03T08:15:00+00:00"
    how:
      description: The read that showed it, or why there is none.
      type: str
      sample: "SELECT catalog_name, catalog_owner, created FROM system.information_schema.catalogs WHERE catalog_name = 'immuta'"
    query_id:
      description: Databricks's id of that read.
      type: str
      sample: 01b2c3d4-0000-0000-0000-000000000002
    roles:
      description: Empty, since no statement of Databricks takes a role.
      type: list
      elements: str
      sample: []
    made:
      description: Whether the script creates it, unless it exists.
      type: bool
      sample: false
    confirmed:
      description: Whether Databricks has answered that it has dropped it, or what contains it.
      type: bool
      sample: false
    existing:
      description:
        - What the script does to one that exists. It is V(kept) (C(IF NOT EXISTS)); it is V(altered) (C(OR ALTER)); it is destroyed and
          V(replaced) (C(OR REPLACE), or the script drops it first); or the new one is V(refused), so that the statement fails.
      type: str
      returned: with O(look_for=created)
      sample: kept
journal:
  description: The journal's path, and what it says now, V(none), V(partial), or V(finished).
  returned: success and not O(preflight)
  type: dict
  sample:
    path: /srv/immuta/prod-databricks.sql.journal
    state: finished
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
    code: statement_failed
    message: "Statement 12 (DROP CATALOG immuta, line 40) could not be run: [INSUFFICIENT_PERMISSIONS] Insufficient privileges."
    hint: "The user that runs the script lacks a privilege: grant it, or sign in as a metastore admin."
    errno:
    sqlstate: "42501"
    query_id: 01ef2a3b-0000-1000-8000-000000000001
    index: 12
    line: 40
    start: 1604
    length: 19
    verb: DROP
    object: CATALOG
    name: immuta
    session: false
    repeatable: false
    unusual: false
    marks: []
"""

from ansible_collections.community.immuta.plugins.module_utils._module import run
from ansible_collections.community.immuta.plugins.module_utils._sql import databricks
from ansible_collections.community.immuta.plugins.module_utils._work import script


def main() -> None:
    """Run the module."""
    run(
        lambda context: script.ensure_executed(context, databricks.Databricks),
        {
            **databricks.argument_spec(),
            **script.OPTIONS,
        },
        mutually_exclusive=script.MUTUALLY_EXCLUSIVE,
    )


if __name__ == "__main__":
    main()
