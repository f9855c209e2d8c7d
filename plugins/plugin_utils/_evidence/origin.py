# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For the report: who runs the role, on which controller, with which versions."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import pwd
import typing as t

import yaml

COLLECTION = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


@dataclasses.dataclass(frozen=True)
class Origin:
    """Who runs the role.

    :ivar host: that the role runs for
    :ivar versions: of the collection and of ansible-core
    """

    by: dict[str, t.Any]
    host: str
    versions: dict[str, str]


def origin(variables: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> Origin:
    """Who runs the role.

    :param variables: the host's
    :param environment: of the controller
    """
    return Origin(
        by={
            "user": _user(),
            "sudo_user": environment.get("SUDO_USER") or None,
            "controller": platform.node(),
            "automation": automation(variables, environment),
        },
        host=variables["inventory_hostname"],
        versions={"community.immuta": _version(), "ansible-core": variables["ansible_version"]["full"]},
    )


def automation(variables: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> dict[str, t.Any] | None:
    """The job of AWX, AAP, GitHub Actions or GitLab CI that the role runs in; None outside of these."""

    def awx(name: str) -> t.Any:
        return variables.get(f"awx_{name}") or variables.get(f"tower_{name}") or None

    def env(name: str) -> str | None:
        return environment.get(name) or None

    def env_path(*names: str) -> str | None:
        return ": ".join(filter(None, map(env, names))) or None

    if awx("job_id"):
        return {
            "system": "AWX",
            "job": str(awx("job_id")),
            "name": awx("job_template_name"),
            "workflow": awx("workflow_job_id"),
            "user": awx("user_name"),
            "revision": awx("project_revision"),
        }
    if env("GITHUB_RUN_ID"):
        return {
            "system": "GitHub Actions",
            "job": env("GITHUB_RUN_ID"),
            "name": env_path("GITHUB_REPOSITORY", "GITHUB_WORKFLOW"),
            "workflow": None,
            "user": env("GITHUB_ACTOR"),
            "revision": env("GITHUB_SHA"),
        }
    if env("GITLAB_CI"):
        return {
            "system": "GitLab CI",
            "job": env("CI_JOB_ID"),
            "name": env_path("CI_PROJECT_PATH", "CI_JOB_NAME"),
            "workflow": env("CI_PIPELINE_ID"),
            "user": env("GITLAB_USER_LOGIN"),
            "revision": env("CI_COMMIT_SHA"),
        }
    return None


def _user() -> str:
    # A container of AWX may run under a user that has no name.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _version() -> str:
    # A checkout has no manifest.
    try:
        with open(os.path.join(COLLECTION, "MANIFEST.json"), encoding="utf-8") as file:
            return str(json.load(file)["collection_info"]["version"])
    except FileNotFoundError:
        with open(os.path.join(COLLECTION, "galaxy.yml"), encoding="utf-8") as file:
            return str(yaml.safe_load(file)["version"])
