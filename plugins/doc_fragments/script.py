# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the options of the modules that run a script."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as C(community.immuta.script)."""

    DOCUMENTATION = r"""
options:
  path:
    description:
      - Path to the script, in UTF-8.
      - It and its journal, and every folder above them, must belong to the user of the task or to root, and nobody else may write to them,
        unless a folder has the sticky bit. Anything else is refused, as ssh refuses a key.
      - Unless O(preflight=true), exactly one of O(path) and O(script) is needed.
    type: path
  script:
    description:
      - The script itself. No record is kept of what ran, unless O(journal) is set.
      - It may contain credentials, so its text is not logged or shown.
    type: str
  expected_sha256:
    description:
      - Digest of the script that was approved, as C(sha256sum) prints it. If it differs, nothing is sent.
    type: str
  journal:
    description:
      - Path to the journal. If not set, O(path) with C(.journal) appended.
      - A symbolic link, or a file that is something else, is refused and stays as it is.
      - While a run uses it, another run with the same journal is refused.
    type: path
  preflight:
    description:
      - Whether only to check the script, if there is one, to sign in, and to look whether what the script removes exists. That is the
        objects that it drops or unsets, the grants that it revokes, and the policies that it takes off.
      - Looking only reads, and sends nothing of the script's own text. It switches to the roles that the script uses, since a role does not
        find what it may not see.
      - One list covers many grants. At most 200 reads are sent for grants and policies; for the rest, RV(objects[].how) says that it was
        not looked for. Looking for policies on Snowflake needs a warehouse.
      - With O(look_for=created), what the script creates is looked for instead.
      - If there is no script yet, O(objects) says what to look for.
    type: bool
    default: false
  expected_hosts:
    description:
      - Hosts of the platform that the script is for, for example V(myorg-myaccount.snowflakecomputing.com). All forms of the vendors' host
        names are known. After the sign-in, and before a statement of the script is sent, the session is asked where it is.
      - If one of the hosts leads elsewhere, the module fails with the code C(wrong_platform). If it is not known whether any of them leads
        there, as with your own host name, it fails with C(platform_unknown).
      - If not set, the script is for whatever platform the other options name.
    type: list
    version_added: 0.2.0
    elements: str
  look_for:
    description:
      - What to look for with O(preflight) and O(verify).
      - V(removed) is for a script that cleans up, and looks for what it removes.
      - V(created) is for a script that sets up. It looks for the objects that the script creates (C(CREATE)) and does not drop later.
        Temporary objects, and grants, are not looked for.
    type: str
    version_added: 0.2.0
    choices:
      - created
      - removed
    default: removed
  existing_objects:
    description:
      - What to do with O(preflight=true) and O(look_for=created) if something that the script creates, or one of O(objects), exists already.
        It may belong to another connection.
      - V(fail) fails with the code C(objects_exist), unless a statement of the script has run, or may have. Nothing is sent.
      - V(accept) is for objects that the script is to use. RV(objects[].existing) shows what it does to each.
    type: str
    version_added: 0.2.0
    choices:
      - accept
      - fail
    default: fail
  missing_objects:
    description:
      - What to do with O(preflight=true) and O(look_for=removed) if none of the objects that the script drops or unsets exists, or, for a
        script without objects, none of the grants and policies.
      - V(fail) fails with the code C(objects_missing), unless a part of the script has run.
    type: str
    version_added: 0.2.0
    choices:
      - accept
      - fail
    default: accept
  verify:
    description:
      - Whether to look again, in the same session, after all statements ran. If something that the script drops, revokes, or takes off is
        still there, and the script has not given it back, the module fails with the code C(objects_left), and the next run only looks
        again.
      - With O(look_for=created), the module fails with the code C(objects_not_made) if an object that the script creates is not there.
      - What the session may not see counts neither as gone nor as there; RV(objects) says so.
    type: bool
    version_added: 0.2.0
    default: false
  found_before:
    description:
      - The result of this module with O(preflight=true). Its RV(objects) and RV(session) are written to a new journal before the first
        statement, so that what was there before is known even if this run is killed.
    type: dict
    version_added: 0.2.0
  expected_session:
    description:
      - The RV(session) with which the script was planned and approved. Its account or host, user, and role are compared with those of
        this run before a statement of the script is sent; O(other_session) says what to do if they differ.
    type: dict
    version_added: 0.2.0
  other_session:
    description:
      - What to do if the session is not O(expected_session), or, for a script that has run in part, not that of the run before. The
        journal has its account or host, user, and role.
      - V(fail) fails with the code C(session_changed) before a statement of the script is sent.
      - Nothing is compared when all statements have run, so another role may look again.
    type: str
    version_added: 0.2.0
    choices:
      - accept
      - fail
    default: fail
  pause_after:
    description:
      - Seconds after which to stop before the next statement, so that a playbook can report progress. Run the module again until RV(paused)
        is false. If not set, the script is run to its end.
      - There is no pause where the rest may depend on the session, for example in a transaction, while something temporary is needed,
        or after the call of a procedure.
    type: float
    version_added: 0.2.0
  never_created:
    description:
      - For a script that cleans up after a script that has not run to its end. What that one has never created, and what is not there.
      - A statement that the platform refuses because something does not exist, and that is about one of these, or about what is in one
        of them, is not needed. RV(statements[].answer) says so, and the run goes on. Any other refusal ends the run.
      - Statements that change the session, such as C(USE), are always needed.
    type: list
    version_added: 0.2.0
    elements: dict
    suboptions:
      kind:
        description: Its kind, as RV(statements[].object) has it, for example V(DATABASE).
        type: str
        required: true
      name:
        description: Its full name, as RV(statements[].name) has it.
        type: str
        required: true
  skip:
    description:
      - Statements to leave out, for example one that can no longer succeed. The journal records them, with the reason.
      - For a statement that has run, it means that later ones don't need what it did to its session.
    type: list
    version_added: 0.2.0
    elements: dict
    suboptions:
      statement:
        description: Number of the statement, RV(statements[].index).
        type: int
        required: true
      sha256:
        description: Digest of the script, RV(sha256). In another script, nothing is left out.
        type: str
        required: true
      reason:
        description: Why it is left out.
        type: str
        required: true
notes:
  - String options accept text only. Without quotes, YAML reads V(1.10), V(0123), and V(yes) as 1.1, 83, and true, which are different
    names. So numbers, booleans, and lists are refused.
  - Secrets are refused if they have fewer than 8 characters, are a word of the results (such as V(finished) or V(snowflake)), or are part
    of another option, because Ansible replaces a secret with asterisks wherever it occurs in a result.
"""
