# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of Immuta's documented API: names of fields, and the values of its enumerations. None tells of a tenant.

Source: U(https://documentation.immuta.com/saas/developer-guides/api-intro).
"""

from __future__ import annotations

from ansible_collections.community.immuta.plugins.module_utils._immuta.technologies import TECHNOLOGIES

FIELD_NAMES = frozenset(
    [
        # Errors
        *("statusCode", "error", "message", "detail", "error_description"),
        # Lists and their pages
        *("hits", "results", "data", "objects", "items", "count", "total", "totalCount", "meta", "nextToken", "next"),
        *("size", "limit", "offset", "jobs"),
        # Signing in
        "token",
        # Integrations
        *("id", "type", "status", "autoBootstrap", "config", "validationResults", "validationTests", "name", "result"),
        *("host", "port", "warehouse", "database", "workspaceUrl", "httpPath", "catalog", "region", "role", "username"),
        *("password", "authenticationType", "oAuthClientConfig", "useCertificate", "clientId", "clientSecret", "scope"),
        *("authorityUrl", "publicCertificateThumbprint", "resource", "privateKey", "privateKeyPassword", "keyName"),
        *("userFilename", "content", "audit", "enabled", "impersonation", "groupPattern", "deny", "workspaceIds"),
        *("unityCatalog", "warnings"),
        # Connections
        *("connectionKey", "connection", "technology", "hostname", "nativeIntegrationId", "nativeIntegration"),
        *("createdAt", "createdBy", "updatedAt", "updatedBy", "creator", "updater", "email", "profile"),
        # Objects
        *(
            "objectPath",
            "child",
            "state",
            "settings",
            "overrides",
            "value",
            "hasDescendantsWithOverrides",
            "childCount",
        ),
        *("isActive", "activateNewChildren", "infrastructureAdmins", "dataOwners", "options", "forceRecursiveCrawl"),
        # Jobs
        *("output", "bulkId", "jobType", "startDate", "endDate", "created", "active", "completed", "failed", "expired"),
        *("cancelled", "retry"),
        # The version
        *("version", "immutaVersion"),
    ]
)
PLATFORMS = frozenset(one.name for one in TECHNOLOGIES)
INTEGRATION_STATUSES = frozenset(
    "creating createError enabled editing editError deleting deleteError deleted disabled migrating migrateError"
    " recurringValidationError".split()
)
JOB_STATES = frozenset("active cancelled completed created expired failed retry".split())
# The enumerations, by the fields that have them.
LITERALS: dict[str, frozenset[str]] = {
    "technology": PLATFORMS,
    "type": PLATFORMS | {"Google BigQuery", "Azure Synapse Analytics"},
    "status": INTEGRATION_STATUSES | {"passed", "failed", "skipped"},
    "state": JOB_STATES | {"ACTIVE", "INACTIVE", "UNHEALTHY", "inactive", "enabled", "disabled"},
    "authenticationType": frozenset(
        {"userPassword", "keyPair", "oAuthClientCredentials", "oAuthM2M", "token", "OAuthWithCertificate"}
    ),
}
