# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of 8 or more characters that occur in results as values, in lower case.

Ansible replaces a secret with asterisks wherever its characters occur in a result. So a secret that is one of these
words, or a part of one, would change what later tasks read. A unit test compares them with the code.
"""

from __future__ import annotations

import re

# What decisions rest on: states, codes of failures, dialects, technologies, verbs and kinds of statements.
STATES = """
already_done already_registered already_undone cancelled completed createerror creating databricks deleteerror different
impersonation_role deleting disabled editerror editing enabled executed finished found_registered handed_off
migrateerror migrating present recurringvalidationerror regenerated replaced replayed rolled_back
delete_connection edit_connection enable_objects register_connection remove_integration principal system_role system_user user_role
isactive not_needed skipped_by_operator snowflake succeeded unhealthy validationresults
"""
CODES = """
already_exists ambiguous_key api_missing authentication check_mode_write configuration confirmation_mismatch
confirmation_required contradiction credential_refused deadline differing empty_script immuta_error integration_shared invalid_option invalid_request
login_failed look_failed missing_library no_cleanup_script not_found not_verified objects_exist objects_left objects_missing objects_not_made
permission plan_changed platform_unknown rate_limited redirect registration_failed registration_refused registration_unknown rotation_unknown
script_changed script_lost script_missing script_not_saved script_started script_unfinished script_unknown
session_lost split_error statement_failed sync_failed transaction_open transport unexpected_reply unknown_outcome
platform_unreachable session_changed unfit_secret validation_failed wait_timeout
wrong_object wrong_platform
"""
TECHNOLOGIES = "bigquery databricks postgresql redshift snowflake sqlserver teradata"
SQL = """
aggregation application authentication bigquery catalog connection credential database describe developer dynamic execute
external failover function immediate integration listing masking materialized metastore network notification packages
password personal pipeline policies privacy procedure projection provider recipient repository replication rollback
schema secondary security semantic sequence service session snapshot statement storage streaming transaction truncate
variable volume warehouse
ownership privileges references restrict
"""
NAMES = """
accountadmin authenticator compute_wh externalbrowser immuta_system immuta_system_account immuta_wh main_wh orgadmin
securityadmin sysadmin useradmin snowflakecomputing azuredatabricks cloud.databricks.com immutacloud
"""
# Of the sentences and the names of options and of fields, which people read.
OTHERS = """
administrator api_key approved characters client_secret collection commands community confirmation connection_key
connections continue description executor getconnection immuta_cleanup_script immuta_connection integrations location password passphrase
platform platform_hosts preflight private_key private_key_passphrase resource snowflake_script databricks_script
statements something technology transport username
"""
RESULTS = frozenset(" ".join((STATES, CODES, TECHNOLOGIES, SQL, NAMES, OTHERS)).split())


# What times in results hold.
_TIME = re.compile(r"\d{4}-\d\d-[\dT:.Z-]*|T?\d\d:\d\d[\d:.Z]*")


def is_common(secret: str) -> bool:
    """Return whether a secret is a word of the results, or a part of one, in any case."""
    folded = secret.casefold()
    return _TIME.fullmatch(secret) is not None or any(folded in word for word in RESULTS)
