# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who runs the role: people, AWX, GitHub Actions, GitLab CI."""

from __future__ import annotations

import json
import os
import platform
import pwd
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._evidence import origin

HOST = {"inventory_hostname": "h", "ansible_version": {"full": "2.99.0"}}


def job(system: str, *values: str | None) -> dict[str, t.Any]:
    return {"system": system, **dict(zip(("job", "name", "workflow", "user", "revision"), values))}


@pytest.mark.parametrize(
    ("variables", "environment", "expected"),
    [
        pytest.param({}, {}, None, id="by hand"),
        pytest.param({"awx_job_id": 7}, {}, job("AWX", "7", None, None, None, None), id="AWX, little known"),
        pytest.param(
            {
                "awx_job_id": 7,
                "awx_job_template_name": "Remove",
                "awx_workflow_job_id": 6,
                "awx_user_name": "u",
                "awx_project_revision": "r",
            },
            {"GITHUB_RUN_ID": "1"},
            {"system": "AWX", "job": "7", "name": "Remove", "workflow": 6, "user": "u", "revision": "r"},
            id="AWX",
        ),
        pytest.param(
            {"tower_job_id": "7", "tower_user_name": "u"}, {}, job("AWX", "7", None, None, "u", None), id="Tower"
        ),
        pytest.param(
            {"awx_job_id": 8, "tower_job_id": 7}, {}, job("AWX", "8", None, None, None, None), id="AWX before Tower"
        ),
        pytest.param({"awx_job_id": ""}, {}, None, id="AWX, empty"),
        pytest.param(
            {},
            {
                "GITHUB_RUN_ID": "1",
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_WORKFLOW": "ci",
                "GITHUB_ACTOR": "u",
                "GITHUB_SHA": "s",
            },
            job("GitHub Actions", "1", "o/r: ci", None, "u", "s"),
            id="GitHub",
        ),
        pytest.param(
            {}, {"GITHUB_RUN_ID": "1"}, job("GitHub Actions", "1", None, None, None, None), id="GitHub, little known"
        ),
        pytest.param(
            {},
            {"GITHUB_RUN_ID": "1", "GITHUB_WORKFLOW": "ci", "GITHUB_ACTOR": ""},
            job("GitHub Actions", "1", "ci", None, None, None),
            id="GitHub, half a name",
        ),
        pytest.param(
            {},
            {
                "GITLAB_CI": "true",
                "CI_JOB_ID": "1",
                "CI_PROJECT_PATH": "g/p",
                "CI_JOB_NAME": "remove",
                "CI_PIPELINE_ID": "2",
                "GITLAB_USER_LOGIN": "u",
                "CI_COMMIT_SHA": "s",
            },
            job("GitLab CI", "1", "g/p: remove", "2", "u", "s"),
            id="GitLab",
        ),
        pytest.param({}, {"CI_JOB_ID": "1"}, None, id="another CI"),
    ],
)
def test_automation(
    variables: dict[str, t.Any], environment: dict[str, str], expected: dict[str, t.Any] | None
) -> None:
    assert origin.automation(variables, environment) == expected


@pytest.mark.parametrize(
    ("environment", "sudo_user"), [({}, None), ({"SUDO_USER": ""}, None), ({"SUDO_USER": "u"}, "u")]
)
def test_the_user_the_controller_and_the_versions(environment: dict[str, str], sudo_user: str | None) -> None:
    found = origin.origin(HOST, environment)
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert found.by == {"user": user, "sudo_user": sudo_user, "controller": platform.node(), "automation": None}
    assert found.host == "h"
    assert found.versions["ansible-core"] == "2.99.0"


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4000000)
    assert origin.origin(HOST, {}).by["user"] == "4000000"


@pytest.mark.parametrize(
    ("manifest", "version"), [(None, "1.0.0"), ({"collection_info": {"version": "2.0.0"}}, "2.0.0")]
)
def test_the_version_of_a_checkout_and_of_an_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifest: dict[str, t.Any] | None, version: str
) -> None:
    (tmp_path / "galaxy.yml").write_text("version: 1.0.0\n", encoding="utf-8")
    if manifest:
        (tmp_path / "MANIFEST.json").write_text(json.dumps(manifest), encoding="utf-8")
    monkeypatch.setattr(origin, "COLLECTION", str(tmp_path))
    assert origin.origin(HOST, {}).versions["community.immuta"] == version


def test_the_collection_is_found() -> None:
    assert (Path(origin.COLLECTION) / "galaxy.yml").exists() or (Path(origin.COLLECTION) / "MANIFEST.json").exists()
