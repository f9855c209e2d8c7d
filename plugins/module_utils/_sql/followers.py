# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patterns of what may follow the verb of a statement, for verbs that also start sentences ("Update in progress").

The rest of a statement is an outline: tokens in upper case with a space between two; of a literal only its quote. What
the dialects don't agree on is allowed.
"""

from __future__ import annotations

import re

_PART = r'(?:"|[\w$!]+)'
_NAME = rf"(?:[@:$] )?{_PART}(?: \.(?: {_PART})?)*"
# Words that kinds of objects consist of, and those between the verb and the kind.
_KIND_WORDS = "|".join(
    """
    ACCESS ACCOUNT AGGREGATE AGGREGATION ALERT API APPLICATION ASSEMBLY AUTHENTICATION AUTHORIZATION BUDGET CAST CATALOG
    CERTIFICATE CLUSTERED COLLATION COLUMN COMPUTE CONNECTION CONSTRAINT CONVERSION CREDENTIAL DATABASE DATASET DATASHARE
    DEFAULT DIRECTORY DOMAIN DYNAMIC EVENT EXTENSION EXTERNAL FAILOVER FEATURE FILE FOREIGN FORMAT FUNCTION FUNCTIONS GIT
    GLOBAL GROUP HYBRID ICEBERG IDENTITY IMAGE INDEX INTEGRATION JOIN KEY LANGUAGE LIBRARY LINK LISTING LOCAL LOCATION
    LOGIN MACRO MASKING MASTER MATERIALIZED METASTORE METRIC MODEL NETWORK NONCLUSTERED NOTEBOOK NOTIFICATION OPERATOR
    ORGANIZATION OWNED PACKAGE PACKAGES PARTITION PASSWORD PIPE PLUGGABLE POLICY POOL PRIVACY PRIVILEGES PROCEDURE PROFILE
    PROJECT PROJECTION PROVIDER PUBLIC PUBLICATION RECIPIENT RECURSIVE REPLICATION REPOSITORY RESOURCE RLS ROLE ROUTINE
    ROW RULE SCHEMA SECRET SECURE SECURITY SEMANTIC SEQUENCE SERVER SERVICE SESSION SHARE STAGE STATISTICS STORAGE STREAM
    STREAMING STREAMLIT SUBSCRIPTION SYNONYM SYSTEM TABLE TABLES TABLESPACE TAG TASK TEMP TEMPORARY TEXT TRANSIENT TRIGGER
    TYPE UNIQUE USER VARIABLE VIEW VOLATILE VOLUME WAREHOUSE WORKSPACE
    """.split()
)
_KIND = rf"(?:(?:{_KIND_WORDS}) )+?"
_AFTER_DROPPED = r"(?:$| (?:[(,&*]|(?:CASCADE|RESTRICT|ON|PURGE|FROM|FORCE|WITH|KEEP|INCLUDING|USING|BY)\b))"

AFTER = {
    verb: re.compile(pattern, re.DOTALL)
    for verb, pattern in {
        "ABORT": r"$|(?:TRANSACTION|WORK|SESSION)\b",
        "ALTER": rf"{_KIND}.",
        "CACHE": r"(?:LAZY )?TABLE .|SELECT\b",
        "CALL": rf"{_NAME} \(",
        "CLEAR": r"CACHE\b",
        "COMMENT": r"(?:IF EXISTS )?ON .",
        "COMMIT": r"$|(?:WORK|TRAN|TRANSACTION|AND|PREPARED)\b",
        "CONVERT": r"TO .",
        "COPY": rf"INTO .|{_NAME} (?:\(|FROM|TO) ",
        "CREATE": rf"OR (?:REPLACE|ALTER|REFRESH) .|{_KIND}.",
        "DELETE": rf"FROM .|{_NAME} WHERE ",
        "DENY": r".* TO .",
        "DISABLE": rf"{_KIND}.",
        "DO": rf"[$']|(?:LANGUAGE|BEGIN)\b|{_NAME} \(",
        "DROP": rf"OWNED BY .|{_KIND}(?:IF EXISTS )?(?:IDENTIFIER \(|'|{_NAME}{_AFTER_DROPPED})",
        "ENABLE": rf"{_KIND}.",
        "EXEC": rf"\(|{_NAME}(?:$| [(@'\d\"])",
        "EXECUTE": r"IMMEDIATE (?:['\"$:(@]|FROM .|"
        rf"{_NAME}(?:$| (?:['(|]|USING\b|INTO\b)))|(?:TASK|ALERT|SERVICE|JOB|NOTEBOOK|DBT|MANAGED) .|\(|{_NAME}(?:$| [(@'\d\"])",
        "EXPORT": r"(?:TABLE|DATA)\b",
        "FSCK": r"REPAIR TABLE .",
        "GET": r"[@'$]|FILE :|(?:STACKED |CURRENT )?DIAGNOSTICS\b",
        "GRANT": r".* TO .",
        "IF": rf"(?:NOT )?(?:EXISTS )?\(|(?:NOT )?{_NAME} (?:[(=<>!]|IS\b)",
        "INSERT": rf"(?:INTO|OVERWRITE|ALL|FIRST|IGNORE|TOP) .|{_NAME} (?:\(|SELECT\b|VALUES\b)",
        "KILL": r"(?:\w+ )?['\d]",
        "LIST": r"[@'$]|\w+ : /|(?:FILES?|JARS?|ARCHIVES?)\b",
        "LOAD": r"DATA .|'",
        "LOCK": rf"TABLES? .|INSTANCE FOR |{_NAME} IN ",
        "LS": r"[@'$]|\w+ : /",
        "MERGE": rf"INTO .|(?:WITH .*)?{_NAME} .*\bUSING\b",
        "MODIFY": rf"{_KIND}.",
        "PREPARE": r".* (?:AS|FROM) .|TRANSACTION '",
        "PURGE": rf"{_KIND}.|(?:RECYCLEBIN|BINARY)\b",
        "PUT": r"['$]|FILE :",
        "REASSIGN": r"OWNED BY .",
        "REFRESH": rf"(?:{_KIND_WORDS}) .|{_NAME}$|['/]",
        "RELEASE": rf"(?:SAVEPOINT )?{_NAME}$",
        "REMOVE": r"[@'$]",
        "RENAME": rf"{_KIND}.",
        "REPLACE": rf"INTO .|{_KIND}.|{_NAME} (?:\(|VALUES\b)",
        "RESET": rf"{_NAME}$|(?:QUERY CACHE|SESSION AUTHORIZATION)$",
        "RESTORE": rf"(?:(?:{_KIND_WORDS}|LOG) )?{_NAME} .*\b(?:TO|FROM)\b",
        "REVOKE": r".* FROM .",
        "RM": r"[@'$]|\w+ : /",
        "ROLLBACK": r"$|(?:WORK|TRAN|TRANSACTION|AND|TO|PREPARED)\b",
        "SECURITY": r"LABEL .",
        "SET": rf"$|{_NAME}$|- |\(|.*=|{_NAME} (?:TO|ON|OFF)\b|(?:CATALOG|CONSTRAINTS|GLOBAL|LOCAL|NAMES|RECIPIENT|ROLE|SCHEMA"
        r"|SESSION|TAGS?|TIME|TRANSACTION)\b",
        "START": r"TRANSACTION\b",
        "SYNC": r"(?:SCHEMA|TABLE) .",
        "TRUNCATE": rf"(?:TABLE |MATERIALIZED VIEW )?(?:IF EXISTS )?(?:IDENTIFIER \(|{_NAME}(?:$| (?:[(,*]|(?:CASCADE|"
        r"CONTINUE|DROP|IMMEDIATE|PARTITION|PURGE|RESTART|RESTRICT|REUSE)\b)))",
        "UNCACHE": r"TABLE .",
        "UNDROP": rf"{_KIND}.",
        "UNLOAD": r"\(|DATA\b",
        "UNLOCK": r"(?:TABLES?|INSTANCE)\b",
        "UPDATE": r".* SET .*=",
        "USE": r"(?:(?:ROLE|WAREHOUSE|DATABASE|CATALOG|SCHEMA|NAMESPACE) )?"
        rf"(?:IDENTIFIER \(|(?:{_NAME}|')$)|SECONDARY ROLES? .",
        "VALUES": r"[('\d]|NULL\b|- \d",
        "WITH": r".*\bAS\b",
    }.items()
}
