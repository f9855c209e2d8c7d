# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of objects of AWX, as data: the fields that the stand-in keeps, and what they refer to."""

from __future__ import annotations

import dataclasses

from .controller_rules import Json


@dataclasses.dataclass(frozen=True)
class Kind:
    """What there is of one kind of object.

    :ivar defaults: its fields, and what they are when they are not given
    :ivar references: fields that hold the id of another object, and where that is listed
    :ivar links: lists of other objects, and where those are listed
    """

    type: str
    defaults: Json
    references: dict[str, str] = dataclasses.field(default_factory=dict)
    links: dict[str, str] = dataclasses.field(default_factory=dict)


NOTIFICATIONS = tuple(f"notification_templates_{event}" for event in ("approvals", "success", "error", "started"))
# What teams can be given, by kind; the modules know each by its name with _role.
ROLES = {
    "inventories": ("admin", "use", "read", "update", "adhoc"),
    "job_templates": ("admin", "execute", "read"),
    "workflow_job_templates": ("admin", "execute", "read", "approval"),
}
PLACE = {"organization": "organizations"}
TEMPLATES = ("job_templates", "projects", "inventory_sources", "workflow_job_templates", "workflow_approval_templates")
KINDS: dict[str, Kind] = {
    "organizations": Kind("organization", {"name": ""}),
    "instance_groups": Kind("instance_group", {"name": ""}),
    "credential_types": Kind(
        "credential_type", {"name": "", "description": "", "kind": "", "inputs": {}, "injectors": {}, "managed": False}
    ),
    "credentials": Kind(
        "credential", {"name": "", "description": "", "inputs": {}}, {**PLACE, "credential_type": "credential_types"}
    ),
    "credential_input_sources": Kind(
        "credential_input_source",
        {"description": "", "input_field_name": "", "metadata": {}},
        {"target_credential": "credentials", "source_credential": "credentials"},
    ),
    "labels": Kind("label", {"name": ""}, PLACE),
    "teams": Kind("team", {"name": ""}, PLACE),
    "notification_templates": Kind("notification_template", {"name": ""}, PLACE),
    "execution_environments": Kind(
        "execution_environment",
        {"name": "", "description": "", "image": "", "pull": ""},
        {**PLACE, "credential": "credentials"},
    ),
    "projects": Kind(
        "project",
        {"name": "", "description": "", "scm_type": "", "scm_url": "", "scm_branch": "", "scm_revision": ""},
        {
            **PLACE,
            "credential": "credentials",
            "signature_validation_credential": "credentials",
            "default_environment": "execution_environments",
        },
    ),
    "inventories": Kind(
        "inventory", {"name": "", "description": "", "kind": "", "host_filter": None, "variables": ""}, PLACE
    ),
    "hosts": Kind(
        "host", {"name": "", "description": "", "variables": "", "enabled": True}, {"inventory": "inventories"}
    ),
    "inventory_sources": Kind(
        "inventory_source",
        {
            "name": "",
            "description": "",
            "source": "",
            "source_path": "",
            "overwrite": False,
            "overwrite_vars": False,
            "update_on_launch": False,
        },
        {
            "inventory": "inventories",
            "source_project": "projects",
            "credential": "credentials",
            "execution_environment": "execution_environments",
        },
    ),
    "job_templates": Kind(
        "job_template",
        {
            "name": "",
            "description": "",
            "job_type": "run",
            "playbook": "",
            "forks": 0,
            "job_slice_count": 1,
            "allow_simultaneous": False,
            "ask_job_type_on_launch": False,
            "ask_credential_on_launch": False,
            "ask_limit_on_launch": False,
            "ask_variables_on_launch": False,
            "extra_vars": "",
            "survey_enabled": False,
            "prevent_instance_group_fallback": False,
        },
        {
            **PLACE,
            "inventory": "inventories",
            "project": "projects",
            "execution_environment": "execution_environments",
        },
        {"credentials": "credentials", "instance_groups": "instance_groups", "labels": "labels"},
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        {
            "name": "",
            "description": "",
            "allow_simultaneous": False,
            "ask_limit_on_launch": False,
            "ask_variables_on_launch": False,
            "extra_vars": "",
            "survey_enabled": False,
        },
        PLACE,
        {"labels": "labels", **dict.fromkeys(NOTIFICATIONS, "notification_templates")},
    ),
    "schedules": Kind(
        "schedule",
        {"name": "", "description": "", "rrule": "", "extra_data": {}, "enabled": True},
        {"unified_job_template": "unified_job_templates"},
    ),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        {"identifier": ""},
        {"workflow_job_template": "workflow_job_templates", "unified_job_template": "unified_job_templates"},
        dict.fromkeys(("success_nodes", "failure_nodes", "always_nodes"), "workflow_job_template_nodes"),
    ),
    "workflow_approval_templates": Kind("workflow_approval_template", {"name": "", "description": "", "timeout": 0}),
}
